"""A judged run as JSON, and the published schemas of everything that is written as JSON.

Knows: judged runs, msgspec. Must not know: files. (The module is not called `json`, so that no
one mistakes it for the standard library's.)
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from harness.claims.expect import as_written
from harness.judge.compare import VERSION as COMPARISON_VERSION
from harness.judge.compare import Comparison
from harness.judge.finding import Check, Finding, RivalFinding, Verdict
from harness.judge.view import RunView
from harness.report.documents import VERSION as DOCUMENTS_VERSION
from harness.report.documents import DocumentsReport, SuggestionsReport
from harness.run.model import FORMAT, LeftOutCell, Line, RuntimeRecord, Sample
from harness.run.repeat import repeat_command

VERSION = 1
"""Version of the report's JSON; a change that breaks readers raises it."""


class _Model(msgspec.Struct, frozen=True, kw_only=True):
    """Share the options of every model of the report."""


class CheckReport(_Model, frozen=True, kw_only=True):
    """Hold one prediction beside what was found; `holds` is null where it cannot be decided.

    `predicted` is the prediction in words, `prediction` as a claim file writes it.
    """

    path: str
    predicted: str
    prediction: dict[str, Any]
    found: Any
    found_text: str
    holds: bool | None
    note: str = ""


class RivalReport(_Model, frozen=True, kw_only=True):
    """Hold one wrong belief, and the check that contradicts it."""

    statement: str
    contradicted: bool
    by: CheckReport | None = None


class FindingReport(_Model, frozen=True, kw_only=True):
    """Hold the verdict on one cell; `samples` are all calls of its probe."""

    cell: str
    skill: str
    claim: str
    runtime: str
    statement: str
    verdict: Verdict
    reason: str
    checks: tuple[CheckReport, ...]
    rivals: tuple[RivalReport, ...]
    samples: tuple[Sample, ...]
    otp_version: str | None
    repeat: str
    rounds: dict[str, int] = {}


class RunReport(_Model, frozen=True, kw_only=True):
    """Say which run it is, how it was made, and what to know before believing it."""

    run: str
    beamproof: str
    started: str
    ended: str | None
    complete: bool
    command: tuple[str, ...]
    seed: int | None
    runtimes: tuple[RuntimeRecord, ...]
    left_out: tuple[LeftOutCell, ...]
    warnings: tuple[str, ...]


class Report(_Model, frozen=True, kw_only=True):
    """Hold a judged run: `counts` by verdict, a finding a cell in the order of the plan."""

    schema_version: int = VERSION
    run: RunReport
    counts: dict[str, int]
    findings: tuple[FindingReport, ...]
    unknown: tuple[str, ...] = ()


def report(view: RunView) -> Report:
    """Return the run as the model that is published."""
    header, footer = view.run.header, view.run.footer
    return Report(
        run=RunReport(
            run=header.run,
            beamproof=header.beamproof,
            started=header.started,
            ended=footer.ended if footer else None,
            complete=view.run.complete,
            command=header.command,
            seed=header.seed,
            runtimes=header.runtimes,
            left_out=header.left_out,
            warnings=view.warnings(),
        ),
        counts={verdict.value: view.counts[verdict] for verdict in Verdict},
        findings=tuple(map(finding_report, view.findings)),
        unknown=tuple(map(str, view.unknown)),
    )


def finding_report(finding: Finding) -> FindingReport:
    """Return a finding as it is published, whichever verb prints it."""
    seen = finding.observation
    return FindingReport(
        cell=str(finding.cell),
        skill=finding.claim.skill,
        claim=finding.claim.id,
        runtime=finding.cell.runtime,
        statement=finding.claim.statement,
        verdict=finding.verdict,
        reason=finding.reason,
        checks=tuple(map(_check, finding.checks)),
        rivals=tuple(map(_rival, finding.rivals)),
        samples=seen.samples if seen else (),
        otp_version=seen.build.otp_version if seen and seen.build else None,
        repeat=repeat_command(finding.cell),
        rounds={verdict.value: count for verdict, count in finding.rounds.items()},
    )


def _check(check: Check) -> CheckReport:
    return CheckReport(
        path=check.path,
        predicted=check.predicted,
        prediction=as_written(check.prediction.leaf),
        found=check.found,
        found_text=check.found_text,
        holds=check.holds,
        note=check.note,
    )


def _rival(rival: RivalFinding) -> RivalReport:
    return RivalReport(
        statement=rival.statement,
        contradicted=rival.contradicted,
        by=_check(rival.by) if rival.by else None,
    )


def render_json(model: msgspec.Struct) -> bytes:
    """Return a report or a comparison as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(model), indent=1) + b"\n"


SCHEMAS: dict[str, tuple[Any, int, str]] = {
    "report": (Report, VERSION, "A judged run, as `beamproof report --format json` writes it."),
    "comparison": (
        Comparison,
        COMPARISON_VERSION,
        "Two runs compared, as `beamproof compare --format json` writes it.",
    ),
    "proof": (
        DocumentsReport,
        DOCUMENTS_VERSION,
        "What `beamproof prove --json` says of documents.",
    ),
    "suggestions": (
        SuggestionsReport,
        DOCUMENTS_VERSION,
        "What `beamproof prove --suggest --json` says of the sentences of documents.",
    ),
    "run-line": (Line, FORMAT, "One line of a run file."),
}
"""What is published: the model, its version, what it is."""


def schema_name(name: str) -> str:
    """Return the file name of a published schema, with its version."""
    return f"{name}-{SCHEMAS[name][1]}.json"


def render_schema(name: str) -> bytes:
    """Return a published schema, generated from its model."""
    model, version, about = SCHEMAS[name]
    generated = msgspec.json.schema(model)
    if model is Line:
        _add_checksums(generated)
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:beamproof:{name}:{version}",
        "title": f"beamproof {name}",
        "description": about,
        **generated,
    }
    return msgspec.json.format(msgspec.json.encode(document, order="sorted"), indent=2) + b"\n"


def _add_checksums(schema: dict[str, Any]) -> None:
    """Say that every line may end in a checksum, which no model holds."""
    for definition in schema["$defs"].values():
        if "kind" in definition.get("properties", {}):
            definition["properties"]["sum"] = {"type": "string", "pattern": "^[0-9a-f]{16}$"}


def _publish() -> None:
    for name in SCHEMAS:
        (Path(__file__).parent / "schema" / schema_name(name)).write_bytes(render_schema(name))


if __name__ == "__main__":
    _publish()
