%% dbg beside other tools, for a VM of its own: what it says, what it hears, what it leaves.
%% Knows nothing of any claim.
-module(beam_observability_debugging_dbg).

-export([beside_another/0, answers/0, twice/0, made_of/0, by_release/0]).

-define(TOOLS, beam_observability_debugging_tools).
-define(TRACED, beam_observability_debugging_traced).
-define(TRACING, beam_observability_debugging_tracing).
-define(DEADLINE_MS, 5_000).

%% A tool of the old interface traces a process; dbg traces it as well, and stops.
-spec beside_another() -> probe_lib:evidence().
beside_another() ->
    ?TRACING:with_cast(fun(#{first := First, subject := Subject, collector := Collector}) ->
        <<"1">> = ?TRACING:trace(First, Subject, true),
        <<"1">> = ?TRACING:pattern(First, true),
        Hear = fun() ->
            #{
                answers => ?TRACING:calls(Subject),
                first_heard => ?TRACING:heard(First, Subject),
                dbg_heard => dbg_heard(Collector)
            }
        end,
        Before = Hear(),
        ok = start(Collector),
        Set = [answer(dbg:p(Subject, c)), answer(dbg:tpl(?TRACED, plus_one, 1, []))],
        During = Hear(),
        dbg:stop(),
        #{before => Before, dbg_answers => Set, during => During, stopped => Hear()}
    end, [first, subject, collector]).

%% What dbg says of a process and a function that are there, of such as are not, and of a
%% specification that is none; and what trace_pattern/3 says of that one.
-spec answers() -> probe_lib:evidence().
answers() ->
    Wrong = [{['$1'], [{'$1', '>', 5}], []}],
    ?TRACING:with_cast(fun(#{dead := Dead, subject := Subject, collector := Collector}) ->
        killed = probe_lib:kill_and_wait(Dead),
        ok = start(Collector),
        Found = #{
            process => answer(dbg:p(Subject, c)),
            dead_process => answer(dbg:p(Dead, c)),
            function => answer(dbg:tpl(?TRACED, plus_one, 1, [])),
            no_function => answer(dbg:tpl(?TRACED, plus_two, 1, [])),
            local_only => answer(dbg:tp(?TRACED, hidden, 1, [])),
            local_too => answer(dbg:tpl(?TRACED, hidden, 1, [])),
            wrong_specification => answer(dbg:tpl(?TRACED, plus_one, 1, Wrong)),
            wrong_by_trace_pattern => ?TRACING:pattern(Collector, Wrong)
        },
        dbg:stop(),
        Found
    end, [dead, subject, collector]).

%% A second tracer of dbg, and a second session of it where there are any.
-spec twice() -> probe_lib:evidence().
twice() ->
    ?TRACING:with_cast(fun(#{subject := Subject, collector := One, other := Two}) ->
        ok = start(One),
        Again = probe_capture:outcome(fun() -> dbg:tracer(process, handler(Two)) end),
        <<"ok, matched 1">> = answer(dbg:p(Subject, c)),
        <<"ok, matched 1">> = answer(dbg:tpl(?TRACED, plus_one, 1, [])),
        Session = in_second_session(Two, Subject),
        Heard = #{
            answers => ?TRACING:calls(Subject),
            first_heard => dbg_heard(One),
            second_heard => second_heard(Session, Two)
        },
        dbg:stop(),
        Heard#{again_outcome => Again, session_outcome => Session}
    end, [subject, collector, other]).

in_second_session(Collector, Subject) ->
    case erlang:function_exported(dbg, session_create, 1) of
        false ->
            <<"no sessions">>;
        true ->
            Session = apply(dbg, session_create, [probe]),
            Set = fun() ->
                {ok, _} = dbg:tracer(process, handler(Collector)),
                [answer(dbg:p(Subject, c)), answer(dbg:tpl(?TRACED, plus_one, 1, []))]
            end,
            apply(dbg, session, [Session, Set])
    end.

%% Which application dbg is of; which ones had modules loaded by tracing with it; what a traced
%% process answers.
-spec made_of() -> probe_lib:evidence().
made_of() ->
    ?TRACING:with_cast(fun(#{subject := Subject, collector := Collector}) ->
        Before = code:all_loaded(),
        ok = start(Collector),
        Set = [answer(dbg:p(Subject, c)), answer(dbg:tpl(?TRACED, plus_one, 1, []))],
        Answers = ?TRACING:calls(Subject),
        Heard = dbg_heard(Collector),
        Loaded = [?TOOLS:application_of(File) || {_, File} <- code:all_loaded() -- Before],
        dbg:stop(),
        #{
            application => ?TOOLS:application_of(code:which(dbg)),
            dbg_answers => Set,
            answers => Answers,
            heard => Heard,
            loaded_applications => lists:usort(Loaded)
        }
    end, [subject, collector]).

%% Whether dbg, its sessions and the module trace are there, and what they are of.
-spec by_release() -> probe_lib:evidence().
by_release() ->
    {module, dbg} = code:ensure_loaded(dbg),
    #{
        dbg_application => ?TOOLS:application_of(code:which(dbg)),
        dbg_traces => erlang:function_exported(dbg, tracer, 0),
        dbg_sessions => erlang:function_exported(dbg, session_create, 1),
        trace_application => ?TOOLS:application_of(code:which(trace))
    }.

%%% Parts

start(Collector) ->
    {ok, _} = dbg:tracer(process, handler(Collector)),
    ok.

handler(Collector) ->
    {fun(Message, To) -> To ! Message, To end, Collector}.

%% What dbg's handler has passed on, once it has handled all that reached it; nothing while dbg does
%% not run.
dbg_heard(Collector) ->
    _ = is_pid(whereis(dbg)) andalso at_rest(dbg:get_tracer()),
    collected(Collector).

at_rest({ok, Tracer}) ->
    Rest = [{message_queue_len, 0}, {status, waiting}],
    probe_lib:await(
        fun() ->
            process_info(Tracer, [message_queue_len, status]) =:= Rest
        end,
        ?DEADLINE_MS
    ).

%% What a session of dbg has passed on, when it is as much as it must be or the deadline has passed:
%% nobody names the process of its handler.
second_heard(<<"no sessions">> = None, _) ->
    None;
second_heard(_, Collector) ->
    Waiting = fun() -> process_info(Collector, message_queue_len) =:= {message_queue_len, 3} end,
    _ = probe_lib:until(Waiting, ?DEADLINE_MS),
    collected(Collector).

collected(Collector) ->
    probe_lib:ask(Collector, fun(State) -> {?TRACING:labels(drain()), State} end).

drain() ->
    receive
        Message -> [Message | drain()]
    after 0 -> []
    end.

%% What dbg answers, as short text.
answer({ok, [{matched, _, Count} | _]}) ->
    probe_capture:text("ok, matched ~b", [Count]);
answer({ok, [{matched, _, Count, {'EXIT', {Reason, _}}} | _]}) ->
    probe_capture:text("ok, matched ~b, EXIT ~tp", [Count, Reason]);
answer({ok, [{matched, _, Count, {Why, _}} | _]}) ->
    probe_capture:text("ok, matched ~b, ~tp", [Count, Why]);
answer({error, [{error, Text} | _]}) ->
    probe_capture:text("error: ~ts", [Text]).
