"""One container's attached stream as a channel.

Knows: the engine's 8-byte frames, which mix stdout and stderr on one socket, and the life of one
container. Must not know: what the bytes mean.

Reading and writing take turns on one thread: whoever writes also takes what arrives, so a VM that
prints while it is written to can never stand still against us.
"""

from __future__ import annotations

import contextlib
import select
import signal
import ssl
import threading
import time
from typing import Any, Self

from docker.api.client import APIClient
from docker.errors import DockerException
from requests.exceptions import RequestException

from harness.bridge.log import BoundedLog
from harness.errors import ProtocolError, RuntimeMissingError
from harness.runtimes.docker import patience

STDOUT_LIMIT_BYTES = 96 * 1024 * 1024
"""How much stdout is taken while we write; beyond it the VM waits until somebody reads."""

_HEADER_BYTES = 8
_STDOUT, _STDERR = 1, 2
_CHUNK_BYTES = 256 * 1024
_BLOCKED = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
_SIGNAL_BASE = 128
_SLICE_S = 0.25
_LOOK_S = 0.02
_LOG_ROUNDS = 1024


class Demultiplexer:
    """Part the engine's frames into stdout and stderr, however they are cut up on arrival."""

    def __init__(self) -> None:
        self.stdout = bytearray()
        self.stderr = BoundedLog()
        self._header = bytearray()
        self._kind = 0
        self._missing = 0

    def feed(self, data: bytes | memoryview) -> None:
        """Take bytes as they came from the socket.

        Raises:
            ProtocolError: they are not the engine's frames.
        """
        view = memoryview(data)
        while view:
            if self._missing == 0:
                view = self._take_header(view)
                continue
            part, view = view[: self._missing], view[self._missing :]
            self._missing -= len(part)
            if self._kind == _STDOUT:
                self.stdout += part
            elif self._kind == _STDERR:
                self.stderr.append(bytes(part))

    def _take_header(self, view: memoryview) -> memoryview:
        wanted = _HEADER_BYTES - len(self._header)
        self._header += view[:wanted]
        if len(self._header) == _HEADER_BYTES:
            if self._header[0] > _STDERR or any(self._header[1:4]):
                raise ProtocolError(f"not a frame of the engine: {bytes(self._header)!r}")
            self._kind = self._header[0]
            self._missing = int.from_bytes(self._header[4:], "big")
            self._header.clear()
        return view[wanted:]


