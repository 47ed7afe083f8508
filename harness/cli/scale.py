"""The options of `verify` for more than one machine or night can do: shares, reuse, a cluster.

Knows: options, and which of them contradict each other. Must not know: what is made of them.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from harness.run.durations import Durations, durations_beside, read_durations
from harness.run.shards import Shard
from harness.system.spans import parse_span

F = TypeVar("F", bound=Callable[..., Any])

_SEEDS = 1_000_000


def _shard(_context: click.Context, _option: click.Parameter, text: str | None) -> Shard | None:
    return None if text is None else Shard.parse(text)


def _span(_context: click.Context, _option: click.Parameter, text: str | None) -> float | None:
    return None if text is None else parse_span(text)


_OPTIONS = (
    click.option(
        "--reuse",
        callback=_span,
        metavar="AGE",
        help="Take over what stored runs observed within AGE (24h, 30m), where call, probes, VM"
        " and machine are the same.",
    ),
    click.option(
        "--until-stable",
        callback=_span,
        metavar="TIME",
        help="Go on for TIME (10m) with all calls but those of time, in shuffled orders (--seed).",
    ),
    click.option(
        "--shard", callback=_shard, metavar="N/OF", help="One share of the calls, e.g. 2/8."
    ),
    click.option(
        "--balance",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="What shares are balanced by: a run, or a file of durations"
        " [default: durations.json beside the claims].",
    ),
    click.option(
        "--cluster",
        metavar="ADDRESS",
        help="Work on Dask workers: tcp://scheduler:8786, or local:4 for four here.",
    ),
)


def scale_options(command: F) -> F:
    """Add the options of this module to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def reuse_s(given: Mapping[str, Any]) -> float | None:
    """Return how old observations may be that are taken over; None takes none.

    Raises:
        UsageError: what failed is to be called again, and not to be taken over.
    """
    age_s: float | None = given["reuse"]
    if given["cluster"] is not None and age_s is not None:
        raise click.UsageError(
            "--cluster and --reuse exclude each other: workers are other machines than the one"
            " whose observations these are"
        )
    if given["failed"] and age_s is not None:
        raise click.UsageError(
            "--failed and --reuse exclude each other: what failed is called again"
        )
    return age_s


def seed(given: Mapping[str, Any]) -> int | None:
    """Return what orders are shuffled with; a campaign without any gets one."""
    if given["seed"] is None and given["until_stable"] is not None:
        return secrets.randbelow(_SEEDS)
    chosen: int | None = given["seed"]
    return chosen


def until_stable_s(given: Mapping[str, Any]) -> float | None:
    """Return how long calls are repeated; None is not at all.

    Raises:
        UsageError: there is nothing to repeat, or what is repeated is not called.
    """
    time_s: float | None = given["until_stable"]
    for other in ("reuse", "resume"):
        if time_s is not None and given[other] is not None:
            raise click.UsageError(f"--{other} and --until-stable exclude each other")
    return time_s


def balance(given: Mapping[str, Any]) -> Durations:
    """Return what shares are balanced by, which must be the same on every machine.

    Raises:
        InputError: the file is none.
        UsageError: what is to be shared out hangs on this machine.
    """
    if given["shard"] is None:
        if given["balance"] is not None:
            raise click.UsageError("--balance says how shares are dealt out: --shard N/OF")
        return Durations()
    for other in ("failed", "resume"):
        if given[other]:
            raise click.UsageError(
                f"--{other} and --shard exclude each other: what --{other} takes hangs on the runs"
                " that this machine has"
            )
    if given["balance"] is not None:
        return read_durations(given["balance"])
    return durations_beside(given["claims_dir"])
