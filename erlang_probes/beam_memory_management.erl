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
    sending_copies/1
]).

-define(MB, (1024 * 1024)).
%% Spawn options of a subject whose heaps are so large that only forced collections happen.
-define(QUIET, [{min_heap_size, 10_000}, {min_bin_vheap_size, 100_000_000}]).

-import(beam_memory_management_lib, [
    border/2,
    bytes/1,
    sweep/2,
    constant_from/1,
    hold/2,
    off_heap/1,
    collected/2,
    hibernate/1,
    allocated_words/2,
    received_bytes/1,
    samples/3
]).

%%% Where the border between heap and reference-counted binaries lies

%% Builds binaries of every size from 0 to 300 bytes in five ways and looks for them off the heap.
%% Evidence: for each way the largest size kept on the heap and the smallest kept outside it.
%% Cost: 1505 binaries and as many forced collections of one small process, about 30 ms.
%% Misread: the sizes are of fresh, exactly sized binaries; appended ones are another matter.
%% Source: https://www.erlang.org/doc/system/binaryhandling.html
-spec refc_threshold(map()) -> #{ways := #{atom() => beam_memory_management_lib:border()}}.
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
            border(300, fun(Size) -> hold(Holder, fun() -> Make(Size) end) end)
        end,
        #{ways => maps:map(Border, Ways)}
    end).

