%% Probes of code in two versions: loading, purging, who runs what, and upgrades of releases. Claims
%% in claims/beam-hot-code-upgrades.toml.
-module(beam_hot_code_upgrades).

%% Loading.
-export([third_load/1]).
%% Purging.
-export([purge_table/1, purge_answers/1, purge_end/1, purge_cost/1]).
%% Who runs which version.
-export([versions_called/1, loops/1]).
%% State and code_change.
-export([
    change_on_load/1,
    change_code_results/1,
    suspended_messages/1,
    state_conversion/1,
    supervisor_change/1,
    old_terms/1,
    missing_function/1,
    same_code/1
]).
%% Files, and what the code server does with them.
-export([
    new_file/1,
    code_modes/1,
    file_status/1,
    checksums/1,
    sticky_folder/1,
    on_load_results/1,
    on_load_meanwhile/1,
    atomic_loads/1
]).
%% Releases.
-export([
    release_upgrade/1,
    release_instructions/1,
    release_suspends/1,
    release_failures/1,
    release_restart/1,
    appup_needed/1
]).


-define(CODE, beam_hot_code_upgrades_code).
-define(BEHAVIOURS, beam_hot_code_upgrades_behaviours).
-define(CHANGES, beam_hot_code_upgrades_changes).
-define(FILES, beam_hot_code_upgrades_files).
-define(ONLOAD, beam_hot_code_upgrades_onload).
-define(LOADS, beam_hot_code_upgrades_loads).
-define(PURGES, beam_hot_code_upgrades_purges).
-define(RELEASES, beam_hot_code_upgrades_releases).
-define(RUNS, beam_hot_code_upgrades_runs).
-define(TEXTS, beam_hot_code_upgrades_texts).
-define(SUBJECT, hot_subject).
-define(OTHER, hot_other).

%%% Loading

%% Load a third version of a module by every way, while a process runs each of the two before; and
%% while nobody runs the oldest.
%% Evidence: for each way what it returned, which versions were run before, what became of the
%% processes, what they answer then, and which version is current.
%% Cost: eighteen loads, 0.2 s.
%% Misread: a process that answers from the version before has not moved; it was not killed.
%% Source: https://www.erlang.org/doc/system/code_loading.html
-spec third_load(probe_lib:args()) -> probe_lib:evidence().
third_load(_) ->
    Beams = ?CODE:versions(?SUBJECT, ?TEXTS:loops()),
    Table = fun(Use) -> maps:map(fun(_, Way) -> ?LOADS:third(Way, {Beams, Use}) end, ?LOADS:ways()) end,
    #{used => Table(used), unused => Table(unused)}.

%%% Purging

%% Purge a module, by code:purge/1 and code:soft_purge/1, while a process has something of its old
%% code: runs it, keeps a fun or a literal of it, or has left it.
%% Evidence: for each process what it answered before and answers then, whether the VM says that it
%% uses old code, what purging returned, what became of the process and of the old code.
%% Cost: up to ten purges, 50 ms.
%% Misread: where old code is left, the process goes on in it; where it is not, the process may hold
%% a fun that fails only when it is called.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#check_process_code/3
-spec purge_table(#{holders := binary()}) -> probe_lib:evidence().
purge_table(#{holders := Holders}) ->
    Beams = ?CODE:versions(?SUBJECT, ?TEXTS:holders()),
    maps:map(
        fun(_, Make) ->
            #{
                purge => ?PURGES:purged(Make, fun code:purge/1, Beams),
                soft_purge => ?PURGES:purged(Make, fun code:soft_purge/1, Beams)
            }
        end,
        ?PURGES:holders(Holders)
    ).

%% Purge without old code, with old code that nobody uses, and with old code that is used.
%% Evidence: what code:purge/1 and code:soft_purge/1 return, whether old code is left, whether its
%% user lives.
%% Cost: six loads.
%% Misread: false is no failure of purge/1 and is one of soft_purge/1.
%% Source: https://www.erlang.org/doc/apps/kernel/code.html#purge/1
-spec purge_answers(probe_lib:args()) -> probe_lib:evidence().
purge_answers(_) ->
    Beams = ?CODE:versions(?SUBJECT, ?TEXTS:holders()),
    #{
        purge => ?PURGES:answers(fun code:purge/1, Beams),
        soft_purge => ?PURGES:answers(fun code:soft_purge/1, Beams)
    }.

