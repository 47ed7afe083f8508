%% Heap sizes for the probes of beam-memory-management: the steps that the VM has, the rule that
%% they follow, where a process is collected by what it holds off its heap or has on it.
%% Knows how to find them; knows no claim. Not a probe module.
-module(beam_memory_management_heap).

-export([steps/2, off_rule/1, grown_words/1, old_words/1]).
-export([made_until_collected/3, bin_vheap_words/1, taken/1]).
-export([sweeps_on_dirty_from/1]).

-define(BINARIES, beam_memory_management_binaries).
-define(COLLECTIONS, beam_memory_management_collections).

%% The sizes that a heap can have, from the first that is at least Ask words up to Most words.
-spec steps(non_neg_integer(), pos_integer()) -> [pos_integer()].
steps(Ask, Most) when Ask > Most ->
    [];
steps(Ask, Most) ->
    Words = probe_lib:with_process([{min_heap_size, Ask}], fun probe_measure:total_heap_words/1),
    [Words | steps(Words + 1, Most)].

%% The steps that are not the sum of the two before them and one.
-spec off_rule([pos_integer()]) -> [pos_integer()].
off_rule([First, Second, Third | Rest]) when Third =:= First + Second + 1 ->
    off_rule([Second, Third | Rest]);
off_rule([_, Second, Third | Rest]) ->
    [Third | off_rule([Second, Third | Rest])];
off_rule(_) ->
    [].

%% The words of Subject's young heap, ten more list cells later.
-spec grown_words(pid()) -> pos_integer().
grown_words(Subject) ->
    probe_lib:ask(Subject, fun(List) -> {ok, lists:seq(1, 10) ++ List} end),
    probe_measure:young_block_words(Subject).

%% The words in use in Pid's old generation.
-spec old_words(pid()) -> non_neg_integer().
old_words(Pid) ->
    {garbage_collection_info, Info} = process_info(Pid, garbage_collection_info),
    proplists:get_value(old_heap_size, Info).

%% The bytes in binaries of Size bytes that a fresh process makes until it is collected, and drops
%% each; `none' if it is not, of so many.
-spec made_until_collected(list(), pos_integer(), pos_integer()) -> pos_integer() | none.
made_until_collected(SpawnOptions, Size, Most) ->
    Collected = fun(Subject, Made) ->
        Step = fun() ->
            Size = probe_lib:ask(Subject, fun(_) ->
                {byte_size(?BINARIES:bytes(Size)), none}
            end)
        end,
        {_, #{Subject := Collections}} = ?COLLECTIONS:watched([Subject], Step),
        Collections =/= [] andalso Made * Size
    end,
    probe_lib:in_process(fun() ->
        probe_lib:with_process(SpawnOptions, fun(Subject) ->
            first(fun(Made) -> Collected(Subject, Made) end, 1, Most)
        end)
    end).

first(_, Made, Most) when Made > Most ->
    none;
first(Collected, Made, Most) ->
    case Collected(Made) of
        false -> first(Collected, Made + 1, Most);
        Bytes -> Bytes
    end.

%% The virtual heap for binaries that a process with these options has at least.
-spec bin_vheap_words(list()) -> pos_integer().
bin_vheap_words(SpawnOptions) ->
    probe_lib:with_process(SpawnOptions, fun(Pid) ->
        {garbage_collection, Settings} = process_info(Pid, garbage_collection),
        proplists:get_value(min_bin_vheap_size, Settings)
    end).

%% Whether a process with these options is linked to who spawned it, and keeps messages off its heap.
-spec taken(list()) -> [link | message_queue_data].
taken(SpawnOptions) ->
    Self = self(),
    probe_lib:with_process(SpawnOptions, fun(Pid) ->
        {links, Links} = process_info(Pid, links),
        {message_queue_data, Where} = process_info(Pid, message_queue_data),
        [link || lists:member(Self, Links)] ++ [message_queue_data || Where =:= off_heap]
    end).

%% The most words on a heap that a normal scheduler sweeps, and the least that a dirty one does,
%% from 1000 to 400000, `none' where one of them does none; Fill(Words) puts them there, and what it
%% returns is live.
-spec sweeps_on_dirty_from(fun((pos_integer()) -> term())) ->
    {Normal :: pos_integer() | none, Dirty :: pos_integer() | none}.
sweeps_on_dirty_from(Fill) ->
    OnDirty = fun(Words) ->
        {_, Collections} = ?COLLECTIONS:collections([{min_heap_size, 700_000}], fun(Subject) ->
            probe_lib:ask(Subject, fun(_) -> {ok, Fill(Words)} end),
            true = erlang:garbage_collect(Subject)
        end),
        [#{type := major, scheduler := Id}] = Collections,
        Id =:= 0
    end,
    case probe_measure:sweep([1000, 400_000], OnDirty) of
        {1000, 400_000} -> probe_measure:bisect(1000, 400_000, OnDirty);
        NoBorder -> NoBorder
    end.
