"""`beamproof prove`.

Knows: its options, exit codes. Must not know: how a document is read or judged.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from harness.authoring.page import Page, read_page
from harness.authoring.probe_then import changed_files, changed_note
from harness.claims.folder import load_skills
from harness.claims.model import Skill, by_name
from harness.claims.paths import skill_paths
from harness.cli import names
from harness.cli.asking import ask
from harness.cli.examples import examples
from harness.cli.options import claims_option, json_option, probes_option, runs_option
from harness.cli.runtime import way_arguments, way_options
from harness.documents.accepted import accept, read_record, record_path, render_record
from harness.documents.proof import Proof, known
from harness.documents.proof import prove as prove_page
from harness.documents.remark import Remark
from harness.errors import ExitCode, InputError
from harness.report import workflow_commands
from harness.report.documents import (
    document_lines,
    documents_report,
    problems,
    suggestion_lines,
    suggestions_report,
)
from harness.report.output import write_file
from harness.report.phrases import plural
from harness.report.sarif import render_sarif
from harness.run.file import read_run
from harness.run.latest import run_meant
from harness.run.model import Run
from harness.run.releases import parse_releases
from harness.run.stored import run_path
from harness.system.streams import print_json, print_lines, say


def _covers(_context: click.Context, _option: click.Parameter, text: str | None) -> Any:
    return None if text is None else parse_releases(text)


@click.command(
    "prove",
    short_help="Check that documents say only what is confirmed.",
    epilog=examples(
        "beamproof prove guide.md",
        "beamproof prove --accept guide.md",
        "beamproof prove --verify guide.md",
        "beamproof prove docs/*.md --otp 25-27 --max-unproven 0 --sarif prove.sarif",
        "beamproof prove --suggest guide.md",
        "beamproof prove --suggest --ask guide.md",
    ),
)
@click.argument(
    "documents",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.md...",
)
@click.option(
    "--run",
    type=names.RUN,
    metavar="RUN",
    help="Run that decides [default: the newest of each cell].",
)
@click.option(
    "--otp",
    "covers",
    type=names.RELEASES,
    callback=_covers,
    metavar="RELEASES",
    help="Releases that the documents cover [default: what each says].",
)
@click.option("--accept", "accepts", is_flag=True, help="Record the marked sentences as they are.")
@click.option(
    "--max-unproven",
    type=click.IntRange(0),
    metavar="N",
    help="Sentences of a document that may look like facts without a mark [default: any].",
)
@click.option(
    "--verify", "verifies", is_flag=True, help="Run the marked claims first, on live VMs."
)
@way_options
@click.option("--suggest", is_flag=True, help="Say which beliefs unmarked sentences are like.")
@click.option(
    "--ask", "asks", is_flag=True, help="With --suggest: ask of each mark whether to write it."
)
@json_option
@click.option(
    "--sarif",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write what is found as SARIF, too.",
)
@click.option("--quiet", "-q", is_flag=True, help="Errors and totals alone.")
@claims_option
@probes_option
@runs_option
@click.pass_context
def prove(context: click.Context, /, **given: Any) -> None:
    """Check that each mark of the documents names a claim that is confirmed where they say it is.

    A mark stands behind its sentence, `<!-- claim: SKILL/CLAIM -->`, and is not seen in the page;
    `<!-- beamproof: otp 25-27 -->` says which releases the page covers. A sentence that changed
    since `--accept` recorded it is an error as well. Sentences that look like facts and bear no
    mark are listed. Exit code 1: not to be published.

    With --suggest the sentences that bear no mark are compared with all statements and rivals, the
    most like first, for you to judge; --ask writes the marks that you say yes to.
    """
    _refuse_both(given)
    pages = [read_page(path) for path in dict.fromkeys(given["documents"])]
    if given["suggest"]:
        _suggest(pages, given)
        return
    marked = [name for page in pages for name in page.names]
    skills = _skills_of(marked, given["claims_dir"])
    if given["accepts"]:
        _accept(pages, skills)
    run = _run_of(context, pages, [name for name in marked if name in by_name(skills)], given)
    proofs = _proofs(pages, skills, run, given)
    if run is not None:
        _tell_of_changes(run, marked, given["probes_dir"])
    _print(proofs, run, given)
    if any(proof.blocked for proof in proofs):
        context.exit(ExitCode.REFUTED)


def _refuse_both(given: dict[str, Any]) -> None:
    if given["suggest"] and (
        given["accepts"] or given["verifies"] or given["max_unproven"] is not None
    ):
        raise click.UsageError(
            "--suggest only compares: without --accept, --verify, --max-unproven"
        )
    if given["asks"] and (not given["suggest"] or given["as_json"]):
        raise click.UsageError("--ask goes with --suggest, and without --json")
    if given["verifies"] and given["run"] is not None:
        raise click.UsageError("--verify makes a run of its own: without --run")


def _run_of(
    context: click.Context, pages: Sequence[Page], marked: Sequence[str], given: dict[str, Any]
) -> Run | None:
    """Return the run that decides, None where nothing is marked and none was named."""
    if given["verifies"] and marked:
        return _verified(context, pages, marked, given)
    return run_meant(given["run"], given["runs_dir"]) if marked or given["run"] else None


def _verified(
    context: click.Context, pages: Sequence[Page], marked: Sequence[str], given: dict[str, Any]
) -> Run:
    """Run some claims as `beamproof verify` does, and return the run; what it prints is no result.

    The releases are those that the documents cover, where each says which.
    """
    from harness.cli.verify import RUN, verify  # noqa: PLC0415 - loaded to run VMs, not else

    arguments = ["--quiet", "--claims", str(given["claims_dir"]), "--runs", str(given["runs_dir"])]
    arguments += ["--probes", str(given["probes_dir"]), *way_arguments(given)]
    for name in dict.fromkeys(marked):
        arguments += ["--claim", name]
    covers = [given["covers"] or page.covers for page in pages if page.names]
    if all(covers):
        releases = sorted({release for one in covers for release in one or ()})
        arguments += ["--otp", ",".join(map(str, releases)), "--no-strict"]
    skills = dict.fromkeys(name.partition("/")[0] for name in marked)
    with (
        contextlib.redirect_stdout(sys.stderr),
        contextlib.suppress(click.exceptions.Exit),
        verify.make_context("verify", [*skills, *arguments], parent=context) as inner,
    ):
        verify.invoke(inner)
    return read_run(run_path(context.meta[RUN], given["runs_dir"]))  # not another's that is newer


def _tell_of_changes(run: Run, marked: Sequence[str], probes_dir: Path) -> None:
    changed = changed_files(run, frozenset(marked), probes_dir)
    if changed:
        say(f"{changed_note(changed)}; run them again: beamproof prove --verify")


def _skills_of(marked: Sequence[str], claims_dir: Path) -> Sequence[Skill]:
    """Return the skills of some claims; all, where one is not there: another may be meant."""
    paths = skill_paths(claims_dir)
    wanted = dict.fromkeys(name.partition("/")[0] for name in marked)
    skills = load_skills(claims_dir, [skill for skill in wanted if skill in paths])
    return skills if set(marked) <= by_name(skills).keys() else load_skills(claims_dir)


def _accept(pages: Iterable[Page], skills: Sequence[Skill]) -> None:
    claims = by_name(skills)
    for page in pages:
        record = accept(page, claims)
        if record.sentences or record_path(page.path).exists():
            write_file(record_path(page.path), render_record(record))
            count = plural(len(record.sentences), "link")
            say(f"{record_path(page.path)}: {count} of sentences to claims accepted")


def _proofs(
    pages: Iterable[Page], skills: Sequence[Skill], run: Run | None, given: dict[str, Any]
) -> list[Proof]:
    pages = list(pages)
    found = known(skills, (name for page in pages for name in page.names), run)
    return [
        prove_page(
            page,
            found,
            covers=given["covers"],
            record=read_record(page.path),
            max_unproven=given["max_unproven"],
        )
        for page in pages
    ]


def _print(proofs: Sequence[Proof], run: Run | None, given: dict[str, Any]) -> None:
    remarks = [remark for proof in proofs for remark in proof.remarks]
    _write_sarif(remarks, given["sarif"])
    if given["as_json"]:
        report = documents_report(proofs, str(run.path) if run is not None else None)
        print_json(msgspec.to_builtins(report))
        return
    print_lines(document_lines(proofs, quiet=given["quiet"]))
    if run is not None:
        say(f"decided by {run.path}")
    if workflow_commands.wanted():
        print_lines(workflow_commands.of_problems(problems(remarks)))


def _suggest(pages: Sequence[Page], given: dict[str, Any]) -> None:
    """Print what the sentences of documents are like, with what the newest run showed."""
    from harness.documents.likeness import Beliefs  # noqa: PLC0415 - no other use needs its stems
    from harness.documents.suggest import suggestions  # noqa: PLC0415

    skills = load_skills(given["claims_dir"])
    claims = by_name(skills)
    run = _run_if_any(given)
    beliefs = Beliefs(claims.values())
    findings = known(skills, claims, run).findings
    found = [one for page in pages for one in suggestions(page, beliefs, findings)]
    found.sort(key=lambda one: -(one.score or 0))
    _write_sarif(found, given["sarif"])
    if given["as_json"]:
        print_json(
            msgspec.to_builtins(suggestions_report(found, None if run is None else str(run.path)))
        )
        return
    if given["asks"]:
        ask(pages, found)
        return
    print_lines(suggestion_lines(found, quiet=given["quiet"]))


def _run_if_any(given: dict[str, Any]) -> Run | None:
    """Return the run that was named, or the newest of each cell where there is any."""
    try:
        return run_meant(given["run"], given["runs_dir"])
    except InputError:
        if given["run"] is not None:
            raise
        return None


def _write_sarif(remarks: Sequence[Remark], path: Path | None) -> None:
    if path is not None:
        write_file(path, render_sarif(remarks))
