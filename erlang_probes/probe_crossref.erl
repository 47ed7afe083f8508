%% What calls what among the probes' modules, as OTP's own xref finds it: for `make check`.
%% Knows code; knows nothing of any claim.
-module(probe_crossref).

-export([analyse/1]).

-ignore_xref([{analyse, 1}]).

%% Analyse modules, given their code with debug information, against all of OTP.
%% Evidence: `undefined` names each call of a function that is nowhere; `unused` each export that no
%%           other module calls, that nobody names (for a spawn or a peer), that is no callback and
%%           that no attribute `-ignore_xref([{f, 1}])` explains.
%% Cost: a second, and what xref keeps of the modules.
%% Misread: a function whose name is an atom with another meaning elsewhere counts as named.
%% Source: https://www.erlang.org/doc/man/xref
-spec analyse(#{beams := #{module() => binary()}}) ->
    #{undefined := [binary()], unused := [binary()]}.
analyse(#{beams := Beams}) ->
    {ok, Server} = xref:start([]),
    try
        ok = xref:set_default(Server, [{warnings, false}, {verbose, false}]),
        ok = xref:set_library_path(Server, code_path),
        probe_capture:with_folder(fun(Folder) -> analyse(Server, Folder, Beams) end)
    after
        xref:stop(Server)
    end.

analyse(Server, Folder, Beams) ->
    maps:foreach(fun(Name, Beam) -> add(Server, Folder, Name, Beam) end, Beams),
    {ok, Calls} = xref:analyze(Server, undefined_function_calls),
    {ok, Exports} = xref:analyze(Server, exports_not_used),
    Read = maps:map(fun(_, Beam) -> read(Beam) end, Beams),
    Named = lists:usort(lists:append([atoms(Functions) || {_, Functions} <- maps:values(Read)])),
    #{
        undefined => [text("~ts calls ~ts", [name(From), name(To)]) || {From, To} <- Calls],
        unused => [
            name(Function)
         || {M, F, A} = Function <- Exports,
            not (ordsets:is_element(F, Named) orelse lists:member({F, A}, explained(M, Read)))
        ]
    }.

add(Server, Folder, Name, Beam) ->
    File = filename:join(Folder, atom_to_list(Name) ++ ".beam"),
    ok = file:write_file(File, Beam),
    {ok, Name} = xref:add_module(Server, File).

%% The attributes and the functions of a module.
read(Beam) ->
    {ok, {_, [{abstract_code, {raw_abstract_v1, Forms}}]}} = beam_lib:chunks(Beam, [abstract_code]),
    lists:partition(fun(Form) -> element(1, Form) =:= attribute end, [
        Form
     || Form <- Forms, lists:member(element(1, Form), [attribute, function])
    ]).

values(Key, Attributes) ->
    lists:flatten([Value || {attribute, _, Name, Value} <- Attributes, Name =:= Key]).

explained(Module, Read) ->
    {Attributes, _} = maps:get(Module, Read),
    values(ignore_xref, Attributes) ++ callbacks().

%% What OTP's behaviours call of a module; a probe's subjects are some of them without saying so.
callbacks() ->
    Behaviours = [application, gen_event, gen_server, gen_statem, supervisor],
    lists:append([Behaviour:behaviour_info(callbacks) || Behaviour <- Behaviours]).

%% The atoms that code speaks of, but for the names of its local calls.
atoms({call, _, {atom, _, _}, Arguments}) -> atoms(Arguments);
atoms({'fun', _, {function, Name, Arity}}) when is_atom(Name), is_integer(Arity) -> [];
atoms({atom, _, Atom}) -> [Atom];
atoms(Form) when is_tuple(Form) -> atoms(tuple_to_list(Form));
atoms([Form | Forms]) -> atoms(Form) ++ atoms(Forms);
atoms(_) -> [].

name({M, F, A}) -> text("~ts:~ts/~w", [M, F, A]).

text(Format, Values) -> unicode:characters_to_binary(io_lib:format(Format, Values)).
