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
    sync/1
]).
%% Callbacks.
-export([start/2, stop/1, init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2]).

-export_type([worker_options/0]).

%% What a worker does. `id' names it in what it reports; `report_to' gets {started, Id, Pid} when it
%% starts; `trap' makes it trap exits; `fail_start' makes its start fail; `source' is called for the
%% state at each start; `terminate' is `report' (tell that terminate/2 ran) or `await_go' (tell,
%% then wait for `go'); `catch_all' makes it answer calls that it does not know; `info' is `report'
%% (tell of each message that handle_info/2 gets).
-type worker_options() :: #{
    id := atom() | integer(),
    report_to := pid(),
    trap => boolean(),
    fail_start => boolean(),
    source => fun(() -> term()),
    terminate => none | report | await_go,
    catch_all => boolean(),
    info => none | report
}.

-define(DEADLINE_MS, 5_000).

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
    Still = fun() ->
        case process_info(Linked, links) of
            {links, Links} -> lists:member(Gone, Links);
            undefined -> false
        end
    end,
    probe_lib:await(fun() -> not Still() end, ?DEADLINE_MS).

%% Wait until the supervisor handled all that was sent to it before, by its own protocol; false when
%% it is gone.
-spec sync(pid()) -> boolean().
sync(Supervisor) ->
    try supervisor:count_children(Supervisor) of
        Counts -> is_list(Counts)
    catch
        exit:_ -> false
    end.

%% As the callback of an application: its top supervisor gives up at the first crash.
-spec start(term(), pid()) -> {ok, pid()} | ignore | {error, term()}.
start(_Type, ReportTo) ->
    supervisor:start_link(
        ?MODULE,
        {supervisor, #{intensity => 0}, [worker(#{id => worker, report_to => ReportTo}, #{})]}
    ).

-spec stop(term()) -> ok.
stop(_State) ->
    ok.

-spec init(
    {supervisor, supervisor:sup_flags(), [supervisor:child_spec()]} | {worker, worker_options()}
) -> {ok, term()} | {stop, term()}.
init({supervisor, Flags, Children}) ->
    {ok, {Flags, Children}};
init({worker, #{fail_start := true}}) ->
    {stop, cannot_start};
init({worker, #{id := Id, report_to := To} = Options}) ->
    process_flag(trap_exit, maps:get(trap, Options, false)),
    State = (maps:get(source, Options, fun() -> initial end))(),
    To ! {started, Id, self()},
    {ok, Options#{state => State}}.

-spec handle_call(term(), gen_server:from(), map()) ->
    {reply, term(), map()} | {stop, term(), map()}.
handle_call(get, _From, #{state := State} = Worker) ->
    {reply, State, Worker};
handle_call({set, State}, _From, Worker) ->
    {reply, ok, Worker#{state := State}};
handle_call({run, Fun}, _From, Worker) ->
    {reply, Fun(), Worker};
handle_call({stop, Reason}, _From, Worker) ->
    {stop, Reason, Worker};
handle_call(_Unknown, _From, #{catch_all := true} = Worker) ->
    {reply, ok, Worker}.

-spec handle_cast(term(), map()) -> {noreply, map()} | {stop, term(), map()}.
handle_cast({exit, {raise, Reason}}, _Worker) ->
    error(Reason);
handle_cast({exit, Reason}, Worker) ->
    {stop, Reason, Worker};
handle_cast(_Unknown, #{catch_all := true} = Worker) ->
    {noreply, Worker}.

-spec handle_info(term(), map()) -> {noreply, map()}.
handle_info(Message, #{info := report, id := Id, report_to := To} = Worker) ->
    To ! {info, Id, Message},
    {noreply, Worker};
handle_info(_Message, Worker) ->
    {noreply, Worker}.

-spec terminate(term(), map()) -> term().
terminate(_Reason, #{terminate := report, id := Id, report_to := To}) ->
    To ! {terminated, Id};
terminate(_Reason, #{terminate := await_go, id := Id, report_to := To}) ->
    To ! {terminating, Id, self()},
    receive go -> ok after ?DEADLINE_MS -> late end;
terminate(_Reason, _Worker) ->
    ok.
