/*
 * Native code that holds a thread to CPUs, as a program outside does: what a VM notices of it. Knows
 * nothing of any claim. Is not linked to a C library (-nostdlib): sched_setaffinity is in every one, and
 * is found in the one that the VM itself uses.
 */
#include "erl_nif.h"

extern int sched_setaffinity(int thread, size_t bytes, const void *mask);

/* Hold a thread, by the operating system's number, to the CPUs whose bits are set in a binary: the lowest
 * CPU is the lowest bit of the first byte. Source: sched_setaffinity(2). */
static ERL_NIF_TERM hold_to(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[])
{
    int thread;
    ErlNifBinary mask;
    if (argc != 2 || !enif_get_int(env, argv[0], &thread) || !enif_inspect_binary(env, argv[1], &mask))
        return enif_make_badarg(env);
    return enif_make_atom(env, sched_setaffinity(thread, mask.size, mask.data) == 0 ? "ok" : "error");
}

static ErlNifFunc functions[] = {
    {"hold_to", 2, hold_to, 0},
};

ERL_NIF_INIT(beam_scheduler_tuning_nif, functions, NULL, NULL, NULL, NULL)
