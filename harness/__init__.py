"""beamproof: statements about the Erlang VM, proven on live Erlang VMs."""

__version__ = "0.1.0"
