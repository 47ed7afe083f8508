"""What the site's search looks through, as a script that a page loads: no server is asked.

Knows: judged claims. Must not know: how it is searched (that is in `site.js`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from harness.judge.finding import Verdict
from harness.judge.view import WORST_FIRST, ClaimView, RunView
from harness.report.evidence import flatten

_NAME = "beamproofIndex"


def index(view: RunView, href: Callable[[str], str]) -> bytes:
    """Return the script: a list of claims, each with its page, name, verdict and texts.

    Args:
        view: the judged run.
        href: the page of a claim by its name, from the search page.
    """
    rows = [_row(one, href) for skill in view.skills for one in skill.claims]
    data = json.dumps(rows, ensure_ascii=False, separators=(",", ":")).replace("</", r"<\/")
    return f"window.{_NAME} = {data};\n".encode("utf-8", "replace")


def _row(one: ClaimView, href: Callable[[str], str]) -> dict[str, Any]:
    found = {finding.verdict for finding in one.cells.values()}
    worst: Verdict = next(verdict for verdict in WORST_FIRST if verdict in found)
    if worst is Verdict.SKIPPED and Verdict.CONFIRMED in found:
        worst = Verdict.CONFIRMED
    return {
        "href": href(one.claim.name),
        "name": one.claim.name,
        "verdict": worst.value,
        "statement": one.claim.statement,
        "rivals": [rival.statement for rival in one.claim.rivals],
        "keys": " ".join(dict.fromkeys(_keys(one))),
    }


def _keys(one: ClaimView) -> Iterator[str]:
    for prediction in one.claim.expect:
        yield prediction.name
    for finding in one.cells.values():
        samples = finding.observation.samples if finding.observation else ()
        for sample in samples[:1]:
            yield from flatten(sample.evidence or {})
