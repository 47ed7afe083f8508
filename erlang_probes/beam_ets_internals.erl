%% Probes of the skill beam-ets-internals: what ETS counts and in which unit, what each access
%% costs and copies, match specifications, iteration, ownership, and the two that build on it:
%% DETS and Mnesia.
-module(beam_ets_internals).

-export([
    memory_unit/1,
    accounting_gap/1,
    object_words/1,
    binary_words/1,
    compressed_words/1,
    option_words/1,
    number_keys/1,
    zero_keys/1,
    traversal_order/1,
    lookup_growth/1,
    bound_keys/1,
    whole_table/1,
    lookup_functions/1,
    reader_heap/1,
    copy_out/1,
    sharing_lost/1,
    binary_shared/1,
    writer_scaling/1,
    spec_forms/1,
    spec_results/1,
    quoted_variables/1,
    fun2ms_compiled/1,
    fun2ms_called/1,
    chunks/1,
    writes_between_chunks/1,
    next_after_delete/1,
    continuation_copied/1,
    table_owner/1,
    table_unreferenced/1,
    dets_units/1,
    dets_keys/1,
    dets_left_open/1,
    dets_full/1,
    mnesia_storage/1,
    mnesia_cut/1,
    mnesia_majority/1
]).

-define(TABLES, beam_ets_internals_tables).
-define(WRITERS, beam_ets_internals_writers).
-define(SPECS, beam_ets_internals_specs).
-define(DETS, beam_ets_internals_dets).
-define(MNESIA, beam_ets_internals_mnesia).

-define(TYPES, [set, bag, duplicate_bag, ordered_set]).

%%% Units and accounting

%% Fills ordered_sets with objects of growing size and reads the same growth from ets:info/2 and
%% from erlang:memory/1.
%% Evidence: the growth in each, and bytes of the VM per unit of ets:info/2 for the largest.
%% Cost: 60,000 small inserts. Node-wide counter: wants a node of its own.
%% Misread: small objects give a ratio above the word size, the VM counts what each block costs.
%% Source: https://www.erlang.org/doc/apps/stdlib/ets.html#info/2
-spec memory_unit(probe_lib:args()) -> probe_lib:evidence().
memory_unit(_) ->
    Series = [
        begin
            {Units, Bytes} = growth(ordered_set, 2000, lists:seq(1, Length)),
            #{elements_count => Length, info_units => Units, vm_bytes => Bytes}
        end
     || Length <- [1, 10, 50, 200, 500]
    ],
    #{info_units := Units, vm_bytes := Bytes} = lists:last(Series),
    #{
        series => Series,
        wordsize_bytes => erlang:system_info(wordsize),
        vm_bytes_per_unit_ratio => Bytes / Units
    }.

%% What Count objects {Integer, Value} add to ets:info(T, memory) and to erlang:memory(ets).
growth(Type, Count, Value) ->
    ?TABLES:with_table([Type], fun(Table) ->
        Units = ?TABLES:words(Table),
        Bytes = probe_measure:memory_at_rest(ets),
        lists:foreach(fun(Key) -> ets:insert(Table, {Key, Value}) end, lists:seq(1, Count)),
        {?TABLES:words(Table) - Units, probe_measure:memory_at_rest(ets) - Bytes}
    end).

%% Compares the sum over the tables with the VM's own figure, for few and many, small and large
%% objects.
%% Evidence: bytes that the VM counts beyond the table's words, per object, for each number of
%% objects and size of object; their exponents; the gap of the VM at rest, before any table.
%% Cost: about 230,000 inserts, 0.2 s. Node-wide counter: wants a node of its own.
%% Misread: the gap of a running system holds freed tables and other users of the allocator too.
%% Source: https://github.com/erlang/otp/blob/OTP-27.0/erts/emulator/beam/erl_alloc_util.c
-spec accounting_gap(probe_lib:args()) -> probe_lib:evidence().
accounting_gap(_) ->
    Wordsize = erlang:system_info(wordsize),
    Rest = probe_measure:memory_at_rest(ets) - Wordsize * lists:sum([?TABLES:words(T) || T <- ets:all()]),
    Gap = fun(Count, Length) ->
        {Words, Bytes} = growth(ordered_set, Count, lists:seq(1, Length)),
        #{
            objects_count => Count,
            object_words => Words div Count,
            gap_bytes => Bytes - Words * Wordsize,
            gap_per_object_bytes => (Bytes - Words * Wordsize) / Count
        }
    end,
    ByNumber = [Gap(Count, 10) || Count <- [10_000, 20_000, 40_000, 80_000]],
    BySize = [Gap(20_000, Length) || Length <- [1, 4, 16, 64]],
    #{
        by_number => ByNumber,
        by_size => BySize,
        gap_by_number_exponent => probe_measure:series_exponent(objects_count, gap_bytes, ByNumber),
        gap_by_size_exponent => probe_measure:series_exponent(object_words, gap_bytes, BySize),
        gap_at_rest_bytes => Rest
    }.

%% Inserts one object each of fifteen kinds of value into an empty table of each type.
%% Evidence: for each type the least and the most words by which an object costs more than the
%% tuple itself has on a heap; the words per small object of tables of 100,000.
%% Cost: 60 tables of one object, four of 100,000; about 0.2 s.
%% Misread: hash tables need about one more word per object for their buckets once they grow.
%% Source: https://github.com/erlang/otp/blob/OTP-27.0/erts/emulator/beam/erl_db_util.h
-spec object_words(probe_lib:args()) -> probe_lib:evidence().
object_words(_) ->
    Values = [
        1, a, [], self(), make_ref(), 1.5, 1 bsl 80, {1, 2, 3}, lists:seq(1, 100),
        #{a => 1, b => 2}, maps:from_list([{N, N} || N <- lists:seq(1, 100)]),
        binary:copy(<<1>>, 8), binary:copy(<<1>>, 64), fun erlang:self/0, {{1, 2}, [<<"x">>]}
    ],
    Overhead = fun(Type) ->
        Beyond = [?TABLES:per_object_words([Type], {k, V}) - erts_debug:flat_size({k, V}) || V <- Values],
        Many = ?TABLES:with_table([Type], fun(Table) ->
            Empty = ?TABLES:words(Table),
            _ = ?TABLES:filled(Table, [{N, 1} || N <- lists:seq(1, 100_000)]),
            (?TABLES:words(Table) - Empty) / 100_000
        end),
        #{
            least_words => lists:min(Beyond),
            most_words => lists:max(Beyond),
            small_object_words => Many
        }
    end,
    #{
        overhead => maps:from_list([{Type, Overhead(Type)} || Type <- ?TYPES]),
        tuple_words => erts_debug:flat_size({1, 1})
    }.

%% Stores binaries of every size from 1 to 200 bytes, and one of 4 MB, and reads what ETS counts.
%% Evidence: the largest size whose bytes lie in the table and the smallest whose do not; what the
%% 4 MB added to the table, to erlang:memory(ets) and to erlang:memory(binary).
%% Cost: 200 tables of one object. Node-wide counters: wants a node of its own.
%% Misread: a table of large binaries looks small in ets:info/2 while it keeps them all alive.
%% Source: https://www.erlang.org/doc/system/binaryhandling.html
-spec binary_words(probe_lib:args()) -> probe_lib:evidence().
binary_words(_) ->
    Sizes = [{Size, ?TABLES:per_object_words([set], {k, binary:copy(<<7>>, Size)})} || Size <- lists:seq(1, 200)],
    {_, Outside} = lists:last(Sizes),
    Inside = lists:takewhile(fun({Size, _}) -> Size < smallest_constant(Sizes, Outside) end, Sizes),
    ?TABLES:with_table([set], fun(Table) ->
        {Units, Ets, Binary} = {?TABLES:words(Table), probe_measure:memory_at_rest(ets), probe_measure:memory_at_rest(binary)},
        ets:insert(Table, {k, binary:copy(<<7>>, 4_000_000)}),
        erlang:garbage_collect(),
        #{
            largest_inside_bytes => element(1, lists:last(Inside)),
            smallest_outside_bytes => smallest_constant(Sizes, Outside),
            large_in_table_bytes => probe_measure:words_to_bytes(?TABLES:words(Table) - Units),
            large_in_vm_ets_bytes => probe_measure:memory_at_rest(ets) - Ets,
            large_in_vm_binary_bytes => probe_measure:memory_at_rest(binary) - Binary
        }
    end).

