"""The examples below a verb's help.

Knows: how click keeps lines apart. Must not know: any verb.
"""

from __future__ import annotations


def examples(*lines: str) -> str:
    """Return the end of a verb's help: command lines as they are typed."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
