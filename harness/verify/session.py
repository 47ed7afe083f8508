"""Where collecting and judging meet: what `beamproof verify` and the pytest plugin both do.

Knows: runtimes, nodes, claims and findings, and how a run becomes a file. Must not know: options
as they are typed, or how anything is shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness import __version__
from harness.claims.model import Skill
from harness.collect.releases import Offered
from harness.collect.runner import Collector, Listener, Options, describe
from harness.collect.workshop import Workshop
from harness.run.model import (
    Footer,
    Header,
    LeftOutCell,
    Note,
    Outcome,
    Share,
)
from harness.run.work import Work, shared
from harness.system.clock import now_iso
from harness.system.machine import machine_id
from harness.verify import campaign
from harness.verify.plan import Matrix
from harness.verify.recorder import Recorder


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Hold what will run, before anything does."""

    skills: tuple[Skill, ...]
    matrix: Matrix
    releases: Offered
    workshop: Workshop
    seconds: Mapping[tuple[str, str], float] = field(default_factory=dict)
    """How long calls took in earlier runs."""
    share: Share | None = None
    """Which share of a larger whole it is."""


def header_for(plan: Plan, *, command: Sequence[str], options: Options) -> Header:
    """Return the header that opens the run file."""
    modules = sorted({cell.call.module for cell in plan.matrix.cells})
    return Header(
        run=plan.workshop.run,
        beamproof=__version__,
        started=now_iso(),
        command=tuple(command),
        seed=options.seed,
        isolated=options.isolate,
        share=plan.share,
        host=machine_id(),
        cells=tuple(cell.id for cell in plan.matrix.cells if not cell.boundary),
        boundary=tuple(cell.id for cell in plan.matrix.cells if cell.boundary),
        left_out=tuple(
            LeftOutCell(cell=str(out.cell), reason=out.reason) for out in plan.matrix.left_out
        ),
        claims_sha256={skill.name: skill.sha256 for skill in plan.skills},
        probes_sha256={module: plan.workshop.probes.source_sha256(module) for module in modules},
        runtimes=plan.releases.records(),
    )


def observe(
    plan: Plan,
    recorder: Recorder,
    listener: Listener,
    options: Options,
    *,
    until_stable_s: float | None = None,
) -> Footer:
    """Run the plan's calls and close the run file with a footer that says how it ended.

    With `until_stable_s` all calls but those of time are repeated for so long.

    Raises:
        KeyboardInterrupt: after nodes were ended and the footer was written.
        BeamproofError: the same, for a vanished runtime or a full disk.
    """
    collector = Collector(
        places=plan.releases.places(slots=options.jobs, isolate=options.isolate),
        steering=recorder,
        listener=listener,
        options=options,
        seconds=plan.seconds,
    )
    outcome, reason = Outcome.FAILED, None
    try:
        collector.run(_left_to_do(plan, recorder))
        if until_stable_s is not None and not recorder.stopped:
            places = plan.releases.places(slots=options.jobs, isolate=options.isolate)
            works = shared(plan.matrix.cells)
            campaign.repeat(works, places, recorder, listener, options, for_s=until_stable_s)
        for module, text in plan.workshop.probes.warnings.items():
            recorder.writer.append(Note(at=now_iso(), about=module, text=text))
        outcome = Outcome.COMPLETE
        if len(recorder.findings) < len(plan.matrix.cells):
            outcome, reason = Outcome.INTERRUPTED, "stopped by --fail-fast"
    except KeyboardInterrupt:
        outcome, reason = Outcome.INTERRUPTED, "interrupted"
        raise
    except BaseException as error:
        reason = describe(error)
        raise
    finally:
        footer = Footer(
            ended=now_iso(),
            outcome=outcome,
            observations=recorder.writer.observations,
            reason=reason,
        )
        recorder.writer.finish(footer)
    return footer


def _left_to_do(plan: Plan, recorder: Recorder) -> tuple[Work, ...]:
    """Return the works that nothing taken over stands for; none where that says to stop."""
    if recorder.stopped:
        return ()
    return tuple(
        work
        for work in shared(plan.matrix.cells)
        if any(cell not in recorder.findings for cell in work.all_cells)
    )
