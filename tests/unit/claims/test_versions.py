"""Versions of OTP order as releases do, and ranges of them say what they seem to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.claims.versions import matches, parse, range_problem

VERSIONS = st.lists(st.integers(0, 40), min_size=2, max_size=5).map(
    lambda parts: ".".join(map(str, parts))
)


@pytest.mark.parametrize(
    ("specifier", "inside", "outside"),
    [
        ("", ["24.0", "29.0-rc1"], []),
        (">=25.3", ["25.3", "25.3.2.21", "28.0-rc1"], ["25.2.3", "24.3.4.17"]),
        ("<27", ["26.2.5.12", "26.99"], ["27.0", "27.3.4.1"]),
        (">=25,<27", ["25.0", "26.2"], ["24.3", "27.0"]),
        ("==26.*", ["26.0", "26.2.5.12"], ["25.3", "27.0"]),
        ("!=26.*", ["25.3", "27.0"], ["26.2"]),
        (">=27", ["27.3.4.1**"], ["unknown"]),
    ],
)
def test_a_range_holds_what_it_says(specifier: str, inside: list[str], outside: list[str]) -> None:
    """Patched builds and release candidates included."""
    assert range_problem(specifier) is None
    assert all(matches(specifier, version) for version in inside)
    assert not any(matches(specifier, version) for version in outside)


@pytest.mark.parametrize(
    ("specifier", "meant"),
    [
        ("<=26", '"<27"'),
        (">26", '">=27"'),
        ("==26", '"==26.*"'),
        ("!=26", '"!=26.*"'),
        (">=25, <= 26", '"<27"'),
    ],
)
def test_a_range_that_seems_to_say_more_is_refused(specifier: str, meant: str) -> None:
    """`<=26` would leave out 26.1: nobody means that."""
    problem = range_problem(specifier)
    assert problem is not None
    assert f"write {meant}" in problem


@pytest.mark.parametrize("specifier", ["25", "25-27", "otp25", ">=", "~25"])
def test_what_is_no_range_is_refused(specifier: str) -> None:
    """With examples of what is."""
    problem = range_problem(specifier)
    assert problem is not None
    assert "is not a range of OTP versions" in problem


@given(VERSIONS, VERSIONS)
def test_versions_order_part_by_part(left: str, right: str) -> None:
    """27.3.4.1 is later than 27.3.4, and 27.10 later than 27.9."""
    as_numbers = [[int(part) for part in one.split(".")] + [0] * 5 for one in (left, right)]
    if parse(left) < parse(right):
        assert as_numbers[0][:5] < as_numbers[1][:5]
    assert matches(f">={left}", right) is not matches(f"<{left}", right)
