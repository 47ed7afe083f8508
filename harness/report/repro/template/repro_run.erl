%% Runs the probes of some claims, each in a VM of its own, and says what was predicted, what was
%% found and what that comes to.
%% Knows how a probe is called; knows nothing of how a verdict is reached.
-module(repro_run).

-export([main/3]).

-define(USAGE,
    "usage: escript FILE [--json] [--list] [CLAIM...]\n"
    "exit code: 0 confirmed, 1 refuted, 2 inconclusive, 3 nothing to say of this release, 4 bad input\n"
).
-define(VALUE_CHARS, 300).

%% Modules are those that a probe may use; returns the exit code.
-spec main([repro_judge:claim()], [module()], [string()]) -> non_neg_integer().
main(Claims, Modules, Arguments) ->
    _ = io:setopts([{encoding, unicode}]),
    {Options, Names} = lists:partition(fun(Argument) -> lists:prefix("-", Argument) end, Arguments),
    Unknown = Options -- ["--json", "--list"],
    Wanted = [Claim || Claim <- Claims, Names =:= [] orelse lists:any(names(Claim), Names)],
    Missing = [Name || Name <- Names, not lists:any(fun(Claim) -> (names(Claim))(Name) end, Claims)],
    case {Unknown, Missing} of
        {[], []} -> main(Options, Wanted, Modules, lists:member("--list", Options));
        {[Option | _], _} when Option =:= "--help"; Option =:= "-h" -> said(?USAGE, 0);
        {[Option | _], _} -> said(["there is no option ", Option, $\n, ?USAGE], 4);
        {[], [Name | _]} -> said(["this file has no claim \"", Name, "\"; --list names them\n"], 4)
    end.

