"""A team begins with a folder of its own: found from below, never overwritten."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.authoring.lint import lint
from harness.authoring.project import init
from harness.errors import InputError
from harness.folders import default_claims_dir, default_probes_dir, new_folders


def test_the_folder_has_claims_probes_variants_and_ci(tmp_path: Path) -> None:
    """And nothing that lint complains about."""
    written = {str(path.relative_to(tmp_path)) for path in init(tmp_path, "our-timers")}
    assert written == {
        "claims/our-timers.toml",
        "claims/sabotage/our-timers.toml",
        "erlang_probes/our_timers.erl",
        ".github/workflows/beamproof.yml",
        ".pre-commit-config.yaml",
    }
    linted = lint(tmp_path / "claims", tmp_path / "erlang_probes", (), ())
    assert [str(one) for one in linted.problems] == []
    assert "SKILL" not in (tmp_path / "claims/our-timers.toml").read_text()


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """A second time nothing is written at all."""
    init(tmp_path, "our-vm")
    kept = tmp_path / "claims" / "our-vm.toml"
    kept.write_text("mine")
    with pytest.raises(InputError, match="is there already"):
        init(tmp_path, "our-vm")
    assert kept.read_text() == "mine"


@pytest.mark.parametrize("skill", ["Our-VM", "../x", "our_vm", ""])
def test_a_name_that_is_none_is_refused(tmp_path: Path, skill: str) -> None:
    """A skill is a file, a module and a word of the command line."""
    with pytest.raises(InputError, match="is no name of a skill"):
        init(tmp_path, skill)


def test_folders_are_found_from_below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The nearest that has both; without any, beamproof's own."""
    for name in ("BEAMPROOF_CLAIMS", "BEAMPROOF_PROBES"):
        monkeypatch.delenv(name, raising=False)
    outside = tmp_path / "outside"
    outside.mkdir()
    monkeypatch.chdir(outside)
    own = default_claims_dir(), default_probes_dir()
    assert (own[0] / "beam-memory-management.toml").is_file()
    assert new_folders(*own) == (Path("claims"), Path("erlang_probes"))
    init(tmp_path / "team", "our-vm")
    below = tmp_path / "team" / "deep" / "down"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    team = (tmp_path / "team" / "claims", tmp_path / "team" / "erlang_probes")
    assert (default_claims_dir(), default_probes_dir()) == team
    assert new_folders(*team) == team
