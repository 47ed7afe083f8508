%% Probes of the skill beam-memory-management: where binaries live, what keeps them alive, what a
%% collection does and to whom, what hibernation keeps, and what the operating system sees of it.
-module(beam_memory_management).

-export([
    refc_threshold/1,
    refc_threshold_received/1,
    append_is_refc/1,
    literal_unlisted/1,
    part_threshold/1,
    held_part_retains/1,
    dropped_reference/1,
    match_allocates/1,
    part_words/1,
    sending_copies/1,
    fullsweep_period/1,
    fullsweep_early/1,
    fullsweep_reclaims/1,
    promotion/1,
    collection_isolated/1,
    others_run_on/1,
    dirty_collection/1,
    binary_pressure/1,
    heap_size_steps/1,
    heap_growth/1,
    min_heap_size_spares/1,
    hibernate_shrinks/1,
    hibernate_young_words/1,
    hibernate_keeps/1,
    hibernate_wakes/1,
    hibernate_no_disk/1,
    shared_until_last/1,
    listed_by_reference/1,
    sent_part_retains/1,
    bin_leak/1,
    recon_absent/1,
    carriers/1
]).

-define(BINARIES, beam_memory_management_binaries).
-define(COLLECTIONS, beam_memory_management_collections).
-define(SLEEP, beam_memory_management_sleep).
-define(SYSTEM, beam_memory_management_system).
-define(MB, (1024 * 1024)).
%% Spawn options of a subject whose heaps are so large that only forced collections happen.
-define(QUIET, [{min_heap_size, 10_000}, {min_bin_vheap_size, 100_000_000}]).

%%% Where the border between heap and reference-counted binaries lies

%% Builds binaries of every size from 0 to 300 bytes in five ways and looks for them off the heap.
%% Evidence: for each way the largest size kept on the heap and the smallest kept outside it.
%% Cost: 1505 binaries and as many forced collections of one small process, about 30 ms.
%% Misread: the sizes are of fresh, exactly sized binaries; appended ones are another matter.
%% Source: https://www.erlang.org/doc/system/binaryhandling.html
-spec refc_threshold(map()) -> #{ways := #{atom() => ?BINARIES:border()}}.
refc_threshold(_) ->
    Ways = #{
        copy => fun(Size) -> binary:copy(<<7>>, Size) end,
        construct => fun(Size) -> <<7:(Size * 8)>> end,
        list => fun(Size) -> list_to_binary(lists:duplicate(Size, 7)) end,
        iolist => fun(Size) -> iolist_to_binary([[7] || _ <- lists:seq(1, Size)]) end,
        decode => fun(Size) -> binary_to_term(<<131, 109, Size:32, 7:(Size * 8)>>) end
    },
    probe_lib:with_process([], fun(Holder) ->
        Border = fun(_, Make) ->
            ?BINARIES:border(300, fun(Size) -> ?BINARIES:hold(Holder, fun() -> Make(Size) end) end)
        end,
        #{ways => maps:map(Border, Ways)}
    end).

