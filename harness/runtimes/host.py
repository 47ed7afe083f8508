"""The host way: an `erl` that is installed already.

Knows: where people and their version managers keep installs. Must not know: the other ways.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import msgspec

from harness.bridge.channel import ProcessLauncher
from harness.errors import BeamproofError, InputError, RuntimeMissingError
from harness.runtimes import vm
from harness.runtimes.model import Runtime, RuntimeOptions
from harness.runtimes.way import Check, Offer, Patch, Progress, State, Stock
from harness.system import files as storage

ROOTS_VARIABLE = "BEAMPROOF_OTP_ROOTS"

_MANAGED = (
    ("KERL_DEFAULT_INSTALL_DIR", "~/kerl", "*"),
    ("ASDF_DATA_DIR", "~/.asdf", "installs/erlang/*"),
    ("MISE_DATA_DIR", "~/.local/share/mise", "installs/erlang/*"),
)
"""Version managers: the variable that says where, where without it, and what lies there."""

_KERL_LIST = "otp_installations"
"""Where kerl lists its installs, one `name folder` a line."""

_CACHE = "vms.json"


class Install(msgspec.Struct, frozen=True, kw_only=True):
    """Hold one install: the folder with its `bin/erl` and what its VM said of itself.

    `named` are those that the user named.
    """

    root: Path
    release: int
    version: str
    named: bool = False

    @property
    def erl(self) -> Path:
        """Return the program that starts its VM."""
        return self.root / "bin" / "erl"


@dataclass(slots=True)
class HostWay:
    """Have VMs from installs of this machine."""

    options: RuntimeOptions
    progress: Progress
    name: str = "host"
    takes_images: bool = False
    _found: tuple[Install, ...] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def find(self, release: int) -> tuple[Runtime, ...]:
        """Return the install of a release, or all that the user named of it.

        Raises:
            RuntimeMissingError: none is installed.
            InputError: a folder named by the user has no working `bin/erl`.
        """
        there = [install for install in self._installs() if install.release == release]
        if not there:
            raise RuntimeMissingError(
                f"no OTP {release} is installed here", hint="name its folder with --otp-root DIR"
            )
        named = [install for install in there if install.named]
        return tuple(self._runtime(install) for install in named or there[:1])

    def offer(self, release: int) -> Offer:
        """Return the install of a release."""
        for install in self._installs():
            if install.release == release:
                what = f"{install.version} in {install.root}"
                return Offer(way=self.name, stock=Stock.HERE, what=what)
        return Offer(way=self.name, stock=Stock.NONE)

    def releases(self) -> Iterable[int]:
        """Return the releases of all installs.

        Raises:
            InputError: a folder named by the user has no working `bin/erl`.
        """
        return dict.fromkeys(install.release for install in self._installs())

    def patches(self) -> Iterable[Patch]:
        """Return the installs that say their version, the user's own first.

        Raises:
            InputError: a folder named by the user has no working `bin/erl`.
        """
        return [
            Patch(
                version=install.version,
                way=self.name,
                origin=str(install.root),
                named=install.named,
                have=partial(self._runtime, install),
            )
            for install in self._installs()
        ]

    def checks(self) -> Iterable[Check]:
        """Return whether every install that was found starts."""
        found = broken()
        return (
            Check(
                name="host installs",
                state=State.OPTIONAL if found else State.OK,
                found="; ".join(found) or "every erl that was found starts",
                mend="mend or remove the install; until then it is left out" if found else None,
            ),
        )

    def fetches(self, release: int) -> bool:  # noqa: ARG002 - as in every way
        """Tell that nothing is fetched: an install is the user's own."""
        return False

    def fetch(self, release: int) -> str:
        """Refuse: an install is the user's own."""
        raise RuntimeMissingError(f"OTP {release} is not installed by beamproof on the host")

    def remove(self, release: int) -> str | None:  # noqa: ARG002 - as in every way
        """Remove nothing: an install is the user's own."""
        return None

    def _installs(self) -> tuple[Install, ...]:
        with self._lock:
            if self._found is None:
                self._found = find(self.options.otp_roots, self.options.cache_dir)
            return self._found

    def _runtime(self, install: Install) -> Runtime:
        return Runtime(
            release=install.release,
            way=self.name,
            origin=str(install.root),
            digest=install.version,
            launcher=ProcessLauncher(erl=install.erl),
        )


class _Known(msgspec.Struct, frozen=True):
    """Remember an answer for as long as the files it came from stay as they are."""

    stamp: str
    release: int
    version: str


