%% Words that functions allocate, as the VM counts them, beside what else it says of memory; run in a
%% peer. Knows how to count; knows nothing of any claim, and never judges.
-module(beam_performance_profiling_memory).

-export([counted/0]).

-define(WORK, beam_performance_profiling_work).

%% The words of known terms: by call_memory, by their flat size, by the heap of their process.
-spec counted() -> probe_lib:evidence().
counted() ->
    try erlang:trace_pattern({?WORK, '_', '_'}, true, [call_memory]) of
        _ -> figures()
    catch
        error:badarg -> #{refused => true}
    after
        try
            erlang:trace_pattern({?WORK, '_', '_'}, false, [call_memory])
        catch
            error:badarg -> 0
        end
    end.

figures() ->
    #{
        refused => false,
        kept => figures_of(fun() -> ?WORK:pairs(1_000) end),
        dropped => figures_of(fun() -> [?WORK:dropped(1_000) || _ <- lists:seq(1, 20)], none end),
        binary => figures_of(fun() -> ?WORK:bytes(1_000_000) end),
        nothing => figures_of(fun() -> ?WORK:tail(1_000) end),
        twice => figures_of(fun() -> Pairs = ?WORK:pairs(1_000), {Pairs, Pairs} end)
    }.

%% What Fun's functions are said to allocate in a fresh process, and what its value takes there.
figures_of(Fun) ->
    _ = erlang:trace_pattern({?WORK, '_', '_'}, restart, [call_memory]),
    probe_lib:with_process([], fun(Subject) ->
        1 = erlang:trace(Subject, true, [call]),
        Flat = probe_lib:ask(Subject, fun(_) ->
            Value = Fun(),
            {{erts_debug:flat_size(Value), erts_debug:size(Value)}, Value}
        end),
        1 = erlang:trace(Subject, false, [call]),
        told(Subject, Flat)
    end).

told(Subject, {FlatWords, Words}) ->
    Rows = [
        {Name, Calls, Counted}
     || {Name, Arity} <- ?WORK:module_info(functions),
        {call_memory, [_ | _] = Each} <- [erlang:trace_info({?WORK, Name, Arity}, call_memory)],
        {_, Calls, Counted} <- Each
    ],
    #{
        told_count => maps:from_list([{Name, Calls} || {Name, Calls, _} <- Rows]),
        told_words => maps:from_list([{Name, Counted} || {Name, _, Counted} <- Rows]),
        flat_words => FlatWords,
        shared_words => Words,
        live_words => probe_measure:live_words(Subject)
    }.
