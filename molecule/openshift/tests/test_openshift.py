"""The sidecar of Red Hat's build: the operator, installed by OLM, puts it into a pod, and it prints the app's spans."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from testinfra.backend.base import CommandResult
from testinfra.host import Host

from tests.support import openshift
from tests.support.cluster import PROJECT, Cluster, join_printed_lines, wait_until, watch_availability

NAMESPACE = "otel-sample"
OPTIONS = f"-i {PROJECT}/inventories/openshift -i {PROJECT}/molecule/openshift/inventory.yml"
SELECTOR = "app.kubernetes.io/name=sample-app-frontend"
IMAGE = "registry.redhat.io/rhosdt/opentelemetry-collector-rhel9:0.144.0"
ACCOUNT = f"system:serviceaccount:{NAMESPACE}:otel-collector-sidecar"


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    return Cluster(Host.get_host("local://"), NAMESPACE)


def ready(cluster: Cluster) -> dict[str, bool]:
    """Return the containers of the pod, those that start first included, and whether they are ready."""
    statuses = [pod["status"] for pod in cluster.pods(SELECTOR)]
    kinds = ("initContainerStatuses", "containerStatuses")
    return {one["name"]: one["ready"] for status in statuses for kind in kinds for one in status.get(kind, [])}


def sidecar(cluster: Cluster) -> dict[str, Any]:
    """Return the sidecar, which the operator makes one that starts first where Kubernetes has such."""
    spec = cluster.pods(SELECTOR)[0]["spec"]
    containers = [*spec.get("initContainers", []), *spec["containers"]]
    found: dict[str, Any] = next(one for one in containers if one["name"] == "otc-container")
    return found


def test_the_version_of_the_operator_has_succeeded(cluster: Cluster) -> None:
    command = "kubectl -n openshift-opentelemetry-operator get clusterserviceversions -o json"
    (version,) = json.loads(cluster.host.check_output(command))["items"]
    assert (version["metadata"]["name"], version["status"]["phase"]) == (
        "opentelemetry-operator.v0.158.0-1",
        "Succeeded",
    )


def test_the_pod_has_the_sidecar_of_red_hats_build(cluster: Cluster) -> None:
    assert ready(cluster) == {"opentelemetry": True, "frontend": True, "otc-container": True}
    assert sidecar(cluster)["image"] == IMAGE


def test_restricted_v2_takes_the_sidecar(cluster: Cluster) -> None:
    security = sidecar(cluster)["securityContext"]
    assert security["runAsNonRoot"] is True
    assert security["allowPrivilegeEscalation"] is False
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert "runAsUser" not in security
    found = cluster.host.check_output("kubectl get securitycontextconstraints -o jsonpath={.items[*].metadata.name}")
    assert found == "observability.agent"  # which are those of another collector


def test_the_config_has_the_names_of_its_version(cluster: Cluster) -> None:
    config = cluster.get("opentelemetrycollectors.v1beta1.opentelemetry.io", "otel")["spec"]["config"]
    order = ["memory_limiter", "resourcedetection", "batch"]
    pipelines = config["service"]["pipelines"]
    assert {name: pipeline["processors"] for name, pipeline in pipelines.items()} == {"traces": order, "metrics": order}
    limits = {key: value for key, value in config["processors"]["memory_limiter"].items() if key.endswith("percentage")}
    assert limits == {"limit_percentage": 50, "spike_limit_percentage": 30}
    assert config["processors"]["resourcedetection"]["detectors"] == ["openshift"]


@pytest.mark.parametrize(
    ("verb", "resource", "allowed"),
    [
        ("get", "infrastructures.config.openshift.io", True),
        ("list", "infrastructures.config.openshift.io", True),
        ("watch", "infrastructures.config.openshift.io", True),
        ("get", "pods", False),
        ("use", "securitycontextconstraints.security.openshift.io", False),
    ],
)
def test_the_account_may_read_what_the_detector_asks_for_alone(
    cluster: Cluster, verb: str, resource: str, allowed: bool
) -> None:
    asked = cluster.host.run(f"kubectl auth can-i {verb} {resource} -n {NAMESPACE} --as={ACCOUNT}")
    assert asked.stdout.strip() == ("yes" if allowed else "no")


def test_the_sample_application_shows_its_spans_in_the_log_of_its_sidecar(cluster: Cluster) -> None:
    printed = join_printed_lines(cluster.host.check_output(f"ansible-playbook o11y.opentelemetry.sample_app {OPTIONS}"))
    assert "changed=0" in printed
    found = re.search(
        r"Trace ([0-9a-f]{32}) was found in the log of pod otel-sample/(\S+), container otc-container", printed
    )
    assert found, printed
    log = cluster.host.check_output(f"kubectl -n {NAMESPACE} logs {found[2]} -c otc-container")
    assert f"Trace ID       : {found[1]}" in log
    for said in (
        "service.namespace: Str(sample-app)",
        f"k8s.cluster.name: Str({openshift.INFRASTRUCTURE_NAME})",
        "cloud.provider: Str(aws)",
    ):
        assert f"-> {said}" in log


def site(cluster: Cluster, mark: str, *namespaces: str) -> CommandResult:
    """Run the site with another environment of the sidecar, and restart older pods of these namespaces."""
    given = {"otel_collector_env": {"MARK": mark}, "otel_collector_restart_namespaces": namespaces}
    return cluster.host.run(f"ansible-playbook o11y.opentelemetry.site {OPTIONS} -e %s", json.dumps(given))


def marks(cluster: Cluster) -> set[str]:
    """Return the environment of the sidecars that run."""
    pods = cluster.pods("app.kubernetes.io/instance=sample-app")
    containers = [item for pod in pods for item in [*pod["spec"]["initContainers"], *pod["spec"]["containers"]]]
    env = [item for container in containers if container["name"] == "otc-container" for item in container["env"]]
    return {str(item["value"]) for item in env if item["name"] == "MARK"}


def test_pods_with_an_older_sidecar_are_named_and_stay(cluster: Cluster) -> None:
    done = site(cluster, "first")
    printed = join_printed_lines(done.stdout + done.stderr)
    assert done.rc == 0, printed
    assert "Pods run with an older sidecar otel-sample/otel in otel-sample until their workloads restart" in printed
    assert "kubectl -n otel-sample rollout restart deployment/sample-app-" in printed
    assert marks(cluster) == set()


def test_selected_workloads_restart_with_every_replica_available(cluster: Cluster) -> None:
    with watch_availability(NAMESPACE) as seen:
        done = site(cluster, "first", NAMESPACE)
    assert done.rc == 0, done.stdout
    assert len(seen) > 2, "the Deployments changed"
    assert min(seen) == 1
    wait_until("pods with the new sidecar alone", lambda: marks(cluster) == {"first"}, 60)
    again = site(cluster, "first", NAMESPACE)
    assert re.search(r"changed=0 .*failed=0", again.stdout), again.stdout
    assert "Pods run with" not in join_printed_lines(again.stdout + again.stderr)


def test_a_restart_whose_pods_crash_is_undone(cluster: Cluster) -> None:
    def restarted() -> list[str]:
        field = "{.items[*].spec.template.metadata.annotations.kubectl\\.kubernetes\\.io/restartedAt}"
        found = cluster.host.check_output("kubectl -n %s get deployments -o jsonpath=%s", NAMESPACE, field)
        return str(found).split()

    before = restarted()
    broken = json.dumps({"data": {"app.py": "raise SystemExit('broken')"}})
    cluster.host.check_output("kubectl -n %s patch configmap sample-app --patch %s", NAMESPACE, broken)
    with watch_availability(NAMESPACE) as seen:
        done = site(cluster, "second", NAMESPACE)
    printed = join_printed_lines(done.stdout + done.stderr)
    assert done.rc != 0
    assert "The restart was undone, and all replicas are available. No further workload was restarted." in printed
    assert min(seen) == 1
    assert restarted() == before
    assert marks(cluster) == {"first"}
    cluster.host.check_output(f"ansible-playbook o11y.opentelemetry.sample_app {OPTIONS}")


def test_the_route_of_the_application_leads_to_its_first_service(cluster: Cluster) -> None:
    spec = cluster.get("route", "sample-app-frontend")["spec"]
    assert spec["to"] == {"kind": "Service", "name": "sample-app-frontend", "weight": 100}
    ports = cluster.get("service", "sample-app-frontend")["spec"]["ports"]
    assert spec["port"]["targetPort"] in [port["name"] for port in ports]


def test_an_agent_under_the_operator_has_what_its_constraints_allow(cluster: Cluster) -> None:
    others = Cluster(cluster.host, "observability")
    constraints = others.get("securitycontextconstraints", "observability.agent")
    pod = others.get("daemonset", "agent-collector")["spec"]["template"]["spec"]
    options = {"type": "spc_t", "level": "s0"}
    assert pod["securityContext"] == {
        "runAsUser": 0,
        "seLinuxOptions": options,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert constraints["runAsUser"] == {"type": "MustRunAs", "uid": 0}
    assert constraints["seLinuxContext"] == {"type": "MustRunAs", "seLinuxOptions": options}
    kinds = {key for volume in pod["volumes"] for key in volume if key != "name"}
    assert set(constraints["volumes"]) == kinds | {"projected"}  # the token of the account, which Kubernetes adds
    assert constraints["allowHostPorts"] is False
    account = "--as=system:serviceaccount:observability:agent"
    cluster.host.check_output(f"kubectl auth can-i use securitycontextconstraints/observability.agent {account}")


def test_a_route_leads_to_the_gateway_of_the_operator(cluster: Cluster) -> None:
    others = Cluster(cluster.host, "observability")
    spec = others.get("route", "gateway")["spec"]
    ports = {port["name"] for port in others.get("service", spec["to"]["name"])["spec"]["ports"]}
    assert spec["port"]["targetPort"] in ports
    assert spec["tls"] == {"termination": "edge", "insecureEdgeTerminationPolicy": "None"}
