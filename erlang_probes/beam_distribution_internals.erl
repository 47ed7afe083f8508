%% Probes of connections between nodes, of what their messages cost, of buffers, partitions, names
%% and epmd. Claims in claims/beam-distribution-internals.toml.
-module(beam_distribution_internals).

%% One connection, and what passes over it.
-export([one_connection/1, fragments/1, interleaving/1, liveness/1, hundred_megabytes/1]).

%% A connection that takes no more.
-export([busy_sender/1, busy_limit/1, busy_calls/1]).

%% Who is connected to whom, and who knows which names.
-export([mesh/1, star/1, partition/1, overlap/1, registration/1]).

%% What terms cost.
-export([sharing/1, encoded_sizes/1, sizes_on_the_wire/1, funs_elsewhere/1, remote_to_local/1]).

%% Starting, finding and calling nodes.
-export([epmd_ends/1, without_epmd/1, wrong_cookie/1, remote_calls/1, across_a_cut/1, no_connection/1]).
-export([modules_left/1, offered_flags/1, agreed_flags/1, dist_listen/1, proto_dist/1]).

-define(CALLS, beam_distribution_internals_calls).
-define(EPMD, beam_distribution_internals_epmd).
-define(NAMES, beam_distribution_internals_names).
-define(TERMS, beam_distribution_internals_terms).
-define(FUNS, beam_distribution_internals_funs).
-define(NODES, beam_distribution_internals_nodes).
-define(WIRE, beam_distribution_internals_wire).
-define(BUSY, beam_distribution_internals_busy).
-define(PROTO, beam_distribution_internals_proto_dist).
-define(WAIT_MS, 20_000).
-define(TICKTIME_S, 4).
%% How long is waited for what must not come.
-define(QUIET_MS, 300).

%%% One connection, and what passes over it

