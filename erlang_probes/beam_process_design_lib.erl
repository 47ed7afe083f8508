%% What the probes of beam_process_design share: receives whose compilation is under test, a small
%% server, filled mailboxes, captured log events, heaps read in words. Measures; never judges.
-module(beam_process_design_lib).
-behaviour(gen_server).

-export([
    skipped/2,
    forms/1,
    take/2,
    second_cost/1,
    drain_cost/1,
    receive_source/0,
    compiler_notes/2,
    calls/1,
    handle_all/1,
    busy/0,
    discard/0,
    send_numbers/2,
    send_each/2,
    ran_before_end/1,
    kill_all/1,
    constant/0,
    kept_words/1,
    keep/1,
    grow_and_catch/1,
    summary/2,
    kinds/0,
    fate/2,
    bisect/3,
    deep_with_limit/2,
    from_proc_lib/1,
    set_label/0,
    when_told/1,
    ended_pid/1,
    told_to_crash/1,
    mentions/2,
    reported_keys/1,
    looked_up/2,
    change_all_flags/1,
    own_flags/0,
    outcome/2,
    share/2,
    weight/1,
    spawn_figures/2,
    spawn_to_limit/1,
    tie_figures/1,
    entity/1,
    update_processes/1,
    update_map/2,
    slow/1,
    answers_ms/1,
    waiting/1,
    reductions/0,
    in_filled/2,
    used_words/1,
    with_log/1,
    ended/2,
    deaf/0,
    ints/1,
    shared/1
]).
-export([start_server/0, stop_server/1, init/1, handle_call/3, handle_cast/2]).

-define(WAIT_MS, 5_000).
%% How long an event of the VM may come after that of a later crash.
-define(GRACE_MS, 60).
-define(SHARE_MS, 150).

%% How many messages the receive of Form looks at and skips, with Waiting unrelated ones in front:
%% a receive costs one reduction for each message that it skips, so reductions count the attempts.
-spec skipped(atom(), non_neg_integer()) -> integer().
skipped(Form, Waiting) ->
    in_filled(Waiting, fun() -> form(Form, Waiting) end) - in_filled(0, fun() -> form(Form, 0) end).

-spec forms(created | handed_over | other_values) -> [atom()].
forms(created) -> [make_ref, monitor, monitor_alias, alias, spawn_monitor, spawn_request];
forms(handed_over) -> [argument, returned, other_module, in_record, in_map, in_dictionary];
forms(other_values) -> [spawn_opt_monitor, start_timer, unique_integer, any_message].

%% Each clause makes a value, has a message that carries it arrive, and counts what its receive
%% costs. Creation and receive must stand where they stand: their places are what is tested.
form(any_message, N) ->
    self() ! wanted,
    Before = arrived(N),
    receive
        wanted -> spent(Before)
    end;
form(make_ref, N) ->
    Ref = make_ref(),
    self() ! {Ref, reply},
    Before = arrived(N),
    receive
        {Ref, reply} -> spent(Before)
    end;
form(monitor, N) ->
    Ref = erlang:monitor(process, ended_already()),
    Before = arrived(N),
    receive
        {'DOWN', Ref, process, _, _} -> spent(Before)
    end;
form(monitor_alias, N) ->
    Ref = erlang:monitor(process, whereis(init), [{alias, explicit_unalias}]),
    Ref ! {Ref, reply},
    Before = arrived(N),
    receive
        {Ref, reply} -> spent(Before)
    end;
form(alias, N) ->
    Ref = erlang:alias(),
    Ref ! {Ref, reply},
    Before = arrived(N),
    receive
        {Ref, reply} -> spent(Before)
    end;
form(spawn_monitor, N) ->
    {_, Ref} = spawn_monitor(fun() -> ok end),
    Before = arrived(N),
    receive
        {'DOWN', Ref, process, _, _} -> spent(Before)
    end;
form(spawn_request, N) ->
    Ref = erlang:spawn_request(fun() -> ok end),
    Before = arrived(N),
    receive
        {spawn_reply, Ref, _, _} -> spent(Before)
    end;
form(spawn_opt_monitor, N) ->
    {_, Ref} = spawn_opt(fun() -> ok end, [monitor]),
    Before = arrived(N),
    receive
        {'DOWN', Ref, process, _, _} -> spent(Before)
    end;
