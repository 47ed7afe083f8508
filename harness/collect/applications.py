"""Which applications a probe needs, and whether its VM has them.

Knows: the applications of OTP, what a probe's code calls, which modules a VM finds. Must not know:
claims, predictions.

A module that no application of OTP is known by is nobody's need: a call of it is a mistake, which
shows as such.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from harness.bridge.terms import Atom
from harness.collect.called import reached
from harness.collect.node import Node
from harness.collect.probes import ProbeStore
from harness.errors import UnmetNeedError
from harness.run.cells import ProbeCall

_ASK_TIMEOUT_S = 20.0

_MODULES: Mapping[str, tuple[str, ...]] = {
    "compiler": ("compile", "beam_disasm", "cerl", "core_parse", "sys_core_fold"),
    "inets": ("httpc", "httpd"),
    "os_mon": ("memsup", "disksup", "cpu_sup", "nteventlog", "os_sup"),
    "runtime_tools": (
        *("dbg", "erts_alloc_config", "instrument", "msacc", "observer_backend"),
        *("scheduler", "system_information", "appmon_info", "dyntrace"),
    ),
    "sasl": ("alarm_handler", "rb", "release_handler", "systools", "sasl_report"),
    "tools": ("cover", "cprof", "eprof", "fprof", "lcnt", "make", "tags", "tprof", "xref"),
    "common_test": ("ct", "ct_slave", "ct_run", "test_server"),
    "parsetools": ("leex", "yecc"),
    "syntax_tools": ("erl_syntax", "erl_syntax_lib", "erl_tidy", "merl"),
    "xmerl": ("xmerl_scan", "xmerl_xpath", "xmerl_sax_parser"),
    "asn1": ("asn1ct", "asn1rt_nif"),
    "debugger": ("int", "i"),
    "wx": ("wx_object",),
}
"""Applications that not every VM has, with modules not named after them.

Source: lib/APPLICATION/src of OTP.
"""

_NAMES = frozenset(
    {
        *_MODULES,
        *("crypto", "dialyzer", "diameter", "edoc", "eldap", "erl_interface", "et", "eunit"),
        *("ftp", "jinterface", "megaco", "mnesia", "observer", "odbc", "public_key", "reltool"),
        *("snmp", "ssh", "ssl", "tftp"),
    }
)
_BY_MODULE = {module: name for name, modules in _MODULES.items() for module in modules}
_ELIXIR = "Elixir."


@dataclass(slots=True)
class Applications:
    """Say what a probe needs that its VM lacks.

    Args:
        probes: what the probes' code calls.
    """

    probes: ProbeStore
    _has: dict[tuple[str, str], bool] = field(default_factory=dict)
    _lacking: dict[tuple[str, str, frozenset[str]], str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def require(self, node: Node, runtime: str, call: ProbeCall) -> None:
        """Refuse a call of a probe that needs an application which its VM lacks.

        Args:
            node: a node of the runtime.
            runtime: its name.
            call: what is to be called.

        Raises:
            UnmetNeedError: names the application.
            CompileError, InfrastructureError: the module cannot be compiled.
        """
        asked = (runtime, call.probe, call.applications)
        with self._lock:
            if asked not in self._lacking:
                declared = self._lack_declared(node, runtime, call.applications)
                self._lacking[asked] = declared or self._lack(
                    node, runtime, call.module, f"{call.function}/1"
                )
            reason = self._lacking[asked]
        if reason:
            raise UnmetNeedError(reason)

    def _lack_declared(self, node: Node, runtime: str, names: Iterable[str]) -> str:
        """Return what is lacking of the applications that a claim says it needs."""
        for name in sorted(names):
            if not self._present(node, runtime, "Elixir.Kernel" if name == "elixir" else name):
                return _reason(runtime, name)
        return ""

    def _lack(self, node: Node, runtime: str, module: str, function: str) -> str:
        """Return what is lacking of the applications that the probe's code calls."""
        compiled = self.probes.compiled(node, self.probes.closure(module))
        code = {name: found.called for name, found in compiled.items()}
        found = reached(module, function, code.get)
        started = {name for name in found.applications if name in _NAMES}
        for one in sorted(started | {name for name in found.modules if application_of(name)}):
            if not self._present(node, runtime, one):
                return _reason(runtime, application_of(one) or one)
        return ""

    def _present(self, node: Node, runtime: str, module: str) -> bool:
        """Ask the VM for a module; of an application without one of its name for its folder."""
        key = (runtime, module)
        if key not in self._has:
            self._has[key] = _finds(node, module)
        return self._has[key]


def application_of(module: str) -> str | None:
    """Return the application of OTP that a module is known to belong to, or Elixir."""
    if module.startswith(_ELIXIR):
        return "elixir"
    if module in _BY_MODULE:
        return _BY_MODULE[module]
    first = module.partition("_")[0]
    return next((name for name in (module, first) if name in _NAMES), None)


def _finds(node: Node, module: str) -> bool:
    """Tell whether the VM has a module, or an application of that name."""
    for function, absent in (("which", "non_existing"), ("lib_dir", ["error", "bad_name"])):
        value = node.call("code", function, [Atom(module)], timeout_s=_ASK_TIMEOUT_S).value
        if value != absent:
            return True
    return False


def _reason(runtime: str, name: str) -> str:
    what = "Elixir" if name == "elixir" else f"the application {name}"
    return f"the probe needs {what}, which {runtime} does not have"