%% Two hundred processes of one node each meet one of another: they link, monitor, send and answer; a
%% hundred start from either side, and a message of 1 MB and a remote call follow.
%% Evidence: how many messages were answered and how many 'DOWN's came, by side; connections that the
%%   relay between the nodes passed on, connected sockets of each node, and the bytes that went by.
%% Cost: two peers, 1 s.
%% Misread: a relay sees connections of this pair only; sockets of the node's own are counted apart.
%% Source: https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html
-spec one_connection(probe_lib:args()) -> probe_lib:evidence().
one_connection(_) ->
    ?WIRE:with_pair([], fun(Cluster, Relay) ->
        There = probe_cluster:call(Cluster, a, ?NODES, exchange, [probe_cluster:name(Cluster, b), 100]),
        Back = probe_cluster:call(Cluster, b, ?NODES, exchange, [probe_cluster:name(Cluster, a), 100]),
        ok = ?WIRE:pass(Cluster, 1_000_000),
        #{
            from_a => There,
            from_b => Back,
            connections_count => lists:sum(maps:values(probe_relay:connections(Relay))),
            sockets_count => [probe_cluster:call(Cluster, Name, ?NODES, sockets, []) || Name <- [a, b]],
            passed_bytes => lists:sum([Bytes || #{bytes := Bytes} <- probe_relay:frames(Relay)])
        }
    end).

%% Sends binaries of ever other sizes, one at a time, and looks at the frames that carry them.
%% Evidence: by bisection the largest binary that is sent whole and the smallest in fragments, with the
%%   bytes of the frame that carried the first; of a binary of 10 MB the number of its frames, the
%%   number that the first of them announces, and the bytes of the largest.
%% Cost: two peers, 1.5 s.
%% Misread: frames have headers, so that the binary's own bytes are a little less than the limit.
%% Source: https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html#distribution-header
-spec fragments(probe_lib:args()) -> probe_lib:evidence().
fragments(_) ->
    ?WIRE:with_pair([], fun(Cluster, _) ->
        InFragments = fun(Bytes) -> length(?WIRE:frames_of(Cluster, Bytes)) > 1 end,
        {Whole, Fragmented} = probe_measure:bisect(1_000, 200_000, InFragments),
        [#{bytes := FrameBytes}] = ?WIRE:frames_of(Cluster, Whole),
        [#{head := Head} | _] = Frames = ?WIRE:frames_of(Cluster, 10_000_000),
        Sizes = [Bytes || #{bytes := Bytes} <- Frames],
        #{
            largest_whole_bytes => Whole,
            smallest_fragmented_bytes => Fragmented,
            largest_whole_frame_bytes => FrameBytes,
            frames_count => length(Frames),
            announced_count => announced(Head),
            largest_frame_bytes => lists:max(Sizes),
            all_frames_bytes => lists:sum(Sizes)
        }
    end).

announced(<<131, 69, _:64, Announced:64, _/binary>>) -> Announced;
announced(_) -> none.

%% With the connection frozen, a process sends a message of 32 MB and then a small one, and another
%% process a small one; then all may pass. Once with the usual limit of the connection's buffer, once with
%% one of 1 GB.
%% Evidence: for each limit how many fragments of the large message passed before and after the other
%%   process' message, whether that process was suspended before, and in which order the three arrived.
%% Cost: three peers, 64 MB, 3 s.
%% Misread: what lies in the buffers of the system passes first, whatever the VM does.
%% Source: https://www.erlang.org/blog/OTP-22-Highlights/
-spec interleaving(probe_lib:args()) -> probe_lib:evidence().
interleaving(_) ->
    Spec = #{nodes => [usual, {large, ["+zdbbl", "1000000"]}, b], relays => [{usual, b}, {large, b}]},
    probe_cluster:with(Spec, fun(Cluster) ->
        #{
            usual => ?WIRE:behind_large(Cluster, usual, 32_000_000),
            large => ?WIRE:behind_large(Cluster, large, 32_000_000)
        }
    end).

%% Two nodes with a net_ticktime of two seconds are left alone; one then sends the other a message that
%% takes twice as long on a slow connection; then the connection is frozen, and after it was made again
%% it is cut.
%% Evidence: frames of no bytes from each side while nothing was sent, and the
%%   median between two of one side; how long the message took and whether any node was taken for down
%%   meanwhile; how long after freezing and after cutting each node was told, and with what reason.
%% Cost: two peers, 12 s.
%% Misread: what is told when depends on where between two ticks the connection froze.
%% Source: https://www.erlang.org/doc/apps/kernel/kernel_app.html
-spec liveness(probe_lib:args()) -> probe_lib:evidence().
liveness(_) ->
    ?WIRE:with_pair(["-kernel", "net_ticktime", "2"], fun(Cluster, Relay) ->
        Watchers = [{Name, probe_cluster:call(Cluster, Name, ?WIRE, watch, [])} || Name <- [a, b]],
        Idle = ?WIRE:ticks(Relay, 3_000),
        Slow = ?WIRE:slowly(Cluster, Relay, Watchers),
        Frozen = ?WIRE:noticed(Cluster, Relay, Watchers, freeze),
        ok = probe_relay:set(Relay, cut),
        ok = probe_relay:set(Relay, pass),
        ok = probe_cluster:connect(Cluster, a, b),
        Cut = ?WIRE:noticed(Cluster, Relay, Watchers, cut),
        #{
            ticktime_s => probe_cluster:call(Cluster, a, net_kernel, get_net_ticktime, []),
            idle => Idle,
            slow => Slow,
            frozen => Frozen,
            cut => Cut
        }
    end).

%% Two nodes with a net_ticktime of four seconds; one sends the other a message of 100 MB over a connection
%% of 14 MB a second, and, when its first fragment has passed, a small one from another process.
%% Evidence: how long both took; the fragments and the ticks of both sides that passed meanwhile; whether
%%   any node was taken for down; in which order the messages arrived.
%% Cost: two peers, 300 MB, 9 s.
%% Misread: the small message waits for what the VM and the system have in their buffers.
%% Source: https://www.erlang.org/blog/OTP-22-Highlights/
-spec hundred_megabytes(probe_lib:args()) -> probe_lib:evidence().
hundred_megabytes(_) ->
    Flags = ["-kernel", "net_ticktime", integer_to_list(?TICKTIME_S)],
    ?WIRE:with_pair(Flags, fun(Cluster, Relay) ->
        Watchers = [{a, watch(Cluster, a)}, {b, watch(Cluster, b)}],
        Large = #{bytes => 100_000_000, bytes_per_second => 14_000_000},
        Beside = ?WIRE:beside_large(Cluster, Relay, Watchers, Large),
        Beside#{ticktime_s => probe_cluster:call(Cluster, a, net_kernel, get_net_ticktime, [])}
    end).

watch(Cluster, Name) ->
    probe_cluster:call(Cluster, Name, ?WIRE, watch, []).

%%% A connection that takes no more

%% With the connection of two nodes frozen, a process sends to the other node until it is suspended;
%% then others send there, to a third node and at home, once with options not to wait; then all may pass.
%% Evidence: for each sender how many sends were over while the connection was frozen, and its status;
%%   what sends with nosuspend answered; the events of the system monitor before and after, and
%%   whether they name the sender; how many messages were there after the connection was let pass, of
%%   how many that senders had given away, and how many of those with nosuspend.
%% Cost: three peers, 30 MB, 3 s.
%% Misread: what lies in the buffers of the system counts as sent: the sender is suspended later than the
%%   limit says.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#system_monitor/2
-spec busy_sender(probe_lib:args()) -> probe_lib:evidence().
busy_sender(_) ->
    probe_cluster:with(#{nodes => [a, b, c], relays => [{a, b}]}, fun(Cluster) ->
        [ok = probe_cluster:connect(Cluster, From, To) || {From, To} <- [{a, b}, {a, c}]],
        [OnA, OnB, OnC] = [probe_cluster:call(Cluster, Name, ?NODES, deaf, []) || Name <- [a, b, c]],
        Watcher = probe_cluster:call(Cluster, a, ?BUSY, watch, []),
        Relay = probe_cluster:relay(Cluster, a, b),
        ok = probe_relay:set(Relay, freeze),
        Quiet = probe_cluster:call(Cluster, a, ?BUSY, events, [Watcher]),
        {Filler, Sent} = ?BUSY:fill(Cluster, a, OnB, 600),
        Others = [
            {Name, ?BUSY:started(Cluster, a, To, [small])}
         || {Name, To} <- [{to_b, OnB}, {to_c, OnC}, {at_home, OnA}]
        ],
        Seen = [{Name, ?BUSY:moves_on(Cluster, a, Pid, 1, ?QUIET_MS)} || {Name, Pid} <- Others],
        Tried = probe_cluster:call(Cluster, a, ?BUSY, tries, [OnB, [nosuspend]]),
        Events = probe_cluster:call(Cluster, a, ?BUSY, events, [Watcher]),
        Stuck = ?BUSY:moves_on(Cluster, a, Filler, 600, ?QUIET_MS),
        ok = probe_relay:set(Relay, pass),
        probe_lib:await(fun() -> probe_cluster:call(Cluster, b, ?NODES, waiting, [OnB]) >= 601 end, ?WAIT_MS),
        Last = probe_cluster:call(Cluster, b, ?NODES, take, [OnB]),
        #{
            filler => Stuck#{moved_count => maps:get(sent_count, Stuck) - Sent},
            others => maps:from_list(Seen),
            nosuspend => Tried,
            events_before_count => length(Quiet),
            event_of_filler => lists:member({Filler, busy_dist_port}, Events),
            event_of_other => lists:member({proplists:get_value(to_b, Others), busy_dist_port}, Events),
            event_of_unsuspended => [x || {Pid, _} <- Events, {Name, One} <- Others, One =:= Pid, Name =/= to_b] =/= [],
            arrived_count => length(Last),
            small_arrived_count => length([x || small <- Last]),
            nosuspend_arrived_count => length([x || tried <- Last]),
            filler_after => ?BUSY:moves_on(Cluster, a, Filler, 600, ?WAIT_MS)
        }
    end).

