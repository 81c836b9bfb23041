# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role otel_identity as a playbook runs it, from nothing over a change of provider to nothing, at the testbed's AWS.

There is no cluster behind it, so `otel_identity_wait_seconds: 0` leaves out what only a cluster can tell.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.testbed.aws.server import send_order, start_process, stop_process

ROOT = Path(__file__).resolve().parents[2]
CLUSTER, REGION = "prod", "eu-west-1"
SECONDS = 300
PLAY = """
- hosts: all
  gather_facts: false
  vars: {ansible_python_interpreter: "{{ ansible_playbook_python }}"}
  tasks:
    - ansible.builtin.include_role: {name: o11y.opentelemetry.otel_identity}
    - ansible.builtin.include_role: {name: o11y.opentelemetry.otel_collector, tasks_from: render}
    - ansible.builtin.copy:
        content: "{{ otel_collector_rendered.manifests | to_json }}"
        dest: "{{ rendered }}"
      changed_when: false
      check_mode: false
    - ansible.builtin.include_role: {name: o11y.opentelemetry.otel_identity, tasks_from: finish}
      when: not (interrupted | default(false) | bool) and otel_identity_state | default('') != 'absent'
"""
GATEWAY = {
    "name": "gateway",
    "recipes": [{"otlp_ingest": {"signals": ["traces"]}}, {"xray_export": {"region": REGION}}],
}
VARIABLES = {
    "otel_collector_eks_cluster": {"name": CLUSTER, "region": REGION},
    "otel_collector_namespace": "observability",
    "otel_collectors": [GATEWAY],
    "otel_identity_provider": "irsa",
    "otel_identity_wait_seconds": 0,
}
RECAP = re.compile(r"ok=\d+ +changed=(\d+) .* failed=(\d+)")
READS = ("Get", "List", "Describe")


class Site:
    """The playbook, and AWS before which it runs."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self.seen = 0
        (folder / "play.yml").write_text(PLAY)
        send_order(url, "cluster", region=REGION, name=CLUSTER, issuer="https://oidc.example.com/id/A")

    def run(self, *options: str, **variables: Any) -> tuple[int, list[str]]:
        """Run the playbook, and return how much it says has changed and which calls changed anything at AWS."""
        given = {**VARIABLES, "rendered": str(self.folder / "rendered.json"), **variables}
        (self.folder / "vars.yml").write_text(yaml.safe_dump(given))
        command = [sys.executable, "-m", "ansible", "playbook", "-i", "localhost,", "-c", "local", *options]
        known = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        environment = known | {"AWS_URL": self.url, "AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret"}
        command += ["-e", f"@{self.folder / 'vars.yml'}", str(self.folder / "play.yml")]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        match = RECAP.search(done.stdout)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
        assert match and match[2] == "0"
        calls = send_order(self.url, "calls")["calls"]
        new, self.seen = calls[self.seen :], len(calls)
        return int(match[1]), [name for name in new if not name.startswith(READS)]

    def rendered(self) -> tuple[dict[str, str], dict[str, str]]:
        """Return the annotations of the ServiceAccount and of the pods."""
        found = {item["kind"]: item for item in json.loads((self.folder / "rendered.json").read_text())}
        pods = found["Deployment"]["spec"]["template"]["metadata"]["annotations"]
        return found["ServiceAccount"]["metadata"].get("annotations", {}), pods


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The playbook before an AWS with one cluster."""
    folder = tmp_path_factory.mktemp("site")
    yield Site(folder, start_process(folder / "aws"))
    stop_process(folder / "aws")


def test_a_life(site: Site) -> None:
    told, calls = site.run("--check")
    assert (told > 0, calls) == (True, []), "check mode tells, and changes nothing"
    made, calls = site.run()
    assert calls == ["CreateOpenIDConnectProvider", "CreateRole", "PutRolePolicy"]
    role = f"arn:aws:iam::123456789012:role/{CLUSTER}-eu-west-1-observability-gateway"
    account, before = site.rendered()
    assert account == {"eks.amazonaws.com/role-arn": role}
    assert site.run() == (0, [])

    pod_identity = {"otel_identity_provider": "pod_identity", "otel_identity_agent": "ignored"}
    _changed, calls = site.run(**pod_identity, interrupted=True)
    assert calls == ["UpdateAssumeRolePolicy", "CreatePodIdentityAssociation"]
    account, after = site.rendered()
    assert account == {"o11y.opentelemetry/pod-identity": role}
    assert before["o11y.opentelemetry/identity"] != after["o11y.opentelemetry/identity"], "pods are replaced"
    assert site.run(**pod_identity)[1] == ["UpdateAssumeRolePolicy"], "the next run takes the old trust away"
    assert site.run(**pod_identity) == (0, [])

    assert site.run()[1] == ["UpdateAssumeRolePolicy", "DeletePodIdentityAssociation", "UpdateAssumeRolePolicy"]
    assert site.run() == (0, [])
    assert made > 0


def test_a_collector_that_calls_aws_no_more_loses_its_role(site: Site) -> None:
    quiet = {**GATEWAY, "recipes": [{"otlp_ingest": {"signals": ["traces"]}}, "debug_output"]}
    assert site.run(otel_collectors=[quiet])[1] == ["DeleteRolePolicy", "DeleteRole"]
    assert site.rendered()[0] == {}
    assert site.run(otel_collectors=[quiet]) == (0, [])


def test_nothing_is_left(site: Site) -> None:
    site.run()
    gone = {
        "otel_identity_state": "absent",
        "otel_identity_remove_oidc_provider": True,
        # Of an inventory whose agent stays.
        "otel_identity_service_accounts": ["observability/gateway", "observability/agent"],
    }
    assert site.run(**gone)[1] == ["DeleteRolePolicy", "DeleteRole", "DeleteOpenIDConnectProvider"]
    assert site.run(**gone) == (0, [])
    static = {"otel_identity_provider": "static", "otel_identity_role_arns": {"observability/agent": "arn"}}
    assert site.run(**gone, **static) == (0, [])
