# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check after a rollout: whether the exporters of what a run changed deliver. Controller only. Private.

The action of module collector_diagnose calls it for playbook site. It is quick and ends no run: it warns, such as
"telemetry/agent: exporter otlp_grpc does not deliver to gateway:4317: …. To see why, run: ansible-playbook …". The
whole diagnosis, of which it has a few checks, is in `_diagnose.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..module_utils._diagnose.collector_checks import EXPORTER_CHECKS
from ..module_utils._diagnose.diagnose_checks import run_checks
from ..module_utils._diagnose.undelivered import list_undelivered
from ..module_utils._otelcol.errors import join_at_most
from ._diagnose import ObjectName, create_search, mask_and_clean

# So many exporters are named in the warning; the result has all of them.
_MOST_NAMED = 3


def select_changed_collectors(
    collectors: Sequence[Mapping[str, Any]], applied_rows: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """Return the collectors whose workload or custom resource a run created or changed.

    `applied_rows` has a row for each object that the run applied, with its `action`.
    """
    changed_names = [_object_name(row) for row in applied_rows if row.get("action") in ("created", "changed")]
    return [collector for collector in collectors if _object_name(collector) in changed_names]


def _object_name(row: Mapping[str, Any]) -> ObjectName:
    """Return which object a collector or a row of what was applied stands for."""
    return ObjectName(row.get("kind"), row.get("namespace"), row.get("name"))


def check_delivery(facts_of_collectors: Sequence[Mapping[str, Any]], command: str) -> dict[str, Any]:
    """Return the result of the check: a line for each exporter of new pods that does not deliver, and one warning.

    `facts_of_collectors` are the facts of each collector, `command` is what tells users why, for the warning.
    """
    undelivered_lines: list[str] = []
    for collector_facts in facts_of_collectors:
        # A list that nobody reads: what a check cannot see is for the whole diagnosis to tell.
        findings = run_checks(create_search(unseen_facts=[]), EXPORTER_CHECKS, collector_facts)
        undelivered_lines += mask_and_clean(list_undelivered(collector_facts, findings), collector_facts)
    warning = f"{join_at_most(_MOST_NAMED, undelivered_lines, '; ', '; ')}. To see why, run: {command}"
    return {
        "changed": False,
        "msg": "\n".join(undelivered_lines) or "no exporter fails so far",
        "undelivered": undelivered_lines,
        "warnings": [warning] if undelivered_lines else [],
    }
