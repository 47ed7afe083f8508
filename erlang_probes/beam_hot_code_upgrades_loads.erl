%% Loading by every way, where two versions of a module are in use. Knows nothing of any claim.
-module(beam_hot_code_upgrades_loads).

-export([third/2, all_or_none/2, ways/0, reloads/0]).

-define(CODE, beam_hot_code_upgrades_code).
-define(TEXTS, beam_hot_code_upgrades_texts).
-define(SUBJECT, hot_subject).
-define(OTHER, hot_other).
-define(DEADLINE_MS, 5_000).

%% Ways to load, by name: each is given the module, its file without .beam, and its new code.
-spec ways() -> #{atom() => fun((module(), file:filename(), binary()) -> term())}.
ways() ->
    #{
        load_binary => fun(M, File, Beam) -> code:load_binary(M, File, Beam) end,
        load_file => fun(M, _, _) -> code:load_file(M) end,
        load_abs => fun(_, File, _) -> code:load_abs(File) end,
        c_l => fun(M, _, _) -> c:l(M) end,
        atomic_load => fun(M, File, Beam) -> code:atomic_load([{M, File, Beam}]) end,
        finish_loading => fun(M, File, Beam) ->
            {ok, Prepared} = code:prepare_loading([{M, File, Beam}]),
            code:finish_loading(Prepared)
        end,
        load_module => fun(M, _, Beam) -> erlang:load_module(M, Beam) end,
        ensure_loaded => fun(M, _, _) -> code:ensure_loaded(M) end,
        ensure_modules_loaded => fun(M, _, _) -> code:ensure_modules_loaded([M]) end,
        nothing => fun(_, _, _) -> nothing end
    }.

%% Ways to replace version 1 of the subject by new code, by name; and what is not one.
-spec reloads() -> #{atom() => fun((binary()) -> term())}.
reloads() ->
    By = fun(Name, Beam) ->
        Way = maps:get(Name, ways()),
        ?CODE:with_file(on_path, {?SUBJECT, Beam}, fun(File) -> Way(?SUBJECT, File, Beam) end)
    end,
    #{
        nothing => fun(_) -> nothing end,
        load_binary => fun(Beam) -> By(load_binary, Beam) end,
        load_file => fun(Beam) -> By(load_file, Beam) end,
        c_l => fun(Beam) -> By(c_l, Beam) end,
        atomic_load => fun(Beam) -> By(atomic_load, Beam) end,
        load_module => fun(Beam) -> By(load_module, Beam) end,
        load_and_purge => fun(Beam) -> {By(load_binary, Beam), code:purge(?SUBJECT)} end
    }.

%% Load a third version by one way, with a process in each of the two before, or with none in the
%% oldest: what is returned, which versions were there before, what became of both, which one is
%% current then.
-spec third(fun(), {[binary()], used | unused}) -> probe_lib:evidence().
third(Way, {[First, Second, Third], Use}) ->
    ?CODE:with([?SUBJECT], fun() ->
        ok = ?CODE:load(?SUBJECT, First),
        Oldest = ?CODE:start(?SUBJECT, stay, []),
        Ref = erlang:monitor(process, Oldest),
        OldestBefore = ?CODE:ask(Oldest, version),
        ok = ?CODE:load(?SUBJECT, Second),
        Middle = ?CODE:start(?SUBJECT, stay, []),
        MiddleBefore = ?CODE:ask(Middle, version),
        ok = case Use of used -> ok; unused -> ended(Oldest) end,
        AtLoad = is_process_alive(Oldest),
        Returned = ?CODE:with_file(on_path, {?SUBJECT, Third}, fun(File) ->
            Way(?SUBJECT, File, Third)
        end),
        Answers = [?CODE:ask(Pid, version) || Pid <- [Oldest, Middle]],
        Current = ?CODE:current(?SUBJECT),
        #{
            returned => probe_capture:text(Returned),
            oldest_before_version_number => OldestBefore,
            middle_before_version_number => MiddleBefore,
            oldest_lives_before => AtLoad,
            oldest => ?CODE:fate(Oldest, Ref),
            middle_version_number => lists:last(Answers),
            current_version_number => Current,
            versions_in_use => lists:usort([V || V <- [Current | Answers], is_integer(V)])
        }
    end).

%% Have a loop end by itself, as its code says.
ended(Pid) ->
    Ref = erlang:monitor(process, Pid),
    Pid ! stop,
    normal = probe_lib:gone(Ref, ?DEADLINE_MS),
    ok.

%% With version 1 of two modules loaded, and something done to the second, load version 2 of both with
%% atomic_load: what is returned, and what is current of both.
-spec all_or_none(fun((module()) -> term()), {[binary()], [binary()]}) -> probe_lib:evidence().
all_or_none(Spoil, {[First, Second | _], [OtherFirst, OtherSecond | _]}) ->
    ?CODE:with([?SUBJECT, ?OTHER], fun() ->
        ok = ?CODE:load(?SUBJECT, First),
        ok = ?CODE:load(?OTHER, OtherFirst),
        _ = Spoil(?OTHER),
        Returned = code:atomic_load([{?SUBJECT, "", Second}, {?OTHER, "", OtherSecond}]),
        #{
            returned => probe_capture:text(Returned),
            current_version_number => ?CODE:current(?SUBJECT),
            other_version_number => ?CODE:current(?OTHER)
        }
    end).
