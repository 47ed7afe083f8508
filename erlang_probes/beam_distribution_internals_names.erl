%% Who is connected to whom, and which names and groups nodes know, whole and cut apart.
%% Knows clusters, global and pg; knows nothing of any claim, and never judges.
-module(beam_distribution_internals_names).

-export([joins/2, left_of_three/1, apart/3]).
-export([one_global/3, start_pg/2, holder/3, member/2, known/3, agreed/4, end_of/3, doing/3, done/4, knows/2]).
%% Called on a node.
-export([take/1, belong/0, place_of/1, places_in/1, fate/1, act/1, join_outcome/0, twice/0]).

-define(SCOPE, beam_distribution_internals_scope).
-define(GROUP, beam_distribution_internals_group).
-define(NAME, beam_distribution_internals_name).
-define(WAIT_MS, 15_000).
-define(QUIET_MS, 500).

-type cluster() :: probe_cluster:cluster().

%%% Connections

%% Have the last of some nodes connect to the first, and wait until nothing changes any more: how many
%% connections there are among them, how many were asked for.
-spec joins(cluster(), [atom(), ...]) -> probe_lib:evidence().
joins(Cluster, [First | _] = Names) ->
    ok = probe_cluster:connect(Cluster, lists:last(Names), First),
    Pairs = still(fun() -> pairs(Cluster, Names) end),
    #{
        nodes_count => length(Names),
        connections_count => length(Pairs),
        asked_count => length(Names) - 1,
        unchanged_ms => ?QUIET_MS
    }.

%% The pairs of nodes that are connected, as both say.
pairs(Cluster, Names) ->
    [
        [One, Other]
     || One <- Names,
        Other <- Names,
        One < Other,
        probe_cluster:is_connected(Cluster, One, Other),
        probe_cluster:is_connected(Cluster, Other, One)
    ].

%% A value that was the same for a while.
still(Fun) ->
    still(Fun, Fun(), now_ms(), now_ms() + ?WAIT_MS).

still(Fun, Value, Since, Deadline) ->
    timer:sleep(10),
    Now = now_ms(),
    case Fun() of
        Value when Now - Since >= ?QUIET_MS -> Value;
        Value -> still(Fun, Value, Since, Deadline);
        _ when Now > Deadline -> error({setup, never_still});
        Other -> still(Fun, Other, Now, Deadline)
    end.

now_ms() ->
    erlang:monotonic_time(millisecond).

%% Three nodes with these flags, all connected, of which two are cut apart: how many connections there
%% were, and which are left.
-spec left_of_three([string()]) -> probe_lib:evidence().
left_of_three(Flags) ->
    Names = [a, b, c],
    Spec = #{nodes => Names, flags => ["-kernel", "dist_auto_connect", "once" | Flags], relays => [{a, b}]},
    probe_cluster:with(Spec, fun(Cluster) ->
        [ok = probe_cluster:connect(Cluster, One, Other) || {One, Other} <- [{a, c}, {b, c}, {a, b}]],
        Before = still(fun() -> pairs(Cluster, Names) end),
        ok = probe_relay:set(probe_cluster:relay(Cluster, a, b), cut),
        ok = apart(Cluster, a, b),
        %% The guard acts within milliseconds; what it does not do is waited for.
        #{waited_ms := WaitedMs} = probe_lib:until(fun() -> length(pairs(Cluster, Names)) < 2 end, 4 * ?QUIET_MS),
        After = length(pairs(Cluster, Names)),
        #{before_count => length(Before), after_count => After, watched_ms => WaitedMs}
    end).

%% Wait until two nodes have lost each other.
-spec apart(cluster(), atom(), atom()) -> ok.
apart(Cluster, One, Other) ->
    probe_lib:await(
        fun() ->
            not (probe_cluster:is_connected(Cluster, One, Other) orelse
                probe_cluster:is_connected(Cluster, Other, One))
        end,
        ?WAIT_MS
    ).

%%% Names and groups

-spec start_pg(cluster(), [atom()]) -> ok.
start_pg(Cluster, Names) ->
    lists:foreach(
        fun(Name) ->
            {ok, _} = probe_cluster:call(Cluster, Name, pg, start, [?SCOPE])
        end,
        Names
    ).

%% Wait until a name that one node gives is known to another: the two know each other's names then.
-spec one_global(cluster(), atom(), atom()) -> ok.
one_global(Cluster, One, Other) ->
    yes = probe_cluster:call(Cluster, Other, fun() -> global:register_name(?MODULE, whereis(init)) end),
    probe_lib:await(
        fun() -> probe_cluster:call(Cluster, One, global, whereis_name, [?MODULE]) =/= undefined end, ?WAIT_MS
    ).

%% A process of a node that takes a name with global.
-spec holder(cluster(), atom(), atom()) -> pid().
holder(Cluster, Name, Taken) ->
    probe_cluster:call(Cluster, Name, ?MODULE, take, [Taken]).

-spec take(atom()) -> pid().
take(Taken) ->
    entered(fun() -> yes = global:register_name({?NAME, Taken}, self()) end).

%% A process of a node that joins the group.
-spec member(cluster(), atom()) -> pid().
member(Cluster, Name) ->
    probe_cluster:call(Cluster, Name, ?MODULE, belong, []).

