"""Where each release comes from, and why one cannot be had."""

import os
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.runtime_fakes import FakeEngine, Installs

from harness.errors import InputError, RuntimeMissingError
from harness.run.model import RuntimeRecord
from harness.runtimes import AUTO, Resolved, RuntimeOptions, resolve
from harness.runtimes.debian import tree
from harness.runtimes.docker import engine
from harness.runtimes.docker import images as image_list
from harness.runtimes.resolve import resolve_recorded
from harness.system import files


def options(tmp_path: Path, **given: Any) -> RuntimeOptions:
    return RuntimeOptions(cache_dir=tmp_path / "cache", **given)


def find(*releases: int, way: str, options: RuntimeOptions) -> tuple[Resolved, ...]:
    return resolve(releases, way=way, options=options, progress=lambda _: None)


def put_tree(cache: Path, release: int) -> Path:
    """Put a finished package tree into the cache and return its folder."""
    folder = tree.root(cache).resolve() / f"debian-{release}"
    folder.mkdir(parents=True)
    manifest = tree.Manifest(
        release=release,
        suite="trixie",
        version="1:27.3-1",
        otp_version="27.3",
        place=str(folder),
        packages=(),
    )
    (folder / "manifest.json").write_bytes(msgspec.json.encode(manifest))
    return folder


def image(identity: str = "sha256:1", digests: list[str] | None = None) -> dict[str, Any]:
    return {"Id": identity, "RepoDigests": digests or [], "Config": {"Labels": None}}


def test_results_come_in_the_order_asked(installs: Installs, tmp_path: Path) -> None:
    """One result a release, the missing ones with their reason."""
    roots = (installs.make("a", 25), installs.make("b", 27))
    found = find(27, 26, 25, way="host", options=options(tmp_path, otp_roots=roots))
    assert [item.release for item in found] == [27, 26, 25]
    assert [item.runtime is None for item in found] == [False, True, False]
    assert "--otp-root" in (found[1].reason or "")


def test_a_host_runtime_says_where_it_lies(installs: Installs, tmp_path: Path) -> None:
    """The record holds name, way, folder and version."""
    root = installs.make("a", 25, "25.3.2")
    (found,) = find(25, way="host", options=options(tmp_path, otp_roots=(root,)))
    assert found.runtime is not None
    record = found.runtime.record()
    assert (record.name, record.way, record.origin) == ("otp25", "host", str(root))
    assert (record.release, record.digest, record.build) == (25, "25.3.2", None)


def test_auto_takes_the_image_before_the_install_before_the_tree(
    installs: Installs, tmp_path: Path, fake_engine: FakeEngine
) -> None:
    """The order of the ways is docker, host, debian."""
    fake_engine.images["beamproof/otp:25"] = image()
    roots = (installs.make("a", 25), installs.make("b", 26))
    put_tree(tmp_path / "cache", 25)
    put_tree(tmp_path / "cache", 27)
    asked = options(tmp_path, otp_roots=roots, offline=True)
    found = find(25, 26, 27, way=AUTO, options=asked)
    assert [item.runtime and item.runtime.way for item in found] == ["docker", "host", "debian"]


def test_the_image_made_here_wins_over_the_official_one(
    tmp_path: Path, fake_engine: FakeEngine
) -> None:
    """Who imported an image wants it used; its id stands for it."""
    fake_engine.images["beamproof/otp:27"] = image("sha256:own")
    fake_engine.images["erlang:27-slim"] = image("sha256:o", ["erlang@sha256:registry"])
    (found,) = find(27, way="docker", options=options(tmp_path))
    assert found.runtime is not None
    assert (found.runtime.origin, found.runtime.digest) == ("beamproof/otp:27", "sha256:own")
    del fake_engine.images["beamproof/otp:27"]
    (found,) = find(27, way="docker", options=options(tmp_path))
    assert found.runtime is not None
    assert (found.runtime.origin, found.runtime.digest) == ("erlang:27-slim", "sha256:registry")


def test_docker_without_image_and_registry_names_the_command(
    tmp_path: Path, fake_engine: FakeEngine
) -> None:
    """Asked for by name, the reason holds the one command that mends it."""
    (found,) = find(27, way="docker", options=options(tmp_path))
    assert found.runtime is None
    assert "beamproof otp install 27 --docker" in (found.reason or "")
    assert any(path.startswith("/distribution/erlang:27-slim") for path in fake_engine.asked)


@pytest.mark.usefixtures("fake_engine")
def test_docker_for_a_release_without_packages_names_the_image(tmp_path: Path) -> None:
    """What cannot be imported has to be brought."""
    (found,) = find(26, way="docker", options=options(tmp_path))
    assert "bring erlang:26-slim here" in (found.reason or "")


