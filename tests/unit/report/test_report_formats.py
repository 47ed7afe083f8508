"""JUnit, JSON, Markdown and badges: what other programs read."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import msgspec
import pytest
from lxml import etree
from support.synthetic_runs import MARKUP, Files

from harness.judge.compare import compare
from harness.judge.finding import Verdict
from harness.judge.view import RunView, SkillView
from harness.report import to_json
from harness.report.badge import badge_text, badges
from harness.report.junit import render_junit
from harness.report.markdown import escape, render_comparison, render_markdown

SCHEMAS = Path(to_json.__file__).parent / "schema"
XSD = Path(__file__).parent / "junit.xsd"


# --- JUnit ---------------------------------------------------------------------------------------


def test_junit_fits_the_schema_that_ci_systems_agree_on(judged: RunView) -> None:
    """Also with markup, quotes and control characters in evidence and log."""
    schema = etree.XMLSchema(etree.parse(str(XSD)))
    schema.assertValid(etree.fromstring(render_junit(judged)))


def test_junit_has_a_suite_a_skill_and_release(judged: RunView) -> None:
    """With the counts that a CI system shows, and the VM's identity as properties."""
    root = ET.fromstring(render_junit(judged))  # noqa: S314 (our own)
    names = [suite.get("name") for suite in root]
    assert names == [
        f"beam-skill-{skill}@otp{release}" for skill in "ab" for release in (25, 26, 27)
    ]
    newest = root[2]
    counts = {key: newest.get(key) for key in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "8", "failures": "1", "errors": "1", "skipped": "0"}
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("48", "2", "2")
    facts = {one.get("name"): one.get("value") for one in newest.iter("property")}
    assert facts["otp_version"] == "27.3.4.1"
    assert str(facts["digest"]).startswith("sha256:")


@pytest.mark.parametrize(
    ("claim", "release", "element", "said"),
    [
        ("claim-001", 27, "failure", "growth_exponent: predicted between 0.8 and 1.2"),
        ("claim-003", 27, "error", "the probe crashed"),
        ("claim-005", 25, "skipped", "the claim is about OTP >=25"),
    ],
)
def test_junit_maps_the_verdicts(
    judged: RunView, claim: str, release: int, element: str, said: str
) -> None:
    """Refuted is a failure, inconclusive an error, skipped is skipped with its reason."""
    root = ET.fromstring(render_junit(judged))  # noqa: S314 (our own)
    found = root.find(f".//testcase[@name='{claim}@otp{release}']/{element}")
    assert found is not None
    assert said in str(found.get("message"))


def test_junit_shows_predicted_against_found_and_the_evidence(judged: RunView) -> None:
    """A failure's text has both values and the command; the evidence is in system-out."""
    root = ET.fromstring(render_junit(judged))  # noqa: S314 (our own)
    case = root.find(".//testcase[@name='claim-001@otp27']")
    assert case is not None
    text = case.findtext("failure") or ""
    assert "FAILS    growth_exponent: predicted between 0.8 and 1.2" in text
    assert "found 1.9" in text
    assert "beamproof verify beam-skill-a --claim claim-001 --otp 27" in text
    assert '"growth_exponent": 1.9' in (case.findtext("system-out") or "")
    passed = root.find(".//testcase[@name='claim-000@otp27']")
    assert passed is not None
    assert [child.tag for child in passed] == ["system-out", "system-err"]
    assert "<script>" in (passed.findtext("system-err") or "")


# --- JSON ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(to_json.SCHEMAS))
def test_the_published_schemas_are_those_of_the_models(name: str) -> None:
    """A changed model needs a new file; one that breaks readers a new version."""
    committed = (SCHEMAS / to_json.schema_name(name)).read_bytes()
    assert committed == to_json.render_schema(name), "python -m harness.report.to_json"


def test_no_published_schema_disappears() -> None:
    """Readers of version 1 find its schema as long as there is one."""
    names = {path.name for path in SCHEMAS.iterdir()}
    assert {to_json.schema_name(name) for name in to_json.SCHEMAS} <= names
    for path in SCHEMAS.iterdir():
        name, _, version = path.stem.rpartition("-")
        assert json.loads(path.read_text())["$id"] == f"urn:beamproof:{name}:{version}"


