%% Nodes that talk to each other, for probes: peers on the loopback that find each other through
%% the probe, without epmd, and relays between two of them.
%% Knows how to start and join nodes; knows nothing of any claim, and never judges.
-module(probe_cluster).

-export([with/2, other_release/1, call/3, call/5, peer/2, name/2, relay/3, connect/3, is_connected/3]).

-export_type([cluster/0, spec/0]).

%% `nodes': their short names, alone, with flags of their own, or with those and the VM of another
%% release; `flags': those of all. `relays': the pairs whose connection goes through a relay.
%% `timeout_ms' bounds each call.
-type spec() :: #{
    nodes := [atom() | {atom(), [string()]} | {atom(), [string()], probe_peer:vm()}],
    flags => [string()],
    relays => [{atom(), atom()}],
    timeout_ms => pos_integer()
}.
-opaque cluster() :: #{
    members := #{atom() => {probe_peer:peer(), node()}},
    relays := #{{atom(), atom()} => probe_relay:relay()}
}.

-define(NAMES, probe_cluster_names).
-define(WAIT_MS, 15_000).

%% Start the nodes, hand them to Fun, and end them and all relays afterwards, whatever happened, also
%% when the caller is killed. None is connected; each connects by itself as any node does, unless
%% its flags say otherwise. The module of Fun is loaded on all but those of another release; such a
%% node has none of the probes, finds no other by itself, and is found as any.
-spec with(spec(), fun((cluster()) -> Value)) -> Value.
with(#{nodes := Nodes} = Spec, Fun) ->
    Names = [short_name(Node) || Node <- Nodes],
    {module, Module} = erlang:fun_info(Fun, module),
    probe_capture:with_folder(fun(Folder) ->
        #{?NAMES := Beam} = probe_bridge:beams([?NAMES]),
        ok = file:write_file(filename:join(Folder, atom_to_list(?NAMES) ++ ".beam"), Beam),
        probe_peer:with_all([options(Node, Folder, Spec) || Node <- Nodes], fun(Peers) ->
            lists:foreach(fun(Peer) -> ok = probe_peer:load(Peer, [Module]) end, Peers),
            Members = maps:from_list([
                {Name, {Peer, probe_peer:call(Peer, erlang, node, [])}}
             || {Name, Peer} <- lists:zip(Names, Peers)
            ]),
            joined(Members, maps:get(relays, Spec, []), Fun)
        end)
    end).

%% The VM of a second release, as a probe whose claim needs `other-release' is handed it.
-spec other_release(probe_lib:args()) -> probe_peer:vm().
other_release(#{other_erl := Erl, other_bridge_for := For, other_bridge := Bridge}) ->
    #{erl => Erl, bridge_for => unicode:characters_to_list(For), bridge => Bridge}.

short_name({Name, _, _}) -> Name;
short_name({Name, _}) -> Name;
short_name(Name) -> Name.

%% The cookie is the run's own: no node outside of the cluster can join it.
options(Node, Folder, Spec) ->
    {Own, Vm} =
        case Node of
            {_, Flags, Other} -> {finds_nobody() ++ Flags, #{vm => Other}};
            {_, Flags} -> {finds(Folder) ++ Flags, #{}};
            _ -> {finds(Folder), #{}}
        end,
    Vm#{
        flags => [
            "-name", atom_to_list(short_name(Node)) ++ "@127.0.0.1", "-setcookie", filename:basename(Folder),
            "-start_epmd", "false", "-kernel", "inet_dist_use_interface", "{127,0,0,1}"
            | maps:get(flags, Spec, []) ++ Own
        ],
        timeout_ms => maps:get(timeout_ms, Spec, 30_000)
    }.

finds(Folder) ->
    ["-epmd_module", atom_to_list(?NAMES), "-pa", Folder].

%% A free port, on which the node listens; it takes every other to listen there as well.
finds_nobody() ->
    {ok, Socket} = gen_tcp:listen(0, [{ip, {127, 0, 0, 1}}]),
    {ok, Port} = inet:port(Socket),
    ok = gen_tcp:close(Socket),
    ["-erl_epmd_port", integer_to_list(Port)].

joined(Members, Pairs, Fun) ->
    Ports = maps:map(fun(_, {Peer, _}) -> listens_on(Peer) end, Members),
    Relays = maps:from_list([
        {{One, Other}, probe_relay:start({One, maps:get(One, Ports)}, {Other, maps:get(Other, Ports)})}
     || {One, Other} <- Pairs
    ]),
    try
        [
            ok = probe_peer:call(Peer, ?NAMES, set, [seen_by(Name, Ports, Relays)])
         || {Name, {Peer, _}} <- maps:to_list(Members), has_names(Peer)
        ],
        Fun(#{members => Members, relays => Relays})
    after
        lists:foreach(fun probe_relay:stop/1, maps:values(Relays))
    end.

listens_on(Peer) ->
    case has_names(Peer) of
        true ->
            probe_peer:call(Peer, ?NAMES, listens_on, []);
        false ->
            {ok, [[Port]]} = probe_peer:call(Peer, init, get_argument, [erl_epmd_port]),
            list_to_integer(Port)
    end.

%% Not a node of another release.
has_names(Peer) ->
    probe_peer:call(Peer, init, get_argument, [epmd_module]) =/= error.

%% Where a node finds the others: at the relay of the pair, or at their own ports.
seen_by(Name, Ports, Relays) ->
    maps:fold(
        fun(Other, Port, Seen) -> Seen#{atom_to_list(Other) => way(Name, Other, Port, Relays)} end,
        #{},
        Ports
    ).

way(Name, Other, Port, Relays) ->
    case Relays of
        #{{Name, Other} := Relay} -> probe_relay:port_to(Relay, Other);
        #{{Other, Name} := Relay} -> probe_relay:port_to(Relay, Other);
        #{} -> Port
    end.

%% Evaluate a fun on a node of the cluster; its module is to be loaded there. As probe_peer:call/4.
-spec call(cluster(), atom(), fun(() -> Value)) -> Value.
call(Cluster, Name, Fun) ->
    probe_peer:call(peer(Cluster, Name), Fun).

-spec call(cluster(), atom(), module(), atom(), [term()]) -> term().
call(Cluster, Name, Module, Function, Args) ->
    probe_peer:call(peer(Cluster, Name), Module, Function, Args).

-spec peer(cluster(), atom()) -> probe_peer:peer().
peer(#{members := Members}, Name) ->
    {Peer, _} = maps:get(Name, Members),
    Peer.

%% The full name of a node.
-spec name(cluster(), atom()) -> node().
name(#{members := Members}, Name) ->
    {_, Node} = maps:get(Name, Members),
    Node.

%% The relay between two nodes, named in either order.
-spec relay(cluster(), atom(), atom()) -> probe_relay:relay().
relay(#{relays := Relays}, One, Other) ->
    case Relays of
        #{{One, Other} := Relay} -> Relay;
        #{{Other, One} := Relay} -> Relay
    end.

%% Have one node connect to another, and wait until both list each other, hidden or not.
-spec connect(cluster(), atom(), atom()) -> ok.
connect(Cluster, From, To) ->
    true = call(Cluster, From, net_kernel, connect_node, [name(Cluster, To)]),
    probe_lib:await(
        fun() -> is_connected(Cluster, From, To) andalso is_connected(Cluster, To, From) end, ?WAIT_MS
    ).

%% Whether a node lists another as connected.
-spec is_connected(cluster(), atom(), atom()) -> boolean().
is_connected(Cluster, One, Other) ->
    lists:member(name(Cluster, Other), call(Cluster, One, erlang, nodes, [connected])).
