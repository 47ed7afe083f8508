"""The claim file: what it says is what is loaded, and every mistake is named with its line."""

from pathlib import Path

import pytest

from harness.claims.file import read_skill
from harness.claims.folder import load_skill, load_skills
from harness.claims.model import Quote, Relation
from harness.claims.toml_lines import Lines
from harness.errors import ClaimError, InputError
from harness.folders import default_claims_dir
from harness.run.cells import Held, Need, NodeMode, ProbeCall

WHOLE = '''\
skill = "beam-test"
section = 4
description = "What is tested."

[[claim]]
id = "first-law"
statement = """
  It holds,
  always."""
quote = "the words"
sources = ["https://www.erlang.org/doc/a", "https://www.erlang.org/doc/b"]
expect.size_bytes = 64
expect.cases.link = { reason = "killed" }

[[claim]]
id = "second-law"
statement = "It holds, too."
quote = ["some", { text = "words", is = "narrows" }]
probe = "first_law"
args = { size_bytes = 3, names = ["a"] }
otp = ">=25.3"
node = "fresh"
flags = ["+S", "2:2"]
cpuset = 1
memory_mib = 512
needs = ["nif", "cores", "elixir", "application:mnesia"]
repeat = 5
timing = true
timeout_s = 12
expect.cost_ratio = { at_least = 2 }

[[claim.when]]
otp = ">=27"
why = "It moved."
expect.cost_ratio = { at_least = 3 }

[[claim.rival]]
statement = "It does not hold."
quote = "wrong words"
otp = "<27"
expect.cost_ratio = { below = 1 }

[[untestable]]
quote = "teams see"
reason = "About teams."
'''


def skill_file(folder: Path, text: str, name: str = "beam-test") -> Path:
    path = folder / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_claim_file_is_loaded_whole(tmp_path: Path) -> None:
    """Every key arrives where the model says, with lines."""
    skill = load_skill(skill_file(tmp_path, WHOLE))
    assert (skill.name, skill.section, skill.module) == ("beam-test", 4, "beam_test")
    first, second = skill.claims
    assert (first.name, first.line, first.statement) == (
        "beam-test/first-law",
        5,
        "It holds, always.",
    )
    assert [(one.name, one.line) for one in first.expect] == [
        ("size_bytes", 12),
        ("cases.link.reason", 13),
    ]
    assert second.call() == ProbeCall(
        module="beam_test",
        function="first_law",
        args={"size_bytes": 3, "names": ["a"]},
        node=NodeMode.FRESH,
        flags=("+S", "2:2"),
        held=Held(cpuset=1, memory_mib=512),
        needs=frozenset({Need.NIF, Need.CORES}),
        applications=frozenset({"elixir", "mnesia"}),
        repeat=5,
        timing=True,
        timeout_s=12.0,
    )
    assert second.quotes == (
        Quote(text="some"),
        Quote(text="words", relation=Relation.NARROWS),
    )
    wrong = Quote(text="wrong words", relation=Relation.CORRECTS)
    assert second.rivals[0].quotes == (wrong,)
    assert second.answers == (*second.quotes, wrong)
    assert (second.whens[0].why, second.whens[0].line) == ("It moved.", 32)
    assert (second.rivals[0].otp, second.rivals[0].line) == ("<27", 37)
    assert skill.untestable[0].quotes == ("teams see",)
    assert skill.untestable[0].line == 43


def test_defaults_are_those_of_the_contract(tmp_path: Path) -> None:
    """A claim of four keys is a claim."""
    first = load_skill(skill_file(tmp_path, WHOLE)).claims[0]
    assert first.call() == ProbeCall(module="beam_test", function="first_law")
    assert first.place.endswith("beam-test.toml:5")


def test_a_quota_of_cpus_needs_an_engine(tmp_path: Path) -> None:
    """A process cannot be held to one, so its cell is left out elsewhere."""
    call = load_skill(skill_file(tmp_path, HEAD + CLAIM + "cpus = 0.5\n")).claims[0].call()
    assert call.held == Held(cpus=0.5)
    assert call.needs == {Need.DOCKER}


@pytest.mark.parametrize(
    ("version", "about"),
    [
        ("25.2.3", False),
        ("25.3", True),
        ("25.3.2.21", True),
        ("27.3.4.1", True),
        ("28.0-rc2", True),
    ],
)
def test_a_range_is_one_of_full_versions(version: str, about: bool, tmp_path: Path) -> None:  # noqa: FBT001
    """`>=25.3` lets 25.3.2.21 in and leaves 25.2.3 out."""
    assert load_skill(skill_file(tmp_path, WHOLE)).claims[1].applies_to(version) is about