def test_a_silent_registry_is_left_alone_by_auto_for_a_while(
    tmp_path: Path, fake_engine: FakeEngine
) -> None:
    """The second start does not wait for a registry that is not there."""
    find(26, way=AUTO, options=options(tmp_path))
    before = len(fake_engine.asked)
    (found,) = find(26, way=AUTO, options=options(tmp_path))
    assert not any("/distribution/" in path for path in fake_engine.asked[before:])
    assert "docker: no image of OTP 26 is here" in (found.reason or "")
    assert image_list.registry_silent(tmp_path / "cache")


def test_offline_asks_no_registry_and_fetches_nothing(
    tmp_path: Path, fake_engine: FakeEngine
) -> None:
    """Offline means what is here."""
    (found,) = find(27, way=AUTO, options=options(tmp_path, offline=True))
    assert found.runtime is None
    for way in ("docker: no image", "host: no OTP 27", "debian: OTP 27 is not in the cache"):
        assert way in (found.reason or "")
    assert not any("/distribution/" in path for path in fake_engine.asked)


def test_without_an_engine_the_answer_is_quick_and_says_so(tmp_path: Path) -> None:
    """A machine without an engine loses no time over it."""
    started = time.monotonic()
    (found,) = find(27, way="docker", options=options(tmp_path))
    assert time.monotonic() - started < 0.5
    assert "no container engine is running here" in (found.reason or "")


@pytest.mark.usefixtures("fake_engine")
def test_what_listens_and_is_no_engine_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong DOCKER_HOST is not taken for an engine."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}")
    assert not engine.state().answers
    assert "does not answer" in engine.state().reason


def test_a_tree_that_was_moved_does_not_count(tmp_path: Path) -> None:
    """A tree runs only where it was made for."""
    put_tree(tmp_path / "cache", 27)
    (tmp_path / "cache").rename(tmp_path / "moved")
    assert tree.installed(tmp_path / "moved", 27) is None


@pytest.mark.parametrize("content", [b"", b"{", b'{"release": "x"}'])
def test_a_tree_without_a_whole_manifest_does_not_count(tmp_path: Path, content: bytes) -> None:
    """The manifest is written last: without it an install was interrupted."""
    folder = put_tree(tmp_path / "cache", 27)
    (folder / "manifest.json").write_bytes(content)
    assert tree.installed(tmp_path / "cache", 27) is None


def test_a_cache_where_no_vm_would_run_is_refused(tmp_path: Path) -> None:
    """Some characters end a library path or a word of a script."""
    asked = RuntimeOptions(cache_dir=tmp_path / "a:b")
    (found,) = find(27, way="debian", options=asked)
    assert "BEAMPROOF_CACHE" in (found.reason or "")


@pytest.mark.usefixtures("fake_engine")
def test_an_image_that_is_not_here_is_missing_when_offline(tmp_path: Path) -> None:
    """The user's image is never replaced by another."""
    with pytest.raises(RuntimeMissingError, match="the image mine:1 is not here"):
        find(27, way=AUTO, options=options(tmp_path, images=("mine:1",), offline=True))


def test_an_image_says_its_own_release(tmp_path: Path, fake_engine: FakeEngine) -> None:
    """The release is the VM's answer, kept by the image's id; others have the reason."""
    fake_engine.images["mine:1"] = image("sha256:7")
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "images.json").write_bytes(b'{"sha256:7": [26, "26.2.1"]}')
    asked = options(tmp_path, images=("mine:1",))
    (found,) = find(way=AUTO, options=asked)
    assert (found.release, found.runtime and found.runtime.origin) == (26, "mine:1")
    wanted = find(25, 26, way="docker", options=asked)
    assert wanted[0].reason == "docker: the image mine:1 holds OTP 26.2.1"
    assert wanted[1].runtime is not None


def test_an_image_is_of_no_use_on_another_way(tmp_path: Path) -> None:
    """Contradicting options are the user's mistake."""
    with pytest.raises(InputError, match="leave out --image"):
        find(27, way="host", options=options(tmp_path, images=("mine:1",)))


def test_an_unknown_way_is_refused(tmp_path: Path) -> None:
    """A way that does not exist is named with those that do."""
    with pytest.raises(InputError, match="auto, docker, host, debian, wheel"):
        find(27, way="podman", options=options(tmp_path))


