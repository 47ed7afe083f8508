%% A second VM, started by a probe: for what takes a VM down, needs flags, or more than one node.
%% It is booted with the bridge's own expression over descriptors 3 and 4, has a scratch folder
%% and a crash dump of its own, and never outlives the process that asked for it.
%% Knows how to start, call and end a VM; knows nothing of any claim.
-module(probe_peer).

-export([
    with/2,
    with_all/2,
    load/2,
    call/2,
    call/4,
    cast/4,
    wait_exit/2,
    signal/2,
    os_pid/1,
    scratch/1,
    crash_dump/1
]).

-ignore_xref([{crash_dump, 1}]). % for probes of what a VM leaves behind

-export_type([peer/0, options/0, ended/0, vm/0]).

-opaque peer() :: {?MODULE, Guardian :: pid(), OsPid :: pos_integer(), Folder :: string()}.

%% `flags' as on erl's command line; `env' is added to the environment, `false' removes a name;
%% `timeout_ms' bounds each call, `start_ms' the start; the dump ends after so many bytes and seconds;
%% a peer that has printed more than `output_bytes' is killed. `vm' is another release's: its program,
%% and the bridge's code for it under the name by which it looks for that; it is loaded no probes.
-type options() :: #{
    flags => [string()],
    env => [{string(), string() | false}],
    timeout_ms => pos_integer(),
    start_ms => pos_integer(),
    dump_bytes => non_neg_integer(),
    dump_seconds => non_neg_integer(),
    output_bytes => pos_integer(),
    vm => vm()
}.
-type vm() :: #{erl := file:filename_all(), bridge_for := string(), bridge := binary()}.

