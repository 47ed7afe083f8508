"""Any order, any company, a node alone: the verdict is the same. `make orders` tries all claims."""

from __future__ import annotations

import pytest

from tests.orders.runs import differing, in_all_ways, names

pytestmark = pytest.mark.live

SEEDS = (1,)
CLAIMS_A_SKILL = 3


def test_a_verdict_depends_on_no_order_and_no_company(way: list[str]) -> None:
    """A sample of every skill's claims, shuffled on shared nodes and each call alone."""
    claims = names(sample=CLAIMS_A_SKILL, seed=11)
    runs = in_all_ways(claims, SEEDS, ["--otp", "27", *way])
    assert len(runs["isolated"]) == len(claims)
    assert not list(differing(runs))
