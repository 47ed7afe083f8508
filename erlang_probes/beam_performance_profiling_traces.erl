%% Traces turned into stacks, and match specifications that choose what is traced; run in a peer.
%% Knows how to trace; knows nothing of any claim, and never judges.
-module(beam_performance_profiling_traces).

-export([stacks/0, specifications/0]).

-define(WORK, beam_performance_profiling_work).
-define(WAIT_MS, 5_000).

%%% Stacks from traces

%% A process goes 30 times left, 20 times right and 10 times by a tail call to one leaf. Its trace
%% of calls and returns is collapsed into stacks with the time spent at the top of each.
-spec stacks() -> probe_lib:evidence().
stacks() ->
    Go = fun() ->
        [?WORK:Way(200_000) || {Way, N} <- [{left, 30}, {right, 20}, {leaping, 10}], _ <- seq(N)]
    end,
    {ElapsedUs, Events} = traced([left, right, leaping, leaf], Go),
    #{inside_us := InsideUs} = Collapsed = collapsed(Events),
    Collapsed#{
        elapsed_us => ElapsedUs,
        inside_to_elapsed_ratio => InsideUs / ElapsedUs,
        sampled_text => maps:from_list([{Way, sampled(Way)} || Way <- [left, right, leaping]]),
        loops => maps:from_list([
            {Loop, calls_and_returns(traced([Loop], fun() -> ?WORK:Loop(1_000) end))}
         || Loop <- [body, tail]
        ])
    }.

seq(N) -> lists:seq(1, N).

calls_and_returns({_, Events}) ->
    #{
        calls_count => length([call || {call, _, _} <- Events]),
        returns_count => length([return || {return_to, _, _} <- Events])
    }.

%% Fun once bare and once in a process whose calls of some functions are traced: how long it took
%% by that process' own clock, and the events in their order.
traced(Functions, Fun) ->
    [Collector, Subject] = [probe_lib:subject([]) || _ <- [collector, subject]],
    Go = fun(_) -> {probe_measure:elapsed_us(Fun), none} end,
    _ = probe_lib:ask(Subject, Go),
    try
        _ = [1 = erlang:trace_pattern({?WORK, Name, 1}, true, [local]) || Name <- Functions],
        Flags = [call, return_to, arity, monotonic_timestamp, {tracer, Collector}],
        1 = erlang:trace(Subject, true, Flags),
        ElapsedUs = probe_lib:ask(Subject, Go),
        {ElapsedUs, events(Subject, Collector)}
    after
        _ = erlang:trace_pattern({?WORK, '_', '_'}, false, [local]),
        probe_lib:kill_all([Collector, Subject])
    end.

%% The functions of the work module on the stack of a process that waits in the leaf, outermost first.
sampled(Way) ->
    probe_lib:with_process([], fun(Subject) ->
        Ref = probe_lib:tell(Subject, fun(_) -> {?WORK:Way(hold), none} end),
        InLeaf = [{current_function, {?WORK, leaf, 1}}, {status, waiting}],
        probe_lib:await(
            fun() -> process_info(Subject, [current_function, status]) =:= InLeaf end, ?WAIT_MS
        ),
        {current_stacktrace, Stack} = process_info(Subject, current_stacktrace),
        Subject ! let_go,
        receive
            {Ref, _} -> ok
        after ?WAIT_MS -> error({setup, not_let_go})
        end,
        name([{M, F, A} || {?WORK = M, F, A, _} <- Stack])
    end).

events(Subject, Collector) ->
    ok = probe_lib:delivered(Subject),
    {messages, Messages} = process_info(Collector, messages),
    [{Kind, MFA, Time} || {trace_ts, _, Kind, MFA, Time} <- Messages].

