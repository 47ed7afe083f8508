%% How the standard handler of logger bears many events, for a VM of its own. Knows nothing of any
%% claim.
-module(beam_observability_debugging_logs).

-export([defaults/0, burst/2, queue/1]).

-define(HANDLER, beam_observability_debugging_handler).
-define(DEADLINE_MS, 10_000).
%% A window that no burst outlasts.
-define(WINDOW_MS, 60_000).
-define(EVENT, "event of the probe").

%% What the default handler is set to.
-spec defaults() -> #{atom() => term()}.
defaults() ->
    {ok, #{config := Config}} = logger:get_handler_config(default),
    #{
        burst_limit_enable => maps:get(burst_limit_enable, Config),
        burst_limit_max_count => maps:get(burst_limit_max_count, Config),
        burst_limit_window_ms => maps:get(burst_limit_window_time, Config)
    }.

%% Log so many events, each when the one before is printed or dropped, with the limit of bursts as it
%% is by default but for its window, or without: how many were printed.
-spec burst(boolean(), pos_integer()) -> non_neg_integer().
burst(Limited, Count) ->
    with_handler(#{burst_limit_enable => Limited, burst_limit_window_time => ?WINDOW_MS}, fun(Device) ->
        Device ! go,
        [paced() || _ <- lists:seq(1, Count)],
        length(lines(Device))
    end).

%% Log so many events while the device lets nobody print, then let it: how many waited at the
%% handler, and what was printed.
-spec queue(pos_integer()) -> probe_lib:evidence().
queue(Count) ->
    with_handler(#{burst_limit_enable => false}, fun(Device) ->
        log(1),
        probe_lib:await(fun() -> waiting() =:= 0 end, ?DEADLINE_MS),
        log(Count),
        Waiting = waiting(),
        Device ! go,
        ok = logger_std_h:filesync(?HANDLER),
        Lines = lines(Device),
        #{logged_count => 1 + Count, waiting_count => Waiting, printed_count => length(Lines)}
    end).

paced() ->
    log(1),
    ok = logger_std_h:filesync(?HANDLER).

waiting() ->
    {message_queue_len, Length} = process_info(whereis(name()), message_queue_len),
    Length.

%% The name that logger_std_h gives its process.
name() ->
    list_to_existing_atom("logger_std_h_" ++ atom_to_list(?HANDLER)).

log(Count) ->
    [ok = logger:error(?EVENT) || _ <- lists:seq(1, Count)].

with_handler(Settings, Fun) ->
    Device = spawn(fun() -> closed([]) end),
    ok = logger:remove_handler(default),
    ok = logger:add_handler(?HANDLER, logger_std_h, #{config => Settings#{type => {device, Device}}}),
    Fun(Device).

%% A device that keeps those waiting who print, until it is told to go on; then it counts lines.
closed(Waiting) ->
    receive
        go -> open([Line || Request <- lists:reverse(Waiting), Line <- served(Request)]);
        {io_request, _, _, _} = Request -> closed([Request | Waiting])
    end.

open(Lines) ->
    receive
        {io_request, _, _, _} = Request -> open(served(Request) ++ Lines);
        {lines, From} -> From ! {self(), Lines}, open(Lines)
    end.

served({io_request, From, As, Request}) ->
    From ! {io_reply, As, ok},
    [Line || {put_chars, _, Chars} <- [Request], Line <- split(Chars)].

split(Chars) ->
    Text = unicode:characters_to_binary(Chars),
    [Line || Line <- binary:split(Text, <<"\n">>, [global]), string:find(Line, ?EVENT) =/= nomatch].

lines(Device) ->
    Device ! {lines, self()},
    receive
        {Device, Lines} -> Lines
    after ?DEADLINE_MS -> error({setup, no_lines})
    end.
