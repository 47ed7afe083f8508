%% Exit signals, links and monitors for the fault-tolerance probes: sends them, races them, and says
%% what they did to whom. Knows nothing of any claim.
-module(beam_fault_tolerance_signals).

-export([
    watched/1,
    watched_proc_lib/1,
    mailbox/1,
    outcome/3,
    exit_reason/1,
    take/1,
    chain/1,
    row_killed/2,
    downs/1,
    cleanup/2,
    to_the_dead/2,
    repeated/2,
    survives/3,
    down_order_of/1,
    late_demonitor/1,
    raced_demonitor/0,
    count_messages/0,
    raced_unlink/1,
    shape/1
]).

-define(DEADLINE_MS, 5_000).

%% Spawn Body with a monitor and wait for its end: the reason of its exit.
-spec watched(fun(() -> term())) -> term().
watched(Body) ->
    {Pid, Ref} = spawn_monitor(Body),
    ended(Pid, Ref).

%% As watched/1, of a process that proc_lib starts.
-spec watched_proc_lib(fun(() -> term())) -> term().
watched_proc_lib(Body) ->
    Pid = proc_lib:spawn(fun() -> receive go -> Body() end end),
    Ref = erlang:monitor(process, Pid),
    Pid ! go,
    ended(Pid, Ref).

ended(Pid, Ref) ->
    case probe_lib:gone(Ref, ?DEADLINE_MS) of
        alive -> error({setup, {still_alive, Pid}});
        Reason -> Reason
    end.

%% The messages that wait for a process.
-spec mailbox(pid()) -> [term()].
mailbox(Pid) ->
    {messages, Messages} = process_info(Pid, messages),
    Messages.

%% Send one process one exit signal with Reason and say what that did to it: `survives', <<"dies
%% with R">>, <<"message R">> (an 'EXIT' message) or <<"down R">> (a 'DOWN' message). Mechanisms:
%% exit2 (a signal by exit/2 from another process), exit2_self (exit/2 to itself), exit1 (exit/1),
%% link (a linked process that calls exit/1), monitor (a monitored process that calls exit/1).
-spec outcome(binary(), boolean(), term()) -> survives | binary().
outcome(Mechanism, Trapping, Reason) ->
    Subject = probe_lib:subject([]),
    Monitor = erlang:monitor(process, Subject),
    try
        _ = probe_lib:ask(Subject, fun(S) -> {process_flag(trap_exit, Trapping), S} end),
        ok = signal(Mechanism, Subject, Reason),
        case is_process_alive(Subject) of
            true -> describe(probe_lib:ask(Subject, fun take/1));
            false ->
                Why = ended(Subject, Monitor),
                probe_capture:text("dies with ~ts", [probe_capture:reason(Why)])
        end
    after
        erlang:demonitor(Monitor, [flush]),
        probe_lib:kill_and_wait(Subject)
    end.

signal(<<"exit2">>, Subject, Reason) ->
    true = exit(Subject, Reason),
    ok;
signal(<<"exit2_self">>, Subject, Reason) ->
    ask_or_die(Subject, fun(S) -> {exit(self(), Reason), S} end);
signal(<<"exit1">>, Subject, Reason) ->
    ask_or_die(Subject, fun(_) -> exit(Reason) end);
signal(<<"link">>, Subject, Reason) ->
    Partner = probe_lib:ask(Subject, fun(S) -> {spawn_link(exit_reason(Reason)), S} end),
    Partner ! go,
    gone_from(links, Subject);
signal(<<"monitor">>, Subject, Reason) ->
    {Partner, _} = probe_lib:ask(Subject, fun(S) -> {spawn_monitor(exit_reason(Reason)), S} end),
    Partner ! go,
    gone_from(monitors, Subject).

ask_or_die(Subject, Fun) ->
    try probe_lib:ask(Subject, Fun) of
        _ -> ok
    catch
        error:{subject_died, _} -> ok
    end.

%% A link or monitor leaves the receiver's list when its signal was handled, also when it was
%% dropped.
gone_from(Item, Subject) ->
    Left = fun() -> [Left || {_, [_ | _] = Left} <- [process_info(Subject, Item)]] end,
    probe_lib:await(fun() -> Left() =:= [] orelse Left() end, ?DEADLINE_MS).

%% The body of a process that exits with Reason when it is told `go'.
-spec exit_reason(term()) -> fun(() -> no_return()).
exit_reason(Reason) ->
    fun() -> receive go -> exit(Reason) end end.

%% For probe_lib:ask/2: take the first message out of the subject's mailbox.
-spec take(State) -> {term(), State}.
take(State) ->
    receive
        Message -> {Message, State}
    after 0 -> {none, State}
    end.

describe(none) -> survives;
describe({'EXIT', _, Reason}) ->
    probe_capture:text("message ~ts", [probe_capture:reason(Reason)]);
