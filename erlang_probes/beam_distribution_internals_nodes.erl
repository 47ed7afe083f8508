%% What the probes of the distribution run on their nodes: senders, receivers, watchers.
%% Acts and counts; knows nothing of any claim, and never judges.
-module(beam_distribution_internals_nodes).

-export([exchange/2, sockets/0, listening/0, deaf/0, waiting/1, take/1]).
-export([start_sending/3, sender/1, stuck/2, async_by_default/0]).

-define(WAIT_MS, 15_000).
%% So often is a process found suspended at the same send, so far apart, before it counts as stuck.
-define(SAME, 30).
-define(POLL_MS, 10).

%% Start so many processes here, each with one of its own on another node that it links to, monitors
%% and exchanges a message with before it ends it: how many messages were answered, how many 'DOWN's
%% came.
-spec exchange(node(), pos_integer()) -> #{answered_count := integer(), down_count := integer()}.
exchange(Node, Count) ->
    Refs = [element(2, spawn_monitor(fun() -> exit(exchanged(Node)) end)) || _ <- lists:seq(1, Count)],
    Ends = [probe_lib:gone(Ref, ?WAIT_MS) || Ref <- Refs],
    #{
        answered_count => length([x || {true, _} <- Ends]),
        down_count => length([x || {_, true} <- Ends])
    }.

exchanged(Node) ->
    process_flag(trap_exit, true),
    Self = self(),
    Pid = spawn_link(Node, fun() ->
        receive
            {Self, Question} -> Self ! {self(), Question}
        end
    end),
    Ref = erlang:monitor(process, Pid),
    Pid ! {Self, Ref},
    Answered =
        receive
            {Pid, Ref} -> true
        after ?WAIT_MS -> false
        end,
    {Answered, probe_lib:gone(Ref, ?WAIT_MS) =/= alive}.

%% The TCP sockets of this node that are connected to something.
-spec sockets() -> non_neg_integer().
sockets() ->
    length([
        Port
     || Port <- erlang:ports(),
        erlang:port_info(Port, name) =:= {name, "tcp_inet"},
        element(1, inet:peername(Port)) =:= ok
    ]).

%% The TCP sockets of this node that wait for connections.
-spec listening() -> non_neg_integer().
listening() ->
    length([
        Port
     || Port <- erlang:ports(),
        erlang:port_info(Port, name) =:= {name, "tcp_inet"},
        element(1, inet:peername(Port)) =:= error,
        element(1, inet:sockname(Port)) =:= ok
    ]).

%% A process that never takes a message.
-spec deaf() -> pid().
deaf() ->
    spawn(fun() ->
        receive
            {?MODULE, never} -> ok
        end
    end).

%% How many messages wait in a process of this node.
-spec waiting(pid()) -> non_neg_integer().
waiting(Pid) ->
    {message_queue_len, Count} = process_info(Pid, message_queue_len),
    Count.

%% The messages that wait in a process, by what they are: a binary by its size, all else as it is.
-spec take(pid()) -> [term()].
take(Pid) ->
    {messages, Messages} = process_info(Pid, messages),
    [
        case Message of
            <<_/binary>> -> byte_size(Message);
            _ -> Message
        end
     || Message <- Messages
    ].

%% A new process that sends messages to another and counts those that it is through with; what a
%% binary is to be is given by its size in bytes. With `async' it has that flag of the distribution.
-spec start_sending(pid(), [term()], boolean()) -> pid().
start_sending(To, Messages, Async) ->
    spawn(fun() ->
        Async andalso (false = set_async()),
        lists:foldl(fun(Message, Count) -> send(To, Message), put(sent, Count + 1), Count + 1 end, 0, Messages),
        receive
            {?MODULE, never} -> ok
        end
    end).

send(To, {bytes, Bytes}) -> To ! binary:copy(<<0>>, Bytes);
send(To, Message) -> To ! Message.

%% How many sends a process of this node is through with, and its status.
-spec sender(pid()) -> {Sent :: non_neg_integer(), Status :: atom()}.
sender(Pid) ->
    [{dictionary, Dictionary}, {status, Status}] = process_info(Pid, [dictionary, status]),
    {proplists:get_value(sent, Dictionary, 0), Status}.

%% Wait until a process of this node is through with so many sends, or stays suspended without getting any
%% further: a connection that fills up suspends and lets go a few times before. How many sends it is
%% through with, and which of the two it is.
-spec stuck(pid(), pos_integer()) -> {Sent :: non_neg_integer(), suspended | through}.
stuck(Pid, Sends) ->
    stuck(Pid, Sends, none, 0, erlang:monotonic_time(millisecond) + ?WAIT_MS).

stuck(Pid, Sends, Before, Same, Deadline) ->
    erlang:monotonic_time(millisecond) < Deadline orelse error({setup, {neither_stuck_nor_through, Before}}),
    case sender(Pid) of
        {Sends, _} ->
            {Sends, through};
        {Sent, suspended} = Before when Same >= ?SAME ->
            {Sent, suspended};
        Now ->
            timer:sleep(?POLL_MS),
            stuck(Pid, Sends, Now, if Now =:= Before -> Same + 1; true -> 0 end, Deadline)
    end.

%% Whether sends of a new process are asynchronous; raises badarg where there is no such flag.
-spec async_by_default() -> boolean().
async_by_default() ->
    probe_lib:in_process(fun set_async/0).

%% By apply: releases before 25.3 do not know the flag.
set_async() ->
    apply(erlang, process_flag, [async_dist, true]).
