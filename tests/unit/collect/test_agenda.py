"""The queue: what is next, for whom, and what has to wait for room."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from harness.bridge.channel import LARGE as LIMITS
from harness.collect.agenda import Agenda, Spot
from harness.collect.room import Room, room_here
from harness.run.cells import CellId, Held, Need, ProbeCall
from harness.run.work import Work

SMALL = Room(memory_bytes=1, scratch_bytes=1)
LARGE = Room(memory_bytes=1 << 40, scratch_bytes=1 << 40)


def work(name: str, runtime: str = "otp27", **fields: Any) -> Work:
    call = ProbeCall(module="m", function=name, **fields)
    return Work(runtime=runtime, call=call, cells=(CellId.of("s", name, runtime),))


class Queue:
    """Be the agenda as workers of one machine see it."""

    def __init__(self, works: Sequence[Work], *, room: Room = SMALL, **given: Any) -> None:
        self.spot = Spot(room=room)
        self.agenda = Agenda(works, **given)

    def take(self, runtime: str | None) -> Work | None:
        return self.agenda.take(runtime, self.spot)

    def done(self, one: Work) -> None:
        self.agenda.done(one, self.spot)


def agenda(*works: Work, room: Room = SMALL, seconds: dict[str, float] | None = None) -> Queue:
    known = {(one.runtime, one.call.id): (seconds or {}).get(one.call.function) for one in works}
    return Queue(works, seconds={key: value for key, value in known.items() if value}, room=room)


def drawn(queue: Queue, runtime: str | None = None) -> list[str]:
    """Return what one worker gets, in order."""
    found = []
    while (one := queue.take(runtime)) is not None:
        found.append(one.call.function)
        queue.done(one)
        runtime = one.runtime
    return found


def test_the_shortest_comes_first_and_then_the_longest() -> None:
    """Something is seen at once, and nobody waits for a long one at the end."""
    seconds = {"a": 1.0, "b": 30.0, "c": 0.1, "d": 5.0}
    assert drawn(agenda(*map(work, "abcd"), seconds=seconds)) == ["c", "b", "d", "a"]


def test_without_figures_claims_keep_their_order_and_fresh_nodes_go_first() -> None:
    """A node of its own costs its start."""
    queue = agenda(work("a"), work("b"), work("c", flags=("+S", "1")), work("d"))
    assert drawn(queue) == ["a", "c", "b", "d"]


def test_an_order_that_was_asked_for_is_kept() -> None:
    """`--seed` shuffles; nothing sorts afterwards."""
    works = [work("a"), work("b"), work("c")]
    seconds = {("otp27", one.call.id): float(at) for at, one in enumerate(works)}
    queue = Queue(works, seconds=seconds, in_order=True)
    assert drawn(queue) == ["a", "b", "c"]


def test_a_worker_stays_with_its_runtime_and_then_helps_another() -> None:
    """Changing the runtime costs a node."""
    works = [work(name, runtime) for runtime in ("otp25", "otp27") for name in ("a", "b")]
    queue = agenda(*works, seconds={"a": 1.0, "b": 2.0})
    first = queue.take(None)
    assert first is not None
    second = queue.take(None)
    assert second is not None
    assert {first.runtime, second.runtime} == {"otp25", "otp27"}
    assert queue.take(first.runtime).runtime == first.runtime  # type: ignore[union-attr]
    assert queue.take(first.runtime).runtime == second.runtime  # type: ignore[union-attr]
    assert queue.take(first.runtime) is None


def test_nobody_starts_a_node_for_a_moment_of_work() -> None:
    """A second worker joins a runtime only for more than a node costs."""
    queue = agenda(work("a"), work("b"), work("c"))
    assert queue.take(None) is not None
    assert queue.take(None) is None


def test_two_large_calls_wait_for_each_other_where_there_is_no_room() -> None:
    """One always may run; the second waits until the first is done, and gets its turn."""
    large = frozenset({Need.MEMORY})
    queue = agenda(work("a", needs=large), work("b", needs=large), seconds={"a": 9.0, "b": 9.0})
    first = queue.take(None)
    assert first is not None
    got: list[Work | None] = []
    waiter = threading.Thread(target=lambda: got.append(queue.take(None)))
    waiter.start()
    waiter.join(0.3)
    assert waiter.is_alive()
    queue.done(first)
    waiter.join(5)
    assert got[0] is not None
    assert got[0] != first


def test_two_large_calls_run_at_once_where_there_is_room() -> None:
    """A machine that has the memory and the disk is used."""
    large = frozenset({Need.MEMORY})
    works = [work("a", needs=large), work("b", needs=large)]
    queue = agenda(*works, room=LARGE, seconds={"a": 9.0, "b": 9.0})
    assert queue.take(None) is not None
    assert queue.take(None) is not None


def test_small_calls_go_on_while_a_large_one_waits() -> None:
    """Only what needs room waits for it."""
    large = frozenset({Need.MEMORY})
    queue = agenda(
        work("a", needs=large),
        work("b", needs=large),
        *(work(f"c{number}") for number in range(60)),
    )
    taken = [queue.take("otp27") for _ in range(61)]
    assert sum(one.call.large for one in taken if one) == 1


def test_a_claims_own_large_limit_needs_room_as_well() -> None:
    """Two of 4 GiB wait for each other in 6 GiB; in 8 GiB they run at once, whatever is small."""
    for memory_gib, at_once in ((6, 1), (8, 2)):
        works = [work(name, held=Held(memory_mib=4096)) for name in "ab"]
        small = [work(f"c{number}", held=Held(memory_mib=512)) for number in range(3)]
        room = Room(memory_bytes=memory_gib << 30, scratch_bytes=1 << 40)
        queue = agenda(*works, *small, room=room)
        taken = [queue.take("otp27") for _ in range(3 + at_once)]
        large = [one for one in taken if one and one.call.held.memory_mib == 4096]
        assert len(large) == at_once
        for one in taken:
            assert one is not None
            queue.done(one)
        assert len(drawn(queue, "otp27")) == 2 - at_once


def test_what_is_dropped_is_not_handed_out() -> None:
    """A runtime that is gone costs only itself; a run that stops hands out nothing."""
    queue = agenda(work("a", "otp25"), work("b", "otp27"))
    queue.agenda.drop("otp25")
    assert drawn(queue) == ["b"]
    queue = agenda(work("a"))
    queue.agenda.drop()
    assert drawn(queue) == []


def test_this_machine_has_some_room() -> None:
    """Figures are bytes, or unknown."""
    room = room_here()
    assert room.scratch_bytes is None or room.scratch_bytes >= 0
    assert room.memory_bytes is None or room.memory_bytes > 1024**2
    assert room.holds([LIMITS])
    assert not Room(memory_bytes=None, scratch_bytes=None).holds([LIMITS, LIMITS])


def test_each_machine_has_its_own_room() -> None:
    """Two large calls wait for each other on one machine, not on two."""
    works = [work(name, needs=frozenset({Need.MEMORY})) for name in "abc"]
    queue = Agenda(works, seconds={})
    assert queue.take(None, Spot(host="near", room=SMALL)) is not None
    assert queue.take("otp27", Spot(host="far", room=SMALL)) is not None
    assert len(queue.left()) == 1


def test_a_worker_gets_what_it_serves() -> None:
    """A machine without a compiler leaves native code to others, and does not wait for it."""
    works = [work("a", needs=frozenset({Need.NIF})), work("b")]
    queue = Agenda(works, seconds={})
    spot = Spot(room=LARGE, serves=lambda one: Need.NIF not in one.call.needs)
    taken = queue.take(None, spot)
    assert taken is works[1]
    assert queue.take("otp27", spot) is None
    assert queue.left() == [works[0]]


def test_a_node_that_runs_already_is_used_for_a_moment_of_work() -> None:
    """It costs nothing: a machine of a cluster has one from the start."""
    queue = Agenda([work("a"), work("b")], seconds={})
    assert queue.take(None, Spot(room=LARGE)) is not None
    assert queue.take(None, Spot(room=LARGE)) is None
    assert queue.take(None, Spot(room=LARGE, ready=lambda name: name == "otp27")) is not None