%% Hands binaries of every size from 0 to 200 bytes to a process by message and by port.
%% Evidence: for each way of arrival the border, as in refc_threshold/1.
%% Cost: 402 binaries, one `cat'.
%% Misread: the port uses {packet, 2}; a stream socket hands out what its buffer holds.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#open_port/2
-spec refc_threshold_received(map()) -> #{ways := #{atom() => beam_memory_management_lib:border()}}.
refc_threshold_received(_) ->
    Message = probe_lib:with_process([], fun(Receiver) ->
        border(200, fun(Size) ->
            Subject = binary:copy(<<7>>, Size),
            probe_lib:ask(Receiver, fun(_) -> {ok, Subject} end),
            off_heap(Receiver)
        end)
    end),
    Port = probe_lib:with_process([], fun(Reader) ->
        probe_lib:ask(Reader, fun(_) ->
            {ok, {open_port({spawn, "cat"}, [binary, {packet, 2}]), none}}
        end),
        Border = border(200, fun(Size) ->
            probe_lib:ask(Reader, fun({Port, _}) -> {ok, {Port, echo(Port, Size)}} end),
            off_heap(Reader)
        end),
        probe_lib:ask(Reader, fun({Port, _}) -> {port_close(Port), none} end),
        Border
    end),
    #{ways => #{port => Port, message => Message}}.

%% Grows a binary byte by byte with the bit syntax and takes the heap words that it needs.
%% Evidence: the sizes from 1 to 300 bytes at which a copied and an appended binary stop needing
%% more heap words, that is, at which their bytes lie elsewhere.
%% Cost: 300 appends and 600 walks of one term.
%% Misread: process_info(P, binary) of 25.0 to 25.2 leaves appended binaries out: words do not.
%% Source: https://www.erlang.org/doc/system/binaryhandling.html#constructing-binaries
-spec append_is_refc(map()) -> map().
append_is_refc(_) ->
    Copied = [{Size, erts_debug:flat_size(binary:copy(<<7>>, Size))} || Size <- lists:seq(1, 300)],
    Appended = appended_words(<<>>, 300),
    #{
        copied_smallest_refc_bytes => constant_from(Copied),
        appended_smallest_refc_bytes => constant_from(Appended)
    }.

%% Lets a process hold a literal of its module, then a run-time copy of it.
%% Evidence: the off-heap bytes listed for the process in each case, and the literal's own size.
%% Cost: two forced collections.
%% Misread: the literal does lie outside the heap, but the module owns it.
%% Source: https://www.erlang.org/doc/system/eff_guide_processes.html#sending-messages
-spec literal_unlisted(map()) -> map().
literal_unlisted(_) ->
    probe_lib:with_process([], fun(Holder) ->
        Literal = hold(Holder, fun literal/0),
        Copy = hold(Holder, fun() -> binary:copy(literal()) end),
        #{
            literal_bytes => byte_size(literal()),
            literal_off_heap_bytes => lists:sum(Literal),
            copy_off_heap_bytes => lists:sum(Copy)
        }
    end).

%%% What a part of a binary retains

%% Takes parts of every size from 1 to 200 bytes, and of 1 to 1600 bits, out of a binary of 100
%% KB, holds the part only, and looks whether the process still refers to the whole.
%% Evidence: for each way the largest part that lets the whole go and the smallest that keeps it;
%% the same for parts that do not end at a byte, in bits.
%% Cost: 2200 binaries of 100 KB, one at a time, about 150 ms.
%% Misread: a part of 64 bytes or fewer is a copy; it does not show what larger parts do.
%% Source: https://www.erlang.org/doc/apps/stdlib/binary.html#referenced_byte_size/1
-spec part_threshold(map()) -> #{ways := map(), bits := map(), whole_bytes := pos_integer()}.
part_threshold(_) ->
    Whole = 100_000,
    probe_lib:with_process([], fun(Holder) ->
        Retained = fun(Take, Size) -> hold(Holder, fun() -> Take(bytes(Whole), Size) end) end,
        Border = fun(_, Take) ->
            {Copied, Kept} = sweep(lists:seq(1, 200), fun(Size) -> Retained(Take, Size) end),
            #{largest_copied_bytes => Copied, smallest_retaining_bytes => Kept}
        end,
        Odd = [Bits || Bits <- lists:seq(1, 1600), Bits rem 8 =/= 0],
        {CopiedBits, KeptBits} = sweep(Odd, fun(Bits) -> Retained(fun match_bits/2, Bits) end),
        #{
            whole_bytes => Whole,
            ways => maps:map(Border, part_ways()),
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
        Fresh = hold(Holder, fun() -> binary:part(bytes(10 * ?MB), 0, 100) end),
        Minor = [collected(Holder, minor) || _ <- lists:seq(1, 5)],
        Major = [collected(Holder, major) || _ <- lists:seq(1, 5)],
        probe_lib:ask(Holder, fun(Part) -> {ok, binary:copy(Part)} end),
        #{
            part_bytes => 100,
            whole_bytes => 10 * ?MB,
            held_bytes => lists:sum(Fresh),
            held_after_minor_bytes => lists:map(fun lists:sum/1, Minor),
            held_after_full_sweep_bytes => lists:map(fun lists:sum/1, Major),
            held_after_copy_bytes => lists:sum(collected(Holder, major))
        }
    end).

%% Drops the only reference to a 100-byte part of 1 MiB while it is young, and once it is old, and
%% looks at what lets go of the whole: waiting, a minor collection, a full sweep, hibernation.
%% Evidence: for the young and the old reference the off-heap bytes after each step.
%% Cost: the wait, 150 ms a case.
%% Misread: the subject has a large heap, so that only the steps named here collect.
%% Source: https://www.erlang.org/doc/apps/erts/garbagecollection#generational-garbage-collection
-spec dropped_reference(map()) -> map().
dropped_reference(_) ->
    Dropped = fun(Promotions, Last) ->
        probe_lib:with_process(?QUIET, fun(Holder) ->
            probe_lib:ask(Holder, fun(_) ->
                {ok, binary:part(bytes(?MB), 0, 100)}
            end),
            [collected(Holder, minor) || _ <- lists:seq(1, Promotions)],
            probe_lib:ask(Holder, fun(_) -> {ok, none} end),
            timer:sleep(100),
            Waited = lists:sum(off_heap(Holder)),
            Minor = lists:sum(collected(Holder, minor)),
            #{
                after_wait_bytes => Waited,
                after_minor_bytes => Minor,
                after_last_bytes => lists:sum(Last(Holder))
            }
        end)
    end,
    Major = fun(Holder) -> collected(Holder, major) end,
    #{
        whole_bytes => ?MB,
        young => Dropped(0, Major),
        old => Dropped(2, Major),
        old_hibernated => Dropped(2, fun(Holder) -> hibernate(Holder) end)
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
        [{Length, allocated_words(Whole(Length), fun(B) -> Walk(B, 0) end)} || Length <- Lengths]
    end,
    Matched = Series(fun walk_matching/2),
    Split = Series(fun walk_splitting/2),
    #{
        matched => samples(length_bytes, allocated_words, Matched),
        split => samples(length_bytes, allocated_words, Split),
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
    Whole = fun() -> bytes(?MB) end,
    Sizes = [0, 1, 8, 16, 32, 48] ++ lists:seq(60, 70) ++ [100, 1000, 10_000, 100_000, 1_000_000],
    Words = [
        {Size, allocated_words(Whole, fun(B) -> match_part(B, Size) end)}
     || Size <- Sizes
    ],
    Large = [Count || {Size, Count} <- Words, Size >= 100],
    #{
        samples => samples(part_bytes, allocated_words, Words),
        least_large_part_words => lists:min(Large),
        most_large_part_words => lists:max(Large),
        constant_from_bytes => constant_from(Words)
    }.

%% Sends lists and binaries of growing length to a process that does not read them.
%% Evidence: the words that the receiver's memory grows by for each, and the exponents.
%% Cost: ten idle processes.
%% Misread: process_info(P, memory) counts messages that wait, but no reference-counted bytes.
%% Source: https://www.erlang.org/doc/system/eff_guide_processes.html#sending-messages
-spec sending_copies(map()) -> map().
sending_copies(_) ->
    Lengths = [1000, 2000, 4000, 8000, 16000],
    Series = fun(Make) -> [{Length, received_bytes(Make(Length))} || Length <- Lengths] end,
    Lists = Series(fun(Length) -> lists:seq(1, Length) end),
    Binaries = Series(fun(Length) -> binary:copy(<<7>>, Length) end),
    #{
        list => samples(length_count, received_bytes, Lists),
        binary => samples(length_bytes, received_bytes, Binaries),
        list_growth_exponent => probe_lib:growth_exponent(Lists),
        binary_growth_exponent => probe_lib:growth_exponent(Binaries)
    }.

%%% Subjects

literal() ->
    <<"A literal of more than sixty-four bytes, so that only its being a literal can keep it off "
        "the list of the process that uses it, whatever its size.">>.

echo(Port, Size) ->
    port_command(Port, binary:copy(<<7>>, Size)),
    receive
        {Port, {data, Data}} -> Data
    after 5000 -> error({setup, {no_echo, Size}})
    end.

appended_words(_, 0) -> [];
appended_words(Binary, Left) ->
    Longer = <<Binary/binary, Left>>,
    [{byte_size(Longer), erts_debug:flat_size(Longer)} | appended_words(Longer, Left - 1)].

part_ways() ->
    #{
        match_front => fun(Whole, Size) ->
            <<Part:Size/binary, _/binary>> = Whole,
            Part
        end,
        match_rest => fun(Whole, Size) ->
            Skip = byte_size(Whole) - Size,
            <<_:Skip/binary, Part/binary>> = Whole,
            Part
        end,
        binary_part => fun(Whole, Size) -> binary:part(Whole, 1, Size) end,
        split_binary => fun(Whole, Size) -> element(1, split_binary(Whole, Size)) end
    }.

walk_matching(<<_, Rest/binary>>, Count) -> walk_matching(Rest, Count + 1);
walk_matching(<<>>, Count) -> Count.

walk_splitting(<<>>, Count) -> Count;
walk_splitting(Binary, Count) ->
    {_, Rest} = split_binary(Binary, 1),
    walk_splitting(Rest, Count + 1).

match_bits(Whole, Bits) ->
    <<Part:Bits/bits, _/bits>> = Whole,
    Part.

match_part(Whole, Size) ->
    <<Part:Size/binary, _/binary>> = Whole,
    Part.
