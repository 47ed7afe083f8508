"""`beamproof compile`: every probe module through every release's compiler, warnings as errors.

Knows: the compile cache and the runtimes. Must not know: claims.
"""

from __future__ import annotations

from typing import Any

import click

from harness import session
from harness.cli_options import probes_option
from harness.cli_runtime import RuntimeRequest, runtime_options
from harness.errors import CompileError, ExitCode
from harness.folders import cache_dir


@click.command("compile")
@runtime_options
@probes_option
@click.pass_context
def compile_probes(context: click.Context, /, **given: Any) -> None:
    """Compile all probes on the releases of --otp, with warnings as errors."""
    request = RuntimeRequest.of(given)
    probes_dir = given["probes_dir"]
    workshop = session.workshop_for(session.new_run_id(), probes_dir, cache_dir())
    refused = 0
    with session.open_releases(
        request.releases,
        request.way,
        request.options(),
        workshop,
        lambda line: click.echo(line, err=True),
    ) as releases:
        if request.is_strict:
            session.require(releases)
        for item in releases.resolved:
            if item.runtime is None:
                click.echo(f"- OTP {item.release} skipped: {item.reason}")
                continue
            node = releases.nodes[item.runtime.name]
            modules = sorted(path.stem for path in probes_dir.glob("*.erl"))
            for module in modules:
                try:
                    workshop.probes.beam(node, module)
                except CompileError as error:
                    refused += 1
                    click.echo(f"✘ {item.runtime.name} {error}", err=True)
            click.echo(f"{item.runtime.name}: {len(modules)} modules, {refused} refused")
    if refused:
        context.exit(ExitCode.BAD_INPUT)
