"""Lint: what a claim needs before anybody starts a VM for it.

Knows: claim files, probe sources, the research document. Must not know: evidence, nodes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.authoring.coverage import Status, coverage, quotes, strays
from harness.authoring.document import read_section, section_numbers
from harness.authoring.doubts import doubts
from harness.authoring.layout import is_laid_out, lay_out_file
from harness.authoring.probe_source import Probe, ProbeModule, read_module, supports_probes
from harness.authoring.quotation import fault_of
from harness.claims.faults import faults_of
from harness.claims.file import read_skill
from harness.claims.model import Claim, Skill, module_of
from harness.claims.paths import skill_paths
from harness.claims.problems import Problem, Severity
from harness.claims.sabotage import FOLDER, Sources, read_sabotage, sabotage_path
from harness.folders import own_probes_dir
from harness.suggest import did_you_mean

DOCUMENT = "research.md"
"""Name of the research document, beside the claim files."""

_HEADER_LINES = ("Evidence", "Cost", "Misread", "Source")
_UNFINISHED = re.compile(r"\bTODO\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Linted:
    """Hold what lint found: the skills that could be read, and the problems in file order."""

    skills: tuple[Skill, ...]
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> int:
        """Return how many problems are errors."""
        return sum(problem.severity is Severity.ERROR for problem in self.problems)


def lint(
    claims_dir: Path,
    probes_dir: Path,
    names: Sequence[str] = (),
    trusted: Sequence[str] = (),
) -> Linted:
    """Check the skills of a folder, or those named, with probes, variants and the document.

    Args:
        claims_dir: folder of the claim files.
        probes_dir: folder of the probes.
        names: skills; all without any.
        trusted: beginnings of addresses that count as sources beside OTP's own.

    Raises:
        InputError: the folder is not there.
    """
    paths = skill_paths(claims_dir)
    sources = read_sources(probes_dir)
    skills: list[Skill] = []
    problems: list[Problem] = []
    for name in names or paths:
        skill, found = read_skill(paths.get(name, claims_dir / f"{name}.toml"))
        problems += found
        if skill is None:
            continue
        skills.append(skill)
        problems += _layout(paths[name], claims_dir)
        problems += lint_skill(skill, trusted)
        problems += lint_probes(skill, probes_dir)
        problems += lint_document(skill, claims_dir / DOCUMENT)
        problems += lint_sabotage(skill, sabotage_path(claims_dir, name), sources)
    if not names:
        problems += _orphans(probes_dir, {module_of(name) for name in paths})
        problems += _stray_variants(claims_dir, paths)
    return Linted(skills=tuple(skills), problems=tuple(problems))


def fix(claims_dir: Path, names: Sequence[str] = ()) -> tuple[Path, ...]:
    """Put the files of the skills of a folder, or of those named, into the one layout.

    Returns:
        The files that were rewritten.

    Raises:
        InputError: a file cannot be read or understood; those before it are done.
        StorageError: a file cannot be written; it is as it was.
    """
    paths = skill_paths(claims_dir)
    files = [path for name in names or paths for path in _files(paths[name], claims_dir)]
    return tuple(path for path in files if lay_out_file(path))


def lint_skill(skill: Skill, trusted: Sequence[str] = ()) -> Iterator[Problem]:
    """Yield what is wrong with the claims of a skill in themselves."""
    if _UNFINISHED.search(skill.description):
        yield Problem(path=skill.path, line=1, message="the description still says TODO")
    if not skill.claims:
        yield Problem(path=skill.path, line=1, message=f"{skill.name} has no claim")
    for claim in skill.claims:
        for line, message in faults_of(claim, trusted):
            yield Problem(path=skill.path, line=line, message=f"{claim.id}: {message}")


def lint_probes(skill: Skill, probes_dir: Path) -> Iterator[Problem]:
    """Yield claims without a probe, probes without a claim, and probes without their header."""
    path = probes_dir / f"{skill.module}.erl"
    try:
        module = read_module(path)
    except OSError as error:
        message = f"the probes of {skill.name} cannot be read: {path}: {error.strerror}"
        yield Problem(path=skill.path, line=1, message=message)
        return
    names = [probe.name for probe in module.probes]
    for claim in skill.claims:
        if claim.probe not in names:
            yield Problem(path=skill.path, line=claim.line, message=_no_probe(claim, module))
    used = {claim.probe for claim in skill.claims}
    for probe in module.probes:
        if (probe.name, probe.arity) in module.callbacks:
            continue
        for message in _probe(probe, unused=probe.name not in used):
            yield Problem(path=path, line=probe.line, message=f"{probe.name}: {message}")


def lint_document(skill: Skill, document: Path) -> Iterator[Problem]:
    """Yield quotes that the document does not have, and statements of it that nobody quotes."""
    if skill.section is None:
        return
    try:
        text = document.read_text(encoding="utf-8")
    except OSError as error:
        message = f"section = {skill.section}: cannot read {document}: {error.strerror}"
        yield Problem(path=skill.path, line=1, message=message)
        return
    for quote in strays(text, skill):
        message = f'{quote.by}: the document does not say "{quote.text}"'
        yield Problem(path=skill.path, line=quote.line, message=message)
    section = read_section(text, skill.section)
    if section is None:
        known = ", ".join(map(str, section_numbers(text)))
        message = f"the document has no section {skill.section}; it has {known or 'none'}"
        yield Problem(path=skill.path, line=1, message=message)
        return
    for quote in quotes(skill):
        if not quote.untestable and (fault := fault_of(quote.text, section)) is not None:
            message = f'{quote.by}: the quote "{quote.text}" {fault}'
            yield Problem(
                path=skill.path, line=quote.line, message=message, severity=Severity.WARNING
            )
    for row in coverage(text, skill.section, skill):
        if row.status is Status.UNCOVERED:
            message = f'{skill.name}: no claim quotes "{row.text}" ({row.part})'
            yield Problem(path=document, line=row.line, message=message)
        elif row.status is Status.PARTLY:
            left = " … ".join(row.remainder)
            message = f'{skill.name}: of "{row.text}" nobody quotes "{left}"'
            yield Problem(path=document, line=row.line, message=message)


def lint_sabotage(skill: Skill, path: Path, sources: Sources) -> Iterator[Problem]:
    """Yield what is wrong with the variants of a skill, and what its claims may say too much."""
    sabotage = None
    if path.is_file():
        sabotage, problems = read_sabotage(path, skill, sources)
        yield from problems
    for line, message in doubts(skill, sources, sabotage):
        yield Problem(path=skill.path, line=line, message=message, severity=Severity.WARNING)
    bare = [claim.id for claim in skill.claims if sabotage is None or not sabotage.of(claim.id)]
    if bare:
        message = f"{len(bare)} claims without a variant in {path}: {', '.join(bare)}"
        yield Problem(path=skill.path, line=1, message=message, severity=Severity.WARNING)


def read_sources(probes_dir: Path) -> dict[str, str]:
    """Return the text of every probe module of a folder, and of those that every probe may use."""
    paths = [*own_probes_dir().glob("probe_*.erl"), *probes_dir.glob("*.erl")]
    return {path.stem: path.read_text(encoding="utf-8", errors="replace") for path in paths}


def _layout(claim_file: Path, claims_dir: Path) -> Iterator[Problem]:
    for path in _files(claim_file, claims_dir):
        if not is_laid_out(path):
            yield Problem(
                path=path,
                line=1,
                message=f"not in the one layout: beamproof lint {claim_file.stem} --fix",
                severity=Severity.WARNING,
            )


def _files(claim_file: Path, claims_dir: Path) -> list[Path]:
    """Return the claim file of a skill, and that of its variants where there is one."""
    variants = sabotage_path(claims_dir, claim_file.stem)
    return [claim_file, *([variants] if variants.is_file() else [])]


def _stray_variants(claims_dir: Path, paths: Mapping[str, Path]) -> Iterator[Problem]:
    for path in sorted((claims_dir / FOLDER).glob("*.toml")):
        if path.stem not in paths:
            meant = did_you_mean(path.stem, paths)
            message = f"no claim file {path.name} goes with these variants{meant}"
            yield Problem(path=path, line=1, message=message)


def _orphans(probes_dir: Path, modules: set[str]) -> Iterator[Problem]:
    for path in sorted(probes_dir.glob("*.erl")):
        if path.stem not in modules and not supports_probes(path.stem, modules):
            name = path.stem.replace("_", "-")
            message = f"no claim file {name}.toml goes with these probes"
            yield Problem(path=path, line=1, message=message)


def _no_probe(claim: Claim, module: ProbeModule) -> str:
    meant = did_you_mean(claim.probe, (probe.name for probe in module.probes))
    return f"{claim.id}: {module.path.name} exports no probe {claim.probe}/1{meant}"


def _probe(probe: Probe, *, unused: bool) -> Iterator[str]:
    if probe.arity != 1:
        yield f"a probe takes one map, this takes {probe.arity} arguments"
    if unused:
        yield (
            "no claim uses this probe: write one, or do not export it;"
            " what probes share goes into a module named after the skill (SKILL_tables)"
        )
    if not probe.has_spec:
        yield "it has no -spec"
    if not probe.doc or probe.doc.startswith(tuple(f"{one}:" for one in _HEADER_LINES)):
        yield "the comment before it does not open with what it provokes"
    if _UNFINISHED.search(probe.source):
        yield "it is not finished: it still says TODO"
    missing = [f"{one}:" for one in _HEADER_LINES if not _has_line(probe.doc, one)]
    if missing:
        yield f"the comment before it lacks {', '.join(missing)}"


def _has_line(doc: str, name: str) -> bool:
    return re.search(rf"^{name}:[ \t]*\n?[ \t]*\S", doc, re.MULTILINE) is not None