def roots_from_environment() -> tuple[Path, ...]:
    """Return the folders named in `BEAMPROOF_OTP_ROOTS`."""
    named = os.environ.get(ROOTS_VARIABLE, "")
    return tuple(Path(entry).expanduser() for entry in named.split(os.pathsep) if entry)


def find(otp_roots: Sequence[Path], cache_dir: Path) -> tuple[Install, ...]:
    """Return every install of this machine: the named ones first, then the PATH, then managers.

    Args:
        otp_roots: folders named by the user; each must hold a working `bin/erl`.
        cache_dir: where the answers of VMs are remembered.

    Raises:
        InputError: a folder named by the user has no `bin/erl`, or it does not work.
    """
    known = _recall(cache_dir)
    before = dict(known)
    found: dict[Path, Install] = {}
    for root in otp_roots:
        found.setdefault(_named(root), _ask_named(root, known))
    for root in _discovered():
        if root not in found and (install := _ask_found(root, known)) is not None:
            found[root] = install
    if known != before:
        _remember(cache_dir, known)
    return tuple(found.values())


def broken() -> tuple[str, ...]:
    """Return, one sentence each, the installs found by themselves whose VM does not start."""
    found: list[str] = []
    for root in dict.fromkeys(_discovered()):
        try:
            vm.ask(root / "bin" / "erl")
        except BeamproofError as error:
            found.append(error.message)
    return tuple(found)


def _named(root: Path) -> Path:
    erl = root.expanduser() / "bin" / "erl"
    if not erl.is_file():
        raise InputError(
            f"{root} has no bin/erl in it",
            hint="name the folder of an install, e.g. the parent of the bin that holds erl",
        )
    return _root_of(erl)


def _ask_named(root: Path, known: dict[str, _Known]) -> Install:
    try:
        return msgspec.structs.replace(_identify(_named(root), known), named=True)
    except BeamproofError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{root} is no working OTP install: {error.message}") from error


def _ask_found(root: Path, known: dict[str, _Known]) -> Install | None:
    try:
        return _identify(root, known)
    except BeamproofError:
        return None  # nobody asked for it by name; `doctor` tells of it


def _identify(root: Path, known: dict[str, _Known]) -> Install:
    stamp = _stamp(root)
    entry = known.get(str(root))
    if entry is None or entry.stamp != stamp:
        said = vm.ask(root / "bin" / "erl")
        entry = _Known(stamp, said.release, said.version)
        known[str(root)] = entry
    return Install(root=root, release=entry.release, version=entry.version)


def _discovered() -> Iterator[Path]:
    if (on_path := shutil.which("erl")) is not None and (root := _of_path(Path(on_path))):
        yield root
    for folder in (*_kerl_installs(), *_managed()):
        if (folder / "bin" / "erl").is_file():
            yield _root_of(folder / "bin" / "erl")


def _kerl_installs() -> Iterator[Path]:
    base = Path(os.environ.get("KERL_BASE_DIR") or "~/.kerl").expanduser()
    try:
        lines = (base / _KERL_LIST).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    yield from (Path(line.split(maxsplit=1)[1].strip()) for line in lines if len(line.split()) > 1)


def _managed() -> Iterator[Path]:
    for variable, fallback, pattern in _MANAGED:
        yield from sorted(Path(os.environ.get(variable) or fallback).expanduser().glob(pattern))


def _of_path(erl: Path) -> Path | None:
    """Return the root of the `erl` on the PATH; a manager's shim has none beside it."""
    root = _root_of(erl)
    return root if (root / "bin" / "erl").is_file() else None


def _root_of(erl: Path) -> Path:
    return erl.resolve().parent.parent


def _stamp(root: Path) -> str:
    """Return a text that changes when the install is replaced."""
    files = [root / "bin" / "erl", *sorted(root.glob("releases/*"))]
    return " ".join(f"{path.name}:{path.stat().st_mtime_ns}" for path in files if path.exists())


def _recall(cache_dir: Path) -> dict[str, _Known]:
    try:
        return msgspec.json.decode((cache_dir / _CACHE).read_bytes(), type=dict[str, _Known])
    except (OSError, msgspec.DecodeError):
        return {}


def _remember(cache_dir: Path, known: dict[str, _Known]) -> None:
    there = {root: entry for root, entry in known.items() if (Path(root) / "bin" / "erl").exists()}
    try:
        storage.write_whole(cache_dir / _CACHE, msgspec.json.encode(there))
    except BeamproofError:
        return  # only speed is lost; a cache that cannot be written is told of by `doctor`
