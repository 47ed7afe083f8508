"""What is shown while a run collects: where it is, what runs now, and not more than that."""

from __future__ import annotations

import threading
from io import StringIO

import msgspec
from rich.console import Console
from support.judging import claim, observation, rival, sample

from harness.judge.finding import Finding
from harness.judge.judge import judge
from harness.report.terminal import progress
from harness.report.terminal.progress import LiveDisplay, Pace, PlainDisplay, display_for
from harness.run.cells import Cell, CellId, ProbeCall
from harness.run.work import shared
from harness.system.verbosity import Verbosity

NAMES = ("good", "better", "bad")
CELLS = tuple(
    Cell(
        id=CellId.of("beam-test", name, "otp27"), call=ProbeCall(module="beam_test", function=name)
    )
    for name in NAMES
)
WORKS = shared(CELLS)


def finding(name: str, value: int = 1) -> Finding:
    stated = claim({"a_count": 1}, rival({"a_count": 2}), name=name)
    seen = observation(sample({"a_count": value}), name=name, version="27.3")
    (work,) = (work for work in WORKS if work.cells[0].claim == name)
    return judge(stated, msgspec.structs.replace(seen, call=work.call.id))


def console(*, terminal: bool = False) -> Console:
    return Console(file=StringIO(), force_terminal=terminal, color_system=None, width=60)


def printed(on: Console) -> str:
    assert isinstance(on.file, StringIO)
    return on.file.getvalue()


def test_a_log_holds_what_is_not_confirmed() -> None:
    """Nothing of what holds: hundreds of lines hide the one that matters."""
    on = console()
    with PlainDisplay(on, Pace(CELLS, {}, 1), Verbosity.NORMAL) as display:
        for one in (finding("good"), finding("bad", 2)):
            display.cell_judged(one)
    (line,) = printed(on).splitlines()
    assert line.startswith("   2/3 ✘ beam-test/bad@otp27 ")


def test_a_log_holds_a_line_a_finding_or_none_when_told_so() -> None:
    """-v for who waits for a certain one, -q for who wants the exit code."""
    for verbosity, lines in ((Verbosity.VERBOSE, 2), (Verbosity.QUIET, 0)):
        on = console()
        with display_for(on, Pace(CELLS, {}, 1), verbosity) as display:
            for one in (finding("good"), finding("bad", 2)):
                display.cell_judged(one)
        assert len(printed(on).splitlines()) == lines


def test_a_log_that_was_silent_for_long_says_how_far_it_is() -> None:
    """So that nobody takes it for hung."""
    on = console()
    display = PlainDisplay(on, Pace(CELLS, {}, 1), Verbosity.NORMAL)
    display._said -= 2 * progress._SILENT_S
    display.cell_judged(finding("good"))
    assert printed(on).startswith("1/3, 1 ✔, 0:0")


def test_what_is_left_is_told_from_earlier_runs() -> None:
    """A call that no run timed counts as the usual one; without any, nothing is told."""
    keys = [(work.runtime, work.call.id) for work in WORKS]
    pace = Pace(CELLS, {keys[0]: 60.0, keys[1]: 120.0}, 2)
    assert pace.left_s() == (60 + 120 + 90) / 2
    pace.count(finding("better"))
    assert pace.words().endswith("about 1:30 left")
    assert Pace(CELLS, {}, 2).left_s() is None
    assert Pace(CELLS, dict.fromkeys(keys[:1], 100.0), 8).left_s() == 100.0


def test_a_terminal_shows_what_each_lane_has_in_hand() -> None:
    """Until it is judged, in one line that is never wider than the terminal."""
    on = console(terminal=True)
    pace = Pace(CELLS, {}, 2)
    display = LiveDisplay(on, pace, Verbosity.NORMAL)
    display.work_started(WORKS[0])
    lane = threading.Thread(target=display.work_started, args=(WORKS[1],))
    lane.start()
    lane.join(5)
    with on.capture() as drawn:
        on.print(display._drawn())
    lines = drawn.get().splitlines()
    assert "0/3" in lines[0]
    assert [line.split()[:2] for line in lines[1:]] == [
        ["otp27", "beam-test/good"],
        ["otp27", "beam-test/better"],
    ]
    display.cell_judged(finding("good"))
    with on.capture() as drawn:
        on.print(display._drawn())
    assert "1/3, 1 ✔" in drawn.get()
    assert "beam-test/good" not in drawn.get()
    assert all(len(line) <= 60 for line in drawn.get().splitlines())
