%% Modules in several versions, made at run time: compiled from text, loaded, asked, forgotten. Knows
%% nothing of any claim.
-module(beam_hot_code_upgrades_code).

-export([
    beam/3,
    beam/4,
    versions/2,
    with/2,
    load/2,
    with_file/3,
    forget/1,
    start/3,
    run/3,
    mine/1,
    ask/2,
    fate/2,
    current/1,
    says_current/1,
    with_file/2,
    rewrite/2
]).

-define(DEADLINE_MS, 5_000).
-define(STARTED, beam_hot_code_upgrades_started).

%% The code of a module of that name in that version. In the text MODULE stands for its name and
%% VERSION for the number.
-spec beam(module(), pos_integer(), string()) -> binary().
beam(Name, Version, Text) ->
    beam(Name, Version, Text, []).

%% As beam/3, with options of the compiler.
-spec beam(module(), pos_integer(), string(), [compile:option()]) -> binary().
beam(Name, Version, Text, Options) ->
    {ok, Tokens, _} = erl_scan:string(Text),
    Forms = forms([named(Token, Name, Version) || Token <- Tokens], []),
    case compile:forms(Forms, [return | Options]) of
        {ok, Name, Beam, _} -> Beam;
        Failed -> error({setup, {not_compiled, Name, Failed}})
    end.

named({var, At, 'MODULE'}, Name, _) -> {atom, At, Name};
named({var, At, 'VERSION'}, _, Version) -> {integer, At, Version};
named(Token, _, _) -> Token.

forms([], []) ->
    [];
forms([{dot, _} = Dot | Rest], Form) ->
    {ok, Parsed} = erl_parse:parse_form(lists:reverse(Form, [Dot])),
    [Parsed | forms(Rest, [])];
forms([Token | Rest], Form) ->
    forms(Rest, [Token | Form]).

%% The code of versions 1, 2 and 3 of a module.
-spec versions(module(), string()) -> [binary()].
versions(Name, Text) ->
    [beam(Name, Version, Text) || Version <- [1, 2, 3]].

%% Run Fun in a process of its own; afterwards kill what it started with start/3 or called mine/1,
%% and forget the modules.
-spec with([module()], fun(() -> Value)) -> Value.
with(Names, Fun) ->
    try
        probe_lib:in_process(fun() ->
            put(?STARTED, []),
            try
                Fun()
            after
                probe_lib:kill_all(get(?STARTED))
            end
        end)
    after
        lists:foreach(fun forget/1, Names)
    end.

%% Load the next version where no old one is.
-spec load(module(), binary()) -> ok.
load(Name, Beam) ->
    false = erlang:check_old_code(Name),
    {module, Name} = code:load_binary(Name, atom_to_list(Name), Beam),
    ok.

%% Take all code of a module out of the VM.
-spec forget(module()) -> ok.
forget(Name) ->
    _ = code:purge(Name),
    _ = code:delete(Name),
    _ = code:purge(Name),
    ok.

%% Start a process in a function of the module's current code.
-spec start(module(), atom(), [term()]) -> pid().
start(Name, Function, Args) ->
    mine(spawn(Name, Function, Args)).

%% Call a function of a module that is nowhere but in the VM.
-spec run(module(), atom(), [term()]) -> term().
run(Name, Function, Args) ->
    apply(Name, Function, Args).

%% Have a process killed when with/2 ends.
-spec mine(pid()) -> pid().
mine(Pid) ->
    put(?STARTED, [Pid | get(?STARTED)]),
    Pid.

%% What a process answers to {ask, From, Ref, What}; or `{ended, Reason}', `silent'.
-spec ask(pid(), term()) -> term().
ask(Pid, What) ->
    Ref = erlang:monitor(process, Pid),
    Pid ! {ask, self(), Ref, What},
    receive
        {Ref, Answer} ->
            erlang:demonitor(Ref, [flush]),
            Answer;
        {'DOWN', Ref, process, Pid, Reason} ->
            {ended, Reason}
    after ?DEADLINE_MS -> silent
    end.

%% What became of a process, given with its monitor: `lives', or the reason of its end as text.
-spec fate(pid(), reference()) -> binary().
fate(Pid, Ref) ->
    case is_process_alive(Pid) of
        true -> <<"lives">>;
        false -> probe_capture:reason(probe_lib:gone(Ref, ?DEADLINE_MS))
    end.

%% What Module:version() returns now, or how it fails.
-spec current(module()) -> integer() | binary().
current(Name) ->
    try
        Name:version()
    catch
        Class:Reason -> probe_capture:text({Class, Reason})
    end.

%% As current/1, as text.
-spec says_current(module()) -> binary().
says_current(Name) ->
    case current(Name) of
        Failed when is_binary(Failed) -> Failed;
        Version -> probe_capture:text(Version)
    end.

%% Hand Fun the name (without .beam) of a file that holds the code, in a folder of its own.
-spec with_file({module(), binary()}, fun((file:filename()) -> Value)) -> Value.
with_file({Name, Beam}, Fun) ->
    probe_capture:with_folder(fun(Folder) ->
        File = filename:join(Folder, atom_to_list(Name)),
        ok = rewrite(File, Beam),
        Fun(File)
    end).

%% As with_file/2, whose folder is first in the code path meanwhile.
-spec with_file(on_path, {module(), binary()}, fun((file:filename()) -> Value)) -> Value.
with_file(on_path, Code, Fun) ->
    with_file(Code, fun(File) ->
        Folder = filename:dirname(File),
        true = code:add_patha(Folder),
        try
            Fun(File)
        after
            true = code:del_path(Folder)
        end
    end).

%% Put other code into such a file.
-spec rewrite(file:filename(), binary()) -> ok.
rewrite(File, Beam) ->
    ok = file:write_file(File ++ ".beam", Beam).
