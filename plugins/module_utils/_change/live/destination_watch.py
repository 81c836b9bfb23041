# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read, again and again, what the cluster has at the addresses that the exporters of new pods send to. Private.

`observe.py` makes one `DestinationWatch` for an observation, and asks it at each reading of the pods. A Service that is
deployed a moment later is thus found too. For example, if an exporter sends to `tempo:4317`:

    reading 1, no such Service         → {"endpoint": "tempo:4317", "state": "no_service", …}
    reading 2, the Service is deployed → {"endpoint": "tempo:4317", "state": "ok", …}
    reading 3                          → as in reading 2; the cluster is not asked again
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._diagnose.live.peers_in_cluster import describe_peers, read_peers_ahead
from ..._diagnose.live.reader import ClusterReader, Notes, Object
from ..._diagnose.peer_state import PeerRow
from ..._otelcol.kube.network_policies import find_egress_policies
from ..._otelcol.needs.peers import find_peers
from ..canary.canary_destinations import DestinationRow, describe_destinations
from ..canary.fact_rows import RestFacts


class DestinationWatch:
    """What the cluster has where the exporters of a config send to, as it was read last.

    `sending_object` is a pod with this config, or its workload: network policies are read for what it sends.
    """

    def __init__(self, reader: ClusterReader, config: Mapping[str, Any], sending_object: Object) -> None:
        self._reader = reader
        self._config = config
        self._sending_object = sending_object
        # One row for each Service that an exporter sends to; empty before the first reading.
        self._peer_rows: list[PeerRow] = []

    def read_destinations(self, rest_facts: RestFacts) -> list[DestinationRow]:
        """Return where the exporters send to, compared with where the pods with the earlier config send to.

        Once all addresses lead somewhere, the cluster is not asked again.
        """
        all_lead_somewhere = bool(self._peer_rows) and all(row["state"] == "ok" for row in self._peer_rows)
        if not all_lead_somewhere:
            self._peer_rows = self._read_peers()
        return describe_destinations(self._peer_rows, rest_facts)

    def _read_peers(self) -> list[PeerRow]:
        """Return what the cluster has now at each Service that an exporter sends to."""
        # A reader keeps what it has read. A new one sees what the cluster has now.
        new_reader = ClusterReader(self._reader.cluster, self._reader.quick_cluster)
        namespace = str(self._sending_object["metadata"]["namespace"])
        service_peers = [peer for peer in find_peers(self._config, namespace) if peer.service]
        read_peers_ahead(new_reader, service_peers)
        no_policies = find_egress_policies(None, {})
        return describe_peers(new_reader, service_peers, self._sending_object, no_policies, Notes())
