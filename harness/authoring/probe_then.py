"""The probe that gave an observation: as the run keeps it, and whether today's is another one.

Knows: runs and sources. Must not know: claims' verdicts, how code is shown.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from harness.authoring.probe_source import Probe, ProbeModule, parse_module
from harness.run.model import Observation, Run, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeThen:
    """Hold a probe beside its evidence.

    `probe` is None where neither the run nor the folder has it. `kept` tells that it is the source
    that ran, not today's. `path` is today's file. `changed` names the files that differ today.
    """

    probe: Probe | None
    kept: bool
    path: Path | None = None
    changed: tuple[str, ...] = ()

    @property
    def note(self) -> str:
        """Return what a reader must know of the source that is shown; nothing where all agree."""
        if self.changed:
            return f"This is the source that ran; today's differs in {', '.join(self.changed)}."
        if self.probe is not None and not self.kept:
            return "The run does not hold its sources: this is today's."
        return ""


def probe_then(
    run: Run | None, seen: Observation | None, name: str, today: Mapping[str, ProbeModule]
) -> ProbeThen:
    """Return a probe as it was when it was run, as it is now where that is not known.

    Args:
        run: what the observation is from, None for none.
        seen: the observation, None for none.
        name: `module:function`.
        today: the modules of the folder as they are, by name.
    """
    module, _, function = name.partition(":")
    now = today.get(module)
    path = now.path if now else None
    source = run.source_of(seen) if run and seen else None
    if source is None:
        probe = now.probe(function) if now else None
        return ProbeThen(probe=probe, kept=seen is None, path=path)
    then = {source.name: source.sha256, **source.uses}
    changed = tuple(file for file, sha256 in then.items() if _differs(today, file, sha256))
    probe = _parsed(source.text).probe(function)
    return ProbeThen(probe=probe, kept=True, path=path, changed=changed)


def changed_files(run: Run, claims: Container[str], probes_dir: Path) -> tuple[str, ...]:
    """Return the files of probes that are others today than when a run observed some claims.

    Of a file that is not there, and of a run that holds no sources, nothing can be said.

    Args:
        run: with its sources.
        claims: as `skill/claim`.
        probes_dir: where the files are today.
    """
    found: set[str] = set()
    for source in {
        source.probe_sha256: source
        for cell, seen in run.by_cell.items()
        if cell.name in claims and (source := run.source_of(seen)) is not None
    }.values():
        for file, sha256 in ((source.name, source.sha256), *source.uses.items()):
            path = probes_dir / file
            if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
                found.add(file)
    return tuple(sorted(found))


def changed_note(files: Sequence[str]) -> str:
    """Return what a reader of verdicts must know of such files."""
    what = "is another one" if len(files) == 1 else "are others"
    return f"! {', '.join(files)} {what} today than when this was observed"


def _differs(today: Mapping[str, ProbeModule], file: str, sha256: str) -> bool:
    """Tell whether a file is there and another one; where it is not, nothing can be said."""
    now = today.get(Path(file).stem) if file.endswith(".erl") else None
    return now is not None and now.sha256 != sha256


@lru_cache(maxsize=64)  # a site asks for each probe of the same few modules
def _parsed(text: str) -> ProbeModule:
    source = Source(name="", sha256="", text=text)
    return parse_module(Path(), source.unpack())
