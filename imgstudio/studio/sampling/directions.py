"""Names of latent directions. Groups are stored as `family/member`; a direction leads from member to member of a family."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable

from torch import Tensor

from ...checks import shown
from ...errors import StudioError

_ARROW = re.compile(r"\s+to\s+|\s*(?:->|→)\s*")


def names(groups: tuple[str, ...]) -> tuple[str, ...]:
    """Every pair within a family: ("fruit/apple", "fruit/tomato") -> ("apple to tomato",). Families take turns, so that the
    first few names show something of each."""
    families: dict[str, list[str]] = {}
    for a, b in itertools.combinations(groups, 2):
        if _family(a) == _family(b):
            families.setdefault(_family(a), []).append(f"{_member(a)} to {_member(b)}")
    return tuple(name for turn in itertools.zip_longest(*families.values()) for name in turn if name)


def offered(names: Iterable[str]) -> tuple[str, ...]:
    """Those of the names that a page offers: none of them is about the colour of anybody's skin."""
    return tuple(name for name in names if "skin" not in name.casefold())


def vector(groups: tuple[str, ...], means: Tensor, name: str) -> Tensor:
    """The direction [Z] of that name, from the groups' mean codes [G, Z]. Takes names in either order."""
    members = [_member(group) for group in groups]
    ends = [_plain(end) for end in _ARROW.split(name)] if isinstance(name, str) else []
    if len(ends) == 2 and all(end in members for end in ends):
        a, b = (members.index(end) for end in ends)
        if _family(groups[a]) == _family(groups[b]):
            return means[b] - means[a]
    known = ", ".join(names(groups)[:6]) or "this model has none"
    raise StudioError(f"There is no direction {shown(name)}: choose one such as {known}.")


def _family(group: str) -> str:
    return group.partition("/")[0]


def _member(group: str) -> str:
    return group.partition("/")[2]


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
