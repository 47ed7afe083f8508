%% What a call returned or raised, as JSON that says the same: numbers of any size, text, lists,
%% maps; what JSON has no word for is text as the VM prints it.
%% Knows terms and JSON; knows nothing of the wire, the VM's state or any claim.
-module(probe_evidence).

-export([returned/1, measured/2, raised/3, text/1, text/2]).

-export_type([outcome/0]).

%% A JSON object: `value' (and `probe_us'), or `error_class', `reason' and `stack'.
-type outcome() :: binary().

-define(MAX_DEPTH, 64).
%% The cost of a value: the bytes of its JSON, and eight for each node of the term.
-define(MAX_BYTES, (8 * 1024 * 1024)).
-define(NODE_BYTES, 8).
%% Python, and so every reader of a run, takes no longer ones.
-define(MAX_DIGITS, 4300).
%% Printed terms (reasons, what JSON cannot say) end here.
-define(MAX_TEXT_CHARS, 2000).
-define(MAX_STACK, 100).

%% What any function returned.
-spec returned(term()) -> outcome().
returned(Value) ->
    value(Value, []).

%% The evidence of a probe, and the microseconds that it took.
-spec measured(term(), non_neg_integer()) -> outcome().
measured(Evidence, Us) when is_map(Evidence) ->
    value(Evidence, [<<",\"probe_us\":">>, integer_to_binary(Us)]);
measured(Other, _) ->
    bad_evidence(<<"evidence must be a map, not ", (text(Other))/binary>>).

-spec raised(error | exit | throw, term(), term()) -> outcome().
raised(Class, Reason, Stack) ->
    failure(atom_to_binary(Class, utf8), text(Reason), printed(Stack, ?MAX_STACK)).

list(Texts) ->
    [$[, lists:join($,, [string(Text) || Text <- Texts]), $]].

%% A term as the VM prints it, on one line, cut at a limit.
-spec text(term()) -> binary().
text(Term) ->
    text("~0tp", [Term]).

-spec text(io:format(), [term()]) -> binary().
text(Format, Arguments) ->
    Chars = io_lib:format(Format, Arguments, [{chars_limit, ?MAX_TEXT_CHARS}]),
    cut(unicode:characters_to_binary(Chars)).

%% The limit of io_lib does not shorten integers.
cut(Text) when byte_size(Text) =< 4 * ?MAX_TEXT_CHARS ->
    Text;
cut(Text) ->
    Chars = lists:sublist(unicode:characters_to_list(Text), ?MAX_TEXT_CHARS),
    unicode:characters_to_binary([Chars, "..."]).

value(Value, Rest) ->
    try json(Value, ?MAX_DEPTH, ?MAX_BYTES) of
        {Json, _} -> iolist_to_binary([<<"{\"value\":">>, Json, Rest, $}])
    catch
        throw:{?MODULE, Reason} -> bad_evidence(Reason)
    end.

bad_evidence(Reason) ->
    failure(<<"bad_evidence">>, Reason, []).

failure(Class, Reason, Stack) ->
    iolist_to_binary([
        <<"{\"error_class\":">>, string(Class),
        <<",\"reason\":">>, string(Reason),
        <<",\"stack\":">>, list(Stack), $}
    ]).

%% A stack is a list unless somebody raised with one of his own.
printed([Entry | Rest], Left) when Left > 0 -> [text(Entry) | printed(Rest, Left - 1)];
printed([], _) -> [];
printed(Rest, _) -> [text(Rest)].

%% --- JSON -----------------------------------------------------------------------------------

json(_, 0, _) ->
    refuse("evidence is nested deeper than ~w levels", [?MAX_DEPTH]);
json(_, _, Budget) when Budget < 0 ->
    refuse("evidence is larger than ~w bytes", [?MAX_BYTES]);
json(true, _, Budget) ->
    {<<"true">>, Budget - ?NODE_BYTES};
json(false, _, Budget) ->
    {<<"false">>, Budget - ?NODE_BYTES};
