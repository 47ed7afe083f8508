%% What the probes of beam-ets-internals share: tables that clean up after themselves, what a call
%% costs its caller, and the load that writers put on a table. Judges nothing.
-module(beam_ets_internals_lib).

-export([
    with_table/2,
    filled/2,
    words/1,
    per_object_words/2,
    vm_bytes/1,
    reductions/1,
    peak_heap_words/1,
    best_of_us/3,
    series_exponent/3,
    walk_count/1,
    drain/3,
    writers/4,
    outcome/1,
    text/1,
    with_mnesia/3,
    watch_mnesia/0,
    mnesia_events/1,
    join_mnesia/3,
    cut/2,
    meet/2,
    with_folder/1,
    need_room/2
]).

-export_type([table_options/0]).

-type table_options() :: [atom() | tuple()].

%% A public, unnamed table for the time of Fun.
-spec with_table(table_options(), fun((ets:table()) -> Value)) -> Value.
with_table(Options, Fun) ->
    Table = ets:new(probe_subject, [public | Options]),
    try
        Fun(Table)
    after
        catch ets:delete(Table)
    end.

%% Put {1, Value} .. {Count, Value} into the table.
-spec filled(ets:table(), [tuple()]) -> ets:table().
filled(Table, Objects) ->
    true = ets:insert(Table, Objects),
    Table.

-spec words(ets:table()) -> non_neg_integer().
words(Table) ->
    ets:info(Table, memory).

%% Words by which ets:info(T, memory) grows when one object enters an empty table.
-spec per_object_words(table_options(), tuple()) -> integer().
per_object_words(Options, Object) ->
    with_table(Options, fun(Table) ->
        Empty = words(Table),
        words(filled(Table, [Object])) - Empty
    end).

%% The VM's own figure, when it has come to rest: what other schedulers free arrives later.
-spec vm_bytes(ets | binary) -> non_neg_integer().
vm_bytes(Kind) ->
    vm_bytes(Kind, erlang:memory(Kind), 50).

vm_bytes(_, Bytes, 0) ->
    Bytes;
vm_bytes(Kind, Bytes, Rounds) ->
    timer:sleep(2),
    case erlang:memory(Kind) of
        Bytes -> Bytes;
        Other -> vm_bytes(Kind, Other, Rounds - 1)
    end.

%% Reductions that the calling process pays for Fun, in a process of its own.
-spec reductions(fun(() -> term())) -> non_neg_integer().
reductions(Fun) ->
    probe_lib:in_process(fun() ->
        {reductions, Before} = process_info(self(), reductions),
        _ = Fun(),
        {reductions, After} = process_info(self(), reductions),
        After - Before
    end).

%% Words of heap that a fresh process holds right after Fun, whose value it keeps; an observer
%% asks while the process waits.
-spec peak_heap_words(fun(() -> term())) -> non_neg_integer().
peak_heap_words(Fun) ->
    probe_lib:with_process([], fun(Subject) ->
        probe_lib:ask(Subject, fun(_) -> {ok, Fun()} end),
        {total_heap_size, Words} = process_info(Subject, total_heap_size),
        Words
    end).

%% Microseconds of one call of Fun: the best of Rounds rounds of Calls calls each.
-spec best_of_us(pos_integer(), pos_integer(), fun((pos_integer()) -> term())) -> float().
best_of_us(Rounds, Calls, Fun) ->
    Numbers = lists:seq(1, Calls),
    probe_lib:best_us(Rounds, fun() -> lists:foreach(Fun, Numbers) end) / Calls.

%% The growth exponent of YKey over XKey in a series of maps.
-spec series_exponent(atom(), atom(), [map()]) -> float().
series_exponent(XKey, YKey, Series) ->
    probe_lib:growth_exponent([
        {maps:get(XKey, Point), max(1, maps:get(YKey, Point))}
     || Point <- Series
    ]).

%% Visit every key with first/1 and next/2.
-spec walk_count(ets:table()) -> non_neg_integer().
walk_count(Table) ->
    walk_count(Table, ets:first(Table), 0).

walk_count(_, '$end_of_table', Count) ->
    Count;
walk_count(Table, Key, Count) ->
    walk_count(Table, ets:next(Table, Key), Count + 1).

%% Follow continuations to the end; Between is called before each with the number of chunks so
%% far. Returns the chunks, the last first.
-spec drain(Answer, fun((pos_integer()) -> term()), [list()]) -> [list()] when
    Answer :: '$end_of_table' | {list(), term()}.
drain('$end_of_table', _, Chunks) ->
    Chunks;
drain({Chunk, Continuation}, Between, Chunks) ->
    Between(length(Chunks) + 1),
    drain(ets:select(Continuation), Between, [Chunk | Chunks]).

