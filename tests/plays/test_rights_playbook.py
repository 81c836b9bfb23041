# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook `rights` writes the roles of an account, without a cluster."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
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


def test_hosts_have_the_lines_for_sudo_or_for_a_login_as_root(tmp_path: Path) -> None:
    """The hosts are not contacted; their accounts differ."""
    hosts = {
        "plain": {"ansible_user": "deployer", "otel_rights_from": "192.0.2.7"},
        "other": {"ansible_user": "jane", "otel_rights_user": "ci", "ansible_become_method": "doas"},
        "shell": {"ansible_user": "deployer", "ansible_become": True, "ansible_shell_executable": "/bin/bash"},
        "unnamed": {"otel_host_sdks": [{"services": ["shop", "cart"], "restart": True}, {"services": ["web"]}]},
        "rooted": {"ansible_user": "root", "ansible_become": False},
    }
    remote = {"ansible_connection": "ssh", "ansible_host": "192.0.2.1"}
    group = {"hosts": {name: remote | values for name, values in hosts.items()}}
    inventory = tmp_path / "hosts.json"
    inventory.write_text(json.dumps({"all": {"children": {"otel_linux": group}}}), encoding="utf-8")
    done = plays.run_playbook("playbooks/rights.yml", "-i", str(inventory), "-e", f"otel_rights_path={tmp_path}/rights")
    assert done.returncode == 0, done.stdout + done.stderr
    told = {name: (tmp_path / "rights" / name / "rights.txt").read_text(encoding="utf-8") for name in hosts}
    lines = {name: [one for one in text.splitlines() if not one.startswith("#")] for name, text in told.items()}
    assert lines == {
        "plain": [
            "Defaults:deployer !requiretty",
            "deployer ALL=(root) NOPASSWD: /bin/sh -c echo BECOME-SUCCESS-*",
            'from="192.0.2.7",restrict PUBLIC-KEY',
        ],
        "other": ['from="ADDRESS-OF-THE-CONTROLLER",restrict PUBLIC-KEY'],
        "shell": [
            "Defaults:deployer !requiretty",
            "deployer ALL=(root) NOPASSWD: /bin/bash -c echo BECOME-SUCCESS-*",
            'from="ADDRESS-OF-THE-CONTROLLER",restrict PUBLIC-KEY',
        ],
        "unnamed": [
            "Defaults:ACCOUNT !requiretty",
            "ACCOUNT ALL=(root) NOPASSWD: /bin/sh -c echo BECOME-SUCCESS-*",
            'from="ADDRESS-OF-THE-CONTROLLER",restrict PUBLIC-KEY',
        ],
        "rooted": ['from="ADDRESS-OF-THE-CONTROLLER",restrict PUBLIC-KEY', "PermitRootLogin prohibit-password"],
    }
    assert "This gives root." in told["plain"] and "This gives root." not in told["rooted"]
    assert "# It writes drop-ins of shop, cart, and restarts them.\n# It writes drop-ins of web.\n" in told["unnamed"]
    assert "by doas: let it run /bin/sh as root" in told["other"]


def test_an_empty_path_is_none_and_not_the_working_folder(tmp_path: Path) -> None:
    host = {"ansible_user": "deployer", "otel_rights_path": ""}
    inventory = tmp_path / "hosts.json"
    inventory.write_text(json.dumps({"all": {"children": {"otel_linux": {"hosts": {"no-folder-of-web1": host}}}}}))
    done = plays.run_playbook("playbooks/rights.yml", "-i", str(inventory))
    assert done.returncode == 0, done.stdout
    assert "This gives root." in done.stdout
    assert "changed=0" in done.stdout


@pytest.mark.parametrize("user", ["ALL", "deployer ALL=(ALL) ALL", "a\nb", "%wheel"])
def test_an_account_that_is_no_name_is_refused(user: str, tmp_path: Path) -> None:
    inventory = tmp_path / "hosts.json"
    hosts = {"web1": {"ansible_user": user}}
    inventory.write_text(json.dumps({"all": {"children": {"otel_linux": {"hosts": hosts}}}}))
    done = plays.run_playbook("playbooks/rights.yml", "-i", str(inventory))
    assert done.returncode == 2, done.stdout
    assert "is not the name of a Linux account. Set ansible_user" in " ".join(done.stdout.split())
