"""What a VM prints, kept within bounds.

Knows: bytes. Must not know: who prints them.
"""

from __future__ import annotations

LIMIT_BYTES = 64 * 1024
"""How much of what was printed between two looks is kept, half from each end."""


class BoundedLog:
    """Keep the beginning and the end of what is printed, and say how much lies between."""

    def __init__(self, limit: int = LIMIT_BYTES) -> None:
        self._half = limit // 2
        self._head = bytearray()
        self._tail = bytearray()
        self._dropped = 0

    def append(self, data: bytes) -> None:
        """Take what was printed."""
        room = self._half - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        self._tail += data
        if len(self._tail) > 2 * self._half:  # cutting at every call would copy the tail each time
            self._cut()

    def take(self) -> bytes:
        """Return what is kept, and begin again."""
        self._cut()
        between = b"\n[... %d bytes dropped ...]\n" % self._dropped if self._dropped else b""
        taken = bytes(self._head) + between + bytes(self._tail)
        self._head.clear()
        self._tail.clear()
        self._dropped = 0
        return taken

    def _cut(self) -> None:
        excess = len(self._tail) - self._half
        if excess > 0:
            del self._tail[:excess]
            self._dropped += excess
