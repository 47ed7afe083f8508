%% Tables, terms, limits, programs and peers for the fault-tolerance probes: what processes share
%% and what takes a VM down. Knows nothing of any claim.
-module(beam_fault_tolerance_isolation).

-export([
    many_atoms/3,
    huge_binary/1,
    grow_heap/0,
    limited_growth/1,
    scribbled/1,
    catching/2,
    kill_name/1,
    ets_access/1,
    orphan/1,
    holders_grow/3,
    held/1,
    held_bytes/1,
    until_refused/1,
    owned/1,
    program_crash/2,
    ended/1,
    lives/2,
    boot_ms/0
]).

-define(DEADLINE_MS, 5_000).

%% Turn so many texts into atoms by a function of erlang, and go on when one raises.
-spec many_atoms(list_to_atom | list_to_existing_atom, pos_integer(), pos_integer()) -> ok.
many_atoms(Function, From, To) ->
    lists:foreach(
        fun(I) ->
            Name = "beam_fault_tolerance_atom_" ++ integer_to_list(I),
            guarded(fun() -> erlang:Function(Name) end)
        end,
        lists:seq(From, To)
    ).

-spec huge_binary(pos_integer()) -> term().
huge_binary(Bytes) ->
    guarded(fun() -> byte_size(binary:copy(<<0>>, Bytes)) end).

%% Guard against all that can be caught.
guarded(Fun) ->
    try Fun() catch _:Reason -> Reason end.

%% Let the heap of the caller grow without end.
-spec grow_heap() -> term().
grow_heap() ->
    guarded(fun() -> grow([]) end).

grow(List) ->
    grow([lists:seq(1, 1000) | List]).

%% The exit reason of a process whose heap grows without end, but not beyond so many words.
-spec limited_growth(pos_integer()) -> term().
limited_growth(Words) ->
    Options = [monitor, {max_heap_size, #{size => Words, kill => true, error_logger => false}}],
    {Pid, Ref} = spawn_opt(?MODULE, grow_heap, [], Options),
    case probe_lib:gone(Ref, 4 * ?DEADLINE_MS) of
        alive -> error({setup, {still_alive, Pid}});
        Reason -> Reason
    end.

%% Have native code overwrite a binary that another process holds: what that one has, before and
%% after.
-spec scribbled(module()) -> {binary(), binary()}.
scribbled(Nif) ->
    Holder = probe_lib:subject([]),
    Shared = binary:copy(<<"immutable ">>, 20),
    ok = probe_lib:ask(Holder, fun(_) -> {ok, Shared} end),
    Start = fun(Binary) -> {binary:copy(binary:part(Binary, 0, 9)), Binary} end,
    Held = fun() -> probe_lib:ask(Holder, Start) end,
    Before = Held(),
    scribbled = Nif:scribble(Shared),
    {Before, Held()}.

-spec catching(module(), atom()) -> term().
catching(Module, Function) ->
    guarded(fun() -> Module:Function() end).

-spec kill_name(atom()) -> true.
kill_name(Name) ->
    exit(whereis(Name), kill).

%% What another process may do with a table of this access.
-spec ets_access(ets:access()) -> map().
ets_access(Kind) ->
    Table = ets:new(shared, [Kind]),
    true = ets:insert(Table, {key, owner}),
    Try = fun(Fun) ->
        maps:get(class, probe_lib:in_process(fun() -> probe_lib:error_class(Fun) end))
    end,
    Evidence = #{
        other_reads => Try(fun() -> ets:lookup(Table, key) end),
        other_writes => Try(fun() -> ets:insert(Table, {key, other}) end)
    },
    Seen = ets:lookup_element(Table, key, 2),
    true = ets:delete(Table),
    Evidence#{owner_sees => Seen}.

%% A table whose owner was killed, as soon as that is known; undefined when it is gone.
-spec orphan(list()) -> ets:tid() | undefined.
orphan(Options) ->
    Owner = probe_lib:subject([]),
    Table = probe_lib:ask(Owner, fun(S) ->
        New = ets:new(orphan, [public | Options]),
        true = ets:insert(New, {key, kept}),
        {New, S}
    end),
    killed = probe_lib:kill_and_wait(Owner),
    case ets:info(Table, size) of
        undefined -> undefined;
        1 -> Table
    end.

%% Change a persistent term of so many words that Count processes hold: by how much these grow.
-spec holders_grow(pos_integer(), pos_integer(), fun((term(), term()) -> term())) -> map().
holders_grow(Count, Words, Change) ->
    Key = {?MODULE, Count},
    Holders = [probe_lib:subject([]) || _ <- lists:seq(1, Count)],
    Bystander = probe_lib:subject([]),
    try
        persistent_term:put(Key, lists:seq(1, Words div 2)),
        [probe_lib:ask(Pid, fun(_) -> {ok, persistent_term:get(Key)} end) || Pid <- Holders],
        _ = probe_lib:ask(Bystander, fun(_) -> {ok, [mine]} end),
        Before = heap_words(Holders),
        Aside = heap_words([Bystander]),
        Change(Key, lists:seq(1, Words div 2)),
        Grown = fun(Pid) -> heap_words([Pid]) >= Words end,
        _ = probe_lib:until(fun() -> lists:all(Grown, Holders) end, settle_ms(Change, Key)),
        #{
            holders_grow_words => heap_words(Holders) - Before,
            bystander_grow_words => heap_words([Bystander]) - Aside
        }
    after
        [probe_lib:kill_and_wait(Pid) || Pid <- [Bystander | Holders]],
        persistent_term:erase(Key)
    end.

