%% Probes of exit signals, links, monitors, supervisors, and of what holds and what breaks the
%% isolation of processes. Claims in claims/beam-fault-tolerance.toml.
-module(beam_fault_tolerance).

%% Exit signals, links, monitors.
-export([
    exit_signal_table/1,
    forged_exit/1,
    exit_while_busy/1,
    kill_chain/1,
    exit_signal_cleanup/1,
    signals_to_the_dead/1,
    remote_ends/1,
    links_and_monitors/1,
    down_order/1,
    demonitor_flush/1,
    unlink_guarantee/1,
    spawn_then_link/1,
    exit_reasons_by_class/1,
    unlinked_bystander/1,
    call_failure/1,
    call_default_timeout/1,
    call_to_oneself/1,
    exit_at_a_server/1,
    missing_callbacks/1
]).

%% Supervisors, and what letting it crash costs and gives.
-export([
    restart_state/1,
    restart_intensity/1,
    supervisor_defaults/1,
    restart_period/1,
    escalation/1,
    supervisor_as_child/1,
    start_stop_order/1,
    shutdown_timeout/1,
    terminate_callback/1,
    restart_strategies/1,
    restart_types/1,
    auto_shutdown/1,
    supervisor_killed/1,
    failed_start/1,
    restart_backoff/1,
    crash_cost/1,
    crash_log_growth/1,
    catch_all_clause/1,
    expected_conditions/1
]).

%% What breaks isolation, and what does not.
-export([
    ets_shared/1,
    ets_owner/1,
    persistent_term_erase/1,
    shared_binary/1,
    system_limits/1,
    process_limit/1,
    port_limit/1,
    ets_limit/1,
    port_program_crash/1,
    port_links/1,
    atom_table/1,
    memory_exhaustion/1,
    binaries_under_limit/1,
    native_code/1,
    kill_in_native_code/1,
    system_process_kill/1,
    application_end/1
]).

-define(SIGNALS, beam_fault_tolerance_signals).
-define(LINKS, beam_fault_tolerance_links).
-define(RACES, beam_fault_tolerance_races).
-define(TREES, beam_fault_tolerance_trees).
-define(SERVERS, beam_fault_tolerance_servers).
-define(STARTS, beam_fault_tolerance_starts).
-define(STOPS, beam_fault_tolerance_stops).
-define(RESTARTS, beam_fault_tolerance_restarts).
-define(ISOLATION, beam_fault_tolerance_isolation).
-define(VMS, beam_fault_tolerance_vms).
-define(DEADLINE_MS, 5_000).
%% Of what runs beside others: as long as the longest probe may take.
-define(AT_ONCE_MS, 85_000).
%% How long is waited for what must not come.
-define(SILENCE_MS, 50).
%% How long the VM is given to copy a term that was erased.
-define(COLLECT_MS, 3_000).
%% How long a peer is given to end.
-define(END_MS, 20_000).
%% Allocators that may have 128 MB together.
-define(CAPPED, ["+Musac", "false", "+MMsco", "true", "+MMscs", "128"]).
-define(SIGNAL_REASONS, [normal, shutdown, kill, killed, noproc, boom]).

%%% Exit signals, links, monitors

%% Give a process an exit signal of every reason by one mechanism, not trapping exits and trapping;
%% and, for comparison, by another one (`beside').
%% Evidence: what became of the receiver, by reason: `survives', or how it died, or the message it
%% got; the receivers' flags.
%% Cost: a few processes, 20 ms.
%% Misread: the reason that a dead receiver shows is its own, not that of the signal.
%% Source: https://www.erlang.org/doc/system/ref_man_processes.html#receiving-exit-signals
-spec exit_signal_table(#{mechanism := binary(), beside => binary()}) -> probe_lib:evidence().
exit_signal_table(#{mechanism := Mechanism} = Args) ->
    Table = fun(By) ->
        #{
            not_trapping => ?SIGNALS:row(By, false, ?SIGNAL_REASONS),
            trapping => ?SIGNALS:row(By, true, ?SIGNAL_REASONS)
        }
    end,
    case Args of
        #{beside := Other} -> (Table(Mechanism))#{beside => Table(Other)};
        _ -> Table(Mechanism)
    end.

%% Bring a process that traps exits the 'EXIT' message of a linked process that ends, and one that
%% a stranger sends with exit/2.
%% Evidence: both messages, whether there was a link, whether the sender lives on.
%% Cost: four processes.
%% Misread: the message itself does not tell the two apart.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#exit/2
-spec forged_exit(probe_lib:args()) -> probe_lib:evidence().
forged_exit(_) ->
    maps:from_list([{How, ?SIGNALS:exit_message(How)} || How <- [by_link, by_exit2]]).

%% Send an exit signal to a process that computes and never waits for a message.
%% Evidence: what it dies of, how far it had counted when exit/2 returned, and how far it came then.
%% Cost: two processes, 10 ms.
%% Misread: time would be the machine's; a turn of the scheduler is 4,000 reductions, a round of the
%% process at least one.
%% Source: https://www.erlang.org/doc/system/ref_man_processes.html#receiving-signals
-spec exit_while_busy(probe_lib:args()) -> probe_lib:evidence().
exit_while_busy(_) ->
    #{
        boom => ?SIGNALS:noticed_while_busy(boom),
        kill => ?SIGNALS:noticed_while_busy(kill)
    }.

%% Kill the first of a row of linked processes, by exit/2 and by its own exit(kill); the last but
%% one traps exits, in a third row it does not.
%% Evidence: for each row the reasons of all that died, what the trapping one was told and by whom,
%% what it was linked to before.
%% Cost: three hundred processes, 20 ms.
%% Misread: the trapping process hears from its neighbour, not from the process that was killed.
%% Source: https://www.erlang.org/doc/system/ref_man_processes.html#sending-exit-signals
-spec kill_chain(#{length_count => pos_integer()}) -> probe_lib:evidence().
kill_chain(Args) ->
    Length = maps:get(length_count, Args, 100),
    ByExit2 = fun(First) -> exit(First, kill) end,
    ByOwnExit = fun(First) -> probe_lib:tell(First, fun(_) -> exit(kill) end) end,
    #{
        by_exit2 => ?LINKS:row_killed(Length, true, ByExit2),
        by_own_exit => ?LINKS:row_killed(Length, true, ByOwnExit),
        nobody_traps => ?LINKS:row_killed(Length, false, ByExit2)
    }.

%% End a process inside try ... catch ... after in several ways.
%% Evidence: by way, whether its catch clause and its after clause ran, and the reason of its exit.
%% Cost: a few processes.
%% Misread: exit/2 to oneself looks like exit/1 and is not: it is a signal, and nothing catches it.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#exit/2
-spec exit_signal_cleanup(probe_lib:args()) -> probe_lib:evidence().
exit_signal_cleanup(_) ->
    #{
        own_exit => ?SIGNALS:cleanup(fun() -> exit(boom) end, none),
        own_exit_kill => ?SIGNALS:cleanup(fun() -> exit(kill) end, none),
        own_error => ?SIGNALS:cleanup(fun() -> error(boom) end, none),
        exit2_self => ?SIGNALS:cleanup(fun() -> exit(self(), boom) end, none),
        signal_boom => ?SIGNALS:cleanup(fun() -> receive never -> ok end end, boom),
        signal_kill => ?SIGNALS:cleanup(fun() -> receive never -> ok end end, kill)
    }.

%% Address a process that is dead, with everything that can be sent to one.
%% Evidence: for each operation what it returns or raises and the message that it leads to; how
%% long was waited where none came.
%% Cost: a few processes, 0.3 s of silence.
%% Misread: only a pid that belonged to this node is checked by link/1 at once.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#link/1
-spec signals_to_the_dead(probe_lib:args()) -> probe_lib:evidence().
signals_to_the_dead(_) ->
    Nobody = beam_fault_tolerance_nobody,
    Operations = #{
        link => fun(Dead) -> link(Dead) end,
        monitor => fun(Dead) -> is_reference(erlang:monitor(process, Dead)) end,
        monitor_name => fun(_) -> is_reference(erlang:monitor(process, Nobody)) end,
        exit2 => fun(Dead) -> exit(Dead, boom) end,
        send => fun(Dead) -> Dead ! hello, true end,
        unlink => fun(Dead) -> unlink(Dead) end,
        send_to_name => fun(_) -> Nobody ! hello, true end
    },
    Told = maps:map(
        fun(_, Operation) ->
            #{
                not_trapping => ?SIGNALS:to_the_dead(Operation, false, ?SILENCE_MS),
                trapping => ?SIGNALS:to_the_dead(Operation, true, ?SILENCE_MS)
            }
        end,
        Operations
    ),
    Told#{silence_ms => ?SILENCE_MS}.

