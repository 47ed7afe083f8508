"""Outcomes: what has exactly the bridge's shape is taken, anything else costs its own cell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.bridge.terms import Term
from harness.collect.outcome import MAX_JSON_CHARS, outcome_of, probed_of
from harness.errors import ProtocolError
from harness.run.file import RunWriter, read_run
from harness.run.model import Sample
from tests.support.judging import header, observation

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(10**4000), 10**4000)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(value=JSON)
def test_any_value_of_json_is_taken_as_it_is(value: Any) -> None:
    """Numbers of any size, text of any kind, nested: what was sent is what is there."""
    try:
        text = json.dumps({"value": value})
        text.encode()
    except UnicodeEncodeError:
        return
    found = outcome_of(text)
    assert json.dumps(found.value) == json.dumps(value)  # tells 1, 1.0 and true, 0.0 and -0.0 apart


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "null", "{", '{"value":', '{"value":NaN}', '{"value":1e400}', '{"other":1}'),
        *('{"probe_us":"nine"}', '{"probe_us":-1}', '{"probe_us":1.5}', '{"stack":1}'),
        *('{"stack":[1]}', '{"reason":1}', '{"error_class":[]}', '{"value":"\\ud800"}'),
        '{"value":' + "9" * 5000 + "}",
        '{"value":' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"value":' + "[" * 80 + "]" * 80 + "}",
        '{"value":' + '{"a":' * 80 + "1" + "}" * 81,
        '{"value":"' + "x" * MAX_JSON_CHARS + '"}',
    ],
)
def test_another_shape_is_refused(text: str) -> None:
    """No shape raises anything but a ProtocolError."""
    with pytest.raises(ProtocolError):
        outcome_of(text)


@pytest.mark.parametrize(
    "term",
    [
        *(None, 1, b"\xff", [], {}, (), ("{}",), ("{}", [], 1), ("{}", "left", False)),
        *(("{}", [1], False), (b"\xff", [], False), ("{}", [], False, 1), ("[]", [], False)),
        ("{}", 1 << 20_000, False),
    ],
)
def test_another_answer_of_a_probe_is_refused(term: Term) -> None:
    """Leftovers that are no list, an outcome that is no text: refused."""
    with pytest.raises(ProtocolError):
        probed_of(term)


def test_what_a_probe_raised_brings_what_it_left() -> None:
    """A failure says what it left behind as well; nothing in it steers a terminal."""
    text = json.dumps({"error_class": "error", "reason": "\x1b[31mred", "stack": ["\x07"]})
    found = probed_of((text, ["process <0.1.0>\r"], True)).raised()
    assert found is not None
    assert (found.reason, found.stacktrace) == ("\\x1b[31mred", ("\\x07",))
    assert (found.leftovers, found.spent) == (("process <0.1.0>\\x0d",), True)


@given(value=st.dictionaries(st.text(), JSON))
def test_whatever_is_taken_is_stored_and_read_back(
    tmp_path_factory: pytest.TempPathFactory, value: dict[str, Any]
) -> None:
    """No evidence that passes here makes a run file unreadable, or another evidence of it."""
    try:
        text = json.dumps({"value": value})
        text.encode()
    except UnicodeEncodeError:
        return
    sample = Sample(evidence=outcome_of(text).value, elapsed_us=1, node="n")
    path = Path(tmp_path_factory.mktemp("run")) / "run.jsonl"
    with RunWriter(path) as writer:
        writer.append(header())
        writer.append(observation(sample))
    (found,) = read_run(path).observations
    assert json.dumps(found.samples[0].evidence) == json.dumps(value)
