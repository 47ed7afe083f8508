"""The claim file: from TOML to the models of `model`, every problem with its line.

Knows: keys, their kinds and their defaults. Must not know: probes, documents, evidence.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from harness.claims.expect import PredicateError, parse_predictions, plain_json
from harness.claims.model import Claim, Quote, Relation, Rival, Skill, Untestable, When
from harness.claims.predicates import Prediction
from harness.claims.problems import Problem
from harness.claims.reader import RawTable, TomlReader, folded
from harness.claims.toml_lines import Path as KeyPath
from harness.run.cells import Held, Need, NodeMode
from harness.suggest import did_you_mean

_ATOM = re.compile(r"[a-z][a-zA-Z0-9_@]*")

_NEEDS = tuple(need.value for need in Need)
_APPLICATION = "application:"
_ELIXIR = "elixir"

_Text = Annotated[str, Meta(min_length=1)]
_Count = Annotated[int, Meta(ge=1)]
_Seconds = Annotated[float, Meta(gt=0)]
_Share = Annotated[float, Meta(ge=0.01)]
"""CPU seconds a second; engines grant no less than a hundredth."""


class _RawQuote(RawTable, frozen=True, kw_only=True, forbid_unknown_fields=True):
    text: _Text
    relation: Relation = msgspec.field(name="is")
    why: str = ""


_Quote = _Text | _RawQuote | list[_Text | _RawQuote]
"""The document's words: alone, with what the claim does to them, or several of either."""


class _RawRival(RawTable, frozen=True, kw_only=True):
    statement: _Text
    expect: dict[str, Any]
    quote: _Quote = []
    otp: str = ""


class _RawWhen(RawTable, frozen=True, kw_only=True):
    otp: _Text
    expect: dict[str, Any]
    why: _Text


class _RawUntestable(RawTable, frozen=True, kw_only=True):
    quote: _Text | list[_Text]
    reason: _Text


class _RawClaim(RawTable, frozen=True, kw_only=True):
    id: _Text
    statement: _Text
    expect: dict[str, Any]
    quote: _Quote = []
    sources: list[_Text] = []
    rival: list[dict[str, Any]] = []
    when: list[dict[str, Any]] = []
    probe: str | None = None
    args: dict[str, Any] = {}
    otp: str = ""
    node: NodeMode = NodeMode.SHARED
    flags: list[str] = []
    cpus: _Share | None = None
    cpuset: _Count | None = None
    memory_mib: _Count | None = None
    needs: list[_Text] = []
    repeat: _Count = 1
    timing: bool = False
    timeout_s: _Seconds = 30.0


class _RawSkill(RawTable, frozen=True, kw_only=True):
    skill: _Text
    description: _Text
    section: _Count | None = None
    claim: list[dict[str, Any]] = []
    untestable: list[dict[str, Any]] = []


_M = TypeVar("_M")
_Ranged = TypeVar("_Ranged", _RawRival, _RawWhen)


def read_skill(path: Path) -> tuple[Skill | None, tuple[Problem, ...]]:
    """Read one claim file as far as it can be understood.

    Returns:
        The skill without its broken claims (None if the file is no skill at all) and every
        problem found, in the order of the file.
    """
    reader = TomlReader(path, "claim")
    document = reader.read()
    raw = None if document is None else reader.convert(document, (), _RawSkill)
    skill = None if raw is None else _skill(reader, raw)
    return skill, reader.problems


def _skill(reader: TomlReader, raw: _RawSkill) -> Skill:
    if raw.skill != reader.path.stem:
        reader.at(("skill",), f'skill "{raw.skill}" in a file named "{reader.path.name}"')
    reader.name(("skill",), raw.skill)
    claims = _present(_claim(reader, raw.skill, one, n) for n, one in enumerate(raw.claim))
    reader.refuse_doubles((claim.id, claim.line) for claim in claims)
    return Skill(
        name=raw.skill,
        description=raw.description,
        claims=claims,
        untestable=_present(
            _untestable(reader, one, ("untestable", n)) for n, one in enumerate(raw.untestable)
        ),
        section=raw.section,
        path=reader.path,
        sha256=hashlib.sha256(reader.content).hexdigest(),
    )


def _claim(reader: TomlReader, skill: str, table: dict[str, Any], number: int) -> Claim | None:
    at = ("claim", number)
    raw = reader.convert(table, at, _RawClaim)
    rivals = _each(reader, table, (*at, "rival"), _rival)
    whens = _each(reader, table, (*at, "when"), _when)
    if raw is None:
        return None
    reader.name((*at, "id"), raw.id)
    reader.range((*at, "otp"), raw.otp)
    _args(reader, raw.args, (*at, "args"))
    expect = _predictions(reader, raw.expect, (*at, "expect"))
    if expect is None:
        return None
    return Claim(
        skill=skill,
        id=raw.id,
        statement=folded(raw.statement),
        expect=expect,
        probe=_probe(reader, raw, at),
        quotes=_quotes(raw.quote, Relation.PROVES),
        sources=tuple(raw.sources),
        rivals=rivals,
        whens=whens,
        args=raw.args,
        otp=raw.otp,
        node=raw.node,
        flags=tuple(raw.flags),
        held=Held(cpus=raw.cpus, cpuset=raw.cpuset, memory_mib=raw.memory_mib),
        needs=_needs(raw),
        applications=_applications(reader, raw.needs, (*at, "needs")),
        repeat=raw.repeat,
        timing=raw.timing,
        timeout_s=raw.timeout_s,
        path=reader.path,
        line=reader.line_of(at),
        topic=reader.heading_above(reader.line_of(at)),
    )


