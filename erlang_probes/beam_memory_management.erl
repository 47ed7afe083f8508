%% Probes of the skill beam-memory-management: where binaries live, what keeps them alive, what a
%% collection does and to whom, what hibernation keeps, and what the operating system sees of it.
-module(beam_memory_management).

%% Where binaries live.
-export([
    refc_threshold/1,
    refc_threshold_received/1,
    append_is_refc/1,
    append_room/1,
    binary_words/1,
    literal_unlisted/1
]).
%% What a part retains.
-export([
    part_threshold/1,
    held_part_retains/1,
    dropped_reference/1,
    match_allocates/1,
    part_words/1,
    sending_copies/1
]).
%% What fullsweep_after counts.
-export([
    fullsweep_period/1,
    fullsweep_survivors/1,
    fullsweep_setting/1,
    fullsweep_early/1,
    fullsweep_reclaims/1
]).
%% Generations, and whom a collection concerns.
-export([
    promotion/1,
    collection_isolated/1,
    others_run_on/1,
    dirty_collection/1,
    binary_pressure/1,
    min_bin_vheap_alone/1
]).
%% Heap sizes.
-export([heap_size_steps/1, heap_growth/1, min_heap_size_spares/1]).
%% Hibernation.
-export([
    hibernate_shrinks/1,
    hibernate_young_words/1,
    hibernate_keeps/1,
    hibernate_wakes/1,
    hibernate_cost/1,
    hibernate_no_disk/1
]).
%% Whose memory a binary is.
-export([shared_until_last/1, listed_by_reference/1, sent_part_retains/1, part_in_table/1]).
%% Finding leaks.
-export([bin_leak/1, bin_leak_receivers/1, recon_absent/1]).
%% The node as a whole.
-export([memory_sums/1, carriers/1]).

-define(BINARIES, beam_memory_management_binaries).
-define(COLLECTIONS, beam_memory_management_collections).
-define(HEAP, beam_memory_management_heap).
-define(SLEEP, beam_memory_management_sleep).
-define(SYSTEM, beam_memory_management_system).
-define(MB, (1024 * 1024)).

%%% Where the border between heap and reference-counted binaries lies

%% Builds binaries of every size from 0 to 300 bytes in five ways, and bitstrings of 400 to 600
%% bits, and looks for them off the heap.
%% Evidence: for each way the largest size kept on the heap and the smallest kept outside it.
%% Cost: 1706 binaries and as many forced collections of one small process, about 30 ms.
%% Misread: the sizes are of fresh, exactly sized binaries; appended ones are another matter.
%% Source: https://www.erlang.org/doc/system/binaryhandling.html
-spec refc_threshold(probe_lib:args()) -> probe_lib:evidence().
refc_threshold(_) ->
    Ways = #{
        copy => fun(Size) -> binary:copy(<<7>>, Size) end,
        construct => fun(Size) -> <<7:(Size * 8)>> end,
        list => fun(Size) -> list_to_binary(lists:duplicate(Size, 7)) end,
        iolist => fun(Size) -> iolist_to_binary([[7] || _ <- lists:seq(1, Size)]) end,
        decode => fun(Size) -> binary_to_term(<<131, 109, Size:32, 7:(Size * 8)>>) end
    },
    probe_lib:with_process([], fun(Holder) ->
        Border = fun(Sizes, Make) ->
            ?BINARIES:border(Sizes, fun(Size) ->
                ?BINARIES:hold(Holder, fun() -> Make(Size) end)
            end)
        end,
        {HeapBits, RefcBits} = Border(lists:seq(400, 600), fun(Bits) -> <<7:Bits>> end),
        #{
            ways => maps:map(
                fun(_, Make) -> border_evidence(Border(lists:seq(0, 300), Make)) end, Ways
            ),
            bits => #{largest_heap_bits => HeapBits, smallest_refc_bits => RefcBits}
        }
    end).

border_evidence({Heap, Refc}) ->
    #{largest_heap_binary_bytes => Heap, smallest_refc_binary_bytes => Refc}.

