%% What the probes share: subjects, observers, bounded waiting, clocks, growth laws.
%% Knows how to measure; knows nothing of any claim, and never judges what it measured.
-module(probe_lib).

-export([
    settle/2,
    kill_and_wait/1,
    in_process/1,
    in_process/2,
    with_process/2,
    ask/2,
    subject/1,
    elapsed_us/1,
    best_us/2,
    median/1,
    growth_exponent/1,
    first_where/2,
    error_class/1,
    words_to_bytes/1
]).

-export_type([settled/0, sample/0]).

%% What settle/2 found, and how long it waited for it.
-type settled() :: #{settled := boolean(), waited_ms := non_neg_integer(), last := term()}.
%% One point of a series: the independent quantity and what was measured there.
-type sample() :: {X :: number(), Y :: number()}.

-define(POLL_MS, 5).
-define(REPLY_MS, 30_000).

%% Poll Fun until it returns {done, Value} or the deadline passes; never sleep longer than one
%% poll. `last' is the Value, or what Fun last returned beside it.
-spec settle(fun(() -> {done, term()} | term()), non_neg_integer()) -> settled().
settle(Fun, DeadlineMs) ->
    Start = erlang:monotonic_time(millisecond),
    settle(Fun, Start, Start + DeadlineMs).

settle(Fun, Start, Deadline) ->
    Result = Fun(),
    Now = erlang:monotonic_time(millisecond),
    case Result of
        {done, Value} ->
            #{settled => true, waited_ms => Now - Start, last => Value};
        Other when Now >= Deadline ->
            #{settled => false, waited_ms => Now - Start, last => Other};
        _ ->
            timer:sleep(?POLL_MS),
            settle(Fun, Start, Deadline)
    end.

%% Monitor first, kill then, and wait for the 'DOWN'. Returns the exit reason.
-spec kill_and_wait(pid()) -> term().
kill_and_wait(Pid) ->
    Ref = erlang:monitor(process, Pid),
    unlink(Pid),
    exit(Pid, kill),
    receive
        {'DOWN', Ref, process, Pid, Reason} -> Reason
    after ?REPLY_MS -> error({setup, {not_killed, Pid}})
    end.

%% Run Fun in a fresh process and return its value, so that the caller's heap and mailbox do not
%% disturb what is measured. A crash of Fun is re-raised here.
-spec in_process(fun(() -> Value)) -> Value.
in_process(Fun) ->
    in_process(Fun, []).

%% As in_process/1, with the options of spawn_opt/2 (`monitor' is added).
-spec in_process(fun(() -> Value), list()) -> Value.
in_process(Fun, SpawnOptions) ->
    Self = self(),
    Tag = make_ref(),
    {Pid, Ref} = spawn_opt(
        fun() -> Self ! {Tag, catch_value(Fun)} end, [monitor | SpawnOptions]
    ),
    receive
        {Tag, {ok, Value}} ->
            receive
                {'DOWN', Ref, process, Pid, _} -> Value
            end;
        {Tag, {raised, Class, Reason, Stack}} ->
            erlang:demonitor(Ref, [flush]),
            erlang:raise(Class, Reason, Stack);
        {'DOWN', Ref, process, Pid, Reason} ->
            error({in_process, Reason})
    end.

catch_value(Fun) ->
    try
        {ok, Fun()}
    catch
        Class:Reason:Stack -> {raised, Class, Reason, Stack}
    end.

%% A process that evaluates the funs sent to it with ask/2 until it is killed. It is the subject:
%% observe it from outside. Options are those of spawn_opt/2.
-spec subject(list()) -> pid().
subject(SpawnOptions) ->
    spawn_opt(fun() -> subject_loop(undefined) end, SpawnOptions).

%% The state lives in the subject's own heap: a fun of one argument gets it and what the fun
%% returns as {Reply, NewState} replaces it.
subject_loop(State) ->
    receive
        {ask, From, Ref, Fun} ->
            {Reply, NewState} = Fun(State),
            From ! {Ref, Reply},
            subject_loop(NewState)
    end.

%% Have the subject evaluate Fun(State) -> {Reply, NewState}; returns Reply.
-spec ask(pid(), fun((term()) -> {Reply, term()})) -> Reply.
ask(Subject, Fun) ->
    Ref = erlang:monitor(process, Subject),
    Subject ! {ask, self(), Ref, Fun},
    receive
        {Ref, Reply} ->
            erlang:demonitor(Ref, [flush]),
            Reply;
        {'DOWN', Ref, process, Subject, Reason} ->
            error({subject_died, Reason})
    after ?REPLY_MS -> error({setup, {no_reply, Subject}})
    end.

%% Start a subject, hand it to Fun, and kill it afterwards, whatever happened.
-spec with_process(list(), fun((pid()) -> Value)) -> Value.
with_process(SpawnOptions, Fun) ->
    Pid = subject(SpawnOptions),
    try
        Fun(Pid)
    after
        kill_and_wait(Pid)
    end.

%% Microseconds that Fun takes; resolution is the VM's native clock.
-spec elapsed_us(fun(() -> term())) -> float().
elapsed_us(Fun) ->
    Start = erlang:monotonic_time(),
    _ = Fun(),
    Stop = erlang:monotonic_time(),
    erlang:convert_time_unit(Stop - Start, native, nanosecond) / 1000.

%% The least time of Rounds runs (after one that is dropped): what a noisy machine disturbs least.
-spec best_us(pos_integer(), fun(() -> term())) -> float().
best_us(Rounds, Fun) ->
    _ = Fun(),
    lists:min([elapsed_us(Fun) || _ <- lists:seq(1, Rounds)]).

-spec median([number(), ...]) -> float().
median(Values) ->
    Sorted = lists:sort(Values),
    Length = length(Sorted),
    Upper = lists:nth(Length div 2 + 1, Sorted),
    case Length rem 2 of
        1 -> float(Upper);
        0 -> (lists:nth(Length div 2, Sorted) + Upper) / 2
    end.

%% The exponent B of Y = A * X^B by least squares over the logarithms: 0 is constant, 1 linear,
%% 2 quadratic. All X and Y must be above 0.
-spec growth_exponent([sample(), ...]) -> float().
growth_exponent(Samples) ->
    Logs = [{math:log(X), math:log(Y)} || {X, Y} <- Samples],
    Count = length(Logs),
    MeanX = lists:sum([X || {X, _} <- Logs]) / Count,
    MeanY = lists:sum([Y || {_, Y} <- Logs]) / Count,
    Covariance = lists:sum([(X - MeanX) * (Y - MeanY) || {X, Y} <- Logs]),
    Variance = lists:sum([(X - MeanX) * (X - MeanX) || {X, _} <- Logs]),
    Covariance / Variance.

%% The first element for which Predicate holds, or `none': how a sweep reports its threshold.
-spec first_where(fun((Element) -> boolean()), [Element]) -> Element | none.
first_where(_, []) ->
    none;
first_where(Predicate, [Element | Rest]) ->
    case Predicate(Element) of
        true -> Element;
        false -> first_where(Predicate, Rest)
    end.

%% What evaluating Fun raises, as plain evidence; `returned' when it does not raise.
-spec error_class(fun(() -> term())) -> #{class := atom(), reason := term()}.
error_class(Fun) ->
    try Fun() of
        Value -> #{class => returned, reason => Value}
    catch
        Class:Reason -> #{class => Class, reason => Reason}
    end.

-spec words_to_bytes(integer()) -> integer().
words_to_bytes(Words) ->
    Words * erlang:system_info(wordsize).
