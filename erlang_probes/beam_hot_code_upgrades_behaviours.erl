%% The texts of servers, state machines, handlers, special processes and supervisors that are loaded in
%% versions. MODULE stands for the name, VERSION for the number. All tell a watcher of each
%% code_change: {code_change, Version, OldVsn, State, Extra}. Knows nothing of any claim.
-module(beam_hot_code_upgrades_behaviours).

-export([server/0, server/1, statem/0, handler/0, special/0, supervisor/0]).
-export([records/1, maps/1]).

%% What code_change/3 of a server may do.
-type change() :: converts | refuses | crashes | absent.

%% A gen_server whose state is {state, Version, Watcher}.
-spec server() -> string().
server() ->
    server(converts).

%% As server/0, whose code_change/3 does something else.
-spec server(change()) -> string().
server(How) ->
    "-module(MODULE).
    -export([version/0, init/1, handle_call/3, handle_cast/2, handle_info/2]).
    " ++ exported(How) ++ "
    version() -> VERSION.
    init(Watcher) -> {ok, {state, VERSION, Watcher}}.
    handle_call(state_version, _, {state, Of, _} = State) -> {reply, Of, State};
    handle_call(version, _, State) -> {reply, VERSION, State}.
    handle_cast(_, State) -> {noreply, State}.
    handle_info({ask, From, Ref, version}, State) -> From ! {Ref, VERSION}, {noreply, State};
    handle_info({number, Number}, {state, Of, Watcher} = State) ->
        Watcher ! {handled, Number, VERSION, Of},
        {noreply, State}.
    " ++ code_change(How).

exported(absent) -> "";
exported(_) -> "-export([code_change/3]).".

code_change(absent) ->
    "";
code_change(How) ->
    "code_change(OldVsn, {state, Old, Watcher}, Extra) ->
        Watcher ! {code_change, VERSION, OldVsn, {state, Old}, Extra},
        " ++ returns(How) ++ ".".

returns(converts) -> "{ok, {state, VERSION, Watcher}}";
returns(refuses) -> "{error, refused}";
returns(crashes) -> "error(crashed)".

%% A gen_statem whose state is idle and data {data, Version, Watcher}; version 1 has state functions,
%% the others one function for all events.
-spec statem() -> string().
statem() ->
    "-module(MODULE).
    -export([version/0, init/1, callback_mode/0, idle/3, handle_event/4, code_change/4]).
    version() -> VERSION.
    callback_mode() ->
        case version() of 1 -> state_functions; _ -> handle_event_function end.
    init(Watcher) -> {ok, idle, {data, VERSION, Watcher}}.
    idle({call, From}, what, Data) -> {keep_state_and_data, [{reply, From, {idle, fields(Data)}}]}.
    handle_event({call, From}, what, State, Data) ->
        {keep_state_and_data, [{reply, From, {event, State, fields(Data)}}]}.
    fields({data, Of, _}) -> Of.
    code_change(OldVsn, State, {data, Old, Watcher}, Extra) ->
        Watcher ! {code_change, VERSION, OldVsn, {State, Old}, Extra},
        {ok, {new, State}, {data, VERSION, Watcher}}.
    ".

%% A handler for a gen_event, whose state is {state, Version, Watcher}.
-spec handler() -> string().
handler() ->
    "-module(MODULE).
    -export([version/0, init/1, handle_event/2, handle_call/2, code_change/3]).
    version() -> VERSION.
    init(Watcher) -> {ok, {state, VERSION, Watcher}}.
    handle_event(_, State) -> {ok, State}.
    handle_call(what, {state, Of, _} = State) -> {ok, Of, State}.
    code_change(OldVsn, {state, Old, Watcher}, Extra) ->
        Watcher ! {code_change, VERSION, OldVsn, {state, Old}, Extra},
        {ok, {state, VERSION, Watcher}}.
    ".

%% A special process, which serves system messages by itself, as proc_lib and sys have it.
-spec special() -> string().
special() ->
    "-module(MODULE).
    -export([version/0, start/1, init/2, system_continue/3, system_terminate/4, system_code_change/4]).
    version() -> VERSION.
    start(Watcher) -> proc_lib:start(MODULE, init, [self(), Watcher]).
    init(Parent, Watcher) ->
        proc_lib:init_ack(Parent, {ok, self()}),
        loop(Parent, sys:debug_options([]), {state, VERSION, Watcher}).
    loop(Parent, Debug, {state, Of, _} = State) ->
        receive
            {system, From, Request} ->
                sys:handle_system_msg(Request, From, Parent, MODULE, Debug, State);
            {ask, From, Ref, what} ->
                From ! {Ref, {VERSION, Of}},
                loop(Parent, Debug, State)
        end.
    system_continue(Parent, Debug, State) -> loop(Parent, Debug, State).
    system_terminate(Reason, _, _, _) -> exit(Reason).
    system_code_change({state, Old, Watcher}, _, OldVsn, Extra) ->
        Watcher ! {code_change, VERSION, OldVsn, {state, Old}, Extra},
        {ok, {state, VERSION, Watcher}}.
    ".

%% A supervisor: version 1 has the children kept and dropped, and gives up at the first restart;
%% version 2 has the children kept, with another time to shut down, and added, and bears restarts.
-spec supervisor() -> string().
supervisor() ->
    "-module(MODULE).
    -behaviour(supervisor).
    -export([version/0, init/1, start_child/0]).
    version() -> VERSION.
    start_child() -> {ok, proc_lib:spawn_link(timer, sleep, [infinity])}.
    init(Watcher) ->
        Watcher ! {init, VERSION},
        Flags = #{strategy => one_for_one, intensity => 10 * (VERSION - 1), period => 3600},
        Child = fun(Id) ->
            #{id => Id, start => {MODULE, start_child, []}, shutdown => 1000 * VERSION}
        end,
        Children = case version() of 1 -> [kept, dropped]; _ -> [kept, added] end,
        {ok, {Flags, [Child(Id) || Id <- Children]}}.
    ".

%% Code that makes a record of the given fields, reads its width and changes it.
-spec records(string()) -> string().
records(Fields) ->
    "-module(MODULE).
    -export([version/0, new/2, width/1, widen/1]).
    -record(box, {" ++ Fields ++ "}).
    version() -> VERSION.
    new(Width, Height) -> #box{width = Width, height = Height}.
    width(Box) -> Box#box.width.
    widen(Box) -> Box#box{width = Box#box.width + 1}.
    ".

%% The same with a map.
-spec maps(string()) -> string().
maps(More) ->
    "-module(MODULE).
    -export([version/0, new/2, width/1, widen/1]).
    version() -> VERSION.
    new(Width, Height) -> #{" ++ More ++ "width => Width, height => Height}.
    width(#{width := Width}) -> Width.
    widen(#{width := Width} = Box) -> Box#{width := Width + 1}.
    ".
