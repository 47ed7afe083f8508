/*
 * Native code that sleeps for a while, on a normal and on a dirty scheduler: what a profiler and the
 * system monitor say of it. Knows nothing of any claim. Is not linked to a C library (-nostdlib):
 * usleep is in every one, and is found in the one that the VM itself uses.
 */
#include "erl_nif.h"

extern int usleep(unsigned int microseconds);

/* Sleep for so many milliseconds, a millisecond at a time: usleep promises less than a second. */
static ERL_NIF_TERM hold(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[])
{
    int milliseconds;
    if (argc != 1 || !enif_get_int(env, argv[0], &milliseconds))
        return enif_make_badarg(env);
    while (milliseconds-- > 0)
        usleep(1000);
    return enif_make_atom(env, "held");
}

static ErlNifFunc functions[] = {
    {"hold", 1, hold, 0},
    {"hold_dirty", 1, hold, ERL_NIF_DIRTY_JOB_CPU_BOUND},
};

ERL_NIF_INIT(beam_performance_profiling_nif, functions, NULL, NULL, NULL, NULL)
