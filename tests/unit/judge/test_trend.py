"""Verdicts and key figures over many runs."""

from __future__ import annotations

from harness.judge.finding import Verdict
from harness.judge.trend import in_order, trends
from harness.judge.view import RunView
from harness.report.terminal.history import trend_text


def test_runs_stand_in_the_order_in_which_they_were_made(
    judged: RunView, judged_next: RunView
) -> None:
    """Whatever the order of the files, and each run once."""
    assert in_order([judged_next, judged, judged_next]) == (judged, judged_next)


def test_a_claims_trend_has_a_point_a_run_and_release(
    judged: RunView, judged_next: RunView
) -> None:
    """With the verdict, the patch release and the numbers that the predictions are about."""
    found = trends([judged, judged_next])["beam-skill-a/claim-001"]
    assert [point.verdict for point in found.points["otp27"]] == [
        Verdict.REFUTED,
        Verdict.CONFIRMED,
    ]
    assert [point.otp_version for point in found.points["otp27"]] == ["27.3.4.1", "27.3.5"]
    assert found.verdict_changes == 1
    figures = found.figures()
    assert set(figures) == {"growth_exponent", "knee_count"}
    assert [value for _, value in figures["knee_count"]["otp25"]] == [1000, 1000]


def test_a_trend_is_readable_in_a_terminal(judged: RunView, judged_next: RunView) -> None:
    """A line of verdicts a release, then a small curve a figure."""
    found = trends([judged, judged_next])["beam-skill-a/claim-001"]
    text = trend_text([found], [judged.run.header.started, judged_next.run.header.started])
    assert text.startswith("2 runs, the oldest on the left: 20 November 2026, 03:00 UTC to 21 ")
    assert "  otp27  ✘✔" in text
    assert "1.9, now" in text
    assert "1000 in all 2" in text
