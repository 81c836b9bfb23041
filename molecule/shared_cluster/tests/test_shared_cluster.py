"""What belongs to other teams stays: the cases of docs/security.md on a real cluster, in the order of this file."""

from __future__ import annotations

import json
from typing import Any

import pytest
from testinfra.host import Host

from tests.support.cluster import PROJECT

INVENTORY = f"{PROJECT}/molecule/shared_cluster/inventory.yml"
HELM = {"meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": "shared-shop"}
OTHERS = ("deployment/gateway", "service/gateway", "configmap/gateway", "serviceaccount/gateway")


def command(playbook: str, namespace: str) -> str:
    return f"ansible-playbook o11y.opentelemetry.{playbook} -i {INVENTORY} -e otel_collector_namespace={namespace}"


def state(host: Host, *names: str, namespace: str = "") -> dict[str, Any]:
    """Return the identity and the wish of each object; status and its version may change by themselves."""
    scope = f"-n {namespace}" if namespace else ""
    items = json.loads(host.check_output(f"kubectl {scope} get {' '.join(names)} -o json"))["items"]
    return {f"{i['kind']} {i['metadata']['name']}": (i["metadata"]["uid"], i.get("spec"), i.get("data")) for i in items}


@pytest.fixture(scope="module")
def team_a(host: Host) -> None:
    assert "failed=0" in host.check_output(command("site", "shared-a"))


def rights(host: Host) -> dict[str, Any]:
    return state(host, "clusterrole/shared-a.gateway", "clusterrolebinding/shared-a.gateway")


@pytest.mark.usefixtures("team_a")
def test_a_collector_of_the_same_name_in_another_namespace_keeps_its_rights(host: Host) -> None:
    before = rights(host)
    assert "failed=0" in host.check_output(command("site", "shared-b"))
    assert rights(host) == before


@pytest.mark.usefixtures("team_a")
def test_a_service_that_kubectl_exposed_stays(host: Host) -> None:
    host.check_output("kubectl -n shared-a expose deployment gateway --name gateway-public --port 4317")
    before = state(host, "service/gateway-public", "service/gateway", namespace="shared-a")
    output = host.check_output(command("site", "shared-a"))
    assert "changed=0" in output
    assert state(host, "service/gateway-public", "service/gateway", namespace="shared-a") == before


@pytest.mark.usefixtures("team_a")
def test_what_others_touch_stays_ours_and_goes_but_not_its_namespace(host: Host) -> None:
    host.check_output("kubectl -n shared-b rollout restart deployment gateway")
    host.check_output("kubectl -n shared-b create cronjob report --image busybox --schedule '0 0 1 1 *'")
    removed = host.run(command("remove", "shared-b"))
    assert removed.succeeded, removed.stdout + removed.stderr
    assert "it still has CronJob shared-b/report" in " ".join(removed.stderr.split()), (
        "a warning, which Ansible prints there"
    )
    assert host.check_output("kubectl -n shared-b get deploy,svc,cm -o name | grep gateway || true") == ""
    assert host.check_output("kubectl -n shared-b get cronjob report -o name")
    assert host.run("kubectl get clusterrole shared-b.gateway").rc == 1
    assert rights(host)


def test_a_helm_release_of_the_same_names_is_refused_and_kept(host: Host) -> None:
    shown = " ".join(f"{key}={value}" for key, value in HELM.items())
    for line in (
        "create namespace shared-shop",
        "-n shared-shop create deployment gateway --image busybox --replicas 0",
        "-n shared-shop create service clusterip gateway --tcp 80",
        "-n shared-shop create configmap gateway --from-literal a=b",
        "-n shared-shop create serviceaccount gateway",
        f"-n shared-shop annotate {' '.join(OTHERS)} {shown}",
    ):
        host.check_output(f"kubectl {line}")
    before = state(host, *OTHERS, namespace="shared-shop")
    refused = host.run(command("site", "shared-shop"))
    assert refused.rc != 0
    said = " ".join(refused.stdout.split())
    assert "Deployment shared-shop/gateway is managed by Helm release shared-shop/shop" in said
    assert host.run("kubectl get clusterrole shared-shop.gateway").rc == 1
    removed = host.check_output(command("remove", "shared-shop"))
    assert "changed=0" in removed
    assert state(host, *OTHERS, namespace="shared-shop") == before


@pytest.mark.usefixtures("team_a")
def test_all_that_is_left_goes_with_its_own_inventory(host: Host) -> None:
    host.check_output("kubectl -n shared-a delete service gateway-public")
    host.check_output(command("remove", "shared-a"))
    assert host.run("kubectl get namespace shared-a").rc == 1
    assert host.run("kubectl get clusterrole shared-a.gateway").rc == 1
