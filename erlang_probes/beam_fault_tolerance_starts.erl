%% What supervisors make of children that cannot start, and how long a start takes, for the
%% fault-tolerance probes. Knows nothing of any claim.
-module(beam_fault_tolerance_starts).

-export([first_start_fails/1, restart_fails/1, restart_times/1]).

-define(TREES, beam_fault_tolerance_trees).
-define(DEADLINE_MS, 5_000).

%% Start a supervisor whose second child cannot start.
-spec first_start_fails(non_neg_integer()) -> probe_lib:evidence().
first_start_fails(Intensity) ->
    process_flag(trap_exit, true),
    Self = self(),
    First = #{id => first, report_to => Self, trap => true, terminate => report},
    Children = [
        ?TREES:worker(First, #{}),
        ?TREES:worker(#{id => second, report_to => Self, source => tried(Self, 0)}, #{})
    ],
    Flags = #{intensity => Intensity, period => 3600},
    Failed =
        case supervisor:start_link(?TREES, {supervisor, Flags, Children}) of
            {error, {shutdown, {failed_to_start_child, Id, _}}} -> Id;
            {ok, Supervisor} -> probe_lib:kill_and_wait(Supervisor), none
        end,
    #{
        failed_child => Failed,
        earlier_child_started => receive {started, first, _} -> true after 0 -> false end,
        earlier_child_stopped => receive {terminated, first} -> true after 0 -> false end,
        try_count => length(tries())
    }.

%% Crash a child that started once and cannot start again: how often its supervisor tries, with
%% which pause, by the time of a try that was asked for, and what it ends with.
-spec restart_fails(pos_integer()) -> probe_lib:evidence().
restart_fails(Intensity) ->
    Self = self(),
    Source = tried(Self, 1),
    Worker = ?TREES:worker(#{id => third, report_to => Self, source => Source}, #{}),
    Failing = ?TREES:worker(#{id => fourth, report_to => Self, source => tried(Self, 0)}, #{}),
    Flags = #{intensity => Intensity, period => 3600},
    ?TREES:supervised(Flags, [Worker], fun(Supervisor) ->
        Ref = erlang:monitor(process, Supervisor),
        Asked = [
            probe_measure:elapsed_us(
                fun() -> {error, _} = supervisor:start_child(Supervisor, Failing) end
            )
         || _ <- lists:seq(1, Intensity)
        ],
        _ = tries(),
        boom = ?TREES:crash(?TREES:await_started(third), boom),
        Reason = probe_lib:gone(Ref, ?DEADLINE_MS),
        Times = tries(),
        maps:merge(gaps(Times, probe_measure:median(Asked)), #{
            try_count => length(Times),
            exit_reason => Reason
        })
    end).

%% The pause between two tries at such times, as a multiple of a try that was asked for.
gaps([First | Later], AskedUs) when Later =/= [] ->
    Pairs = lists:zip([First | lists:droplast(Later)], Later),
    GapUs = probe_measure:median([(B - A) / 1000 || {A, B} <- Pairs]),
    #{gap_us => GapUs, gap_over_asked_try_ratio => GapUs / AskedUs};
gaps(_, _) ->
    #{gap_over_asked_try_ratio => none}.

%% A source of state that tells of its calls, with their times in ns, and fails after so many.
tried(To, Good) ->
    Calls = counters:new(1, []),
    fun() ->
        ok = counters:add(Calls, 1, 1),
        To ! {tried, erlang:monotonic_time(nanosecond)},
        true = counters:get(Calls, 1) =< Good,
        initial
    end.

tries() ->
    receive {tried, Ns} -> [Ns | tries()] after 0 -> [] end.

%% Crash a supervised worker so many times as soon as it is back; after each time, crash one that
%% nobody supervises and have the supervisor start a child. The times from the crash to the start,
%% and those of the crash and the start that were asked for.
-spec restart_times(pos_integer()) -> {Restarts :: [float()], Asked :: [float()]}.
restart_times(Rounds) ->
    Flags = #{intensity => Rounds + 1, period => 3600},
    {Times, _} = probe_capture:with_log(fun() ->
        Worker = ?TREES:worker(#{id => worker, report_to => self()}, #{}),
        Extra = ?TREES:worker(#{id => extra, report_to => self()}, #{restart => temporary}),
        ?TREES:supervised(Flags, [Worker], fun(Supervisor) ->
            lists:unzip(restart_times(Supervisor, Extra, Rounds, ?TREES:await_started(worker)))
        end)
    end),
    Times.

restart_times(_, _, 0, _) ->
    [];
restart_times(Supervisor, Extra, Rounds, Pid) ->
    Start = erlang:monotonic_time(nanosecond),
    gen_server:cast(Pid, {exit, boom}),
    New = ?TREES:await_started(worker),
    Restart = (erlang:monotonic_time(nanosecond) - Start) / 1000,
    {ok, Alone} = gen_server:start(?TREES, {worker, #{id => alone, report_to => self()}}, []),
    Alone = ?TREES:await_started(alone),
    Asked = probe_measure:elapsed_us(fun() ->
        boom = ?TREES:crash(Alone, boom),
        {ok, _} = supervisor:start_child(Supervisor, Extra),
        ?TREES:await_started(extra)
    end),
    ok = supervisor:terminate_child(Supervisor, extra),
    [{Restart, Asked} | restart_times(Supervisor, Extra, Rounds - 1, New)].
