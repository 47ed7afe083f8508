"""Ranges of releases written into a claim file: its `otp`, or tables that say what differs.

Knows: statements of TOML, and which of them are a claim's. Must not know: how a range was found.
Every other line stays as it is, comments among them.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.authoring.layout import laid_out
from harness.claims.toml_lines import header_of, key_of, statements
from harness.errors import InputError, StorageError
from harness.run.cells import Json
from harness.system.files import rewrite_file

_OTP = re.compile(r"""(?P<key>\s*otp\s*=\s*)("[^"\n]*"|'[^'\n]*')""")
_BARE = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """Say what a claim's evidence is on some releases: values by path."""

    otp: str
    why: str
    values: tuple[tuple[tuple[str, ...], Json], ...]


def with_range(text: str, claim: str, otp: str) -> str:
    """Return a claim file in which a claim is about a range of releases.

    Raises:
        InputError: the file does not have the claim.
    """
    parts = [statement for _, statement in statements(text)]
    first, end = _own(parts, claim, text)
    for at in range(first, end):
        if key_of(parts[at]) == ("otp",):
            parts[at] = _OTP.sub(lambda found: found["key"] + _toml(otp), parts[at], count=1)
            return _in_layout(text, parts)
    at = next(at for at in range(first, end) if key_of(parts[at]) == ("id",))
    parts.insert(at + 1, f"otp = {_toml(otp)}\n")
    return _in_layout(text, parts)


def with_whens(text: str, claim: str, moved: Sequence[Moved]) -> str:
    """Return a claim file in which a claim says what is otherwise on some releases.

    Raises:
        InputError: the file does not have the claim.
    """
    parts = [statement for _, statement in statements(text)]
    _, end = _own(parts, claim, text)
    while end < len(parts) and header_of(parts[end]) == ("claim", "when"):
        end = _next_header(parts, end + 1)
    at = max(at for at in range(end) if key_of(parts[at]) is not None) + 1
    while at < len(parts) and parts[at].lstrip().startswith("#"):
        at += 1
    if not parts[at - 1].endswith("\n"):
        parts[at - 1] += "\n"
    parts[at:at] = [line for one in moved for line in _when(one)]
    return _in_layout(text, parts)


def write(path: Path, text: str) -> None:
    """Put a claim file in the place of the old one.

    Raises:
        StorageError: it cannot be written; it is as it was.
    """
    try:
        rewrite_file(path, text.encode())
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror}") from error


def _own(parts: Sequence[str], claim: str, text: str) -> tuple[int, int]:
    """Return where a claim's own keys begin, and where the table after them does."""
    ids = [one.get("id") for one in tomllib.loads(text).get("claim", [])]
    if claim not in ids:
        raise InputError(f"the file has no claim {claim}")
    headers = [at for at, part in enumerate(parts) if header_of(part) == ("claim",)]
    first = headers[ids.index(claim)] + 1
    return first, _next_header(parts, first)


def _next_header(parts: Sequence[str], start: int) -> int:
    inside = range(start, len(parts))
    return next((at for at in inside if header_of(parts[at]) is not None), len(parts))


def _when(moved: Moved) -> list[str]:
    lines = ["\n", "[[claim.when]]\n", f"otp = {_toml(moved.otp)}\n", f"why = {_toml(moved.why)}\n"]
    for path, value in moved.values:
        key = ".".join(part if _BARE.fullmatch(part) else _toml(part) for part in path)
        lines.append(f"expect.{key} = {_expected(value)}\n")
    return lines


def _expected(value: Json) -> str:
    """Return a prediction of just this value: a map alone would be one of some of its keys."""
    return f"{{ equals = {_toml(value)} }}" if isinstance(value, dict) else _toml(value)


def _toml(value: Json) -> str:
    if isinstance(value, dict):
        pairs = (f"{_toml(key)} = {_toml(one)}" for key, one in value.items())
        return "{ " + ", ".join(pairs) + " }" if value else "{}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if value is None:
        raise InputError("TOML has no way to write that nothing was found")
    return json.dumps(value, ensure_ascii=False)


def _in_layout(before: str, parts: Sequence[str]) -> str:
    """Return the file, in the one layout if it had that before."""
    text = "".join(parts)
    return laid_out(text) if laid_out(before) == before else text
