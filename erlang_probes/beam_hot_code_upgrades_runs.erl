%% Which version of a module runs when it is called, and when a loop moves over. Knows nothing of any
%% claim.
-module(beam_hot_code_upgrades_runs).

-export([called/1, answered/3, into_missing/1, same_again/1, read_by/3]).

-define(CODE, beam_hot_code_upgrades_code).
-define(SUBJECT, hot_subject).
-define(DEADLINE_MS, 5_000).

%% The versions that a process in version 1 reaches by each kind of call, before version 2 is loaded
%% and after.
-spec called([binary()]) -> probe_lib:evidence().
called([First, Second | _]) ->
    ?CODE:with([?SUBJECT], fun() ->
        ok = ?CODE:load(?SUBJECT, First),
        Pid = ?CODE:start(?SUBJECT, start, []),
        Before = calls(Pid),
        ok = ?CODE:load(?SUBJECT, Second),
        #{before_load => Before, after_load => calls(Pid)}
    end).

calls(Pid) ->
    Names = [
        local, remote, applied, spawned_by_name, spawned_by_fun, local_body, local_name, external,
        {made_before, local_body}, {made_before, local_name}, {made_before, external}
    ],
    maps:from_list([{key(Name), ?CODE:ask(Pid, Name)} || Name <- Names]).

key({made_before, local_body}) -> old_local_body_version_number;
key({made_before, local_name}) -> old_local_name_version_number;
key({made_before, external}) -> old_external_version_number;
key(Name) -> binary_to_atom(probe_capture:text("~ts_version_number", [Name]), utf8).

%% Ask a loop of version 1 twice, load version 2, ask so many times, load version 3, ask twice: the
%% versions that answered, and what became of the process.
-spec answered(stay | move | server, non_neg_integer(), [binary()]) -> probe_lib:evidence().
answered(Kind, Between, [First, Second, Third]) ->
    ?CODE:with([?SUBJECT], fun() ->
        ok = ?CODE:load(?SUBJECT, First),
        Pid = started(Kind),
        Ref = erlang:monitor(process, Pid),
        Ones = asked(Pid, 2),
        ok = ?CODE:load(?SUBJECT, Second),
        Twos = asked(Pid, Between),
        Returned = code:load_binary(?SUBJECT, "", Third),
        Fate = ?CODE:fate(Pid, Ref),
        Threes = [Version || <<"lives">> <- [Fate], Version <- asked(Pid, 2)],
        #{
            first_versions => Ones,
            second_versions => Twos,
            third_loaded => Returned =:= {module, ?SUBJECT},
            process => Fate,
            third_versions => Threes,
            code_change_count => code_changes()
        }
    end).

started(server) ->
    {ok, Pid} = gen_server:start(?SUBJECT, self(), []),
    ?CODE:mine(Pid);
started(Function) ->
    ?CODE:start(?SUBJECT, Function, []).

asked(Pid, Count) ->
    [?CODE:ask(Pid, version) || _ <- lists:seq(1, Count)].

%% A server's answer comes behind what it told of code_change.
code_changes() ->
    receive {code_change, _, _, _, _} -> 1 + code_changes() after 0 -> 0 end.

%% Load version 2, which lacks the function that a loop of version 1 calls to go on: what answers its
%% two next messages, what it ends with, and what a fun of that function gives before and then.
-spec into_missing({binary(), binary()}) -> probe_lib:evidence().
into_missing({First, Second}) ->
    ?CODE:with([?SUBJECT], fun() ->
        ok = ?CODE:load(?SUBJECT, First),
        Pid = ?CODE:start(?SUBJECT, move, []),
        Ref = erlang:monitor(process, Pid),
        Fun = erlang:make_fun(?SUBJECT, plain_fun, 0),
        FunBefore = probe_capture:outcome(fun() -> is_function(Fun()) end),
        Ones = asked(Pid, 2),
        ok = ?CODE:load(?SUBJECT, Second),
        LivesLoaded = is_process_alive(Pid),
        Twos = asked(Pid, 1),
        #{
            first_versions => Ones,
            lives_after_load => LivesLoaded,
            second_versions => Twos,
            ends_with => missing(probe_lib:gone(Ref, ?DEADLINE_MS)),
            fun_before => FunBefore,
            fun_then => probe_capture:outcome(fun() -> is_function(Fun()) end)
        }
    end).

missing({undef, [{Module, Function, Arguments, _} | _]}) ->
    probe_capture:text("undef ~ts:~ts/~b", [Module, Function, length(Arguments)]);
missing(Other) ->
    probe_capture:reason(Other).

%% Load the very same code twice over itself (and other code the third time, to compare), with a
%% process and a fun of the first: whether the process counts as one in old code after the first
%% load, what became of it after the second, what the fun gives then.
-spec same_again([binary()]) -> probe_lib:evidence().
same_again([First, Second, Third]) ->
    ?CODE:with([?SUBJECT], fun() ->
        ok = ?CODE:load(?SUBJECT, First),
        Pid = ?CODE:start(?SUBJECT, stay, []),
        1 = ?CODE:ask(Pid, version),
        Ref = erlang:monitor(process, Pid),
        Fun = ?CODE:run(?SUBJECT, plain_fun, []),
        FunBefore = probe_capture:outcome(Fun),
        ok = ?CODE:load(?SUBJECT, Second),
        InOld = erlang:check_process_code(Pid, ?SUBJECT),
        Returned = code:load_binary(?SUBJECT, "", Third),
        #{
            in_old_code => InOld,
            loaded_again => Returned =:= {module, ?SUBJECT},
            process => ?CODE:fate(Pid, Ref),
            fun_before => FunBefore,
            fun_then => probe_capture:outcome(Fun)
        }
    end).

%% Make a term with the old code, and read and change it with the new: what both give, by the old
%% code before the load and by the new one after it.
-spec read_by(fun((module()) -> term()), binary(), binary()) -> probe_lib:evidence().
read_by(Make, Old, New) ->
    ?CODE:with([?SUBJECT], fun() ->
        ok = ?CODE:load(?SUBJECT, Old),
        Term = Make(?SUBJECT),
        Read = fun() ->
            #{
                width => probe_capture:outcome(fun() -> ?CODE:run(?SUBJECT, width, [Term]) end),
                widened => probe_capture:outcome(fun() -> plain(?CODE:run(?SUBJECT, widen, [Term])) end)
            }
        end,
        ByOld = Read(),
        ok = ?CODE:load(?SUBJECT, New),
        #{term => probe_capture:text(plain(Term)), by_old_code => ByOld, by_new_code => Read()}
    end).

%% The order of a map's keys is the release's own.
plain(Map) when is_map(Map) -> lists:sort(maps:to_list(Map));
plain(Term) -> Term.
