%% What runs in the second VM: the probe, in a process of its own, and its evidence as JSON.
-module(repro_probe).

-export([observe/3]).

-spec observe(module(), atom(), map()) -> probe_evidence:outcome().
observe(Module, Function, Args) ->
    try Module:Function(Args) of
        Evidence -> probe_evidence:measured(Evidence, 0)
    catch
        Class:Reason:Stack -> probe_evidence:raised(Class, Reason, Stack)
    end.
