"""A run played through: the same queue as a real one, and no VM."""

from __future__ import annotations

from typing import Any

import pytest

from harness.collect.rehearsal import Rehearsal, rehearse
from harness.collect.room import Room
from harness.run.cells import CellId, Need, ProbeCall
from harness.run.durations import NODE_START_S
from harness.run.work import Work

SMALL = Room(memory_bytes=1, scratch_bytes=1)


def works(count: int, runtime: str = "otp27", **fields: Any) -> list[Work]:
    calls = [ProbeCall(module="m", function=f"f{at}", **fields) for at in range(count)]
    return [Work(runtime=runtime, call=call, cells=(CellId("s/c@o"),)) for call in calls]


def played(found: list[Work], *, hosts: int = 1, lanes: int = 2, each_s: float = 2.0) -> Rehearsal:
    seconds = {(one.runtime, one.call.id): each_s for one in found}
    return rehearse(found, seconds, hosts=hosts, lanes=lanes, room=SMALL)


def test_one_lane_takes_the_sum_and_one_start() -> None:
    """Works that share a node start it once."""
    assert played(works(10), lanes=1).whole_s == pytest.approx(20 + NODE_START_S)


def test_a_node_of_its_own_costs_its_start_each_time() -> None:
    """As it does in a run."""
    alone = played(works(4, flags=("+S", "1")), lanes=1)
    assert alone.whole_s == pytest.approx(4 * (2 + NODE_START_S))


@pytest.mark.parametrize("lanes", [2, 8])
def test_lanes_share_the_works_evenly(lanes: int) -> None:
    """Within a tenth of the sum divided by the lanes."""
    found = [*works(80), *works(80, "otp25")]
    ideal = played(found, lanes=lanes).works_s / lanes
    assert ideal <= played(found, lanes=lanes).others_s <= 1.1 * ideal


def test_calls_of_time_run_alone_on_each_machine() -> None:
    """After all others; two machines take half as long, two lanes do not."""
    found = works(8, timing=True)
    assert played(found, lanes=2).timing_s == pytest.approx(16 + NODE_START_S)
    assert played(found, hosts=2).timing_s == pytest.approx(8 + NODE_START_S)


def test_what_has_no_room_waits() -> None:
    """Two large calls on a machine with room for one take as long as both."""
    found = works(2, needs=frozenset({Need.MEMORY}))
    assert played(found, each_s=9).whole_s == pytest.approx(18 + 2 * NODE_START_S)
    assert played(found, hosts=2, each_s=9).whole_s == pytest.approx(9 + NODE_START_S)
