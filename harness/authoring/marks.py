"""The marks that link a sentence of a document to its claims, and say what the document covers.

Knows: how a mark is written. Must not know: Markdown, which claims there are.

    <!-- claim: beam-ets-internals/memory-unit -->
    <!-- claim: beam-ets-internals/memory-unit, beam-ets-internals/info-memory otp 26-27 -->
    <!-- beamproof: otp 25-27 -->

The same words stand in the title of a link definition, which renders to nothing as well:

    [//]: # (claim: beam-ets-internals/memory-unit)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from harness.errors import InputError
from harness.run.releases import parse_releases

_NAME = r"[a-z][a-z0-9-]*/[a-z][a-z0-9-]*"
_MEANT = re.compile(rf"\s*(?:claims?\s*:|claims?\s+{_NAME}|{_NAME}\s*$)", re.IGNORECASE)
_MARK = re.compile(
    rf"\s*claim:\s*(?P<names>{_NAME}(?:\s*,\s*{_NAME})*)(?:\s+otp\s+(?P<otp>[\d,\s-]+))?\s*"
)
_COVERS_MEANT = re.compile(r"\s*beamproof\s*:", re.IGNORECASE)
_COVERS = re.compile(r"\s*beamproof:\s*otp\s+(?P<otp>[\d,\s-]+)")
IN_CODE = re.compile(rf"<!--\s*claim:\s*{_NAME}|^\[[^\]]+\]:\s*#\s*[(\"']claim:", re.MULTILINE)
"""A mark that stands in code, where it is shown and marks nothing."""

NO_DEFINITION = re.compile(r"[\w/]\]?: # ?[(\"']claim:")
"""What is left of a link definition that follows its sentence without an empty line."""

HOW_TO_MARK = "write <!-- claim: SKILL/CLAIM -->"
HOW_TO_COVER = "write <!-- beamproof: otp 25-27 -->"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Name the claims (`skill/claim`) that prove a sentence.

    `releases` are those that the sentence itself speaks of; None leaves it to the document.
    """

    names: tuple[str, ...]
    releases: tuple[int, ...] | None
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Covers:
    """Say which releases a document speaks of."""

    releases: tuple[int, ...]
    line: int


def read_mark(text: str, line: int) -> Mark | Covers | None:
    """Read a comment, without the signs around it; None where it is no mark.

    Raises:
        InputError: it was meant as a mark and is none; the message says how one is written.
    """
    if (found := _MARK.fullmatch(text)) is not None:
        names = tuple(dict.fromkeys(re.findall(_NAME, found["names"])))
        return Mark(names=names, releases=_releases(found["otp"]), line=line)
    if (found := _COVERS.fullmatch(text)) is not None:
        return Covers(releases=_releases(found["otp"]) or (), line=line)
    said = " ".join(text.split())
    if _MEANT.match(text):
        raise InputError(f'"{said}" is no mark', hint=HOW_TO_MARK)
    if _COVERS_MEANT.match(text):
        raise InputError(f'"{said}" says no releases', hint=HOW_TO_COVER)
    return None


def write_mark(names: Sequence[str], otp: str = "") -> str:
    """Return the mark to put behind a sentence.

    Args:
        names: of its claims, `skill/claim`.
        otp: releases that the sentence speaks of (`26-27`) where the document covers others, too.
    """
    speaks_of = f" otp {otp}" if otp else ""
    return f"<!-- claim: {', '.join(names)}{speaks_of} -->"


def write_covers(otp: str) -> str:
    """Return the comment that says which releases (`25-27`) a document speaks of."""
    return f"<!-- beamproof: otp {otp} -->"


def _releases(text: str | None) -> tuple[int, ...] | None:
    return None if text is None else parse_releases(text.strip(), "otp")
