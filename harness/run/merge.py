"""Join the runs of several machines into one: a job matrix over releases gives one report.

Knows: runs. Must not know: claims, verdicts or how evidence is made; a merge never judges.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import msgspec

from harness.errors import InputError
from harness.run import lines, shares
from harness.run.cells import CellId, release_order
from harness.run.model import (
    FORMAT,
    Footer,
    Header,
    LeftOutCell,
    Line,
    Note,
    Observation,
    Outcome,
    Run,
    RuntimeRecord,
    Source,
)
from harness.run.standing import distinct, standing

_SHOWN = 8


class Wins(StrEnum):
    """Say whose observation stands when two runs hold the same cell."""

    FIRST = "first"
    LAST = "last"
    NEWEST = "newest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """Hold the joined run's lines, and what nobody observed.

    `missing` are cells of the joint matrix (every claim on every runtime that any run names) that
    were neither observed nor left out for a reason; `absent` the runtimes that were expected and
    that no run names; `absent_shares` are the shares of a runtime, `(otp27, 2/8)`, that no run
    holds, whose cells are among the missing ones.
    """

    header: Header
    observations: tuple[Observation, ...]
    notes: tuple[Note, ...]
    sources: tuple[Source, ...]
    footer: Footer
    missing: tuple[str, ...]
    incomplete: tuple[str, ...]
    absent: tuple[str, ...] = ()
    absent_shares: tuple[tuple[str, str], ...] = ()
    repeats: tuple[Observation, ...] = ()

    def named(self, run: str) -> Merged:
        """Return it under another name than those of its parts joined."""
        return replace(self, header=msgspec.structs.replace(self.header, run=run))

    def content(self) -> bytes:
        """Return the run file: one JSON line each, header first, footer last."""
        content: tuple[Line, ...] = (
            self.header,
            *self.notes,
            *self.sources,
            *self.observations,
            *self.repeats,
            self.footer,
        )
        return b"".join(map(lines.encode, content))


def merge(
    runs: Sequence[Run],
    *,
    wins: Wins | None = None,
    expected: Sequence[str] = (),
    command: Sequence[str] = (),
    at: str,
) -> Merged:
    """Join runs into one.

    Args:
        runs: at least one, in the order of the command line.
        wins: which one stands where two disagree; None refuses.
        expected: runtimes that some run should name; every claim is left out on one that none does.
        command: what the joined run's header names as its command.
        at: the time of the merge, ISO 8601.

    Raises:
        InputError: two runs hold the same cell, or were made from different claims, probes or
            builds, and `wins` does not decide.
    """
    if not runs:
        raise InputError("nothing to merge", hint="name at least one run file")
    ranked = _ranked(runs, wins)
    if wins is None:
        _refuse_doubles(runs)
        _refuse_contradictions(runs)
    observations = standing(item for run in ranked for item in run.observations)
    observed = {cell for item in observations for cell in (*item.cells, *item.boundary)}
    repeats = tuple(item for run in runs for item in run.repeats)
    absent = _absent(runs, expected)
    left_out = {
        item.cell: item
        for item in (*(item for run in ranked for item in run.header.left_out), *absent)
        if item.cell not in observed
    }
    header = _header(ranked, runs, left_out.values(), command)
    missing = _missing(runs, {*observed, *left_out})
    lacking = shares.absent(runs)
    incomplete = tuple(str(run.path) for run in runs if not run.complete)
    gone = tuple(dict.fromkeys(CellId(item.cell).runtime for item in absent))
    return Merged(
        header=header,
        observations=_in_order(observations, header.cells),
        notes=tuple(dict.fromkeys(note for run in runs for note in run.notes)),
        sources=distinct(source for run in runs for source in run.sources),
        footer=_footer(
            len(observations) + len(repeats),
            at,
            missing,
            incomplete,
            [*gone, *map(" ".join, lacking)],
        ),
        missing=missing,
        incomplete=incomplete,
        absent=gone,
        absent_shares=lacking,
        repeats=repeats,
    )


def _in_order(observations: Iterable[Observation], cells: Iterable[str]) -> tuple[Observation, ...]:
    """Sort observations by the first of their cells in the order given; boundary cells last."""
    rank = {cell: at for at, cell in enumerate(cells)}
    last = len(rank)
    return tuple(
        sorted(observations, key=lambda seen: min((rank[c] for c in seen.cells), default=last))
    )


def _ranked(runs: Sequence[Run], wins: Wins | None) -> Sequence[Run]:
    """Order the runs so that the last word belongs to the one that wins."""
    if wins is Wins.FIRST:
        return tuple(reversed(runs))
    if wins is Wins.NEWEST:
        return sorted(runs, key=lambda run: run.header.started)
    return runs


def _refuse_doubles(runs: Sequence[Run]) -> None:
    seen: dict[str, Run] = {}
    doubles: list[str] = []
    for run in runs:
        for cell in (*run.by_cell, *run.by_boundary_cell):
            other = seen.setdefault(cell, run)
            if other is not run:
                doubles.append(f"{cell}: in {other.path} and in {run.path}")
    if doubles:
        raise InputError(
            f"{len(doubles)} cells were observed by more than one run:\n"
            + _listed(doubles)
            + "\n(the same file given twice?)",
            hint="say which one stands: --wins first, --wins last or --wins newest",
        )


def _refuse_contradictions(runs: Sequence[Run]) -> None:
    complaints: list[str] = []
    for what, facts in (
        ("claims of", [run.header.claims_sha256 for run in runs]),
        ("probe module", [run.header.probes_sha256 for run in runs]),
        ("runtime", [_identities(run.header.runtimes) for run in runs]),
    ):
        complaints += _differing(runs, what, facts)
    complaints += shares.contradictions(runs)
    if complaints:
        raise InputError(
            "the runs do not belong together:\n" + _listed(complaints),
            hint="run them from the same sources, or say which one stands: --wins newest",
        )


def _identities(runtimes: Iterable[RuntimeRecord]) -> dict[str, str]:
    """Return what a runtime is, by its name, as one text to compare and to show."""
    return {item.name: " ".join(filter(None, _identity(item))) for item in runtimes}


def _identity(item: RuntimeRecord) -> tuple[str | None, ...]:
    version = item.build.otp_version if item.build else None
    return item.way, item.origin, item.digest, version


def _differing(runs: Sequence[Run], what: str, facts: Sequence[Mapping[str, str]]) -> Iterable[str]:
    first: dict[str, tuple[str, Run]] = {}
    for run, known in zip(runs, facts, strict=True):
        for name, value in known.items():
            other_value, other = first.setdefault(name, (value, run))
            if other_value != value:
                yield (
                    f"{what} {name}: {_short(other_value)} in {other.path},"
                    f" {_short(value)} in {run.path}"
                )


def _short(value: str) -> str:
    is_hash = len(value) == 64 and " " not in value  # noqa: PLR2004 (a SHA-256 in hex)
    return value[:12] if is_hash else value


def _listed(lines: Sequence[str]) -> str:
    shown = [f"  {line}" for line in lines[:_SHOWN]]
    if len(lines) > _SHOWN:
        shown.append(f"  … and {len(lines) - _SHOWN} more")
    return "\n".join(shown)


def _header(
    ranked: Sequence[Run],
    runs: Sequence[Run],
    left_out: Iterable[LeftOutCell],
    command: Sequence[str],
) -> Header:
    headers = [run.header for run in ranked]
    runtimes = {item.name: item for header in headers for item in header.runtimes}
    left_out = tuple(left_out)
    gone = {item.cell for item in left_out}
    boundary = dict.fromkeys(cell for run in runs for cell in run.header.boundary)
    return Header(
        format=FORMAT,
        run="+".join(dict.fromkeys(run.header.run for run in runs)),
        beamproof=headers[-1].beamproof,
        started=min(header.started for header in headers),
        command=tuple(command),
        seed=headers[-1].seed,
        cells=tuple(cell for cell in _cells(runs) if cell not in gone),
        boundary=tuple(boundary),
        left_out=left_out,
        isolated=all(header.isolated for header in headers),
        claims_sha256={k: v for header in headers for k, v in header.claims_sha256.items()},
        probes_sha256={k: v for header in headers for k, v in header.probes_sha256.items()},
        runtimes=tuple(sorted(runtimes.values(), key=lambda item: release_order(item.name))),
    )


def _cells(runs: Sequence[Run]) -> Iterable[str]:
    """Return the cells of all runs once each, planned ones first, in the order given."""
    planned = (cell for run in runs for cell in run.header.cells)
    return dict.fromkeys([*planned, *(cell for run in runs for cell in run.by_cell)])


def _missing(runs: Sequence[Run], known: set[str]) -> tuple[str, ...]:
    named = _named(runs)
    runtimes = dict.fromkeys(
        (
            *(cell.runtime for cell in named),
            *(item.name for run in runs for item in run.header.runtimes),
        )
    )
    claims = dict.fromkeys((cell.skill, cell.claim) for cell in named)
    grid = (CellId.of(*claim, runtime) for claim in claims for runtime in runtimes)
    return tuple(cell for cell in grid if cell not in known)


def _named(runs: Sequence[Run]) -> tuple[CellId, ...]:
    """Return every cell that a header names, also what was left out."""
    return tuple(
        CellId(cell)
        for run in runs
        for cell in (
            *run.header.cells,
            *run.header.boundary,
            *(item.cell for item in run.header.left_out),
            *shares.cells_of_others(run.header),
        )
    )


def _absent(runs: Sequence[Run], expected: Iterable[str]) -> tuple[LeftOutCell, ...]:
    """Leave every claim out on the runtimes that were expected and that no run names."""
    named = _named(runs)
    arrived = {cell.runtime for cell in named}
    claims = dict.fromkeys((cell.skill, cell.claim) for cell in named)
    return tuple(
        LeftOutCell(cell=CellId.of(*claim, runtime), reason="no run of it arrived to be merged")
        for runtime in dict.fromkeys(expected)
        if runtime not in arrived
        for claim in claims
    )


def _footer(
    observations: int,
    at: str,
    missing: Sequence[str],
    incomplete: Sequence[str],
    absent: Sequence[str],
) -> Footer:
    reasons = [f"no run of {name} arrived" for name in absent]
    if incomplete:
        reasons.append("incomplete: " + ", ".join(incomplete))
    if missing:
        reasons.append(f"{len(missing)} cells are missing")
    return Footer(
        ended=at,
        outcome=Outcome.FAILED if reasons else Outcome.COMPLETE,
        observations=observations,
        reason="; ".join(reasons) or None,
    )
