%% Match specifications: what their judges say of one, what the parse transform makes of a text,
%% what the shell's evaluator makes of a line.
%% Knows the judges and ms_transform; knows nothing of any claim, and never judges itself.
-module(beam_ets_internals_specs).

-export([judged/2, translated/1, selected/3, shell/1]).

%% What ets:test_ms/2, erlang:match_spec_test/3 and ets:select/2 say of Spec.
-spec judged(ets:table(), term()) -> #{atom() => probe_lib:json()}.
judged(Table, Spec) ->
    Tested = answer(fun() -> ets:test_ms({1, 2}, Spec) end),
    {Class, Selected} = selected(Table, Spec),
    #{
        test_ms => element(1, Tested),
        message_text => messages(Tested),
        table_dialect => element(1, answer(fun() -> erlang:match_spec_test({1, 2}, Spec, table) end)),
        trace_dialect => element(1, answer(fun() -> erlang:match_spec_test([1, 2], Spec, trace) end)),
        select => Class,
        selected_text => probe_capture:text(Selected)
    }.

%% A judge that raises says {badarg, raised} or the like.
answer(Judge) ->
    try
        Judge()
    catch
        error:Reason -> {Reason, raised}
    end.

messages({error, Errors}) -> probe_capture:chars([Text || {error, Text} <- Errors]);
messages(_) -> <<>>.

selected(Table, Spec) ->
    try
        {ok, ets:select(Table, Spec)}
    catch
        error:Reason -> {Reason, none}
    end.

%% The parse transform over a function f/1 of module m, with argument X and the body Text.
-spec translated(string()) -> #{atom() => probe_lib:json()}.
translated(Text) ->
    case transformed(Text) of
        {error, [{_, [{_, Module, Reason} | _]} | _], _} ->
            #{outcome => refused, message_text => probe_capture:chars(Module:format_error(Reason))};
        {warning, Output, [{_, [{_, Module, Reason} | _]} | _]} ->
            Warning = probe_capture:chars(Module:format_error(Reason)),
            #{outcome => warned, message_text => Warning, source_text => source(Output)};
        Output ->
            #{outcome => translated, source_text => source(Output)}
    end.

transformed(Text) ->
    Forms = [form(Source) || Source <- ["-module(m).", "f(X) -> " ++ Text ++ "."]],
    ms_transform:parse_transform([{attribute, 1, file, {"m.erl", 1}} | Forms], []).

form(Source) ->
    {ok, Tokens, _} = erl_scan:string(Source),
    {ok, Form} = erl_parse:parse_form(Tokens),
    Form.

source(Forms) ->
    probe_capture:chars(erl_pp:exprs(body(Forms), [{linewidth, 500}])).

body({warning, Forms, _}) ->
    body(Forms);
body(Forms) ->
    [Body] = [Body || {function, _, f, 1, [{clause, _, _, _, Body}]} <- Forms],
    Body.

%% What a table of Objects answers to select/2 with the specification that the parse transform makes
%% of Text, evaluated with X bound to Value.
-spec selected(string(), term(), [tuple()]) -> binary().
selected(Text, Value, Objects) ->
    Body = body(transformed(Text)),
    {value, Spec, _} = erl_eval:exprs(Body, erl_eval:add_binding('X', Value, erl_eval:new_bindings())),
    beam_ets_internals_tables:with_table([ordered_set], fun(Table) ->
        _ = beam_ets_internals_tables:filled(Table, Objects),
        probe_capture:text(ets:select(Table, Spec))
    end).

%% Evaluate a line as the shell does: the evaluator's funs carry their own source.
-spec shell(string()) -> binary().
shell(Line) ->
    {ok, Tokens, _} = erl_scan:string(Line),
    {ok, Expressions} = erl_parse:parse_exprs(Tokens),
    probe_capture:outcome(fun() ->
        {value, Value, _} = erl_eval:exprs(Expressions, erl_eval:new_bindings()),
        Value
    end).
