"""The rights that the playbook `rights` renders are enough on a real cluster, and each of them is needed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from testinfra.host import Host

ACCOUNT, NAMESPACE = "system:serviceaccount:failures-rights:deployer", "failures-rights"
COLLECTORS: list[dict[str, Any]] = [
    {
        "name": "gateway",
        "recipes": ["otlp_ingest", "kubernetes_attributes", {"debug_output": {"verbosity": "detailed"}}],
    },
]


@pytest.fixture
def inventory(host: Host, tmp_path: Path) -> str:
    """Return an inventory whose account has only the rights that an administrator has taken from the playbook."""
    given = {"otel_collectors": COLLECTORS, "otel_collector_namespace": NAMESPACE}
    path = tmp_path / "inventory.json"
    hosts = {"hosts": {"cluster": {**given, "otel_collector_kubeconfig": str(tmp_path / "kubeconfig")}}}
    path.write_text(json.dumps({"all": hosts}), encoding="utf-8")
    host.check_output(f"{play('rights', str(path))} -e otel_rights_path={tmp_path} -e otel_rights_account={ACCOUNT}")
    host.check_output(f"kubectl apply -f {tmp_path}/cluster/rights.yml")
    host.check_output(f"kubectl create serviceaccount deployer --namespace {NAMESPACE}")
    config = json.loads(host.check_output("kubectl config view --raw --minify -o json"))
    token = host.check_output(f"kubectl create token deployer --namespace {NAMESPACE}").strip()
    config["users"] = [{"name": config["users"][0]["name"], "user": {"token": token}}]
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(config), encoding="utf-8")
    return str(path)


def play(name: str, inventory: str) -> str:
    return f"ansible-playbook o11y.opentelemetry.{name} -i {inventory}"


def test_an_account_with_the_rendered_rights_deploys_verifies_and_removes(host: Host, inventory: str) -> None:
    for name, changed in (("site", "changed=1 "), ("site", "changed=0 "), ("verify", "changed=0 ")):
        done = host.run(play(name, inventory))
        assert done.succeeded, done.stdout + done.stderr
        assert changed in done.stdout, done.stdout
        assert "Not checked" not in done.stderr + done.stdout, done.stderr
        assert "Not pruned" not in done.stderr + done.stdout, done.stderr
    assert "no" in host.run(f"kubectl auth can-i get secrets --namespace {NAMESPACE} --as {ACCOUNT}").stdout
    assert "no" in host.run(f"kubectl auth can-i create clusterroles --as {ACCOUNT}").stdout
    refuse_canary(host, Path(inventory))
    host.check_output(play("remove", inventory))
    left = (
        f"kubectl get all,configmaps -l app.kubernetes.io/managed-by=o11y.opentelemetry --namespace {NAMESPACE} -o name"
    )
    assert host.check_output(left) == ""


def refuse_canary(host: Host, inventory: Path) -> None:
    """Check that a right of a canary that the account lacks is asked for before anything is changed."""
    rights = inventory.parent / "cluster/rights.yml"
    less = [without_log(item) for item in yaml.safe_load_all(rights.read_text(encoding="utf-8"))]
    inventory.with_name("less.yml").write_text(yaml.safe_dump_all(less), encoding="utf-8")
    given = json.loads(inventory.read_text(encoding="utf-8"))
    canary = {"change": {"strategy": "canary"}, "env": {"MARK": "two"}}
    given["all"]["hosts"]["cluster"]["otel_collectors"] = [{**COLLECTORS[0], **canary}]
    changed = inventory.with_name("canary.json")
    changed.write_text(json.dumps(given), encoding="utf-8")
    generation = f"kubectl get deployment gateway --namespace {NAMESPACE} -o jsonpath={{.metadata.generation}}"
    before = host.check_output(generation)
    host.check_output(f"kubectl apply -f {inventory.parent}/less.yml")
    refused = host.run(play("site", str(changed)))
    host.check_output(f"kubectl apply -f {rights}")
    output = " ".join((refused.stdout + refused.stderr).split())
    assert refused.rc == 2, output
    assert f"this account may not change the collector {NAMESPACE}/gateway with `strategy: canary`" in output
    assert "pods/log" in output
    assert host.check_output(generation) == before


def without_log(item: dict[str, Any]) -> dict[str, Any]:
    """Return a role whose rules do not name the logs of pods."""
    for rule in item.get("rules") or []:
        rule["resources"] = [one for one in rule["resources"] if one != "pods/log"]
    return {**item, **({"rules": [rule for rule in item["rules"] if rule["resources"]]} if "rules" in item else {})}
