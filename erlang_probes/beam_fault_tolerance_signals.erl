%% Exit signals, links and monitors for the fault-tolerance probes: sends them and says what they
%% did to whom. Knows nothing of any claim.
-module(beam_fault_tolerance_signals).

-export([
    watched/1,
    ended/2,
    mailbox/1,
    row/3,
    exit_reason/1,
    exit_message/1,
    cleanup/2,
    to_the_dead/3,
    noticed_while_busy/1,
    logged_end/3,
    shape/1
]).

-define(DEADLINE_MS, 5_000).

%% Spawn Body with a monitor and wait for its end: the reason of its exit.
-spec watched(fun(() -> term())) -> term().
watched(Body) ->
    {Pid, Ref} = spawn_monitor(Body),
    ended(Pid, Ref).

%% The exit reason of a monitored process, which the probe cannot do without.
-spec ended(pid(), reference()) -> term().
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

%% What becomes of a process that is given an exit signal by one mechanism, by reason, and
%% `trap_exit', the flags that the receivers had.
-spec row(binary(), boolean(), [atom()]) -> probe_lib:evidence().
row(Mechanism, Trapping, Reasons) ->
    Outcomes = [{Reason, outcome(Mechanism, Trapping, Reason)} || Reason <- Reasons],
    Row = maps:from_list([{Reason, Outcome} || {Reason, {_, Outcome}} <- Outcomes]),
    Row#{trap_exit => lists:usort([Flag || {_, {Flag, _}} <- Outcomes])}.

%% Send one process one exit signal with Reason and say what that did to it: `survives', <<"dies
%% with R">>, <<"message R">> (an 'EXIT' message) or <<"down R">> (a 'DOWN' message). Mechanisms:
%% exit2 (a signal by exit/2 from another process), exit2_self (exit/2 to itself), exit1 (exit/1),
%% link (a linked process that calls exit/1), monitor (a monitored process that calls exit/1).
outcome(Mechanism, Trapping, Reason) ->
    Subject = probe_lib:subject([]),
    Monitor = erlang:monitor(process, Subject),
    try
        _ = probe_lib:ask(Subject, fun(S) -> {process_flag(trap_exit, Trapping), S} end),
        {trap_exit, Flag} = process_info(Subject, trap_exit),
        ok = signal(Mechanism, Subject, Reason),
        case is_process_alive(Subject) of
            true ->
                {Flag, describe(probe_lib:ask(Subject, fun take/1))};
            false ->
                Why = probe_capture:reason(ended(Subject, Monitor)),
                {Flag, probe_capture:text("dies with ~ts", [Why])}
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
take(State) ->
    receive
        Message -> {Message, State}
    after 0 -> {none, State}
    end.

describe(none) ->
    survives;
describe({'EXIT', _, Reason}) ->
    probe_capture:text("message ~ts", [probe_capture:reason(Reason)]);
describe({'DOWN', _, process, _, Reason}) ->
    probe_capture:text("down ~ts", [probe_capture:reason(Reason)]).

%% Bring a process that traps exits an 'EXIT' message, from one that it is linked to and that ends,
%% or from a stranger that calls exit/2: the message, whether they were linked, and whether the
%% sender lives afterwards.
-spec exit_message(by_link | by_exit2) -> probe_lib:evidence().
exit_message(How) ->
    [Subject, Sender] = Pids = [probe_lib:subject([]) || _ <- [1, 2]],
    try
        _ = probe_lib:ask(Subject, fun(S) -> {process_flag(trap_exit, true), S} end),
        _ = How =:= by_link andalso probe_lib:ask(Subject, fun(S) -> {link(Sender), S} end),
        {links, Linked} = process_info(Subject, links),
        _ = probe_lib:tell(Sender, fun(S) ->
            How =:= by_link andalso exit(boom),
            {exit(Subject, boom), S}
        end),
        probe_lib:await(fun() -> mailbox(Subject) =/= [] end, ?DEADLINE_MS),
        [Message] = mailbox(Subject),
        #{
            message_text => message_of(Message, Sender),
            linked_before => Linked =:= [Sender],
            sender_lives => is_process_alive(Sender)
        }
    after
        probe_lib:kill_all(Pids)
    end.

