%% A relay between two nodes: what they say to each other goes through it, frame by frame counted,
%% and it can be slowed, frozen, cut and joined again; what a side offers can be made less.
%% Knows sockets and how a connection of the distribution is cut into frames; knows neither peers
%% nor any claim.
-module(probe_relay).

-export([start/2, stop/1, port_to/2, set/2, withhold/3, connections/1, frames/1]).

-export_type([relay/0, mode/0, frame/0]).

-type side() :: term().
-opaque relay() :: {?MODULE, pid(), #{side() => inet:port_number()}}.

%% `pass'; so many bytes a second in each direction; `freeze': the connection stays, nothing comes
%% through; `cut': the connection ends, and each new one at once.
-type mode() :: pass | {slow, BytesPerSecond :: pos_integer()} | freeze | cut.

%% One frame, in the order in which they passed: who sent it, what it is, the bytes of its content,
%% when it passed, and its first bytes. `kind' is `handshake', `tick' (an empty frame), `first' and
%% `more' (the first and the others of a message in fragments) or `whole'.
-type frame() :: #{
    from := side(),
    kind := handshake | tick | first | more | whole,
    bytes := non_neg_integer(),
    at_us := integer(),
    head := binary()
}.

-define(HEAD_BYTES, 512).
-define(CONNECT_MS, 5_000).
-define(STOP_MS, 10_000).
-define(PASS, 0).
-define(FROZEN, -1).
-define(CUT, -2).

%% Start a relay between two sides, each with the port of loopback on which it listens. It ends with
%% the calling process.
-spec start({side(), inet:port_number()}, {side(), inet:port_number()}) -> relay().
start({One, OnePort}, {Other, OtherPort}) ->
    Owner = self(),
    {Hub, Ref} = spawn_monitor(fun() -> hub(Owner, [{One, Other, OtherPort}, {Other, One, OnePort}]) end),
    receive
        {Hub, Ports} ->
            erlang:demonitor(Ref, [flush]),
            {?MODULE, Hub, Ports};
        {'DOWN', Ref, process, Hub, Reason} ->
            error({setup, {relay, Reason}})
    end.

%% End it and its connections; when this returns nothing of it is left.
-spec stop(relay()) -> ok.
stop({?MODULE, Hub, _}) ->
    Ref = erlang:monitor(process, Hub),
    Hub ! stop,
    receive
        {'DOWN', Ref, process, Hub, _} -> ok
    after ?STOP_MS -> error({setup, relay_lives})
    end.

%% The port of the relay that leads to a side.
-spec port_to(relay(), side()) -> inet:port_number().
port_to({?MODULE, _, Ports}, Side) ->
    maps:get(Side, Ports).

%% What is to become of the bytes from now on; what a side has sent before may lie in the buffers of
%% the system, and passes when the relay lets it.
-spec set(relay(), mode()) -> ok.
set(Relay, Mode) ->
    ask(Relay, {set, Mode}).

%% From now on pass on a handshake of this side without these flags among those that it offers.
-spec withhold(relay(), side(), Flags :: non_neg_integer()) -> ok.
withhold(Relay, Side, Flags) ->
    ask(Relay, {withhold, Side, Flags}).

%% How many connections were accepted and passed on, by the side that asked for them.
-spec connections(relay()) -> #{side() => non_neg_integer()}.
connections(Relay) ->
    ask(Relay, connections).

-spec frames(relay()) -> [frame()].
frames(Relay) ->
    ask(Relay, frames).

ask({?MODULE, Hub, _}, Request) ->
    Ref = erlang:monitor(process, Hub),
    Hub ! {ask, self(), Ref, Request},
    receive
        {Ref, Reply} ->
            erlang:demonitor(Ref, [flush]),
            Reply;
        {'DOWN', Ref, process, Hub, Reason} ->
            error({setup, {relay, Reason}})
    after ?STOP_MS -> error({setup, relay_silent})
    end.

%% --- The hub: owns what is known, links what works ------------------------------------------

