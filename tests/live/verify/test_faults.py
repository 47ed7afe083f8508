"""The short form of `make faults`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.faults import campaign, kinds

pytestmark = pytest.mark.live


def test_faults_leave_nothing_and_change_no_evidence(erls: dict[int, Path]) -> None:
    """One fault of each short kind, VMs and commands alike, at moments of one seed: all clean."""
    chosen = {name: kinds.KINDS[name] for name in kinds.SHORT}
    counts: Counter[str] = Counter()
    with campaign.trees(erls[27]) as place:
        assert list(campaign.campaign(place, chosen, 1, counts, rounds=1)) == []
    assert counts == Counter(kinds.SHORT)


def test_the_short_form_covers_half_of_what_it_can() -> None:
    """Of all kinds on trees at least half."""
    assert set(kinds.SHORT) <= set(kinds.KINDS)
    assert 2 * len(kinds.SHORT) >= len(kinds.KINDS)
