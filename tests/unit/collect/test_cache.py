"""What was compiled is kept while somebody uses it, and no longer."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from harness.collect.cache import Cache, prune
from harness.collect.probes import ProbeStore
from harness.errors import DamagedError

DAY_S = 86_400


def kept(folder: Path, name: str, *, days: float, size: int = 10) -> Path:
    """Write a file that was used so many days ago."""
    path = folder / name
    path.write_bytes(b"x" * size)
    at = time.time() - days * DAY_S
    os.utime(path, (at, at))
    return path


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_what_was_not_used_for_long_is_forgotten(tmp_path: Path) -> None:
    """Thirty days; whatever else it is, a half-written file of a crash included."""
    kept(tmp_path, "old.beam", days=31)
    kept(tmp_path, "half.tmp", days=31)
    kept(tmp_path, "used.beam", days=29)
    prune(tmp_path)
    assert names(tmp_path) == {"used.beam"}


def test_of_too_much_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    """And no more than it takes."""
    for days in (2, 3, 4, 5):
        kept(tmp_path, f"{days}.beam", days=days, size=100)
    prune(tmp_path, most_bytes=250)
    assert names(tmp_path) == {"2.beam", "3.beam"}


def test_what_is_in_use_is_never_forgotten(tmp_path: Path) -> None:
    """However much there is: what was used today may be what another run needs now."""
    kept(tmp_path, "now.beam", days=0, size=1000)
    kept(tmp_path, "today.beam", days=0.9, size=1000)
    prune(tmp_path, most_bytes=10)
    assert names(tmp_path) == {"now.beam", "today.beam"}


def test_a_folder_in_it_and_one_that_is_gone_are_left(tmp_path: Path) -> None:
    """It is not ours, or not there."""
    (tmp_path / "folder").mkdir()
    os.utime(tmp_path / "folder", (0, 0))
    prune(tmp_path)
    prune(tmp_path / "nowhere")
    assert names(tmp_path) == {"folder"}


def test_reading_is_using(tmp_path: Path) -> None:
    """What is read stays, though it was written long ago."""
    cache = Cache(tmp_path, ".beam")
    cache.write("a", b"1")
    os.utime(tmp_path / "a.beam", (time.time() - 40 * DAY_S,) * 2)
    assert cache.read("a") == b"1"
    prune(tmp_path)
    assert names(tmp_path) == {"a.beam"}


def test_the_first_that_is_written_clears_up(tmp_path: Path) -> None:
    """Reading alone never does, nor does every write of one run."""
    cache = Cache(tmp_path, ".beam")
    kept(tmp_path, "old.beam", days=99)
    assert cache.read("b") is None
    assert names(tmp_path) == {"old.beam"}
    cache.write("b", b"1")
    assert names(tmp_path) == {"b.beam"}
    kept(tmp_path, "older.beam", days=99)
    cache.write("c", b"1")
    assert names(tmp_path) == {"b.beam", "c.beam", "older.beam"}


def test_stores_of_changed_sources_clear_up_once(tmp_path: Path) -> None:
    """Two hundred variants of a probe do not look through the folder two hundred times."""
    store = ProbeStore(tmp_path, tmp_path / "cache")
    assert store.with_changed({})._cache is store._cache


def test_what_is_damaged_is_told_and_no_folder_keeps_nothing(tmp_path: Path) -> None:
    """So that it is compiled again."""
    (tmp_path / "a.beam").write_bytes(b"no seal")
    with pytest.raises(DamagedError):
        Cache(tmp_path, ".beam").read("a")
    nothing = Cache(None, ".beam")
    nothing.write("a", b"1")
    assert nothing.read("a") is None
    assert list(nothing.keys("*")) == []
