"""A container engine of the campaign's own, and the kinds of faults that meet VMs in containers.

It has its own socket and folders and no network, so nothing of another engine is ever touched;
it is ended by its process id, with all that it holds.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Self

from docker.api.client import APIClient
from docker.errors import APIError, DockerException

from harness.errors import ExitCode
from harness.runtimes.docker.container import LABEL
from tests.faults import checks
from tests.faults.checks import VERDICTS
from tests.faults.command import Command, Place, environment_of, has_observed
from tests.faults.kind import Check, Fault, Kind, from_the_start, to_the_command, told
from tests.faults.kinds import ENDS_WITHIN_S, signalled

RELEASE = 27
_START_S = 60.0
_FETCH_S = 900.0
_LEAVE_S = 5.0


def without_engine() -> str:
    """Return why no engine can be started here, empty when one can."""
    if (
        missing := [name for name in ("dockerd", "containerd") if shutil.which(name) is None]
    ) != []:
        return f"there is no {missing[0]}"
    return "" if os.geteuid() == 0 else "only root starts an engine"


class Engine:
    """Start an engine, hand out what lies in it, end it; use as a context manager."""

    def __init__(self) -> None:
        self._folder = Path()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="beamproof-engine-"))
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_exception: object) -> None:
        self.continue_()
        with contextlib.suppress(DockerException, OSError, RuntimeError):
            self.start()  # after a kill, containers and mounts are left that only it clears away
            for name in self.containers():
                self.client().remove_container(name, force=True)
        self.end(signal.SIGTERM)
        self._unmount()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def address(self) -> str:
        """Return where it listens."""
        return f"unix://{self._folder}/docker.sock"

    def is_going(self) -> bool:
        """Tell whether it has not ended; it may be stopped."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it where it does not run, and wait until it answers."""
        if self.is_going():
            return
        line = ["dockerd", "--host", self.address, "--data-root", str(self._folder / "data")]
        line += ["--exec-root", str(self._folder / "exec"), "--pidfile", str(self._folder / "pid")]
        line += ["--bridge", "none", "--iptables=false"]  # containers here have no network
        (self._folder / "pid").unlink(missing_ok=True)
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                line, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + _START_S
        while not self._answers():
            if time.monotonic() > deadline or not self.is_going():
                log_end = (self._folder / "log").read_text(errors="replace")[-2000:]
                raise RuntimeError(f"the engine did not start: {log_end}")
            time.sleep(0.1)

    def end(self, number: int) -> None:
        """Send it a signal that ends it, and wait for that, and for its containerd."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(_START_S)
            self._end_containerd()

    def stop(self) -> None:
        """Have it hang."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def continue_(self) -> None:
        """Have it hang no more."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def client(self) -> APIClient:
        """Return a client of it."""
        return APIClient(base_url=self.address, timeout=30)

    def containers(self, *, running: bool = False) -> list[str]:
        """Return the names of beamproof's containers, of those that run or of all."""
        with contextlib.closing(self.client()) as client:
            found = client.containers(all=not running, filters={"label": LABEL})
        return sorted(one["Names"][0].lstrip("/") for one in found)

    def place(self, folder: Path) -> Place:
        """Import an image of the package tree, and say how it is used."""
        line = [sys.executable, "-m", "harness", "otp", "install", str(RELEASE), "--docker"]
        (folder / "tmp").mkdir()
        here = Place(options=(), environment={"DOCKER_HOST": self.address})
        subprocess.run(line, env=environment_of(folder, here), check=True, timeout=_FETCH_S)
        return Place(
            options=("--runtime", "docker", "--otp", str(RELEASE)),
            environment={**here.environment, "BEAMPROOF_CACHE": str(folder / "cache")},
        )

    @contextlib.contextmanager
    def with_damaged_image(self, _folder: Path, place: Place, chance: Random) -> Iterator[Place]:
        """Cut the program of the image's VM, below the engine's hands."""
        programs = [path for path in (self._folder / "data").rglob("beam.smp") if path.is_file()]
        for program in programs:
            os.truncate(program, chance.randrange(program.stat().st_size))
        yield place

    def image_is_mended(self, command: Command) -> Iterator[str]:
        """Look whether the damage was told, and whether another install mends it."""
        yield from told("does not start")(command)
        line = [sys.executable, "-m", "harness", "otp", "install", str(RELEASE), "--docker"]
        done = subprocess.run(
            line, env=command.environment(), capture_output=True, check=False, timeout=_FETCH_S
        )
        if done.returncode or b"is damaged; it is made again" not in done.stderr:
            yield f"the image is not made again: {done.stderr.decode()[-500:]}"

    def _answers(self) -> bool:
        with contextlib.suppress(DockerException, OSError), contextlib.closing(self.client()) as it:
            return bool(it.ping())
        return False

    def _end_containerd(self) -> None:
        """End what an engine that was killed leaves: it would wait for it when it starts again."""
        noted = self._folder / "exec/containerd/containerd.pid"
        with contextlib.suppress(OSError, ValueError):
            pid = int(noted.read_text(encoding="utf-8"))
            deadline = time.monotonic() + _LEAVE_S
            while (ours := self._is_ours(pid)) and time.monotonic() < deadline:
                time.sleep(0.05)
            if ours:
                os.kill(pid, signal.SIGKILL)
        noted.unlink(missing_ok=True)

    def _unmount(self) -> None:
        """Unmount what an engine that was killed had mounted; the next one does not know of it."""
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
        for mount in reversed([line.split()[1] for line in mounts]):
            if mount.startswith(f"{self._folder}/"):
                subprocess.run(["umount", "--lazy", mount], check=False)

    def _is_ours(self, pid: int) -> bool:
        """Tell whether a process lives and is of this engine: numbers are used again."""
        command = Path(f"/proc/{pid}/cmdline").read_bytes()  # empty of one that has ended
        return str(self._folder).encode() in command


