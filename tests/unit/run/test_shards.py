"""Shares: together they are the whole, each call once, the same wherever they are dealt out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from support.synthetic_runs import Files

from harness.cli.main import run as command
from harness.errors import ExitCode, InputError
from harness.run.cells import CellId, ProbeCall
from harness.run.durations import Durations, durations_beside, read_durations
from harness.run.file import read_run
from harness.run.lines import content
from harness.run.merge import merge
from harness.run.model import Observation, Run, Share
from harness.run.shards import Shard, share
from harness.run.work import Work

AT = "2026-11-20T04:00:00.000+00:00"


def works(count: int, **fields: bool) -> list[Work]:
    calls = [ProbeCall(module="m", function=f"f{at}", **fields) for at in range(count)]
    return [
        Work(runtime=name, call=call, cells=(CellId.of("s", call.function, name),))
        for call in calls
        for name in ("otp25", "otp27")
    ]


def dealt(found: list[Work], of: int, durations: Durations) -> list[set[CellId]]:
    parts = (share(found, Shard(number=at, of=of), durations) for at in range(1, of + 1))
    return [{cell for work in part for cell in work.cells} for part in parts]


@pytest.mark.parametrize("of", [1, 2, 7, 50])
def test_every_call_is_in_one_share(of: int) -> None:
    """Also where there are more shares than calls."""
    parts = dealt(works(10), of, Durations())
    assert sum(map(len, parts)) == 20
    assert len(set().union(*parts)) == 20
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_shares_hang_on_nothing_but_the_calls_and_the_durations() -> None:
    """The order in which a machine lays its cells out makes no difference."""
    found = works(20)
    durations = Durations(seconds={one.call.id: at % 5 for at, one in enumerate(found)})
    first = dealt(found, 3, durations)
    found.reverse()
    assert dealt(found, 3, durations) == first


def test_the_longest_goes_to_whoever_has_least_to_do() -> None:
    """One call as long as all others has a share for itself."""
    found = [work for work in works(11) if work.runtime == "otp27"]
    seconds = {work.call.id: 1.0 for work in found} | {found[3].call.id: 10.0}
    sizes = sorted(map(len, dealt(found, 2, Durations(seconds=seconds))))
    assert sizes == [1, 10]


def test_a_call_that_nobody_has_timed_counts_as_the_median() -> None:
    """And a node of its own costs its start."""
    known, new = works(2)[0].call, ProbeCall(module="m", function="new")
    durations = Durations(seconds={known.id: 3.0})
    assert durations.of(new) == 3.0
    assert durations.of(replace(new, flags=("+S", "1"))) > 3.0
    assert Durations().of(new) == 1.0


def test_calls_of_time_are_dealt_out_by_themselves() -> None:
    """They run one after the other: one share of them all would be the longest."""
    calls = [ProbeCall(module="m", function=f"t{at}", timing=True) for at in range(6)]
    found = [replace(works(1)[0], call=call, cells=(CellId(f"s/{call.id}@o"),)) for call in calls]
    found += works(8)
    timed = {cell for work in found if work.call.timing for cell in work.cells}
    counts = [len(part & timed) for part in dealt(found, 2, Durations())]
    assert counts == [3, 3]


@pytest.mark.parametrize("text", ["", "2", "0/8", "9/8", "2/0", "a/b", "-1/2", "1/2/3"])
def test_what_is_no_share_is_refused(
    text: str, files: Files, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything starts, with what to write instead."""
    with pytest.raises(InputError):
        Shard.parse(text)
    args = ["verify", f"--shard={text}", "--claims", str(files.claims)]
    assert command(args) == ExitCode.BAD_INPUT
    assert "share" in capsys.readouterr().err


