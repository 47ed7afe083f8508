%% Subjects of the fault-tolerance probes: workers and supervisors told by data what to do, exit
%% signals of every kind and what they did to their receiver, and the log that a crash writes.
%% Knows how to provoke; knows nothing of any claim. One module serves as callback of gen_server,
%% supervisor, application and logger, so it names no -behaviour (their callbacks of one name would conflict).
-module(beam_fault_tolerance_lib).

%% Exit signals.
-export([outcome/3, exit_reason/1, chain/1, watched/1, gone/1, take/1]).
%% Supervisors and workers.
-export([supervised/3, supervisor/4, worker/2, start_worker/1, start_stubborn/1, await_started/1, crash/2, sync/1]).
%% Logs and text.
-export([with_log/1, text/1, reason/1, scratch/0]).
%% What is run on peers.
-export([many_atoms/3, huge_binary/1, grow_heap/0, limited_growth/1]).
-export([scribbled/1, catching/2, kill_name/1, application_ends/1]).
%% Callbacks.
-export([start/2, stop/1, init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2, divert/2]).

-export_type([worker_options/0]).

%% What a worker does. `id' names it in what it reports; `report_to' gets {started, Id, Pid} when it
%% starts; `trap' makes it trap exits; `fail_start' makes its start fail; `source' is called for the
%% state at each start; `terminate' is `report' (tell that terminate/2 ran) or `await_go' (tell, then
%% wait for `go'); `catch_all' makes it answer calls that it does not know.
-type worker_options() :: #{
    id := atom() | integer(),
    report_to := pid(),
    trap => boolean(),
    fail_start => boolean(),
    source => fun(() -> term()),
    terminate => none | report | await_go,
    catch_all => boolean()
}.

-define(DEADLINE_MS, 5000).

%%% Exit signals

%% Send one process one exit signal with Reason and say what that did to it: `survives', <<"dies with
%% R">>, <<"message R">> (an 'EXIT' message) or <<"down R">> (a 'DOWN' message). Mechanisms: exit2 (a
%% signal by exit/2 from another process), exit2_self (exit/2 to itself), exit1 (exit/1), link (a linked
%% process that calls exit/1), monitor (a monitored process that calls exit/1).
-spec outcome(binary(), boolean(), term()) -> survives | binary().
outcome(Mechanism, Trapping, Reason) ->
    Subject = probe_lib:subject([]),
    Monitor = erlang:monitor(process, Subject),
    try
        _ = probe_lib:ask(Subject, fun(S) -> {process_flag(trap_exit, Trapping), S} end),
        ok = signal(Mechanism, Subject, Reason),
        case is_process_alive(Subject) of
            true -> describe(probe_lib:ask(Subject, fun take/1));
            false -> receive {'DOWN', Monitor, process, Subject, Why} -> text(["dies with ", reason(Why)]) end
        end
    after
        erlang:demonitor(Monitor, [flush]),
        probe_lib:kill_and_wait(Subject)
    end.

signal(<<"exit2">>, Subject, Reason) ->
    true = exit(Subject, Reason),
    ok;
signal(<<"exit2_self">>, Subject, Reason) ->
    ask_or_die(Subject, fun(S) -> {exit(self(), Reason), S} end);
signal(<<"exit1">>, Subject, Reason) ->
    ask_or_die(Subject, fun(_) -> exit(Reason) end);
signal(<<"link">>, Subject, Reason) ->
    Partner = probe_lib:ask(Subject, fun(S) -> {spawn_link(exit_reason(Reason)), S} end),
    Partner ! go,
    gone_from(links, Subject);
signal(<<"monitor">>, Subject, Reason) ->
    {Partner, _} = probe_lib:ask(Subject, fun(S) -> {spawn_monitor(exit_reason(Reason)), S} end),
    Partner ! go,
    gone_from(monitors, Subject).

ask_or_die(Subject, Fun) ->
    try probe_lib:ask(Subject, Fun) of
        _ -> ok
    catch
        error:{subject_died, _} -> ok
    end.

%% A link or monitor leaves the receiver's list when its signal was handled, also when it was dropped.
gone_from(Item, Subject) ->
    Handled = fun() ->
        case process_info(Subject, Item) of
            {Item, [_ | _]} -> waiting;
            _ -> {done, ok}
        end
    end,
    #{settled := true} = probe_lib:settle(Handled, ?DEADLINE_MS),
    ok.

%% The body of a process that exits with Reason when it is told `go'.
-spec exit_reason(term()) -> fun(() -> no_return()).
exit_reason(Reason) ->
    fun() -> receive go -> exit(Reason) end end.

