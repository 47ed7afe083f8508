"""What arguments name: skills, claims, runs, releases. The shell completes them.

Knows: where the names of each kind lie. Must not know: what becomes of them; a name that is not
there is refused by whoever reads it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from harness.claims.paths import skill_paths
from harness.errors import BeamproofError
from harness.folders import default_claims_dir, default_runs_dir

_RUNS_SHOWN = 20
_RELEASES = tuple(str(release) for release in range(23, 30))
"""What some way has; `beamproof otp list` says which of them this machine can have."""


class _Name(click.ParamType[str]):
    """Take any text, and offer names for its beginning; what fails on the way offers none."""

    name = "text"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the names that begin as given."""
        del param
        try:
            known = list(self.known(ctx, incomplete))
        except (BeamproofError, OSError, ValueError):
            return []
        return [CompletionItem(one) for one in known if one.startswith(incomplete)]

    def known(self, context: click.Context, incomplete: str) -> Iterable[str]:
        """Return what may be meant."""
        raise NotImplementedError


class _Skill(_Name):
    def known(self, context: click.Context, incomplete: str) -> Iterable[str]:
        del incomplete
        return skill_paths(_folder(context, "claims_dir", default_claims_dir()))


class _Claim(_Name):
    """Offer skills with their slash, and claims once a skill is named; ids where none fits."""

    def known(self, context: click.Context, incomplete: str) -> Iterator[str]:
        paths = skill_paths(_folder(context, "claims_dir", default_claims_dir()))
        skill, slash, _ = incomplete.partition("/")
        if slash:
            own = _ids(paths[skill]) if skill in paths else []
            yield from (f"{skill}/{one}" for one in own)
            return
        skills = [f"{name}/" for name in paths if name.startswith(incomplete)]
        yield from skills or (one for path in paths.values() for one in _ids(path))


class _Run(_Name):
    def known(self, context: click.Context, incomplete: str) -> Iterator[str]:
        from harness.run.stored import runs_newest_first  # noqa: PLC0415 - `verify` starts without

        yield "latest"
        runs = runs_newest_first(_folder(context, "runs_dir", default_runs_dir()))
        yield from (path.stem for path in runs[:_RUNS_SHOWN])
        begun = Path(incomplete)
        folder = begun if incomplete.endswith("/") else begun.parent
        for path in sorted(folder.iterdir()) if "/" in incomplete else ():
            if path.is_dir() or path.suffix == ".jsonl":
                yield f"{path}/" if path.is_dir() else str(path)


class _Releases(_Name):
    """Offer a release for the last place of a list or range."""

    def known(self, context: click.Context, incomplete: str) -> Iterator[str]:
        del context
        start = max(incomplete.rfind(","), incomplete.rfind("-")) + 1
        yield from (incomplete[:start] + release for release in _RELEASES)


SKILL, CLAIM, RUN, RELEASES = _Skill(), _Claim(), _Run(), _Releases()


def _folder(context: click.Context, option: str, default: Path) -> Path:
    given = context.params.get(option)
    return given if isinstance(given, Path) else default


def _ids(path: Path) -> list[str]:
    import tomllib  # noqa: PLC0415 - `verify` starts without it

    claims = tomllib.loads(path.read_text(encoding="utf-8")).get("claim", [])
    return [claim["id"] for claim in claims if "id" in claim]
