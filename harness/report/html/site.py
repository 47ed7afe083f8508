"""Write the site: pages from templates, the style sheet, the script.

Knows: templates and where each page lies. Must not know: files (the caller writes them).
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from importlib.resources import files
from pathlib import PurePath
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from harness.authoring.probe_source import ProbeModule
from harness.authoring.probe_then import ProbeThen, probe_then
from harness.judge.compare import Comparison
from harness.judge.finding import Verdict
from harness.judge.trend import ClaimTrend, trends
from harness.judge.view import ClaimView, RunView, SkillView
from harness.report import phrases
from harness.report.columns import columns_of_run, columns_of_skill, skipped
from harness.report.html import charts, escripts, feed, pages, search, side_by_side, texts
from harness.report.html.highlight import highlighted
from harness.report.html.links import Links
from harness.report.html.series import words
from harness.report.marks import MARKS
from harness.report.phrases import outcome_word
from harness.report.releases import label, labels
from harness.report.to_json import render_json, report
from harness.run import lines
from harness.run.cells import CellId
from harness.run.model import Run

_ASSETS = ("site.css", "site.js", "compare.js", "icon.svg")
_TAKEN = frozenset({"index", "assets", "compare", "data", "method", "search"})


_NO_LINKS = Links()


def page_name(name: str) -> str:
    """Return the file name, without its ending, of a skill's or a claim's page."""
    return f"{name}-page" if name in _TAKEN else name


def site(  # noqa: PLR0913 - what a site is made of
    history: Sequence[RunView],
    modules: Mapping[str, ProbeModule],
    comparison: Comparison | None = None,
    *,
    links: Links = _NO_LINKS,
    address: str | None = None,
    sources: Mapping[str, str] | None = None,
) -> Iterator[tuple[str, bytes]]:
    """Yield the site's files.

    Args:
        history: judged runs, the oldest first; the last is what the site is about.
        modules: the probe modules by name, for their source.
        comparison: the last run against the one before it, where there is one.
        links: where others read the project's files.
        address: of the site itself, for the feed.
        sources: the texts of the probe modules by name, for files that show a skill's claims.

    Returns:
        Pairs of a relative path and the file's content, the front page first.
    """
    view = history[-1]
    shared = {
        "view": view,
        "history": history,
        "run": view.run.header,
        "feed": len(history) > 1,
        "links": links,
        "shown": {skill.name: escripts.shown(skill, sources or {}) for skill in view.skills},
    }
    yield "index.html", _front(view, history, comparison, shared)
    yield "search.html", _render("search.html", root="", **shared)
    yield "method.html", _render("method.html", root="", verdicts=Verdict, **shared)
    yield "assets/index.js", search.index(view, partial(claim_href, ""))
    yield "data/report.json", render_json(report(view))
    yield "data/run.jsonl", lines.content(view.run)
    if len(history) > 1:
        facts = side_by_side.facts(history)
        yield "assets/runs.js", side_by_side.script(history, partial(claim_href, ""))
        yield "compare.html", _render("compare.html", root="", **facts, **shared)
        yield "changes.atom", feed.feed(history, address, comparison)
    for name in _ASSETS:
        yield f"assets/{name}", (files(__package__) / "assets" / name).read_bytes()
    known = trends(history) if len(history) > 1 else {}

    for skill in view.skills:
        yield from _skill(skill, modules, known, shared)


def _skill(
    skill: SkillView,
    modules: Mapping[str, ProbeModule],
    known: Mapping[str, ClaimTrend],
    shared: Mapping[str, Any],
) -> Iterator[tuple[str, bytes]]:
    base = page_name(skill.name)
    tally = pages.tally(skill)
    if (file := shared["shown"][skill.name]).text:
        yield f"{base}/{file.name}", file.text.encode()
    columns = columns_of_skill(shared["view"], skill)
    yield (
        f"{base}.html",
        _render("skill.html", skill=skill, tally=tally, columns=columns, root="", **shared),
    )
    for one in skill.claims:
        page = pages.claim_page(
            one,
            probe=_probe(shared["view"].run, one, modules),
            trend=known.get(one.claim.name),
            links=shared["links"],
            noted=shared["view"].run.notes,
        )
        yield (
            f"{base}/{page_name(one.claim.id)}.html",
            _render("claim.html", page=page, skill=skill, root="../", **shared),
        )


def _front(
    view: RunView,
    history: Sequence[RunView],
    comparison: Comparison | None,
    shared: Mapping[str, Any],
) -> bytes:
    return _render(
        "front.html",
        root="",
        troubles=pages.troubles(view),
        skipped=skipped(view),
        skills=pages.worst_first(view.skills),
        columns=columns_of_run(view),
        notes=pages.notes(view.run),
        claims=sum(len(skill.claims) for skill in view.skills),
        tiles=pages.TILES,
        hosts=pages.hosts(view),
        command=_command(view.run.header.command),
        comparison=comparison,
        changes=pages.headline(comparison) if comparison else {},
        runs=tuple(reversed(history)),
        **shared,
    )


def _command(words: Sequence[str]) -> str:
    """Return the command that made a run, so that it can be copied: without its folder."""
    program, *rest = words or ("",)
    return shlex.join((PurePath(program).name, *rest))


def _probe(run: Run, one: ClaimView, modules: Mapping[str, ProbeModule]) -> ProbeThen:
    """Return the probe of a claim's newest observation."""
    seen = [finding.observation for finding in one.cells.values() if finding.observation]
    newest = max(seen, key=lambda observation: observation.at, default=None)
    return probe_then(run, newest, f"{one.claim.module}:{one.claim.probe}", modules)


def _render(template: str, **values: Any) -> bytes:
    return environment().get_template(template).render(values).encode("utf-8", "replace")


@lru_cache(maxsize=1)
def environment() -> Environment:
    """Return the templates with everything that they may call."""
    made = Environment(
        loader=PackageLoader("harness.report.html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "text": texts.text,
        "prose": texts.prose,
        "key": texts.key,
        "moment": phrases.moment,
        "label": label,
        "labels": _labels,
        "plural": phrases.plural,
        "words": words,
        "path": charts.path,
        "erlang": highlighted,
        "page": page_name,
    }
    made.globals |= {
        "chart": charts.lay_out,
        "colour": charts.colour,
        "marker": charts.marker,
        "marks": MARKS,
        "took": phrases.took,
        "host_of": pages.host_of,
        "build_of": pages.build_of,
        "table_of": pages.table_of,
        "outcome_word": outcome_word,
        "cell_href": cell_href,
        "claim_href": claim_href,
    }
    return made


def _labels(names: Iterable[str], among: Iterable[str] = ()) -> str:
    return labels(names, among)


def claim_href(root: str, name: str) -> str:
    """Return the link to a claim's page from a page whose way to the top is `root`."""
    claim = CellId(f"{name}@")
    return f"{root}{page_name(claim.skill)}/{page_name(claim.claim)}.html"


def cell_href(root: str, cell: str) -> str:
    """Return the link to a cell on its claim's page."""
    named = CellId(cell)
    return f"{claim_href(root, named.name)}#{named.claim}@{named.runtime}"