def test_a_claim_knows_its_faults(tmp_path: Path) -> None:
    """By file and line: with them it is never confirmed, so each verb must see them."""
    path = skill_file(tmp_path, HEAD + CLAIM)
    (claim,) = load_skill(path).claims
    assert claim.faults == (
        (
            f"{path}:3: no source is a page of www.erlang.org or a file of github.com/erlang/otp;"
            " a project trusts others by sources in [tool.beamproof] of its pyproject.toml"
        ),
        f"{path}:3: it has no rival: name a wrong belief and what it predicts",
    )


CLAIM = 'id = "a"\nstatement = "A."\nexpect.x_bytes = 1\n'
HEAD = 'skill = "beam-test"\ndescription = "D."\n[[claim]]\n'


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (HEAD + CLAIM + "repeats = 3\n", 7, 'unknown key "repeats"; did you mean "repeat"?'),
        (HEAD + CLAIM + "qqq = 3\n", 7, 'unknown key "qqq"; known are id, statement'),
        (HEAD + CLAIM + "repeat = 0\n", 7, '"repeat": Expected "int" >= 1'),
        (HEAD + CLAIM + 'repeat = "3"\n', 7, '"repeat": Expected "int", got "str"'),
        (HEAD + CLAIM + "timeout_s = 0\n", 7, '"timeout_s": Expected "float" > 0'),
        (HEAD + CLAIM + "cpus = 0\n", 7, '"cpus": Expected "float" >= 0.01'),
        (HEAD + CLAIM + "cpuset = 0.5\n", 7, '"cpuset": Expected "int | null", got "float"'),
        (HEAD + CLAIM + "memory_mb = 1\n", 7, 'did you mean "memory_mib"?'),
        (HEAD + CLAIM + 'node = "own"\n', 7, "Invalid enum value 'own'"),
        (HEAD + CLAIM + 'needs = ["coers"]\n', 7, 'no need "coers"; did you mean "cores"?'),
        (HEAD + CLAIM + 'needs = ["gpu"]\n', 7, 'no need "gpu"; known are nif, peers, docker'),
        (HEAD + CLAIM + 'probe = "Wrong"\n', 7, 'probe "Wrong" is not the name of an Erlang'),
        (HEAD + CLAIM + 'otp = "25+"\n', 7, '"25+" is not a range of OTP versions'),
        (HEAD + CLAIM + 'otp = "<=26"\n', 7, 'write "<27"'),
        (HEAD + CLAIM + 'otp = "==25"\n', 7, 'write "==25.*"'),
        (HEAD + CLAIM + "args = { Size = 3 }\n", 7, '"Size" is not an atom'),
        (HEAD + CLAIM + "args.day = 2025-01-01\n", 7, "args: 2025-01-01 is no JSON value"),
        (HEAD + CLAIM + "[claim.args]\nx = 1\n\nY = 2\n", 10, '"Y" is not an atom'),
        (HEAD + CLAIM + "[claim.expect.y]\nat_lest = 1\n", 8, 'did you mean "at_least"?'),
        (HEAD + CLAIM + '[[claim.rival]]\nstatement = "R."\n', 7, 'key "expect" is missing'),
        (
            HEAD + CLAIM + '[[claim.rival]]\nstatement = "R."\nexpects.x = 1\n',
            9,
            'unknown key "expects"; did you mean "expect"?',
        ),
        (HEAD + CLAIM + '[[claim.when]]\notp = ">=26"\nexpect.x = 1\n', 7, '"why" is missing'),
        (HEAD + 'id = "a"\nstatement = "A."\n', 3, 'the key "expect" is missing'),
        (HEAD + 'id = "a"\nstatement = "A."\nexpect = {}\n', 6, "predict at least one key"),
        (HEAD + 'id = "a_b"\nstatement = "A."\nexpect.x = 1\n', 4, 'did you mean "a-b"?'),
        (HEAD + CLAIM + "[[claim]]\n" + CLAIM, 7, 'id "a" is taken by line 3'),
        ('skill = "other"\ndescription = "D."\n', 1, 'a file named "beam-test.toml"'),
        ('skill = "beam-test"\n', 1, 'the key "description" is missing'),
        ('skill = "beam-test"\ndescription = "D."\nclaim = 3\n', 3, '"claim": Expected'),
        ('skill = "beam-test"\n\nx = = 3\n', 3, "not TOML: Invalid value"),
        (HEAD + CLAIM + "x = [\n", 8, "not TOML"),
    ],
)
def test_a_mistake_is_named_with_its_line(
    text: str, line: int, message: str, tmp_path: Path
) -> None:
    """File, line, what is wrong, what was probably meant."""
    path = skill_file(tmp_path, text)
    with pytest.raises(ClaimError) as error:
        load_skill(path)
    first = str(error.value).splitlines()[0]
    assert first.startswith(f"{path}:{line}: error: ")
    assert message in first


