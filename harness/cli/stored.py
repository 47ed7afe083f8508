"""What the verbs about stored runs share: runs by name, judged, and where output goes.

Knows: options, files. Must not know: any format.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import click

from harness.claims.folder import load_skills
from harness.claims.model import Skill
from harness.claims.sabotage import with_falls
from harness.errors import BeamproofError, InputError
from harness.judge.trend import in_order
from harness.judge.view import RunView, view
from harness.report.output import write_file
from harness.run.file import read_run
from harness.run.latest import newest_of_each_cell
from harness.run.model import Run
from harness.run.stored import run_path
from harness.system.streams import say, write_bytes

output_option = click.option(
    "--output", "-o", type=click.Path(path_type=Path), metavar="PATH",
    help="File to write, or folder for html and badge [default: standard output].",
)  # fmt: skip


def run_paths(names: Sequence[str], runs_dir: Path) -> list[Path]:
    """Return the run files that were meant; a folder stands for all runs in it."""
    found: list[Path] = []
    for name in names or ("latest",):
        if Path(name).is_dir():
            inside = sorted(Path(name).glob("*.jsonl"))
            if not inside:
                raise InputError(f"there is no run (*.jsonl) in {name}")
            found += inside
        else:
            found.append(run_path(name, runs_dir))
    return found


def readable_runs(folder: Path) -> list[Run]:
    """Read every run of a folder; one that cannot be read is told, and the others count."""
    runs = []
    for path in sorted(folder.glob("*.jsonl")):
        try:
            runs.append(read_run(path))
        except BeamproofError as error:
            say(f"! left out: {error}")
    if not runs:
        raise InputError(
            f"there is no run that can be read in {folder}", hint="beamproof verify makes one"
        )
    return runs


def runs_meant(names: Sequence[str], runs_dir: Path) -> list[Run]:
    """Read the runs that were meant: a folder is all in it, `latest` the newest of each cell."""
    if not names or list(names) == ["latest"]:
        return [newest_of_each_cell(runs_dir)]
    return [read_run(path) for path in run_paths(names, runs_dir)]


def judged_views(runs: Iterable[Run], claims_dir: Path) -> Sequence[RunView]:
    """Judge runs by the claims as they are, the oldest first."""
    skills, hashes = claims_and_hashes(claims_dir)
    skills = with_falls(claims_dir, skills)
    return in_order(view(run, skills, claims_sha256=hashes) for run in runs)


def claims_and_hashes(claims_dir: Path) -> tuple[Sequence[Skill], Mapping[str, str]]:
    """Return all skills of a folder, and the SHA-256 of each claim file by skill."""
    skills = load_skills(claims_dir)
    hashes = {skill.name: skill.sha256 for skill in skills}
    return skills, hashes


def emit(content: bytes, output: Path | None) -> None:
    """Write to a file, or to standard output without one."""
    if output is not None:
        write_file(output, content)
        return
    write_bytes(content)
