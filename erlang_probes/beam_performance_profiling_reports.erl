%% What profilers report of several processes, and what their percentages are shares of; run in a peer.
%% Knows how to read reports; knows nothing of any claim, and never judges.
-module(beam_performance_profiling_reports).

-export([company/1, shares/1]).

-define(WORK, beam_performance_profiling_work).
-define(TOOLS, beam_performance_profiling_tools).
%% Not written out, as releases before the one that brought it have no such module.
-define(TPROF, list_to_atom("tprof")).

%%% Company

%% Code that has a child and a grandchild, beside a process that was there before and is asked to
%% work meanwhile: the calls of each that a profiler tells.
-spec company(file:filename()) -> probe_lib:evidence().
company(Folder) ->
    probe_lib:with_process([], fun(Bystander) ->
        Fun = fun() ->
            ok = ?WORK:quick(),
            ok = ?WORK:family(99),
            probe_lib:ask(Bystander, fun(_) -> {?WORK:bystander(499), none} end)
        end,
        Told = [{Tool, ?TOOLS:under(Tool, Fun, Folder)} || Tool <- ?TOOLS:tools()],
        Apart = [{Tool, alone(Tool, Fun, Folder)} || Tool <- [eprof | ?TOOLS:tools()], takes_spawn(Tool)],
        #{
            tools => ?TOOLS:tools(),
            told_count => maps:from_list([{Tool, told(Rows)} || {Tool, Rows} <- Told]),
            without_set_on_spawn_count => maps:from_list([{Tool, told(Rows)} || {Tool, Rows} <- Apart])
        }
    end).

