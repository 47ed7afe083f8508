"""Where a VM comes from: a container, an install on the host, packages of a distribution.

The public surface is `resolve` with its options and results; the ways themselves are modules of
which the costly ones are imported when they are used, so that no run pays for another's engine.
"""

from harness.runtimes.model import AUTO, Resolved, Runtime, RuntimeOptions
from harness.runtimes.resolve import resolve

__all__ = ["AUTO", "Resolved", "Runtime", "RuntimeOptions", "resolve"]
