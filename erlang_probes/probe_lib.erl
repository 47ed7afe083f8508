%% What all probes share: subjects and observers, bounded waiting, ends of processes.
%% Knows how to start, ask and end processes; knows nothing of any claim, and never judges.
-module(probe_lib).

%% Waiting.
-export([settle/2, until/2, await/2, value_within/2]).
%% Processes.
-export([
    in_process/1,
    in_process/2,
    in_process/3,
    subject/1,
    ask/2,
    tell/2,
    with_process/2,
    hibernate/1,
    asleep/1,
    wake/1,
    monitored/1,
    gone/2,
    kill_and_wait/1,
    kill_all/1,
    delivered/1,
    error_class/1
]).

-export_type([json/0, evidence/0, args/0, settled/0]).

%% What evidence may hold; text is a binary, an atom is text as well.
-type json() ::
    null | boolean() | number() | atom() | binary() | [json()] | #{atom() | binary() => json()}.
%% What a probe returns: keys end in their unit.
-type evidence() :: #{atom() => json()}.
%% What a probe is given: `args' of its claim, and what the harness adds (`nif_library').
-type args() :: #{atom() => term()}.
%% What settle/2 or until/2 found, and how long it waited for it.
-type settled() :: #{settled := boolean(), waited_ms := non_neg_integer(), last := term()}.

-define(POLL_MS, 5).
%% Longer than anything but a hang takes; shorter than the deadline of a call, so that what was
%% waited for is said. A probe that may take longer says so with in_process/3.
-define(REPLY_MS, 25_000).

%%% Waiting. settle/2 and until/2 observe: what they return belongs into the evidence. await/2 and
%%% value_within/2 require: without it the probe has no subject, and ends in {setup, _}.

%% Poll Fun until it returns {done, Value} or the deadline passes; never sleep longer than one
%% poll. `last' is the Value, or what Fun returned at last in its place.
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

%% Poll Predicate until it returns true or the deadline passes. `last' is what it returned last,
%% which may be anything that says more than `false'.
-spec until(fun(() -> true | term()), non_neg_integer()) -> settled().
until(Predicate, DeadlineMs) ->
    settle(
        fun() ->
            case Predicate() of
                true -> {done, true};
                Other -> Other
            end
        end,
        DeadlineMs
    ).

%% As until/2, of what the probe cannot do without: raises {setup, {never, Last}} past the deadline.
-spec await(fun(() -> true | term()), non_neg_integer()) -> ok.
await(Predicate, DeadlineMs) ->
    case until(Predicate, DeadlineMs) of
        #{settled := true} -> ok;
        #{last := Last} -> error({setup, {never, Last}})
    end.

%% The Value of {done, Value} that Fun comes to return; raises {setup, {never, Last}} past the
%% deadline.
-spec value_within(fun(() -> {done, Value} | term()), non_neg_integer()) -> Value.
value_within(Fun, DeadlineMs) ->
    case settle(Fun, DeadlineMs) of
        #{settled := true, last := Value} -> Value;
        #{last := Last} -> error({setup, {never, Last}})
    end.

%%% Processes

%% Run Fun in a fresh process and return its value, so that the caller's heap and mailbox do not
%% disturb what is measured. A crash of Fun is raised again here.
-spec in_process(fun(() -> Value)) -> Value.
in_process(Fun) ->
    in_process(Fun, []).

%% As in_process/1, with the options of spawn_opt/2 (`monitor' is added).
-spec in_process(fun(() -> Value), list()) -> Value.
in_process(Fun, SpawnOptions) ->
    in_process(Fun, SpawnOptions, ?REPLY_MS).

%% As in_process/2; a process that takes longer is killed, and {setup, {no_value, Ms}} raised.
-spec in_process(fun(() -> Value), list(), pos_integer()) -> Value.
in_process(Fun, SpawnOptions, DeadlineMs) ->
    Self = self(),
    Tag = make_ref(),
    {Pid, Ref} = spawn_opt(
        fun() -> Self ! {Tag, catch_value(Fun)} end, [monitor | SpawnOptions]
    ),
    receive
        {Tag, {ok, Value}} ->
            _ = gone(Ref, DeadlineMs),
            Value;
        {Tag, {raised, Class, Reason, Stack}} ->
            erlang:demonitor(Ref, [flush]),
            erlang:raise(Class, Reason, Stack);
        {'DOWN', Ref, process, Pid, Reason} ->
            error({in_process, Reason})
    after DeadlineMs ->
        _ = kill_and_wait(Pid),
        error({setup, {no_value, DeadlineMs}})
    end.

catch_value(Fun) ->
    try
        {ok, Fun()}
    catch
        Class:Reason:Stack -> {raised, Class, Reason, Stack}
    end.

%% A process that evaluates the funs sent to it with ask/2 or tell/2 until it is killed. It is the
%% subject: observe it from outside. Options are those of spawn_opt/2.
-spec subject(list()) -> pid().
subject(SpawnOptions) ->
    spawn_opt(fun() -> wake(undefined) end, SpawnOptions).

