%% What native calls do to those who share a scheduler with their caller, for the concurrency probes:
%% functions that peers with the library of c_src/beam_concurrency_model.c run.
%% Knows nothing of any claim.
-module(beam_concurrency_model_native).

-export([
    turns/0,
    accounts/0,
    queue/1,
    stranded/2,
    behind/1,
    busy_ms/1,
    long_schedules/1,
    overlap/2,
    switch_ns/0,
    timer_set_on/1,
    loading_ms/1,
    input_during/1
]).

-define(NIF, beam_concurrency_model_nif).
-define(TURNS, beam_concurrency_model_turns).
%% A module of stdlib that nobody has loaded.
-define(UNUSED, sofs).
-define(HOLD_US, 100_000).
%% How long a report is waited for that may not come.
-define(SILENCE_MS, 500).
-define(DEADLINE_MS, 20_000).

%% The turns of another process on the only scheduler during native calls: of 1, 10, 100 and 300 ms
%% on it, of 100 ms on dirty ones, of 100 parts of 1 ms that are told to the VM as a tenth of a slice
%% each, without and with giving way.
-spec turns() -> probe_lib:evidence().
turns() ->
    #{
        hold_1 => ?TURNS:with_slices(held(hold, 1)),
        hold_10 => held(hold, 10),
        hold_100 => held(hold, 100),
        hold_300 => held(hold, 300),
        dirty_cpu_100 => held(hold_dirty_cpu, 100),
        dirty_io_100 => held(hold_dirty_io, 100),
        deaf_100 => answered(fun() -> ?NIF:hold_deaf(100, 10) end),
        in_parts_100 => answered(fun() -> ?NIF:hold_in_parts(100, 10, 0) end)
    }.

held(Function, Ms) ->
    Self = self(),
    Turns = ?TURNS:counted(fun() -> Self ! {held, ?NIF:Function(Ms * 1_000)} end),
    receive
        {held, {Thread, Begun, Ended}} ->
            Turns#{thread => thread(Thread), held_ms => (Ended - Begun) / 1_000}
    end.

thread(1) -> normal;
thread(2) -> dirty_cpu;
thread(3) -> dirty_io.

answered(Fun) ->
    Self = self(),
    Turns = ?TURNS:counted(fun() -> Self ! {used_up, Fun()} end),
    receive
        {used_up, Count} -> Turns#{used_up_count => Count}
    end.

%% What native code costs its caller: the reductions of calls of 0 and 100 ms, how many times some
%% percent are said to be a slice, and the kinds of threads of one call in three parts.
-spec accounts() -> probe_lib:evidence().
accounts() ->
    {One, Two, Three} = ?NIF:wander(),
    #{
        short_reductions => probe_measure:reductions_for(fun() -> ?NIF:hold(0) end),
        long_reductions => probe_measure:reductions_for(fun() -> ?NIF:hold(?HOLD_US) end),
        told_reductions => probe_measure:reductions_for(fun() -> ?NIF:consume(100) end),
        calls_for => #{
            percent_1_count => consumed(1),
            percent_10_count => consumed(10),
            percent_25_count => consumed(25),
            percent_50_count => consumed(50),
            percent_100_count => consumed(100)
        },
        wandered => [thread(Kind) || Kind <- [One, Two, Three]]
    }.

consumed(Percent) ->
    probe_lib:in_process(fun() ->
        erlang:yield(),
        ?NIF:consume(Percent)
    end).

%% Twenty processes are made ready while another one of the same scheduler is in a native call: how
%% long the run queue of that scheduler is then, and how many of them ran before the call ended.
%% They are bound to the scheduler, or not.
-spec queue(#{hold := atom(), bound := boolean()}) -> probe_lib:evidence().
queue(#{hold := Hold, bound := Bound}) ->
    on(2, fun() ->
        timer:sleep(1),
        Options = [{scheduler, 1} || Bound],
        Waiters = [waiter(Options) || _ <- lists:seq(1, 20)],
        Holder = holder(Hold, 3 * ?HOLD_US),
        [Waiter ! {go, self()} || Waiter <- Waiters],
        Queued = hd(statistics(run_queue_lengths)),
        {Thread, _, Ended} = answer(Holder),
        Ran = [ran_at(Waiter) || Waiter <- Waiters],
        #{
            queued_count => Queued,
            ran_before_end_count => length([At || At <- Ran, At < Ended]),
            ran_after_end_count => length([At || At <- Ran, At >= Ended]),
            thread => thread(Thread)
        }
    end).

waiter(Options) ->
    spawn_opt(
        fun() ->
            receive {go, From} -> From ! {ran, self(), now_us()} end
        end,
        Options
    ).

ran_at(Waiter) ->
    receive
        {ran, Waiter, At} -> At
    after ?DEADLINE_MS -> error({setup, {never_ran, Waiter}})
    end.

%% So many times a process wakes another one and goes into a native call at once, while the second
%% scheduler has nothing to do: how often the other one ran only when the call had ended.
-spec stranded(atom(), pos_integer()) -> probe_lib:evidence().
stranded(Hold, Rounds) ->
    Late = [stranded_once(Hold) || _ <- lists:seq(1, Rounds)],
    #{
        late_count => length([yes || {true, _} <- Late]),
        in_time_count => length([no || {false, _} <- Late]),
        waited_ms => probe_measure:median([Us / 1_000 || {_, Us} <- Late])
    }.

