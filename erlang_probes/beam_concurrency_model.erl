%% Probes of beam-concurrency-model: where processes give way to others and where they do not, native
%% code, what is shared, ports, input and output, the order of signals, and timers.
-module(beam_concurrency_model).

-export([
    turns_in_loops/1,
    turns_in_lists/1,
    turns_in_terms/1,
    turns_in_tables/1,
    turns_in_copies/1,
    turns_in_numbers/1,
    turns_in_regex/1,
    native_alone/1,
    native_beside/1,
    native_stranding/1,
    dirty_calls/1,
    scheduler_counts/1,
    sharing/1,
    crashes/1,
    threads/1,
    turns_in_collections/1,
    blocked_scheduling/1,
    port_nature/1,
    port_pressure/1,
    waiting_for_io/1,
    poll_threads/1,
    native_and_input/1,
    signal_order/1,
    order_among_nodes/1,
    parallel_signals/1,
    timers/1,
    timers_under_load/1
]).

-define(IO, beam_concurrency_model_io).
-define(SHARED, beam_concurrency_model_shared).
-define(SIGNALS, beam_concurrency_model_signals).
-define(ORDER, beam_concurrency_model_order).
-define(NATIVE, beam_concurrency_model_native).
-define(NIF, beam_concurrency_model_nif).
-define(TURNS, beam_concurrency_model_turns).

%%% Where a process gives way

%% On a VM of one scheduler, counts the turns that another process gets during loops: one without
%% anything, one of 20,000 rounds with nothing and with 1,000 additions in its body, as many calls as
%% those are additions; and during 50 receives that find their message, 50 that wait, 50 yields, and
%% 50 times all reductions bumped.
%% Evidence: for each the turns of the other, how long it took, and how many ordinary time slices
%%   (of the loop, the shortest of five) that is.
%% Cost: a peer, 1 s.
%% Misread: a receive that waits wakes the process that it waits for: the other has a turn or two.
%% Source: https://github.com/erlang/otp/blob/OTP-27.0/erts/emulator/beam/erl_process.c
-spec turns_in_loops(probe_lib:args()) -> probe_lib:evidence().
turns_in_loops(_) ->
    ?TURNS:on_one_scheduler([
        loop,
        short_body,
        long_body,
        long_body_in_calls,
        receive_there,
        receive_waiting,
        yield,
        bump
    ]).

%% As turns_in_loops/1, during one call of a BIF over a list or map of a million words or so.
%% Evidence: as turns_in_loops/1.
%% Cost: a peer, 2 s.
%% Misread: how many turns is how the BIF counts its reductions, not how long it takes.
%% Source: https://github.com/erlang/otp/blob/OTP-27.0/erts/emulator/beam/erl_bif_lists.c
-spec turns_in_lists(probe_lib:args()) -> probe_lib:evidence().
turns_in_lists(_) ->
    ?TURNS:on_one_scheduler([
        length, append, subtract, reverse, member, keyfind, list_to_binary, maps_merge
    ]).

%% As turns_in_loops/1, during conversions to and from the external format, hashes and a search.
%% Evidence: as turns_in_loops/1.
%% Cost: a peer, 2 s.
%% Misread: as turns_in_lists/1.
%% Source: https://github.com/erlang/otp/blob/OTP-27.0/erts/emulator/beam/external.c
-spec turns_in_terms(probe_lib:args()) -> probe_lib:evidence().
turns_in_terms(_) ->
    ?TURNS:on_one_scheduler([term_to_binary, binary_to_term, phash2, crc32, binary_match]).

%% As turns_in_loops/1, during calls of ets that visit a table of 200,000 objects.
%% Evidence: as turns_in_loops/1.
%% Cost: a peer, 2 s.
%% Misread: as turns_in_lists/1.
%% Source: https://github.com/erlang/otp/blob/OTP-27.0/erts/emulator/beam/erl_db.c
-spec turns_in_tables(probe_lib:args()) -> probe_lib:evidence().
turns_in_tables(_) ->
    ?TURNS:on_one_scheduler([
        ets_select, ets_tab2list, ets_insert_list, ets_select_delete, ets_delete_all, ets_delete
    ]).

