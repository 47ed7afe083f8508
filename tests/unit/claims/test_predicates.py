"""Every predicate has evidence that fulfils it, that does not, and that cannot decide it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.claims.evaluation import decide, evaluate, is_numeric
from harness.claims.expect import parse_pattern, words
from harness.claims.predicates import MISSING, Leaf, Op, find, predictions_in, same, show

NUMBERS = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)

FULFILLED: list[tuple[Op, Any, Any]] = [
    (Op.EQUALS, 64, 64),
    (Op.EQUALS, {"equals": 64}, 64.0),
    (Op.EQUALS, {"equals": {}}, {}),
    (Op.EQUALS, {"equals": {"a": [1, "x"]}}, {"a": [1.0, "x"]}),
    (Op.EQUALS, "killed", "killed"),
    (Op.EQUALS, [True, "x"], [True, "x"]),
    (Op.EQUALS, 2**63 + 1, 2**63 + 1),
    (Op.NOT_EQUALS, {"not_equals": 64}, 65),
    (Op.NOT_EQUALS, {"not_equals": 1}, True),
    (Op.NOT_EQUALS, {"not_equals": "x"}, 3),
    (Op.ONE_OF, {"one_of": [1, 2]}, 2.0),
    (Op.ONE_OF, {"one_of": [1, "none"]}, "none"),
    (Op.ONE_OF, {"one_of": [1, "none"]}, 1),
    (Op.AT_LEAST, {"at_least": 3}, 3),
    (Op.AT_MOST, {"at_most": 3}, 3),
    (Op.ABOVE, {"above": 3}, 3.1),
    (Op.BELOW, {"below": 3}, 2.9),
    (Op.BETWEEN, {"between": [1, 2]}, 2),
    (Op.APPROX, {"approx": 100, "rel": 0.1}, 110),
    (Op.APPROX, {"approx": 100, "abs": 2}, 98),
    (Op.APPROX, {"approx": -100, "rel": 0.1}, -110),
    (Op.CONTAINS, {"contains": "bad"}, "a badarg"),
    (Op.CONTAINS, {"contains": 3}, [1, 3.0]),
    (Op.MATCHES, {"matches": "bad(arg|match)"}, "badarg"),
    (Op.SEARCH, {"search": "arg"}, "badarg"),
    (Op.ALL, {"all": {"at_least": 1}}, [1, 2]),
    (Op.ALL, {"all": {"size_bytes": {"above": 0}}}, [{"size_bytes": 1, "x": 2}]),
    (Op.ANY, {"any": 3}, [1, 3]),
    (Op.ANY, {"any": {"reason": "killed"}}, [{"other": 1}, {"reason": "killed"}]),
    (Op.LENGTH, {"length": 2}, [1, 2]),
    (Op.LENGTH, {"length": {"at_least": 2}}, "abc"),
    (Op.LENGTH, {"length": 1}, {"a": 1}),
    (Op.ABSENT, {"absent": True}, MISSING),
    (Op.ABSENT, {"absent": False}, None),
]

FAILED: list[tuple[Op, Any, Any]] = [
    (Op.EQUALS, 64, 65),
    (Op.EQUALS, 1, True),
    (Op.EQUALS, False, 0),
    (Op.EQUALS, "64", 64),
    (Op.EQUALS, 2**63 + 1, 2**63),
    (Op.EQUALS, [1, 2], [2, 1]),
    (Op.EQUALS, {"equals": {"a": 1}}, {"a": 1, "b": 2}),
    (Op.NOT_EQUALS, {"not_equals": 64}, 64.0),
    (Op.ONE_OF, {"one_of": [1, 2]}, 3),
    (Op.ONE_OF, {"one_of": [1, 2]}, True),
    (Op.AT_LEAST, {"at_least": 3}, 2.9),
    (Op.AT_LEAST, {"at_least": 0}, True),
    (Op.AT_MOST, {"at_most": 3}, 4),
    (Op.AT_MOST, {"at_most": 3}, "none"),
    (Op.ABOVE, {"above": 3}, 3),
    (Op.BELOW, {"below": 3}, 3),
    (Op.BETWEEN, {"between": [1, 2]}, 2.1),
    (Op.APPROX, {"approx": 100, "rel": 0.1}, 111),
    (Op.APPROX, {"approx": 100, "abs": 2}, 97.9),
    (Op.CONTAINS, {"contains": "bad"}, "good"),
    (Op.CONTAINS, {"contains": True}, [1]),
    (Op.CONTAINS, {"contains": "a"}, 3),
    (Op.MATCHES, {"matches": "bad"}, "badarg"),
    (Op.SEARCH, {"search": "^arg"}, "badarg"),
    (Op.SEARCH, {"search": "1"}, 1),
    (Op.MATCHES, {"matches": "1"}, 1),
    (Op.ALL, {"all": {"at_least": 2}}, [1, 2]),
    (Op.ALL, {"all": 1}, "text"),
    (Op.ANY, {"any": 3}, [1, 2]),
    (Op.ANY, {"any": 3}, []),
    (Op.LENGTH, {"length": 2}, [1]),
    (Op.LENGTH, {"length": 1}, 1),
    (Op.ABSENT, {"absent": True}, None),
    (Op.ABSENT, {"absent": False}, MISSING),
]


@pytest.mark.parametrize(("op", "written", "value"), FULFILLED)
def test_a_predicate_holds_for_evidence_that_fulfils_it(op: Op, written: Any, value: Any) -> None:
    """Evidence that fulfils a predicate is said to."""
    pattern = parse_pattern(written)
    assert isinstance(pattern, Leaf)
    assert pattern.predicates[0].op is op
    assert evaluate(pattern, value).holds is True


@pytest.mark.parametrize(("op", "written", "value"), FAILED)
def test_a_predicate_fails_for_evidence_that_does_not(op: Op, written: Any, value: Any) -> None:
    """Evidence that contradicts a predicate is said to."""
    pattern = parse_pattern(written)
    assert isinstance(pattern, Leaf)
    assert pattern.predicates[0].op is op
    assert evaluate(pattern, value).holds is False


@pytest.mark.parametrize("cases", [FULFILLED, FAILED])
def test_every_predicate_is_tested_both_ways(cases: list[tuple[Op, Any, Any]]) -> None:
    """No predicate is added without evidence for and against it."""
    assert {op for op, _, _ in cases} == set(Op)


@pytest.mark.parametrize("written", [w for op, w, _ in FULFILLED if op is not Op.ABSENT])
def test_a_missing_value_is_never_a_contradiction(written: Any) -> None:
    """What the evidence lacks decides nothing."""
    outcome = evaluate(parse_pattern(written), MISSING)
    assert outcome.holds is None
    assert outcome.note == "the evidence has no such key"


def test_all_over_an_empty_list_decides_nothing() -> None:
    """A series without a point is no proof of what every point has."""
    outcome = evaluate(parse_pattern({"all": {"above": 0}}), [])
    assert outcome.holds is None
    assert "nothing was measured" in outcome.note


@pytest.mark.parametrize(
    "written",
    [
        "killed",
        {"not_equals": "killed"},
        {"matches": "kill.*"},
        {"search": "ill"},
        {"one_of": ["killed", "boom"]},
        {"contains": "ill"},
    ],
)
def test_an_erlang_string_gets_a_hint_and_no_verdict(written: Any) -> None:
    """A list of characters where text is predicted is a slip of the probe, not of the claim."""
    outcome = evaluate(parse_pattern(written), list(map(ord, "killed")))
    assert outcome.holds is None
    assert 'the characters of "killed"' in outcome.note
    assert evaluate(parse_pattern("other"), list(map(ord, "killed"))).holds is False
    assert evaluate(parse_pattern([10]), [10]).holds is True


def test_the_sign_of_a_zero_counts_between_floats() -> None:
    """OTP 27 tells 0.0 from -0.0; whoever writes 0 means both."""
    assert evaluate(parse_pattern(-0.0), -0.0).holds is True
    assert evaluate(parse_pattern(-0.0), 0.0).holds is False
    assert evaluate(parse_pattern(0.0), -0.0).holds is False
    assert evaluate(parse_pattern(0), -0.0).holds is True


def test_numbers_of_any_size_are_compared_exactly() -> None:
    """No bound is too large for a tolerance, a median or a comparison with a float."""
    huge = 10**400
    near = parse_pattern({"approx": huge, "rel": 0.01})
    assert evaluate(near, huge + huge // 200).holds is True
    assert evaluate(near, huge + huge // 50).holds is False
    assert evaluate(parse_pattern({"approx": huge, "abs": 2}), huge + 3).holds is False
    assert evaluate(parse_pattern({"at_most": huge}), 1.5e308).holds is True
    assert evaluate(parse_pattern({"equals": huge}), huge + 1).holds is False


def test_a_missing_key_within_a_list_decides_nothing() -> None:
    """An element without the key leaves `all` and `any` open, unless another decides."""
    every = parse_pattern({"all": {"size_bytes": 1}})
    assert evaluate(every, [{"size_bytes": 1}, {}]).holds is None
    assert evaluate(every, [{}, {"size_bytes": 2}]).holds is False
    some = parse_pattern({"any": {"size_bytes": 1}})
    assert evaluate(some, [{}, {"size_bytes": 2}]).holds is None
    assert evaluate(some, [{}, {"size_bytes": 1}]).holds is True


def test_a_table_wants_a_map() -> None:
    """A nested prediction is contradicted by a value that is no map."""
    outcome = evaluate(parse_pattern({"reason": "killed"}), 3)
    assert outcome == (False, "found a number instead of a map")


def test_comparisons_combine_in_one_table() -> None:
    """Two bounds in one table make a range."""
    pattern = parse_pattern({"at_least": 1, "below": 3})
    assert [evaluate(pattern, n).holds for n in (0, 1, 2, 3)] == [False, True, True, False]
    assert words(pattern) == "at least 1 and below 3"


def test_a_path_leads_through_maps_only() -> None:
    """A key below something that is no map is missing."""
    assert find({"cases": {"link": 1}}, ("cases", "link")) == 1
    assert find({"cases": {"link": 1}}, ("cases", "link", "reason")) is MISSING
    assert find({}, ("cases",)) is MISSING


@given(VALUES)
def test_every_value_is_the_same_as_itself(value: Any) -> None:
    """Equality is reflexive over everything that a probe can return."""
    assert same(value, value)
    assert evaluate(parse_pattern({"equals": value}), value).holds is True
    assert evaluate(parse_pattern({"not_equals": value}), value).holds is False


@given(VALUES, VALUES)
def test_equality_is_symmetric(left: Any, right: Any) -> None:
    """Which side is predicted does not matter."""
    assert same(left, right) == same(right, left)


@given(NUMBERS, NUMBERS)
def test_comparisons_and_their_opposites_never_agree(bound: float, value: float) -> None:
    """A number is either at least a bound or below it, at most or above."""
    for one, other in (("at_least", "below"), ("at_most", "above"), ("equals", "not_equals")):
        left = evaluate(parse_pattern({one: bound}), value).holds
        right = evaluate(parse_pattern({other: bound}), value).holds
        assert left is not right


SMALL = st.integers(-8, 8)
NUMERIC_PATTERNS = st.one_of(
    st.builds(
        lambda op, n: {op: n},
        st.sampled_from(["equals", "not_equals", "at_least", "at_most", "above", "below"]),
        SMALL,
    ),
    st.tuples(SMALL, SMALL).map(lambda pair: {"between": sorted(pair)}),
    st.builds(lambda n, tolerance: {"approx": n, "abs": abs(tolerance)}, SMALL, SMALL),
    st.lists(SMALL, min_size=1, max_size=4).map(lambda values: {"one_of": values}),
)


@given(NUMERIC_PATTERNS, SMALL, SMALL)
def test_an_interval_is_decided_as_its_numbers_are(written: Any, one: int, other: int) -> None:
    """True of an interval means true of all its numbers, false means of none of them."""
    low, high = min(one, other), max(one, other)
    pattern = parse_pattern(written)
    assert isinstance(pattern, Leaf)
    assert is_numeric(pattern)
    inside = [low + step / 4 for step in range(4 * (high - low) + 1)]
    answers = {evaluate(pattern, value).holds for value in inside}
    decision = decide(pattern, low, high)
    if decision is not None:
        assert answers == {decision}
    if low == high:
        assert answers == {decision}


@pytest.mark.parametrize(
    ("written", "numeric"),
    [(3, True), (True, False), ("x", False), ({"one_of": [1, "x"]}, False), ({"all": 1}, False)],
)
def test_only_comparisons_with_numbers_are_numeric(written: Any, numeric: bool) -> None:  # noqa: FBT001
    """A median is asked only where a prediction compares one number."""
    pattern = parse_pattern(written)
    assert isinstance(pattern, Leaf)
    assert is_numeric(pattern) is numeric


def test_leaves_are_found_below_tables_and_lists() -> None:
    """Lint sees every prediction, however deep, with the key nearest to it."""
    pattern = parse_pattern({"all": {"a": {"b_us": {"above": 1}}}})
    keys = [key for key, _ in predictions_in([("series", pattern)])]
    assert keys == ["series", "b_us"]


def test_values_print_on_one_short_line() -> None:
    """Floats lose noise, long values their end, missing ones say so."""
    assert show(0.1 + 0.2) == "0.3"
    assert show({"a": [1.00000001, True, "é"]}) == '{"a": [1.0, true, "é"]}'
    assert show("x" * 500, limit=10) == '"xxxxxxxx…'
    assert show(MISSING) == "(missing)"