stranded_once(Hold) ->
    timer:sleep(20),
    probe_lib:in_process(fun() ->
        Waiter = waiter([]),
        timer:sleep(5),
        Sent = now_us(),
        Waiter ! {go, self()},
        {_, _, Ended} = ?NIF:Hold(?HOLD_US),
        At = ran_at(Waiter),
        {At >= Ended, At - Sent}
    end).

%% So many processes of one scheduler that each hold it for 10 ms, and one more behind them: after
%% how long that one runs.
-spec behind(non_neg_integer()) -> float().
behind(Holders) ->
    on(2, fun() ->
        Last = waiter([{scheduler, 1}]),
        Gate = holder(hold, 20_000),
        Pids = [asked_on(1, fun() -> ?NIF:hold(10_000) end) || _ <- lists:seq(1, Holders)],
        Last ! {go, self()},
        {_, _, Ended} = answer(Gate),
        At = ran_at(Last),
        _ = [answer(Pid) || Pid <- Pids],
        (At - Ended) / 1_000
    end).

%% The milliseconds that normal schedulers, dirty ones for CPU and those for IO say they were busy
%% during a native call of 300 ms.
-spec busy_ms(atom()) -> probe_lib:evidence().
busy_ms(Hold) ->
    _ = erlang:system_flag(scheduler_wall_time, true),
    timer:sleep(50),
    From = now_us(),
    Before = lists:sort(statistics(scheduler_wall_time_all)),
    {_, Begun, Ended} = ?NIF:Hold(3 * ?HOLD_US),
    After = lists:sort(statistics(scheduler_wall_time_all)),
    Us = now_us() - From,
    Busy = [{Id, A1 - A0, T1 - T0} || {{Id, A0, T0}, {Id, A1, T1}} <- lists:zip(Before, After)],
    Normal = erlang:system_info(schedulers),
    Cpu = Normal + erlang:system_info(dirty_cpu_schedulers),
    Ms = fun(Keep) ->
        lists:sum([A / T || {Id, A, T} <- Busy, T > 0, Keep(Id)]) * Us / 1_000
    end,
    #{
        held_ms => (Ended - Begun) / 1_000,
        normal_ms => Ms(fun(Id) -> Id =< Normal end),
        dirty_cpu_ms => Ms(fun(Id) -> Id > Normal andalso Id =< Cpu end),
        dirty_io_ms => Ms(fun(Id) -> Id > Cpu end)
    }.

%% How often the VM reports a schedule longer than 50 ms, and the longest of them, for five native
%% calls of 100 ms in a row.
-spec long_schedules(atom()) -> probe_lib:evidence().
long_schedules(Hold) ->
    _ = erlang:system_monitor(self(), [{long_schedule, 50}]),
    Self = self(),
    Pid = spawn_link(fun() ->
        Self ! {self(), [?NIF:Hold(?HOLD_US) || _ <- lists:seq(1, 5)]},
        receive
            stop -> ok
        end
    end),
    Held = answer(Pid),
    Times = reported(Pid),
    _ = erlang:system_monitor(undefined),
    Pid ! stop,
    #{
        calls_count => length(Held),
        held_ms => lists:sum([Ended - Begun || {_, Begun, Ended} <- Held]) / 1_000,
        reports_count => length(Times),
        longest_ms => lists:max([0 | Times])
    }.

reported(Pid) ->
    receive
        {monitor, Pid, long_schedule, Info} ->
            [proplists:get_value(timeout, Info) | reported(Pid)]
    after ?SILENCE_MS -> []
    end.

%% The most of so many native calls of 100 ms that ever ran at the same time.
-spec overlap(atom(), pos_integer()) -> pos_integer().
overlap(Hold, Callers) ->
    Self = self(),
    Call = fun() -> Self ! {self(), ?NIF:Hold(?HOLD_US)} end,
    Held = [answer(Pid) || Pid <- [spawn_link(Call) || _ <- lists:seq(1, Callers)]],
    lists:max([
        length([in || {_, Begun, Ended} <- Held, Begun =< At, At < Ended])
     || {_, At, _} <- Held
    ]).

