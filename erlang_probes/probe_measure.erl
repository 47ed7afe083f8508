%% How probes measure: clocks, reductions, words of heaps, binaries off the heap, the VM's memory,
%% series, thresholds, growth laws. One meaning a name, its unit at the end of it.
%% Knows how to read a number; knows nothing of any claim, and never judges.
-module(probe_measure).

%% Time.
-export([elapsed_us/1, best_us/2, best_in_turn_us/2]).
%% Reductions.
-export([own_reductions/0, reductions_for/1]).
%% Memory of a process.
-export([
    total_heap_words/1,
    young_block_words/1,
    young_used_words/1,
    live_words/1,
    memory_words/1,
    peak_heap_words/1,
    off_heap/1,
    off_heap_sizes/1,
    off_heap_bytes/1
]).
%% Memory of the VM.
-export([memory_at_rest/1, words_to_bytes/1]).
%% Series, thresholds, laws.
-export([
    samples/3,
    growth_exponent/1,
    series_exponent/3,
    constant_from/1,
    median/1,
    first_where/2,
    sweep/2,
    bisect/3
]).

-export_type([sample/0]).

%% One point of a series: the independent quantity and what was measured there.
-type sample() :: {X :: number(), Y :: number()}.

-define(REST_MS, 5_000).
-define(REST_POLL_MS, 2).

%%% Time

%% Microseconds that Fun takes; resolution is the VM's native clock.
-spec elapsed_us(fun(() -> term())) -> float().
elapsed_us(Fun) ->
    Start = erlang:monotonic_time(),
    _ = Fun(),
    Stop = erlang:monotonic_time(),
    erlang:convert_time_unit(Stop - Start, native, nanosecond) / 1000.

%% The least time of Rounds runs (after one that is dropped): what a noisy machine disturbs least.
-spec best_us(pos_integer(), fun(() -> term())) -> float().
best_us(Rounds, Fun) ->
    _ = Fun(),
    lists:min([elapsed_us(Fun) || _ <- lists:seq(1, Rounds)]).

%% The least time of each fun over Rounds rounds in which each is run once, so that what disturbs
%% the machine for a while disturbs them alike. In the order of the funs.
-spec best_in_turn_us(pos_integer(), [fun(() -> term())]) -> [float()].
best_in_turn_us(Rounds, Funs) ->
    lists:foldl(
        fun(_, Best) -> lists:zipwith(fun erlang:min/2, Best, times_us(Funs)) end,
        times_us(Funs),
        lists:seq(2, Rounds)
    ).

times_us(Funs) ->
    [elapsed_us(Fun) || Fun <- Funs].

%%% Reductions

%% The reductions that the calling process has used so far; two readings give what lies between
%% them, collections included.
-spec own_reductions() -> non_neg_integer().
own_reductions() ->
    {reductions, Reductions} = process_info(self(), reductions),
    Reductions.

%% The reductions that Fun costs its caller, in a process of its own with so large a heap that
%% collections do not count.
-spec reductions_for(fun(() -> term())) -> non_neg_integer().
reductions_for(Fun) ->
    probe_lib:in_process(
        fun() ->
            Before = own_reductions(),
            _ = Fun(),
            own_reductions() - Before
        end,
        [{min_heap_size, 1_000_000}]
    ).

%%% Memory of a process

%% Words of all blocks of a process' heap, used or not: young, old, and fragments.
-spec total_heap_words(pid()) -> non_neg_integer().
total_heap_words(Pid) ->
    {total_heap_size, Words} = process_info(Pid, total_heap_size),
    Words.

%% Words of the block of a process' young heap, used or not, the stack's included.
-spec young_block_words(pid()) -> non_neg_integer().
young_block_words(Pid) ->
    {heap_size, Words} = process_info(Pid, heap_size),
    Words.

%% Words in use on a process' young heap, live or not, without stack and fragments: without a
%% collection in between, two readings differ by what was allocated.
-spec young_used_words(pid()) -> non_neg_integer().
young_used_words(Pid) ->
    {garbage_collection_info, Info} = process_info(Pid, garbage_collection_info),
    proplists:get_value(heap_size, Info).

%% Words of a process' live data, its stack apart: it is collected fully first.
-spec live_words(pid()) -> non_neg_integer().
live_words(Pid) ->
    true = erlang:garbage_collect(Pid),
    {garbage_collection_info, Info} = process_info(Pid, garbage_collection_info),
    lists:sum([proplists:get_value(Key, Info) || Key <- [heap_size, old_heap_size, mbuf_size]]).

%% What process_info says of a process' memory, in words: heap, stack, messages and the VM's own
%% structures, without binaries off the heap.
-spec memory_words(pid()) -> float().
memory_words(Pid) ->
    {memory, Bytes} = process_info(Pid, memory),
    Bytes / erlang:system_info(wordsize).

%% total_heap_words/1 of a fresh process right after Fun, whose value it keeps; an observer asks
%% while the process waits.
-spec peak_heap_words(fun(() -> term())) -> non_neg_integer().
peak_heap_words(Fun) ->
    probe_lib:with_process([], fun(Subject) ->
        probe_lib:ask(Subject, fun(_) -> {ok, Fun()} end),
        total_heap_words(Subject)
    end).

%% The reference-counted binaries that a process refers to: each once, however often it is
%% referred to, by its id and with its size in bytes.
-spec off_heap(pid()) -> [{Id :: integer(), Bytes :: non_neg_integer()}].
off_heap(Pid) ->
    {binary, References} = process_info(Pid, binary),
    lists:usort([{Id, Bytes} || {Id, Bytes, _} <- References]).

