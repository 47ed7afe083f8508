%% Match specifications for tracing: what is taken, what is said of the others, what they make a
%% tool hear. Knows nothing of any claim.
-module(beam_observability_debugging_specs).

-export([tested/1, in_table/1, actions/0, silenced/0, stack_of_returns/1, cost/2, fun2ms/0]).

-include_lib("stdlib/include/ms_transform.hrl").

-define(TRACED, beam_observability_debugging_traced).
-define(TRACING, beam_observability_debugging_tracing).
-define(DEADLINE_MS, 5_000).

%%% What is valid

%% A specification by match_spec_test/3, with the arguments 3 and 7; and by trace_pattern/3, of a
%% function that nobody traces.
-spec tested(term()) -> probe_lib:evidence().
tested(Specification) ->
    {module, ?TRACED} = code:ensure_loaded(?TRACED),
    Tested = said(erlang:match_spec_test([3, 7], Specification, trace)),
    Set = probe_capture:outcome(fun() ->
        erlang:trace_pattern({?TRACED, two, 2}, Specification, [local])
    end),
    _ = ?TRACING:unset(),
    Tested#{pattern_outcome => Set}.

said({ok, Result, Flags, []}) ->
    #{result => probe_capture:text(Result), flags => Flags, message => <<"none">>};
said({error, Messages}) ->
    #{result => <<"refused">>, flags => [], message => hd([chars(Text) || {error, Text} <- Messages])}.

chars(Text) ->
    probe_capture:chars(Text).

%% A specification for tables, with the object {3, 7}, and what ets:select/2 makes of it.
-spec in_table(term()) -> probe_lib:evidence().
in_table(Specification) ->
    Table = ets:new(?MODULE, []),
    true = ets:insert(Table, {3, 7}),
    Tested = said(erlang:match_spec_test({3, 7}, Specification, table)),
    Selected = probe_capture:outcome(fun() -> ets:select(Table, Specification) end),
    true = ets:delete(Table),
    Tested#{select_outcome => Selected}.

%% What the transform of fun2ms makes of a fun, as text.
-spec fun2ms() -> binary().
fun2ms() ->
    probe_capture:text(dbg:fun2ms(fun([X, _]) when X > 2 -> return_trace() end)).

%%% What is heard

%% What a tool hears of a call that returns, of one that raises, and of one from a function of a
%% known name, by the body of the specification.
-spec actions() -> #{atom() => probe_lib:evidence()}.
actions() ->
    Bodies = #{
        none => [],
        return_trace => [{return_trace}],
        bare_atom => [return_trace],
        exception_trace => [{exception_trace}],
        message => [{message, {{'$1', hello}}}],
        caller => [{message, {caller}}],
        message_false => [{message, false}, {return_trace}]
    },
    maps:map(
        fun(_, Body) ->
            #{
                returning => heard(Body, fun() -> ?TRACED:plus_one(1) end),
                raising => heard(Body, fun() -> catch_all(fun() -> ?TRACED:fails(1) end) end),
                called_by_outer => heard(Body, fun() -> ?TRACED:outer(1) end)
            }
        end,
        Bodies
    ).

