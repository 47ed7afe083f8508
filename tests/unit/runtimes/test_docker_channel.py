"""The engine's stream is parted, bounded and ended."""

import contextlib
import random
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ProtocolError
from harness.runtimes.docker.channel import Demultiplexer, DockerChannel, exit_status

CHUNKS = st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=40)), max_size=12)


def frame(kind: int, data: bytes) -> bytes:
    return bytes([kind, 0, 0, 0]) + len(data).to_bytes(4, "big") + data


class Engine:
    """Stand for the engine of one container: its state, and that it was removed."""

    def __init__(self, far: socket.socket) -> None:
        self.far = far
        self.state: dict[str, Any] = {"Running": True, "Status": "running", "ExitCode": 0}
        self.removed: list[str] = []

    def inspect_container(self, _name: str) -> dict[str, Any]:
        """Return what the engine says of the container."""
        return {"State": self.state, "HostConfig": {"Memory": 200 << 20}}

    def remove_container(self, name: str, *, force: bool, v: bool) -> None:
        """Take note, and close the stream as the engine does."""
        assert force
        assert v
        self.removed.append(name)
        self.far.close()

    def ended(self, code: int, *, out_of_memory: bool = False) -> None:
        """Let the container end."""
        self.state = {
            "Running": False,
            "Status": "exited",
            "ExitCode": code,
            "OOMKilled": out_of_memory,
        }
        self.far.close()


@pytest.fixture
def container() -> Iterator[tuple[DockerChannel, Engine]]:
    """Return a channel and the engine at its other end."""
    near, far = socket.socketpair()
    engine = Engine(far)
    channel = DockerChannel(engine, "c", near, near)  # type: ignore[arg-type]
    yield channel, engine
    channel.kill()
    far.close()


def soon(seconds: float = 5.0) -> float:
    return time.monotonic() + seconds


@given(CHUNKS, st.integers(0, 2**32))
def test_frames_are_parted_however_they_are_cut(chunks: list[tuple[int, bytes]], seed: int) -> None:
    """Stdout and stderr come out whole, wherever the socket cuts the frames."""
    wire = b"".join(frame(kind, data) for kind, data in chunks)
    cuts = random.Random(seed)  # noqa: S311 - where to cut, drawn from the test's own seed
    parts = Demultiplexer()
    while wire:
        size = cuts.randint(1, 11)
        parts.feed(wire[:size])
        wire = wire[size:]
    assert bytes(parts.stdout) == b"".join(data for kind, data in chunks if kind == 1)
    assert parts.stderr.take() == b"".join(data for kind, data in chunks if kind == 2)


@pytest.mark.parametrize("wire", [b"\x03\0\0\0\0\0\0\1x", b"HTTP/1.1 200 OK", b"\1\1\0\0\0\0\0\1x"])
def test_what_is_no_frame_of_the_engine_is_refused(wire: bytes) -> None:
    """Garbage is told, not guessed at."""
    with pytest.raises(ProtocolError, match="not a frame"):
        Demultiplexer().feed(wire)


def test_stdout_is_read_and_stderr_is_the_log(container: tuple[DockerChannel, Engine]) -> None:
    """One socket carries both; the channel keeps them apart."""
    channel, engine = container
    engine.far.sendall(frame(2, b"note") + frame(1, b"answer"))
    assert channel.read(3, soon()) == b"ans"
    assert channel.read(100, soon()) == b"wer"
    assert channel.log() == b"note"
    assert channel.log() == b""


def test_a_log_without_any_read_is_seen(container: tuple[DockerChannel, Engine]) -> None:
    """What was printed last is there even if nobody reads answers."""
    channel, engine = container
    engine.far.sendall(frame(2, b"slogan"))
    assert channel.log() == b"slogan"


def test_a_silent_vm_meets_the_deadline(container: tuple[DockerChannel, Engine]) -> None:
    """A read ends at its deadline."""
    channel, _ = container
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        channel.read(1, started + 0.1)
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("kind", [1, 2])
def test_a_vm_that_prints_without_end_meets_the_deadline(
    container: tuple[DockerChannel, Engine], kind: int
) -> None:
    """Output that never stops is no answer and takes none: reads and writes end in time."""
    channel, engine = container
    stop = threading.Event()

    def flood() -> None:
        with contextlib.suppress(OSError):
            while not stop.is_set():
                engine.far.sendall(frame(kind, bytes(10_000)))

    thread = threading.Thread(target=flood)
    thread.start()
    started = time.monotonic()
    try:
        with pytest.raises(TimeoutError):
            channel.write(bytes(10_000_000), started + 0.3)
        if kind == 2:
            with pytest.raises(TimeoutError):
                channel.read(1, started + 0.6)
    finally:
        stop.set()
        channel.kill()
        thread.join()
    assert time.monotonic() - started < 10


