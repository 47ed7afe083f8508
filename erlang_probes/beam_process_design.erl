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
    long_mailbox_callers/1,
    signals_and_messages/1,
    exit_overtakes_messages/1,
    process_info_after_send/1,
    message_queue_data/1,
    send_time_by_size/1,
    send_to_long_mailbox/1,
    message_copying/1,
    fan_out/1,
    fan_out_turns/1,
    max_heap_exit/1,
    max_heap_forms/1,
    max_heap_counts/1,
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
-define(NOTES, beam_process_design_notes).
-define(RECEIVE, beam_process_design_receive).
-define(SERVER, beam_process_design_server).
-define(WAIT_MS, 5_000).

%% Receives one wanted message behind ever more unwanted ones, once by its tag and once by a
%% reference made in the same function.
%% Evidence: microseconds of each, the growth exponent of the first, and how often as long the
%%   second takes behind the most as behind the fewest.
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
        reference_ratio => ends_ratio([Us || #{reference_us := Us} <- Series]),
        tag_ratio => ends_ratio([Us || #{tag_us := Us} <- Series])
    }.

receive_times(N) ->
    ?MAILBOX:in_filled(N, fun() ->
        #{
            waiting_count => N,
            tag_us => probe_measure:best_us(7, fun() ->
                self() ! wanted,
                receive
                    wanted -> ok
                end
            end),
            reference_us => probe_measure:best_us(7, fun() ->
                Ref = make_ref(),
                self() ! Ref,
                receive
                    Ref -> ok
                end
            end)
        }
    end).

ends_ratio(Values) ->
    lists:last(Values) / hd(Values).

%% Counts how many messages a receive skips before the wanted one, by the reductions it costs.
%% Evidence: the count for each number of unwanted messages, that for 366, and the exponent.
%% Cost: a mailbox of 10,000.
%% Misread: reductions are the VM's own unit; that a skipped message costs exactly one is how the
%%   receive loop is made, not a promise.
%% Source: https://github.com/erlang/otp/blob/OTP-27.0/erts/emulator/beam/emu/msg_instrs.tab
-spec receive_attempts(probe_lib:args()) -> probe_lib:evidence().
receive_attempts(_) ->
    Counts = [0, 1, 10, 100, 366, 1_000, 10_000],
    Series = [#{junk_count => N, skipped_count => ?RECEIVE:skipped(any_message, N)} || N <- Counts],
    [At366] = [S || #{junk_count := 366, skipped_count := S} <- Series],
    #{
        series => Series,
        skipped_at_366_count => At366,
        skipped_exponent => probe_measure:growth_exponent([
            {N, max(S, 0.5)}
         || #{junk_count := N, skipped_count := S} <- Series, N > 0
        ])
    }.

%% Places the wanted message at several positions of a mailbox of 10,000.
%% Evidence: how many messages the receive skips for each position, and the most that it skips
%%   beyond those that stand in front.
%% Cost: five mailboxes of 10,000 messages.
%% Misread: as receive_attempts/1.
%% Source: https://www.erlang.org/doc/system/expressions.html#receive
-spec receive_position(probe_lib:args()) -> probe_lib:evidence().
receive_position(_) ->
    Total = 10_000,
    Cost = fun(Before, Behind) ->
        ?MAILBOX:in_filled(Before, fun() ->
            self() ! wanted,
            Length = Before + 1 + Behind,
            _ = [self() ! {unwanted, I} || I <- lists:seq(1, Behind)],
            Length = ?MAILBOX:waiting(self()),
            Start = probe_measure:own_reductions(),
            receive
                wanted -> probe_measure:own_reductions() - Start
            end
        end)
    end,
    Least = Cost(0, 0),
    Series = [
        #{position_count => P, skipped_count => Cost(P - 1, Total - P) - Least}
     || P <- [1, 10, 100, 1_000, 10_000]
    ],
    #{
        mailbox_count => Total,
        series => Series,
        skipped_at_front_count => maps:get(skipped_count, hd(Series)),
        skipped_at_end_count => maps:get(skipped_count, lists:last(Series)),
        beyond_those_in_front_count => lists:max([
            S - P + 1
         || #{position_count := P, skipped_count := S} <- Series
        ])
    }.

%% Empties mailboxes of N numbered messages selectively, first to last and last to first.
%% Evidence: messages skipped in all, both ways, and the exponent of the second.
%% Cost: 320,000 skipped messages.
%% Misread: as receive_attempts/1.
%% Source: https://learnyousomeerlang.com/more-on-multiprocessing
-spec receive_drain(probe_lib:args()) -> probe_lib:evidence().
receive_drain(_) ->
    Drain = fun(N, Order) ->
        probe_lib:in_process(fun() ->
            _ = [self() ! {item, I} || I <- lists:seq(1, N)],
            N = ?MAILBOX:waiting(self()),
            ?MAILBOX:drain_cost(Order)
        end)
    end,
    Series = [
        #{
            messages_count => N,
            forwards_reductions => Drain(N, lists:seq(1, N)),
            backwards_reductions => Drain(N, lists:seq(N, 1, -1))
        }
     || N <- [50, 100, 200, 400, 800]
    ],
    Skipped = [
        {N, B - F}
     || #{messages_count := N, forwards_reductions := F, backwards_reductions := B} <- Series
    ],
    {800, Most} = lists:last(Skipped),
    #{
        series => Series,
        skipped_of_800_count => Most,
        skipped_exponent => probe_measure:growth_exponent(Skipped)
    }.

