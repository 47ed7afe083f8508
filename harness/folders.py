"""Where claims, probes and the cache lie when nobody says otherwise, and what a project trusts.

Knows: folders, the variables that name them, `[tool.beamproof]` in the project's pyproject.toml.
Must not know: what lies in them.

Without a variable and a table, the nearest folder from the working one upwards that holds both
`claims/` and `erlang_probes/` is the project; where there is none, beamproof's own are meant.

    [tool.beamproof]
    claims = "proofs/claims"
    probes = "proofs/probes"
    sources = ["https://hexdocs.pm/"]
    repository = "https://host/team/app/blob/main"
    site = "https://team.example/proofs/"
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from harness.errors import InputError
from harness.suggest import did_you_mean

_PACKAGE = Path(__file__).resolve().parent


def default_claims_dir() -> Path:
    """Return BEAMPROOF_CLAIMS, else the project's, else those of the checkout or the install."""
    return _named("BEAMPROOF_CLAIMS") or project().claims or _near(CLAIMS) or _own(CLAIMS)


def default_probes_dir() -> Path:
    """Return BEAMPROOF_PROBES, else the project's, else `own_probes_dir`."""
    return _named("BEAMPROOF_PROBES") or project().probes or _near(PROBES) or own_probes_dir()


def own_probes_dir() -> Path:
    """Return beamproof's own probes, with the modules that every probe may use."""
    return _own(PROBES)


def new_folders(claims_dir: Path, probes_dir: Path) -> tuple[Path, Path]:
    """Return where a new claim and its probe belong: not among those that came with beamproof.

    Outside of its checkout, its own folders become `claims` and `erlang_probes` here.
    """
    own = {_own(CLAIMS).resolve(): Path(CLAIMS), own_probes_dir().resolve(): Path(PROBES)}
    if Path.cwd().resolve().is_relative_to(_PACKAGE.parent):
        return claims_dir, probes_dir
    return own.get(claims_dir.resolve(), claims_dir), own.get(probes_dir.resolve(), probes_dir)


def is_foreign(folder: Path) -> bool:
    """Tell whether a folder is neither beamproof's own nor of the project around the working one.

    What lies there was written by others, perhaps with less care.
    """
    here = Path.cwd()
    root = next((above for above in (here, *here.parents) if (above / _FILE).is_file()), here)
    homes = (own_probes_dir(), root)
    return not any(folder.resolve().is_relative_to(home.resolve()) for home in homes)


def cache_dir() -> Path:
    """Return BEAMPROOF_CACHE, else the user's cache folder of beamproof."""
    if (named := _named("BEAMPROOF_CACHE")) is not None:
        return named
    from platformdirs import user_cache_path  # noqa: PLC0415  slow, and often not needed

    return user_cache_path("beamproof")


CLAIMS = "claims"
PROBES = "erlang_probes"
"""The two folders of a project that says nothing else."""


def _near(name: str) -> Path | None:
    """Return a folder of the nearest project, from the working directory upwards."""
    here = Path.cwd()
    for above in (here, *here.parents):
        if (above / CLAIMS).is_dir() and (above / PROBES).is_dir():
            return above / name
    return None


def _named(variable: str) -> Path | None:
    value = os.environ.get(variable)
    return Path(value) if value else None


def _own(folder: str) -> Path:
    checkout = _PACKAGE.parent / folder
    return checkout if checkout.is_dir() else _PACKAGE / "_bundled" / folder


RUNS = Path(".beamproof/runs")
"""Where runs are stored unless told otherwise, below the working directory."""


def default_runs_dir() -> Path:
    """Return BEAMPROOF_RUNS, else `RUNS`."""
    return Path(os.environ.get("BEAMPROOF_RUNS") or RUNS)


_FILE = "pyproject.toml"
_TABLE = "tool.beamproof"


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """Hold what a project says: its folders, and the beginnings of addresses that it trusts.

    `repository` is what stands before the path of its files where others read them, `site` where
    its report is published; `root` is the folder that the table was found in.
    """

    claims: Path | None = None
    probes: Path | None = None
    sources: tuple[str, ...] = ()
    repository: str | None = None
    site: str | None = None
    root: Path | None = None


_KEYS = ("claims", "probes", "sources", "repository", "site")


def project() -> Project:
    """Return what the project around the working directory says, nothing where there is none.

    Raises:
        InputError: the table is wrong; the message says where and what was probably meant.
    """
    return _read(Path.cwd())


@lru_cache(maxsize=8)
def _read(folder: Path) -> Project:
    for above in (folder, *folder.parents):
        path = above / _FILE
        if path.is_file():
            return _project(path)
    return Project()


def _project(path: Path) -> Project:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
    if f"[{_TABLE}]" not in text:
        return Project()
    import tomllib  # noqa: PLC0415  few projects have the table, and every verb looks for it

    try:
        table = tomllib.loads(text)["tool"]["beamproof"]
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: not TOML: {error}") from error
    return _checked(path, table)


def _checked(path: Path, table: dict[str, Any]) -> Project:
    for key in table:
        if key not in _KEYS:
            raise InputError(
                f'{path}: [{_TABLE}] has no key "{key}"{did_you_mean(key, _KEYS)}',
                hint=f"known are {', '.join(_KEYS)}",
            )
    for key in ("repository", "site"):
        if key in table and not _is_address(table[key]):
            raise InputError(f"{path}: [{_TABLE}] {key} is no address: {table[key]!r}")
    folders = {}
    for key in ("claims", "probes"):
        value = table.get(key)
        if value is not None and not isinstance(value, str):
            raise InputError(f"{path}: [{_TABLE}] {key} is no folder: {value!r}")
        folders[key] = None if value is None else path.parent / value
    sources = table.get("sources", [])
    if not isinstance(sources, list) or not all(_is_address(one) for one in sources):
        raise InputError(
            f"{path}: [{_TABLE}] sources is no list of addresses: {sources!r}",
            hint='write how they begin, e.g. sources = ["https://hexdocs.pm/"]',
        )
    return Project(
        claims=folders["claims"],
        probes=folders["probes"],
        sources=tuple(sources),
        repository=table.get("repository"),
        site=table.get("site"),
        root=path.parent,
    )


def _is_address(value: object) -> bool:
    return isinstance(value, str) and value.startswith(("https://", "http://"))
