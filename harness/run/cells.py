"""What is to be run: cells and the call that each one makes.

Knows: names. Must not know: where cells come from (`matrix`), how they are run (`runner`) or what
their evidence means (`judge`). Both branches of the package share this vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
"""A plain JSON value: what evidence, arguments and predictions are made of."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeCall:
    """Say which probe is called, how, and on what kind of node.

    Units: `timeout_s` is seconds for one call; `repeat` is the least number of samples.
    """

    module: str
    function: str
    args: Mapping[str, Json] = field(default_factory=dict)
    node: NodeMode = NodeMode.SHARED
    flags: tuple[str, ...] = ()
    needs: frozenset[Need] = frozenset()
    repeat: int = 1
    timing: bool = False
    timeout_s: float = 30.0

    @property
    def alone(self) -> bool:
        """Tell whether the call gets a node of its own."""
        return self.node is NodeMode.FRESH or bool(self.flags) or Need.MEMORY in self.needs


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Name one claim on one runtime, e.g. `beam-memory-management/refc-threshold@otp27`."""

    skill: str
    claim: str
    runtime: str
    call: ProbeCall

    @property
    def id(self) -> str:
        """Return the one name that every report, test and command line uses."""
        return cell_id(self.skill, self.claim, self.runtime)


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
    """Name a cell that will not run, and why."""

    cell: str
    reason: str


def cell_id(skill: str, claim: str, runtime: str) -> str:
    """Return `skill/claim@runtime`."""
    return f"{skill}/{claim}@{runtime}"


def split_cell(cell: str) -> tuple[str, str, str]:
    """Return skill, claim and runtime of a cell's id."""
    skill, _, rest = cell.partition("/")
    claim, _, runtime = rest.rpartition("@")
    return skill, claim, runtime


def release_number(name: str) -> int:
    """Return the release in a runtime's name, 0 without any."""
    digits = "".join(filter(str.isdigit, name))
    return int(digits) if digits else 0
