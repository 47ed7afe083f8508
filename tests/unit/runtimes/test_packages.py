"""Packages come from the mirror that apt uses, and only if the archive signed them."""

import shutil
from pathlib import Path

import pytest

from harness.errors import InfrastructureError, RuntimeMissingError, SignatureRefusedError
from harness.runtimes.debian import apt, mirror

REPOSITORY = Path(__file__).parent / "repository"
WANTED = apt.Wanted(closure=("erlang-base",), alone=("erlang-common-test",))

needs_apt = pytest.mark.skipif(shutil.which("apt-get") is None, reason="this machine has no apt")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a copy of the tests' repository, to be damaged."""
    return Path(shutil.copytree(REPOSITORY, tmp_path / "repository"))


def fetch(
    repository: Path, folder: Path, *, key: str = "archive", suite: str = "bookworm"
) -> tuple[str, ...]:
    named = repository.parent / f"Schlüssel ({key}).gpg"  # a home may be called anything
    shutil.copy(REPOSITORY / f"{key}.gpg", named)
    source = mirror.Source(mirror=f"file:{repository}", keyring=named)
    made = folder / "apt"
    fetched = apt.fetch(suite, source, made, progress=lambda _: None, wanted=WANTED)
    return tuple(path.name.partition("_")[0] for path in fetched)


@needs_apt
def test_a_signed_repository_gives_the_packages_and_what_they_link_to(
    repository: Path, tmp_path: Path
) -> None:
    """Dependencies come along, except those that are only administration or a desktop."""
    fetched = fetch(repository, tmp_path)
    assert fetched == ("beam-library", "erlang-base", "erlang-common-test")


@needs_apt
def test_another_keys_signature_is_refused(repository: Path, tmp_path: Path) -> None:
    """A mirror signed by a stranger gives nothing, and the message says why."""
    with pytest.raises(SignatureRefusedError, match="did not sign") as caught:
        fetch(repository, tmp_path, key="stranger")
    assert caught.value.exit_code == 5
    assert "debian-archive-keyring" in str(caught.value)
    assert not list((tmp_path / "apt" / "archives").glob("*.deb"))


@needs_apt
def test_a_changed_index_is_refused(repository: Path, tmp_path: Path) -> None:
    """One changed letter in the signed text is enough."""
    signed = repository / "dists/bookworm/InRelease"
    signed.write_text(signed.read_text().replace("Label: tests", "Label: testz"))
    with pytest.raises(SignatureRefusedError):
        fetch(repository, tmp_path)


@needs_apt
def test_an_unsigned_index_is_refused(repository: Path, tmp_path: Path) -> None:
    """A mirror cannot leave the signature out, whatever the host's apt would allow."""
    signed = repository / "dists/bookworm/InRelease"
    text = signed.read_text().split("\n\n", 1)[1].split("-----BEGIN")[0]
    (signed.parent / "Release").write_text(text)
    signed.unlink()
    with pytest.raises(RuntimeMissingError):
        fetch(repository, tmp_path)
    assert not list((tmp_path / "apt" / "archives").glob("*.deb"))


@needs_apt
def test_a_changed_list_of_packages_is_refused(repository: Path, tmp_path: Path) -> None:
    """The signed index vouches for the list of packages."""
    for listed in repository.glob("dists/bookworm/main/*/Packages"):
        listed.write_text(listed.read_text().replace("25.0-1", "25.0-2", 1))
    with pytest.raises(SignatureRefusedError):
        fetch(repository, tmp_path)


@needs_apt
def test_a_changed_package_is_refused(repository: Path, tmp_path: Path) -> None:
    """The list of packages vouches for each of them."""
    package = repository / "pool/erlang-base_25.0-1_all.deb"
    content = bytearray(package.read_bytes())
    content[-10] ^= 1
    package.write_bytes(content)
    with pytest.raises(SignatureRefusedError):
        fetch(repository, tmp_path)


@needs_apt
def test_a_suite_that_the_mirror_lacks_is_told(repository: Path, tmp_path: Path) -> None:
    """A mirror without the suite is missing it, not broken."""
    with pytest.raises(RuntimeMissingError, match="does not have Debian trixie") as caught:
        fetch(repository, tmp_path, suite="trixie")
    assert "BEAMPROOF_DEBIAN_MIRROR" in str(caught.value)