%% From a node that is connected to another, link to and monitor a process of the other that is
%% dead, one that lives when that node is halted, and one of a node that is gone; and a local one
%% that is dead.
%% Evidence: for each what linking brings, trapping exits and not, and what a monitor brings.
%% Cost: two peers, 1.5 s.
%% Misread: a node that is lost may be alive: who is told noconnection knows nothing of the process.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#link/1
-spec remote_ends(probe_lib:args()) -> probe_lib:evidence().
remote_ends(_) ->
    Spec = #{nodes => [here, there], flags => ["-kernel", "dist_auto_connect", "never"]},
    probe_cluster:with(Spec, fun(Cluster) ->
        There = probe_cluster:name(Cluster, there),
        probe_cluster:call(Cluster, here, beam_fault_tolerance_remote, told, [There])
    end).

%% Link and monitor the same process three times; end either side of a link, and either of a
%% monitor.
%% Evidence: how many links or monitors there were after three of them and after one was taken
%% back, how many messages the other's end brought; for each side whether it was attached before and
%% is not after the other's end, and whether it survives.
%% Cost: a dozen processes.
%% Misread: survivors are asked after the link or monitor left their lists, so the signal was
%% handled.
%% Source: https://www.erlang.org/doc/system/ref_man_processes.html#links
-spec links_and_monitors(probe_lib:args()) -> probe_lib:evidence().
links_and_monitors(_) ->
    #{
        three_links => ?LINKS:repeated(links, none),
        three_monitors => ?LINKS:repeated(monitors, none),
        links_less_one => ?LINKS:repeated(links, detach),
        monitors_less_one => ?LINKS:repeated(monitors, detach),
        linking => ?LINKS:survives(links, links, attaching),
        linked => ?LINKS:survives(links, links, other),
        monitoring => ?LINKS:survives(monitors, monitors, attaching),
        monitored => ?LINKS:survives(monitors, monitored_by, other)
    }.

%% Have a process send many messages and end at once; and have twenty processes kill one at the same
%% time, a hundred times.
%% Evidence: by number of messages sent, at which place of the mailbox the 'DOWN' was; how many
%% 'DOWN's the killed ones brought, how many signals had been sent before one came, and how many
%% of them a process gets that traps exits.
%% Cost: 10,000 messages and 2,000 processes, 0.2 s.
%% Misread: the order holds between two processes only; what a third one passes on may come later.
%% Source: https://www.erlang.org/doc/system/ref_man_processes.html#delivery-of-signals
-spec down_order(probe_lib:args()) -> probe_lib:evidence().
down_order(_) ->
    Series = [?RACES:down_after(Count) || Count <- [0, 1, 10, 100, 1000, 10000]],
    #{
        series => Series,
        down_behind_all_messages => lists:all(
            fun(#{sent_count := S, down_place_count := P}) -> P =:= S + 1 end, Series
        ),
        killed_by_many => ?RACES:killed_by_many(100, 20),
        trapping_hears_count => ?RACES:heard_by_one(20)
    }.

%% Take monitors away while the watched process ends, with and without `flush'.
%% Evidence: how often the monitor was there and how often its message, by what demonitor/2 says;
%% messages left in the mailbox.
%% Cost: 1,000 processes, 0.2 s.
%% Misread: which came first is a race; the time that is waited is steered so that both happen.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#demonitor/2
-spec demonitor_flush(probe_lib:args()) -> probe_lib:evidence().
demonitor_flush(_) ->
    #{
        without_flush => ?RACES:demonitors(500, []),
        with_flush => ?RACES:demonitors(500, [flush])
    }.

%% Remove links while the linked process ends, and do nothing to as many.
%% Evidence: 'EXIT' messages that were there when unlink/1 had returned, and those that came later.
%% Cost: 1,000 processes, 0.2 s.
%% Misread: which came first is a race; the time that is waited is steered so that both happen.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#unlink/1
-spec unlink_guarantee(probe_lib:args()) -> probe_lib:evidence().
unlink_guarantee(_) ->
    #{
        unlinked => ?RACES:unlinks(500, fun(Pid) -> unlink(Pid) end),
        still_linked => ?RACES:unlinks(500, fun(_) -> true end)
    }.

%% Be linked to processes that crash at once, by spawn_link/1 and by link/1 after spawn/1.
%% Evidence: how often the crash's reason came and how often noproc.
%% Cost: 1,000 processes, 0.2 s.
%% Misread: which came first is a race; the time that is waited is steered so that both happen.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#spawn_link/1
-spec spawn_then_link(probe_lib:args()) -> probe_lib:evidence().
spawn_then_link(_) ->
    #{
        spawn_link => ?RACES:links(500, linked),
        spawn_then_link => ?RACES:links(500, late)
    }.

%% End processes by return, exit, error and throw, and by signals from outside, plain processes and
%% ones of proc_lib.
%% Evidence: the reason of each exit (a stack trace as `stack') and the log events that it caused.
%% Cost: two dozen processes and log events, kept off the VM's own log.
%% Misread: a handler's filters decide what a log shows; counted is what reached a handler without
%% any.
%% Source: https://www.erlang.org/doc/system/errors.html#exit-reasons
-spec exit_reasons_by_class(probe_lib:args()) -> probe_lib:evidence().
exit_reasons_by_class(_) ->
    Ends = #{
        return => {fun() -> ok end, none},
        exit_normal => {fun() -> exit(normal) end, none},
        exit_shutdown => {fun() -> exit({shutdown, asked}) end, none},
        exit_boom => {fun() -> exit(boom) end, none},
        exit_killed => {fun() -> exit(killed) end, none},
        error_boom => {fun() -> error(boom) end, none},
        throw_boom => {fun() -> throw(boom) end, none},
        signal_boom => {fun() -> ok end, {signal, boom}},
        signal_kill => {fun() -> ok end, {signal, kill}},
        signal_shutdown => {fun() -> ok end, {signal, {shutdown, asked}}}
    },
    maps:map(
        fun(_, {Body, Signal}) ->
            {Reason, Plain} = ?SIGNALS:logged_end(plain, Body, Signal),
            {_, ProcLib} = ?SIGNALS:logged_end(proc_lib, Body, Signal),
            #{
                exit_reason => ?SIGNALS:shape(Reason),
                plain_log_count => Plain,
                proc_lib_log_count => ProcLib
            }
        end,
        Ends
    ).

%% Crash a thousand processes in many ways beside one that is linked to none and one that is linked.
%% Evidence: what they died of, and how many of each; what the survivor knew before and knows still;
%% what the linked one died of.
%% Cost: 1,000 processes, 30 ms.
%% Misread: survives what plain Erlang code does; the probes of limits show what ends the VM.
%% Source: https://www.erlang.org/doc/system/ref_man_processes.html#error-handling
-spec unlinked_bystander(probe_lib:args()) -> probe_lib:evidence().
unlinked_bystander(_) ->
    {Evidence, _} = probe_capture:with_log(fun() ->
        Known = fun(S) -> {S, S} end,
        Bystander = probe_lib:subject([]),
        Linked = probe_lib:subject([]),
        _ = probe_lib:ask(Bystander, fun(_) -> {ok, remembered} end),
        Before = probe_lib:ask(Bystander, Known),
        Bodies = [fun() -> exit(boom) end, fun() -> exit(self(), kill) end],
        Failures = [fun() -> error(boom) end, fun() -> throw(boom) end],
        Expected = [
            <<"boom">>, <<"killed">>, <<"boom with stack">>, <<"{nocatch,boom} with stack">>
        ],
        Reasons = [
            ?SIGNALS:shape(?SIGNALS:watched(Body))
         || Body <- lists:append(lists:duplicate(500, Bodies)) ++ Failures
        ],
        Crasher = probe_lib:ask(Linked, fun(S) -> {spawn_link(?SIGNALS:exit_reason(boom)), S} end),
        Gone = probe_lib:monitored(Linked),
        Crasher ! go,
        LinkedReason = probe_lib:gone(Gone, ?DEADLINE_MS),
        After = probe_lib:ask(Bystander, Known),
        probe_lib:kill_all([Bystander, Linked]),
        #{
            crash_counts => counted(Reasons, Expected),
            state_before => Before,
            state_after => After,
            linked_dies_reason => LinkedReason
        }
    end),
    Evidence.

