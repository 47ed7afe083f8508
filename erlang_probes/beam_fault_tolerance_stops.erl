%% How children are stopped, by their supervisors and otherwise, for the fault-tolerance probes.
%% Knows nothing of any claim.
-module(beam_fault_tolerance_stops).

-export([stop_slowly/3, stopped/2, stop_times/1, terminate_ran/2, orphaned/0]).

-define(SIGNALS, beam_fault_tolerance_signals).
-define(TREES, beam_fault_tolerance_trees).
-define(DEADLINE_MS, 5_000).

%% Stop a supervisor of so many children, which wait in terminate/2 until they are let go: the
%% order of their starts and stops, how many were stopping at the same time, and how long it took
%% until the first batch had told so. A batch is over when none has come for QuietMs.
-spec stop_slowly(one_for_one | simple_one_for_one, pos_integer(), pos_integer()) ->
    probe_lib:evidence().
stop_slowly(Strategy, Count, QuietMs) ->
    Ids = lists:seq(1, Count),
    Options = fun(Id) -> #{id => Id, report_to => self(), trap => true, terminate => await_go} end,
    Simple = Strategy =:= simple_one_for_one,
    Children =
        case Simple of
            true -> [#{id => any, start => {?TREES, start_worker, []}}];
            false -> [?TREES:worker(Options(Id), #{}) || Id <- Ids]
        end,
    ?TREES:supervised(#{strategy => Strategy}, Children, fun(Supervisor) ->
        Simple andalso [{ok, _} = supervisor:start_child(Supervisor, [Options(Id)]) || Id <- Ids],
        Started = [next_started() || _ <- Ids],
        Start = erlang:monotonic_time(microsecond),
        exit(Supervisor, shutdown),
        [First | _] = Batches = batches(Count, QuietMs),
        _ = probe_lib:gone(Supervisor, ?DEADLINE_MS),
        #{
            start_order => Started,
            stop_order => [Id || Batch <- Batches, {Id, _} <- Batch],
            stopping_at_once_count => lists:max([length(Batch) || Batch <- Batches]),
            first_batch_told_ms => (lists:max([At || {_, At} <- First]) - Start) / 1000,
            quiet_ms => QuietMs
        }
    end).

next_started() ->
    receive {started, Id, _} -> Id after ?DEADLINE_MS -> error({setup, not_started}) end.

%% Gather all that are stopping until none comes for a while, then let them go.
batches(0, _) ->
    [];
batches(Left, QuietMs) ->
    Batch = stopping(?DEADLINE_MS, QuietMs),
    Batch =/= [] orelse error({setup, {none_stops, Left}}),
    [Pid ! go || {_, Pid, _} <- Batch],
    [[{Id, At} || {Id, _, At} <- Batch] | batches(Left - length(Batch), QuietMs)].

stopping(WaitMs, QuietMs) ->
    receive
        {terminating, Id, Pid} ->
            [{Id, Pid, erlang:monotonic_time(microsecond)} | stopping(QuietMs, QuietMs)]
    after WaitMs -> []
    end.

%% Stop one child with this shutdown: what it died of, and how long that took. A supervisor that
%% is not done after the deadline is killed: then the reason is `hangs'.
-spec stopped(start_worker | start_stubborn, supervisor:shutdown()) -> probe_lib:evidence().
stopped(Start, Shutdown) ->
    Child = #{
        id => child,
        start => {?TREES, Start, [#{id => child, report_to => self()}]},
        shutdown => Shutdown
    },
    ?TREES:supervised(#{}, [Child], fun(Supervisor) ->
        Pid = ?TREES:await_started(child),
        Ref = probe_lib:monitored(Pid),
        Self = self(),
        _ = spawn_link(fun() ->
            Stop = fun() -> ok = supervisor:terminate_child(Supervisor, child) end,
            Self ! {stopped, probe_measure:elapsed_us(Stop) / 1000}
        end),
        receive
            {stopped, Ms} -> #{exit_reason => ?SIGNALS:ended(Pid, Ref), waited_ms => Ms}
        after ?DEADLINE_MS -> hangs(Supervisor, Pid)
        end
    end).

hangs(Supervisor, Pid) ->
    process_flag(trap_exit, true),
    _ = probe_lib:kill_all([Supervisor, Pid]),
    #{exit_reason => hangs, waited_ms => ?DEADLINE_MS}.

%% The medians of the times, in turn over so many rounds, of stopping a stubborn child by
%% brutal_kill, of stopping one that obeys and has five seconds, and of a kill by hand.
-spec stop_times(pos_integer()) -> #{brutal_kill | obeying | by_hand => float()}.
stop_times(Rounds) ->
    Names = [brutal_kill, obeying, by_hand],
    Times = [[stop_ms(Name) || Name <- Names] || _ <- lists:seq(1, Rounds)],
    Nth = fun(N) -> probe_measure:median([lists:nth(N, Round) || Round <- Times]) end,
    maps:from_list([{Name, Nth(N)} || {N, Name} <- lists:zip([1, 2, 3], Names)]).

stop_ms(brutal_kill) ->
    #{exit_reason := killed, waited_ms := Ms} = stopped(start_stubborn, brutal_kill),
    Ms;
stop_ms(obeying) ->
    #{exit_reason := shutdown, waited_ms := Ms} = stopped(start_worker, 5_000),
    Ms;
stop_ms(by_hand) ->
    {ok, Pid} = ?TREES:start_stubborn(#{id => child, report_to => self()}),
    Pid = ?TREES:await_started(child),
    probe_measure:elapsed_us(fun() -> killed = probe_lib:kill_and_wait(Pid) end) / 1000.

%% End a server that traps exits or not: whether terminate/2 ran.
-spec terminate_ran(boolean(), fun((pid()) -> term())) -> boolean().
terminate_ran(Trap, Way) ->
    Options = #{id => server, report_to => self(), trap => Trap, terminate => report},
    {ok, Pid} = ?TREES:start_worker(Options),
    Ref = erlang:monitor(process, Pid),
    Way(Pid),
    _ = ?SIGNALS:ended(Pid, Ref),
    receive {terminated, server} -> true after 0 -> false end.

%% Kill a supervisor that has a plain child, a gen_server that traps exits and a process that traps
%% and ignores them: what they die of, and whether terminate/2 ran.
-spec orphaned() -> probe_lib:evidence().
orphaned() ->
    process_flag(trap_exit, true),
    Self = self(),
    Trapping = #{id => trapping, report_to => Self, trap => true, terminate => report},
    Children = [
        ?TREES:worker(#{id => plain, report_to => Self}, #{}),
        ?TREES:worker(Trapping, #{}),
        #{id => stubborn, start => {?TREES, start_stubborn, [#{id => stubborn, report_to => Self}]}}
    ],
    {ok, Supervisor} = supervisor:start_link(?TREES, {supervisor, #{}, Children}),
    [_, _, Stubborn] = Pids = [
        ?TREES:await_started(Id)
     || Id <- [plain, trapping, stubborn]
    ],
    Refs = [erlang:monitor(process, Pid) || Pid <- Pids],
    killed = probe_lib:kill_and_wait(Supervisor),
    [PlainReason, TrapsReason] = [
        probe_lib:gone(Ref, ?DEADLINE_MS)
     || Ref <- lists:sublist(Refs, 2)
    ],
    Told = fun() ->
        [Why || {messages, M} <- [process_info(Stubborn, messages)], {'EXIT', _, Why} <- M]
    end,
    _ = probe_lib:until(
        fun() -> Told() =/= [] orelse not is_process_alive(Stubborn) end, ?DEADLINE_MS
    ),
    Heard = Told(),
    Survives = is_process_alive(Stubborn),
    Terminated = receive {terminated, trapping} -> true after 0 -> false end,
    probe_lib:kill_all(Pids),
    #{
        plain_dies_reason => PlainReason,
        trapping_gen_server_dies_reason => TrapsReason,
        trapping_gen_server_terminates => Terminated,
        ignoring_process_told => Heard,
        ignoring_process_survives => Survives
    }.
