%% What processes have of their own and what they share, for the concurrency probes.
%% Knows nothing of any claim.
-module(beam_concurrency_model_shared).

-export([words_of_child/1, received_words/1, holders/2, written/0, crash_half/1, thread_count/0]).
%% For spawn/3.
-export([keep/1]).
%% For a peer.
-export([scheduler_ids/1, while_blocked/1]).

-define(ELEMENTS, 10_000).
-define(DEADLINE_MS, 10_000).
-define(LITERAL, [
    a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z,
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24
]).

%% Words that a child has more than one that got nothing, when its maker gives it something: a list of
%% 20,000 words as an argument or in the closure, a constant of 100 words, a binary of 80,000 bytes, a
%% list whose parts are shared (in shared_words/0 words).
-spec words_of_child(atom()) -> integer().
words_of_child(What) ->
    child_words(What) - child_words(nothing).

child_words(What) ->
    Pid = child(What, given(What)),
    try
        Pid ! {ready, self()},
        receive
            {ready, Pid} -> ok
        after ?DEADLINE_MS -> error({setup, {not_ready, What}})
        end,
        probe_measure:live_words(Pid)
    after
        probe_lib:kill_and_wait(Pid)
    end.

child(closure, List) ->
    spawn(fun() -> keep(List) end);
child(_, Given) ->
    spawn(?MODULE, keep, [Given]).

%% Wait with what was given, which is used at the end.
-spec keep(term()) -> term().
keep(Given) ->
    receive
        {ready, From} -> From ! {ready, self()}
    end,
    receive
        stop -> Given
    end.

given(nothing) -> [];
given(argument) -> lists:seq(1, ?ELEMENTS);
given(closure) -> lists:seq(1, ?ELEMENTS);
given(constant) -> ?LITERAL;
given(binary) -> binary:copy(<<"b">>, 8 * ?ELEMENTS);
given(shared) -> shared(12).

%% A term of 2 words a level whose halves are one and the same: twice as large a level once they are
%% told apart.
shared(0) -> [];
shared(Level) ->
    Half = shared(Level - 1),
    [Half | Half].

%% The words of the term with shared parts where it was made, and where it was received.
-spec received_words(atom()) -> #{made_words := integer(), received_words := integer()}.
received_words(What) ->
    probe_lib:with_process([], fun(Receiver) ->
        probe_lib:with_process([], fun(Maker) ->
            Empty = probe_measure:live_words(Receiver),
            probe_lib:ask(Maker, fun(_) -> {ok, given(What)} end),
            Made = probe_measure:live_words(Maker),
            probe_lib:ask(Maker, fun(Term) ->
                {probe_lib:ask(Receiver, fun(_) -> {ok, Term} end), Term}
            end),
            #{
                made_words => Made - Empty,
                received_words => probe_measure:live_words(Receiver) - Empty
            }
        end)
    end).

%% So many processes that were sent the same term: the words that they hold together, and how many
%% different binaries outside of their heaps.
-spec holders(pos_integer(), atom()) -> probe_lib:evidence().
holders(Number, What) ->
    Term = given(What),
    Pids = [probe_lib:subject([]) || _ <- lists:seq(1, Number)],
    try
        Empty = lists:sum([probe_measure:live_words(Pid) || Pid <- Pids]),
        [probe_lib:ask(Pid, fun(_) -> {ok, Term} end) || Pid <- Pids],
        Held = lists:sum([probe_measure:live_words(Pid) || Pid <- Pids]),
        Binaries = lists:usort(lists:append([probe_measure:off_heap(Pid) || Pid <- Pids])),
        #{
            holders_count => Number,
            words => Held - Empty,
            binaries_count => length(Binaries)
        }
    after
        probe_lib:kill_all(Pids)
    end.

%% Two processes add 100,000 times each to one atomic of which a third has the reference; and one puts
%% a value into its dictionary under a key that another reads: what the others see.
-spec written() -> probe_lib:evidence().
written() ->
    Ref = atomics:new(1, []),
    Add = fun() -> [atomics:add(Ref, 1, 1) || _ <- lists:seq(1, 100_000)] end,
    Before = probe_lib:in_process(fun() -> atomics:get(Ref, 1) end),
    Pids = [spawn_monitor(Add) || _ <- [1, 2]],
    [normal = probe_lib:gone(Monitor, ?DEADLINE_MS) || {_, Monitor} <- Pids],
    put(?MODULE, written),
    Own = get(?MODULE),
    Others = probe_lib:in_process(fun() -> get(?MODULE) end),
    erase(?MODULE),
    #{
        atomic_before_count => Before,
        atomic_seen_count => probe_lib:in_process(fun() -> atomics:get(Ref, 1) end),
        dictionary_own => Own,
        dictionary_seen => Others
    }.

