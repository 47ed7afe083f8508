%% Process flags for the probes of beam-process-design: all of them changed and read, exit signals
%% to those who trap them, shares of a scheduler. Knows nothing of any claim.
-module(beam_process_design_flags).

-export([
    change_all_flags/1,
    own_flags/0,
    outcome/2,
    share/2
]).

-define(WAIT_MS, 5_000).
-define(SHARE_MS, 150).

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
            go_on -> exit(ignored)
        end
    end),
    receive
        {Pid, ready} -> ok
    end,
    exit(Pid, Reason),
    Pid ! go_on,
    probe_lib:gone(Ref, ?WAIT_MS).

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
