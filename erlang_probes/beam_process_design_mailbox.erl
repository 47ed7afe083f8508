%% Mailboxes for the probes of beam-process-design: processes that leave, take or forget their
%% messages, mailboxes that are filled and drained. Measures; knows nothing of any claim.
-module(beam_process_design_mailbox).

-export([
    waiting/1,
    receiver/2,
    fewest_waiting/1,
    in_filled/2,
    deaf/0,
    reentering/0,
    busy/0,
    discard/0,
    handle_all/1,
    send_numbers/2,
    send_each/2,
    turn_ends_after/1,
    ran_before_end/2,
    shown_reductions/1,
    drain_cost/2
]).

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

%% A process' body that never matches a message.
-spec deaf() -> no_return().
deaf() ->
    receive
        {deaf, never} -> deaf()
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

%% A worker that handles its first job, stands still until `go', and then takes jobs in turn until
%% it reads `stop'.
-spec handle_all(counters:counters_ref()) -> no_return().
handle_all(Handled) ->
    receive
        {job, 1} -> counters:add(Handled, 1, 1)
    end,
    receive
        go -> handle_rest(Handled)
    end.

%% How many calls of an empty function one process makes, on a VM with one scheduler, before another
%% that it has sent a message gets its turn; and how many such messages, each to another process.
-spec turn_ends_after(calls | sends) -> pos_integer().
turn_ends_after(What) ->
    {_, Least} = probe_measure:bisect(1, 5_000, fun(N) -> ran_before_end(What, N) > 0 end),
    Least.

handle_rest(Handled) ->
    receive
        {job, _} ->
            counters:add(Handled, 1, 1),
            handle_rest(Handled);
        stop ->
            exit(told_to)
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

%% How many of those that were sent a message have handled it when the sender has made N calls, or
%% sent to N processes.
-spec ran_before_end(calls | sends, pos_integer()) -> non_neg_integer().
ran_before_end(What, N) ->
    Ran = counters:new(1, []),
    Recipients =
        case What of
            calls -> 1;
            sends -> N
        end,
    Pids = [spawn(fun() -> tally(Ran) end) || _ <- lists:seq(1, Recipients)],
    try
        probe_lib:in_process(fun() ->
            send_each(Pids, event),
            _ = What =:= calls andalso count_down(N),
            counters:get(Ran, 1)
        end)
    after
        probe_lib:kill_all(Pids)
    end.

count_down(0) -> ok;
count_down(N) -> count_down(N - 1).

tally(Ran) ->
    receive
        event -> counters:add(Ran, 1, 1)
    end,
    tally(Ran).

%% The reductions that taking items out of the mailbox costs: numbered items in the order of a list,
%% or whatever comes, once for each element of it.
-spec drain_cost(selectively | as_they_come, [pos_integer()]) -> integer().
drain_cost(How, Order) ->
    Before = probe_measure:own_reductions(),
    drain(How, Order),
    probe_measure:own_reductions() - Before.

drain(_, []) ->
    ok;
drain(selectively, [I | Rest]) ->
    receive
        {item, I} -> drain(selectively, Rest)
    end;
drain(as_they_come, [_ | Rest]) ->
    receive
        _ -> drain(as_they_come, Rest)
    end.

%% A process' body that never matches a message either, but leaves its receive and enters it again
%% each time that it reads `again'.
-spec reentering() -> no_return().
reentering() ->
    receive
        again -> reentering()
    end.

%% A process with this body and setting of message_queue_data.
-spec receiver(on_heap | off_heap, fun(() -> term())) -> pid().
receiver(Where, Body) ->
    Pid = spawn_opt(Body, [{message_queue_data, Where}]),
    {message_queue_data, Set} = process_info(Pid, message_queue_data),
    Set =:= Where orelse error({setup, {message_queue_data, Set}}),
    Pid.

%% How many messages wait with that of these processes that has the fewest; 0 with one that has ended.
-spec fewest_waiting([pid(), ...]) -> non_neg_integer().
fewest_waiting(Pids) ->
    lists:min([
        case process_info(Pid, message_queue_len) of
            {message_queue_len, Length} -> Length;
            undefined -> 0
        end
     || Pid <- Pids
    ]).

%% The reductions that process_info shows its caller for sending to so many processes.
-spec shown_reductions(pos_integer()) -> non_neg_integer().
shown_reductions(N) ->
    Pids = [spawn(fun deaf/0) || _ <- lists:seq(1, N)],
    try
        probe_measure:reductions_for(fun() -> send_each(Pids, event) end)
    after
        probe_lib:kill_all(Pids)
    end.
