"""One line of a run file, as bytes: its JSON, its checksum, and what older formats wrote.

Knows: the models and how they are spelt. Must not know: files.

A line of format 2 ends in `,"sum":"…"}`, a hash of the line without it, so that a bit that flipped
and a figure that somebody mended by hand are both told from what was observed. Lines of format 1
have no sum and name one cell each.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from harness.errors import RunFileError
from harness.run.cells import CellId, ProbeCall
from harness.run.model import (
    FORMAT,
    Build,
    Failure,
    FailureKind,
    Footer,
    Header,
    Line,
    Observation,
    Run,
    Sample,
)

_SUM_BYTES = 8
_SUM_KEY = b',"sum":"'
_TAIL = len(_SUM_KEY) + 2 * _SUM_BYTES + len(b'"}')


def _as_text(value: Any) -> str:
    """Spell what JSON has no word for."""
    if isinstance(value, CellId):
        return str(value)
    raise TypeError(f"no line holds a {type(value).__name__}")


_encoder = msgspec.json.Encoder(enc_hook=_as_text)
_decoder: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Line)
_samples = msgspec.json.Decoder(Sample)

UNREADABLE = (msgspec.MsgspecError, ValueError, TypeError, OverflowError, RecursionError)
"""What encoding or decoding raises of what is no line, or of a value that no line can hold."""


class _Observation1(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag="observation",
    tag_field="kind",
):
    """Be an observation of format 1: it belonged to one cell."""

    cell: str
    skill: str
    claim: str
    runtime: str
    probe: str
    probe_sha256: str
    args: dict[str, Any] = msgspec.field(default_factory=dict)
    flags: tuple[str, ...] = ()
    at: str
    build: Build | None = None
    samples: tuple[Sample, ...]

    def today(self) -> Observation:
        """Return it as it would be written today."""
        module, _, function = self.probe.partition(":")
        call = ProbeCall(module=module, function=function, args=self.args, flags=self.flags)
        return Observation(
            call=call.id,
            cells=(self.cell,),
            runtime=self.runtime,
            probe=self.probe,
            probe_sha256=self.probe_sha256,
            args=self.args,
            flags=self.flags,
            at=self.at,
            build=self.build,
            samples=self.samples,
        )


_decoder1 = msgspec.json.Decoder(Header | _Observation1 | Footer)


def encode(line: Line) -> bytes:
    """Return a line with its checksum and its line end.

    Raises:
        RunFileError: it could not be read back, so it must not be written.
    """
    try:
        body = _encoder.encode(line)
        _decoder.decode(body)
    except UNREADABLE as error:
        raise RunFileError(f"not to be written as a line of a run file: {error}") from error
    return body[:-1] + _SUM_KEY + _sum(body) + b'"}\n'


def content(run: Run) -> bytes:
    """Return a run as a file of today's format, wherever its parts came from."""
    header = msgspec.structs.replace(run.header, format=FORMAT)
    footer = () if run.footer is None else (run.footer,)
    return b"".join(
        map(encode, (header, *run.notes, *run.sources, *run.observations, *run.repeats, *footer))
    )


def decode(text: bytes, *, sums: bool) -> Line:
    """Return a line from its text, without its line end.

    Args:
        text: the line.
        sums: a line without a checksum is refused, too: from format 2 on.

    Raises:
        RunFileError: it is damaged, or was never a line of a run file.
    """
    body = _checked(text)
    if body is None and sums:
        raise RunFileError("it has no checksum")
    try:
        if body is not None:
            return _decoder.decode(body)
        line = _decoder1.decode(text)
    except UNREADABLE as error:
        raise RunFileError(_worded(text, error)) from error
    return line.today() if isinstance(line, _Observation1) else line


def stored(sample: Sample) -> Sample:
    """Return a sample as it will be read back, or as a failure when it cannot be written."""
    try:
        return _samples.decode(_encoder.encode(sample))
    except UNREADABLE as error:
        kind = FailureKind.BAD_EVIDENCE
        reason = f"what the probe returned cannot be stored: {type(error).__name__}: {error}"
        return Sample(failure=Failure(kind=kind, reason=reason), elapsed_us=0, node=sample.node)


def _checked(text: bytes) -> bytes | None:
    """Return the line without its checksum, None where it has none."""
    body = text[:-_TAIL] + b"}"
    if not text.startswith(_SUM_KEY, len(text) - _TAIL):
        return None
    if text != body[:-1] + _SUM_KEY + _sum(body) + b'"}':
        raise RunFileError("its checksum is not that of what it says")
    return body


def _sum(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=_SUM_BYTES).hexdigest().encode()


def _worded(text: bytes, error: Exception) -> str:
    try:
        found = msgspec.json.decode(text).get("format")
    except (*UNREADABLE, AttributeError):
        found = None
    if isinstance(found, int) and found > FORMAT:
        return f"it is of run format {found}; this beamproof reads up to {FORMAT}: update beamproof"
    return f"it is not a line of a run file: {error}"
