%% Where tools come from, read off the VM, and what a node lets others do who come as hidden nodes.
%% Knows nothing of any claim.
-module(beam_observability_debugging_tools).

-export([applications/1, application_of/1, installed/1, screens/0, visitors/1]).
%% For a peer.
-export([without_screen/0, subject_named/0, doings/1]).

-define(SERVERS, beam_observability_debugging_servers).
-define(TRACING, beam_observability_debugging_tracing).
-define(DEADLINE_MS, 5_000).

%% The application of the file of each module, without its version; `none' without a file.
-spec applications([module()]) -> #{module() => binary()}.
applications(Modules) ->
    maps:from_list([{Module, application_of(code:which(Module))} || Module <- Modules]).

%% The application of what `code:which/1' says of a module, without its version.
-spec application_of(file:filename() | atom()) -> binary().
application_of(preloaded) ->
    <<"erts">>;
application_of(File) when is_list(File) ->
    Library = filename:basename(filename:dirname(filename:dirname(File))),
    list_to_binary(hd(string:split(Library, "-")));
application_of(_) ->
    <<"none">>.

%% How many modules with names that begin so lie in the libraries of OTP; `any' counts them all.
-spec installed([string()]) -> #{binary() => non_neg_integer()}.
installed(Prefixes) ->
    Count = fun(Prefix) ->
        Pattern = filename:join([code:lib_dir(), "*", "ebin", Prefix ++ "*.beam"]),
        {list_to_binary(Prefix), length(filelib:wildcard(Pattern))}
    end,
    maps:from_list([Count(Prefix) || Prefix <- Prefixes]).

%% Whether the VM has a screen at all, by its environment and its terminal.
-spec screens() -> probe_lib:evidence().
screens() ->
    #{
        display_set => os:getenv("DISPLAY") =/= false orelse os:getenv("WAYLAND_DISPLAY") =/= false,
        terminal => io:columns() =/= {error, enotsup}
    }.

%% What works without a screen: each tool's part, true when it did its work.
-spec without_screen() -> #{atom() => boolean()}.
without_screen() ->
    ?TRACING:with_cast(fun(#{subject := Subject, tool := Tool}) ->
        <<"1">> = ?TRACING:trace(Tool, Subject, true),
        <<"1">> = ?TRACING:pattern(Tool, true),
        [2, 3, 4] = ?TRACING:calls(Subject),
        Heard = ?TRACING:heard(Tool, Subject),
        Info = observer_backend:sys_info(),
        #{
            screens => screens(),
            trace => length(Heard) =:= 3,
            sys => sys_works(),
            observer_data => lists:keymember(process_count, 1, Info),
            system_information => is_list(system_information:report())
        }
    end, [subject, tool]).

sys_works() ->
    Server = ?SERVERS:start(0),
    State = sys:get_state(Server),
    _ = probe_lib:kill_and_wait(Server),
    State =:= 0.

%% Connect one node to another openly or as a hidden one: whom the other then lists, and what the
%% visitor can do there.
-spec visitors(open | hidden) -> probe_lib:evidence().
visitors(How) ->
    probe_cluster:with(#{nodes => [guest, host]}, fun(Cluster) ->
        [Guest, Host] = [probe_cluster:name(Cluster, Name) || Name <- [guest, host]],
        ok = probe_cluster:call(Cluster, host, ?MODULE, subject_named, []),
        Before = listed(Cluster, Guest),
        true = probe_cluster:call(Cluster, guest, net_kernel, connection(How), [Host]),
        probe_lib:await(
            fun() -> maps:get(connected, listed(Cluster, Guest)) end, ?DEADLINE_MS
        ),
        Listed = listed(Cluster, Guest),
        Done = probe_cluster:call(Cluster, guest, ?MODULE, doings, [Host]),
        #{before => Before, listed => Listed, done => Done}
    end).

connection(open) -> connect_node;
connection(hidden) -> hidden_connect_node.

listed(Cluster, Guest) ->
    maps:from_list([
        {Kind, lists:member(Guest, probe_cluster:call(Cluster, host, erlang, nodes, [Kind]))}
     || Kind <- [visible, hidden, connected]
    ]).

%% A server with a name, to be visited.
-spec subject_named() -> ok.
subject_named() ->
    _ = ?SERVERS:start_named(beam_observability_debugging_visited),
    ok.

%% What a visitor gets of that server: its state by sys, its mailbox by process_info/2 there, what
%% is left of it when it is told to kill it.
-spec doings(node()) -> #{atom() => term()}.
doings(Node) ->
    Name = beam_observability_debugging_visited,
    State = sys:get_state({Name, Node}),
    Pid = erpc:call(Node, erlang, whereis, [Name]),
    Length = erpc:call(Node, erlang, process_info, [Pid, message_queue_len]),
    Here = probe_capture:outcome(fun() -> process_info(Pid, message_queue_len) end),
    Ref = monitor(process, Pid),
    true = exit(Pid, kill),
    #{
        state_text => probe_capture:text(State),
        mailbox_count => element(2, Length),
        process_info_here => Here,
        died_of => probe_lib:gone(Ref, ?DEADLINE_MS)
    }.
