%% What becomes of workers and supervisors that fail, end or are stopped, for the fault-tolerance
%% probes. Knows nothing of any claim.
-module(beam_fault_tolerance_restarts).

-export([
    called/1,
    restart_own_state/0,
    restart_outside_state/1,
    restarts/1,
    two_crashes/3,
    crash_column/2,
    given_up_below/1,
    stop_slowly/2,
    stopped/2,
    default_shutdown/1,
    restarted/1,
    comes_back/2,
    significant_ends/1,
    refused/2,
    tried/3,
    restart_time/1,
    failing_us/2,
    error_tuple_us/0,
    label/1,
    log_bytes/2
]).

-define(TREES, beam_fault_tolerance_trees).
-define(DEADLINE_MS, 5_000).

%% Make a call of a new server: what the caller sees, and whether the server survives.
-spec called(fun((pid()) -> term())) -> map().
called(Call) ->
    {ok, Pid} = gen_server:start(?TREES, {worker, #{id => server, report_to => self()}}, []),
    #{class := Class, reason := Reason} = probe_lib:error_class(fun() -> Call(Pid) end),
    Survives = is_process_alive(Pid),
    Survives andalso probe_lib:kill_and_wait(Pid),
    #{class => Class, caller_sees_reason => seen(Reason), server_survives => Survives}.

seen({Reason, {gen_server, call, _}}) ->
    probe_capture:text("~ts in gen_server:call", [probe_capture:reason(Reason)]);
seen(Reason) ->
    probe_capture:reason(Reason).

%% Crash a worker whose state was spoiled, beside a sibling whose state was changed.
-spec restart_own_state() -> map().
restart_own_state() ->
    Children = [?TREES:worker(#{id => Id, report_to => self()}, #{}) || Id <- [spoiled, sibling]],
    ?TREES:supervised(#{}, Children, fun(_) ->
        [Old, Sibling] = [?TREES:await_started(Id) || Id <- [spoiled, sibling]],
        [ok = gen_server:call(Pid, {set, changed}) || Pid <- [Old, Sibling]],
        boom = ?TREES:crash(Old, boom),
        New = ?TREES:await_started(spoiled),
        #{
            new_process => New =/= Old,
            state => gen_server:call(New, get),
            sibling_state => gen_server:call(Sibling, get),
            old_pid_reason => element(
                1, maps:get(reason, probe_lib:error_class(fun() -> gen_server:call(Old, get) end))
            )
        }
    end).

%% The worker reads its state from the table when it starts and fails on a bad one.
-spec restart_outside_state(ets:tid()) -> map().
restart_outside_state(Table) ->
    Source = fun() -> [] = ets:lookup(Table, bad), initial end,
    Worker = ?TREES:worker(#{id => spoiled, report_to => self(), source => Source}, #{}),
    ?TREES:supervised(#{}, [Worker], fun(Supervisor) ->
        Old = ?TREES:await_started(spoiled),
        true = ets:insert(Table, {bad}),
        Ref = erlang:monitor(process, Supervisor),
        boom = ?TREES:crash(Old, boom),
        #{
            supervisor_exit_reason => probe_lib:gone(Ref, ?DEADLINE_MS),
            old_pid_alive => is_process_alive(Old)
        }
    end).

%% Crash one worker until a supervisor with these flags gives up.
-spec restarts(supervisor:sup_flags()) -> map().
restarts(Flags) ->
    Worker = ?TREES:worker(#{id => worker, report_to => self()}, #{}),
    ?TREES:supervised(Flags, [Worker], fun(Supervisor) ->
        {Restarts, Reason} = crash_until_down(
            erlang:monitor(process, Supervisor), -1, fun() -> ok end
        ),
        #{restart_count => Restarts, exit_reason => Reason}
    end).

%% Crash each worker that reports its start until the monitored process is gone: starts but one,
%% reason.
crash_until_down(Ref, Starts, Before) ->
    receive
        {started, _, Pid} ->
            Before(),
            ?TREES:crash(Pid, boom),
            crash_until_down(Ref, Starts + 1, Before);
        {'DOWN', Ref, process, _, Reason} ->
            {Starts, Reason}
    after ?DEADLINE_MS -> error({setup, {no_start, Starts}})
    end.

%% Crash when the clock is at FirstMs and at SecondMs after one and the same full second.
-spec two_crashes(non_neg_integer(), non_neg_integer(), pos_integer()) -> map().
two_crashes(FirstMs, SecondMs, Tries) when Tries > 0 ->
    Worker = ?TREES:worker(#{id => worker, report_to => self()}, #{}),
    Flags = #{intensity => 1, period => 1},
    {One, Two, Survives} = ?TREES:supervised(Flags, [Worker], fun(Supervisor) ->
        Start = (erlang:monotonic_time(second) + 1) * 1000,
        One = crash_at(Start + FirstMs, Supervisor),
        Two = crash_at(Start + SecondMs, Supervisor),
        {One, Two, ?TREES:sync(Supervisor)}
    end),
    case {One, Two} of
        {{Second1, Second1, Ms1}, {Second2, Second2, Ms2}} ->
            #{
                gap_ms => Ms2 - Ms1,
                clock_seconds_apart_count => Second2 - Second1,
                supervisor_survives => Survives
            };
        _ ->
            two_crashes(FirstMs, SecondMs, Tries - 1)
    end.

%% The clock's second before the crash and after the supervisor dealt with it, and the time in ms.
crash_at(TimeMs, Supervisor) ->
    Pid = ?TREES:await_started(worker),
    receive after max(0, TimeMs - erlang:monotonic_time(millisecond)) -> ok end,
    Before = erlang:monotonic_time(second),
    AtMs = erlang:monotonic_time(millisecond),
    ?TREES:crash(Pid, boom),
    _ = ?TREES:sync(Supervisor),
    {Before, erlang:monotonic_time(second), AtMs}.

%% Crash one worker below so many supervisors until the topmost gives up.
-spec crash_column(pos_integer(), supervisor:sup_flags()) -> {
    Restarts :: integer(),
    Reason :: term()
}.
crash_column(Depth, Flags) ->
    [Child] = lists:foldl(
        fun(Id, Children) -> [?TREES:supervisor(Id, Flags, Children, #{})] end,
        [?TREES:worker(#{id => worker, report_to => self()}, #{})],
        lists:seq(1, Depth - 1)
    ),
    ?TREES:supervised(Flags, [Child], fun(Top) ->
        crash_until_down(erlang:monitor(process, Top), -1, fun() -> ok end)
    end).

%% Let a supervisor give up that is a child of this restart type.
-spec given_up_below(supervisor:restart()) -> map().
given_up_below(Type) ->
    Worker = ?TREES:worker(#{id => worker, report_to => self()}, #{}),
    Child = ?TREES:supervisor(inner, #{intensity => 0}, [Worker], #{restart => Type}),
    ?TREES:supervised(#{}, [Child], fun(Parent) ->
        Pid = ?TREES:await_started(worker),
        [{inner, Inner, _, _}] = supervisor:which_children(Parent),
        Ref = erlang:monitor(process, Inner),
        ?TREES:crash(Pid, boom),
        Reason = probe_lib:gone(Ref, ?DEADLINE_MS),
        ok = ?TREES:told(Parent, Inner),
        Survives = ?TREES:sync(Parent),
        Again = receive {started, worker, _} -> true after 0 -> false end,
        #{inner_exit_reason => Reason, started_again => Again, parent_survives => Survives}
    end).

%% Stop a supervisor whose children wait in terminate/2.
-spec stop_slowly(pid(), pos_integer()) -> {
    Started :: list(),
    Stopped :: list(),
    AtOnce :: integer()
}.
stop_slowly(Supervisor, Count) ->
    Started = [first_started() || _ <- lists:seq(1, Count)],
    exit(Supervisor, shutdown),
    {Stopped, AtOnce} = let_go(Count, [], 0),
    _ = probe_lib:gone(Supervisor, ?DEADLINE_MS),
    {Started, Stopped, AtOnce}.

first_started() ->
    receive {started, Id, _} -> Id after ?DEADLINE_MS -> error({setup, not_started}) end.

%% Gather all that are stopping until none comes for a while, then let them go; the most at once.
let_go(0, Stopped, Most) ->
    {lists:reverse(Stopped), Most};
let_go(Left, Stopped, Most) ->
    Batch = stopping(?DEADLINE_MS),
    [Pid ! go || {_, Pid} <- Batch],
    let_go(
        Left - length(Batch),
        lists:reverse([Id || {Id, _} <- Batch]) ++ Stopped,
        max(Most, length(Batch))
    ).

stopping(WaitMs) ->
    receive
        {terminating, Id, Pid} -> [{Id, Pid} | stopping(25)]
    after WaitMs -> []
    end.

%% Stop one child with this shutdown: what it died of, and how long that took.
-spec stopped(start_worker | start_stubborn, supervisor:shutdown()) -> map().
stopped(Start, Shutdown) ->
    Child = #{
        id => child,
        start => {?TREES, Start, [#{id => child, report_to => self()}]},
        shutdown => Shutdown
    },
    ?TREES:supervised(#{}, [Child], fun(Supervisor) ->
        Pid = ?TREES:await_started(child),
        Ref = erlang:monitor(process, Pid),
        WaitedUs = probe_measure:elapsed_us(
            fun() -> ok = supervisor:terminate_child(Supervisor, child) end
        ),
        #{
            exit_reason => probe_lib:gone(Ref, ?DEADLINE_MS),
            waited_ms => WaitedUs / 1000
        }
    end).

%% The shutdown of a child whose specification names none.
-spec default_shutdown(worker | supervisor) -> timeout().
default_shutdown(Type) ->
    Child = #{
        id => child,
        start => {?TREES, start_worker, [#{id => child, report_to => self()}]},
        type => Type
    },
    ?TREES:supervised(#{}, [Child], fun(Supervisor) ->
        {ok, #{shutdown := Shutdown}} = supervisor:get_childspec(Supervisor, child),
        Shutdown
    end).

%% Crash the second of three children: which ones start again.
-spec restarted(supervisor:strategy()) -> [1..3].
restarted(Strategy) ->
    Options = fun(Id) -> #{id => Id, report_to => self()} end,
    Simple = Strategy =:= simple_one_for_one,
    Children =
        case Simple of
            true -> [#{id => any, start => {?TREES, start_worker, []}}];
            false -> [?TREES:worker(Options(Id), #{}) || Id <- [1, 2, 3]]
        end,
    ?TREES:supervised(#{strategy => Strategy}, Children, fun(Supervisor) ->
        Simple andalso [
            {ok, _} = supervisor:start_child(Supervisor, [Options(Id)])
         || Id <- [1, 2, 3]
        ],
        [_, Second, _] = [?TREES:await_started(Id) || Id <- [1, 2, 3]],
        ?TREES:crash(Second, boom),
        true = ?TREES:sync(Supervisor),
        started_ids()
    end).

started_ids() ->
    receive {started, Id, _} -> [Id | started_ids()] after 0 -> [] end.

%% End a child of this restart type with Reason: whether it starts again.
-spec comes_back(supervisor:restart(), term()) -> boolean().
comes_back(Type, Reason) ->
    Worker = ?TREES:worker(#{id => worker, report_to => self()}, #{restart => Type}),
    ?TREES:supervised(#{}, [Worker], fun(Supervisor) ->
        Reason = ?TREES:crash(?TREES:await_started(worker), Reason),
        true = ?TREES:sync(Supervisor),
        started_ids() =/= []
    end).

%% End two significant children, one after the other, beside one that is not.
-spec significant_ends(supervisor:auto_shutdown()) -> map().
significant_ends(AutoShutdown) ->
    Significant = #{restart => temporary, significant => true},
    Options = fun(Id) -> #{id => Id, report_to => self()} end,
    Children =
        [?TREES:worker(Options(Id), Significant) || Id <- [1, 2]] ++
            [?TREES:worker(Options(3), #{})],
    ?TREES:supervised(#{auto_shutdown => AutoShutdown}, Children, fun(Supervisor) ->
        [First, Second, _] = [?TREES:await_started(Id) || Id <- [1, 2, 3]],
        Ref = erlang:monitor(process, Supervisor),
        normal = ?TREES:crash(First, normal),
        AfterFirst = ?TREES:sync(Supervisor),
        AfterFirst andalso ?TREES:crash(Second, normal),
        #{
            survives_first => AfterFirst,
            survives_second => AfterFirst andalso ?TREES:sync(Supervisor),
            exit_reason => probe_lib:gone(Ref, ?DEADLINE_MS)
        }
    end).

%% What a supervisor says to a significant child that it may not have.
-spec refused(supervisor:auto_shutdown(), supervisor:restart()) -> atom().
refused(AutoShutdown, Restart) ->
    process_flag(trap_exit, true),
    Child = ?TREES:worker(
        #{id => 1, report_to => self()}, #{restart => Restart, significant => true}
    ),
    case supervisor:start_link(?TREES, {supervisor, #{auto_shutdown => AutoShutdown}, [Child]}) of
        {error, {Reason, _}} -> Reason;
        {ok, Supervisor} -> probe_lib:kill_and_wait(Supervisor), accepted
    end.

%% A source of state that counts its calls and fails after so many.
-spec tried(counters:counters_ref(), pos_integer(), non_neg_integer()) -> fun(() -> initial).
tried(Counter, Index, Good) ->
    fun() ->
        ok = counters:add(Counter, Index, 1),
        true = counters:get(Counter, Index) =< Good,
        initial
    end.

%% Make the worker end by a cast: the time until it is back, and its new pid.
-spec restart_time(pid()) -> {Us :: float(), pid()}.
restart_time(Pid) ->
    Start = erlang:monotonic_time(),
    gen_server:cast(Pid, {exit, boom}),
    New = ?TREES:await_started(worker),
    {erlang:convert_time_unit(erlang:monotonic_time() - Start, native, nanosecond) / 1000, New}.

%% The least time from a cast that ends the worker to its next start.
-spec failing_us(term(), pos_integer()) -> float().
failing_us(Cast, Rounds) ->
    Worker = ?TREES:worker(#{id => worker, report_to => self()}, #{}),
    ?TREES:supervised(#{intensity => Rounds + 1, period => 3600}, [Worker], fun(_) ->
        Fail = fun(_, Pid) ->
            Start = erlang:monotonic_time(nanosecond),
            gen_server:cast(Pid, Cast),
            New = ?TREES:await_started(worker),
            {(erlang:monotonic_time(nanosecond) - Start) / 1000, New}
        end,
        {Times, _} = lists:mapfoldl(Fail, ?TREES:await_started(worker), lists:seq(1, Rounds)),
        lists:min(Times)
    end).

%% The least time of a call that answers an error tuple.
-spec error_tuple_us() -> float().
error_tuple_us() ->
    ?TREES:supervised(#{}, [?TREES:worker(#{id => worker, report_to => self()}, #{})], fun(_) ->
        Pid = ?TREES:await_started(worker),
        probe_measure:best_us(
            50, fun() -> {error, boom} = gen_server:call(Pid, {run, fun() -> {error, boom} end}) end
        )
    end).

%% What OTP calls this kind of report.
-spec label(logger:log_event()) -> binary().
label(#{msg := {report, #{label := Label}}}) -> probe_capture:reason(Label);
label(#{msg := {report, Report}}) -> probe_capture:reason(Report);
label(_) -> <<"text">>.

%% The bytes of what a server logs that crashes with a state of so many elements.
-spec log_bytes(pos_integer(), logger_formatter:config()) -> non_neg_integer().
log_bytes(Size, Formatter) ->
    {_, Events} = probe_capture:with_log(fun() ->
        process_flag(trap_exit, true),
        {ok, Pid} = ?TREES:start_worker(
            #{id => server, report_to => self(), source => fun() -> lists:seq(1, Size) end}
        ),
        ?TREES:crash(Pid, {raise, boom})
    end),
    Texts = [probe_capture:chars(logger_formatter:format(Event, Formatter)) || Event <- Events],
    lists:sum([byte_size(Text) || Text <- Texts]).
