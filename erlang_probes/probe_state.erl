%% What of a VM's state a probe may have changed: taken before it, compared after it, named.
%% Knows what a VM tells of itself; knows nothing of the wire, of probes or of any claim.
%%
%% Reading it all takes less than a tenth of a millisecond. What cannot be read at all (which
%% timers run) or only for milliseconds (which functions are traced, which programs run outside)
%% has a witness: a counter of calls of the one function through which it is changed.
-module(probe_state).

-export([take/1, settled/1]).

-export_type([state/0, found/0]).

-opaque state() :: #{atom() => term()}.
%% What was left, each in words; and whether the node is spent: nothing is seen to be left, but
%% what was done cannot be looked at.
-type found() :: {[binary()], Spent :: boolean()}.

%% What a probe started may need a moment to end after it; nothing is a leftover before that.
-define(SETTLE_MS, 300).
%% So many things of one kind are named, the others are counted.
-define(MOST_OF_A_KIND, 20).
%% Services that a VM starts once, at first use, and keeps: nobody's leftovers.
-define(LAZY_SERVICES, [
    timer_server, dets, dets_sup, disk_log_server, disk_log_sup,
    inet_gethost_native, inet_gethost_native_sup
]).
-define(LAZY_PROGRAMS, [<<"erl_child_setup\n">>, <<"inet_gethost\n">>]).
%% Their size says only what was loaded or looked up.
-define(GROWING_TABLES, [code, code_server, code_names, inet_db, inet_cache, inet_sockets]).
%% After a call of these the node is spent: tracing of functions, and timers that send to a name.
-define(UNSEEN, [
    {erts_internal, trace_pattern, 3},
    {erts_internal, trace_pattern, 4},
    {erlang, send_after, 3},
    {erlang, send_after, 4},
    {erlang, start_timer, 3},
    {erlang, start_timer, 4}
]).
%% After a call of this the programs are looked for that run outside the VM.
-define(PROGRAMS, {erlang, open_port, 2}).

%% Take the state of the VM as it is; Port is the bridge's own. Taken and compared by the same
%% process, which is in no state.
-spec take(port()) -> state().
take(Port) ->
    lists:foreach(fun watch/1, [?PROGRAMS | ?UNSEEN]),
    Scratch = os:getenv("TMPDIR", "/tmp"),
    snapshot(#{
        port => Port,
        scratch => Scratch,
        processes => [],
        ports => [],
        accounting => {off, none},
        port_programs => called(?PROGRAMS),
        programs => []
    }).

%% A counter that counts already is left alone: setting it puts it to zero.
watch(Function) ->
    case called(Function) of
        Count when is_integer(Count) -> ok;
        _ -> erlang:trace_pattern(Function, true, [call_count])
    end.

called(Function) ->
    {call_count, Count} = erlang:trace_info(Function, call_count),
    Count.

%% What differs from the state before once everything had its time to end, and the state now.
-spec settled(state()) -> {found(), state()}.
settled(Before) ->
    settled(Before, 1, erlang:monotonic_time(millisecond) + ?SETTLE_MS).

settled(Before, Pause, Deadline) ->
    After = snapshot(Before),
    Found = differences(Before, After),
    case Found =:= [] orelse erlang:monotonic_time(millisecond) >= Deadline of
        true ->
            {{Found, maps:get(unseen, Before) =/= maps:get(unseen, After)}, After};
        false ->
            timer:sleep(Pause),
            settled(Before, Pause * 2, Deadline)
    end.

%% --- Taking ---------------------------------------------------------------------------------

