"""ErlPort's messages: what a frame on the bridge may say.

Knows: the protocol of ErlPort 0.11. Must not know: pipes, or what is called.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from harness.bridge import terms
from harness.bridge.guard import Limits
from harness.bridge.terms import Atom, Term
from harness.errors import ProtocolError


class Context(StrEnum):
    """Say where the VM runs a call and how it answers.

    `N` and `L` are ErlPort's: a process of its own, or the bridge's server itself; both make what
    Python has no word for opaque. `T` is ours: a process of its own, the term as it is.
    """

    NEW = "N"
    LOCAL = "L"
    TERM = "T"


@dataclass(frozen=True, slots=True)
class Result:
    """Hold the value of the call with this id."""

    id: int
    value: Term


@dataclass(frozen=True, slots=True)
class Fault:
    """Hold what the call with this id raised; no id means that the request itself was no good."""

    id: int | None
    error_class: str
    reason: Term
    stacktrace: Term


@dataclass(frozen=True, slots=True)
class Cast:
    """Hold a message that some process of the VM sent to the host."""

    payload: Term


Message = Result | Fault | Cast
"""What a VM sends."""

_FAULT = 4
_CAST = 2


def call(call_id: int, module: str, function: str, args: Sequence[Term], context: Context) -> bytes:
    """Return the payload of a call.

    Raises:
        ValueError: an argument is no plain value.
    """
    return terms.encode(
        (Atom("C"), call_id, Atom(module), Atom(function), list(args), Atom(context.value))
    )


def parse(payload: bytes, limits: Limits = terms.DEFAULT_LIMITS) -> Message:
    """Read what a VM sent.

    Raises:
        ProtocolError: it is no message of the bridge.
    """
    match terms.decode(payload, limits):
        case (Atom("r"), int(call_id), value):
            return Result(call_id, value)
        case (Atom("e"), int(call_id), tuple(error)) if len(error) == _FAULT:
            return _fault(call_id, error)
        case (Atom("e"), tuple(error)) if len(error) == _FAULT:
            return _fault(None, error)
        case (Atom("M"), payload_term):
            return Cast(payload_term)
        case other:
            raise ProtocolError(f"not a message of the bridge: {repr(other)[:200]}")


def _fault(call_id: int | None, error: tuple[Term, ...]) -> Fault:
    _language, kind, reason, stacktrace = error
    return Fault(call_id, kind.name if isinstance(kind, Atom) else "error", reason, stacktrace)
