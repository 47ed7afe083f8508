"""JUnit XML as CI systems read it: a suite a skill and release, a test case a claim.

Knows: judged runs and the JUnit format. Must not know: files.

A verdict becomes: `confirmed` a test that passed, `refuted` a `<failure>`, `inconclusive` an
`<error>`, `skipped` a `<skipped>`. A failure's text shows predicted against found; the evidence of
every test case is its `<system-out>`, the VM's log its `<system-err>`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite
from junitparser.junitparser import FinalResult

from harness.judge.finding import Check, Finding, Verdict
from harness.judge.view import RunView, SkillView
from harness.run.model import Sample
from harness.run.repeat import repeat_command

# junitparser writes with lxml where that is installed, which leaves the declaration away.
_DECLARATION = b"<?xml version='1.0' encoding='utf-8'?>\n"

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render_junit(view: RunView) -> bytes:
    """Return the run as one JUnit XML document."""
    report = JUnitXml("beamproof")
    for skill in view.skills:
        for runtime in view.runtimes:
            suite = _suite(view, skill, runtime)
            if suite is not None:
                report.add_testsuite(suite)
    _total(report)
    content: bytes = report.tostring()  # type: ignore[no-untyped-call]  # theirs has no types
    return content if content.startswith(b"<?xml") else _DECLARATION + content


def _total(report: JUnitXml) -> None:
    """Add the suites up; junitparser's own sum has a count that the common schema does not know."""
    report.tests = sum(suite.tests for suite in report)
    report.failures = sum(suite.failures for suite in report)
    report.errors = sum(suite.errors for suite in report)
    report.time = _seconds(sum(suite.time for suite in report))


def _suite(view: RunView, skill: SkillView, runtime: str) -> TestSuite | None:
    findings = [one.cells[runtime] for one in skill.claims if runtime in one.cells]
    if not findings:
        return None
    suite = TestSuite(f"{skill.name}@{runtime}")
    suite.timestamp = view.run.header.started.partition("+")[0]
    for name, value in _properties(view, runtime).items():
        suite.add_property(name, _clean(value))
    suite.add_testcases([_case(skill.name, runtime, finding) for finding in findings])
    return suite


def _properties(view: RunView, runtime: str) -> Mapping[str, str]:
    record = view.records.get(runtime)
    facts: dict[str, object] = {"run": view.run.header.run}
    if record is not None:
        facts |= {"way": record.way, "origin": record.origin, "digest": record.digest}
        if record.build is not None:
            facts |= {
                "otp_version": record.build.otp_version,
                "erts_version": record.build.erts_version,
                "jit": record.build.jit,
            }
    return {name: str(value) for name, value in facts.items() if value is not None}


def _case(skill: str, runtime: str, finding: Finding) -> TestCase:
    samples = finding.observation.samples if finding.observation else ()
    case = TestCase(
        name=_clean(f"{finding.claim.id}@{runtime}"),
        classname=skill,
        time=_seconds(sum(sample.elapsed_us for sample in samples) / 1e6),
    )
    result = _result(finding)
    if result is not None:
        case.result = [result]
    case.system_out = _clean(_system_out(finding, samples))
    log = "".join(dict.fromkeys(sample.log for sample in samples))
    if log:
        case.system_err = _clean(log)
    return case


def _seconds(value: float) -> float:
    """Round so that Python never writes an exponent, which the schema does not know."""
    return round(value, 4)


_RESULTS: Mapping[Verdict, type[FinalResult]] = {
    Verdict.REFUTED: Failure,
    Verdict.INCONCLUSIVE: Error,
    Verdict.SKIPPED: Skipped,
}


def _result(finding: Finding) -> FinalResult | None:
    kind = _RESULTS.get(finding.verdict)
    if kind is None:
        return None
    result = kind(message=_clean(finding.reason), type_=finding.verdict.value)
    result.text = _clean("\n".join(_explained(finding)))
    return result


def _explained(finding: Finding) -> Iterator[str]:
    yield finding.claim.statement
    yield finding.reason
    yield from _table(finding.checks)
    for rival in finding.rivals:
        if not rival.contradicted:
            yield f"rival not contradicted: {rival.statement}"
    if finding.verdict is not Verdict.SKIPPED:
        yield f"again: {repeat_command(finding.cell)}"


def _table(checks: Iterable[Check]) -> Iterator[str]:
    marks = {True: "holds   ", False: "FAILS   ", None: "unknown "}
    for check in checks:
        yield f"{marks[check.holds]} {check.path}: predicted {check.predicted}"
        yield f"{'':9}{'':{len(check.path)}}  found {check.found_text}"


def _system_out(finding: Finding, samples: Iterable[Sample]) -> str:
    evidence = [
        json.dumps(sample.evidence, ensure_ascii=False, indent=1)
        for sample in samples
        if sample.evidence is not None
    ]
    return "\n".join([f"{finding.verdict.value}: {finding.reason}", *evidence])


def _clean(text: str) -> str:
    """Replace the characters that XML has no way to write, e.g. the NUL of a probe's output."""
    return _NOT_XML.sub("\ufffd", text)
