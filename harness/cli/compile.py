"""`beamproof compile`: every probe module through every release's compiler, warnings as errors.

Knows: the compile cache and the runtimes. Must not know: claims.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from harness.cli.options import probes_option
from harness.cli.runtime import runtime_options
from harness.collect import releases
from harness.collect import workshop as workshop_
from harness.collect.node import Node
from harness.collect.probes import ProbeStore
from harness.errors import ExitCode
from harness.folders import cache_dir
from harness.runtimes.request import RuntimeRequest
from harness.streams import echo, say


@click.command("compile")
@runtime_options
@probes_option
@click.pass_context
def compile_probes(context: click.Context, /, **given: Any) -> None:
    """Compile all probes on the releases of --otp, with warnings as errors."""
    request = RuntimeRequest.of(given)
    probes_dir = given["probes_dir"]
    workshop = workshop_.workshop_for(workshop_.new_run_id(), probes_dir, cache_dir())
    refused: list[str] = []
    with releases.open_releases(request, workshop, say) as opened:
        if request.is_strict:
            opened.require(strict=True)
        for item in opened.resolved:
            if item.runtime is None:
                echo(f"- OTP {item.release} skipped: {item.reason}")
                continue
            complaints = _complaints(opened.started(item.runtime.name), workshop.probes, probes_dir)
            refused += complaints
            for complaint in complaints:
                say(f"✘ {complaint}")
            echo(f"{item.runtime.name}: {len(complaints)} modules refused")
    if refused:
        context.exit(ExitCode.BAD_INPUT)


def _complaints(node: Node, probes: ProbeStore, probes_dir: Path) -> list[str]:
    """Return what the release's compiler said of each module that it refused."""
    modules = sorted(path.stem for path in probes_dir.glob("*.erl"))
    found = probes.compiled(node, modules)
    return [
        f"{name} on {compiled.errors or compiled.warnings}"
        for name, compiled in found.items()
        if compiled.errors or compiled.warnings
    ]
