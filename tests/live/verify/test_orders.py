"""Any order, any company, a node alone: the verdict is the same. `make orders` tries all claims."""

from __future__ import annotations

import random

import pytest

from tests.orders.runs import differing, in_all_ways, names

pytestmark = pytest.mark.live

SEEDS = (1,)
CLAIMS = 12
"""Of all skills together: as many however many skills there are."""


def test_a_verdict_depends_on_no_order_and_no_company(way: list[str]) -> None:
    """A sample of all claims, shuffled on shared nodes and each call alone."""
    claims = random.Random(11).sample(names(), CLAIMS)  # noqa: S311 - order, not secrecy
    runs = in_all_ways(claims, SEEDS, ["--otp", "27", *way])
    assert len(runs["isolated"]) == len(claims)
    assert not list(differing(runs))
