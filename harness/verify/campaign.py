"""The rounds of a campaign: the same calls again and again, each time in another order.

Knows: works, the collector, a recorder. Must not know: how a run began, or how rounds are shown.

Calls of time are left out: they run alone, and what they measure scatters by itself. Round N has
the order that `--seed` gives for the campaign's seed and N.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec

from harness.collect.place import Place
from harness.collect.runner import Collector, Decision, Listener, Options
from harness.run.model import Observation
from harness.run.work import Work
from harness.verify.recorder import Recorder


@dataclass(slots=True, kw_only=True)
class _Round:
    """Take the observations of one round, until the time is over."""

    recorder: Recorder
    number: int
    until: float
    stopped: bool = False

    def decide(self, observation: Observation) -> Decision:
        """Store an observation once no more samples are wanted; stop when the time is over.

        Raises:
            StorageError: it cannot be stored.
        """
        decision = self.recorder.repeat(msgspec.structs.replace(observation, round=self.number))
        if decision.more:
            return decision
        self.stopped = self.stopped or not decision.go_on
        return replace(decision, go_on=decision.go_on and time.monotonic() < self.until)


def repeat(  # noqa: PLR0913 - what a run is made of, and how long
    works: Sequence[Work],
    places: Sequence[Place],
    recorder: Recorder,
    listener: Listener,
    options: Options,
    *,
    for_s: float,
) -> None:
    """Do works again and again for some time; what is in hand then is ended in good order.

    Raises:
        KeyboardInterrupt, BeamproofError: as `Collector.run`.
    """
    repeated = [work for work in works if not work.call.timing]
    until = time.monotonic() + for_s
    number = 0
    while repeated and time.monotonic() < until:
        number += 1
        steering = _Round(recorder=recorder, number=number, until=until)
        seed = (options.seed or 0) + number
        Collector(
            places=places,
            steering=steering,
            listener=listener,
            options=replace(options, seed=seed),
        ).run(repeated)
        if steering.stopped:
            return
