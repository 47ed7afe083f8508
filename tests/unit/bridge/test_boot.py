"""The boot expression: one text, in two languages."""

from __future__ import annotations

import re

from harness.bridge.boot import BOOT, boot_command, first_frame
from harness.bridge.terms import Atom, decode
from harness.folders import default_probes_dir


def test_peers_are_booted_like_nodes() -> None:
    """The expression in probe_peer.erl is that of harness/bridge/boot.py."""
    source = (default_probes_dir() / "probe_peer.erl").read_text(encoding="utf-8")
    define = re.search(r"-define\(BOOT,(.*?)\n\)\.", source, re.DOTALL)
    assert define
    parts = re.findall(r'"((?:\\.|[^"\\])*)"', define[1])
    assert "".join(parts).replace('\\"', '"') == BOOT


def test_the_command_line_keeps_flags_apart() -> None:
    """Flags are arguments of their own, whatever is in them; the shell sees none of them."""
    command = boot_command("/a b/erl", ["+S", "2:2", "-x", "$(halt); 'y'"])
    assert command[:2] == ["sh", "-c"]
    assert command[3:10] == ["/a b/erl", "-noinput", "-noshell", "+S", "2:2", "-x", "$(halt); 'y'"]
    assert command[-2:] == ["-eval", BOOT]
    assert "halt" not in command[2]


def test_the_first_frame_offers_every_variant() -> None:
    """The VM finds its own version's code in it, and the source for want of that."""
    frame = first_frame("probe_bridge", {"13.1": b"FOR1a", "15.2": b"FOR1b"}, b"-module(x).")
    assert decode(frame) == (
        Atom("probe_bridge"),
        [(list(b"13.1"), "FOR1a"), (list(b"15.2"), "FOR1b")],
        "-module(x).",
    )
