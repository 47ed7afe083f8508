%% Tables that clean up after themselves, their words, and walks over them.
%% Knows ETS; knows nothing of any claim, and never judges.
-module(beam_ets_internals_tables).

-export([
    with_table/2,
    delete/1,
    filled/2,
    words/1,
    per_object_words/2,
    empty/2,
    option_words/0,
    write_options/0,
    walk_count/1,
    chunks/1
]).

-export_type([options/0]).

-type options() :: [atom() | tuple()].

%% A public, unnamed table for the time of Fun.
-spec with_table(options(), fun((ets:table()) -> Value)) -> Value.
with_table(Options, Fun) ->
    Table = ets:new(probe_subject, [public | Options]),
    try
        Fun(Table)
    after
        delete(Table)
    end.

%% Delete a table that may be gone already.
-spec delete(ets:table()) -> boolean().
delete(Table) ->
    try
        ets:delete(Table)
    catch
        error:badarg -> false
    end.

%% The table, with the objects put into it.
-spec filled(ets:table(), [tuple()]) -> ets:table().
filled(Table, Objects) ->
    true = ets:insert(Table, Objects),
    Table.

%% What ets:info(T, memory) says.
-spec words(ets:table()) -> non_neg_integer().
words(Table) ->
    ets:info(Table, memory).

%% Words by which ets:info(T, memory) grows when one object enters an empty table.
-spec per_object_words(options(), tuple()) -> integer().
per_object_words(Options, Object) ->
    with_table(Options, fun(Table) ->
        Empty = words(Table),
        words(filled(Table, [Object])) - Empty
    end).

%% What Count empty tables take, per table: their words as bytes, the growth of erlang:memory(ets)
%% and of erlang:memory(system), and what each counts beyond the words.
-spec empty(options(), pos_integer()) -> probe_lib:evidence().
empty(Options, Count) ->
    {Ets, System} = {probe_measure:memory_at_rest(ets), probe_measure:memory_at_rest(system)},
    Tables = [ets:new(empty, [public | Options]) || _ <- lists:seq(1, Count)],
    Words = lists:sum([words(Table) || Table <- Tables]),
    Bytes = probe_measure:words_to_bytes(Words),
    {Ets1, System1} = {probe_measure:memory_at_rest(ets), probe_measure:memory_at_rest(system)},
    lists:foreach(fun delete/1, Tables),
    #{
        words_bytes => Bytes / Count,
        vm_ets_bytes => (Ets1 - Ets) / Count,
        vm_system_bytes => (System1 - System) / Count,
        gap_per_table_bytes => (Ets1 - Ets - Bytes) / Count,
        system_gap_per_table_bytes => (System1 - System - Bytes) / Count
    }.

%% Words of empty tables, those that each option adds, and what a table with each says that it has.
%% Called on a peer as well.
-spec option_words() -> probe_lib:evidence().
option_words() ->
    Options = #{
        write_concurrency => [{write_concurrency, true}, {decentralized_counters, false}],
        read_concurrency => [{read_concurrency, true}],
        compressed => [compressed]
    },
    Case = fun(Type) ->
        Plain = with_table([Type], fun words/1),
        #{
            words => Plain,
            extra_words => maps:map(fun(_, With) -> with_table([Type | With], fun words/1) - Plain end, Options),
            taken => maps:map(
                fun(Name, With) -> with_table([Type | With], fun(Table) -> ets:info(Table, Name) end) end, Options
            )
        }
    end,
    #{set => Case(set), ordered_set => Case(ordered_set)}.

%% What tables made with values of write_concurrency say that they have. Called on a peer as well.
-spec write_options() -> probe_lib:evidence().
write_options() ->
    Values = #{off => [], on => [{write_concurrency, true}], auto => [{write_concurrency, auto}]},
    Words = fun(Type, Options) -> with_table([Type | Options], fun words/1) end,
    Case = fun(Type) ->
        Answers = maps:map(fun(_, Options) -> taken([Type | Options]) end, Values),
        Answers#{on_extra_words => Words(Type, maps:get(on, Values)) - Words(Type, [])}
    end,
    #{set => Case(set), ordered_set => Case(ordered_set)}.

taken(Options) ->
    try
        with_table(Options, fun(Table) ->
            #{
                write_concurrency => ets:info(Table, write_concurrency),
                decentralized_counters => ets:info(Table, decentralized_counters)
            }
        end)
    catch
        error:badarg -> #{write_concurrency => badarg}
    end.

%% Visit every key with first/1 and next/2.
-spec walk_count(ets:table()) -> non_neg_integer().
walk_count(Table) ->
    walk_count(Table, ets:first(Table), 0).

walk_count(_, '$end_of_table', Count) ->
    Count;
walk_count(Table, Key, Count) ->
    walk_count(Table, ets:next(Table, Key), Count + 1).

%% Follow continuations to the end. Returns the chunks in their order.
-spec chunks('$end_of_table' | {list(), term()}) -> [list()].
chunks('$end_of_table') -> [];
chunks({Chunk, Continuation}) -> [Chunk | chunks(ets:select(Continuation))].
