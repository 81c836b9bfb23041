# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs a collector, Kubernetes or systemd, as far as the rules ask about it. Private.

For example, the rules want to know the environment variables of a collector, as its config may name them. In a pod, it
has `POD_NAME` beside those of its options; as a service of a host, it has those of systemd.
"""

from __future__ import annotations

from typing import Protocol

from ..module_utils._collector import deployed
from ..module_utils._collector.backends import BACKENDS
from ..module_utils._collector.manifests.build import CollectorBuild
from ..module_utils._collector.options import Collector
from ..module_utils._collector.platform import Platform
from ..module_utils._host import host_deployment
from ..module_utils._otelcol.kube.objects import Manifest
from ..module_utils._otelcol.needs.derive_needs import Needs
from ..module_utils._otelcol.rules.subject import Deployment


class Runtime(Protocol):
    """What runs a collector."""

    def list_variables(self, collector: Collector) -> frozenset[str]:
        """Return the names of the environment variables that a collector has."""

    def build_deployment(self, collector: Collector, needs: Needs | None, platform: Platform) -> Deployment:
        """Return how a collector is deployed; the needs are None if its config is malformed."""

    def build_custom_resource(self, build: CollectorBuild) -> Manifest | None:
        """Return the custom resource of a collector; None if it has none."""


class KubernetesRuntime:
    """Runs a collector in pods."""

    def list_variables(self, collector: Collector) -> frozenset[str]:
        """Return those of the user, of the pod, and of what else changes pods."""
        return deployed.list_variables(collector)

    def build_deployment(self, collector: Collector, needs: Needs | None, platform: Platform) -> Deployment:
        """Return what the options, the needs and the platform say of it."""
        return deployed.build_deployment(collector, needs, platform)

    def build_custom_resource(self, build: CollectorBuild) -> Manifest | None:
        """Return the OpenTelemetryCollector; None if no operator makes the workload."""
        return BACKENDS[build.collector.backend].build_custom_resource(build)


class SystemdRuntime:
    """Runs a collector as a service of a Linux host."""

    def list_variables(self, collector: Collector) -> frozenset[str]:
        """Return those of the user, and of systemd."""
        return host_deployment.list_host_variables(collector)

    def build_deployment(self, collector: Collector, _needs: Needs | None, _platform: Platform) -> Deployment:
        """Return what the options say of it, as nothing else counts on a host."""
        return host_deployment.describe_deployment(collector)

    def build_custom_resource(self, _build: CollectorBuild) -> Manifest | None:
        """Return None: a host has no custom resources."""
        return None
