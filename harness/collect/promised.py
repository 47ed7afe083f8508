"""Whether a VM is the patch release that its image or install was taken for.

Knows: what a VM says of itself once it has started. Must not know: how it was found.
"""

from __future__ import annotations

from harness.collect.node import Node
from harness.errors import InfrastructureError
from harness.run import versions
from harness.runtimes import Runtime


class OtherVersionError(InfrastructureError):
    """Say that a VM is not the patch release that its image or install was taken for."""


def refuse_other_version(runtime: Runtime, node: Node) -> None:
    """End a VM that is not the patch release that was asked for: only the VM itself knows.

    Raises:
        OtherVersionError: names what it is.
    """
    found = node.build.otp_version
    if runtime.version and versions.key(found) != versions.key(runtime.version):
        node.kill()
        what = f"holds OTP {found}" if versions.is_full(found) else "does not say its patch release"
        raise OtherVersionError(f"{what}, not {runtime.version}")
