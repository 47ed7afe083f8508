%% Which CPUs a VM may use, for the probes of beam-scheduler-tuning: a set that changes while it runs, and
%% VMs that are bound to the same one.
%% Changes and measures; knows nothing of any claim.
-module(beam_scheduler_tuning_cpus).

-export([narrowed/0, together/2, steps/2, bind/1]).

-define(NIF, beam_scheduler_tuning_nif).
-define(VMS, beam_scheduler_tuning_vms).
-define(TURNS, beam_scheduler_tuning_turns).
-define(MASK_BYTES, 128).
-define(ROUND_MS, 300).
%% So long ahead a round is called for, to begin everywhere at once.
-define(AHEAD_MS, 150).
-define(SETTLE_MS, 20_000).

%% Hold all threads of this VM to its first CPU, and to all that it had: what it says of its CPUs before,
%% while it has not been told to look, when it has, and at the end; and what it answers when it looks.
-spec narrowed() -> #{atom() => term()}.
narrowed() ->
    Cpus = allowed(),
    Before = figures(),
    ok = hold_to([hd(Cpus)]),
    Held = figures(),
    Changed = erlang:system_info(update_cpu_info),
    Told = figures(),
    Again = erlang:system_info(update_cpu_info),
    ok = hold_to(Cpus),
    Back = erlang:system_info(update_cpu_info),
    #{
        before => less(Before, Before),
        held => less(Before, Held),
        told => less(Before, Told),
        back => less(Before, figures()),
        answers => [Changed, Again, Back]
    }.

figures() ->
    maps:with(
        [available_count, online_count, schedulers_count, single_cpu_threads_count], ?VMS:bindings()
    ).

%% The figures, and by how many CPUs and schedulers online they are fewer than before.
less(#{available_count := AvailableBefore, online_count := OnlineBefore}, Now) ->
    #{available_count := Available, online_count := Online, schedulers_count := Schedulers} = Now,
    #{single_cpu_threads_count := Single} = Now,
    Now#{
        available_lost_count => AvailableBefore - Available,
        online_lost_count => OnlineBefore - Online,
        all_threads_held => Single =:= Schedulers
    }.

%% Source: proc(5), Cpus_allowed_list of /proc/PID/status.
allowed() ->
    {ok, Status} = file:read_file("/proc/self/status"),
    {match, [List]} = re:run(Status, "Cpus_allowed_list:\\s*(\\S+)", [{capture, all_but_first, list}]),
    lists:append([cpus(string:split(Range, "-")) || Range <- string:lexemes(List, ",")]).

cpus([Cpu]) -> [list_to_integer(Cpu)];
cpus([First, Last]) -> lists:seq(list_to_integer(First), list_to_integer(Last)).

hold_to(Cpus) ->
    Bits = lists:sum([1 bsl Cpu || Cpu <- Cpus]),
    {ok, Threads} = file:list_dir(filename:join(["/proc", os:getpid(), "task"])),
    Mask = <<Bits:(8 * ?MASK_BYTES)/little>>,
    Held = [?NIF:hold_to(list_to_integer(Thread), Mask) || Thread <- Threads],
    [] = [error || error <- Held],
    ok.

%% Have VMs of one scheduler compute at the same time, in turn bound and not, in up to so many rounds: the
%% most steps that all of them did in a round and the CPUs that they had for it, and where they were bound.
%% The rounds end when they had more than so many CPUs, which takes a machine that has them to spare.
-spec together([probe_peer:peer()], {Rounds :: pos_integer(), Cpus :: float()}) -> #{atom() => term()}.
together(Peers, {Rounds, Enough}) ->
    Bindings = [probe_peer:call(Peer, ?VMS, bindings, []) || Peer <- Peers],
    {Bound, Unbound, Done} = rounds(Peers, Enough, Rounds, {{0, 0}, {0, 0}, 0}),
    {BoundSteps, BoundCpus} = Bound,
    {UnboundSteps, UnboundCpus} = Unbound,
    UnboundCpus > Enough orelse error({setup, {no_cpu_to_spare, UnboundCpus}}),
    #{
        bound_count => length([Of || #{bound_count := 1} = Of <- Bindings]),
        cpus_count => length(lists:usort([Of || #{bindings := Of} <- Bindings])),
        bound_steps_count => BoundSteps,
        bound_cpus_ratio => BoundCpus,
        unbound_cpus_ratio => UnboundCpus,
        unbound_to_bound_ratio => UnboundSteps / max(1, BoundSteps),
        rounds_count => Done
    }.

rounds(Peers, Enough, Rounds, {Bound, Unbound, Done}) ->
    MoreBound = max(Bound, round_of(Peers, thread_no_node_processor_spread)),
    {_, Cpus} = MoreUnbound = max(Unbound, round_of(Peers, unbound)),
    case Done + 1 of
        All when All >= Rounds; Cpus > Enough, All > 2 -> {MoreBound, MoreUnbound, All};
        Next -> rounds(Peers, Enough, Rounds, {MoreBound, MoreUnbound, Next})
    end.

round_of(Peers, Type) ->
    [ok = probe_peer:call(Peer, ?MODULE, bind, [Type]) || Peer <- Peers],
    Observer = self(),
    Ref = make_ref(),
    Start = os:system_time(millisecond) + ?AHEAD_MS,
    [
        spawn_link(fun() -> Observer ! {Ref, probe_peer:call(Peer, ?MODULE, steps, [Start, ?ROUND_MS])} end)
     || Peer <- Peers
    ],
    Each = [
        receive
            {Ref, Did} -> Did
        after ?SETTLE_MS -> error({setup, no_answer})
        end
     || _ <- Peers
    ],
    {lists:sum([Steps || {Steps, _} <- Each]), lists:sum([CpuMs || {_, CpuMs} <- Each]) / ?ROUND_MS}.

%% Bind the schedulers of this VM so, and wait until it tells that they are.
-spec bind(atom()) -> ok.
bind(Type) ->
    _ = erlang:system_flag(scheduler_bind_type, Type),
    probe_lib:await(
        fun() ->
            Unbound = [B || B <- tuple_to_list(erlang:system_info(scheduler_bindings)), B =:= unbound],
            (Unbound =/= []) =:= (Type =:= unbound)
        end,
        ?SETTLE_MS
    ).

%% How many times 1,000 calls this VM gets through in so many milliseconds from a moment on, by the clock of
%% the system, and the processor time that it has meanwhile.
-spec steps(Start :: integer(), Ms :: pos_integer()) -> {Steps :: non_neg_integer(), CpuMs :: non_neg_integer()}.
steps(Start, Ms) ->
    timer:sleep(max(0, Start - os:system_time(millisecond))),
    {Before, _} = erlang:statistics(runtime),
    Steps = steps_until(Start + Ms, 0),
    {After, _} = erlang:statistics(runtime),
    {Steps, After - Before}.

steps_until(End, Count) ->
    ?TURNS:calls(1_000),
    case os:system_time(millisecond) < End of
        true -> steps_until(End, Count + 1);
        false -> Count
    end.
