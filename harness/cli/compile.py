"""`beamproof compile`: every probe module through every release's compiler, and through xref.

Knows: the compile cache and the runtimes. Must not know: claims.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import click

from harness.bridge.terms import Atom
from harness.cli.examples import examples
from harness.cli.options import probes_option
from harness.cli.runtime import runtime_options
from harness.collect import releases
from harness.collect import workshop as workshop_
from harness.collect.node import Node
from harness.collect.probes import CROSSREF, ProbeStore
from harness.errors import ExitCode, InputError
from harness.folders import cache_dir
from harness.report.phrases import plural
from harness.run.cells import release_order
from harness.runtimes.request import RuntimeRequest
from harness.system.streams import echo, say

_CROSSREF_TIMEOUT_S = 120.0


@click.command(
    "compile",
    short_help="Compile all probes on every release; then xref.",
    epilog=examples("beamproof compile --otp 23-29 --no-strict"),
)
@runtime_options
@probes_option
@click.pass_context
def compile_probes(context: click.Context, /, **given: Any) -> None:
    """Compile all probes on the releases of --otp, with warnings as errors; xref on the newest."""
    request = RuntimeRequest.of(given)
    probes_dir = given["probes_dir"]
    count = len(list(probes_dir.glob("*.erl")))
    if not count:
        raise InputError(f"there is no probe (*.erl) in {probes_dir}", hint="name it: --probes DIR")
    workshop = workshop_.workshop_for(workshop_.new_run_id(), probes_dir, cache_dir())
    refused: list[str] = []
    with releases.open_releases(request, workshop, say) as opened:
        if request.is_strict:
            opened.require(strict=True)
        for item in opened.resolved:
            if item.runtime is None:
                echo(f"- {item.asked} skipped: {item.reason}")
                continue
            complaints = _complaints(opened.started(item.runtime.name), workshop.probes, probes_dir)
            refused += complaints
            for complaint in complaints:
                say(f"✘ {complaint}")
            done = f"{count - len(complaints)} of {plural(count, 'module')} compiled"
            echo(f"{item.runtime.name}: {done}, {len(complaints)} refused")
        node = None if refused else _newest_with_xref(opened)
        if node is not None:
            refused = _crossed(node, workshop.probes, probes_dir)
            for complaint in refused:
                say(f"✘ {complaint}")
    if refused:
        context.exit(ExitCode.BAD_INPUT)


def _newest_with_xref(opened: releases.Releases) -> Node | None:
    """Return a node of the newest release that has xref: one of production has no tools."""
    newest_first = sorted(
        opened.runtimes.values(), key=lambda found: release_order(found.name), reverse=True
    )
    nodes = (opened.started(runtime.name) for runtime in newest_first)
    return next((node for node in nodes if _has_xref(node)), None)


def _has_xref(node: Node) -> bool:
    found = node.call("code", "which", [Atom("xref")], timeout_s=_CROSSREF_TIMEOUT_S)
    return found.value != "non_existing"


def _crossed(node: Node, probes: ProbeStore, probes_dir: Path) -> list[str]:
    """Return what is wrong between the modules: calls of what is nowhere, exports for nobody."""
    modules = sorted(path.stem for path in probes_dir.glob("*.erl"))
    beams = {name: compiled.beam for name, compiled in probes.compiled(node, modules).items()}
    answer = node.probe(CROSSREF, "analyse", {"beams": beams}, timeout_s=_CROSSREF_TIMEOUT_S)
    found = cast("dict[str, list[str]]", answer.value)
    unused = [name for name in found["unused"] if not _is_probe(name, modules)]
    echo(f"OTP {node.build.otp_release}: xref of {len(modules)} modules")
    return [
        *(f"{call}, which is nowhere" for call in found["undefined"]),
        *(f"{name} is exported and nobody calls it" for name in unused),
    ]


def _is_probe(function: str, modules: Sequence[str]) -> bool:
    """Tell whether a function is in a skill's own module, whose exports are its probes."""
    module = function.partition(":")[0]
    return not any(module.startswith(f"{other}_") for other in (*modules, "probe"))


def _complaints(node: Node, probes: ProbeStore, probes_dir: Path) -> list[str]:
    """Return what the release's compiler said of each module that it refused."""
    modules = sorted(path.stem for path in probes_dir.glob("*.erl"))
    found = probes.compiled(node, modules)
    return [
        f"{name} on {compiled.errors or compiled.warnings}"
        for name, compiled in found.items()
        if compiled.errors or compiled.warnings
    ]
