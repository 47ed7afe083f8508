%% One process of each kind that the module sys may meet, and what it answers. The callbacks of all
%% behaviours stand here, told apart by what init/1 is given. Knows nothing of any claim.
-module(beam_observability_debugging_servers).

-export([start/1, start_named/1, kinds/0, state_of/1, traced_lines/1, statistics/0, replaced/1, waiting/0]).
%% Callbacks of gen_server, gen_statem, gen_event, supervisor and supervisor_bridge.
-export([
    init/1,
    callback_mode/0,
    handle_call/3,
    handle_cast/2,
    handle_info/2,
    handle_event/2,
    handle_event/4,
    handle_call/2,
    terminate/2
]).
%% A special process.
-export([
    special/1,
    system_continue/3,
    system_terminate/4,
    system_get_state/1,
    system_replace_state/2
]).

%% Called by sys.
-ignore_xref([
    {system_continue, 3}, {system_terminate, 4}, {system_get_state, 1}, {system_replace_state, 2}
]).

-define(DEADLINE_MS, 5_000).
%% How long is waited for an answer that does not come, of a process that serves what is sent after
%% the question.
-define(SILENCE_MS, 100).

-type kind() ::
    gen_server | gen_statem | gen_event | supervisor | supervisor_bridge | special
    | application_master | plain.

-spec kinds() -> [kind()].
kinds() ->
    [
        gen_server, gen_statem, gen_event, supervisor, supervisor_bridge, special,
        application_master, plain
    ].

%% A gen_server whose state is 0, or the list of the first integers.
-spec start(non_neg_integer()) -> pid().
start(Count) ->
    pid(gen_server:start(?MODULE, {server, Count}, [])).

-spec start_named(atom()) -> pid().
start_named(Name) ->
    pid(gen_server:start({local, Name}, ?MODULE, {server, 0}, [])).

%%% Cases

%% What sys:get_state/2 answers, as text; of a state that is a record, its name only. And whether
%% the process serves what is sent afterwards.
-spec state_of(kind()) -> probe_lib:evidence().
state_of(Kind) ->
    with(Kind, fun(Pid) ->
        State = state_text(Pid, patience(Kind)),
        #{state => State, served => provoke(Kind, Pid)}
    end).

state_text(Pid, TimeoutMs) ->
    probe_capture:outcome(fun() ->
        case sys:get_state(Pid, TimeoutMs) of
            Record when element(1, Record) =:= state -> element(1, Record);
            State -> State
        end
    end).

patience(Silent) when Silent =:= application_master; Silent =:= plain -> ?SILENCE_MS;
patience(_) -> ?DEADLINE_MS.

%% What sys:trace/3 answers, whether what was sent then was answered, and how many lines of what
%% happened were printed to the group leader of the process; the same once it is off. What is asked last is answered
%% when all has been printed.
-spec traced_lines(kind()) -> probe_lib:evidence().
traced_lines(Kind) ->
    Printer = spawn(fun() -> printer([]) end),
    try
        with(Kind, Printer, fun(Pid) ->
            Set = fun(Flag) ->
                probe_capture:outcome(fun() -> sys:trace(Pid, Flag, patience(Kind)) end)
            end,
            On = Set(true),
            Served = provoke(Kind, Pid),
            Off = Set(false),
            Lines = event_lines(Printer),
            Later = provoke(Kind, Pid),
            _ = Set(false),
            #{
                on => On, served => Served, off => Off, served_later => Later,
                line_count => Lines, line_count_later => event_lines(Printer) - Lines
            }
        end)
    after
        probe_lib:kill_and_wait(Printer)
    end.

event_lines(Printer) ->
    length([Line || Line <- printed(Printer), string:find(Line, "*DBG*") =/= nomatch]).

%% What sys:statistics/2 counts of a gen_server: before it is on, after three calls and two casts,
%% and when it is off again.
-spec statistics() -> probe_lib:evidence().
statistics() ->
    with(gen_server, fun(Pid) ->
        Get = fun() -> sys:statistics(Pid, get) end,
        Early = probe_capture:outcome(Get),
        ok = sys:statistics(Pid, true),
        [served = gen_server:call(Pid, serve) || _ <- [1, 2, 3]],
        [ok = gen_server:cast(Pid, count) || _ <- [1, 2]],
        {ok, Counted} = Get(),
        ok = sys:statistics(Pid, false),
        #{
            before => Early,
            in_count => proplists:get_value(messages_in, Counted),
            out_count => proplists:get_value(messages_out, Counted),
            keys => lists:sort([Key || {Key, _} <- Counted]),
            afterwards => probe_capture:outcome(Get)
        }
    end).

