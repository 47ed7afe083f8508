%% Probes of tracing and its sessions, of what looks into processes, of the system monitor, of crash
%% dumps, and of what reaches a node from outside. Claims in
%% claims/beam-observability-debugging.toml.
-module(beam_observability_debugging).

%% Tracing.
-export([
    trace_receipt/1,
    second_tracer/1,
    trace_taken_away/1,
    shared_patterns/1,
    switched_off_for_all/1,
    pattern_and_loading/1,
    session_interface/1,
    sessions_isolated/1,
    session_lifetime/1,
    dbg_beside_others/1,
    dbg_answers/1,
    dbg_twice/1,
    dbg_made_of/1,
    dbg_by_release/1
]).

%% Match specifications in tracing, and what tracing costs.
-export([
    match_spec_forms/1,
    match_spec_actions/1,
    match_spec_silent/1,
    return_trace_stack/1,
    trace_cost/1,
    unread_traces/1
]).

%% Looking into processes and servers.
-export([
    mailbox_copies/1,
    copying_items/1,
    messages_crash/1,
    sys_states/1,
    sys_traces/1,
    sys_statistics/1,
    sys_replaces/1,
    sys_waits/1,
    sys_copies/1
]).

%% The system monitor.
-export([
    monitor_options/1,
    monitor_owners/1,
    monitor_memory/1,
    monitor_schedule/1,
    monitor_queue/1,
    monitor_sessions/1,
    monitor_busy_port/1,
    monitor_busy_dist_port/1
]).

%% Crash dumps, tools, logs, and who comes from outside.
-export([
    dump_signal/1,
    dump_ends/1,
    dump_place/1,
    dump_content/1,
    tool_origins/1,
    without_screen/1,
    log_bursts/1,
    log_queues/1,
    log_modes/1,
    observers_without_screen/1,
    debugger_stops/1,
    hidden_visitor/1,
    remote_shell/1,
    remote_shell_ends/1
]).

-define(TRACED, beam_observability_debugging_traced).
-define(TRACING, beam_observability_debugging_tracing).
-define(SESSIONS, beam_observability_debugging_sessions).
-define(DBG, beam_observability_debugging_dbg).
-define(SPECS, beam_observability_debugging_specs).
-define(ITEMS, beam_observability_debugging_items).
-define(SERVERS, beam_observability_debugging_servers).
-define(MONITORS, beam_observability_debugging_monitors).
-define(DUMPS, beam_observability_debugging_dumps).
-define(LOGS, beam_observability_debugging_logs).
-define(SCREENS, beam_observability_debugging_screens).
-define(TOOLS, beam_observability_debugging_tools).
-define(SHELLS, beam_observability_debugging_shells).
-define(NO_DISPLAY, #{env => [{"DISPLAY", false}, {"WAYLAND_DISPLAY", false}]}).
%% Allocators that may have 256 MB together.
-define(CAPPED, ["+Musac", "false", "+MMsco", "true", "+MMscs", "256"]).

%%% Tracing

%% Have a process call a function three times with its call flag set, with a pattern set for the
%% function, and with both; and another process, with both set for the first.
%% Evidence: by case what the calls answered, and what the tool heard.
%% Cost: four times four processes; it traces in the probe's own VM.
%% Misread: the number that erlang:trace/3 and trace_pattern/3 return says what they matched, not
%% that anything will be heard.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#trace/3
-spec trace_receipt(probe_lib:args()) -> probe_lib:evidence().
trace_receipt(_) ->
    #{
        both => ?TRACING:heard_when(true, true, subject),
        flag_only => ?TRACING:heard_when(true, false, subject),
        pattern_only => ?TRACING:heard_when(false, true, subject),
        other_process => ?TRACING:heard_when(true, true, other)
    }.

%% Have two tools ask for the same process, then end the first.
%% Evidence: what both were answered and heard, before and after the end of the first.
%% Cost: four processes; it traces in the probe's own VM.
%% Misread: badarg does not say that somebody else traces; erlang:trace_info/2 does.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#trace/3
-spec second_tracer(probe_lib:args()) -> probe_lib:evidence().
second_tracer(_) ->
    ?TRACING:second_tracer().

%% Have a second tool switch off what the first one traces, and trace it itself.
%% Evidence: what the second was answered, what both heard before and after.
%% Cost: four processes; it traces in the probe's own VM.
%% Misread: the first tool cannot tell silence from a process that does nothing.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#trace/3
-spec trace_taken_away(probe_lib:args()) -> probe_lib:evidence().
trace_taken_away(_) ->
    ?TRACING:taken_away().

