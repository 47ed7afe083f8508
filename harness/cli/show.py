"""`beamproof show`.

Knows: its options. Must not know: how anything is found out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import click

from harness.authoring.probe_source import read_module
from harness.authoring.probe_then import probe_then
from harness.claims.folder import load_skills
from harness.claims.model import Claim, Skill, by_name
from harness.claims.sabotage import with_falls
from harness.cli import names
from harness.cli.examples import examples
from harness.cli.options import claims_option, json_option, probes_option, runs_option
from harness.errors import InputError
from harness.judge.finding import Finding
from harness.judge.judge import judge_run
from harness.report.terminal import claims as claim_text
from harness.report.to_json import finding_report
from harness.run.latest import newest_of_each_cell
from harness.run.model import Run
from harness.suggest import did_you_mean
from harness.system.streams import echo, print_json, print_lines


@click.command(
    "show",
    short_help="Show a claim, its probe and its last evidence.",
    epilog=examples(
        "beamproof show refc-threshold", "beamproof show beam-ets-internals/memory-unit --json"
    ),
)
@click.argument("claim", type=names.CLAIM)
@json_option
@claims_option
@probes_option
@runs_option
def show(claim: str, claims_dir: Path, probes_dir: Path, runs_dir: Path, *, as_json: bool) -> None:
    """Show CLAIM: statement, predictions, rivals, probe source, last evidence."""
    found = find_claim(with_falls(claims_dir, load_skills(claims_dir)), claim)
    run = _last_run(runs_dir)
    findings = [] if run is None else _findings_of(found, run)
    if as_json:
        judged = [finding_report(finding) for finding in findings]
        print_json({**claim_text.claim_json(found), "findings": judged})
        return
    print_lines(claim_text.claim_lines(found))
    print_lines(_probe_source(found, probes_dir, run, findings))
    print_lines(claim_text.findings_lines(findings))
    if run is None:
        echo(f"  no evidence yet: beamproof verify --claim '{found.name}'")


def find_claim(skills: Sequence[Skill], text: str) -> Claim:
    """Return the claim that was meant: `skill/claim`, a cell of it, its id, or a pattern.

    Raises:
        InputError: none or several fit; the message names them.
    """
    claims = by_name(skills)
    if any(skill.name == text for skill in skills):
        raise InputError(f'"{text}" is a skill', hint=f"its claims: beamproof list {text}")
    wanted = text.partition("@")[0]
    if wanted in claims:
        return claims[wanted]
    fits = [one for one in claims.values() if fnmatchcase(one.id, wanted)]
    fits = fits or [one for name, one in claims.items() if fnmatchcase(name, wanted)]
    if len(fits) == 1:
        return fits[0]
    if fits:
        raise InputError(f'"{text}" names {len(fits)}: {", ".join(one.name for one in fits)}')
    meant = did_you_mean(wanted, claims) or did_you_mean(
        wanted, [one.id for one in claims.values()]
    )
    raise InputError(f'there is no claim "{text}"{meant}', hint="beamproof list prints all claims")


def _last_run(runs_dir: Path) -> Run | None:
    try:
        return newest_of_each_cell(runs_dir)
    except InputError:
        return None


def _findings_of(claim: Claim, run: Run) -> list[Finding]:
    skill = Skill(name=claim.skill, description="", claims=(claim,))
    return list(judge_run(run, [skill]).findings)


def _probe_source(
    claim: Claim, probes_dir: Path, run: Run | None, findings: Sequence[Finding]
) -> Iterable[str]:
    path = probes_dir / f"{claim.module}.erl"
    today = {one.stem: read_module(one) for one in probes_dir.glob("*.erl")}
    seen = [finding.observation for finding in findings if finding.observation]
    newest = max(seen, key=lambda observation: observation.at, default=None)
    then = probe_then(run, newest, f"{claim.module}:{claim.probe}", today)
    if then.probe is None and claim.module not in today:
        return [f"  there is no {path}"]
    return claim_text.probe_lines(then, str(path), claim.probe)
