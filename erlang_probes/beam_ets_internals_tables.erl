%% Tables that clean up after themselves, their words, and walks over them.
%% Knows ETS; knows nothing of any claim, and never judges.
-module(beam_ets_internals_tables).

-export([
    with_table/2,
    delete/1,
    filled/2,
    words/1,
    per_object_words/2,
    walk_count/1,
    drain/3
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
