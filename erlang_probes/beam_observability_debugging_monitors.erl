%% What erlang:system_monitor/2 reports, for a VM of its own: it has one owner for the whole VM.
%% Knows nothing of any claim.
-module(beam_observability_debugging_monitors).

-export([accepted/0, owners/0, memory_events/0, long_schedule/0, queue/0, in_sessions/0]).
-export([busy_port/0, flooded/1]).

-define(DEADLINE_MS, 10_000).
-define(LARGE_WORDS, 50_000).
%% No collection and no turn takes so long.
-define(NEVER_MS, 60_000).

%% Which options are taken, and as what; undefined means no monitor at all.
-spec accepted() -> probe_lib:evidence().
accepted() ->
    Options = #{
        long_gc => {long_gc, 50},
        long_schedule => {long_schedule, 50},
        large_heap => {large_heap, ?LARGE_WORDS},
        busy_port => busy_port,
        busy_dist_port => busy_dist_port,
        long_message_queue => {long_message_queue, {10, 100}},
        other => {long_sleep, 50}
    },
    maps:map(
        fun(_, Option) ->
            probe_capture:outcome(fun() ->
                undefined = erlang:system_monitor(self(), [Option]),
                {_, [Taken]} = erlang:system_monitor(undefined),
                Taken =:= Option
            end)
        end,
        Options
    ).

%% Two processes ask for the monitor, one after the other; then the second one ends.
-spec owners() -> probe_lib:evidence().
owners() ->
    with_two(fun(First, Second) ->
        Option = [{large_heap, ?LARGE_WORDS}],
        One = named(erlang:system_monitor(First, Option), First),
        Early = heard_of_heap(First, Second),
        Two = named(erlang:system_monitor(Second, Option), First),
        Late = heard_of_heap(First, Second),
        killed = probe_lib:kill_and_wait(Second),
        Gone = probe_lib:until(fun() -> erlang:system_monitor() =:= undefined end, ?DEADLINE_MS),
        #{first_answer => One, alone => Early, second_answer => Two, replaced => Late,
          gone_with_owner => Gone}
    end).

named(undefined, _) -> undefined;
named({First, _}, First) -> first;
named({_, _}, _) -> other.

%% How many events of one process with a large heap both hear, once whoever hears them has heard all:
%% events come in their order, and one of another process is the last.
heard_of_heap(First, Second) ->
    Pids = [Pid, Last] = [grown(100_000), grown(100_000)],
    probe_lib:await(fun() -> lists:any(fun(P) -> of_pid(P, Last) > 0 end, [First, Second]) end, ?DEADLINE_MS),
    Heard = #{first_count => of_pid(First, Pid), second_count => of_pid(Second, Pid)},
    _ = probe_lib:kill_all(Pids),
    Heard.

%% How many events of a process or port an owner has heard of.
of_pid(Owner, Pid) ->
    length(events(Owner, Pid)).

%% Heaps and collections above a limit and below it.
-spec memory_events() -> probe_lib:evidence().
memory_events() ->
    #{
        large_heap => watched(large_heap, ?LARGE_WORDS, fun() -> grown(100_000) end),
        small_heap => watched(large_heap, ?LARGE_WORDS, fun() -> grown(100) end),
        long_gc => watched(long_gc, 1, fun() -> grown(3_000_000) end),
        short_gc => watched(long_gc, ?NEVER_MS, fun() -> grown(3_000_000) end)
    }.

%% A turn in which one call fills a large tuple, against a limit that it passes and one that it
%% cannot.
-spec long_schedule() -> probe_lib:evidence().
long_schedule() ->
    Fill = fun() -> filler(5_000_000, 10) end,
    #{
        long => watched(long_schedule, 1, Fill),
        short => watched(long_schedule, ?NEVER_MS, Fill)
    }.