%% End a process in old code that traps exits, by a purge; beside it by an exit signal and by a
%% message on which it returns.
%% Evidence: whether its after clause ran, what it was told, what a linked process heard, and how
%% many events were logged.
%% Cost: three processes, 0.2 s.
%% Misread: nothing is logged by a plain process that is killed; a supervisor logs the end of a child.
%% Source: https://www.erlang.org/doc/apps/kernel/code.html#purge/1
-spec purge_end(probe_lib:args()) -> probe_lib:evidence().
purge_end(_) ->
    Beams = ?CODE:versions(?SUBJECT, ?TEXTS:holders()),
    Ends = #{
        purge => fun(_) -> code:purge(?SUBJECT) end,
        exit_signal => fun(Pid) -> exit(Pid, boom) end,
        stop => fun(Pid) -> Pid ! stop end,
        crash => fun(Pid) -> Pid ! crash end
    },
    maps:map(
        fun(_, End) ->
            {Seen, Events} = probe_capture:with_log(fun() -> ?PURGES:guarded(End, Beams) end),
            Seen#{log_count => length(Events)}
        end,
        Ends
    ).

%% Load and purge a module that nobody is in, in a VM with few processes and with many.
%% Evidence: the least time of a load and of a purge with either number of idle processes, and how much
%% of what a purge takes more with many a load takes more.
%% Cost: 20,000 processes, 0.5 s.
%% Misread: the least time of several is what the work takes; a busy machine takes longer.
%% Source: https://github.com/erlang/otp/blob/OTP-27.0/erts/preloaded/src/erts_code_purger.erl
-spec purge_cost(#{few_count => pos_integer(), many_count => pos_integer()}) -> probe_lib:evidence().
purge_cost(Args) ->
    Beams = ?CODE:versions(?SUBJECT, ?TEXTS:loops()),
    Cost = fun(Idle) -> ?PURGES:cost(Idle, 5, Beams) end,
    #{load_us := LoadFew, purge_us := PurgeFew} = Few = Cost(maps:get(few_count, Args, 200)),
    #{load_us := LoadMany, purge_us := PurgeMany} = Many = Cost(maps:get(many_count, Args, 20_000)),
    #{
        few => Few,
        many => Many,
        purge_ratio => PurgeMany / PurgeFew,
        load_to_purge_growth_ratio => (LoadMany - LoadFew) / (PurgeMany - PurgeFew)
    }.

%%% Who runs which version

%% Have a process in a module's code call that module in several ways, and by funs made before and
%% after version 2 was loaded.
%% Evidence: the version that each call runs, before the load and after it.
%% Cost: one process, 30 ms.
%% Misread: the process itself stays in version 1 all the time.
%% Source: https://www.erlang.org/doc/system/code_loading.html#code-replacement
-spec versions_called(probe_lib:args()) -> probe_lib:evidence().
versions_called(_) ->
    ?RUNS:called(?CODE:versions(?SUBJECT, ?TEXTS:calls())).

