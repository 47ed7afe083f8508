"""What a code host marks in a change: a line of GitHub's workflow commands a finding.

Knows: findings, problems of claim files, the form of the commands. Must not know: where it goes.

Source: https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from harness.claims.problems import Problem, Severity
from harness.judge.finding import Finding, Verdict

_LEVELS = {Verdict.REFUTED: "error", Verdict.INCONCLUSIVE: "warning"}


def wanted(environment: Mapping[str, str] = os.environ) -> bool:
    """Tell whether the output is read by GitHub's runner."""
    return environment.get("GITHUB_ACTIONS") == "true"


def of_findings(findings: Sequence[Finding]) -> Iterator[str]:
    """Yield an annotation a claim and reason: its releases together, refuted ones as errors."""
    releases: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        if finding.verdict in _LEVELS:
            releases.setdefault((finding.claim.name, finding.reason), []).append(finding)
    for alike in releases.values():
        first = alike[0]
        on = ", ".join(finding.cell.runtime for finding in alike)
        yield _command(
            _LEVELS[first.verdict],
            {
                "file": _within(first.claim.path),
                "line": str(first.claim.line),
                "title": f"{first.claim.name} is {first.verdict} on {on}",
            },
            first.reason,
        )


def of_problems(problems: Iterable[Problem]) -> Iterator[str]:
    """Yield an annotation a problem of a claim file."""
    for one in problems:
        level = "error" if one.severity is Severity.ERROR else "warning"
        yield _command(level, {"file": _within(one.path), "line": str(one.line)}, one.message)


def _within(path: Path) -> str:
    """Return a path as the code host knows it: below the working directory."""
    resolved = path.resolve()
    here = Path.cwd().resolve()
    return str(resolved.relative_to(here) if resolved.is_relative_to(here) else resolved)


def _command(level: str, properties: Mapping[str, str], message: str) -> str:
    listed = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{level} {listed}::{_escaped(message)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
