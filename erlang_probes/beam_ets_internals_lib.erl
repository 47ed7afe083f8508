%% What the probes of beam-ets-internals share: tables that clean up after themselves, what a call
%% costs its caller, and the load that writers put on a table. Judges nothing.
-module(beam_ets_internals_lib).

-export([
    with_table/2,
    filled/2,
    words/1,
    per_object_words/2,
    vm_bytes/1,
    reductions/1,
    peak_heap_words/1,
    best_in_turn_us/2,
    series_exponent/3,
    walk_count/1,
    drain/3,
    writers/4,
    outcome/1,
    text/1
]).

-export_type([table_options/0]).

-type table_options() :: [atom() | tuple()].

%% A public, unnamed table for the time of Fun.
-spec with_table(table_options(), fun((ets:table()) -> Value)) -> Value.
with_table(Options, Fun) ->
    Table = ets:new(probe_subject, [public | Options]),
    try
        Fun(Table)
    after
        catch ets:delete(Table)
    end.

%% Put {1, Value} .. {Count, Value} into the table.
-spec filled(ets:table(), [tuple()]) -> ets:table().
filled(Table, Objects) ->
    true = ets:insert(Table, Objects),
    Table.

-spec words(ets:table()) -> non_neg_integer().
words(Table) ->
    ets:info(Table, memory).

%% Words by which ets:info(T, memory) grows when one object enters an empty table.
-spec per_object_words(table_options(), tuple()) -> integer().
per_object_words(Options, Object) ->
    with_table(Options, fun(Table) ->
        Empty = words(Table),
        words(filled(Table, [Object])) - Empty
    end).

%% The VM's own figure, when it has come to rest: what other schedulers free arrives later.
-spec vm_bytes(ets | binary) -> non_neg_integer().
vm_bytes(Kind) ->
    vm_bytes(Kind, erlang:memory(Kind), 50).

vm_bytes(_, Bytes, 0) ->
    Bytes;
vm_bytes(Kind, Bytes, Rounds) ->
    timer:sleep(2),
    case erlang:memory(Kind) of
        Bytes -> Bytes;
        Other -> vm_bytes(Kind, Other, Rounds - 1)
    end.

%% Reductions that the calling process pays for Fun, in a process of its own with so large a heap
%% that collections do not count.
-spec reductions(fun(() -> term())) -> non_neg_integer().
reductions(Fun) ->
    Roomy = [{min_heap_size, 1_000_000}],
    probe_lib:in_process(
        fun() ->
            {reductions, Before} = process_info(self(), reductions),
            _ = Fun(),
            {reductions, After} = process_info(self(), reductions),
            After - Before
        end,
        Roomy
    ).

%% Words of heap that a fresh process holds right after Fun, whose value it keeps; an observer
%% asks while the process waits.
-spec peak_heap_words(fun(() -> term())) -> non_neg_integer().
peak_heap_words(Fun) ->
    probe_lib:with_process([], fun(Subject) ->
        probe_lib:ask(Subject, fun(_) -> {ok, Fun()} end),
        {total_heap_size, Words} = process_info(Subject, total_heap_size),
        Words
    end).

%% The least time of each fun over Rounds rounds in which each is run once, so that what disturbs
%% the machine for a while disturbs them alike.
-spec best_in_turn_us(pos_integer(), [fun(() -> term())]) -> [float()].
best_in_turn_us(Rounds, Funs) ->
    lists:foldl(
        fun(_, Best) -> lists:zipwith(fun erlang:min/2, Best, times_us(Funs)) end,
        times_us(Funs),
        lists:seq(2, Rounds)
    ).

times_us(Funs) ->
    [probe_lib:elapsed_us(Fun) || Fun <- Funs].

