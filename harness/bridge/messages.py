"""ErlPort's messages: calls, and what answers them.

Knows: the protocol of ErlPort 0.11. Must not know: pipes, or what is called.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from harness.bridge import terms
from harness.bridge.guard import TermLimits
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
    """Hold the value of a call."""

    value: Term


@dataclass(frozen=True, slots=True)
class Fault:
    """Hold what a call raised."""

    error_class: str
    reason: Term
    stacktrace: Term


Message = Result | Fault
"""What answers a call."""

_VERSION = b"\x83"
_TRIPLE = b"h\x03"
_SHOWN_BYTES = 100
_ID_BITS = 127


def new_id() -> int:
    """Return an id that nobody guesses, of the size that ErlPort's own half makes up."""
    return 1 << _ID_BITS | secrets.randbits(_ID_BITS)


def call(call_id: int, module: str, function: str, args: Sequence[Term], context: Context) -> bytes:
    """Return the payload of a call.

    Raises:
        ValueError: an argument is no plain value.
    """
    return terms.encode(
        (Atom("C"), call_id, Atom(module), Atom(function), list(args), Atom(context.value))
    )


def parse(payload: bytes, call_id: int, limits: TermLimits = terms.DEFAULT_LIMITS) -> Message:
    """Read the answer to a call.

    Whatever does not begin with the call's own id is not even decoded: only the bridge knows it.

    Raises:
        ProtocolError: it is no answer to this call.
    """
    if payload.startswith(result := _opening("r", call_id)):
        return Result(terms.decode(_VERSION + payload[len(result) :], limits))
    if payload.startswith(fault := _opening("e", call_id)):
        match terms.decode(_VERSION + payload[len(fault) :], limits):
            case (_language, Atom(kind), reason, stacktrace):
                return Fault(kind, reason, stacktrace)
    shown = payload[:_SHOWN_BYTES]
    raise ProtocolError(f"an answer to no call: {len(payload)} bytes that begin with {shown!r}")


def of_no_call(payload: bytes, limits: TermLimits = terms.DEFAULT_LIMITS) -> Fault | None:
    """Return the error of no call, which a VM that does not boot sends in place of any answer."""
    with contextlib.suppress(ProtocolError):
        match terms.decode(payload, limits):
            case (Atom("e"), (_language, Atom(kind), reason, stacktrace)):
                return Fault(kind, reason, stacktrace)
    return None


def _opening(kind: str, call_id: int) -> bytes:
    """Return how the external form of {Kind, Id, Term} begins, up to the term."""
    return _VERSION + _TRIPLE + b"d\x00\x01" + kind.encode() + terms.encode(call_id)[1:]
