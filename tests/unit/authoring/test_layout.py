"""The one layout of claim files: keys in order, comments kept, nothing changed in meaning."""

import random
import tomllib
from pathlib import Path

import pytest

from harness.authoring.layout import laid_out
from harness.authoring.lint import fix, lint
from harness.claims.toml_lines import header_of, key_of, statements
from harness.errors import InputError
from harness.folders import own_probes_dir

UNTIDY = '''\
# The file.
skill="acme"
description = "What is tested."{trailing}
# ---- Laws ----


  # Of the claim.
[[claim]]
# Why 64.
expect.size_bytes   =   64
sources = [
    "https://www.erlang.org/",  # the manual
]
statement = """
It = holds,
  # not a comment.
"""

id = "first-law"
"odd = key" = 1
# The last word on it.

[[claim.rival]]
expect.size_bytes = { at_most = 65 }
statement = "It does not hold."
# The end.
'''.replace("{trailing}", "   ")

TIDY = '''\
# The file.
skill = "acme"
description = "What is tested."
# ---- Laws ----

# Of the claim.
[[claim]]
id = "first-law"
statement = """
It = holds,
  # not a comment.
"""
sources = [
    "https://www.erlang.org/",  # the manual
]
# Why 64.
expect.size_bytes = 64
"odd = key" = 1
# The last word on it.

[[claim.rival]]
statement = "It does not hold."
expect.size_bytes = { at_most = 65 }
# The end.
'''


def test_keys_are_put_in_order_and_comments_stay_with_theirs() -> None:
    assert laid_out(UNTIDY) == TIDY
    assert laid_out(TIDY) == TIDY


def test_line_ends_and_the_mark_of_the_encoding_are_made_one() -> None:
    assert laid_out("\ufeff" + UNTIDY.replace("\n", "\r\n")) == TIDY


@pytest.mark.parametrize(
    "path", sorted((own_probes_dir().parent / "claims").glob("**/*.toml")), ids=lambda one: one.stem
)
def test_what_is_shipped_comes_back_from_any_order_of_its_keys(path: Path) -> None:
    text = path.read_text()
    assert laid_out(text) == text
    mixed = _mixed(text, random.Random(path.stem))  # noqa: S311  no secret
    assert tomllib.loads(mixed) == tomllib.loads(text)
    again = laid_out(mixed)
    assert tomllib.loads(again) == tomllib.loads(text)
    assert sorted(again.splitlines()) == sorted(text.splitlines())


def test_lint_tells_of_another_layout_and_fix_mends_it(tmp_path: Path) -> None:
    (tmp_path / "acme.toml").write_text(UNTIDY)
    (tmp_path / "sabotage").mkdir()
    variants = tmp_path / "sabotage" / "acme.toml"
    variants.write_text('[[variant]]\nclaims = ["first-law"]\nid = "without"\n')
    assert _of_layout(tmp_path) == [tmp_path / "acme.toml", variants]
    assert fix(tmp_path) == (tmp_path / "acme.toml", variants)
    assert (tmp_path / "acme.toml").read_text() == TIDY
    assert variants.read_text().startswith('[[variant]]\nid = "without"\n')
    assert _of_layout(tmp_path) == []
    assert fix(tmp_path, ["acme"]) == ()


@pytest.mark.parametrize("content", [b"skill = \n", b"skill = '\xff'\n"])
def test_what_is_no_toml_is_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "acme.toml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"acme\.toml: left as it is") as refused:
        fix(tmp_path)
    assert "beamproof lint" in str(refused.value)
    assert path.read_bytes() == content


def _of_layout(claims_dir: Path) -> list[Path]:
    linted = lint(claims_dir, own_probes_dir(), ["acme"])
    return [problem.path for problem in linted.problems if "layout" in problem.message]


def _mixed(text: str, by: random.Random) -> str:
    """Mix the keys of each table; `expect.a` and `expect.b` keep their order."""
    tables: list[tuple[list[str], dict[str, list[str]]]] = [([], {})]
    waiting: list[str] = []
    for _, statement in statements(text):
        if header_of(statement) is not None:
            tables.append(([*waiting, statement], {}))
        elif (key := key_of(statement)) is not None:
            tables[-1][1].setdefault(key[0], []).extend([*waiting, statement])
        else:
            waiting.append(statement)
            continue
        waiting = []
    mixed = []
    for lead, keys in tables:
        groups = list(keys.values())
        by.shuffle(groups)
        mixed += [*lead, *(line for group in groups for line in group)]
    return "".join([*mixed, *waiting])
