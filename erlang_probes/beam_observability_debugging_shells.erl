%% Shells that run on one node and are used at another: started as -remsh starts them, at a terminal
%% that is a process of this module and reads from a list of lines.
%% Knows nothing of any claim.
-module(beam_observability_debugging_shells).

-export([spoken/2, quit/1, cut/1]).
%% For a peer.
-export([talk/2, open/2]).

-define(DEADLINE_MS, 15_000).

-type cluster() :: probe_cluster:cluster().

%% Talk to a shell that runs on the node At: its prompt, what it answers to each line, and which nodes
%% have the two lines that are printed on their standard output. The terminal is on none.
-spec spoken(cluster(), guest | host) -> probe_lib:evidence().
spoken(Cluster, At) ->
    Lines = [
        {node_text, "node()."},
        {evaluator_node_text, "node(self())."},
        {leader_node_text, "node(group_leader())."},
        {printed_text, "io:format(\"for the leader~n\")."},
        {printed_to_user_text, "io:format(user, \"for ~s~n\", [user])."}
    ],
    {Names, Texts} = lists:unzip(Lines),
    #{said := Said} = talked(Cluster, At, Texts),
    Printed = probe_lib:until(fun() -> at(Cluster, "for user") =/= [] end, ?DEADLINE_MS),
    maps:from_list(
        lists:zip([prompt_text | Names], Said) ++
            [
                {leader_line_at, at(Cluster, "for the leader")},
                {user_line_at, at(Cluster, "for user")},
                {user_line_printed, Printed}
            ]
    ).

talked(Cluster, At, Lines) ->
    probe_cluster:call(Cluster, guest, ?MODULE, talk, [probe_cluster:name(Cluster, At), Lines]).

%% The nodes that have it on their standard output.
at(Cluster, Text) ->
    [Name || Name <- [guest, host], printed(Cluster, Name, Text)].

printed(Cluster, Name, Text) ->
    File = filename:join(probe_peer:scratch(probe_cluster:peer(Cluster, Name)), "output"),
    {ok, Output} = file:read_file(File),
    binary:match(Output, list_to_binary(Text)) =/= nomatch.

%% Close the terminal of a shell on the other node, then enter q() in a second one: what is left of
%% shell and nodes.
-spec quit(cluster()) -> probe_lib:evidence().
quit(Cluster) ->
    #{shell_gone := Gone} = talked(Cluster, host, ["ok."]),
    Closed = #{shell_gone => Gone, host_lives => lives(Cluster, host)},
    _ = opened(Cluster, "q()."),
    #{
        closed => Closed,
        host_exit_status => exit_status(probe_cluster:peer(Cluster, host)),
        guest_lives => lives(Cluster, guest)
    }.

%% A node that is about to stop is not called: it may not answer any more, and not have ended.
exit_status(Peer) ->
    try probe_peer:wait_exit(Peer, ?DEADLINE_MS) of
        #{exit_status := Status} -> Status
    catch
        error:{setup, {peer_lives, _}} -> none
    end.

%% Whether a node still answers.
lives(Cluster, Name) ->
    try probe_cluster:call(Cluster, Name, erlang, node, []) of
        Node -> Node =:= probe_cluster:name(Cluster, Name)
    catch
        error:{peer_exited, _} -> false
    end.

opened(Cluster, Line) ->
    Host = probe_cluster:name(Cluster, host),
    probe_cluster:call(Cluster, guest, ?MODULE, open, [Host, [Line]]).

%% Kill the node at which a shell is used, while the shell evaluates an expression that has spawned a
%% process: what of the three is there before, and what after the node is gone.
-spec cut(cluster()) -> probe_lib:evidence().
cut(Cluster) ->
    Shell = opened(
        Cluster,
        "register(spawned, spawn(fun() -> receive stop -> ok end end)), "
        "register(evaluator, self()), receive stop -> ok end."
    ),
    Evaluates = probe_lib:until(
        fun() -> is_pid(probe_cluster:call(Cluster, host, erlang, whereis, [evaluator])) end,
        ?DEADLINE_MS
    ),
    Before = alive(Cluster, Shell),
    ok = probe_peer:signal(probe_cluster:peer(Cluster, guest), "KILL"),
    _ = probe_peer:wait_exit(probe_cluster:peer(Cluster, guest), ?DEADLINE_MS),
    Gone = probe_lib:until(
        fun() ->
            #{shell := One, evaluator := Other} = alive(Cluster, Shell),
            not (One orelse Other)
        end,
        ?DEADLINE_MS
    ),
    #{evaluates => Evaluates, before => Before, gone => Gone, later => alive(Cluster, Shell)}.

