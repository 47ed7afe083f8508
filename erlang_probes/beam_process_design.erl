%% Probes of beam-process-design: receives and mailboxes, signals, process flags, heap limits, the
%% process dictionary, and what a process costs.
-module(beam_process_design).

-export([
    receive_time/1,
    receive_attempts/1,
    receive_position/1,
    receive_drain/1,
    receive_blocked/1,
    reference_forms/1,
    receive_compiler_notes/1,
    recv_opt_info_crash/1,
    long_mailbox_callers/1,
    signals_and_messages/1,
    exit_overtakes_messages/1,
    process_info_after_send/1,
    message_queue_data/1,
    send_time_by_size/1,
    send_to_long_mailbox/1,
    message_copying/1,
    fan_out/1,
    remote_send/1,
    fan_out_turns/1,
    max_heap_exit/1,
    max_heap_forms/1,
    max_heap_counts/1,
    max_heap_and_memory/1,
    max_heap_moment/1,
    max_heap_threshold/1,
    max_heap_shared_binaries/1,
    max_heap_stack/1,
    dictionary_operations/1,
    dictionary_of_otp/1,
    dictionary_in_reports/1,
    dictionary_memory/1,
    flag_defaults/1,
    flag_inheritance/1,
    trap_exit_flag/1,
    priority_shares/1,
    process_birth/1,
    spawn_time/1,
    process_limit/1,
    links_and_monitors/1,
    entity_costs/1,
    entity_waiting/1,
    entity_crash/1
]).

-define(COPIES, beam_process_design_copies).
-define(COST, beam_process_design_cost).
-define(FLAGS, beam_process_design_flags).
-define(HEAP_LIMIT, beam_process_design_heap_limit).
-define(MAILBOX, beam_process_design_mailbox).
-define(NODES, beam_process_design_nodes).
-define(NOTES, beam_process_design_notes).
-define(RECEIVE, beam_process_design_receive).
-define(SERVER, beam_process_design_server).
-define(WAIT_MS, 5_000).

%% Receives one wanted message behind ever more unwanted ones, once by its tag and once by a
%% reference made in the same function.
%% Evidence: microseconds of each, the growth exponent of the first, and how long the second takes
%%   behind the most against the first behind the fewest.
%% Cost: 128,000 messages in one mailbox; some 10 ms.
%% Misread: the exponent may pass 1 a little where the mailbox outgrows the processor's caches.
%% Source: https://www.erlang.org/doc/system/eff_guide_processes.html
-spec receive_time(probe_lib:args()) -> probe_lib:evidence().
receive_time(_) ->
    Series = [receive_times(N) || N <- [2_000, 8_000, 32_000, 128_000]],
    #{
        series => Series,
        tag_exponent => probe_measure:growth_exponent([
            {N, Us}
         || #{waiting_count := N, tag_us := Us} <- Series
        ]),
        longest_reference_to_shortest_tag_ratio =>
            maps:get(reference_us, lists:last(Series)) / maps:get(tag_us, hd(Series))
    }.

receive_times(N) ->
    ?MAILBOX:in_filled(N, fun() ->
        #{
            waiting_count => N,
            tag_us => probe_measure:best_us(7, fun() ->
                self() ! wanted,
                receive
                    wanted -> ok
                after ?WAIT_MS -> error({setup, nothing_arrived})
                end
            end),
            reference_us => probe_measure:best_us(7, fun() ->
                Ref = make_ref(),
                self() ! Ref,
                receive
                    Ref -> ok
                after ?WAIT_MS -> error({setup, nothing_arrived})
                end
            end)
        }
    end).

%% Counts what a receive costs for the messages before the wanted one, in reductions; with one
%% pattern, and with two of which the second matches.
%% Evidence: the reductions for each number of unwanted messages, those for 366 with both receives,
%%   and the exponent.
%% Cost: a mailbox of 10,000.
%% Misread: reductions are the VM's own unit; that a skipped message costs exactly one is how the
%%   receive loop is made, not a promise.
%% Source: https://github.com/erlang/otp/blob/OTP-27.0/erts/emulator/beam/emu/msg_instrs.tab
-spec receive_attempts(probe_lib:args()) -> probe_lib:evidence().
receive_attempts(_) ->
    Counts = [0, 1, 10, 100, 366, 1_000, 10_000],
    Series = [
        #{junk_count => N, skipping_reductions => ?RECEIVE:skipped(any_message, N)}
     || N <- Counts
    ],
    [At366] = [S || #{junk_count := 366, skipping_reductions := S} <- Series],
    #{
        series => Series,
        at_366_reductions => At366,
        two_patterns_at_366_reductions => ?RECEIVE:skipped(two_patterns, 366),
        exponent => probe_measure:growth_exponent([
            {N, max(S, 0.5)}
         || #{junk_count := N, skipping_reductions := S} <- Series, N > 0
        ])
    }.

%% Places the wanted message at several positions of a mailbox of 10,000.
%% Evidence: the length of the mailboxes, how many messages the receive skips for each position, and
%%   by how many that is ever apart from the number of those in front.
%% Cost: five mailboxes of 10,000 messages.
%% Misread: as receive_attempts/1.
%% Source: https://www.erlang.org/doc/system/expressions.html#receive
-spec receive_position(probe_lib:args()) -> probe_lib:evidence().
receive_position(_) ->
    Total = 10_000,
    {_, Least} = at_position(1, 1),
    Series = [
        begin
            {Length, Cost} = at_position(Position, Total),
            #{position_count => Position, mailbox_count => Length, skipped_count => Cost - Least}
        end
     || Position <- [1, 10, 100, 1_000, 10_000]
    ],
    #{
        series => Series,
        skipped_at_front_count => maps:get(skipped_count, hd(Series)),
        skipped_at_end_count => maps:get(skipped_count, lists:last(Series)),
        apart_from_those_in_front_count => lists:max([
            abs(Skipped - (Position - 1))
         || #{position_count := Position, skipped_count := Skipped} <- Series
        ])
    }.

%% The length of a mailbox with the wanted message at Position, and the reductions of taking it.
at_position(Position, Total) ->
    ?MAILBOX:in_filled(Position - 1, fun() ->
        self() ! wanted,
        _ = [self() ! {unwanted, I} || I <- lists:seq(Position + 1, Total)],
        Length = ?MAILBOX:waiting(self()),
        Start = probe_measure:own_reductions(),
        receive
            wanted -> {Length, probe_measure:own_reductions() - Start}
        after ?WAIT_MS -> error({setup, nothing_arrived})
        end
    end).

%% Empties mailboxes of N numbered messages: selectively from the first to the last and from the last
%% to the first, and by taking whatever comes.
%% Evidence: reductions of each, those beyond the third of the first two for 800, and the exponent of
%%   the second's.
%% Cost: 320,000 skipped messages.
%% Misread: as receive_attempts/1.
%% Source: https://learnyousomeerlang.com/more-on-multiprocessing
-spec receive_drain(probe_lib:args()) -> probe_lib:evidence().
receive_drain(_) ->
    Drain = fun(How, Order) ->
        N = length(Order),
        probe_lib:in_process(
            fun() ->
                _ = [self() ! {item, I} || I <- lists:seq(1, N)],
                N = ?MAILBOX:waiting(self()),
                ?MAILBOX:drain_cost(How, Order)
            end,
            [{min_heap_size, 100_000}]
        )
    end,
    Series = [
        begin
            Any = Drain(as_they_come, lists:seq(1, N)),
            #{
                messages_count => N,
                forwards_skipped_count => Drain(selectively, lists:seq(1, N)) - Any,
                backwards_skipped_count => Drain(selectively, lists:seq(N, 1, -1)) - Any
            }
        end
     || N <- [50, 100, 200, 400, 800]
    ],
    #{
        series => Series,
        of_800 => maps:remove(messages_count, lists:last(Series)),
        backwards_exponent => probe_measure:series_exponent(
            messages_count, backwards_skipped_count, Series
        )
    }.

