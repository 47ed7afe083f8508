"""Spans of time as people write them."""

from __future__ import annotations

import pytest

from harness.errors import InputError
from harness.system.machine import machine_id
from harness.system.spans import parse_span


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("10m", 600), ("24h", 86400), ("7d", 604800), ("1h30m", 5400), ("0.5h", 1800)],
)
def test_a_span_is_a_number_and_a_unit(text: str, seconds: float) -> None:
    """Several add up."""
    assert parse_span(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "24", "h", "-1h", "0s", "1w", "1h 30m", "1e9h", "9" * 40 + "d"]
)
def test_what_is_no_span_is_refused(text: str) -> None:
    """A number without a unit is a guess."""
    with pytest.raises(InputError, match=r"no span of time|no time at all"):
        parse_span(text)


def test_a_machine_is_the_same_as_long_as_it_runs() -> None:
    """And its name tells nothing of it."""
    assert machine_id() == machine_id()
    assert len(machine_id()) == 16
