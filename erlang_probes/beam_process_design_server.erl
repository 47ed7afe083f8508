%% A small gen_server, and processes that crash when they are told, for the probes of
%% beam-process-design: what OTP's functions cost their caller, what stands in reports. Knows
%% nothing of any claim.
-module(beam_process_design_server).
-behaviour(gen_server).

-export([
    calls/1,
    second_cost/2,
    from_proc_lib/1,
    set_label/0,
    about_to_crash/0,
    crashed/1,
    keys_of/1,
    mentions/2,
    reported_keys/1,
    start_server/0,
    stop_server/1,
    init/1,
    handle_call/3,
    handle_cast/2,
    handle_info/2
]).

-define(MAILBOX, beam_process_design_mailbox).
-define(WAIT_MS, 5_000).

%% OTP's functions that send a request and receive an answer, to be called from a long mailbox: what
%% is done before, and the call, which is given what that returned.
-spec calls(pid()) -> [{atom(), fun(() -> term()), fun((term()) -> term())}].
calls(Server) ->
    Nothing = fun() -> none end,
    [
        {gen_server_call, Nothing, fun(_) -> gen_server:call(Server, hello) end},
        {gen_server_request, Nothing, fun(_) ->
            gen_server:receive_response(gen_server:send_request(Server, hello), ?WAIT_MS)
        end},
        {gen_server_start_link, Nothing, fun(_) ->
            {ok, Pid} = gen_server:start_link(?MODULE, [], []),
            true = unlink(Pid),
            exit(Pid, kill)
        end},
        {gen_server_stop, fun start_server/0, fun gen_server:stop/1},
        {sys_get_state, Nothing, fun(_) -> sys:get_state(Server) end},
        {erpc_call, Nothing, fun(_) -> erpc:call(node(), erlang, node, []) end},
        {file_get_cwd, Nothing, fun(_) -> file:get_cwd() end},
        {receive_after_0, Nothing, fun(_) ->
            receive
                {deaf, never} -> true
            after 0 -> false
            end
        end},
        {timer_sleep, Nothing, fun(_) -> timer:sleep(1) end}
    ].

%% The reductions that the caller uses when it makes a call of calls/1 for the second time, and how
%% many messages wait for the process that has made it.
-spec second_cost(fun(() -> Before), fun((Before) -> term())) ->
    {Reductions :: integer(), Waiting :: non_neg_integer()}.
second_cost(Prepare, Call) ->
    _ = Call(Prepare()),
    Prepared = Prepare(),
    Before = probe_measure:own_reductions(),
    Waiting = called(Call, Prepared),
    {probe_measure:own_reductions() - Before, Waiting}.

called(Call, Prepared) ->
    _ = Call(Prepared),
    ?MAILBOX:waiting(self()).

%% The value of Fun in a process that proc_lib spawned.
-spec from_proc_lib(fun(() -> Value)) -> Value.
from_proc_lib(Fun) ->
    Self = self(),
    Tag = make_ref(),
    _ = proc_lib:spawn(fun() -> Self ! {Tag, Fun()} end),
    receive
        {Tag, Value} -> Value
    after ?WAIT_MS -> error({setup, no_value})
    end.

%% Label the calling process, where the release can.
-spec set_label() -> ok.
set_label() ->
    Function = set_label,
    case erlang:function_exported(proc_lib, Function, 1) of
        true -> proc_lib:Function(worker);
        false -> ok
    end.

%% Whether any of the events has these words in it.
-spec mentions([logger:log_event()], binary()) -> boolean().
mentions(Events, Words) ->
    binary:match(probe_capture:text(Events), Words) =/= nomatch.

%% The keys of the dictionary that the crash report among the events shows, sorted.
-spec reported_keys([logger:log_event()]) -> [term()].
reported_keys(Events) ->
    [Keys] = [
        lists:sort([Key || {Key, _} <- proplists:get_value(dictionary, Report)])
     || #{msg := {report, #{label := {proc_lib, crash}, report := [Report | _]}}} <- Events
    ],
    Keys.

-spec start_server() -> pid().
start_server() ->
    {ok, Pid} = gen_server:start(?MODULE, [], []),
    Pid.

-spec stop_server(pid()) -> ok.
stop_server(Pid) ->
    gen_server:stop(Pid).

-spec init([]) -> {ok, map()}.
init([]) ->
    {ok, #{}}.

-spec handle_call(term(), {pid(), term()}, map()) -> {reply, term(), map()}.
handle_call({evaluate, Fun}, _From, State) ->
    {reply, Fun(), State};
handle_call(Request, _From, State) ->
    {reply, Request, State}.

-spec handle_cast(term(), map()) -> {noreply, map()}.
handle_cast(_, State) ->
    {noreply, State}.

-spec handle_info(crash_now, map()) -> no_return().
handle_info(crash_now, _State) ->
    error(wanted_crash).

%% Processes that have put an entry in their dictionary and wait for crash_now: one of proc_lib, one
%% of proc_lib that has labelled itself, a gen_server, and a plain one.
-spec about_to_crash() -> [{atom(), pid()}].
about_to_crash() ->
    Put = fun() -> put(secret, marker_in_dictionary) end,
    Crash = fun() ->
        Put(),
        receive
            crash_now -> error(wanted_crash)
        end
    end,
    Server = start_server(),
    undefined = gen_server:call(Server, {evaluate, Put}),
    [
        {proc_lib, proc_lib:spawn(Crash)},
        {labelled, proc_lib:spawn(fun() -> set_label(), Crash() end)},
        {gen_server, Server},
        {plain, spawn(Crash)}
    ].

%% Make a process of about_to_crash/0 crash, and wait for its end.
-spec crashed(pid()) -> pid().
crashed(Pid) ->
    Ref = erlang:monitor(process, Pid),
    Pid ! crash_now,
    {wanted_crash, _} = probe_lib:gone(Ref, ?WAIT_MS),
    Pid.

%% The keys of a process' dictionary, sorted.
-spec keys_of(pid()) -> [term()].
keys_of(Pid) ->
    {dictionary, Entries} = process_info(Pid, dictionary),
    lists:sort([Key || {Key, _} <- Entries]).
