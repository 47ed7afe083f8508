"""`beamproof verify` once its VMs are starting: lay out, collect, judge, render.

Knows: the order of the stages. Must not know: how any stage does its work.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console

from harness.claims.folder import load_skills
from harness.claims.model import Skill, by_name
from harness.collect.releases import Offered
from harness.collect.workshop import Workshop
from harness.errors import ExitCode, InfrastructureError, NothingSelectedError
from harness.judge.exit import exit_code
from harness.judge.finding import Finding
from harness.judge.judge import judge_run
from harness.report import workflow_commands
from harness.report.terminal.afterwards import duration_lines, reuse_lines, stability_lines
from harness.report.terminal.findings import render_findings
from harness.report.terminal.progress import Display, Pace, display_for
from harness.report.to_json import finding_report
from harness.run.cells import ProbeCall
from harness.run.file import RunWriter, assemble, read_run
from harness.run.model import Footer, Header, Observation, Run, Share
from harness.run.reuse import Now, reusable
from harness.run.stored import note_latest, seconds_of_calls
from harness.run.work import shared
from harness.system.streams import echo, print_json, print_lines, say
from harness.verify import plan as matrix
from harness.verify import session
from harness.verify.recorder import Recorder, SourceKeeper
from harness.verify.request import Request
from harness.verify.trust import note_on_strangers


def lay_out(
    request: Request, releases: Offered, workshop: Workshop, *, strict: bool
) -> session.Plan:
    """Read the claims and lay out the cells, as soon as every VM has said what it is.

    Raises:
        ClaimError: a claim file is wrong.
        NothingSelectedError: no cell fits.
        RuntimeMissingError: no release is to be had, or under `strict` one that is wanted is not.
    """
    skills = load_skills(request.claims_dir, request.skills)
    _refuse_unknown(skills, request.selection.claims)
    seconds = seconds_of_calls(request.runs_dir)
    releases.require(strict=strict)
    laid_out = matrix.build(skills, releases.columns(), request.selection)
    if request.resumed is None:
        _refuse_empty(laid_out)
    own, share = _share(laid_out, request)
    return session.Plan(
        skills=skills,
        matrix=own.overridden(repeat=request.repeat, timeout_s=request.timeout_s),
        share=share,
        releases=releases,
        workshop=workshop,
        seconds=seconds,
    )


def _share(whole: matrix.Matrix, request: Request) -> tuple[matrix.Matrix, Share | None]:
    shard = request.shard
    if shard is None:
        return whole, None
    own = whole.share_of(shard, request.balance)
    share = Share(
        number=shard.number,
        of=shard.of,
        balanced_by=request.balance.digest,
        claims=whole.claims,
        runtimes=whole.runtimes,
    )
    mine, all_ = len(shared(own.cells)), len(shared(whole.cells))
    by = "durations" if share.balanced_by else "count"
    say(f"share {shard}: {mine} of {all_} calls, balanced by {by}")
    return own, share


def tell_of_strangers(request: Request, releases: Offered) -> None:
    """Say once that probes from outside the project will run with the user's own rights."""
    ways = (record.way for record in releases.records())
    note = note_on_strangers(request.probes_dir, ways, Path.cwd())
    if note is not None:
        say(note)


def _refuse_unknown(skills: Sequence[Skill], patterns: Sequence[str]) -> None:
    unknown = matrix.unknown_patterns(skills, patterns)
    if unknown:
        raise NothingSelectedError("\n".join(unknown), hint="beamproof list prints all claims")


def _refuse_empty(laid_out: matrix.Matrix) -> None:
    if any(not cell.boundary for cell in laid_out.cells):
        return
    reasons = sorted({out.reason for out in laid_out.left_out})
    if laid_out.cells:
        reasons.append("the claim is about other releases")
    raise NothingSelectedError(
        "nothing is left to run" + "".join(f"\n  {reason}" for reason in reasons),
        hint="beamproof list prints all claims",
    )


def prove(plan: session.Plan, request: Request) -> ExitCode:
    """Run the plan, print what the run as it now stands comes to, and return the exit code.

    Raises:
        InfrastructureError: a runtime vanished; what the others gave has been printed.
    """
    before = request.resumed
    path = request.runs_dir / f"{plan.workshop.run}.jsonl" if before is None else before.path
    gone: InfrastructureError | None = None
    footer: Footer | None = None
    recorder: Recorder | None = None
    header = before.header if before else None
    try:
        with RunWriter(path, header) as writer, _display(plan, request) as display:
            if header is None:
                header = _header(plan, request)
                writer.append(header)
            note_latest(path)
            recorder = _recorder(plan, request, writer, display)
            if request.reuse_s is not None:
                recorder.take_over(_reusable(plan, request, request.reuse_s, header))
            try:
                if request.until_stable_s is not None:
                    say(f"orders are shuffled with --seed {request.options.seed}")
                footer = session.observe(
                    plan,
                    recorder,
                    display,
                    request.options,
                    until_stable_s=request.until_stable_s,
                )
            except InfrastructureError as error:
                gone = error
    except KeyboardInterrupt:  # while it is handled, the signal is not raised anew
        if recorder is not None and header is not None:
            run = _run(path, header, request, recorder, footer)
            _tell_of_part(plan, request, run, recorder)
        raise
    run = _run(path, header, request, recorder, footer)
    known = recorder.findings if request.until_stable_s is None else None
    findings = judge_run(run, plan.skills, known=known).findings
    _print(findings, run, request)
    if gone is not None:
        raise gone
    return _code(findings, plan)


