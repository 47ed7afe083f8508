/*
 * What native code can do to a VM that Erlang code cannot: end it with one bad pointer or one call,
 * hold a process that is to die, and write into a term that other processes hold. Knows nothing of
 * any claim. Is not linked to a C library (-nostdlib): the three functions below are in every one,
 * and are found in the one that the VM itself uses.
 */
#include "erl_nif.h"

extern void abort(void);
extern void _exit(int status);
extern int usleep(unsigned int microseconds);

/* Return from native code as one should: the control. */
static ERL_NIF_TERM behave(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[])
{
    return enif_make_atom(env, "behaved");
}

/* Write to an address that no process may write to. Volatile, so that the compiler keeps it. */
static ERL_NIF_TERM crash(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[])
{
    volatile char *volatile nowhere = (volatile char *)8;
    *nowhere = 1;
    return enif_make_atom(env, "survived");
}

/* Give up as a failed assertion in a library does. */
static ERL_NIF_TERM give_up(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[])
{
    abort();
    return enif_make_atom(env, "survived");
}

/* Leave, as a library does that thinks the program its own. */
static ERL_NIF_TERM leave(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[])
{
    int status;
    if (argc != 1 || !enif_get_int(env, argv[0], &status))
        return enif_make_badarg(env);
    _exit(status);
    return enif_make_atom(env, "survived");
}

/* Sleep for so many milliseconds, without giving up the scheduler. Less than a second at a time,
 * which is all that usleep promises. */
static ERL_NIF_TERM nap(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[])
{
    int milliseconds;
    if (argc != 1 || !enif_get_int(env, argv[0], &milliseconds))
        return enif_make_badarg(env);
    while (milliseconds-- > 0)
        usleep(1000);
    return enif_make_atom(env, "rested");
}

/* Overwrite the first byte of a binary in place, which no Erlang code can do. */
static ERL_NIF_TERM scribble(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[])
{
    ErlNifBinary view;
    if (!enif_inspect_binary(env, argv[0], &view) || view.size == 0)
        return enif_make_badarg(env);
    view.data[0] = '!';
    return enif_make_atom(env, "scribbled");
}

static ErlNifFunc functions[] = {
    {"behave", 0, behave, 0},
    {"crash", 0, crash, 0},
    {"crash_dirty", 0, crash, ERL_NIF_DIRTY_JOB_CPU_BOUND},
    {"give_up", 0, give_up, 0},
    {"leave", 1, leave, 0},
    {"nap", 1, nap, 0},
    {"nap_dirty", 1, nap, ERL_NIF_DIRTY_JOB_IO_BOUND},
    {"scribble", 1, scribble, 0},
};

ERL_NIF_INIT(beam_fault_tolerance_nif, functions, NULL, NULL, NULL, NULL)
