"""The pytest plugin: `pytest claims/ --beamproof-otp 25,27` collects each cell as one test item.

Knows: pytest, the session, the judge. Must not know: how a node works or a prediction is decided.
Refuted is a failure, inconclusive an error, a cell that is left out a skip with its reason.

It is loaded in every pytest session of an environment, so it is a guest there: its options carry
its name, and no file is read further than needed to see that it is no claim file.
"""

from __future__ import annotations

import fcntl
import json
import re
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from _pytest._code.code import ReprFileLocation, TerminalRepr
from _pytest._io import TerminalWriter

from harness.claims.folder import load_skill
from harness.claims.model import Claim
from harness.collect import releases, workshop
from harness.collect.lane import Lane
from harness.errors import BeamproofError
from harness.folders import cache_dir, default_probes_dir
from harness.judge import judge
from harness.judge.finding import Finding, Verdict
from harness.report.terminal.findings import explain
from harness.run.cells import Cell, CellId, Need
from harness.run.model import Observation
from harness.run.work import Work, shared
from harness.runtimes.request import CHOICES, RuntimeRequest
from harness.verify import plan

_SHORT_OPTIONS = "beamproof_short_options"
_HEADER = re.compile(rb"\s*\[")
_SKILL = re.compile(rb"""\s*skill\s*=\s*["'][a-z0-9-]+["']\s*(#.*)?$""")
_OURS = re.compile(rb"\s*\[\[\s*(claim|untestable)\s*\]\]")
_LINE_BYTES = 4096
"""The first table of a claim file stands near its top; a longer line is no line of ours."""

_MARKERS = {
    "timing": "runs while no other cell of the session runs",
    **{need.value: f"the claim needs: {need.value}" for need in Need},
}


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Add the options that say which releases are wanted and where the probes lie."""
    parser.addini(
        _SHORT_OPTIONS,
        "also take --otp, --runtime, --image, --otp-root, --probes and --strict-otp",
        type="bool",
    )
    config = pluginmanager.getplugin("pytestconfig")
    short = config is not None and bool(config.getini(_SHORT_OPTIONS))
    group = parser.getgroup("beamproof", "claims about the Erlang VM")

    def add(name: str, **given: Any) -> None:
        names = [f"--beamproof-{name}", *([f"--{name}"] if short else [])]
        group.addoption(*names, dest=f"beamproof_{name.replace('-', '_')}", **given)

    add("otp", action="append", metavar="RELEASES", help="25,27 or 24-27 (default: 24-27)")
    add("runtime", choices=CHOICES, default="auto", help="where the VMs come from")
    add("image", action="append", default=[], metavar="REF", help="has sh and erl in it")
    add("otp-root", action="append", default=[], type=Path, metavar="DIR", help="has bin/erl in it")
    add("probes", type=Path, metavar="DIR", help="folder of the probe modules")
    add("strict-otp", action="store_true", help="a missing release is an error")


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers that claims carry, and refuse what is no release."""
    try:
        _request(config.option).releases  # noqa: B018 - asked for its error
    except BeamproofError as error:
        raise pytest.UsageError(str(error)) from error
    for name, meaning in _MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {meaning}")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect claim files: TOML that names its skill and then opens with a claim."""
    if file_path.suffix != ".toml" or not is_claim_file(file_path):
        return None
    collector: ClaimFile = ClaimFile.from_parent(parent, path=file_path)
    return collector


def is_claim_file(path: Path) -> bool:
    """Tell whether a file is one of ours, reading no further than its first table.

    Whatever else lies in a project's folders (other encodings, unreadable files, `skill` with
    another meaning) is not ours and never an error.
    """
    named = False
    try:
        with path.open("rb") as stream:
            for line in iter(lambda: stream.readline(_LINE_BYTES), b""):
                if _HEADER.match(line):
                    return named and _OURS.match(line) is not None
                named = named or _SKILL.match(line) is not None
    except OSError:
        return False
    return False


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say of a cell in its setup what `repr_failure` says: pytest asks that of calls alone."""
    report = yield
    if isinstance(item, CellItem) and call.excinfo is not None:
        text = item.repr_failure(call.excinfo)
        if isinstance(text, str):
            report.longrepr = Explained(text, *item.reportinfo()[:2])
    return report


def pytest_collection_finish(session: pytest.Session) -> None:
    """Put the cells that are left together by the calls that they make."""
    items = [item for item in session.items if isinstance(item, CellItem)]
    if items:
        cells_of(session.config).select(items)


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the nodes of the session."""
    cells = config.stash.get(_CELLS, None)
    if cells is not None:
        cells.close()


