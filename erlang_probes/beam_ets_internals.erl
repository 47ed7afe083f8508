%% Probes of the skill beam-ets-internals: what ETS counts and in which unit, what each access
%% costs and copies, match specifications, iteration, ownership, and the two that build on it:
%% DETS and Mnesia.
-module(beam_ets_internals).

-export([
    memory_unit/1,
    accounting_gap/1,
    empty_tables/1,
    object_words/1,
    binary_words/1,
    compressed_words/1,
    option_words/1,
    write_options/1,
    scheduler_options/1,
    number_keys/1,
    zero_keys/1,
    traversal_order/1,
    lookup_growth/1,
    update_cost/1,
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
    dets_write_delay/1,
    dets_damage/1,
    dets_full/1,
    mnesia_storage/1,
    mnesia_full/1,
    mnesia_cut/1,
    mnesia_majority/1
]).

-define(TABLES, beam_ets_internals_tables).
-define(WRITERS, beam_ets_internals_writers).
-define(SPECS, beam_ets_internals_specs).
-define(CHUNKS, beam_ets_internals_chunks).
-define(OWNERS, beam_ets_internals_owners).
-define(DETS, beam_ets_internals_dets).
-define(MNESIA, beam_ets_internals_mnesia).

-define(TYPES, [set, bag, duplicate_bag, ordered_set]).

%%% Units and accounting

%% Fills ordered_sets with objects of growing size and reads the same growth from ets:info/2 and
%% from erlang:memory/1.
%% Evidence: for each size the growth in each, and bytes of the VM per unit of ets:info/2; the
%% same for the smallest and for the largest objects.
%% Cost: 36,000 small inserts. Node-wide counter: wants a node of its own.
%% Misread: what a unit costs depends on the size of the objects: each has a header of its own.
%% Source: https://www.erlang.org/doc/apps/stdlib/ets.html#info/2
-spec memory_unit(probe_lib:args()) -> probe_lib:evidence().
memory_unit(_) ->
    Point = fun({Count, Value}) ->
        {_, Units, Bytes} = growth(ordered_set, Count, Value),
        #{
            info_units_per_object_ratio => Units / Count,
            info_units => Units,
            vm_bytes => Bytes,
            vm_bytes_per_unit_ratio => Bytes / Units
        }
    end,
    Lists = [{2000, lists:seq(1, Length)} || Length <- [10, 50, 200, 500]],
    Series = [Point(Objects) || Objects <- [{20_000, 1}, {10_000, [1]} | Lists]],
    Ratio = fun(#{vm_bytes_per_unit_ratio := Bytes}) -> Bytes end,
    #{
        series => Series,
        wordsize_bytes => erlang:system_info(wordsize),
        smallest_objects_ratio => Ratio(hd(Series)),
        largest_objects_ratio => Ratio(lists:last(Series))
    }.

%% What Count objects {Integer, Value} add to ets:info(T, memory) and to erlang:memory(ets), with the
%% type that the table says it has.
growth(Type, Count, Value) ->
    ?TABLES:with_table([Type], fun(Table) ->
        Units = ?TABLES:words(Table),
        Bytes = probe_measure:memory_at_rest(ets),
        lists:foreach(fun(Key) -> ets:insert(Table, {Key, Value}) end, lists:seq(1, Count)),
        {ets:info(Table, type), ?TABLES:words(Table) - Units, probe_measure:memory_at_rest(ets) - Bytes}
    end).

%% Compares the words of tables with the VM's own figure, for few and many, small and large
%% objects, for each type of table, and for empty tables.
%% Evidence: bytes that the VM counts beyond the words, per object, for each number of objects,
%% size of object and type; exponents of the gap; the same per empty table.
%% Cost: about 310,000 inserts, 0.3 s. Node-wide counter: wants a node of its own.
%% Misread: only of tables without concurrency options; see empty_tables/1 for the others.
%% Source: https://github.com/erlang/otp/blob/OTP-27.0/erts/emulator/beam/erl_alloc_util.c
-spec accounting_gap(probe_lib:args()) -> probe_lib:evidence().
accounting_gap(_) ->
    ByNumber = [gap(ordered_set, Count, 10) || Count <- [10_000, 20_000, 40_000, 80_000]],
    BySize = [gap(ordered_set, 20_000, Length) || Length <- [1, 4, 16, 64]],
    ByType = maps:from_list([{Type, gap(Type, 20_000, 10)} || Type <- ?TYPES]),
    #{
        by_number => ByNumber,
        by_size => BySize,
        by_type => ByType,
        object_words_growth_ratio =>
            maps:get(object_words, lists:last(BySize)) / maps:get(object_words, hd(BySize)),
        gap_by_number_exponent => probe_measure:series_exponent(objects_count, gap_bytes, ByNumber),
        gap_by_size_exponent => probe_measure:series_exponent(object_words, gap_bytes, BySize),
        empty_tables => [?TABLES:empty([Type], 1000) || Type <- [set, ordered_set]]
    }.

gap(Type, Count, Length) ->
    {Made, Words, Bytes} = growth(Type, Count, lists:seq(1, Length)),
    Gap = Bytes - probe_measure:words_to_bytes(Words),
    #{
        type => Made,
        objects_count => Count,
        object_words => Words div Count,
        gap_bytes => Gap,
        gap_per_object_bytes => Gap / Count
    }.

%% Creates 1000 empty tables with each combination of the concurrency options.
%% Evidence: per table the bytes that its words make, those by which erlang:memory/1 grew (ets and
%% system), and the gap between the first two.
%% Cost: 5000 empty tables, 60 MB for a moment. Node-wide counters: wants a node of its own.
%% Misread: `system' includes `ets' and everything else that is not of processes.
%% Source: https://github.com/erlang/otp/blob/OTP-27.0/erts/emulator/beam/erl_db.c
-spec empty_tables(probe_lib:args()) -> probe_lib:evidence().
empty_tables(_) ->
    Options = #{
        plain => [],
        write => [{write_concurrency, true}],
        read => [{read_concurrency, true}],
        write_and_read => [{write_concurrency, true}, {read_concurrency, true}]
    },
    #{tables => maps:map(fun(_, With) -> ?TABLES:empty(With, 1000) end, Options)}.

%% Inserts one object each of fifteen kinds of value into an empty table of each type.
%% Evidence: for each type the least and the most words by which an object costs more than the
%% tuple itself has on a heap; the words per small object of tables of 100,000; the type itself.
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
        Tuples = [erts_debug:flat_size({k, Value}) || Value <- Values],
        Stored = [?TABLES:per_object_words([Type], {k, Value}) || Value <- Values],
        Beyond = lists:zipwith(fun erlang:'-'/2, Stored, Tuples),
        Many = ?TABLES:with_table([Type], fun(Table) ->
            Empty = ?TABLES:words(Table),
            _ = ?TABLES:filled(Table, [{N, 1} || N <- lists:seq(1, 100_000)]),
            (?TABLES:words(Table) - Empty) / 100_000
        end),
        #{
            least_words => lists:min(Beyond),
            most_words => lists:max(Beyond),
            largest_object_words => lists:max(Stored),
            small_object_words => Many
        }
    end,
    #{overhead => maps:from_list([{Type, Overhead(Type)} || Type <- ?TYPES])}.

