# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a canary counts, each row with that of the pods that it is compared with. Private.

`canary` are the pods with the new config, `rest` those with the earlier one. The other files `canary_…` make the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .canary_exporters import build_exporter_rows
from .canary_logs import build_log_rows
from .canary_places import find_refused_ports, list_peer_addresses
from .canary_processors import build_processor_row
from .canary_receivers import build_receiver_row
from .readings import Revision
from .sides import Sides


def collect_facts(
    canary: Revision,
    rest: Revision,
    now: str,
    mask: Callable[[str], str],
    baseline: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return all facts of this moment, as checks read them.

    `now` is the time in RFC 3339, `mask` hides secrets in entries of the log. `baseline` are the facts of the rest from
    before the change, which compare where no other pods are left.
    """
    sides = _build_sides(canary, rest, now, mask, baseline)
    facts = sides.canary_facts
    for pod in facts["pods"]:
        pod["rest_memory"] = sides.rest_facts["memory_percent"]
    return {
        "seconds": facts["seconds"],
        "canary": facts,
        "rest": sides.rest_facts,
        "receives": [build_receiver_row(sides, index, row) for index, row in enumerate(facts["receives"])],
        "processes": [build_processor_row(sides, row) for row in facts["processes"]],
        "exports": build_exporter_rows(sides),
        "ports": list(find_refused_ports(sides)),
        "logs": list(build_log_rows(sides)),
    }


def _build_sides(
    canary: Revision, rest: Revision, now: str, mask: Callable[[str], str], baseline: Mapping[str, Any] | None
) -> Sides:
    """Return the canary and the rest; the baseline stands for the rest once no pod of it is left."""
    seconds_alone = canary.count_seconds_alone(rest)
    is_rest_gone = seconds_alone is not None
    return Sides(
        canary=canary,
        canary_facts=canary.build_facts(now, mask),
        rest_config=rest.config,
        rest_facts=dict(baseline) if baseline and is_rest_gone else build_rest_facts(rest, now, mask),
        seconds_alone=seconds_alone,
    )


def build_rest_facts(rest: Revision, now: str, mask: Callable[[str], str]) -> dict[str, Any]:
    """Return the facts of older pods, with the rows that a canary is compared with as `bases`."""
    return {
        **rest.build_facts(now, mask),
        "bases": rest.list_rows_to_compare(),
        "ends": list_peer_addresses(rest.config),
    }
