%% What the nodes of a cluster ask in place of epmd: where other nodes listen. A table that the
%% probe sets leads to a node, or to a relay before it.
%% Knows names and ports; knows nothing of how they came about, of relays or of any claim.
-module(probe_cluster_names).

%% What net_kernel calls of the module that -epmd_module names.
-export([start_link/0, register_node/2, register_node/3, address_please/3, port_please/2, port_please/3, names/1]).
%% For the probe.
-export([listens_on/0, set/1, asked/0]).

-ignore_xref([{start_link, 0}, {register_node, 2}, {register_node, 3}, {address_please, 3}]).
-ignore_xref([{port_please, 2}, {port_please, 3}, {names, 1}]).

%% The version of the handshake that OTP 24 and later speak.
-define(VERSION, 6).

-spec start_link() -> ignore.
start_link() ->
    ignore.

-spec register_node(string(), inet:port_number()) -> {ok, pos_integer()}.
register_node(Name, Port) ->
    register_node(Name, Port, inet_tcp).

%% The creation tells this life of the node from an earlier one, so it differs each time.
-spec register_node(string(), inet:port_number(), term()) -> {ok, pos_integer()}.
register_node(_, Port, _) ->
    persistent_term:put({?MODULE, port}, Port),
    {ok, 4 + erlang:system_time(microsecond) rem 4_000_000_000}.

-spec address_please(string(), string(), term()) -> {ok, inet:ip4_address()}.
address_please(_, _, _) ->
    {ok, {127, 0, 0, 1}}.

-spec port_please(string(), term()) -> {port, inet:port_number(), pos_integer()} | noport.
port_please(Name, Host) ->
    port_please(Name, Host, infinity).

-spec port_please(string(), term(), timeout()) -> {port, inet:port_number(), pos_integer()} | noport.
port_please(Name, _, _) ->
    counters:add(persistent_term:get({?MODULE, asked}), 1, 1),
    case persistent_term:get({?MODULE, ports}, #{}) of
        #{Name := Port} when is_integer(Port) -> {port, Port, ?VERSION};
        #{} -> noport
    end.

-spec names(term()) -> {error, address}.
names(_) ->
    {error, address}.

%% The port of this node, or `none' while it does not listen.
-spec listens_on() -> inet:port_number() | none.
listens_on() ->
    persistent_term:get({?MODULE, port}, none).

%% From now on nodes are found at these ports, others are not found.
-spec set(#{Name :: string() => inet:port_number()}) -> ok.
set(Ports) ->
    persistent_term:put({?MODULE, asked}, counters:new(1, [])),
    persistent_term:put({?MODULE, ports}, Ports).

%% How often this node has asked for a port since the table was set.
-spec asked() -> non_neg_integer().
asked() ->
    counters:get(persistent_term:get({?MODULE, asked}), 1).