%% Load new versions under processes that loop by local calls, by fully qualified ones, and as a
%% gen_server, with and without messages between the loads.
%% Evidence: the version that answers each of a few messages, before and after each load; what
%% became of the process.
%% Cost: a few processes, 0.1 s.
%% Misread: the message after a load is answered by the code that waited for it.
%% Source: https://www.erlang.org/doc/system/code_loading.html#code-replacement
-spec loops(probe_lib:args()) -> probe_lib:evidence().
loops(_) ->
    Beams = ?CODE:versions(?SUBJECT, ?TEXTS:loops()),
    Servers = ?CODE:versions(?SUBJECT, ?BEHAVIOURS:server()),
    #{
        local => ?RUNS:answered(stay, 2, Beams),
        qualified => ?RUNS:answered(move, 2, Beams),
        qualified_unasked => ?RUNS:answered(move, 0, Beams),
        qualified_asked_once => ?RUNS:answered(move, 1, Beams),
        gen_server => ?RUNS:answered(server, 2, Servers),
        gen_server_unasked => ?RUNS:answered(server, 0, Servers)
    }.

%%% State and code_change

%% Load new code under a gen_server in several ways; beside it, change its code with sys.
%% Evidence: for each way which version is current then, how often code_change/3 was called, which
%% version answers a call and of which version the state is.
%% Cost: seven servers, 0.2 s.
%% Misread: a call is answered by new code that works on old state.
%% Source: https://www.erlang.org/doc/apps/stdlib/sys.html#change_code/4
-spec change_on_load(probe_lib:args()) -> probe_lib:evidence().
change_on_load(_) ->
    Beams = ?CODE:versions(?SUBJECT, ?BEHAVIOURS:server()),
    Loaded = maps:map(fun(_, Way) -> ?CHANGES:on_load_by(Way, Beams) end, ?LOADS:reloads()),
    Loaded#{sys_change_code => ?CHANGES:on_change(suspended, Beams)}.

%% Call sys:change_code/4 of a gen_server that is suspended, and of one that is not; whose code_change/3
%% converts the state, refuses, crashes, is not there, or returns something else.
%% Evidence: what is returned, whether the server is suspended then, which calls of code_change/3
%% there were, which version answers when it goes on, and of which version its state is.
%% Cost: six servers, 0.2 s.
%% Misread: the error is an answer to the caller; the server does not know of it.
%% Source: https://www.erlang.org/doc/apps/stdlib/sys.html#change_code/4
-spec change_code_results(probe_lib:args()) -> probe_lib:evidence().
change_code_results(_) ->
    Case = fun(Running, How) ->
        ?CHANGES:on_change(Running, ?CODE:versions(?SUBJECT, ?BEHAVIOURS:server(How)))
    end,
    #{
        running => Case(running, converts),
        converts => Case(suspended, converts),
        refuses => Case(suspended, refuses),
        crashes => Case(suspended, crashes),
        absent => Case(suspended, absent)
    }.

%% Send a gen_server messages and a call before, while and after it is suspended for new code.
%% Evidence: how many waited, in which order they were handled, by which code and with which state;
%% which version answered the call.
%% Cost: one server.
%% Misread: a caller waits as long as its timeout allows.
%% Source: https://www.erlang.org/doc/apps/stdlib/sys.html#suspend/1
-spec suspended_messages(probe_lib:args()) -> probe_lib:evidence().
suspended_messages(_) ->
    ?CHANGES:messages_kept(?CODE:versions(?SUBJECT, ?BEHAVIOURS:server())).

%% Convert the state of a gen_server, a gen_statem, a handler of a gen_event and a special process.
%% Evidence: what each tells of its state before and then, the calls of its code_change with old
%% version, old state and extra.
%% Cost: four processes, 0.1 s.
%% Misread: the version handed over is what the caller of sys:change_code/4 said, nobody looked.
%% Source: https://www.erlang.org/doc/apps/stdlib/sys.html#change_code/4
-spec state_conversion(probe_lib:args()) -> probe_lib:evidence().
state_conversion(_) ->
    maps:map(
        fun(Kind, Text) -> ?CHANGES:converted(Kind, ?CODE:versions(?SUBJECT, Text)) end,
        #{
            server => ?BEHAVIOURS:server(),
            statem => ?BEHAVIOURS:statem(),
            handler => ?BEHAVIOURS:handler(),
            special => ?BEHAVIOURS:special()
        }
    ).