%% Nanoseconds of a native call that does nothing, by the kind of scheduler: the shortest of twenty
%% times a hundred.
-spec switch_ns() -> probe_lib:evidence().
switch_ns() ->
    Calls = [
        fun() -> normal(100) end,
        fun() -> dirty_cpu(100) end,
        fun() -> dirty_io(100) end
    ],
    [Normal, Cpu, Io] = [Us * 10 || Us <- probe_measure:best_in_turn_us(20, Calls)],
    #{
        normal_ns => Normal,
        dirty_cpu_ratio => Cpu / Normal,
        dirty_io_ratio => Io / Normal
    }.

normal(0) -> ok;
normal(N) -> _ = ?NIF:nothing(N), normal(N - 1).

dirty_cpu(0) -> ok;
dirty_cpu(N) -> _ = ?NIF:nothing_dirty_cpu(N), dirty_cpu(N - 1).

dirty_io(0) -> ok;
dirty_io(N) -> _ = ?NIF:nothing_dirty_io(N), dirty_io(N - 1).

%% A timer of 20 ms is set by a process of one scheduler of two, for a receiver on the second; the
%% first is then held for 100 ms: when the message came, counted from its setting, and when the call
%% ended.
-spec timer_set_on(1 | 2) -> probe_lib:evidence().
timer_set_on(Scheduler) ->
    on(2, fun() ->
        Self = self(),
        Set = asked_on(Scheduler, fun() ->
            _ = erlang:send_after(20, Self, fired),
            now_us()
        end),
        At = answer(Set),
        Holder = holder(hold, ?HOLD_US),
        Fired =
            receive
                fired -> now_us()
            after ?DEADLINE_MS -> error({setup, never_fired})
            end,
        {_, _, Ended} = answer(Holder),
        #{
            fired_ms => (Fired - At) / 1_000,
            held_until_ms => (Ended - At) / 1_000,
            after_end_ms => (Fired - Ended) / 1_000
        }
    end).

%% A module is loaded from the second of two schedulers while the first is held for 100 ms: how long
%% loading takes, and how long the first is held from then on.
-spec loading_ms(atom()) -> probe_lib:evidence().
loading_ms(Hold) ->
    on(2, fun() ->
        timer:sleep(1),
        {Module, Code, _} = code:get_object_code(?UNUSED),
        Holder = holder(Hold, ?HOLD_US),
        Begun = now_us(),
        {module, Module} = erlang:load_module(Module, Code),
        Loaded = now_us(),
        {_, _, Ended} = answer(Holder),
        #{held_on_ms => (Ended - Begun) / 1_000, after_end_ms => (Loaded - Ended) / 1_000}
    end).

%% A program writes a line, and another one 50 ms later, while its reader's only scheduler, or a dirty
%% one, is held for 500 ms: when the second one arrived, counted from the end of the call.
-spec input_during(atom()) -> probe_lib:evidence().
input_during(Hold) ->
    Self = self(),
    Reader = spawn_link(fun() ->
        Command = "echo first; sleep 0.05; echo second",
        Port = open_port({spawn_executable, "/bin/sh"}, [{args, ["-c", Command]}, {line, 80}]),
        Self ! {self(), line(Port)},
        Self ! {self(), line(Port)}
    end),
    First = answer(Reader),
    {_, Begun, Ended} = ?NIF:Hold(5 * ?HOLD_US),
    Second = answer(Reader),
    #{
        first_before_ms => (Begun - First) / 1_000,
        held_ms => (Ended - Begun) / 1_000,
        after_end_ms => (Second - Ended) / 1_000
    }.

line(Port) ->
    receive
        {Port, {data, {eol, _}}} -> now_us()
    after ?DEADLINE_MS -> error({setup, nothing_read})
    end.

%% Evaluate a fun on one scheduler, to which its process is bound.
on(Scheduler, Fun) ->
    probe_lib:in_process(Fun, [{scheduler, Scheduler}]).

%% A process of the first scheduler that goes into a native call right after it has said so: nobody
%% else of that scheduler comes in between.
holder(Hold, Us) ->
    Self = self(),
    Pid = asked_on(1, fun() ->
        Self ! {begins, self()},
        ?NIF:Hold(Us)
    end),
    receive
        {begins, Pid} -> Pid
    after ?DEADLINE_MS -> error({setup, {never_began, Pid}})
    end.

asked_on(Scheduler, Fun) ->
    Self = self(),
    spawn_opt(fun() -> Self ! {self(), Fun()} end, [{scheduler, Scheduler}]).

answer(Pid) ->
    receive
        {Pid, Answer} -> Answer
    after ?DEADLINE_MS -> error({setup, {no_answer, Pid}})
    end.

now_us() ->
    erlang:monotonic_time(microsecond).
