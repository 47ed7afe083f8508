%% Probes of beam-scheduler-tuning: what a turn on a scheduler is and costs, how many schedulers
%% there are and what runs where, busy waiting, wake-ups, binding, and the figures of load.
-module(beam_scheduler_tuning).

-export([
    turns/1,
    bump_threshold/1,
    small_costs/1,
    large_costs/1,
    collection_costs/1,
    yielding/1,
    native_code/1,
    dirty_jobs/1,
    dirty_turns/1,
    file_operations/1,
    name_look_up/1,
    port_work/1,
    scheduler_counts/1,
    flag_effects/1,
    flag_refusals/1,
    online_changes/1,
    online_work/1,
    busy_waiting/1,
    collapse/1,
    long_schedules/1,
    utilization/1,
    wall_time_owner/1,
    queues/1,
    binding/1,
    bound_together/1,
    bound_and_unbound/1,
    cpus_changed/1,
    compaction/1,
    priority_max/1
]).

-define(COMPACTION, beam_scheduler_tuning_compaction).
-define(CPUS, beam_scheduler_tuning_cpus).
-define(DIRTY, beam_scheduler_tuning_dirty).
-define(LOAD, beam_scheduler_tuning_load).
-define(NIF, beam_scheduler_tuning_nif).
-define(PRIORITIES, beam_scheduler_tuning_priorities).
-define(TURNS, beam_scheduler_tuning_turns).
-define(VMS, beam_scheduler_tuning_vms).
-define(BUMPED_MOST, 16_000).

%% Lets two busy processes share a scheduler and reads what one of them spends a turn, at three
%% priorities.
%% Evidence: for each priority the number of turns, and the shortest and longest in reductions.
%% Cost: some 10 ms a priority.
%% Misread: each turn is read by the process itself, whose readings cost up to ten reductions, so it
%%   is told that much too short.
%% Source: https://github.com/erlang/otp/blob/OTP-27.0/erts/emulator/beam/erl_vm.h
-spec turns(probe_lib:args()) -> probe_lib:evidence().
turns(_) ->
    maps:from_list([
        {Priority, turn_figures(?TURNS:turns(Priority, 100))}
     || Priority <- [low, normal, high]
    ]).

turn_figures(Turns) ->
    #{
        turns_count => length(Turns),
        shortest_reductions => lists:min(Turns),
        longest_reductions => lists:max(Turns)
    }.

%% Adds reductions to a process that has just begun its turn, and looks whether another had the
%% scheduler before its next call returns.
%% Evidence: the smallest number that puts it out, by bisection, and whether fixed numbers do.
%% Cost: a dozen turns.
%% Misread: the process uses a few reductions of its turn itself before it adds any.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#bump_reductions/1
-spec bump_threshold(probe_lib:args()) -> probe_lib:evidence().
bump_threshold(_) ->
    {_, Smallest} =
        case ?TURNS:put_out_by_bump(?BUMPED_MOST) of
            true -> probe_measure:bisect(1, ?BUMPED_MOST, fun ?TURNS:put_out_by_bump/1);
            false -> {?BUMPED_MOST, none}
        end,
    #{smallest_that_puts_out_reductions => Smallest}.

%% Counts reductions of calls, BIFs and sends by doing each 1,000 and 3,000 times.
%% Evidence: reductions a round, the loop's own call taken off but for `call', which is that call.
%% Cost: some milliseconds.
%% Misread: what a BIF costs is the VM's choice, not its time.
%% Source: https://github.com/erlang/otp/blob/OTP-27.0/erts/emulator/beam/bif.c
-spec small_costs(probe_lib:args()) -> probe_lib:evidence().
small_costs(_) ->
    Call = ?TURNS:per_call(fun() -> none end, fun(N, _) -> ?TURNS:calls(N) end),
    Guard = ?TURNS:per_call(fun() -> list_to_tuple([1, 2]) end, fun ?TURNS:guard_bifs/2),
    Bif = ?TURNS:per_call(fun() -> atomics:new(1, []) end, fun ?TURNS:bifs/2),
    Send = ?TURNS:per_call(fun() -> spawn(fun() -> ok end) end, fun ?TURNS:sends/2),
    probe_lib:with_process([], fun(Receiver) ->
        Living = ?TURNS:per_call(fun() -> Receiver end, fun ?TURNS:sends/2),
        #{
            call_reductions => Call,
            guard_bif_reductions => Guard - Call,
            bif_reductions => Bif - Call,
            send_reductions => Living - Call,
            send_to_dead_reductions => Send - Call
        }
    end).

