"""Releases side by side: a column each, or one of neighbours that agree; what was skipped where.

Knows: judged runs. Must not know: markup.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass

from harness.judge.finding import Verdict
from harness.judge.view import RunView, SkillView
from harness.report.releases import MANY, is_one_of_several, labels, short_label, stretches
from harness.run.model import RuntimeRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """Hold a column: its runtimes, what stands above it, and what they are in full.

    `below` tells apart what is had of one release in several ways: the way, and the version.
    """

    runtimes: tuple[str, ...]
    name: str
    about: str
    below: str

    @property
    def first(self) -> str:
        """Return the runtime whose cells are shown."""
        return self.runtimes[0]


def columns_of_skill(view: RunView, skill: SkillView) -> tuple[Column, ...]:
    """Return the columns of a skill's page: of many, neighbours whose verdicts agree are one."""
    return _columns(view, lambda name: tuple(_verdict(one.cells, name) for one in skill.claims))


def columns_of_run(view: RunView) -> tuple[Column, ...]:
    """Return the columns of the whole: of many, neighbours whose counts agree are one."""
    return _columns(
        view,
        lambda name: tuple(tuple(sorted(one.counts(name).items())) for one in view.skills),
    )


def _verdict(cells: Mapping[str, object], name: str) -> object:
    return getattr(cells.get(name), "verdict", None)


def _columns(view: RunView, key: Callable[[str], Hashable]) -> tuple[Column, ...]:
    names = view.runtimes
    if len(names) > MANY:
        keys = {name: key(name) for name in names}
        groups: Iterable[tuple[str, ...]] = [
            one.runtimes for one in stretches((name, keys[name]) for name in names)
        ]
    else:
        groups = [(name,) for name in names]
    return tuple(_column(group, view) for group in groups)


def _column(group: tuple[str, ...], view: RunView) -> Column:
    name = short_label(group[0]) if len(group) == 1 else labels(group, view.runtimes)
    record = view.records.get(group[0])
    return Column(
        runtimes=group,
        name=name.removeprefix("OTP "),
        about="; ".join(
            _about(one, view.records.get(one)) for one in (group[0], group[-1])[: len(group)]
        ),
        below=_way(record) if record and is_one_of_several(group[0]) else "",
    )


def _about(name: str, record: RuntimeRecord | None) -> str:
    if record is None:
        return labels([name])
    return f"{labels([name])}: {_way(record)}, {record.origin}"


def _way(record: RuntimeRecord) -> str:
    version = f" {record.build.otp_version}" if record.build else ""
    return f"{record.way}{version}"


def skipped(view: RunView) -> tuple[tuple[str, str, int], ...]:
    """Return releases, reason and count of what was skipped, equal neighbours together."""
    found: dict[tuple[str, str], int] = {}
    for finding in view.findings:
        if finding.verdict is Verdict.SKIPPED:
            key = (finding.cell.runtime, finding.reason)
            found[key] = found.get(key, 0) + 1
    alike: dict[tuple[str, int], list[str]] = {}
    for (runtime, why), count in found.items():
        alike.setdefault((why, count), []).append(runtime)
    return tuple(
        (labels(names, view.runtimes), why, count) for (why, count), names in alike.items()
    )
