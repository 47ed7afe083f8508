"""Try again what failed for no fault of its own.

Knows: how often and how patiently. Must not know: what is tried.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def again(
    action: Callable[[], T],
    on: type[Exception] | tuple[type[Exception], ...],
    *,
    attempts: int,
    first_wait_s: float = 0.0,
) -> T:
    """Call `action`, again when it raised `on`; the last failure is the one that is raised.

    Args:
        action: what is tried.
        on: errors that are worth another attempt.
        attempts: how often in all, at least twice.
        first_wait_s: the pause before the second attempt; each later one is twice as long, and
            none longer than ten times that.
    """
    try:
        return action()
    except on:
        from tenacity import (  # noqa: PLC0415 - only a failure pays for it
            Retrying,
            retry_if_exception_type,
            stop_after_attempt,
            wait_exponential,
        )

        retrying = Retrying(
            retry=retry_if_exception_type(on),
            stop=stop_after_attempt(attempts - 1),
            wait=wait_exponential(multiplier=first_wait_s, max=10 * first_wait_s),
            reraise=True,
        )
        return retrying(action)
