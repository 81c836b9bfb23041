# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order in which objects of a bundle are applied and deleted, by their kinds. Private.

For example, a collector with a Namespace, a ConfigMap, a Deployment and an autoscaler is applied in this order, one
group after the other, and deleted in the reverse order:

    [[Namespace], [ConfigMap], [Deployment], [HorizontalPodAutoscaler]]
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from .._otelcol.kube.objects import Manifest

# Dependencies come first: certificates before the pods that mount them, webhooks after the pods that serve them.
# Other kinds (autoscalers, routes, custom resources that webhooks validate) come last.
_KINDS_IN_ORDER = (
    ("CustomResourceDefinition",),
    ("Namespace", "PriorityClass"),
    ("ServiceAccount", "ResourceQuota", "LimitRange", "OperatorGroup"),
    ("ClusterRole", "Role", "SecurityContextConstraints"),
    ("ClusterRoleBinding", "RoleBinding"),
    ("ConfigMap", "Secret", "PersistentVolumeClaim"),
    ("Service",),
    ("Issuer", "ClusterIssuer"),
    # Others make Secrets from these.
    ("Certificate", "ExternalSecret", "SealedSecret", "SecretProviderClass"),
    ("Deployment", "DaemonSet", "StatefulSet"),
    ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"),
    # Deleted after its Subscription, which would recreate it, and before its objects, which it would recreate.
    ("ClusterServiceVersion",),
)
_POSITION_BY_KIND = {kind: position for position, kinds in enumerate(_KINDS_IN_ORDER) for kind in kinds}
_LAST_POSITION = len(_KINDS_IN_ORDER)


def group_by_dependency(manifests: Iterable[Manifest]) -> list[list[Manifest]]:
    """Return the manifests as groups. Each group depends on those before it; within a group the order is free."""
    groups = groupby(sorted(manifests, key=_find_position), _find_position)
    return [list(group) for _position_of_group, group in groups]


def _find_position(manifest: Manifest) -> int:
    """Return where the kind of an object stands in the order; kinds without a place come last."""
    return _POSITION_BY_KIND.get(manifest["kind"], _LAST_POSITION)