%% Nodes with the usual limit and with one of 32 MB send to a third over frozen connections; then, on the
%% first, does a process whose sends are asynchronous, where there is that flag.
%% Evidence: the limit that each node has; the bytes that its sender got rid of before it was suspended;
%%   of the asynchronous sender the same, and what setting the flag raised.
%% Cost: three peers, 150 MB, 3 s.
%% Misread: the buffers of the system take some megabytes first, whatever the limit.
%% Source: https://www.erlang.org/doc/apps/erts/erl_cmd.html#+zdbbl
-spec busy_limit(probe_lib:args()) -> probe_lib:evidence().
busy_limit(_) ->
    Spec = #{
        nodes => [usual, {large, ["+zdbbl", "32768"]}, b], relays => [{usual, b}, {large, b}]
    },
    probe_cluster:with(Spec, fun(Cluster) ->
        Deaf = probe_cluster:call(Cluster, b, ?NODES, deaf, []),
        Each = maps:from_list([{Name, filled(Cluster, Name, Deaf)} || Name <- [usual, large]]),
        Bytes = fun(Name) -> maps:get(accepted_bytes, maps:get(Name, Each)) end,
        Each#{
            large_less_usual_bytes => Bytes(large) - Bytes(usual),
            async => asynchronous(Cluster, usual, Deaf)
        }
    end).

filled(Cluster, Name, Deaf) ->
    ok = probe_cluster:connect(Cluster, Name, b),
    ok = probe_relay:set(probe_cluster:relay(Cluster, Name, b), freeze),
    Limit = probe_cluster:call(Cluster, Name, erlang, system_info, [dist_buf_busy_limit]),
    Accepted = ?BUSY:accepted(Cluster, Name, Deaf, false),
    Accepted#{limit_bytes => Limit}.

%% On a connection that is busy already.
asynchronous(Cluster, Name, Deaf) ->
    try probe_cluster:call(Cluster, Name, ?NODES, async_by_default, []) of
        Default ->
            Accepted = ?BUSY:accepted(Cluster, Name, Deaf, true),
            Accepted#{raised => none, default => Default}
    catch
        error:Reason -> #{raised => Reason}
    end.

%% With the connection frozen and full, a process calls a server of the other node with a timeout of
%% 100 ms, another one a server at home that passes the call on to the other node; then the connection
%% is cut, and made again.
%% Evidence: how both calls ended within a second, and the status of the caller and of the server at home;
%%   how both senders stood after the cut, how the call ended then, and how many of the messages
%%   that were sent arrived.
%% Cost: two peers, 30 MB, 2.5 s.
%% Misread: a caller that times out leaves its request in the server's mailbox.
%% Source: https://www.erlang.org/doc/apps/stdlib/gen_server.html#call/3
-spec busy_calls(probe_lib:args()) -> probe_lib:evidence().
busy_calls(_) ->
    ?WIRE:with_pair(["-kernel", "dist_auto_connect", "never"], fun(Cluster, Relay) ->
        Deaf = probe_cluster:call(Cluster, b, ?NODES, deaf, []),
        Forwarder = probe_cluster:call(Cluster, a, ?BUSY, forward, []),
        _ = probe_cluster:call(Cluster, a, erlang, send, [Forwarder, {to, Deaf}]),
        Free = ?BUSY:called(Cluster, a, Forwarder, 100, 1_000),
        ok = probe_relay:set(Relay, freeze),
        {Filler, _} = ?BUSY:fill(Cluster, a, Deaf, 600),
        Away = probe_cluster:call(Cluster, a, ?BUSY, call_within, [Deaf, 100]),
        Home = ?BUSY:called(Cluster, a, Forwarder, 100, 1_000),
        AwayEnded = ?BUSY:ended(Cluster, a, Away, 1_000),
        {_, ForwarderStatus} = probe_cluster:call(Cluster, a, ?NODES, sender, [Forwarder]),
        Before = probe_cluster:call(Cluster, b, ?NODES, waiting, [Deaf]),
        ok = probe_relay:set(Relay, cut),
        ok = ?NAMES:apart(Cluster, a, b),
        AwayAfterCut = ?BUSY:ended(Cluster, a, Away, ?WAIT_MS),
        FillerAfterCut = ?BUSY:moves_on(Cluster, a, Filler, 600, ?WAIT_MS),
        ok = probe_relay:set(Relay, pass),
        ok = probe_cluster:connect(Cluster, a, b),
        _ = ?BUSY:started(Cluster, a, Deaf, [after_meeting]),
        probe_lib:await(
            fun() -> lists:member(after_meeting, probe_cluster:call(Cluster, b, ?NODES, take, [Deaf])) end, ?WAIT_MS
        ),
        #{
            home_while_free => Free,
            home => Home,
            away => AwayEnded,
            forwarder_status => ForwarderStatus,
            away_after_cut => AwayAfterCut,
            filler_after_cut => FillerAfterCut,
            arrived_before_cut_count => Before,
            arrived_after_meeting_count => probe_cluster:call(Cluster, b, ?NODES, waiting, [Deaf])
        }
    end).

%%% What terms cost

