"""The options that say which releases are wanted and where they come from.

Knows: options. Must not know: how a runtime is found.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from harness.runtimes.request import WAYS

F = TypeVar("F", bound=Callable[..., Any])


_OPTIONS = (
    click.option("--otp", metavar="RELEASES", help="Releases: 25,27 or 24-27 [default: 24-27]."),
    click.option(
        "--runtime",
        "way",
        type=click.Choice(WAYS),
        default="auto",
        show_default=True,
        help="Where the VMs come from.",
    ),
    click.option("--image", metavar="REF", help="Any container image with sh and erl in it."),
    click.option(
        "--otp-root",
        "otp_roots",
        multiple=True,
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="A folder with bin/erl in it (repeatable; also BEAMPROOF_OTP_ROOTS).",
    ),
    click.option(
        "--strict/--no-strict",
        default=None,
        help="A release that cannot be had is an error [default: in CI, when named by --otp].",
    ),
)


def runtime_options(command: F) -> F:
    """Add the options of this module to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
