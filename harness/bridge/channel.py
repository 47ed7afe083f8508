"""One VM's pipe, as bytes, and how a runtime opens it; here for VMs that are processes.

Knows: pipes, processes, deadlines. Must not know: frames, terms, or where an `erl` comes from.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from harness.bridge.boot import boot_command
from harness.bridge.log import BoundedLog
from harness.errors import InfrastructureError, UnmetNeedError
from harness.system import processes


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bound what a VM may use. A process is held to its memory and CPUs, a container to all.

    Units: `cpus` is CPU seconds that a second allows, `cpuset` a number of CPUs; None is no limit.
    """

    memory_bytes: int = 1024**3
    processes: int = 512
    scratch_bytes: int = 256 * 1024**2
    cpus: float | None = None
    cpuset: int | None = None

    @property
    def slowness(self) -> float:
        """Return how many times longer than without a quota a VM takes for what keeps one CPU."""
        return 1.0 if self.cpus is None else max(1.0, 1.0 / self.cpus)


LARGE = Limits(memory_bytes=8 * 1024**3, scratch_bytes=6 * 1024**3)
"""For claims that need memory."""


class Channel(Protocol):
    """Speak with one VM in bytes. Deadlines are seconds of `time.monotonic`."""

    keep: bool
    """Leave a container behind for a look; processes are ended all the same."""

    def read(self, size: int, deadline: float) -> bytes:
        """Return up to `size` bytes, `b""` at the end; TimeoutError past the deadline."""

    def write(self, data: bytes, deadline: float) -> None:
        """Send all of `data`; TimeoutError past the deadline, OSError when the VM is gone."""

    def log(self) -> bytes:
        """Return what arrived on stderr since the last call, bounded, saying what it dropped."""

    def kill(self) -> None:
        """End the VM and all that it started; from any thread, repeatable, never raises."""

    def wait(self, deadline: float) -> int | None:
        """Return the exit status, negative for a signal, None while the VM lives."""


class Launcher(Protocol):
    """Start VMs of one runtime."""

    def start(
        self, *, name: str, flags: Sequence[str], env: Mapping[str, str], limits: Limits
    ) -> Channel:
        """Start a VM that waits for its first frame."""


_PASSED_ON = ("PATH", "TZ", "LD_LIBRARY_PATH")
_IN, _OUT = select.POLLIN, select.POLLOUT
_SLICE_S = 0.25
_EARLY_LIMIT_BYTES = 64 * 1024 * 1024
_PIPE_CHUNK = 64 * 1024
_WRITE_CHUNK = 256 * 1024


@dataclass(frozen=True, slots=True)
class ProcessLauncher:
    """Start VMs as processes of this machine, each with a scratch folder of its own.

    Args:
        erl: the `erl` program.
    """

    erl: Path

    def start(
        self, *, name: str, flags: Sequence[str], env: Mapping[str, str], limits: Limits
    ) -> ProcessChannel:
        """Start a VM that waits for its first frame.

        Raises:
            InfrastructureError: there is no such program, or no room for a scratch folder.
            UnmetNeedError: this machine cannot hold a process to such CPUs.
        """
        if limits.cpus is not None:
            raise UnmetNeedError("a quota of CPU time needs a container: --runtime docker")
        try:
            scratch = Path(tempfile.mkdtemp(prefix="beamproof-vm-"))
        except OSError as error:
            raise InfrastructureError(f"no scratch folder for a VM: {error}") from error
        mark = processes.mark(name, scratch.name)
        environment = {key: os.environ[key] for key in _PASSED_ON if key in os.environ}
        environment |= {"HOME": str(scratch), "TMPDIR": str(scratch), "LANG": "C.UTF-8", **env}
        environment[processes.MARK_VARIABLE] = mark
        try:
            with processes.on_cpus(limits.cpuset):
                process = _popen(boot_command(str(self.erl), flags), scratch, environment)
        except (OSError, UnmetNeedError) as error:
            shutil.rmtree(scratch, ignore_errors=True)
            if isinstance(error, UnmetNeedError):
                raise
            raise InfrastructureError(f"cannot start {self.erl}: {error}") from error
        processes.limit_memory(process.pid, limits.memory_bytes)
        return ProcessChannel(process, scratch=scratch, mark=mark)


def _popen(
    command: Sequence[str], scratch: Path, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        cwd=scratch,
        env=environment,
        start_new_session=True,  # Ctrl-C is for the harness, which ends its VMs itself
    )


