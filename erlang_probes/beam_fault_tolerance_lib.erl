%% What the fault-tolerance probes share: waiting for the end of a process, the log that a crash
%% writes, text. Knows nothing of any claim.
-module(beam_fault_tolerance_lib).

-export([
    watched/1,
    watched_proc_lib/1,
    mailbox/1,
    gone/1,
    with_log/1,
    divert/2,
    scratch/0,
    text/1,
    reason/1
]).

-define(DEADLINE_MS, 5000).

%% Spawn Body with a monitor and wait for its end: the reason of its exit.
-spec watched(fun(() -> term())) -> term().
watched(Body) ->
    {Pid, Ref} = spawn_monitor(Body),
    receive
        {'DOWN', Ref, process, Pid, Reason} -> Reason
    after ?DEADLINE_MS -> error({setup, {still_alive, Pid}})
    end.

%% As watched/1, of a process that proc_lib starts.
-spec watched_proc_lib(fun(() -> term())) -> term().
watched_proc_lib(Body) ->
    Pid = proc_lib:spawn(fun() -> receive go -> Body() end end),
    Ref = erlang:monitor(process, Pid),
    Pid ! go,
    receive
        {'DOWN', Ref, process, Pid, Reason} -> Reason
    after ?DEADLINE_MS -> error({setup, {still_alive, Pid}})
    end.

%% The messages that wait for a process.
-spec mailbox(pid()) -> [term()].
mailbox(Pid) ->
    {messages, Messages} = process_info(Pid, messages),
    Messages.

%% Wait for the end of a process: the reason of its exit.
-spec gone(pid()) -> term().
gone(Pid) ->
    Ref = erlang:monitor(process, Pid),
    receive
        {'DOWN', Ref, process, Pid, Reason} -> Reason
    after ?DEADLINE_MS -> error({setup, {still_alive, Pid}})
    end.

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

%% Errors of plain processes reach the filter through a process of logger's: when the event of a
%% last process that fails is there, all before it are.
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
