%% Probes of beam-performance-profiling: what each profiler counts and in which unit, what it costs
%% and what it does to other tracing, clocks, the VM's own statistics, its monitor, and traces.
-module(beam_performance_profiling).

-export([
    profilers/1,
    known_code/1,
    company/1,
    shares/1,
    built_in/1,
    paces/1,
    trace_volume/1,
    reload/1,
    tracing_before/1,
    traced_already/1,
    stacks/1,
    match_specifications/1,
    call_memory/1,
    clocks/1,
    short_calls/1,
    statistics_items/1,
    scheduler_time/1,
    monitor_events/1,
    native_code/1,
    perf_support/1
]).

-define(COSTS, beam_performance_profiling_costs).
-define(MEMORY, beam_performance_profiling_memory).
-define(MONITOR, beam_performance_profiling_monitor).
-define(NIF, beam_performance_profiling_nif).
-define(REPORTS, beam_performance_profiling_reports).
-define(SYSTEM, beam_performance_profiling_system).
-define(TOOLS, beam_performance_profiling_tools).
-define(TRACES, beam_performance_profiling_traces).
-define(TRACING, beam_performance_profiling_tracing).

%% Looks for the profilers, and for words of tracing in the atoms of OTP's tools.
%% Evidence: whether each module is there, and the modules that know each word.
%% Cost: some 60 files read, 0.1 s.
%% Misread: a VM may have more installed than OTP ships.
%% Source: https://www.erlang.org/doc/apps/tools/tprof.html
-spec profilers(probe_lib:args()) -> probe_lib:evidence().
profilers(_) ->
    ?TOOLS:present().

%% Runs code whose calls are known (1,001 of body and of tail recursion, 1,973 of fib, 501 that build
%% pairs, one nap of 300 ms) under each profiler that the VM has, on a peer.
%% Evidence: by profiler and function, calls and the profiler's own measurement; by the way, how long
%%   the nap takes by the clock, and cprof's result for a nap and for a function that does nothing.
%% Cost: one peer, 3 to 5 s: eight naps.
%% Misread: calls of functions outside of the work module are in nobody's rows.
%% Source: https://www.erlang.org/doc/system/profiling.html
-spec known_code(probe_lib:args()) -> probe_lib:evidence().
known_code(_) ->
    in_peer(fun(Folder) -> ?TOOLS:known_code(Folder) end).

%% Runs code that has a child and a grandchild, beside a process that was there before, under each
%% profiler on a peer.
%% Evidence: by profiler, the calls it tells of the caller, the children and the other process, with
%%   its usual options and without set_on_spawn.
%% Cost: one peer, 2 s.
%% Misread: the other process works on request of the profiled one, but is not started by it.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#trace/3
-spec company(probe_lib:args()) -> probe_lib:evidence().
company(_) ->
    in_peer(fun(Folder) -> ?REPORTS:company(Folder) end).

%% Has eprof and tprof report on two processes of unequal work, on a peer.
%% Evidence: sums of times and percentages, for all, by process, and with a filter; by how much a
%%   percentage is apart from its share of the time; the report on one function alone.
%% Cost: one peer, 2 s.
%% Misread: percentages are printed to two digits, so that a sum may be some hundredths off.
%% Source: https://www.erlang.org/doc/apps/tools/eprof.html
-spec shares(probe_lib:args()) -> probe_lib:evidence().
shares(_) ->
    in_peer(fun(Folder) -> ?REPORTS:shares(Folder) end).

%% Calls a function built into the VM 50 times, a NIF 30 times, and 40 times one that the compiler
%% turns into an instruction, while cprof counts all functions of a peer.
%% Evidence: the counts of the three, and the lengths of what the calls made.
%% Cost: one peer, 1 s.
%% Misread: a function of the last kind is counted where it is called by apply.
%% Source: https://www.erlang.org/doc/apps/tools/cprof.html
-spec built_in(probe_lib:args()) -> probe_lib:evidence().
built_in(_) ->
    in_peer(fun(_) -> ?COSTS:built_in() end).

%% Runs fib/1 bare, under each profiler, and bare again, on a peer.
%% Evidence: nanoseconds a call, the best of five runs of 5,167 calls each.
%% Cost: one peer, 2 s.
%% Misread: functions that do more in a call pay a smaller share.
%% Source: https://www.erlang.org/doc/apps/tools/fprof.html
-spec paces(probe_lib:args()) -> probe_lib:evidence().
paces(_) ->
    in_peer(fun(Folder) -> ?COSTS:paces(Folder) end).

