"""Choose where each release comes from.

Knows: the ways and their order. Must not know: how any of them does it.

Nothing is fetched for a release before the ways ahead of it have said no; the reasons of all of
them are kept, so that a release that cannot be had says why, way by way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.bridge.channel import ProcessLauncher
from harness.bridge.launching import OwnedLauncher
from harness.errors import BeamproofError, InputError, RuntimeMissingError
from harness.runtimes import host, programs, table
from harness.runtimes.debian import tree as debian
from harness.runtimes.docker import engine
from harness.runtimes.model import Resolved, Runtime, RuntimeOptions, Way

if TYPE_CHECKING:
    from harness.runtimes.docker.images import Image

AUTO = "auto"

Progress = Callable[[str], None]


def resolve(
    releases: Sequence[int], *, way: str, options: RuntimeOptions, progress: Progress
) -> tuple[Resolved, ...]:
    """Find a runtime for every release that is asked for, fetching where the way does.

    Args:
        releases: OTP releases; may be empty with an image, which then says its own.
        way: `auto` or one of `Way`.
        options: where runtimes may come from.
        progress: told what happens, also from other threads.

    Returns:
        One result a release, in the order asked; each has a runtime or a reason.

    Raises:
        InputError: the way is unknown, or a folder or image named by the user has no VM in it.
        RuntimeMissingError: the image named by the user cannot be had.
    """
    if way not in {AUTO, *(item.value for item in Way)}:
        raise InputError(f"no way {way!r}", hint="one of: auto, " + ", ".join(Way))
    if options.image is not None:
        if way not in {AUTO, Way.DOCKER}:
            raise InputError(
                f"an image has no use on the {way} way", hint="leave out --image, or --runtime"
            )
        return _from_image(options.image, releases, options, progress)
    search = _Search(options=options, progress=progress)
    ways = tuple(Way) if way == AUTO else (Way(way),)
    if Way.HOST in ways:
        search.ask_hosts()
    with ThreadPoolExecutor(max(1, len(releases))) as pool:
        try:
            return tuple(pool.map(lambda release: search.one(release, ways), releases))
        except BaseException:
            programs.abandon()  # or an interrupted command would first finish its downloads
            raise


@dataclass(slots=True)
class _Search:
    """Look for releases, way by way."""

    options: RuntimeOptions
    progress: Progress
    installs: Mapping[int, host.Install] = field(default_factory=dict)

    def ask_hosts(self) -> None:
        """Ask every install of the machine for its release, the first of each release winning."""
        found = host.find(self.options.otp_roots, self.options.cache_dir)
        self.installs = {install.release: install for install in reversed(found)}

    def one(self, release: int, ways: Sequence[Way]) -> Resolved:
        """Return the runtime of the first way that has the release, or every way's reason."""
        reasons: list[str] = []
        for way in ways:
            try:
                runtime = self._look(release, way, automatic=len(ways) > 1)
            except BeamproofError as error:
                reasons.append(_reason(way, error))
            else:
                return Resolved(release=release, runtime=runtime)
        return Resolved(release=release, reason="; ".join(reasons))

    def _look(self, release: int, way: Way, *, automatic: bool) -> Runtime:
        if way is Way.DOCKER:
            return self._docker(release, automatic=automatic)
        if way is Way.HOST:
            return self._host(release)
        return self._debian(release)

    def _host(self, release: int) -> Runtime:
        if (install := self.installs.get(release)) is None:
            raise RuntimeMissingError(
                f"no OTP {release} is installed here", hint="name its folder with --otp-root DIR"
            )
        return Runtime(
            release=release,
            way=Way.HOST,
            origin=str(install.root),
            digest=install.version,
            launcher=OwnedLauncher(ProcessLauncher(erl=install.erl)),
        )

    def _debian(self, release: int) -> Runtime:
        tree = debian.installed(self.options.cache_dir, release)
        if tree is None:
            if self.options.offline and table.find(release).debian is not None:
                raise RuntimeMissingError(
                    f"OTP {release} is not in the cache", hint=f"beamproof otp install {release}"
                )
            tree = debian.install(self.options.cache_dir, release, progress=self.progress)
        return Runtime(
            release=release,
            way=Way.DEBIAN,
            origin=f"erlang-base of Debian {tree.manifest.suite}",
            digest=tree.manifest.version,
            launcher=OwnedLauncher(ProcessLauncher(erl=tree.erl)),
        )

    def _docker(self, release: int, *, automatic: bool) -> Runtime:
        if not (engine_state := engine.state()).answers:
            raise RuntimeMissingError(engine_state.reason, hint="beamproof doctor")
        from harness.runtimes.docker import images  # noqa: PLC0415 - only when an engine answers

        image = images.local(release) or self._pulled(release, automatic=automatic)
        return _docker_runtime(release, image)

    def _pulled(self, release: int, *, automatic: bool) -> Image:
        from harness.runtimes.docker import images  # noqa: PLC0415 - only when an engine answers

        reference = table.find(release).image
        cache_dir = self.options.cache_dir
        hint = _image_hint(release)
        if self.options.offline or (automatic and images.registry_silent(cache_dir)):
            raise RuntimeMissingError(f"no image of OTP {release} is here", hint=hint)
        if not images.registry_has(reference):
            images.note_registry_silent(cache_dir)
            raise RuntimeMissingError(
                f"no image of OTP {release} is here and no registry gives {reference}", hint=hint
            )
        return images.pull(reference, self.progress)


def _from_image(
    reference: str, releases: Sequence[int], options: RuntimeOptions, progress: Progress
) -> tuple[Resolved, ...]:
    """Return the one runtime that a user's image holds, and why it is none of the others."""
    from harness.runtimes.docker import container, images  # noqa: PLC0415 - imports the docker package

    image = images.here(reference)
    if image is None:
        if options.offline:
            raise RuntimeMissingError(f"the image {reference} is not here")
        image = images.pull(reference, progress)
    said = images.release_of(image, options.cache_dir, container.ask)
    runtime = _docker_runtime(said.release, image)
    return tuple(
        Resolved(release=release, runtime=runtime)
        if release == said.release
        else Resolved(release=release, reason=f"the image {reference} holds OTP {said.version}")
        for release in releases or (said.release,)
    )


def _docker_runtime(release: int, image: Image) -> Runtime:
    from harness.runtimes.docker import container  # noqa: PLC0415 - imports the docker package

    return Runtime(
        release=release,
        way=Way.DOCKER,
        origin=image.reference,
        digest=image.digest,
        launcher=container.DockerLauncher(image),
    )


def _image_hint(release: int) -> str:
    row = table.find(release)
    if row.debian is not None:
        return f"beamproof otp install {release} --docker"
    return f"bring {row.image} here (docker pull, docker load), or name another with --image"


def _reason(way: Way, error: BeamproofError) -> str:
    hint = f" ({error.hint})" if error.hint else ""
    return f"{way.value}: {error.message}{hint}"
