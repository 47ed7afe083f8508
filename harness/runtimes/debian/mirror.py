"""Which Debian mirror is asked for packages, and whose signature it must carry.

Knows: the host's apt configuration and Debian's keyring. Must not know: what is fetched. There is
no address in here: a mirror is the host's own, or the user names one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from harness.errors import RuntimeMissingError

MIRROR_VARIABLE = "BEAMPROOF_DEBIAN_MIRROR"
KEYRING_VARIABLE = "BEAMPROOF_DEBIAN_KEYRING"

_KEYRINGS = (
    Path("/usr/share/keyrings/debian-archive-keyring.gpg"),
    Path("/usr/share/keyrings/debian-archive-keyring.pgp"),
)
_SOURCES_ONLY = (
    *("-o", "Dir::State::lists=/nonexistent"),
    *("-o", "Dir::State::status=/dev/null"),
    *("-o", "Dir::Cache::pkgcache="),
    *("-o", "Dir::Cache::srcpkgcache="),
)
"""Keep apt from reading every package of the host only to name its sources: seconds."""

_CODENAMES = frozenset({"bullseye", "bookworm", "trixie", "forky", "duke", "sid"})
_ALIASES = frozenset({"oldoldstable", "oldstable", "stable", "testing", "unstable"})
"""Names of suites that others use for their own archives, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Say which mirror is asked, and whose signature it must carry."""

    mirror: str
    keyring: Path


def find_source() -> Source:
    """Return the Debian mirror that the host's apt uses, or the one the user named.

    Raises:
        RuntimeMissingError: there is no apt, no Debian mirror or no Debian keyring here.
    """
    for tool in ("apt-get", "dpkg-deb", "tar"):
        if shutil.which(tool) is None:
            raise RuntimeMissingError(
                f"packages cannot be fetched: there is no {tool} on this machine",
                hint="use the docker or host way: beamproof verify --runtime docker",
            )
    return Source(mirror=_mirror(), keyring=_keyring())


def is_known() -> bool:
    """Tell whether packages could be fetched from a mirror."""
    try:
        find_source()
    except RuntimeMissingError:
        return False
    return True


def architecture() -> str:
    """Return Debian's name of this machine's architecture, e.g. `amd64`."""
    asked = subprocess.run(
        ["dpkg", "--print-architecture"], capture_output=True, text=True, check=True, timeout=30
    )
    return asked.stdout.strip()


def debian_mirrors(indextargets: str) -> tuple[str, ...]:
    """Return the likely mirrors of Debian's main archive, the likeliest first.

    Args:
        indextargets: lines `address|suite|component` as `apt-get indextargets` prints them. Whose
            archive it is does not stand there before an update; the keyring decides in the end.
    """
    found: dict[str, bool] = {}
    for line in indextargets.splitlines():
        address, suite, component = [*line.split("|"), "", ""][:3]
        named_so = address.rstrip("/").endswith("/debian")
        if component == "main" and (suite in _CODENAMES or (suite in _ALIASES and named_so)):
            found.setdefault(address, named_so)
    return tuple(sorted(found, key=lambda address: not found[address]))


def _mirror() -> str:
    if named := os.environ.get(MIRROR_VARIABLE):
        return named
    command = ["apt-get", *_SOURCES_ONLY, "indextargets", "--no-release-info"]
    command += ["--format", "$(REPO_URI)|$(RELEASE)|$(COMPONENT)", "Created-By: Packages"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    if mirrors := debian_mirrors(listed.stdout):
        return mirrors[0]
    raise RuntimeMissingError(
        "this machine's apt knows no Debian mirror",
        hint=f"give the address of one in {MIRROR_VARIABLE} (and its keyring in"
        f" {KEYRING_VARIABLE}, or apt-get install debian-archive-keyring)",
    )


def _keyring() -> Path:
    if named := os.environ.get(KEYRING_VARIABLE):
        path = Path(named).expanduser().resolve()
        if not path.is_file():
            raise RuntimeMissingError(
                f"there is no keyring {named}", hint=f"correct {KEYRING_VARIABLE}"
            )
        return path
    for path in _KEYRINGS:
        if path.is_file():
            return path
    raise RuntimeMissingError(
        "Debian's archive keyring is not on this machine, so no signature could be checked",
        hint=f"apt-get install debian-archive-keyring, or name one in {KEYRING_VARIABLE}",
    )
