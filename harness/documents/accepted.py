"""The record beside a document: its sentences as they were when somebody linked them to claims.

Knows: the record's file. Must not know: verdicts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from harness.authoring.page import Page, Sentence
from harness.authoring.sentences import plain
from harness.claims.model import Claim
from harness.errors import InputError

VERSION = 1
_SUFFIX = ".proven.json"
_HASH_CHARS = 16
_SHOWN_CHARS = 60


class Accepted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Hold one sentence with one of its claims: the hashes of both texts, and how it begins."""

    claim: str
    sentence: str
    statement: str
    begins: str


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Hold what was accepted of one document, in its order."""

    version: int = VERSION
    sentences: tuple[Accepted, ...] = ()


def record_path(document: Path) -> Path:
    """Return where the record of a document lies: beside it, made to be committed."""
    return document.with_name(document.name + _SUFFIX)


def read_record(document: Path) -> Record | None:
    """Return the record of a document, None where nothing was ever accepted.

    Raises:
        InputError: the file is no record, or one of a newer beamproof.
    """
    path = record_path(document)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    again = f"restore it, or write it anew: beamproof prove --accept {document}"
    try:
        found = msgspec.json.decode(content, type=Record)
    except msgspec.DecodeError as error:
        raise InputError(f"{path} is no record of sentences: {error}", hint=again) from error
    if found.version != VERSION:
        raise InputError(f"{path} is of version {found.version}, {VERSION} is known", hint=again)
    return found


def accept(page: Page, claims: Mapping[str, Claim]) -> Record:
    """Return the record of a document as it is; marks of claims that are gone are left out."""
    return Record(
        sentences=tuple(
            entry_of(sentence, claims[name])
            for sentence in page.sentences
            for name in names_of(sentence)
            if name in claims
        )
    )


def entry_of(sentence: Sentence, claim: Claim) -> Accepted:
    """Return what is recorded of a sentence and one of its claims."""
    return Accepted(
        claim=claim.name,
        sentence=_hash(sentence.text),
        statement=_hash(claim.statement),
        begins=shortened(sentence.text),
    )


def names_of(sentence: Sentence) -> Iterable[str]:
    """Return the claims of a sentence, each once."""
    return dict.fromkeys(name for mark in sentence.marks for name in mark.names)


def render_record(record: Record) -> bytes:
    """Return the record as its file holds it."""
    return msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n"


def shortened(text: str) -> str:
    """Return the beginning of a sentence, enough to know it by."""
    return text if len(text) <= _SHOWN_CHARS else f"{text[: _SHOWN_CHARS - 1].rstrip()}…"


def _hash(text: str) -> str:
    """Hash the words of a text: how its lines are broken changes nothing."""
    return hashlib.sha256(plain(text).encode()).hexdigest()[:_HASH_CHARS]
