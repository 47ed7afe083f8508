%% Servers and other processes that convert their state for new code, by loading, by hand or with sys.
%% Knows nothing of any claim.
-module(beam_hot_code_upgrades_changes).

-export([
    on_load_by/2,
    on_change/2,
    messages_kept/1,
    converted/2,
    supervisor_changed/2
]).

-define(CODE, beam_hot_code_upgrades_code).
-define(SUBJECT, hot_subject).
-define(DEADLINE_MS, 5_000).

%% Load version 2 under a gen_server of version 1 by one way: which version is current then, how often
%% code_change was called, what version answers, and of which its state is.
-spec on_load_by(fun((binary()) -> term()), [binary()]) -> probe_lib:evidence().
on_load_by(Way, [First, Second | _]) ->
    with_server(First, fun(Server) ->
        _ = Way(Second),
        State = state_of(Server),
        State#{code_change_count => length(changes())}
    end).

%% Change the code of a gen_server of version 1 while it runs or is suspended: what sys:change_code/4
%% returns, which code_change calls there were, whether the server is suspended then; and what it
%% answers when it goes on.
-spec on_change(running | suspended, [binary()]) -> probe_lib:evidence().
on_change(Running, [First, Second | _]) ->
    with_server(First, fun(Server) ->
        ok = case Running of running -> ok; suspended -> sys:suspend(Server) end,
        ok = ?CODE:load(?SUBJECT, Second),
        Returned = change_code(Server),
        Survives = is_process_alive(Server),
        Suspended = Survives andalso suspended(Server),
        _ = Survives andalso sys:resume(Server),
        State = case Survives of true -> state_of(Server); false -> #{} end,
        Changes = changes(),
        State#{
            returned => said(Returned),
            survives => Survives,
            suspended_then => Suspended,
            code_change_count => length(Changes),
            code_changes => [said(Change) || Change <- Changes]
        }
    end).

change_code(Server) ->
    try
        sys:change_code(Server, ?SUBJECT, "before", extra)
    catch
        exit:{Reason, _} -> {exit, Reason}
    end.

suspended(Server) ->
    {status, Server, _, [_, Status | _]} = sys:get_status(Server),
    Status =:= suspended.

%% Stacks and the like differ from build to build.
said({error, {'EXIT', {Reason, Stack}}}) when is_list(Stack) -> said({error, {exit, Reason}});
said({error, {unknown_system_msg, Message}}) -> said({error, unknown_system_msg, element(1, Message)});
said(Term) -> probe_capture:text(Term).

with_server(Beam, Fun) ->
    ?CODE:with([?SUBJECT], fun() ->
        ok = ?CODE:load(?SUBJECT, Beam),
        {ok, Server} = gen_server:start(?SUBJECT, self(), []),
        Fun(?CODE:mine(Server))
    end).

state_of(Server) ->
    #{
        current_version_number => ?CODE:current(?SUBJECT),
        answer_version_number => gen_server:call(Server, version),
        state_version_number => gen_server:call(Server, state_version)
    }.

%% The code_change calls that were told of, in order: the last call of state_of/1 or the like has come
%% behind them.
changes() ->
    receive
        {code_change, Version, OldVsn, State, Extra} -> [{Version, OldVsn, State, Extra} | changes()]
    after 0 -> []
    end.

%% Send a gen_server numbers before it is suspended, while it is and after it went on with new code and
%% converted state: in which order they were handled, each by which code and with which state; and how
%% many waited when it was about to go on.
-spec messages_kept([binary()]) -> probe_lib:evidence().
messages_kept([First, Second | _]) ->
    with_server(First, fun(Server) ->
        Send = fun(Numbers) -> [Server ! {number, Number} || Number <- Numbers] end,
        _ = Send([1, 2]),
        ok = sys:suspend(Server),
        _ = Send([3, 4]),
        Request = gen_server:send_request(Server, version),
        ok = ?CODE:load(?SUBJECT, Second),
        ok = sys:change_code(Server, ?SUBJECT, undefined, extra),
        {message_queue_len, Waiting} = process_info(Server, message_queue_len),
        ok = sys:resume(Server),
        _ = Send([5]),
        {reply, Answer} = gen_server:wait_response(Request, ?DEADLINE_MS),
        _ = state_of(Server),
        Handled = handled(),
        #{
            waiting_count => Waiting,
            numbers => [Number || {Number, _, _} <- Handled],
            code_versions => [Code || {_, Code, _} <- Handled],
            state_versions => [State || {_, _, State} <- Handled],
            answered_by_version_number => Answer,
            code_change_count => length(changes())
        }
    end).

