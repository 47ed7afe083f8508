%% The VM as a whole for the probes of beam-memory-management: what the operating system says that
%% it occupies and writes, its carriers beside that, and binaries by its own counter.
%% Knows how to read them; knows no claim. Not a probe module.
-module(beam_memory_management_system).

-export([written_bytes/0, os_view/0, gained/1, binary_bytes_gained/2, every_fiftieth/1]).

%% The bytes that this operating system process has written, to whatever descriptor.
-spec written_bytes() -> non_neg_integer().
written_bytes() ->
    number_after(<<"wchar:">>, "/proc/self/io").

number_after(Label, File) ->
    case file:read_file(File) of
        {ok, Text} ->
            [_, Rest] = binary:split(Text, Label),
            {Number, _} = string:to_integer(string:trim(Rest, leading)),
            Number;
        {error, Reason} ->
            error({setup, {unreadable, File, Reason}})
    end.

%% What the VM counts, what its carriers for binaries take, and what the system says it occupies.
-spec os_view() -> #{atom() => non_neg_integer()}.
os_view() ->
    #{
        memory_bytes => erlang:memory(total),
        carriers_bytes => carriers_bytes(erlang:system_info({allocator_sizes, binary_alloc})),
        resident_bytes => 1024 * number_after(<<"VmRSS:">>, "/proc/self/status")
    }.

%% The sum of all current carrier sizes, wherever in the allocator's description they stand.
carriers_bytes({carriers_size, Bytes}) -> Bytes;
carriers_bytes({carriers_size, Bytes, _, _}) -> Bytes;
carriers_bytes(Tuple) when is_tuple(Tuple) -> carriers_bytes(tuple_to_list(Tuple));
carriers_bytes([Head | Tail]) -> carriers_bytes(Head) + carriers_bytes(Tail);
carriers_bytes(_) -> 0.

-spec gained(#{atom() => integer()}) -> #{atom() => integer()}.
gained(Base) ->
    maps:map(fun(Key, Now) -> Now - maps:get(Key, Base) end, os_view()).

%% What erlang:memory(binary) has gained since it was Base, once it is at rest, as a share of Bytes.
-spec binary_bytes_gained(non_neg_integer(), pos_integer()) -> float().
binary_bytes_gained(Base, Bytes) ->
    (probe_measure:memory_at_rest(binary) - Base) / Bytes.

-spec every_fiftieth(list()) -> list().
every_fiftieth(All) ->
    [Kept || {Index, Kept} <- lists:zip(lists:seq(1, length(All)), All), Index rem 50 =:= 0].