alive(Cluster, Shell) ->
    Named = [
        {Name, is_pid(probe_cluster:call(Cluster, host, erlang, whereis, [Name]))}
     || Name <- [evaluator, spawned]
    ],
    Alive = probe_cluster:call(Cluster, host, erlang, is_process_alive, [Shell]),
    maps:from_list([{shell, Alive} | Named]).

%%% On the node at which the shell is used

%% Start a shell on Node, let it read the lines, and close its terminal: its first prompt and what it
%% printed after each line, until it wanted the next one; and whether it has ended then.
-spec talk(node(), [string()]) -> #{said := [binary()], shell_gone := boolean()}.
talk(Node, Lines) ->
    {Terminal, Shell} = start(Node, Lines),
    Ref = monitor(process, Shell),
    receive
        {Terminal, said, Said} ->
            true = exit(Terminal, kill),
            #{said => Said, shell_gone => probe_lib:gone(Ref, ?DEADLINE_MS) =/= alive}
    after ?DEADLINE_MS -> error({setup, silent_shell})
    end.

%% Start a shell on Node at a terminal that stays, and let it read the lines.
-spec open(node(), [string()]) -> Shell :: pid().
open(Node, Lines) ->
    {_, Shell} = start(Node, Lines),
    Shell.

start(Node, Lines) ->
    Owner = self(),
    Terminal = spawn(fun() -> terminal(Owner, Node, Lines) end),
    receive
        {Terminal, shell, Shell} -> {Terminal, Shell}
    after ?DEADLINE_MS -> error({setup, no_shell})
    end.

%% As group does it for -remsh: a call of shell:start/0 there, by a process that leads itself and
%% links itself to the shell.
terminal(Owner, Node, Lines) ->
    true = group_leader(self(), self()),
    Shell = rpc:call(Node, shell, start, []),
    true = link(Shell),
    Owner ! {self(), shell, Shell},
    serve(#{owner => Owner, lines => Lines, said => [], printed => []}).

serve(State) ->
    receive
        {io_request, From, As, Request} ->
            case request(Request, State) of
                {reply, Reply, Next} ->
                    From ! {io_reply, As, Reply},
                    serve(Next);
                {wait, Next} ->
                    serve(Next)
            end
    end.

%% The I/O protocol as far as a shell speaks it. Where no line is left, who reads waits.
request({put_chars, Encoding, Module, Function, Args}, State) ->
    request({put_chars, Encoding, apply(Module, Function, Args)}, State);
request({put_chars, _, Chars}, #{printed := Printed} = State) ->
    {reply, ok, State#{printed := [Printed, Chars]}};
request({get_until, _, Prompt, Module, Function, Args}, State) ->
    Heard = heard(Prompt, State),
    case Heard of
        #{lines := [Line | Lines]} ->
            {done, Result, _} = apply(Module, Function, [[], Line ++ "\n" | Args]),
            {reply, Result, Heard#{lines := Lines}};
        #{owner := Owner, said := Said} ->
            Owner ! {self(), said, lists:reverse(Said)},
            {wait, Heard}
    end;
request({requests, Requests}, State) ->
    lists:foldl(
        fun(Request, {reply, ok, Next}) -> request(Request, Next) end, {reply, ok, State}, Requests
    );
request(getopts, State) ->
    {reply, [{encoding, unicode}], State};
request({setopts, _}, State) ->
    {reply, ok, State};
request(_, State) ->
    {reply, {error, request}, State}.

%% The first time that the shell reads it has said nothing yet but who it is: its prompt is kept.
heard(Prompt, #{said := []} = State) ->
    State#{said := [text(Prompt)], printed := []};
heard(_, #{said := Said, printed := Printed} = State) ->
    State#{said := [text(Printed) | Said], printed := []}.

text(Chars) ->
    probe_capture:chars(string:trim(Chars)).