%% For probe_lib:ask/2: take the first message out of the subject's mailbox.
-spec take(State) -> {term(), State}.
take(State) ->
    receive
        Message -> {Message, State}
    after 0 -> {none, State}
    end.

describe(none) -> survives;
describe({'EXIT', _, Reason}) -> text(["message ", reason(Reason)]);
describe({'DOWN', _, process, _, Reason}) -> text(["down ", reason(Reason)]).

%% A row of subjects, each linked to the one before it; the first is returned first.
-spec chain(pos_integer()) -> [pid()].
chain(Length) ->
    [First | Rest] = Pids = [probe_lib:subject([]) || _ <- lists:seq(1, Length)],
    _ = lists:foldl(
        fun(Next, Last) ->
            true = probe_lib:ask(Next, fun(S) -> {link(Last), S} end),
            Next
        end,
        First,
        Rest
    ),
    Pids.

%% Spawn Body with a monitor and wait for its end: the reason of its exit.
-spec watched(fun(() -> term())) -> term().
watched(Body) ->
    {Pid, Ref} = spawn_monitor(Body),
    receive
        {'DOWN', Ref, process, Pid, Reason} -> Reason
    after ?DEADLINE_MS -> error({setup, {still_alive, Pid}})
    end.

%% Wait for the end of a process: the reason of its exit.
-spec gone(pid()) -> term().
gone(Pid) ->
    Ref = erlang:monitor(process, Pid),
    receive
        {'DOWN', Ref, process, Pid, Reason} -> Reason
    after ?DEADLINE_MS -> error({setup, {still_alive, Pid}})
    end.

%%% Supervisors and workers

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
-spec supervisor(term(), supervisor:sup_flags(), [supervisor:child_spec()], map()) -> supervisor:child_spec().
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

%% Make a worker exit with Reason and wait until it is gone.
-spec crash(pid(), term()) -> term().
crash(Pid, Reason) ->
    Ref = erlang:monitor(process, Pid),
    gen_server:cast(Pid, {exit, Reason}),
    receive
        {'DOWN', Ref, process, Pid, Why} -> Why
    after ?DEADLINE_MS -> error({setup, {still_alive, Pid}})
    end.

%% Wait until the supervisor handled all that was sent to it before, by its own protocol; false when
%% it is gone.
-spec sync(pid()) -> boolean().
sync(Supervisor) ->
    try supervisor:count_children(Supervisor) of
        Counts -> is_list(Counts)
    catch
        exit:_ -> false
    end.

%%% Logs and text

