%% Probes of exit signals, links, monitors, supervisors, and of what holds and what breaks the
%% isolation of processes. Claims in claims/beam-fault-tolerance.toml.
-module(beam_fault_tolerance).

%% Exit signals, links, monitors.
-export([
    exit_signal_table/1,
    kill_chain/1,
    exit_signal_cleanup/1,
    signals_to_the_dead/1,
    links_and_monitors/1,
    down_order/1,
    demonitor_flush/1,
    unlink_guarantee/1,
    exit_reasons_by_class/1,
    unlinked_bystander/1,
    call_failure/1
]).

%% Supervisors, and what letting it crash costs and gives.
-export([
    restart_state/1,
    restart_intensity/1,
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
    atom_table/1,
    memory_exhaustion/1,
    native_code/1,
    system_process_kill/1,
    application_end/1,
    boot_time/1
]).

-define(SIGNALS, beam_fault_tolerance_signals).
-define(TREES, beam_fault_tolerance_trees).
-define(RESTARTS, beam_fault_tolerance_restarts).
-define(ISOLATION, beam_fault_tolerance_isolation).
-define(DEADLINE_MS, 5_000).
%% Of what runs beside others: as long as the longest probe may take.
-define(AT_ONCE_MS, 85_000).
-define(SIGNAL_REASONS, [normal, shutdown, kill, killed, noproc, boom]).

%%% Exit signals, links, monitors

%% Give a process an exit signal of every reason by one mechanism, not trapping exits and trapping.
%% Evidence: what became of the receiver, by reason: `survives', or how it died, or the message it
%% got.
%% Cost: a few processes, 20 ms.
%% Misread: the reason that a dead receiver shows is its own, not that of the signal.
%% Source: https://www.erlang.org/doc/system/ref_man_processes.html#receiving-exit-signals
-spec exit_signal_table(#{mechanism := binary()}) -> probe_lib:evidence().
exit_signal_table(#{mechanism := Mechanism}) ->
    Row = fun(Trapping) ->
        maps:from_list(
            [{Reason, ?SIGNALS:outcome(Mechanism, Trapping, Reason)} || Reason <- ?SIGNAL_REASONS]
        )
    end,
    #{not_trapping => Row(false), trapping => Row(true)}.

%% Kill the first of a row of linked processes, by exit/2 and by its own exit(kill); the last but
%% one traps exits.
%% Evidence: for each way the reasons of all that died, and who told the trapping one which reason.
%% Cost: a hundred processes, 20 ms.
%% Misread: the trapping process hears from its neighbour, not from the process that was killed.
%% Source: https://www.erlang.org/doc/system/ref_man_processes.html#sending-exit-signals
-spec kill_chain(#{length_count => pos_integer()}) -> probe_lib:evidence().
kill_chain(Args) ->
    Length = maps:get(length_count, Args, 100),
    #{
        by_exit2 => ?SIGNALS:row_killed(Length, fun(First) -> exit(First, kill) end),
        by_own_exit => ?SIGNALS:row_killed(
            Length, fun(First) -> First ! {ask, self(), make_ref(), fun(_) -> exit(kill) end} end
        )
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
%% Evidence: for each operation what it returns or raises and the message that it leads to.
%% Cost: a few processes.
%% Misread: only a pid that belonged to this node is checked by link/1 at once.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#link/1
-spec signals_to_the_dead(probe_lib:args()) -> probe_lib:evidence().
signals_to_the_dead(_) ->
    Operations = #{
        link => fun(Dead) -> link(Dead) end,
        monitor => fun(Dead) -> is_reference(erlang:monitor(process, Dead)) end,
        exit2 => fun(Dead) -> exit(Dead, boom) end,
        send => fun(Dead) -> Dead ! hello, true end,
        unlink => fun(Dead) -> unlink(Dead) end,
        send_to_name => fun(_) -> beam_fault_tolerance_nobody ! hello, true end
    },
    maps:map(
        fun(_, Operation) ->
            #{
                not_trapping => ?SIGNALS:to_the_dead(Operation, false),
                trapping => ?SIGNALS:to_the_dead(Operation, true)
            }
        end,
        Operations
    ).

%% Link and monitor the same process three times; end either side of a link, and either of a
%% monitor.
%% Evidence: messages that one death leads to, after three links or monitors and after one unlink or
%% demonitor; whether the other side survives the death of each side.
%% Cost: a dozen processes.
%% Misread: survivors are asked after the link or monitor left their lists, so the signal was
%% handled.
%% Source: https://www.erlang.org/doc/system/ref_man_processes.html#links
-spec links_and_monitors(probe_lib:args()) -> probe_lib:evidence().
links_and_monitors(_) ->
    Monitor = fun(Pid) -> erlang:monitor(process, Pid) end,
    #{
        exit_message_count => ?SIGNALS:repeated(
            fun(Pid) -> link(Pid), none end, fun(_, _) -> ok end
        ),
        down_message_count => ?SIGNALS:repeated(Monitor, fun(_, _) -> ok end),
        exit_message_after_unlink_count => ?SIGNALS:repeated(
            fun(Pid) -> link(Pid), none end, fun(Pid, _) -> unlink(Pid) end
        ),
        down_message_after_demonitor_count => ?SIGNALS:repeated(
            Monitor, fun(_, Ref) -> erlang:demonitor(Ref) end
        ),
        linker_survives => ?SIGNALS:survives(fun link/1, links, linker),
        linked_survives => ?SIGNALS:survives(fun link/1, links, other),
        watcher_survives => ?SIGNALS:survives(Monitor, monitors, linker),
        watched_survives => ?SIGNALS:survives(Monitor, monitored_by, other)
    }.

%% Have a process send many messages and die at once, while others kill it too.
%% Evidence: by number of messages sent, at which place of the mailbox the 'DOWN' was and how many
%% came.
%% Cost: 10,000 messages, 20 ms.
%% Misread: the order holds between two processes only; what a third one passes on may come later.
%% Source: https://www.erlang.org/doc/system/ref_man_processes.html#delivery-of-signals
-spec down_order(probe_lib:args()) -> probe_lib:evidence().
down_order(_) ->
    Series = [?SIGNALS:down_order_of(Count) || Count <- [0, 1, 10, 100, 1000, 10000]],
    #{
        series => Series,
        down_behind_all_messages => lists:all(
            fun(#{sent_count := S, down_place_count := P}) -> P =:= S + 1 end, Series
        ),
        down_count => lists:usort([Downs || #{down_count := Downs} <- Series])
    }.

%% Take a monitor away when its 'DOWN' is already there, without and with `flush', and race both.
%% Evidence: 'DOWN' messages left in the mailbox, of how many rounds.
%% Cost: 1,000 processes, 30 ms.
%% Misread: a race that leaves nothing without `flush' was only lucky; the sure case has the message
%% there.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#demonitor/2
-spec demonitor_flush(probe_lib:args()) -> probe_lib:evidence().
demonitor_flush(_) ->
    Rounds = 500,
    probe_lib:in_process(fun() ->
        Without = [?SIGNALS:late_demonitor([]) || _ <- lists:seq(1, Rounds)],
        Left = ?SIGNALS:count_messages(),
        With = [?SIGNALS:late_demonitor([flush, info]) || _ <- lists:seq(1, Rounds)],
        Flushed = ?SIGNALS:count_messages(),
        _ = [?SIGNALS:raced_demonitor() || _ <- lists:seq(1, Rounds)],
        #{
            round_count => Rounds,
            left_without_flush_count => Left,
            left_with_flush_count => Flushed,
            left_after_race_with_flush_count => ?SIGNALS:count_messages(),
            without_flush_returns => lists:usort(Without),
            with_flush_and_info_returns => lists:usort(With)
        }
    end).

%% Remove a link while the linked process dies, and one whose 'EXIT' message is already there.
%% Evidence: 'EXIT' messages that came after unlink/1 returned and one look at the mailbox, of so
%% many races; in how many of them the message was there already; and what unlink/1 left when it
%% was.
%% Cost: 1,000 processes, 30 ms.
%% Misread: unlink/1 does not take a message out of the mailbox; it only keeps another from coming.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#unlink/1
-spec unlink_guarantee(probe_lib:args()) -> probe_lib:evidence().
unlink_guarantee(_) ->
    Rounds = 500,
    probe_lib:in_process(fun() ->
        process_flag(trap_exit, true),
        Early = [?SIGNALS:raced_unlink(Round rem 2) || Round <- lists:seq(1, Rounds)],
        Late = ?SIGNALS:count_messages(),
        Pid = spawn_link(fun() -> ok end),
        Told = [{'EXIT', Pid, normal}],
        probe_lib:await(fun() -> ?SIGNALS:mailbox(self()) =:= Told end, ?DEADLINE_MS),
        unlink(Pid),
        #{
            round_count => Rounds,
            already_there_count => lists:sum(Early),
            late_exit_count => Late,
            left_by_unlink_count => ?SIGNALS:count_messages()
        }
    end).

%% End processes by return, exit, error and throw, plain ones and ones of proc_lib.
%% Evidence: the reason of each exit (a stack trace as `stack') and the log events that it caused.
%% Cost: a dozen processes and log events, kept off the VM's own log.
%% Misread: a handler's filters decide what a log shows; counted is what reached a handler without
%% any.
%% Source: https://www.erlang.org/doc/system/errors.html#exit-reasons
-spec exit_reasons_by_class(probe_lib:args()) -> probe_lib:evidence().
exit_reasons_by_class(_) ->
    Bodies = #{
        return => fun() -> ok end,
        exit_normal => fun() -> exit(normal) end,
        exit_shutdown => fun() -> exit({shutdown, asked}) end,
        exit_boom => fun() -> exit(boom) end,
        error_boom => fun() -> error(boom) end,
        throw_boom => fun() -> throw(boom) end
    },
    maps:map(fun(_, Body) ->
        {Plain, PlainLog} = probe_capture:with_log(fun() -> ?SIGNALS:watched(Body) end),
        {_, ProcLibLog} = probe_capture:with_log(fun() -> ?SIGNALS:watched_proc_lib(Body) end),
        #{
            exit_reason => ?SIGNALS:shape(Plain),
            plain_log_count => length(PlainLog),
            proc_lib_log_count => length(ProcLibLog)
        }
    end, Bodies).