%% Has fprof trace 1,000, 10,000 and 100,000 calls into a file, on a peer.
%% Evidence: the bytes of the file for each, the bytes for each call more, and the exponent.
%% Cost: one peer, 1 s, a file of some megabytes.
%% Misread: the bytes of a call depend on the length of its names.
%% Source: https://www.erlang.org/doc/apps/tools/fprof.html
-spec trace_volume(probe_lib:args()) -> probe_lib:evidence().
trace_volume(_) ->
    Series = in_peer(fun(Folder) -> ?COSTS:trace_volume(Folder, [1_000, 10_000, 100_000]) end),
    [_, #{trace_bytes := Fewer}, #{trace_bytes := More}] = Series,
    #{
        series => Series,
        bytes_per_call_ratio => (More - Fewer) / 90_000,
        exponent => probe_measure:series_exponent(calls_count, trace_bytes, Series)
    }.

%% Loads a module again while its calls are counted, on a peer.
%% Evidence: the count before, right after, and seven calls later; `false' where nothing counts.
%% Cost: one peer, 1 s.
%% Misread: it is the same code that is loaded.
%% Source: https://www.erlang.org/doc/apps/tools/tprof.html
-spec reload(probe_lib:args()) -> probe_lib:evidence().
reload(_) ->
    in_peer(fun(_) -> ?COSTS:reloaded() end).

%% Uses each profiler on a peer where others trace: a process by messages of one function, another
%% function's calls counted, a third's timed, and, where the VM has sessions, one of those.
%% Evidence: by profiler, which of the four settings live before, meanwhile and later, and how many
%%   messages a call of the traced process brings to its tracer, and to the session's.
%% Cost: one peer, 2 s.
%% Misread: a counter or clock counts as living only while it has what it had counted.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#trace/3
-spec tracing_before(probe_lib:args()) -> probe_lib:evidence().
tracing_before(_) ->
    in_peer(fun(Folder) -> ?TRACING:before_tools(Folder) end).

%% Points profilers at a process that somebody traces already, on a peer.
%% Evidence: by profiler, whether it accepts, whether the first tracer keeps the process, and how
%%   many of the calls made meanwhile the profiler tells.
%% Cost: one peer, 1 s.
%% Misread: fprof's calls are not read off its file.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#trace/3
-spec traced_already(probe_lib:args()) -> probe_lib:evidence().
traced_already(_) ->
    in_peer(fun(Folder) -> ?TRACING:already_traced(Folder) end).

%% Collapses a trace of calls and returns into stacks, and looks at the stack of a waiting process,
%% on a peer.
%% Evidence: visits and time of each stack; their sum, the time from the first to the last event, and
%%   how long the traced process took by its own clock; the stack that a sample shows for each way
%%   to the leaf; calls and returns of 1,000 rounds of body and of tail recursion.
%% Cost: one peer, 0.5 s.
%% Misread: a call that the compiler made a tail call has no return of its own.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#trace/3
-spec stacks(probe_lib:args()) -> probe_lib:evidence().
stacks(_) ->
    in_peer(fun(_) -> ?TRACES:stacks() end).

%% Hands match specifications, right and wrong ones, to match_spec_test/3 of both kinds, to
%% trace_pattern/3 and to ets:select/2, and lets them choose calls and sent messages, on a peer.
%% Evidence: the answers or errors of each; messages with and without a condition.
%% Cost: one peer, 0.4 s.
%% Misread: the specification that ets:select/2 takes may be meant for calls all the same.
%% Source: https://www.erlang.org/doc/apps/erts/match_spec.html
-spec match_specifications(probe_lib:args()) -> probe_lib:evidence().
match_specifications(_) ->
    in_peer(fun(_) -> ?TRACES:specifications() end).

%% Has the VM count the words that functions allocate, on a peer.
%% Evidence: words and calls by function; beside them what flat_size, the heap and the count of
%%   reclaimed words say of the same terms. `refused' is true where the VM knows no such tracing.
%% Cost: one peer, 0.4 s.
%% Misread: what a function that is not looked at allocates is added to the one that called it.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#trace_pattern/3
-spec call_memory(probe_lib:args()) -> probe_lib:evidence().
call_memory(_) ->
    in_peer(fun(_) -> ?MEMORY:counted() end).

