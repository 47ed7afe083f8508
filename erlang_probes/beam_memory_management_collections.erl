%% Collections for the probes of beam-memory-management: what the trace shows of them, subjects that
%% make garbage, what a setting of fullsweep_after makes of it, other processes meanwhile.
%% Knows how to provoke and count them; knows no claim. Not a probe module.
-module(beam_memory_management_collections).

%% Counting.
-export([watched/2, collections/2, tally/1, minors_between/1, most_heap_words/1]).
%% Making garbage.
-export([churn/1, replaced/2, keep/1, counted_list/2, allocated/2]).
%% fullsweep_after.
-export([fullsweep_period/3, collections_with/3, reclaimed_after/1, by_setting/2]).
%% Meanwhile.
-export([progress_beside/1]).

-export_type([collection/0, tally/0]).

-define(BINARIES, beam_memory_management_binaries).
-define(DEADLINE_MS, 5_000).
-define(MB, (1024 * 1024)).
-define(ROUNDS_A_SLICE, 1_000).

%% One collection as the trace shows it: scheduler 0 is any dirty one, the heap is the block of the
%% young generation when it starts.
-type collection() :: #{
    type := minor | major, scheduler := non_neg_integer(), heap_words := non_neg_integer()
}.
-type tally() :: #{minor_count := non_neg_integer(), full_sweeps_count := non_neg_integer()}.

%%% Counting

