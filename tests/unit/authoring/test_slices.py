"""The part of a module that a function reaches: all that it calls, and nothing that it does not."""

from __future__ import annotations

from harness.authoring.slices import sliced

LIB = """\
%% What all share.
-module(lib).
-export([wait/1, never/0]).
-export_type([time/0, place/0]).
-type time() :: integer().
-type place() :: atom().

%% Waits.
-spec wait(time()) -> ok.
wait(_) -> ok.

never() -> other:gone().
"""

OWN = """\
-module(own).
-behaviour(none).
-export([first/1, second/1, looped/0, hidden/0]).
-define(LIB, lib).
-define(MS, 10).
-define(UNUSED, 20).

%% Calls through a macro. % not a form end.
%% Source: x
first(Args) ->
    Text = "a full stop. gone(1).",
    ?LIB:wait(?MS),
    helped(Text, Args).

%%% A heading
helped(_, [$. | _]) -> ok;
helped(_, _) -> spawn(?MODULE, looped, []).

looped() -> ok. % at rest

second(_) -> lib:never().

hidden() -> 'EXIT'.
"""


def parts(*roots: tuple[str, str], own: str = OWN) -> dict[str, str]:
    sources = {"own": own.replace("-behaviour(none).\n", ""), "lib": LIB}
    return dict(sliced(sources, roots))


def test_what_is_reached_is_kept_as_it_was_written() -> None:
    """Functions, macros and types with their comments; through macros, spawns and other modules."""
    found = parts(("own", "first"))
    for words in (
        "%% Calls through a macro. % not a form end.\n%% Source: x\nfirst(Args) ->",
        "-define(MS, 10).",
        "helped(_, [$. | _]) -> ok;\nhelped(_, _) -> spawn(?MODULE, looped, []).",
        "looped() -> ok. % at rest",
        "-export([first/1, looped/0]).",
    ):
        assert words in found["own"]
    assert "%% Waits.\n-spec wait(time()) -> ok.\nwait(_) -> ok." in found["lib"]
    assert "-type time() :: integer()." in found["lib"]
    assert "-export([wait/1])." in found["lib"]


def test_what_is_not_reached_is_left_out() -> None:
    """No other probe, no unused macro or type, nothing but what a compiler needs."""
    found = parts(("own", "hidden"))
    assert found.keys() == {"own"}
    for words in ("second", "UNUSED", "helped"):
        assert words not in found["own"]
    assert "never" not in parts(("own", "first"))["lib"]
    assert "place()" not in parts(("own", "first"))["lib"]


def test_a_name_that_is_only_mentioned_counts_as_called() -> None:
    """Module and function may be handed on as names: nothing that might be called is missing."""
    own = (
        "-module(own).\n-export([go/1]).\n"
        "go(Peer) -> call(Peer, lib, never, []).\n"
        "call(_, M, F, A) -> apply(M, F, A).\n"
    )
    assert "never() ->" in parts(("own", "go"), own=own)["lib"]
    assert "wait(" not in parts(("own", "go"), own=own)["lib"]


def test_a_function_that_is_called_from_elsewhere_is_kept() -> None:
    """`-ignore_xref` says so: what an option of the VM names calls it."""
    own = (
        "-module(own).\n-export([go/0, start_link/0]).\n-ignore_xref([{start_link, 0}]).\n"
        "go() -> ok.\n"
        "start_link() -> ignore.\n"
    )
    assert "start_link() -> ignore." in parts(("own", "go"), own=own)["own"]


def test_a_function_that_is_only_named_keeps_its_caller() -> None:
    """Without one the compiler would drop it: it is not exported."""
    own = (
        "-module(own).\n-export([go/0, asked/1, other/0]).\n"
        "go() -> erlang:trace_pattern({?MODULE, hidden, 1}, true, [local]).\n"
        "asked(X) -> hidden(X).\n"
        "hidden(X) -> X.\n"
        "other() -> ok.\n"
    )
    found = parts(("own", "go"), own=own)["own"]
    assert "asked(X) -> hidden(X)." in found
    assert "other()" not in found


def test_a_callback_of_otp_is_kept() -> None:
    """Also where the module does not say that it is a server."""
    own = (
        "-module(own).\n-export([init/1, go/0]).\n"
        "go() -> gen_server:start(?MODULE, 1, []).\n"
        "init(_) -> {ok, 1}.\n"
    )
    assert "init(_)" in parts(("own", "go"), own=own)["own"]


def test_a_module_that_is_called_back_is_kept_whole() -> None:
    """Whoever calls the callbacks of a behaviour does not name them."""
    own = (
        "-module(own).\n-behaviour(gen_server).\n-export([init/1, go/0]).\n"
        "go() -> ok.\n"
        "init(_) -> {ok, 1}.\n"
    )
    assert "init(_)" in parts(("own", "go"), own=own)["own"]
