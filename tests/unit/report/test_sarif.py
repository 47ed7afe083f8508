"""Remarks as SARIF: by the models that are generated from the schema of SARIF 2.1.0."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fluidattacks_core.sarif import SarifLog
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.documents.remark import RULES, Remark
from harness.report.sarif import render_sarif


def remark(
    rule: str = "not-confirmed", *, message: str = "It is not so.", score: float | None = None
) -> Remark:
    return Remark(
        path=Path("docs/a guide.md"), line=3, end_line=4, rule=rule, message=message,
        claim="beam-test/law", sentence="It is so.", score=score,
    )  # fmt: skip


def test_every_rule_is_valid_by_the_schema() -> None:
    """Each with its level, on the lines of its sentence."""
    rendered = render_sarif([remark(rule) for rule in RULES])
    SarifLog.model_validate_json(rendered)
    (run,) = json.loads(rendered)["runs"]
    for result in run["results"]:
        rule = run["tool"]["driver"]["rules"][result["ruleIndex"]]
        assert rule["id"] == result["ruleId"]
        assert rule["defaultConfiguration"]["level"] == result["level"]
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place == {
        "artifactLocation": {"uri": "docs/a%20guide.md"},
        "region": {"startLine": 3, "endLine": 4},
    }


@given(st.text(min_size=1), st.floats(0, 1))
def test_any_remark_is_valid_by_the_schema(message: str, score: float) -> None:
    """Whatever is said, and how like it is."""
    SarifLog.model_validate_json(
        render_sarif([remark("like-refuted", message=message, score=score)])
    )


def test_the_models_refuse_what_the_schema_refuses() -> None:
    """A key that the schema lacks, a line 0: the test above can fail."""
    for key, value in (("colour", "red"), ("startLine", 0)):
        log = json.loads(render_sarif([remark()]))
        result = log["runs"][0]["results"][0]
        result["locations"][0]["physicalLocation"]["region"][key] = value
        with pytest.raises(ValidationError):
            SarifLog.model_validate(log)


def test_nothing_found_is_a_run_without_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a code host clears what it showed; a file elsewhere is named by its address."""
    SarifLog.model_validate_json(render_sarif([]))
    monkeypatch.chdir(tmp_path)
    log = json.loads(render_sarif([Remark(path=Path("/else/where.md"), line=1, end_line=1,
                                          rule="bad-mark", message="x")]))  # fmt: skip
    location = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert location["artifactLocation"]["uri"] == "file:///else/where.md"