%% Counts reductions of single calls that have a lot to do: walking, comparing and sending long lists.
%% Evidence: the reductions of each, those of doing nothing taken off.
%% Cost: lists of 16 MB; some 100 ms.
%% Misread: reductions are the VM's own unit, not time.
%% Source: https://github.com/erlang/otp/blob/OTP-27.0/erts/emulator/beam/erl_bif_lists.c
-spec large_costs(probe_lib:args()) -> probe_lib:evidence().
large_costs(_) ->
    List = fun() -> lists:seq(1, 1_000_000) end,
    Nothing = ?TURNS:reductions(fun() -> none end, fun(_) -> none end),
    Cost = fun(Setup, Fun) -> ?TURNS:reductions(Setup, Fun) - Nothing end,
    probe_lib:with_process([], fun(Receiver) ->
        #{
            member_reductions => Cost(List, fun(L) -> lists:member(none, L) end),
            length_reductions => Cost(List, fun(L) -> length(L) end),
            reverse_reductions => Cost(List, fun(L) -> lists:reverse(L) end),
            equal_reductions => Cost(fun() -> {List(), List()} end, fun({A, B}) -> A =:= B end),
            send_large_reductions => Cost(
                fun() -> lists:seq(1, 100_000) end, fun(L) -> Receiver ! L end
            )
        }
    end).

%% Counts the reductions of collections that keep a list, one of twice its length, and none.
%% Evidence: the reductions of each, and the words kept for one reduction, from the first two.
%% Cost: under 1 ms.
%% Misread: a large heap is collected on a dirty scheduler and charged by the time that takes.
%% Source: https://github.com/erlang/otp/blob/OTP-27.0/erts/emulator/beam/erl_gc.c
-spec collection_costs(probe_lib:args()) -> probe_lib:evidence().
collection_costs(_) ->
    Keeping = collection_reductions(fun() -> lists:seq(1, 4_000) end),
    KeepingTwice = collection_reductions(fun() -> lists:seq(1, 8_000) end),
    Dropping = collection_reductions(fun() -> erlang:phash2(lists:seq(1, 8_000)) end),
    #{
        keeping_8000_words_reductions => Keeping,
        keeping_16000_words_reductions => KeepingTwice,
        dropping_16000_words_reductions => Dropping,
        words_per_reduction_ratio => 8_000 / max(1, KeepingTwice - Keeping)
    }.

collection_reductions(Setup) ->
    ?TURNS:reductions(Setup, fun(_) -> garbage_collect() end, [{min_heap_size, 50_000}]).