%% Stores binaries of every size from 1 to 200 bytes, and one of 4 MB, and reads what ETS counts.
%% Evidence: the largest size whose bytes lie in the table and the smallest whose do not; what the
%% 4 MB added to the table, to erlang:memory(ets) and to erlang:memory(binary).
%% Cost: 200 tables of one object. Node-wide counters: wants a node of its own.
%% Misread: a table of large binaries looks small in ets:info/2 while it keeps them all alive.
%% Source: https://www.erlang.org/doc/system/binaryhandling.html
-spec binary_words(probe_lib:args()) -> probe_lib:evidence().
binary_words(_) ->
    Words = fun(Bytes) -> ?TABLES:per_object_words([set], {k, binary:copy(<<7>>, Bytes)}) end,
    Sizes = [{Bytes, Words(Bytes)} || Bytes <- lists:seq(1, 200)],
    Outside = probe_measure:constant_from(Sizes),
    ?TABLES:with_table([set], fun(Table) ->
        Units = ?TABLES:words(Table),
        {Ets, Binary} = {probe_measure:memory_at_rest(ets), probe_measure:memory_at_rest(binary)},
        ets:insert(Table, {k, binary:copy(<<7>>, 4_000_000)}),
        erlang:garbage_collect(),
        #{
            largest_inside_bytes => lists:max([Bytes || {Bytes, _} <- Sizes, Bytes < Outside]),
            smallest_outside_bytes => Outside,
            large_in_table_words => ?TABLES:words(Table) - Units,
            large_in_vm_ets_bytes => probe_measure:memory_at_rest(ets) - Ets,
            large_in_vm_binary_bytes => probe_measure:memory_at_rest(binary) - Binary
        }
    end).

%% Stores the same objects in plain and in compressed tables.
%% Evidence: words of each, for a large value, a large key, five values of one or two words, and
%% three larger ones; the size of the large value deflated, in words.
%% Cost: two dozen tables of one object.
%% Misread: what is saved depends on the terms; a list of bytes is the best case.
%% Source: https://www.erlang.org/doc/apps/stdlib/ets.html#new/2
-spec compressed_words(probe_lib:args()) -> probe_lib:evidence().
compressed_words(_) ->
    Zeros = lists:duplicate(20_000, 0),
    Wordsize = erlang:system_info(wordsize),
    Both = fun(Object) ->
        Plain = ?TABLES:per_object_words([set], Object),
        Compressed = ?TABLES:per_object_words([set, compressed], Object),
        #{plain_words => Plain, compressed_words => Compressed, more_words => Compressed - Plain}
    end,
    #{
        large_value => Both({k, Zeros}),
        large_key => Both({Zeros, 1}),
        small_values => [Both({k, Value}) || Value <- [1, a, [], 1.5, self()]],
        larger_values => [Both({k, Value}) || Value <- [{1, 2, 3}, [1, 2, 3], lists:seq(1, 100)]],
        external_words => byte_size(term_to_binary(Zeros)) / Wordsize,
        deflated_words => byte_size(term_to_binary(Zeros, [compressed])) / Wordsize
    }.

%% Creates empty tables with each concurrency option, here and in a VM with one reader group.
%% Evidence: words of an empty set and ordered_set, those that each option adds, and whether a table
%% with the option says that it has it.
%% Cost: one peer and fourteen empty tables on each VM.
%% Misread: locks that many may read have a part for each group of readers; how many groups there
%% are depends on the machine and on +rg.
%% Source: https://www.erlang.org/doc/apps/stdlib/ets.html#new/2
-spec option_words(probe_lib:args()) -> probe_lib:evidence().
option_words(_) ->
    probe_peer:with(#{flags => ["+rg", "1"]}, fun(Peer) ->
        #{
            default => ?TABLES:option_words(),
            one_reader_group => probe_peer:call(Peer, ?TABLES, option_words, [])
        }
    end).

