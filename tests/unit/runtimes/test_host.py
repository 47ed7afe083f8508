"""Installs of the machine: named ones, the PATH, version managers."""

import json
import os
import shutil
from pathlib import Path

import pytest
from support.runtime_fakes import Installs

from harness.errors import InfrastructureError, InputError
from harness.runtimes import host, vm


def releases(*roots: Path, cache: Path) -> list[int]:
    return [install.release for install in host.find(roots, cache)]


def test_the_release_is_read_off_the_vm(installs: Installs, tmp_path: Path) -> None:
    """A folder's name says nothing; its VM does."""
    root = installs.make("otp-26", 25, "25.3.2")
    (found,) = host.find([root], tmp_path)
    assert (found.release, found.version, found.root) == (25, "25.3.2", root)


def test_a_vm_is_asked_once_until_it_changes(installs: Installs, tmp_path: Path) -> None:
    """The answer is remembered, and forgotten when the install is replaced."""
    root = installs.make("one", 25)
    assert releases(root, cache=tmp_path) == releases(root, cache=tmp_path) == [25]
    assert installs.starts(root) == 1
    os.utime(root / "bin" / "erl", (1, 1))
    assert releases(root, cache=tmp_path) == [25]
    assert installs.starts(root) == 2


def test_what_is_gone_is_forgotten(installs: Installs, tmp_path: Path) -> None:
    """The memory holds no install that is not there any more."""
    gone, stays, new = (installs.make(name, 27) for name in ("gone", "stays", "new"))
    assert releases(gone, stays, cache=tmp_path) == [27, 27]
    shutil.rmtree(gone)
    assert releases(new, cache=tmp_path) == [27]
    assert set(json.loads((tmp_path / "vms.json").read_bytes())) == {str(stays), str(new)}
    assert releases(stays, cache=tmp_path) == [27]
    assert installs.starts(stays) == 1


def test_a_damaged_memory_is_no_obstacle(installs: Installs, tmp_path: Path) -> None:
    """Whatever lies in the cache, the VM can be asked again."""
    (tmp_path / "vms.json").write_bytes(b"\x00{")
    assert releases(installs.make("one", 27), cache=tmp_path) == [27]


def test_a_cache_that_cannot_be_written_is_no_obstacle(installs: Installs, tmp_path: Path) -> None:
    """Only speed is lost."""
    (tmp_path / "file").write_text("")
    assert releases(installs.make("one", 27), cache=tmp_path / "file") == [27]