%% So many processes of which each second one ends badly, half of these by exit/1 and half killed, all
%% with a copy of one list: the reasons, and how many of the others answer with the sum of theirs.
-spec crash_half(pos_integer()) -> probe_lib:evidence().
crash_half(Number) ->
    List = lists:seq(1, 100),
    Pids = [probe_lib:subject([]) || _ <- lists:seq(1, Number)],
    try
        [probe_lib:ask(Pid, fun(_) -> {ok, List} end) || Pid <- Pids],
        {Doomed, Others} = lists:split(Number div 2, Pids),
        {Exiting, Killed} = lists:split(Number div 4, Doomed),
        Refs = [monitor(process, Pid) || Pid <- Doomed],
        [probe_lib:tell(Pid, fun(_) -> exit(boom) end) || Pid <- Exiting],
        [exit(Pid, kill) || Pid <- Killed],
        Reasons = [probe_lib:gone(Ref, ?DEADLINE_MS) || Ref <- Refs],
        Sums = [
            probe_lib:ask(Pid, fun(Own) -> {lists:sum(Own), Own} end)
         || Pid <- Others, is_process_alive(Pid)
        ],
        #{
            boom_count => length([R || R <- Reasons, R =:= boom]),
            killed_count => length([R || R <- Reasons, R =:= killed]),
            sums_right_count => length([S || S <- Sums, S =:= 5050])
        }
    after
        probe_lib:kill_all(Pids)
    end.

%% Threads of this VM's process, as Linux counts them.
-spec thread_count() -> pos_integer().
thread_count() ->
    case file:list_dir("/proc/self/task") of
        {ok, Names} -> length(Names);
        {error, Reason} -> error({setup, {no_threads_listed, Reason}})
    end.

%% The schedulers on which so many busy processes ran until all were seen, or five seconds had passed.
-spec scheduler_ids(pos_integer()) -> [pos_integer()].
scheduler_ids(Processes) ->
    with_busy(Processes, fun(Seen) -> until_seen(Seen, erlang:system_info(schedulers)) end).

%% The same before, while and after multi-scheduling is blocked; and how many of the processes ran
%% meanwhile.
-spec while_blocked(pos_integer()) -> probe_lib:evidence().
while_blocked(Processes) ->
    All = erlang:system_info(schedulers),
    with_busy(Processes, fun({_, Turns} = Seen) ->
        Before = length(until_seen(Seen, All)),
        State = erlang:system_flag(multi_scheduling, block),
        try
            forget(Seen),
            Ran = probe_lib:until(fun() -> ran(Turns) =:= Processes end, ?DEADLINE_MS),
            Blocked = length(ids(Seen)),
            #{settled := Settled} = Ran,
            Enabled = erlang:system_flag(multi_scheduling, unblock),
            forget(Seen),
            #{
                state => State,
                state_afterwards => Enabled,
                schedulers_before_count => Before,
                schedulers_count => Blocked,
                all_ran => Settled,
                schedulers_afterwards_count => length(until_seen(Seen, All))
            }
        after
            erlang:system_flag(multi_scheduling, unblock)
        end
    end).

with_busy(Processes, Fun) ->
    Seen = {atomics:new(erlang:system_info(schedulers), []), atomics:new(Processes, [])},
    Pids = [spawn_link(fun() -> note(Seen, N) end) || N <- lists:seq(1, Processes)],
    try
        Fun(Seen)
    after
        probe_lib:kill_all(Pids)
    end.

note({Ids, Turns} = Seen, N) ->
    atomics:add(Ids, erlang:system_info(scheduler_id), 1),
    atomics:add(Turns, N, 1),
    erlang:yield(),
    note(Seen, N).

until_seen(Seen, Number) ->
    _ = probe_lib:until(fun() -> length(ids(Seen)) =:= Number end, 5_000),
    ids(Seen).

ids({Ids, _}) ->
    positive(Ids).

ran(Turns) ->
    length(positive(Turns)).

positive(Array) ->
    #{size := Size} = atomics:info(Array),
    [Index || Index <- lists:seq(1, Size), atomics:get(Array, Index) > 0].

forget({Ids, Turns}) ->
    [
        atomics:put(Array, Index, 0)
     || Array <- [Ids, Turns], Index <- positive(Array)
    ].
