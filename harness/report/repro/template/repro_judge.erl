%% A claim and the evidence of its probe make a verdict: the same rules as beamproof's own,
%% harness/judge/judge.py and median.py there; a test holds the two against each other.
%% Knows claims and evidence; knows nothing of VMs, nor how anything is printed.
-module(repro_judge).

-export([judge/3, wants_more/2]).

-export_type([claim/0, sample/0, prediction/0, check/0, rival/0, finding/0, verdict/0]).

-type prediction() :: {Path :: [binary()], Words :: binary(), repro_predicates:leaf()}.
-type claim() :: #{
    name := binary(), statement := binary(), about := binary(),
    otp := repro_versions:range(), expect := [prediction()],
    whens := [{binary(), repro_versions:range(), [prediction()]}],
    rivals := [{binary(), repro_versions:range(), [prediction()]}],
    repeat := pos_integer(), unfit := binary(), call := map()
}.
%% `lacking' is what the VM does not have that the probe needs.
-type sample() :: {evidence, #{binary() => repro_predicates:json()}} | {failed | lacking, binary()}.
-type verdict() :: confirmed | refuted | inconclusive | skipped.
%% `value' of several samples is the median, or the first that decided; `interval' the bounds of the
%% median that are sure enough, and of how many samples.
-type check() :: #{
    path := [binary()], predicted := binary(), value := {found, term()} | missing,
    holds := repro_predicates:holds(), note := iodata(), interval := none | {number(), number(), integer()}
}.
-type rival() :: #{statement := binary(), contradicted := boolean(), checks := [check()]}.
-type finding() :: #{
    verdict := verdict(), reason := iodata(), checks := [check()], rivals := [rival()]
}.

