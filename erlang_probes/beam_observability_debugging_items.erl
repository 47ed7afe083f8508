%% What process_info/2 gives for its items, and what it leaves with who asks. Knows nothing of any
%% claim.
-module(beam_observability_debugging_items).

-export([growth/1, mailbox_series/2, filled/2, asked/2, state_copied/1]).

-define(DEADLINE_MS, 20_000).
-define(ITEMS, [
    messages, dictionary, links, monitors, binary, backtrace,
    message_queue_len, memory, reductions, status, current_function, current_stacktrace,
    registered_name, initial_call, heap_size, total_heap_size, stack_size, garbage_collection,
    garbage_collection_info, group_leader, priority, trap_exit, suspending
]).
-define(PAYLOAD, [1, 2, 3, 4, 5, 6, 7, 8]).

%%% What grows

%% The items whose answer takes its receiver a word or more for each thing that the process has
%% more of; and how many items were asked for.
-spec growth(messages | entries | links | monitors | binaries | frames) -> probe_lib:evidence().
growth(Things) ->
    Few = answers(Things, 10),
    Many = answers(Things, 1_010),
    Per = maps:map(fun(Item, Words) -> (Words - maps:get(Item, Few)) / 1_000 end, Many),
    #{
        item_count => map_size(Per),
        growing => lists:sort([Item || {Item, Words} <- maps:to_list(Per), Words >= 1])
    }.

answers(Things, Count) ->
    probe_lib:with_process([], fun(Subject) ->
        Helpers = give(Things, Count, Subject),
        Words = maps:from_list([{Item, gained_words(Subject, Item)} || Item <- ?ITEMS]),
        probe_lib:kill_all(Helpers),
        Words
    end).

%% The words that an asker holds more when it has the answer, both times fully collected.
gained_words(Subject, Item) ->
    gained(fun() -> process_info(Subject, Item) end).

gained(Ask) ->
    probe_lib:with_process([], fun(Asker) ->
        _ = probe_lib:ask(Asker, fun(_) -> {ok, {}} end),
        Before = held_words(Asker),
        _ = probe_lib:ask(Asker, fun(_) -> {ok, Ask()} end),
        held_words(Asker) - Before
    end).

%% On its heap, and in binaries off it: an answer may be a binary.
held_words(Pid) ->
    probe_measure:live_words(Pid) + probe_measure:off_heap_bytes(Pid) div erlang:system_info(wordsize).

%% Let a subject have so many of these; the processes that it takes.
give(messages, Count, Subject) ->
    [Subject ! {message, I, ?PAYLOAD} || I <- lists:seq(1, Count)],
    [];
give(entries, Count, Subject) ->
    within(Subject, fun() -> [put({entry, I}, ?PAYLOAD) || I <- lists:seq(1, Count)] end),
    [];
give(links, Count, Subject) ->
    Others = [probe_lib:subject([]) || _ <- lists:seq(1, Count)],
    within(Subject, fun() ->
        process_flag(trap_exit, true),
        [link(Other) || Other <- Others]
    end),
    Others;
give(monitors, Count, Subject) ->
    Other = probe_lib:subject([]),
    within(Subject, fun() -> [monitor(process, Other) || _ <- lists:seq(1, Count)] end),
    [Other];
give(binaries, Count, Subject) ->
    keep(Subject, fun() -> [binary:copy(<<I>>, 100) || I <- lists:seq(1, Count)] end),
    [];
give(frames, Count, Subject) ->
    Subject ! {ask, self(), make_ref(), fun(State) -> {deep(Count), State} end},
    probe_lib:await(
        fun() ->
            {stack_size, Words} = process_info(Subject, stack_size),
            Words > Count
        end,
        ?DEADLINE_MS
    ),
    [].

within(Subject, Fun) ->
    probe_lib:ask(Subject, fun(State) -> Fun(), {ok, State} end).

keep(Subject, Make) ->
    probe_lib:ask(Subject, fun(_) -> {ok, Make()} end).

%% Not tail-recursive: it stands on so many frames while it waits.
deep(0) ->
    receive
        never -> 0
    end;
deep(Count) ->
    1 + deep(Count - 1).

%%% How it grows

%% For each length of the mailbox: the words of a message as it was sent, and those that an asker
%% gains by `messages' and by `message_queue_len'.
-spec mailbox_series([pos_integer()], on_heap | off_heap) -> [probe_lib:evidence()].
mailbox_series(Counts, Where) ->
    [
        probe_lib:with_process([{message_queue_data, Where}], fun(Subject) ->
            [] = give(messages, Count, Subject),
            #{
                message_count => Count,
                message_words => erts_debug:flat_size({message, Count, ?PAYLOAD}),
                messages_words => gained_words(Subject, messages),
                length_words => gained_words(Subject, message_queue_len)
            }
        end)
     || Count <- Counts
    ].

%% The words that an asker gains by sys:get_state/1 of a server whose state is a list of so many
%% integers.
-spec state_copied(pos_integer()) -> non_neg_integer().
state_copied(Count) ->
    Server = beam_observability_debugging_servers:start(Count),
    try
        gained(fun() -> sys:get_state(Server) end)
    after
        probe_lib:kill_and_wait(Server)
    end.

%%% For a peer whose memory is capped

%% Send a new process of this name messages until the VM has allocated so many bytes: how many wait.
-spec filled(atom(), pos_integer()) -> pos_integer().
filled(Name, Bytes) ->
    Subject = spawn(fun() -> deep(0) end),
    true = register(Name, Subject),
    Count = send(Subject, 0, Bytes),
    probe_lib:await(
        fun() -> process_info(Subject, message_queue_len) =:= {message_queue_len, Count} end,
        ?DEADLINE_MS
    ),
    Count.

%% A thousand at a time; nothing of them stays with the sender.
send(Subject, Count, Bytes) ->
    case erlang:memory(total) < Bytes of
        true ->
            lists:foreach(
                fun(I) -> Subject ! {message, I, lists:seq(1, 20)} end, lists:seq(1, 1_000)
            ),
            send(Subject, Count + 1_000, Bytes);
        false ->
            Count
    end.

%% How many messages wait for the process of that name, by its length or by all of them.
-spec asked(atom(), messages | message_queue_len) -> non_neg_integer().
asked(Name, messages) ->
    {messages, Messages} = process_info(whereis(Name), messages),
    length(Messages);
asked(Name, message_queue_len) ->
    {message_queue_len, Count} = process_info(whereis(Name), message_queue_len),
    Count.
