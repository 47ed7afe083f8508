%% Whether evidence fulfils predictions: the same rules as beamproof's own, harness/claims/evaluation.py
%% and predicates.py there; a test holds the two against each other.
%% Knows predicates and plain values; knows nothing of any claim.
-module(repro_predicates).

-export([find/2, evaluate/2, conjunction/1, decide/3, is_numeric/1]).

-export_type([json/0, pattern/0, leaf/0, held/0, holds/0]).

%% What JSON says; text is a binary, keys of maps are text.
-type json() :: null | boolean() | number() | binary() | [json()] | #{binary() => json()}.
-type pattern() :: leaf() | {table, [{binary(), pattern()}]}.
-type leaf() :: [{Name :: atom(), Operand :: term()}].
-type holds() :: true | false | undecided.
-type held() :: {holds(), Note :: iodata()}.

-define(NUMERIC, [equals, not_equals, at_least, at_most, above, below, approx]).
-define(SAME, [equals, not_equals, one_of]).
-define(NO_KEY, {undecided, "the evidence has no such key"}).

%% What the evidence has at a path through its maps.
-spec find(json(), [binary()]) -> {found, json()} | missing.
find(Value, []) ->
    {found, Value};
find(Map, [Key | Path]) when is_map_key(Key, Map) ->
    find(maps:get(Key, Map), Path);
find(_, _) ->
    missing.

%% Whether one value fulfils a pattern; undecided where nothing was measured.
-spec evaluate(pattern(), {found, json()} | missing) -> held().
evaluate({table, _}, missing) ->
    ?NO_KEY;
evaluate({table, Entries}, {found, Map}) when is_map(Map) ->
    conjunction([evaluate(Pattern, find(Map, [Key])) || {Key, Pattern} <- Entries]);
evaluate({table, _}, {found, Value}) ->
    {false, ["found ", kind(Value), " instead of a map"]};
evaluate(Predicates, Found) ->
    conjunction([evaluate_one(Predicate, Found) || Predicate <- Predicates]).

%% The first that does not hold, else the first that is undecided, else that all hold.
-spec conjunction([held()]) -> held().
conjunction(Outcomes) ->
    case [Outcome || {false, _} = Outcome <- Outcomes] of
        [First | _] ->
            First;
        [] ->
            case [Outcome || {undecided, _} = Outcome <- Outcomes] of
                [First | _] -> First;
                [] -> {true, ""}
            end
    end.

%% Whether a number somewhere in [Low, High] fulfils a numeric leaf, wherever it lies.
-spec decide(leaf(), number(), number()) -> holds().
decide(Predicates, Low, High) ->
    Answers = [decide_one(Predicate, Low, High) || Predicate <- Predicates],
    case {lists:member(false, Answers), lists:member(undecided, Answers)} of
        {true, _} -> false;
        {false, true} -> undecided;
        {false, false} -> true
    end.

%% Whether all predicates of a leaf compare the value with numbers.
-spec is_numeric(leaf()) -> boolean().
is_numeric(Predicates) ->
    lists:all(fun has_numbers/1, Predicates).

has_numbers({Name, Operands}) when Name =:= one_of; Name =:= between ->
    lists:all(fun is_number/1, Operands);
has_numbers({approx, _}) ->
    true;
has_numbers({Name, Operand}) ->
    is_number(Operand) andalso lists:member(Name, ?NUMERIC).

evaluate_one({absent, Absent}, Found) ->
    {(Found =:= missing) =:= Absent, ""};
evaluate_one(_, missing) ->
    ?NO_KEY;
evaluate_one({length, Inner}, {found, Value}) ->
    case length_of(Value) of
        none -> {false, ["found ", kind(Value), ", which has no length"]};
        Length -> evaluate(Inner, {found, Length})
    end;
evaluate_one({all, _}, {found, []}) ->
    {undecided, "the list is empty: nothing was measured"};
evaluate_one({all, Inner}, {found, Values}) when is_list(Values) ->
    conjunction([evaluate(Inner, {found, Value}) || Value <- Values]);
evaluate_one({any, Inner}, {found, Values}) when is_list(Values) ->
    some([evaluate(Inner, {found, Value}) || Value <- Values], {false, ""});
evaluate_one({Name, _}, {found, Value}) when Name =:= all; Name =:= any ->
    {false, ["found ", kind(Value), " instead of a list"]};
evaluate_one({Name, _} = Predicate, {found, Value}) ->
    Numeric = has_numbers(Predicate) andalso is_number(Value),
    case Numeric andalso not lists:member(Name, ?SAME) of
        true -> {decide_one(Predicate, Value, Value), ""};
        false -> plain_or_text(Predicate, Value)
    end.

some([{true, _} = Holds | _], _) -> Holds;
some([{undecided, _} = Outcome | Rest], _) -> some(Rest, Outcome);
some([_ | Rest], Best) -> some(Rest, Best);
some([], Best) -> Best.

