"""Rounds of a campaign: the worst of them decides, and how often is told."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from support.judging import claim, failed, observation, rival, sample
from support.synthetic_runs import Files

from harness.claims.folder import load_skills
from harness.cli.main import run as command
from harness.errors import ExitCode
from harness.judge.finding import Finding, Verdict
from harness.judge.judge import judge
from harness.judge.stability import over_rounds, stability
from harness.judge.view import view
from harness.report.to_json import finding_report
from harness.run.file import read_run
from harness.run.latest import newest_of_each_cell
from harness.run.lines import content
from harness.run.merge import merge
from harness.run.model import FailureKind, Observation, Run

LAW = claim({"x_count": 1}, rival({"x_count": {"at_least": 3}}))


def found(*values: int | None) -> list[Finding]:
    """Judge an observation a value; None is one without evidence."""
    samples = (
        failed(FailureKind.TIMEOUT) if value is None else sample({"x_count": value})
        for value in values
    )
    return [judge(LAW, observation(one)) for one in samples]


def test_a_cell_without_rounds_is_as_it_was() -> None:
    """Runs that are no campaign know nothing of rounds."""
    (first,) = found(1)
    assert over_rounds(first, []) is first
    assert stability(first) == ""


def test_rounds_that_agree_are_counted() -> None:
    """The reason stays as it was."""
    first, *rounds = found(1, 1, 1)
    whole = over_rounds(first, rounds)
    assert (whole.verdict, whole.reason) == (Verdict.CONFIRMED, first.reason)
    assert stability(whole) == "3 confirmed"


@pytest.mark.parametrize(
    ("values", "verdict", "said", "counts"),
    [
        ((1, 1, 2, 1), Verdict.REFUTED, "refuted in 1 of 4 rounds, the first is 3", "1 refuted, 3"),
        ((2, 1, 1), Verdict.REFUTED, "refuted in 1 of 3 rounds, the first is 1", "1 refuted, 2"),
        ((1, None, None), Verdict.INCONCLUSIVE, "inconclusive in 2 of 3 rounds", "2 inconclusive"),
        ((1, None, 2), Verdict.REFUTED, "refuted in 1 of 3 rounds, the first is 3", "1 refuted, 1"),
    ],
)
def test_one_round_that_breaks_a_law_decides(
    values: tuple[int | None, ...], verdict: Verdict, said: str, counts: str
) -> None:
    """And the reason says how often, which first, and what it was."""
    first, *rounds = found(*values)
    whole = over_rounds(first, rounds)
    assert whole.verdict is verdict
    assert whole.reason.startswith(f"flaky: {said}")
    assert stability(whole).startswith(counts)
    assert sum(finding_report(whole).rounds.values()) == len(values)


def campaign(files: Files, folder: Path) -> Run:
    """Return the synthetic run as a campaign of two rounds, the second of which breaks a law."""
    whole = read_run(files.run)

    def again(seen: Observation, number: int) -> Observation:
        return msgspec.structs.replace(seen, round=number)

    broken = next(
        one for one in whole.observations if one.cells == ("beam-skill-a/claim-000@otp26",)
    )
    wrong = msgspec.structs.replace(
        broken,
        round=2,
        samples=tuple(
            msgspec.structs.replace(
                one, evidence={**(one.evidence or {}), "largest_heap_binary_bytes": 63}
            )
            for one in broken.samples
        ),
    )
    repeats = (*(again(one, 1) for one in whole.observations), wrong)
    footer = msgspec.structs.replace(
        whole.footer, observations=len(whole.observations) + len(repeats)
    )
    run = msgspec.structs.replace(
        whole, path=folder / "campaign.jsonl", repeats=repeats, footer=footer
    )
    run.path.write_bytes(content(run))
    return run


def test_a_campaign_is_read_as_it_was_written(files: Files, tmp_path: Path) -> None:
    """Rounds replace no observation of the run, and go with it wherever it is joined."""
    whole = read_run(files.run)
    run = read_run(campaign(files, tmp_path).path)
    assert run.damaged == ()
    assert run.observations == whole.observations
    assert len(run.repeats) == len(whole.observations) + 1
    joined = merge([run], at="2026-11-21T00:00:00.000+00:00")
    assert joined.repeats == run.repeats
    assert joined.footer.observations == joined.content().count(b'{"kind":"observation"')
    assert newest_of_each_cell(tmp_path).repeats == run.repeats


def test_every_reader_sees_what_a_round_broke(
    files: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The verdict, the terminal and the site."""
    run = campaign(files, tmp_path)
    cell = next(
        one
        for one in view(run, load_skills(files.claims)).findings
        if one.cell == "beam-skill-a/claim-000@otp26"
    )
    assert cell.verdict is Verdict.REFUTED
    assert stability(cell) == "1 refuted, 2 confirmed"
    folders = ["--claims", str(files.claims)]
    assert command(["judge", str(run.path), *folders]) == ExitCode.REFUTED
    assert "flaky: refuted in 1 of 3 rounds, the first is 3" in capsys.readouterr().out
    site = tmp_path / "site"
    args = ["report", str(run.path), "-o", str(site), "--probes", str(files.probes), *folders]
    assert command(args) == ExitCode.CONFIRMED
    page = (site / "beam-skill-a" / "claim-000.html").read_text()
    assert "<dt>Rounds</dt><dd>1 refuted, 2 confirmed</dd>" in page
    assert "<dt>Rounds</dt><dd>2 confirmed</dd>" in page


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--until-stable", "10"], "'10' is no span of time"),
        (
            ["--until-stable", "1m", "--reuse", "1h"],
            "--reuse and --until-stable exclude each other",
        ),
        (["--until-stable", "1m", "--resume", "latest"], "--resume and --until-stable exclude"),
    ],
)
def test_what_makes_no_sense_is_refused(
    options: list[str], said: str, stored_half: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Before a VM starts."""
    assert command(["verify", *options, *stored_half]) == ExitCode.BAD_INPUT
    assert said in capsys.readouterr().err
