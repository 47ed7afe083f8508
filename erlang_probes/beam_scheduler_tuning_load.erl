%% Load and what tells of it, for the probes of beam-scheduler-tuning: busy waiting, collapse,
%% long schedules, figures of use and of queues. All of it on peers.
%% Provokes and measures; knows nothing of any claim.
-module(beam_scheduler_tuning_load).

-export([
    costs/0,
    collapse/2,
    long_schedules/0,
    utilization/0,
    wall_time_owner/0,
    queues/1,
    busy_cpu_share/1
]).

-define(DIRTY, beam_scheduler_tuning_dirty).
-define(WINDOW_MS, 800).
-define(WAKING_MS, 150).
-define(LEAST_MS, 3).
-define(SETTLE_MS, 10_000).
-define(QUIET_MS, 150).

%%% Busy waiting

%% What the VM costs the machine, and what it says of itself, while nothing happens, while a process
%% wakes up each millisecond to do nothing, and while one computes.
-spec costs() -> #{atom() => map()}.
costs() ->
    false = erlang:system_flag(scheduler_wall_time, true),
    timer:sleep(?WINDOW_MS),
    #{
        idle => cost(fun() -> timer:sleep(?WINDOW_MS), 0 end),
        waking => waking(7),
        computing => cost(fun() -> compute(end_of_window()), 0 end)
    }.

%% The cost of wake-ups in several windows, of which the one of the median cost a wake-up counts: now
%% and then a scheduler finds other work, or another process of the machine its CPU.
waking(Windows) ->
    Costs = [cost(fun() -> wake_ups(in_ms(?WAKING_MS), 0) end) || _ <- lists:seq(1, Windows)],
    ByCost = lists:sort([
        {Runtime / max(1, Count), Cost}
     || #{runtime_ms := Runtime, wake_ups_count := Count} = Cost <- Costs
    ]),
    {Each, Median} = lists:nth(Windows div 2 + 1, ByCost),
    Median#{each_ms => Each, least_active_to_cpu_ratio => least_active_to_cpu(Costs)}.

%% Of the windows that cost anything the one with the least active time in it: a scheduler that the
%% machine puts out while it is active goes on being so by the clock.
least_active_to_cpu(Costs) ->
    Ratios = [
        Active / Runtime
     || #{active_ms := Active, runtime_ms := Runtime} <- Costs, Runtime >= ?LEAST_MS
    ],
    lists:min(Ratios ++ [none]).

end_of_window() ->
    in_ms(?WINDOW_MS).

in_ms(Ms) ->
    erlang:monotonic_time(millisecond) + Ms.

wake_ups(End, Count) ->
    receive
    after 1 -> ok
    end,
    case erlang:monotonic_time(millisecond) < End of
        true -> wake_ups(End, Count + 1);
        false -> Count
    end.

compute(End) ->
    case erlang:monotonic_time(millisecond) < End of
        true -> compute(End);
        false -> ok
    end.

cost(Fun) ->
    Before = figures(),
    Count = Fun(),
    After = figures(),
    [Cpu, Runtime, Active, Wall] = [B - A || {A, B} <- lists:zip(Before, After)],
    #{
        wake_ups_count => Count,
        os_cpu_ms => Cpu,
        runtime_ms => Runtime,
        active_ms => Active,
        os_cpu_to_wall_ratio => Cpu / Wall
    }.

figures() ->
    Active = [A || {_, A, _} <- erlang:statistics(scheduler_wall_time_all)],
    ActiveMs = erlang:convert_time_unit(lists:sum(Active), native, microsecond) / 1000,
    [os_cpu_ms(), runtime_ms(), ActiveMs, erlang:monotonic_time(millisecond)].

%% Processor time of the VM by its own figure, which has whole milliseconds.
runtime_ms() ->
    {Runtime, _} = erlang:statistics(runtime),
    Runtime.

