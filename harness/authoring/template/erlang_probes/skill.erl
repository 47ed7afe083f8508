%% Probes of SKILL. They provoke and measure; what it means stands in the claim file.
-module(MODULE).

-export([monitors/1]).

-define(DEADLINE_MS, 2_000).

%% Monitors a process that has ended, and one that ends while it is monitored.
%% Evidence: dead_reason and living_reason, what 'DOWN' says of each; alive where none comes.
%% Cost: two processes.
%% Misread: noproc says that there is no such process, not why.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#monitor/2
-spec monitors(probe_lib:args()) -> probe_lib:evidence().
monitors(_) ->
    Dead = probe_lib:subject([]),
    killed = probe_lib:kill_and_wait(Dead),
    Living = probe_lib:subject([]),
    Ref = erlang:monitor(process, Living),
    _ = probe_lib:tell(Living, fun(_) -> exit(ended) end),
    #{
        dead_reason => probe_lib:gone(Dead, ?DEADLINE_MS),
        living_reason => probe_lib:gone(Ref, ?DEADLINE_MS)
    }.