%% The size from which on all sizes need the same words.
smallest_constant(Sizes, Words) ->
    Tail = lists:takewhile(fun({_, W}) -> W =:= Words end, lists:reverse(Sizes)),
    element(1, lists:last(Tail)).

%% Stores the same objects in plain and in compressed tables.
%% Evidence: words of each; the size of the value's external format plain and deflated, in words;
%% what a large key and a small value cost.
%% Cost: a dozen tables of one object.
%% Misread: what is saved depends on the terms; a list of bytes is the best case.
%% Source: https://www.erlang.org/doc/apps/stdlib/ets.html#new/2
-spec compressed_words(probe_lib:args()) -> probe_lib:evidence().
compressed_words(_) ->
    Zeros = lists:duplicate(20_000, 0),
    Wordsize = erlang:system_info(wordsize),
    Both = fun(Object) ->
        #{
            plain_words => ?TABLES:per_object_words([set], Object),
            compressed_words => ?TABLES:per_object_words([set, compressed], Object)
        }
    end,
    #{
        large_value => Both({k, Zeros}),
        large_key => Both({Zeros, 1}),
        small_value => Both({k, 1}),
        external_words => byte_size(term_to_binary(Zeros)) / Wordsize,
        deflated_words => byte_size(term_to_binary(Zeros, [compressed])) / Wordsize
    }.

