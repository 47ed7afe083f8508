"""The interval of the median: exact coverage, order, the fewest samples that decide."""

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.judge.median import CONFIDENCE, median_interval


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60))
def test_the_interval_lies_around_the_median(values: list[float]) -> None:
    """Low, median and high are ordered, and low and high are samples."""
    interval = median_interval(values)
    assert interval.low <= interval.median <= interval.high
    assert {interval.low, interval.high} <= set(values)
    assert interval.samples == len(values)


@pytest.mark.parametrize("count", range(6, 60))
def test_the_interval_is_the_narrowest_that_is_sure_enough(count: int) -> None:
    """From 6 samples on the confidence is reached, and one rank further in would miss it."""
    interval = median_interval(range(1, count + 1))
    rank = int(interval.low)
    assert interval.high == count - rank + 1
    tail = sum(comb(count, below) for below in range(rank)) / 2**count
    assert interval.confidence == pytest.approx(1 - 2 * tail)
    assert interval.confidence >= CONFIDENCE
    further = tail + comb(count, rank) / 2**count
    assert 1 - 2 * further < CONFIDENCE or rank + 1 > count // 2


def test_few_samples_give_their_whole_range() -> None:
    """Below 6 samples nothing narrower than the range could be called sure."""
    interval = median_interval([5, 1, 3])
    assert (interval.low, interval.median, interval.high) == (1, 3, 5)
    assert interval.confidence == pytest.approx(0.75)


def test_twenty_samples_leave_out_five_on_each_side() -> None:
    """The textbook's row for n = 20: the 6th and the 15th, 95.9 %."""
    interval = median_interval(range(1, 21))
    assert (interval.low, interval.high) == (6, 15)
    assert interval.confidence == pytest.approx(0.959, abs=0.001)


def test_no_samples_have_no_median() -> None:
    """Nothing is not zero."""
    with pytest.raises(ValueError, match="at least one"):
        median_interval([])


def test_integers_that_no_float_can_hold_have_a_median() -> None:
    """The VM's numbers have no bound, and nor has what is made of them."""
    huge = 10**400
    assert median_interval([huge, huge + 2]).median == huge + 1
    assert median_interval([huge, 1.5]).median == (huge + 1) // 2
