"""The report in a terminal: a table, then every cell that is not confirmed, totals last.

Knows: findings and how they read. Must not know: where they come from.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Sequence
from io import StringIO

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness.judge.drift import volatile_paths
from harness.judge.finding import Check, Finding, Verdict
from harness.judge.judge import MOST_SAMPLES
from harness.report.marks import MARKS, mark_of
from harness.report.phrases import plural, took
from harness.run.cells import CellId
from harness.run.model import FailureKind, Observation, Run, RuntimeRecord
from harness.run.repeat import repeat_command
from harness.system.verbosity import Verbosity

_LOG_LINES = 8
_VALUE_CHARS = 160
_UNBOUNDED_COLUMNS = 100_000
"""How wide lines may be where no terminal bounds them."""


_FEW_CLAIMS = 12
"""So many claims are listed one by one whatever the verbosity: somebody picked them."""


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
    if not findings:
        return
    claims = {finding.cell.name for finding in findings}
    if not each and len(claims) > _FEW_CLAIMS:
        _put(console, _skills_table(findings, run))
        return
    for skill in _unique(finding.cell.skill for finding in findings):
        own = [finding for finding in findings if finding.cell.skill == skill]
        _put(console, _table(skill, own, run))


def _print_unconfirmed(findings: Sequence[Finding], run: Run | None, console: Console) -> None:
    for alike in _alike(findings):
        _put_details(console, alike[0], run)
        if len(alike) > 1:
            others = ", ".join(str(finding.cell) for finding in alike[1:])
            _put(console, Text(f"the same in {len(alike)} cells; also {_short(others)}"), indent=2)


_OF_A_WHOLE_NODE = frozenset({FailureKind.NOT_COMPILED, FailureKind.NOT_STARTED})
"""Failures that every cell of a module or a runtime shares."""


def _alike(findings: Sequence[Finding]) -> Iterable[Sequence[Finding]]:
    """Yield what is not confirmed, a module that does not compile and the like once for all."""
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for finding in findings:
        if finding.verdict in {Verdict.CONFIRMED, Verdict.SKIPPED}:
            continue
        samples = finding.observation.samples if finding.observation else ()
        kinds = {sample.failure.kind for sample in samples if sample.failure}
        whole = bool(kinds & _OF_A_WHOLE_NODE)
        key = (finding.cell.runtime, finding.reason) if whole else (finding.cell,)
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


def _table(skill: str, findings: Sequence[Finding], run: Run | None) -> Table:
    runtimes = sorted(_unique(finding.cell.runtime for finding in findings))
    verdicts = {finding.cell: finding.verdict for finding in findings}
    table = Table(title=skill, title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("claim", overflow="fold")
    for runtime in runtimes:
        table.add_column(_heading(runtime, run), justify="center")
    for claim in _unique(finding.cell.claim for finding in findings):
        marks = (verdicts.get(CellId.of(skill, claim, runtime)) for runtime in runtimes)
        table.add_row(claim, *(_mark(verdict) for verdict in marks))
    return table


def _skills_table(findings: Sequence[Finding], run: Run | None) -> Table:
    """Return a line a skill with the counts of each release."""
    runtimes = sorted(_unique(finding.cell.runtime for finding in findings))
    counts = Counter((one.cell.skill, one.cell.runtime, one.verdict) for one in findings)
    table = Table(box=None, pad_edge=False)
    table.add_column("skill", overflow="fold")
    for runtime in runtimes:
        table.add_column(_heading(runtime, run), justify="center")
    for skill in _unique(finding.cell.skill for finding in findings):
        cells = [
            Text("  ").join(
                Text(f"{count} {mark.sign}", mark.style)
                for verdict, mark in MARKS.items()
                if (count := counts[skill, runtime, verdict])
            )
            for runtime in runtimes
        ]
        table.add_row(skill, *cells)
    return table


def _heading(runtime: str, run: Run | None) -> str:
    record = _record(runtime, run)
    if record is None:
        return runtime
    version = record.build.otp_version if record.build else str(record.release)
    return f"{version}\n{record.way}"


def _record(runtime: str, run: Run | None) -> RuntimeRecord | None:
    if run is None:
        return None
    return next((record for record in run.header.runtimes if record.name == runtime), None)


def _mark(verdict: Verdict | None) -> Text:
    if verdict is None:
        return Text(" ")
    return Text(MARKS[verdict].sign, style=MARKS[verdict].style)


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
    for runtime, count in Counter(finding.cell.runtime for finding in outside).items():
        what = f"{plural(count, 'claim')} about other releases, as they say (-v: each)"
        _put(console, Text(f"- skipped on {runtime}: {what}", style="dim"))
    reasons: dict[tuple[str, str], list[str]] = {}
    for finding in skipped:
        if each or not finding.boundary:
            key = (finding.cell.runtime, finding.reason)
            reasons.setdefault(key, []).append(finding.cell.name)
    for (runtime, reason), names in reasons.items():
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        line = f"- skipped on {runtime}: {names[0]}{more}: {reason}"
        _put(console, Text(line, style="dim"))


def _print_leftovers(findings: Sequence[Finding], console: Console) -> None:
    for finding in findings:
        left = _unique(
            leftover
            for sample in (finding.observation.samples if finding.observation else ())
            for leftover in sample.leftovers
        )
        if left:
            _put(console, Text(f"! {finding.cell} left behind: {'; '.join(left)}", style="yellow"))


def _print_volatile(findings: Sequence[Finding], console: Console) -> None:
    """Tell the author of a probe what in its evidence nobody can predict."""
    for finding in findings:
        samples = finding.observation.samples if finding.observation else ()
        paths = _unique(path for one in samples for path in volatile_paths(one.evidence or {}))
        if paths:
            what = "names of processes, references or addresses, which differ in every run"
            _put(console, Text(f"! {finding.cell}: {', '.join(paths)}: {what}", style="yellow"))


def _print_run(run: Run, console: Console) -> None:
    if not run.complete:
        again = f"! incomplete run: beamproof verify --resume {shlex.quote(str(run.path))}"
        put_command(console, again, style="yellow")
    for damage in run.damaged:
        put_command(console, f"! damaged: line {damage.line}: {damage.reason}", style="yellow")
    put_command(console, f"run: {run.path}", style="dim")


def _short(text: str) -> str:
    return text if len(text) <= _VALUE_CHARS else f"{text[:_VALUE_CHARS]}…"


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
