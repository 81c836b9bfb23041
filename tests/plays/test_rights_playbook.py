# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook `rights` writes the roles of an account, without a cluster."""

from __future__ import annotations

from pathlib import Path

import yaml

from tests.support import plays

COLLECTOR = {
    "name": "gateway",
    "namespace": "shop",
    "recipes": ["otlp_ingest", "kubernetes_attributes", "debug_output"],
}
AGENT = {
    "name": "agent",
    "namespace": "shop",
    "mode": "daemonset",
    "change": {"strategy": "canary"},
    "recipes": ["otlp_ingest", "debug_output"],
}


def test_the_roles_are_written_and_bound(tmp_path: Path) -> None:
    given = {"otel_rights_path": str(tmp_path / "roles"), "otel_rights_account": "jane", "otel_rights_name": "mine"}
    plays.run(tmp_path, "playbooks/rights.yml", {"cluster": {"otel_collectors": [COLLECTOR, AGENT], **given}})
    written = list(yaml.safe_load_all((tmp_path / "roles" / "cluster" / "rights.yml").read_text(encoding="utf-8")))
    kinds = ["Namespace", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"]
    assert [item["kind"] for item in written] == kinds
    assert {item["metadata"]["name"] for item in written} == {"shop", "mine"}
    assert {item["subjects"][0]["name"] for item in written if "subjects" in item} == {"jane"}
    named = [rule.get("resourceNames") for rule in written[1]["rules"] if "clusterroles" in rule["resources"]]
    assert ["shop.gateway"] in named
    of_canary = {part: rule["verbs"] for rule in written[3]["rules"] for part in rule["resources"] if "pods/" in part}
    assert {name: of_canary[name] for name in ("pods/eviction", "pods/log")} == {
        "pods/eviction": ["create"],
        "pods/log": ["get"],
    }
