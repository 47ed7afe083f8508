"""The runner and its lanes, on pretended VMs: order, stop, keep, isolation, vanished runtimes."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest
from support.fake_vm import Action, Dies, Fleet, Gives, Hangs, Raises, Script, workshop

from harness.bridge.channel import LARGE, Limits
from harness.collect.place import Draws, Here
from harness.collect.room import Room
from harness.collect.runner import Collector, Decision, Options
from harness.errors import InfrastructureError, PlaceLostError
from harness.run.cells import CellId, Held, Need, ProbeCall
from harness.run.model import FailureKind, Observation
from harness.run.work import Work

FINE = Gives({"x_count": 1})


def work(name: str, runtime: str = "otp27", **fields: Any) -> Work:
    call = ProbeCall(module="m", function=name, **fields)
    return Work(runtime=runtime, call=call, cells=(CellId.of("s", name, runtime),))


class Notes:
    """Be the steering and the listener: take what comes, decide as told."""

    def __init__(self, decide: Callable[[Observation], Decision] | None = None) -> None:
        self.taken: list[Observation] = []
        self.asked: list[int] = []
        self._decide = decide or (lambda _observation: Decision())
        self._lock = threading.Lock()

    def decide(self, observation: Observation) -> Decision:
        with self._lock:
            self.asked.append(len(observation.samples))
            decision = self._decide(observation)
            if not decision.more:
                self.taken.append(observation)
            return decision

    def work_started(self, work: Work) -> None: ...

    def names(self) -> list[str]:
        return [observation.probe.partition(":")[2] for observation in self.taken]


def always(action: Action) -> Script:
    return lambda _number: action


def fleet(**scripts: Script) -> Fleet:
    return Fleet(scripts=scripts)


def collect(
    vms: Fleet, works: list[Work], notes: Notes, *, keep: bool = False, **options: Any
) -> Notes:
    given = Options(**options, keep=keep)
    here = Here(
        runtimes={name: vms.runtime(name) for name in {one.runtime for one in works}},
        nodes={},
        workshop=workshop(),
        slots=options.get("jobs", 1),
        isolate=given.isolate,
    )
    collector = Collector(places=[here], steering=notes, listener=notes, options=given)
    collector.run(works)
    return notes


def test_works_share_one_node() -> None:
    """A node is started once and called again and again."""
    vms = fleet(a=always(FINE), b=always(FINE))
    notes = collect(vms, [work("a"), work("b")], Notes())
    assert sorted(notes.names()) == ["a", "b"]
    assert len(vms.started) == 1


def test_an_observation_names_its_call_and_its_cells() -> None:
    """Every cell that shares the call is served."""
    both = Work(
        runtime="otp27",
        call=ProbeCall(module="m", function="a", args={"n": 1}),
        cells=(CellId("s/a@otp27"), CellId("s/b@otp27")),
        boundary=(CellId("s/c@otp27"),),
    )
    (seen,) = collect(fleet(a=always(FINE)), [both], Notes()).taken
    assert seen.call == both.call.id
    assert seen.cells == ("s/a@otp27", "s/b@otp27")
    assert seen.boundary == ("s/c@otp27",)
    assert seen.build is not None


def test_samples_are_drawn_until_no_more_are_wanted() -> None:
    """Nobody is asked before the least number is there, and then once a sample."""
    notes = Notes(lambda seen: Decision(more=len(seen.samples) < 5))
    collect(fleet(a=always(FINE)), [work("a", repeat=3)], notes)
    assert notes.asked == [3, 4, 5]
    assert len(notes.taken[0].samples) == 5


def test_a_failed_sample_ends_its_work_and_nothing_else() -> None:
    """What was drawn before it is kept beside it."""
    vms = fleet(a=lambda number: FINE if number == 0 else Raises("badarg"), b=always(FINE))
    notes = collect(vms, [work("a", repeat=5), work("b")], Notes())
    seen = {one.probe: one for one in notes.taken}["m:a"]
    assert [sample.failure is None for sample in seen.samples] == [True, False]
    assert "b" in notes.names()


def test_a_leftover_or_a_dead_vm_means_a_new_node() -> None:
    """Nobody meets what another one left behind."""
    vms = fleet(a=always(Gives({}, leftovers=("process",))), b=always(Dies()), c=always(FINE))
    notes = collect(vms, [work("a"), work("b"), work("c")], Notes(), seed=_seed_for("a", "b", "c"))
    assert len(vms.started) == 3
    kinds = [one.samples[0].failure.kind for one in notes.taken if one.failed]  # type: ignore[union-attr]
    assert kinds == [FailureKind.NODE_DIED]


def test_a_flood_of_leftovers_is_cut() -> None:
    """The run file names a hundred of them and counts the rest."""
    left = tuple(f"process <0.{number}.0>" for number in range(5000))
    notes = collect(fleet(a=always(Gives({}, leftovers=left))), [work("a")], Notes())
    found = notes.taken[0].samples[0].leftovers
    assert len(found) == 101
    assert found[-1] == "and 4900 more"


def test_isolated_works_have_a_node_each() -> None:
    """Also every sample of one."""
    vms = fleet(a=always(FINE), b=always(FINE))
    notes = collect(vms, [work("a", repeat=2), work("b")], Notes(), isolate=True)
    assert len(vms.started) == 3
    assert {one.node for one in notes.taken} == {"fresh"}


def test_flags_and_limits_reach_the_node() -> None:
    """A call that needs memory gets the large limits."""
    vms = fleet(a=always(FINE), b=always(FINE), c=always(FINE))
    works = [work("a", flags=("+S", "1")), work("b", needs=frozenset({Need.MEMORY})), work("c")]
    collect(vms, works, Notes())
    found = {(flags, limits) for _, flags, limits in vms.started}
    assert found == {(("+S", "1"), Limits()), ((), LARGE), ((), Limits())}


def test_limits_of_a_call_reach_its_node_and_its_observation() -> None:
    """A VM that does not see them is not called: the need is not met."""
    held = Held(cpuset=1, memory_mib=512)
    vms = fleet(a=always(FINE))
    (seen,) = collect(vms, [work("a", held=held)], Notes()).taken
    assert [limits for *_, limits in vms.started] == [Limits(memory_bytes=512 << 20, cpuset=1)]
    assert seen.held == {"cpuset": 1, "memory_mib": 512}
    assert seen.samples[0].failure is not None
    assert seen.samples[0].failure.kind is FailureKind.UNMET_NEED


def test_works_of_time_run_last_and_alone() -> None:
    """Nothing else runs while one of them does."""
    running: set[str] = set()
    met: list[set[str]] = []
    pause = threading.Event()

    def watch(_vm: str, function: str) -> None:
        running.add(function)
        if function.startswith("t"):
            met.append(set(running))
        pause.wait(0.02)
        running.discard(function)

    names = [f"a{number}" for number in range(6)] + ["t1", "t2"]
    vms = fleet(**{name: always(FINE) for name in names})
    vms.before_answer = watch
    works = [
        work(name, runtime, timing=name.startswith("t"))
        for name in names
        for runtime in ("otp25", "otp27")
    ]
    notes = collect(vms, works, Notes(), jobs=4)
    assert len(notes.taken) == 16
    assert notes.names()[-4:].count("t1") == 2
    assert all(len(found) == 1 for found in met)


def test_a_decision_not_to_go_on_stops_the_run() -> None:
    """What is in hand is finished, nothing new is begun."""
    notes = Notes(lambda _seen: Decision(go_on=False))
    collect(fleet(a=always(FINE), b=always(FINE)), [work("a"), work("b")], notes)
    assert len(notes.taken) == 1


def test_the_node_of_a_failed_work_is_kept_for_a_look() -> None:
    """The next work has another one."""
    vms = fleet(a=always(FINE), b=always(FINE))
    notes = Notes(lambda seen: Decision(keep=seen.probe == "m:a"))
    collect(vms, [work("a"), work("b")], notes, keep=True)
    assert len(vms.started) == 2


def test_a_runtime_that_is_gone_costs_only_its_own_works() -> None:
    """The others go on, and the error says which one it was."""
    vms = fleet(a=always(FINE), b=always(FINE))
    vms.refuse["otp25"] = 100
    notes = Notes()
    works = [work(name, runtime) for runtime in ("otp25", "otp27") for name in ("a", "b")]
    with pytest.raises(InfrastructureError, match="otp25 gives no node any more"):
        collect(vms, works, notes, jobs=2)
    assert [one.runtime for one in notes.taken] == ["otp27", "otp27"]


@pytest.mark.parametrize(("deaths", "gone"), [(1, False), (2, True)])
def test_a_node_that_dies_while_it_starts_is_started_again(deaths: int, *, gone: bool) -> None:
    """Once: a VM may be hit by what does not concern it, but not every time."""
    vms = fleet(a=always(FINE))
    vms.dying = deaths
    notes = Notes()
    if gone:
        with pytest.raises(InfrastructureError, match="killed by SIGKILL"):
            collect(vms, [work("a")], notes)
    else:
        collect(vms, [work("a")], notes)
    assert notes.names() == ([] if gone else ["a"])
    assert len(vms.started) == 2


def test_a_node_that_fails_to_start_with_flags_costs_its_work() -> None:
    """Flags that a release does not know are no sign that the runtime is gone."""
    vms = fleet(a=always(FINE), b=always(FINE))
    vms.refuse["otp27"] = 1
    works = [work("a", flags=("+X",)), work("b")]
    notes = collect(vms, works, Notes(), seed=_seed_for("a", "b"))
    assert len(notes.taken) == 2


def test_an_interruption_ends_the_call_in_hand_and_keeps_what_was_taken() -> None:
    """The probe that hung is no observation; the one before it is."""
    hanging = threading.Event()

    def script(_number: int) -> Action:
        threading.Timer(0.1, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        hanging.set()
        return Hangs()

    vms = fleet(a=always(FINE), b=script)
    notes = Notes()
    with pytest.raises(KeyboardInterrupt):
        collect(vms, [work("a"), work("b", timeout_s=20.0)], notes, seed=_seed_for("a", "b"))
    assert hanging.is_set()
    assert notes.names() == ["a"]


def _seed_for(*names: str) -> int:
    """Return a seed under which works keep the order given."""

    for seed in range(100):
        order = list(names)
        random.Random(seed).shuffle(order)  # noqa: S311 - order, not secrecy
        if tuple(order) == names:
            return seed
    raise AssertionError


class Elsewhere:
    """Be a place that is lost in the call with this number, or never."""

    def __init__(self, vms: Fleet, host: str, *, lost_in: int = -1, serves: str = "") -> None:
        self.host = host
        self.slots = 1
        self.drawn: list[str] = []
        self._here = Here(
            runtimes={"otp27": vms.runtime("otp27")}, nodes={}, workshop=workshop(), host=host
        )
        self.called = threading.Event()
        self.after: Elsewhere | None = None
        self._lost_in = lost_in
        self._serves = serves

    def room(self) -> Room:
        return self._here.room()

    def serves(self, work: Work) -> bool:
        return self._serves in work.call.function

    def ready(self, runtime: str) -> bool:
        return self._here.ready(runtime)

    def lane(self, runtime: str) -> Draws:
        return _Lossy(self, self._here.lane(runtime))


class _Lossy:
    def __init__(self, place: Elsewhere, lane: Draws) -> None:
        self._place, self._lane = place, lane
        self.runtime = lane.runtime
        self.leave_node, self.close, self.kill = lane.leave_node, lane.close, lane.kill

    def draw(self, work: Work, before: Observation | None = None) -> Observation:
        if self._place.after is not None:
            assert self._place.after.called.wait(10)
        self._place.drawn.append(work.call.function)
        self._place.called.set()
        if len(self._place.drawn) - 1 == self._place._lost_in:
            raise PlaceLostError(f"{self._place.host} is gone")
        return self._lane.draw(work, before)


def collect_at(places: list[Elsewhere], works: list[Work]) -> tuple[Notes, Collector]:
    """Return what collects works that take long enough for every place to be worth its node."""
    notes = Notes()
    seconds = {(one.runtime, one.call.id): 5.0 for one in works}
    collector = Collector(
        places=places, steering=notes, listener=notes, options=Options(), seconds=seconds
    )
    return notes, collector


def test_what_a_lost_place_had_in_hand_is_done_elsewhere() -> None:
    """Nothing else of it is repeated, and nothing is observed twice."""
    vms = fleet(**{name: always(FINE) for name in "abcdef"})
    places = [Elsewhere(vms, "near"), Elsewhere(vms, "far", lost_in=0)]
    places[0].after = places[1]
    works = [work(name) for name in "abcdef"]
    notes, collector = collect_at(places, works)
    collector.run(works)
    assert sorted(notes.names()) == list("abcdef")
    assert len(places[0].drawn) == 6
    assert len(places[1].drawn) == 1


def test_without_any_place_left_the_runtime_is_gone() -> None:
    """What was observed before is kept."""
    vms = fleet(**{name: always(FINE) for name in "abc"})
    works = [work(name) for name in "abc"]
    notes, collector = collect_at([Elsewhere(vms, "far", lost_in=1)], works)
    with pytest.raises(InfrastructureError, match="otp27: far is gone"):
        collector.run(works)
    assert len(notes.names()) == 1


def test_a_work_that_places_die_of_ends_as_a_failure() -> None:
    """It does not take a whole cluster with it."""
    vms = fleet(a=always(FINE), b=always(FINE))
    places = [Elsewhere(vms, f"far-{number}", lost_in=0) for number in range(5)]
    notes, collector = collect_at(places, [work("a")])
    collector.run([work("a")])
    (seen,) = notes.taken
    assert seen.samples[0].failure is not None
    assert seen.samples[0].failure.kind is FailureKind.NODE_DIED
    assert seen.samples[0].failure.reason == "far-2 is gone, and 2 others before it"
    assert not places[3].drawn


def test_few_works_are_spread_over_machines() -> None:
    """Two of them have a machine each, however many lanes the first one has."""
    vms = fleet(a=always(FINE), b=always(FINE))
    places = [Elsewhere(vms, "one"), Elsewhere(vms, "two")]
    places[0].slots = 4
    works = [work(name) for name in ("a", "b")]
    _, collector = collect_at(places, works)
    assert [place.host for place in collector._slots(works, alone=False)[:2]] == ["one", "two"]


def test_what_only_one_place_serves_waits_for_it() -> None:
    """A place that serves nothing of what is left ends, and the run does not."""
    vms = fleet(**{name: always(FINE) for name in ("a", "b", "native_a", "native_b")})
    places = [Elsewhere(vms, "near"), Elsewhere(vms, "far", serves="native")]
    works = [work(name) for name in ("a", "b", "native_a", "native_b")]
    notes, collector = collect_at(places, works)
    collector.run(works)
    assert sorted(notes.names()) == ["a", "b", "native_a", "native_b"]
    assert not {"a", "b"} & set(places[1].drawn)


def test_calls_of_time_have_a_machine_for_themselves() -> None:
    """Of two places on one machine only one works then."""
    vms = fleet(**{name: always(FINE) for name in "abcd"})
    places = [Elsewhere(vms, "one"), Elsewhere(vms, "one"), Elsewhere(vms, "two")]
    works = [work(name, timing=True) for name in "abcd"]
    notes, collector = collect_at(places, works)
    collector.run(works)
    assert sorted(notes.names()) == list("abcd")
    assert not places[1].drawn
