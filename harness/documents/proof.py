"""Whether a document says only what was confirmed: marks, claims, findings, accepted sentences.

Knows: pages, claims, findings, records. Must not know: files, nodes, how anything is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.authoring.facts import signs_of
from harness.authoring.page import Page, Sentence
from harness.claims.model import Claim, Skill, by_name
from harness.documents.accepted import Record, accept, entry_of, names_of, record_path, shortened
from harness.documents.confirmed import doubts_on
from harness.documents.remark import Level, Remark
from harness.judge.finding import Finding
from harness.judge.judge import judge_run
from harness.run.model import Run
from harness.suggest import did_you_mean


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Hold all claims by `skill/claim`, and the findings of those that are asked about."""

    claims: Mapping[str, Claim]
    findings: Mapping[str, Sequence[Finding]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Hold what a document comes to.

    Units: `marks` counts sentences with marks, `proven` those of them that nothing is said
    against, `unproven` sentences that look like facts and bear none.
    """

    page: Page
    covers: tuple[int, ...] | None
    remarks: tuple[Remark, ...]
    marks: int
    proven: int
    unproven: int

    @property
    def blocked(self) -> bool:
        """Tell whether something keeps the document from being published."""
        return any(remark.level is Level.ERROR for remark in self.remarks)


def known(skills: Sequence[Skill], names: Iterable[str], run: Run | None) -> Known:
    """Judge a run for some claims.

    Args:
        skills: all there are.
        names: `skill/claim`, of what the documents mark.
        run: may be None where nothing is marked.
    """
    wanted = set(names)
    narrowed = [
        replace(skill, claims=tuple(claim for claim in skill.claims if claim.name in wanted))
        for skill in skills
    ]
    findings: dict[str, list[Finding]] = {}
    for finding in judge_run(run, narrowed).findings if run is not None else ():
        findings.setdefault(finding.claim.name, []).append(finding)
    return Known(claims=by_name(skills), findings=findings)


def prove(
    page: Page,
    known: Known,
    *,
    covers: tuple[int, ...] | None = None,
    record: Record | None = None,
    max_unproven: int | None = None,
) -> Proof:
    """Hold a document against what is known.

    Args:
        page: the document.
        known: claims and findings of everything that it marks.
        covers: the releases that it speaks of; None leaves it to the document. Where that says
            nothing either, each claim must be confirmed on all releases that it was observed on.
        record: its accepted sentences, None where there is no record.
        max_unproven: how many sentences may look like facts without a mark; None is any number.
    """
    releases = covers if covers is not None else page.covers
    marked = [sentence for sentence in page.sentences if sentence.marks]
    unproven = list(_unproven(page))
    remarks = [*_faults(page), *unproven]
    proven = 0
    accepted = _Accepted(record, page, known.claims)
    for sentence in marked:
        found = [*_of_sentence(page, sentence, known, releases)]
        found += accepted.remarks(page, sentence, known)
        proven += not any(remark.level is Level.ERROR for remark in found)
        remarks += found
    if marked and record is None:
        remarks.append(_nothing_accepted(page, marked[0]))
    if max_unproven is not None and len(unproven) > max_unproven:
        remarks.append(_too_many(page, len(unproven), max_unproven))
    return Proof(
        page=page,
        covers=releases,
        remarks=tuple(sorted(remarks, key=lambda remark: remark.line)),
        marks=len(marked),
        proven=proven,
        unproven=len(unproven),
    )


def _faults(page: Page) -> Iterator[Remark]:
    for fault in page.faults:
        yield Remark(
            path=page.path,
            line=fault.line,
            end_line=fault.line,
            rule=fault.rule,
            message=fault.message,
        )


def _unproven(page: Page) -> Iterator[Remark]:
    for sentence in page.sentences:
        signs = () if sentence.marks or sentence.heading else signs_of(sentence.text)
        if signs:
            message = f'no mark proves "{shortened(sentence.text)}" ({", ".join(signs)})'
            yield remark_on(page, sentence, "unproven-sentence", message)


def _of_sentence(
    page: Page, sentence: Sentence, known: Known, covers: tuple[int, ...] | None
) -> Iterator[Remark]:
    for mark in sentence.marks:
        for name in mark.names:
            claim = known.claims.get(name)
            if claim is None:
                message = f'there is no claim "{name}"{_meant(name, known.claims)}'
                found = remark_on(page, sentence, "unknown-claim", message)
                yield replace(found, claim=name, line=mark.line, end_line=mark.line)
                continue
            releases = mark.releases if mark.releases is not None else covers
            for rule, message in doubts_on(claim, known.findings.get(name, ()), releases):
                yield replace(remark_on(page, sentence, rule, message), claim=name)


class _Accepted:
    """Compare marked sentences with the record, entry by entry."""

    def __init__(self, record: Record | None, page: Page, claims: Mapping[str, Claim]) -> None:
        self._record = record
        self._statements: dict[tuple[str, str], str] = {}
        self._gone: dict[str, list[str]] = {}
        now = {(one.claim, one.sentence) for one in accept(page, claims).sentences}
        for one in record.sentences if record else ():
            self._statements[one.claim, one.sentence] = one.statement
            if (one.claim, one.sentence) not in now:
                self._gone.setdefault(one.claim, []).append(one.begins)

    def remarks(self, page: Page, sentence: Sentence, known: Known) -> Iterator[Remark]:
        if self._record is None:
            return
        for name in names_of(sentence):
            if name in known.claims:
                rule_and_message = self._against(page, sentence, known.claims[name])
                if rule_and_message is not None:
                    yield replace(remark_on(page, sentence, *rule_and_message), claim=name)

    def _against(self, page: Page, sentence: Sentence, claim: Claim) -> tuple[str, str] | None:
        now = entry_of(sentence, claim)
        accepted = self._statements.get((now.claim, now.sentence))
        again = f"read both and accept it: beamproof prove --accept {page.path}"
        if accepted == now.statement:
            return None
        if accepted is not None:
            said = f"what {claim.name} states changed since the sentence was linked to it; {again}"
            return "changed-claim", said
        if gone := self._gone.get(claim.name):
            was = gone.pop(0)
            said = f'it was "{was}" when it was linked to {claim.name}; {again}'
            return "changed-sentence", f"the sentence changed: {said}"
        return "not-accepted", f"nobody accepted the sentence as one of {claim.name}; {again}"


def _nothing_accepted(page: Page, first: Sentence) -> Remark:
    message = (
        f"there is no {record_path(page.path).name}, so that nobody notices when a marked sentence"
        f" changes: beamproof prove --accept {page.path}"
    )
    return remark_on(page, first, "nothing-accepted", message)


def _too_many(page: Page, count: int, limit: int) -> Remark:
    said = f"{count} sentences look like facts and bear no mark, {limit} may"
    return Remark(
        path=page.path,
        line=1,
        end_line=1,
        rule="too-many-unproven",
        message=said,
    )


def _meant(name: str, claims: Mapping[str, Claim]) -> str:
    skill, _, claim = name.partition("/")
    same = [one for one in claims if one.startswith(f"{skill}/")]
    elsewhere = [one for one in claims if one.endswith(f"/{claim}")]
    return did_you_mean(name, same) or did_you_mean(name, elsewhere or claims)


def remark_on(page: Page, sentence: Sentence, rule: str, message: str) -> Remark:
    """Return a remark on the lines of a sentence."""
    return Remark(
        path=page.path,
        line=sentence.line,
        end_line=sentence.end_line,
        rule=rule,
        message=message,
        sentence=sentence.text,
    )