%% Lets a process wait in one receive while 20 batches of unwanted messages arrive one by one, and
%% another that is made to leave its receive and enter it again after each batch.
%% Evidence: messages waiting at the end, and reductions that each process used per message.
%% Cost: two times 20,000 messages.
%% Misread: each time it is woken costs a few reductions more, at worst once for each message.
%% Source: https://github.com/erlang/otp/blob/OTP-27.0/erts/emulator/beam/emu/msg_instrs.tab
-spec receive_blocked(probe_lib:args()) -> probe_lib:evidence().
receive_blocked(_) ->
    #{
        staying => blocked(fun ?MAILBOX:deaf/0, fun(_) -> ok end),
        entering_again => blocked(fun ?MAILBOX:reentering/0, fun(Pid) -> Pid ! again end)
    }.

blocked(Body, AfterBatch) ->
    {Batches, Batch} = {20, 1_000},
    Pid = spawn(Body),
    try
        Before = settled_reductions(Pid),
        lists:foreach(
            fun(_) ->
                _ = [Pid ! {unwanted, I} || I <- lists:seq(1, Batch)],
                _ = AfterBatch(Pid),
                settled_reductions(Pid)
            end,
            lists:seq(1, Batches)
        ),
        Used = settled_reductions(Pid) - Before,
        #{
            messages_count => ?MAILBOX:waiting(Pid),
            reductions_per_message_ratio => Used / (Batches * Batch)
        }
    after
        probe_lib:kill_and_wait(Pid)
    end.

%% The reductions of a process once it waits again.
settled_reductions(Pid) ->
    probe_lib:value_within(
        fun() ->
            case process_info(Pid, [status, reductions]) of
                [{status, waiting}, {reductions, Reductions}] -> {done, Reductions};
                Other -> Other
            end
        end,
        ?WAIT_MS
    ).

%% Receives by a value that was made after 1,000 unwanted messages had come: references made in
%% several ways, handed to the receive in several ways, with other things in the receive, and other
%% values.
%% Evidence: how many of the 1,000 each receive skips, by the way it got its value.
%% Cost: 42 mailboxes of 1,000 messages.
%% Misread: it is the compiler that decides; the same source compiled by another release, or
%%   interpreted in the shell, behaves otherwise.
%% Source: https://github.com/erlang/otp/blob/OTP-27.0/lib/compiler/src/beam_ssa_recv.erl
-spec reference_forms(probe_lib:args()) -> probe_lib:evidence().
reference_forms(_) ->
    maps:from_list([
        {Key, maps:from_list([{Form, ?RECEIVE:skipped(Form, 1_000)} || Form <- ?RECEIVE:forms(Group)])}
     || {Key, Group} <- [
            {created_skipped_count, created},
            {handed_over_skipped_count, handed_over},
            {clauses_skipped_count, clauses},
            {other_values_skipped_count, other_values}
        ]
    ]).

%% Compiles a module of seven receives with recv_opt_info, and without.
%% Evidence: for each function what the compiler notes at it (optimized, passed_on, not_optimized),
%%   the first text of each kind, and how many notes there are without the option.
%% Cost: two compilations in memory.
%% Misread: a note says what the compiler could prove, not that the receive is ever slow.
%% Source: https://www.erlang.org/doc/system/eff_guide_processes.html#receiving-messages
-spec receive_compiler_notes(probe_lib:args()) -> probe_lib:evidence().
receive_compiler_notes(_) ->
    Sources = ?NOTES:receive_source(),
    Notes = ?NOTES:compiler_notes(Sources, [recv_opt_info]),
    Kinds = [
        {Name, lists:usort([Kind || {At, Kind, _} <- Notes, At =:= Name])}
     || {Name, _} <- Sources
    ],
    #{
        notes => maps:from_list(Kinds),
        texts => maps:from_list([{Kind, Text} || {_, Kind, Text} <- lists:reverse(Notes)]),
        notes_without_option_count => length(?NOTES:compiler_notes(Sources, []))
    }.

%% Compiles a receive by a reference that a helper of the same module makes and returns, with
%% recv_opt_info and without; and one by a reference made in place, with it.
%% Evidence: for each whether the compiler made the module, and how much it noted, or where it failed.
%% Cost: three compilations in memory.
%% Misread: the module is correct; it is the option that the compiler does not survive.
%% Source: https://github.com/erlang/otp/blob/OTP-27.0/lib/compiler/src/beam_ssa_recv.erl
-spec recv_opt_info_crash(probe_lib:args()) -> probe_lib:evidence().
recv_opt_info_crash(_) ->
    Returned = [
        {by_helper, "by_helper(P) -> R = new(), P ! {self(), R}, receive {R, V} -> V end.\n"},
        {new, "new() -> R = make_ref(), put(made, R), R.\n"}
    ],
    InPlace = [{made_here, "made_here(P) -> R = make_ref(), P ! R, receive {R, V} -> V end.\n"}],
    #{
        by_helper => ?NOTES:compiles(Returned, [recv_opt_info]),
        by_helper_without_option => ?NOTES:compiles(Returned, []),
        in_place => ?NOTES:compiles(InPlace, [recv_opt_info])
    }.

%% Calls OTP's own functions from a process with 100,000 messages waiting.
%% Evidence: the fewest messages that waited for the process that had just made a call; and for each
%%   function how many times they were looked through: reductions that the caller uses beyond what it
%%   uses with an empty mailbox, as a ratio.
%% Cost: one mailbox of 100,000 messages; 0.1 s.
%% Misread: the callers' own work is in both figures; only whole multiples mean anything.
%% Source: https://github.com/erlang/otp/blob/OTP-27.0/lib/stdlib/src/gen.erl
-spec long_mailbox_callers(probe_lib:args()) -> probe_lib:evidence().
long_mailbox_callers(_) ->
    Filled = 100_000,
    Server = ?SERVER:start_server(),
    try
        [Long, Short] = [
            ?MAILBOX:in_filled(N, fun() ->
                [
                    {Name, ?SERVER:second_cost(Prepare, Call)}
                 || {Name, Prepare, Call} <- ?SERVER:calls(Server)
                ]
            end)
         || N <- [Filled, 0]
        ],
        Ratios = [
            {Name, (Cost - Least) / Filled}
         || {{Name, {Cost, _}}, {Name, {Least, _}}} <- lists:zip(Long, Short)
        ],
        #{
            waiting_count => lists:min([Waiting || {_, {_, Waiting}} <- Long]),
            scans_ratio => maps:from_list(Ratios)
        }
    after
        ?SERVER:stop_server(Server)
    end.

%% Sends a process that never receives messages and signals of other kinds; one that does not trap
%% exits, and one that does.
%% Evidence: what process_info shows of its message queue after five messages, 50 monitors, a link,
%%   50 exit signals with reason normal and 50 requests for information; how many of each had an
%%   effect; and how the process ends when it is sent another exit signal.
%% Cost: about 400 signals.
%% Misread: process_info/2 on another process is itself a signal to it, so it comes after those
%%   which the caller sent before.
%% Source: https://www.erlang.org/doc/system/ref_man_processes.html#signals
-spec signals_and_messages(probe_lib:args()) -> probe_lib:evidence().
signals_and_messages(_) ->
    #{plain => signalled(false), trapping => signalled(true)}.

signalled(Trap) ->
    Pid = probe_lib:subject([]),
    _ = probe_lib:ask(Pid, fun(_) -> {process_flag(trap_exit, Trap), none} end),
    try
        _ = [Pid ! {unwanted, I} || I <- lists:seq(1, 5)],
        Refs = [erlang:monitor(process, Pid) || _ <- lists:seq(1, 50)],
        true = link(Pid),
        _ = [exit(Pid, normal) || _ <- lists:seq(1, 50)],
        Answers = [process_info(Pid, total_heap_size) || _ <- lists:seq(1, 50)],
        Items = [message_queue_len, messages, monitored_by, links],
        [{_, Length}, {_, Messages}, {_, Monitors}, {_, Links}] = process_info(Pid, Items),
        true = unlink(Pid),
        {links, Unlinked} = process_info(Pid, links),
        _ = [erlang:demonitor(Ref, [flush]) || Ref <- Refs],
        {monitored_by, Demonitored} = process_info(Pid, monitored_by),
        Ended = erlang:monitor(process, Pid),
        true = exit(Pid, stopped),
        #{
            message_queue_count => Length,
            sent_as_messages_index => [I || {unwanted, I} <- Messages],
            answers_count => length([Words || {total_heap_size, Words} <- Answers]),
            monitors_count => length(Monitors),
            links_count => length(Links),
            links_after_unlink_count => length(Unlinked),
            monitors_after_demonitor_count => length(Demonitored),
            ends_by_signal => not Trap andalso probe_lib:gone(Ended, ?WAIT_MS) =:= stopped
        }
    after
        probe_lib:kill_and_wait(Pid)
    end.