def _probe(reader: TomlReader, raw: _RawClaim, at: KeyPath) -> str:
    probe = raw.id.replace("-", "_") if raw.probe is None else raw.probe
    if not _ATOM.fullmatch(probe):
        reader.at((*at, "probe"), f'probe "{probe}" is not the name of an Erlang function')
    return probe


def _needs(raw: _RawClaim) -> frozenset[Need]:
    """Return what a claim needs beside a VM; only an engine gives a quota of CPU time."""
    quota = {Need.DOCKER} if raw.cpus is not None else set()
    return frozenset({Need(need) for need in raw.needs if need in _NEEDS} | quota)


def _applications(reader: TomlReader, needs: Iterable[str], at: KeyPath) -> frozenset[str]:
    """Return the applications among a claim's needs; what is no need at all is a problem."""
    named = set()
    for need in needs:
        application = need.removeprefix(_APPLICATION)
        if need == _ELIXIR:
            named.add(_ELIXIR)
        elif application != need and _ATOM.fullmatch(application):
            named.add(application)
        elif need not in _NEEDS:
            known = (*_NEEDS, _ELIXIR, f"{_APPLICATION}NAME")
            meant = did_you_mean(need, known) or f"; known are {', '.join(known)}"
            reader.at(at, f'needs: there is no need "{need}"{meant}')
    return frozenset(named)


def _each(
    reader: TomlReader,
    table: dict[str, Any],
    at: KeyPath,
    read: Callable[[TomlReader, Any, KeyPath], _M | None],
) -> tuple[_M, ...]:
    tables = table.get(str(at[-1]), [])
    if not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables):
        return ()  # said by the conversion of the claim
    return _present(read(reader, one, (*at, number)) for number, one in enumerate(tables))


def _rival(reader: TomlReader, table: dict[str, Any], at: KeyPath) -> Rival | None:
    raw, expect = _ranged(reader, table, at, _RawRival)
    if raw is None or expect is None:
        return None
    return Rival(
        statement=folded(raw.statement),
        expect=expect,
        quotes=_quotes(raw.quote, Relation.CORRECTS),
        otp=raw.otp,
        line=reader.line_of(at),
    )


def _when(reader: TomlReader, table: dict[str, Any], at: KeyPath) -> When | None:
    raw, expect = _ranged(reader, table, at, _RawWhen)
    if raw is None or expect is None:
        return None
    return When(otp=raw.otp, expect=expect, why=folded(raw.why), line=reader.line_of(at))


def _ranged(
    reader: TomlReader, table: dict[str, Any], at: KeyPath, model: type[_Ranged]
) -> tuple[_Ranged | None, tuple[Prediction, ...] | None]:
    """Return a table that predicts something on a range of releases, and its predictions."""
    raw = reader.convert(table, at, model)
    if raw is None:
        return None, None
    reader.range((*at, "otp"), raw.otp)
    return raw, _predictions(reader, raw.expect, (*at, "expect"))


def _untestable(reader: TomlReader, table: dict[str, Any], at: KeyPath) -> Untestable | None:
    raw = reader.convert(table, at, _RawUntestable)
    if raw is None:
        return None
    return Untestable(
        quotes=(raw.quote,) if isinstance(raw.quote, str) else tuple(raw.quote),
        reason=folded(raw.reason),
        line=reader.line_of(at),
    )


def _predictions(
    reader: TomlReader, expect: Mapping[str, Any], at: KeyPath
) -> tuple[Prediction, ...] | None:
    try:
        return parse_predictions(expect, lambda path: reader.line_of((*at, *path)))
    except PredicateError as error:
        name = ".".join(("expect", *error.path))
        reader.at((*at, *error.path), f"{name}: {error.message}")
        return None


def _args(reader: TomlReader, args: dict[str, Any], at: KeyPath) -> None:
    for key, value in args.items():
        if not _ATOM.fullmatch(key):
            reader.at((*at, key), f'args: "{key}" is not an atom; write it in lower case')
        try:
            plain_json(value, (key,))
        except PredicateError as error:
            reader.at((*at, *error.path), f"args: {error.message}")


def _present(found: Iterable[_M | None]) -> tuple[_M, ...]:
    return tuple(one for one in found if one is not None)


def _quotes(raw: _Quote, relation: Relation) -> tuple[Quote, ...]:
    """Return the quotes of a claim or rival, with what is meant where nothing is said."""
    return tuple(
        Quote(text=one, relation=relation)
        if isinstance(one, str)
        else Quote(text=one.text, relation=one.relation, why=folded(one.why))
        for one in (raw if isinstance(raw, list) else [raw])
    )
