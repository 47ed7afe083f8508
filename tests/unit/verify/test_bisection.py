"""Where an answer changes along a row, and how few points are asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest

from harness.verify.bisection import Asked, Change, Search, settled


@dataclass(frozen=True)
class Said:
    text: str

    def same(self, other: object, /) -> bool:
        return self == other


def search(row: Sequence[str], *, every: bool = False) -> Search[Said]:
    """Search a row of answers; a dot has none."""

    def ask(place: int) -> Asked[Said]:
        if row[place] == ".":
            return Asked(answer=None, reason="gone")
        return Asked(answer=Said(row[place]), times=1, agreed=1)

    return Search(count=len(row), ask=ask, every=every)


@pytest.mark.parametrize(
    ("row", "changes"),
    [
        ("ab", [(0, 1)]),
        ("aaaab", [(3, 4)]),
        ("abbbb", [(0, 1)]),
        ("aabbcc", [(1, 2), (3, 4)]),
        ("a.b", [(0, 2)]),
        ("..a..b..", [(2, 5)]),
        ("aaa", []),
        ("a", []),
        ("...", []),
        ("", []),
        ("..a", []),
    ],
)
def test_every_change_between_different_ends_is_found(
    row: str, changes: list[tuple[int, int]]
) -> None:
    """By the neighbours that answered; those that do not answer are gone round."""
    found = search(row).changes()
    assert [(one.last, one.first) for one in found] == changes


def test_few_points_are_asked() -> None:
    """One change among 64 points takes the ends and six more."""
    looked = search("a" * 41 + "b" * 23)
    assert looked.changes() == (Change(last=40, first=41),)
    assert len(looked.asked) <= 2 + 6


def test_a_neighbour_of_a_change_that_answers_otherwise_a_second_time_is_gone_round() -> None:
    """A change is no accident of one VM."""
    said = {2: iter("bab")}

    def ask(place: int) -> Asked[Said]:
        text = next(said[place]) if place in said else "aaabb"[place]
        return Asked(answer=Said(text), times=3, agreed=3)

    looked = Search(count=5, ask=ask)
    assert looked.changes() == (Change(last=1, first=3),)
    assert looked.asked[2].answer is None
    assert looked.asked[2].reason == "asked a second time, it answered otherwise"


def test_equal_ends_hide_what_is_between_unless_every_point_is_asked() -> None:
    """As told: a bisection cannot see it."""
    looked = search("abba")
    assert looked.changes() == ()
    assert looked.unasked() == [1, 2]
    looked = search("abba", every=True)
    assert looked.changes() == (Change(last=0, first=1), Change(last=2, first=3))
    assert looked.unasked() == []


def drawing(answers: str) -> Iterator[Said]:
    return map(Said, answers)


def test_answers_that_agree_settle_a_point() -> None:
    """As often as asked for, no more."""
    drawn = drawing("aaa")
    found = settled(lambda: next(drawn), 3)
    assert (found.answer, found.times, found.agreed, found.flaky) == (Said("a"), 3, 3, False)


def test_a_flaky_point_is_asked_again_and_the_share_is_said() -> None:
    """All but one decide."""
    drawn = drawing("aab" + "aaaaaa")
    found = settled(lambda: next(drawn), 3)
    assert (found.answer, found.times, found.agreed, found.flaky) == (Said("a"), 9, 8, True)


def test_a_point_that_answers_this_and_that_has_no_answer() -> None:
    """And the reason counts them; two others of nine are too many."""
    drawn = drawing("aab" + "aaaaab")
    assert settled(lambda: next(drawn), 3).answer is None
    drawn = drawing("abc" + "abcabc")
    found = settled(lambda: next(drawn), 3)
    assert found.answer is None
    assert "9 times asked, 3 answers (3, 3, 3)" in found.reason