%% Has a process stand at the first of 1,000 messages, sends it an exit signal, or the message
%% `stop', and then leave to go on.
%% Evidence: how many messages wait when signal or message is sent, how many it has handled when it
%%   ends, and its reason, in both cases.
%% Cost: two processes of 1,000 messages.
%% Misread: signals between two processes keep their order; it is the receiver that takes messages
%%   out of the queue when it likes, and the others at once.
%% Source: https://www.erlang.org/doc/system/ref_man_processes.html#signals
-spec exit_overtakes_messages(probe_lib:args()) -> probe_lib:evidence().
exit_overtakes_messages(_) ->
    #{
        exit_signal => overtaken(fun(Pid) -> exit(Pid, stopped) end),
        stop_message => overtaken(fun(Pid) -> Pid ! stop end)
    }.

overtaken(Stop) ->
    Handled = counters:new(1, []),
    {Pid, Ref} = spawn_monitor(fun() -> ?MAILBOX:handle_all(Handled) end),
    try
        _ = [Pid ! {job, I} || I <- lists:seq(1, 1_000)],
        probe_lib:await(fun() -> counters:get(Handled, 1) =:= 1 end, ?WAIT_MS),
        Waiting = ?MAILBOX:waiting(Pid),
        _ = Stop(Pid),
        Pid ! go,
        Reason = probe_lib:gone(Ref, ?WAIT_MS),
        #{
            waiting_count => Waiting,
            handled_count => counters:get(Handled, 1),
            exit_reason => Reason
        }
    after
        probe_lib:kill_and_wait(Pid)
    end.

%% Sends ten messages and asks at once for the length of the queue, of a process that waits, of one
%% that computes without receiving, and of one that is suspended; 200 times each.
%% Evidence: in what functions the process was, how often the asker has suspended it, how often it was
%%   asked, how often the answer was not exactly all that had been sent, and how many messages wait at
%%   the end.
%% Cost: 6,000 messages.
%% Misread: messages of other senders may still be on their way.
%% Source: https://www.erlang.org/doc/system/ref_man_processes.html#delivery-of-signals
-spec process_info_after_send(probe_lib:args()) -> probe_lib:evidence().
process_info_after_send(_) ->
    Bodies = [
        {waiting, fun ?MAILBOX:deaf/0, fun settled_reductions/1},
        {busy, fun ?MAILBOX:busy/0, fun runs_busy/1},
        {suspended, fun ?MAILBOX:deaf/0, fun erlang:suspend_process/1}
    ],
    maps:from_list([{Name, wrong_lengths(Body, Prepare)} || {Name, Body, Prepare} <- Bodies]).

%% How often the caller has suspended a process that is suspended.
suspensions(Pid) ->
    {suspending, Suspending} = process_info(self(), suspending),
    lists:sum([Active || {Suspended, Active, _} <- Suspending, Suspended =:= Pid]).

runs_busy(Pid) ->
    Busy = {current_function, {?MAILBOX, busy, 0}},
    probe_lib:await(fun() -> process_info(Pid, current_function) =:= Busy end, ?WAIT_MS).

wrong_lengths(Body, Prepare) ->
    Pid = spawn(Body),
    _ = Prepare(Pid),
    try
        Asked = [
            begin
                {current_function, {_, Function, _}} = process_info(Pid, current_function),
                _ = [Pid ! {unwanted, I} || I <- lists:seq(1, 10)],
                {Function, ?MAILBOX:waiting(Pid) - 10 * Round}
            end
         || Round <- lists:seq(1, 200)
        ],
        #{
            functions => lists:usort([Function || {Function, _} <- Asked]),
            suspensions_count => suspensions(Pid),
            asked_count => length(Asked),
            wrong_count => length([Apart || {_, Apart} <- Asked, Apart =/= 0]),
            messages_count => ?MAILBOX:waiting(Pid)
        }
    after
        probe_lib:kill_and_wait(Pid)
    end.

%% Leaves 50,000 messages of 12 words each in the queues of two processes that differ in the flag
%% message_queue_data, and collects both, and a third that has no message.
%% Evidence: for each the words of its messages, of its heap's block and of all its memory, and the
%%   time of a full collection seen from outside; and how long that takes with the messages on the heap
%%   against the other two.
%% Cost: two times 50,000 messages; 12 MB; 40 ms.
%% Misread: `memory' counts the messages in both cases; `total_heap_size' counts those that are to be
%%   moved onto the heap before they are.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#process_flag_message_queue_data
-spec message_queue_data(probe_lib:args()) -> probe_lib:evidence().
message_queue_data(_) ->
    Kinds = [{on_heap, on_heap, 50_000}, {off_heap, off_heap, 50_000}, {empty, off_heap, 0}],
    Pids = [with_messages(Where, Count) || {_, Where, Count} <- Kinds],
    try
        Times = probe_measure:best_in_turn_us(40, [
            fun() -> erlang:garbage_collect(Pid) end
         || Pid <- Pids
        ]),
        [OnUs, OffUs, EmptyUs] = Times,
        Figures = maps:from_list([
            {Name, (queue_figures(Pid))#{collection_us => Us}}
         || {{Name, _, _}, Pid, Us} <- lists:zip3(Kinds, Pids, Times)
        ]),
        Figures#{on_to_empty_ratio => OnUs / EmptyUs, on_to_off_ratio => OnUs / OffUs}
    after
        probe_lib:kill_all(Pids)
    end.

with_messages(Where, Count) ->
    Pid = ?MAILBOX:receiver(Where, fun ?MAILBOX:deaf/0),
    _ = [Pid ! {I, I, I, I, I, I, I, I, I, I, I} || I <- lists:seq(1, Count)],
    Pid.

queue_figures(Pid) ->
    [{_, Set}, {_, Messages}] = process_info(Pid, [message_queue_data, messages]),
    #{
        message_queue_data => Set,
        messages_words => lists:sum([erts_debug:flat_size(Message) || Message <- Messages]),
        heap_block_words => probe_measure:young_block_words(Pid),
        memory_words => probe_measure:memory_words(Pid)
    }.

%% Sends lists of growing length to processes with either setting of message_queue_data, and binaries
%% of 100 bytes and of 10 MB, which are kept outside the heaps.
%% Evidence: microseconds of a send by the message's words, their growth exponents; the same of the
%%   two binaries, and how much longer the larger takes.
%% Cost: 6 x 10 messages of up to 200,000 words; 30 ms.
%% Misread: the receiver's memory comes from an allocator that may have to ask the system for it.
%% Source: https://www.erlang.org/doc/system/eff_guide_processes.html#process-messages
-spec send_time_by_size(probe_lib:args()) -> probe_lib:evidence().
send_time_by_size(_) ->
    Series = [
        #{
            words_count => 2 * N,
            on_heap_us => send_us(on_heap, 1, ?COPIES:ints(N)),
            off_heap_us => send_us(off_heap, 1, ?COPIES:ints(N))
        }
     || N <- [1_000, 10_000, 100_000]
    ],
    [SmallUs, LargeUs] = [
        send_us(on_heap, 100, binary:copy(<<"x">>, Size)) || Size <- [100, 10_000_000]
    ],
    #{
        series => Series,
        on_heap_exponent => probe_measure:series_exponent(words_count, on_heap_us, Series),
        off_heap_exponent => probe_measure:series_exponent(words_count, off_heap_us, Series),
        small_binary_us => SmallUs,
        large_binary_us => LargeUs,
        large_to_small_binary_ratio => LargeUs / SmallUs
    }.

%% The least time of sending Message so many times, for one time.
send_us(Where, Times, Message) ->
    Pid = ?MAILBOX:receiver(Where, fun ?MAILBOX:discard/0),
    try
        Copies = lists:duplicate(Times, Pid),
        probe_measure:best_us(9, fun() -> ?MAILBOX:send_each(Copies, Message) end) / Times
    after
        probe_lib:kill_and_wait(Pid)
    end.

