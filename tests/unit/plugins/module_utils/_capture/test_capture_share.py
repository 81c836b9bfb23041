# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""With how many pods the one of a capture shares the load, and which DaemonSets give it none."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._capture.capture_share import (
    CaptureShare,
    compute_share,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from tests.support.cases import cases


def workload(kind: str) -> dict[str, Any]:
    return {"kind": kind, "spec": {"template": {"metadata": {"labels": {"app": "agent", "more": "x"}}}}}


def service(policy: str = "", **spec: Any) -> dict[str, Any]:
    given = {"internalTrafficPolicy": policy} if policy else {}
    ports = [{"name": "otlp-grpc", "port": 4317}]
    return {"kind": "Service", "spec": {"selector": {"app": "agent"}, "ports": ports, **given, **spec}}


LOCAL, ANYWHERE, HEADLESS = service("Local"), service("Cluster"), service("Cluster", clusterIP="None")
# As the operator makes it beside that for clients.
MONITORING = service("Cluster", ports=[{"name": "monitoring", "port": 8888}])


@cases(
    "kind, services, share",
    ("Deployment", [], CaptureShare(other_pod_count=3)),
    ("StatefulSet", None, CaptureShare(other_pod_count=3)),
    ("DaemonSet", [ANYWHERE], CaptureShare(other_pod_count=3)),
    ("DaemonSet", [LOCAL], CaptureShare(other_pod_count=1, node_count=3)),
    ("DaemonSet", [LOCAL, ANYWHERE], CaptureShare(other_pod_count=3)),
    ("DaemonSet", [LOCAL, HEADLESS, MONITORING], CaptureShare(other_pod_count=1, node_count=3)),
    ("DaemonSet", [HEADLESS], CaptureShare(other_pod_count=3)),
    ("DaemonSet", [LOCAL, service(selector={"app": "other"})], CaptureShare(other_pod_count=1, node_count=3)),
)
def test_a_pod_shares_with_all_others_or_with_the_one_of_its_node(
    kind: str, services: list[dict[str, Any]] | None, share: CaptureShare
) -> None:
    assert compute_share(workload(kind), 3, services) == share


def test_a_daemonset_of_which_no_pod_is_ready_shares_with_none() -> None:
    assert compute_share(workload("DaemonSet"), 0, [LOCAL]) == CaptureShare(other_pod_count=0)


@cases(
    "services, wrong",
    ([], "no Service leads to its pods"),
    ([service(selector={})], "no Service leads to its pods"),
    ([service(selector={"app": "other"})], "no Service leads to its pods"),
    ([service(type="ExternalName")], "no Service leads to its pods"),
    ([MONITORING], "no Service leads to its pods"),
    ([service(ports=[{"name": "metrics", "port": 9090}])], "no Service leads to its pods"),
    (None, "this account may not list Services"),
)
def test_a_daemonset_that_clients_reach_on_its_nodes_alone_gives_no_share(
    services: list[dict[str, Any]] | None, wrong: str
) -> None:
    with pytest.raises(Problem, match=wrong):
        compute_share(workload("DaemonSet"), 3, services)
