%% Memory of every kind in processes that have a max_heap_size, for the probes of
%% beam-process-design: what such a process has when it is judged, and how it fares. Knows nothing of
%% any claim.
-module(beam_process_design_heap_limit).

-export([
    grow_and_catch/1,
    summary/2,
    kinds/0,
    judged/2,
    hoard_binaries/1,
    deep_with_limit/2,
    deep_without_limit/1,
    least_limit/2,
    largest_collection_words/2
]).
-export_type([kind/0, limit/0]).

-define(COPIES, beam_process_design_copies).
-define(MAILBOX, beam_process_design_mailbox).
-define(WAIT_MS, 5_000).

%% Where the words are that a process has: see hold/1 and load/3.
-type kind() ::
    nothing
    | heap
    | old_heap
    | garbage
    | collected_garbage
    | stack
    | dictionary
    | messages_on_heap
    | messages_off_heap
    | binaries
    | ets_table.
%% As process_flag(max_heap_size, _) takes it; words.
-type limit() :: pos_integer() | #{size := non_neg_integer(), atom() => boolean()}.

%% Do something that may end the process, within a catch for everything; ends by what came of it.
-spec grow_and_catch(fun(() -> term())) -> no_return().
grow_and_catch(Fun) ->
    Outcome =
        try Fun() of
            _ -> completed
        catch
            _:_ -> caught
        end,
    exit(Outcome).

%% Of the log events about one process: how many, and level and text of the first.
-spec summary(pid(), [logger:log_event()]) ->
    #{logged_count := non_neg_integer(), level => atom(), text => binary()}.