%% Writers processes insert and delete random keys below 200,000 for Ms milliseconds. Returns
%% operations per millisecond and the most base nodes (a tree that adapts) seen meanwhile.
-spec writers(ets:table(), pos_integer(), pos_integer(), [pos_integer()]) ->
    #{operations_per_ms := float(), base_nodes_count := non_neg_integer()}.
writers(Table, Writers, Ms, Seeds) ->
    Stop = atomics:new(1, []),
    Self = self(),
    Started = erlang:monotonic_time(),
    Running = [
        spawn_monitor(fun() ->
            rand:seed(exsss, {Seed, 2, 3}),
            Self ! {self(), write(Table, Stop, 0)}
        end)
     || Seed <- lists:sublist(Seeds, Writers)
    ],
    BaseNodes = watch(Table, erlang:monotonic_time(millisecond) + Ms, 0),
    atomics:put(Stop, 1, 1),
    Counts = [finished(Pid, Ref) || {Pid, Ref} <- Running],
    Took = erlang:convert_time_unit(erlang:monotonic_time() - Started, native, microsecond),
    #{operations_per_ms => lists:sum(Counts) * 1000 / Took, base_nodes_count => BaseNodes}.

write(Table, Stop, Count) ->
    case atomics:get(Stop, 1) of
        1 ->
            Count;
        0 ->
            lists:foreach(
                fun(_) ->
                    Key = rand:uniform(200_000),
                    ets:insert(Table, {Key, 1}),
                    ets:delete(Table, Key + 1)
                end,
                lists:seq(1, 50)
            ),
            write(Table, Stop, Count + 100)
    end.

%% `stats' of an ordered_set with write_concurrency is {RouteNodes, BaseNodes, Depth}; of other
%% tables it is something else.
watch(Table, Deadline, Most) ->
    Now = erlang:monotonic_time(millisecond),
    timer:sleep(5),
    case ets:info(Table, stats) of
        {_, BaseNodes, _} when Now < Deadline -> watch(Table, Deadline, max(Most, BaseNodes));
        _ when Now < Deadline -> watch(Table, Deadline, Most);
        _ -> Most
    end.

finished(Pid, Ref) ->
    receive
        {Pid, Count} ->
            receive
                {'DOWN', Ref, process, Pid, _} -> Count
            end
    after 30_000 -> error({setup, writer_stuck})
    end.

%% What a call answered or raised, as text: terms of any shape fit into the evidence.
-spec outcome(fun(() -> term())) -> binary().
outcome(Fun) ->
    try
        text(Fun())
    catch
        Class:{Reason, _} when is_atom(Reason) -> text({Class, Reason});
        Class:Reason -> text({Class, Reason})
    end.

-spec text(term()) -> binary().
text(Term) ->
    unicode:characters_to_binary(io_lib:format("~0tp", [Term])).

%% Peers with Mnesia loaded, distributed without epmd: each listens on the same free port of a
%% loopback address of its own, and none connects by itself. Fun gets {Peer, Node} of each.
-spec with_mnesia(
    pos_integer(), [string()], fun(([{probe_peer:peer(), node()}]) -> Value)
) -> Value.
with_mnesia(Count, Flags, Fun) ->
    code:which(mnesia) =:= non_existing andalso error({setup, no_mnesia}),
    {ok, Socket} = gen_tcp:listen(0, [{ip, {127, 0, 0, 1}}]),
    {ok, Port} = inet:port(Socket),
    ok = gen_tcp:close(Socket),
    Addresses = lists:sublist(["127.0.0.1", "127.0.0.2"], Count),
    with_mnesia(Addresses, Port, Flags, Fun, []).

with_mnesia([], _, _, Fun, Peers) ->
    Fun(lists:reverse(Peers));
with_mnesia([Address | Rest], Port, Flags, Fun, Peers) ->
    Own = [
        "-name", "mnesia@" ++ Address, "-setcookie", "beamproof", "-start_epmd", "false",
        "-erl_epmd_port", integer_to_list(Port), "-kernel", "dist_auto_connect", "never",
        "-kernel", "inet_dist_use_interface", "{" ++ commas(Address) ++ "}"
    ],
    probe_peer:with(#{flags => Own ++ Flags, timeout_ms => 30_000}, fun(Peer) ->
        Node = probe_peer:call(Peer, erlang, node, []),
        Dir = filename:join(probe_peer:scratch(Peer), "mnesia"),
        ok = probe_peer:call(Peer, application, set_env, [mnesia, dir, Dir]),
        %% Calling a module loads it there: the caller's funs are to run on the peer.
        {module, Module} = erlang:fun_info(Fun, module),
        Module = probe_peer:call(Peer, Module, module_info, [module]),
        with_mnesia(Rest, Port, Flags, Fun, [{Peer, Node} | Peers])
    end).

commas(Address) ->
    lists:append(string:replace(Address, ".", ",", all)).

%% One schema on the disks of all peers, Mnesia running on all, and a table `account' with Options
%% that all have on disk. Runs in the caller, calls the peers.
-spec join_mnesia([{probe_peer:peer(), node()}], list(), pos_integer()) -> ok.
join_mnesia([{First, FirstNode} | Others] = Peers, Options, Ms) ->
    Nodes = [Node || {_, Node} <- Peers],
    lists:foreach(fun({_, Node}) -> meet(First, Node) end, Others),
    ok = probe_peer:call(First, mnesia, create_schema, [Nodes]),
    lists:foreach(fun({Peer, _}) -> ok = probe_peer:call(Peer, mnesia, start, []) end, Peers),
    true = probe_peer:call(First, lists, member, [FirstNode, Nodes]),
    settled(First, mnesia, system_info, [running_db_nodes], fun(Up) -> length(Up) =:= length(Nodes) end),
    {atomic, ok} = probe_peer:call(First, mnesia, create_table, [
        account, [{disc_copies, Nodes}, {attributes, [key, value]} | Options]
    ]),
    lists:foreach(
        fun({Peer, _}) -> ok = probe_peer:call(Peer, mnesia, wait_for_tables, [[account], Ms]) end, Peers
    ).