%% As turns_in_loops/1, during calls that copy or compare one term of a million words.
%% Evidence: as turns_in_loops/1.
%% Cost: a peer, 2 s.
%% Misread: a turn may come at the end of the call, when the VM has counted what it cost.
%% Source: https://github.com/erlang/otp/blob/OTP-27.0/erts/emulator/beam/copy.c
-spec turns_in_copies(probe_lib:args()) -> probe_lib:evidence().
turns_in_copies(_) ->
    ?TURNS:on_one_scheduler([
        list_to_tuple,
        tuple_to_list,
        setelement,
        equal,
        compare,
        external_size,
        ets_lookup,
        ets_insert,
        send,
        spawn
    ]).

%% As turns_in_loops/1, during arithmetic with integers of 500,000 bits, and the text of one of
%% 125,000.
%% Evidence: as turns_in_loops/1.
%% Cost: a peer, 3 s.
%% Misread: as turns_in_copies/1.
%% Source: https://github.com/erlang/otp/blob/OTP-27.0/erts/emulator/beam/big.c
-spec turns_in_numbers(probe_lib:args()) -> probe_lib:evidence().
turns_in_numbers(_) ->
    ?TURNS:on_one_scheduler([multiply, divide, integer_to_binary]).

%% As turns_in_loops/1, during searches by regular expressions: one that tries 2^24 ways, one that
%% goes through three million characters once, one that looks for a character that is not there.
%% Evidence: as turns_in_loops/1.
%% Cost: a peer, 1 s.
%% Misread: as turns_in_copies/1.
%% Source: https://github.com/erlang/otp/blob/OTP-27.0/erts/emulator/beam/erl_bif_re.c
-spec turns_in_regex(probe_lib:args()) -> probe_lib:evidence().
turns_in_regex(_) ->
    ?TURNS:on_one_scheduler([re_backtrack, re_class, re_search]).

%%% Native code

