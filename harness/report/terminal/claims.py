"""Claims, coverage and mutation in words, and as plain data for `--json`.

Knows: how they read. Must not know: where the text goes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from textwrap import indent, wrap

from harness.authoring.coverage import Row, Status
from harness.authoring.probe_then import ProbeThen
from harness.claims.expect import as_written, words
from harness.claims.model import Claim, Skill
from harness.claims.predicates import Prediction, show
from harness.judge.finding import Check, Finding
from harness.judge.mutate import MutationReport
from harness.report.evidence import differing
from harness.report.marks import mark_of
from harness.report.releases import MANY, labels, stretches
from harness.run.cells import Json, release_order

_WIDTH = 100
_NARROWEST = 40
_EVIDENCE = 1000
_MARKS = {
    Status.COVERED: "✔",
    Status.PARTLY: "~",
    Status.UNTESTABLE: "-",
    Status.UNCOVERED: "✘",
}


def claim_lines(claim: Claim) -> Iterator[str]:
    """Yield a claim as text: statement, quotes, predictions, rivals, how it is called."""
    yield f"{claim.name}  ({claim.place})"
    yield from wrap(claim.statement, _WIDTH, initial_indent="  ", subsequent_indent="  ")
    for quote in claim.answers:
        why = f": {quote.why}" if quote.why else ""
        words = " ".join(quote.text.split())
        yield from _labelled(f"{quote.relation} the words", f'"{words}"{why}')
    for source in claim.sources:
        yield f"  source: {source}"
    if claim.otp:
        yield f"  on OTP {claim.otp}"
    yield "  predicts"
    yield from _prediction_lines(claim.expect)
    for when in claim.whens:
        yield f"  on OTP {when.otp} instead ({when.why})"
        yield from _prediction_lines(when.expect)
    for rival in claim.rivals:
        on = f" (on OTP {rival.otp})" if rival.otp else ""
        yield from _labelled(f"rival{on}", rival.statement)
        yield from _prediction_lines(rival.expect)
    for fall in claim.falls:
        yield from _labelled("falls without", f"{fall.clause or fall.why} ({fall.variant})")
    yield f"  probe: {call_text(claim)}"


def call_text(claim: Claim) -> str:
    """Return how the claim calls its probe, in one line."""
    parts = [f"{claim.module}:{claim.probe}({show(dict(claim.args)) if claim.args else '#{}'})"]
    parts += [f"{claim.node} node"] if claim.call().alone else []
    parts += [f"flags {' '.join(claim.flags)}"] if claim.flags else []
    parts += [str(claim.held)] if claim.held.given else []
    needs = (*sorted(claim.needs), *(f"application {name}" for name in sorted(claim.applications)))
    parts += [f"needs {', '.join(needs)}"] if needs else []
    parts += [f"{claim.repeat} samples or more"] if claim.repeat > 1 else []
    parts += ["alone on the machine"] if claim.timing else []
    return ", ".join(parts)


def probe_lines(then: ProbeThen, place: str, name: str) -> Iterator[str]:
    """Yield the source of a probe below its place, and whether it is today's."""
    if then.probe is None:
        yield f"  {place} exports no {name}/1"
        return
    yield f"  {place}:{then.probe.line}"
    if then.note:
        yield f"  ! {then.note}"
    yield indent(then.probe.source, "    ")


def findings_lines(findings: Sequence[Finding]) -> Iterator[str]:
    """Yield what a claim came to, release by release, and which values differ between them.

    Of many releases, neighbours that agree in all of it are told once; where they still are many,
    all but the newest in one line.
    """
    cells = {finding.cell.runtime: finding for finding in findings}
    ordered = {name: cells[name] for name in sorted(cells, key=release_order)}
    ranges = differing(ordered)[:_MOST_RANGES]
    if ranges:
        yield "  differs by release"
        yield from (f"    {one.path}  {one.text}" for one in ranges)
    if len(ordered) <= MANY:
        yield from (line for finding in findings for line in _finding_lines(finding))
        return
    folded = stretches(ordered.items(), key=lambda one: tuple(_finding_lines(one, where="")))
    if len(folded) > MANY:
        newest = next(reversed(ordered))
        folded = stretches(ordered.items(), key=lambda one: (one.verdict, one.reason))
        lines = [f"{one.value.verdict}: {one.value.reason}" for one in folded]
        where = [labels(one.runtimes, ordered) for one in folded]
        yield from (f"  {on}: {line}" for on, line in zip(where, lines, strict=True))
        yield from _finding_lines(ordered[newest])
        return
    for one in folded:
        name = f"{one.value.cell.name} on {labels(one.runtimes, ordered)}"
        yield from _finding_lines(one.value, where=name)


_MOST_RANGES = 20


