"""What all probes share does what its comments say: probe_lib, probe_measure, probe_capture."""

from __future__ import annotations

from typing import Any

import pytest

from harness.collect.node import Node

pytestmark = pytest.mark.live


def shared_probe(node: Node, name: str) -> dict[str, Any]:
    answer = node.probe("shared_probes", name, {}, timeout_s=60)
    assert answer.leftovers == ()
    assert isinstance(answer.value, dict)
    return answer.value


def test_waiting_says_how_it_ended(lent_node: Node) -> None:
    """What observes returns what it saw last; what requires raises it as a setup that failed."""
    found = shared_probe(lent_node, "waits")
    assert found.pop("waited_ms") >= 20
    assert found == {
        "asked_count": 3,
        "last": "no",
        "await": "ok",
        "value": "here",
        "never": "{setup,{never,no}}",
        "no_value": "{setup,{never,no}}",
    }


def test_a_process_that_takes_too_long_is_killed(lent_node: Node) -> None:
    """A fun that does not return costs its deadline and leaves nothing behind."""
    expected = {"raised": "{setup,{no_value,20}}", "left_alive": False}
    assert shared_probe(lent_node, "bounds") == expected


def test_subjects_keep_their_state(lent_node: Node) -> None:
    """Told, hibernated and woken, a subject answers with its own state."""
    expected = {"told": "kept", "function": "hibernate", "woken": "kept"}
    assert shared_probe(lent_node, "subjects") == expected


def test_ends_have_their_reasons(lent_node: Node) -> None:
    """Each process' end is told once, whatever its state before."""
    assert shared_probe(lent_node, "ends") == {
        "alive": "alive",
        "reasons": ["killed", "killed", "noproc"],
        "by_a_third": "killed",
        "by_monitor": "killed",
        "by_pid": "noproc",
    }


def test_each_figure_of_a_heap_has_one_meaning(lent_node: Node) -> None:
    """Live words without garbage, used words with it, blocks with what is free, binaries once."""
    found = shared_probe(lent_node, "heaps")
    assert found["live_words"] == 2000
    assert 1000 <= found["garbage_words"] < 1100
    assert found["block_words"] > 100_000
    assert found["total_words"] == found["block_words"] < found["memory_words"]
    assert found["off_heap_sizes"] == [65, 1000]
    assert found["off_heap_bytes"] == 1065
    assert 0 < found["paid_reductions"] < 100
    assert found["memory_bytes"] > 0


def test_thresholds_were_tried(lent_node: Node) -> None:
    """No end of a range is returned that nobody tried."""
    assert shared_probe(lent_node, "thresholds") == {
        "swept": [3, 4],
        "swept_none": [9, "none"],
        "bisected": [64, 65],
        "at_the_ends": [[0, 1], [99, 100]],
        "too_low": "{setup,{holds_at,0}}",
        "too_high": "{setup,{holds_nowhere_up_to,100}}",
        "constant_from": 3,
        "exponent": pytest.approx(2.0),
        "samples": [{"size_bytes": 1, "took_us": 2}],
    }


def test_a_log_is_kept_in_order_and_whole(lent_node: Node) -> None:
    """Events of the fun's own processes are kept, the end mark is not, and nothing is printed."""
    assert shared_probe(lent_node, "logs") == {
        "value": "returned",
        "first": '{string,"first"}',
        "events_count": 2,
        "none_count": 0,
    }


def test_a_log_waits_for_all_who_may_log(node: Node) -> None:
    """Whoever tells of its end first and logs then is in it."""
    assert shared_probe(node, "logs_late") == {"told": "told", "events_count": 1}


def test_a_log_is_not_closed_while_somebody_lives_who_may_log(node: Node) -> None:
    """A probe that leaves one behind has no whole log."""
    assert shared_probe(node, "logs_without_end") == {"class": "error"}


def test_folders_are_removed_with_what_is_in_them(lent_node: Node) -> None:
    """A folder lives as long as the fun that has it."""
    assert shared_probe(lent_node, "folders") == {"was": True, "left": False}


def test_any_term_is_text(lent_node: Node) -> None:
    """Terms, formats and ends of calls become text that does not differ from run to run."""
    assert shared_probe(lent_node, "texts") == {
        "term": '{"text",1}',
        "format": "1 of ä",
        "chars": "äb",
        "answered": "answer",
        "raised": "{error,why}",
        "reason": "{badmatch,1}",
    }
