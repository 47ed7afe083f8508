"""`beamproof sabotage`.

Knows: its options, exit codes. Must not know: how a probe is changed, run or judged.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

import click

from harness.authoring.auto_sabotage import auto_variants
from harness.claims.folder import load_skills
from harness.claims.model import Claim, Skill
from harness.claims.sabotage import Sabotage, Sources, Variant, load_sabotage, sabotage_path
from harness.cli import names
from harness.cli.examples import examples
from harness.cli.options import claims_option, json_option, probes_option
from harness.cli.runtime import runtime_options
from harness.collect import releases
from harness.collect import workshop as workshop_
from harness.collect.probes import ProbeStore
from harness.errors import ExitCode, InputError, NothingSelectedError
from harness.folders import cache_dir
from harness.judge.sabotage import Fate, SabotageReport
from harness.report.terminal.sabotage import (
    sabotage_json,
    sabotage_lines,
    survivor_lines,
    trial_line,
)
from harness.runtimes.request import RuntimeRequest
from harness.suggest import did_you_mean
from harness.system.streams import print_json, print_lines, say
from harness.verify.sabotage import Saboteur

Job = tuple[Skill, Sequence[Variant], Sequence[Claim]]


@click.command(
    "sabotage",
    short_help="Take the essence out of probes: the claims must fall.",
    epilog=examples("beamproof sabotage beam-memory-management --claim refc-threshold --otp 27"),
)
@click.argument("skills", nargs=-1, type=names.SKILL, metavar="SKILL...")
@click.option(
    "--claim", "claims", multiple=True, type=names.CLAIM, metavar="GLOB", help="Only these claims."
)
@click.option("--variant", "variants", multiple=True, metavar="GLOB", help="Only these variants.")
@click.option("--auto", is_flag=True, help="Make the variants by machine; show what survives.")
@runtime_options
@click.option("--jobs", type=click.IntRange(1, 64), help="Nodes at work at once [default: cores].")
@json_option
@claims_option
@probes_option
@click.pass_context
def sabotage(context: click.Context, /, **given: Any) -> None:
    """Take the essence out of probes of SKILL, on live VMs: each claim that stays is vacuous."""
    request = RuntimeRequest.of(given)
    run = workshop_.new_run_id()
    workshop = workshop_.workshop_for(run, given["probes_dir"], cache_dir())
    jobs = _jobs(given, workshop.probes)
    reports = []
    with releases.open_releases(request, workshop, say) as opened:
        opened.require(strict=request.is_strict)
        for skill, variants, claims in jobs:
            saboteur = Saboteur(
                skill=skill,
                releases=opened,
                workshop=workshop,
                jobs=given["jobs"] or os.cpu_count() or 1,
                on_trial=lambda trial: say(trial_line(trial)),
            )
            reports.append(saboteur.run(variants, claims))
    if given["as_json"]:
        print_json([sabotage_json(report) for report in reports])
    else:
        lines = survivor_lines if given["auto"] else sabotage_lines
        print_lines(line for report in reports for line in lines(report))
    context.exit(ExitCode.CONFIRMED if given["auto"] else _exit_code(reports))


def _jobs(given: dict[str, Any], probes: ProbeStore) -> list[Job]:
    """Return which variants and claims of each skill are wanted.

    Raises:
        ClaimError: a file of variants is wrong.
        InputError: a pattern fits nothing.
        NothingSelectedError: there is no variant.
    """
    skills = load_skills(given["claims_dir"], given["skills"] or None)
    sources = {name: probes.source(name).decode() for name in probes.modules()}
    if given["auto"]:
        loaded = [_automatic(skill, sources) for skill in skills]
    else:
        loaded = [load_sabotage(given["claims_dir"], skill, sources) for skill in skills]
    ids = [claim.id for skill in skills for claim in skill.claims]
    _refuse_unknown("--claim", given["claims"], ids)
    known = [variant.id for one in loaded for variant in one.variants]
    if not known:
        path = sabotage_path(given["claims_dir"], skills[0].name if skills else "SKILL")
        raise NothingSelectedError("there is no variant", hint=f"they stand in {path}")
    _refuse_unknown("--variant", given["variants"], known)
    jobs: list[Job] = []
    for skill, one in zip(skills, loaded, strict=True):
        claims = [claim for claim in skill.claims if _wanted(claim.id, given["claims"])]
        about = {claim.id for claim in claims}
        variants = [
            variant
            for variant in one.variants
            if _wanted(variant.id, given["variants"]) and about & set(variant.claims)
        ]
        if given["variants"]:
            claims = [c for c in claims if any(c.id in variant.claims for variant in variants)]
        jobs.append((skill, variants, claims))
    return jobs


def _automatic(skill: Skill, sources: Sources) -> Sabotage:
    variants = tuple(auto_variants(skill, sources))
    return Sabotage(skill=skill.name, path=skill.path, variants=variants)


def _wanted(name: str, patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)


def _refuse_unknown(option: str, patterns: Sequence[str], names: Sequence[str]) -> None:
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise InputError(f"{option} {pattern}: there is none{did_you_mean(pattern, names)}")


def _exit_code(reports: Sequence[SabotageReport]) -> ExitCode:
    if any(report.of(Fate.VACUOUS) for report in reports):
        return ExitCode.REFUTED
    if any(report.of(Fate.UNPROVEN) or report.untried for report in reports):
        return ExitCode.INCONCLUSIVE
    if not any(report.trials for report in reports):
        return ExitCode.NOTHING_SELECTED
    return ExitCode.CONFIRMED
