%% The system monitor around known work, run in a peer, and what the JIT tells perf.
%% Knows how to work and to listen; knows nothing of any claim, and never judges.
-module(beam_performance_profiling_monitor).

%% For a peer.
-export([monitor_events/0, native/0, alike/1]).
%% For the probe's own VM.
-export([perf_support/0]).

-define(NIF, beam_performance_profiling_nif).
-define(WORK, beam_performance_profiling_work).
-define(WAIT_MS, 10_000).
%% More than any other process' heap has here.
-define(HUGE_WORDS, 10_000_000).

%%% The system monitor

-spec monitor_events() -> probe_lib:evidence().
monitor_events() ->
    Last = {large_heap, ?HUGE_WORDS},
    _ = erlang:system_monitor(self(), [{long_gc, 1}, {long_schedule, 20}, busy_port, Last]),
    Told = maps:from_list([{Name, worked(Work)} || {Name, Work} <- works()]),
    _ = erlang:system_monitor(self(), [{long_gc, 60_000}, Last]),
    #{collecting := Collecting} = maps:from_list(works()),
    Beyond = worked(Collecting),
    _ = erlang:system_monitor(undefined),
    Told#{collecting_below_limit => Beyond}.

%% Native code that sleeps for 200 ms, on a normal and on a dirty scheduler; with what call tracing
%% says that the function took.
-spec native() -> probe_lib:evidence().
native() ->
    Last = {large_heap, ?HUGE_WORDS},
    _ = erlang:system_monitor(self(), [{long_schedule, 20}, Last]),
    _ = erlang:trace(new_processes, true, [call]),
    Told = maps:from_list([{Name, native(Name)} || Name <- [hold, hold_dirty]]),
    _ = erlang:trace(new_processes, false, [call]),
    _ = erlang:system_monitor(undefined),
    Told.

native(Name) ->
    1 = erlang:trace_pattern({?NIF, Name, 1}, true, [call_time]),
    Worked = worked({fun() -> none end, fun(_) -> held = ?NIF:Name(200) end}),
    {call_time, Times} = erlang:trace_info({?NIF, Name, 1}, call_time),
    1 = erlang:trace_pattern({?NIF, Name, 1}, false, [call_time]),
    Worked#{
        calls_count => lists:sum([Calls || {_, Calls, _, _} <- Times]),
        told_us => lists:sum([Seconds * 1_000_000 + Us || {_, _, Seconds, Us} <- Times])
    }.

%% Kinds of work: what is made before, and what is measured.
works() ->
    [
        {looping, {fun() -> none end, fun(_) -> ?WORK:tail(20_000_000) end}},
        {comparing, {fun() -> alike(300) end, fun({Left, Right}) -> true = (Left =:= Right) end}},
        {collecting, {
            fun() -> ?WORK:pairs(800_000) end,
            fun(Pairs) ->
                _ = [erlang:garbage_collect() || _ <- lists:seq(1, 5)],
                800_000 = length(Pairs)
            end
        }},
        {dirty, {fun() -> none end, fun(_) -> erts_debug:dirty_cpu(wait, 300) end}},
        {writing, {
            fun() -> open_port({spawn_executable, "/bin/sleep"}, [{args, ["1"]}, binary]) end,
            fun(Port) -> written(Port, binary:copy(<<0>>, 100_000), 10) end
        }}
    ].

%% A port that closes while it is written to ends the writing.
written(_, _, 0) ->
    ok;
written(Port, Data, Times) ->
    try erlang:port_command(Port, Data) of
        true -> written(Port, Data, Times - 1)
    catch
        error:badarg -> closed
    end.

