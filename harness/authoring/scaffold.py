"""A new claim with its probe, as files that lint complains about until they are finished.

Knows: how both files begin. Must not know: what will be claimed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from harness.authoring.draft import Draft
from harness.authoring.probe_source import RESERVED, read_module
from harness.claims.model import is_name, module_of
from harness.errors import InputError, StorageError
from harness.system.files import rewrite_file

_ATOM = re.compile(r"[a-z]\w*")
_EVERY_MODULE_HAS = "module_info"
_EXPORT = re.compile(r"^-export\(\s*\[(?P<list>[^]]*)\]\s*\)\s*\.", re.MULTILINE)

_SKILL = """\
skill = "{skill}"
description = "TODO: one sentence that says what the claims are about."
"""

_MODULE = """\
%% Probes of {skill}. They provoke and measure; what it means stands in the claim file.
-module({module}).

-export([{probe}/1]).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaffold:
    """Name the two files that were written to."""

    claim_file: Path
    probe_file: Path


def scaffold(name: str, claims_dir: Path, probes_dir: Path, draft: Draft | None = None) -> Scaffold:
    """Add a claim, `skill/claim`, to its two files; make them where they are missing.

    Args:
        name: of the claim.
        claims_dir: folder of the claim files.
        probes_dir: folder of the probes.
        draft: what is known of it. A probe that it names and that is there already is left as it
            is, and called.

    Raises:
        InputError: the name is none, the claim or its probe exists, or a prediction is none.
        StorageError: a file cannot be written; neither was changed, or only the claim file.
    """
    draft = draft or Draft()
    require_name(name)
    skill, _, claim = name.partition("/")
    claim_file = claims_dir / f"{skill}.toml"
    probe_file = probes_dir / f"{module_of(skill)}.erl"
    claims_text = _read(claim_file) or _SKILL.format(skill=skill)
    if re.search(rf'^\s*id\s*=\s*["\']{re.escape(claim)}["\']', claims_text, re.MULTILINE):
        raise InputError(f"{claim_file} has a claim {claim}", hint=f"beamproof show {name}")
    claims = _encoded(f"{claims_text.rstrip()}\n\n{draft.toml(claim)}", name)
    probes_text = _with_probe(probe_file, skill, claim, draft)
    probes = None if probes_text is None else _encoded(probes_text, name)
    _write(claim_file, claims)
    if probes is not None:
        _write(probe_file, probes)
    return Scaffold(claim_file=claim_file, probe_file=probe_file)


def require_name(name: str) -> None:
    """Refuse what names no claim.

    Raises:
        InputError: says how one is written.
    """
    skill, _, claim = name.partition("/")
    if not (is_name(skill) and is_name(claim)):
        raise InputError(
            f'"{name}" does not name a claim',
            hint="write SKILL/CLAIM, both in kebab-case, e.g. beam-ets-internals/memory-in-words",
        )


def _with_probe(path: Path, skill: str, claim: str, draft: Draft) -> str | None:
    """Return the module with the probe added, None where a probe that was named is there."""
    text, probe = _read(path), draft.probe or claim.replace("-", "_")
    if not _ATOM.fullmatch(probe):
        raise InputError(f'"{probe}" is no name of a function')
    if probe in RESERVED or probe == _EVERY_MODULE_HAS:
        raise InputError(
            f"Erlang keeps {probe} for itself: no probe can have that name",
            hint="name the function with --probe NAME",
        )
    if not text:
        head = _MODULE.format(skill=skill, module=module_of(skill), probe=probe)
        return f"{head}\n{draft.erlang(probe)}"
    module = read_module(path)
    if module.probe(probe) is not None and draft.probe and not draft.body:
        return None
    if module.probe(probe) is not None or re.search(rf"^{probe}\(", text, re.MULTILINE):
        raise InputError(f"{path} has a function {probe}")
    export = _EXPORT.search(text)
    if export is None:
        raise InputError(f"{path} has no -export([...]). to add {probe}/1 to")
    end = export.start("list") + len(export["list"].rstrip())
    comma = "," if export["list"].strip() else ""
    layout = "\n    " if "\n" in export["list"] else " " if comma else ""
    head, tail = text[:end], text[end:]
    return f"{head}{comma}{layout}{probe}/1{tail.rstrip()}\n\n{draft.erlang(probe)}"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8: it is left as it is") from error
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error


def _encoded(text: str, name: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:  # what the shell passed on was no text
        raise InputError(f"what is said of {name} is not UTF-8") from error


def _write(path: Path, content: bytes) -> None:
    try:
        rewrite_file(path, content)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror}") from error
