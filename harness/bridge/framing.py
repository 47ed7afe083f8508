"""Frames of `{packet, 4}`: four bytes of length, most significant first, then the payload.

Knows: lengths. Must not know: what a payload says.
"""

from __future__ import annotations

import contextlib
import struct
import time
from typing import Protocol

from harness.errors import ProtocolError

MAX_FRAME_BYTES = 64 * 1024 * 1024
"""No frame of a sane node is longer; the bridge cuts evidence long before."""

_HEADER = struct.Struct(">I")
_CHUNK_BYTES = 1024 * 1024


class ByteSource(Protocol):
    """Give bytes as they arrive; see `channel.Channel.read`."""

    def read(self, size: int, deadline: float) -> bytes:
        """Return up to `size` bytes, `b""` at the end."""


class StreamEndedError(EOFError):
    """Say that the stream ended where a frame should begin, or within one."""


def frame(payload: bytes) -> bytes:
    """Return a payload with its length before it.

    Raises:
        ValueError: it is longer than any node may take.
    """
    if len(payload) > MAX_FRAME_BYTES:
        raise ValueError(f"a frame of {len(payload)} bytes, above {MAX_FRAME_BYTES}")
    return _HEADER.pack(len(payload)) + payload


class FrameReader:
    """Read frames off a stream, whatever pieces it arrives in.

    Args:
        source: where the bytes come from.
        limit: refuse a frame that announces more bytes than this.
    """

    def __init__(self, source: ByteSource, limit: int = MAX_FRAME_BYTES) -> None:
        self._source = source
        self._limit = limit
        self._buffer = bytearray()

    def read(self, deadline: float) -> bytes:
        """Return the next payload.

        Raises:
            ProtocolError: the frame announces more than the limit.
            StreamEndedError: the stream ended; the message says whether within a frame.
            TimeoutError: the frame was not complete by the deadline.
        """
        self._fill(_HEADER.size, deadline)
        (size,) = _HEADER.unpack_from(self._buffer)
        if size > self._limit:
            begin = bytes(self._buffer[:32])
            raise ProtocolError(f"a frame of {size} bytes, above {self._limit}: {begin!r}")
        self._fill(_HEADER.size + size, deadline)
        payload = bytes(memoryview(self._buffer)[_HEADER.size : _HEADER.size + size])
        del self._buffer[: _HEADER.size + size]
        return payload

    def waiting(self) -> bool:
        """Tell whether something has arrived that nobody has read."""
        if not self._buffer:
            with contextlib.suppress(TimeoutError):
                self._buffer += self._source.read(_CHUNK_BYTES, 0.0)
        return bool(self._buffer)

    def _fill(self, size: int, deadline: float) -> None:
        """Read until the buffer holds `size` bytes; memory grows only with what has arrived.

        A source that always has a little more never finds its own time-out.
        """
        while len(self._buffer) < size:
            if self._buffer and time.monotonic() > deadline:
                raise TimeoutError(self._found(size))
            try:
                data = self._source.read(_CHUNK_BYTES, deadline)
            except TimeoutError:
                raise TimeoutError(self._found(size)) from None
            if not data:
                raise StreamEndedError(self._found(size))
            self._buffer += data

    def _found(self, size: int) -> str:
        found = len(self._buffer)
        return f"{found} of {size} bytes of a frame" if found else "no answer"
