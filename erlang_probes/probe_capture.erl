%% What probes catch and keep: log events, a folder on disk, terms and ends of calls as text.
%% Knows how to catch; knows nothing of any claim, and never judges.
-module(probe_capture).

-export([
    with_log/1,
    divert/2,
    with_folder/1,
    new_folder/1,
    remove_folder/1,
    scratch/0,
    text/1,
    text/2,
    chars/1,
    outcome/1,
    reason/1
]).

-define(DEADLINE_MS, 5_000).
%% Of the fun whose log is kept: as long as the longest probe may take.
-define(VALUE_MS, 55_000).

%%% Log events

%% Run Fun in a process whose log events (those of the processes that it starts, too: they inherit
%% its group leader) go nowhere but into the result, in the order in which they arrived. Not in it:
%% events of processes that were there before. All that Fun started must end with it, for a process
%% may log after it has told that its start failed, as those of proc_lib did before release 26; else
%% {setup, {never, Pids}} is raised.
-spec with_log(fun(() -> Value)) -> {Value, [logger:log_event()]}.
with_log(Fun) ->
    Leader = probe_lib:subject([]),
    Collector = probe_lib:subject([]),
    _ = probe_lib:ask(Collector, fun(_) -> {ok, []} end),
    ok = logger:add_primary_filter(?MODULE, {fun ?MODULE:divert/2, {Leader, Collector}}),
    try
        Value = probe_lib:in_process(
            fun() ->
                group_leader(Leader, self()),
                Fun()
            end,
            [],
            ?VALUE_MS
        ),
        ok = ended_below(Leader),
        {Value, collected(Leader, Collector)}
    after
        ok = logger:remove_primary_filter(?MODULE),
        probe_lib:kill_all([Collector, Leader])
    end.

%% The filter: what a process of that group leader logs goes to the collector and no further.
-spec divert(logger:log_event(), {pid(), pid()}) -> stop | ignore.
divert(#{meta := #{gl := Leader}} = Event, {Leader, Collector}) ->
    Collector ! {logged, Event},
    stop;
divert(_Event, _) ->
    ignore.

%% Wait for the end of the processes of that group leader.
ended_below(Leader) ->
    probe_lib:await(
        fun() ->
            Below = [P || P <- processes(), process_info(P, group_leader) =:= {group_leader, Leader}],
            Below =:= [] orelse Below
        end,
        ?DEADLINE_MS
    ).

%% Errors of plain processes reach the filter through a process of logger's: when the event of a
%% last process that fails is there, all before it are.
collected(Leader, Collector) ->
    {Last, Ref} = spawn_monitor(fun() ->
        group_leader(Leader, self()),
        error(?MODULE)
    end),
    {?MODULE, _} = probe_lib:gone(Ref, ?DEADLINE_MS),
    probe_lib:value_within(
        fun() ->
            Events = probe_lib:ask(Collector, fun(Old) -> New = drain(Old), {New, New} end),
            case lists:partition(fun(#{meta := #{pid := Pid}}) -> Pid =:= Last end, Events) of
                {[_], Others} -> {done, lists:reverse(Others)};
                {[], _} -> {still_missing, length(Events)}
            end
        end,
        ?DEADLINE_MS
    ).

drain(Events) ->
    receive
        {logged, Event} -> drain([Event | Events])
    after 0 -> Events
    end.

%%% Folders

%% A folder of its own below the scratch folder, removed with all that is in it.
-spec with_folder(fun((file:filename()) -> Value)) -> Value.
with_folder(Fun) ->
    Folder = new_folder("beamproof-"),
    try
        Fun(Folder)
    after
        remove_folder(Folder)
    end.

%% A new folder below the scratch folder, for whoever removes it; its name says which VM made it.
-spec new_folder(Prefix :: string()) -> file:filename().
new_folder(Prefix) ->
    Unique = os:getpid() ++ "-" ++ integer_to_list(erlang:unique_integer([positive])),
    Folder = filename:join(scratch(), Prefix ++ Unique),
    case file:make_dir(Folder) of
        ok -> Folder;
        {error, Reason} -> error({setup, {no_scratch, Folder, Reason}})
    end.

%% Links in it are removed, not followed.
-spec remove_folder(file:filename()) -> ok | {error, term()}.
remove_folder(Folder) ->
    file:del_dir_r(Folder).

%% Where files may be made.
-spec scratch() -> file:filename().
scratch() ->
    os:getenv("TMPDIR", "/tmp").

%%% Text

%% A term as text on one line, so that any term fits into the evidence.
-spec text(term()) -> binary().
text(Term) ->
    text("~0tp", [Term]).

%% Text by a format of io_lib.
-spec text(io:format(), [term()]) -> binary().
text(Format, Args) ->
    chars(io_lib:format(Format, Args)).

%% Characters in whatever lists as one binary.
-spec chars(unicode:chardata()) -> binary().
chars(Chars) ->
    <<_/binary>> = unicode:characters_to_binary(Chars).

%% What a call answered or raised, as text: <<"answer">>, or <<"{error,badarg}">>. Of a reason
%% {Atom, More} only the atom: pids and stacks differ from run to run.
-spec outcome(fun(() -> term())) -> binary().
outcome(Fun) ->
    try
        text(Fun())
    catch
        Class:{Reason, _} when is_atom(Reason) -> text({Class, Reason});
        Class:Reason -> text({Class, Reason})
    end.

%% An exit reason as text, without the stacks in it: those differ from build to build.
-spec reason(term()) -> binary().
reason({Reason, Stack}) when is_list(Stack) -> reason(Reason);
reason(Reason) -> text(Reason).
