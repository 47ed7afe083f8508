"""One TOML file that people write: its tables converted to models, every problem with its line.

Knows: models, lines, names of entries. Must not know: what the tables mean.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from harness.claims.model import is_name
from harness.claims.problems import Problem
from harness.claims.toml_lines import Lines
from harness.claims.toml_lines import Path as KeyPath
from harness.claims.versions import range_problem
from harness.suggest import closest

_TOML_PLACE = re.compile(r" \(at line (\d+), column \d+\)$")
_AT_PATH = re.compile(r" - at `(?P<path>\$[^`]*)`$")
_PATH_PART = re.compile(r"\.(?P<key>\w+)|\[(?P<index>\d+)\]")


class RawTable(msgspec.Struct, frozen=True, kw_only=True):
    """Share the options of every table; unknown keys are found by hand, all of them at once."""


_T = TypeVar("_T", bound=RawTable)


class TomlReader:
    """Convert the tables of one file and collect what is wrong with it.

    Args:
        path: the file.
        entries: name of the array of tables whose entries problems are told by (`claim`).
    """

    def __init__(self, path: Path, entries: str) -> None:
        self.path = path
        self.content = b""
        self._entries = entries
        self._problems: list[Problem] = []
        self._lines = Lines("")
        self._ids: dict[int, str] = {}

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Return every problem so far, in the order of the file."""
        return tuple(sorted(self._problems, key=lambda problem: problem.line))

    def read(self) -> dict[str, Any] | None:
        """Return the file's content, None where it is no TOML at all."""
        text = ""
        try:
            self.content = self.path.read_bytes()
            text = self.content.decode().replace("\r\n", "\n")
            document = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            place = _TOML_PLACE.search(str(error))
            line = int(place[1]) if place else text.count("\n") + 1
            self.say(line, f"not TOML: {_TOML_PLACE.sub('', str(error))}")
            return None
        except OSError as error:
            self.say(1, f"cannot be read: {error.strerror}")
            return None
        except UnicodeDecodeError as error:
            self.say(1, f"not UTF-8: {error.reason} at byte {error.start}")
            return None
        self._lines = Lines(text)
        return document

    def convert(self, table: dict[str, Any], at: KeyPath, model: type[_T]) -> _T | None:
        """Return a table as its model, None where that cannot be."""
        if len(at) == 2 and isinstance(table.get("id"), str):  # noqa: PLR2004  name and number
            self._ids[int(at[1])] = table["id"]
        known = model.__struct_fields__
        understood = {key: value for key, value in table.items() if key in known}
        for key in table.keys() - understood.keys():
            close = closest(key, known)
            if close is not None:  # as if it had been written so: the rest may be wrong as well
                understood.setdefault(close, table[key])
            meant = f'; did you mean "{close}"?' if close else f"; known are {', '.join(known)}"
            self.at((*at, key), f'unknown key "{key}"{meant}')
        try:
            return msgspec.convert(understood, model)
        except msgspec.ValidationError as error:
            where = _AT_PATH.search(str(error))
            below = _key_path(where["path"]) if where else ()
            name = f'"{".".join(str(part) for part in below)}": ' if below else ""
            self.at((*at, *below), f"{name}{_plainer(_AT_PATH.sub('', str(error)))}")
            return None

    def range(self, at: KeyPath, specifier: str) -> None:
        """Note what is wrong with a range of OTP versions."""
        if (problem := range_problem(specifier)) is not None:
            self.at(at, f"otp: {problem}")

    def name(self, at: KeyPath, name: str) -> None:
        """Note a name that is not kebab-case."""
        if not is_name(name):
            kebab = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
            self.at(at, f'"{name}" is not kebab-case; did you mean "{kebab}"?')

    def line_of(self, at: KeyPath) -> int:
        """Return the line of a key."""
        return self._lines.of(at)

    def heading_above(self, line: int) -> str:
        """Return the heading of the part of the file that a line lies in."""
        return self._lines.heading(line)

    def at(self, at: KeyPath, message: str) -> None:
        """Note a problem at a key."""
        name = ""
        if len(at) > 1 and at[0] == self._entries:
            number = int(at[1])
            name = f"{self._ids.get(number, f'{self._entries} {number + 1}')}: "
        self.say(self._lines.of(at), f"{name}{message}")

    def say(self, line: int, message: str) -> None:
        """Note a problem on a line."""
        self._problems.append(Problem(path=self.path, line=line, message=message))

    def refuse_doubles(self, entries: Iterable[tuple[str, int]]) -> None:
        """Note every id that an earlier entry has; entries are pairs of id and line."""
        first: dict[str, int] = {}
        for name, line in entries:
            if name in first:
                self.say(line, f'id "{name}" is taken by line {first[name]}')
            first.setdefault(name, line)


def folded(text: str) -> str:
    """Return a text in one line, without runs of white space."""
    return " ".join(text.split())


def _key_path(path: str) -> KeyPath:
    return tuple(part["key"] or int(part["index"]) for part in _PATH_PART.finditer(path))


def _plainer(message: str) -> str:
    """Say msgspec's messages in the words of the file."""
    missing = re.fullmatch(r"Object missing required field `(\w+)`", message)
    if missing:
        return f'the key "{missing[1]}" is missing'
    return message.replace("`object`", "a table").replace("`array`", "a list").replace("`", '"')