%% Sends 2,000 messages at a time to a process with ever more messages waiting.
%% Evidence: for each length of the mailbox the sender's reductions and best time, and how many
%%   messages were missing afterwards; the greatest length, the growth exponent of the time, and the
%%   reductions with the most waiting against those with the fewest.
%% Cost: 250,000 messages that nobody takes; 30 MB.
%% Misread: a sender is held up by an allocator or by a full distribution buffer, not by a mailbox.
%% Source: https://www.erlang.org/doc/system/ref_man_processes.html#delivery-of-signals
-spec send_to_long_mailbox(probe_lib:args()) -> probe_lib:evidence().
send_to_long_mailbox(_) ->
    Series = [sending(N) || N <- [100, 2_000, 20_000, 200_000]],
    Reductions = [R || #{reductions := R} <- Series],
    #{
        series => Series,
        most_waiting_count => maps:get(waiting_count, lists:last(Series)),
        reductions_ratio => lists:last(Reductions) / hd(Reductions),
        time_exponent => probe_measure:growth_exponent([
            {N, Us}
         || #{waiting_count := N, best_us := Us} <- Series
        ])
    }.

%% Eleven rounds (the first of them dropped) of 2,000 messages from a fresh sender.
sending(Filled) ->
    Pid = ?MAILBOX:receiver(off_heap, fun ?MAILBOX:deaf/0),
    try
        _ = [Pid ! {unwanted, I} || I <- lists:seq(1, Filled)],
        Waiting = ?MAILBOX:waiting(Pid),
        Figures = probe_lib:in_process(
            fun() ->
                Send = fun() -> ?MAILBOX:send_numbers(Pid, 2_000) end,
                BestUs = probe_measure:best_us(9, Send),
                Before = probe_measure:own_reductions(),
                Send(),
                #{best_us => BestUs, reductions => probe_measure:own_reductions() - Before}
            end,
            [{min_heap_size, 100_000}]
        ),
        Lost = Waiting + 2_000 * 11 - ?MAILBOX:waiting(Pid),
        Figures#{waiting_count => Waiting, lost_count => Lost}
    after
        probe_lib:kill_and_wait(Pid)
    end.

%% Sends terms to a process that keeps what it gets.
%% Evidence: words that each term has at the sender with its sharing, and that it takes on the
%%   receiver's heap after a collection: a list, a tower of pairs that share what is below, a
%%   constant of the module, a persistent term, and a binary of 1 MB; and of this whether both list
%%   the same one.
%% Cost: 170,000 words.
%% Misread: a VM configured with --enable-sharing-preserving keeps the sharing.
%% Source: https://www.erlang.org/doc/system/eff_guide_processes.html#loss-of-sharing
-spec message_copying(probe_lib:args()) -> probe_lib:evidence().
message_copying(_) ->
    persistent_term:put(?MODULE, ?COPIES:ints(1_000)),
    try
        Terms = [
            {list, ?COPIES:ints(1_000)},
            {shared_4_levels, ?COPIES:shared(4)},
            {shared_8_levels, ?COPIES:shared(8)},
            {shared_14_levels, ?COPIES:shared(14)},
            {constant, ?COPIES:constant()},
            {persistent_term, persistent_term:get(?MODULE)}
        ],
        Copied = [
            {Name, #{
                sender_words => erts_debug:size(Term),
                receiver_words => element(1, ?COPIES:received(Term))
            }}
         || {Name, Term} <- Terms
        ],
        (maps:from_list(Copied))#{large_binary => binary_received()}
    after
        persistent_term:erase(?MODULE)
    end.

binary_received() ->
    probe_lib:in_process(fun() ->
        Binary = binary:copy(<<"x">>, 1_000_000),
        Own = [Id || {Id, _} <- probe_measure:off_heap(self())],
        {Words, Ids} = ?COPIES:received(Binary),
        #{
            bytes => byte_size(Binary),
            receiver_words => Words,
            same_binary => [Id || Id <- Ids, lists:member(Id, Own)] =/= []
        }
    end).

%% Sends one small message to each of ever more processes, all local.
%% Evidence: microseconds and reductions for a recipient, the exponent of all reductions, and how
%%   many messages arrived with the recipient that got the fewest, of seven sent to each.
%% Cost: 10,500 processes; 40 MB; about 100 ms.
%% Misread: best of five; waking a recipient that sleeps on another scheduler costs more, and a
%%   sender that has used up its reductions waits for its next turn.
%% Source: https://discord.com/blog/how-discord-scaled-elixir-to-5-000-000-concurrent-users
-spec fan_out(probe_lib:args()) -> probe_lib:evidence().
fan_out(_) ->
    Series = [fan_out_to(N) || N <- [500, 2_000, 8_000]],
    #{
        series => Series,
        least_send_us => lists:min([Us || #{send_us := Us} <- Series]),
        reductions_exponent => probe_measure:growth_exponent([
            {N, N * Reductions}
         || #{recipients_count := N, send_reductions := Reductions} <- Series
        ])
    }.

fan_out_to(N) ->
    Pids = [spawn(fun ?MAILBOX:deaf/0) || _ <- lists:seq(1, N)],
    try
        Figures = probe_lib:in_process(fun() ->
            Send = fun() -> ?MAILBOX:send_each(Pids, {event, N}) end,
            BestUs = probe_measure:best_us(5, Send),
            Before = probe_measure:own_reductions(),
            Send(),
            Used = probe_measure:own_reductions() - Before,
            #{recipients_count => N, send_us => BestUs / N, send_reductions => Used / N}
        end),
        Figures#{least_arrived_count => ?MAILBOX:fewest_waiting(Pids)}
    after
        probe_lib:kill_all(Pids)
    end.

%% Sends from one peer to processes on another and to processes beside the sender.
%% Evidence: microseconds of the sender's time for one message to each, the least of 30 rounds of 100
%%   sends, their ratio; and how many of the messages to the other node arrived there.
%% Cost: two peers with a connection over the loopback; about 1.5 s.
%% Misread: what the receiving node does with the messages is not in the figure, nor is the time that
%%   a sender waits when the connection's buffer is full.
%% Source: https://discord.com/blog/how-discord-scaled-elixir-to-5-000-000-concurrent-users
-spec remote_send(probe_lib:args()) -> probe_lib:evidence().
remote_send(_) ->
    probe_cluster:with(#{nodes => [sender, receiver]}, fun(Cluster) ->
        ok = probe_cluster:connect(Cluster, sender, receiver),
        Remote = probe_cluster:call(Cluster, receiver, ?NODES, start_deaf, [100]),
        Local = probe_cluster:call(Cluster, sender, ?NODES, start_deaf, [100]),
        [RemoteUs, LocalUs] = probe_cluster:call(Cluster, sender, ?NODES, send_us, [[Remote, Local], 30]),
        Arrived = probe_cluster:call(Cluster, receiver, ?NODES, all_arrived, [Remote, 30]),
        #{
            remote_send_us => RemoteUs,
            local_send_us => LocalUs,
            remote_to_local_ratio => RemoteUs / LocalUs,
            arrived_count => Arrived
        }
    end).

%% Sends a message to each of ever more processes on a VM with one scheduler, where they can run
%% only when the sender has lost its turn.
%% Evidence: how many recipients had handled theirs when the sender was through, by their number; by
%%   bisection the fewest sends after which any had, the fewest calls of an empty function after which
%%   one that was sent a message had, and the ratio of the two; and the reductions that process_info
%%   shows for a send.
%% Cost: 8,000 processes at most; 25 MB.
%% Misread: with more schedulers recipients run beside the sender as well.
%% Source: https://discord.com/blog/how-discord-scaled-elixir-to-5-000-000-concurrent-users
-spec fan_out_turns(probe_lib:args()) -> probe_lib:evidence().
fan_out_turns(_) ->
    Series = [
        #{recipients_count => N, ran_before_end_count => ?MAILBOX:ran_before_end(sends, N)}
     || N <- [250, 500, 1_000, 2_000, 4_000, 8_000]
    ],
    Sends = ?MAILBOX:turn_ends_after(sends),
    Calls = ?MAILBOX:turn_ends_after(calls),
    #{
        schedulers_count => erlang:system_info(schedulers_online),
        series => Series,
        turn_ends_after_sends_count => Sends,
        turn_ends_after_calls_count => Calls,
        calls_per_send_ratio => Calls / Sends,
        shown_reductions_per_send_ratio => ?MAILBOX:shown_reductions(500) / 500,
        ran_of_8000_count => maps:get(ran_before_end_count, lists:last(Series))
    }.

