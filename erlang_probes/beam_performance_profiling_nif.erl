%% The Erlang side of c_src/beam_performance_profiling.c: stubs that the library replaces when it is
%% loaded (see probe_native). Knows nothing of any claim.
-module(beam_performance_profiling_nif).

-export([load/1, hold/1, hold_dirty/1]).

-define(NOT_LOADED, erlang:nif_error(not_loaded)).

%% Load the library from a file, whose name is given without its ending.
-spec load(file:filename()) -> ok | {error, term()}.
load(Path) ->
    erlang:load_nif(Path, 0).

%% Sleep for so many milliseconds on a normal scheduler.
-spec hold(pos_integer()) -> held.
hold(_Milliseconds) -> ?NOT_LOADED.

%% Sleep for so many milliseconds on a dirty scheduler.
-spec hold_dirty(pos_integer()) -> held.
hold_dirty(_Milliseconds) -> ?NOT_LOADED.
