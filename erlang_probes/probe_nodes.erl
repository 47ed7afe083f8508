%% Two nodes that talk to each other, for probes: peers, distributed without epmd.
%% Knows how to start them; knows nothing of any claim, and never judges.
-module(probe_nodes).

-export([with_two/1]).

%% Start two peers, each of which listens on the same free port of a loopback address of its own;
%% none connects by itself. Fun gets both and the second's name; modules that it calls there are
%% loaded by the call.
-spec with_two(fun((probe_peer:peer(), probe_peer:peer(), node()) -> Value)) -> Value.
with_two(Fun) ->
    {ok, Socket} = gen_tcp:listen(0, [{ip, {127, 0, 0, 1}}]),
    {ok, Port} = inet:port(Socket),
    ok = gen_tcp:close(Socket),
    probe_peer:with(options("127.0.0.1", Port), fun(First) ->
        probe_peer:with(options("127.0.0.2", Port), fun(Second) ->
            Fun(First, Second, probe_peer:call(Second, erlang, node, []))
        end)
    end).

options(Address, Port) ->
    Interface = "{" ++ lists:append(string:replace(Address, ".", ",", all)) ++ "}",
    #{
        flags => [
            "-name", "probe@" ++ Address, "-setcookie", "beamproof", "-start_epmd", "false",
            "-erl_epmd_port", integer_to_list(Port), "-kernel", "dist_auto_connect", "never",
            "-kernel", "inet_dist_use_interface", Interface
        ],
        timeout_ms => 30_000
    }.
