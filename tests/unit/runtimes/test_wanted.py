"""What `--otp` may say."""

from __future__ import annotations

import pytest

from harness.errors import InputError
from harness.runtimes.wanted import ALL, Patches, names, parse

THERE = ("25.2.3", "26.2", "27.0-rc1", "27.0", "27.1", "27.3.4.9", "27.3.4.10", "28.0")


@pytest.mark.parametrize(
    ("text", "releases"),
    [("27", (27,)), ("25,27", (25, 27)), ("24-27", (24, 25, 26, 27)), ("27,24-25", (24, 25, 27))],
)
def test_releases_are_read_as_lists_and_ranges(text: str, releases: tuple[int, ...]) -> None:
    """Lists, ranges and mixes are understood; the answer is in order."""
    assert parse(text) == releases


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("27.1", ("27.1",)),
        ("27.0-rc1", ("27.0-rc1",)),
        ("27.*", ("27.0-rc1", "27.0", "27.1", "27.3.4.9", "27.3.4.10")),
        ("27.3.*", ("27.3.4.9", "27.3.4.10")),
        ("26.1-27.1", ("26.2", "27.0-rc1", "27.0", "27.1")),
        ("27.3.4.9-28", ("27.3.4.9", "27.3.4.10", "28.0")),
        ("27.0-rc1-27.0", ("27.0-rc1", "27.0")),
        ("27.1.9", ()),
    ],
)
def test_patch_releases_are_chosen_by_version(text: str, taken: tuple[str, ...]) -> None:
    """One, all of some, and ranges with both ends in them."""
    (found,) = parse(text)
    assert isinstance(found, Patches)
    assert tuple(one for one in THERE if found.takes(one)) == taken


def test_what_is_asked_for_stands_in_order_once() -> None:
    """Whole releases and patch releases together."""
    found = parse("28.0,27.3.4.10,27.3.4.9,25,27.3.4.9")
    assert [getattr(one, "text", one) for one in found] == [25, "27.3.4.9", "27.3.4.10", "28.0"]


def test_a_vm_that_does_not_say_its_patch_is_no_patch_release() -> None:
    """`27` is not 27.0, and not one of `27.*`."""
    assert not ALL.takes("27")
    assert ALL.takes("27.0")


@pytest.mark.parametrize(
    "text",
    ["", "x", "2", "27-", "25;27", "27-25", "271", "27.", "27.*.1", "27.2-27.1", "*", ">=27"],
)
def test_what_is_no_release_is_refused(text: str) -> None:
    """The message names the option and how releases are written."""
    with pytest.raises(InputError, match="--otp"):
        parse(text)


def test_columns_are_named_one_by_one() -> None:
    """What a merge expects must be known without a machine."""
    assert names("25-26,27.1.2") == ("otp25", "otp26", "otp27.1.2")
    with pytest.raises(InputError, match=r"27\.\* names no column"):
        names("27.*")
