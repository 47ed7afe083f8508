"""The kinds of faults that meet VMs as processes, and the command itself.

Each says what is done, when it may be done, and which exit codes the README has for it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from random import Random

from harness.errors import ExitCode
from harness.run.file import read_run
from tests.faults import storage
from tests.faults.checks import VERDICTS
from tests.faults.command import Command, has_observed
from tests.faults.kind import Fault, Kind, from_the_start, to_the_command, told


def _to_a_vm(number: int) -> Fault:
    def fault(command: Command, chance: Random) -> bool:
        vms = command.vms()
        return bool(vms) and _sent(chance.choice(vms), number)

    return fault


def _sent(pid: int, number: int) -> bool:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def _stop_and_go_on(command: Command, chance: Random) -> bool:
    vms = command.vms()
    if not vms or not _sent(pid := chance.choice(vms), signal.SIGSTOP):
        return False
    time.sleep(0.3)
    _sent(pid, signal.SIGCONT)
    return True


def _reader_leaves(command: Command, _chance: Random) -> bool:
    going = command.is_going()
    if command.process.stdout is not None:
        command.process.stdout.close()
    return going


def _second_writer(command: Command, _chance: Random) -> bool:
    """Try to go on with the run while the command is writing it."""
    if (file := command.run_file()) is None or not command.is_going():
        return False
    line = [sys.executable, "-m", "harness", "verify", "--resume", str(file)]
    done = subprocess.run(
        line, cwd=command.folder, env=command.environment(), capture_output=True, check=False
    )
    if not command.is_going() or b"is complete" in done.stderr:
        return False  # it came after the end of the first
    if done.returncode != ExitCode.BAD_INPUT or b"is being written by another" not in done.stderr:
        with (command.folder / "said").open("ab") as said:
            said.write(b"Traceback: a second writer was let in\n" + done.stderr)
    return True


def _another_run(command: Command, _chance: Random) -> bool:
    """Have another run in the same folders go on beside the command, from start to end."""
    own, going = command.run_file(), command.is_going()
    line = [*_VERIFY, "--runs", "runs", "--jobs", "1", *command.place.options]
    with (command.folder / "beside").open("wb") as said:
        done = subprocess.run(
            line,
            cwd=command.folder,
            env=command.environment(),
            stdout=said,
            stderr=said,
            check=False,
        )
    for file in set((command.folder / "runs").glob("*.jsonl")) - {own}:
        file.rename(command.folder / f"beside-{done.returncode}.jsonl")
    return going


def _both_are_whole(command: Command) -> Iterator[str]:
    """Look at the run beside the command's as at its own."""
    found = list(command.folder.glob("beside-*.jsonl"))
    if [file.name for file in found] != [f"beside-{ExitCode.REFUTED}.jsonl"]:
        said = (command.folder / "beside").read_text("utf-8", "replace")
        yield f"the run beside it ended so: {[file.name for file in found]}: {said[-500:]}"
    for run in map(read_run, found):
        if not run.complete or run.missing or run.damaged:
            yield "the run beside it is not whole"


_VERIFY = (
    *(sys.executable, "-m", "harness", "verify"),
    *("--claims", "claims", "--probes", "probes", "--no-strict"),
)
ENDS_WITHIN_S = 2.0
"""What is promised of every signal that ends a command, whatever engine or VM does."""

_DIED = VERDICTS | {ExitCode.RUNTIME_MISSING}
_WRITTEN = frozenset({ExitCode.REFUTED})
_FULL = "standard output cannot be written"


def _has_vm(command: Command) -> bool:
    return bool(command.vms())


def _vm(number: int) -> Kind:
    return Kind(fault=_to_a_vm(number), codes=_DIED, ready=_has_vm)


def signalled(number: int, times: int = 1, apart_s: float = 0.0) -> Kind:
    """Return a kind that ends the command by a signal."""
    return Kind(
        fault=to_the_command(number, times, apart_s),
        codes=VERDICTS | frozenset({128 + number}),
        promised_s=ENDS_WITHIN_S,
    )


KINDS: dict[str, Kind] = {
    "vm: KILL": _vm(signal.SIGKILL),
    "vm: SEGV": _vm(signal.SIGSEGV),
    **{
        f"vm: {number.name.removeprefix('SIG')}": _vm(number)
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGINT, signal.SIGUSR1)
    },
    "vm: stopped, goes on": Kind(fault=_stop_and_go_on, codes=VERDICTS, ready=_has_vm),
    "vm: stopped for good": Kind(
        fault=_to_a_vm(signal.SIGSTOP),
        codes=VERDICTS,
        ready=has_observed,
        options=("--timeout", "2"),
    ),
    "command: INT": signalled(signal.SIGINT),
    "command: TERM": signalled(signal.SIGTERM),
    "command: HUP": signalled(signal.SIGHUP),
    "command: INT ten times": signalled(signal.SIGINT, 10),
    "command: INT three times, apart": signalled(signal.SIGINT, 3, 0.15),
    "command: a second writer": Kind(fault=_second_writer, codes=_WRITTEN, ready=has_observed),
    "command: another run beside it": Kind(
        fault=_another_run, codes=_WRITTEN, ready=has_observed, mended=_both_are_whole
    ),
    **{
        f"command: {number.name.removeprefix('SIG')}, resumed": Kind(
            fault=to_the_command(number),
            codes=frozenset({-number}),
            ready=has_observed,
            resumed=True,
            by_sweep=True,
        )
        for number in (signal.SIGKILL, signal.SIGQUIT)
    },
    "output: its reader leaves": Kind(fault=_reader_leaves, codes=_WRITTEN, output=subprocess.PIPE),
    "output: | head": Kind(fault=from_the_start, codes=_WRITTEN, to_head=True),
    "output: closed": Kind(fault=from_the_start, codes=_WRITTEN, output="-"),
    "output: /dev/full": Kind(
        fault=from_the_start, codes=_WRITTEN, output="/dev/full", mended=told(_FULL)
    ),
    "output: /dev/full, all true": Kind(
        fault=from_the_start,
        codes=frozenset({ExitCode.FAILURE}),
        options=("--claim", "true-*"),
        output="/dev/full",
        mended=told(_FULL),
    ),
    **storage.KINDS,
}
"""Faults by kind."""

SHORT = (
    "vm: KILL",
    "vm: QUIT",
    "vm: stopped, goes on",
    "command: INT",
    "command: TERM",
    "command: HUP",
    "command: INT ten times",
    "command: a second writer",
    "command: another run beside it",
    "command: KILL, resumed",
    "run file cut, resumed",
    "output: | head",
    "output: /dev/full, all true",
    "cache: beams with one bit flipped",
)
"""The kinds of which the short form has one fault each."""