%% Makes pairs in pairs, both halves of each the same, and as many words without anything twice; sends
%% and encodes them.
%% Evidence: by depth the words where the term was made, in a process that it was sent to, and when it
%%   was decoded, and the bytes of its encoding; by how much the last three grow a level.
%% Cost: 1 MB, 100 ms.
%% Misread: a VM can be built to keep sharing when it copies; none of the usual packages is.
%% Source: https://github.com/erlang/otp/issues/4773
-spec sharing(probe_lib:args()) -> probe_lib:evidence().
sharing(_) ->
    Series = [(?TERMS:copied(?TERMS:shared(Depth)))#{depth_count => Depth} || Depth <- [4, 8, 12]],
    [#{made_words := FirstMade} = First, _, #{made_words := LastMade} = Last] = Series,
    Factor = fun(Key) -> math:pow(maps:get(Key, Last) / maps:get(Key, First), 1 / 8) end,
    #{
        series => Series,
        made_words_a_level => (LastMade - FirstMade) / 8,
        sent_a_level_ratio => Factor(sent_words),
        encoded_a_level_ratio => Factor(encoded_bytes),
        decoded_a_level_ratio => Factor(decoded_words),
        unshared => ?TERMS:copied(?TERMS:unshared(12))
    }.

%% Encodes atoms of several lengths, an identifier of a process, and funs with more and less in their
%% environment.
%% Evidence: bytes of an encoded atom beyond its letters, by length; of each more of the same atom of
%%   100 letters in a list; of a pid beyond the name of its node, and whether that name is in it; the words of a
%%   pid here; of a fun by the size of what it uses; of a fun that is a name.
%% Cost: below 10 ms.
%% Misread: a connection sends atoms by number after the first time; term_to_binary does not.
%% Source: https://www.erlang.org/doc/apps/erts/erl_ext_dist.html
-spec encoded_sizes(probe_lib:args()) -> probe_lib:evidence().
encoded_sizes(_) ->
    Bytes = fun(Term) -> byte_size(term_to_binary(Term)) end,
    Atom = ?TERMS:atom(100),
    Pid = term_to_binary(self()),
    Name = atom_to_binary(node(), utf8),
    Closure = fun(Environment) -> Bytes(fun(Value) -> [Value | Environment] end) end,
    Environment = lists:seq(1, 100),
    #{
        atom_beyond_letters_bytes => [Bytes(?TERMS:atom(Letters)) - Letters || Letters <- [20, 100, 250]],
        each_more_in_list_bytes => (Bytes(lists:duplicate(10, Atom)) - Bytes([Atom])) / 9,
        pid_beyond_name_bytes => byte_size(Pid) - byte_size(Name),
        pid_has_name => binary:match(Pid, Name) =/= nomatch,
        pid_words => erts_debug:flat_size(self()),
        environment_bytes => Bytes(Environment) - Bytes([]),
        fun_for_environment_bytes => Closure(Environment) - Closure([]),
        fun_without_bytes => Closure([]),
        named_fun_bytes => Bytes(fun lists:sum/1)
    }.

