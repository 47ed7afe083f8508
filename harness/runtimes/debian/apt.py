"""Debian's packages of one release, fetched with apt's own download and signature check.

Knows: apt. Everything happens under a private state directory, so the host's package system is
neither read (beyond its sources and proxies) nor touched, and no root is needed. Must not know:
what the packages are fetched for.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import (
    InfrastructureError,
    RuntimeMissingError,
    SignatureRefusedError,
    StorageError,
)
from harness.runtimes import programs
from harness.runtimes.debian.mirror import MIRROR_VARIABLE, Source, architecture
from harness.system.retries import again

_CLOSURE = (
    "erlang-base",
    "erlang-crypto",
    "erlang-dev",
    "erlang-eunit",
    "erlang-mnesia",
    "erlang-parsetools",
    "erlang-runtime-tools",
    "erlang-syntax-tools",
    "erlang-tools",
    "erlang-xmerl",
    # what a container of it needs beside the VM: a shell and what `erl` itself calls
    "dash",
    "coreutils",
    "sed",
)

_ALONE = ("erlang-common-test",)

STAND_INS = (
    "adduser",
    "debconf",
    "debianutils",
    "dpkg",
    "init-system-helpers",
    "install-info",
    "libjs-jquery",
    "perl-base",
    "procps",
    "systemd",
    "systemd-sysusers",
)
"""Packages of system administration that apt is told are there: a VM never calls them."""

_UPDATE_TIMEOUT_S = 300.0
_DOWNLOAD_TIMEOUT_S = 1200.0
_ATTEMPTS = 3
_FIRST_WAIT_S = 0.5

_CONFIGURATION = """
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Install-Pkgs;
#clear DPkg::Pre-Invoke;
#clear DPkg::Post-Invoke;
#clear Acquire::IndexTargets::deb;
Acquire::IndexTargets::deb::Packages {{
  MetaKey "$(COMPONENT)/binary-$(ARCHITECTURE)/Packages";
  flatMetaKey "Packages";
  ShortDescription "Packages";
  Description "$(RELEASE)/$(COMPONENT) $(ARCHITECTURE) Packages";
  Optional "0";
}};
Dir::Etc::sourcelist "{folder}/debian.sources";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::trusted "{keyring}";
Dir::Etc::trustedparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State "{folder}";
Dir::State::lists "{folder}/lists";
Dir::State::status "{folder}/status";
Dir::State::extended_states "{folder}/extended_states";
Dir::Cache "{folder}";
Dir::Cache::archives "{folder}/archives";
Dir::Cache::pkgcache "{folder}/pkgcache.bin";
Dir::Cache::srcpkgcache "{folder}/srcpkgcache.bin";
Acquire::Languages "none";
Acquire::PDiffs "0";
Acquire::AllowInsecureRepositories "0";
Acquire::AllowWeakRepositories "0";
Acquire::AllowDowngradeToInsecureRepositories "0";
Acquire::Retries "0";
Acquire::http::Timeout "30";
Acquire::https::Timeout "30";
APT::Default-Release "";
APT::Get::AllowUnauthenticated "0";
APT::Get::Download-Only "1";
APT::Install-Recommends "0";
APT::Install-Suggests "0";
APT::Sandbox::User "{sandbox_user}";
APT::Update::Error-Mode "any";
"""

_UNSIGNED = re.compile(
    r"NO_PUBKEY|BADSIG|EXPKEYSIG|REVKEYSIG|is not signed|signatures? (?:were|was|couldn't)"
    r"|no longer signed|GPG error|OpenPGP signature|Hash Sum mismatch|unexpected size"
    r"|could not be verified|Sub-process \S*(?:gpgv|sqv) returned|Clearsigned file"
    r"|unauthenticated|does not have a Release file.*signed",
    re.IGNORECASE,
)
_NO_SUITE = re.compile(r"does not have a Release file|no longer has a Release file|404  ?Not Found")
_NO_PACKAGE = re.compile(r"Unable to locate package|has no installation candidate|unmet depend")
_FULL = re.compile(r"No space left on device|enough free space", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Name packages to fetch.

    Args:
        closure: those fetched with everything they link to.
        alone: those fetched by themselves; their dependencies lead to a desktop's libraries.
    """

    closure: tuple[str, ...] = _CLOSURE
    alone: tuple[str, ...] = _ALONE


RUNTIME = Wanted()
"""What a runtime is made of."""


