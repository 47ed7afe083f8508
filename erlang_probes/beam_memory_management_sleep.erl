%% Hibernation for the probes of beam-memory-management: processes with much that might get lost in
%% it, what might wake one, what sleeping and waking cost.
%% Knows how to tell sleep from waking; knows no claim. Not a probe module.
-module(beam_memory_management_sleep).

-export([waiting_in_try/3, ran_after/1, holdings/2, wakes/1, round_trips/2]).

-define(COLLECTIONS, beam_memory_management_collections).
-define(DEADLINE_MS, 5_000).
-define(SILENCE_MS, 100).

%% What is done to a sleeping process, and whether it was done.
-type stimulus() :: fun((pid()) -> boolean()).

%%% What is kept

%% A monitored process that has much that might get lost and then waits inside a `try', in a receive
%% or in hibernation, for `wake', and exits. Returned when it is about to wait.
-spec waiting_in_try(pid(), pid(), received | hibernated) -> {pid(), reference()}.
waiting_in_try(Owner, Partner, How) ->
    {Pid, Monitor} = spawn_monitor(fun() ->
        put(key, value),
        true = register(beam_memory_management_sleeper, self()),
        process_flag(trap_exit, true),
        process_flag(priority, low),
        link(Partner),
        erlang:monitor(process, Partner),
        Owner ! {self(), ready},
        receive
            sleep -> ok
        end,
        try
            wait(How),
            Owner ! {self(), returned}
        catch
            _:_ -> Owner ! {self(), caught}
        after
            Owner ! {self(), cleaned_up}
        end
    end),
    receive
        {Pid, ready} -> {Pid, Monitor}
    after ?DEADLINE_MS -> error({setup, not_ready})
    end.

wait(hibernated) -> erlang:hibernate(erlang, apply, [fun woken/0, []]);
wait(received) -> woken().

woken() ->
    receive
        wake -> exit(woken)
    end.

%% Wake such a process, and return the reason with which it ended and which of its code ran then.
-spec ran_after({pid(), reference()}) -> {Reason :: term(), Ran :: [atom()]}.
ran_after({Pid, Monitor}) ->
    Pid ! wake,
    case probe_lib:gone(Monitor, ?DEADLINE_MS) of
        alive -> error({setup, {lives, Pid}});
        Reason -> {Reason, received(Pid)}
    end.

received(From) ->
    receive
        {From, What} -> [What | received(From)]
    after 0 -> []
    end.

%% What a process has of all that, as plain values; `none' for what is not there.
-spec holdings(pid(), pid()) -> #{atom() => atom() | non_neg_integer()}.
holdings(Pid, Partner) ->
    Info = maps:from_list(
        process_info(Pid, [dictionary, links, monitors, priority, trap_exit, stack_size])
    ),
    #{
        entry => proplists:get_value(key, maps:get(dictionary, Info), none),
        registered => whereis(beam_memory_management_sleeper) =:= Pid,
        linked => lists:member(Partner, maps:get(links, Info)),
        monitoring => lists:member({process, Partner}, maps:get(monitors, Info)),
        priority => maps:get(priority, Info),
        trap_exit => maps:get(trap_exit, Info),
        stack_words => maps:get(stack_size, Info)
    }.

%%% What wakes

%% Which of the stimuli wake a sleeping process, each a fresh one: what the first message was that
%% it found when it woke, `control' being what is sent to all after a silence; whether each stimulus
%% did its own work. `queued' is no stimulus: its process has a message before it falls asleep.
-spec wakes(#{atom() => stimulus() | queued}) -> map().
wakes(Stimuli) ->
    Sleepers = maps:map(fun(_, Stimulus) -> sleeper(Stimulus =:= queued) end, Stimuli),
    try
        Done = maps:map(
            fun
                (_, queued) -> true;
                (Name, Stimulus) -> Stimulus(probe_lib:asleep(maps:get(Name, Sleepers)))
            end,
            Stimuli
        ),
        Start = erlang:monotonic_time(millisecond),
        timer:sleep(?SILENCE_MS),
        Silence = erlang:monotonic_time(millisecond) - Start,
        [Pid ! control || Pid <- maps:values(Sleepers)],
        #{
            done => Done,
            silence_ms => Silence,
            found => maps:map(fun(_, Pid) -> found(Pid) end, Sleepers)
        }
    after
        probe_lib:kill_all(maps:values(Sleepers))
    end.

sleeper(Queued) ->
    Owner = self(),
    spawn(fun() ->
        process_flag(trap_exit, true),
        Queued andalso (self() ! message),
        erlang:hibernate(erlang, apply, [fun() -> Owner ! {self(), first_message()} end, []])
    end).

first_message() ->
    receive
        {'EXIT', _, _} -> exit_signal;
        Message -> Message
    after 0 -> nothing
    end.

found(Pid) ->
    receive
        {Pid, Message} -> Message
    after ?DEADLINE_MS -> error({setup, {not_even_woken_by_control, Pid}})
    end.

%%% What it costs

%% So many requests to a fresh process, each when it waits again: in hibernation, or in a receive.
%% The collections that the trace shows meanwhile.
-spec round_trips(pos_integer(), hibernated | received) -> #{atom() => non_neg_integer()}.
round_trips(Count, How) ->
    Pid = spawn(fun() -> serve(How) end),
    try
        request(Pid, How),
        {ok, #{Pid := Collections}} = ?COLLECTIONS:watched([Pid], fun() ->
            lists:foreach(fun(_) -> request(Pid, How) end, lists:seq(1, Count))
        end),
        #{requests_count => Count, collections_count => length(Collections)}
    after
        probe_lib:kill_and_wait(Pid)
    end.

serve(How) ->
    receive
        {From, Ref} -> From ! Ref
    end,
    case How of
        hibernated -> erlang:hibernate(erlang, apply, [fun() -> serve(How) end, []]);
        received -> serve(How)
    end.

request(Pid, How) ->
    Ref = make_ref(),
    Pid ! {self(), Ref},
    receive
        Ref -> ok
    after ?DEADLINE_MS -> error({setup, {no_reply, Pid}})
    end,
    How =:= received orelse probe_lib:asleep(Pid).