json(Term, _, Budget) when is_integer(Term) ->
    spend(digits(Term), Budget);
json(Term, _, Budget) when is_float(Term) ->
    spend(iolist_to_binary(io_lib_format:fwrite_g(Term)), Budget);
json(Term, _, Budget) when is_atom(Term) ->
    spend(string(atom_to_binary(Term, utf8)), Budget);
json(Term, _, Budget) when is_binary(Term), byte_size(Term) > Budget ->
    json(Term, ?MAX_DEPTH, -1);
json(Term, _, Budget) when is_binary(Term) ->
    spend(string(utf8(Term)), Budget);
json(Term, Depth, Budget) when is_tuple(Term) ->
    json(tuple_to_list(Term), Depth, Budget);
json(Term, Depth, Budget) when is_list(Term) ->
    json_list(Term, Depth - 1, Budget - ?NODE_BYTES, [], Term);
json(Term, Depth, Budget) when is_map(Term) ->
    json_map(maps:to_list(Term), Depth - 1, Budget - ?NODE_BYTES, [], #{});
json(Term, _, Budget) ->
    spend(string(text(Term)), Budget).

json_list([Element | Rest], Depth, Budget, Done, List) ->
    {Json, Left} = json(Element, Depth, Budget),
    json_list(Rest, Depth, Left, [Json | Done], List);
json_list([], _, Budget, Done, _) ->
    {[$[, lists:join($,, lists:reverse(Done)), $]], Budget};
json_list(_, _, Budget, _, Improper) ->
    spend(string(text(Improper)), Budget).

json_map([], _, Budget, Done, _) ->
    {[${, lists:join($,, Done), $}], Budget};
json_map([{Key, Value} | Rest], Depth, Budget, Done, Names) ->
    Name = key(Key),
    is_map_key(Name, Names) andalso refuse("two keys of a map are both printed as ~ts", [Name]),
    Printed = string(Name),
    {Json, Left} = json(Value, Depth, Budget - byte_size(Printed)),
    json_map(Rest, Depth, Left, [[Printed, $:, Json] | Done], Names#{Name => true}).

key(Key) when is_atom(Key) -> atom_to_binary(Key, utf8);
key(Key) when is_binary(Key) -> utf8(Key);
key(Key) -> text(Key).

spend(Text, Budget) ->
    {Text, Budget - byte_size(Text) - ?NODE_BYTES}.

refuse(Format, Arguments) ->
    throw({?MODULE, text(Format, Arguments)}).

digits(Integer) ->
    %% A digit is less than four bits. What is far too long is not written out: its time is the
    %% square of its length.
    Bits = erts_debug:flat_size(Integer) * erlang:system_info(wordsize) * 8,
    Bits > 4 * ?MAX_DIGITS + 128 andalso too_long(),
    Text = integer_to_binary(Integer),
    byte_size(Text) > ?MAX_DIGITS andalso too_long(),
    Text.

too_long() ->
    refuse("evidence has an integer of more than ~w digits", [?MAX_DIGITS]).

utf8(Binary) ->
    case unicode:characters_to_binary(Binary) of
        Binary -> Binary;
        _ -> text("~w", [Binary])
    end.

string(Text) ->
    <<$", (escaped(Text, Text))/binary, $">>.

%% Most text needs nothing: it is looked through once and not copied.
escaped(<<C, Rest/binary>>, Text) when C >= 32, C =/= $", C =/= $\\ -> escaped(Rest, Text);
escaped(<<>>, Text) -> Text;
escaped(_, Text) -> <<<<(escape(C))/binary>> || <<C>> <= Text>>.

escape($") -> <<"\\\"">>;
escape($\\) -> <<"\\\\">>;
escape(C) when C < 16 -> <<"\\u000", (hex(C))>>;
escape(C) when C < 32 -> <<"\\u001", (hex(C - 16))>>;
escape(C) -> <<C>>.

hex(Digit) when Digit < 10 -> $0 + Digit;
hex(Digit) -> $a + Digit - 10.
