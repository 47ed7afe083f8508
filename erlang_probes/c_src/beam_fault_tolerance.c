/*
 * What native code can do to a VM that Erlang code cannot: end it with one bad pointer, and write
 * into a term that other processes hold. Knows nothing of any claim. Needs no C library
 * (-nostdlib): nothing here may call one.
 */
#include "erl_nif.h"

/* Return from native code as one should: the control. */
static ERL_NIF_TERM behave(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[])
{
    (void)argc;
    (void)argv;
    return enif_make_atom(env, "behaved");
}

/* Write to an address that no process may write to. Volatile, so that the compiler keeps it. */
static ERL_NIF_TERM crash(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[])
{
    volatile char *volatile nowhere = (volatile char *)8;
    (void)argc;
    (void)argv;
    *nowhere = 1;
    return enif_make_atom(env, "survived");
}

/* Overwrite the first byte of a binary in place, which no Erlang code can do. The view is static
 * only to keep the compiler's stack protector, which wants a C library, out of here. */
static ERL_NIF_TERM scribble(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[])
{
    static ErlNifBinary view;
    (void)argc;
    if (!enif_inspect_binary(env, argv[0], &view) || view.size == 0)
        return enif_make_badarg(env);
    view.data[0] = '!';
    return enif_make_atom(env, "scribbled");
}

static ErlNifFunc functions[] = {
    {"behave", 0, behave, 0},
    {"crash", 0, crash, 0},
    {"scribble", 1, scribble, 0},
};

ERL_NIF_INIT(beam_fault_tolerance_nif, functions, NULL, NULL, NULL, NULL)
