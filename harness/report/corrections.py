"""What is wrong or imprecise in a document, as a page that its maintainer can act on.

Knows: answered sentences, what a run confirms, Markdown. Must not know: files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from harness.authoring.answers import Answer, Answered
from harness.authoring.marks import write_covers
from harness.claims.model import Claim, Relation
from harness.errors import NothingSelectedError
from harness.judge.finding import Finding, Verdict
from harness.judge.view import RunView
from harness.report.phrases import plural
from harness.report.proofs import (
    Proven,
    against,
    code,
    covered,
    days,
    elsewhere,
    joined,
    mark,
    measured,
    moved,
    prose,
    proven,
    versions,
)

_MEND = (Relation.CORRECTS, Relation.NARROWS)
_TITLES = {Relation.CORRECTS: "Refuted", Relation.NARROWS: "Imprecise"}
_MOST_VALUES = 5
"""Values that are shown of a claim: more is read with `beamproof show`."""


@dataclass(frozen=True, kw_only=True)
class Corrections:
    """Hold what a run says of a document's sentences.

    `mended` are those of which it refutes or narrows words, `open` the claims that would and are
    not confirmed.
    """

    document: str
    view: RunView
    sentences: tuple[Answered, ...]
    proofs: Mapping[str, Proven]

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """Return the findings that confirm the claims."""
        return tuple(one for proof in self.proofs.values() for one in proof.findings)

    @cached_property
    def covers(self) -> str:
        """Return the releases that they are about, e.g. `25,27`."""
        return covered(self.findings)

    @cached_property
    def mended(self) -> tuple[Answered, ...]:
        """Return the sentences with the answers that mend them alone."""
        found = []
        for one in self.sentences:
            answers = tuple(
                answer
                for answer in one.answers
                if answer.quote.relation in _MEND and answer.claim.name in self.proofs
            )
            if answers:
                found.append(Answered(section=one.section, sentence=one.sentence, answers=answers))
        return tuple(found)

    @cached_property
    def upheld(self) -> tuple[Answered, ...]:
        """Return the sentences whose words all claims prove, confirmed every one."""
        return tuple(
            one
            for one in self.sentences
            if all(
                answer.quote.relation is Relation.PROVES and answer.claim.name in self.proofs
                for answer in one.answers
            )
        )

    @cached_property
    def open(self) -> tuple[Claim, ...]:
        """Return the claims that would mend a sentence and are not confirmed by the run."""
        claims = {
            answer.claim.name: answer.claim
            for one in self.sentences
            for answer in one.answers
            if answer.quote.relation in _MEND and answer.claim.name not in self.proofs
        }
        return tuple(claims.values())

    def doubt(self, claim: Claim) -> str:
        """Return why a claim is not confirmed."""
        findings = (one for one in self.view.findings if one.claim.name == claim.name)
        doubted = [one for one in findings if one.verdict is not Verdict.CONFIRMED]
        return doubted[0].reason if doubted else "the run did not ask it"


def corrections(document: str, sentences: Sequence[Answered], view: RunView) -> Corrections:
    """Join a document's answered sentences with what a run confirms.

    Args:
        document: its name, as the page says it.
        sentences: those that claims quote.
        view: the judged run.

    Raises:
        NothingSelectedError: no claim quotes the document, or the run confirms none that does.
    """
    if not sentences:
        raise NothingSelectedError(
            f"no claim quotes {document}: nobody has said what its sentences are",
            hint=f"beamproof prove --suggest {document} finds claims that are like them",
        )
    quoting = {answer.claim.name for one in sentences for answer in one.answers}
    proofs = {
        one.claim.name: one
        for skill in view.skills
        for one in proven(skill)
        if one.claim.name in quoting
    }
    if not proofs:
        raise NothingSelectedError(
            f"the run {view.run.header.run} confirms no claim that quotes {document}",
            hint="beamproof verify makes one; another is named with --run RUN",
        )
    return Corrections(document=document, view=view, sentences=tuple(sentences), proofs=proofs)


def render_corrections(found: Corrections) -> str:
    """Return the page as Markdown; the same for equal input."""
    return "\n".join(_page(found)) + "\n"


def _page(found: Corrections) -> Iterator[str]:
    yield f"# Corrections to {found.document}"
    yield ""
    yield write_covers(found.covers)
    yield ""
    yield from _introduction(found)
    yield ""
    yield from _summary(found)
    for section, group in groupby(found.mended, key=lambda one: one.section):
        yield ""
        yield f"## {section or 'The document'}"
        for number, one in enumerate(group, 1):
            yield ""
            yield f"### Line {one.sentence.line}, correction {number}"
            yield from _sentence(found, one)
    if found.open:
        yield ""
        yield "## Not decided"
        yield ""
        yield "The run does not confirm these claims; what they quote stays open:"
        yield ""
        yield from (f"- {code(one.name)}: {prose(found.doubt(one))}" for one in found.open)


def _introduction(found: Corrections) -> Iterator[str]:
    tested = f"OTP {joined(versions(found.findings))}, {days(found.view.run, found.findings)}"
    yield (
        f"Claims test {plural(len(found.sentences), 'sentence')} of `{found.document}`, as a whole"
        f" or in part, on live Erlang VMs ({tested}). Of these, {len(found.upheld)} hold as they"
        f" stand and {len(found.mended)} are listed here in the order of the document, each with"
        f" what holds instead.{_undecided(found)}"
    )
    yield ""
    yield (
        "*Refuted*: the words predict something else than the VM shows. *Imprecise*: they hold in"
        " part, or say less or more than holds. Behind each stands a claim that a probe's evidence"
        " fits and that the same evidence tells from the wrong beliefs held in its place. The"
        " command repeats the test."
    )


def _undecided(found: Corrections) -> str:
    rest = len(found.sentences) - len(found.upheld) - len(found.mended)
    return f" Of {rest} the run says too little." if rest else ""


def _summary(found: Corrections) -> Iterator[str]:
    yield "| section | sentences tested | refuted | imprecise |"
    yield "|---|---:|---:|---:|"
    for section, group in groupby(found.sentences, key=lambda one: one.section):
        tested = len(list(group))
        mended = [one for one in found.mended if one.section == section]
        refuted = sum(any(map(_refutes, one.answers)) for one in mended)
        yield f"| {prose(section)} | {tested} | {refuted} | {len(mended) - refuted} |"


def _refutes(answer: Answer) -> bool:
    return answer.quote.relation is Relation.CORRECTS


def _sentence(found: Corrections, one: Answered) -> Iterator[str]:
    yield ""
    yield f"> {one.sentence.raw}"
    by_words: dict[tuple[Relation, str], list[Answer]] = {}
    for answer in sorted(one.answers, key=lambda answer: _MEND.index(answer.quote.relation)):
        by_words.setdefault((answer.quote.relation, answer.words), []).append(answer)
    for (relation, words), answers in by_words.items():
        whole = words == one.sentence.text
        yield ""
        yield f"**{_TITLES[relation]}**: {'the sentence' if whole else _quoted(words)}"
        for answer in answers:
            yield from _answer(found.proofs[answer.claim.name], answer, found.covers)


def _answer(proof: Proven, answer: Answer, covers: str) -> Iterator[str]:
    claim, rival = answer.claim, answer.rival
    if answer.quote.why:
        yield ""
        yield prose(answer.quote.why)
    yield ""
    yield f"- What holds: {prose(claim.statement)} {mark(proof, covers)}"
    yield from (f"- {prose(said)}" for said in moved(claim))
    if rival is not None and (shown := against(proof, rival.statement)):
        yield f"- Tested as {_quoted(rival.statement)} {shown}"
    else:
        yield f"- Measured: {measured(proof, _MOST_VALUES)}."
    yield from (f"- {prose(said)}" for said in elsewhere(proof))
    yield f"- OTP {joined(proof.versions)}: `{_command(proof)}`"
    if claim.sources:
        yield f"- Sources: {', '.join(f'<{one}>' for one in claim.sources)}"


def _quoted(words: str) -> str:
    return f"\N{LEFT DOUBLE QUOTATION MARK}{prose(words)}\N{RIGHT DOUBLE QUOTATION MARK}"


def _command(proof: Proven) -> str:
    return f"beamproof verify {proof.claim.skill} --claim {proof.claim.id}"
