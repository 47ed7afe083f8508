"""Make runs of any size with their claims and probes, as files: what reports are tested on.

Knows: the formats of claim files and run files. Must not know: reports. Everything is made from
the seed: the same arguments give the same bytes.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from harness.claims.versions import matches
from harness.run.cells import ProbeCall
from harness.run.lines import encode
from harness.run.model import (
    Build,
    Failure,
    FailureKind,
    Footer,
    Header,
    LeftOutCell,
    Observation,
    Outcome,
    RuntimeRecord,
    Sample,
)

from . import judging

PATCHES = {22: "22.3.4.27", 23: "23.3.4.20", 24: "24.3.4.17", 25: "25.2.3", 26: "26.2.5.6",
           27: "27.3.4.1"}  # fmt: skip
MARKUP = '<script>alert("evidence")</script> & <b onmouseover=alert(1)>bold</b> ]]> \x00\x1b[31m'


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Say how large the run is and what goes wrong in it: indexes of claims, by what they meet.

    What is left out is left out on `left_out_on`, by default on the oldest release; what is
    refuted or inconclusive is so on the newest. A release is a number, or a version of which there
    is a column, the oldest first; what is `moved` has another border from `moved_from` on.
    """

    skills: int = 2
    claims: int = 8
    releases: tuple[int | str, ...] = (25, 26, 27)
    refuted: frozenset[int] = frozenset({1})
    inconclusive: frozenset[int] = frozenset({3})
    left_out: frozenset[int] = frozenset({5})
    left_out_on: int | str | None = None
    moved: frozenset[int] = frozenset()
    moved_from: str = "27"
    markup: frozenset[int] = frozenset({0})
    started: str = "2026-11-20T03:00:00.000+00:00"
    run: str = "20261120T030000-aaaa"
    seed: int = 7
    otp: dict[int, str] = field(default_factory=lambda: dict(PATCHES))

    def version(self, release: int | str) -> str:
        """Return the full version of a release."""
        return release if isinstance(release, str) else self.otp[release]


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """Hold where the claims, the probes and the run lie."""

    claims: Path
    probes: Path
    run: Path


SIXTY = tuple(
    f"{release}{patch}"
    for release in (24, 25, 26, 27)
    for patch in (".0", ".0.1", ".0.2", ".0.3", ".0.4", ".1", ".1.1", ".1.2", ".1.3", ".2",
                  ".2.1", ".2.3", ".3", ".3.1", ".3.4.10")
)  # fmt: skip
"""Sixty patch releases, the oldest first, of which the text of one sorts before its elder."""

LARGE = Shape(
    skills=10,
    claims=100,
    releases=(22, 23, 24, 25, 26, 27),
    refuted=frozenset({11, 57}),
    inconclusive=frozenset({3, 40, 41}),
    left_out=frozenset({5, 6}),
)
"""The size that the speed of reports is measured at: 1,000 claims on 6 releases."""


def write(folder: Path, shape: Shape | None = None, *, run_name: str = "run.jsonl") -> Files:
    """Write claim files, probe modules and one run; return where they lie."""
    shape = shape or Shape()
    files = Files(claims=folder / "claims", probes=folder / "probes", run=folder / run_name)
    files.claims.mkdir(parents=True, exist_ok=True)
    files.probes.mkdir(parents=True, exist_ok=True)
    for skill in skills(shape):
        _path(files.claims, skill).write_text(claim_file(skill, shape), encoding="utf-8")
        module = skill.replace("-", "_")
        (files.probes / f"{module}.erl").write_text(probe_module(module, shape), encoding="utf-8")
    files.run.write_bytes(content(shape, files))
    return files


def skills(shape: Shape) -> list[str]:
    """Return the names of the skills."""
    return [f"beam-skill-{chr(97 + index)}" for index in range(shape.skills)]


def _path(claims: Path, skill: str) -> Path:
    return claims / f"{skill}.toml"


def kind(index: int) -> str:
    """Return which of three kinds of claim the index is."""
    return ("border", "series", "ratio", "border", "border")[index % 5]


def claim_file(skill: str, shape: Shape) -> str:
    """Return the claim file of a skill."""
    head = f'skill = "{skill}"\ndescription = "What the VM does with <{skill}> & its kin."\n'
    return head + "".join(_claim(index, shape) for index in range(shape.claims))


