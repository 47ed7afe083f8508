"""The container engine: whether it answers, and a client for it.

Knows: HTTP over sockets and the engine's `ping`. Must not know: images or containers, or where
engines listen (`endpoint`).

The question whether an engine answers is asked without the `docker` package, whose import alone
costs more than a whole start of a VM; everything else goes the same way to the same place.
"""

from __future__ import annotations

import http.client
import socket
import ssl
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from harness.errors import RuntimeMissingError
from harness.runtimes.docker import patience
from harness.runtimes.docker.endpoint import Endpoint, endpoints

if TYPE_CHECKING:
    from docker.api.client import APIClient

PING_TIMEOUT_S = 2.0
CALL_TIMEOUT_S = 60
"""How long the engine may take for anything but an attached stream, which has no limit."""

_NEWEST_API = (1, 44)
"""The newest version of the engine's API that is spoken to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineState:
    """Say whether an engine answers at `address`, why not, and what would mend that."""

    address: str
    answers: bool
    reason: str = ""
    mend: str = ""
    endpoint: Endpoint | None = None
    api: str = ""


@cache
def state() -> EngineState:
    """Ask the engine whether it is there, once a process.

    Returns:
        The state of the first place where one answers; else of the first where one may.
    """
    try:
        places = endpoints()
    except RuntimeMissingError as error:
        return EngineState(address="", answers=False, reason=error.message, mend=error.hint or "")
    states = []
    for place in places:
        states.append(_state_of(place))
        if states[-1].answers:
            return states[-1]
    return states[0]


@cache
def client() -> APIClient:
    """Return the client that all containers of this process share.

    Raises:
        RuntimeMissingError: no engine answers.
    """
    return _client(CALL_TIMEOUT_S)


def get(path: str, *, timeout_s: float = CALL_TIMEOUT_S) -> tuple[int, bytes]:
    """Ask the engine for a path of its API, without the docker package.

    Returns:
        The HTTP status and the answer's body.

    Raises:
        RuntimeMissingError: no engine answers.
        OSError: it fails to answer.
    """
    place = _required()[1]
    status, body, _ = patience.ask(lambda: _ask(place, path, timeout_s))
    return status, body


def _client(timeout_s: int) -> APIClient:
    found, place = _required()
    from docker.api.client import APIClient  # noqa: PLC0415 - a quarter of a second, paid when used
    from docker.errors import DockerException  # noqa: PLC0415
    from docker.tls import TLSConfig  # noqa: PLC0415

    tls = None
    if (folder := place.certificates) is not None:
        tls = TLSConfig(
            client_cert=(str(folder / "cert.pem"), str(folder / "key.pem")),
            ca_cert=str(folder / "ca.pem"),
            verify=place.verify,
        )
    try:
        made = APIClient(
            base_url=place.address, version=found.api, timeout=timeout_s, tls=tls or False
        )
    except DockerException as error:
        raise RuntimeMissingError(
            f"the container engine at {found.address} does not answer: {error}",
            hint="beamproof doctor says how to start one",
        ) from error
    made.trust_env = False  # a proxy is for registries, which the engine asks; not for the engine
    return made


def _state_of(place: Endpoint) -> EngineState:
    address = place.address
    mend = f"correct {place.named}, or unset it" if place.named else ""
    try:
        api = patience.ask(lambda: _ping(place))
    except PermissionError:
        reason = f"this user may not use the engine's socket {address}"
        mend = 'sudo usermod -aG docker "$USER", then log in again'
    except FileNotFoundError as error:
        missing = (
            f"no socket at {address}" if place.path else f"no {error.filename or 'certificate'}"
        )
        reason = f"no container engine is running here ({missing})"
    except OSError as error:
        said = error.strerror or error
        reason = f"the container engine at {address} does not answer: {said}"
    else:
        return EngineState(address=address, answers=True, endpoint=place, api=_api(api))
    return EngineState(address=address, answers=False, reason=reason, mend=mend)


def _ping(place: Endpoint) -> str:
    """Make the engine answer, and return the version of its API."""
    status, _, api = _ask(place, "/_ping", PING_TIMEOUT_S)
    if status != http.client.OK:
        raise OSError(0, "what listens there is no container engine")
    return api


def _required() -> tuple[EngineState, Endpoint]:
    found = state()
    if found.endpoint is None:
        raise RuntimeMissingError(found.reason, hint="beamproof doctor says how to start one")
    return found, found.endpoint


def _api(told: str) -> str:
    """Return the version of the API to speak: the engine's own, up to what is known here."""
    major, _, minor = told.partition(".")
    if not (major.isdecimal() and minor.isdecimal()):
        return ".".join(map(str, _NEWEST_API))
    return ".".join(map(str, min((int(major), int(minor)), _NEWEST_API)))


def _ask(place: Endpoint, path: str, timeout_s: float) -> tuple[int, bytes, str]:
    """Return status and body of one request, and the version of the API that the engine tells."""
    connection = _connection(place, timeout_s)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.getheader("Api-Version", "")
    except http.client.HTTPException as error:
        raise OSError(0, f"what listens there is no container engine ({error!r})") from error
    finally:
        connection.close()


def _connection(place: Endpoint, timeout_s: float) -> http.client.HTTPConnection:
    if place.path is not None:
        return _SocketConnection(place.path, timeout_s)
    host, port = place.host
    if not place.address.startswith("https:"):
        return http.client.HTTPConnection(host, port, timeout=timeout_s)
    context = ssl.create_default_context()
    if (folder := place.certificates) is not None:
        context.load_verify_locations(folder / "ca.pem")
        context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    if not place.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(host, port, timeout=timeout_s, context=context)


class _SocketConnection(http.client.HTTPConnection):
    """Speak HTTP over a socket of this machine."""

    def __init__(self, path: str, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        """Open the socket."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)
