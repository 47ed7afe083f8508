"""What may stand for a call: an observation that nothing tells from the one that would be made."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.judging import build, failed, observation, sample

from harness.cli.main import run as command
from harness.errors import ExitCode
from harness.run.cells import CellId, Held, Need, ProbeCall
from harness.run.lines import content
from harness.run.model import FailureKind, Header, Observation, Run, RuntimeRecord
from harness.run.reuse import Now, reusable
from harness.run.work import Work

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
CALL = ProbeCall(module="m", function="f", timeout_s=30.0)
WORK = Work(runtime="otp27", call=CALL, cells=(CellId("s/new@otp27"),))
RECORD = RuntimeRecord(
    name="otp27",
    release=27,
    way="host",
    origin="/opt/27",
    build=build(),
    surroundings={"cpus": "0-1"},
)


def now(**fields: Any) -> Now:
    met: dict[str, Any] = {
        "at": AT,
        "beamproof": "0",
        "host": "here",
        "runtimes": {"otp27": RECORD},
        "probe_sha256": lambda _module: "00",
    }
    return Now(**{**met, **fields})


def seen(**fields: Any) -> Observation:
    made = observation(sample({"x_count": 1}))
    own = {
        "call": CALL.id,
        "cells": ("s/old@otp27",),
        "probe": CALL.probe,
        "at": (AT - timedelta(hours=1)).isoformat(),
        "timeout_s": 30.0,
        "build": build(),
    }
    return msgspec.structs.replace(made, **{**own, **fields})


def stored(
    folder: Path, *observations: Observation, name: str = "old", age_s: float = 60, **header: Any
) -> Path:
    """Write a run and have it look as if it had been written so long before AT."""
    own = {
        "run": name,
        "beamproof": "0",
        "started": "x",
        "command": (),
        "host": "here",
        "cells": (),
        "claims_sha256": {},
        "probes_sha256": {},
        "runtimes": (RECORD,),
    }
    run = Run(
        path=folder / f"{name}.jsonl", header=Header(**{**own, **header}), observations=observations
    )
    folder.mkdir(exist_ok=True)
    run.path.write_bytes(content(run))
    os.utime(run.path, (AT.timestamp() - age_s,) * 2)
    return run.path


def taken(
    folder: Path, work: Work = WORK, found: Now | None = None, hours: float = 24
) -> tuple[Observation, ...]:
    return reusable([work], folder, found or now(), younger_than_s=hours * 3600)


def test_an_observation_of_the_same_call_stands_and_says_whence(tmp_path: Path) -> None:
    """For the cells of today's claims, whatever they were then; its time stays."""
    stored(tmp_path, seen())
    (one,) = taken(tmp_path)
    assert (one.taken_from, one.cells, one.at) == ("old", WORK.cells, seen().at)


def test_what_was_taken_over_before_names_who_made_it(tmp_path: Path) -> None:
    """And is as old as when it was made: nothing lives for ever by being handed on."""
    stored(tmp_path, seen(taken_from="first"))
    (one,) = taken(tmp_path)
    assert one.taken_from == "first"
    assert taken(tmp_path, hours=0.5) == ()


def test_the_newest_run_goes_first(tmp_path: Path) -> None:
    """Runs that cannot be read give nothing, and older ones fill in."""
    stored(tmp_path, seen(), name="a", age_s=300)
    stored(tmp_path, seen(), name="b", age_s=200)
    (tmp_path / "broken.jsonl").write_bytes(b"no run\n")
    assert [one.taken_from for one in taken(tmp_path)] == ["b"]


@pytest.mark.parametrize(
    "other",
    [
        {"build": build("27.3.4.2")},
        {"build": msgspec.structs.replace(build(), host_cores=4)},
        {"build": None},
        {"probe_sha256": "01"},
        {"timeout_s": 10.0},
        {"held": {"cpuset": 1.0}},
        {"node": "fresh"},
        {"call": "m:f#other"},
        {"runtime": "otp26"},
        {"worker": "tcp://far"},
        {"at": (AT - timedelta(hours=25)).isoformat()},
        {"at": (AT + timedelta(seconds=1)).isoformat()},
        {"at": "2026-11-20T11:00:00"},
        {"at": "yesterday"},
        {"samples": (failed(FailureKind.TIMEOUT),)},
        {"samples": ()},
    ],
    ids=lambda other: next(iter(other)),
)
def test_an_observation_that_differs_does_not_stand(tmp_path: Path, other: dict[str, Any]) -> None:
    """In build, source, limits, age or kind of node; nor one without evidence."""
    stored(tmp_path, seen(**other))
    assert taken(tmp_path) == ()


@pytest.mark.parametrize(
    "other",
    [
        {"host": "elsewhere"},
        {"host": None},
        {"beamproof": "1"},
        {"runtimes": ()},
        {"runtimes": (msgspec.structs.replace(RECORD, digest="sha256:1"),)},
        {"runtimes": (msgspec.structs.replace(RECORD, surroundings={"nice": "5"}),)},
        {"runtimes": (msgspec.structs.replace(RECORD, compiled_by="OTP 25"),)},
    ],
    ids=lambda other: next(iter(other)),
)
def test_a_run_of_another_machine_or_vm_gives_nothing(
    tmp_path: Path, other: dict[str, Any]
) -> None:
    """Also where its observations look alike."""
    stored(tmp_path, seen(), **other)
    assert taken(tmp_path) == ()


@pytest.mark.parametrize(
    "change",
    [
        lambda call: replace(call, repeat=2),
        lambda call: replace(call, timeout_s=31.0),
        lambda call: replace(call, args={"n": 1}),
        lambda call: replace(call, held=Held(cpuset=1)),
        lambda call: replace(call, needs=frozenset({Need.OTHER_RELEASE})),
    ],
)
def test_a_call_that_asks_for_something_else_is_made(
    tmp_path: Path, change: Callable[[ProbeCall], ProbeCall]
) -> None:
    """More samples, other limits, a second release of which an observation tells nothing."""
    stored(tmp_path, seen())
    assert taken(tmp_path, replace(WORK, call=change(CALL))) == ()


def test_isolated_calls_take_over_isolated_ones_alone(tmp_path: Path) -> None:
    """A shared node is another thing."""
    stored(tmp_path, seen(), name="a")
    assert taken(tmp_path, found=now(isolated=True)) == ()
    stored(tmp_path, seen(node="fresh"), name="b", isolated=True)
    assert len(taken(tmp_path, found=now(isolated=True))) == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--reuse", "24"], "'24' is no span of time"),
        (["--reuse", "0h"], "'0h' is no time at all"),
        (["--reuse", "1h", "--failed"], "--failed and --reuse exclude each other"),
        (["--reuse", "1h", "--cluster", "local:2"], "--cluster and --reuse exclude each other"),
    ],
)
def test_what_makes_no_sense_is_refused(
    options: list[str], said: str, stored_half: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Before a VM starts."""
    assert command(["verify", *options, *stored_half]) == ExitCode.BAD_INPUT
    assert said in capsys.readouterr().err