%% The growth exponent of YKey over XKey in a series of maps.
-spec series_exponent(atom(), atom(), [map()]) -> float().
series_exponent(XKey, YKey, Series) ->
    probe_lib:growth_exponent([
        {maps:get(XKey, Point), max(1, maps:get(YKey, Point))}
     || Point <- Series
    ]).

%% Visit every key with first/1 and next/2.
-spec walk_count(ets:table()) -> non_neg_integer().
walk_count(Table) ->
    walk_count(Table, ets:first(Table), 0).

walk_count(_, '$end_of_table', Count) ->
    Count;
walk_count(Table, Key, Count) ->
    walk_count(Table, ets:next(Table, Key), Count + 1).

%% Follow continuations to the end; Between is called before each with the number of chunks so
%% far. Returns the chunks, the last first.
-spec drain(Answer, fun((pos_integer()) -> term()), [list()]) -> [list()] when
    Answer :: '$end_of_table' | {list(), term()}.
drain('$end_of_table', _, Chunks) ->
    Chunks;
drain({Chunk, Continuation}, Between, Chunks) ->
    Between(length(Chunks) + 1),
    drain(ets:select(Continuation), Between, [Chunk | Chunks]).

%% Writers processes insert and delete random keys below 200,000 for Ms milliseconds. Returns
%% operations per millisecond and the most base nodes (a tree that adapts) seen meanwhile.
-spec writers(ets:table(), pos_integer(), pos_integer(), [pos_integer()]) ->
    #{operations_per_ms := float(), base_nodes_count := non_neg_integer()}.
writers(Table, Writers, Ms, Seeds) ->
    Stop = atomics:new(1, []),
    Self = self(),
    Started = erlang:monotonic_time(),
    Running = [
        spawn_monitor(fun() ->
            rand:seed(exsss, {Seed, 2, 3}),
            Self ! {self(), write(Table, Stop, 0)}
        end)
     || Seed <- lists:sublist(Seeds, Writers)
    ],
    BaseNodes = watch(Table, erlang:monotonic_time(millisecond) + Ms, 0),
    atomics:put(Stop, 1, 1),
    Counts = [finished(Pid, Ref) || {Pid, Ref} <- Running],
    Took = erlang:convert_time_unit(erlang:monotonic_time() - Started, native, microsecond),
    #{operations_per_ms => lists:sum(Counts) * 1000 / Took, base_nodes_count => BaseNodes}.

write(Table, Stop, Count) ->
    case atomics:get(Stop, 1) of
        1 ->
            Count;
        0 ->
            lists:foreach(
                fun(_) ->
                    Key = rand:uniform(200_000),
                    ets:insert(Table, {Key, 1}),
                    ets:delete(Table, Key + 1)
                end,
                lists:seq(1, 50)
            ),
            write(Table, Stop, Count + 100)
    end.

%% `stats' of an ordered_set with write_concurrency is {RouteNodes, BaseNodes, Depth}; of other
%% tables it is something else.
watch(Table, Deadline, Most) ->
    Now = erlang:monotonic_time(millisecond),
    timer:sleep(5),
    case ets:info(Table, stats) of
        {_, BaseNodes, _} when Now < Deadline -> watch(Table, Deadline, max(Most, BaseNodes));
        _ when Now < Deadline -> watch(Table, Deadline, Most);
        _ -> Most
    end.

finished(Pid, Ref) ->
    receive
        {Pid, Count} ->
            receive
                {'DOWN', Ref, process, Pid, _} -> Count
            end
    after 30_000 -> error({setup, writer_stuck})
    end.

%% What a call answered or raised, as text: terms of any shape fit into the evidence.
-spec outcome(fun(() -> term())) -> binary().
outcome(Fun) ->
    try
        text(Fun())
    catch
        Class:{Reason, _} when is_atom(Reason) -> text({Class, Reason});
        Class:Reason -> text({Class, Reason})
    end.

-spec text(term()) -> binary().
text(Term) ->
    unicode:characters_to_binary(io_lib:format("~0tp", [Term])).
