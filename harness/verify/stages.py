"""`beamproof verify` once its VMs are starting: lay out, collect, judge, render.

Knows: the order of the stages. Must not know: how any stage does its work.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence

import msgspec
from rich.console import Console

from harness.claims.folder import load_skills
from harness.claims.model import Skill, by_name
from harness.collect.releases import Releases
from harness.collect.workshop import Workshop
from harness.errors import ExitCode, NothingSelectedError
from harness.judge.exit import exit_code
from harness.judge.finding import Finding
from harness.judge.judge import judge_run
from harness.report.terminal.findings import render_findings
from harness.report.terminal.progress import display_for
from harness.report.to_json import finding_report
from harness.run.cells import ProbeCall
from harness.run.file import RunWriter, read_run
from harness.run.model import Run
from harness.streams import echo, print_json, say
from harness.verify import plan as matrix
from harness.verify import session
from harness.verify.request import Request


def lay_out(
    request: Request, releases: Releases, workshop: Workshop, *, strict: bool
) -> session.Plan:
    """Read the claims and lay out the cells, as soon as every VM has said what it is.

    Raises:
        ClaimError: a claim file is wrong.
        NothingSelectedError: no cell fits.
        RuntimeMissingError: no release is to be had, or under `strict` one that is wanted is not.
    """
    skills = load_skills(request.claims_dir, request.skills)
    _refuse_unknown(skills, request.selection.claims)
    releases.require(strict=strict)
    laid_out = matrix.build(skills, releases.columns(), request.selection)
    _refuse_empty(laid_out)
    laid_out = laid_out.overridden(repeat=request.repeat, timeout_s=request.timeout_s)
    return session.Plan(skills=skills, matrix=laid_out, releases=releases, workshop=workshop)


def _refuse_unknown(skills: Sequence[Skill], patterns: Sequence[str]) -> None:
    unknown = matrix.unknown_patterns(skills, patterns)
    if unknown:
        raise NothingSelectedError("\n".join(unknown), hint="beamproof list prints all claims")


def _refuse_empty(laid_out: matrix.Matrix) -> None:
    if laid_out.cells:
        return
    reasons = sorted({out.reason for out in laid_out.left_out})
    raise NothingSelectedError(
        "nothing is left to run" + "".join(f"\n  {reason}" for reason in reasons),
        hint="beamproof list prints all claims",
    )


def collect(plan: session.Plan, request: Request) -> ExitCode:
    """Run the plan, print what the run as it now stands comes to, and return the exit code."""
    run = _observe(plan, request)
    findings = judge_run(run, plan.skills).findings
    if request.as_json:
        _print_json(findings, run)
    else:
        render_findings(findings, run, console=_console())
    return exit_code(findings)


def _observe(plan: session.Plan, request: Request) -> Run:
    before = request.resumed
    claims = by_name(plan.skills)
    path = request.runs_dir / f"{plan.workshop.run}.jsonl" if before is None else before.path
    with RunWriter(path) as writer, display_for(_console(), plan.matrix.cells) as display:
        if before is None:
            command = ["beamproof", *sys.argv[1:]]
            seed = request.options.seed
            writer.append(session.header_for(plan, command=command, seed=seed))
        recorder = session.Recorder(
            claims=claims,
            writer=writer,
            on_finding=display.cell_judged,
            fail_fast=request.fail_fast,
        )
        try:
            session.collect(plan, recorder, display, request.options)
        except KeyboardInterrupt:
            say(f"interrupted; go on with: beamproof verify --resume {shlex.quote(str(path))}")
            raise
    return read_run(path)


def print_plan(plan: session.Plan, *, as_json: bool) -> None:
    """Print the cells and what is left out."""
    cells = plan.matrix.cells
    if as_json:
        rows = [{"cell": str(cell.id), "call": msgspec.to_builtins(cell.call)} for cell in cells]
        out = [{"cell": str(left.cell), "reason": left.reason} for left in plan.matrix.left_out]
        print_json({"cells": rows, "left_out": out})
        return
    for cell in cells:
        notes = [*cell.call.flags, *sorted(cell.call.needs)]
        notes += [name for name, set_ in _modes(cell.call) if set_]
        echo(f"{cell.id}  {cell.call.module}:{cell.call.function}  {' '.join(notes)}".rstrip())
    for left in plan.matrix.left_out:
        echo(f"left out: {left.cell}: {left.reason}")
    echo(f"{len(cells)} cells, {len(plan.matrix.left_out)} left out")


def _modes(call: ProbeCall) -> tuple[tuple[str, bool], ...]:
    return (("fresh", call.alone), ("timing", call.timing), (f"x{call.repeat}", call.repeat > 1))


def _print_json(findings: Sequence[Finding], run: Run) -> None:
    reports = [finding_report(finding) for finding in findings]
    print_json({"run": str(run.path), "findings": reports})


def _console() -> Console:
    return Console(highlight=False)
