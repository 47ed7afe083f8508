%% Memory of every kind in processes that have a max_heap_size, for the probes of
%% beam-process-design: how such a process fares. Knows nothing of any claim.
-module(beam_process_design_heap_limit).

-export([
    grow_and_catch/1,
    summary/2,
    kinds/0,
    fate/2,
    deep_with_limit/2
]).

-define(COPIES, beam_process_design_copies).
-define(WAIT_MS, 5_000).

%% Build a list of N elements within a catch for everything; ends by what came of it.
-spec grow_and_catch(pos_integer()) -> no_return().
grow_and_catch(N) ->
    Outcome =
        try length(?COPIES:ints(N)) of
            N -> completed
        catch
            _:_ -> caught
        end,
    exit(Outcome).

%% Of the log events about one process: how many, and level and text of the first.
-spec summary(pid(), [logger:log_event()]) -> map().
summary(Pid, Events) ->
    Own = [Event || #{meta := #{pid := P}} = Event <- Events, P =:= Pid],
    First =
        case Own of
            [#{level := Level, msg := {Format, Args}} | _] when is_list(Format) ->
                #{level => Level, text => probe_capture:text(Format, Args)};
            _ ->
                #{}
        end,
    First#{logged_count => length(Own)}.

%% The kinds of memory that fate/2 knows.
-spec kinds() -> [atom()].
kinds() ->
    [
        nothing,
        heap,
        old_heap,
        garbage,
        stack,
        dictionary,
        messages_on_heap,
        messages_off_heap,
        binaries,
        ets_table
    ].

%% How a process with much memory of a kind fares when it is given a limit and then collected:
%% `alive', or its exit reason.
-spec fate(atom(), pos_integer() | map()) -> term().
fate(Kind, Size) when is_integer(Size) ->
    fate(Kind, #{size => Size, kill => true, error_logger => false});
fate(Kind, Limit) ->
    Options = [{message_queue_data, off_heap} || Kind =:= messages_off_heap],
    Pid = probe_lib:subject(Options),
    Ref = erlang:monitor(process, Pid),
    try
        load(Kind, Pid, Limit),
        _ =
            case Kind of
                old_heap -> minor(Pid);
                _ -> erlang:garbage_collect(Pid)
            end,
        probe_lib:gone(Ref, 100)
    after
        probe_lib:kill_all([Pid])
    end.

%% Let the process have what the kind says and its limit, so that the collection to come is the
%% first that judges. Messages and stack come to a process that has its limit or sets it there.
load(stack, Pid, Limit) ->
    Pid ! {ask, self(), make_ref(), fun(_) -> deep(200_000, Limit) end},
    #{settled := true} = probe_lib:settle(
        fun() ->
            case process_info(Pid, [status, garbage_collection]) of
                [{status, waiting}, {garbage_collection, Info}] ->
                    #{size := Size} = proplists:get_value(max_heap_size, Info),
                    Size > 0 andalso {done, Size};
                Other ->
                    Other
            end
        end,
        ?WAIT_MS
    ),
    ok;
load(Kind, Pid, Limit) ->
    probe_lib:ask(Pid, fun(_) -> {ok, hold(Kind)} end),
    _ = Kind =:= old_heap andalso [minor(Pid) || _ <- [1, 2]],
    _ = Kind =:= ets_table andalso erlang:garbage_collect(Pid),
    _ = probe_lib:ask(Pid, fun(State) -> {process_flag(max_heap_size, Limit), State} end),
    _ = [
        Pid ! {I, I, I, I, I, I, I, I, I, I, I}
     || Kind =:= messages_on_heap orelse Kind =:= messages_off_heap,
        I <- lists:seq(1, 20_000)
    ],
    ok.

minor(Pid) ->
    erlang:garbage_collect(Pid, [{type, minor}]).

hold(Kind) when Kind =:= heap; Kind =:= old_heap -> ?COPIES:ints(100_000);
hold(binaries) -> [binary:copy(binary:copy(<<I>>, 1_000), 1_000) || I <- lists:seq(1, 10)];
hold(dictionary) -> put(held, ?COPIES:ints(100_000));
hold(ets_table) -> ets:insert(ets:new(?MODULE, []), {held, ?COPIES:ints(100_000)});
hold(garbage) -> length(?COPIES:ints(100_000));
hold(_) -> nothing.

%% A stack of N words, at whose end the process takes its limit and waits. It must be able to
%% return, or the compiler keeps no stack for it.
deep(0, Limit) ->
    _ = process_flag(max_heap_size, Limit),
    receive
        {deaf, never} -> 0
    end;
deep(N, Limit) ->
    1 + deep(N - 1, Limit).

%% The exit reason of a process whose stack passes its limit.
-spec deep_with_limit(pos_integer(), pos_integer()) -> term().
deep_with_limit(Depth, Words) ->
    Limit = #{size => Words, kill => true, error_logger => false},
    {_, Ref} = spawn_opt(fun() -> deep(Depth, 0) end, [monitor, {max_heap_size, Limit}]),
    probe_lib:gone(Ref, ?WAIT_MS).
