"""The words that both halves share."""

from __future__ import annotations

import pytest

from harness.run.cells import release_number


@pytest.mark.parametrize(
    ("name", "release"), [("otp27", 27), ("otp27-app-1.2", 27), ("27", 27), ("other", 0), ("", 0)]
)
def test_a_runtimes_name_begins_with_its_release(name: str, release: int) -> None:
    """Whatever the label holds that sets it apart."""
    assert release_number(name) == release