@pytest.fixture
def folders(stored_half: list[str]) -> list[str]:
    """Put files that are no durations into the working folder."""
    Path("bad.json").write_text("[1]")
    Path("less.json").write_text('{"m:f#0": -1}')
    return stored_half


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--shard", "1/2", "--failed"], "--failed and --shard exclude each other"),
        (["--shard", "1/2", "--resume", "latest"], "--resume and --shard exclude each other"),
        (["--balance", "x.json"], "--balance says how shares are dealt out: --shard N/OF"),
        (["--shard", "1/2", "--balance", "no.json"], "cannot read the durations no.json"),
        (["--shard", "1/2", "--balance", "bad.json"], "bad.json is neither a run nor"),
        (["--shard", "1/2", "--balance", "less.json"], "less.json: a call takes 0 seconds or more"),
    ],
)
def test_what_would_split_differently_elsewhere_is_refused(
    options: list[str], said: str, folders: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A share that hangs on one machine's runs leaves a hole, and nobody knows."""
    assert command(["verify", *options, *folders]) == ExitCode.BAD_INPUT
    assert said in capsys.readouterr().err


def test_durations_are_read_as_they_were_written(files: Files, tmp_path: Path) -> None:
    """From the file that is kept with the claims, and from the run itself: the same."""
    made = tmp_path / "durations.json"
    args = ["report", str(files.run), "--format", "durations", "-o", str(made)]
    assert command([*args, "--claims", str(files.claims)]) == ExitCode.CONFIRMED
    assert read_durations(made) == read_durations(files.run)
    assert durations_beside(tmp_path).digest == read_durations(files.run).digest
    assert durations_beside(files.claims).digest is None


def part(whole: Run, number: int, of: int = 2, **fields: str) -> Run:
    """Return a share of a run, as the machine that made it would have written it."""
    taken = tuple(one for at, one in enumerate(whole.observations) if at % of == number - 1)
    cells = tuple(cell for one in taken for cell in one.cells)
    claims = tuple({CellId(cell).name: 0 for cell in whole.header.cells})
    header = msgspec.structs.replace(
        whole.header,
        cells=cells,
        left_out=whole.header.left_out if number == 1 else (),
        share=Share(number=number, of=of, claims=claims, **fields),
    )
    return msgspec.structs.replace(
        whole, path=Path(f"{number}.jsonl"), header=header, observations=taken
    )


def named(found: tuple[Observation, ...]) -> set[str]:
    return {cell for one in found for cell in one.cells}


def test_shares_make_the_whole(files: Files) -> None:
    """Nothing is missing, and nothing says that it was ever split."""
    whole = read_run(files.run)
    merged = merge([part(whole, 2), part(whole, 1)], at=AT)
    assert named(merged.observations) == named(whole.observations)
    assert (merged.missing, merged.absent_shares, merged.header.share) == ((), (), None)


def test_a_share_that_did_not_arrive_is_told(
    files: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where no other run names its claims: each share knows all that were asked for."""
    whole = read_run(files.run)
    merged = merge([part(whole, 2)], at=AT)
    assert merged.absent_shares == (("otp25", "1/2"), ("otp26", "1/2"), ("otp27", "1/2"))
    lost = named(part(whole, 1).observations) | {one.cell for one in whole.header.left_out}
    assert set(merged.missing) == lost
    assert "no run of otp27 1/2 arrived" in str(merged.footer.reason)
    kept = tmp_path / "part.jsonl"
    kept.write_bytes(content(part(whole, 2)))
    out = str(tmp_path / "joined.jsonl")
    assert command(["merge", str(kept), "-o", out, "--complete"]) == ExitCode.INCONCLUSIVE
    said = capsys.readouterr().err
    assert "OTP 27: share 1/2 did not arrive" in said
    assert "cells missing" in said
    assert "! missing: " not in said


def test_many_shares_that_did_not_arrive_are_told_in_one_line(files: Files) -> None:
    """A night of eight of which two arrived is not six lines a release."""
    whole = read_run(files.run)
    merged = merge([part(whole, 2, 8), part(whole, 5, 8)], at=AT)
    assert merged.absent_shares[0] == ("otp25", "1,3-4,6-8/8")


@pytest.mark.parametrize("other", [{"of": 3}, {"balanced_by": "00ff"}])
def test_shares_of_different_wholes_do_not_belong_together(
    files: Files, other: dict[str, int | str]
) -> None:
    """Dealt out by other durations or into another number, they leave holes."""
    whole = read_run(files.run)
    first, second = part(whole, 1), part(whole, 2)
    share_ = msgspec.structs.replace(second.header.share, **other)
    header = msgspec.structs.replace(second.header, share=share_)
    with pytest.raises(InputError, match="share of otp25: one of 2, balanced by count"):
        merge([first, msgspec.structs.replace(second, header=header)], at=AT)
