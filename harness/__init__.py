"""beamproof: statements about the Erlang VM, proven on live Erlang VMs."""
