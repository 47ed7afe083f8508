%% Probes that start clusters: what probe_cluster and probe_relay promise.
-module(cluster_probes).

-export([joins/1, flags/1, cuts/1, freezes/1, slows/1, withholds/1, frames/1, raises/1, holds/1, two_releases/1, loads/1]).

-define(WAIT_MS, 10_000).

%% Two connect by hand, the third by the first message; nobody else can.
joins(_) ->
    probe_cluster:with(#{nodes => [a, b, c]}, fun(Cluster) ->
        [A, B, C] = [probe_cluster:name(Cluster, Name) || Name <- [a, b, c]],
        Before = [probe_cluster:is_connected(Cluster, X, Y) || {X, Y} <- [{a, b}, {b, a}, {c, a}]],
        ok = probe_cluster:connect(Cluster, a, b),
        pong = probe_cluster:call(Cluster, c, net_adm, ping, [A]),
        #{
            names => [A, B, C],
            before => Before,
            connected => [probe_cluster:is_connected(Cluster, X, Y) || {X, Y} <- [{a, b}, {b, a}, {c, a}]],
            unknown => probe_cluster:call(Cluster, a, net_adm, ping, ['nobody@127.0.0.1']),
            asked => probe_cluster:call(Cluster, c, probe_cluster_names, asked, []) >= 1,
            os_pids => [probe_peer:os_pid(probe_cluster:peer(Cluster, Name)) || Name <- [a, b, c]],
            epmd => probe_cluster:call(Cluster, a, fun() -> os:cmd("pgrep -P $PPID epmd") end)
        }
    end).

flags(_) ->
    Spec = #{nodes => [a, {b, ["-hidden"]}], flags => ["-kernel", "net_ticktime", "7"]},
    probe_cluster:with(Spec, fun(Cluster) ->
        ok = probe_cluster:connect(Cluster, a, b),
        #{
            visible => probe_cluster:call(Cluster, a, erlang, nodes, []),
            hidden => probe_cluster:call(Cluster, a, erlang, nodes, [hidden]),
            ticktime => [probe_cluster:call(Cluster, Name, net_kernel, get_net_ticktime, []) || Name <- [a, b]]
        }
    end).

%% Either side finds the other through the relay, until it is cut, and again when it is joined.
cuts(_) ->
    with_pair(fun(Cluster, Relay) ->
        Pings = fun() ->
            Ping = fun(One, Other) ->
                probe_cluster:call(Cluster, One, net_adm, ping, [probe_cluster:name(Cluster, Other)])
            end,
            [Ping(a, b), Ping(b, a)]
        end,
        Joined = Pings(),
        First = probe_relay:connections(Relay),
        ok = probe_relay:set(Relay, cut),
        probe_lib:await(fun() -> not connected(Cluster) end, ?WAIT_MS),
        Cut = Pings(),
        ok = probe_relay:set(Relay, pass),
        Again = [probe_cluster:call(Cluster, b, net_adm, ping, [probe_cluster:name(Cluster, a)])],
        #{joined => Joined, first => First, cut => Cut, again => Again, all => probe_relay:connections(Relay)}
    end).

%% What is sent while the relay is frozen arrives when it passes again, over the same connection.
freezes(_) ->
    with_pair(fun(Cluster, Relay) ->
        ok = probe_cluster:connect(Cluster, a, b),
        Subject = probe_cluster:call(Cluster, b, fun() -> spawn(fun() -> receive never -> ok end end) end),
        Waiting = fun() -> probe_cluster:call(Cluster, b, erlang, process_info, [Subject, message_queue_len]) end,
        ok = probe_relay:set(Relay, freeze),
        _ = probe_cluster:call(Cluster, a, erlang, send, [Subject, hello]),
        #{settled := Early} = probe_lib:until(fun() -> Waiting() =:= {message_queue_len, 1} end, 300),
        ok = probe_relay:set(Relay, pass),
        #{settled := Late} = probe_lib:until(fun() -> Waiting() =:= {message_queue_len, 1} end, ?WAIT_MS),
        Count = lists:sum(maps:values(probe_relay:connections(Relay))),
        #{early => Early, late => Late, connections => Count}
    end).

%% What a side offers in the handshake passes without a flag, until it is withheld no more.
withholds(_) ->
    with_pair(fun(Cluster, Relay) ->
        Offered = fun() ->
            ok = probe_cluster:connect(Cluster, a, b),
            Names = [
                {From, Flags}
             || #{kind := handshake, from := From, head := <<$N, Flags:64, _/binary>>} <- probe_relay:frames(Relay)
            ],
            ok = probe_relay:set(Relay, cut),
            probe_lib:await(fun() -> not connected(Cluster) end, ?WAIT_MS),
            ok = probe_relay:set(Relay, pass),
            [lists:last([Flags || {From, Flags} <- Names, From =:= Side]) || Side <- [a, b]]
        end,
        [A, B] = Offered(),
        ok = probe_relay:withhold(Relay, b, 1 bsl 23),
        [SameA, LessB] = Offered(),
        ok = probe_relay:withhold(Relay, b, 0),
        #{all_of_a => SameA =:= A, withheld_of_b => B - LessB, again => Offered() =:= [A, B]}
    end).

