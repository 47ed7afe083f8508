"""Spread pure work over the machine's cores.

Knows: forking. Must not know: what the work is.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

_T = TypeVar("_T")
_R = TypeVar("_R")

# What the children inherit with the fork: a judged run is megabytes, and is never sent to them.
_inherited: list[tuple[Callable[[Any], Any], Sequence[Any]]] = []


def spread(function: Callable[[_T], _R], items: Sequence[_T], *, enough: bool) -> Iterator[_R]:
    """Yield the function's result for each item, in order.

    Args:
        function: pure; its results can be pickled.
        items: the items.
        enough: whether the work is worth processes; without it, and on one core or where there
            is no fork, it is done here.
    """
    workers = min(len(items), os.cpu_count() or 1)
    if not enough or workers < 2 or "fork" not in multiprocessing.get_all_start_methods():  # noqa: PLR2004 (one worker is no spread)
        yield from map(function, items)
        return
    _inherited.append((function, items))
    try:
        context = multiprocessing.get_context("fork")
        with ProcessPoolExecutor(workers, mp_context=context) as pool:
            yield from pool.map(_work, range(len(items)))
    finally:
        _inherited.pop()


def _work(index: int) -> Any:
    function, items = _inherited[-1]
    return function(items[index])