%% Walk through the events with a stack of functions: a call pushes, a return pops down to the one
%% that is returned to, which is empty where nobody on the stack is.
collapsed([{_, _, First} | _] = Events) ->
    {_, Last, Visits, Times} = lists:foldl(fun step/2, {[], First, #{}, #{}}, Events),
    Us = fun(Native) -> erlang:convert_time_unit(Native, native, nanosecond) / 1_000 end,
    #{
        visits_count => by_name(Visits),
        self_us => by_name(maps:map(fun(_, Native) -> Us(Native) end, maps:remove([], Times))),
        inside_us => Us(lists:sum(maps:values(maps:remove([], Times)))),
        first_to_last_us => Us(Last - First),
        returns_count => length([return || {return_to, _, _} <- Events])
    }.

by_name(Map) ->
    maps:from_list([{name(Stack), Value} || {Stack, Value} <- maps:to_list(Map)]).

step({Kind, MFA, Now}, {Stack, Before, Visits, Times}) ->
    Spent = maps:update_with(Stack, fun(T) -> T + Now - Before end, Now - Before, Times),
    case Kind of
        call ->
            New = [MFA | Stack],
            {New, Now, maps:update_with(New, fun(N) -> N + 1 end, 1, Visits), Spent};
        return_to ->
            {lists:dropwhile(fun(Frame) -> Frame =/= MFA end, Stack), Now, Visits, Spent}
    end.

%% Outermost first.
name(Stack) ->
    probe_capture:text("~ts", [
        lists:join(";", [atom_to_list(Name) || {_, Name, _} <- lists:reverse(Stack)])
    ]).

%%% Match specifications

%% What match_spec_test/3 says of specifications of both kinds, and what trace_pattern/3 and
%% ets:select/2 say of the same ones; and the calls that one of them lets through.
-spec specifications() -> probe_lib:evidence().
specifications() ->
    Specifications = #{
        plain => [{['$1'], [{'>', '$1', 90}], ['$1']}],
        of_tuple => [{{'$1'}, [{'>', '$1', 90}], ['$1']}],
        returning => [{['$1'], [], [{return_trace}]}],
        misspelt => [{['$1'], [], [{retrun_trace}]}],
        unbound => [{['$1'], [{'>', '$2', 90}], []}]
    },
    Condition = [{'_', [], []}],
    (maps:map(fun(_, Specification) -> said_of(Specification) end, Specifications))#{
        patterns_text => maps:from_list([
            {What, probe_capture:outcome(fun() -> erlang:trace_pattern(What, Condition, []) end)}
         || What <- [send, 'receive', procs, ports, running, garbage_collection]
        ]),
        filtered => filtered(maps:with([plain, of_tuple], Specifications))
    }.

said_of(Specification) ->
    Tests = maps:from_list([
        {Kind, verdict(erlang:match_spec_test(Subject, Specification, Kind))}
     || {Kind, Subject} <- [{trace, [300]}, {table, {300}}]
    ]),
    Tests#{
        trace_pattern => probe_capture:outcome(fun() ->
            erlang:trace_pattern({?WORK, tail, 1}, Specification, [local])
        end),
        select => selected(Specification)
    }.

verdict({ok, _, _, _}) -> <<"ok">>;
verdict({error, [{error, Text} | _]}) -> probe_capture:chars(Text).

selected(Specification) ->
    Table = ets:new(?MODULE, []),
    true = ets:insert(Table, {300}),
    Outcome = probe_capture:outcome(fun() -> ets:select(Table, Specification) end),
    true = ets:delete(Table),
    Outcome.

%% Of 101 calls with arguments from 100 down to 0: the messages without a condition, with one, and
%% with one whose head is a tuple; of 100 messages sent, those without and with a condition.
filtered(#{plain := Condition, of_tuple := OfTuple}) ->
    Calls = fun(Specification) ->
        messages_of({?WORK, tail, 1}, Specification, [local], [call], fun() -> ?WORK:tail(100) end)
    end,
    Sent = fun(Specification) ->
        messages_of(send, Specification, [], [send], fun() -> [self() ! N || N <- seq(100)] end)
    end,
    #{
        calls_count => Calls(true),
        calls_matching_count => Calls(Condition),
        calls_matching_tuple_count => Calls(OfTuple),
        sends_count => Sent(true),
        sends_matching_count => Sent([{['_', '$1'], [{'>', '$1', 90}], []}])
    }.

messages_of(What, Specification, Options, Flags, Fun) ->
    [Collector, Subject] = [probe_lib:subject([]) || _ <- [collector, subject]],
    try
        _ = erlang:trace_pattern(What, Specification, Options),
        1 = erlang:trace(Subject, true, [{tracer, Collector} | Flags]),
        _ = probe_lib:ask(Subject, fun(_) -> {Fun(), none} end),
        1 = erlang:trace(Subject, false, [all]),
        _ = probe_lib:delivered(Subject),
        {messages, Messages} = process_info(Collector, messages),
        length([Message || Message <- Messages, is_of_interest(Message)])
    after
        _ = erlang:trace_pattern(What, What =:= send, Options),
        probe_lib:kill_all([Collector, Subject])
    end.

%% The subject's own answer is sent as well.
is_of_interest({trace, _, call, _}) -> true;
is_of_interest({trace, _, send, N, _}) -> is_integer(N);
is_of_interest(_) -> false.