%% Lets a process wait in one receive while 20 batches of unwanted messages arrive one by one.
%% Evidence: reductions that the waiting process used, per message that arrived.
%% Cost: 20,000 messages.
%% Misread: each time it is woken costs a few reductions more; looking through the mailbox again
%%   at each batch would cost ten times as many.
%% Source: https://github.com/erlang/otp/blob/OTP-27.0/erts/emulator/beam/emu/msg_instrs.tab
-spec receive_blocked(probe_lib:args()) -> probe_lib:evidence().
receive_blocked(_) ->
    Batches = 20,
    Batch = 1_000,
    Pid = spawn(fun ?MAILBOX:deaf/0),
    try
        Before = settled_reductions(Pid),
        _ = [
            begin
                _ = [Pid ! {unwanted, I} || I <- lists:seq(1, Batch)],
                settled_reductions(Pid)
            end
         || _ <- lists:seq(1, Batches)
        ],
        Used = settled_reductions(Pid) - Before,
        #{
            messages_count => ?MAILBOX:waiting(Pid),
            batches_count => Batches,
            reductions_per_message_ratio => Used / (Batches * Batch)
        }
    after
        probe_lib:kill_and_wait(Pid)
    end.

%% The reductions of a process once it waits again.
settled_reductions(Pid) ->
    #{last := Reductions} = probe_lib:settle(
        fun() ->
            case process_info(Pid, [status, reductions]) of
                [{status, waiting}, {reductions, R}] -> {done, R};
                Other -> Other
            end
        end,
        ?WAIT_MS
    ),
    Reductions.

%% Receives by a value that was made after 1,000 unwanted messages had come: references made in
%% several ways, handed to the receive in several ways, and other unique values.
%% Evidence: how many of the 1,000 each receive skips, by the way it got its value.
%% Cost: 32 mailboxes of 1,000 messages.
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

%% Calls OTP's own functions from a process with 100,000 messages waiting.
%% Evidence: for each function how many times the 100,000 were looked through: reductions that the
%%   caller uses beyond what it uses with an empty mailbox, as a ratio.
%% Cost: one mailbox of 100,000 messages; 0.1 s.
%% Misread: the callers' own work is in both figures; only whole multiples mean anything.
%% Source: https://github.com/erlang/otp/blob/OTP-27.0/lib/stdlib/src/gen.erl
-spec long_mailbox_callers(probe_lib:args()) -> probe_lib:evidence().
long_mailbox_callers(_) ->
    Waiting = 100_000,
    Server = ?SERVER:start_server(),
    try
        Calls = ?SERVER:calls(Server),
        [Long, Short] = [
            ?MAILBOX:in_filled(N, fun() ->
                [{Name, ?SERVER:second_cost(Call)} || {Name, Call} <- Calls]
            end)
         || N <- [Waiting, 0]
        ],
        Ratios = [
            {Name, (Cost - Least) / Waiting}
         || {{Name, Cost}, {Name, Least}} <- lists:zip(Long, Short)
        ],
        #{waiting_count => Waiting, scans_ratio => maps:from_list(Ratios)}
    after
        ?SERVER:stop_server(Server)
    end.

%% Sends a process that waits for something else messages and signals of other kinds.
%% Evidence: what process_info shows of its message queue after five messages, 50 monitors, a
%%   link made and undone, 50 ignored exit signals and 50 requests for information; and that those
%%   signals have had their effect although it never received.
%% Cost: about 200 signals.
%% Misread: process_info/2 on another process is itself a signal to it, so it comes after those
%%   which the caller sent before.
%% Source: https://www.erlang.org/doc/system/ref_man_processes.html#signals
-spec signals_and_messages(probe_lib:args()) -> probe_lib:evidence().
signals_and_messages(_) ->
    Pid = spawn(fun ?MAILBOX:deaf/0),
    try
        _ = [Pid ! {unwanted, I} || I <- lists:seq(1, 5)],
        Refs = [erlang:monitor(process, Pid) || _ <- lists:seq(1, 50)],
        true = link(Pid),
        _ = [exit(Pid, normal) || _ <- lists:seq(1, 50)],
        _ = [process_info(Pid, total_heap_size) || _ <- lists:seq(1, 50)],
        Items = [message_queue_len, messages, monitored_by, links],
        [{_, Length}, {_, Messages}, {_, Monitors}, {_, Links}] = process_info(Pid, Items),
        true = unlink(Pid),
        {links, Unlinked} = process_info(Pid, links),
        _ = [erlang:demonitor(Ref, [flush]) || Ref <- Refs],
        {monitored_by, Demonitored} = process_info(Pid, monitored_by),
        #{
            messages_sent_count => 5,
            message_queue_count => Length,
            messages_shown_count => length(Messages),
            monitors_in_effect_count => length(Monitors),
            links_in_effect_count => length(Links),
            links_after_unlink_count => length(Unlinked),
            monitors_after_demonitor_count => length(Demonitored)
        }
    after
        probe_lib:kill_and_wait(Pid)
    end.