%% Lets a process that traps exits and catches everything grow past its max_heap_size; and one that
%% is the same but raises instead.
%% Evidence: of the first whether it trapped exits, and what its monitor and a linked process are
%%   told, and the log event; what became of the second.
%% Cost: two processes of 20,000 words.
%% Misread: the reason is that of a kill; only the log tells a heap limit from a killer.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#process_flag_max_heap_size
-spec max_heap_exit(probe_lib:args()) -> probe_lib:evidence().
max_heap_exit(_) ->
    Grows = fun() -> ?COPIES:ints(200_000) end,
    {{Pid, Told}, Events} = probe_capture:with_log(fun() -> limited_end(Grows) end),
    {_, #{monitor_reason := Raised}} = limited_end(fun() -> error(system_limit) end),
    Told#{log => ?HEAP_LIMIT:summary(Pid, Events), raising_instead => Raised}.

%% A process with a limit of 10,000 words, that traps exits, does Fun within a catch: what a monitor
%% and a link tell about its end.
limited_end(Fun) ->
    probe_lib:in_process(fun() ->
        process_flag(trap_exit, true),
        {Pid, Ref} = spawn_opt(
            fun() ->
                process_flag(trap_exit, true),
                receive
                    go -> ?HEAP_LIMIT:grow_and_catch(Fun)
                end
            end,
            [monitor, link, {max_heap_size, 10_000}]
        ),
        probe_lib:await(fun() -> process_info(Pid, status) =:= {status, waiting} end, ?WAIT_MS),
        {trap_exit, Traps} = process_info(Pid, trap_exit),
        Pid ! go,
        MonitorReason = probe_lib:gone(Ref, ?WAIT_MS),
        receive
            {'EXIT', Pid, LinkReason} ->
                {Pid, #{
                    traps_exits => Traps,
                    monitor_reason => probe_capture:reason(MonitorReason),
                    link_reason => probe_capture:reason(LinkReason)
                }}
        after ?WAIT_MS -> error({setup, no_exit_signal})
        end
    end).

%% Grows processes past limits given in every form, and has one that is not killed collected five
%% times more.
%% Evidence: for each form how the process ended and how many log events it caused; how many more the
%%   five collections cause; and the largest limit that is refused, with what is raised, and the
%%   smallest that is taken.
%% Cost: seven processes of at most 400,000 words.
%% Misread: with `kill' false an event comes at each collection past the limit.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#process_flag_max_heap_size
-spec max_heap_forms(probe_lib:args()) -> probe_lib:evidence().
max_heap_forms(_) ->
    LogOnly = #{size => 10_000, kill => false, error_logger => true},
    Forms = [
        {integer, 10_000},
        {kill_and_log, #{size => 10_000, kill => true, error_logger => true}},
        {kill_only, #{size => 10_000, kill => true, error_logger => false}},
        {log_only, LogOnly},
        {neither, #{size => 10_000, kill => false, error_logger => false}},
        {zero, 0}
    ],
    Figures = maps:from_list([{Name, grown(Limit, 0)} || {Name, Limit} <- Forms]),
    #{log_only := #{logged_count := Before}} = Figures,
    #{logged_count := After} = grown(LogOnly, 5),
    Figures#{
        logged_by_five_collections_count => After - Before,
        smallest_limits => smallest_limits()
    }.

grown(Limit, Collections) ->
    {{Pid, Reason}, Events} = probe_capture:with_log(fun() ->
        Grow = fun() ->
            List = ?COPIES:ints(200_000),
            _ = [erlang:garbage_collect() || _ <- lists:seq(1, Collections)],
            length(List)
        end,
        {Pid, Ref} = spawn_opt(
            fun() -> ?HEAP_LIMIT:grow_and_catch(Grow) end, [monitor, {max_heap_size, Limit}]
        ),
        {Pid, probe_lib:gone(Ref, ?WAIT_MS)}
    end),
    #{logged_count := Logged} = ?HEAP_LIMIT:summary(Pid, Events),
    #{exit_reason => Reason, logged_count => Logged}.

smallest_limits() ->
    Set = fun(Words) ->
        probe_lib:in_process(fun() ->
            probe_lib:error_class(fun() -> process_flag(max_heap_size, Words) end)
        end)
    end,
    {Refused, Taken} = probe_measure:bisect(1, 100_000, fun(Words) ->
        maps:get(class, Set(Words)) =:= returned
    end),
    (Set(Refused))#{refused_words => Refused, taken_words => Taken}.

%% Gives processes 200,000 words and more of different kinds, a limit of 50,000 afterwards, and a
%% collection.
%% Evidence: for each kind of memory what the process had, its limit, and how it fared: `alive' or its
%%   exit reason.
%% Cost: up to 10 MB at a time.
%% Misread: what survives here is not free: it is only outside of what the limit adds up.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#process_flag_max_heap_size
-spec max_heap_counts(probe_lib:args()) -> probe_lib:evidence().
max_heap_counts(_) ->
    Limit = #{size => 50_000, kill => true, error_logger => false},
    maps:from_list([{Kind, ?HEAP_LIMIT:judged(Kind, Limit)} || Kind <- ?HEAP_LIMIT:kinds()]).

%% On peers whose allocators have 150 MB, lets a process with a limit of 50,000 words (0.4 MB) take
%% binaries of 10 MB: with the limit alone, and with include_shared_binaries.
%% Evidence: for each whether the peer lives, what it or the process ended of, and the start of the
%%   peer's slogan.
%% Cost: two peers, 150 MB each, one after the other; 1 s.
%% Misread: without the cap it is the system that runs out, and its OOM killer leaves no slogan.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#process_flag_max_heap_size
-spec max_heap_and_memory(probe_lib:args()) -> probe_lib:evidence().
max_heap_and_memory(_) ->
    Limit = #{size => 50_000, kill => true, error_logger => false},
    #{
        limit_alone => hoarded(Limit),
        with_shared_binaries => hoarded(Limit#{include_shared_binaries => true})
    }.

hoarded(Limit) ->
    Flags = ["+Musac", "false", "+MMsco", "true", "+MMscs", "150"],
    probe_peer:with(#{flags => Flags}, fun(Peer) ->
        try probe_peer:call(Peer, ?HEAP_LIMIT, hoard_binaries, [Limit]) of
            Reason -> #{vm_survives => true, process_ends => Reason, slogan => none}
        catch
            error:{peer_exited, #{exit_status := Status, slogan := Slogan}} ->
                #{
                    vm_survives => false,
                    exit_status_index => Status,
                    slogan => string:slice(Slogan, 0, 80)
                }
        end
    end).

%% Looks at processes that are far above their limit before and after a collection.
%% Evidence: the limit that each has, whether it lives, and for how long, and how many words it has,
%%   before it; and its end after it: one whose limit was set below what it had, one whose mailbox
%%   outgrew its limit.
%% Cost: two processes of about 6 MB.
%% Misread: a process that does nothing is not collected, so it may stay above its limit for ever.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#process_flag_max_heap_size
-spec max_heap_moment(probe_lib:args()) -> probe_lib:evidence().
max_heap_moment(_) ->
    Limit = #{size => 50_000, kill => true, error_logger => false},
    Set = fun(Pid) ->
        probe_lib:ask(Pid, fun(State) -> {process_flag(max_heap_size, Limit), State} end)
    end,
    Cases = [
        {limit_set_later, fun(Pid) ->
            _ = probe_lib:ask(Pid, fun(_) -> {ok, ?COPIES:ints(300_000)} end),
            Set(Pid)
        end},
        {mailbox_grows, fun(Pid) ->
            _ = Set(Pid),
            [Pid ! {I, I, I, I, I, I, I, I, I, I, I} || I <- lists:seq(1, 50_000)]
        end}
    ],
    maps:from_list([{Name, moment(Prepare)} || {Name, Prepare} <- Cases]).

