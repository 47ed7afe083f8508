%% JSON as probe_evidence writes it, read back: text is a binary, objects are maps.
-module(repro_json).

-export([decode/1]).

-spec decode(binary()) -> repro_predicates:json().
decode(Text) ->
    {Value, <<>>} = value(Text),
    Value.

value(<<"true", Rest/binary>>) -> {true, Rest};
value(<<"false", Rest/binary>>) -> {false, Rest};
value(<<"null", Rest/binary>>) -> {null, Rest};
value(<<$", Rest/binary>>) -> text(Rest, []);
value(<<$[, $], Rest/binary>>) -> {[], Rest};
value(<<$[, Rest/binary>>) -> elements(Rest, []);
value(<<${, $}, Rest/binary>>) -> {#{}, Rest};
value(<<${, Rest/binary>>) -> members(Rest, #{});
value(Rest) -> number(Rest, 0).

elements(Text, Done) ->
    case value(Text) of
        {Value, <<$,, Rest/binary>>} -> elements(Rest, [Value | Done]);
        {Value, <<$], Rest/binary>>} -> {lists:reverse(Done, [Value]), Rest}
    end.

members(<<$", Text/binary>>, Done) ->
    {Key, <<$:, After/binary>>} = text(Text, []),
    case value(After) of
        {Value, <<$,, Rest/binary>>} -> members(Rest, Done#{Key => Value});
        {Value, <<$}, Rest/binary>>} -> {Done#{Key => Value}, Rest}
    end.

text(<<$", Rest/binary>>, Done) ->
    {iolist_to_binary(lists:reverse(Done)), Rest};
text(<<"\\u", Hex:4/binary, Rest/binary>>, Done) ->
    text(Rest, [<<(binary_to_integer(Hex, 16))/utf8>> | Done]);
text(<<$\\, C, Rest/binary>>, Done) ->
    text(Rest, [C | Done]);
text(<<C, Rest/binary>>, Done) ->
    text(Rest, [C | Done]).

number(Text, Size) ->
    case Text of
        <<_:Size/binary, C, _/binary>> when C >= $0, C =< $9; C =:= $-; C =:= $+; C =:= $.; C =:= $e ->
            number(Text, Size + 1);
        <<Digits:Size/binary, Rest/binary>> ->
            case binary:match(Digits, <<".">>) of
                nomatch -> {binary_to_integer(Digits), Rest};
                _ -> {binary_to_float(Digits), Rest}
            end
    end.