%% Hands binaries of every size from 1 to 200 bytes to a process: by message, by port, from a file
%% and from a socket.
%% Evidence: for each way of arrival the border, as in refc_threshold/1.
%% Cost: 800 binaries, one `cat', one file, one connection over the loopback.
%% Misread: port and socket are asked for so many bytes; one read for whatever is there may differ.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#open_port/2
-spec refc_threshold_received(probe_lib:args()) -> probe_lib:evidence().
refc_threshold_received(_) ->
    Message = probe_lib:with_process([], fun(Receiver) ->
        ?BINARIES:border(lists:seq(1, 200), fun(Size) ->
            Subject = binary:copy(<<7>>, Size),
            Size = probe_lib:ask(Receiver, fun(_) -> {byte_size(Subject), Subject} end),
            ?BINARIES:collected(Receiver, major)
        end)
    end),
    probe_capture:with_folder(fun(Folder) ->
        Ways = ?BINARIES:arrivals(Folder),
        Borders = maps:map(fun(_, Way) -> ?BINARIES:arrival_border(Way) end, Ways),
        #{ways => maps:map(fun(_, One) -> border_evidence(One) end, Borders#{message => Message})}
    end).

%% Grows a binary byte by byte with the bit syntax, makes some by comprehension and some by copying,
%% takes the heap words that each needs, and lets a process hold one of 300 bytes.
%% Evidence: the sizes from 1 to 300 bytes from which on each kind needs no more heap words, that
%% is, at which its bytes lie elsewhere, and how many sizes there were; how many off-heap binaries
%% are listed for the holder of an appended and of a copied one, and their bytes.
%% Cost: 900 binaries, and as many walks of one term.
%% Misread: process_info(P, binary) of 25.0 to 25.2 leaves appended binaries out: words do not.
%% Source: https://www.erlang.org/doc/system/binaryhandling.html#constructing-binaries
-spec append_is_refc(probe_lib:args()) -> probe_lib:evidence().
append_is_refc(_) ->
    Words = fun(Make) ->
        [
            {byte_size(Binary), erts_debug:flat_size(Binary)}
         || Size <- lists:seq(1, 300), Binary <- [Make(Size)]
        ]
    end,
    Sizes = fun(Series) -> length(lists:usort([Size || {Size, _} <- Series])) end,
    Copied = Words(fun(Size) -> binary:copy(<<7>>, Size) end),
    Comprehended = Words(fun(Size) -> ?BINARIES:comprehended(Size) end),
    Appended = ?BINARIES:appended_words(<<>>, 300),
    Listed = fun(Make) ->
        probe_lib:with_process([], fun(Holder) -> ?BINARIES:hold(Holder, Make) end)
    end,
    CopiedListed = Listed(fun() -> binary:copy(<<7>>, 300) end),
    AppendedListed = Listed(fun() -> ?BINARIES:appended(<<>>, 300) end),
    #{
        copied_smallest_refc_bytes => probe_measure:constant_from(Copied),
        comprehended_smallest_refc_bytes => probe_measure:constant_from(Comprehended),
        appended_smallest_refc_bytes => probe_measure:constant_from(Appended),
        sizes_counts => [Sizes(Series) || Series <- [Copied, Comprehended, Appended]],
        copied_listed_count => length(CopiedListed),
        copied_listed_bytes => lists:sum(CopiedListed),
        appended_listed_count => length(AppendedListed),
        appended_listed_bytes => lists:sum(AppendedListed)
    }.

%% Appends a byte to 1000 empty binaries and to one of 4 MiB in a process that nothing collects, and
%% sends the large one to another process; copies in their place.
%% Evidence: the off-heap bytes that the node gains for a small one, and for each byte of the large
%% one before and after it was sent.
%% Cost: 12 MiB for a moment, in an own node.
%% Misread: erlang:memory(binary) is of the whole node, with headers and rounding.
%% Source: https://www.erlang.org/doc/system/binaryhandling.html#constructing-binaries
-spec append_room(probe_lib:args()) -> probe_lib:evidence().
append_room(_) ->
    #{
        appended => room(fun(Binary) -> ?BINARIES:appended(Binary, 1) end),
        copied => room(fun
            (<<>>) -> binary:copy(<<7>>);
            (Binary) -> binary:copy(Binary)
        end)
    }.

room(Longer) ->
    Roomy = [{min_heap_size, 100_000}, {min_bin_vheap_size, 100_000_000}],
    Bytes = 4 * ?MB,
    probe_lib:with_process(Roomy, fun(Holder) ->
        Small = gained_by(Holder, 1000, fun(_) -> [Longer(<<>>) || _ <- lists:seq(1, 1000)] end),
        ?BINARIES:hold(Holder, fun() -> ?BINARIES:bytes(Bytes) end),
        Base = probe_measure:memory_at_rest(binary),
        Large = gained_by(Holder, Bytes, Longer),
        probe_lib:with_process(Roomy, fun(Receiver) ->
            ?BINARIES:hand_over(Holder, Receiver),
            #{
                small_bytes => Small,
                large_held_ratio => Large,
                large_sent_ratio => ?SYSTEM:binary_bytes_gained(Base, Bytes)
            }
        end)
    end).

%% What the node gains in binaries when Holder makes its state anew by Change, in units of so many
%% bytes.
gained_by(Holder, Unit, Change) ->
    Base = probe_measure:memory_at_rest(binary),
    probe_lib:ask(Holder, fun(State) -> {ok, Change(State)} end),
    ?SYSTEM:binary_bytes_gained(Base, Unit).

%% Lets a process hold one binary of each size from 0 to 64 bytes, and of some sizes above.
%% Evidence: the words by which the live data of the process grow, for the smaller ones beside what
%% two words and the bytes rounded up to words make; the sizes at which they differ.
%% Cost: 70 binaries, 140 forced collections.
%% Misread: words of the process' heap only; off it are the bytes of the larger ones, and a header.
%% Source: https://www.erlang.org/doc/system/eff_guide_processes.html
-spec binary_words(probe_lib:args()) -> probe_lib:evidence().
binary_words(_) ->
    probe_lib:with_process([], fun(Holder) ->
        Words = fun(Make) ->
            ?BINARIES:hold(Holder, Make),
            probe_measure:live_words(Holder)
        end,
        Base = Words(fun() -> none end),
        OfSize = fun(Size) -> Words(fun() -> binary:copy(<<7>>, Size) end) - Base end,
        Wordsize = erlang:system_info(wordsize),
        Small = [{Size, OfSize(Size)} || Size <- lists:seq(0, 64)],
        Rule = fun(Size) -> 2 + (Size + Wordsize - 1) div Wordsize end,
        #{
            of_64_bytes_words => proplists:get_value(64, Small),
            off_rule_bytes => [Size || {Size, Found} <- Small, Found =/= Rule(Size)],
            larger_words => [OfSize(Size) || Size <- [65, 100, 1000, 100_000, ?MB]]
        }
    end).

%% Lets a process hold a literal of its module, then a run-time copy of it.
%% Evidence: the off-heap bytes listed for the process in each case, and the size of what it holds.
%% Cost: two forced collections.
%% Misread: the literal does lie outside the heap, but the module owns it.
%% Source: https://www.erlang.org/doc/system/eff_guide_processes.html#sending-messages
-spec literal_unlisted(probe_lib:args()) -> probe_lib:evidence().
literal_unlisted(_) ->
    probe_lib:with_process([], fun(Holder) ->
        Held = fun(Make) ->
            OffHeap = ?BINARIES:hold(Holder, Make),
            Size = probe_lib:ask(Holder, fun(Binary) -> {byte_size(Binary), Binary} end),
            #{held_bytes => Size, off_heap_bytes => lists:sum(OffHeap)}
        end,
        #{
            literal => Held(fun() -> ?BINARIES:literal() end),
            copy => Held(fun() -> binary:copy(?BINARIES:literal()) end)
        }
    end).

%%% What a part of a binary retains

%% Takes parts of every size from 1 to 200 bytes, and of 1 to 600 bits, out of a binary of 20
%% KB, holds the part only, and looks whether the process still refers to the whole.
%% Evidence: for each way the largest part that lets the whole go and the smallest that keeps it;
%% the same for parts that do not end at a byte, in bits.
%% Cost: 1525 binaries of 20 KB, one at a time, about 50 ms.
%% Misread: each process was collected after the part was taken, or the whole would still be there.
%% Source: https://www.erlang.org/doc/apps/stdlib/binary.html#referenced_byte_size/1
-spec part_threshold(probe_lib:args()) -> probe_lib:evidence().
part_threshold(_) ->
    probe_lib:with_process([], fun(Holder) ->
        Held = fun(Take, Size) ->
            ?BINARIES:hold(Holder, fun() -> Take(?BINARIES:bytes(20_000), Size) end)
        end,
        Border = fun(_, Take) ->
            {Copied, Kept} = ?BINARIES:retained(lists:seq(1, 200), fun(Size) ->
                Held(Take, Size)
            end),
            #{largest_copied_bytes => Copied, smallest_retaining_bytes => Kept}
        end,
        Odd = [Bits || Bits <- lists:seq(1, 600), Bits rem 8 =/= 0],
        {CopiedBits, KeptBits} = ?BINARIES:retained(Odd, fun(Bits) -> Held(fun bits/2, Bits) end),
        #{
            ways => maps:map(Border, ?BINARIES:part_ways()),
            bits => #{largest_copied_bits => CopiedBits, smallest_retaining_bits => KeptBits}
        }
    end).

bits(Whole, Bits) ->
    <<Part:Bits/bits, _/bits>> = Whole,
    Part.

%% Holds a 100-byte part of a binary of 10 MiB through minor collections and full sweeps, then
%% replaces it by its copy.
%% Evidence: the off-heap bytes that the holder refers to after each, and the collections that the
%% trace saw.
%% Cost: 10 MiB for some milliseconds.
%% Misread: the listed size is that of the whole binary, not of the part that is used.
%% Source: https://www.erlang.org/doc/apps/stdlib/binary.html#copy/1
-spec held_part_retains(probe_lib:args()) -> probe_lib:evidence().
held_part_retains(_) ->
    {Held, Collections} = ?COLLECTIONS:collections(?BINARIES:quiet(), fun(Holder) ->
        Sums = fun(Type) ->
            [lists:sum(?BINARIES:collected(Holder, Type)) || _ <- lists:seq(1, 5)]
        end,
        Fresh = ?BINARIES:hold(Holder, fun() ->
            binary:part(?BINARIES:bytes(10 * ?MB), 0, 100)
        end),
        Minor = Sums(minor),
        Major = Sums(major),
        probe_lib:ask(Holder, fun(Part) -> {ok, binary:copy(Part)} end),
        Copied = probe_measure:off_heap_bytes(Holder),
        #{
            held_bytes => lists:sum(Fresh),
            held_after_minor_bytes => Minor,
            held_after_full_sweep_bytes => Major,
            copied_uncollected_bytes => Copied,
            held_after_copy_bytes => lists:sum(?BINARIES:collected(Holder, major))
        }
    end),
    Held#{collections => ?COLLECTIONS:tally(Collections)}.

%% Drops the only reference to a binary of 1 MiB while it is young, and once it is old, and looks at
%% what lets go of it: waiting, a minor collection, a full sweep, hibernation. One process with
%% fullsweep_after 0 waits as well, and one makes garbage while the others wait.
%% Evidence: for each the off-heap bytes after each step, and the collections that the trace saw
%% during the wait; how long the wait was.
%% Cost: one wait of 1.1 s for all.
%% Misread: the subjects have a large heap, so that only the steps named here collect.
%% Source: https://www.erlang.org/doc/apps/erts/garbagecollection#generational-garbage-collection
-spec dropped_reference(probe_lib:args()) -> probe_lib:evidence().
dropped_reference(_) ->
    Quiet = ?BINARIES:quiet(),
    Sweep = fun(Pid) -> ?BINARIES:collected(Pid, major) end,
    Sleep = fun(Pid) ->
        ok = probe_lib:hibernate(Pid),
        probe_measure:off_heap_sizes(Pid)
    end,
    Cases = #{
        young => {?BINARIES:dropped(Quiet, ?MB, 0), Sweep},
        old => {?BINARIES:dropped(Quiet, ?MB, 2), Sweep},
        old_hibernated => {?BINARIES:dropped(Quiet, ?MB, 2), Sleep},
        young_sweeping => {?BINARIES:dropped([{fullsweep_after, 0} | Quiet], ?MB, 0), Sweep},
        busy => {?BINARIES:dropped([{min_heap_size, 10_000}], ?MB, 0), Sweep}
    },
    Pids = [Pid || {Pid, _} <- maps:values(Cases)],
    {Busy, _} = maps:get(busy, Cases),
    try
        {Waited, Collections} = probe_lib:in_process(fun() ->
            ?COLLECTIONS:watched(Pids, fun() -> wait_beside(Busy, 1_100) end)
        end),
        Found = maps:map(
            fun(_, {Pid, Last}) ->
                #{
                    wait_collections_count => length(maps:get(Pid, Collections)),
                    after_wait_bytes => probe_measure:off_heap_bytes(Pid),
                    after_minor_bytes => lists:sum(?BINARIES:collected(Pid, minor)),
                    after_last_bytes => lists:sum(Last(Pid))
                }
            end,
            Cases
        ),
        Found#{waited_ms => Waited}
    after
        probe_lib:kill_all(Pids)
    end.

%% The milliseconds of a wait during which Busy makes garbage.
wait_beside(Busy, Ms) ->
    Start = erlang:monotonic_time(millisecond),
    ok = probe_lib:ask(Busy, fun(State) -> {?COLLECTIONS:churn(1000), State} end),
    timer:sleep(Ms),
    erlang:monotonic_time(millisecond) - Start.

%% Walks binaries of 1000 to 16000 bytes, by matching byte and rest, and by splitting off a byte.
%% Evidence: for each walk the bytes that it counted and the heap words that it allocated, and how
%% these grow with the length; the words of matching a single byte.
%% Cost: 30000 steps; heaps large enough that nothing is collected.
%% Misread: the compiler must see matching and recursion together to keep one match context.
%% Source: https://www.erlang.org/doc/system/binaryhandling.html#matching-binaries
-spec match_allocates(probe_lib:args()) -> probe_lib:evidence().
match_allocates(_) ->
    Walked = fun(Walk, Length) ->
        ?COLLECTIONS:allocated(fun() -> ?BINARIES:bytes(Length) end, Walk)
    end,
    Matching = fun(Binary) -> ?BINARIES:walk_matching(Binary, 0) end,
    Splitting = fun(Binary) -> ?BINARIES:walk_splitting(Binary, 0) end,
    Series = fun(Walk) ->
        [{Length, Walked(Walk, Length)} || Length <- [1000, 2000, 4000, 8000, 16000]]
    end,
    Matched = Series(Matching),
    Split = Series(Splitting),
    {OneWords, 1} = Walked(Matching, 1),
    Exponent = fun(Walk) ->
        probe_measure:growth_exponent([{Length, Words} || {Length, {Words, _}} <- Walk])
    end,
    #{
        matched_words => [Words || {_, {Words, _}} <- Matched],
        matched_bytes => [Count || {_, {_, Count}} <- Matched],
        split_words => [Words || {_, {Words, _}} <- Split],
        split_bytes => [Count || {_, {_, Count}} <- Split],
        one_byte_words => OneWords,
        most_matched_to_one_byte_ratio =>
            lists:max([Words || {_, {Words, _}} <- Matched]) / OneWords,
        matched_growth_exponent => Exponent(Matched),
        split_growth_exponent => Exponent(Split)
    }.

%% Matches parts of growing size out of a binary of 1 MiB, and lets a process hold the large ones.
%% Evidence: the heap words that taking each part allocates, the match context included; what the
%% holder of a large part refers to off its heap.
%% Cost: 27 subjects with 1 MiB each, one after the other.
%% Misread: words differ by release; what matters is where they stop following the size.
%% Source: https://www.erlang.org/doc/system/binaryhandling.html#matching-binaries
-spec part_words(probe_lib:args()) -> probe_lib:evidence().
part_words(_) ->
    Whole = fun() -> ?BINARIES:bytes(?MB) end,
    #{match_front := Take} = ?BINARIES:part_ways(),
    Large = [100, 1000, 10_000, 100_000, 1_000_000],
    Words = [
        {Size, element(1, ?COLLECTIONS:allocated(Whole, fun(B) -> is_binary(Take(B, Size)) end))}
     || Size <- [0, 1, 8, 16, 32, 48] ++ lists:seq(60, 70) ++ Large
    ],
    Held = fun(Size) ->
        probe_lib:with_process([], fun(Holder) ->
            ?BINARIES:hold(Holder, fun() -> Take(Whole(), Size) end)
        end)
    end,
    #{
        samples => probe_measure:samples(part_bytes, allocated_words, Words),
        large_part_words => lists:usort([proplists:get_value(Size, Words) || Size <- Large]),
        large_part_off_heap_bytes => lists:append([Held(Size) || Size <- Large]),
        constant_from_bytes => probe_measure:constant_from(Words)
    }.

%% Sends lists and binaries of growing length to a process that does not read them, and one binary
%% of each length to one that does.
%% Evidence: the bytes that the first one's memory grows by for each, and by how much from length to
%% length; what it grows by for a binary beyond an atom; how many of the binaries sender and receiver
%% both have under the same id.
%% Cost: ten idle processes, ten that hold a binary.
%% Misread: process_info(P, memory) counts messages that wait, but no reference-counted bytes: what
%% became of those, only the ids tell.
%% Source: https://www.erlang.org/doc/system/eff_guide_processes.html#sending-messages
-spec sending_copies(probe_lib:args()) -> probe_lib:evidence().
sending_copies(_) ->
    Lengths = [1000, 2000, 4000, 8000, 16000],
    Series = fun(Make) -> [{Length, received_bytes(Make(Length))} || Length <- Lengths] end,
    Lists = Series(fun(Length) -> lists:seq(1, Length) end),
    Binaries = Series(fun(Length) -> binary:copy(<<7>>, Length) end),
    Slopes = fun([_ | Later] = All) ->
        [(Y2 - Y1) / (X2 - X1) || {{X1, Y1}, {X2, Y2}} <- lists:zip(lists:droplast(All), Later)]
    end,
    Wordsize = erlang:system_info(wordsize),
    Atom = received_bytes(none),
    #{
        list => probe_measure:samples(length_count, received_bytes, Lists),
        binary => probe_measure:samples(length_bytes, received_bytes, Binaries),
        list_words_per_cell_ratio => [Slope / Wordsize || Slope <- Slopes(Lists)],
        binary_words_per_byte_ratio => [Slope / Wordsize || Slope <- Slopes(Binaries)],
        binary_beyond_atom_words => [(Bytes - Atom) / Wordsize || {_, Bytes} <- Binaries],
        sent_count => length(Lengths),
        same_binary_count => length(lists:filter(fun same_binary/1, Lengths))
    }.

%% The bytes by which the memory of a process that reads nothing grows when Message waits for it.
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

%% Whether the binary that one process sent to another is the very one that this has.
same_binary(Length) ->
    probe_lib:with_process([], fun(Sender) ->
        probe_lib:with_process([], fun(Receiver) ->
            [Length] = ?BINARIES:hold(Sender, fun() -> binary:copy(<<7>>, Length) end),
            ?BINARIES:hand_over(Sender, Receiver),
            [{Id, Length}] = probe_measure:off_heap(Sender),
            [{Id, Length}] =:= probe_measure:off_heap(Receiver)
        end)
    end).

%%% What fullsweep_after counts

%% Lets subjects with different fullsweep_after allocate the same garbage and keep nothing, and some
%% build a list of 40000 cells.
%% Evidence: for each setting the collections in all, the full sweeps, and the minor collections
%% between two full sweeps (all intervals but the first); the setting of a process by default.
%% Cost: about 10000 traced collections of small heaps.
%% Misread: the first full sweep comes early, when the first old heap is to be made.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#process_flag/2
-spec fullsweep_period(probe_lib:args()) -> probe_lib:evidence().
fullsweep_period(_) ->
    Garbage = fun(_) ->
        ?COLLECTIONS:churn(1000),
        []
    end,
    Settings = [0, 1, 2, 3, 5, 10, 20, 100, 65535],
    Periods = [?COLLECTIONS:fullsweep_period(Setting, 0, Garbage) || Setting <- Settings],
    Build = fun(_) -> ?COLLECTIONS:counted_list(40_000, []) end,
    Keeping = [?COLLECTIONS:fullsweep_period(Setting, 0, Build) || Setting <- [1, 2, 3, 20]],
    Totals = [Total || #{collections_count := Total} <- Periods],
    {garbage_collection, Default} = process_info(self(), garbage_collection),
    #{
        minors_between => ?COLLECTIONS:by_setting(minors_between_count, Periods),
        minors => ?COLLECTIONS:by_setting(minor_count, Periods),
        full_sweeps => ?COLLECTIONS:by_setting(full_sweeps_count, Periods),
        collections => ?COLLECTIONS:by_setting(collections_count, Periods),
        keeping_minors_between => ?COLLECTIONS:by_setting(minors_between_count, Keeping),
        most_to_least_collections_ratio => lists:max(Totals) / lists:min(Totals),
        default_fullsweep_after_count => proplists:get_value(fullsweep_after, Default),
        system_fullsweep_after_count => element(2, erlang:system_info(fullsweep_after))
    }.

%% Lets subjects with fullsweep_after 0 and 65535 do the same work: some keep a list of 500 cells
%% and make garbage, some keep the newest 50 of 20000 short lists.
%% Evidence: the collections of each, and what 0 makes of them in relation to 65535.
%% Cost: about 5000 traced collections.
%% Misread: the figures follow from the sizes that heaps have after a collection, and differ by
%% release; the direction is what counts.
%% Source: https://www.erlang.org/doc/apps/erts/garbagecollection
-spec fullsweep_survivors(probe_lib:args()) -> probe_lib:evidence().
fullsweep_survivors(_) ->
    Count = fun(Cells, Work) ->
        Collected = fun(Setting) ->
            length(?COLLECTIONS:collections_with([{fullsweep_after, Setting}], Cells, Work))
        end,
        [Zero, Never] = lists:map(Collected, [0, 65535]),
        #{after_0_count => Zero, after_65535_count => Never, zero_to_never_ratio => Zero / Never}
    end,
    #{
        keeping => Count(500, fun(State) ->
            ?COLLECTIONS:churn(3300),
            State
        end),
        replacing => Count(50, fun(State) -> ?COLLECTIONS:replaced(20_000, State) end)
    }.

%% Sets fullsweep_after for a whole VM, by the environment and by erlang:system_flag/2.
%% Evidence: the setting of processes that were spawned before and after, and what the VM says.
%% Cost: two VMs, about 1 s.
%% Misread: a process keeps what it was spawned with.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#system_flag/2
-spec fullsweep_setting(probe_lib:args()) -> probe_lib:evidence().
fullsweep_setting(_) ->
    InNewProcess = fun() -> probe_lib:with_process([], fun fullsweep_after_of/1) end,
    Environment = probe_peer:with(#{env => [{"ERL_FULLSWEEP_AFTER", "7"}]}, fun(Peer) ->
        probe_peer:call(Peer, InNewProcess)
    end),
    Flag = probe_peer:with(#{}, fun(Peer) ->
        probe_peer:call(Peer, fun() ->
            probe_lib:with_process([], fun(Older) ->
                Before = erlang:system_flag(fullsweep_after, 9),
                #{
                    before_count => Before,
                    older_count => fullsweep_after_of(Older),
                    younger_count => InNewProcess()
                }
            end)
        end)
    end),
    #{environment_count => Environment, system_flag => Flag}.

fullsweep_after_of(Pid) ->
    {garbage_collection, Settings} = process_info(Pid, garbage_collection),
    proplists:get_value(fullsweep_after, Settings).

%% Lets a subject with the largest fullsweep_after keep more and more, and another keep nothing.
%% Evidence: the minor collections and full sweeps of each; the largest heap of the second one.
%% Cost: 40000 list cells, about 2000 traced collections.
%% Misread: a full sweep that comes of a full old heap is not one that fullsweep_after asked for.
%% Source: https://github.com/erlang/otp/blob/OTP-27.0/erts/emulator/beam/erl_gc.c
-spec fullsweep_early(probe_lib:args()) -> probe_lib:evidence().
fullsweep_early(_) ->
    Options = [{fullsweep_after, 65535}],
    Keeping = ?COLLECTIONS:collections_with(Options, 0, fun(_) ->
        ?COLLECTIONS:counted_list(40_000, [])
    end),
    Dropping = ?COLLECTIONS:collections_with(Options, 0, fun(_) ->
        ?COLLECTIONS:churn(2000),
        []
    end),
    #{
        keeping => ?COLLECTIONS:tally(Keeping),
        dropping => ?COLLECTIONS:tally(Dropping),
        dropping_most_heap_words => ?COLLECTIONS:most_heap_words(Dropping)
    }.

%% Promotes the only reference to 1 MiB, drops it, and forces minor collections until it goes.
%% Evidence: for each fullsweep_after the number of collections after the drop that it took
%% (`none' within 200), and what is left after a forced full sweep at last.
%% Cost: about 350 forced collections.
%% Misread: two of the counted minor collections were used up by promoting the reference.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#spawn_opt/4
-spec fullsweep_reclaims(probe_lib:args()) -> probe_lib:evidence().
fullsweep_reclaims(_) ->
    Reclaimed = [
        ?COLLECTIONS:reclaimed_after(Setting)
     || Setting <- [2, 3, 5, 10, 20, 50, 65535]
    ],
    #{
        collections_needed => ?COLLECTIONS:by_setting(collections_count, Reclaimed),
        left_after_sweep => ?COLLECTIONS:by_setting(left_bytes, Reclaimed)
    }.