def test_the_erl_on_the_path_is_found_through_its_link(
    installs: Installs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`/usr/bin/erl` is a link into the install."""
    root = installs.make("one", 27)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "erl").symlink_to(root / "bin" / "erl")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    (found,) = host.find([], tmp_path)
    assert found.root == root


def test_installs_of_version_managers_are_found(
    installs: Installs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """kerl's list, asdf's and mise's folders are looked at."""
    kerl = installs.make("kerl-27", 27)
    (tmp_path / "kerl").mkdir()
    (tmp_path / "kerl" / "otp_installations").write_text(f"27.1 {kerl}\n27.2 /gone\n")
    installs.make("asdf/installs/erlang/26.2", 26)
    installs.make("mise/installs/erlang/25.3", 25)
    monkeypatch.setenv("KERL_BASE_DIR", str(tmp_path / "kerl"))
    monkeypatch.setenv("ASDF_DATA_DIR", str(tmp_path / "installs" / "asdf"))
    monkeypatch.setenv("MISE_DATA_DIR", str(tmp_path / "installs" / "mise"))
    assert releases(cache=tmp_path) == [27, 26, 25]


def test_named_folders_come_first_and_once(
    installs: Installs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the user names wins over what is found."""
    first, second = installs.make("a", 27, "27.2"), installs.make("b", 27, "27.1")
    monkeypatch.setenv("PATH", f"{second / 'bin'}{os.pathsep}{os.environ['PATH']}")
    found = host.find([first, second, first], tmp_path)
    assert [install.version for install in found] == ["27.2", "27.1"]


def test_folders_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """`BEAMPROOF_OTP_ROOTS` is a list like PATH."""
    monkeypatch.setenv("BEAMPROOF_OTP_ROOTS", f"/one{os.pathsep}{os.pathsep}/two")
    assert host.roots_from_environment() == (Path("/one"), Path("/two"))


def test_a_named_folder_without_erl_is_refused(tmp_path: Path) -> None:
    """A wrong folder is the user's mistake, told with what was expected."""
    with pytest.raises(InputError, match=r"has no bin/erl") as caught:
        host.find([tmp_path], tmp_path)
    assert caught.value.exit_code == 4


def test_a_named_install_that_does_not_work_is_refused(installs: Installs, tmp_path: Path) -> None:
    """A broken install is told with what it printed."""
    root = installs.make("broken", 27)
    (root / "bin" / "erl").write_text("#!/bin/sh\necho 'no beam.smp' >&2\nexit 1\n")
    with pytest.raises(InputError, match=r"no working OTP install.*no beam\.smp"):
        host.find([root], tmp_path)


def test_a_broken_install_that_nobody_named_is_left_out_and_told(
    installs: Installs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrecked `erl` on the PATH does not stop the others; `doctor` tells of it."""
    root = installs.make("broken", 27)
    (root / "bin" / "erl").write_text("#!/bin/sh\nexit 3\n")
    monkeypatch.setenv("PATH", f"{root / 'bin'}{os.pathsep}{os.environ['PATH']}")
    assert releases(installs.make("good", 25), cache=tmp_path) == [25]
    (told,) = host.broken()
    assert "exit status 3" in told


def test_an_erl_that_never_answers_is_given_up(installs: Installs) -> None:
    """Every wait has a deadline."""
    root = installs.make("silent", 27)
    (root / "bin" / "erl").write_text("#!/bin/sh\nexec sleep 60\n")
    with pytest.raises(InfrastructureError, match="did not answer"):
        vm.ask(root / "bin" / "erl", timeout_s=0.2)


def test_a_program_that_is_no_script_of_any_kind_is_told(tmp_path: Path) -> None:
    """A file that the system cannot run is told with the system's words."""
    (tmp_path / "erl").write_text("nonsense")
    (tmp_path / "erl").chmod(0o755)
    with pytest.raises(InfrastructureError, match="does not start"):
        vm.ask(tmp_path / "erl")


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (b"[FATAL tini (7)] exec sh failed: Exec format error", "another kind of processor"),
        (b"[FATAL tini (7)] exec sh failed: No such file or directory", "no sh beside it"),
        (b"sh: 1: exec: erl: not found", "there is no erl"),
        (b"erl: 1: exec: /x/erlexec: Permission denied", "may not read it"),
        (b"beamproof: the container met its memory limit of 1024 MiB", "limit of memory"),
        (b"beam.smp: error while loading shared libraries: libz.so.1", "a library is missing"),
        (b"something else", "is not a working erl"),
        (b"", "silent"),
    ],
)
def test_what_stops_a_vm_is_said_in_words(output: bytes, said: str) -> None:
    """Beside what was printed, which names the place."""
    with pytest.raises(InfrastructureError, match=said):
        vm.parse(output, "the erl of x", None)


def test_a_vm_is_never_asked_in_the_users_folder(
    installs: Installs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A VM reads `.erlang` where it starts, and may leave a dump there."""
    root = installs.make("a", 27)
    erl = root / "bin" / "erl"
    erl.write_text(erl.read_text() + f"pwd > {tmp_path}/where; env > {tmp_path}/environment\n")
    monkeypatch.setenv("ERL_FLAGS", "-s surprise")
    monkeypatch.chdir(root)
    vm.ask(erl)
    assert "beamproof-ask-" in (tmp_path / "where").read_text()
    assert "surprise" not in (tmp_path / "environment").read_text()