%% Hands binaries of every size from 0 to 200 bytes to a process by message and by port.
%% Evidence: for each way of arrival the border, as in refc_threshold/1.
%% Cost: 402 binaries, one `cat'.
%% Misread: the port uses {packet, 2}; a stream socket hands out what its buffer holds.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#open_port/2
-spec refc_threshold_received(map()) -> #{ways := #{atom() => ?BINARIES:border()}}.
refc_threshold_received(_) ->
    Message = probe_lib:with_process([], fun(Receiver) ->
        ?BINARIES:border(200, fun(Size) ->
            Subject = binary:copy(<<7>>, Size),
            probe_lib:ask(Receiver, fun(_) -> {ok, Subject} end),
            ?BINARIES:off_heap(Receiver)
        end)
    end),
    Port = probe_lib:with_process([], fun(Reader) ->
        probe_lib:ask(Reader, fun(_) ->
            {ok, {open_port({spawn, "cat"}, [binary, {packet, 2}]), none}}
        end),
        Border = ?BINARIES:border(200, fun(Size) ->
            probe_lib:ask(Reader, fun({Port, _}) -> {ok, {Port, ?BINARIES:echo(Port, Size)}} end),
            ?BINARIES:off_heap(Reader)
        end),
        probe_lib:ask(Reader, fun({Port, _}) -> {port_close(Port), none} end),
        Border
    end),
    #{ways => #{port => Port, message => Message}}.

%% Grows a binary byte by byte with the bit syntax, takes the heap words that it needs, and lets a
%% process hold one of 300 bytes.
%% Evidence: the sizes from 1 to 300 bytes at which a copied and an appended binary stop needing
%% more heap words, that is, at which their bytes lie elsewhere; how many off-heap binaries are
%% listed for the holder of either.
%% Cost: 600 appends, and as many walks of one term.
%% Misread: process_info(P, binary) of 25.0 to 25.2 leaves appended binaries out: words do not.
%% Source: https://www.erlang.org/doc/system/binaryhandling.html#constructing-binaries
-spec append_is_refc(map()) -> map().
append_is_refc(_) ->
    Copied = [{Size, erts_debug:flat_size(binary:copy(<<7>>, Size))} || Size <- lists:seq(1, 300)],
    Appended = ?BINARIES:appended_words(<<>>, 300),
    Listed = fun(Make) ->
        probe_lib:with_process([], fun(Holder) -> length(?BINARIES:hold(Holder, Make)) end)
    end,
    #{
        copied_smallest_refc_bytes => ?COLLECTIONS:constant_from(Copied),
        appended_smallest_refc_bytes => ?COLLECTIONS:constant_from(Appended),
        copied_listed_count => Listed(fun() -> binary:copy(<<7>>, 300) end),
        appended_listed_count => Listed(fun() -> ?BINARIES:appended(<<>>, 300) end)
    }.

%% Lets a process hold a literal of its module, then a run-time copy of it.
%% Evidence: the off-heap bytes listed for the process in each case, and the literal's own size.
%% Cost: two forced collections.
%% Misread: the literal does lie outside the heap, but the module owns it.
%% Source: https://www.erlang.org/doc/system/eff_guide_processes.html#sending-messages
-spec literal_unlisted(map()) -> map().
literal_unlisted(_) ->
    probe_lib:with_process([], fun(Holder) ->
        Literal = ?BINARIES:hold(Holder, fun() -> ?BINARIES:literal() end),
        Copy = ?BINARIES:hold(Holder, fun() -> binary:copy(?BINARIES:literal()) end),
        #{
            literal_bytes => byte_size(?BINARIES:literal()),
            literal_off_heap_bytes => lists:sum(Literal),
            copy_off_heap_bytes => lists:sum(Copy)
        }
    end).

%%% What a part of a binary retains

%% Takes parts of every size from 1 to 200 bytes, and of 1 to 600 bits, out of a binary of 20
%% KB, holds the part only, and looks whether the process still refers to the whole.
%% Evidence: for each way the largest part that lets the whole go and the smallest that keeps it;
%% the same for parts that do not end at a byte, in bits.
%% Cost: 1325 binaries of 20 KB, one at a time, about 40 ms.
%% Misread: a part of 64 bytes or fewer is a copy; it does not show what larger parts do.
%% Source: https://www.erlang.org/doc/apps/stdlib/binary.html#referenced_byte_size/1
-spec part_threshold(map()) -> #{ways := map(), bits := map(), whole_bytes := pos_integer()}.
part_threshold(_) ->
    Whole = 20_000,
    probe_lib:with_process([], fun(Holder) ->
        Retained = fun(Take, Size) ->
            ?BINARIES:hold(Holder, fun() -> Take(?BINARIES:bytes(Whole), Size) end)
        end,
        Border = fun(_, Take) ->
            Held = fun(Size) -> Retained(Take, Size) end,
            {Copied, Kept} = ?BINARIES:sweep(lists:seq(1, 200), Held),
            #{largest_copied_bytes => Copied, smallest_retaining_bytes => Kept}
        end,
        Odd = [Bits || Bits <- lists:seq(1, 600), Bits rem 8 =/= 0],
        TakeBits = fun(B, Bits) -> ?BINARIES:match_bits(B, Bits) end,
        {CopiedBits, KeptBits} = ?BINARIES:sweep(Odd, fun(Bits) -> Retained(TakeBits, Bits) end),
        #{
            whole_bytes => Whole,
            ways => maps:map(Border, ?BINARIES:part_ways()),
            bits => #{largest_copied_bits => CopiedBits, smallest_retaining_bits => KeptBits}
        }
    end).

%% Holds a 100-byte part of a binary of 10 MiB through minor collections, full sweeps and
%% hibernation, then replaces it by its copy.
%% Evidence: the off-heap bytes that the holder refers to after each, and the part's size.
%% Cost: 10 MiB for some milliseconds.
%% Misread: the listed size is that of the whole binary, not of the part that is used.
%% Source: https://www.erlang.org/doc/apps/stdlib/binary.html#copy/1
-spec held_part_retains(map()) -> map().
held_part_retains(_) ->
    probe_lib:with_process(?QUIET, fun(Holder) ->
        Fresh = ?BINARIES:hold(Holder, fun() -> binary:part(?BINARIES:bytes(10 * ?MB), 0, 100) end),
        Minor = [?BINARIES:collected(Holder, minor) || _ <- lists:seq(1, 5)],
        Major = [?BINARIES:collected(Holder, major) || _ <- lists:seq(1, 5)],
        probe_lib:ask(Holder, fun(Part) -> {ok, binary:copy(Part)} end),
        #{
            part_bytes => 100,
            whole_bytes => 10 * ?MB,
            held_bytes => lists:sum(Fresh),
            held_after_minor_bytes => lists:map(fun lists:sum/1, Minor),
            held_after_full_sweep_bytes => lists:map(fun lists:sum/1, Major),
            held_after_copy_bytes => lists:sum(?BINARIES:collected(Holder, major))
        }
    end).

%% Drops the only reference to a 100-byte part of 1 MiB while it is young, and once it is old, and
%% looks at what lets go of the whole: waiting, a minor collection, a full sweep, hibernation.
%% Evidence: for the young and the old reference the off-heap bytes after each step.
%% Cost: the wait, 50 ms a case.
%% Misread: the subject has a large heap, so that only the steps named here collect.
%% Source: https://www.erlang.org/doc/apps/erts/garbagecollection#generational-garbage-collection
-spec dropped_reference(map()) -> map().
dropped_reference(_) ->
    Dropped = fun(Promotions, Last) ->
        probe_lib:with_process(?QUIET, fun(Holder) ->
            probe_lib:ask(Holder, fun(_) ->
                {ok, binary:part(?BINARIES:bytes(?MB), 0, 100)}
            end),
            [?BINARIES:collected(Holder, minor) || _ <- lists:seq(1, Promotions)],
            probe_lib:ask(Holder, fun(_) -> {ok, none} end),
            timer:sleep(50),
            Waited = lists:sum(?BINARIES:off_heap(Holder)),
            Minor = lists:sum(?BINARIES:collected(Holder, minor)),
            #{
                after_wait_bytes => Waited,
                after_minor_bytes => Minor,
                after_last_bytes => lists:sum(Last(Holder))
            }
        end)
    end,
    Major = fun(Holder) -> ?BINARIES:collected(Holder, major) end,
    #{
        whole_bytes => ?MB,
        young => Dropped(0, Major),
        old => Dropped(2, Major),
        old_hibernated => Dropped(2, fun(Holder) -> ?SLEEP:hibernate(Holder) end)
    }.

%% Walks binaries of 1000 to 16000 bytes, by matching byte and rest, and by splitting off a byte.
%% Evidence: the heap words that each walk allocates, and how they grow with the length.
%% Cost: 30000 steps; heaps large enough that nothing is collected.
%% Misread: the compiler must see matching and recursion together to keep one match context.
%% Source: https://www.erlang.org/doc/system/binaryhandling.html#matching-binaries
-spec match_allocates(map()) -> map().
match_allocates(_) ->
    Lengths = [1000, 2000, 4000, 8000, 16000],
    Whole = fun(Length) -> fun() -> binary:copy(<<7>>, Length) end end,
    Series = fun(Walk) ->
        [{Length, ?COLLECTIONS:allocated_words(Whole(Length), Walk)} || Length <- Lengths]
    end,
    Matched = Series(fun(B) -> ?COLLECTIONS:walk_matching(B, 0) end),
    Split = Series(fun(B) -> ?COLLECTIONS:walk_splitting(B, 0) end),
    #{
        matched => ?COLLECTIONS:samples(length_bytes, allocated_words, Matched),
        split => ?COLLECTIONS:samples(length_bytes, allocated_words, Split),
        matched_growth_exponent => probe_lib:growth_exponent(Matched),
        split_growth_exponent => probe_lib:growth_exponent(Split)
    }.

%% Matches parts of growing size out of a binary of 1 MiB.
%% Evidence: the heap words that taking each part allocates, the match context included.
%% Cost: 22 subjects with 1 MiB each, one after the other.
%% Misread: words differ by release; what matters is where they stop following the size.
%% Source: https://www.erlang.org/doc/system/binaryhandling.html#matching-binaries
-spec part_words(map()) -> map().
part_words(_) ->
    Whole = fun() -> ?BINARIES:bytes(?MB) end,
    Sizes = [0, 1, 8, 16, 32, 48] ++ lists:seq(60, 70) ++ [100, 1000, 10_000, 100_000, 1_000_000],
    Words = [
        {Size, ?COLLECTIONS:allocated_words(Whole, fun(B) -> ?BINARIES:match_part(B, Size) end)}
     || Size <- Sizes
    ],
    Large = [Count || {Size, Count} <- Words, Size >= 100],
    #{
        samples => ?COLLECTIONS:samples(part_bytes, allocated_words, Words),
        least_large_part_words => lists:min(Large),
        most_large_part_words => lists:max(Large),
        constant_from_bytes => ?COLLECTIONS:constant_from(Words)
    }.

%% Sends lists and binaries of growing length to a process that does not read them.
%% Evidence: the words that the receiver's memory grows by for each, and the exponents.
%% Cost: ten idle processes.
%% Misread: process_info(P, memory) counts messages that wait, but no reference-counted bytes.
%% Source: https://www.erlang.org/doc/system/eff_guide_processes.html#sending-messages
-spec sending_copies(map()) -> map().
sending_copies(_) ->
    Lengths = [1000, 2000, 4000, 8000, 16000],
    Series = fun(Make) ->
        [{Length, ?BINARIES:received_bytes(Make(Length))} || Length <- Lengths]
    end,
    Lists = Series(fun(Length) -> lists:seq(1, Length) end),
    Binaries = Series(fun(Length) -> binary:copy(<<7>>, Length) end),
    #{
        list => ?COLLECTIONS:samples(length_count, received_bytes, Lists),
        binary => ?COLLECTIONS:samples(length_bytes, received_bytes, Binaries),
        list_growth_exponent => probe_lib:growth_exponent(Lists),
        binary_growth_exponent => probe_lib:growth_exponent(Binaries)
    }.

%%% What fullsweep_after counts

%% Lets subjects with different fullsweep_after allocate the same garbage, and keep nothing.
%% Evidence: for each setting the collections in all, the full sweeps, and the minor collections
%% between two full sweeps (all intervals but the first); the setting of a process by default.
%% Cost: about 3000 traced collections of small heaps.
%% Misread: the first full sweep comes early, when the first old heap is to be made.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#process_flag/2
-spec fullsweep_period(map()) -> map().
fullsweep_period(_) ->
    Settings = [0, 1, 2, 3, 5, 10, 20, 100, 65535],
    Periods = [?COLLECTIONS:fullsweep_period_of(Setting) || Setting <- Settings],
    Totals = [Total || #{collections_count := Total} <- Periods],
    {garbage_collection, Default} = process_info(self(), garbage_collection),
    #{
        settings => Periods,
        minors_between => ?COLLECTIONS:by_setting(minors_between_count, Periods),
        full_sweeps => ?COLLECTIONS:by_setting(full_sweeps_count, Periods),
        most_to_least_collections_ratio => lists:max(Totals) / lists:min(Totals),
        default_fullsweep_after_count => proplists:get_value(fullsweep_after, Default),
        system_fullsweep_after_count => element(2, erlang:system_info(fullsweep_after))
    }.

%% Lets a subject with the largest fullsweep_after keep more and more, and another keep nothing.
%% Evidence: the minor collections and full sweeps of each.
%% Cost: 40000 list cells.
%% Misread: a full sweep that comes of a full old heap is not one that fullsweep_after asked for.
%% Source: https://github.com/erlang/otp/blob/OTP-27.0/erts/emulator/beam/erl_gc.c
-spec fullsweep_early(map()) -> map().
fullsweep_early(_) ->
    Options = [{fullsweep_after, 65535}],
    Count = fun(Work) ->
        {ok, Collections} = ?COLLECTIONS:collections(Options, fun(Subject) ->
            probe_lib:ask(Subject, fun(_) -> {ok, Work()} end)
        end),
        ?COLLECTIONS:tally(Collections)
    end,
    #{
        keeping => Count(fun() ->
            lists:foldl(fun(N, Kept) -> [N | Kept] end, [], lists:seq(1, 40_000))
        end),
        dropping => Count(fun() -> ?COLLECTIONS:churn(400) end)
    }.

%% Promotes the only reference to 1 MiB, drops it, and forces minor collections until it goes.
%% Evidence: for each fullsweep_after the number of collections after the drop that it took
%% (`none' within 200), and whether waiting alone was enough with fullsweep_after 0.
%% Cost: about 250 forced collections and one wait of 50 ms.
%% Misread: two of the counted minor collections were used up by promoting the reference.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#spawn_opt/4
-spec fullsweep_reclaims(map()) -> map().
fullsweep_reclaims(_) ->
    Reclaimed = [
        #{
            fullsweep_after_count => Setting,
            collections_count => ?COLLECTIONS:reclaimed_after(Setting)
        }
     || Setting <- [2, 3, 5, 10, 20, 50, 65535]
    ],
    Waited = probe_lib:with_process([{fullsweep_after, 0} | ?QUIET], fun(Holder) ->
        ?BINARIES:hold(Holder, fun() -> ?BINARIES:bytes(?MB) end),
        probe_lib:ask(Holder, fun(_) -> {ok, none} end),
        timer:sleep(50),
        lists:sum(?BINARIES:off_heap(Holder))
    end),
    #{
        collections_needed => ?COLLECTIONS:by_setting(collections_count, Reclaimed),
        zero_after_wait_bytes => Waited
    }.

