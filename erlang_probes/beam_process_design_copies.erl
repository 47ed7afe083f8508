%% Terms for the probes of beam-process-design, and what is left of them at whom they are sent to.
%% Measures; knows nothing of any claim.
-module(beam_process_design_copies).

-export([
    constant/0,
    received/1,
    keep/1,
    ints/1,
    shared/1,
    looked_up/2
]).

-define(MAILBOX, beam_process_design_mailbox).
-define(WAIT_MS, 5_000).

%% A term that the compiler puts among the module's literals: 100 words.
-spec constant() -> [atom()].
constant() ->
    [
        a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y,
        a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y
    ].

-spec keep(term()) -> no_return().
keep(Kept) ->
    receive
        {keep, Term} -> keep(Term);
        what -> exit(Kept)
    end.

%% A list of N integers made at run time: 2 * N words.
-spec ints(non_neg_integer()) -> [integer()].
ints(N) ->
    lists:seq(1, N).

%% A term of Depth pairs, each of which holds the one below twice.
-spec shared(non_neg_integer()) -> term().
shared(0) ->
    [];
shared(Depth) ->
    Below = shared(Depth - 1),
    {Below, Below}.

%% What N lookups of Term in a table of one's own return, and the table's end.
-spec looked_up(term(), pos_integer()) -> [term()].
looked_up(Term, N) ->
    Table = ets:new(?MODULE, []),
    true = ets:insert(Table, {entry, Term}),
    Found = [ets:lookup(Table, entry) || _ <- lists:seq(1, N)],
    true = ets:delete(Table),
    Found.

%% The words that Term takes on the heap of a process that it was sent to, and the ids of the
%% reference-counted binaries that the process then refers to.
-spec received(term()) -> {Words :: integer(), BinaryIds :: [integer()]}.
received(Term) ->
    Pid = spawn(?MODULE, keep, [nothing]),
    try
        Before = probe_measure:live_words(Pid),
        Pid ! {keep, Term},
        probe_lib:await(fun() -> ?MAILBOX:waiting(Pid) =:= 0 end, ?WAIT_MS),
        Words = probe_measure:live_words(Pid) - Before,
        {Words, [Id || {Id, _} <- probe_measure:off_heap(Pid)]}
    after
        probe_lib:kill_and_wait(Pid)
    end.
