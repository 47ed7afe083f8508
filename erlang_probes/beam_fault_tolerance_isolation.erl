%% Tables, terms, limits and ports for the fault-tolerance probes: what processes share, what one of
%% them can use up, and what reaches it from outside. Knows nothing of any claim.
-module(beam_fault_tolerance_isolation).

-export([
    ets_access/1,
    half_done/0,
    orphan/1,
    holders_grow/4,
    until_refused/1,
    program_ends/3,
    port_ended/1
]).

-define(SIGNALS, beam_fault_tolerance_signals).
-define(DEADLINE_MS, 5_000).
%% How long is waited for what must not come.
-define(QUIET_MS, 100).

%% What another process may do with a table of this access.
-spec ets_access(ets:access()) -> probe_lib:evidence().
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

%% Crash a process between taking from one account and giving to another: both before and after.
-spec half_done() -> probe_lib:evidence().
half_done() ->
    Table = ets:new(accounts, [public]),
    try
        true = ets:insert(Table, [{from_count, 100}, {to_count, 0}]),
        Before = maps:from_list(ets:tab2list(Table)),
        Reason = ?SIGNALS:watched(fun() ->
            ets:update_counter(Table, from_count, -100),
            exit(boom),
            ets:update_counter(Table, to_count, 100)
        end),
        #{
            before => Before,
            writer_dies_reason => Reason,
            afterwards => maps:from_list(ets:tab2list(Table))
        }
    after
        ets:delete(Table)
    end.

%% Kill the owner of a table: whether the table was there before, what it was left with as soon as
%% the death is known (`gone', or what is in it), and the table.
-spec orphan(list()) -> {Before :: boolean(), gone | empty | kept, ets:tid()}.
orphan(Options) ->
    Owner = probe_lib:subject([]),
    Table = probe_lib:ask(Owner, fun(S) ->
        New = ets:new(orphan, [public | Options]),
        true = ets:insert(New, {key, kept}),
        {New, S}
    end),
    Before = ets:info(Table, owner) =:= Owner,
    killed = probe_lib:kill_and_wait(Owner),
    Left =
        case ets:info(Table, size) of
            undefined -> gone;
            0 -> empty;
            1 -> ets:lookup_element(Table, key, 2)
        end,
    {Before, Left, Table}.

%% Change a persistent term of so many words that Count processes hold, and wait until all of them
%% have grown by as much or WaitMs are over: by how much these and another one have grown.
-spec holders_grow(erase | put_equal | put_other, pos_integer(), pos_integer(), pos_integer()) ->
    probe_lib:evidence().
holders_grow(How, Count, Words, WaitMs) ->
    Key = {?MODULE, Count},
    Holders = [probe_lib:subject([]) || _ <- lists:seq(1, Count)],
    Bystander = probe_lib:subject([]),
    try
        persistent_term:put(Key, lists:seq(1, Words div 2)),
        [probe_lib:ask(Pid, fun(_) -> {ok, persistent_term:get(Key)} end) || Pid <- Holders],
        _ = probe_lib:ask(Bystander, fun(_) -> {ok, [mine]} end),
        Before = [probe_measure:total_heap_words(Pid) || Pid <- Holders],
        Aside = probe_measure:total_heap_words(Bystander),
        change(How, Key, Words),
        Grown = fun() -> [probe_measure:total_heap_words(Pid) || Pid <- Holders] end,
        #{waited_ms := WaitedMs} = probe_lib:until(
            fun() -> lists:min(Grown()) >= Words end, WaitMs
        ),
        #{
            holder_count => Count,
            holders_grow_words => lists:sum(Grown()) - lists:sum(Before),
            bystander_grow_words => probe_measure:total_heap_words(Bystander) - Aside,
            waited_ms => WaitedMs
        }
    after
        probe_lib:kill_all([Bystander | Holders]),
        persistent_term:erase(Key)
    end.

change(erase, Key, _) ->
    persistent_term:erase(Key);
change(How, Key, Words) ->
    First =
        case How of
            put_equal -> 1;
            put_other -> 2
        end,
    persistent_term:put(Key, lists:seq(First, First - 1 + Words div 2)).

%% Have a process make things of one kind until that raises: what it made and what was raised, or
%% that it came to a stop. The maker lives on and owns what it made: ask it, kill it.
-spec until_refused(fun(() -> term())) -> {Maker :: pid(), Made :: [term()], Raised :: map()}.
until_refused(Make) ->
    Maker = probe_lib:subject([]),
    Ref = probe_lib:tell(Maker, fun(S) -> {make(Make, []), S} end),
    receive
        {Ref, {Made, Raised}} -> {Maker, Made, Raised}
    after ?DEADLINE_MS -> {Maker, [], #{class => blocks, reason => none}}
    end.

make(Make, Made) ->
    case probe_lib:error_class(Make) of
        #{class := returned, reason := One} -> make(Make, [One | Made]);
        Raised -> {Made, Raised}
    end.

%% Have an external program end by a signal to itself, or with a status: what the owner of its port
%% is told, trapping exits or not.
-spec program_ends(string(), list(), boolean()) -> probe_lib:evidence().
program_ends(Last, Options, Trapping) ->
    probe_lib:with_process([], fun(Owner) ->
        Port = open(Owner, ["-c", "ulimit -c 0; " ++ Last], Options, Trapping),
        probe_lib:await(fun() -> erlang:port_info(Port) =:= undefined end, ?DEADLINE_MS),
        receive after ?QUIET_MS -> ok end,
        Survives = is_process_alive(Owner),
        Messages = [Message || Survives, Message <- ?SIGNALS:mailbox(Owner)],
        #{
            owner_survives => Survives,
            told => [told(Message, Port) || Message <- Messages],
            quiet_ms => ?QUIET_MS
        }
    end).

open(Owner, Args, Options, Trapping) ->
    probe_lib:ask(Owner, fun(S) ->
        process_flag(trap_exit, Trapping),
        {open_port({spawn_executable, "/bin/sh"}, [{args, Args} | Options]), S}
    end).

told({Port, {exit_status, Status}}, Port) ->
    Status;
told({'EXIT', Port, Reason}, Port) ->
    probe_capture:text("EXIT ~ts", [probe_capture:reason(Reason)]);
told(Message, _) ->
    probe_capture:text(Message).

%% Have a program wait for the end of its input, and end its port, or the owner of the port, by an
%% exit signal: whether the port was open before and is closed then, whether the program ends, and
%% what the owner is told.
-spec port_ended(port | owner) -> probe_lib:evidence().
port_ended(What) ->
    Owner = probe_lib:subject([]),
    Port = open(Owner, ["-c", "exec cat"], [], What =:= port),
    {os_pid, OsPid} = erlang:port_info(Port, os_pid),
    Before = runs(OsPid),
    exit(maps:get(What, #{port => Port, owner => Owner}), kill),
    #{settled := Closed} = probe_lib:until(
        fun() -> erlang:port_info(Port) =:= undefined end, ?DEADLINE_MS
    ),
    #{settled := Ended} = probe_lib:until(fun() -> not runs(OsPid) end, ?DEADLINE_MS),
    Survives = is_process_alive(Owner),
    Told = [told(Message, Port) || Survives, Message <- ?SIGNALS:mailbox(Owner)],
    probe_lib:kill_and_wait(Owner),
    #{
        program_runs_before => Before,
        port_closed => Closed,
        program_ended => Ended,
        owner_survives => Survives,
        owner_told => Told
    }.

runs(OsPid) ->
    os:cmd("kill -0 " ++ integer_to_list(OsPid) ++ " 2>&1 && echo yes") =:= "yes\n".
