%% Process flags for the probes of beam-process-design: all of them changed and read, exit signals
%% to those who trap them, shares of a scheduler. Knows nothing of any claim.
-module(beam_process_design_flags).

-export([
    change_all_flags/1,
    own_flags/0,
    undefined_function/3,
    undefined_lambda/3,
    outcome/2,
    share/2
]).

-define(WAIT_MS, 5_000).
-define(SHARE_US, 150_000).

%% Change every flag of the calling process, its group leader, its dictionary and its token of
%% sequential tracing. What the release does not know is left out.
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
    _ = process_flag(error_handler, ?MODULE),
    _ = process_flag(sensitive, true),
    _ = put(entry, here),
    _ = seq_trace:set_token(label, 17),
    true = group_leader(Leader, self()),
    ok.

%% What an error_handler must have: the real one's work.
-spec undefined_function(module(), atom(), [term()]) -> term().
undefined_function(Module, Function, Args) ->
    error_handler:undefined_function(Module, Function, Args).

-spec undefined_lambda(module(), fun(), [term()]) -> term().
undefined_lambda(Module, Fun, Args) ->
    error_handler:undefined_lambda(Module, Fun, Args).

%% The flags of the calling process, read by setting each to its default. `seq_trace_label_index' is
%% `none' without a token.
-spec own_flags() -> #{atom() => term()}.
own_flags() ->
    MaxHeap = process_flag(max_heap_size, 0),
    #{
        trap_exit => process_flag(trap_exit, false),
        priority => process_flag(priority, normal),
        message_queue_data => process_flag(message_queue_data, on_heap),
        min_heap_words => process_flag(min_heap_size, 233),
        min_bin_vheap_words => process_flag(min_bin_vheap_size, 46_422),
        max_heap_words => maps:get(size, MaxHeap),
        max_heap_kills => maps:get(kill, MaxHeap),
        max_heap_logs => maps:get(error_logger, MaxHeap),
        fullsweep_after_count => process_flag(fullsweep_after, 65_535),
        save_calls_count => process_flag(save_calls, 0),
        sensitive => process_flag(sensitive, false),
        error_handler => process_flag(error_handler, error_handler),
        dictionary_count => length(get()),
        group_leader => group_leader(),
        seq_trace_label_index =>
            case seq_trace:get_token(label) of
                {label, Label} -> Label;
                [] -> none
            end
    }.

%% What an exit signal with this reason does to a process that traps exits or does not: the reason
%% of its end, or `message' or `ignored' when it lives on to tell.
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
    after ?WAIT_MS -> error({setup, not_ready})
    end,
    exit(Pid, Reason),
    Pid ! go_on,
    probe_lib:gone(Ref, ?WAIT_MS).

%% How often a process of priority Own counts for each count of one of priority Other, both without
%% a pause, over 150 ms; and the priorities that they were seen to have. The other takes the readings,
%% so that they stand at its own beginning and end.
-spec share(atom(), atom()) -> #{atom() => term()}.
share(Own, Other) ->
    Counts = counters:new(2, []),
    Counter = spawn_opt(fun() -> count(Counts) end, [{priority, Own}]),
    try
        probe_lib:await(fun() -> counters:get(Counts, 1) > 0 end, ?WAIT_MS),
        {priority, OwnSeen} = process_info(Counter, priority),
        probe_lib:in_process(
            fun() ->
                {priority, OtherSeen} = process_info(self(), priority),
                Start = erlang:monotonic_time(microsecond),
                Before = counters:get(Counts, 1),
                count_until(Counts, Start + ?SHARE_US),
                Counted = counters:get(Counts, 1) - Before,
                #{
                    own => OwnSeen,
                    other => OtherSeen,
                    own_to_other_ratio => Counted / counters:get(Counts, 2),
                    elapsed_ms => (erlang:monotonic_time(microsecond) - Start) / 1_000
                }
            end,
            [{priority, Other}]
        )
    after
        probe_lib:kill_and_wait(Counter)
    end.

count(Counts) ->
    counters:add(Counts, 1, 1),
    count(Counts).

count_until(Counts, EndUs) ->
    _ = [counters:add(Counts, 2, 1) || _ <- "look at the clock once for each fifty counts ....."],
    case erlang:monotonic_time(microsecond) < EndUs of
        true -> count_until(Counts, EndUs);
        false -> ok
    end.
