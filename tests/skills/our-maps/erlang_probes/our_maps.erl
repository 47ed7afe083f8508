%% Probes of how maps are laid out and ordered, as a team keeps them beside its own code.
-module(our_maps).

-export([small_map_limit/1, atom_keys/1]).

%% Grow a map key by key and see from which size on it is no longer one flat tuple of sorted keys.
%% Evidence: the largest size whose keys come out in term order, over ten orders of insertion.
%% Cost: a few milliseconds.
%% Misread: larger maps may come out sorted by chance for one order of insertion, not for all ten.
%% Source: https://github.com/erlang/otp/blob/OTP-27.0/erts/emulator/beam/erl_map.h
-spec small_map_limit(map()) -> map().
small_map_limit(#{}) ->
    Sizes = lists:seq(2, 64),
    Unsorted = probe_measure:first_where(fun(Size) -> not keys_sorted(Size) end, Sizes),
    #{largest_sorted_map_count => Unsorted - 1, smallest_unsorted_map_count => Unsorted}.

keys_sorted(Size) ->
    lists:all(
        fun(Seed) ->
            Keys = [(Seed * 7919 + N * 104729) rem 1000003 || N <- lists:seq(1, Size)],
            Map = maps:from_list([{Key, true} || Key <- Keys]),
            maps:keys(Map) =:= lists:sort(Keys)
        end,
        lists:seq(1, 10)
    ).

%% Give a small map atoms as keys, made at run time in the reverse of their order.
%% Evidence: whether the keys come out in term order; the same of integers, as the control.
%% Cost: microseconds.
%% Misread: atoms may come out sorted by chance, so the first that is made sorts last.
%% Source: https://www.erlang.org/doc/apps/stdlib/maps.html#iterator/2
-spec atom_keys(map()) -> map().
atom_keys(#{}) ->
    Atoms = [binary_to_atom(<<"our_maps_", Letter>>) || Letter <- lists:reverse("abcdefgh")],
    Integers = lists:seq(8, 1, -1),
    #{atoms_in_term_order => in_term_order(Atoms), integers_in_term_order => in_term_order(Integers)}.

in_term_order(Keys) ->
    maps:keys(maps:from_list([{Key, true} || Key <- Keys])) =:= lists:sort(Keys).
