"""A run of a part hides nothing: of each cell the newest observation counts."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from harness.errors import InputError
from harness.run.file import RunWriter
from harness.run.latest import newest_of_each_cell, run_meant
from harness.run.model import (
    Footer,
    Header,
    LeftOutCell,
    Observation,
    Outcome,
    RuntimeRecord,
    Sample,
)
from harness.run.stored import note_latest

VM = RuntimeRecord(name="otp27", release=27, way="debian", origin="erlang", digest="27.3")


def observation(*claims: str, value: int) -> Observation:
    return Observation(
        call=f"s:{claims[0]}#0",
        cells=tuple(f"s/{claim}@otp27" for claim in claims),
        runtime="otp27",
        probe="s:p",
        probe_sha256="0",
        at="2026-01-01T00:00:00Z",
        samples=(Sample(evidence={"x_count": value}, elapsed_us=5, node="n"),),
    )


def store(
    folder: Path,
    name: str,
    *seen: Observation,
    planned: str = "",
    out: str = "",
    vm: RuntimeRecord = VM,
) -> None:
    cells = [cell for one in seen for cell in one.cells]
    header = Header(
        run=name,
        beamproof="0",
        started="2026-01-01T00:00:00Z",
        command=("beamproof", "verify"),
        cells=(*cells, *(f"s/{claim}@otp27" for claim in planned.split())),
        left_out=tuple(
            LeftOutCell(cell=f"s/{claim}@otp27", reason="no engine") for claim in out.split()
        ),
        claims_sha256={"s": name},
        probes_sha256={},
        runtimes=(vm,),
    )
    with RunWriter(folder / f"{name}.jsonl") as writer:
        writer.append(header)
        for one in seen:
            writer.append(one)
        writer.finish(
            Footer(ended=header.started, outcome=Outcome.COMPLETE, observations=len(seen))
        )
    note_latest(folder / f"{name}.jsonl")


def values(folder: Path) -> dict[str, int]:
    by_cell = newest_of_each_cell(folder).by_cell
    return {cell.claim: one.samples[0].evidence["x_count"] for cell, one in by_cell.items()}  # type: ignore[index]


def test_a_small_run_after_a_whole_one_changes_only_its_cells(tmp_path: Path) -> None:
    """The order is that of the whole run, path and hashes are the newest's."""
    store(tmp_path, "whole", observation("a", value=1), observation("b", "c", value=1))
    store(tmp_path, "part", observation("b", value=2))
    assert values(tmp_path) == {"a": 1, "b": 2, "c": 1}
    run = newest_of_each_cell(tmp_path)
    assert run.path.stem == "part"
    assert run.header.cells == ("s/a@otp27", "s/b@otp27", "s/c@otp27")
    assert run.header.claims_sha256 == {"s": "part"}
    assert run_meant("latest", tmp_path) == run_meant(None, tmp_path) == run
    assert set(run_meant("part", tmp_path).by_cell) == {"s/b@otp27"}


def test_what_was_left_out_last_is_left_out(tmp_path: Path) -> None:
    """An older observation says nothing against a reason of today."""
    store(tmp_path, "whole", observation("a", value=1), observation("b", value=1))
    store(tmp_path, "later", observation("b", value=2), out="a")
    run = newest_of_each_cell(tmp_path)
    assert set(run.by_cell) == {"s/b@otp27"}
    assert [one.cell for one in run.header.left_out] == ["s/a@otp27"]


def test_what_was_planned_and_not_reached_keeps_its_older_observation(tmp_path: Path) -> None:
    """A run that was cut short takes nothing away."""
    store(tmp_path, "whole", observation("a", value=1), observation("b", value=1))
    store(tmp_path, "cut", observation("a", value=2), planned="b c")
    assert values(tmp_path) == {"a": 2, "b": 1}
    assert newest_of_each_cell(tmp_path).missing == ("s/c@otp27",)


def test_another_vm_of_the_same_name_is_another_vm(tmp_path: Path) -> None:
    """Evidence of two builds never stands in one column."""
    other = msgspec.structs.replace(VM, way="docker", origin="erlang:27")
    store(tmp_path, "trees", observation("a", value=1))
    store(tmp_path, "images", observation("b", value=2), vm=other)
    assert values(tmp_path) == {"b": 2}


def test_files_that_are_no_runs_are_passed_over(tmp_path: Path) -> None:
    """An empty one is nobody's latest."""
    store(tmp_path, "whole", observation("a", value=1))
    (tmp_path / ".latest").unlink()
    (tmp_path / "empty.jsonl").touch()
    (tmp_path / "odd.jsonl").write_text("odd\n")
    store(tmp_path, "part", observation("b", value=2))
    assert values(tmp_path) == {"a": 1, "b": 2}
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError, match="there is no run"):
        newest_of_each_cell(tmp_path / "none")
