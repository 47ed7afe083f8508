"""The Python half of ErlPort 0.11 can talk to our node.

Written from its protocol: what that half encodes and decodes, the messages it sends, the
identifiers it makes up, and the terms it cannot read (atoms but ATOM_EXT, pids, references, funs).
"""

from __future__ import annotations

import struct
import time
import uuid
import zlib
from collections.abc import Iterator
from typing import Any

import pytest

from harness.bridge.boot import first_frame
from harness.bridge.channel import Channel, Launcher, Limits
from harness.bridge.framing import FrameReader, frame
from harness.collect.probes import BRIDGE, ProbeStore

pytestmark = pytest.mark.live


class Name(bytes):
    """An atom, as ErlPort's half has it."""


class Erlang:
    """Something that only Erlang understands: kept as it came, sent back as it came."""

    def __init__(self, data: bytes) -> None:
        self.data = data


class CallError(Exception):
    """What a call raised: language, class, value, stack."""


class ErlPortHalf:
    """Speak as ErlPort's Python half does."""

    def __init__(self, channel: Channel, *, compressed: bool = False) -> None:
        self._channel = channel
        self._frames = FrameReader(channel)
        self._compressed = compressed
        self.inbox: list[Any] = []

    def call(self, module: bytes, function: bytes, args: list[Any], context: bytes = b"N") -> Any:
        call_id = uuid.uuid4().int
        self._write((Name(b"C"), call_id, Name(module), Name(function), args, Name(context)))
        while True:
            message = self._read()
            if message[0] == b"M":
                self.inbox.append(message[1])
                continue
            kind, found, value = message
            assert found == call_id
            if kind == b"e":
                raise CallError(value)
            assert kind == b"r"
            return value

    def cast(self, pid: Erlang, message: Any) -> None:
        self._write((Name(b"M"), pid, message))

    def print(self, text: str) -> None:
        self._write((Name(b"P"), [ord(char) for char in text]))

    def _write(self, message: Any) -> None:
        data = encode(message)
        if self._compressed and len(packed := zlib.compress(data)) + 5 <= len(data):
            data = b"P" + struct.pack(">I", len(data)) + packed
        self._channel.write(frame(b"\x83" + data), time.monotonic() + 10)

    def _read(self) -> Any:
        data = self._frames.read(time.monotonic() + 20)
        assert data[0] == 131
        term, rest = decode(data[1:])
        assert rest == b""
        return term


def encode(term: Any) -> bytes:  # noqa: PLR0911
    """Encode as ErlPort's half does: ATOM_EXT, strings for lists of bytes, big integers."""
    if isinstance(term, Erlang):
        return term.data
    if isinstance(term, Name):
        return b"d" + struct.pack(">H", len(term)) + term
    if isinstance(term, bytes):
        return b"m" + struct.pack(">I", len(term)) + term
    if isinstance(term, bool):
        return encode(Name(b"true" if term else b"false"))
    if isinstance(term, int):
        return encode_integer(term)
    if isinstance(term, float):
        return b"F" + struct.pack(">d", term)
    if isinstance(term, tuple):
        return b"h" + bytes([len(term)]) + b"".join(map(encode, term))
    if not term:
        return b"j"
    if all(isinstance(item, int) and 0 <= item <= 255 for item in term):
        return b"k" + struct.pack(">H", len(term)) + bytes(term)
    return b"l" + struct.pack(">I", len(term)) + b"".join(map(encode, term)) + b"j"


