%% What a VM was started with, for the probes of beam-scheduler-tuning: its schedulers and threads as
%% it and as the operating system count them, its bindings, and what changes while it runs.
%% Reads and changes; knows nothing of any claim.
-module(beam_scheduler_tuning_vms).

-export([
    on_peer/4,
    counts/0,
    refusal/1,
    bindings/0,
    unbind/0,
    online_steps/0,
    online_work/0
]).

-define(SHOWN_MS, 300).
-define(SETTLE_MS, 10_000).

%% Apply a function on a peer that was started with these flags.
-spec on_peer([string()], module(), atom(), [term()]) -> term().
on_peer(Flags, Module, Function, Args) ->
    probe_peer:with(#{flags => Flags}, fun(Peer) ->
        probe_peer:call(Peer, Module, Function, Args)
    end).

%% What this VM says of its schedulers and of the machine, and the threads that the operating
%% system has for it, by kind.
-spec counts() -> #{atom() => term()}.
counts() ->
    Logical = erlang:system_info(logical_processors),
    Available = erlang:system_info(logical_processors_available),
    Schedulers = erlang:system_info(schedulers),
    Online = erlang:system_info(schedulers_online),
    Dirty = erlang:system_info(dirty_cpu_schedulers),
    #{
        schedulers_count => Schedulers,
        online_count => Online,
        dirty_cpu_count => Dirty,
        dirty_cpu_online_count => erlang:system_info(dirty_cpu_schedulers_online),
        dirty_io_count => erlang:system_info(dirty_io_schedulers),
        async_count => erlang:system_info(thread_pool_size),
        available_count => Available,
        schedulers_per_processor_ratio => Schedulers / Logical,
        dirty_cpu_per_processor_ratio => Dirty / Logical,
        online_per_available_ratio => Online / Available,
        quota_count => quota(),
        threads => threads()
    }.

%% The VM's own figure; a release that has none raises.
quota() ->
    try
        erlang:system_info(cpu_quota)
    catch
        error:badarg -> no_such_figure
    end.

%% The threads by the names that the VM gives them, which changed between releases.
threads() ->
    Names = [Name || {Name, _} <- named_threads()],
    Count = fun(Pattern) -> length([Name || Name <- Names, match =:= matches(Name, Pattern)]) end,
    Logical = erlang:system_info(logical_processors),
    DirtyCpu = Count("^([0-9]+_dirty_cpu|erts_dcpus)"),
    Normal = Count("^([0-9]+_scheduler|erts_sched_[0-9]+)$"),
    #{
        normal_count => Normal,
        normal_per_processor_ratio => Normal / Logical,
        dirty_cpu_count => DirtyCpu,
        dirty_cpu_per_processor_ratio => DirtyCpu / Logical,
        dirty_io_count => Count("^([0-9]+_dirty_io|erts_dios)"),
        async_count => Count("^(async|erts_async)")
    }.

matches(Name, Pattern) ->
    re:run(Name, Pattern, [{capture, none}]).

%% Source: proc(5), /proc/PID/task/TID/comm.
named_threads() ->
    Folder = filename:join(["/proc", os:getpid(), "task"]),
    {ok, Tasks} = file:list_dir(Folder),
    [
        {string:trim(Name), filename:join(Folder, Task)}
     || Task <- Tasks, {ok, Name} <- [file:read_file(filename:join([Folder, Task, "comm"]))]
    ].

