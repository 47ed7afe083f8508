"""`beamproof verify`: its options, and the VMs that start while all the rest is loaded.

Knows: what a command line asks for. Must not know: how claims are read, and cells laid out, run or
shown (`verify.stages`, imported while the VMs start: the first claim runs that much sooner).
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import click

from harness.claims.paths import refuse_unknown
from harness.cli import names
from harness.cli.examples import examples
from harness.cli.options import (
    claims_option,
    probes_option,
    runs_option,
    verbosity_of,
    verbosity_options,
)
from harness.cli.runtime import runtime_options
from harness.cli.scale import balance, reuse_s, scale_options, seed, until_stable_s
from harness.collect import releases
from harness.collect import workshop as workshop_
from harness.collect.runner import Options
from harness.errors import InputError
from harness.folders import cache_dir, is_foreign
from harness.run.file import read_run, refuse_if_written
from harness.run.model import Run
from harness.run.stored import run_path
from harness.runtimes.model import AUTO
from harness.runtimes.request import RuntimeRequest
from harness.system.streams import say
from harness.verify import plan as matrix
from harness.verify.request import Request

RUN = "beamproof.run"
"""Where the context, for a verb that calls this one, has the name of the run."""


@click.command(
    "verify",
    short_help="Prove the claims of SKILLS (all without any) on live VMs.",
    epilog=examples(
        "beamproof verify beam-memory-management --otp 25,27",
        "beamproof verify --claim 'refc-*' --repeat 20",
        "beamproof verify --image registry.example/your/app:1.2",
        "beamproof verify --reuse 24h",
        "beamproof verify beam-ets-internals --until-stable 10m",
        "beamproof verify --shard 2/8 --runs shares",
        "beamproof verify --cluster tcp://scheduler:8786",
    ),
)
@click.argument("skills", nargs=-1, type=names.SKILL)
@click.option(
    "--claim", "claims", multiple=True, type=names.CLAIM, metavar="GLOB", help="Only these claims."
)
@runtime_options
@click.option("--failed", is_flag=True, help="Only what was not confirmed when it ran last.")
@click.option("--plan", is_flag=True, help="Print the cells and what is left out; run nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the plan, or the findings, as JSON.")
@verbosity_options
@click.option("--fail-fast", is_flag=True, help="Stop at the first cell that is not confirmed.")
@click.option("--jobs", type=click.IntRange(1, 64), help="Nodes at work at once [default: cores].")
@click.option("--repeat", type=click.IntRange(1, 10_000), help="Samples a cell, at least.")
@click.option("--timeout", type=click.FloatRange(0.1), metavar="S", help="Seconds a call.")
@click.option("--keep", is_flag=True, help="Leave the container of a failed cell behind.")
@click.option("--isolate", is_flag=True, help="Give every call a fresh node of its own.")
@click.option("--seed", type=int, help="Shuffle the order of the calls with this seed.")
@scale_options
@click.option(
    "--resume",
    type=names.RUN,
    metavar="RUN",
    help="Go on with a run that was cut short (or: latest).",
)
@claims_option
@probes_option
@runs_option
@click.pass_context
def verify(context: click.Context, /, **given: Any) -> None:
    """Prove the claims of SKILLS (all without any) on live Erlang VMs."""
    request = _request(given)
    runtime = RuntimeRequest.of(given)
    if request.resumed is not None:
        runtime = runtime.as_recorded(request.resumed.header)
    elif request.selection.cells is not None:
        runtime = runtime.for_columns(cell.runtime for cell in request.selection.cells)
    refuse_unknown(request.claims_dir, request.skills or ())
    run = workshop_.new_run_id() if request.resumed is None else request.resumed.header.run
    context.meta[RUN] = run
    workshop = workshop_.workshop_for(run, request.probes_dir, cache_dir())
    with _opened(given["cluster"], runtime, workshop, request) as opened:
        from harness.verify import stages  # noqa: PLC0415 - loaded while the VMs start

        plan = stages.lay_out(request, opened, workshop, strict=runtime.is_strict)
        if runtime.way == AUTO:
            stages.tell_of_strangers(request, opened)
        if request.plan_only:
            stages.print_plan(plan, as_json=request.as_json)
            return
        code = stages.prove(plan, request)
    context.exit(code)


def _opened(
    cluster: str | None, runtime: RuntimeRequest, workshop: workshop_.Workshop, request: Request
) -> AbstractContextManager[releases.Offered]:
    """Return the releases that are wanted, of this machine or of a cluster."""
    if cluster is None:
        return releases.open_releases(runtime, workshop, say)
    try:
        from harness.collect.cluster import connect  # noqa: PLC0415 - Dask, only when asked for
    except ModuleNotFoundError as error:
        raise InputError(
            f"--cluster needs a package that is not here: {error.name}",
            hint="pip install 'beamproof[cluster]'",
        ) from error
    return connect.open_cluster(
        cluster,
        runtime,
        workshop,
        request.probes_dir,
        isolate=request.options.isolate,
        progress=say,
    )


def _request(given: dict[str, Any]) -> Request:
    runs_dir = given["runs_dir"]
    resumed = _run_to_resume(given["resume"], runs_dir)
    selection = matrix.Selection(claims=given["claims"])
    skills = given["skills"] or None
    if resumed is not None:
        selection = matrix.Selection(cells=frozenset(resumed.missing))
        skills = skills or tuple(resumed.header.claims_sha256)
    elif given["failed"]:
        from harness.verify.failed import unconfirmed  # noqa: PLC0415 - judges: no other option does

        cells = unconfirmed(given["claims_dir"], runs_dir)
        selection = matrix.Selection(claims=given["claims"], cells=cells)
    return Request(
        skills=skills,
        selection=selection,
        claims_dir=given["claims_dir"],
        probes_dir=given["probes_dir"],
        runs_dir=runs_dir,
        plan_only=given["plan"],
        as_json=given["as_json"],
        verbosity=verbosity_of(given),
        durations=given["durations"],
        fail_fast=given["fail_fast"],
        resumed=resumed,
        repeat=given["repeat"],
        timeout_s=given["timeout"],
        options=Options(
            jobs=given["jobs"] or os.cpu_count() or 1,
            seed=seed(given),
            keep=given["keep"],
            isolate=_isolates(given, resumed),
        ),
        shard=given["shard"],
        balance=balance(given),
        reuse_s=reuse_s(given),
        until_stable_s=until_stable_s(given),
    )


def _isolates(given: dict[str, Any], resumed: Run | None) -> bool:
    """Tell whether every call gets a fresh node: asked for, or strict with what others wrote."""
    if given["isolate"] or (resumed is not None and resumed.header.isolated):
        return True
    if not (RuntimeRequest.of(given).is_strict and is_foreign(given["probes_dir"])):
        return False
    say(f"{given['probes_dir']} is of another project: strictly, each call has a node of its own")
    return True


def _run_to_resume(text: str | None, runs_dir: Path) -> Run | None:
    if text is None:
        return None
    path = run_path(text, runs_dir)
    refuse_if_written(path)
    run = read_run(path)
    if run.complete:
        raise InputError(f"{run.path} is complete: there is nothing to resume")
    return run