form(start_timer, N) ->
    Ref = erlang:start_timer(0, self(), reply),
    Before = arrived(N),
    receive
        {timeout, Ref, reply} -> spent(Before)
    end;
form(unique_integer, N) ->
    Unique = erlang:unique_integer(),
    self() ! {Unique, reply},
    Before = arrived(N),
    receive
        {Unique, reply} -> spent(Before)
    end;
form(argument, N) ->
    Ref = make_ref(),
    self() ! {Ref, reply},
    take_argument(arrived(N), Ref);
form(returned, N) ->
    Ref = new_reference(),
    self() ! {Ref, reply},
    Before = arrived(N),
    receive
        {Ref, reply} -> spent(Before)
    end;
form(other_module, N) ->
    Ref = make_ref(),
    self() ! {Ref, reply},
    ?MODULE:take(arrived(N), Ref);
form(in_record, N) ->
    Ref = make_ref(),
    self() ! {Ref, reply},
    take_record(arrived(N), {request, Ref, waiting});
form(in_map, N) ->
    Ref = make_ref(),
    self() ! {Ref, reply},
    take_map(arrived(N), #{ref => Ref});
form(in_dictionary, N) ->
    put(ref, make_ref()),
    self() ! {get(ref), reply},
    Before = arrived(N),
    Ref = get(ref),
    receive
        {Ref, reply} -> spent(Before)
    end.

new_reference() ->
    Ref = make_ref(),
    put(made, Ref),
    Ref.

take_argument(Before, Ref) ->
    receive
        {Ref, reply} -> spent(Before)
    end.

take_record(Before, {request, Ref, waiting}) ->
    receive
        {Ref, reply} -> spent(Before)
    end.

take_map(Before, #{ref := Ref}) ->
    receive
        {Ref, reply} -> spent(Before)
    end.

%% The same receive behind a remote call, where the compiler cannot see who made the reference.
-spec take(integer(), reference()) -> integer().
take(Before, Ref) ->
    receive
        {Ref, reply} -> spent(Before)
    end.

%% Wait until a message stands behind the N, and read the reductions last.
arrived(N) ->
    arrived(N, erlang:monotonic_time(millisecond) + ?WAIT_MS).

arrived(N, Deadline) ->
    case waiting(self()) > N of
        true ->
            reductions();
        false ->
            erlang:monotonic_time(millisecond) < Deadline orelse error({setup, nothing_arrived}),
            erlang:yield(),
            arrived(N, Deadline)
    end.

spent(Before) ->
    reductions() - Before.

-spec reductions() -> non_neg_integer().
reductions() ->
    {reductions, Reductions} = process_info(self(), reductions),
    Reductions.

-spec waiting(pid()) -> non_neg_integer().
waiting(Pid) ->
    {message_queue_len, Length} = process_info(Pid, message_queue_len),
    Length.

%% Put N messages that nobody wants into the caller's own mailbox, and see that they are there.
fill(N) ->
    _ = [self() ! {unwanted, I} || I <- lists:seq(1, N)],
    N = waiting(self()),
    ok.

%% Fun's value in a fresh process that has N unwanted messages waiting.
-spec in_filled(non_neg_integer(), fun(() -> Value)) -> Value.
in_filled(N, Fun) ->
    probe_lib:in_process(fun() ->
        fill(N),
        Fun()
    end).

%% A module for the compiler, one receive a function; `{N, Text}' by function name.
-spec receive_source() -> [{atom(), string()}].
receive_source() ->
    [
        {made_here,
            "made_here(P) -> R = make_ref(), P ! {self(), R}, receive {R, V} -> V end.\n"},
        {monitored_here,
            "monitored_here(P) -> R = monitor(process, P), P ! go,"
            " receive {'DOWN', R, _, _, V} -> V; {R, V} -> V end.\n"},
        {handed_over, "handed_over(P) -> R = make_ref(), P ! {self(), R}, await(R).\n"},
        {await, "await(R) -> receive {R, V} -> V end.\n"},
        {unknown, "unknown(R) -> receive {R, V} -> V end.\n"},
        {no_reference, "no_reference() -> receive {reply, V} -> V end.\n"},
        {half, "half(P) -> R = make_ref(), P ! R, receive {R, V} -> V; stop -> stop end.\n"}
    ].

%% What the compiler says of the module with these functions: the function, the kind of note and
%% its text. Each function stands on its own line, the first on the third.
-spec compiler_notes([{atom(), string()}], [term()]) -> [{atom(), atom(), binary()}].
compiler_notes(Sources, Options) ->
    Names = [Name || {Name, _} <- Sources],
    Text = ["-module(receives).\n-compile(export_all).\n" | [Line || {_, Line} <- Sources]],
    {ok, Tokens, _} = erl_scan:string(lists:flatten(Text)),
    Compiled = compile:forms(parsed(Tokens), [binary, return, nowarn_export_all | Options]),
    {ok, receives, _, Warnings} = Compiled,
    [
        noted(lists:nth(line(At) - 2, Names), text("~ts", [Module:format_error(Note)]))
     || {_, Notes} <- Warnings, {At, Module, Note} <- Notes
    ].

parsed(Tokens) ->
    case lists:splitwith(fun(Token) -> element(1, Token) =/= dot end, Tokens) of
        {[], []} ->
            [];
        {Form, [Dot | Rest]} ->
            {ok, Parsed} = erl_parse:parse_form(Form ++ [Dot]),
            [Parsed | parsed(Rest)]
    end.

line({Line, _}) -> Line;
line(Line) -> Line.

noted(Name, <<"OPTIMIZED", _/binary>> = Text) -> {Name, optimized, Text};
noted(Name, <<"INFO", _/binary>> = Text) -> {Name, passed_on, Text};
noted(Name, <<"NOT OPTIMIZED", _/binary>> = Text) -> {Name, not_optimized, Text};
noted(Name, Text) -> {Name, other, Text}.

%% OTP's functions that send a request and receive an answer, to be called from a long mailbox.
-spec calls(pid()) -> [{atom(), fun(() -> term())}].
calls(Server) ->
    [
        {gen_server_call, fun() -> gen_server:call(Server, hello) end},
        {gen_server_request, fun() ->
            gen_server:receive_response(gen_server:send_request(Server, hello), ?WAIT_MS)
        end},
        {gen_server_start_link, fun() ->
            {ok, Pid} = gen_server:start_link(?MODULE, [], []),
            true = unlink(Pid),
            exit(Pid, kill)
        end},
        {gen_server_stop, fun() -> gen_server:stop(start_server()) end},
        {sys_get_state, fun() -> sys:get_state(Server) end},
        {erpc_call, fun() -> erpc:call(node(), erlang, node, []) end},
        {file_get_cwd, fun() -> file:get_cwd() end},
        {receive_after_0, fun() ->
            receive
                {?MODULE, never} -> true
            after 0 -> false
            end
        end},
        {timer_sleep, fun() -> timer:sleep(1) end}
    ].

%% The reductions that the caller uses when it calls Fun for the second time.
-spec second_cost(fun(() -> term())) -> non_neg_integer().
second_cost(Fun) ->
    _ = Fun(),
    Before = reductions(),
    _ = Fun(),
    reductions() - Before.

%% The reductions that taking these items out in this order costs.
-spec drain_cost([pos_integer()]) -> non_neg_integer().
drain_cost(Order) ->
    Before = reductions(),
    drain(Order),
    reductions() - Before.

drain([]) ->
    ok;
drain([I | Rest]) ->
    receive
        {item, I} -> drain(Rest)
    end.

%% A worker that stands still after its first job until `go', then handles all in turn.
-spec handle_all(counters:counters_ref()) -> no_return().
handle_all(Handled) ->
    receive
        {job, 1} -> counters:add(Handled, 1, 1)
    end,
    receive
        go -> handle_rest(Handled)
    end.

handle_rest(Handled) ->
    receive
        {job, _} ->
            counters:add(Handled, 1, 1),
            handle_rest(Handled);
        stop ->
            exit(told_to)
    end.

%% A process' body that computes and never receives.
-spec busy() -> no_return().
busy() ->
    busy().

%% A process' body that takes every message and forgets it.
-spec discard() -> no_return().
discard() ->
    receive
        _ -> discard()
    end.

-spec send_numbers(pid(), non_neg_integer()) -> ok.
send_numbers(_, 0) ->
    ok;
send_numbers(Pid, N) ->
    Pid ! N,
    send_numbers(Pid, N - 1).

-spec send_each([pid()], term()) -> ok.
send_each([], _) ->
    ok;
send_each([Pid | Pids], Message) ->
    Pid ! Message,
    send_each(Pids, Message).

%% How many of N processes have handled the message that all were sent, when the sender is done.
-spec ran_before_end(pos_integer()) -> non_neg_integer().
ran_before_end(N) ->
    Ran = counters:new(1, []),
    Pids = [spawn(fun() -> tally(Ran) end) || _ <- lists:seq(1, N)],
    try
        probe_lib:in_process(fun() ->
            send_each(Pids, event),
            counters:get(Ran, 1)
        end)
    after
        kill_all(Pids)
    end.

tally(Ran) ->
    receive
        event -> counters:add(Ran, 1, 1)
    end,
    tally(Ran).

%% Kill all first and wait then, which is quicker than one by one.
-spec kill_all([pid()]) -> ok.
kill_all(Pids) ->
    Refs = [erlang:monitor(process, Pid) || Pid <- Pids],
    _ = [exit(Pid, kill) || Pid <- Pids],
    _ = [ended(Ref, ?WAIT_MS) || Ref <- Refs],
    ok.

%% A term that the compiler puts among the module's literals: 100 words.
-spec constant() -> [atom()].
constant() ->
    [
        a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y,
        a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y
    ].

%% The words that Term takes on the heap of a process that it was sent to.
-spec kept_words(term()) -> integer().
kept_words(Term) ->
    Pid = spawn(?MODULE, keep, [nothing]),
    try
        Before = used_words(Pid),
        Pid ! {keep, Term},
        #{settled := true} = probe_lib:settle(
            fun() -> waiting(Pid) =:= 0 andalso {done, taken} end, ?WAIT_MS
        ),
        used_words(Pid) - Before
    after
        probe_lib:kill_and_wait(Pid)
    end.

-spec keep(term()) -> no_return().
keep(Kept) ->
    receive
        {keep, Term} -> keep(Term);
        {?MODULE, what} -> exit(Kept)
    end.

%% Build a list of N elements within a catch for everything; ends by what came of it.
-spec grow_and_catch(pos_integer()) -> no_return().
grow_and_catch(N) ->
    Outcome =
        try length(ints(N)) of
            N -> completed
        catch
            _:_ -> caught
        end,
    exit(Outcome).

%% Of the log events about one process: how many, and level and text of the first.
-spec summary(pid(), [logger:log_event()]) -> map().
summary(Pid, Events) ->
    Own = [Event || #{meta := #{pid := P}} = Event <- Events, P =:= Pid],
    First =
        case Own of
            [#{level := Level, msg := {Format, Args}} | _] when is_list(Format) ->
                #{level => Level, text => text(Format, Args)};
            _ ->
                #{}
        end,
    First#{logged_count => length(Own)}.

%% The kinds of memory that fate/2 knows.
-spec kinds() -> [atom()].
kinds() ->
    [
        nothing,
        heap,
        old_heap,
        garbage,
        stack,
        dictionary,
        messages_on_heap,
        messages_off_heap,
        binaries,
        ets_table
    ].

%% How a process with much memory of a kind fares when it is given a limit and then collected:
%% `alive', or its exit reason.
-spec fate(atom(), pos_integer() | map()) -> term().
fate(Kind, Size) when is_integer(Size) ->
    fate(Kind, #{size => Size, kill => true, error_logger => false});
fate(Kind, Limit) ->
    Options = [{message_queue_data, off_heap} || Kind =:= messages_off_heap],
    Pid = probe_lib:subject(Options),
    Ref = erlang:monitor(process, Pid),
    try
        load(Kind, Pid, Limit),
        _ =
            case Kind of
                old_heap -> minor(Pid);
                _ -> erlang:garbage_collect(Pid)
            end,
        ended(Ref, 100)
    after
        kill_all([Pid])
    end.

%% Let the process have what the kind says and its limit, so that the collection to come is the
%% first that judges. Messages and stack come to a process that has its limit or sets it there.
load(stack, Pid, Limit) ->
    Pid ! {ask, self(), make_ref(), fun(_) -> deep(200_000, Limit) end},
    #{settled := true} = probe_lib:settle(
        fun() ->
            case process_info(Pid, [status, garbage_collection]) of
                [{status, waiting}, {garbage_collection, Info}] ->
                    #{size := Size} = proplists:get_value(max_heap_size, Info),
                    Size > 0 andalso {done, Size};
                Other ->
                    Other
            end
        end,
        ?WAIT_MS
    ),
    ok;
load(Kind, Pid, Limit) ->
    probe_lib:ask(Pid, fun(_) -> {ok, hold(Kind)} end),
    _ = Kind =:= old_heap andalso [minor(Pid) || _ <- [1, 2]],
    _ = Kind =:= ets_table andalso erlang:garbage_collect(Pid),
    _ = probe_lib:ask(Pid, fun(State) -> {process_flag(max_heap_size, Limit), State} end),
    _ = [
        Pid ! {I, I, I, I, I, I, I, I, I, I, I}
     || Kind =:= messages_on_heap orelse Kind =:= messages_off_heap,
        I <- lists:seq(1, 20_000)
    ],
    ok.

minor(Pid) ->
    erlang:garbage_collect(Pid, [{type, minor}]).

hold(Kind) when Kind =:= heap; Kind =:= old_heap -> ints(100_000);
hold(binaries) -> [binary:copy(binary:copy(<<I>>, 1_000), 1_000) || I <- lists:seq(1, 10)];
hold(dictionary) -> put(held, ints(100_000));
hold(ets_table) -> ets:insert(ets:new(?MODULE, []), {held, ints(100_000)});
hold(garbage) -> length(ints(100_000));
hold(_) -> nothing.

%% A stack of N words, at whose end the process takes its limit and waits. It must be able to
%% return, or the compiler keeps no stack for it.
deep(0, Limit) ->
    _ = process_flag(max_heap_size, Limit),
    receive
        {?MODULE, never} -> 0
    end;
deep(N, Limit) ->
    1 + deep(N - 1, Limit).

%% The smallest number in (Low, High] for which Holds is true, given that it holds for High and
%% every number above the smallest.
-spec bisect(fun((integer()) -> boolean()), integer(), integer()) -> integer().
bisect(_, Low, High) when High - Low =< 1 ->
    High;
bisect(Holds, Low, High) ->
    Middle = (Low + High) div 2,
    case Holds(Middle) of
        true -> bisect(Holds, Low, Middle);
        false -> bisect(Holds, Middle, High)
    end.

%% The exit reason of a process whose stack passes its limit.
-spec deep_with_limit(pos_integer(), pos_integer()) -> term().
deep_with_limit(Depth, Words) ->
    Limit = #{size => Words, kill => true, error_logger => false},
    {_, Ref} = spawn_opt(fun() -> deep(Depth, 0) end, [monitor, {max_heap_size, Limit}]),
    ended(Ref, ?WAIT_MS).

%% The value of Fun in a process that proc_lib spawned.
-spec from_proc_lib(fun(() -> Value)) -> Value.
from_proc_lib(Fun) ->
    Self = self(),
    Tag = make_ref(),
    _ = proc_lib:spawn(fun() -> Self ! {Tag, Fun()} end),
    receive
        {Tag, Value} -> Value
    after ?WAIT_MS -> error({setup, no_value})
    end.

%% Label the calling process, where the release can.
-spec set_label() -> ok.
set_label() ->
    Function = set_label,
    case erlang:function_exported(proc_lib, Function, 1) of
        true -> proc_lib:Function(worker);
        false -> ok
    end.

%% A process' body that runs Fun when ended_pid/1 tells it.
-spec when_told(fun(() -> term())) -> fun(() -> term()).
when_told(Fun) ->
    fun() ->
        receive
            {?MODULE, now} -> Fun()
        end
    end.

%% Tell a process to go on, and return its pid once it has ended.
-spec ended_pid(pid()) -> pid().
ended_pid(Pid) ->
    Ref = erlang:monitor(process, Pid),
    Pid ! {?MODULE, now},
    _ = ended(Ref, ?WAIT_MS),
    Pid.

-spec told_to_crash(pid()) -> pid().
told_to_crash(Server) ->
    gen_server:cast(Server, crash),
    Server.

%% Whether any of the events has these words in it.
-spec mentions([logger:log_event()], binary()) -> boolean().
mentions(Events, Words) ->
    binary:match(text("~0tp", [Events]), Words) =/= nomatch.

text(Format, Args) ->
    unicode:characters_to_binary(io_lib:format(Format, Args)).

%% The keys of the dictionary that the crash report among the events shows, sorted.
-spec reported_keys([logger:log_event()]) -> [term()].
reported_keys(Events) ->
    [Keys] = [
        lists:sort([Key || {Key, _} <- proplists:get_value(dictionary, Report)])
     || #{msg := {report, #{label := {proc_lib, crash}, report := [Report | _]}}} <- Events
    ],
    Keys.

%% What N lookups of Term in a table of one's own return, and the table's end.
-spec looked_up(term(), pos_integer()) -> [term()].
looked_up(Term, N) ->
    Table = ets:new(?MODULE, []),
    true = ets:insert(Table, {entry, Term}),
    Found = [ets:lookup(Table, entry) || _ <- lists:seq(1, N)],
    true = ets:delete(Table),
    Found.

-spec change_all_flags(pid()) -> ok.
change_all_flags(Leader) ->
    _ = process_flag(trap_exit, true),
    _ = process_flag(priority, high),
    _ = process_flag(message_queue_data, off_heap),
    _ = process_flag(min_heap_size, 10_000),
    _ = process_flag(min_bin_vheap_size, 100_000),
    _ = process_flag(max_heap_size, 10_000_000),
    _ = process_flag(fullsweep_after, 7),
    _ = process_flag(save_calls, 10),
    _ = put(entry, here),
    true = group_leader(Leader, self()),
    ok.

-spec own_flags() -> map().
own_flags() ->
    Items = [trap_exit, priority, message_queue_data, garbage_collection, dictionary, group_leader],
    Info = maps:from_list(process_info(self(), Items)),
    {garbage_collection, Collection} = lists:keyfind(garbage_collection, 1, maps:to_list(Info)),
    #{size := MaxHeap} = proplists:get_value(max_heap_size, Collection),
    #{
        trap_exit => maps:get(trap_exit, Info),
        priority => maps:get(priority, Info),
        message_queue_data => maps:get(message_queue_data, Info),
        group_leader => maps:get(group_leader, Info),
        dictionary_count => length(maps:get(dictionary, Info)),
        min_heap_words => proplists:get_value(min_heap_size, Collection),
        min_bin_vheap_words => proplists:get_value(min_bin_vheap_size, Collection),
        fullsweep_after_count => proplists:get_value(fullsweep_after, Collection),
        max_heap_words => MaxHeap,
        save_calls_count => process_flag(save_calls, 0)
    }.

%% What an exit signal with this reason does to a process that traps exits or does not.
-spec outcome(boolean(), term()) -> term().
outcome(Trap, Reason) ->
    Self = self(),
    {Pid, Ref} = spawn_monitor(fun() ->
        process_flag(trap_exit, Trap),
        Self ! {self(), ready},
        receive
            {'EXIT', Self, _} -> exit(message);
            {?MODULE, now} -> exit(ignored)
        end
    end),
    receive
        {Pid, ready} -> ok
    end,
    exit(Pid, Reason),
    Pid ! {?MODULE, now},
    ended(Ref, ?WAIT_MS).

%% How often a process of priority Own counts for each count of one of priority Other, both without
%% a pause, over 150 ms. The other takes the readings, so that they stand at its own beginning and
%% end.
-spec share(atom(), atom()) -> float().
share(Own, Other) ->
    Counts = counters:new(2, []),
    Counter = spawn_opt(fun() -> count(Counts) end, [{priority, Own}]),
    try
        #{settled := true} = probe_lib:settle(
            fun() -> counters:get(Counts, 1) > 0 andalso {done, counting} end, ?WAIT_MS
        ),
        probe_lib:in_process(
            fun() ->
                Before = counters:get(Counts, 1),
                count_until(Counts, erlang:monotonic_time(millisecond) + ?SHARE_MS),
                (counters:get(Counts, 1) - Before) / counters:get(Counts, 2)
            end,
            [{priority, Other}]
        )
    after
        probe_lib:kill_and_wait(Counter)
    end.

count(Counts) ->
    counters:add(Counts, 1, 1),
    count(Counts).

count_until(Counts, EndMs) ->
    _ = [counters:add(Counts, 2, 1) || _ <- "look at the clock once for each fifty counts ....."],
    case erlang:monotonic_time(millisecond) < EndMs of
        true -> count_until(Counts, EndMs);
        false -> ok
    end.

-spec weight(pid()) -> map().
weight(Pid) ->
    Items = [total_heap_size, heap_size, memory],
    [{_, Total}, {_, Heap}, {_, Bytes}] = process_info(Pid, Items),
    #{
        total_heap_words => Total,
        heap_words => Heap,
        memory_words => Bytes / erlang:system_info(wordsize)
    }.

%% What it takes to spawn Batch processes while Others live: the best of 15 rounds.
-spec spawn_figures(non_neg_integer(), pos_integer()) -> map().
spawn_figures(Others, Batch) ->
    Pids = [spawn(fun deaf/0) || _ <- lists:seq(1, Others)],
    try
        Rounds = [spawn_round(Pids, Batch) || _ <- lists:seq(1, 15)],
        {_, Alive} = hd(Rounds),
        #{
            others_count => Others,
            spawn_us => lists:min([Us || {Us, _} <- Rounds]) / Batch,
            alive_count => Alive
        }
    after
        kill_all(Pids)
    end.

spawn_round(Others, Batch) ->
    Us = probe_lib:elapsed_us(fun() ->
        self() ! {spawned, [spawn(fun deaf/0) || _ <- lists:seq(1, Batch)]}
    end),
    receive
        {spawned, Pids} ->
            Alive = length([Pid || Pid <- Others ++ Pids, is_process_alive(Pid)]),
            kill_all(Pids),
            {Us, Alive}
    end.

%% Spawn until it fails: what was raised, and the processes.
-spec spawn_to_limit([pid()]) -> {map(), [pid()]}.
spawn_to_limit(Pids) ->
    case probe_lib:error_class(fun() -> spawn(fun deaf/0) end) of
        #{class := returned, reason := Pid} -> spawn_to_limit([Pid | Pids]);
        Raised -> {Raised, Pids}
    end.

-spec tie_figures(pos_integer()) -> map().
tie_figures(N) ->
    Pids = [spawn(fun deaf/0) || _ <- lists:seq(1, N)],
    try
        Links = tie(Pids, fun erlang:link/1, fun erlang:unlink/1),
        Monitors = tie(Pids, fun monitor_process/1, fun(_) -> true end),
        #{ties_count => N, links_words => Links, monitors_words => Monitors}
    after
        kill_all(Pids)
    end.

monitor_process(Pid) -> erlang:monitor(process, Pid).

%% The words that the ties take beside the heap of the process that has them.
tie(Pids, Tie, Untie) ->
    probe_lib:with_process([], fun(Subject) ->
        Before = beside_heap_words(Subject),
        probe_lib:ask(Subject, fun(_) -> {ok, lists:foreach(Tie, Pids)} end),
        After = beside_heap_words(Subject),
        probe_lib:ask(Subject, fun(_) -> {ok, lists:foreach(Untie, Pids)} end),
        After - Before
    end).

beside_heap_words(Pid) ->
    [{_, Bytes}, {_, Heap}] = process_info(Pid, [memory, total_heap_size]),
    Bytes div erlang:system_info(wordsize) - Heap.

%% A process that keeps the state of one entity, or of all, and crashes when ended_pid/1 tells it.
-spec entity(term()) -> no_return().
entity(State) ->
    receive
        {update, From, Ref} ->
            From ! {Ref, ok},
            entity(updated(State));
        {?MODULE, now} ->
            exit(crashed)
    end.

updated({entity, Id, Count}) -> {entity, Id, Count + 1};
updated(State) -> State.

-spec update_processes([pid()]) -> ok.
update_processes([]) ->
    ok;
update_processes([Pid | Pids]) ->
    Ref = erlang:monitor(process, Pid),
    Pid ! {update, self(), Ref},
    receive
        {Ref, ok} -> erlang:demonitor(Ref, [flush]);
        {'DOWN', Ref, process, Pid, Reason} -> error({setup, Reason})
    end,
    update_processes(Pids).

-spec update_map(non_neg_integer(), map()) -> map().
update_map(0, Map) ->
    Map;
update_map(Id, Map) ->
    #{Id := Entity} = Map,
    update_map(Id - 1, Map#{Id := updated(Entity)}).

%% A process that waits WaitMs before each answer, until nothing was asked for a while.
-spec slow(pos_integer()) -> ok.
slow(WaitMs) ->
    receive
        {ask, From, Ref} ->
            timer:sleep(WaitMs),
            From ! Ref,
            slow(WaitMs)
    after 1_000 -> ok
    end.

%% Milliseconds until all that were asked have answered; the processes are gone afterwards.
-spec answers_ms([{pid(), term()}]) -> float().
answers_ms(Asked) ->
    Us = probe_lib:elapsed_us(fun() ->
        Refs = [
            begin
                Ref = make_ref(),
                Pid ! {ask, self(), Ref},
                Ref
            end
         || {Pid, _} <- Asked
        ],
        _ = [
            receive
                Ref -> ok
            after ?WAIT_MS -> error({setup, no_answer})
            end
         || Ref <- Refs
        ],
        ok
    end),
    kill_all(lists:usort([Pid || {Pid, _} <- Asked])),
    Us / 1_000.

%% Words in use on a process' two heaps, its stack apart, after a full collection.
-spec used_words(pid()) -> non_neg_integer().
used_words(Pid) ->
    true = erlang:garbage_collect(Pid),
    {garbage_collection_info, Info} = process_info(Pid, garbage_collection_info),
    Young = proplists:get_value(heap_size, Info),
    Old = proplists:get_value(old_heap_size, Info),
    Fragments = proplists:get_value(mbuf_size, Info),
    Young + Old + Fragments.

%% Fun's value and the log events that were made meanwhile, kept from
%% the handlers. The VM's own events arrive a little later than their cause: a process that crashes
%% last marks the end, and a pause after it takes what was overtaken.
-spec with_log(fun(() -> Value)) -> {Value, [logger:log_event()]}.
with_log(Fun) ->
    Self = self(),
    Tag = make_ref(),
    Filter = fun(Event, _) ->
        Self ! {Tag, Event},
        stop
    end,
    ok = logger:add_primary_filter(?MODULE, {Filter, none}),
    Cached = cached_levels(),
    try
        Value = Fun(),
        {Marker, Ref} = spawn_monitor(fun() -> error(last_event) end),
        {last_event, _} = ended(Ref, ?WAIT_MS),
        Events = events(Tag, Marker, ?WAIT_MS, []),
        {Value, Events}
    after
        logger:remove_primary_filter(?MODULE),
        [persistent_term:erase(Key) || Key <- cached_levels() -- Cached]
    end.

%% Logger keeps the level of every module that logged, which nobody would find after a probe.
cached_levels() ->
    [Key || {{logger_config, Module} = Key, _} <- persistent_term:get(), is_atom(Module)].

events(Tag, Marker, WaitMs, Events) ->
    receive
        {Tag, #{meta := #{pid := Marker}}} -> events(Tag, Marker, ?GRACE_MS, Events);
        {Tag, Event} -> events(Tag, Marker, WaitMs, [Event | Events])
    after WaitMs -> lists:reverse(Events)
    end.

%% The reason with which a monitored process ends, or `alive' when it has not after DeadlineMs.
-spec ended(reference(), non_neg_integer()) -> term().
ended(Ref, DeadlineMs) ->
    receive
        {'DOWN', Ref, process, _, Reason} -> Reason
    after DeadlineMs -> alive
    end.

%% A process' body that never matches a message.
-spec deaf() -> no_return().
deaf() ->
    receive
        {?MODULE, never} -> deaf()
    end.

%% A list of N integers made at run time: 2 * N words.
-spec ints(non_neg_integer()) -> [integer()].
ints(N) ->
    lists:seq(1, N).

%% A term of Depth pairs, each of which holds the one below twice.
-spec shared(non_neg_integer()) -> term().
shared(0) ->
    [];
shared(Depth) ->
    Below = shared(Depth - 1),
    {Below, Below}.

%% The pid of a process that has ended.
ended_already() ->
    {Pid, Ref} = spawn_monitor(fun() -> ok end),
    receive
        {'DOWN', Ref, process, Pid, _} -> Pid
    end.

-spec start_server() -> pid().
start_server() ->
    {ok, Pid} = gen_server:start(?MODULE, [], []),
    Pid.

-spec stop_server(pid()) -> ok.
stop_server(Pid) ->
    gen_server:stop(Pid).

init([]) ->
    {ok, #{}}.

handle_call(dictionary, _From, State) ->
    {reply, get(), State};
handle_call(Request, _From, State) ->
    {reply, Request, State}.

handle_cast(crash, State) ->
    _ = put(secret, marker_in_dictionary),
    error(wanted_crash, [State]).