%% Sends from one node to another: three times the same new atom of 200 letters and then another one; the
%% pairs in pairs of ever more levels; a text.
%% Evidence: the bytes on the wire for each; words of the identifier of a process, at home and on the
%%   other node; whether the text can be read in a frame; how many messages the handshake had, and
%%   in how many of all frames the cookie can be read.
%% Cost: two peers, 1 MB, 1 s.
%% Misread: a table of 2,048 places holds the atoms of a connection: others may take the place.
%% Source: https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html#protocol-between-connected-nodes
-spec sizes_on_the_wire(probe_lib:args()) -> probe_lib:evidence().
sizes_on_the_wire(_) ->
    ?WIRE:with_pair([], fun(Cluster, Relay) ->
        [One, Other] = [probe_cluster:call(Cluster, a, ?TERMS, atom, [200]) || _ <- [1, 2]],
        Pid = probe_cluster:call(Cluster, a, ?NODES, deaf, []),
        Atoms = ?TERMS:wire_bytes(Cluster, received, [[One], [One], [One], [Other]]),
        Shared = ?TERMS:wire_bytes(Cluster, shared, [[Depth] || Depth <- [10, 12, 14]]),
        [_] = ?TERMS:wire_bytes(Cluster, received, [[<<"in plain text">>]]),
        Cookie = atom_to_binary(probe_cluster:call(Cluster, a, erlang, get_cookie, []), utf8),
        Frames = probe_relay:frames(Relay),
        #{
            atom_bytes => maps:from_list(lists:zip([first, second, third, of_another], Atoms)),
            shared_bytes => Shared,
            shared_growth_ratio => lists:last(Shared) / hd(Shared),
            pid_at_home_words => probe_cluster:call(Cluster, a, ?TERMS, pid_words, [Pid]),
            pid_elsewhere_words => probe_cluster:call(Cluster, b, ?TERMS, pid_words, [Pid]),
            text_readable_count => ?WIRE:readable(Frames, <<"in plain text">>),
            handshake_count => length([x || #{kind := handshake} <- Frames]),
            cookie_bytes => byte_size(Cookie),
            cookie_readable_count => ?WIRE:readable(Frames, Cookie)
        }
    end).

%% Applies a fun of a module that only one node has on another one, before the other has the module and
%% after; and a fun that is a name of OTP's.
%% Evidence: what each came to.
%% Cost: two peers, 0.7 s.
%% Misread: a node that finds the module on its own disk loads it.
%% Source: https://www.erlang.org/doc/system/data_types.html#fun
-spec funs_elsewhere(probe_lib:args()) -> probe_lib:evidence().
funs_elsewhere(_) ->
    ?WIRE:with_pair([], fun(Cluster, _) ->
        B = probe_cluster:name(Cluster, b),
        OnB = fun(Fun) -> probe_cluster:call(Cluster, a, ?TERMS, apply_there, [B, Fun]) end,
        Adder = probe_cluster:call(Cluster, a, ?FUNS, adder, [41]),
        Without = OnB(Adder),
        ok = probe_peer:load(probe_cluster:peer(Cluster, b), [?FUNS]),
        #{without_module => Without, with_module => OnB(Adder), by_name => OnB(fun erlang:abs/1)}
    end).

%%% Who is connected to whom, and who knows which names

%% Four nodes join a cluster one by one, each by connecting to the first; then a hidden node does so.
%% Evidence: by number of nodes how many connections there are, and how many of them were asked for; which
%%   nodes the hidden one is connected to, where it is listed, how many of the others are connected to
%%   it, after how long, and whether a message from it arrived.
%% Cost: five peers, 2 s.
%% Misread: a connection that nobody asked for comes some milliseconds later.
%% Source: https://www.erlang.org/doc/system/distributed.html#node-connections
-spec mesh(probe_lib:args()) -> probe_lib:evidence().
mesh(_) ->
    Names = [n1, n2, n3, n4],
    probe_cluster:with(#{nodes => Names ++ [{hidden, ["-hidden"]}]}, fun(Cluster) ->
        Series = [?NAMES:joins(Cluster, lists:sublist(Names, Count)) || Count <- [2, 3, 4]],
        ok = probe_cluster:connect(Cluster, hidden, n1),
        timer:sleep(?QUIET_MS),
        Hidden = probe_cluster:name(Cluster, hidden),
        Lists = fun(Name, What) -> lists:member(Hidden, probe_cluster:call(Cluster, Name, erlang, nodes, [What])) end,
        Deaf = probe_cluster:call(Cluster, n1, ?NODES, deaf, []),
        _ = probe_cluster:call(Cluster, hidden, erlang, send, [Deaf, from_hidden]),
        #{settled := Arrived} = probe_lib:until(
            fun() -> probe_cluster:call(Cluster, n1, ?NODES, take, [Deaf]) =:= [from_hidden] end, ?WAIT_MS
        ),
        #{
            nodes_count => [Count || #{nodes_count := Count} <- Series],
            asked_count => [Count || #{asked_count := Count} <- Series],
            connections_count => [Count || #{connections_count := Count} <- Series],
            unchanged_ms => lists:min([Ms || #{unchanged_ms := Ms} <- Series]),
            hidden_connected_count => length(probe_cluster:call(Cluster, hidden, erlang, nodes, [connected])),
            listed_as => [What || What <- [visible, hidden, connected], Lists(n1, What)],
            others_connected_to_hidden_count => length([Name || Name <- [n2, n3, n4], Lists(Name, connected)]),
            watched_ms => ?QUIET_MS,
            hidden_message_arrived => Arrived
        }
    end).

%% As mesh/1 with nodes that have -connect_all false.
%% Evidence: by number of nodes how many connections there are, and how many of them were asked for, after
%%   how long.
%% Cost: four peers, 2.5 s.
%% Misread: with it global knows no names of other nodes.
%% Source: https://www.erlang.org/doc/apps/erts/erl_cmd.html#connect_all
-spec star(probe_lib:args()) -> probe_lib:evidence().
star(_) ->
    Names = [n1, n2, n3, n4],
    probe_cluster:with(#{nodes => Names, flags => ["-connect_all", "false"]}, fun(Cluster) ->
        Series = [?NAMES:joins(Cluster, lists:sublist(Names, Count)) || Count <- [2, 3, 4]],
        #{
            nodes_count => [Count || #{nodes_count := Count} <- Series],
            asked_count => [Count || #{asked_count := Count} <- Series],
            connections_count => [Count || #{connections_count := Count} <- Series],
            unchanged_ms => lists:min([Ms || #{unchanged_ms := Ms} <- Series])
        }
    end).

%% Two nodes are cut apart, of which one has the holder of a name and a member of a group; meanwhile a
%% process of each takes the same name with global, and one of the other joins the group; then they meet
%% again.
%% Evidence: before, during and after the cut what each node knows: the holder of the common name (the one
%%   of which node), of the other name, the members of the group, as names of nodes; which of the
%%   processes live in the end, and what the others died of.
%% Cost: two peers, 2 s.
%% Misread: which of two holders stays is random by default.
%% Source: https://www.erlang.org/doc/apps/kernel/global.html#register_name/3
-spec partition(probe_lib:args()) -> probe_lib:evidence().
partition(_) ->
    ?WIRE:with_pair(["-kernel", "dist_auto_connect", "never"], fun(Cluster, Relay) ->
        ok = ?NAMES:start_pg(Cluster, [a, b]),
        Early = ?NAMES:holder(Cluster, a, early),
        MemberA = ?NAMES:member(Cluster, a),
        Before = ?NAMES:known(Cluster, [a, b], [early]),
        ok = probe_relay:set(Relay, cut),
        ok = ?NAMES:apart(Cluster, a, b),
        Holders = [{Name, ?NAMES:holder(Cluster, Name, common)} || Name <- [a, b]],
        MemberB = ?NAMES:member(Cluster, b),
        During = ?NAMES:known(Cluster, [a, b], [early, common]),
        ok = probe_relay:set(Relay, pass),
        ok = probe_cluster:connect(Cluster, a, b),
        ok = ?NAMES:agreed(Cluster, a, b, common),
        After = ?NAMES:known(Cluster, [a, b], [early, common]),
        #{a := #{common := AtA}, b := #{common := AtB}} = After,
        #{
            before => Before,
            during => During,
            after_meeting => After,
            ends => lists:sort([?NAMES:end_of(Cluster, Name, Pid) || {Name, Pid} <- Holders]),
            early_end => ?NAMES:end_of(Cluster, a, Early),
            same_holder => AtA =:= AtB,
            members_end => [?NAMES:end_of(Cluster, Name, Pid) || {Name, Pid} <- [{a, MemberA}, {b, MemberB}]]
        }
    end).

%% Three nodes that are all connected; the connection between two of them is cut, and they may not connect
%% by themselves. With what a node does by default, and with the guard of overlapping partitions on and
%% off.
%% Evidence: for each the connections that are left after a while, as pairs of nodes.
%% Cost: nine peers in turn, 5 s.
%% Misread: which of two nodes the third one leaves is a race.
%% Source: https://www.erlang.org/doc/apps/kernel/kernel_app.html
-spec overlap(probe_lib:args()) -> probe_lib:evidence().
overlap(_) ->
    Guard = fun(On) -> ["-kernel", "prevent_overlapping_partitions", On] end,
    #{
        by_default => ?NAMES:left_of_three([]),
        guarded => ?NAMES:left_of_three(Guard("true")),
        unguarded => ?NAMES:left_of_three(Guard("false"))
    }.

%% On a node whose connection to another is frozen, a process joins a group of pg, and another takes a name
%% with global; then the connection passes again.
%% Evidence: whether a group can be joined before a scope of pg was started; for both how many milliseconds
%%   they took while it was frozen, up to half a second, whether the other node knew after that, and
%%   whether it knew in the end; how often one process can join, and what of that another scope shows.
%% Cost: two peers, 1.5 s.
%% Misread: where a node is lost while a name is taken, that ends without it.
%% Source: https://www.erlang.org/doc/apps/kernel/pg.html
-spec registration(probe_lib:args()) -> probe_lib:evidence().
registration(_) ->
    ?WIRE:with_pair([], fun(Cluster, Relay) ->
        Unstarted = probe_cluster:call(Cluster, a, ?NAMES, join_outcome, []),
        ok = ?NAMES:start_pg(Cluster, [a, b]),
        ok = ?NAMES:one_global(Cluster, a, b),
        ok = probe_relay:set(Relay, freeze),
        Joining = ?NAMES:doing(Cluster, a, join_group),
        Naming = ?NAMES:doing(Cluster, a, take_name),
        [Joined, Named] = [?NAMES:done(Cluster, a, Pid, 500) || Pid <- [Joining, Naming]],
        KnewFrozen = ?NAMES:knows(Cluster, b),
        ok = probe_relay:set(Relay, pass),
        #{settled := NamedLater} = probe_lib:until(
            fun() -> ?NAMES:knows(Cluster, b) =:= #{group => true, name => true} end, ?WAIT_MS
        ),
        #{
            join_without_scope => Unstarted,
            joined => Joined,
            named => Named,
            known_frozen => KnewFrozen,
            known_later => NamedLater,
            named_later => ?NAMES:done(Cluster, a, Naming, ?WAIT_MS),
            scopes => probe_cluster:call(Cluster, a, ?NAMES, twice, [])
        }
    end).

%% Times a message there and back between processes of one node and of two, with binaries of 10 bytes and
%% of 1 MB.
%% Evidence: for both sizes the least time of each of many rounds, and the ratio of the two.
%% Cost: two peers, 1.5 s.
%% Misread: over the loopback there is no network; on one the small ratio is larger.
%% Source: https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html
-spec remote_to_local(probe_lib:args()) -> probe_lib:evidence().
remote_to_local(_) ->
    ?WIRE:with_pair([], fun(Cluster, _) ->
        Echoes = [probe_cluster:call(Cluster, Name, ?CALLS, echo, []) || Name <- [b, a]],
        Trip = fun(Bytes, Rounds) ->
            [Remote, Local] = probe_cluster:call(Cluster, a, ?CALLS, trip_us, [Echoes, Bytes, Rounds]),
            #{bytes => Bytes, remote_us => Remote, local_us => Local, ratio => Remote / Local}
        end,
        #{small => Trip(10, 300), large => Trip(1_000_000, 60)}
    end).

%%% Starting, finding and calling nodes

%% Two nodes find each other through an epmd, which is killed; a third that was registered, too, is pinged,
%% and the epmd started again.
%% Evidence: names that epmd knows before; after it ended what asking it says, whether the two are still
%%   connected, how many of 50 exchanges of messages between them went well, and what pinging the
%%   third says; names that it knows after it was started again, and what a ping says then.
%% Cost: three peers, 4 s.
%% Misread: nodes try to register again every two seconds.
%% Source: https://www.erlang.org/doc/apps/erts/epmd_cmd.html
-spec epmd_ends(probe_lib:args()) -> probe_lib:evidence().
epmd_ends(_) ->
    Port = ?EPMD:free_port(),
    ?EPMD:with_epmd(Port, fun(End) ->
        ?EPMD:with_nodes(Port, ["a", "b", "c"], [?NODES], fun([{A, _}, {_, NodeB}, {_, NodeC}]) ->
            Ping = fun(Node) -> probe_peer:call(A, net_adm, ping, [Node]) end,
            First = Ping(NodeB),
            Names = ?EPMD:names(A),
            ok = End(),
            Gone = ?EPMD:names(A),
            Exchanged = probe_peer:call(A, ?NODES, exchange, [NodeB, 50]),
            Lost = Ping(NodeC),
            Still = lists:member(NodeB, probe_peer:call(A, erlang, nodes, [])),
            Again = ?EPMD:with_epmd(Port, fun(_) ->
                #{settled := All} = probe_lib:until(fun() -> ?EPMD:names(A) =:= [a, b, c] end, ?WAIT_MS),
                #{all_registered => All, ping_third => Ping(NodeC)}
            end),
            #{
                first_ping => First,
                names => Names,
                names_without => Gone,
                exchanged_without => Exchanged,
                ping_third_without => Lost,
                connected_without => Still,
                again => Again
            }
        end)
    end).

%% Starts pairs of nodes where no epmd is to be had: with nothing else said, and in the ways that there are
%% to do without.
%% Evidence: for each way what a ping from one to the other is answered, or that they did not start.
%% Cost: eight peers in turn, 3 s.
%% Misread: with a fixed port each node needs an address of its own.
%% Source: https://www.erlang.org/doc/apps/kernel/kernel_app.html
-spec without_epmd(probe_lib:args()) -> probe_lib:evidence().
without_epmd(_) ->
    NoEpmd = ?EPMD:free_port(),
    #{
        nothing_said => ?EPMD:two_ways([], NoEpmd),
        erl_epmd_port => ?EPMD:two_ways(["-erl_epmd_port", "PORT"], NoEpmd),
        erl_epmd_node_listen_port => ?EPMD:two_ways(["-kernel", "erl_epmd_node_listen_port", "PORT"], NoEpmd),
        epmd_module => probe_cluster:with(#{nodes => [a, b]}, fun(Cluster) ->
            probe_cluster:call(Cluster, a, net_adm, ping, [probe_cluster:name(Cluster, b)])
        end)
    }.

%% A node connects to one with another cookie, then sets that cookie for that node and connects again.
%% Evidence: what both connections say; the messages of the handshake of the first by their first letter,
%%   from each side, and of the second; what each node has logged after the first, and whether its
%%   log was kept.
%% Cost: two peers, 1 s.
%% Misread: the side that asks is told no reason, and neither node is told the other's cookie.
%% Source: https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html#distribution-handshake
-spec wrong_cookie(probe_lib:args()) -> probe_lib:evidence().
wrong_cookie(_) ->
    probe_cluster:with(#{nodes => [a, b], relays => [{a, b}]}, fun(Cluster) ->
        [A, B] = [probe_cluster:name(Cluster, Name) || Name <- [a, b]],
        true = probe_cluster:call(Cluster, b, erlang, set_cookie, [B, another]),
        [ok = probe_cluster:call(Cluster, Name, ?CALLS, keep_log, []) || Name <- [a, b]],
        Relay = probe_cluster:relay(Cluster, a, b),
        Connect = fun() -> probe_cluster:call(Cluster, a, net_kernel, connect_node, [B]) end,
        Refused = Connect(),
        _ = probe_lib:until(fun() -> length(probe_cluster:call(Cluster, b, ?CALLS, logged, [])) > 1 end, ?WAIT_MS),
        First = ?WIRE:handshake(Relay, 0),
        Logged = [?CALLS:mentions(probe_cluster:call(Cluster, Name, ?CALLS, logged, []), A, B) || Name <- [a, b]],
        true = probe_cluster:call(Cluster, a, erlang, set_cookie, [B, another]),
        Frames = length(probe_relay:frames(Relay)),
        Accepted = Connect(),
        #{
            connected => Refused,
            handshake => First,
            logged_by_a => hd(Logged),
            logged_by_b => lists:last(Logged),
            connected_with_cookie => Accepted,
            handshake_with_cookie => ?WIRE:handshake(Relay, Frames)
        }
    end).

%% Calls functions of another node by rpc and by erpc that return, raise, throw, exit, or are late, and
%% one of a node that is not to be had.
%% Evidence: for both what came of each, as text.
%% Cost: two peers, 1 s.
%% Misread: a function that is late goes on running there.
%% Source: https://www.erlang.org/doc/apps/kernel/erpc.html
-spec remote_calls(probe_lib:args()) -> probe_lib:evidence().
remote_calls(_) ->
    ?WIRE:with_pair([], fun(Cluster, _) ->
        B = probe_cluster:name(Cluster, b),
        #{
            rpc => probe_cluster:call(Cluster, a, ?CALLS, outcomes, [rpc, B]),
            erpc => probe_cluster:call(Cluster, a, ?CALLS, outcomes, [erpc, B])
        }
    end).