%%% Generations, and whom a collection concerns

%% Collects a subject that holds a list of 1000 cells again and again, minor only.
%% Evidence: the words in use in the old generation before and after each collection.
%% Cost: five forced collections.
%% Misread: the first collections of a new process may be full sweeps, which promote nothing.
%% Source: https://www.erlang.org/doc/apps/erts/garbagecollection#generational-garbage-collection
-spec promotion(probe_lib:args()) -> probe_lib:evidence().
promotion(_) ->
    probe_lib:with_process(?BINARIES:quiet(), fun(Holder) ->
        probe_lib:ask(Holder, fun(_) -> {ok, lists:seq(1, 1000)} end),
        Before = ?HEAP:old_words(Holder),
        After = fun(_) ->
            true = erlang:garbage_collect(Holder, [{type, minor}]),
            ?HEAP:old_words(Holder)
        end,
        #{old_before_words => Before, old_after_minor_words => lists:map(After, [1, 2, 3])}
    end).

%% Collects one process a hundred times from outside and by its own garbage, beside another one
%% with which it shares a binary; then has it drop the binary.
%% Evidence: the collections of both meanwhile and when the other one is collected at last; what
%% each has off its heap before and after, and whether it is the same binary.
%% Cost: 100 forced collections, 1 MiB.
%% Misread: the other process must not run at all, or it collects on its own account.
%% Source: https://www.erlang.org/doc/apps/erts/garbagecollection
-spec collection_isolated(probe_lib:args()) -> probe_lib:evidence().
collection_isolated(_) ->
    Shared = ?BINARIES:bytes(?MB),
    Share = fun(Pid) -> ok = probe_lib:ask(Pid, fun(_) -> {ok, Shared} end) end,
    probe_lib:in_process(fun() ->
        probe_lib:with_process(?BINARIES:quiet(), fun(Bystander) ->
            probe_lib:with_process([], fun(Subject) ->
                [Share(Pid) || Pid <- [Subject, Bystander]],
                Same = probe_measure:off_heap(Subject) =:= probe_measure:off_heap(Bystander),
                Both = [Subject, Bystander],
                {_, During} = ?COLLECTIONS:watched(Both, fun() -> collect_often(Subject) end),
                Left = probe_measure:off_heap_bytes(Subject),
                {true, Control} = ?COLLECTIONS:watched(Both, fun() ->
                    erlang:garbage_collect(Bystander)
                end),
                #{
                    shared => Same,
                    subject_collections_count => length(maps:get(Subject, During)),
                    bystander_collections_count => length(maps:get(Bystander, During)),
                    subject_off_heap_bytes => Left,
                    bystander_off_heap_bytes => probe_measure:off_heap_bytes(Bystander),
                    control_collections_count => length(maps:get(Bystander, Control))
                }
            end)
        end)
    end).