def _finding_lines(finding: Finding, where: str | None = None) -> Iterator[str]:
    """Yield a finding as text: verdict, reason, predicted and found side by side."""
    name = finding.cell if where is None else where
    yield f"  {name}: {finding.verdict}: {finding.reason}"
    for check in finding.checks:
        yield f"    {_sign(check)} {check.path}: {check.found_text}  (predicted {check.predicted})"
    for rival in finding.rivals:
        by = f"{rival.by.path}: {rival.by.found_text}" if rival.by else "nothing"
        sign = mark_of(rival.contradicted or None).sign
        yield f"    {sign} contradicted by {by}: {rival.statement}"
    samples = finding.observation.samples if finding.observation else ()
    alike = Counter(show(sample.evidence, limit=_EVIDENCE) for sample in samples)
    for text, count in alike.items():
        times = f" ({count} of {len(samples)} samples)" if len(samples) > 1 else ""
        yield f"    evidence{times}: {text}"
    if finding.observation is not None and finding.observation.worker is not None:
        yield f"    made by the worker {finding.observation.worker}"


def coverage_lines(rows: Sequence[Row]) -> Iterator[str]:
    """Yield the table: mark, sentence, who covers it, what is left; the counts last."""
    part = ""
    for row in rows:
        if row.part != part:
            part = row.part
            yield part
        yield from wrap(
            row.text, _WIDTH, initial_indent=f"  {_MARKS[row.status]} ", subsequent_indent="    "
        )
        if row.by:
            yield f"      {row.status}: {', '.join(row.by)}"
        yield from (f'      left over: "{one}"' for one in row.remainder)
    counts = (f"{sum(row.status is one for row in rows)} {one}" for one in Status)
    yield f"{len(rows)} statements: {', '.join(counts)}"


def mutation_lines(name: str, report: MutationReport) -> Iterator[str]:
    """Yield what survived, what could not be tested, and the counts."""
    for one in report.survivors:
        yield f"✘ {one.cell}: {one.description}"
        yield f"    came out {one.verdict}: {one.reason}"
    for claim, reason in report.skipped:
        yield f"- {claim} was skipped: {reason}"
    for claim, reason in report.untested:
        yield f"? {claim} was not tested: {reason}"
    refuted = report.tried - len(report.survivors)
    yield (
        f"{name}: {report.tried} changed predictions, {refuted} refuted,"
        f" {len(report.survivors)} survived; {len(report.untested)} claims not tested,"
        f" {len(report.skipped)} skipped"
    )


def claim_json(claim: Claim) -> dict[str, Json]:
    """Return a claim as plain data."""
    return {
        "claim": claim.name,
        "statement": claim.statement,
        "quotes": [
            {"text": one.text, "is": one.relation.value, "why": one.why} for one in claim.answers
        ],
        "sources": list(claim.sources),
        "otp": claim.otp,
        "probe": f"{claim.module}:{claim.probe}",
        "args": dict(claim.args),
        "predictions": _predictions_json(claim.expect),
        "rivals": [
            {"statement": one.statement, "predictions": _predictions_json(one.expect)}
            for one in claim.rivals
        ],
        "falls_without": [
            {"variant": one.variant, "clause": one.clause, "why": one.why} for one in claim.falls
        ],
        "file": str(claim.path),
        "line": claim.line,
    }


def coverage_json(rows: Iterable[Row]) -> list[Json]:
    """Return coverage as plain data."""
    return [
        {
            "part": row.part,
            "text": row.text,
            "line": row.line,
            "status": row.status.value,
            "by": list(row.by),
            "remainder": list(row.remainder),
        }
        for row in rows
    ]


def skill_lines(skill: Skill, columns: int | None) -> Iterator[str]:
    """Yield a skill's claims below its description.

    Args:
        skill: the skill.
        columns: how wide a line may be; None is a line a claim, whole, for pipes.
    """
    yield from _wrapped(f"{skill.name}: {skill.description}", "", columns)
    for claim in skill.claims:
        otp = f" [OTP {claim.otp}]" if claim.otp else ""
        yield from _wrapped(f"  {claim.id}: {claim.statement}{otp}", "      ", columns)


def _wrapped(text: str, indent_: str, columns: int | None) -> list[str]:
    if columns is None:
        return [text]
    return wrap(text, max(columns, _NARROWEST), subsequent_indent=indent_)


def _labelled(label: str, text: str) -> list[str]:
    return wrap(f"{label}: {text}", _WIDTH, initial_indent="  ", subsequent_indent="    ")


def _prediction_lines(expect: Iterable[Prediction]) -> Iterator[str]:
    for prediction in expect:
        yield f"    {prediction.name}: {words(prediction.leaf)}"


def _predictions_json(expect: Iterable[Prediction]) -> dict[str, Json]:
    return {prediction.name: as_written(prediction.leaf) for prediction in expect}


def _sign(check: Check) -> str:
    return mark_of(check.holds).sign