%% So many bytes take at least their time.
slows(_) ->
    with_pair(fun(Cluster, Relay) ->
        ok = probe_cluster:connect(Cluster, a, b),
        B = probe_cluster:name(Cluster, b),
        Echo = fun() ->
            Bytes = binary:copy(<<"x">>, 100_000),
            Start = erlang:monotonic_time(millisecond),
            Bytes = rpc:call(B, erlang, hd, [[Bytes]]),
            erlang:monotonic_time(millisecond) - Start
        end,
        _ = probe_cluster:call(Cluster, a, Echo),
        FastMs = probe_cluster:call(Cluster, a, Echo),
        ok = probe_relay:set(Relay, {slow, 200_000}),
        SlowMs = probe_cluster:call(Cluster, a, Echo),
        #{fast_ms => FastMs, slow_ms => SlowMs}
    end).

%% The handshake, small messages whole and a large one in pieces, there and back.
frames(_) ->
    with_pair(fun(Cluster, Relay) ->
        ok = probe_cluster:connect(Cluster, a, b),
        B = probe_cluster:name(Cluster, b),
        Bytes = 1_000_000,
        Bytes = probe_cluster:call(Cluster, a, fun() ->
            byte_size(rpc:call(B, erlang, hd, [[binary:copy(<<"x">>, Bytes)]]))
        end),
        Frames = probe_relay:frames(Relay),
        Of = fun(Side, Kind) -> [Frame || #{from := From, kind := K} = Frame <- Frames, From =:= Side, K =:= Kind] end,
        Sum = fun(Side) -> lists:sum([N || #{from := From, bytes := N} <- Frames, From =:= Side]) end,
        #{
            tags => [[Tag || #{head := <<Tag, _/binary>>} <- Of(Side, handshake)] || Side <- [a, b]],
            first => [length(Of(Side, first)) || Side <- [a, b]],
            more => [length(Of(Side, more)) || Side <- [a, b]],
            whole => [length(Of(Side, whole)) > 0 || Side <- [a, b]],
            sums => [Sum(Side) || Side <- [a, b]]
        }
    end).

%% What is loaded on one node is there for a call from the other, which takes another way.
loads(_) ->
    with_pair(fun(Cluster, _) ->
        ok = probe_cluster:connect(Cluster, a, b),
        B = probe_cluster:name(Cluster, b),
        Peer = probe_cluster:peer(Cluster, b),
        Is = fun(Module) -> probe_cluster:call(Cluster, a, rpc, call, [B, erlang, module_loaded, [Module]]) end,
        Modules = [peer_probes, shared_probes, good_probes],
        Before = [Is(Module) || Module <- Modules],
        After = [begin ok = probe_peer:load(Peer, [Module]), Is(Module) end || Module <- Modules],
        #{before => Before, 'after' => After}
    end).

raises(_) ->
    with_pair(fun(Cluster, _) -> probe_cluster:call(Cluster, b, erlang, error, [over_there]) end).

holds(_) ->
    with_pair(fun(Cluster, _) ->
        io:format("peers ~w~n", [[probe_peer:os_pid(probe_cluster:peer(Cluster, Name)) || Name <- [a, b]]]),
        timer:sleep(infinity)
    end).

%% A node of this release connects to one of another, through a relay.
two_releases(#{other_otp_release := Release} = Args) ->
    Spec = #{nodes => [a, {b, [], probe_cluster:other_release(Args)}], relays => [{a, b}]},
    probe_cluster:with(Spec, fun(Cluster) ->
        ok = probe_cluster:connect(Cluster, a, b),
        #{
            handed => Release,
            other => list_to_integer(probe_cluster:call(Cluster, b, erlang, system_info, [otp_release])),
            own => list_to_integer(erlang:system_info(otp_release)),
            connections => probe_relay:connections(probe_cluster:relay(Cluster, a, b))
        }
    end).

with_pair(Fun) ->
    probe_cluster:with(#{nodes => [a, b], relays => [{a, b}]}, fun(Cluster) ->
        Fun(Cluster, probe_cluster:relay(Cluster, b, a))
    end).

connected(Cluster) ->
    probe_cluster:is_connected(Cluster, a, b) orelse probe_cluster:is_connected(Cluster, b, a).