%% Change the code of a supervisor whose new version has other children and restarts.
%% Evidence: calls of init/1, children and their processes before and then, the shutdown time of one,
%% and what a child's end does then; beside it the same without the change.
%% Cost: two supervisors.
%% Misread: a child that the new version alone has is listed, and does not run.
%% Source: https://www.erlang.org/doc/system/appup_cookbook.html#changing-a-supervisor
-spec supervisor_change(probe_lib:args()) -> probe_lib:evidence().
supervisor_change(_) ->
    Beams = ?CODE:versions(?SUBJECT, ?BEHAVIOURS:supervisor()),
    #{
        changed => ?CHANGES:supervisor_changed(change, Beams),
        loaded_only => ?CHANGES:supervisor_changed(load_only, Beams)
    }.

%% Read and change, with new code, a term that old code made: a record whose fields are swapped or
%% more than before, a map that has more keys.
%% Evidence: the term, and what reading and changing it gives, by the old code and by the new.
%% Cost: six loads.
%% Misread: a record of another size is an error that is seen; one of the same size is read wrongly.
%% Source: https://www.erlang.org/doc/system/ref_man_records.html
-spec old_terms(probe_lib:args()) -> probe_lib:evidence().
old_terms(_) ->
    Beam = fun(Version, Text) -> ?CODE:beam(?SUBJECT, Version, Text) end,
    Records = fun(Fields) -> ?BEHAVIOURS:records(Fields) end,
    Old = Beam(1, Records("width, height")),
    New = fun(M) -> M:new(3, 40) end,
    #{
        same_fields => ?RUNS:read_by(New, Old, Beam(2, Records("width, height"))),
        swapped => ?RUNS:read_by(New, Old, Beam(2, Records("height, width"))),
        more_fields => ?RUNS:read_by(New, Old, Beam(2, Records("width, height, depth = 0"))),
        map => ?RUNS:read_by(
            New, Beam(1, ?BEHAVIOURS:maps("")), Beam(2, ?BEHAVIOURS:maps("depth => 0, "))
        )
    }.

%% Load code that lacks the function which a running loop calls to go on.
%% Evidence: the versions that answer, how the process ends and when, and what a fun M:F/A of a
%% function that is gone gives before and then.
%% Cost: one process.
%% Misread: loading succeeds; the process fails at its next message.
%% Source: https://www.erlang.org/doc/system/code_loading.html#code-replacement
-spec missing_function(probe_lib:args()) -> probe_lib:evidence().
missing_function(_) ->
    ?RUNS:into_missing({
        ?CODE:beam(?SUBJECT, 1, ?TEXTS:loops()), ?CODE:beam(?SUBJECT, 2, ?TEXTS:without_move())
    }).

%% Load the very same code again and again; beside it, other code.
%% Evidence: whether a process of the first is in old code, what became of it, what a fun of the
%% first gives then.
%% Cost: two processes.
%% Misread: the fun is valid, as its new code is found by the same checksum.
%% Source: https://www.erlang.org/doc/system/code_loading.html#code-replacement
-spec same_code(probe_lib:args()) -> probe_lib:evidence().
same_code(_) ->
    [First, _, _] = Versions = ?CODE:versions(?SUBJECT, ?TEXTS:loops()),
    #{same => ?RUNS:same_again([First, First, First]), other => ?RUNS:same_again(Versions)}.

%%% Files and what the code server does with them

%% Replace the file of a module that runs, and call the module.
%% Evidence: the versions that calls run before, after the file is there, after c:l/1, and when the
%% module is out of the VM; whether it is listed as modified.
%% Cost: 1,000 calls, 30 ms.
%% Misread: a module that is not loaded is loaded by the first call, from whatever file there is.
%% Source: https://www.erlang.org/doc/apps/kernel/code.html#module-initialization
-spec new_file(probe_lib:args()) -> probe_lib:evidence().
new_file(_) ->
    ?FILES:replaced(?CODE:versions(?SUBJECT, ?TEXTS:loops())).

