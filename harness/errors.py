"""Every error a user can meet, each with the exit code of the command that met it.

Knows: what failed, what was probably meant, the next step. Must not know: how anything is printed.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Name the exit codes of the command line; a signal N exits with 128 + N."""

    CONFIRMED = 0
    REFUTED = 1
    INCONCLUSIVE = 2
    NOTHING_SELECTED = 3
    BAD_INPUT = 4
    RUNTIME_MISSING = 5
    FAILURE = 6
    DEFECT = 70
    INTERRUPTED = 130


class BeamproofError(Exception):
    """Stop the command with a message that says what failed and what to do next.

    Args:
        message: what failed, naming the file and the claim where there is one.
        hint: the next step, a command where there is one.
    """

    exit_code = ExitCode.FAILURE

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message}\n  {self.hint}"


class NothingSelectedError(BeamproofError):
    """Say that a selection matches no cell."""

    exit_code = ExitCode.NOTHING_SELECTED


class InputError(BeamproofError):
    """Say that an option, a claim file or a run file is wrong."""

    exit_code = ExitCode.BAD_INPUT


class ClaimError(InputError):
    """Say that a claim file is wrong, with its file and line."""


class RunFileError(InputError):
    """Say that a run file cannot be read, or not as what it was given for."""


class RuntimeMissingError(BeamproofError):
    """Say that a release cannot be had in the way that was asked for."""

    exit_code = ExitCode.RUNTIME_MISSING


class SignatureRefusedError(RuntimeMissingError):
    """Say that what a mirror gave is not what its archive signed; nothing of it was used."""


class InfrastructureError(BeamproofError):
    """Say that an engine, an image or the start of a VM failed: worth another try."""

    exit_code = ExitCode.RUNTIME_MISSING


class PlaceLostError(InfrastructureError):
    """Say that the machine where works were done is gone, with the call in hand."""


class CompileError(BeamproofError):
    """Carry what a runtime's compiler said of a probe module that it refused."""


class UnmetNeedError(BeamproofError):
    """Say that something a probe needs beside a VM is not to be had on this machine."""


class StorageError(BeamproofError):
    """Say that a file could not be written, and what was kept."""


class DamagedError(StorageError):
    """Say that a file of the cache is not what was written there."""


class NodeError(BeamproofError):
    """Say that a live node broke: the call in hand has no evidence, the run goes on.

    Outside of a call (a VM that ends while it is asked who it is) it is a release that is gone.
    """

    exit_code = ExitCode.RUNTIME_MISSING


class NoCompilerError(NodeError):
    """Say that a VM has no compiler and that nothing compiled elsewhere was sent to it.

    Args:
        erts_version: of the VM, as beams of the bridge are named.
        release: the OTP release that the code must load on.
    """

    def __init__(self, erts_version: str, release: int) -> None:
        super().__init__(f"OTP {release} has no compiler here")
        self.erts_version = erts_version
        self.release = release


class CallTimeoutError(NodeError):
    """Say that a call did not answer before its deadline; the node has been killed."""


class NodeDiedError(NodeError):
    """Say that the VM ended during a call, with its exit status."""


class ProtocolError(NodeError):
    """Say that what came over the pipe is not a frame, a term or a message of the bridge."""


class RemoteError(NodeError):
    """Carry what a call raised in the VM.

    Args:
        error_class: `error`, `exit` or `throw`.
        reason: the reason, printed by the VM.
        stacktrace: the stack, one printed entry an element, innermost first.

    `leftovers` and `spent` are those of a probe; see `collect.outcome.Answer`.
    """

    def __init__(self, error_class: str, reason: str, stacktrace: tuple[str, ...] = ()) -> None:
        super().__init__(f"{error_class}: {reason}")
        self.error_class = error_class
        self.reason = reason
        self.stacktrace = stacktrace
        self.leftovers: tuple[str, ...] = ()
        self.spent = False
