"""Predictions as they are written: what is understood, and what is refused with which words."""

import datetime as dt
from typing import Any

import pytest

from harness.claims.expect import (
    PredicateError,
    as_written,
    parse_pattern,
    parse_predictions,
    words,
)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (64, "64"),
        ({"not_equals": "x"}, 'not "x"'),
        ({"one_of": [1, 2]}, "one of [1, 2]"),
        ({"at_least": 3}, "at least 3"),
        ({"between": [1, 2]}, "between 1 and 2"),
        ({"approx": 100, "rel": 0.1}, "100 ± 10.0"),
        ({"contains": "bad"}, 'containing "bad"'),
        ({"absent": True}, "no such key"),
        ({"absent": False}, "any value"),
        ({"matches": "a+"}, "matching /a+/"),
        ({"search": "^a"}, "with /^a/ in it"),
        ({"all": {"x_us": {"above": 1}}}, "every element (x_us: above 1)"),
        ({"any": 1}, "some element (1)"),
        ({"length": {"at_most": 3}}, "length (at most 3)"),
    ],
)
def test_a_prediction_reads_as_a_sentence_would(written: Any, said: str) -> None:
    """Reports say predictions in words."""
    assert words(parse_pattern(written)) == said


def test_nested_tables_become_paths() -> None:
    """Each leaf of nested tables is one prediction with its own line."""
    lines = {("cases", "link", "reason"): 7, ("size_bytes",): 9}
    found = parse_predictions(
        {"cases": {"link": {"reason": "killed"}}, "size_bytes": 3}, lines.__getitem__
    )
    assert [(one.name, one.line) for one in found] == [("cases.link.reason", 7), ("size_bytes", 9)]


@pytest.mark.parametrize(
    ("expect", "path", "message"),
    [
        ({}, (), "predict at least one key"),
        ({"a": {}}, ("a",), "an empty table predicts nothing"),
        ({"a": {"at_lest": 3}}, ("a", "at_lest"), 'did you mean "at_least"?'),
        ({"a": {"at_mots": 3}}, ("a", "at_mots"), 'did you mean "at_most"?'),
        ({"a": {"at_least": 3, "x": 4}}, ("a", "x"), '"x" is not a predicate'),
        ({"a": {"at_least": "3"}}, ("a", "at_least"), 'wants a number, not "3"'),
        ({"a": {"above": True}}, ("a", "above"), "wants a number, not true"),
        ({"a": {"between": [2, 1]}}, ("a", "between"), "two numbers, the lower first"),
        ({"a": {"between": 1}}, ("a", "between"), "two numbers, the lower first"),
        ({"a": {"one_of": []}}, ("a", "one_of"), "a list with a value in it"),
        ({"a": {"absent": 1}}, ("a", "absent"), "true or false"),
        ({"a": {"matches": "("}}, ("a", "matches"), "a regular expression ("),
        ({"a": {"matches": 1}}, ("a", "matches"), "a regular expression"),
        ({"a": {"approx": 1}}, ("a", "approx"), "needs a tolerance"),
        ({"a": {"approx": 1, "rel": -1}}, ("a", "rel"), "a number from 0 up"),
        ({"a": {"at_least": 1, "rel": 1}}, ("a",), '"rel" belongs to "approx"'),
        ({"a": {"equals": 1, "at_least": 1}}, ("a",), '"equals" stands alone'),
        ({"a": {"at_least": 3, "at_most": 2}}, ("a",), "no number is at_least 3 and at_most 2"),
        ({"a": {"above": 2, "at_most": 2}}, ("a",), "no number is above 2 and at_most 2"),
        ({"a": dt.date(2025, 1, 1)}, ("a",), "is no JSON value"),
        ({"a": float("inf")}, ("a",), "is no JSON value"),
        ({"a": {"all": {"at_lest": 1}}}, ("a", "all", "at_lest"), 'did you mean "at_least"?'),
    ],
)
def test_a_wrong_prediction_is_refused(expect: Any, path: tuple[str, ...], message: str) -> None:
    """The error names the place below `expect` and what was wanted."""
    with pytest.raises(PredicateError) as error:
        parse_predictions(expect, lambda _path: 1)
    assert error.value.path == path
    assert message in error.value.message


def test_keys_that_merely_resemble_predicates_are_keys() -> None:
    """`matched` is evidence, not a slip for `matches`."""
    assert words(parse_pattern({"matched": True})) == "matched: true"


@pytest.mark.parametrize(
    "written",
    [
        {"equals": 64},
        {"at_least": 1, "below": 9},
        {"approx": 100, "abs": 2.0},
        {"all": {"size_bytes": {"equals": 1}}},
        {"one_of": ["a", 3]},
        {"absent": True},
    ],
)
def test_a_prediction_is_given_back_as_it_was_written(written: Any) -> None:
    """As data, for programs that read it."""
    assert as_written(parse_pattern(written)) == written