%% Call a module that is not loaded and whose file is in the code path, in a VM in interactive mode and
%% in one in embedded mode.
%% Evidence: the mode, and what calls, ensure_loaded/1 and load_file/1 give in turn.
%% Cost: a peer, 0.5 s.
%% Misread: the mode is chosen at start; releases start in embedded mode.
%% Source: https://www.erlang.org/doc/system/code_loading.html
-spec code_modes(probe_lib:args()) -> probe_lib:evidence().
code_modes(_) ->
    Beam = ?CODE:beam(?SUBJECT, 1, ?TEXTS:loops()),
    #{
        interactive => ?FILES:unloaded(Beam),
        embedded => probe_peer:with(#{flags => ["-mode", "embedded"]}, fun(Peer) ->
            probe_peer:call(Peer, ?FILES, unloaded, [Beam])
        end)
    }.

%% Do something to the file of a loaded module: touch it, write the same or other code, remove it.
%% Evidence: the module's status and whether it is listed as modified; whether file and loaded code
%% have the same checksum.
%% Cost: six loads.
%% Misread: modified means other code, not a later file.
%% Source: https://www.erlang.org/doc/apps/kernel/code.html#module_status/1
-spec file_status(probe_lib:args()) -> probe_lib:evidence().
file_status(_) ->
    [First, Second | _] = ?CODE:versions(?SUBJECT, ?TEXTS:loops()),
    Text = ?TEXTS:loops(),
    Renamed = ?CODE:beam(?SUBJECT, 1, ?TEXTS:renamed(Text)),
    Write = fun(Beam) -> fun(File) -> ok = file:write_file(File, Beam) end end,
    Late = {{2040, 1, 1}, {0, 0, 0}},
    Acts = #{
        touched => fun(File) -> ok = file:change_time(File, Late) end,
        same_code => Write(First),
        other_vsn => Write(Renamed),
        other_code => Write(Second),
        removed => fun(File) -> ok = file:delete(File) end
    },
    maps:map(fun(_, Act) -> ?FILES:status_of(Act, First) end, Acts).

%% Compile code again, with debug information, with another vsn attribute, and with another value.
%% Evidence: whether checksum, vsn and the beam are the same as before.
%% Cost: five compilations.
%% Misread: the vsn attribute is the checksum where the source gives none.
%% Source: https://www.erlang.org/doc/apps/stdlib/beam_lib.html#md5/1
-spec checksums(probe_lib:args()) -> probe_lib:evidence().
checksums(_) ->
    Text = ?TEXTS:loops(),
    Beam = ?CODE:beam(?SUBJECT, 1, Text),
    #{
        again => ?FILES:compared(Beam, ?CODE:beam(?SUBJECT, 1, Text)),
        debug_info => ?FILES:compared(Beam, ?CODE:beam(?SUBJECT, 1, Text, [debug_info])),
        other_vsn => ?FILES:compared(Beam, ?CODE:beam(?SUBJECT, 1, ?TEXTS:renamed(Text))),
        other_value => ?FILES:compared(Beam, ?CODE:beam(?SUBJECT, 2, Text))
    }.

%% Load a second version over one that came out of a sticky folder, by every way; beside it out of
%% a folder that is not sticky. And ask the VM which of its own modules are sticky.
%% Evidence: by way what is returned and what is current.
%% Cost: eighteen loads, 0.2 s.
%% Misread: erlang:load_module/2 asks nobody.
%% Source: https://www.erlang.org/doc/apps/kernel/code.html#stick_dir/1
-spec sticky_folder(probe_lib:args()) -> probe_lib:evidence().
sticky_folder(_) ->
    Beams = ?CODE:versions(?SUBJECT, ?TEXTS:loops()),
    Table = fun(Sticky) ->
        maps:map(fun(_, Way) -> ?FILES:sticky({Sticky, Way}, Beams) end, ?LOADS:ways())
    end,
    #{
        sticky => Table(true),
        plain => Table(false),
        lists_is_sticky => code:is_sticky(lists),
        application_is_sticky => code:is_sticky(application),
        probe_is_sticky => code:is_sticky(?MODULE)
    }.

