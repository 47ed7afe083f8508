%% Tools that trace with the interface of erlang:trace/3, for the probes: processes that set traces
%% and hear of them. Knows nothing of any claim.
-module(beam_observability_debugging_tracing).

-export([
    heard_when/3,
    second_tracer/0,
    taken_away/0,
    shared_patterns/0,
    globally_off/0,
    loading/0,
    unread/1
]).
%% For the apparatus of sessions and of dbg.
-export([
    with_cast/2,
    trace/3,
    pattern/2,
    unset/0,
    calls/1,
    heard/2,
    labels/1
]).

-define(TRACED, beam_observability_debugging_traced).
-define(SESSIONS, beam_observability_debugging_sessions).
-define(FUNCTION, {?TRACED, plus_one, 1}).
-define(RETURNS, [{'_', [], [{return_trace}]}]).
-define(DEADLINE_MS, 5_000).

-type cast() :: #{atom() => pid()}.

%%% Whole cases

%% Set the flag of a process, a pattern, both, or neither; then the process or another one calls
%% the function: what it was answered, and what the tool heard.
-spec heard_when(boolean(), boolean(), subject | other) -> probe_lib:evidence().
heard_when(Flagged, Patterned, Caller) ->
    with_cast(fun(Cast) ->
        #{first := Tool, subject := Subject} = Cast,
        Flagged andalso trace(Tool, Subject, true),
        Patterned andalso pattern(Tool, true),
        Answers = calls(maps:get(Caller, Cast)),
        #{answers => Answers, heard => heard(Tool, maps:get(Caller, Cast))}
    end).

%% Two tools want the same process; then the first one dies.
-spec second_tracer() -> probe_lib:evidence().
second_tracer() ->
    with_cast(fun(#{first := First, second := Second, subject := Subject}) ->
        Asked = #{
            first_outcome => trace(First, Subject, true),
            pattern_outcome => pattern(First, true),
            second_outcome => trace(Second, Subject, true),
            answers => calls(Subject),
            first_heard => heard(First, Subject),
            second_heard => heard(Second, Subject)
        },
        killed = probe_lib:kill_and_wait(First),
        Asked#{
            orphan => #{
                flags_gone => probe_lib:until(fun() -> flags(Subject) =:= [] end, ?DEADLINE_MS),
                second_outcome => trace(Second, Subject, true),
                answers => calls(Subject),
                second_heard => heard(Second, Subject)
            }
        }
    end).

%% One tool traces a process, another one takes it away.
-spec taken_away() -> probe_lib:evidence().
taken_away() ->
    with_cast(fun(#{first := First, second := Second, subject := Subject}) ->
        <<"1">> = trace(First, Subject, true),
        _ = pattern(First, true),
        Before = {calls(Subject), heard(First, Subject)},
        Off = trace(Second, Subject, false),
        On = trace(Second, Subject, true),
        Answers = calls(Subject),
        #{
            heard_before => element(2, Before),
            off_outcome => Off,
            on_outcome => On,
            answers => Answers,
            first_heard => heard(First, Subject),
            second_heard => heard(Second, Subject)
        }
    end).

%% Two tools trace a process each, and set patterns of the same function.
-spec shared_patterns() -> probe_lib:evidence().
shared_patterns() ->
    with_cast(fun(#{first := First, second := Second, subject := Subject, other := Other}) ->
        <<"1">> = trace(First, Subject, true),
        <<"1">> = trace(Second, Other, true),
        Hear = fun() ->
            Answers = {calls(Subject), calls(Other)},
            #{
                answers => tuple_to_list(Answers),
                first_heard => heard(First, Subject),
                second_heard => heard(Second, Other)
            }
        end,
        _ = pattern(First, ?RETURNS),
        ByFirst = Hear(),
        _ = pattern(Second, true),
        BySecond = Hear(),
        _ = pattern(Second, false),
        #{by_first => ByFirst, by_second => BySecond, cleared => Hear()}
    end).

%% Two tools trace a process each, a session (where there are any) traces the first one as well;
%% somebody switches all tracing off, by the flags or by the patterns.
-spec globally_off() -> probe_lib:evidence().
globally_off() ->
    #{
        by_flags => switched_off(fun() -> erlang:trace(all, false, [all]) end),
        by_patterns => switched_off(fun() ->
            erlang:trace_pattern({'_', '_', '_'}, false, [local])
        end)
    }.

switched_off(Off) ->
    with_cast(fun(#{first := First, second := Second, subject := Subject, other := Other} = Cast) ->
        ?SESSIONS:with_session(Cast, fun(Session) ->
            <<"1">> = trace(First, Subject, true),
            <<"1">> = trace(Second, Other, true),
            _ = pattern(First, true),
            Hear = fun() ->
                Answers = [calls(Subject), calls(Other)],
                #{
                    answers => Answers,
                    first_heard => heard(First, Subject),
                    second_heard => heard(Second, Other),
                    session_heard => Session()
                }
            end,
            Before = Hear(),
            Touched = probe_lib:in_process(Off),
            #{touched_count => Touched, before => Before, afterwards => Hear()}
        end)
    end).