def test_several_images_are_several_columns_also_of_one_release(
    tmp_path: Path, fake_engine: FakeEngine
) -> None:
    """Each is found, and names of one release are told apart by what was named."""
    fake_engine.images |= {"reg/app:1": image("sha256:7"), "reg/app:2": image("sha256:8")}
    fake_engine.images["other:1"] = image("sha256:9")
    (tmp_path / "cache").mkdir()
    known = b'{"sha256:7": [27, "27.1"], "sha256:8": [27, "27.2"], "sha256:9": [26, "26.2"]}'
    (tmp_path / "cache" / "images.json").write_bytes(known)
    asked = options(tmp_path, images=("reg/app:1", "other:1", "reg/app:2"))
    found = find(way=AUTO, options=asked)
    assert [item.name for item in found] == ["otp26", "otp27-app-1", "otp27-app-2"]
    assert [item.runtime and item.runtime.digest for item in found] == [
        "sha256:9",
        "sha256:7",
        "sha256:8",
    ]


def test_several_named_installs_of_one_release_are_several_columns(
    installs: Installs, tmp_path: Path
) -> None:
    """Nothing that was named is dropped; equal folder names are counted."""
    roots = (installs.make("a/otp", 27), installs.make("b/otp", 27), installs.make("c", 27))
    found = find(27, way="host", options=options(tmp_path, otp_roots=roots))
    assert [item.name for item in found] == ["otp27-otp", "otp27-otp-2", "otp27-c"]


def test_what_does_not_start_is_looked_for_on_the_next_way(
    installs: Installs, tmp_path: Path, fake_engine: FakeEngine
) -> None:
    """The reason stays; at the end of the ways it is what is said."""
    fake_engine.images["beamproof/otp:25"] = image()
    root = installs.make("a", 25)
    (found,) = find(25, way=AUTO, options=options(tmp_path, otp_roots=(root,), offline=True))
    assert found.runtime is not None
    assert found.otherwise is not None
    after = found.otherwise("it does not start")
    assert after.runtime is not None
    assert after.runtime.way == "host"
    assert after.otherwise is not None
    last = after.otherwise("neither does this")
    assert last.runtime is None
    for said in ("docker: it does not start", "host: neither does this", "debian: OTP 25 is not"):
        assert said in (last.reason or "")


def test_a_resumed_run_finds_its_runtimes_again_each_in_its_own_way(
    installs: Installs, tmp_path: Path, fake_engine: FakeEngine
) -> None:
    """Several ways in one run are no hindrance, and the names stay."""
    fake_engine.images["beamproof/otp:25"] = image("sha256:own")
    root = installs.make("a", 27)
    records = [
        RuntimeRecord(name="otp25", release=25, way="docker", origin="beamproof/otp:25"),
        RuntimeRecord(name="otp27-a", release=27, way="host", origin=str(root)),
        RuntimeRecord(name="otp26", release=26, way="host", origin=str(tmp_path / "gone")),
    ]
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "images.json").write_bytes(b'{"sha256:own": [25, "25.1"]}')
    found = resolve_recorded(records, options=options(tmp_path), progress=lambda _: None)
    assert [item.runtime and item.runtime.name for item in found] == ["otp25", "otp27-a", None]
    assert "has no bin/erl" in (found[2].reason or "")


@pytest.mark.parametrize("name", ["", "Has/UPPER", "a b", "x:"])
@pytest.mark.usefixtures("fake_engine")
def test_what_cannot_name_an_image_is_refused(tmp_path: Path, name: str) -> None:
    """The engine's own words for it would be no help."""
    with pytest.raises(InputError, match="--image"):
        find(27, way=AUTO, options=options(tmp_path, images=(name,)))


@pytest.mark.parametrize(
    "name", ["a", "a/b:1", "host.example:5000/a/b_c:v1.2", "a@sha256:" + "0" * 64]
)
def test_what_can_name_an_image_is_not(name: str) -> None:
    """Registries with ports, folders, tags and digests."""
    image_list.check_reference(name)


def test_a_damaged_tree_is_not_believed(tmp_path: Path) -> None:
    """One that was sealed is looked at each time; what only reading shows, `doctor` finds."""
    folder = put_tree(tmp_path / "cache", 27)
    (folder / "tree").mkdir()
    beam = folder / "tree" / "beam.smp"
    beam.write_bytes(b"code")
    there = tree.found(tmp_path / "cache", 27)
    assert there is not None
    sealed = msgspec.structs.replace(
        there.manifest,
        seal=files.seal(folder / "tree"),
        content=files.content_digest(folder / "tree"),
    )
    (folder / "manifest.json").write_bytes(msgspec.json.encode(sealed))
    whole = tree.installed(tmp_path / "cache", 27)
    assert whole is not None
    assert not tree.is_damaged(whole, thoroughly=True)
    times = beam.stat()
    beam.write_bytes(b"cod3")
    assert tree.installed(tmp_path / "cache", 27) is None
    os.utime(beam, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert tree.installed(tmp_path / "cache", 27) is not None
    assert tree.is_damaged(whole, thoroughly=True)
