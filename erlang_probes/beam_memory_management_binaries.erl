%% Binaries for the probes of beam-memory-management: ways to make them and to let them arrive, to
%% take parts of them, to let a process hold and drop them, to count what a collection releases.
%% Knows where to look for them; knows no claim. Not a probe module.
-module(beam_memory_management_binaries).

%% Holding.
-export([quiet/0, bytes/1, hold/2, collected/2, hand_over/2, dropped/3]).
%% Making.
-export([border/2, literal/0, appended/2, appended_words/2, comprehended/1]).
%% Arriving.
-export([arrivals/1, arrival_border/1]).
%% Taking parts.
-export([part_ways/0, retained/2, walk_matching/2, walk_splitting/2]).
%% Finding leaks.
-export([leak_round/0, released_from_receiver/1]).

-define(COLLECTIONS, beam_memory_management_collections).
-define(DEADLINE_MS, 5_000).

%%% Holding

%% Spawn options of a subject with so much room that only forced collections happen.
-spec quiet() -> [{min_heap_size | min_bin_vheap_size, pos_integer()}].
quiet() ->
    [{min_heap_size, 10_000}, {min_bin_vheap_size, 100_000_000}].

%% A binary of Size bytes, built now, and nothing else; quicker than to copy byte by byte.
-spec bytes(non_neg_integer()) -> binary().
bytes(Size) ->
    <<7:Size/unit:8>>.

%% Make Pid hold what Make returns as its only state; returns the sizes of what it then has off the
%% heap.
-spec hold(pid(), fun(() -> term())) -> [non_neg_integer()].
hold(Pid, Make) ->
    probe_lib:ask(Pid, fun(_) -> {ok, Make()} end),
    collected(Pid, major).

%% Collect Pid, and return the off-heap sizes that it refers to afterwards.
-spec collected(pid(), minor | major) -> [non_neg_integer()].
collected(Pid, Type) ->
    true = erlang:garbage_collect(Pid, [{type, Type}]),
    probe_measure:off_heap_sizes(Pid).

%% Have one subject send its state to another, which keeps it as its own.
-spec hand_over(pid(), pid()) -> ok.
hand_over(From, To) ->
    probe_lib:ask(From, fun(State) ->
        {probe_lib:ask(To, fun(_) -> {ok, State} end), State}
    end).

%% A subject that made a binary of Size bytes, kept it through so many minor collections and then
%% dropped its only reference.
-spec dropped(list(), pos_integer(), non_neg_integer()) -> pid().
dropped(SpawnOptions, Size, Promotions) ->
    Pid = probe_lib:subject(SpawnOptions),
    probe_lib:ask(Pid, fun(_) -> {ok, bytes(Size)} end),
    [[Size] = collected(Pid, minor) || _ <- lists:seq(1, Promotions)],
    probe_lib:ask(Pid, fun(_) -> {ok, none} end),
    Pid.

%%% Making

