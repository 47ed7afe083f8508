%% What callers and logs see of gen_servers that fail, for the fault-tolerance probes. Knows nothing
%% of any claim.
-module(beam_fault_tolerance_servers).

-export([
    called/1,
    timed_out/0,
    default_timeout_ms/1,
    told_of_end/1,
    without_callbacks/1,
    mistaken/2,
    failing/2,
    logged_end/2,
    error_tuple_us/0,
    labels/1,
    reported_by/2,
    reasons_of_supervisors/1,
    log_of_state/2
]).

-define(SIGNALS, beam_fault_tolerance_signals).
-define(TREES, beam_fault_tolerance_trees).
-define(BARE, beam_fault_tolerance_bare).
-define(DEADLINE_MS, 5_000).
%% How long a mailbox is watched for what must not come.
-define(QUIET_MS, 50).

%% Make a call of a new server to which the caller is not linked: what the caller sees, and whether
%% the server survives.
-spec called(fun((pid()) -> term())) -> probe_lib:evidence().
called(Call) ->
    with_unlinked(fun(Pid) ->
        {links, Links} = process_info(self(), links),
        #{class := Class, reason := Reason} = probe_lib:error_class(fun() -> Call(Pid) end),
        #{
            class => Class,
            caller_sees_reason => seen(Reason),
            linked => lists:member(Pid, Links),
            server_survives => is_process_alive(Pid)
        }
    end).