%% Load modules whose on_load function succeeds, fails or crashes, afresh and over a version in use.
%% Evidence: what is returned, how often on_load ran and whether in the loading process, what is
%% current then, whether there is old code, what became of the version's user.
%% Cost: six loads, 0.1 s.
%% Misread: a failed load over a version leaves no trace but a log event.
%% Source: https://www.erlang.org/doc/system/code_loading.html#running-a-function-when-a-module-is-loaded
-spec on_load_results(probe_lib:args()) -> probe_lib:evidence().
on_load_results(_) ->
    Before = ?CODE:beam(?SUBJECT, 1, ?TEXTS:loops()),
    maps:from_list([
        {How, #{
            afresh => ?ONLOAD:loaded(none, Beam),
            over_version => ?ONLOAD:loaded(Before, Beam)
        }}
     || How <- [succeeds, fails, crashes],
        Beam <- [?CODE:beam(?SUBJECT, 2, ?ONLOAD:text(How))]
    ]).

%% Call a module while its on_load function runs, afresh and over a version; and load one by ways that
%% run no on_load function.
%% Evidence: whether the call waits and what it gives in the end; what those ways return.
%% Cost: four loads.
%% Misread: callers of a new module wait without a deadline.
%% Source: https://www.erlang.org/doc/system/code_loading.html#running-a-function-when-a-module-is-loaded
-spec on_load_meanwhile(probe_lib:args()) -> probe_lib:evidence().
on_load_meanwhile(_) ->
    Before = ?CODE:beam(?SUBJECT, 1, ?TEXTS:loops()),
    Waits = ?CODE:beam(?SUBJECT, 2, ?ONLOAD:text(waits)),
    #{
        afresh => ?ONLOAD:meanwhile(none, Waits),
        over_version => ?ONLOAD:meanwhile(Before, Waits),
        without => ?ONLOAD:by_bif(?CODE:beam(?SUBJECT, 2, ?ONLOAD:text(succeeds)))
    }.

%% Load two modules with atomic_load, of which one cannot be loaded for one reason or another.
%% Evidence: what is returned, and which versions of both are current.
%% Cost: a dozen loads.
%% Misread: the order of the list does not matter.
%% Source: https://www.erlang.org/doc/apps/kernel/code.html#atomic_load/1
-spec atomic_loads(probe_lib:args()) -> probe_lib:evidence().
atomic_loads(_) ->
    Beams = ?CODE:versions(?SUBJECT, ?TEXTS:loops()),
    [OtherFirst, OtherSecond, _] = Others = ?CODE:versions(?OTHER, ?TEXTS:loops()),
    OnLoad = [OtherFirst, ?CODE:beam(?OTHER, 2, ?ONLOAD:text(succeeds))],
    #{
        both_fit => ?LOADS:all_or_none(fun(_) -> ok end, {Beams, Others}),
        old_code => ?LOADS:all_or_none(
            fun(Other) -> code:load_binary(Other, "", OtherSecond) end, {Beams, Others}
        ),
        on_load => ?LOADS:all_or_none(fun(_) -> ok end, {Beams, OnLoad}),
        bad_file => ?LOADS:all_or_none(fun(_) -> ok end, {Beams, [OtherFirst, <<"no beam">>]})
    }.

%%% Releases

