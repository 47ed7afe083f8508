"""The options that say which releases are wanted and where they come from.

Knows: options. Must not know: how a runtime is found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from harness.cli import names
from harness.runtimes.request import CHOICES

F = TypeVar("F", bound=Callable[..., Any])


def _join(_context: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> str | None:
    """Let an option that is given several times add up."""
    return ",".join(given) if given else None


_SOURCES = (
    click.option(
        "--image",
        "images",
        multiple=True,
        metavar="REF",
        help="Any container image with sh and erl in it (repeatable: each is a column).",
    ),
    click.option(
        "--otp-root",
        "otp_roots",
        multiple=True,
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="A folder with bin/erl in it (repeatable; also BEAMPROOF_OTP_ROOTS).",
    ),
)

image_list_option = click.option(
    "--images",
    "image_list",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A list of images to choose patch releases from: VERSION IMAGE a line, or IMAGE.",
)

_OTP = click.option(
    "--otp",
    multiple=True,
    type=names.RELEASES,
    callback=_join,
    metavar="RELEASES",
    help="Releases: 25,27 or 24-27; patch releases that are here: 27.1.2, '27.*' or 26.2-27.1"
    " (repeatable) [default: 24-27].",
)
_WAYS = (
    click.option(
        "--runtime",
        "way",
        type=click.Choice(CHOICES),
        default="auto",
        show_default=True,
        help="Where the VMs come from.",
    ),
    *_SOURCES,
    image_list_option,
)
_STRICT = click.option(
    "--strict/--no-strict",
    default=None,
    help="A release that cannot be had is an error [default: in CI, if --otp names it].",
)
_OPTIONS = (_OTP, *_WAYS, _STRICT)


def runtime_options(command: F) -> F:
    """Add the options of this module to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def way_options(command: F) -> F:
    """Add the options that say where VMs come from, to a command whose releases are told else."""
    for option in reversed(_WAYS):
        command = option(command)
    return command


def way_arguments(given: Mapping[str, Any]) -> list[str]:
    """Return what `way_options` read as another command takes it."""
    listed = [given["image_list"]] if given["image_list"] else []
    sources = (
        ("--image", given["images"]),
        ("--images", listed),
        ("--otp-root", given["otp_roots"]),
    )
    named = [word for option, values in sources for one in values for word in (option, str(one))]
    return ["--runtime", given["way"], *named]


def source_options(command: F) -> F:
    """Add the options that say where runtimes may come from."""
    for option in reversed(_SOURCES):
        command = option(command)
    return command
