"""The command that repeats one cell of a run.

Knows: headers and names of cells. Must not know: options as they are parsed, verdicts.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from harness.run.cells import CellId
from harness.run.model import Header
from harness.run.versions import parts_of

_CARRIED = ("--claims", "--probes", "--image", "--images", "--otp-root")
"""Options of the run's command that its repetition needs as well."""


def repeat_command(cell: str, header: Header | None = None, *, samples: int = 1) -> str:
    """Return the command that repeats just this cell; with a header as its run was made.

    What others read does without: folders and images are those of the machine that ran. `samples`
    is how many it takes to see what was seen.
    """
    named = CellId(cell)
    release = parts_of(named.runtime)[0]
    parts = ["beamproof", "verify", named.skill, "--claim", named.claim, "--otp", release]
    parts += ["--repeat", str(samples)] if samples > 1 else []
    if header is None:
        return shlex.join(parts)
    ways = [record.way for record in header.runtimes if record.name == named.runtime]
    parts += [word for way in ways for word in ("--runtime", way)]
    return shlex.join(parts + _carried(header.command))


def _carried(command: Sequence[str]) -> list[str]:
    carried: list[str] = []
    for word, value in zip(command, (*command[1:], ""), strict=False):
        if word in _CARRIED:
            carried += [word, value]
        elif word.startswith(tuple(f"{option}=" for option in _CARRIED)):
            carried.append(word)
    return carried
