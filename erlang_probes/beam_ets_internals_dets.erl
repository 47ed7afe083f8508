%% DETS files that are filled, left open, and opened again.
%% Knows DETS and how much room a folder has; knows nothing of any claim, and never judges.
-module(beam_ets_internals_dets).

-export([need_room/2, fill/4, answer/1, repaired/3]).
-export([closed/2, reopened/1]).
-export([still_cached/1, marks/1, inserts_until_written/2]).
-export([create/2, cut/1, overwrite/3, opened/3]).

%% Raise {setup, {no_room, ...}} where the file system of Folder says that it has less than Bytes
%% free. One that does not say is taken at its word when it is full.
-spec need_room(file:filename(), pos_integer()) -> ok.
need_room(Folder, Bytes) ->
    Lines = string:lexemes(os:cmd("df -Pk " ++ Folder ++ " 2>/dev/null"), "\n"),
    case [string:lexemes(Line, " ") || Line <- Lines] of
        [_, [_, _, _, Free | _]] ->
            FreeBytes = list_to_integer(Free) * 1024,
            FreeBytes >= Bytes orelse
                error({setup, {no_room, #{free_bytes => FreeBytes, needed_bytes => Bytes}}}),
            ok;
        _ ->
            ok
    end.

%% DETS closes the file of a dead owner in its own time: copy until the copy is a closed one.
-spec closed(file:filename(), file:filename()) -> true | atom().
closed(Original, Copy) ->
    {ok, _} = file:copy(Original, Copy),
    case objects(Copy, false) of
        {_, _} -> true;
        Reason -> Reason
    end.

%% The objects in a file, and how many have the key `cached'; or why it does not open.
objects(File, Repair) ->
    case dets:open_file(make_ref(), [{file, File}, {access, access(Repair)}, {repair, Repair}]) of
        {ok, Ref} ->
            Objects = {dets:info(Ref, size), length(dets:lookup(Ref, cached))},
            ok = dets:close(Ref),
            Objects;
        {error, {Reason, _}} ->
            Reason
    end.

%% What a file answers to an opening without repair, and what one with repair finds in it.
-spec reopened(file:filename()) -> probe_lib:evidence().
reopened(File) ->
    Unrepaired = objects(File, false),
    {Objects, Cached} = objects(File, true),
    #{
        opens_without_repair => is_tuple(Unrepaired),
        refusal => if is_atom(Unrepaired) -> Unrepaired; true -> none end,
        synced_count => Objects - Cached,
        cached_count => Cached
    }.

%% Looking must not change the file; repairing must.
access(false) -> read;
access(true) -> read_write.

%% Insert Object(1), Object(2), ... until the file has so many bytes or an insert is refused.
%% Returns how many were acknowledged, and the refusal.
-spec fill(reference(), fun((pos_integer()) -> tuple()), pos_integer() | infinity, non_neg_integer()) ->
    {Acknowledged :: non_neg_integer(), Refusal :: atom()}.
fill(Ref, Object, MostBytes, Count) ->
    case MostBytes =/= infinity andalso dets:info(Ref, file_size) > MostBytes of
        true ->
            {Count, none};
        false ->
            case answer(dets:insert(Ref, Object(Count + 1))) of
                ok -> fill(Ref, Object, MostBytes, Count + 1);
                enospc -> error({setup, {no_room, enospc}});
                Refusal -> {Count, Refusal}
            end
    end.

%% What a call of dets answered, in a word.
-spec answer(ok | list() | {error, tuple()}) -> atom().
answer({error, {file_error, _, Reason}}) -> Reason;
answer({error, {{Reason, _}, _}}) -> Reason;
answer({error, {Reason, _}}) -> Reason;
answer(Objects) when is_list(Objects) -> found;
answer(ok) -> ok.

-spec repaired(file:filename(), non_neg_integer(), non_neg_integer()) -> probe_lib:evidence().
repaired(File, LargeCount, SmallCount) ->
    case dets:open_file(make_ref(), [{file, File}]) of
        {ok, Ref} ->
            LargeLost = [N || N <- lists:seq(0, LargeCount - 1), not dets:member(Ref, N)],
            Lost = [N || N <- lists:seq(1, SmallCount), not dets:member(Ref, {s, N})],
            ok = dets:close(Ref),
            #{
                repair => ok,
                large_found_count => LargeCount - length(LargeLost),
                large_lost_count => length(LargeLost),
                small_found_count => SmallCount - length(Lost),
                small_lost_count => length(Lost),
                last_lost => Lost =:= lists:seq(SmallCount - length(Lost) + 1, SmallCount)
            };
        {error, _} = Error ->
            answer(Error) =:= enospc andalso error({setup, {no_room, enospc}}),
            #{repair => answer(Error)}
    end.

%% DETS writes what has waited for 3 s: raise {setup, {too_slow, Ms}} where what was inserted at a
%% time (of the monotonic clock, in ms) may be so old by now.
-spec still_cached(integer()) -> ok.
still_cached(Inserted) ->
    Took = erlang:monotonic_time(millisecond) - Inserted,
    Took < 2000 orelse error({setup, {too_slow, Took}}),
    ok.

%% How often a marker is in a file, as DETS has written it by now.
-spec marks(file:filename()) -> non_neg_integer().
marks(File) ->
    {ok, Bytes} = file:read_file(File),
    length(binary:matches(Bytes, <<"beamproof-marker">>)).

%% Insert objects of Bytes bytes, one by one, until one of them is in the file.
-spec inserts_until_written(file:filename(), pos_integer()) -> pos_integer().
inserts_until_written(File, Bytes) ->
    {ok, Ref} = dets:open_file(make_ref(), [{file, File}]),
    Started = erlang:monotonic_time(millisecond),
    try
        Count = inserts_until_written(Ref, File, {<<"beamproof-marker">>, binary:copy(<<1>>, Bytes)}, 1),
        ok = still_cached(Started),
        Count
    after
        dets:close(Ref)
    end.

inserts_until_written(Ref, File, Value, Count) when Count < 1000 ->
    ok = dets:insert(Ref, {Count, Value}),
    case marks(File) of
        0 -> inserts_until_written(Ref, File, Value, Count + 1);
        _ -> Count
    end.

%% A closed file with Count objects.
-spec create(file:filename(), pos_integer()) -> ok.
create(File, Count) ->
    {ok, Ref} = dets:open_file(make_ref(), [{file, File}]),
    ok = dets:insert(Ref, [{N, binary:copy(<<N>>, 50)} || N <- lists:seq(1, Count)]),
    dets:close(Ref).

%% Cut a file to three quarters.
-spec cut(file:filename()) -> ok.
cut(File) ->
    {ok, Bytes} = file:read_file(File),
    file:write_file(File, binary:part(Bytes, 0, byte_size(Bytes) * 3 div 4)).

%% Overwrite so many bytes of a file from Place on.
-spec overwrite(file:filename(), non_neg_integer(), pos_integer()) -> ok.
overwrite(File, Place, Count) ->
    {ok, Device} = file:open(File, [read, write, raw, binary]),
    ok = file:pwrite(Device, Place, binary:copy(<<255>>, Count)),
    file:close(Device).

%% Open a file of Count objects: why it does not open; or how many it counts, how many of them can
%% be looked up, and the first error of a lookup.
-spec opened(file:filename(), boolean() | force, pos_integer()) -> probe_lib:evidence().
opened(File, Repair, Count) ->
    case dets:open_file(make_ref(), [{file, File}, {repair, Repair}]) of
        {ok, Ref} ->
            Size = dets:info(Ref, size),
            Answers = [dets:lookup(Ref, N) || N <- lists:seq(1, Count)],
            _ = dets:close(Ref),
            #{
                opens => true,
                counted_count => Size,
                readable_count => length([N || [{N, _}] <- Answers]),
                lookup_error => hd([answer(Error) || {error, _} = Error <- Answers] ++ [none])
            };
        {error, _} = Error ->
            #{opens => false, refusal => answer(Error)}
    end.
