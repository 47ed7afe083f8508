%% Who comes first: messages, ends of processes and timers, for the concurrency probes.
%% Knows nothing of any claim.
-module(beam_concurrency_model_order).

-export([streams/3, streams/4, before_down/2, two_senders/1]).
%% For a peer: the timers of a VM cannot be looked at.
-export([timers/1, cancelled/1, behind/2]).
%% For nodes of a cluster.
-export([receiver/0, received/1, forwarder/0, send_both_ways/2]).

-define(DEADLINE_MS, 20_000).

%% So many senders send so many numbered messages each to one receiver with this message_queue_data: how
%% many arrived, how many before one that the same sender sent earlier, and how often two neighbours in
%% the queue come from different senders.
-spec streams(pos_integer(), pos_integer(), on_heap | off_heap) -> probe_lib:evidence().
streams(Senders, Each, Where) ->
    streams(Senders, Each, Where, fun() -> ok end).

%% As streams/3; the receiver does something first.
-spec streams(pos_integer(), pos_integer(), on_heap | off_heap, fun(() -> term())) -> probe_lib:evidence().
streams(Senders, Each, Where, First) ->
    probe_lib:in_process(
        fun() ->
            _ = First(),
            Self = self(),
            Gate = [
                spawn_link(fun() ->
                    receive go -> ok end,
                    [Self ! {Sender, N} || N <- lists:seq(1, Each)]
                end)
             || Sender <- lists:seq(1, Senders)
            ],
            [Pid ! go || Pid <- Gate],
            Got = [next() || _ <- lists:seq(1, Senders * Each)],
            #{
                arrived_count => length(Got),
                out_of_order_count => out_of_order(Got, #{}, 0),
                interleaved_count => changes(Got)
            }
        end,
        [{message_queue_data, Where}]
    ).

next() ->
    receive
        {Sender, N} -> {Sender, N}
    after ?DEADLINE_MS -> error({setup, lost})
    end.

out_of_order([], _, Count) ->
    Count;
out_of_order([{Sender, N} | Rest], Last, Count) ->
    Late =
        case Last of
            #{Sender := Before} when Before >= N -> 1;
            _ -> 0
        end,
    out_of_order(Rest, Last#{Sender => N}, Count + Late).

changes([{One, _}, {Other, _} = Next | Rest]) when One =/= Other -> 1 + changes([Next | Rest]);
changes([_ | Rest]) -> changes(Rest);
changes([]) -> 0.

%% So many processes send so many messages each and end at once: how many of their messages came before
%% the 'DOWN' of their sender, and how many after.
-spec before_down(pos_integer(), pos_integer()) -> probe_lib:evidence().
before_down(Senders, Each) ->
    probe_lib:in_process(fun() ->
        Self = self(),
        Send = fun(Sender) -> [Self ! {from, Sender} || _ <- lists:seq(1, Each)] end,
        Refs = [
            {Sender, element(2, spawn_monitor(fun() -> Send(Sender) end))}
         || Sender <- lists:seq(1, Senders)
        ],
        Counts = [down_after(Sender, Ref) || {Sender, Ref} <- Refs],
        timer:sleep(50),
        #{
            downs_count => length(Counts),
            before_count => lists:sum(Counts),
            after_count => left_over(0)
        }
    end).

%% The messages of a sender that stand before its 'DOWN', taken in the order of the queue.
down_after(Sender, Ref) ->
    down_after(Sender, Ref, 0).

down_after(Sender, Ref, Count) ->
    receive
        {from, Sender} -> down_after(Sender, Ref, Count + 1);
        {'DOWN', Ref, process, _, normal} -> Count
    after ?DEADLINE_MS -> error({setup, {no_down, Sender}})
    end.

left_over(Count) ->
    receive
        {from, _} -> left_over(Count + 1)
    after 0 -> Count
    end.

%% So many rounds in which two processes are told, one right after the other, to send to a third, each
%% after a delay by chance: how often whose message came first.
-spec two_senders(pos_integer()) -> probe_lib:evidence().
two_senders(Rounds) ->
    probe_lib:in_process(fun() ->
        _ = rand:seed(exsss, {1, 2, 3}),
        First = [first_of_two() || _ <- lists:seq(1, Rounds)],
        #{
            told_first_count => length([x || told_first <- First]),
            told_second_count => length([x || told_second <- First])
        }
    end).

first_of_two() ->
    Self = self(),
    [One, Two] = [
        spawn_link(fun() ->
            receive go -> ok end,
            idle(Delay),
            Self ! {sent, Name}
        end)
     || {Name, Delay} <- [{told_first, rand:uniform(20_000)}, {told_second, rand:uniform(20_000)}]
    ],
    One ! go,
    Two ! go,
    [{sent, First}, {sent, _}] = [next() || _ <- [1, 2]],
    First.

idle(0) -> ok;
idle(N) -> idle(N - 1).

