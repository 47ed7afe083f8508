%% Small releases with appup and relup files, made at run time, and a VM that runs the first of them.
%% Knows nothing of any claim.
-module(beam_hot_code_upgrades_releases).

-export([
    upgraded_and_back/1,
    instructed/1,
    failed/2,
    restarted/2,
    looking/0,
    without_appup/0
]).
%% Run in the peer.
-export([snapshot/1, processes_of/0, linger/0]).
-ignore_xref([{snapshot, 1}, {processes_of, 0}, {linger, 0}]).

-define(CODE, beam_hot_code_upgrades_code).
-define(APPLICATION, hot_application).
-define(SERVER, hot_server).
-define(SERVERS, [one, two, unlisted, free]).
-define(DEADLINE_MS, 5_000).
%% How long a VM is given to start again; what it has told by then is the evidence.
-define(RESTART_MS, 15_000).

%% What the second release does to the first: the instructions of the appup file up and down, and what
%% code_change/3 of its servers evaluates.
-type instructions() :: #{up => [term()], down => [term()], change => string()}.

%% Build releases 1 and 2, start release 1 in a peer, unpack release 2 there, and hand it to Fun.
with_release(Instructions, Fun) ->
    probe_capture:with_folder(fun(Folder) ->
        ok = built(Folder, Instructions),
        Releases = filename:join(Folder, "releases"),
        Options = #{
            flags => [
                "-boot", filename:join([Releases, "1", "start"]),
                "-sasl", "releases_dir", "\"" ++ Releases ++ "\"",
                "-kernel", "logger_level", "emergency"
            ],
            env => [{"HOT_EVENTS", filename:join(Folder, "events")}]
        },
        probe_peer:with(Options, fun(Peer) ->
            {ok, "2"} = probe_peer:call(Peer, release_handler, set_unpacked, [
                rel_file(Folder, 2), [{?APPLICATION, "2", filename:join(Folder, "lib")}]
            ]),
            Fun({Peer, Folder})
        end)
    end).

built(Folder, Instructions) ->
    lists:foreach(fun(Version) -> application(Folder, Version, Instructions) end, [1, 2]),
    lists:foreach(fun(Version) -> release(Folder, Version) end, [1, 2]),
    Advanced = fun(Extra) -> [{update, ?SERVER, {advanced, Extra}}] end,
    Up = maps:get(up, Instructions, Advanced(up)),
    Down = maps:get(down, Instructions, Advanced(down)),
    ok = write(
        filename:join(ebin(Folder, 2), atom_to_list(?APPLICATION) ++ ".appup"),
        {"2", [{"1", Up}], [{"1", Down}]}
    ),
    {ok, _, _, _} = relup(Folder),
    ok = release_handler:create_RELEASES(
        code:root_dir(), filename:join(Folder, "releases"), rel_file(Folder, 1),
        [{?APPLICATION, "1", filename:join(Folder, "lib")}]
    ).

relup(Folder) ->
    [First, Second] = [filename:rootname(rel_file(Folder, Version)) || Version <- [1, 2]],
    systools:make_relup(Second, [First], [First], [
        {path, [ebin(Folder, Version) || Version <- [1, 2]]}, silent,
        {outdir, filename:dirname(Second)}
    ]).

ebin(Folder, Version) ->
    Name = lists:concat([?APPLICATION, "-", Version]),
    filename:join([Folder, "lib", Name, "ebin"]).

rel_file(Folder, Version) ->
    filename:join([Folder, "releases", integer_to_list(Version), "start.rel"]).

write(File, Term) ->
    ok = filelib:ensure_dir(File),
    file:write_file(File, io_lib:format("~tp.~n", [Term])).

application(Folder, Version, Instructions) ->
    Ebin = ebin(Folder, Version),
    Change = maps:get(change, Instructions, "{ok, {state, To, Name}}"),
    Modules = [{?APPLICATION, application_text()}, {?SERVER, server_text(Change)}],
    ok = write(
        filename:join(Ebin, atom_to_list(?APPLICATION) ++ ".app"),
        {application, ?APPLICATION, [
            {description, "of a probe"}, {vsn, integer_to_list(Version)},
            {modules, [Name || {Name, _} <- Modules]}, {registered, []},
            {applications, [kernel, stdlib, sasl]}, {mod, {?APPLICATION, []}}
        ]}
    ),
    lists:foreach(
        fun({Name, Text}) ->
            ok = ?CODE:rewrite(filename:join(Ebin, atom_to_list(Name)), ?CODE:beam(Name, Version, Text))
        end,
        Modules
    ).

release(Folder, Version) ->
    Libraries = [{Name, vsn(Name)} || Name <- [kernel, stdlib, sasl]],
    File = rel_file(Folder, Version),
    Vsn = integer_to_list(Version),
    ok = write(File, {release, {"hot", Vsn}, {erts, erlang:system_info(version)},
        Libraries ++ [{?APPLICATION, Vsn}]}),
    ok = write(filename:join(filename:dirname(File), "sys.config"), []),
    {ok, _, _} = systools:make_script(
        filename:rootname(File), [{path, [ebin(Folder, Version)]}, silent, local]
    ).

