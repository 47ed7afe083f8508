%% Modules and their files: what the code server takes for changed, what it refuses to load, and what
%% it loads by itself. Knows nothing of any claim.
-module(beam_hot_code_upgrades_files).

-export([replaced/1, status_of/2, compared/2, sticky/2, unloaded/1]).

-define(CODE, beam_hot_code_upgrades_code).
-define(SUBJECT, hot_subject).
-define(CALLS, 1_000).

%% Replace the file of a module that runs, call it many times, load it, and take it out of the VM: the
%% versions that the calls ran, how many there were, and how the module stands in between.
-spec replaced([binary()]) -> probe_lib:evidence().
replaced([First, Second | _]) ->
    on_path(First, fun(File) ->
        Before = ?CODE:current(?SUBJECT),
        ok = ?CODE:rewrite(File, Second),
        Calls = [?CODE:run(?SUBJECT, version, []) || _ <- lists:seq(1, ?CALLS)],
        Listed = lists:member(?SUBJECT, code:modified_modules()),
        Loaded = c:l(?SUBJECT),
        AfterLoad = ?CODE:current(?SUBJECT),
        ok = ?CODE:rewrite(File, First),
        ok = ?CODE:forget(?SUBJECT),
        Gone = not erlang:module_loaded(?SUBJECT),
        #{
            before_version_number => Before,
            call_count => length(Calls),
            versions_called => lists:usort(Calls),
            listed_as_modified => Listed,
            loaded => probe_capture:text(Loaded),
            after_load_version_number => AfterLoad,
            not_loaded => Gone,
            called_unloaded_version_number => ?CODE:current(?SUBJECT)
        }
    end).

on_path(Beam, Fun) ->
    ?CODE:with([?SUBJECT], fun() -> ?CODE:with_file(on_path, {?SUBJECT, Beam}, Fun) end).

%% Load a module from its file, do something to the file, and ask the code server: how the module's
%% status is, whether it is among the modified ones, whether the checksum of the file is that of the
%% loaded code, and its version by attribute before and then.
-spec status_of(fun((file:filename()) -> term()), binary()) -> probe_lib:evidence().
status_of(Change, Beam) ->
    on_path(Beam, fun(File) ->
        {module, ?SUBJECT} = code:load_file(?SUBJECT),
        Md5 = ?CODE:run(?SUBJECT, module_info, [md5]),
        Before = filelib:last_modified(File ++ ".beam"),
        _ = Change(File ++ ".beam"),
        #{
            touched => filelib:last_modified(File ++ ".beam") > Before,
            same_beam => file:read_file(File ++ ".beam") =:= {ok, Beam},
            status => code:module_status(?SUBJECT),
            among_modified => lists:member(?SUBJECT, code:modified_modules()),
            same_md5 => same_md5(File, Md5)
        }
    end).

same_md5(File, Md5) ->
    case beam_lib:md5(File) of
        {ok, {?SUBJECT, OfFile}} -> OfFile =:= Md5;
        {error, beam_lib, _} -> null
    end.

%% Whether two codes have the same checksum, and the same version by attribute.
-spec compared(binary(), binary()) -> probe_lib:evidence().
compared(One, Other) ->
    #{
        same_md5 => beam_lib:md5(One) =:= beam_lib:md5(Other),
        same_vsn => beam_lib:version(One) =:= beam_lib:version(Other),
        same_beam => One =:= Other
    }.

%% Load version 1 out of a folder that is sticky (or is not), then version 2 by one way: what is
%% returned, what is current.
-spec sticky({boolean(), fun((module(), file:filename(), binary()) -> term())}, [binary()]) ->
    probe_lib:evidence().
sticky({Sticky, Way}, [First, Second | _]) ->
    on_path(First, fun(File) ->
        Folder = filename:dirname(File),
        ok =
            case Sticky of
                true -> code:stick_dir(Folder);
                false -> ok
            end,
        try
            {module, ?SUBJECT} = code:load_file(?SUBJECT),
            ok = ?CODE:rewrite(File, Second),
            Is = code:is_sticky(?SUBJECT),
            Returned = Way(?SUBJECT, File, Second),
            #{
                sticky => Is,
                returned => probe_capture:text(Returned),
                current_version_number => ?CODE:current(?SUBJECT)
            }
        after
            ok = code:unstick_dir(Folder),
            _ = code:unstick_mod(?SUBJECT)
        end
    end).

%% In this VM, with the module's file in the code path and not loaded: the mode, and what calling,
%% ensuring and loading it gives, in turn.
-spec unloaded(binary()) -> probe_lib:evidence().
unloaded(Beam) ->
    on_path(Beam, fun(_) ->
        Loaded = erlang:module_loaded(?SUBJECT),
        Called = probe_capture:outcome(fun() -> ?CODE:run(?SUBJECT, version, []) end),
        Ensured = probe_capture:text(code:ensure_loaded(?SUBJECT)),
        CalledThen = probe_capture:outcome(fun() -> ?CODE:run(?SUBJECT, version, []) end),
        _ = ?CODE:forget(?SUBJECT),
        File = probe_capture:text(code:load_file(?SUBJECT)),
        #{
            mode => code:get_mode(),
            loaded_before => Loaded,
            called => Called,
            ensured => Ensured,
            called_then => CalledThen,
            load_file => File,
            called_at_last => probe_capture:outcome(fun() -> ?CODE:run(?SUBJECT, version, []) end)
        }
    end).
