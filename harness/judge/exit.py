"""The exit code that findings come to.

Knows: verdicts. Must not know: how they were reached or are shown.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.errors import ExitCode
from harness.judge.finding import Finding, Verdict, overall

_CODES = {
    Verdict.REFUTED: ExitCode.REFUTED,
    Verdict.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
    Verdict.CONFIRMED: ExitCode.CONFIRMED,
    Verdict.SKIPPED: ExitCode.NOTHING_SELECTED,
}


def exit_code(findings: Sequence[Finding]) -> ExitCode:
    """Return the exit code of a run: refuted before inconclusive before confirmed.

    A run that confirmed nothing proves nothing: it exits as if nothing had been selected.
    """
    return _CODES[overall(finding.verdict for finding in findings)]