%% Lets one process do one long thing on a scheduler that another shares, which counts its turns.
%% Evidence: for a loop of 400,000 calls and for single BIFs, how many turns the other had meanwhile.
%% Cost: lists of 16 MB; some 200 ms.
%% Misread: a turn of the other is one `yield', so that it takes next to nothing of the scheduler.
%% Source: https://www.erlang.org/doc/apps/erts/erl_nif.html#lengthy_work
-spec yielding(probe_lib:args()) -> probe_lib:evidence().
yielding(_) ->
    List = fun() -> lists:seq(1, 1_000_000) end,
    Turns = fun(Setup, Fun) ->
        maps:get(others_turns_count, ?TURNS:others_turns_during(Setup, Fun))
    end,
    #{
        loop_count => Turns(fun() -> none end, fun(_) -> ?TURNS:calls(400_000) end),
        short_loop_count => Turns(fun() -> none end, fun(_) -> ?TURNS:calls(1_000) end),
        term_to_binary_count => Turns(List, fun(L) -> term_to_binary(L) end),
        member_count => Turns(List, fun(L) -> lists:member(none, L) end),
        equal_count => Turns(fun() -> {List(), List()} end, fun({A, B}) -> A =:= B end)
    }.

%% Keeps a process in C code for 300 ms on a normal and on a dirty scheduler, and as long in Erlang.
%% Evidence: how long each took, and how many turns another process on that scheduler had meanwhile.
%% Cost: a peer; some 2 s.
%% Misread: the C code is that of the VM's own tests, and sleeps: it keeps the thread, not the CPU.
%% Source: https://www.erlang.org/doc/apps/erts/erl_nif.html#lengthy_work
-spec native_code(probe_lib:args()) -> probe_lib:evidence().
native_code(_) ->
    ?VMS:on_peer(["+S", "2:2"], ?DIRTY, native_code, []).

%% Starts five jobs on two dirty schedulers for CPU work and, on another VM, seven on four for IO, and
%% looks where they are when nothing moves.
%% Evidence: what process_info says of the jobs, the lengths of the queues, and the turns of two
%%   processes on a normal scheduler meanwhile.
%% Cost: two peers, one of which keeps two CPUs busy; some 5 s.
%% Misread: dirty jobs show in a queue only while they wait.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#statistics_run_queue_lengths_all
-spec dirty_jobs(probe_lib:args()) -> probe_lib:evidence().
dirty_jobs(_) ->
    Flags = ["+S", "2:2", "+SDcpu", "2:2", "+SDio", "4"],
    #{
        cpu => ?VMS:on_peer(Flags, ?DIRTY, jobs, [dirty_cpu, 5]),
        io => ?VMS:on_peer(Flags, ?DIRTY, jobs, [dirty_io, 7])
    }.

%% Traces a process that computes 100,000 calls and then spends 300 ms on a dirty scheduler.
%% Evidence: its turns with and without the number of a scheduler, what the dirty part took and what
%%   it cost in reductions.
%% Cost: a peer; some 1 s.
%% Misread: the trace gives 0 for any dirty scheduler.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#trace/3
-spec dirty_turns(probe_lib:args()) -> probe_lib:evidence().
dirty_turns(_) ->
    ?VMS:on_peer(["+S", "2:2"], ?DIRTY, traced_turns, []).

%% Holds two file operations on peers with two or three dirty schedulers for IO and with one or 64
%% threads in the pool, and asks for a third file operation and for a name.
%% Evidence: what each answered before and while the two are held, `waits' after a second.
%% Cost: three peers; some 5 s.
%% Misread: opening a pipe that nobody writes to stands for a disk that does not answer.
%% Source: https://www.erlang.org/doc/apps/erts/erl_cmd.html#%2BSDio
-spec file_operations(probe_lib:args()) -> probe_lib:evidence().
file_operations(_) ->
    #{
        two_of_two => files_held(["+SDio", "2"]),
        two_of_three => files_held(["+SDio", "3"]),
        two_of_two_and_pool_of_64 => files_held(["+SDio", "2", "+A", "64"])
    }.

files_held(Flags) ->
    probe_peer:with(#{flags => Flags}, fun(Peer) ->
        Folder = probe_peer:scratch(Peer),
        probe_peer:call(Peer, ?DIRTY, files_held, [Folder])
    end).

%% Looks a name up that nobody has.
%% Evidence: the programs that this started, and the threads in the pool for drivers.
%% Cost: a peer; under 1 s.
%% Misread: the program stays, and serves later look-ups, too.
%% Source: https://www.erlang.org/doc/apps/kernel/inet.html
-spec name_look_up(probe_lib:args()) -> probe_lib:evidence().
name_look_up(_) ->
    ?VMS:on_peer([], ?DIRTY, look_up, []).

%% Traces a port to a program while it is sent five commands and answers.
%% Evidence: how often it ran, and how often on a normal scheduler.
%% Cost: a peer; under 1 s.
%% Misread: the program itself is a process of the operating system.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#trace/3
-spec port_work(probe_lib:args()) -> probe_lib:evidence().
port_work(_) ->
    ?VMS:on_peer(["+S", "2:2"], ?DIRTY, port_turns, []).

%% Reads how many schedulers and threads of each kind this VM has, within the limits of its node.
%% Evidence: the VM's own figures, and the threads that the operating system has for it.
%% Cost: none.
%% Misread: the names of the threads, by which they are counted, are no promise.
%% Source: https://www.erlang.org/doc/apps/erts/erl_cmd.html#%2BS
-spec scheduler_counts(probe_lib:args()) -> probe_lib:evidence().
scheduler_counts(_) ->
    ?VMS:counts().

%% Starts VMs with flags that say how many schedulers and threads there are.
%% Evidence: the figures of scheduler_counts/1 for each.
%% Cost: four peers; some 2 s.
%% Misread: as of scheduler_counts/1.
%% Source: https://www.erlang.org/doc/apps/erts/erl_cmd.html#%2BS
-spec flag_effects(probe_lib:args()) -> probe_lib:evidence().
flag_effects(_) ->
    Counts = fun(Flags) -> ?VMS:on_peer(Flags, ?VMS, counts, []) end,
    #{
        s => Counts(["+S", "4:3"]),
        sp => Counts(["+SP", "200:50"]),
        each_kind => Counts(["+S", "4:4", "+SDcpu", "3:2", "+SDio", "5", "+A", "7"])
    }.