moment(Prepare) ->
    Pid = probe_lib:subject([]),
    Ref = erlang:monitor(process, Pid),
    try
        _ = Prepare(Pid),
        {garbage_collection, Info} = process_info(Pid, garbage_collection),
        #{size := Limit} = proplists:get_value(max_heap_size, Info),
        Words = probe_measure:memory_words(Pid),
        #{settled := Ended, waited_ms := SilenceMs} =
            probe_lib:until(fun() -> not is_process_alive(Pid) end, 50),
        _ = erlang:garbage_collect(Pid),
        #{
            limit_words => Limit,
            lives_before => not Ended,
            silence_ms => SilenceMs,
            before_words => Words,
            after_collection => probe_lib:gone(Ref, ?WAIT_MS)
        }
    after
        probe_lib:kill_all([Pid])
    end.

%% Bisects the smallest max_heap_size under which a process can build a list, in three ways and for
%% 24 lengths; for one way also from a trace the largest sum of the heap blocks before and after a
%% collection, without a limit.
%% Evidence: the limits, the least and the largest ratio of limit to list; and the largest ratio of
%%   limit to that sum.
%% Cost: about 1,400 short processes, 2 s.
%% Misread: the ratio depends on how the heap came to its size: it moves with each length.
%% Source: https://www.erlang.org/doc/apps/erts/garbagecollection.html#sizing-the-heap
-spec max_heap_threshold(probe_lib:args()) -> probe_lib:evidence().
max_heap_threshold(_) ->
    Lengths = [round(1_000 * math:pow(200, K / 23)) || K <- lists:seq(0, 23)],
    Series = [
        begin
            Limit = ?HEAP_LIMIT:least_limit(Way, N),
            #{way => Way, list_words => 2 * N, limit_words => Limit, limit_ratio => Limit / (2 * N)}
        end
     || Way <- [library, accumulator, recursion], N <- Lengths
    ],
    Ratios = [Ratio || #{limit_ratio := Ratio} <- Series],
    BySum = [
        Limit / ?HEAP_LIMIT:largest_collection_words(recursion, Words div 2)
     || #{way := recursion, list_words := Words, limit_words := Limit} <- Series
    ],
    #{
        series => Series,
        least_ratio => lists:min(Ratios),
        most_ratio => lists:max(Ratios),
        most_to_both_blocks_ratio => lists:max(BySum)
    }.

