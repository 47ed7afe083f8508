"""The Erlang sources as they are read: short lines, small modules, a spec for every export."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PROBES = Path(__file__).parents[2] / "erlang_probes"
SOURCES = sorted(PROBES.glob("*.erl"))
NAMES = {path.stem for path in SOURCES}
WIRE = {"probe_bridge", "probe_peer", "probe_state"}
"""One module each on purpose: the first frame, a peer's whole life, what a VM is compared by."""
CALLBACKS = {"init", "handle_call", "handle_cast", "handle_info", "terminate", "code_change",
             "start", "stop", "handle_event", "callback_mode", "undefined_function",
             "undefined_lambda", "handle_continue"}  # fmt: skip


def is_skill(name: str) -> bool:
    """Tell whether a module holds the probes of a skill, and no apparatus."""
    return not name.startswith("probe_") and not any(name.startswith(f"{it}_") for it in NAMES)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_lines_fit_the_screen(path: Path) -> None:
    """120 columns; the address of a source may be longer."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        assert len(line) <= 120 or "https://" in line, f"{path.name}:{number}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_apparatus_is_in_modules_that_can_be_read(path: Path) -> None:
    """350 lines; a skill's own module has a probe a claim and may be longer."""
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= 350 or is_skill(path.stem) or path.stem in WIRE


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_every_export_has_a_spec(path: Path) -> None:
    """What a function takes and gives is said where it stands."""
    text = path.read_text(encoding="utf-8")
    assert "-import(" not in text, "a call says where its function lives"
    exported = {
        name
        for block in re.findall(r"^-export\(\[(.*?)\]\)", text, re.DOTALL | re.MULTILINE)
        for name in re.findall(r"([a-z]\w*)/\d", block)
    }
    specified = set(re.findall(r"^-spec ([a-z]\w*)", text, re.MULTILINE))
    assert exported - specified - CALLBACKS == set()