%% What sys:replace_state/3 answers with a fun that raises and one that replaces the state; the state
%% before, between and after.
-spec replaced(kind()) -> probe_lib:evidence().
replaced(Kind) ->
    with(Kind, fun(Pid) ->
        State = fun() -> state_text(Pid, ?DEADLINE_MS) end,
        Replace = fun(Fun) ->
            probe_capture:outcome(fun() ->
                _ = sys:replace_state(Pid, Fun, ?DEADLINE_MS),
                ok
            end)
        end,
        Before = State(),
        Raised = Replace(fun(_) -> error(boom) end),
        Kept = State(),
        #{
            before => Before, raising_outcome => Raised, kept => Kept,
            outcome => Replace(fun other/1), state_after => State(), served => provoke(Kind, Pid)
        }
    end).

%% Another state of the same shape.
other({_, Data}) -> {other, Data};
other({Module, Id, _}) -> {Module, Id, other};
other(_) -> other.

%% Ask a server for its state while a callback of it runs, and with two messages waiting before the
%% question.
-spec waiting() -> probe_lib:evidence().
waiting() ->
    with(gen_server, fun(Pid) ->
        Idle = state_text(Pid, ?DEADLINE_MS),
        ok = gen_server:cast(Pid, {wait_for, self()}),
        ok = receive_from(Pid, waiting),
        Busy = state_text(Pid, ?SILENCE_MS),
        [ok = gen_server:cast(Pid, count) || _ <- [1, 2]],
        Before = queued(Pid),
        Asker = probe_lib:subject([]),
        Ref = probe_lib:tell(Asker, fun(State) -> {state_text(Pid, ?DEADLINE_MS), State} end),
        probe_lib:await(fun() -> queued(Pid) > Before end, ?DEADLINE_MS),
        Pid ! go,
        Then = receive {Ref, Text} -> Text after ?DEADLINE_MS -> error({setup, no_state}) end,
        _ = probe_lib:kill_and_wait(Asker),
        #{idle => Idle, busy => Busy, state_then => Then}
    end).

queued(Pid) ->
    {message_queue_len, Length} = process_info(Pid, message_queue_len),
    Length.

receive_from(Pid, Tag) ->
    receive
        {Tag, Pid} -> ok
    after ?DEADLINE_MS -> error({setup, Tag})
    end.

%%% One of each

with(Kind, Fun) ->
    with(Kind, group_leader(), Fun).

%% Started by a process of that group leader, which the new one inherits.
with(application_master, _, Fun) ->
    Fun(application_controller:get_master(kernel));
with(Kind, Leader, Fun) ->
    Starter = probe_lib:subject([]),
    Pid = probe_lib:ask(Starter, fun(State) ->
        group_leader(Leader, self()),
        {started(Kind), State}
    end),
    try
        Fun(Pid)
    after
        probe_lib:kill_all([Pid, Starter])
    end.

started(gen_server) -> start(0);
started(gen_statem) -> pid(gen_statem:start(?MODULE, statem, []));
started(gen_event) -> with_handler(pid(gen_event:start()));
started(supervisor) -> pid(unlinked(supervisor:start_link(?MODULE, supervisor)));
started(supervisor_bridge) -> pid(unlinked(supervisor_bridge:start_link(?MODULE, bridge)));
started(special) -> pid(proc_lib:start(?MODULE, special, [self()]));
started(plain) -> spawn(fun plain/0).

pid({ok, Pid}) -> Pid.

unlinked({ok, Pid}) ->
    unlink(Pid),
    {ok, Pid}.

with_handler(Pid) ->
    ok = gen_event:add_handler(Pid, ?MODULE, handler),
    Pid.

plain() ->
    receive
        {ping, From} -> From ! {pong, self()}, plain();
        _ -> plain()
    end.

