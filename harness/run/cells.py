"""What is to be run: cells and the call that each one makes.

Knows: names. Must not know: where cells come from (`plan`), how they are run (`runner`) or what
their evidence means (`judge`). Both branches of the package share this vocabulary.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Self

import msgspec

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
"""A plain JSON value: what evidence, arguments and predictions are made of."""


_KEY_CHARS = 12


class CellId(str):
    """Name one claim on one runtime, e.g. `beam-memory-management/refc-threshold@otp27`.

    It is the text that every report, test, file and command line uses; only here is it taken apart.
    """

    __slots__ = ()

    @classmethod
    def of(cls, skill: str, claim: str, runtime: str) -> Self:
        """Return `skill/claim@runtime`."""
        return cls(f"{skill}/{claim}@{runtime}")

    @property
    def skill(self) -> str:
        """Return the skill's name."""
        return self.partition("/")[0]

    @property
    def claim(self) -> str:
        """Return the claim's id within its skill."""
        return self.name.partition("/")[2]

    @property
    def runtime(self) -> str:
        """Return the runtime's name, `otp27`."""
        return self.rpartition("@")[2]

    @property
    def name(self) -> str:
        """Return `skill/claim`: the claim's name, whatever it runs on."""
        return self.rpartition("@")[0]


class NodeMode(StrEnum):
    """Say whether a claim may share its node with others."""

    SHARED = "shared"
    FRESH = "fresh"


class Need(StrEnum):
    """Name what a probe needs beside a VM."""

    NIF = "nif"
    PEERS = "peers"
    DOCKER = "docker"
    MEMORY = "memory"
    CORES = "cores"
    OTHER_RELEASE = "other-release"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Say what a claim wants its node held to; None is as the machine gives it.

    Units: `cpus` is CPU seconds that a second allows (a quota), `cpuset` CPUs that may be used,
    `memory_mib` MiB.
    """

    cpus: float | None = None
    cpuset: int | None = None
    memory_mib: int | None = None

    @property
    def given(self) -> dict[str, float]:
        """Return the limits that are set, by name."""
        every = {"cpus": self.cpus, "cpuset": self.cpuset, "memory_mib": self.memory_mib}
        return {name: float(limit) for name, limit in every.items() if limit is not None}

    def __str__(self) -> str:
        """Return the limits as a claim has them, e.g. `cpus 0.5, cpuset 1`."""
        return ", ".join(f"{name} {limit:g}" for name, limit in self.given.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeCall:
    """Say which probe is called, how, and on what kind of node.

    `applications` are those that it needs beyond what its code shows (of OTP, or `elixir`).

    Units: `timeout_s` is seconds for one call; `repeat` is the least number of samples.
    """

    module: str
    function: str
    args: Mapping[str, Json] = field(default_factory=dict)
    node: NodeMode = NodeMode.SHARED
    flags: tuple[str, ...] = ()
    held: Held = Held()
    needs: frozenset[Need] = frozenset()
    applications: frozenset[str] = frozenset()
    repeat: int = 1
    timing: bool = False
    timeout_s: float = 30.0
    _named: str = field(init=False, default="", compare=False, repr=False)

    @property
    def alone(self) -> bool:
        """Tell whether the call gets a node of its own."""
        own = self.node is NodeMode.FRESH or bool(self.flags)
        return own or self.large or bool(self.held.given)

    @property
    def large(self) -> bool:
        """Tell whether the node has the limits of those that need memory."""
        return Need.MEMORY in self.needs

    @property
    def probe(self) -> str:
        """Return `module:function`."""
        return f"{self.module}:{self.function}"

    @property
    def id(self) -> str:
        """Return the call's name, e.g. `beam_ets_internals:walk#3f09c1d2a4b7`.

        The same for all calls that may share one observation: same probe, arguments, flags, limits
        and kind of node. How often and how long a claim wants it makes no other call.
        """
        if not self._named:  # asked for again and again, by every cell of every release
            object.__setattr__(self, "_named", self._name())
        return self._named

    def _name(self) -> str:
        kind = (self.alone, self.large, Need.NIF in self.needs)
        held = (self.held.given,) if self.held.given else ()  # others keep the names of old runs
        what = msgspec.json.encode((self.args, self.flags, kind, *held), order="deterministic")
        return f"{self.probe}#{hashlib.sha256(what).hexdigest()[:_KEY_CHARS]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Hold one claim on one runtime with the call that it asks for.

    `boundary` says that the claim is not about this release: what it predicts must not hold there.
    """

    id: CellId
    call: ProbeCall
    boundary: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One release of the matrix as it can be had; `reason` says why it cannot.

    `otp_version` is the full version where it is known before a node starts.
    """

    name: str
    release: int
    otp_version: str | None = None
    reason: str | None = None
    unmet: Mapping[Need, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Name a cell that will not run, and why; `call` is what it asked for."""

    cell: CellId
    reason: str
    call: ProbeCall


_RELEASE = re.compile(r"\D*(\d+)")
_VERSION = re.compile(r"\D*(\d+(?:\.\d+)*)(?:-rc(\d+))?(.*)", re.DOTALL)
_NO_CANDIDATE = 1_000_000


def release_number(name: str) -> int:
    """Return the release in a runtime's name, 0 without any."""
    found = _RELEASE.match(name)
    return int(found[1]) if found else 0


@lru_cache(maxsize=4096)
def release_order(name: str) -> tuple[tuple[int, ...], int, str]:
    """Return what runtimes sort by: the numbers of their release or version, then the rest.

    `otp27.2` comes before `otp27.10`, and a release candidate before what it was one for.
    """
    found = _VERSION.match(name)
    if found is None:
        return (0,), 0, name
    numbers = tuple(int(one) for one in found[1].split("."))
    return numbers, int(found[2] or _NO_CANDIDATE), found[3]
