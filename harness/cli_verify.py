"""`beamproof verify`: load, select, resolve, plan, collect, judge, render.

Knows: the options and the order of the stages. Must not know: how any stage does its work.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import click
import msgspec

from harness import matrix, session
from harness.claims import Skill, load_skills
from harness.cli_options import claims_option, latest_run, probes_option, run_path, runs_option
from harness.cli_runtime import RuntimeRequest, runtime_options
from harness.errors import ExitCode, InputError, NothingSelectedError
from harness.folders import cache_dir
from harness.judge import Finding, Verdict, judge_run, worst
from harness.run import Run, RunWriter, read_run
from harness.runner import Options


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Hold what one invocation asks for, beside its runtimes."""

    skills: tuple[str, ...]
    selection: matrix.Selection
    claims_dir: Path
    probes_dir: Path
    runs_dir: Path
    fail_fast: bool
    resume: Path | None
    repeat: int | None
    timeout_s: float | None
    options: Options


@click.command("verify")
@click.argument("skills", nargs=-1)
@click.option("--claim", "claims", multiple=True, metavar="GLOB", help="Only these claims.")
@runtime_options
@click.option("--failed", is_flag=True, help="Only what the last run did not confirm.")
@click.option("--plan", is_flag=True, help="Print the cells and what is left out; run nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the plan, or the findings, as JSON.")
@click.option("--fail-fast", is_flag=True, help="Stop at the first cell that is not confirmed.")
@click.option("--jobs", type=click.IntRange(1, 64), help="Nodes at work at once [default: cores].")
@click.option("--repeat", type=click.IntRange(1, 10_000), help="Samples a cell, at least.")
@click.option("--timeout", type=click.FloatRange(0.1), metavar="S", help="Seconds a call.")
@click.option("--keep", is_flag=True, help="Leave the container of a failed cell behind.")
@click.option("--seed", type=int, help="Shuffle the order of the cells with this seed.")
@click.option("--resume", metavar="RUN", help="Go on with a run that was cut short (or: latest).")
@claims_option
@probes_option
@runs_option
@click.pass_context
def verify(context: click.Context, /, **given: Any) -> None:
    """Prove the claims of SKILLS (all without any) on live Erlang VMs."""
    as_json = given["as_json"]
    request = _request(given)
    runtime = RuntimeRequest.of(given)
    with _terminate_as_interrupt(), ExitStack() as stack:
        before = _run_to_resume(request)
        plan = _lay_out(request, runtime, before, stack)
        if given["plan"]:
            _print_plan(plan, as_json=as_json)
            return
        run, findings = _collect(plan, request, before)
    if as_json:
        _print_json(findings, run)
    else:
        _render(findings, run)
    context.exit(exit_code(findings))


def _request(given: dict[str, Any]) -> Request:
    runs_dir = given["runs_dir"]
    cells = _unconfirmed(given["claims_dir"], runs_dir) if given["failed"] else None
    resume = given["resume"]
    return Request(
        skills=given["skills"],
        selection=matrix.Selection(claims=given["claims"], cells=cells),
        claims_dir=given["claims_dir"],
        probes_dir=given["probes_dir"],
        runs_dir=runs_dir,
        fail_fast=given["fail_fast"],
        resume=None if resume is None else run_path(resume, runs_dir),
        repeat=given["repeat"],
        timeout_s=given["timeout"],
        options=Options(
            jobs=given["jobs"] or os.cpu_count() or 1,
            seed=given["seed"],
            keep=given["keep"],
        ),
    )


def _unconfirmed(claims_dir: Path, runs_dir: Path) -> frozenset[str]:
    run = read_run(latest_run(runs_dir))
    findings = judge_run(run, load_skills(claims_dir)).findings
    cells = frozenset(
        finding.cell for finding in findings if finding.verdict is not Verdict.CONFIRMED
    )
    if not cells:
        raise NothingSelectedError(f"the last run, {run.path}, confirmed every cell")
    return cells


def _run_to_resume(request: Request) -> Run | None:
    if request.resume is None:
        return None
    run = read_run(request.resume)
    if run.complete:
        raise InputError(f"{run.path} is complete: there is nothing to resume")
    return run


def _lay_out(
    request: Request, runtime: RuntimeRequest, before: Run | None, stack: ExitStack
) -> session.Plan:
    """Load the claims, find the releases, and lay out the cells.

    Raises:
        NothingSelectedError: no cell fits.
        RuntimeMissingError: a release is missing and was required, or none is there.
    """
    names = request.skills or (() if before is None else tuple(before.header.claims_sha256))
    skills = load_skills(request.claims_dir, names or None)
    _refuse_unknown(skills, request.selection.claims)
    run = session.new_run_id() if before is None else before.header.run
    workshop = session.workshop_for(run, request.probes_dir, cache_dir())
    if before is not None:
        runtime = runtime.as_recorded(before.header)
    releases = stack.enter_context(
        session.open_releases(runtime.releases, runtime.way, runtime.options(), workshop, _say)
    )
    if runtime.is_strict:
        session.require(releases)
    selection = request.selection if before is None else _rest_of(before)
    laid_out = matrix.build(skills, releases.columns(), selection)
    _refuse_empty(laid_out, releases)
    laid_out = laid_out.overridden(repeat=request.repeat, timeout_s=request.timeout_s)
    return session.Plan(skills=skills, matrix=laid_out, releases=releases, workshop=workshop)


