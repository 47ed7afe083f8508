%% Collections of the probes of beam-memory-management: subjects that make garbage, what the trace
%% shows of their collections, heap sizes. Knows how to count them; knows no claim.
%% Not a probe module.
-module(beam_memory_management_collections).

-export([
    allocated_words/2,
    samples/3,
    constant_from/1,
    collections/2,
    churn/1,
    total_words/1,
    walk_matching/2,
    walk_splitting/2,
    counted_list/2,
    fullsweep_period_of/1,
    tally/1,
    reclaimed_after/1,
    spin_during/2,
    bisect/3,
    made_until_collected/2,
    heap_sizes/2,
    grown_heap_words/1,
    by_setting/2,
    label/3
]).

-export_type([collection/0]).

-define(BINARIES, beam_memory_management_binaries).
-define(DEADLINE_MS, 3000).
-define(MB, (1024 * 1024)).
%% Spawn options of a subject whose heaps are so large that only forced collections happen.
-define(QUIET, [{min_heap_size, 10_000}, {min_bin_vheap_size, 100_000_000}]).

%% One collection as the trace shows it; scheduler 0 is any dirty one.
-type collection() :: #{type := minor | major, scheduler := non_neg_integer()}.

%% The words that Fun(State) allocates on the heap of a subject whose state Make() builds, and
%% that no collection disturbs. What asking itself costs is taken off; messages are kept off the
%% heap, or a sender that finds the heap unlocked would allocate there.
-spec allocated_words(fun(() -> State), fun((State) -> term())) -> non_neg_integer().
allocated_words(Make, Fun) ->
    Quiet = [
        {min_heap_size, 500_000}, {min_bin_vheap_size, 100_000_000}, {message_queue_data, off_heap}
    ],
    probe_lib:with_process(Quiet, fun(Subject) ->
        probe_lib:ask(Subject, fun(_) -> {ok, Make()} end),
        true = erlang:garbage_collect(Subject),
        Words = fun(Measured) ->
            Before = used_words(Subject),
            probe_lib:ask(Subject, fun(State) -> {keep(Measured(State)), State} end),
            used_words(Subject) - Before
        end,
        Asking = Words(fun(_) -> ok end),
        Words(Fun) - Asking
    end).

keep(_) -> ok.

used_words(Pid) ->
    {garbage_collection_info, Info} = process_info(Pid, garbage_collection_info),
    proplists:get_value(heap_size, Info).

