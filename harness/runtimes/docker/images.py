"""Container images with a VM in them: found here, pulled, and asked for their release.

Knows: references and registries by way of the engine. Must not know: how containers run VMs.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote

import msgspec

from harness.errors import BeamproofError, InfrastructureError, InputError, RuntimeMissingError
from harness.runtimes import table, vm
from harness.runtimes.docker import engine
from harness.system import files

REGISTRY_TIMEOUT_S = 5.0
"""How long `auto` waits for a registry to say that it has an image."""

UNREACHABLE_FOR_S = 3600.0
"""How long `auto` leaves alone a registry that did not answer; asking by name never does."""

PULL_TIMEOUT_S = 900.0
OTP_LABEL = "beamproof.otp"
"""Label of an image made here: the full version of its OTP."""

_CACHE = "images.json"
_NOTE = "registry.json"


_REFERENCE = re.compile(
    r"(?:[A-Za-z0-9.-]+(?::\d+)?/)?[a-z0-9]+(?:[._/-]+[a-z0-9]+)*(?::[\w][\w.-]{0,127})?"
    r"|[0-9a-f]{12,64}|sha256:[0-9a-f]{64}"
)
"""A registry, folders and a name in small letters, a tag; or the id of an image."""


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """Hold an image that is here: its reference, its id, and its digest in a registry if any.

    `env` is what it sets in the environment, as `NAME=value`; `architecture` the processor that
    it is for, in the engine's word.
    """

    reference: str
    id: str
    repo_digest: str | None = None
    labels: dict[str, str] = {}
    env: tuple[str, ...] = ()
    architecture: str = ""

    @property
    def erlang_variables(self) -> tuple[str, ...]:
        """Return what the image sets of the variables that `erl` reads, as `NAME=value`."""
        return tuple(entry for entry in self.env if _ERLANG_VARIABLE.match(entry))

    @property
    def digest(self) -> str:
        """Return the digest in the registry, or the id of an image that came from none."""
        return self.repo_digest or self.id


_ERLANG_VARIABLE = re.compile(r"ERL_\w+=")


class _InspectedConfig(msgspec.Struct, frozen=True):
    """Read what the engine says of an image's settings."""

    Labels: dict[str, str] | None = None
    Env: tuple[str, ...] | None = None


class _Inspected(msgspec.Struct, frozen=True):
    """Read what the engine says of an image, in the engine's own names."""

    Id: str
    Architecture: str = ""
    RepoDigests: list[str] | None = None
    Config: _InspectedConfig | None = None


def check_reference(reference: str) -> None:
    """Refuse what cannot name an image, before an engine words it in its own way.

    Raises:
        InputError: says what is wrong with it.
    """
    name = reference.partition("@")[0]
    if not name:
        raise InputError("--image is empty", hint="name an image, e.g. --image erlang:27-slim")
    if not _REFERENCE.fullmatch(name):
        lowered = name.lower()
        hint = f"did you mean {lowered}?" if _REFERENCE.fullmatch(lowered) else None
        raise InputError(f"--image {reference!r} cannot be the name of an image", hint=hint)


def here(reference: str) -> Image | None:
    """Return the image if the engine has it.

    Raises:
        InfrastructureError: the engine fails.
    """
    try:
        status, body = engine.get(f"/images/{quote(reference, safe='/:@')}/json")
        if status == HTTPStatus.NOT_FOUND:
            return None
        if status == HTTPStatus.BAD_REQUEST:
            raise InputError(f"the engine takes {reference!r} for no name of an image")
        found = msgspec.json.decode(body, type=_Inspected)
    except (OSError, ValueError, IndexError, msgspec.DecodeError) as error:
        raise InfrastructureError(f"the engine does not say whether it has {reference}") from error
    digest = found.RepoDigests[0].rpartition("@")[2] if found.RepoDigests else None
    config = found.Config or _InspectedConfig()
    return Image(
        reference=reference,
        id=found.Id,
        repo_digest=digest,
        labels=config.Labels or {},
        env=config.Env or (),
        architecture=found.Architecture,
    )