class Cells:
    """Hold the releases and lanes that all items of one pytest process share."""

    def __init__(self, config: pytest.Config) -> None:
        request = _request(config.option)
        probes = config.option.beamproof_probes or default_probes_dir()
        self.workshop = workshop.workshop_for(workshop.new_run_id(), probes, cache_dir())
        opened = releases.open_releases(request, self.workshop, lambda _line: None)
        self.releases = opened.begin()
        self._lanes: dict[str, Lane] = {}
        self._works: dict[CellId, Work] = {}
        self._claims: dict[str, Claim] = {}
        self._seen: dict[tuple[str, str], Observation] = {}
        try:
            if request.otp is not None or request.is_strict:
                self.releases.require(strict=request.is_strict)  # as for `verify`
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

    def select(self, items: Iterable[CellItem]) -> None:
        """Learn which cells will be wanted: those that make the same call share it."""
        chosen = [item for item in items if item.cell is not None]
        self._claims = {item.claim.name: item.claim for item in chosen}
        works = shared(item.cell for item in chosen if item.cell is not None)
        self._works = {cell: work for work in works for cell in work.all_cells}

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
        return self._seen[key]

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


def _request(option: Any) -> RuntimeRequest:
    return RuntimeRequest(
        otp=",".join(option.beamproof_otp or ()) or None,
        way=option.beamproof_runtime,
        images=tuple(option.beamproof_image),
        otp_roots=tuple(option.beamproof_otp_root),
        strict=option.beamproof_strict_otp or None,
    )


class Explained(TerminalRepr):
    """Show a cell's sentences where pytest would show a stack.

    Args:
        text: what the terminal shows of the cell.
        path: the claim file.
        line: of the claim, counted from 0.
    """

    def __init__(self, text: str, path: Path, line: int) -> None:
        self.text = text
        lines = text.splitlines()
        message = lines[2].strip() if len(lines) > 2 else text  # noqa: PLR2004 - cell, claim, reason
        self.reprcrash = ReprFileLocation(str(path), line + 1, message)

    def toterminal(self, tw: TerminalWriter) -> None:
        """Write the sentences as they are."""
        tw.line(self.text)


class ClaimFile(pytest.File):
    """Hold the cells of one skill."""

    def collect(self) -> Iterator[pytest.Item]:
        """Yield an item a cell, also for those that are left out."""
        try:
            skill = load_skill(self.path)
            columns = cells_of(self.config).columns
        except BeamproofError as error:
            raise self.CollectError(str(error)) from error
        laid_out = plan.build([skill], columns, plan.Selection())
        cells = {cell.id: cell for cell in laid_out.cells}
        reasons = {out.cell: out.reason for out in laid_out.left_out}
        # one order whatever each process of a session finds: xdist compares them
        for claim in skill.claims:
            for column in columns:
                name = CellId.of(skill.name, claim.id, column.name)
                cell = cells.get(name)
                item: CellItem = CellItem.from_parent(self, name=str(name), cell=cell, claim=claim)
                if cell is None:
                    item.add_marker(pytest.mark.skip(reason=reasons[name]))
                yield item


class InconclusiveError(Exception):
    """Say that a cell's evidence decides nothing."""


class RefutedError(Exception):
    """Say that a cell's evidence contradicts its claim."""


class CellItem(pytest.Item):
    """Prove one claim on one release."""

    def __init__(self, *, cell: Cell | None, claim: Claim, **given: Any) -> None:
        super().__init__(**given)
        self.cell = cell
        self.claim = claim
        self._finding: Finding | None = None
        if cell is not None:
            for name in (*cell.call.needs, *(["timing"] if cell.call.timing else [])):
                self.add_marker(str(name))

    def setup(self) -> None:
        """Observe and judge: an inconclusive cell is an error, and errors come from here."""
        if self.cell is None:
            return
        cells = cells_of(self.config)
        work = cells.work(self.cell)
        with _turn(alone=work.call.timing):
            self._finding = judge.judge(self.claim, cells.observe(work))
        for title, text in _sections(self._finding):
            self.add_report_section("call", title, text)
        if self._finding.verdict is Verdict.INCONCLUSIVE:
            raise InconclusiveError(explain(self._finding))
        if self._finding.verdict is Verdict.SKIPPED:
            pytest.skip(self._finding.reason)

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
        return self.path, self.claim.line - 1, self.name


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