%% Reads clocks around a sleep, a loop and nothing.
%% Evidence: timer:tc/1 and statistics around a sleep; what units and signs the clocks have.
%% Cost: one peer, 0.5 s.
%% Misread: native units are nanoseconds on most machines of today, and need not be.
%% Source: https://www.erlang.org/doc/apps/erts/time_correction.html
-spec clocks(probe_lib:args()) -> probe_lib:evidence().
clocks(_) ->
    in_peer(fun(_) -> ?SYSTEM:clocks() end).

%% Measures a call of some nanoseconds by timer:tc/1, once and in rounds, compiled and interpreted.
%% Evidence: the medians, and nanoseconds of a round.
%% Cost: 0.2 s.
%% Misread: what one call takes is less than what reading the clock takes.
%% Source: https://www.erlang.org/doc/apps/stdlib/timer.html#tc/1
-spec short_calls(probe_lib:args()) -> probe_lib:evidence().
short_calls(_) ->
    probe_lib:in_process(fun ?SYSTEM:short_calls/0).

%% Reads erlang:statistics/1 around known work, on a peer of one scheduler.
%% Evidence: reductions told before and after a turn ends, the run queue with processes that are
%%   ready and with such as wait, collections and reclaimed words.
%% Cost: one peer, 0.5 s.
%% Misread: the numbers are of the whole VM, and OTP's own processes are in them.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#statistics/1
-spec statistics_items(probe_lib:args()) -> probe_lib:evidence().
statistics_items(_) ->
    in_peer(#{flags => ["+S", "1:1"]}, fun(_) -> ?SYSTEM:statistics_items() end).

%% Has the VM account for the time of its scheduler while it sleeps, loops, and collects, on a peer
%% of one scheduler.
%% Evidence: before any accounting is on, and shares of the time with it on.
%% Cost: one peer, 1.5 s.
%% Misread: a scheduler that the machine keeps from running counts as active.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#statistics_scheduler_wall_time
-spec scheduler_time(probe_lib:args()) -> probe_lib:evidence().
scheduler_time(_) ->
    in_peer(#{flags => ["+S", "1:1"]}, fun(_) -> ?SYSTEM:scheduler_time() end).

%% Has a process compare large terms, which is one instruction, collect a large heap, wait for a
%% port program that does not read, work on a dirty scheduler, and loop, on a peer with a monitor.
%% Evidence: by kind of work, how long it took, the reductions that it cost, and the events.
%% Cost: one peer, 3 s.
%% Misread: where the machine is busy, more events may come than the work gives rise to.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#system_monitor/2
-spec monitor_events(probe_lib:args()) -> probe_lib:evidence().
monitor_events(_) ->
    in_peer(#{flags => ["+S", "2:2"]}, fun(_) -> ?MONITOR:monitor_events() end).

%% Calls native code that sleeps, on a normal and on a dirty scheduler, on a peer with a monitor and
%% with call times. Needs the library built from c_src.
%% Evidence: by scheduler, how long it took, the reductions that it cost, the monitor's events, and
%%   the calls and microseconds that call tracing tells.
%% Cost: one peer, 1 s.
%% Misread: native code that sleeps holds a scheduler as well as code that computes.
%% Source: https://www.erlang.org/doc/apps/erts/erl_nif.html#lengthy_work
-spec native_code(#{nif_library := binary()}) -> probe_lib:evidence().
native_code(#{nif_library := Library}) ->
    probe_native:with(#{flags => ["+S", "2:2"]}, ?NIF, Library, fun(Peer) ->
        probe_peer:call(Peer, ?MONITOR, native, [])
    end).

%% Starts peers with the flags by which the JIT tells perf of its code.
%% Evidence: by flags, whether the VM starts, and whether it wrote the file that maps addresses to
%%   functions, with a function of this module in it.
%% Cost: five peers, 2 s.
%% Misread: the file lies in the machine's folder for temporary files, and is removed.
%% Source: https://www.erlang.org/doc/apps/erts/beamasm.html
-spec perf_support(probe_lib:args()) -> probe_lib:evidence().
perf_support(_) ->
    ?MONITOR:perf_support().

%% What a fun of the peer's folder returns there.
in_peer(Fun) ->
    in_peer(#{}, Fun).

in_peer(Options, Fun) ->
    probe_peer:with(Options, fun(Peer) ->
        Folder = probe_peer:scratch(Peer),
        probe_peer:call(Peer, fun() -> Fun(Folder) end)
    end).