def candidates(release: int) -> tuple[str, ...]:
    """Return the references of a release, the one made here before the official one."""
    row = table.find(release)
    return (row.imported_image, row.image)


def local(release: int) -> Image | None:
    """Return the image of a release that is here already."""
    for reference in candidates(release):
        if (image := here(reference)) is not None:
            return image
    return None


def pull(reference: str, progress: Callable[[str], None]) -> Image:
    """Fetch an image from its registry.

    Raises:
        RuntimeMissingError: the registry cannot be reached or does not have it.
    """
    from docker.errors import DockerException  # noqa: PLC0415 - see engine.client

    progress(f"pulling {reference}")
    repository, tag = _split(reference)
    deadline = time.monotonic() + PULL_TIMEOUT_S
    try:
        for event in engine.client().pull(repository, tag=tag, stream=True, decode=True):
            if "error" in event:
                raise RuntimeMissingError(f"cannot pull {reference}: {event['error']}")
            if time.monotonic() > deadline:
                raise RuntimeMissingError(f"pulling {reference} took more than {PULL_TIMEOUT_S} s")
    except (DockerException, OSError) as error:
        raise RuntimeMissingError(f"cannot pull {reference}: {_brief(error)}") from error
    if (image := here(reference)) is None:
        raise RuntimeMissingError(f"{reference} was pulled and is not there")
    return image


def registry_has(reference: str) -> bool:
    """Ask the registry whether it has an image, without fetching it and without a long wait."""
    try:
        path = f"/distribution/{quote(reference, safe='/:@')}/json"
        return engine.get(path, timeout_s=REGISTRY_TIMEOUT_S)[0] == HTTPStatus.OK
    except OSError:
        return False


def registry_silent(cache_dir: Path) -> bool:
    """Tell whether a registry was asked lately and did not answer."""
    try:
        asked = msgspec.json.decode((cache_dir / _NOTE).read_bytes(), type=float)
    except (OSError, msgspec.DecodeError):
        return False
    return 0 <= time.time() - asked < UNREACHABLE_FOR_S


def note_registry_silent(cache_dir: Path) -> None:
    """Remember that the registry did not answer just now."""
    _write(cache_dir / _NOTE, msgspec.json.encode(time.time()))


def release_of(image: Image, cache_dir: Path, ask: Callable[[Image], bytes]) -> vm.Identity:
    """Return the release of an image, as its VM says; remembered by the image's id.

    Args:
        image: an image that is here.
        cache_dir: where the answers are remembered.
        ask: runs the image's `erl` on `vm.ASK` and returns what it printed.

    Raises:
        InfrastructureError: there is no working `erl` in the image.
    """
    known = _recall(cache_dir)
    if (entry := known.get(image.id)) is None:
        said = ask_release(image, ask)
        entry = (said.release, said.version)
        _write(cache_dir / _CACHE, msgspec.json.encode({**known, image.id: entry}))
    return vm.Identity(release=entry[0], version=entry[1])


def ask_release(image: Image, ask: Callable[[Image], bytes]) -> vm.Identity:
    """Return what the image's VM says of itself now.

    Raises:
        InfrastructureError: there is no working `erl` in the image.
    """
    built_for = f" (an image for {image.architecture})" if image.architecture else ""
    return vm.parse(ask(image), f"the erl of {image.reference}{built_for}", None)


def _recall(cache_dir: Path) -> dict[str, tuple[int, str]]:
    try:
        content = (cache_dir / _CACHE).read_bytes()
        return msgspec.json.decode(content, type=dict[str, tuple[int, str]])
    except (OSError, msgspec.DecodeError):
        return {}


def _write(path: Path, content: bytes) -> None:
    try:
        files.write_whole(path, content)
    except BeamproofError:
        return  # only speed is lost; a cache that cannot be written is told of by `doctor`


def _split(reference: str) -> tuple[str, str | None]:
    """Split a reference into what the engine calls repository and tag (or digest)."""
    if "@" in reference:
        return reference, None
    repository, colon, tag = reference.rpartition(":")
    if not colon or "/" in tag:
        return reference, "latest"
    return repository, tag


def _brief(error: BaseException) -> str:
    return str(getattr(error, "explanation", None) or error)
