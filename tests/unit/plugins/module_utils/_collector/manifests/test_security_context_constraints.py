# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The least that pods need on OpenShift, which tests/contract/test_constraints.py gives to a cluster."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.manifests import collector_roles
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.manifests import (
    security_context_constraints as constraints,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.manifests.build import (
    CollectorBuild,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.platform import Platform

from ...helpers import build, cases, running

CONSTRAINED = Platform("here", security_context_constraints=True)
LOGS = running(receivers={"file_log": {"include": ["/var/log/pods/*/*/*.log"]}})
STATE = running(extensions={"file_storage": {}})
SILENT = running()
RIGHT = {
    "apiGroups": ["security.openshift.io"],
    "resources": ["securitycontextconstraints"],
    "verbs": ["use"],
    "resourceNames": ["telemetry.gateway"],
}
CEPH = {"name": "a", "mount_path": "/a", "source": {"cephfs": {"monitors": ["b"]}}}
SPC = {"type": "MustRunAs", "seLinuxOptions": {"type": "spc_t", "level": "s0"}}
KEPT = {"config": STATE, "mode": "statefulset", "selinux_type": "spc_t"}


def placed(config: Any = None, platform: Any = CONSTRAINED, user: Any = None, **options: Any) -> CollectorBuild:
    return replace(build(config, **options), run_as_user=user, platform=platform)


def allowed(config: Any = None, **options: Any) -> Any:
    return constraints.render_constraints(placed(config, **options))


@cases(
    "options, field, value",
    ({"mode": "daemonset"}, "allowHostPorts", True),
    ({"host_ports": True}, "allowHostPorts", True),
    ({"host_network": True}, "allowHostNetwork", True),
    ({"host_network": True}, "allowHostPorts", True),
    ({"user": 1234}, "runAsUser", {"type": "MustRunAs", "uid": 1234}),
    ({"user": 1234}, "fsGroup", {"type": "MustRunAs", "ranges": [{"min": 1234, "max": 1234}]}),
    ({"host_ports": True}, "runAsUser", {"type": "MustRunAsRange"}),
    ({"selinux_type": "spc_t"}, "seLinuxContext", SPC),
    ({"config": STATE, "mode": "daemonset"}, "volumes", ["configMap", "hostPath", "projected"]),
    (KEPT, "volumes", ["configMap", "persistentVolumeClaim", "projected"]),
    ({"volumes": [CEPH]}, "volumes", ["cephFS", "configMap", "projected"]),
)
def test_what_is_needed_is_allowed(options: dict[str, Any], field: str, value: Any) -> None:
    assert allowed(**options)[field] == value


@cases(
    "options",
    {},
    {"mode": "statefulset", "config": STATE},
    {"mode": "daemonset", "config": SILENT},
    {"mode": "daemonset", "platform": Platform()},
    {"mode": "sidecar", "backend": "operator", "config": LOGS},
    {"volumes": [{"name": "a", "mount_path": "/a", "source": {"emptyDir": {}}}]},
)
def test_who_needs_nothing_special_has_no_constraints(options: dict[str, Any]) -> None:
    assert (
        constraints.render_constraints(placed(**options)),
        constraints.constraints_rule(placed(**options)),
    ) == (None, ())


def test_the_right_to_use_them_and_no_others_is_the_collectors_beside_a_target_allocator_too() -> None:
    one = placed(LOGS, mode="daemonset")
    assert collector_roles.render_cluster_role(one)["rules"] == [RIGHT]
    subject = {"kind": "ServiceAccount", "name": "gateway", "namespace": "telemetry"}
    assert collector_roles.render_cluster_role_binding(one)["subjects"] == [subject]
    scraping = running(receivers={"prometheus": {"config": {"scrape_configs": []}}})
    one = placed(scraping, mode="statefulset", backend="operator", target_allocator={"enabled": True}, host_ports=True)
    assert RIGHT not in collector_roles.render_cluster_role(one)["rules"]  # it opens no port
    two = replace(one, collector=replace(one.collector, selinux_type="spc_t"))
    assert RIGHT in collector_roles.render_cluster_role(two)["rules"]
