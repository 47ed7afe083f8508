%% Native libraries for probes: a peer that has loaded one.
%% A library stays in its VM and can take it down, so it is loaded into peers only. Knows nothing of
%% what a library does.
-module(probe_native).

-export([with/4]).

%% Start a peer that has loaded a library, hand it to Fun, and end it afterwards, as
%% probe_peer:with/2 does. Stubs is the module whose functions the library replaces; it exports
%% load(Path), which is erlang:load_nif(Path, 0): a module can only load what is its own.
%% Raises {setup, {not_loaded, Stubs, Why}} when the VM refuses the library.
-spec with(probe_peer:options(), module(), binary(), fun((probe_peer:peer()) -> Value)) -> Value.
with(Options, Stubs, Library, Fun) ->
    probe_peer:with(Options, fun(Peer) ->
        Path = filename:join(probe_peer:scratch(Peer), atom_to_list(Stubs)),
        ok = file:write_file(Path ++ ".so", Library),
        case probe_peer:call(Peer, Stubs, load, [Path]) of
            ok -> Fun(Peer);
            {error, {Why, _}} -> error({setup, {not_loaded, Stubs, Why}})
        end
    end).
