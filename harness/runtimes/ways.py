"""The table of ways, in the order in which `auto` tries them.

Knows: which ways there are. Must not know: how any of them works.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.errors import InputError
from harness.runtimes.debian.way import DebianWay
from harness.runtimes.docker.way import DockerWay
from harness.runtimes.host import HostWay
from harness.runtimes.model import AUTO, RuntimeOptions
from harness.runtimes.way import MakeWay, Progress, Way
from harness.runtimes.wheel import WheelWay

WAYS: Mapping[str, MakeWay] = {
    "docker": DockerWay,
    "host": HostWay,
    "debian": DebianWay,
    "wheel": WheelWay,
}


def make(name: str, options: RuntimeOptions, progress: Progress) -> tuple[Way, ...]:
    """Return the ways that a name stands for: all of them for `auto`.

    Raises:
        InputError: there is no such way.
    """
    if name == AUTO:
        return all_ways(options, progress)
    return tuple(_known(one)(options, progress) for one in [name])


def all_ways(options: RuntimeOptions, progress: Progress) -> tuple[Way, ...]:
    """Return every way, in order."""
    return tuple(kind(options, progress) for kind in WAYS.values())


def in_words(names: Sequence[str] = tuple(WAYS)) -> str:
    """Return the names as they stand in a sentence."""
    return ", ".join(names)


def _known(name: str) -> MakeWay:
    if name not in WAYS:
        raise InputError(f"no way {name!r}", hint="one of: " + in_words((AUTO, *WAYS)))
    return WAYS[name]
