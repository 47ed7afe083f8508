%% The Erlang side of c_src/beam_concurrency_model.c: stubs that the library replaces when it is
%% loaded (see probe_native). Knows nothing of any claim.
-module(beam_concurrency_model_nif).

-export([
    load/1,
    hold/1,
    hold_dirty_cpu/1,
    hold_dirty_io/1,
    hold_deaf/2,
    hold_in_parts/3,
    consume/1,
    wander/0,
    nothing/1,
    nothing_dirty_cpu/1,
    nothing_dirty_io/1
]).

-export_type([held/0]).

-define(NOT_LOADED, erlang:nif_error(not_loaded)).

%% The kind of thread (1 a normal scheduler, 2 a dirty one for CPU, 3 a dirty one for IO), and when
%% it was held, in microseconds of the VM's monotonic clock.
-type held() :: {1..3, Begun :: integer(), Ended :: integer()}.

%% Load the library from a file, whose name is given without its ending.
-spec load(file:filename()) -> ok | {error, term()}.
load(Path) ->
    erlang:load_nif(Path, 0).

%% Hold the thread for so many microseconds, on a normal scheduler.
-spec hold(non_neg_integer()) -> held().
hold(_Us) -> ?NOT_LOADED.

%% The same on a dirty scheduler for CPU.
-spec hold_dirty_cpu(non_neg_integer()) -> held().
hold_dirty_cpu(_Us) -> ?NOT_LOADED.

%% The same on a dirty scheduler for IO.
-spec hold_dirty_io(non_neg_integer()) -> held().
hold_dirty_io(_Us) -> ?NOT_LOADED.

%% Hold a normal scheduler for so many parts of 1 ms, say after each that it was so many percent of
%% a time slice, and go on all the same: how often the slice was used up.
-spec hold_deaf(pos_integer(), 1..100) -> non_neg_integer().
hold_deaf(_Parts, _Percent) -> ?NOT_LOADED.

%% The same, but let others run whenever the slice is used up: how often that was, plus Again.
-spec hold_in_parts(pos_integer(), 1..100, non_neg_integer()) -> non_neg_integer().
hold_in_parts(_Parts, _Percent, _Again) -> ?NOT_LOADED.

%% How many times so many percent are a time slice.
-spec consume(1..100) -> pos_integer().
consume(_Percent) -> ?NOT_LOADED.

%% The kinds of the threads that three parts of one native call run on, the second as a dirty job.
-spec wander() -> {1..3, 1..3, 1..3}.
wander() -> ?NOT_LOADED.

%% Return the argument, on a normal scheduler.
-spec nothing(Term) -> Term.
nothing(_Term) -> ?NOT_LOADED.

%% The same on a dirty scheduler for CPU.
-spec nothing_dirty_cpu(Term) -> Term.
nothing_dirty_cpu(_Term) -> ?NOT_LOADED.

%% The same on a dirty scheduler for IO.
-spec nothing_dirty_io(Term) -> Term.
nothing_dirty_io(_Term) -> ?NOT_LOADED.
