%% The VM's half of the bridge: serves calls that arrive as frames of ErlPort's protocol, runs
%% probes in fresh processes, and sends what they returned together with what they left behind.
%% Knows the wire, processes and code; knows nothing of any claim.
%%
%% Whoever knows the id of a call can answer it, and ids cannot be guessed. So only the server
%% holds them: it is sensitive (nobody can look into it or trace it), hands no id to the process
%% that runs a call, and is the only one that answers.
-module(probe_bridge).

-export([start/2, identity/0, beams/1, own_beam/0, compile/2, call/3]).

-ignore_xref([{identity, 0}, {own_beam, 0}]).

%% The outcome of a probe that ended without one, where no trusted code is left to print why.
-define(ENDED, <<"{\"error_class\":\"exit\",\"reason\":\"it ended\",\"stack\":[]}">>).
-define(OPAQUE, '$erlport.opaque').
%% Enough for what the server keeps and for several calls: it collects rarely.
-define(SERVER_HEAP_WORDS, 100000).

%% --- The server: one process that owns the port ---------------------------------------------

%% Take over the port from the boot expression. Beam is this module's own code, kept for peers.
-spec start(port(), binary()) -> true.
start(Port, Beam) ->
    Boot = self(),
    {Server, Ref} = spawn_opt(
        fun() -> init(Boot, Port, Beam) end, [monitor, {min_heap_size, ?SERVER_HEAP_WORDS}]
    ),
    true = erlang:port_connect(Port, Server),
    forward(Port, Server),
    Server ! {Boot, connected},
    receive
        {Server, ready} -> erlang:demonitor(Ref, [flush]);
        {'DOWN', Ref, process, Server, Reason} -> error(Reason)
    end,
    unlink(Port).

%% Frames that came before the port changed hands.
forward(Port, Server) ->
    receive
        {Port, _} = Message ->
            Server ! Message,
            forward(Port, Server)
    after 0 -> ok
    end.