%% Hand a new server to Fun in a process of its own, whose mailbox is empty, and kill it afterwards.
with_unlinked(Fun) ->
    probe_lib:in_process(fun() ->
        {ok, Pid} =
            gen_server:start(?TREES, {worker, #{id => server, report_to => self()}}, []),
        Pid = ?TREES:await_started(server),
        try
            Fun(Pid)
        after
            probe_lib:kill_and_wait(Pid)
        end
    end).

seen({Reason, {gen_server, call, _}}) ->
    probe_capture:text("~ts in gen_server:call", [probe_capture:reason(Reason)]);
seen(Reason) ->
    probe_capture:reason(Reason).

%% Let a call time out whose server works until it is told to finish: what the caller sees, how
%% often the work was finished, what the server answers then, and how many messages came late.
-spec timed_out() -> probe_lib:evidence().
timed_out() ->
    with_unlinked(fun(Pid) ->
        Finished = counters:new(1, []),
        Work = fun() ->
            receive finish -> ok after ?DEADLINE_MS -> error(not_finished) end,
            counters:add(Finished, 1, 1)
        end,
        #{class := Class, reason := Reason} =
            probe_lib:error_class(fun() -> gen_server:call(Pid, {run, Work}, 5) end),
        Pid ! finish,
        Answer = probe_capture:outcome(fun() -> gen_server:call(Pid, get) end),
        receive after ?QUIET_MS -> ok end,
        #{
            class => Class,
            caller_sees_reason => seen(Reason),
            work_finished_count => counters:get(Finished, 1),
            answers_later => Answer,
            late_message_count => length(?SIGNALS:mailbox(self())),
            quiet_ms => ?QUIET_MS
        }
    end).

%% How long a call without a timeout of its own waits for a server that never answers, or `waits'
%% when it still does after DeadlineMs.
-spec default_timeout_ms(pos_integer()) -> float() | waits.
default_timeout_ms(DeadlineMs) ->
    Silent = probe_lib:subject([]),
    Self = self(),
    Caller = spawn(fun() ->
        Call = fun() -> gen_server:call(Silent, hello) end,
        Us = probe_measure:elapsed_us(fun() ->
            #{reason := {timeout, _}} = probe_lib:error_class(Call)
        end),
        Self ! {waited, Us / 1000}
    end),
    try
        receive {waited, Ms} -> Ms after DeadlineMs -> waits end
    after
        probe_lib:kill_all([Silent, Caller])
    end.

%% Bring a gen_server that traps exits an exit signal from its parent, from another process that it
%% is linked to, or from a stranger: whether it lives on, what handle_info/2 got, whether
%% terminate/2 ran and why.
-spec told_of_end(parent | linked | stranger) -> probe_lib:evidence().
told_of_end(From) ->
    Self = self(),
    [Parent, Other] = Pids = [probe_lib:subject([]) || _ <- [1, 2]],
    Options = #{id => server, report_to => Self, trap => true, terminate => report, info => report},
    {ok, Pid} = probe_lib:ask(Parent, fun(S) -> {?TREES:start_worker(Options), S} end),
    true = From =/= linked orelse probe_lib:ask(Other, fun(S) -> {link(Pid), S} end),
    Ref = probe_lib:monitored(Pid),
    Die = fun(_) -> exit(boom) end,
    Send = fun(S) -> {exit(Pid, boom), S} end,
    _ =
        case From of
            parent -> probe_lib:tell(Parent, Die);
            linked -> probe_lib:tell(Other, Die);
            stranger -> probe_lib:tell(Other, Send)
        end,
    Told =
        receive
            {info, server, {'EXIT', Other, Why}} -> probe_capture:text("EXIT ~ts", [Why]);
            {'DOWN', Ref, process, Pid, Why} -> probe_capture:text("ended ~ts", [Why])
        after ?DEADLINE_MS -> error({setup, {not_told, From}})
        end,
    Survives = is_process_alive(Pid),
    probe_lib:kill_all([Pid | Pids]),
    #{
        server_is_told => Told,
        survives => Survives,
        terminate_ran => receive {terminated, server} -> true after 0 -> false end
    }.

%% Send a server whose module has no handle_info/2 and no handle_cast/2 a message or a cast: whether
%% it survives, why not, and what was logged.
-spec without_callbacks(fun((pid()) -> term())) -> probe_lib:evidence().
without_callbacks(Send) ->
    {{Survives, Reason}, Events} = probe_capture:with_log(fun() ->
        {ok, Pid} = ?BARE:start(),
        Ref = erlang:monitor(process, Pid),
        Send(Pid),
        Answer = probe_lib:error_class(fun() -> gen_server:call(Pid, answer) end),
        Answers = maps:get(reason, Answer) =:= answer,
        Why =
            case Answers of
                true -> alive;
                false -> probe_lib:gone(Ref, ?DEADLINE_MS)
            end,
        probe_lib:kill_and_wait(Pid),
        {Answers, Why}
    end),
    #{
        survives => Survives,
        dies_reason => ended_by(Reason),
        log_labels => labels(Events),
        log_levels => lists:usort([Level || #{level := Level} <- Events])
    }.

ended_by({undef, [{?BARE, Function, Arguments, _} | _]}) ->
    probe_capture:text("undef ~ts/~b", [Function, length(Arguments)]);
ended_by(Reason) ->
    probe_capture:reason(Reason).

%% Send a request that no clause is for to a server with catch-all clauses or without: what the
%% sender sees, whether the server survives, and how many log events that makes.
-spec mistaken(boolean(), fun((pid()) -> term())) -> probe_lib:evidence().
mistaken(CatchAll, Send) ->
    {{Class, Survives}, Events} = probe_capture:with_log(fun() ->
        process_flag(trap_exit, true),
        {ok, Pid} = ?TREES:start_worker(
            #{id => server, report_to => self(), catch_all => CatchAll}
        ),
        #{class := Class} = probe_lib:error_class(fun() -> Send(Pid) end),
        %% Answers when the request was handled, or raises when the server is gone.
        _ = probe_lib:error_class(fun() -> sys:get_state(Pid) end),
        Survives = is_process_alive(Pid),
        probe_lib:kill_and_wait(Pid),
        {Class, Survives}
    end),
    #{sender_sees_class => Class, server_survives => Survives, log_count => length(Events)}.

%% End a supervised permanent worker so many times by a cast: the least time from a cast to the next
%% start, and the log events of all ends.
-spec failing(term(), pos_integer()) -> {LeastUs :: float(), [logger:log_event()]}.
failing(Cast, Rounds) ->
    Flags = #{intensity => Rounds + 1, period => 3600},
    probe_capture:with_log(fun() ->
        Worker = ?TREES:worker(#{id => worker, report_to => self()}, #{}),
        ?TREES:supervised(Flags, [Worker], fun(_) ->
            lists:min(end_in_turn(Cast, Rounds, ?TREES:await_started(worker)))
        end)
    end).

end_in_turn(_, 0, _) ->
    [];
end_in_turn(Cast, Rounds, Pid) ->
    Start = erlang:monotonic_time(nanosecond),
    gen_server:cast(Pid, Cast),
    New = ?TREES:await_started(worker),
    [(erlang:monotonic_time(nanosecond) - Start) / 1000 | end_in_turn(Cast, Rounds - 1, New)].

%% The labels of what is logged when a supervised worker with this restart type ends with Reason.
-spec logged_end(supervisor:restart(), term()) -> [binary()].
logged_end(Restart, Reason) ->
    {_, Events} = probe_capture:with_log(fun() ->
        Worker = ?TREES:worker(#{id => worker, report_to => self()}, #{restart => Restart}),
        ?TREES:supervised(#{}, [Worker], fun(Supervisor) ->
            Reason = ?TREES:crash(?TREES:await_started(worker), Reason),
            true = ?TREES:sync(Supervisor)
        end)
    end),
    labels(Events).

%% The least time of a call that answers an error tuple.
-spec error_tuple_us() -> float().
error_tuple_us() ->
    with_unlinked(fun(Pid) ->
        Call = fun() ->
            {error, boom} = gen_server:call(Pid, {run, fun() -> {error, boom} end})
        end,
        probe_measure:best_us(50, Call)
    end).

%% What OTP calls each of these reports, sorted.
-spec labels([logger:log_event()]) -> [binary()].
labels(Events) ->
    lists:sort([label(Event) || Event <- Events]).

label(#{msg := {report, #{label := Label}}}) -> probe_capture:reason(Label);
label(#{msg := {report, Report}}) -> probe_capture:reason(Report);
label(_) -> <<"text">>.

%% What one supervisor reported: the kind of each report, and the reason in it.
-spec reported_by(pid(), [logger:log_event()]) -> [{Kind :: atom(), Reason :: term()}].
reported_by(Supervisor, Events) ->
    [
        {Kind, proplists:get_value(reason, Report)}
     || #{msg := {report, #{label := {supervisor, Kind}, report := Report}}} <- Events,
        element(1, proplists:get_value(supervisor, Report)) =:= Supervisor
    ].

%% The exit reasons of supervisors that their own supervisors reported, each once.
-spec reasons_of_supervisors([logger:log_event()]) -> [term()].
reasons_of_supervisors(Events) ->
    lists:usort([
        proplists:get_value(reason, Report)
     || #{msg := {report, #{label := {supervisor, child_terminated}, report := Report}}} <- Events,
        proplists:get_value(child_type, proplists:get_value(offender, Report)) =:= supervisor
    ]).

%% What a server logs that crashes with a state of so many elements: the bytes of the text, and
%% whether the last element is in it.
-spec log_of_state(pos_integer(), logger_formatter:config()) -> {Bytes :: pos_integer(), boolean()}.
log_of_state(Size, Formatter) ->
    {_, Events} = probe_capture:with_log(fun() ->
        process_flag(trap_exit, true),
        {ok, Pid} = ?TREES:start_worker(
            #{id => server, report_to => self(), source => fun() -> lists:seq(1, Size) end}
        ),
        ?TREES:crash(Pid, {raise, boom})
    end),
    Texts = [probe_capture:chars(logger_formatter:format(Event, Formatter)) || Event <- Events],
    Last = integer_to_binary(Size),
    {
        lists:sum([byte_size(Text) || Text <- Texts]),
        lists:any(fun(Text) -> binary:match(Text, [<<Last/binary, "]">>]) =/= nomatch end, Texts)
    }.
