"""Plain objects on OpenShift: constraints that are exactly as small as needed, a Route, and the detector's rights."""

from __future__ import annotations

import json
from typing import Any

import pytest
from testinfra.host import Host

from tests.support import definitions, openshift
from tests.support.applications import run_application
from tests.support.cluster import PROJECT, Cluster, wait_until

NAMESPACE = "plain"
SPC = {"type": "spc_t", "level": "s0"}
ALWAYS: dict[str, Any] = {
    "apiVersion": "security.openshift.io/v1",
    "kind": "SecurityContextConstraints",
    "allowHostIPC": False,
    "allowHostNetwork": False,
    "allowHostPID": False,
    "allowHostPorts": True,
    "allowPrivilegeEscalation": False,
    "allowPrivilegedContainer": False,
    "allowedCapabilities": [],
    "defaultAddCapabilities": [],
    "fsGroup": {"type": "MustRunAs"},
    "priority": 0,
    "readOnlyRootFilesystem": True,
    "requiredDropCapabilities": ["ALL"],
    "seccompProfiles": ["runtime/default"],
    "supplementalGroups": {"type": "MustRunAs"},
}
AGENT = {
    "allowHostDirVolumePlugin": True,
    "runAsUser": {"type": "MustRunAs", "uid": 0},
    "seLinuxContext": {"type": "MustRunAs", "seLinuxOptions": SPC},
    "volumes": ["configMap", "hostPath", "projected"],
}
PORT = {
    "allowHostDirVolumePlugin": False,
    "runAsUser": {"type": "MustRunAsRange"},
    "seLinuxContext": {"type": "MustRunAs"},
    "volumes": ["configMap", "projected"],
}
TLS = {"termination": "edge", "insecureEdgeTerminationPolicy": "None"}


@pytest.fixture
def cluster(host: Host) -> Cluster:
    return Cluster(host, NAMESPACE)


def security(cluster: Cluster, kind: str, name: str) -> dict[str, Any]:
    spec: dict[str, Any] = cluster.get(kind, name)["spec"]["template"]["spec"]["securityContext"]
    return spec


@pytest.mark.parametrize(("name", "own"), [("agent", AGENT), ("port", PORT)])
def test_constraints_allow_what_the_config_needs_and_no_more(cluster: Cluster, name: str, own: dict[str, Any]) -> None:
    found = cluster.get("securitycontextconstraints", f"{NAMESPACE}.{name}")
    # The definition adds what was not said: `AllowHostLevel` for user namespaces.
    assert {key: value for key, value in found.items() if key not in ("metadata", "userNamespaceLevel")} == ALWAYS | own


def test_pods_ask_for_what_their_constraints_allow(cluster: Cluster) -> None:
    seccomp = {"seccompProfile": {"type": "RuntimeDefault"}}
    assert security(cluster, "daemonset", "agent") == {**seccomp, "runAsUser": 0, "seLinuxOptions": SPC}
    assert security(cluster, "daemonset", "port") == {**seccomp, "runAsNonRoot": True}
    assert security(cluster, "deployment", "gateway") == {**seccomp, "runAsNonRoot": True}


@pytest.mark.parametrize("account", ["agent", "port", "gateway"])
def test_each_account_may_use_its_own_constraints_alone(cluster: Cluster, account: str) -> None:
    who = f"--as=system:serviceaccount:{NAMESPACE}:{account}"
    allowed = [
        name
        for name in ("agent", "port", "gateway")
        if cluster.host.run(f"kubectl auth can-i use securitycontextconstraints/{NAMESPACE}.{name} {who}").rc == 0
    ]
    assert allowed == ([account] if account != "gateway" else [])


def test_who_needs_nothing_of_its_node_has_no_constraints(cluster: Cluster) -> None:
    found = cluster.host.check_output(
        "kubectl get securitycontextconstraints -o jsonpath={.items[*].metadata.name}"
    ).split()
    assert found == [f"{NAMESPACE}.agent", f"{NAMESPACE}.port"]


def test_the_route_leads_to_a_port_of_the_service(cluster: Cluster) -> None:
    route = cluster.get("route", "gateway")
    assert route["spec"] == {
        "host": "otlp.apps.example.com",
        "to": {"kind": "Service", "name": "gateway", "weight": 100},
        "port": {"targetPort": "otlp-http"},
        "tls": TLS,
        "wildcardPolicy": "None",
    }
    assert route["metadata"]["annotations"] == {"haproxy.router.openshift.io/timeout": "30s"}
    ports = cluster.get("service", "gateway")["spec"]["ports"]
    assert route["spec"]["port"]["targetPort"] in [port["name"] for port in ports]


@pytest.mark.parametrize(
    ("tls", "path", "wrong"),
    [
        ({"termination": "passthrough", "insecureEdgeTerminationPolicy": "Redirect"}, "", ""),
        ({"termination": "reencrypt", "destinationCACertificate": "PEM"}, "/v1", ""),
        ({"termination": "edge", "externalCertificate": {"name": "public"}}, "", ""),
        ({"termination": "passthrough", "insecureEdgeTerminationPolicy": "Allow"}, "", "cannot have both"),
        ({"termination": "edge", "destinationCACertificate": "PEM"}, "", "spec.tls"),
        ({"termination": "passthrough"}, "/v1", "spec"),
    ],
)
def test_the_api_takes_what_we_make_and_refuses_what_we_refuse(
    cluster: Cluster, tls: dict[str, Any], path: str, wrong: str
) -> None:
    route = cluster.get("route", "gateway")
    spec = {**route["spec"], "tls": tls} | ({"path": path} if path else {})
    told = definitions.find_refusal(
        {**{key: route[key] for key in ("apiVersion", "kind")}, "metadata": metadata("variant"), "spec": spec}
    )
    assert (wrong in told) if wrong else told == ""


def metadata(name: str) -> dict[str, str]:
    return {"name": name, "namespace": NAMESPACE}


def test_the_detector_reads_what_the_cluster_runs_on(cluster: Cluster) -> None:
    arguments = {
        "via": {"namespace": NAMESPACE, "service": "gateway", "port": 4318},
        "signals": ["traces"],
        "arrival": {"namespace": NAMESPACE, "selector": "app.kubernetes.io/instance=gateway", "evidence": "logs"},
    }
    cluster.host.check_output("ansible localhost -m o11y.opentelemetry.otlp_probe -a %s", json.dumps(arguments))
    log = cluster.logs("app.kubernetes.io/instance=gateway")
    assert f"k8s.cluster.name: Str({openshift.INFRASTRUCTURE_NAME})" in log
    assert f"cloud.region: Str({openshift.REGION})" in log


def test_the_agent_reads_the_logs_of_its_node(cluster: Cluster) -> None:
    with run_application(cluster.host):
        wait_until(
            "lines of the application",
            lambda: "k8s.container.name: Str(busybox)" in cluster.logs("app.kubernetes.io/instance=agent"),
        )
    assert "k8s.container.name: Str(opentelemetry-collector)" not in cluster.logs("app.kubernetes.io/instance=agent")


def test_another_platform_is_told_what_openshift_will_not_allow(host: Host) -> None:
    site = f"ansible-playbook -i {PROJECT}/molecule/openshift_plain/inventory.yml o11y.opentelemetry.site --check"
    told = " ".join(host.check_output(f"{site} -e otel_collector_platform=generic 2>&1").split())
    assert "This cluster has SecurityContextConstraints, and DaemonSet plain/agent asks for more" in told
    assert "Set `platform: openshift` for this collector" in told
