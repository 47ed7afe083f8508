"""The docker way: VMs in containers that can do nothing but run a VM.

Knows: what a container of a VM may do, its name and its labels. Must not know: the bytes on its
attached stream (`docker_channel`) or where images come from (`images`).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from requests.exceptions import Timeout

from harness.bridge.boot import boot_command, shell_command
from harness.bridge.channel import Channel, Limits
from harness.errors import (
    BeamproofError,
    InfrastructureError,
    RuntimeMissingError,
    UnmetNeedError,
)
from harness.runtimes import vm
from harness.runtimes.docker import engine, options, patience
from harness.runtimes.docker.channel import DockerChannel
from harness.runtimes.docker.images import Image
from harness.runtimes.docker.options import SCRATCH
from harness.system import interruption, processes
from harness.system.retries import again

LABEL = "beamproof"
"""Label of every container that beamproof starts; its value is the version that did."""

OWNER_LABEL = "beamproof.owner"
"""Label that names the process whose container it is."""

PACKAGE_LABEL = "beamproof.package"
SUITE_LABEL = "beamproof.suite"
"""Labels of an imported image: the version of its package, and Debian's suite."""

USER = "65534:65534"
"""The user and group `nobody`, known to every distribution by this number."""

_ATTEMPTS = 3
_FIRST_WAIT_S = 0.2
_ASK_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class DockerLauncher:
    """Start VMs of one image, each in a container of its own."""

    image: Image

    def start(
        self, *, name: str, flags: Sequence[str], env: Mapping[str, str], limits: Limits
    ) -> Channel:
        """Start a VM that waits for its first frame.

        Raises:
            InfrastructureError: the engine does not start it, three times.
            RuntimeMissingError: the image is gone, or has no `sh`.
            UnmetNeedError: the engine does not hold a container to such CPUs.
        """
        settings = container_settings(
            name=name,
            image=self.image,
            command=boot_command("erl", flags, _names(self.image)),
            env=env,
            limits=limits,
        )
        return _start(name, settings)


def container_settings(
    *, name: str, image: Image, command: Sequence[str], env: Mapping[str, str], limits: Limits
) -> dict[str, Any]:
    """Return how a container is made, as the engine's API has it."""
    environment = {
        "HOME": SCRATCH,
        "TMPDIR": SCRATCH,
        "LANG": "C.UTF-8",
        **env,
        processes.MARK_VARIABLE: processes.mark(name),
    }
    return {
        "Image": image.id,
        "Entrypoint": list(command[:1]),
        "Cmd": list(command[1:]),
        "Env": [f"{key}={value}" for key, value in environment.items()],
        "User": USER,
        "WorkingDir": SCRATCH,
        "Hostname": "localhost",
        "Labels": {LABEL: _version(), OWNER_LABEL: processes.own()},
        "AttachStdin": True,
        "AttachStdout": True,
        "AttachStderr": True,
        "OpenStdin": True,
        "StdinOnce": True,
        "Tty": False,
        "NetworkDisabled": True,
        "HostConfig": options.host_settings(limits),
    }


def _start(name: str, settings: Mapping[str, Any]) -> Channel:
    """Start a container, again when the engine failed."""
    return again(
        lambda: start_container(name, settings),
        InfrastructureError,
        attempts=_ATTEMPTS,
        first_wait_s=_FIRST_WAIT_S,
    )


def start_container(name: str, settings: Mapping[str, Any]) -> Channel:
    """Create a container, attach to it, start it; nothing is left when one of these fails.

    Raises:
        InfrastructureError: the engine fails.
        RuntimeMissingError: the image is not there, or its command is not in it, or a signal came
            while the engine did not answer.
    """
    return patience.ask(lambda: _make(name, settings))


