%% Tables that are read in chunks while another process writes to them.
%% Knows ETS; knows nothing of any claim, and never judges.
-module(beam_ets_internals_chunks).

-export([grow/1, shrink/1, reading/4, summary/1]).

-export_type([reading/0]).

%% How one reading ended; the objects that were there all the time and came never, and those that
%% came again; by how many objects the write changed the table.
-type reading() :: #{
    ended := complete | atom(),
    missed := non_neg_integer(),
    repeated := non_neg_integer(),
    written := integer()
}.

-define(OBJECTS, 20_000).
-define(CHUNK, 100).

%% Insert as many others. Returns the keys that were there all the time.
-spec grow(ets:table()) -> [pos_integer()].
grow(Table) ->
    ets:insert(Table, [{N, x} || N <- lists:seq(100_001, 100_000 + ?OBJECTS)]),
    lists:seq(1, ?OBJECTS).

%% Delete all but every tenth. Returns the keys that were there all the time.
-spec shrink(ets:table()) -> [pos_integer()].
shrink(Table) ->
    {Kept, Deleted} = lists:partition(fun(N) -> N rem 10 =:= 0 end, lists:seq(1, ?OBJECTS)),
    lists:foreach(fun(N) -> ets:delete(Table, N) end, Deleted),
    Kept.

%% Read all keys in chunks, and let another process write after Place of them.
-spec reading(atom(), boolean(), fun((ets:table()) -> [pos_integer()]), pos_integer()) -> reading().
reading(Type, Fixed, Write, Place) ->
    beam_ets_internals_tables:with_table([Type], fun(Table) ->
        _ = beam_ets_internals_tables:filled(Table, [{N, x} || N <- lists:seq(1, ?OBJECTS)]),
        true = ets:safe_fixtable(Table, Fixed),
        First = ets:select(Table, [{{'$1', '_'}, [], ['$1']}], ?CHUNK),
        {partly, Before, Continuation} = read(First, Place, []),
        Constant = probe_lib:in_process(fun() -> Write(Table) end),
        {Ended, Found} = rest(Continuation, Before),
        Kept = sets:from_list(Constant),
        Seen = [N || N <- Found, sets:is_element(N, Kept)],
        Distinct = length(lists:usort(Seen)),
        #{
            ended => Ended,
            missed => length(Constant) - Distinct,
            repeated => length(Seen) - Distinct,
            written => ets:info(Table, size) - ?OBJECTS
        }
    end).

read({Chunk, Continuation}, 1, Found) -> {partly, Chunk ++ Found, Continuation};
read({Chunk, Continuation}, Left, Found) -> read(ets:select(Continuation), Left - 1, Chunk ++ Found).

rest(Continuation, Found) ->
    try ets:select(Continuation) of
        '$end_of_table' -> {complete, Found};
        {Chunk, Next} -> rest(Next, Chunk ++ Found)
    catch
        error:Reason -> {Reason, Found}
    end.

%% What all the readings have together.
-spec summary([reading()]) -> probe_lib:evidence().
summary(Readings) ->
    Complete = [Reading || #{ended := complete} = Reading <- Readings],
    Sum = fun(Key, Of) -> lists:sum([maps:get(Key, Reading) || Reading <- Of]) end,
    #{
        complete_count => length(Complete),
        badarg_count => length([badarg || #{ended := badarg} <- Readings]),
        incomplete_though_ended_count => length([missed || #{missed := Missed} <- Complete, Missed > 0]),
        missed_count => Sum(missed, Complete),
        repeated_count => Sum(repeated, Readings),
        written_count => Sum(written, Readings)
    }.
