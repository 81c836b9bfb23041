# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of kinds: what others need comes first."""

from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.kind_order import group_by_dependency

from .manifests import obj


def test_order_puts_first_what_others_need_and_groups_what_is_independent() -> None:
    kinds = ["OpenTelemetryCollector", "MutatingWebhookConfiguration", "DaemonSet", "Certificate", "Issuer", "Service"]
    kinds += ["Secret", "RoleBinding", "Role", "ServiceAccount", "Namespace", "CustomResourceDefinition"]
    groups = group_by_dependency([obj(kind) for kind in kinds])
    assert [group[0]["kind"] for group in groups] == list(reversed(kinds))
    kinds = ["Namespace", "OperatorGroup", "Deployment", "ClusterServiceVersion", "Subscription"]
    assert [group[0]["kind"] for group in group_by_dependency([obj(kind) for kind in reversed(kinds)])] == kinds
    groups = group_by_dependency(
        [obj(kind) for kind in ("Secret", "HTTPRoute", "ConfigMap", "Deployment", "DaemonSet")]
    )
    kinds_of = [[item["kind"] for item in group] for group in groups]
    assert kinds_of == [["Secret", "ConfigMap"], ["Deployment", "DaemonSet"], ["HTTPRoute"]]