-spec belong() -> pid().
belong() ->
    entered(fun() -> ok = pg:join(?SCOPE, ?GROUP, self()) end).

%% A process that has entered somewhere and stays; from now on it is kept what it dies of.
entered(Enter) ->
    Self = self(),
    Pid = spawn(fun() ->
        Enter(),
        Self ! {self(), ready},
        receive
            {?MODULE, never} -> ok
        end
    end),
    _ = spawn(fun() -> persistent_term:put({?MODULE, Pid}, probe_lib:gone(Pid, infinity)) end),
    receive
        {Pid, ready} -> Pid
    after ?WAIT_MS -> error({setup, not_ready})
    end.

%% What each node knows when that changes no more: by name the node whose process holds it, and the
%% nodes of the group's members.
-spec known(cluster(), [atom()], [atom()]) -> probe_lib:evidence().
known(Cluster, Nodes, Taken) ->
    still(fun() -> maps:from_list([{Node, known_to(Cluster, Node, Taken)} || Node <- Nodes]) end).

known_to(Cluster, Node, Taken) ->
    Places = [{Name, probe_cluster:call(Cluster, Node, ?MODULE, place_of, [Name])} || Name <- Taken],
    Members = probe_cluster:call(Cluster, Node, ?MODULE, places_in, [?GROUP]),
    maps:from_list([{members, Members} | Places]).

%% Wait until two nodes name the same holder.
-spec agreed(cluster(), atom(), atom(), atom()) -> ok.
agreed(Cluster, One, Other, Name) ->
    Place = fun(Node) -> probe_cluster:call(Cluster, Node, ?MODULE, place_of, [Name]) end,
    probe_lib:await(
        fun() ->
            Found = Place(One),
            Found =/= undefined andalso Place(Other) =:= Found
        end,
        ?WAIT_MS
    ).

%% What a process of holder/3 or member/2 died of, or that it is alive.
-spec end_of(cluster(), atom(), pid()) -> atom().
end_of(Cluster, Node, Pid) ->
    probe_cluster:call(Cluster, Node, ?MODULE, fate, [Pid]).

-spec fate(pid()) -> atom().
fate(Pid) ->
    persistent_term:get({?MODULE, Pid}, alive).

%% Have a new process of a node join the group, or take a name.
-spec doing(cluster(), atom(), join_group | take_name) -> pid().
doing(Cluster, Node, What) ->
    probe_cluster:call(Cluster, Node, ?MODULE, act, [What]).

-spec act(join_group | take_name) -> pid().
act(What) ->
    spawn(fun() ->
        _ = put(sent, act_now(What)),
        receive
            {?MODULE, never} -> ok
        end
    end).

act_now(join_group) -> pg:join(?SCOPE, ?GROUP, self());
act_now(take_name) -> global:register_name(?NAME, self()).

%% Whether a process of doing/3 is through within so many milliseconds, and what it was answered.
-spec done(cluster(), atom(), pid(), non_neg_integer()) -> probe_lib:evidence().
done(Cluster, Node, Pid, Ms) ->
    #{settled := Through, waited_ms := WaitedMs, last := Answer} = probe_lib:settle(
        fun() ->
            case probe_cluster:call(Cluster, Node, beam_distribution_internals_nodes, sender, [Pid]) of
                {0, _} -> nothing;
                {Answer, _} -> {done, Answer}
            end
        end,
        Ms
    ),
    #{through => Through, waited_ms => WaitedMs, answer => Answer}.

%% Whether a node knows the member of the group, and the holder of the name.
-spec knows(cluster(), atom()) -> #{group := boolean(), name := boolean()}.
knows(Cluster, Node) ->
    #{
        group => probe_cluster:call(Cluster, Node, ?MODULE, places_in, [?GROUP]) =/= [],
        name => probe_cluster:call(Cluster, Node, global, whereis_name, [?NAME]) =/= undefined
    }.

%% What joining a group comes to where no scope was started.
-spec join_outcome() -> binary().
join_outcome() ->
    probe_capture:outcome(fun() -> pg:join(?GROUP, self()) end).

%% How often one process is in a group that it joins twice, and in the same group of another scope.
-spec twice() -> probe_lib:evidence().
twice() ->
    Scopes = [?MODULE, ?GROUP],
    Started = [{ok, _} = pg:start(Scope) || Scope <- Scopes],
    [ok = pg:join(?MODULE, ?NAME, self()) || _ <- [once, twice]],
    Counts = [length(pg:get_members(Scope, ?NAME)) || Scope <- Scopes],
    lists:foreach(fun({ok, Pid}) -> exit(Pid, kill) end, Started),
    #{joined_twice_count => hd(Counts), in_other_scope_count => lists:last(Counts)}.

%% On a node: where the holder of a name lives, as the short name of its node.
-spec place_of(atom()) -> atom().
place_of(Name) ->
    case global:whereis_name({?NAME, Name}) of
        undefined -> undefined;
        Pid -> short(node(Pid))
    end.

-spec places_in(atom()) -> [atom()].
places_in(Group) ->
    lists:sort([short(node(Pid)) || Pid <- pg:get_members(?SCOPE, Group)]).

short(Node) ->
    [Short, _] = string:split(atom_to_list(Node), "@"),
    list_to_atom(Short).
