%% A gen_server with the callbacks that are called on its way in and for calls, and no others, for
%% the fault-tolerance probes. It names no -behaviour: the compiler would miss the rest. Knows
%% nothing of any claim.
-module(beam_fault_tolerance_bare).

-export([start/0]).
%% Callbacks.
-export([init/1, handle_call/3]).

-spec start() -> {ok, pid()}.
start() ->
    {ok, _} = gen_server:start(?MODULE, [], []).

-spec init([]) -> {ok, []}.
init([]) ->
    {ok, []}.

-spec handle_call(answer, gen_server:from(), []) -> {reply, answer, []}.
handle_call(answer, _From, State) ->
    {reply, answer, State}.