collect_often(Subject) ->
    [true = erlang:garbage_collect(Subject) || _ <- lists:seq(1, 100)],
    ok = probe_lib:ask(Subject, fun(_) -> {?COLLECTIONS:churn(100), none} end),
    true = erlang:garbage_collect(Subject).

%% Has one process compute while another, with a list of 2 million cells, sweeps its heap five
%% times.
%% Evidence: the sweeps and how long they took together; the rounds per millisecond of the computing
%% process within them, in relation to those before.
%% Cost: 80 MB for half a second.
%% Misread: on one core the two share it, and the ratio is near a half.
%% Source: https://www.erlang.org/doc/apps/erts/garbagecollection
-spec others_run_on(probe_lib:args()) -> probe_lib:evidence().
others_run_on(_) ->
    probe_lib:with_process([{min_heap_size, 5_000_000}], fun(Heavy) ->
        probe_lib:ask(Heavy, fun(_) -> {ok, lists:seq(1, 2_000_000)} end),
        ?COLLECTIONS:progress_beside(Heavy)
    end).

%% Sweeps heaps with more and more live words, and with more and more garbage, and looks which kind
%% of scheduler does the work.
%% Evidence: the most list words collected on a normal scheduler and the least on a dirty one, `none'
%% where one of them collects none.
%% Cost: 40 full sweeps of up to 3 MB.
%% Misread: a normal scheduler starts every collection; it is the sweep that may move. A few dozen
%% words beside the list, of the request and the process itself, count as well.
%% Source: https://github.com/erlang/otp/blob/OTP-27.0/erts/emulator/beam/erl_gc.c
-spec dirty_collection(probe_lib:args()) -> probe_lib:evidence().
dirty_collection(_) ->
    Border = fun(Fill) ->
        {Normal, Dirty} = ?HEAP:sweeps_on_dirty_from(Fill),
        #{most_words_on_normal_scheduler => Normal, least_words_on_dirty_scheduler => Dirty}
    end,
    #{
        live => Border(fun(Words) -> lists:seq(1, Words div 2) end),
        garbage => Border(fun(Words) -> ?COLLECTIONS:keep(lists:seq(1, Words div 2)) end)
    }.

%% Makes binaries of different sizes in a process whose heap has ample room.
%% Evidence: for each size the off-heap bytes made until the first collection, and by how many
%% binaries that is more than the limit; the collections that heap binaries of 64 bytes cost; the
%% same as with off-heap ones with a larger min_bin_vheap_size.
%% Cost: some ten thousand binaries.
%% Misread: counted is what the process refers to, not what it is the only one to refer to.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#spawn_opt/4
-spec binary_pressure(probe_lib:args()) -> probe_lib:evidence().
binary_pressure(_) ->
    Room = {min_heap_size, 400_000},
    {min_bin_vheap_size, DefaultWords} = erlang:system_info(min_bin_vheap_size),
    Limited = fun(Options, Size) ->
        Words = ?HEAP:bin_vheap_words(Options),
        Bytes = ?HEAP:made_until_collected(Options, Size, 8_000_000 div Size),
        Limit = probe_measure:words_to_bytes(Words),
        #{
            bin_vheap_words => Words,
            binary_bytes => Size,
            made_bytes => Bytes,
            over_limit_count => is_integer(Bytes) andalso (Bytes - Limit) / Size
        }
    end,
    #{
        default_bin_vheap_words => DefaultWords,
        default => [Limited([Room], Size) || Size <- [1000, 2000, 5000, 10_000, 20_000]],
        heap_binaries => heap_binaries([Room], 64),
        tenfold => Limited([{min_bin_vheap_size, 464_220}, Room], 10_000)
    }.

%% The bytes in 8000 binaries of Size bytes that a process with these options makes and drops, and
%% its collections meanwhile.
heap_binaries(SpawnOptions, Size) ->
    {Made, Collections} = ?COLLECTIONS:collections(SpawnOptions, fun(Subject) ->
        Make = fun(_) -> byte_size(?BINARIES:bytes(Size)) end,
        probe_lib:ask(Subject, fun(_) -> {lists:sum(lists:map(Make, lists:seq(1, 8000))), none} end)
    end),
    #{made_bytes => Made, collections_count => length(Collections)}.

%% Asks for a large min_bin_vheap_size alone, beside options that say nothing of heaps, and beside
%% some that do, and makes up to three binaries of 1 MB.
%% Evidence: the virtual heap that the process has, and the bytes made until it is collected; which
%% of the options beside it that say nothing of heaps it has.
%% Cost: 16 processes, 40 binaries of 1 MB.
%% Misread: three binaries are too few requests to fill the smallest heap.
%% Source: https://github.com/erlang/otp/blob/OTP-27.0/erts/emulator/beam/erl_bif_process.c
-spec min_bin_vheap_alone(probe_lib:args()) -> probe_lib:evidence().
min_bin_vheap_alone(_) ->
    Asked = fun(Other) ->
        Options = [{min_bin_vheap_size, 464_220} | Other],
        #{
            bin_vheap_words => ?HEAP:bin_vheap_words(Options),
            beside => ?HEAP:taken(Options),
            made_bytes => ?HEAP:made_until_collected(Options, 1_000_000, 3)
        }
    end,
    #{
        alone => Asked([]),
        with_link => Asked([link]),
        with_message_queue_data => Asked([{message_queue_data, off_heap}]),
        with_min_heap_size => Asked([{min_heap_size, 233}]),
        with_fullsweep_after => Asked([{fullsweep_after, 65535}]),
        with_priority => Asked([{priority, normal}]),
        with_max_heap_size => Asked([{max_heap_size, 0}])
    }.

%%% Heap sizes

%% Asks for every min_heap_size and takes what the process gets.
%% Evidence: the sizes that heaps can have, in words; those of a process with no options; the
%% ratio of each size to the one before, for small and for large heaps; small ones that are not the
%% sum of the two before and one.
%% Cost: 33 idle processes, of up to 25 MB each.
%% Misread: a size is a step of the table, not what was asked for.
%% Source: https://github.com/erlang/otp/blob/OTP-27.0/erts/emulator/beam/erl_gc.c
-spec heap_size_steps(probe_lib:args()) -> probe_lib:evidence().
heap_size_steps(_) ->
    Steps = ?HEAP:steps(0, 4_000_000),
    Pairs = lists:zip(lists:droplast(Steps), tl(Steps)),
    Ratios = [{Small, Large / Small} || {Small, Large} <- Pairs],
    [Slow | _] = [Small || {Small, Ratio} <- Ratios, Ratio < 1.5],
    Total = fun probe_measure:total_heap_words/1,
    #{
        steps_words => Steps,
        initial_words => probe_lib:with_process([], Total),
        asked_1000_words => probe_lib:with_process([{min_heap_size, 1000}], Total),
        slow_growth_from_words => Slow,
        fast_off_rule_words => ?HEAP:off_rule([Step || Step <- Steps, Step =< Slow]),
        fast_ratios => [Ratio || {Small, Ratio} <- Ratios, Small < Slow],
        slow_ratios => [Ratio || {Small, Ratio} <- Ratios, Small >= Slow]
    }.

%% Lets a process keep a list that grows by 10 cells at a time, to 20000 words.
%% Evidence: the heap sizes it goes through, those of them that are no steps of the table, how many
%% sizes there are, and how much larger the second is than the first.
%% Cost: 1000 requests.
%% Misread: heap_size is the young generation: it also falls, when data move to the old one.
%% Source: https://www.erlang.org/doc/apps/erts/garbagecollection
-spec heap_growth(probe_lib:args()) -> probe_lib:evidence().
heap_growth(_) ->
    Table = ?HEAP:steps(0, 100_000),
    {Seen, Kept} = probe_lib:with_process([{message_queue_data, off_heap}], fun(Subject) ->
        probe_lib:ask(Subject, fun(_) -> {ok, []} end),
        Sizes = lists:usort([?HEAP:grown_words(Subject) || _ <- lists:seq(1, 1000)]),
        {Sizes, probe_measure:live_words(Subject)}
    end),
    #{
        seen_words => Seen,
        first_growth_ratio => first_growth(Seen),
        sizes_count => length(Seen),
        off_table_words => Seen -- Table,
        kept_words => Kept
    }.

first_growth([First, Second | _]) -> Second / First;
first_growth([_]) -> none.

%% Lets processes with different min_heap_size build the same list.
%% Evidence: the collections of each until it is built, and the words that it then keeps.
%% Cost: four processes, 10000 cells each.
%% Misread: what is spared in collections is paid in memory, for as long as the process lives.
%% Source: https://www.erlang.org/doc/system/eff_guide_processes.html#initial-heap-size
-spec min_heap_size_spares(probe_lib:args()) -> probe_lib:evidence().
min_heap_size_spares(_) ->
    Built = fun(Words) ->
        {Kept, Collections} = ?COLLECTIONS:collections([{min_heap_size, Words}], fun(Subject) ->
            probe_lib:ask(Subject, fun(_) ->
                List = ?COLLECTIONS:counted_list(10_000, []),
                {length(List), List}
            end)
        end),
        #{collections_count => length(Collections), built_count => Kept}
    end,
    #{
        from_233_words => Built(233),
        from_2000_words => Built(2000),
        from_10000_words => Built(10_000),
        from_30000_words => Built(30_000)
    }.

%%% Hibernation

%% Hibernates a process with a state of 2000 words that made and dropped 60000, and one with no
%% state at all, and wakes both.
%% Evidence: the words of all heaps awake, asleep and woken, the collections of waking up, and
%% whether the state came through.
%% Cost: 0.5 MB for a moment. Above 131072 words a dirty scheduler would sweep, some time later.
%% Misread: the state itself does not shrink: asleep, the heap is as large as what it holds.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#hibernate/3
-spec hibernate_shrinks(probe_lib:args()) -> probe_lib:evidence().
hibernate_shrinks(_) ->
    With = slept(1000, 30_000),
    Without = slept(0, 0),
    Difference = maps:get(asleep_words, With) - maps:get(asleep_words, Without),
    #{with_state => With, without_state => Without, asleep_difference_words => Difference}.

slept(Length, Garbage) ->
    probe_lib:in_process(fun() ->
        probe_lib:with_process([], fun(Sleeper) ->
            probe_lib:ask(Sleeper, fun(_) ->
                {length(lists:seq(1, Garbage)), lists:seq(1, Length)}
            end),
            Awake = probe_measure:total_heap_words(Sleeper),
            ok = probe_lib:hibernate(Sleeper),
            Asleep = probe_measure:total_heap_words(Sleeper),
            {Intact, #{Sleeper := Collections}} = ?COLLECTIONS:watched([Sleeper], fun() ->
                probe_lib:ask(Sleeper, fun(List) -> {List =:= lists:seq(1, Length), List} end)
            end),
            #{
                awake_words => Awake,
                asleep_words => Asleep,
                waking_collections_count => length(Collections),
                woken_words => probe_measure:total_heap_words(Sleeper),
                state_intact => Intact
            }
        end)
    end).

%% Lets two processes hibernate: one that has promoted a state of 60000 words, and one that has made
%% as much garbage and kept nothing.
%% Evidence: heap_size and total_heap_size in words before and in hibernation, and the words in use
%% in the old generation.
%% Cost: 1.5 MB for a moment.
%% Misread: heap_size leaves the old generation out, which hibernation merges into the young one.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#process_info/2
-spec hibernate_young_words(probe_lib:args()) -> probe_lib:evidence().
hibernate_young_words(_) ->
    Slept = fun(Make, Promotions) ->
        probe_lib:with_process([{message_queue_data, off_heap}], fun(Sleeper) ->
            probe_lib:ask(Sleeper, fun(_) -> {ok, Make()} end),
            [true = erlang:garbage_collect(Sleeper, [{type, minor}]) || _ <- Promotions],
            Awake = heaps(Sleeper),
            ok = probe_lib:hibernate(Sleeper),
            #{awake => Awake, asleep => heaps(Sleeper)}
        end)
    end,
    #{
        promoted => Slept(fun() -> lists:seq(1, 30_000) end, [1, 2, 3]),
        garbage => Slept(fun() -> ?COLLECTIONS:keep(lists:seq(1, 30_000)) end, [])
    }.

heaps(Pid) ->
    #{
        old_words => ?HEAP:old_words(Pid),
        heap_size_words => probe_measure:young_block_words(Pid),
        total_heap_size_words => probe_measure:total_heap_words(Pid)
    }.

%% Hibernates a process with dictionary, name, link, monitor, priority and trap_exit, inside a
%% `try', and lets another one wait in a receive in its place; then wakes them to raise.
%% Evidence: what each has while it waits; what it exits with, and whether `catch', `after' or the
%% code behind the call ever ran.
%% Cost: three processes.
%% Misread: process_info/2 answers for a hibernated process without waking it.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#hibernate/3
-spec hibernate_keeps(probe_lib:args()) -> probe_lib:evidence().
hibernate_keeps(_) ->
    Waited = fun(How, AtRest) ->
        probe_lib:with_process([], fun(Partner) ->
            {Pid, _} = Waiting = ?SLEEP:waiting_in_try(self(), Partner, How),
            Pid ! sleep,
            AtRest(Pid),
            Has = ?SLEEP:holdings(Pid, Partner),
            {Reason, Ran} = ?SLEEP:ran_after(Waiting),
            Has#{exit_reason => Reason, ran_after_call => Ran}
        end)
    end,
    InReceive = fun(Pid) ->
        probe_lib:await(fun() -> process_info(Pid, status) =:= {status, waiting} end, 5_000)
    end,
    #{
        hibernated => Waited(hibernated, fun probe_lib:asleep/1),
        received => Waited(received, InReceive)
    }.

