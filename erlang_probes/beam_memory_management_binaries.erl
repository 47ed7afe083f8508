%% Binaries of the probes of beam-memory-management: ways to make them, to take parts of them, to
%% let a process hold them. Knows where to look for them; knows no claim. Not a probe module.
-module(beam_memory_management_binaries).

-export([
    border/2,
    sweep/2,
    bytes/1,
    hold/2,
    off_heap/1,
    collected/2,
    received_bytes/1,
    hand_over/2,
    literal/0,
    echo/2,
    appended_words/2,
    appended/2,
    part_ways/0,
    match_bits/2,
    match_part/2,
    bin_leak_round/0,
    every_fiftieth/1
]).

-export_type([border/0]).

%% Spawn options of a subject whose heaps are so large that only forced collections happen.
-define(QUIET, [{min_heap_size, 10_000}, {min_bin_vheap_size, 100_000_000}]).

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

%% Have one subject send its state to another, which keeps it as its own.
-spec hand_over(pid(), pid()) -> ok.
hand_over(From, To) ->
    probe_lib:ask(From, fun(State) ->
        {probe_lib:ask(To, fun(_) -> {ok, State} end), State}
    end).

%% A binary that is a literal of this module.
-spec literal() -> binary().
literal() ->
    <<"A literal of more than sixty-four bytes, so that only its being a literal can keep it off "
        "the list of the process that uses it, whatever its size.">>.

%% Size bytes, sent through a port and back.
-spec echo(port(), non_neg_integer()) -> binary().
echo(Port, Size) ->
    port_command(Port, binary:copy(<<7>>, Size)),
    receive
        {Port, {data, Data}} -> Data
    after 5000 -> error({setup, {no_echo, Size}})
    end.

%% The heap words of Binary with one byte after the other appended, Left times, by its size.
-spec appended_words(binary(), non_neg_integer()) -> [probe_lib:sample()].
appended_words(_, 0) -> [];
appended_words(Binary, Left) ->
    Longer = <<Binary/binary, Left>>,
    [{byte_size(Longer), erts_debug:flat_size(Longer)} | appended_words(Longer, Left - 1)].

%% Binary with one byte after the other appended, Left times.
-spec appended(binary(), non_neg_integer()) -> binary().
appended(Binary, 0) -> Binary;
appended(Binary, Left) -> appended(<<Binary/binary, Left>>, Left - 1).

%% Ways of taking a part of Size bytes out of Whole.
-spec part_ways() -> #{atom() => fun((binary(), non_neg_integer()) -> binary())}.
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

-spec match_bits(binary(), non_neg_integer()) -> bitstring().
match_bits(Whole, Bits) ->
    <<Part:Bits/bits, _/bits>> = Whole,
    Part.

-spec match_part(binary(), non_neg_integer()) -> binary().
match_part(Whole, Size) ->
    <<Part:Size/binary, _/binary>> = Whole,
    Part.

%% One round of recon's method over four processes that differ in what they do with binaries.
-spec bin_leak_round() -> map().
bin_leak_round() ->
    Make = fun(Count) -> [bytes(1000) || _ <- lists:seq(1, Count)] end,
    Roles = #{
        passing_50_count => fun() -> {length(Make(50)), none} end,
        passing_20_count => fun() -> {length(Make(20)), none} end,
        keeping_100_count => fun() -> {ok, Make(100)} end,
        having_none_count => fun() -> {ok, none} end
    },
    Subjects = maps:map(fun(_, Do) -> made_subject(Do) end, Roles),
    try
        Released = maps:map(fun(_, Pid) -> released_references(Pid) end, Subjects),
        {_, Leader} = lists:max([{Count, Role} || {Role, Count} <- maps:to_list(Released)]),
        #{
            released => Released,
            released_again => maps:map(fun(_, Pid) -> released_references(Pid) end, Subjects),
            leader => Leader,
            keeper_off_heap_bytes => lists:sum(off_heap(maps:get(keeping_100_count, Subjects)))
        }
    after
        [probe_lib:kill_and_wait(Pid) || Pid <- maps:values(Subjects)]
    end.

made_subject(Do) ->
    Pid = probe_lib:subject(?QUIET),
    probe_lib:ask(Pid, fun(_) -> Do() end),
    Pid.

%% recon:bin_leak/1 for one process: the references before a collection less those after it.
released_references(Pid) ->
    {binary, Before} = process_info(Pid, binary),
    true = erlang:garbage_collect(Pid),
    {binary, After} = process_info(Pid, binary),
    length(Before) - length(After).

-spec every_fiftieth(list()) -> list().
every_fiftieth(All) ->
    [Kept || {Index, Kept} <- lists:zip(lists:seq(1, length(All)), All), Index rem 50 =:= 0].
