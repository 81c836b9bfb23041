# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of ClusterServiceVersions, which have the version in them, and their order. Private."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from ..errors import Problem

# `opentelemetry-operator.v0.140.0-2`: Red Hat counts its rebuilds of a version after a dash, older ones after a plus.
_NAME = re.compile(r"(?P<base>.+?)\.v?(?P<numbers>\d+\.\d+\.\d+)(?:(?P<mark>[-+])(?P<more>[0-9A-Za-z.-]+))?")
# A version with a dash comes before the one without (semver.org, 11.3).
_MARKS = {"-": 0, None: 1, "+": 2}

Order = tuple[tuple[int, ...], int, tuple[tuple[int, int, str], ...]]


class Csv(NamedTuple):
    """What the name of a ClusterServiceVersion says."""

    name: str
    base: str
    version: str
    order: Order


def csv(name: str) -> Csv | None:
    """Return what a name says, or nothing when there is no version in it."""
    match = _NAME.fullmatch(name)
    if not match:
        return None
    numbers, mark, more = match["numbers"], match["mark"], match["more"] or ""
    order = (tuple(int(part) for part in numbers.split(".")), _MARKS[mark], tuple(_part(part) for part in _parts(more)))
    return Csv(name, match["base"], f"{numbers}{mark or ''}{more}", order)


def checked(name: str, where: str) -> Csv:
    """Return what the name of a pin says. Raises Problem for one without a version, whose order nobody knows."""
    found = csv(name)
    if found is None:
        raise Problem(
            f"'{name}' has no version in it",
            where=where,
            fix="Give the whole name, like opentelemetry-operator.v1.2.3.",
        )
    return found


def is_before(one: str, other: str) -> bool:
    """Return whether one is an older version of the same as the other."""
    old, new = csv(one), csv(other)
    return bool(old and new and old.base == new.base and old.order < new.order)


def newest_first(names: Iterable[str]) -> list[str]:
    """Return the names that have versions, the newest first."""
    known = [found for found in map(csv, names) if found]
    return [found.name for found in sorted(known, key=lambda item: (item.order, item.name), reverse=True)]


def _parts(more: str) -> list[str]:
    return more.split(".") if more else []


def _part(text: str) -> tuple[int, int, str]:
    """Numbers come before words, and are compared as numbers."""
    return (0, int(text), "") if text.isdigit() else (1, 0, text)
