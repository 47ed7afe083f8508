"""Campaigns: calls again and again in other orders, until the time is over."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

from support.fake_vm import Fleet, Gives, workshop
from support.judging import claim, header, rival

from harness.collect.place import Here
from harness.collect.runner import Options
from harness.run.cells import CellId, ProbeCall
from harness.run.file import RunWriter, read_run
from harness.run.work import Work
from harness.verify.campaign import repeat
from harness.verify.recorder import Recorder

HEADER = header()
NAMES = "abcdefgh"
CLAIMS = {
    one.name: one
    for name in (*NAMES, "timed")
    for one in [claim({"x_count": 1}, rival({"x_count": {"at_least": 3}}), name=name)]
}


class Silent:
    """Show nothing."""

    def work_started(self, work: Work) -> None: ...


def works() -> list[Work]:
    calls = [ProbeCall(module="m", function=name) for name in NAMES]
    calls.append(ProbeCall(module="m", function="timed", timing=True))
    return [
        Work(runtime="otp27", call=one, cells=(CellId(f"beam-test/{one.function}@otp27"),))
        for one in calls
    ]


def campaign(path: Path, vms: Fleet, *, for_s: float, fail_fast: bool = False) -> None:
    here = Here(runtimes={"otp27": vms.runtime("otp27")}, nodes={}, workshop=workshop())
    with RunWriter(path) as writer:
        writer.append(HEADER)
        recorder = Recorder(
            claims=CLAIMS, writer=writer, on_finding=lambda _found: None, fail_fast=fail_fast
        )
        repeat(works(), [here], recorder, Silent(), Options(seed=5), for_s=for_s)
        assert recorder.observations == []


def test_calls_come_again_in_other_orders_until_the_time_is_over(tmp_path: Path) -> None:
    """Calls of time do not; what is written is not kept."""
    vms = Fleet(scripts={name: lambda _number: Gives({"x_count": 1}) for name in NAMES})
    start = time.monotonic()
    campaign(tmp_path / "r.jsonl", vms, for_s=0.5)
    assert time.monotonic() - start < 30
    repeats = read_run(tmp_path / "r.jsonl").repeats
    rounds = Counter(one.round for one in repeats)
    assert len(rounds) > 2
    assert rounds[1] == len(NAMES)
    first, second = ([one.probe for one in repeats if one.round == n] for n in (1, 2))
    assert sorted(first) == sorted(second)
    assert first != second
    assert "m:timed" not in first


def test_the_first_that_is_not_confirmed_ends_it_where_that_was_asked_for(tmp_path: Path) -> None:
    """Its round is the last."""
    scripts = {name: lambda _number: Gives({"x_count": 1}) for name in NAMES}
    scripts["c"] = lambda number: Gives({"x_count": 2 if number == 2 else 1})
    campaign(tmp_path / "r.jsonl", Fleet(scripts=scripts), for_s=60, fail_fast=True)
    assert {one.round for one in read_run(tmp_path / "r.jsonl").repeats} == {1, 2, 3}


def test_a_campaign_of_nothing_ends_at_once(tmp_path: Path) -> None:
    """Where all calls are of time there is nothing to repeat."""
    with RunWriter(tmp_path / "r.jsonl") as writer:
        recorder = Recorder(claims=CLAIMS, writer=writer, on_finding=lambda _found: None)
        repeat(works()[-1:], [], recorder, Silent(), Options(seed=5), for_s=60)
