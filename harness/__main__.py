"""Start the command line: `python -m harness` and the `beamproof` script."""

from harness.cli.main import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
