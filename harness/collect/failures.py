"""Which failure of an observation an error becomes.

Knows: errors, the kinds of failure. Must not know: nodes, predictions.
"""

from __future__ import annotations

from harness.errors import (
    BeamproofError,
    CallTimeoutError,
    CompileError,
    InfrastructureError,
    NodeDiedError,
    ProtocolError,
    RemoteError,
    UnmetNeedError,
)
from harness.run.model import Failure, FailureKind


def _raised_kind(error: RemoteError) -> FailureKind:
    if error.error_class == "bad_evidence":
        return FailureKind.BAD_EVIDENCE
    if error.error_class == "error" and error.reason.startswith("{setup,"):
        return FailureKind.SETUP
    return FailureKind.CRASHED


_KINDS: tuple[tuple[type[BeamproofError], FailureKind], ...] = (
    (CallTimeoutError, FailureKind.TIMEOUT),
    (NodeDiedError, FailureKind.NODE_DIED),
    (ProtocolError, FailureKind.BAD_EVIDENCE),
    (CompileError, FailureKind.NOT_COMPILED),
    (UnmetNeedError, FailureKind.UNMET_NEED),
    (InfrastructureError, FailureKind.NOT_STARTED),
)


def failure_of(error: BeamproofError) -> Failure:
    """Turn what a call raised into the failure that stands in the run file."""
    if isinstance(error, RemoteError):
        return Failure(
            kind=_raised_kind(error),
            reason=error.reason,
            error_class=error.error_class,
            stacktrace=error.stacktrace,
        )
    for cause, kind in _KINDS:
        if isinstance(error, cause):
            return Failure(kind=kind, reason=error.message)
    return Failure(kind=FailureKind.CRASHED, reason=error.message)