%% The largest of the sizes at which nothing is off the heap, and the smallest at which something
%% is; `none' where there is no such size.
-spec border([Size], fun((Size) -> [non_neg_integer()])) -> {Size | none, Size | none}.
border(Sizes, OffHeapAt) ->
    probe_measure:sweep(Sizes, fun(Size) -> OffHeapAt(Size) =/= [] end).

%% A binary that is a literal of this module.
-spec literal() -> binary().
literal() ->
    <<"A literal of more than sixty-four bytes, so that only its being a literal can keep it off "
        "the list of the process that uses it, whatever its size.">>.

%% Binary with one byte after the other appended, Left times.
-spec appended(binary(), non_neg_integer()) -> binary().
appended(Binary, 0) -> Binary;
appended(Binary, Left) -> appended(<<Binary/binary, Left>>, Left - 1).

%% The heap words of Binary with one byte after the other appended, Left times, by its size.
-spec appended_words(binary(), non_neg_integer()) -> [probe_measure:sample()].
appended_words(_, 0) -> [];
appended_words(Binary, Left) ->
    Longer = <<Binary/binary, Left>>,
    [{byte_size(Longer), erts_debug:flat_size(Longer)} | appended_words(Longer, Left - 1)].

%% A binary of Size bytes that a comprehension made.
-spec comprehended(non_neg_integer()) -> binary().
comprehended(Size) ->
    << <<Byte>> || Byte <- lists:duplicate(Size, 7) >>.

%%% Arriving

%% Ways in which binaries come in from outside: how the reader opens one, takes so many bytes from
%% it, and closes it.
-spec arrivals(file:filename()) -> #{atom() => {Open, Read, Close}} when
    Open :: fun(() -> Handle),
    Read :: fun((Handle, pos_integer()) -> binary()),
    Close :: fun((Handle) -> term()).
arrivals(Folder) ->
    #{
        port => {fun open_cat/0, fun echo/2, fun erlang:port_close/1},
        file => {fun() -> open_file(Folder) end, fun read/2, fun file:close/1},
        socket => {fun open_sockets/0, fun receive_bytes/2, fun close_sockets/1}
    }.

open_cat() ->
    open_port({spawn, "cat"}, [binary, {packet, 2}]).

echo(Port, Size) ->
    port_command(Port, bytes(Size)),
    receive
        {Port, {data, Data}} -> Data
    after ?DEADLINE_MS -> error({setup, {no_echo, Size}})
    end.

open_file(Folder) ->
    Name = filename:join(Folder, "bytes"),
    ok = file:write_file(Name, bytes(1000)),
    {ok, File} = file:open(Name, [read, raw, binary]),
    File.

read(File, Size) ->
    {ok, Data} = file:pread(File, 0, Size),
    Data.

open_sockets() ->
    Loopback = {127, 0, 0, 1},
    Options = [binary, {active, false}],
    {ok, Listening} = gen_tcp:listen(0, [{ip, Loopback} | Options]),
    {ok, Port} = inet:port(Listening),
    {ok, Out} = gen_tcp:connect(Loopback, Port, Options, ?DEADLINE_MS),
    {ok, In} = gen_tcp:accept(Listening, ?DEADLINE_MS),
    ok = gen_tcp:close(Listening),
    {Out, In}.

receive_bytes({Out, In}, Size) ->
    ok = gen_tcp:send(Out, bytes(Size)),
    {ok, Data} = gen_tcp:recv(In, Size, ?DEADLINE_MS),
    Data.

close_sockets({Out, In}) ->
    ok = gen_tcp:close(Out),
    ok = gen_tcp:close(In).

%% The border that a reader meets which takes binaries of 1 to 200 bytes in one of these ways.
-spec arrival_border({fun(), fun(), fun()}) -> {pos_integer() | none, pos_integer() | none}.
arrival_border({Open, Read, Close}) ->
    probe_lib:with_process([], fun(Reader) ->
        probe_lib:ask(Reader, fun(_) -> {ok, {Open(), none}} end),
        Border = border(lists:seq(1, 200), fun(Size) ->
            Size = probe_lib:ask(Reader, fun({Handle, _}) ->
                Data = Read(Handle, Size),
                {byte_size(Data), {Handle, Data}}
            end),
            collected(Reader, major)
        end),
        probe_lib:ask(Reader, fun({Handle, _}) -> {ok, Close(Handle)} end),
        Border
    end).

%%% Taking parts

%% Ways of taking a part of Size bytes out of Whole.
-spec part_ways() -> #{atom() => fun((binary(), non_neg_integer()) -> binary())}.
part_ways() ->
    #{
        match_front => fun(Whole, Size) ->
            <<Part:Size/binary, _/binary>> = Whole,
            Part
        end,
        match_rest => fun(Whole, Size) ->
            Skip = byte_size(Whole) - Size,
            <<_:Skip/binary, Part/binary>> = Whole,
            Part
        end,
        binary_part => fun(Whole, Size) -> binary:part(Whole, 1, Size) end,
        split_binary => fun(Whole, Size) -> element(1, split_binary(Whole, Size)) end,
        re_run => fun(Whole, Size) ->
            Pattern = [".{", integer_to_list(Size), "}"],
            {match, [Part]} = re:run(Whole, Pattern, [dotall, {capture, first, binary}]),
            Part
        end
    }.

%% Of parts of these sizes the largest that lets the whole go, being all that Holder keeps, and the
%% smallest that keeps all of it: a copy of the part would not be listed with the whole's size.
-spec retained([Size], fun((Size) -> [non_neg_integer()])) -> {Size | none, Size | none} when
    Size :: pos_integer().
retained(Sizes, HeldAt) ->
    Held = [{Size, HeldAt(Size)} || Size <- Sizes],
    {Copied, _} = probe_measure:sweep(Sizes, fun(Size) ->
        not lets_go(Size, proplists:get_value(Size, Held))
    end),
    {_, Retaining} = probe_measure:sweep(Sizes, fun(Size) ->
        lists:any(fun(Bytes) -> Bytes > Size end, proplists:get_value(Size, Held))
    end),
    {Copied, Retaining}.

lets_go(Size, Held) ->
    lists:all(fun(Bytes) -> Bytes =< Size end, Held).

%% Count the bytes by matching one and the rest: the compiler keeps one match context.
-spec walk_matching(binary(), non_neg_integer()) -> non_neg_integer().
walk_matching(<<_, Rest/binary>>, Count) -> walk_matching(Rest, Count + 1);
walk_matching(<<>>, Count) -> Count.

%% Count the bytes by splitting off one at a time.
-spec walk_splitting(binary(), non_neg_integer()) -> non_neg_integer().
walk_splitting(<<>>, Count) -> Count;
walk_splitting(Binary, Count) ->
    {_, Rest} = split_binary(Binary, 1),
    walk_splitting(Rest, Count + 1).

%%% Finding leaks

%% recon:bin_leak/1 for one process: the references before a collection less those after it.
-spec released_references(pid()) -> integer().
released_references(Pid) ->
    {binary, Before} = process_info(Pid, binary),
    true = erlang:garbage_collect(Pid),
    {binary, After} = process_info(Pid, binary),
    length(Before) - length(After).

%% One round of recon's method over processes that differ in what they did with binaries.
-spec leak_round() -> map().
leak_round() ->
    Make = fun(Count) -> [bytes(1000) || _ <- lists:seq(1, Count)] end,
    Roles = #{
        dropped_50_count => fun() -> {length(Make(50)), none} end,
        dropped_20_count => fun() -> {length(Make(20)), none} end,
        dropped_then_collected_count => fun() ->
            Count = length(Make(50)),
            {erlang:garbage_collect() andalso Count, none}
        end,
        keeping_100_count => fun() -> Kept = Make(100), {length(Kept), Kept} end,
        having_none_count => fun() -> {0, none} end
    },
    Made = maps:map(fun(_, Do) -> made_subject(Do) end, Roles),
    Subjects = maps:map(fun(_, {Pid, _}) -> Pid end, Made),
    try
        Released = maps:map(fun(_, Pid) -> released_references(Pid) end, Subjects),
        {_, Leader} = lists:max([{Count, Role} || {Role, Count} <- maps:to_list(Released)]),
        Keeper = maps:get(keeping_100_count, Subjects),
        #{
            made => maps:map(fun(_, {_, Count}) -> Count end, Made),
            released => Released,
            released_again => maps:map(fun(_, Pid) -> released_references(Pid) end, Subjects),
            leader => Leader,
            keeper_off_heap_bytes => probe_measure:off_heap_bytes(Keeper)
        }
    after
        probe_lib:kill_all(maps:values(Subjects))
    end.

made_subject(Do) ->
    Pid = probe_lib:subject(quiet()),
    {Pid, probe_lib:ask(Pid, fun(_) -> Do() end)}.

%% What recon's method finds of a process with default settings that has received so many binaries
%% and dropped each.
-spec released_from_receiver(pos_integer()) -> #{atom() => non_neg_integer()}.
released_from_receiver(Count) ->
    {{Handled, Released}, Collections} = ?COLLECTIONS:collections([], fun(Receiver) ->
        _ = probe_lib:ask(Receiver, fun(_) -> {ok, 0} end),
        lists:foreach(fun(_) -> ok = hand_one(Receiver) end, lists:seq(1, Count)),
        Handled = probe_lib:ask(Receiver, fun(Handled) -> {Handled, Handled} end),
        {Handled, released_references(Receiver)}
    end),
    #{
        handled_count => Handled,
        released_count => Released,
        % The last one is the forced one.
        collections_count => length(Collections) - 1
    }.

hand_one(Receiver) ->
    Binary = bytes(1000),
    probe_lib:ask(Receiver, fun(Handled) -> {ok, Handled + byte_size(Binary) div 1000} end).
