%% Workers and supervisors for the fault-tolerance probes, told by data what to do, and what becomes
%% of them when they crash. Knows nothing of any claim. One module is the callback of gen_server,
%% supervisor and application, so it names no -behaviour: their callbacks of one name would
%% conflict.
-module(beam_fault_tolerance_trees).

-export([
    supervised/3,
    supervisor/4,
    worker/2,
    start_worker/1,
    start_stubborn/1,
    await_started/1,
    crash/2,
    told/2,
    sync/1,
    application_ends/1,
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
%% Callbacks.
-export([start/2, stop/1, init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2]).

-export_type([worker_options/0]).

%% What a worker does. `id' names it in what it reports; `report_to' gets {started, Id, Pid} when it
%% starts; `trap' makes it trap exits; `fail_start' makes its start fail; `source' is called for the
%% state at each start; `terminate' is `report' (tell that terminate/2 ran) or `await_go' (tell,
%% then wait for `go'); `catch_all' makes it answer calls that it does not know.
-type worker_options() :: #{
    id := atom() | integer(),
    report_to := pid(),
    trap => boolean(),
    fail_start => boolean(),
    source => fun(() -> term()),
    terminate => none | report | await_go,
    catch_all => boolean()
}.

-define(LIB, beam_fault_tolerance_lib).
-define(DEADLINE_MS, 5000).

%% Run Fun(Supervisor) with a supervisor of these flags and children, linked to a process of its own
%% that traps exits and has an empty mailbox; the tree is gone when this returns.
-spec supervised(supervisor:sup_flags(), [supervisor:child_spec()], fun((pid()) -> Value)) -> Value.
supervised(Flags, Children, Fun) ->
    Trapping = process_flag(trap_exit, true),
    {ok, Supervisor} = supervisor:start_link(?MODULE, {supervisor, Flags, Children}),
    try
        Fun(Supervisor)
    after
        end_tree(Supervisor),
        process_flag(trap_exit, Trapping)
    end.

end_tree(Supervisor) ->
    Ref = erlang:monitor(process, Supervisor),
    exit(Supervisor, shutdown),
    receive
        {'DOWN', Ref, process, Supervisor, _} -> ok
    after ?DEADLINE_MS -> probe_lib:kill_and_wait(Supervisor)
    end,
    receive
        {'EXIT', Supervisor, _} -> ok
    after 0 -> ok
    end.

%% A child specification: a supervisor with these flags and children.
-spec supervisor(
    term(), supervisor:sup_flags(), [supervisor:child_spec()], map()
) -> supervisor:child_spec().
supervisor(Id, Flags, Children, Overrides) ->
    Start = {supervisor, start_link, [?MODULE, {supervisor, Flags, Children}]},
    maps:merge(#{id => Id, start => Start, type => supervisor}, Overrides).

%% A child specification: a worker with these options, and Overrides of the specification's keys.
-spec worker(worker_options(), map()) -> supervisor:child_spec().
worker(#{id := Id} = Options, Overrides) ->
    maps:merge(#{id => Id, start => {?MODULE, start_worker, [Options]}}, Overrides).

-spec start_worker(worker_options()) -> {ok, pid()} | {error, term()}.
start_worker(Options) ->
    gen_server:start_link(?MODULE, {worker, Options}, []).

%% A child that traps exits and never ends by itself, whatever it is sent: the naughty one.
-spec start_stubborn(worker_options()) -> {ok, pid()}.
start_stubborn(#{id := Id, report_to := To}) ->
    proc_lib:start_link(erlang, apply, [
        fun() ->
            process_flag(trap_exit, true),
            To ! {started, Id, self()},
            proc_lib:init_ack({ok, self()}),
            receive stop_stubborn -> ok end
        end,
        []
    ]).

%% The pid of the next start of worker Id.
-spec await_started(term()) -> pid().
await_started(Id) ->
    receive
        {started, Id, Pid} -> Pid
    after ?DEADLINE_MS -> error({setup, {not_started, Id}})
    end.

%% Make a worker exit with Reason, wait until it is gone and until all that it was linked to have
%% been told: its 'DOWN' here says nothing of its exit signals there.
-spec crash(pid(), term()) -> term().
crash(Pid, Reason) ->
    Linked = process_info(Pid, links),
    Ref = erlang:monitor(process, Pid),
    gen_server:cast(Pid, {exit, Reason}),
    receive
        {'DOWN', Ref, process, Pid, Why} ->
            _ = [ok = told(Other, Pid) || {links, Others} <- [Linked], Other <- Others],
            Why
    after ?DEADLINE_MS -> error({setup, {still_alive, Pid}})
    end.

%% Wait until the exit signal of a process that is gone has reached one that it was linked to.
-spec told(pid(), pid()) -> ok.
told(Linked, Gone) ->
    Reached = fun() ->
        case process_info(Linked, links) of
            undefined -> {done, ok};
            {links, Links} -> not lists:member(Gone, Links) andalso {done, ok}
        end
    end,
    #{settled := true} = probe_lib:settle(Reached, ?DEADLINE_MS),
    ok.

%% Wait until the supervisor handled all that was sent to it before, by its own protocol; false when
%% it is gone.
-spec sync(pid()) -> boolean().
sync(Supervisor) ->
    try supervisor:count_children(Supervisor) of
        Counts -> is_list(Counts)
    catch
        exit:_ -> false
    end.

%% Start an application with this type and have its top supervisor give up: whether that ended the
%% application controller, or it went on without the application.
-spec application_ends(permanent | transient | temporary) -> controller_ended | controller_goes_on.
application_ends(Type) ->
    Specification = {
        application,
        ?MODULE,
        [{mod, {?MODULE, self()}}, {modules, [?MODULE]}, {applications, [kernel, stdlib]}]
    },
    ok = application:load(Specification),
    ok = application:start(?MODULE, Type),
    Controller = erlang:monitor(process, application_controller),
    gen_server:cast(await_started(worker), {exit, boom}),
    Known = fun() ->
        receive
            {'DOWN', Controller, process, _, _} -> {done, controller_ended}
        after 0 ->
            case (catch application:which_applications(500)) of
                Running when is_list(Running) ->
                    lists:keymember(?MODULE, 1, Running) orelse {done, controller_goes_on};
                NotAnswered ->
                    NotAnswered
            end
        end
    end,
    #{settled := true, last := Outcome} = probe_lib:settle(Known, 4 * ?DEADLINE_MS),
    Outcome.

%% The application of application_ends/1: a supervisor that gives up at the first crash.
start(_Type, ReportTo) ->
    supervisor:start_link(
        ?MODULE,
        {supervisor, #{intensity => 0}, [worker(#{id => worker, report_to => ReportTo}, #{})]}
    ).

stop(_State) ->
    ok.

init({supervisor, Flags, Children}) ->
    {ok, {Flags, Children}};
init({worker, #{fail_start := true}}) ->
    {stop, cannot_start};
init({worker, #{id := Id, report_to := To} = Options}) ->
    process_flag(trap_exit, maps:get(trap, Options, false)),
    State = (maps:get(source, Options, fun() -> initial end))(),
    To ! {started, Id, self()},
    {ok, Options#{state => State}}.

handle_call(get, _From, #{state := State} = Worker) ->
    {reply, State, Worker};
handle_call({set, State}, _From, Worker) ->
    {reply, ok, Worker#{state := State}};
handle_call({run, Fun}, _From, Worker) ->
    {reply, Fun(), Worker};
handle_call(_Unknown, _From, #{catch_all := true} = Worker) ->
    {reply, ok, Worker}.

handle_cast({exit, {raise, Reason}}, _Worker) ->
    error(Reason);
handle_cast({exit, Reason}, Worker) ->
    {stop, Reason, Worker};
handle_cast(_Unknown, #{catch_all := true} = Worker) ->
    {noreply, Worker}.

handle_info(_Message, Worker) ->
    {noreply, Worker}.

terminate(_Reason, #{terminate := report, id := Id, report_to := To}) ->
    To ! {terminated, Id};
terminate(_Reason, #{terminate := await_go, id := Id, report_to := To}) ->
    To ! {terminating, Id, self()},
    receive go -> ok after ?DEADLINE_MS -> late end;
terminate(_Reason, _Worker) ->
    ok.

%% Make a call of a new server: what the caller sees, and whether the server survives.
-spec called(fun((pid()) -> term())) -> map().
called(Call) ->
    {ok, Pid} = gen_server:start(?MODULE, {worker, #{id => server, report_to => self()}}, []),
    #{class := Class, reason := Reason} = probe_lib:error_class(fun() -> Call(Pid) end),
    Survives = is_process_alive(Pid),
    Survives andalso probe_lib:kill_and_wait(Pid),
    #{class => Class, caller_sees_reason => seen(Reason), server_survives => Survives}.

seen({Reason, {gen_server, call, _}}) -> ?LIB:text([?LIB:reason(Reason), " in gen_server:call"]);
seen(Reason) -> ?LIB:text(?LIB:reason(Reason)).

%% Crash a worker whose state was spoiled, beside a sibling whose state was changed.
-spec restart_own_state() -> map().
restart_own_state() ->
    Children = [worker(#{id => Id, report_to => self()}, #{}) || Id <- [spoiled, sibling]],
    supervised(#{}, Children, fun(_) ->
        [Old, Sibling] = [await_started(Id) || Id <- [spoiled, sibling]],
        [ok = gen_server:call(Pid, {set, changed}) || Pid <- [Old, Sibling]],
        boom = crash(Old, boom),
        New = await_started(spoiled),
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
    Worker = worker(#{id => spoiled, report_to => self(), source => Source}, #{}),
    supervised(#{}, [Worker], fun(Supervisor) ->
        Old = await_started(spoiled),
        true = ets:insert(Table, {bad}),
        Ref = erlang:monitor(process, Supervisor),
        boom = crash(Old, boom),
        Reason =
            receive
                {'DOWN', Ref, process, Supervisor, Why} -> Why
            after ?DEADLINE_MS -> still_alive
            end,
        #{supervisor_exit_reason => Reason, old_pid_alive => is_process_alive(Old)}
    end).

%% Crash one worker until a supervisor with these flags gives up.
-spec restarts(supervisor:sup_flags()) -> map().
restarts(Flags) ->
    supervised(Flags, [worker(#{id => worker, report_to => self()}, #{})], fun(Supervisor) ->
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
            crash(Pid, boom),
            crash_until_down(Ref, Starts + 1, Before);
        {'DOWN', Ref, process, _, Reason} ->
            {Starts, Reason}
    after ?DEADLINE_MS -> error({setup, {no_start, Starts}})
    end.

%% Crash when the clock is at FirstMs and at SecondMs after one and the same full second.
-spec two_crashes(non_neg_integer(), non_neg_integer(), pos_integer()) -> map().
two_crashes(FirstMs, SecondMs, Tries) when Tries > 0 ->
    Worker = worker(#{id => worker, report_to => self()}, #{}),
    {One, Two, Survives} = supervised(#{intensity => 1, period => 1}, [Worker], fun(Supervisor) ->
        Start = (erlang:monotonic_time(second) + 1) * 1000,
        One = crash_at(Start + FirstMs, Supervisor),
        Two = crash_at(Start + SecondMs, Supervisor),
        {One, Two, sync(Supervisor)}
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
    Pid = await_started(worker),
    receive after max(0, TimeMs - erlang:monotonic_time(millisecond)) -> ok end,
    Before = erlang:monotonic_time(second),
    AtMs = erlang:monotonic_time(millisecond),
    crash(Pid, boom),
    _ = sync(Supervisor),
    {Before, erlang:monotonic_time(second), AtMs}.

%% Crash one worker below so many supervisors until the topmost gives up.
-spec crash_column(pos_integer(), supervisor:sup_flags()) -> {
    Restarts :: integer(),
    Reason :: term()
}.
crash_column(Depth, Flags) ->
    [Child] = lists:foldl(
        fun(Id, Children) -> [supervisor(Id, Flags, Children, #{})] end,
        [worker(#{id => worker, report_to => self()}, #{})],
        lists:seq(1, Depth - 1)
    ),
    supervised(Flags, [Child], fun(Top) ->
        crash_until_down(erlang:monitor(process, Top), -1, fun() -> ok end)
    end).

%% Let a supervisor give up that is a child of this restart type.
-spec given_up_below(supervisor:restart()) -> map().
given_up_below(Type) ->
    Worker = worker(#{id => worker, report_to => self()}, #{}),
    Child = supervisor(inner, #{intensity => 0}, [Worker], #{restart => Type}),
    supervised(#{}, [Child], fun(Parent) ->
        Pid = await_started(worker),
        [{inner, Inner, _, _}] = supervisor:which_children(Parent),
        Ref = erlang:monitor(process, Inner),
        crash(Pid, boom),
        Reason = receive {'DOWN', Ref, process, Inner, Why} -> Why end,
        ok = told(Parent, Inner),
        Survives = sync(Parent),
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
    Started = [receive {started, Id, _} -> Id end || _ <- lists:seq(1, Count)],
    exit(Supervisor, shutdown),
    {Stopped, AtOnce} = let_go(Count, [], 0),
    _ = ?LIB:gone(Supervisor),
    {Started, Stopped, AtOnce}.

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
        start => {?MODULE, Start, [#{id => child, report_to => self()}]},
        shutdown => Shutdown
    },
    supervised(#{}, [Child], fun(Supervisor) ->
        Pid = await_started(child),
        Ref = erlang:monitor(process, Pid),
        WaitedUs = probe_lib:elapsed_us(
            fun() -> ok = supervisor:terminate_child(Supervisor, child) end
        ),
        #{
            exit_reason => receive {'DOWN', Ref, process, Pid, Why} -> Why end,
            waited_ms => WaitedUs / 1000
        }
    end).

%% The shutdown of a child whose specification names none.
-spec default_shutdown(worker | supervisor) -> timeout().
default_shutdown(Type) ->
    Child = #{
        id => child,
        start => {?MODULE, start_worker, [#{id => child, report_to => self()}]},
        type => Type
    },
    supervised(#{}, [Child], fun(Supervisor) ->
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
            true -> [#{id => any, start => {?MODULE, start_worker, []}}];
            false -> [worker(Options(Id), #{}) || Id <- [1, 2, 3]]
        end,
    supervised(#{strategy => Strategy}, Children, fun(Supervisor) ->
        Simple andalso [
            {ok, _} = supervisor:start_child(Supervisor, [Options(Id)])
         || Id <- [1, 2, 3]
        ],
        [_, Second, _] = [await_started(Id) || Id <- [1, 2, 3]],
        crash(Second, boom),
        true = sync(Supervisor),
        started_ids()
    end).

started_ids() ->
    receive {started, Id, _} -> [Id | started_ids()] after 0 -> [] end.

%% End a child of this restart type with Reason: whether it starts again.
-spec comes_back(supervisor:restart(), term()) -> boolean().
comes_back(Type, Reason) ->
    Worker = worker(#{id => worker, report_to => self()}, #{restart => Type}),
    supervised(#{}, [Worker], fun(Supervisor) ->
        Reason = crash(await_started(worker), Reason),
        true = sync(Supervisor),
        started_ids() =/= []
    end).

%% End two significant children, one after the other, beside one that is not.
-spec significant_ends(supervisor:auto_shutdown()) -> map().
significant_ends(AutoShutdown) ->
    Significant = #{restart => temporary, significant => true},
    Options = fun(Id) -> #{id => Id, report_to => self()} end,
    Children = [worker(Options(Id), Significant) || Id <- [1, 2]] ++ [worker(Options(3), #{})],
    supervised(#{auto_shutdown => AutoShutdown}, Children, fun(Supervisor) ->
        [First, Second, _] = [await_started(Id) || Id <- [1, 2, 3]],
        Ref = erlang:monitor(process, Supervisor),
        normal = crash(First, normal),
        AfterFirst = sync(Supervisor),
        AfterFirst andalso crash(Second, normal),
        #{
            survives_first => AfterFirst,
            survives_second => AfterFirst andalso sync(Supervisor),
            exit_reason => receive {'DOWN', Ref, process, Supervisor, Why} -> Why end
        }
    end).

%% What a supervisor says to a significant child that it may not have.
-spec refused(supervisor:auto_shutdown(), supervisor:restart()) -> atom().
refused(AutoShutdown, Restart) ->
    process_flag(trap_exit, true),
    Child = worker(#{id => 1, report_to => self()}, #{restart => Restart, significant => true}),
    case supervisor:start_link(?MODULE, {supervisor, #{auto_shutdown => AutoShutdown}, [Child]}) of
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
    New = await_started(worker),
    {erlang:convert_time_unit(erlang:monotonic_time() - Start, native, nanosecond) / 1000, New}.

%% The least time from a cast that ends the worker to its next start.
-spec failing_us(term(), pos_integer()) -> float().
failing_us(Cast, Rounds) ->
    Worker = worker(#{id => worker, report_to => self()}, #{}),
    supervised(#{intensity => Rounds + 1, period => 3600}, [Worker], fun(_) ->
        Fail = fun(_, Pid) ->
            Start = erlang:monotonic_time(nanosecond),
            gen_server:cast(Pid, Cast),
            New = await_started(worker),
            {(erlang:monotonic_time(nanosecond) - Start) / 1000, New}
        end,
        {Times, _} = lists:mapfoldl(Fail, await_started(worker), lists:seq(1, Rounds)),
        lists:min(Times)
    end).

%% The least time of a call that answers an error tuple.
-spec error_tuple_us() -> float().
error_tuple_us() ->
    supervised(#{}, [worker(#{id => worker, report_to => self()}, #{})], fun(_) ->
        Pid = await_started(worker),
        probe_lib:best_us(
            50, fun() -> {error, boom} = gen_server:call(Pid, {run, fun() -> {error, boom} end}) end
        )
    end).

%% What OTP calls this kind of report.
-spec label(logger:log_event()) -> binary().
label(#{msg := {report, #{label := Label}}}) -> ?LIB:text(?LIB:reason(Label));
label(#{msg := {report, Report}}) -> ?LIB:text(?LIB:reason(Report));
label(_) -> <<"text">>.

%% The bytes of what a server logs that crashes with a state of so many elements.
-spec log_bytes(pos_integer(), logger_formatter:config()) -> non_neg_integer().
log_bytes(Size, Formatter) ->
    {_, Events} = ?LIB:with_log(fun() ->
        process_flag(trap_exit, true),
        {ok, Pid} = start_worker(
            #{id => server, report_to => self(), source => fun() -> lists:seq(1, Size) end}
        ),
        crash(Pid, {raise, boom})
    end),
    lists:sum([byte_size(?LIB:text(logger_formatter:format(Event, Formatter))) || Event <- Events]).