%% What the owner hears of the process that Make starts, of this kind of event: that kind, the keys of
%% the events, and the most that they say. Large heaps are watched in any case: events come in their
%% order, and that of another process with a large heap is the last.
watched(Kind, Limit, Make) ->
    probe_lib:with_process([], fun(Owner) ->
        Options = lists:keystore(Kind, 1, [{large_heap, ?LARGE_WORDS}], {Kind, Limit}),
        _ = erlang:system_monitor(Owner, Options),
        Pid = Make(),
        Last = grown(100_000),
        probe_lib:await(fun() -> of_pid(Owner, Last) > 0 end, ?DEADLINE_MS),
        Words = probe_measure:total_heap_words(Pid),
        Events = [Event || {Which, _} = Event <- events(Owner, Pid), Which =:= Kind],
        _ = erlang:system_monitor(undefined),
        _ = probe_lib:kill_all([Pid, Last]),
        Said = lists:append([Info || {_, Info} <- Events]),
        #{
            heap_words => Words,
            kinds => lists:usort([Which || {Which, _} <- Events]),
            keys => lists:usort([Key || {Key, _} <- Said]),
            longest_ms => lists:max([0 | [Ms || {timeout, Ms} <- Said]]),
            largest_words => lists:max([0 | [heap_words(Info) || {_, Info} <- Events]])
        }
    end).

heap_words(Info) ->
    proplists:get_value(heap_block_size, Info, 0) + proplists:get_value(old_heap_block_size, Info, 0).

%% A process that keeps a list of so many integers and has been collected fully.
grown(Count) ->
    working(fun() ->
        List = lists:seq(1, Count),
        true = erlang:garbage_collect(),
        List
    end).

filler(Size, Times) ->
    working(fun() -> [tuple_size(erlang:make_tuple(Size, 0)) || _ <- lists:seq(1, Times)] end).

%% A process that has done something, keeps it and has been scheduled out since.
working(Work) ->
    Self = self(),
    Pid = spawn(fun() ->
        Kept = Work(),
        Self ! {done, self()},
        receive
            never -> Kept
        end
    end),
    receive
        {done, Pid} -> ok
    after 3 * ?DEADLINE_MS -> error({setup, not_done})
    end,
    probe_lib:await(fun() -> process_info(Pid, status) =:= {status, waiting} end, ?DEADLINE_MS),
    Pid.

%% What an owner, a subject without another state, has heard of a process so far; it keeps all.
events(Owner, Of) ->
    All = probe_lib:ask(Owner, fun(Old) ->
        New = heard(Old) ++ drain(),
        {New, New}
    end),
    [{Kind, info(Info)} || {monitor, Who, Kind, Info} <- All, Who =:= Of].

heard(undefined) -> [];
heard(Events) -> Events.

info(Info) when is_list(Info) -> Info;
info(Other) -> [{what, Other}].

drain() ->
    receive
        Message -> [Message | drain()]
    after 0 -> []
    end.

%% A mailbox that grows past a limit and shrinks below another, where the release knows such events.
-spec queue() -> probe_lib:evidence().
queue() ->
    Owner = probe_lib:subject([]),
    case probe_capture:outcome(fun() ->
        erlang:system_monitor(Owner, [{long_message_queue, {10, 100}}, {large_heap, ?LARGE_WORDS}])
    end) of
        <<"undefined">> ->
            probe_lib:with_process([], fun(Pid) ->
                #{
                    taken => true,
                    below => after_letters(50, Owner, Pid),
                    above => after_letters(100, Owner, Pid),
                    drained => taken_out(Owner, Pid)
                }
            end);
        Refused ->
            #{taken => Refused}
    end.

%% How many letters wait once so many more have been sent and looked through, and all that the owner
%% has heard then.
after_letters(Count, Owner, Pid) ->
    [Pid ! letter || _ <- lists:seq(1, Count)],
    ok = probe_lib:ask(Pid, fun(State) -> {ok, State} end),
    {message_queue_len, Waiting} = process_info(Pid, message_queue_len),
    #{waiting_count => Waiting, events => queue_events(Owner, Pid)}.

taken_out(Owner, Pid) ->
    Taken = probe_lib:ask(Pid, fun(State) -> {length(drain()), State} end),
    ok = probe_lib:ask(Pid, fun(State) -> {ok, State} end),
    #{taken_count => Taken, events => queue_events(Owner, Pid)}.

%% Events come in their order, and one of another process with a large heap is the last.
queue_events(Owner, Pid) ->
    Last = grown(100_000),
    probe_lib:await(fun() -> of_pid(Owner, Last) > 0 end, ?DEADLINE_MS),
    _ = probe_lib:kill_and_wait(Last),
    [What || {long_message_queue, [{what, What}]} <- events(Owner, Pid)].

