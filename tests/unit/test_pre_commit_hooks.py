"""The hooks that other repositories take from this one."""

from __future__ import annotations

from pathlib import Path

import yaml

from harness.cli.main import cli, run

ROOT = Path(__file__).parents[2]


def test_a_hook_is_a_verb_that_takes_documents(tmp_path: Path) -> None:
    """As pre-commit calls it: the entry with the names of files behind it."""
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert {"id", "name", "entry", "language", "types"} <= hook.keys()
    program, verb, *options = hook["entry"].split()
    assert program == "beamproof"
    assert verb in cli.list_commands(None)  # type: ignore[arg-type]
    documents = [tmp_path / "one.md", tmp_path / "two.md"]
    for document in documents:
        document.write_text("Nothing is claimed.\n", encoding="utf-8")
    assert run([verb, *options, *map(str, documents)]) == 0
