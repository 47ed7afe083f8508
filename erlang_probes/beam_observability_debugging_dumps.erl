%% Crash dumps of peers: what makes one, what becomes of the peer, where the dump lies and what
%% stands in it. Knows nothing of any claim.
-module(beam_observability_debugging_dumps).

-export([of_signal/1, of_halt/1, of_exhaustion/0, dumped/1, sections/1]).
%% For a peer.
-export([inhabit/2, grow/0]).

-define(END_MS, 20_000).
-define(QUIET_MS, 1_000).
%% Allocators that may have 128 MB together.
-define(CAPPED, ["+Musac", "false", "+MMsco", "true", "+MMscs", "128"]).
-define(TABLE, beam_observability_debugging_table).
%% Names of atoms that no literal holds.
-define(LETTER, "letter_of_the_observed").
-define(ROW, "row_of_the_observed").

%% Send a peer SIGUSR1 after it has set what becomes of that signal: how it ends, or that it lives.
-spec of_signal(unset | handle | default | ignore) -> probe_lib:evidence().
of_signal(Setting) ->
    probe_peer:with(#{}, fun(Peer) ->
        Setting =:= unset orelse probe_peer:call(Peer, os, set_signal, [sigusr1, Setting]),
        ok = probe_peer:signal(Peer, "USR1"),
        case Setting of
            ignore -> ended(Peer, ?QUIET_MS);
            _ -> ended(Peer, ?END_MS)
        end
    end).

%% Have a peer halt with this argument.
-spec of_halt(term()) -> probe_lib:evidence().
of_halt(Argument) ->
    probe_peer:with(#{}, fun(Peer) ->
        ok = probe_peer:cast(Peer, erlang, halt, [Argument]),
        ended(Peer, ?END_MS)
    end).

%% Have the memory of a peer run out.
-spec of_exhaustion() -> probe_lib:evidence().
of_exhaustion() ->
    probe_peer:with(#{flags => ?CAPPED}, fun(Peer) ->
        ok = probe_peer:cast(Peer, ?MODULE, grow, []),
        ended(Peer, ?END_MS)
    end).

ended(Peer, DeadlineMs) ->
    try probe_peer:wait_exit(Peer, DeadlineMs) of
        #{exit_status := Status, slogan := Slogan, dump_bytes := Bytes} ->
            #{
                exit_status => Status,
                slogan_text => string:slice(Slogan, 0, 100),
                dumped => Bytes > 0
            }
    catch
        error:{setup, {peer_lives, _}} ->
            nonode@nohost = probe_peer:call(Peer, erlang, node, []),
            #{exit_status => alive, slogan_text => <<>>, dumped => dumps(Peer) =/= []}
    end.

%% Have a peer with these variables halt with a text: which dumps lie in its folder, and how large.
-spec dumped([{string(), string() | false}]) -> probe_lib:evidence().
dumped(Variables) ->
    Own = [{"ERL_CRASH_DUMP_BYTES", false}, {"ERL_CRASH_DUMP_SECONDS", false}],
    probe_peer:with(#{env => merged(Variables, Own)}, fun(Peer) ->
        Before = length(dumps(Peer)),
        ok = probe_peer:cast(Peer, erlang, halt, ["probe"]),
        #{exit_status := Status} = probe_peer:wait_exit(Peer, ?END_MS),
        Dumps = dumps(Peer),
        #{
            before_count => Before,
            exit_status => Status,
            files => [list_to_binary(filename:basename(Dump)) || Dump <- Dumps],
            dump_bytes => lists:sum([filelib:file_size(Dump) || Dump <- Dumps]),
            whole => lists:any(fun(Dump) -> is_whole(Dump) end, Dumps)
        }
    end).

merged(Variables, Own) ->
    Variables ++ [Pair || {Name, _} = Pair <- Own, not lists:keymember(Name, 1, Variables)].

dumps(Peer) ->
    lists:sort(filelib:wildcard(filename:join(probe_peer:scratch(Peer), "*.dump"))).

is_whole(Dump) ->
    {ok, Text} = file:read_file(Dump),
    lists:member(<<"=end">>, lines(Text)).

lines(Text) ->
    binary:split(Text, <<"\n">>, [global]).

%% What stands in the dump of a peer in which a named process holds a message, a table a row, and
%% somebody a large binary.
-spec sections(pos_integer()) -> probe_lib:evidence().
sections(Processes) ->
    probe_peer:with(#{}, fun(Peer) ->
        {Name, Count} = probe_peer:call(Peer, ?MODULE, inhabit, [?LETTER, ?ROW]),
        [probe_peer:call(Peer, probe_lib, subject, [[]]) || _ <- lists:seq(1, Processes)],
        ok = probe_peer:cast(Peer, erlang, halt, ["probe"]),
        #{exit_status := 1} = probe_peer:wait_exit(Peer, ?END_MS),
        {ok, Text} = file:read_file(probe_peer:crash_dump(Peer)),
        Lines = lines(Text),
        Heads = [Head || <<"=", Head/binary>> <- Lines],
        Kinds = [hd(binary:split(Head, <<":">>)) || Head <- Heads],
        Wanted = [
            <<"erl_crash_dump">>, <<"memory">>, <<"allocator">>, <<"proc">>, <<"proc_messages">>,
            <<"proc_stack">>, <<"proc_heap">>, <<"ets">>, <<"binary">>, <<"mod">>, <<"atoms">>,
            <<"port">>, <<"scheduler">>, <<"end">>
        ],
        #{
            first_kind => hd(Kinds),
            last_kind => lists:last(Kinds),
            there => [Kind || Kind <- Wanted, lists:member(Kind, Kinds)],
            more_process_count => length([K || <<"proc">> = K <- Kinds]) - Count,
            name_count => occurrences(<<"Name: ", (atom_to_binary(Name, utf8))/binary>>, Lines),
            table_count => occurrences(<<"Table: ", (atom_to_binary(?TABLE, utf8))/binary>>, Lines),
            letter_in_heap => in_heap(?LETTER, Lines),
            row_in_heap => in_heap(?ROW, Lines)
        }
    end).

occurrences(Line, Lines) ->
    length([L || L <- Lines, L =:= Line]).

%% Whether a term of a heap or a message names the atom: A, its length in hexadecimal digits, its
%% name. Atoms that no term holds are listed by name only.
in_heap(Name, Lines) ->
    Term = probe_capture:text("A~.16B:~ts", [length(Name), Name]),
    lists:any(fun(Line) -> binary:match(Line, Term) =/= nomatch end, Lines).

%%% For a peer

%% A named process with a message, and a table with a row, each with an atom of this name: the name
%% of the process, and how many processes there are then.
-spec inhabit(string(), string()) -> {atom(), pos_integer()}.
inhabit(Letter, Row) ->
    Owner = probe_lib:subject([]),
    true = register(?MODULE, Owner),
    ok = probe_lib:ask(Owner, fun(_) ->
        ?TABLE = ets:new(?TABLE, [named_table, public]),
        {ok, binary:copy(<<"bytes ">>, 1_000)}
    end),
    true = probe_lib:in_process(fun() ->
        ets:insert(?TABLE, {1, list_to_atom(Row)})
    end),
    Owner ! {list_to_atom(Letter), [1, 2, 3]},
    {?MODULE, length(processes())}.

%% Let the heap of the caller grow without end.
-spec grow() -> no_return().
grow() ->
    grow([]).

grow(List) ->
    grow([lists:seq(1, 1_000) | List]).
