"""`make orders`: all skills with ten seeds on shared nodes, and each call on a node of its own."""

from __future__ import annotations

import argparse
import sys

from harness.system.streams import echo
from tests.orders.runs import differing, in_all_ways, names


def main() -> int:
    """Print the cells whose verdict depends on order or company; 1 if there are any."""
    parser = argparse.ArgumentParser(prog="python -m tests.orders", description=__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="how many orders")
    parser.add_argument("--sample", type=int, help="so many claims a skill [default: all]")
    given, options = parser.parse_known_args()
    runs = in_all_ways(names(sample=given.sample), range(given.seeds), options)
    found = list(differing(runs))
    for line in found:
        echo(line)
    cells = len(next(iter(runs.values())))
    echo(f"{cells} cells in {given.seeds} orders and each alone: {len(found)} differ")
    return 1 if found else 0


sys.exit(main())
