"""What sabotage showed, in words and as plain data.

Knows: trials and how they read. Must not know: how they were run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.judge.sabotage import Fate, SabotageReport, Trial
from harness.run.cells import CellId, Json

_MARKS = {Fate.VACUOUS: "✘", Fate.UNPROVEN: "!", Fate.FELL: "✔", Fate.UNTRIED: "-"}
_SAYS = {
    Fate.VACUOUS: "stays confirmed without",
    Fate.UNPROVEN: "nothing is proven by",
    Fate.FELL: "falls without",
    Fate.UNTRIED: "was not tried without",
}


def trial_line(trial: Trial) -> str:
    """Return one trial in a line, for the progress."""
    cell = CellId.of(trial.skill, trial.claim, trial.runtime)
    return f"{_MARKS[trial.fate]} {cell} {_SAYS[trial.fate]} {trial.variant}"


def sabotage_lines(report: SabotageReport) -> Iterator[str]:
    """Yield what each claim falls without, what it does not, and the counts."""
    yield report.skill
    for claim in dict.fromkeys(trial.claim for trial in report.trials):
        yield f"  {claim}"
        own = [trial for trial in report.trials if trial.claim == claim]
        for variant in dict.fromkeys(trial.variant for trial in own):
            yield from _variant_lines([trial for trial in own if trial.variant == variant])
    for claim, rival in report.unmet:
        yield f'  ~ no variant meets the rival of {claim}: "{rival}"'
    if report.bare:
        yield f"  without a variant: {', '.join(report.bare)}"
    yield _summary(report)


def survivor_lines(report: SabotageReport) -> Iterator[str]:
    """Yield what a claim did not notice of all that a machine took out, for a person to read."""
    yield report.skill
    alive = report.of(Fate.VACUOUS)
    for claim in dict.fromkeys(trial.claim for trial in alive):
        yield f"  {claim}"
        own = [trial for trial in alive if trial.claim == claim]
        for variant, clause in dict.fromkeys((trial.variant, trial.clause) for trial in own):
            on = [one.runtime for one in own if (one.variant, one.clause) == (variant, clause)]
            yield f"    {variant}  {clause}  ({', '.join(on)})"
    yield (
        f"{report.skill}: {len(report.trials)} trials: {len(report.of(Fate.FELL))} fell,"
        f" {len(alive)} survived, {len(report.of(Fate.UNPROVEN))} proved nothing"
    )


def sabotage_json(report: SabotageReport) -> dict[str, Json]:
    """Return a report as plain data."""
    return {
        "skill": report.skill,
        "trials": [
            {
                "claim": trial.claim,
                "variant": trial.variant,
                "clause": trial.clause,
                "runtime": trial.runtime,
                "fate": trial.fate.value,
                "reason": trial.reason,
            }
            for trial in report.trials
        ],
        "without_a_variant": list(report.bare),
        "rivals_never_met": [
            {"claim": claim, "statement": statement} for claim, statement in report.unmet
        ],
    }


def _variant_lines(trials: Sequence[Trial]) -> Iterator[str]:
    """Yield one line a fate, with the runtimes that share it, and why where it is no fall."""
    tried = any(trial.fate is not Fate.UNTRIED for trial in trials)
    for fate in Fate:
        alike = [trial for trial in trials if trial.fate is fate]
        if not alike or (fate is Fate.UNTRIED and tried):
            continue
        clause = f": {alike[0].clause}" if alike[0].clause else ""
        where = ", ".join(trial.runtime for trial in alike)
        yield f"    {_MARKS[fate]} {_SAYS[fate]} {alike[0].variant}{clause}  ({where})"
        if fate is not Fate.FELL:
            for reason in dict.fromkeys(trial.reason for trial in alike):
                yield from (f"        {line}" for line in reason.splitlines())


def _summary(report: SabotageReport) -> str:
    variants = len(dict.fromkeys(trial.variant for trial in report.trials))
    parts = [
        f"{len(report.of(Fate.FELL))} fell",
        f"{len(report.of(Fate.VACUOUS))} stayed confirmed",
        f"{len(report.of(Fate.UNPROVEN))} proved nothing",
        f"{len(report.untried)} were tried nowhere",
    ]
    return (
        f"{report.skill}: {variants} variants: {', '.join(parts)};"
        f" {len(report.bare)} claims without a variant, {len(report.unmet)} rivals that none meets"
    )