%% Something that a process of this kind serves; whether it did.
provoke(gen_server, Pid) -> gen_server:call(Pid, serve) =:= served;
provoke(gen_statem, Pid) -> gen_statem:call(Pid, serve) =:= served;
provoke(gen_event, Pid) -> gen_event:call(Pid, ?MODULE, serve) =:= served;
provoke(supervisor, Pid) -> supervisor:which_children(Pid) =:= [];
provoke(supervisor_bridge, Pid) -> gen_server:call(Pid, serve) =/= none;
provoke(application_master, Pid) -> application_master:get_child(Pid) =/= none;
provoke(_, Pid) -> pong(Pid).

pong(Pid) ->
    Pid ! {ping, self()},
    receive
        {pong, Pid} -> true
    after ?DEADLINE_MS -> false
    end.

%%% Callbacks

-spec init(term()) -> term().
init({server, 0}) -> {ok, 0};
init({server, Count}) -> {ok, lists:seq(1, Count)};
init(statem) -> {ok, idle, data};
init(handler) -> {ok, handler_state};
init(supervisor) -> {ok, {#{}, []}};
init(bridge) -> {ok, spawn_link(fun plain/0), bridge_state}.

-spec callback_mode() -> handle_event_function.
callback_mode() -> handle_event_function.

-spec handle_call(serve, {pid(), term()}, term()) -> {reply, served, term()}.
handle_call(serve, _, State) -> {reply, served, State}.

-spec handle_cast(count | {wait_for, pid()}, term()) -> {noreply, term()}.
handle_cast(count, State) ->
    {noreply, State + 1};
handle_cast({wait_for, Pid}, State) ->
    Pid ! {waiting, self()},
    receive
        go -> {noreply, State}
    end.

-spec handle_info(term(), term()) -> {noreply, term()}.
handle_info(_, State) -> {noreply, State}.

-spec handle_event({call, term()}, serve, term(), term()) -> term().
handle_event({call, From}, serve, _, _) -> {keep_state_and_data, [{reply, From, served}]}.

-spec handle_event(term(), term()) -> {ok, term()}.
handle_event(_, State) -> {ok, State}.

-spec handle_call(serve, term()) -> {ok, served, term()}.
handle_call(serve, State) -> {ok, served, State}.

-spec terminate(term(), term()) -> ok.
terminate(_, _) -> ok.

%%% A special process

-spec special(pid()) -> no_return().
special(Parent) ->
    proc_lib:init_ack(Parent, {ok, self()}),
    special_loop(Parent, sys:debug_options([]), special_state).

special_loop(Parent, Debug, State) ->
    receive
        {system, From, Request} ->
            sys:handle_system_msg(Request, From, Parent, ?MODULE, Debug, State);
        {ping, From} ->
            Write = fun(Device, Event, _) -> io:format(Device, "*DBG* ~p~n", [Event]) end,
            Seen = sys:handle_debug(Debug, Write, ?MODULE, {in, ping}),
            From ! {pong, self()},
            special_loop(Parent, Seen, State)
    end.

-spec system_continue(pid(), [sys:debug_option()], term()) -> no_return().
system_continue(Parent, Debug, State) -> special_loop(Parent, Debug, State).

-spec system_terminate(term(), pid(), [sys:debug_option()], term()) -> no_return().
system_terminate(Reason, _, _, _) -> exit(Reason).

-spec system_get_state(term()) -> {ok, term()}.
system_get_state(State) -> {ok, State}.

-spec system_replace_state(fun((term()) -> term()), term()) -> {ok, term(), term()}.
system_replace_state(Fun, State) ->
    New = Fun(State),
    {ok, New, New}.

%%% A group leader that keeps what is printed

printer(Lines) ->
    receive
        {io_request, From, As, Request} ->
            From ! {io_reply, As, ok},
            printer([characters(Request) | Lines]);
        {printed, From} ->
            From ! {self(), lists:reverse(Lines)},
            printer(Lines)
    end.

characters({put_chars, _, Module, Function, Args}) ->
    unicode:characters_to_binary(apply(Module, Function, Args));
characters({put_chars, _, Characters}) ->
    unicode:characters_to_binary(Characters);
characters(_) ->
    <<>>.

printed(Printer) ->
    Printer ! {printed, self()},
    receive
        {Printer, Lines} -> Lines
    after ?DEADLINE_MS -> error({setup, no_lines})
    end.
