%% The Erlang side of c_src/beam_scheduler_tuning.c: stubs that the library replaces when it is loaded
%% (see probe_native). Knows nothing of any claim.
-module(beam_scheduler_tuning_nif).

-export([load/1, hold_to/2]).

-define(NOT_LOADED, erlang:nif_error(not_loaded)).

%% Load the library from a file, whose name is given without its ending.
-spec load(file:filename()) -> ok | {error, term()}.
load(Path) ->
    erlang:load_nif(Path, 0).

%% Hold a thread of the operating system to the CPUs whose bits are set, the lowest in the first byte.
-spec hold_to(pos_integer(), binary()) -> ok | error.
hold_to(_Thread, _Mask) -> ?NOT_LOADED.
