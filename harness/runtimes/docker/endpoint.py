"""Where the container engine listens: what the user named, a context of Docker, known sockets.

Knows: variables, Docker's contexts, the sockets of engines (Docker, rootless Docker, Docker
Desktop, Colima, Rancher, podman). Must not know: whether anything answers there.

Source: docker(1) on contexts and DOCKER_HOST; podman-system-service(1).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from harness.errors import RuntimeMissingError

_PORTS = {"http": 2375, "https": 2376}
_DEFAULT_CONTEXT = "default"
_PEM = ("ca.pem", "cert.pem", "key.pem")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Name one place where an engine may listen.

    `address` is `unix://PATH`, `http://HOST:PORT` or `https://HOST:PORT`; `named` says who named
    it, empty for a socket that was only found; `certificates` is a folder with `ca.pem`,
    `cert.pem` and `key.pem`, `verify` whether the engine's own certificate is checked.
    """

    address: str
    named: str = ""
    certificates: Path | None = None
    verify: bool = True

    @property
    def path(self) -> str | None:
        """Return the path of a socket, None of another machine."""
        return self.address.removeprefix("unix://") if self.address.startswith("unix:") else None

    @property
    def host(self) -> tuple[str, int]:
        """Return host and port."""
        parts = urlsplit(self.address)
        return parts.hostname or "localhost", parts.port or _PORTS[parts.scheme]


class _ContextEndpoint(msgspec.Struct, frozen=True, rename="pascal"):
    host: str = ""
    skip_tls_verify: bool = msgspec.field(default=False, name="SkipTLSVerify")


class _Context(msgspec.Struct, frozen=True, rename="pascal"):
    endpoints: dict[str, _ContextEndpoint] = {}


class _Config(msgspec.Struct, frozen=True, rename="camel"):
    current_context: str = ""


def endpoints() -> tuple[Endpoint, ...]:
    """Return where an engine may listen, the likeliest first; what the user named stands alone.

    Raises:
        RuntimeMissingError: what the user named is no address, or there is no such context.
    """
    if named := os.environ.get("DOCKER_HOST"):
        return (_named(named, "DOCKER_HOST", _own_certificates(), verify=_verifies()),)
    context = os.environ.get("DOCKER_CONTEXT") or _current_context()
    if context and context != _DEFAULT_CONTEXT:
        return (_of_context(context),)
    if named := os.environ.get("CONTAINER_HOST"):
        return (_named(named, "CONTAINER_HOST", None, verify=True),)
    known = tuple(dict.fromkeys(_sockets()))
    return tuple(Endpoint(address=f"unix://{path}") for path in known if path.exists()) or (
        Endpoint(address=f"unix://{known[0]}"),
    )


def _sockets() -> Iterator[Path]:
    yield Path("/var/run/docker.sock")
    home = Path(os.environ.get("HOME") or "/nonexistent")
    running = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    yield Path(running, "docker.sock")
    yield home / ".docker/run/docker.sock"
    yield home / ".docker/desktop/docker.sock"
    yield home / ".colima/default/docker.sock"
    yield home / ".config/colima/default/docker.sock"
    yield home / ".rd/docker.sock"
    yield Path(running, "podman/podman.sock")
    yield Path("/run/podman/podman.sock")


def _named(address: str, by: str, certificates: Path | None, *, verify: bool) -> Endpoint:
    if address.startswith("/"):
        raise RuntimeMissingError(
            f"{by}={address} is a path and no address", hint=f"export {by}=unix://{address}"
        )
    scheme, _, rest = address.partition("://")
    if scheme == "unix" and rest:
        return Endpoint(address=address, named=by)
    if scheme == "ssh":
        raise RuntimeMissingError(
            f"{by}={address}: an engine is not spoken to through ssh itself",
            hint=f"ssh -nNT -L /tmp/engine.sock:/var/run/docker.sock {rest} &"
            f" export {by}=unix:///tmp/engine.sock",
        )
    if scheme not in {"tcp", "http", "https"}:
        raise RuntimeMissingError(
            f"{by}={address} is no address of an engine",
            hint="addresses begin with unix://, tcp://, http:// or https://",
        )
    web = "https" if scheme == "https" or certificates is not None else "http"
    found = Endpoint(
        address=f"{web}://{rest.rstrip('/')}", named=by, certificates=certificates, verify=verify
    )
    try:
        found.host  # noqa: B018 - a port that is none is found by looking
    except ValueError as error:
        raise RuntimeMissingError(
            f"{by}={address} is no address of an engine: {error}", hint=f"correct {by}, or unset it"
        ) from error
    return found


def _verifies() -> bool:
    return bool(os.environ.get("DOCKER_TLS_VERIFY"))


def _own_certificates() -> Path | None:
    """Return the folder of the certificates where TLS is asked for."""
    named = os.environ.get("DOCKER_CERT_PATH")
    if not _verifies() and not named:
        return None
    return Path(named) if named else _docker_folder()


def _docker_folder() -> Path:
    named = os.environ.get("DOCKER_CONFIG")
    return Path(named) if named else Path(os.environ.get("HOME") or "/nonexistent") / ".docker"


def _current_context() -> str:
    try:
        content = (_docker_folder() / "config.json").read_bytes()
        return msgspec.json.decode(content, type=_Config).current_context
    except (OSError, msgspec.DecodeError):
        return ""


def _of_context(name: str) -> Endpoint:
    folder = _docker_folder() / "contexts"
    number = hashlib.sha256(name.encode()).hexdigest()
    try:
        content = (folder / "meta" / number / "meta.json").read_bytes()
        found = msgspec.json.decode(content, type=_Context).endpoints["docker"]
    except (OSError, msgspec.DecodeError, KeyError) as error:
        raise RuntimeMissingError(
            f"Docker's current context is {name!r}, and there is no such context",
            hint="docker context use default",
        ) from error
    tls = folder / "tls" / number / "docker"
    return _named(
        found.host,
        f"the context {name}",
        tls if any((tls / pem).exists() for pem in _PEM) else None,
        verify=not found.skip_tls_verify,
    )
