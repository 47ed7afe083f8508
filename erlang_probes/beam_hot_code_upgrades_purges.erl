%% Processes that have something of a module's code, and what purging does to them. Knows nothing of
%% any claim.
-module(beam_hot_code_upgrades_purges).

-export([purged/3, holders/1, answers/2, guarded/2, cost/3]).

-define(CODE, beam_hot_code_upgrades_code).
-define(SUBJECT, hot_subject).
-define(DEADLINE_MS, 5_000).
%% How long the VM is given to copy literals of purged code.
-define(COPIED_MS, 2_000).
%% How long a process is given to come to rest, of which it is not known whether it will.
-define(RESTING_MS, 500).

%% A process that has something of the code, how it is asked for what it has, before and then; and
%% where it matters, how many words it has on its heap.
-type holder() ::
    {pid(), fun((before | then) -> term())}
    | {pid(), fun((before | then) -> term()), fun(() -> non_neg_integer())}.

%% With version 1 in the hands of a process and version 2 loaded, purge by one function: what the
%% process answered before, whether the VM says that it uses old code, whether it waits or is suspended
%% when it is purged, what purging returned, what became of the process and of the old code, and what
%% the process answers then.
-spec purged(fun(() -> holder()), fun((module()) -> term()), [binary()]) -> probe_lib:evidence().
purged(Make, Purge, [First, Second | _]) ->
    ?CODE:with([?SUBJECT], fun() ->
        ok = ?CODE:load(?SUBJECT, First),
        {Pid, Has, Words} =
            case Make() of
                {_, _} = Holder -> erlang:append_element(Holder, none);
                Holder -> Holder
            end,
        Ref = erlang:monitor(process, Pid),
        Before = said(Has(before)),
        WordsBefore = words(Words),
        ok = ?CODE:load(?SUBJECT, Second),
        OldCode = erlang:check_old_code(?SUBJECT),
        Uses = erlang:check_process_code(Pid, ?SUBJECT),
        Status = resting(Pid),
        Returned = Purge(?SUBJECT),
        #{
            has_before => Before,
            grown_words => grown(Words, WordsBefore),
            old_code_before => OldCode,
            uses_old_code => Uses,
            at_purge => Status,
            returned => Returned,
            process => ?CODE:fate(Pid, Ref),
            old_code_left => erlang:check_old_code(?SUBJECT),
            has_then => said(Has(then))
        }
    end).

%% The status of a process once it waits or is suspended, or that of one that does neither for a while.
resting(Pid) ->
    Status = fun() ->
        case process_info(Pid, status) of
            {status, Resting} when Resting =:= waiting; Resting =:= suspended -> {done, Resting};
            {status, Other} -> Other
        end
    end,
    maps:get(last, probe_lib:settle(Status, ?RESTING_MS)).

%% Literals are copied a moment after the purge.
grown(none, none) ->
    null;
grown(Words, Before) ->
    _ = probe_lib:until(fun() -> Words() > Before end, ?COPIED_MS),
    Words() - Before.

words(none) -> none;
words(Words) -> Words().

said(Text) when is_binary(Text) -> Text;
said(Term) -> probe_capture:text(Term).