%% Does to a hibernated process what might wake it, each to a fresh one, and after a silence sends
%% a message to all.
%% Evidence: for each stimulus the first message that the process found when it woke: its own, or
%% the last one's, `control'; whether the stimulus did its own work; how long the silence was.
%% Cost: ten processes, one silence of 100 ms.
%% Misread: that it sleeps on is seen for the silence only.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#hibernate/3
-spec hibernate_wakes(probe_lib:args()) -> probe_lib:evidence().
hibernate_wakes(_) ->
    Self = self(),
    ?SLEEP:wakes(#{
        nothing => fun is_process_alive/1,
        message => fun(Pid) -> (Pid ! message) =:= message end,
        queued_message => queued,
        timer => fun(Pid) -> is_reference(erlang:send_after(1, Pid, message)) end,
        trapped_exit => fun(Pid) -> exit(Pid, reason) end,
        process_info => fun(Pid) ->
            process_info(Pid, [messages, links]) =:= [{messages, []}, {links, []}]
        end,
        collection => fun(Pid) -> erlang:garbage_collect(Pid) end,
        monitor => fun(Pid) ->
            Ref = erlang:monitor(process, Pid),
            {monitored_by, By} = process_info(Pid, monitored_by),
            erlang:demonitor(Ref, [flush]) andalso lists:member(Self, By)
        end,
        link => fun(Pid) ->
            link(Pid),
            {links, Links} = process_info(Pid, links),
            unlink(Pid) andalso lists:member(Self, Links)
        end,
        suspension => fun(Pid) ->
            true = erlang:suspend_process(Pid),
            {status, Status} = process_info(Pid, status),
            erlang:resume_process(Pid) andalso Status =:= suspended
        end
    }).

