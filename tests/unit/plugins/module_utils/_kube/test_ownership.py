# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether another run or Argo CD has written an object. Others of its questions are tested where they are asked."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.ownership import is_reapplied, iter_tool_marks
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.kube.keepers import ARGO_TRACKING


@pytest.mark.parametrize(
    ("replicas", "owned", "expected"),
    [(2, {}, False), (1, {}, True), (2, {"f:spec": {"f:replicas": {}}}, True)],
    ids=["scaled without a trace", "not scaled", "replicas of the run"],
)
def test_an_autoscaler_that_leaves_no_trace_is_no_other_run(
    replicas: int, owned: dict[str, Any], expected: bool
) -> None:
    entry = {"manager": "us", "operation": "Apply", "time": "2026-01-01T00:00:00Z", "fieldsV1": owned}
    status = {**entry, "manager": "kube-controller-manager", "operation": "Update", "subresource": "status"}
    live = {"metadata": {"generation": 2, "managedFields": [entry, status]}, "spec": {"replicas": replicas}}
    assert is_reapplied(live, 1, "us") is expected


ROLE = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole"}
SERVICE = {"apiVersion": "v1", "kind": "Service"}


@pytest.mark.parametrize(
    ("tracking_id", "kind", "namespace", "is_its_own"),
    [
        ("app:rbac.authorization.k8s.io/ClusterRole:argo/agent", ROLE, "", True),
        ("app:/Service:mine/agent", SERVICE, "mine", True),
        ("team_app:/Service:mine/agent", SERVICE, "mine", True),
        ("app:/Service:mine/agent", {}, "mine", True),
        ("app:/Service:other/agent", {}, "mine", False),
        ("app:/Service:other/agent", SERVICE, "mine", False),
        ("app:/ConfigMap:mine/agent", SERVICE, "mine", False),
        ("agent", SERVICE, "mine", False),
        ("", SERVICE, "mine", False),
    ],
)
def test_an_id_of_argo_cd_names_one_object(
    tracking_id: str, kind: dict[str, str], namespace: str, is_its_own: bool
) -> None:
    metadata = {"name": "agent", "namespace": namespace, "annotations": {ARGO_TRACKING: tracking_id}}
    marks = [mark for mark, _times in iter_tool_marks({**kind, "metadata": metadata}, "us")]
    assert marks == ([("annotations", ARGO_TRACKING)] if is_its_own else [])