%% Have two tools, each with a process of its own, set patterns of the same function in turn.
%% Evidence: what both heard after each setting.
%% Cost: four processes; it traces in the probe's own VM.
%% Misread: flags belong to a process and its tracer, patterns to the whole VM.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#trace_pattern/3
-spec shared_patterns(probe_lib:args()) -> probe_lib:evidence().
shared_patterns(_) ->
    ?TRACING:shared_patterns().

%% Have somebody in a peer switch all flags off, or all patterns, while two tools and a session
%% trace.
%% Evidence: by way what all three heard before and after, and how much the call says it touched.
%% Cost: a peer.
%% Misread: what OTP itself counts by tracing is gone as well: never in a VM that others use.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#trace/3
-spec switched_off_for_all(probe_lib:args()) -> probe_lib:evidence().
switched_off_for_all(_) ->
    in_peer(fun(Peer) -> probe_peer:call(Peer, ?TRACING, globally_off, []) end).

%% Set a pattern in a peer before the module is loaded, after it, and load the module again without
%% and with a pattern for modules that will be loaded.
%% Evidence: by step what the call answered, and how many messages one call of the function brings.
%% Cost: a peer.
%% Misread: nothing is wrong with the 0 that comes back; it is the only sign.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#trace_pattern/3
-spec pattern_and_loading(probe_lib:args()) -> probe_lib:evidence().
pattern_and_loading(_) ->
    in_peer(fun(Peer) -> probe_peer:call(Peer, ?TRACING, loading, []) end).

%% Look for what makes trace sessions; make one, use it, end it twice.
%% Evidence: whether the module is there and in which application, arities of its functions; what
%% each step was answered.
%% Cost: two processes; it traces in the probe's own VM.
%% Misread: the handle is opaque, and differs between releases.
%% Source: https://www.erlang.org/doc/apps/kernel/trace.html#session_create/3
-spec session_interface(probe_lib:args()) -> probe_lib:evidence().
session_interface(_) ->
    ?SESSIONS:interface().

%% Trace one process by two sessions and by the old interface at once, with different patterns of
%% one function; then end one session.
%% Evidence: what each heard, with and without the one that ends.
%% Cost: four processes; it traces in the probe's own VM.
%% Misread: isolated means settings and tracers; the traced process pays for all of them.
%% Source: https://www.erlang.org/doc/apps/kernel/trace.html
-spec sessions_isolated(probe_lib:args()) -> probe_lib:evidence().
sessions_isolated(_) ->
    ?SESSIONS:isolated().

%% Have two processes make a session and keep the handle; one forgets it, both are collected.
%% Evidence: what is heard through both, before and after; how many sessions trace the subject.
%% Cost: five processes; it traces in the probe's own VM.
%% Misread: the end comes with a collection, so some time after the handle was forgotten.
%% Source: https://www.erlang.org/doc/apps/kernel/trace.html#session_create/3
-spec session_lifetime(probe_lib:args()) -> probe_lib:evidence().
session_lifetime(_) ->
    ?SESSIONS:lifetime().

%% Trace a process by erlang:trace/3 and by dbg in a peer, then stop dbg.
%% Evidence: what dbg says, and what both hear before, during and after it.
%% Cost: a peer.
%% Misread: an answer that starts with ok may carry a failure.
%% Source: https://www.erlang.org/doc/apps/runtime_tools/dbg.html
-spec dbg_beside_others(probe_lib:args()) -> probe_lib:evidence().
dbg_beside_others(_) ->
    in_peer(fun(Peer) -> probe_peer:call(Peer, ?DBG, beside_another, []) end).

%% Ask dbg in a peer for processes and functions that are there or not, and for a specification
%% that is none.
%% Evidence: its answers in short, and that of erlang:trace_pattern/3 to the last.
%% Cost: a peer.
%% Misread: tp/3 sees exported functions only, tpl/3 all.
%% Source: https://www.erlang.org/doc/apps/runtime_tools/dbg.html#p/2
-spec dbg_answers(probe_lib:args()) -> probe_lib:evidence().
dbg_answers(_) ->
    in_peer(fun(Peer) -> probe_peer:call(Peer, ?DBG, answers, []) end).

%% Start a tracer of dbg twice in a peer, and a second session of it where there are any.
%% Evidence: what the second start and the session are answered, and what both hear.
%% Cost: a peer.
%% Misread: a session of dbg ends with dbg:session_destroy/1, not with dbg:stop/0.
%% Source: https://www.erlang.org/doc/apps/runtime_tools/dbg.html#session/2
-spec dbg_twice(probe_lib:args()) -> probe_lib:evidence().
dbg_twice(_) ->
    in_peer(fun(Peer) -> probe_peer:call(Peer, ?DBG, twice, []) end).

