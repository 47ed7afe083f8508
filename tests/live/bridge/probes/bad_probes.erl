%% Probes that misbehave in every way that the harness must outlive.
-module(bad_probes).

-export([
    raises/1, setup/1, throws/1, exits/1, killed/1, returns_list/1, same_keys/1,
    deep/1, large/1, exploding/1, hangs/1, starves/1, leaves/1, lazy/1, linked_child/1, slow_child/1, token/1,
    halts/1, kills_vm/1, stops_vm/1, memory/1, atoms/1, floods/1,
    frame_cut/1, frame_lies/1, frame_huge/1, garbage/1, bomb/1, deep_frame/1, wrong_id/1,
    many_nodes/1, casts_without_end/1, closes_pipe/1, kills_bridge/1
]).

raises(_) -> error({some, <<"reason">>}).
setup(_) -> error({setup, no_such_thing}).
throws(_) -> throw(thrown).
exits(_) -> exit(left).
killed(_) -> exit(self(), kill), timer:sleep(10000).
returns_list(_) -> [1].
same_keys(_) -> #{a => 1, <<"a">> => 2}.

deep(#{depth := Depth}) ->
    #{deep => lists:foldl(fun(_, Inner) -> [Inner] end, [], lists:seq(1, Depth))}.

large(#{size_bytes := Size}) ->
    #{text => binary:copy(<<"x">>, Size)}.

%% Shared on the heap, 2^60 elements when it is written out.
exploding(_) ->
    #{tree => lists:foldl(fun(_, Half) -> {Half, Half} end, leaf, lists:seq(1, 60))}.

hangs(_) ->
    receive
        never -> #{}
    end.

%% Nobody else gets a scheduler: more loops of the highest priority than there are schedulers.
starves(_) ->
    Loops = 4 * erlang:system_info(schedulers),
    _ = [spawn_opt(fun starve/0, [{priority, max}]) || _ <- lists:seq(1, Loops)],
    starve().

starve() -> starve().

%% Sets a token of sequential tracing, or only tells the one that it has.
token(#{set := Set}) ->
    _ = Set andalso seq_trace:set_token(label, 17),
    Token =
        case seq_trace:get_token(label) of
            {label, Label} -> {Label};
            [] -> []
        end,
    #{token => iolist_to_binary(io_lib:format("~w", [Token]))}.

leaves(#{what := What}) ->
    leave(What),
    #{}.

leave(<<"process">>) -> spawn(fun() -> timer:sleep(infinity) end);
leave(<<"port">>) -> Port = open_port({spawn, "cat"}, []), port_connect(Port, whereis(init));
leave(<<"table">>) -> ets:new(left, [{heir, whereis(init), none}]);
leave(<<"name">>) -> register(left_name, spawn(fun() -> timer:sleep(infinity) end));
leave(<<"term">>) -> persistent_term:put({?MODULE, left}, 1);
leave(<<"module">>) ->
    Forms = [{attribute, 1, module, left_module}],
    {ok, left_module, Beam} = compile:forms(Forms, []),
    {module, _} = code:load_binary(left_module, "memory", Beam);
leave(<<"trace">>) -> erlang:trace(new_processes, true, [call, {tracer, whereis(init)}]);
leave(<<"monitor">>) -> erlang:system_monitor(whereis(init), [busy_port]);
leave(<<"flag">>) -> erlang:system_flag(min_heap_size, 4185);
leave(<<"sweep">>) -> erlang:system_flag(fullsweep_after, 7).

%% What a VM starts at first use is nobody's leftover.
lazy(_) ->
    {ok, Timer} = timer:apply_after(100000, erlang, node, []),
    {ok, cancel} = timer:cancel(Timer),
    _ = inet:gethostbyname("localhost"),
    _ = crypto:strong_rand_bytes(1),
    #{}.

linked_child(_) ->
    spawn_link(fun() -> timer:sleep(20) end),
    #{}.

slow_child(_) ->
    spawn(fun() -> timer:sleep(50) end),
    #{}.

halts(#{status := Status}) -> erlang:halt(Status).
kills_vm(_) -> signal("KILL").
stops_vm(_) -> signal("STOP").

signal(Name) ->
    os:cmd("kill -" ++ Name ++ " " ++ os:getpid()),
    timer:sleep(infinity).

memory(_) ->
    memory_loop([]).

memory_loop(Held) ->
    memory_loop([lists:duplicate(10000000, x) | Held]).

atoms(#{}) ->
    atoms_loop(0).

atoms_loop(N) ->
    _ = list_to_atom("atom_" ++ integer_to_list(N)),
    atoms_loop(N + 1).

%% Print for a while at full speed, over both of the VM's own ways out.
floods(#{ms := Ms}) ->
    Line = [binary:copy(<<"flood ">>, 1000), 10],
    Deadline = erlang:monotonic_time(millisecond) + Ms,
    Other = spawn_monitor(fun() -> flood(standard_error, Line, Deadline) end),
    Count = flood(user, Line, Deadline),
    {_, Ref} = Other,
    receive
        {'DOWN', Ref, _, _, _} -> #{lines_count => Count}
    end.

flood(Device, Line, Deadline) ->
    flood(Device, Line, Deadline, 0).

flood(Device, Line, Deadline, Count) ->
    io:put_chars(Device, Line),
    case erlang:monotonic_time(millisecond) >= Deadline of
        true -> Count + 1;
        false -> flood(Device, Line, Deadline, Count + 1)
    end.

%% --- What comes over the pipe is no frame, no term, no answer ----------------------------------

%% The bridge's port frames what it is given, so raw bytes go through a descriptor of our own.
raw(Bytes) ->
    {ok, File} = file:open("/proc/self/fd/4", [write, raw, binary]),
    ok = file:write(File, Bytes),
    File.

frame_cut(_) -> raw(<<100:32, "hello">>), erlang:halt(0).
frame_lies(_) -> raw(<<100:32, "hello">>), timer:sleep(infinity).
frame_huge(_) -> raw(<<16#ffffffff:32, "hello">>), timer:sleep(infinity).
garbage(_) -> raw(<<5:32, "hello">>), timer:sleep(infinity).

framed(Payload) ->
    raw([<<(byte_size(Payload)):32>>, Payload]),
    timer:sleep(infinity).

bomb(_) ->
    Packed = zlib:compress(binary:copy(<<0>>, 80 * 1024 * 1024)),
    framed(<<131, 80, (80 * 1024 * 1024):32, Packed/binary>>).

deep_frame(#{depth := Depth}) ->
    framed(<<131, (binary:copy(<<104, 1>>, Depth))/binary, 106>>).

many_nodes(_) ->
    Count = 30000000,
    framed(<<131, 108, Count:32, (binary:copy(<<106>>, Count))/binary, 106>>).

wrong_id(_) -> framed(term_to_binary({'r', 123456789, ok}, [{minor_version, 1}])).

casts_without_end(_) ->
    Port = hd([P || P <- erlang:ports(), {name, "3/4"} =:= erlang:port_info(P, name)]),
    cast(Port, term_to_binary({'M', again})).

cast(Port, Frame) ->
    port_command(Port, Frame),
    cast(Port, Frame).

closes_pipe(_) ->
    [port_close(Port) || Port <- erlang:ports(), {name, "3/4"} =:= erlang:port_info(Port, name)],
    timer:sleep(infinity).

kills_bridge(_) ->
    exit(whereis(probe_bridge), kill),
    timer:sleep(infinity).
