"""The pytest plugin: `pytest claims/ --otp 25,27` collects each cell as one test item.

Knows: pytest, the session, the judge. Must not know: how a node works or a prediction is decided.
Refuted is a failure, inconclusive an error, a cell that is left out a skip with its reason.
"""

from __future__ import annotations

import fcntl
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from harness.claims import sabotage
from harness.claims.folder import load_skill
from harness.claims.model import Claim, by_name
from harness.collect import releases, workshop
from harness.collect.lane import Lane
from harness.errors import BeamproofError
from harness.folders import cache_dir, default_probes_dir
from harness.judge import judge
from harness.judge.finding import Finding, Verdict
from harness.report.terminal.findings import explain
from harness.run.cells import Cell, Need
from harness.runtimes import table
from harness.runtimes.request import CHOICES, RuntimeRequest
from harness.verify import plan

_SKILL = re.compile(r"^skill\s*=", re.MULTILINE)
_MARKERS = {
    "timing": "runs while no other cell of the session runs",
    **{need.value: f"the claim needs: {need.value}" for need in Need},
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that say which releases are wanted and where the probes lie."""
    group = parser.getgroup("beamproof", "claims about the Erlang VM")
    group.addoption("--otp", metavar="RELEASES", help="releases: 25,27 or 24-27 (default: 24-27)")
    group.addoption("--runtime", choices=CHOICES, default="auto", help="where the VMs come from")
    group.addoption(
        "--image",
        action="append",
        default=[],
        metavar="REF",
        help="any container image with sh and erl in it (repeatable)",
    )
    group.addoption("--otp-root", action="append", default=[], type=Path, metavar="DIR")
    group.addoption("--probes", type=Path, metavar="DIR", help="folder of the probe modules")
    group.addoption("--strict-otp", action="store_true", help="a missing release is an error")


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers that claims carry, and refuse what is no release."""
    if config.option.otp is not None:
        try:
            table.parse_releases(config.option.otp)
        except BeamproofError as error:
            raise pytest.UsageError(str(error)) from error
    for name, meaning in _MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {meaning}")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect claim files: TOML with a top-level `skill` that is no file of variants."""
    if file_path.suffix != ".toml" or file_path.parent.name == sabotage.FOLDER:
        return None
    if not _SKILL.search(file_path.read_text(encoding="utf-8")):
        return None
    collector: ClaimFile = ClaimFile.from_parent(parent, path=file_path)
    return collector


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the nodes of the session."""
    cells = config.stash.get(_CELLS, None)
    if cells is not None:
        cells.close()


class Cells:
    """Hold the releases and lanes that all items of one pytest process share."""

    def __init__(self, config: pytest.Config) -> None:
        option = config.option
        request = RuntimeRequest(
            otp=option.otp,
            way=option.runtime,
            images=tuple(option.image),
            otp_roots=tuple(option.otp_root),
            strict=option.strict_otp or None,
        )
        probes = option.probes or default_probes_dir()
        self.workshop = workshop.workshop_for(workshop.new_run_id(), probes, cache_dir())
        self.releases = releases.open_releases(request, self.workshop, lambda _line: None)
        self._lanes: dict[str, Lane] = {}
        try:
            if request.is_strict:
                self.releases.require(strict=True)
            self.columns = self.releases.columns()
        except BeamproofError:
            self.close()
            raise

    def lane(self, runtime: str) -> Lane:
        """Return the lane of a runtime, opened at first use."""
        if runtime not in self._lanes:
            node = self.releases.nodes.pop(runtime, None)
            self._lanes[runtime] = Lane(self.releases.runtimes[runtime], self.workshop, node)
        return self._lanes[runtime]

    def close(self) -> None:
        """End every node."""
        for lane in self._lanes.values():
            lane.close()
        self.releases.close()


_CELLS = pytest.StashKey[Cells]()


def cells_of(config: pytest.Config) -> Cells:
    """Return the session's releases, found and started at the first claim file."""
    if _CELLS not in config.stash:
        config.stash[_CELLS] = Cells(config)
    return config.stash[_CELLS]


class ClaimFile(pytest.File):
    """Hold the cells of one skill."""

    def collect(self) -> Iterator[pytest.Item]:
        """Yield an item a cell, also for those that are left out."""
        try:
            skill = load_skill(self.path)
            columns = cells_of(self.config).columns
        except BeamproofError as error:
            raise self.CollectError(str(error)) from error
        claims = by_name([skill])
        laid_out = plan.build([skill], columns, plan.Selection())
        for cell in laid_out.cells:
            claim = claims[f"{cell.skill}/{cell.claim}"]
            yield CellItem.from_parent(self, name=cell.id, cell=cell, claim=claim)
        for out in laid_out.left_out:
            item: CellItem = CellItem.from_parent(self, name=out.cell, cell=None, claim=None)
            item.add_marker(pytest.mark.skip(reason=out.reason))
            yield item


class InconclusiveError(Exception):
    """Say that a cell's evidence decides nothing."""


class RefutedError(Exception):
    """Say that a cell's evidence contradicts its claim."""


class CellItem(pytest.Item):
    """Prove one claim on one release."""

    def __init__(self, *, cell: Cell | None, claim: Claim | None, **given: Any) -> None:
        super().__init__(**given)
        self._cell = cell
        self._claim = claim
        self._finding: Finding | None = None
        if cell is not None:
            for name in (*cell.call.needs, *(["timing"] if cell.call.timing else [])):
                self.add_marker(str(name))

    def setup(self) -> None:
        """Observe and judge: an inconclusive cell is an error, and errors come from here."""
        if self._cell is None or self._claim is None:
            return
        with _turn(alone=self._cell.call.timing):
            self._finding = _observe(cells_of(self.config), self._cell, self._claim)
        for title, text in _sections(self._finding):
            self.add_report_section("call", title, text)
        if self._finding.verdict is Verdict.INCONCLUSIVE:
            raise InconclusiveError(explain(self._finding))

    def runtest(self) -> None:
        """Fail where the claim is refuted."""
        if self._finding is None or self._finding.verdict is Verdict.CONFIRMED:
            return
        raise RefutedError(explain(self._finding))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Show predicted against found instead of a Python traceback."""
        if isinstance(excinfo.value, InconclusiveError | RefutedError | BeamproofError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return where the claim stands."""
        line = self._claim.line - 1 if self._claim else 0
        return self.path, line, self.name


def _observe(cells: Cells, cell: Cell, claim: Claim) -> Finding:
    observation = cells.lane(cell.runtime).observe(
        cell, lambda so_far: not judge.enough(claim, so_far)
    )
    return judge.judge(claim, observation)


def _sections(finding: Finding) -> Iterator[tuple[str, str]]:
    samples = finding.observation.samples if finding.observation else ()
    if samples:
        evidence = [sample.evidence for sample in samples]
        yield "evidence", json.dumps(evidence[0] if len(evidence) == 1 else evidence, indent=1)
        log = "".join(sample.log for sample in samples)
        if log:
            yield "log", log


@contextmanager
def _turn(*, alone: bool) -> Iterator[None]:
    """Wait for this cell's turn among all pytest processes of this user (`-n`)."""
    with _lock_file().open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        try:
            yield
        finally:
            fcntl.flock(lock, fcntl.LOCK_UN)


def _lock_file() -> Path:
    folder = cache_dir()
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "timing.lock"
