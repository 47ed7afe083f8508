%% The Erlang side of c_src/beam_fault_tolerance.c: stubs that the library replaces when it is
%% loaded (see probe_native). Knows nothing of any claim.
-module(beam_fault_tolerance_nif).

-export([
    load/1,
    behave/0,
    crash/0,
    crash_dirty/0,
    give_up/0,
    leave/1,
    nap/1,
    nap_dirty/1,
    scribble/1
]).

-define(NOT_LOADED, erlang:nif_error(not_loaded)).

%% Load the library from a file, whose name is given without its ending.
-spec load(file:filename()) -> ok | {error, term()}.
load(Path) ->
    erlang:load_nif(Path, 0).

%% Return from native code.
-spec behave() -> behaved.
behave() -> ?NOT_LOADED.

%% Write to a bad address, on a normal scheduler.
-spec crash() -> no_return().
crash() -> ?NOT_LOADED.

%% Write to a bad address, on a dirty scheduler.
-spec crash_dirty() -> no_return().
crash_dirty() -> ?NOT_LOADED.

%% Call abort().
-spec give_up() -> no_return().
give_up() -> ?NOT_LOADED.

%% Call _exit() with a status.
-spec leave(byte()) -> no_return().
leave(_Status) -> ?NOT_LOADED.

%% Sleep for so many milliseconds, on a normal scheduler.
-spec nap(pos_integer()) -> rested.
nap(_Milliseconds) -> ?NOT_LOADED.

%% Sleep for so many milliseconds, on a dirty scheduler.
-spec nap_dirty(pos_integer()) -> rested.
nap_dirty(_Milliseconds) -> ?NOT_LOADED.

%% Overwrite the first byte of a binary in place.
-spec scribble(binary()) -> scribbled.
scribble(_Binary) -> ?NOT_LOADED.
