main(Arguments) ->
    case code:which(compile) of
        non_existing ->
            io:put_chars(standard_error, "this Erlang has no compiler: the application compiler is needed\n"),
            halt(5);
        _ ->
            halt(main_in(new_folder(), Arguments))
    end.

%% The modules below stand in this file as comments: they are compiled into a folder that is removed.
main_in(Folder, Arguments) ->
    try
        Modules = compiled(Folder, modules()),
        true = code:add_patha(Folder),
        repro_run:main(claims(), Modules, Arguments)
    catch
        throw:{not_compiled, Name, Errors} ->
            io:format(standard_error, "~ts does not compile here:~n~tp~n", [Name, Errors]),
            2
    after
        _ = [file:delete(File) || File <- filelib:wildcard(Folder ++ "/*")],
        file:del_dir(Folder)
    end.

new_folder() ->
    Name = lists:concat(["repro-", os:getpid(), "-", erlang:phash2(make_ref())]),
    Folder = filename:join(os:getenv("TMPDIR", "/tmp"), Name),
    ok = file:make_dir(Folder),
    Folder.

%% {Name, Text} of each module: from a line "%= name.erl" on, every line behind "%| ".
modules() ->
    {ok, File} = file:read_file(escript:script_name()),
    Lines = binary:split(File, <<"\n">>, [global]),
    lists:reverse(lists:foldl(fun(Line, Modules) -> line(Line, Modules) end, [], Lines)).

line(<<"%= ", Name/binary>>, Modules) -> [{Name, []} | Modules];
line(<<"%| ", Text/binary>>, [{Name, Texts} | Modules]) -> [{Name, [Texts, Text, $\n]} | Modules];
line(<<"%|">>, [{Name, Texts} | Modules]) -> [{Name, [Texts, $\n]} | Modules];
line(_, Modules) -> Modules.

compiled(Folder, Modules) ->
    Self = self(),
    Pids = [spawn_link(fun() -> Self ! {self(), compile(Folder, Module)} end) || Module <- Modules],
    [result(receive {Pid, Result} -> Result end) || Pid <- Pids].

compile(Folder, {Name, Text}) ->
    Source = binary_to_list(Name),
    File = filename:join(Folder, Source),
    ok = file:write_file(File, Text),
    Options = [return, debug_info, deterministic, {outdir, Folder}, {source, Source}],
    {Name, compile:file(File, Options)}.

result({_, {ok, Module, _}}) -> Module;
result({Name, {error, Errors, _}}) -> throw({not_compiled, Name, Errors}).
