"""The files of a skill folder, by the Agent Skills specification.

Knows: which pages there are. Must not know: what stands on them, where they are written.
"""

from __future__ import annotations

from collections.abc import Mapping

from harness.errors import InputError, NothingSelectedError
from harness.judge.view import RunView
from harness.report.proofs import proven
from harness.report.repro.escript import escript, why_not
from harness.report.skill.choice import by_topic
from harness.report.skill.front import ESCRIPT, MOST_NAME, SOURCES, Material, render_front
from harness.report.skill.references import page_names, render_sources, render_topic


def skill_files(
    view: RunView, name: str, sources: Mapping[str, str] | None = None
) -> tuple[tuple[str, bytes], ...]:
    """Return the files of a skill's folder, made of what a run confirms.

    Args:
        view: the judged run.
        name: of the skill.
        sources: the texts of the probes' modules by name; with them there is a program that
            tests the facts, as far as one can.

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
    shown = [one.claim for one in proofs if why_not(one.claim) is None]
    program = escript(shown, sources) if sources is not None and shown else None
    material = Material(
        run=view.run, skill=skill, proofs=proofs, pages=pages, escript=program is not None
    )
    texts = {
        "SKILL.md": render_front(material),
        **{f"references/{page}.md": render_topic(material, topic) for topic, page in pages.items()},
        f"references/{SOURCES}.md": render_sources(material),
        **({ESCRIPT: program} if program is not None else {}),
    }
    return tuple((path, text.encode("utf-8", "replace")) for path, text in texts.items())
