"""OTP versions and ranges of them.

Knows: that OTP's versions (`25.2.3`, `27.3.4.1`, `28.0-rc1`) order as those of Python packages
do, and how a range of them is written. Must not know: claims or runtimes.
"""

from __future__ import annotations

import re
from functools import lru_cache

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

# A patched build of OTP marks its version with asterisks (lib/kernel, erlang:system_info).
_PATCH_MARK = "*"

_WHOLE_RELEASE = re.compile(r"(?P<op>==|<=|>(?!=)|!=)\s*(?P<release>\d+)\s*(?=,|$)")


@lru_cache(maxsize=256)
def matches(specifier: str, otp_version: str) -> bool:
    """Tell whether a full OTP version lies in a range; an empty range holds every version.

    Args:
        specifier: a range that `range_problem` has nothing against.
        otp_version: what the VM says, e.g. `27.3.4.1`.
    """
    return not specifier or _specifiers(specifier).contains(parse(otp_version), prereleases=True)


@lru_cache(maxsize=256)
def parse(otp_version: str) -> Version:
    """Return a comparable version; of an unknown shape the leading numbers count."""
    text = otp_version.strip().rstrip(_PATCH_MARK)
    try:
        return Version(text)
    except InvalidVersion:
        leading = re.match(r"\d+(\.\d+)*", text)
        return Version(leading.group() if leading else "0")


def range_problem(specifier: str) -> str | None:
    """Return what is wrong with a range, and what was probably meant; None if nothing is.

    A bare release behind `==`, `<=`, `>` or `!=` is refused: `<=26` would leave out 26.1.
    """
    if not specifier:
        return None
    try:
        _specifiers(specifier)
    except InvalidSpecifier:
        return (
            f'"{specifier}" is not a range of OTP versions:'
            ' write e.g. ">=25.3", ">=25,<27" or "==26.*"'
        )
    found = _WHOLE_RELEASE.search(specifier)
    if found is None:
        return None
    operator, release = found["op"], int(found["release"])
    meant = {
        "==": f"=={release}.*",
        "!=": f"!={release}.*",
        "<=": f"<{release + 1}",
        ">": f">={release + 1}",
    }[operator]
    return (
        f'"{specifier}": {operator}{release} compares with {release}.0 alone, not with every'
        f' {release}.x: write "{meant}"'
    )


@lru_cache(maxsize=256)
def _specifiers(specifier: str) -> SpecifierSet:
    return SpecifierSet(specifier)
