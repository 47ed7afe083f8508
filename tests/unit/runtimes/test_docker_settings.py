"""What a container of a VM may do."""

from harness import processes
from harness.bridge.channel import LARGE, Limits
from harness.runtimes.docker import container
from harness.runtimes.docker.images import Image

IMAGE = Image(reference="r", id="sha256:1")


def settings(limits: Limits | None = None, **env: str) -> dict:
    return container.container_settings(
        name="n", image=IMAGE, command=["sh", "-c", "x"], env=env, limits=limits or Limits()
    )


def test_a_container_is_locked_down() -> None:
    """No network, no capability, no root, nothing to write but the scratch folder."""
    made = settings()
    host = made["HostConfig"]
    assert made["User"] == "65534:65534"
    assert made["NetworkDisabled"]
    assert host["NetworkMode"] == "none"
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert host["ReadonlyRootfs"]
    assert "Binds" not in host
    assert "Privileged" not in host


def test_limits_reach_the_engine() -> None:
    """Memory without swap, processes, and a scratch folder that executes."""
    host = settings(LARGE)["HostConfig"]
    assert host["Memory"] == host["MemorySwap"] == LARGE.memory_bytes
    assert host["PidsLimit"] == LARGE.processes
    assert host["Tmpfs"] == {
        "/tmp": f"rw,exec,nosuid,nodev,mode=1777,size={LARGE.scratch_bytes}"  # noqa: S108
    }


def test_the_images_own_command_is_overridden() -> None:
    """Whatever entrypoint an image has, the VM is what starts."""
    made = settings()
    assert (made["Image"], made["Entrypoint"], made["Cmd"]) == ("sha256:1", ["sh"], ["-c", "x"])


def test_a_container_names_its_owner() -> None:
    """Label and environment say whose it is, and the image keeps its own PATH."""
    made = settings(EXTRA="1")
    assert made["Labels"][container.OWNER_LABEL] == processes.own()
    assert container.LABEL in made["Labels"]
    assert f"{processes.MARK_VARIABLE}={processes.mark('n')}" in made["Env"]
    assert "EXTRA=1" in made["Env"]
    assert not any(entry.startswith("PATH=") for entry in made["Env"])