%% Crash a thousand processes in many ways beside one that is linked to none and one that is linked.
%% Evidence: how many died, who of the two survived, what the survivor still knows.
%% Cost: 1,000 processes, 30 ms.
%% Misread: survives what plain Erlang code does; the probes of limits show what ends the VM.
%% Source: https://www.erlang.org/doc/system/ref_man_processes.html#error-handling
-spec unlinked_bystander(probe_lib:args()) -> probe_lib:evidence().
unlinked_bystander(_) ->
    {Evidence, _} = probe_capture:with_log(fun() ->
        Bystander = probe_lib:subject([]),
        Linked = probe_lib:subject([]),
        _ = probe_lib:ask(Bystander, fun(_) -> {ok, remembered} end),
        Bodies = [fun() -> exit(boom) end, fun() -> exit(self(), kill) end],
        Failures = [fun() -> error(boom) end, fun() -> throw(boom) end],
        Reasons = [
            ?SIGNALS:watched(Body)
         || Body <- lists:append(lists:duplicate(500, Bodies)) ++ Failures
        ],
        Crasher = probe_lib:ask(Linked, fun(S) -> {spawn_link(?SIGNALS:exit_reason(boom)), S} end),
        Gone = erlang:monitor(process, Linked),
        Crasher ! go,
        [LinkedReason] = ?SIGNALS:downs([Gone]),
        Known = probe_lib:ask(Bystander, fun(S) -> {S, S} end),
        probe_lib:kill_and_wait(Bystander),
        #{
            crash_count => length(Reasons),
            bystander_state => Known,
            linked_dies_reason => LinkedReason
        }
    end),
    Evidence.

