"""Kill, stop and interrupt VMs and commands at any moment, and see what is left and said.

`python -m tests.faults.campaign [--seed N] [--seconds S] [--only GLOB]` runs `beamproof verify`
again and again on claims whose verdicts are known, with one fault a run, at a moment drawn from
the seed. Of each: no evidence and no verdict but the true one, nothing lost that was observed, an
exit code that says what happened, no traceback, a run file that can be read and gone on with, no
process, container or scratch folder left. Kinds that this machine cannot have are named.
"""

from __future__ import annotations

import argparse
import contextlib
import fnmatch
import math
import random
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.faults import checks, engine, kinds, planted, storage
from tests.faults.command import END_S, Command, Place, await_ready, begin, has_observed
from tests.faults.kind import Kind
from tests.support.busy import in_time

_LATEST_S = 0.6
"""So long after it became possible a fault comes at the latest; the calls take longer."""

_TRIES = 4
"""How often a fault is tried that came too late, each time earlier."""

TOO_LATE = "too late"


@contextlib.contextmanager
def trees(erl: Path) -> Iterator[Place]:
    """Have VMs as processes, with a cache of the campaign's own that is filled."""
    with tempfile.TemporaryDirectory(prefix="beamproof-faults-") as folder:
        options = ("--runtime", "host", "--otp", "27", "--otp-root", str(erl.parent.parent))
        own = {
            "BEAMPROOF_CACHE": str(Path(folder) / "cache"),
            "DOCKER_HOST": f"unix://{folder}/none",  # what engines hold is not ours to sweep
        }
        place = Place(options=options, environment=own)
        warm_up(Path(folder), place)
        yield place


def warm_up(folder: Path, place: Place) -> None:
    """Run the claims once without a fault: what the faults are compared with has to work."""
    command = begin(folder, place)
    code = command.process.wait(4 * END_S)
    problems = [*checks.misled(command, code, frozenset({1})), *checks.wrong(command)]
    if problems:
        raise RuntimeError(f"without a fault: {problems}\n{command.said()}")


def campaign(  # noqa: PLR0913 - a seed, and three ways to say how long
    place: Place,
    chosen: Mapping[str, Kind],
    seed: int,
    counts: Counter[str],
    *,
    seconds: float = math.inf,
    rounds: int = 10**9,
) -> Iterator[str]:
    """Yield what was not clean, until time or rounds are over.

    In a round every kind has its turn, in an order of the seed; `counts` says how many faults of
    each took place, and under `TOO_LATE` how many never did.
    """
    chance = random.Random(seed)  # noqa: S311 - moments, from the seed that is printed
    end = time.monotonic() + seconds
    for _ in range(rounds):
        for name in chance.sample(tuple(chosen), len(chosen)):
            if time.monotonic() >= end:
                return
            yield from _until_it_took_place(name, chosen[name], place, chance, counts)


def _until_it_took_place(
    name: str, kind: Kind, place: Place, chance: random.Random, counts: Counter[str]
) -> Iterator[str]:
    later = chance.random() < 1 / 2
    moment = chance.uniform(0.0, _LATEST_S)
    for _ in range(_TRIES):
        with tempfile.TemporaryDirectory(prefix="beamproof-fault-") as folder:
            when = f"{moment:.3f} s after {'the first observation' if later else 'it could be'}"
            fault = _One(kind, Path(folder), later=later, moment=moment)
            for problem in fault.meet(place, chance):
                yield f"{name}, {when}: {problem}"
        if fault.took_place:
            counts[name] += 1
            return
        moment /= 4
    counts[TOO_LATE] += 1


