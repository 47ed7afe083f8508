"""What a VM's compiler makes of a source: its code or why not, and the name it is kept under.

Knows: builds, sources, who can compile. Must not know: where sources and code are kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

import msgspec

from harness.collect import called
from harness.collect.called import Called
from harness.errors import CompileError, ProtocolError
from harness.run.model import Build

_FORMAT = b"2"  # part of every key: changes with the compiler options of probe_bridge:compile/2
_KEY_CHARS = 24


class Compiled(msgspec.Struct, frozen=True, kw_only=True):
    """Hold what a VM made of one source: its code and warnings, or the compiler's errors.

    `called` says what each function of it calls, by `function/arity`.
    """

    beam: bytes | None = None
    errors: str | None = None
    warnings: str = ""
    called: dict[str, Called] = {}


ModuleText = tuple[str, bytes]
"""A module's name and its text."""


class CompilesProbes(Protocol):
    """Be a node whose runtime can compile; see `harness.node.Node`."""

    @property
    def build(self) -> Build:
        """Return who the VM is."""

    def compile(self, sources: Sequence[ModuleText]) -> Sequence[Compiled]:
        """Compile sources on one VM of the same runtime that runs no probes, in their order."""


Elsewhere = Callable[[int], CompilesProbes]
"""Return a node with a compiler whose code a release can load.

Raises:
    InfrastructureError: there is none.
"""


def digest_of(text: bytes) -> str:
    """Return the part of a key that says which text was compiled, and with which options."""
    return hashlib.sha256(_FORMAT + text).hexdigest()[:_KEY_CHARS]


def key_of(build: Build, source: ModuleText) -> str:
    """Return the name under which the code of a source is kept."""
    module, text = source
    return f"{module}-{build_key(build)}-{digest_of(text)}"


def build_key(build: Build) -> str:
    """Return the part of a key that says whose compiler it was."""
    return f"{build.otp_version}-{build.erts_version}-{build.wordsize_bytes * 8}"


def beam_of(module: str, compiled: Compiled) -> bytes:
    """Return the code of a module.

    Raises:
        CompileError: the compiler refused it.
    """
    if compiled.beam is None:
        raise CompileError(f"{module} does not compile on {compiled.errors}")
    return compiled.beam


def examined(compiled: Compiled, build: Build) -> Compiled:
    """Note what the code calls; what the compiler said names its release."""
    named = f"OTP {build.otp_version}:\n"
    if compiled.beam is None:
        return msgspec.structs.replace(compiled, errors=f"{named}{compiled.errors}")
    calls: dict[str, Called] = {}
    with suppress(ValueError, ProtocolError):  # then nothing is known to be missing
        calls = dict(called.read(compiled.beam))
    warnings = compiled.warnings and f"{named}{compiled.warnings}"
    return msgspec.structs.replace(compiled, called=calls, warnings=warnings)
