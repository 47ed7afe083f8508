%% What links and monitors carry from one process to another, for the fault-tolerance probes. Knows
%% nothing of any claim.
-module(beam_fault_tolerance_links).

-export([row_killed/3, repeated/2, survives/3]).

-define(SIGNALS, beam_fault_tolerance_signals).
-define(DEADLINE_MS, 5_000).

%% A row of subjects, each linked to the one before it; the first is returned first.
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

%% Kill the first of a row of so many linked processes, of which the last but one traps exits or
%% not; see the probe of that name.
-spec row_killed(pos_integer(), boolean(), fun((First :: pid()) -> term())) ->
    probe_lib:evidence().
row_killed(Length, Trapping, Kill) ->
    Pids = chain(Length),
    {Before, [Trapper, Beyond]} = lists:split(Length - 2, Pids),
    Neighbour = lists:last(Before),
    try
        _ = probe_lib:ask(Trapper, fun(S) -> {process_flag(trap_exit, Trapping), S} end),
        {links, Linked} = process_info(Trapper, links),
        Refs = [erlang:monitor(process, Pid) || Pid <- Pids],
        Kill(hd(Pids)),
        [First | Rest] = Reasons = downs(Before, Refs) ++ handled(Trapper, Neighbour, Refs, Beyond),
        #{
            first_dies_reason => First,
            rest_die_reasons => lists:usort(Rest) -- [survives],
            dead_count => length([Why || Why <- Reasons, Why =/= survives]),
            trapper_linked_on_both_sides => lists:sort(Linked) =:= lists:sort([Neighbour, Beyond]),
            trapper_hears => heard(Trapper, Neighbour),
            beyond_trapper_survives => is_process_alive(Beyond)
        }
    after
        probe_lib:kill_all(Pids)
    end.

%% The exit reasons of monitored processes, which are all to end.
downs(Pids, Refs) ->
    [?SIGNALS:ended(Pid, Ref) || {Pid, Ref} <- lists:zip(Pids, lists:sublist(Refs, length(Pids)))].

%% What became of the last two: they survive once the link to the neighbour is gone, for that is
%% the only way from which a signal could come.
handled(Trapper, Neighbour, Refs, Beyond) ->
    Cut = fun() ->
        case process_info(Trapper, links) of
            undefined -> true;
            {links, Links} -> not lists:member(Neighbour, Links)
        end
    end,
    probe_lib:await(Cut, ?DEADLINE_MS),
    [Ref, BeyondRef] = lists:nthtail(length(Refs) - 2, Refs),
    case is_process_alive(Trapper) of
        true -> [survives, survives];
        false -> downs([Trapper, Beyond], [Ref, BeyondRef])
    end.

%% All that the one which traps exits was told.
heard(Trapper, Neighbour) ->
    case is_process_alive(Trapper) of
        false ->
            [];
        true ->
            [
                case Message of
                    {'EXIT', Neighbour, Reason} ->
                        probe_capture:text("~ts from neighbour", [probe_capture:reason(Reason)]);
                    _ ->
                        probe_capture:text(Message)
                end
             || Message <- ?SIGNALS:mailbox(Trapper)
            ]
    end.

%% Attach to a process three times by Attach and once take that back by Detach, and let the
%% process end: how many links or monitors (Item) there were after each step, and how many
%% messages came.
-spec repeated(links | monitors, none | detach) -> probe_lib:evidence().
repeated(Item, Detach) ->
    probe_lib:in_process(fun() ->
        process_flag(trap_exit, true),
        {Pid, Gone} = spawn_monitor(?SIGNALS:exit_reason(boom)),
        Count = fun() ->
            {Item, Attached} = process_info(self(), Item),
            %% Gone is a monitor as well.
            length(Attached) - length([Gone || Item =:= monitors, Attached =/= []])
        end,
        References = [attach(Item, Pid) || _ <- [1, 2, 3]],
        Attached = Count(),
        _ = Detach =:= detach andalso detach(Item, Pid, hd(References)),
        Left = Count(),
        Pid ! go,
        boom = ?SIGNALS:ended(Pid, Gone),
        probe_lib:await(fun() -> process_info(self(), Item) =:= {Item, []} end, ?DEADLINE_MS),
        {message_queue_len, Messages} = process_info(self(), message_queue_len),
        #{attached_count => Attached, left_count => Left, message_count => Messages}
    end).

attach(links, Pid) -> link(Pid);
attach(monitors, Pid) -> erlang:monitor(process, Pid).

detach(links, Pid, _) -> unlink(Pid);
detach(monitors, _, Ref) -> erlang:demonitor(Ref).

%% Attach one process to another and end the other one (`attaching': the attaching one is looked
%% at) or the attaching one (`other': the one it attached to is looked at): whether they were
%% attached before and are not afterwards, and whether the one looked at survives.
-spec survives(links | monitors, links | monitors | monitored_by, attaching | other) ->
    probe_lib:evidence().
survives(How, Item, Who) ->
    [Attaching, Other] = Pids = [probe_lib:subject([]) || _ <- [1, 2]],
    try
        _ = probe_lib:ask(Attaching, fun(S) -> {attach(How, Other), S} end),
        {Ends, Stays} =
            case Who of
                attaching -> {Other, Attaching};
                other -> {Attaching, Other}
            end,
        Before = attached(Item, Ends, Stays),
        Ref = erlang:monitor(process, Ends),
        exit(Ends, boom),
        boom = ?SIGNALS:ended(Ends, Ref),
        #{settled := Cut} = probe_lib:until(
            fun() -> not attached(Item, Ends, Stays) end, ?DEADLINE_MS
        ),
        #{attached_before => Before, cut_after => Cut, survives => is_process_alive(Stays)}
    after
        probe_lib:kill_all(Pids)
    end.

attached(Item, Other, Pid) ->
    case process_info(Pid, Item) of
        {monitors, Monitored} -> lists:member({process, Other}, Monitored);
        {Item, Pids} -> lists:member(Other, Pids);
        undefined -> false
    end.
