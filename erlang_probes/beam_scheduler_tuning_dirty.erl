%% Work off the normal schedulers, for the probes of beam-scheduler-tuning: jobs on dirty
%% schedulers, native code on a normal one, file operations, look-ups, ports. All of it on peers.
%% Provokes and measures; knows nothing of any claim.
-module(beam_scheduler_tuning_dirty).

-export([
    allow_native/0,
    native_ms/1,
    native_code/0,
    jobs/2,
    traced_turns/0,
    files_held/1,
    look_up/0,
    port_turns/0
]).

-define(TURNS, beam_scheduler_tuning_turns).
-define(JOB_MS, 20_000).
-define(SETTLE_MS, 10_000).
-define(SILENCE_MS, 1_000).
-define(NATIVE_MS, 300).

%% Let this VM run native_ms/1. The VM says so on its output, and it lasts as long as the VM.
-spec allow_native() -> ok.
allow_native() ->
    _ = erts_debug:set_internal_state(available_internal_state, true),
    ok.

%% Keep this process' scheduler in C code that sleeps and does not return before.
-spec native_ms(pos_integer()) -> ok.
native_ms(Ms) ->
    true = erts_debug:set_internal_state(sleep, Ms),
    ok.

%% What another process on the same scheduler gets while one is in C code, on a normal and on a
%% dirty scheduler, and while it loops as long in Erlang.
-spec native_code() -> #{atom() => map()}.
native_code() ->
    allow_native(),
    None = fun() -> none end,
    #{
        normal => ?TURNS:others_turns_during(None, fun(_) -> native_ms(?NATIVE_MS) end),
        dirty => ?TURNS:others_turns_during(None, fun(_) -> wait(dirty_io, ?NATIVE_MS) end),
        erlang => ?TURNS:others_turns_during(None, fun(_) -> busy_ms(?NATIVE_MS) end)
    }.

%% Wait in C code on a dirty scheduler: a busy wait on one for CPU work.
wait(dirty_cpu, Ms) -> erts_debug:dirty_cpu(wait, Ms);
wait(dirty_io, Ms) -> erts_debug:dirty_io(wait, Ms).

busy_ms(Ms) ->
    busy_until(erlang:monotonic_time(millisecond) + Ms).

busy_until(End) ->
    case erlang:monotonic_time(millisecond) < End of
        true -> busy_until(End);
        false -> ok
    end.

%% Start so many jobs on dirty schedulers of a kind that each last longer than anybody looks, and say
%% where they are once as many wait as have to, beside a process that works on a normal scheduler.
-spec jobs(dirty_cpu | dirty_io, pos_integer()) -> #{atom() => term()}.
jobs(Kind, Count) ->
    %% all code is loaded before: loading is a file operation and waits for a dirty scheduler, too
    _ = fallen_to(0, Kind),
    _ = job_figures(Kind, [spawn(fun() -> wait(Kind, 1) end)]),
    Jobs = [spawn(fun() -> wait(Kind, ?JOB_MS) end) || _ <- lists:seq(1, Count)],
    Settled = probe_lib:until(fun() -> fallen_to(Count - threads(Kind), Kind) end, ?SETTLE_MS),
    (job_figures(Kind, Jobs))#{settled => maps:get(settled, Settled)}.

job_figures(Kind, Jobs) ->
    All = erlang:statistics(run_queue_lengths_all),
    Schedulers = erlang:system_info(schedulers),
    Short = erlang:statistics(run_queue_lengths),
    #{
        jobs => statuses(Jobs),
        queue_count => queue(Kind),
        normal_queues_count => lists:sum(lists:sublist(All, Schedulers)),
        in_lengths_count => lists:sum(lists:nthtail(Schedulers, Short)),
        in_lengths_all_count => lists:sum(lists:nthtail(Schedulers, All)),
        normal => ?TURNS:others_turns_during(fun() -> none end, fun(_) -> ?TURNS:calls(400_000) end)
    }.

%% A queue that has fallen to a length, and has no other a while later.
fallen_to(Length, Kind) ->
    Before = queue(Kind),
    timer:sleep(100),
    (Before =:= Length andalso queue(Kind) =:= Length) orelse Before.

threads(dirty_cpu) -> erlang:system_info(dirty_cpu_schedulers_online);
threads(dirty_io) -> erlang:system_info(dirty_io_schedulers).

%% The length of the queue for dirty schedulers of a kind.
queue(Kind) ->
    Schedulers = erlang:system_info(schedulers),
    Place =
        case Kind of
            dirty_cpu -> 1;
            dirty_io -> 2
        end,
    lists:nth(Schedulers + Place, erlang:statistics(run_queue_lengths_all)).

%% What process_info says of their status, asked of all at once, and how many it does not come to an
%% answer about within the silence.
statuses(Pids) ->
    Observer = self(),
    Ask = fun(Pid) -> spawn(fun() -> Observer ! {self(), process_info(Pid, status)} end) end,
    Askers = [Ask(Pid) || Pid <- Pids],
    End = erlang:monotonic_time(millisecond) + ?SILENCE_MS,
    Found = [status_by(Asker, End) || Asker <- Askers],
    maps:from_list([
        {Key, length([Status || Status <- Found, Status =:= Wanted])}
     || {Key, Wanted} <- [
            {running_count, {status, running}},
            {runnable_count, {status, runnable}},
            {unanswered_count, unanswered}
        ]
    ]).

