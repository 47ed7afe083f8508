"""What no fault may do, done on purpose: each check of the campaign has to see it.

A check that could not fire would call every fault clean, so a campaign begins with these.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import msgspec

from harness.run.file import RunWriter, read_run
from harness.runtimes.docker.container import LABEL
from harness.runtimes.table import find
from tests.faults import checks
from tests.faults.command import END_S, Command, Place, begin
from tests.faults.engine import RELEASE, Engine, left_containers

_SOON_S = 0.2
"""What is planted does not go away by itself."""


def unseen(place: Place) -> Iterator[str]:
    """Yield what was planted beside a finished run and no check saw."""
    with tempfile.TemporaryDirectory(prefix="beamproof-planted-") as folder:
        (home := Path(folder) / "ran").mkdir()
        ran = begin(home, place)
        ran.process.wait(4 * END_S)
        for number, (words, planted) in enumerate(PLANTED.items()):
            own = Path(folder) / f"own-{number}"
            shutil.copytree(ran.folder, own)
            if not any(words in line for line in planted(replace(ran, folder=own))):
                yield f"no check sees a planted {words!r}"


def unseen_container(engine: Engine, place: Place) -> Iterator[str]:
    """Yield a word where a container that was left is not seen."""
    with tempfile.TemporaryDirectory(prefix="beamproof-planted-") as folder:
        command = begin(Path(folder), place)
        command.process.wait(4 * END_S)
        with contextlib.closing(engine.client()) as client:
            client.create_container(
                find(RELEASE).imported_image,
                command=["sh"],
                name="beamproof-planted",
                labels={LABEL: "nobody"},
            )
        found = list(left_containers(engine, command, by_sweep=False))  # to its end: it clears away
        if "left container beamproof-planted" not in found:
            yield "no check sees a planted container"


def _process(command: Command) -> Iterator[str]:
    with subprocess.Popen(["sleep", "60"], env=command.environment()) as left:
        try:
            yield from checks.left(
                command, by_sweep=True, within_s=_SOON_S
            )  # no sweep takes what has no mark
        finally:
            left.kill()


def _folder(command: Command) -> Iterator[str]:
    (command.folder / "tmp" / "beamproof-vm-planted").mkdir()
    return checks.left(command, by_sweep=False, within_s=_SOON_S)


def _damage(command: Command) -> Iterator[str]:
    file = _run_file(command)
    lines = file.read_bytes().splitlines(keepends=True)
    lines[3] = lines[3].replace(b"41", b"42")
    file.write_bytes(b"".join(lines))
    return checks.wrong(command)


def _evidence(command: Command) -> Iterator[str]:
    file = _run_file(command)
    run = read_run(file)
    file.unlink()
    with RunWriter(file) as writer:
        writer.append(run.header)
        for seen in run.observations:
            sample = msgspec.structs.replace(seen.samples[0], evidence={"answer_count": 40})
            writer.append(msgspec.structs.replace(seen, samples=(sample,)))
    return checks.wrong(command)


def _verdict(command: Command) -> Iterator[str]:
    claims = command.folder / "claims" / "steady.toml"
    text = claims.read_text("utf-8")
    swapped = text.replace("41", "40").replace("42", "41").replace("40", "42")
    claims.write_text(swapped, "utf-8")
    return checks.wrong(command)


def _end(command: Command) -> Iterator[str]:
    file = _run_file(command)
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:-1]))
    return checks.misled(command, 1, frozenset({1}))


def _code(command: Command) -> Iterator[str]:
    return checks.misled(command, 2, frozenset({1, 2}))


def _other_code(command: Command) -> Iterator[str]:
    return checks.misled(command, 70, frozenset({1}))


def _traceback(command: Command) -> Iterator[str]:
    with (command.folder / "said").open("a") as said:
        said.write("Traceback (most recent call last):\n")
    return checks.misled(command, 1, frozenset({1}))


def _lines(command: Command) -> Iterator[str]:
    before = command.lines()
    os.truncate(_run_file(command), len(before) // 2)
    return checks.lost(command, before)


def _run_file(command: Command) -> Path:
    file = command.run_file()
    if file is None:
        raise RuntimeError(f"without a fault there is no run: {command.said()}")
    return file


PLANTED: dict[str, Callable[[Command], Iterator[str]]] = {
    "left process": _process,
    "left beamproof-vm-planted": _folder,
    "is damaged": _damage,
    "wrong evidence": _evidence,
    "wrong verdict": _verdict,
    "the stored run is not whole": _end,
    "what is stored comes to": _code,
    "exit code 70": _other_code,
    "a traceback": _traceback,
    "lines of the run file are lost": _lines,
}
"""What is planted, by what the check says of it."""