%% The sizes of off_heap/1, in bytes.
-spec off_heap_sizes(pid()) -> [non_neg_integer()].
off_heap_sizes(Pid) ->
    [Bytes || {_, Bytes} <- off_heap(Pid)].

%% The sum of off_heap/1, in bytes.
-spec off_heap_bytes(pid()) -> non_neg_integer().
off_heap_bytes(Pid) ->
    lists:sum(off_heap_sizes(Pid)).

%%% Memory of the VM

%% Bytes of erlang:memory(Kind) when three readings in a row are the same: what other schedulers
%% free arrives later. Raises {setup, {memory_not_at_rest, Kind}} when that does not come.
-spec memory_at_rest(atom()) -> non_neg_integer().
memory_at_rest(Kind) ->
    Deadline = erlang:monotonic_time(millisecond) + ?REST_MS,
    memory_at_rest(Kind, erlang:memory(Kind), 1, Deadline).

memory_at_rest(_, Bytes, 3, _) ->
    Bytes;
memory_at_rest(Kind, Bytes, Same, Deadline) ->
    erlang:monotonic_time(millisecond) < Deadline orelse
        error({setup, {memory_not_at_rest, Kind}}),
    timer:sleep(?REST_POLL_MS),
    case erlang:memory(Kind) of
        Bytes -> memory_at_rest(Kind, Bytes, Same + 1, Deadline);
        Other -> memory_at_rest(Kind, Other, 1, Deadline)
    end.

-spec words_to_bytes(integer()) -> integer().
words_to_bytes(Words) ->
    Words * erlang:system_info(wordsize).

%%% Series, thresholds, laws

%% A series as evidence: one map a point.
-spec samples(atom(), atom(), [sample()]) -> [#{atom() => number()}].
samples(XKey, YKey, Series) ->
    [#{XKey => X, YKey => Y} || {X, Y} <- Series].

%% The exponent B of Y = A * X^B by least squares over the logarithms: 0 is constant, 1 linear,
%% 2 quadratic. All X and Y must be above 0, and two X differ.
-spec growth_exponent([sample(), ...]) -> float().
growth_exponent(Samples) ->
    Logs = [{math:log(X), math:log(Y)} || {X, Y} <- Samples],
    Count = length(Logs),
    MeanX = lists:sum([X || {X, _} <- Logs]) / Count,
    MeanY = lists:sum([Y || {_, Y} <- Logs]) / Count,
    Covariance = lists:sum([(X - MeanX) * (Y - MeanY) || {X, Y} <- Logs]),
    Variance = lists:sum([(X - MeanX) * (X - MeanX) || {X, _} <- Logs]),
    Covariance / Variance.

%% growth_exponent/1 of YKey over XKey in a series of maps; a Y below 1 counts as 1.
-spec series_exponent(atom(), atom(), [#{atom() => term()}, ...]) -> float().
series_exponent(XKey, YKey, Series) ->
    growth_exponent([{maps:get(XKey, Point), max(1, maps:get(YKey, Point))} || Point <- Series]).

%% The first X of a series from which on Y is the same to the end.
-spec constant_from([{X, number()}, ...]) -> X.
constant_from(Series) ->
    [{Last, Value} | Before] = lists:reverse(Series),
    constant_from(Before, Value, Last).

constant_from([{X, Value} | Before], Value, _) -> constant_from(Before, Value, X);
constant_from(_, _, First) -> First.

-spec median([number(), ...]) -> float().
median(Values) ->
    Sorted = lists:sort(Values),
    Length = length(Sorted),
    Upper = lists:nth(Length div 2 + 1, Sorted),
    case Length rem 2 of
        1 -> float(Upper);
        0 -> (lists:nth(Length div 2, Sorted) + Upper) / 2
    end.

%% The first element for which Predicate holds, or `none'.
-spec first_where(fun((Element) -> boolean()), [Element]) -> Element | none.
first_where(_, []) ->
    none;
first_where(Predicate, [Element | Rest]) ->
    case Predicate(Element) of
        true -> Element;
        false -> first_where(Predicate, Rest)
    end.

%% Try every X. The largest for which Holds is false and the smallest for which it is true, `none'
%% where there is no such X: a clean threshold when the second is the next after the first.
-spec sweep([X], fun((X) -> boolean())) -> {LargestFalse :: X | none, SmallestTrue :: X | none}.
sweep(Xs, Holds) ->
    {True, False} = lists:partition(Holds, Xs),
    {extreme(fun lists:max/1, False), extreme(fun lists:min/1, True)}.

extreme(_, []) -> none;
extreme(Which, Xs) -> Which(Xs).

%% As sweep/2 over the integers from Low to High, in steps that halve, given that Holds is false up
%% to some number and true above it. The result is two neighbours, both of which were tried: raises
%% {setup, {holds_at, Low}} or {setup, {holds_nowhere_up_to, High}} when there is no threshold.
-spec bisect(integer(), integer(), fun((integer()) -> boolean())) ->
    {LargestFalse :: integer(), SmallestTrue :: integer()}.
bisect(Low, High, Holds) when Low < High ->
    {False, True} = halve(Low, High, Holds),
    False > Low orelse not Holds(Low) orelse error({setup, {holds_at, Low}}),
    True < High orelse Holds(High) orelse error({setup, {holds_nowhere_up_to, High}}),
    {False, True}.

halve(Low, High, _) when High - Low =:= 1 ->
    {Low, High};
halve(Low, High, Holds) ->
    Middle = (Low + High) div 2,
    case Holds(Middle) of
        true -> halve(Low, Middle, Holds);
        false -> halve(Middle, High, Holds)
    end.
