"""What a container of a VM may do."""

from collections.abc import Iterator

import pytest

from harness.bridge.channel import LARGE, Limits
from harness.runtimes.docker import container, options
from harness.runtimes.docker.images import Image
from harness.system import processes


@pytest.fixture(autouse=True)
def new_engine() -> Iterator[None]:
    """Give each test an engine that refused nothing yet."""
    options.forget()
    yield
    options.forget()


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


@pytest.mark.parametrize(
    ("complaint", "dropped"),
    [
        ('exec: "docker-init": executable file not found in $PATH', {"Init"}),
        ("Your kernel does not support swap limit capabilities", {"MemorySwap"}),
        (
            "OCI runtime error: crun: opening file memory.max: no such file",
            {"Memory", "MemorySwap"},
        ),
        ("pids limit cannot be set: the pids controller is not available", {"PidsLimit"}),
        ('logger: no log driver named "none" is registered', {"LogConfig"}),
    ],
)
def test_what_an_engine_refuses_is_done_without_and_noted(
    complaint: str, dropped: set[str]
) -> None:
    """One option less, for all later containers, too; the rest stays."""
    before = settings()
    less = options.give_up(complaint, before)
    assert less is not None
    assert before["HostConfig"].keys() - less["HostConfig"].keys() == dropped
    assert settings()["HostConfig"].keys() == less["HostConfig"].keys()
    assert len(options.given_up()) == 1


@pytest.mark.parametrize("complaint", ["no-new-privileges unsupported", "something else", ""])
def test_what_keeps_a_probe_from_the_machine_is_never_given_up(complaint: str) -> None:
    """Without it there is no container."""
    assert options.give_up(complaint, settings()) is None
    insisted = {key for option in options.OPTIONS if not option.given_up for key in option.keys}
    assert {"NetworkMode", "ReadonlyRootfs", "CapDrop", "SecurityOpt"} <= insisted


def test_the_table_names_every_option_that_is_asked_for() -> None:
    """And none that is not."""
    named = {key for option in options.OPTIONS for key in option.keys}
    assert named == set(options.host_settings(Limits(cpus=0.5, cpuset=1)))


def test_cpus_are_asked_for_only_where_a_claim_does() -> None:
    """A quota in billionths, a set by its numbers."""
    assert not {"NanoCpus", "CpusetCpus"} & settings()["HostConfig"].keys()
    host = settings(Limits(cpus=0.5, cpuset=2))["HostConfig"]
    assert (host["NanoCpus"], host["CpusetCpus"]) == (500_000_000, "0,1")


@pytest.mark.parametrize(
    "complaint",
    [
        "Requested CPUs are not available - requested 0-3, available: 0,1",
        "NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler",
        "Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available",
        "crun: the requested cgroup controller `cpuset` is not available: OCI runtime error",
    ],
)
def test_cpus_that_an_engine_refuses_are_an_unmet_need(complaint: str) -> None:
    """They are never done without: the claim would be about something else."""
    limited, plain = settings(Limits(cpus=64.0, cpuset=64)), settings()
    assert options.give_up(complaint, limited) is None
    assert options.refused_cpus(complaint, limited)
    assert not options.refused_cpus(complaint, plain)
    assert not options.refused_cpus("no space left on device", limited)
