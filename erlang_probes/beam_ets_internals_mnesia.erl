%% Mnesia on peers that are joined, cut apart, and meet again.
%% Knows Mnesia and peers; knows nothing of any claim, and never judges.
-module(beam_ets_internals_mnesia).

-export([
    with_nodes/2,
    join/3,
    cut/1,
    meet/2,
    stored/3,
    restarted/2,
    running/1,
    write/3,
    write/4,
    read/2,
    read_within/3,
    value/1,
    reported/2,
    met/3,
    fill/3,
    dirty/3
]).
%% Called on a peer.
-export([watch/0, events/1, fill_some/4, write_large/2]).

-export_type([peer/0]).

-type peer() :: {probe_peer:peer(), node()}.

%% Nodes that have Mnesia and folders of their own for it; none connects by itself. Fun gets
%% {Peer, Node} of each, and its module is loaded there.
-spec with_nodes(1..2, fun(([peer()]) -> Value)) -> Value.
with_nodes(Count, Fun) ->
    code:which(mnesia) =:= non_existing andalso error({setup, no_mnesia}),
    {module, Module} = erlang:fun_info(Fun, module),
    Names = lists:sublist([left, right], Count),
    Spec = #{nodes => Names, flags => ["-kernel", "dist_auto_connect", "never"]},
    probe_cluster:with(Spec, fun(Cluster) ->
        Peers = [{probe_cluster:peer(Cluster, Name), probe_cluster:name(Cluster, Name)} || Name <- Names],
        lists:foreach(
            fun({Peer, _}) ->
                ok = probe_peer:load(Peer, [Module]),
                Dir = filename:join(probe_peer:scratch(Peer), "mnesia"),
                ok = probe_peer:call(Peer, application, set_env, [mnesia, dir, Dir])
            end,
            Peers
        ),
        Fun(Peers)
    end).

%% One schema on the disks of all peers, Mnesia running on all, and a table `account' with Options
%% that all have on disk. Runs in the caller, calls the peers.
-spec join([peer()], list(), pos_integer()) -> ok.
join([{First, _} | Others] = Peers, Options, Ms) ->
    Nodes = [Node || {_, Node} <- Peers],
    lists:foreach(fun({_, Node}) -> meet(First, Node) end, Others),
    ok = probe_peer:call(First, mnesia, create_schema, [Nodes]),
    lists:foreach(fun({Peer, _}) -> ok = probe_peer:call(Peer, mnesia, start, []) end, Peers),
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

%% Connect two nodes that do not do so by themselves.
-spec meet(probe_peer:peer(), node()) -> true.
meet(Peer, Node) ->
    true = probe_peer:call(Peer, net_kernel, connect_node, [Node]).

%% End the connection, as a network would: both sides lose it, and go on when Mnesia knows.
-spec cut([peer()]) -> ok.
cut([{One, _}, {_, OtherNode}] = Peers) ->
    true = probe_peer:call(One, erlang, disconnect_node, [OtherNode]),
    lists:foreach(
        fun({Peer, Node}) ->
            settled(Peer, mnesia, system_info, [running_db_nodes], fun(Up) -> Up =:= [Node] end)
        end,
        Peers
    ).

%% On a peer: a process that keeps Mnesia's system events, for events/1.
-spec watch() -> pid().
watch() ->
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
-spec events(pid()) -> [{atom(), term()}].
events(Pid) ->
    Pid ! {events, self()},
    receive
        {Pid, Events} -> [{element(1, Event), element(2, Event)} || Event <- Events]
    after 10_000 -> error({setup, no_events})
    end.

%% A table of Kind with 1000 records on one node: its memory, and where it lies.
-spec stored(probe_peer:peer(), node(), atom()) -> probe_lib:evidence().
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
-spec restarted(probe_peer:peer(), probe_peer:peer()) -> probe_lib:evidence().
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
-spec reported(probe_peer:peer(), pid()) -> term().
reported(Peer, Watcher) ->
    #{last := Last} = probe_lib:settle(
        fun() ->
            Events = probe_peer:call(Peer, ?MODULE, events, [Watcher]),
            case [Context || {inconsistent_database, Context} <- Events] of
                [] -> nothing;
                [Context | _] -> {done, Context}
            end
        end,
        10_000
    ),
    Last.

%% How many nodes this one counts as running, itself included.
-spec running(probe_peer:peer()) -> non_neg_integer().
running(Peer) ->
    length(probe_peer:call(Peer, mnesia, system_info, [running_db_nodes])).

%% Write to the table `account' by transaction: `atomic', or why it was aborted.
-spec write(probe_peer:peer(), term(), term()) -> atom() | binary().
write(Peer, Key, Value) ->
    write(Peer, account, Key, Value).