class _One:
    """Let one fault meet one command."""

    def __init__(self, kind: Kind, folder: Path, *, later: bool, moment: float) -> None:
        self.took_place = False
        self._kind, self._folder = kind, folder
        self._ready = [kind.ready, *([has_observed] if later else [])]
        self._moment = moment

    def meet(self, place: Place, chance: random.Random) -> Iterator[str]:
        """Yield what was not clean."""
        with self._kind.prepared(self._folder, place, chance) as prepared:
            output = self._kind.output
            with contextlib.ExitStack() as opened:
                if isinstance(output, str) and output != "-":
                    output = opened.enter_context(Path(output).open("wb"))
                command = begin(
                    self._folder,
                    prepared,
                    *self._kind.options,
                    output=output,
                    to_head=self._kind.to_head,
                )
            try:
                yield from self._meet(command, chance)
            finally:
                command.process.kill()
                command.process.wait(END_S)
                if command.reader is not None:
                    command.reader.wait(END_S)
                if command.process.stdout is not None:
                    command.process.stdout.close()

    def _meet(self, command: Command, chance: random.Random) -> Iterator[str]:
        await_ready(command, self._ready)
        with contextlib.suppress(subprocess.TimeoutExpired):
            command.process.wait(self._moment)
        before = command.lines()
        self.took_place = self._kind.fault(command, chance)
        since = time.monotonic()
        try:
            code = command.process.wait(self._kind.end_s)
            yield from self._late(time.monotonic() - since)
        except subprocess.TimeoutExpired:
            yield f"does not end within {self._kind.end_s:g} s"
            command.process.kill()
            code = command.process.wait(END_S)
        yield from self._kind.mended(command)
        if not self.took_place:
            return
        yield from checks.misled(command, code, self._kind.codes)
        if self._kind.fault is not storage.cut:
            yield from checks.lost(command, before)
        if self._kind.resumed:
            yield from _resumed(command)
        yield from checks.left(command, by_sweep=self._kind.by_sweep)
        yield from checks.wrong(command)

    def _late(self, took_s: float) -> Iterator[str]:
        promised_s = self._kind.promised_s
        if self.took_place and promised_s is not None and took_s > (allowed := in_time(promised_s)):
            yield f"ended after {took_s:.1f} s; promised: {promised_s:g} s, as busy: {allowed:.1f}"


def _resumed(command: Command) -> Iterator[str]:
    """Go on with a run that has a header, to its end."""
    run, file = checks.run_of(command), command.run_file()
    if run is None or run.complete:
        return  # cut within its header: nothing of it is left to go on with
    before = command.lines()
    resumed = begin(command.folder, command.place, "--resume", str(file))
    code = resumed.process.wait(4 * END_S)
    yield from (f"resumed: {one}" for one in checks.misled(resumed, code, checks.VERDICTS))
    yield from (f"resumed: {one}" for one in checks.lost(resumed, before))


def main() -> None:
    """Run a campaign and say what was not clean."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.campaign", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--seconds", type=float, default=900.0)
    parser.add_argument("--only", default="*", metavar="GLOB", help="only these kinds")
    parser.add_argument("--erl", type=Path, help="the VM; by default that of a package tree")
    given = parser.parse_args()
    _say(f"seed {given.seed}")
    counts: Counter[str] = Counter()
    found = 0
    for problem in _both(given, counts):
        found += 1
        _say(f"NOT CLEAN {problem}")
    for kind, count in counts.items():
        _say(f"{count:5} {kind}")
    raise SystemExit(bool(found))


def _both(given: argparse.Namespace, counts: Counter[str]) -> Iterator[str]:
    """Yield what was not clean on trees, then in containers; each has half of the time."""
    end = time.monotonic() + given.seconds
    on_trees = _chosen(kinds.KINDS, given.only)
    for wanting, reason in (
        (storage.FULL_DISKS, storage.without_small_disk()),
        (storage.TREES, storage.without_mirror()),
    ):
        more = _chosen(wanting, given.only)
        if more and reason:
            _say(f"SKIPPED {', '.join(more)}: {reason}")
        on_trees |= {} if reason else more
    own = engine.Engine()
    in_containers = _chosen(engine.kinds_of(own), given.only)
    if in_containers and (reason := engine.without_engine()):
        _say(f"SKIPPED all kinds in containers: {reason}")
        in_containers = {}
    if on_trees:
        with trees(given.erl or _tree()) as place:
            yield from planted.unseen(place)
            seconds = (end - time.monotonic()) / (2 if in_containers else 1)
            yield from campaign(place, on_trees, given.seed, counts, seconds=seconds)
    if in_containers:
        with own, tempfile.TemporaryDirectory(prefix="beamproof-faults-") as folder:
            place = own.place(Path(folder))
            warm_up(Path(folder), place)
            yield from planted.unseen_container(own, place)
            seconds = end - time.monotonic()
            yield from campaign(place, in_containers, given.seed, counts, seconds=seconds)


def _chosen(known: Mapping[str, Kind], glob: str) -> dict[str, Kind]:
    return {name: kind for name, kind in known.items() if fnmatch.fnmatch(name, glob)}


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - a program


def _tree() -> Path:
    from harness.folders import cache_dir  # noqa: PLC0415 - only without --erl
    from harness.runtimes.debian import tree  # noqa: PLC0415 - as above

    return tree.install(cache_dir(), 27, progress=print).erl


if __name__ == "__main__":
    main()