%% Sends fifty requests to a process that hibernates after each, and to one that waits in a receive.
%% Evidence: the collections of each that the trace shows.
%% Cost: a hundred requests, and a wait of up to 5 ms for each sleep.
%% Misread: the trace has the collection of waking up; that of falling asleep makes no event.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#hibernate/3
-spec hibernate_cost(probe_lib:args()) -> probe_lib:evidence().
hibernate_cost(_) ->
    probe_lib:in_process(fun() ->
        #{
            hibernated => ?SLEEP:round_trips(50, hibernated),
            received => ?SLEEP:round_trips(50, received)
        }
    end).

%% Hibernates a process with a state of 800 KB, and writes as much to a file.
%% Evidence: the bytes that the VM's operating system process wrote meanwhile, to anything; the
%% memory of the process asleep; whether the state came through.
%% Cost: 2 MB for a moment, a file of 800 KB.
%% Misread: the VM's other threads write too, though next to nothing.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#hibernate/3
-spec hibernate_no_disk(probe_lib:args()) -> probe_lib:evidence().
hibernate_no_disk(_) ->
    Written = fun(Do) ->
        Before = ?SYSTEM:written_bytes(),
        ok = Do(),
        ?SYSTEM:written_bytes() - Before
    end,
    Length = 50_000,
    probe_lib:with_process([], fun(Sleeper) ->
        probe_lib:ask(Sleeper, fun(_) -> {ok, lists:seq(1, Length)} end),
        ByFile = probe_capture:with_folder(fun(Folder) ->
            Written(fun() ->
                file:write_file(filename:join(Folder, "state"), ?BINARIES:bytes(800_000))
            end)
        end),
        BySleep = Written(fun() -> probe_lib:hibernate(Sleeper) end),
        {memory, Memory} = process_info(Sleeper, memory),
        #{
            file_written_bytes => ByFile,
            sleep_written_bytes => BySleep,
            asleep_memory_bytes => Memory,
            state_intact => probe_lib:ask(Sleeper, fun(List) ->
                {List =:= lists:seq(1, Length), List}
            end)
        }
    end).

