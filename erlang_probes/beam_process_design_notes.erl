%% What the compiler says of receives, for the probes of beam-process-design. Knows nothing of any
%% claim.
-module(beam_process_design_notes).

-export([
    receive_source/0,
    compiler_notes/2,
    compiles/2
]).

%% A module for the compiler, one receive a function; `{N, Text}' by function name.
-spec receive_source() -> [{atom(), string()}].
receive_source() ->
    [
        {made_here,
            "made_here(P) -> R = make_ref(), P ! {self(), R}, receive {R, V} -> V end.\n"},
        {monitored_here,
            "monitored_here(P) -> R = monitor(process, P), P ! go,"
            " receive {'DOWN', R, _, _, V} -> V; {R, V} -> V end.\n"},
        {handed_over, "handed_over(P) -> R = make_ref(), P ! {self(), R}, await(R).\n"},
        {await, "await(R) -> receive {R, V} -> V end.\n"},
        {unknown, "unknown(R) -> receive {R, V} -> V end.\n"},
        {no_reference, "no_reference() -> receive {reply, V} -> V end.\n"},
        {half, "half(P) -> R = make_ref(), P ! R, receive {R, V} -> V; stop -> stop end.\n"}
    ].

%% What the compiler says of the module with these functions: the function, the kind of note and
%% its text. Each function stands on its own line, the first on the third.
-spec compiler_notes([{atom(), string()}], [term()]) -> [{atom(), atom(), binary()}].
compiler_notes(Sources, Options) ->
    Names = [Name || {Name, _} <- Sources],
    {ok, receives, _, Warnings} = compiled(Sources, Options),
    [
        noted(
            lists:nth(line(At) - 2, Names),
            probe_capture:chars(Module:format_error(Note))
        )
     || {_, Notes} <- Warnings, {At, Module, Note} <- Notes
    ].

%% Whether the compiler makes a module of these functions, with how many notes, or in which of its own
%% modules it fails.
-spec compiles([{atom(), string()}], [term()]) ->
    #{result := ok | error, failed_in := atom(), notes_count => non_neg_integer()}.
compiles(Sources, Options) ->
    case compiled(Sources, Options) of
        {ok, receives, _, Notes} ->
            Count = lists:sum([length(Of) || {_, Of} <- Notes]),
            #{result => ok, failed_in => none, notes_count => Count};
        {error, [{_, [{_, compile, {crash, Pass, _, _}} | _]} | _], _} ->
            #{result => error, failed_in => Pass};
        {error, [{_, [{_, compile, {crash, Pass, _}} | _]} | _], _} ->
            #{result => error, failed_in => Pass}
    end.

compiled(Sources, Options) ->
    Text = ["-module(receives).\n-compile(export_all).\n" | [Line || {_, Line} <- Sources]],
    {ok, Tokens, _} = erl_scan:string(lists:flatten(Text)),
    compile:forms(parsed(Tokens), [binary, return, nowarn_export_all | Options]).

parsed(Tokens) ->
    case lists:splitwith(fun(Token) -> element(1, Token) =/= dot end, Tokens) of
        {[], []} ->
            [];
        {Form, [Dot | Rest]} ->
            {ok, Parsed} = erl_parse:parse_form(Form ++ [Dot]),
            [Parsed | parsed(Rest)]
    end.

line({Line, _}) -> Line;
line(Line) -> Line.

noted(Name, <<"OPTIMIZED", _/binary>> = Text) -> {Name, optimized, Text};
noted(Name, <<"INFO", _/binary>> = Text) -> {Name, passed_on, Text};
noted(Name, <<"NOT OPTIMIZED", _/binary>> = Text) -> {Name, not_optimized, Text};
noted(Name, Text) -> {Name, other, Text}.
