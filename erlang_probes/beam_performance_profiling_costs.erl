%% What profiling costs, what it reaches and what ends it; run in a peer.
%% Knows how to measure; knows nothing of any claim, and never judges.
-module(beam_performance_profiling_costs).

-export([built_in/0, paces/1, trace_volume/2, reloaded/0]).

-define(WORK, beam_performance_profiling_work).
-define(TOOLS, beam_performance_profiling_tools).
%% Not written out, as releases before the one that brought it have no such module.
-define(TPROF, list_to_atom("tprof")).

%%% Functions that are not of Erlang

%% Calls of a function built into the VM, of a NIF, and of one that the compiler turns into an
%% instruction, as cprof counts them; the microseconds of the built-in one in eprof and fprof.
-spec built_in() -> probe_lib:evidence().
built_in() ->
    Data = binary:copy(<<"0123456789">>, 10),
    Position = length(binary_to_list(Data)) rem 3 + 1,
    Fun = fun() ->
        Hashes = [erlang:md5(Data) || _ <- lists:seq(1, 50)],
        Elements = [element(Position, {N, N, N}) || N <- lists:seq(1, 40)],
        Z = zlib:open(),
        ok = zlib:deflateInit(Z),
        Deflated = [zlib:deflate(Z, Data) || _ <- lists:seq(1, 30)],
        ok = zlib:close(Z),
        [length(L) || L <- [Hashes, Elements, Deflated]]
    end,
    [50, 40, 30] = Fun(),
    _ = cprof:start(),
    Made = Fun(),
    _ = cprof:pause(),
    Counts = maps:from_list([
        {Key, element(2, erlang:trace_info(Function, call_count))}
     || {Key, Function} <- [
            {bif_count, {erlang, md5, 1}},
            {nif_count, {zlib, deflate_nif, 4}},
            {instruction_count, {erlang, element, 2}}
        ]
    ]),
    _ = cprof:stop(),
    Counts#{made_counts => Made}.

%%% Pace

%% Nanoseconds that a call of fib/1 takes, bare and under each profiler, and ratios of those.
-spec paces(file:filename()) -> probe_lib:evidence().
paces(Folder) ->
    Calls = 2 * 2_584 - 1,
    Pace = fun() -> probe_measure:best_us(5, fun() -> ?WORK:fib(16) end) * 1_000 / Calls end,
    Bare = probe_lib:in_process(Pace),
    Paced = maps:from_list([{Tool, paced(Tool, Pace, Folder)} || Tool <- ?TOOLS:tools()]),
    #{fprof := Fprof, eprof := Eprof, cprof := Cprof} = Paced,
    Paced#{
        tools => ?TOOLS:tools(),
        bare => Bare,
        cost_ratio => maps:from_list(
            [{cprof_to_bare, Cprof / Bare}, {eprof_to_cprof, Eprof / Cprof}] ++
                [{fprof_to_eprof, Fprof / Eprof}, {fprof_to_bare, Fprof / Bare}] ++
                [{fprof_to_call_time, Fprof / Time} || {call_time, Time} <- maps:to_list(Paced)] ++
                [{call_time_to_eprof, Time / Eprof} || {call_time, Time} <- maps:to_list(Paced)] ++
                [{call_count_to_cprof, N / Cprof} || {call_count, N} <- maps:to_list(Paced)]
        )
    }.

%% What Fun returns under a profiler that is pointed at the work module.
paced(cprof, Fun, _) ->
    _ = cprof:start(?WORK),
    Value = Fun(),
    _ = cprof:stop(?WORK),
    Value;
paced(eprof, Fun, _) ->
    {ok, Value} = eprof:profile([], Fun, {?WORK, '_', '_'}),
    stopped = eprof:stop(),
    Value;
paced(fprof, Fun, Folder) ->
    Value = fprof:apply(Fun, [], [{file, filename:join(Folder, "fprof.trace")}]),
    _ = fprof:stop(),
    Value;
paced(Type, Fun, _) ->
    {Value, _} = apply(?TPROF, profile, [
        Fun, #{type => Type, report => return, pattern => {?WORK, '_', '_'}}
    ]),
    Value.

%% Bytes of the file that fprof writes for ever more calls of one function.
-spec trace_volume(file:filename(), [pos_integer()]) -> [#{atom() => number()}].
trace_volume(Folder, Counts) ->
    File = filename:join(Folder, "fprof.trace"),
    [
        begin
            _ = fprof:apply(fun ?WORK:tail/1, [Count], [{file, File}]),
            _ = fprof:stop(),
            #{calls_count => Count, trace_bytes => filelib:file_size(File)}
        end
     || Count <- Counts
    ].

%%% Loading again

%% A module is loaded again while its calls are counted: by cprof:start/1 of the module alone, and
%% by cprof:start/0, which counts in modules that will be loaded, too.
-spec reloaded() -> probe_lib:evidence().
reloaded() ->
    Queue = lists:foldl(fun queue:in/2, queue:new(), [a, b, c]),
    Calls = fun(N) -> [queue:len(Queue) || _ <- lists:seq(1, N)] end,
    Count = fun() -> element(2, erlang:trace_info({queue, len, 1}, call_count)) end,
    Round = fun(Start) ->
        _ = Start(),
        _ = Calls(20),
        Before = Count(),
        {Old, New} = load_again(queue),
        At = Count(),
        _ = Calls(7),
        After = Count(),
        _ = cprof:stop(),
        #{same_code => Old =:= New, before_count => Before, at_load_count => At, later_count => After}
    end,
    #{
        of_module => Round(fun() -> cprof:start(queue) end),
        of_all => Round(fun() -> cprof:start() end)
    }.

load_again(Module) ->
    Old = Module:module_info(md5),
    _ = code:unstick_mod(Module),
    _ = code:purge(Module),
    {module, Module} = code:load_file(Module),
    {Old, Module:module_info(md5)}.
