%% A module for the connections of nodes, as -proto_dist names one: it counts what it is asked, and hands
%% all of it on to inet_tcp_dist. And nodes that are started with it.
%% Knows what net_kernel asks such a module; knows nothing of any claim, and never judges.
-module(beam_distribution_internals_proto_dist).

%% What net_kernel calls.
-export([childspecs/0, listen/1, listen/2, address/0, accept/1, accept_connection/5, setup/5, close/1, select/1]).
-export([setopts/2, getopts/2]).
%% For the probe.
-export([flags/0, ping/1, start/1, asked/0]).

-ignore_xref([{childspecs, 0}, {listen, 1}, {listen, 2}, {address, 0}, {accept, 1}, {accept_connection, 5}]).
-ignore_xref([{setup, 5}, {close, 1}, {select, 1}, {setopts, 2}, {getopts, 2}]).

-define(REAL, inet_tcp_dist).
-define(ASKED, [listen_count, setup_count, accept_count]).

-spec childspecs() -> {ok, []}.
childspecs() ->
    {ok, []}.

-spec listen(atom()) -> term().
listen(Name) ->
    count(listen_count),
    ?REAL:listen(Name).

-spec listen(atom(), string()) -> term().
listen(Name, Host) ->
    count(listen_count),
    ?REAL:listen(Name, Host).

-spec address() -> term().
address() ->
    ?REAL:address().

-spec accept(term()) -> pid().
accept(Listen) ->
    ?REAL:accept(Listen).

-spec accept_connection(pid(), term(), node(), term(), term()) -> pid().
accept_connection(AcceptPid, Socket, MyNode, Allowed, SetupTime) ->
    count(accept_count),
    ?REAL:accept_connection(AcceptPid, Socket, MyNode, Allowed, SetupTime).

-spec setup(node(), term(), node(), term(), term()) -> pid().
setup(Node, Type, MyNode, LongOrShort, SetupTime) ->
    count(setup_count),
    ?REAL:setup(Node, Type, MyNode, LongOrShort, SetupTime).

-spec close(term()) -> term().
close(Socket) ->
    ?REAL:close(Socket).

-spec select(node()) -> boolean().
select(Node) ->
    ?REAL:select(Node).

-spec setopts(term(), list()) -> term().
setopts(Socket, Options) ->
    ?REAL:setopts(Socket, Options).

-spec getopts(term(), list()) -> term().
getopts(Socket, Options) ->
    ?REAL:getopts(Socket, Options).

count(What) ->
    persistent_term:put({?MODULE, What}, asked(What) + 1).

asked(What) ->
    persistent_term:get({?MODULE, What}, 0).

%% How often this node has asked the module what.
-spec asked() -> probe_lib:evidence().
asked() ->
    maps:from_list([{What, asked(What)} || What <- ?ASKED]).

%% The flag that names this module.
-spec flags() -> [string()].
flags() ->
    [_ | Reversed] = lists:reverse(string:split(atom_to_list(?MODULE), "_", all)),
    ["-proto_dist", lists:append(lists:join("_", lists:reverse(Reversed)))].

%% Start two nodes with these flags, and have one ping the other: the answer, and what each asked the
%% module.
-spec ping([string()]) -> probe_lib:evidence().
ping(Flags) ->
    with_nodes([a, b], Flags, fun(Cluster) ->
        Answer = probe_cluster:call(Cluster, a, net_adm, ping, [probe_cluster:name(Cluster, b)]),
        Asked = [{Name, probe_cluster:call(Cluster, Name, ?MODULE, asked, [])} || Name <- [a, b]],
        #{answer => Answer, asked => maps:from_list(Asked)}
    end).

%% Start a node with these flags: its name, or how it ended.
-spec start([string()]) -> atom().
start(Flags) ->
    try
        with_nodes([a], Flags, fun(Cluster) -> probe_cluster:name(Cluster, a) end)
    catch
        error:{setup, {peer_not_started, _}} -> not_started
    end.

%% The module has to be there when the VM starts.
with_nodes(Names, Flags, Fun) ->
    probe_capture:with_folder(fun(Folder) ->
        #{?MODULE := Beam} = probe_bridge:beams([?MODULE]),
        ok = file:write_file(filename:join(Folder, atom_to_list(?MODULE) ++ ".beam"), Beam),
        probe_cluster:with(#{nodes => Names, flags => ["-pa", Folder | Flags]}, Fun)
    end).