%% On a peer of one scheduler, calls native code that sleeps for 1 to 300 ms: on the scheduler, on
%% dirty ones, in parts that are told to the VM, with and without giving way in between. Needs the
%% library built from c_src.
%% Evidence: for each the turns of another process meanwhile, how long it took, the kind of thread,
%%   how often the VM said that the slice is used up;
%%   what such calls cost in reductions, how many times some percent are a slice, the threads of a
%%   call in three parts; and what the VM reports as long schedules.
%% Cost: a peer, 2.5 s.
%% Misread: asleep or busy makes no difference to a scheduler that is held.
%% Source: https://www.erlang.org/doc/apps/erts/erl_nif.html#lengthy_work
-spec native_alone(#{nif_library := binary()}) -> probe_lib:evidence().
native_alone(#{nif_library := Library}) ->
    Flags = ["+S", "1:1", "+sbwt", "none"],
    probe_native:with(#{flags => Flags}, ?NIF, Library, fun(Peer) ->
        maps:merge(
            probe_peer:call(Peer, ?NATIVE, turns, []),
            #{
                accounts => probe_peer:call(Peer, ?NATIVE, accounts, []),
                long_normal => probe_peer:call(Peer, ?NATIVE, long_schedules, [hold]),
                long_dirty => probe_peer:call(Peer, ?NATIVE, long_schedules, [hold_dirty_cpu])
            }
        )
    end).

%% On a peer of two schedulers, holds the first one in native code, or a dirty one in its place, while
%% others want to run. Needs the library built from c_src.
%% Evidence: how many of twenty processes that were made ready meanwhile wait in the run queue and ran
%%   before the call ended, bound to the scheduler and not; how long one waits behind up to ten calls
%%   of 10 ms; how long loading a module takes; when a timer fires that was set on either scheduler;
%%   how busy which kind of scheduler says it was.
%% Cost: a peer, 3 s.
%% Misread: `{scheduler, N}' of spawn_opt is not documented; that processes are bound by it shows in
%%   the kinds of threads and in who waits.
%% Source: https://www.erlang.org/doc/apps/erts/erl_nif.html#lengthy_work
-spec native_beside(#{nif_library := binary()}) -> probe_lib:evidence().
native_beside(#{nif_library := Library}) ->
    with_two_schedulers(Library, [], fun(Call) ->
        #{
            bound => Call(queue, [#{hold => hold, bound => true}]),
            bound_dirty => Call(queue, [#{hold => hold_dirty_io, bound => true}]),
            free => Call(queue, [#{hold => hold, bound => false}]),
            behind_1_ms => Call(behind, [1]),
            behind_5_ms => Call(behind, [5]),
            behind_10_ms => Call(behind, [10]),
            loading => Call(loading_ms, [hold]),
            loading_dirty => Call(loading_ms, [hold_dirty_io]),
            timer_set_there => Call(timer_set_on, [1]),
            timer_set_elsewhere => Call(timer_set_on, [2]),
            busy => Call(busy_ms, [hold]),
            busy_dirty_cpu => Call(busy_ms, [hold_dirty_cpu]),
            busy_dirty_io => Call(busy_ms, [hold_dirty_io])
        }
    end).

%% On peers of two schedulers of which one has nothing to do, ten times wakes a process and holds the
%% other scheduler at once for 100 ms. Needs the library built from c_src.
%% Evidence: how often the woken one ran only when the scheduler was free again; with the flag that
%%   wakes sleeping schedulers every 10 ms, and with a dirty call, the same.
%% Cost: two peers, 4 s.
%% Misread: without `+sbwt none' the second scheduler may be awake by chance.
%% Source: https://www.erlang.org/doc/apps/erts/erl_cmd.html#+sfwi
-spec native_stranding(#{nif_library := binary()}) -> probe_lib:evidence().
native_stranding(#{nif_library := Library}) ->
    Without = with_two_schedulers(Library, [], fun(Call) ->
        #{held => Call(stranded, [hold, 10]), dirty => Call(stranded, [hold_dirty_io, 10])}
    end),
    With = with_two_schedulers(Library, ["+sfwi", "10"], fun(Call) ->
        #{forced => Call(stranded, [hold, 10])}
    end),
    maps:merge(Without, With).

%% On a peer with two dirty schedulers of each kind, calls native code that does nothing on each kind
%% of scheduler, and has five processes sleep in it at the same time. Needs the library built from
%% c_src.
%% Evidence: nanoseconds of a call on a normal scheduler, and how many times as long one on a dirty one
%%   takes; the most of the five that slept at the same time.
%% Cost: a peer, 1 s.
%% Misread: the shortest of twenty times; a busy machine only adds to the dirty ones.
%% Source: https://medium.com/@jlouis666/erlang-dirty-scheduler-overhead-6e1219dcc7
-spec dirty_calls(#{nif_library := binary()}) -> probe_lib:evidence().
dirty_calls(#{nif_library := Library}) ->
    with_two_schedulers(Library, ["+SDio", "2"], fun(Call) ->
        #{
            switch => Call(switch_ns, []),
            dirty_cpu_at_once_count => Call(overlap, [hold_dirty_cpu, 5]),
            dirty_io_at_once_count => Call(overlap, [hold_dirty_io, 5])
        }
    end).

with_two_schedulers(Library, Flags, Fun) ->
    Quiet = ["+sbwt", "none", "+sbwtdcpu", "none", "+sbwtdio", "none"],
    Options = #{flags => ["+S", "2:2"] ++ Quiet ++ Flags},
    probe_native:with(Options, ?NIF, Library, fun(Peer) ->
        Fun(fun(Function, Args) -> probe_peer:call(Peer, ?NATIVE, Function, Args) end)
    end).

%% Starts peers with the default number of schedulers, with one, and with two more than the default,
%% and asks each how many it has of each kind.
%% Evidence: the numbers, and by how many dirty schedulers for CPU differ from normal ones and from
%%   the default.
%% Cost: three peers, 1 s.
%% Misread: the default follows the processors that the VM may use.
%% Source: https://www.erlang.org/doc/apps/erts/erl_cmd.html#+SDcpu
-spec scheduler_counts(probe_lib:args()) -> probe_lib:evidence().
scheduler_counts(_) ->
    #{normal_count := Default} = Plain = counts([]),
    More = integer_to_list(Default + 2),
    #{dirty_cpu_count := Cpu} = Raised = counts(["+S", More ++ ":" ++ More]),
    #{
        default => Plain,
        one => counts(["+S", "1:1"]),
        two_more => Raised#{dirty_cpu_beyond_default_count => Cpu - Default}
    }.

counts(Flags) ->
    probe_peer:with(#{flags => Flags}, fun(Peer) ->
        [Normal, Cpu, Io] = [
            probe_peer:call(Peer, erlang, system_info, [What])
         || What <- [schedulers, dirty_cpu_schedulers, dirty_io_schedulers]
        ],
        #{
            normal_count => Normal,
            dirty_cpu_count => Cpu,
            dirty_cpu_short_of_normal_count => Normal - Cpu,
            dirty_io_count => Io
        }
    end).

%%% What is shared

%% Gives terms to processes that it starts, sends one to 50, and writes where others read.
%% Evidence: the words that a child has more than one that got nothing, by what it was given; the words
%%   of a term with shared parts before and after it is sent; those that 50 hold together; what one
%%   process sees of what others wrote.
%% Cost: 150 short processes, 100 ms.
%% Misread: live words are counted after a full collection, without the stack.
%% Source: https://www.erlang.org/doc/system/eff_guide_processes.html
-spec sharing(probe_lib:args()) -> probe_lib:evidence().
sharing(_) ->
    #{
        argument_words => ?SHARED:words_of_child(argument),
        closure_words => ?SHARED:words_of_child(closure),
        constant_words => ?SHARED:words_of_child(constant),
        binary_words => ?SHARED:words_of_child(binary),
        shared_parts_words => ?SHARED:words_of_child(shared),
        sent => ?SHARED:received_words(shared),
        holders_of_list => ?SHARED:holders(50, argument),
        holders_of_binary => ?SHARED:holders(50, binary),
        written => ?SHARED:written()
    }.

%% Ends 500 of 1,000 processes badly.
%% Evidence: the reasons by number, and how many of the others answer with the right sum of their list.
%% Cost: 1,000 processes, 50 ms.
%% Misread: nothing links them; links are the subject of another skill.
%% Source: https://www.erlang.org/doc/system/ref_man_processes.html
-spec crashes(probe_lib:args()) -> probe_lib:evidence().
crashes(_) ->
    ?SHARED:crash_half(1_000).

%% Counts the threads of the VM with and without 10,000 more processes, and on peers the schedulers on
%% which 40 busy processes run.
%% Evidence: the numbers of threads and processes before and during, the schedulers of a VM of one and
%%   of four.
%% Cost: two peers, 1 s.
%% Misread: as Linux lists the threads; where it does not, the setup fails.
%% Source: https://www.erlang.org/doc/system/ref_man_processes.html
-spec threads(probe_lib:args()) -> probe_lib:evidence().
threads(_) ->
    {Processes, Threads} = {erlang:system_info(process_count), ?SHARED:thread_count()},
    Pids = [probe_lib:subject([]) || _ <- lists:seq(1, 10_000)],
    try
        #{
            more_processes_count => erlang:system_info(process_count) - Processes,
            more_threads_count => ?SHARED:thread_count() - Threads,
            threads_count => Threads,
            of_one_index => scheduler_ids("1:1"),
            of_four_index => scheduler_ids("4:4")
        }
    after
        probe_lib:kill_all(Pids)
    end.

