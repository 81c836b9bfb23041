# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A custom resource for the OpenTelemetry operator, and around it what the operator does not make, or makes wrong.

Permissions are ours: what the operator grants by itself has gaps, and needs rights that it often does not have. The
Service is ours too: its name and its selector are those of the plain backend, so clients notice no switch. Private.
"""

from __future__ import annotations

from ..collector.collector import Collector
from ..manifests import certificate, open_telemetry_collector, service, target_allocator
from ..manifests.build import CollectorBuild, Manifest
from . import limits
from .shared import ACCESS, ACCOUNT, Builders

# Source: Container in the operator's internal/naming.
CONTAINER = "otc-container"
MODES = ("daemonset", "deployment", "sidecar", "statefulset")

_BUILDERS: Builders = (
    *ACCOUNT,
    target_allocator.account,
    target_allocator.cluster_role,
    target_allocator.cluster_role_binding,
    service.headless_service,
    service.service,
    *ACCESS,
    open_telemetry_collector.open_telemetry_collector,
)


def check(collector: Collector) -> None:
    """Raise Problem for all that a custom resource of this mode has no field for."""
    limits.check(collector)


def manifests(order: CollectorBuild) -> list[Manifest]:
    """Return all objects of one collector, in the order in which they are applied."""
    made = [manifest for builder in _BUILDERS if (manifest := builder(order)) is not None]
    return [*made[:-1], *target_allocator.secret_roles(order), *certificate.certificates(order), made[-1]]


def resource(order: CollectorBuild) -> Manifest:
    """Return the custom resource alone, for the rules that judge it before it is applied."""
    return open_telemetry_collector.open_telemetry_collector(order)


def kind(_collector: Collector) -> str:
    """Return the kind that is waited for."""
    return open_telemetry_collector.KIND
