"""The short form of `make faults`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.faults import campaign

pytestmark = pytest.mark.live


def test_faults_leave_nothing_and_change_no_evidence(erls: dict[int, Path]) -> None:
    """VMs and commands killed, stopped and interrupted at moments of one seed: all clean."""
    counts: Counter[str] = Counter()
    assert list(campaign.campaign(erls[27], 1, counts, rounds=2)) == []
    assert set(counts) == set(campaign.KINDS)
