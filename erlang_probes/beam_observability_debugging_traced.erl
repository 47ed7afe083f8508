%% What the tracing probes trace: functions of known behaviour, called from outside of the module.
%% Knows nothing of tracing, and nothing of any claim.
-module(beam_observability_debugging_traced).

-export([plus_one/1, two/2, fails/1, down/1, outer/1, hot/1, open/1]).

-spec plus_one(integer()) -> integer().
plus_one(X) ->
    X + 1.

-spec two(term(), term()) -> {term(), term()}.
two(X, Y) ->
    {X, Y}.

-spec fails(term()) -> no_return().
fails(X) ->
    error({boom, X}).

%% Tail-recursive; at its end it says how many words of stack it stands on.
-spec down(non_neg_integer()) -> {stack_words, non_neg_integer()}.
down(0) ->
    {stack_size, Words} = process_info(self(), stack_size),
    {stack_words, Words};
down(N) ->
    ?MODULE:down(N - 1).

%% Calls plus_one/1 from a function of a known name, not as its last act.
-spec outer(integer()) -> {integer()}.
outer(X) ->
    {?MODULE:plus_one(X)}.

%% A function that does little and is called often.
-spec hot(integer()) -> integer().
hot(X) ->
    X bxor 1.

%% The way to a function that is not exported.
-spec open(term()) -> {hidden, term()}.
open(X) ->
    hidden(X).

hidden(X) ->
    {hidden, X}.