-define(CONFIDENCE, 0.95).
%% So many times `repeat' samples are drawn at most.
-define(MOST_SAMPLES, 4).

%% Version is that of the VM that gave the samples.
-spec judge(claim(), binary(), [sample()]) -> finding().
judge(#{otp := Otp} = Claim, Version, Samples) ->
    case repro_versions:matches(Otp, Version) of
        true -> judge_inside(Claim, Version, Samples);
        false -> judge_outside(Claim, Version, Samples)
    end.

judge_inside(Claim, Version, Samples) ->
    case no_evidence(Samples) of
        {lacking, Reason} -> bare(skipped, Reason);
        {failed, Reason} -> bare(inconclusive, Reason);
        none -> judge_evidence(Claim, Version, Samples)
    end.

judge_evidence(#{rivals := All, unfit := Unfit} = Claim, Version, Samples) ->
    Check = checker(Claim, Samples),
    Checks = lists:map(Check, predictions_on(Claim, Version)),
    Rivals = [
        rival(Statement, lists:map(Check, Expect))
     || {Statement, Otp, Expect} <- All, repro_versions:matches(Otp, Version)
    ],
    {Verdict, Reason} =
        case verdict(Checks, Rivals) of
            {confirmed, _} when Unfit =/= <<>> -> {inconclusive, Unfit};
            {confirmed, Why} -> idle_when(Claim, Version, Check, {confirmed, Why});
            Other -> Other
        end,
    #{verdict => Verdict, reason => Reason, checks => Checks, rivals => Rivals}.

%% A release that the claim is not about: what it says must not hold there.
judge_outside(#{about := About} = Claim, Version, Samples) ->
    Said = ["the claim is about OTP ", About, "; on ", Version],
    case no_evidence(Samples) of
        none ->
            Checks = lists:map(checker(Claim, Samples), predictions_on(Claim, Version)),
            {Verdict, Reason} = outside([Holds || #{holds := Holds} <- Checks]),
            #{verdict => Verdict, reason => [Said, Reason], checks => Checks, rivals => []};
        {_, Reason} ->
            bare(skipped, [Said, " there is no evidence: ", Reason])
    end.

outside(Held) ->
    case {lists:member(false, Held), lists:member(undecided, Held)} of
        {true, _} -> {skipped, " it does not hold, as that says"};
        {false, true} -> {skipped, " nothing decides"};
        {false, false} -> {inconclusive, " it holds, too"}
    end.

bare(Verdict, Reason) ->
    #{verdict => Verdict, reason => Reason, checks => [], rivals => []}.

no_evidence([]) ->
    {failed, "nothing was observed"};
no_evidence(Samples) ->
    Lacking = [Reason || {lacking, Reason} <- Samples],
    case [Reason || {Kind, Reason} <- Samples, Kind =/= evidence] of
        [] -> none;
        [First | _] when length(Lacking) =:= length(Samples) -> {lacking, First};
        [First | _] -> {failed, First}
    end.

%% Whether more samples could decide what those of a finding leave open.
-spec wants_more(claim(), {finding(), [sample()]}) -> boolean().
wants_more(#{repeat := Least}, {Finding, Samples}) ->
    Count = length(Samples),
    Failed = [Sample || {Kind, _} = Sample <- Samples, Kind =/= evidence],
    Failed =:= [] andalso Count < ?MOST_SAMPLES * Least andalso
        (Count < Least orelse more_would_help(Finding)).

more_would_help(#{checks := Checks, rivals := Rivals}) ->
    Undecided = [Check || #{holds := undecided} = Check <- Checks],
    Alive = [Of || #{contradicted := false, checks := Of} <- Rivals],
    not lists:any(fun(#{holds := Holds}) -> Holds =:= false end, Checks) andalso
        (Undecided =/= [] orelse Alive =/= []) andalso
        lists:all(fun astride/1, Undecided) andalso
        lists:all(fun(Of) -> lists:any(fun astride/1, Of) end, Alive).

astride(#{holds := Holds, interval := Interval}) ->
    Holds =:= undecided andalso Interval =/= none.

%%% Predictions

predictions_on(#{whens := Whens} = Claim, Version) ->
    predictions(Claim, [When || {_, Otp, _} = When <- Whens, repro_versions:matches(Otp, Version)]).

predictions(#{expect := Expect}, Whens) ->
    lists:foldl(fun({_, _, New}, Old) -> replaced(Old, New) end, Expect, Whens).

%% The predictions with those about the same keys replaced, and the new ones added.
replaced(Old, New) ->
    [One || One <- Old, not lists:any(fun(Other) -> overlap(One, Other) end, New)] ++ New.

overlap({Old, _, _}, {New, _, _}) ->
    lists:prefix(Old, New) orelse lists:prefix(New, Old).

%% The doubt that nothing moved where a `when' says that something did.
idle_when(#{whens := Whens} = Claim, Version, Check, Confirmed) ->
    Idle = [
        At
     || At <- lists:seq(1, length(Whens)),
        Elsewhere <- [elsewhere(Claim, At, Version)],
        Elsewhere =/= [],
        lists:all(fun(Prediction) -> holds(Check(Prediction)) end, Elsewhere)
    ],
    case Idle of
        [] ->
            Confirmed;
        [At | _] ->
            {About, _, _} = lists:nth(At, Whens),
            {inconclusive, ["nothing moved where \"when ", About, "\" says that something did"]}
    end.

%% Inside its range what a `when' replaces must not hold; one that replaces nothing must not hold
%% outside.
elsewhere(#{whens := Whens} = Claim, At, Version) ->
    {_, Otp, New} = lists:nth(At, Whens),
    {Before, [_ | After]} = lists:split(At - 1, Whens),
    Without = predictions(
        Claim, [When || {_, Range, _} = When <- Before ++ After, repro_versions:matches(Range, Version)]
    ),
    Inside = repro_versions:matches(Otp, Version),
    Actual =
        case Inside of
            true -> predictions_on(Claim, Version);
            false -> replaced(Without, New)
        end,
    case [One || One <- Without, not lists:member(One, Actual)] of
        GivenUp when Inside -> GivenUp;
        [] -> New;
        _ -> []
    end.

holds(#{holds := Holds}) -> Holds =:= true.

%%% Checks

checker(#{repeat := Repeat}, Samples) ->
    Evidence = [One || {evidence, One} <- Samples],
    fun(Prediction) -> check(Prediction, Evidence, Repeat > 1) end.

%% Only a claim that asks for repetition speaks of a median; what any other predicts is a law, and
%% one sample in a thousand that breaks it refutes it.
check({Path, Words, Leaf}, Evidence, OnMedian) ->
    Found = [repro_predicates:find(One, Path) || One <- Evidence],
    Numbers = [Value || {found, Value} <- Found, is_number(Value)],
    Base = #{path => Path, predicted => Words},
    All = length(Numbers) =:= length(Found) andalso length(Found) > 1,
    case OnMedian andalso All andalso repro_predicates:is_numeric(Leaf) of
        true -> maps:merge(Base, check_median(Leaf, lists:sort(Numbers)));
        false -> maps:merge(Base, check_each(Leaf, Found))
    end.

check_each(Leaf, Found) ->
    Outcomes = [repro_predicates:evaluate(Leaf, One) || One <- Found],
    {Holds, Note} = Outcome = repro_predicates:conjunction(Outcomes),
    [Value | _] = [One || {One, Other} <- lists:zip(Found, Outcomes), Other =:= Outcome] ++ Found,
    #{value => Value, holds => Holds, note => Note, interval => none}.

check_median(Leaf, Sorted) ->
    Count = length(Sorted),
    Rank = rank(Count),
    Low = lists:nth(Rank, Sorted),
    High = lists:nth(Count - Rank + 1, Sorted),
    {Holds, Note} =
        case repro_predicates:decide(Leaf, Low, High) of
            undecided -> {undecided, "the interval of the median lies astride the limit"};
            Decided -> {Decided, ""}
        end,
    Interval = {Low, High, Count},
    #{value => {found, median(Sorted, Count)}, holds => Holds, note => Note, interval => Interval}.

median(Sorted, Count) when Count rem 2 =:= 1 ->
    lists:nth(Count div 2 + 1, Sorted);
median(Sorted, Count) ->
    (lists:nth(Count div 2, Sorted) + lists:nth(Count div 2 + 1, Sorted)) / 2.

%% The highest rank K such that the K-th smallest and the K-th largest of Count values still hold the
%% median between them with the wanted confidence: the number of samples below the median is
%% binomial, so they miss it with probability 2 P(B < K).
rank(Count) -> rank(1, 1, 1, Count).

%% Ways is how often Rank - 1 of Count throws show heads, Below how often fewer than Rank do.
rank(Rank, Ways, Below, Count) when Rank < Count div 2 ->
    More = Ways * (Count - Rank + 1) div Rank,
    case 1 - 2 * (Below + More) / (1 bsl Count) < ?CONFIDENCE of
        true -> Rank;
        false -> rank(Rank + 1, More, Below + More, Count)
    end;
rank(Rank, _, _, _) ->
    Rank.

rival(Statement, Checks) ->
    Contradicted = lists:any(fun(#{holds := Holds}) -> Holds =:= false end, Checks),
    #{statement => Statement, contradicted => Contradicted, checks => Checks}.

verdict(Checks, Rivals) ->
    Failed = [Check || #{holds := false} = Check <- Checks],
    Undecided = [Check || #{holds := undecided} = Check <- Checks],
    Alive = [Rival || #{contradicted := false} = Rival <- Rivals],
    case {Failed, Undecided, Rivals, Alive} of
        {[_ | _], _, _, _} ->
            {refuted, [count(Failed, "prediction"), " of ", count(Checks), " ", does(Failed), " not hold"]};
        {[], [_ | _], _, _} ->
            {inconclusive, [count(Undecided, "prediction"), " cannot be decided"]};
        {[], [], [], _} ->
            {inconclusive, "no rival is about this release: nothing wrong is contradicted"};
        {[], [], _, [#{statement := Statement} | _]} ->
            {inconclusive, ["the evidence does not contradict the rival: \"", Statement, $"]};
        {[], [], _, []} ->
            {confirmed, [
                count(Checks, "prediction"), hold(Checks), count(Rivals, "rival"), are(Rivals), "contradicted"
            ]}
    end.

count(List) -> integer_to_list(length(List)).

count([_], Word) -> ["1 ", Word];
count(List, Word) -> [count(List), " ", Word, "s"].

does([_]) -> "does";
does(_) -> "do".

hold([_]) -> " holds, ";
hold(_) -> " hold, ".

are([_]) -> " is ";
are(_) -> " are ".