scheduler_ids(Schedulers) ->
    probe_peer:with(#{flags => ["+S", Schedulers]}, fun(Peer) ->
        probe_peer:call(Peer, ?SHARED, scheduler_ids, [40])
    end).

%% As turns_in_loops/1, during collections of heaps of two million words: one's own, fully and of what
%% is young only, those of three other processes, and the removal of a persistent term that three hold.
%% Evidence: as turns_in_loops/1.
%% Cost: a peer, 3 s.
%% Misread: heaps of less than some 10,000 words are collected on the scheduler itself.
%% Source: https://www.erlang.org/doc/apps/erts/garbagecollection
-spec turns_in_collections(probe_lib:args()) -> probe_lib:evidence().
turns_in_collections(_) ->
    ?TURNS:on_one_scheduler([
        collect_fully, collect_young, collect_others, erase_persistent
    ]).

%% On a peer of two schedulers, blocks multi-scheduling while 40 processes are busy.
%% Evidence: the number of schedulers on which they ran before, meanwhile and afterwards, and whether all
%%   of them ran meanwhile.
%% Cost: a peer, 500 ms.
%% Misread: the process that blocks must not be bound to a scheduler.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#system_flag/2
-spec blocked_scheduling(probe_lib:args()) -> probe_lib:evidence().
blocked_scheduling(_) ->
    probe_peer:with(#{flags => ["+S", "2:2"]}, fun(Peer) ->
        probe_peer:call(Peer, ?SHARED, while_blocked, [40])
    end).