settled(Peer, M, F, Args, Done) ->
    #{settled := Settled, last := Last} = probe_lib:settle(
        fun() ->
            Value = probe_peer:call(Peer, M, F, Args),
            case Done(Value) of
                true -> {done, Value};
                false -> Value
            end
        end,
        10_000
    ),
    Settled orelse error({setup, {never, {M, F, Args}, Last}}),
    Last.

%% Connect, and cut the connection again, as a network would: both sides lose it.
-spec meet(probe_peer:peer(), node()) -> true.
meet(Peer, Node) ->
    true = probe_peer:call(Peer, net_kernel, connect_node, [Node]).

-spec cut([{probe_peer:peer(), node()}], pos_integer()) -> ok.
cut([{One, _}, {_, OtherNode}] = Peers, _Ms) ->
    true = probe_peer:call(One, erlang, disconnect_node, [OtherNode]),
    lists:foreach(
        fun({Peer, Node}) ->
            settled(Peer, mnesia, system_info, [running_db_nodes], fun(Up) -> Up =:= [Node] end)
        end,
        Peers
    ).

%% On a peer: a process that keeps Mnesia's system events, for mnesia_events/1.
-spec watch_mnesia() -> pid().
watch_mnesia() ->
    Self = self(),
    Pid = spawn(fun() ->
        {ok, _} = mnesia:subscribe(system),
        Self ! {self(), subscribed},
        keep_events([])
    end),
    receive
        {Pid, subscribed} -> Pid
    after 10_000 -> error({setup, not_subscribed})
    end.

keep_events(Events) ->
    receive
        {mnesia_system_event, Event} ->
            keep_events([Event | Events]);
        {events, From} ->
            From ! {self(), lists:reverse(Events)},
            keep_events(Events)
    end.

%% On the same peer: the events so far, each {What, ...} as its name and context.
-spec mnesia_events(pid()) -> [{atom(), term()}].
mnesia_events(Pid) ->
    Pid ! {events, self()},
    receive
        {Pid, Events} -> [{element(1, Event), element(2, Event)} || Event <- Events]
    after 10_000 -> error({setup, no_events})
    end.

%% A folder of its own below the scratch folder, removed with all files in it.
-spec with_folder(fun((file:filename()) -> Value)) -> Value.
with_folder(Fun) ->
    Scratch = os:getenv("TMPDIR", "/tmp"),
    Unique = os:getpid() ++ "-" ++ integer_to_list(erlang:unique_integer([positive])),
    Folder = filename:join(Scratch, "beamproof-" ++ Unique),
    ok = file:make_dir(Folder),
    try
        Fun(Folder)
    after
        {ok, Names} = file:list_dir(Folder),
        lists:foreach(fun(Name) -> file:delete(filename:join(Folder, Name)) end, Names),
        file:del_dir(Folder)
    end.

%% Raise {setup, {no_room, ...}} where the file system of Folder says that it has less than Bytes
%% free. One that does not say is taken at its word when it is full.
-spec need_room(file:filename(), pos_integer()) -> ok.
need_room(Folder, Bytes) ->
    Lines = string:lexemes(os:cmd("df -Pk " ++ Folder ++ " 2>/dev/null"), "\n"),
    case [string:lexemes(Line, " ") || Line <- Lines] of
        [_, [_, _, _, Free | _]] ->
            FreeBytes = list_to_integer(Free) * 1024,
            FreeBytes >= Bytes orelse
                error({setup, {no_room, #{free_bytes => FreeBytes, needed_bytes => Bytes}}}),
            ok;
        _ ->
            ok
    end.