class DockerChannel:
    """Speak with the VM in one container, and end it.

    Args:
        client: the engine.
        name: the container's name.
        connection: the attached stream's socket; the channel closes it.
        response: what keeps the socket alive in the docker package.
    """

    def __init__(self, client: APIClient, name: str, connection: Any, response: Any) -> None:
        self._using = threading.Lock()  # the socket is closed only while nobody polls it
        self._killed = threading.Event()
        self.keep = False
        self._client = client
        self._name = name
        self._socket = connection
        self._response = response
        self._parts = Demultiplexer()
        self._ended = False
        self._closed = False
        self._status: int | None = None
        self._socket.settimeout(0)

    @classmethod
    def attach(cls, client: APIClient, name: str) -> Self:
        """Attach to a container that has been created and not started."""
        wanted = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1, "logs": 0}
        response = client.attach_socket(name, params=wanted)
        # over unix and plain sockets the docker package hands out a wrapper with the socket in it
        return cls(client, name, getattr(response, "_sock", response), response)

    def read(self, size: int, deadline: float) -> bytes:
        """Return up to `size` bytes of stdout, `b""` at its end.

        Raises:
            TimeoutError: nothing came before the deadline.
        """
        buffer = self._parts.stdout
        with self._using:
            while not buffer and not self._over():
                if self._wait(deadline, writing=False):
                    self._receive()
                if not buffer:  # a VM that prints without end is always heard, and never answers
                    self._look_at_clock(deadline)
            taken = bytes(memoryview(buffer)[:size])
            del buffer[: len(taken)]
        return taken

    def write(self, data: bytes, deadline: float) -> None:
        """Send all of `data` to the VM's stdin, and take what arrives meanwhile.

        Raises:
            TimeoutError: the VM did not take it before the deadline.
            BrokenPipeError: the container has ended.
        """
        view = memoryview(data)
        with self._using:
            while view:
                if self._over():
                    raise BrokenPipeError("the container has ended")
                self._look_at_clock(deadline)
                happened = self._wait(deadline, writing=True)
                if happened & ~select.POLLOUT:
                    self._receive()
                elif happened:
                    with contextlib.suppress(*_BLOCKED):
                        view = view[self._socket.send(view[:_CHUNK_BYTES]) :]

    def log(self) -> bytes:
        """Return what arrived on stderr since the last call."""
        with self._using:
            for _ in range(_LOG_ROUNDS):  # a VM that prints without end is left at some point
                if self._over() or self._is_full() or not self._poll(select.POLLIN, 0):
                    break
                self._receive()
            return self._parts.stderr.take()

    def kill(self) -> None:
        """Remove the container, unless it is to be kept; from any thread, never raises."""
        self._killed.set()
        if not self._closed and not self.keep:
            patience.end(self._remove)
        with self._using:
            self._closed = True
            for closing in (self._socket, self._response):
                with contextlib.suppress(Exception):
                    closing.close()

    def wait(self, deadline: float) -> int | None:
        """Return the exit status (negative for a signal), None while the VM lives.

        A VM that the engine killed for its memory has that said in its log.
        """
        if self._status is None and not self._closed:
            with contextlib.suppress(
                DockerException, RequestException, OSError, RuntimeMissingError
            ):
                patience.ask(lambda: self._await_end(deadline))
        return self._status

    def _remove(self) -> None:
        try:
            self._note_end()
        finally:
            self._client.remove_container(self._name, force=True, v=True)

    def _await_end(self, deadline: float) -> None:
        """Look again and again: the engine counts a wait's limit in whole seconds."""
        self._note_end()
        while self._status is None and (remaining := deadline - time.monotonic()) > 0:
            time.sleep(min(_LOOK_S, remaining))
            self._note_end()

    def _note_end(self) -> None:
        """Ask the engine how the container ended, if it did."""
        if self._status is not None:
            return
        found = self._client.inspect_container(self._name)
        state = found["State"]
        if state["Running"] or state["Status"] == "created":
            return
        self._status = exit_status(int(state["ExitCode"]))
        if state.get("OOMKilled"):
            limit = int(found["HostConfig"]["Memory"]) >> 20
            self._parts.stderr.append(
                b"\nbeamproof: the container met its memory limit of %d MiB\n" % limit
            )

    def _receive(self) -> bool:
        """Take what has arrived; tell whether anything had."""
        try:
            data = self._socket.recv(_CHUNK_BYTES)
        except _BLOCKED:
            return False
        except OSError:
            data = b""
        if not data:
            self._ended = True
            return False
        self._parts.feed(data)
        return True

    def _over(self) -> bool:
        return self._ended or self._closed or self._killed.is_set()

    def _wait(self, deadline: float, *, writing: bool) -> int:
        """Wait a while for the socket and return what happened to it, 0 for nothing yet."""
        events = 0 if writing and self._is_full() else select.POLLIN
        events |= select.POLLOUT if writing else 0
        remaining = deadline - time.monotonic()
        # a kill from another thread is seen within one slice
        happened = self._poll(events, max(0.0, min(remaining, _SLICE_S)))
        if not happened:
            self._look_at_clock(deadline)
        return happened

    def _look_at_clock(self, deadline: float) -> None:
        if time.monotonic() >= deadline:
            raise TimeoutError(f"the container {self._name} did not answer in time")

    def _poll(self, events: int, seconds: float) -> int:
        pending = getattr(self._socket, "pending", None)  # TLS keeps decrypted bytes to itself
        if events & select.POLLIN and pending is not None and pending() > 0:
            return select.POLLIN
        poll = select.poll()
        poll.register(self._socket, events)
        happened = poll.poll(seconds * 1000)
        return happened[0][1] if happened else 0

    def _is_full(self) -> bool:
        return len(self._parts.stdout) >= STDOUT_LIMIT_BYTES


def exit_status(code: int) -> int:
    """Return a container's exit code with signals negative, as Python has them of processes."""
    number = code - _SIGNAL_BASE
    return -number if number in {int(item) for item in signal.Signals} else code