def _rest_of(before: Run) -> matrix.Selection:
    done = {observation.cell for observation in before.observations}
    return matrix.Selection(cells=frozenset(before.header.cells) - done)


def _refuse_unknown(skills: Sequence[Skill], patterns: Sequence[str]) -> None:
    unknown = matrix.unknown_patterns(skills, patterns)
    if unknown:
        raise NothingSelectedError("\n".join(unknown), hint="beamproof list prints all claims")


def _refuse_empty(laid_out: matrix.Matrix, releases: session.Releases) -> None:
    if laid_out.cells:
        return
    if not releases.runtimes:
        session.require(releases)
    reasons = sorted({out.reason for out in laid_out.left_out})
    raise NothingSelectedError(
        "nothing is left to run" + "".join(f"\n  {reason}" for reason in reasons),
        hint="beamproof list prints all claims",
    )


def _collect(
    plan: session.Plan, request: Request, before: Run | None
) -> tuple[Run, tuple[Finding, ...]]:
    """Run the plan and return the run as it now stands in its file, judged."""
    from harness.report.progress import display_for  # noqa: PLC0415 - rich, after the nodes start

    claims = {claim.name: claim for skill in plan.skills for claim in skill.claims}
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
            _say(f"interrupted; go on with: beamproof verify --resume {path}")
            raise
    run = read_run(path)
    return run, judge_run(run, plan.skills).findings


def exit_code(findings: Sequence[Finding]) -> ExitCode:
    """Return the exit code of a run: refuted before inconclusive before confirmed.

    A run that confirmed nothing proves nothing: it exits as if nothing had been selected.
    """
    return _EXIT_CODES[worst(finding.verdict for finding in findings)]


_PIPE_COLUMNS = 160
"""How wide lines are where there is no terminal to ask."""

_EXIT_CODES = {
    Verdict.REFUTED: ExitCode.REFUTED,
    Verdict.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
    Verdict.CONFIRMED: ExitCode.CONFIRMED,
    Verdict.SKIPPED: ExitCode.NOTHING_SELECTED,
}


def _print_plan(plan: session.Plan, *, as_json: bool) -> None:
    cells = plan.matrix.cells
    if as_json:
        rows = [{"cell": cell.id, "call": msgspec.to_builtins(cell.call)} for cell in cells]
        out = [msgspec.to_builtins(left) for left in plan.matrix.left_out]
        click.echo(msgspec.json.format(msgspec.json.encode({"cells": rows, "left_out": out})))
        return
    for cell in cells:
        notes = [*cell.call.flags, *sorted(cell.call.needs)]
        notes += [name for name, set_ in _modes(cell.call) if set_]
        click.echo(
            f"{cell.id}  {cell.call.module}:{cell.call.function}  {' '.join(notes)}".rstrip()
        )
    for left in plan.matrix.left_out:
        click.echo(f"left out: {left.cell}: {left.reason}")
    click.echo(f"{len(cells)} cells, {len(plan.matrix.left_out)} left out")


def _modes(call: Any) -> tuple[tuple[str, bool], ...]:
    return (("fresh", call.alone), ("timing", call.timing), (f"x{call.repeat}", call.repeat > 1))


def _print_json(findings: Sequence[Finding], run: Run) -> None:
    rows = [
        {"cell": finding.cell, "verdict": finding.verdict, "reason": finding.reason}
        for finding in findings
    ]
    click.echo(msgspec.json.format(msgspec.json.encode({"run": str(run.path), "findings": rows})))


def _render(findings: Sequence[Finding], run: Run) -> None:
    from harness.report.console import render_findings  # noqa: PLC0415 - rich, only to print

    render_findings(findings, run, console=_console())


def _console() -> Any:
    from rich.console import Console  # noqa: PLC0415 - 30 ms that --plan and --json do without

    return Console(width=None if sys.stdout.isatty() else _PIPE_COLUMNS)


def _say(line: str) -> None:
    click.echo(line, err=True)


@contextmanager
def _terminate_as_interrupt() -> Iterator[None]:
    """Let SIGTERM end a run as Ctrl-C does: nodes ended, what was observed kept."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before: Callable[[int, FrameType | None], Any] | int | None = signal.signal(
        signal.SIGTERM, interrupt
    )
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