%%% Ports, input and output

%% Asks functions of processes and of ports about a port, and has others than its owner use one.
%% Evidence: what they say; who gets the echo and who is told badsig.
%% Cost: a peer, 2 s.
%% Misread: the owner traps exits; else badsig ends it.
%% Source: https://www.erlang.org/doc/system/ports.html
-spec port_nature(probe_lib:args()) -> probe_lib:evidence().
port_nature(_) ->
    probe_peer:with(#{}, fun(Peer) ->
        #{
            facts => probe_peer:call(Peer, ?IO, port_facts, []),
            users => probe_peer:call(Peer, ?IO, port_users, [])
        }
    end).

%% Writes 2 MB to a program that does not read, and to one that does.
%% Evidence: how many of 20 blocks were written, the writer's status, what nosuspend is answered, the
%%   reports of the VM, and how the writer ends when the port is closed.
%% Cost: a peer, 3 s.
%% Misread: the reader makes the port busy as well, for a moment.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#port_command/3
-spec port_pressure(probe_lib:args()) -> probe_lib:evidence().
port_pressure(_) ->
    probe_peer:with(#{}, fun(Peer) ->
        #{
            unread => probe_peer:call(Peer, ?IO, busy_port, ["exec sleep 60"]),
            read => probe_peer:call(Peer, ?IO, busy_port, ["cat > /dev/null; :"])
        }
    end).

%% On a peer of two dirty schedulers for IO, has one and two processes wait for the writer of a named
%% pipe, and 50 for data of a socket, and asks for a file meanwhile.
%% Evidence: whether the file was answered before those that wait could go on, what their status is,
%%   and how often another process of the VM ran.
%% Cost: a peer, 2 s.
%% Misread: on a file system that answers from memory nothing else shows that a read occupies a thread.
%% Source: https://www.erlang.org/doc/apps/erts/erl_cmd.html#+SDio
-spec waiting_for_io(probe_lib:args()) -> probe_lib:evidence().
waiting_for_io(_) ->
    probe_peer:with(#{flags => ["+SDio", "2"]}, fun(Peer) ->
        Folder = probe_peer:scratch(Peer),
        #{
            one_pipe => probe_peer:call(Peer, ?IO, file_waits, [1, Folder]),
            two_pipes => probe_peer:call(Peer, ?IO, file_waits, [2, Folder]),
            sockets => probe_peer:call(Peer, ?IO, socket_waits, [50])
        }
    end).

