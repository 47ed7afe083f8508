"""`beamproof report`, `compare`, `trend` and `merge`: pure views of stored runs.

Knows: options, files, which renderer makes which format. Must not know: how anything is rendered,
nodes, runtimes.
"""

from __future__ import annotations

import gc
import hashlib
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec

import click

from harness.claims import Skill, load_skills
from harness.cli_options import claims_option, probes_option, run_path, runs_option
from harness.errors import BeamproofError, ExitCode, InputError
from harness.judge import Verdict
from harness.report.output import write_file, write_site
from harness.report.view import RunView, view
from harness.run import Run, read_run

if TYPE_CHECKING:
    from harness.probe_source import ProbeModule

_P = ParamSpec("_P")
_FOLDER_FORMATS = frozenset({"html", "badge"})


def _without_collection(verb: Callable[_P, int]) -> Callable[_P, int]:
    """Switch the garbage collector off for one of these verbs: it allocates once and ends.

    The collector would traverse the growing heap again and again, for a quarter of the time.
    """

    @wraps(verb)
    def wrapped(*args: _P.args, **kwargs: _P.kwargs) -> int:
        gc.disable()
        try:
            return verb(*args, **kwargs)
        finally:
            gc.enable()

    return wrapped


output_option = click.option(
    "--output", "-o", type=click.Path(path_type=Path), metavar="PATH",
    help="File to write, or folder for html and badge [default: standard output].",
)  # fmt: skip


@click.command()
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@click.option(
    "--format", "form", default="html", show_default=True,
    type=click.Choice(["html", "junit", "json", "markdown", "badge"]),
)  # fmt: skip
@output_option
@claims_option
@probes_option
@runs_option
@_without_collection
def report(  # noqa: PLR0913, PLR0917 (one parameter an option)
    runs: Sequence[str],
    form: str,
    output: Path | None,
    claims_dir: Path,
    probes_dir: Path,
    runs_dir: Path,
) -> int:
    """Show the newest RUN as a site or in a format that other programs read.

    RUN is a file, a run's name, `latest` (the default) or a folder of runs. Older runs beside the
    newest are its history: html and markdown show what changed.
    """
    if form in _FOLDER_FORMATS and output is None:
        raise InputError(f"--format {form} writes several files", hint="name a folder: -o DIR")
    history = _views(_paths(runs, runs_dir), claims_dir)
    if form in _FOLDER_FORMATS and output is not None:
        files = _files(form, history, probes_dir)
        count, size = write_site(output, files)
        click.echo(f"{count} files, {size / 1e6:.1f} MB: {_entry(output, form)}", err=True)
    else:
        _emit(_rendered(form, history), output)
    return ExitCode.CONFIRMED


def _files(form: str, history: Sequence[RunView], probes_dir: Path) -> Iterable[tuple[str, bytes]]:
    if form == "badge":
        from harness.report.badge import badges  # noqa: PLC0415 (only this format needs it)

        return badges(_only(history, form))
    from harness.compare import compare as compared  # noqa: PLC0415 (as above)
    from harness.report.html.site import site  # noqa: PLC0415 (as above: templates are slow)

    comparison = None
    if len(history) > 1 and history[-1].by_cell.keys() & history[-2].by_cell.keys():
        comparison = compared(history[-2], history[-1])
    return site(history, _modules(probes_dir), comparison)


def _rendered(form: str, history: Sequence[RunView]) -> bytes:
    if form == "junit":
        from harness.report.junit import render_junit  # noqa: PLC0415 (only this format needs it)

        return render_junit(_only(history, form))
    if form == "json":
        from harness.report import json_report  # noqa: PLC0415 (as above)

        return json_report.render_json(json_report.report(_only(history, form)))
    from harness.compare import compare as compared  # noqa: PLC0415 (as above)
    from harness.report import markdown  # noqa: PLC0415 (as above)

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


@click.command()
@click.argument("old")
@click.argument("new", required=False)
@click.option(
    "--format", "form", default="text", show_default=True,
    type=click.Choice(["text", "json", "markdown"]),
)  # fmt: skip
@output_option
@claims_option
@runs_option
@_without_collection
def compare(  # noqa: PLR0913, PLR0917 (one parameter an option)
    old: str, new: str | None, form: str, output: Path | None, claims_dir: Path, runs_dir: Path
) -> int:
    """Say what changed from run OLD to run NEW (the latest); exit 1 when something got worse."""
    from harness.compare import compare as compared  # noqa: PLC0415 (the name is this command's)

    skills, hashes = _claims(claims_dir)
    before, now = (
        view(read_run(run_path(one, runs_dir)), skills, claims_sha256=hashes) for one in (old, new)
    )
    comparison = compared(before, now)
    if form == "json":
        from harness.report.json_report import render_json  # noqa: PLC0415 (this format only)

        content = render_json(comparison)
    elif form == "markdown":
        from harness.report.markdown import render_comparison  # noqa: PLC0415 (as above)

        content = render_comparison(comparison).encode("utf-8", "replace")
    else:
        from harness.report.text import comparison_text  # noqa: PLC0415 (as above)

        content = comparison_text(comparison).encode("utf-8", "replace")
    _emit(content, output)
    return ExitCode.REFUTED if comparison.worse else ExitCode.CONFIRMED


