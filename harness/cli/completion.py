"""`beamproof completion`.

Knows: shells. Must not know: what is completed (`cli.names`, and click for verbs and options).
"""

from __future__ import annotations

import os
from pathlib import Path

import click
from click.shell_completion import get_completion_class

from harness.cli.examples import examples
from harness.system.streams import echo

_SHELLS = ("bash", "zsh", "fish")
_VARIABLE = "_BEAMPROOF_COMPLETE"


def _own_shell() -> str:
    return Path(os.environ.get("SHELL", "")).name


@click.command(
    "completion",
    short_help="Print what lets the shell complete names.",
    epilog=examples(
        'eval "$(beamproof completion bash)"',
        "beamproof completion fish > ~/.config/fish/completions/beamproof.fish",
    ),
)
@click.argument("shell", type=click.Choice(_SHELLS), default=_own_shell)
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what lets SHELL (yours without it) complete verbs, skills, claims, runs and releases.

    To have it in every session, add the first line of the examples to the shell's start file.
    """
    made = get_completion_class(shell)
    assert made is not None  # noqa: S101  click has these three
    root = context.find_root()
    echo(made(root.command, {}, root.info_name or "beamproof", _VARIABLE).source())
