"""What a search may ask, without having any of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.runtime_fakes import FakeEngine, Installs

from harness.runtimes import AUTO, RuntimeOptions, wanted
from harness.runtimes.choices import Choice, choices


def chosen(text: str | None, tmp_path: Path, way: str = AUTO, **given: Any) -> tuple[Choice, ...]:
    options = RuntimeOptions(cache_dir=tmp_path / "cache", offline=True, **given)
    asked = None if text is None else wanted.parse(text)
    return choices(asked, way=way, options=options, progress=lambda _: None)


def versions(found: tuple[Choice, ...]) -> list[str]:
    return [one.version for one in found]


@pytest.fixture
def roots(installs: Installs) -> tuple[Path, ...]:
    made = ("27.3.4.10", "25.0", "27.3.4.9", "27.1")
    return tuple(installs.make(version, int(version[:2]), version) for version in made)


def test_without_a_word_all_that_is_here_is_chosen(tmp_path: Path, roots: tuple[Path, ...]) -> None:
    """Oldest first, by version."""
    found = chosen(None, tmp_path, "host", otp_roots=roots)
    assert versions(found) == ["25.0", "27.1", "27.3.4.9", "27.3.4.10"]


def test_releases_in_range_that_can_be_fetched_are_chosen_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installs: Installs
) -> None:
    """Where nothing of them is here."""
    monkeypatch.setattr("harness.runtimes.debian.mirror.is_known", lambda: True)
    root = installs.make("a", 27, "27.1")
    assert versions(chosen(None, tmp_path, otp_roots=(root,))) == ["25", "27.1"]


def test_a_whole_release_is_its_newest_that_is_here(
    tmp_path: Path, roots: tuple[Path, ...], fake_engine: FakeEngine
) -> None:
    """Of the first way that has any; one that is not here is a choice all the same."""
    assert versions(chosen("25-27", tmp_path, otp_roots=roots)) == ["25.0", "26", "27.3.4.10"]
    fake_engine.images["erlang:27.2-slim"] = {"Id": "sha256:1"}
    assert versions(chosen("27", tmp_path, otp_roots=roots)) == ["27.2"]


def test_each_version_is_chosen_once(tmp_path: Path, roots: tuple[Path, ...]) -> None:
    """However many parts of `--otp` mean it, and however many installs are it."""
    found = chosen("27,27.*,27.1", tmp_path, "host", otp_roots=(*roots, roots[0]))
    assert versions(found) == ["27.1", "27.3.4.9", "27.3.4.10"]


def test_a_version_that_is_not_here_says_so_when_it_is_its_turn(
    tmp_path: Path, roots: tuple[Path, ...]
) -> None:
    """A search goes round it."""
    (_, gone) = chosen("25.0,27.2", tmp_path, "host", otp_roots=roots)
    assert gone.version == "27.2"
    assert "near it there are" in (gone.have().reason or "")


def test_nothing_is_started_to_choose(tmp_path: Path, roots: tuple[Path, ...]) -> None:
    """What is had, is had when it is asked."""
    first = chosen("25.0,27.*", tmp_path, "host", otp_roots=roots)[0].have()
    assert first.runtime is not None
    assert (first.name, first.runtime.digest) == ("otp25.0", "25.0")
