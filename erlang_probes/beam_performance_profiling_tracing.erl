%% What profilers do to tracing that was there before; run in a peer.
%% Knows how tracing is set and looked at; knows nothing of any claim, and never judges.
-module(beam_performance_profiling_tracing).

-export([before_tools/1, already_traced/1]).

-define(WORK, beam_performance_profiling_work).
-define(TOOLS, beam_performance_profiling_tools).
%% Not written out, as there are releases without these modules.
-define(TPROF, list_to_atom("tprof")).
-define(TRACE, list_to_atom("trace")).

%% Who is traced, who hears of it, and the session with its own tracer, or `none'.
-type armed() :: #{victim := pid(), hearer := pid(), session := term()}.

%%% Tracing that was there before

%% A process is traced, a function's calls bring messages, other functions are counted, timed and
%% measured, and a session of its own traces, too. Then each profiler is used for another process
%% and another function: what of it lives before, meanwhile and after, and the messages that a call
%% brings each time.
-spec before_tools(file:filename()) -> probe_lib:evidence().
before_tools(Folder) ->
    Told = [
        {Tool, beside(Tool, Folder)}
     || Tool <- [cprof, cprof_of_module, eprof, fprof | [tprof || ?TOOLS:exists(?TPROF)]]
    ],
    maps:from_list([{tools, ?TOOLS:tools()}, {sessions, ?TOOLS:exists(?TRACE)} | Told]).

beside(Tool, Folder) ->
    Armed = arm(),
    try
        Before = look(Armed),
        During = used(Tool, fun() -> look(Armed) end, Folder),
        #{before => Before, meanwhile => During, later => look(Armed)}
    after
        disarm(Armed)
    end.

-spec arm() -> armed().
arm() ->
    [Victim, Hearer] = [probe_lib:subject([]) || _ <- [victim, hearer]],
    1 = erlang:trace(Victim, true, [call, {tracer, Hearer}]),
    1 = erlang:trace_pattern({?WORK, tail, 1}, true, [local]),
    1 = erlang:trace_pattern({?WORK, body, 1}, true, [call_count]),
    1 = erlang:trace_pattern({?WORK, fib, 1}, true, [call_time]),
    Armed = #{victim => Victim, hearer => Hearer, session => open_session(Victim)},
    probe_lib:ask(Victim, fun(_) -> {[?WORK:body(9), ?WORK:fib(5)], none} end),
    Armed.

%% Sessions are younger than some releases.
open_session(Victim) ->
    case ?TOOLS:exists(?TRACE) of
        true ->
            Tracer = probe_lib:subject([]),
            Session = trace_call(session_create, [?MODULE, Tracer, []]),
            1 = trace_call(process, [Session, Victim, true, [call]]),
            1 = trace_call(function, [Session, {?WORK, pairs, 1}, true, [local]]),
            {Session, Tracer};
        false ->
            none
    end.

trace_call(Function, Args) ->
    apply(?TRACE, Function, Args).

disarm(#{victim := Victim, hearer := Hearer, session := Session}) ->
    _ = erlang:trace(all, false, [all]),
    _ = [erlang:trace_pattern({?WORK, '_', '_'}, false, [Kind]) || Kind <- kinds()],
    Tracers =
        case Session of
            none ->
                [];
            {Handle, Tracer} ->
                _ = trace_call(session_destroy, [Handle]),
                [Tracer]
        end,
    probe_lib:kill_all([Victim, Hearer | Tracers]).

kinds() -> [local, call_count, call_time].

%% The kinds of tracing that are set, in alphabetical order, and the messages of one call.
look(#{victim := Victim, hearer := Hearer, session := Session}) ->
    {call_count, Count} = erlang:trace_info({?WORK, body, 1}, call_count),
    Set = [
        Name
     || {Name, true} <- [
            {count, is_integer(Count)},
            {flags, element(2, erlang:trace_info(Victim, flags)) =:= [call]},
            {messages, element(2, erlang:trace_info({?WORK, tail, 1}, traced)) =:= local},
            {time, is_counting(element(2, erlang:trace_info({?WORK, fib, 1}, call_time)))}
        ]
    ],
    Seen = #{
        set => Set,
        counted_count => Count,
        heard_count => heard(Victim, Hearer, fun() -> ?WORK:tail(0) end)
    },
    case Session of
        none ->
            Seen;
        {_, Tracer} ->
            Seen#{heard_in_session_count => heard(Victim, Tracer, fun() -> ?WORK:pairs(0) end)}
    end.

is_counting([{_, _, _, _} | _]) -> true;
is_counting(_) -> false.

%% Messages that a process gets more while the victim evaluates Fun.
heard(Victim, Hearer, Fun) ->
    Before = waiting(Hearer),
    probe_lib:ask(Victim, fun(_) -> {Fun(), none} end),
    ok = probe_lib:delivered(Victim),
    %% What tells of delivery is not of the session: the message may still be on its way.
    _ = probe_lib:until(fun() -> waiting(Hearer) > Before end, 100),
    waiting(Hearer) - Before.

waiting(Pid) ->
    {message_queue_len, Length} = process_info(Pid, message_queue_len),
    Length.

%% What Fun returns while a profiler looks at a function of another module.
used(cprof, Fun, _) ->
    _ = cprof:start(),
    Value = Fun(),
    _ = cprof:stop(),
    Value;
used(cprof_of_module, Fun, _) ->
    _ = cprof:start(queue),
    Value = Fun(),
    _ = cprof:stop(queue),
    Value;
used(eprof, Fun, _) ->
    {ok, Value} = eprof:profile([], Fun, {queue, '_', '_'}),
    stopped = eprof:stop(),
    Value;
used(fprof, Fun, Folder) ->
    Value = fprof:apply(Fun, [], [{file, filename:join(Folder, "fprof.trace")}]),
    _ = fprof:stop(),
    Value;
used(tprof, Fun, _) ->
    {Value, _} = apply(?TPROF, profile, [
        Fun, #{type => call_time, report => return, pattern => {queue, '_', '_'}}
    ]),
    Value.

%%% A process that somebody traces already

%% Point each profiler at a process that has a tracer: what it answers, and whom that process is
%% traced by then.
-spec already_traced(file:filename()) -> probe_lib:evidence().
already_traced(Folder) ->
    Told = [
        {Tool, taken_over(Tool, Folder)}
     || Tool <- [eprof, fprof | [tprof || ?TOOLS:exists(?TPROF)]]
    ],
    maps:from_list([{tools, ?TOOLS:tools()} | Told]).

taken_over(Tool, Folder) ->
    #{victim := Victim, hearer := Hearer} = Armed = arm(),
    try
        Answer = pointed_at(Tool, Victim, Folder),
        {tracer, Tracer} = erlang:trace_info(Victim, tracer),
        Calls = probe_lib:ask(Victim, fun(_) -> {[?WORK:quick() || _ <- [1, 2, 3]], none} end),
        Counted = taken_off(Tool),
        #{
            accepts => Answer,
            first_tracer_keeps => Tracer =:= Hearer,
            made_count => length(Calls),
            profiled_count => Counted
        }
    after
        disarm(Armed)
    end.

pointed_at(eprof, Victim, _) ->
    eprof:start_profiling([Victim], {?WORK, quick, 0}) =:= profiling;
pointed_at(fprof, Victim, Folder) ->
    fprof:trace([start, {procs, [Victim]}, {file, filename:join(Folder, "taken.trace")}]) =:= ok;
pointed_at(tprof, Victim, _) ->
    {ok, _} = apply(?TPROF, start, [#{type => call_time}]),
    _ = apply(?TPROF, set_pattern, [?WORK, quick, 0]),
    apply(?TPROF, enable_trace, [Victim]) =:= 1.

%% Calls of quick/0 that the profiler tells.
taken_off(eprof) ->
    _ = eprof:stop_profiling(),
    Calls = [N || {_, Rows} <- eprof:dump(), {{?WORK, quick, 0}, {N, _}} <- Rows],
    stopped = eprof:stop(),
    lists:sum(Calls);
taken_off(fprof) ->
    ok = fprof:trace(stop),
    _ = fprof:stop(),
    none;
taken_off(tprof) ->
    {call_time, Info} = apply(?TPROF, collect, []),
    ok = apply(?TPROF, stop, []),
    lists:sum([N || {?WORK, quick, 0, Each} <- Info, {_, N, _} <- Each]).