%% A series as evidence.
-spec samples(atom(), atom(), [probe_lib:sample()]) -> [map()].
samples(XKey, YKey, Series) ->
    [#{XKey => X, YKey => Y} || {X, Y} <- Series].

%% The first X of a series from which on Y is the same to the end.
-spec constant_from([{X, number()}, ...]) -> X.
constant_from(Series) ->
    [{Last, Value} | Before] = lists:reverse(Series),
    constant_from(Before, Value, Last).

constant_from([{X, Value} | Before], Value, _) -> constant_from(Before, Value, X);
constant_from(_, _, First) -> First.

%% What Fun(Subject) returns for a fresh subject, and the collections of the subject meanwhile.
-spec collections(list(), fun((pid()) -> Value)) -> {Value, [collection()]}.
collections(SpawnOptions, Fun) ->
    probe_lib:in_process(fun() ->
        probe_lib:with_process(SpawnOptions, fun(Subject) ->
            1 = erlang:trace(Subject, true, [garbage_collection, scheduler_id]),
            Value = Fun(Subject),
            Ref = erlang:trace_delivered(Subject),
            receive
                {trace_delivered, Subject, Ref} -> {Value, traced_collections()}
            after ?DEADLINE_MS -> error({setup, trace_not_delivered})
            end
        end)
    end).

traced_collections() ->
    receive
        {trace, _, gc_minor_start, _, Id} ->
            [#{type => minor, scheduler => Id} | traced_collections()];
        {trace, _, gc_major_start, _, Id} ->
            [#{type => major, scheduler => Id} | traced_collections()];
        {trace, _, _, _, _} -> traced_collections()
    after 0 -> []
    end.

%% Allocate 200 words of garbage Rounds times, and keep nothing.
-spec churn(non_neg_integer()) -> ok.
churn(0) ->
    ok;
churn(Rounds) ->
    keep(lists:reverse(lists:seq(1, 50))),
    churn(Rounds - 1).

-spec total_words(pid()) -> non_neg_integer().
total_words(Pid) ->
    {total_heap_size, Words} = process_info(Pid, total_heap_size),
    Words.

%% Count the bytes by matching one and the rest: the compiler keeps one match context.
-spec walk_matching(binary(), non_neg_integer()) -> non_neg_integer().
walk_matching(<<_, Rest/binary>>, Count) -> walk_matching(Rest, Count + 1);
walk_matching(<<>>, Count) -> Count.

%% Count the bytes by splitting off one at a time.
-spec walk_splitting(binary(), non_neg_integer()) -> non_neg_integer().
walk_splitting(<<>>, Count) -> Count;
walk_splitting(Binary, Count) ->
    {_, Rest} = split_binary(Binary, 1),
    walk_splitting(Rest, Count + 1).

-spec counted_list(non_neg_integer(), list()) -> list().
counted_list(0, List) -> List;
counted_list(Count, List) -> counted_list(Count - 1, [Count | List]).

%% What a process with this fullsweep_after does when it makes garbage only.
-spec fullsweep_period_of(non_neg_integer()) -> map().
fullsweep_period_of(Setting) ->
    {ok, Collections} = collections([{fullsweep_after, Setting}], fun(Subject) ->
        probe_lib:ask(Subject, fun(_) -> {churn(330), none} end)
    end),
    Intervals = minors_before_majors(Collections, 0),
    #{
        fullsweep_after_count => Setting,
        collections_count => length(Collections),
        full_sweeps_count => length(Intervals),
        minors_between_count => lists:usort(tl(Intervals))
    }.

minors_before_majors([], _) -> [];
minors_before_majors([#{type := minor} | Rest], Count) -> minors_before_majors(Rest, Count + 1);
minors_before_majors([#{type := major} | Rest], Count) -> [Count | minors_before_majors(Rest, 0)].

-spec tally([collection()]) -> map().
tally(Collections) ->
    {Minor, Major} = lists:partition(fun(#{type := Type}) -> Type =:= minor end, Collections),
    #{minor_count => length(Minor), full_sweeps_count => length(Major)}.

%% How many forced minor collections it takes until a promoted and dropped binary is gone.
-spec reclaimed_after(non_neg_integer()) -> pos_integer() | none.
reclaimed_after(Setting) ->
    probe_lib:with_process([{fullsweep_after, Setting} | ?QUIET], fun(Holder) ->
        ?BINARIES:hold(Holder, fun() -> ?BINARIES:bytes(?MB) end),
        [_ | _] = ?BINARIES:collected(Holder, minor),
        [_ | _] = ?BINARIES:collected(Holder, minor),
        probe_lib:ask(Holder, fun(_) -> {ok, none} end),
        probe_lib:first_where(
            fun(_) -> ?BINARIES:collected(Holder, minor) =:= [] end, lists:seq(1, 200)
        )
    end).

%% Count rounds of a loop from Start() until {Tag, _} arrives.
-spec spin_during(fun(() -> term()), reference()) -> map().
spin_during(Start, Tag) ->
    Begin = erlang:monotonic_time(microsecond),
    Start(),
    Rounds = spin(Tag, 0),
    Ms = (erlang:monotonic_time(microsecond) - Begin) / 1000,
    #{elapsed_ms => Ms, rounds_per_ms => Rounds / Ms}.

spin(Tag, Rounds) ->
    receive
        {Tag, _} -> Rounds
    after 0 -> spin(Tag, Rounds + 1)
    end.

%% The largest known number where Holds is false and the smallest where it is true.
-spec bisect(integer(), integer(), fun((integer()) -> boolean())) -> {integer(), integer()}.
bisect(Low, High, Holds) when High - Low > 2 ->
    Middle = (Low + High) div 2,
    case Holds(Middle) of
        true -> bisect(Low, Middle, Holds);
        false -> bisect(Middle, High, Holds)
    end;
bisect(Low, High, _) ->
    {Low, High}.

%% Off-heap bytes that a fresh process makes, Size at a time, until it is collected.
-spec made_until_collected(list(), pos_integer()) -> pos_integer() | none.
made_until_collected(SpawnOptions, Size) ->
    {Steps, _} = collections(SpawnOptions, fun(Subject) ->
        Made = fun(Step) ->
            Size = probe_lib:ask(Subject, fun(_) -> {byte_size(?BINARIES:bytes(Size)), Step} end),
            collected_already(Subject)
        end,
        probe_lib:first_where(Made, lists:seq(1, 6_000_000 div max(Size, 1000)))
    end),
    case Steps of
        none -> none;
        _ -> Steps * Size
    end.

collected_already(Subject) ->
    receive
        {trace, Subject, gc_minor_start, _, _} -> true;
        {trace, Subject, gc_major_start, _, _} -> true
    after 0 -> false
    end.

%% The sizes that a heap can have, up to Most words.
-spec heap_sizes(non_neg_integer(), pos_integer()) -> [pos_integer()].
heap_sizes(Ask, Most) when Ask > Most ->
    [];
heap_sizes(Ask, Most) ->
    Words = probe_lib:with_process([{min_heap_size, Ask}], fun(Pid) -> total_words(Pid) end),
    [Words | heap_sizes(Words + 1, Most)].

%% The words of Subject's young heap, ten more list cells later.
-spec grown_heap_words(pid()) -> pos_integer().
grown_heap_words(Subject) ->
    probe_lib:ask(Subject, fun(List) -> {ok, lists:seq(1, 10) ++ List} end),
    {heap_size, Words} = process_info(Subject, heap_size),
    Words.

%% One key a setting, after_N_count, with what Key says there.
-spec by_setting(atom(), [map()]) -> map().
by_setting(Key, Settings) ->
    maps:from_list([
        {label("after_", Setting, "_count"), maps:get(Key, Evidence)}
     || #{fullsweep_after_count := Setting} = Evidence <- Settings
    ]).

-spec label(string(), integer(), string()) -> atom().
label(Before, Number, After) ->
    list_to_atom(Before ++ integer_to_list(Number) ++ After).
