"""Which facts stand on a skill's first page, and which in its references alone.

Knows: claims, how long their text is. Must not know: Markdown, verdicts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import zip_longest

from harness.report.proofs import Proven

_TOKEN = re.compile(r"\w{1,5}|[^\w\s]{1,2}|\n")


def tokens(text: str) -> int:
    """Return about how many tokens a text takes, rather too many than too few.

    Vocabularies differ between models: this counts every five letters or digits, every two marks
    and every line as one.
    """
    return len(_TOKEN.findall(text))


def by_topic(proofs: Iterable[Proven]) -> dict[str, list[Proven]]:
    """Return facts by the heading that they stand below in the claim file, in its order."""
    topics: dict[str, list[Proven]] = {}
    for one in proofs:
        topics.setdefault(one.claim.topic or _NO_TOPIC, []).append(one)
    return topics


_NO_TOPIC = "Facts"
"""What the facts of a claim file without headings are headed by."""


def differs(proof: Proven) -> bool:
    """Tell whether a fact is about some releases only, or not the same on all."""
    return bool(proof.claim.otp or proof.claim.whens)


def chosen(
    topics: Mapping[str, Sequence[Proven]], said: Callable[[Proven], str], room: int
) -> frozenset[str]:
    """Return the names of the claims that there is room for on the first page.

    Every topic gives one in turn: first what the document speaks of, as that is what people
    believe, rightly or wrongly; then the rest in the order of the file. What is too long is passed
    over for what is not.

    Args:
        topics: the facts by topic.
        said: the text of a fact.
        room: how many tokens the texts may take together.
    """
    ranked = [sorted(facts, key=lambda one: not one.claim.answers) for facts in topics.values()]
    names = set()
    for fact in (one for turn in zip_longest(*ranked) for one in turn if one is not None):
        size = tokens(said(fact))
        if size <= room:
            room -= size
            names.add(fact.claim.name)
    return frozenset(names)
