"""What the sentences of a document without marks are like: proven statements, refuted beliefs.

Knows: pages, beliefs, findings. Must not know: files, how anything is shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from harness.authoring.marks import write_mark
from harness.authoring.page import Page, Sentence
from harness.documents.likeness import Beliefs, Like
from harness.documents.proof import remark_on
from harness.documents.remark import Remark
from harness.judge.finding import Finding, Verdict
from harness.run.cells import release_number

_MOST_SHOWN = 160


def suggestions(
    page: Page, beliefs: Beliefs, findings: Mapping[str, Sequence[Finding]]
) -> tuple[Remark, ...]:
    """Return what a person should look at, the most like first; nothing is sure.

    Args:
        page: a document; what bears a mark already is passed over.
        beliefs: all statements and rivals.
        findings: by claim, of a run; what it did not observe is said to be so.

    Returns:
        `like-refuted` for a sentence that repeats a rival, `like-proven` for one that says what a
        statement says; one remark a sentence at most.
    """
    found = [
        remark
        for sentence in page.sentences
        if not (sentence.marks or sentence.heading)
        for remark in _of_sentence(page, sentence, beliefs, findings)
    ]
    return tuple(sorted(found, key=lambda one: (-(one.score or 0), one.line)))


def _of_sentence(
    page: Page, sentence: Sentence, beliefs: Beliefs, findings: Mapping[str, Sequence[Finding]]
) -> Iterator[Remark]:
    wrong = beliefs.refuted(sentence.text)
    like = wrong or beliefs.proven(sentence.text)
    if like is None:
        return
    claim = like.belief.claim
    own = findings.get(claim.name, ())
    rule, message = _refuted(like, own) if wrong else _proven(like, own)
    found = remark_on(page, sentence, rule, message)
    yield replace(found, claim=claim.name, score=round(like.score, 2))


def _refuted(like: Like, findings: Sequence[Finding]) -> tuple[str, str]:
    claim, rival = like.belief.claim, _rival_of(like)
    message = (
        f'like the refuted belief "{rival}" ({like.score:.2f}); {_showed(rival, findings)};'
        f" proven is {claim.name}: {_cut(claim.statement)}"
    )
    return "like-refuted", message


def _proven(like: Like, findings: Sequence[Finding]) -> tuple[str, str]:
    claim = like.belief.claim
    seen = _releases(one for one in findings if one.verdict is Verdict.CONFIRMED)
    where = f"confirmed on OTP {seen}" if seen else f"not confirmed here: {_verify(like)}"
    message = (
        f"like the proven {claim.name} ({like.score:.2f}, {where}): {_cut(claim.statement)};"
        f" if it says so: {write_mark([claim.name])}"
    )
    return "like-proven", message


def _rival_of(like: Like) -> str:
    """Return the whole statement of the rival that a sentence is like."""
    number = like.belief.rival
    return like.belief.text if number is None else like.belief.claim.rivals[number].statement


def _showed(rival: str, findings: Sequence[Finding]) -> str:
    """Return what the VM showed instead, release by release, as far as the run observed it."""
    found: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        for one in finding.rivals:
            if one.statement == rival and one.by is not None and not finding.boundary:
                seen = f"{one.by.path} = {one.by.found_text}"
                found.setdefault((seen, one.by.predicted), []).append(finding)
    if not found:
        return "this run did not observe it"
    return ", ".join(
        f"the VM showed {seen} on OTP {_releases(those)}, where the belief wants {wanted}"
        for (seen, wanted), those in found.items()
    )


def _releases(findings: Iterator[Finding] | Sequence[Finding]) -> str:
    numbers = {release_number(finding.cell.runtime) for finding in findings}
    return ", ".join(map(str, sorted(numbers)))


def _verify(like: Like) -> str:
    claim = like.belief.claim
    return f"beamproof verify {claim.skill} --claim '{claim.id}'"


def _cut(text: str) -> str:
    return f'"{text}"' if len(text) <= _MOST_SHOWN else f'"{text[: _MOST_SHOWN - 1].rstrip()}…"'
