%% Signals that many send to one at the same time, for the concurrency probes: whether the VM takes them in
%% parallel. For peers: what is made to do so stays so.
%% Provokes and counts; knows nothing of any claim.
-module(beam_concurrency_model_signals).

-export([contended/1, made_parallel/1]).

-define(ORDER, beam_concurrency_model_order).
-define(SENDERS, 8).
-define(BLOCK, 2_000).
-define(POLL_MS, 20).
%% How long is waited for buffers, by whether they are to come.
-define(LONGEST_MS, #{on_heap => 3_000, off_heap => 15_000}).
-define(TYPE, process_signal_queue_buffers).

%% Have eight processes send to one with this message_queue_data until the VM has given it buffers, or for
%% some seconds: whether it has, and how many messages were taken.
-spec contended(on_heap | off_heap) -> probe_lib:evidence().
contended(Where) ->
    _ = buffers(),
    Taken = counters:new(1, []),
    Receiver = spawn_opt(fun() -> take(Taken) end, [{message_queue_data, Where}]),
    Senders = [spawn_link(fun() -> send_blocks(Receiver) end) || _ <- lists:seq(1, ?SENDERS)],
    Found = probe_lib:until(fun buffers/0, maps:get(Where, ?LONGEST_MS)),
    lists:foreach(fun unlink/1, Senders),
    _ = probe_lib:kill_all([Receiver | Senders]),
    #{
        buffers => maps:get(settled, Found),
        waited_ms => maps:get(waited_ms, Found),
        taken_count => counters:get(Taken, 1)
    }.

%% A sender waits after each block until all of it was taken, so that no queue grows.
send_blocks(Receiver) ->
    [Receiver ! one || _ <- lists:seq(1, ?BLOCK - 1)],
    Receiver ! {last, self()},
    receive
        next -> send_blocks(Receiver)
    end.

take(Taken) ->
    receive
        one ->
            take(Taken);
        {last, Sender} ->
            counters:add(Taken, 1, ?BLOCK),
            Sender ! next,
            take(Taken)
    end.

%% Whether an allocator has given a process buffers for signals.
buffers() ->
    {ok, {_, _, Allocations}} = instrument:allocations(),
    lists:any(fun(Types) -> maps:is_key(?TYPE, Types) end, maps:values(Allocations)).

%% Have a process with this message_queue_data made to take signals in parallel: what that answers, and how
%% many of the messages of ten senders came out of order.
-spec made_parallel(on_heap | off_heap) -> probe_lib:evidence().
made_parallel(Where) ->
    _ = erts_debug:set_internal_state(available_internal_state, true),
    Answers = ets:new(answers, [public]),
    Streams = ?ORDER:streams(10, 5_000, Where, fun() -> ets:insert(Answers, {answer, parallel()}) end),
    [{answer, Answer}] = ets:lookup(Answers, answer),
    Streams#{answer => Answer}.

%% A release without such buffers does not know the state.
parallel() ->
    try
        erts_debug:set_internal_state(proc_sig_buffers, true)
    catch
        error:badarg -> badarg
    end.