%% Starts processes on a node that is not to be had; attaches to two of a node that is cut off, and meets
%% it again.
%% Evidence: what starting them came to, by way; what the attached process was told after the cut; whether
%%   the monitored and the linked one lived after it; and what it was told more when the monitored one
%%   was killed after the nodes had met again.
%% Cost: two peers, 2 s.
%% Misread: who is told noconnection knows nothing of the process: it may well live.
%% Source: https://www.erlang.org/doc/system/ref_man_processes.html#monitors
-spec across_a_cut(probe_lib:args()) -> probe_lib:evidence().
across_a_cut(_) ->
    ?WIRE:with_pair(["-kernel", "dist_auto_connect", "never"], fun(Cluster, Relay) ->
        Unreachable = probe_cluster:call(Cluster, a, ?CALLS, unreachable, ['nobody@127.0.0.1']),
        [Monitored, Linked] = Far = [probe_cluster:call(Cluster, b, ?CALLS, far, [false]) || _ <- [1, 2]],
        Near = probe_cluster:call(Cluster, a, ?CALLS, attach, [{Monitored, Linked}]),
        Live = fun() -> [probe_cluster:call(Cluster, b, erlang, is_process_alive, [Pid]) || Pid <- Far] end,
        Told = fun() -> probe_cluster:call(Cluster, a, ?CALLS, told, [Near]) end,
        Links = fun() -> probe_cluster:call(Cluster, b, erlang, process_info, [Linked, links]) end,
        probe_lib:await(fun() -> Links() =:= {links, [Near]} end, ?WAIT_MS),
        Before = #{live => Live(), told => Told()},
        ok = probe_relay:set(Relay, cut),
        ok = ?NAMES:apart(Cluster, a, b),
        probe_lib:await(fun() -> length(Told()) >= 2 end, ?WAIT_MS),
        #{settled := LinkedEnds} = probe_lib:until(fun() -> not lists:last(Live()) end, ?WAIT_MS),
        Cut = #{live => Live(), told => Told()},
        ok = probe_relay:set(Relay, pass),
        ok = probe_cluster:connect(Cluster, a, b),
        _ = probe_cluster:call(Cluster, b, probe_lib, kill_and_wait, [Monitored]),
        timer:sleep(?QUIET_MS),
        #{
            unreachable => Unreachable,
            before => Before,
            linked_ended => LinkedEnds,
            after_cut => Cut,
            after_meeting => #{live => Live(), told => Told()},
            watched_ms => ?QUIET_MS
        }
    end).

