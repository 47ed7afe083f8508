"""The report in a terminal: a table, then every cell that is not confirmed, totals last.

Knows: findings and how they read. Must not know: where they come from.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from io import StringIO
from typing import TypeVar

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness.judge.drift import volatile_paths
from harness.judge.finding import Check, Finding, Verdict
from harness.judge.judge import MOST_SAMPLES
from harness.report.marks import MARKS, mark_of
from harness.report.phrases import plural, took
from harness.report.releases import MANY, labels
from harness.report.terminal.tables import tables
from harness.run.cells import CellId
from harness.run.model import FailureKind, Observation, Run, Sample
from harness.run.repeat import repeat_command
from harness.system.verbosity import Verbosity

_T = TypeVar("_T")

_LOG_LINES = 8
_VALUE_CHARS = 160
_UNBOUNDED_COLUMNS = 100_000
"""How wide lines may be where no terminal bounds them."""


def render_findings(
    findings: Sequence[Finding],
    run: Run | None,
    *,
    console: Console,
    verbosity: Verbosity = Verbosity.NORMAL,
    at_once: bool | None = None,
) -> None:
    """Print what there is to say: a line a skill, what is not confirmed, and the counts.

    Verbose, or where there are few claims, a line a claim; quiet, the counts alone.

    Args:
        findings: in the order of the matrix, skipped cells included.
        run: where they come from, for the releases' builds and the path; `None` leaves them out.
        console: where to print.
        verbosity: how much.
        at_once: the run was made in one go, and took as long as it says; `None` looks at its lines.
    """
    if verbosity is not Verbosity.QUIET:
        _print_tables(findings, run, console, each=verbosity is Verbosity.VERBOSE)
        _print_unconfirmed(findings, run, console)
        _print_skipped(findings, console, each=verbosity is Verbosity.VERBOSE)
        _print_leftovers(findings, console)
        _print_volatile(findings, console)
    total = summary(findings)
    if run is not None and run.footer and (_made_at_once(run) if at_once is None else at_once):
        total.append(f" in {took(run.header.started, run.footer.ended)}", style="dim")
    console.print(total)
    if run is not None:
        _print_run(run, console)


def _made_at_once(run: Run) -> bool:
    made = len(run.observations) + len(run.repeats)
    return run.footer is not None and run.footer.observations == made


def _print_tables(
    findings: Sequence[Finding], run: Run | None, console: Console, *, each: bool
) -> None:
    for table in tables(findings, run, each=each):
        _put(console, table)


def _print_unconfirmed(findings: Sequence[Finding], run: Run | None, console: Console) -> None:
    among = _unique(finding.cell.runtime for finding in findings)
    told: Counter[str] = Counter()
    for alike in _alike(findings):
        first = alike[0]
        told[first.cell.name] += 1
        if told[first.cell.name] > MANY:  # it differs on each of many releases
            mark = MARKS[first.verdict]
            text = f"{mark.sign} {first.verdict.value} {first.cell}: {first.reason}"
            _put(console, Text(text, style=mark.style))
        else:
            _put_details(console, first, run)
        if len(alike) > 1:
            _put(console, Text(_others(alike, among)), indent=2)


def _others(alike: Sequence[Finding], among: Sequence[str]) -> str:
    """Say where else it is the same: of one claim the releases, else the cells."""
    cells = [finding.cell for finding in alike]
    if len({cell.name for cell in cells}) == 1:
        return f"the same on {labels((cell.runtime for cell in cells), among)}"
    others = ", ".join(map(str, cells[1:]))
    return f"the same in {len(cells)} cells; also {_short(others)}"


_OF_A_WHOLE_NODE = frozenset({FailureKind.NOT_COMPILED, FailureKind.NOT_STARTED})
"""Failures that every cell of a module or a runtime shares."""


def _alike(findings: Sequence[Finding]) -> Iterable[Sequence[Finding]]:
    """Yield what is not confirmed, a module that does not compile and the like once for all.

    Of many releases, those on which a claim fell for the same reason are together.
    """
    many = len({finding.cell.runtime for finding in findings}) > MANY
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for finding in findings:
        if finding.verdict in {Verdict.CONFIRMED, Verdict.SKIPPED}:
            continue
        samples = finding.observation.samples if finding.observation else ()
        kinds = {sample.failure.kind for sample in samples if sample.failure}
        whole = bool(kinds & _OF_A_WHOLE_NODE)
        own = (finding.cell.name, finding.verdict, finding.reason) if many else (finding.cell,)
        key = (finding.cell.runtime, finding.reason) if whole else own
        groups.setdefault(key, []).append(finding)
    return groups.values()


def summary(findings: Iterable[Finding]) -> Text:
    """Return one line with the count of every verdict, e.g. `56 confirmed, 2 skipped`."""
    counts = Counter(finding.verdict for finding in findings)
    parts = [
        Text(f"{counts[verdict]} {verdict.value}", style=MARKS[verdict].style)
        for verdict in MARKS
        if counts[verdict] or verdict is Verdict.CONFIRMED
    ]
    return Text(", ").join(parts)


def _put_details(console: Console, finding: Finding, run: Run | None = None) -> None:
    mark = MARKS[finding.verdict]
    style = mark.style
    title = ((f"\n{mark.sign} {finding.verdict.value} ", style), (finding.cell, "bold"))
    _put(console, Text.assemble(*title))
    _put(console, Text(finding.claim.statement), indent=2)
    _put(console, Text(finding.reason, style=style), indent=2)
    if finding.checks:
        _put(console, _checks(finding.checks), indent=2)
    for rival in finding.rivals:
        if not rival.contradicted and finding.verdict is Verdict.INCONCLUSIVE:
            _put(console, Text(f"rival not contradicted: {rival.statement}"), indent=2)
    for line in _envelope(finding.observation):
        _put(console, line, indent=2)
    header = None if run is None else run.header
    again = repeat_command(finding.cell, header, samples=_samples_needed(finding))
    put_command(console, f"  again: {again}", style="cyan")


def _samples_needed(finding: Finding) -> int:
    """Return how many samples were asked for beyond what the claim itself draws."""
    drawn = len(finding.observation.samples) if finding.observation else 1
    return drawn if drawn > MOST_SAMPLES * finding.claim.repeat or finding.claim.repeat == 1 else 1


def put_command(console: Console, line: str, *, style: str) -> None:
    """Print a line that holds a command: it is copied, so it is never wrapped, cut or padded."""
    console.print(Text(line, style=style), soft_wrap=True)


def _put(console: Console, shown: RenderableType, *, indent: int = 0) -> None:
    """Print for a reader: wrapped in a terminal, elsewhere whole and without trailing blanks."""
    indented = Padding(shown, (0, 0, 0, indent), expand=False)
    if console.is_terminal:
        console.print(indented)
        return
    unbounded = Console(width=_UNBOUNDED_COLUMNS, color_system=None, file=StringIO())
    with unbounded.capture() as captured:
        unbounded.print(indented, highlight=False)
    for line in captured.get().splitlines():
        console.print(Text(line.rstrip()), soft_wrap=True)


def explain(finding: Finding) -> str:
    """Return what the terminal shows of one cell, as plain text."""
    console = Console(color_system=None, force_terminal=False, file=StringIO())
    with console.capture() as captured:
        _put_details(console, finding)
    return captured.get().strip()


def _checks(checks: Sequence[Check]) -> Table:
    table = Table(box=None, pad_edge=False, show_edge=False)
    table.add_column("")
    table.add_column("evidence", style="bold")
    table.add_column("predicted", overflow="fold")
    table.add_column("found", overflow="fold")
    for check in checks:
        mark = mark_of(check.holds)
        found = Text(_short(check.found_text))
        sign = Text(mark.sign, style=mark.style)
        table.add_row(sign, Text(check.path), Text(check.predicted), found)
    return table


def _envelope(observation: Observation | None) -> list[RenderableType]:
    if observation is None or not observation.samples:
        return []
    last = observation.samples[-1]
    lines: list[RenderableType] = []
    if last.failure is not None:
        lines += [Text(f"  at {entry}", style="dim") for entry in last.failure.stacktrace[:4]]
    if last.log.strip():
        tail = last.log.strip().splitlines()[-_LOG_LINES:]
        lines += [Text(f"  log: {line}", style="dim") for line in tail]
    return lines


def _print_skipped(findings: Sequence[Finding], console: Console, *, each: bool) -> None:
    """Say what is skipped and why, a line a reason; what a range says of a release in one line."""
    skipped = [finding for finding in findings if finding.verdict is Verdict.SKIPPED]
    outside = [finding for finding in skipped if finding.boundary and not each]
    among = _unique(finding.cell.runtime for finding in findings)
    counts = Counter(finding.cell.runtime for finding in outside)
    for count in _unique(counts.values()):
        on = _runtimes([name for name, own in counts.items() if own == count], among)
        what = f"{plural(count, 'claim')} about other releases, as they say (-v: each)"
        _put(console, Text(f"- skipped on {on}: {what}", style="dim"))
    reasons: dict[tuple[str, str], list[str]] = {}
    for finding in skipped:
        if each or not finding.boundary:
            key = (finding.cell.runtime, finding.reason)
            reasons.setdefault(key, []).append(finding.cell.name)
    alike: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (runtime, reason), names in reasons.items():
        alike.setdefault((reason, tuple(names)), []).append(runtime)
    for (reason, claims), runtimes in alike.items():
        more = f" and {len(claims) - 1} more" if len(claims) > 1 else ""
        line = f"- skipped on {_runtimes(runtimes, among)}: {claims[0]}{more}: {reason}"
        _put(console, Text(line, style="dim"))


def _runtimes(names: Sequence[str], among: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else labels(names, among)


def _print_leftovers(findings: Sequence[Finding], console: Console) -> None:
    _print_about(findings, console, lambda one: one.leftovers, " left behind: {}", "; ")


def _print_volatile(findings: Sequence[Finding], console: Console) -> None:
    """Tell the author of a probe what in its evidence nobody can predict."""
    what = ": {}: names of processes, references or addresses, which differ in every run"
    _print_about(findings, console, lambda one: volatile_paths(one.evidence or {}), what, ", ")


def _print_about(
    findings: Sequence[Finding],
    console: Console,
    said: Callable[[Sample], Iterable[str]],
    words: str,
    between: str,
) -> None:
    """Print what samples say beside their evidence; of many releases what is the same once."""
    among = _unique(finding.cell.runtime for finding in findings)
    alike: dict[tuple[str, str], list[CellId]] = {}
    for finding in findings:
        samples = finding.observation.samples if finding.observation else ()
        found = between.join(_unique(one for sample in samples for one in said(sample)))
        if found:
            name = finding.cell.name if len(among) > MANY else finding.cell
            alike.setdefault((name, found), []).append(finding.cell)
    for (name, found), cells in alike.items():
        several = len(cells) > 1
        on = f"{name} on {labels((one.runtime for one in cells), among)}" if several else cells[0]
        _put(console, Text(f"! {on}{words.format(found)}", style="yellow"))


def _print_run(run: Run, console: Console) -> None:
    if not run.complete:
        again = f"! incomplete run: beamproof verify --resume {shlex.quote(str(run.path))}"
        put_command(console, again, style="yellow")
    for damage in run.damaged:
        put_command(console, f"! damaged: line {damage.line}: {damage.reason}", style="yellow")
    put_command(console, f"run: {run.path}", style="dim")


def _short(text: str) -> str:
    return text if len(text) <= _VALUE_CHARS else f"{text[:_VALUE_CHARS]}…"


def _unique(names: Iterable[_T]) -> list[_T]:
    return list(dict.fromkeys(names))