@click.command()
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@click.option("--claim", "patterns", multiple=True, metavar="GLOB", help="Only these claims.")
@click.option("--all", "everything", is_flag=True, help="Also claims that never changed.")
@claims_option
@runs_option
@_without_collection
def trend(
    folder: Path | None, patterns: Sequence[str], *, everything: bool, claims_dir: Path,
    runs_dir: Path,
) -> int:  # fmt: skip
    """Show verdicts and key figures of claims over all runs in DIR (the folder of stored runs).

    Without --claim and --all: claims whose verdict changed, or that the newest run does not
    confirm. `beamproof report DIR -o SITE` shows the same on a site.
    """
    from harness.report.text import trend_text  # noqa: PLC0415 (only this verb needs it)
    from harness.trend import in_order, trends  # noqa: PLC0415 (as above)

    folder = folder or runs_dir
    skills, hashes = _claims(claims_dir)
    views = in_order(view(run, skills, claims_sha256=hashes) for run in _readable(folder))
    chosen = [
        one
        for name, one in trends(views).items()
        if (not patterns or _matches(name, patterns))
        and (patterns or everything or one.verdict_changes or not _all_well(views[-1], name))
    ]
    if patterns and not chosen:
        raise InputError(f"no run in {folder} has a claim like {', '.join(patterns)}")
    click.echo(trend_text(chosen, len(views)), nl=False)
    if not chosen:
        click.echo("every claim kept its verdict, and the newest run confirms all (--all: each)")
    return ExitCode.CONFIRMED


def _matches(name: str, patterns: Iterable[str]) -> bool:
    names = (name, name.partition("/")[2])
    return any(fnmatchcase(one, pattern) for one in names for pattern in patterns)


def _all_well(newest: RunView, name: str) -> bool:
    return all(
        finding.verdict in {Verdict.CONFIRMED, Verdict.SKIPPED}
        for finding in newest.findings
        if finding.claim.name == name
    )


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option(
    "--output", "-o", required=True, type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE", help="The joined run.",
)  # fmt: skip
@click.option(
    "--wins", type=click.Choice(["first", "last", "newest"]),
    help="Which run stands where two disagree [default: refuse].",
)  # fmt: skip
@click.option("--complete/--partial", help="Exit with 2 when a cell is missing [default: 0].")
@runs_option
@_without_collection
def merge(
    runs: Sequence[str], output: Path, wins: str | None, *, complete: bool, runs_dir: Path
) -> int:
    """Join the RUNs of several machines, e.g. one a release, into one, and say what is missing."""
    from harness.merge import Wins  # noqa: PLC0415 (the name is this command's)
    from harness.merge import merge as merged  # noqa: PLC0415 (as above)

    joined = merged(
        [read_run(path) for path in _paths(runs, runs_dir)],
        wins=Wins(wins) if wins else None,
        command=("merge", *runs),
        at=datetime.now(UTC).isoformat(timespec="milliseconds"),
    )
    write_file(output, joined.content())
    click.echo(f"{output}: {len(joined.observations)} cells of {len(runs)} runs", err=True)
    for path in joined.incomplete:
        click.echo(f"! incomplete: {path}", err=True)
    for cell in joined.missing:
        click.echo(f"! missing: {cell}", err=True)
    return ExitCode.INCONCLUSIVE if complete and joined.missing else ExitCode.CONFIRMED


def _paths(names: Sequence[str], runs_dir: Path) -> list[Path]:
    """Return the run files that were meant; a folder stands for all runs in it."""
    found: list[Path] = []
    for name in names or ("latest",):
        if Path(name).is_dir():
            inside = sorted(Path(name).glob("*.jsonl"))
            if not inside:
                raise InputError(f"there is no run (*.jsonl) in {name}")
            found += inside
        else:
            found.append(run_path(name, runs_dir))
    return found


def _readable(folder: Path) -> list[Run]:
    """Read every run of a folder; one that cannot be read is told, and the others count."""
    runs = []
    for path in sorted(folder.glob("*.jsonl")):
        try:
            runs.append(read_run(path))
        except BeamproofError as error:
            click.echo(f"! left out: {error}", err=True)
    if not runs:
        raise InputError(
            f"there is no run that can be read in {folder}", hint="beamproof verify makes one"
        )
    return runs


def _views(paths: Iterable[Path], claims_dir: Path) -> Sequence[RunView]:
    from harness.trend import in_order  # noqa: PLC0415 (most of what it imports comes later)

    skills, hashes = _claims(claims_dir)
    return in_order(view(read_run(path), skills, claims_sha256=hashes) for path in paths)


def _claims(claims_dir: Path) -> tuple[Sequence[Skill], Mapping[str, str]]:
    skills = load_skills(claims_dir)
    hashes = {one.name: hashlib.sha256(one.path.read_bytes()).hexdigest() for one in skills}
    return skills, hashes


def _modules(probes_dir: Path) -> Mapping[str, ProbeModule]:
    from harness.probe_source import read_module  # noqa: PLC0415 (only the site shows sources)

    return {path.stem: read_module(path) for path in sorted(probes_dir.glob("*.erl"))}


def _emit(content: bytes, output: Path | None) -> None:
    if output is not None:
        write_file(output, content)
        return
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()
