# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a canary counts, each row with that of the pods that it is compared with. Private.

`canary` are the pods with the new config, `rest` those with the earlier one. The other files `canary_…` make the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .canary_exporters import exporter_rows
from .canary_logs import log_rows
from .canary_places import peer_addresses, port_rows
from .canary_processors import processor_row
from .canary_receivers import receiver_row
from .readings import Revision
from .sides import Sides


def facts_of(
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
    sides = _sides_of(canary, rest, now, mask, baseline)
    facts = sides.canary_facts
    for pod in facts["pods"]:
        pod["rest_memory"] = sides.rest_facts["memory_percent"]
    return {
        "seconds": facts["seconds"],
        "canary": facts,
        "rest": sides.rest_facts,
        "receives": [receiver_row(sides, index, row) for index, row in enumerate(facts["receives"])],
        "processes": [processor_row(sides, row) for row in facts["processes"]],
        "exports": exporter_rows(sides),
        "ports": list(port_rows(sides)),
        "logs": list(log_rows(sides)),
    }


def _sides_of(
    canary: Revision, rest: Revision, now: str, mask: Callable[[str], str], baseline: Mapping[str, Any] | None
) -> Sides:
    """Return the canary and the rest; the baseline stands for the rest once no pod of it is left."""
    seconds_alone = canary.seconds_alone(rest)
    is_rest_gone = seconds_alone is not None
    return Sides(
        canary=canary,
        canary_facts=canary.facts(now, mask),
        rest_config=rest.config,
        rest_facts=dict(baseline) if baseline and is_rest_gone else rest_facts(rest, now, mask),
        seconds_alone=seconds_alone,
    )


def rest_facts(rest: Revision, now: str, mask: Callable[[str], str]) -> dict[str, Any]:
    """Return the facts of older pods, with the rows that a canary is compared with as `bases`."""
    return {**rest.facts(now, mask), "bases": rest.rows_to_compare(), "ends": peer_addresses(rest.config)}
