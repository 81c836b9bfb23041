# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of ClusterServiceVersions: of which operator they are, and which of two is older. Private.

A ClusterServiceVersion (CSV) is a version of an operator that OLM installs. Its name has the operator and the version:

    opentelemetry-operator.v0.140.0-2 → CsvName("opentelemetry-operator", "0.140.0-2", …)

The decision and the wait for OLM compare such names, since OLM never goes back to an older version.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

# Such as `opentelemetry-operator.v0.140.0-2`, where the parts are `opentelemetry-operator`, `0.140.0`, `-` and `2`.
# Red Hat counts its rebuilds of a version after a dash, older ones after a plus.
_CSV_NAME = re.compile(
    r"(?P<base>.+?)\.v?(?P<version>(?P<numbers>\d{1,9}\.\d{1,9}\.\d{1,9})"
    r"(?:(?P<mark>[-+])(?P<build>[0-9A-Za-z.-]{1,128}))?)"
)
# A version with a dash comes before the one without (semver.org, 11.3).
_BUILD_MARK_ORDER = {"-": 0, None: 1, "+": 2}


class CsvName(NamedTuple):
    """The parts of the name of a ClusterServiceVersion. All are empty if the name has no version."""

    operator_name: str = ""
    """Such as opentelemetry-operator."""
    version: str = ""
    """Such as 0.140.0-2."""
    version_order: tuple[Any, ...] = ()
    """What versions are compared by: the numbers, the mark between version and build, and the words of the build."""


def parse_csv_name(name: str) -> CsvName:
    """Return the parts of a name such as opentelemetry-operator.v0.140.0-2."""
    match = _CSV_NAME.fullmatch(name)
    if not match:
        return CsvName()
    numbers = tuple(int(number) for number in match["numbers"].split("."))
    build_text = match["build"] or ""
    build = [_build_order(word) for word in build_text.split(".")]
    version_order = (numbers, _BUILD_MARK_ORDER[match["mark"]], build)
    return CsvName(match["base"], match["version"], version_order)


def _build_order(word: str) -> tuple[int, int, str]:
    """Return what a word of a build is compared by: `2` is before `10`, and both are before `rc`."""
    if word.isdigit():
        return 0, int(word), ""
    return 1, 0, word


def is_same_operator(csv_name: str, other_csv_name: str) -> bool:
    """Return whether two names of ClusterServiceVersions are of the same operator."""
    operator_name = parse_csv_name(csv_name).operator_name
    return operator_name != "" and operator_name == parse_csv_name(other_csv_name).operator_name


def is_before(csv_name: str, other_csv_name: str) -> bool:
    """Return whether the first name is of an older version of the same operator than the second one."""
    if not is_same_operator(csv_name, other_csv_name):
        return False
    return parse_csv_name(csv_name).version_order < parse_csv_name(other_csv_name).version_order


def sort_newest_first(csv_names: Iterable[str]) -> list[str]:
    """Return the names that have a version, the newest one first."""
    versioned_names = [name for name in csv_names if parse_csv_name(name).version]
    return sorted(versioned_names, key=lambda name: (parse_csv_name(name).version_order, name), reverse=True)
