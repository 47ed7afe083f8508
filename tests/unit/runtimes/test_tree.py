"""Packages unpack into one tree, and the tree runs from where it lies."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from harness.errors import InfrastructureError
from harness.runtimes.debian import unpack

pytestmark = pytest.mark.skipif(
    shutil.which("dpkg-deb") is None, reason="this machine has no dpkg-deb"
)

REPOSITORY = Path(__file__).parent / "repository"
ERL = '#!/bin/sh\nEMU=beam\nROOTDIR=/usr/lib/erlang\nexport EMU\necho "$ROOTDIR"\n'


def package(folder: Path, files: dict[str, bytes]) -> Path:
    """Return a package with these files in it."""
    content = folder / "content"
    shutil.rmtree(content, ignore_errors=True)
    for name, data in files.items():
        path = content / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        path.chmod(0o755)
    (content / "DEBIAN").mkdir()
    (content / "DEBIAN" / "control").write_text(
        "Package: p\nVersion: 1\nArchitecture: all\nMaintainer: n <n@invalid>\nDescription: d\n"
    )
    made = folder / f"p{len(list(folder.glob('*.deb')))}.deb"
    subprocess.run(
        ["dpkg-deb", "-Zgzip", "--build", str(content), str(made)], check=True, capture_output=True
    )
    return made


def loader_of(program: str) -> Path:
    """Return the program loader that a program of this machine asks for."""
    asked = subprocess.run(
        [unpack.find_patchelf(), "--print-interpreter", program],
        capture_output=True,
        text=True,
        check=True,
    )
    return Path(asked.stdout.strip())


def test_libraries_of_old_and_new_layout_end_in_one_place(tmp_path: Path) -> None:
    """`/lib` and `/usr/lib` are one folder, as on a Debian that was merged."""
    old = package(tmp_path, {"lib/one.so": b"1", "lib64/two.so": b"2"})
    new = package(tmp_path, {"usr/lib/three.so": b"3", "usr/share/doc/p/readme": b"-"})
    unpack.unpack([old, new], tmp_path / "tree")
    assert {path.name for path in (tmp_path / "tree/usr/lib").iterdir()} == {"one.so", "three.so"}
    assert (tmp_path / "tree/lib/three.so").read_bytes() == b"3"
    assert (tmp_path / "tree/usr/lib64/two.so").read_bytes() == b"2"
    assert not (tmp_path / "tree/usr/share").exists()


def test_a_damaged_package_is_told_by_name(tmp_path: Path) -> None:
    """A package that does not unpack names itself."""
    damaged = tmp_path / "p.deb"
    damaged.write_bytes(b"!<arch>\nnonsense")
    with pytest.raises(InfrastructureError, match=r"cannot unpack p\.deb"):
        unpack.unpack([damaged], tmp_path / "tree")


def test_programs_of_a_tree_run_with_its_own_loader_and_libraries(tmp_path: Path) -> None:
    """Nothing of the host's C library is used, and the place may have a space in its name."""
    program = shutil.which("true") or "/bin/true"
    loader = loader_of(program)
    made, final = tmp_path / "work", tmp_path / "a place"
    libraries = made / "usr/lib" / f"{os.uname().machine}-linux-gnu"
    libraries.mkdir(parents=True)
    for library in {loader, *loader.resolve().parent.glob("libc.so.6")}:
        shutil.copy(library.resolve(), libraries / library.name)
    binaries = made / unpack.ERLANG / "bin"
    binaries.mkdir(parents=True)
    shutil.copy(program, binaries / "erlexec")
    (binaries / "erl").write_text(ERL)
    (binaries / "erl").chmod(0o755)
    unpack.make_runnable(made, final)
    made.rename(final)
    moved = final / unpack.ERLANG / "bin"
    assert loader_of(str(moved / "erlexec")).is_relative_to(final)
    assert subprocess.run([moved / "erlexec"], check=False).returncode == 0
    told = subprocess.run([moved / "erl"], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == str(final / unpack.ERLANG)


def test_scripts_and_the_list_of_releases_get_their_new_place(tmp_path: Path) -> None:
    """Every spelling of the old place changes; longer names that begin alike do not."""
    erlang = tmp_path / unpack.ERLANG
    (erlang / "bin").mkdir(parents=True)
    (erlang / "releases").mkdir()
    (erlang / "bin" / "erl").write_text(
        "#!/bin/sh\n    ROOTDIR=/usr/lib/erlang\nA=/usr/lib/erlang-x\n"
    )
    (erlang / "releases" / "RELEASES").write_text('{kernel,"/usr/lib/erlang/lib/kernel-1"}')
    for script in unpack._scripts(erlang):
        unpack._move(script, Path("/new place"))
    assert (erlang / "bin" / "erl").read_text() == (
        '#!/bin/sh\n    ROOTDIR="/new place"\nA=/usr/lib/erlang-x\n'
    )
    assert (erlang / "releases" / "RELEASES").read_text() == '{kernel,"/new place/lib/kernel-1"}'
