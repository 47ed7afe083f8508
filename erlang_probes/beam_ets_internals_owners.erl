%% Tables whose owners end, give them away, or forget them.
%% Knows ETS and processes; knows nothing of any claim, and never judges.
-module(beam_ets_internals_owners).

-export([outlived/2, tables/1, owned/1]).

-define(SILENCE_MS, 50).
-define(WAIT_MS, 5_000).

%% Let a process make a table with Options, do End(Owner, Table), kill the owner, and say what
%% became of the table and what message the caller got of it.
-spec outlived([term()], fun((pid(), ets:table()) -> term())) -> probe_lib:evidence().
outlived(Options, End) ->
    Owner = probe_lib:subject([]),
    Table = probe_lib:ask(Owner, fun(_) ->
        New = ets:new(owned, [public | Options]),
        ets:insert(New, {k, v}),
        {New, New}
    end),
    Said = End(Owner, Table),
    _ = probe_lib:kill_and_wait(Owner),
    Answer = transfer(Table, Owner),
    _ = beam_ets_internals_tables:delete(Table),
    Answer#{answer => Said}.

%% What became of the table of a dead owner.
transfer(Table, Owner) ->
    Settled = probe_lib:until(fun() -> ets:info(Table, owner) =/= Owner end, ?WAIT_MS),
    Mine = ets:info(Table, owner) =:= self(),
    Started = erlang:monotonic_time(millisecond),
    Message =
        receive
            {'ETS-TRANSFER', Table, Owner, Data} -> Data
        after listening_ms(Mine) -> none
        end,
    #{
        survives => ets:info(Table, owner) =/= undefined,
        objects_count => ets:info(Table, size),
        mine => Mine,
        transfer_data => Message,
        listened_ms => erlang:monotonic_time(millisecond) - Started,
        owner_changed => maps:get(settled, Settled),
        waited_ms => maps:get(waited_ms, Settled)
    }.

%% A new owner has a message to wait for, however busy the machine.
listening_ms(true) -> ?WAIT_MS;
listening_ms(false) -> ?SILENCE_MS.

%% The tables that a process owns.
-spec tables(pid()) -> [ets:table()].
tables(Pid) ->
    [Table || Table <- ets:all(), ets:info(Table, owner) =:= Pid].

%% Tables, their objects, and binaries off its heap that a living process has.
-spec owned(pid()) -> probe_lib:evidence().
owned(Pid) ->
    Tables = tables(Pid),
    #{
        tables_count => length(Tables),
        objects_count => lists:sum([ets:info(Table, size) || Table <- Tables]),
        binaries_count => length(probe_measure:off_heap(Pid))
    }.