%% How a peer ended. `exit_status' is 128 + N after signal N; `slogan' is that of its crash dump,
%% or empty; `output' is what it printed, cut at 64 KiB.
-type ended() :: #{
    exit_status := integer(), slogan := binary(), output := binary(), dump_bytes := integer()
}.

%% The same text as BOOT in harness/bridge/boot.py; a test compares the two.
-define(BOOT,
    "P=open_port({fd,3,4},[{packet,4},binary,eof]),"
    "F=receive{P,{data,D}}->D;{P,eof}->halt()end,"
    "{M,Bs,S}=binary_to_term(F),"
    "V=erlang:system_info(version),"
    "K=fun(A)->lists:keyfind(A,1,Bs)end,"
    "B=case{K(V),code:which(compile),K([$+|V])}of{{_,X},_,_}->X;"
    "{_,non_existing,{_,Y}}->Y;"
    "{_,non_existing,_}->R=erlang:system_info(otp_release),"
    "port_command(P,term_to_binary({e,{erlang,error,{no_compiler,V,R},[]}})),halt();_->"
    "N=filename:join(os:getenv(\"TMPDIR\",\"/tmp\"),atom_to_list(M)),"
    "ok=file:write_file(N++\".erl\",S),"
    "{ok,M,C}=compile:file(N,[binary,debug_info,deterministic]),C end,"
    "{module,M}=code:load_binary(M,atom_to_list(M),B),"
    "M:start(P,B)."
).
-define(OUTPUT_CUT, 65536).
-define(HALT_MS, 300).
-define(WATCH_MS, 100).

%% Start a peer, hand it to Fun, and end it afterwards, whatever happened, also when the caller is
%% killed. The module of Fun, what it uses of the probes, and probe_lib are loaded there.
%% Raises {setup, {peer_not_started, ended()}} when the VM ends while it boots.
-spec with(options(), fun((peer()) -> Value)) -> Value.
with(Options, Fun) ->
    {module, Module} = erlang:fun_info(Fun, module),
    with_all([Options], fun([Peer]) ->
        ok = request(Peer, {load, [Module]}),
        Fun(Peer)
    end).

%% As with/2 of several peers that boot side by side, in the order of their options; of the probes
%% they have probe_lib and this module.
-spec with_all([options()], fun(([peer()]) -> Value)) -> Value.
with_all(All, Fun) ->
    Owner = self(),
    Guards = [spawn_monitor(fun() -> guard(Owner, Options) end) || Options <- All],
    try
        Peers = [started(Guardian, Ref) || {Guardian, Ref} <- Guards],
        lists:foreach(fun(Peer) -> ok = request(Peer, {load, [probe_lib, ?MODULE]}) end, Peers),
        Fun(Peers)
    after
        lists:foreach(fun({Guardian, _}) -> Guardian ! {stop, Owner} end, Guards),
        lists:foreach(fun({Guardian, Ref}) -> ended_guard(Guardian, Ref) end, Guards)
    end.

started(Guardian, Ref) ->
    receive
        {Guardian, started, OsPid, Folder} ->
            {?MODULE, Guardian, OsPid, Folder};
        {'DOWN', Ref, process, Guardian, Reason} ->
            self() ! {'DOWN', Ref, process, Guardian, Reason},
            error({setup, Reason})
    end.

%% The 'DOWN' of a guardian, and what it said before it if nobody asked.
ended_guard(Guardian, Ref) ->
    receive
        {'DOWN', Ref, process, Guardian, _} -> ok
    end,
    receive
        {Guardian, started, _, _} -> ok
    after 0 -> ok
    end.

%% Load modules of the probes on a peer, and those that they call; they are there when this returns.
-spec load(peer(), [module()]) -> ok.
load(Peer, Modules) ->
    ok = request(Peer, {load, Modules}),
    _ = call(Peer, erlang, node, []),
    ok.

%% Apply a function on the peer; raises there what the peer raised. A peer that ends instead
%% raises {peer_exited, ended()}, one that does not answer in time {peer_timeout, Milliseconds}.
-spec call(peer(), module(), atom(), [term()]) -> term().
call(Peer, Module, Function, Args) ->
    case request(Peer, {call, Module, Function, Args}) of
        {returned, Value} -> Value;
        {raised, Class, Reason, Stack} -> erlang:raise(Class, Reason, Stack);
        {failed, Why} -> error(Why)
    end.

%% Evaluate a fun on the peer, as call/4.
-spec call(peer(), fun(() -> Value)) -> Value.
call(Peer, Fun) ->
    call(Peer, erlang, apply, [Fun, []]).

%% Apply a function on the peer and do not wait: what it returns or raises is dropped.
-spec cast(peer(), module(), atom(), [term()]) -> ok.
cast(Peer, Module, Function, Args) ->
    request(Peer, {cast, Module, Function, Args}).

%% Wait until the peer has ended by itself. One that lives on past the deadline raises
%% {setup, {peer_lives, Milliseconds}}.
-spec wait_exit(peer(), non_neg_integer()) -> ended().
wait_exit(Peer, DeadlineMs) ->
    case request(Peer, {wait_exit, DeadlineMs}) of
        {ended, Ended} -> Ended;
        lives -> error({setup, {peer_lives, DeadlineMs}})
    end.

%% Send a signal to the peer's process, by its name without SIG: "STOP", "CONT", "USR1", "KILL".
-spec signal(peer(), string()) -> ok.
signal({?MODULE, _, OsPid, _}, Name) ->
    "" = os:cmd("kill -" ++ Name ++ " " ++ integer_to_list(OsPid)),
    ok.

-spec os_pid(peer()) -> pos_integer().
os_pid({?MODULE, _, OsPid, _}) ->
    OsPid.

%% The peer's own folder; it is gone when with/2 returns.
-spec scratch(peer()) -> file:filename().
scratch({?MODULE, _, _, Folder}) ->
    Folder.

%% Where the peer writes its crash dump.
-spec crash_dump(peer()) -> file:filename().
crash_dump({?MODULE, _, _, Folder}) ->
    dump_file(Folder).

request({?MODULE, Guardian, _, _}, Request) ->
    Ref = erlang:monitor(process, Guardian),
    Guardian ! {request, self(), Ref, Request},
    receive
        {Ref, Reply} ->
            erlang:demonitor(Ref, [flush]),
            Reply;
        {'DOWN', Ref, process, Guardian, Reason} ->
            error({setup, {peer_guardian, Reason}})
    end.

%% --- The guardian: owns the port, outlives a caller that is killed ---------------------------

guard(Owner, Options) ->
    process_flag(trap_exit, true),
    _ = erlang:monitor(process, Owner),
    Folder = probe_capture:new_folder("probe_peer-"),
    try
        Port = open(Options, Folder),
        {os_pid, OsPid} = erlang:port_info(Port, os_pid),
        State = #{
            port => Port, os_pid => OsPid, folder => Folder, owner => Owner, next => 1,
            waiting => #{}, exit_waiting => [], ended => running,
            loaded => case Options of #{vm := _} -> foreign; #{} -> [] end,
            timeout_ms => maps:get(timeout_ms, Options, 30000),
            start_ms => maps:get(start_ms, Options, 20000),
            output_bytes => maps:get(output_bytes, Options, 16 * 1024 * 1024)
        },
        try
            Ready = boot(maps:get(vm, Options, own_vm()), State),
            Owner ! {self(), started, OsPid, Folder},
            guard_loop(Ready)
        after
            finish(Port, OsPid)
        end
    after
        probe_capture:remove_folder(Folder)
    end.

open(Options, Folder) ->
    #{erl := Erl} = maps:get(vm, Options, own_vm()),
    Flags = maps:get(flags, Options, []),
    Script = "exec 0</dev/null 1>\"$BEAMPROOF_OUTPUT\" 2>&1; exec \"$0\" \"$@\"",
    Bytes = maps:get(dump_bytes, Options, 4 * 1024 * 1024),
    Seconds = maps:get(dump_seconds, Options, 10),
    Own = [
        {"HOME", Folder},
        {"TMPDIR", Folder},
        {"BEAMPROOF_OUTPUT", output_file(Folder)},
        {"ERL_CRASH_DUMP", dump_file(Folder)},
        {"ERL_CRASH_DUMP_BYTES", integer_to_list(Bytes)},
        {"ERL_CRASH_DUMP_SECONDS", integer_to_list(Seconds)}
        | [{Name, false} || Name <- ["ERL_FLAGS", "ERL_AFLAGS", "ERL_ZFLAGS", "ERL_LIBS"]]
    ],
    open_port({spawn_executable, "/bin/sh"}, [
        {args, ["-c", Script, Erl, "-noinput", "-noshell"] ++ Flags ++ ["-eval", ?BOOT]},
        {env, Own ++ maps:get(env, Options, [])},
        {cd, Folder},
        {packet, 4},
        binary,
        exit_status,
        nouse_stdio
    ]).

own_vm() ->
    #{probe_bridge := Beam} = probe_bridge_beam(),
    #{
        erl => filename:join([code:root_dir(), "bin", "erl"]),
        bridge_for => erlang:system_info(version),
        bridge => Beam
    }.

%% The first frame is the bridge; the first call says that it runs.
boot(#{bridge_for := For, bridge := Beam}, #{port := Port} = State) ->
    command(Port, {probe_bridge, [{For, Beam}], <<>>}),
    command(Port, {'C', 0, erlang, node, [], 'T'}),
    await_boot(State).

await_boot(#{port := Port, owner := Owner, start_ms := StartMs} = State) ->
    receive
        {Port, {data, Frame}} ->
            {'r', 0, _} = binary_to_term(Frame),
            State;
        {Port, {exit_status, Status}} ->
            exit({peer_not_started, describe_end(Status, State)});
        {'DOWN', _, process, Owner, _} ->
            exit(owner_died)
    after StartMs -> exit({peer_not_started, {start_ms, StartMs}, output(State)})
    end.

probe_bridge_beam() ->
    case probe_bridge:beams([probe_bridge]) of
        #{probe_bridge := _} = Found -> Found;
        _ -> exit(no_bridge)
    end.

guard_loop(#{port := Port, owner := Owner} = State) ->
    receive
        {Port, {data, Frame}} ->
            guard_loop(answered(binary_to_term(Frame), State));
        {Port, {exit_status, Status}} ->
            guard_loop(ended(Status, State));
        {request, From, Ref, Request} ->
            guard_loop(serve(Request, {From, Ref}, State));
        {call_timeout, Id} ->
            guard_loop(answer_failed(Id, {peer_timeout, maps:get(timeout_ms, State)}, State));
        {exit_timeout, To} ->
            guard_loop(exit_timeout(To, State));
        {stop, Owner} ->
            ok;
        {'DOWN', _, process, Owner, _} ->
            ok;
        _ ->
            guard_loop(State)
    after ?WATCH_MS ->
        watch_output(State),
        guard_loop(State)
    end.

%% A peer that prints without end must not fill the disk.
watch_output(#{folder := Folder, output_bytes := Limit, os_pid := OsPid, ended := running}) ->
    case filelib:file_size(output_file(Folder)) > Limit of
        true -> kill(OsPid);
        false -> ok
    end;
watch_output(_) ->
    ok.

serve({load, _}, To, #{loaded := foreign} = State) ->
    reply(To, ok),
    State;
serve({load, Modules}, To, State) ->
    {Beams, New} = wanted(Modules, State),
    Sent = send_call(ignore, probe_bridge, load, [maps:to_list(Beams)], State),
    reply(To, ok),
    Sent#{loaded := New};
serve({call, M, F, Args}, To, #{ended := running} = State) ->
    Loaded = ensure(M, State),
    #{next := Id, timeout_ms := TimeoutMs} = Loaded,
    Timer = alarm(TimeoutMs, {call_timeout, Id}),
    send_call({To, Timer}, M, F, Args, Loaded);
serve({call, _, _, _}, To, #{ended := Ended} = State) ->
    reply(To, {failed, {peer_exited, Ended}}),
    State;
serve({cast, M, F, Args}, To, State) ->
    Sent = send_call(ignore, M, F, Args, ensure(M, State)),
    reply(To, ok),
    Sent;
serve({wait_exit, DeadlineMs}, To, #{ended := running, exit_waiting := Waiting} = State) ->
    Timer = alarm(DeadlineMs, {exit_timeout, To}),
    State#{exit_waiting := [{To, Timer} | Waiting]};
serve({wait_exit, _}, To, #{ended := Ended} = State) ->
    reply(To, {ended, Ended}),
    State.

%% A process that sends Message to this one after a while, unless it is told to cancel. The VM's own
%% timers cannot be looked at: a node on which one was started serves no other probe.
alarm(Ms, Message) ->
    Guard = self(),
    spawn(fun() ->
        Ref = monitor(process, Guard),
        receive
            cancel -> ok;
            {'DOWN', Ref, process, Guard, _} -> ok
        after Ms -> Guard ! Message
        end
    end).

ensure(_, #{loaded := foreign} = State) ->
    State;
ensure(Module, #{loaded := Loaded} = State) ->
    case lists:member(Module, Loaded) of
        true ->
            State;
        false ->
            {Beams, New} = wanted([Module], State),
            Sent =
                case map_size(Beams) of
                    0 -> State;
                    _ -> send_call(ignore, probe_bridge, load, [maps:to_list(Beams)], State)
                end,
            Sent#{loaded := New}
    end.

%% The beams of Modules and of what they use, where the peer has them neither from OTP nor yet.
wanted(Modules, #{loaded := Loaded}) ->
    wanted(Modules -- [probe_bridge | Loaded], #{}, Loaded).

wanted([], Beams, Seen) ->
    {Beams, Seen};
wanted(Modules, Beams, Seen) ->
    Found = probe_bridge:beams(Modules),
    Used = lists:append([imports(Beam) || Beam <- maps:values(Found)]),
    Known = Modules ++ Seen,
    wanted(lists:usort(Used) -- [probe_bridge | Known], maps:merge(Beams, Found), Known).

imports(Beam) ->
    {ok, {_, [{imports, Imports}]}} = beam_lib:chunks(Beam, [imports]),
    lists:usort([Module || {Module, _, _} <- Imports]).

%% Calls are served in processes of their own, so the next frame waits for nothing but a load.
send_call(For, M, F, Args, #{port := Port, next := Id, waiting := Waiting} = State) ->
    Context =
        case {M, F} of
            {probe_bridge, load} -> 'L';
            _ -> 'T'
        end,
    command(Port, {'C', Id, M, F, Args, Context}),
    State#{next := Id + 1, waiting := Waiting#{Id => For}}.

answered({'r', Id, Value}, State) ->
    answer(Id, {returned, Value}, State);
answered({'e', Id, {erlang, Class, Reason, Stack}}, State) ->
    answer(Id, {raised, Class, Reason, Stack}, State);
answered(_, State) ->
    State.

answer(Id, Reply, #{waiting := Waiting} = State) ->
    case maps:take(Id, Waiting) of
        {{To, Timer}, Rest} ->
            Timer ! cancel,
            reply(To, Reply),
            State#{waiting := Rest};
        {ignore, Rest} ->
            State#{waiting := Rest};
        error ->
            State
    end.

answer_failed(Id, Why, State) ->
    answer(Id, {failed, Why}, State).

exit_timeout(To, #{exit_waiting := Waiting} = State) ->
    case lists:keytake(To, 1, Waiting) of
        {value, _, Rest} ->
            reply(To, lives),
            State#{exit_waiting := Rest};
        false ->
            State
    end.

ended(Status, #{waiting := Waiting, exit_waiting := ExitWaiting} = State) ->
    Ended = describe_end(Status, State),
    Failed = lists:foldl(
        fun(Id, Acc) -> answer_failed(Id, {peer_exited, Ended}, Acc) end,
        State#{ended := Ended},
        maps:keys(Waiting)
    ),
    lists:foreach(
        fun({To, Timer}) ->
            Timer ! cancel,
            reply(To, {ended, Ended})
        end,
        ExitWaiting
    ),
    Failed#{exit_waiting := []}.

reply({Pid, Ref}, Reply) ->
    Pid ! {Ref, Reply}.

command(Port, Term) ->
    try
        port_command(Port, term_to_binary(Term))
    catch
        error:badarg -> false
    end.

%% --- The end ---------------------------------------------------------------------------------

describe_end(Status, #{folder := Folder} = State) ->
    Dump = dump_file(Folder),
    #{
        exit_status => Status,
        slogan => slogan(read_start(Dump, 4096)),
        output => output(State),
        dump_bytes => filelib:file_size(Dump)
    }.

output(#{folder := Folder}) ->
    printable(read_start(output_file(Folder), ?OUTPUT_CUT)).

slogan(Dump) ->
    case binary:split(Dump, <<"Slogan: ">>) of
        [_, Rest] -> printable(hd(binary:split(Rest, <<"\n">>)));
        _ -> <<>>
    end.

read_start(File, Bytes) ->
    case file:open(File, [read, raw, binary]) of
        {ok, Device} ->
            Read = file:read(Device, Bytes),
            ok = file:close(Device),
            case Read of
                {ok, Data} -> Data;
                _ -> <<>>
            end;
        {error, _} ->
            <<>>
    end.

%% Output may be cut in the middle of a character, or be no text at all.
printable(Binary) ->
    case unicode:characters_to_binary(Binary) of
        Text when is_binary(Text) -> Text;
        _ -> unicode:characters_to_binary(Binary, latin1)
    end.

%% Ask the peer to halt; kill it when it does not, e.g. because a NIF or a stop signal holds it.
finish(Port, OsPid) ->
    command(Port, {'C', stop, erlang, halt, [0, [{flush, false}]], 'T'}),
    await_end(Port, OsPid, ?HALT_MS),
    try
        port_close(Port)
    catch
        error:badarg -> true
    end.

await_end(Port, OsPid, TimeoutMs) ->
    case erlang:port_info(Port, id) of
        undefined ->
            ok;
        _ ->
            receive
                {Port, {exit_status, _}} -> ok
            after TimeoutMs ->
                kill(OsPid),
                await_end(Port, OsPid, 5000)
            end
    end.

kill(OsPid) ->
    _ = os:cmd("kill -KILL " ++ integer_to_list(OsPid) ++ " 2>/dev/null"),
    ok.

output_file(Folder) ->
    filename:join(Folder, "output").

dump_file(Folder) ->
    filename:join(Folder, "erl_crash.dump").
