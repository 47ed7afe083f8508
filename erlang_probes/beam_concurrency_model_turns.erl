%% Whether others run while one call lasts, for the concurrency probes: on a VM of one scheduler two
%% processes take turns, and the turns of the one are counted while the other is in the call.
%% Knows nothing of any claim.
-module(beam_concurrency_model_turns).

%% For the probe's own VM.
-export([on_one_scheduler/1]).
%% For a peer of one scheduler.
-export([all/1, counted/1, with_slices/1]).

-export_type([turns/0]).

%% How often the other process ran meanwhile, how long the call took, and how many ordinary time
%% slices that is.
-type turns() :: #{turns_count := non_neg_integer(), took_ms := float(), slices_ratio := float()}.

-define(LIST, 1_000_000).
-define(WORDS, 4_000_000).
-define(BIG_BITS, 500_000).
-define(OBJECTS, 200_000).
-define(LOOP, 3_000_000).
%% The calls of one slice.
-define(SLICE, 4_000).
%% Iterations of the loops whose bodies differ.
-define(ROUNDS, 20_000).
%% How often what may end a slice is done.
-define(TIMES, 50).
-define(DEADLINE_MS, 25_000).

-define(ADD_10(N, Sum), ((((((((((Sum + N) bxor N) + N) bxor N) + N) bxor N) + N) bxor N) + N) bxor N)).
-define(ADD_100(N, Sum),
    ?ADD_10(N, ?ADD_10(N, ?ADD_10(N, ?ADD_10(N, ?ADD_10(N,
    ?ADD_10(N, ?ADD_10(N, ?ADD_10(N, ?ADD_10(N, ?ADD_10(N, Sum))))))))))
).
-define(ADD_1000(N, Sum),
    ?ADD_100(N, ?ADD_100(N, ?ADD_100(N, ?ADD_100(N, ?ADD_100(N,
    ?ADD_100(N, ?ADD_100(N, ?ADD_100(N, ?ADD_100(N, ?ADD_100(N, Sum))))))))))
).

%% The turns during each of some named calls, on a peer of one scheduler.
-spec on_one_scheduler([atom()]) -> #{atom() => turns()}.
on_one_scheduler(Names) ->
    probe_peer:with(#{flags => ["+S", "1:1", "+sbwt", "none"]}, fun(Peer) ->
        probe_peer:call(Peer, ?MODULE, all, [Names])
    end).

%% The same here.
-spec all([atom()]) -> #{atom() => turns()}.
all(Names) ->
    SliceMs = slice_ms(),
    maps:from_list([{Name, with_slices(during(Name), SliceMs)} || Name <- Names]).

%% Say of a call how many ordinary time slices its time is.
-spec with_slices(map()) -> map().
with_slices(Turns) ->
    with_slices(Turns, slice_ms()).