%% Has a process stand at the first of 1,000 messages, and then sends it an exit signal, or the
%% message `stop' and leave to go on.
%% Evidence: how many messages it has handled when it ends, and its reason, in both cases.
%% Cost: two processes of 1,000 messages.
%% Misread: signals between two processes keep their order; it is the receiver that takes messages
%%   out of the queue when it likes, and the others at once.
%% Source: https://www.erlang.org/doc/system/ref_man_processes.html#signals
-spec exit_overtakes_messages(probe_lib:args()) -> probe_lib:evidence().
exit_overtakes_messages(_) ->
    #{
        messages_count => 1_000,
        exit_signal => overtaken(fun(Pid) -> exit(Pid, stopped) end),
        stop_message => overtaken(fun(Pid) ->
            Pid ! stop,
            Pid ! go
        end)
    }.

overtaken(Stop) ->
    Handled = counters:new(1, []),
    {Pid, Ref} = spawn_monitor(fun() -> ?MAILBOX:handle_all(Handled) end),
    _ = [Pid ! {job, I} || I <- lists:seq(1, 1_000)],
    #{settled := true} = probe_lib:settle(
        fun() -> counters:get(Handled, 1) =:= 1 andalso {done, one} end, ?WAIT_MS
    ),
    _ = Stop(Pid),
    Reason = probe_lib:gone(Ref, ?WAIT_MS),
    #{handled_count => counters:get(Handled, 1), exit_reason => Reason}.

%% Sends ten messages and asks at once for the length of the queue, of a process that waits, of one
%% that computes without receiving, and of one that is suspended; 200 times each.
%% Evidence: how often the answer was not exactly all that had been sent.
%% Cost: 6,000 messages.
%% Misread: messages of other senders may still be on their way.
%% Source: https://www.erlang.org/doc/system/ref_man_processes.html#delivery-of-signals
-spec process_info_after_send(probe_lib:args()) -> probe_lib:evidence().
process_info_after_send(_) ->
    Bodies = [
        {waiting, fun ?MAILBOX:deaf/0, fun(_) -> ok end},
        {busy, fun ?MAILBOX:busy/0, fun(_) -> ok end},
        {suspended, fun ?MAILBOX:deaf/0, fun erlang:suspend_process/1}
    ],
    maps:from_list([{Name, wrong_lengths(Body, Prepare)} || {Name, Body, Prepare} <- Bodies]).

wrong_lengths(Body, Prepare) ->
    Pid = spawn(Body),
    _ = Prepare(Pid),
    try
        Lengths = [
            begin
                _ = [Pid ! {unwanted, I} || I <- lists:seq(1, 10)],
                ?MAILBOX:waiting(Pid) - 10 * Round
            end
         || Round <- lists:seq(1, 200)
        ],
        #{asked_count => 200, wrong_count => length([L || L <- Lengths, L =/= 0])}
    after
        probe_lib:kill_and_wait(Pid)
    end.

%% Leaves 50,000 messages of 12 words each in the queues of two processes that differ in the flag
%% message_queue_data, and collects both.
%% Evidence: for each setting the heap, all memory and the time of a full collection seen from
%%   outside; and the ratios.
%% Cost: two times 50,000 messages; 12 MB.
%% Misread: `memory' counts the messages in both cases; only the heaps differ.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#process_flag_message_queue_data
-spec message_queue_data(probe_lib:args()) -> probe_lib:evidence().
message_queue_data(_) ->
    On = queue_figures(on_heap),
    Off = queue_figures(off_heap),
    Ratio = fun(Key) -> maps:get(Key, On) / max(1, maps:get(Key, Off)) end,
    #{
        messages_words => 50_000 * 12,
        on_heap => On,
        off_heap => Off,
        heap_ratio => Ratio(total_heap_words),
        memory_ratio => Ratio(memory_bytes),
        collection_ratio => Ratio(collection_us)
    }.

queue_figures(Where) ->
    Pid = spawn_opt(fun ?MAILBOX:deaf/0, [{message_queue_data, Where}]),
    try
        _ = [Pid ! {I, I, I, I, I, I, I, I, I, I, I} || I <- lists:seq(1, 50_000)],
        CollectionUs = probe_measure:best_us(5, fun() -> erlang:garbage_collect(Pid) end),
        Items = [message_queue_data, message_queue_len, total_heap_size, memory],
        [{_, Where}, {_, Length}, {_, Heap}, {_, Memory}] = process_info(Pid, Items),
        #{
            messages_count => Length,
            total_heap_words => Heap,
            memory_bytes => Memory,
            collection_us => CollectionUs
        }
    after
        probe_lib:kill_and_wait(Pid)
    end.

%% Sends lists of growing length to processes with either setting of message_queue_data, and a
%% binary that is kept outside the heaps.
%% Evidence: microseconds of a send by the message's words, their growth exponents, and the time of
%%   sending 10 MB as a binary against the longest list.
%% Cost: 6 x 30 messages of up to 200,000 words; 30 ms.
%% Misread: the receiver's memory comes from an allocator that may have to ask the system for it.
%% Source: https://www.erlang.org/doc/system/eff_guide_processes.html#process-messages
-spec send_time_by_size(probe_lib:args()) -> probe_lib:evidence().
send_time_by_size(_) ->
    Series = [
        #{
            words_count => 2 * N,
            on_heap_us => send_us(on_heap, ?COPIES:ints(N)),
            off_heap_us => send_us(off_heap, ?COPIES:ints(N))
        }
     || N <- [1_000, 10_000, 100_000]
    ],
    BinaryUs = send_us(on_heap, binary:copy(<<"x">>, 10_000_000)),
    Exponent = fun(Key) ->
        probe_measure:growth_exponent([{maps:get(words_count, S), maps:get(Key, S)} || S <- Series])
    end,
    #{
        series => Series,
        on_heap_exponent => Exponent(on_heap_us),
        off_heap_exponent => Exponent(off_heap_us),
        binary_us => BinaryUs,
        list_to_binary_ratio => maps:get(on_heap_us, lists:last(Series)) / max(0.05, BinaryUs)
    }.

