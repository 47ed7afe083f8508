%% Serves the judge of an escript to a test: a term a line, its answer as JSON a line.
-module(judging).

-export([main/0]).

main() ->
    ok = io:setopts([{encoding, unicode}]),
    loop(#{}).

loop(Known) ->
    case io:get_line("") of
        eof ->
            halt();
        Line ->
            {ok, Tokens, _} = erl_scan:string(Line),
            {ok, Term} = erl_parse:parse_term(Tokens),
            {Answer, Next} = answer(Term, Known),
            <<"{\"value\":", Json/binary>> = probe_evidence:returned(Answer),
            io:format("~ts~n", [binary:part(Json, 0, byte_size(Json) - 1)]),
            loop(Next)
    end.

answer({keep, Name, Value}, Known) ->
    {ok, Known#{Name => Value}};
answer({judge, Claim, Version, Samples}, Known) ->
    Own = maps:get(Claim, Known, Claim),
    Taken = [{Kind, maps:get(Value, Known, Value)} || {Kind, Value} <- Samples],
    #{verdict := Verdict, checks := Checks, rivals := Rivals} =
        Finding = repro_judge:judge(Own, Version, Taken),
    Told = #{
        verdict => Verdict,
        checks => [Holds || #{holds := Holds} <- Checks],
        rivals => [[Holds || #{holds := Holds} <- Of] || #{checks := Of} <- Rivals],
        more => repro_judge:wants_more(Own, {Finding, Taken})
    },
    {Told, Known};
answer({evaluate, Pattern, Value}, Known) ->
    {Holds, _} = repro_predicates:evaluate(Pattern, Value),
    {Holds, Known};
answer({decide, Leaf, Low, High}, Known) ->
    {repro_predicates:decide(Leaf, Low, High), Known};
answer({matches, Range, Version}, Known) ->
    {repro_versions:matches(Range, Version), Known};
answer({again, Value}, Known) ->
    {maps:get(<<"value">>, repro_json:decode(probe_evidence:returned(Value))), Known}.
