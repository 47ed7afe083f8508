"""Trivial probes, claims and test cases: checks that cost nothing but their way of being run.

Knows: how each tool wants a check written. Must not know: how it is timed.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from harness.folders import default_probes_dir

MODULE = "bench_trivial"
SUPPORT = ("probe_bridge", "probe_lib", "probe_measure", "probe_peer", "probe_capture")


def function(number: int) -> str:
    """Return the name of the probe of a number."""
    return f"check_{number}"


def write(folder: Path, checks: int) -> Path:
    """Write `erlang_probes/`, `claims/` and `suite/` below a folder; return the probes' folder."""
    probes, claims, suite = (folder / name for name in ("erlang_probes", "claims", "suite"))
    for made in (probes, claims, suite):
        made.mkdir()
    for name in SUPPORT:
        shutil.copy(default_probes_dir() / f"{name}.erl", probes)
    names = [function(number) for number in range(checks)]
    (probes / f"{MODULE}.erl").write_text(_module(names))
    (claims / "bench-trivial.toml").write_text(_claims(names))
    (suite / "bench_SUITE.erl").write_text(_suite(names))
    return probes


def _module(names: list[str]) -> str:
    exports = ", ".join(f"{name}/1" for name in names)
    probes = "\n".join(f"{name}(#{{}}) ->\n    #{{sum_count => 1 + 1}}.\n" for name in names)
    return f"-module({MODULE}).\n-export([{exports}]).\n\n{probes}"


def _claims(names: list[str]) -> str:
    head = 'skill = "bench-trivial"\nsection = 1\ndescription = "Nothing to prove."\n'
    return head + "".join(
        f'\n[[claim]]\nid = "{name.replace("_", "-")}"\nstatement = "One and one are two."\n'
        'sources = ["https://www.erlang.org/doc/system/expressions.html"]\n'
        "expect.sum_count = 2\n\n"
        '[[claim.rival]]\nstatement = "They are three."\nexpect.sum_count = 3\n'
        for name in names
    )


def _suite(names: list[str]) -> str:
    exports = ", ".join(f"{name}/1" for name in names)
    cases = "\n".join(f"{name}(_Config) ->\n    2 = 1 + 1.\n" for name in names)
    return (
        f"-module(bench_SUITE).\n-export([all/0, {exports}]).\n\n"
        f"all() ->\n    [{', '.join(names)}].\n\n{cases}"
    )
