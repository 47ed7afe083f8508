"""Probes of somebody else do not run with the user's rights unsaid."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.folders import own_probes_dir
from harness.verify.trust import note_on_strangers


@pytest.mark.parametrize("ways", [("debian",), ("docker", "host"), ("host", "debian")])
def test_strangers_outside_of_a_container_are_said(tmp_path: Path, ways: tuple[str, ...]) -> None:
    """The folder, the ways and what to do instead are named."""
    note = note_on_strangers(tmp_path / "theirs", ways, tmp_path / "mine")
    assert note is not None
    assert str(tmp_path / "theirs") in note
    assert "--runtime docker" in note
    assert "docker, " not in note


def test_ones_own_probes_and_containers_are_not(tmp_path: Path) -> None:
    """Below the working folder, those of the product, and in containers alone: nothing is said."""
    assert note_on_strangers(tmp_path / "probes", ("host",), tmp_path) is None
    assert note_on_strangers(own_probes_dir(), ("host",), tmp_path) is None
    assert note_on_strangers(tmp_path / "theirs", ("docker",), tmp_path / "mine") is None
    assert note_on_strangers(tmp_path / "theirs", (), tmp_path / "mine") is None
