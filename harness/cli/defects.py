"""What is done with an error that no verb expected: told in a sentence, kept in a file.

Knows: exceptions and the folder for temporary files. Must not know: any verb.
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path

from harness import __version__


def record(error: Exception, arguments: list[str]) -> str:
    """Write the stack to a file and return the sentence that tells of it."""
    what = f"{type(error).__name__}: {error}".splitlines()[0][:200]
    sentence = f"this is a defect of beamproof, not a verdict ({what})"
    try:
        path = _write(error, arguments)
    except OSError as unwritable:
        return f"{sentence}\n  its stack could not be kept ({unwritable}): repeat with --debug"
    return f"{sentence}\n  please report it and attach {path}"


def _write(error: Exception, arguments: list[str]) -> Path:
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    handle, name = tempfile.mkstemp(prefix=f"beamproof-defect-{moment}-", suffix=".txt")
    lines = [
        f"beamproof {__version__}, Python {platform.python_version()}, {platform.platform()}",
        f"arguments: {arguments!r}",
        f"encodings: {sys.stdout.encoding} {sys.getfilesystemencoding()}",
        "",
        *traceback.format_exception(error),
    ]
    with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as stream:
        stream.write("\n".join(lines))
    return Path(name)
