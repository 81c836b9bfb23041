# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pods of one revision of a workload that are read again and again while its change is judged. Private.

`observe.py` makes one `WatchedPods` for the pods with the new config, and one for those with the earlier config. Each
reads its pods by a `PodSampler` (pod_samples.py), and keeps what it read in a `Revision` (canary/revision.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..._diagnose.live.reader import ClusterReader, Object
from ..._otelcol.catalogue.port_rows import Listeners
from ..._otelcol.needs.listeners import find_listeners
from ..._otelcol.needs.started_components import list_started_components
from ..._otelcol.traits import RECEIVERS, Trait, traits_of
from ..canary.readings import ReceiverPort
from ..canary.revision import Revision
from .pod_samples import PodSampler

# Logs and ports of so many pods of each revision are read.
LOG_PODS = 3


class Observed(NamedTuple):
    """A workload under change."""

    workload: Object
    listeners: Listeners
    """The ports on which each type of component listens by default, from the catalogue."""
    config: Mapping[str, Any] | None = None
    """Its new config, for pods that do not show theirs; None if it is not known."""
    baseline: Mapping[str, Any] | None = None
    """The `RestFacts` of before the change, for when no pod with the earlier config is left."""


class WatchedPods:
    """The pods of one revision of a workload. Those that `began_with_change` run its new config.

    `config` is the config that the pods run; empty if it cannot be read. `revision` has all readings of them.
    `unread_metrics_reason` says why their metrics cannot be read; it is empty if they can. `notes` say what else could
    not be seen.
    """

    def __init__(
        self, reader: ClusterReader, observed: Observed, pods: list[Object], *, began_with_change: bool
    ) -> None:
        given_config = (observed.config or {}) if began_with_change else {}
        self._sampler = PodSampler(reader, observed.workload, pods, given_config)
        self.config = self._sampler.config
        self.revision = Revision(self.config, observed.listeners, began_with_change=began_with_change)
        self.unread_metrics_reason = self._sampler.unread_reason
        self.notes = self._sampler.notes

    def explain_unread_config(self) -> str:
        """Return why the config of the pods cannot be read; empty if it can."""
        if self.config:
            return ""
        reasons = [row["why"] for row in self.notes.build_rows()]
        return "; ".join(reasons) or "it was not found"

    def read_pods(self, pods: list[Object], reading_time: float, ports: Sequence[ReceiverPort]) -> None:
        """Read the running pods among these, all at once, try their ports, and add what was read to `revision`."""
        self.revision.add_reading(reading_time, self._sampler.sample_pods(pods, ports, LOG_PODS))

    def find_ports_to_try(self, listeners: Listeners) -> list[ReceiverPort]:
        """Return the ports of receivers that other pods use and that answer HTTP, such as `otlp:4318`.

        A request of HTTP tries them. A receiver of another protocol would take the request for data.
        """
        ports: list[ReceiverPort] = []
        for listener in find_listeners(self.config, list_started_components(self.config), listeners):
            part = listener.part
            if part is None or part.section != "receivers" or Trait.ANSWERS_HTTP not in traits_of(RECEIVERS, part.id):
                continue
            if listener.is_exposed and listener.protocol == "TCP":
                ports.append(ReceiverPort(part.id, listener.port))
        return list(dict.fromkeys(ports))
