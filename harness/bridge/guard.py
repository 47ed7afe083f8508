"""What a term's external form must fulfil before the codec sees it.

Knows: the external term format's sizes. Must not know: what the terms mean.

The codec recurses, trusts every length, holds maps as dicts (which lose keys that Python finds
equal) and unpacks whatever is compressed. So everything is measured here first, without recursion,
and maps are laid out as lists behind a mark that no VM can send.

Source: https://www.erlang.org/doc/apps/erts/erl_ext_dist.html
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import erlang

from harness.errors import ProtocolError


@dataclass(frozen=True, slots=True, kw_only=True)
class TermLimits:
    """Bound one term.

    Units: `total_bytes` counts the uncompressed external form, `nodes` every element of every
    container (a string's characters, too), `integer_bytes` the digits of all large integers
    together: the time to decode one is the square of its length. Those of up to
    `free_integer_bytes` do not count.
    """

    total_bytes: int = 64 * 1024 * 1024
    depth: int = 200
    nodes: int = 1_000_000
    integer_bytes: int = 16 * 1024
    free_integer_bytes: int = 64


OPAQUE_KINDS = {
    88: "pid",
    103: "pid",
    89: "port",
    102: "port",
    120: "port",
    90: "reference",
    101: "reference",
    114: "reference",
    112: "fun",
    113: "fun",
}
"""Tags of the terms that only a VM understands."""

_VERSION = 131
_COMPRESSED = 80
_LIST = 108
_MAP = 116
_STRING = 107
_MAP_DONE = -1
_MARK = b"\x4e\x00"
"""An atom cache reference: legal only between distributed nodes, and refused in what arrives."""

_u16 = struct.Struct(">H").unpack_from
_u32 = struct.Struct(">I").unpack_from
_pack_u32 = struct.Struct(">I").pack


def is_map(value: tuple[Any, ...]) -> bool:
    """Tell whether a decoded tuple is a map that was laid out as a list."""
    return (
        len(value) == 2  # noqa: PLR2004 - the mark and the list
        and isinstance(value[0], erlang.OtpErlangAtom)
        and isinstance(value[0].value, int)
    )


def checked(data: bytes, limits: TermLimits) -> bytes:
    """Return an external form that the codec can be trusted with.

    Raises:
        ProtocolError: it is none, or beyond a limit.
    """
    if len(data) > limits.total_bytes:
        raise ProtocolError(f"a term of {len(data)} bytes, above {limits.total_bytes}")
    if data[:1] != bytes([_VERSION]):
        raise ProtocolError(f"not a term: it begins with {data[:8]!r}")
    if data[1:2] == bytes([_COMPRESSED]):
        data = _decompressed(data, limits)
    try:
        return _Walk(data, limits).run()
    except (struct.error, IndexError):
        raise ProtocolError(f"a term of {len(data)} bytes is cut short") from None


def _decompressed(data: bytes, limits: TermLimits) -> bytes:
    """Unpack no more than the limit, whatever size is announced."""
    header = 6
    if len(data) < header:
        raise ProtocolError("a compressed term is cut short")
    (announced,) = _u32(data, 2)
    if announced > limits.total_bytes:
        raise ProtocolError(f"a compressed term of {announced} bytes, above {limits.total_bytes}")
    unpacker = zlib.decompressobj()
    try:
        unpacked = unpacker.decompress(data[header:], announced + 1)
    except zlib.error as error:
        raise ProtocolError(f"a compressed term is damaged: {error}") from error
    if len(unpacked) != announced or unpacker.unused_data:
        raise ProtocolError("a compressed term has not the size that it announces")
    return bytes([_VERSION]) + unpacked


class _Walk:
    """Step through one external form, element by element."""

    def __init__(self, data: bytes, limits: TermLimits) -> None:
        self._data = data
        self._limits = limits
        self._nodes = 0
        self._digits = 0
        self._copied = 0
        self._out: list[bytes] = []

    def run(self) -> bytes:
        data, at, size = self._data, 1, len(self._data)
        # elements still to come, one entry a container; in a map they count up to _MAP_DONE
        pending = [1]
        while pending:
            left = pending[-1]
            if left in {0, _MAP_DONE}:
                pending.pop()
                if left == _MAP_DONE:
                    self._copy_to(at, b"j", at)
                continue
            pending[-1] = left - 1 if left > 0 else left + 1
            tag = data[at]
            container = _CONTAINERS.get(tag)
            if container is None:
                at = self._leaf(tag, at)
            else:
                at, children = self._container(tag, container, at)
                pending.append(children)
                if len(pending) > self._limits.depth:
                    raise ProtocolError(f"a term is nested deeper than {self._limits.depth}")
            if at > size:
                raise ProtocolError(f"a term of {size} bytes is cut short")
        if at != size:
            raise ProtocolError(f"{size - at} bytes follow a term")
        self._copy_to(at, b"", at)
        return b"".join(self._out)

    def _container(self, tag: int, count: Callable[[bytes, int], int], at: int) -> tuple[int, int]:
        children = count(self._data, at + 1)
        after = at + (2 if tag == _SMALL_TUPLE else 5)
        self._spend(children)
        if tag == _LIST:
            return after, children + 1
        if tag == _MAP:
            self._spend(children)
            laid_out = b"h\x02" + _MARK + b"l" + _pack_u32(2 * children)
            self._copy_to(at, laid_out, after)
            return after, _MAP_DONE - 2 * children
        return after, children

    def _leaf(self, tag: int, at: int) -> int:
        end = _LEAVES.get(tag)
        if end is None:
            raise ProtocolError(f"a term of tag {tag}, which no VM sends")
        after = end(self._data, at + 1)
        if tag == _STRING:
            self._spend(after - at - 3)
        elif tag in _INTEGERS and after - at > self._limits.free_integer_bytes:
            self._digits += after - at
            if self._digits > self._limits.integer_bytes:
                raise ProtocolError(f"integers of more than {self._limits.integer_bytes} bytes")
        return after

    def _spend(self, nodes: int) -> None:
        self._nodes += nodes
        if self._nodes > self._limits.nodes:
            raise ProtocolError(f"a term of more than {self._limits.nodes} elements")

    def _copy_to(self, end: int, then: bytes, resume: int) -> None:
        """Take over what lies before `end`, put `then` behind it, go on from `resume`."""
        self._out.append(self._data[self._copied : end])
        self._out.append(then)
        self._copied = resume


def _fixed(size: int) -> Callable[[bytes, int], int]:
    return lambda _data, at: at + size


def _sized_u8(extra: int) -> Callable[[bytes, int], int]:
    return lambda data, at: at + 1 + extra + data[at]


def _sized_u16(data: bytes, at: int) -> int:
    return at + 2 + int(_u16(data, at)[0])


def _sized_u32(extra: int) -> Callable[[bytes, int], int]:
    return lambda data, at: at + 4 + extra + int(_u32(data, at)[0])


def _bits(data: bytes, at: int) -> int:
    size = int(_u32(data, at)[0])
    if size == 0 or not 1 <= data[at + 4] <= 8:  # noqa: PLR2004 - bits of a byte
        raise ProtocolError("a bitstring that has no last byte")
    return at + 5 + size


def _fun(data: bytes, at: int) -> int:
    size = int(_u32(data, at)[0])  # counts itself
    if size < 4:  # noqa: PLR2004
        raise ProtocolError("a fun shorter than its header")
    return at + size


def _atom(data: bytes, at: int) -> int:
    end = _ATOMS.get(data[at])
    if end is None:
        raise ProtocolError(f"a term of tag {data[at]} where an atom must be")
    return end(data, at + 1)


def _named(size: int) -> Callable[[bytes, int], int]:
    """Measure an atom (the node's name) and what follows it."""
    return lambda data, at: _atom(data, at) + size


def _reference(creation: int) -> Callable[[bytes, int], int]:
    return lambda data, at: _atom(data, at + 2) + creation + 4 * int(_u16(data, at)[0])


def _export(data: bytes, at: int) -> int:
    return _atom(data, _atom(data, at)) + 2


_SMALL_TUPLE = 104
_CONTAINERS: dict[int, Callable[[bytes, int], int]] = {
    _SMALL_TUPLE: lambda data, at: data[at],
    105: lambda data, at: int(_u32(data, at)[0]),
    _LIST: lambda data, at: int(_u32(data, at)[0]),
    _MAP: lambda data, at: int(_u32(data, at)[0]),
}
"""How many elements a container announces, by tag."""

_INTEGERS = frozenset({110, 111})
_ATOMS: dict[int, Callable[[bytes, int], int]] = {
    100: _sized_u16,
    115: _sized_u8(0),
    118: _sized_u16,
    119: _sized_u8(0),
}
_LEAVES: dict[int, Callable[[bytes, int], int]] = {
    **_ATOMS,
    70: _fixed(8),
    77: _bits,
    88: _named(12),
    89: _named(8),
    90: _reference(4),
    97: _fixed(1),
    98: _fixed(4),
    99: _fixed(31),
    101: _named(5),
    102: _named(5),
    103: _named(9),
    106: _fixed(0),
    _STRING: _sized_u16,
    109: _sized_u32(0),
    110: _sized_u8(1),
    111: _sized_u32(1),
    112: _fun,
    113: _export,
    114: _reference(1),
    120: _named(12),
}
"""Where a term without elements ends, by tag; `at` is behind the tag."""
