"""What is shown while a run collects: a line a runtime in a terminal, plain lines elsewhere.

Knows: cells and verdict characters. Must not know: why a verdict is what it is.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from harness.judge.finding import Finding
from harness.report.marks import MARKS
from harness.run.cells import Cell
from harness.run.work import Work


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


class PlainDisplay:
    """Print one line a finding: for pipes, logs and CI."""

    def __init__(self, console: Console, total: int) -> None:
        self._console = console
        self._total = total
        self._done = 0
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        """Leave nothing behind."""

    def work_started(self, work: Work) -> None:
        """Say nothing: the line comes with the finding."""

    def cell_judged(self, finding: Finding) -> None:
        """Print verdict, cell and time."""
        character = MARKS[finding.verdict].sign
        observation = finding.observation
        elapsed_us = sum(sample.elapsed_us for sample in observation.samples) if observation else 0
        with self._lock:
            self._done += 1
            self._console.print(
                f"{self._done:>4}/{self._total} {character} {finding.cell} {elapsed_us / 1e6:.2f}s",
                highlight=False,
                soft_wrap=True,
            )


class LiveDisplay:
    """Draw a line a runtime: the claim in hand, counts, time."""

    def __init__(self, console: Console, cells: Sequence[Cell]) -> None:
        self._progress = Progress(
            TextColumn("[bold]{task.fields[runtime]}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[counts]}"),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.description}"),
            console=console,
            transient=True,
        )
        totals = Counter(cell.id.runtime for cell in cells)
        self._tasks: dict[str, TaskID] = {
            runtime: self._progress.add_task("", total=total, runtime=runtime, counts="")
            for runtime, total in totals.items()
        }
        self._counts: dict[str, Counter[str]] = {runtime: Counter() for runtime in totals}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._progress.stop()

    def work_started(self, work: Work) -> None:
        """Show the claim in hand, the first of several."""
        first, *others = work.all_cells
        more = f" +{len(others)}" if others else ""
        self._progress.update(self._tasks[work.runtime], description=f"{first.claim}{more}")

    def cell_judged(self, finding: Finding) -> None:
        """Count the verdict."""
        runtime = finding.cell.runtime
        with self._lock:
            self._counts[runtime][MARKS[finding.verdict].sign] += 1
            counts = " ".join(f"{count}{mark}" for mark, count in self._counts[runtime].items())
            self._progress.update(self._tasks[runtime], advance=1, counts=counts)


def display_for(console: Console, cells: Sequence[Cell]) -> Display:
    """Return the live display in a terminal, plain lines elsewhere."""
    return LiveDisplay(console, cells) if console.is_terminal else PlainDisplay(console, len(cells))