%% A list of characters is text that a probe forgot to make a binary of: it decides nothing where the
%% text would have been answered otherwise.
plain_or_text(Predicate, Value) ->
    Holds = plain(Predicate, Value),
    case about_text(Predicate) andalso text_of(Value) of
        false ->
            {Holds, ""};
        Text ->
            case plain(Predicate, Text) of
                Holds -> {Holds, ""};
                _ -> {undecided, ["a list of the characters of \"", Text, $"]}
            end
    end.

about_text({one_of, Choices}) -> lists:any(fun is_binary/1, Choices);
about_text({_, Operand}) -> is_binary(Operand).

text_of([_ | _] = Codes) ->
    lists:all(fun printable/1, Codes) andalso unicode:characters_to_binary(Codes);
text_of(_) ->
    false.

printable(C) when C =:= $\n; C =:= $\t -> true;
printable(C) when is_integer(C), C >= 32, C =< 126 -> true;
printable(C) when is_integer(C), C > 16#A0, C =< 16#10FFFF -> not lists:any(within(C), unprintable());
printable(_) -> false.

within(C) ->
    fun({First, Last}) -> First =< C andalso C =< Last end.

%% Formats, separators, surrogates, private use.
unprintable() ->
    [
        {16#AD, 16#AD}, {16#600, 16#605}, {16#61C, 16#61C}, {16#6DD, 16#6DD}, {16#70F, 16#70F},
        {16#1680, 16#1680}, {16#180E, 16#180E}, {16#2000, 16#200F}, {16#2028, 16#202F},
        {16#205F, 16#206F}, {16#3000, 16#3000}, {16#D800, 16#F8FF}, {16#FEFF, 16#FEFF},
        {16#FFF0, 16#FFFB}, {16#FFFE, 16#FFFF}, {16#E0000, 16#E0FFF}, {16#F0000, 16#10FFFF}
    ].

plain({equals, Operand}, Value) ->
    same(Value, Operand);
plain({not_equals, Operand}, Value) ->
    not same(Value, Operand);
plain({one_of, Choices}, Value) ->
    lists:any(fun(Choice) -> same(Value, Choice) end, Choices);
plain({contains, Operand}, Value) when is_binary(Value), is_binary(Operand) ->
    Operand =:= <<>> orelse binary:match(Value, Operand) =/= nomatch;
plain({contains, Operand}, Values) when is_list(Values) ->
    lists:any(fun(Value) -> same(Value, Operand) end, Values);
plain({matches, Regex}, Value) when is_binary(Value) ->
    fits(["\\A(?:", Regex, ")\\z"], Value);
plain({search, Regex}, Value) when is_binary(Value) ->
    fits(Regex, Value);
plain(_, _) ->
    false.

fits(Regex, Value) ->
    re:run(Value, Regex, [unicode, ucp, {capture, none}]) =:= match.

%% 64 equals 64.0, but true does not equal 1, nor 0.0 equal -0.0.
same(Left, Right) when is_float(Left), is_float(Right), Left == 0, Right == 0 ->
    <<Left/float>> =:= <<Right/float>>;
same(Left, Right) when is_number(Left), is_number(Right) ->
    Left == Right;
same([Left | Lefts], [Right | Rights]) ->
    same(Left, Right) andalso same(Lefts, Rights);
same(Left, Right) when is_map(Left), is_map(Right) ->
    map_size(Left) =:= map_size(Right) andalso
        lists:all(
            fun(Key) -> is_map_key(Key, Right) andalso same(maps:get(Key, Left), maps:get(Key, Right)) end,
            maps:keys(Left)
        );
same(Left, Right) ->
    Left =:= Right.

decide_one({one_of, Choices}, Low, High) ->
    case [Choice || Choice <- Choices, Low =< Choice, Choice =< High] of
        [] -> false;
        _ when Low == High -> true;
        _ -> undecided
    end;
decide_one({not_equals, Operand}, Low, High) ->
    case Low =< Operand andalso Operand =< High of
        false -> true;
        true when Low == High -> false;
        true -> undecided
    end;
decide_one(Predicate, Low, High) ->
    case bounds(Predicate, Low, High) of
        {true, _} -> false;
        {false, true} -> true;
        {false, false} -> undecided
    end.

%% Whether [Low, High] lies wholly outside the range of a predicate, and whether inside.
bounds({between, [Least, Most]}, Low, High) ->
    {High < Least orelse Low > Most, Least =< Low andalso High =< Most};
bounds({at_least, Operand}, Low, High) ->
    {High < Operand, Low >= Operand};
bounds({at_most, Operand}, Low, High) ->
    {Low > Operand, High =< Operand};
bounds({above, Operand}, Low, High) ->
    {High =< Operand, Low > Operand};
bounds({below, Operand}, Low, High) ->
    {Low >= Operand, High < Operand};
bounds({equals, Operand}, Low, High) ->
    {High < Operand orelse Low > Operand, Low == Operand andalso High == Operand};
bounds({approx, {Middle, Tolerance}}, Low, High) ->
    {M, T, L, H} = {ratio(Middle), ratio(Tolerance), ratio(Low), ratio(High)},
    {Least, Most} = {minus(M, T), minus(M, minus({0, 1}, T))},
    {less(H, Least) orelse less(Most, L), not less(L, Least) andalso not less(Most, H)}.

%% A number as a fraction, exactly: with fractions no integer is too large and no float rounded.
ratio(Integer) when is_integer(Integer) ->
    {Integer, 1};
ratio(Float) ->
    <<Sign:1, Exponent:11, Mantissa:52>> = <<Float/float>>,
    {Whole, Power} =
        case Exponent of
            0 -> {Mantissa, -1074};
            _ -> {Mantissa bor (1 bsl 52), Exponent - 1075}
        end,
    Signed = (1 - 2 * Sign) * Whole,
    case Power < 0 of
        true -> {Signed, 1 bsl -Power};
        false -> {Signed bsl Power, 1}
    end.

minus({A, B}, {C, D}) -> {A * D - C * B, B * D}.

less({A, B}, {C, D}) -> A * D < C * B.

length_of(List) when is_list(List) -> length(List);
length_of(Text) when is_binary(Text) -> length(unicode:characters_to_list(Text));
length_of(Map) when is_map(Map) -> map_size(Map);
length_of(_) -> none.

kind(Value) when is_number(Value) -> "a number";
kind(Value) when is_boolean(Value) -> "a boolean";
kind(Value) when is_binary(Value) -> "text";
kind(Value) when is_list(Value) -> "a list";
kind(Value) when is_map(Value) -> "a map";
kind(_) -> "nothing".
