%% Trace sessions, where the release has them: called by name, as older releases know no such
%% module. Knows nothing of any claim.
-module(beam_observability_debugging_sessions).

-export([interface/0, isolated/0, lifetime/0, with_session/2]).

-define(TOOLS, beam_observability_debugging_tools).
-define(TRACED, beam_observability_debugging_traced).
-define(TRACING, beam_observability_debugging_tracing).
-define(FUNCTION, {?TRACED, plus_one, 1}).
-define(RETURNS, [{'_', [], [{return_trace}]}]).
-define(DEADLINE_MS, 5_000).
-define(NONE, <<"no sessions">>).

%% What makes a session and what ends it.
-spec interface() -> probe_lib:evidence().
interface() ->
    Exported = exported(),
    Arities = fun(Name) -> [Arity || {Function, Arity} <- Exported, Function =:= Name] end,
    #{
        module_there => Exported =/= [],
        application => ?TOOLS:application_of(code:which(trace)),
        create_arities => Arities(session_create),
        destroy_arities => Arities(session_destroy),
        system_arities => Arities(system),
        life => life(Exported =/= [])
    }.

exported() ->
    case code:ensure_loaded(trace) of
        {module, trace} -> apply(trace, module_info, [exports]);
        {error, _} -> []
    end.

life(false) ->
    ?NONE;
life(true) ->
    probe_lib:with_process([], fun(Tool) ->
        probe_lib:with_process([], fun(Subject) ->
            Two = made_with([probe, Tool]),
            Session = create(Tool),
            Set = fun() -> probe_capture:outcome(fun() -> process(Session, Subject) end) end,
            Before = Set(),
            Ends = [apply(trace, session_destroy, [Session]) || _ <- [1, 2]],
            #{
                two_arguments => Two, set_before => Before, destroyed => Ends, set_after => Set()
            }
        end)
    end).

made_with(Args) ->
    probe_capture:outcome(fun() -> apply(trace, session_create, Args) end).

%% Two sessions and a tool of the old interface trace one process; one of them ends.
-spec isolated() -> probe_lib:evidence().
isolated() ->
    isolated(exported() =/= []).

isolated(false) ->
    Nobody = #{plain_heard => ?NONE, returning_heard => ?NONE},
    #{together => Nobody, alone => Nobody};
isolated(true) ->
    Names = [old, plain, returning, subject],
    ?TRACING:with_cast(fun(#{old := Old, plain := Plain, returning := Returning} = Cast) ->
        #{subject := Subject} = Cast,
        Sessions = [{create(Plain), []}, {create(Returning), ?RETURNS}],
        try
            <<"1">> = ?TRACING:trace(Old, Subject, true),
            <<"1">> = ?TRACING:pattern(Old, true),
            lists:foreach(fun({Session, Spec}) -> set(Session, Subject, Spec) end, Sessions),
            Hear = fun() ->
                #{
                    answers => ?TRACING:calls(Subject),
                    old_heard => ?TRACING:heard(Old, Subject),
                    plain_heard => ?TRACING:heard(Plain, Subject),
                    returning_heard => ?TRACING:heard(Returning, Subject)
                }
            end,
            Together = Hear(),
            true = destroy(element(1, lists:last(Sessions))),
            #{together => Together, alone => Hear()}
        after
            [destroy(Session) || {Session, _} <- Sessions]
        end
    end, Names).

%% Two sessions whose handles a process each holds; one lets go of it.
-spec lifetime() -> probe_lib:evidence().
lifetime() ->
    lifetime(exported() =/= []).

lifetime(false) ->
    Nobody = #{keeper_heard => ?NONE, loser_heard => ?NONE},
    #{listed_count => 0, before => Nobody, afterwards => Nobody};
lifetime(true) ->
    Names = [keeper, loser, keeping, losing, subject],
    ?TRACING:with_cast(fun(#{subject := Subject, keeper := Keeper, loser := Loser} = Cast) ->
        Tools = #{keeper_heard => maps:get(keeping, Cast), loser_heard => maps:get(losing, Cast)},
        ok = hold(Keeper, maps:get(keeper_heard, Tools), Subject),
        ok = hold(Loser, maps:get(loser_heard, Tools), Subject),
        Before = told(Tools, Subject),
        Listed = listed(Subject),
        ok = probe_lib:ask(Loser, fun(_) -> {ok, forgotten} end),
        [true = erlang:garbage_collect(Pid) || Pid <- [Keeper, Loser]],
        Gone = probe_lib:until(fun() -> listed(Subject) =:= Listed - 1 end, ?DEADLINE_MS),
        After = told(Tools, Subject),
        Still = probe_lib:ask(Keeper, fun(Session) -> {destroy(Session), none} end),
        #{listed_count => Listed, one_gone => Gone, before => Before, afterwards => After,
          keeper_destroyed => Still}
    end, Names).

%% Have a process make a session and keep its handle.
hold(Holder, Tool, Subject) ->
    probe_lib:ask(Holder, fun(_) ->
        Session = create(Tool),
        set(Session, Subject, []),
        {ok, Session}
    end).

destroy(Session) ->
    apply(trace, session_destroy, [Session]).

told(Tools, Subject) ->
    Answers = ?TRACING:calls(Subject),
    Heard = maps:map(fun(_, Tool) -> ?TRACING:heard(Tool, Subject) end, Tools),
    Heard#{answers => Answers}.

listed(Subject) ->
    length(apply(trace, session_info, [Subject])).

%% Run Fun with what hears of a session that traces the subject: a fun that gives what it heard.
-spec with_session(#{atom() => pid()}, fun((fun(() -> [binary()] | binary())) -> Value)) -> Value.
with_session(#{subject := Subject}, Fun) ->
    case exported() of
        [] ->
            Fun(fun() -> ?NONE end);
        _ ->
            probe_lib:with_process([], fun(Tool) ->
                Session = create(Tool),
                set(Session, Subject, []),
                try
                    Fun(fun() -> ?TRACING:heard(Tool, Subject) end)
                after
                    destroy(Session)
                end
            end)
    end.

create(Tool) ->
    apply(trace, session_create, [probe, Tool, []]).

process(Session, Subject) ->
    apply(trace, process, [Session, Subject, true, [call]]).

set(Session, Subject, Specification) ->
    1 = process(Session, Subject),
    1 = apply(trace, function, [Session, ?FUNCTION, Specification, [local]]).