%% Where nothing is to happen, wait a little for it not to happen.
settle_ms(_, Key) ->
    case persistent_term:get(Key, gone) of
        gone -> ?DEADLINE_MS;
        _ -> 100
    end.

heap_words(Pids) ->
    lists:sum(
        [Words || Pid <- Pids, {total_heap_size, Words} <- [process_info(Pid, total_heap_size)]]
    ).

%% The binaries that a process refers to, each one once.
-spec held(pid()) -> [{integer(), Bytes :: non_neg_integer()}].
held(Pid) ->
    {binary, Held} = process_info(Pid, binary),
    lists:usort([{Id, Size} || {Id, Size, _} <- Held]).

-spec held_bytes(pid()) -> non_neg_integer().
held_bytes(Pid) ->
    lists:sum([Size || {_, Size} <- held(Pid)]).

%% Make things of one kind until that raises: what was made and what was raised.
-spec until_refused(fun(() -> One)) -> {[One], Raised :: map()}.
until_refused(Make) ->
    until_refused(Make, []).

until_refused(Make, Made) ->
    case probe_lib:error_class(Make) of
        #{class := returned, reason := One} -> until_refused(Make, [One | Made]);
        Raised -> {Made, Raised}
    end.

%% Whether the caller owns the port.
-spec owned(port()) -> boolean().
owned(Port) ->
    erlang:port_info(Port, connected) =:= {connected, self()}.

%% Have an external program crash: what the owner of its port is told, trapping exits or not.
-spec program_crash(list(), boolean()) -> map().
program_crash(Options, Trapping) ->
    Owner = probe_lib:subject([]),
    Gone = erlang:monitor(process, Owner),
    Crash = ["-c", "ulimit -c 0; kill -SEGV $$"],
    Port = probe_lib:ask(Owner, fun(S) ->
        process_flag(trap_exit, Trapping),
        {open_port({spawn_executable, "/bin/sh"}, [{args, Crash} | Options]), S}
    end),
    probe_lib:await(fun() -> erlang:port_info(Port) =:= undefined end, ?DEADLINE_MS),
    Survives = is_process_alive(Owner),
    Told = Survives andalso probe_lib:ask(Owner, fun(S) -> {port_messages(Port), S} end),
    probe_lib:kill_and_wait(Owner),
    erlang:demonitor(Gone, [flush]),
    #{owner_survives => Survives, told => Told}.

port_messages(Port) ->
    receive
        {Port, {exit_status, Status}} -> [Status | port_messages(Port)];
        {'EXIT', Port, Reason} ->
            [probe_capture:text("EXIT ~ts", [probe_capture:reason(Reason)]) | port_messages(Port)]
    after 50 -> []
    end.

%% How a peer ended by itself: its exit status and the start of its slogan; or that it lives on.
-spec ended(probe_peer:peer()) -> map().
ended(Peer) ->
    try probe_peer:wait_exit(Peer, 20_000) of
        #{exit_status := Status, slogan := Slogan} ->
            #{ended_text => status(Status), slogan_text => string:slice(Slogan, 0, 200)}
    catch
        error:{setup, {peer_lives, _}} -> #{ended_text => <<"lives">>, slogan_text => <<>>}
    end.

status(Status) ->
    probe_capture:text("exit status ~b", [Status]).

%% Whether a peer still lives and answers after so long, or how it ended.
-spec lives(probe_peer:peer(), pos_integer()) -> map().
lives(Peer, WaitMs) ->
    try probe_peer:wait_exit(Peer, WaitMs) of
        #{exit_status := Status, slogan := Slogan} ->
            #{
                vm_survives => false,
                ended_text => status(Status),
                slogan_text => string:slice(Slogan, 0, 120)
            }
    catch
        error:{setup, {peer_lives, _}} -> #{
            vm_survives => probe_peer:call(Peer, erlang, node, []) =:= nonode@nohost
        }
    end.

%% Start a peer and kill it: the time from its start to its first answer.
-spec boot_ms() -> float().
boot_ms() ->
    Start = erlang:monotonic_time(microsecond),
    probe_peer:with(#{}, fun(Peer) ->
        _ = probe_peer:call(Peer, erlang, node, []),
        Ready = erlang:monotonic_time(microsecond),
        ok = probe_peer:signal(Peer, "KILL"),
        #{exit_status := 137} = probe_peer:wait_exit(Peer, ?DEADLINE_MS),
        (Ready - Start) / 1000
    end).