told(Rows) ->
    maps:from_list([
        {Name, maps:get(calls_count, maps:get(Name, Rows, #{}), 0)}
     || Name <- [quick, child, bystander]
    ]).

takes_spawn(Tool) -> lists:member(Tool, [eprof, call_count, call_time]).

%% As under/3, without following what is spawned.
alone(eprof, Fun, Folder) ->
    {ok, _} = eprof:profile([], Fun, {?WORK, '_', '_'}, []),
    Rows = ?TOOLS:eprof_rows(?TOOLS:printed_by_eprof(total, Folder)),
    stopped = eprof:stop(),
    Rows;
alone(Type, Fun, _) ->
    maps:from_list([
        {Name, #{calls_count => lists:sum([Calls || {_, Calls, _} <- Each])}}
     || {?WORK, Name, _, Each} <- ?TOOLS:measured_by_tprof(Type, Fun, #{set_on_spawn => false})
    ]).

%%% Shares

%% What the percentages of eprof and tprof are shares of: two processes of unequal work.
-spec shares(file:filename()) -> probe_lib:evidence().
shares(Folder) ->
    Fun = fun() ->
        _ = ?WORK:outer(18),
        ?WORK:family(10_000)
    end,
    Lines = ?TOOLS:printed_by_eprof(Fun, [total, procs, {total, [{filter, [{calls, 10_000}]}]}], Folder),
    {Total, Rest} = lists:splitwith(fun(Line) -> not is_total(Line) end, Lines),
    [TotalLine | More] = Rest,
    Processes = processes(More),
    #{
        tools => ?TOOLS:tools(),
        eprof => in_total(?TOOLS:eprof_rows(Total), total_us(TotalLine)),
        eprof_processes => Processes,
        eprof_headlines_percent => lists:sum([P || #{headline_percent := P} <- Processes]),
        eprof_filtered => filtered(More),
        eprof_alone => only_fib(Folder),
        eprof_told_to_elapsed_ratio => told_to_elapsed(Folder),
        tprof_call_time => tprof_shares(call_time, Fun),
        tprof_call_count => tprof_shares(call_count, Fun)
    }.

in_total(#{fib := #{percent := FibPercent}} = Rows, TotalUs) ->
    #{time_us := SummedUs} = Summed = summed(maps:values(Rows)),
    Summed#{
        fib_percent => FibPercent,
        total_line_to_sum_ratio => TotalUs / SummedUs
    }.

is_total(Line) ->
    binary:match(Line, <<"Total:">>) =/= nomatch.

total_us(Line) ->
    [Us] = numbers(Line, "Total:\\s+\\d+\\s+100.00%\\s+(\\d+)"),
    Us.

%% Sums of rows; and by how much a percentage is ever apart from its share of the summed times.
summed(Rows) ->
    TotalUs = lists:sum([Us || #{time_us := Us} <- Rows]),
    #{
        rows_count => length(Rows),
        time_us => TotalUs,
        percent_sum => lists:sum([Percent || #{percent := Percent} <- Rows]),
        most_apart_percent => lists:max([
            abs(Percent - 100.0 * Us / max(1, TotalUs))
         || #{percent := Percent, time_us := Us} <- Rows
        ])
    }.

%% Each process of the report by processes: the share in its headline, and the sums of its rows.
processes(Lines) ->
    Header = fun(Line) -> binary:match(Line, <<"% of profiled time">>) =/= nomatch end,
    case lists:dropwhile(fun(Line) -> not Header(Line) end, Lines) of
        [] ->
            [];
        [Head | Rest] ->
            [Share] = numbers(Head, "-- ([0-9.]+) % of profiled"),
            {Own, More} = lists:splitwith(fun(Line) -> not is_total(Line) end, Rest),
            Rows = maps:values(?TOOLS:eprof_rows(Own)),
            [maps:put(headline_percent, Share, summed(Rows)) | processes(More)]
    end.

%% What a filter leaves of the report on all, and its last line.
filtered(Lines) ->
    [_, Total | Reversed] = lists:reverse(Lines),
    {Own, _} = lists:splitwith(fun(Line) -> not is_total(Line) end, Reversed),
    Rows = maps:values(?TOOLS:eprof_rows(Own)),
    #{
        rows_count => length(Rows),
        percent_sum => lists:sum([Percent || #{percent := Percent} <- Rows]),
        last_line_says_100 => binary:match(Total, <<" 100.00% ">>) =/= nomatch
    }.

%% The largest of five: what keeps the process from running may add to the time that passes alone.
told_to_elapsed(Folder) ->
    lists:max([
        ToldUs / Us
     || _ <- lists:seq(1, 5), #{time_us := ToldUs, elapsed_us := Us} <- [only_fib(Folder)]
    ]).

%% The same fib, once as the only function that is looked at; and the time that passed meanwhile, by
%% the clock of the profiled process.
only_fib(Folder) ->
    {ok, Us} = eprof:profile(
        [], fun() -> probe_measure:elapsed_us(fun() -> ?WORK:outer(18) end) end, {?WORK, fib, 1}
    ),
    #{fib := Row} = ?TOOLS:eprof_rows(?TOOLS:printed_by_eprof(total, Folder)),
    stopped = eprof:stop(),
    Row#{elapsed_us => Us}.

%% Where there is no tprof there are no sums.
tprof_shares(Type, Fun) ->
    case ?TOOLS:exists(?TPROF) of
        true ->
            Info = {Type, ?TOOLS:measured_by_tprof(Type, Fun, #{})},
            #{by_process_percent => sums(Info, process), in_total_percent => sums(Info, total)};
        false ->
            #{by_process_percent => [], in_total_percent => []}
    end.

sums(Info, By) ->
    [
        lists:sum([Percent || {_, _, _, _, _, Percent} <- Rows])
     || {_, _, Rows} <- maps:values(apply(?TPROF, inspect, [Info, By, measurement]))
    ].

%% What an expression captures of a line, as numbers.
numbers(Line, Expression) ->
    {match, Captured} = re:run(Line, Expression, [{capture, all_but_first, list}]),
    [number(Text) || Text <- Captured].

number(Text) ->
    case string:to_float(Text) of
        {error, no_float} -> list_to_integer(Text);
        {Float, _} -> Float
    end.
