# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command that removes one collector by the marks of its objects, for one that no inventory names. Private.

The diagnosis, and a change that finds a collector of an earlier name, show it to the user. For example, for the
collector `gateway` of the namespace `telemetry`, of which the cluster has ConfigMaps and Services:

    kubectl -n telemetry delete configmaps,services
        -l o11y.opentelemetry/release=telemetry.gateway,app.kubernetes.io/managed-by=o11y.opentelemetry
"""

from __future__ import annotations

from collections.abc import Iterable

from .._otelcol.kube.names import OWNER, OWNER_LABEL, RELEASE_LABEL
from .release_names import collector_release

# What a collector may have that every cluster serves. Claims are left out: they hold queues.
BUILT_IN_PLURALS = (
    "clusterrolebindings",
    "clusterroles",
    "configmaps",
    "horizontalpodautoscalers",
    "ingresses",
    "networkpolicies",
    "poddisruptionbudgets",
    "rolebindings",
    "roles",
    "serviceaccounts",
    "services",
)


def build_removal_command(namespace: str, collector: str, plurals: Iterable[str]) -> str:
    """Return the command that removes the objects of one collector and no others; `plurals` name their kinds."""
    selector = f"{RELEASE_LABEL}={collector_release(namespace, collector)},{OWNER_LABEL}={OWNER}"
    return f"kubectl -n {namespace} delete {','.join(sorted(plurals))} -l {selector}"
