# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects that a collector has under every backend, in the order in which they are applied. Private."""

from __future__ import annotations

from collections.abc import Callable

from ..manifests import build, network, openshift, service_account
from ..manifests.build import CollectorBuild, Manifest

Builders = tuple[Callable[[CollectorBuild], Manifest | None], ...]

ACCOUNT: Builders = (
    build.namespace,
    service_account.service_account,
    openshift.security_context_constraints,
    service_account.cluster_role,
    service_account.cluster_role_binding,
)
ACCESS: Builders = (
    network.network_policy,
    network.ingress,
    network.http_route,
    network.grpc_route,
    openshift.openshift_route,
    openshift.reader,
    openshift.reader_binding,
)
