%% Races for the fault-tolerance probes: a process ends while another one links to it, unlinks,
%% takes its monitor away, or kills it too. Says how often each side came first, as a race that
%% one side always wins is none. Knows nothing of any claim.
-module(beam_fault_tolerance_races).

-export([unlinks/2, demonitors/2, links/2, down_after/1, killed_by_many/2, heard_by_one/1]).

-define(SIGNALS, beam_fault_tolerance_signals).
-define(DEADLINE_MS, 5_000).
%% How long a mailbox is watched for what must not come, after all processes of a race have ended.
-define(QUIET_MS, 50).
%% A step of the delay, and the longest delay: from a tenth of a microsecond to some milliseconds,
%% which is many turns of a scheduler.
-define(LEAST_STEP, 100).
-define(MOST_STEP, 100_000).
-define(MOST_SPINS, 3_000_000).

%% Do Act to a process to which the caller is linked, so many times, as it ends: `early' is how
%% often its 'EXIT' message was there right after Act, `late' how many came later.
-spec unlinks(pos_integer(), fun((pid()) -> term())) -> probe_lib:evidence().
unlinks(Rounds, Act) ->
    apart(fun() ->
        process_flag(trap_exit, true),
        Early = race(Rounds, fun(Delay) ->
            {Pid, Ref} = start(fun() -> ok end, [link], Delay),
            Act(Pid),
            There = receive {'EXIT', Pid, normal} -> true after 0 -> false end,
            normal = ?SIGNALS:ended(Pid, Ref),
            There
        end),
        Late = count_messages(?QUIET_MS),
        #{
            early_exit_count => Early,
            alive_at_first_count => Rounds - Early,
            late_exit_count => Late,
            quiet_ms => ?QUIET_MS
        }
    end).

%% Take so many monitors away by demonitor/2 with these options, and `info', as the watched process
%% ends: how often the monitor was there still, how often its 'DOWN' message was there instead,
%% and how many messages were left.
-spec demonitors(pos_integer(), [flush]) -> probe_lib:evidence().
demonitors(Rounds, Options) ->
    apart(fun() ->
        Gone = race(Rounds, fun(Delay) ->
            {Pid, Ref} = start(fun() -> ok end, [], Delay),
            There = erlang:demonitor(Ref, [info | Options]),
            _ = probe_lib:gone(Pid, ?DEADLINE_MS),
            not There
        end),
        Left = count_messages(?QUIET_MS),
        #{
            message_there_count => Gone,
            monitor_there_count => Rounds - Gone,
            left_count => Left,
            left_over_there_count => Left - Gone,
            quiet_ms => ?QUIET_MS
        }
    end).

%% Be linked to a process that crashes at once, so many times: by spawn_link/1 (`linked'), or by
%% link/1 some time after spawn/1 (`late'). By the reason in the 'EXIT' message, how often it came.
-spec links(pos_integer(), linked | late) -> probe_lib:evidence().
links(Rounds, How) ->
    apart(fun() ->
        process_flag(trap_exit, true),
        Round = fun(Delay) -> heard_reason(How, Delay) =:= noproc end,
        Noproc =
            case How of
                linked -> length([noproc || _ <- lists:seq(1, Rounds), Round(0)]);
                late -> race(Rounds, Round)
            end,
        #{boom_count => Rounds - Noproc, noproc_count => Noproc}
    end).

heard_reason(How, Delay) ->
    {Pid, Ref} = start(fun() -> exit(boom) end, [link || How =:= linked], Delay),
    How =:= late andalso link(Pid),
    boom = ?SIGNALS:ended(Pid, Ref),
    receive
        {'EXIT', Pid, Reason} when Reason =:= boom; Reason =:= noproc -> Reason
    after ?DEADLINE_MS -> error({setup, {no_exit_message, Pid}})
    end.

%% Run Round, which is given by how much the caller is to be later and says whether the other one
%% was first, so many times: how often it was. The delay follows the outcomes, in steps that double
%% while nothing changes and halve when something does, so that both are first in some of the
%% rounds on any machine, however busy.
race(Rounds, Round) ->
    race(Rounds, Round, {0, ?LEAST_STEP}, false, 0).

race(0, _, _, _, Firsts) ->
    Firsts;
race(Rounds, Round, {Delay, Step}, Before, Firsts) ->
    First = Round(Delay),
    Next =
        case First of
            Before -> min(Step * 2, ?MOST_STEP);
            _ -> max(Step div 2, ?LEAST_STEP)
        end,
    case First of
        true -> race(Rounds - 1, Round, {max(Delay - Next, -?MOST_SPINS), Next}, First, Firsts + 1);
        false -> race(Rounds - 1, Round, {min(Delay + Next, ?MOST_SPINS), Next}, First, Firsts)
    end.

%% Start what is raced with, which ends by Fun after it has waited if the delay is below 0; wait
%% here if it is above.
start(Fun, Options, Delay) ->
    Slowly = fun() ->
        spin(max(0, -Delay)),
        Fun()
    end,
    Last = erlang:system_info(schedulers_online),
    Started = spawn_opt(Slowly, [monitor, {scheduler, Last} | Options]),
    spin(max(0, Delay)),
    Started.

spin(0) -> ok;
spin(Spins) -> spin(Spins - 1).

%% The caller keeps to the first scheduler, what it races with to the last: with one only, they
%% are told apart by whose turn it is.
apart(Fun) ->
    probe_lib:in_process(Fun, [{scheduler, 1}]).

%% Empty the caller's mailbox until none has come for so long, and say how many there were.
count_messages(QuietMs) ->
    receive _ -> 1 + count_messages(QuietMs) after QuietMs -> 0 end.

%% Where the 'DOWN' of a process stands that sent so many messages before it ended.
-spec down_after(non_neg_integer()) -> probe_lib:evidence().
down_after(Count) ->
    probe_lib:in_process(fun() ->
        Self = self(),
        {_, Ref} = spawn_monitor(fun() -> [Self ! {number, I} || I <- lists:seq(1, Count)] end),
        Mailbox = until_down(Ref, []),
        #{
            sent_count => Count,
            down_place_count => length(Mailbox) + 1,
            in_order => Mailbox =:= [{number, I} || I <- lists:seq(Count, 1, -1)]
        }
    end).

until_down(Ref, Before) ->
    receive
        {'DOWN', Ref, process, _, _} -> Before;
        Message -> until_down(Ref, [Message | Before])
    after ?DEADLINE_MS -> error({setup, {no_down, length(Before)}})
    end.

%% Have so many processes kill one at the same time, in so many rounds: `down_count' is how many
%% 'DOWN's the monitors brought, one a victim; `most_sent_before_down_count' how many signals had
%% been sent, at the most, before it came; `killer_count' how many processes were the first once.
-spec killed_by_many(pos_integer(), pos_integer()) -> probe_lib:evidence().
killed_by_many(Rounds, Killers) ->
    probe_lib:in_process(fun() ->
        Each = [killed_once(Killers) || _ <- lists:seq(1, Rounds)],
        Late = count_messages(?QUIET_MS),
        Reasons = [Reason || {[{'DOWN', _, process, _, Reason} | _], _} <- Each],
        #{
            victim_count => Rounds,
            down_count => Late + lists:sum([length(Downs) || {Downs, _} <- Each]),
            killed_by_signal_count => length([I || {killer, I} <- Reasons]),
            first_killer_count => length(lists:usort(Reasons)),
            most_sent_before_down_count => lists:max([Sent || {_, Sent} <- Each]),
            quiet_ms => ?QUIET_MS
        }
    end).