%% How a VM ends that is started with flags which it refuses: its exit status and its first line.
%% `none' of one that starts.
-spec refusal([string()]) -> map().
refusal(Flags) ->
    try on_peer(Flags, erlang, node, []) of
        _ -> #{starts => true, exit_status => none, says => none}
    catch
        error:{setup, {peer_not_started, #{exit_status := Status, output := Output}}} ->
            [Line | _] = string:split(Output, "\r\n"),
            #{starts => false, exit_status => Status, says => Line}
    end.

%% How many CPUs the operating system allows each normal scheduler's thread, in their order.
-spec scheduler_threads() -> [pos_integer()].
scheduler_threads() ->
    Numbered = [
        {binary_to_integer(Number), allowed(Folder)}
     || {Name, Folder} <- named_threads(),
        {match, Groups} <- [
            re:run(Name, "^(?:([0-9]+)_scheduler|erts_sched_([0-9]+))$", [
                {capture, all_but_first, binary}
            ])
        ],
        Number <- [lists:last(Groups)]
    ],
    [Cpus || {_, Cpus} <- lists:sort(Numbered)].

allowed(Folder) ->
    {ok, Status} = file:read_file(filename:join(Folder, "status")),
    {match, [List]} = re:run(Status, "Cpus_allowed_list:\\s*(\\S+)", [
        {capture, all_but_first, list}
    ]),
    lists:sum([cpus(string:split(Range, "-")) || Range <- string:lexemes(List, ",")]).

cpus([_]) -> 1;
cpus([First, Last]) -> list_to_integer(Last) - list_to_integer(First) + 1.

%% What is bound: as the VM tells it, and as the operating system has it.
-spec bindings() -> #{atom() => term()}.
bindings() ->
    Bindings = tuple_to_list(erlang:system_info(scheduler_bindings)),
    Threads = scheduler_threads(),
    #{
        bindings => [text(One) || One <- Bindings],
        bound_count => length([Cpu || Cpu <- Bindings, is_integer(Cpu)]),
        cpus_of_threads => Threads,
        single_cpu_threads_count => length([1 || 1 <- Threads]),
        schedulers_count => length(Bindings),
        available_count => erlang:system_info(logical_processors_available),
        online_count => erlang:system_info(schedulers_online)
    }.

text(unbound) -> unbound;
text(Cpu) when is_integer(Cpu) -> integer_to_binary(Cpu).

%% bindings/0, and again once the VM was told to bind its schedulers no longer.
-spec unbind() -> #{atom() => term()}.
unbind() ->
    Bound = bindings(),
    Before = erlang:system_flag(scheduler_bind_type, unbound),
    probe_lib:await(
        fun() ->
            Still = [B || B <- tuple_to_list(erlang:system_info(scheduler_bindings)), B =/= unbound],
            Still =:= [] orelse Still
        end,
        ?SETTLE_MS
    ),
    Bound#{type_before => Before, afterwards => bindings()}.

%% The schedulers online as they are changed while the VM runs: after each step what the flag
%% returned, and how many normal ones and dirty ones for CPU work are online.
-spec online_steps() -> #{atom() => term()}.
online_steps() ->
    #{
        first => online(),
        down_to_2 => online_step(2),
        down_to_1 => online_step(1),
        up_to_4 => online_step(4),
        none => refused(0),
        more_than_there_are => refused(5),
        last => online()
    }.

online_step(N) ->
    Before = erlang:system_flag(schedulers_online, N),
    %% the dirty ones follow when they next look
    _ = probe_lib:until(fun() -> erlang:system_info(dirty_cpu_schedulers_online) =:= N end, 2_000),
    (online())#{returned_count => Before}.

refused(N) ->
    #{class := Class, reason := Reason} = probe_lib:error_class(fun() ->
        erlang:system_flag(schedulers_online, N)
    end),
    #{class => Class, reason => Reason}.

online() ->
    #{
        normal_count => erlang:system_info(schedulers_online),
        dirty_cpu_count => erlang:system_info(dirty_cpu_schedulers_online)
    }.

%% On which schedulers eight busy processes run, and whether one bound to scheduler 4 gets on, with
%% four schedulers online, then with two, then with four again.
-spec online_work() -> #{atom() => term()}.
online_work() ->
    Seen = ets:new(seen, [public, set]),
    Steps = atomics:new(1, []),
    Free = [spawn(fun() -> mark(Seen, N) end) || N <- lists:seq(1, 8)],
    Bound = spawn_opt(fun() -> step(Steps) end, [{scheduler, 4}]),
    Figures = fun() -> work_figures(Seen, Steps, Free) end,
    Four = Figures(),
    4 = erlang:system_flag(schedulers_online, 2),
    Two = Figures(),
    Status = process_info(Bound, status),
    2 = erlang:system_flag(schedulers_online, 4),
    Again = Figures(),
    #{
        four => Four,
        two => Two#{bound_status => element(2, Status)},
        four_again => Again,
        alive_count => length([Pid || Pid <- [Bound | Free], is_process_alive(Pid)])
    }.

work_figures(Seen, Steps, Free) ->
    %% whoever was out of place when the number changed has moved by now
    timer:sleep(?SHOWN_MS),
    ets:delete_all_objects(Seen),
    Before = atomics:get(Steps, 1),
    Working = fun() -> length(lists:usort([N || {{N, _}} <- ets:tab2list(Seen)])) =:= length(Free) end,
    Settled = probe_lib:until(Working, ?SETTLE_MS),
    timer:sleep(?SHOWN_MS),
    #{
        all_work => maps:get(settled, Settled),
        highest_scheduler_count => lists:max([0 | [Id || {{_, Id}} <- ets:tab2list(Seen)]]),
        bound_steps_count => atomics:get(Steps, 1) - Before
    }.

mark(Seen, N) ->
    ets:insert(Seen, {{N, erlang:system_info(scheduler_id)}}),
    beam_scheduler_tuning_turns:calls(500),
    mark(Seen, N).

step(Steps) ->
    atomics:add(Steps, 1, 1),
    beam_scheduler_tuning_turns:calls(500),
    step(Steps).