%% How often each value is in a list, and 0 for those that should be in it.
counted(Values, Expected) ->
    lists:foldl(
        fun(Value, Counts) -> maps:update_with(Value, fun(N) -> N + 1 end, 1, Counts) end,
        maps:from_list([{Value, 0} || Value <- Expected]),
        Values
    ).

%% Call a server that crashes in the call, that stops in it, that is dead, that answers too late;
%% cast to one that crashes.
%% Evidence: by case, the class and reason that the caller sees, and whether the server survives;
%% what becomes of the work and the answer of the late one.
%% Cost: five servers, 60 ms.
%% Misread: the callers are not linked to the servers: what they see is gen_server:call/3's own
%% exit.
%% Source: https://www.erlang.org/doc/apps/stdlib/gen_server.html#call/3
-spec call_failure(probe_lib:args()) -> probe_lib:evidence().
call_failure(_) ->
    {Evidence, _} = probe_capture:with_log(fun() ->
        Dead = fun(Pid) -> probe_lib:kill_and_wait(Pid), gen_server:call(Pid, get) end,
        Cast = fun(Pid) ->
            Ref = erlang:monitor(process, Pid),
            gen_server:cast(Pid, {exit, boom}),
            boom = ?SIGNALS:ended(Pid, Ref)
        end,
        #{
            crash => ?SERVERS:called(fun(Pid) -> gen_server:call(Pid, {stop, boom}) end),
            stop => ?SERVERS:called(fun(Pid) -> gen_server:call(Pid, {stop, normal}) end),
            dead => ?SERVERS:called(Dead),
            cast => ?SERVERS:called(Cast),
            timeout => ?SERVERS:timed_out()
        }
    end),
    Evidence.

%% Call a process that never answers, without a timeout.
%% Evidence: how long the caller waited.
%% Cost: 5 s of waiting.
%% Misread: a busy machine adds to it; it never takes away.
%% Source: https://www.erlang.org/doc/apps/stdlib/gen_server.html#call/2
-spec call_default_timeout(probe_lib:args()) -> probe_lib:evidence().
call_default_timeout(_) ->
    #{waited_ms => ?SERVERS:default_timeout_ms(20_000)}.

%% Have a process call itself, with a timeout of 200 ms.
%% Evidence: what it sees.
%% Cost: one process, 200 ms where it times out.
%% Misread: a server that calls itself through another server is not found out.
%% Source: https://www.erlang.org/doc/apps/stdlib/gen_server.html#call/3
-spec call_to_oneself(probe_lib:args()) -> probe_lib:evidence().
call_to_oneself(_) ->
    probe_lib:in_process(fun() ->
        #{class := Class, reason := Said} =
            probe_lib:error_class(fun() -> gen_server:call(self(), hello, 200) end),
        #{class => Class, reason => if is_tuple(Said) -> element(1, Said); true -> Said end}
    end).

%% Bring a gen_server that traps exits the end of its parent, the end of another process that it is
%% linked to, and an exit signal of a stranger.
%% Evidence: by sender, what the server was told, whether it lives on, whether terminate/2 ran.
%% Cost: three servers.
%% Misread: a gen_server that does not trap exits never gets to choose.
%% Source: https://www.erlang.org/doc/apps/stdlib/gen_server.html#c:terminate/2
-spec exit_at_a_server(probe_lib:args()) -> probe_lib:evidence().
exit_at_a_server(_) ->
    {Evidence, _} = probe_capture:with_log(fun() ->
        maps:from_list([{From, ?SERVERS:told_of_end(From)} || From <- [parent, linked, stranger]])
    end),
    Evidence.

%% Send a message and a cast to a server whose module has neither handle_info/2 nor handle_cast/2.
%% Evidence: whether it survives, what it dies of, and what is logged.
%% Cost: two servers.
%% Misread: the compiler warns of a missing handle_cast/2 where -behaviour is given, not of the
%% other.
%% Source: https://www.erlang.org/doc/apps/stdlib/gen_server.html#c:handle_info/2
-spec missing_callbacks(probe_lib:args()) -> probe_lib:evidence().
missing_callbacks(_) ->
    #{
        message => ?SERVERS:without_callbacks(fun(Pid) -> Pid ! hello end),
        cast => ?SERVERS:without_callbacks(fun(Pid) -> gen_server:cast(Pid, hello) end)
    }.

%%% Supervisors, and what letting it crash costs and gives

%% Spoil the state of a supervised worker and crash it: one with a state of its own, one that reads
%% its state from a table that outlives it.
%% Evidence: pids and states before and after, also of a sibling; how often the other one starts
%% well and fails to, and what its supervisor does.
%% Cost: two small trees, 10 ms.
%% Misread: the restarted worker is another process: only who goes by its name finds it.
%% Source: https://www.erlang.org/doc/apps/stdlib/supervisor.html
-spec restart_state(probe_lib:args()) -> probe_lib:evidence().
restart_state(_) ->
    {Evidence, _} = probe_capture:with_log(fun() ->
        #{own_state => ?RESTARTS:own_state(), outside_state => ?RESTARTS:outside_state(3)}
    end),
    Evidence.

