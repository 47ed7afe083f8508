%% Ports, files, sockets and the threads that wait for them, for the concurrency probes: functions that
%% peers run. Knows nothing of any claim.
-module(beam_concurrency_model_io).

-export([port_facts/0, port_users/0, busy_port/1, file_waits/2, socket_waits/1, poll_threads/0]).

-define(DEADLINE_MS, 10_000).
-define(QUIET_MS, 200).
%% How long an answer is waited for that may not come.
-define(SILENCE_MS, 1_000).
%% How long a writer that gets nothing through is taken to be slow.
-define(STUCK_MS, 2_000).

%% What functions of processes say of a port, and those of ports.
-spec port_facts() -> probe_lib:evidence().
port_facts() ->
    Port = program("cat"),
    true = register(?MODULE, Port),
    Monitor = monitor(port, Port),
    Facts = #{
        is_pid => is_pid(Port),
        is_port => is_port(Port),
        among_processes => lists:member(Port, [P || P <- processes()]),
        among_ports => lists:member(Port, erlang:ports()),
        process_info => said(fun() -> erlang:apply(erlang, process_info, [Port]) end),
        is_process_alive => said(fun() -> erlang:apply(erlang, is_process_alive, [Port]) end),
        monitor_as_process => said(fun() -> monitor(process, Port) end),
        monitor_as_port => said(fun() -> is_reference(Monitor) end),
        registered => whereis(?MODULE) =:= Port,
        linked => erlang:port_info(Port, links) =:= {links, [self()]},
        connected => erlang:port_info(Port, connected) =:= {connected, self()}
    },
    true = port_close(Port),
    Down =
        receive
            {'DOWN', Monitor, Kind, _, Reason} -> probe_capture:text("~p ~p", [Kind, Reason])
        after ?DEADLINE_MS -> <<"none">>
        end,
    Facts#{down => Down}.

said(Fun) ->
    case probe_lib:error_class(Fun) of
        #{class := returned, reason := Value} -> probe_capture:text("~p", [Value]);
        #{class := Class, reason := Reason} -> probe_capture:text("~p:~p", [Class, Reason])
    end.

%% Who may use a port that a process has opened: another one by port_command/2, by a message in the
%% name of the owner, by one in its own, and by any message: whether the owner got the echo, and who
%% is told badsig (the owner traps exits, the user dies of it).
-spec port_users() -> probe_lib:evidence().
port_users() ->
    Owner = self(),
    maps:from_list([
        {Way, used(fun(Port) -> use(Way, Port, Owner) end)}
     || Way <- [port_command, message_in_owners_name, message_in_own_name, any_message]
    ]).

use(port_command, Port, _) -> port_command(Port, <<"echo">>);
use(message_in_owners_name, Port, Owner) -> Port ! {Owner, {command, <<"echo">>}};
use(message_in_own_name, Port, _) -> Port ! {self(), {command, <<"echo">>}};
use(any_message, Port, _) -> Port ! hello.

used(Use) ->
    process_flag(trap_exit, true),
    Port = program("cat"),
    {_, Ref} = spawn_monitor(fun() ->
        Use(Port),
        receive
            stop -> ok
        after ?QUIET_MS -> exit(lives)
        end
    end),
    User = probe_lib:gone(Ref, ?DEADLINE_MS),
    Echoed =
        receive
            {Port, {data, <<"echo">>}} -> true
        after ?QUIET_MS -> false
        end,
    Told =
        receive
            {'EXIT', Port, Reason} -> Reason
        after 0 -> nothing
        end,
    Open = erlang:port_info(Port, id) =/= undefined,
    Open andalso port_close(Port),
    #{user => User, owner_echoed => Echoed, owner_told => Told, port_open => Open}.

%% A process writes 20 times 100 kB to a program that reads, or to one that does not: how many of them
%% went through, its status then, what a writer who does not want to wait is told, whether
%% the VM reported a busy port, and what becomes of the writer when the port is closed.
-spec busy_port(string()) -> probe_lib:evidence().
busy_port(Command) ->
    Port = program(Command),
    _ = erlang:system_monitor(self(), [busy_port]),
    Written = counters:new(1, []),
    Block = binary:copy(<<"x">>, 100_000),
    {Writer, Ref} = spawn_monitor(fun() ->
        [
            begin
                port_command(Port, Block),
                counters:add(Written, 1, 1)
            end
         || _ <- lists:seq(1, 20)
        ]
    end),
    ok = ended_or_stuck(Writer, Written),
    Status = status(Writer),
    Nosuspend = said(fun() -> port_command(Port, Block, [nosuspend]) end),
    Done = counters:get(Written, 1),
    Events = length(reports(Writer)),
    _ = erlang:system_monitor(undefined),
    {os_pid, OsPid} = erlang:port_info(Port, os_pid),
    true = port_close(Port),
    _ = os:cmd("kill -KILL " ++ integer_to_list(OsPid) ++ " 2>/dev/null"),
    #{
        written_count => Done,
        status => Status,
        nosuspend => Nosuspend,
        reports_count => Events,
        ends => probe_capture:text("~p", [ended_by(probe_lib:gone(Ref, ?DEADLINE_MS))])
    }.

%% Wait until the writer has ended, or has got no block through for two seconds.
ended_or_stuck(Writer, Written) ->
    Before = counters:get(Written, 1),
    Waited = probe_lib:until(fun() -> status(Writer) =:= ended end, ?STUCK_MS),
    case Waited of
        #{settled := true} ->
            ok;
        #{settled := false} ->
            case counters:get(Written, 1) of
                Before -> ok;
                _ -> ended_or_stuck(Writer, Written)
            end
    end.

