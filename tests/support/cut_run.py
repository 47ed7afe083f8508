"""Cut a run down to the claims that quote a document: what `tests/evidence/` keeps of it.

Knows: run files, quotes. Must not know: verdicts. Observations stay as they were made; cells of
other claims, sources of probes and the folders of runs are left out.

    python -m tests.support.cut_run RUN claims/research.md tests/evidence/all-skills/research.jsonl
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from harness.authoring.answers import answered
from harness.claims.folder import load_skills
from harness.run.cells import CellId
from harness.run.file import read_run
from harness.run.lines import encode
from harness.run.model import Run


def cut(run: Run, wanted: frozenset[str]) -> bytes:
    """Return the lines of a run that are about some claims, given as `skill/claim`."""
    header = msgspec.structs.replace(
        run.header,
        cells=_of(run.header.cells, wanted),
        boundary=_of(run.header.boundary, wanted),
        left_out=tuple(one for one in run.header.left_out if CellId(one.cell).name in wanted),
        command=_without_folder(run.header.command),
    )
    observations = [
        msgspec.structs.replace(
            one, cells=_of(one.cells, wanted), boundary=_of(one.boundary, wanted)
        )
        for one in run.observations
        if _of((*one.cells, *one.boundary), wanted)
    ]
    assert run.footer is not None
    footer = msgspec.structs.replace(run.footer, observations=len(observations))
    return b"".join(map(encode, (header, *observations, header, footer)))


def _of(cells: tuple[str, ...], wanted: frozenset[str]) -> tuple[str, ...]:
    return tuple(cell for cell in cells if CellId(cell).name in wanted)


def _without_folder(command: tuple[str, ...]) -> tuple[str, ...]:
    at = command.index("--runs") if "--runs" in command else len(command)
    kept = (*command[:at], *command[at + 2 :])
    return tuple(Path(word).name if word.endswith(".jsonl") else word for word in kept)


def main(run: str, document: str, output: str) -> None:
    """Write the part of a run that is about the claims which quote a document."""
    skills = load_skills(Path("claims"))
    sentences = answered(Path(document).read_text(encoding="utf-8"), skills)
    wanted = frozenset(answer.claim.name for one in sentences for answer in one.answers)
    Path(output).write_bytes(cut(read_run(Path(run)), wanted))


if __name__ == "__main__":
    main(*sys.argv[1:])
