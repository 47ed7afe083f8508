%% Terms and what they are when they are copied, encoded or sent.
%% Makes and measures; knows nothing of any claim, and never judges.
-module(beam_distribution_internals_terms).

-export([shared/1, received/1, unshared/1, copied/1, atom/1, wire_bytes/3, pid_words/1, apply_there/2]).

-define(NODES, beam_distribution_internals_nodes).
-define(WIRE, beam_distribution_internals_wire).
-define(WAIT_MS, 10_000).

%% Pairs so deep, both halves of each the same.
-spec shared(non_neg_integer()) -> term().
shared(0) ->
    [];
shared(Depth) ->
    Half = shared(Depth - 1),
    {Half, Half}.

%% As many words on the heap, nothing in it twice.
-spec unshared(non_neg_integer()) -> term().
unshared(0) -> [];
unshared(Depth) -> {unshared(Depth - 1), Depth}.

%% The sizes of a term: words where it was made, words in a process that it was sent to and that asks of
%% it there, bytes in the external format, and words when it is read from that.
-spec copied(term()) -> probe_lib:evidence().
copied(Term) ->
    Encoded = term_to_binary(Term),
    #{
        made_words => erts_debug:size(Term),
        sent_words => probe_lib:with_process([], fun(Subject) ->
            probe_lib:ask(Subject, fun(_) -> {erts_debug:size(received(Term)), none} end)
        end),
        encoded_bytes => byte_size(Encoded),
        decoded_words => erts_debug:size(binary_to_term(Encoded))
    }.

%% The term itself, as it is where this is called.
-spec received(term()) -> term().
received(Term) ->
    Term.

%% An atom of so many letters that no one has made before.
-spec atom(pos_integer()) -> atom().
atom(Letters) ->
    Unique = integer_to_list(erlang:unique_integer([positive])),
    list_to_atom(lists:duplicate(Letters - length(Unique), $a) ++ Unique).

%% On a pair of nodes: the bytes of the frames that carry each of these terms from a to b, each made on
%% a by a function of this module. They are sent one after the other.
-spec wire_bytes(probe_cluster:cluster(), atom(), [[term()]]) -> [pos_integer()].
wire_bytes(Cluster, Function, Arguments) ->
    Deaf = probe_cluster:call(Cluster, b, ?NODES, deaf, []),
    Numbers = lists:seq(1, length(Arguments)),
    [bytes_of(Cluster, Deaf, Number, Function, Args) || {Number, Args} <- lists:zip(Numbers, Arguments)].

bytes_of(Cluster, Deaf, Number, Function, Args) ->
    Relay = probe_cluster:relay(Cluster, a, b),
    Before = length(probe_relay:frames(Relay)),
    ok = probe_cluster:call(Cluster, a, fun() ->
        Deaf ! apply(?MODULE, Function, Args),
        ok
    end),
    probe_lib:await(fun() -> probe_cluster:call(Cluster, b, ?NODES, waiting, [Deaf]) =:= Number end, ?WAIT_MS),
    New = lists:nthtail(Before, probe_relay:frames(Relay)),
    lists:sum([Bytes || #{from := a, bytes := Bytes} <- New]).

%% The words of a process' identifier here.
-spec pid_words(pid()) -> non_neg_integer().
pid_words(Pid) ->
    erts_debug:flat_size(Pid).

%% What applying a fun to 1 on another node comes to.
-spec apply_there(node(), fun((integer()) -> integer())) -> binary().
apply_there(Node, Fun) ->
    case rpc:call(Node, erlang, apply, [Fun, [1]], ?WAIT_MS) of
        {badrpc, {'EXIT', {Reason, _}}} -> probe_capture:text(Reason);
        Value -> probe_capture:text(Value)
    end.
