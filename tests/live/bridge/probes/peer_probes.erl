%% Probes that start second VMs: what probe_peer promises.
-module(peer_probes).

-export([calls/1, ends/1, killed_by_signal/1, refused_flag/1, raises/1, hangs/1, holds/1]).
-export([here/0]).

here() -> probe_measure:median([1, 2, 3]).

calls(_) ->
    probe_peer:with(#{flags => ["+S", "1:1"], env => [{"X_OF_PEER", "y"}]}, fun(Peer) ->
        Scratch = probe_peer:scratch(Peer),
        true = filelib:is_dir(Scratch),
        ok = probe_peer:cast(Peer, persistent_term, put, [x, 1]),
        #{
            schedulers_count => probe_peer:call(Peer, erlang, system_info, [schedulers]),
            own_code => probe_peer:call(Peer, ?MODULE, here, []),
            closure => probe_peer:call(Peer, fun() -> {here(), erlang:system_info(schedulers)} end),
            environment => list_to_binary(probe_peer:call(Peer, os, getenv, ["X_OF_PEER"])),
            other_vm => probe_peer:call(Peer, os, getpid, []) =/= os:getpid(),
            scratch => list_to_binary(Scratch)
        }
    end).

ends(_) ->
    probe_peer:with(#{}, fun(Peer) ->
        ok = probe_peer:cast(Peer, erlang, halt, ["the slogan"]),
        Ended = probe_peer:wait_exit(Peer, 20000),
        After =
            try
                probe_peer:call(Peer, erlang, node, [])
            catch
                error:{peer_exited, Same} -> Same =:= Ended
            end,
        Ended#{call_after => After, dumped => filelib:is_file(probe_peer:crash_dump(Peer))}
    end).

killed_by_signal(_) ->
    probe_peer:with(#{}, fun(Peer) ->
        ok = probe_peer:signal(Peer, "KILL"),
        probe_peer:wait_exit(Peer, 20000)
    end).

refused_flag(_) ->
    probe_peer:with(#{flags => ["+foo"]}, fun(_) -> #{} end).

raises(_) ->
    probe_peer:with(#{}, fun(Peer) -> probe_peer:call(Peer, erlang, error, [over_there]) end).

hangs(_) ->
    probe_peer:with(#{timeout_ms => 300}, fun(Peer) ->
        probe_peer:call(Peer, timer, sleep, [60000])
    end).

%% Tells who the peer is and never ends; a stopped peer cannot even see its pipe close.
holds(_) ->
    probe_peer:with(#{}, fun(Peer) ->
        io:format("peer ~w~n", [probe_peer:os_pid(Peer)]),
        ok = probe_peer:signal(Peer, "STOP"),
        timer:sleep(infinity)
    end).