%% Source: proc(5), utime and stime of /proc/PID/stat, in hundredths of a second.
os_cpu_ms() ->
    {ok, Stat} = file:read_file("/proc/" ++ os:getpid() ++ "/stat"),
    [_, Rest] = string:split(Stat, ")", trailing),
    Fields = string:lexemes(Rest, " "),
    10 * lists:sum([binary_to_integer(lists:nth(N, Fields)) || N <- [12, 13]]).

%% Compute on this VM for a while; the share of a CPU that it got.
-spec busy_cpu_share(pos_integer()) -> float().
busy_cpu_share(Ms) ->
    Before = os_cpu_ms(),
    Us = probe_measure:elapsed_us(fun() -> compute(erlang:monotonic_time(millisecond) + Ms) end),
    (os_cpu_ms() - Before) * 1000 / Us.

%%% Collapse

%% A process spawns another and keeps their scheduler in C code, while the second scheduler sleeps:
%% after how long the spawned one runs, and where, in as many rounds, but in none after the first in
%% which it waited to the end.
-spec collapse(pos_integer(), pos_integer()) -> #{atom() => term()}.
collapse(NativeMs, Most) ->
    ?DIRTY:allow_native(),
    Rounds = probe_lib:in_process(
        fun() -> collapse_rounds(NativeMs, Most) end, [{scheduler, 1}]
    ),
    Delays = [Ms || {Ms, _} <- Rounds],
    #{
        longest_ms => lists:max(Delays),
        shortest_ms => lists:min(Delays),
        scheduler_number => [Id || {_, Id} <- Rounds]
    }.

collapse_rounds(_, 0) ->
    [];
collapse_rounds(NativeMs, Most) ->
    case collapse_round(NativeMs) of
        {Ms, _} = Round when Ms >= NativeMs - 1 -> [Round];
        Round -> [Round | collapse_rounds(NativeMs, Most - 1)]
    end.

collapse_round(NativeMs) ->
    timer:sleep(?QUIET_MS),
    Observer = self(),
    {_, Ref} = spawn_opt(
        fun() ->
            Start = erlang:monotonic_time(),
            spawn(fun() -> Observer ! {runs, since_ms(Start), erlang:system_info(scheduler_id)} end),
            ?DIRTY:native_ms(NativeMs)
        end,
        [{scheduler, 1}, monitor]
    ),
    normal = probe_lib:gone(Ref, ?SETTLE_MS),
    receive
        {runs, Ms, Id} -> {Ms, Id}
    after ?SETTLE_MS -> error({setup, never_ran})
    end.

since_ms(Start) ->
    erlang:convert_time_unit(erlang:monotonic_time() - Start, native, microsecond) / 1000.

%%% Long schedules

%% What the VM's monitor for long schedules reports of processes that spend as long in C code, in
%% Erlang, and on a dirty scheduler.
-spec long_schedules() -> #{atom() => term()}.
long_schedules() ->
    ?DIRTY:allow_native(),
    undefined = erlang:system_monitor(self(), [{long_schedule, 800}]),
    #{
        native => reports(fun() -> ?DIRTY:native_ms(1_000) end),
        erlang => reports(fun() -> compute(erlang:monotonic_time(millisecond) + 1_000) end),
        dirty => reports(fun() -> erts_debug:dirty_io(wait, 1_000) end)
    }.

reports(Fun) ->
    Observer = self(),
    Pid = spawn(fun() ->
        Us = probe_measure:elapsed_us(Fun),
        Observer ! {took, self(), Us / 1000},
        probe_lib:wake(undefined)
    end),
    receive
        {took, Pid, Ms} ->
            Timeouts = timeouts(Pid),
            #{elapsed_ms => Ms, reports_count => length(Timeouts), timeouts_ms => Timeouts}
    after ?SETTLE_MS -> error({setup, no_answer})
    end.

timeouts(Pid) ->
    receive
        {monitor, Pid, long_schedule, Info} ->
            [proplists:get_value(timeout, Info) | timeouts(Pid)]
    after 200 -> []
    end.

%%% Figures

