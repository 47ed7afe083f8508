%% What the probes of beam-process-design run on two nodes that talk to each other.
%% Measures; knows nothing of any claim.
-module(beam_process_design_nodes).

-export([start_deaf/1, send_us/2, all_arrived/2]).

-define(MAILBOX, beam_process_design_mailbox).
-define(WAIT_MS, 10_000).

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
