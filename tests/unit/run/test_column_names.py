"""Full versions of OTP as names carry them."""

from __future__ import annotations

import pytest

from harness.run import versions


def test_versions_are_ordered_as_versions_not_as_text() -> None:
    """Patches by number, candidates before their release, a release before its patches."""
    given = ["27.3.4.10", "28.0", "27.3.4.9", "27.3", "28.0-rc2", "27", "28.0-rc10", "25.2.3"]
    wanted = ["25.2.3", "27", "27.3", "27.3.4.9", "27.3.4.10", "28.0-rc2", "28.0-rc10", "28.0"]
    assert sorted(given, key=versions.key) == wanted


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("otp27", ("27", "")),
        ("otp27.3.4.1", ("27.3.4.1", "")),
        ("otp28.0-rc1", ("28.0-rc1", "")),
        ("otp27-app-1.2", ("27", "app-1.2")),
        ("otp27.3.4.1-alpine", ("27.3.4.1", "alpine")),
        ("other", ("other", "")),
    ],
)
def test_a_runtimes_name_is_its_version_and_what_sets_it_apart(
    name: str, parts: tuple[str, str]
) -> None:
    """Whatever the label holds."""
    assert versions.parts_of(name) == parts


@pytest.mark.parametrize(
    ("text", "full"), [("27.1", True), ("28.0-rc1", True), ("27", False), ("27.*", False)]
)
def test_a_full_version_goes_to_the_patch(text: str, full: bool) -> None:  # noqa: FBT001
    """A release alone does not."""
    assert versions.is_full(text) is full
