"""`beamproof report`: which renderer makes which format.

Knows: options, files. Must not know: how anything is rendered, nodes, runtimes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.authoring.probe_source import read_module
from harness.cli import names
from harness.cli.examples import examples
from harness.cli.options import claims_option, probes_option, runs_option
from harness.cli.repro import read_sources
from harness.errors import ExitCode, InputError
from harness.folders import project
from harness.judge.compare import compare as compared
from harness.judge.view import RunView
from harness.report import markdown, to_json
from harness.report.badge import badges
from harness.report.html.links import Links
from harness.report.html.site import site
from harness.report.junit import render_junit
from harness.report.output import write_site
from harness.run.durations import Durations
from harness.system.streams import say

if TYPE_CHECKING:
    from harness.authoring.probe_source import ProbeModule
from harness.cli.stored import emit, judged_views, output_option, runs_meant

_FOLDER_FORMATS = frozenset({"html", "badge"})


@click.command(
    short_help="Show a run as a site, or for other programs.",
    epilog=examples(
        "beamproof report latest --format html --output site",
        "beamproof report latest --format markdown",
    ),
)
@click.argument("runs", nargs=-1, type=names.RUN, metavar="[RUN]...")
@click.option(
    "--format", "form", default="html", show_default=True,
    type=click.Choice(["html", "junit", "json", "markdown", "badge", "durations"]),
)  # fmt: skip
@output_option
@claims_option
@probes_option
@runs_option
def report(  # noqa: PLR0913, PLR0917 (one parameter an option)
    runs: Sequence[str],
    form: str,
    output: Path | None,
    claims_dir: Path,
    probes_dir: Path,
    runs_dir: Path,
) -> int:
    """Show the newest RUN as a site or in a format that other programs read.

    RUN is a file, a run's name, `latest` (the default: what was observed last of each cell) or a
    folder of runs. Older runs beside the
    newest are its history: html and markdown show what changed.
    """
    if form in _FOLDER_FORMATS and output is None:
        raise InputError(f"--format {form} writes several files", hint="name a folder: -o DIR")
    history = judged_views(runs_meant(runs, runs_dir), claims_dir)
    if form in _FOLDER_FORMATS and output is not None:
        files = _files(form, history, probes_dir)
        count, size = write_site(output, files)
        say(f"{count} files, {size / 1e6:.1f} MB: {_entry(output, form)}")
    else:
        emit(_rendered(form, history), output)
    return ExitCode.CONFIRMED


def _files(form: str, history: Sequence[RunView], probes_dir: Path) -> Iterable[tuple[str, bytes]]:
    if form == "badge":
        return badges(_only(history, form))
    comparison = None
    if len(history) > 1 and history[-1].by_cell.keys() & history[-2].by_cell.keys():
        comparison = compared(history[-2], history[-1])
    told = project()
    links = Links(repository=told.repository, root=told.root)
    modules = _modules(probes_dir)
    return site(
        history,
        modules,
        comparison,
        links=links,
        address=told.site,
        sources=read_sources(probes_dir),
    )


def _rendered(form: str, history: Sequence[RunView]) -> bytes:
    if form == "junit":
        return render_junit(_only(history, form))
    if form == "durations":
        return Durations.of_run(_only(history, form).run).content()
    if form == "json":
        return to_json.render_json(to_json.report(_only(history, form)))
    text = markdown.render_markdown(history[-1])
    if len(history) > 1:
        text += "\n" + markdown.render_comparison(compared(history[-2], history[-1]))
    return text.encode("utf-8", "replace")


def _only(history: Sequence[RunView], form: str) -> RunView:
    if len(history) > 1:
        raise InputError(
            f"--format {form} shows one run, and {len(history)} were given",
            hint="name one of them, or join runs of several machines: beamproof merge RUN…",
        )
    return history[0]


def _entry(output: Path, form: str) -> Path:
    return output / "index.html" if form == "html" else output


def _modules(probes_dir: Path) -> Mapping[str, ProbeModule]:
    return {path.stem: read_module(path) for path in sorted(probes_dir.glob("*.erl"))}