%% Creates empty tables with each concurrency option.
%% Evidence: words of each empty table, and those beyond the plain table of its type; whether the
%% release knows `auto'.
%% Cost: nine empty tables.
%% Misread: decentralized counters take more with more schedulers; figures are of this VM.
%% Source: https://www.erlang.org/doc/apps/stdlib/ets.html#new/2
-spec option_words(probe_lib:args()) -> probe_lib:evidence().
option_words(_) ->
    Empty = fun(Options) -> ?TABLES:with_table(Options, fun ?TABLES:words/1) end,
    Options = #{
        write => [{write_concurrency, true}, {decentralized_counters, false}],
        write_decentralized => [{write_concurrency, true}, {decentralized_counters, true}],
        read => [{read_concurrency, true}],
        compressed => [compressed]
    },
    Extra = fun(Type) ->
        Plain = Empty([Type]),
        maps:map(fun(_, With) -> Empty([Type | With]) - Plain end, Options)
    end,
    #{
        set_words => Empty([set]),
        set_extra_words => Extra(set),
        ordered_set_extra_words => Extra(ordered_set)
    }.

%%% Keys

%% Inserts {1, a} and then {1.0, b} into a table of each type and looks the keys up in four ways.
%% Evidence: for each type the number of objects, what lookup(T, 1) and match_object(T, {1, '_'})
%% find, and which key is stored, integer or float.
%% Cost: four tables of two objects.
%% Misread: lookups of an ordered_set compare with ==, its match specifications with =:=.
%% Source: https://www.erlang.org/doc/apps/stdlib/ets.html#module-match-specifications
-spec number_keys(probe_lib:args()) -> probe_lib:evidence().
number_keys(_) ->
    Case = fun(Type) ->
        ?TABLES:with_table([Type], fun(Table) ->
            ets:insert(Table, {1, a}),
            ets:insert(Table, {1.0, b}),
            #{
                objects_count => ets:info(Table, size),
                integer_lookup_count => length(ets:lookup(Table, 1)),
                float_lookup_count => length(ets:lookup(Table, 1.0)),
                integer_match_count => length(ets:match_object(Table, {1, '_'})),
                guard_match_count => ets:select_count(Table, [{{'$1', '_'}, [{'==', '$1', 1}], [true]}]),
                integer_key_stored => lists:any(fun({Key, _}) -> is_integer(Key) end, ets:tab2list(Table))
            }
        end)
    end,
    #{types => maps:from_list([{Type, Case(Type)} || Type <- ?TYPES])}.

%% Inserts the keys 0.0 and -0.0 into a table of each type.
%% Evidence: the number of objects in each, and whether 0.0 =:= -0.0 in this VM.
%% Cost: four tables of two objects.
%% Misread: the floats are made at run time; a compiler may merge the literals.
%% Source: https://www.erlang.org/doc/system/expressions.html#term-comparisons
-spec zero_keys(probe_lib:args()) -> probe_lib:evidence().
zero_keys(_) ->
    {Plus, Minus} = {binary_to_float(<<"0.0">>), binary_to_float(<<"-0.0">>)},
    Count = fun(Type) ->
        ?TABLES:with_table([Type], fun(Table) ->
            ets:insert(Table, {Plus, a}),
            ets:insert(Table, {Minus, b}),
            ets:info(Table, size)
        end)
    end,
    #{
        objects_count => maps:from_list([{Type, Count(Type)} || Type <- ?TYPES]),
        exactly_equal => Plus =:= Minus
    }.

%% Fills a table of each type with shuffled keys of many kinds and reads it back in five ways.
%% Evidence: for each type the ways whose keys came in the order of lists:sort/1.
%% Cost: four tables of 600 objects.
%% Misread: small integer keys may come in order from a set by chance; hence keys of many kinds.
%% Source: https://www.erlang.org/doc/apps/stdlib/ets.html#new/2
-spec traversal_order(probe_lib:args()) -> probe_lib:evidence().
traversal_order(_) ->
    Integers = [N * 7919 rem 100_003 || N <- lists:seq(1, 100)],
    Keys = lists:append([
        [N, N + 0.5, {N}, {N, a}, [N], integer_to_binary(N)]
     || N <- Integers
    ]),
    Ways = #{
        tab2list => fun(T) -> [K || {K} <- ets:tab2list(T)] end,
        select => fun(T) -> ets:select(T, [{{'$1'}, [], ['$1']}]) end,
        match => fun(T) -> lists:append(ets:match(T, {'$1'})) end,
        foldl => fun(T) -> lists:reverse(ets:foldl(fun({K}, Acc) -> [K | Acc] end, [], T)) end,
        next => fun(T) -> keys(T, ets:first(T)) end
    },
    Sorted = lists:sort(Keys),
    InOrder = fun(Type) ->
        ?TABLES:with_table([Type], fun(Table) ->
            _ = ?TABLES:filled(Table, [{K} || K <- Keys]),
            lists:sort([Name || {Name, Way} <- maps:to_list(Ways), Way(Table) =:= Sorted])
        end)
    end,
    #{in_term_order => maps:from_list([{Type, InOrder(Type)} || Type <- ?TYPES])}.

keys(_, '$end_of_table') -> [];
keys(Table, Key) -> [Key | keys(Table, ets:next(Table, Key))].

%%% What an access costs

%% Times lookups of existing keys in growing tables, a set and an ordered_set in turn, with a
%% whole-table copy as the control.
%% Evidence: series of sizes and nanoseconds, the growth exponents, and how much longer a lookup
%% in the largest ordered_set takes than in the largest set.
%% Cost: tables of up to 256,000 objects, about 0.6 s.
%% Misread: the best of many short rounds over 200 keys, which are in the cache then; a program
%% that looks up other keys each time waits for memory, too.
%% Source: https://www.erlang.org/doc/apps/stdlib/ets.html
-spec lookup_growth(probe_lib:args()) -> probe_lib:evidence().
lookup_growth(_) ->
    Series = [
        ?TABLES:with_table([set], fun(Set) ->
            ?TABLES:with_table([ordered_set], fun(Ordered) -> lookup_point(Count, Set, Ordered) end)
        end)
     || Count <- [1000, 4000, 16_000, 64_000, 256_000]
    ],
    #{set_ns := SetNs, ordered_set_ns := OrderedNs} = lists:last(Series),
    #{
        series => Series,
        set_lookup_exponent => probe_measure:series_exponent(objects_count, set_ns, Series),
        ordered_set_lookup_exponent => probe_measure:series_exponent(objects_count, ordered_set_ns, Series),
        tab2list_exponent => probe_measure:series_exponent(objects_count, tab2list_ns, Series),
        ordered_to_set_ratio => OrderedNs / SetNs
    }.

lookup_point(Count, Set, Ordered) ->
    Objects = [{N, N} || N <- lists:seq(1, Count)],
    _ = [?TABLES:filled(Table, Objects) || Table <- [Set, Ordered]],
    Numbers = lists:seq(1, 200),
    Look = fun(Table) ->
        fun() -> lists:foreach(fun(N) -> ets:lookup(Table, N * 7919 rem Count + 1) end, Numbers) end
    end,
    [SetUs, OrderedUs] = probe_measure:best_in_turn_us(600, [Look(Set), Look(Ordered)]),
    #{
        objects_count => Count,
        set_ns => SetUs * 1000 / 200,
        ordered_set_ns => OrderedUs * 1000 / 200,
        tab2list_ns => 1000 * probe_measure:best_us(3, fun() -> ets:tab2list(Set) end)
    }.

%% Searches growing tables with the key bound, with its first half bound, and unbound; keys are
%% {Group, Number} with ten objects a group.
%% Evidence: series of reductions that the caller pays, and their growth exponents, for a set and
%% an ordered_set, with select/2 and match_object/2.
%% Cost: tables of up to 32,000 objects, about 0.1 s.
%% Misread: reductions count visited objects and buckets; time grows alike, but not exactly.
%% Source: https://www.erlang.org/doc/apps/stdlib/ets.html#module-performance
-spec bound_keys(probe_lib:args()) -> probe_lib:evidence().
bound_keys(_) ->
    Patterns = #{bound => {{5, 5}, '_'}, prefix => {{5, '_'}, '_'}, unbound => {{'_', 5}, x}},
    Point = fun(Type, Count) ->
        ?TABLES:with_table([Type], fun(Table) ->
            _ = ?TABLES:filled(Table, [{{N div 10, N rem 10}, N} || N <- lists:seq(1, Count)]),
            Costs = maps:map(
                fun(_, Pattern) ->
                    probe_measure:reductions_for(fun() -> ets:select(Table, [{Pattern, [], ['$_']}]) end)
                end,
                Patterns
            ),
            Match = probe_measure:reductions_for(fun() -> ets:match_object(Table, maps:get(prefix, Patterns)) end),
            Costs#{objects_count => Count, match_object_prefix => Match}
        end)
    end,
    Exponents = fun(Type) ->
        Series = [Point(Type, Count) || Count <- [2000, 4000, 8000, 16_000, 32_000]],
        Names = [bound, prefix, unbound, match_object_prefix],
        #{
            reductions_series => Series,
            growth_exponent => maps:from_list([{Name, probe_measure:series_exponent(objects_count, Name, Series)} || Name <- Names])
        }
    end,
    #{set => Exponents(set), ordered_set => Exponents(ordered_set)}.

%% Runs the functions that visit a whole table on growing tables, and ets:info(T, size).
%% Evidence: series of reductions that the caller pays, and growth exponents, of tab2list, foldl,
%% first/next, select_count and match_object with nothing bound, and of reading the size.
%% Cost: tables of up to 32,000 objects, about 0.2 s.
%% Misread: reductions count visited objects and buckets; time grows faster, for larger tables
%% leave the caches.
%% Source: https://www.erlang.org/doc/apps/stdlib/ets.html
-spec whole_table(probe_lib:args()) -> probe_lib:evidence().
whole_table(_) ->
    Ways = #{
        tab2list => fun ets:tab2list/1,
        foldl => fun(T) -> ets:foldl(fun(_, Acc) -> Acc + 1 end, 0, T) end,
        next => fun ?TABLES:walk_count/1,
        select_count => fun(T) -> ets:select_count(T, [{'_', [], [true]}]) end,
        match_object => fun(T) -> ets:match_object(T, {'_', absent}) end,
        size => fun(T) -> ets:info(T, size) end
    },
    Series = [
        ?TABLES:with_table([set], fun(Table) ->
            _ = ?TABLES:filled(Table, [{N, N} || N <- lists:seq(1, Count)]),
            Costs = maps:map(fun(_, Way) -> probe_measure:reductions_for(fun() -> Way(Table) end) end, Ways),
            Costs#{objects_count => Count}
        end)
     || Count <- [2000, 4000, 8000, 16_000, 32_000]
    ],
    Exponent = fun(Name, _) -> probe_measure:series_exponent(objects_count, Name, Series) end,
    #{reductions_series => Series, growth_exponent => maps:map(Exponent, Ways)}.

%% Asks which of the lookups that join a key and its objects this release exports, and calls them.
%% Evidence: the names that exist; how many keys a walk with first_lookup and next_lookup saw.
%% Cost: one table of 100 objects.
%% Misread: absence is no error of the table; first/1 and lookup/2 do the same in two calls.
%% Source: https://www.erlang.org/doc/apps/stdlib/ets.html#first_lookup/1
-spec lookup_functions(probe_lib:args()) -> probe_lib:evidence().
lookup_functions(_) ->
    Names = [{first_lookup, 1}, {last_lookup, 1}, {next_lookup, 2}, {prev_lookup, 2}, {lookup_element, 4}],
    Exported = [Name || {Name, Arity} <- Names, erlang:function_exported(ets, Name, Arity)],
    ?TABLES:with_table([set], fun(Table) ->
        _ = ?TABLES:filled(Table, [{N, N * N} || N <- lists:seq(1, 100)]),
        Walked = [Answer || lists:member(first_lookup, Exported), Answer <- lookup_walk(Table, first_lookup, [Table])],
        #{
            exported => lists:sort(Exported),
            walked_count => length([Key || {Key, [{Key, Square}]} <- Walked, Square =:= Key * Key]),
            next_walked_count => ?TABLES:walk_count(Table)
        }
    end).

lookup_walk(Table, Function, Args) ->
    case apply(ets, Function, Args) of
        '$end_of_table' -> [];
        {Key, _} = Found -> [Found | lookup_walk(Table, next_lookup, [Table, Key])]
    end.

%%% What is copied

%% Reads growing tables whole, folded, key by key and in chunks of 100, each in a fresh process.
%% Evidence: series of heap words that the reader holds afterwards, their growth exponents, and
%% the words per object after tab2list of the largest against those of the objects themselves.
%% Cost: tables of up to 32,000 objects, about 0.2 s.
%% Misread: heaps grow in steps, up to twice what is needed; the old heap counts too.
%% Source: https://www.erlang.org/doc/apps/stdlib/ets.html#tab2list/1
-spec reader_heap(probe_lib:args()) -> probe_lib:evidence().
reader_heap(_) ->
    Ways = #{
        tab2list => fun ets:tab2list/1,
        foldl => fun(T) -> ets:foldl(fun(_, Count) -> Count + 1 end, 0, T) end,
        next => fun ?TABLES:walk_count/1,
        chunks => fun(T) -> chunked_count(ets:select(T, [{'_', [], ['$_']}], 100), 0) end
    },
    Series = [
        ?TABLES:with_table([set], fun(Table) ->
            _ = ?TABLES:filled(Table, [{N, lists:seq(1, 8)} || N <- lists:seq(1, Count)]),
            Heaps = maps:map(fun(_, Way) -> probe_measure:peak_heap_words(fun() -> Way(Table) end) end, Ways),
            Heaps#{objects_count => Count}
        end)
     || Count <- [2000, 4000, 8000, 16_000, 32_000]
    ],
    #{
        heap_words_series => Series,
        growth_exponent => maps:map(fun(Name, _) -> probe_measure:series_exponent(objects_count, Name, Series) end, Ways),
        object_words => erts_debug:flat_size([{1, lists:seq(1, 8)}]),
        tab2list_words_per_object => maps:get(tab2list, lists:last(Series)) / 32_000
    }.

chunked_count('$end_of_table', Count) -> Count;
chunked_count({Chunk, Next}, Count) -> chunked_count(ets:select(Next), Count + length(Chunk)).

%% Looks up objects of growing size whole, by element and by membership, in fresh processes.
%% Evidence: series of heap words that the reader holds; growth exponents; whether two lookups of
%% one object answer the very same term.
%% Cost: ten objects of up to 64,000 words.
%% Misread: the words are of the reader's whole heap; its smallest size hides small objects.
%% Source: https://www.erlang.org/doc/apps/stdlib/ets.html#lookup/2
-spec copy_out(probe_lib:args()) -> probe_lib:evidence().
copy_out(_) ->
    ?TABLES:with_table([set], fun(Table) ->
        Point = fun(Length) ->
            ets:insert(Table, {Length, lists:seq(1, Length), small}),
            #{
                element_count => Length,
                lookup => probe_measure:peak_heap_words(fun() -> ets:lookup(Table, Length) end),
                lookup_element => probe_measure:peak_heap_words(fun() -> ets:lookup_element(Table, Length, 3) end),
                member => probe_measure:peak_heap_words(fun() -> ets:member(Table, Length) end)
            }
        end,
        Series = [Point(Length) || Length <- [2000, 4000, 8000, 16_000, 32_000]],
        [{_, First, _}] = ets:lookup(Table, 2000),
        [{_, Second, _}] = ets:lookup(Table, 2000),
        #{
            heap_words_series => Series,
            growth_exponent => maps:from_list([
                {Name, probe_measure:series_exponent(element_count, Name, Series)}
             || Name <- [lookup, lookup_element, member]
            ]),
            same_term_twice => erts_debug:same(First, Second)
        }
    end).

%% Inserts a term that refers to one list many times, and looks it up again.
%% Evidence: words of the term with sharing and without, in the table, and after the lookup.
%% Cost: one object of 4,000 words.
%% Misread: erts_debug:size/1 counts shared parts once, flat_size/1 as often as they occur.
%% Source: https://www.erlang.org/doc/system/eff_guide_processes.html#loss-of-sharing
-spec sharing_lost(probe_lib:args()) -> probe_lib:evidence().
sharing_lost(_) ->
    Shared = lists:seq(1, 100),
    Term = {k, [Shared || _ <- lists:seq(1, 20)]},
    ?TABLES:with_table([set], fun(Table) ->
        Empty = ?TABLES:words(Table),
        ets:insert(Table, Term),
        Stored = ?TABLES:words(Table) - Empty,
        [Copy] = ets:lookup(Table, k),
        #{
            shared_words => erts_debug:size(Term),
            flat_words => erts_debug:flat_size(Term),
            table_words => Stored,
            copy_words => erts_debug:size(Copy)
        }
    end).

%% Inserts a binary of 4 MB in one process, looks it up in another, and deletes the object.
%% Evidence: growth of erlang:memory(binary) after the insert, and after the lookup by a second
%% process; the heap words of that process; the bytes still held after the maker has died and
%% after the object was deleted.
%% Cost: one binary of 4 MB. Node-wide counter: wants a node of its own.
%% Misread: freed memory may arrive late; the probe waits for it up to 2 s.
%% Source: https://www.erlang.org/doc/system/binaryhandling.html
-spec binary_shared(probe_lib:args()) -> probe_lib:evidence().
binary_shared(_) ->
    Before = probe_measure:memory_at_rest(binary),
    ?TABLES:with_table([set], fun(Table) ->
        probe_lib:in_process(fun() -> ets:insert(Table, {k, binary:copy(<<7>>, 4_000_000)}) end),
        Inserted = settled_binary(fun(Bytes) -> Bytes - Before > 3_900_000 end) - Before,
        probe_lib:with_process([], fun(Reader) ->
            probe_lib:ask(Reader, fun(_) -> {ok, ets:lookup(Table, k)} end),
            {total_heap_size, Heap} = process_info(Reader, total_heap_size),
            LookedUp = probe_measure:memory_at_rest(binary) - Before,
            ets:delete(Table, k),
            Deleted = probe_measure:memory_at_rest(binary) - Before,
            probe_lib:kill_and_wait(Reader),
            Gone = settled_binary(fun(Bytes) -> Bytes - Before < 100_000 end) - Before,
            #{
                inserted_bytes => Inserted,
                after_lookup_bytes => LookedUp,
                reader_heap_words => Heap,
                after_delete_bytes => Deleted,
                after_reader_death_bytes => Gone
            }
        end)
    end).

settled_binary(Done) ->
    _ = probe_lib:settle(
        fun() ->
            case Done(erlang:memory(binary)) of
                true -> {done, ok};
                false -> waiting
            end
        end,
        2000
    ),
    probe_measure:memory_at_rest(binary).

%%% Writers

%% Lets as many processes as there are schedulers write to two tables of 100,000 objects in turn,
%% one without and one with write_concurrency.
%% Evidence: series of operations a millisecond of each, the median of how much more the second
%% does, and the most base nodes that each tree was seen to split into.
%% Cost: 22 runs of 40 ms; wants all cores and nothing beside it.
%% Misread: where the machine runs one writer at a time they do not meet and nothing is gained;
%% figures of two cores say nothing of sixty.
%% Source: https://www.erlang.org/blog/the-new-scalable-ets-ordered_set/
-spec writer_scaling(probe_lib:args()) -> probe_lib:evidence().
writer_scaling(Args) ->
    Type = binary_to_existing_atom(maps:get(type, Args, <<"ordered_set">>), latin1),
    Writers = erlang:system_info(schedulers_online),
    Objects = [{N, 0} || N <- lists:seq(1, 100_000)],
    Run = fun(Table) -> ?WRITERS:run(Table, Writers, 40, lists:seq(1, Writers)) end,
    ?TABLES:with_table([Type], fun(Plain) ->
        ?TABLES:with_table([Type, {write_concurrency, true}], fun(Fine) ->
            _ = [?TABLES:filled(Table, Objects) || Table <- [Plain, Fine]],
            [_ | Pairs] = [{Run(Plain), Run(Fine)} || _ <- lists:seq(1, 11)],
            Speeds = [
                #{plain_per_ms => Slow, write_concurrency_per_ms => Fast, gain_ratio => Fast / Slow}
             || {#{operations_per_ms := Slow}, #{operations_per_ms := Fast}} <- Pairs
            ],
            Nodes = fun(Runs) -> lists:max([Count || #{base_nodes_count := Count} <- Runs]) end,
            {PlainRuns, FineRuns} = lists:unzip(Pairs),
            #{
                writers_count => Writers,
                speeds => Speeds,
                gain_ratio => probe_measure:median([Gain || #{gain_ratio := Gain} <- Speeds]),
                plain_base_nodes_count => Nodes(PlainRuns),
                write_concurrency_base_nodes_count => Nodes(FineRuns)
            }
        end)
    end).

%%% Match specifications

%% Hands well- and ill-formed match specifications to the three functions that judge them.
%% Evidence: for each form what ets:test_ms/2, erlang:match_spec_test/3 (table and trace) and
%% ets:select/2 say: ok or error; the message of the first; the exception of the last.
%% Cost: fourteen compilations of match specifications, four times each.
%% Misread: `ok' means well-formed, not that anything matched.
%% Source: https://www.erlang.org/doc/apps/erts/match_spec.html
-spec spec_forms(probe_lib:args()) -> probe_lib:evidence().
spec_forms(_) ->
    Head = {'$1', '$2'},
    Forms = #{
        well_formed => [{Head, [{'>', '$1', 0}], ['$2']}],
        double_braces => [{Head, [], [{{'$2', '$1'}}]}],
        bare_tuple_body => [{Head, [], [{'$2', '$1'}]}],
        unbound_variable => [{Head, [], ['$3']}],
        unknown_guard => [{Head, [{is_foo, '$1'}], ['$1']}],
        wrong_arity_guard => [{Head, [{is_atom, '$1', '$2'}], ['$1']}],
        guard_not_list => [{Head, {'>', '$1', 0}, ['$1']}],
        body_not_list => [{Head, [], '$1'}],
        empty_body => [{Head, [], []}],
        not_a_list => {Head, [], ['$1']},
        remote_call => [{Head, [], [{{lists, max}, ['$1', '$2']}]}],
        trace_action => [{Head, [], [{message, '$1'}]}],
        list_head => [{['$1', '$2'], [], ['$1']}],
        atom_head => [{foo, [], [true]}]
    },
    ?TABLES:with_table([set], fun(Table) ->
        ets:insert(Table, {1, 2}),
        #{forms => maps:map(fun(_, Spec) -> ?SPECS:judged(Table, Spec) end, Forms)}
    end).

