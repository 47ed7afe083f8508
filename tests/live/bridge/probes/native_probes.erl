%% A probe with native code: what probe_native promises.
-module(native_probes).

-export([answers/1]).

answers(#{nif_library := Library}) ->
    Before = probe_peer:with(#{}, fun(Peer) ->
        probe_peer:call(Peer, native_probes_nif, asked, [])
    end),
    After = probe_native:with(#{}, native_probes_nif, Library, fun(Peer) ->
        probe_peer:call(Peer, native_probes_nif, asked, [])
    end),
    #{before => Before, 'after' => After, own => native_probes_nif:asked()}.
