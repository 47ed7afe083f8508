%% Calls, processes and monitors across nodes, and what a node with a wrong cookie is told.
%% Acts on a node; knows nothing of any claim, and never judges.
-module(beam_distribution_internals_calls).

-export([outcomes/2, unreachable/1, attach/1, far/1, told/1, no_connection/1, echo/0, trip_us/3]).
-export([keep_log/0, log/2, logged/0, mentions/3]).

-ignore_xref([{log, 2}]). % called by logger

-define(WAIT_MS, 10_000).
-define(NOTED, "the log is kept").

%% What calls of a module of remote calls come to, by what the other node does: as text, without stacks.
-spec outcomes(rpc | erpc, node()) -> #{atom() => binary()}.
outcomes(Module, Node) ->
    Cases = #{
        returns => {Node, erlang, abs, [-1], ?WAIT_MS},
        raises => {Node, erlang, error, [boom], ?WAIT_MS},
        throws => {Node, erlang, throw, [ball], ?WAIT_MS},
        exits => {Node, erlang, exit, [away], ?WAIT_MS},
        is_late => {Node, timer, sleep, [5_000], 50},
        is_unreachable => {'nobody@127.0.0.1', erlang, abs, [-1], ?WAIT_MS}
    },
    maps:map(
        fun(_, {To, M, F, Args, Ms}) -> outcome(fun() -> Module:call(To, M, F, Args, Ms) end) end,
        Cases
    ).

outcome(Fun) ->
    try Fun() of
        {badrpc, {'EXIT', {Reason, [_ | _]}}} -> probe_capture:text({badrpc, {'EXIT', Reason}});
        Value -> probe_capture:text(Value)
    catch
        Class:{exception, Reason, [_ | _]} -> probe_capture:text("~ts ~0tp", [Class, {exception, Reason}]);
        Class:Reason -> probe_capture:text("~ts ~0tp", [Class, Reason])
    end.

%% What starting a process on a node that is not to be had comes to, by the way of starting it.
-spec unreachable(node()) -> #{atom() => binary()}.
unreachable(Node) ->
    Ways = #{
        spawn => fun() -> is_pid(spawn(Node, erlang, date, [])) end,
        spawn_monitor => fun() ->
            {_, Ref} = erlang:spawn_monitor(Node, erlang, date, []),
            probe_lib:gone(Ref, ?WAIT_MS)
        end,
        spawn_link => fun() ->
            Pid = spawn_link(Node, erlang, date, []),
            receive
                {'EXIT', Pid, Reason} -> Reason
            after ?WAIT_MS -> nothing
            end
        end,
        spawn_request => fun() ->
            Id = erlang:spawn_request(Node, erlang, date, []),
            receive
                {spawn_reply, Id, error, Reason} -> Reason
            after ?WAIT_MS -> nothing
            end
        end
    },
    maps:map(fun(_, Way) -> probe_capture:text(probe_lib:in_process(fun() -> trapping(Way) end)) end, Ways).

trapping(Fun) ->
    process_flag(trap_exit, true),
    Fun().

%% A process that monitors one pid, is linked to another, and keeps what it is told.
-spec attach({pid(), pid()}) -> pid().
attach({Monitored, Linked}) ->
    Self = self(),
    Pid = spawn(fun() ->
        process_flag(trap_exit, true),
        _ = erlang:monitor(process, Monitored),
        link(Linked),
        Self ! {self(), attached},
        keep([])
    end),
    receive
        {Pid, attached} -> Pid
    end.

keep(Told) ->
    receive
        {'DOWN', _, process, _, Reason} -> keep([{down, Reason} | Told]);
        {'EXIT', _, Reason} -> keep([{exit, Reason} | Told]);
        {told, From, Ref} -> From ! {Ref, lists:sort(Told)}, keep(Told)
    end.

%% What a process of attach/1 was told so far.
-spec told(pid()) -> [binary()].
told(Pid) ->
    Ref = make_ref(),
    Pid ! {told, self(), Ref},
    receive
        {Ref, Told} -> [probe_capture:text("~ts ~0tp", [Kind, Reason]) || {Kind, Reason} <- Told]
    after ?WAIT_MS -> error({setup, no_answer})
    end.

%% A process that waits, to be attached to.
-spec far(boolean()) -> pid().
far(Traps) ->
    spawn(fun() ->
        process_flag(trap_exit, Traps),
        receive
            {?MODULE, never} -> ok
        end
    end).

%% From now on keep what this node logs, and log a word, to see that it is kept; log/2 is the callback.
-spec keep_log() -> ok.
keep_log() ->
    ok = logger:add_handler(?MODULE, ?MODULE, #{}),
    logger:error(?NOTED).

-spec log(logger:log_event(), term()) -> ok.
log(#{msg := Message}, _) ->
    Before = persistent_term:get({?MODULE, log}, []),
    persistent_term:put({?MODULE, log}, [probe_capture:text(printed(Message)) | Before]).

printed({report, Report}) -> Report;
printed({string, Text}) -> unicode:characters_to_binary(Text);
printed({Format, Args}) -> unicode:characters_to_binary(io_lib:format(Format, Args)).

-spec logged() -> [binary()].
logged() ->
    lists:reverse(persistent_term:get({?MODULE, log}, [])).

%% A process that sends back what comes.
-spec echo() -> pid().
echo() ->
    spawn(fun echoing/0).

echoing() ->
    receive
        {From, Message} ->
            From ! {self(), Message},
            echoing()
    end.

%% The least time of a message there and back, for each of some processes, over so many rounds in which
%% they take turns; microseconds, in their order.
-spec trip_us([pid()], non_neg_integer(), pos_integer()) -> [float()].
trip_us(Echoes, Bytes, Rounds) ->
    Message = binary:copy(<<0>>, Bytes),
    probe_lib:in_process(fun() ->
        probe_measure:best_in_turn_us(Rounds, [fun() -> trip(Echo, Message) end || Echo <- Echoes])
    end).

trip(Echo, Message) ->
    Echo ! {self(), Message},
    receive
        {Echo, <<_/binary>>} -> ok
    end.

%% What sends to a node that is not connected answer, with and without `noconnect', and whether the node
%% was connected after each.
-spec no_connection(pid()) -> probe_lib:evidence().
no_connection(To) ->
    Connected = fun() -> lists:member(node(To), nodes()) end,
    Before = Connected(),
    First = erlang:send(To, with_noconnect, [noconnect]),
    After = Connected(),
    Second = erlang:send(To, plain, []),
    #{settled := Later} = probe_lib:until(Connected, ?WAIT_MS),
    #{
        connected_before => Before,
        with_noconnect => First,
        connected_after_noconnect => After,
        plain => Second,
        connected_after_plain => Later
    }.

%% Which words of a refusal stand in what was logged beside the word of keep_log/0, whether it names the
%% nodes, and whether that word is there.
-spec mentions([binary()], node(), node()) -> probe_lib:evidence().
mentions(Logged, One, Other) ->
    Has = fun(Text) -> lists:any(fun(Entry) -> binary:match(Entry, Text) =/= nomatch end, Logged) end,
    Noted = list_to_binary(?NOTED),
    #{
        is_kept => Has(Noted),
        rejected => Has(<<"rejected">>),
        challenge => Has(<<"Invalid challenge reply">>),
        names_one => Has(atom_to_binary(One, utf8)),
        names_other => Has(atom_to_binary(Other, utf8)),
        entries => [Entry || Entry <- Logged, binary:match(Entry, Noted) =:= nomatch]
    }.
