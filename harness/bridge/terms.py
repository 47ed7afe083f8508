"""Erlang terms as strict, plain Python values, and back.

Knows: the mapping and its limits; `erlang-py` is the codec. Must not know: messages or pipes.

| Erlang | Python |
|---|---|
| integer, float, `true`/`false`, `undefined` | int, float, bool, None |
| any other atom | Atom |
| binary | str if it is UTF-8, else bytes |
| list, also one that travels as a string | list |
| improper list | ImproperList |
| tuple, map | tuple, dict (Pairs where not all keys are atoms, text or bytes) |
| bitstring | Bits |
| pid, port, reference, fun | Opaque |
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import erlang

from harness.bridge import guard
from harness.bridge.guard import TermLimits
from harness.errors import ProtocolError

DEFAULT_LIMITS = TermLimits()

_OPAQUE = "$erlport.opaque"
_ERLPORT_OPAQUE = frozenset({*guard.OPAQUE_KINDS, 77})
_BYTE_BITS = 8
_MAX_ATOM_CHARS = 255
_MAX_MAP = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Atom:
    """Hold an atom other than `true`, `false` and `undefined`."""

    name: str


@dataclass(frozen=True, slots=True)
class Opaque:
    """Hold a term that only a VM understands; it can be sent back unchanged.

    `kind` is `pid`, `port`, `reference` or `fun`, `data` its external form without the version.
    """

    kind: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Bits:
    """Hold a bitstring that is no binary; `bits` of the last byte count, from the left."""

    data: bytes
    bits: int


@dataclass(frozen=True, slots=True)
class ImproperList:
    """Hold a list that ends in something else than a list."""

    items: tuple[Any, ...]
    tail: Any


@dataclass(frozen=True, slots=True)
class Pairs:
    """Hold a map whose keys are not all names.

    Python cannot tell 1, 1.0 and true apart, cannot hash lists, and finds integers that somebody
    chose in a time that is the square of their number.
    """

    items: tuple[tuple[Any, Any], ...]


_NAMES = (Atom, str, bytes)
"""Kinds of keys whose hashes Python seeds, so that nobody can choose equal ones."""

Term = (
    None
    | bool
    | int
    | float
    | str
    | bytes
    | Atom
    | Opaque
    | Bits
    | ImproperList
    | Pairs
    | list["Term"]
    | tuple["Term", ...]
    | dict[Any, "Term"]
)
"""A plain value; see the table above."""


def decode(data: bytes, limits: TermLimits = DEFAULT_LIMITS) -> Term:
    """Turn a term's external form into plain values.

    Raises:
        ProtocolError: it is not one term, or beyond a limit; the node that sent it is no good.
    """
    checked = guard.checked(data, limits)
    try:
        return _plain(erlang.binary_to_term(checked))
    except RecursionError:
        raise ProtocolError("a term is nested too deeply for this process's stack") from None
    except (erlang.ParseException, ValueError, TypeError, IndexError) as error:
        raise ProtocolError(f"not a term: {error}") from error


def encode(term: Term) -> bytes:
    """Turn a plain value into its external form.

    Raises:
        ValueError: it is none of the plain values, or Erlang has no such value (infinity).
    """
    try:
        encoded: bytes = erlang.term_to_binary(_erlang(term))
    except RecursionError:
        raise ValueError("a value is nested too deeply") from None
    except (erlang.OutputException, UnicodeEncodeError, struct.error) as error:
        raise ValueError(f"Erlang has no such value: {error}") from error
    return encoded


# --- erlang-py's values to plain ones ---------------------------------------------------------


def _plain(value: Any) -> Term:
    convert = _PLAIN.get(type(value))
    return _opaque(value.binary()) if convert is None else convert(value)


def _text(name: bytes | str) -> str:
    return name.decode("latin-1") if isinstance(name, bytes) else name


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError(f"{value} is no float of Erlang")
    return value


def _binary(value: Any) -> str | bytes | Bits:
    data: bytes = value.value
    if value.bits != _BYTE_BITS:
        return Bits(data, value.bits)
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def _tuple(value: tuple[Any, ...]) -> Term:
    if guard.is_map(value):
        return _map(value[1])
    items = tuple(_plain(item) for item in value)
    if len(items) == 3 and items[:2] == (Atom(_OPAQUE), Atom("erlang")):  # noqa: PLR2004
        return _erlport_opaque(items[2])
    return items


def _map(flat: list[Any] | bytes) -> Term:
    """Pair the keys and values that the guard laid out in one list."""
    items = [_plain(item) for item in flat]
    pairs = tuple(zip(items[::2], items[1::2], strict=True))
    if not all(isinstance(key, _NAMES) for key, _ in pairs):
        return Pairs(pairs)
    found = dict(pairs)
    return found if len(found) == len(pairs) else Pairs(pairs)


def _improper(value: Any) -> Term:
    *items, tail = [_plain(item) for item in value.value]
    if isinstance(tail, list):  # a proper list in two parts
        return [*items, *tail]
    if isinstance(tail, ImproperList):
        return ImproperList((*items, *tail.items), tail.tail)
    return ImproperList(tuple(items), tail)


def _opaque(data: bytes) -> Opaque:
    kind = guard.OPAQUE_KINDS.get(data[0])
    if kind is None:
        raise ValueError(f"a term of tag {data[0]} has no place in Python")
    return Opaque(kind, data)


def _erlport_opaque(data: Term) -> Term:
    """Undo what ErlPort does to terms that Python has no word for."""
    if isinstance(data, str):
        data = data.encode()
    if not isinstance(data, bytes) or not data or data[0] not in _ERLPORT_OPAQUE:
        raise ValueError("not an opaque term of ErlPort")
    return decode(b"\x83" + data)


_PLAIN: dict[type, Callable[[Any], Term]] = {
    bool: bool,
    int: int,
    type(None): lambda _: None,
    float: _finite,
    bytes: list,  # a list of small integers travels as a string
    list: lambda value: [_plain(item) for item in value],
    tuple: _tuple,
    erlang.OtpErlangAtom: lambda value: Atom(_text(value.value)),
    erlang.OtpErlangBinary: _binary,
    erlang.OtpErlangList: _improper,
}


# --- plain values to erlang-py's --------------------------------------------------------------


def _erlang(term: Any) -> Any:
    for kind, convert in _ERLANG:
        if isinstance(term, kind):
            return convert(term)
    raise ValueError(f"a {type(term).__name__} cannot be sent to a VM")


def _erlang_improper(term: ImproperList) -> Any:
    items = [_erlang(item) for item in (*term.items, term.tail)]
    return erlang.OtpErlangList(items, improper=True)


def _atom(name: str) -> Any:
    if len(name) > _MAX_ATOM_CHARS:
        raise ValueError(f"an atom has at most {_MAX_ATOM_CHARS} characters: {name[:40]}…")
    return erlang.OtpErlangAtom(name)


def _erlang_map(pairs: tuple[tuple[Any, Any], ...]) -> Any:
    """Lay a map out by hand: as keys of a dict, codec values of unlike kinds cannot be compared."""
    if len(pairs) > _MAX_MAP:
        raise ValueError("a map has at most 4294967295 keys")
    parts = [_body(item) for pair in pairs for item in pair]
    return _raw(b"t" + struct.pack(">I", len(pairs)) + b"".join(parts))


def _body(term: Any) -> bytes:
    encoded: bytes = erlang.term_to_binary(_erlang(term))
    return encoded[1:]


def _raw(data: bytes) -> Any:
    """Wrap an external form so that the codec copies it as it is."""
    return erlang.OtpErlangFunction(data[0], data[1:])


_ERLANG: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (str, lambda term: erlang.OtpErlangBinary(term.encode())),
    (int, lambda term: term),
    (Atom, lambda term: _atom(term.name)),
    (list, lambda term: [_erlang(item) for item in term]),
    (tuple, lambda term: tuple(_erlang(item) for item in term)),
    (dict, lambda term: _erlang_map(tuple(term.items()))),
    (bytes, erlang.OtpErlangBinary),
    (float, _finite),
    (type(None), lambda term: term),
    (Pairs, lambda term: _erlang_map(term.items)),
    (ImproperList, _erlang_improper),
    (Bits, lambda term: erlang.OtpErlangBinary(term.data, term.bits)),
    (Opaque, lambda term: _raw(term.data)),
)
"""How each kind of plain value is handed to the codec; subclasses go with their base."""