hub(Owner, Ways) ->
    process_flag(trap_exit, true),
    _ = erlang:monitor(process, Owner),
    Mode = atomics:new(1, [{signed, true}]),
    Listening = lists:map(fun listening/1, Ways),
    Hub = self(),
    Withheld = maps:from_list([{From, atomics:new(1, [{signed, false}])} || #{from := From} <- Listening]),
    Acceptors = [spawn_link(fun() -> accept(Hub, Mode, Withheld, Way) end) || Way <- Listening],
    Owner ! {Hub, maps:from_list([{To, Port} || #{to := To, port := Port} <- Listening])},
    hub_loop(#{
        owner => Owner,
        mode => Mode,
        withheld => Withheld,
        acceptors => Acceptors,
        pumps => [],
        frames => [],
        connections => maps:from_list([{From, 0} || #{from := From} <- Listening])
    }).

listening({From, To, ToPort}) ->
    {ok, Listener} = gen_tcp:listen(0, [{ip, {127, 0, 0, 1}}, {active, false}, {backlog, 64} | options()]),
    {ok, Port} = inet:port(Listener),
    #{from => From, to => To, to_port => ToPort, listener => Listener, port => Port}.

hub_loop(#{owner := Owner, frames := Frames} = State) ->
    receive
        {frames, New} ->
            hub_loop(State#{frames := lists:reverse(New, Frames)});
        {pumps, From, Pids} ->
            hub_loop(connected(From, Pids, State));
        {ask, Pid, Ref, Request} ->
            {Reply, After} = answer(Request, State),
            Pid ! {Ref, Reply},
            hub_loop(After);
        {'EXIT', Pid, _} ->
            #{pumps := Pumps} = State,
            hub_loop(State#{pumps := Pumps -- [Pid]});
        stop ->
            end_all(State);
        {'DOWN', _, process, Owner, _} ->
            end_all(State)
    end.

%% A connection that was made while the relay was being cut ends here.
connected(From, Pids, #{mode := Mode, pumps := Pumps, connections := Connections} = State) ->
    lists:foreach(fun(Pid) -> link(Pid) end, Pids),
    case atomics:get(Mode, 1) of
        ?CUT ->
            end_pids(Pids),
            State;
        _ ->
            lists:foreach(fun(Pid) -> Pid ! {go, Pids} end, Pids),
            #{From := Count} = Connections,
            State#{pumps := Pids ++ Pumps, connections := Connections#{From := Count + 1}}
    end.

answer({set, cut}, #{mode := Atomics, pumps := Pumps} = State) ->
    ok = atomics:put(Atomics, 1, ?CUT),
    end_pids(Pumps),
    {ok, State#{pumps := []}};
answer({set, Mode}, #{mode := Atomics, pumps := Pumps} = State) ->
    ok = atomics:put(Atomics, 1, encoded(Mode)),
    lists:foreach(fun(Pid) -> Pid ! changed end, Pumps),
    {ok, State};
answer({withhold, Side, Flags}, #{withheld := Withheld} = State) ->
    {atomics:put(maps:get(Side, Withheld), 1, Flags), State};
answer(connections, #{connections := Connections} = State) ->
    {Connections, State};
answer(frames, #{frames := Frames} = State) ->
    {lists:reverse(Frames), State}.

encoded(pass) -> ?PASS;
encoded(freeze) -> ?FROZEN;
encoded({slow, BytesPerSecond}) when BytesPerSecond > 0 -> BytesPerSecond.

end_all(#{acceptors := Acceptors, pumps := Pumps}) ->
    end_pids(Acceptors ++ Pumps).

%% The sockets close with their owners.
end_pids(Pids) ->
    _ = probe_lib:kill_all(Pids),
    ok.

%% --- Sockets ---------------------------------------------------------------------------------

options() ->
    [binary, {packet, raw}, {nodelay, true}, {buffer, 65_536}].

accept(Hub, Mode, Withheld, #{from := From, to := To, to_port := ToPort, listener := Listener} = Way) ->
    {ok, Socket} = gen_tcp:accept(Listener),
    case atomics:get(Mode, 1) of
        ?CUT ->
            gen_tcp:close(Socket);
        _ ->
            case gen_tcp:connect({127, 0, 0, 1}, ToPort, [{active, false} | options()], ?CONNECT_MS) of
                {ok, Onward} -> joined(Hub, Mode, Withheld, {From, Socket}, {To, Onward});
                {error, _} -> gen_tcp:close(Socket)
            end
    end,
    accept(Hub, Mode, Withheld, Way).

%% Each pump owns the socket that it reads; when one ends, so does the other, and both sockets close.
joined(Hub, Mode, Withheld, {From, Socket}, {To, Onward}) ->
    Pump = fun(Side, Read, Write) ->
        Flags = atomics:get(maps:get(Side, Withheld), 1),
        #{hub => Hub, mode => Mode, side => Side, read => Read, write => Write, withheld => Flags}
    end,
    There = spawn(fun() -> wait_to_pump(Pump(From, Socket, Onward)) end),
    Back = spawn(fun() -> wait_to_pump(Pump(To, Onward, Socket)) end),
    ok = gen_tcp:controlling_process(Socket, There),
    ok = gen_tcp:controlling_process(Onward, Back),
    Hub ! {pumps, From, [There, Back]}.

wait_to_pump(#{hub := Hub} = Pump) ->
    Ref = erlang:monitor(process, Hub),
    receive
        {go, Pids} ->
            lists:foreach(fun(Pid) -> link(Pid) end, Pids -- [self()]),
            pump(Pump, scan());
        {'DOWN', Ref, process, Hub, _} ->
            ok
    end.

pump(#{read := Read, write := Write, hub := Hub, mode := Mode, side := Side, withheld := Flags} = Pump, Scan) ->
    _ = inet:setopts(Read, [{active, once}]),
    receive
        changed ->
            pump(Pump, Scan);
        {tcp, Read, Got} ->
            Data = offered(Got, Scan, Flags),
            wait_to_pass(Mode, byte_size(Data)),
            case gen_tcp:send(Write, Data) of
                ok -> ok;
                {error, _} -> exit(closed)
            end,
            {Frames, After} = scanned(Data, Scan, Side, []),
            Hub ! {frames, Frames},
            pump(Pump, After);
        {tcp_closed, Read} ->
            exit(closed);
        {tcp_error, Read, _} ->
            exit(closed)
    end.

wait_to_pass(Mode, Bytes) ->
    case atomics:get(Mode, 1) of
        ?PASS ->
            ok;
        ?FROZEN ->
            receive
                changed -> wait_to_pass(Mode, Bytes)
            end;
        BytesPerSecond when BytesPerSecond > 0 ->
            receive
                changed -> wait_to_pass(Mode, Bytes)
            after Bytes * 1000 div BytesPerSecond -> ok
            end
    end.

%% --- Frames ----------------------------------------------------------------------------------

%% What a side says in the handshake, without the flags that are withheld; its name comes first, or
%% after the status that answers the other's.
offered(<<Bytes:16, $N, Flags:64, Rest/binary>>, {2, <<>>, 0}, Withheld) ->
    <<Bytes:16, $N, (Flags band bnot Withheld):64, Rest/binary>>;
offered(<<Bytes:16, $s, _/binary>> = Data, {2, <<>>, 0} = Scan, Withheld) when byte_size(Data) > Bytes + 2 ->
    <<Status:(Bytes + 2)/binary, Rest/binary>> = Data,
    <<Status/binary, (offered(Rest, Scan, Withheld))/binary>>;
offered(Data, _, _) ->
    Data.

%% How many bytes the length of a frame has: two until the handshake is over, four then; what is
%% there of the next frame; and how many bytes of the last one are still to come.
scan() ->
    {2, <<>>, 0}.

scanned(Data, {Size, <<>>, Skip}, _, Frames) when byte_size(Data) =< Skip ->
    {lists:reverse(Frames), {Size, <<>>, Skip - byte_size(Data)}};
scanned(Data, {Size, Kept, Skip}, Side, Frames) ->
    <<_:Skip/binary, Rest/binary>> = Data,
    Buffer = <<Kept/binary, Rest/binary>>,
    case Buffer of
        <<Bytes:Size/unit:8, Content/binary>> when
            byte_size(Content) >= Bytes; byte_size(Content) >= ?HEAD_BYTES
        ->
            Head = binary:copy(binary:part(Content, 0, min(Bytes, ?HEAD_BYTES))),
            Frame = #{
                from => Side,
                kind => kind(Size, Head),
                bytes => Bytes,
                at_us => erlang:monotonic_time(microsecond),
                head => Head
            },
            scanned(Content, {size_after(Size, Head), <<>>, Bytes}, Side, [Frame | Frames]);
        _ ->
            {lists:reverse(Frames), {Size, Buffer, 0}}
    end.

%% The last message of the handshake from the side that asked is its reply to the challenge, from
%% the other the acknowledgement.
size_after(2, <<$r, _:20/binary>>) -> 4;
size_after(2, <<$a, _:16/binary>>) -> 4;
size_after(Size, _) -> Size.

kind(2, _) -> handshake;
kind(4, <<>>) -> tick;
kind(4, <<131, 69, _/binary>>) -> first;
kind(4, <<131, 70, _/binary>>) -> more;
kind(4, _) -> whole.
