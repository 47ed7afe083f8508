%% Probes that behave, and terms of every kind: what the bridge's tests ask of a VM.
-module(good_probes).

-export([kinds/1, echo/1, prints/1, nul_bytes/1, none/1, own_module/1]).
-export([odd/1, long/1]).
-export([generate/1, same/2, opaque/1]).

kinds(_) ->
    #{
        atom => some_atom,
        true => true,
        undefined => undefined,
        text => <<"gr", 195, 188, 195, 159, "e">>,
        bytes => <<255, 254, 0>>,
        string => "abc",
        empty => [],
        tuple => {1, two, <<"three">>},
        integer => -(1 bsl 62),
        large => 1 bsl 70,
        float => 1.5,
        improper => [1 | 2],
        bits => <<5:3>>,
        pid => self(),
        reference => make_ref(),
        port => hd(erlang:ports()),
        function => fun erlang:node/0,
        closure => fun() -> ok end,
        nested => #{1 => #{<<"key">> => [#{}]}}
    }.

echo(Args) ->
    #{printed => probe_evidence:text(Args), args => Args}.

prints(#{text := Text}) ->
    io:put_chars(Text),
    #{}.

nul_bytes(_) ->
    io:put_chars(<<"before", 0, 0, "after", 10>>),
    #{text => <<"a", 0, "b">>}.

none(_) ->
    #{}.

odd(_) ->
    #{
        charlist => [104, 228, 128512],
        invalid => <<237, 160, 128>>,
        overlong => <<192, 128>>,
        nul => <<"a", 0, "b">>,
        escapes => <<$", $\\, 27, 127, 8232/utf8>>,
        keys => #{1 => 1, 1.0 => 2, {a, b} => 3, <<255>> => 4, '' => 5, [120] => 6},
        longest => power(4299),
        least => -power(4298)
    }.

power(0) -> 1;
power(Digits) -> 10 * power(Digits - 1).

long(#{bits := Bits, sign := Sign}) ->
    #{long => Sign * (1 bsl (Bits + 20))}.

own_module(_) ->
    #{loaded_from => list_to_binary(code:which(?MODULE))}.

opaque(_) ->
    [self(), make_ref(), hd(erlang:ports()), fun erlang:node/0, fun(X) -> X end, <<5:3>>].

same(Seed, Term) ->
    generate(Seed) =:= Term.

%% A term of every kind, nested, the same for the same seed.
generate(Seed) ->
    _ = rand:seed(exsss, {Seed, 1, 2}),
    term(4).

term(0) ->
    leaf(rand:uniform(17));
term(Depth) ->
    case rand:uniform(9) of
        1 -> [term(Depth - 1) || _ <- lists:seq(1, rand:uniform(4))];
        2 -> list_to_tuple([term(Depth - 1) || _ <- lists:seq(0, rand:uniform(5) - 1)]);
        3 -> maps:from_list([{term(Depth - 1), term(Depth - 1)} || _ <- [1, 2, 3]]);
        4 -> [term(Depth - 1) | leaf(rand:uniform(10))];
        5 -> #{1 => term(Depth - 1), 1.0 => two, true => three};
        6 -> list_to_tuple(lists:duplicate(255 + rand:uniform(3), leaf(rand:uniform(17))));
        7 -> maps:from_list([{I, leaf(rand:uniform(17))} || I <- lists:seq(1, 40)]);
        8 -> leaf(rand:uniform(17));
        %% alone: what a frame may hold of long integers is bounded in sum
        9 -> (1 bsl 2100) + rand:uniform(1000)
    end.

leaf(1) -> rand:uniform(256) - 1;
leaf(2) -> -rand:uniform(1 bsl 31);
leaf(3) -> rand:uniform(1 bsl 62);
leaf(4) -> -(rand:uniform(1 bsl 62) bsl 64);
leaf(5) -> (1 bsl 400) + rand:uniform(1000);
leaf(6) -> (rand:uniform() - 0.5) * 1.0e100;
leaf(7) -> lists:nth(rand:uniform(5), [true, false, undefined, '', 'with space']);
leaf(8) -> list_to_atom([8364, 228]);
leaf(9) -> list_to_atom([228]);
leaf(10) -> rand:bytes(rand:uniform(20));
leaf(11) -> <<"text">>;
leaf(12) -> <<(rand:uniform(8) - 1):3, 1:8>>;
leaf(13) -> "a string";
leaf(14) -> lists:seq(200, 300);
leaf(15) -> fun erlang:node/0;
leaf(16) -> [];
leaf(17) -> binary_to_term(<<131, 103, 100, 0, 13, "nonode@nohost", 0, 0, 0, 50, 0:32, 0>>).