status_by(Asker, End) ->
    receive
        {Asker, Status} -> Status
    after max(0, End - erlang:monotonic_time(millisecond)) -> unanswered
    end.

%% The turns of a process that computes and then goes to a dirty scheduler, as the VM's tracing
%% tells them: where each was, and what the dirty part cost.
-spec traced_turns() -> #{atom() => term()}.
traced_turns() ->
    Observer = self(),
    Subject = spawn(fun() -> traced(Observer) end),
    1 = erlang:trace(Subject, true, [running_procs, scheduler_id]),
    Subject ! go,
    Value =
        receive
            {Subject, Found} -> Found
        after ?SETTLE_MS -> error({setup, no_answer})
        end,
    Delivered = erlang:trace_delivered(Subject),
    receive
        {trace_delivered, Subject, Delivered} -> ok
    after ?SETTLE_MS -> error({setup, no_traces})
    end,
    Ids = turn_ids(Subject),
    Value#{
        turns_with_id_count => length([Id || Id <- Ids, Id > 0]),
        turns_without_id_count => length([Id || Id <- Ids, Id =:= 0])
    }.

traced(Observer) ->
    receive
        go -> ok
    end,
    ?TURNS:calls(100_000),
    Before = probe_measure:own_reductions(),
    Us = probe_measure:elapsed_us(fun() -> wait(dirty_cpu, ?NATIVE_MS) end),
    After = probe_measure:own_reductions(),
    Observer ! {self(), #{dirty_reductions => After - Before, dirty_ms => Us / 1000}}.

turn_ids(Subject) ->
    receive
        {trace, Subject, in, _, Id} -> [Id | turn_ids(Subject)];
        {trace, Subject, _, _, _} -> turn_ids(Subject)
    after 0 -> []
    end.

%% Hold two threads of file operations by opening pipes that nobody writes to; then what a third
%% does, what loading a module does, which is one, and what a look-up of a name does, which is none.
-spec files_held(file:filename()) -> #{atom() => term()}.
files_held(Folder) ->
    false = erlang:module_loaded(sofs) orelse erlang:module_loaded(digraph),
    Pipes = [filename:join(Folder, "pipe" ++ integer_to_list(N)) || N <- [1, 2]],
    [] = lists:append([os:cmd("mkfifo " ++ Pipe) || Pipe <- Pipes]),
    Ask = fun(Module) ->
        #{
            file => fun() -> element(1, file:read_file_info(Folder, [raw])) end,
            name => fun() -> element(1, inet:gethostbyname("localhost")) end,
            code => fun() -> element(1, code:ensure_loaded(Module)) end
        }
    end,
    %% beside what they show these load all code that is needed from here on
    Before = answers(Ask(digraph)),
    _ = statuses([spawn(fun() -> ok end)]),
    timer:sleep(1),
    Holders = [spawn(fun() -> file:open(Pipe, [read, raw]) end) || Pipe <- Pipes],
    probe_lib:await(fun() -> maps:get(running_count, statuses(Holders)) =:= 2 end, ?SETTLE_MS),
    #{
        before => Before,
        held => answers(Ask(sofs)),
        holders_count => maps:get(running_count, statuses(Holders))
    }.

%% What each fun returns, all at once, and `waits' for those that have not after the silence.
answers(Funs) ->
    Observer = self(),
    Ask = fun(_, Fun) -> spawn(fun() -> Observer ! {self(), Fun()} end) end,
    Asked = maps:map(Ask, Funs),
    End = erlang:monotonic_time(millisecond) + ?SILENCE_MS,
    maps:map(
        fun(_, Pid) ->
            receive
                {Pid, Value} -> Value
            after max(0, End - erlang:monotonic_time(millisecond)) -> waits
            end
        end,
        Asked
    ).

%% What looking up a name starts: ports, and threads of the pool for drivers.
-spec look_up() -> #{atom() => term()}.
look_up() ->
    Before = erlang:ports(),
    Threads = erlang:system_info(thread_pool_size),
    {error, _} = inet:gethostbyname("no-such-host.invalid"),
    Names = [erlang:port_info(Port, name) || Port <- erlang:ports() -- Before],
    #{
        threads_count => Threads,
        programs => [program(Name) || {name, Name} <- Names]
    }.

%% The program's own name, without the folders and arguments that some releases have in it.
program(Name) ->
    list_to_binary(hd(string:lexemes(filename:basename(Name), " "))).

%% The schedulers on which a port to a program was run for five commands.
-spec port_turns() -> #{atom() => term()}.
port_turns() ->
    Port = open_port({spawn, "cat"}, [binary]),
    1 = erlang:trace(Port, true, [running_ports, scheduler_id]),
    _ = [Port ! {self(), {command, <<"x">>}} || _ <- lists:seq(1, 5)],
    probe_lib:await(fun() -> erlang:port_info(Port, input) =:= {input, 5} end, ?SETTLE_MS),
    Ids = port_ids(Port),
    Schedulers = erlang:system_info(schedulers),
    Normal = length([Id || Id <- Ids, Id >= 1, Id =< Schedulers]),
    #{
        turns_count => length(Ids),
        on_normal_count => Normal,
        elsewhere_count => length(Ids) - Normal
    }.

port_ids(Port) ->
    receive
        {trace, Port, in, _, Id} -> [Id | port_ids(Port)];
        {trace, Port, _, _, _} -> port_ids(Port);
        {Port, {data, _}} -> port_ids(Port)
    after 200 -> []
    end.
