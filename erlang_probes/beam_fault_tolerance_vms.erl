%% What takes a VM down, for the fault-tolerance probes: functions that peers run, and how peers
%% end. Knows nothing of any claim.
-module(beam_fault_tolerance_vms).

%% For the probe's own VM.
-export([after_cast/4, how_ended/2, after_kill_of/1]).
%% For a peer.
-export([
    many_atoms/3,
    huge_binary/1,
    grow_heap/0,
    grow_binaries/0,
    limited/2,
    scribbled/0,
    guarded/2,
    killed_in/2,
    kill_name/1,
    kernel_sup/0,
    application_ends/1
]).

-define(TREES, beam_fault_tolerance_trees).
-define(NIF, beam_fault_tolerance_nif).
-define(DEADLINE_MS, 5_000).
%% How long a peer is watched that is to end, and one that is not.
-define(END_MS, 20_000).
-define(QUIET_MS, 2_000).

%%% For the probe's own VM

%% Start a peer with these flags and have it apply a function: how it ended.
-spec after_cast([string()], module(), atom(), [term()]) -> probe_lib:evidence().
after_cast(Flags, Module, Function, Args) ->
    probe_peer:with(#{flags => Flags}, fun(Peer) ->
        probe_peer:cast(Peer, Module, Function, Args),
        how_ended(Peer, ?END_MS)
    end).

%% How a peer ended by itself: its exit status, the start of its slogan and the size of its crash
%% dump; or that it lives after so long, and whether it answers.
-spec how_ended(probe_peer:peer(), pos_integer()) -> probe_lib:evidence().
how_ended(Peer, DeadlineMs) ->
    try probe_peer:wait_exit(Peer, DeadlineMs) of
        #{exit_status := Status, slogan := Slogan, dump_bytes := Bytes} ->
            #{
                ended_text => probe_capture:text("exit status ~b", [Status]),
                slogan_text => string:slice(Slogan, 0, 200),
                dump_bytes => Bytes
            }
    catch
        error:{setup, {peer_lives, _}} ->
            #{
                ended_text => <<"lives">>,
                answers => probe_peer:call(Peer, erlang, node, []) =:= nonode@nohost,
                watched_ms => DeadlineMs
            }
    end.

%% Kill a process by its name on a peer: what it died of and who has the name then, if the peer
%% lives on; how that ended.
-spec after_kill_of(atom()) -> probe_lib:evidence().
after_kill_of(Name) ->
    probe_peer:with(#{}, fun(Peer) ->
        try probe_peer:call(Peer, ?MODULE, kill_name, [Name]) of
            Killed -> maps:merge(Killed, how_ended(Peer, ?QUIET_MS))
        catch
            error:{peer_exited, _} -> how_ended(Peer, ?END_MS)
        end
    end).

%%% For a peer

%% Turn so many texts into atoms by a function of erlang, and go on when one raises: how often that
%% was.
-spec many_atoms(list_to_atom | list_to_existing_atom, pos_integer(), pos_integer()) ->
    non_neg_integer().
many_atoms(Function, From, To) ->
    Ask = fun(I, Raised) ->
        Name = "beam_fault_tolerance_atom_" ++ integer_to_list(I),
        case guard(fun() -> erlang:Function(Name) end) of
            {raised, _} -> Raised + 1;
            {returned, _} -> Raised
        end
    end,
    lists:foldl(Ask, 0, lists:seq(From, To)).

-spec huge_binary(pos_integer()) -> term().
huge_binary(Bytes) ->
    guard(fun() -> byte_size(binary:copy(<<0>>, Bytes)) end).

%% Let the heap of the caller grow without end.
-spec grow_heap() -> term().
grow_heap() ->
    guard(fun() -> grow([], fun() -> lists:seq(1, 1000) end) end).

%% Hold more and more binaries, without end: their bytes lie outside of the heap.
-spec grow_binaries() -> term().
grow_binaries() ->
    guard(fun() -> grow([], fun() -> binary:copy(<<0>>, 100_000) end) end).

grow(List, Make) ->
    grow([Make() | List], Make).

%% Guard against all that can be caught.
guard(Fun) ->
    try
        {returned, Fun()}
    catch
        _:Reason -> {raised, Reason}
    end.