%%% Generations, and whom a collection concerns

%% Collects a subject that holds a list of 1000 cells again and again, minor only.
%% Evidence: the words in use in the old generation after each collection, and the list's words.
%% Cost: five forced collections.
%% Misread: the first collections of a new process may be full sweeps, which promote nothing.
%% Source: https://www.erlang.org/doc/apps/erts/garbagecollection#generational-garbage-collection
-spec promotion(map()) -> map().
promotion(_) ->
    probe_lib:with_process(?QUIET, fun(Holder) ->
        probe_lib:ask(Holder, fun(_) -> {ok, lists:seq(1, 1000)} end),
        Old = fun() ->
            {garbage_collection_info, Info} = process_info(Holder, garbage_collection_info),
            proplists:get_value(old_heap_size, Info)
        end,
        Before = Old(),
        After = [
            begin
                ?BINARIES:collected(Holder, minor),
                Old()
            end
         || _ <- lists:seq(1, 3)
        ],
        #{list_words => 2000, old_before_words => Before, old_after_minor_words => After}
    end).

%% Collects one process a hundred times, from outside and by its own garbage, beside another one.
%% Evidence: the collections of both meanwhile, and what the other one still keeps.
%% Cost: 100 forced collections, 1 MiB.
%% Misread: the other process must not run at all, or it collects on its own account.
%% Source: https://www.erlang.org/doc/apps/erts/garbagecollection
-spec collection_isolated(map()) -> map().
collection_isolated(_) ->
    Shared = ?BINARIES:bytes(?MB),
    {{Busy, Kept}, Other} = ?COLLECTIONS:collections(?QUIET, fun(Bystander) ->
        probe_lib:ask(Bystander, fun(_) -> {ok, Shared} end),
        {_, Busy} = ?COLLECTIONS:collections([], fun(Subject) ->
            [true = erlang:garbage_collect(Subject) || _ <- lists:seq(1, 100)],
            probe_lib:ask(Subject, fun(_) -> {?COLLECTIONS:churn(100), none} end)
        end),
        {length(Busy), lists:sum(?BINARIES:off_heap(Bystander))}
    end),
    #{
        collected_process_count => Busy,
        bystander_count => length(Other),
        bystander_off_heap_bytes => Kept
    }.