%% Run Fun in a process whose log events (its children's too: they inherit the group leader) go
%% nowhere but into the result. Events come back in the order of their time.
-spec with_log(fun(() -> Value)) -> {Value, [logger:log_event()]}.
with_log(Fun) ->
    Known = cached_levels(),
    Leader = probe_lib:subject([]),
    Collector = probe_lib:subject([]),
    _ = probe_lib:ask(Collector, fun(_) -> {ok, []} end),
    ok = logger:add_primary_filter(?MODULE, {fun ?MODULE:divert/2, {Leader, Collector}}),
    try
        Value = probe_lib:in_process(fun() ->
            group_leader(Leader, self()),
            Fun()
        end),
        {Value, collected(Leader, Collector)}
    after
        ok = logger:remove_primary_filter(?MODULE),
        probe_lib:kill_and_wait(Collector),
        probe_lib:kill_and_wait(Leader),
        _ = [persistent_term:erase(Key) || Key <- cached_levels() -- Known]
    end.

%% The filter: what a process of that group leader logs goes to the collector and no further.
-spec divert(logger:log_event(), {pid(), pid()}) -> stop | ignore.
divert(#{meta := #{gl := Leader}} = Event, {Leader, Collector}) ->
    Collector ! {logged, Event},
    stop;
divert(_Event, _) ->
    ignore.

%% Logger keeps the level of each module that logged once, as a persistent term. A probe leaves
%% nothing behind, so those that it caused are erased: logger then looks the level up again.
cached_levels() ->
    [Key || {{logger_config, Module} = Key, _} <- persistent_term:get(), is_atom(Module)].

%% Errors of plain processes reach the filter through a process of logger's: when the event of a last
%% process that fails is there, all before it are.
collected(Leader, Collector) ->
    watched(fun() -> group_leader(Leader, self()), error(?MODULE) end),
    Last = fun() ->
        case probe_lib:ask(Collector, fun(Old) -> New = drain(Old), {New, New} end) of
            [#{meta := #{error_logger := #{emulator := true}}, msg := Message} | Before] ->
                string:find(io_lib:format("~p", [Message]), ?MODULE_STRING) =/= nomatch
                    andalso {done, lists:reverse(Before)};
            _ ->
                waiting
        end
    end,
    case probe_lib:settle(Last, ?DEADLINE_MS) of
        #{settled := true, last := Events} -> Events;
        _ -> error({setup, {log, probe_lib:ask(Collector, fun(Events) -> {Events, Events} end)}})
    end.

drain(Events) ->
    receive
        {logged, Event} -> drain([Event | Events])
    after 0 -> Events
    end.

%% A folder that may be written to.
-spec scratch() -> file:filename().
scratch() ->
    case os:getenv("TMPDIR") of
        false -> "/tmp";
        Folder -> Folder
    end.

-spec text(iodata()) -> binary().
text(Data) ->
    unicode:characters_to_binary(Data).

%% An exit reason as text, without stack traces: those differ from build to build.
-spec reason(term()) -> iodata().
reason({Reason, Stack}) when is_list(Stack) -> reason(Reason);
reason(Reason) -> io_lib:format("~0p", [Reason]).

%%% What is run on peers: all of it is guarded by catch, so that what ends the VM is beyond it

%% Turn so many texts into atoms by a function of erlang, and go on when one raises.
-spec many_atoms(list_to_atom | list_to_existing_atom, pos_integer(), pos_integer()) -> ok.
many_atoms(Function, From, To) ->
    lists:foreach(
        fun(I) -> catch erlang:Function("beam_fault_tolerance_atom_" ++ integer_to_list(I)) end, lists:seq(From, To)
    ).

-spec huge_binary(pos_integer()) -> term().
huge_binary(Bytes) ->
    catch byte_size(binary:copy(<<0>>, Bytes)).

%% Let the heap of the caller grow without end.
-spec grow_heap() -> term().
grow_heap() ->
    catch grow([]).

grow(List) ->
    grow([lists:seq(1, 1000) | List]).

%% The exit reason of a process whose heap grows without end, but not beyond so many words.
-spec limited_growth(pos_integer()) -> term().
limited_growth(Words) ->
    Options = [monitor, {max_heap_size, #{size => Words, kill => true, error_logger => false}}],
    {Pid, Ref} = spawn_opt(?MODULE, grow_heap, [], Options),
    receive
        {'DOWN', Ref, process, Pid, Reason} -> Reason
    end.

%% Have native code overwrite a binary that another process holds: what that one has, before and after.
-spec scribbled(module()) -> {binary(), binary()}.
scribbled(Nif) ->
    Holder = probe_lib:subject([]),
    Shared = binary:copy(<<"immutable ">>, 20),
    ok = probe_lib:ask(Holder, fun(_) -> {ok, Shared} end),
    Held = fun() -> probe_lib:ask(Holder, fun(Binary) -> {binary:copy(binary:part(Binary, 0, 9)), Binary} end) end,
    Before = Held(),
    scribbled = Nif:scribble(Shared),
    {Before, Held()}.

-spec catching(module(), atom()) -> term().
catching(Module, Function) ->
    catch Module:Function().

-spec kill_name(atom()) -> true.
kill_name(Name) ->
    exit(whereis(Name), kill).

%% Start an application with this type and have its top supervisor give up: whether that ended the
%% application controller, or it went on without the application.
-spec application_ends(permanent | transient | temporary) -> controller_ended | controller_goes_on.
application_ends(Type) ->
    Specification = {application, ?MODULE, [{mod, {?MODULE, self()}}, {modules, [?MODULE]}, {applications, [kernel, stdlib]}]},
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

%%% Callbacks

%% The application of application_ends/1: a supervisor that gives up at the first crash.
start(_Type, ReportTo) ->
    supervisor:start_link(?MODULE, {supervisor, #{intensity => 0}, [worker(#{id => worker, report_to => ReportTo}, #{})]}).

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
