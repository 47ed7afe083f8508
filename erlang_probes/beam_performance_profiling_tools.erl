%% The profilers of OTP, run in a peer over known code, with what they print or return brought into
%% one form: rows by the name of a function of the work module.
%% Knows how each profiler is driven and read; knows nothing of any claim, and never judges.
-module(beam_performance_profiling_tools).

%% For a peer.
-export([known_code/1]).
%% For any VM.
-export([present/0]).
%% For other apparatus of these probes.
-export([
    tools/0,
    exists/1,
    under/3,
    measured_by_tprof/3,
    printed_by_eprof/2,
    printed_by_eprof/3,
    eprof_rows/1
]).

-export_type([tool/0, rows/0]).

-type tool() :: cprof | eprof | fprof | call_count | call_time | call_memory.
%% By function: `calls_count', and the tool's own measurement under a key with its unit.
-type rows() :: #{atom() => #{atom() => number()}}.

-define(WORK, beam_performance_profiling_work).
%% Not written out, as releases before the one that brought it have no such module.
-define(TPROF, list_to_atom("tprof")).

%% The profilers that this VM has; the types of tprof count as one each.
-spec tools() -> [tool()].
tools() ->
    [cprof, eprof, fprof] ++ [Type || Type <- [call_count, call_time, call_memory], exists(?TPROF)].

-spec exists(module()) -> boolean().
exists(Module) ->
    code:which(Module) =/= non_existing.

%% Which profilers the VM has, and which modules of OTP's tools have a word of tracing among their
%% atoms.
-spec present() -> probe_lib:evidence().
present() ->
    Modules = [cprof, eprof, fprof, ?TPROF, list_to_atom("recon_trace")],
    Folders = [code:lib_dir(Application) || Application <- [tools, runtime_tools, observer]],
    Beams = lists:append([
        filelib:wildcard(filename:join([Folder, "ebin", "*.beam"]))
     || Folder <- Folders, is_list(Folder)
    ]),
    #{
        present => maps:from_list([{Module, exists(Module)} || Module <- Modules]),
        naming => maps:from_list([
            {Word, naming(Word, Beams)}
         || Word <- [call_count, call_time, call_memory]
        ])
    }.

naming(Word, Beams) ->
    lists:sort([
        Module
     || Beam <- Beams,
        {ok, {Module, [{atoms, Atoms}]}} <- [beam_lib:chunks(Beam, [atoms])],
        lists:keymember(Word, 2, Atoms)
    ]).

%%% Known code

%% The known code under each profiler: its rows, and how long the nap took.
-spec known_code(file:filename()) -> probe_lib:evidence().
known_code(Folder) ->
    Rows = maps:from_list([{Tool, under(Tool, fun ?WORK:known/0, Folder)} || Tool <- tools()]),
    Rows#{
        tools => tools(),
        call_memory_names => lists:sort(maps:keys(maps:get(call_memory, Rows, #{}))),
        outer_to_fib_ratio => maps:from_list(outer_ratios(Rows)),
        slept_us => probe_measure:elapsed_us(fun() -> ?WORK:nap(300) end),
        cprof_text => maps:from_list([
            {Name, probe_capture:text(Row)}
         || {{_, Name, _}, _} = Row <- counted(fun ?WORK:known/0), lists:member(Name, [nap, quick])
        ])
    }.

%% What outer/1, which does next to nothing but call fib/1, is said to take, as a multiple of fib's.
outer_ratios(#{eprof := Eprof, fprof := Fprof}) ->
    Ratio = fun(#{outer := Outer, fib := Fib}, Key) ->
        maps:get(Key, Outer) / max(1, maps:get(Key, Fib))
    end,
    [
        {eprof_time, Ratio(Eprof, time_us)},
        {fprof_own, Ratio(Fprof, own_us)},
        {fprof_acc, Ratio(Fprof, acc_us)}
    ].

%% The rows of a profiler for what Fun does.
-spec under(tool(), fun(() -> term()), file:filename()) -> rows().
under(cprof, Fun, _) ->
    maps:from_list([{Name, #{calls_count => Calls}} || {{_, Name, _}, Calls} <- counted(Fun)]);
under(eprof, Fun, Folder) ->
    eprof_rows(printed_by_eprof(Fun, [total], Folder));
under(fprof, Fun, Folder) ->
    fprof_rows(Fun, Folder);
under(Type, Fun, _) ->
    maps:from_list([
        {Name, #{
            calls_count => lists:sum([Calls || {_, Calls, _} <- Each]),
            measure_key(Type) => lists:sum([Measured || {_, _, Measured} <- Each])
        }}
     || {?WORK, Name, _, Each} <- measured_by_tprof(Type, Fun, #{})
    ]).

measure_key(call_count) -> count;
measure_key(call_time) -> time_us;
measure_key(call_memory) -> words.

counted(Fun) ->
    _ = cprof:start(?WORK),
    _ = Fun(),
    _ = cprof:pause(?WORK),
    {?WORK, _, Rows} = cprof:analyse(?WORK),
    _ = cprof:stop(?WORK),
    Rows.

%% The lines that eprof prints of Fun, of all ways of analysing one after the other.
-spec printed_by_eprof(fun(() -> term()), [atom() | {atom(), list()}], file:filename()) ->
    [binary()].
printed_by_eprof(Fun, Analyses, Folder) ->
    {ok, _} = eprof:profile([], Fun, {?WORK, '_', '_'}),
    Lines = lists:append([printed_by_eprof(Analysis, Folder) || Analysis <- Analyses]),
    stopped = eprof:stop(),
    Lines.

%% The lines that eprof prints of what it has profiled.
-spec printed_by_eprof(atom() | {atom(), list()}, file:filename()) -> [binary()].
printed_by_eprof(Analysis, Folder) ->
    File = filename:join(Folder, "eprof.log"),
    ok = eprof:log(File),
    ok =
        case Analysis of
            {Type, Options} -> eprof:analyze(Type, Options);
            Type -> eprof:analyze(Type)
        end,
    {ok, Text} = file:read_file(File),
    binary:split(Text, <<"\n">>, [global]).

%% Rows of eprof by the name of a function of the work module.
-spec eprof_rows([binary()]) -> rows().
eprof_rows(Lines) ->
    maps:from_list([eprof_row(Line) || Line <- Lines, is_row(Line)]).

is_row(Line) ->
    binary:match(Line, atom_to_binary(?WORK, utf8)) =/= nomatch.

eprof_row(Line) ->
    {match, [Name | Figures]} = re:run(
        Line,
        "^\\S+:(\\S+)/\\d+\\s+(\\d+)\\s+([0-9.]+)\\s+(\\d+)\\s+\\[",
        [{capture, all_but_first, list}]
    ),
    [Calls, Percent, Time] = [number(Figure) || Figure <- Figures],
    {list_to_atom(Name), #{calls_count => Calls, percent => Percent, time_us => Time}}.

number(Text) ->
    case string:to_float(Text) of
        {error, no_float} -> list_to_integer(Text);
        {Float, _} -> Float
    end.

%% The rows of fprof, summed over processes, its times turned from milliseconds into microseconds.
fprof_rows(Fun, Folder) ->
    [Trace, Analysis] = [filename:join(Folder, Name) || Name <- ["fprof.trace", "fprof.analysis"]],
    _ = fprof:apply(Fun, [], [{file, Trace}]),
    ok = fprof:profile([{file, Trace}]),
    ok = fprof:analyse([{dest, Analysis}, {cols, 100}]),
    _ = fprof:stop(),
    {ok, Terms} = file:consult(Analysis),
    lists:foldl(fun add_row/2, #{}, [fprof_row(Mid) || {_, Mid, _} <- Terms]).

add_row({Name, Row}, Rows) ->
    Sum = fun(Key, Value) -> Value + maps:get(Key, maps:get(Name, Rows, #{}), 0) end,
    Rows#{Name => maps:map(Sum, Row)}.

fprof_row({{?WORK, Name, _}, Calls, Acc, Own}) -> {Name, fprof_measured(Calls, Acc, Own)};
fprof_row({{_, _, _}, Calls, Acc, Own}) -> {elsewhere, fprof_measured(Calls, Acc, Own)};
fprof_row({Pseudo, Calls, Acc, Own}) -> {Pseudo, fprof_measured(Calls, Acc, Own)}.

fprof_measured(Calls, Acc, Own) ->
    #{calls_count => Calls, acc_us => Acc * 1_000.0, own_us => Own * 1_000.0}.

%% What tprof measures of the work module while Fun runs, with more options than its type.
-spec measured_by_tprof(call_count | call_time | call_memory, fun(() -> term()), map()) ->
    [{module(), atom(), arity(), [{pid() | all, pos_integer(), non_neg_integer()}]}].
measured_by_tprof(Type, Fun, Options) ->
    {_, {Type, Info}} = apply(?TPROF, profile, [
        Fun, Options#{type => Type, report => return, pattern => {?WORK, '_', '_'}}
    ]),
    Info.