%% Spins in one process while another, with a list of 2 million cells, sweeps its heap five times.
%% Evidence: the rounds per millisecond that the spinning process does meanwhile and alone, as a
%% ratio, and how long the sweeps took.
%% Cost: 80 MB for half a second.
%% Misread: on one core the two share it, and the ratio is near a half.
%% Source: https://www.erlang.org/doc/apps/erts/garbagecollection
-spec others_run_on(map()) -> map().
others_run_on(_) ->
    probe_lib:with_process([{min_heap_size, 5_000_000}], fun(Heavy) ->
        probe_lib:ask(Heavy, fun(_) -> {ok, lists:seq(1, 2_000_000)} end),
        Sweep = fun(State) ->
            {[true = erlang:garbage_collect() || _ <- lists:seq(1, 5)], State}
        end,
        Self = self(),
        Tag = make_ref(),
        Alone = fun() -> erlang:send_after(200, Self, {Tag, waited}) end,
        Beside = fun() -> Heavy ! {ask, Self, Tag, Sweep} end,
        Before = ?COLLECTIONS:spin_during(Alone, Tag),
        During = ?COLLECTIONS:spin_during(Beside, Tag),
        #{
            sweeps_ms => maps:get(elapsed_ms, During),
            progress_ratio => maps:get(rounds_per_ms, During) / maps:get(rounds_per_ms, Before)
        }
    end).

