# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The receivers of a canary, each with what the rest (the pods with the earlier config) got. Private.

Checks `receivers_refuse` and `receiver_silent` read these rows. Silence is a fault only if items were due: at the rate
of the rest, in the time in which the receivers of the canary had to get them. For example, receiver `host_metrics` of
the rest has accepted 100 data points in 50 seconds. In the canary it has had 30 seconds, so 60 data points are due. If
none came, check `receiver_silent` fails.

A passive receiver such as `otlp` waits for clients; any other one, such as `host_metrics`, collects data by itself.
"""

from __future__ import annotations

from typing import Any

from ..._otelcol.config.paths import mapping_at
from ..._otelcol.traits import RECEIVERS, Trait, traits_of
from ..._telemetry.signal_flow import ReceiverRow, read_collection_interval
from .hold_times import MARGIN_SECONDS
from .shares import RECEIVED, compare_shares
from .sides import Sides

# Silence counts only once clients had so many seconds without an older pod, to notice that and to connect anew.
_CLIENT_SECONDS = 3 * MARGIN_SECONDS
# Silence counts only after more than so many intervals of a receiver that collects data by itself.
_COLLECTION_INTERVALS = 2


def build_receiver_row(sides: Sides, index: int, row: ReceiverRow) -> dict[str, Any]:
    """Return the row of a receiver with the share that it refused, and with how much was `due` to come.

    `index` is its place among the receivers of the canary.
    """
    refused_share = compare_shares(sides, RECEIVED, index, row)
    return {
        **row,
        **refused_share.as_row("rejected"),
        "about": f"receivers/{row['id']}",
        "due": _count_due_items(sides, row),
    }


def _count_due_items(sides: Sides, row: ReceiverRow) -> int:
    """Return how many items were due by now at the rate of the rest; 0 where silence says nothing."""
    # The rest may have been read only once, which shows no rate.
    rest_seconds = sides.rest_facts["seconds"]
    if not rest_seconds:
        return 0
    rest_accepted = sum(rest_row["accepted"] for rest_row in sides.find_rest_rows_while_watched("receives", row))
    seconds = _count_client_seconds(sides, row) if row["passive"] else _count_collecting_seconds(sides, row)
    return int(rest_accepted * seconds / rest_seconds)


def _count_client_seconds(sides: Sides, row: ReceiverRow) -> float:
    """Return for how many seconds clients had to send to a receiver; 0 where silence says nothing.

    Clients keep their connections to older pods. So they have to send to the canary only once no older pod is left.
    """
    seconds_alone = sides.seconds_alone
    comes_steadily = row["signal"] in sides.rest_facts["steady"]
    return seconds_alone if comes_steadily and seconds_alone >= _CLIENT_SECONDS else 0.0


def _count_collecting_seconds(sides: Sides, row: ReceiverRow) -> float:
    """Return for how many seconds a receiver had to collect data by itself; 0 where silence says nothing."""
    seconds = sides.canary_facts["seconds"]
    collection_interval = read_collection_interval(mapping_at(sides.canary_config, "receivers", row["id"]))
    collects_always = Trait.ALWAYS_COLLECTS in traits_of(RECEIVERS, row["id"])
    return seconds if collects_always and seconds > _COLLECTION_INTERVALS * collection_interval else 0.0
