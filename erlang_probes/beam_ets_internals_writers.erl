%% The load that many processes put on a table, and how a tree splits under it.
%% Knows ETS and processes; knows nothing of any claim, and never judges.
-module(beam_ets_internals_writers).

-export([run/4]).

-export_type([load/0]).

-type load() :: #{operations_per_ms := float(), base_nodes_count := non_neg_integer()}.

-define(WRITER_MS, 20_000).

%% Writers processes insert and delete random keys below 200,000 for Ms milliseconds. Returns
%% operations per millisecond and the most base nodes (a tree that adapts) seen meanwhile.
-spec run(ets:table(), pos_integer(), pos_integer(), [pos_integer()]) -> load().
run(Table, Writers, Ms, Seeds) ->
    Stop = atomics:new(1, []),
    Self = self(),
    Started = erlang:monotonic_time(),
    Running = [
        spawn_monitor(fun() ->
            rand:seed(exsss, {Seed, 2, 3}),
            Self ! {self(), write(Table, Stop, 0)}
        end)
     || Seed <- lists:sublist(Seeds, Writers)
    ],
    BaseNodes = watch(Table, erlang:monotonic_time(millisecond) + Ms, 0),
    atomics:put(Stop, 1, 1),
    Counts = [finished(Pid, Ref) || {Pid, Ref} <- Running],
    Took = erlang:convert_time_unit(erlang:monotonic_time() - Started, native, microsecond),
    #{operations_per_ms => lists:sum(Counts) * 1000 / Took, base_nodes_count => BaseNodes}.

write(Table, Stop, Count) ->
    case atomics:get(Stop, 1) of
        1 ->
            Count;
        0 ->
            lists:foreach(
                fun(_) ->
                    Key = rand:uniform(200_000),
                    ets:insert(Table, {Key, 1}),
                    ets:delete(Table, Key + 1)
                end,
                lists:seq(1, 50)
            ),
            write(Table, Stop, Count + 100)
    end.

%% `stats' of an ordered_set with write_concurrency is {RouteNodes, BaseNodes, Depth}; of other
%% tables it is something else.
watch(Table, Deadline, Most) ->
    Now = erlang:monotonic_time(millisecond),
    timer:sleep(5),
    case ets:info(Table, stats) of
        {_, BaseNodes, _} when Now < Deadline -> watch(Table, Deadline, max(Most, BaseNodes));
        _ when Now < Deadline -> watch(Table, Deadline, Most);
        _ -> Most
    end.

finished(Pid, Ref) ->
    receive
        {Pid, Count} ->
            true = erlang:demonitor(Ref, [flush]),
            Count;
        {'DOWN', Ref, process, Pid, Reason} ->
            error({setup, {writer_ended, Reason}})
    after ?WRITER_MS -> error({setup, writer_stuck})
    end.
