%% Hibernation for the probes of beam-memory-management: subjects that fall asleep, what wakes them.
%% Knows how to tell sleep from waking; knows no claim. Not a probe module.
-module(beam_memory_management_sleep).

-export([
    hibernate/1,
    fall_asleep/1,
    wake/1,
    words/1,
    sleeper_in_try/2,
    received/1,
    wakes/1
]).

-define(BINARIES, beam_memory_management_binaries).
-define(DEADLINE_MS, 3000).

%% Have Pid hibernate, and return the off-heap sizes that it refers to in its sleep. Any ask/2
%% wakes it, with its state.
-spec hibernate(pid()) -> [pos_integer()].
hibernate(Pid) ->
    Pid ! {ask, self(), make_ref(), fun(State) -> erlang:hibernate(?MODULE, wake, [State]) end},
    fall_asleep(Pid),
    _ = probe_lib:settle(fun() -> slack_words(Pid) < 100 andalso {done, true} end, ?DEADLINE_MS),
    ?BINARIES:off_heap(Pid).

%% The words of Pid's heaps that hold nothing. A large heap is swept on a dirty scheduler, some time
%% after the process looks asleep.
slack_words(Pid) ->
    [{stack_size, Stack}, {garbage_collection_info, Info}] =
        process_info(Pid, [stack_size, garbage_collection_info]),
    [Young, Used, Old] = [
        proplists:get_value(Key, Info)
     || Key <- [heap_block_size, heap_size, old_heap_block_size]
    ],
    Young - Used - Stack + Old.

%% Wait until Pid hibernates, and return it.
-spec fall_asleep(pid()) -> pid().
fall_asleep(Pid) ->
    Asleep = fun() ->
        process_info(Pid, [current_function, status]) =:=
            [{current_function, {erlang, hibernate, 3}}, {status, waiting}] andalso {done, true}
    end,
    case probe_lib:settle(Asleep, ?DEADLINE_MS) of
        #{settled := true} -> Pid;
        #{settled := false} -> error({setup, {not_asleep, Pid}})
    end.

%% Where a hibernated subject goes on: it answers what it is asked, as probe_lib:subject/1 does.
-spec wake(term()) -> no_return().
wake(State) ->
    receive
        {ask, From, Ref, Fun} ->
            {Reply, NewState} = Fun(State),
            From ! {Ref, Reply},
            wake(NewState)
    end.

-spec words([{atom(), term()}]) -> map().
words(Sizes) ->
    #{
        heap_size_words => proplists:get_value(heap_size, Sizes),
        total_heap_size_words => proplists:get_value(total_heap_size, Sizes)
    }.

%% A monitored process that hibernates inside a `try', having much that might get lost.
-spec sleeper_in_try(pid(), pid()) -> {pid(), reference()}.
sleeper_in_try(Owner, Partner) ->
    spawn_monitor(fun() ->
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
            erlang:hibernate(erlang, apply, [fun() -> exit(woken) end, []]),
            Owner ! {self(), returned}
        catch
            _:_ -> Owner ! {self(), caught}
        after
            Owner ! {self(), cleaned_up}
        end
    end).

%% What From has sent so far.
-spec received(pid()) -> [term()].
received(From) ->
    receive
        {From, What} -> [What | received(From)]
    after 0 -> []
    end.

%% Whether a hibernated process wakes up from Stimulus; `queued' sends it before it hibernates.
-spec wakes(queued | fun((pid()) -> term())) -> boolean().
wakes(Stimulus) ->
    Self = self(),
    Tag = make_ref(),
    Woken = fun() -> Self ! {Tag, awake} end,
    Sleeper = spawn(fun() ->
        process_flag(trap_exit, true),
        Stimulus =:= queued andalso (self() ! anything),
        erlang:hibernate(erlang, apply, [Woken, []])
    end),
    try
        Stimulus =:= queued orelse Stimulus(fall_asleep(Sleeper)),
        receive
            {Tag, awake} -> true
        after 40 -> false
        end
    after
        probe_lib:kill_and_wait(Sleeper)
    end.
