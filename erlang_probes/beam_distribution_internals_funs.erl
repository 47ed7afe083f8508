%% A module that only one node has: where its funs go, it is not.
%% Knows nothing of any claim.
-module(beam_distribution_internals_funs).

-export([adder/1]).

-spec adder(integer()) -> fun((integer()) -> integer()).
adder(Step) ->
    fun(Number) -> Number + Step end.