%% Counts the threads of peers by what they do.
%% Evidence: how many poll and how many schedule, by default and with three pollsets asked for.
%% Cost: two peers, 1 s.
%% Misread: by the names that the VM gives its threads, as Linux tells them.
%% Source: https://www.erlang.org/doc/apps/erts/erl_cmd.html#+IOt
-spec poll_threads(probe_lib:args()) -> probe_lib:evidence().
poll_threads(_) ->
    Count = fun(Flags) ->
        probe_peer:with(#{flags => ["+S", "2:2" | Flags]}, fun(Peer) ->
            probe_peer:call(Peer, ?IO, poll_threads, [])
        end)
    end,
    #{threads_count := Fewer} = Default = Count([]),
    #{threads_count := More} = Three = Count(["+IOp", "3", "+IOt", "3"]),
    #{default => Default, three => Three, more_threads_count => More - Fewer}.

%% On a peer of one scheduler, holds that, and a dirty one, in native code for 500 ms while a program
%% writes. Needs the library built from c_src.
%% Evidence: when what was written arrived, counted from the end of the call.
%% Cost: a peer, 1.5 s.
%% Misread: what polls is another thread; who hands on what was read is the scheduler.
%% Source: https://www.erlang.org/blog/io-polling/
-spec native_and_input(#{nif_library := binary()}) -> probe_lib:evidence().
native_and_input(#{nif_library := Library}) ->
    probe_native:with(#{flags => ["+S", "1:1"]}, ?NIF, Library, fun(Peer) ->
        #{
            held => probe_peer:call(Peer, ?NATIVE, input_during, [hold]),
            dirty => probe_peer:call(Peer, ?NATIVE, input_during, [hold_dirty_io])
        }
    end).

%%% Order and time

%% Has ten processes send 5,000 messages each to one, with its queue on its heap and off it; 200 send and
%% end; and 1,000 times two are told to send to a third.
%% Evidence: how many arrived, out of their sender's order, and with a neighbour of another sender; how
%%   many before and after their sender's 'DOWN'; who of two came first how often.
%% Cost: 110,000 messages, 500 ms.
%% Misread: that none was seen out of order is no proof of a promise; the promise is the source's.
%% Source: https://www.erlang.org/doc/system/ref_man_processes.html#delivery-of-signals
-spec signal_order(probe_lib:args()) -> probe_lib:evidence().
signal_order(_) ->
    #{
        on_heap => ?ORDER:streams(10, 5_000, on_heap),
        off_heap => ?ORDER:streams(10, 5_000, off_heap),
        ends => ?ORDER:before_down(200, 50),
        two_senders => ?ORDER:two_senders(1_000)
    }.

%% On a peer, sets 1,000 timers of 1 to 50 ms, and cancels 120 of 3 ms at a time by chance.
%% Evidence: how many fired, early, within a millisecond; what cancelling returned and what came of it.
%% Cost: a peer, 3 s.
%% Misread: late is what the machine makes it.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#cancel_timer/2
-spec timers(probe_lib:args()) -> probe_lib:evidence().
timers(_) ->
    probe_peer:with(#{}, fun(Peer) ->
        Cancelled = probe_peer:call(Peer, ?ORDER, cancelled, [120]),
        #{too_late_count := Late, too_late_and_fired_count := Fired} = Cancelled,
        #{
            set => probe_peer:call(Peer, ?ORDER, timers, [1_000]),
            cancelled => Cancelled,
            fired_of_late_ratio => Fired / max(1, Late)
        }
    end).

