%% Versions of OTP (27.3.4.1, 28.0-rc1) and ranges of them, ordered as those of Python packages:
%% as harness/claims/versions.py of beamproof has it; a test holds the two against each other.
-module(repro_versions).

-export([matches/2]).

-export_type([version/0, range/0]).

%% The numbers, and what stands behind those of a version before its release: a kind and a number.
-type version() :: {[non_neg_integer()], final | {a | b | rc, non_neg_integer()}}.
-type range() :: [{lt | le | eq | ne | ge | gt, version()} | {below | not_below, [integer()]}].

%% Whether a VM's version lies in a range; an empty range holds every version.
-spec matches(range(), binary()) -> boolean().
matches(Range, Text) ->
    Version = parse(Text),
    lists:all(fun(Part) -> holds(Part, Version) end, Range).

holds({below, Prefix}, {Numbers, _}) -> lists:sublist(padded(Numbers, Prefix), length(Prefix)) =:= Prefix;
holds({not_below, Prefix}, Version) -> not holds({below, Prefix}, Version);
holds({lt, Limit}, Version) -> less(Version, Limit) andalso not (early(Version) andalso
    not early(Limit) andalso numbers(Version) =:= numbers(Limit));
holds({le, Limit}, Version) -> not less(Limit, Version);
holds({gt, Limit}, Version) -> less(Limit, Version);
holds({ge, Limit}, Version) -> not less(Version, Limit);
holds({eq, Limit}, Version) -> key(Version) =:= key(Limit);
holds({ne, Limit}, Version) -> key(Version) =/= key(Limit).

early({_, Kind}) -> Kind =/= final.

less(Left, Right) -> key(Left) < key(Right).

%% Lists of integers are ordered by their first difference; atoms follow all tuples but not by our
%% wish, so what comes before a release is made a number.
key({_, Kind} = Version) -> {numbers(Version), rank(Kind)}.

rank({a, N}) -> {0, N};
rank({b, N}) -> {1, N};
rank({rc, N}) -> {2, N};
rank(final) -> {3, 0}.

%% Zeros at the end say nothing: 26 is 26.0.
numbers({Numbers, _}) ->
    lists:reverse(lists:dropwhile(fun(N) -> N =:= 0 end, lists:reverse(Numbers))).

padded(Numbers, Prefix) ->
    Numbers ++ lists:duplicate(max(0, length(Prefix) - length(Numbers)), 0).

-spec parse(binary()) -> version().
parse(Text) ->
    Early = "^\\s*(\\d+(?:\\.\\d+)*)(?:[-_.]?(alpha|a|beta|b|rc|c|preview|pre)[-_.]?(\\d*))?\\**\\s*$",
    case re:run(Text, Early, [{capture, all_but_first, list}, caseless]) of
        {match, [Numbers]} ->
            {integers(Numbers), final};
        {match, [Numbers, Kind, Number]} ->
            {integers(Numbers), {kind(string:lowercase(Kind)), list_to_integer("0" ++ Number)}};
        nomatch ->
            leading(re:run(Text, "^\\s*(\\d+(?:\\.\\d+)*)", [{capture, all_but_first, list}]))
    end.

leading({match, [Numbers]}) -> {integers(Numbers), final};
leading(nomatch) -> {[0], final}.

kind("a" ++ _) -> a;
kind("b" ++ _) -> b;
kind(_) -> rc.

integers(Text) ->
    [list_to_integer(Number) || Number <- string:lexemes(Text, ".")].