def encode_integer(term: int) -> bytes:
    if 0 <= term <= 255:
        return b"a" + bytes([term])
    if -(2**31) <= term < 2**31:
        return b"b" + struct.pack(">i", term)
    digits = abs(term).to_bytes((abs(term).bit_length() + 7) // 8, "little")
    return b"n" + bytes([len(digits), term < 0]) + digits


def decode(data: bytes) -> tuple[Any, bytes]:  # noqa: C901, PLR0911 - one case a tag
    """Decode what ErlPort's half can; anything else is an error, as it is there."""
    tag, rest = chr(data[0]), data[1:]
    match tag:
        case "d":
            size = struct.unpack(">H", rest[:2])[0] + 2
            name = rest[2:size]
            return {b"true": True, b"false": False, b"undefined": None}.get(name, Name(name)), rest[
                size:
            ]
        case "j":
            return [], rest
        case "k":
            size = struct.unpack(">H", rest[:2])[0] + 2
            return list(rest[2:size]), rest[size:]
        case "l":
            items, rest = decode_many(rest[4:], struct.unpack(">I", rest[:4])[0])
            tail, rest = decode(rest)
            assert tail == []
            return items, rest
        case "h":
            items, rest = decode_many(rest[1:], rest[0])
            if len(items) == 3 and items[0] == b"$erlport.opaque":
                assert items[1] == b"erlang"
                return Erlang(items[2]), rest
            return tuple(items), rest
        case "a":
            return rest[0], rest[1:]
        case "b":
            return struct.unpack(">i", rest[:4])[0], rest[4:]
        case "m":
            size = struct.unpack(">I", rest[:4])[0] + 4
            return rest[4:size], rest[size:]
        case "F":
            return struct.unpack(">d", rest[:8])[0], rest[8:]
        case "n":
            number = int.from_bytes(rest[2 : 2 + rest[0]], "little")
            return (-number if rest[1] else number), rest[2 + rest[0] :]
        case "t":
            items, rest = decode_many(rest[4:], 2 * struct.unpack(">I", rest[:4])[0])
            return dict(zip(items[::2], items[1::2], strict=True)), rest
    raise ValueError(f"ErlPort's half does not know tag {data[0]}")


def decode_many(data: bytes, count: int) -> tuple[list[Any], bytes]:
    items = []
    for _ in range(count):
        item, data = decode(data)
        items.append(item)
    return items, data


@pytest.fixture(params=[False, True], ids=["plain", "compressed"])
def half(
    request: pytest.FixtureRequest, launcher: Launcher, store: ProbeStore
) -> Iterator[ErlPortHalf]:
    """Return ErlPort's half, connected to our node."""
    channel = launcher.start(name="test-erlport", flags=(), env={}, limits=Limits())
    boot = first_frame(BRIDGE, store.bridge_beams(), store.source(BRIDGE))
    channel.write(frame(boot), time.monotonic() + 20)
    yield ErlPortHalf(channel, compressed=request.param)
    channel.kill()


def test_erlport_can_talk_to_the_node(half: ErlPortHalf) -> None:
    """Calls with terms of every kind that it knows, answered as it expects."""
    assert half.call(b"lists", b"seq", [1, 5]) == [1, 2, 3, 4, 5]
    assert half.call(b"erlang", b"node", []) == Name(b"nonode@nohost")
    assert half.call(b"erlang", b"list_to_tuple", [[1, 2.5, -(2**90), b"bin", True]]) == (
        *(1, 2.5, -(2**90), b"bin"),
        True,
    )
    assert half.call(b"maps", b"from_list", [[(Name(b"a"), 1), (b"b", 2)]]) == {
        Name(b"a"): 1,
        b"b": 2,
    }
    big = [300] * 5000
    assert half.call(b"lists", b"reverse", [big]) == big


def test_erlport_gets_errors_in_its_own_form(half: ErlPortHalf) -> None:
    """An error arrives as language, class, value and stack."""
    with pytest.raises(CallError) as caught:
        half.call(b"erlang", b"error", [Name(b"boom")])
    language, kind, value, stack = caught.value.args[0]
    assert (language, kind, value) == (b"erlang", b"error", b"boom")
    assert isinstance(stack, list)
    with pytest.raises(CallError):
        half.call(b"no_such_module", b"f", [])


def test_erlport_sends_messages_to_itself_and_others(half: ErlPortHalf) -> None:
    """`self()` is opaque, is the process that owns the pipe, and takes messages; so do others."""
    owner = half.call(b"erlang", b"self", [], b"L")
    assert isinstance(owner, Erlang)
    assert half.call(b"erlang", b"self", [], b"L").data == owner.data
    assert half.call(b"erlang", b"whereis", [Name(b"probe_bridge")]).data == owner.data
    assert isinstance(half.call(b"erlang", b"make_ref", [], b"L"), Erlang)
    half.cast(owner, (Name(b"hello"), 1))
    sleeper = half.call(b"erlang", b"spawn", [Name(b"timer"), Name(b"sleep"), [60000]])
    half.cast(sleeper, Name(b"hello"))
    length = half.call(b"erlang", b"process_info", [sleeper, Name(b"message_queue_len")])
    assert length == (b"message_queue_len", 1)
    half.print("printed by ErlPort\n")
    assert half.call(b"erlang", b"node", []) == Name(b"nonode@nohost")
    assert b"printed by ErlPort" in half._channel.log()