with_slices(#{took_ms := TookMs} = Turns, SliceMs) ->
    Turns#{slices_ratio => TookMs / SliceMs}.

%% An ordinary slice is the time of as many calls of a loop as are one, beside a process that takes its
%% turns: the shortest of a hundred times ten, as what the machine does meanwhile only makes it longer.
slice_ms() ->
    probe_lib:in_process(fun() ->
        Turns = atomics:new(1, []),
        Other = spawn_link(fun() -> other(Turns) end),
        BestUs = probe_measure:best_us(100, fun() -> loop(10 * ?SLICE) end),
        killed = probe_lib:kill_and_wait(Other),
        BestUs / 10 / 1_000
    end).

%% One named call in a process of its own, for which its arguments are made before.
during(Name) ->
    probe_lib:in_process(
        fun() ->
            Call = prepared(Name),
            true = erlang:garbage_collect(),
            counted(Call)
        end,
        [{min_heap_size, ?WORDS}],
        ?DEADLINE_MS
    ).

%% Evaluate a fun beside another process that does nothing but yield: how often that one ran
%% meanwhile, and how long the fun took.
-spec counted(fun(() -> term())) -> #{turns_count := non_neg_integer(), took_ms := float()}.
counted(Fun) ->
    Turns = atomics:new(1, []),
    Other = spawn_link(fun() -> other(Turns) end),
    try
        probe_lib:await(fun() -> atomics:get(Turns, 1) > 10 end, ?DEADLINE_MS),
        erlang:yield(),
        Before = atomics:get(Turns, 1),
        Begun = erlang:monotonic_time(),
        Value = Fun(),
        Ended = erlang:monotonic_time(),
        After = atomics:get(Turns, 1),
        _ = Value,
        TookNs = erlang:convert_time_unit(Ended - Begun, native, nanosecond),
        #{turns_count => After - Before, took_ms => TookNs / 1.0e6}
    after
        killed = probe_lib:kill_and_wait(Other)
    end.

other(Turns) ->
    atomics:add(Turns, 1, 1),
    erlang:yield(),
    other(Turns).

%% A call whose arguments are ready.
prepared(loop) ->
    fun() -> loop(?LOOP) end;
prepared(short_body) ->
    fun() -> short_body(?ROUNDS) end;
prepared(long_body) ->
    fun() -> long_body(?ROUNDS, 0) end;
prepared(long_body_in_calls) ->
    fun() -> loop(?ROUNDS * 1_000) end;
prepared(receive_there) ->
    [self() ! {there, N} || N <- lists:seq(1, ?TIMES)],
    fun() -> [receive {there, N} -> ok end || N <- lists:seq(1, ?TIMES)] end;
prepared(receive_waiting) ->
    Self = self(),
    fun() ->
        [
            begin
                spawn(fun() -> Self ! {later, N} end),
                receive {later, N} -> ok end
            end
         || N <- lists:seq(1, ?TIMES)
        ]
    end;
prepared(yield) ->
    fun() -> [erlang:yield() || _ <- lists:seq(1, ?TIMES)] end;
prepared(bump) ->
    fun() -> [erlang:bump_reductions(4_000) || _ <- lists:seq(1, ?TIMES)] end;
prepared(length) ->
    List = list(),
    fun() -> length(List) end;
prepared(append) ->
    List = list(),
    fun() -> List ++ [last] end;
prepared(subtract) ->
    List = list(),
    fun() -> List -- [0, -1, -2] end;
prepared(reverse) ->
    List = list(),
    fun() -> lists:reverse(List, []) end;
prepared(member) ->
    List = list(),
    fun() -> lists:member(none, List) end;
prepared(keyfind) ->
    List = [{I, I} || I <- lists:seq(1, 500_000)],
    fun() -> lists:keyfind(none, 1, List) end;
prepared(list_to_binary) ->
    List = lists:duplicate(?LIST, $a),
    fun() -> list_to_binary(List) end;
prepared(list_to_tuple) ->
    List = list(),
    fun() -> list_to_tuple(List) end;
prepared(tuple_to_list) ->
    Tuple = list_to_tuple(list()),
    fun() -> tuple_to_list(Tuple) end;
prepared(setelement) ->
    Tuple = list_to_tuple(list()),
    fun() -> setelement(1, Tuple, x) end;
prepared(term_to_binary) ->
    List = list(),
    fun() -> term_to_binary(List) end;
prepared(binary_to_term) ->
    Binary = term_to_binary(list()),
    fun() -> binary_to_term(Binary) end;
prepared(re_search) ->
    Binary = binary:copy(<<"a">>, 1_000_000),
    {ok, Compiled} = re:compile("a[^c]{2}b"),
    fun() -> re:run(Binary, Compiled) end;
prepared(re_backtrack) ->
    Binary = <<(binary:copy(<<"a">>, 24))/binary, "c">>,
    {ok, Compiled} = re:compile("^(a+)+$"),
    fun() -> re:run(Binary, Compiled) end;
prepared(re_class) ->
    Binary = binary:copy(<<"a">>, 3_000_000),
    {ok, Compiled} = re:compile("^a*$"),
    fun() -> re:run(Binary, Compiled, [{capture, none}]) end;
prepared(binary_match) ->
    Binary = binary:copy(<<"a">>, 20_000_000),
    fun() -> binary:match(Binary, <<"ab">>) end;
prepared(crc32) ->
    Binary = binary:copy(<<"a">>, 50_000_000),
    fun() -> erlang:crc32(Binary) end;
prepared(phash2) ->
    List = list(),
    fun() -> erlang:phash2(List) end;
prepared(equal) ->
    One = list(),
    Other = list(),
    fun() -> One =:= Other end;
prepared(compare) ->
    One = list(),
    Other = list(),
    fun() -> One < Other end;
prepared(multiply) ->
    Big = big(?BIG_BITS) div 3,
    Other = big(?BIG_BITS) div 7,
    fun() -> Big * Other end;
prepared(divide) ->
    Big = big(?BIG_BITS) * big(?BIG_BITS),
    Divisor = big(?BIG_BITS) + 12345,
    fun() -> Big div Divisor end;
prepared(integer_to_binary) ->
    Big = big(?BIG_BITS div 4),
    fun() -> integer_to_binary(Big) end;
prepared(ets_select) ->
    Table = table(?OBJECTS),
    fun() -> ets:select(Table, [{{'_', none}, [], [true]}]) end;
prepared(ets_tab2list) ->
    Table = table(?OBJECTS),
    fun() -> ets:tab2list(Table) end;
prepared(ets_insert_list) ->
    Table = table(0),
    List = [{I, I} || I <- lists:seq(1, ?OBJECTS)],
    fun() -> ets:insert(Table, List) end;
prepared(ets_delete) ->
    Table = table(?OBJECTS),
    fun() -> ets:delete(Table) end;
prepared(ets_delete_all) ->
    Table = table(?OBJECTS),
    fun() -> ets:delete_all_objects(Table) end;
prepared(ets_select_delete) ->
    Table = table(?OBJECTS),
    fun() -> ets:select_delete(Table, [{'_', [], [true]}]) end;
prepared(ets_lookup) ->
    Table = ets:new(t, []),
    true = ets:insert(Table, {key, list()}),
    fun() -> ets:lookup(Table, key) end;
prepared(ets_insert) ->
    Table = ets:new(t, []),
    List = list(),
    fun() -> ets:insert(Table, {key, List}) end;
prepared(maps_merge) ->
    One = maps:from_list([{I, I} || I <- lists:seq(1, ?OBJECTS)]),
    Other = maps:from_list([{I, I} || I <- lists:seq(?OBJECTS + 1, 2 * ?OBJECTS)]),
    fun() -> maps:merge(One, Other) end;
prepared(send) ->
    List = list(),
    Receiver = spawn_link(fun() -> receive stop -> ok end end),
    fun() -> Receiver ! List end;
prepared(spawn) ->
    List = list(),
    fun() -> spawn(erlang, hd, [List]) end;
prepared(external_size) ->
    List = list(),
    fun() -> erlang:external_size(List) end;
prepared(collect_fully) ->
    List = list(),
    fun() -> [erlang:garbage_collect() | List] end;
prepared(collect_young) ->
    List = list(),
    fun() -> [erlang:garbage_collect(self(), [{type, minor}]) | List] end;
prepared(collect_others) ->
    Others = [grown() || _ <- lists:seq(1, 3)],
    fun() -> [true = erlang:garbage_collect(Pid) || Pid <- Others] end;
prepared(erase_persistent) ->
    persistent_term:put(?MODULE, list()),
    Holders = [grown() || _ <- lists:seq(1, 3)],
    fun() ->
        true = persistent_term:erase(?MODULE),
        [true = erlang:garbage_collect(Pid) || Pid <- Holders]
    end.

%% A process with a list of a million elements of its own, until the caller ends.
grown() ->
    Self = self(),
    Pid = spawn_link(fun() ->
        List = list(),
        Self ! {grown, self()},
        receive
            stop -> List
        end
    end),
    receive
        {grown, Pid} -> Pid
    after ?DEADLINE_MS -> error({setup, not_grown})
    end.

loop(0) -> done;
loop(N) -> loop(N - 1).

short_body(0) -> done;
short_body(N) -> short_body(N - 1).

%% A thousand additions an iteration, and not one call among them.
long_body(0, Sum) -> Sum;
long_body(N, Sum) -> long_body(N - 1, ?ADD_1000(N, Sum band 16#FFFF)).

list() ->
    [integer_to_list(?LIST) | lists:seq(1, ?LIST)].

big(Bits) ->
    (1 bsl Bits) - 1.

table(Objects) ->
    Table = ets:new(t, []),
    true = ets:insert(Table, [{I, I} || I <- lists:seq(1, Objects)]),
    Table.