init(Boot, Port, Beam) ->
    process_flag(sensitive, true),
    process_flag(trap_exit, true),
    true = register(?MODULE, self()),
    receive
        {Boot, connected} -> ok
    end,
    true = link(Port),
    Boot ! {self(), ready},
    loop(#{port => Port, beams => #{?MODULE => Beam}, calls => #{}, answers => #{}, known => none}).

loop(#{port := Port, beams := Beams, answers := Answers} = State) ->
    receive
        {Port, {data, Frame}} ->
            loop(request(decode(Frame), State));
        {Port, eof} ->
            halt_now();
        {'EXIT', Port, _} ->
            halt_now();
        {?MODULE, answer, Tag, Answer} when map_get(Tag, Answers) =:= none ->
            loop(State#{answers := Answers#{Tag := Answer}});
        {'DOWN', Ref, process, _, Reason} ->
            loop(ended(Ref, Reason, State));
        {?MODULE, beams, From, Tag, Modules} ->
            From ! {Tag, maps:with(Modules, Beams)},
            loop(State);
        _ ->
            loop(State)
    end.

%% The other end is gone: nobody can use this VM any more.
halt_now() ->
    erlang:halt(0, [{flush, false}]).

decode(Frame) ->
    try
        binary_to_term(Frame)
    catch
        error:badarg -> {not_a_term, byte_size(Frame)}
    end.

request({'C', Id, ?MODULE, probe, [Module, Function, Args], 'T'}, State) ->
    try
        probe(Id, {Module, Function, Args}, State)
    catch
        Class:Reason:Stack -> failed(Id, Class, Reason, Stack, State)
    end;
request({'C', Id, ?MODULE, load, [Modules], _}, #{beams := Beams} = State) ->
    try
        lists:foreach(fun load/1, Modules),
        send(State, Id, $r, ok),
        State#{beams := maps:merge(Beams, maps:from_list(Modules)), known := none}
    catch
        Class:Reason:Stack -> failed(Id, Class, Reason, Stack, State)
    end;
request({'C', Id, M, F, Args, Context}, State) when is_atom(M), is_atom(F), is_list(Args) ->
    incoming(Context, Id, {M, F, Args}, State#{known := none});
request({'M', Pid, Message}, State) ->
    try
        Pid ! Message
    catch
        error:badarg -> ok
    end,
    State;
request({'P', Text}, State) ->
    try
        io:put_chars(Text)
    catch
        _:_ -> ok
    end,
    State;
request(Other, #{port := Port} = State) ->
    Fault = {erlang, error, {bad_request, text(Other)}, []},
    command(Port, term_to_binary({'e', Fault}, [{minor_version, 1}])),
    State.

%% ErlPort's contexts: `L' runs in the server itself, `N' in a process of its own; both make what
%% Python has no word for opaque. Ours: `T' answers with the term as it is.
incoming('L', Id, Mfa, State) ->
    command(State, Id, answer(Mfa, fun prepare/1)),
    State;
incoming('T', Id, Mfa, State) ->
    run(Id, fun() -> answer(Mfa, fun(Term) -> Term end) end, answered, State);
incoming(_, Id, Mfa, State) ->
    run(Id, fun() -> answer(Mfa, fun prepare/1) end, answered, State).

%% Run Fun in a process of its own, which knows nothing of Id; its value is what then follows.
%% An answer brings along the token of sequential tracing that its process had, and whoever is
%% spawned inherits it from the spawner: six words in each heap, and traces of what nobody traces.
run(Id, Fun, Then, #{calls := Calls, answers := Answers} = State) ->
    _ = seq_trace:set_token([]),
    Server = self(),
    Tag = make_ref(),
    {_, Ref} = spawn_monitor(fun() -> Server ! {?MODULE, answer, Tag, Fun()} end),
    State#{calls := Calls#{Ref => {Id, Tag, Then}}, answers := Answers#{Tag => none}}.

ended(Ref, Reason, #{calls := Calls, answers := Answers} = State) ->
    case maps:take(Ref, Calls) of
        {{Id, Tag, Then}, Rest} ->
            {Answer, Others} = maps:take(Tag, Answers),
            ended(Then, Id, Answer, Reason, State#{calls := Rest, answers := Others});
        error ->
            State
    end.

ended(answered, Id, none, Reason, State) ->
    failed(Id, exit, Reason, [], State);
ended(answered, Id, Answer, _, State) ->
    command(State, Id, Answer),
    State;
ended({probed, Before}, Id, Answer, Reason, State) ->
    try
        probed(Id, Answer, Reason, Before, State)
    catch
        Class:What:Stack -> failed(Id, Class, What, Stack, State)
    end.

%% {Kind, External}: `r' or `e', and the external form of what follows the id, without its version.
answer({M, F, Args}, Prepare) ->
    try
        {$r, external(Prepare(apply(M, F, Args)))}
    catch
        Class:Reason:Stack ->
            {$e, external({erlang, Class, Prepare(Reason), Prepare(Stack)})}
    end.

failed(Id, Class, Reason, Stack, State) ->
    send(State, Id, $e, {erlang, Class, prepare(Reason), prepare(Stack)}),
    State.

send(State, Id, Kind, Term) ->
    command(State, Id, {Kind, external(Term)}).

%% {Kind, Id, Term} in its external form, of parts that are encoded already.
command(#{port := Port}, Id, {Kind, External}) ->
    command(Port, [<<131, 104, 3, 100, 0, 1, Kind>>, external(Id), External]).

command(Port, Frame) ->
    try
        port_command(Port, Frame)
    catch
        error:badarg -> false
    end.

external(Term) ->
    <<131, External/binary>> = term_to_binary(Term, [{minor_version, 1}]),
    External.

%% What ErlPort does to a term before it is encoded.
prepare(Term) when is_atom(Term); is_number(Term); is_binary(Term); Term =:= [] ->
    Term;
prepare([Head | Tail]) ->
    [prepare(Head) | prepare(Tail)];
prepare(Term) when is_tuple(Term) ->
    list_to_tuple(prepare(tuple_to_list(Term)));
prepare(Term) when is_map(Term) ->
    maps:from_list([{prepare(Key), prepare(Value)} || {Key, Value} <- maps:to_list(Term)]);
prepare(Term) ->
    {?OPAQUE, erlang, external(Term)}.

ask(Request, Argument) ->
    Tag = make_ref(),
    ?MODULE ! {?MODULE, Request, self(), Tag, Argument},
    receive
        {Tag, Reply} -> Reply
    end.

%% --- Code -----------------------------------------------------------------------------------

%% Loaded modules are kept as well, so that peers can be given them. The server loads: it serves
%% nothing before they are there.
load({Module, Beam}) ->
    _ = code:purge(Module),
    case code:load_binary(Module, atom_to_list(Module), Beam) of
        {module, Module} -> ok;
        {error, Reason} -> error({not_loaded, Module, Reason})
    end.

%% The beams of those of Modules that a peer cannot find by itself: what came over the pipe, or,
%% where no bridge runs, what was loaded from outside of OTP.
-spec beams([module()]) -> #{module() => binary()}.
beams(Modules) ->
    case whereis(?MODULE) of
        undefined ->
            Root = code:root_dir(),
            maps:from_list([
                {Module, Beam}
             || Module <- Modules,
                {_, Beam, File} <- [code:get_object_code(Module)],
                not lists:prefix(Root, File)
            ]);
        _ ->
            ask(beams, Modules)
    end.

-spec own_beam() -> binary().
own_beam() ->
    maps:get(?MODULE, beams([?MODULE])).

%% Compile a module from its source text; the folder is the VM's scratch. Warnings are no errors: a
%% later release warns of what an earlier one does not know.
-spec compile(module(), binary()) ->
    #{beam := binary(), warnings := binary()} | #{errors := binary()}.
compile(Module, Source) ->
    Name = atom_to_list(Module) ++ ".erl",
    Folder = scratch(),
    File = filename:join(Folder, Name),
    ok = file:write_file(File, Source),
    Options = [binary, return, debug_info, deterministic, {source, Name}],
    try compile:file(File, Options) of
        {ok, Module, Beam, Warnings} ->
            #{beam => Beam, warnings => diagnostics(Name, Warnings)};
        {ok, Other, _, _} ->
            #{errors => <<"the module is named ", (atom_to_binary(Other, utf8))/binary>>};
        {error, Errors, Warnings} ->
            #{errors => diagnostics(Name, Errors ++ Warnings)}
    after
        file:delete(File)
    end.

diagnostics(Name, Found) ->
    Lines = [
        io_lib:format("~ts:~ts: ~ts~n", [Name, place(At), How:format_error(What)])
     || {_, List} <- Found, {At, How, What} <- List
    ],
    unicode:characters_to_binary(Lines).

place({Line, Column}) -> io_lib:format("~w:~w", [Line, Column]);
place(Line) -> io_lib:format("~w", [Line]).

scratch() ->
    case os:getenv("TMPDIR") of
        false -> "/tmp";
        Folder -> Folder
    end.

%% A term on one line, for a message.
text(Term) ->
    unicode:characters_to_binary(io_lib:format("~0tp", [Term], [{chars_limit, 500}])).

%% --- Identity -------------------------------------------------------------------------------

%% Who this VM is, in the words of the run file.
-spec identity() -> #{binary() => term()}.
identity() ->
    Info = fun erlang:system_info/1,
    Release = Info(otp_release),
    #{
        <<"otp_release">> => list_to_integer(Release),
        <<"otp_version">> => otp_version(Release),
        <<"erts_version">> => list_to_binary(Info(version)),
        <<"emu_flavor">> => flavor(),
        <<"jit">> => flavor() =:= <<"jit">>,
        <<"wordsize_bytes">> => Info(wordsize),
        <<"schedulers">> => Info(schedulers),
        <<"schedulers_online">> => Info(schedulers_online),
        <<"dirty_cpu_schedulers">> => Info(dirty_cpu_schedulers),
        <<"dirty_io_schedulers">> => Info(dirty_io_schedulers),
        <<"system_architecture">> => list_to_binary(Info(system_architecture)),
        <<"host_kernel">> => host_kernel(),
        <<"host_cores">> => host_cores(),
        <<"has_compiler">> => code:which(compile) =/= non_existing
    }.

%% emu_flavor is younger than the range of releases this module may meet.
flavor() ->
    try
        atom_to_binary(erlang:system_info(emu_flavor), utf8)
    catch
        error:badarg -> <<"emu">>
    end.

otp_version(Release) ->
    File = filename:join([code:root_dir(), "releases", Release, "OTP_VERSION"]),
    case file:read_file(File) of
        {ok, Version} -> string:trim(Version);
        {error, _} -> list_to_binary(Release)
    end.

host_kernel() ->
    {_, Name} = os:type(),
    Version =
        case file:read_file("/proc/sys/kernel/osrelease") of
            {ok, Text} -> string:trim(Text);
            {error, _} -> text(os:version())
        end,
    <<(atom_to_binary(Name, utf8))/binary, " ", Version/binary>>.

host_cores() ->
    case erlang:system_info(logical_processors) of
        unknown -> erlang:system_info(schedulers);
        Count -> Count
    end.

%% --- Calls and probes ------------------------------------------------------------------------

%% Call any function; what it returned or raised is made JSON.
-spec call(module(), atom(), [term()]) -> probe_evidence:outcome().
call(Module, Function, Args) ->
    try
        probe_evidence:returned(apply(Module, Function, Args))
    catch
        Class:Reason:Stack -> probe_evidence:raised(Class, Reason, Stack)
    end.

%% Run a probe in a fresh process. The deadline is the host's, which kills the VM when it passes.
%% The state after the last probe is the state before this one, unless something else was called.
probe(Id, Mfa, #{known := none, port := Port} = State) ->
    probe(Id, Mfa, State#{known := {code(), probe_state:take(Port)}});
probe(Id, Mfa, #{known := Before} = State) ->
    run(Id, fun() -> measure(Mfa) end, {probed, Before}, State#{known := none}).

measure({Module, Function, Args}) ->
    Start = erlang:monotonic_time(),
    try Module:Function(Args) of
        Evidence ->
            Stop = erlang:monotonic_time(),
            Us = erlang:convert_time_unit(Stop - Start, native, microsecond),
            probe_evidence:measured(Evidence, Us)
    catch
        Class:Reason:Stack -> probe_evidence:raised(Class, Reason, Stack)
    end.

%% Answer {Outcome, Leftovers, Spent}. Whatever compares is code itself: so code is compared first,
%% by nothing but this module and what is built into the VM.
probed(Id, Answer, Reason, {Code, Before}, #{port := Port} = State) ->
    {connected, Server} = erlang:port_info(Port, connected),
    true = Server =:= self(),
    case [other_code(Module) || {Module, Md5} <- Code, md5(Module) =/= Md5] of
        [] ->
            {{Leftovers, Spent}, After} = probe_state:settled(Before),
            send(State, Id, $r, {outcome(Answer, Reason), Leftovers, Spent}),
            State#{known := {code(), After}};
        Others ->
            Outcome =
                case Answer of
                    none -> ?ENDED;
                    _ -> Answer
                end,
            send(State, Id, $r, {Outcome, Others, true}),
            State
    end.

outcome(none, Reason) -> probe_evidence:raised(exit, Reason, []);
outcome(Outcome, _) -> Outcome.

%% The VM computes the checksum itself from the code that it loads.
code() ->
    [{Module, md5(Module)} || Module <- erlang:loaded()].

md5(Module) ->
    try
        erlang:get_module_info(Module, md5)
    catch
        error:badarg -> gone
    end.

other_code(Module) ->
    <<"module ", (atom_to_binary(Module, utf8))/binary, " has other code, or none">>.
