"""Lines of a TOML file: which key stands where, since `tomllib` does not say.

Knows: headers, dotted keys, strings, brackets and headings in comments. Must not know: what the
keys mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

Path = tuple[str | int, ...]
"""Keys from the top of the file; tables of an array by their index."""

# A statement ends with its line, unless the end lies in a string or between brackets. Nothing here
# ever backtracks: a file of 50 kB takes a few milliseconds.
_STRING = r"""
    \"{3} (?: \\. | [^\\] )*? \"{3}
  | '{3} .*? '{3}
  | " (?: \\. | [^"\\\n] )*+ "
  | ' [^'\n]*+ '
"""
_SIMPLE = rf"""[^\]\[}}{{"'\#\n]++ | {_STRING} | \# [^\n]*+"""
_DEPTH = 3


def _brackets(depth: int) -> str:
    inner = "" if depth == 0 else f"| {_brackets(depth - 1)}"
    return rf"[\[{{] (?: {_SIMPLE} | \n {inner} )*+ [\]}}]"


_STATEMENT = re.compile(
    rf"(?: {_SIMPLE} | {_brackets(_DEPTH)} | [^\n] )*+ (?: \n | \Z )", re.DOTALL | re.VERBOSE
)
_PART = r"""(?:[A-Za-z0-9_-]+|"(?:\\.|[^"\\\n])*"|'[^'\n]*')"""
_DOTTED = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEADER = re.compile(rf"\s*\[\[?\s*(?P<key>{_DOTTED})\s*\]")
_KEY = re.compile(rf"\s*(?P<key>{_DOTTED})\s*=")
_ONE_PART = re.compile(_PART)
_HEADING = re.compile(r"\s*#\s*-{3,}\s+(?P<title>\S.*?)\s+-{3,}\s*")
"""A comment that heads what follows it: `# --- What is copied ------`."""


class Lines:
    """Find the line of a key in one TOML text."""

    def __init__(self, text: str) -> None:
        self._lines: dict[Path, int] = {}
        self._tables: dict[Path, int] = {}
        self._headings: list[tuple[int, str]] = []
        current: Path = ()
        for number, statement in statements(text):
            if (heading := _HEADING.fullmatch(statement)) is not None:
                self._headings.append((number, heading["title"]))
            elif (header := header_of(statement)) is not None:
                current = self._enter(header, array=statement.lstrip().startswith("[["))
                self._note(current, number)
            elif (key := key_of(statement)) is not None:
                self._note((*current, *key), number)

    def of(self, path: Path) -> int:
        """Return the line of a key, or of the nearest table around it that the file names."""
        for length in range(len(path), 0, -1):
            if (line := self._lines.get(path[:length])) is not None:
                return line
        return 1

    def heading(self, line: int) -> str:
        """Return the nearest heading above a line, empty where there is none."""
        return next((title for at, title in reversed(self._headings) if at < line), "")

    def _note(self, path: Path, number: int) -> None:
        while path and path not in self._lines:
            self._lines[path] = number
            path = path[:-1]

    def _enter(self, parts: tuple[str, ...], *, array: bool) -> Path:
        path: Path = ()
        for part in parts[:-1]:
            path = (*path, part)
            if path in self._tables:
                path = (*path, self._tables[path])
        path = (*path, *parts[-1:])
        if not array:
            return path
        self._tables[path] = self._tables.get(path, -1) + 1
        return (*path, self._tables[path])


def statements(text: str) -> Iterator[tuple[int, str]]:
    """Yield each statement, also comments and empty lines, with the number of its first line."""
    number = 1
    for found in _STATEMENT.finditer(text):
        statement = found.group()
        yield number, statement
        number += statement.count("\n")


def header_of(statement: str) -> tuple[str, ...] | None:
    """Return the name of the table that a statement opens, None if it opens none."""
    header = _HEADER.match(statement)
    return None if header is None else _parts(header["key"])


def key_of(statement: str) -> tuple[str, ...] | None:
    """Return the key that a statement sets, None if it sets none."""
    key = _KEY.match(statement)
    return None if key is None else _parts(key["key"])


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part[1:-1] if part[0] in "\"'" else part for part in _ONE_PART.findall(dotted))
