%% Who runs beside whom on one scheduler, by their priorities, for the probes of beam-scheduler-tuning.
%% Provokes and measures; knows nothing of any claim.
-module(beam_scheduler_tuning_priorities).

-export([set_max/0, beside/2, own/0]).

-define(TURNS, beam_scheduler_tuning_turns).
-define(CALLS, 2_000_000).
-define(WAIT_MS, 20_000).

%% What process_flag/2 returns when an ordinary process asks for max, and the priority that it has then.
-spec set_max() -> #{atom() => term()}.
set_max() ->
    probe_lib:in_process(fun() ->
        Before = process_flag(priority, max),
        {priority, Now} = process_info(self(), priority),
        #{before => Before, now => Now}
    end).

%% How often a process runs that one of another priority has started, during 2,000,000 calls of that one,
%% which is put out 500 times meanwhile. For a VM of one scheduler; Other is no higher than Busy, or it
%% would leave nobody a turn.
-spec beside(Busy :: atom(), Other :: atom()) -> non_neg_integer().
beside(Busy, Other) ->
    probe_lib:in_process(
        fun() ->
            Turns = counters:new(1, []),
            Counter = spawn_opt(fun() -> count(Turns) end, [{priority, Other}]),
            ?TURNS:calls(?CALLS),
            Count = counters:get(Turns, 1),
            probe_lib:kill_and_wait(Counter),
            Count
        end,
        [{priority, Busy}],
        ?WAIT_MS
    ).

count(Turns) ->
    counters:add(Turns, 1, 1),
    erlang:yield(),
    count(Turns).

%% The modules whose processes have the priority max in this VM.
-spec own() -> [atom()].
own() ->
    lists:usort([started_by(Pid) || Pid <- processes(), process_info(Pid, priority) =:= {priority, max}]).

started_by(Pid) ->
    case process_info(Pid, initial_call) of
        {initial_call, {proc_lib, _, _}} -> element(1, proc_lib:translate_initial_call(Pid));
        {initial_call, {Module, _, _}} -> Module
    end.
