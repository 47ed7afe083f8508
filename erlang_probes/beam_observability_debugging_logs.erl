%% How the standard handler of logger bears many events, for a VM of its own. Knows nothing of any
%% claim.
-module(beam_observability_debugging_logs).

-export([defaults/0, burst/2, queue/1, mode/1]).

-define(HANDLER, beam_observability_debugging_handler).
-define(DEADLINE_MS, 10_000).
%% A window that no burst outlasts, and a queue that none fills.
-define(WINDOW_MS, 60_000).
-define(LONG_QUEUE, 1_000_000).
-define(EVENT, "event of the probe").

%% What the default handler is set to.
-spec defaults() -> #{atom() => term()}.
defaults() ->
    {ok, #{config := Config}} = logger:get_handler_config(default),
    #{
        burst_limit_enable => maps:get(burst_limit_enable, Config),
        burst_limit_max_count => maps:get(burst_limit_max_count, Config),
        burst_limit_window_ms => maps:get(burst_limit_window_time, Config),
        sync_mode_count => maps:get(sync_mode_qlen, Config),
        drop_mode_count => maps:get(drop_mode_qlen, Config),
        flush_count => maps:get(flush_qlen, Config)
    }.

%% Have so many events wait at a handler whose queue may be long, with the limit of bursts as it is by
%% default but for its window, or without; then let it go: how many were printed.
-spec burst(boolean(), pos_integer()) -> non_neg_integer().
burst(Limited, Count) ->
    Queues = maps:from_list([
        {Key, ?LONG_QUEUE} || Key <- [sync_mode_qlen, drop_mode_qlen, flush_qlen]
    ]),
    Settings = Queues#{burst_limit_enable => Limited, burst_limit_window_time => ?WINDOW_MS},
    with_handler(Settings, fun(Device) ->
        Device ! go,
        _ = held(Count),
        printed(Device)
    end).

%% Have so many events wait at a handler that is held, then let it go: how many waited, and how many
%% were printed.
-spec queue(pos_integer()) -> probe_lib:evidence().
queue(Count) ->
    with_handler(#{burst_limit_enable => false}, fun(Device) ->
        Device ! go,
        Waiting = held(Count),
        #{waiting_count => Waiting, printed_count => printed(Device)}
    end).

%% Have so many events wait at a handler, let it get to the first of them until its device holds it up,
%% and log one more from a process: whether that goes on at once, whether it goes on when the device
%% does, and how many were printed.
-spec mode(pos_integer()) -> probe_lib:evidence().
mode(Count) ->
    with_handler(#{burst_limit_enable => false}, fun(Device) ->
        Count = held(Count),
        at_rest(),
        Before = waiting(),
        {Logger, Ref} = spawn_monitor(fun() -> log(1) end),
        probe_lib:await(fun() -> gone_or_waiting(Logger) end, ?DEADLINE_MS),
        GoesOn = not is_process_alive(Logger),
        Device ! go,
        #{
            waiting_before_count => Before,
            goes_on => GoesOn,
            goes_on_later => probe_lib:gone(Ref, ?DEADLINE_MS) =:= normal,
            printed_count => printed(Device)
        }
    end).

%% The handler is suspended while so many are logged, so that none is taken before all wait.
held(Count) ->
    true = erlang:suspend_process(handler()),
    log(Count),
    Waiting = waiting(),
    true = erlang:resume_process(handler()),
    Waiting.

gone_or_waiting(Pid) ->
    lists:member(process_info(Pid, status), [undefined, {status, waiting}]).

%% Idle, or held up by whoever writes for it: it has got to an event in either case.
at_rest() ->
    probe_lib:await(
        fun() -> process_info(handler(), status) =:= {status, waiting} end, ?DEADLINE_MS
    ).

waiting() ->
    {message_queue_len, Length} = process_info(handler(), message_queue_len),
    Length.

%% logger_std_h names its process so.
handler() ->
    whereis(list_to_existing_atom("logger_std_h_" ++ atom_to_list(?HANDLER))).

log(Count) ->
    [ok = logger:error(?EVENT) || _ <- lists:seq(1, Count)].

printed(Device) ->
    ok = logger_std_h:filesync(?HANDLER),
    Device ! {lines, self()},
    receive
        {Device, Count} -> Count
    after ?DEADLINE_MS -> error({setup, no_lines})
    end.

%% Nothing else prints: the default handler goes.
with_handler(Settings, Fun) ->
    Device = spawn(fun() -> closed([]) end),
    _ = logger:remove_handler(default),
    Config = Settings#{type => {device, Device}},
    ok = logger:add_handler(?HANDLER, logger_std_h, #{config => Config}),
    try
        Fun(Device)
    after
        Device ! go,
        ok = logger:remove_handler(?HANDLER),
        probe_lib:kill_and_wait(Device)
    end.

%% A device that keeps those waiting who print, until it is told to go on; then it counts lines.
closed(Waiting) ->
    receive
        go -> open(lists:sum([served(Request) || Request <- lists:reverse(Waiting)]));
        {io_request, _, _, _} = Request -> closed([Request | Waiting])
    end.

open(Count) ->
    receive
        go ->
            open(Count);
        {io_request, _, _, _} = Request ->
            open(Count + served(Request));
        {lines, From} ->
            From ! {self(), Count},
            open(Count)
    end.

served({io_request, From, As, Request}) ->
    From ! {io_reply, As, ok},
    lists:sum([events(Chars) || {put_chars, _, Chars} <- [Request]]).

events(Chars) ->
    Lines = binary:split(unicode:characters_to_binary(Chars), <<"\n">>, [global]),
    length([Line || Line <- Lines, string:find(Line, ?EVENT) =/= nomatch]).
