%% The load that a writer a scheduler puts on a table, and how a tree splits under it.
%% Knows ETS and processes; knows nothing of any claim, and never judges.
-module(beam_ets_internals_writers).

-export([run/2, most_base_nodes/1]).

-export_type([load/0]).

%% Operations of all writers together; the most base nodes that the tree was seen to have, `none'
%% where the table does not say.
-type load() :: #{operations_per_ms := float(), base_nodes := pos_integer() | none}.

-define(WRITER_MS, 20_000).

%% As many processes as there are schedulers insert and delete random keys below 200,000 for Ms
%% milliseconds.
-spec run(ets:table(), pos_integer()) -> load().
run(Table, Ms) ->
    Stop = atomics:new(1, []),
    Self = self(),
    Started = erlang:monotonic_time(),
    Running = [
        spawn_monitor(fun() ->
            rand:seed(exsss, {Seed, 2, 3}),
            Self ! {self(), write(Table, Stop, 0)}
        end)
     || Seed <- lists:seq(1, erlang:system_info(schedulers_online))
    ],
    BaseNodes = watch(Table, erlang:monotonic_time(millisecond) + Ms, none),
    atomics:put(Stop, 1, 1),
    Counts = [finished(Pid, Ref) || {Pid, Ref} <- Running],
    Took = erlang:convert_time_unit(erlang:monotonic_time() - Started, native, microsecond),
    #{operations_per_ms => lists:sum(Counts) * 1000 / Took, base_nodes => BaseNodes}.

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

%% `stats' of an ordered_set with write_concurrency is {RouteNodes, BaseNodes, Depth}, of one
%% without it is false, of a set it is something else.
watch(Table, Deadline, Most) ->
    Now = erlang:monotonic_time(millisecond),
    timer:sleep(5),
    case ets:info(Table, stats) of
        _ when Now >= Deadline -> Most;
        {_, BaseNodes, _} -> watch(Table, Deadline, more(BaseNodes, Most));
        _ -> watch(Table, Deadline, Most)
    end.

more(BaseNodes, none) -> BaseNodes;
more(BaseNodes, Most) -> max(BaseNodes, Most).

finished(Pid, Ref) ->
    receive
        {Pid, Count} ->
            true = erlang:demonitor(Ref, [flush]),
            Count;
        {'DOWN', Ref, process, Pid, Reason} ->
            error({setup, {writer_ended, Reason}})
    after ?WRITER_MS -> error({setup, writer_stuck})
    end.

%% The most base nodes of any run.
-spec most_base_nodes([load()]) -> pos_integer() | none.
most_base_nodes(Loads) ->
    lists:foldl(
        fun
            (#{base_nodes := none}, Most) -> Most;
            (#{base_nodes := BaseNodes}, Most) -> more(BaseNodes, Most)
        end,
        none,
        Loads
    ).
