"""What a probe returns arrives as it is: numbers of any size, text of any kind, odd keys.

The rest of the way, to the judge and every report, is in tests/unit/report/test_whole_way.py.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.collect.node import Node
from harness.errors import RemoteError

pytestmark = pytest.mark.live

EXAMPLES = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
leaves = (
    st.integers()
    | st.integers(-(10**400), 10**400)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([-0.0, 5e-324, 1.7976931348623157e308, 2**63, -(2**63) - 1])
    | st.booleans()
    | texts
)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=10,
)


@EXAMPLES
@given(value=values)
def test_what_a_probe_returns_arrives(lent_node: Node, value: Any) -> None:
    """There and back, to the last digit and sign, through a probe's evidence."""
    answer = lent_node.probe("good_probes", "echo", {"value": value}, timeout_s=20)
    assert isinstance(answer.value, dict)
    assert json.dumps(answer.value["args"], sort_keys=True) == json.dumps(
        {"value": value}, sort_keys=True
    )


def test_odd_terms_are_text_and_never_another_value(lent_node: Node) -> None:
    """Text that is no UTF-8, keys that are no names, lists that are no text."""
    answer = lent_node.probe("good_probes", "odd", {}, timeout_s=20)
    assert answer.value == {
        "charlist": [104, 228, 128512],
        "invalid": "<<237,160,128>>",
        "overlong": "<<192,128>>",
        "nul": "a\0b",
        "escapes": '"\\\x1b\x7f\u2028',
        "keys": {"1": 1, "1.0": 2, "{a,b}": 3, "<<255>>": 4, "": 5, '"x"': 6},
        "longest": 10**4299,
        "least": -(10**4298),
    }


@pytest.mark.parametrize("sign", [1, -1])
def test_an_integer_that_no_reader_takes_is_said(lent_node: Node, sign: int) -> None:
    """Beyond 4,300 characters a number is no evidence, however long it would take to write."""
    for digits in (4_301, 1_000_000):
        with pytest.raises(RemoteError, match="more than 4300 digits"):
            lent_node.probe(
                "good_probes", "long", {"bits": digits * 10 // 3, "sign": sign}, timeout_s=20
            )
    assert lent_node.probe("good_probes", "none", {}, timeout_s=10).value == {}
