"""Frames: whatever pieces a stream arrives in, payloads come out whole or not at all."""

from __future__ import annotations

import math
import struct
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.bridge.framing import FrameReader, StreamEndedError, frame
from harness.errors import ProtocolError


class Pieces:
    """Give a stream in the pieces it was made of, then end or stall."""

    def __init__(self, *pieces: bytes, stalls: bool = False) -> None:
        self._pieces = list(pieces)
        self._stalls = stalls

    def read(self, _size: int, _deadline: float) -> bytes:
        if self._pieces:
            return self._pieces.pop(0)
        if self._stalls:
            raise TimeoutError
        return b""


@given(payloads=st.lists(st.binary(max_size=40), max_size=6), cut=st.integers(1, 9))
def test_payloads_survive_any_cutting(payloads: list[bytes], cut: int) -> None:
    """Frames cut anywhere, or several in one piece, come out one by one."""
    stream = b"".join(map(frame, payloads))
    pieces = [stream[at : at + cut] for at in range(0, len(stream), cut)]
    for found in (FrameReader(Pieces(*pieces)), FrameReader(Pieces(stream))):
        if payloads:
            assert [found.read(math.inf) for _ in payloads] == payloads
            with pytest.raises(StreamEndedError, match="no answer"):
                found.read(math.inf)


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        ((b"\0\0",), "2 of 4 bytes"),
        ((b"\0\0\0\x64hello",), "9 of 104 bytes"),
        ((), "no answer"),
    ],
)
def test_a_frame_cut_short_says_how_much_came(pieces: tuple[bytes, ...], text: str) -> None:
    """An end and a stall within a frame are told apart, both with what had arrived."""
    with pytest.raises(StreamEndedError, match=text):
        FrameReader(Pieces(*pieces)).read(math.inf)
    with pytest.raises(TimeoutError, match=text):
        FrameReader(Pieces(*pieces, stalls=True)).read(math.inf)


def test_a_length_that_lies_costs_no_memory() -> None:
    """A frame that announces gigabytes is refused by its header, and below the limit only what
    arrives is held."""
    with pytest.raises(ProtocolError, match="a frame of 4294967295 bytes, above 67108864"):
        FrameReader(Pieces(b"\xff\xff\xff\xffhello")).read(math.inf)
    tracemalloc.start()
    with pytest.raises(StreamEndedError):
        FrameReader(Pieces(struct.pack(">I", 60 * 1024**2) + b"x")).read(math.inf)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100_000


def test_a_stream_that_never_ends_a_frame_ends_at_the_deadline() -> None:
    """A source that always has another byte finds no time-out of its own: the reader does."""
    with pytest.raises(TimeoutError, match="bytes of a frame"):
        FrameReader(Pieces(b"\0\0\x10\0", *[b"x"] * 5000)).read(0.0)


def test_what_was_not_read_is_noticed() -> None:
    """Rests of the last piece and new pieces alike; silence and an end are neither."""
    assert FrameReader(Pieces(b"x")).waiting()
    assert not FrameReader(Pieces(stalls=True)).waiting()
    assert not FrameReader(Pieces()).waiting()
    reader = FrameReader(Pieces(frame(b"one") + b"rest", stalls=True))
    assert reader.read(math.inf) == b"one"
    assert reader.waiting()


def test_what_is_too_long_to_send_is_refused() -> None:
    """No frame is made that no node would take."""
    with pytest.raises(ValueError, match="above"):
        frame(bytes(64 * 1024**2 + 1))
