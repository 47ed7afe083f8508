"""Which applications a probe needs, and whether its VM has them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.collect.applications import Applications, application_of
from harness.collect.called import Called
from harness.collect.compiled import Compiled
from harness.collect.outcome import Answer
from harness.errors import UnmetNeedError
from harness.run.cells import ProbeCall

CALL = ProbeCall(module="skill", function="probe")


def needing(*names: str) -> ProbeCall:
    return replace(CALL, applications=frozenset(names))


class Vm:
    """Have some modules and applications, and count the questions."""

    def __init__(self, *has: str) -> None:
        self.has = has
        self.asked = 0

    def call(self, _module: str, function: str, args: Any, **_: Any) -> Answer:
        self.asked += 1
        absent = "non_existing" if function == "which" else ["error", "bad_name"]
        return Answer(value=[47, 120] if args[0].name in self.has else absent, elapsed_us=1)


class Probes:
    """Hold code that has been compiled already."""

    def __init__(self, **called: Called) -> None:
        self._compiled = Compiled(called={f"{name}/1": found for name, found in called.items()})

    def closure(self, module: str) -> tuple[str, ...]:
        return (module,)

    def compiled(self, _node: object, modules: Any) -> dict[str, Compiled]:
        return dict.fromkeys(modules, self._compiled)


def calling(*modules: str, starting: tuple[str, ...] = ()) -> Called:
    return Called(modules=frozenset(modules), applications=frozenset(starting))


def require(vm: Vm, called: Called) -> None:
    Applications(Probes(probe=called)).require(vm, "otp27", CALL)  # type: ignore[arg-type]


def test_what_the_vm_has_is_no_reason() -> None:
    """A probe may call what is there."""
    require(Vm("mnesia", "lists"), calling("mnesia", "lists"))


@pytest.mark.parametrize(
    ("called", "named"),
    [
        (calling("mnesia"), "the application mnesia"),
        (calling("ssl_cipher"), "the application ssl"),
        (calling("memsup"), "the application os_mon"),
        (calling(starting=("inets",)), "the application inets"),
        (calling("Elixir.Supervisor"), "Elixir"),
    ],
)
def test_what_the_vm_lacks_is_named(called: Called, named: str) -> None:
    """The reason says which application, and which runtime has none."""
    with pytest.raises(UnmetNeedError, match=f"needs {named}, which otp27 does not have"):
        require(Vm("lists"), called)


def test_a_module_of_nobody_is_a_mistake_and_no_need() -> None:
    """A misspelt call must show as what it is, not as a skip."""
    require(Vm(), calling("lsits", "probe_libb"))
    assert application_of("lsits") is None


def test_a_vm_is_asked_once() -> None:
    """The second cell of the same probe costs nothing."""
    vm = Vm("mnesia")
    applications = Applications(Probes(probe=calling("mnesia")))  # type: ignore[arg-type]
    for _ in range(3):
        applications.require(vm, "otp27", CALL)  # type: ignore[arg-type]
    assert vm.asked == 1


def test_a_need_that_is_declared_is_asked_for() -> None:
    """For what the code does not show."""
    applications = Applications(Probes())  # type: ignore[arg-type]
    applications.require(Vm("sasl"), "otp27", needing("sasl"))  # type: ignore[arg-type]
    with pytest.raises(UnmetNeedError, match="Elixir"):
        applications.require(Vm("sasl"), "otp27", needing("elixir"))  # type: ignore[arg-type]
