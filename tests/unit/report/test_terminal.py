"""What a terminal and a log show of findings."""

from __future__ import annotations

from io import StringIO

from rich.console import Console
from support.judging import claim, failed, observation, rival, sample

from harness.judge.finding import Finding
from harness.judge.judge import judge
from harness.report.terminal.findings import render_findings
from harness.run.model import FailureKind


def finding(name: str, kind: FailureKind, reason: str, version: str = "27.3.4.1") -> Finding:
    stated = claim({"a_count": 1}, rival({"a_count": 2}), name=name)
    return judge(stated, observation(failed(kind, reason), name=name, version=version))


def shown(*findings: Finding) -> str:
    console = Console(file=StringIO(), force_terminal=False, color_system=None)
    with console.capture() as captured:
        render_findings(findings, None, console=console)
    return captured.get()


def test_a_module_that_does_not_compile_is_told_once_with_its_cells() -> None:
    """Fifty claims of one module are one thing to mend, on each release by itself."""
    kind = FailureKind.NOT_COMPILED
    broken = [finding(f"law-{number}", kind, "x.erl:4: bad") for number in range(50)]
    later = finding("law-0", kind, "x.erl:4: worse", version="25.2.3")
    text = shown(*broken, later)
    assert text.count("x.erl:4: bad") == 1
    assert "the same in 50 cells; also beam-test/law-1@otp27" in text
    assert text.count("x.erl:4: worse") == 1
    assert "51 inconclusive" in text


def test_probes_that_crash_alike_are_told_each() -> None:
    """Two probes that raise the same have two causes until somebody has looked."""
    kind = FailureKind.CRASHED
    text = shown(finding("law-1", kind, "badarg"), finding("law-2", kind, "badarg"))
    assert text.count("the probe crashed: error: badarg") == 2


def test_claims_about_other_releases_are_one_line() -> None:
    """However many; what a machine lacks is told with the claim that lacks it."""
    outside = [
        judge(
            claim({"a_count": 1}, rival({"a_count": 2}), name=f"law-{n}", otp=">=27"),
            observation(sample({"a_count": 2}), name=f"law-{n}", version="25.3"),
        )
        for n in range(3)
    ]
    lacks = finding("law-9", FailureKind.UNMET_NEED, "no compiler", version="25.3")
    text = shown(*outside, lacks)
    assert "- skipped on otp25: 3 claims about other releases, as they say (-v: each)" in text
    assert "- skipped on otp25: beam-test/law-9: no compiler" in text
    assert text.count("- skipped") == 2


def test_what_no_prediction_can_speak_of_is_told() -> None:
    """A pid is another one in every run."""
    stated = claim({"a_count": 1}, rival({"a_count": 2}))
    evidence = {"a_count": 1, "owner": {"pid": "<0.87.0>"}}
    text = shown(judge(stated, observation(sample(evidence))))
    assert "! beam-test/law@otp27: owner.pid: names of processes" in text
    assert "!" not in shown(judge(stated, observation(sample({"a_count": 1}))))


def test_no_line_has_blanks_at_its_end_and_none_is_cut() -> None:
    """What is piped is searched, compared and pasted."""
    reason = "a reason " * 60 + "to the end"
    text = shown(finding("law-1", FailureKind.CRASHED, reason))
    assert all(line == line.rstrip() for line in text.splitlines())
    assert any(reason in line for line in text.splitlines())
