"""SVG badges, one a skill and one of all: "beam-ets-internals: 24 proven on OTP 24-27".

Knows: judged runs. Must not know: files, where a badge is shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

import msgspec

from harness.judge.finding import Verdict
from harness.judge.view import RunView, SkillView
from harness.report.marks import MARKS
from harness.report.releases import labels

ALL = "all"
"""File name of the badge of all skills together."""

_HEIGHT = 20
_PADDING = 6
_NARROW = frozenset("fijlrt.,:;'|!()[]1 -")
_WIDE = frozenset("mwMW%@OGQD\N{EN DASH}")


def badges(view: RunView) -> Iterator[tuple[str, bytes]]:
    """Yield file name and content of the badges: of each skill, and `all` of them together.

    Beside each stands what the endpoint of shields.io reads, for who wants that one's looks.
    """
    together = SkillView(
        name=ALL,
        description="",
        claims=tuple(claim for skill in view.skills for claim in skill.claims),
    )
    for skill in (*view.skills, together):
        name = "beamproof" if skill is together else skill.name
        text, verdict = badge_text(skill, complete=view.run.complete)
        yield f"{skill.name}.svg", _svg(name, text, MARKS[verdict].colour).encode()
        endpoint = {"schemaVersion": 1, "label": name, "message": text}
        colour = {"color": MARKS[verdict].colour.removeprefix("#")}
        yield f"{skill.name}.json", msgspec.json.encode({**endpoint, **colour})


def badge_text(skill: SkillView, *, complete: bool = True) -> tuple[str, Verdict]:
    """Return what the badge says, and the verdict that colours it.

    A claim counts as proven when no release says otherwise and at least one confirms it. The
    releases named are those on which something was confirmed or not: skipped ones prove nothing.
    """
    worst = [one.worst for one in skill.claims]
    refuted = worst.count(Verdict.REFUTED)
    undecided = worst.count(Verdict.INCONCLUSIVE)
    proven = sum(
        _is_proven({found.verdict for found in one.cells.values()}) for one in skill.claims
    )
    seen = dict.fromkeys(
        runtime
        for one in skill.claims
        for runtime, finding in one.cells.items()
        if finding.verdict is not Verdict.SKIPPED
    )
    asked = dict.fromkeys(name for one in skill.claims for name in one.cells)
    where = f" on {labels(seen, asked)}" if seen else ""
    parts = [f"{proven} proven"]
    parts += [f"{refuted} refuted"] if refuted else []
    parts += [f"{undecided} inconclusive"] if undecided else []
    parts += ["run incomplete"] if not complete else []
    return ", ".join(parts) + where, _colour(proven, refuted, undecided, complete=complete)


def _is_proven(verdicts: set[Verdict]) -> bool:
    return Verdict.CONFIRMED in verdicts and verdicts <= {Verdict.CONFIRMED, Verdict.SKIPPED}


def _colour(proven: int, refuted: int, undecided: int, *, complete: bool) -> Verdict:
    if refuted:
        return Verdict.REFUTED
    if undecided or not complete:
        return Verdict.INCONCLUSIVE
    return Verdict.CONFIRMED if proven else Verdict.SKIPPED


def _svg(name: str, text: str, colour: str) -> str:
    left, right = _width(name) + 2 * _PADDING, _width(text) + 2 * _PADDING
    title = f"{name}: {text}"
    style = 'fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="{_HEIGHT}"'
        f' role="img" aria-label={quoteattr(title)}>\n'
        f"<title>{escape(title)}</title>\n"
        f'<clipPath id="r-{name}"><rect width="{left + right}" height="{_HEIGHT}" rx="3"/>'
        f"</clipPath>\n"
        f'<g clip-path="url(#r-{name})"><path fill="#444" d="M0 0h{left}v{_HEIGHT}H0z"/>'
        f'<path fill="{colour}" d="M{left} 0h{right}v{_HEIGHT}H{left}z"/></g>\n'
        f"<g {style}>{_text(name, _PADDING)}{_text(text, left + _PADDING)}</g>\n</svg>\n"
    )


def _text(text: str, x: int) -> str:
    """Return the text set to its reckoned width, so that any font fits the box."""
    return f'<text x="{x}" y="14" textLength="{_width(text)}">{escape(text)}</text>'


def _width(text: str) -> int:
    """Reckon the width of text in pixels, in Verdana at 11 pixels."""
    return round(sum(4.6 if char in _NARROW else 9.2 if char in _WIDE else 6.9 for char in text))
