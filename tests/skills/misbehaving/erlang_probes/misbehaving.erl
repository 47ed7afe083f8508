%% Probes that do what a probe must not, and some that are fine: what the harness must survive.
-module(misbehaving).

-export([
    fine/1,
    crashes/1,
    setup_fails/1,
    hangs/1,
    kills_its_node/1,
    returns_a_list/1,
    leaves_a_process/1,
    writes_a_log/1,
    sleeps/1
]).

fine(#{}) ->
    #{answer_count => 42}.

crashes(#{}) ->
    error(badarith).

setup_fails(#{}) ->
    error({setup, no_such_device}).

hangs(#{}) ->
    receive
        never -> #{answer_count => 42}
    end.

kills_its_node(#{}) ->
    erlang:halt(3).

returns_a_list(#{}) ->
    [{answer_count, 42}].

leaves_a_process(#{}) ->
    _ = spawn(fun() -> timer:sleep(infinity) end),
    #{answer_count => 42}.

writes_a_log(#{}) ->
    io:format("a line of the probe~n"),
    #{answer_count => 41}.

sleeps(#{sleep_ms := Ms}) ->
    timer:sleep(Ms),
    #{answer_count => 42}.
