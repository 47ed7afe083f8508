%% What processes cost, for the probes of beam-process-design: words, spawn times, ties, entities
%% kept in processes and in maps. Measures; knows nothing of any claim.
-module(beam_process_design_cost).

-export([
    weight/1,
    spawn_figures/2,
    spawn_to_limit/1,
    tie_figures/1,
    entity/1,
    update_processes/1,
    show/2,
    update_map/2,
    updates/1,
    left_after_crash/1,
    slow/1,
    answers_ms/1
]).

-define(MAILBOX, beam_process_design_mailbox).
-define(WAIT_MS, 5_000).

-spec weight(pid()) -> #{atom() => number() | atom()}.
weight(Pid) ->
    {current_function, {_, Function, _}} = process_info(Pid, current_function),
    #{
        function => Function,
        total_heap_words => probe_measure:total_heap_words(Pid),
        heap_words => probe_measure:young_block_words(Pid),
        memory_words => probe_measure:memory_words(Pid)
    }.

%% What it takes to spawn Batch processes while Others live: the best of 15 rounds.
-spec spawn_figures(pos_integer(), pos_integer()) -> #{atom() => number()}.
spawn_figures(Others, Batch) ->
    Pids = [spawn(fun ?MAILBOX:deaf/0) || _ <- lists:seq(1, Others)],
    try
        Rounds = [spawn_round(Pids, Batch) || _ <- lists:seq(1, 15)],
        #{
            others_count => Others,
            spawn_us => lists:min([Us || {Us, _} <- Rounds]) / Batch,
            alive_count => lists:min([Alive || {_, Alive} <- Rounds])
        }
    after
        probe_lib:kill_all(Pids)
    end.

spawn_round(Others, Batch) ->
    Us = probe_measure:elapsed_us(fun() ->
        put(spawned, [spawn(fun ?MAILBOX:deaf/0) || _ <- lists:seq(1, Batch)])
    end),
    Pids = erase(spawned),
    Alive = length([Pid || Pid <- Others ++ Pids, is_process_alive(Pid)]),
    probe_lib:kill_all(Pids),
    {Us, Alive}.

%% Spawn until it fails: what was raised, and the processes.
-spec spawn_to_limit([pid()]) -> {map(), [pid()]}.
spawn_to_limit(Pids) ->
    case probe_lib:error_class(fun() -> spawn(fun ?MAILBOX:deaf/0) end) of
        #{class := returned, reason := Pid} -> spawn_to_limit([Pid | Pids]);
        Raised -> {Raised, Pids}
    end.

-spec tie_figures(pos_integer()) -> #{atom() => number()}.
tie_figures(N) ->
    Pids = [spawn(fun ?MAILBOX:deaf/0) || _ <- lists:seq(1, N)],
    try
        {Links, Linked} = tie(Pids, fun erlang:link/1, links),
        {Monitors, Monitored} = tie(Pids, fun monitor_process/1, monitors),
        #{
            processes_count => N,
            links_count => Linked,
            links_words => Links,
            monitors_count => Monitored,
            monitors_words => Monitors
        }
    after
        probe_lib:kill_all(Pids)
    end.

monitor_process(Pid) -> erlang:monitor(process, Pid).

%% The words that the ties take beside the heap of the process that has them, and how many it has.
tie(Pids, Tie, Item) ->
    probe_lib:with_process([], fun(Subject) ->
        Before = beside_heap_words(Subject),
        probe_lib:ask(Subject, fun(_) -> {ok, lists:foreach(Tie, Pids)} end),
        After = beside_heap_words(Subject),
        {Item, Ties} = process_info(Subject, Item),
        probe_lib:ask(Subject, fun(_) -> {[unlink(Pid) || Pid <- Pids], none} end),
        {After - Before, length(Ties)}
    end).

%% Words of a process' memory that are no block of its heap, whole or not.
beside_heap_words(Pid) ->
    [{_, Bytes}, {_, Heap}] = process_info(Pid, [memory, total_heap_size]),
    Bytes / erlang:system_info(wordsize) - Heap.

