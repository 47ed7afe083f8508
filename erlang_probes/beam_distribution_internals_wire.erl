%% What passes between two nodes, and when they notice that nothing does.
%% Knows a pair of nodes with a relay between them; knows nothing of any claim, and never judges.
-module(beam_distribution_internals_wire).

-export([with_pair/2, pass/2, frames_of/2, frames_of/3, readable/2, handshake/2, flags/1, bits/1]).
-export([behind_large/3, ticks/2, slowly/3, beside_large/4, noticed/4, meet_without/4]).
%% Called on a node.
-export([watch/0, told/1]).

-define(NODES, beam_distribution_internals_nodes).
-define(WAIT_MS, 20_000).



%% Two nodes, a and b, that are connected through a relay.
-spec with_pair([string()], fun((probe_cluster:cluster(), probe_relay:relay()) -> Value)) -> Value.
with_pair(Flags, Fun) ->
    Spec = #{nodes => [a, b], flags => Flags, relays => [{a, b}]},
    {module, Module} = erlang:fun_info(Fun, module),
    probe_cluster:with(Spec, fun(Cluster) ->
        [ok = probe_peer:load(probe_cluster:peer(Cluster, Name), [Module, ?NODES]) || Name <- [a, b]],
        ok = probe_cluster:connect(Cluster, a, b),
        Fun(Cluster, probe_cluster:relay(Cluster, a, b))
    end).

%% Have a binary of so many bytes pass from a to b, and wait until it is there.
-spec pass(probe_cluster:cluster(), pos_integer()) -> ok.
pass(Cluster, Bytes) ->
    pass(Cluster, {a, b}, Bytes).

pass(Cluster, {From, To}, Bytes) ->
    Deaf = probe_cluster:call(Cluster, To, ?NODES, deaf, []),
    _ = probe_cluster:call(Cluster, From, ?NODES, start_sending, [Deaf, [{bytes, Bytes}], false]),
    probe_lib:await(fun() -> probe_cluster:call(Cluster, To, ?NODES, take, [Deaf]) =:= [Bytes] end, ?WAIT_MS).

%% The frames that carry a binary of so many bytes from a to b, or from one node to another.
-spec frames_of(probe_cluster:cluster(), pos_integer()) -> [probe_relay:frame()].
frames_of(Cluster, Bytes) ->
    frames_of(Cluster, {a, b}, Bytes).