handled() ->
    receive {handled, Number, Code, State} -> [{Number, Code, State} | handled()] after 0 -> [] end.

%% Convert the state of one kind of process, suspended, from version 1 to 2: what it tells before and
%% then, the code_change call, whether the process is the same.
-spec converted(server | statem | handler | special, [binary()]) -> probe_lib:evidence().
converted(Kind, [First, Second | _]) ->
    ?CODE:with([?SUBJECT], fun() ->
        ok = ?CODE:load(?SUBJECT, First),
        Pid = ?CODE:mine(started(Kind)),
        Before = what(Kind, Pid),
        ok = sys:suspend(Pid),
        ok = ?CODE:load(?SUBJECT, Second),
        Returned = sys:change_code(Pid, ?SUBJECT, "before", extra),
        ok = sys:resume(Pid),
        Then = what(Kind, Pid),
        #{
            tells_before => probe_capture:text(Before),
            returned => said(Returned),
            tells_then => probe_capture:text(Then),
            code_changes => [said(Change) || Change <- changes()]
        }
    end).

started(server) ->
    {ok, Pid} = gen_server:start(?SUBJECT, self(), []),
    Pid;
started(statem) ->
    {ok, Pid} = gen_statem:start(?SUBJECT, self(), []),
    Pid;
started(handler) ->
    {ok, Pid} = gen_event:start(),
    ok = gen_event:add_handler(Pid, ?SUBJECT, self()),
    Pid;
started(special) ->
    {ok, Pid} = ?CODE:run(?SUBJECT, start, [self()]),
    Pid.

what(server, Pid) -> gen_server:call(Pid, state_version);
what(statem, Pid) -> gen_statem:call(Pid, what);
what(handler, Pid) -> gen_event:call(Pid, ?SUBJECT, what);
what(special, Pid) -> ?CODE:ask(Pid, what).

%% Change the code of a supervisor, suspended, from version 1 to 2: how often init/1 ran and in which
%% version, who its children are before and then, whether they are the same processes, the shutdown
%% time of the one in both versions, and what a child's end does then. `load_only' leaves out the change.
-spec supervisor_changed(change | load_only, [binary()]) -> probe_lib:evidence().
supervisor_changed(How, [First, Second | _]) ->
    ?CODE:with([?SUBJECT], fun() ->
        process_flag(trap_exit, true),
        ok = ?CODE:load(?SUBJECT, First),
        {ok, Supervisor} = supervisor:start_link(?SUBJECT, self()),
        _ = ?CODE:mine(Supervisor),
        [1] = inits(),
        Before = children(Supervisor),
        Shutdown = shutdown(Supervisor),
        ok = sys:suspend(Supervisor),
        ok = ?CODE:load(?SUBJECT, Second),
        Returned =
            case How of
                change -> sys:change_code(Supervisor, ?SUBJECT, undefined, []);
                load_only -> nothing
            end,
        ok = sys:resume(Supervisor),
        Then = children(Supervisor),
        #{
            returned => said(Returned),
            init_versions => inits(),
            children_before => lists:sort(maps:keys(Before)),
            children_then => lists:sort(maps:keys(Then)),
            same_count => length(maps:to_list(Then) -- (maps:to_list(Then) -- maps:to_list(Before))),
            added => said(maps:get(added, Then, absent)),
            shutdown_before_ms => Shutdown,
            shutdown_then_ms => shutdown(Supervisor),
            survives_crash => survives_crash(Supervisor, maps:get(kept, Then))
        }
    end).

inits() ->
    receive {init, Version} -> [Version | inits()] after 0 -> [] end.

children(Supervisor) ->
    maps:from_list([{Id, Pid} || {Id, Pid, _, _} <- supervisor:which_children(Supervisor)]).

shutdown(Supervisor) ->
    {ok, #{shutdown := Ms}} = supervisor:get_childspec(Supervisor, kept),
    Ms.

%% Over when the supervisor has ended, or has another child in its place.
survives_crash(Supervisor, Child) ->
    killed = probe_lib:kill_and_wait(Child),
    probe_lib:await(
        fun() -> not is_process_alive(Supervisor) orelse replaced(Supervisor, Child) end, ?DEADLINE_MS
    ),
    is_process_alive(Supervisor).

replaced(Supervisor, Child) ->
    try children(Supervisor) of
        #{kept := Pid} -> is_pid(Pid) andalso Pid =/= Child
    catch
        exit:_ -> true
    end.
