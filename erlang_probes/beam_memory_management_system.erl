%% The operating system's view for the probes of beam-memory-management: what it says the VM
%% occupies and writes, and the VM's carriers beside it. Knows no claim. Not a probe module.
-module(beam_memory_management_system).

-export([
    written_bytes/0,
    os_view/0,
    gained/1
]).

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
