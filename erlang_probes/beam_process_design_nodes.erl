%% Two nodes that talk to each other, for the probes of beam-process-design, and what is run on them.
%% Measures; knows nothing of any claim.
-module(beam_process_design_nodes).

-export([with_two/1, start_deaf/1, send_us/2, all_arrived/2]).

-define(MAILBOX, beam_process_design_mailbox).
-define(WAIT_MS, 10_000).

%% Two peers, distributed without epmd: each listens on the same free port of a loopback address of
%% its own. Fun gets both and the second's name; modules that it calls there are loaded by the call.
-spec with_two(fun((probe_peer:peer(), probe_peer:peer(), node()) -> Value)) -> Value.
with_two(Fun) ->
    {ok, Socket} = gen_tcp:listen(0, [{ip, {127, 0, 0, 1}}]),
    {ok, Port} = inet:port(Socket),
    ok = gen_tcp:close(Socket),
    probe_peer:with(options("127.0.0.1", Port), fun(First) ->
        probe_peer:with(options("127.0.0.2", Port), fun(Second) ->
            Fun(First, Second, probe_peer:call(Second, erlang, node, []))
        end)
    end).

options(Address, Port) ->
    Interface = "{" ++ lists:append(string:replace(Address, ".", ",", all)) ++ "}",
    #{
        flags => [
            "-name", "design@" ++ Address, "-setcookie", "beamproof", "-start_epmd", "false",
            "-erl_epmd_port", integer_to_list(Port), "-kernel", "dist_auto_connect", "never",
            "-kernel", "inet_dist_use_interface", Interface
        ],
        timeout_ms => 30_000
    }.

%% Processes that never take a message.
-spec start_deaf(pos_integer()) -> [pid()].
start_deaf(Count) ->
    [spawn(fun ?MAILBOX:deaf/0) || _ <- lists:seq(1, Count)].

%% The least time of sending a small message to each process of a group, over so many rounds in which
%% the groups take turns; microseconds for one, in the order of the groups.
-spec send_us([[pid()]], pos_integer()) -> [float()].
send_us(Groups, Rounds) ->
    Times = probe_measure:best_in_turn_us(Rounds, [
        fun() -> ?MAILBOX:send_each(Pids, {event, erlang:unique_integer()}) end
     || Pids <- Groups
    ]),
    [Us / length(Pids) || {Us, Pids} <- lists:zip(Times, Groups)].

%% Wait until each process has so many messages; the fewest that one has.
-spec all_arrived([pid()], pos_integer()) -> non_neg_integer().
all_arrived(Pids, Each) ->
    _ = probe_lib:until(fun() -> ?MAILBOX:fewest_waiting(Pids) >= Each end, ?WAIT_MS),
    ?MAILBOX:fewest_waiting(Pids).
