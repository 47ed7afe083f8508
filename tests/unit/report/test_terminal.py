"""What a terminal and a log show of findings."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

import msgspec
import pytest
from rich.console import Console
from support import synthetic_runs
from support.judging import claim, failed, observation, rival, sample
from support.synthetic_runs import SIXTY, Shape

from harness.claims.folder import load_skills
from harness.claims.model import Skill
from harness.judge.compare import compare
from harness.judge.finding import Finding
from harness.judge.judge import judge
from harness.judge.trend import trends
from harness.judge.view import RunView, view
from harness.report.markdown import render_comparison, render_markdown
from harness.report.terminal.claims import findings_lines
from harness.report.terminal.findings import render_findings
from harness.report.terminal.history import comparison_text, trend_text
from harness.run.file import read_run
from harness.run.model import FailureKind, Run


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


@pytest.fixture(scope="module")
def sixty(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunView, RunView]:
    """Return two nights of sixty patch releases: one claim moved, one fell in the second."""
    folder = tmp_path_factory.mktemp("sixty")
    shape = Shape(releases=SIXTY, claims=8, skills=1, moved=frozenset({4}), moved_from="27.2")
    files = synthetic_runs.write(folder, shape)
    second = replace(
        shape, refuted=frozenset({2}), run="second", started="2026-11-21T03:00:00+00:00"
    )
    (folder / "next.jsonl").write_bytes(synthetic_runs.content(second, files))
    skills = load_skills(files.claims)
    first, other = (view(read_run(path), skills) for path in (files.run, folder / "next.jsonl"))
    return first, other


def test_sixty_columns_fit_a_terminal(sixty: tuple[RunView, RunView]) -> None:
    """Neighbours that agree share a column of the table, and what is said of them one line."""
    console = Console(file=StringIO(), force_terminal=False, color_system=None)
    with console.capture() as captured:
        render_findings(sixty[0].findings, sixty[0].run, console=console)
    text = captured.get()
    assert max(map(len, text.splitlines())) < 160
    assert "24.0.1\N{EN DASH}27.3.1" in text
    assert text.count("claim-000 on OTP 24.0\N{EN DASH}27.3.4.10 left behind") == 1


def test_what_fell_alike_on_many_releases_is_told_once(sixty: tuple[RunView, RunView]) -> None:
    """In detail for the first, the others by their names."""
    stated = sixty[0].skills[0].claims[0].claim
    wrong = sample({"largest_heap_binary_bytes": 1, "smallest_refc_binary_bytes": 2})
    fallen = [
        msgspec.structs.replace(
            observation(wrong, name=stated.id, version=version),
            runtime=f"otp{version}",
        )
        for version in SIXTY
    ]
    console = Console(file=StringIO(), force_terminal=False, color_system=None)
    with console.capture() as captured:
        render_findings([judge(stated, one) for one in fallen], None, console=console)
    text = captured.get()
    assert text.count("again:") == 1
    assert "the same on OTP 24.0\N{EN DASH}27.3.4.10" in text


def test_show_tells_ranges_and_folds_what_agrees(sixty: tuple[RunView, RunView]) -> None:
    """`24.0-27.1.3: 64; 27.2 on: 65`; of what differs on all of them the newest in full."""

    def told(claim_id: str) -> str:
        own = [one for one in sixty[0].findings if one.cell.claim == claim_id]
        return "\n".join(findings_lines(own))

    moved = told("claim-004")
    assert "24.0\N{EN DASH}27.1.3: 64 bytes; 27.2 on: 65 bytes" in moved
    assert moved.count("confirmed: ") == 2
    timed = told("claim-002")
    assert timed.count("confirmed: ") == 2
    assert timed.count("evidence (1 of 5 samples)") == 5


def test_compare_and_trend_of_sixty_columns_can_be_read(sixty: tuple[RunView, RunView]) -> None:
    """A release that is gone is a line with its neighbours; figures are those of the newest."""
    first, second = sixty
    gone = view(cut_to_one_release(first), [skill_of(first)])
    text = comparison_text(compare(first, gone))
    assert text.count("all 8 cells gone") <= 3
    assert len(text.splitlines()) < 40
    lines = trend_text(trends([first, second]).values(), ["", ""]).splitlines()
    assert len(lines) < 100
    assert any("56 others: " in line and "on all 60" in line for line in lines)
    worse = render_comparison(compare(first, second))
    assert "`beam-skill-a/claim-002@otp27.3.4.10`" in worse
    report = render_markdown(first)
    assert "| 24.0\N{EN DASH}27.1.3: 64 bytes; 27.2 on: 65 bytes |" in report
    assert "OTP 24.0.1\N{EN DASH}27.3.1, each" in report


def cut_to_one_release(judged: RunView) -> Run:
    header = judged.run.header
    kept = tuple(cell for cell in header.cells if cell.endswith("@otp27.2"))
    seen = tuple(one for one in judged.run.observations if one.runtime == "otp27.2")
    cut = msgspec.structs.replace(header, cells=kept, left_out=())
    return msgspec.structs.replace(judged.run, header=cut, observations=seen)


def skill_of(judged: RunView) -> Skill:
    (found,) = judged.skills
    claims = tuple(one.claim for one in found.claims)
    return Skill(name=found.name, description="", claims=claims)


def test_two_ways_to_one_version_are_told_apart(sixty: tuple[RunView, RunView]) -> None:
    """By what their names add, where version and way are the same."""
    stated = sixty[0].skills[0].claims[4].claim
    names = ("otp27-app-1", "otp27-app-2")
    run = sixty[0].run
    records = [
        msgspec.structs.replace(run.header.runtimes[-1], name=name, origin=name) for name in names
    ]
    header = msgspec.structs.replace(run.header, runtimes=tuple(records))
    good = sample({"largest_heap_binary_bytes": 64, "smallest_refc_binary_bytes": 65})
    findings = [
        judge(
            stated,
            msgspec.structs.replace(
                observation(good, name=stated.id, version="26.2"), runtime=name
            ),
        )
        for name in names
    ]
    console = Console(file=StringIO(), force_terminal=False, color_system=None, width=100)
    with console.capture() as captured:
        both = msgspec.structs.replace(run, header=header)
        render_findings(findings, both, console=console)
    assert "app-1" in captured.get()
    assert "app-2" in captured.get()