%% Lets a process with a limit of 50,000 words (0.4 MB) hold 10 MB in binaries, with and without
%% include_shared_binaries, and with a key that no VM knows; and on a peer with +hmaxib true.
%% Evidence: whether the VM lists the option when asked for the flag; how the process fared without
%%   it, with it false and with it true, and on the peer, and what it had.
%% Cost: 10 MB, five times one after the other; one peer.
%% Misread: a VM without the option accepts it in silence.
%% Source: https://github.com/erlang/otp/pull/6345
-spec max_heap_shared_binaries(probe_lib:args()) -> probe_lib:evidence().
max_heap_shared_binaries(_) ->
    Limit = #{size => 50_000, kill => true, error_logger => false},
    Judged = fun(More) ->
        Given = maps:merge(Limit, More),
        Figures = maps:with(
            [fate, off_heap_bytes, limit_words], ?HEAP_LIMIT:judged(binaries, Given)
        ),
        Figures#{given_keys => lists:sort(maps:keys(Given))}
    end,
    #{
        option_listed => lists:member(include_shared_binaries, keys_listed(Limit)),
        without_option => Judged(#{}),
        with_false => Judged(#{include_shared_binaries => false}),
        with_true => Judged(#{include_shared_binaries => true}),
        with_unknown => Judged(#{beamproof_knows_no_such_key => true}),
        vm_flag => with_vm_flag(Limit)
    }.

keys_listed(Limit) ->
    probe_lib:in_process(fun() ->
        _ = process_flag(max_heap_size, Limit),
        maps:keys(process_flag(max_heap_size, 0))
    end).

with_vm_flag(Limit) ->
    probe_peer:with(#{flags => ["+hmaxib", "true"]}, fun(Peer) ->
        Figures = probe_peer:call(Peer, ?HEAP_LIMIT, judged, [binaries, Limit]),
        {ok, CommandLine} = probe_peer:call(Peer, file, read_file, ["/proc/self/cmdline"]),
        Given = binary:match(CommandLine, <<"hmaxib">>) =/= nomatch,
        (maps:with([fate, off_heap_bytes, limit_words], Figures))#{flag_given => Given}
    end).

%% Lets a process on a peer recurse, without building data, until its stack passes its limit.
%% Evidence: the words of stack and heap that the recursion takes without a limit; and with it whether
%%   the peer lives on, the number of the signal that ended it (0 when it lives), whether the process
%%   lives, and its exit reason.
%% Cost: one peer; about 0.5 s.
%% Misread: it is the just-in-time compiler's code that goes on after such a collection; an
%%   emulator without it may behave otherwise.
%% Source: https://github.com/erlang/otp/pull/6858
-spec max_heap_stack(probe_lib:args()) -> probe_lib:evidence().
max_heap_stack(_) ->
    probe_peer:with(#{}, fun(Peer) ->
        Unlimited = probe_peer:call(Peer, ?HEAP_LIMIT, deep_without_limit, [400_000]),
        Limited =
            try probe_peer:call(Peer, ?HEAP_LIMIT, deep_with_limit, [400_000, 100_000]) of
                Reason ->
                    #{
                        vm_survives => true,
                        vm_signal_index => 0,
                        process_lives => Reason =:= alive,
                        exit_reason => Reason
                    }
            catch
                error:{peer_exited, #{exit_status := Status}} ->
                    #{
                        vm_survives => false,
                        vm_signal_index => Status - 128,
                        process_lives => false,
                        exit_reason => none
                    }
            end,
        Limited#{unlimited => Unlimited}
    end).

%% Puts, gets and erases entries of its own dictionary, one of them in a try that fails.
%% Evidence: what each operation returned.
%% Cost: one process.
%% Misread: `undefined' for a missing key is also what a key that was put as `undefined' gives.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#put/2
-spec dictionary_operations(probe_lib:args()) -> probe_lib:evidence().
dictionary_operations(_) ->
    probe_lib:in_process(fun() ->
        Empty = length(get()),
        New = put(key, first),
        Replaced = put(key, second),
        _ = put(1, integer),
        Float = get(1.0),
        Survives =
            try
                _ = put(key, third),
                error(undone)
            catch
                error:undone -> get(key)
            end,
        #{
            entries_at_birth_count => Empty,
            put_new => New,
            put_again => Replaced,
            get_float_for_integer => Float,
            get_integer => get(1),
            get_after_exception => Survives,
            get_missing => get(missing),
            keys_of_third_count => length(get_keys(third)),
            erase => erase(key),
            erase_again => erase(key),
            erase_all_count => length(erase()),
            entries_left_count => length(get())
        }
    end).

%% Reads the dictionaries of a plain process and of processes that OTP starts or has served.
%% Evidence: the sorted keys of each.
%% Cost: seven short processes.
%% Misread: later releases may keep more there.
%% Source: https://github.com/erlang/otp/blob/OTP-27.0/lib/stdlib/src/proc_lib.erl
-spec dictionary_of_otp(probe_lib:args()) -> probe_lib:evidence().
dictionary_of_otp(_) ->
    Server = ?SERVER:start_server(),
    try
        Keys = fun(Run) -> probe_lib:in_process(fun() -> Run(), lists:sort(get_keys()) end) end,
        #{
            plain => Keys(fun() -> ok end),
            gen_server => ?SERVER:keys_of(Server),
            supervisor => ?SERVER:keys_of(whereis(kernel_sup)),
            proc_lib => ?SERVER:from_proc_lib(fun() -> lists:sort(get_keys()) end),
            logger => Keys(fun() -> logger:update_process_metadata(#{request => 1}) end),
            rand => Keys(fun() -> rand:uniform() end),
            label => Keys(fun ?SERVER:set_label/0),
            label_known => erlang:function_exported(proc_lib, set_label, 1)
        }
    after
        ?SERVER:stop_server(Server)
    end.

%% Crashes processes of proc_lib, a gen_server and a plain process that each have put something in
%% their dictionary.
%% Evidence: for each whether the entry stood there before, how many log events came and whether the
%%   entry's text stands in any; and for those of proc_lib the keys before and those that the crash
%%   report shows.
%% Cost: four crashes.
%% Misread: the report's words depend on the handler; the entry is in the event itself.
%% Source: https://www.erlang.org/doc/apps/sasl/error_logging.html#crash-report
-spec dictionary_in_reports(probe_lib:args()) -> probe_lib:evidence().
dictionary_in_reports(_) ->
    {Crashed, Events} = probe_capture:with_log(fun() ->
        Processes = ?SERVER:about_to_crash(),
        probe_lib:await(
            fun() ->
                lists:all(fun({_, Pid}) -> lists:member(secret, ?SERVER:keys_of(Pid)) end, Processes)
            end,
            ?WAIT_MS
        ),
        [{Name, ?SERVER:keys_of(Pid), ?SERVER:crashed(Pid)} || {Name, Pid} <- Processes]
    end),
    maps:from_list([{Name, reported(Keys, Pid, Events)} || {Name, Keys, Pid} <- Crashed]).

reported(Keys, Pid, Events) ->
    Own = [Event || #{meta := #{pid := Logged}} = Event <- Events, Logged =:= Pid],
    Figures = #{
        keys => Keys,
        logged_count => length(Own),
        shows_entry => ?SERVER:mentions(Own, <<"marker_in_dictionary">>)
    },
    case [crash || #{msg := {report, #{label := {proc_lib, crash}}}} <- Own] of
        [crash] -> Figures#{report_keys => ?SERVER:reported_keys(Own)};
        [] -> Figures
    end.

%% Keeps 40,000 words in the dictionary of a process, and reads them back 100 times, and 10 times
%% from an ETS table; has another process ask for the dictionary and keep the answer.
%% Evidence: words that the entry takes on the heap, also after collections, which are counted; words
%%   that the reads take beyond it while their results are kept, and that are left when it is erased;
%%   and words that the answer takes at the other process.
%% Cost: 4 MB.
%% Misread: words after full collections; what is no longer referred to is gone.
%% Source: https://github.com/erlang/otp/blob/OTP-27.0/erts/emulator/beam/erl_process_dict.c
-spec dictionary_memory(probe_lib:args()) -> probe_lib:evidence().
dictionary_memory(_) ->
    probe_lib:with_process([], fun(Pid) ->
        Used = fun(Fun) ->
            probe_lib:ask(Pid, Fun),
            probe_measure:live_words(Pid)
        end,
        Nothing = Used(fun(_) -> {ok, none} end),
        Put = Used(fun(_) -> {put(entry, ?COPIES:ints(20_000)), none} end),
        Collections = [true || _ <- lists:seq(1, 10), erlang:garbage_collect(Pid)],
        Kept = Used(fun(_) -> {ok, none} end),
        Got = Used(fun(_) -> {ok, [get(entry) || _ <- lists:seq(1, 100)]} end),
        Looked = Used(fun(_) -> {ok, ?COPIES:looked_up(get(entry), 10)} end),
        Observed = probe_lib:with_process([], fun(Observer) ->
            Before = probe_measure:live_words(Observer),
            probe_lib:ask(Observer, fun(_) -> {ok, process_info(Pid, dictionary)} end),
            probe_measure:live_words(Observer) - Before
        end),
        Erased = Used(fun(_) -> {length(erase(entry)), none} end),
        #{
            put_words => Put - Nothing,
            collections_count => length(Collections),
            after_collections_words => Kept - Nothing,
            hundred_gets_words => Got - Put,
            ten_ets_lookups_words => Looked - Put,
            observer_words => Observed,
            left_after_erase_words => Erased - Nothing
        }
    end).

%% Reads every process flag of a process just born, by setting it.
%% Evidence: the values.
%% Cost: one process.
%% Misread: flags of the VM (+hms, +hmax, +hmqd and others) change what a process is born with.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#process_flag/2
-spec flag_defaults(probe_lib:args()) -> probe_lib:evidence().
flag_defaults(_) ->
    maps:remove(group_leader, probe_lib:in_process(fun ?FLAGS:own_flags/0)).

%% Has a process with every flag changed spawn another.
%% Evidence: the parent's and the child's values, and the names of those that are equal.
%% Cost: three processes.
%% Misread: a value that parent and child share by their defaults is not in the list: all of the
%%   parent's are changed, but for kill and error_logger of its limit.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#spawn_opt/4
-spec flag_inheritance(probe_lib:args()) -> probe_lib:evidence().
flag_inheritance(_) ->
    Leader = spawn(fun ?MAILBOX:deaf/0),
    try
        {Parent, Child} = probe_lib:in_process(fun() ->
            ?FLAGS:change_all_flags(Leader),
            Self = self(),
            _ = spawn(fun() -> Self ! {flags, ?FLAGS:own_flags()} end),
            receive
                {flags, Flags} ->
                    {?FLAGS:own_flags(), Flags}
            after ?WAIT_MS -> error({setup, no_flags})
            end
        end),
        WithLeader = fun(#{group_leader := Own} = Flags) ->
            (maps:remove(group_leader, Flags))#{has_new_leader => Own =:= Leader}
        end,
        #{
            parent => WithLeader(Parent),
            child => WithLeader(Child),
            inherited => [
                Name
             || {Name, Value} <- lists:sort(maps:to_list(Parent)),
                maps:get(Name, Child) =:= Value,
                not lists:member(Name, [max_heap_kills, max_heap_logs])
            ]
        }
    after
        probe_lib:kill_and_wait(Leader)
    end.

%% Sends exit signals to processes that trap exits and to others.
%% Evidence: for each reason and kind the exit reason, `message' when it got one, or `ignored'.
%% Cost: six processes.
%% Misread: signals from another process; exiting by oneself obeys other rules.
%% Source: https://www.erlang.org/doc/system/ref_man_processes.html#receiving-exit-signals
-spec trap_exit_flag(probe_lib:args()) -> probe_lib:evidence().
trap_exit_flag(_) ->
    Outcomes = fun(Trap) ->
        maps:from_list([{Reason, ?FLAGS:outcome(Trap, Reason)} || Reason <- [normal, stop, kill]])
    end,
    #{trapping => Outcomes(true), not_trapping => Outcomes(false)}.

%% Lets two processes count without a pause for 150 ms, in several pairs of priorities; on a VM with
%% one scheduler.
%% Evidence: for each pair the two priorities, how often the first counts for each count of the second,
%%   and how long that was: one of normal priority beside one of each, and one of low beside one of
%%   normal.
%% Cost: 5 x 150 ms, during which `high' and `max' stop everything else in the VM.
%% Misread: with more schedulers the others take up what starves on this one.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#process_flag_priority
-spec priority_shares(probe_lib:args()) -> probe_lib:evidence().
priority_shares(_) ->
    #{
        schedulers_count => erlang:system_info(schedulers_online),
        normal_beside => maps:from_list([
            {Other, ?FLAGS:share(normal, Other)}
         || Other <- [low, normal, high, max]
        ]),
        low_beside_normal => ?FLAGS:share(low, normal)
    }.

%% Weighs processes that were just born and wait.
%% Evidence: words of heap and of all memory, and the function in which each waits, of a plain one, of
%%   one with a larger smallest heap, of a hibernating one and of a gen_server; and how many words the
%%   last has beyond the first.
%% Cost: four processes.
%% Misread: entries in the VM's process table and in the allocators' carriers come on top.
%% Source: https://www.erlang.org/doc/system/eff_guide_processes.html#creating-an-erlang-process
-spec process_birth(probe_lib:args()) -> probe_lib:evidence().
process_birth(_) ->
    Plain = spawn(fun ?MAILBOX:deaf/0),
    Larger = spawn_opt(fun ?MAILBOX:deaf/0, [{min_heap_size, 5_000}]),
    Asleep = spawn(fun() -> erlang:hibernate(?MAILBOX, deaf, []) end),
    Server = ?SERVER:start_server(),
    Pids = [Plain, Larger, Asleep, Server],
    try
        _ = [settled_reductions(Pid) || Pid <- Pids],
        Names = [plain, larger_heap, hibernating, gen_server],
        Weights = maps:from_list([{Name, ?COST:weight(Pid)} || {Name, Pid} <- lists:zip(Names, Pids)]),
        #{plain := #{memory_words := PlainWords}, gen_server := #{memory_words := ServerWords}} =
            Weights,
        Weights#{gen_server_beyond_plain_words => ServerWords - PlainWords}
    after
        probe_lib:kill_all(Pids)
    end.

%% Spawns 200 processes beside ever more that live already.
%% Evidence: microseconds for one and how many lived, by how many were there before; the most that
%%   lived, and the growth exponent.
%% Cost: 8,200 processes at most; 25 MB; about 0.2 s.
%% Misread: best of fifteen short rounds; the first pay for memory that the VM gets from the system.
%% Source: https://www.erlang.org/doc/system/eff_guide_processes.html
-spec spawn_time(probe_lib:args()) -> probe_lib:evidence().
spawn_time(_) ->
    Series = [?COST:spawn_figures(N, 200) || N <- [200, 1_600, 8_000]],
    #{
        series => Series,
        most_alive_count => maps:get(alive_count, lists:last(Series)),
        spawn_exponent => probe_measure:growth_exponent([
            {N, Us}
         || #{others_count := N, spawn_us := Us} <- Series
        ])
    }.

