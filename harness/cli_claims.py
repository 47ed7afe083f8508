"""The verbs about claims and stored runs; none of them starts a VM.

Knows: options, exit codes. Must not know: how anything is found out.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import click
import msgspec

from harness import claim_text
from harness.claims import Claim, Skill, load_skills
from harness.cli_options import claims_option, probes_option, run_path, runs_option
from harness.coverage import Status
from harness.coverage import coverage as coverage_of
from harness.errors import ExitCode, InputError, NothingSelectedError
from harness.judge import Finding, Judgement, Verdict, judge_run, worst
from harness.lint import DOCUMENT, lint_names
from harness.lint import lint as lint_skills
from harness.mutate import mutate as mutate_skill
from harness.probe_source import read_module
from harness.run import Run, read_run
from harness.suggest import did_you_mean

_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")

_EXIT_CODES = {
    Verdict.REFUTED: ExitCode.REFUTED,
    Verdict.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
    Verdict.CONFIRMED: ExitCode.CONFIRMED,
    Verdict.SKIPPED: ExitCode.NOTHING_SELECTED,
}


@click.command("list")
@click.argument("skills", nargs=-1)
@_json_option
@claims_option
def list_claims(skills: tuple[str, ...], claims_dir: Path, *, as_json: bool) -> None:
    """List the claims of SKILLS (all without any)."""
    loaded = load_skills(claims_dir, skills or None)
    _refuse_none(loaded, claims_dir)
    if as_json:
        _print_json([claim_text.claim_json(one) for skill in loaded for one in skill.claims])
        return
    _print(line for skill in loaded for line in claim_text.skill_lines(skill))


@click.command("show")
@click.argument("claim")
@_json_option
@claims_option
@probes_option
@runs_option
def show(claim: str, claims_dir: Path, probes_dir: Path, runs_dir: Path, *, as_json: bool) -> None:
    """Show CLAIM: statement, predictions, rivals, probe source, last evidence."""
    found = find_claim(load_skills(claims_dir), claim)
    run = _last_run(runs_dir)
    findings = [] if run is None else _findings_of(found, run)
    if as_json:
        judged = [_finding_with_evidence(finding) for finding in findings]
        _print_json({**claim_text.claim_json(found), "findings": judged})
        return
    _print(claim_text.claim_lines(found))
    _print(_probe_source(found, probes_dir))
    _print(line for finding in findings for line in claim_text.finding_lines(finding))
    if run is None:
        click.echo(f"  no evidence yet: beamproof verify --claim '{found.name}'")


@click.command("new")
@click.argument("name", metavar="SKILL/CLAIM")
@claims_option
@probes_option
def new(name: str, claims_dir: Path, probes_dir: Path) -> None:
    """Begin a new claim with its probe."""
    from harness.scaffold import scaffold  # noqa: PLC0415  no other verb writes claims

    files = scaffold(name, claims_dir, probes_dir)
    click.echo(f"{files.claim_file}: the claim; replace every TODO")
    click.echo(f"{files.probe_file}: its probe")
    click.echo(f"then: beamproof lint && beamproof verify --claim '{name}'")


@click.command("lint")
@click.argument("skills", nargs=-1)
@_json_option
@claims_option
@probes_option
@click.pass_context
def lint(
    context: click.Context,
    skills: tuple[str, ...],
    claims_dir: Path,
    probes_dir: Path,
    *,
    as_json: bool,
) -> None:
    """Check the claim files and probes of SKILLS (all without any)."""
    linted = lint_skills(claims_dir, probes_dir, lint_names(claims_dir, skills))
    if not linted.problems:
        _refuse_none(linted.skills, claims_dir)
    if as_json:
        _print_json([msgspec.to_builtins(one, enc_hook=str) for one in linted.problems])
    else:
        _print(str(problem) for problem in linted.problems)
        claims = sum(len(skill.claims) for skill in linted.skills)
        click.echo(
            f"{len(linted.skills)} skills, {claims} claims: {linted.errors} errors,"
            f" {len(linted.problems) - linted.errors} warnings"
        )
    if linted.errors:
        context.exit(ExitCode.BAD_INPUT)


@click.command("coverage")
@click.argument("document", type=click.Path(path_type=Path, dir_okay=False), required=False)
@click.option("--section", type=click.IntRange(1), help="Section of the document.")
@click.option("--skill", "named", metavar="SKILL", help="Its claims [default: by section].")
@_json_option
@claims_option
@click.pass_context
def coverage(context: click.Context, /, **given: Any) -> None:
    """Show which statements of DOCUMENT the claims quote [default: research.md of the claims]."""
    document = given["document"] or given["claims_dir"] / DOCUMENT
    skill = _skill_of_section(given["claims_dir"], given["section"], given["named"])
    section = given["section"] or skill.section
    if section is None:
        raise InputError(f"{skill.path} names no section", hint="name it with --section N")
    try:
        text = document.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the document {document}: {error}") from error
    rows = coverage_of(text, section, skill)
    if given["as_json"]:
        _print_json(claim_text.coverage_json(rows))
    else:
        _print(claim_text.coverage_lines(rows))
    if any(row.status in {Status.UNCOVERED, Status.PARTLY} for row in rows):
        context.exit(ExitCode.INCONCLUSIVE)


@click.command("judge")
@click.argument("run", required=False)
@_json_option
@claims_option
@runs_option
@click.pass_context
def judge(
    context: click.Context, run: str | None, claims_dir: Path, runs_dir: Path, *, as_json: bool
) -> None:
    """Judge a stored RUN (a file, a name; the latest without one) by the claims as they are."""
    stored = read_run(run_path(run, runs_dir))
    judgement = judge_run(stored, load_skills(claims_dir))
    if as_json:
        findings = [claim_text.finding_json(one) for one in judgement.findings]
        _print_json({"run": str(stored.path), "findings": findings, "unknown": judgement.unknown})
    else:
        _render(judgement, stored)
    _warn(stored, judgement)
    context.exit(_EXIT_CODES[worst(finding.verdict for finding in judgement.findings)])


@click.command("mutate")
@click.argument("skills", nargs=-1, metavar="SKILL...")
@click.option("--run", metavar="RUN", help="The stored run [default: the latest].")
@_json_option
@claims_option
@runs_option
@click.pass_context
def mutate(context: click.Context, /, **given: Any) -> None:
    """Change the predictions of SKILL one at a time: stored evidence must refute each change."""
    stored = read_run(run_path(given["run"], given["runs_dir"]))
    known = {observation.skill for observation in stored.observations}
    skills = load_skills(given["claims_dir"], given["skills"] or sorted(known))
    reports = {skill.name: mutate_skill(skill, stored) for skill in skills}
    if given["as_json"]:
        _print_json(msgspec.to_builtins(reports))
    else:
        _print(
            line for name, one in reports.items() for line in claim_text.mutation_lines(name, one)
        )
    if not any(report.tried for report in reports.values()):
        raise NothingSelectedError(f"{stored.path} has no confirmed cell of {', '.join(reports)}")
    if any(report.survivors for report in reports.values()):
        context.exit(ExitCode.REFUTED)
    if any(report.untested for report in reports.values()):
        context.exit(ExitCode.INCONCLUSIVE)


def find_claim(skills: Sequence[Skill], text: str) -> Claim:
    """Return the claim that was meant: `skill/claim`, a cell of it, its id, or a pattern.

    Raises:
        InputError: none or several fit; the message names them.
    """
    claims = {claim.name: claim for skill in skills for claim in skill.claims}
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


def _refuse_none(skills: Sequence[Skill], claims_dir: Path) -> None:
    if not skills:
        raise NothingSelectedError(
            f"there is no claim file in {claims_dir}", hint="beamproof new SKILL/CLAIM begins one"
        )


def _skill_of_section(claims_dir: Path, section: int | None, named: str | None) -> Skill:
    if named is not None:
        return load_skills(claims_dir, [named])[0]
    if section is None:
        raise InputError("which section?", hint="name it with --section N or --skill SKILL")
    skills = load_skills(claims_dir)
    found = next((skill for skill in skills if skill.section == section), None)
    if found is None:
        known = ", ".join(f"{skill.section} ({skill.name})" for skill in skills if skill.section)
        raise InputError(
            f"no skill in {claims_dir} is about section {section}",
            hint=f"sections with a skill: {known or 'none'}",
        )
    return found


def _last_run(runs_dir: Path) -> Run | None:
    try:
        return read_run(run_path(None, runs_dir))
    except InputError:
        return None


def _findings_of(claim: Claim, run: Run) -> list[Finding]:
    skill = Skill(name=claim.skill, description="", claims=(claim,))
    return list(judge_run(run, [skill]).findings)


def _finding_with_evidence(finding: Finding) -> dict[str, Any]:
    samples = () if finding.observation is None else finding.observation.samples
    evidence = [sample.evidence for sample in samples]
    return {**claim_text.finding_json(finding), "evidence": evidence}


def _probe_source(claim: Claim, probes_dir: Path) -> Iterable[str]:
    path = probes_dir / f"{claim.module}.erl"
    try:
        probe = read_module(path).probe(claim.probe)
    except OSError as error:
        return [f"  {path}: {error.strerror}"]
    if probe is None:
        return [f"  {path} exports no {claim.probe}/1"]
    return claim_text.probe_lines(probe, str(path))


def _render(judgement: Judgement, run: Run) -> None:
    from rich.console import Console  # noqa: PLC0415  slow, and --json does without

    from harness.report.console import render_findings  # noqa: PLC0415  it imports rich

    console = Console(soft_wrap=not sys.stdout.isatty())
    render_findings(judgement.findings, run, console=console)


def _warn(run: Run, judgement: Judgement) -> None:
    if not run.complete:
        click.echo(f"{run.path} is half a run: it was never closed as complete", err=True)
    for cell in judgement.unknown:
        click.echo(f"{cell} was not judged: there is no such claim any more", err=True)


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)


def _print_json(value: Any) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(value)))
