"""`beamproof try`: its options, and the VMs that start while all the rest is loaded.

Knows: what a command line asks for. Must not know: how expressions are evaluated, asked or shown.
"""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.authoring.expressions import expressions, is_text
from harness.cli import names
from harness.cli.examples import examples
from harness.cli.options import claims_option, json_option, probes_option
from harness.cli.runtime import runtime_options
from harness.collect import releases
from harness.collect import workshop as workshop_
from harness.collect.evaluation import CHARS, DEADLINE_S
from harness.errors import ExitCode, InputError
from harness.folders import cache_dir, new_folders, own_probes_dir
from harness.runtimes.request import RuntimeRequest
from harness.system.streams import echo, print_json, print_lines, say

if TYPE_CHECKING:
    from harness.collect.panel import Asked, Panel
    from harness.verify.trying import Questions

_MODULE = re.compile(r"^-module\(\s*(?P<name>[a-z][\w@]*)\s*\)\s*\.", re.MULTILINE)
_OURS = "probe_"
_HISTORY = "try-history"


@click.command(
    "try",
    short_help="Evaluate Erlang on every release at once.",
    epilog=examples(
        "beamproof try 'erlang:system_info(wordsize)'",
        "beamproof try 'T = ets:new(t, []).' 'ets:info(T, memory).' --otp 25,27",
        "beamproof try 'erlang:system_info(dist_buf_busy_limit)' --flags '+zdbbl 1'",
        "beamproof try --file tally.erl 'tally:count([a, b, a])'",
        "beamproof try --stdin --json < questions.txt",
        "beamproof try --repl --otp 25,27",
        "beamproof try 'erlang:system_info(wordsize)' --to-claim our-vm/word-size",
    ),
)
@click.argument("texts", nargs=-1, metavar="EXPRESSION...")
@click.option(
    "--file",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.erl",
    help="A module to compile and load first; without EXPRESSION its main/0 or main/1 is called.",
)
@click.option("--repl", is_flag=True, help="Prompt for expressions, with a history.")
@click.option("--stdin", "from_stdin", is_flag=True, help="Read expressions, full stops between.")
@runtime_options
@click.option("--flags", multiple=True, metavar="FLAGS", help="Flags of the VMs: '+zdbbl 1'.")
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(0.1, 3600),
    default=DEADLINE_S,
    show_default=True,
    metavar="S",
    help="Seconds an expression.",
)
@click.option(
    "--chars",
    type=click.IntRange(10, 1_000_000),
    default=CHARS,
    show_default=True,
    metavar="N",
    help="Print no more of a value; the rest is compared by its checksum.",
)
@click.option("--once", is_flag=True, help="Do not ask again where nothing but numbers differ.")
@click.option(
    "--to-claim",
    "claim",
    type=names.CLAIM,
    metavar="SKILL/CLAIM",
    help="Write a claim and a probe of what the last expression gave.",
)
@json_option
@claims_option
@probes_option
@click.pass_context
def try_(context: click.Context, /, **given: Any) -> None:
    """Evaluate each EXPRESSION on every release at once; equal answers are one line.

    Expressions are evaluated in order, in one VM a release; variables keep their values. An exit
    code of 0 says that every release answered, with a value or an exception; of 2 that one took
    too long or its VM ended; of 4 that no release takes it for Erlang.
    """
    module, source, texts = _asked(given)
    request = RuntimeRequest.of(given)
    flags = _flags(given["flags"])
    workshop = workshop_.workshop_for(workshop_.new_run_id(), own_probes_dir(), cache_dir())
    if module is not None:
        workshop.probes = workshop.probes.with_changed({module: source})
    with releases.open_releases(request, workshop, say, flags) as opened:
        from harness.collect.panel import Panel  # noqa: PLC0415 - loaded while the VMs start
        from harness.verify import trying  # noqa: PLC0415 - as above

        workshop.probes.tell = _quiet_of_warnings
        trying.require(opened, flags, strict=request.is_strict)
        if not given["as_json"]:
            for line in trying.missing_lines(opened.resolved):
                say(line)
        questions = trying.Questions(
            module=module,
            store=workshop.probes,
            expressions=texts,
            once=given["once"],
            twice=given["claim"] is not None,
        )
        with Panel(opened, given["timeout_s"], given["chars"]) as panel:
            asked = _answer(panel, questions, as_json=given["as_json"])
            code = trying.exit_code(asked)
            if given["repl"] and code != ExitCode.BAD_INPUT:
                from harness.verify.prompt import converse  # noqa: PLC0415 - seldom wanted

                converse(panel, tuple(opened.runtimes), cache_dir() / _HISTORY)
    if given["claim"] is not None and code == ExitCode.CONFIRMED:
        _to_claim(given, asked, flags)
    context.exit(code)


