%% Nodes with an epmd of their own, and without any.
%% Knows epmd and peers; knows nothing of any claim, and never judges.
-module(beam_distribution_internals_epmd).

-export([free_port/0, with_epmd/2, with_nodes/4, names/1, two_ways/2]).

-define(WAIT_MS, 10_000).
-define(COOKIE, "beamproof").

-type epmd() :: {Port :: port(), OsPid :: pos_integer()}.

%% Run an epmd on a port of the loopback while Fun works; Fun may end it before.
-spec with_epmd(inet:port_number(), fun((fun(() -> ok)) -> Value)) -> Value.
with_epmd(PortNumber, Fun) ->
    Epmd = start(PortNumber),
    Ended = atomics:new(1, []),
    End = fun() ->
        case atomics:exchange(Ended, 1, 1) of
            0 -> stop(Epmd);
            1 -> ok
        end
    end,
    try
        probe_lib:await(fun() -> is_there(PortNumber) end, ?WAIT_MS),
        Fun(End)
    after
        End()
    end.

-spec start(inet:port_number()) -> epmd().
start(PortNumber) ->
    Program = filename:join([code:root_dir(), "erts-" ++ erlang:system_info(version), "bin", "epmd"]),
    Port = open_port({spawn_executable, Program}, [
        {args, ["-port", integer_to_list(PortNumber), "-address", "127.0.0.1"]}, exit_status, stderr_to_stdout
    ]),
    {os_pid, OsPid} = erlang:port_info(Port, os_pid),
    {Port, OsPid}.

%% It does not end by itself when its input closes.
stop({Port, OsPid}) ->
    _ = os:cmd("kill -KILL " ++ integer_to_list(OsPid)),
    receive
        {Port, {exit_status, _}} -> ok
    after ?WAIT_MS -> error({setup, epmd_lives})
    end.

is_there(PortNumber) ->
    case gen_tcp:connect({127, 0, 0, 1}, PortNumber, [], 1_000) of
        {ok, Socket} -> ok =:= gen_tcp:close(Socket);
        {error, _} -> false
    end.

%% Nodes by these short names, each at this epmd.
-spec with_nodes(inet:port_number(), [string()], [module()], fun(([{probe_peer:peer(), node()}]) -> Value)) ->
    Value.
with_nodes(PortNumber, Names, Modules, Fun) ->
    All = [
        #{
            flags => ["-name", Name ++ "@127.0.0.1" | common()],
            env => [{"ERL_EPMD_PORT", integer_to_list(PortNumber)}, {"ERL_EPMD_ADDRESS", false}]
        }
     || Name <- Names
    ],
    probe_peer:with_all(All, fun(Peers) ->
        [ok = probe_peer:load(Peer, [?MODULE | Modules]) || Peer <- Peers],
        Fun([{Peer, probe_peer:call(Peer, erlang, node, [])} || Peer <- Peers])
    end).

common() ->
    ["-setcookie", ?COOKIE, "-start_epmd", "false", "-kernel", "inet_dist_use_interface", "{127,0,0,1}"].

%% The names that epmd tells a node.
-spec names(probe_peer:peer()) -> [atom()] | atom().
names(Peer) ->
    case probe_peer:call(Peer, erl_epmd, names, [{127, 0, 0, 1}]) of
        {ok, Found} -> lists:sort([list_to_atom(Name) || {Name, _} <- Found]);
        {error, Reason} -> Reason
    end.

%% Start two nodes with these flags, in which `PORT' stands for a free port, on addresses of their own,
%% where no epmd is to be had: what a ping from one to the other is answered, or how the first ended.
-spec two_ways([string()], inet:port_number()) -> atom().
two_ways(Flags, NoEpmd) ->
    %% Somebody else may have taken the port meanwhile: those that do not start are tried once more.
    case started(Flags, NoEpmd) of
        not_started -> started(Flags, NoEpmd);
        Answer -> Answer
    end.

started(Flags, NoEpmd) ->
    Port = integer_to_list(free_port()),
    Own = [
        case Flag of
            "PORT" -> Port;
            _ -> Flag
        end
     || Flag <- Flags
    ],
    All = [
        #{
            flags => [
                "-name", "n@" ++ Address, "-setcookie", ?COOKIE, "-start_epmd", "false",
                "-kernel", "inet_dist_use_interface", Interface
                | Own
            ],
            env => [{"ERL_EPMD_PORT", integer_to_list(NoEpmd)}]
        }
     || {Address, Interface} <- [{"127.0.0.1", "{127,0,0,1}"}, {"127.0.0.2", "{127,0,0,2}"}]
    ],
    try
        probe_peer:with_all(All, fun([One, Other]) ->
            probe_peer:call(One, net_adm, ping, [probe_peer:call(Other, erlang, node, [])])
        end)
    catch
        error:{setup, {peer_not_started, _}} -> not_started
    end.

%% A port of the loopback on which nobody listens.
-spec free_port() -> inet:port_number().
free_port() ->
    {ok, Socket} = gen_tcp:listen(0, [{ip, {127, 0, 0, 1}}]),
    {ok, Port} = inet:port(Socket),
    ok = gen_tcp:close(Socket),
    Port.
