%% Code whose calls, words and waits are known beforehand, for the profilers to look at.
%% Knows what it does; knows nothing of profilers or of any claim.
-module(beam_performance_profiling_work).

-export([
    known/0,
    outer/1,
    body/1,
    tail/1,
    fib/1,
    nap/1,
    quick/0,
    pairs/1,
    dropped/1,
    bytes/1,
    family/1,
    child/1,
    bystander/1,
    left/1,
    right/1,
    leaf/1,
    leaping/1
]).

%% body and tail call themselves 1,000 times, fib 1,972 times, pairs 500 times; nap sleeps.
-spec known() -> ok.
known() ->
    1_000 = body(1_000),
    ok = tail(1_000),
    611 = outer(15),
    ok = nap(300),
    ok = quick(),
    [_ | _] = pairs(500),
    ok.

%% Does next to nothing itself but call fib.
-spec outer(non_neg_integer()) -> pos_integer().
outer(N) -> 1 + fib(N).

-spec body(non_neg_integer()) -> non_neg_integer().
body(0) -> 0;
body(N) -> 1 + body(N - 1).

-spec tail(non_neg_integer()) -> ok.
tail(0) -> ok;
tail(N) -> tail(N - 1).

%% Calls: 2 * fib(N + 1) - 1.
-spec fib(non_neg_integer()) -> non_neg_integer().
fib(0) -> 0;
fib(1) -> 1;
fib(N) -> fib(N - 1) + fib(N - 2).

-spec nap(non_neg_integer()) -> ok.
nap(Ms) ->
    receive
    after Ms -> ok
    end.

-spec quick() -> ok.
quick() -> ok.

%% Five words each: a list cell of two, a tuple of three.
-spec pairs(non_neg_integer()) -> [{integer(), integer()}].
pairs(0) -> [];
pairs(N) -> [{N, N} | pairs(N - 1)].

%% As many words as pairs/1, of which nothing is kept.
-spec dropped(non_neg_integer()) -> ok.
dropped(N) ->
    [_ | _] = pairs(N),
    ok.

%% One binary of so many bytes.
-spec bytes(pos_integer()) -> binary().
bytes(N) ->
    binary:copy(<<0>>, N).

%% A child that has a child; both make so many calls of child/1 beside the first.
-spec family(non_neg_integer()) -> ok.
family(N) ->
    waited(spawn_monitor(fun() ->
        ok = child(N),
        waited(spawn_monitor(fun() -> ok = child(N) end))
    end)).

waited({_, Ref}) ->
    receive
        {'DOWN', Ref, process, _, normal} -> ok
    end.

-spec child(non_neg_integer()) -> ok.
child(0) -> ok;
child(N) -> child(N - 1).

-spec bystander(non_neg_integer()) -> ok.
bystander(0) -> ok;
bystander(N) -> bystander(N - 1).

%% Two ways to one leaf, neither of which is a tail call.
-spec left(non_neg_integer() | hold) -> {done, ok}.
left(N) ->
    {done, leaf(N)}.

-spec right(non_neg_integer() | hold) -> {done, ok}.
right(N) ->
    {done, leaf(N)}.

%% A way to the leaf by a tail call.
-spec leaping(non_neg_integer() | hold) -> ok.
leaping(N) ->
    leaf(N).

%% A leaf that takes its time, or waits until it is let go.
-spec leaf(non_neg_integer() | hold) -> ok.
leaf(hold) ->
    receive
        let_go -> ok
    end;
leaf(N) ->
    rounds(N).

rounds(0) -> ok;
rounds(N) -> rounds(N - 1).
