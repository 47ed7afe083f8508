"""Ask an `erl` what it is, by starting it once.

Knows: the command line of `erl`. Must not know: where the `erl` comes from.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from harness.errors import InfrastructureError

ASK_TIMEOUT_S = 20.0

ASK = (
    'io:format(standard_error, "~nbeamproof:~s:~s:~n", [erlang:system_info(otp_release),'
    " try element(2, {ok, _} = file:read_file(filename:join([code:root_dir(), releases,"
    " erlang:system_info(otp_release), 'OTP_VERSION']))) catch _:_ -> \"\" end]), halt(0)."
)
"""An expression that makes a VM print its release and its version to the patch."""

_COMPLAINTS = (
    (re.compile(rb"(?i)exec format error"), "it is built for another kind of processor"),
    (re.compile(rb"memory limit of (\d+) MiB"), "killed, for it met its limit of memory"),
    (re.compile(rb"exec (?:sh|/bin/sh) failed|\"sh\": executable"), "there is no sh beside it"),
    (re.compile(rb"erl: (?:not found|No such file)|erl: command not found"), "there is no erl"),
    (re.compile(rb"(?i)permission denied"), "the user nobody, as which it runs, may not read it"),
    (re.compile(rb"GLIBC_\S+' not found|error while loading shared"), "a library is missing"),
)
"""What stops a VM before it can say anything, as shells, loaders and engines word it."""

_ANSWER = re.compile(rb"beamproof:(\d+):\s*([\w.+*-]*)\s*:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Hold what a VM said of itself: `27` and `27.3.4.1`; the version falls back on the release."""

    release: int
    version: str


def ask(erl: Path, *, timeout_s: float = ASK_TIMEOUT_S) -> Identity:
    """Start `erl` once and return what it says of itself.

    Raises:
        InfrastructureError: it does not start, does not answer in time, or is not an `erl`.
    """
    command = [str(erl), "-noinput", "-noshell", "-mode", "minimal", "-eval", ASK]
    try:
        with tempfile.TemporaryDirectory(prefix="beamproof-ask-") as folder:
            done = subprocess.run(
                command,
                env=_environment(folder),
                cwd=folder,  # never the user's: a VM reads .erlang there, and leaves dumps
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                timeout=timeout_s,
            )
    except subprocess.TimeoutExpired as error:
        raise InfrastructureError(f"{erl} did not answer within {timeout_s:.0f} s") from error
    except PermissionError as error:
        raise InfrastructureError(
            f"{erl} does not start: {error.strerror}; its folder may be mounted noexec"
        ) from error
    except OSError as error:
        raise InfrastructureError(f"{erl} does not start: {error.strerror}") from error
    return parse(done.stderr, str(erl), done.returncode)


def _environment(folder: str) -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": folder,
        "LC_ALL": "C.UTF-8",
        "ERL_CRASH_DUMP_BYTES": "0",
    }


def parse(output: bytes, asked: str, status: int | None) -> Identity:
    """Read the identity from what a VM printed for `ASK`.

    Raises:
        InfrastructureError: the answer is not in it.
    """
    found = _ANSWER.search(output)
    if found is None:
        said = output.decode(errors="replace").strip().splitlines()[-3:]
        told = " / ".join(said) or "silent"
        for complaint, meaning in _COMPLAINTS:
            if complaint.search(output):
                raise InfrastructureError(f"{asked} does not start: {meaning} ({told})")
        raise InfrastructureError(f"{asked} is not a working erl (exit status {status}): {told}")
    release = int(found[1])
    return Identity(release=release, version=found[2].decode() or str(release))