def kinds_of(engine: Engine) -> dict[str, Kind]:
    """Return the kinds of faults in containers of an engine."""

    def runs_container(_command: Command) -> bool:
        with contextlib.suppress(DockerException, OSError):
            return bool(engine.containers(running=True))
        return False

    def left(*, by_sweep: bool) -> Check:
        return lambda command: left_containers(engine, command, by_sweep=by_sweep)

    def to_one(act: Callable[[APIClient, str], object]) -> Kind:
        return Kind(
            fault=_to_a_container(engine, act),
            codes=VERDICTS | {ExitCode.RUNTIME_MISSING},
            ready=runs_container,
            options=("--timeout", "3"),
            mended=left(by_sweep=False),
        )

    def by_signal(kind: Kind) -> Kind:
        return replace(kind, mended=left(by_sweep=False))

    def of_engine(fault: Fault) -> Kind:
        return Kind(
            fault=fault,
            codes=VERDICTS | {ExitCode.RUNTIME_MISSING},
            ready=runs_container,
            mended=left(by_sweep=True),
        )

    return {
        "container: killed": to_one(lambda client, name: client.kill(name)),
        "container: stopped by the engine": to_one(lambda client, name: client.stop(name, 1)),
        "container: rm -f": to_one(lambda client, name: client.remove_container(name, force=True)),
        "container: paused for good": to_one(lambda client, name: client.pause(name)),
        "container: paused, goes on": to_one(_pause_and_go_on),
        "container command: INT": by_signal(signalled(signal.SIGINT)),
        "container command: TERM": by_signal(signalled(signal.SIGTERM)),
        "container command: HUP": by_signal(signalled(signal.SIGHUP)),
        "container command: INT three times, apart": by_signal(signalled(signal.SIGINT, 3, 0.15)),
        "container command: KILL, resumed": Kind(
            fault=to_the_command(signal.SIGKILL),
            codes=frozenset({-signal.SIGKILL}),
            ready=has_observed,
            mended=left(by_sweep=True),
            resumed=True,
            by_sweep=True,
        ),
        "engine: killed": of_engine(_ended(engine, signal.SIGKILL)),
        "engine: terminated": of_engine(_ended(engine, signal.SIGTERM)),
        **{
            f"engine: hangs, command: {number.name.removeprefix('SIG')}": Kind(
                fault=_hangs(engine, number),
                codes=VERDICTS | {128 + number},
                ready=runs_container,
                mended=left(by_sweep=True),
                promised_s=ENDS_WITHIN_S,
            )
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        },
        "engine: image damaged": Kind(
            fault=from_the_start,
            codes=frozenset({ExitCode.RUNTIME_MISSING}),
            prepared=engine.with_damaged_image,
            mended=engine.image_is_mended,
        ),
    }


def _to_a_container(engine: Engine, act: Callable[[APIClient, str], object]) -> Fault:
    def fault(_command: Command, chance: Random) -> bool:
        if not (names := engine.containers(running=True)):
            return False
        with contextlib.closing(engine.client()) as client:
            try:
                act(client, chance.choice(names))
            except APIError:
                return False  # it ended a moment before
        return True

    return fault


def _pause_and_go_on(client: APIClient, name: str) -> None:
    client.pause(name)
    time.sleep(0.3)
    client.unpause(name)


def _ended(engine: Engine, number: int) -> Fault:
    def fault(command: Command, _chance: Random) -> bool:
        going = command.is_going()
        engine.end(number)
        return going

    return fault


def _hangs(engine: Engine, number: int) -> Fault:
    def fault(command: Command, chance: Random) -> bool:
        engine.stop()
        time.sleep(chance.uniform(0.0, 0.3))
        return to_the_command(number)(command, chance)

    return fault


def left_containers(engine: Engine, command: Command, *, by_sweep: bool) -> Iterator[str]:
    """Bring the engine back, and look for containers, where `by_sweep` for those it leaves."""
    engine.continue_()
    engine.start()
    deadline = time.monotonic() + _LEAVE_S
    while (found := engine.containers()) and time.monotonic() < deadline:
        time.sleep(0.1)
    if found and by_sweep:
        checks.sweep(command)
        found = engine.containers()
    for name in found:
        yield f"left container {name}"
        with contextlib.closing(engine.client()) as client:
            client.remove_container(name, force=True)
