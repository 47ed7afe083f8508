"""Signals that end a command: raised once, never inside an import or a clean-up.

Knows: signals and the main thread's stack. Must not know: what is interrupted.

An exception out of an import leaves Python's import lock held, and one out of a clean-up leaves
the rest of it undone. So the handler only notes the signal, and raises where neither is on the
stack; a timer asks again and again. It also raises anew what a finaliser swallowed, and wakes a
main thread that went to wait for a lock at the very moment of the signal.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, a polite kill, a terminal that was closed."""

_TICK_S = 0.1
_IMPORTING = "<frozen importlib"
_SIGNAL_EXIT = 128


class Interrupted(KeyboardInterrupt):
    """Say which signal ends the command.

    Args:
        number: of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number

    @property
    def exit_code(self) -> int:
        """Return what a shell shows of a program that a signal ended: 128 + the number."""
        return _SIGNAL_EXIT + self.number


class _Watch:
    """Hold the first signal that came, and whether it may be raised."""

    def __init__(self) -> None:
        self.first: int | None = None
        self.installed = False
        self.armed = False
        self.holds = 0

    def note(self, number: int, frame: FrameType | None) -> None:
        """Take a signal; those after the first change nothing."""
        if self.first is None:
            self.first = number
        self.try_raise(frame)

    def tick(self, _number: int, frame: FrameType | None) -> None:
        """Ask again whether the signal may be raised."""
        self.try_raise(frame)

    def try_raise(self, frame: FrameType | None) -> None:
        """Raise the signal that came, unless it must wait or is being handled."""
        if self.first is None or not self.armed:
            return
        if self.holds or _importing(frame) or _being_handled(sys.exc_info()[1]):
            return
        raise Interrupted(self.first)


_watch = _Watch()


def install() -> None:
    """Note SIGINT, SIGTERM and SIGHUP from now on; one that is ignored (nohup) stays so."""
    signal.signal(signal.SIGALRM, _watch.tick)
    _watch.installed = True
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _watch.note)


def came() -> bool:
    """Tell whether a signal has come: whoever waits for something, waits no longer than he must."""
    return _watch.first is not None


def first() -> Interrupted | None:
    """Return what the signal that came raises, None where none came."""
    return None if _watch.first is None else Interrupted(_watch.first)


def over() -> None:
    """Ignore signals from now on: the exit code is known.

    Of what is handled, not ignored, Python restores the default before it has ended.
    """
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def armed() -> Iterator[None]:
    """Let a signal raise `Interrupted` in the block, also one that came before it.

    Raises:
        Interrupted: once a signal came.
    """
    _watch.armed = True
    if _watch.installed:  # without its handler the timer's signal ends the process
        signal.setitimer(signal.ITIMER_REAL, _TICK_S, _TICK_S)
    try:
        _watch.try_raise(None)
        yield
    finally:
        _watch.armed = False
        signal.setitimer(signal.ITIMER_REAL, 0)


@contextmanager
def held() -> Iterator[None]:
    """Hold signals back while the main thread cleans up; what it waits for needs a deadline."""
    _watch.holds += 1
    try:
        yield
    finally:
        _watch.holds -= 1
        if not _watch.holds and _watch.first is not None:
            _watch.try_raise(None)


def _importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith(_IMPORTING):
            return True
        frame = frame.f_back
    return False


def _being_handled(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, Interrupted):
            return True
        error = error.__context__
    return False
