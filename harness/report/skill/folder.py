"""The files of a skill folder, by the Agent Skills specification.

Knows: which pages there are. Must not know: what stands on them, where they are written.
"""

from __future__ import annotations

from harness.errors import InputError, NothingSelectedError
from harness.judge.view import RunView
from harness.report.proofs import proven
from harness.report.skill.choice import by_topic
from harness.report.skill.front import MOST_NAME, SOURCES, Material, render_front
from harness.report.skill.references import page_names, render_sources, render_topic


def skill_files(view: RunView, name: str) -> tuple[tuple[str, bytes], ...]:
    """Return the files of a skill's folder, made of what a run confirms.

    Returns:
        Pairs of name within the folder and content, `SKILL.md` first; the same for equal input.

    Raises:
        InputError: the name is longer than the specification allows.
        NothingSelectedError: the run confirms no claim of the skill.
    """
    if len(name) > MOST_NAME:
        raise InputError(f"{name}: a skill's name has at most {MOST_NAME} characters")
    skill = next((one for one in view.skills if one.name == name), None)
    proofs = () if skill is None else proven(skill)
    if skill is None or not proofs:
        raise NothingSelectedError(
            f"the run {view.run.header.run} confirms no claim of {name}",
            hint=f"beamproof verify {name} makes one; another is named with --run RUN",
        )
    pages = page_names(by_topic(proofs))
    material = Material(run=view.run, skill=skill, proofs=proofs, pages=pages)
    texts = {
        "SKILL.md": render_front(material),
        **{f"references/{page}.md": render_topic(material, topic) for topic, page in pages.items()},
        f"references/{SOURCES}.md": render_sources(material),
    }
    return tuple((path, text.encode("utf-8", "replace")) for path, text in texts.items())
