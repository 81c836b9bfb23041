# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare the pods with a new config to those with the earlier one: the facts that checks read. Private.

The *canary* are the pods with the new config. The *rest* are the pods that still run the earlier one; users write both
words in their own checks (docs/change.md). After each reading of the pods, `live/observe.py` calls `collect_facts`, and
the waves call `compare_sides`; `judge.py` runs the checks over the result. For example, of a canary whose exporter
fails:

    {"seconds": 6, "canary": {…}, "rest": {…},
     "exports": [{"id": "otlp", "signal": "traces", "failed": 40, "offered": 40, "rest_failed": 0, …}],
     "receives": […], "processes": […], "ports": [], "logs": []}

fact_rows.py has all keys. Each of the other files `canary_…` builds the rows of one key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from .canary_destinations import list_exporter_addresses
from .canary_exporters import build_exporter_rows
from .canary_logs import build_log_rows
from .canary_ports import find_refused_ports
from .canary_processors import build_processor_row
from .canary_receivers import build_receiver_row
from .fact_rows import CanaryPodRow, ComparisonFacts, RestFacts, RevisionFacts
from .revision import Revision
from .sides import Sides


def collect_facts(
    canary: Revision,
    rest: Revision,
    now: str,
    mask: Callable[[str], str],
    baseline: Mapping[str, Any] | None = None,
) -> ComparisonFacts:
    """Return the facts of the last reading.

    `now` is the time in RFC 3339, `mask` hides secrets in entries of the log. `baseline` are the `RestFacts` of before
    the change, as this run has read them or the record of an interrupted run has them. They stand for the rest once no
    pod of it is left.
    """
    if baseline and canary.has_outlived(rest):
        rest_facts = cast(RestFacts, dict(baseline))
    else:
        rest_facts = build_rest_facts(rest, now, mask)
    return compare_sides(
        Sides(
            canary=canary,
            canary_facts=canary.build_facts(now, mask),
            rest_config=rest.config,
            rest_facts=rest_facts,
            seconds_alone=canary.count_seconds_alone(rest),
        )
    )


def compare_sides(sides: Sides) -> ComparisonFacts:
    """Return the facts of a canary, each row with what it is compared with in the facts of the rest.

    Waves call this themselves: they have the facts of other collectors, and no readings of a rest.
    """
    canary_facts = sides.canary_facts
    return {
        "seconds": canary_facts["seconds"],
        "canary": _add_rest_memory(canary_facts, sides.rest_facts),
        "rest": sides.rest_facts,
        "receives": [build_receiver_row(sides, index, row) for index, row in enumerate(canary_facts["receives"])],
        "processes": [build_processor_row(sides, row) for row in canary_facts["processes"]],
        "exports": build_exporter_rows(sides),
        "ports": list(find_refused_ports(sides)),
        "logs": list(build_log_rows(sides)),
    }


def _add_rest_memory(canary_facts: RevisionFacts, rest_facts: RestFacts) -> RevisionFacts:
    """Return the facts of the canary, in which each pod also tells how much memory the rest uses."""
    pods: list[CanaryPodRow] = []
    for pod in canary_facts["pods"]:
        pods.append({**pod, "rest_memory": rest_facts["memory_percent"]})
    return {**canary_facts, "pods": pods}


def build_rest_facts(rest: Revision, now: str, mask: Callable[[str], str]) -> RestFacts:
    """Return the facts of the pods with the earlier config.

    `live/observe.py` also calls this before a change that leaves no such pod, and keeps the result as the baseline.
    """
    return {
        **rest.build_facts(now, mask),
        "bases": rest.list_rows_to_compare(),
        "ends": list_exporter_addresses(rest.config),
    }