%% On a peer of one scheduler, has a process wait 20 ms behind 1,000 and behind 3,000 busy ones, with their
%% priority and with a high one.
%% Evidence: how many turns the busy ones have when the time is up and before the waiting one runs, and by
%%   how much that is late.
%% Cost: a peer that keeps a CPU busy, 2 s.
%% Misread: time is up when the VM's clock says so; its timers are served each millisecond, in which the
%%   busy ones have turns as well.
%% Source: https://www.erlang.org/doc/apps/erts/time_correction.html
-spec timers_under_load(probe_lib:args()) -> probe_lib:evidence().
timers_under_load(_) ->
    probe_peer:with(#{flags => ["+S", "1:1"]}, fun(Peer) ->
        Behind = fun(Busy, Priority) -> probe_peer:call(Peer, ?ORDER, behind, [Busy, Priority]) end,
        #{
            behind_1000 => Behind(1_000, normal),
            behind_3000 => Behind(3_000, normal),
            high_beside_3000 => Behind(3_000, high)
        }
    end).

%% A process of one node sends two messages to one of a second, and then one by way of a third node; once
%% while the first connection is frozen, once while that from the third node to the second is.
%% Evidence: the order in which the three messages arrived, for each.
%% Cost: three peers, 1.5 s.
%% Misread: that the order was the usual one is no promise that it always is.
%% Source: https://www.erlang.org/doc/system/ref_man_processes.html#delivery-of-signals
-spec order_among_nodes(probe_lib:args()) -> probe_lib:evidence().
order_among_nodes(_) ->
    Spec = #{nodes => [a, b, c], relays => [{a, b}, {c, b}]},
    probe_cluster:with(Spec, fun(Cluster) ->
        [ok = probe_cluster:connect(Cluster, From, To) || {From, To} <- [{a, b}, {a, c}, {c, b}]],
        Forwarder = probe_cluster:call(Cluster, c, ?ORDER, forwarder, []),
        #{
            direct_way_frozen => arrived(Cluster, Forwarder, {a, b}),
            other_way_frozen => arrived(Cluster, Forwarder, {c, b})
        }
    end).

%% The connection passes again when all has arrived that can meanwhile.
arrived(Cluster, Forwarder, {From, To}) ->
    Relay = probe_cluster:relay(Cluster, From, To),
    Receiver = probe_cluster:call(Cluster, b, ?ORDER, receiver, []),
    Received = fun() -> probe_cluster:call(Cluster, b, ?ORDER, received, [Receiver]) end,
    ok = probe_relay:set(Relay, freeze),
    ok = probe_cluster:call(Cluster, a, ?ORDER, send_both_ways, [Receiver, Forwarder]),
    _ = probe_lib:until(fun() -> length(Received()) >= length(unfrozen(From)) end, 10_000),
    ok = probe_relay:set(Relay, pass),
    probe_lib:await(fun() -> length(Received()) =:= 3 end, 10_000),
    Received().

unfrozen(a) -> [forwarded];
unfrozen(c) -> [direct_1, direct_2].

%% On peers, has eight processes send to one as fast as it takes, with its queue on its heap and off it; then
%% has it made to take signals in parallel, where it can.
%% Evidence: for both whether the VM gave the receiver buffers to take signals in parallel while they sent
%%   and how many messages that took; what making it do so answered; and, with buffers, how many of
%%   50,000 messages of ten senders came out of order.
%% Cost: two peers, 5 s; 15 s more where no buffers come.
%% Misread: buffers come with contention, which takes two CPUs; they are told by the VM's allocators, which
%%   have to tag what they give.
%% Source: https://www.erlang.org/blog/parallel-signal-sending-optimization/
-spec parallel_signals(probe_lib:args()) -> probe_lib:evidence().
parallel_signals(_) ->
    maps:from_list([{Where, parallel_signals_to(Where)} || Where <- [on_heap, off_heap]]).

parallel_signals_to(Where) ->
    probe_peer:with(#{flags => ["+S", "4:4", "+Muatags", "true"]}, fun(Peer) ->
        Contended = probe_peer:call(Peer, ?SIGNALS, contended, [Where]),
        Contended#{made_parallel => probe_peer:call(Peer, ?SIGNALS, made_parallel, [Where])}
    end).
