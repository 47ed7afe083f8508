%% Probes that change a verdict that is not theirs, each by another means, and the next probe: it
%% answers 41, and 42 only where something reached it. No verdict on it is ever right but `refuted'.
-module(hostile).

-export([attack/1, next/1, leave_word/0]).

%% A term that is there from the start.
-define(TERM, {prim_socket, options}).

attack(#{kind := <<"program">>, seconds := Seconds}) ->
    os:cmd("sleep " ++ binary_to_list(Seconds) ++ " > /dev/null 2>&1 &"),
    #{answer_count => 42};
attack(#{kind := Kind}) ->
    do(Kind),
    #{answer_count => 42}.

next(#{kind := Kind} = Args) ->
    case reached(Kind, Args) of
        true -> #{answer_count => 42};
        false -> #{answer_count => 41}
    end.

%% --- Answers in the bridge's place ------------------------------------------------------------

do(<<"answers">>) ->
    Port = pipe(),
    [port_command(Port, Frame) || Frame <- forged()];
do(<<"answers-by-descriptor">>) ->
    {ok, File} = file:open("/proc/self/fd/4", [write, raw, binary]),
    [ok = file:write(File, [<<(byte_size(Frame)):32>>, Frame]) || Frame <- forged()];
do(<<"answers-later">>) ->
    {ok, _} = timer:apply_after(30, ?MODULE, leave_word, []);
do(<<"answers-after-a-death">>) ->
    Port = pipe(),
    Frames = forged(),
    spawn(fun() -> [port_command(Port, Frame) || Frame <- Frames] end),
    exit(hostile);
do(<<"takes-the-pipe">>) ->
    port_connect(pipe(), self());
do(<<"ends-the-bridge">>) ->
    leave_word(),
    exit(whereis(probe_bridge), kill),
    timer:sleep(infinity);
do(<<"ends-the-loader">>) ->
    exit(whereis(code_server), kill);
%% --- Code ----------------------------------------------------------------------------------
do(<<"code-of-", Module/binary>>) ->
    replace(module(Module));
%% --- State ---------------------------------------------------------------------------------
do(<<"environment">>) ->
    os:putenv("HOSTILE", "1");
do(<<"application">>) ->
    leave_word();
do(<<"application-table">>) ->
    ets:insert(ac_tab, {{env, kernel, hostile}, true});
do(<<"memory">>) ->
    application:set_env(kernel, hostile_memory, binary:copy(<<0>>, 300 * 1024 * 1024));
do(<<"folder">>) ->
    ok = file:set_cwd("/");
do(<<"path">>) ->
    true = code:add_patha("/");
do(<<"depth">>) ->
    erlang:system_flag(backtrace_depth, 3);
do(<<"accounting">>) ->
    erlang:system_flag(microstate_accounting, true);
do(<<"logger">>) ->
    ok = logger:set_primary_config(level, debug);
do(<<"pattern">>) ->
    1 = erlang:trace_pattern({lists, seq, 2}, true, [local]);
do(<<"counter">>) ->
    1 = erlang:trace_pattern({lists, seq, 2}, true, [call_count]);
do(<<"term">>) ->
    persistent_term:put(?TERM, hostile);
do(<<"file">>) ->
    ok = file:write_file(file(), <<>>);
do(<<"timer">>) ->
    Set = {set_env, kernel, hostile, true, []},
    erlang:send_after(100, application_controller, {'$gen_call', {self(), make_ref()}, Set});
do(<<"timer-service">>) ->
    {ok, _} = timer:apply_after(100, ?MODULE, leave_word, []);
%% --- Floods, until the VM is ended ------------------------------------------------------------
do(<<"flood-of-a-frame">>) ->
    {ok, File} = file:open("/proc/self/fd/4", [write, raw, binary]),
    ok = file:write(File, <<(60 * 1024 * 1024):32, 131>>),
    without_end(fun() -> file:write(File, <<0:8192>>), timer:sleep(1) end);
do(<<"flood-of-output">>) ->
    Line = [binary:copy(<<"flood ">>, 1000), 10],
    without_end(fun() -> io:put_chars(standard_error, Line) end);
do(<<"flood-of-a-child">>) ->
    open_port({spawn, "sh -c 'exec yes 1>&2'"}, []),
    timer:sleep(infinity);
do(<<"raises">>) ->
    os:putenv("HOSTILE", "1"),
    error(hostile);
do(<<"raises-and-leaves">>) ->
    register(hostile, spawn(fun() -> timer:sleep(infinity) end)),
    error(hostile).

%% The program's argument is the run's own: other runs of this test may be at it.
reached(<<"program">>, #{seconds := Seconds}) -> runs(Seconds);
reached(Kind, _Args) -> reached(Kind).

reached(<<"answers", _/binary>>) -> word_left();
reached(<<"takes-the-pipe">>) -> false;
reached(<<"ends-the-", _/binary>>) -> word_left();
reached(<<"code-of-", Module/binary>>) -> is_replaced(module(Module));
reached(<<"environment">>) -> os:getenv("HOSTILE") =/= false;
reached(<<"application", _/binary>>) -> word_left();
reached(<<"memory">>) -> erlang:memory(binary) > 250 * 1024 * 1024;
reached(<<"folder">>) -> file:get_cwd() =:= {ok, "/"};
reached(<<"path">>) -> lists:member("/", code:get_path());
reached(<<"depth">>) -> erlang:system_flag(backtrace_depth, 8) =:= 3;
reached(<<"accounting">>) -> is_accounting();
reached(<<"logger">>) -> maps:get(level, logger:get_primary_config()) =:= debug;
reached(<<"pattern">>) -> {traced, false} =/= erlang:trace_info({lists, seq, 2}, traced);
reached(<<"counter">>) -> {call_count, false} =/= erlang:trace_info({lists, seq, 2}, call_count);
reached(<<"term">>) -> persistent_term:get(?TERM) =:= hostile;
reached(<<"file">>) -> filelib:is_file(file());
reached(<<"timer", _/binary>>) -> maps:get(settled, probe_lib:until(fun word_left/0, 200));
reached(<<"flood-", _/binary>>) -> false;
reached(<<"raises">>) -> os:getenv("HOSTILE") =/= false;
reached(<<"raises-and-leaves">>) -> whereis(hostile) =/= undefined.

without_end(Fun) ->
    Fun(),
    without_end(Fun).

%% --- Means -----------------------------------------------------------------------------------

pipe() ->
    hd([Port || Port <- erlang:ports(), {name, "3/4"} =:= erlang:port_info(Port, name)]).

%% Answers to the calls that may be open or come next, in the words of the bridge and of ErlPort:
%% every number that stands in any stack or mailbox, and those that count on from one.
forged() ->
    Evidence = <<"{\"value\":{\"answer_count\":42},\"probe_us\":1}">>,
    [
        term_to_binary({'r', Id, {Evidence, [], false}}, [{minor_version, 1}])
     || Id <- lists:usort(lists:seq(1, 10) ++ seen())
    ].

seen() ->
    Texts = [
        io_lib:format("~tp", [process_info(Pid, [backtrace, messages, dictionary])])
     || Pid <- processes()
    ],
    case re:run(Texts, "[0-9]{30,}", [global, {capture, first, list}]) of
        {match, Found} -> [list_to_integer(Digits) || [Digits] <- Found];
        nomatch -> []
    end.

leave_word() ->
    application:set_env(kernel, hostile, true).

word_left() ->
    application:get_env(kernel, hostile) =:= {ok, true}.

module(Name) ->
    binary_to_existing_atom(binary:replace(Name, <<"-">>, <<"_">>), utf8).

%% The same module, told apart by an attribute.
replace(Module) ->
    {ok, {_, [{abstract_code, {_, Forms}}]}} = beam_lib:chunks(beam(Module), [abstract_code]),
    {Before, After} = lists:splitwith(fun(Form) -> element(3, Form) =/= module end, Forms),
    [Name | Rest] = After,
    Changed = Before ++ [Name, {attribute, 1, hostile, [true]} | Rest],
    {ok, Module, Beam} = compile:forms(Changed, []),
    code:unstick_mod(Module),
    {module, Module} = code:load_binary(Module, "hostile", Beam).

beam(Module) ->
    case probe_bridge:beams([Module]) of
        #{Module := Beam} -> Beam;
        _ -> code:which(Module)
    end.

is_replaced(Module) ->
    proplists:is_defined(hostile, Module:module_info(attributes)).

is_accounting() ->
    Read = fun() -> lists:sort(erlang:statistics(microstate_accounting)) end,
    Read() =/= Read().

file() ->
    filename:join(os:getenv("TMPDIR", "/tmp"), "hostile").

runs(Argument) ->
    {ok, Names} = file:list_dir("/proc"),
    lists:any(
        fun(Name) ->
            case file:read_file(filename:join(["/proc", Name, "cmdline"])) of
                {ok, Line} -> binary:match(Line, Argument) =/= nomatch;
                _ -> false
            end
        end,
        [Name || [Digit | _] = Name <- Names, Digit >= $0, Digit =< $9]
    ).
