%% Clocks and the VM's own statistics around known work, mostly run in a peer.
%% Knows how to work and to read; knows nothing of any claim, and never judges.
-module(beam_performance_profiling_system).

-export([
    clocks/0,
    short_calls/0,
    statistics_items/0,
    scheduler_time/0
]).

-define(MONITOR, beam_performance_profiling_monitor).
-define(WORK, beam_performance_profiling_work).
-define(WAIT_MS, 10_000).

%%% Clocks

-spec clocks() -> probe_lib:evidence().
clocks() ->
    (around_nap(200))#{
        nap_number => maps:from_list([{Unit, tc_in(Unit)} || Unit <- [nanosecond, millisecond]]),
        raising_text => probe_capture:outcome(fun() -> timer:tc(fun() -> exit(gone) end) end),
        monotonic => monotonic()
    }.

%% What timer:tc/1 and the VM's own two clocks say of a sleep.
around_nap(Ms) ->
    {Runtime, _} = erlang:statistics(runtime),
    {Wall, _} = erlang:statistics(wall_clock),
    {Us, ok} = timer:tc(fun() -> ?WORK:nap(Ms) end),
    {RuntimeAfter, _} = erlang:statistics(runtime),
    {WallAfter, _} = erlang:statistics(wall_clock),
    #{
        tc_us => Us,
        wall_clock_ms => WallAfter - Wall,
        runtime_ms => RuntimeAfter - Runtime
    }.

%% A nap of 20 ms in a unit that is asked for; what is raised where timer:tc/2 takes none. Not
%% written out, as there it takes arguments instead.
tc_in(Unit) ->
    try apply(timer, tc, [fun() -> ?WORK:nap(20) end, Unit]) of
        {Time, ok} -> Time
    catch
        error:Reason -> Reason
    end.

monotonic() ->
    Readings = [erlang:monotonic_time(microsecond) || _ <- lists:seq(1, 100_000)],
    Pairs = lists:zip(lists:droplast(Readings), tl(Readings)),
    Native = [erlang:monotonic_time() || _ <- lists:seq(1, 1_000)],
    [Before, System, After] = [
        erlang:monotonic_time(), erlang:system_time(), erlang:monotonic_time()
    ],
    Offset = erlang:time_offset(),
    #{
        backward_count => length([back || {A, B} <- Pairs, B < A]),
        repeated_count => length([same || {A, B} <- Pairs, B =:= A]),
        negative => lists:all(fun(Time) -> Time < 0 end, Native),
        since_start_us => erlang:convert_time_unit(
            Before - erlang:system_info(start_time), native, microsecond
        ),
        system_time_is_sum => Before + Offset =< System andalso System =< After + Offset,
        unique_count => length(lists:usort([unique() || _ <- lists:seq(1, 100_000)]))
    }.

unique() ->
    erlang:unique_integer([monotonic]).

%% A call of nanoseconds by timer:tc/1, and in rounds; 10,000 rounds of a loop compiled and in a fun
%% that was evaluated, as the shell does.
-spec short_calls() -> probe_lib:evidence().
short_calls() ->
    Loop = fun(N) -> ?WORK:tail(N) end,
    Evaluated = evaluated("fun Loop(0) -> ok; Loop(N) -> Loop(N - 1) end."),
    Tcs = [element(1, timer:tc(fun ?WORK:quick/0)) || _ <- lists:seq(1, 1_001)],
    [CompiledReductions, EvaluatedReductions] = [
        probe_measure:reductions_for(fun() -> Run(10_000) end)
     || Run <- [Loop, Evaluated]
    ],
    [CompiledUs, EvaluatedUs] = probe_measure:best_in_turn_us(5, [
        fun() -> Run(10_000) end
     || Run <- [Loop, Evaluated]
    ]),
    #{
        tc_shortest_us => lists:min(Tcs),
        in_rounds_ns => probe_measure:best_us(5, fun() -> quick_rounds(100_000) end) / 100,
        compiled_reductions => CompiledReductions,
        evaluated_to_compiled_reductions_ratio => EvaluatedReductions / CompiledReductions,
        evaluated_to_compiled_time_ratio => EvaluatedUs / CompiledUs
    }.

quick_rounds(0) ->
    ok;
quick_rounds(N) ->
    ok = ?WORK:quick(),
    quick_rounds(N - 1).

evaluated(Text) ->
    {ok, Tokens, _} = erl_scan:string(Text),
    {ok, Expressions} = erl_parse:parse_exprs(Tokens),
    {value, Value, _} = erl_eval:exprs(Expressions, []),
    Value.

%%% Statistics

-spec statistics_items() -> probe_lib:evidence().
statistics_items() ->
    #{
        reductions => probe_lib:in_process(fun lag/0),
        run_queue => run_queue(),
        collections => collections(10)
    }.

%% Reductions of the VM before and after 1,500 of the caller's own, within one turn and past it.
lag() ->
    erlang:yield(),
    {Start, _} = erlang:statistics(reductions),
    ok = ?WORK:tail(1_500),
    {Within, _} = erlang:statistics(reductions),
    erlang:yield(),
    {Past, _} = erlang:statistics(reductions),
    {Exact, _} = erlang:statistics(exact_reductions),
    ok = ?WORK:tail(1_500),
    {ExactWithin, _} = erlang:statistics(exact_reductions),
    #{
        within_turn_count => Within - Start,
        past_turn_count => Past - Start,
        exact_within_turn_count => ExactWithin - Exact
    }.