-spec frames_of(probe_cluster:cluster(), {atom(), atom()}, pos_integer()) -> [probe_relay:frame()].
frames_of(Cluster, {Sender, To}, Bytes) ->
    Relay = probe_cluster:relay(Cluster, Sender, To),
    Before = length(probe_relay:frames(Relay)),
    ok = pass(Cluster, {Sender, To}, Bytes),
    %% A smaller one would be something else: a tick, or a process that was started.
    probe_lib:value_within(
        fun() ->
            New = lists:nthtail(Before, probe_relay:frames(Relay)),
            Of = [
                Frame
             || #{from := From, kind := Kind, bytes := Size} = Frame <- New,
                From =:= Sender andalso carries(Kind, Size, Bytes)
            ],
            case lists:sum([Size || #{bytes := Size} <- Of]) >= Bytes of
                true -> {done, Of};
                false -> length(New)
            end
        end,
        ?WAIT_MS
    ).

carries(whole, Size, Bytes) -> Size >= Bytes;
carries(Kind, _, _) -> Kind =:= first orelse Kind =:= more.

%% In how many frames a text can be read.
-spec readable([probe_relay:frame()], binary()) -> non_neg_integer().
readable(Frames, Text) ->
    length([x || #{head := Head} <- Frames, binary:match(Head, Text) =/= nomatch]).

%% The messages of the handshakes after so many frames, by their first letters: those of the side that
%% asked, and those of the other.
-spec handshake(probe_relay:relay(), non_neg_integer()) -> probe_lib:evidence().
handshake(Relay, Before) ->
    Of = [
        {From, <<Letter>>}
     || #{kind := handshake, from := From, head := <<Letter, _/binary>>} <-
            lists:nthtail(Before, probe_relay:frames(Relay))
    ],
    #{
        asked => iolist_to_binary([Letter || {a, Letter} <- Of]),
        answered => iolist_to_binary([Letter || {From, Letter} <- Of, From =/= a])
    }.

%% The flags that each side of the first handshake offered: that of a, and that of the other.
-spec flags(probe_relay:relay()) -> [non_neg_integer()].
flags(Relay) ->
    Names = [
        {From, Flags}
     || #{kind := handshake, from := From, head := <<$N, Flags:64, _/binary>>} <- probe_relay:frames(Relay)
    ],
    [hd([Flags || {a, Flags} <- Names]), hd([Flags || {From, Flags} <- Names, From =/= a])].

%% The places of the bits that are set.
-spec bits(non_neg_integer()) -> [non_neg_integer()].
bits(Flags) ->
    [Place || Place <- lists:seq(0, 63), Flags band (1 bsl Place) =/= 0].

%% Have a and b part and meet again, while what one of them offers in the handshake passes without these
%% flags, and what the other does with all: whether they are connected then.
-spec meet_without(probe_cluster:cluster(), probe_relay:relay(), a | b, non_neg_integer()) -> boolean().
meet_without(Cluster, Relay, Side, Flags) ->
    [ok = probe_relay:withhold(Relay, Each, if Each =:= Side -> Flags; true -> 0 end) || Each <- [a, b]],
    ok = probe_relay:set(Relay, cut),
    [A, B] = [probe_cluster:name(Cluster, Name) || Name <- [a, b]],
    Apart = fun() -> not (is_there(Cluster, a, B) orelse is_there(Cluster, b, A)) end,
    probe_lib:await(Apart, ?WAIT_MS),
    ok = probe_relay:set(Relay, pass),
    case probe_cluster:call(Cluster, a, net_kernel, connect_node, [B]) of
        true -> ok =:= probe_lib:await(fun() -> is_there(Cluster, b, A) end, ?WAIT_MS);
        false -> false
    end.

is_there(Cluster, Name, Node) ->
    lists:member(Node, probe_cluster:call(Cluster, Name, erlang, nodes, [connected])).

%% Freeze the connection from a node to b, have one process send a large binary and a small message, and
%% another a small one; when all has happened that can, let it pass.
-spec behind_large(probe_cluster:cluster(), atom(), pos_integer()) -> probe_lib:evidence().
behind_large(Cluster, From, Bytes) ->
    ok = probe_cluster:connect(Cluster, From, b),
    Relay = probe_cluster:relay(Cluster, From, b),
    Deaf = probe_cluster:call(Cluster, b, ?NODES, deaf, []),
    ok = probe_relay:set(Relay, freeze),
    Start = fun(Messages) ->
        probe_cluster:call(Cluster, From, ?NODES, start_sending, [Deaf, Messages, false])
    end,
    Large = Start([{bytes, Bytes}, after_large]),
    _ = is_stuck(Cluster, From, Large, 2),
    Other = Start([from_other]),
    Suspended = is_stuck(Cluster, From, Other, 1),
    Before = length(probe_relay:frames(Relay)),
    ok = probe_relay:set(Relay, pass),
    probe_lib:await(fun() -> probe_cluster:call(Cluster, b, ?NODES, waiting, [Deaf]) =:= 3 end, ?WAIT_MS),
    Passed = lists:nthtail(Before, probe_relay:frames(Relay)),
    {Ahead, [_ | Behind]} = lists:splitwith(fun(Frame) -> not names(Frame, <<"from_other">>) end, Passed),
    #{
        other_suspended => Suspended,
        fragments_before_count => fragments(Ahead),
        fragments_after_count => fragments(Behind),
        arrived => [arrived(Message, Bytes) || Message <- probe_cluster:call(Cluster, b, ?NODES, take, [Deaf])]
    }.

%% Whether a process ends up suspended, and is not through with all its sends.
is_stuck(Cluster, Name, Pid, Sends) ->
    {_, End} = probe_cluster:call(Cluster, Name, ?NODES, stuck, [Pid, Sends]),
    End =:= suspended.

names(#{kind := whole, head := Head}, Text) -> binary:match(Head, Text) =/= nomatch;
names(_, _) -> false.

fragments(Frames) ->
    length([x || #{kind := Kind} <- Frames, Kind =:= first orelse Kind =:= more]).

arrived(Bytes, Bytes) -> large;
arrived(Message, _) -> Message.

%% Leave the nodes alone for a while: ticks from each side, and the median between two of a's.
-spec ticks(probe_relay:relay(), pos_integer()) -> probe_lib:evidence().
ticks(Relay, Ms) ->
    Before = length(probe_relay:frames(Relay)),
    timer:sleep(Ms),
    New = lists:nthtail(Before, probe_relay:frames(Relay)),
    Times = fun(Side) -> [AtUs || #{from := From, kind := tick, at_us := AtUs} <- New, From =:= Side] end,
    #{
        watched_ms => Ms,
        from_a_count => length(Times(a)),
        from_b_count => length(Times(b)),
        other_frames_count => length([x || #{kind := Kind} <- New, Kind =/= tick]),
        between_ms => between_ms(Times(a)),
        bytes => lists:sum([Bytes || #{kind := tick, bytes := Bytes} <- New])
    }.

between_ms([_ | Later] = Times) when Later =/= [] ->
    probe_measure:median([(B - A) / 1000 || {A, B} <- lists:zip(lists:droplast(Times), Later)]);
between_ms(_) ->
    none.

%% Send a message of 8 MB over a connection of 2 MB a second: how long it took, and what the
%% watchers were told meanwhile.
-spec slowly(probe_cluster:cluster(), probe_relay:relay(), [{atom(), pid()}]) -> probe_lib:evidence().
slowly(Cluster, Relay, Watchers) ->
    ok = probe_relay:set(Relay, {slow, 2_000_000}),
    Start = erlang:monotonic_time(millisecond),
    ok = pass(Cluster, 8_000_000),
    Took = erlang:monotonic_time(millisecond) - Start,
    ok = probe_relay:set(Relay, pass),
    Told = [probe_cluster:call(Cluster, Name, ?MODULE, told, [Watcher]) || {Name, Watcher} <- Watchers],
    #{took_ms => Took, told_count => length([x || [_ | _] <- Told])}.

%% Send a binary over a connection of so many bytes a second and, when its first fragment has passed, a
%% small message from another process: how long both took, what passed meanwhile, and what the watchers
%% were told.
-spec beside_large(probe_cluster:cluster(), probe_relay:relay(), [{atom(), pid()}], probe_lib:args()) ->
    probe_lib:evidence().
beside_large(Cluster, Relay, Watchers, #{bytes := Bytes, bytes_per_second := Speed}) ->
    ok = probe_relay:set(Relay, {slow, Speed}),
    Before = length(probe_relay:frames(Relay)),
    New = fun() -> lists:nthtail(Before, probe_relay:frames(Relay)) end,
    Deaf = probe_cluster:call(Cluster, b, ?NODES, deaf, []),
    Arrived = fun(Count) ->
        probe_lib:await(fun() -> probe_cluster:call(Cluster, b, ?NODES, waiting, [Deaf]) >= Count end, 3 * ?WAIT_MS),
        erlang:monotonic_time(millisecond)
    end,
    Start = erlang:monotonic_time(millisecond),
    _ = probe_cluster:call(Cluster, a, ?NODES, start_sending, [Deaf, [{bytes, Bytes}], false]),
    probe_lib:await(fun() -> fragments(New()) > 0 end, 3 * ?WAIT_MS),
    SmallStart = erlang:monotonic_time(millisecond),
    _ = probe_cluster:call(Cluster, a, ?NODES, start_sending, [Deaf, [small], false]),
    SmallEnd = Arrived(1),
    End = Arrived(2),
    Frames = New(),
    ok = probe_relay:set(Relay, pass),
    Told = [probe_cluster:call(Cluster, Name, ?MODULE, told, [Watcher]) || {Name, Watcher} <- Watchers],
    Ticks = fun(Side) -> length([x || #{from := From, kind := tick} <- Frames, From =:= Side]) end,
    #{
        took_ms => End - Start,
        small_took_ms => SmallEnd - SmallStart,
        fragments_count => fragments(Frames),
        ticks_from_a_count => Ticks(a),
        ticks_from_b_count => Ticks(b),
        told_count => length([x || [_ | _] <- Told]),
        arrived => [arrived(Message, Bytes) || Message <- probe_cluster:call(Cluster, b, ?NODES, take, [Deaf])]
    }.

%% Freeze or cut the connection: how long it took until each node was told that the other is down, and
%% the reasons.
-spec noticed(probe_cluster:cluster(), probe_relay:relay(), [{atom(), pid()}], freeze | cut) ->
    #{atom() => probe_lib:json()}.
noticed(Cluster, Relay, Watchers, Mode) ->
    Start = os:system_time(millisecond),
    ok = probe_relay:set(Relay, Mode),
    maps:from_list([{Name, told_by(Cluster, Name, Watcher, Start)} || {Name, Watcher} <- Watchers]).

told_by(Cluster, Name, Watcher, Start) ->
    {At, Reason} = probe_lib:value_within(
        fun() ->
            case probe_cluster:call(Cluster, Name, ?MODULE, told, [Watcher]) of
                [Told | _] -> {done, Told};
                [] -> none
            end
        end,
        ?WAIT_MS
    ),
    #{after_ms => At - Start, reason => Reason}.

%% On a node: a process that keeps what it is told of nodes that go down.
-spec watch() -> pid().
watch() ->
    Self = self(),
    Pid = spawn(fun() ->
        ok = net_kernel:monitor_nodes(true, [nodedown_reason]),
        Self ! {self(), watching},
        watch([])
    end),
    receive
        {Pid, watching} -> Pid
    end.

watch(Told) ->
    receive
        {nodedown, _, Info} ->
            watch([{os:system_time(millisecond), proplists:get_value(nodedown_reason, Info)} | Told]);
        {nodeup, _, _} ->
            watch(Told);
        {told, From, Ref} ->
            From ! {Ref, lists:reverse(Told)},
            watch([])
    end.

%% What a watcher was told since it was asked last: when, by the clock of the system, and why.
-spec told(pid()) -> [{integer(), atom()}].
told(Watcher) ->
    Ref = make_ref(),
    Watcher ! {told, self(), Ref},
    receive
        {Ref, Told} -> Told
    after ?WAIT_MS -> error({setup, no_watcher})
    end.
