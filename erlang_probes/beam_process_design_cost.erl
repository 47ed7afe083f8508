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
    update_map/2,
    slow/1,
    answers_ms/1
]).

-define(MAILBOX, beam_process_design_mailbox).
-define(WAIT_MS, 5_000).

-spec weight(pid()) -> map().
weight(Pid) ->
    Items = [total_heap_size, heap_size, memory],
    [{_, Total}, {_, Heap}, {_, Bytes}] = process_info(Pid, Items),
    #{
        total_heap_words => Total,
        heap_words => Heap,
        memory_words => Bytes / erlang:system_info(wordsize)
    }.

%% What it takes to spawn Batch processes while Others live: the best of 15 rounds.
-spec spawn_figures(non_neg_integer(), pos_integer()) -> map().
spawn_figures(Others, Batch) ->
    Pids = [spawn(fun ?MAILBOX:deaf/0) || _ <- lists:seq(1, Others)],
    try
        Rounds = [spawn_round(Pids, Batch) || _ <- lists:seq(1, 15)],
        {_, Alive} = hd(Rounds),
        #{
            others_count => Others,
            spawn_us => lists:min([Us || {Us, _} <- Rounds]) / Batch,
            alive_count => Alive
        }
    after
        probe_lib:kill_all(Pids)
    end.

spawn_round(Others, Batch) ->
    Us = probe_measure:elapsed_us(fun() ->
        self() ! {spawned, [spawn(fun ?MAILBOX:deaf/0) || _ <- lists:seq(1, Batch)]}
    end),
    receive
        {spawned, Pids} ->
            Alive = length([Pid || Pid <- Others ++ Pids, is_process_alive(Pid)]),
            probe_lib:kill_all(Pids),
            {Us, Alive}
    end.

%% Spawn until it fails: what was raised, and the processes.
-spec spawn_to_limit([pid()]) -> {map(), [pid()]}.
spawn_to_limit(Pids) ->
    case probe_lib:error_class(fun() -> spawn(fun ?MAILBOX:deaf/0) end) of
        #{class := returned, reason := Pid} -> spawn_to_limit([Pid | Pids]);
        Raised -> {Raised, Pids}
    end.

-spec tie_figures(pos_integer()) -> map().
tie_figures(N) ->
    Pids = [spawn(fun ?MAILBOX:deaf/0) || _ <- lists:seq(1, N)],
    try
        Links = tie(Pids, fun erlang:link/1, fun erlang:unlink/1),
        Monitors = tie(Pids, fun monitor_process/1, fun(_) -> true end),
        #{ties_count => N, links_words => Links, monitors_words => Monitors}
    after
        probe_lib:kill_all(Pids)
    end.

monitor_process(Pid) -> erlang:monitor(process, Pid).

%% The words that the ties take beside the heap of the process that has them.
tie(Pids, Tie, Untie) ->
    probe_lib:with_process([], fun(Subject) ->
        Before = beside_heap_words(Subject),
        probe_lib:ask(Subject, fun(_) -> {ok, lists:foreach(Tie, Pids)} end),
        After = beside_heap_words(Subject),
        probe_lib:ask(Subject, fun(_) -> {ok, lists:foreach(Untie, Pids)} end),
        After - Before
    end).

beside_heap_words(Pid) ->
    [{_, Bytes}, {_, Heap}] = process_info(Pid, [memory, total_heap_size]),
    Bytes div erlang:system_info(wordsize) - Heap.

%% A process that keeps the state of one entity, or of all, and crashes when ended_pid/1 tells it.
-spec entity(term()) -> no_return().
entity(State) ->
    receive
        {update, From, Ref} ->
            From ! {Ref, ok},
            entity(updated(State));
        crash_now ->
            exit(crashed)
    end.

updated({entity, Id, Count}) -> {entity, Id, Count + 1};
updated(State) -> State.

-spec update_processes([pid()]) -> ok.
update_processes([]) ->
    ok;
update_processes([Pid | Pids]) ->
    Ref = erlang:monitor(process, Pid),
    Pid ! {update, self(), Ref},
    receive
        {Ref, ok} -> erlang:demonitor(Ref, [flush]);
        {'DOWN', Ref, process, Pid, Reason} -> error({setup, Reason})
    end,
    update_processes(Pids).

-spec update_map(non_neg_integer(), map()) -> map().
update_map(0, Map) ->
    Map;
update_map(Id, Map) ->
    #{Id := Entity} = Map,
    update_map(Id - 1, Map#{Id := updated(Entity)}).

%% A process that waits WaitMs before each answer, until nothing was asked for a while.
-spec slow(pos_integer()) -> ok.
slow(WaitMs) ->
    receive
        {ask, From, Ref} ->
            timer:sleep(WaitMs),
            From ! Ref,
            slow(WaitMs)
    after 1_000 -> ok
    end.

%% Milliseconds until all that were asked have answered; the processes are gone afterwards.
-spec answers_ms([{pid(), term()}]) -> float().
answers_ms(Asked) ->
    Us = probe_measure:elapsed_us(fun() ->
        Refs = [
            begin
                Ref = make_ref(),
                Pid ! {ask, self(), Ref},
                Ref
            end
         || {Pid, _} <- Asked
        ],
        _ = [
            receive
                Ref -> ok
            after ?WAIT_MS -> error({setup, no_answer})
            end
         || Ref <- Refs
        ],
        ok
    end),
    probe_lib:kill_all(lists:usort([Pid || {Pid, _} <- Asked])),
    Us / 1_000.
