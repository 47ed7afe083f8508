"""A small judged run with something wrong in it, for every test of a report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support import synthetic_runs
from support.synthetic_runs import Files, Shape

from harness.claims.folder import load_skills
from harness.claims.model import Skill
from harness.judge.view import RunView, view
from harness.run.file import read_run

NEXT_NIGHT = {
    "run": "20261121T030000-bbbb",
    "started": "2026-11-21T03:00:00.000+00:00",
    "refuted": frozenset({2}),
    "seed": 8,
}


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Return claims, probes and two runs of two nights (`run.jsonl`, `next.jsonl`)."""
    folder = tmp_path_factory.mktemp("synthetic")
    made = synthetic_runs.write(folder)
    (folder / "next.jsonl").write_bytes(synthetic_runs.content(next_night(), made))
    return made


def next_night() -> Shape:
    """Return the shape of the second night: another claim is refuted, OTP 27 has a new patch."""
    return replace(Shape(), otp={**synthetic_runs.PATCHES, 27: "27.3.5"}, **NEXT_NIGHT)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def skills(files: Files) -> tuple[Skill, ...]:
    """Return the synthetic claims."""
    return load_skills(files.claims)


@pytest.fixture(scope="session")
def judged(files: Files, skills: tuple[Skill, ...]) -> RunView:
    """Return the first night, judged."""
    return view(read_run(files.run), skills)


@pytest.fixture(scope="session")
def judged_next(files: Files, skills: tuple[Skill, ...]) -> RunView:
    """Return the second night, judged."""
    return view(read_run(files.run.parent / "next.jsonl"), skills)


@pytest.fixture
def shards(files: Files, tmp_path: Path) -> list[Path]:
    """Return the first night as three runs, one a release."""
    paths = []
    for release in Shape().releases:
        paths.append(tmp_path / f"otp{release}.jsonl")
        one = replace(Shape(), releases=(release,), left_out_on=25, run=f"job-{release}")
        paths[-1].write_bytes(synthetic_runs.content(one, files))
    return paths


@pytest.fixture
def stored_half(files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Work in a folder with half a stored run; return the options that name the folders."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    first, *_ = files.run.read_bytes().splitlines(keepends=True)
    (tmp_path / "runs" / "one.jsonl").write_bytes(first)
    return ["--claims", str(files.claims), "--probes", str(files.probes), "--runs", "runs"]