%% Runs match specifications whose guards or bodies fail or return something other than true.
%% Evidence: what select/2 returns for each; how many objects select_count and select_delete take
%% for bodies true and 1; what select_replace does when the body changes the key.
%% Cost: a table of three objects.
%% Misread: select_count counts the bodies that return true, not the objects that match.
%% Source: https://www.erlang.org/doc/apps/stdlib/ets.html#select_delete/2
-spec spec_results(probe_lib:args()) -> probe_lib:evidence().
spec_results(_) ->
    Head = {'$1', '$2'},
    ?TABLES:with_table([ordered_set], fun(Table) ->
        _ = ?TABLES:filled(Table, [{1, a}, {2, b}, {3, c}]),
        Select = fun(Guards, Body) -> probe_capture:text(ets:select(Table, [{Head, Guards, Body}])) end,
        Replace = fun(Body) -> probe_capture:outcome(fun() -> ets:select_replace(Table, [{Head, [], [Body]}]) end) end,
        Results = #{
            failing_guard_text => Select([{'>', {'+', '$2', 1}, 0}], ['$1']),
            guard_of_integer_text => Select([1], ['$1']),
            failing_body_text => Select([], [{'+', '$2', 1}]),
            last_of_body_text => Select([], ['$1', '$2']),
            count_body_true_count => ets:select_count(Table, [{Head, [], [true]}]),
            count_body_one_count => ets:select_count(Table, [{Head, [], [1]}]),
            replace_key_text => Replace({{{'+', '$1', 10}, '$2'}}),
            replace_value_text => Replace({{'$1', z}}),
            delete_body_one_count => ets:select_delete(Table, [{Head, [], [1]}]),
            delete_body_true_count => ets:select_delete(Table, [{Head, [], [true]}])
        },
        Results#{left_count => ets:info(Table, size)}
    end).