%%% Whose memory a reference-counted binary is

%% Lets a process hold 64 MB in one binary, and shares it with a second one; collects the first ten
%% times, has it drop the binary, and then the second.
%% Evidence: the memory of the holder; what erlang:memory(binary) gains by holding and by sharing,
%% and has still after each step; what processes and system gain; the collections of the first.
%% Cost: 64 MB, once.
%% Misread: erlang:memory(binary) is of the whole node; others that allocate meanwhile show in it.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#memory/0
-spec shared_until_last(probe_lib:args()) -> probe_lib:evidence().
shared_until_last(_) ->
    Bytes = 64 * ?MB,
    probe_lib:in_process(fun() ->
        probe_lib:with_process([], fun(First) ->
            Base = probe_measure:memory_at_rest(binary),
            Gained = fun() -> ?SYSTEM:binary_bytes_gained(Base, Bytes) end,
            Before = erlang:memory([processes, system]),
            ?BINARIES:hold(First, fun() -> ?BINARIES:bytes(Bytes) end),
            Held = Gained(),
            After = erlang:memory([processes, system]),
            {memory, Memory} = process_info(First, memory),
            (let_go(First, Gained))#{
                holder_memory_bytes => Memory,
                held_ratio => Held,
                processes_gained_ratio => difference(processes, Before, After) / Bytes,
                system_gained_ratio => difference(system, Before, After) / Bytes
            }
        end)
    end).

difference(Kind, Before, After) ->
    proplists:get_value(Kind, After) - proplists:get_value(Kind, Before).

%% What Gained() says when First has shared its binary with a second process, when it was collected,
%% when it has dropped it, and when the second one has.
let_go(First, Gained) ->
    probe_lib:with_process([], fun(Second) ->
        ?BINARIES:hand_over(First, Second),
        Shared = Gained(),
        {_, #{First := Collections}} = ?COLLECTIONS:watched([First], fun() ->
            [true = erlang:garbage_collect(First) || _ <- lists:seq(1, 10)]
        end),
        Collected = Gained(),
        FirstHas = ?BINARIES:hold(First, fun() -> none end),
        FirstGone = Gained(),
        SecondHas = ?BINARIES:hold(Second, fun() -> none end),
        #{
            shared_ratio => Shared,
            first_collections_count => length(Collections),
            first_collected_ratio => Collected,
            first_has_bytes => lists:sum(FirstHas),
            first_gone_ratio => FirstGone,
            second_has_bytes => lists:sum(SecondHas),
            both_gone_ratio => Gained()
        }
    end).

%% Lets a process hold one binary of 1 MiB five times: as five parts taken from it, and as five
%% messages that brought it.
%% Evidence: for both how often the list of the holder's binaries names it, how many binaries these
%% are, and the sum of the sizes listed in relation to the one binary there is.
%% Cost: 1 MiB, twice.
%% Misread: parts taken on the spot share one entry; each arrival makes another.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#process_info/2
-spec listed_by_reference(probe_lib:args()) -> probe_lib:evidence().
listed_by_reference(_) ->
    Listing = fun(Fill) ->
        probe_lib:with_process(?BINARIES:quiet(), fun(Holder) ->
            Fill(Holder),
            true = erlang:garbage_collect(Holder),
            Held = probe_lib:ask(Holder, fun(State) -> {length(State), State} end),
            {binary, Listed} = process_info(Holder, binary),
            #{
                held_count => Held,
                listed_count => length(Listed),
                binaries_count => length(probe_measure:off_heap(Holder)),
                listed_to_real_bytes_ratio => lists:sum([Bytes || {_, Bytes, _} <- Listed]) / ?MB
            }
        end)
    end,
    Whole = ?BINARIES:bytes(?MB),
    Receive = fun(Holder) -> probe_lib:ask(Holder, fun(Held) -> {ok, [Whole | Held]} end) end,
    #{
        five_parts => Listing(fun(Holder) ->
            ?BINARIES:hold(Holder, fun() ->
                [binary:part(Whole, 1000 * Part, 100) || Part <- [1, 2, 3, 4, 5]]
            end)
        end),
        five_messages => Listing(fun(Holder) ->
            ?BINARIES:hold(Holder, fun() -> [] end),
            [Receive(Holder) || _ <- [1, 2, 3, 4, 5]]
        end)
    }.

%% Sends parts of 10 MiB to a process, and ends the one that made the whole.
%% Evidence: what the receiver holds of a part of 10 bytes, of 100 bytes, and of its copy; whether
%% the maker was alive then.
%% Cost: 10 MiB, three times.
%% Misread: the receiver never saw the whole, yet it is the receiver that keeps it.
%% Source: https://www.erlang.org/doc/apps/stdlib/binary.html#copy/1
-spec sent_part_retains(probe_lib:args()) -> probe_lib:evidence().
sent_part_retains(_) ->
    Received = fun(Part) ->
        probe_lib:with_process([], fun(Receiver) ->
            Maker = probe_lib:with_process([], fun(Maker) ->
                probe_lib:ask(Maker, fun(_) -> {ok, Part(?BINARIES:bytes(10 * ?MB))} end),
                ?BINARIES:hand_over(Maker, Receiver),
                Maker
            end),
            #{
                maker_alive => is_process_alive(Maker),
                part_bytes => probe_lib:ask(Receiver, fun(Has) -> {byte_size(Has), Has} end),
                held_bytes => lists:sum(?BINARIES:collected(Receiver, major))
            }
        end)
    end,
    #{
        part_of_10 => Received(fun(Whole) -> binary:part(Whole, 5, 10) end),
        part_of_100 => Received(fun(Whole) -> binary:part(Whole, 5, 100) end),
        copy_of_100 => Received(fun(Whole) -> binary:copy(binary:part(Whole, 5, 100)) end)
    }.