%% Sends to a process of a node that is not connected, with noconnect and without.
%% Evidence: what both answered, whether the node was connected before, between and after, and what
%%   arrived.
%% Cost: two peers, 0.7 s.
%% Misread: a plain send to a node that cannot be reached waits for the attempt.
%% Source: https://www.erlang.org/doc/apps/erts/erlang.html#send/3
-spec no_connection(probe_lib:args()) -> probe_lib:evidence().
no_connection(_) ->
    probe_cluster:with(#{nodes => [a, b]}, fun(Cluster) ->
        Deaf = probe_cluster:call(Cluster, b, ?NODES, deaf, []),
        Sent = probe_cluster:call(Cluster, a, ?CALLS, no_connection, [Deaf]),
        _ = probe_lib:until(fun() -> probe_cluster:call(Cluster, b, ?NODES, waiting, [Deaf]) > 0 end, ?WAIT_MS),
        Sent#{arrived => probe_cluster:call(Cluster, b, ?NODES, take, [Deaf])}
    end).

%% Asks modules that were to be removed what they still have.
%% Evidence: by module how many functions it has beside module_info, and what calling one comes to.
%% Cost: below 10 ms.
%% Misread: a file of the module is there in any case: it is what tells the compiler of the removal.
%% Source: https://www.erlang.org/doc/removed
-spec modules_left(probe_lib:args()) -> probe_lib:evidence().
modules_left(_) ->
    Left = fun(Module) ->
        length([F || {F, _} <- apply(Module, module_info, [exports]), F =/= module_info])
    end,
    #{
        pg2_count => Left(pg2),
        pg2_call => probe_capture:outcome(fun() -> groups(pg2) end),
        pg_count => Left(pg),
        slave_count => Left(slave)
    }.

groups(Module) ->
    Module:which_groups().

