"""What a way of having a VM is: the questions that every one of them answers.

Knows: the answers' shapes. Must not know: any way. A new one is a module with a class that answers
these, and a line in `ways`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from harness.errors import BeamproofError
from harness.runtimes.model import Runtime, RuntimeOptions

Progress = Callable[[str], None]
"""Told what happens, one line at a time, also from other threads."""


class Stock(StrEnum):
    """Say whether a release is here, could be fetched, or neither."""

    HERE = "here"
    FETCHABLE = "can be fetched"
    NONE = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Hold what one way has of a release: in stock or not, and which exactly."""

    way: str
    stock: Stock
    what: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """Hold one patch release that a way has, or could pull, and how its runtime is had.

    `version` is what files or tags say; only the VM, once started, proves it. `named` tells that
    the user gave it: all of a version are columns then.
    """

    version: str
    way: str
    origin: str
    named: bool = False
    have: Callable[[], Runtime] = field(repr=False, compare=False)


class State(StrEnum):
    """Say how a requirement stands: met, missing where another way serves too, or missing."""

    OK = "ok"
    OPTIONAL = "optional"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Hold one requirement: how it stands, what was found, and the command that mends it."""

    name: str
    state: State
    found: str
    mend: str | None = None


def reason_of(way: str, error: BeamproofError) -> str:
    """Return why a way does not have something, as one of several reasons."""
    hint = f" ({error.hint})" if error.hint else ""
    return f"{way}: {error.message}{hint}"


class Way(Protocol):
    """Have VMs in one way, as the options of one command say."""

    name: str
    takes_images: bool

    def find(self, release: int) -> tuple[Runtime, ...]:
        """Return the runtimes of a release, fetching where the way does; never none.

        More than one only where the user named several.

        Raises:
            RuntimeMissingError: it cannot be had in this way; the hint is the next step.
            BeamproofError: it could be had, and something failed.
        """
        ...

    def offer(self, release: int) -> Offer:
        """Return what there is of a release; nothing is fetched.

        Raises:
            InputError: what the user named is not there.
        """
        ...

    def releases(self) -> Iterable[int]:
        """Return the releases of what the user named, or of what is here beside the table.

        Raises:
            InputError, RuntimeMissingError: what the user named cannot be had.
        """
        ...

    def patches(self) -> Iterable[Patch]:
        """Return every patch release that is here, or that the user listed; nothing is fetched.

        Raises:
            InputError, RuntimeMissingError: what the user named cannot be had.
            BeamproofError: it cannot be told.
        """
        ...

    def checks(self) -> Iterable[Check]:
        """Return what this way needs and how it stands."""
        ...

    def fetches(self, release: int) -> bool:
        """Tell whether `fetch` may have the release."""
        ...

    def fetch(self, release: int) -> str:
        """Have a release ready ahead of use, and return in words as what.

        Raises:
            BeamproofError: it cannot be had.
        """
        ...

    def remove(self, release: int) -> str | None:
        """Remove what `fetch` made, and return in words what that was, None for nothing."""
        ...


MakeWay = Callable[[RuntimeOptions, Progress], Way]
"""A way's class: made for the options of one command, by its own name."""