%% Crash a worker again and again until its supervisor gives up, for intensities from 0 on.
%% Evidence: by intensity, crashes that were answered by a restart and the exit reason of the
%% supervisor.
%% Cost: 40 restarts, 20 ms.
%% Misread: the period is an hour here, so all crashes count.
%% Source: https://www.erlang.org/doc/apps/stdlib/supervisor.html#module-restart-intensity-and-period
-spec restart_intensity(probe_lib:args()) -> probe_lib:evidence().
restart_intensity(_) ->
    {Series, _} = probe_capture:with_log(fun() ->
        [
            (?RESTARTS:until_given_up(#{intensity => I, period => 3600}))#{intensity_count => I}
         || I <- lists:seq(0, 8)
        ]
    end),
    #{
        series => Series,
        restart_counts => [Restarts || #{restart_count := Restarts} <- Series],
        exit_reasons => lists:usort([Reason || #{exit_reason := Reason} <- Series])
    }.

%% Start supervisors whose flags and children's specifications say nothing.
%% Evidence: how many crashes are answered, which children come back when the second of three
%% crashes, and what a specification says that names only an id and a start.
%% Cost: six small trees.
%% Misread: the default of the period takes time to see; restart_period/1 has it.
%% Source: https://www.erlang.org/doc/apps/stdlib/supervisor.html#t:sup_flags/0
-spec supervisor_defaults(probe_lib:args()) -> probe_lib:evidence().
supervisor_defaults(_) ->
    {Evidence, _} = probe_capture:with_log(fun() -> ?RESTARTS:defaults() end),
    Evidence.

%% Crash a worker twice under intensity 1 and period 1: the second time later than a second, but
%% within the next second of the clock; and sooner, but in the second after that. Crash it twice
%% under the defaults, with five and with six full seconds between.
%% Evidence: for each, the distance of the crashes in ms and in seconds of the clock, and whether
%% the supervisor survives. Only rounds count in which each crash and its restart fell into the
%% clock's second that was meant.
%% Cost: 7 to 8 s of waiting.
%% Misread: the clock is erlang:monotonic_time/1 in whole seconds, so its phase decides.
%% Source: https://github.com/erlang/otp/blob/OTP-27.0/lib/stdlib/src/supervisor.erl (add_restart/3)
-spec restart_period(probe_lib:args()) -> probe_lib:evidence().
restart_period(_) ->
    One = #{intensity => 1, period => 1},
    Cases = #{
        long_gap => {One, #{first_ms => 50, second_ms => 1700, gap_ms => {1200, 2000}}},
        short_gap => {One, #{first_ms => 700, second_ms => 2050, gap_ms => {1000, 1600}}},
        default_five => {#{}, #{first_ms => 400, second_ms => 5400, gap_ms => {4500, 5500}}},
        default_six => {#{}, #{first_ms => 400, second_ms => 6400, gap_ms => {5500, 6500}}}
    },
    {Evidence, _} = probe_capture:with_log(fun() ->
        at_once(
            fun(Name) ->
                {Flags, Plan} = maps:get(Name, Cases),
                ?RESTARTS:two_crashes(Flags, Plan)
            end,
            maps:keys(Cases)
        )
    end),
    Evidence.

%% Crash one worker below a column of supervisors of one intensity until the topmost gives up.
%% Evidence: by depth of the column, how many crashes that took, the topmost's exit reason, and
%% those of the supervisors below it.
%% Cost: 30 crashes, 30 ms.
%% Misread: crashes far apart never escalate; here all fall within every supervisor's period.
%% Source: https://www.erlang.org/doc/system/sup_princ.html#maximum-restart-intensity
-spec escalation(#{intensity => non_neg_integer()}) -> probe_lib:evidence().
escalation(Args) ->
    Intensity = maps:get(intensity, Args, 1),
    Series = [?RESTARTS:column_crashed(Depth, Intensity) || Depth <- [1, 2, 3, 4]],
    #{
        series => Series,
        crash_counts => [Crashes || #{crash_count := Crashes} <- Series],
        top_exit_reasons => lists:usort([Reason || #{top_exit_reason := Reason} <- Series]),
        inner_exit_reasons => lists:usort(
            lists:append([Reasons || #{inner_exit_reasons := Reasons} <- Series])
        )
    }.

%% Let a supervisor give up that is itself a permanent, transient or temporary child.
%% Evidence: by restart type, what its parent has in its place, whether that survives, and what
%% each of the two reports.
%% Cost: three trees, 20 ms.
%% Misread: the parent sees `shutdown', which for a transient child is no failure.
%% Source: https://www.erlang.org/doc/apps/stdlib/supervisor.html#t:restart/0
-spec supervisor_as_child(probe_lib:args()) -> probe_lib:evidence().
supervisor_as_child(_) ->
    maps:from_list([
        {Type, ?RESTARTS:given_up_below(Type)}
     || Type <- [permanent, transient, temporary]
    ]).

%% Start and stop five children; each waits in terminate/2 until it is told to go on.
%% Evidence: the order of their starts and stops, and how many were being stopped at the same time,
%% of a one_for_one supervisor and of a simple_one_for_one supervisor; how long was waited for more,
%% which is twenty times what the second one took to tell all of its children.
%% Cost: ten workers, 0.4 s.
%% Misread: children that do not trap exits end at once; these trap, so that the order shows.
%% Source: https://www.erlang.org/doc/apps/stdlib/supervisor.html
-spec start_stop_order(probe_lib:args()) -> probe_lib:evidence().
start_stop_order(_) ->
    #{first_batch_told_ms := ToldMs} =
        Simple = ?STOPS:stop_slowly(simple_one_for_one, 5, ?SILENCE_MS),
    #{
        one_for_one => ?STOPS:stop_slowly(one_for_one, 5, ?SILENCE_MS + ceil(20 * ToldMs)),
        simple_one_for_one => Simple
    }.

%% Stop children that ignore shutdown, with timeouts from 1 to 200 ms and brutal_kill, and some that
%% obey; and kill some by hand, which is what stopping takes at least.
%% Evidence: by timeout, the reason of the child's death and how long beyond the timeout it took;
%% medians of the times of the others, as multiples of a kill by hand.
%% Cost: 0.5 s.
%% Misread: `beyond' holds the machine's own delay; it is never negative.
%% Source: https://www.erlang.org/doc/apps/stdlib/supervisor.html#t:shutdown/0
-spec shutdown_timeout(probe_lib:args()) -> probe_lib:evidence().
shutdown_timeout(_) ->
    {Evidence, _} = probe_capture:with_log(fun() ->
        Series = [
            (?STOPS:stopped(start_stubborn, Ms))#{timeout_ms => Ms}
         || Ms <- [1, 20, 50, 100, 200]
        ],
        Beyond = [Waited - Ms || #{timeout_ms := Ms, waited_ms := Waited} <- Series],
        #{brutal_kill := Brutal, obeying := Obeying, by_hand := ByHand} = ?STOPS:stop_times(31),
        #{
            series => Series,
            reasons => lists:usort([Reason || #{exit_reason := Reason} <- Series]),
            beyond_timeout_ms => Beyond,
            least_beyond_timeout_ms => lists:min(Beyond),
            kill_by_hand_ms => ByHand,
            brutal_kill_over_kill_by_hand_ratio => Brutal / ByHand,
            obeying_over_kill_by_hand_ratio => Obeying / ByHand
        }
    end),
    Evidence.

%% End a gen_server in every way, trapping exits and not.
%% Evidence: by way, whether terminate/2 ran.
%% Cost: a dozen servers.
%% Misread: trapping exits helps against the parent's shutdown only, not against kill.
%% Source: https://www.erlang.org/doc/apps/stdlib/gen_server.html#c:terminate/2
-spec terminate_callback(probe_lib:args()) -> probe_lib:evidence().
terminate_callback(_) ->
    Ways = #{
        stop => fun(Pid) -> normal = ?TREES:crash(Pid, normal) end,
        error => fun(Pid) -> {boom, _} = ?TREES:crash(Pid, {raise, boom}) end,
        parent_shutdown => fun(Pid) -> exit(Pid, shutdown) end,
        kill => fun(Pid) -> exit(Pid, kill) end
    },
    {Evidence, _} = probe_capture:with_log(fun() ->
        process_flag(trap_exit, true),
        #{
            trapping => maps:map(fun(_, Way) -> ?STOPS:terminate_ran(true, Way) end, Ways),
            not_trapping => maps:map(fun(_, Way) -> ?STOPS:terminate_ran(false, Way) end, Ways)
        }
    end),
    Evidence.

%% Crash the second of three children under each strategy.
%% Evidence: by strategy, which children were started again, in order.
%% Cost: four trees.
%% Misread: the others of one_for_all and rest_for_one did not crash: they were stopped first.
%% Source: https://www.erlang.org/doc/system/sup_princ.html#restart-strategy
-spec restart_strategies(probe_lib:args()) -> probe_lib:evidence().
restart_strategies(_) ->
    Strategies = [one_for_one, one_for_all, rest_for_one, simple_one_for_one],
    {Evidence, _} = probe_capture:with_log(fun() ->
        maps:from_list([{Strategy, ?RESTARTS:restarted(Strategy)} || Strategy <- Strategies])
    end),
    Evidence.

%% End children of each restart type with each kind of reason.
%% Evidence: by type and reason, whether the child was started again.
%% Cost: 15 trees.
%% Misread: a reason `killed' is abnormal, so a transient child that was killed comes back.
%% Source: https://www.erlang.org/doc/apps/stdlib/supervisor.html#t:restart/0
-spec restart_types(probe_lib:args()) -> probe_lib:evidence().
restart_types(_) ->
    Reasons = #{
        normal => normal,
        shutdown => shutdown,
        shutdown_term => {shutdown, asked},
        boom => boom,
        killed => killed
    },
    {Evidence, _} = probe_capture:with_log(fun() ->
        maps:from_list([
            {Type, maps:map(fun(_, Reason) -> ?RESTARTS:comes_back(Type, Reason) end, Reasons)}
         || Type <- [permanent, transient, temporary]
        ])
    end),
    Evidence.

%% End two significant children one after the other under each auto_shutdown.
%% Evidence: whether the supervisor survives the first and the second end, its reason, what it says
%% to a significant child that is permanent, and to one under `never'.
%% Cost: five trees.
%% Misread: only transient and temporary children can be significant.
%% Source: https://www.erlang.org/doc/apps/stdlib/supervisor.html#module-automatic-shutdown
-spec auto_shutdown(probe_lib:args()) -> probe_lib:evidence().
auto_shutdown(_) ->
    {Evidence, _} = probe_capture:with_log(fun() ->
        #{
            any_significant => ?RESTARTS:significant_ends(any_significant),
            all_significant => ?RESTARTS:significant_ends(all_significant),
            never => ?RESTARTS:refused(never, temporary),
            permanent => ?RESTARTS:refused(any_significant, permanent)
        }
    end),
    Evidence.

%% Kill a supervisor that has a plain child, a gen_server that traps exits and a process that traps
%% and ignores them.
%% Evidence: by child, whether it outlives its supervisor, and what it died of.
%% Cost: one tree.
%% Misread: an orphan is not restarted, not stopped and in nobody's list any more.
%% Source: https://www.erlang.org/doc/apps/stdlib/supervisor.html#module-supervision-principles
-spec supervisor_killed(probe_lib:args()) -> probe_lib:evidence().
supervisor_killed(_) ->
    {Evidence, _} = probe_capture:with_log(fun() -> ?STOPS:orphaned() end),
    Evidence.

%% Start a supervisor whose second child cannot start, with an intensity of 0 and of 7; and let a
%% running child fail to start again.
%% Evidence: which child failed, whether the first one was stopped, how often the failing start was
%% tried; the tries of the restart, and the time between two of them as a multiple of a failing
%% start that was asked for.
%% Cost: three trees.
%% Misread: at first start no intensity applies; at a restart each failed try counts as one more.
%% Source: https://github.com/erlang/otp/blob/OTP-27.0/lib/stdlib/src/supervisor.erl
-spec failed_start(probe_lib:args()) -> probe_lib:evidence().
failed_start(_) ->
    {Evidence, _} = probe_capture:with_log(fun() ->
        #{
            intensity_0 => ?STARTS:first_start_fails(0),
            intensity_7 => ?STARTS:first_start_fails(7),
            restart => ?STARTS:restart_fails(7)
        }
    end),
    Evidence.

%% Crash a worker as soon as it is back, 240 times, and have as many crash and be started by hand in
%% between.
%% Evidence: the median time from crash to start, as a multiple of that by hand in the same round,
%% in all and for each of eight parts of the series; the exponent by which these multiples grow with
%% the number of the restart.
%% Cost: 480 starts, 0.2 s.
%% Misread: absolute times are the machine's, and change with it from one part to the next; a delay
%% that grows shows in the exponent.
%% Source: https://github.com/erlang/otp/blob/OTP-27.0/lib/stdlib/src/supervisor.erl (restart/2)
-spec restart_backoff(probe_lib:args()) -> probe_lib:evidence().
restart_backoff(_) ->
    {Restarts, ByHand} = ?STARTS:restart_times(240),
    Ratios = [Restart / Hand || {Restart, Hand} <- lists:zip(Restarts, ByHand)],
    Series = [
        {30 * Part + 15, probe_measure:median(lists:sublist(Ratios, 30 * Part + 1, 30))}
     || Part <- lists:seq(0, 7)
    ],
    #{
        series => probe_measure:samples(restart_count, over_by_hand_ratio, Series),
        growth_exponent => probe_measure:growth_exponent(Series),
        median_restart_us => probe_measure:median(Restarts),
        restart_over_by_hand_ratio => probe_measure:median(Ratios)
    }.

%% Let a supervised gen_server fail, and have one answer an error tuple instead.
%% Evidence: log events and their labels, for a crash, for an end with {shutdown, _} of a permanent
%% and of a transient child, and for error tuples; the time of a crash with its restart as a
%% multiple of the tuple's.
%% Cost: 40 restarts, 60 ms; events are kept off the VM's own log.
%% Misread: the time of a restart is without writing a log: a real handler adds its own.
%% Source: https://www.erlang.org/doc/system/error_logging.html
-spec crash_cost(probe_lib:args()) -> probe_lib:evidence().
crash_cost(_) ->
    Rounds = 20,
    {CrashUs, Crashes} = ?SERVERS:failing({exit, {raise, boom}}, Rounds),
    {ErrorUs, Errors} = probe_capture:with_log(fun() -> ?SERVERS:error_tuple_us() end),
    #{
        crash_log_labels => lists:usort(?SERVERS:labels(Crashes)),
        crash_log_count => length(Crashes) / Rounds,
        permanent_shutdown_log_labels => ?SERVERS:logged_end(permanent, {shutdown, asked}),
        transient_shutdown_log_labels => ?SERVERS:logged_end(transient, {shutdown, asked}),
        error_tuple_log_count => length(Errors),
        crash_us => CrashUs,
        error_tuple_us => ErrorUs,
        crash_over_error_tuple_ratio => CrashUs / ErrorUs
    }.

%% Crash servers whose states grow, and format what they log as the default handler would.
%% Evidence: by size of the state, bytes of log text, and the exponent of growth; whether the last
%% element of the state is in the text; the same with a limit.
%% Cost: eight crashes and their formatting, 200 ms.
%% Misread: `chars_limit' and `depth' of the formatter, or format_status, cut it: the default does
%% not.
%% Source: https://www.erlang.org/doc/apps/kernel/logger_formatter.html
-spec crash_log_growth(probe_lib:args()) -> probe_lib:evidence().
crash_log_growth(_) ->
    Sizes = [1000, 3000, 10000, 30000],
    Logged = fun(Size, Formatter) ->
        {Bytes, Last} = ?SERVERS:log_of_state(Size, Formatter),
        #{state_elements_count => Size, log_bytes => Bytes, last_element_in_it => Last}
    end,
    Exponent = fun(Series) ->
        probe_measure:series_exponent(state_elements_count, log_bytes, Series)
    end,
    Whole = [Logged(Size, #{}) || Size <- Sizes],
    Limited = [Logged(Size, #{chars_limit => 2000}) || Size <- Sizes],
    #{
        series => Whole,
        growth_exponent => Exponent(Whole),
        limited_series => Limited,
        limited_growth_exponent => Exponent(Limited)
    }.

%% Send a misspelt request to a server with and to one without catch-all clauses, by call and by
%% cast.
%% Evidence: by server, what the caller gets, whether the server survives, and the log events.
%% Cost: four servers.
%% Misread: the catch-all server is as wrong as the other; it only does not say so.
%% Source: https://www.erlang.org/doc/apps/stdlib/gen_server.html#c:handle_call/3
-spec catch_all_clause(probe_lib:args()) -> probe_lib:evidence().
catch_all_clause(_) ->
    Call = fun(Pid) -> gen_server:call(Pid, {sett, 1}) end,
    Cast = fun(Pid) -> gen_server:cast(Pid, {sett, 1}) end,
    #{
        with_catch_all => #{
            call => ?SERVERS:mistaken(true, Call), cast => ?SERVERS:mistaken(true, Cast)
        },
        without => #{
            call => ?SERVERS:mistaken(false, Call), cast => ?SERVERS:mistaken(false, Cast)
        }
    }.

%% Ask OTP for what is not there, in ways where that is expected and where it is a mistake.
%% Evidence: by condition, whether it came back as a value or was raised, and which.
%% Cost: one refused connection over loopback.
%% Misread: the same absence can be either: the API that is called says what the caller expects.
%% Source: https://www.erlang.org/doc/system/errors.html
-spec expected_conditions(probe_lib:args()) -> probe_lib:evidence().
expected_conditions(_) ->
    Missing = filename:join(probe_capture:scratch(), "beam_fault_tolerance_missing"),
    Conditions = #{
        missing_file => fun() -> file:read_file(Missing) end,
        refused_connection => fun refused_connection/0,
        missing_application => fun() -> application:load(beam_fault_tolerance_missing) end,
        missing_module => fun() -> code:load_file(beam_fault_tolerance_missing) end,
        bad_expression => fun() -> erl_scan:string("'open") end,
        missing_key_find => fun() -> maps:find(key, #{}) end,
        missing_key_get => fun() -> maps:get(key, maps:from_list([])) end,
        text_as_number => fun() -> list_to_integer(atom_to_list(node())) end,
        missing_table => fun() -> ets:lookup(beam_fault_tolerance_missing, key) end
    },
    maps:map(
        fun(_, Condition) ->
            #{class := Class, reason := Reason} = probe_lib:error_class(Condition),
            #{class => Class, text => condition(Reason)}
        end,
        Conditions
    ).

condition({error, {Reason, _}}) when is_list(Reason) ->
    probe_capture:text("{error, ~ts}", [Reason]);
condition({error, Reason, _}) ->
    probe_capture:text("{error, ~ts, _}", [probe_capture:reason(element(2, Reason))]);
condition(Reason) ->
    probe_capture:reason(Reason).

%% Connect to a port of this machine that was in use a moment ago and is closed now.
refused_connection() ->
    {ok, Listener} = gen_tcp:listen(0, [{ip, {127, 0, 0, 1}}]),
    {ok, Port} = inet:port(Listener),
    ok = gen_tcp:close(Listener),
    gen_tcp:connect({127, 0, 0, 1}, Port, [], ?DEADLINE_MS).

%%% What breaks isolation, and what does not

%% Write a table from a process that is not its owner, by access; crash a writer between two writes.
%% Evidence: by access, what another process may do; two accounts before a transfer that crashed
%% half way, and after it.
%% Cost: four tables.
%% Misread: what a process read is its own copy; only the table is shared.
%% Source: https://www.erlang.org/doc/apps/stdlib/ets.html#new/2
-spec ets_shared(probe_lib:args()) -> probe_lib:evidence().
ets_shared(_) ->
    Access = [{Kind, ?ISOLATION:ets_access(Kind)} || Kind <- [public, protected, private]],
    (maps:from_list(Access))#{half_done => ?ISOLATION:half_done()}.

%% Kill the owners of tables: without heir, with a living heir, with a dead one.
%% Evidence: how many tables there were before and when the 'DOWN' had arrived, what the heir is
%% told, what is in its table then, and who owns it.
%% Cost: 200 tables, 20 ms.
%% Misread: an heir inherits the table, not the right to be told what was half done in it.
%% Source: https://www.erlang.org/doc/apps/stdlib/ets.html#heir
-spec ets_owner(probe_lib:args()) -> probe_lib:evidence().
ets_owner(_) ->
    {Dead, Ref} = spawn_monitor(fun() -> ok end),
    normal = ?SIGNALS:ended(Dead, Ref),
    Orphans = fun(Options) ->
        Tables = [?ISOLATION:orphan(Options) || _ <- lists:seq(1, 100)],
        #{
            before_count => length([there || {true, _, _} <- Tables]),
            left_count => length([left || {_, Left, _} <- Tables, Left =/= gone])
        }
    end,
    {_, Found, Table} = ?ISOLATION:orphan([{heir, self(), inheritance}]),
    Told = receive {'ETS-TRANSFER', Table, _, Data} -> Data after 0 -> nothing end,
    Evidence = #{
        without_heir => Orphans([]),
        with_dead_heir => Orphans([{heir, Dead, none}]),
        heir_is_told => Told,
        heir_finds => Found,
        heir_owns => ets:info(Table, owner) =:= self()
    },
    true = Found =:= gone orelse ets:delete(Table),
    Evidence.

%% Erase a large persistent term that some processes refer to and one does not; put another one in
%% its place; put an equal one.
%% Evidence: by number of holders, by how many words their heaps grew together; the same for the
%% puts, and for a process that does not hold the term; how long was waited for it.
%% Cost: 30 processes with 20,000 words, 0.3 s.
%% Misread: heaps are compared before and after; the VM copies when it gets there, so it is polled.
%% Source: https://www.erlang.org/doc/apps/erts/persistent_term.html
-spec persistent_term_erase(probe_lib:args()) -> probe_lib:evidence().
persistent_term_erase(_) ->
    Words = 20_000,
    Series = [
        ?ISOLATION:holders_grow(erase, Holders, Words, ?COLLECT_MS)
     || Holders <- [1, 2, 4, 8]
    ],
    Slowest = lists:max([Ms || #{waited_ms := Ms} <- Series]),
    EqualMs = min(?SILENCE_MS + 10 * Slowest, ?COLLECT_MS),
    #{
        term_words => Words,
        series => Series,
        growth_exponent => probe_measure:series_exponent(
            holder_count, holders_grow_words, Series
        ),
        least_copies_per_holder_count => lists:min(
            [G div Words div H || #{holder_count := H, holders_grow_words := G} <- Series]
        ),
        bystander_grow_words => lists:max([G || #{bystander_grow_words := G} <- Series]),
        put_other => ?ISOLATION:holders_grow(put_other, 4, Words, ?COLLECT_MS),
        put_equal => ?ISOLATION:holders_grow(put_equal, 4, Words, EqualMs)
    }.

%% Make a large binary in one process and hand 100 bytes of it to two others; kill the maker, have
%% one reader copy its 100 bytes, kill the other one.
%% Evidence: bytes that a reader holds on to at each step, whether both held the same binary, and
%% whether the VM's binary memory fell by as much when the last holder was killed, and how soon.
%% Cost: 32 MB for a moment. Wants a fresh node: one figure is the whole VM's.
%% Misread: parts of up to 64 bytes are copied into messages by later releases, and then keep
%% nothing.
%% Source: https://www.erlang.org/doc/system/binaryhandling.html#reference-counted-binaries
-spec shared_binary(probe_lib:args()) -> probe_lib:evidence().
shared_binary(_) ->
    Bytes = 32_000_000,
    [Maker, Copier, Keeper] = Pids = [probe_lib:subject([]) || _ <- [1, 2, 3]],
    try
        ok = probe_lib:ask(Maker, fun(_) ->
            Whole = binary:copy(<<"x">>, Bytes),
            Part = binary:part(Whole, 7, 100),
            [ok = probe_lib:ask(Pid, fun(_) -> {ok, Part} end) || Pid <- [Copier, Keeper]],
            {ok, Whole}
        end),
        Large = fun(Pid) -> [Id || {Id, Size} <- probe_measure:off_heap(Pid), Size >= Bytes] end,
        Same = Large(Maker) =:= Large(Keeper) andalso Large(Keeper) =/= [],
        killed = probe_lib:kill_and_wait(Maker),
        AfterDeath = probe_measure:off_heap_bytes(Copier),
        ok = probe_lib:ask(Copier, fun(Part) -> {ok, binary:copy(Part)} end),
        true = erlang:garbage_collect(Copier),
        AfterCopy = probe_measure:off_heap_bytes(Copier),
        Before = erlang:memory(binary),
        killed = probe_lib:kill_and_wait(Keeper),
        Freed = fun() -> Before - erlang:memory(binary) >= Bytes end,
        #{settled := Released, waited_ms := WaitedMs} = probe_lib:until(Freed, ?DEADLINE_MS),
        #{
            same_binary => Same,
            held_after_maker_died_bytes => AfterDeath,
            held_after_copy_bytes => AfterCopy,
            released_by_last_death => Released,
            waited_for_release_ms => WaitedMs
        }
    after
        probe_lib:kill_all(Pids)
    end.

%% Ask for more than the VM can give one process, and for names that do not exist yet.
%% Evidence: by request, class and reason of what is raised in the caller; the longest atom; what
%% another process knew before and knows still.
%% Cost: a few atoms, which stay.
%% Misread: raised in the caller means that only the caller has to deal with it; the VM goes on.
%% Source: https://www.erlang.org/doc/system/system_limits.html
-spec system_limits(probe_lib:args()) -> probe_lib:evidence().
system_limits(_) ->
    Name = fun(Length) -> lists:duplicate(Length, $a) end,
    TooLong = fun(Length) ->
        #{class := Class} = probe_lib:error_class(fun() -> list_to_atom(Name(Length)) end),
        Class =:= error
    end,
    Unknown = "beam_fault_tolerance_" ++ ref_to_list(make_ref()),
    Requests = #{
        long_atom => fun() -> list_to_atom(Name(256)) end,
        big_integer => fun() -> 1 bsl at_run_time(1 bsl 40) end,
        big_bitstring => fun() -> <<0:(at_run_time(1 bsl 70))>> end,
        big_tuple => fun() -> erlang:make_tuple(at_run_time(1 bsl 27), x) end,
        far_timer => fun() -> erlang:send_after(at_run_time(1 bsl 70), self(), x) end,
        unknown_atom => fun() -> list_to_existing_atom(Unknown) end
    },
    Alone = fun(_, Request) ->
        probe_lib:in_process(fun() -> probe_lib:error_class(Request) end)
    end,
    probe_lib:with_process([], fun(Bystander) ->
        Known = fun() -> probe_lib:ask(Bystander, fun(S) -> {S, S} end) end,
        ok = probe_lib:ask(Bystander, fun(_) -> {ok, remembered} end),
        Before = Known(),
        Raised = maps:map(Alone, Requests),
        Raised#{
            longest_atom_characters =>
                probe_measure:first_where(TooLong, lists:seq(250, 260)) - 1,
            bystander_before => Before,
            bystander_after => Known()
        }
    end).

%% Keep the compiler from knowing a number.
at_run_time(Number) ->
    Number + erlang:phash2(self(), 1).

%% Spawn processes until the VM has no place for another one (start it with a low +P).
%% Evidence: class and reason in the caller, how many places were left then, what a server that was
%% told something before knows then, and whether spawning works again when the new ones have gone.
%% Cost: as many processes as +P allows.
%% Misread: the VM rounds +P up to a power of two; a process that catches nothing dies of it.
%% Source: https://www.erlang.org/doc/apps/erts/erl_cmd.html#+P
-spec process_limit(probe_lib:args()) -> probe_lib:evidence().
process_limit(_) ->
    Idle = fun() -> receive stop -> ok end end,
    {Evidence, _} = probe_capture:with_log(fun() ->
        Server = probe_lib:subject([]),
        ok = probe_lib:ask(Server, fun(_) -> {ok, told_before} end),
        {Maker, Made, Raised} = ?ISOLATION:until_refused(fun() -> spawn(Idle) end),
        Full = erlang:system_info(process_count),
        Again = fun() ->
            maps:get(class, probe_lib:error_class(fun() -> spawn(fun() -> ok end) end))
        end,
        AtTheLimit = Again(),
        Knows = probe_lib:ask(Server, fun(S) -> {S, S} end),
        _ = probe_lib:kill_all([Server, Maker | Made]),
        Free = Full - length(Made),
        probe_lib:await(fun() -> erlang:system_info(process_count) =< Free end, ?DEADLINE_MS),
        #{
            raised => Raised,
            made_count => length(Made),
            unused_count => erlang:system_info(process_limit) - Full,
            server_knows => Knows,
            spawn_at_the_limit => AtTheLimit,
            spawn_afterwards => Again()
        }
    end),
    Evidence.

%% Open ports until the VM has no place for another one (start it with a low +Q).
%% Evidence: class and reason in the caller, how many places were left then, whether one more can be
%% opened then, and after one was closed.
%% Cost: as many ports as +Q allows; none of them uses a descriptor.
%% Misread: a descriptor limit of the system (emfile) usually strikes first, as a value.
%% Source: https://www.erlang.org/doc/apps/erts/erl_cmd.html#+Q
-spec port_limit(probe_lib:args()) -> probe_lib:evidence().
port_limit(_) ->
    Open = fun() -> open_port({spawn_driver, "udp_inet"}, [binary]) end,
    {Maker, Made, Raised} = ?ISOLATION:until_refused(Open),
    Made =/= [] orelse error({setup, {not_refused, Raised}}),
    Full = erlang:system_info(port_count),
    Again = fun() ->
        maps:get(class, probe_lib:ask(Maker, fun(S) -> {probe_lib:error_class(Open), S} end))
    end,
    AtTheLimit = Again(),
    true = probe_lib:ask(Maker, fun(S) -> {port_close(hd(Made)), S} end),
    AfterClose = Again(),
    probe_lib:kill_and_wait(Maker),
    Closed = fun() -> [Port || Port <- Made, erlang:port_info(Port) =/= undefined] =:= [] end,
    probe_lib:await(Closed, ?DEADLINE_MS),
    #{
        raised => Raised,
        made_count => length(Made),
        unused_count => erlang:system_info(port_limit) - Full,
        open_at_the_limit => AtTheLimit,
        open_after_close => AfterClose
    }.

%% Create a quarter more tables than the VM's table limit says.
%% Evidence: the limit that the VM names, how many tables it made beyond it, named ones too.
%% Cost: ten thousand tables, 150 ms.
%% Misread: the limit once was hard; now it is only a hint, and memory is what ends it.
%% Source: https://www.erlang.org/doc/apps/stdlib/ets.html
-spec ets_limit(probe_lib:args()) -> probe_lib:evidence().
ets_limit(_) ->
    Limit = erlang:system_info(ets_limit),
    Names = [list_to_atom("beam_fault_tolerance_" ++ integer_to_list(I)) || I <- lists:seq(1, 50)],
    probe_lib:in_process(fun() ->
        Made = [ets:new(unnamed, []) || _ <- lists:seq(1, Limit + Limit div 4)],
        Named = [ets:new(Name, [named_table]) || Name <- Names],
        #{
            limit_count => Limit,
            tables_over_limit_ratio => length(ets:all()) / Limit,
            made_count => length(Made),
            named_made_count => length([Name || Name <- Named, ets:info(Name, size) =:= 0])
        }
    end).

%% Have external programs end by a segmentation fault, by abort and by a kill, with and without
%% `exit_status'.
%% Evidence: what the port's owner is told, trapping exits and not, and whether it survives.
%% Cost: five runs of /bin/sh, 0.6 s.
%% Misread: a status above 128 is 128 plus the signal, if a shell or the VM's forker reports it; a
%% program may also end with such a status by itself.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#open_port/2
-spec port_program_crash(probe_lib:args()) -> probe_lib:evidence().
port_program_crash(_) ->
    Signal = fun(Name) -> "kill -" ++ Name ++ " $$" end,
    #{
        segv => ?ISOLATION:program_ends(Signal("SEGV"), [exit_status], true),
        abrt => ?ISOLATION:program_ends(Signal("ABRT"), [exit_status], true),
        kill => ?ISOLATION:program_ends(Signal("KILL"), [exit_status], true),
        without_status => ?ISOLATION:program_ends(Signal("SEGV"), [], true),
        not_trapping => ?ISOLATION:program_ends(Signal("SEGV"), [], false)
    }.

%% Kill a port behind which a program waits for input, and the owner of such a port.
%% Evidence: for each, whether the program ran before and ends, whether the port is closed, what its
%% owner is told.
%% Cost: two runs of cat, 50 ms.
%% Misread: a program that does not look at its input does not notice that it ended.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#open_port/2
-spec port_links(probe_lib:args()) -> probe_lib:evidence().
port_links(_) ->
    #{
        port_killed => ?ISOLATION:port_ended(port),
        owner_killed => ?ISOLATION:port_ended(owner)
    }.

%% Make new atoms on a peer with a small atom table until there is no room for one more, guarded by
%% catch; and ask another peer for as many unknown atoms that must exist.
%% Evidence: how the first peer ended; how often the second one raised, and how many atoms it made.
%% Cost: two peers, 0.8 s.
%% Misread: the limit in the slogan is the flag's, rounded by the VM as it likes.
%% Source: https://www.erlang.org/doc/system/system_limits.html
-spec atom_table(probe_lib:args()) -> probe_lib:evidence().
atom_table(_) ->
    Flags = ["+t", "65536"],
    Many = fun(Function) -> [Function, 1, 100_000] end,
    Existing = probe_peer:with(#{flags => Flags}, fun(Peer) ->
        Before = probe_peer:call(Peer, erlang, system_info, [atom_count]),
        Raised = probe_peer:call(Peer, ?VMS, many_atoms, Many(list_to_existing_atom)),
        #{
            limit_count => probe_peer:call(Peer, erlang, system_info, [atom_limit]),
            raised_count => Raised,
            atoms_made_count => probe_peer:call(Peer, erlang, system_info, [atom_count]) - Before
        }
    end),
    #{
        new_atoms => ?VMS:after_cast(Flags, ?VMS, many_atoms, Many(list_to_atom)),
        existing_atoms => Existing
    }.

%% Exhaust the memory of peers: by one request that no machine can fulfil, by a growing heap under a
%% cap of the VM's allocators, both guarded by catch; and by the same growth under max_heap_size.
%% Evidence: how each peer ended, or, where it lives on, what the greedy process died of and
%% whether the VM reported the limit.
%% Cost: three peers, 1.5 s, up to 256 MB.
%% Misread: without the cap it is the system that runs out, and its OOM killer leaves no slogan.
%% Source: https://www.erlang.org/doc/apps/erts/erts_alloc.html
-spec memory_exhaustion(probe_lib:args()) -> probe_lib:evidence().
memory_exhaustion(_) ->
    #{
        huge_binary => ?VMS:after_cast([], ?VMS, huge_binary, [1 bsl 59]),
        growing_heap => ?VMS:after_cast(?CAPPED, ?VMS, grow_heap, []),
        growing_heap_limited => under_limit(grow_heap, #{size => 1_000_000})
    }.

%% Fill the memory of capped peers with binaries that a process under max_heap_size holds, with the
%% key include_shared_binaries and without.
%% Evidence: how each peer ended, or, where it lives on, what the process died of and whether the VM
%% reported the limit; whether the setting has the key.
%% Cost: two peers, 1.5 s, up to 128 MB each.
%% Misread: a release that does not know the key takes it without a word.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#process_flag_max_heap_size
-spec binaries_under_limit(probe_lib:args()) -> probe_lib:evidence().
binaries_under_limit(_) ->
    Limit = #{size => 1_000_000},
    #{
        heap_only => under_limit(grow_binaries, Limit),
        with_binaries => under_limit(grow_binaries, Limit#{include_shared_binaries => true})
    }.

%% What becomes of a capped peer on which a process grows under this max_heap_size.
under_limit(Function, Setting) ->
    probe_peer:with(#{flags => ?CAPPED}, fun(Peer) ->
        try probe_peer:call(Peer, ?VMS, limited, [Function, Setting]) of
            Limited -> maps:merge(Limited, ?VMS:how_ended(Peer, ?SILENCE_MS))
        catch
            error:{peer_exited, _} -> ?VMS:how_ended(Peer, ?DEADLINE_MS)
        end
    end).

%% On peers, call native code that behaves, that overwrites a binary which another process holds,
%% that writes to a bad address on a normal and on a dirty scheduler, that calls abort() and
%% _exit(), all guarded by catch. Needs the library built from c_src.
%% Evidence: what the well-behaved one returns, the other process's binary before and after, how
%% each peer ended.
%% Cost: five peers, 2 s.
%% Misread: a crash of native code leaves no crash dump, so there is no slogan.
%% Source: https://www.erlang.org/doc/apps/erts/erl_nif.html
-spec native_code(#{nif_library := binary()}) -> probe_lib:evidence().
native_code(#{nif_library := Library}) ->
    Ends = fun(Function, Args) ->
        with_nif(Library, [], fun(Peer) ->
            probe_peer:cast(Peer, ?VMS, guarded, [Function, Args]),
            ?VMS:how_ended(Peer, ?END_MS)
        end)
    end,
    Alive = with_nif(Library, [], fun(Peer) ->
        {returned, Behaved} = probe_peer:call(Peer, ?VMS, guarded, [behave, []]),
        {Before, After} = probe_peer:call(Peer, ?VMS, scribbled, []),
        #{
            well_behaved => Behaved,
            immutable_before_text => Before,
            immutable_after_text => After
        }
    end),
    Alive#{
        crash => Ends(crash, []),
        crash_dirty => Ends(crash_dirty, []),
        give_up => Ends(give_up, []),
        leave => Ends(leave, [42])
    }.

%% On a peer of two schedulers, kill processes that sleep for 600 ms: in native code on a normal
%% scheduler, on a dirty one, and in a receive. Needs the library built from c_src.
%% Evidence: when each was killed and when its 'DOWN' came, counted from when it fell asleep.
%% Cost: one peer, 1.2 s.
%% Misread: the native code of the second one still runs when its process is long gone.
%% Source: https://www.erlang.org/doc/apps/erts/erl_nif.html#dirty_nifs
-spec kill_in_native_code(#{nif_library := binary()}) -> probe_lib:evidence().
kill_in_native_code(#{nif_library := Library}) ->
    with_nif(Library, ["+S", "2:2"], fun(Peer) ->
        maps:from_list([
            {Where, probe_peer:call(Peer, ?VMS, killed_in, [Where, 600])}
         || Where <- [nap, nap_dirty, waiting]
        ])
    end).

%% A peer with the native library loaded.
with_nif(Library, Flags, Fun) ->
    probe_native:with(#{flags => Flags}, beam_fault_tolerance_nif, Library, Fun).

%% Kill processes of OTP itself by name, each on a peer of its own, three at a time.
%% Evidence: by name, how the VM ended; or, where it lives on, what the process died of, who has its
%% name two seconds later, and whether the VM still answers then. What kernel_sup tolerates.
%% Cost: fourteen peers, 8 s.
%% Misread: a VM that lives on may be crippled all the same.
%% Source: https://www.erlang.org/doc/apps/kernel/kernel_app.html
-spec system_process_kill(#{names := [binary()]}) -> probe_lib:evidence().
system_process_kill(#{names := Names}) ->
    Killed = three_at_once(fun ?VMS:after_kill_of/1, [binary_to_atom(Name, utf8) || Name <- Names]),
    Kernel = probe_peer:with(#{}, fun(Peer) -> probe_peer:call(Peer, ?VMS, kernel_sup, []) end),
    Killed#{tolerance => Kernel}.

three_at_once(Fun, [A, B, C | Keys]) ->
    maps:merge(at_once(Fun, [A, B, C]), three_at_once(Fun, Keys));
three_at_once(Fun, Keys) ->
    at_once(Fun, Keys).

%% Evaluate Fun of each key at the same time: a map of what it returned.
at_once(Fun, Keys) ->
    Self = self(),
    Evaluate = fun(Key) ->
        try
            {value, Fun(Key)}
        catch
            Class:Reason:Stack -> {raised, Class, Reason, Stack}
        end
    end,
    Pids = [{Key, spawn_link(fun() -> Self ! {self(), Evaluate(Key)} end)} || Key <- Keys],
    maps:from_list([
        receive
            {Pid, {value, Value}} -> {Key, Value};
            {Pid, {raised, Class, Reason, Stack}} -> erlang:raise(Class, Reason, Stack)
        after ?AT_ONCE_MS -> error({setup, {no_value, Key}})
        end
     || {Key, Pid} <- Pids
    ]).

%% Have the top supervisor of an application give up, on peers where it was started as permanent,
%% transient and temporary.
%% Evidence: by type, how the VM ended, or that it lives on and answers.
%% Cost: three peers at once, 2 s.
%% Misread: application:start/1 starts as temporary; a release starts its applications as permanent.
%% Source: https://www.erlang.org/doc/apps/kernel/application.html#start/2
-spec application_end(probe_lib:args()) -> probe_lib:evidence().
application_end(_) ->
    End = fun(Type) ->
        probe_peer:with(#{}, fun(Peer) ->
            Told = probe_peer:call(Peer, ?VMS, application_ends, [Type]),
            WatchMs = maps:get(Told, #{controller_ended => ?END_MS, controller_goes_on => 1_000}),
            (?VMS:how_ended(Peer, WatchMs))#{application_ended => Told}
        end)
    end,
    at_once(End, [permanent, transient, temporary]).
