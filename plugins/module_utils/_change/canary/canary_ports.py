# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ports on which pods of a canary refuse connections. Private.

Check `not_listening` reads these rows. It works without data: nobody has to send anything to see that a port is closed.
For example, a new config lets receiver `otlp` listen on the loopback alone, where other pods cannot reach it:

    {"about": "receivers/otlp", "id": "otlp", "pod": "gateway-7d4-x", "port": 4317, "closed": True}
"""

from __future__ import annotations

from collections.abc import Iterator

from .fact_rows import RefusedPortRow
from .sides import Sides


def find_refused_ports(sides: Sides) -> Iterator[RefusedPortRow]:
    """Yield the ports on which a pod of the canary refuses connections.

    `closed` is true if the rest (the pods with the earlier config) accepts connections there. Then the change has
    closed the port, which is a fault.
    """
    ports_open_in_rest = sides.rest_facts["open"]
    last_reading = sides.canary.readings[-1]
    for sample in last_reading.sample_by_pod.values():
        for port, accepts in sample.open.items():
            if not accepts:
                yield {
                    "about": f"receivers/{port.receiver_id}",
                    "id": port.receiver_id,
                    "pod": sample.pod,
                    "port": port.number,
                    "closed": str(port) in ports_open_in_rest,
                }