%% Creates tables with values of write_concurrency and asks them what they took.
%% Evidence: for each option and type what ets:info/2 says of write_concurrency and of
%% decentralized_counters, or what ets:new/2 raised; the words that `true' adds to an empty table.
%% Cost: ten empty tables.
%% Misread: a VM with one scheduler takes the option and ignores it.
%% Source: https://www.erlang.org/doc/apps/stdlib/ets.html#new/2
-spec write_options(probe_lib:args()) -> probe_lib:evidence().
write_options(_) ->
    ?TABLES:write_options().

%% Asks the same in a VM with one scheduler and in one with two.
%% Evidence: that of write_options/1 for each, and how many schedulers it has.
%% Cost: two peers and ten empty tables on each.
%% Misread: it is the number of schedulers that counts, not how many of them are online.
%% Source: https://github.com/erlang/otp/blob/OTP-27.0/erts/emulator/beam/erl_db.c
-spec scheduler_options(probe_lib:args()) -> probe_lib:evidence().
scheduler_options(_) ->
    Asked = fun(Schedulers) ->
        probe_peer:with(#{flags => ["+S", Schedulers]}, fun(Peer) ->
            Options = probe_peer:call(Peer, ?TABLES, write_options, []),
            Options#{schedulers_count => probe_peer:call(Peer, erlang, system_info, [schedulers])}
        end)
    end,
    #{one => Asked("1:1"), two => Asked("2:2")}.

%%% Keys

%% Inserts {1, a} and then {1.0, b} into a table of each type and looks the keys up in many ways.
%% Evidence: for each type its objects, what lookups and match_object/2 find by either number, what
%% a guard with == finds, and whether the key stored is the integer.
%% Cost: four tables of two objects.
%% Misread: lookups of an ordered_set compare with ==, its match specifications with =:=.
%% Source: https://www.erlang.org/doc/apps/stdlib/ets.html#module-match-specifications
-spec number_keys(probe_lib:args()) -> probe_lib:evidence().
number_keys(_) ->
    Guard = [{{'$1', '_'}, [{'==', '$1', 1}], [true]}],
    Case = fun(Type) ->
        ?TABLES:with_table([Type], fun(Table) ->
            ets:insert(Table, {1, a}),
            ets:insert(Table, {1.0, b}),
            Objects = ets:tab2list(Table),
            #{
                type => ets:info(Table, type),
                objects_count => ets:info(Table, size),
                values => lists:sort([Value || {_, Value} <- Objects]),
                integer_lookup_count => length(ets:lookup(Table, 1)),
                float_lookup_count => length(ets:lookup(Table, 1.0)),
                integer_match_count => length(ets:match_object(Table, {1, '_'})),
                float_match_count => length(ets:match_object(Table, {1.0, '_'})),
                guard_match_count => ets:select_count(Table, Guard),
                integer_key_stored => lists:any(fun({Key, _}) -> is_integer(Key) end, Objects)
            }
        end)
    end,
    #{types => maps:from_list([{Type, Case(Type)} || Type <- ?TYPES])}.

%% Inserts the keys 0.0 and -0.0 into a table of each type.
%% Evidence: for each type how many objects 0.0 finds and the sign bits of the keys stored; whether
%% 0.0 =:= -0.0 in this VM.
%% Cost: four tables of two objects.
%% Misread: the floats are made at run time; a compiler may merge the literals. Before OTP 27 a
%% later object brings its own zero with it.
%% Source: https://www.erlang.org/doc/system/expressions.html#term-comparisons
-spec zero_keys(probe_lib:args()) -> probe_lib:evidence().
zero_keys(_) ->
    {Plus, Minus} = {binary_to_float(<<"0.0">>), binary_to_float(<<"-0.0">>)},
    Sign = fun(Float) ->
        <<Bit:1, _:63>> = <<Float/float>>,
        Bit
    end,
    Case = fun(Type) ->
        ?TABLES:with_table([Type], fun(Table) ->
            ets:insert(Table, {Plus, a}),
            ets:insert(Table, {Minus, b}),
            #{
                found_count => length(ets:lookup(Table, Plus)),
                stored_sign_bits => lists:sort([Sign(Key) || {Key, _} <- ets:tab2list(Table)])
            }
        end)
    end,
    #{
        types => maps:from_list([{Type, Case(Type)} || Type <- ?TYPES]),
        exactly_equal => Plus =:= Minus
    }.

%% Fills a table of each type with shuffled keys of many kinds and reads it back in five ways.
%% Evidence: for each type the ways whose keys came in the order of lists:sort/1, and those that
%% gave all the keys, in whatever order.
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
    Read = fun(Type) ->
        ?TABLES:with_table([Type], fun(Table) ->
            _ = ?TABLES:filled(Table, [{K} || K <- Keys]),
            [{Name, Way(Table)} || {Name, Way} <- lists:sort(maps:to_list(Ways))]
        end)
    end,
    Case = fun(Type) ->
        Answers = Read(Type),
        #{
            in_term_order => [Name || {Name, Answer} <- Answers, Answer =:= Sorted],
            complete => [Name || {Name, Answer} <- Answers, lists:sort(Answer) =:= Sorted]
        }
    end,
    #{types => maps:from_list([{Type, Case(Type)} || Type <- ?TYPES])}.

keys(_, '$end_of_table') -> [];
keys(Table, Key) -> [Key | keys(Table, ets:next(Table, Key))].

%%% What an access costs

%% Times lookups of existing keys in growing tables, a set and an ordered_set in turn, with a
%% whole-table copy as the control.
%% Evidence: series of sizes, objects found and nanoseconds; how many times as long each takes in
%% the largest table as in the smallest; the ordered_set's time over the set's in the largest.
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
    {Small, Large} = {hd(Series), lists:last(Series)},
    Growth = fun(Key) -> maps:get(Key, Large) / maps:get(Key, Small) end,
    #{
        series => Series,
        objects_growth_ratio => Growth(objects_count),
        set_growth_ratio => Growth(set_ns),
        ordered_set_growth_ratio => Growth(ordered_set_ns),
        tab2list_growth_ratio => Growth(tab2list_ns),
        ordered_to_set_ratio => maps:get(ordered_set_ns, Large) / maps:get(set_ns, Large)
    }.

lookup_point(Count, Set, Ordered) ->
    Objects = [{N, N} || N <- lists:seq(1, Count)],
    _ = [?TABLES:filled(Table, Objects) || Table <- [Set, Ordered]],
    Keys = [N * 7919 rem Count + 1 || N <- lists:seq(1, 200)],
    Look = fun(Table) ->
        fun() -> lists:foldl(fun(Key, Found) -> Found + length(ets:lookup(Table, Key)) end, 0, Keys) end
    end,
    {LookSet, LookOrdered} = {Look(Set), Look(Ordered)},
    [SetUs, OrderedUs] = probe_measure:best_in_turn_us(600, [LookSet, LookOrdered]),
    #{
        objects_count => ets:info(Ordered, size),
        found_counts => [LookSet(), LookOrdered()],
        set_ns => SetUs * 1000 / 200,
        ordered_set_ns => OrderedUs * 1000 / 200,
        tab2list_ns => 1000 * probe_measure:best_us(3, fun() -> ets:tab2list(Set) end)
    }.

%% Lets one process insert and delete in tables of 100,000 objects, plain and with
%% write_concurrency in turn.
%% Evidence: nanoseconds an operation in each, the best of many rounds; the ordered_set's over the
%% set's, and for each type those with the option over those without; what the tables say of it.
%% Cost: four tables of 100,000 objects, about 0.4 s.
%% Misread: one process never meets another: what the option is for is not in it.
%% Source: https://www.erlang.org/doc/apps/stdlib/ets.html#new/2
-spec update_cost(probe_lib:args()) -> probe_lib:evidence().
update_cost(_) ->
    Objects = [{N, N} || N <- lists:seq(1, 100_000)],
    Keys = [N * 7919 rem 100_000 + 1 || N <- lists:seq(1, 200)],
    Options = [[set], [ordered_set], [set, {write_concurrency, true}], [ordered_set, {write_concurrency, true}]],
    Update = fun(Table, Key) ->
        ets:delete(Table, Key),
        ets:insert(Table, {Key, Key})
    end,
    Tables = [?TABLES:filled(ets:new(updated, [public | With]), Objects) || With <- Options],
    try
        Rounds = [fun() -> lists:foreach(fun(Key) -> Update(Table, Key) end, Keys) end || Table <- Tables],
        [Set, Ordered, FineSet, FineOrdered] = probe_measure:best_in_turn_us(400, Rounds),
        #{
            operation_ns => [Us * 1000 / 400 || Us <- [Set, Ordered, FineSet, FineOrdered]],
            write_concurrency => [ets:info(Table, write_concurrency) || Table <- Tables],
            ordered_to_set_ratio => Ordered / Set,
            set_option_ratio => FineSet / Set,
            ordered_set_option_ratio => FineOrdered / Ordered
        }
    after
        lists:foreach(fun ?TABLES:delete/1, Tables)
    end.

%% Searches growing tables with the key bound, with its first half bound, and unbound; keys are
%% {Group, Number} with ten objects a group.
%% Evidence: series of reductions that the caller pays, their growth exponents, and how many
%% objects each search found in the largest table, for a set and an ordered_set.
%% Cost: tables of up to 32,000 objects, about 0.1 s.
%% Misread: reductions count visited objects and buckets; time grows alike, but not exactly.
%% Source: https://www.erlang.org/doc/apps/stdlib/ets.html#module-performance
-spec bound_keys(probe_lib:args()) -> probe_lib:evidence().
bound_keys(_) ->
    Select = fun(Pattern) -> fun(T) -> length(ets:select(T, [{Pattern, [], ['$_']}])) end end,
    Ways = #{
        bound => Select({{5, 5}, '_'}),
        prefix => Select({{5, '_'}, '_'}),
        unbound => Select({{'_', 5}, '_'}),
        match_object_prefix => fun(T) -> length(ets:match_object(T, {{5, '_'}, '_'})) end
    },
    Objects = fun(Count) -> [{{N div 10, N rem 10}, N} || N <- lists:seq(10, Count + 9)] end,
    maps:from_list([{Type, searched(Type, Ways, Objects)} || Type <- [set, ordered_set]]).

%% Runs the functions that visit a whole table on growing tables, and ets:info(T, size).
%% Evidence: series of reductions that the caller pays, and growth exponents, of tab2list, foldl,
%% first/next, select_count, match_object with nothing bound, which matches nothing, and of reading
%% the size; what each answered, as a count, for the largest table.
%% Cost: tables of up to 32,000 objects, about 0.2 s.
%% Misread: reductions count visited objects and buckets; time grows faster, for larger tables
%% leave the caches.
%% Source: https://www.erlang.org/doc/apps/stdlib/ets.html
-spec whole_table(probe_lib:args()) -> probe_lib:evidence().
whole_table(_) ->
    Ways = #{
        tab2list => fun(T) -> length(ets:tab2list(T)) end,
        foldl => fun(T) -> ets:foldl(fun(_, Acc) -> Acc + 1 end, 0, T) end,
        next => fun ?TABLES:walk_count/1,
        select_count => fun(T) -> ets:select_count(T, [{'_', [], [true]}]) end,
        match_object => fun(T) -> length(ets:match_object(T, {'_', absent})) end,
        size => fun(T) -> ets:info(T, size) end
    },
    searched(set, Ways, fun(Count) -> [{N, N} || N <- lists:seq(1, Count)] end).

%% What each way costs its caller in tables of growing size, and what it answers in the largest.
searched(Type, Ways, Objects) ->
    Series = [
        ?TABLES:with_table([Type], fun(Table) ->
            _ = ?TABLES:filled(Table, Objects(Count)),
            Costs = maps:map(fun(_, Way) -> probe_measure:reductions_for(fun() -> Way(Table) end) end, Ways),
            Found = maps:map(fun(_, Way) -> Way(Table) end, Ways),
            {Costs#{objects_count => Count}, Found}
        end)
     || Count <- [2000, 4000, 8000, 16_000, 32_000]
    ],
    {Points, Found} = lists:unzip(Series),
    Exponent = fun(Name, _) -> probe_measure:series_exponent(objects_count, Name, Points) end,
    #{
        reductions_series => Points,
        growth_exponent => maps:map(Exponent, Ways),
        found_count => lists:last(Found)
    }.

%% Asks which of the lookups that join a key and its objects this release exports, and calls them.
%% Evidence: the names that exist; how many objects a walk forwards and one backwards with them
%% saw; what lookup_element/4 answers for a key that is not there.
%% Cost: one table of 100 objects.
%% Misread: absence is no error of the table; first/1 and lookup/2 do the same in two calls.
%% Source: https://www.erlang.org/doc/apps/stdlib/ets.html#first_lookup/1
-spec lookup_functions(probe_lib:args()) -> probe_lib:evidence().
lookup_functions(_) ->
    Names = [{first_lookup, 1}, {last_lookup, 1}, {next_lookup, 2}, {prev_lookup, 2}, {lookup_element, 4}],
    Exported = [Name || {Name, Arity} <- Names, erlang:function_exported(ets, Name, Arity)],
    Walk = fun(Table, Start, Step) ->
        Walked = [Found || lists:member(Start, Exported), Found <- lookup_walk(Table, Start, [Table], Step)],
        length([Key || {Key, [{Key, Square}]} <- Walked, Square =:= Key * Key])
    end,
    ?TABLES:with_table([ordered_set], fun(Table) ->
        _ = ?TABLES:filled(Table, [{N, N * N} || N <- lists:seq(1, 100)]),
        #{
            exported => lists:sort(Exported),
            forwards_count => Walk(Table, first_lookup, next_lookup),
            backwards_count => Walk(Table, last_lookup, prev_lookup),
            next_walked_count => ?TABLES:walk_count(Table),
            default_text => probe_capture:outcome(fun() -> apply(ets, lookup_element, [Table, absent, 2, given]) end)
        }
    end).

lookup_walk(Table, Function, Args, Step) ->
    case apply(ets, Function, Args) of
        '$end_of_table' -> [];
        {Key, _} = Found -> [Found | lookup_walk(Table, Step, [Table, Key], Step)]
    end.

%%% What is copied

%% Reads growing tables whole, folded, key by key and in chunks of 100, each in a fresh process.
%% Evidence: series of heap words that the reader holds afterwards; for the largest table how many
%% objects each way read, and its heap over the words of the objects in a list.
%% Cost: tables of up to 32,000 objects, about 0.2 s.
%% Misread: heaps grow in steps, up to twice what is needed, and the old heap counts too; what was
%% read and dropped since the last collection is in it as well.
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
            Read = maps:map(fun(_, Way) -> read_by_another(Way, Table) end, Ways),
            {(maps:map(fun(_, {Words, _}) -> Words end, Read))#{objects_count => Count}, Read}
        end)
     || Count <- [2000, 4000, 8000, 16_000, 32_000]
    ],
    {Heaps, Read} = lists:unzip(Series),
    {Heap, Largest} = {lists:last(Heaps), lists:last(Read)},
    Words = 32_000 * erts_debug:flat_size([{1, lists:seq(1, 8)}]),
    #{
        heap_words_series => Heaps,
        read_count => maps:map(fun(_, {_, Count}) -> Count end, Largest),
        heap_to_table_ratio => maps:map(fun(Name, _) -> maps:get(Name, Heap) / Words end, Ways)
    }.

chunked_count('$end_of_table', Count) -> Count;
chunked_count({Chunk, Next}, Count) -> chunked_count(ets:select(Next), Count + length(Chunk)).

%% The heap words of a fresh process that keeps what Way answered, and how many objects it read.
read_by_another(Way, Table) ->
    probe_lib:with_process([], fun(Reader) ->
        Answer = fun(_) ->
            Read = Way(Table),
            {if is_list(Read) -> length(Read); true -> Read end, Read}
        end,
        Count = probe_lib:ask(Reader, Answer),
        {probe_measure:total_heap_words(Reader), Count}
    end).

%% Looks up objects of growing size whole, by element and by membership, in fresh processes.
%% Evidence: series of heap words that the reader holds; growth exponents; what each answered, in
%% brief; whether two lookups of one object answer the very same term.
%% Cost: ten objects of up to 64,000 words.
%% Misread: the words are of the reader's whole heap; its smallest size hides small objects.
%% Source: https://www.erlang.org/doc/apps/stdlib/ets.html#lookup/2
-spec copy_out(probe_lib:args()) -> probe_lib:evidence().
copy_out(_) ->
    ?TABLES:with_table([set], fun(Table) ->
        Ways = #{
            lookup => fun(Key) -> ets:lookup(Table, Key) end,
            lookup_element => fun(Key) -> ets:lookup_element(Table, Key, 3) end,
            member => fun(Key) -> ets:member(Table, Key) end
        },
        Point = fun(Length) ->
            ets:insert(Table, {Length, lists:seq(1, Length), small}),
            Words = fun(_, Way) -> probe_measure:peak_heap_words(fun() -> Way(Length) end) end,
            (maps:map(Words, Ways))#{element_count => Length}
        end,
        Series = [Point(Length) || Length <- [2000, 4000, 8000, 16_000, 32_000]],
        Exponent = fun(Name, _) -> probe_measure:series_exponent(element_count, Name, Series) end,
        [{_, First, _}] = ets:lookup(Table, 2000),
        [{_, Second, _}] = ets:lookup(Table, 2000),
        Answers = maps:map(fun(_, Way) -> Way(2000) end, Ways),
        #{
            heap_words_series => Series,
            growth_exponent => maps:map(Exponent, Ways),
            lookup_words => erts_debug:flat_size(maps:get(lookup, Answers)),
            lookup_element => maps:get(lookup_element, Answers),
            member => maps:get(member, Answers),
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
%% process; the bytes and the heap words of what that one holds; the growth left after the object
%% was deleted and after the reader has died, and how long that took.
%% Cost: one binary of 4 MB. Node-wide counter: wants a node of its own.
%% Misread: freed memory may arrive late; the probe waits for it up to 5 s.
%% Source: https://www.erlang.org/doc/system/binaryhandling.html
-spec binary_shared(probe_lib:args()) -> probe_lib:evidence().
binary_shared(_) ->
    Before = probe_measure:memory_at_rest(binary),
    Growth = fun() -> probe_measure:memory_at_rest(binary) - Before end,
    ?TABLES:with_table([set], fun(Table) ->
        probe_lib:in_process(fun() -> ets:insert(Table, {k, binary:copy(<<7>>, 4_000_000)}) end),
        Inserted = Growth(),
        probe_lib:with_process([], fun(Reader) ->
            Held = probe_lib:ask(Reader, fun(_) ->
                Found = ets:lookup(Table, k),
                {lists:sum([byte_size(Binary) || {k, Binary} <- Found]), Found}
            end),
            LookedUp = Growth(),
            ets:delete(Table, k),
            Deleted = Growth(),
            Seen = #{
                inserted_bytes => Inserted,
                after_lookup_bytes => LookedUp,
                reader_holds_bytes => Held,
                reader_heap_words => probe_measure:total_heap_words(Reader),
                objects_left_count => ets:info(Table, size),
                after_delete_bytes => Deleted
            },
            probe_lib:kill_and_wait(Reader),
            Gone = probe_lib:until(fun() -> erlang:memory(binary) - Before < 200_000 end, 5000),
            Seen#{after_reader_death_bytes => Growth(), waited_ms => maps:get(waited_ms, Gone)}
        end)
    end).

%%% Writers

%% Lets as many processes as there are schedulers write to two tables of 100,000 objects in turn,
%% one without and one with write_concurrency.
%% Evidence: series of operations a millisecond of each, the median of how much more the second
%% does, and the most base nodes that each tree was seen to have, `none' where it does not say.
%% Cost: 22 runs of 40 ms; wants all cores and nothing beside it.
%% Misread: where the machine runs one writer at a time they do not meet and nothing is gained;
%% figures of two cores say nothing of sixty.
%% Source: https://www.erlang.org/blog/the-new-scalable-ets-ordered_set/
-spec writer_scaling(probe_lib:args()) -> probe_lib:evidence().
writer_scaling(Args) ->
    Type = binary_to_existing_atom(maps:get(type, Args, <<"ordered_set">>), latin1),
    Objects = [{N, 0} || N <- lists:seq(1, 100_000)],
    ?TABLES:with_table([Type], fun(Plain) ->
        ?TABLES:with_table([Type, {write_concurrency, true}], fun(Fine) ->
            _ = [?TABLES:filled(Table, Objects) || Table <- [Plain, Fine]],
            Pairs = [{?WRITERS:run(Plain, 40), ?WRITERS:run(Fine, 40)} || _ <- lists:seq(1, 11)],
            Speeds = [
                #{plain_per_ms => Slow, write_concurrency_per_ms => Fast, gain_ratio => Fast / Slow}
             || {#{operations_per_ms := Slow}, #{operations_per_ms := Fast}} <- tl(Pairs)
            ],
            {PlainRuns, FineRuns} = lists:unzip(Pairs),
            #{
                writers_count => erlang:system_info(schedulers_online),
                speeds => Speeds,
                gain_ratio => probe_measure:median([Gain || #{gain_ratio := Gain} <- Speeds]),
                plain_base_nodes_count => ?WRITERS:most_base_nodes(PlainRuns),
                write_concurrency_base_nodes_count => ?WRITERS:most_base_nodes(FineRuns)
            }
        end)
    end).

%%% Match specifications

%% Hands well- and ill-formed match specifications to the three functions that judge them.
%% Evidence: for each form what ets:test_ms/2, erlang:match_spec_test/3 (table and trace) and
%% ets:select/2 say: ok or error; the message of the first; the exception or the answer of the last.
%% Cost: fourteen compilations of match specifications, four times each.
%% Misread: `ok' means well-formed, not that anything matched; see what was selected.
%% Source: https://www.erlang.org/doc/apps/erts/match_spec.html
-spec spec_forms(probe_lib:args()) -> probe_lib:evidence().
spec_forms(_) ->
    Head = {'$1', '$2'},
    Forms = #{
        well_formed => [{Head, [{'>', '$1', 0}], ['$2']}],
        double_braces => [{Head, [], [{{'$2', '$1'}}]}],
        atom_head => [{foo, [], [true]}],
        list_head => [{['$1', '$2'], [], ['$1']}],
        trace_action => [{Head, [], [{message, '$1'}]}]
    },
    IllFormed = #{
        unbound_variable => [{Head, [], ['$3']}],
        unknown_guard => [{Head, [{is_foo, '$1'}], ['$1']}],
        wrong_arity_guard => [{Head, [{is_atom, '$1', '$2'}], ['$1']}],
        guard_not_list => [{Head, {'>', '$1', 0}, ['$1']}],
        body_not_list => [{Head, [], '$1'}],
        empty_body => [{Head, [], []}],
        bare_tuple_body => [{Head, [], [{'$2', '$1'}]}],
        not_a_list => {Head, [], ['$1']},
        remote_call => [{Head, [], [{{lists, max}, ['$1', '$2']}]}]
    },
    ?TABLES:with_table([set], fun(Table) ->
        ets:insert(Table, {1, 2}),
        Judged = fun(_, Spec) -> ?SPECS:judged(Table, Spec) end,
        IllJudged = maps:map(Judged, IllFormed),
        #{
            forms => maps:merge(maps:map(Judged, Forms), IllJudged),
            ill_formed => [maps:get(Name, IllJudged) || Name <- lists:sort(maps:keys(IllFormed))]
        }
    end).

%% Runs match specifications whose guards or bodies fail or return something other than true.
%% Evidence: what select/2 returns for each; how many objects select_count and select_delete take
%% for bodies true and 1; what select_replace does when the body changes the key, and when it
%% changes the value, and the objects afterwards.
%% Cost: a table of three objects.
%% Misread: select_count counts the bodies that return true, not the objects that match.
%% Source: https://www.erlang.org/doc/apps/stdlib/ets.html#select_delete/2
-spec spec_results(probe_lib:args()) -> probe_lib:evidence().
spec_results(_) ->
    Head = {'$1', '$2'},
    Sum = {'+', '$2', 1},
    ?TABLES:with_table([ordered_set], fun(Table) ->
        _ = ?TABLES:filled(Table, [{1, a}, {2, b}, {3, c}]),
        Select = fun(Guards, Body) -> probe_capture:text(ets:select(Table, [{Head, Guards, Body}])) end,
        Replace = fun(Body) -> probe_capture:outcome(fun() -> ets:select_replace(Table, [{Head, [], [Body]}]) end) end,
        Selected = #{
            true_guard_text => Select([true], ['$1']),
            failing_guard_text => Select([{'>', Sum, 0}], ['$1']),
            guard_of_integer_text => Select([1], ['$1']),
            guard_of_atom_text => Select([ok], ['$1']),
            failing_body_text => Select([], [Sum]),
            last_of_body_text => Select([], ['$1', '$2'])
        },
        ReplacedKey = Replace({{{'+', '$1', 10}, '$2'}}),
        ReplacedValue = Replace({{'$1', z}}),
        Objects = probe_capture:text(ets:tab2list(Table)),
        Counted = [ets:select_count(Table, [{Head, [], [Body]}]) || Body <- [true, 1]],
        DeletedByOne = ets:select_delete(Table, [{Head, [], [1]}]),
        LeftByOne = ets:info(Table, size),
        DeletedByTrue = ets:select_delete(Table, [{Head, [], [true]}]),
        Selected#{
            replace_key_text => ReplacedKey,
            replace_value_text => ReplacedValue,
            replaced_objects_text => Objects,
            count_body_true_count => hd(Counted),
            count_body_one_count => lists:last(Counted),
            delete_body_one_count => DeletedByOne,
            left_by_one_count => LeftByOne,
            delete_body_true_count => DeletedByTrue,
            left_by_true_count => ets:info(Table, size)
        }
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
        #{
            unquoted_token => Category,
            unquoted_value_text => probe_capture:text(Value),
            heads => Matched
        }
    end).

%% Runs the parse transform over functions that call ets:fun2ms/1 in many ways.
%% Evidence: for each text whether it was translated, translated with a warning, or refused, and
%% the resulting source or message; the value of two of them with X bound to 3 and to 4.
%% Cost: a dozen small parse transformations.
%% Misread: the arguments of f/1 stand for any variable bound outside the fun.
%% Source: https://www.erlang.org/doc/apps/stdlib/ms_transform.html
-spec fun2ms_compiled(probe_lib:args()) -> probe_lib:evidence().
fun2ms_compiled(_) ->
    Imported = "ets:fun2ms(fun({A, B}) when A > X -> {B, X} end)",
    Shadowed = "ets:fun2ms(fun({X, B}) -> B end)",
    Texts = #{
        literal => "ets:fun2ms(fun({A, B}) when A > 1 -> B end)",
        two_clauses => "ets:fun2ms(fun({A, B}) -> A; ({C, _, _}) -> C end)",
        argument => "ets:fun2ms(X)",
        variable => "F = fun({A, B}) -> {A, B} end, ets:fun2ms(F)",
        named_fun => "ets:fun2ms(fun f/1)",
        remote_fun => "ets:fun2ms(fun lists:max/1)",
        imported => Imported,
        shadowed => Shadowed,
        local_call => "ets:fun2ms(fun({A, B}) -> {f(A), B} end)",
        remote_call => "ets:fun2ms(fun({A, B}) -> lists:max([A, B]) end)",
        case_in_body => "ets:fun2ms(fun({A, B}) -> case A of 1 -> B end end)",
        match_in_body => "ets:fun2ms(fun({A, B}) -> C = {A, B}, C end)",
        two_arguments => "ets:fun2ms(fun(A, B) -> {A, B} end)",
        bits_in_head => "ets:fun2ms(fun({A, <<B>>}) -> {A, B} end)"
    },
    Objects = [{3, a}, {4, b}, {5, c}],
    #{
        texts => maps:map(fun(_, Text) -> ?SPECS:translated(Text) end, Texts),
        imported_selects => [?SPECS:selected(Imported, X, Objects) || X <- [3, 4]],
        shadowed_selects => [?SPECS:selected(Shadowed, X, Objects) || X <- [3, 4]]
    }.

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
%% Evidence: for each type and size the chunk sizes, and whether every object came once; what
%% select/2 and select/3 answer for an empty table, and select/1 after a full last chunk.
%% Cost: 15 tables of up to 1000 objects.
%% Misread: a full last chunk is no sign that more follows, nor a short one that none does.
%% Source: https://www.erlang.org/doc/apps/stdlib/ets.html#select/3
-spec chunks(probe_lib:args()) -> probe_lib:evidence().
chunks(_) ->
    Spec = [{{'$1', '_'}, [], ['$1']}],
    Case = fun(Type, Count) ->
        ?TABLES:with_table([Type], fun(Table) ->
            _ = ?TABLES:filled(Table, [{N, N} || N <- lists:seq(1, Count)]),
            Chunks = ?TABLES:chunks(ets:select(Table, Spec, 10)),
            #{
                chunk_sizes => lists:usort([length(Chunk) || Chunk <- Chunks]),
                chunks_count => length(Chunks),
                last_chunk_count => length(lists:last([[] | Chunks])),
                each_once => lists:sort(lists:append(Chunks)) =:= lists:seq(1, Count),
                in_key_order => lists:append(Chunks) =:= lists:seq(1, Count)
            }
        end)
    end,
    Sizes = [{empty, 0}, {ten, 10}, {ninety_five, 95}, {thousand, 1000}],
    ByType = fun(Type) -> maps:from_list([{Name, Case(Type, Count)} || {Name, Count} <- Sizes]) end,
    #{
        types => maps:from_list([{Type, ByType(Type)} || Type <- ?TYPES]),
        empty_select_2 => ?TABLES:with_table([set], fun(Table) -> ets:select(Table, Spec) end),
        empty_select_3 => ?TABLES:with_table([set], fun(Table) -> ets:select(Table, Spec, 10) end),
        after_full_chunk => ?TABLES:with_table([set], fun(Table) ->
            {_, Next} = ets:select(?TABLES:filled(Table, [{N, N} || N <- lists:seq(1, 10)]), Spec, 10),
            ets:select(Next)
        end)
    }.

%% Reads 20,000 objects in chunks of 100 while another process, after a twentieth, a tenth, ... of
%% them, inserts 20,000 others or deletes all but every tenth; with and without safe_fixtable.
%% Evidence: for each type, kind of write and fixation, over all the readings: how many ended
%% complete and how many raised badarg; how many of the objects that were there all the time came
%% never in those that ended (and in how many of these some did), how many more than once; how many
%% objects the writes added or took away.
%% Cost: 80 tables of up to 40,000 objects, 2 s.
%% Misread: where a table grows or shrinks to depends on the release, and with it which reading
%% suffers; objects that come or go meanwhile may be seen or not, only the constant ones count.
%% Source: https://www.erlang.org/doc/apps/stdlib/ets.html#safe_fixtable/2
-spec writes_between_chunks(probe_lib:args()) -> probe_lib:evidence().
writes_between_chunks(_) ->
    Places = [10, 20, 40, 60, 80, 100, 120, 140, 160, 180],
    Writes = #{grow => fun ?CHUNKS:grow/1, shrink => fun ?CHUNKS:shrink/1},
    Case = fun(Type, Fixed) ->
        maps:map(
            fun(_, Write) -> ?CHUNKS:summary([?CHUNKS:reading(Type, Fixed, Write, Place) || Place <- Places]) end,
            Writes
        )
    end,
    Both = fun(Type) -> #{free => Case(Type, false), fixed => Case(Type, true)} end,
    #{types => maps:from_list([{Type, Both(Type)} || Type <- [set, ordered_set]])}.

%% Deletes the key that a walk stands on and asks for the next, with and without safe_fixtable.
%% Evidence: for each type and fixation whether next/2 went on or what it raised, and how many
%% objects the table had left then.
%% Cost: eight tables of 100 objects.
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
            Next =
                try ets:next(Table, First) of
                    Key when is_integer(Key) -> goes_on
                catch
                    error:Reason -> Reason
                end,
            #{next => Next, left_count => ets:info(Table, size)}
        end)
    end,
    Both = fun(Type) -> #{free => Case(Type, false), fixed => Case(Type, true)} end,
    #{types => maps:from_list([{Type, Both(Type)} || Type <- ?TYPES])}.

%% Makes a continuation in a process that ends, keeps it only in the external term format, and
%% uses it after its match specification was collected; and one whose table was deleted.
%% Evidence: what select/1 answers for each, while the maker lives, after its end, and after
%% ets:repair_continuation/2; the wait until the specification was gone.
%% Cost: one table of 100 objects.
%% Misread: while the maker lives, the copy works: the compiled specification is still there.
%% Source: https://www.erlang.org/doc/apps/stdlib/ets.html#repair_continuation/2
-spec continuation_copied(probe_lib:args()) -> probe_lib:evidence().
continuation_copied(_) ->
    Spec = [{{'$1', '_'}, [], ['$1']}],
    Count = fun(Continuation) ->
        probe_capture:outcome(fun() -> length(element(1, ets:select(Continuation))) end)
    end,
    ?TABLES:with_table([set], fun(Table) ->
        _ = ?TABLES:filled(Table, [{N, x} || N <- lists:seq(1, 100)]),
        Make = fun(_) ->
            {_, Continuation} = ets:select(Table, Spec, 10),
            {term_to_binary(Continuation), Continuation}
        end,
        %% A copy that is made while the specification lives keeps it alive: each in a process.
        CountCopy = fun(External) -> probe_lib:in_process(fun() -> Count(binary_to_term(External)) end) end,
        {External, Alive} = probe_lib:with_process([], fun(Maker) ->
            Copy = probe_lib:ask(Maker, Make),
            {Copy, CountCopy(Copy)}
        end),
        Gone = probe_lib:until(fun() -> CountCopy(External) =/= <<"10">> end, 5000),
        {_, Live} = ets:select(Table, Spec, 10),
        Answers = #{
            live_text => Count(Live),
            maker_alive_text => Alive,
            copied_text => CountCopy(External),
            waited_ms => maps:get(waited_ms, Gone),
            repaired_text => Count(ets:repair_continuation(binary_to_term(External), Spec))
        },
        ets:delete(Table),
        Answers#{
            table_deleted_text => Count(Live),
            table_deleted_repaired_text => Count(ets:repair_continuation(Live, Spec))
        }
    end).

%%% Ownership

%% Lets owners of tables end in several ways, with and without heir, and gives tables away.
%% Evidence: for each case whether the table lives on, who owns it, what message came, and after
%% how long, or how long none came; the wait for the end of the table or its change of owner.
%% Cost: six processes and tables, 0.5 s.
%% Misread: a table goes a moment after its owner; the probe polls for up to 5 s.
%% Source: https://www.erlang.org/doc/apps/stdlib/ets.html#new/2
-spec table_owner(probe_lib:args()) -> probe_lib:evidence().
table_owner(_) ->
    Self = self(),
    Nothing = fun(_, _) -> nothing end,
    Stranger = fun(_, Table) ->
        try
            ets:give_away(Table, self(), gift)
        catch
            error:Reason -> Reason
        end
    end,
    Gift = fun(Owner, Table) ->
        probe_lib:ask(Owner, fun(State) -> {ets:give_away(Table, Self, gift), State} end)
    end,
    Delete = fun(Owner, Table) -> probe_lib:ask(Owner, fun(State) -> {ets:delete(Table), State} end) end,
    DeadHeir = probe_lib:in_process(fun() -> self() end),
    #{
        no_heir => ?OWNERS:outlived([], Nothing),
        heir => ?OWNERS:outlived([{heir, Self, inheritance}], Nothing),
        dead_heir => ?OWNERS:outlived([{heir, DeadHeir, inheritance}], Nothing),
        deleted => ?OWNERS:outlived([{heir, Self, inheritance}], Delete),
        given => ?OWNERS:outlived([], Gift),
        given_by_stranger => ?OWNERS:outlived([], Stranger)
    }.

%% Lets a process create tables and binaries, forget all references, and collects its garbage.
%% Evidence: the tables, objects and binaries off the heap that the process has before and after
%% the collection, and the tables that are left when it ended, with the wait for that.
%% Cost: 20 tables of 10 objects and 20 binaries, one process.
%% Misread: unlike binaries, tables have no reference count; only their owner's end frees them.
%% Source: https://www.erlang.org/doc/apps/stdlib/ets.html
-spec table_unreferenced(probe_lib:args()) -> probe_lib:evidence().
table_unreferenced(_) ->
    Make = fun() ->
        Table = ?TABLES:filled(ets:new(forgotten, [public]), [{N, N} || N <- lists:seq(1, 10)]),
        {Table, binary:copy(<<7>>, 1000)}
    end,
    Pid = probe_lib:subject([]),
    try
        ok = probe_lib:ask(Pid, fun(_) -> {ok, [Make() || _ <- lists:seq(1, 20)]} end),
        Before = ?OWNERS:owned(Pid),
        ok = probe_lib:ask(Pid, fun(_) -> {ok, forgotten} end),
        true = erlang:garbage_collect(Pid),
        After = ?OWNERS:owned(Pid),
        probe_lib:kill_and_wait(Pid),
        Gone = probe_lib:until(fun() -> ?OWNERS:tables(Pid) =:= [] end, 5000),
        #{
            referred_to => Before,
            collected => After,
            after_death_count => length(?OWNERS:tables(Pid)),
            waited_ms => maps:get(waited_ms, Gone)
        }
    after
        probe_lib:kill_and_wait(Pid)
    end.

%%% DETS

%% Puts growing data into DETS files.
%% Evidence: for each number of objects dets:info(T, memory), and its ratio to the bytes of the file;
%% how many times as large the last is as the first.
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
                info_to_file_ratio => Info / Bytes
            }
        end,
        Series = [Point(Count) || Count <- [10, 100, 1000, 10_000]],
        Bytes = [maps:get(info_memory_bytes, At) || At <- Series],
        #{series => Series, file_growth_ratio => lists:last(Bytes) / hd(Bytes)}
    end).

%% Opens DETS tables of each type, and puts the keys 1 and 1.0 into those that open.
%% Evidence: for each type whether it opens, and as what; the number of objects then, and how many
%% the key 1 finds.
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
                    Found = #{
                        opens => true,
                        type => dets:info(Ref, type),
                        objects_count => dets:info(Ref, size),
                        integer_lookup_count => length(dets:lookup(Ref, 1))
                    },
                    ok = dets:close(Ref),
                    Found;
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
%% objects and of those that waited in the write cache each has; the wait until the file of the dead
%% owner was closed.
%% Cost: four small files in the scratch folder; up to 5 s of waiting.
%% Misread: a VM that dies leaves the file as the first copy: open, and without the cache.
%% Source: https://www.erlang.org/doc/apps/stdlib/dets.html
-spec dets_left_open(probe_lib:args()) -> probe_lib:evidence().
dets_left_open(_) ->
    probe_capture:with_folder(fun(Folder) ->
        [Original, Open, Killed] = [filename:join(Folder, Name) || Name <- ["original", "open", "killed"]],
        Owner = probe_lib:subject([]),
        try
            Cached = probe_lib:ask(Owner, fun(State) ->
                {ok, Ref} = dets:open_file(make_ref(), [{file, Original}, {auto_save, infinity}]),
                ok = dets:insert(Ref, [{N, synced} || N <- lists:seq(1, 500)]),
                ok = dets:sync(Ref),
                Now = erlang:monotonic_time(millisecond),
                ok = dets:insert(Ref, {cached, 1}),
                {Now, State}
            end),
            {ok, _} = file:copy(Original, Open),
            ok = ?DETS:still_cached(Cached),
            probe_lib:kill_and_wait(Owner),
            Closed = probe_lib:until(fun() -> ?DETS:closed(Original, Killed) end, 5000),
            #{
                copied_while_open => ?DETS:reopened(Open),
                copied_after_kill => ?DETS:reopened(Killed),
                waited_ms => maps:get(waited_ms, Closed)
            }
        after
            probe_lib:kill_and_wait(Owner)
        end
    end).

%% Inserts without sync: one small object, until it is in the file; objects of a thousand bytes,
%% until the first is in the file; and copies the file then.
%% Evidence: the milliseconds and whether it came at all; how many were inserted then; whether the
%% copy opens without repair.
%% Cost: two small files; up to 20 s of waiting, about 3 s as a rule.
%% Misread: the file stays marked as open until auto_save or close: what was written needs a repair.
%% Source: https://github.com/erlang/otp/blob/OTP-27.0/lib/stdlib/src/dets.erl
-spec dets_write_delay(probe_lib:args()) -> probe_lib:evidence().
dets_write_delay(_) ->
    probe_capture:with_folder(fun(Folder) ->
        [Delayed, Copy, Filled] = [filename:join(Folder, Name) || Name <- ["delayed", "copy", "filled"]],
        {ok, Ref} = dets:open_file(make_ref(), [{file, Delayed}]),
        Started = erlang:monotonic_time(millisecond),
        ok = dets:insert(Ref, {k, <<"beamproof-marker">>}),
        AtOnce = ?DETS:marks(Delayed),
        ok = ?DETS:still_cached(Started),
        Written = probe_lib:until(fun() -> ?DETS:marks(Delayed) > 0 end, 20_000),
        After = erlang:monotonic_time(millisecond) - Started,
        {ok, _} = file:copy(Delayed, Copy),
        ok = dets:close(Ref),
        #{
            at_once_count => AtOnce,
            written => maps:get(settled, Written),
            written_after_ms => After,
            copy => ?DETS:reopened(Copy),
            inserts_until_written_count => ?DETS:inserts_until_written(Filled, 1000)
        }
    end).

%% Damages closed DETS files in four ways and opens them: cut to three quarters, without a header,
%% other data, and overwritten in the middle.
%% Evidence: for each what open_file answers without, with, and with forced repair, and how many of
%% the 200 objects can be read then; the same for a file without damage.
%% Cost: fifteen files of 45 kB.
%% Misread: an opened file is no sound file; what is broken may show at the access only.
%% Source: https://www.erlang.org/doc/apps/stdlib/dets.html#open_file/2
-spec dets_damage(probe_lib:args()) -> probe_lib:evidence().
dets_damage(_) ->
    Damage = #{
        none => fun(_) -> ok end,
        cut => fun ?DETS:cut/1,
        no_header => fun(File) -> ?DETS:overwrite(File, 0, 32) end,
        other_data => fun(File) -> ok = file:write_file(File, lists:duplicate(1000, "other ")) end,
        middle => fun(File) -> ?DETS:overwrite(File, filelib:file_size(File) div 2, 2000) end
    },
    probe_capture:with_folder(fun(Folder) ->
        Opened = fun(Name, Spoil, Repair) ->
            File = filename:join(Folder, lists:concat([Name, "-", Repair])),
            ok = ?DETS:create(File, 200),
            Spoil(File),
            ?DETS:opened(File, Repair, 200)
        end,
        #{
            files => maps:map(
                fun(Name, Spoil) ->
                    maps:from_list([{Repair, Opened(Name, Spoil, Repair)} || Repair <- [false, true, force]])
                end,
                Damage
            )
        }
    end).

%% Fills a DETS file with large objects to below 2 GB, then with small ones until an insert
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
    Small = binary:copy(<<0>>, maps:get(small_bytes, Args, 4000)),
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

%% Fills the DETS file of a disc_only_copies table to just below its limit, then writes by
%% transaction and dirtily.
%% Evidence: objects and bytes in the file before; how many of 20 transactions, of 1 MB each,
%% answered {atomic, ok}, and by how many objects the file grew; what a later small transaction, a
%% dirty write and a dirty read of what was written answer.
%% Cost: one peer, 2.1 GB in the scratch folder, 5 to 20 s.
%% Misread: the table was filled through DETS, to save the transaction log twice as much.
%% Source: https://github.com/erlang/otp/blob/OTP-27.0/lib/mnesia/src/mnesia_tm.erl
-spec mnesia_full(probe_lib:args()) -> probe_lib:evidence().
mnesia_full(Args) ->
    MostBytes = maps:get(fill_bytes, Args, 2_093_000_000),
    ?MNESIA:with_nodes(1, fun([{Peer, Node}]) ->
        ok = ?DETS:need_room(probe_peer:scratch(Peer), MostBytes + 100_000_000),
        ok = probe_peer:call(Peer, mnesia, create_schema, [[Node]]),
        ok = probe_peer:call(Peer, mnesia, start, []),
        {atomic, ok} = probe_peer:call(Peer, mnesia, create_table, [full, [{disc_only_copies, [Node]}]]),
        Filled = ?MNESIA:fill(Peer, full, MostBytes),
        FileBytes = probe_peer:call(Peer, dets, info, [full, file_size]),
        Answers = [probe_peer:call(Peer, ?MNESIA, write_large, [full, {late, N}]) || N <- lists:seq(1, 20)],
        #{
            filled_count => Filled,
            file_bytes => FileBytes,
            atomic_count => length([atomic || {atomic, ok} <- Answers]),
            stored_count => probe_peer:call(Peer, dets, info, [full, size]) - Filled,
            small_transaction => ?MNESIA:write(Peer, full, small, 1),
            dirty_write => ?MNESIA:dirty(Peer, dirty_write, [{full, small, 1}]),
            dirty_read => ?MNESIA:dirty(Peer, dirty_read, [full, {late, 20}])
        }
    end).

%% Cuts two nodes that share a table apart, writes one key on both sides, joins them again, writes
%% once more, and restarts one.
%% Evidence: what each write answered, what each side reads and counts as running before, during
%% and after, the events that each reports on meeting, how long the other side was listened to for
%% the later write, and what each has of the other's before and after the restart.
%% Cost: two peers, about 3 s.
%% Misread: without a majority table; a commit reaches the other side a moment after it was
%% answered, so the first read there waits.
%% Source: https://www.erlang.org/doc/apps/mnesia/mnesia_chap7.html#recovery-from-communication-failure
-spec mnesia_cut(probe_lib:args()) -> probe_lib:evidence().
mnesia_cut(_) ->
    ?MNESIA:with_nodes(2, fun([{Left, _}, {Right, RightNode}] = Peers) ->
        ok = ?MNESIA:join(Peers, [], 10_000),
        Watchers = [{Peer, probe_peer:call(Peer, ?MNESIA, watch, [])} || {Peer, _} <- Peers],
        Joined = #{
            write => ?MNESIA:write(Left, key, before),
            left => ?MNESIA:read(Left, key),
            right => ?MNESIA:value(?MNESIA:read_within(Right, key, 5000)),
            left_running_count => ?MNESIA:running(Left)
        },
        ok = ?MNESIA:cut(Peers),
        Apart = #{
            left_write => ?MNESIA:write(Left, key, left),
            right_write => ?MNESIA:write(Right, key, right),
            left_only_write => ?MNESIA:write(Left, left_only, 1),
            right_only_write => ?MNESIA:write(Right, right_only, 1),
            left_running_count => ?MNESIA:running(Left)
        },
        ?MNESIA:meet(Left, RightNode),
        Met = ?MNESIA:met(Left, Right, [?MNESIA:reported(Peer, Watcher) || {Peer, Watcher} <- Watchers]),
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
        Arrived = ?MNESIA:read_within(Right, key, 5000),
        ok = ?MNESIA:cut(Peers),
        #{
            joined_write => Joined,
            joined_right_read => ?MNESIA:value(Arrived),
            left_running_count => ?MNESIA:running(Left),
            left_write => ?MNESIA:write(Left, key, left),
            right_write => ?MNESIA:write(Right, key, right),
            left_read => ?MNESIA:read(Left, key),
            right_read => ?MNESIA:read(Right, key),
            right_dirty_write => probe_peer:call(Right, mnesia, dirty_write, [{account, key, dirty}]),
            left_read_after_dirty => ?MNESIA:read(Left, key),
            right_read_after_dirty => ?MNESIA:read(Right, key)
        }
    end).