_EXPECT = {
    "border": "expect.largest_heap_binary_bytes = 64\nexpect.smallest_refc_binary_bytes = 65\n",
    "series": "expect.growth_exponent = { between = [0.8, 1.2] }\nexpect.knee_count = 1000\n",
    "ratio": "repeat = 5\ntiming = true\nexpect.slower_ratio = { at_least = 2 }\n",
}
_RIVAL = {
    "border": "expect.smallest_refc_binary_bytes = { at_most = 1 }\n",
    "series": "expect.growth_exponent = { at_most = 0.2 }\n",
    "ratio": "expect.slower_ratio = { at_most = 1.2 }\n",
}


def _claim(index: int, shape: Shape) -> str:
    when = (
        f'\n[[claim.when]]\notp = ">={shape.moved_from}"\nwhy = "It moved."\n'
        "expect.largest_heap_binary_bytes = 65\nexpect.smallest_refc_binary_bytes = 66\n"
    )
    return (
        f'\n[[claim]]\nid = "claim-{index:03}"\n'
        f'statement = "Statement {index} about <{kind(index)}>: a number lies where it does."\n'
        f'quote = "The **document** says {index}"\n'
        'sources = ["https://www.erlang.org/doc/system/binaryhandling.html"]\n'
        f"{_EXPECT[kind(index)]}{when if index in shape.moved else ''}"
        f'\n[[claim.rival]]\nstatement = "Belief {index} of old books."\n{_RIVAL[kind(index)]}'
    )


def probe_module(module: str, shape: Shape) -> str:
    """Return an Erlang module with a probe a claim."""
    names = [f"claim_{index:03}" for index in range(shape.claims)]
    exports = ", ".join(f"{name}/1" for name in names)
    return f"-module({module}).\n-export([{exports}]).\n\n" + "\n".join(map(_probe, names))


def _probe(name: str) -> str:
    return f"""%% Builds binaries of every size and looks for them off the heap.
%% Evidence: the largest kept on the heap, the smallest kept outside it.
%% Misread: sizes are of fresh binaries; "<b>" is no tag here.
-spec {name}(map()) -> map().
{name}(Args) ->
    Size = maps:get(size_bytes, Args, 64),
    Bin = binary:copy(<<7>>, Size),
    {{Time, _}} = timer:tc(fun() -> lists:foreach(fun(N) -> N + 1 end, lists:seq(1, 100)) end),
    case process_info(self(), binary) of
        {{binary, []}} -> #{{largest_heap_binary_bytes => byte_size(Bin), time_us => Time}};
        {{binary, Bins}} -> #{{smallest_refc_binary_bytes => length(Bins), text => <<"a.b">>}}
    end.
"""


def content(shape: Shape, files: Files | None = None) -> bytes:
    """Return the run file."""
    return b"".join(encode(line) for line in lines(shape, files))


def lines(shape: Shape, files: Files | None = None) -> Iterator[Header | Observation | Footer]:
    """Yield the lines of the run file."""
    head = header(shape, files)
    yield head
    observed = list(observations(shape, set(head.cells)))
    yield from observed
    yield Footer(
        ended=shape.started.replace("T03:00", "T03:04"),
        outcome=Outcome.COMPLETE,
        observations=len(observed),
    )


def header(shape: Shape, files: Files | None = None) -> Header:
    """Return the header of the run."""
    cells = [
        (index, f"{skill}/claim-{index:03}@otp{release}")
        for skill in skills(shape)
        for index in range(shape.claims)
        for release in shape.releases
    ]
    where = f"@otp{shape.left_out_on or shape.releases[0]}"
    out = [c for index, c in cells if index in shape.left_out and c.endswith(where)]
    return Header(
        run=shape.run,
        beamproof="0.1.0",
        started=shape.started,
        command=("verify", "--otp", f"{shape.releases[0]}-{shape.releases[-1]}"),
        seed=shape.seed,
        cells=tuple(cell for _, cell in cells if cell not in set(out)),
        left_out=tuple(
            LeftOutCell(cell=cell, reason="the claim is about OTP >=25") for cell in out
        ),
        claims_sha256={s: _sha(_path(files.claims, s) if files else s) for s in skills(shape)},
        probes_sha256={s.replace("-", "_"): "0" * 64 for s in skills(shape)},
        runtimes=tuple(runtime(shape, release) for release in shape.releases),
    )


def _sha(source: Path | str) -> str:
    data = source.read_bytes() if isinstance(source, Path) else source.encode()
    return hashlib.sha256(data).hexdigest()


def _number(release: int | str) -> int:
    return int(str(release).partition(".")[0])