send_us(Where, Message) ->
    Pid = spawn_opt(fun ?MAILBOX:discard/0, [{message_queue_data, Where}]),
    try
        probe_measure:best_us(9, fun() -> Pid ! Message end)
    after
        probe_lib:kill_and_wait(Pid)
    end.

%% Sends 2,000 messages to a process with an empty mailbox and to one with 200,000 waiting.
%% Evidence: the sender's reductions and best time for each, and their ratio.
%% Cost: 220,000 messages that nobody takes; 30 MB.
%% Misread: a sender is held up by an allocator or by a full distribution buffer, not by a mailbox.
%% Source: https://www.erlang.org/doc/system/ref_man_processes.html#delivery-of-signals
-spec send_to_long_mailbox(probe_lib:args()) -> probe_lib:evidence().
send_to_long_mailbox(_) ->
    Pid = spawn_opt(fun ?MAILBOX:deaf/0, [{message_queue_data, off_heap}]),
    try
        Short = sending(Pid),
        ShortLength = ?MAILBOX:waiting(Pid),
        _ = [Pid ! {unwanted, I} || I <- lists:seq(1, 200_000)],
        Length = ?MAILBOX:waiting(Pid),
        Long = sending(Pid),
        #{
            short_mailbox_count => ShortLength,
            long_mailbox_count => Length,
            short => Short,
            long => Long,
            reductions_ratio => maps:get(reductions, Long) / maps:get(reductions, Short),
            time_ratio => maps:get(best_us, Long) / maps:get(best_us, Short),
            blocked_count => 2_000 * 8 - (?MAILBOX:waiting(Pid) - Length)
        }
    after
        probe_lib:kill_and_wait(Pid)
    end.

%% Eight rounds (the first of them dropped) of 2,000 messages from a fresh sender.
sending(Pid) ->
    probe_lib:in_process(
        fun() ->
            Send = fun() -> ?MAILBOX:send_numbers(Pid, 2_000) end,
            BestUs = probe_measure:best_us(6, Send),
            Before = probe_measure:own_reductions(),
            Send(),
            #{best_us => BestUs, reductions => probe_measure:own_reductions() - Before}
        end,
        [{min_heap_size, 100_000}]
    ).

%% Sends terms to a process that keeps what it gets.
%% Evidence: words that each term has at the sender with its sharing, and that it takes on the
%%   receiver's heap after a collection: a list, a tower of pairs that share what is below, a
%%   constant of the module, and a binary of 1 MB.
%% Cost: 130,000 words.
%% Misread: a VM configured with --enable-sharing-preserving keeps the sharing.
%% Source: https://www.erlang.org/doc/system/eff_guide_processes.html#loss-of-sharing
-spec message_copying(probe_lib:args()) -> probe_lib:evidence().
message_copying(_) ->
    Terms = [
        {list, ?COPIES:ints(1_000)},
        {shared_4_levels, ?COPIES:shared(4)},
        {shared_8_levels, ?COPIES:shared(8)},
        {shared_14_levels, ?COPIES:shared(14)},
        {constant, ?COPIES:constant()},
        {large_binary, binary:copy(<<"x">>, 1_000_000)}
    ],
    maps:from_list([
        {Name, #{
            sender_words => erts_debug:size(Term),
            receiver_words => ?COPIES:kept_words(Term)
        }}
     || {Name, Term} <- Terms
    ]).

%% Sends one small message to each of ever more processes, all local.
%% Evidence: microseconds and reductions for a recipient, and the exponent of all reductions.
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
        probe_lib:in_process(fun() ->
            Send = fun() -> ?MAILBOX:send_each(Pids, {event, N}) end,
            BestUs = probe_measure:best_us(5, Send),
            Before = probe_measure:own_reductions(),
            Send(),
            Used = probe_measure:own_reductions() - Before,
            #{recipients_count => N, send_us => BestUs / N, send_reductions => Used / N}
        end)
    after
        probe_lib:kill_all(Pids)
    end.

%% Sends a message to each of ever more processes on a VM with one scheduler, where they can run
%% only when the sender has lost its turn.
%% Evidence: how many recipients had handled theirs when the sender was through, by their number; by
%%   bisection the fewest at which any had; and what a turn's 4,000 reductions are over that number.
%% Cost: 8,000 processes at most; 25 MB.
%% Misread: with more schedulers recipients run beside the sender as well.
%% Source: https://discord.com/blog/how-discord-scaled-elixir-to-5-000-000-concurrent-users
-spec fan_out_turns(probe_lib:args()) -> probe_lib:evidence().
fan_out_turns(_) ->
    Series = [
        #{recipients_count => N, ran_before_end_count => ?MAILBOX:ran_before_end(N)}
     || N <- [250, 500, 1_000, 2_000, 4_000, 8_000]
    ],
    {_, Interrupted} = probe_measure:bisect(1, 4_000, fun(N) -> ?MAILBOX:ran_before_end(N) > 0 end),
    #{
        schedulers_count => erlang:system_info(schedulers_online),
        series => Series,
        interrupted_count => Interrupted,
        turn_reductions_per_send_ratio => 4_000 / Interrupted,
        ran_of_8000_count => maps:get(ran_before_end_count, lists:last(Series))
    }.