def _answer(panel: Panel, questions: Questions, *, as_json: bool) -> list[Asked]:
    from harness.verify import trying  # noqa: PLC0415 - loaded while the VMs start

    asked = []
    for one in trying.ask(panel, questions):
        asked.append(one)
        if as_json or (trying.is_silent(one) and questions.expressions):
            continue
        if questions.count > 1:
            echo(f"> {one.text}")
        print_lines(trying.asked_lines(one, timeout_s=panel.timeout_s, chars=panel.chars))
    if as_json:
        print_json(trying.to_json(asked, panel))
    else:
        print_lines(trying.rest_lines(panel))
    return asked


def _to_claim(given: dict[str, Any], asked: list[Asked], flags: tuple[str, ...]) -> None:
    from harness.authoring.scaffold import scaffold  # noqa: PLC0415 - seldom wanted
    from harness.cli.begun import begun_lines  # noqa: PLC0415 - as above
    from harness.verify.claimed import draft_of  # noqa: PLC0415 - as above

    folders = new_folders(given["claims_dir"], given["probes_dir"])
    files = scaffold(given["claim"], *folders, draft_of(asked, flags))
    for line in begun_lines(given["claim"], files, *folders):
        say(line)


def _asked(given: dict[str, Any]) -> tuple[str | None, bytes, tuple[str, ...]]:
    """Return a module's name and text, and the expressions.

    Raises:
        InputError: the file is missing or no module, the text is none.
        UsageError: nothing is asked.
    """
    for text in given["texts"]:
        _require_text(text)
    texts = [one for text in given["texts"] for one in expressions(text)]
    if given["from_stdin"]:
        texts += expressions(_decoded(sys.stdin.buffer.read(), "standard input"))
    if given["repl"]:
        _require_terminal(given)
    if given["claim"] is not None:
        _require_claimable(given)
    if given["file"] is None:
        if not (texts or given["repl"]):
            raise click.UsageError(
                "nothing to evaluate: name an EXPRESSION, --file, --stdin or --repl"
            )
        return None, b"", tuple(texts)
    module, source = _module(given["file"])
    if not (texts or given["repl"]):
        texts = [*_main(given["file"], source, module)]
    return module, source, tuple(texts)


def _require_terminal(given: dict[str, Any]) -> None:
    if given["as_json"] or given["from_stdin"]:
        raise click.UsageError("--repl excludes --json and --stdin")
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise InputError(
            "--repl needs a terminal", hint="beamproof try --stdin reads expressions from a pipe"
        )


def _require_claimable(given: dict[str, Any]) -> None:
    from harness.authoring.scaffold import require_name  # noqa: PLC0415 - seldom wanted

    require_name(given["claim"])
    if given["repl"] or given["file"] is not None:
        raise click.UsageError("--to-claim takes expressions, and excludes --repl and --file")


def _module(path: Path) -> tuple[str, bytes]:
    try:
        source = path.read_bytes()
    except OSError as error:
        raise InputError(f"--file {path}: {error.strerror}") from error
    found = _MODULE.search(_decoded(source, str(path)))
    if found is None:
        raise InputError(
            f"--file {path}: there is no -module(...). in it",
            hint=f"expressions come as arguments, or with --stdin < {path}",
        )
    if found["name"].startswith(_OURS):
        raise InputError(f"--file {path}: modules named {_OURS}... are beamproof's own")
    return found["name"], source


def _main(path: Path, source: bytes, module: str) -> tuple[str, ...]:
    """Return the call of what a script exports to be run."""
    from harness.authoring.probe_source import parse_module  # noqa: PLC0415 - seldom wanted

    arities = {one.arity for one in parse_module(path, source).probes if one.name == "main"}
    if 0 in arities:
        return (f"{module}:main()",)
    return (f"{module}:main([])",) if 1 in arities else ()


def _require_text(text: str) -> None:
    """Refuse an argument that holds bytes which are no text."""
    if not is_text(text):
        raise InputError("EXPRESSION is not UTF-8")


def _decoded(content: bytes, where: str) -> str:
    try:
        return content.decode("utf-8-sig")  # as editors on Windows write it
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(f"{where}: line {line} is not UTF-8") from error


def _flags(given: tuple[str, ...]) -> tuple[str, ...]:
    try:
        return tuple(flag for text in given for flag in shlex.split(text))
    except ValueError as error:
        raise InputError(f"--flags {' '.join(given)}: {error}") from error


def _quiet_of_warnings(line: str) -> None:
    """Tell what the store has to say but warnings, which stand with the answers."""
    if " warns of " not in line:
        say(line)
