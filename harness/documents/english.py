"""English words by what they do to a sentence: deny, speak of all, hedge; and which mean the same.

Knows: English. Must not know: what a sentence is about.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


NEGATIONS = _words(
    """no not never none nothing nobody nowhere neither nor cannot without reverse opposite"""
)
UNIVERSALS = _words("""all always any each every everything everywhere never only whatever""")
HEDGES = _words("""default may might sometimes usually often mostly unless until except""")
STOP = _words(
    """a about all also always am an and any are as at be been being but by can could did do does
    done each else even every for from had has have having he her his how i if in into is it its
    itself just like may me might more most much must my of on one only or other our out own she
    should so some such than that the their them then there these they this those through to too
    up us very was way we were what when where which while who whose will with would you your"""
)
"""What stands in every other sentence, whatever that says."""

NUMBERS = {
    word: str(number)
    for number, word in enumerate(
        ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    )
    if word != "one"  # which is more often a pronoun
} | {"once": "1", "twice": "2", "hundred": "100", "thousand": "1000", "million": "1000000"}

SAME = {
    "gc": "collect", "garbage": "collect", "collector": "collect",
    "beam": "vm", "emulator": "vm", "runtime": "vm",
    "native": "nif", "nifs": "nif", "os": "oper", "refcounted": "refer",
    "store": "write", "save": "write", "addit": "extra",
    "block": "stop", "paus": "stop", "hold": "stop", "stall": "stop",
    "larg": "big", "huge": "big", "maximum": "limit",
    "fast": "cheap", "free": "cheap", "deliv": "arriv",
    "die": "end", "termin": "end", "gone": "end", "freed": "end",
}  # fmt: skip
"""Words and stems for which people who write about the VM use another as well."""

_FORMS = {
    "become": "became", "begin": "began begun", "bind": "bound", "bring": "brought",
    "build": "built", "catch": "caught", "choose": "chose chosen", "fall": "fell fallen",
    "find": "found", "get": "got", "give": "gave given", "go": "went", "grow": "grew grown",
    "hear": "heard", "hold": "held", "keep": "kept", "know": "knew known", "lead": "led",
    "leave": "left", "lose": "lost", "make": "made", "mean": "meant", "meet": "met",
    "pay": "paid", "run": "ran", "say": "said", "see": "saw seen", "send": "sent",
    "show": "shown", "sleep": "slept", "speak": "spoke spoken", "spend": "spent",
    "stand": "stood", "take": "took taken", "tell": "told", "think": "thought",
    "throw": "threw thrown", "wake": "woke woken", "write": "wrote written",
}  # fmt: skip
VERBS = {form: verb for verb, forms in _FORMS.items() for form in forms.split()}
"""Forms of irregular verbs, which no stemmer knows."""
