%% When supervisors start children again and when they give up, for the fault-tolerance probes.
%% Knows nothing of any claim.
-module(beam_fault_tolerance_restarts).

-export([
    own_state/0,
    outside_state/1,
    until_given_up/1,
    two_crashes/2,
    column_crashed/2,
    given_up_below/1,
    defaults/0,
    restarted/1,
    comes_back/2,
    significant_ends/1,
    refused/2
]).

-define(SIGNALS, beam_fault_tolerance_signals).
-define(SERVERS, beam_fault_tolerance_servers).
-define(TREES, beam_fault_tolerance_trees).
-define(DEADLINE_MS, 5_000).
%% How long crashes are tried anew that came at another time than planned: a busy machine.
-define(RETRY_MS, 40_000).

%% Crash a worker whose state was spoiled, beside a sibling whose state was changed.
-spec own_state() -> probe_lib:evidence().
own_state() ->
    Children = [?TREES:worker(#{id => Id, report_to => self()}, #{}) || Id <- [spoiled, sibling]],
    ?TREES:supervised(#{}, Children, fun(_) ->
        [Old, Sibling] = [?TREES:await_started(Id) || Id <- [spoiled, sibling]],
        [ok = gen_server:call(Pid, {set, changed}) || Pid <- [Old, Sibling]],
        Before = gen_server:call(Old, get),
        boom = ?TREES:crash(Old, boom),
        New = ?TREES:await_started(spoiled),
        #{
            new_process => New =/= Old,
            state_before => Before,
            state => gen_server:call(New, get),
            sibling_state => gen_server:call(Sibling, get),
            old_pid_answers => probe_capture:outcome(fun() -> gen_server:call(Old, get) end)
        }
    end).

%% Crash a worker that reads its state from a table when it starts and fails on a bad one, once it
%% is bad: how many of its starts were good and failed, and what its supervisor did.
-spec outside_state(non_neg_integer()) -> probe_lib:evidence().
outside_state(Intensity) ->
    Table = ets:new(beam_fault_tolerance_source, [public]),
    Starts = counters:new(2, []),
    Source = fun() ->
        case ets:member(Table, bad) of
            false -> counters:add(Starts, 1, 1), initial;
            true -> counters:add(Starts, 2, 1), error(bad)
        end
    end,
    Worker = ?TREES:worker(#{id => spoiled, report_to => self(), source => Source}, #{}),
    ?TREES:supervised(#{intensity => Intensity, period => 3600}, [Worker], fun(Supervisor) ->
        Old = ?TREES:await_started(spoiled),
        true = ets:insert(Table, {bad}),
        Ref = erlang:monitor(process, Supervisor),
        boom = ?TREES:crash(Old, boom),
        Reason = probe_lib:gone(Ref, ?DEADLINE_MS),
        true = ets:delete(Table),
        #{
            good_start_count => counters:get(Starts, 1),
            failed_start_count => counters:get(Starts, 2),
            supervisor_exit_reason => Reason
        }
    end).

%% Crash one worker until a supervisor with these flags gives up.
-spec until_given_up(supervisor:sup_flags()) -> probe_lib:evidence().
until_given_up(Flags) ->
    Worker = ?TREES:worker(#{id => worker, report_to => self()}, #{}),
    ?TREES:supervised(Flags, [Worker], fun(Supervisor) ->
        {Restarts, Reason} = crash_until_down(erlang:monitor(process, Supervisor), -1),
        #{restart_count => Restarts, exit_reason => Reason}
    end).

%% Crash each worker that reports its start until the monitored process is gone: starts but one,
%% reason.
crash_until_down(Ref, Starts) ->
    receive
        {started, _, Pid} ->
            _ = ?TREES:crash(Pid, boom),
            crash_until_down(Ref, Starts + 1);
        {'DOWN', Ref, process, _, Reason} ->
            {Starts, Reason}
    after ?DEADLINE_MS -> error({setup, {no_start, Starts}})
    end.

%% Crash a worker twice below a supervisor with these flags, in whole seconds of the clock so far
%% apart, as the plan says: `first_ms' and `second_ms' are counted from one full second on. Both
%% crashes and their restarts have to fall into the seconds that were meant, and the gap between
%% them into its limits; else it is tried anew.
-spec two_crashes(supervisor:sup_flags(), Plan) -> probe_lib:evidence() when
    Plan :: #{
        first_ms := non_neg_integer(),
        second_ms := pos_integer(),
        gap_ms := {AtLeast :: pos_integer(), Below :: pos_integer()}
    }.
two_crashes(Flags, Plan) ->
    two_crashes(Flags, Plan, erlang:monotonic_time(millisecond) + ?RETRY_MS, 1).

two_crashes(Flags, #{first_ms := First, second_ms := Second, gap_ms := Gap} = Plan, Until, Try) ->
    Worker = ?TREES:worker(#{id => worker, report_to => self()}, #{}),
    {Base, One, Two, Survives} = ?TREES:supervised(Flags, [Worker], fun(Supervisor) ->
        Base = erlang:monotonic_time(second) + 1,
        One = crash_at(Base * 1000 + First, Supervisor),
        Two = crash_at(Base * 1000 + Second, Supervisor),
        {Base, One, Two, ?TREES:sync(Supervisor)}
    end),
    GapMs = maps:get(at_ms, Two) - maps:get(at_ms, One),
    AsPlanned =
        in_second(Base + First div 1000, One) andalso in_second(Base + Second div 1000, Two) andalso
            GapMs >= element(1, Gap) andalso GapMs < element(2, Gap),
    case AsPlanned of
        true ->
            #{
                gap_ms => GapMs,
                clock_seconds_apart_count => maps:get(before, Two) - maps:get(before, One),
                supervisor_survives => Survives,
                try_count => Try
            };
        false ->
            erlang:monotonic_time(millisecond) < Until orelse error({setup, {crashes_late, Try}}),
            two_crashes(Flags, Plan, Until, Try + 1)
    end.

in_second(Second, #{before := Before, afterwards := Afterwards}) ->
    Before =:= Second andalso Afterwards =:= Second.

%% The clock's second before the crash and after the supervisor dealt with it, and the time in ms.
crash_at(TimeMs, Supervisor) ->
    Pid = ?TREES:await_started(worker),
    receive after max(0, TimeMs - erlang:monotonic_time(millisecond)) -> ok end,
    AtMs = erlang:monotonic_time(millisecond),
    Before = erlang:monotonic_time(second),
    boom = ?TREES:crash(Pid, boom),
    _ = ?TREES:sync(Supervisor),
    #{at_ms => AtMs, before => Before, afterwards => erlang:monotonic_time(second)}.

%% Crash one worker below so many supervisors until the topmost gives up: how many crashes that
%% took, its exit reason, and those of the supervisors below it, as their parents report them.
-spec column_crashed(pos_integer(), non_neg_integer()) -> probe_lib:evidence().
column_crashed(Depth, Intensity) ->
    Flags = #{intensity => Intensity, period => 3600},
    {{Restarts, Reason}, Events} = probe_capture:with_log(fun() ->
        [Child] = lists:foldl(
            fun(Id, Children) -> [?TREES:supervisor(Id, Flags, Children, #{})] end,
            [?TREES:worker(#{id => worker, report_to => self()}, #{})],
            lists:seq(1, Depth - 1)
        ),
        ?TREES:supervised(Flags, [Child], fun(Top) ->
            crash_until_down(erlang:monitor(process, Top), -1)
        end)
    end),
    #{
        depth_count => Depth,
        crash_count => Restarts + 1,
        top_exit_reason => Reason,
        inner_exit_reasons => ?SERVERS:reasons_of_supervisors(Events)
    }.

%% Let a supervisor give up that is a child of this restart type: its exit reason, what its parent
%% has in its place and reports, and what it reports itself.
-spec given_up_below(supervisor:restart()) -> probe_lib:evidence().
given_up_below(Type) ->
    {{Parent, Inner, Evidence}, Events} = probe_capture:with_log(fun() ->
        Worker = ?TREES:worker(#{id => worker, report_to => self()}, #{}),
        Child = ?TREES:supervisor(inner, #{intensity => 0}, [Worker], #{restart => Type}),
        ?TREES:supervised(#{}, [Child], fun(Parent) ->
            Pid = ?TREES:await_started(worker),
            [{inner, Inner, _, _}] = supervisor:which_children(Parent),
            Ref = erlang:monitor(process, Inner),
            boom = ?TREES:crash(Pid, boom),
            Reason = ?SIGNALS:ended(Inner, Ref),
            ok = ?TREES:told(Parent, Inner),
            Survives = ?TREES:sync(Parent),
            {Parent, Inner, #{
                inner_exit_reason => Reason,
                parent_survives => Survives,
                in_its_place => in_place_of(
                    Inner, Survives andalso supervisor:which_children(Parent)
                )
            }}
        end)
    end),
    Kinds = fun(Supervisor) -> [Kind || {Kind, _} <- ?SERVERS:reported_by(Supervisor, Events)] end,
    Evidence#{parent_reports => Kinds(Parent), inner_reports => Kinds(Inner)}.

in_place_of(Old, [{inner, New, _, _}]) when is_pid(New), New =/= Old -> another;
in_place_of(_, [{inner, Other, _, _}]) when is_atom(Other) -> Other;
in_place_of(_, []) -> nothing;
in_place_of(_, false) -> no_parent.

%% What a supervisor takes where its flags or a child's specification say nothing.
-spec defaults() -> probe_lib:evidence().
defaults() ->
    #{
        crashes_answered_count => maps:get(restart_count, until_given_up(#{})),
        second_of_three_restarts => restarted(none),
        restart => default(worker, restart),
        worker_shutdown_ms => default(worker, shutdown),
        supervisor_shutdown_ms => default(supervisor, shutdown),
        type => default(none, type)
    }.

default(Type, Key) ->
    Start = {?TREES, start_worker, [#{id => child, report_to => self()}]},
    Child =
        case Type of
            none -> #{id => child, start => Start};
            _ -> #{id => child, start => Start, type => Type}
        end,
    ?TREES:supervised(#{}, [Child], fun(Supervisor) ->
        {ok, #{Key := Value}} = supervisor:get_childspec(Supervisor, child),
        Value
    end).

%% Crash the second of three children under a strategy or none: which ones start again.
-spec restarted(supervisor:strategy() | none) -> [1..3].
restarted(simple_one_for_one) ->
    Template = #{id => any, start => {?TREES, start_worker, []}},
    ?TREES:supervised(#{strategy => simple_one_for_one}, [Template], fun(Supervisor) ->
        [{ok, _} = supervisor:start_child(Supervisor, [options(Id)]) || Id <- [1, 2, 3]],
        second_crashes(Supervisor)
    end);
restarted(Strategy) ->
    Flags = maps:from_list([{strategy, Strategy} || Strategy =/= none]),
    Children = [?TREES:worker(options(Id), #{}) || Id <- [1, 2, 3]],
    ?TREES:supervised(Flags, Children, fun second_crashes/1).

options(Id) ->
    #{id => Id, report_to => self()}.

second_crashes(Supervisor) ->
    [_, Second, _] = [?TREES:await_started(Id) || Id <- [1, 2, 3]],
    boom = ?TREES:crash(Second, boom),
    true = ?TREES:sync(Supervisor),
    started_ids().

started_ids() ->
    receive {started, Id, _} -> [Id | started_ids()] after 0 -> [] end.

%% End a child of this restart type with Reason: whether it starts again.
-spec comes_back(supervisor:restart(), term()) -> boolean().
comes_back(Type, Reason) ->
    Worker = ?TREES:worker(#{id => worker, report_to => self()}, #{restart => Type}),
    ?TREES:supervised(#{}, [Worker], fun(Supervisor) ->
        Reason = ?TREES:crash(?TREES:await_started(worker), Reason),
        true = ?TREES:sync(Supervisor),
        started_ids() =/= []
    end).

%% End two significant children, one after the other, beside one that is not.
-spec significant_ends(supervisor:auto_shutdown()) -> probe_lib:evidence().
significant_ends(AutoShutdown) ->
    Significant = #{restart => temporary, significant => true},
    Children =
        [?TREES:worker(options(Id), Significant) || Id <- [1, 2]] ++
            [?TREES:worker(options(3), #{})],
    ?TREES:supervised(#{auto_shutdown => AutoShutdown}, Children, fun(Supervisor) ->
        [First, Second, _] = [?TREES:await_started(Id) || Id <- [1, 2, 3]],
        Ref = erlang:monitor(process, Supervisor),
        normal = ?TREES:crash(First, normal),
        AfterFirst = ?TREES:sync(Supervisor),
        AfterFirst andalso ?TREES:crash(Second, normal),
        AfterSecond = AfterFirst andalso ?TREES:sync(Supervisor),
        #{
            survives_first => AfterFirst,
            survives_second => AfterSecond,
            exit_reason => reason_unless(AfterSecond, Ref)
        }
    end).

reason_unless(true, _) -> alive;
reason_unless(false, Ref) -> probe_lib:gone(Ref, ?DEADLINE_MS).

%% What a supervisor says to a significant child that it may not have.
-spec refused(supervisor:auto_shutdown(), supervisor:restart()) -> atom().
refused(AutoShutdown, Restart) ->
    process_flag(trap_exit, true),
    Child = ?TREES:worker(options(1), #{restart => Restart, significant => true}),
    Flags = #{auto_shutdown => AutoShutdown},
    case supervisor:start_link(?TREES, {supervisor, Flags, [Child]}) of
        {error, {Reason, _}} -> Reason;
        {ok, Supervisor} -> probe_lib:kill_and_wait(Supervisor), accepted
    end.
