"""Where things lie: by variable, by the project's own word, beside beamproof."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import folders
from harness.errors import InputError

TABLE = """
[tool.beamproof]
claims = "proofs/claims"
probes = "proofs/probes"
sources = ["https://hexdocs.pm/"]
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand deep in a project, without variables; return the project's own folder."""
    for variable in ("BEAMPROOF_CLAIMS", "BEAMPROOF_PROBES"):
        monkeypatch.delenv(variable, raising=False)
    inside = tmp_path / "src" / "deep"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    return tmp_path


def test_a_project_names_its_folders_and_sources(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From anywhere below its pyproject.toml; a variable still has the last word."""
    (root / "pyproject.toml").write_text(TABLE)
    assert folders.default_claims_dir() == root / "proofs" / "claims"
    assert folders.default_probes_dir() == root / "proofs" / "probes"
    assert folders.project().sources == ("https://hexdocs.pm/",)
    monkeypatch.setenv("BEAMPROOF_CLAIMS", "/elsewhere")
    assert folders.default_claims_dir() == Path("/elsewhere")


def test_other_projects_say_nothing(root: Path) -> None:
    """Then the folders are those beside beamproof."""
    (root / "pyproject.toml").write_text("[tool.other]\nclaims = 3\n")
    assert folders.project() == folders.Project()
    assert folders.default_probes_dir() == folders.own_probes_dir()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("claims =", "claim =", 'has no key "claim"; did you mean "claims"?'),
        ('"proofs/probes"', "3", "probes is no folder: 3"),
        ("https://", "", "sources is no list of addresses"),
        ("[tool.beamproof]", "[tool.beamproof]\n[", "not TOML"),
    ],
)
def test_a_wrong_table_is_refused(root: Path, old: str, new: str, message: str) -> None:
    """With the file, and with what was probably meant."""
    (root / "pyproject.toml").write_text(TABLE.replace(old, new, 1))
    with pytest.raises(InputError, match=r"pyproject\.toml") as error:
        folders.project()
    assert message in error.value.message


def test_what_lies_outside_the_project_is_foreign(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The project's own folders are not, nor beamproof's; without a project its folder counts."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    assert folders.is_foreign(root / "proofs")
    (root / "pyproject.toml").write_text("")
    assert not folders.is_foreign(root / "proofs")
    assert folders.is_foreign(elsewhere)
    assert not folders.is_foreign(folders.own_probes_dir())
