"""The docker way: an image with a VM in it, the user's own or one by release.

Knows: which image serves which release. Must not know: how containers run VMs.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

from harness.errors import BeamproofError, RuntimeMissingError
from harness.run import versions
from harness.runtimes import table
from harness.runtimes.debian import mirror, tree
from harness.runtimes.docker import engine, images, tags
from harness.runtimes.docker.images import Image
from harness.runtimes.model import ListedImage, Runtime, RuntimeOptions
from harness.runtimes.vm import Identity
from harness.runtimes.way import Check, Offer, Patch, Progress, State, Stock


@dataclass(slots=True)
class DockerWay:
    """Have VMs in containers."""

    options: RuntimeOptions
    progress: Progress
    name: str = "docker"
    takes_images: bool = True
    _named: tuple[tuple[Image, Identity], ...] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def find(self, release: int) -> tuple[Runtime, ...]:
        """Return the runtime of the release's image, or those of the user's images of it.

        Raises:
            RuntimeMissingError: no engine answers, or there is no such image here or elsewhere.
            InfrastructureError: the engine fails.
        """
        if not (state := engine.state()).answers:
            raise RuntimeMissingError(state.reason, hint=state.mend or "beamproof doctor")
        if not self.options.images:
            return (self._newest_listed(release) or self._of(release),)
        found = [image for image, said in self._held() if said.release == release]
        if not found:
            raise RuntimeMissingError(
                "; ".join(
                    f"the image {image.reference} holds OTP {said.version}"
                    for image, said in self._held()
                )
            )
        return tuple(self._runtime(release, image) for image in found)

    def offer(self, release: int) -> Offer:
        """Return the image of a release that is here, or how one could be made."""
        image = self._local(release)
        if image is not None:
            return Offer(way=self.name, stock=Stock.HERE, what=image.reference)
        if not engine.state().answers:
            return Offer(way=self.name, stock=Stock.NONE)
        row = table.find(release)
        if row.debian is not None and mirror.is_known():
            what = f"otp install {release} --docker"
            return Offer(way=self.name, stock=Stock.FETCHABLE, what=what)
        return Offer(way=self.name, stock=Stock.NONE, what=f"needs {row.image}")

    def releases(self) -> Iterable[int]:
        """Return the releases of the user's images, in the order of the images.

        Raises:
            RuntimeMissingError: one of them cannot be had.
            InfrastructureError: there is no working `erl` in one of them.
        """
        if not self.options.images:
            return ()
        return dict.fromkeys(said.release for _, said in self._held())

    def patches(self) -> Iterable[Patch]:
        """Return what the user's images hold and lists, or else the engine's tags.

        Raises:
            RuntimeMissingError: an image that has to be asked cannot be had.
            InfrastructureError: there is no working `erl` in one, or the engine fails.
        """
        if not (state := engine.state()).answers:
            raise RuntimeMissingError(state.reason, hint=state.mend or "beamproof doctor")
        if self.options.images:
            return [
                self._patch(image.reference, said.version, partial(self._runtime, release, image))
                for image, said in self._held()
                for release in [said.release]
            ]
        listed = [self._listed(one) for one in self.options.image_list]
        return listed or [self._listed(one, named=False) for one in tags.here()]

    def checks(self) -> Iterable[Check]:
        """Return whether an engine answers, asked as `find` asks it."""
        state = engine.state()
        found = f"answers at {state.address}" if state.answers else state.reason
        return (
            Check(
                name="container engine",
                state=State.OK if state.answers else State.OPTIONAL,
                found=found,
                mend=None if state.answers else _start_engine(state),
            ),
        )

    def fetches(self, release: int) -> bool:  # noqa: ARG002 - as in every way
        """Tell that an image may be had of any release, by a registry if not by packages."""
        return True

    def fetch(self, release: int) -> str:
        """Have an image of a release: made of its package tree, or pulled.

        Raises:
            RuntimeMissingError: no engine answers, or the registry does not have it.
            InfrastructureError: mirror, registry or engine fail.
            StorageError: the cache cannot be written or is full.
        """
        if table.find(release).debian is None:
            pulled = images.local(release) or self._pull(table.find(release).image)
            return f"image {pulled.reference}"
        from harness.runtimes.docker import build  # noqa: PLC0415 - imports the docker package

        installed = tree.install(self.options.cache_dir, release, progress=self.progress)
        image = build.import_tree(self.options.cache_dir, installed, progress=self.progress)
        return f"{installed.manifest.otp_version} as image {image.reference}"

    def remove(self, release: int) -> str | None:
        """Remove the image that was made of a release's tree."""
        if not engine.state().answers:
            return None
        from harness.runtimes.docker import build  # noqa: PLC0415 - imports the docker package

        removed = build.remove_image(release)
        return f"removed the image {table.find(release).imported_image}" if removed else None

    def _patch(
        self, reference: str, version: str, have: Callable[[], Runtime], *, named: bool = True
    ) -> Patch:
        return Patch(version=version, way=self.name, origin=reference, named=named, have=have)

    def _listed(self, one: ListedImage, *, named: bool = True) -> Patch:
        version = one.version or self._ask(one.reference)[1].version

        def have() -> Runtime:
            return self._runtime(versions.key(version)[0][0], self._had(one.reference))

        return self._patch(one.reference, version, have, named=named)

    def _newest_listed(self, release: int) -> Runtime | None:
        """Return the newest of a release that stands in the user's list."""
        listed = map(self._listed, self.options.image_list)
        fits = [one for one in listed if versions.key(one.version)[0][:1] == (release,)]
        newest = max(fits, key=lambda one: versions.key(one.version), default=None)
        return None if newest is None else newest.have()

    def _of(self, release: int) -> Runtime:
        return self._runtime(release, images.local(release) or self._pulled(release))

    def _held(self) -> tuple[tuple[Image, Identity], ...]:
        """Return the user's images and what the VM of each says of itself; asked once."""
        with self._lock:
            if self._named is None:
                self._named = tuple(self._ask(reference) for reference in self.options.images)
            return self._named

    def _had(self, reference: str) -> Image:
        """Return an image by its name, pulled if it is not here."""
        images.check_reference(reference)
        image = images.here(reference)
        if image is None and self.options.offline:
            raise RuntimeMissingError(f"the image {reference} is not here")
        return image or self._pull(reference)

    def _ask(self, reference: str) -> tuple[Image, Identity]:
        from harness.runtimes.docker import container  # noqa: PLC0415 - imports the docker package

        image = self._had(reference)
        return image, images.release_of(image, self.options.cache_dir, container.ask)

    def _local(self, release: int) -> Image | None:
        try:
            return images.local(release) if engine.state().answers else None
        except BeamproofError:
            return None

    def _pull(self, reference: str) -> Image:
        return images.pull(reference, self.progress)

    def _pulled(self, release: int) -> Image:
        reference = table.find(release).image
        cache_dir = self.options.cache_dir
        automatic = self.options.automatic
        if self.options.offline or (automatic and images.registry_silent(cache_dir)):
            raise RuntimeMissingError(
                f"no image of OTP {release} is here", hint=_image_hint(release)
            )
        if not images.registry_has(reference):
            images.note_registry_silent(cache_dir)
            raise RuntimeMissingError(
                f"no image of OTP {release} is here and no registry gives {reference}",
                hint=_image_hint(release),
            )
        return self._pull(reference)

    def _runtime(self, release: int, image: Image) -> Runtime:
        from harness.runtimes.docker import container  # noqa: PLC0415 - imports the docker package

        return Runtime(
            release=release,
            way=self.name,
            origin=image.reference,
            digest=image.digest,
            notes=tuple(
                f"the image sets {entry}; its VMs are started without that"
                for entry in image.erlang_variables
            ),
            launcher=container.DockerLauncher(image),
        )


def _image_hint(release: int) -> str:
    row = table.find(release)
    if row.debian is not None:
        return f"beamproof otp install {release} --docker"
    return f"bring {row.image} here (docker pull, docker load), or name another with --image"


def _start_engine(state: engine.EngineState) -> str:
    if state.mend:
        return state.mend
    if shutil.which("dockerd") is None:
        return "sudo apt-get install docker.io"
    return "sudo systemctl start docker"
