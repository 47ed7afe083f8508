"""What changed from run to run, as an Atom feed.

Knows: comparisons. Must not know: files, pages.

Source: RFC 4287.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from xml.sax.saxutils import escape, quoteattr

from harness.judge.compare import Comparison, compare
from harness.judge.view import RunView
from harness.report.changes import lost_lines, notes
from harness.report.html.pages import headline
from harness.report.phrases import moment

_MOST = 10
"""Runs that the feed tells of, the newest first."""


def feed(
    history: Sequence[RunView], site: str | None, newest_change: Comparison | None = None
) -> bytes:
    """Return the feed of the changes between neighbouring runs.

    Args:
        history: judged runs, the oldest first.
        site: the address of the site, None where it is not known: entries then have no link.
        newest_change: the last two runs compared, where somebody did.
    """
    newest = history[-1].run.header
    pairs = list(pairwise(history))[-_MOST:]
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        '<feed xmlns="http://www.w3.org/2005/Atom">',
        "<title>What changed about the Erlang VM, as beamproof saw it</title>",
        f"<id>urn:beamproof:feed:{escape(history[0].run.header.run)}</id>",
        f"<updated>{escape(newest.started)}</updated>",
        "<author><name>beamproof</name></author>",
        *([f"<link href={quoteattr(site)}/>"] if site else []),
        *(line for found in _changes(pairs, newest_change) for line in _entry(found, site)),
        "</feed>",
    ]
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")


def _changes(
    pairs: Sequence[tuple[RunView, RunView]], newest: Comparison | None
) -> Iterator[Comparison]:
    """Yield what changed between neighbours that can be compared, the newest first."""
    if newest is not None:
        yield newest
        pairs = pairs[:-1]
    for old, new in reversed(pairs):
        if old.by_cell.keys() & new.by_cell.keys():
            yield compare(old, new)


def _entry(found: Comparison, site: str | None) -> Iterator[str]:
    if found.unchanged:
        return
    yield "<entry>"
    yield f"<title>{escape(_title(found))}</title>"
    yield f"<id>urn:beamproof:run:{escape(found.new.run)}</id>"
    yield f"<updated>{escape(found.new.started)}</updated>"
    if site:
        changes = f"{site.rstrip('/')}/index.html#changes"
        yield f"<link href={quoteattr(changes)}/>"
    text = "\n".join(_sentences(found))
    yield f"<content type={quoteattr('text')}>{escape(text)}</content>"
    yield "</entry>"


def _title(found: Comparison) -> str:
    parts = [f"{count} {what}" for what, count in headline(found).items() if count]
    return f"{moment(found.new.started)}: {', '.join(parts) or 'other builds'}"


def _sentences(found: Comparison) -> Iterator[str]:
    yield from notes(found)
    yield from lost_lines(found)
    for change in found.verdicts:
        yield f"{change.direction.value}: {change.cell}: {change.new_reason}"
