%% How many of a VM's run queues it uses under little and much load, as its crash dump tells, for the probes
%% of beam-scheduler-tuning.
%% Provokes and reads; knows nothing of any claim.
-module(beam_scheduler_tuning_compaction).

-export([queues/2, load/1]).

-define(TURNS, beam_scheduler_tuning_turns).
-define(QUEUES, 4).
-define(CALLS, 120_000_000).
-define(LATER_MS, 300).
-define(LOAD_MS, 60_000).
-define(DUMP_MS, 30_000).

%% Start a VM of four schedulers with these flags and have so many processes make 120,000,000 calls each; a
%% single one sleeps most of the time then, several go on: how many run queues the VM has, and how many of
%% them are inactive when it ends 300 ms later.
-spec queues([string()], non_neg_integer()) -> probe_lib:evidence().
queues(Flags, Busy) ->
    Options = #{timeout_ms => 2 * ?LOAD_MS, flags => ["+S", integer_to_list(?QUEUES) | Flags]},
    probe_peer:with(Options, fun(Peer) ->
        ok = probe_peer:call(Peer, ?MODULE, load, [Busy]),
        ok = probe_peer:cast(Peer, erlang, halt, ["to look at the queues"]),
        #{slogan := <<"to look", _/binary>>} = probe_peer:wait_exit(Peer, ?DUMP_MS),
        {ok, Dump} = file:read_file(probe_peer:crash_dump(Peer)),
        Normal = lists:sublist(flags_of_queues(Dump), ?QUEUES),
        #{
            queues_count => length(Normal),
            inactive_count => length([x || Set <- Normal, lists:member(<<"INACTIVE">>, Set)])
        }
    end).

%% The flags of each run queue, those of normal schedulers first.
flags_of_queues(Dump) ->
    Pattern = "^Run Queue Flags: ?(.*)$",
    case re:run(Dump, Pattern, [global, multiline, {capture, all_but_first, binary}]) of
        {match, Lines} -> [binary:split(Line, <<" | ">>, [global]) || [Line] <- Lines];
        nomatch -> error({setup, no_queues})
    end.

%% Have so many processes compute, wait until each has done its part, and for a while.
-spec load(pos_integer()) -> ok.
load(Busy) ->
    Self = self(),
    Pids = [spawn(fun() -> part(Self, Busy) end) || _ <- lists:seq(1, Busy)],
    [
        receive
            {done, Pid} -> ok
        after ?LOAD_MS -> error({setup, slow})
        end
     || Pid <- Pids
    ],
    timer:sleep(?LATER_MS).

part(Observer, Busy) ->
    ?TURNS:calls(?CALLS),
    Observer ! {done, self()},
    case Busy of
        1 -> doze();
        _ -> part(Observer, Busy)
    end.

doze() ->
    receive
    after 1 -> doze()
    end.