%% Lets a process that traps exits and catches everything grow past its max_heap_size.
%% Evidence: what its monitor, a linked process and its own catch see, and the log event.
%% Cost: one process of 20,000 words.
%% Misread: the reason is that of a kill; only the log tells a heap limit from a killer.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#process_flag_max_heap_size
-spec max_heap_exit(probe_lib:args()) -> probe_lib:evidence().
max_heap_exit(_) ->
    Observe = fun() ->
        process_flag(trap_exit, true),
        {Pid, Ref} = spawn_opt(
            fun() ->
                process_flag(trap_exit, true),
                ?HEAP_LIMIT:grow_and_catch(200_000)
            end,
            [monitor, link, {max_heap_size, 10_000}]
        ),
        MonitorReason = probe_lib:gone(Ref, ?WAIT_MS),
        receive
            {'EXIT', Pid, LinkReason} -> {Pid, MonitorReason, LinkReason}
        after ?WAIT_MS -> error({setup, no_exit_signal})
        end
    end,
    {{Pid, MonitorReason, LinkReason}, Events} =
        probe_capture:with_log(fun() -> probe_lib:in_process(Observe) end),
    #{
        monitor_reason => MonitorReason,
        link_reason => LinkReason,
        log => ?HEAP_LIMIT:summary(Pid, Events)
    }.

%% Grows processes past limits given in every form.
%% Evidence: for each form how the process ended and how many log events it caused; and whether
%%   limits below the smallest heap are taken.
%% Cost: six processes of at most 400,000 words.
%% Misread: with `kill' false an event comes at each collection past the limit.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#process_flag_max_heap_size
-spec max_heap_forms(probe_lib:args()) -> probe_lib:evidence().
max_heap_forms(_) ->
    Forms = [
        {integer, 10_000},
        {kill_and_log, #{size => 10_000, kill => true, error_logger => true}},
        {kill_only, #{size => 10_000, kill => true, error_logger => false}},
        {log_only, #{size => 10_000, kill => false, error_logger => true}},
        {neither, #{size => 10_000, kill => false, error_logger => false}},
        {zero, 0}
    ],
    Grow = fun(Limit) ->
        {Pid, Ref} = spawn_opt(
            fun() -> ?HEAP_LIMIT:grow_and_catch(200_000) end, [monitor, {max_heap_size, Limit}]
        ),
        {Pid, probe_lib:gone(Ref, ?WAIT_MS)}
    end,
    {Ends, Events} = probe_capture:with_log(fun() -> [{Name, Grow(Limit)} || {Name, Limit} <- Forms] end),
    BelowMinimum = probe_lib:in_process(fun() ->
        probe_lib:error_class(fun() -> process_flag(max_heap_size, 232) end)
    end),
    maps:from_list([
        {below_minimum, BelowMinimum}
        | [
            {Name, #{
                exit_reason => Reason,
                logged_count => maps:get(logged_count, ?HEAP_LIMIT:summary(Pid, Events))
            }}
         || {Name, {Pid, Reason}} <- Ends
        ]
    ]).

%% Gives processes 200,000 words and more of different kinds, a limit of 50,000 afterwards, and a
%% collection.
%% Evidence: for each kind of memory how the process fared, `alive' or its exit reason.
%% Cost: up to 10 MB at a time; 0.1 s of waiting for each kind that survives.
%% Misread: what survives here is not free: it is only outside of what the limit adds up.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#process_flag_max_heap_size
-spec max_heap_counts(probe_lib:args()) -> probe_lib:evidence().
max_heap_counts(_) ->
    maps:from_list([{Kind, ?HEAP_LIMIT:fate(Kind, 50_000)} || Kind <- ?HEAP_LIMIT:kinds()]).

%% Looks at processes that are far above their limit before and after a collection.
%% Evidence: whether each lives, and how many words it has, before it; and its end after it: one
%%   whose limit was set below what it had, one whose mailbox outgrew its limit.
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
        Before = probe_lib:gone(Ref, 50),
        {memory, Bytes} = process_info(Pid, memory),
        _ = erlang:garbage_collect(Pid),
        #{
            limit_words => 50_000,
            before_collection => Before,
            before_words => Bytes div erlang:system_info(wordsize),
            after_collection => probe_lib:gone(Ref, 200)
        }
    after
        probe_lib:kill_all([Pid])
    end.

