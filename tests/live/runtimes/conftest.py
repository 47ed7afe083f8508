"""What the live tests of runtimes share: package trees in the cache, images made of them."""

from __future__ import annotations

import os

import pytest

from harness.cli_options import cache_dir
from harness.errors import BeamproofError
from harness.runtimes import debian, engine, images, imports


def _missing(kind: str, reason: str) -> None:
    if kind in os.environ.get("BEAMPROOF_REQUIRE", ""):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def tree(release: int) -> debian.Tree:
    """Return the package tree of the release, fetched if it is not here yet."""
    try:
        return debian.install(cache_dir(), release, progress=print)
    except BeamproofError as error:
        _missing("live", str(error))
        raise


@pytest.fixture
def image(tree: debian.Tree) -> images.Image:
    """Return the image made of the release's package tree."""
    if not engine.state().answers:
        _missing("docker", engine.state().reason)
    return imports.import_tree(cache_dir(), tree, progress=print)