%% Apply a function of this module in a process with this max_heap_size: what it dies of, the
%% setting that it had, and whether the VM reported that the limit was reached.
-spec limited(atom(), map()) -> probe_lib:evidence().
limited(Function, Setting) ->
    {{Reason, Taken}, Events} = probe_capture:with_log(fun() ->
        Body = fun() ->
            receive go -> apply(?MODULE, Function, []) end
        end,
        {Pid, Ref} = spawn_opt(Body, [monitor, {max_heap_size, Setting}]),
        {max_heap_size, Had} = process_info(Pid, max_heap_size),
        Pid ! go,
        {probe_lib:gone(Ref, 4 * ?DEADLINE_MS), Had}
    end),
    Texts = [probe_capture:chars(logger_formatter:format(Event, #{})) || Event <- Events],
    #{
        dies_reason => Reason,
        counts_binaries => maps:get(include_shared_binaries, Taken, false),
        limit_reported => lists:any(
            fun(Text) -> string:find(Text, "maximum heap size reached") =/= nomatch end, Texts
        )
    }.

%% Have native code overwrite a binary that another process holds: what that one has, before and
%% after.
-spec scribbled() -> {Before :: binary(), After :: binary()}.
scribbled() ->
    Holder = probe_lib:subject([]),
    Shared = binary:copy(<<"immutable ">>, 20),
    ok = probe_lib:ask(Holder, fun(_) -> {ok, Shared} end),
    Start = fun(Binary) -> {binary:copy(binary:part(Binary, 0, 9)), Binary} end,
    Held = fun() -> probe_lib:ask(Holder, Start) end,
    Before = Held(),
    scribbled = ?NIF:scribble(Shared),
    {Before, Held()}.

%% Call native code with all that can be caught caught.
-spec guarded(atom(), [term()]) -> term().
guarded(Function, Args) ->
    guard(fun() -> apply(?NIF, Function, Args) end).

%% Kill a process that sleeps for so long, in native code on a normal scheduler (`nap') or on a
%% dirty one (`nap_dirty'), or in Erlang (`waiting'): when it was killed and when its 'DOWN' came,
%% both counted from the moment when it fell asleep. The killer keeps to another scheduler: on one
%% that native code holds its own timer would wait as well.
-spec killed_in(nap | nap_dirty | waiting, pos_integer()) -> probe_lib:evidence().
killed_in(Where, Ms) ->
    probe_lib:in_process(fun() -> killed_while(Where, Ms) end, [{scheduler, 1}]).

killed_while(Where, Ms) ->
    Self = self(),
    Sleep = fun() ->
        Self ! {asleep, erlang:monotonic_time(microsecond)},
        case Where of
            waiting -> receive after Ms -> ok end;
            _ -> apply(?NIF, Where, [Ms])
        end,
        receive never -> ok end
    end,
    {Pid, Ref} = spawn_opt(Sleep, [monitor, {scheduler, 2}]),
    Start = receive {asleep, At} -> At after ?DEADLINE_MS -> error({setup, not_asleep}) end,
    Since = fun() -> (erlang:monotonic_time(microsecond) - Start) / 1000 end,
    receive after Ms div 10 -> ok end,
    Killed = Since(),
    exit(Pid, kill),
    Reason = probe_lib:gone(Ref, ?DEADLINE_MS),
    Down = Since(),
    Killed < Ms orelse error({setup, {killed_too_late, Killed}}),
    #{sleep_ms => Ms, killed_at_ms => Killed, down_at_ms => Down, dies_reason => Reason}.

%% Kill a process by its name: what it died of, and who has the name after some time.
-spec kill_name(atom()) -> probe_lib:evidence().
kill_name(Name) ->
    Pid = whereis(Name),
    Ref = erlang:monitor(process, Pid),
    exit(Pid, kill),
    Reason = probe_lib:gone(Ref, ?DEADLINE_MS),
    receive after ?QUIET_MS -> ok end,
    Now =
        case whereis(Name) of
            undefined -> nobody;
            Pid -> the_same;
            _ -> another
        end,
    #{dies_reason => Reason, has_name_then => Now}.

%% What the supervisor of the VM's own processes tolerates, and which of these it has itself.
-spec kernel_sup() -> probe_lib:evidence().
kernel_sup() ->
    {ok, {#{intensity := Intensity}, _}} = kernel:init([]),
    Children = [Pid || {_, Pid, _, _} <- supervisor:which_children(kernel_sup)],
    #{
        intensity_count => Intensity,
        workers => [Name || Name <- [file_server_2, rex], lists:member(whereis(Name), Children)]
    }.

%% Start an application with this type and have its top supervisor give up: whether that ended the
%% application controller, or it went on without the application.
-spec application_ends(permanent | transient | temporary) -> controller_ended | controller_goes_on.
application_ends(Type) ->
    Specification = {
        application,
        ?TREES,
        [{mod, {?TREES, self()}}, {modules, [?TREES]}, {applications, [kernel, stdlib]}]
    },
    ok = application:load(Specification),
    ok = application:start(?TREES, Type),
    Controller = erlang:monitor(process, application_controller),
    gen_server:cast(?TREES:await_started(worker), {exit, boom}),
    Known = fun() ->
        receive
            {'DOWN', Controller, process, _, _} -> {done, controller_ended}
        after 0 ->
            runs(?TREES) orelse {done, controller_goes_on}
        end
    end,
    probe_lib:value_within(Known, 4 * ?DEADLINE_MS).

%% Whether an application runs, as far as the controller says so in time.
runs(Application) ->
    try
        lists:keymember(Application, 1, application:which_applications(500))
    catch
        exit:_ -> true
    end.