@needs_apt
def test_a_package_that_the_mirror_lacks_is_told(repository: Path, tmp_path: Path) -> None:
    """A suite without one of the packages is told with the package's name."""
    source = mirror.Source(mirror=f"file:{repository}", keyring=REPOSITORY / "archive.gpg")
    wanted = apt.Wanted(closure=("erlang-nothing",), alone=())
    with pytest.raises(RuntimeMissingError, match="erlang-nothing"):
        apt.fetch("bookworm", source, tmp_path / "apt", progress=lambda _: None, wanted=wanted)


@needs_apt
def test_a_mirror_that_does_not_answer_is_infrastructure(tmp_path: Path) -> None:
    """Nobody listening is worth another try, not a missing release."""
    source = mirror.Source(mirror="http://127.0.0.1:9/debian", keyring=REPOSITORY / "archive.gpg")
    with pytest.raises(InfrastructureError, match="could not fetch"):
        apt.fetch("bookworm", source, tmp_path / "apt", progress=lambda _: None)


def test_the_mirror_is_the_likeliest_of_debians_main_archive() -> None:
    """Security archives, other distributions and vendors' repositories are passed over."""
    listed = """
m:security/|bookworm-security|main
m:ubuntu/|noble|main
m:vendor/|stable|main
m:vendor/prod/|bookworm|main
m:other/debian/|bookworm|contrib
m:first/debian/|trixie|main
m:second/debian/|stable|main
m:first/debian/|bookworm|main
"""
    assert mirror.debian_mirrors(listed) == (
        "m:first/debian/",
        "m:second/debian/",
        "m:vendor/prod/",
    )


@needs_apt
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.list", "deb [arch=amd64 signed-by=/k.gpg] copy:/m/debian bookworm main contrib\n"),
        ("a.sources", "Types: deb\nURIs: copy:/m/debian\nSuites: trixie\nComponents: main\n"),
    ],
)
def test_both_forms_of_apts_sources_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: str
) -> None:
    """The one-line form and deb822 both name the mirror."""
    _use_sources(tmp_path, monkeypatch, name, content)
    monkeypatch.setenv("BEAMPROOF_DEBIAN_KEYRING", str(REPOSITORY / "archive.gpg"))
    assert mirror.find_source().mirror == "copy:/m/debian/"


@needs_apt
def test_a_host_without_a_debian_mirror_is_told_what_to_give(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On Ubuntu the user names mirror and keyring."""
    content = "deb copy:/m/ubuntu noble main universe\n"
    _use_sources(tmp_path, monkeypatch, "a.list", content)
    with pytest.raises(RuntimeMissingError, match="knows no Debian mirror") as caught:
        mirror.find_source()
    assert "BEAMPROOF_DEBIAN_MIRROR" in str(caught.value)
    assert "BEAMPROOF_DEBIAN_KEYRING" in str(caught.value)


@needs_apt
def test_a_keyring_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt keyring is named in the message."""
    monkeypatch.setenv("BEAMPROOF_DEBIAN_MIRROR", "copy:/m/debian")
    monkeypatch.setenv("BEAMPROOF_DEBIAN_KEYRING", "/nowhere.gpg")
    with pytest.raises(RuntimeMissingError, match=r"/nowhere\.gpg"):
        mirror.find_source()


def test_a_machine_without_apt_is_told_of_the_other_ways(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without apt the docker and host ways remain."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeMissingError, match="no apt-get") as caught:
        mirror.find_source()
    assert "docker" in str(caught.value)


def _use_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: str) -> None:
    parts = tmp_path / "sources.list.d"
    parts.mkdir()
    (parts / name).write_text(content)
    settings = tmp_path / "apt.conf"
    settings.write_text(
        f'Dir::Etc::sourcelist "/dev/null";\nDir::Etc::sourceparts "{parts}";\n'
        f'Dir::State::lists "{tmp_path}";\n'
    )
    monkeypatch.setenv("APT_CONFIG", str(settings))
