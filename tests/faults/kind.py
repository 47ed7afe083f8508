"""What a kind of fault is, and the little that all kinds are made of."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.faults.command import END_S, Command, Output, Place, handles_signals

Fault = Callable[[Command, Random], bool]
"""Do it, and tell whether it took place: what it was meant for may have ended."""

Prepared = Callable[[Path, Place, Random], AbstractContextManager[Place]]
"""Make a folder ready for a command, and clear away afterwards."""

Check = Callable[[Command], Iterator[str]]


@contextlib.contextmanager
def _as_it_is(_folder: Path, place: Place, _chance: Random) -> Iterator[Place]:
    yield place


def _nothing(_command: Command) -> Iterator[str]:
    return iter(())


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Describe a kind of fault.

    `ready` tells from when on it can take place; `prepared` comes before the command, `mended`
    once it has ended; `resumed` kinds go on with the run afterwards. `by_sweep` kinds may leave
    what `beamproof sweep` removes. `promised_s` is how soon the command ends, `end_s` how long it
    is waited for.
    """

    fault: Fault
    codes: frozenset[int]
    ready: Callable[[Command], bool] = handles_signals
    options: tuple[str, ...] = ()
    output: Output | None = None
    to_head: bool = False
    prepared: Prepared = _as_it_is
    mended: Check = _nothing
    resumed: bool = False
    by_sweep: bool = False
    promised_s: float | None = None
    end_s: float = END_S


def to_the_command(number: int, times: int = 1, apart_s: float = 0.0) -> Fault:
    """Return what sends a signal to the command, once or again and again."""

    def fault(command: Command, _chance: Random) -> bool:
        if not command.is_going():
            return False
        for _ in range(times):
            command.process.send_signal(number)  # to one that has ended it sends nothing
            time.sleep(apart_s)
        return True

    return fault


def from_the_start(_command: Command, _chance: Random) -> bool:
    """Do nothing more: what was prepared is the fault."""
    return True


def told(words: str) -> Check:
    """Return what looks whether the command said these words."""

    def check(command: Command) -> Iterator[str]:
        if words not in command.said():
            yield f"it does not say {words!r}: {command.said()[-300:]}"

    return check