def test_every_mistake_is_named_at_once(tmp_path: Path) -> None:
    """Nobody mends a file one message at a time; what can be understood is."""
    text = HEAD + CLAIM + "repeats = 3\nnods = 'fresh'\n[[claim]]\n" + CLAIM.replace('"a"', '"b"')
    skill, problems = read_skill(skill_file(tmp_path, text))
    assert [problem.line for problem in problems] == [7, 8]
    assert skill is not None
    assert [claim.id for claim in skill.claims] == ["a", "b"]


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """Not a traceback, a message."""
    path = tmp_path / "beam-test.toml"
    path.write_bytes(b"skill = \xff")
    with pytest.raises(ClaimError, match="not UTF-8"):
        load_skill(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """The system's reason is given."""
    with pytest.raises(ClaimError, match="No such file"):
        load_skill(tmp_path / "beam-test.toml")


def test_skills_are_loaded_by_name_in_the_order_asked(tmp_path: Path) -> None:
    """All of them in alphabetical order without names, each once."""
    for name in ("b-two", "a-one"):
        skill_file(tmp_path, HEAD.replace("beam-test", name) + CLAIM, name)
    assert [one.name for one in load_skills(tmp_path)] == ["a-one", "b-two"]
    named = load_skills(tmp_path, ["b-two", "a-one", "b-two"])
    assert [one.name for one in named] == ["b-two", "a-one"]


def test_an_unknown_skill_is_refused_with_what_was_meant(tmp_path: Path) -> None:
    """A slip costs one reading."""
    skill_file(tmp_path, HEAD + CLAIM)
    with pytest.raises(InputError, match='there is no skill "beam-tset"') as error:
        load_skills(tmp_path, ["beam-tset"])
    assert error.value.hint == 'did you mean "beam-test"?'
    with pytest.raises(InputError, match="there is no claims folder"):
        load_skills(tmp_path / "nowhere")


def test_lines_are_right_in_the_claims_of_this_repository() -> None:
    """Whatever way their authors write, a line number leads to the thing it names."""
    for path in sorted(default_claims_dir().glob("*.toml")):
        text = ["", *path.read_text(encoding="utf-8").splitlines()]
        skill, _ = read_skill(path)
        assert skill is not None
        for claim in skill.claims:
            assert text[claim.line].strip() == "[[claim]]"
            for prediction in claim.expect:
                assert any(key in text[prediction.line] for key in prediction.path), prediction
            for rival in claim.rivals:
                assert "rival" in text[rival.line], rival


def test_a_comment_of_dashes_heads_the_claims_below_it(tmp_path: Path) -> None:
    """Up to the next one; a line of a text is no comment."""
    claims = "".join(
        f"""
{heading}
[[claim]]
id = "law-{n}"
statement = \'\'\'
# --- No heading ---
It holds.\'\'\'
expect.size_bytes = {n}
"""
        for n, heading in enumerate(
            ("", "# --- Units, and words -----", "", "# What is odd here.", "#--- Keys ---")
        )
    )
    path = tmp_path / "beam-test.toml"
    path.write_text('skill = "beam-test"\ndescription = "What is tested."\n' + claims)
    skill, problems = read_skill(path)
    assert skill is not None
    assert problems == ()
    topics = [claim.topic for claim in skill.claims]
    assert topics == ["", *["Units, and words"] * 3, "Keys"]


def test_lines_are_found_through_every_way_to_write_a_key() -> None:
    """Headers, dotted keys, quoted keys, strings and brackets over several lines."""
    lines = Lines(
        'top = """\n[[claim]]\n"""\n'  # 1-3: a header within a string is none
        "list = [\n  1, # ]\n  ']',\n]\n"  # 4-7
        "[[claim]] # one\n"  # 8
        "'quoted key' = 1\n"  # 9
        "a.b.c = { d = 1 }\n"  # 10
        "[claim.args]\n"  # 11
        "x = '''\n'''\n"  # 12-13
        "[[claim.rival]]\n"  # 14
        "[[claim.rival]]\n"  # 15
        "y=1\n"  # 16
        "[[claim]]\n"  # 17
        "[[claim.rival]]\n"  # 18
        "z = 1"  # 19
    )
    assert lines.of(("list",)) == 4
    assert lines.of(("claim", 0)) == 8
    assert lines.of(("claim", 0, "quoted key")) == 9
    assert lines.of(("claim", 0, "a", "b", "c", "d")) == 10
    assert lines.of(("claim", 0, "args", "x")) == 12
    assert lines.of(("claim", 0, "rival", 1, "y")) == 16
    assert lines.of(("claim", 0, "rival", 0, "unknown")) == 14
    assert lines.of(("claim", 1, "rival", 0, "z")) == 19
    assert lines.of(("nowhere",)) == 1
