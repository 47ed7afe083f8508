"""Locks, temporary folders and whole files of the cache."""

import errno
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.errors import DamagedError, StorageError
from harness.system import files

HOLD = """
import sys, time
from pathlib import Path
from harness.system import files
with files.locked(Path(sys.argv[1]), "27"), files.temporary(Path(sys.argv[1]), "27"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Return a process that holds the lock `27` and a temporary folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_second_process_waits_for_the_lock_and_says_so(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    """Two installs of one release never work at once."""
    told = threading.Event()
    entered = threading.Event()

    def second() -> None:
        with files.locked(tmp_path, "27", waiting=told.set):
            entered.set()

    thread = threading.Thread(target=second)
    thread.start()
    assert told.wait(5)
    assert not entered.is_set()
    holder.kill()
    assert entered.wait(5)
    thread.join()


@pytest.mark.usefixtures("holder")
def test_locks_of_two_releases_do_not_meet(tmp_path: Path) -> None:
    """Installs of different releases run side by side."""
    with files.locked(tmp_path, "25", waiting=lambda: pytest.fail("waited")):
        pass


@pytest.mark.usefixtures("holder")
def test_a_living_installs_folder_is_not_swept(tmp_path: Path) -> None:
    """Only what nobody works on is a leftover."""
    assert files.abandoned(tmp_path) == ()
    assert files.sweep_stale(tmp_path) == ()
    assert len(files.stale(tmp_path, "27")) == 1


def test_a_killed_installs_folder_is_swept(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    """What a kill left behind is found and removed."""
    holder.kill()
    holder.wait()
    (left,) = files.stale(tmp_path, "27")
    assert files.abandoned(tmp_path) == (left,)
    assert files.sweep_stale(tmp_path) == (left,)
    assert not left.exists()


def test_a_failure_leaves_no_temporary_folder(tmp_path: Path) -> None:
    """An exception takes its temporary folder with it, read-only folders included."""

    def fail() -> None:
        with files.temporary(tmp_path, "27") as folder:
            (folder / "deep").mkdir()
            (folder / "deep" / "file").write_text("x")
            (folder / "deep").chmod(0o500)
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """A reader sees the old content or the new."""
    path = tmp_path / "deep" / "file"
    files.write_whole(path, b"old")
    files.write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert [item.name for item in path.parent.iterdir()] == ["file"]


def test_a_full_disk_says_what_to_do(tmp_path: Path) -> None:
    """No room is told with the folder and two ways out."""
    with pytest.raises(StorageError, match="is full") as caught, files.storage_errors(tmp_path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert "BEAMPROOF_CACHE" in str(caught.value)


def test_a_folder_that_cannot_be_made_says_what_to_do(tmp_path: Path) -> None:
    """A cache below a file is refused with the variable that mends it."""
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(StorageError, match="BEAMPROOF_CACHE"),
        files.locked(tmp_path / "file" / "cache", "27"),
    ):
        pass


def test_a_sealed_file_is_read_as_it_was_written_or_not_at_all(tmp_path: Path) -> None:
    """Cut, changed or zeroed, it is told from a file that is not there."""
    path = tmp_path / "sealed"
    assert files.read_sealed(path) is None
    files.write_sealed(path, b"content")
    assert files.read_sealed(path) == b"content"
    whole = path.read_bytes()
    for damaged in (b"", whole[:-1], whole + b"x", bytes(len(whole)), whole[:-1] + b"T"):
        path.write_bytes(damaged)
        with pytest.raises(DamagedError, match="is damaged"):
            files.read_sealed(path)


@pytest.mark.parametrize(
    "harm",
    [
        lambda path: path.write_bytes(b"cut"),
        lambda path: path.unlink(),
        lambda path: (path.parent / "more").write_bytes(b""),
        lambda path: (path.unlink(), path.symlink_to("/x")),
        lambda path: path.rename(path.parent / "other"),
    ],
)
def test_a_seal_and_a_digest_change_with_what_is_below(
    tmp_path: Path, harm: Callable[[Path], object]
) -> None:
    """Cut, gone, added, replaced by a link, renamed."""
    (tmp_path / "a").mkdir()
    (tmp_path / "link").symlink_to("a")
    (tmp_path / "a" / "file").write_bytes(b"content")
    before = files.seal(tmp_path), files.content_digest(tmp_path)
    assert (files.seal(tmp_path), files.content_digest(tmp_path)) == before
    harm(tmp_path / "a" / "file")
    after = files.seal(tmp_path), files.content_digest(tmp_path)
    assert all(was != now for was, now in zip(before, after, strict=True))


def test_a_digest_sees_what_a_seal_does_not(tmp_path: Path) -> None:
    """A disk that fails changes neither size nor time."""
    file = tmp_path / "file"
    file.write_bytes(b"content")
    status = file.stat()
    before = files.seal(tmp_path), files.content_digest(tmp_path)
    file.write_bytes(b"contenT")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert files.seal(tmp_path) == before[0]
    assert files.content_digest(tmp_path) != before[1]


def test_what_somebody_named_keeps_its_link_and_its_mode(tmp_path: Path) -> None:
    """The link's target is replaced, whoever could not read it still cannot."""
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("old")
    real.chmod(0o600)
    link.symlink_to(real)
    files.rewrite_file(link, b"new")
    assert link.is_symlink()
    assert real.read_bytes() == b"new"
    assert real.stat().st_mode & 0o777 == 0o600


def test_a_device_is_written_to_and_never_replaced(tmp_path: Path) -> None:
    """A pipe here; root may replace /dev/null as well, and must not."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        files.rewrite_file(pipe, b"new")
        assert os.read(reader, 10) == b"new"
    finally:
        os.close(reader)
    assert pipe.is_fifo()
    reader, writer = os.pipe()
    files.rewrite_file(Path(f"/proc/self/fd/{writer}"), b"new")
    os.close(writer)
    assert os.read(reader, 10) == b"new"
    os.close(reader)
    with pytest.raises(OSError, match="No space left"):
        files.rewrite_file(Path("/dev/full"), b"new")