def runtime(shape: Shape, release: int | str) -> RuntimeRecord:
    """Return what the run says of a release."""
    return RuntimeRecord(
        name=f"otp{release}",
        release=_number(release),
        way="docker",
        origin=f"erlang:{release}-slim",
        digest=f"sha256:{hashlib.sha256(shape.version(release).encode()).hexdigest()}",
        build=build(shape, release),
    )


def build(shape: Shape, release: int | str) -> Build:
    """Return the identity of a VM."""
    number = _number(release)
    return msgspec.structs.replace(
        judging.build(shape.version(release)),
        erts_version=f"{number - 12}.2",
        emu_flavor="jit" if number > 23 else "emu",
        jit=number > 23,
    )


def observations(shape: Shape, cells: set[str]) -> Iterator[Observation]:
    """Yield an observation a planned cell."""
    for skill in skills(shape):
        for index in range(shape.claims):
            for release in shape.releases:
                cell = f"{skill}/claim-{index:03}@otp{release}"
                if cell in cells:
                    yield _observation(shape, skill, index, release)


def _observation(shape: Shape, skill: str, index: int, release: int | str) -> Observation:
    dice = random.Random(f"{shape.seed} {skill} {index} {release}")  # noqa: S311 (no secret)
    at = shape.releases.index(release)
    is_last = at == len(shape.releases) - 1
    has_moved = index in shape.moved and matches(f">={shape.moved_from}", shape.version(release))
    call = ProbeCall(
        module=skill.replace("-", "_"),
        function=f"claim_{index:03}",
        args={"size_bytes": index},
    )
    return Observation(
        call=call.id,
        cells=(f"{skill}/claim-{index:03}@otp{release}",),
        runtime=f"otp{release}",
        probe=call.probe,
        probe_sha256="0" * 64,
        args={"size_bytes": index},
        at=shape.started,
        build=build(shape, release),
        samples=_samples(shape, index, dice, is_last=is_last, has_moved=has_moved),
    )


def _samples(
    shape: Shape, index: int, dice: random.Random, *, is_last: bool, has_moved: bool
) -> tuple[Sample, ...]:
    if is_last and index in shape.inconclusive:
        failure = Failure(
            kind=FailureKind.CRASHED,
            reason='{badmatch,<<"not what was hoped for">>}',
            error_class="error",
            stacktrace=("beam_skill_a:claim_003/1 (line 7)", "probe_bridge:run/3 (line 90)"),
        )
        return (Sample(failure=failure, elapsed_us=90, node="otp-1", log="=ERROR REPORT====\n"),)
    wrong = is_last and index in shape.refuted
    count = 5 if kind(index) == "ratio" else 1
    return tuple(
        Sample(
            evidence=_evidence(
                index, dice, border=63 if wrong else 65 if has_moved else 64, wrong=wrong
            )
            | ({"note_text": MARKUP} if index in shape.markup else {}),
            elapsed_us=dice.randint(200, 90_000),
            probe_us=dice.randint(100, 190),
            node="otp-1",
            log=f"{MARKUP}\n" if index in shape.markup else "",
            leftovers=("process <0.99.0> my_server",) if index in shape.markup else (),
        )
        for _ in range(count)
    )


def _evidence(index: int, dice: random.Random, *, border: int, wrong: bool) -> dict[str, Any]:
    made: dict[str, Any]
    if kind(index) == "series":
        made = {
            "growth_exponent": 1.9 if wrong else round(dice.uniform(0.9, 1.1), 3),
            "knee_count": 1000,
            "points": [
                {"mailbox_count": 2**n, "receive_us": round(0.3 * 2**n * dice.uniform(1, 1.1), 2)}
                for n in range(2, 14)
            ],
        }
    elif kind(index) == "ratio":
        slower = dice.uniform(0.9, 1.1) if wrong else dice.uniform(3, 4)
        made = {"slower_ratio": round(slower, 3), "rounds_count": 1000}
    else:
        made = {
            "largest_heap_binary_bytes": border,
            "smallest_refc_binary_bytes": border + 1,
            "ways": {
                way: {"largest_bytes": 64, "smallest_bytes": 65, "tried_count": 300}
                for way in ("copy", "construct", "list", "iolist", "decode")
            },
        }
    return made


def shards(shape: Shape, groups: Sequence[Sequence[int | str]]) -> list[bytes]:
    """Return the run split by releases, as a job matrix makes it."""
    return [
        content(replace(shape, releases=tuple(group), run=f"{shape.run}-{group[0]}"))
        for group in groups
    ]