%% What Fun returns, and the collections of each of Pids meanwhile, in their order. To be called in
%% a process that traces nothing else.
-spec watched([pid()], fun(() -> Value)) -> {Value, #{pid() => [collection()]}}.
watched(Pids, Fun) ->
    [1 = erlang:trace(Pid, true, [garbage_collection, scheduler_id]) || Pid <- Pids],
    Value = Fun(),
    [delivered(Pid) || Pid <- Pids],
    {Value, maps:from_list([{Pid, traced(Pid)} || Pid <- Pids])}.

delivered(Pid) ->
    _ = erlang:trace(Pid, false, [garbage_collection, scheduler_id]),
    probe_lib:delivered(Pid).

traced(Pid) ->
    receive
        {trace, Pid, gc_minor_start, Info, Id} -> [collection(minor, Id, Info) | traced(Pid)];
        {trace, Pid, gc_major_start, Info, Id} -> [collection(major, Id, Info) | traced(Pid)];
        {trace, Pid, _, _, _} -> traced(Pid)
    after 0 -> []
    end.

collection(Type, Id, Info) ->
    #{type => Type, scheduler => Id, heap_words => proplists:get_value(heap_block_size, Info)}.

%% What Fun(Subject) returns for a fresh subject, and the subject's collections meanwhile.
-spec collections(list(), fun((pid()) -> Value)) -> {Value, [collection()]}.
collections(SpawnOptions, Fun) ->
    probe_lib:in_process(fun() ->
        probe_lib:with_process(SpawnOptions, fun(Subject) ->
            {Value, #{Subject := Collections}} = watched([Subject], fun() -> Fun(Subject) end),
            {Value, Collections}
        end)
    end).

-spec tally([collection()]) -> tally().
tally(Collections) ->
    {Minor, Major} = lists:partition(fun(#{type := Type}) -> Type =:= minor end, Collections),
    #{minor_count => length(Minor), full_sweeps_count => length(Major)}.

%% The minor collections before each full sweep.
-spec minors_between([collection()]) -> [non_neg_integer()].
minors_between(Collections) ->
    minors_between(Collections, 0).

minors_between([], _) -> [];
minors_between([#{type := minor} | Rest], Count) -> minors_between(Rest, Count + 1);
minors_between([#{type := major} | Rest], Count) -> [Count | minors_between(Rest, 0)].

-spec most_heap_words([collection(), ...]) -> non_neg_integer().
most_heap_words(Collections) ->
    lists:max([Words || #{heap_words := Words} <- Collections]).

%%% Making garbage

%% Allocate 200 words of garbage Rounds times, and keep nothing.
-spec churn(non_neg_integer()) -> ok.
churn(0) ->
    ok;
churn(Rounds) ->
    keep(lists:reverse(lists:seq(1, 50))),
    churn(Rounds - 1).

%% What is kept, with the oldest replaced by a short list, so many times.
-spec replaced(non_neg_integer(), list()) -> list().
replaced(Times, Kept) ->
    queue:to_list(replace(Times, queue:from_list(Kept))).

replace(0, Kept) -> Kept;
replace(Left, Kept) -> replace(Left - 1, queue:in(lists:seq(1, 5), queue:drop(Kept))).

%% Have the compiler leave what makes the term alone.
-spec keep(term()) -> ok.
keep(_) -> ok.

-spec counted_list(non_neg_integer(), list()) -> list().
counted_list(0, List) -> List;
counted_list(Count, List) -> counted_list(Count - 1, [Count | List]).

%% The words that Fun(State) allocates on the heap of a subject whose state Make() builds, and that
%% no collection disturbs, and what Fun returns, a small term. What asking itself costs is taken
%% off; messages are kept off the heap, or a sender that finds it unlocked would allocate there.
-spec allocated(fun(() -> State), fun((State) -> Value)) -> {non_neg_integer(), Value}.
allocated(Make, Fun) ->
    Quiet = [
        {min_heap_size, 500_000}, {min_bin_vheap_size, 100_000_000}, {message_queue_data, off_heap}
    ],
    probe_lib:with_process(Quiet, fun(Subject) ->
        probe_lib:ask(Subject, fun(_) -> {ok, Make()} end),
        true = erlang:garbage_collect(Subject),
        Words = fun(Measured) ->
            Before = probe_measure:young_used_words(Subject),
            Value = probe_lib:ask(Subject, fun(State) -> {Measured(State), State} end),
            {probe_measure:young_used_words(Subject) - Before, Value}
        end,
        {Asking, _} = Words(fun(_) -> ok end),
        {All, Value} = Words(Fun),
        {All - Asking, Value}
    end).

%%% fullsweep_after

%% What a process with this fullsweep_after does while it evaluates Work(State) on a state of Live
%% list cells. Of the intervals between full sweeps the first is left out: that full sweep comes
%% early, when the first old heap is to be made.
-spec fullsweep_period(non_neg_integer(), non_neg_integer(), fun((list()) -> list())) -> map().
fullsweep_period(Setting, Live, Work) ->
    Collections = collections_with([{fullsweep_after, Setting}], Live, Work),
    (tally(Collections))#{
        fullsweep_after_count => Setting,
        collections_count => length(Collections),
        minors_between_count => lists:usort(rest(minors_between(Collections)))
    }.

rest([]) -> [];
rest([_ | Rest]) -> Rest.

%% The collections of a process with these options that keeps Live list cells, while it evaluates
%% Work(State), whose value is what it keeps from then on.
-spec collections_with(list(), non_neg_integer(), fun((list()) -> list())) -> [collection()].
collections_with(SpawnOptions, Live, Work) ->
    probe_lib:in_process(fun() ->
        probe_lib:with_process(SpawnOptions, fun(Subject) ->
            probe_lib:ask(Subject, fun(_) -> {ok, lists:seq(1, Live)} end),
            {ok, #{Subject := Collections}} = watched([Subject], fun() ->
                probe_lib:ask(Subject, fun(State) -> {ok, Work(State)} end)
            end),
            Collections
        end)
    end).

%% How many forced minor collections it takes until a promoted and dropped binary is gone, and what
%% is left when a full sweep was forced at last.
-spec reclaimed_after(non_neg_integer()) -> #{atom() => non_neg_integer() | none}.
reclaimed_after(Setting) ->
    probe_lib:with_process([{fullsweep_after, Setting} | ?BINARIES:quiet()], fun(Holder) ->
        ?BINARIES:hold(Holder, fun() -> ?BINARIES:bytes(?MB) end),
        [_ | _] = ?BINARIES:collected(Holder, minor),
        [_ | _] = ?BINARIES:collected(Holder, minor),
        probe_lib:ask(Holder, fun(_) -> {ok, none} end),
        Needed = probe_measure:first_where(
            fun(_) -> ?BINARIES:collected(Holder, minor) =:= [] end, lists:seq(1, 200)
        ),
        #{
            fullsweep_after_count => Setting,
            collections_count => Needed,
            left_bytes => lists:sum(?BINARIES:collected(Holder, major))
        }
    end).

%% One key a setting, after_N_unit for Key's unit, with what Key says there.
-spec by_setting(atom(), [map()]) -> #{atom() => term()}.
by_setting(Key, Settings) ->
    Unit = lists:last(string:split(atom_to_list(Key), "_", all)),
    maps:from_list([
        {list_to_atom(lists:concat(["after_", Setting, "_", Unit])), maps:get(Key, Evidence)}
     || #{fullsweep_after_count := Setting} = Evidence <- Settings
    ]).

%%% Meanwhile

%% How a process that only computes gets on while Heavy sweeps its heap five times: its rounds per
%% millisecond within the sweeps, as the trace times them, over those before the first of them.
-spec progress_beside(pid()) -> #{atom() => number()}.
progress_beside(Heavy) ->
    probe_lib:in_process(fun() ->
        Stop = atomics:new(1, []),
        probe_lib:with_process([], fun(Spinner) ->
            Ref = probe_lib:tell(Spinner, fun(_) -> {slices(Stop, []), none} end),
            timer:sleep(200),
            Sweeps = timed_sweeps(Heavy),
            ok = atomics:put(Stop, 1, 1),
            receive
                {Ref, Slices} -> progress(Slices, Sweeps)
            after ?DEADLINE_MS -> error({setup, spinner_goes_on})
            end
        end)
    end).

%% The native times at which each slice of rounds was done, until Stop is set.
slices(Stop, Done) ->
    ok = rounds(?ROUNDS_A_SLICE),
    Times = [erlang:monotonic_time() | Done],
    case atomics:get(Stop, 1) of
        0 -> slices(Stop, Times);
        1 -> lists:reverse(Times)
    end.

rounds(0) -> ok;
rounds(Left) -> rounds(Left - 1).

%% Start and end of each of five full sweeps, in native time.
timed_sweeps(Heavy) ->
    Flags = [garbage_collection, monotonic_timestamp],
    1 = erlang:trace(Heavy, true, Flags),
    ok = probe_lib:ask(Heavy, fun(State) ->
        [true = erlang:garbage_collect() || _ <- lists:seq(1, 5)],
        {ok, State}
    end),
    ok = delivered(Heavy),
    sweep_times(Heavy).

sweep_times(Heavy) ->
    receive
        {trace_ts, Heavy, gc_major_start, _, Start} ->
            receive
                {trace_ts, Heavy, gc_major_end, _, End} -> [{Start, End} | sweep_times(Heavy)]
            after 0 -> error({setup, sweep_without_end})
            end
    after 0 -> []
    end.

progress(_, []) ->
    error({setup, no_sweep});
progress(Slices, [{First, _} | _] = Sweeps) ->
    Within = fun({Start, End}) -> length([T || T <- Slices, T >= Start, T =< End]) end,
    Sweeping = lists:sum([End - Start || {Start, End} <- Sweeps]),
    Alone = {hd(Slices), First},
    #{
        sweeps_count => length(Sweeps),
        sweeps_ms => ms(Sweeping),
        alone_ms => ms(First - hd(Slices)),
        progress_ratio =>
            (lists:sum(lists:map(Within, Sweeps)) / Sweeping) /
                (Within(Alone) / (First - hd(Slices)))
    }.

ms(Native) ->
    erlang:convert_time_unit(Native, native, microsecond) / 1000.