%% Reads the limit of processes, and, with `fill' true, spawns until it is met.
%% Evidence: the limit; how many more could be spawned and how many there were then; what spawn and
%%   spawn_request do at the limit; how many have ended then, and what spawn does after that.
%% Cost: as many processes as the VM may have: start it with a low limit (+P).
%% Misread: the VM rounds the limit up; processes of OTP count too.
%% Source: https://www.erlang.org/doc/system/system_limits.html
-spec process_limit(#{fill => boolean()}) -> probe_lib:evidence().
process_limit(#{fill := true}) ->
    {Outcome, Pids} = ?COST:spawn_to_limit([]),
    Count = erlang:system_info(process_count),
    Request = probe_lib:error_class(fun() ->
        Ref = erlang:spawn_request(fun() -> ok end),
        receive
            {spawn_reply, Ref, Result, Reason} -> {Result, Reason}
        after ?WAIT_MS -> {no_reply, none}
        end
    end),
    Killed = [killed || killed <- probe_lib:kill_all(Pids)],
    Again = probe_lib:error_class(fun() -> spawn(fun() -> ok end) end),
    #{reason := {RequestResult, RequestReason}} = Request,
    #{
        limit_count => erlang:system_info(process_limit),
        reached_count => Count,
        spawned_count => length(Pids),
        spawn_class => maps:get(class, Outcome),
        spawn_reason => maps:get(reason, Outcome),
        request_result => RequestResult,
        request_reason => RequestReason,
        ended_count => length(Killed),
        spawns_again => maps:get(class, Again)
    };
process_limit(_) ->
    #{
        limit_count => erlang:system_info(process_limit),
        reached_count => erlang:system_info(process_count)
    }.

%% Has one process link to, and another monitor, ever more others.
%% Evidence: how many links and monitors they have, words that each takes in the process that has it,
%%   its heap apart, how many more a monitor takes than a link; and how the whole grows.
%% Cost: 8,000 processes at a time; 25 MB.
%% Misread: the other side holds as much again.
%% Source: https://github.com/erlang/otp/blob/OTP-27.0/erts/emulator/beam/erl_monitor_link.h
-spec links_and_monitors(probe_lib:args()) -> probe_lib:evidence().
links_and_monitors(_) ->
    Series = [?COST:tie_figures(N) || N <- [500, 2_000, 8_000]],
    Last = lists:last(Series),
    Each = fun(Words, Count) -> maps:get(Words, Last) / max(1, maps:get(Count, Last)) end,
    Link = Each(links_words, links_count),
    Monitor = Each(monitors_words, monitors_count),
    #{
        series => Series,
        links_count => maps:get(links_count, Last),
        monitors_count => maps:get(monitors_count, Last),
        link_words => Link,
        monitor_words => Monitor,
        monitor_beyond_link_words => Monitor - Link,
        links_exponent => probe_measure:series_exponent(processes_count, links_words, Series),
        monitors_exponent => probe_measure:series_exponent(processes_count, monitors_words, Series)
    }.

%% Keeps 5,000 entities, each in a process of its own and all in one map, and updates 100 of them 31
%% times.
%% Evidence: words and microseconds for an entity in both ways, and the ratios; and how many updates
%%   the processes' entities have seen, and those of the map in one round.
%% Cost: 5,000 processes; 20 MB; about 60 ms.
%% Misread: the map is updated by its owner; from another process a call would come on top.
%% Source: https://www.erlang.org/doc/system/eff_guide_processes.html
-spec entity_costs(probe_lib:args()) -> probe_lib:evidence().
entity_costs(_) ->
    {Count, Updated} = {5_000, 100},
    Entities = [{Id, {entity, Id, 0}} || Id <- lists:seq(1, Count)],
    Keepers = [{Id, spawn(?COST, entity, [Entity])} || {Id, Entity} <- Entities],
    Pids = [Pid || {_, Pid} <- Keepers],
    try
        Map = maps:from_list(Entities),
        _ = [settled_reductions(Pid) || Pid <- Pids],
        Words = lists:sum([probe_measure:memory_words(Pid) || Pid <- Pids]),
        Some = lists:sublist(Keepers, Updated),
        Time = fun(Update) ->
            probe_lib:in_process(fun() -> probe_measure:best_us(30, Update) end)
        end,
        ProcessUs = Time(fun() -> ?COST:update_processes(Some) end),
        MapUs = Time(fun() -> ?COST:update_map(Updated, Map) end),
        #{
            entity_words => erts_debug:flat_size({entity, 1, 0}),
            process_words => Words / Count,
            map_words => erts_debug:flat_size(Map) / Count,
            words_ratio => Words / erts_debug:flat_size(Map),
            process_us => ProcessUs / Updated,
            map_us => MapUs / Updated,
            time_ratio => ProcessUs / MapUs,
            process_updates_count => ?COST:updates([?COST:show(Id, Pid) || {Id, Pid} <- Keepers]),
            map_updates_count => ?COST:updates(maps:values(?COST:update_map(Updated, Map)))
        }
    after
        probe_lib:kill_all(Pids)
    end.

%% Asks 20 entities for something that each waits 20 ms for: entities that are processes, and
%% entities that one server keeps; five times and once.
%% Evidence: milliseconds until all have answered, the least of the five and the one, how many
%%   answers there were, and the ratio.
%% Cost: 0.5 s, asleep.
%% Misread: waiting is what overlaps; work that computes overlaps only over schedulers.
%% Source: https://ferd.ca/the-zen-of-erlang.html
-spec entity_waiting(probe_lib:args()) -> probe_lib:evidence().
entity_waiting(_) ->
    Start = fun() -> spawn(?COST, slow, [20]) end,
    Spread = [?COST:answers_ms([Start() || _ <- lists:seq(1, 20)]) || _ <- lists:seq(1, 5)],
    {Together, Answers} = ?COST:answers_ms(lists:duplicate(20, Start())),
    Least = lists:min([Ms || {Ms, _} <- Spread]),
    #{
        processes_ms => Least,
        one_server_ms => Together,
        answers_count => lists:min([Answers | [Count || {_, Count} <- Spread]]),
        time_ratio => Together / Least
    }.

%% Crashes the update of one entity of 100: each in a process of its own, all in one server's map, and
%% all in the map of a server that catches the crash and drops that entity.
%% Evidence: how many entities show their state afterwards, of those that showed it before.
%% Cost: 102 processes.
%% Misread: a server that catches keeps the others, and whatever the failed update left behind.
%% Source: https://ferd.ca/the-zen-of-erlang.html
-spec entity_crash(probe_lib:args()) -> probe_lib:evidence().
entity_crash(_) ->
    #{
        processes_left_count => ?COST:left_after_crash(each),
        in_server_left_count => ?COST:left_after_crash(map),
        in_catching_server_left_count => ?COST:left_after_crash(catching)
    }.
