"""Run many cells on pretended VMs in a process of their own: the harness's time and memory alone.

Knows: stages of `verify`, the pretended VMs of the tests. Must not know: what a good figure is.

    python -m tests.bench.cells 1700 60

prints seconds and the process' peak in MB for so many claims on so many runtimes.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.fake_vm import Action, Fleet, Gives, NoProbes, workshop
from support.judging import build

from harness.collect.place import Here, Place
from harness.collect.runner import Options
from harness.run.cells import Column
from harness.run.model import RuntimeRecord, Source
from harness.runtimes import Runtime
from harness.system.verbosity import Verbosity
from harness.verify import stages
from harness.verify.plan import Selection
from harness.verify.request import Request
from tests.bench import scale


class _Forgetful(list[tuple[str, str]]):
    """Take no note of calls: what the pretended VMs remember is not the harness's."""

    def append(self, _call: tuple[str, str]) -> None: ...


class _Sums(Mapping[str, object]):
    """Have every probe answer what its claim predicts; all are one function."""

    def __getitem__(self, _name: str) -> object:
        return _answer

    def __iter__(self) -> Iterator[str]:
        return iter(("sum",))

    def __len__(self) -> int:
        return 1


def _answer(_number: int) -> Action:
    return Gives({"sum_count": 1})


class _Probes(NoProbes):
    warnings: Mapping[str, str] = {}

    def kept(self, _module: str) -> tuple[Source, ...]:
        return ()


@dataclass
class _Releases:
    """Be so many runtimes that all have started."""

    count: int
    fleet: Fleet

    @property
    def names(self) -> list[str]:
        return [f"otp{number}" for number in range(27, 27 + self.count)]

    @property
    def runtimes(self) -> dict[str, Runtime]:
        return {name: self.fleet.runtime(name) for name in self.names}

    def require(self, *, strict: bool) -> None: ...

    def columns(self) -> tuple[Column, ...]:
        return tuple(
            Column(name=name, release=int(name[3:]), otp_version=f"{name[3:]}.3")
            for name in self.names
        )

    def records(self) -> tuple[RuntimeRecord, ...]:
        return tuple(
            RuntimeRecord(
                name=name,
                release=int(name[3:]),
                way="host",
                origin="",
                build=build(f"{name[3:]}.3"),
            )
            for name in self.names
        )

    def places(self, *, slots: int, isolate: bool) -> list[Place]:
        shop = workshop()
        shop.probes = _Probes()  # type: ignore[assignment]
        here = Here(runtimes=self.runtimes, nodes={}, workshop=shop, slots=slots, isolate=isolate)
        return [here]


def main() -> None:
    """Run the cells; print seconds and MB."""
    claims, columns = map(int, sys.argv[1:])
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        scale.write(root, claims, found=lambda _number: 1)
        request = Request(
            skills=None,
            selection=Selection(),
            claims_dir=root / "claims",
            probes_dir=root / "erlang_probes",
            runs_dir=root / "runs",
            plan_only=False,
            as_json=False,
            verbosity=Verbosity.QUIET,
            durations=0,
            fail_fast=False,
            resumed=None,
            repeat=None,
            timeout_s=None,
            options=Options(jobs=2),
        )
        fleet = Fleet(scripts=_Sums(), calls=_Forgetful())  # type: ignore[arg-type]
        releases = _Releases(columns, fleet)
        shop = workshop()
        shop.probes = _Probes()  # type: ignore[assignment]
        start = time.monotonic()
        plan = stages.lay_out(request, releases, shop, strict=False)  # type: ignore[arg-type]
        code = stages.prove(plan, request)
        wall_s = time.monotonic() - start
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sys.stdout.write(f"exit {code.value} seconds {wall_s:.2f} peak_mb {peak_kib / 1000:.0f}\n")


main()