%% Sweeps heaps with more and more live words and looks which kind of scheduler does the work.
%% Evidence: the most list words collected on a normal scheduler and the least on a dirty one.
%% Cost: 16 full sweeps of up to 3 MB.
%% Misread: a normal scheduler starts every collection; it is the sweep that may move.
%% Source: https://github.com/erlang/otp/blob/OTP-27.0/erts/emulator/beam/erl_gc.c
-spec dirty_collection(map()) -> map().
dirty_collection(_) ->
    {Normal, Dirty} = ?COLLECTIONS:bisect(1000, 400_000, fun(Words) ->
        {_, Collections} = ?COLLECTIONS:collections([{min_heap_size, 500_000}], fun(Subject) ->
            probe_lib:ask(Subject, fun(_) -> {ok, lists:seq(1, Words div 2)} end),
            true = erlang:garbage_collect(Subject)
        end),
        lists:any(fun(#{scheduler := Id}) -> Id =:= 0 end, Collections)
    end),
    #{most_words_on_normal_scheduler => Normal, least_words_on_dirty_scheduler => Dirty}.

%% Makes binaries of different sizes in a process whose heap has ample room.
%% Evidence: for each size the off-heap bytes made until the first collection; the same for heap
%% binaries of 64 bytes (`none': no collection), and with a larger min_bin_vheap_size.
%% Cost: some thousand binaries.
%% Misread: counted is what the process refers to, not what it is the only one to refer to.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#spawn_opt/4
-spec binary_pressure(map()) -> map().
binary_pressure(_) ->
    Room = {min_heap_size, 400_000},
    Sizes = [1000, 2000, 5000, 10_000, 20_000],
    Default = [{Size, ?COLLECTIONS:made_until_collected([Room], Size)} || Size <- Sizes],
    Tenfold = [Room, {min_bin_vheap_size, 464_220}],
    #{
        default_bin_vheap_words => element(2, erlang:system_info(min_bin_vheap_size)),
        default => ?COLLECTIONS:samples(binary_bytes, made_bytes, Default),
        tenfold_made_bytes => ?COLLECTIONS:made_until_collected(Tenfold, 10_000),
        heap_binaries_made_bytes => ?COLLECTIONS:made_until_collected([Room], 64)
    }.

%%% Heap sizes

%% Asks for every min_heap_size and takes what the process gets.
%% Evidence: the sizes that heaps can have, in words; those of a process with no options; the
%% ratio of each size to the one before, for small and for large heaps.
%% Cost: 33 idle processes, of up to 25 MB each.
%% Misread: a size is a step of the table, not what was asked for.
%% Source: https://github.com/erlang/otp/blob/OTP-27.0/erts/emulator/beam/erl_gc.c
-spec heap_size_steps(map()) -> map().
heap_size_steps(_) ->
    Steps = ?COLLECTIONS:heap_sizes(0, 4_000_000),
    Pairs = lists:zip(lists:droplast(Steps), tl(Steps)),
    Ratios = [{Small, Large / Small} || {Small, Large} <- Pairs],
    Total = fun(Pid) -> ?COLLECTIONS:total_words(Pid) end,
    Slow = [Small || {Small, Ratio} <- Ratios, Ratio < 1.5],
    #{
        steps_words => Steps,
        initial_words => probe_lib:with_process([], Total),
        asked_1000_words => probe_lib:with_process([{min_heap_size, 1000}], Total),
        slow_growth_from_words => hd(Slow),
        fast_ratios => [Ratio || {Small, Ratio} <- Ratios, Small < hd(Slow)],
        slow_ratios => [Ratio || {Small, Ratio} <- Ratios, Small >= hd(Slow)]
    }.

%% Lets a process keep a list that grows by 10 cells at a time, to 20000 words.
%% Evidence: the heap sizes it goes through, those of them that are no steps of the table, and the
%% words that it keeps in the end.
%% Cost: 1000 requests.
%% Misread: heap_size is the young generation: it also falls, when data move to the old one.
%% Source: https://www.erlang.org/doc/apps/erts/garbagecollection
-spec heap_growth(map()) -> map().
heap_growth(_) ->
    Table = ?COLLECTIONS:heap_sizes(0, 100_000),
    Seen = probe_lib:with_process([{message_queue_data, off_heap}], fun(Subject) ->
        probe_lib:ask(Subject, fun(_) -> {ok, []} end),
        lists:usort([?COLLECTIONS:grown_heap_words(Subject) || _ <- lists:seq(1, 1000)])
    end),
    #{
        seen_words => Seen,
        largest_seen_words => lists:last(Seen),
        off_table_words => Seen -- Table,
        kept_words => 20_000
    }.

%% Lets processes with different min_heap_size build the same list.
%% Evidence: the collections of each until it is built.
%% Cost: four processes, 10000 cells each.
%% Misread: what is spared in collections is paid in memory, for as long as the process lives.
%% Source: https://www.erlang.org/doc/system/eff_guide_processes.html#initial-heap-size
-spec min_heap_size_spares(map()) -> map().
min_heap_size_spares(_) ->
    Counts = [
        begin
            {_, Collections} = ?COLLECTIONS:collections([{min_heap_size, Words}], fun(Subject) ->
                probe_lib:ask(Subject, fun(_) -> {ok, ?COLLECTIONS:counted_list(10_000, [])} end)
            end),
            {Words, length(Collections)}
        end
     || Words <- [233, 2000, 10_000, 30_000]
    ],
    Labelled = [
        {?COLLECTIONS:label("from_", Words, "_words_count"), Count}
     || {Words, Count} <- Counts
    ],
    #{collections => maps:from_list(Labelled)}.

%%% Hibernation

%% Hibernates a process with a state of 2000 words that made and dropped 60000, and one with no
%% state at all, and wakes both.
%% Evidence: the words of all heaps awake, asleep and woken, and whether the state came through.
%% Cost: 0.5 MB for a moment. Above 131072 words a dirty scheduler would sweep, some time later.
%% Misread: the state itself does not shrink: asleep, the heap is as large as what it holds.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#hibernate/3
-spec hibernate_shrinks(map()) -> map().
hibernate_shrinks(_) ->
    Shrunk = fun(Length, Garbage) ->
        probe_lib:with_process([], fun(Sleeper) ->
            probe_lib:ask(Sleeper, fun(_) ->
                {length(lists:seq(1, Garbage)), lists:seq(1, Length)}
            end),
            Awake = ?COLLECTIONS:total_words(Sleeper),
            ?SLEEP:hibernate(Sleeper),
            Asleep = ?COLLECTIONS:total_words(Sleeper),
            Intact = probe_lib:ask(Sleeper, fun(List) -> {List =:= lists:seq(1, Length), List} end),
            #{
                state_words => 2 * Length,
                awake_words => Awake,
                asleep_words => Asleep,
                woken_words => ?COLLECTIONS:total_words(Sleeper),
                state_intact => Intact
            }
        end)
    end,
    #{with_state => Shrunk(1000, 30_000), without_state => Shrunk(0, 0)}.

%% Lets a process promote a state of 60000 words, and hibernate.
%% Evidence: heap_size and total_heap_size in words before and in hibernation.
%% Cost: 1.5 MB for a moment.
%% Misread: heap_size leaves the old generation out, which hibernation merges into the young one.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#process_info/2
-spec hibernate_young_words(map()) -> map().
hibernate_young_words(_) ->
    probe_lib:with_process([{message_queue_data, off_heap}], fun(Sleeper) ->
        probe_lib:ask(Sleeper, fun(_) -> {ok, lists:seq(1, 30_000)} end),
        [?BINARIES:collected(Sleeper, minor) || _ <- lists:seq(1, 3)],
        Awake = process_info(Sleeper, [heap_size, total_heap_size]),
        ?SLEEP:hibernate(Sleeper),
        Asleep = process_info(Sleeper, [heap_size, total_heap_size]),
        #{state_words => 60_000, awake => ?SLEEP:words(Awake), asleep => ?SLEEP:words(Asleep)}
    end).

%% Hibernates a process with dictionary, name, link, monitor, priority and trap_exit, inside a
%% `try'; then wakes it to raise.
%% Evidence: which of them are the same asleep; words of the stack awake and asleep; what the
%% process exits with, and whether `catch', `after' or the code behind the call ever ran.
%% Cost: two processes.
%% Misread: process_info/2 answers for a hibernated process without waking it.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#hibernate/3
-spec hibernate_keeps(map()) -> map().
hibernate_keeps(_) ->
    Items = [dictionary, registered_name, links, monitors, priority, trap_exit, group_leader],
    probe_lib:with_process([], fun(Partner) ->
        {Sleeper, Monitor} = ?SLEEP:sleeper_in_try(self(), Partner),
        receive
            {Sleeper, ready} -> ok
        end,
        Awake = process_info(Sleeper, [stack_size | Items]),
        Sleeper ! sleep,
        ?SLEEP:fall_asleep(Sleeper),
        Asleep = process_info(Sleeper, [stack_size | Items]),
        Sleeper ! wake,
        receive
            {'DOWN', Monitor, process, Sleeper, Reason} -> ok
        end,
        #{
            kept => [Item || {Item, _} = Pair <- Awake, lists:member(Pair, Asleep)],
            lost => [Item || {Item, _} = Pair <- Awake, not lists:member(Pair, Asleep)],
            awake_stack_words => proplists:get_value(stack_size, Awake),
            asleep_stack_words => proplists:get_value(stack_size, Asleep),
            exit_reason => Reason,
            ran_after_call => ?SLEEP:received(Sleeper)
        }
    end).

%% Does to a hibernated process what might wake it, each to a fresh one.
%% Evidence: for each stimulus whether the process woke within the wait.
%% Cost: ten processes, and 40 ms for each that sleeps on.
%% Misread: that it sleeps on is seen for 40 ms only.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#hibernate/3
-spec hibernate_wakes(map()) -> #{woken := map()}.
hibernate_wakes(_) ->
    Stimuli = #{
        message => fun(Pid) -> Pid ! anything end,
        timer => fun(Pid) -> erlang:send_after(1, Pid, anything) end,
        trapped_exit => fun(Pid) -> exit(Pid, reason) end,
        process_info => fun(Pid) -> process_info(Pid, [messages, current_stacktrace]) end,
        collection => fun(Pid) -> erlang:garbage_collect(Pid) end,
        monitor => fun(Pid) -> erlang:demonitor(erlang:monitor(process, Pid)) end,
        link => fun(Pid) -> {link(Pid), unlink(Pid)} end,
        nothing => fun(Pid) -> Pid end,
        queued_message => queued,
        suspension => fun(Pid) -> {erlang:suspend_process(Pid), erlang:resume_process(Pid)} end
    },
    #{woken => maps:map(fun(_, Stimulus) -> ?SLEEP:wakes(Stimulus) end, Stimuli)}.

%% Hibernates a process with a state of 800 KB.
%% Evidence: the bytes that the VM's operating system process wrote meanwhile, to anything; the
%% memory of the process asleep; whether the state came through.
%% Cost: 2 MB for a moment.
%% Misread: the VM's other threads write too, though next to nothing.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#hibernate/3
-spec hibernate_no_disk(map()) -> map().
hibernate_no_disk(_) ->
    Length = 50_000,
    probe_lib:with_process([], fun(Sleeper) ->
        probe_lib:ask(Sleeper, fun(_) -> {ok, lists:seq(1, Length)} end),
        Before = ?SYSTEM:written_bytes(),
        ?SLEEP:hibernate(Sleeper),
        Written = ?SYSTEM:written_bytes() - Before,
        {memory, Memory} = process_info(Sleeper, memory),
        #{
            state_bytes => probe_lib:words_to_bytes(2 * Length),
            written_bytes => Written,
            asleep_memory_bytes => Memory,
            state_intact => probe_lib:ask(Sleeper, fun(List) -> {length(List) =:= Length, List} end)
        }
    end).