%% Call a server that crashes in the call, that is dead, that answers too late; cast to one that
%% crashes.
%% Evidence: by case, the class and reason that the caller sees, and whether the server survives.
%% Cost: four servers, 50 ms.
%% Misread: the callers are not linked to the servers: what they see is gen_server:call/3's own
%% exit.
%% Source: https://www.erlang.org/doc/apps/stdlib/gen_server.html#call/3
-spec call_failure(probe_lib:args()) -> probe_lib:evidence().
call_failure(_) ->
    {Evidence, _} = probe_capture:with_log(fun() ->
        Slow = fun() -> receive after 50 -> ok end end,
        #{
            crash => ?RESTARTS:called(
                fun(Pid) -> gen_server:call(Pid, {run, fun() -> exit(boom) end}) end
            ),
            dead => ?RESTARTS:called(
                fun(Pid) -> probe_lib:kill_and_wait(Pid), gen_server:call(Pid, get) end
            ),
            timeout => ?RESTARTS:called(fun(Pid) -> gen_server:call(Pid, {run, Slow}, 5) end),
            cast => ?RESTARTS:called(
                fun(Pid) ->
                    gen_server:cast(Pid, {exit, boom}),
                    boom = probe_lib:gone(Pid, ?DEADLINE_MS),
                    ok
                end
            )
        }
    end),
    Evidence.

%%% Supervisors, and what letting it crash costs and gives

%% Spoil the state of a supervised worker and crash it: one with a state of its own, one that reads
%% its state from a table that outlives it.
%% Evidence: pids and states before and after, also of a sibling; whether the supervisor survives.
%% Cost: two small trees, 10 ms.
%% Misread: the restarted worker is another process: only who goes by its name finds it.
%% Source: https://www.erlang.org/doc/apps/stdlib/supervisor.html
-spec restart_state(probe_lib:args()) -> probe_lib:evidence().
restart_state(_) ->
    Table = ets:new(beam_fault_tolerance_source, [public]),
    try
        {Evidence, _} = probe_capture:with_log(fun() ->
            #{
                own_state => ?RESTARTS:restart_own_state(),
                outside_state => ?RESTARTS:restart_outside_state(Table)
            }
        end),
        Evidence
    after
        ets:delete(Table)
    end.

