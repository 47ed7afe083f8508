"""What a probe returned is what is stored, compared and shown, in every report.

From the JSON that the bridge makes of a probe's value, over the run file and the judge, to each
report; the Erlang half of the way is in tests/live/bridge/test_values.py.
"""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from lxml import etree

from harness.claims.model import Skill
from harness.collect.outcome import outcome_of
from harness.judge.finding import Verdict
from harness.judge.view import RunView, view
from harness.report.html.site import site
from harness.report.junit import render_junit
from harness.report.markdown import render_markdown
from harness.report.terminal.findings import explain
from harness.report.to_json import render_json, report
from harness.run.file import RunWriter, read_run
from harness.run.model import Sample
from tests.support.judging import SKILL, claim, header, observation, rival

CELL = f"{SKILL}/law@otp27"
SOME = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])

texts = st.text(st.characters(exclude_categories=["Cs"]))
numbers = (
    st.integers()
    | st.integers(-(10**4000), 10**4000)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([0, -0.0, 5e-324, 1.7976931348623157e308, 2**53 + 1, 2**64, -(2**63) - 1])
)
values = st.recursive(
    numbers | st.booleans() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=8,
)


def judged(folder: Path, expect: Any, returned: Any) -> RunView:
    """Return the judged run of one cell whose probe returned this value under `found`."""
    outcome = outcome_of(json.dumps({"value": {"found": returned}}, ensure_ascii=False))
    path = folder / "run.jsonl"
    path.unlink(missing_ok=True)
    with RunWriter(path) as writer:
        writer.append(header(CELL))
        writer.append(observation(Sample(evidence=outcome.value, elapsed_us=1, node="n")))
    law = claim({"found": expect}, rival({"absent_key": 1}))
    skill = Skill(name=SKILL, description="", claims=(law,), path=folder / "none", sha256="0")
    return view(read_run(path), [skill])


@SOME
@given(value=values)
def test_a_value_fits_the_prediction_of_itself(
    tmp_path_factory: pytest.TempPathFactory, value: Any
) -> None:
    """Numbers at their limits, text of any kind, lists and maps equal themselves at the judge."""
    assume(not isinstance(value, dict))  # a table of predictions, not a value
    (finding,) = judged(tmp_path_factory.mktemp("run"), value, value).findings
    assert [check.holds for check in finding.checks] == [True]


@SOME
@given(number=st.integers(-(10**300), 10**300))
def test_the_next_number_is_another(tmp_path_factory: pytest.TempPathFactory, number: int) -> None:
    """No integer is rounded anywhere: the neighbour refutes."""
    (finding,) = judged(tmp_path_factory.mktemp("run"), number, number + 1).findings
    assert finding.verdict is Verdict.REFUTED


@SOME
@given(value=values)
def test_every_report_shows_it(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    """No report fails on it, none steers a terminal, and the JSON holds it as it was."""
    run = judged(tmp_path_factory.mktemp("run"), "something else", value)
    (finding,) = run.findings
    etree.fromstring(render_junit(run))
    document = msgspec.json.decode(render_json(report(run)))
    assert isinstance(document, dict)
    for text in (explain(finding), render_markdown(run)):
        assert not [char for char in text if unicodedata.category(char) == "Cc" and char != "\n"]
    pages = dict(site([run], {}))
    assert all(pages.values())
    (stored,) = run.run.observations
    assert json.dumps(stored.samples[0].evidence) == json.dumps({"found": value})
