"""The table of releases."""

from harness.runtimes import table


def test_the_range_is_24_to_27() -> None:
    """The releases that claims are written for are in the table, in order."""
    assert [row.otp for row in table.releases() if row.in_range] == [24, 25, 26, 27]


def test_debian_has_four_of_them() -> None:
    """Each packaged release names its suite."""
    suites = {row.otp: row.debian for row in table.releases() if row.debian}
    assert suites == {23: "bullseye", 25: "bookworm", 27: "trixie", 29: "sid"}
    assert table.packaged() == (23, 25, 27, 29)


def test_a_release_beyond_the_table_still_has_an_image() -> None:
    """A release nobody wrote down can be asked for by name."""
    row = table.find(31)
    assert (row.image, row.imported_image) == ("erlang:31-slim", "beamproof/otp:31")
    assert not row.in_range


def test_no_row_holds_an_address() -> None:
    """Mirrors and registries are the host's own."""
    assert all("/" not in row.image and "." not in row.image for row in table.releases())