%% Upgrade a release to the next one, whose application has an appup file, and back, by the release
%% handler.
%% Evidence: before, after the upgrade and after the downgrade: the status of both releases, the version
%% of the application, of each server its code, state and process; what code_change was told.
%% Cost: two releases and a peer, 1 s.
%% Misread: a server that is in no child specification runs new code with old state.
%% Source: https://www.erlang.org/doc/system/release_handling.html
-spec release_upgrade(probe_lib:args()) -> probe_lib:evidence().
release_upgrade(_) ->
    ?RELEASES:upgraded_and_back(#{}).

%% Upgrade a release by instructions that load a module, update it without converting state, and update
%% a supervisor, without starting its new child and with it.
%% Evidence: for each what the servers run then, what was told, and whether the new child runs.
%% Cost: four times two releases and a peer, 4 s.
%% Misread: an upgrade that returns ok need not have converted anything.
%% Source: https://www.erlang.org/doc/apps/sasl/appup.html
-spec release_instructions(probe_lib:args()) -> probe_lib:evidence().
release_instructions(_) ->
    Supervisor = {update, hot_application, supervisor},
    Start = {apply, {supervisor, restart_child, [hot_supervisor, added]}},
    #{
        load_module => ?RELEASES:instructed([{load_module, hot_server}]),
        update_soft => ?RELEASES:instructed([{update, hot_server}]),
        update_supervisor => ?RELEASES:instructed([Supervisor]),
        update_and_start => ?RELEASES:instructed([{load_module, hot_server}, Supervisor, Start])
    }.

%% During an upgrade, have code_change look at the other servers.
%% Evidence: which of them are suspended, and whether one that is not answers, and by which code.
%% Cost: two releases and a peer, 1 s.
%% Misread: the servers are changed one after the other, and all resumed at the end.
%% Source: https://www.erlang.org/doc/system/appup_cookbook.html
-spec release_suspends(probe_lib:args()) -> probe_lib:evidence().
release_suspends(_) ->
    #{upgraded := #{events := Events}} = ?RELEASES:upgraded_and_back(#{change => ?RELEASES:looking()}),
    #{events => Events}.

%% Let upgrades fail: by code_change of the second server, by code that is not there, by a process in
%% old code; beside that, let that process be killed.
%% Evidence: what is returned, what was told, how the releases and servers stand then.
%% Cost: four times two releases and a peer, 5 s.
%% Misread: after the point of no return an error is answered, and then the VM restarts.
%% Source: https://www.erlang.org/doc/apps/sasl/release_handler.html#install_release/1
-spec release_failures(probe_lib:args()) -> probe_lib:evidence().
release_failures(_) ->
    Refuse = "case Name of one -> {error, refused}; _ -> {ok, {state, To, Name}} end",
    Soft = [{update, hot_server, {advanced, up}, soft_purge, soft_purge, []}],
    #{
        code_change => ?RELEASES:restarted(#{change => Refuse}, fun(_) -> ok end),
        no_code => ?RELEASES:failed(no_code, #{}),
        old_process => ?RELEASES:failed(old_process, #{up => Soft}),
        brutal => ?RELEASES:failed(brutal, #{})
    }.

%% Restart a VM after an upgrade, made permanent and not.
%% Evidence: which version starts, and the status of both releases.
%% Cost: two times two releases and a peer, 3 s.
%% Misread: without make_permanent nothing is lost but at the next start.
%% Source: https://www.erlang.org/doc/apps/sasl/release_handler.html#make_permanent/1
-spec release_restart(probe_lib:args()) -> probe_lib:evidence().
release_restart(_) ->
    Restart = fun(Peer) -> probe_peer:cast(Peer, init, restart, []) end,
    #{
        installed => ?RELEASES:restarted(#{}, Restart),
        permanent => ?RELEASES:restarted(#{}, fun(Peer) ->
            ok = probe_peer:call(Peer, release_handler, make_permanent, ["2"]),
            Restart(Peer)
        end)
    }.

%% Make a relup file with the application's appup file and without it.
%% Evidence: what systools answers.
%% Cost: two releases, 0.3 s.
%% Misread: nobody works out the instructions but the author.
%% Source: https://www.erlang.org/doc/apps/sasl/systools.html#make_relup/4
-spec appup_needed(probe_lib:args()) -> probe_lib:evidence().
appup_needed(_) ->
    ?RELEASES:without_appup().