%%% Whose memory a reference-counted binary is

%% Lets a process hold 64 MB in one binary, and shares it with a second one.
%% Evidence: the memory of the holder; what erlang:memory(binary) gains by holding, by sharing, and
%% has gained still when the first and when both have let go; what processes and system gain.
%% Cost: 64 MB, once.
%% Misread: erlang:memory(binary) is of the whole node; others that allocate meanwhile show in it.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#memory/0
-spec shared_until_last(map()) -> map().
shared_until_last(_) ->
    Bytes = 64 * ?MB,
    probe_lib:with_process([], fun(First) ->
        probe_lib:with_process([], fun(Second) ->
            Base = erlang:memory(binary),
            Gained = fun() -> (erlang:memory(binary) - Base) / Bytes end,
            Others = erlang:memory([processes, system]),
            ?BINARIES:hold(First, fun() -> ?BINARIES:bytes(Bytes) end),
            Held = Gained(),
            OthersHeld = erlang:memory([processes, system]),
            GainedIn = fun(Kind) ->
                (proplists:get_value(Kind, OthersHeld) - proplists:get_value(Kind, Others)) / Bytes
            end,
            {memory, Holder} = process_info(First, memory),
            ?BINARIES:hand_over(First, Second),
            Shared = Gained(),
            ?BINARIES:hold(First, fun() -> none end),
            FirstGone = Gained(),
            ?BINARIES:hold(Second, fun() -> none end),
            probe_lib:settle(fun() -> Gained() < 0.5 andalso {done, true} end, 5000),
            #{
                binary_bytes => Bytes,
                holder_memory_bytes => Holder,
                held_ratio => Held,
                processes_gained_ratio => GainedIn(processes),
                system_gained_ratio => GainedIn(system),
                shared_ratio => Shared,
                first_gone_ratio => FirstGone,
                both_gone_ratio => Gained()
            }
        end)
    end).