%% Crash a worker again and again until its supervisor gives up, for intensities from 0 on and for
%% the supervisor's defaults.
%% Evidence: by intensity, crashes that were answered by a restart and the exit reason of the
%% supervisor.
%% Cost: 20 restarts, 20 ms.
%% Misread: the period is an hour here, so all crashes count.
%% Source: https://www.erlang.org/doc/apps/stdlib/supervisor.html#module-restart-intensity-and-period
-spec restart_intensity(probe_lib:args()) -> probe_lib:evidence().
restart_intensity(_) ->
    {Evidence, _} = probe_capture:with_log(fun() ->
        Series = [
            (?RESTARTS:restarts(#{intensity => I, period => 3600}))#{intensity_count => I}
         || I <- [0, 1, 2, 3, 5, 8]
        ],
        #{
            series => Series,
            crashes_to_give_up_over_intensity_count =>
                lists:usort([R + 1 - I || #{intensity_count := I, restart_count := R} <- Series]),
            exit_reasons => lists:usort([Reason || #{exit_reason := Reason} <- Series]),
            default => ?RESTARTS:restarts(#{})
        }
    end),
    Evidence.

%% Crash a worker twice under intensity 1 and period 1: the second time later than a second, but
%% within the next second of the clock; and sooner, but in the second after that.
%% Evidence: for both, the distance of the crashes in ms and in seconds of the clock, and whether
%% the supervisor survives. Only rounds count in which each crash and its restart fell in one clock
%% second.
%% Cost: 3 to 4 s of waiting.
%% Misread: the clock is erlang:monotonic_time/1 in whole seconds, so its phase decides.
%% Source: https://github.com/erlang/otp/blob/OTP-27.0/lib/stdlib/src/supervisor.erl (add_restart/3)
-spec restart_period(probe_lib:args()) -> probe_lib:evidence().
restart_period(_) ->
    Cases = #{long_gap => {50, 1650}, short_gap => {750, 2050}},
    {Evidence, _} = probe_capture:with_log(fun() ->
        at_once(
            fun(Name) ->
                {First, Second} = maps:get(Name, Cases),
                ?RESTARTS:two_crashes(First, Second, 3)
            end,
            maps:keys(Cases)
        )
    end),
    Evidence.

%% Crash one worker below a column of supervisors of intensity 1 until the topmost gives up.
%% Evidence: by depth of the column, how many crashes that took, and the topmost's exit reason.
%% Cost: 30 crashes, 30 ms.
%% Misread: crashes far apart never escalate; here all fall within every supervisor's period.
%% Source: https://www.erlang.org/doc/system/sup_princ.html#maximum-restart-intensity
-spec escalation(#{intensity => non_neg_integer()}) -> probe_lib:evidence().
escalation(Args) ->
    Intensity = maps:get(intensity, Args, 1),
    Flags = #{intensity => Intensity, period => 3600},
    {Series, _} = probe_capture:with_log(fun() ->
        [
            begin
                {Restarts, Reason} = ?RESTARTS:crash_column(Depth, Flags),
                #{depth_count => Depth, crash_count => Restarts + 1, top_exit_reason => Reason}
            end
         || Depth <- [1, 2, 3, 4]
        ]
    end),
    #{
        series => Series,
        crash_counts => [Crashes || #{crash_count := Crashes} <- Series],
        top_exit_reasons => lists:usort([Reason || #{top_exit_reason := Reason} <- Series])
    }.

%% Let a supervisor give up that is itself a permanent, transient or temporary child.
%% Evidence: by restart type, whether its parent starts it again and survives.
%% Cost: three trees, 20 ms.
%% Misread: the parent sees `shutdown', which for a transient child is no failure.
%% Source: https://www.erlang.org/doc/apps/stdlib/supervisor.html#t:restart/0
-spec supervisor_as_child(probe_lib:args()) -> probe_lib:evidence().
supervisor_as_child(_) ->
    {Evidence, _} = probe_capture:with_log(fun() ->
        maps:from_list([
            {Type, ?RESTARTS:given_up_below(Type)}
         || Type <- [permanent, transient, temporary]
        ])
    end),
    Evidence.

%% Start and stop five children; each waits in terminate/2 until it is told to go on.
%% Evidence: the order of their starts and stops, and how many were being stopped at the same time,
%% of a one_for_one supervisor and of a simple_one_for_one supervisor.
%% Cost: ten workers, 150 ms.
%% Misread: children that do not trap exits end at once; these trap, so that the order shows.
%% Source: https://www.erlang.org/doc/apps/stdlib/supervisor.html
-spec start_stop_order(probe_lib:args()) -> probe_lib:evidence().
start_stop_order(_) ->
    Ids = [1, 2, 3, 4, 5],
    Options = fun(Id) -> #{id => Id, report_to => self(), trap => true, terminate => await_go} end,
    Children = [?TREES:worker(Options(Id), #{}) || Id <- Ids],
    {Started, Stopped, AtOnce} = ?TREES:supervised(
        #{}, Children, fun(Supervisor) -> ?RESTARTS:stop_slowly(Supervisor, 5) end
    ),
    Simple = #{strategy => simple_one_for_one},
    Template = #{id => any, start => {?TREES, start_worker, []}},
    {_, _, SimpleAtOnce} = ?TREES:supervised(Simple, [Template], fun(Supervisor) ->
        [{ok, _} = supervisor:start_child(Supervisor, [Options(Id)]) || Id <- Ids],
        ?RESTARTS:stop_slowly(Supervisor, 5)
    end),
    #{
        start_order => Started,
        stop_order => Stopped,
        stopping_at_once_count => AtOnce,
        simple_one_for_one_stopping_at_once_count => SimpleAtOnce
    }.

%% Stop children that ignore shutdown, with timeouts from 0 to 200 ms and brutal_kill, and one that
%% obeys.
%% Evidence: by timeout, the reason of the child's death and how long beyond the timeout it took;
%% the same for brutal_kill and the obeying one; default timeouts of workers and supervisors.
%% Cost: 0.4 s of waiting.
%% Misread: `beyond' holds the machine's own delay; it is never negative.
%% Source: https://www.erlang.org/doc/apps/stdlib/supervisor.html#t:shutdown/0
-spec shutdown_timeout(probe_lib:args()) -> probe_lib:evidence().
shutdown_timeout(_) ->
    {Evidence, _} = probe_capture:with_log(fun() ->
        Series = [
            (?RESTARTS:stopped(start_stubborn, Ms))#{timeout_ms => Ms}
         || Ms <- [0, 20, 50, 100, 200]
        ],
        #{
            series => Series,
            reasons => lists:usort([Reason || #{exit_reason := Reason} <- Series]),
            beyond_timeout_ms => [
                Waited - Ms
             || #{timeout_ms := Ms, waited_ms := Waited} <- Series
            ],
            brutal_kill => ?RESTARTS:stopped(start_stubborn, brutal_kill),
            obeying => ?RESTARTS:stopped(start_worker, 5000),
            default => #{
                worker_ms => ?RESTARTS:default_shutdown(worker),
                supervisor_ms => ?RESTARTS:default_shutdown(supervisor)
            }
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
        stop => fun(Pid) -> ?TREES:crash(Pid, normal) end,
        error => fun(Pid) -> ?TREES:crash(Pid, {raise, boom}) end,
        parent_shutdown => fun(Pid) -> exit(Pid, shutdown) end,
        kill => fun(Pid) -> exit(Pid, kill) end
    },
    Ran = fun(Trap, Way) ->
        Options = #{id => server, report_to => self(), trap => Trap, terminate => report},
        {ok, Pid} = ?TREES:start_worker(Options),
        Way(Pid),
        _ = probe_lib:gone(Pid, ?DEADLINE_MS),
        receive {terminated, server} -> true after 0 -> false end
    end,
    {Evidence, _} = probe_capture:with_log(fun() ->
        process_flag(trap_exit, true),
        #{
            trapping => maps:map(fun(_, Way) -> Ran(true, Way) end, Ways),
            not_trapping => maps:map(fun(_, Way) -> Ran(false, Way) end, Ways)
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
%% Cost: 12 trees.
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
    {Evidence, _} = probe_capture:with_log(fun() ->
        process_flag(trap_exit, true),
        Children = [
            ?TREES:worker(#{id => plain, report_to => self()}, #{}),
            ?TREES:worker(
                #{id => trapping, report_to => self(), trap => true, terminate => report}, #{}
            ),
            #{
                id => stubborn,
                start => {?TREES, start_stubborn, [#{id => stubborn, report_to => self()}]}
            }
        ],
        {ok, Supervisor} = supervisor:start_link(?TREES, {supervisor, #{}, Children}),
        [Plain, Trapping, Stubborn] = [
            ?TREES:await_started(Id)
         || Id <- [plain, trapping, stubborn]
        ],
        Refs = [erlang:monitor(process, Pid) || Pid <- [Plain, Trapping]],
        killed = probe_lib:kill_and_wait(Supervisor),
        [PlainReason, TrappingReason] = ?SIGNALS:downs(Refs),
        Told = [{'EXIT', Supervisor, killed}],
        probe_lib:await(fun() -> ?SIGNALS:mailbox(Stubborn) =:= Told end, ?DEADLINE_MS),
        Survives = is_process_alive(Stubborn),
        probe_lib:kill_and_wait(Stubborn),
        Terminated = receive {terminated, trapping} -> true after 0 -> false end,
        #{
            plain_dies_reason => PlainReason,
            trapping_gen_server_dies_reason => TrappingReason,
            trapping_gen_server_terminates => Terminated,
            ignoring_process_survives => Survives
        }
    end),
    Evidence.

%% Start a supervisor whose second child cannot start; and let a running child fail to start again.
%% Evidence: what start_link returns, whether the first child was stopped, how often the failing
%% start was tried; and the tries of the restart.
%% Cost: two trees.
%% Misread: at first start no intensity applies; at a restart each failed try counts as one more.
%% Source: https://github.com/erlang/otp/blob/OTP-27.0/lib/stdlib/src/supervisor.erl
-spec failed_start(probe_lib:args()) -> probe_lib:evidence().
failed_start(_) ->
    Tries = counters:new(2, []),
    {Evidence, _} = probe_capture:with_log(fun() ->
        process_flag(trap_exit, true),
        Children = [
            ?TREES:worker(
                #{id => first, report_to => self(), trap => true, terminate => report}, #{}
            ),
            ?TREES:worker(
                #{id => second, report_to => self(), source => ?RESTARTS:tried(Tries, 1, 0)}, #{}
            )
        ],
        Result = supervisor:start_link(?TREES, {supervisor, #{intensity => 7}, Children}),
        {error, {shutdown, {failed_to_start_child, FailedChild, _}}} = Result,
        Stopped = receive {terminated, first} -> true after 0 -> false end,
        Restarting = ?TREES:worker(
            #{id => third, report_to => self(), source => ?RESTARTS:tried(Tries, 2, 1)}, #{}
        ),
        Flags = #{intensity => 7, period => 3600},
        Reason = ?TREES:supervised(Flags, [Restarting], fun(Supervisor) ->
            Ref = erlang:monitor(process, Supervisor),
            boom = ?TREES:crash(?TREES:await_started(third), boom),
            hd(?SIGNALS:downs([Ref]))
        end),
        #{
            failed_child => FailedChild,
            earlier_child_stopped => Stopped,
            first_start_try_count => counters:get(Tries, 1),
            restart_try_count => counters:get(Tries, 2) - 1,
            restart_exit_reason => Reason
        }
    end),
    Evidence.

%% Crash a worker fifty times as soon as it is back.
%% Evidence: the time from each crash to the next start, first and second half of the rounds.
%% Cost: 50 restarts, 30 ms.
%% Misread: absolute times are the machine's; a delay that grows would show in the ratio.
%% Source: https://github.com/erlang/otp/blob/OTP-27.0/lib/stdlib/src/supervisor.erl (restart/2)
-spec restart_backoff(probe_lib:args()) -> probe_lib:evidence().
restart_backoff(_) ->
    Rounds = 60,
    {Times, _} = probe_capture:with_log(fun() ->
        Worker = ?TREES:worker(#{id => worker, report_to => self()}, #{}),
        ?TREES:supervised(#{intensity => Rounds + 1, period => 3600}, [Worker], fun(_) ->
            {Times, _} = lists:mapfoldl(
                fun(_, Pid) -> ?RESTARTS:restart_time(Pid) end,
                ?TREES:await_started(worker),
                lists:seq(1, Rounds)
            ),
            Times
        end)
    end),
    {FirstHalf, SecondHalf} = lists:split(Rounds div 2, Times),
    #{
        restart_count => Rounds,
        median_restart_us => probe_measure:median(Times),
        later_over_earlier_ratio =>
            probe_measure:median(SecondHalf) / probe_measure:median(FirstHalf)
    }.

%% Let a supervised gen_server fail, and have it answer an error tuple instead.
%% Evidence: log events and their labels of one failure of each kind; time of both and their ratio.
%% Cost: 100 restarts, 60 ms; events are kept off the VM's own log.
%% Misread: the time of a restart is without writing a log: a real handler adds its own.
%% Source: https://www.erlang.org/doc/system/error_logging.html
-spec crash_cost(probe_lib:args()) -> probe_lib:evidence().
crash_cost(_) ->
    Failing = fun(Cast, Rounds) ->
        probe_capture:with_log(fun() -> ?RESTARTS:failing_us(Cast, Rounds) end)
    end,
    {CrashUs, Crashes} = Failing({exit, {raise, boom}}, 1),
    {_, Shutdowns} = Failing({exit, {shutdown, asked}}, 1),
    {ManyUs, _} = Failing({exit, {raise, boom}}, 20),
    {ErrorUs, Errors} = probe_capture:with_log(fun() -> ?RESTARTS:error_tuple_us() end),
    #{
        crash_log_labels => lists:sort([?RESTARTS:label(Event) || Event <- Crashes]),
        crash_log_count => length(Crashes),
        shutdown_log_labels => lists:sort([?RESTARTS:label(Event) || Event <- Shutdowns]),
        error_tuple_log_count => length(Errors),
        first_crash_us => CrashUs,
        crash_us => ManyUs,
        error_tuple_us => ErrorUs,
        crash_over_error_tuple_ratio => ManyUs / ErrorUs
    }.

%% Crash servers whose states grow, and format what they log as the default handler would.
%% Evidence: by size of the state, bytes of log text, and the exponent of growth.
%% Cost: six crashes and their formatting, 200 ms.
%% Misread: `chars_limit' and `depth' of the formatter, or format_status, cut it: the default does
%% not.
%% Source: https://www.erlang.org/doc/apps/kernel/logger_formatter.html
-spec crash_log_growth(probe_lib:args()) -> probe_lib:evidence().
crash_log_growth(_) ->
    Sizes = [1000, 3000, 10000, 30000],
    Series = [
        #{state_elements_count => Size, log_bytes => ?RESTARTS:log_bytes(Size, #{})}
     || Size <- Sizes
    ],
    #{
        series => Series,
        growth_exponent => probe_measure:growth_exponent(
            [{X, Y} || #{state_elements_count := X, log_bytes := Y} <- Series]
        ),
        limited_log_bytes => [?RESTARTS:log_bytes(Size, #{chars_limit => 2000}) || Size <- Sizes]
    }.

%% Send a misspelt request to a server with and to one without catch-all clauses, by call and by
%% cast.
%% Evidence: by server, what the caller gets, whether the server survives, and the log events.
%% Cost: four servers.
%% Misread: the catch-all server is as wrong as the other; it only does not say so.
%% Source: https://www.erlang.org/doc/apps/stdlib/gen_server.html#c:handle_call/3
-spec catch_all_clause(probe_lib:args()) -> probe_lib:evidence().
catch_all_clause(_) ->
    Mistake = fun(CatchAll, Send) ->
        {{Class, Survives}, Events} = probe_capture:with_log(fun() ->
            process_flag(trap_exit, true),
            {ok, Pid} = ?TREES:start_worker(
                #{id => server, report_to => self(), catch_all => CatchAll}
            ),
            #{class := Class} = probe_lib:error_class(fun() -> Send(Pid, {sett, 1}) end),
            _ = probe_lib:error_class(fun() -> sys:get_state(Pid) end),
            Survives = is_process_alive(Pid),
            Survives andalso probe_lib:kill_and_wait(Pid),
            {Class, Survives}
        end),
        #{caller_sees_class => Class, server_survives => Survives, log_count => length(Events)}
    end,
    Call = fun(Pid, Request) -> gen_server:call(Pid, Request) end,
    Cast = fun(Pid, Request) -> gen_server:cast(Pid, Request) end,
    #{
        with_catch_all => #{call => Mistake(true, Call), cast => Mistake(true, Cast)},
        without => #{call => Mistake(false, Call), cast => Mistake(false, Cast)}
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
%% Evidence: by access, what another process may do; what a half-done change leaves behind.
%% Cost: three tables.
%% Misread: what a process read is its own copy; only the table is shared.
%% Source: https://www.erlang.org/doc/apps/stdlib/ets.html#new/2
-spec ets_shared(probe_lib:args()) -> probe_lib:evidence().
ets_shared(_) ->
    Access = maps:from_list([
        {Kind, ?ISOLATION:ets_access(Kind)}
     || Kind <- [public, protected, private]
    ]),
    Table = ets:new(accounts, [public]),
    try
        true = ets:insert(Table, [{from, 100}, {to, 0}]),
        Copy = ets:lookup(Table, from),
        boom = ?SIGNALS:watched(fun() -> ets:update_counter(Table, from, -100), exit(boom) end),
        Access#{
            copy_read_before => Copy =:= [{from, 100}],
            total_after_crash_count => lists:sum([Amount || {_, Amount} <- ets:tab2list(Table)])
        }
    after
        ets:delete(Table)
    end.

%% Kill the owners of tables: without heir, with a living heir, with a dead one.
%% Evidence: whether the table is there when the 'DOWN' arrives (of so many rounds), what the heir
%% is told, what is in the table then, and who owns it.
%% Cost: 300 tables, 20 ms.
%% Misread: an heir inherits the table, not the right to be told what was half done in it.
%% Source: https://www.erlang.org/doc/apps/stdlib/ets.html#heir
-spec ets_owner(probe_lib:args()) -> probe_lib:evidence().
ets_owner(_) ->
    Rounds = 100,
    Self = self(),
    {Dead, Ref} = spawn_monitor(fun() -> ok end),
    normal = probe_lib:gone(Ref, ?DEADLINE_MS),
    Left = fun(Options) ->
        length([left || _ <- lists:seq(1, Rounds), ?ISOLATION:orphan(Options) =/= undefined])
    end,
    Without = Left([]),
    DeadHeir = Left([{heir, Dead, none}]),
    Table = ?ISOLATION:orphan([{heir, Self, inheritance}]),
    Told = receive {'ETS-TRANSFER', Table, _, Data} -> Data after 0 -> nothing end,
    Evidence = #{
        round_count => Rounds,
        left_without_heir_count => Without,
        left_with_dead_heir_count => DeadHeir,
        heir_is_told => Told,
        heir_finds => ets:lookup_element(Table, key, 2),
        heir_owns => ets:info(Table, owner) =:= Self
    },
    true = ets:delete(Table),
    Evidence.

%% Erase and replace a large persistent term that some processes refer to and one does not.
%% Evidence: by number of holders, by how many words their heaps grew together over the term's own
%% size; the same for a put of an equal value, and for a process that does not hold the term.
%% Cost: 12 processes with 20,000 words, 50 ms.
%% Misread: heaps are compared before and after; the VM copies when it gets there, so it is polled.
%% Source: https://www.erlang.org/doc/apps/erts/persistent_term.html
-spec persistent_term_erase(probe_lib:args()) -> probe_lib:evidence().
persistent_term_erase(_) ->
    Words = 20_000,
    Erase = fun(Key, _) -> persistent_term:erase(Key) end,
    Again = fun(Key, Term) -> persistent_term:put(Key, Term) end,
    Series = [
        (?ISOLATION:holders_grow(Holders, Words, Erase))#{holder_count => Holders}
     || Holders <- [1, 2, 4, 8]
    ],
    #{
        term_words => Words,
        series => Series,
        growth_exponent => probe_measure:growth_exponent(
            [{H, G} || #{holder_count := H, holders_grow_words := G} <- Series]
        ),
        least_copies_per_holder_count => lists:min(
            [G div Words div H || #{holder_count := H, holders_grow_words := G} <- Series]
        ),
        bystander_grow_words => lists:max([G || #{bystander_grow_words := G} <- Series]),
        same_value_put => ?ISOLATION:holders_grow(4, Words, Again)
    }.

%% Make a large binary in one process and hand 100 bytes of it to two others; kill the maker, have
%% one reader copy its 100 bytes, kill the other one.
%% Evidence: bytes that a reader holds on to at each step, whether both held the same binary, and by
%% how much the VM's binary memory fell when the last holder was killed, without any collection.
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
        Large = fun(Pid) -> [Id || {Id, Size} <- ?ISOLATION:held(Pid), Size >= Bytes] end,
        Same = Large(Maker) =:= Large(Keeper),
        killed = probe_lib:kill_and_wait(Maker),
        AfterDeath = ?ISOLATION:held_bytes(Copier),
        ok = probe_lib:ask(Copier, fun(Part) -> {ok, binary:copy(Part)} end),
        true = erlang:garbage_collect(Copier),
        AfterCopy = ?ISOLATION:held_bytes(Copier),
        Before = erlang:memory(binary),
        killed = probe_lib:kill_and_wait(Keeper),
        Freed = fun() -> Before - erlang:memory(binary) >= Bytes end,
        #{settled := Released} = probe_lib:until(Freed, ?DEADLINE_MS),
        #{
            binary_bytes => Bytes,
            same_binary => Same,
            held_after_maker_died_bytes => AfterDeath,
            held_after_copy_bytes => AfterCopy,
            released_by_last_death => Released
        }
    after
        [probe_lib:kill_and_wait(Pid) || Pid <- Pids]
    end.

%% Ask for more than the VM can give one process, and for names that do not exist yet.
%% Evidence: by request, class and reason of what is raised in the caller; the longest atom.
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
    Raised = maps:map(Alone, Requests),
    Raised#{longest_atom_characters => probe_measure:first_where(TooLong, lists:seq(250, 260)) - 1}.

%% Keep the compiler from knowing a number.
at_run_time(Number) ->
    Number + erlang:phash2(self(), 1).

%% Spawn processes until the VM has no place for another one (start it with a low +P).
%% Evidence: class and reason in the caller, processes then, the limit, whether a server still
%% answers and whether spawning works again when some have gone.
%% Cost: as many processes as +P allows.
%% Misread: the VM rounds +P up to a power of two; a process that catches nothing dies of it.
%% Source: https://www.erlang.org/doc/apps/erts/erl_cmd.html#+P
-spec process_limit(probe_lib:args()) -> probe_lib:evidence().
process_limit(_) ->
    Server = probe_lib:subject([]),
    Idle = fun() -> receive stop -> ok end end,
    {Evidence, _} = probe_capture:with_log(fun() ->
        {Made, Raised} = ?ISOLATION:until_refused(fun() -> spawn(Idle) end),
        Full = erlang:system_info(process_count),
        Answer = probe_lib:ask(Server, fun(S) -> {answers, S} end),
        [exit(Pid, kill) || Pid <- Made],
        Free = Full - length(Made),
        probe_lib:await(fun() -> erlang:system_info(process_count) =< Free end, ?DEADLINE_MS),
        #{
            raised => Raised,
            limit_count => erlang:system_info(process_limit),
            unused_count => erlang:system_info(process_limit) - Full,
            server => Answer,
            spawns_again => normal =:= ?SIGNALS:watched(fun() -> ok end)
        }
    end),
    probe_lib:kill_and_wait(Server),
    Evidence.

%% Open ports until the VM has no place for another one (start it with a low +Q).
%% Evidence: class and reason in the caller, ports then, the limit, whether one more works after a
%% close.
%% Cost: as many ports as +Q allows; none of them uses a descriptor.
%% Misread: a descriptor limit of the system (emfile) usually strikes first, as a value.
%% Source: https://www.erlang.org/doc/apps/erts/erl_cmd.html#+Q
-spec port_limit(probe_lib:args()) -> probe_lib:evidence().
port_limit(_) ->
    probe_lib:in_process(fun() ->
        Open = fun() -> open_port({spawn_driver, "udp_inet"}, [binary]) end,
        {[One | Others], Raised} = ?ISOLATION:until_refused(Open),
        Full = erlang:system_info(port_count),
        true = port_close(One),
        Again = is_port(Open()),
        [
            port_close(Port)
         || Port <- erlang:ports(), lists:member(Port, Others) orelse ?ISOLATION:owned(Port)
        ],
        #{
            raised => Raised,
            limit_count => erlang:system_info(port_limit),
            unused_count => erlang:system_info(port_limit) - Full,
            opens_again => Again
        }
    end).

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

%% Have an external program die of a segmentation fault, with and without `exit_status', and write
%% to one that is gone.
%% Evidence: what the port's owner is told, trapping exits and not, and whether it survives.
%% Cost: three runs of /bin/sh, 30 ms.
%% Misread: a status above 128 is 128 plus the signal, if a shell or the VM's forker reports it.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#open_port/2
-spec port_program_crash(probe_lib:args()) -> probe_lib:evidence().
port_program_crash(_) ->
    #{
        with_status => ?ISOLATION:program_crash([exit_status], true),
        without_status => ?ISOLATION:program_crash([], true),
        not_trapping => ?ISOLATION:program_crash([], false)
    }.

%% Make new atoms on a peer with a small atom table until there is no room for one more, guarded by
%% catch; and ask another peer for as many unknown atoms that must exist.
%% Evidence: how the first peer ended; whether the second one lives, and how many atoms it made.
%% Cost: two peers, 0.8 s.
%% Misread: the limit in the slogan is the flag's, rounded by the VM as it likes.
%% Source: https://www.erlang.org/doc/system/system_limits.html
-spec atom_table(probe_lib:args()) -> probe_lib:evidence().
atom_table(_) ->
    Options = #{flags => ["+t", "65536"]},
    Fatal = probe_peer:with(Options, fun(Peer) ->
        probe_peer:cast(Peer, ?ISOLATION, many_atoms, [list_to_atom, 1, 100_000]),
        ?ISOLATION:ended(Peer)
    end),
    Existing = probe_peer:with(Options, fun(Peer) ->
        Before = probe_peer:call(Peer, erlang, system_info, [atom_count]),
        probe_peer:call(Peer, ?ISOLATION, many_atoms, [list_to_existing_atom, 1, 100_000]),
        #{limit_count => probe_peer:call(Peer, erlang, system_info, [atom_limit]),
          atoms_made_count => probe_peer:call(Peer, erlang, system_info, [atom_count]) - Before}
    end),
    #{new_atoms => Fatal, existing_atoms => Existing}.

%% Exhaust the memory of peers: by one request that no machine can fulfil, by a growing heap under a
%% cap of the VM's allocators, both guarded by catch; and by the same growth under max_heap_size.
%% Evidence: how each peer ended, or, where it lives on, what the greedy process died of.
%% Cost: three peers, 1.5 s, up to 256 MB.
%% Misread: without the cap it is the system that runs out, and its OOM killer leaves no slogan.
%% Source: https://www.erlang.org/doc/apps/erts/erts_alloc.html
-spec memory_exhaustion(probe_lib:args()) -> probe_lib:evidence().
memory_exhaustion(_) ->
    Capped = #{flags => ["+Musac", "false", "+MMsco", "true", "+MMscs", "128"]},
    Ends = fun(Options, Function, Args) ->
        probe_peer:with(Options, fun(Peer) ->
            probe_peer:cast(Peer, ?ISOLATION, Function, Args),
            ?ISOLATION:ended(Peer)
        end)
    end,
    #{
        huge_binary => Ends(#{}, huge_binary, [1 bsl 59]),
        growing_heap => Ends(Capped, grow_heap, []),
        growing_heap_limited => probe_peer:with(Capped, fun(Peer) ->
            Reason = probe_peer:call(Peer, ?ISOLATION, limited_growth, [1_000_000]),
            #{
                greedy_dies_reason => Reason,
                peer_answers => probe_peer:call(Peer, erlang, node, []) =:= nonode@nohost
            }
        end)
    }.

%% On a peer, call native code that behaves, that overwrites a binary which another process holds,
%% and that writes to a bad address, guarded by catch. Needs the library built from c_src.
%% Evidence: what the well-behaved one returns, the other process's binary before and after, how the
%% peer ended.
%% Cost: one peer, 0.4 s.
%% Misread: a crash of native code leaves no crash dump, so there is no slogan.
%% Source: https://www.erlang.org/doc/apps/erts/erl_nif.html
-spec native_code(#{nif_library := binary()}) -> probe_lib:evidence().
native_code(#{nif_library := Library}) ->
    Nif = beam_fault_tolerance_nif,
    probe_peer:with(#{}, fun(Peer) ->
        ok = probe_peer:call(
            Peer, Nif, load, [#{library => Library, folder => probe_peer:scratch(Peer)}]
        ),
        Behaved = probe_peer:call(Peer, Nif, behave, []),
        {Before, After} = probe_peer:call(Peer, ?ISOLATION, scribbled, [Nif]),
        probe_peer:cast(Peer, ?ISOLATION, catching, [Nif, crash]),
        #{
            well_behaved => Behaved,
            immutable_before_text => Before,
            immutable_after_text => After,
            crash => ?ISOLATION:ended(Peer)
        }
    end).

%% Kill processes of OTP itself by name, each on a peer of its own.
%% Evidence: by name, whether the VM survives, or how it ended.
%% Cost: six peers at once, 3 s.
%% Misread: `survives' means for 2.5 s and with an answer; the VM may be crippled all the same. Who
%% is given longer to end only is so for the sake of slow machines.
%% Source: https://www.erlang.org/doc/apps/kernel/kernel_app.html
-spec system_process_kill(probe_lib:args()) -> probe_lib:evidence().
system_process_kill(_) ->
    WaitMs = #{user => 2500},
    Kill = fun(Name) ->
        probe_peer:with(#{}, fun(Peer) ->
            probe_peer:cast(Peer, ?ISOLATION, kill_name, [Name]),
            ?ISOLATION:lives(Peer, maps:get(Name, WaitMs, 20_000))
        end)
    end,
    at_once(Kill, [init, application_controller, kernel_sup, file_server_2, rex, user]).

%% Evaluate Fun of each key at the same time: a map of what it returned.
at_once(Fun, Keys) ->
    Self = self(),
    Pids = [{Key, spawn_link(fun() -> Self ! {self(), Fun(Key)} end)} || Key <- Keys],
    maps:from_list([
        receive
            {Pid, Value} -> {Key, Value}
        after ?AT_ONCE_MS -> error({setup, {no_value, Key}})
        end
     || {Key, Pid} <- Pids
    ]).

%% Have the top supervisor of an application give up, on peers where it was started as permanent,
%% transient and temporary.
%% Evidence: by type, whether the VM survives, or how it ended.
%% Cost: three peers at once, 2 s.
%% Misread: application:start/1 starts as temporary; a release starts its applications as permanent.
%% Source: https://www.erlang.org/doc/apps/kernel/application.html#start/2
-spec application_end(probe_lib:args()) -> probe_lib:evidence().
application_end(_) ->
    End = fun(Type) ->
        probe_peer:with(#{}, fun(Peer) ->
            case probe_peer:call(Peer, ?TREES, application_ends, [Type]) of
                controller_ended -> ?ISOLATION:lives(Peer, 20_000);
                controller_goes_on -> ?ISOLATION:lives(Peer, 100)
            end
        end)
    end,
    at_once(End, [permanent, transient, temporary]).

%% Start a VM and kill it with SIGKILL, three times.
%% Evidence: the least time from the start of a VM to its first answer, and the time without service
%% that nine nines allow in a year.
%% Cost: three peers, 1 s.
%% Misread: only the VM's own start is in it: no detection, no application.
%% Source: https://www.erlang.org/doc/apps/erts/init.html
-spec boot_time(probe_lib:args()) -> probe_lib:evidence().
boot_time(_) ->
    Boots = [?ISOLATION:boot_ms() || _ <- lists:seq(1, 3)],
    #{
        least_boot_ms => lists:min(Boots),
        nine_nines_ms_a_year => 365.25 * 24 * 3600 * 1000 * 1.0e-9
    }.
