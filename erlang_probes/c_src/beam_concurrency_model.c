/*
 * Native code that takes its time: asleep on a normal or a dirty scheduler, in one go or in parts,
 * with and without telling the VM. Knows nothing of any claim. Is not linked to a C library:
 * usleep is found in the one that the VM itself uses.
 */
#include "erl_nif.h"

extern int usleep(unsigned int microseconds);

/* Sleep until a moment of the VM's monotonic clock. */
static void sleep_until(ErlNifTime end)
{
    ErlNifTime left;
    while ((left = end - enif_monotonic_time(ERL_NIF_USEC)) > 0)
        usleep(left < 500000 ? (unsigned int)left : 500000);
}

/* {Kind of thread, begun, ended}: 1 is a normal scheduler, 2 a dirty one for CPU, 3 one for IO. */
static ERL_NIF_TERM told(ErlNifEnv *env, ErlNifTime begun)
{
    return enif_make_tuple3(env, enif_make_int(env, enif_thread_type()),
                            enif_make_int64(env, begun),
                            enif_make_int64(env, enif_monotonic_time(ERL_NIF_USEC)));
}

/* Hold the thread for so many microseconds. */
static ERL_NIF_TERM hold(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[])
{
    int us;
    ErlNifTime begun = enif_monotonic_time(ERL_NIF_USEC);
    if (!enif_get_int(env, argv[0], &us))
        return enif_make_badarg(env);
    sleep_until(begun + us);
    return told(env, begun);
}

/* Hold the thread for so many parts of 1 ms, tell the VM after each how much of a time slice it
 * was, in percent, and do not care for the answer: how often the slice was said to be used up. */
static ERL_NIF_TERM hold_deaf(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[])
{
    int parts, percent, exhausted = 0;
    if (!enif_get_int(env, argv[0], &parts) || !enif_get_int(env, argv[1], &percent))
        return enif_make_badarg(env);
    for (int part = 0; part < parts; part++) {
        sleep_until(enif_monotonic_time(ERL_NIF_USEC) + 1000);
        exhausted += enif_consume_timeslice(env, percent);
    }
    return enif_make_int(env, exhausted);
}

/* The same in parts, going on by enif_schedule_nif whenever the slice is said to be used up: how
 * often that was. */
static ERL_NIF_TERM hold_in_parts(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[])
{
    int parts, percent, again;
    if (!enif_get_int(env, argv[0], &parts) || !enif_get_int(env, argv[1], &percent) ||
        !enif_get_int(env, argv[2], &again))
        return enif_make_badarg(env);
    while (parts-- > 0) {
        sleep_until(enif_monotonic_time(ERL_NIF_USEC) + 1000);
        if (enif_consume_timeslice(env, percent) && parts > 0) {
            ERL_NIF_TERM rest[] = {enif_make_int(env, parts), argv[1],
                                   enif_make_int(env, again + 1)};
            return enif_schedule_nif(env, "hold_in_parts", 0, hold_in_parts, 3, rest);
        }
    }
    return enif_make_int(env, again);
}

/* How many calls of enif_consume_timeslice it takes until one says that the slice is used up. */
static ERL_NIF_TERM consume(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[])
{
    int percent, calls = 1;
    if (!enif_get_int(env, argv[0], &percent))
        return enif_make_badarg(env);
    while (!enif_consume_timeslice(env, percent) && calls < 10000)
        calls++;
    return enif_make_int(env, calls);
}

/* Hold the thread, then go on and hold the next: on a dirty scheduler, then on a normal one. */
static ERL_NIF_TERM back(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[])
{
    return enif_make_tuple3(env, argv[0], argv[1], enif_make_int(env, enif_thread_type()));
}

static ERL_NIF_TERM over(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[])
{
    ERL_NIF_TERM rest[] = {argv[0], enif_make_int(env, enif_thread_type())};
    return enif_schedule_nif(env, "back", 0, back, 2, rest);
}

static ERL_NIF_TERM wander(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[])
{
    ERL_NIF_TERM rest[] = {enif_make_int(env, enif_thread_type())};
    return enif_schedule_nif(env, "over", ERL_NIF_DIRTY_JOB_CPU_BOUND, over, 1, rest);
}

/* Do nothing. */
static ERL_NIF_TERM nothing(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[])
{
    return argv[0];
}

static ErlNifFunc functions[] = {
    {"hold", 1, hold, 0},
    {"hold_dirty_cpu", 1, hold, ERL_NIF_DIRTY_JOB_CPU_BOUND},
    {"hold_dirty_io", 1, hold, ERL_NIF_DIRTY_JOB_IO_BOUND},
    {"hold_deaf", 2, hold_deaf, 0},
    {"hold_in_parts", 3, hold_in_parts, 0},
    {"consume", 1, consume, 0},
    {"wander", 0, wander, 0},
    {"nothing", 1, nothing, 0},
    {"nothing_dirty_cpu", 1, nothing, ERL_NIF_DIRTY_JOB_CPU_BOUND},
    {"nothing_dirty_io", 1, nothing, ERL_NIF_DIRTY_JOB_IO_BOUND},
};

ERL_NIF_INIT(beam_concurrency_model_nif, functions, NULL, NULL, NULL, NULL)