describe({'DOWN', _, process, _, Reason}) ->
    probe_capture:text("down ~ts", [probe_capture:reason(Reason)]).

%% A row of subjects, each linked to the one before it; the first is returned first.
-spec chain(pos_integer()) -> [pid()].
chain(Length) ->
    [First | Rest] = Pids = [probe_lib:subject([]) || _ <- lists:seq(1, Length)],
    _ = lists:foldl(
        fun(Next, Last) ->
            true = probe_lib:ask(Next, fun(S) -> {link(Last), S} end),
            Next
        end,
        First,
        Rest
    ),
    Pids.

%% Kill the first of a row of so many linked processes; see the probe of that name.
-spec row_killed(pos_integer(), fun((First :: pid()) -> term())) -> map().
row_killed(Length, Kill) ->
    Pids = chain(Length),
    Refs = [erlang:monitor(process, Pid) || Pid <- Pids],
    {Victims, [Trapper, Beyond]} = lists:split(Length - 2, Pids),
    try
        _ = probe_lib:ask(Trapper, fun(S) -> {process_flag(trap_exit, true), S} end),
        Kill(hd(Pids)),
        [First | Rest] = downs(lists:sublist(Refs, Length - 2)),
        {Sender, Reason} = heard(Trapper),
        #{
            first_dies_reason => First,
            rest_die_reasons => lists:usort(Rest),
            dead_count => length([Why || Why <- [First | Rest], Why =/= survives]),
            trapper_hears_reason => Reason,
            trapper_hears_from_neighbour => Sender =:= lists:last(Victims),
            beyond_trapper_survives => is_process_alive(Beyond)
        }
    after
        [probe_lib:kill_and_wait(Pid) || Pid <- Pids],
        [erlang:demonitor(Ref, [flush]) || Ref <- Refs]
    end.