%% Writes a match variable quoted, without quotes, as a binary and as a string.
%% Evidence: what the scanner makes of the text `$1'; for each head the keys that match among
%% 1, 49, <<"$1">> and "$1", and what ets:test_ms/2 says of it.
%% Cost: a table of four objects.
%% Misread: none of the wrong forms is refused; they just match something else.
%% Source: https://www.erlang.org/doc/system/data_types.html#number
-spec quoted_variables(probe_lib:args()) -> probe_lib:evidence().
quoted_variables(_) ->
    {ok, [{Category, _, Value}], _} = erl_scan:string("$1"),
    Heads = #{quoted => '$1', unquoted => $1, binary => <<"$1">>, string => "$1"},
    ?TABLES:with_table([ordered_set], fun(Table) ->
        _ = ?TABLES:filled(Table, [{1}, {$1}, {<<"$1">>}, {"$1"}]),
        Matched = maps:map(
            fun(_, Key) ->
                Spec = [{{Key}, [], ['$_']}],
                #{
                    test_ms => element(1, ets:test_ms({1}, Spec)),
                    matched => [probe_capture:text(Found) || {Found} <- ets:select(Table, Spec)]
                }
            end,
            Heads
        ),
        #{unquoted_token => Category, unquoted_value_text => probe_capture:text(Value), heads => Matched}
    end).

%% Runs the parse transform over functions that call ets:fun2ms/1 in many ways.
%% Evidence: for each text whether it was translated, translated with a warning, or refused, and
%% the resulting source or message.
%% Cost: a dozen small parse transformations.
%% Misread: the arguments of f/1 stand for any variable bound outside the fun.
%% Source: https://www.erlang.org/doc/apps/stdlib/ms_transform.html
-spec fun2ms_compiled(probe_lib:args()) -> probe_lib:evidence().
fun2ms_compiled(_) ->
    Texts = #{
        literal => "ets:fun2ms(fun({A, B}) when A > 1 -> B end)",
        two_clauses => "ets:fun2ms(fun({A, B}) -> A; ({C, _, _}) -> C end)",
        argument => "ets:fun2ms(X)",
        variable => "F = fun({A, B}) -> {A, B} end, ets:fun2ms(F)",
        named_fun => "ets:fun2ms(fun f/1)",
        remote_fun => "ets:fun2ms(fun lists:max/1)",
        imported => "ets:fun2ms(fun({A, B}) when A > X -> {B, X} end)",
        shadowed => "ets:fun2ms(fun({X, B}) -> B end)",
        local_call => "ets:fun2ms(fun({A, B}) -> {f(A), B} end)",
        remote_call => "ets:fun2ms(fun({A, B}) -> lists:max([A, B]) end)",
        case_in_body => "ets:fun2ms(fun({A, B}) -> case A of 1 -> B end end)",
        match_in_body => "ets:fun2ms(fun({A, B}) -> C = {A, B}, C end)",
        two_arguments => "ets:fun2ms(fun(A, B) -> {A, B} end)",
        bits_in_head => "ets:fun2ms(fun({A, <<B>>}) -> {A, B} end)"
    },
    #{texts => maps:map(fun(_, Text) -> ?SPECS:translated(Text) end, Texts)}.

%% Calls ets:fun2ms/1 at run time, with funs of the compiler and funs of the evaluator that the
%% shell uses.
%% Evidence: for each what it returns, or class and reason.
%% Cost: four evaluations of one line.
%% Misread: what works in the shell by a variable does not compile.
%% Source: https://www.erlang.org/doc/apps/stdlib/ets.html#fun2ms/1
-spec fun2ms_called(probe_lib:args()) -> probe_lib:evidence().
fun2ms_called(_) ->
    Compiled = fun({A, B}) when A > 1 -> B end,
    #{
        compiled_fun_text => probe_capture:outcome(fun() -> ets:fun2ms(Compiled) end),
        shell_literal_text => ?SPECS:shell("ets:fun2ms(fun({A, B}) when A > 1 -> B end)."),
        shell_variable_text => ?SPECS:shell("F = fun({A, B}) when A > 1 -> B end, ets:fun2ms(F)."),
        shell_imported_text => ?SPECS:shell("X = 3, ets:fun2ms(fun({A, B}) when A > X -> {B, X} end)."),
        shell_named_fun_text => ?SPECS:shell("ets:fun2ms(fun lists:max/1).")
    }.

%%% Continuations and iteration

%% Follows select/3 and select/1 to the end, for tables of 0 to 1000 objects in chunks of 10.
%% Evidence: for each type and size the chunk sizes, the last answer, and whether every object
%% came once; what select/2 and select/3 answer for an empty table.
%% Cost: 15 tables of up to 1000 objects.
%% Misread: a full last chunk is no sign that more follows, nor a short one that none does.
%% Source: https://www.erlang.org/doc/apps/stdlib/ets.html#select/3
-spec chunks(probe_lib:args()) -> probe_lib:evidence().
chunks(_) ->
    Spec = [{{'$1', '_'}, [], ['$1']}],
    Case = fun(Type, Count) ->
        ?TABLES:with_table([Type], fun(Table) ->
            _ = ?TABLES:filled(Table, [{N, N} || N <- lists:seq(1, Count)]),
            Chunks = lists:reverse(?TABLES:drain(ets:select(Table, Spec, 10), fun(_) -> ok end, [])),
            #{
                objects_count => Count,
                chunk_counts => lists:sublist([length(Chunk) || Chunk <- Chunks], 12),
                chunks_count => length(Chunks),
                each_once => lists:sort(lists:append(Chunks)) =:= lists:seq(1, Count),
                in_key_order => lists:append(Chunks) =:= lists:seq(1, Count)
            }
        end)
    end,
    Sizes = [{empty, 0}, {ten, 10}, {ninety_five, 95}, {thousand, 1000}],
    ByType = fun(Type) -> maps:from_list([{Name, Case(Type, Count)} || {Name, Count} <- Sizes]) end,
    #{
        types => maps:from_list([{Type, ByType(Type)} || Type <- [set, bag, ordered_set]]),
        empty_select_2 => ?TABLES:with_table([set], fun(Table) -> ets:select(Table, Spec) end),
        empty_select_3 => ?TABLES:with_table([set], fun(Table) -> ets:select(Table, Spec, 10) end)
    }.

%% Reads 20,000 objects in chunks of 100 while another process, after a tenth or half of them,
%% inserts 20,000 others or deletes all but every tenth; with and without safe_fixtable.
%% Evidence: for each type, kind of write and fixation how many of the objects that were there all
%% the time came never, how many more than once, and whether the reading ended or raised.
%% Cost: twelve tables of up to 40,000 objects, 0.4 s.
%% Misread: tables below about 4000 buckets never shrink; objects that come or go meanwhile may be
%% seen or not, only the constant ones count.
%% Source: https://www.erlang.org/doc/apps/stdlib/ets.html#safe_fixtable/2
-spec writes_between_chunks(probe_lib:args()) -> probe_lib:evidence().
writes_between_chunks(_) ->
    Grow = fun(T) -> ets:insert(T, [{N, x} || N <- lists:seq(100_001, 120_000)]) end,
    Shrink = fun(T) -> [ets:delete(T, N) || N <- lists:seq(1, 20_000), N rem 10 =/= 0] end,
    Writes = #{
        grow => {Grow, 20, lists:seq(1, 20_000)},
        shrink_early => {Shrink, 20, lists:seq(10, 20_000, 10)},
        shrink_late => {Shrink, 100, lists:seq(10, 20_000, 10)}
    },
    Case = fun(Type, {Write, After, Constant}, Fixed) ->
        ?TABLES:with_table([Type], fun(Table) ->
            _ = ?TABLES:filled(Table, [{N, x} || N <- lists:seq(1, 20_000)]),
            true = ets:safe_fixtable(Table, Fixed),
            {Ended, Found} = interrupted(Table, After, Write),
            Objects = sets:from_list(Constant),
            Seen = [N || N <- Found, sets:is_element(N, Objects)],
            Distinct = length(lists:usort(Seen)),
            #{
                ended => Ended,
                missed_count => length(Constant) - Distinct,
                repeated_count => length(Seen) - Distinct
            }
        end)
    end,
    Both = fun(Type) ->
        maps:map(fun(_, Write) -> #{free => Case(Type, Write, false), fixed => Case(Type, Write, true)} end, Writes)
    end,
    #{types => maps:from_list([{Type, Both(Type)} || Type <- [set, ordered_set]])}.

%% Read all keys in chunks, letting another process write After so many. Returns how it ended and
%% the keys until then.
interrupted(Table, After, Write) ->
    Next = fun
        Next(_, '$end_of_table', Found) ->
            {complete, lists:append(Found)};
        Next(Number, {Chunk, Continuation}, Found) ->
            Number =:= After andalso probe_lib:in_process(fun() -> Write(Table) end),
            try ets:select(Continuation) of
                Answer -> Next(Number + 1, Answer, [Chunk | Found])
            catch
                error:Reason -> {Reason, lists:append([Chunk | Found])}
            end
    end,
    Next(1, ets:select(Table, [{{'$1', '_'}, [], ['$1']}], 100), []).

%% Deletes the key that a walk stands on and asks for the next, with and without safe_fixtable.
%% Evidence: for each type and fixation whether next/2 went on or what it raised; whether a walk
%% that deletes each object it meets visits all.
%% Cost: sixteen tables of 100 objects.
%% Misread: a fixed table keeps deleted objects in memory until it is released.
%% Source: https://www.erlang.org/doc/apps/stdlib/ets.html#next/2
-spec next_after_delete(probe_lib:args()) -> probe_lib:evidence().
next_after_delete(_) ->
    Case = fun(Type, Fixed) ->
        ?TABLES:with_table([Type], fun(Table) ->
            _ = ?TABLES:filled(Table, [{N, x} || N <- lists:seq(1, 100)]),
            true = ets:safe_fixtable(Table, Fixed),
            First = ets:first(Table),
            ets:delete(Table, First),
            try ets:next(Table, First) of
                Next when is_integer(Next) -> goes_on
            catch
                error:Reason -> Reason
            end
        end)
    end,
    Both = fun(Type) -> #{free => Case(Type, false), fixed => Case(Type, true)} end,
    #{next => maps:from_list([{Type, Both(Type)} || Type <- ?TYPES])}.

%% Makes a continuation in a process that ends, keeps it only in the external term format, and
%% uses it after its match specification was collected; and one whose table was deleted.
%% Evidence: what select/1 answers for each, before and after ets:repair_continuation/2.
%% Cost: two tables of 100 objects.
%% Misread: while the maker lives, the copy works: the compiled specification is still there.
%% Source: https://www.erlang.org/doc/apps/stdlib/ets.html#repair_continuation/2
-spec continuation_copied(probe_lib:args()) -> probe_lib:evidence().
continuation_copied(_) ->
    Spec = [{{'$1', '_'}, [], ['$1']}],
    ?TABLES:with_table([set], fun(Table) ->
        _ = ?TABLES:filled(Table, [{N, x} || N <- lists:seq(1, 100)]),
        Make = fun() -> term_to_binary(element(2, ets:select(Table, Spec, 10))) end,
        Copy = binary_to_term(probe_lib:in_process(Make)),
        Count = fun(Continuation) ->
            probe_capture:outcome(fun() -> length(element(1, ets:select(Continuation))) end)
        end,
        Collected = probe_lib:settle(
            fun() ->
                case Count(Copy) of
                    <<"10">> -> waiting;
                    Other -> {done, Other}
                end
            end,
            2000
        ),
        {_, Live} = ets:select(Table, Spec, 10),
        Repaired = Count(ets:repair_continuation(Copy, Spec)),
        Lives = Count(Live),
        ets:delete(Table),
        #{
            live_text => Lives,
            copied_text => maps:get(last, Collected),
            repaired_text => Repaired,
            table_deleted_text => Count(Live)
        }
    end).

%%% Ownership

%% Lets owners of tables end in several ways, with and without heir, and gives tables away.
%% Evidence: for each case whether the table lives on, who owns it, and what message came.
%% Cost: six processes and tables.
%% Misread: a table goes a moment after its owner; the probe polls for up to 2 s.
%% Source: https://www.erlang.org/doc/apps/stdlib/ets.html#new/2
-spec table_owner(probe_lib:args()) -> probe_lib:evidence().
table_owner(_) ->
    Self = self(),
    Owned = fun(Options, End) ->
        Owner = probe_lib:subject([]),
        Table = probe_lib:ask(Owner, fun(_) ->
            New = ets:new(owned, [public | Options]),
            ets:insert(New, {k, v}),
            {New, New}
        end),
        Said = End(Owner, Table),
        _ = probe_lib:kill_and_wait(Owner),
        Answer = transfer(Table, Owner, Said),
        ?TABLES:delete(Table),
        Answer
    end,
    Nothing = fun(_, _) -> nothing end,
    Stranger = fun(_, Table) -> probe_capture:outcome(fun() -> ets:give_away(Table, self(), gift) end) end,
    Gift = fun(Owner, Table) ->
        probe_lib:ask(Owner, fun(State) -> {ets:give_away(Table, Self, gift), State} end)
    end,
    Delete = fun(Owner, Table) -> probe_lib:ask(Owner, fun(State) -> {ets:delete(Table), State} end) end,
    DeadHeir = probe_lib:in_process(fun() -> self() end),
    #{
        no_heir => Owned([], Nothing),
        heir => Owned([{heir, Self, inheritance}], Nothing),
        dead_heir => Owned([{heir, DeadHeir, inheritance}], Nothing),
        deleted => Owned([{heir, Self, inheritance}], Delete),
        given => Owned([], Gift),
        given_by_stranger => Owned([], Stranger)
    }.

%% What became of the table of a dead owner.
transfer(Table, Owner, Said) ->
    Message =
        receive
            {'ETS-TRANSFER', Table, Owner, Data} -> Data
        after 50 -> none
        end,
    Settled = probe_lib:settle(
        fun() ->
            case ets:info(Table, owner) of
                Owner -> waiting;
                Other -> {done, Other}
            end
        end,
        2000
    ),
    #{
        survives => maps:get(last, Settled) =/= undefined,
        mine => maps:get(last, Settled) =:= self(),
        transfer_data => Message,
        answer => Said
    }.

%% Lets a process create tables and forget their references, then collects its garbage.
%% Evidence: the tables and objects that the process still owns, and what is left when it ended.
%% Cost: 20 tables of 10 objects, one process.
%% Misread: unlike binaries, tables have no reference count; only their owner's end frees them.
%% Source: https://www.erlang.org/doc/apps/stdlib/ets.html
-spec table_unreferenced(probe_lib:args()) -> probe_lib:evidence().
table_unreferenced(_) ->
    Owned = fun(Pid) -> [T || T <- ets:all(), ets:info(T, owner) =:= Pid] end,
    Pid = probe_lib:subject([]),
    try
        probe_lib:ask(Pid, fun(State) ->
            lists:foreach(
                fun(_) -> ?TABLES:filled(ets:new(forgotten, [public]), [{N, N} || N <- lists:seq(1, 10)]) end,
                lists:seq(1, 20)
            ),
            {ok, State}
        end),
        true = erlang:garbage_collect(Pid),
        Kept = Owned(Pid),
        Objects = lists:sum([ets:info(T, size) || T <- Kept]),
        probe_lib:kill_and_wait(Pid),
        Settled = probe_lib:settle(
            fun() ->
                case Owned(Pid) of
                    [] -> {done, 0};
                    Left -> length(Left)
                end
            end,
            2000
        ),
        #{
            after_collection_count => length(Kept),
            objects_count => Objects,
            after_death_count => maps:get(last, Settled)
        }
    after
        probe_lib:kill_and_wait(Pid)
    end.

%%% DETS

%% Puts growing data into a DETS file and the same into an ETS table.
%% Evidence: for each number of objects dets:info(T, memory), the bytes of the file, and the words
%% of the ETS table; the ratio of the first two for the largest.
%% Cost: files of up to 0.5 MB in the scratch folder.
%% Misread: the same item name has words for ETS and bytes for DETS.
%% Source: https://www.erlang.org/doc/apps/stdlib/dets.html#info/2
-spec dets_units(probe_lib:args()) -> probe_lib:evidence().
dets_units(_) ->
    probe_capture:with_folder(fun(Folder) ->
        Point = fun(Count) ->
            File = filename:join(Folder, integer_to_list(Count)),
            {ok, Ref} = dets:open_file(make_ref(), [{file, File}]),
            Objects = [{N, N} || N <- lists:seq(1, Count)],
            ok = dets:insert(Ref, Objects),
            ok = dets:sync(Ref),
            Info = dets:info(Ref, memory),
            Bytes = filelib:file_size(File),
            ok = dets:close(Ref),
            #{
                objects_count => Count,
                info_memory_bytes => Info,
                info_to_file_ratio => Info / Bytes,
                ets_words => ?TABLES:with_table([set], fun(Table) -> ?TABLES:words(?TABLES:filled(Table, Objects)) end)
            }
        end,
        #{series => [Point(Count) || Count <- [10, 100, 1000, 10_000]]}
    end).

%% Opens DETS tables of each type, and puts the keys 1 and 1.0 into those that open.
%% Evidence: for each type whether it opens, and the number of objects then.
%% Cost: three small files in the scratch folder.
%% Misread: an error of open_file comes as a value for some arguments, as an exception for others.
%% Source: https://www.erlang.org/doc/apps/stdlib/dets.html#open_file/2
-spec dets_keys(probe_lib:args()) -> probe_lib:evidence().
dets_keys(_) ->
    probe_capture:with_folder(fun(Folder) ->
        Open = fun(Type) ->
            File = filename:join(Folder, atom_to_list(Type)),
            try dets:open_file(make_ref(), [{file, File}, {type, Type}]) of
                {ok, Ref} ->
                    ok = dets:insert(Ref, [{1, a}, {1.0, b}]),
                    Count = dets:info(Ref, size),
                    ok = dets:close(Ref),
                    #{opens => true, objects_count => Count};
                {error, _} ->
                    #{opens => false}
            catch
                error:badarg -> #{opens => false}
            end
        end,
        #{types => maps:from_list([{Type, Open(Type)} || Type <- ?TYPES])}
    end).

%% Copies a DETS file while it is open and again after its owner was killed, and opens the copies.
%% Evidence: what each copy answers to open_file with and without repair; how many of the synced
%% objects and of those that waited in the write cache each has.
%% Cost: four small files in the scratch folder; up to 2 s of waiting.
%% Misread: a VM that dies leaves the file as the first copy: open, and without the cache.
%% Source: https://www.erlang.org/doc/apps/stdlib/dets.html
-spec dets_left_open(probe_lib:args()) -> probe_lib:evidence().
dets_left_open(_) ->
    probe_capture:with_folder(fun(Folder) ->
        [Original, Open, Killed] = [filename:join(Folder, Name) || Name <- ["original", "open", "killed"]],
        Owner = probe_lib:subject([]),
        try
            probe_lib:ask(Owner, fun(State) ->
                {ok, Ref} = dets:open_file(make_ref(), [{file, Original}, {auto_save, infinity}]),
                ok = dets:insert(Ref, [{N, synced} || N <- lists:seq(1, 500)]),
                ok = dets:sync(Ref),
                ok = dets:insert(Ref, {cached, 1}),
                {ok, State}
            end),
            {ok, _} = file:copy(Original, Open),
            probe_lib:kill_and_wait(Owner),
            probe_lib:settle(fun() -> ?DETS:closed(Original, Killed) end, 2000),
            #{copied_while_open => ?DETS:reopened(Open), copied_after_kill => ?DETS:reopened(Killed)}
        after
            probe_lib:kill_and_wait(Owner)
        end
    end).

%% Fills a DETS file with large objects to below 2 GB, then with objects of 4 kB until an insert
%% is refused; goes on trying; closes and reopens it, which repairs it.
%% Evidence: the size at the refusal and its reason; what insert, lookup, sync and close answer
%% from then on; how many acknowledged objects the repaired table has and lacks, or why the
%% repair failed. Objects of 1,000,000 bytes fill their blocks, those of 1,048,576 only half.
%% Cost: 2.1 GB in the scratch folder, as much again for the repair, 20 to 60 s.
%% Misread: with default options; what waits in the write cache is acknowledged, but not written.
%% Whether a repair fits depends on the hash of each key.
%% Source: https://github.com/erlang/otp/blob/OTP-27.0/lib/stdlib/src/dets_utils.erl
-spec dets_full(probe_lib:args()) -> probe_lib:evidence().
dets_full(Args) ->
    Large = binary:copy(<<0>>, maps:get(object_bytes, Args, 1_000_000)),
    Small = binary:copy(<<0>>, 4000),
    probe_capture:with_folder(fun(Folder) ->
        ok = ?DETS:need_room(Folder, 4_400_000_000),
        File = filename:join(Folder, "full"),
        {ok, Ref} = dets:open_file(make_ref(), [{file, File}, {auto_save, infinity}]),
        try
            {LargeCount, none} = ?DETS:fill(Ref, fun(N) -> {N - 1, Large} end, 2_093_000_000, 0),
            {SmallCount, Refusal} = ?DETS:fill(Ref, fun(N) -> {{s, N}, Small} end, infinity, 0),
            Seen = #{
                large_count => LargeCount,
                small_count => SmallCount,
                file_bytes => filelib:file_size(File),
                refusal => Refusal,
                next_insert => ?DETS:answer(dets:insert(Ref, {later, 1})),
                next_lookup => ?DETS:answer(dets:lookup(Ref, 0)),
                next_sync => ?DETS:answer(dets:sync(Ref)),
                close => ?DETS:answer(dets:close(Ref))
            },
            maps:merge(Seen, ?DETS:repaired(File, LargeCount, SmallCount))
        after
            dets:close(Ref)
        end
    end).

%%% Mnesia

%% Puts 1000 records into a table of each storage kind and asks for memory and files.
%% Evidence: for each kind what table_info(T, memory) says, the words of its ETS table, the bytes
%% of its DETS file, and which files it has.
%% Cost: one peer, three tables, about 0.6 s.
%% Misread: the same item has two units; only disc_only_copies lies in DETS.
%% Source: https://www.erlang.org/doc/apps/mnesia/mnesia.html#table_info/2
-spec mnesia_storage(probe_lib:args()) -> probe_lib:evidence().
mnesia_storage(_) ->
    ?MNESIA:with_nodes(1, fun([{Peer, Node}]) ->
        ok = probe_peer:call(Peer, mnesia, create_schema, [[Node]]),
        ok = probe_peer:call(Peer, mnesia, start, []),
        Kinds = [ram_copies, disc_copies, disc_only_copies],
        #{kinds => maps:from_list([{Kind, ?MNESIA:stored(Peer, Node, Kind)} || Kind <- Kinds])}
    end).

%% Cuts two nodes that share a table apart, writes one key on both sides, joins them again, writes
%% once more, and restarts one.
%% Evidence: what each write answered, what each side reads and counts as running before, during
%% and after, the events that each reports on meeting, and what is left after the restart.
%% Cost: two peers, about 3 s.
%% Misread: without a majority table; a commit reaches the other side a moment after it was
%% answered, so the first read there waits.
%% Source: https://www.erlang.org/doc/apps/mnesia/mnesia_chap7.html#recovery-from-communication-failure
-spec mnesia_cut(probe_lib:args()) -> probe_lib:evidence().
mnesia_cut(_) ->
    ?MNESIA:with_nodes(2, fun([{Left, _}, {Right, RightNode}] = Peers) ->
        ok = ?MNESIA:join(Peers, [], 10_000),
        Watchers = [{Peer, probe_peer:call(Peer, ?MNESIA, watch, [])} || {Peer, _} <- Peers],
        Joined = #{write => ?MNESIA:write(Left, key, before), left => ?MNESIA:read(Left, key), right => ?MNESIA:read_within(Right, key, 5000)},
        ok = ?MNESIA:cut(Peers),
        Apart = #{
            left_write => ?MNESIA:write(Left, key, left),
            right_write => ?MNESIA:write(Right, key, right),
            left_only_write => ?MNESIA:write(Left, left_only, 1),
            right_only_write => ?MNESIA:write(Right, right_only, 1),
            left_running_count => ?MNESIA:running(Left)
        },
        ?MNESIA:meet(Left, RightNode),
        Reports = [?MNESIA:reported(Peer, Watcher) || {Peer, Watcher} <- Watchers],
        Met = #{
            left => ?MNESIA:read(Left, key),
            right => ?MNESIA:read(Right, key),
            write => ?MNESIA:write(Left, later, 1),
            later_on_right => ?MNESIA:read_within(Right, later, 300),
            left_running_count => ?MNESIA:running(Left),
            left_reports => hd(Reports),
            right_reports => lists:last(Reports)
        },
        #{joined => Joined, apart => Apart, met => Met, restarted => ?MNESIA:restarted(Left, Right)}
    end).

%% Cuts the same two nodes apart with {majority, true}, and writes by transaction and dirtily.
%% Evidence: what each write answered while joined and while apart, and what could be read.
%% Cost: two peers, about 2 s.
%% Misread: of two nodes neither is a majority, so both sides refuse; with three one goes on.
%% Source: https://www.erlang.org/doc/apps/mnesia/mnesia.html#create_table/2
-spec mnesia_majority(probe_lib:args()) -> probe_lib:evidence().
mnesia_majority(_) ->
    ?MNESIA:with_nodes(2, fun([{Left, _}, {Right, _}] = Peers) ->
        ok = ?MNESIA:join(Peers, [{majority, true}], 10_000),
        Joined = ?MNESIA:write(Left, key, before),
        before = ?MNESIA:read_within(Right, key, 5000),
        ok = ?MNESIA:cut(Peers),
        #{
            joined_write => Joined,
            left_write => ?MNESIA:write(Left, key, left),
            right_write => ?MNESIA:write(Right, key, right),
            left_read => ?MNESIA:read(Left, key),
            right_read => ?MNESIA:read(Right, key),
            right_dirty_write => probe_peer:call(Right, mnesia, dirty_write, [{account, key, dirty}]),
            left_read_after_dirty => ?MNESIA:read(Left, key),
            right_read_after_dirty => ?MNESIA:read(Right, key)
        }
    end).
