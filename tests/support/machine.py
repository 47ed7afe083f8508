"""A machine of its own for each test of runtimes, and what may be put on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.runtime_fakes import FakeEngine, Installs

from harness.runtimes.docker import engine, options


@pytest.fixture
def own_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give each test a machine without engine, installs and cache."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-engine.sock")
    monkeypatch.setenv("BEAMPROOF_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    variables = (
        "BEAMPROOF_OTP_ROOTS",
        "BEAMPROOF_DEBIAN_MIRROR",
        "BEAMPROOF_DEBIAN_KEYRING",
        "KERL_BASE_DIR",
        "KERL_DEFAULT_INSTALL_DIR",
        "ASDF_DATA_DIR",
        "MISE_DATA_DIR",
        "DOCKER_TLS_VERIFY",
        "DOCKER_CERT_PATH",
        "DOCKER_CONFIG",
        "DOCKER_CONTEXT",
        "CONTAINER_HOST",
    )
    for variable in variables:
        monkeypatch.delenv(variable, raising=False)
    _forget_engine()
    yield
    _forget_engine()


def _forget_engine() -> None:
    engine.state.cache_clear()
    engine.client.cache_clear()
    options.forget()


@pytest.fixture
def installs(tmp_path: Path) -> Installs:
    """Return a maker of fake installs."""
    return Installs(tmp_path / "installs")


@pytest.fixture
def fake_engine(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FakeEngine]:
    """Return an engine without images that answers at DOCKER_HOST."""
    path = tmp_path_factory.mktemp("e") / "s"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    fake = FakeEngine(path, {})
    yield fake
    fake.close()
