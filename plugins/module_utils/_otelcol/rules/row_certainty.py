# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How certain a row of constraints.json is for a build: where it is not, its findings are warnings. Private.

A doubt is a reason in words why a finding may be wrong for this build, such as `another version may differ`; it is
empty if the row is certain. `hedge_fault` puts it into the message. For example, of the error `'size' is at least 1,
not 0` it makes the warning `'size' is at least 1, not 0 (another version may differ)`. These keys of a row decide:

| key | meaning |
|---|---|
| `exact` | the versions in which the row holds, such as `0.110.0..0.131.0`; without it, the versions below |
| `certain` | somebody read the row in the source of the component, so it holds in any build of these versions |
| `built` | the Collector makes this check only when it builds the component for a pipeline |
"""

from __future__ import annotations

from ..catalogue.rows import Row
from ..catalogue.version_ranges import is_in_ranges
from .build_facts import Build
from .rule_definitions import Fault

# The versions in which all rows hold that have no `exact`.
_EXACT_VERSIONS = "0.155.0..0.160.0"
# Stands for a row that has no key which limits it, so that it holds wherever rows hold.
ROW_WITHOUT_LIMITS: Row = {}


def is_exact_for(row: Row, version: str) -> bool:
    """Whether a row holds for a version."""
    return is_in_ranges(str(row.get("exact", _EXACT_VERSIONS)), version)


def explain_doubt(row: Row, build: Build, section_name: str, component_id: str, *, is_started: bool = True) -> str:
    """Return the doubt about a row for a component of a build; an empty text if the row is certain.

    A row without `exact` also holds in other versions if the settings of the component are known there.
    """
    # Where the settings of the component are known for the build, its checks are most likely those of the row.
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
    """Return a fault as a warning that names the doubt; the same fault if the doubt is empty."""
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
