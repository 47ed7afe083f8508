%% What the probes of beam-memory-management share: holders of binaries, counters of words.
%% Knows how to place and to look; knows no claim. Not a probe module.
-module(beam_memory_management_lib).

-export([
    border/2,
    bytes/1,
    sweep/2,
    constant_from/1,
    hold/2,
    off_heap/1,
    collected/2,
    hibernate/1,
    wake/1,
    allocated_words/2,
    received_bytes/1,
    samples/3,
    collections/2,
    churn/1,
    total_words/1
]).

-export_type([border/0, collection/0]).

%% One collection as the trace shows it; scheduler 0 is any dirty one.
-type collection() :: #{type := minor | major, scheduler := non_neg_integer()}.

-define(DEADLINE_MS, 3000).

%% What a sweep over sizes found: the largest size that stays on the heap, and the smallest that
%% does not. `none' where there is no such size in the sweep.
-type border() :: #{
    largest_heap_binary_bytes := non_neg_integer() | none,
    smallest_refc_binary_bytes := non_neg_integer() | none
}.

%% The border that a sweep of sizes from 0 to Last shows, given what is off the heap at a size.
-spec border(pos_integer(), fun((non_neg_integer()) -> [pos_integer()])) -> border().
border(Last, OffHeapAt) ->
    {Heap, Refc} = sweep(lists:seq(0, Last), OffHeapAt),
    #{largest_heap_binary_bytes => Heap, smallest_refc_binary_bytes => Refc}.

%% The largest of the sizes at which nothing is off the heap, and the smallest at which something
%% is; `none' where there is no such size.
-spec sweep([Size], fun((Size) -> [pos_integer()])) -> {Size | none, Size | none}.
sweep(Sizes, OffHeapAt) ->
    Found = [{Size, OffHeapAt(Size)} || Size <- Sizes],
    {
        extreme(max, [Size || {Size, []} <- Found]),
        extreme(min, [Size || {Size, [_ | _]} <- Found])
    }.

extreme(_, []) -> none;
extreme(max, Sizes) -> lists:max(Sizes);
extreme(min, Sizes) -> lists:min(Sizes).

%% A binary of Size bytes, built now, and nothing else; quicker than to copy byte by byte.
-spec bytes(non_neg_integer()) -> binary().
bytes(Size) ->
    <<7:Size/unit:8>>.

%% Make Pid hold what Make returns as its only state; returns what it then has off the heap.
-spec hold(pid(), fun(() -> term())) -> [pos_integer()].
hold(Pid, Make) ->
    probe_lib:ask(Pid, fun(_) -> {ok, Make()} end),
    true = erlang:garbage_collect(Pid),
    off_heap(Pid).

%% The sizes of the reference-counted binaries that Pid refers to, each binary once.
-spec off_heap(pid()) -> [pos_integer()].
off_heap(Pid) ->
    {binary, References} = process_info(Pid, binary),
    [Bytes || {_, Bytes} <- lists:usort([{Id, Bytes} || {Id, Bytes, _} <- References])].

%% Collect Pid, and return the off-heap sizes that it refers to afterwards.
-spec collected(pid(), minor | major) -> [pos_integer()].
collected(Pid, Type) ->
    true = erlang:garbage_collect(Pid, [{type, Type}]),
    off_heap(Pid).

%% Have Pid hibernate, and return the off-heap sizes that it refers to in its sleep. Any ask/2
%% wakes it, with its state.
-spec hibernate(pid()) -> [pos_integer()].
hibernate(Pid) ->
    Pid ! {ask, self(), make_ref(), fun(State) -> erlang:hibernate(?MODULE, wake, [State]) end},
    Asleep = fun() ->
        process_info(Pid, [current_function, status]) =:=
            [{current_function, {erlang, hibernate, 3}}, {status, waiting}] andalso {done, true}
    end,
    #{settled := true} = probe_lib:settle(Asleep, ?DEADLINE_MS),
    off_heap(Pid).

%% Where a hibernated subject goes on: it answers what it is asked, as probe_lib:subject/1 does.
-spec wake(term()) -> no_return().
wake(State) ->
    receive
        {ask, From, Ref, Fun} ->
            {Reply, NewState} = Fun(State),
            From ! {Ref, Reply},
            wake(NewState)
    end.

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

%% The bytes by which the memory of a process that reads nothing grows when Message waits for it.
-spec received_bytes(term()) -> integer().
received_bytes(Message) ->
    Pid = spawn_opt(fun() -> receive never -> ok end end, [{message_queue_data, off_heap}]),
    try
        {memory, Before} = process_info(Pid, memory),
        Pid ! Message,
        {memory, After} = process_info(Pid, memory),
        After - Before
    after
        probe_lib:kill_and_wait(Pid)
    end.

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
        {trace, _, gc_minor_start, _, Id} -> [#{type => minor, scheduler => Id} | traced_collections()];
        {trace, _, gc_major_start, _, Id} -> [#{type => major, scheduler => Id} | traced_collections()];
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
