"""Fetch a release ahead of use, as a tree and as an image, and remove both.

Knows: which way serves which wish. Must not know: how any way does it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from harness.errors import RuntimeMissingError
from harness.runtimes import table
from harness.runtimes.debian import tree
from harness.runtimes.docker import engine


def check(releases: Sequence[int], *, as_image: bool) -> None:
    """Refuse, before anything is fetched, what cannot be had.

    Raises:
        RuntimeMissingError: Debian has no such release, or no engine answers.
    """
    packaged = table.packaged()
    for release in releases:
        if release not in packaged and not as_image:
            raise RuntimeMissingError(
                f"Debian has no packages of OTP {release} (it has {', '.join(map(str, packaged))})",
                hint=f"beamproof otp install {release} --docker pulls {table.find(release).image}",
            )
    state = engine.state()
    if as_image and not state.answers:
        raise RuntimeMissingError(
            f"an image needs a container engine: {state.reason}", hint="beamproof doctor"
        )


def install(
    cache_dir: Path, release: int, *, as_image: bool, progress: Callable[[str], None]
) -> str:
    """Make a release ready and return, in words, as what.

    Raises:
        RuntimeMissingError: it cannot be had here.
        InfrastructureError: mirror, registry or engine fail.
        StorageError: the cache cannot be written or is full.
    """
    if release not in table.packaged():
        from harness.runtimes.docker import images  # noqa: PLC0415 - only when an engine is wanted

        image = images.local(release) or images.pull(table.find(release).image, progress)
        return f"image {image.reference}"
    installed = tree.install(cache_dir, release, progress=progress)
    if not as_image:
        return f"{installed.manifest.otp_version} in {installed.folder}"
    from harness.runtimes.docker import build  # noqa: PLC0415 - imports the docker package

    image = build.import_tree(cache_dir, installed, progress=progress)
    return f"{installed.manifest.otp_version} in {installed.folder} and as image {image.reference}"


def remove(cache_dir: Path, release: int) -> tuple[str, ...]:
    """Remove tree and imported image of a release, and say in words what was removed."""
    removed: list[str] = []
    if tree.remove(cache_dir, release):
        removed.append("removed its tree")
    if engine.state().answers:
        from harness.runtimes.docker import build  # noqa: PLC0415 - imports the docker package

        if build.remove_image(release):
            removed.append(f"removed the image {table.find(release).imported_image}")
    return tuple(removed)
