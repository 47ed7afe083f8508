"""The short form of `make fuzz`."""

from __future__ import annotations

from collections import Counter

from tests.faults import fuzz


def test_damage_is_refused_in_every_layer() -> None:
    """Ten seconds of damaged frames, terms, answers and outcomes: nothing but ProtocolError."""
    counts: Counter[str] = Counter()
    found = list(fuzz.campaign(20_261_126, 10.0, counts))
    assert found == []
    for layer in fuzz.layers():
        assert counts[f"{layer}: refused"] > 0, layer
        assert counts[f"{layer}: read"] > 0 or layer == "frames", layer
