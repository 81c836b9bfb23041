# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why the operator does not reconcile a resource: a deleted pod holds its lease. Other leases are not told."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._rollout.live.operator_reasons import (
    explain_unreconciled_resources,
)

from ...fake_api import FakeApi, reply
from ...live_helpers import obj

LEASES = "/apis/coordination.k8s.io/v1/namespaces/operator/leases"
POD = obj("Pod", "op-1", "operator", labels={"app.kubernetes.io/name": "opentelemetry-operator"})


@pytest.mark.parametrize(
    ("name", "fields", "is_told"),
    [
        ("a.opentelemetry.io", {"spec": {"holderIdentity": "op-0_uuid", "leaseDurationSeconds": 137}}, True),
        ("a.opentelemetry.io", {"spec": {"holderIdentity": "op-1_uuid"}}, False),
        ("another", {"spec": {"holderIdentity": "op-0_uuid"}}, False),
        ("a.opentelemetry.io", {"spec": None}, False),
        ("a.opentelemetry.io", {}, False),
    ],
    ids=["deleted pod", "running pod", "other lease", "empty spec", "no spec"],
)
def test_a_lease_of_a_deleted_pod_is_told(name: str, fields: dict[str, Any], is_told: bool) -> None:
    api = FakeApi(POD)
    lease = {"metadata": {"name": name, "namespace": "operator"}, **fields}
    answer = reply({"items": [lease], "metadata": {}})
    api.trouble = lambda _method, path: answer if path == LEASES else None
    lines = explain_unreconciled_resources(api.cluster(), [obj("OpenTelemetryCollector", "a")])
    told = "waits for the lease of op-0, a pod that no longer exists. It acquires the lease about 137 s" in str(lines)
    assert told is is_told
