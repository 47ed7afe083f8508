%% Tools of the applications observer and debugger on a VM without a screen, for a peer; called by
%% name, as many VMs lack them. Knows nothing of any claim.
-module(beam_observability_debugging_screens).

-export([observers/0, stepped/1]).

-define(DEADLINE_MS, 10_000).
-define(SUBJECT, "beam_observability_debugging_stepped").
-define(SILENCE_MS, 100).

%% What the two tools with windows answer or raise, whether the first runs on, and whether the one that prints
%% text prints.
-spec observers() -> probe_lib:evidence().
observers() ->
    Windows = #{
        observer => started(fun() -> called(observer, start, []) end),
        viewer => started(fun() -> called(crashdump_viewer, start, []) end)
    },
    #{settled := Gone} = probe_lib:until(fun() -> whereis(observer) =:= undefined end, ?DEADLINE_MS),
    Windows#{observer_runs => not Gone, etop_prints => etop_prints()}.

started(Start) ->
    try Start() of
        {error, _} -> <<"error">>;
        Other -> probe_capture:text(Other)
    catch
        error:_ -> <<"error">>
    end.

%% etop runs in the process that starts it, until it is stopped from another.
etop_prints() ->
    Self = self(),
    Printer = spawn(fun() -> printer(Self) end),
    Runner = spawn(fun() ->
        group_leader(Printer, self()),
        called(etop, start, [[{output, text}, {interval, 1}, {lines, 3}]])
    end),
    Prints =
        receive
            {printed, Printer} -> true
        after ?DEADLINE_MS -> false
        end,
    _ = called(etop, stop, []),
    _ = probe_lib:kill_all([Runner, Printer]),
    Prints.

printer(Listener) ->
    receive
        {io_request, From, As, Request} ->
            _ = element(1, Request) =:= put_chars andalso (Listener ! {printed, self()}),
            From ! {io_reply, As, ok},
            printer(Listener)
    end.

%% Interpret a module written into Folder, set a breakpoint, call the function and let it go on.
-spec stepped(file:filename()) -> probe_lib:evidence().
stepped(Folder) ->
    Source = filename:join(Folder, ?SUBJECT ++ ".erl"),
    Text = ["-module(", ?SUBJECT, ").\n-export([f/1]).\nf(X) ->\n    Y = X + 1,\n    Y * 2.\n"],
    ok = file:write_file(Source, Text),
    {ok, Module, Beam} = compile:file(Source, [binary, debug_info]),
    ok = file:write_file(filename:join(Folder, ?SUBJECT ++ ".beam"), Beam),
    true = code:add_patha(Folder),
    {module, Module} = called(int, i, [Source]),
    ok = called(int, break, [Module, 4]),
    Self = self(),
    Pid = spawn(fun() -> Self ! {answer, Module:f(3)} end),
    probe_lib:await(fun() -> stopped(Pid) =/= none end, ?DEADLINE_MS),
    Stopped = stopped(Pid),
    Early = answer(?SILENCE_MS),
    ok = called(int, continue, [Pid]),
    #{stopped_at => Stopped, answer_stopped => Early, answer_continued => answer(?DEADLINE_MS)}.

stopped(Pid) ->
    case [Where || {Stopped, _, break, Where} <- called(int, snapshot, []), Stopped =:= Pid] of
        [{_, Line}] -> probe_capture:text("line ~b", [Line]);
        [] -> none
    end.

answer(TimeoutMs) ->
    receive
        {answer, Value} -> probe_capture:text(Value)
    after TimeoutMs -> <<"none">>
    end.

%% So that a VM without the module is no mistake of this one.
called(Module, Function, Args) ->
    apply(Module, Function, Args).