message_of({'EXIT', Sender, Reason}, Sender) ->
    probe_capture:text("{'EXIT',sender,~ts}", [probe_capture:reason(Reason)]);
message_of(Message, _) ->
    probe_capture:text(Message).

%% Run Body inside try, send the process Signal unless it is none: which clauses ran.
-spec cleanup(fun(() -> term()), none | term()) -> probe_lib:evidence().
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

%% Do something to a process that is dead, trapping exits or not, and wait so long for a message:
%% what came of it. `object' is what a 'DOWN' message names.
-spec to_the_dead(fun((pid()) -> term()), boolean(), non_neg_integer()) -> probe_lib:evidence().
to_the_dead(Operation, Trapping, SilenceMs) ->
    {Dead, Ref} = spawn_monitor(fun() -> ok end),
    normal = ended(Dead, Ref),
    probe_lib:in_process(fun() ->
        process_flag(trap_exit, Trapping),
        #{class := Class, reason := Reason} = probe_lib:error_class(fun() -> Operation(Dead) end),
        Told = #{class => Class, result => Reason},
        receive
            {'EXIT', Dead, Why} ->
                Told#{message_text => probe_capture:text("EXIT ~ts", [probe_capture:reason(Why)])};
            {'DOWN', _, process, Object, Why} ->
                Told#{
                    message_text => probe_capture:text("DOWN ~ts", [probe_capture:reason(Why)]),
                    object_text => object(Object, Dead)
                }
        after SilenceMs -> Told#{message_text => none}
        end
    end).

object(Dead, Dead) -> pid;
object({Name, Node}, _) when Node =:= node() -> probe_capture:text("{~ts,node()}", [Name]);
object(Object, _) -> probe_capture:text(Object).

%% Send an exit signal to a process that counts and never waits: how far it had come when exit/2
%% returned, and how far it came after that.
-spec noticed_while_busy(term()) -> probe_lib:evidence().
noticed_while_busy(Reason) ->
    Count = counters:new(1, []),
    {Pid, Ref} = spawn_monitor(fun() -> count(Count) end),
    probe_lib:await(fun() -> counters:get(Count, 1) > 100_000 end, ?DEADLINE_MS),
    exit(Pid, Reason),
    Sent = counters:get(Count, 1),
    Why = probe_lib:gone(Ref, ?DEADLINE_MS),
    probe_lib:kill_and_wait(Pid),
    #{
        dies_reason => Why,
        before_signal_count => Sent,
        after_signal_count => counters:get(Count, 1) - Sent
    }.

count(Count) ->
    counters:add(Count, 1, 1),
    count(Count).

%% End a process, plain or of proc_lib, by its body or by a signal from outside: the reason of its
%% exit, and how many log events it caused.
-spec logged_end(plain | proc_lib, fun(() -> term()), none | {signal, term()}) ->
    {Reason :: term(), Events :: non_neg_integer()}.
logged_end(Kind, Body, Signal) ->
    Waiting = fun() -> receive go -> Body() end end,
    {Reason, Events} = probe_capture:with_log(fun() ->
        Pid =
            case Kind of
                plain -> spawn(Waiting);
                proc_lib -> proc_lib:spawn(Waiting)
            end,
        Ref = erlang:monitor(process, Pid),
        case Signal of
            none -> Pid ! go;
            {signal, Why} -> exit(Pid, Why)
        end,
        ended(Pid, Ref)
    end),
    {Reason, length(Events)}.

%% An exit reason as text that says whether a stack trace was with it.
-spec shape(term()) -> binary().
shape({Reason, [{_, _, _, _} | _]}) ->
    probe_capture:text("~ts with stack", [probe_capture:reason(Reason)]);
shape(Reason) ->
    probe_capture:reason(Reason).
