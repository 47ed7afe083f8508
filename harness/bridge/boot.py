"""How a VM is started so that a host can speak with it: no file, mount or network is needed.

Knows: the shell's redirections and one Erlang expression. Must not know: who starts the command.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.bridge import terms
from harness.bridge.terms import Atom

OPEN_FILES = 65536
"""The most descriptors that a VM gets: by what it may open it sizes its table of ports, 65536 at
least, and where nothing limits it that table alone fills the memory.

Source: erts/emulator/beam/io.c, ERTS_DEFAULT_MAX_PORTS.
"""

_LIMIT = (
    f'n=$(ulimit -Sn);[ "$n" = unlimited ]&&n={OPEN_FILES + 1};'
    f'[ "$n" -gt {OPEN_FILES} ]&&ulimit -Sn {OPEN_FILES};'
)

SCRIPT = 'exec 3<&0 4>&1 0</dev/null 1>&2; exec "$0" "$@"'
"""Give the VM its pipes as descriptors 3 and 4, and let what it prints arrive on stderr.

Source: since OTP 26 the terminal driver owns descriptor 0, so a port on {fd, 0, 1} would share it.
"""

BOOT = (
    "P=open_port({fd,3,4},[{packet,4},binary,eof]),"
    "F=receive{P,{data,D}}->D;{P,eof}->halt()end,"
    "{M,Bs,S}=binary_to_term(F),"
    "V=erlang:system_info(version),"
    "K=fun(A)->lists:keyfind(A,1,Bs)end,"
    "B=case{K(V),code:which(compile),K([$+|V])}of{{_,X},_,_}->X;"
    "{_,non_existing,{_,Y}}->Y;"
    "{_,non_existing,_}->R=erlang:system_info(otp_release),"
    "port_command(P,term_to_binary({e,{erlang,error,{no_compiler,V,R},[]}})),halt();_->"
    'N=filename:join(os:getenv("TMPDIR","/tmp"),atom_to_list(M)),'
    'ok=file:write_file(N++".erl",S),'
    "{ok,M,C}=compile:file(N,[binary,debug_info,deterministic]),C end,"
    "{module,M}=code:load_binary(M,atom_to_list(M),B),"
    "M:start(P,B)."
)
"""Read one frame {Module, [{ErtsVersion, Beam}], Source}, load the module, hand it the port.

The VM picks the beam that was compiled on its own version, and compiles the source if there is
none: so the host need not know whom it starts. A VM without a compiler takes what was compiled for
its version elsewhere, named `+` and the version, or says that it needs that, as ErlPort says errors
of no call. `probe_peer.erl` holds the same text.
"""


LENT = "+"
"""Begins the name of code that was compiled elsewhere."""


def boot_command(erl: str, flags: Sequence[str] = (), forget: Sequence[str] = ()) -> list[str]:
    """Return the command line of a VM that waits for its first frame.

    Args:
        erl: the `erl` program, a path or a name to be found on the PATH.
        flags: flags of the emulator and of the VM, as on erl's command line.
        forget: environment variables that the VM is not to see.
    """
    vm = [erl, "-noinput", "-noshell", *flags, "-eval", BOOT]
    return shell_command(SCRIPT, vm, forget)


def shell_command(script: str, command: Sequence[str], forget: Sequence[str] = ()) -> list[str]:
    """Return a command line that runs a script with a command as its words, `$0` the program.

    Args:
        script: what `sh` runs, within the limit of `OPEN_FILES`.
        command: the program and its arguments.
        forget: environment variables that the program is not to see.
    """
    unset = "".join(f"unset {name};" for name in forget)
    return ["sh", "-c", f"{unset}{_LIMIT}{script}", *command]


def first_frame(module: str, beams: Mapping[str, bytes], source: bytes) -> bytes:
    """Return the payload of the first frame.

    Args:
        module: the module that takes over the port with `start/2`.
        beams: the module's code by the ERTS version that it was compiled on; by `LENT` and the
            version where it was compiled elsewhere for VMs of that version without a compiler.
        source: the module's text, for a version that is not among them.
    """
    variants: list[terms.Term] = [
        (list(version.encode()), beam) for version, beam in sorted(beams.items())
    ]
    return terms.encode((Atom(module), variants, source))
