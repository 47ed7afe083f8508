%% A small gen_server, and processes that crash when they are told, for the probes of
%% beam-process-design: what OTP's functions cost their caller, what stands in reports. Knows
%% nothing of any claim.
-module(beam_process_design_server).
-behaviour(gen_server).

-export([
    calls/1,
    second_cost/1,
    from_proc_lib/1,
    set_label/0,
    when_told/1,
    ended_pid/1,
    told_to_crash/1,
    mentions/2,
    reported_keys/1,
    start_server/0,
    stop_server/1,
    init/1,
    handle_call/3,
    handle_cast/2
]).

-define(WAIT_MS, 5_000).

%% OTP's functions that send a request and receive an answer, to be called from a long mailbox.
-spec calls(pid()) -> [{atom(), fun(() -> term())}].
calls(Server) ->
    [
        {gen_server_call, fun() -> gen_server:call(Server, hello) end},
        {gen_server_request, fun() ->
            gen_server:receive_response(gen_server:send_request(Server, hello), ?WAIT_MS)
        end},
        {gen_server_start_link, fun() ->
            {ok, Pid} = gen_server:start_link(?MODULE, [], []),
            true = unlink(Pid),
            exit(Pid, kill)
        end},
        {gen_server_stop, fun() -> gen_server:stop(start_server()) end},
        {sys_get_state, fun() -> sys:get_state(Server) end},
        {erpc_call, fun() -> erpc:call(node(), erlang, node, []) end},
        {file_get_cwd, fun() -> file:get_cwd() end},
        {receive_after_0, fun() ->
            receive
                {deaf, never} -> true
            after 0 -> false
            end
        end},
        {timer_sleep, fun() -> timer:sleep(1) end}
    ].

%% The reductions that the caller uses when it calls Fun for the second time.
-spec second_cost(fun(() -> term())) -> non_neg_integer().
second_cost(Fun) ->
    _ = Fun(),
    Before = probe_measure:own_reductions(),
    _ = Fun(),
    probe_measure:own_reductions() - Before.

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

%% A process' body that runs Fun when ended_pid/1 tells it.
-spec when_told(fun(() -> term())) -> fun(() -> term()).
when_told(Fun) ->
    fun() ->
        receive
            crash_now -> Fun()
        end
    end.

%% Tell a process to go on, and return its pid once it has ended.
-spec ended_pid(pid()) -> pid().
ended_pid(Pid) ->
    Ref = erlang:monitor(process, Pid),
    Pid ! crash_now,
    _ = probe_lib:gone(Ref, ?WAIT_MS),
    Pid.

-spec told_to_crash(pid()) -> pid().
told_to_crash(Server) ->
    gen_server:cast(Server, crash),
    Server.

%% Whether any of the events has these words in it.
-spec mentions([logger:log_event()], binary()) -> boolean().
mentions(Events, Words) ->
    binary:match(probe_capture:text("~0tp", [Events]), Words) =/= nomatch.

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

init([]) ->
    {ok, #{}}.

handle_call(dictionary, _From, State) ->
    {reply, get(), State};
handle_call(Request, _From, State) ->
    {reply, Request, State}.

handle_cast(crash, State) ->
    _ = put(secret, marker_in_dictionary),
    error(wanted_crash, [State]).
