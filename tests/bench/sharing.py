"""Measure what it saves that claims of the same call share it: both ways, on the same machine.

Knows: works, the collector. Must not know: predictions; every observation is final at its least
number of samples.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from harness.claims.folder import load_skills
from harness.collect import releases, workshop
from harness.collect.runner import Collector, Decision, Options
from harness.folders import cache_dir, default_claims_dir, default_probes_dir
from harness.run.cells import Cell
from harness.run.model import Observation
from harness.run.work import Work, apart, shared
from harness.runtimes.request import RuntimeRequest
from harness.verify import plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharing:
    """Hold how many calls there are and how long they took, a call a cell and shared."""

    cells: int
    calls: int
    apart_s: float
    shared_s: float


class _Takes:
    """Be content with everything."""

    def decide(self, _observation: Observation) -> Decision:
        return Decision()

    def work_started(self, _work: Work) -> None:
        """Say nothing."""


def measure(skill: str) -> Sharing:
    """Run one skill on the trees of OTP 25 and 27, first a call a cell, then with shared calls."""
    apart_s, cells = _seconds(skill, apart)
    shared_s, calls = _seconds(skill, shared)
    return Sharing(cells=cells, calls=calls, apart_s=apart_s, shared_s=shared_s)


def _seconds(
    skill: str, works_of: Callable[[Iterable[Cell]], tuple[Work, ...]]
) -> tuple[float, int]:
    shop = workshop.workshop_for(workshop.new_run_id(), default_probes_dir(), cache_dir())
    request = RuntimeRequest(otp="25,27", way="debian", images=(), otp_roots=(), strict=None)
    with releases.open_releases(request, shop, lambda _line: None) as opened:
        skills = load_skills(default_claims_dir(), [skill])
        works = works_of(plan.build(skills, opened.columns(), plan.Selection()).cells)
        takes = _Takes()
        collector = Collector(
            places=opened.places(slots=os.cpu_count() or 1, isolate=False),
            steering=takes,
            listener=takes,
            options=Options(),
        )
        start = time.monotonic()
        collector.run(works)
        return time.monotonic() - start, len(works)
