"""Answers as lines and as JSON."""

from harness.report.terminal import answers
from harness.run.answers import Answered, Group, Kind, Passing, grouped


def lines(answer: Answered, *passing: Passing) -> list[str]:
    group = Group(runtimes=("otp24", "otp25", "otp27"), answer=answer, passing=passing)
    return list(answers.group_lines(group, timeout_s=0.5, chars=4000))


def test_each_end_has_its_words() -> None:
    """A value, an exception with its stack, a place in the text, a deadline, the end of a VM."""
    assert lines(Answered(kind=Kind.VALUE, text="8")) == ["24\N{EN DASH}25, 27: 8"]
    assert lines(Answered(kind=Kind.VALUE, text="[1,2]", pretty="[1,\n 2]")) == [
        "24\N{EN DASH}25, 27:",
        "  [1,",
        "   2]",
    ]
    raised = Answered(
        kind=Kind.RAISED,
        text="badarg",
        error_class="error",
        notes=("argument 1: not a binary",),
        stack=("erlang:binary_to_atom(1)",),
    )
    assert lines(raised)[0].endswith(": raised error:badarg")
    assert lines(raised)[1:] == ["    argument 1: not a binary", "    in erlang:binary_to_atom(1)"]
    assert lines(Answered(kind=Kind.REFUSED, errors=("1:4: it ends too early", "more"))) == [
        "24\N{EN DASH}25, 27: 1:4: it ends too early",
        "    more",
    ]
    overdue = lines(Answered(kind=Kind.OVERDUE, stack=("timer:sleep/1",)))
    assert overdue[0].endswith(": no answer within 0.5 s (--timeout)")
    assert overdue[1] == "    in timer:sleep/1"
    assert lines(Answered(kind=Kind.ENDED, text="the VM ended"))[0].endswith(": the VM ended")


def test_what_belongs_to_an_answer_stands_below_it() -> None:
    """Warnings, what was cut or differs, and what was printed, the middle of much left out."""
    answer = Answered(
        kind=Kind.VALUE,
        text="<0.1.0>...",
        cut=True,
        checksum=1,
        warnings=("1:1: erlang:now/0 is deprecated",),
        output="".join(f"{number}\n" for number in range(100)),
    )
    _, warning, cut, apart, *printed = lines(answer, Passing.PIDS)
    assert warning == "    warning 1:1: erlang:now/0 is deprecated"
    assert cut == "    cut at 4,000 characters (--chars)"
    assert apart == "    apart from pids; this is what 27 said"
    assert printed[:2] == ["  | 0", "  | 1"]
    assert printed[20] == "  | [... 60 lines ...]"
    assert printed[-1] == "  | 99"


def test_json_has_what_evidence_can_hold() -> None:
    """The value is there where it is plain; what is empty is left out."""
    given = {
        "otp25": Answered(kind=Kind.VALUE, text="{a,1}", plain=["a", 1], is_plain=True),
        "otp27": Answered(
            kind=Kind.RAISED, text="undef", error_class="error", stack=("x:y()",), output="hi\n"
        ),
    }
    found = answers.groups_json("x:y()", grouped(given), given, ("otp27",))
    assert found == {
        "expression": "x:y()",
        "same": [
            {"runtimes": ["otp25"], "apart_from": []},
            {"runtimes": ["otp27"], "apart_from": []},
        ],
        "unsteady": ["otp27"],
        "answers": {
            "otp25": {
                "kind": "value",
                "text": "{a,1}",
                "value": ["a", 1],
                "output": "",
                "elapsed_us": None,
            },
            "otp27": {
                "kind": "raised",
                "text": "undef",
                "class": "error",
                "stack": ["x:y()"],
                "output": "hi\n",
                "elapsed_us": None,
            },
        },
    }