snapshot(#{port := Port, scratch := Scratch} = Known) ->
    Called = called(?PROGRAMS),
    #{
        port => Port,
        scratch => Scratch,
        processes => living_processes(maps:get(processes, Known)),
        ports => living_ports(maps:get(ports, Known)),
        tables => lists:sort([{Table, ets:info(Table, size)} || Table <- ets:all()]),
        names => lists:sort([{Name, whereis(Name)} || Name <- registered()]),
        persistent_terms => persistent_terms(),
        modules => lists:sort(erlang:loaded()),
        tracing => tracing(Port),
        flags => system_flags(),
        accounting => accounting(maps:get(accounting, Known)),
        applications => lists:sort(ets:tab2list(ac_tab)),
        logger => lists:sort(ets:tab2list(logger)),
        environment => lists:sort(environment()),
        surroundings => [{working_folder, prim_file:get_cwd()}, {code_path, code_path()}],
        files => files(Scratch),
        timers => timers(whereis(timer_server)),
        port_programs => Called,
        programs => programs(Called, Known),
        unseen => [called(Function) || Function <- ?UNSEEN]
    }.

%% OTP 23 has no os:env/0, and is still what a claim "since 24" must not hold on.
environment() ->
    case erlang:function_exported(os, env, 0) of
        true -> os:env();
        false -> [list_to_tuple(string:split(Entry, "=")) || Entry <- os:getenv()]
    end.

%% All but the caller. Listing all processes is a scan of the whole process table, up to a
%% millisecond; asking the known ones whether they live takes a microsecond, and when all do and
%% the VM counts no more, there are no others.
living_processes(Known) ->
    Same =
        erlang:system_info(process_count) =:= length(Known) + 1 andalso
            lists:all(fun is_process_alive/1, Known),
    case Same of
        true -> Known;
        false -> lists:sort(processes()) -- [self()]
    end.

living_ports(Known) ->
    Lives = fun(Port) -> erlang:port_info(Port, id) =/= undefined end,
    case erlang:system_info(port_count) =:= length(Known) andalso lists:all(Lives, Known) of
        true -> Known;
        false -> lists:sort(erlang:ports())
    end.

%% Keys are copied: a reference to the original would make the VM's clean-up after an erased term
%% visit this process, and disturb who measures that. Of a value its hash is enough.
%% The logger keeps the level of each module that has logged as a term: nobody's leftover.
persistent_terms() ->
    lists:sort([
        {binary_to_term(term_to_binary(Key)), erlang:phash2(Value)}
     || {Key, Value} <- persistent_term:get(), not is_logger_cache(Key)
    ]).

is_logger_cache({logger_config, Module}) -> is_atom(Module) andalso Module =/= '$primary_config$';
is_logger_cache(_) -> false.

%% Tracing of single processes ends with its tracer, and a tracer that lives is a leftover itself;
%% tracing of all existing ones shows in any of them.
tracing(Port) ->
    [
        {new_processes, erlang:trace_info(new_processes, flags)},
        {new_ports, erlang:trace_info(new_ports, flags)},
        {init, erlang:trace_info(whereis(init), flags)},
        {bridge, erlang:trace_info(self(), flags)},
        {port, erlang:trace_info(Port, flags)},
        {system_monitor, erlang:system_monitor()},
        {system_profile, erlang:system_profile()},
        {sequential, seq_trace:get_system_tracer()},
        {sessions, sessions()}
    ].

%% Trace sessions are younger than some releases. The one that legacy calls use is always there,
%% and named once the module is loaded.
sessions() ->
    case erlang:function_exported(trace, session_info, 1) of
        true -> length([S || {_, Name} = S <- apply(trace, session_info, [all]), Name =/= default]);
        false -> 0
    end.

system_flags() ->
    Info = [
        schedulers_online, dirty_cpu_schedulers_online, multi_scheduling, scheduler_bind_type,
        fullsweep_after, min_heap_size, min_bin_vheap_size, max_heap_size,
        trace_control_word, time_offset
    ],
    [{Flag, erlang:system_info(Flag)} || Flag <- Info] ++
        [
            {scheduler_wall_time, erlang:statistics(scheduler_wall_time) =/= undefined},
            {backtrace_depth, backtrace_depth()}
        ].

%% Nothing tells this flag but setting it.
backtrace_depth() ->
    Usual = 8,
    case erlang:system_flag(backtrace_depth, Usual) of
        Usual ->
            Usual;
        Other ->
            _ = erlang:system_flag(backtrace_depth, Other),
            Other
    end.

