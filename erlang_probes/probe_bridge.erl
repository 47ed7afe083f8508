%% The VM's half of the bridge: serves calls that arrive as frames of ErlPort's protocol, runs
%% probes in fresh processes, makes their evidence JSON-safe, and says what they left in the VM.
%% Knows the wire and the state of a VM; knows nothing of any claim.
-module(probe_bridge).

-export([start/2, identity/0, load/1, beams/1, own_beam/0, compile/2, call/3, probe/3]).
-export([text/1]).

-export_type([leftover/0]).

%% One thing that a probe left in the VM, described for a reader.
-type leftover() :: binary().

-define(MAX_DEPTH, 64).
%% The cost of a value: the bytes of its text, and eight for each node of the term.
-define(MAX_BYTES, (8 * 1024 * 1024)).
-define(NODE_BYTES, 8).
%% Printed terms (reasons, what JSON cannot say) end here.
-define(MAX_TEXT_CHARS, 2000).
%% What a probe started may need a moment to end after it; nothing is a leftover before that.
-define(SETTLE_MS, 300).
-define(OPAQUE, '$erlport.opaque').
%% Services that a VM starts once, at first use, and keeps: nobody's leftovers.
-define(LAZY_SERVICES, [
    timer_server, dets, dets_sup, disk_log_server, disk_log_sup,
    inet_gethost_native, inet_gethost_native_sup
]).

%% --- The server: one process that owns the port ---------------------------------------------