%% So many timers of 1 to 50 ms: how many fired, how many before their time, and how many more than a
%% second late.
-spec timers(pos_integer()) -> probe_lib:evidence().
timers(Number) ->
    _ = rand:seed(exsss, {1, 2, 3}),
    Self = self(),
    [
        begin
            Ms = rand:uniform(50),
            erlang:send_after(Ms, Self, {fired, now_us(), Ms})
        end
     || _ <- lists:seq(1, Number)
    ],
    Late = [late_us() || _ <- lists:seq(1, Number)],
    #{
        fired_count => length(Late),
        early_count => length([Us || Us <- Late, Us < 0]),
        within_1_ms_count => length([Us || Us <- Late, Us >= 0, Us < 1_000]),
        very_late_count => length([Us || Us <- Late, Us > 1_000_000])
    }.

late_us() ->
    receive
        {fired, Set, Ms} -> now_us() - Set - 1_000 * Ms
    after ?DEADLINE_MS -> error({setup, never_fired})
    end.

%% So many timers of 3 ms, each cancelled after a while by chance, of 0 to 12 ms: how many cancellations
%% returned a time and how many false, and what came of these and of those.
-spec cancelled(pos_integer()) -> probe_lib:evidence().
cancelled(Number) ->
    _ = rand:seed(exsss, {1, 2, 3}),
    Ends = [cancelled_once() || _ <- lists:seq(1, Number)],
    timer:sleep(50),
    #{
        in_time_count => length([x || {time, _} <- Ends]),
        too_late_count => length([x || {false, _} <- Ends]),
        in_time_but_fired_count => length([x || {time, true} <- Ends]),
        too_late_and_fired_count => length([x || {false, true} <- Ends])
    }.

cancelled_once() ->
    Tag = make_ref(),
    Timer = erlang:send_after(3, self(), Tag),
    pass(now_us() + rand:uniform(12_000)),
    Left = erlang:cancel_timer(Timer),
    Fired =
        receive
            Tag -> true
        after 8 -> false
        end,
    {Left =/= false andalso time, Fired}.

%% Let others and the VM's own work go on until a moment.
pass(Until) ->
    case now_us() < Until of
        true ->
            erlang:yield(),
            pass(Until);
        false ->
            ok
    end.

now_us() ->
    erlang:monotonic_time(microsecond).

%% So many busy processes on the only scheduler of a VM; a process of this priority waits 20 ms for a
%% message that does not come: how many turns the busy ones have after its time is up before it runs, at
%% least of five times, and by how much it is late.
-spec behind(pos_integer(), normal | high) -> probe_lib:evidence().
behind(Busy, Priority) ->
    Due = atomics:new(1, []),
    Turns = counters:new(1, []),
    ok = atomics:put(Due, 1, now_us() + 1_000_000_000),
    Pids = [spawn(fun() -> turns_after(Due, Turns) end) || _ <- lists:seq(1, Busy)],
    try
        Waits = probe_lib:in_process(
            fun() -> [waited(Due, Turns) || _ <- lists:seq(1, 5)] end, [{priority, Priority}]
        ),
        {Count, LateUs} = lists:min(Waits),
        #{turns_count => Count, late_us => LateUs}
    after
        probe_lib:kill_all(Pids)
    end.

waited(Due, Turns) ->
    Until = now_us() + 20_000,
    ok = counters:put(Turns, 1, 0),
    ok = atomics:put(Due, 1, Until),
    receive
        {?MODULE, never} -> ok
    after 20 -> ok
    end,
    Count = counters:get(Turns, 1),
    Late = now_us() - Until,
    ok = atomics:put(Due, 1, Until + 1_000_000_000),
    {Count, Late}.

%% Each round is a turn: its calls are nearly one, and the rest of it is given up.
turns_after(Due, Turns) ->
    idle(3_500),
    now_us() >= atomics:get(Due, 1) andalso counters:add(Turns, 1, 1),
    erlang:bump_reductions(4_000),
    turns_after(Due, Turns).

%% A process that keeps what it is sent, in order.
-spec receiver() -> pid().
receiver() ->
    spawn(fun() ->
        receive
            {?MODULE, never} -> ok
        end
    end).

-spec received(pid()) -> [atom()].
received(Pid) ->
    {messages, Messages} = process_info(Pid, messages),
    Messages.

%% A process that sends on what it is told to.
-spec forwarder() -> pid().
forwarder() ->
    spawn(fun forwarding/0).

forwarding() ->
    receive
        {forward, To, Message} ->
            To ! Message,
            forwarding()
    end.

%% One process sends two messages to another and then a third by way of a forwarder.
-spec send_both_ways(pid(), pid()) -> ok.
send_both_ways(To, Forwarder) ->
    probe_lib:in_process(fun() ->
        To ! direct_1,
        To ! direct_2,
        Forwarder ! {forward, To, forwarded},
        ok
    end).