ended_by({Reason, Stack}) when is_list(Stack) -> Reason;
ended_by(Reason) -> Reason.

reports(Writer) ->
    receive
        {monitor, Writer, busy_port, Port} when is_port(Port) -> [Port | reports(Writer)]
    after 0 -> []
    end.

%% So many processes open a pipe that has a name and no writer, which waits for one; then another one
%% asks for a file: whether it is answered before the pipes get their writers, and after, and what the
%% first ones' status is meanwhile. Another process of the VM counts on.
-spec file_waits(non_neg_integer(), file:filename()) -> probe_lib:evidence().
file_waits(Openers, Folder) ->
    Name = fun(N) -> lists:flatten(io_lib:format("pipe~b of ~b", [N, Openers])) end,
    Pipes = [filename:join(Folder, Name(N)) || N <- lists:seq(1, Openers)],
    [[] = os:cmd("mkfifo '" ++ Pipe ++ "'") || Pipe <- Pipes],
    Self = self(),
    Open = fun(Pipe) -> Self ! {opened, element(1, file:open(Pipe, [read, raw]))} end,
    Pids = [spawn(fun() -> Open(Pipe) end) || Pipe <- Pipes],
    Statuses = fun() -> [status(Pid) || Pid <- Pids] end,
    _ = probe_lib:until(fun() -> lists:usort(Statuses()) =:= [running] end, ?SILENCE_MS),
    Turns = turns(?QUIET_MS),
    Running = length([running || running <- Statuses()]),
    _ = spawn(fun() -> Self ! {asked, element(1, file:read_file_info("/", [raw]))} end),
    Before = answered(asked, ?SILENCE_MS),
    [program("echo x > '" ++ Pipe ++ "'") || Pipe <- Pipes],
    Opened = [answered(opened, ?DEADLINE_MS) || _ <- Pids],
    #{
        openers_count => Openers,
        running_count => Running,
        answered_before => Before,
        answered_after =>
            case Before of
                none -> answered(asked, ?DEADLINE_MS);
                _ -> Before
            end,
        opened_count => length([ok || ok <- Opened]),
        turns_count => Turns
    }.

status(Pid) ->
    case process_info(Pid, status) of
        {status, Status} -> Status;
        undefined -> ended
    end.

answered(Tag, Ms) ->
    receive
        {Tag, Answer} -> Answer
    after Ms -> none
    end.

%% How often a process of this VM comes to run in a while.
turns(Ms) ->
    Count = counters:new(1, []),
    Pid = spawn(fun() -> count(Count) end),
    timer:sleep(Ms),
    killed = probe_lib:kill_and_wait(Pid),
    counters:get(Count, 1).

count(Count) ->
    counters:add(Count, 1, 1),
    erlang:yield(),
    count(Count).

%% So many processes wait for data of a socket; then another one asks for a file: whether it is
%% answered at once, and what the first ones' status is.
-spec socket_waits(pos_integer()) -> probe_lib:evidence().
socket_waits(Waiters) ->
    {ok, Listener} = gen_tcp:listen(0, [{active, false}, {backlog, 128}, {ip, {127, 0, 0, 1}}]),
    {ok, Number} = inet:port(Listener),
    Self = self(),
    Pids = [
        spawn(fun() ->
            {ok, Socket} = gen_tcp:connect({127, 0, 0, 1}, Number, [{active, false}]),
            Self ! connected,
            Self ! {got, gen_tcp:recv(Socket, 1)}
        end)
     || _ <- lists:seq(1, Waiters)
    ],
    Accepted = [element(2, {ok, _} = gen_tcp:accept(Listener, ?DEADLINE_MS)) || _ <- Pids],
    [receive connected -> ok after ?DEADLINE_MS -> error({setup, not_connected}) end || _ <- Pids],
    timer:sleep(?QUIET_MS),
    Statuses = [status(Pid) || Pid <- Pids],
    _ = spawn(fun() -> Self ! {asked, element(1, file:read_file_info("/", [raw]))} end),
    Answered = answered(asked, ?DEADLINE_MS),
    Early = answered(got, 0),
    [ok = gen_tcp:send(Socket, <<"x">>) || Socket <- Accepted],
    Got = [answered(got, ?DEADLINE_MS) || _ <- Pids],
    #{
        waiters_count => Waiters,
        waiting_count => length([waiting || waiting <- Statuses]),
        answered => Answered,
        got_before => Early,
        got_count => length([ok || {ok, _} <- Got])
    }.

%% How many threads of this VM poll, run Erlang code, and do dirty IO, by their names.
-spec poll_threads() -> probe_lib:evidence().
poll_threads() ->
    {ok, Tasks} = file:list_dir("/proc/self/task"),
    Names = [
        string:trim(Name)
     || Task <- Tasks, {ok, Name} <- [file:read_file("/proc/self/task/" ++ Task ++ "/comm")]
    ],
    Count = fun(Pattern) ->
        length([Name || Name <- Names, re:run(Name, Pattern) =/= nomatch])
    end,
    #{
        polling_count => Count("poll"),
        scheduling_count => Count("^[0-9]+_scheduler|^erts_sched"),
        threads_count => length(Names)
    }.

program(Command) ->
    open_port({spawn_executable, "/bin/sh"}, [{args, ["-c", Command]}, binary]).
