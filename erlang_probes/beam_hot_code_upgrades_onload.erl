%% Modules with an on_load function, loaded afresh and over a version that runs. Knows nothing of any
%% claim.
-module(beam_hot_code_upgrades_onload).

-export([loaded/2, meanwhile/2, text/1, by_bif/1]).

-define(CODE, beam_hot_code_upgrades_code).
-define(SUBJECT, hot_subject).
-define(DEADLINE_MS, 5_000).

%% A module whose on_load function tells the process named hot_watcher that it runs, and then returns
%% ok or something else, crashes, or waits to be told which.
-spec text(succeeds | fails | crashes | waits) -> string().
text(How) ->
    "-module(MODULE).
    -export([version/0, stay/0]).
    -on_load(init/0).
    version() -> VERSION.
    stay() -> receive {ask, From, Ref, version} -> From ! {Ref, VERSION} end, stay().
    init() -> hot_watcher ! {on_load, VERSION, self()}, " ++ then(How) ++ ".".

then(succeeds) -> "ok";
then(fails) -> "not_ok";
then(crashes) -> "error(crashed)";
then(waits) -> "receive {return, Value} -> Value end".

%% Load such code afresh (`none'), or over version 1 in which a process waits: what is returned, how
%% often on_load ran and whether in the process that loads, what is current then, whether there is old
%% code, and what became of the process.
-spec loaded(none | binary(), binary()) -> probe_lib:evidence().
loaded(Before, Beam) ->
    watched(fun() ->
        {Pid, Ref} = user_of(Before),
        Returned = code:load_binary(?SUBJECT, "", Beam),
        Ran = loads(),
        #{
            returned => probe_capture:text(Returned),
            on_load_count => length(Ran),
            by_loading_process => lists:member(self(), Ran),
            current => ?CODE:says_current(?SUBJECT),
            old_code => erlang:check_old_code(?SUBJECT),
            user => fate(Pid, Ref)
        }
    end).

user_of(none) ->
    {none, none};
user_of(Beam) ->
    ok = ?CODE:load(?SUBJECT, Beam),
    Pid = ?CODE:start(?SUBJECT, stay, []),
    1 = ?CODE:ask(Pid, version),
    {Pid, erlang:monitor(process, Pid)}.

fate(none, none) -> null;
fate(Pid, Ref) -> ?CODE:fate(Pid, Ref).

watched(Fun) ->
    ?CODE:with([?SUBJECT], fun() ->
        true = register(hot_watcher, self()),
        Fun()
    end).

loads() ->
    receive {on_load, _, Pid} -> [Pid | loads()] after 0 -> [] end.

%% Have on_load wait, afresh or over version 1, and call the module meanwhile: whether the call came
%% back while on_load waited, and what it gave in the end.
%% What puts an answer into text is loaded before: its first call would wait for the code server, too.
-spec meanwhile(none | binary(), binary()) -> probe_lib:evidence().
meanwhile(Before, Beam) ->
    watched(fun() ->
        _ = user_of(Before),
        _ = ?CODE:says_current(?MODULE),
        Self = self(),
        _ = ?CODE:mine(spawn(fun() ->
            Self ! {loaded, code:load_binary(?SUBJECT, "", Beam)}
        end)),
        OnLoad =
            receive {on_load, _, Pid} -> Pid after ?DEADLINE_MS -> error({setup, no_on_load}) end,
        Caller = ?CODE:mine(spawn(fun() -> Self ! {called, ?CODE:says_current(?SUBJECT)} end)),
        Waits = waits(Caller),
        Early = receive {called, First} -> First after 0 -> <<"waits">> end,
        OnLoad ! {return, ok},
        Late = case Early of <<"waits">> -> within(called); _ -> null end,
        Loaded = within(loaded),
        #{
            call_meanwhile => Early,
            caller_waits => Waits,
            call_at_last => Late,
            loaded => probe_capture:text(Loaded),
            current => ?CODE:says_current(?SUBJECT)
        }
    end).

within(Key) ->
    receive {Key, Value} -> Value after ?DEADLINE_MS -> never end.

%% Whether a process has come to wait for the code server, or has ended. A process that was not yet
%% scheduled may look as if it waited.
waits(Pid) ->
    probe_lib:value_within(
        fun() ->
            case process_info(Pid, [status, current_function]) of
                [{status, waiting}, {_, {code_server, _, _}}] -> {done, true};
                undefined -> {done, false};
                Other -> Other
            end
        end,
        ?DEADLINE_MS
    ).

%% Load such code by ways that do not run on_load functions: what they return, and what is current.
-spec by_bif(binary()) -> probe_lib:evidence().
by_bif(Beam) ->
    watched(fun() ->
        Bif = erlang:load_module(?SUBJECT, Beam),
        Atomic = code:atomic_load([{?SUBJECT, "", Beam}]),
        #{
            load_module => probe_capture:text(Bif),
            atomic_load => probe_capture:text(Atomic),
            on_load_count => length(loads()),
            current => ?CODE:says_current(?SUBJECT)
        }
    end).