main(_, Claims, _, true) ->
    lists:foreach(fun(#{name := Name}) -> io:format("~ts~n", [Name]) end, Claims),
    0;
main(Options, Claims, Modules, false) ->
    Show =
        case Options of
            [] -> fun show/4;
            _ -> fun show_json/4
        end,
    code(run(grouped(Claims), Modules, Show)).

said(Text, Code) ->
    io:put_chars(standard_error, Text),
    Code.

names(#{name := Name}) ->
    [_, Id] = string:split(Name, "/"),
    fun(Text) -> lists:member(unicode:characters_to_binary(Text), [Name, Id]) end.

%% Claims that make the same call share what it gives.
grouped([]) ->
    [];
grouped([#{call := Call} = Claim | Rest]) ->
    {Same, Others} = lists:partition(fun(#{call := Other}) -> Other =:= Call end, Rest),
    [[Claim | Same] | grouped(Others)].

run(Groups, Modules, Show) ->
    lists:append([run_group(Group, Modules, Show) || Group <- Groups]).

run_group([#{call := Call} | _] = Claims, Modules, Show) ->
    {Vm, Samples} = observe(Call, Modules, Claims, []),
    [
        begin
            #{verdict := Verdict} = Finding = repro_judge:judge(Claim, version(Vm), Samples),
            Show(Claim, Vm, Samples, Finding),
            Verdict
        end
     || Claim <- Claims
    ].

observe(Call, Modules, Claims, Before) ->
    {Vm, Sample} = sample(Call, Modules),
    Samples = Before ++ [Sample],
    More = [
        Claim
     || Claim <- Claims,
        repro_judge:wants_more(Claim, {repro_judge:judge(Claim, version(Vm), Samples), Samples})
    ],
    case More of
        [] -> {Vm, Samples};
        _ -> observe(Call, Modules, Claims, Samples)
    end.

version(#{<<"otp_version">> := Version}) -> Version.

%%% One call of a probe

sample(#{cores := Cores} = Call, Modules) ->
    Own = probe_bridge:identity(),
    case Own of
        #{<<"schedulers_online">> := Online} when Online < Cores ->
            {Own, {lacking, io("the probe needs ~w schedulers, this VM has ~w", [Cores, Online])}};
        _ ->
            case [App || App <- maps:get(applications, Call), is_tuple(code:lib_dir(App))] of
                [] -> started(Call, Modules, Own);
                [App | _] -> {Own, {lacking, io("the probe needs the application ~ts", [App])}}
            end
    end.

started(#{flags := Flags, timeout_ms := TimeoutMs} = Call, Modules, Own) ->
    Options = #{
        flags => Flags,
        timeout_ms => TimeoutMs,
        dump_seconds => 0,
        env => [{"LANG", "C.UTF-8"}, {"LC_ALL", false} | [{Name, false} || Name <- others()]]
    },
    try
        probe_peer:with_all([Options], fun([Peer]) ->
            ok = probe_peer:load(Peer, [repro_probe | lists:filter(fun is_probes/1, Modules)]),
            {probe_peer:call(Peer, probe_bridge, identity, []), call(Peer, Call)}
        end)
    catch
        error:{setup, Reason} -> {Own, {failed, io("the second VM did not start: ~0tp", [Reason])}}
    end.

is_probes(Module) -> not lists:prefix("repro_", atom_to_list(Module)).

%% Variables that change a VM, and are not among those that every peer forgets.
others() ->
    [Name || Variable <- os:getenv(), "ERL_" ++ _ = Name <- [hd(string:split(Variable, "="))]].

call(Peer, #{module := Module, function := Function, args := Args}) ->
    try repro_json:decode(probe_peer:call(Peer, repro_probe, observe, [Module, Function, Args])) of
        #{<<"value">> := Evidence} ->
            {evidence, Evidence};
        #{<<"error_class">> := Class, <<"reason">> := Reason} ->
            {failed, io("the probe raised ~ts: ~ts", [Class, Reason])}
    catch
        error:{peer_timeout, Ms} -> {failed, io("the probe did not answer in ~w ms", [Ms])};
        error:{peer_exited, Ended} -> {failed, io("the VM ended during the call: ~0tp", [Ended])}
    end.

io(Format, Arguments) ->
    unicode:characters_to_binary(io_lib:format(Format, Arguments)).

%%% What is said

code(Verdicts) ->
    Codes = [{refuted, 1}, {inconclusive, 2}, {confirmed, 0}, {skipped, 3}],
    hd([Code || {Verdict, Code} <- Codes, lists:member(Verdict, Verdicts)]).

show(#{name := Name, statement := Statement, call := Call} = Claim, Vm, Samples, Finding) ->
    #{module := Module, function := Function, args := Args, flags := Flags} = Call,
    #{verdict := Verdict, reason := Reason, checks := Checks, rivals := Rivals} = Finding,
    line("~ts~n~n  ~ts~n~n", [Name, Statement]),
    line("OTP ~ts, erts ~ts, ~ts, ~w schedulers, ~ts~n", [
        maps:get(Key, Vm)
     || Key <- [
            <<"otp_version">>, <<"erts_version">>, <<"emu_flavor">>, <<"schedulers">>,
            <<"system_architecture">>
        ]
    ]),
    line("~ts~n~ts:~ts(~0tp)~n~n", [lists:join(" ", ["erl" | Flags]), Module, Function, Args]),
    lists:foreach(fun show_sample/1, lists:zip(lists:seq(1, length(Samples)), Samples)),
    line("the claim predicts~n", []),
    lists:foreach(fun show_check/1, Checks),
    lists:foreach(fun show_rival/1, Rivals),
    Checks =:= [] andalso show_predictions(Claim),
    line("~n~ts: ~ts~n~n", [Verdict, Reason]).

line(Format, Arguments) ->
    io:format(Format, Arguments).

show_sample({Number, {evidence, Evidence}}) ->
    line("evidence, sample ~w~n", [Number]),
    lists:foreach(
        fun({Key, Value}) -> line("  ~ts = ~ts~n", [Key, value(Value)]) end,
        lists:sort(maps:to_list(Evidence))
    ),
    line("~n", []);
show_sample({Number, {_, Reason}}) ->
    line("sample ~w: no evidence, ~ts~n~n", [Number, Reason]).

show_check(#{path := Path, predicted := Words, holds := Holds, note := Note} = Check) ->
    line("  ~ts ~ts: ~ts; found ~ts~ts~n", [mark(Holds), path(Path), Words, found(Check), note(Note)]).

show_rival(#{statement := Statement, contradicted := Contradicted, checks := Checks}) ->
    Word =
        case Contradicted of
            true -> "contradicted";
            false -> "NOT contradicted"
        end,
    line("~na rival, ~ts: \"~ts\" predicts~n", [Word, Statement]),
    lists:foreach(fun show_check/1, Checks).

show_predictions(#{expect := Expect}) ->
    [line("    ~ts: ~ts~n", [path(Path), Words]) || {Path, Words, _} <- Expect].

mark(true) -> "+";
mark(false) -> "-";
mark(undecided) -> "?".

path(Path) -> lists:join(".", Path).

found(#{value := missing}) -> "nothing";
found(#{value := {found, Value}, interval := none}) -> value(Value);
found(#{value := {found, Value}, interval := {Low, High, Count}}) ->
    [value(Value), " in [", value(Low), ", ", value(High), "], n = ", integer_to_list(Count)].

note(Note) ->
    case iolist_to_binary(Note) of
        <<>> -> "";
        Text -> [" (", Text, ")"]
    end.

%% A value as JSON, cut where it is long.
value(Value) ->
    <<"{\"value\":", Json/binary>> = probe_evidence:returned(Value),
    Text = unicode:characters_to_list(binary:part(Json, 0, byte_size(Json) - 1)),
    case length(Text) > ?VALUE_CHARS of
        true -> lists:sublist(Text, ?VALUE_CHARS) ++ "...";
        false -> Text
    end.

%% One line a claim, for programs: predictions held (true), broken (false) or undecided.
show_json(#{name := Name}, Vm, Samples, Finding) ->
    #{verdict := Verdict, reason := Reason, checks := Checks, rivals := Rivals} = Finding,
    Told = #{
        claim => Name,
        otp_version => version(Vm),
        verdict => Verdict,
        reason => unicode:characters_to_binary(Reason),
        samples => [told(Sample) || Sample <- Samples],
        predictions => [Holds || #{holds := Holds} <- Checks],
        rivals => [[Holds || #{holds := Holds} <- Of] || #{checks := Of} <- Rivals]
    },
    <<"{\"value\":", Json/binary>> = probe_evidence:returned(Told),
    line("~ts~n", [binary:part(Json, 0, byte_size(Json) - 1)]).

told({evidence, Evidence}) -> #{evidence => Evidence};
told({_, Reason}) -> #{failure => Reason}.
