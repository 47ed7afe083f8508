%% What the probes of beam-memory-management share: holders of binaries, counters of words.
%% Knows how to place and to look; knows no claim. Not a probe module.
-module(beam_memory_management_lib).

-export([
    border/2,
    bytes/1,
    sweep/2,
    constant_from/1,
    hold/2,
    off_heap/1,
    collected/2,
    hibernate/1,
    wake/1,
    allocated_words/2,
    received_bytes/1,
    samples/3,
    collections/2,
    churn/1,
    total_words/1,
    fall_asleep/1,
    hand_over/2,
    written_bytes/0,
    os_view/0,
    gained/1,
    literal/0,
    echo/2,
    appended_words/2,
    appended/2,
    part_ways/0,
    walk_matching/2,
    walk_splitting/2,
    match_bits/2,
    match_part/2,
    counted_list/2,
    fullsweep_period_of/1,
    tally/1,
    reclaimed_after/1,
    spin_during/2,
    bisect/3,
    made_until_collected/2,
    heap_sizes/2,
    grown_heap_words/1,
    by_setting/2,
    label/3,
    words/1,
    sleeper_in_try/2,
    received/1,
    wakes/1,
    bin_leak_round/0,
    every_fiftieth/1
]).

-export_type([border/0, collection/0]).

%% One collection as the trace shows it; scheduler 0 is any dirty one.
-type collection() :: #{type := minor | major, scheduler := non_neg_integer()}.

-define(DEADLINE_MS, 3000).
-define(MB, (1024 * 1024)).
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

%% Have Pid hibernate, and return the off-heap sizes that it refers to in its sleep. Any ask/2
%% wakes it, with its state.
-spec hibernate(pid()) -> [pos_integer()].
hibernate(Pid) ->
    Pid ! {ask, self(), make_ref(), fun(State) -> erlang:hibernate(?MODULE, wake, [State]) end},
    fall_asleep(Pid),
    _ = probe_lib:settle(fun() -> slack_words(Pid) < 100 andalso {done, true} end, ?DEADLINE_MS),
    off_heap(Pid).

%% The words of Pid's heaps that hold nothing. A large heap is swept on a dirty scheduler, some time
%% after the process looks asleep.
slack_words(Pid) ->
    [{stack_size, Stack}, {garbage_collection_info, Info}] =
        process_info(Pid, [stack_size, garbage_collection_info]),
    [Young, Used, Old] = [
        proplists:get_value(Key, Info)
     || Key <- [heap_block_size, heap_size, old_heap_block_size]
    ],
    Young - Used - Stack + Old.

%% Wait until Pid hibernates, and return it.
-spec fall_asleep(pid()) -> pid().
fall_asleep(Pid) ->
    Asleep = fun() ->
        process_info(Pid, [current_function, status]) =:=
            [{current_function, {erlang, hibernate, 3}}, {status, waiting}] andalso {done, true}
    end,
    case probe_lib:settle(Asleep, ?DEADLINE_MS) of
        #{settled := true} -> Pid;
        #{settled := false} -> error({setup, {not_asleep, Pid}})
    end.

%% Where a hibernated subject goes on: it answers what it is asked, as probe_lib:subject/1 does.
-spec wake(term()) -> no_return().
wake(State) ->
    receive
        {ask, From, Ref, Fun} ->
            {Reply, NewState} = Fun(State),
            From ! {Ref, Reply},
            wake(NewState)
    end.

%% The words that Fun(State) allocates on the heap of a subject whose state Make() builds, and
%% that no collection disturbs. What asking itself costs is taken off; messages are kept off the
%% heap, or a sender that finds the heap unlocked would allocate there.
-spec allocated_words(fun(() -> State), fun((State) -> term())) -> non_neg_integer().
allocated_words(Make, Fun) ->
    Quiet = [
        {min_heap_size, 500_000}, {min_bin_vheap_size, 100_000_000}, {message_queue_data, off_heap}
    ],
    probe_lib:with_process(Quiet, fun(Subject) ->
        probe_lib:ask(Subject, fun(_) -> {ok, Make()} end),
        true = erlang:garbage_collect(Subject),
        Words = fun(Measured) ->
            Before = used_words(Subject),
            probe_lib:ask(Subject, fun(State) -> {keep(Measured(State)), State} end),
            used_words(Subject) - Before
        end,
        Asking = Words(fun(_) -> ok end),
        Words(Fun) - Asking
    end).

