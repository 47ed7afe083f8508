%% Match specifications: what their judges say of one, what the parse transform makes of a text,
%% what the shell's evaluator makes of a line.
%% Knows the judges and ms_transform; knows nothing of any claim, and never judges itself.
-module(beam_ets_internals_specs).

-export([judged/2, translated/1, shell/1]).

%% What ets:test_ms/2, erlang:match_spec_test/3 and ets:select/2 say of Spec.
-spec judged(ets:table(), term()) -> #{atom() => probe_lib:json()}.
judged(Table, Spec) ->
    Tested = ets:test_ms({1, 2}, Spec),
    #{
        test_ms => element(1, Tested),
        message_text => messages(Tested),
        table_dialect => element(1, erlang:match_spec_test({1, 2}, Spec, table)),
        trace_dialect => element(1, erlang:match_spec_test([1, 2], Spec, trace)),
        select => select_class(Table, Spec)
    }.

messages({error, Errors}) -> probe_capture:chars([Text || {error, Text} <- Errors]);
messages({ok, _}) -> <<>>.

select_class(Table, Spec) ->
    try ets:select(Table, Spec) of
        _ -> ok
    catch
        error:Reason -> Reason
    end.

%% The parse transform over a function f/1 of module m, with argument X and the body Text.
-spec translated(string()) -> #{atom() => probe_lib:json()}.
translated(Text) ->
    Forms = [form(Source) || Source <- ["-module(m).", "f(X) -> " ++ Text ++ "."]],
    case ms_transform:parse_transform([{attribute, 1, file, {"m.erl", 1}} | Forms], []) of
        {error, [{_, [{_, Module, Reason} | _]} | _], _} ->
            #{outcome => refused, message_text => probe_capture:chars(Module:format_error(Reason))};
        {warning, Output, [{_, [{_, Module, Reason} | _]} | _]} ->
            Warning = probe_capture:chars(Module:format_error(Reason)),
            #{outcome => warned, message_text => Warning, source_text => source(Output)};
        Output ->
            #{outcome => translated, source_text => source(Output)}
    end.

form(Source) ->
    {ok, Tokens, _} = erl_scan:string(Source),
    {ok, Form} = erl_parse:parse_form(Tokens),
    Form.

source(Forms) ->
    [Body] = [Body || {function, _, f, 1, [{clause, _, _, _, Body}]} <- Forms],
    probe_capture:chars(erl_pp:exprs(Body, [{linewidth, 500}])).

%% Evaluate a line as the shell does: the evaluator's funs carry their own source.
-spec shell(string()) -> binary().
shell(Line) ->
    {ok, Tokens, _} = erl_scan:string(Line),
    {ok, Expressions} = erl_parse:parse_exprs(Tokens),
    probe_capture:outcome(fun() ->
        {value, Value, _} = erl_eval:exprs(Expressions, erl_eval:new_bindings()),
        Value
    end).
