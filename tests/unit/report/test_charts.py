"""What charts say beside their curves: bands that are predicted, units that suit, no crowd."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

import pytest
from support.judging import claim, rival, when

from harness.judge.finding import Verdict
from harness.judge.trend import ClaimTrend, Point
from harness.report.html.bands import Band, bands_of
from harness.report.html.charts import Chart, lay_out
from harness.report.html.over_time import history
from harness.report.html.series import Curve, Mark, Plot, mark, plots
from harness.report.html.site import environment

ALL = {"otp26": "26.2.5", "otp27": "27.3.4"}


@pytest.mark.parametrize(
    ("expect", "ends", "said"),
    [
        (5, (5, 5), "5 ms"),
        ({"between": [1, 2]}, (1, 2), "1 to 2 ms"),
        ({"at_least": 2}, (2, None), "at least 2 ms"),
        ({"at_least": 2, "below": 9}, (2, 9), "2 to 9 ms"),
        ({"at_most": 2}, (None, 2), "at most 2 ms"),
        ({"approx": 10, "rel": 0.1}, (9, 11), "9 to 11 ms"),
    ],
)
def test_what_is_predicted_of_a_number_is_a_band(
    expect: object, ends: tuple[float | None, float | None], said: str
) -> None:
    """With one end, with both, or none between them."""
    (own, wrong) = bands_of(claim({"a_ms": expect}, rival({"a_ms": 99})), ALL)
    assert ((own.low, own.high), own.range_text, own.rival) == (ends, said, False)
    assert (wrong.label, wrong.rival) == ("rival: a_ms 99 ms", True)


@pytest.mark.parametrize("expect", ["x", True, {"not_equals": 3}, {"length": 3}, {"contains": 1}])
def test_what_is_no_stretch_of_numbers_is_no_band(expect: object) -> None:
    """Text, truth, what is left out, and lengths, which are of no axis."""
    assert not bands_of(claim({"a_count": expect}), ALL)


def test_bands_say_on_which_releases_they_are_predicted() -> None:
    """Where a `when` or a rival is about some only; those of elements have the element's path."""
    stated = claim(
        {"rows": {"all": {"b_us": {"below": 3}}}, "a_count": {"one_of": [1, 5]}},
        rival({"a_count": 7}, otp=">=27"),
        whens=(when(">=27", {"a_count": 6}),),
    )
    assert [band.label for band in bands_of(stated, ALL)] == [
        "rows.b_us at most 3 µs",
        "a_count 1 (OTP 26)",
        "a_count 5 (OTP 26)",
        "a_count 6 (OTP 27)",
        "rival: a_count 7 (OTP 27)",
    ]


def rows(**by: Any) -> dict[str, Any]:
    return {"points": [{"size_count": n, **{k: f(n) for k, f in by.items()}} for n in range(1, 9)]}


def drawn(*bands: Band, **by: Any) -> Chart:
    return lay_out(plots({"OTP 27": rows(**by)}, bands)[0])


def band(path: str, low: float | None, high: float | None, *, rival: bool = False) -> Band:
    return Band(path=path, low=low, high=high, rival=rival)


def test_a_band_is_an_area_and_a_threshold_a_line() -> None:
    """Claim and rival look different; each has its label inside and in the legend."""
    chart = drawn(
        band("points.a_us", 2, 4), band("knee_count", 5, 5), band("b_us", None, 3, rival=True),
        a_us=float,
    )  # fmt: skip
    assert [(len(one.shape), len(one.edges), one.rival) for one in chart.areas] == [
        (4, 2, False),
        (0, 1, False),
        (4, 1, True),
    ]
    assert [one.label for one in chart.areas] == [
        "points.a_us 2 to 4 µs",
        "knee_count 5",
        "rival: b_us at most 3 µs",
    ]
    assert len({round(one.y) for one in chart.areas}) == 3


def test_what_is_predicted_of_something_else_is_not_drawn() -> None:
    """Of another unit, of a number out of reach, and that there was some at all."""
    others = (band("a_bytes", 2, 4), band("far_us", 100, None), band("killed_count", 1, None))
    assert not drawn(*others, a_us=float).areas


def test_a_predicted_rise_is_a_wedge_of_the_key_that_it_is_of() -> None:
    """Between two powers, through the middle of a curve; not of another key of the series."""
    steep = band("growth_exponent", 0.8, 1.2)
    (chart,) = (lay_out(one) for one in plots({"OTP 27": rows(a_us=float)}, [steep]))
    (area,) = chart.areas
    assert len(area.edges) == 2
    assert len(area.shape) == sum(map(len, area.edges))
    both = plots({"OTP 27": rows(a_us=float, b_us=float)}, [steep])
    assert not any(plot.slopes for plot in both)
    named = plots({"OTP 27": rows(a_us=float, b_us=float)}, [band("b_growth_exponent", 1, None)])
    assert [bool(plot.slopes) for plot in named] == [False, True]
    elsewhere = plots({"OTP 27": {"x": rows(a_us=float)}}, [band("y.growth_exponent", 1, None)])
    assert not any(plot.slopes for plot in elsewhere)


def test_times_are_in_the_unit_that_suits_them() -> None:
    """What takes seconds is not told in nanoseconds, nor is what is predicted of it."""
    chart = drawn(band("points.a_ns", None, 4e9), a_ns=lambda n: n * 1e9)
    assert chart.y_name == "a (s)"
    assert chart.caption == "a (s) by size (count)"
    assert [tick.text for tick in chart.y_ticks][:2] == ["0", "2"]
    (area,) = chart.areas
    assert next(tick.at for tick in chart.y_ticks if tick.text == "4") == area.edges[0][0][1]
    assert drawn(a_us=float).y_name == "a (µs)"
    assert drawn(a_bytes=lambda n: n * 1e9).y_name == "a (bytes)"


def trend(*values: float) -> ClaimTrend:
    points = tuple(
        Point(run=f"r{n}", started=f"2026-11-{n + 1:02}T03:00:00+00:00", otp_version="27.3",
              verdict=Verdict.CONFIRMED, figures={"a_ratio": value})
        for n, value in enumerate(values)
    )  # fmt: skip
    return ClaimTrend(name="beam-test/law", points={"otp27": points})


def test_a_figure_over_time_shows_what_is_predicted_of_it() -> None:
    """With the axis reaching to it, unless it is far away."""
    told = history(trend(3, 4), [band("a_ratio", 2, None), band("a_ratio", None, 900, rival=True)])
    (area,) = lay_out(told.plots[0]).areas
    assert area.label == "a_ratio at least 2"
    assert not history(trend(3, 4), [band("b_ratio", 2, None)]).plots[0].marks


def test_many_predictions_leave_the_curves_to_be_seen() -> None:
    """At most four are drawn, and what is drawn is SVG whatever is in a label."""
    many = [band(f"<{n}>_us", n, n) for n in range(1, 9)]
    chart = drawn(*many, a_us=float)
    assert len(chart.areas) == 4
    draw = environment().get_template("chart.svg").module.draw  # type: ignore[attr-defined]
    ET.fromstring(draw(chart, "p", ""))  # noqa: S314 (our own)


def test_a_mark_outside_of_the_axis_is_no_area() -> None:
    """Nor is a band of which neither end is on it."""
    curve = Curve(label="OTP 27", points=((1.0, 1.0), (2.0, 2.0)))
    far = Mark(axis="y", low=None, high=500, label="far")
    chart = lay_out(Plot(path="p", x_key="x_count", y_key="y_us", curves=(curve,), marks=(far,)))
    assert chart.areas == ()
    assert mark("x", band("a_us", 1, 2)).axis == "x"