%% A node connects to one of its own release and to one of another, and what they offer each other is
%% read from the wire.
%% Evidence: releases; the flags that the node offered to both, those of its own release and of the other
%%   offered to it; how many of them one side offered alone; the messages of both handshakes.
%% Cost: three peers, 1 s.
%% Misread: what both offer is used; what one offers alone is not.
%% Source: https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html#distribution-flags
-spec offered_flags(probe_lib:args()) -> probe_lib:evidence().
offered_flags(#{other_otp_release := Release} = Args) ->
    Spec = #{
        nodes => [a, same, {other, [], probe_cluster:other_release(Args)}], relays => [{a, same}, {a, other}]
    },
    probe_cluster:with(Spec, fun(Cluster) ->
        [ok = probe_cluster:connect(Cluster, a, To) || To <- [same, other]],
        Relays = [probe_cluster:relay(Cluster, a, To) || To <- [same, other]],
        [[ToSame, OfSame], [ToOther, OfOther]] = [?WIRE:flags(Relay) || Relay <- Relays],
        Own = list_to_integer(erlang:system_info(otp_release)),
        {Older, Newer} = case Own < Release of true -> {ToOther, OfOther}; false -> {OfOther, ToOther} end,
        #{
            own_release => Own,
            other_release => list_to_integer(probe_cluster:call(Cluster, other, erlang, system_info, [otp_release])),
            same_to_both => ToSame =:= ToOther,
            same_of_own_release => ToSame =:= OfSame,
            offered_count => length(?WIRE:bits(ToOther)),
            older_alone_count => length(?WIRE:bits(Older band bnot Newer)),
            newer_alone_count => length(?WIRE:bits(Newer band bnot Older)),
            handshakes => [?WIRE:handshake(Relay, 0) || Relay <- Relays]
        }
    end).

%% Two nodes meet again and again, while a relay hides from one a flag or two of those that the other offers
%% in the handshake.
%% Evidence: in how many frames a message of 1 MB passes each way, usually and when the one that it goes to
%%   seems to know no fragments; and by the flags of b that are hidden whether the nodes are connected.
%% Cost: two peers, 1.5 s.
%% Misread: who seems to lack a flag knows nothing of it, and goes on as if the other had been told all.
%% Source: https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html#distribution-flags
-spec agreed_flags(probe_lib:args()) -> probe_lib:evidence().
agreed_flags(_) ->
    ?WIRE:with_pair([], fun(Cluster, Relay) ->
        Frames = fun(From, To) -> length(?WIRE:frames_of(Cluster, {From, To}, 1_000_000)) end,
        MeetWithout = fun(Side, Bits) ->
            ?WIRE:meet_without(Cluster, Relay, Side, lists:sum([1 bsl Bit || Bit <- Bits]))
        end,
        Usual = #{to_b_count => Frames(a, b), to_a_count => Frames(b, a)},
        true = MeetWithout(b, [23]),
        WholeToB = Frames(a, b),
        true = MeetWithout(a, [23]),
        WholeToA = Frames(b, a),
        #{
            frames => Usual,
            frames_without_fragments => #{to_b_count => WholeToB, to_a_count => WholeToA},
            connected_without => maps:map(
                fun(_, Bits) -> MeetWithout(b, Bits) end,
                #{
                    nothing => [],
                    fragments => [23],
                    spawn => [32],
                    alias => [35],
                    unlink_id => [25],
                    v4_nc => [34],
                    map_tag => [17],
                    map_tag_and_digest => [17, 26],
                    utf8_atoms_and_digest => [16, 26]
                }
            )
        }
    end).

%% Starts a node that is not to listen beside two that do, and has them ask for each other.
%% Evidence: the listening sockets of each; what pings each way are answered; how the one that listens
%%   lists the other, and whether the third is connected to it; what arrives there.
%% Cost: three peers, 1.5 s.
%% Misread: a node is found by its port; one that has none could not be reached by its name alone either.
%% Source: https://www.erlang.org/doc/apps/erts/erl_cmd.html#dist_listen
-spec dist_listen(probe_lib:args()) -> probe_lib:evidence().
dist_listen(_) ->
    probe_cluster:with(#{nodes => [{a, ["-dist_listen", "false"]}, b, c]}, fun(Cluster) ->
        [A, B, C] = [probe_cluster:name(Cluster, Name) || Name <- [a, b, c]],
        Ping = fun(From, Node) -> probe_cluster:call(Cluster, From, net_adm, ping, [Node]) end,
        Lists = fun(Name, Kind, Node) ->
            lists:member(Node, probe_cluster:call(Cluster, Name, erlang, nodes, [Kind]))
        end,
        ok = probe_cluster:connect(Cluster, b, c),
        Refused = Ping(b, A),
        Asked = Ping(a, B),
        Deaf = probe_cluster:call(Cluster, a, ?NODES, deaf, []),
        _ = probe_cluster:call(Cluster, b, erlang, send, [Deaf, back]),
        #{settled := Arrived} = probe_lib:until(
            fun() -> probe_cluster:call(Cluster, a, ?NODES, take, [Deaf]) =:= [back] end, ?WAIT_MS
        ),
        timer:sleep(?QUIET_MS),
        #{
            listening_count => maps:from_list([
                {Name, probe_cluster:call(Cluster, Name, ?NODES, listening, [])} || Name <- [a, b]
            ]),
            ping_before_it_asked => Refused,
            ping_by_it => Asked,
            listed_as => [Kind || Kind <- [visible, hidden], Lists(b, Kind, A)],
            third_is_connected => Lists(c, connected, A) orelse Lists(a, connected, C),
            message_back_arrived => Arrived,
            watched_ms => ?QUIET_MS
        }
    end).

%% Starts nodes with a module of one's own for their connections, by -proto_dist, with none that is
%% there, and with nothing said.
%% Evidence: what a ping from one node to the other is answered, and how often each was asked of that
%%   module what; what is left of a node whose module is missing.
%% Cost: five peers, 2 s.
%% Misread: the module hands everything on to inet_tcp_dist, so nothing else is different.
%% Source: https://www.erlang.org/doc/apps/erts/alt_dist.html
-spec proto_dist(probe_lib:args()) -> probe_lib:evidence().
proto_dist(_) ->
    #{
        own => ?PROTO:ping(?PROTO:flags()),
        usual => ?PROTO:ping([]),
        missing => ?PROTO:start(["-proto_dist", "no_such_protocol"])
    }.