%% Two sessions and the old interface hear of the same large heap, where sessions can.
-spec in_sessions() -> probe_lib:evidence().
in_sessions() ->
    Known = code:ensure_loaded(trace) =:= {module, trace},
    case Known andalso erlang:function_exported(trace, system, 3) of
        false ->
            #{exported => false};
        true ->
            with_two(fun(First, Second) ->
                probe_lib:with_process([], fun(Old) ->
                    Sessions = [apply(trace, session_create, [probe, P, []]) || P <- [First, Second]],
                    [apply(trace, system, [S, large_heap, ?LARGE_WORDS]) || S <- Sessions],
                    _ = erlang:system_monitor(Old, [{large_heap, ?LARGE_WORDS}]),
                    Pid = grown(100_000),
                    Owners = [First, Second, Old],
                    _ = probe_lib:until(
                        fun() -> lists:all(fun(Owner) -> of_pid(Owner, Pid) > 0 end, Owners) end,
                        ?DEADLINE_MS
                    ),
                    Counts = [of_pid(Owner, Pid) || Owner <- Owners],
                    _ = erlang:system_monitor(undefined),
                    [true = apply(trace, session_destroy, [S]) || S <- Sessions],
                    #{exported => true, event_counts => Counts}
                end)
            end)
    end.

%% A process writes to a program that does not read.
-spec busy_port() -> probe_lib:evidence().
busy_port() ->
    probe_lib:with_process([], fun(Owner) ->
        undefined = erlang:system_monitor(Owner, [busy_port]),
        Self = self(),
        Writer = spawn(fun() ->
            Port = open_port({spawn, "sleep 60"}, [binary]),
            Self ! {port, self(), Port},
            write(Port, 0)
        end),
        Port = receive {port, Writer, Opened} -> Opened after ?DEADLINE_MS -> error({setup, no_port}) end,
        Heard = probe_lib:settle(
            fun() ->
                case events(Owner, Writer) of
                    [{Kind, [{what, Which}]} | _] -> {done, {Kind, Which =:= Port}};
                    [] -> none
                end
            end,
            ?DEADLINE_MS
        ),
        Status = held_up(Writer),
        {os_pid, OsPid} = erlang:port_info(Port, os_pid),
        _ = os:cmd("kill -KILL " ++ integer_to_list(OsPid)),
        _ = probe_lib:kill_and_wait(Writer),
        _ = erlang:system_monitor(undefined),
        {Kind, SamePort} = case Heard of #{last := {K, S}} -> {K, S}; _ -> {none, false} end,
        #{kind => Kind, port_named => SamePort, writer_status => Status}
    end).

%% The status of a process once it is suspended, or what it is in its place: it may be let go again
%% for a moment when the system takes some more.
held_up(Pid) ->
    #{last := Status} = probe_lib:settle(
        fun() ->
            case process_info(Pid, status) of
                {status, suspended} -> {done, suspended};
                {status, Other} -> Other
            end
        end,
        ?DEADLINE_MS
    ),
    Status.

write(Port, Count) when Count < 1_000 ->
    true = port_command(Port, binary:copy(<<"x">>, 10_000)),
    write(Port, Count + 1);
write(_, _) ->
    receive
        never -> ok
    end.

%% Send a node that does not read more and more, until the owner hears of it.
-spec flooded(node()) -> probe_lib:evidence().
flooded(Node) ->
    probe_lib:with_process([], fun(Owner) ->
        undefined = erlang:system_monitor(Owner, [busy_dist_port]),
        Sender = spawn(fun() -> flood({probe_nobody, Node}, binary:copy(<<"x">>, 100_000), 0) end),
        Heard = probe_lib:settle(
            fun() ->
                case events(Owner, Sender) of
                    [{Kind, [{what, Which}]} | _] -> {done, {Kind, is_port(Which) orelse is_pid(Which)}};
                    [] -> none
                end
            end,
            ?DEADLINE_MS
        ),
        Status = held_up(Sender),
        exit(Sender, kill),
        _ = erlang:system_monitor(undefined),
        {Kind, Named} = case Heard of #{last := {K, N}} -> {K, N}; _ -> {none, false} end,
        #{kind => Kind, channel_named => Named, sender_status => Status}
    end).

flood(To, Binary, Count) when Count < 2_000 ->
    To ! Binary,
    flood(To, Binary, Count + 1);
flood(_, _, _) ->
    receive
        never -> ok
    end.

with_two(Fun) ->
    First = probe_lib:subject([]),
    Second = probe_lib:subject([]),
    try
        Fun(First, Second)
    after
        _ = erlang:system_monitor(undefined),
        probe_lib:kill_all([First, Second])
    end.
