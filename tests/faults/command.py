"""One `beamproof verify` in a folder of its own, on claims whose verdicts are known.

Half of the claims are true and half are false, and each probe waits a while, so that there is a
time in which a fault meets the run. Nothing here knows which fault that is.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from harness.system.processes import MARK_VARIABLE

CLAIMS = 40
ANSWER = {"answer_count": 41}
END_S = 30.0
"""Within this a command has ended after its fault; promises of two seconds have tests of their
own, on machines that do nothing else."""

_LOOK_S = 0.005
_ROOT = Path(__file__).parents[2]

_PROBES = """
-module(steady).
-export([answer/1]).
answer(#{number := N}) -> timer:sleep(40 + N rem 3), #{answer_count => 41}.
"""
_CLAIM = """
[[claim]]
id = "{kind}-{number}"
probe = "answer"
statement = "The answer is {said}."
sources = ["https://www.erlang.org/doc/"]
args = {{ number = {number} }}
expect.answer_count = {said}

[[claim.rival]]
statement = "The answer is {rival}."
expect.answer_count = {rival}
"""

Output = int | IO[bytes] | str
"""Where a command prints to: a descriptor of subprocess, a file, or `-` for none at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Say where VMs come from: options of `verify`, and what else its environment holds."""

    options: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Command:
    """Hold one running `beamproof verify` and the folder that is its own."""

    process: subprocess.Popen[bytes]
    folder: Path
    place: Place
    reader: subprocess.Popen[bytes] | None = None

    def is_going(self) -> bool:
        """Tell whether it has not ended."""
        return self.process.poll() is None

    def started(self) -> list[int]:
        """Return the processes that carry its folder in their environment, itself excepted."""
        mark = str(self.folder).encode()
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal() and int(entry.name) not in {self.process.pid, os.getpid()}:
                with contextlib.suppress(OSError):
                    if mark in (entry / "environ").read_bytes():
                        found.append(int(entry.name))
        return found

    def vms(self) -> list[int]:
        """Return the VMs that it started as processes, not those that only compile for them."""
        return [pid for pid in self.started() if name_of(pid) == "beam.smp" and _is_marked(pid)]

    def run_file(self) -> Path | None:
        """Return its run file, None as long as there is none."""
        return next(iter((self.folder / "runs").glob("*.jsonl")), None)

    def lines(self) -> bytes:
        """Return the whole lines of its run file."""
        if (file := self.run_file()) is None:
            return b""
        content = file.read_bytes()
        return content[: content.rfind(b"\n") + 1]

    def said(self) -> str:
        """Return what it said on stderr."""
        return (self.folder / "said").read_text(encoding="utf-8", errors="replace")

    def environment(self) -> dict[str, str]:
        """Return the environment of whatever is run beside it."""
        return environment_of(self.folder, self.place)


def name_of(pid: int) -> str:
    """Return the name of a process, empty when it has ended."""
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _is_marked(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return f"{MARK_VARIABLE}=".encode() in Path(f"/proc/{pid}/environ").read_bytes()
    return False


def environment_of(folder: Path, place: Place) -> dict[str, str]:
    """Return the environment of a command with its scratch folders in `folder`."""
    own = {"TMPDIR": str(folder / "tmp"), "PYTHONPATH": str(_ROOT)}
    return {**os.environ, **own, **place.environment}


def begin(
    folder: Path, place: Place, *options: str, output: Output | None = None, to_head: bool = False
) -> Command:
    """Start a `verify`; it prints to the file `printed` below its folder, unless told otherwise.

    Args:
        folder: its own; claims and probes are written there.
        place: where its VMs come from.
        options: further ones.
        output: where it prints to.
        to_head: have `head -n 1` read what it prints.
    """
    write_claims(folder)
    line = [sys.executable, "-m", "harness", "verify", "--claims", "claims", "--probes", "probes"]
    line += ["--runs", "runs", "--jobs", "2", "--no-strict", *place.options, *options]
    if output == "-":
        line, output = ["sh", "-c", 'exec "$@" >&-', "sh", *line], subprocess.DEVNULL
    with (folder / "said").open("ab") as said, (folder / "printed").open("ab") as printed:
        process = subprocess.Popen(
            line,
            cwd=folder,
            env=environment_of(folder, place),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if to_head else output if output is not None else printed,  # type: ignore[arg-type]
            stderr=said,
        )
    reader = None
    if to_head:
        with process.stdout as pipe:  # type: ignore[union-attr]
            reader = subprocess.Popen(["head", "-n", "1"], stdin=pipe, stdout=subprocess.DEVNULL)
    return Command(process, folder, place, reader)


def write_claims(folder: Path) -> None:
    """Write the claims and their probe."""
    for name in ("claims", "probes", "tmp", "runs"):
        (folder / name).mkdir(exist_ok=True)
    (folder / "probes" / "steady.erl").write_text(_PROBES, encoding="utf-8")
    claims = "".join(
        _CLAIM.format(
            kind="true" if number % 2 else "false",
            number=number,
            said=41 if number % 2 else 42,
            rival=42 if number % 2 else 41,
        )
        for number in range(CLAIMS)
    )
    text = f'skill = "steady"\ndescription = "Verdicts that are known."\n{claims}'
    (folder / "claims" / "steady.toml").write_text(text, encoding="utf-8")


def handles_signals(command: Command) -> bool:
    """Tell whether signals are handled: before that Python itself starts, and nothing of ours."""
    try:
        status = Path(f"/proc/{command.process.pid}/status").read_text(encoding="utf-8")
    except OSError:
        return False
    caught = int(status.partition("SigCgt:")[2].split()[0], 16)
    return bool(caught >> (signal.SIGHUP - 1) & 1)  # the last of the three that is set


def has_observed(command: Command) -> bool:
    """Tell whether a first observation is stored."""
    return b'"kind":"observation"' in command.lines()


def await_ready(command: Command, ready: Iterable[Callable[[Command], bool]]) -> None:
    """Wait until all that is asked of the command is so, or it has ended."""
    questions = tuple(ready)
    deadline = time.monotonic() + END_S
    while command.is_going() and time.monotonic() < deadline:
        if all(ask(command) for ask in questions):
            return
        time.sleep(_LOOK_S)