%% Milliseconds and reductions of a work in a fresh process, and the events that name it.
worked({Prepare, Work}) ->
    Watcher = self(),
    {Pid, Ref} = spawn_monitor(fun() ->
        process_flag(trap_exit, true),
        Prepared = Prepare(),
        true = erlang:garbage_collect(),
        Watcher ! {self(), prepared},
        receive
            go -> ok
        end,
        Before = probe_measure:own_reductions(),
        Us = probe_measure:elapsed_us(fun() -> Work(Prepared) end),
        Watcher ! {self(), worked, Us / 1_000, probe_measure:own_reductions() - Before},
        receive
            finish -> ok
        end
    end),
    ok = told(Pid, Ref, prepared),
    _ = events(Pid),
    Pid ! go,
    {Ms, Reductions} = told(Pid, Ref, worked),
    Pid ! finish,
    normal = probe_lib:gone(Ref, ?WAIT_MS),
    Events = events(Pid),
    #{
        elapsed_ms => Ms,
        reductions_per_ms_ratio => Reductions / Ms,
        longest_schedule_to_elapsed_ratio => longest(long_schedule, Events) / Ms,
        reductions => Reductions,
        event_count => maps:from_list([
            {Kind, length([E || {K, _} = E <- Events, K =:= Kind])}
         || Kind <- [long_gc, long_schedule, busy_port]
        ]),
        longest_schedule_ms => longest(long_schedule, Events),
        longest_gc_ms => longest(long_gc, Events)
    }.

told(Pid, Ref, What) ->
    receive
        {Pid, What} -> ok;
        {Pid, What, Ms, Reductions} -> {Ms, Reductions};
        {'DOWN', Ref, process, Pid, Reason} -> error({setup, {What, Reason}})
    after ?WAIT_MS -> error({setup, {never, What}})
    end.

longest(Kind, Events) ->
    lists:max([0 | [proplists:get_value(timeout, Info) || {K, Info} <- Events, K =:= Kind]]).

%% The monitor's events about a process that has ended. They come one after the other, some time
%% after what they tell of: when that of a process with a huge heap is there, all before it are.
events(Pid) ->
    {Last, Ref} = spawn_opt(
        fun() -> erlang:garbage_collect() end, [monitor, {min_heap_size, ?HUGE_WORDS}]
    ),
    normal = probe_lib:gone(Ref, ?WAIT_MS),
    receive
        {monitor, Last, large_heap, _} -> ok
    after ?WAIT_MS -> error({setup, no_last_event})
    end,
    received(Pid).

received(Pid) ->
    receive
        {monitor, Pid, Kind, Info} -> [{Kind, Info} | received(Pid)]
    after 0 -> []
    end.

%% Two equal terms that have nothing in common: each has a list of 100,000 elements as often as said.
-spec alike(pos_integer()) -> {tuple(), tuple()}.
alike(Times) ->
    [Left, Right] = [lists:seq(1, 100_000) || _ <- [left, right]],
    {erlang:make_tuple(Times, Left), erlang:make_tuple(Times, Right)}.

%%% perf

-spec perf_support() -> probe_lib:evidence().
perf_support() ->
    #{
        emu_flavor => erlang:system_info(emu_flavor),
        by_flags => maps:from_list([
            {Name, perf_files(Flags)}
         || {Name, Flags} <- [
                {none, []},
                {true, ["+JPperf", "true"]},
                {map, ["+JPperf", "map"]},
                {dump, ["+JPperf", "dump"]},
                {fp, ["+JPperf", "fp"]}
            ]
        ])
    }.

%% Whether a VM with these flags starts, and what it writes for perf. Another VM may have had the
%% same process number and left its files.
perf_files(Flags) ->
    Since = erlang:localtime(),
    try
        probe_peer:with(#{flags => Flags}, fun(Peer) ->
            [Map, Dump] = [perf_file(Form, Peer) || Form <- ["/tmp/perf-~b.map", "/tmp/jit-~b.dump"]],
            try
                #{starts => true, map => names_function(Map, Since), dump => is_new(Dump, Since)}
            after
                _ = [file:delete(File) || File <- [Map, Dump], is_new(File, Since)]
            end
        end)
    catch
        error:{setup, {peer_not_started, #{output := Output}}} ->
            #{starts => false, says_text => hd(binary:split(Output, <<"\n">>))}
    end.

perf_file(Form, Peer) ->
    lists:flatten(io_lib:format(Form, [probe_peer:os_pid(Peer)])).

names_function(File, Since) ->
    case is_new(File, Since) of
        true ->
            {ok, Text} = file:read_file(File),
            binary:match(Text, <<"lists:seq/2">>) =/= nomatch;
        false ->
            no_file
    end.

%% Nothing, which is older than any time, is the age of a file that is not there.
is_new(File, Since) ->
    filelib:last_modified(File) >= Since.
