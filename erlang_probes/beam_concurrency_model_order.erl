%% Who comes first: messages, ends of processes and timers, for the concurrency probes.
%% Knows nothing of any claim.
-module(beam_concurrency_model_order).

-export([streams/3, before_down/2, two_senders/1]).
%% For a peer: the timers of a VM cannot be looked at.
-export([timers/1, cancelled/1]).

-define(DEADLINE_MS, 20_000).

%% So many senders send so many numbered messages each to one receiver with this message_queue_data: how
%% many arrived, how many before one that the same sender sent earlier, and how often two neighbours in
%% the queue come from different senders.
-spec streams(pos_integer(), pos_integer(), on_heap | off_heap) -> probe_lib:evidence().
streams(Senders, Each, Where) ->
    probe_lib:in_process(
        fun() ->
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