def fetch(
    suite: str,
    source: Source,
    folder: Path,
    *,
    progress: Callable[[str], None],
    wanted: Wanted = RUNTIME,
) -> tuple[Path, ...]:
    """Fetch packages and all that they depend on, checked against the archive's signature.

    Args:
        suite: the Debian suite.
        source: mirror and keyring.
        folder: an empty folder for apt's private state; the packages end up below it.
        progress: told what happens.
        wanted: the packages.

    Returns:
        The fetched package files, sorted by name.

    Raises:
        SignatureRefusedError: the index or a package is not what the archive signed.
        RuntimeMissingError: the mirror has no such suite or package.
        InfrastructureError: the mirror did not answer, three times.
        StorageError: the disk is full.
    """
    apt = _Apt(suite, source, folder)
    progress(f"reading the package index of Debian {suite}")
    apt.run(["update"], _UPDATE_TIMEOUT_S)
    if not apt.has_index():
        raise InfrastructureError(f"the mirror gave no package index of Debian {suite}")
    progress("fetching packages")
    apt.run(["--download-only", "install", *wanted.closure], _DOWNLOAD_TIMEOUT_S)
    if wanted.alone:
        apt.run(["download", *wanted.alone], _DOWNLOAD_TIMEOUT_S)
    return tuple(sorted(apt.archives.glob("*.deb")))


class _Apt:
    """Call apt-get on a private state directory with the host's sources left out."""

    def __init__(self, suite: str, source: Source, folder: Path) -> None:
        self._suite = suite
        self._folder = folder
        self.archives = folder / "archives"
        for name in ("lists/partial", "archives/partial"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / "status").write_text("".join(map(_stand_in, STAND_INS)), encoding="utf-8")
        (folder / "debian.sources").write_text(_sources(suite, source), encoding="utf-8")
        self._config = folder / "apt.conf"
        self._config.write_text(_configuration(folder, source.keyring), encoding="utf-8")

    def has_index(self) -> bool:
        """Tell whether the update left an index: old apts end with 0 without one."""
        return any((self._folder / "lists").glob("*_Packages*"))

    def run(self, arguments: Sequence[str], timeout_s: float) -> None:
        """Run apt-get, again when only the network failed."""
        again(
            lambda: self._once(arguments, timeout_s),
            InfrastructureError,
            attempts=_ATTEMPTS,
            first_wait_s=_FIRST_WAIT_S,
        )

    def _once(self, arguments: Sequence[str], timeout_s: float) -> None:
        command = ["apt-get", "-c", str(self._config), "-q", "-y", *arguments]
        environment = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
        try:
            status, said = programs.run(command, self.archives, environment, timeout_s)
        except subprocess.TimeoutExpired as error:
            raise InfrastructureError(
                f"the mirror took more than {timeout_s:.0f} s for Debian {self._suite}"
            ) from error
        complaint = said.decode(errors="replace")
        if status != 0 or _UNSIGNED.search(complaint):
            raise _failure(self._suite, complaint)


def _failure(suite: str, complaint: str) -> Exception:
    """Turn what apt said into the error that fits; a doubtful signature comes first."""
    lines = [line for line in complaint.splitlines() if line[:2] in {"E:", "W:"}] or [complaint]
    said = "\n  ".join(line.strip() for line in lines[:4])
    if _UNSIGNED.search(complaint):
        return SignatureRefusedError(
            f"refused what the mirror gave for Debian {suite}: the archive did not sign it\n"
            f"  {said}",
            hint="try another mirror with BEAMPROOF_DEBIAN_MIRROR, or bring the keyring up to"
            " date: apt-get install debian-archive-keyring",
        )
    if _FULL.search(complaint):
        return StorageError(
            f"the disk is full while fetching Debian {suite}",
            hint="make room, or name another folder in BEAMPROOF_CACHE",
        )
    if _NO_SUITE.search(complaint) or _NO_PACKAGE.search(complaint):
        return RuntimeMissingError(
            f"the mirror does not have Debian {suite} with all of the release's packages\n  {said}",
            hint=f"name one that has in {MIRROR_VARIABLE}",
        )
    return InfrastructureError(f"apt could not fetch from Debian {suite}\n  {said}")


def _stand_in(name: str) -> str:
    return (
        f"Package: {name}\nStatus: install ok installed\nVersion: 99:0\nArchitecture: all\n"
        "Multi-Arch: foreign\nMaintainer: nobody <nobody@invalid>\nDescription: stands in\n\n"
    )


def _sources(suite: str, source: Source) -> str:
    # of a `file:` mirror apt leaves the packages where they are; of the same as `copy:` it does not
    mirror = re.sub("^file:", "copy:", source.mirror)
    return (
        f"Types: deb\nURIs: {mirror}\nSuites: {suite}\nComponents: main\n"
        f"Architectures: {architecture()}\n"
    )


def _configuration(folder: Path, keyring: Path) -> str:
    """Return apt's settings: the host's proxies stay, its hooks and lists do not."""
    # root's own cache is closed to the user that apt would download as
    return _CONFIGURATION.format(
        folder=folder, keyring=keyring, sandbox_user="root" if os.geteuid() == 0 else ""
    )
