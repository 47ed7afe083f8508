"""Small real claims and observations for the tests of the judging half."""

from collections.abc import Mapping
from typing import Any

from harness.claims.expect import parse_predictions
from harness.claims.model import Claim, Rival, When
from harness.claims.predicates import Prediction
from harness.run.model import Build, Failure, FailureKind, Header, Observation, Sample

SKILL = "beam-test"


def build(version: str = "27.3.4.1") -> Build:
    return Build(
        otp_release=int(version.partition(".")[0]),
        otp_version=version,
        erts_version="15.2.7.1",
        emu_flavor="jit",
        jit=True,
        wordsize_bytes=8,
        schedulers=2,
        schedulers_online=2,
        dirty_cpu_schedulers=2,
        dirty_io_schedulers=10,
        system_architecture="x86_64-pc-linux-gnu",
        host_kernel="6.1",
        host_cores=2,
    )


def predictions(expect: Mapping[str, Any]) -> tuple[Prediction, ...]:
    return parse_predictions(expect, lambda _path: 1)


def rival(expect: Mapping[str, Any], statement: str = "The opposite.", **fields: Any) -> Rival:
    return Rival(statement=statement, expect=predictions(expect), **fields)


def when(otp: str, expect: Mapping[str, Any]) -> When:
    return When(otp=otp, expect=predictions(expect), why="it moved")


def claim(expect: Mapping[str, Any], *rivals: Rival, name: str = "law", **fields: Any) -> Claim:
    return Claim(
        skill=SKILL,
        id=name,
        statement="It holds.",
        expect=predictions(expect),
        probe=name.replace("-", "_"),
        rivals=rivals,
        **fields,
    )


def sample(evidence: dict[str, Any]) -> Sample:
    return Sample(evidence=evidence, elapsed_us=900, probe_us=400, node="otp27-1")


def failed(kind: FailureKind, reason: str = "badarg") -> Sample:
    failure = Failure(kind=kind, reason=reason, error_class="error")
    return Sample(failure=failure, elapsed_us=900, node="otp27-1", log="oops\n")


def observation(
    *samples: Sample, version: str | None = "27.3.4.1", name: str = "law"
) -> Observation:
    release = (version or "27").partition(".")[0]
    return Observation(
        call=f"beam_test:{name.replace('-', '_')}#0",
        cells=(f"{SKILL}/{name}@otp{release}",),
        runtime=f"otp{release}",
        probe=f"beam_test:{name.replace('-', '_')}",
        probe_sha256="00",
        at="2025-06-01T12:00:00Z",
        build=build(version) if version else None,
        samples=samples,
    )


def header(*cells: str) -> Header:
    return Header(
        run="r1",
        beamproof="0",
        started="2025-06-01T12:00:00Z",
        command=("verify",),
        cells=cells,
        claims_sha256={},
        probes_sha256={},
        runtimes=(),
    )


def seen(*evidence: dict[str, Any], version: str | None = "27.3.4.1") -> Observation:
    return observation(*map(sample, evidence), version=version)
