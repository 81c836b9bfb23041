# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collectors that are planned and judged, and what a task returns of all of them. Private.

A planned collector has a composed config, a build (what is deployed, see manifests/build.py) and findings of the rules.
`_judged_collectors.py` makes it. The bundle is what one run renders. Modules that come later in a run read its keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..module_utils._collector.manifests import monitoring, service_account
from ..module_utils._collector.manifests.build import CollectorBuild
from ..module_utils._collector.options import Collector
from ..module_utils._collector.probing import plan_hop, plan_probe
from ..module_utils._identity.identity import CollectorGrants, list_needed_accounts
from ..module_utils._otelcol.config.layers import ComposedConfig
from ..module_utils._otelcol.kube import names
from ..module_utils._otelcol.kube.objects import Manifest
from ..module_utils._otelcol.rules.build_facts import TargetBuild
from ..module_utils._otelcol.rules.findings import Finding
from . import _collector_facts, _outside_names


@dataclass(frozen=True)
class Planned:
    """A collector with its composed config, the build that follows from it, and what the rules find in both."""

    collector: Collector
    composed_config: ComposedConfig
    build: CollectorBuild | None
    """What is deployed; None for a malformed config, from which nothing follows but findings."""
    findings: tuple[Finding, ...]
    target: TargetBuild | None = None
    """The build of the Collector that the rules judge for; None if the catalogue does not know it."""
    receivers_by_exporter: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The collectors of the run that each exporter sends to, as NAMESPACE/NAME."""
    sends_to: Sequence[Mapping[str, str]] = ()
    """The collectors of Linux hosts and other clusters that get its data, with keys `exporter`, `place`,
    `collector`."""

    @property
    def qualified_name(self) -> str:
        """The namespace and the name of the collector."""
        return f"{self.collector.namespace}/{self.collector.name}"


@dataclass(frozen=True)
class RenderedBundle:
    """What one run renders: all manifests, and what later stages need of each collector."""

    planned_collectors: Sequence[Planned]
    builds: Sequence[CollectorBuild]
    manifests: Sequence[Manifest]

    def as_dict(self) -> dict[str, Any]:
        """Return it as the result of a task."""
        return {
            "manifests": self.manifests,
            "objects": [f"{manifest['kind']} {manifest['metadata']['name']}" for manifest in self.manifests],
            "collectors": [_collector_facts.describe_collector(build) for build in self.builds],
            "collector_images": [_collector_facts.describe_image(build) for build in self.builds],
            "workloads": [_collector_facts.describe_workload(build.collector) for build in self.builds],
            "sidecars": self.list_sidecars(),
            "probes": self.probes(),
            "untested": _collector_facts.list_untested_collectors(self.builds),
            "service_accounts": list_needed_accounts(
                CollectorGrants(build.collector, build.needs.aws_grants) for build in self.builds
            ),
            "monitoring_files": self.build_monitoring_files(),
            "prune_selector": _build_prune_selector(self.collectors),
            "changes": _collector_facts.list_ways_of_change(self.builds),
            "flows": self.list_flows(),
            "sends_to_hosts": self.list_flows_to_hosts(),
            "sends_outside": _outside_names.list_outside_destinations(
                (planned.collector, planned.composed_config.config) for planned in self.planned_collectors
            ),
            "reached_at": _outside_names.list_reached_names(self.collectors),
            "hops": self.list_hops(),
            "adopt": self.list_adopted_releases(),
            "existing_accounts": service_account.list_foreign_accounts(self.collectors),
        }

    @property
    def collectors(self) -> list[Collector]:
        return [build.collector for build in self.builds]

    def list_sidecars(self) -> list[dict[str, str]]:
        """Return the collectors that the operator adds to pods of applications."""
        sidecars = [collector for collector in self.collectors if collector.mode == "sidecar"]
        return [{"namespace": collector.namespace, "name": collector.name} for collector in sidecars]

    def probes(self) -> list[dict[str, Any]]:
        """Return how to verify each collector that can be verified."""
        probes = (plan_probe(build, build.config) for build in self.builds)
        return [how_to_verify for how_to_verify in probes if how_to_verify]

    def list_hops(self) -> list[dict[str, Any]]:
        """Return the collectors that send on to others of the run."""
        hops = [
            plan_hop(planned.build, planned.receivers_by_exporter)
            for planned in self.planned_collectors
            if planned.build
        ]
        return [forwarding for forwarding in hops if forwarding]

    def list_flows(self) -> list[dict[str, str]]:
        """Return which collector sends to which other one, by namespace and name."""
        flows: list[dict[str, str]] = []
        for planned in self.planned_collectors:
            receivers = set().union(*planned.receivers_by_exporter.values())
            flows += [{"sender": planned.qualified_name, "receiver": receiver} for receiver in sorted(receivers)]
        return flows

    def list_flows_to_hosts(self) -> list[dict[str, str]]:
        """Return which collector sends to which one of a Linux host."""
        destinations: list[dict[str, str]] = []
        for planned in self.planned_collectors:
            destinations += [{"sender": planned.qualified_name, **destination} for destination in planned.sends_to]
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
        return sorted(names.collector_release(collector.namespace, collector.name) for collector in adopters)


def _build_prune_selector(collectors: Iterable[Collector]) -> str:
    """Return the selector of this collection's objects for these collectors, without those of the operator."""
    releases = [names.collector_release(collector.namespace, collector.name) for collector in collectors]
    return f"{names.release_selector(releases)},{names.COLLECTOR_LABEL}"
