%% The texts of the modules that are loaded in versions. MODULE stands for the name, VERSION for the
%% number. Knows nothing of any claim.
-module(beam_hot_code_upgrades_texts).

-export([loops/0, without_move/0, renamed/1, holders/0, calls/0]).

%% Processes that answer with the version of the code that they run: one stays in its code by local
%% calls, one leaves it by fully qualified ones.
-spec loops() -> string().
loops() ->
    "-module(MODULE).
    -export([version/0, stay/0, move/0, plain_fun/0]).
    version() -> VERSION.
    plain_fun() -> fun() -> VERSION end.
    stay() ->
        receive
            {ask, From, Ref, version} -> From ! {Ref, VERSION}, stay();
            stop -> ok
        end.
    move() ->
        receive
            {ask, From, Ref, version} -> From ! {Ref, VERSION}, MODULE:move();
            stop -> ok
        end.
    ".

%% A text with another vsn attribute.
-spec renamed(string()) -> string().
renamed(Text) ->
    ["-module(MODULE)." | Rest] = string:split(Text, "\n"),
    lists:append(["-module(MODULE). -vsn(\"other\").\n" | Rest]).

%% A module without what a loop calls to go on.
-spec without_move() -> string().
without_move() ->
    "-module(MODULE).
    -export([version/0]).
    version() -> VERSION.
    ".

%% What a process may have of its code: where it runs, where it returns to, funs, literals.
-spec holders() -> string().
holders() ->
    "-module(MODULE).
    -export([version/0, stay/0, spin/1, back/1, asleep/0, closure/1, plain_fun/0, external/0,
        literal/0, guarded/1]).
    version() -> VERSION.
    stay() -> receive {ask, From, Ref, version} -> From ! {Ref, VERSION} end, stay().
    spin(Counter) -> counters:add(Counter, 1, 1), spin(Counter).
    back(Fun) -> Value = Fun(), {VERSION, Value}.
    asleep() -> erlang:hibernate(MODULE, stay, []).
    closure(Ten) -> fun() -> Ten * VERSION + version() end.
    plain_fun() -> fun() -> VERSION end.
    external() -> fun MODULE:version/0.
    guarded(Watcher) ->
        process_flag(trap_exit, true),
        try guard(Watcher) after Watcher ! after_ran end.
    guard(Watcher) ->
        receive
            {ask, From, Ref, version} -> From ! {Ref, VERSION}, guard(Watcher);
            {'EXIT', _, Reason} -> Watcher ! {told, Reason}, guard(Watcher);
            crash -> error(boom);
            stop -> ok
        end.
    literal() -> [VERSION, " ++ lists:append(lists:join(", ", lists:duplicate(100, "VERSION"))) ++ "].
    ".

%% A process that calls its own module in several ways, by funs made when it is told to and by funs
%% that it made at its start.
-spec calls() -> string().
calls() ->
    "-module(MODULE).
    -export([version/0, start/0, loop/1, call/1, funs/0]).
    version() -> VERSION.
    start() -> loop(funs()).
    loop(Funs) ->
        receive
            {ask, From, Ref, {made_before, Name}} -> From ! {Ref, (maps:get(Name, Funs))()};
            {ask, From, Ref, How} -> From ! {Ref, call(How)}
        end,
        loop(Funs).
    funs() ->
        Version = VERSION,
        #{local_body => fun() -> Version end, local_name => fun version/0,
            external => fun MODULE:version/0}.
    call(local) -> version();
    call(remote) -> MODULE:version();
    call(applied) -> Function = version, apply(MODULE, Function, []);
    call(spawned_by_name) -> spawned(MODULE, version, []);
    call(spawned_by_fun) -> spawned(erlang, apply, [fun version/0, []]);
    call(Name) -> (maps:get(Name, funs()))().
    spawned(M, F, A) ->
        Self = self(),
        Ref = make_ref(),
        spawn(fun() -> Self ! {Ref, apply(M, F, A)} end),
        receive {Ref, Version} -> Version end.
    ".

