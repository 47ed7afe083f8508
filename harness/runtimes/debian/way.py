"""The debian way: a package tree, fetched into the cache.

Knows: which releases have a tree. Must not know: how one is made.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from harness.bridge.channel import ProcessLauncher
from harness.errors import BeamproofError, RuntimeMissingError
from harness.runtimes import table
from harness.runtimes.debian import mirror, tree, unpack
from harness.runtimes.model import Runtime, RuntimeOptions
from harness.runtimes.way import Check, Offer, Patch, Progress, State, Stock


@dataclass(slots=True)
class DebianWay:
    """Have VMs from Debian's packages."""

    options: RuntimeOptions
    progress: Progress
    name: str = "debian"
    takes_images: bool = False

    def find(self, release: int) -> tuple[Runtime, ...]:
        """Return the runtime of the release's tree, fetched if it is not here.

        Raises:
            RuntimeMissingError: Debian has no such release, or this machine no way to fetch it.
            InfrastructureError: the mirror does not answer, or the VM does not start.
            StorageError: the cache cannot be written or is full.
        """
        there = tree.installed(self.options.cache_dir, release)
        if there is None:
            if self.options.offline and table.find(release).debian is not None:
                raise RuntimeMissingError(
                    f"OTP {release} is not in the cache", hint=f"beamproof otp install {release}"
                )
            there = tree.install(self.options.cache_dir, release, progress=self.progress)
        return (self._runtime(there),)

    def offer(self, release: int) -> Offer:
        """Return the tree that is here, or the suite that has the release."""
        if (there := tree.installed(self.options.cache_dir, release)) is not None:
            return Offer(way=self.name, stock=Stock.HERE, what=there.manifest.otp_version)
        suite = table.find(release).debian
        if suite is None or not mirror.is_known():
            return Offer(way=self.name, stock=Stock.NONE)
        return Offer(way=self.name, stock=Stock.FETCHABLE, what=f"from {suite}")

    def releases(self) -> Iterable[int]:
        """Return none: what Debian has stands in the table."""
        return ()

    def patches(self) -> Iterable[Patch]:
        """Return the trees that are here; which patch release a suite has, only its tree says."""
        trees = (tree.installed(self.options.cache_dir, release) for release in table.packaged())
        return [
            Patch(
                version=there.manifest.otp_version,
                way=self.name,
                origin=_origin(there),
                have=partial(self._runtime, there),
            )
            for there in trees
            if there is not None
        ]

    def checks(self) -> Iterable[Check]:
        """Return whether packages can be fetched and made to run."""
        return (_packages(), _patchelf(), self._trees())

    def _runtime(self, there: tree.Tree) -> Runtime:
        return Runtime(
            release=there.manifest.release,
            way=self.name,
            origin=_origin(there),
            digest=there.manifest.version,
            launcher=ProcessLauncher(erl=there.erl),
        )

    def _trees(self) -> Check:
        """Read every file of every tree that is here."""
        there = [tree.found(self.options.cache_dir, release) for release in table.packaged()]
        damaged = [
            str(one.manifest.release)
            for one in there
            if one is not None and tree.is_damaged(one, thoroughly=True)
        ]
        return Check(
            name="package trees",
            state=State.OPTIONAL if damaged else State.OK,
            found=f"damaged: OTP {', '.join(damaged)}" if damaged else "whole, all that are here",
            mend=f"beamproof otp remove {' '.join(damaged)}" if damaged else None,
        )

    def fetches(self, release: int) -> bool:
        """Tell whether Debian packages the release."""
        return table.find(release).debian is not None

    def fetch(self, release: int) -> str:
        """Have the tree of a release; the errors are those of `find`."""
        there = tree.install(self.options.cache_dir, release, progress=self.progress)
        return f"{there.manifest.otp_version} in {there.folder}"

    def remove(self, release: int) -> str | None:
        """Remove the tree of a release."""
        return "removed its tree" if tree.remove(self.options.cache_dir, release) else None


def _origin(there: tree.Tree) -> str:
    return f"erlang-base of Debian {there.manifest.suite}"


def _packages() -> Check:
    try:
        mirror.find_source()
    except BeamproofError as error:
        return Check(name="packages", state=State.OPTIONAL, found=error.message, mend=error.hint)
    return Check(name="packages", state=State.OK, found="apt knows a Debian mirror and its keyring")


def _patchelf() -> Check:
    try:
        return Check(name="patchelf", state=State.OK, found=unpack.find_patchelf())
    except BeamproofError as error:
        return Check(name="patchelf", state=State.OPTIONAL, found=error.message, mend=error.hint)