def test_the_end_of_the_stream_is_empty_after_what_came_before(
    container: tuple[DockerChannel, Engine],
) -> None:
    """Answers that arrived before the end are not lost."""
    channel, engine = container
    engine.far.sendall(frame(1, b"last"))
    engine.ended(0)
    assert channel.read(100, soon()) == b"last"
    assert channel.read(100, soon()) == b""
    with pytest.raises(BrokenPipeError):
        channel.write(b"x", soon())


def test_a_vm_that_floods_while_it_is_written_to_does_not_stand_still(
    container: tuple[DockerChannel, Engine],
) -> None:
    """Both sides send megabytes at once, and neither waits for the other for ever."""
    channel, engine = container
    flood = b"".join(frame(1, bytes(65000)) + frame(2, bytes(65000)) for _ in range(60))
    taken = bytearray()

    def vm() -> None:
        engine.far.sendall(flood)
        while len(taken) < 4_000_000:
            taken.extend(engine.far.recv(1 << 16))

    thread = threading.Thread(target=vm)
    thread.start()
    channel.write(bytes(4_000_000), soon(20))
    thread.join(20)
    assert len(taken) == 4_000_000
    read = 0
    while read < 60 * 65000:
        read += len(channel.read(1 << 20, soon()))
    assert b"bytes dropped" in channel.log()


def test_a_vm_that_takes_nothing_meets_the_deadline(
    container: tuple[DockerChannel, Engine],
) -> None:
    """A write ends at its deadline, too."""
    channel, _ = container
    with pytest.raises(TimeoutError):
        channel.write(bytes(50_000_000), time.monotonic() + 0.2)


def test_a_kill_from_another_thread_ends_a_read(container: tuple[DockerChannel, Engine]) -> None:
    """Ctrl-C ends nodes that are in the middle of a call."""
    channel, engine = container
    threading.Timer(0.1, channel.kill).start()
    assert channel.read(1, soon(10)) == b""
    assert engine.removed == ["c"]


def test_a_kept_container_is_not_removed(container: tuple[DockerChannel, Engine]) -> None:
    """With `keep` the channel closes and the container stays."""
    channel, engine = container
    channel.keep = True
    channel.kill()
    assert engine.removed == []
    assert channel.read(1, soon()) == b""


def test_an_exit_status_is_told_once_the_container_ended(
    container: tuple[DockerChannel, Engine],
) -> None:
    """None while it lives; then its status, also after it was removed."""
    channel, engine = container
    assert channel.wait(0) is None
    assert channel.wait(time.monotonic() + 0.1) is None
    engine.ended(3)
    assert channel.wait(soon()) == 3
    channel.kill()
    assert channel.wait(0) == 3


def test_a_vm_that_met_its_memory_limit_says_so_in_its_log(
    container: tuple[DockerChannel, Engine],
) -> None:
    """The kernel kills without a word; the engine knows why."""
    channel, engine = container
    engine.ended(137, out_of_memory=True)
    assert channel.wait(soon()) == -9
    assert b"memory limit of 200 MiB" in channel.log()


def test_a_vanished_engine_raises_nothing_in_kill_and_wait(
    container: tuple[DockerChannel, Engine],
) -> None:
    """Cleaning up never hides the failure that led to it."""
    channel, engine = container

    def gone(*_arguments: object, **_options: object) -> dict[str, Any]:
        raise ConnectionError("gone")

    engine.inspect_container = gone  # type: ignore[method-assign]
    assert channel.wait(time.monotonic() + 0.1) is None
    channel.kill()
    channel.kill()


@pytest.mark.parametrize(
    ("code", "status"), [(0, 0), (1, 1), (127, 127), (137, -9), (139, -11), (134, -6), (255, 255)]
)
def test_signals_are_negative(code: int, status: int) -> None:
    """As Python has it of processes, so that both kinds of channel agree."""
    assert exit_status(code) == status


def test_a_kill_while_reading_and_writing_from_threads_is_safe(
    container: tuple[DockerChannel, Engine],
) -> None:
    """Many threads may end one channel."""
    channel, engine = container
    with contextlib.suppress(OSError):
        engine.far.sendall(frame(1, b"x" * 1000))
    threads = [threading.Thread(target=channel.kill) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert channel.wait(0) is None
