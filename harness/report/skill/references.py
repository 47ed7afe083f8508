"""The references of a skill: a page a topic with the evidence of its facts, and one of sources.

Knows: proven claims, Markdown. Must not know: files.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence

from harness.authoring.marks import write_covers
from harness.judge.finding import Finding
from harness.report.proofs import (
    Proven,
    against,
    code,
    elsewhere,
    joined,
    mark,
    moved,
    prose,
    version,
)
from harness.report.skill.front import SOURCES, Material

_WORD = re.compile(r"[a-z0-9]+")
_MOST = 48
"""Characters of a file name."""


def page_names(topics: Iterable[str]) -> dict[str, str]:
    """Return a file name for each topic, without ending, no two alike."""
    names: dict[str, str] = {}
    for topic in topics:
        names[topic] = _free(_slug(topic), {SOURCES, *names.values()})
    return names


def _slug(topic: str) -> str:
    """Return a topic's words as a file name, as many as there is room for."""
    words = _WORD.findall(topic.lower()) or ["facts"]
    most = max(n for n in range(1, len(words) + 1) if n == 1 or len("-".join(words[:n])) <= _MOST)
    return "-".join(words[:most])[:_MOST]


def _free(name: str, taken: Collection[str]) -> str:
    number = 2
    free = name
    while free in taken:
        free, number = f"{name}-{number}", number + 1
    return free


def render_topic(material: Material, topic: str) -> str:
    """Return the page of a topic: every fact of it with its evidence."""
    lines = [f"# {topic}", "", write_covers(material.covers)]
    lines += ["", f"Of the skill [{material.skill.name}](../SKILL.md)."]
    for proof in material.topics[topic]:
        lines += ["", *_fact(material, proof)]
    return "\n".join(lines) + "\n"


def _fact(material: Material, proof: Proven) -> Iterator[str]:
    claim = proof.claim
    yield f"## {claim.id}"
    yield ""
    yield f"{prose(claim.statement)} {mark(proof, material.covers)}"
    yield from _releases(material, proof)
    yield ""
    yield from _evidence(proof.findings)
    said = [(one, against(proof, one.statement)) for one in claim.rivals]
    if any(why for _, why in said):
        yield ""
        yield "Wrongly believed:"
        yield ""
        yield from (f'- "{prose(one.statement)}" {why}' for one, why in said if why)
    yield ""
    yield f"Check: `beamproof verify {claim.skill} --claim {claim.id}`"
    if claim.sources:
        yield ""
        yield f"Sources: {', '.join(f'<{one}>' for one in claim.sources)}"


def _releases(material: Material, proof: Proven) -> Iterator[str]:
    claim = proof.claim
    for said in moved(claim):
        yield ""
        yield prose(said)
    if claim.otp:
        yield ""
        yield " ".join([f"It is about OTP {claim.otp}.", *map(prose, elsewhere(proof))])
    elif proof.versions != material.versions:
        yield ""
        yield f"Seen on OTP {joined(proof.versions)} alone."


def _evidence(findings: Sequence[Finding]) -> Iterator[str]:
    """Yield a table: what was predicted and found at each key, a column a release."""
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for finding in findings:
        for check in finding.checks:
            row = rows.setdefault((check.path, check.predicted), {})
            row[version(finding)] = check.found_text
    columns = [version(finding) for finding in findings]
    yield f"| measured | predicted | {' | '.join(columns)} |"
    yield "|---" * (len(columns) + 2) + "|"
    for (path, predicted), row in rows.items():
        values = " | ".join(code(row[one]) if one in row else "" for one in columns)
        yield f"| {code(path)} | {code(predicted)} | {values} |"


def render_sources(material: Material) -> str:
    """Return every source with the facts that rest on it."""
    facts: dict[str, list[str]] = {}
    for proof in material.proofs:
        topic = next(name for name, found in material.topics.items() if proof in found)
        page = material.pages[topic]
        for source in proof.claim.sources:
            facts.setdefault(source, []).append(f"[{proof.claim.id}]({page}.md#{proof.claim.id})")
    lines = ["# Sources", "", f"Of the skill [{material.skill.name}](../SKILL.md).", ""]
    lines += [f"- <{source}>: {', '.join(found)}" for source, found in sorted(facts.items())]
    return "\n".join(lines) + "\n"
