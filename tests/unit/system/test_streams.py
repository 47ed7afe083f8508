"""Standard output that is closed, full, or of another encoding, as a user's shell gives it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PRINT = """
import sys
from harness.system import streams
output = streams.guard()
for line in sys.argv[1:]:
    streams.echo(line)
sys.stdout.flush()
print(output.lost is not None, file=sys.stderr)
"""
SIGNS = "✔ refuted … → Zürich 日本 🙂"


def shell(command: str, *lines: str, encoding: str = "utf-8") -> subprocess.CompletedProcess[bytes]:
    """Run PRINT in a shell command that calls it as `"$@"`."""
    return subprocess.run(
        ["sh", "-c", command, "sh", sys.executable, "-c", PRINT, *lines],
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        check=False,
        timeout=60,
    )


def test_utf_8_is_printed_as_it_is() -> None:
    """Where every sign can be printed, none is replaced."""
    assert shell('"$@"', SIGNS).stdout.decode() == f"{SIGNS}\n"


@pytest.mark.parametrize(
    ("encoding", "printed"),
    [
        ("ascii", "+ refuted ... -> Z\\xfcrich \\u65e5\\u672c \\U0001f642\n"),
        ("latin-1", "+ refuted ... -> Zürich \\u65e5\\u672c \\U0001f642\n"),
    ],
)
def test_a_sign_that_cannot_be_printed_has_a_plain_stand_in(encoding: str, printed: str) -> None:
    """No encoding of a terminal or pipe ends a command."""
    assert shell('"$@"', SIGNS, encoding=encoding).stdout.decode(encoding) == printed


def test_lone_surrogates_are_printed_escaped() -> None:
    """A file name that is no UTF-8 can be named in a message."""
    assert shell('"$@"', os.fsdecode(b"run\xff")).stdout == b"run\\udcff\n"


def test_a_reader_that_has_seen_enough_is_no_failure() -> None:
    """`| head -1` changes nothing but what is read."""
    done = shell('"$@" | head -1', *["line"] * 20_000)
    assert done.stdout == b"line\n"
    assert done.stderr == b"False\n"


@pytest.mark.parametrize("command", ['"$@" >/dev/full', '"$@" >&-'])
def test_output_that_is_lost_is_known_afterwards(command: str) -> None:
    """A full disk and a closed stream do not raise, but they are told."""
    assert shell(command, "line").stderr == b"True\n"


def test_a_closed_output_is_not_taken_by_the_next_file(tmp_path: Path) -> None:
    """Or what is printed would land in a run file."""
    opening = f"open({str(tmp_path / 'run')!r}, 'w')"
    program = PRINT.replace("for line", f"taken = {opening}\nassert taken.fileno() > 2\nfor line")
    done = subprocess.run(
        ["sh", "-c", '"$@" >&- 2>&-', "sh", sys.executable, "-c", program, "line"], check=False
    )
    assert done.returncode == 0
    assert (tmp_path / "run").read_text() == ""