%% By name, processes whose code runs, waits or is returned to (`running'), that keep funs of it
%% (`funs') or literals (`literals'), that have been in it or will be (`nothing').
-spec holders(binary()) -> #{atom() => fun(() -> holder())}.
holders(<<"running">>) ->
    #{
        waiting => fun() -> loop(fun(Pid) -> Pid end) end,
        suspended => fun() -> loop(fun suspend/1) end,
        computing => fun computing/0,
        returning_to_it => fun returning/0
    };
holders(<<"funs">>) ->
    Closure = fun() -> ?CODE:run(?SUBJECT, closure, [10]) end,
    Plain = fun() -> ?CODE:run(?SUBJECT, plain_fun, []) end,
    Call = fun(Fun) -> Fun() end,
    #{
        closure => fun() -> keeping(Closure, Call) end,
        plain_fun => fun() -> keeping(Plain, Call) end,
        external_fun => fun() -> keeping(fun() -> ?CODE:run(?SUBJECT, external, []) end, Call) end,
        in_mailbox => fun() -> mailed(Closure, Call) end,
        in_table => fun() -> tabled(Closure, Call) end
    };
holders(<<"literals">>) ->
    Literal = fun() -> ?CODE:run(?SUBJECT, literal, []) end,
    #{
        in_heap => fun() ->
            {Pid, Has} = keeping(Literal, fun lists:sum/1),
            {Pid, Has, fun() -> probe_measure:live_words(Pid) end}
        end,
        in_mailbox => fun() -> mailed(Literal, fun lists:sum/1) end
    };
holders(<<"nothing">>) ->
    Version = fun() -> ?CODE:run(?SUBJECT, version, []) end,
    #{
        returned => fun() -> keeping(Version, fun(Returned) -> Returned end) end,
        hibernating => fun hibernating/0
    }.

loop(Prepare) ->
    Pid = Prepare(?CODE:start(?SUBJECT, stay, [])),
    {Pid, fun(_) -> unsuspended(Pid, fun() -> ?CODE:ask(Pid, version) end) end}.

suspend(Pid) ->
    true = erlang:suspend_process(Pid),
    Pid.

%% What is suspended answers only while it is not.
unsuspended(Pid, Ask) ->
    case process_info(Pid, status) of
        {status, suspended} ->
            true = erlang:resume_process(Pid),
            Answer = Ask(),
            true = erlang:suspend_process(Pid),
            {suspended, Answer};
        _ ->
            Ask()
    end.

computing() ->
    Counter = counters:new(1, []),
    Pid = ?CODE:start(?SUBJECT, spin, [Counter]),
    {Pid, fun(_) -> counts(Pid, Counter) end}.

counts(Pid, Counter) ->
    Before = counters:get(Counter, 1),
    probe_lib:await(
        fun() -> counters:get(Counter, 1) > Before orelse not is_process_alive(Pid) end,
        ?DEADLINE_MS
    ),
    case counters:get(Counter, 1) > Before of
        true -> counts_on;
        false -> stands_still
    end.

%% Waits in the probe's own code, which the subject called.
returning() ->
    Self = self(),
    Inner = fun() ->
        Self ! inside,
        receive {ask, From, Ref, return} -> {From, Ref} end
    end,
    Pid = ?CODE:mine(spawn(fun() ->
        {Version, {From, Ref}} = ?CODE:run(?SUBJECT, back, [Inner]),
        From ! {Ref, {returned_to, Version}}
    end)),
    receive inside -> ok after ?DEADLINE_MS -> error({setup, not_inside}) end,
    {Pid, fun
        (before) ->
            {current_stacktrace, Stack} = process_info(Pid, current_stacktrace),
            [Module || {Module, _, _, _} <- Stack, Module =:= ?SUBJECT];
        (then) ->
            ?CODE:ask(Pid, return)
    end}.

hibernating() ->
    Pid = probe_lib:asleep(?CODE:start(?SUBJECT, asleep, [])),
    {Pid, fun
        (before) -> element(2, process_info(Pid, current_function));
        (then) -> ?CODE:ask(Pid, version)
    end}.

keeping(Make, Use) ->
    Pid = ?CODE:mine(probe_lib:subject([])),
    kept = probe_lib:ask(Pid, fun(_) -> {kept, Make()} end),
    {Pid, fun(_) -> probe_lib:ask(Pid, fun(Kept) -> {outcome(Use, Kept), Kept} end) end}.

mailed(Make, Use) ->
    Pid = ?CODE:mine(probe_lib:subject([])),
    sent = probe_lib:ask(Pid, fun(S) -> self() ! {kept, Make()}, {sent, S} end),
    {Pid, fun(_) ->
        probe_lib:ask(Pid, fun(S) ->
            receive {kept, Kept} -> self() ! {kept, Kept}, {outcome(Use, Kept), S} end
        end)
    end}.

tabled(Make, Use) ->
    Pid = ?CODE:mine(probe_lib:subject([])),
    Table = probe_lib:ask(Pid, fun(S) ->
        New = ets:new(kept, []),
        true = ets:insert(New, {kept, Make()}),
        {New, S}
    end),
    {Pid, fun(_) ->
        probe_lib:ask(Pid, fun(S) -> {outcome(Use, ets:lookup_element(Table, kept, 2)), S} end)
    end}.

outcome(Use, Kept) ->
    probe_capture:outcome(fun() -> Use(Kept) end).

%% What purging by one function returns without old code, with old code that nobody uses, and with
%% old code that a process waits in; whether that process lives then.
-spec answers(fun((module()) -> term()), [binary()]) -> probe_lib:evidence().
answers(Purge, [First, Second | _]) ->
    ?CODE:with([?SUBJECT], fun() ->
        ok = ?CODE:load(?SUBJECT, First),
        NoOld = Purge(?SUBJECT),
        ok = ?CODE:load(?SUBJECT, Second),
        UnusedBefore = erlang:check_old_code(?SUBJECT),
        Unused = Purge(?SUBJECT),
        UnusedLeft = erlang:check_old_code(?SUBJECT),
        Pid = ?CODE:start(?SUBJECT, stay, []),
        2 = ?CODE:ask(Pid, version),
        ok = ?CODE:load(?SUBJECT, First),
        Used = Purge(?SUBJECT),
        #{
            without_old_code => NoOld,
            unused_before => UnusedBefore,
            unused => Unused,
            unused_left => UnusedLeft,
            used => Used,
            used_left => erlang:check_old_code(?SUBJECT),
            user_lives => is_process_alive(Pid)
        }
    end).

%% End a process in old code that traps exits, has an after clause and a link, by one way: what it is
%% told, whether its after clause ran, the reason of its end and what the linked process was told.
-spec guarded(fun((pid()) -> term()), [binary()]) -> probe_lib:evidence().
guarded(End, [First, Second | _]) ->
    ?CODE:with([?SUBJECT], fun() ->
        process_flag(trap_exit, true),
        ok = ?CODE:load(?SUBJECT, First),
        Pid = ?CODE:start(?SUBJECT, guarded, [self()]),
        true = link(Pid),
        1 = ?CODE:ask(Pid, version),
        ok = ?CODE:load(?SUBJECT, Second),
        _ = End(Pid),
        {LinkedHears, Told} =
            receive
                {'EXIT', Pid, Reason} -> {probe_capture:text(Reason), <<"nothing">>};
                {told, Message} -> {<<"nothing">>, probe_capture:text(Message)}
            after ?DEADLINE_MS -> error({setup, nothing_came_of_it})
            end,
        #{
            linked_hears => LinkedHears,
            told => Told,
            after_ran => receive after_ran -> true after 0 -> false end,
            survives => is_process_alive(Pid)
        }
    end).

%% With so many idle processes in the VM, load each of two versions over the other and purge what is
%% old, nobody being in it, so many times: the least time of a load and of a purge.
-spec cost(non_neg_integer(), pos_integer(), [binary()]) -> #{load_us := float(), purge_us := float()}.
cost(Idle, Rounds, [First, Second | _]) ->
    ?CODE:with([?SUBJECT], fun() ->
        Pids = [probe_lib:subject([]) || _ <- lists:seq(1, Idle)],
        ok = ?CODE:load(?SUBJECT, First),
        Times = [timed(Beam) || _ <- lists:seq(1, Rounds), Beam <- [Second, First]],
        _ = probe_lib:kill_all(Pids),
        {Loads, Purges} = lists:unzip(Times),
        #{load_us => lists:min(Loads), purge_us => lists:min(Purges)}
    end).

timed(Beam) ->
    Load = probe_measure:elapsed_us(fun() -> {module, _} = erlang:load_module(?SUBJECT, Beam) end),
    true = erlang:check_old_code(?SUBJECT),
    Purge = probe_measure:elapsed_us(fun() -> false = code:purge(?SUBJECT) end),
    {Load, Purge}.