%% Take over the port from the boot expression. Beam is this module's own code, kept for peers.
-spec start(port(), binary()) -> true.
start(Port, Beam) ->
    Boot = self(),
    {Server, Ref} = spawn_monitor(fun() -> init(Boot, Port, Beam) end),
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
    process_flag(trap_exit, true),
    true = register(?MODULE, self()),
    receive
        {Boot, connected} -> ok
    end,
    true = link(Port),
    Boot ! {self(), ready},
    loop(#{port => Port, beams => #{?MODULE => Beam}, calls => #{}, known => none}).

loop(#{port := Port, beams := Beams, known := Known} = State) ->
    receive
        {Port, {data, Frame}} ->
            loop(request(decode(Frame), State));
        {Port, eof} ->
            halt_now();
        {'EXIT', Port, _} ->
            halt_now();
        {'DOWN', Ref, process, _, Reason} ->
            loop(ended(Ref, Reason, State));
        {?MODULE, beams, From, Tag, Modules} ->
            From ! {Tag, maps:with(Modules, Beams)},
            loop(State);
        {?MODULE, keep, New} ->
            loop(State#{beams := maps:merge(Beams, New)});
        {?MODULE, known, From, Tag, []} ->
            From ! {Tag, Known},
            loop(State#{known := none});
        {?MODULE, know, From, Tag, Now} ->
            From ! {Tag, ok},
            loop(State#{known := Now});
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

request({'C', Id, ?MODULE, probe, Args, 'T'}, State) when is_list(Args) ->
    incoming('T', Id, {?MODULE, probe, Args}, State);
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
        error:_ -> ok
    end,
    State;
request(Other, #{port := Port} = State) ->
    send(Port, {'e', {erlang, error, {bad_request, text(Other)}, []}}),
    State.

%% ErlPort's contexts: `L' runs in the server itself, `N' in a process of its own; both make what
%% Python has no word for opaque. Ours: `T' answers with the term as it is.
incoming('L', Id, Mfa, #{port := Port} = State) ->
    send(Port, answer(Id, Mfa, fun prepare/1)),
    State;
incoming(Context, Id, Mfa, #{port := Port, calls := Calls} = State) ->
    Prepare =
        case Context of
            'T' -> fun(Term) -> Term end;
            _ -> fun prepare/1
        end,
    {_, Ref} = spawn_monitor(fun() -> send(Port, answer(Id, Mfa, Prepare)) end),
    State#{calls := Calls#{Ref => Id}}.

ended(Ref, Reason, #{port := Port, calls := Calls} = State) ->
    case maps:take(Ref, Calls) of
        {_, Rest} when Reason =:= normal ->
            State#{calls := Rest};
        {Id, Rest} ->
            send(Port, {'e', Id, {erlang, exit, prepare(Reason), []}}),
            State#{calls := Rest};
        error ->
            State
    end.

answer(Id, {M, F, Args}, Prepare) ->
    try
        {'r', Id, Prepare(apply(M, F, Args))}
    catch
        Class:Reason:Stack ->
            {'e', Id, {erlang, Class, Prepare(Reason), Prepare(Stack)}}
    end.

send(Port, Term) ->
    try
        port_command(Port, term_to_binary(Term, [{minor_version, 1}]))
    catch
        error:badarg -> false
    end.

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
    <<131, Data/binary>> = term_to_binary(Term, [{minor_version, 1}]),
    {?OPAQUE, erlang, Data}.

ask(Request, Argument) ->
    Tag = make_ref(),
    ?MODULE ! {?MODULE, Request, self(), Tag, Argument},
    receive
        {Tag, Reply} -> Reply
    end.

%% --- Code -----------------------------------------------------------------------------------

%% Load modules and keep their beams, so that peers can be given them. In context `L' it runs in
%% the server, which serves nothing before the modules are there.
-spec load([{module(), binary()}]) -> ok.
load(Modules) ->
    lists:foreach(fun load_one/1, Modules),
    ?MODULE ! {?MODULE, keep, maps:from_list(Modules)},
    ok.

load_one({Module, Beam}) ->
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
            #{errors => text({module_is_named, Other})};
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

%% --- Calls ----------------------------------------------------------------------------------

%% The outcome of a call, made plain: what it returned, or what it raised, as the VM prints it.
-type outcome() ::
    #{value := term()}
    | #{class := binary(), reason := binary(), stack := [binary()]}.

%% Call any function; its value is made JSON-safe.
-spec call(module(), atom(), [term()]) -> outcome().
call(Module, Function, Args) ->
    try
        plain(apply(Module, Function, Args))
    catch
        Class:Reason:Stack -> raised(Class, Reason, Stack)
    end.

plain(Value) ->
    try
        #{value => json(Value)}
    catch
        throw:{?MODULE, Reason} -> bad_evidence(Reason)
    end.

raised(Class, Reason, Stack) ->
    #{
        class => atom_to_binary(Class, utf8),
        reason => text(Reason),
        stack => [text(Entry) || Entry <- Stack]
    }.

bad_evidence(Reason) ->
    #{class => <<"bad_evidence">>, reason => Reason, stack => []}.

%% Run a probe in a fresh process; add what it took and what it left in the VM. The deadline is
%% the host's, which kills the VM when it passes.
-spec probe(module(), atom(), map()) -> map().
probe(Module, Function, Args) ->
    Before = state_before(),
    Tag = make_ref(),
    Self = self(),
    {Pid, Ref} = spawn_monitor(fun() -> Self ! {Tag, run_probe(Module, Function, Args)} end),
    Outcome =
        receive
            {'DOWN', Ref, process, Pid, Reason} ->
                receive
                    {Tag, Ran} -> Ran
                after 0 -> raised(exit, Reason, [])
                end
        end,
    Outcome#{leftovers => leftovers(Before)}.

run_probe(Module, Function, Args) ->
    Start = erlang:monotonic_time(),
    try Module:Function(Args) of
        Evidence ->
            Stop = erlang:monotonic_time(),
            (evidence(Evidence))#{
                probe_us => erlang:convert_time_unit(Stop - Start, native, microsecond)
            }
    catch
        Class:Reason:Stack -> raised(Class, Reason, Stack)
    end.

evidence(Evidence) when is_map(Evidence) -> plain(Evidence);
evidence(Other) -> bad_evidence(<<"evidence must be a map, not ", (text(Other))/binary>>).

%% --- JSON-safe values -----------------------------------------------------------------------

%% Numbers, booleans, text, lists, maps with text as keys. Atoms and binaries are text, tuples are
%% lists; what JSON cannot say is text as the VM prints it.
json(Term) ->
    {Json, _} = json(Term, ?MAX_DEPTH, ?MAX_BYTES),
    Json.

json(_, 0, _) ->
    throw({?MODULE, text_of("evidence is nested deeper than ~w levels", [?MAX_DEPTH])});
json(_, _, Budget) when Budget < 0 ->
    throw({?MODULE, text_of("evidence is larger than ~w bytes", [?MAX_BYTES])});
json(Term, _, Budget) when is_boolean(Term); is_float(Term) ->
    {Term, Budget - ?NODE_BYTES};
%% Integers beyond 64 bits are beyond most readers of JSON, too.
json(Term, _, Budget) when is_integer(Term), Term >= -(1 bsl 63), Term < (1 bsl 64) ->
    {Term, Budget - ?NODE_BYTES};
json(Term, _, Budget) when is_atom(Term) ->
    spend(atom_to_binary(Term, utf8), Budget);
json(Term, _, Budget) when is_binary(Term), byte_size(Term) > Budget ->
    json(Term, ?MAX_DEPTH, -1);
json(Term, _, Budget) when is_binary(Term) ->
    spend(utf8(Term), Budget);
json(Term, Depth, Budget) when is_tuple(Term) ->
    json_list(tuple_to_list(Term), Depth - 1, Budget - ?NODE_BYTES, []);
json(Term, Depth, Budget) when is_list(Term) ->
    json_list(Term, Depth - 1, Budget - ?NODE_BYTES, []);
json(Term, Depth, Budget) when is_map(Term) ->
    json_map(maps:to_list(Term), Depth - 1, Budget - ?NODE_BYTES, #{});
json(Term, _, Budget) ->
    spend(text(Term), Budget).

json_list([Element | Rest], Depth, Budget, Done) ->
    {Json, Left} = json(Element, Depth, Budget),
    json_list(Rest, Depth, Left, [Json | Done]);
json_list([], _, Budget, Done) ->
    {lists:reverse(Done), Budget};
json_list(Tail, _, Budget, Done) ->
    spend(text(lists:reverse(Done, Tail)), Budget).

json_map([], _, Budget, Done) ->
    {Done, Budget};
json_map([{Key, Value} | Rest], Depth, Budget, Done) ->
    Name = key(Key),
    case is_map_key(Name, Done) of
        true -> throw({?MODULE, <<"two keys of a map are both printed as ", Name/binary>>});
        false -> ok
    end,
    {Json, Left} = json(Value, Depth, Budget - byte_size(Name)),
    json_map(Rest, Depth, Left, Done#{Name => Json}).

key(Key) when is_atom(Key) -> atom_to_binary(Key, utf8);
key(Key) when is_binary(Key) -> utf8(Key);
key(Key) -> text(Key).

spend(Text, Budget) ->
    {Text, Budget - byte_size(Text) - ?NODE_BYTES}.

utf8(Binary) ->
    case unicode:characters_to_binary(Binary) of
        Binary -> Binary;
        _ -> text_of("~w", [Binary])
    end.

%% A term as the VM prints it, on one line, cut at a limit.
-spec text(term()) -> binary().
text(Term) ->
    text_of("~0tp", [Term]).

text_of(Format, Arguments) ->
    Chars = io_lib:format(Format, Arguments, [{chars_limit, ?MAX_TEXT_CHARS}]),
    unicode:characters_to_binary(Chars).

%% --- What a probe left ----------------------------------------------------------------------

%% The state after the last probe is the state before the next, unless something else was called
%% in between.
state_before() ->
    case ask(known, []) of
        none -> snapshot(#{processes => [], ports => []});
        Known -> Known
    end.

snapshot(#{processes := KnownProcesses, ports := KnownPorts}) ->
    #{
        processes => living_processes(KnownProcesses),
        ports => living_ports(KnownPorts),
        tables => lists:sort(ets:all()),
        names => lists:sort(registered()),
        persistent_terms => persistent_keys(),
        modules => lists:sort(erlang:loaded()),
        tracing => tracing(),
        flags => system_flags()
    }.

%% All but the caller. Listing all processes is a scan of the whole process table, up to a
%% millisecond; asking the known ones whether they live takes a microsecond, and when all do and
%% the VM counts no more, there are no others.
living_processes(Known) ->
    Same =
        erlang:system_info(process_count) =:= length(Known) + 1 andalso
            lists:all(fun is_process_alive/1, Known),
    case Same of
        true -> Known;
        false -> lists:sort(processes()) -- [self()]
    end.

living_ports(Known) ->
    Lives = fun(Port) -> erlang:port_info(Port, id) =/= undefined end,
    case erlang:system_info(port_count) =:= length(Known) andalso lists:all(Lives, Known) of
        true -> Known;
        false -> lists:sort(erlang:ports())
    end.

%% The keys are copied: a reference to the original would make the VM's clean-up after an erased
%% term visit this process, and disturb who measures that.
%% The logger keeps the level of each module that has logged as a term: nobody's leftover.
persistent_keys() ->
    lists:sort([
        binary_to_term(term_to_binary(Key))
     || {Key, _} <- persistent_term:get(), not is_logger_cache(Key)
    ]).

is_logger_cache({logger_config, Module}) -> is_atom(Module);
is_logger_cache(_) -> false.

%% Tracing of single processes ends with its tracer, and a tracer that lives is a leftover itself;
%% tracing of all existing ones shows in any of them.
tracing() ->
    [
        {new_processes, erlang:trace_info(new_processes, flags)},
        {new_ports, erlang:trace_info(new_ports, flags)},
        {init, erlang:trace_info(whereis(init), flags)},
        {?MODULE, erlang:trace_info(whereis(?MODULE), flags)},
        {system_monitor, erlang:system_monitor()},
        {system_profile, erlang:system_profile()},
        {sequential, seq_trace:get_system_tracer()},
        {sessions, sessions()}
    ].

%% Trace sessions are younger than some releases.
sessions() ->
    case erlang:function_exported(trace, session_info, 1) of
        true -> length([Session || Session <- apply(trace, session_info, [all])]);
        false -> 0
    end.

system_flags() ->
    Info = [
        schedulers_online, dirty_cpu_schedulers_online, multi_scheduling, scheduler_bind_type,
        fullsweep_after, min_heap_size, min_bin_vheap_size, max_heap_size,
        trace_control_word, time_offset
    ],
    [{Flag, erlang:system_info(Flag)} || Flag <- Info] ++
        [
            {scheduler_wall_time, erlang:statistics(scheduler_wall_time) =/= undefined},
            {microstate_accounting, erlang:statistics(microstate_accounting) =/= undefined}
        ].

-spec leftovers(map()) -> [leftover()].
leftovers(Before) ->
    leftovers(Before, 1, erlang:monotonic_time(millisecond) + ?SETTLE_MS).

leftovers(Before, Pause, Deadline) ->
    After = snapshot(Before),
    Found = difference(Before, After),
    case Found =:= [] orelse erlang:monotonic_time(millisecond) >= Deadline of
        true ->
            ok = ask(know, After),
            Found;
        false ->
            timer:sleep(Pause),
            leftovers(Before, Pause * 2, Deadline)
    end.

difference(State, State) ->
    [];
difference(Before, After) ->
    Lazy = [Pid || Name <- ?LAZY_SERVICES, Pid <- [whereis(Name)], Pid =/= undefined],
    New = fun(Kind) -> maps:get(Kind, After) -- maps:get(Kind, Before) end,
    Gone = fun(Kind) -> maps:get(Kind, Before) -- maps:get(Kind, After) end,
    lists:append([
        [process_text(Pid) || Pid <- New(processes) -- Lazy, is_process_alive(Pid)],
        [port_text(Port) || Port <- New(ports), foreign(erlang:port_info(Port, connected), Lazy)],
        [table_text(Table) || Table <- New(tables), foreign(ets:info(Table, owner), Lazy)],
        [text_of("registered name ~tw", [Name]) || Name <- New(names) -- ?LAZY_SERVICES],
        [text_of("persistent term ~0tp", [Key]) || Key <- New(persistent_terms)],
        [text_of("module ~tw", [Module]) || Module <- New(modules), not of_otp(Module)],
        [text_of("tracing of ~0tp: ~0tp", [Who, What]) || {Who, What} <- New(tracing)],
        [text_of("system flag ~tw is now ~0tp", [Flag, Value]) || {Flag, Value} <- New(flags)],
        [text_of("process ~w is gone", [Pid]) || Pid <- Gone(processes)],
        [text_of("table ~0tp is gone", [Table]) || Table <- Gone(tables)],
        [text_of("registered name ~tw is gone", [Name]) || Name <- Gone(names)],
        [text_of("persistent term ~0tp is gone", [Key]) || Key <- Gone(persistent_terms)],
        [text_of("module ~tw is gone", [Module]) || Module <- Gone(modules)]
    ]).

%% Whether something that still exists belongs to none of the lazy services.
foreign(undefined, _) -> false;
foreign({connected, Pid}, Lazy) -> not lists:member(Pid, Lazy);
foreign(Pid, Lazy) -> not lists:member(Pid, Lazy).

%% Modules of OTP are loaded at first use and stay.
of_otp(Module) ->
    case code:is_loaded(Module) of
        {file, File} when is_list(File) -> lists:prefix(code:root_dir(), File);
        {file, _} -> true;
        false -> false
    end.

process_text(Pid) ->
    Keys = [registered_name, initial_call, current_function],
    text_of("process ~w ~0tp", [Pid, process_info(Pid, Keys)]).

port_text(Port) ->
    text_of("port ~w ~0tp", [Port, erlang:port_info(Port, name)]).

table_text(Table) ->
    text_of("table ~0tp ~0tp", [Table, [{Key, ets:info(Table, Key)} || Key <- [name, owner, size]]]).
