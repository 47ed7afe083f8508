%% Mailboxes for the probes of beam-process-design: processes that leave, take or forget their
%% messages, mailboxes that are filled and drained. Measures; knows nothing of any claim.
-module(beam_process_design_mailbox).

-export([
    waiting/1,
    in_filled/2,
    deaf/0,
    busy/0,
    discard/0,
    handle_all/1,
    send_numbers/2,
    send_each/2,
    ran_before_end/1,
    drain_cost/1
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
        probe_lib:kill_all(Pids)
    end.

tally(Ran) ->
    receive
        event -> counters:add(Ran, 1, 1)
    end,
    tally(Ran).

%% The reductions that taking these items out in this order costs.
-spec drain_cost([pos_integer()]) -> non_neg_integer().
drain_cost(Order) ->
    Before = probe_measure:own_reductions(),
    drain(Order),
    probe_measure:own_reductions() - Before.

drain([]) ->
    ok;
drain([I | Rest]) ->
    receive
        {item, I} -> drain(Rest)
    end.
