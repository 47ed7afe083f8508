"""A probe that wants two releases gets the nearest other one of its run, or a reason."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from support.judging import build

from harness.bridge.channel import ProcessLauncher
from harness.collect.others import Others
from harness.errors import UnmetNeedError
from harness.runtimes import Runtime

BRIDGES = {"13.1.5": b"25", "+15.2": b"27"}


def others(*releases: int, containers: tuple[int, ...] = ()) -> Others:
    known = Others()
    for release in (*releases, *containers):
        launcher = (
            None if release in containers else ProcessLauncher(erl=Path(f"/otp{release}/erl"))
        )
        runtime = Runtime(
            release=release,
            way="debian",
            origin="",
            digest="",
            launcher=launcher,  # type: ignore[arg-type]
        )
        erts = {25: "13.1.5", 27: "15.2"}.get(release, "0")
        known.add(runtime, msgspec.structs.replace(build(), erts_version=erts))
    return known


def test_the_nearest_other_release_is_handed_over() -> None:
    """With its program and the bridge's code for it, also where that was compiled elsewhere."""
    assert others(25, 27).arguments("otp25", BRIDGES) == {
        "other_otp_release": 27,
        "other_erl": "/otp27/erl",
        "other_bridge_for": "+15.2",
        "other_bridge": b"27",
    }
    assert others(23, 25, 27, 29).arguments("otp27", BRIDGES)["other_otp_release"] == 25
    assert others(25, 27).unmet("otp25") is None


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        (others(25), "in the run"),
        (others(25, containers=(27,)), "in the run"),
        (others(27, containers=(25,)), "trees only"),
    ],
)
def test_without_one_there_is_a_reason(known: Others, reason: str) -> None:
    """One release alone, and a VM in a container, have no other beside them."""
    assert reason in str(known.unmet("otp25"))
    with pytest.raises(UnmetNeedError, match=reason):
        known.arguments("otp25", BRIDGES)
