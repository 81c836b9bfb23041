# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare the pods with a new config to those with the earlier one: the facts that checks read. Private.

The `canary` are the pods with the new config, the `rest` those with the earlier one. The other files `canary_…` build
the rows of the comparison. `live/observe.py` collects the facts after each reading of the pods. fact_rows.py has the
keys of facts, readings.py explains readings and revisions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from .canary_exporters import build_exporter_rows
from .canary_logs import build_log_rows
from .canary_places import find_refused_ports, list_peer_addresses
from .canary_processors import build_processor_row
from .canary_receivers import build_receiver_row
from .fact_rows import ComparisonFacts, RestFacts
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
    sides = _build_sides(canary, rest, now, mask, baseline)
    canary_facts = sides.canary_facts
    for pod in canary_facts["pods"]:
        pod["rest_memory"] = sides.rest_facts["memory_percent"]
    return {
        "seconds": canary_facts["seconds"],
        "canary": canary_facts,
        "rest": sides.rest_facts,
        "receives": [build_receiver_row(sides, index, row) for index, row in enumerate(canary_facts["receives"])],
        "processes": [build_processor_row(sides, row) for row in canary_facts["processes"]],
        "exports": build_exporter_rows(sides),
        "ports": list(find_refused_ports(sides)),
        "logs": list(build_log_rows(sides)),
    }


def _build_sides(
    canary: Revision, rest: Revision, now: str, mask: Callable[[str], str], baseline: Mapping[str, Any] | None
) -> Sides:
    """Return both sides. The baseline stands for the rest only if there is one and no pod of the rest is left."""
    seconds_alone = canary.count_seconds_alone(rest)
    is_rest_gone = seconds_alone is not None
    rest_facts = cast(RestFacts, dict(baseline or {}))
    if not baseline or not is_rest_gone:
        rest_facts = build_rest_facts(rest, now, mask)
    return Sides(
        canary=canary,
        canary_facts=canary.build_facts(now, mask),
        rest_config=rest.config,
        rest_facts=rest_facts,
        seconds_alone=seconds_alone,
    )


def build_rest_facts(rest: Revision, now: str, mask: Callable[[str], str]) -> RestFacts:
    """Return the facts of the pods with the earlier config."""
    return {
        **rest.build_facts(now, mask),
        "bases": rest.list_rows_to_compare(),
        "ends": list_peer_addresses(rest.config),
    }
