"""Start the command line: `python -m harness` and the `beamproof` script."""

from harness.system import interruption

interruption.install()  # before the rest is imported: a signal may come at any moment

from harness.cli.main import main  # noqa: E402

__all__ = ["main"]

if __name__ == "__main__":
    main()