%% Trace a process with dbg in a peer.
%% Evidence: the application of dbg and those of the modules that it had loaded, what the traced
%% process answered meanwhile, what was heard.
%% Cost: a peer.
%% Misread: both are called debugging tools.
%% Source: https://www.erlang.org/doc/apps/debugger/debugger_chapter.html
-spec dbg_made_of(probe_lib:args()) -> probe_lib:evidence().
dbg_made_of(_) ->
    in_peer(fun(Peer) -> probe_peer:call(Peer, ?DBG, made_of, []) end).

%% Look for dbg, its sessions, and the module trace.
%% Evidence: the application of each, and whether it has the function that matters.
%% Cost: none.
%% Misread: none.
%% Source: https://www.erlang.org/blog/highlights-otp-27/
-spec dbg_by_release(probe_lib:args()) -> probe_lib:evidence().
dbg_by_release(_) ->
    ?DBG:by_release().

%%% Match specifications in tracing, and what tracing costs

%% Put match specifications, right ones and wrong ones, to erlang:match_spec_test/3 with the
%% arguments 3 and 7, to erlang:trace_pattern/3, and two of them to a table with the object {3, 7}.
%% Evidence: by form the result or the first message of the refusal, the flags that it would set,
%% and what trace_pattern/3 answers.
%% Cost: none; patterns are set in the probe's own VM for a function that nobody calls.
%% Misread: what is refused is malformed; what is taken may still match nothing.
%% Source: https://www.erlang.org/doc/apps/erts/match_spec.html
-spec match_spec_forms(probe_lib:args()) -> probe_lib:evidence().
match_spec_forms(_) ->
    Guards = #{
        above_two => [{'>', '$1', 2}],
        above_five => [{'>', '$1', 5}],
        both => [{'and', {'>', '$1', 2}, {'<', '$1', 5}}],
        infix => [{'$1', '>', 5}],
        no_list => {'>', '$1', 5},
        expression => ['$1 > 2'],
        other_operator => [{'!=', '$1', 5}],
        double_ampersand => [{'&&', true, true}],
        unbound => [{'>', '$3', 5}],
        bare_tuple => [{'==', '$1', {a, b}}],
        double_braces => [{'==', '$1', {{a, b}}}]
    },
    Bodies = #{return_trace => [{return_trace}], bare_atom => [return_trace]},
    #{
        guards => maps:map(fun(_, G) -> ?SPECS:tested([{['$1', '_'], G, []}]) end, Guards),
        bodies => maps:map(fun(_, B) -> ?SPECS:tested([{['$1', '_'], [], B}]) end, Bodies),
        tables => maps:map(fun(_, B) -> ?SPECS:in_table([{{'$1', '_'}, [], B}]) end, Bodies)
    }.

%% Trace a call that returns, one that raises, and one made by a function of a known name, with
%% each body that a specification may have.
%% Evidence: by body what was heard of each.
%% Cost: twenty times two processes; it traces in the probe's own VM.
%% Misread: caller is the function to which the call returns, not always the one in which it stands.
%% Source: https://www.erlang.org/doc/apps/erts/match_spec.html#functions-allowed-only-for-tracing
-spec match_spec_actions(probe_lib:args()) -> probe_lib:evidence().
match_spec_actions(_) ->
    ?SPECS:actions().

%% Trace five calls with a specification that silences the process at the second and lets it speak
%% at the fourth, and with a plain one.
%% Evidence: what the calls answered, what was heard.
%% Cost: four processes; it traces in the probe's own VM.
%% Misread: silence belongs to the process, not to the function.
%% Source: https://www.erlang.org/doc/apps/erts/match_spec.html#functions-allowed-only-for-tracing
-spec match_spec_silent(probe_lib:args()) -> probe_lib:evidence().
match_spec_silent(_) ->
    ?SPECS:silenced().

%% Trace a tail-recursive function over many rounds in several ways.
%% Evidence: by way the words of stack that its last round stands on, and how many a round adds.
%% Cost: a few processes, 100 ms; it traces in the probe's own VM.
%% Misread: a server's loop never returns, so its stack only grows.
%% Source: https://www.erlang.org/doc/apps/erts/match_spec.html#functions-allowed-only-for-tracing
-spec return_trace_stack(probe_lib:args()) -> probe_lib:evidence().
return_trace_stack(_) ->
    ?SPECS:stack_of_returns([10, 1_000, 5_000]).

