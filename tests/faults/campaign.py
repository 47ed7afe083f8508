"""Kill, stop and interrupt VMs and commands at any moment, and see what is left and said.

`python -m tests.faults.campaign [--seed N] [--seconds S]` runs `beamproof verify` again and again
on claims whose verdicts are known, with one fault a run, at a moment drawn from the seed. Of each:
no evidence but the true one, an exit code that says what happened, no traceback, a run file that
can be read and gone on with, no process and no scratch folder left.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.errors import BeamproofError, ExitCode
from harness.run.file import read_run

CLAIMS = 30
ANSWER = {"answer_count": 41}
END_S = 30.0
"""Within this a command has ended after its fault; promises of two seconds have tests of their
own, on machines that do nothing else."""

_PROBES = """
-module(steady).
-export([answer/1]).
answer(#{number := N}) -> timer:sleep(20 + N rem 3), #{answer_count => 41}.
"""
_CLAIM = """
[[claim]]
id = "number-{number}"
probe = "answer"
statement = "The answer is 42."
sources = ["https://www.erlang.org/doc/"]
args = {{ number = {number} }}
expect.answer_count = 42

[[claim.rival]]
statement = "The answer is 41."
expect.answer_count = 41
"""


@dataclass(frozen=True, slots=True)
class Command:
    """Hold one running `beamproof verify` and the folder that is its own."""

    process: subprocess.Popen[bytes]
    folder: Path

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
        """Return those of them that are VMs."""
        return [pid for pid in self.started() if _name(pid) == "beam.smp"]


Fault = Callable[[Command, random.Random], None]


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _to_a_vm(number: int) -> Fault:
    def fault(command: Command, chance: random.Random) -> None:
        if vms := command.vms():
            with contextlib.suppress(ProcessLookupError):
                os.kill(chance.choice(vms), number)

    return fault


def _stop_and_go_on(command: Command, chance: random.Random) -> None:
    if vms := command.vms():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid := chance.choice(vms), signal.SIGSTOP)
            time.sleep(0.3)
            os.kill(pid, signal.SIGCONT)


def _to_the_command(number: int, times: int = 1) -> Fault:
    def fault(command: Command, _chance: random.Random) -> None:
        for _ in range(times):
            command.process.send_signal(number)

    return fault


def _cut(command: Command, chance: random.Random) -> None:
    """Cut the run file somewhere, as a full disk or a crash of the machine would."""
    for file in (command.folder / "runs").glob("*.jsonl"):
        command.process.kill()
        command.process.wait(END_S)
        os.truncate(file, chance.randrange(file.stat().st_size + 1))


def _reader_leaves(command: Command, _chance: random.Random) -> None:
    """Close the pipe that the command prints to, as `| head` does."""
    if command.process.stdout is not None:
        command.process.stdout.close()


def _second_writer(command: Command, _chance: random.Random) -> None:
    """Try to go on with the run while the command is writing it."""
    for file in (command.folder / "runs").glob("*.jsonl"):
        if command.process.poll() is not None:
            return
        second = [sys.executable, "-m", "harness", "verify", "--resume", str(file)]
        done = subprocess.run(second, cwd=command.folder, capture_output=True, check=False)
        if done.returncode != ExitCode.BAD_INPUT and command.process.poll() is None:
            with (command.folder / "said").open("ab") as said:
                said.write(b"Traceback: a second writer was let in\n" + done.stderr)


VERDICTS = {ExitCode.REFUTED, ExitCode.INCONCLUSIVE}
KINDS: dict[str, tuple[Fault, set[int]]] = {
    "vm: KILL": (_to_a_vm(signal.SIGKILL), {*VERDICTS, ExitCode.RUNTIME_MISSING}),
    "vm: SEGV": (_to_a_vm(signal.SIGSEGV), {*VERDICTS, ExitCode.RUNTIME_MISSING}),
    "vm: TERM": (_to_a_vm(signal.SIGTERM), {*VERDICTS, ExitCode.RUNTIME_MISSING}),
    "vm: stopped, goes on": (_stop_and_go_on, {*VERDICTS}),
    "command: INT": (_to_the_command(signal.SIGINT), {*VERDICTS, 130}),
    "command: TERM": (_to_the_command(signal.SIGTERM), {*VERDICTS, 143}),
    "command: HUP": (_to_the_command(signal.SIGHUP), {*VERDICTS, 129}),
    "command: INT ten times": (_to_the_command(signal.SIGINT, 10), {*VERDICTS, 130}),
    "command: its reader leaves": (_reader_leaves, {*VERDICTS}),
    "command: a second writer": (_second_writer, {*VERDICTS}),
    "command: KILL, resumed": (_to_the_command(signal.SIGKILL), {*VERDICTS, -9}),
    "run file cut, resumed": (_cut, {*VERDICTS, -9}),
}


def campaign(
    erl: Path, seed: int, counts: Counter[str], *, seconds: float = math.inf, rounds: int = 10**9
) -> Iterator[str]:
    """Yield what was not clean, until time or rounds are over.

    In a round every kind has its turn, in an order of the seed; `counts` says how often.
    """
    chance = random.Random(seed)  # noqa: S311 - moments, from the seed that is printed
    end = time.monotonic() + seconds
    for _ in range(rounds):
        for kind in chance.sample(tuple(KINDS), len(KINDS)):
            if time.monotonic() >= end:
                return
            counts[kind] += 1
            with tempfile.TemporaryDirectory(prefix="beamproof-fault-") as folder:
                moment = chance.uniform(0.0, 3.0)
                for problem in _one(kind, erl, Path(folder), moment, chance):
                    yield f"{kind} after {moment:.3f} s: {problem}"


def _one(kind: str, erl: Path, folder: Path, moment: float, chance: random.Random) -> Iterator[str]:
    fault, codes = KINDS[kind]
    command = _begun(erl, folder)
    _await_handlers(command.process)
    with contextlib.suppress(subprocess.TimeoutExpired):
        command.process.wait(moment)
    fault(command, chance)
    try:
        code = command.process.wait(END_S)
    except subprocess.TimeoutExpired:
        command.process.kill()
        yield f"does not end within {END_S:g} s"
        return
    if code not in codes:
        yield f"exit code {code}"
    if "resumed" in kind:
        yield from _resumed(erl, folder)
    if command.process.stdout is not None:
        command.process.stdout.close()
    yield from _left(command, swept="resumed" not in kind)
    yield from _wrong(folder)


def _begun(erl: Path, folder: Path, *more: str) -> Command:
    _write(folder)
    command = [
        sys.executable,
        "-m",
        "harness",
        "verify",
        "--claims",
        "claims",
        "--probes",
        "probes",
    ]
    command += ["--runs", "runs", "--runtime", "host", "--otp-root", str(erl.parent.parent), *more]
    with (folder / "said").open("ab") as said:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, "TMPDIR": str(folder / "tmp"), "PYTHONPATH": str(Path.cwd())},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,  # what is printed of a few claims fits into the pipe
            stderr=said,
        )
    return Command(process, folder)


def _await_handlers(process: subprocess.Popen[bytes]) -> None:
    """Wait until signals are handled: before that Python itself starts, and nothing of ours."""
    deadline = time.monotonic() + END_S
    while time.monotonic() < deadline and process.poll() is None:
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
        caught = int(status.partition("SigCgt:")[2].split()[0], 16)
        if caught >> (signal.SIGHUP - 1) & 1:  # the last of the three that is set
            return
        time.sleep(0.002)


def _write(folder: Path) -> None:
    for name in ("claims", "probes", "tmp"):
        (folder / name).mkdir(exist_ok=True)
    (folder / "probes" / "steady.erl").write_text(_PROBES, encoding="utf-8")
    claims = "".join(_CLAIM.format(number=number) for number in range(CLAIMS))
    text = f'skill = "steady"\ndescription = "Verdicts that are known."\n{claims}'
    (folder / "claims" / "steady.toml").write_text(text, encoding="utf-8")


def _resumed(erl: Path, folder: Path) -> Iterator[str]:
    """Go on with a run that has a header, to its end."""
    for file in (folder / "runs").glob("*.jsonl"):
        try:
            if read_run(file).complete:
                return
        except BeamproofError:
            return  # cut within its header: nothing of it is left to go on with
        resumed = _begun(erl, folder, "--resume", str(file)).process
        resumed.communicate(timeout=4 * END_S)
        code = resumed.returncode
        if code not in VERDICTS:
            yield f"the resumed run ends with {code}"
        elif not read_run(file).complete:
            yield "the resumed run is not complete"


def _left(command: Command, *, swept: bool) -> Iterator[str]:
    deadline = time.monotonic() + 5
    while (left := command.started()) and time.monotonic() < deadline:
        time.sleep(0.1)
    for pid in left:
        yield f"left process {pid} ({_name(pid)})"
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    if swept:
        yield from (f"left {path.name}" for path in (command.folder / "tmp").glob("beamproof-*"))
    if "Traceback" in (said := (command.folder / "said").read_text(errors="replace")):
        yield f"a traceback: {said[-500:]}"


def _wrong(folder: Path) -> Iterator[str]:
    for file in (folder / "runs").glob("*.jsonl"):
        try:
            observations = read_run(file).observations
        except BeamproofError as error:
            if b"\n" in file.read_bytes():  # else it was cut within its header
                yield f"the run file cannot be read: {error.message}"
            continue
        for sample in (sample for one in observations for sample in one.samples):
            if sample.evidence is not None and sample.evidence != ANSWER:
                yield f"wrong evidence: {sample.evidence}"


def main() -> None:
    """Run a campaign and say what was not clean."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.campaign", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--seconds", type=float, default=900.0)
    parser.add_argument("--erl", type=Path, help="the VM; by default that of a package tree")
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)  # noqa: T201 - a program
    counts: Counter[str] = Counter()
    found = 0
    for problem in campaign(given.erl or _tree(), given.seed, counts, seconds=given.seconds):
        found += 1
        print(f"NOT CLEAN {problem}", flush=True)  # noqa: T201
    for kind, count in counts.items():
        print(f"{count:5} {kind}")  # noqa: T201
    raise SystemExit(bool(found))


def _tree() -> Path:
    from harness.folders import cache_dir  # noqa: PLC0415 - only without --erl
    from harness.runtimes.debian import tree  # noqa: PLC0415 - as above

    return tree.install(cache_dir(), 27, progress=print).erl


if __name__ == "__main__":
    main()
