"""Which patch releases images hold, as their tags say: those of the engine, and lists in files.

Knows: how the official repository tags its images, how a list is written. Must not know: how an
image is pulled, or what its VM says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from harness.errors import InfrastructureError, InputError
from harness.run import versions
from harness.runtimes import table
from harness.runtimes.docker import engine, images
from harness.runtimes.model import ListedImage

OFFICIAL = "erlang"
"""The repository whose tags are versions of OTP."""

_KINDS = ("-slim", "", "-alpine")
"""Which image of one version is taken: the one that releases come from as well, first."""

_TAG = re.compile(rf"(?P<version>{versions.FULL})(?P<kind>-[a-z][\w.-]*)?")


class _Listed(msgspec.Struct, frozen=True):
    """Read what the engine says of one image, in its own names."""

    RepoTags: list[str] | None = None
    Labels: dict[str, str] | None = None


def version_of(reference: str) -> str:
    """Return the version that a tag says, e.g. `27.3.4.1` of `erlang:27.3.4.1-slim`; else nothing.

    Only tags of a repository that is named after Erlang or OTP speak of OTP.
    """
    repository, _, tag = reference.rpartition(":")
    found = _TAG.fullmatch(tag)
    about = re.search(r"erlang|otp", repository.rpartition("/")[2])
    return found["version"] if found and about else ""


def here() -> tuple[ListedImage, ...]:
    """Return the engine's images of the official repository and those made here, one a version.

    Raises:
        InfrastructureError: the engine does not list its images.
        RuntimeMissingError: no engine answers.
    """
    try:
        _, body = engine.get("/images/json")
        listed = msgspec.json.decode(body, type=list[_Listed])
    except (OSError, msgspec.DecodeError) as error:
        raise InfrastructureError("the engine does not list its images") from error
    found: dict[str, str] = {}
    for reference, labels in sorted(_tagged(listed), key=lambda one: _rank(one[0])):
        if version := labels.get(images.OTP_LABEL) or version_of(reference):
            found.setdefault(version, reference)
    return tuple(
        ListedImage(reference=reference, version=version) for version, reference in found.items()
    )


def _tagged(listed: Iterable[_Listed]) -> Iterable[tuple[str, Mapping[str, str]]]:
    for one in listed:
        for reference in one.RepoTags or ():
            name = reference.rpartition(":")[0].removeprefix("docker.io/").removeprefix("library/")
            if name in {
                OFFICIAL,
                table.IMPORTED_REPOSITORY,
                f"localhost/{table.IMPORTED_REPOSITORY}",
            }:
                yield reference, one.Labels or {}


def _rank(reference: str) -> tuple[int, str]:
    found = _TAG.fullmatch(reference.rpartition(":")[2])
    kind = found["kind"] or "" if found else ""
    return _KINDS.index(kind) if kind in _KINDS else len(_KINDS), reference


def read_list(path: Path) -> tuple[ListedImage, ...]:
    """Read a list of images: `VERSION IMAGE` or `IMAGE` a line, `#` begins a comment.

    Raises:
        InputError: it cannot be read, or a line is no image; names the line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot read the list of images {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"the list of images {path} is no text in UTF-8") from error
    lines = ((at, line.partition("#")[0].split()) for at, line in enumerate(text.splitlines(), 1))
    found = tuple(_line(words, f"{path}:{at}") for at, words in lines if words)
    if not found:
        raise InputError(f"the list of images {path} is empty", hint="write VERSION IMAGE a line")
    return found


def _line(words: list[str], place: str) -> ListedImage:
    if len(words) > 2:  # noqa: PLR2004 - a version and an image
        raise InputError(f"{place}: write VERSION IMAGE, or IMAGE alone")
    reference = words[-1]
    try:
        images.check_reference(reference)
    except InputError as error:
        raise InputError(f"{place}: {reference!r} cannot be the name of an image") from error
    if len(words) == 1:
        return ListedImage(reference=reference, version=version_of(reference))
    if not versions.is_full(words[0]):
        raise InputError(
            f"{place}: {words[0]!r} is no full version of OTP",
            hint="write it to the patch, e.g. 27.1.2, or the image alone",
        )
    return ListedImage(reference=reference, version=words[0])
