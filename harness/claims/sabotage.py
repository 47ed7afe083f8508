"""Sabotage: what is taken out of a probe, and which claims must fall with it.

Knows: the file `sabotage/<skill>.toml` below the claims, the sources that it changes.
Must not know: how a changed probe is run, or what a verdict is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta

from harness.claims.model import Fall, Skill
from harness.claims.problems import Problem
from harness.claims.reader import RawTable, TomlReader, folded
from harness.claims.toml_lines import Path as KeyPath
from harness.claims.versions import matches
from harness.errors import ClaimError
from harness.suggest import closest, did_you_mean

FOLDER = "sabotage"
"""Name of the folder of these files, below that of the claims."""

_ERL = ".erl"
_PLACE_ALIKE = 0.3
"""How alike lines must be to be named as the nearest place of some that are not there."""

_Text = Annotated[str, Meta(min_length=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """Replace some lines of one source, which it has exactly once."""

    source: str
    find: str
    replace: str

    @property
    def module(self) -> str:
        """Return the Erlang module that is changed."""
        return self.source.removesuffix(_ERL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """Hold one way of taking a probe's essence out; `clause` is what falls with it.

    `sources` is the text of each changed module, by its name.
    """

    id: str
    claims: tuple[str, ...]
    why: str
    sources: Mapping[str, str]
    clause: str = ""
    otp: str = ""
    line: int = 0

    def applies_to(self, otp_version: str) -> bool:
        """Tell whether the variant makes sense on a release, given its full version."""
        return matches(self.otp, otp_version)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sabotage:
    """Hold the variants of one skill, in the order of their file."""

    skill: str
    path: Path
    variants: tuple[Variant, ...]

    def of(self, claim: str) -> tuple[Variant, ...]:
        """Return the variants under which a claim must fall."""
        return tuple(variant for variant in self.variants if claim in variant.claims)


class _RawEdit(RawTable, frozen=True, kw_only=True):
    find: _Text
    replace: str
    source: str = ""


class _RawVariant(RawTable, frozen=True, kw_only=True):
    id: _Text
    claims: Annotated[list[_Text], Meta(min_length=1)]
    why: _Text
    edit: Annotated[list[dict[str, Any]], Meta(min_length=1)]
    clause: str = ""
    otp: str = ""


class _RawSabotage(RawTable, frozen=True, kw_only=True):
    skill: _Text
    variant: list[dict[str, Any]] = []


Sources = Mapping[str, str]
"""The text of every probe module that may be changed, by its name."""


def sabotage_path(claims_dir: Path, skill: str) -> Path:
    """Return where the variants of a skill stand."""
    return claims_dir / FOLDER / f"{skill}.toml"


def load_sabotage(claims_dir: Path, skill: Skill, sources: Sources) -> Sabotage:
    """Read the variants of a skill; none where there is no such file.

    Raises:
        ClaimError: the file is wrong; every problem is named with its line.
    """
    path = sabotage_path(claims_dir, skill.name)
    if not path.is_file():
        return Sabotage(skill=skill.name, path=path, variants=())
    sabotage, problems = read_sabotage(path, skill, sources)
    if sabotage is None or problems:
        raise ClaimError("\n".join(str(problem) for problem in problems))
    return sabotage


def with_falls(claims_dir: Path, skills: Iterable[Skill]) -> tuple[Skill, ...]:
    """Return skills whose claims know what they fall without; wrong variants are left out."""
    return tuple(_with_falls(sabotage_path(claims_dir, skill.name), skill) for skill in skills)


def _with_falls(path: Path, skill: Skill) -> Skill:
    sabotage = read_sabotage(path, skill, None)[0] if path.is_file() else None
    if sabotage is None:
        return skill
    claims = []
    for claim in skill.claims:
        named = sabotage.of(claim.id)
        falls = tuple(Fall(variant=one.id, clause=one.clause, why=one.why) for one in named)
        claims.append(replace(claim, falls=falls))
    return replace(skill, claims=tuple(claims))


def read_sabotage(
    path: Path, skill: Skill, sources: Sources | None
) -> tuple[Sabotage | None, tuple[Problem, ...]]:
    """Read one file of variants as far as it can be understood.

    Args:
        path: the file.
        skill: whose claims it names.
        sources: what it changes; None where nothing is to be run, and `sources` stay empty.

    Returns:
        The variants without the broken ones (None where the file is none at all) and every
        problem found, in the order of the file.
    """
    reader = TomlReader(path, "variant")
    document = reader.read()
    raw = None if document is None else reader.convert(document, (), _RawSabotage)
    if raw is None:
        return None, reader.problems
    if raw.skill != skill.name or path.stem != skill.name:
        reader.at(("skill",), f'skill "{raw.skill}" in a file named "{path.name}"')
    found = [_variant(reader, one, n, skill, sources) for n, one in enumerate(raw.variant)]
    variants = tuple(variant for variant in found if variant is not None)
    reader.refuse_doubles((variant.id, variant.line) for variant in variants)
    return Sabotage(skill=skill.name, path=path, variants=variants), reader.problems


def _variant(
    reader: TomlReader,
    table: dict[str, Any],
    number: int,
    skill: Skill,
    sources: Sources | None,
) -> Variant | None:
    at: KeyPath = ("variant", number)
    raw = reader.convert(table, at, _RawVariant)
    if raw is None:
        return None
    reader.name((*at, "id"), raw.id)
    reader.range((*at, "otp"), raw.otp)
    _refuse_unknown_claims(reader, raw.claims, at, skill)
    edits = [_edit(reader, one, (*at, "edit", n), skill.module) for n, one in enumerate(raw.edit)]
    changed = {} if sources is None else _changed(reader, edits, at, sources)
    if changed is None:
        return None
    return Variant(
        id=raw.id,
        claims=tuple(dict.fromkeys(raw.claims)),
        why=folded(raw.why),
        sources=changed,
        clause=folded(raw.clause),
        otp=raw.otp,
        line=reader.line_of(at),
    )


def _refuse_unknown_claims(
    reader: TomlReader, names: Iterable[str], at: KeyPath, skill: Skill
) -> None:
    known = [claim.id for claim in skill.claims]
    for name in names:
        if name not in known:
            meant = did_you_mean(name, known)
            reader.at((*at, "claims"), f'{skill.name} has no claim "{name}"{meant}')


def _edit(reader: TomlReader, table: dict[str, Any], at: KeyPath, module: str) -> Edit | None:
    raw = reader.convert(table, at, _RawEdit)
    if raw is None:
        return None
    if raw.find.strip("\n") == raw.replace.strip("\n"):
        reader.at(at, "find and replace are the same: nothing is taken out")
        return None
    source = raw.source or f"{module}{_ERL}"
    return Edit(source=source, find=raw.find.strip("\n"), replace=raw.replace.strip("\n"))


@dataclass(frozen=True, slots=True, order=True)
class _Span:
    """Hold where in a module's text an edit takes place, and what stands there afterwards."""

    module: str
    start: int
    end: int
    new: str


