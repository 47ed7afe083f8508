"""Any order, any company, a node alone: the verdict is the same. `make orders` tries all claims."""

from __future__ import annotations

import random

import pytest

from harness.claims.folder import load_skills
from harness.folders import default_claims_dir
from tests.orders.runs import differing, in_all_ways

pytestmark = pytest.mark.live

SEEDS = (1,)
CLAIMS = 12
"""Of all skills together: as many however many skills there are."""


def test_a_verdict_depends_on_no_order_and_no_company(way: list[str]) -> None:
    """A sample of the claims that need nothing, shuffled on shared nodes and each call alone."""
    skills = load_skills(default_claims_dir())
    light = [one.name for skill in skills for one in skill.claims if not (one.timing or one.needs)]
    claims = random.Random(11).sample(light, CLAIMS)  # noqa: S311 - order, not secrecy
    runs = in_all_ways(claims, SEEDS, ["--otp", "27", *way])
    assert len(runs["isolated"]) == len(claims)
    assert not list(differing(runs))
