%% Connections that take no more: who is suspended, what of that can be seen, and how it ends.
%% Knows nodes and relays; knows nothing of any claim, and never judges.
-module(beam_distribution_internals_busy).

-export([fill/4, started/4, moves_on/5, accepted/4, called/5, ended/4]).
%% Called on a node.
-export([watch/0, events/1, tries/2, call_within/2, forward/0]).

-define(NODES, beam_distribution_internals_nodes).
-define(WAIT_MS, 15_000).

-type cluster() :: probe_cluster:cluster().

%% Have a node send binaries of 100 kB to a process until it is suspended: who sends, and how many
%% sends are over.
-spec fill(cluster(), atom(), pid(), pos_integer()) -> {pid(), Sent :: non_neg_integer()}.
fill(Cluster, From, To, Count) ->
    Sender = started(Cluster, From, To, lists:duplicate(Count, {bytes, 100_000})),
    {Sent, suspended} = probe_cluster:call(Cluster, From, ?NODES, stuck, [Sender, Count]),
    {Sender, Sent}.

%% Have a new process of a node send these messages.
-spec started(cluster(), atom(), pid(), [term()]) -> pid().
started(Cluster, From, To, Messages) ->
    probe_cluster:call(Cluster, From, ?NODES, start_sending, [To, Messages, false]).

%% Whether a process gets through with so many sends within so many milliseconds: how many, and its status.
-spec moves_on(cluster(), atom(), pid(), pos_integer(), non_neg_integer()) -> probe_lib:evidence().
moves_on(Cluster, Name, Pid, Sends, Ms) ->
    #{last := Last, waited_ms := WaitedMs} = probe_lib:settle(
        fun() ->
            case probe_cluster:call(Cluster, Name, ?NODES, sender, [Pid]) of
                {Sends, _} = Through -> {done, Through};
                Other -> Other
            end
        end,
        Ms
    ),
    {Sent, Status} = Last,
    #{sent_count => Sent, status => Status, watched_ms => WaitedMs}.

%% The bytes that a sender of 600 binaries of 100 kB gets rid of on a frozen connection, and whether it is
%% suspended then or through.
-spec accepted(cluster(), atom(), pid(), boolean()) -> probe_lib:evidence().
accepted(Cluster, From, To, Async) ->
    Messages = lists:duplicate(600, {bytes, 100_000}),
    Sender = probe_cluster:call(Cluster, From, ?NODES, start_sending, [To, Messages, Async]),
    {Sent, End} = probe_cluster:call(Cluster, From, ?NODES, stuck, [Sender, 600]),
    #{accepted_bytes => Sent * 100_000, ends => End}.

%% How a call of a server from a process of a node ended, as ended/4.
-spec called(cluster(), atom(), pid(), pos_integer(), pos_integer()) -> probe_lib:evidence().
called(Cluster, Name, Server, TimeoutMs, WaitMs) ->
    Caller = probe_cluster:call(Cluster, Name, ?MODULE, call_within, [Server, TimeoutMs]),
    ended(Cluster, Name, Caller, WaitMs).

%% What the call of a process of call_within/2 came to within so many milliseconds; `nothing' if it still
%% calls, and the status of the caller.
-spec ended(cluster(), atom(), pid(), pos_integer()) -> probe_lib:evidence().
ended(Cluster, Name, Caller, WaitMs) ->
    #{last := {End, Status}, waited_ms := WaitedMs} = probe_lib:settle(
        fun() ->
            case probe_cluster:call(Cluster, Name, ?NODES, sender, [Caller]) of
                {0, Status} -> {nothing, Status};
                {End, Status} -> {done, {End, Status}}
            end
        end,
        WaitMs
    ),
    #{end_of_call => End, status => Status, waited_ms => WaitedMs}.

%% A process that keeps the events of busy connections; it is this node's system monitor.
-spec watch() -> pid().
watch() ->
    Self = self(),
    Pid = spawn(fun() ->
        _ = erlang:system_monitor(self(), [busy_dist_port]),
        Self ! {self(), watching},
        keep_events([])
    end),
    receive
        {Pid, watching} -> Pid
    end.

keep_events(Events) ->
    receive
        {monitor, Pid, Kind, _} ->
            keep_events([{Pid, Kind} | Events]);
        {events, From, Ref} ->
            From ! {Ref, lists:reverse(Events)},
            keep_events(Events)
    end.

%% Each event so far: which process, and what.
-spec events(pid()) -> [{pid(), atom()}].
events(Watcher) ->
    Ref = make_ref(),
    Watcher ! {events, self(), Ref},
    receive
        {Ref, Events} -> Events
    after ?WAIT_MS -> error({setup, no_watcher})
    end.

%% What sends answer that are told not to suspend, and how long they took.
-spec tries(pid(), [atom()]) -> probe_lib:evidence().
tries(To, Options) ->
    Us = fun(Fun) ->
        Start = erlang:monotonic_time(microsecond),
        Value = Fun(),
        {Value, erlang:monotonic_time(microsecond) - Start}
    end,
    {Send, SendUs} = Us(fun() -> erlang:send(To, tried, Options) end),
    {SendNosuspend, _} = Us(fun() -> erlang:send_nosuspend(To, tried) end),
    #{send => Send, send_nosuspend => SendNosuspend, send_us => SendUs}.

%% Have a new process call a server with a timeout of 100 ms; the process, for sender/1 and to see
%% what came of it.
-spec call_within(pid(), pos_integer()) -> pid().
call_within(Server, Ms) ->
    spawn(fun() ->
        Ended =
            try
                gen_server:call(Server, ping, Ms)
            catch
                exit:{Reason, _} -> Reason
            end,
        _ = put(sent, Ended),
        receive
            {?MODULE, never} -> ok
        end
    end).

%% A server that passes everything on to another process before it answers.
-spec forward() -> pid().
forward() ->
    spawn(fun() ->
        receive
            {to, To} -> forward(To)
        end
    end).

forward(To) ->
    receive
        {'$gen_call', From, Request} ->
            To ! Request,
            gen_server:reply(From, passed_on),
            forward(To)
    end.
