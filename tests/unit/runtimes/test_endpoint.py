"""Where an engine may listen: variables, contexts, sockets."""

from __future__ import annotations

import hashlib
import json
import socket
from pathlib import Path

import pytest
from support.runtime_fakes import FakeEngine

from harness.errors import RuntimeMissingError
from harness.runtimes.docker import engine
from harness.runtimes.docker.endpoint import Endpoint, endpoints


@pytest.fixture(autouse=True)
def nothing_named(own_surroundings: None, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    """Give each test a machine on which nobody named an engine."""
    monkeypatch.delenv("DOCKER_HOST")


def listen(path: Path) -> socket.socket:
    path.parent.mkdir(parents=True, exist_ok=True)
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(path))
    return listening


def use_context(home: Path, name: str, host: str) -> Path:
    """Make a context of Docker and use it; return the folder of its certificates."""
    number = hashlib.sha256(name.encode()).hexdigest()
    docker = home / ".docker"
    meta = docker / "contexts" / "meta" / number / "meta.json"
    meta.parent.mkdir(parents=True)
    meta.write_text(json.dumps({"Name": name, "Endpoints": {"docker": {"Host": host}}}))
    (docker / "config.json").write_text(json.dumps({"currentContext": name, "auths": {}}))
    return docker / "contexts" / "tls" / number / "docker"


@pytest.mark.parametrize(
    ("named", "address", "host"),
    [
        ("unix:///a/b.sock", "unix:///a/b.sock", None),
        ("tcp://10.0.0.1:2375", "http://10.0.0.1:2375", ("10.0.0.1", 2375)),
        ("tcp://engine", "http://engine", ("engine", 2375)),
        ("https://engine:9", "https://engine:9", ("engine", 9)),
        ("tcp://[::1]:99", "http://[::1]:99", ("::1", 99)),
    ],
)
@pytest.mark.parametrize("by", ["DOCKER_HOST", "CONTAINER_HOST"])
def test_what_is_named_is_asked(
    monkeypatch: pytest.MonkeyPatch, by: str, named: str, address: str, host: object
) -> None:
    """Docker's variable and podman's, sockets and other machines."""
    monkeypatch.setenv(by, named)
    (found,) = endpoints()
    assert (found.address, found.named) == (address, by)
    assert host is None or found.host == host


@pytest.mark.parametrize(
    ("named", "said", "mend"),
    [
        ("/var/run/docker.sock", "is a path", "DOCKER_HOST=unix:///var/run/docker.sock"),
        ("ssh://root@127.0.0.1", "through ssh", "ssh -nNT -L"),
        ("npipe:////./pipe/x", "no address", "begin with unix://"),
        ("tcp://127.0.0.1:99999", "no address", "correct DOCKER_HOST"),
        ("tcp://127.0.0.1:abc", "no address", "correct DOCKER_HOST"),
        ("tcp://[::1", "no address", "correct DOCKER_HOST"),
        ("nonsense", "no address", "begin with unix://"),
    ],
)
def test_what_is_no_address_is_told_with_what_mends_it(
    monkeypatch: pytest.MonkeyPatch, named: str, said: str, mend: str
) -> None:
    """One sentence and the next step, wherever the engine is asked for."""
    monkeypatch.setenv("DOCKER_HOST", named)
    with pytest.raises(RuntimeMissingError, match=said):
        endpoints()
    state = engine.state()
    assert not state.answers
    assert said in state.reason
    assert mend in state.mend


def test_tls_is_asked_for_with_its_certificates(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Docker's three variables belong together."""
    monkeypatch.setenv("DOCKER_HOST", "tcp://engine")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
    assert endpoints() == (
        Endpoint(address="https://engine", named="DOCKER_HOST", certificates=tmp_path),
    )
    assert endpoints()[0].host == ("engine", 2376)
    assert "ca.pem" in engine.state().reason or "no" in engine.state().reason


def test_the_current_context_of_docker_is_used(tmp_path: Path) -> None:
    """As the command `docker` does; with the certificates that belong to it."""
    tls = use_context(tmp_path / "home", "colima", "unix:///colima.sock")
    (found,) = endpoints()
    assert (found.address, found.named) == ("unix:///colima.sock", "the context colima")
    assert found.certificates is None
    use_context(tmp_path / "home", "far", "tcp://far:9")
    tls = tls.parents[1] / hashlib.sha256(b"far").hexdigest() / "docker"
    tls.mkdir(parents=True)
    (tls / "ca.pem").write_text("")
    assert endpoints()[0].certificates == tls


def test_a_context_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no silent fall back on another engine."""
    monkeypatch.setenv("DOCKER_CONTEXT", "gone")
    with pytest.raises(RuntimeMissingError, match="'gone', and there is no such context"):
        endpoints()


@pytest.mark.parametrize(
    "socket_of", [".docker/run/docker.sock", ".colima/default/docker.sock", ".rd/docker.sock"]
)
def test_sockets_of_other_engines_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, socket_of: str
) -> None:
    """Docker Desktop, Colima, Rancher: nobody has to name them."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(home)
    with listen(Path(socket_of)):
        assert f"unix://{home / socket_of}" in [place.address for place in endpoints()]


def test_rootless_engines_and_podman_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Below the user's own folder of running things; Docker before podman."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with listen(Path("podman/podman.sock")), listen(Path("docker.sock")):
        addresses = [place.address for place in endpoints()]
    ours = [one for one in addresses if str(tmp_path) in one]
    assert ours == [f"unix://{tmp_path}/docker.sock", f"unix://{tmp_path}/podman/podman.sock"]


def test_the_first_that_answers_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket that nobody serves any more is passed over."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    listen(Path("docker.sock")).close()
    Path("podman").mkdir()
    serving = FakeEngine(Path("podman/podman.sock"), {})
    try:
        state = engine.state()
    finally:
        serving.close()
    assert state.answers
    assert state.address.endswith("podman.sock")