%% Has a process put a part of a binary of 10 MiB into a table, and ends the process.
%% Evidence: what the node has gained in binaries when the process is gone, in relation to the
%% whole, for parts of 64 and 65 bytes and for a copy, and when the object is deleted; the size of
%% the part that the table has.
%% Cost: 10 MiB, three times, in an own node.
%% Misread: no process is listed with the binary: only the node's counter shows it.
%% Source: https://www.erlang.org/doc/apps/stdlib/binary.html#copy/1
-spec part_in_table(probe_lib:args()) -> probe_lib:evidence().
part_in_table(_) ->
    Stored = fun(Part) ->
        Base = probe_measure:memory_at_rest(binary),
        Gained = fun() -> ?SYSTEM:binary_bytes_gained(Base, 10 * ?MB) end,
        Table = ets:new(parts, [public]),
        try
            Maker = probe_lib:with_process([], fun(Maker) ->
                true = probe_lib:ask(Maker, fun(_) ->
                    {ets:insert(Table, {key, Part(?BINARIES:bytes(10 * ?MB))}), none}
                end),
                Maker
            end),
            Kept = Gained(),
            Size = byte_size(ets:lookup_element(Table, key, 2)),
            true = ets:delete(Table, key),
            true = erlang:garbage_collect(),
            #{
                maker_alive => is_process_alive(Maker),
                part_bytes => Size,
                kept_ratio => Kept,
                deleted_ratio => Gained()
            }
        after
            ets:delete(Table)
        end
    end,
    #{
        part_of_64 => Stored(fun(Whole) -> binary:part(Whole, 5, 64) end),
        part_of_65 => Stored(fun(Whole) -> binary:part(Whole, 5, 65) end),
        copy_of_65 => Stored(fun(Whole) -> binary:copy(binary:part(Whole, 5, 65)) end)
    }.

%%% Finding leaks

%% Does by hand what recon:bin_leak/1 does to all processes, to five: that made and dropped 50
%% binaries, or 20, or 50 and collected themselves, one that keeps 100 in its state, and one that
%% has none.
%% Evidence: the binaries that each made; the references that collecting released from each, and from
%% two of them in each of five rounds with fresh processes; the same once more; who leads; the bytes
%% that the keeper has.
%% Cost: 25 processes, about 1100 binaries of 1000 bytes.
%% Misread: the subjects have so much room that nothing else collects them.
%% Source: https://github.com/ferd/recon/blob/master/src/recon.erl
-spec bin_leak(probe_lib:args()) -> probe_lib:evidence().
bin_leak(_) ->
    Rounds = [?BINARIES:leak_round() || _ <- lists:seq(1, 5)],
    Of = fun(Role) -> [maps:get(Role, Released) || #{released := Released} <- Rounds] end,
    (hd(Rounds))#{
        dropped_50_count => Of(dropped_50_count),
        dropped_20_count => Of(dropped_20_count)
    }.

%% Sends 5000 binaries to a process with default settings that drops each, and does by hand what
%% recon:bin_leak/1 does.
%% Evidence: in eight rounds with fresh processes the binaries handled, the collections meanwhile
%% and the references that collecting released at last.
%% Cost: 40000 messages.
%% Misread: the figure depends on when the process was collected last, and differs by release.
%% Source: https://github.com/ferd/recon/blob/master/src/recon.erl
-spec bin_leak_receivers(probe_lib:args()) -> probe_lib:evidence().
bin_leak_receivers(_) ->
    Rounds = [?BINARIES:released_from_receiver(5000) || _ <- lists:seq(1, 8)],
    Of = fun(Key) -> [maps:get(Key, Round) || Round <- Rounds] end,
    maps:from_list([{Key, Of(Key)} || Key <- maps:keys(hd(Rounds))]).

%% Looks for recon, and for a library that is surely there, where OTP keeps its own.
%% Evidence: whether each has a folder beside stdlib's.
%% Cost: two folder listings.
%% Misread: an image that ships recon with its release may well have put it there.
%% Source: https://github.com/ferd/recon
-spec recon_absent(probe_lib:args()) -> probe_lib:evidence().
recon_absent(_) ->
    Present = fun(Name) ->
        filelib:wildcard(filename:join(code:lib_dir(), Name ++ "-[0-9]*")) =/= []
    end,
    #{recon_in_otp => Present("recon"), stdlib_in_otp => Present("stdlib")}.

%%% What the node, and what the operating system says

%% Adds up what erlang:memory/0 lists.
%% Evidence: what total differs by from processes and system together; all figures but total in
%% relation to it; what system has beyond the kinds listed of it, and what is not in use of two.
%% Cost: one call.
%% Misread: the figures of two calls do not belong together.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#memory/0
-spec memory_sums(probe_lib:args()) -> probe_lib:evidence().
memory_sums(_) ->
    All = maps:from_list(erlang:memory()),
    #{total := Total, processes := Processes, system := System} = All,
    Kinds = lists:sum([maps:get(Kind, All) || Kind <- [atom, binary, code, ets]]),
    #{
        total_bytes => Total,
        unexplained_bytes => Total - Processes - System,
        processes_unused_bytes => Processes - maps:get(processes_used, All),
        atom_unused_bytes => maps:get(atom, All) - maps:get(atom_used, All),
        all_to_total_ratio => (lists:sum(maps:values(All)) - Total) / Total,
        system_beyond_kinds_bytes => System - Kinds
    }.

%% Makes 50 MB of binaries of 2000 bytes, and drops all but every fiftieth.
%% Evidence: what it gained and kept of that in erlang:memory(total), in the carriers of
%% binary_alloc, and in the resident set that the operating system reports, as shares of the peak;
%% the peak itself as a share of the bytes made; whether and when the first was back.
%% Cost: 50 MB that the VM keeps: use an own node.
%% Misread: how much the system gets back depends on which carriers happen to be empty.
%% Source: https://www.erlang.org/doc/apps/erts/erts_alloc.html
-spec carriers(probe_lib:args()) -> probe_lib:evidence().
carriers(_) ->
    Base = ?SYSTEM:os_view(),
    Made = 25_000 * 2_000,
    probe_lib:with_process([], fun(Holder) ->
        probe_lib:ask(Holder, fun(_) ->
            {ok, [?BINARIES:bytes(2_000) || _ <- lists:seq(1, 25_000)]}
        end),
        true = erlang:garbage_collect(Holder),
        Peak = ?SYSTEM:gained(Base),
        probe_lib:ask(Holder, fun(All) -> {ok, ?SYSTEM:every_fiftieth(All)} end),
        true = erlang:garbage_collect(Holder),
        Dropped = probe_lib:until(
            fun() -> maps:get(memory_bytes, ?SYSTEM:gained(Base)) < 3 * ?MB end, 5_000
        ),
        After = ?SYSTEM:gained(Base),
        #{
            settled => maps:get(settled, Dropped),
            waited_ms => maps:get(waited_ms, Dropped),
            kept_off_heap_bytes => probe_measure:off_heap_bytes(Holder),
            peak_to_made => maps:map(fun(_, Bytes) -> Bytes / Made end, Peak),
            kept => maps:map(fun(Key, Bytes) -> maps:get(Key, After) / Bytes end, Peak)
        }
    end).
