"""The short form of `make faults`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import campaign, kinds, planted
from tests.faults.command import Place

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def place(erls: dict[int, Path]) -> Iterator[Place]:
    """Return where VMs are processes, with a cache that is filled."""
    with campaign.trees(erls[27]) as trees:
        yield trees


def test_every_check_of_the_campaign_sees_what_it_looks_for(place: Place) -> None:
    """What no fault may do is done on purpose."""
    assert list(planted.unseen(place)) == []


@pytest.mark.parametrize("name", kinds.SHORT)
def test_a_fault_leaves_nothing_and_changes_no_evidence(place: Place, name: str) -> None:
    """One fault of each short kind, VMs and commands alike, at a moment of one seed: all clean."""
    counts: Counter[str] = Counter()
    chosen = {name: kinds.KINDS[name]}
    assert list(campaign.campaign(place, chosen, 1, counts, rounds=1)) == []
    assert counts == Counter([name])


def test_the_short_form_covers_half_of_what_it_can() -> None:
    """Of all kinds on trees at least half."""
    assert set(kinds.SHORT) <= set(kinds.KINDS)
    assert 2 * len(kinds.SHORT) >= len(kinds.KINDS)
