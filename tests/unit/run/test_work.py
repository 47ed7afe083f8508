"""Calls, not claims, are what is run: cells that ask for the same call share it."""

from __future__ import annotations

from typing import Any

import pytest

from harness.run.cells import Cell, CellId, Held, Need, NodeMode, ProbeCall
from harness.run.work import apart, shared


def cell(name: str, runtime: str = "otp27", *, boundary: bool = False, **fields: Any) -> Cell:
    call = ProbeCall(module="m", function="f", **fields)
    return Cell(id=CellId.of("s", name, runtime), call=call, boundary=boundary)


def test_claims_of_one_call_share_it_and_the_most_demanding_decides() -> None:
    """Samples and deadline are the largest that any wants; one of time makes all run alone."""
    (work,) = shared(
        [
            cell("a", args={"x": 1, "y": 2}),
            cell("b", args={"y": 2, "x": 1}, repeat=20, needs=frozenset({Need.PEERS})),
            cell("c", args={"x": 1, "y": 2}, timing=True, timeout_s=90.0),
        ]
    )
    assert work.cells == ("s/a@otp27", "s/b@otp27", "s/c@otp27")
    assert work.call.repeat == 20
    assert work.call.timeout_s == 90
    assert work.call.timing
    assert work.call.needs == {Need.PEERS}
    assert not work.call.alone


@pytest.mark.parametrize(
    "fields",
    [
        {"args": {"x": 1}},
        {"flags": ("+S", "1")},
        {"node": NodeMode.FRESH},
        {"held": Held(cpus=0.5)},
        {"held": Held(cpuset=1)},
        {"held": Held(memory_mib=512)},
        {"needs": frozenset({Need.MEMORY})},
        {"needs": frozenset({Need.NIF})},
    ],
)
def test_another_call_is_another_work(fields: dict[str, Any]) -> None:
    """What changes what a probe can find is never shared."""
    assert len(shared([cell("a"), cell("b", **fields)])) == 2


def test_the_name_of_a_call_is_the_same_tomorrow() -> None:
    """Stored runs are compared by it."""
    call = ProbeCall(module="m", function="f", args={"b": 1, "a": [1.5, None]}, flags=("+S", "1"))
    assert call.id == "m:f#1bef610f87bb"


def test_a_call_with_limits_has_a_node_of_its_own() -> None:
    """And another name for each limit, however its number is written."""
    held = [Held(cpus=1), Held(cpus=1.0), Held(cpus=2.0), Held(cpuset=1)]
    calls = [ProbeCall(module="m", function="f", held=one) for one in held]
    assert all(call.alone for call in calls)
    assert len({call.id for call in calls}) == 3
    assert str(Held(cpus=0.5, cpuset=1)) == "cpus 0.5, cpuset 1"


def test_runtimes_share_nothing() -> None:
    """One observation is of one VM's release."""
    works = shared([cell("a", "otp25"), cell("a"), cell("b")])
    assert [work.cells for work in works] == [("s/a@otp25",), ("s/a@otp27", "s/b@otp27")]


def test_boundary_cells_share_as_well_and_are_told_apart() -> None:
    """A call may serve a claim inside its range and another one outside."""
    (work,) = shared([cell("a", boundary=True), cell("b")])
    assert work.cells == ("s/b@otp27",)
    assert work.boundary == ("s/a@otp27",)
    assert work.all_cells == ("s/b@otp27", "s/a@otp27")


def test_nothing_is_shared_where_it_is_not_wanted() -> None:
    """What sharing is measured against."""
    assert len(apart([cell("a"), cell("b")])) == 2