killed_once(Killers) ->
    {Victim, Ref} = spawn_monitor(fun() -> receive never -> ok end end),
    ok = all_signal(Killers, Victim),
    Down = fun(Message) -> element(1, Message) =:= 'DOWN' end,
    probe_lib:await(fun() -> lists:any(Down, ?SIGNALS:mailbox(self())) end, ?DEADLINE_MS),
    Messages = drain(),
    {
        [One || {'DOWN', R, _, _, _} = One <- Messages, R =:= Ref],
        length(lists:takewhile(fun(Message) -> not Down(Message) end, Messages))
    }.

%% The 'EXIT' messages that a process gets which traps exits, when so many send it a signal each.
-spec heard_by_one(pos_integer()) -> non_neg_integer().
heard_by_one(Senders) ->
    probe_lib:with_process([], fun(Subject) ->
        _ = probe_lib:ask(Subject, fun(S) -> {process_flag(trap_exit, true), S} end),
        ok = probe_lib:in_process(fun() -> all_signal(Senders, Subject) end),
        true = is_process_alive(Subject),
        length([heard || {'EXIT', _, {killer, _}} <- ?SIGNALS:mailbox(Subject)])
    end).

%% Have so many processes send one an exit signal each, all at once, and wait for their end. Each
%% tells the caller when it has sent it.
all_signal(Count, Victim) ->
    Self = self(),
    Killers = [
        spawn_monitor(fun() ->
            receive go -> ok end,
            exit(Victim, {killer, I}),
            Self ! {sent, I}
        end)
     || I <- lists:seq(1, Count)
    ],
    [Pid ! go || {Pid, _} <- Killers],
    lists:foreach(fun({Pid, Ref}) -> normal = ?SIGNALS:ended(Pid, Ref) end, Killers).

drain() ->
    receive Message -> [Message | drain()] after 0 -> [] end.