%% Starts VMs with numbers that do not fit.
%% Evidence: how each ended and the first line that it printed, or that it starts; what
%%   those have that start all the same.
%% Cost: five VMs, two of which do not start; some 2 s.
%% Misread: none.
%% Source: https://www.erlang.org/doc/apps/erts/erl_cmd.html#%2BS
-spec flag_refusals(probe_lib:args()) -> probe_lib:evidence().
flag_refusals(_) ->
    #{
        more_online_than_there_are => ?VMS:refusal(["+S", "2:3"]),
        as_many_online_as_there_are => ?VMS:refusal(["+S", "3:3"]),
        no_dirty_io => ?VMS:refusal(["+SDio", "0"]),
        more_dirty_than_normal => ?VMS:on_peer(["+S", "2:2", "+SDcpu", "3:2"], ?VMS, counts, []),
        no_async_thread => ?VMS:on_peer(["+A", "0"], ?VMS, counts, [])
    }.

%% Changes the number of schedulers online of a VM with four of each kind.
%% Evidence: after each step what the flag returned and how many are online; what impossible numbers
%%   raise.
%% Cost: a peer; under 1 s.
%% Misread: none.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#system_flag_schedulers_online
-spec online_changes(probe_lib:args()) -> probe_lib:evidence().
online_changes(_) ->
    ?VMS:on_peer(["+S", "4:4", "+SDcpu", "4:4"], ?VMS, online_steps, []).

%% Lets eight busy processes run on four schedulers, on two, and on four again, beside one that is
%% bound to the fourth.
%% Evidence: the highest scheduler that they ran on, whether all did, and the steps of the bound one.
%% Cost: a peer that keeps all CPUs busy; some 3 s.
%% Misread: binding a process is an undocumented option of spawn_opt.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#system_flag_schedulers_online
-spec online_work(probe_lib:args()) -> probe_lib:evidence().
online_work(_) ->
    ?VMS:on_peer(["+S", "4:4"], ?VMS, online_work, []).

%% Measures what VMs without and with the longest busy wait cost the machine while nothing happens,
%% while a process wakes up each millisecond, and while one computes.
%% Evidence: processor time as the operating system counts it and as the VM does, and the active time
%%   of all schedulers.
%% Cost: two peers; some 7 s.
%% Misread: on a busy machine a busy wait gets less processor time.
%% Source: https://www.erlang.org/doc/apps/erts/erl_cmd.html#%2Bsbwt
-spec busy_waiting(probe_lib:args()) -> probe_lib:evidence().
busy_waiting(_) ->
    Costs = fun(Wait) ->
        Flags = ["+S", "2:2", "+sbwt", Wait, "+sbwtdcpu", Wait, "+sbwtdio", Wait],
        ?VMS:on_peer(Flags, ?LOAD, costs, [])
    end,
    None = Costs("none"),
    Long = Costs("very_long"),
    #{
        none => None,
        very_long => Long,
        idle_to_computing_ratio => os_cpu(maps:get(idle, Long)) / max(0.01, os_cpu(maps:get(computing, Long))),
        cost_of_wake_up_ratio => wake_up_ms(Long) / wake_up_ms(None),
        active_to_cpu_of_waking_ratio =>
            maps:get(least_active_to_cpu_ratio, maps:get(waking, Long)),
        active_to_cpu_of_computing_ratio => active_to_cpu(maps:get(computing, Long))
    }.