%% The exit reasons of monitored processes, or `survives' for those that live past the deadline.
-spec downs([reference()]) -> [term()].
downs(Refs) ->
    Deadline = erlang:monotonic_time(millisecond) + ?DEADLINE_MS,
    [
        receive
            {'DOWN', Ref, process, _, Why} -> Why
        after max(0, Deadline - erlang:monotonic_time(millisecond)) -> survives
        end
     || Ref <- Refs
    ].

%% The first 'EXIT' message of a subject that traps exits: its sender and reason, if there is one.
heard(Trapper) ->
    Empty = {message_queue_len, 0},
    Told = fun() -> process_info(Trapper, message_queue_len) =/= Empty end,
    _ = probe_lib:until(Told, ?DEADLINE_MS),
    case is_process_alive(Trapper) andalso probe_lib:ask(Trapper, fun take/1) of
        {'EXIT', Sender, Reason} -> {Sender, Reason};
        _ -> {nobody, nothing}
    end.

%% Run Body inside try, send the process Signal unless it is none: which clauses ran.
-spec cleanup(fun(() -> term()), none | term()) -> map().
cleanup(Body, Signal) ->
    Self = self(),
    Tag = make_ref(),
    Guarded = fun() ->
        try
            Self ! {Tag, ready},
            Body()
        catch
            _:_ -> Self ! {Tag, caught}
        after
            Self ! {Tag, after_ran}
        end
    end,
    {Pid, Ref} = spawn_monitor(Guarded),
    receive {Tag, ready} -> ok after ?DEADLINE_MS -> error({setup, {not_ready, Pid}}) end,
    Signal =/= none andalso exit(Pid, Signal),
    Reason = ended(Pid, Ref),
    Ran = fun(What) -> receive {Tag, What} -> true after 0 -> false end end,
    #{catch_ran => Ran(caught), after_ran => Ran(after_ran), exit_reason => Reason}.

%% Do something to a process that is dead, trapping exits or not: what came of it.
-spec to_the_dead(fun((pid()) -> term()), boolean()) -> map().
to_the_dead(Operation, Trapping) ->
    {Dead, Ref} = spawn_monitor(fun() -> ok end),
    normal = ended(Dead, Ref),
    probe_lib:in_process(fun() ->
        process_flag(trap_exit, Trapping),
        #{class := Class, reason := Reason} = probe_lib:error_class(fun() -> Operation(Dead) end),
        Message =
            receive
                {'EXIT', Dead, Why} ->
                    probe_capture:text("EXIT ~ts", [probe_capture:reason(Why)]);
                {'DOWN', _, process, Dead, Why} ->
                    probe_capture:text("DOWN ~ts", [probe_capture:reason(Why)])
            after 20 -> none
            end,
        #{class => Class, result => Reason, message_text => Message}
    end).

%% How many messages the death of a process brings after Attach was done three times and Detach
%% once.
-spec repeated(fun((pid()) -> Reference), fun((pid(), Reference) -> term())) -> non_neg_integer().
repeated(Attach, Detach) ->
    probe_lib:in_process(fun() ->
        process_flag(trap_exit, true),
        Pid = spawn(exit_reason(boom)),
        References = [Attach(Pid) || _ <- [1, 2, 3]],
        Detach(Pid, hd(References)),
        Gone = erlang:monitor(process, Pid),
        Pid ! go,
        boom = ended(Pid, Gone),
        probe_lib:await(
            fun() ->
                Attached = process_info(self(), [links, monitors]),
                Attached =:= [{links, []}, {monitors, []}] orelse Attached
            end,
            ?DEADLINE_MS
        ),
        {message_queue_len, Count} = process_info(self(), message_queue_len),
        Count
    end).

%% Attach one process to another and end the other one (`linker': the attaching one is looked at) or
%% the attaching one (`other': the one it attached to is looked at).
-spec survives(fun((pid()) -> term()), links | monitors | monitored_by, linker | other) ->
    boolean().
survives(Attach, Item, Who) ->
    Attaching = probe_lib:subject([]),
    Other = probe_lib:subject([]),
    try
        _ = probe_lib:ask(Attaching, fun(S) -> {Attach(Other), S} end),
        {Ends, Stays} = case Who of linker -> {Other, Attaching}; other -> {Attaching, Other} end,
        exit(Ends, boom),
        Attached = attached(Item, Ends),
        probe_lib:await(fun() -> process_info(Stays, Item) =/= Attached end, ?DEADLINE_MS),
        is_process_alive(Stays)
    after
        [probe_lib:kill_and_wait(Pid) || Pid <- [Attaching, Other]]
    end.

attached(monitors, Pid) -> {monitors, [{process, Pid}]};
attached(Item, Pid) -> {Item, [Pid]}.

%% Where the 'DOWN' of a process stands that sent so many messages before it ended.
-spec down_order_of(non_neg_integer()) -> map().
down_order_of(Count) ->
    probe_lib:in_process(fun() ->
        Self = self(),
        {Pid, Ref} = spawn_monitor(
            fun() -> receive go -> [Self ! {number, I} || I <- lists:seq(1, Count)] end end
        ),
        Killers = [
            spawn_monitor(fun() -> receive go -> exit(Pid, late) end end)
         || _ <- lists:seq(1, 5)
        ],
        Pid ! go,
        Mailbox = until_down(Ref, []),
        [Killer ! go || {Killer, _} <- Killers],
        [normal = ended(Killer, KRef) || {Killer, KRef} <- Killers],
        Rest = receive {'DOWN', Ref, process, Pid, _} -> 1 after 0 -> 0 end,
        #{sent_count => Count, down_place_count => length(Mailbox) + 1, down_count => 1 + Rest,
          in_order => Mailbox =:= [{number, I} || I <- lists:seq(Count, 1, -1)]}
    end).

until_down(Ref, Before) ->
    receive
        {'DOWN', Ref, process, _, _} -> Before;
        Message -> until_down(Ref, [Message | Before])
    after ?DEADLINE_MS -> error({setup, {no_down, length(Before)}})
    end.

%% Take a monitor away whose 'DOWN' message is there already.
-spec late_demonitor([flush | info]) -> boolean().
late_demonitor(Options) ->
    {Pid, Ref} = spawn_monitor(fun() -> ok end),
    Second = erlang:monitor(process, Pid),
    _ = ended(Pid, Second),
    %% The other 'DOWN' of the same sender and death is there, or comes before the list is empty.
    probe_lib:await(fun() -> process_info(self(), monitors) =:= {monitors, []} end, ?DEADLINE_MS),
    erlang:demonitor(Ref, Options).

%% Take a monitor away while the watched process ends.
-spec raced_demonitor() -> ok.
raced_demonitor() ->
    {Pid, Ref} = spawn_monitor(fun() -> ok end),
    erlang:yield(),
    erlang:demonitor(Ref, [flush]),
    Gone = erlang:monitor(process, Pid),
    _ = ended(Pid, Gone),
    ok.

%% Empty the caller's mailbox and say how many messages there were.
-spec count_messages() -> non_neg_integer().
count_messages() ->
    receive _ -> 1 + count_messages() after 0 -> 0 end.

%% Take a link away while the other process ends, with a head start for it or without: 1 when the
%% 'EXIT' message was there by then; it is taken out.
-spec raced_unlink(0 | 1) -> 0 | 1.
raced_unlink(Head) ->
    Pid = spawn_link(fun() -> ok end),
    Head =:= 1 andalso erlang:yield(),
    unlink(Pid),
    Early = receive {'EXIT', Pid, _} -> 1 after 0 -> 0 end,
    Gone = erlang:monitor(process, Pid),
    _ = ended(Pid, Gone),
    Early.

%% An exit reason as text that says whether a stack trace was with it.
-spec shape(term()) -> binary().
shape({Reason, [{_, _, _, _} | _]}) ->
    probe_capture:text("~ts with stack", [probe_capture:reason(Reason)]);
shape(Reason) ->
    probe_capture:reason(Reason).
