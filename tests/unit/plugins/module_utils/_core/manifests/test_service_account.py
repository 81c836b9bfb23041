# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.manifests.service_account import (
    cluster_role,
    cluster_role_binding,
    service_account,
)

from ..helpers import LABELS, build, running

READING = running(
    extensions={"k8s_leader_elector": {}}, processors={"k8s_attributes": {"extract": {"metadata": ["x"]}}}
)
WIDE = {"name": "telemetry.gateway", "labels": LABELS}


def test_collectors_can_share_a_service_account() -> None:
    assert service_account(build(service_account_name="shared")) == {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {
            "name": "shared",
            "namespace": "telemetry",
            "labels": {
                "app.kubernetes.io/name": "opentelemetry-collector",
                "app.kubernetes.io/managed-by": "o11y.opentelemetry",
                "o11y.opentelemetry/release": "telemetry_shared",
            },
        },
    }


def test_a_service_account_has_annotations_of_its_own_alone() -> None:
    one = build(service_account_annotations={"role": "arn"}, annotations={"a": "b"})
    assert service_account(one)["metadata"]["annotations"] == {"role": "arn"}


def test_a_cluster_role_has_exactly_the_derived_rules() -> None:
    assert cluster_role(build(READING)) == {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": WIDE,
        "rules": [
            {"apiGroups": [""], "resources": ["namespaces", "pods"], "verbs": ["get", "list", "watch"]},
            {
                "apiGroups": ["coordination.k8s.io"],
                "resources": ["leases"],
                "verbs": ["get", "list", "watch", "create", "update", "patch", "delete"],
            },
        ],
    }


def test_a_cluster_role_is_bound_to_the_service_account() -> None:
    assert cluster_role_binding(build(READING, service_account_name="shared")) == {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": WIDE,
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "telemetry.gateway"},
        "subjects": [{"kind": "ServiceAccount", "name": "shared", "namespace": "telemetry"}],
    }


def test_a_config_that_reads_nothing_has_no_role() -> None:
    assert cluster_role(build()) is None
    assert cluster_role_binding(build()) is None
