%% What a process gets of a scheduler before others have it, for the probes of
%% beam-scheduler-tuning: two processes that compete for one scheduler, and what their work costs.
%% Measures; knows nothing of any claim.
-module(beam_scheduler_tuning_turns).

-export([
    turns/2,
    put_out_by_bump/1,
    others_turns_during/2,
    per_call/2,
    reductions/2,
    reductions/3,
    calls/1,
    guard_bifs/2,
    bifs/2,
    sends/2
]).

-define(COUNT, 1).
-define(SCHEDULER, 1).
-define(WARM_TURNS, 3).
-define(START_MS, 5_000).
-define(NO_COLLECTION, [{min_heap_size, 10_000_000}, {min_bin_vheap_size, 10_000_000}]).

%% Reductions of the last Count turns that a busy process of a priority had on a scheduler which it
%% shares with another of its kind: each turn from its first reading of its own reductions to its
%% last one before the other was seen to have run.
-spec turns(low | normal | high | max, pos_integer()) -> [non_neg_integer()].
turns(Priority, Count) ->
    beside_counter(Priority, fun(Turns) ->
        lists:nthtail(?WARM_TURNS, own_turns(Turns, Count + ?WARM_TURNS))
    end).

own_turns(Turns, Left) ->
    Now = probe_measure:own_reductions(),
    own_turns(Turns, Left, atomics:get(Turns, ?COUNT), Now, Now, []).

own_turns(_, 0, _, _, _, Found) ->
    lists:reverse(Found);
own_turns(Turns, Left, Other, First, Last, Found) ->
    Now = probe_measure:own_reductions(),
    case atomics:get(Turns, ?COUNT) of
        Other -> own_turns(Turns, Left, Other, First, Now, Found);
        New -> own_turns(Turns, Left - 1, New, Now, Now, [Last - First | Found])
    end.

%% Whether a process that has just begun a turn is put out at its next call after so many
%% reductions were added to its own.
-spec put_out_by_bump(non_neg_integer()) -> boolean().
put_out_by_bump(Reductions) ->
    beside_counter(normal, fun(Turns) ->
        erlang:yield(),
        Before = atomics:get(Turns, ?COUNT),
        erlang:bump_reductions(Reductions),
        calls(1),
        atomics:get(Turns, ?COUNT) =/= Before
    end).

%% How many turns another process on the same scheduler has while Fun runs, given what Setup made,
%% and how long Fun took.
-spec others_turns_during(fun(() -> Made), fun((Made) -> term())) -> #{atom() => number()}.
others_turns_during(Setup, Fun) ->
    %% no collection in between: a large heap is collected on a dirty scheduler, and the other runs
    beside_counter(normal, ?NO_COLLECTION, fun(Turns) ->
        Made = Setup(),
        erlang:yield(),
        Before = atomics:get(Turns, ?COUNT),
        Took = probe_measure:elapsed_us(fun() -> put(value, Fun(Made)) end),
        After = atomics:get(Turns, ?COUNT),
        %% used afterwards, so that it is neither left out nor collected early
        _ = erlang:external_size({erase(value), Made}),
        #{others_turns_count => After - Before, elapsed_ms => Took / 1000}
    end).

%% Run Fun on a scheduler that a process of the same priority shares: one that counts its turns,
%% each of which it gives away at once.
beside_counter(Priority, Fun) ->
    beside_counter(Priority, [], Fun).

beside_counter(Priority, OwnOptions, Fun) ->
    Turns = atomics:new(1, []),
    Options = [{scheduler, ?SCHEDULER}, {priority, Priority}],
    Counter = spawn_opt(fun() -> count(Turns) end, Options),
    try
        probe_lib:await(fun() -> atomics:get(Turns, ?COUNT) > 0 end, ?START_MS),
        probe_lib:in_process(fun() -> Fun(Turns) end, OwnOptions ++ Options)
    after
        probe_lib:kill_and_wait(Counter)
    end.

count(Turns) ->
    atomics:add(Turns, ?COUNT, 1),
    erlang:yield(),
    count(Turns).

%% What each further round of Fun costs its process, in reductions: Fun is given a number of rounds
%% and what Setup made.
-spec per_call(fun(() -> Made), fun((pos_integer(), Made) -> term())) -> float().
per_call(Setup, Fun) ->
    [Few, Many] = [reductions(Setup, fun(Made) -> Fun(N, Made) end) || N <- [1_000, 3_000]],
    (Many - Few) / 2_000.

%% What a piece of work costs its process, in reductions: Fun, given what Setup made there.
-spec reductions(fun(() -> Made), fun((Made) -> term())) -> non_neg_integer().
reductions(Setup, Fun) ->
    reductions(Setup, Fun, ?NO_COLLECTION).

%% As reductions/2, with the options of spawn_opt/2 for the process.
-spec reductions(fun(() -> Made), fun((Made) -> term()), list()) -> non_neg_integer().
reductions(Setup, Fun, Options) ->
    probe_lib:in_process(
        fun() ->
            Made = Setup(),
            Before = probe_measure:own_reductions(),
            Value = Fun(Made),
            After = probe_measure:own_reductions(),
            _ = erlang:external_size({Value, Made}),
            After - Before
        end,
        Options
    ).

%% Call a function N times, and nothing else.
-spec calls(non_neg_integer()) -> ok.
calls(0) -> ok;
calls(N) -> calls(N - 1).

%% As calls/1, with a BIF in each round that guards may use, too.
-spec guard_bifs(non_neg_integer(), tuple()) -> ok.
guard_bifs(0, _) ->
    ok;
guard_bifs(N, Tuple) ->
    _ = put_aside(element(N band 1 + 1, Tuple)),
    guard_bifs(N - 1, Tuple).

%% Keeps the compiler from leaving out what is not used; inlined, so that it is no call.
-compile({inline, [put_aside/1]}).
put_aside(Value) when is_integer(Value) -> ok.

%% As calls/1, with an ordinary BIF in each round.
-spec bifs(non_neg_integer(), atomics:atomics_ref()) -> ok.
bifs(0, _) ->
    ok;
bifs(N, Ref) ->
    ok = atomics:add(Ref, 1, 1),
    bifs(N - 1, Ref).

%% As calls/1, with a send in each round.
-spec sends(non_neg_integer(), pid()) -> ok.
sends(0, _) ->
    ok;
sends(N, Pid) ->
    Pid ! sent,
    sends(N - 1, Pid).
