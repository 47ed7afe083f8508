"""What a search found, written into the claim file, and what is refused."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from support.judging import failed, observation, seen

from harness.claims.folder import load_skill
from harness.claims.model import Claim
from harness.errors import InputError
from harness.judge.since import ClaimAnswer, answer_of
from harness.run.model import FailureKind
from harness.verify.since_write import write_range, write_whens

FILE = """\
skill = "beam-test"
description = "d"

# the law
[[claim]]
id = "law"
statement = "It holds."  # as far as seen
sources = ["https://www.erlang.org/doc/"]
expect.a_count = 1
expect.b_us = { at_most = 9 }

[[claim.rival]]
statement = "It does not."
expect.a_count = 0
"""


@pytest.fixture
def law(tmp_path: Path) -> Claim:
    path = tmp_path / "beam-test.toml"
    path.write_text(FILE)
    return load_skill(path).claims[0]


def answers(law: Claim, **evidence: Any) -> list[ClaimAnswer]:
    """Return answers by version, written `v25_2`; a number is `a_count`, None a crash."""
    found = []
    for name, given in evidence.items():
        version = name[1:].replace("_", ".")
        values = {"a_count": given, "b_us": 1} if isinstance(given, int) else given
        saw = (
            observation(failed(FailureKind.CRASHED), version=version)
            if given is None
            else seen(values, version=version)
        )
        answer = answer_of(law, saw, version)
        assert isinstance(answer, ClaimAnswer)
        found.append(answer)
    return found


def written(law: Claim) -> dict[str, Any]:
    (claim,) = tomllib.loads(law.path.read_text())["claim"]
    assert isinstance(claim, dict)
    assert law.path.read_text().count("#") == FILE.count("#")
    return claim


@pytest.mark.parametrize(
    ("evidence", "otp"),
    [
        ({"v25_2_3": 2, "v27_3_4_1": 1, "v29_1": 1}, ">=27"),
        ({"v25_2_3": 1, "v27_3_4_1": 2}, "<27"),
        ({"v27_0": 2, "v27_1_2": 1, "v27_3": 1}, ">=27.1.2"),
        ({"v25_3": 2, "v26_0": 1, "v26_2": 2, "v27_0": 2}, ">=26,<26.2"),
        ({"v25_3": None, "v27_0": 1}, ">=27"),
    ],
)
def test_the_range_on_which_a_claim_holds_is_written(
    evidence: dict[str, Any], otp: str, law: Claim
) -> None:
    """A whole release where releases differ, a patch release where patch releases do."""
    done = write_range(law, answers(law, **evidence))
    assert written(law)["otp"] == otp
    assert done.what == (f'otp = "{otp}"',)
    assert done.left == ()


def test_what_is_otherwise_is_written_with_its_values(law: Claim) -> None:
    """A table a range; why it moved, a person has to say."""
    done = write_whens(law, answers(law, v23_1=3, v25_2=2, v27_0=1))
    whens = written(law)["when"]
    assert [(one["otp"], one["expect"]) for one in whens] == [
        ("<25", {"a_count": 3}),
        (">=25,<27", {"a_count": 2}),
    ]
    assert whens[0]["why"] == "TODO: what moved between 23.1 and 25.2, and where OTP says so."
    assert "between 23.1 and 25.2 and between 25.2 and 27.0" in whens[1]["why"]
    assert done.left == ()
    assert load_skill(law.path).claims[0].unfinished


def test_a_rival_that_is_true_elsewhere_is_told(law: Claim) -> None:
    """Written is what was found; the claim needs a person for the rest."""
    done = write_whens(law, answers(law, v25_2=0, v27_0=1))
    (left,) = done.left
    assert left.startswith("25.2: inconclusive: ")
    assert "It does not." in left


@pytest.mark.parametrize(
    ("evidence", "message"),
    [
        ({"v25_2": 1, "v27_0": 1}, "holds on all of them"),
        ({"v25_2": 2, "v27_0": 3}, "holds on none of them"),
        ({"v25_2": 1, "v26_0": 2, "v27_0": 1}, r"holds on 25\.2 to 25\.2, 27\.0 to 27\.0 and not"),
    ],
)
def test_a_range_that_is_none_is_refused(
    evidence: dict[str, Any], message: str, law: Claim
) -> None:
    """And the file stays as it is."""
    with pytest.raises(InputError, match=message):
        write_range(law, answers(law, **evidence))
    assert law.path.read_text() == FILE


@pytest.mark.parametrize(
    ("old", "message"),
    [
        (1, "holds on all of them"),
        (None, r"on 25\.2 there is no evidence: crashed"),
        ({"a_count": 1, "b_us": 50}, r"b_us is predicted as .* write the \[\[claim\.when\]\]"),
        ({"b_us": 1}, "a_count is predicted as"),
    ],
)
def test_what_no_value_tells_is_refused(old: Any, message: str, law: Claim) -> None:
    """A bound is thought of by a person, and what crashes has no value."""
    with pytest.raises(InputError, match=message):
        write_whens(law, answers(law, v25_2=old, v27_0=1))
    assert law.path.read_text() == FILE


def test_a_claim_that_went_from_its_file_meanwhile_is_said(law: Claim) -> None:
    """Nothing is written anywhere else."""
    law.path.write_text(FILE.replace('id = "law"', 'id = "other"'))
    with pytest.raises(InputError, match="the file has no claim law"):
        write_range(law, answers(law, v25_2=2, v27_0=1))
