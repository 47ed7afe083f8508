"""What the items of one pytest process share: releases, lanes, and observations of each call.

Knows: the session's options, verify's stages. Must not know: how an item reports.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from harness.claims.model import Claim, Skill
from harness.collect import releases, workshop
from harness.collect.lane import Lane
from harness.errors import BeamproofError
from harness.folders import PROBES, cache_dir, default_probes_dir
from harness.judge import judge
from harness.pytest_plugin.kept import Keeper
from harness.run.cells import Cell, CellId, LeftOut
from harness.run.model import Observation
from harness.run.work import Work, shared
from harness.runtimes.request import RuntimeRequest
from harness.verify import plan
from harness.verify.session import Plan


class Cells:
    """Hold the releases and lanes that all items of one pytest process share.

    Args:
        config: the session's.
        probes: folder of the probe modules.
    """

    def __init__(self, config: pytest.Config, probes: Path) -> None:
        request = request_of(config.option)
        self.workshop = workshop.workshop_for(workshop.new_run_id(), probes, cache_dir())
        opened = releases.open_releases(request, self.workshop, lambda _line: None)
        self.releases = opened.begin()
        self._lanes: dict[str, Lane] = {}
        self._skills: dict[str, Skill] = {}
        self._left_out: list[LeftOut] = []
        self._works: dict[CellId, Work] = {}
        self._claims: dict[str, Claim] = {}
        self._seen: dict[tuple[str, str], Observation] = {}
        self._keeper = Keeper.of(config)
        try:
            if request.otp is not None or request.is_strict:
                self.releases.require(strict=request.is_strict)  # as for `verify`
            self.columns = self.releases.columns()
        except BeamproofError:
            self.close()
            raise

    def lay_out(self, skill: Skill) -> plan.Matrix:
        """Return the cells of a skill on the releases of the session."""
        self._skills[skill.name] = skill
        self._claims |= {claim.name: claim for claim in skill.claims}
        laid_out = plan.build([skill], self.columns, plan.Selection())
        self._left_out += laid_out.left_out
        return laid_out

    def lane(self, runtime: str) -> Lane:
        """Return the lane of a runtime, opened at first use."""
        if runtime not in self._lanes:
            node = self.releases.nodes.pop(runtime, None)
            self._lanes[runtime] = Lane(self.releases.runtimes[runtime], self.workshop, node)
        return self._lanes[runtime]

    def select(self, cells: Iterable[Cell]) -> None:
        """Learn which cells will be wanted: those that make the same call share it."""
        chosen = tuple(cells)
        self._works = {cell: work for work in shared(chosen) for cell in work.all_cells}
        if self._keeper is not None and chosen:
            matrix = plan.Matrix(cells=chosen, left_out=tuple(self._left_out))
            skills = tuple(self._skills.values())
            self._keeper.begin(
                Plan(skills=skills, matrix=matrix, releases=self.releases, workshop=self.workshop)
            )

    def work(self, cell: Cell) -> Work:
        """Return the call that a cell makes, and all selected cells that share it."""
        return self._works[cell.id]

    def observe(self, work: Work) -> Observation:
        """Return what a call gave; it is made for the first of its cells."""
        key = (work.runtime, work.call.id)
        if key not in self._seen:
            claims = [self._claims[cell.name] for cell in work.all_cells]
            self._seen[key] = self.lane(work.runtime).observe(
                work, lambda seen: not all(judge.enough(claim, seen) for claim in claims)
            )
            if self._keeper is not None:
                self._keeper.keep(self._seen[key])
        return self._seen[key]

    def close(self) -> None:
        """End every node, and the run that is kept."""
        for lane in self._lanes.values():
            lane.close()
        self.releases.close()
        if self._keeper is not None:
            self._keeper.end()


_CELLS = pytest.StashKey[dict[Path, Cells]]()


def all_cells(config: pytest.Config) -> tuple[Cells, ...]:
    """Return what the session has opened so far."""
    return tuple(config.stash.get(_CELLS, {}).values())


def cells_of(config: pytest.Config, claim_file: Path) -> Cells:
    """Return what a claim file's cells share, found and started at the first file of its probes.

    The probes are those that the option names, the ones beside the file's folder, or the default.
    """
    beside = claim_file.resolve().parent.parent / PROBES
    probes = config.option.beamproof_probes or (beside if beside.is_dir() else default_probes_dir())
    known = config.stash.setdefault(_CELLS, {})
    if probes not in known:
        known[probes] = Cells(config, probes)
    return known[probes]


def request_of(option: Any) -> RuntimeRequest:
    """Return which releases the session's options ask for."""
    return RuntimeRequest(
        otp=",".join(option.beamproof_otp or ()) or None,
        way=option.beamproof_runtime,
        images=tuple(option.beamproof_image),
        image_list=option.beamproof_images,
        otp_roots=tuple(option.beamproof_otp_root),
        strict=option.beamproof_strict_otp or None,
    )
