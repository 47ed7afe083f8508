"""Wait for threads so that a signal, and the first of them that fails, is met soon.

Knows: futures. Must not know: what is done in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, wait

_TICK_S = 0.1
"""How long the main thread waits before it looks for Ctrl-C again."""


def await_all(futures: Sequence[Future[None]]) -> None:
    """Wait until all are done, or one has failed, whose exception is raised."""
    pending = set(futures)
    while pending:
        done, pending = wait(pending, timeout=_TICK_S, return_when=FIRST_EXCEPTION)
        for future in done:
            future.result()
