%% Terms as text that can be compared: the keys of maps stand in order, so that equal terms give equal
%% text on every release, and however large a term is, printing it ends.
%% Knows terms; knows nothing of any claim.
-module(probe_print).

-export([printed/2, text/1]).

%% More characters say nothing that a claim could predict.
-define(MOST_CHARS, 4000).

%% What is longer is printed on several lines as well.
-define(SHORT_CHARS, 70).

%% A term as text on one line, for evidence.
-spec text(term()) -> binary().
text(Term) ->
    #{text := Text} = printed(Term, ?MOST_CHARS),
    Text.

%% Print at most so many characters. `text' is on one line; where that is long, `pretty' is the same on
%% several. Of a term that is cut, `checksum' is that of the whole.
-spec printed(term(), pos_integer()) ->
    #{text := binary(), pretty => binary(), cut => true, checksum => non_neg_integer()}.
printed(Term, Chars) ->
    {Text, Left} = text(Term, Chars),
    Printed = #{text => unicode:characters_to_binary(Text)},
    if
        Left < 0 -> Printed#{cut => true, checksum => erlang:phash2(Term, 1 bsl 32)};
        Chars - Left > ?SHORT_CHARS -> Printed#{pretty => pretty(Term)};
        true -> Printed
    end.

%% With the keys of maps in order where the VM has that: OTP 26 and later.
pretty(Term) ->
    try
        pretty(Term, "~tkp")
    catch
        error:badarg -> pretty(Term, "~tp")
    end.

pretty(Term, Format) ->
    unicode:characters_to_binary(io_lib:format(Format, [Term])).

%% {Text, Left}: how many characters are left of those allowed, below 0 if Text was cut.
text(_, Left) when Left < 0 ->
    {"...", Left};
text(Map, Left) when is_map(Map) ->
    pairs(lists:sort(maps:to_list(Map)), Left - 3, ["#{"], "");
text(Tuple, Left) when is_tuple(Tuple) ->
    elements(tuple_to_list(Tuple), Left - 2, ["{"], "", "}");
text([_ | _] = List, Left) ->
    case is_text(List, 0, Left) of
        true -> leaf(List, Left);
        cut -> {beginning(lists:sublist(List, Left), Left), -1};
        false -> elements(List, Left - 2, ["["], "", "]")
    end;
text(Binary, Left) when is_binary(Binary), byte_size(Binary) > Left ->
    {beginning(whole_chars(binary:part(Binary, 0, Left)), Left), -1};
text(Integer, Left) when is_integer(Integer) ->
    %% To write out a very large one takes the square of its length.
    Bytes = erts_debug:flat_size(Integer) * erlang:system_info(wordsize),
    case Bytes > 2 * Left + 16 of
        true -> {io_lib:format("an integer of ~w bytes", [Bytes]), -1};
        false -> leaf(Integer, Left)
    end;
text(Term, Left) ->
    leaf(Term, Left).

beginning(Term, Left) ->
    [string:slice(leaf(Term), 0, Left), "..."].

leaf(Term, Left) ->
    Text = leaf(Term),
    {Text, Left - string:length(Text)}.

leaf(Term) ->
    io_lib:format("~0tp", [Term]).

%% Without the first bytes of a character at the end.
whole_chars(Binary) ->
    case unicode:characters_to_binary(Binary) of
        {incomplete, Whole, _} -> Whole;
        _ -> Binary
    end.

%% Whether a list is printed as text; `cut' if it is, as far as Left characters show.
is_text(_, Seen, Left) when Seen > Left -> cut;
is_text([], _, _) -> true;
is_text([Char | Rest], Seen, Left) ->
    case io_lib:printable_list([Char]) of
        true -> is_text(Rest, Seen + 1, Left);
        false -> false
    end;
is_text(_, _, _) -> false.

elements(_, Left, Done, _, _) when Left < 0 ->
    {lists:reverse(["..." | Done]), Left};
elements([], Left, Done, _, Close) ->
    {lists:reverse([Close | Done]), Left};
elements([Head | Tail], Left, Done, Comma, Close) ->
    {Text, Then} = text(Head, Left - length(Comma)),
    elements(Tail, Then, [Text, Comma | Done], ",", Close);
elements(Tail, Left, Done, _, Close) ->
    {Text, Then} = text(Tail, Left - 1),
    {lists:reverse([Close, Text, $| | Done]), Then}.

pairs(_, Left, Done, _) when Left < 0 ->
    {lists:reverse(["..." | Done]), Left};
pairs([], Left, Done, _) ->
    {lists:reverse([$} | Done]), Left};
pairs([{Key, Value} | Rest], Left, Done, Comma) ->
    {KeyText, Then} = text(Key, Left - length(Comma) - 4),
    {ValueText, Last} = text(Value, Then),
    pairs(Rest, Last, [ValueText, " => ", KeyText, Comma | Done], ",").