def _code(findings: Sequence[Finding], plan: session.Plan) -> ExitCode:
    """Return what findings come to; a share may be empty, or hold what is skipped alone."""
    code = exit_code(findings)
    nothing = code is ExitCode.NOTHING_SELECTED
    return ExitCode.CONFIRMED if nothing and plan.share is not None else code


def _display(plan: session.Plan, request: Request) -> Display:
    console = Console(highlight=False, stderr=request.as_json)  # what programs read stays whole
    places = plan.releases.places(slots=request.options.jobs, isolate=request.options.isolate)
    pace = Pace(plan.matrix.cells, plan.seconds, sum(place.slots for place in places))
    return display_for(console, pace, request.verbosity)


def _recorder(
    plan: session.Plan, request: Request, writer: RunWriter, display: Display
) -> Recorder:
    kept = request.resumed.sources if request.resumed else ()
    return Recorder(
        claims=by_name(plan.skills),
        writer=writer,
        on_finding=display.cell_judged,
        sources=SourceKeeper(writer=writer, probes=plan.workshop.probes, written=list(kept)),
        fail_fast=request.fail_fast,
        keeps_all=request.as_json or request.durations > 0,
    )


def _reusable(
    plan: session.Plan, request: Request, age_s: float, header: Header
) -> Sequence[Observation]:
    now = Now(
        at=datetime.now(UTC),
        beamproof=header.beamproof,
        host=header.host or "",
        runtimes={one.name: one for one in header.runtimes},
        probe_sha256=cache(plan.workshop.probes.source_sha256),
        isolated=request.options.isolate,
    )
    return reusable(shared(plan.matrix.cells), request.runs_dir, now, younger_than_s=age_s)


def _run(
    path: Path,
    header: Header,
    request: Request,
    recorder: Recorder,
    footer: Footer | None,
) -> Run:
    """Return the run as it stands in its file; what a campaign repeated stands nowhere else."""
    if request.until_stable_s is not None:
        return read_run(path)
    before = request.resumed
    lines = (*(before.observations if before else ()), *recorder.observations)
    damaged = before.damaged if before else ()
    return assemble(path, (header, *lines, *([footer] if footer else ())), damaged)


def _tell_of_part(plan: session.Plan, request: Request, run: Run, recorder: Recorder) -> None:
    """Print what a run came to that somebody ended, and how it goes on."""
    known = recorder.findings if request.until_stable_s is None else None
    findings = judge_run(run, plan.skills, known=known).findings
    reached = {*recorder.findings, *run.by_cell, *run.by_boundary_cell}
    _print([one for one in findings if one.cell in reached], run, request)
    say(f"interrupted; go on with: beamproof verify --resume {shlex.quote(str(run.path))}")


def _header(plan: session.Plan, request: Request) -> Header:
    command = ["beamproof", *sys.argv[1:]]
    return session.header_for(plan, command=command, options=request.options)


def _print(findings: Sequence[Finding], run: Run, request: Request) -> None:
    if request.as_json:
        _print_json(findings, run)
        return
    render_findings(
        findings,
        run,
        console=_console(),
        verbosity=request.verbosity,
        at_once=request.resumed is None,
    )
    if workflow_commands.wanted():
        print_lines(workflow_commands.of_findings(findings))
    if request.until_stable_s is not None:
        print_lines(stability_lines(findings))
    if request.reuse_s is not None:
        print_lines(reuse_lines(run))
    if request.durations:
        print_lines(duration_lines(run, request.durations))


def print_plan(plan: session.Plan, *, as_json: bool) -> None:
    """Print the cells and what is left out."""
    cells = plan.matrix.cells
    if as_json:
        rows = [
            {
                "cell": str(cell.id),
                "boundary": cell.boundary,
                "id": cell.call.id,
                "call": _as_json(cell.call),
            }
            for cell in cells
        ]
        out = [{"cell": str(left.cell), "reason": left.reason} for left in plan.matrix.left_out]
        print_json({"cells": rows, "left_out": out})
        return
    for cell in cells:
        notes = [*cell.call.flags, *sorted(cell.call.needs)]
        notes += [str(cell.call.held)] if cell.call.held.given else []
        notes += [name for name, set_ in _modes(cell.call) if set_]
        notes += ["boundary"] if cell.boundary else []
        echo(f"{cell.id}  {cell.call.module}:{cell.call.function}  {' '.join(notes)}".rstrip())
    for left in plan.matrix.left_out:
        echo(f"left out: {left.cell}: {left.reason}")
    calls = len(shared(cells))
    echo(f"{len(cells)} cells, {calls} calls, {len(plan.matrix.left_out)} left out")


def _as_json(call: ProbeCall) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(call)
    return {name: value for name, value in fields.items() if not name.startswith("_")}


def _modes(call: ProbeCall) -> tuple[tuple[str, bool], ...]:
    return (("fresh", call.alone), ("timing", call.timing), (f"x{call.repeat}", call.repeat > 1))


def _print_json(findings: Sequence[Finding], run: Run) -> None:
    reports = [finding_report(finding) for finding in findings]
    print_json({"run": str(run.path), "findings": reports})


def _console() -> Console:
    return Console(highlight=False)
