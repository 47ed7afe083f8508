%% What the probes of beam-ets-internals need of the disk and of a second node: a folder and room
%% in it, DETS files that are filled and reopened, Mnesia on peers that are cut apart. Judges nothing.
-module(beam_ets_internals_disk_lib).

-export([
    with_folder/1,
    need_room/2,
    fill/4,
    answer/1,
    repaired/3,
    closed/2,
    reopened/1,
    with_mnesia/3,
    join_mnesia/3,
    cut/2,
    meet/2,
    watch_mnesia/0,
    mnesia_events/1,
    reported/2,
    stored/3,
    restarted/2,
    running/1,
    write/3,
    read/2,
    read_within/3
]).

-import(beam_ets_internals_lib, [text/1]).

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

%% DETS closes the file of a dead owner in its own time: copy until the copy is a closed one.
closed(Original, Copy) ->
    {ok, _} = file:copy(Original, Copy),
    case objects(Copy, false) of
        {_, _} -> {done, closed};
        Reason -> Reason
    end.

%% The objects in a file, and how many have the key `cached'; or why it does not open.
objects(File, Repair) ->
    case dets:open_file(make_ref(), [{file, File}, {access, access(Repair)}, {repair, Repair}]) of
        {ok, Ref} ->
            Objects = {dets:info(Ref, size), length(dets:lookup(Ref, cached))},
            ok = dets:close(Ref),
            Objects;
        {error, {Reason, _}} ->
            Reason
    end.

reopened(File) ->
    Unrepaired = objects(File, false),
    {Objects, Cached} = objects(File, true),
    #{
        opens_without_repair => is_tuple(Unrepaired),
        refusal => if is_atom(Unrepaired) -> Unrepaired; true -> none end,
        synced_count => Objects - Cached,
        cached_count => Cached
    }.

%% Looking must not change the file; repairing must.
access(false) -> read;
access(true) -> read_write.

%% Insert Object(1), Object(2), ... until the file has so many bytes or an insert is refused.
%% Returns how many were acknowledged, and the refusal.
fill(Ref, Object, MostBytes, Count) ->
    case MostBytes =/= infinity andalso dets:info(Ref, file_size) > MostBytes of
        true ->
            {Count, none};
        false ->
            case answer(dets:insert(Ref, Object(Count + 1))) of
                ok -> fill(Ref, Object, MostBytes, Count + 1);
                enospc -> error({setup, {no_room, enospc}});
                Refusal -> {Count, Refusal}
            end
    end.

answer({error, {file_error, _, Reason}}) -> Reason;
answer({error, {{Reason, _}, _}}) -> Reason;
answer({error, {Reason, _}}) -> Reason;
answer(Objects) when is_list(Objects) -> found;
answer(ok) -> ok.

repaired(File, LargeCount, SmallCount) ->
    case dets:open_file(make_ref(), [{file, File}]) of
        {ok, Ref} ->
            LargeLost = [N || N <- lists:seq(0, LargeCount - 1), not dets:member(Ref, N)],
            Lost = [N || N <- lists:seq(1, SmallCount), not dets:member(Ref, {s, N})],
            ok = dets:close(Ref),
            #{
                repair => ok,
                large_lost_count => length(LargeLost),
                small_lost_count => length(Lost),
                last_lost => Lost =:= lists:seq(SmallCount - length(Lost) + 1, SmallCount)
            };
        {error, _} = Error ->
            answer(Error) =:= enospc andalso error({setup, {no_room, enospc}}),
            #{repair => answer(Error)}
    end.

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

stored(Peer, Node, Kind) ->
    probe_peer:call(Peer, fun() ->
        {atomic, ok} = mnesia:create_table(Kind, [{Kind, [Node]}]),
        lists:foreach(fun(N) -> mnesia:dirty_write({Kind, N, N}) end, lists:seq(1, 1000)),
        dumped = mnesia:dump_log(),
        Kind =:= disc_only_copies andalso dets:sync(Kind),
        Dir = mnesia:system_info(directory),
        File = filename:join(Dir, atom_to_list(Kind) ++ ".DAT"),
        Memory = mnesia:table_info(Kind, memory),
        Ets = ets:info(Kind, memory),
        #{
            memory_per_ets_word_ratio => if is_integer(Ets) -> Memory / Ets; true -> 0 end,
            memory_per_file_byte_ratio =>
                case filelib:file_size(File) of
                    0 -> 0;
                    Bytes -> Memory / Bytes
                end,
            in_ets => is_integer(Ets),
            in_dets => dets:is_dets_file(File) =:= true,
            file_types => [
                list_to_binary(filename:extension(Name))
             || Name <- lists:sort(filelib:wildcard(atom_to_list(Kind) ++ ".*", Dir))
            ]
        }
    end).

%% Stop and start Mnesia on the right side: whose data does it have then?
restarted(Left, Right) ->
    stopped = probe_peer:call(Right, mnesia, stop, []),
    ok = probe_peer:call(Right, mnesia, start, []),
    ok = probe_peer:call(Right, mnesia, wait_for_tables, [[account], 10_000]),
    #{
        left => read(Left, key),
        right => read(Right, key),
        left_only_on_right_count => seen(Right, left_only),
        right_only_on_right_count => seen(Right, right_only),
        right_only_on_left_count => seen(Left, right_only)
    }.

%% The context of the first inconsistent_database event, waited for up to 10 s.
reported(Peer, Watcher) ->
    #{last := Last} = probe_lib:settle(
        fun() ->
            Events = probe_peer:call(Peer, ?MODULE, mnesia_events, [Watcher]),
            case [Context || {inconsistent_database, Context} <- Events] of
                [] -> nothing;
                [Context | _] -> {done, Context}
            end
        end,
        10_000
    ),
    Last.

running(Peer) ->
    length(probe_peer:call(Peer, mnesia, system_info, [running_db_nodes])).

write(Peer, Key, Value) ->
    Fun = fun() -> mnesia:write({account, Key, Value}) end,
    case probe_peer:call(Peer, mnesia, transaction, [Fun]) of
        {atomic, ok} -> atomic;
        {aborted, {Reason, _}} when is_atom(Reason) -> Reason;
        {aborted, Reason} -> text(Reason)
    end.

read(Peer, Key) ->
    case probe_peer:call(Peer, mnesia, dirty_read, [account, Key]) of
        [{account, Key, Value}] -> Value;
        [] -> nothing
    end.

seen(Peer, Key) ->
    length(probe_peer:call(Peer, mnesia, dirty_read, [account, Key])).

%% What Peer reads when something has come, waited for up to Ms: a committed transaction reaches
%% the other nodes a moment later.
-spec read_within(probe_peer:peer(), term(), pos_integer()) -> term().
read_within(Peer, Key, Ms) ->
    #{last := Last} = probe_lib:settle(
        fun() ->
            case read(Peer, Key) of
                nothing -> nothing;
                Value -> {done, Value}
            end
        end,
        Ms
    ),
    Last.