-spec write(probe_peer:peer(), atom(), term(), term()) -> atom() | binary().
write(Peer, Table, Key, Value) ->
    Fun = fun() -> mnesia:write({Table, Key, Value}) end,
    case probe_peer:call(Peer, mnesia, transaction, [Fun]) of
        {atomic, ok} -> atomic;
        {aborted, {Reason, _}} when is_atom(Reason) -> Reason;
        {aborted, Reason} -> probe_capture:text(Reason)
    end.

-spec read(probe_peer:peer(), term()) -> term() | nothing.
read(Peer, Key) ->
    case probe_peer:call(Peer, mnesia, dirty_read, [account, Key]) of
        [{account, Key, Value}] -> Value;
        [] -> nothing
    end.

seen(Peer, Key) ->
    length(probe_peer:call(Peer, mnesia, dirty_read, [account, Key])).

%% What Peer reads when something has come, waited for up to Ms: a committed transaction reaches
%% the other nodes a moment later.
-spec read_within(probe_peer:peer(), term(), pos_integer()) -> probe_lib:settled().
read_within(Peer, Key, Ms) ->
    probe_lib:settle(
        fun() ->
            case read(Peer, Key) of
                nothing -> nothing;
                Value -> {done, Value}
            end
        end,
        Ms
    ).

-spec value(probe_lib:settled()) -> term().
value(#{last := Last}) ->
    Last.

%% After the nodes met and reported: what each reads, and whether a later write arrives.
-spec met(probe_peer:peer(), probe_peer:peer(), [term()]) -> probe_lib:evidence().
met(Left, Right, [LeftReports, RightReports]) ->
    Write = write(Left, later, written),
    #{last := Later, waited_ms := Listened} = read_within(Right, later, 1000),
    #{
        left_reports => LeftReports,
        right_reports => RightReports,
        left => read(Left, key),
        right => read(Right, key),
        write => Write,
        later_on_left => read(Left, later),
        later_on_right => Later,
        listened_ms => Listened,
        left_running_count => running(Left),
        right_only_on_right_count => seen(Right, right_only),
        left_only_on_right_count => seen(Right, left_only)
    }.

%% Put objects of 1 MB into the DETS file of a table until it has so many bytes; returns how many.
-spec fill(probe_peer:peer(), atom(), pos_integer()) -> non_neg_integer().
fill(Peer, Table, MostBytes) ->
    fill(Peer, Table, MostBytes, 0).

fill(Peer, Table, MostBytes, Count) ->
    case probe_peer:call(Peer, ?MODULE, fill_some, [Table, MostBytes, Count, Count + 100]) of
        {full, Filled} -> Filled;
        {more, Filled} -> fill(Peer, Table, MostBytes, Filled)
    end.

%% On a peer: the objects from Count up to Limit, so that no call takes long.
-spec fill_some(atom(), pos_integer(), non_neg_integer(), pos_integer()) ->
    {full | more, non_neg_integer()}.
fill_some(_, _, Limit, Limit) ->
    {more, Limit};
fill_some(Table, MostBytes, Count, Limit) ->
    case dets:info(Table, file_size) > MostBytes of
        true ->
            ok = dets:sync(Table),
            {full, Count};
        false ->
            ok = dets:insert(Table, {Table, Count, large()}),
            fill_some(Table, MostBytes, Count + 1, Limit)
    end.

%% On a peer: write 1 MB by transaction.
-spec write_large(atom(), term()) -> {atomic, ok} | {aborted, term()}.
write_large(Table, Key) ->
    mnesia:transaction(fun() -> mnesia:write({Table, Key, large()}) end).

large() ->
    binary:copy(<<0>>, 1_000_000).

%% What a dirty call of mnesia answers, in a word.
-spec dirty(probe_peer:peer(), atom(), [term()]) -> atom().
dirty(Peer, Function, Args) ->
    beam_ets_internals_dets:answer(probe_peer:call(Peer, mnesia, Function, Args)).
