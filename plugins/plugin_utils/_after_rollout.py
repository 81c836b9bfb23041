# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check after a rollout: whether the exporters of what a run changed deliver. Controller only. Private.

It is quick and ends no run. The whole diagnosis, of which it has a few checks, is in `_diagnose.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..module_utils._diagnose.diagnose_checks import run_checks
from ..module_utils._diagnose.verdict import EXPORTER_CHECKS, undelivered
from ..module_utils._otelcol.errors import at_most
from ._diagnose import ObjectName, searching, shown

# So many exporters are named in the warning; the result has all of them.
_MOST_NAMED = 3


def changed_collectors(
    collectors: Sequence[Mapping[str, Any]], applied: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """Return the collectors whose workload or custom resource a run created or changed.

    `applied` has a row for each object that the run applied, with its `action`.
    """
    changed = [_name_of_row(row) for row in applied if row.get("action") in ("created", "changed")]
    return [collector for collector in collectors if _name_of_row(collector) in changed]


def _name_of_row(row: Mapping[str, Any]) -> ObjectName:
    """Return which object a collector or a row of what was applied stands for."""
    return ObjectName(row.get("kind"), row.get("namespace"), row.get("name"))


def delivery_after_rollout(collected: Sequence[Mapping[str, Any]], command: str) -> dict[str, Any]:
    """Return the result of the check: a line for each exporter of new pods that does not deliver, and one warning.

    `collected` are the facts of each collector, `command` is what tells users why, for the warning.
    """
    lines: list[str] = []
    for facts in collected:
        found = run_checks(searching([]), EXPORTER_CHECKS, facts)
        lines += shown(undelivered(facts, found), facts)
    warning = f"{at_most(_MOST_NAMED, lines, '; ', '; ')}. To see why, run: {command}"
    return {
        "changed": False,
        "msg": "\n".join(lines) or "no exporter fails so far",
        "undelivered": lines,
        "warnings": [warning] if lines else [],
    }
