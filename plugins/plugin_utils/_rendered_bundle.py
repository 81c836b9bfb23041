# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task returns of all collectors that it has rendered: the bundle. Private.

`_render.py` makes it after the last stage, and module otel_render returns it: the manifests, and facts about each
collector that later tasks read, such as `workloads` for module rollout_wait and `probes` for module otlp_probe.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..module_utils._collector.hops import Hop, plan_hop
from ..module_utils._collector.manifests import monitoring, service_account
from ..module_utils._collector.manifests.build import CollectorBuild
from ..module_utils._collector.options import Collector
from ..module_utils._collector.probing import Probe, plan_probe
from ..module_utils._identity.identity import CollectorGrants, list_account_needs
from ..module_utils._kube.release_names import collector_release, release_selector
from ..module_utils._otelcol.kube import names
from ..module_utils._otelcol.kube.objects import Manifest
from . import _collector_facts, _outside_names
from ._judged_collectors import JudgedCollector


@dataclass(frozen=True)
class RenderedBundle:
    """What one run renders: all manifests, and what later tasks need to know of each collector."""

    judged_collectors: Sequence[JudgedCollector]
    builds: Sequence[CollectorBuild]
    manifests: Sequence[Manifest]

    def as_dict(self) -> dict[str, Any]:
        """Return it as the result of a task, whose keys the documentation of module otel_render describes."""
        return {
            "manifests": self.manifests,
            "objects": [f"{manifest['kind']} {manifest['metadata']['name']}" for manifest in self.manifests],
            "collectors": [_collector_facts.describe_collector(build) for build in self.builds],
            "collector_images": [_collector_facts.describe_image(build) for build in self.builds],
            "workloads": [_collector_facts.describe_workload(build.collector) for build in self.builds],
            "sidecars": self.list_sidecars(),
            "probes": self.probes(),
            "untested": _collector_facts.list_untested_collectors(self.builds),
            "service_accounts": list_account_needs(
                CollectorGrants(build.collector, build.needs.aws_grants) for build in self.builds
            ),
            "monitoring_files": self.build_monitoring_files(),
            "prune_selector": _build_prune_selector(self.collectors),
            "changes": _collector_facts.list_ways_of_change(self.builds),
            "flows": self.list_flows(),
            "sends_to_hosts": self.list_flows_to_hosts(),
            "sends_outside": _outside_names.list_outside_destinations(
                (judged.collector, judged.composed_config.config) for judged in self.judged_collectors
            ),
            "reached_at": _outside_names.list_reached_names(self.collectors),
            "hops": self.list_hops(),
            "adopt": self.list_adopted_releases(),
            "existing_accounts": service_account.list_foreign_accounts(self.collectors),
        }

    @property
    def collectors(self) -> list[Collector]:
        """The options of all collectors."""
        return [build.collector for build in self.builds]

    def list_sidecars(self) -> list[dict[str, str]]:
        """Return the collectors that the operator adds to pods of applications."""
        sidecars = [collector for collector in self.collectors if collector.is_sidecar]
        return [{"namespace": collector.namespace, "name": collector.name} for collector in sidecars]

    def probes(self) -> list[Probe]:
        """Return the probe of each collector that playbook verify can test: where to send to, and what counts it."""
        probes = (plan_probe(build, build.config) for build in self.builds)
        return [probe for probe in probes if probe]

    def list_hops(self) -> list[Hop]:
        """Return option `hops` of module otlp_probe: the collectors that test data passes one after the other.

        Playbook verify reads the metrics of each, and so finds the one that lost a record.
        """
        hops = []
        for judged in self.judged_collectors:
            hop = plan_hop(judged.build, judged.receivers_by_exporter) if judged.build else None
            if hop:
                hops.append(hop)
        return hops

    def list_flows(self) -> list[dict[str, str]]:
        """Return which collector of the run sends to which other one.

        For example, `{"sender": "telemetry/agent", "receiver": "telemetry/gateway"}`.
        """
        flows: list[dict[str, str]] = []
        for judged in self.judged_collectors:
            receivers = set().union(*judged.receivers_by_exporter.values())
            flows += [{"sender": judged.qualified_name, "receiver": receiver} for receiver in sorted(receivers)]
        return flows

    def list_flows_to_hosts(self) -> list[dict[str, str]]:
        """Return which collector sends to which one of a Linux host.

        For example, `{"sender": "telemetry/agent", "exporter": "otlp_grpc", "place": "gw1", "collector": "gateway"}`.
        """
        destinations: list[dict[str, str]] = []
        for judged in self.judged_collectors:
            destinations += [{"sender": judged.qualified_name, **destination} for destination in judged.sends_to]
        return destinations

    def build_monitoring_files(self) -> dict[str, str]:
        """Return the files for monitoring systems, by name."""
        files: dict[str, str] = {}
        for build in self.builds:
            files |= monitoring.render_monitoring_files(build)
        return files

    def list_adopted_releases(self) -> list[str]:
        """Return the releases of collectors that take over objects without an owner."""
        adopters = [collector for collector in self.collectors if collector.adopt]
        return sorted(collector_release(collector.namespace, collector.name) for collector in adopters)


def _build_prune_selector(collectors: Iterable[Collector]) -> str:
    """Return the selector of this collection's objects for these collectors, without those of the operator."""
    releases = [collector_release(collector.namespace, collector.name) for collector in collectors]
    return f"{release_selector(releases)},{names.COLLECTOR_LABEL}"
