%% The Erlang side of c_src/beam_fault_tolerance.c: stubs that the library replaces when it is
%% loaded. Load it into a peer only: a library stays in its VM. Knows nothing of any claim.
-module(beam_fault_tolerance_nif).

-export([load/1, behave/0, crash/0, scribble/1]).

-define(NOT_LOADED, erlang:nif_error(not_loaded)).

%% Write the library's bytes to a file in Folder and load it from there.
-spec load(#{library := binary(), folder := file:filename()}) -> ok | {error, term()}.
load(#{library := Library, folder := Folder}) ->
    Path = filename:join(Folder, ?MODULE_STRING),
    ok = file:write_file(Path ++ ".so", Library),
    erlang:load_nif(Path, 0).

%% Return from native code.
-spec behave() -> behaved.
behave() -> ?NOT_LOADED.

%% Take the VM down.
-spec crash() -> no_return().
crash() -> ?NOT_LOADED.

%% Overwrite the first byte of a binary in place.
-spec scribble(binary()) -> scribbled.
scribble(_Binary) -> ?NOT_LOADED.
