"""A package tree as a container image, for engines without a registry.

Knows: how an image is put together from a release's packages. Must not know: where packages come
from, or how containers run.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from docker.errors import DockerException

from harness.errors import BeamproofError, InfrastructureError
from harness.runtimes import table
from harness.runtimes.debian import tree, unpack
from harness.runtimes.docker import container, engine, images
from harness.system import files

_USERS = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/tmp:/bin/sh\n"
_GROUPS = "root:x:0:\nnogroup:x:65534:\n"
_MOUNT_POINTS = ("tmp", "dev", "proc", "sys", "root", "run")


def import_tree(
    cache_dir: Path, installed: tree.Tree, *, progress: Callable[[str], None]
) -> images.Image:
    """Make the image `beamproof/otp:NN` of a tree's packages; at once when it is there and starts.

    Raises:
        InfrastructureError: the engine fails, or the image's VM does not start.
        RuntimeMissingError: no engine answers.
        StorageError: the disk is full.
    """
    release = installed.manifest.release
    reference = table.find(release).imported_image
    engine.client()  # before any work: without an engine there is nothing to do
    base = tree.root(cache_dir).resolve()
    name = f"image{release}"  # no prefix of it is the name of the install's own lock
    with files.locked(base, name):
        if (there := _current(reference, installed)) is not None:
            if _starts(there):
                return there
            progress(f"OTP {release}: the image {reference} is damaged; it is made again")
            remove_image(release)  # the engine would take its layer for the one it has
        for leftover in files.stale(base, name):
            files.remove_tree(leftover)
        progress(f"OTP {release}: importing it as the image {reference}")
        with files.temporary(base, name) as work, files.storage_errors(base):
            unpack.unpack(installed.debs, work)
            _complete(work)
            _send(work, reference, installed.manifest)
    return _checked(reference, installed.manifest)


def remove_image(release: int) -> bool:
    """Remove the imported image of a release, and tell whether there was one.

    Raises:
        InfrastructureError: containers still use it, or the engine fails.
    """
    reference = table.find(release).imported_image
    if not engine.state().answers or images.here(reference) is None:
        return False
    try:
        engine.client().remove_image(reference)
    except (DockerException, OSError) as error:
        raise InfrastructureError(
            f"the engine does not remove {reference}: {error}", hint="beamproof sweep"
        ) from error
    return True


def _current(reference: str, installed: tree.Tree) -> images.Image | None:
    """Return the image if it was made of these very packages."""
    image = images.here(reference)
    if image is None or image.labels.get(container.PACKAGE_LABEL) != installed.manifest.version:
        return None
    return image


def _starts(image: images.Image) -> bool:
    try:
        images.ask_release(image, container.ask)
    except BeamproofError:
        return False
    return True


def _complete(root: Path) -> None:
    """Add what no package of the set holds: a shell's name, users, mount points."""
    for folder in (*_MOUNT_POINTS, "etc"):
        (root / folder).mkdir(exist_ok=True)
    (root / "tmp").chmod(0o1777)
    (root / "etc/passwd").write_text(_USERS, encoding="utf-8")
    (root / "etc/group").write_text(_GROUPS, encoding="utf-8")
    if not (root / "usr/bin/sh").exists():
        (root / "usr/bin/sh").symlink_to("dash")


def _send(root: Path, reference: str, manifest: tree.Manifest) -> None:
    repository, _, tag = reference.rpartition(":")
    pack = ["tar", "--create", "--owner=0", "--group=0", "--numeric-owner", "-C", str(root), "."]
    with subprocess.Popen(pack, stdout=subprocess.PIPE) as packing:
        try:
            said = engine.client().import_image_from_stream(
                packing.stdout, repository=repository, tag=tag, changes=_changes(manifest)
            )
        except (DockerException, OSError) as error:
            packing.kill()
            raise InfrastructureError(f"the engine does not import {reference}: {error}") from error
    if packing.returncode != 0 or "error" in str(said):
        raise InfrastructureError(f"the engine does not import {reference}: {said}")


def _changes(manifest: tree.Manifest) -> list[str]:
    labels = {
        container.PACKAGE_LABEL: manifest.version,
        images.OTP_LABEL: manifest.otp_version,
        container.SUITE_LABEL: manifest.suite,
    }
    return [
        "ENV PATH=/usr/bin:/bin LANG=C.UTF-8",
        'CMD ["erl"]',
        "LABEL " + " ".join(f'{key}="{value}"' for key, value in labels.items()),
    ]


def _checked(reference: str, manifest: tree.Manifest) -> images.Image:
    """Start the image's VM once; an image that does not work is no image."""
    image = images.here(reference)
    if image is None:
        raise InfrastructureError(f"{reference} was imported and is not there")
    try:
        images.ask_release(image, container.ask)
    except BeamproofError:
        remove_image(manifest.release)
        raise
    return image