heard(Body, Fun) ->
    ?TRACING:with_cast(fun(#{tool := Tool, subject := Subject}) ->
        <<"1">> = ?TRACING:trace(Tool, Subject, true),
        [
            1 = erlang:trace_pattern({?TRACED, Name, 1}, [{['$1'], [], Body}], [local])
         || Name <- [plus_one, fails]
        ],
        _ = probe_lib:ask(Subject, fun(S) -> {Fun(), S} end),
        ?TRACING:heard(Tool, Subject)
    end, [tool, subject]).

catch_all(Fun) ->
    try
        Fun()
    catch
        _:_ -> raised
    end.

%% Calls with 1 to 5, where 2 silences the process and 4 lets it speak again; with and without.
-spec silenced() -> probe_lib:evidence().
silenced() ->
    Silencing = [{[2], [], [{silent, true}]}, {[4], [], [{silent, false}]}, {'_', [], []}],
    #{silencing => five_calls(Silencing), plain => five_calls([{'_', [], []}])}.

five_calls(Specification) ->
    ?TRACING:with_cast(fun(#{tool := Tool, subject := Subject}) ->
        <<"1">> = ?TRACING:trace(Tool, Subject, true),
        <<"1">> = ?TRACING:pattern(Tool, Specification),
        Answers = probe_lib:ask(Subject, fun(S) ->
            {[?TRACED:plus_one(X) || X <- lists:seq(1, 5)], S}
        end),
        #{answers => Answers, heard => ?TRACING:heard(Tool, Subject)}
    end, [tool, subject]).

%%% What it costs

%% How many words of stack so many calls of a tail-recursive function stand on, by the body of the
%% specification and by the flags of the process.
-spec stack_of_returns([pos_integer()]) -> #{atom() => probe_lib:evidence()}.
stack_of_returns(Counts) ->
    Ways = #{
        plain_calls => {[], [call]},
        return_to => {[], [call, return_to]},
        return_trace => {[{return_trace}], [call]},
        exception_trace => {[{exception_trace}], [call]}
    },
    maps:map(
        fun(_, Way) ->
            Words = [stack_words(Count, Way) || Count <- Counts],
            #{stack_words => Words, words_per_call => slope(Counts, Words)}
        end,
        Ways
    ).

slope(Counts, Words) ->
    (lists:last(Words) - hd(Words)) / (lists:last(Counts) - hd(Counts)).

stack_words(Count, {Body, Flags}) ->
    ?TRACING:with_cast(fun(#{tool := Tool, subject := Subject}) ->
        1 = erlang:trace(Subject, true, [{tracer, Tool} | Flags]),
        1 = erlang:trace_pattern({?TRACED, down, 1}, [{'_', [], Body}], [local]),
        {stack_words, Words} = probe_lib:ask(Subject, fun(S) -> {?TRACED:down(Count), S} end),
        Calls = length([C || <<"call ", _/binary>> = C <- ?TRACING:heard(Tool, Subject)]),
        Calls =:= Count + 1 orelse error({setup, {heard, Calls, Count}}),
        Words
    end, [tool, subject]).

%% The microseconds that a process takes for so many calls of a function, as a median of rounds in
%% which every way has its turn: without a trace, with a pattern but without the flag, with a guard
%% that never holds, and with a message a call, which somebody takes and drops. And how many
%% messages came.
-spec cost(pos_integer(), pos_integer()) -> {#{atom() => float()}, #{atom() => non_neg_integer()}}.
cost(Rounds, Count) ->
    Ways = [
        {untraced, none, false},
        {pattern_only, true, false},
        {never_matching, [{['$1'], [{'<', '$1', 0}], []}], true},
        {messages, true, true}
    ],
    All = [{Name, timed(Count, Set, Flag)} || _ <- lists:seq(1, Rounds), {Name, Set, Flag} <- Ways],
    Of = fun(Name, Element) -> [element(Element, Got) || {Which, Got} <- All, Which =:= Name] end,
    Names = [Name || {Name, _, _} <- Ways],
    {
        maps:from_list([{Name, probe_measure:median(Of(Name, 1))} || Name <- Names]),
        maps:from_list([{Name, lists:sum(Of(Name, 2))} || Name <- Names])
    }.

timed(Count, Set, Flag) ->
    ?TRACING:with_cast(fun(#{subject := Subject}) ->
        {Dropper, Ref} = spawn_monitor(fun() -> drop(0) end),
        Flag andalso erlang:trace(Subject, true, [call, {tracer, Dropper}]),
        Set =:= none orelse erlang:trace_pattern({?TRACED, hot, 1}, Set, [local]),
        Us = probe_lib:ask(Subject, fun(S) ->
            {probe_measure:elapsed_us(fun() -> repeat(Count, 1) end), S}
        end),
        _ = ?TRACING:unset(),
        ok = probe_lib:delivered(Subject),
        Dropper ! stop,
        {dropped, Dropped} = probe_lib:gone(Ref, 4 * ?DEADLINE_MS),
        {Us, Dropped}
    end, [subject]).

repeat(0, Value) -> Value;
repeat(Count, Value) -> repeat(Count - 1, ?TRACED:hot(Value)).

drop(Count) ->
    receive
        stop -> exit({dropped, Count});
        {trace, _, call, _} -> drop(Count + 1)
    end.
