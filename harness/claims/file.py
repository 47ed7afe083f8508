"""The claim file: from TOML to the models of `claims`, every problem with its line.

Knows: keys, their kinds and their defaults. Must not know: probes, documents, evidence.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from harness.claims.model import Claim, Rival, Skill, Untestable, When
from harness.claims.expect import PredicateError, parse_predictions, plain_json
from harness.run.cells import Need, NodeMode
from harness.claims.predicates import Prediction
from harness.claims.problems import Problem
from harness.claims.toml_lines import Lines
from harness.claims.toml_lines import Path as KeyPath
from harness.claims.versions import range_problem

_KEBAB = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_ATOM = re.compile(r"[a-z][a-zA-Z0-9_@]*")
_TOML_PLACE = re.compile(r" \(at line (\d+), column \d+\)$")
_AT_PATH = re.compile(r" - at `(?P<path>\$[^`]*)`$")
_PATH_PART = re.compile(r"\.(?P<key>\w+)|\[(?P<index>\d+)\]")

_Text = Annotated[str, Meta(min_length=1)]
_Count = Annotated[int, Meta(ge=1)]
_Seconds = Annotated[float, Meta(gt=0)]
_Quote = _Text | list[_Text]


class _Table(msgspec.Struct, frozen=True, kw_only=True):
    """Share the options of every table; unknown keys are found by hand, all of them at once."""


class _RawRival(_Table, frozen=True, kw_only=True):
    statement: _Text
    expect: dict[str, Any]
    quote: _Quote = []
    otp: str = ""


class _RawWhen(_Table, frozen=True, kw_only=True):
    otp: _Text
    expect: dict[str, Any]
    why: _Text


class _RawUntestable(_Table, frozen=True, kw_only=True):
    quote: _Quote
    reason: _Text


class _RawClaim(_Table, frozen=True, kw_only=True):
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
    needs: list[Need] = []
    repeat: _Count = 1
    timing: bool = False
    timeout_s: _Seconds = 30.0


class _RawSkill(_Table, frozen=True, kw_only=True):
    skill: _Text
    description: _Text
    section: _Count | None = None
    claim: list[dict[str, Any]] = []
    untestable: list[dict[str, Any]] = []


_T = TypeVar("_T", bound=_Table)


def read_skill(path: Path) -> tuple[Skill | None, tuple[Problem, ...]]:
    """Read one claim file as far as it can be understood.

    Returns:
        The skill without its broken claims (None if the file is no skill at all) and every
        problem found, in the order of the file.
    """
    reader = _Reader(path)
    skill = reader.read()
    return skill, tuple(sorted(reader.problems, key=lambda problem: problem.line))


class _Reader:
    """Convert one file and collect what is wrong with it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems: list[Problem] = []
        self._lines = Lines("")
        self._ids: dict[int, str] = {}

    def read(self) -> Skill | None:
        try:
            text = self.path.read_text(encoding="utf-8")
            document = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            place = _TOML_PLACE.search(str(error))
            line = int(place[1]) if place else text.count("\n") + 1
            self._say(line, f"not TOML: {_TOML_PLACE.sub('', str(error))}")
            return None
        except OSError as error:
            self._say(1, f"cannot be read: {error.strerror}")
            return None
        except UnicodeDecodeError as error:
            self._say(1, f"not UTF-8: {error.reason} at byte {error.start}")
            return None
        self._lines = Lines(text)
        raw = self._convert(document, (), _RawSkill)
        return None if raw is None else self._skill(raw)

    def _skill(self, raw: _RawSkill) -> Skill:
        if raw.skill != self.path.stem:
            self._at(("skill",), f'skill "{raw.skill}" in a file named "{self.path.name}"')
        self._name(("skill",), raw.skill)
        claims = [self._claim(raw.skill, one, n) for n, one in enumerate(raw.claim)]
        untestable = [
            self._untestable(one, ("untestable", n)) for n, one in enumerate(raw.untestable)
        ]
        known = _present(claims)
        self._refuse_doubles(known)
        return Skill(
            name=raw.skill,
            description=raw.description,
            claims=known,
            untestable=_present(untestable),
            section=raw.section,
            path=self.path,
        )

    def _claim(self, skill: str, table: dict[str, Any], number: int) -> Claim | None:
        if isinstance(table.get("id"), str):
            self._ids[number] = table["id"]
        at = ("claim", number)
        raw = self._convert(table, at, _RawClaim)
        rivals = self._each(table, (*at, "rival"), self._rival)
        whens = self._each(table, (*at, "when"), self._when)
        if raw is None:
            return None
        self._name((*at, "id"), raw.id)
        self._range((*at, "otp"), raw.otp)
        self._args(raw.args, (*at, "args"))
        expect = self._predictions(raw.expect, (*at, "expect"))
        if expect is None:
            return None
        return Claim(
            skill=skill,
            id=raw.id,
            statement=_folded(raw.statement),
            expect=expect,
            probe=self._probe(raw, at),
            quotes=_quotes(raw.quote),
            sources=tuple(raw.sources),
            rivals=rivals,
            whens=whens,
            args=raw.args,
            otp=raw.otp,
            node=raw.node,
            flags=tuple(raw.flags),
            needs=frozenset(raw.needs),
            repeat=raw.repeat,
            timing=raw.timing,
            timeout_s=raw.timeout_s,
            path=self.path,
            line=self._lines.of(at),
        )

    def _probe(self, raw: _RawClaim, at: KeyPath) -> str:
        probe = raw.id.replace("-", "_") if raw.probe is None else raw.probe
        if not _ATOM.fullmatch(probe):
            self._at((*at, "probe"), f'probe "{probe}" is not the name of an Erlang function')
        return probe

    def _each(
        self, table: dict[str, Any], at: KeyPath, read: Callable[[Any, KeyPath], _M | None]
    ) -> tuple[_M, ...]:
        tables = table.get(str(at[-1]), [])
        if not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables):
            return ()  # said by the conversion of the claim
        return _present(read(one, (*at, number)) for number, one in enumerate(tables))

    def _rival(self, table: dict[str, Any], at: KeyPath) -> Rival | None:
        raw = self._convert(table, at, _RawRival)
        if raw is None:
            return None
        self._range((*at, "otp"), raw.otp)
        expect = self._predictions(raw.expect, (*at, "expect"))
        if expect is None:
            return None
        return Rival(
            statement=_folded(raw.statement),
            expect=expect,
            quotes=_quotes(raw.quote),
            otp=raw.otp,
            line=self._lines.of(at),
        )

    def _when(self, table: dict[str, Any], at: KeyPath) -> When | None:
        raw = self._convert(table, at, _RawWhen)
        if raw is None:
            return None
        self._range((*at, "otp"), raw.otp)
        expect = self._predictions(raw.expect, (*at, "expect"))
        if expect is None:
            return None
        return When(otp=raw.otp, expect=expect, why=_folded(raw.why), line=self._lines.of(at))

    def _untestable(self, table: dict[str, Any], at: KeyPath) -> Untestable | None:
        raw = self._convert(table, at, _RawUntestable)
        if raw is None:
            return None
        return Untestable(
            quotes=_quotes(raw.quote), reason=_folded(raw.reason), line=self._lines.of(at)
        )

    def _convert(self, table: dict[str, Any], at: KeyPath, model: type[_T]) -> _T | None:
        known = model.__struct_fields__
        understood = {key: value for key, value in table.items() if key in known}
        for key in table.keys() - understood.keys():
            close = get_close_matches(key, known, n=1)
            if close:  # go on as if it had been written so: the rest may be wrong as well
                understood.setdefault(close[0], table[key])
            meant = f'; did you mean "{close[0]}"?' if close else f"; known are {', '.join(known)}"
            self._at((*at, key), f'unknown key "{key}"{meant}')
        try:
            return msgspec.convert(understood, model)
        except msgspec.ValidationError as error:
            where = _AT_PATH.search(str(error))
            below = _key_path(where["path"]) if where else ()
            name = f'"{".".join(str(part) for part in below)}": ' if below else ""
            self._at((*at, *below), f"{name}{_plainer(_AT_PATH.sub('', str(error)))}")
            return None

    def _predictions(self, expect: Mapping[str, Any], at: KeyPath) -> tuple[Prediction, ...] | None:
        try:
            return parse_predictions(expect, lambda path: self._lines.of((*at, *path)))
        except PredicateError as error:
            name = ".".join(("expect", *error.path))
            self._at((*at, *error.path), f"{name}: {error.message}")
            return None

    def _args(self, args: dict[str, Any], at: KeyPath) -> None:
        for key, value in args.items():
            if not _ATOM.fullmatch(key):
                self._at((*at, key), f'args: "{key}" is not an atom; write it in lower case')
            try:
                plain_json(value, (key,))
            except PredicateError as error:
                self._at((*at, *error.path), f"args: {error.message}")

    def _range(self, at: KeyPath, specifier: str) -> None:
        if (problem := range_problem(specifier)) is not None:
            self._at(at, f"otp: {problem}")

    def _name(self, at: KeyPath, name: str) -> None:
        if not _KEBAB.fullmatch(name):
            kebab = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
            self._at(at, f'"{name}" is not kebab-case; did you mean "{kebab}"?')

    def _refuse_doubles(self, claims: Iterable[Claim]) -> None:
        first: dict[str, int] = {}
        for claim in claims:
            if claim.id in first:
                self._say(claim.line, f'id "{claim.id}" is taken by line {first[claim.id]}')
            first.setdefault(claim.id, claim.line)

    def _at(self, at: KeyPath, message: str) -> None:
        match at:
            case ("claim", int(number), *_):
                name = f"{self._ids.get(number, f'claim {number + 1}')}: "
            case _:
                name = ""
        self._say(self._lines.of(at), f"{name}{message}")

    def _say(self, line: int, message: str) -> None:
        self.problems.append(Problem(path=self.path, line=line, message=message))


_M = TypeVar("_M")


def _present(found: Iterable[_M | None]) -> tuple[_M, ...]:
    return tuple(one for one in found if one is not None)


def _quotes(quote: str | list[str]) -> tuple[str, ...]:
    return (quote,) if isinstance(quote, str) else tuple(quote)


def _folded(text: str) -> str:
    return " ".join(text.split())


def _key_path(path: str) -> KeyPath:
    return tuple(part["key"] or int(part["index"]) for part in _PATH_PART.finditer(path))


def _plainer(message: str) -> str:
    """Say msgspec's messages in the words of the file."""
    missing = re.fullmatch(r"Object missing required field `(\w+)`", message)
    if missing:
        return f'the key "{missing[1]}" is missing'
    return message.replace("`object`", "a table").replace("`array`", "a list").replace("`", '"')