def _make(name: str, settings: Mapping[str, Any]) -> Channel:
    client = engine.client()
    made: list[Channel | None] = []  # empty: nothing of ours carries the name yet
    try:
        client.create_container_from_config(dict(settings), name)  # type: ignore[no-untyped-call]
        made.append(None)
        # attached before it starts: what a container prints before that goes nowhere
        made.append(channel := DockerChannel.attach(client, name))
        client.start(name)
    except ImageNotFound as error:
        raise RuntimeMissingError(f"the image {settings['Image']} is gone") from error
    except APIError as error:
        _undo(name, made)
        said = str(error.explanation or error)
        if (less := options.give_up(said, settings)) is not None:
            return _make(name, less)
        raise _refused(said, settings) from error
    except Timeout as error:  # three times a minute is no better than one
        _undo(name, made)
        raise RuntimeMissingError(
            f"the engine did not answer within {engine.CALL_TIMEOUT_S} s"
        ) from error
    except (DockerException, OSError) as error:
        _undo(name, made)
        raise InfrastructureError(f"the engine does not start a container: {error}") from error
    except BaseException:
        _undo(name, made)
        raise
    if interruption.came():  # nobody may be waiting for it any more
        _undo(name, made)
        raise RuntimeMissingError("the command was ended while a container started")
    return channel


def _refused(said: str, settings: Mapping[str, Any]) -> BeamproofError:
    if "executable file not found" in said or "no such file" in said:
        return RuntimeMissingError(f"the image has no {settings['Entrypoint'][0]}")
    if options.refused_cpus(said, settings):
        return UnmetNeedError(f"the engine does not give the CPUs that the claim needs: {said}")
    return InfrastructureError(f"the engine does not start a container: {said}")


def ask(image: Image) -> bytes:
    """Run the image's `erl` once and return what it printed for `vm.ASK`.

    Raises:
        InfrastructureError: the engine fails, or the VM does not end in time.
    """
    name = f"beamproof-ask-{processes.own().replace(':', '-')}-{time.monotonic_ns()}"
    asking = ["erl", "-noinput", "-noshell", "-eval", vm.ASK]
    command = shell_command('exec "$0" "$@" </dev/null', asking, _names(image))
    settings = container_settings(name=name, image=image, command=command, env={}, limits=Limits())
    channel = _start(name, settings)
    try:
        deadline = time.monotonic() + _ASK_TIMEOUT_S
        while channel.read(1 << 16, deadline):
            pass
        return channel.log()
    except TimeoutError as error:
        raise InfrastructureError(f"the erl of {image.reference} does not answer") from error
    finally:
        channel.kill()


def leftovers(*, everything: bool = False) -> tuple[str, ...]:
    """Return the containers whose owners have ended, by name; all labelled ones if told so.

    Raises:
        InfrastructureError: the engine fails.
    """
    try:
        found = engine.client().containers(all=True, filters={"label": LABEL})
    except (DockerException, OSError) as error:
        raise InfrastructureError(f"the engine does not list its containers: {error}") from error
    return tuple(
        sorted(
            container["Names"][0].lstrip("/")
            for container in found
            if everything or processes.is_gone(container["Labels"].get(OWNER_LABEL, ""))
        )
    )


def remove(name: str) -> None:
    """Remove a container whatever it does; one that is not there is as good.

    Raises:
        InfrastructureError: the engine fails to.
    """
    client = engine.client()
    try:
        patience.ask(lambda: client.remove_container(name, force=True, v=True))
    except NotFound:
        return
    except (DockerException, OSError) as error:
        raise InfrastructureError(f"the engine does not remove {name}: {error}") from error


def _names(image: Image) -> tuple[str, ...]:
    """Return the variables of the image that would change what a VM is, see `erlang_variables`."""
    return tuple(entry.partition("=")[0] for entry in image.erlang_variables)


def _undo(name: str, made: Sequence[Channel | None]) -> None:
    """Remove what was made before a start failed, and nothing that others made."""
    if not made:
        return
    channel = made[-1]
    if channel is not None:
        channel.kill()
        return
    patience.end(lambda: remove(name))  # the failure that led here is the one to tell


def _version() -> str:
    try:
        return version("beamproof")
    except PackageNotFoundError:
        return "source"