vsn(Application) ->
    File = filename:join([code:lib_dir(Application), "ebin", atom_to_list(Application) ++ ".app"]),
    {ok, [{application, Application, Keys}]} = file:consult(File),
    proplists:get_value(vsn, Keys).

%% The application: a supervisor with two servers whose specifications name their module, one whose
%% specification does not (and one more in version 2); and one server that nobody supervises.
application_text() ->
    "-module(MODULE).
    -behaviour(application).
    -export([start/2, stop/1, init/1]).
    start(_, _) ->
        hot_server:event({started, VERSION}),
        {ok, _} = hot_server:start(free),
        supervisor:start_link({local, hot_supervisor}, MODULE, []).
    stop(_) -> ok.
    init(_) ->
        hot_server:event({init, VERSION}),
        Child = fun(Name, Modules) ->
            #{id => Name, start => {hot_server, start_link, [Name]}, modules => Modules}
        end,
        Added = [Child(added, [hot_server]) || _ <- lists:seq(2, VERSION)],
        {ok, {#{}, [Child(one, [hot_server]), Child(two, [hot_server]), Child(unlisted, [])] ++ Added}}.
    ".

server_text(Change) ->
    "-module(MODULE).
    -behaviour(gen_server).
    -vsn(VERSION).
    -export([event/1, start/1, start_link/1, linger/0]).
    -export([init/1, handle_call/3, handle_cast/2, code_change/3]).
    event(Event) ->
        file:write_file(os:getenv(\"HOT_EVENTS\"), io_lib:format(\"~0tp.~n\", [Event]), [append]).
    start(Name) -> gen_server:start({local, Name}, MODULE, Name, []).
    start_link(Name) -> gen_server:start_link({local, Name}, MODULE, Name, []).
    linger() -> receive never -> ok end, linger().
    init(Name) -> {ok, {state, VERSION, Name}}.
    handle_call(what, _, {state, Of, _} = State) -> {reply, {VERSION, Of}, State}.
    handle_cast(_, State) -> {noreply, State}.
    code_change(OldVsn, {state, Of, Name}, Extra) ->
        event({code_change, Name, VERSION, OldVsn, Of, Extra}),
        To = case OldVsn of {down, Lower} -> Lower; _ -> VERSION end,
        " ++ Change ++ ".
    ".

%% What code_change may evaluate: tell who of the others is suspended and who answers how.
-spec looking() -> string().
looking() ->
    "Status = fun(Other) -> {status, _, _, [_, Is | _]} = sys:get_status(Other), Is end,
    Suspended = [Other || Other <- [one, two, unlisted, free] -- [Name], Status(Other) =:= suspended],
    event({meanwhile, Name, suspended, Suspended, answers, gen_server:call(free, what)}),
    {ok, {state, To, Name}}".

%%% Upgrades

%% What happened in the release's VM so far, in the order in which it was told.
events(Folder) ->
    case file:consult(filename:join(Folder, "events")) of
        {ok, Events} -> Events;
        {error, enoent} -> []
    end.

%% How the release and its servers stand, and what was told since so many events.
stands({Peer, Folder}, Pids, Seen) ->
    Stands = probe_peer:call(Peer, ?MODULE, snapshot, [Pids]),
    {Old, New} = lists:split(Seen, events(Folder)),
    {Stands#{events => [probe_capture:text(Event) || Event <- New]}, length(Old) + length(New)}.

%% In the peer: the status of both releases, the version of the running application, and of each
%% server which version answers, of which its state is, and whether it is the process that it was.
-spec snapshot(#{atom() => pid()}) -> map().
snapshot(Pids) ->
    Statuses = [{Vsn, Status} || {_, Vsn, _, Status} <- release_handler:which_releases()],
    {_, _, Vsn} = lists:keyfind(?APPLICATION, 1, application:which_applications()),
    #{
        release_one => proplists:get_value("1", Statuses),
        release_two => proplists:get_value("2", Statuses),
        application_vsn => list_to_binary(Vsn),
        servers => maps:map(
            fun(Name, Pid) ->
                {Code, State} = gen_server:call(Name, what),
                Same = case whereis(Name) of Pid -> "same"; _ -> "another" end,
                probe_capture:text("code ~b, state ~b, ~ts process", [Code, State, Same])
            end,
            Pids
        )
    }.

%% In the peer: its servers.
-spec processes_of() -> #{atom() => pid()}.
processes_of() ->
    maps:from_list([{Name, whereis(Name)} || Name <- ?SERVERS]).

%% In the peer: have a process wait in code of the server that is old then.
-spec linger() -> pid().
linger() ->
    Pid = spawn(?SERVER, linger, []),
    probe_lib:await(fun() -> process_info(Pid, status) =:= {status, waiting} end, ?DEADLINE_MS),
    {module, ?SERVER} = code:load_file(?SERVER),
    true = erlang:check_process_code(Pid, ?SERVER),
    Pid.

%% Install a release in the peer; what is returned as text, of an error the kind and no pids.
installed({Peer, _}, Vsn) ->
    case probe_peer:call(Peer, release_handler, install_release, [Vsn]) of
        {error, {code_change_failed, _, Module, OldVsn, Reason}} ->
            probe_capture:text({code_change_failed, Module, OldVsn, Reason});
        {error, Reason} when is_tuple(Reason), is_atom(element(1, Reason)) ->
            probe_capture:text("error ~ts", [element(1, Reason)]);
        Other ->
            probe_capture:text(Other)
    end.

%% Install release 2, then release 1 again: how everything stands before, then and at last.
-spec upgraded_and_back(instructions()) -> probe_lib:evidence().
upgraded_and_back(Instructions) ->
    with_release(Instructions, fun({Handle, _} = Peer) ->
        Pids = probe_peer:call(Handle, ?MODULE, processes_of, []),
        {Before, First} = stands(Peer, Pids, 0),
        Up = installed(Peer, "2"),
        {Upgraded, Second} = stands(Peer, Pids, First),
        Down = installed(Peer, "1"),
        {Downgraded, _} = stands(Peer, Pids, Second),
        #{
            before => Before,
            upgraded => Upgraded#{returned => Up},
            downgraded => Downgraded#{returned => Down}
        }
    end).

%% Install release 2 by the given instructions: how everything stands then, and whether the server that
%% only release 2 has runs.
-spec instructed([term()]) -> probe_lib:evidence().
instructed(Up) ->
    with_release(#{up => Up}, fun({Handle, _} = Peer) ->
        Pids = probe_peer:call(Handle, ?MODULE, processes_of, []),
        {_, First} = stands(Peer, Pids, 0),
        Returned = installed(Peer, "2"),
        {Stands, _} = stands(Peer, Pids, First),
        Listed = probe_peer:call(Handle, supervisor, which_children, [hot_supervisor]),
        Stands#{
            returned => Returned,
            added_is_listed => lists:keymember(added, 1, Listed),
            added_runs => is_pid(probe_peer:call(Handle, erlang, whereis, [added]))
        }
    end).

%% Have the upgrade fail before it is under way, because release 2 lacks the code of its server
%% (`no_code') or a process is in old code that must not be killed (`old_process'), or let that be killed
%% (`brutal'): what is returned, how everything stands then and what became of that process.
-spec failed(no_code | old_process | brutal, instructions()) -> probe_lib:evidence().
failed(How, Instructions) ->
    with_release(Instructions, fun({Handle, Folder} = Peer) ->
        Pids = probe_peer:call(Handle, ?MODULE, processes_of, []),
        Old =
            case How of
                no_code ->
                    ok = file:delete(filename:join(ebin(Folder, 2), "hot_server.beam")),
                    maps:get(one, Pids);
                _ ->
                    probe_peer:call(Handle, ?MODULE, linger, [])
            end,
        {_, Seen} = stands(Peer, Pids, 0),
        Returned = installed(Peer, "2"),
        {Stands, _} = stands(Peer, Pids, Seen),
        Stands#{
            returned => Returned,
            old_process_lives => probe_peer:call(Handle, erlang, is_process_alive, [Old])
        }
    end).

%% Install release 2, do something more and wait for the VM to start the application again: what
%% installing returned, what was told from then on, and how both releases stand on disk.
-spec restarted(instructions(), fun((probe_peer:peer()) -> term())) -> probe_lib:evidence().
restarted(Instructions, Then) ->
    with_release(Instructions, fun({Handle, Folder} = Peer) ->
        Seen = length(events(Folder)),
        Returned = installed(Peer, "2"),
        _ = Then(Handle),
        Again = fun() -> lists:nthtail(Seen, events(Folder)) end,
        _ = probe_lib:until(fun() -> lists:keymember(init, 1, Again()) end, ?RESTART_MS),
        {ok, [Releases]} = file:consult(filename:join([Folder, "releases", "RELEASES"])),
        Statuses = maps:from_list([{element(3, Release), element(6, Release)} || Release <- Releases]),
        #{
            returned => Returned,
            events => [probe_capture:text(Event) || Event <- Again()],
            release_one => maps:get("1", Statuses),
            release_two => maps:get("2", Statuses)
        }
    end).

%% Make a relup of two releases with an appup file and without: what is returned.
-spec without_appup() -> probe_lib:evidence().
without_appup() ->
    probe_capture:with_folder(fun(Folder) ->
        ok = built(Folder, #{}),
        With = relup_text(relup(Folder)),
        ok = file:delete(filename:join(ebin(Folder, 2), atom_to_list(?APPLICATION) ++ ".appup")),
        #{with_appup => With, without_appup => relup_text(relup(Folder))}
    end).

relup_text({ok, Relup, _, _}) -> probe_capture:text({ok, Relup});
relup_text({error, Module, Reason}) -> probe_capture:text({error, Module, element(1, Reason)}).