os_cpu(#{os_cpu_to_wall_ratio := Ratio}) ->
    Ratio.

active_to_cpu(#{active_ms := Active, runtime_ms := Cpu}) ->
    Active / max(1, Cpu).

%% The processor time of a wake-up; what is less than the clock's tick counts as one.
wake_up_ms(#{waking := #{runtime_ms := Ms, wake_ups_count := Count}}) ->
    max(1, Ms) / Count.

%% Leaves a process in the queue of a scheduler that runs C code for 800 ms, while the other sleeps;
%% with and without a forced wake-up each 50 ms.
%% Evidence: how long the process waited, at least and at most, and the scheduler that ran it, in up
%%   to six rounds without and two with; the round in which it waited to the end is the last.
%% Cost: two peers; some 4 s.
%% Misread: busy waiting is off, as a scheduler that spins would find the process; one that wakes up
%%   for something else finds it, too, so that not every round shows it.
%% Source: https://www.erlang.org/doc/apps/erts/erl_cmd.html#%2Bsfwi
-spec collapse(probe_lib:args()) -> probe_lib:evidence().
collapse(_) ->
    Rounds = fun(Flags, Most) ->
        ?VMS:on_peer(["+S", "2:2", "+sbwt", "none" | Flags], ?LOAD, collapse, [800, Most])
    end,
    #{without => Rounds([], 6), forced => Rounds(["+sfwi", "50"], 2)}.

%% Watches for long schedules while processes spend a second in C code, in Erlang, and on a dirty
%% scheduler.
%% Evidence: how many reports came of each, with their times, and what each took.
%% Cost: a peer; some 4 s.
%% Misread: the time is that of the clock: on a machine that starves the VM anything may be long.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#system_monitor/2
-spec long_schedules(probe_lib:args()) -> probe_lib:evidence().
long_schedules(_) ->
    ?VMS:on_peer(["+S", "2:2"], ?LOAD, long_schedules, []).

%% Keeps one of two schedulers busy, then a dirty one for IO, then one of two for CPU work as well.
%% Evidence: what scheduler:utilization/2 makes of samples of the normal schedulers and of all.
%% Cost: a peer; some 4 s.
%% Misread: the figures are shares of the schedulers' own time, not of CPUs.
%% Source: https://www.erlang.org/doc/apps/runtime_tools/scheduler.html
-spec utilization(probe_lib:args()) -> probe_lib:evidence().
utilization(_) ->
    ?VMS:on_peer(["+S", "2:2", "+SDcpu", "2:2"], ?LOAD, utilization, []).

%% Has a process ask for the figures of scheduler_wall_time, and ends it.
%% Evidence: whether there are figures before, meanwhile, afterwards, and when another asked.
%% Cost: a peer; under 1 s.
%% Misread: none.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#statistics_scheduler_wall_time
-spec wall_time_owner(probe_lib:args()) -> probe_lib:evidence().
wall_time_owner(_) ->
    ?VMS:on_peer([], ?LOAD, wall_time_owner, []).

%% Binds five busy processes to one of two schedulers, and one.
%% Evidence: the least figures for queues and active tasks in 21 rounds.
%% Cost: a peer; some 1 s.
%% Misread: a figure is of a moment; whoever reads it is an active task as well.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#statistics_active_tasks
-spec queues(probe_lib:args()) -> probe_lib:evidence().
queues(_) ->
    #{five => shared_by(5), one => shared_by(1)}.

shared_by(Count) ->
    ?VMS:on_peer(["+S", "2:2"], ?LOAD, queues, [Count]).

%% Starts VMs with and without binding, one of them with more schedulers than there are CPUs.
%% Evidence: the bindings that each tells and the CPUs that the operating system allows its threads,
%%   before and after the VM was told to bind no longer.
%% Cost: three peers; some 2 s.
%% Misread: CPUs are numbered by the operating system.
%% Source: https://www.erlang.org/doc/apps/erts/erl_cmd.html#%2Bsbt
-spec binding(probe_lib:args()) -> probe_lib:evidence().
binding(_) ->
    #{
        default => ?VMS:on_peer(["+S", "2:2"], ?VMS, bindings, []),
        bound => ?VMS:on_peer(["+S", "2:2", "+sbt", "db"], ?VMS, unbind, [])
    }.

%% Has two VMs of one bound scheduler each compute at the same time.
%% Evidence: where each is bound, and the share of a CPU that each got.
%% Cost: two peers that keep a CPU busy; some 2 s.
%% Misread: what others do on the machine takes from both.
%% Source: https://www.erlang.org/doc/apps/erts/erl_cmd.html#%2Bsbt
-spec bound_together(probe_lib:args()) -> probe_lib:evidence().
bound_together(_) ->
    Options = #{flags => ["+S", "1:1", "+sbt", "db"]},
    probe_peer:with(Options, fun(One) ->
        probe_peer:with(Options, fun(Other) -> together(One, Other) end)
    end).

together(One, Other) ->
    Observer = self(),
    Share = fun(Peer) -> probe_peer:call(Peer, ?LOAD, busy_cpu_share, [1_000]) end,
    Ref = make_ref(),
    _ = spawn_link(fun() -> Observer ! {Ref, Share(One)} end),
    Shares = [
        Share(Other),
        receive
            {Ref, Found} -> Found
        after 20_000 -> error({setup, no_answer})
        end
    ],
    Bindings = [probe_peer:call(Peer, ?VMS, bindings, []) || Peer <- [One, Other]],
    #{
        sum_of_shares_ratio => lists:sum(Shares),
        smaller_share_ratio => lists:min(Shares),
        bound_to_same_cpu => length(lists:usort([maps:get(bindings, Of) || Of <- Bindings])) =:= 1,
        bound_count => length([Of || #{bound_count := 1} = Of <- Bindings])
    }.

%% Has six VMs of one scheduler each compute at the same time, in turn bound and not bound.
%% Evidence: where they are bound; how many steps all of them got through in 300 ms, and the CPUs that they
%%   had for it, at most of up to 30 rounds each way; the rounds end when unbound ones had 1.3 CPUs.
%% Cost: six peers that keep all CPUs busy; 2 s, up to 30 s where the machine has no CPU to spare.
%% Misread: where others leave no CPU to spare it makes no difference who is bound: the setup fails.
%% Source: https://www.erlang.org/doc/apps/erts/erl_cmd.html#%2Bsbt
-spec bound_and_unbound(probe_lib:args()) -> probe_lib:evidence().
bound_and_unbound(_) ->
    Options = #{flags => ["+sbt", "db", "+S", "1:1"]},
    probe_peer:with_all([Options || _ <- lists:seq(1, 6)], fun(Peers) -> ?CPUS:together(Peers, {30, 1.3}) end).

%% Holds all threads of a VM to one CPU while it runs, as a program outside would, and lets it have all
%% again. Needs the library built from c_src.
%% Evidence: the CPUs that the VM tells and its schedulers online, before, when it is held, when it was told
%%   to look, and at the end; how many of its schedulers' threads may use one CPU only; what it answers
%%   when it looks.
%% Cost: a peer; under 1 s.
%% Misread: a quota is another limit; see the claims of quotas for what is read of it at the start.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#system_info_update_cpu_info
-spec cpus_changed(#{nif_library := binary()}) -> probe_lib:evidence().
cpus_changed(#{nif_library := Library}) ->
    probe_native:with(#{}, ?NIF, Library, fun(Peer) -> probe_peer:call(Peer, ?CPUS, narrowed, []) end).

%% On a VM of one scheduler, has an ordinary process ask for the priority max, and counts how often
%% processes run beside a busy one of that priority.
%% Evidence: what asking returned, and the priority then; the turns of others, by both priorities, while
%%   the busy one has 500; which of the VM's own have the priority.
%% Cost: a peer; some 1 s.
%% Misread: while a process of this priority is busy nothing else of its scheduler runs, so the probe waits
%%   as well.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#process_flag_priority
-spec priority_max(probe_lib:args()) -> probe_lib:evidence().
priority_max(_) ->
    probe_peer:with(#{flags => ["+S", "1:1"]}, fun(Peer) ->
        Call = fun(Function, Args) -> probe_peer:call(Peer, ?PRIORITIES, Function, Args) end,
        #{
            set => Call(set_max, []),
            high_beside_max_count => Call(beside, [max, high]),
            max_beside_max_count => Call(beside, [max, max]),
            normal_beside_max_count => Call(beside, [max, normal]),
            high_beside_high_count => Call(beside, [high, high]),
            own => Call(own, [])
        }
    end).

%% Ends VMs of four schedulers with a crash dump: when one process has made 120,000,000 calls and sleeps most
%% of the time, and while eight go on that have made as many; as VMs are by default, with and without
%% compaction of load, and with load spread evenly.
%% Evidence: how many run queues each has, and how many of them are inactive.
%% Cost: five peers in turn; some 5 s.
%% Misread: an inactive queue is used again when there is more to do; its scheduler is online all the while.
%% Source: https://www.erlang.org/doc/apps/erts/erl_cmd.html#%2Bscl
-spec compaction(probe_lib:args()) -> probe_lib:evidence().
compaction(_) ->
    #{
        little_load => ?COMPACTION:queues([], 1),
        much_load => ?COMPACTION:queues([], 8),
        compacting => ?COMPACTION:queues(["+scl", "true"], 1),
        not_compacting => ?COMPACTION:queues(["+scl", "false"], 1),
        spreading => ?COMPACTION:queues(["+sub", "true"], 1)
    }.
