# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How certain a row of constraints.json is for a build: in other versions, a violation is a warning. Private.

A doubt is a reason in words why a violation may be none in this build; it is empty if the row is certain. To hedge a
fault is to add the doubt to its message, and to make it a warning.
"""

from __future__ import annotations

from ..catalogue.rows import Row
from ..catalogue.version_ranges import is_in_ranges
from .build_facts import Build
from .subject import Fault

_EXACT_VERSIONS = "0.155.0..0.160.0"  # the versions of which all rows hold, unless a row says others


def is_exact_for(row: Row, version: str) -> bool:
    """Whether a row holds for a version."""
    return is_in_ranges(str(row.get("exact", _EXACT_VERSIONS)), version)


def explain_doubt(row: Row, build: Build, section_name: str, component_id: str, is_started: bool = True) -> str:
    """Return the doubt about a row for a component of a build: why it may not hold; empty text if it does hold.

    A row without versions holds where the settings of the component are known; one that is `certain` holds in any
    build of its versions, because it was read in the source of the component.
    """
    is_known = bool(row.get("certain")) or build.is_known(section_name, component_id.partition("/")[0])
    if not is_known and build.doubt:
        return build.doubt
    holds_wherever_known = is_known and "exact" not in row
    if not holds_wherever_known and not is_exact_for(row, build.version):
        return "another version may differ"
    if row.get("built") and not is_started:
        return "no pipeline uses it yet"
    return ""


def hedge_fault(fault: Fault, doubt: str) -> Fault:
    """Return a fault as a warning that names the doubt, if there is one."""
    if not doubt:
        return fault
    return Fault(
        fault.path,
        f"{fault.message} ({doubt})",
        fault.fix,
        severity="warning",
        offset=fault.offset,
        quotes_value=fault.quotes_value,
    )
