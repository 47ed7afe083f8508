"""The container engine: where it listens, whether it answers, and a client for it.

Knows: sockets and the engine's `ping`. Must not know: images or containers.

The question whether an engine answers is asked without the `docker` package, whose import alone
costs more than a whole start of a VM.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from harness.errors import RuntimeMissingError

if TYPE_CHECKING:
    from docker.api.client import APIClient

PING_TIMEOUT_S = 2.0
CALL_TIMEOUT_S = 60
"""How long the engine may take for anything but an attached stream, which has no limit."""

_DEFAULT_PORT = 2375
_DEFAULT_SOCKET = Path("/var/run/docker.sock")


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineState:
    """Say whether an engine answers at `address`, and why not."""

    address: str
    answers: bool
    reason: str = ""


@cache
def state() -> EngineState:
    """Ask the engine whether it is there, once a process.

    Returns:
        The state; `reason` says what to do when it does not answer.
    """
    address = _address()
    scheme = urlsplit(address).scheme
    if scheme not in {"unix", "tcp", "http", "https"}:
        return EngineState(address=address, answers=True)  # the docker package will see
    try:
        _ping(address)
    except PermissionError:
        reason = f"this user may not use the engine's socket {address}"
        return EngineState(address=address, answers=False, reason=reason)
    except FileNotFoundError:
        reason = "no container engine is running here (no socket at " + address + ")"
        return EngineState(address=address, answers=False, reason=reason)
    except OSError as error:
        reason = f"the container engine at {address} does not answer: {error.strerror or error}"
        return EngineState(address=address, answers=False, reason=reason)
    return EngineState(address=address, answers=True)


@cache
def client() -> APIClient:
    """Return the client that all containers of this process share.

    Raises:
        RuntimeMissingError: no engine answers.
    """
    found = _required()
    from docker.api.client import APIClient  # noqa: PLC0415 - a quarter of a second, paid when used
    from docker.errors import DockerException  # noqa: PLC0415
    from docker.utils import kwargs_from_env  # noqa: PLC0415

    settings = kwargs_from_env()
    settings.setdefault("base_url", found.address)
    try:
        return APIClient(version="auto", timeout=CALL_TIMEOUT_S, **settings)
    except DockerException as error:
        raise RuntimeMissingError(
            f"the container engine at {found.address} does not answer: {error}",
            hint="beamproof doctor says how to start one",
        ) from error


def get(path: str, *, timeout_s: float = CALL_TIMEOUT_S) -> tuple[int, bytes]:
    """Ask the engine for a path of its API, without the docker package where that can be.

    Returns:
        The HTTP status and the answer's body.

    Raises:
        RuntimeMissingError: no engine answers.
        OSError: it fails to answer.
    """
    address = _required().address
    if urlsplit(address).scheme not in {"unix", "tcp", "http"} or _with_tls():
        response = client().get(f"{client().base_url}{path}", timeout=timeout_s)
        return response.status_code, response.content
    with _connect(address) as connection:
        connection.settimeout(timeout_s)
        head, _, body = _exchange(connection, path).partition(b"\r\n\r\n")
    return int(head.split(maxsplit=2)[1]), body


def _required() -> EngineState:
    found = state()
    if not found.answers:
        raise RuntimeMissingError(found.reason, hint="beamproof doctor says how to start one")
    return found


def _address() -> str:
    if named := os.environ.get("DOCKER_HOST"):
        return named
    rootless = Path(os.environ.get("XDG_RUNTIME_DIR", "/nonexistent")) / "docker.sock"
    if not _DEFAULT_SOCKET.exists() and rootless.exists():
        return f"unix://{rootless}"
    return f"unix://{_DEFAULT_SOCKET}"


def _ping(address: str) -> None:
    """Make the engine answer; with TLS a connection is all that is asked."""
    with _connect(address) as connection:
        if not _with_tls() and urlsplit(address).scheme != "https":
            _exchange(connection, "/_ping")


def _with_tls() -> bool:
    return bool(os.environ.get("DOCKER_TLS_VERIFY"))


def _connect(address: str) -> socket.socket:
    parts = urlsplit(address)
    if parts.scheme != "unix":
        host = (parts.hostname or "localhost", parts.port or _DEFAULT_PORT)
        return socket.create_connection(host, PING_TIMEOUT_S)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(PING_TIMEOUT_S)
    try:
        connection.connect(parts.path)
    except BaseException:
        connection.close()
        raise
    return connection


def _exchange(connection: socket.socket, path: str) -> bytes:
    """Send one request as HTTP/1.0, which has no chunks and ends with the connection."""
    connection.sendall(f"GET {path} HTTP/1.0\r\nHost: engine\r\n\r\n".encode())
    answer = bytearray()
    while data := connection.recv(1 << 16):
        answer += data
    if not answer.startswith(b"HTTP/1."):
        raise OSError(0, "what listens there is no container engine")
    return bytes(answer)
