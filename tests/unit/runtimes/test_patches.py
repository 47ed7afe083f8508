"""Patch releases: which can be had, from where, and what is said of those that cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.runtime_fakes import FakeEngine, Installs

from harness.errors import InputError
from harness.run.model import RuntimeRecord
from harness.runtimes import AUTO, Resolved, RuntimeOptions, resolve, wanted
from harness.runtimes.docker import tags
from harness.runtimes.model import ListedImage
from harness.runtimes.resolve import resolve_recorded


def find(text: str, tmp_path: Path, way: str = AUTO, **given: Any) -> tuple[Resolved, ...]:
    options = RuntimeOptions(cache_dir=tmp_path / "cache", offline=True, **given)
    asked = wanted.parse(text) if text else ()
    return resolve(asked, way=way, options=options, progress=lambda _: None)


def image(identity: str, label: str | None = None) -> dict[str, Any]:
    labels = {"beamproof.otp": label} if label else None
    return {"Id": identity, "RepoDigests": [], "Config": {"Labels": labels}}


def test_installs_are_chosen_by_their_full_version(installs: Installs, tmp_path: Path) -> None:
    """Two of one release are two columns, in the order of versions."""
    made = ("27.3.4.10", "27.3.4.9", "27.1", "26.2")
    roots = tuple(installs.make(version, int(version[:2]), version) for version in made)
    found = find("27.3.*", tmp_path, "host", otp_roots=roots)
    assert [item.name for item in found] == ["otp27.3.4.9", "otp27.3.4.10"]
    assert [item.runtime and item.runtime.digest for item in found] == ["27.3.4.9", "27.3.4.10"]
    found = find("27.1,27.3.4.9", tmp_path, "host", otp_roots=roots)
    assert [item.name for item in found] == ["otp27.1", "otp27.3.4.9"]


def test_a_version_asked_for_twice_is_one_column(installs: Installs, tmp_path: Path) -> None:
    """By a range and by its name."""
    roots = (installs.make("a", 27, "27.1"), installs.make("b", 27, "27.2"))
    found = find("27.*,27.1,26.2-27.1", tmp_path, "host", otp_roots=roots)
    assert sorted(item.name for item in found) == ["otp27.1", "otp27.2"]


def test_several_installs_of_one_version_are_set_apart(installs: Installs, tmp_path: Path) -> None:
    """As several of one release are."""
    roots = (installs.make("glibc", 27, "27.1"), installs.make("musl", 27, "27.1"))
    found = find("27.1", tmp_path, "host", otp_roots=roots)
    assert [item.name for item in found] == ["otp27.1-glibc", "otp27.1-musl"]


def test_one_that_cannot_be_had_names_what_is_near(installs: Installs, tmp_path: Path) -> None:
    """Older and newer ones, by version."""
    made = ("26.2", "27.0", "27.1", "27.3.4.9", "27.3.4.10", "28.0")
    roots = tuple(installs.make(version, int(version[:2]), version) for version in made)
    (found,) = find("27.2.1", tmp_path, "host", otp_roots=roots)
    assert (found.runtime, found.name, found.asked) == (None, "otp27.2.1", "OTP 27.2.1")
    assert "near it there are 27.0, 27.1, 27.3.4.9, 27.3.4.10" in (found.reason or "")
    (found,) = find("25.*", tmp_path, "host", otp_roots=roots)
    assert "nothing here is 25.*; near it there are 26.2, 27.0" in (found.reason or "")


def test_one_that_could_be_fetched_says_how(tmp_path: Path, monkeypatch: Any) -> None:
    """Which patch release a distribution has is known once it is here."""
    monkeypatch.setattr("harness.runtimes.debian.mirror.is_known", lambda: True)
    (found,) = find("27.9", tmp_path)
    assert "there is no patch release at all" in (found.reason or "")
    assert "beamproof otp install 27 fetches one of OTP 27 (debian)" in (found.reason or "")


def test_tags_of_the_official_repository_are_patch_releases(
    tmp_path: Path, fake_engine: FakeEngine
) -> None:
    """The slim image of each; what is not named after OTP is left alone."""
    for number, tag in enumerate(
        ("erlang:27.1.2-alpine", "erlang:27.1.2-slim", "erlang:27.1.2", "erlang:27.1",
         "erlang:27-slim", "library/erlang:26.2.5", "team/app:27.1.9", "erlang:latest")
    ):  # fmt: skip
        fake_engine.images[tag] = image(f"sha256:{number}")
    fake_engine.images["beamproof/otp:27"] = image("sha256:own", "27.3.4.1")
    found = find("26.0-28", tmp_path)
    assert [(item.name, item.runtime and item.runtime.origin) for item in found] == [
        ("otp26.2.5", "library/erlang:26.2.5"),
        ("otp27.1", "erlang:27.1"),
        ("otp27.1.2", "erlang:27.1.2-slim"),
        ("otp27.3.4.1", "beamproof/otp:27"),
    ]


def test_the_next_way_has_it_where_the_first_does_not_start(
    installs: Installs, tmp_path: Path, fake_engine: FakeEngine
) -> None:
    """Of one version the image comes first, then the install."""
    fake_engine.images["erlang:27.1-slim"] = image("sha256:1")
    (found,) = find("27.1", tmp_path, otp_roots=())
    assert found.runtime is not None
    assert found.otherwise is None
    home = tmp_path / "home" / "kerl"
    home.mkdir(parents=True)
    installs.make("a", 27, "27.1").rename(home / "27.1")
    (found,) = find("27.1", tmp_path)
    assert found.runtime is not None
    assert found.runtime.way == "docker"
    assert found.otherwise is not None
    other = found.otherwise("it holds OTP 27.2")
    assert other.runtime is not None
    assert (other.name, other.runtime.way) == ("otp27.1", "host")


def test_a_list_of_images_is_chosen_from(tmp_path: Path, fake_engine: FakeEngine) -> None:
    """By the version of its line, or that of the tag; none is asked or pulled for the others."""
    fake_engine.images["registry.example/beam:1"] = image("sha256:1")
    listed = (
        ListedImage(reference="registry.example/beam:1", version="27.1.2"),
        ListedImage(reference="erlang:27.2-slim", version="27.2"),
    )
    (found,) = find("27.1.2", tmp_path, image_list=listed)
    assert found.runtime is not None
    assert (found.name, found.runtime.origin) == ("otp27.1.2", "registry.example/beam:1")
    (found,) = find("27.2", tmp_path, image_list=listed)
    assert found.reason == "docker: the image erlang:27.2-slim is not here"
    with pytest.raises(InputError, match="an image has no use on the host way"):
        find("27.2", tmp_path, "host", image_list=listed)


def test_a_release_comes_from_the_newest_of_the_list(
    tmp_path: Path, fake_engine: FakeEngine
) -> None:
    """As somebody who brings a list wants it used."""
    for name in ("a:1", "a:2"):
        fake_engine.images[name] = image(f"sha256:{name}")
    listed = (
        ListedImage(reference="a:1", version="27.3.4.10"),
        ListedImage(reference="a:2", version="27.3.4.9"),
    )
    (found,) = find("27", tmp_path, image_list=listed)
    assert found.runtime is not None
    assert (found.name, found.runtime.origin) == ("otp27", "a:1")


@pytest.mark.parametrize(
    ("reference", "version"),
    [
        ("erlang:27.3.4.1-slim", "27.3.4.1"),
        ("erlang:28.0-rc1-alpine", "28.0-rc1"),
        ("registry.example:5000/mirror/erlang:26.2", "26.2"),
        ("erlang:27-slim", ""),
        ("team/app:27.1", ""),
        ("erlang", ""),
    ],
)
def test_a_tag_says_a_version(reference: str, version: str) -> None:
    """Where the repository is about OTP and the tag goes to the patch."""
    assert tags.version_of(reference) == version


def test_a_list_is_read_line_by_line(tmp_path: Path) -> None:
    """Versions, images alone, comments and blank lines."""
    path = tmp_path / "images"
    path.write_text("# mine\n27.1.2 team/beam:a\n\nerlang:27.2-slim  # by its tag\nteam/beam:b\n")
    assert tags.read_list(path) == (
        ListedImage(reference="team/beam:a", version="27.1.2"),
        ListedImage(reference="erlang:27.2-slim", version="27.2"),
        ListedImage(reference="team/beam:b"),
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"27 erlang:27\n", r"images:1: '27' is no full version"),
        (b"\n27.1 a b\n", r"images:2: write VERSION IMAGE"),
        (b"27.1 Team/App:1\n", r"images:1: 'Team/App:1' cannot be the name of an image"),
        (b"# nothing\n", r"images is empty"),
        (b"\xff\xfe", r"is no text in UTF-8"),
    ],
)
def test_a_line_that_says_nothing_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    """With file and line."""
    path = tmp_path / "images"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        tags.read_list(path)
    with pytest.raises(InputError, match="No such file"):
        tags.read_list(tmp_path / "gone")


def test_a_resumed_run_finds_the_same_patch_release_again(
    installs: Installs, tmp_path: Path
) -> None:
    """By way and origin; the name stays, and with it what the VM must say."""
    root = installs.make("a", 27, "27.3.4.1")
    records = [
        RuntimeRecord(name="otp27.3.4.1", release=27, way="host", origin=str(root)),
        RuntimeRecord(name="otp27.3.4.1-b", release=27, way="host", origin=str(root)),
        RuntimeRecord(name="otp27.2", release=27, way="host", origin=str(tmp_path / "gone")),
    ]
    options = RuntimeOptions(cache_dir=tmp_path / "cache")
    found = resolve_recorded(records, options=options, progress=lambda _: None)
    assert [item.name for item in found] == ["otp27.3.4.1", "otp27.3.4.1-b", "otp27.2"]
    assert [item.runtime and item.runtime.version for item in found] == ["27.3.4.1"] * 2 + [None]


def test_without_an_engine_a_named_way_says_so(tmp_path: Path) -> None:
    """The reason is the engine's, as for a release."""
    (found,) = find("27.1", tmp_path, "docker")
    assert "no container engine" in (found.reason or "")
