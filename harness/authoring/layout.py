"""The one layout of claim files and of their variants: keys in order, an empty line before tables.

Knows: statements of TOML, which keys come first. Must not know: what the keys mean.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from harness.claims.toml_lines import header_of, key_of, statements
from harness.errors import InputError, StorageError
from harness.system.files import rewrite_file

_ORDER = {
    (): ("skill", "section", "description"),
    ("claim",): (
        *("id", "probe", "args", "node", "flags", "cpus", "cpuset", "memory_mib", "needs"),
        *("repeat", "timing", "timeout_s", "otp", "statement", "quote", "sources", "expect"),
    ),
    ("claim", "rival"): ("statement", "quote", "otp", "expect"),
    ("claim", "when"): ("otp", "why", "expect"),
    ("untestable",): ("quote", "reason"),
    ("variant",): ("id", "claims", "clause", "why", "otp"),
    ("variant", "edit"): ("source", "find", "replace"),
}
"""What is run, where, what is said of it, and last what is predicted: by table."""

_ASSIGNED = re.compile(r"\s*=\s*")
_MARK = "\ufeff"


@dataclass(slots=True)
class _Table:
    """Hold the statements of one table; comments go with what they stand above."""

    name: tuple[str, ...] = ()
    lead: list[str] = field(default_factory=list)
    keys: list[tuple[str, list[str], str]] = field(default_factory=list)
    tail: list[str] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        yield from self.lead
        order = _ORDER.get(self.name, ())
        rank = {key: place for place, key in enumerate(order)}
        keys = sorted(self.keys, key=lambda one: rank.get(one[0], len(rank))) if rank else self.keys
        for _, comments, statement in keys:
            yield from comments
            yield statement
        yield from self.tail


def laid_out(text: str) -> str:
    """Return a file in the one layout: nothing lost, nothing changed in meaning.

    Args:
        text: the whole file.

    Raises:
        TOMLDecodeError: it is no TOML.
    """
    unix = text.removeprefix(_MARK).replace("\r\n", "\n")
    before = tomllib.loads(unix)
    tables = _tables(unix)
    result = "\n".join("".join(table.lines()) for table in tables if any(table.lines()))
    if tomllib.loads(result) != before or _comments(result) != _comments(unix):
        raise ValueError("the layout would change what the file says")
    return result


def is_laid_out(path: Path) -> bool:
    """Tell whether a file has the one layout, or cannot be read or understood at all."""
    try:
        text = path.read_bytes().decode()
        return laid_out(text) == text
    except (OSError, ValueError):
        return True


def lay_out_file(path: Path) -> bool:
    """Rewrite a file in the one layout; return whether that changed anything.

    Raises:
        InputError: it cannot be read, is no TOML, or would change its meaning.
        StorageError: it cannot be written; it is as it was.
    """
    try:
        text = path.read_bytes().decode()
        wanted = laid_out(text)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:  # also what is no TOML, or no UTF-8
        raise InputError(
            f"{path}: left as it is: {error}", hint="beamproof lint names every problem"
        ) from error
    if wanted == text:
        return False
    try:
        rewrite_file(path, wanted.encode())
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror}") from error
    return True


def _tables(text: str) -> list[_Table]:
    tables, waiting = [_Table()], list[str]()
    for _, statement in statements(text):
        line = statement.strip()
        if (name := header_of(statement)) is not None:
            tail, lead = _between(waiting, first=not (tables[-1].keys or tables[-1].lead))
            tables[-1].tail += tail
            tables.append(_Table(name=name, lead=[*lead, f"{line}\n"]))
        elif (key := key_of(statement)) is not None:
            comments = [one for one in waiting if one]
            tables[-1].keys.append((key[0], [f"{one}\n" for one in comments], _assignment(line)))
        else:
            waiting.append(line)
            continue
        waiting = []
    while waiting and not waiting[-1]:
        waiting.pop()
    tables[-1].tail += _paragraphs(waiting)
    return tables


def _between(waiting: list[str], *, first: bool) -> tuple[list[str], list[str]]:
    """Share comments out: up to the first empty line they end a table, after it they open one."""
    if first or "" not in waiting:
        return [], _paragraphs(waiting)
    end = waiting.index("")
    return _paragraphs(waiting[:end]), _paragraphs(waiting[end:])


def _paragraphs(lines: Iterable[str]) -> list[str]:
    """Return comments with one empty line where there were any between them."""
    kept: list[str] = []
    for line in lines:
        if line or (kept and kept[-1] != "\n"):
            kept.append(f"{line}\n")
    return kept


def _assignment(statement: str) -> str:
    key_end = re.match(r"""(?:"(?:\\.|[^"\\])*"|'[^']*'|[^=])*?(?=\s*=)""", statement)
    key = "" if key_end is None else key_end.group()
    rest = _ASSIGNED.sub("", statement[len(key) :], count=1)
    return f"{key} = {rest}\n"


def _comments(text: str) -> list[str]:
    return sorted(
        statement.strip() for _, statement in statements(text) if statement.lstrip()[:1] == "#"
    )