%% Set a pattern before its module is loaded, again after that, and load the module again: on a VM
%% that has not loaded it.
-spec loading() -> probe_lib:evidence().
loading() ->
    Module = array,
    false = code:is_loaded(Module),
    with_cast(fun(#{first := Tool, subject := Subject}) ->
        <<"1">> = trace(Tool, Subject, true),
        Set = fun(Function) ->
            as(Tool, fun() -> erlang:trace_pattern(Function, true, [global]) end)
        end,
        Hear = fun() ->
            Size = probe_lib:ask(Subject, fun(S) -> {array:size(array:new(7)), S} end),
            #{size_count => Size, heard_count => length(heard(Tool, Subject))}
        end,
        Early = Set({Module, new, 1}),
        First = Hear(),
        Late = Set({Module, new, 1}),
        Second = Hear(),
        true = code:delete(Module),
        {module, Module} = code:load_file(Module),
        Third = Hear(),
        On = Set(on_load),
        _ = code:purge(Module),
        true = code:delete(Module),
        {module, Module} = code:load_file(Module),
        #{
            not_loaded => First#{outcome => Early},
            loaded => Second#{outcome => Late},
            loaded_again => Third,
            on_load => (Hear())#{outcome => On}
        }
    end).

%% A process calls a traced function so often, and its tool reads nothing: what lies in the tool's
%% mailbox, and how many words it holds.
-spec unread(non_neg_integer()) -> probe_lib:evidence().
unread(Count) ->
    with_cast(fun(#{first := Tool, subject := Subject}) ->
        <<"1">> = trace(Tool, Subject, true),
        _ = pattern(Tool, true),
        Count = probe_lib:ask(Subject, fun(S) ->
            {length([?TRACED:plus_one(I) || I <- lists:seq(1, Count)]), S}
        end),
        ok = probe_lib:delivered(Subject),
        {message_queue_len, Waiting} = process_info(Tool, message_queue_len),
        #{call_count => Count, waiting_count => Waiting, memory_words => memory_words(Tool)}
    end).

memory_words(Pid) ->
    round(probe_measure:memory_words(Pid)).

%%% Parts

%% Processes by these names; whatever was set of the traced functions goes afterwards. Their module
%% is loaded first, as a pattern matches nothing of one that is not.
-spec with_cast(fun((cast()) -> Value), [atom()]) -> Value.
with_cast(Fun, Names) ->
    {module, ?TRACED} = code:ensure_loaded(?TRACED),
    Cast = maps:from_list([{Name, probe_lib:subject([])} || Name <- Names]),
    try
        Fun(Cast)
    after
        unset(),
        probe_lib:kill_all(maps:values(Cast))
    end.

with_cast(Fun) ->
    with_cast(Fun, [first, second, subject, other]).

%% Have a tool switch the call flag of a process on, or all its flags off.
-spec trace(pid(), pid(), boolean()) -> binary().
trace(Tool, Pid, true) -> as(Tool, fun() -> erlang:trace(Pid, true, [call]) end);
trace(Tool, Pid, false) -> as(Tool, fun() -> erlang:trace(Pid, false, [all]) end).

%% Have a tool set the pattern of the traced function.
-spec pattern(pid(), boolean() | list()) -> binary().
pattern(Tool, Specification) ->
    as(Tool, fun() -> erlang:trace_pattern(?FUNCTION, Specification, [local]) end).

as(Tool, Fun) ->
    probe_lib:ask(Tool, fun(State) -> {probe_capture:outcome(Fun), State} end).

%% Take the patterns of all traced functions away.
-spec unset() -> non_neg_integer().
unset() ->
    erlang:trace_pattern({?TRACED, '_', '_'}, false, [local]).

%% Have a process call the traced function with 1, 2 and 3: what it was answered.
-spec calls(pid()) -> [integer()].
calls(Pid) ->
    probe_lib:ask(Pid, fun(State) -> {[?TRACED:plus_one(X) || X <- [1, 2, 3]], State} end).

%% What a tool has heard of a process, which it then forgets.
-spec heard(pid(), pid()) -> [binary()].
heard(Tool, Pid) ->
    ok = probe_lib:delivered(Pid),
    labels(probe_lib:ask(Tool, fun(State) -> {drain(), State} end)).

%% Trace messages as short text, whatever else came as it is.
-spec labels([term()]) -> [binary()].
labels(Messages) ->
    [label(Message) || Message <- Messages].

label({trace, _, call, {_, _, [X | _]}}) ->
    probe_capture:text("call ~0tp", [X]);
label({trace, _, call, {_, _, [X | _]}, More}) ->
    probe_capture:text("call ~0tp saying ~0tp", [X, More]);
label({trace, _, return_from, _, Value}) ->
    probe_capture:text("return ~0tp", [Value]);
label({trace, _, exception_from, _, {Class, Reason}}) ->
    probe_capture:text("exception ~0tp ~0tp", [Class, Reason]);
label(Other) ->
    probe_capture:text(Other).

drain() ->
    receive
        Message -> [Message | drain()]
    after 0 -> []
    end.

flags(Pid) ->
    {flags, Flags} = erlang:trace_info(Pid, flags),
    Flags.