%% Time calls of a function that does next to nothing, traced in several ways, each in turn.
%% Evidence: the times of each way by that of no trace, as a ratio of medians; that of the pattern alone
%% by the lesser of the other two; the number of messages.
%% Cost: 200 ms; it traces in the probe's own VM.
%% Misread: a function that does more pays the same for a call, and so a smaller ratio.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#trace/3
-spec trace_cost(#{call_count => pos_integer()}) -> probe_lib:evidence().
trace_cost(Args) ->
    Count = maps:get(call_count, Args, 20_000),
    Rounds = 5,
    {#{untraced := Untraced} = Us, Messages} = ?SPECS:cost(Rounds, Count),
    #{pattern_only := Pattern, never_matching := Guarded, messages := Heard} = Us,
    #{
        call_count => Rounds * Count,
        message_counts => Messages,
        untraced_us => Untraced,
        pattern_by_least_ratio => Pattern / min(Guarded, Heard),
        ratios => maps:map(fun(_, Time) -> Time / Untraced end, maps:remove(untraced, Us))
    }.

%% Have a process call a traced function while its tool reads nothing.
%% Evidence: for several numbers of calls how many messages wait at the tool, and its memory.
%% Cost: 20,000 messages; it traces in the probe's own VM.
%% Misread: the traced process is not slowed down by a tool that does not follow.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#trace/3
-spec unread_traces(probe_lib:args()) -> probe_lib:evidence().
unread_traces(_) ->
    Points = [?TRACING:unread(Count) || Count <- [0, 1_000, 10_000]],
    #{
        waiting_counts => [Waiting || #{waiting_count := Waiting} <- Points],
        memory_words => [Words || #{memory_words := Words} <- Points],
        words_per_call => words_per_call(hd(Points), lists:last(Points))
    }.

words_per_call(#{memory_words := First}, #{memory_words := Last, call_count := Count}) ->
    (Last - First) / Count.

%%% Looking into processes and servers

%% Ask for the messages, and for their number, of processes with mailboxes of several lengths, kept
%% on the heap and off it.
%% Evidence: by length the words that the asker holds more with either answer, and by the exponent
%% how the first grows.
%% Cost: 10,000 messages twice, 50 ms.
%% Misread: the words are those that stay; while they are copied the asker's heap needs more.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#process_info/2
-spec mailbox_copies(probe_lib:args()) -> probe_lib:evidence().
mailbox_copies(_) ->
    maps:from_list([{Where, mailbox(Where)} || Where <- [on_heap, off_heap]]).

mailbox(Where) ->
    [First | _] = Series = ?ITEMS:mailbox_series([100, 1_000, 10_000], Where),
    #{message_count := Least, messages_words := From, message_words := Words} = First,
    #{message_count := Most, messages_words := To} = lists:last(Series),
    #{
        series => Series,
        message_words => Words,
        words_per_message => (To - From) / (Most - Least),
        length_words => lists:usort([Length || #{length_words := Length} <- Series])
    }.

%% Ask for 23 items of processes with few and with a thousand more messages, entries of the process
%% dictionary, links, monitors, binaries or frames.
%% Evidence: by kind, the items whose answer takes a word or more for each of them.
%% Cost: some thousand processes and messages, 1 s.
%% Misread: binary lists every large binary that the process refers to.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#process_info/2
-spec copying_items(probe_lib:args()) -> probe_lib:evidence().
copying_items(_) ->
    Things = [messages, entries, links, monitors, binaries, frames],
    maps:from_list([{Thing, ?ITEMS:growth(Thing)} || Thing <- Things]).

%% Ask a peer that may have 256 MB how many messages wait for a process, and for the messages; with
%% a mailbox that fills a fifth of the memory and with one that fills two thirds.
%% Evidence: how many wait, both answers (all of them, or how the peer ended).
%% Cost: a peer, 256 MB.
%% Misread: the one that asks needs the memory, in one piece.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#process_info/2
-spec messages_crash(#{short_bytes => pos_integer(), long_bytes => pos_integer()}) ->
    probe_lib:evidence().
messages_crash(Args) ->
    probe_peer:with(#{flags => ?CAPPED}, fun(Peer) ->
        Look = fun(Name, Bytes) ->
            Count = probe_peer:call(Peer, ?ITEMS, filled, [Name, Bytes]),
            Length = asked(Peer, [Name, message_queue_len], Count),
            #{
                waiting_count => Count,
                length_text => Length,
                messages_text => asked(Peer, [Name, messages], Count)
            }
        end,
        Short = Look(short, maps:get(short_bytes, Args, 50_000_000)),
        #{short => Short, long => Look(long, maps:get(long_bytes, Args, 170_000_000))}
    end).

asked(Peer, Args, Count) ->
    try probe_peer:call(Peer, ?ITEMS, asked, Args) of
        Count -> <<"all">>;
        Other -> probe_capture:text(Other)
    catch
        error:{peer_exited, #{slogan := Slogan}} -> string:slice(Slogan, 0, 29)
    end.

%% Ask one process of each kind for its state by sys, and have it serve something afterwards.
%% Evidence: by kind the state as text (of a record its name) or what was raised; whether it served.
%% Cost: eight processes, two waits of 0.1 s.
%% Misread: a timeout does not say that the process is dead or busy.
%% Source: https://www.erlang.org/doc/apps/stdlib/sys.html#get_state/1
-spec sys_states(probe_lib:args()) -> probe_lib:evidence().
sys_states(_) ->
    maps:from_list([{Kind, ?SERVERS:state_of(Kind)} || Kind <- ?SERVERS:kinds()]).

%% Trace one process of each kind by sys while it serves something, and no more when it serves again.
%% Evidence: by kind the answers, whether it served, and how many lines were printed meanwhile and
%% afterwards.
%% Cost: eight processes, four waits of 0.1 s.
%% Misread: the lines go to the group leader of the traced process, not to who asked.
%% Source: https://www.erlang.org/doc/apps/stdlib/sys.html#trace/2
-spec sys_traces(probe_lib:args()) -> probe_lib:evidence().
sys_traces(_) ->
    maps:from_list([{Kind, ?SERVERS:traced_lines(Kind)} || Kind <- ?SERVERS:kinds()]).

%% Count by sys what a gen_server receives and sends: three calls and two casts.
%% Evidence: the answers before, with and after, the two counts, the keys of the answer.
%% Cost: a process.
%% Misread: replies count as sent messages, what a callback sends by itself does not.
%% Source: https://www.erlang.org/doc/apps/stdlib/sys.html#statistics/2
-spec sys_statistics(probe_lib:args()) -> probe_lib:evidence().
sys_statistics(_) ->
    ?SERVERS:statistics().

%% Replace the state of servers by sys, with a fun that raises and with one that does not.
%% Evidence: by kind the state before, between and after, both answers, whether it serves still.
%% Cost: four processes.
%% Misread: an answer of ok does not say that the fun was taken.
%% Source: https://www.erlang.org/doc/apps/stdlib/sys.html#replace_state/2
-spec sys_replaces(probe_lib:args()) -> probe_lib:evidence().
sys_replaces(_) ->
    Kinds = [gen_server, gen_statem, gen_event, special],
    maps:from_list([{Kind, ?SERVERS:replaced(Kind)} || Kind <- Kinds]).

%% Ask a server for its state while it is idle, while a callback runs, and with two messages waiting.
%% Evidence: the three answers.
%% Cost: a process, a wait of 0.1 s.
%% Misread: none.
%% Source: https://www.erlang.org/doc/apps/stdlib/sys.html#get_state/2
-spec sys_waits(probe_lib:args()) -> probe_lib:evidence().
sys_waits(_) ->
    ?SERVERS:waiting().

%% Ask servers for states of two sizes.
%% Evidence: the words that the asker holds more with the answer.
%% Cost: a process of 20,000 words.
%% Misread: a large binary in the state would be referred to, not copied.
%% Source: https://www.erlang.org/doc/apps/stdlib/sys.html#get_state/1
-spec sys_copies(probe_lib:args()) -> probe_lib:evidence().
sys_copies(_) ->
    [Small, Large] = [?ITEMS:state_copied(Count) || Count <- [1_000, 10_000]],
    #{small_words => Small, large_words => Large}.

%%% The system monitor

%% Ask a peer's system monitor for each kind of event, and for one that there is not.
%% Evidence: by kind whether it is taken as it was asked for, or what is raised.
%% Cost: a peer.
%% Misread: limits below a least value are taken as that value.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#system_monitor/2
-spec monitor_options(probe_lib:args()) -> probe_lib:evidence().
monitor_options(_) ->
    in_peer(fun(Peer) -> probe_peer:call(Peer, ?MONITORS, accepted, []) end).

%% Have two processes of a peer ask for the system monitor one after the other; let heaps grow before
%% and after; end the second.
%% Evidence: what both calls answer, who hears of which heap, whether the monitor ends with its owner.
%% Cost: a peer.
%% Misread: only the answer of the second call tells that there was a first owner.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#system_monitor/2
-spec monitor_owners(probe_lib:args()) -> probe_lib:evidence().
monitor_owners(_) ->
    in_peer(fun(Peer) -> probe_peer:call(Peer, ?MONITORS, owners, []) end).

%% Let heaps of a peer grow above and below a limit, and collections take longer and less long than
%% a limit.
%% Evidence: by case the kinds of events of that process, their keys, the most that they say.
%% Cost: a peer, 100 MB, 0.5 s.
%% Misread: an event comes for each collection that finds the heap so large, so there are several.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#system_monitor/2
-spec monitor_memory(probe_lib:args()) -> probe_lib:evidence().
monitor_memory(_) ->
    in_peer(fun(Peer) -> probe_peer:call(Peer, ?MONITORS, memory_events, []) end).

%% Have a process of a peer fill large tuples, each in one call that does not give way.
%% Evidence: the events against a limit of one millisecond, and against one of a minute.
%% Cost: a peer, 100 MB, 0.5 s.
%% Misread: what the machine takes from the VM counts as well: a busy machine has events without a
%% cause in the VM.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#system_monitor/2
-spec monitor_schedule(probe_lib:args()) -> probe_lib:evidence().
monitor_schedule(_) ->
    in_peer(fun(Peer) -> probe_peer:call(Peer, ?MONITORS, long_schedule, []) end).

%% Fill and empty a mailbox on a peer that watches for more than 100 messages and fewer than 10.
%% Evidence: how many waited, and the events of each step.
%% Cost: a peer.
%% Misread: there is one event for each crossing, not one a message.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#system_monitor/2
-spec monitor_queue(probe_lib:args()) -> probe_lib:evidence().
monitor_queue(_) ->
    in_peer(fun(Peer) -> probe_peer:call(Peer, ?MONITORS, queue, []) end).

%% Let a heap of a peer grow while two sessions and the old interface watch for it.
%% Evidence: whether the release has trace:system/3, how many events each of the three hears.
%% Cost: a peer.
%% Misread: none.
%% Source: https://www.erlang.org/doc/apps/kernel/trace.html#system/3
-spec monitor_sessions(probe_lib:args()) -> probe_lib:evidence().
monitor_sessions(_) ->
    in_peer(fun(Peer) -> probe_peer:call(Peer, ?MONITORS, in_sessions, []) end).

%% Have a process of a peer write to a program that does not read.
%% Evidence: the kind of the event, whether it names the port, what the writer does then.
%% Cost: a peer, a program.
%% Misread: the writer waits at the port, not in a receive.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#system_monitor/2
-spec monitor_busy_port(probe_lib:args()) -> probe_lib:evidence().
monitor_busy_port(_) ->
    in_peer(fun(Peer) -> probe_peer:call(Peer, ?MONITORS, busy_port, []) end).

%% Send more and more to a node that has been stopped.
%% Evidence: the kind of the event, whether it names the channel, what the sender does then.
%% Cost: two peers of a cluster.
%% Misread: the limit is +zdbbl; what the system buffers does not count.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#system_monitor/2
-spec monitor_busy_dist_port(probe_lib:args()) -> probe_lib:evidence().
monitor_busy_dist_port(_) ->
    probe_cluster:with(#{nodes => [here, there]}, fun(Cluster) ->
        There = probe_cluster:name(Cluster, there),
        true = probe_cluster:call(Cluster, here, net_kernel, connect_node, [There]),
        ok = probe_peer:signal(probe_cluster:peer(Cluster, there), "STOP"),
        try
            probe_cluster:call(Cluster, here, ?MONITORS, flooded, [There])
        after
            ok = probe_peer:signal(probe_cluster:peer(Cluster, there), "CONT")
        end
    end).

%%% Crash dumps, tools, logs, and who comes from outside

%% Send SIGUSR1 to peers that have set nothing, or set what becomes of the signal.
%% Evidence: by setting the exit status, the slogan, and whether there is a dump.
%% Cost: four peers, 1 s of quiet.
%% Misread: the setting called default is the system's, not the VM's.
%% Source: https://www.erlang.org/doc/apps/kernel/os.html#set_signal/2
-spec dump_signal(probe_lib:args()) -> probe_lib:evidence().
dump_signal(_) ->
    maps:from_list([{Setting, ?DUMPS:of_signal(Setting)} || Setting <- [unset, handle, default, ignore]]).

%% End peers by erlang:halt/1 with text, with numbers and with abort, and by memory that runs out.
%% Evidence: by way the exit status, the slogan, and whether there is a dump.
%% Cost: five peers, 128 MB.
%% Misread: abort asks the system for its own dump, not for one of Erlang's.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#halt/1
-spec dump_ends(probe_lib:args()) -> probe_lib:evidence().
dump_ends(_) ->
    #{
        text => ?DUMPS:of_halt("said by the probe"),
        zero => ?DUMPS:of_halt(0),
        seven => ?DUMPS:of_halt(7),
        abort => ?DUMPS:of_halt(abort),
        memory => ?DUMPS:of_exhaustion()
    }.

%% Have peers write a dump with the variables that say where it goes and how large it may be.
%% Evidence: by setting which dumps lie in the peer's folder, their size, whether they have an end.
%% Cost: six peers.
%% Misread: a dump of the same name is overwritten.
%% Source: https://www.erlang.org/doc/apps/erts/erl_cmd.html#environment-variables
-spec dump_place(#{limit_bytes => pos_integer()}) -> probe_lib:evidence().
dump_place(Args) ->
    Limit = integer_to_list(maps:get(limit_bytes, Args, 20_000)),
    #{
        unset => ?DUMPS:dumped([{"ERL_CRASH_DUMP", false}]),
        named => ?DUMPS:dumped([{"ERL_CRASH_DUMP", "named.dump"}]),
        no_folder => ?DUMPS:dumped([{"ERL_CRASH_DUMP", "no_such_folder/named.dump"}]),
        no_seconds => ?DUMPS:dumped([{"ERL_CRASH_DUMP_SECONDS", "0"}]),
        no_bytes => ?DUMPS:dumped([{"ERL_CRASH_DUMP_BYTES", "0"}]),
        few_bytes => ?DUMPS:dumped([{"ERL_CRASH_DUMP_BYTES", Limit}])
    }.

%% Read the dump of a peer in which a named process has a message, a table a row.
%% Evidence: which kinds of sections there are, first and last; how many processes more than were
%% counted before; the name, the table, and whether message and row stand in it.
%% Cost: a peer.
%% Misread: atoms are all listed by name; what matters is whether a term holds one.
%% Source: https://www.erlang.org/doc/apps/erts/crash_dump.html
-spec dump_content(#{process_count => pos_integer()}) -> probe_lib:evidence().
dump_content(Args) ->
    ?DUMPS:sections(maps:get(process_count, Args, 5)).

%% Look for tools in the libraries of the VM.
%% Evidence: the application of each module, and how many modules have names that begin so.
%% Cost: a look into the folders of OTP.
%% Misread: a module of the same name may lie elsewhere on the code path.
%% Source: https://www.erlang.org/doc/applications.html
-spec tool_origins(probe_lib:args()) -> probe_lib:evidence().
tool_origins(_) ->
    #{
        applications => ?TOOLS:applications([
            sys, logger, erlang, recon, recon_trace, observer_cli, redbug
        ]),
        module_counts => ?TOOLS:installed(["", "sys", "recon", "observer_cli", "redbug"])
    }.

%% Use tools on a peer that has neither display nor terminal.
%% Evidence: whether it has any, and by tool whether it did its work.
%% Cost: a peer.
%% Misread: none.
%% Source: https://www.erlang.org/doc/apps/runtime_tools/runtime_tools_app.html
-spec without_screen(probe_lib:args()) -> probe_lib:evidence().
without_screen(_) ->
    probe_peer:with(?NO_DISPLAY, fun(Peer) ->
        probe_peer:call(Peer, ?TOOLS, without_screen, [])
    end).

%% Have 2,000 events wait at a handler of a peer, whose queue may be long, with the limit of bursts and
%% without; then let it go.
%% Evidence: the settings of the default handler, how many were printed of how many.
%% Cost: a peer.
%% Misread: what is over the limit is dropped without a word.
%% Source: https://www.erlang.org/doc/apps/kernel/logger_chapter.html#protecting-the-handler-from-overload
-spec log_bursts(#{event_count => pos_integer()}) -> probe_lib:evidence().
log_bursts(Args) ->
    Count = maps:get(event_count, Args, 2_000),
    in_peer(fun(Peer) ->
        Defaults = probe_peer:call(Peer, ?LOGS, defaults, []),
        Printed = fun(Limited) -> probe_peer:call(Peer, ?LOGS, burst, [Limited, Count]) end,
        #{
            defaults => Defaults,
            logged_count => Count,
            limited_count => Printed(true),
            unlimited_count => Printed(false)
        }
    end).

%% Have events wait at a handler of a peer that is held, then let it go.
%% Evidence: for two numbers how many waited at the handler, and how many were printed.
%% Cost: a peer.
%% Misread: a notice says how many were flushed, when the handler is told to print notices.
%% Source: https://www.erlang.org/doc/apps/kernel/logger_chapter.html#protecting-the-handler-from-overload
-spec log_queues(#{few_count => pos_integer(), many_count => pos_integer()}) -> probe_lib:evidence().
log_queues(Args) ->
    in_peer(fun(Peer) ->
        Queue = fun(Count) -> probe_peer:call(Peer, ?LOGS, queue, [Count]) end,
        #{
            few => Queue(maps:get(few_count, Args, 900)),
            many => Queue(maps:get(many_count, Args, 1_500))
        }
    end).

%% Log one more event at a handler of a peer that its device holds up, with none, some and many waiting.
%% Evidence: the settings of the default handler; by case how many wait before, whether who logs goes
%% on, whether he goes on when the device does, and how many are printed at last.
%% Cost: a peer.
%% Misread: the handler changes its mode when it gets to an event, not when one comes.
%% Source: https://www.erlang.org/doc/apps/kernel/logger_chapter.html#protecting-the-handler-from-overload
-spec log_modes(probe_lib:args()) -> probe_lib:evidence().
log_modes(_) ->
    in_peer(fun(Peer) ->
        Mode = fun(Count) -> probe_peer:call(Peer, ?LOGS, mode, [Count]) end,
        Defaults = probe_peer:call(Peer, ?LOGS, defaults, []),
        #{defaults => Defaults, few => Mode(5), some => Mode(100), many => Mode(400)}
    end).

%% Start the tools of the application observer on a peer without a display.
%% Evidence: what the two with windows answer, whether one runs, whether etop prints.
%% Cost: a peer, a second.
%% Misread: an error may also come of a library for windows that the machine lacks.
%% Source: https://www.erlang.org/doc/apps/observer/etop.html
-spec observers_without_screen(probe_lib:args()) -> probe_lib:evidence().
observers_without_screen(_) ->
    probe_peer:with(?NO_DISPLAY, fun(Peer) ->
        probe_peer:call(Peer, ?SCREENS, observers, [])
    end).

%% Stop a process of a peer at a breakpoint of the debugger, without its windows; then let it go on.
%% Evidence: where it is stopped, what it has answered then, and what when it goes on.
%% Cost: a peer.
%% Misread: the module is interpreted from then on, in all processes, and much slower.
%% Source: https://www.erlang.org/doc/apps/debugger/int.html
-spec debugger_stops(probe_lib:args()) -> probe_lib:evidence().
debugger_stops(_) ->
    in_peer(fun(Peer) ->
        probe_peer:call(Peer, ?SCREENS, stepped, [probe_peer:scratch(Peer)])
    end).

%% Connect a node to another one openly, and as a hidden one, and look into a server there.
%% Evidence: in which lists of the other the visitor stands before and after; what it got and did.
%% Cost: four peers.
%% Misread: hidden is not unprivileged.
%% Source: https://www.erlang.org/doc/system/distributed.html#hidden-nodes
-spec hidden_visitor(probe_lib:args()) -> probe_lib:evidence().
hidden_visitor(_) ->
    #{open => ?TOOLS:visitors(open), hidden => ?TOOLS:visitors(hidden)}.

%% Start a shell on another node as -remsh does, and one on the node at which it is used, and enter
%% the same lines in both.
%% Evidence: the first prompt, where the expressions are evaluated, and where what they print comes out.
%% Cost: four peers.
%% Misread: the terminal is a process of the probe and no real one; the shell is OTP's own.
%% Source: https://www.erlang.org/doc/apps/erts/erl_cmd.html
-spec remote_shell(probe_lib:args()) -> probe_lib:evidence().
remote_shell(_) ->
    maps:from_list([
        {Kind, visited(fun(Cluster) -> ?SHELLS:spoken(Cluster, At) end)}
     || {Kind, At} <- [{remote, host}, {local, guest}]
    ]).

%% Close the terminal of a shell on another node, and enter q() in a second one; and kill the node at
%% which such a shell is used while it evaluates.
%% Evidence: what is left of shell and nodes; what of the shell, its expression and a process that
%% this has spawned is there before and after the kill.
%% Cost: four peers, of which two end.
%% Misread: a node that vanishes without closing its connection is missed only after net_ticktime.
%% Source: https://www.erlang.org/doc/apps/stdlib/c.html#q/0
-spec remote_shell_ends(probe_lib:args()) -> probe_lib:evidence().
remote_shell_ends(_) ->
    #{quit => visited(fun ?SHELLS:quit/1), cut => visited(fun ?SHELLS:cut/1)}.

visited(Fun) ->
    probe_cluster:with(#{nodes => [guest, host]}, Fun).

in_peer(Fun) ->
    probe_peer:with(#{}, Fun).
