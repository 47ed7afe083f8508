"""What one call gave, made of what the bridge answered.

Knows: the bridge's JSON and its shape. Must not know: the wire, nodes, predictions.

Whatever runs in a VM may have had its hands in what it returned, so nothing here is taken on
trust: what has not exactly this shape is a `ProtocolError`, and costs its own cell only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

from harness.bridge.terms import Term
from harness.errors import ProtocolError, RemoteError
from harness.run.cells import Json
from harness.system.visible import visible

MAX_JSON_CHARS = 16 * 1024 * 1024
"""The bridge refuses evidence of half of it."""

MAX_DEPTH = 66
"""The bridge's 64 levels, its own object around them, and the value itself."""

_PROBED = tuple[str, list[str], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Hold what one call gave.

    `leftovers` names what a probe left in the VM; `spent` says that it did what cannot be looked
    at afterwards; `log` is what arrived on stderr during the call.

    Units: microseconds; `probe_us` is what the VM spent in the probe, None for a plain call.
    """

    value: Json
    elapsed_us: int
    probe_us: int | None = None
    log: str = ""
    leftovers: tuple[str, ...] = ()
    spent: bool = False


class Outcome(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Hold a value, or what was raised in its place: the bridge's JSON object."""

    value: Any = None
    probe_us: Annotated[int, msgspec.Meta(ge=0)] | None = None
    error_class: str | None = None
    reason: str = ""
    stack: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """Hold how a probe ended and what it left."""

    outcome: Outcome
    leftovers: tuple[str, ...]
    spent: bool

    def raised(self) -> RemoteError | None:
        """Return what the probe raised, None when it returned."""
        found = raised(self.outcome)
        if found is not None:
            found.leftovers, found.spent = self.leftovers, self.spent
        return found


_decoder = msgspec.json.Decoder(Outcome)


def outcome_of(term: Term) -> Outcome:
    """Read what a plain call gave.

    Raises:
        ProtocolError: it is not an outcome.
    """
    if not isinstance(term, str) or len(term) > MAX_JSON_CHARS:
        raise ProtocolError(f"not an outcome, but a {type(term).__name__}")
    try:
        outcome = _decoder.decode(term)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise ProtocolError(f"not an outcome: {error}: {term[:200]!r}") from error
    if term.count("[") + term.count("{") > MAX_DEPTH:  # else it cannot be nested deeper
        _refuse_depth(outcome.value)
    return outcome


def probed_of(term: Term) -> Probed:
    """Read what a probe gave.

    Raises:
        ProtocolError: it is not what the bridge says of a probe.
    """
    try:
        text, leftovers, spent = msgspec.convert(term, _PROBED)
    except (msgspec.MsgspecError, TypeError, RecursionError) as error:
        raise ProtocolError(f"not what a probe gives: {error}") from error
    return Probed(outcome=outcome_of(text), leftovers=tuple(map(visible, leftovers)), spent=spent)


def raised(outcome: Outcome) -> RemoteError | None:
    """Return what a call raised, None when it returned."""
    if outcome.error_class is None:
        return None
    stack = tuple(map(visible, outcome.stack))
    return RemoteError(visible(outcome.error_class), visible(outcome.reason), stack)


def _refuse_depth(value: Any) -> None:
    """Refuse a value that whoever walks through it later could not."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for item in level
            if isinstance(item, list | dict)
            for inner in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return
    raise ProtocolError(f"evidence is nested deeper than {MAX_DEPTH} levels")
