"""Waiting for an engine that may hang, so that it holds nobody who was told to end.

Knows: threads, and whether a signal came. Must not know: what the engine is asked.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from harness.errors import RuntimeMissingError
from harness.system import interruption

END_PATIENCE_S = 10.0
"""How long the end of a container may take while nobody is in a hurry."""

_GRACE_S = 0.3
"""How much longer the engine is waited for once a signal came, each time."""

_LAST_S = 1.0
"""How long the process as a whole waits, in the end, for containers that are being removed."""

_SLICE_S = 0.05

_T = TypeVar("_T")
_ending: set[threading.Thread] = set()
_lock = threading.Lock()


def ask(act: Callable[[], _T]) -> _T:
    """Return what `act` returns or raise what it raises; give it up soon after a signal.

    Raises:
        RuntimeMissingError: a signal came, and the engine did not answer: not worth another try.
    """
    found: Future[_T] = Future()
    _start(lambda: _fulfil(found, act))
    until: float | None = None
    while True:
        try:
            return found.result(timeout=_SLICE_S)
        except TimeoutError:
            if found.done():
                raise
        if interruption.came():
            until = until or time.monotonic() + _GRACE_S
            if time.monotonic() > until:
                raise RuntimeMissingError("the engine did not answer before the command ended")


def end(act: Callable[[], object]) -> None:
    """Have something ended, and wait for it as long as is worth it; what it raises is dropped.

    What takes longer goes on beside everything else, and is waited for once more at the end of the
    process; `beamproof sweep` finds what is left then.
    """
    thread = _start(lambda: _quietly(act))
    with _lock:
        hanging = any(one.is_alive() for one in _ending)
        _ending.add(thread)
    until = time.monotonic() + (_GRACE_S if hanging else END_PATIENCE_S)
    while thread.is_alive() and time.monotonic() < until:
        thread.join(_SLICE_S)
        if interruption.came():
            until = min(until, time.monotonic() + _GRACE_S)
    if not thread.is_alive():
        with _lock:
            _ending.discard(thread)


@atexit.register
def _finish() -> None:
    until = time.monotonic() + _LAST_S
    with _lock:
        threads = list(_ending)
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))


def _start(act: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=act, name="engine", daemon=True)
    thread.start()
    return thread


def _fulfil(found: Future[_T], act: Callable[[], _T]) -> None:
    try:
        found.set_result(act())
    except BaseException as error:  # noqa: BLE001 - whoever waits gets it
        found.set_exception(error)


def _quietly(act: Callable[[], object]) -> None:
    try:
        act()
    except Exception:  # noqa: BLE001 - it may be gone, and so may the engine
        return