%% Lets a process hold one binary of 1 MiB five times: as five parts taken from it, and as five
%% messages that brought it.
%% Evidence: for both how often the list of the holder's binaries names it, how many binaries these
%% are, and the sum of the sizes listed in relation to the one binary there is.
%% Cost: 1 MiB, twice.
%% Misread: parts taken on the spot share one entry; each arrival makes another.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#process_info/2
-spec listed_by_reference(map()) -> map().
listed_by_reference(_) ->
    Listing = fun(Fill) ->
        probe_lib:with_process(?QUIET, fun(Holder) ->
            Fill(Holder),
            _ = ?BINARIES:collected(Holder, major),
            {binary, Listed} = process_info(Holder, binary),
            #{
                listed_count => length(Listed),
                binaries_count => length(?BINARIES:off_heap(Holder)),
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
%% Evidence: what the receiver holds of a part of 10 bytes, of 100 bytes, and of its copy.
%% Cost: 10 MiB, three times.
%% Misread: the receiver never saw the whole, yet it is the receiver that keeps it.
%% Source: https://www.erlang.org/doc/apps/stdlib/binary.html#copy/1
-spec sent_part_retains(map()) -> map().
sent_part_retains(_) ->
    Received = fun(Part) ->
        probe_lib:with_process([], fun(Receiver) ->
            probe_lib:with_process([], fun(Maker) ->
                probe_lib:ask(Maker, fun(_) -> {ok, Part(?BINARIES:bytes(10 * ?MB))} end),
                ?BINARIES:hand_over(Maker, Receiver)
            end),
            lists:sum(?BINARIES:collected(Receiver, major))
        end)
    end,
    #{
        whole_bytes => 10 * ?MB,
        part_of_10_held_bytes => Received(fun(Whole) -> binary:part(Whole, 5, 10) end),
        part_of_100_held_bytes => Received(fun(Whole) -> binary:part(Whole, 5, 100) end),
        copy_of_100_held_bytes => Received(fun(Whole) ->
            binary:copy(binary:part(Whole, 5, 100))
        end)
    }.