summary(Pid, Events) ->
    Own = [Event || #{meta := #{pid := P}} = Event <- Events, P =:= Pid],
    First =
        case Own of
            [#{level := Level, msg := {Format, Args}} | _] when is_list(Format) ->
                #{level => Level, text => probe_capture:text(Format, Args)};
            _ ->
                #{}
        end,
    First#{logged_count => length(Own)}.

-spec kinds() -> [kind()].
kinds() ->
    [
        nothing, heap, old_heap, garbage, collected_garbage, stack, dictionary, messages_on_heap,
        messages_off_heap, binaries, ets_table
    ].

%% What a process with much memory of a kind has when it is given a limit and is about to be
%% collected, and how it fares then: `alive', or its exit reason.
-spec judged(kind(), limit()) -> probe_lib:evidence().
judged(Kind, Limit) ->
    Pid = probe_lib:subject([{message_queue_data, off_heap} || Kind =:= messages_off_heap]),
    Ref = erlang:monitor(process, Pid),
    try
        StateWords = load(Kind, Pid, Limit),
        Has = has(Pid),
        _ =
            case Kind of
                old_heap -> minor(Pid);
                _ -> erlang:garbage_collect(Pid)
            end,
        Has#{state_words => StateWords, fate => fate(Pid, Ref)}
    after
        probe_lib:kill_all([Pid])
    end.

%% A process that a collection has killed is not alive when that returns; its 'DOWN' comes later.
fate(Pid, Ref) ->
    case is_process_alive(Pid) of
        true -> alive;
        false -> probe_lib:gone(Ref, ?WAIT_MS)
    end.

%% The limit that a process has, and its memory by kinds. Words of the two generations are those in
%% use; `young' and `old' are live and garbage alike.
has(Pid) ->
    [{_, Collection}, {_, Info}, {_, Stack}, {_, Dictionary}, {_, Messages}] = process_info(
        Pid, [garbage_collection, garbage_collection_info, stack_size, dictionary, messages]
    ),
    #{size := Limit} = proplists:get_value(max_heap_size, Collection),
    #{
        limit_words => Limit,
        young_words => proplists:get_value(heap_size, Info),
        old_words => proplists:get_value(old_heap_size, Info),
        stack_words => Stack,
        dictionary_words => erts_debug:flat_size(Dictionary),
        messages_words => lists:sum([erts_debug:flat_size(Message) || Message <- Messages]),
        off_heap_bytes => probe_measure:off_heap_bytes(Pid),
        tables_words => lists:sum([
            ets:info(Table, memory)
         || Table <- ets:all(), ets:info(Table, owner) =:= Pid
        ])
    }.

%% Let the process have what the kind says and its limit, so that the collection to come is the
%% first that judges. Messages and stack come to a process that has its limit or sets it there.
%% Returns the words that its state refers to, be they live on its heap or elsewhere.
load(stack, Pid, Limit) ->
    _ = probe_lib:tell(Pid, fun(_) -> deep(200_000, Limit) end),
    probe_lib:await(
        fun() ->
            case process_info(Pid, [status, garbage_collection]) of
                [{status, waiting}, {garbage_collection, Info}] ->
                    #{size := Size} = proplists:get_value(max_heap_size, Info),
                    Size > 0;
                Other ->
                    Other
            end
        end,
        ?WAIT_MS
    ),
    0;
load(Kind, Pid, Limit) ->
    probe_lib:ask(Pid, fun(_) -> {ok, hold(Kind)} end),
    Words = probe_lib:ask(Pid, fun(State) -> {erts_debug:flat_size(State), State} end),
    _ = Kind =:= old_heap andalso promote(Pid, Words, 10),
    _ = (Kind =:= ets_table orelse Kind =:= collected_garbage) andalso erlang:garbage_collect(Pid),
    _ = probe_lib:ask(Pid, fun(State) -> {process_flag(max_heap_size, Limit), State} end),
    _ = [
        Pid ! {I, I, I, I, I, I, I, I, I, I, I}
     || Kind =:= messages_on_heap orelse Kind =:= messages_off_heap,
        I <- lists:seq(1, 20_000)
    ],
    Words.

%% Minor collections until the old heap has so many words: one that finds too little room there
%% becomes a full one, which leaves everything young.
promote(Pid, Words, 0) ->
    error({setup, {not_promoted, Pid, Words}});
promote(Pid, Words, Left) ->
    minor(Pid),
    {garbage_collection_info, Info} = process_info(Pid, garbage_collection_info),
    proplists:get_value(old_heap_size, Info) >= Words orelse promote(Pid, Words, Left - 1).

minor(Pid) ->
    erlang:garbage_collect(Pid, [{type, minor}]).

hold(Kind) when Kind =:= heap; Kind =:= old_heap -> ?COPIES:ints(100_000);
hold(binaries) -> [binary:copy(binary:copy(<<I>>, 1_000), 1_000) || I <- lists:seq(1, 10)];
hold(dictionary) -> put(held, ?COPIES:ints(100_000));
hold(ets_table) -> ets:insert(ets:new(?MODULE, []), {held, ?COPIES:ints(100_000)});
hold(Kind) when Kind =:= garbage; Kind =:= collected_garbage -> length(?COPIES:ints(100_000));
hold(_) -> nothing.

%% Take binaries of 10 MB, one after the other, until something ends it; the exit reason. Collects
%% after each, as a process that works would be collected now and then.
-spec hoard_binaries(limit()) -> term().
hoard_binaries(Limit) ->
    {_, Ref} = spawn_opt(fun() -> hoard(1, []) end, [monitor, {max_heap_size, Limit}]),
    probe_lib:gone(Ref, 2 * ?WAIT_MS).

hoard(I, Binaries) ->
    More = [binary:copy(<<I>>, 10_000_000) | Binaries],
    true = erlang:garbage_collect(),
    hoard((I + 1) rem 256, More).

%% A stack of N words, at whose end the process takes its limit and waits. It must be able to
%% return, or the compiler keeps no stack for it.
deep(0, Limit) ->
    _ = process_flag(max_heap_size, Limit),
    receive
        {deaf, never} -> 0
    end;
deep(N, Limit) ->
    1 + deep(N - 1, Limit).

%% The exit reason of a process whose stack passes its limit.
-spec deep_with_limit(pos_integer(), pos_integer()) -> term().
deep_with_limit(Depth, Words) ->
    Limit = #{size => Words, kill => true, error_logger => false},
    {_, Ref} = spawn_opt(fun() -> deep(Depth, 0) end, [monitor, {max_heap_size, Limit}]),
    probe_lib:gone(Ref, ?WAIT_MS).

%% The words of stack and of heap of a process at the end of the same recursion, without a limit.
-spec deep_without_limit(pos_integer()) -> #{atom() => non_neg_integer()}.
deep_without_limit(Depth) ->
    {Pid, _} = spawn_monitor(fun() -> deep(Depth, 0) end),
    try
        Words = probe_lib:value_within(
            fun() ->
                case process_info(Pid, [status, stack_size]) of
                    [{_, waiting}, {_, Stack}] when Stack >= Depth -> {done, Stack};
                    Other -> Other
                end
            end,
            ?WAIT_MS
        ),
        #{stack_words => Words, heap_words => probe_measure:young_used_words(Pid)}
    after
        probe_lib:kill_and_wait(Pid)
    end.

%% Build a list of N elements, as a library does, in an accumulator, or by a recursion whose calls
%% wait on the stack.
-spec build(library | accumulator | recursion, pos_integer()) -> [integer()].
build(library, N) -> ?COPIES:ints(N);
build(accumulator, N) -> accumulated(N, []);
build(recursion, N) -> recursed(N).

accumulated(0, List) -> List;
accumulated(N, List) -> accumulated(N - 1, [N | List]).

recursed(0) -> [];
recursed(N) -> [N | recursed(N - 1)].

%% The smallest max_heap_size, in words, under which a process builds such a list.
-spec least_limit(library | accumulator | recursion, pos_integer()) -> pos_integer().
least_limit(Way, N) ->
    {_, Least} = probe_measure:bisect(N, 20 * N, fun(Limit) -> builds(Way, N, Limit) end),
    Least.

builds(Way, N, Limit) ->
    {_, Ref} = spawn_opt(
        fun() -> exit({built, length(build(Way, N))}) end,
        [monitor, {max_heap_size, #{size => Limit, kill => true, error_logger => false}}]
    ),
    case probe_lib:gone(Ref, ?WAIT_MS) of
        {built, N} -> true;
        killed -> false
    end.

%% Of the collections of a process that builds such a list without a limit, the largest sum of the
%% heap blocks before and after, in words.
-spec largest_collection_words(library | accumulator | recursion, pos_integer()) -> pos_integer().
largest_collection_words(Way, N) ->
    Self = self(),
    Pid = spawn(fun() ->
        receive
            go -> Self ! {built, length(build(Way, N))}
        end,
        ?MAILBOX:deaf()
    end),
    try
        1 = erlang:trace(Pid, true, [garbage_collection]),
        Pid ! go,
        receive
            {built, N} -> ok
        after ?WAIT_MS -> error({setup, not_built})
        end,
        Ref = erlang:trace_delivered(Pid),
        receive
            {trace_delivered, Pid, Ref} -> lists:max(both_blocks_words(Pid))
        after ?WAIT_MS -> error({setup, trace_not_delivered})
        end
    after
        probe_lib:kill_and_wait(Pid)
    end.

both_blocks_words(Pid) ->
    receive
        {trace, Pid, gc_minor_start, Before} -> [ended_at_words(Pid, Before) | both_blocks_words(Pid)];
        {trace, Pid, gc_major_start, Before} -> [ended_at_words(Pid, Before) | both_blocks_words(Pid)]
    after 0 -> []
    end.

ended_at_words(Pid, Before) ->
    receive
        {trace, Pid, End, After} when End =:= gc_minor_end; End =:= gc_major_end ->
            lists:sum([
                proplists:get_value(heap_block_size, Before),
                proplists:get_value(old_heap_block_size, Before),
                proplists:get_value(heap_block_size, After)
            ])
    after ?WAIT_MS -> error({setup, collection_not_ended})
    end.
