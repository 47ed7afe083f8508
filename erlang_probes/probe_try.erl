%% Evaluates expressions that arrive as text, one after the other: what each gave, printed and plain.
%% Knows how to scan, lint and evaluate (all in stdlib: no compiler is needed); knows nothing of any
%% claim.
%%
%% One process evaluates, so that bindings, messages and what is linked are there for the next
%% expression. A second one is its group leader: it writes what is printed to descriptor 2 at once,
%% where it outlives a VM that ends, and keeps the bindings of an evaluator that is killed.
-module(probe_try).

-export([evaluate/3]).

-ignore_xref([{evaluate, 3}]).

%% So many processes are not looked through.
-define(MANY, 10_000).

-type outcome() :: #{kind := value | raised | refused | overdue, atom() => term()}.

%% Evaluate one expression, or several that commas separate, within a deadline; what it printed is
%% followed by Mark. Of a value's text no more is returned than Chars characters, and a checksum of
%% the whole where that cuts it.
-spec evaluate(binary(), #{deadline_ms := pos_integer(), chars := pos_integer()}, binary()) ->
    outcome().
evaluate(Text, Options, Mark) ->
    Leader = leader(),
    Ref = erlang:monitor(process, Leader),
    Leader ! {?MODULE, evaluate, self(), Ref, {Text, Options}},
    receive
        {Ref, Evaluator} ->
            Outcome = awaited(Evaluator, Ref, Options),
            ok = logged(Leader),
            Leader ! {?MODULE, mark, self(), Ref, Mark},
            receive
                {Ref, marked} -> ok;
                {'DOWN', Ref, process, _, _} -> ok
            end,
            erlang:demonitor(Ref, [flush]),
            Outcome;
        {'DOWN', Ref, process, _, Reason} ->
            raised(exit, Reason, [], Options)
    end.

awaited(Evaluator, Ref, #{deadline_ms := Deadline} = Options) ->
    Down = erlang:monitor(process, Evaluator),
    receive
        {Ref, outcome, Outcome} ->
            erlang:demonitor(Down, [flush]),
            Outcome;
        {'DOWN', Down, process, _, Reason} ->
            raised(exit, Reason, [], Options)
    after Deadline ->
        Stack = process_info(Evaluator, current_stacktrace),
        exit(Evaluator, kill),
        #{kind => overdue, stack => stack(Stack)}
    end.

%% Errors of processes reach the handlers of logger through a process of logger's own, and the
%% default handler writes in one; wait a moment for processes just started and for what is on its way.
logged(Leader) ->
    ok = rested(Leader, 20),
    ok = logged(erlang:system_info(system_logger), 20),
    {Pid, Ref} = spawn_monitor(logger_std_h, filesync, [default]),
    receive
        {'DOWN', Ref, process, Pid, _} -> ok
    after 100 ->
        true = exit(Pid, kill),
        ok
    end.

rested(Leader, Left) ->
    case Left > 0 andalso erlang:system_info(process_count) < ?MANY andalso is_busy(Leader) of
        true ->
            timer:sleep(1),
            rested(Leader, Left - 1);
        false ->
            ok
    end.

is_busy(Leader) ->
    lists:any(
        fun(Pid) ->
            case process_info(Pid, [group_leader, status]) of
                [{_, Leader}, {_, Status}] -> Status =:= runnable orelse Status =:= running;
                _ -> false
            end
        end,
        processes()
    ).

logged(Logger, Left) when is_pid(Logger), Left > 0 ->
    case process_info(Logger, message_queue_len) of
        {message_queue_len, Some} when Some > 0 ->
            timer:sleep(1),
            logged(Logger, Left - 1);
        _ ->
            ok
    end;
logged(_, _) ->
    ok.

%% --- The group leader -----------------------------------------------------------------------

leader() ->
    case whereis(?MODULE) of
        undefined ->
            Self = self(),
            {Pid, Ref} = spawn_monitor(fun() -> lead(Self) end),
            receive
                {Pid, ready} ->
                    erlang:demonitor(Ref, [flush]),
                    Pid;
                {'DOWN', Ref, process, Pid, Reason} ->
                    error({setup, Reason})
            end;
        Pid ->
            Pid
    end.

lead(Starter) ->
    true = register(?MODULE, self()),
    Port = open_port({fd, 2, 2}, [out, binary]),
    Starter ! {self(), ready},
    lead(Port, none, erl_eval:new_bindings()).

lead(Port, Evaluator, Bindings) ->
    receive
        {io_request, From, As, Request} ->
            From ! {io_reply, As, io(Request, Port)},
            lead(Port, Evaluator, Bindings);
        {?MODULE, evaluate, From, Ref, Asked} ->
            Pid = evaluator(Evaluator, Bindings),
            From ! {Ref, Pid},
            Pid ! {?MODULE, evaluate, From, Ref, Asked},
            lead(Port, Pid, Bindings);
        {?MODULE, bound, Evaluator, New} ->
            lead(Port, Evaluator, New);
        {?MODULE, mark, From, Ref, Mark} ->
            _ = write(Port, Mark),
            From ! {Ref, marked},
            lead(Port, Evaluator, Bindings);
        _ ->
            lead(Port, Evaluator, Bindings)
    end.

evaluator(none, Bindings) ->
    Leader = self(),
    spawn(fun() ->
        group_leader(Leader, self()),
        evaluate_next(Leader, Bindings)
    end);
evaluator(Pid, Bindings) ->
    case is_process_alive(Pid) of
        true -> Pid;
        false -> evaluator(none, Bindings)
    end.

%% The io protocol. There is nothing to read.
io({put_chars, Encoding, Chars}, Port) ->
    case unicode:characters_to_binary(Chars, Encoding) of
        <<Text/binary>> -> write(Port, Text);
        _ -> {error, {no_translation, Encoding, unicode}}
    end;
io({put_chars, Encoding, M, F, Args}, Port) ->
    try apply(M, F, Args) of
        Chars -> io({put_chars, Encoding, Chars}, Port)
    catch
        _:_ -> {error, F}
    end;
io({put_chars, Chars}, Port) ->
    io({put_chars, latin1, Chars}, Port);
io({put_chars, M, F, Args}, Port) ->
    io({put_chars, latin1, M, F, Args}, Port);
io({requests, Requests}, Port) ->
    lists:foldl(fun(Request, _) -> io(Request, Port) end, ok, Requests);
io(getopts, _) ->
    [{binary, false}, {encoding, unicode}];
io({setopts, _}, _) ->
    ok;
io({get_geometry, _}, _) ->
    {error, enotsup};
io(Request, _) when is_tuple(Request) ->
    case atom_to_list(element(1, Request)) of
        "get_" ++ _ -> eof;
        _ -> {error, request}
    end;
io(_, _) ->
    {error, request}.

write(Port, Text) ->
    try
        true = port_command(Port, Text),
        ok
    catch
        error:badarg -> {error, terminated}
    end.

%% --- The evaluator ---------------------------------------------------------------------------

evaluate_next(Leader, Bindings) ->
    receive
        {?MODULE, evaluate, From, Ref, {Text, Options}} ->
            {Outcome, New} = outcome(Text, Bindings, Options),
            Leader ! {?MODULE, bound, self(), New},
            From ! {Ref, outcome, Outcome},
            evaluate_next(Leader, New)
    end.

outcome(Text, Bindings, Options) ->
    case read(Text, Bindings) of
        {ok, Forms, Warnings} ->
            {Outcome, New} = evaluated(Forms, Bindings, Options),
            {Outcome#{warnings => Warnings}, New};
        {error, Errors} ->
            {#{kind => refused, errors => Errors}, Bindings}
    end.

evaluated(Forms, Bindings, Options) ->
    Start = erlang:monotonic_time(),
    try erl_eval:exprs(Forms, Bindings, {value, fun undefined/2}) of
        {value, Value, New} ->
            Stop = erlang:monotonic_time(),
            Us = erlang:convert_time_unit(Stop - Start, native, microsecond),
            {(value(Value, Options))#{elapsed_us => Us}, New}
    catch
        Class:Reason:Stack -> {raised(Class, Reason, Stack, Options), Bindings}
    end.

%% There are no local functions.
-spec undefined(atom(), [term()]) -> no_return().
undefined(Name, Args) ->
    erlang:raise(error, undef, [{'', Name, Args, []}]).

read(Text, Bindings) ->
    case erl_scan:string(unicode:characters_to_list(Text), {1, 1}) of
        {ok, Tokens, End} ->
            case erl_parse:parse_exprs(Tokens ++ [{dot, End}]) of
                {ok, Forms} -> linted(Forms, erl_lint:exprs(Forms, erl_eval:bindings(Bindings)));
                {error, {End, _, _}} -> {error, [place(End, "it ends too early")]};
                {error, Info} -> {error, [place(Info)]}
            end;
        {error, Info, _} ->
            {error, [place(Info)]}
    end.

linted(Forms, {ok, Warnings}) -> {ok, Forms, places(Warnings)};
linted(_, {error, Errors, _}) -> {error, places(Errors)}.

places(Found) ->
    [place(Info) || {_, Infos} <- Found, Info <- Infos].

place({At, Module, What}) ->
    place(At, Module:format_error(What)).

place({Line, Column}, What) ->
    probe_evidence:text("~w:~w: ~ts", [Line, Column, What]);
place(At, What) ->
    probe_evidence:text("~w: ~ts", [At, What]).

%% --- What it gave ----------------------------------------------------------------------------

value(Value, #{chars := Chars}) ->
    (probe_print:printed(Value, Chars))#{kind => value, plain => plain(Value)}.

%% The value as evidence has it, as JSON; `none' where it has no room or no word for it.
plain(Value) ->
    case probe_evidence:returned(Value) of
        <<"{\"value\":", _/binary>> = Json when byte_size(Json) =< 65536 -> Json;
        _ -> none
    end.

raised(Class, Reason, Stack, #{chars := Chars}) ->
    (probe_print:printed(Reason, Chars))#{
        kind => raised,
        error_class => Class,
        stack => stack(Stack),
        notes => notes(Class, Reason, Stack)
    }.

stack({current_stacktrace, Stack}) -> stack(Stack);
stack(undefined) -> [];
stack(Stack) when is_list(Stack) -> [entry(Entry) || Entry <- Stack, not is_ours(Entry)];
stack(_) -> [].

is_ours({Module, _, _, _}) -> lists:member(Module, [erl_eval, ?MODULE]);
is_ours(_) -> false.

entry({Module, Function, Args, Where}) when is_list(Args) ->
    Printed = lists:join(", ", [probe_evidence:text("~0tp", [Arg]) || Arg <- Args]),
    short([module(Module), atom(Function), $(, Printed, $), where(Where)]);
entry({Module, Function, Arity, Where}) ->
    short([module(Module), atom(Function), $/, integer_to_list(Arity), where(Where)]);
entry(Other) ->
    probe_evidence:text(Other).

short(Chars) ->
    probe_evidence:text("~ts", [Chars]).

module('') -> "";
module(Module) -> [atom(Module), $:].

atom(Atom) -> io_lib:format("~0tp", [Atom]).

where(Where) ->
    case {proplists:get_value(file, Where), proplists:get_value(line, Where)} of
        {undefined, _} -> "";
        {File, Line} -> io_lib:format(" (~ts:~w)", [File, Line])
    end.

%% What the VM knows of the arguments of a function that raised.
notes(Class, Reason, Stack) ->
    try
        Text = unicode:characters_to_binary(erl_error:format_exception(Class, Reason, Stack)),
        [
            string:trim(Line, leading, " *")
         || Line <- binary:split(Text, <<"\n">>, [global]),
            binary:match(Line, <<"*** ">>) =/= nomatch
        ]
    catch
        _:_ -> []
    end.
