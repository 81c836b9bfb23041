# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rights a role gains and loses, in words."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.changed_rights import list_changed_rights

from ..helpers import cases


def role(*rules: Any, namespace: str = "") -> dict[str, Any]:
    metadata = {"name": "shop.gateway"} | ({"namespace": namespace} if namespace else {})
    return {"kind": "Role" if namespace else "ClusterRole", "metadata": metadata, "rules": list(rules)}


def rule(resources: str, verbs: str, groups: str = " ", **more: Any) -> dict[str, Any]:
    return {"apiGroups": groups.split(" ")[:1], "resources": resources.split(), "verbs": verbs.split(), **more}


PODS = rule("pods", "get list watch")
SECRETS = rule("secrets", "list get")


@cases(
    "before, after, lines",
    (role(PODS), role(PODS, SECRETS), ["+ get, list secrets (ALL)"]),
    (role(PODS, SECRETS), role(PODS), ["- get, list secrets (ALL)"]),
    (role(PODS), role(rule("pods", "get list")), ["- watch pods (ALL)"]),
    (role(PODS), role(rule("pods", "list get"), rule("pods", "watch")), []),
    (role(PODS), role(SECRETS), ["+ get, list secrets (ALL)", "- get, list, watch pods (ALL)"]),
    (None, role(SECRETS, namespace="shop"), ["+ get, list secrets (namespace shop)"]),
    (role(SECRETS), None, ["- get, list secrets (ALL)"]),
    (None, role(rule("nodes pods", "get"), PODS), ["+ get nodes (ALL)", "+ get, list, watch pods (ALL)"]),
    (None, role(rule("nodes pods", "get")), ["+ get nodes, pods (ALL)"]),
    (None, role(rule("deployments", "get", "apps")), ["+ get deployments.apps (ALL)"]),
    (None, role(rule("*", "*", "*")), ["+ * *.* (ALL)"]),
    (None, role(rule("secrets", "get", resourceNames=["tls"])), ["+ get secrets 'tls' (ALL)"]),
    (None, role({"nonResourceURLs": ["/metrics"], "verbs": ["get"]}), ["+ get /metrics (ALL)"]),
    ({**role(), "rules": None}, role(), []),
    (None, {**role(SECRETS), "kind": "ClusterRoleBinding"}, []),
)
def test_a_change_of_rights_is_said_in_words(before: Any, after: Any, lines: list[str]) -> None:
    assert list_changed_rights(before, after) == [
        f"shop.gateway: {line.replace('ALL', 'all namespaces')}" for line in lines
    ]