%% What scheduler:utilization/2 says of two schedulers of which one is kept busy, from samples of the
%% normal schedulers and of all, and of a job on a dirty scheduler of each kind.
-spec utilization() -> #{atom() => term()}.
utilization() ->
    false = erlang:system_flag(scheduler_wall_time, true),
    timer:sleep(?QUIET_MS),
    Quiet = used(fun scheduler:sample_all/0, fun() -> ok end),
    End = erlang:monotonic_time(millisecond) + 60_000,
    Busy = spawn_opt(fun() -> compute(End) end, [{scheduler, 2}]),
    timer:sleep(?QUIET_MS),
    Normal = used(fun scheduler:sample/0, fun() -> ok end),
    All = used(fun scheduler:sample_all/0, fun() -> ok end),
    probe_lib:kill_and_wait(Busy),
    Io = used(fun scheduler:sample_all/0, fun() ->
        spawn(fun() -> erts_debug:dirty_io(wait, 20_000) end)
    end),
    Dirty = used(fun scheduler:sample_all/0, fun() ->
        spawn(fun() -> erts_debug:dirty_cpu(wait, 20_000) end)
    end),
    #{quiet => Quiet, normal => Normal, all => All, io => Io, dirty => Dirty}.

used(Sample, Start) ->
    _ = Start(),
    timer:sleep(?QUIET_MS),
    First = Sample(),
    timer:sleep(400),
    Used = scheduler:utilization(First, Sample()),
    [{total, Total, _}, {weighted, Weighted, _} | Each] = Used,
    Kind = fun(Kind) -> [Ratio || {K, _, Ratio, _} <- Each, K =:= Kind] end,
    #{
        total_ratio => Total,
        weighted_ratio => Weighted,
        busy_ratio => lists:last(Kind(normal)),
        other_ratio => hd(Kind(normal)),
        dirty_cpu_ratio => lists:sum(Kind(cpu)),
        dirty_io_ratio => lists:sum(Kind(io)),
        dirty_io_count => length(Kind(io))
    }.

%% Whether the figures of scheduler_wall_time are there before anybody asked for them, while the
%% process lives that did, when it has ended, and when another has asked.
-spec wall_time_owner() -> #{atom() => boolean()}.
wall_time_owner() ->
    There = fun() -> is_list(erlang:statistics(scheduler_wall_time)) end,
    Before = There(),
    Owner = probe_lib:subject([]),
    probe_lib:ask(Owner, fun(_) -> {erlang:system_flag(scheduler_wall_time, true), none} end),
    Meanwhile = There(),
    probe_lib:kill_and_wait(Owner),
    Settled = probe_lib:until(fun() -> not There() end, 2_000),
    _ = erlang:system_flag(scheduler_wall_time, true),
    #{
        before => Before,
        owner_lives => Meanwhile,
        owner_ended => not maps:get(settled, Settled),
        asked_again => There()
    }.

%% What the figures of queues say of a scheduler that so many busy processes share.
-spec queues(pos_integer()) -> #{atom() => term()}.
queues(Count) ->
    End = erlang:monotonic_time(millisecond) + 60_000,
    Pids = [spawn_opt(fun() -> compute(End) end, [{scheduler, 2}]) || _ <- lists:seq(1, Count)],
    timer:sleep(?QUIET_MS),
    Rounds = probe_lib:in_process(
        fun() -> [queue_figures() || _ <- lists:seq(1, 21)] end, [{scheduler, 1}]
    ),
    probe_lib:kill_all(Pids),
    %% whoever of the VM's own passes through a queue is gone in the next round
    Least = fun(Key) -> lists:min([maps:get(Key, Round) || Round <- Rounds]) end,
    #{
        waiting_count => Least(waiting),
        active_count => Least(active),
        other_waiting_count => Least(other_waiting),
        all_waiting_count => [maps:get(waiting, Round) || Round <- Rounds]
    }.

queue_figures() ->
    timer:sleep(5),
    [Other, Shared | _] = erlang:statistics(run_queue_lengths),
    [_, Active | _] = erlang:statistics(active_tasks),
    #{
        waiting => Shared,
        other_waiting => Other,
        active => Active
    }.