class ProcessChannel:
    """Speak with a VM over the pipes of its process; no thread is needed to keep them flowing.

    Args:
        process: the VM, its three streams piped and unbuffered.
        scratch: a folder to remove with the VM.
        mark: by which to find what it started, see `processes.mark`.
    """

    def __init__(
        self, process: subprocess.Popen[bytes], *, scratch: Path | None = None, mark: str = ""
    ) -> None:
        if process.stdin is None or process.stdout is None or process.stderr is None:
            raise ValueError("a VM needs all of its streams piped")
        self.keep = False
        self._process = process
        self._stdin, self._stdout, self._stderr = process.stdin, process.stdout, process.stderr
        self._scratch = scratch
        self._mark = mark
        self._log = BoundedLog()
        self._early = bytearray()
        self._using = threading.Lock()  # descriptors are closed only while nobody polls them
        self._ending = threading.Lock()
        self._killed = threading.Event()
        self._closed = False
        self._stderr_open = True
        os.set_blocking(self._stdin.fileno(), False)

    def read(self, size: int, deadline: float) -> bytes:
        """Return up to `size` bytes of the VM's answers, `b""` at the end.

        Raises:
            TimeoutError: nothing came before the deadline.
        """
        with self._using:
            while not self._gone() and not self._early:
                if self._stdout.fileno() in self._poll(deadline, {self._stdout.fileno(): _IN}):
                    return os.read(self._stdout.fileno(), size)
            taken = bytes(self._early[:size])
            del self._early[:size]
        return taken

    def write(self, data: bytes, deadline: float) -> None:
        """Send all of `data`, and take what the VM answers meanwhile.

        Raises:
            TimeoutError: the VM did not take it before the deadline.
            BrokenPipeError: the VM is gone.
        """
        view = memoryview(data)
        with self._using:
            while view:
                if self._gone():
                    raise BrokenPipeError("the VM was ended")
                into, out = self._stdin.fileno(), self._stdout.fileno()
                full = len(self._early) >= _EARLY_LIMIT_BYTES
                ready = self._poll(deadline, {into: _OUT} if full else {into: _OUT, out: _IN})
                if into in ready:
                    with contextlib.suppress(BlockingIOError):
                        view = view[os.write(into, view[:_WRITE_CHUNK]) :]
                elif out in ready and not self._take_early():
                    raise BrokenPipeError("the VM has closed its pipe")

    def log(self) -> bytes:
        """Return what arrived on stderr since the last call."""
        with self._using:
            for _ in range(_PIPE_CHUNK):  # a VM that prints without end is left at some point
                if self._closed or not self._stderr_open or not self._has_log():
                    break
                self._take_log()
            return self._log.take()

    def kill(self) -> None:
        """End the VM and whatever it started, and remove its scratch folder."""
        self._killed.set()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        with self._ending:  # whoever comes second returns when nothing is left, too
            if not self._closed:
                self._close()
                processes.kill_marked(self._mark)
                if self._scratch is not None:
                    shutil.rmtree(self._scratch, ignore_errors=True)

    def _close(self) -> None:
        with self._using:
            self._closed = True
            self._take_rest()
            for stream in (self._stdin, self._stdout, self._stderr):
                with contextlib.suppress(OSError):
                    stream.close()

    def wait(self, deadline: float) -> int | None:
        """Return the exit status, negative for a signal, None while the VM lives."""
        try:
            return self._process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            return None

    def _gone(self) -> bool:
        return self._closed or self._killed.is_set()

    def _poll(self, deadline: float, events: Mapping[int, int]) -> set[int]:
        """Wait a while for some streams, taking what arrives on stderr meanwhile."""
        remaining = deadline - time.monotonic()
        poll = select.poll()
        for descriptor, event in events.items():
            poll.register(descriptor, event)
        if self._stderr_open:
            poll.register(self._stderr.fileno(), _IN)
        # a kill from another thread is seen within one slice, even if a child holds the pipe open
        ready = {found for found, _ in poll.poll(max(0.0, min(remaining, _SLICE_S)) * 1000)}
        if self._stderr_open and self._stderr.fileno() in ready:
            self._take_log()
        if remaining <= 0 and not ready.intersection(events):
            raise TimeoutError("the VM did not answer in time")
        return ready

    def _take_early(self) -> bool:
        """Keep an answer that arrives while something is still being sent."""
        data = os.read(self._stdout.fileno(), _PIPE_CHUNK)
        self._early += data
        return bool(data)

    def _has_log(self) -> bool:
        poll = select.poll()
        poll.register(self._stderr.fileno(), _IN)
        return bool(poll.poll(0))

    def _take_log(self) -> None:
        data = os.read(self._stderr.fileno(), _PIPE_CHUNK)
        self._stderr_open = bool(data)
        self._log.append(data)

    def _take_rest(self) -> None:
        """Take what still lies in the pipe of a dead VM, the reason of its death among it."""
        with contextlib.suppress(OSError):
            for _ in range(64):
                if not self._stderr_open or not self._has_log():
                    break
                self._take_log()
