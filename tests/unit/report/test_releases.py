"""Releases in words: neighbours joined, what differs by release told and drawn."""

from __future__ import annotations

import pytest
from support.judging import claim, observation, rival, sample

from harness.judge.judge import judge
from harness.report.evidence import differing, found_text, rounded
from harness.report.html.strips import strips
from harness.report.releases import label, labels, neighbours, newest_of_each_release, stretches
from harness.run.cells import release_order

DASH = "\N{EN DASH}"
PATCHES = ("otp25", "otp26.0", "otp26.2", "otp26.10", "otp27.0", "otp27.1.3", "otp27.2")


def test_releases_stand_in_the_order_of_their_versions() -> None:
    """Not in that of their letters; a candidate before what it was one for."""
    names = ["otp27.10", "otp27.2", "otp28.0", "otp28.0-rc2", "otp9", "otp28.0-rc10", "otp27-app"]
    assert sorted(names, key=release_order) == [
        "otp9", "otp27-app", "otp27.2", "otp27.10", "otp28.0-rc2", "otp28.0-rc10", "otp28.0",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("otp27", "OTP 27"),
        ("otp27.1.3", "OTP 27.1.3"),
        ("otp28.0-rc1", "OTP 28.0-rc1"),
        ("otp27-app-1.2", "OTP 27 (app-1.2)"),
        ("custom", "custom"),
    ],
)
def test_a_release_is_named_as_people_say_it(name: str, said: str) -> None:
    """What sets one of several apart stands in brackets."""
    assert label(name) == said


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        (PATCHES, f"OTP 25{DASH}27.2"),
        (("otp26.0", "otp26.2", "otp27.2"), f"OTP 26.0{DASH}26.2, 27.2"),
        (("otp25", "otp26.10"), "OTP 25, 26.10"),
        ((), ""),
    ],
)
def test_only_neighbours_are_joined(chosen: tuple[str, ...], said: str) -> None:
    """A release that was asked and lies between two parts them."""
    assert labels(chosen, PATCHES) == said


def test_patches_are_not_joined_where_nobody_says_which_there_are() -> None:
    """Whole releases are: nothing lies between 26 and 27."""
    assert labels(["otp25", "otp26", "otp27.0", "otp27.2"]) == f"OTP 25{DASH}26, 27.0, 27.2"


def test_what_was_had_in_several_ways_is_told_apart() -> None:
    """Each by itself, and in nobody's range."""
    names = ["otp26", "otp27", "otp27-a", "otp27-b", "otp28"]
    assert labels(names) == f"OTP 26{DASH}27, 27 (a), 27 (b), 28"
    assert neighbours(["otp27-a", "otp27-b"]) == [["otp27-a"], ["otp27-b"]]


def test_equal_neighbours_are_one_stretch_and_the_last_is_open() -> None:
    """`24-25: 64; since 26: 65`, of patches `27.2 on`; a gap of releases ends a stretch."""
    border = {"otp24": 64, "otp25": 64, "otp26": 65, "otp27": 65}
    assert [(one.on, one.value) for one in stretches(border.items())] == [
        (f"24{DASH}25", 64),
        ("since 26", 65),
    ]
    patches = {"otp27.0": 64, "otp27.1.3": 64, "otp27.2": 65, "otp27.3": 65}
    assert [one.on for one in stretches(patches.items())] == [f"27.0{DASH}27.1.3", "27.2 on"]
    assert [one.on for one in stretches({"otp24": 1, "otp25": 1}.items())] == [f"24{DASH}25"]
    assert [one.on for one in stretches({"otp24": 1, "otp26": 1}.items())] == ["24", "26"]
    assert [one.on for one in stretches({"otp24": 1, "otp25": 2}.items())] == ["24", "25"]


def test_of_many_releases_the_newest_patch_of_each_stands_for_them() -> None:
    """Of few all."""
    many = [f"otp{n}.{patch}" for n in (25, 26, 27) for patch in (0, 2, 10)]
    assert newest_of_each_release(many) == ("otp25.10", "otp26.10", "otp27.10")
    assert newest_of_each_release(["otp27", "otp26"]) == ("otp26", "otp27")


def test_what_differs_by_release_is_told_and_drawn() -> None:
    """The exact values, predicted ones first; not what is measured, nor names of processes."""
    stated = claim({"border_bytes": 64}, rival({"border_bytes": 1}))
    evidence = {
        "24.3": {"kind_count": 1, "border_bytes": 64, "time_us": 5, "pid": "<0.9.0>", "a_words": 1},
        "25.3": {"kind_count": 2, "border_bytes": 64, "time_us": 6, "pid": "<0.8.0>", "a_words": 2},
        "26.2": {"kind_count": 2, "border_bytes": 65, "time_us": 7, "pid": "<0.7.0>", "a_words": 3},
        "27.3": {"kind_count": 2, "border_bytes": 65, "time_us": 8, "pid": "<0.6.0>", "a_words": 3},
    }
    cells = {
        f"otp{version[:2]}": judge(stated, observation(sample(one), version=version))
        for version, one in evidence.items()
    }
    found = differing(cells)
    assert [(one.text, one.predicted) for one in found] == [
        (f"24{DASH}25: 64 bytes; since 26: 65 bytes", True),
        ("24: 1; since 25: 2", False),
    ]
    border, _ = strips(found, tuple(cells))
    assert [(part.at, part.width, part.shade) for part in border.parts] == [(0, 2, 0), (2, 2, 1)]


def test_numbers_are_rounded_but_never_onto_a_limit() -> None:
    """Four figures say what was measured; one that misses its limit by less keeps them all."""
    assert rounded(0.00686351) == "0.006864"
    assert rounded(123456) == "123456"
    assert rounded(64.00001) == "64"
    assert rounded(64.00001, [64]) == "64.00001"


@pytest.mark.parametrize(
    ("expect", "value", "said"),
    [
        ({"length": 5}, [1, 2, 3], "length 3: [1, 2, 3]"),
        ({"length": {"at_least": 2}}, "abc", 'length 3: "abc"'),
        (
            {"all": {"gap_bytes": {"between": [7, 9]}}},
            [{"gap_bytes": 8, "x": 1}, {"gap_bytes": 8.5, "x": 2}],
            "2 elements: gap_bytes 8 to 8.5",
        ),
        ({"all": {"at_least": 3}}, [4, 4], "2 elements: 4"),
        ({"all": {"a": 1}}, [{"a": 1}, {"b": 1}], '[{"a": 1}, {"b": 1}]'),
        (1, 0.00686351, "0.006864"),
        ("x", "y", '"y"'),
    ],
)
def test_what_was_found_answers_what_was_predicted(
    expect: object, value: object, said: str
) -> None:
    """The length where it is asked for, of all elements what is asked of each."""
    stated = claim({"a_list": expect}, rival({"a_list": 99}))
    (check,) = judge(stated, observation(sample({"a_list": value}))).checks
    assert found_text(check) == said