%% A process that keeps one entity, or a map of them by their id, or such a map in which a crash is
%% caught. It updates the entity that it is asked to, or crashes over it, and shows it.
-type kept() :: entity() | {map, #{id() => entity()}} | {catching, #{id() => entity()}}.
-type entity() :: {entity, id(), Updates :: non_neg_integer()}.
-type id() :: pos_integer().
-spec entity(kept()) -> no_return().
entity(Kept) ->
    receive
        {update, From, Ref, Id} ->
            From ! {Ref, ok},
            entity(with_entity(Id, fun updated/1, Kept));
        {crash, Id} ->
            entity(with_entity(Id, fun(_) -> exit(crashed) end, Kept));
        {show, From, Ref, Id} ->
            From ! {Ref, shown(Id, Kept)},
            entity(Kept)
    end.

with_entity(Id, Change, {entity, Id, _} = Entity) ->
    Change(Entity);
with_entity(Id, Change, {map, Map}) ->
    {map, in_map(Id, Change, Map)};
with_entity(Id, Change, {catching, Map}) ->
    try
        {catching, in_map(Id, Change, Map)}
    catch
        exit:crashed -> {catching, maps:remove(Id, Map)}
    end.

in_map(Id, Change, Map) ->
    #{Id := Entity} = Map,
    Map#{Id := Change(Entity)}.

shown(Id, {entity, Id, _} = Entity) -> Entity;
shown(Id, {_, Map}) -> maps:get(Id, Map, none).

updated({entity, Id, Updates}) -> {entity, Id, Updates + 1}.

%% Have each process update its entity, and wait for its answer.
-spec update_processes([{id(), pid()}]) -> ok.
update_processes([]) ->
    ok;
update_processes([{Id, Pid} | Pids]) ->
    ok = asked(update, Id, Pid),
    update_processes(Pids).

%% What a process shows of an entity; `none' when the process or the entity is gone.
-spec show(id(), pid()) -> entity() | none.
show(Id, Pid) ->
    asked(show, Id, Pid).

asked(What, Id, Pid) ->
    Ref = erlang:monitor(process, Pid),
    Pid ! {What, self(), Ref, Id},
    receive
        {Ref, Answer} ->
            erlang:demonitor(Ref, [flush]),
            Answer;
        {'DOWN', Ref, process, Pid, _} ->
            none
    after ?WAIT_MS -> error({setup, no_answer})
    end.

-spec update_map(non_neg_integer(), #{id() => entity()}) -> #{id() => entity()}.
update_map(0, Map) ->
    Map;
update_map(Id, Map) ->
    update_map(Id - 1, in_map(Id, fun updated/1, Map)).

%% How often these entities were updated, all together.
-spec updates([entity()]) -> non_neg_integer().
updates(Entities) ->
    lists:sum([Updates || {entity, _, Updates} <- Entities]).

%% Start processes for 100 entities that each have been updated once, crash the first over its update,
%% and ask all for theirs: how many show one update.
-spec left_after_crash(each | map | catching) -> non_neg_integer().
left_after_crash(How) ->
    Ids = lists:seq(1, 100),
    Entity = fun(Id) -> {entity, Id, 0} end,
    Keepers =
        case How of
            each ->
                [{Id, spawn(?MODULE, entity, [Entity(Id)])} || Id <- Ids];
            _ ->
                Map = maps:from_list([{Id, Entity(Id)} || Id <- Ids]),
                Keeper = spawn(?MODULE, entity, [{How, Map}]),
                [{Id, Keeper} || Id <- Ids]
        end,
    try
        ok = update_processes(Keepers),
        {First, Crashing} = hd(Keepers),
        Crashing ! {crash, First},
        length([Id || {Id, Pid} <- Keepers, show(Id, Pid) =:= {entity, Id, 1}])
    after
        probe_lib:kill_all(lists:usort([Pid || {_, Pid} <- Keepers]))
    end.

%% A process that waits WaitMs before each answer.
-spec slow(pos_integer()) -> no_return().
slow(WaitMs) ->
    receive
        {ask, From, Ref} ->
            timer:sleep(WaitMs),
            From ! Ref,
            slow(WaitMs)
    end.

%% Milliseconds until all that were asked have answered, and how many have; the processes are gone
%% afterwards.
-spec answers_ms([pid()]) -> {float(), non_neg_integer()}.
answers_ms(Asked) ->
    Self = self(),
    Start = erlang:monotonic_time(microsecond),
    Refs = [
        begin
            Ref = make_ref(),
            Pid ! {ask, Self, Ref},
            Ref
        end
     || Pid <- Asked
    ],
    Answers = [
        receive
            Ref -> answered
        after ?WAIT_MS -> error({setup, no_answer})
        end
     || Ref <- Refs
    ],
    Ms = (erlang:monotonic_time(microsecond) - Start) / 1_000,
    probe_lib:kill_all(lists:usort(Asked)),
    {Ms, length(Answers)}.
