"""A new claim with its probe, as files that lint complains about until they are finished.

Knows: how both files begin. Must not know: what will be claimed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from harness.authoring.probe_source import read_module
from harness.claims.model import module_of
from harness.errors import InputError, StorageError

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*/[a-z][a-z0-9]*(-[a-z0-9]+)*")
_EXPORT = re.compile(r"^-export\(\s*\[(?P<list>[^]]*)\]\s*\)\s*\.", re.MULTILINE)

_SKILL = """\
skill = "{skill}"
description = "TODO: one sentence that says what the claims are about."
"""

_CLAIM = """
[[claim]]
id = "{claim}"
statement = "TODO: one true sentence that a VM could prove wrong."
sources = ["https://www.erlang.org/doc/TODO"]
expect.found_count = 1

[[claim.rival]]
statement = "TODO: the wrong belief, with what it predicts of the same evidence."
expect.found_count = 0
"""

_MODULE = """\
%% Probes of {skill}. They provoke and measure; what it means stands in the claim file.
-module({module}).

-export([{probe}/1]).
"""

_PROBE = """
%% TODO: one sentence on what this provokes.
%% Evidence: found_count, what is counted.
%% Cost: how long it takes and what it allocates.
%% Misread: how the number can mislead.
%% Source: the page or file of OTP that says so.
-spec {probe}(map()) -> map().
{probe}(#{{}}) ->
    #{{found_count => 1}}.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaffold:
    """Name the two files that were written to."""

    claim_file: Path
    probe_file: Path


def scaffold(name: str, claims_dir: Path, probes_dir: Path) -> Scaffold:
    """Add a claim, `skill/claim`, to its two files; make them where they are missing.

    Raises:
        InputError: the name is none, or the claim or its probe exists.
        StorageError: a file cannot be written; neither was changed, or only the claim file.
    """
    if not _NAME.fullmatch(name):
        raise InputError(
            f'"{name}" does not name a claim',
            hint="write SKILL/CLAIM, both in kebab-case, e.g. beam-ets-internals/memory-in-words",
        )
    skill, _, claim = name.partition("/")
    words = {
        "skill": skill,
        "claim": claim,
        "module": module_of(skill),
        "probe": claim.replace("-", "_"),
    }
    claim_file = claims_dir / f"{skill}.toml"
    probe_file = probes_dir / f"{words['module']}.erl"
    claims_text = _read(claim_file) or _SKILL.format(**words)
    if re.search(rf'^\s*id\s*=\s*["\']{re.escape(claim)}["\']', claims_text, re.MULTILINE):
        raise InputError(f"{claim_file} has a claim {claim}", hint=f"beamproof show {name}")
    probes_text = _with_probe(probe_file, words)
    _write(claim_file, claims_text.rstrip("\n") + "\n" + _CLAIM.format(**words))
    _write(probe_file, probes_text)
    return Scaffold(claim_file=claim_file, probe_file=probe_file)


def _with_probe(path: Path, words: dict[str, str]) -> str:
    text, probe = _read(path), words["probe"]
    if not text:
        return _MODULE.format(**words) + _PROBE.format(**words)
    module = read_module(path)
    if module.probe(probe) is not None or re.search(rf"^{probe}\(", text, re.MULTILINE):
        raise InputError(f"{path} has a function {probe}")
    export = _EXPORT.search(text)
    if export is None:
        raise InputError(f"{path} has no -export([...]). to add {probe}/1 to")
    end = export.start("list") + len(export["list"].rstrip())
    comma = "," if export["list"].strip() else ""
    layout = "\n    " if "\n" in export["list"] else " " if comma else ""
    head, tail = text[:end], text[end:]
    return f"{head}{comma}{layout}{probe}/1{tail.rstrip()}\n{_PROBE.format(**words)}"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror}") from error
