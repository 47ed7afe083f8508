"""`beamproof otp`, `doctor` and `sweep`: what VMs there are, and getting rid of them.

Knows: options, exit codes, how lists are printed. Must not know: how any of it is done.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import click
import msgspec

from harness.cli import names
from harness.cli.examples import examples
from harness.cli.runtime import image_list_option, source_options
from harness.errors import BeamproofError
from harness.folders import cache_dir
from harness.runtimes import AUTO, RuntimeOptions, host, listing, programs, resolve, ways
from harness.runtimes import install as installing
from harness.runtimes import patches as patch_releases
from harness.runtimes.docker.tags import read_list
from harness.system.streams import echo, print_json, say

_OLDEST, _BEYOND = 17, 100


def _read_releases(
    _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[int, ...]:
    """Read OTP releases, each once: `27`, `otp27` or `OTP-27`."""
    found: dict[int, None] = {}
    for value in values:
        text = value.lower().removeprefix("otp").lstrip("-")
        if not text.isdecimal() or not _OLDEST <= int(text) < _BEYOND:
            raise click.BadParameter(f"{value!r} is not an OTP release; write it like 27")
        found[int(text)] = None
    return tuple(found)


_releases = click.argument(
    "releases", nargs=-1, type=names.RELEASES, required=True, callback=_read_releases
)


@click.group("otp", epilog=examples("beamproof otp list", "beamproof otp install 25 27 --docker"))
def otp() -> None:
    """List, fetch ahead and remove OTP releases."""


@otp.command("list")
@source_options
@image_list_option
@click.option("--patches", is_flag=True, help="Every patch release, as --otp takes it.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_releases(
    otp_roots: tuple[Path, ...],
    images: tuple[str, ...],
    image_list: Path | None,
    *,
    patches: bool,
    as_json: bool,
) -> None:
    """Show which OTP releases can be had, and how."""
    options = runtime_options_of(otp_roots, images, image_list)
    if patches:
        _print_patches(options, as_json=as_json)
        return
    lines_of_images = image_lines(options)
    rows = listing.survey(options)
    if as_json:
        echo(msgspec.json.encode(rows).decode())
        return
    header = ("OTP", *(offer.way for offer in rows[0].offers))
    lines = [(_release_cell(row), *map(_offer_cell, row.offers)) for row in rows]
    _print_table([header, *lines])
    for line in lines_of_images:
        echo(line)
    if not all(row.in_range for row in rows):
        echo("* outside the range that claims are written for; only when asked for by name")


@otp.command("install")
@_releases
@click.option("--docker", "as_image", is_flag=True, help="Make a container image of it, too.")
def install(releases: tuple[int, ...], *, as_image: bool) -> None:
    """Fetch RELEASES into the cache ahead of use."""
    installing.check(releases, as_image=as_image)
    options = RuntimeOptions(cache_dir=cache_dir())

    def one(release: int) -> BeamproofError | None:
        try:
            done = installing.install(options, release, as_image=as_image, progress=_tell)
        except BeamproofError as error:
            return error
        echo(f"OTP {release}: {' and '.join(done)}")
        return None

    with ThreadPoolExecutor(len(releases)) as pool:
        try:
            failures = [error for error in pool.map(one, releases) if error is not None]
        except BaseException:
            programs.abandon()  # or an interrupted command would first finish its downloads
            raise
    for error in failures[1:]:
        say(f"beamproof: {error}")
    if failures:
        raise failures[0]


@otp.command("remove")
@_releases
def remove(releases: tuple[int, ...]) -> None:
    """Remove RELEASES from the cache, and the images made of them."""
    for release in releases:
        removed = installing.remove(RuntimeOptions(cache_dir=cache_dir()), release)
        echo(f"OTP {release}: " + (", ".join(removed) or "nothing was installed here"))


def _print_patches(options: RuntimeOptions, *, as_json: bool) -> None:
    found, reasons = patch_releases.listed(ways.all_ways(options, _tell))
    if as_json:
        rows = [{"version": one.version, "way": one.way, "origin": one.origin} for one in found]
        print_json({"patches": rows, "reasons": list(reasons)})
        return
    header = ("OTP", "way", "from")
    _print_table([header, *((one.version, one.way, one.origin) for one in found)])
    for reason in reasons:
        say(reason)


def runtime_options_of(
    otp_roots: tuple[Path, ...], images: tuple[str, ...], image_list: Path | None = None
) -> RuntimeOptions:
    """Return where runtimes may come from; nothing is fetched."""
    roots = (*otp_roots, *host.roots_from_environment())
    return RuntimeOptions(
        images=images,
        image_list=() if image_list is None else read_list(image_list),
        otp_roots=roots,
        cache_dir=cache_dir(),
        offline=True,
    )


def image_lines(options: RuntimeOptions) -> tuple[str, ...]:
    """Return what each of the user's images holds; one that is not here is an error."""
    if not options.images:
        return ()
    found = resolve((), way=AUTO, options=options, progress=_tell)
    return tuple(
        f"{item.runtime.origin}: OTP {item.release} ({item.runtime.digest})"
        for item in found
        if item.runtime is not None
    )


def _tell(message: str) -> None:
    say(message)


def _release_cell(row: Any) -> str:
    return f"{row.release}" if row.in_range else f"{row.release}*"


def _offer_cell(offer: Any) -> str:
    if offer.stock == "-":
        return offer.what or "-"
    if offer.stock == "here":
        return f"✔ {offer.what}"
    return f"{offer.stock}: {offer.what}"


def _print_table(rows: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        echo("  ".join(cells).rstrip())
