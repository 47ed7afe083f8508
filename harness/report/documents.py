"""What `beamproof prove` found, for people and for programs.

Knows: proofs of documents, msgspec. Must not know: files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from harness.claims.problems import Problem, Severity
from harness.documents.proof import Proof
from harness.documents.remark import Level, Remark
from harness.report.phrases import plural

VERSION = 1
"""Version of the JSON; a change that breaks readers raises it."""


class RemarkReport(msgspec.Struct, frozen=True, kw_only=True):
    """Hold one remark; lines are counted from 1, `end_line` is the last of the sentence.

    `score` (0 to 1) says how like a sentence is to a belief; null where nothing is compared.
    """

    path: str
    line: int
    end_line: int
    rule: str
    level: Level
    message: str
    claim: str | None
    sentence: str | None
    score: float | None


class DocumentReport(msgspec.Struct, frozen=True, kw_only=True):
    """Hold what a document comes to, with its remarks in the order of its lines."""

    path: str
    covers: tuple[int, ...] | None
    marks: int
    proven: int
    unproven: int
    blocked: bool
    remarks: tuple[RemarkReport, ...]


class DocumentsReport(msgspec.Struct, frozen=True, kw_only=True):
    """Hold what all documents come to, and the run that decided; None where nothing is marked."""

    schema_version: int = VERSION
    run: str | None
    documents: tuple[DocumentReport, ...]


class SuggestionsReport(msgspec.Struct, frozen=True, kw_only=True):
    """Hold what sentences are like, the most like first, and the run whose evidence is told."""

    schema_version: int = VERSION
    run: str | None
    suggestions: tuple[RemarkReport, ...]


def suggestions_report(found: Iterable[Remark], run: str | None) -> SuggestionsReport:
    """Return suggestions as they are published."""
    return SuggestionsReport(run=run, suggestions=tuple(map(_remark, found)))


def suggestion_lines(found: Sequence[Remark], *, quiet: bool = False) -> Iterator[str]:
    """Yield two lines a suggestion, the sentence and what it is like; quiet: warnings alone."""
    counts = Counter(one.level for one in found)
    for one in found:
        if not quiet or one.level is Level.WARNING:
            yield f"{one.path}:{one.line}: {one.level}: {one.sentence}"
            yield f"  {one.message}"
    yield (
        f"{plural(counts[Level.WARNING], 'sentence')} like a refuted belief,"
        f" {counts[Level.NOTE]} like a proven statement; judge each by yourself"
    )


def documents_report(proofs: Iterable[Proof], run: str | None) -> DocumentsReport:
    """Return proofs as they are published."""
    return DocumentsReport(run=run, documents=tuple(map(_document, proofs)))


def _document(proof: Proof) -> DocumentReport:
    return DocumentReport(
        path=str(proof.page.path),
        covers=proof.covers,
        marks=proof.marks,
        proven=proof.proven,
        unproven=proof.unproven,
        blocked=proof.blocked,
        remarks=tuple(map(_remark, proof.remarks)),
    )


def _remark(remark: Remark) -> RemarkReport:
    return RemarkReport(
        path=str(remark.path),
        line=remark.line,
        end_line=remark.end_line,
        rule=remark.rule,
        level=remark.level,
        message=remark.message,
        claim=remark.claim,
        sentence=remark.sentence,
        score=remark.score,
    )


def document_lines(proofs: Sequence[Proof], *, quiet: bool = False) -> Iterator[str]:
    """Yield a line a remark, in each document by line, and a line a document; quiet: errors."""
    for proof in proofs:
        for remark in proof.remarks:
            if not quiet or remark.level is Level.ERROR:
                yield str(remark)
        yield _total(proof)


def _total(proof: Proof) -> str:
    marked = plural(proof.marks, "sentence")
    said = f"{proof.page.path}: {proof.proven} of {marked} with a mark proven"
    if not proof.marks:
        said = f"{proof.page.path}: no sentence has a mark"
    if proof.unproven:
        said += f", {proof.unproven} without one look like facts"
    broken = Counter(remark.level for remark in proof.remarks)[Level.ERROR]
    return f"{said}; {plural(broken, 'error')}: not to be published" if broken else said


def problems(remarks: Iterable[Remark]) -> Iterator[Problem]:
    """Yield what a code host marks in a change; notes are none."""
    for one in remarks:
        if one.level is not Level.NOTE:
            severity = Severity(one.level.value)
            yield Problem(path=one.path, line=one.line, message=one.message, severity=severity)