keep(_) -> ok.

used_words(Pid) ->
    {garbage_collection_info, Info} = process_info(Pid, garbage_collection_info),
    proplists:get_value(heap_size, Info).

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

%% A series as evidence.
-spec samples(atom(), atom(), [probe_lib:sample()]) -> [map()].
samples(XKey, YKey, Series) ->
    [#{XKey => X, YKey => Y} || {X, Y} <- Series].

%% The first X of a series from which on Y is the same to the end.
-spec constant_from([{X, number()}, ...]) -> X.
constant_from(Series) ->
    [{Last, Value} | Before] = lists:reverse(Series),
    constant_from(Before, Value, Last).

constant_from([{X, Value} | Before], Value, _) -> constant_from(Before, Value, X);
constant_from(_, _, First) -> First.

%% What Fun(Subject) returns for a fresh subject, and the collections of the subject meanwhile.
-spec collections(list(), fun((pid()) -> Value)) -> {Value, [collection()]}.
collections(SpawnOptions, Fun) ->
    probe_lib:in_process(fun() ->
        probe_lib:with_process(SpawnOptions, fun(Subject) ->
            1 = erlang:trace(Subject, true, [garbage_collection, scheduler_id]),
            Value = Fun(Subject),
            Ref = erlang:trace_delivered(Subject),
            receive
                {trace_delivered, Subject, Ref} -> {Value, traced_collections()}
            after ?DEADLINE_MS -> error({setup, trace_not_delivered})
            end
        end)
    end).

traced_collections() ->
    receive
        {trace, _, gc_minor_start, _, Id} ->
            [#{type => minor, scheduler => Id} | traced_collections()];
        {trace, _, gc_major_start, _, Id} ->
            [#{type => major, scheduler => Id} | traced_collections()];
        {trace, _, _, _, _} -> traced_collections()
    after 0 -> []
    end.

%% Allocate 200 words of garbage Rounds times, and keep nothing.
-spec churn(non_neg_integer()) -> ok.
churn(0) ->
    ok;
churn(Rounds) ->
    keep(lists:reverse(lists:seq(1, 50))),
    churn(Rounds - 1).

-spec total_words(pid()) -> non_neg_integer().
total_words(Pid) ->
    {total_heap_size, Words} = process_info(Pid, total_heap_size),
    Words.

%% Have one subject send its state to another, which keeps it as its own.
-spec hand_over(pid(), pid()) -> ok.
hand_over(From, To) ->
    probe_lib:ask(From, fun(State) ->
        {probe_lib:ask(To, fun(_) -> {ok, State} end), State}
    end).

%% The bytes that this operating system process has written, to whatever descriptor.
-spec written_bytes() -> non_neg_integer().
written_bytes() ->
    number_after(<<"wchar:">>, "/proc/self/io").

number_after(Label, File) ->
    case file:read_file(File) of
        {ok, Text} ->
            [_, Rest] = binary:split(Text, Label),
            {Number, _} = string:to_integer(string:trim(Rest, leading)),
            Number;
        {error, Reason} ->
            error({setup, {unreadable, File, Reason}})
    end.

%% What the VM counts, what its carriers for binaries take, and what the system says it occupies.
-spec os_view() -> #{atom() => non_neg_integer()}.
os_view() ->
    #{
        memory_bytes => erlang:memory(total),
        carriers_bytes => carriers_bytes(erlang:system_info({allocator_sizes, binary_alloc})),
        resident_bytes => 1024 * number_after(<<"VmRSS:">>, "/proc/self/status")
    }.

%% The sum of all current carrier sizes, wherever in the allocator's description they stand.
carriers_bytes({carriers_size, Bytes}) -> Bytes;
carriers_bytes({carriers_size, Bytes, _, _}) -> Bytes;
carriers_bytes(Tuple) when is_tuple(Tuple) -> carriers_bytes(tuple_to_list(Tuple));
carriers_bytes([Head | Tail]) -> carriers_bytes(Head) + carriers_bytes(Tail);
carriers_bytes(_) -> 0.

-spec gained(#{atom() => integer()}) -> #{atom() => integer()}.
gained(Base) ->
    maps:map(fun(Key, Now) -> Now - maps:get(Key, Base) end, os_view()).

%%% Subjects of single probes

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

%% Count the bytes by matching one and the rest: the compiler keeps one match context.
-spec walk_matching(binary(), non_neg_integer()) -> non_neg_integer().
walk_matching(<<_, Rest/binary>>, Count) -> walk_matching(Rest, Count + 1);
walk_matching(<<>>, Count) -> Count.

%% Count the bytes by splitting off one at a time.
-spec walk_splitting(binary(), non_neg_integer()) -> non_neg_integer().
walk_splitting(<<>>, Count) -> Count;
walk_splitting(Binary, Count) ->
    {_, Rest} = split_binary(Binary, 1),
    walk_splitting(Rest, Count + 1).

-spec match_bits(binary(), non_neg_integer()) -> bitstring().
match_bits(Whole, Bits) ->
    <<Part:Bits/bits, _/bits>> = Whole,
    Part.

-spec match_part(binary(), non_neg_integer()) -> binary().
match_part(Whole, Size) ->
    <<Part:Size/binary, _/binary>> = Whole,
    Part.

-spec counted_list(non_neg_integer(), list()) -> list().
counted_list(0, List) -> List;
counted_list(Count, List) -> counted_list(Count - 1, [Count | List]).

%% What a process with this fullsweep_after does when it makes garbage only.
-spec fullsweep_period_of(non_neg_integer()) -> map().
fullsweep_period_of(Setting) ->
    {ok, Collections} = collections([{fullsweep_after, Setting}], fun(Subject) ->
        probe_lib:ask(Subject, fun(_) -> {churn(330), none} end)
    end),
    Intervals = minors_before_majors(Collections, 0),
    #{
        fullsweep_after_count => Setting,
        collections_count => length(Collections),
        full_sweeps_count => length(Intervals),
        minors_between_count => lists:usort(tl(Intervals))
    }.

minors_before_majors([], _) -> [];
minors_before_majors([#{type := minor} | Rest], Count) -> minors_before_majors(Rest, Count + 1);
minors_before_majors([#{type := major} | Rest], Count) -> [Count | minors_before_majors(Rest, 0)].

-spec tally([collection()]) -> map().
tally(Collections) ->
    {Minor, Major} = lists:partition(fun(#{type := Type}) -> Type =:= minor end, Collections),
    #{minor_count => length(Minor), full_sweeps_count => length(Major)}.

%% How many forced minor collections it takes until a promoted and dropped binary is gone.
-spec reclaimed_after(non_neg_integer()) -> pos_integer() | none.
reclaimed_after(Setting) ->
    probe_lib:with_process([{fullsweep_after, Setting} | ?QUIET], fun(Holder) ->
        hold(Holder, fun() -> bytes(?MB) end),
        [_ | _] = collected(Holder, minor),
        [_ | _] = collected(Holder, minor),
        probe_lib:ask(Holder, fun(_) -> {ok, none} end),
        probe_lib:first_where(
            fun(_) -> collected(Holder, minor) =:= [] end, lists:seq(1, 200)
        )
    end).

%% Count rounds of a loop from Start() until {Tag, _} arrives.
-spec spin_during(fun(() -> term()), reference()) -> map().
spin_during(Start, Tag) ->
    Begin = erlang:monotonic_time(microsecond),
    Start(),
    Rounds = spin(Tag, 0),
    Ms = (erlang:monotonic_time(microsecond) - Begin) / 1000,
    #{elapsed_ms => Ms, rounds_per_ms => Rounds / Ms}.

spin(Tag, Rounds) ->
    receive
        {Tag, _} -> Rounds
    after 0 -> spin(Tag, Rounds + 1)
    end.

%% The largest known number where Holds is false and the smallest where it is true.
-spec bisect(integer(), integer(), fun((integer()) -> boolean())) -> {integer(), integer()}.
bisect(Low, High, Holds) when High - Low > 2 ->
    Middle = (Low + High) div 2,
    case Holds(Middle) of
        true -> bisect(Low, Middle, Holds);
        false -> bisect(Middle, High, Holds)
    end;
bisect(Low, High, _) ->
    {Low, High}.

%% Off-heap bytes that a fresh process makes, Size at a time, until it is collected.
-spec made_until_collected(list(), pos_integer()) -> pos_integer() | none.
made_until_collected(SpawnOptions, Size) ->
    {Steps, _} = collections(SpawnOptions, fun(Subject) ->
        Made = fun(Step) ->
            Size = probe_lib:ask(Subject, fun(_) -> {byte_size(bytes(Size)), Step} end),
            collected_already(Subject)
        end,
        probe_lib:first_where(Made, lists:seq(1, 6_000_000 div max(Size, 1000)))
    end),
    case Steps of
        none -> none;
        _ -> Steps * Size
    end.

collected_already(Subject) ->
    receive
        {trace, Subject, gc_minor_start, _, _} -> true;
        {trace, Subject, gc_major_start, _, _} -> true
    after 0 -> false
    end.

%% The sizes that a heap can have, up to Most words.
-spec heap_sizes(non_neg_integer(), pos_integer()) -> [pos_integer()].
heap_sizes(Ask, Most) when Ask > Most ->
    [];
heap_sizes(Ask, Most) ->
    Words = probe_lib:with_process([{min_heap_size, Ask}], fun(Pid) -> total_words(Pid) end),
    [Words | heap_sizes(Words + 1, Most)].

%% The words of Subject's young heap, ten more list cells later.
-spec grown_heap_words(pid()) -> pos_integer().
grown_heap_words(Subject) ->
    probe_lib:ask(Subject, fun(List) -> {ok, lists:seq(1, 10) ++ List} end),
    {heap_size, Words} = process_info(Subject, heap_size),
    Words.

%% One key a setting, after_N_count, with what Key says there.
-spec by_setting(atom(), [map()]) -> map().
by_setting(Key, Settings) ->
    maps:from_list([
        {label("after_", Setting, "_count"), maps:get(Key, Evidence)}
     || #{fullsweep_after_count := Setting} = Evidence <- Settings
    ]).

-spec label(string(), integer(), string()) -> atom().
label(Before, Number, After) ->
    list_to_atom(Before ++ integer_to_list(Number) ++ After).

-spec words([{atom(), term()}]) -> map().
words(Sizes) ->
    #{
        heap_size_words => proplists:get_value(heap_size, Sizes),
        total_heap_size_words => proplists:get_value(total_heap_size, Sizes)
    }.

%% A monitored process that hibernates inside a `try', having much that might get lost.
-spec sleeper_in_try(pid(), pid()) -> {pid(), reference()}.
sleeper_in_try(Owner, Partner) ->
    spawn_monitor(fun() ->
        put(key, value),
        true = register(beam_memory_management_sleeper, self()),
        process_flag(trap_exit, true),
        process_flag(priority, low),
        link(Partner),
        erlang:monitor(process, Partner),
        Owner ! {self(), ready},
        receive
            sleep -> ok
        end,
        try
            erlang:hibernate(erlang, apply, [fun() -> exit(woken) end, []]),
            Owner ! {self(), returned}
        catch
            _:_ -> Owner ! {self(), caught}
        after
            Owner ! {self(), cleaned_up}
        end
    end).

%% What From has sent so far.
-spec received(pid()) -> [term()].
received(From) ->
    receive
        {From, What} -> [What | received(From)]
    after 0 -> []
    end.

%% Whether a hibernated process wakes up from Stimulus; `queued' sends it before it hibernates.
-spec wakes(queued | fun((pid()) -> term())) -> boolean().
wakes(Stimulus) ->
    Self = self(),
    Tag = make_ref(),
    Woken = fun() -> Self ! {Tag, awake} end,
    Sleeper = spawn(fun() ->
        process_flag(trap_exit, true),
        Stimulus =:= queued andalso (self() ! anything),
        erlang:hibernate(erlang, apply, [Woken, []])
    end),
    try
        Stimulus =:= queued orelse Stimulus(fall_asleep(Sleeper)),
        receive
            {Tag, awake} -> true
        after 40 -> false
        end
    after
        probe_lib:kill_and_wait(Sleeper)
    end.

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