%%% Finding leaks

%% Does by hand what recon:bin_leak/1 does to all processes, to four: one that passed 50 binaries
%% on, one that passed 20 on, one that keeps 100 in its state, and one that has none.
%% Evidence: the references that collecting released from each, in five rounds with fresh
%% processes; the same once more; who leads; the bytes that the keeper has.
%% Cost: 20 processes, about 1000 binaries of 1000 bytes.
%% Misread: it counts references, not bytes, and only those that the collection released.
%% Source: https://github.com/ferd/recon/blob/master/src/recon.erl
-spec bin_leak(map()) -> map().
bin_leak(_) ->
    Rounds = [?BINARIES:bin_leak_round() || _ <- lists:seq(1, 5)],
    First = hd(Rounds),
    First#{distinct_rounds_count => length(lists:usort(Rounds))}.

%% Looks for recon, and for a library that is surely there, where OTP keeps its own.
%% Evidence: whether each has a folder beside stdlib's.
%% Cost: two folder listings.
%% Misread: an image that ships recon with its release may well have put it there.
%% Source: https://github.com/ferd/recon
-spec recon_absent(map()) -> map().
recon_absent(_) ->
    Present = fun(Name) ->
        filelib:wildcard(filename:join(code:lib_dir(), Name ++ "-[0-9]*")) =/= []
    end,
    #{recon_in_otp => Present("recon"), stdlib_in_otp => Present("stdlib")}.

%%% What the node, and what the operating system says

%% Makes 50 MB of binaries of 2000 bytes, and drops all but every fiftieth.
%% Evidence: what it gained and kept of that in erlang:memory(total), in the carriers of
%% binary_alloc, and in the resident set that the operating system reports, as shares of the peak.
%% Cost: 50 MB that the VM keeps: use an own node.
%% Misread: how much the system gets back depends on which carriers happen to be empty.
%% Source: https://www.erlang.org/doc/apps/erts/erts_alloc.html
-spec carriers(map()) -> map().
carriers(_) ->
    Base = ?SYSTEM:os_view(),
    probe_lib:with_process([], fun(Holder) ->
        probe_lib:ask(Holder, fun(_) ->
            {ok, [?BINARIES:bytes(2000) || _ <- lists:seq(1, 25_000)]}
        end),
        true = erlang:garbage_collect(Holder),
        Peak = ?SYSTEM:gained(Base),
        probe_lib:ask(Holder, fun(All) -> {ok, ?BINARIES:every_fiftieth(All)} end),
        true = erlang:garbage_collect(Holder),
        Dropped = fun() ->
            maps:get(memory_bytes, ?SYSTEM:gained(Base)) < 3 * ?MB andalso {done, true}
        end,
        #{settled := Settled} = probe_lib:settle(Dropped, 5000),
        After = ?SYSTEM:gained(Base),
        #{
            settled => Settled,
            peak => Peak,
            afterwards => After,
            kept => maps:map(fun(Key, Bytes) -> maps:get(Key, After) / Bytes end, Peak)
        }
    end).
