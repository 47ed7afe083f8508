"""`beamproof skill`.

Knows: its options, files. Must not know: what stands on a page.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from harness.authoring.probe_then import changed_files, changed_note
from harness.claims.model import Skill
from harness.claims.paths import refuse_unknown
from harness.cli import names
from harness.cli.examples import examples
from harness.cli.options import claims_option, probes_option, runs_option
from harness.cli.repro import read_sources
from harness.cli.stored import claims_and_hashes
from harness.judge.view import RunView, view
from harness.report.output import refuse_foreign, write_site
from harness.report.proofs import proven
from harness.report.skill.folder import skill_files
from harness.run.latest import run_meant
from harness.system.streams import say

_NAMED = 6
"""Claims that are named where more are left out."""


@click.command(
    short_help="Write proven facts as a folder that agents load.",
    epilog=examples(
        "beamproof skill beam-memory-management -o .claude/skills",
        "beamproof skill beam-ets-internals beam-process-design --run runs/night.jsonl -o skills",
    ),
)
@click.argument("skills", nargs=-1, required=True, type=names.SKILL, metavar="SKILL...")
@click.option(
    "--output", "-o", required=True, type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR", help="Folder of the skills: each is written to DIR/SKILL.",
)  # fmt: skip
@click.option(
    "--run", "run", type=names.RUN, metavar="RUN", help="A file or a run's name [default: latest]."
)
@click.option("--escript", is_flag=True, help="With a program that tests the facts on any Erlang.")
@claims_option
@probes_option
@runs_option
def skill(**given: Any) -> None:
    """Write each SKILL as a folder by the Agent Skills specification (agentskills.io).

    Only what RUN confirms is written: facts by topic, what differs by release, wrong beliefs with
    what the VM showed instead, sources. Files that beamproof did not write are not replaced.
    """
    refuse_unknown(given["claims_dir"], given["skills"])
    known, hashes = claims_and_hashes(given["claims_dir"])
    judged = view(run_meant(given["run"], given["runs_dir"]), known, claims_sha256=hashes)
    sources = read_sources(given["probes_dir"]) if given["escript"] else None
    made = [(name, skill_files(judged, name, sources)) for name in dict.fromkeys(given["skills"])]
    output: Path = given["output"]
    for name, files in made:
        refuse_foreign(output / name, (path for path, _ in files))
    for name, files in made:
        folder = output / name
        count, size = write_site(folder, files)
        named = next(one for one in known if one.name == name)
        _tell_left_out(judged, named)
        _tell_of_changes(judged, named, given["probes_dir"])
        say(f"{count} files, {size / 1e3:.0f} kB: {folder / 'SKILL.md'}")


def _tell_left_out(judged: RunView, skill: Skill) -> None:
    held = {one.claim.name for seen in judged.skills for one in proven(seen)}
    left_out = [claim.id for claim in skill.claims if claim.name not in held]
    if left_out:
        more = f" and {len(left_out) - _NAMED} more" if len(left_out) > _NAMED else ""
        named = ", ".join(left_out[:_NAMED]) + more
        say(f"! {skill.name}: the run does not confirm, and leaves out: {named}")


def _tell_of_changes(judged: RunView, skill: Skill, probes_dir: Path) -> None:
    names_ = frozenset(claim.name for claim in skill.claims)
    changed = changed_files(judged.run, names_, probes_dir)
    if changed:
        say(f"{changed_note(changed)}; run them again: beamproof verify {skill.name}")
