"""Standard output and error that never end a command: closed, full, or of any encoding.

Knows: file descriptors and encodings. Must not know: what is printed.
"""

from __future__ import annotations

import codecs
import errno
import io
import os
import sys
from collections.abc import Iterable
from typing import Any, BinaryIO, TextIO, cast

import msgspec

_STAND_INS = dict(
    zip(
        "\u2714\u2718\u2022\u2013\u2014\u00d7\u00b5\u201c\u201d\u2018\u2019\u2501",
        "+x*--xu\"\"''-",
        strict=True,
    )
) | {"\u2192": "->", "\u2026": "...", "\u2264": "<=", "\u2265": ">="}
"""What is printed instead of a sign that an encoding lacks."""

_ERRORS = "beamproof.stand_in"


class Sink(io.RawIOBase):
    """Write to a descriptor until that fails; what comes then is dropped, and the error kept.

    Args:
        descriptor: `None` where the stream was closed before the command began.
    """

    def __init__(self, descriptor: int | None) -> None:
        super().__init__()
        self._descriptor = descriptor
        self.error: OSError | None = None

    def writable(self) -> bool:
        """Tell that this is a stream to write to."""
        return True

    def fileno(self) -> int:
        """Return the descriptor."""
        if self._descriptor is None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return self._descriptor

    def isatty(self) -> bool:
        """Tell whether a terminal is at the other end."""
        return self._descriptor is not None and os.isatty(self._descriptor)

    def write(self, content: Any, /) -> int:
        """Write all of it, or drop it."""
        rest = memoryview(content)
        while self.error is None and rest:
            try:
                rest = rest[os.write(self.fileno(), rest) :]
            except OSError as error:
                self.error = error
        return memoryview(content).nbytes

    @property
    def lost(self) -> OSError | None:
        """Return why something was not written; a reader that has seen enough is no reason."""
        if self.error is None or self.error.errno == errno.EPIPE:
            return None
        return self.error


class _Text(io.TextIOWrapper):
    """A text stream that keeps its encoding: click replaces one of ASCII where it can."""

    @property
    def buffer(self) -> Any:
        """Return the bytes' stream, hidden where click would wrap it as UTF-8."""
        if _is_ascii(self.encoding):
            raise AttributeError("buffer")
        return super().buffer

    @property
    def binary(self) -> BinaryIO:
        """Return the bytes' stream."""
        return cast("BinaryIO", super().buffer)


def guard() -> Sink:
    """Put streams that cannot fail in the place of standard output and error.

    Returns:
        What standard output is written to, for its error.
    """
    codecs.register_error(_ERRORS, _stand_in)
    output_open, error_open = sys.stdout is not None, sys.stderr is not None
    _fill_closed_descriptors()
    output = Sink(1 if output_open else None)
    sys.stdout = _text(output, sys.stdout)
    sys.stderr = _text(Sink(2 if error_open else None), sys.stderr)
    return output


def echo(line: str = "") -> None:
    """Print a line on standard output."""
    print(line, file=sys.stdout, flush=True)  # noqa: T201 - all output passes here


def say(line: str) -> None:
    """Print a line beside what the command is asked for: on standard error."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - as above


def print_lines(lines: Iterable[str]) -> None:
    """Print lines on standard output."""
    for line in lines:
        echo(line)


def print_json(value: Any) -> None:
    """Print a value as indented JSON on standard output."""
    echo(msgspec.json.format(msgspec.json.encode(value)).decode())


def write_bytes(content: bytes) -> None:
    """Write bytes to standard output as they are, whatever the encoding of text is."""
    sys.stdout.flush()
    stream = sys.stdout
    binary = stream.binary if isinstance(stream, _Text) else stream.buffer
    binary.write(content)
    binary.flush()


def _text(sink: Sink, instead_of: TextIO | None) -> io.TextIOWrapper:
    encoding = getattr(instead_of, "encoding", None) or "utf-8"
    return _Text(io.BufferedWriter(sink), encoding=encoding, errors=_ERRORS, line_buffering=True)


def _fill_closed_descriptors() -> None:
    """Open the null device where a standard descriptor is closed, or the next file takes it."""
    while True:
        descriptor = os.open(os.devnull, os.O_RDWR)
        if descriptor > 2:  # noqa: PLR2004 - standard error
            os.close(descriptor)
            return


def _stand_in(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    plain = (
        _STAND_INS.get(sign) or sign.encode("ascii", "backslashreplace").decode()
        for sign in error.object[error.start : error.end]
    )
    return "".join(plain), error.end


def _is_ascii(encoding: str) -> bool:
    return codecs.lookup(encoding).name == "ascii"
