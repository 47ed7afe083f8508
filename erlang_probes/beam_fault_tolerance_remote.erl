%% Links and monitors to another node, for the fault-tolerance probes: what a peer runs that is
%% connected to a second one. Knows nothing of any claim.
-module(beam_fault_tolerance_remote).

-export([told/1]).

-define(DEADLINE_MS, 5_000).

%% Attach to a local process that is dead, to one of that node that is dead, to one that lives when
%% the node is halted, and to that one again: by case and way, what came of it.
-spec told(node()) -> #{local | dead | lost | unreachable => probe_lib:evidence()}.
told(Node) ->
    true = net_kernel:connect_node(Node),
    Ended = fun(Pid) ->
        _ = probe_lib:gone(Pid, ?DEADLINE_MS),
        outcomes([start(Way, Pid) || Way <- ways()])
    end,
    Local = Ended(spawn(fun() -> ok end)),
    Dead = Ended(spawn(Node, erlang, date, [])),
    Living = spawn(Node, timer, sleep, [infinity]),
    Attached = [start(Way, Living) || Way <- ways()],
    _ = spawn(Node, erlang, halt, [0, [{flush, false}]]),
    Lost = outcomes(Attached),
    probe_lib:await(fun() -> not lists:member(Node, nodes()) end, ?DEADLINE_MS),
    Unreachable = outcomes([start(Way, Living) || Way <- ways()]),
    #{local => Local, dead => Dead, lost => Lost, unreachable => Unreachable}.

ways() ->
    [link_not_trapping, link_trapping, monitor].

%% Attach to a process from a new one, which ends with what it was told. When this returns it has
%% attached, or has ended of it.
start(Way, To) ->
    Self = self(),
    {Pid, Ref} = spawn_monitor(fun() ->
        process_flag(trap_exit, Way =:= link_trapping),
        try attach(Way, To) of
            _ -> Self ! {attached, self()}
        catch
            error:Reason -> exit({raised, Reason})
        end,
        receive
            {Kind, _, Why} -> exit({told, Kind, Why});
            {Kind, _, process, _, Why} -> exit({told, Kind, Why})
        after 2 * ?DEADLINE_MS -> exit(told_nothing)
        end
    end),
    Attached = fun() -> receive {attached, Pid} -> true after 0 -> false end end,
    probe_lib:await(fun() -> Attached() orelse not is_process_alive(Pid) end, ?DEADLINE_MS),
    {Way, Ref}.

attach(monitor, To) -> erlang:monitor(process, To);
attach(_, To) -> link(To).

outcomes(Started) ->
    maps:from_list([
        {Way, outcome(probe_lib:gone(Ref, 3 * ?DEADLINE_MS))}
     || {Way, Ref} <- Started
    ]).

outcome({raised, Reason}) -> probe_capture:text("raises ~ts", [probe_capture:reason(Reason)]);
outcome({told, Kind, Why}) -> probe_capture:text("~ts ~ts", [Kind, probe_capture:reason(Why)]);
outcome(Reason) -> probe_capture:text("dies with ~ts", [probe_capture:reason(Reason)]).