%% Bisects the smallest max_heap_size under which a process can build and keep a list.
%% Evidence: for lists of several sizes that limit, and the ratio of limit to list.
%% Cost: about 70 short processes.
%% Misread: the ratio depends on how the heap came to its size: it moves between the bounds.
%% Source: https://www.erlang.org/doc/apps/erts/garbagecollection.html#sizing-the-heap
-spec max_heap_threshold(probe_lib:args()) -> probe_lib:evidence().
max_heap_threshold(_) ->
    Series = [
        begin
            {_, Least} = probe_measure:bisect(N, 20 * N, fun(Limit) -> builds(N, Limit) end),
            #{list_words => 2 * N, limit_words => Least, limit_ratio => Least / (2 * N)}
        end
     || N <- [2_000, 10_000, 50_000, 100_000]
    ],
    Ratios = [R || #{limit_ratio := R} <- Series],
    #{series => Series, least_ratio => lists:min(Ratios), most_ratio => lists:max(Ratios)}.

builds(N, Limit) ->
    {_, Ref} = spawn_opt(
        fun() ->
            List = ?COPIES:ints(N),
            erlang:garbage_collect(),
            exit({built, length(List)})
        end,
        [monitor, {max_heap_size, #{size => Limit, kill => true, error_logger => false}}]
    ),
    {built, N} =:= probe_lib:gone(Ref, ?WAIT_MS).

%% Lets a process with a limit of 50,000 words (0.4 MB) hold 10 MB in binaries, with and without
%% include_shared_binaries.
%% Evidence: whether the VM lists the option when asked for the flag, and how the process fared
%%   without it, with it false and with it true.
%% Cost: 10 MB, three times one after the other.
%% Misread: a VM without the option accepts it in silence.
%% Source: https://github.com/erlang/otp/pull/6345
-spec max_heap_shared_binaries(probe_lib:args()) -> probe_lib:evidence().
max_heap_shared_binaries(_) ->
    Limit = #{size => 50_000, kill => true, error_logger => false},
    Listed = probe_lib:in_process(fun() ->
        _ = process_flag(max_heap_size, Limit#{include_shared_binaries => true}),
        maps:is_key(include_shared_binaries, process_flag(max_heap_size, 0))
    end),
    WithTrue = ?HEAP_LIMIT:fate(binaries, Limit#{include_shared_binaries => true}),
    #{
        option_listed => Listed,
        without_option => ?HEAP_LIMIT:fate(binaries, Limit),
        with_false => ?HEAP_LIMIT:fate(binaries, Limit#{include_shared_binaries => false}),
        with_true => WithTrue,
        strikes_as_listed => Listed =:= (WithTrue =/= alive)
    }.

%% Lets a process on a peer recurse, without building data, until its stack passes its limit.
%% Evidence: whether the peer lives on, the number of the signal that ended it (0 when it lives),
%%   and the process' exit reason.
%% Cost: one peer; about 0.5 s.
%% Misread: it is the just-in-time compiler's code that goes on after such a collection; an
%%   emulator without it may behave otherwise.
%% Source: https://github.com/erlang/otp/pull/6858
-spec max_heap_stack(probe_lib:args()) -> probe_lib:evidence().
max_heap_stack(_) ->
    probe_peer:with(#{}, fun(Peer) ->
        try probe_peer:call(Peer, ?HEAP_LIMIT, deep_with_limit, [400_000, 100_000]) of
            Reason -> #{vm_survives => true, vm_signal_index => 0, exit_reason => Reason}
        catch
            error:{peer_exited, #{exit_status := Status}} ->
                #{vm_survives => false, vm_signal_index => Status - 128, exit_reason => none}
        end
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
        {dictionary, Supervisor} = process_info(whereis(kernel_sup), dictionary),
        #{
            plain => Keys(fun() -> ok end),
            gen_server => lists:sort([Key || {Key, _} <- gen_server:call(Server, dictionary)]),
            supervisor => lists:sort([Key || {Key, _} <- Supervisor]),
            proc_lib => ?SERVER:from_proc_lib(fun() -> lists:sort(get_keys()) end),
            logger => Keys(fun() -> logger:update_process_metadata(#{request => 1}) end),
            rand => Keys(fun() -> rand:uniform() end),
            label => Keys(fun ?SERVER:set_label/0),
            label_known => erlang:function_exported(proc_lib, set_label, 1)
        }
    after
        ?SERVER:stop_server(Server)
    end.

%% Crashes a process of proc_lib, a gen_server and a plain process that each put something in its
%% dictionary.
%% Evidence: for each how many log events came and whether the entry's text stands in any; and for
%%   the first the keys that its crash report shows.
%% Cost: three crashes.
%% Misread: the report's words depend on the handler; the entry is in the event itself.
%% Source: https://www.erlang.org/doc/apps/sasl/error_logging.html#crash-report
-spec dictionary_in_reports(probe_lib:args()) -> probe_lib:evidence().
dictionary_in_reports(_) ->
    Crash = fun() ->
        put(secret, marker_in_dictionary),
        error(wanted_crash)
    end,
    {Pids, Events} = probe_capture:with_log(fun() ->
        Server = ?SERVER:start_server(),
        [
            {proc_lib, ?SERVER:ended_pid(proc_lib:spawn(?SERVER:when_told(Crash)))},
            {gen_server, ?SERVER:ended_pid(?SERVER:told_to_crash(Server))},
            {plain, ?SERVER:ended_pid(spawn(?SERVER:when_told(Crash)))}
        ]
    end),
    Own = fun(Pid) -> [Event || #{meta := #{pid := P}} = Event <- Events, P =:= Pid] end,
    Cases = [
        {Name, #{
            logged_count => length(Own(Pid)),
            shows_entry => ?SERVER:mentions(Own(Pid), <<"marker_in_dictionary">>)
        }}
     || {Name, Pid} <- Pids
    ],
    {proc_lib, First} = hd(Pids),
    (maps:from_list(Cases))#{report_keys => ?SERVER:reported_keys(Own(First))}.

%% Keeps 40,000 words in the dictionary of a process, and reads them back 100 times, and 10 times
%% from an ETS table.
%% Evidence: words that the entry takes, that the reads take beyond it while their results are
%%   kept, and that are left when it is erased; and how many an observer gets who asks for it.
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
        Got = Used(fun(_) -> {ok, [get(entry) || _ <- lists:seq(1, 100)]} end),
        Observed = probe_lib:in_process(fun() ->
            {dictionary, Entries} = process_info(Pid, dictionary),
            erts_debug:flat_size(Entries)
        end),
        Looked = Used(fun(_) -> {ok, ?COPIES:looked_up(get(entry), 10)} end),
        Erased = Used(fun(_) -> {length(erase(entry)), none} end),
        #{
            entry_words => 40_000,
            put_words => Put - Nothing,
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
    probe_lib:in_process(fun() ->
        MaxHeap = process_flag(max_heap_size, 0),
        #{
            trap_exit => process_flag(trap_exit, false),
            priority => process_flag(priority, normal),
            message_queue_data => process_flag(message_queue_data, on_heap),
            min_heap_words => process_flag(min_heap_size, 233),
            min_bin_vheap_words => process_flag(min_bin_vheap_size, 46_422),
            max_heap_words => maps:get(size, MaxHeap),
            max_heap_kills => maps:get(kill, MaxHeap),
            max_heap_logs => maps:get(error_logger, MaxHeap),
            fullsweep_after_count => process_flag(fullsweep_after, 65_535),
            save_calls_count => process_flag(save_calls, 0),
            sensitive => process_flag(sensitive, false),
            error_handler => process_flag(error_handler, error_handler)
        }
    end).

%% Has a process with every flag changed spawn another.
%% Evidence: the parent's and the child's values, and the names of those that are equal.
%% Cost: three processes.
%% Misread: a value that parent and child share by their defaults is not in the list: all of the
%%   parent's are changed.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#spawn_opt/4
-spec flag_inheritance(probe_lib:args()) -> probe_lib:evidence().
flag_inheritance(_) ->
    Leader = spawn(fun ?MAILBOX:deaf/0),
    try
        {Parent, Child} = probe_lib:in_process(fun() ->
            ?FLAGS:change_all_flags(Leader),
            Own = ?FLAGS:own_flags(),
            Self = self(),
            Pid = spawn(fun() -> Self ! {flags, ?FLAGS:own_flags()} end),
            receive
                {flags, Flags} -> {Own, Flags#{born => is_pid(Pid)}}
            end
        end),
        #{
            parent => maps:remove(group_leader, Parent),
            child => maps:remove(group_leader, Child),
            inherited => [
                Name
             || {Name, Value} <- lists:sort(maps:to_list(Parent)),
                maps:get(Name, Child) =:= Value
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
%% Evidence: how often the first counts for each count of the second: one of normal priority beside
%%   one of each, and one of low beside one of normal.
%% Cost: 5 x 150 ms, during which `high' and `max' stop everything else in the VM.
%% Misread: with more schedulers the others take up what starves on this one.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#process_flag_priority
-spec priority_shares(probe_lib:args()) -> probe_lib:evidence().
priority_shares(_) ->
    #{
        schedulers_count => erlang:system_info(schedulers_online),
        normal_to_other_ratio => maps:from_list([
            {Other, ?FLAGS:share(normal, Other)}
         || Other <- [low, normal, high, max]
        ]),
        low_to_normal_ratio => ?FLAGS:share(low, normal)
    }.

%% Weighs processes that were just born and wait.
%% Evidence: words of heap and of all memory of a plain one, of one with a larger smallest heap, of
%%   a hibernating one and of a gen_server.
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
        maps:from_list([{Name, ?COST:weight(Pid)} || {Name, Pid} <- lists:zip(Names, Pids)])
    after
        probe_lib:kill_all(Pids)
    end.

%% Spawns 200 processes beside ever more that live already.
%% Evidence: microseconds for one, by how many were there before; the ratio of the most to the
%%   fewest; how many lived at the end.
%% Cost: 8,200 processes at most; 25 MB; about 0.2 s.
%% Misread: best of fifteen short rounds; the first pay for memory that the VM gets from the system.
%% Source: https://www.erlang.org/doc/system/eff_guide_processes.html
-spec spawn_time(probe_lib:args()) -> probe_lib:evidence().
spawn_time(_) ->
    Series = [?COST:spawn_figures(N, 200) || N <- [0, 2_000, 8_000]],
    Times = [Us || #{spawn_us := Us} <- Series],
    #{
        series => Series,
        most_to_fewest_ratio => lists:last(Times) / hd(Times),
        alive_count => maps:get(alive_count, lists:last(Series))
    }.

%% Reads the limit of processes, and, with `fill' true, spawns until it is met.
%% Evidence: the limit; how many more could be spawned and how many there were then; what spawn and
%%   spawn_request do at the limit; whether the caller goes on and can spawn when others have ended.
%% Cost: as many processes as the VM may have: start it with a low limit (+P).
%% Misread: the VM rounds the limit up; processes of OTP count too.
%% Source: https://www.erlang.org/doc/system/system_limits.html
-spec process_limit(probe_lib:args()) -> probe_lib:evidence().
process_limit(#{fill := true}) ->
    {Outcome, Pids} = ?COST:spawn_to_limit([]),
    Count = erlang:system_info(process_count),
    Request = probe_lib:error_class(fun() ->
        Ref = erlang:spawn_request(fun() -> ok end),
        receive
            {spawn_reply, Ref, Result, Reason} -> {Result, Reason}
        after ?WAIT_MS -> no_reply
        end
    end),
    probe_lib:kill_all(Pids),
    Again = probe_lib:error_class(fun() -> is_pid(spawn(fun() -> ok end)) end),
    #{reason := {RequestResult, RequestReason}} = Request,
    #{
        limit_count => erlang:system_info(process_limit),
        reached_count => Count,
        spawned_count => length(Pids),
        spawn_class => maps:get(class, Outcome),
        spawn_reason => maps:get(reason, Outcome),
        request_result => RequestResult,
        request_reason => RequestReason,
        spawns_again => maps:get(reason, Again)
    };
process_limit(_) ->
    #{
        limit_count => erlang:system_info(process_limit),
        reached_count => erlang:system_info(process_count)
    }.

%% Has one process link to, and another monitor, ever more others.
%% Evidence: words that each link and each monitor takes in the process that has them, its heap
%%   apart; microseconds for each; and how the whole grows.
%% Cost: 8,000 processes at a time; 25 MB.
%% Misread: the other side holds as much again.
%% Source: https://github.com/erlang/otp/blob/OTP-27.0/erts/emulator/beam/erl_monitor_link.h
-spec links_and_monitors(probe_lib:args()) -> probe_lib:evidence().
links_and_monitors(_) ->
    Series = [?COST:tie_figures(N) || N <- [500, 2_000, 8_000]],
    Exponent = fun(Key) ->
        probe_measure:growth_exponent([{maps:get(ties_count, S), maps:get(Key, S)} || S <- Series])
    end,
    Last = lists:last(Series),
    #{
        series => Series,
        ties_count => maps:get(ties_count, Last),
        link_words => maps:get(links_words, Last) / maps:get(ties_count, Last),
        monitor_words => maps:get(monitors_words, Last) / maps:get(ties_count, Last),
        links_exponent => Exponent(links_words),
        monitors_exponent => Exponent(monitors_words)
    }.

%% Keeps 5,000 entities, each in a process of its own and all in one map, and updates 100 of them.
%% Evidence: words and microseconds for an entity in both ways, and the ratios.
%% Cost: 5,000 processes; 20 MB; about 60 ms.
%% Misread: the map is updated by its owner; from another process a call would come on top.
%% Source: https://www.erlang.org/doc/system/eff_guide_processes.html
-spec entity_costs(probe_lib:args()) -> probe_lib:evidence().
entity_costs(_) ->
    Count = 5_000,
    Entities = [{I, {entity, I, 0}} || I <- lists:seq(1, Count)],
    Pids = [spawn(?COST, entity, [State]) || {_, State} <- Entities],
    try
        Map = maps:from_list(Entities),
        _ = [settled_reductions(Pid) || Pid <- Pids],
        Words = lists:sum([maps:get(memory_words, ?COST:weight(Pid)) || Pid <- Pids]),
        Updated = 100,
        Some = lists:sublist(Pids, Updated),
        ProcessUs = probe_lib:in_process(fun() ->
            probe_measure:best_us(30, fun() -> ?COST:update_processes(Some) end)
        end),
        MapUs = probe_lib:in_process(fun() ->
            probe_measure:best_us(30, fun() -> ?COST:update_map(Updated, Map) end)
        end),
        Own = #{process_words => Words / Count, map_words => erts_debug:flat_size(Map) / Count},
        Own#{
            entities_count => Count,
            process_us => ProcessUs / Updated,
            map_us => MapUs / Updated,
            words_ratio => Words / erts_debug:flat_size(Map),
            time_ratio => ProcessUs / MapUs
        }
    after
        probe_lib:kill_all(Pids)
    end.

%% Asks 20 entities for something that each waits 20 ms for: entities that are processes, and
%% entities that one server keeps.
%% Evidence: milliseconds until all have answered, in both ways, and the ratio.
%% Cost: 0.5 s, asleep.
%% Misread: waiting is what overlaps; work that computes overlaps only over schedulers.
%% Source: https://ferd.ca/the-zen-of-erlang.html
-spec entity_waiting(probe_lib:args()) -> probe_lib:evidence().
entity_waiting(_) ->
    Ids = lists:seq(1, 20),
    Spread = ?COST:answers_ms([{spawn(?COST, slow, [20]), Id} || Id <- Ids]),
    Server = spawn(?COST, slow, [20]),
    Together = ?COST:answers_ms([{Server, Id} || Id <- Ids]),
    #{
        entities_count => 20,
        wait_ms => 20,
        processes_ms => Spread,
        one_server_ms => Together,
        time_ratio => Together / Spread
    }.

%% Crashes one entity of 100: each in a process of its own, and all in one server's map.
%% Evidence: how many entities still answer.
%% Cost: 101 processes.
%% Misread: a server that catches keeps the others, and whatever the failed update left behind.
%% Source: https://ferd.ca/the-zen-of-erlang.html
-spec entity_crash(probe_lib:args()) -> probe_lib:evidence().
entity_crash(_) ->
    Pids = [spawn(?COST, entity, [{entity, I, 0}]) || I <- lists:seq(1, 100)],
    Server = spawn(?COST, entity, [maps:from_list([{I, 0} || I <- lists:seq(1, 100)])]),
    try
        _ = ?SERVER:ended_pid(hd(Pids)),
        _ = ?SERVER:ended_pid(Server),
        #{
            entities_count => 100,
            processes_left_count => length([Pid || Pid <- Pids, is_process_alive(Pid)]),
            in_server_left_count =>
                case is_process_alive(Server) of
                    true -> 100;
                    false -> 0
                end
        }
    after
        probe_lib:kill_all([Server | Pids])
    end.
