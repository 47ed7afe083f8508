%% Receives for the probes of beam-process-design: what a receive skips, by where the value that it
%% matches comes from. Measures; knows nothing of any claim.
-module(beam_process_design_receive).

-export([
    skipped/2,
    forms/1,
    take/2
]).

-define(MAILBOX, beam_process_design_mailbox).
-define(WAIT_MS, 5_000).

%% How many messages the receive of Form looks at and skips, with Waiting unrelated ones in front:
%% a receive costs one reduction for each message that it skips, so reductions count the attempts.
-spec skipped(atom(), non_neg_integer()) -> integer().
skipped(Form, Waiting) ->
    ?MAILBOX:in_filled(Waiting, fun() -> form(Form, Waiting) end) - ?MAILBOX:in_filled(0, fun() -> form(Form, 0) end).

%% The forms of a group: by how the reference is made, by how it comes to the receive, by what else
%% stands in the receive, and values that are no reference of that kind.
-spec forms(created | handed_over | clauses | other_values) -> [atom()].
forms(created) -> [make_ref, monitor, monitor_alias, alias, spawn_monitor, spawn_request];
forms(handed_over) -> [argument, returned, other_module, in_record, in_map, in_dictionary];
forms(clauses) -> [with_after, with_guard, other_clause, either_call, two_references];
forms(other_values) -> [spawn_opt_monitor, start_timer, unique_integer, any_message, two_patterns].

%% Each clause makes a value, has a message that carries it arrive, and counts what its receive
%% costs. Creation and receive must stand where they stand: their places are what is tested.
form(any_message, N) ->
    self() ! wanted,
    Before = arrived(N),
    receive
        wanted -> spent(Before)
    end;
form(two_patterns, N) ->
    self() ! wanted,
    Before = arrived(N),
    receive
        {wanted, as_well} -> spent(Before);
        wanted -> spent(Before)
    end;
form(make_ref, N) ->
    Ref = make_ref(),
    self() ! {Ref, reply},
    Before = arrived(N),
    receive
        {Ref, reply} -> spent(Before)
    end;
form(monitor, N) ->
    Ref = erlang:monitor(process, ended_already()),
    Before = arrived(N),
    receive
        {'DOWN', Ref, process, _, _} -> spent(Before)
    end;
form(monitor_alias, N) ->
    Ref = erlang:monitor(process, whereis(init), [{alias, explicit_unalias}]),
    Ref ! {Ref, reply},
    Before = arrived(N),
    receive
        {Ref, reply} -> spent(Before)
    end;
form(alias, N) ->
    Ref = erlang:alias(),
    Ref ! {Ref, reply},
    Before = arrived(N),
    receive
        {Ref, reply} -> spent(Before)
    end;
form(spawn_monitor, N) ->
    {_, Ref} = spawn_monitor(fun() -> ok end),
    Before = arrived(N),
    receive
        {'DOWN', Ref, process, _, _} -> spent(Before)
    end;
form(spawn_request, N) ->
    Ref = erlang:spawn_request(fun() -> ok end),
    Before = arrived(N),
    receive
        {spawn_reply, Ref, _, _} -> spent(Before)
    end;
form(spawn_opt_monitor, N) ->
    {_, Ref} = spawn_opt(fun() -> ok end, [monitor]),
    Before = arrived(N),
    receive
        {'DOWN', Ref, process, _, _} -> spent(Before)
    end;
form(start_timer, N) ->
    Ref = erlang:start_timer(0, self(), reply),
    Before = arrived(N),
    receive
        {timeout, Ref, reply} -> spent(Before)
    end;
form(unique_integer, N) ->
    Unique = erlang:unique_integer(),
    self() ! {Unique, reply},
    Before = arrived(N),
    receive
        {Unique, reply} -> spent(Before)
    end;
form(with_after, N) ->
    Ref = make_ref(),
    self() ! {Ref, reply},
    Before = arrived(N),
    receive
        {Ref, reply} -> spent(Before)
    after ?WAIT_MS -> error({setup, nothing_arrived})
    end;
form(with_guard, N) ->
    Ref = make_ref(),
    self() ! {Ref, reply},
    Before = arrived(N),
    receive
        {Ref, Reply} when is_atom(Reply) -> spent(Before)
    end;
form(other_clause, N) ->
    Ref = make_ref(),
    self() ! {Ref, reply},
    Before = arrived(N),
    receive
        {Ref, reply} -> spent(Before);
        stop -> error({setup, nothing_arrived})
    end;
form(either_call, N) ->
    Ref =
        case N rem 2 of
            0 -> make_ref();
            1 -> erlang:monitor(process, whereis(init))
        end,
    self() ! {Ref, reply},
    Before = arrived(N),
    receive
        {Ref, reply} -> spent(Before)
    end;
form(two_references, N) ->
    First = make_ref(),
    Second = make_ref(),
    self() ! {Second, reply},
    Before = arrived(N),
    receive
        {First, reply} -> spent(Before);
        {Second, reply} -> spent(Before)
    end;
form(argument, N) ->
    Ref = make_ref(),
    self() ! {Ref, reply},
    take_argument(arrived(N), Ref);
form(returned, N) ->
    Ref = new_reference(),
    self() ! {Ref, reply},
    Before = arrived(N),
    receive
        {Ref, reply} -> spent(Before)
    end;
form(other_module, N) ->
    Ref = make_ref(),
    self() ! {Ref, reply},
    ?MODULE:take(arrived(N), Ref);
form(in_record, N) ->
    Ref = make_ref(),
    self() ! {Ref, reply},
    take_record(arrived(N), {request, Ref, waiting});
form(in_map, N) ->
    Ref = make_ref(),
    self() ! {Ref, reply},
    take_map(arrived(N), #{ref => Ref});
form(in_dictionary, N) ->
    put(ref, make_ref()),
    self() ! {get(ref), reply},
    Before = arrived(N),
    Ref = get(ref),
    receive
        {Ref, reply} -> spent(Before)
    end.

new_reference() ->
    Ref = make_ref(),
    put(made, Ref),
    Ref.

take_argument(Before, Ref) ->
    receive
        {Ref, reply} -> spent(Before)
    end.

take_record(Before, {request, Ref, waiting}) ->
    receive
        {Ref, reply} -> spent(Before)
    end.

take_map(Before, #{ref := Ref}) ->
    receive
        {Ref, reply} -> spent(Before)
    end.

%% The same receive behind a remote call, where the compiler cannot see who made the reference.
-spec take(integer(), reference()) -> integer().
take(Before, Ref) ->
    receive
        {Ref, reply} -> spent(Before)
    end.

%% Wait until a message stands behind the N, and read the reductions last.
arrived(N) ->
    arrived(N, erlang:monotonic_time(millisecond) + ?WAIT_MS).

arrived(N, Deadline) ->
    case ?MAILBOX:waiting(self()) > N of
        true ->
            probe_measure:own_reductions();
        false ->
            erlang:monotonic_time(millisecond) < Deadline orelse error({setup, nothing_arrived}),
            erlang:yield(),
            arrived(N, Deadline)
    end.

spent(Before) ->
    probe_measure:own_reductions() - Before.

%% The pid of a process that has ended.
ended_already() ->
    {Pid, Ref} = spawn_monitor(fun() -> ok end),
    normal = probe_lib:gone(Ref, ?WAIT_MS),
    Pid.