%% The subject's loop, and where a hibernated one goes on. The state lives in the subject's own
%% heap: a fun of one argument gets it, and what it returns as {Reply, NewState} replaces it.
-spec wake(term()) -> no_return().
wake(State) ->
    receive
        {ask, From, Ref, Fun} ->
            {Reply, NewState} = Fun(State),
            From ! {Ref, Reply},
            wake(NewState)
    end.

%% Have the subject evaluate Fun(State) -> {Reply, NewState}; returns Reply. Raises
%% {subject_died, Reason} when it ends instead.
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

%% Have the subject evaluate Fun(State) -> {Reply, NewState}, and do not wait: {Ref, Reply} comes
%% to the caller as a message, if the subject lives so long.
-spec tell(pid(), fun((term()) -> {term(), term()})) -> Ref :: reference().
tell(Subject, Fun) ->
    Ref = make_ref(),
    Subject ! {ask, self(), Ref, Fun},
    Ref.

%% Start a subject, hand it to Fun, and kill it afterwards, whatever happened.
-spec with_process(list(), fun((pid()) -> Value)) -> Value.
with_process(SpawnOptions, Fun) ->
    Pid = subject(SpawnOptions),
    try
        Fun(Pid)
    after
        kill_and_wait(Pid)
    end.

%% Have a subject hibernate with its state, and wait until it sleeps and its heap has been swept:
%% a large one is swept on a dirty scheduler some time after the process looks asleep. Any ask/2
%% wakes it.
-spec hibernate(pid()) -> ok.
hibernate(Subject) ->
    _ = tell(Subject, fun(State) -> erlang:hibernate(?MODULE, wake, [State]) end),
    Subject = asleep(Subject),
    await(fun() -> slack_words(Subject) < 100 end, ?REPLY_MS).

%% Wait until a process hibernates, and return it.
-spec asleep(pid()) -> pid().
asleep(Pid) ->
    Asleep = [{current_function, {erlang, hibernate, 3}}, {status, waiting}],
    await(
        fun() ->
            Now = process_info(Pid, [current_function, status]),
            Now =:= Asleep orelse Now
        end,
        ?REPLY_MS
    ),
    Pid.

%% The words of a process' heaps that hold nothing.
slack_words(Pid) ->
    [{stack_size, Stack}, {garbage_collection_info, Info}] =
        process_info(Pid, [stack_size, garbage_collection_info]),
    [Young, Used, Old] = [
        proplists:get_value(Key, Info)
     || Key <- [heap_block_size, heap_size, old_heap_block_size]
    ],
    Young - Used - Stack + Old.

%% Monitor a process that a third one is to end. When this returns the monitor has arrived there: the
%% signals of two senders have no order, and the reason in the 'DOWN' could be `noproc'.
-spec monitored(pid()) -> reference().
monitored(Pid) ->
    Ref = erlang:monitor(process, Pid),
    _ = process_info(Pid, status),
    Ref.

%% The exit reason of a process, or `alive' when it has not ended after DeadlineMs. Given the
%% reference of a monitor, it waits for that one's 'DOWN'; given a pid that has ended already, the
%% reason is `noproc'.
-spec gone(pid() | reference(), non_neg_integer()) -> Reason :: term() | alive.
gone(Pid, DeadlineMs) when is_pid(Pid) ->
    Ref = erlang:monitor(process, Pid),
    Reason = gone(Ref, DeadlineMs),
    erlang:demonitor(Ref, [flush]),
    Reason;
gone(Ref, DeadlineMs) ->
    receive
        {'DOWN', Ref, process, _, Reason} -> Reason
    after DeadlineMs -> alive
    end.

%% Monitor first, kill then, and wait for the 'DOWN'. Returns the exit reason.
-spec kill_and_wait(pid()) -> term().
kill_and_wait(Pid) ->
    [Reason] = kill_all([Pid]),
    Reason.

%% Kill all first and wait then, which is quicker than one by one. Returns the exit reasons in the
%% order of the pids: `killed', or `noproc' of one that had ended already.
-spec kill_all([pid()]) -> [Reason :: term()].
kill_all(Pids) ->
    Refs = [erlang:monitor(process, Pid) || Pid <- Pids],
    lists:foreach(
        fun(Pid) ->
            unlink(Pid),
            exit(Pid, kill)
        end,
        Pids
    ),
    [killed(Pid, Ref) || {Pid, Ref} <- lists:zip(Pids, Refs)].

killed(Pid, Ref) ->
    receive
        {'DOWN', Ref, process, Pid, Reason} -> Reason
    after ?REPLY_MS -> error({setup, {not_killed, Pid}})
    end.

%% Wait until all trace messages about a process are with its tracers.
-spec delivered(pid()) -> ok.
delivered(Pid) ->
    Ref = erlang:trace_delivered(Pid),
    receive
        {trace_delivered, Pid, Ref} -> ok
    after ?REPLY_MS -> error({setup, {traces_not_delivered, Pid}})
    end.

%% What evaluating Fun raises, as plain terms; `returned' when it does not raise.
-spec error_class(fun(() -> term())) -> #{class := atom(), reason := term()}.
error_class(Fun) ->
    try Fun() of
        Value -> #{class => returned, reason => Value}
    catch
        Class:Reason -> #{class => Class, reason => Reason}
    end.
