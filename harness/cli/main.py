"""The command line: every verb, and the one place where errors become exit codes.

Knows: the verbs by name; each is imported only when it is called, so that `verify` starts fast.
Must not know: what any of them does.
"""

from __future__ import annotations

import importlib
import sys
from collections import Counter

import click

from harness import __version__
from harness.cli import defects
from harness.errors import BeamproofError, ExitCode
from harness.suggest import did_you_mean
from harness.system import interruption, streams
from harness.system.streams import say

_VERBS = {
    "verify": "harness.cli.verify:verify",
    "try": "harness.cli.try_:try_",
    "since": "harness.cli.since:since",
    "list": "harness.cli.list:list_claims",
    "show": "harness.cli.show:show",
    "init": "harness.cli.init:init",
    "new": "harness.cli.new:new",
    "lint": "harness.cli.lint:lint",
    "coverage": "harness.cli.coverage:coverage",
    "judge": "harness.cli.judge:judge",
    "mutate": "harness.cli.mutate:mutate",
    "sabotage": "harness.cli.sabotage:sabotage",
    "compile": "harness.cli.compile:compile_probes",
    "prove": "harness.cli.prove:prove",
    "export": "harness.cli.export:export",
    "repro": "harness.cli.repro:repro",
    "report": "harness.cli.report:report",
    "compare": "harness.cli.compare:compare",
    "trend": "harness.cli.trend:trend",
    "merge": "harness.cli.merge:merge",
    "skill": "harness.cli.skill:skill",
    "corrections": "harness.cli.corrections:corrections",
    "otp": "harness.cli.otp:otp",
    "doctor": "harness.cli.doctor:doctor",
    "sweep": "harness.cli.sweep:sweep",
    "completion": "harness.cli.completion:completion",
}
"""Where each verb lives, in the order in which the help lists them."""


class _LazyGroup(click.Group):
    """Import a verb's module when the verb is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the verbs."""
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import and return a verb."""
        if cmd_name not in _VERBS:
            return None
        module, _, name = _VERBS[cmd_name].partition(":")
        command = getattr(importlib.import_module(module), name)
        return command if isinstance(command, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Refuse an unknown verb with what was probably meant, and an option given twice."""
        if args and args[0] not in _VERBS and not args[0].startswith("-"):
            ctx.fail(f"no such command {args[0]!r}{did_you_mean(args[0], _VERBS)}")
        name, command, rest = super().resolve_command(ctx, args)
        if ctx.resilient_parsing or command is None or isinstance(command, click.Group):
            return name, command, rest  # what the shell completes is not whole yet
        _refuse_repeated(click.Context(command, info_name=name, parent=ctx), command, rest)
        return name, command, rest


def _refuse_repeated(context: click.Context, command: click.Command, args: list[str]) -> None:
    """Refuse an option that takes one value and is given two: which one was meant?"""
    _, _, order = command.make_parser(context).parse_args(args=list(args))
    for option, times in Counter(order).items():
        if (
            times > 1
            and isinstance(option, click.Option)
            and not (option.multiple or option.is_flag)
        ):
            context.fail(f"{option.opts[0]} is given {times} times, and takes one value")


_EPILOG = """\b
Examples:
  beamproof verify beam-memory-management --otp 25,27
  beamproof show refc-threshold
  beamproof report --output site

\b
Exit codes:
  0 confirmed   1 refuted   2 inconclusive   3 nothing selected   4 bad input
  5 a release cannot be had   6 something cannot be written
  70 a defect of beamproof   128 + N ended by signal N (130: Ctrl-C)
"""


@click.group(
    cls=_LazyGroup, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, prog_name="beamproof")
@click.option("--debug", is_flag=True, help="Show the stack of an error of beamproof's own.")
@click.pass_context
def cli(context: click.Context, *, debug: bool) -> None:
    """Prove statements about the Erlang VM on live Erlang VMs."""
    context.obj = debug


def main() -> None:
    """Run the command line and exit with one of `errors.ExitCode`."""
    output = streams.guard()
    code = run(sys.argv[1:])
    interruption.over()
    sys.stdout.flush()
    if output.lost is not None:
        say(f"beamproof: standard output cannot be written: {output.lost.strerror}")
        code = code or ExitCode.FAILURE
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code."""
    debug = arguments[:1] == ["--debug"]
    try:
        with interruption.armed():
            outcome = cli.main(arguments, prog_name="beamproof", standalone_mode=False)
    except BeamproofError as error:
        return _failed(error)
    except click.ClickException as error:
        error.show()
        return ExitCode.BAD_INPUT
    except (KeyboardInterrupt, click.Abort) as error:
        cause = error.__cause__ or error  # click wraps what interrupts it
        if isinstance(cause, interruption.Interrupted):
            return cause.exit_code
        return ExitCode.INTERRUPTED
    except Exception as error:
        if debug:
            raise
        say(f"beamproof: {defects.record(error, arguments)}")
        return ExitCode.DEFECT
    return outcome if isinstance(outcome, int) else ExitCode.CONFIRMED


def _failed(error: BeamproofError) -> int:
    """Say what failed and return its exit code, or that of the signal which made a start fail."""
    ended = interruption.first()
    if ended is not None and error.exit_code is ExitCode.RUNTIME_MISSING:
        return ended.exit_code
    say(f"beamproof: {error}")
    return error.exit_code
