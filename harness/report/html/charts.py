"""Draw plots as static SVG whose colours come from the page's style sheet.

Knows: leather, axes, how a chart is read without colours. Must not know: claims or evidence.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any
from xml.etree import ElementTree as ET

import leather
from leather import theme

from harness.report.html.series import Curve, Mark, Plot, words

WIDTH, HEIGHT = 420, 250
"""The view box, in units of about one pixel on a narrow screen."""

COLOURS = 8
"""How many colours the style sheet has for curves, `--c0` and so on."""

# leather is set up by its module of settings; every colour is left to the page's style sheet.
theme.background_color = "none"
theme.margin = 0.025
theme.tick_color = "var(--grid)"
theme.zero_color = "var(--axis)"
theme.label_color = theme.axis_title_color = "var(--muted)"
theme.tick_font_family = theme.axis_title_font_family = "inherit"
theme.tick_font_size = theme.axis_title_font_size = 11
theme.tick_font_char_width = 6
theme.tick_font_char_height = 11
theme.axis_title_font_char_width = 6
theme.axis_title_gap = 16

_FAR = 4
"""What was swept is drawn from zero when it starts below this share of its end."""

_WIDE = 32
"""Values that spread over more than this factor, most of them small, are drawn on a log axis."""


class _Axis(leather.Scale):  # type: ignore[misc]  # leather has no types
    """Place numbers on a line, linear or logarithmic, from one round number to another."""

    def __init__(self, values: Sequence[float], *, from_zero: bool = True) -> None:
        self._log = _is_wide(values)
        self._ticks = _decades(values) if self._log else _round_steps(values, from_zero=from_zero)
        self._low, self._high = self._at(self._ticks[0]), self._at(self._ticks[-1])

    def _at(self, value: float) -> float:
        return math.log10(value) if self._log else value

    def contains(self, value: float) -> bool:
        if self._log and value <= 0:
            return False
        return self._low <= self._at(float(value)) <= self._high

    def project(self, value: float, range_min: float, range_max: float) -> float:
        share = (self._at(float(value)) - self._low) / (self._high - self._low)
        return round(range_min + (range_max - range_min) * share, 1)

    def ticks(self) -> list[float]:
        return self._ticks

    def format_tick(self, value: float, _index: int, _count: int) -> str:
        return short(value)


def _is_wide(values: Sequence[float]) -> bool:
    low, high = min(values), max(values)
    return low > 0 and high / low >= _WIDE and median(values) < (low + high) / 4


def _decades(values: Sequence[float]) -> list[float]:
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    step = max(1, (high - low) // 5)
    ticks = [10.0**power for power in range(low, high + step, step)]
    inner = [tick for tick in ticks[1:] if tick >= max(values)][:1]
    kept = [tick for tick in ticks if not inner or tick <= inner[0]]
    return kept if len(kept) > 1 else [kept[0], kept[0] * 10]


def _round_steps(values: Sequence[float], *, from_zero: bool) -> list[float]:
    """Return two to seven round numbers around the values, zero among them where asked for."""
    zero = [0.0] if from_zero else []
    low, high = min(*zero, *values, values[0]), max(*zero, *values, values[0])
    if low == high:
        high = low + 1
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough)
    if all(value == int(value) for value in values):
        step = max(1.0, float(math.ceil(step)))
    first, last = math.floor(low / step), math.ceil(high / step)
    return [round(index * step, 12) for index in range(first, last + 1)]


_SIZES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def short(value: float) -> str:
    """Return a number as an axis prints it, e.g. `20k`."""
    for size, letter in _SIZES:
        if abs(value) >= size:
            return f"{value / size:.4g}{letter}"
    return f"{value:.4g}"


def _element(tag: str, **attributes: object) -> ET.Element:
    names = {name.rstrip("_").replace("_", "-"): str(value) for name, value in attributes.items()}
    return ET.Element(tag, names)


def _circle(x: float, y: float) -> ET.Element:
    return _element("circle", cx=x, cy=y, r=3)


def _square(x: float, y: float) -> ET.Element:
    return _element("rect", x=round(x - 2.6, 1), y=round(y - 2.6, 1), width=5.2, height=5.2)


def _triangle(x: float, y: float) -> ET.Element:
    return _element("path", d=f"M{x:.1f} {y - 3.6:.1f}l3.6 6.2h-7.2z")


def _diamond(x: float, y: float) -> ET.Element:
    return _element("path", d=f"M{x:.1f} {y - 3.9:.1f}l3.9 3.9l-3.9 3.9l-3.9 -3.9z")


MARKERS: tuple[Callable[[float, float], ET.Element], ...] = (_circle, _square, _triangle, _diamond)
"""A release is told by its marker as well, for readers who do not tell its colour."""


@dataclass(frozen=True, slots=True)
class _Line:
    """Draw one curve with a marker a point; the shape that leather asks for."""

    curve: Curve
    index: int

    def validate_series(self, _series: object) -> None:
        """Take every series: the points are numbers by construction."""

    def legend_to_svg(self, _series: object, _palette: object) -> list[Any]:
        """Leave the legend to the page, where it wraps."""
        return []

    def to_svg(
        self, width: float, height: float, x: _Axis, y: _Axis, _series: object, _palette: object
    ) -> ET.Element:
        group = _element("g", class_=f"curve c{self.index % COLOURS}")
        places = [(x.project(a, 0, width), y.project(b, height, 0)) for a, b in self.curve.points]
        group.append(
            _element("path", class_="line", d="M" + "L".join(f"{a} {b}" for a, b in places))
        )
        marker = MARKERS[self.index % len(MARKERS)]
        for (a, b), place in zip(self.curve.points, places, strict=True):
            dot = marker(*place)
            ET.SubElement(dot, "title").text = f"{self.curve.label}: {a:g} → {b:.6g}"
            group.append(dot)
        return group


@dataclass(frozen=True, slots=True)
class _Threshold:
    """Draw a predicted number as a dashed line across the chart, with its name."""

    mark: Mark
    index: int

    def validate_series(self, _series: object) -> None:
        """Take every series: the line needs none."""

    def legend_to_svg(self, _series: object, _palette: object) -> list[Any]:
        """Name the line on the line."""
        return []

    def to_svg(
        self, width: float, height: float, x: _Axis, y: _Axis, _series: object, _palette: object
    ) -> ET.Element:
        group = _element("g", class_="threshold")
        if self.mark.axis == "x":
            at = x.project(self.mark.value, 0, width)
            group.append(_element("line", x1=at, x2=at, y1=0, y2=height))
            left = at > width / 2
            text = _element(
                "text",
                x=at - 4 if left else at + 4,
                y=10 + 12 * self.index,
                text_anchor="end" if left else "start",
            )
        else:
            at = y.project(self.mark.value, height, 0)
            group.append(_element("line", x1=0, x2=width, y1=at, y2=at))
            text = _element("text", x=width - 2, y=at - 4, text_anchor="end")
        text.text = self.mark.label
        group.append(text)
        return group


def draw(plot: Plot, *, identity: str) -> str:
    """Return the plot as an SVG element for the page.

    Args:
        plot: at least one curve of at least one point.
        identity: unique on the page; the title's id is made of it.
    """
    chart = leather.Chart()
    points = [point for curve in plot.curves for point in curve.points]
    swept = [x for x, _ in points]
    chart.add_x_axis(name=words(plot.x_key))
    chart.add_y_axis(name=words(plot.y_key))
    x, y = _Axis(swept, from_zero=min(swept) * _FAR < max(swept)), _Axis([y for _, y in points])
    chart.set_x_scale(x)
    chart.set_y_scale(y)
    shown = [one for one in plot.marks if (x if one.axis == "x" else y).contains(one.value)]
    for shape in _shapes(shown, plot.curves):
        chart.add_series(leather.Series(points[:1]), shape)
    svg = _element(
        "svg",
        class_="chart",
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        aria_labelledby=f"{identity}-title",
    )
    title = ET.SubElement(svg, "title", id=f"{identity}-title")
    title.text = f"{plot.title}; {', '.join(curve.label for curve in plot.curves)}"
    svg.append(_slim(chart.to_svg_group(WIDTH, HEIGHT)))
    return ET.tostring(svg, encoding="unicode")


_STYLED = ("font-family", "font-size", "stroke-width")


def _slim(group: ET.Element) -> ET.Element:
    """Take away what the style sheet says once for all labels and lines of the grid."""
    for element in group.iter():
        if element.tag == "text" and "fill" in element.attrib:
            del element.attrib["fill"]
        if element.get("stroke") == theme.tick_color:
            del element.attrib["stroke"]
        for name in _STYLED:
            element.attrib.pop(name, None)
    return group


def _shapes(marks: Iterable[Mark], curves: Iterable[Curve]) -> Iterable[_Line | _Threshold]:
    for index, mark in enumerate(marks):
        yield _Threshold(mark, index)
    for index, curve in enumerate(curves):
        yield _Line(curve, index)


def swatch(index: int) -> str:
    """Return the marker of a curve as a small SVG for the legend."""
    svg = _element("svg", class_=f"swatch curve c{index % COLOURS}", viewBox="0 0 10 10")
    svg.set("aria-hidden", "true")
    svg.append(MARKERS[index % len(MARKERS)](5.0, 5.0))
    return ET.tostring(svg, encoding="unicode")
