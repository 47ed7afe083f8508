"""What changed between two runs is found, and nothing that merely scatters."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from harness.claims.model import Skill
from harness.errors import InputError
from harness.judge.compare import Direction, compare
from harness.judge.drift import shifts
from harness.judge.finding import Verdict
from harness.judge.view import RunView, view
from harness.report.markdown import render_comparison
from harness.report.terminal.history import comparison_text
from harness.run.model import Sample


def samples(*evidence: dict[str, Any]) -> tuple[Sample, ...]:
    return tuple(Sample(evidence=one, elapsed_us=1, node="n") for one in evidence)


def test_changed_verdicts_are_listed_worst_first(judged: RunView, judged_next: RunView) -> None:
    """A cell that fell, a cell that rose, each with its reason and the command to repeat it."""
    found = compare(judged, judged_next)
    assert [(one.cell, one.direction) for one in found.verdicts] == [
        ("beam-skill-a/claim-002@otp27", Direction.WORSE),
        ("beam-skill-b/claim-002@otp27", Direction.WORSE),
        ("beam-skill-a/claim-001@otp27", Direction.BETTER),
        ("beam-skill-b/claim-001@otp27", Direction.BETTER),
    ]
    assert found.worse
    assert "predicted at least 2" in found.verdicts[0].new_reason
    assert found.verdicts[0].repeat == "beamproof verify beam-skill-a --claim claim-002 --otp 27"


def test_a_run_compared_with_itself_has_no_difference(judged: RunView) -> None:
    """The refuted cells of both are no news."""
    found = compare(judged, judged)
    assert found.unchanged
    assert not found.worse


def test_changed_builds_are_named_field_by_field(judged: RunView, judged_next: RunView) -> None:
    """A new patch release and the new image are told."""
    builds = compare(judged, judged_next).builds
    assert {(one.runtime, one.field) for one in builds} == {
        ("otp27", "digest"),
        ("otp27", "otp_version"),
    }
    assert [one.new for one in builds if one.field == "otp_version"] == ["27.3.5"]


def test_new_and_gone_cells_are_told(judged: RunView) -> None:
    """A release that is new alarms when something on it is not confirmed."""
    without = cut(judged, "@otp27")
    grown, shrunk = compare(without, judged), compare(judged, without)
    assert len(grown.added) == len(shrunk.gone) == 16
    assert grown.worse
    assert {one.runtime for one in shrunk.builds} == {"otp27"}


def test_what_is_not_observed_any_more_is_worse(judged: RunView) -> None:
    """In one line a release with the count, however many cells it has; and never better."""
    shrunk = compare(judged, cut(judged, "@otp27"))
    assert shrunk.worse
    assert [(one.runtime, one.gone, one.of) for one in shrunk.lost] == [("otp27", 16, 16)]
    line = "OTP 27: all 16 cells gone, 12 of them confirmed before"
    assert line in comparison_text(shrunk)
    assert f"- {line}" in render_comparison(shrunk)
    assert not any(one.direction is Direction.BETTER for one in shrunk.verdicts)
    few = compare(judged, cut(judged, "/claim-000@otp27"))
    assert "OTP 27: 2 of 16 cells gone, 2 of them confirmed before: beam-skill-a" in (
        comparison_text(few)
    )


def test_only_common_cells_when_told_so(judged: RunView) -> None:
    """Whoever ran a part on purpose asks for that part."""
    shrunk = compare(judged, cut(judged, "@otp27"), common_only=True)
    assert not shrunk.worse
    assert not shrunk.gone


def test_many_that_changed_alike_are_one_line(judged: RunView) -> None:
    """A release that cannot be had is a line, not a line a claim."""
    header = judged.run.header
    out = tuple(cell for cell in header.cells if cell.endswith("@otp27"))
    lost = msgspec.structs.replace(
        cut(judged, "@otp27").run,
        header=msgspec.structs.replace(
            header,
            cells=tuple(cell for cell in header.cells if cell not in out),
            left_out=tuple(
                msgspec.structs.replace(header.left_out[0], cell=cell, reason="no engine")
                for cell in out
            ),
        ),
    )
    text = comparison_text(compare(judged, view(lost, skills_of(judged))))
    lines = [line for line in text.splitlines() if line.startswith("  worse: ")]
    assert len(lines) == 1
    assert lines[0].startswith("  worse: OTP 27: 12 cells: beam-skill-a/claim-000, ")
    assert lines[0].endswith(" and 9 more  confirmed -> skipped")


def cut(judged: RunView, ending: str) -> RunView:
    """Return the run without the cells of a runtime."""
    header = judged.run.header
    run = msgspec.structs.replace(
        judged.run,
        observations=tuple(o for o in judged.run.observations if not o.cells[0].endswith(ending)),
        header=msgspec.structs.replace(
            header,
            cells=tuple(cell for cell in header.cells if not cell.endswith(ending)),
            left_out=tuple(one for one in header.left_out if not one.cell.endswith(ending)),
            runtimes=tuple(one for one in header.runtimes if not ending.endswith(one.name)),
        ),
    )
    return view(run, skills_of(judged))


def skills_of(judged: RunView) -> list[Skill]:
    return [
        Skill(
            name=skill.name,
            description=skill.description,
            claims=tuple(one.claim for one in skill.claims),
        )
        for skill in judged.skills
    ]


def test_a_proof_that_was_lost_is_worse(judged: RunView) -> None:
    """Confirmed last night and left out tonight: nobody proves it any more."""
    header, cell = judged.run.header, "beam-skill-a/claim-000@otp25"
    lost = msgspec.structs.replace(
        judged.run,
        observations=tuple(one for one in judged.run.observations if one.cells != (cell,)),
        header=msgspec.structs.replace(
            header,
            cells=tuple(one for one in header.cells if one != cell),
            left_out=(
                *header.left_out,
                msgspec.structs.replace(header.left_out[0], cell=cell, reason="no engine"),
            ),
        ),
    )
    found = compare(judged, view(lost, skills_of(judged)))
    assert [(one.old, one.new) for one in found.verdicts] == [(Verdict.CONFIRMED, Verdict.SKIPPED)]
    assert found.worse


def test_runs_without_a_common_cell_cannot_be_compared(judged: RunView) -> None:
    """Two runs of different releases are to be merged, not compared."""
    old, new = cut(cut(judged, "@otp27"), "@otp26"), cut(judged, "@otp25")
    with pytest.raises(InputError, match="no cell in common") as refused:
        compare(old, new)
    assert "beamproof merge" in str(refused.value)


def test_other_sources_and_a_wrong_order_are_told(judged: RunView, judged_next: RunView) -> None:
    """A change of the claims or the probes may explain what the VM does not."""
    header = msgspec.structs.replace(
        judged.run.header,
        claims_sha256={"beam-skill-a": "1", "beam-skill-b": "2"},
        beamproof="0.0.9",
    )
    old = view(msgspec.structs.replace(judged.run, header=header), skills_of(judged))
    notes = " ".join(compare(old, judged_next).notes)
    assert "The claims changed between the runs: beam-skill-a, beam-skill-b." in notes
    assert "beamproof 0.0.9" in notes
    assert "right order" in " ".join(compare(judged_next, judged).notes)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ([{"largest_bytes": 64}], [{"largest_bytes": 80}]),
        ([{"queue_count": 10}], [{"queue_count": 11}]),
        ([{"survives": True}], [{"survives": False}]),
        ([{"exit_reason": "killed"}], [{"exit_reason": "normal"}]),
        ([{"a": {"b_count": 1}}], [{"a": {"c_count": 1}}]),
        ([{"time_us": 10}], [{"time_us": 40}]),
        (
            [{"slower_ratio": 2.0}, {"slower_ratio": 2.2}],
            [{"slower_ratio": 5.0}, {"slower_ratio": 5.1}],
        ),
        (
            [{"points": [{"x_count": 1, "y_bytes": 10}]}],
            [{"points": [{"x_count": 1, "y_bytes": 20}]}],
        ),
    ],
)
def test_evidence_that_moved_beyond_its_spread_is_found(
    old: list[dict[str, Any]], new: list[dict[str, Any]]
) -> None:
    """Counts, texts and truths are exact; measured numbers move when their ranges part."""
    assert shifts(samples(*old), samples(*new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ([{"time_us": 10}], [{"time_us": 18}]),
        ([{"heap_words": 10_000}], [{"heap_words": 10_400}]),
        (
            [{"slower_ratio": 2.0}, {"slower_ratio": 4.0}],
            [{"slower_ratio": 3.9}, {"slower_ratio": 6.0}],
        ),
        ([{"owner_text": "<0.99.0>"}], [{"owner_text": "<0.105.0>"}]),
        ([{"handle_text": "#Ref<0.1.2.3>"}], [{"handle_text": "#Ref<0.4.5.6>"}]),
        ([{"order_text": "a"}, {"order_text": "b"}], [{"order_text": "b"}]),
        ([{"values": [1, 2]}], [{"values": [1, 2]}]),
        ([{"flat_exponent": -2.8e-06}], [{"flat_exponent": 0.0}]),
    ],
)
def test_evidence_that_only_scatters_is_not_told(
    old: list[dict[str, Any]], new: list[dict[str, Any]]
) -> None:
    """Names of processes change in every run, durations on every machine."""
    assert shifts(samples(*old), samples(*new)) == ()


def test_the_points_of_a_series_are_told_as_one() -> None:
    """The largest move stands for the curve, with the count of those that moved."""
    old = [{"x_count": n, "y_bytes": 10} for n in range(5)]
    new = [{"x_count": n, "y_bytes": 10 * (n + 1)} for n in range(5)]
    (moved,) = shifts(samples({"points": old}), samples({"points": new}))
    assert (moved.path, moved.points, moved.old, moved.new) == ("points[].y_bytes", 4, "10", "50")


def test_failed_samples_have_no_evidence_to_move() -> None:
    """A crash is a verdict's business."""
    assert shifts((), samples({"a": 1})) == ()
