%% Uses what all probes share: what probe_lib, probe_measure and probe_capture promise.
-module(shared_probes).

-export([waits/1, bounds/1, subjects/1, ends/1, heaps/1, thresholds/1, folders/1, texts/1]).
-export([logs/1, logs_late/1, logs_without_end/1]).

waits(_) ->
    Counter = counters:new(1, []),
    Third = fun() ->
        counters:add(Counter, 1, 1),
        counters:get(Counter, 1) rem 3 =:= 0 orelse counters:get(Counter, 1)
    end,
    #{settled := true, last := true} = probe_lib:until(Third, 1000),
    #{settled := false, last := Why, waited_ms := Waited} = probe_lib:until(fun() -> no end, 20),
    #{
        asked_count => counters:get(Counter, 1),
        last => Why,
        waited_ms => Waited,
        await => probe_lib:await(fun() -> true end, 0),
        value => probe_lib:value_within(fun() -> {done, here} end, 0),
        never => raised(fun() -> probe_lib:await(fun() -> no end, 0) end),
        no_value => raised(fun() -> probe_lib:value_within(fun() -> no end, 0) end)
    }.

bounds(_) ->
    Self = self(),
    Endless = fun() ->
        Self ! {pid, self()},
        receive never -> ok end
    end,
    Raised = raised(fun() -> probe_lib:in_process(Endless, [], 20) end),
    receive
        {pid, Pid} -> #{raised => Raised, left_alive => is_process_alive(Pid)}
    end.

subjects(_) ->
    probe_lib:with_process([], fun(Subject) ->
        probe_lib:ask(Subject, fun(undefined) -> {ok, kept} end),
        Ref = probe_lib:tell(Subject, fun(State) -> {State, State} end),
        Told = receive {Ref, Reply} -> Reply after 1000 -> nothing end,
        ok = probe_lib:hibernate(Subject),
        {current_function, {_, Function, _}} = process_info(Subject, current_function),
        Woken = probe_lib:ask(Subject, fun(State) -> {State, State} end),
        #{told => Told, function => Function, woken => Woken}
    end).

ends(_) ->
    Deaf = fun() -> receive never -> ok end end,
    {Pid, Ref} = spawn_monitor(Deaf),
    Linked = spawn_link(Deaf),
    {Ended, EndedRef} = spawn_monitor(fun() -> ok end),
    normal = probe_lib:gone(EndedRef, 1000),
    Watched = spawn(Deaf),
    Watch = probe_lib:monitored(Watched),
    spawn(fun() -> exit(Watched, kill) end),
    #{
        by_a_third => probe_lib:gone(Watch, 1000),
        alive => probe_lib:gone(Pid, 0),
        reasons => probe_lib:kill_all([Pid, Linked, Ended]),
        by_monitor => probe_lib:gone(Ref, 0),
        by_pid => probe_lib:gone(Pid, 1000)
    }.

heaps(_) ->
    probe_lib:with_process([{min_heap_size, 100_000}], fun(Subject) ->
        probe_lib:ask(Subject, fun(_) -> {ok, none} end),
        Empty = probe_measure:live_words(Subject),
        probe_lib:ask(Subject, fun(_) -> {ok, lists:seq(1, 1000)} end),
        Live = probe_measure:live_words(Subject),
        Used = probe_measure:young_used_words(Subject),
        probe_lib:ask(Subject, fun(S) -> {length(lists:seq(1, 500)), S} end),
        Garbage = probe_measure:young_used_words(Subject) - Used,
        Binary = binary:copy(<<1>>, 1000),
        probe_lib:ask(Subject, fun(_) -> {ok, {Binary, Binary, binary:copy(<<2>>, 65)}} end),
        #{
            live_words => Live - Empty,
            garbage_words => Garbage,
            block_words => probe_measure:young_block_words(Subject),
            total_words => probe_measure:total_heap_words(Subject),
            memory_words => probe_measure:memory_words(Subject),
            off_heap_sizes => lists:sort(probe_measure:off_heap_sizes(Subject)),
            off_heap_bytes => probe_measure:off_heap_bytes(Subject),
            paid_reductions => probe_measure:reductions_for(fun() -> lists:seq(1, 10) end),
            memory_bytes => probe_measure:memory_at_rest(binary)
        }
    end).

thresholds(_) ->
    From = fun(Least) -> fun(X) -> X >= Least end end,
    Pair = fun({False, True}) -> [False, True] end,
    #{
        swept => Pair(probe_measure:sweep(lists:seq(0, 9), From(4))),
        swept_none => Pair(probe_measure:sweep(lists:seq(0, 9), From(10))),
        bisected => Pair(probe_measure:bisect(0, 100, From(65))),
        at_the_ends => [
            Pair(probe_measure:bisect(0, 100, From(1))),
            Pair(probe_measure:bisect(0, 100, From(100)))
        ],
        too_low => raised(fun() -> probe_measure:bisect(0, 100, From(0)) end),
        too_high => raised(fun() -> probe_measure:bisect(0, 100, From(101)) end),
        constant_from => probe_measure:constant_from([{1, 5}, {2, 7}, {3, 6}, {4, 6}]),
        exponent => probe_measure:growth_exponent([{X, 3 * X * X} || X <- [1, 2, 4]]),
        samples => probe_measure:samples(size_bytes, took_us, [{1, 2}])
    }.

logs(_) ->
    {Value, Events} = probe_capture:with_log(fun() ->
        logger:error("first"),
        {_, Ref} = spawn_monitor(fun() -> error(second) end),
        {second, _} = probe_lib:gone(Ref, 1000),
        returned
    end),
    {_, None} = probe_capture:with_log(fun() -> ok end),
    #{
        value => Value,
        first => probe_capture:text(maps:get(msg, hd(Events))),
        events_count => length(Events),
        none_count => length(None)
    }.

%% One that logs when it has long said that it is done, as a start that fails may.
logs_late(_) ->
    {Told, Events} = probe_capture:with_log(fun() ->
        Self = self(),
        spawn(fun() -> Self ! done, timer:sleep(100), logger:error("late") end),
        receive done -> told after 1000 -> untold end
    end),
    #{told => Told, events_count => length(Events)}.

%% One that does not end with the fun whose log is kept.
logs_without_end(_) ->
    #{class := Class, reason := {setup, {never, [Chatty]}}} =
        probe_lib:error_class(fun() -> probe_capture:with_log(fun() -> spawn(fun chat/0) end) end),
    _ = probe_lib:kill_and_wait(Chatty),
    #{class => Class}.

chat() ->
    logger:error("and on"),
    timer:sleep(1),
    is_process_alive(group_leader()) andalso chat().

folders(_) ->
    {Folder, Was} = probe_capture:with_folder(fun(Folder) ->
        ok = file:make_dir(filename:join(Folder, "below")),
        ok = file:write_file(filename:join([Folder, "below", "file"]), <<>>),
        {Folder, filelib:is_dir(Folder)}
    end),
    #{was => Was, left => filelib:is_dir(Folder)}.

texts(_) ->
    #{
        term => probe_capture:text({"text", 1}),
        format => probe_capture:text("~w of ~ts", [1, "ä"]),
        chars => probe_capture:chars(["ä", <<"b">>]),
        answered => probe_capture:outcome(fun() -> answer end),
        raised => probe_capture:outcome(fun() -> error({why, self()}) end),
        reason => probe_capture:reason({{badmatch, 1}, []})
    }.

raised(Fun) ->
    #{class := error, reason := Reason} = probe_lib:error_class(Fun),
    probe_capture:text(Reason).