run_queue() ->
    Waiting = [probe_lib:subject([]) || _ <- lists:seq(1, 1_000)],
    probe_lib:await(fun() -> in_status(waiting, Waiting) =:= 1_000 end, ?WAIT_MS),
    WithWaiting = erlang:statistics(run_queue),
    Ready = [spawn(fun spin/0) || _ <- lists:seq(1, 40)],
    erlang:yield(),
    WithReady = erlang:statistics(run_queue),
    Lengths = erlang:statistics(run_queue_lengths),
    [WaitingCount, ReadyCount] = [in_status(waiting, Waiting), in_status(runnable, Ready)],
    _ = probe_lib:kill_all(Ready ++ Waiting),
    #{
        waiting_processes_count => WaitingCount,
        run_queue_with_waiting_count => WithWaiting,
        ready_processes_count => ReadyCount,
        run_queue_with_ready_count => WithReady,
        run_queue_lengths_sum_count => lists:sum(Lengths)
    }.

in_status(Status, Pids) ->
    length([Pid || Pid <- Pids, process_info(Pid, status) =:= {status, Status}]).

spin() ->
    ok = ?WORK:tail(10_000),
    spin().

%% Collections of a process that drops 100,000 words before each.
collections(Times) ->
    probe_lib:with_process([{min_heap_size, 1_000_000}], fun(Subject) ->
        {Count, Words, _} = erlang:statistics(garbage_collection),
        [
            probe_lib:ask(Subject, fun(_) ->
                ok = ?WORK:dropped(20_000),
                {erlang:garbage_collect(), none}
            end)
         || _ <- lists:seq(1, Times)
        ],
        {CountAfter, WordsAfter, _} = erlang:statistics(garbage_collection),
        #{more_count => CountAfter - Count, more_words => WordsAfter - Words}
    end).

%%% Accounting of schedulers' time

-spec scheduler_time() -> probe_lib:evidence().
scheduler_time() ->
    Off = #{
        wall_time => erlang:statistics(scheduler_wall_time),
        states_move => states() =/= states_after_work()
    },
    Owned = probe_lib:in_process(fun() ->
        _ = erlang:system_flag(scheduler_wall_time, true),
        is_list(erlang:statistics(scheduler_wall_time))
    end),
    Orphaned = probe_lib:until(
        fun() -> erlang:statistics(scheduler_wall_time) =:= undefined end, ?WAIT_MS
    ),
    {Left, Right} = ?MONITOR:alike(50),
    Kept = ?WORK:pairs(5_000),
    Works = [
        {sleeping, fun() -> ?WORK:nap(200) end},
        {looping, fun() -> for_ms(200, fun() -> ?WORK:tail(100_000) end) end},
        {comparing, fun() -> for_ms(200, fun() -> true = (Left =:= Right) end) end},
        {collecting, fun() -> collected([{collected, Kept}], 200) end}
    ],
    #{
        off => Off,
        on_while_owner_lives => Owned,
        off_after_owner => maps:get(settled, Orphaned),
        active_ratio => maps:from_list([{Name, active_share(Work)} || {Name, Work} <- Works]),
        state_ratio => maps:from_list([{Name, state_shares(Work)} || {Name, Work} <- Works])
    }.

states() -> lists:sort(erlang:statistics(microstate_accounting)).

states_after_work() ->
    ok = ?WORK:tail(1_000_000),
    states().

for_ms(Ms, Fun) ->
    until_ms(erlang:monotonic_time(millisecond) + Ms, Fun).

until_ms(Deadline, Fun) ->
    _ = Fun(),
    case erlang:monotonic_time(millisecond) >= Deadline of
        true -> ok;
        false -> until_ms(Deadline, Fun)
    end.

%% Collections of a heap that is small enough for the scheduler to sweep it itself.
collected(Kept, Ms) ->
    for_ms(Ms, fun() -> erlang:garbage_collect() end),
    [{collected, [_ | _]}] = Kept.

%% The share of its time that the first scheduler was active.
active_share(Work) ->
    probe_lib:in_process(fun() ->
        _ = erlang:system_flag(scheduler_wall_time, true),
        {1, Active, Total} = lists:keyfind(1, 1, erlang:statistics(scheduler_wall_time)),
        _ = Work(),
        {1, ActiveAfter, TotalAfter} = lists:keyfind(1, 1, erlang:statistics(scheduler_wall_time)),
        (ActiveAfter - Active) / (TotalAfter - Total)
    end).

%% The shares of the first scheduler's time by its states.
state_shares(Work) ->
    probe_lib:in_process(fun() ->
        _ = erlang:system_flag(microstate_accounting, reset),
        _ = erlang:system_flag(microstate_accounting, true),
        _ = Work(),
        %% Time is put down when the state changes: until then the work is in no counter.
        erlang:yield(),
        _ = erlang:system_flag(microstate_accounting, false),
        [Counters] = [C || #{type := scheduler, id := 1, counters := C} <- states()],
        Sum = lists:sum(maps:values(Counters)),
        maps:map(fun(_, Count) -> Count / Sum end, Counters)
    end).
