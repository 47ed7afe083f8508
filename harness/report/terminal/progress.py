"""What is shown while a run collects: what each lane does in a terminal, few lines elsewhere.

Knows: cells, works, how long their calls took before, verdict signs. Must not know: why a verdict
is what it is.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from harness.judge.finding import Finding, Verdict
from harness.report.marks import MARKS
from harness.report.phrases import clock
from harness.run.cells import Cell
from harness.run.work import Work, shared
from harness.system.verbosity import Verbosity

_SILENT_S = 15.0
"""A log gets a line of progress after so many seconds."""

_BAR = 24


class Display(Protocol):
    """Show the progress of a run; use as a context manager."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def work_started(self, work: Work) -> None:
        """Show what is in hand."""
        ...

    def cell_judged(self, finding: Finding) -> None:
        """Show a finding."""
        ...


class Pace:
    """Tell how far a run is and how long it will still take.

    Args:
        cells: all that will be judged.
        seconds: how long calls took in earlier runs, by runtime and name of the call.
        jobs: how many are done at once.

    Units: seconds.
    """

    def __init__(
        self, cells: Sequence[Cell], seconds: Mapping[tuple[str, str], float], jobs: int
    ) -> None:
        self.total = len(cells)
        self.done = 0
        self.counts: Counter[Verdict] = Counter()
        self._jobs = jobs
        self._start = time.monotonic()
        works = shared(cells)
        known = [seconds[key] for key in map(_key, works) if key in seconds]
        usual = sum(known) / len(known) if known else None
        self._left: dict[str, dict[str, float | None]] = {}
        for work in works:
            self._left.setdefault(work.runtime, {})[work.call.id] = seconds.get(_key(work), usual)

    def count(self, finding: Finding) -> None:
        """Take a finding as done."""
        self.done += 1
        self.counts[finding.verdict] += 1
        seen = finding.observation
        if seen is not None:
            self._left.get(seen.runtime, {}).pop(seen.call, None)

    def elapsed_s(self) -> float:
        """Return how long the run has taken."""
        return time.monotonic() - self._start

    def left_s(self) -> float | None:
        """Return about how long it will still take, None where no run tells."""
        every = [seconds for own in self._left.values() for seconds in own.values()]
        left = [seconds for seconds in every if seconds is not None]
        if len(left) < len(every):
            return None
        longest = max(left, default=0.0)
        return max(sum(left) / self._jobs, longest)

    def words(self) -> str:
        """Return the whole in words, e.g. `120/811, 118 ✔ 2 ✘, 0:41, about 1:20 left`."""
        marks = " ".join(
            f"{self.counts[verdict]} {MARKS[verdict].sign}"
            for verdict in MARKS
            if self.counts[verdict]
        )
        left = self.left_s() or 0.0
        rest = f"about {clock(left)} left" if left >= 1 and self.done < self.total else ""
        parts = (f"{self.done}/{self.total}", marks, clock(self.elapsed_s()), rest)
        return ", ".join(filter(None, parts))


def _key(work: Work) -> tuple[str, str]:
    return work.runtime, work.call.id


class PlainDisplay:
    """Print for pipes, logs and CI: what is not confirmed, and now and then how far it is.

    Verbose, a line a finding; quiet, nothing.
    """

    def __init__(self, console: Console, pace: Pace, verbosity: Verbosity) -> None:
        self._console = console
        self._pace = pace
        self._verbosity = verbosity
        self._said = time.monotonic()
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        """Leave nothing behind."""

    def work_started(self, work: Work) -> None:
        """Say nothing: the line comes with the finding."""

    def cell_judged(self, finding: Finding) -> None:
        """Print verdict, cell and time."""
        with self._lock:
            self._pace.count(finding)
            if self._verbosity is Verbosity.QUIET:
                return
            if self._verbosity is Verbosity.VERBOSE or finding.verdict in _TOLD:
                self._put(f"{self._pace.done:>4}/{self._pace.total} {finding_line(finding)}")
            elif time.monotonic() - self._said > _SILENT_S:
                self._put(self._pace.words())

    def _put(self, line: str) -> None:
        self._said = time.monotonic()
        self._console.print(line, highlight=False, soft_wrap=True, markup=False)


_TOLD = frozenset({Verdict.REFUTED, Verdict.INCONCLUSIVE})


def finding_line(finding: Finding) -> str:
    """Return a finding in one line: sign, cell, seconds of all samples."""
    seen = finding.observation
    elapsed_us = sum(sample.elapsed_us for sample in seen.samples) if seen else 0
    return f"{MARKS[finding.verdict].sign} {finding.cell} {elapsed_us / 1e6:.2f}s"


class LiveDisplay:
    """Draw how far the run is, and below it what each lane has in hand."""

    def __init__(self, console: Console, pace: Pace, verbosity: Verbosity) -> None:
        self._pace = pace
        self._verbosity = verbosity
        self._lanes: dict[int, tuple[Work, float]] = {}
        self._lock = threading.Lock()
        self._live = Live(
            console=console,
            transient=True,
            refresh_per_second=8,
            get_renderable=self._drawn,
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._live.stop()

    def work_started(self, work: Work) -> None:
        """Show the work of the calling lane."""
        with self._lock:
            self._lanes[threading.get_ident()] = work, time.monotonic()

    def cell_judged(self, finding: Finding) -> None:
        """Count the verdict; the calling lane has nothing in hand until it says so."""
        with self._lock:
            self._pace.count(finding)
            self._lanes.pop(threading.get_ident(), None)
        if self._verbosity is Verbosity.VERBOSE:
            self._live.console.print(finding_line(finding), highlight=False, markup=False)

    def _drawn(self) -> RenderableType:
        with self._lock:
            head = Table.grid(padding=(0, 1))
            bar = ProgressBar(total=self._pace.total, completed=self._pace.done, width=_BAR)
            head.add_row(bar, Text(self._pace.words()))
            return Group(head, *self._in_hand())

    def _in_hand(self) -> Iterator[Text]:
        now = time.monotonic()
        for work, since in self._lanes.values():
            first, *others = work.all_cells
            more = f" +{len(others)}" if others else ""
            line = f"  {work.runtime}  {first.name}{more}  {clock(now - since)}"
            yield Text(line, style="dim", no_wrap=True, overflow="ellipsis")


def display_for(console: Console, pace: Pace, verbosity: Verbosity) -> Display:
    """Return the live display in a terminal, few plain lines elsewhere."""
    if console.is_terminal and verbosity is not Verbosity.QUIET:
        return LiveDisplay(console, pace, verbosity)
    return PlainDisplay(console, pace, verbosity)