%% The VM always answers with counters, in any order; they stand still while the accounting is off.
accounting({Was, Counters}) ->
    case counters() of
        Counters ->
            {Was, Counters};
        First ->
            case counters() of
                First -> {off, First};
                _ -> {on, First}
            end
    end.

counters() ->
    lists:sort(erlang:statistics(microstate_accounting)).

%% How much the lazy service of timers holds; it comes up with nothing.
timers(undefined) ->
    0;
timers(Server) ->
    lists:sum([ets:info(Table, size) || Table <- ets:all(), ets:info(Table, owner) =:= Server]).

%% A server that is gone is named as a process; asking it would be an error of the bridge.
code_path() ->
    case whereis(code_server) of
        undefined -> undefined;
        _ -> code:get_path()
    end.

files(Folder) ->
    case prim_file:list_dir(Folder) of
        {ok, Names} -> lists:sort(Names);
        {error, Reason} -> [Reason]
    end.

%% Programs that carry this VM's scratch folder in their environment, or one below it, as peers do.
%% What a probe starts with an environment of its own (`env -i') is not found. Process 1 is the
%% machine's or the container's own.
programs(Called, #{port_programs := Called, programs := Known}) ->
    Known;
programs(_, #{scratch := Scratch}) ->
    Mark = unicode:characters_to_binary([0, "TMPDIR=", Scratch]),
    Own = os:getpid(),
    {ok, Names} = prim_file:list_dir("/proc"),
    lists:sort([
        {Pid, Program}
     || [Digit | _] = Pid <- Names, Digit >= $0, Digit =< $9, Pid =/= Own, Pid =/= "1",
        {ok, Environment} <- [prim_file:read_file("/proc/" ++ Pid ++ "/environ")],
        binary:match(<<0, Environment/binary>>, Mark) =/= nomatch,
        {ok, Program} <- [prim_file:read_file("/proc/" ++ Pid ++ "/comm")],
        not lists:member(Program, ?LAZY_PROGRAMS)
    ]).

%% --- Comparing ------------------------------------------------------------------------------

differences(Before, After) ->
    Lazy = [Pid || Name <- ?LAZY_SERVICES, Pid <- [whereis(Name)], Pid =/= undefined],
    lists:append([
        few(difference(Kind, maps:get(Kind, Before), maps:get(Kind, After), Lazy))
     || Kind <- [
            processes, ports, tables, names, persistent_terms, modules, tracing, flags,
            accounting, applications, logger, environment, surroundings, files, timers, programs
        ]
    ]).

%% Only what is shown is put into words: 200,000 processes are as quickly said as 20.
few(Words) ->
    case length(Words) - ?MOST_OF_A_KIND of
        More when More > 0 ->
            [Say() || Say <- lists:sublist(Words, ?MOST_OF_A_KIND)] ++
                [text("and ~w more like the one before", [More])];
        _ ->
            [Say() || Say <- Words]
    end.

difference(_, Same, Same, _) ->
    [];
difference(processes, Before, After, Lazy) ->
    New = [Pid || Pid <- subtract(After, Before) -- Lazy, is_process_alive(Pid)],
    [fun() -> process_text(Pid) end || Pid <- New] ++ gone("process ~w", subtract(Before, After));
difference(ports, Before, After, Lazy) ->
    [
        fun() -> port_text(Port) end
     || Port <- subtract(After, Before),
        foreign(erlang:port_info(Port, connected), Lazy)
    ];
difference(modules, Before, After, _) ->
    said("module ~tw", [Module || Module <- subtract(After, Before), not of_otp(Module)]);
difference(files, Before, After, _) ->
    said("file ~0tp in the scratch folder", subtract(After, Before)) ++
        gone("file ~0tp in the scratch folder", subtract(Before, After));
difference(programs, Before, After, _) ->
    [
        fun() -> text("program ~ts ~ts outside the VM", [Pid, string:trim(Name)]) end
     || {Pid, Name} <- subtract(After, Before)
    ];
difference(accounting, {Was, _}, {Is, _}, _) ->
    [fun() -> text("system flag microstate_accounting is now ~w", [Is]) end || Is =/= Was];
difference(timers, Before, After, _) ->
    [fun() -> text("~w timers of the timer service", [After]) end || After > Before];
difference(tables, Before, After, Lazy) ->
    keyed(tables, Before, [
        Pair
     || {Table, _} = Pair <- After,
        foreign(ets:info(Table, owner), Lazy)
    ]);
difference(names, Before, After, _) ->
    keyed(names, Before, [Pair || {Name, _} = Pair <- After, not lists:member(Name, ?LAZY_SERVICES)]);
difference(Kind, Before, After, _) ->
    keyed(Kind, Before, After).

subtract(These, Those) ->
    ordsets:subtract(These, Those).

%% Kinds that have a value by name: new ones, others, and those that are gone.
keyed(Kind, Before, After) ->
    Pairs = [pair(Entry) || Entry <- After],
    Old = maps:from_list([pair(Entry) || Entry <- Before]),
    Lost = maps:keys(maps:without([Key || {Key, _} <- Pairs], Old)),
    [
        fun() -> new(Kind, Key, Value, maps:find(Key, Old)) end
     || {Key, Value} <- Pairs, maps:find(Key, Old) =/= {ok, Value}, counts(Kind, Key)
    ] ++ gone(of_kind(Kind), Lost).

pair({Key, Value}) -> {Key, Value};
pair(Record) -> {element(1, Record), Record}.

counts(tables, Table) -> not lists:member(ets:info(Table, name), ?GROWING_TABLES);
counts(_, _) -> true.

new(tables, Table, _, error) ->
    Info = [{Key, ets:info(Table, Key)} || Key <- [name, owner, size]],
    text("table ~0tp ~0tp", [Table, Info]);
new(tables, Table, Size, {ok, Was}) ->
    text("table ~0tp has ~w entries, not ~w", [Table, Size, Was]);
new(names, Name, _, {ok, _}) ->
    text("registered name ~tw is another process", [Name]);
new(persistent_terms, Key, _, {ok, _}) ->
    text("persistent term ~0tp has another value", [Key]);
new(Kind, Key, _, error) ->
    text(of_kind(Kind), [Key]);
new(tracing, Who, What, _) ->
    text("tracing of ~0tp: ~0tp", [Who, What]);
new(flags, Flag, Value, _) ->
    text("system flag ~tw is now ~0tp", [Flag, Value]);
new(Kind, Key, _, _) ->
    text(of_kind(Kind) ++ " is another", [Key]).

of_kind(tables) -> "table ~0tp";
of_kind(names) -> "registered name ~tw";
of_kind(persistent_terms) -> "persistent term ~0tp";
of_kind(applications) -> "application controller's entry ~0tp";
of_kind(logger) -> "configuration of the logger for ~0tp";
of_kind(environment) -> "environment variable ~0tp";
of_kind(surroundings) -> "~tw";
of_kind(_) -> "~0tp".

said(Format, Things) ->
    [fun() -> text(Format, [Thing]) end || Thing <- Things].

gone(Format, Things) ->
    said(Format ++ " is gone", Things).

text(Format, Arguments) ->
    probe_evidence:text(Format, Arguments).

%% Whether something that still exists belongs to none of the lazy services.
foreign(undefined, _) -> false;
foreign({connected, Pid}, Lazy) -> not lists:member(Pid, Lazy);
foreign(Pid, Lazy) -> not lists:member(Pid, Lazy).

%% Modules of OTP are loaded at first use and stay.
of_otp(Module) ->
    case code:is_loaded(Module) of
        {file, File} when is_list(File) -> lists:prefix(code:root_dir(), File);
        {file, _} -> true;
        false -> false
    end.

process_text(Pid) ->
    Keys = [registered_name, initial_call, current_function],
    text("process ~w ~0tp", [Pid, process_info(Pid, Keys)]).

port_text(Port) ->
    text("port ~w ~0tp", [Port, erlang:port_info(Port, name)]).