def _changed(
    reader: TomlReader, edits: Sequence[Edit | None], at: KeyPath, sources: Sources
) -> dict[str, str] | None:
    """Return the changed text of each module that the edits name, None where one fits nowhere."""
    found = [
        None if edit is None else _span(reader, edit, (*at, "edit", number), sources)
        for number, edit in enumerate(edits)
    ]
    spans = sorted(span for span in found if span is not None)
    if len(spans) < len(found):
        return None
    for left, right in pairwise(spans):
        if left.module == right.module and left.end > right.start:
            reader.at(at, f"two edits of {left.module} overlap: make them one")
            return None
    changed = {span.module: sources[span.module] for span in spans}
    for span in reversed(spans):
        text = changed[span.module]
        changed[span.module] = text[: span.start] + span.new + text[span.end :]
    return changed


def _span(reader: TomlReader, edit: Edit, at: KeyPath, sources: Sources) -> _Span | None:
    if edit.module not in sources or not edit.source.endswith(_ERL):
        meant = did_you_mean(edit.source, [f"{name}{_ERL}" for name in sources])
        reader.at(at, f"there is no probe source {edit.source}{meant}")
        return None
    text = sources[edit.module]
    places = occurrences(edit.find, text)
    if len(places) != 1:
        reader.at((*at, "find"), f"{edit.source}: {_not_once(edit.find, text, places)}")
        return None
    end = places[0] + len(edit.find)
    return _Span(module=edit.module, start=places[0], end=end, new=edit.replace)


def occurrences(find: str, text: str) -> tuple[int, ...]:
    """Return where a text stands; of several places those where it makes whole lines count."""
    starts: list[int] = []
    at = text.find(find)
    while at >= 0:
        starts.append(at)
        at = text.find(find, at + 1)
    if len(starts) < 2:  # noqa: PLR2004  nothing to choose from
        return tuple(starts)
    whole = [
        start
        for start in starts
        if f"\n{text}\n"[start] == "\n" and f"{text}\n"[start + len(find)] == "\n"
    ]
    return tuple(whole or starts)


def _not_once(find: str, text: str, places: Sequence[int]) -> str:
    if places:
        lines = ", ".join(str(text.count("\n", 0, start) + 1) for start in places)
        return f"the lines stand there {len(places)} times (lines {lines}): take more of them"
    length = find.count("\n") + 1
    rows = text.split("\n")
    windows = ["\n".join(rows[at : at + length]) for at in range(len(rows) - length + 1)]
    near = closest(find, dict.fromkeys(windows), alike=_PLACE_ALIKE)
    if near is None:
        return "the lines do not stand there"
    line = windows.index(near) + 1
    return f"the lines do not stand there; the nearest are from line {line} on:\n{near}"