def valid(name: str, content: bytes) -> None:
    schema = json.loads((SCHEMAS / to_json.schema_name(name)).read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(json.loads(content))


def test_json_fits_its_schema(judged: RunView, judged_next: RunView, files: Files) -> None:
    """The report, the comparison, and every line of a run file."""
    whole = to_json.report(judged)
    few = {one.verdict: one for one in whole.findings}  # the validator is slow: one of each verdict
    small = msgspec.structs.replace(whole, findings=tuple(few.values()))
    valid("report", to_json.render_json(small))
    valid("comparison", to_json.render_json(compare(judged, judged_next)))
    lines = files.run.read_bytes().splitlines()
    for line in (lines[0], next(one for one in lines if b'"failure":{' in one), lines[-1]):
        valid("run-line", line)


def test_json_holds_everything_that_a_verdict_rests_on(judged: RunView) -> None:
    """Checks with both values, rivals with what contradicts them, samples, the version."""
    made = to_json.render_json(to_json.report(judged))
    report = msgspec.json.decode(made, type=to_json.Report)
    assert report.schema_version == 1
    assert report.counts == {"refuted": 2, "inconclusive": 2, "confirmed": 42, "skipped": 2}
    found = {one.cell: one for one in report.findings}["beam-skill-a/claim-001@otp27"]
    assert found.verdict is Verdict.REFUTED
    assert (found.checks[0].found, found.checks[0].holds) == (1.9, False)
    assert found.rivals[0].by is not None
    assert found.rivals[0].by.predicted == "at most 0.2"
    assert found.otp_version == "27.3.4.1"
    assert found.samples[0].evidence is not None


# --- Markdown ------------------------------------------------------------------------------------


def test_markdown_says_the_worst_first(judged: RunView) -> None:
    """Counts in the heading, the table, each cell that is not confirmed, what was skipped."""
    text = render_markdown(judged)
    assert text.startswith("## beamproof: 2 refuted, 2 inconclusive, 2 skipped, 42 confirmed\n")
    assert "| skill | OTP 25 | OTP 26 | OTP 27 |" in text
    assert text.index("**refuted** `beam-skill-b/claim-001@otp27`") < text.index("**inconclusive**")
    assert "`beamproof verify beam-skill-a --claim claim-003 --otp 27`" in text
    assert "- OTP 25: 2, the claim is about OTP &gt;=25" in text


def test_markup_is_text_in_markdown() -> None:
    """Neither a tag nor a column nor a heading comes out of evidence."""
    made = escape(f"{MARKUP}| # *x* [a](b)")
    assert "<" not in made
    assert r"\| \# \*x\* \[a\](b)" in made
    assert "\n" not in escape("a\nb")
    assert "\x00" not in made


def test_markdown_of_a_comparison_tells_what_got_worse(
    judged: RunView, judged_next: RunView
) -> None:
    """Ready for an issue or a job summary."""
    text = render_comparison(compare(judged, judged_next))
    assert text.startswith("## beamproof: something got worse\n")
    assert "### Worse (2)" in text
    assert "### Better (2)" in text
    (line,) = [line for line in text.splitlines() if line.startswith("- OTP 27: ")]
    assert r"otp\_version 27.3.4.1 -&gt; 27.3.5" in line
    assert "No difference." in render_comparison(compare(judged, judged))


# --- Badges --------------------------------------------------------------------------------------


def test_a_badge_says_how_many_claims_are_proven_where(judged: RunView) -> None:
    """A claim that one release refutes is not proven; a skipped release takes nothing away."""
    assert badge_text(judged.skills[0]) == (
        "6 proven, 1 refuted, 1 inconclusive on OTP 25\N{EN DASH}27",
        Verdict.REFUTED,
    )
    good = only(judged.skills[0], "claim-000", "claim-005")
    assert badge_text(good) == ("2 proven on OTP 25\N{EN DASH}27", Verdict.CONFIRMED)
    assert badge_text(good, complete=False)[1] is Verdict.INCONCLUSIVE


def only(skill: SkillView, *claims: str) -> SkillView:
    return replace(skill, claims=tuple(one for one in skill.claims if one.claim.id in claims))


def test_badges_are_small_images_with_their_text(judged: RunView) -> None:
    """One file a skill, with a title for those who do not see it."""
    made = dict(badges(judged))
    assert list(made) == [
        f"{name}.{ending}"
        for name in ("beam-skill-a", "beam-skill-b", "all")
        for ending in ("svg", "json")
    ]
    assert b"beamproof: 1" in made["all.svg"]
    endpoint = json.loads(made["beam-skill-a.json"])
    assert endpoint["schemaVersion"] == 1
    assert endpoint["label"] == "beam-skill-a"
    assert endpoint["message"].startswith("6 proven")
    ids = [re.findall(rb'id="([^"]+)"', made[name]) for name in made if name.endswith(".svg")]
    assert len({one for found in ids for one in found}) == 3  # several on one page do not clash
    root = ET.fromstring(made["beam-skill-a.svg"])  # noqa: S314 (our own)
    assert str(root.get("aria-label")).startswith("beam-skill-a: 6 proven")
    assert len(made["beam-skill-a.svg"]) < 1500
