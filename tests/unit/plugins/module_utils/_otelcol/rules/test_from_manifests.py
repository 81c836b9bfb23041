# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rule knows of the workload; and what the project shows to others is what its own rules accept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.options import list_option_names
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.documents import (
    FoundConfig,
    find_configs,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.needs.pod_logs import PodLogs
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.from_manifests import (
    PlatformContext,
    find_context,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.subject import Deployment, Subject
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _judged_collectors, _render

from tests.support.recipe_options import RECIPE_OPTIONS

from ...helpers import cases, rows

CONFIG_MAP = rows("""
{kind: ConfigMap, apiVersion: v1, metadata: {name: c}, data: {relay: "receivers: {otlp: }\\nservice: {pipelines: }"}}
""")
LABELS = {"app": "x"}
CONTAINER = rows("""
name: collector
image: otel/opentelemetry-collector:0.158.0
env: [{name: A}]
ports: [{name: otlp, containerPort: 4317, hostPort: 4317}, {name: m, containerPort: 8888}]
livenessProbe: {}
resources: {limits: {memory: 1Gi}}
volumeMounts: [{name: v, mountPath: /conf}, {name: w, mountPath: /hostfs}]
""")
VOLUMES = [{"name": "v", "configMap": {"name": "c"}}]
POD = {"serviceAccountName": "sa", "containers": [{"name": "other"}, CONTAINER], "volumes": VOLUMES}


def workload(kind: str, pod: dict[str, Any] = POD, **spec: Any) -> dict[str, Any]:
    spec["template"] = {"metadata": {"labels": LABELS}, "spec": pod}
    return {"kind": kind, "apiVersion": "apps/v1", "metadata": {"name": "w", "namespace": "n"}, "spec": spec}


def around(*stream: dict[str, Any]) -> PlatformContext:
    (found,) = find_configs([CONFIG_MAP], is_declared_config=True)
    return find_context(found, [CONFIG_MAP, *stream])


def test_a_config_alone_has_no_context() -> None:
    assert find_context(FoundConfig(0, (), False, {}, ""), [workload("DaemonSet")]) == PlatformContext()
    assert around() == PlatformContext()


def test_a_workload_that_mounts_it_says_where_it_runs() -> None:
    known = Deployment(
        "daemonset",
        memory_limit_mib=1024,
        mount_paths=("/conf", "/hostfs"),
        exposed_ports=frozenset({(4317, "TCP")}),
        is_probed=True,
        pod_logs=PodLogs("daemonset", "n", "w", "collector"),
    )
    assert around(workload("DaemonSet")) == PlatformContext(
        known, frozenset({"A"}), "otel/opentelemetry-collector:0.158.0"
    )


@pytest.mark.parametrize(("spec", "replicas"), [({}, 1), ({"replicas": 3}, 3)])
def test_replicas_are_counted(spec: dict[str, Any], replicas: int) -> None:
    deployment = around(workload("StatefulSet", **spec)).deployment
    assert deployment
    assert (deployment.mode, deployment.replicas) == ("statefulset", replicas)


def test_what_else_is_in_the_stream_is_seen() -> None:
    stream = rows("""
      - {kind: Service, spec: {selector: {app: x}, ports: [{port: 80, targetPort: m}, {port: 53, protocol: UDP}]}}
      - {kind: HorizontalPodAutoscaler, spec: {scaleTargetRef: {kind: Deployment, name: w}}}
      - {kind: NetworkPolicy, spec: {podSelector: {matchLabels: {app: x}}}}
      - {kind: ClusterRole, metadata: {name: r}, rules: [{verbs: [get]}]}
      - {kind: ClusterRoleBinding, roleRef: {kind: ClusterRole, name: r}, subjects: [{name: sa, namespace: n}]}
    """)
    deployment = around(*stream, workload("Deployment")).deployment
    assert deployment
    assert deployment.exposed_ports == frozenset({(4317, "TCP"), (8888, "TCP"), (53, "UDP")})
    assert (deployment.is_autoscaled, deployment.ingress is not None) == (True, True)
    assert deployment.granted_rules == ({"verbs": ["get"]},)


@pytest.mark.parametrize(("namespace", "is_scaled"), [("one", True), (None, True), ("two", False)])
def test_an_autoscaler_scales_workloads_of_its_namespace(namespace: str | None, is_scaled: bool) -> None:
    made = workload("Deployment")
    made["metadata"]["namespace"] = "one"
    metadata = {"namespace": namespace} if namespace else {}
    target = {"kind": "Deployment", "name": made["metadata"]["name"]}
    scaler = {"kind": "HorizontalPodAutoscaler", "metadata": metadata, "spec": {"scaleTargetRef": target}}
    deployment = around(scaler, made).deployment
    assert deployment
    assert (deployment.is_autoscaled, deployment.unrequested_resources) == (is_scaled, ("cpu",) if is_scaled else ())


def test_a_projected_volume_mounts_it_too() -> None:
    volumes = [{"name": "v", "projected": {"sources": [{"configMap": {"name": "c"}}]}}]
    assert around(workload("Deployment", {**POD, "volumes": volumes})).deployment


def test_variables_that_nobody_sees_are_unknown() -> None:
    pod = {**POD, "containers": [{**CONTAINER, "envFrom": [{}]}]}
    assert around(workload("Deployment", pod)).environment is None


@pytest.mark.parametrize("change", [{"volumes": []}, {"containers": [{"name": "x"}]}])
def test_a_workload_without_it_says_nothing(change: dict[str, Any]) -> None:
    assert around(workload("Deployment", {**POD, **change})) == PlatformContext()


POLICY = {"kind": "NetworkPolicy", "apiVersion": "networking.k8s.io/v1", "metadata": {"name": "p", "namespace": "n"}}
UDP = [{"ports": [{"port": 1}, {"port": "m", "protocol": "UDP"}]}]


@cases(
    "policy, admitted",
    ({"podSelector": {}}, (False, False)),
    ({"podSelector": {"matchLabels": LABELS}, "ingress": UDP}, (True, True)),
    ({"podSelector": {"matchLabels": {"app": "other"}}}, None),
    ({"podSelector": {"matchExpressions": [{"key": "app", "operator": "In", "values": ["x"]}]}}, (False, False)),
    ({"podSelector": {"matchLabels": LABELS, "matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}}, None),
    ({"podSelector": {}, "policyTypes": ["Egress"]}, None),
    ({"podSelector": {"matchExpressions": [{"key": []}, 1]}, "ingress": [1, {"ports": [1, {"port": []}]}]}, None),
)
def test_policies_that_select_the_pods_are_known(policy: dict[str, Any], admitted: Any) -> None:
    deployment = around({**POLICY, "spec": policy}, workload("Deployment")).deployment
    assert deployment
    found = deployment.ingress
    assert (found and (found.admits(1, "TCP"), found.admits(8888, "UDP"))) == admitted


@pytest.mark.parametrize("protocols", [("TCP", "UDP"), ("UDP", "TCP")])
def test_tcp_and_udp_of_one_number_have_a_name_each(protocols: tuple[str, str]) -> None:
    ports = [{"name": f"s-{one.lower()}", "containerPort": 9, "protocol": one} for one in protocols]
    rule = {"podSelector": {}, "ingress": [{"ports": [{"port": "s-udp", "protocol": "UDP"}]}]}
    made = workload("Deployment", {**POD, "containers": [{**CONTAINER, "ports": ports}]})
    deployment = around({**POLICY, "spec": rule}, made).deployment
    assert deployment and deployment.ingress
    assert (deployment.ingress.admits(9, "UDP"), deployment.ingress.admits(9, "TCP")) == (True, False)


def test_a_policy_of_another_namespace_selects_no_pod_here() -> None:
    elsewhere = {**POLICY, "metadata": {"name": "p", "namespace": "other"}, "spec": {"podSelector": {}}}
    deployment = around(elsewhere, workload("Deployment")).deployment
    assert deployment
    assert deployment.ingress is None


TCP = {"spec": {"networkPolicy": {"enabled": True}}, "status": {"version": "0.158.0"}}
OWNED = {"ownerReferences": [{"kind": "OpenTelemetryCollector", "name": "a"}], "name": "p", "namespace": "n"}
NAMED = {**POLICY, "spec": {"podSelector": {}, "ingress": [{"ports": [{"port": "m", "protocol": "UDP"}]}]}}
PORTS = [{"name": "m", "containerPort": 8125, "protocol": "UDP"}]
MADE = {
    **workload("Deployment", {"containers": [{"name": "otc-container", "ports": PORTS}]}),
    "metadata": {"name": "a-collector", "namespace": "n"},
}
CHILD = {**POLICY, "metadata": OWNED, "spec": {"podSelector": {"matchLabels": {"app.kubernetes.io/instance": "n.a"}}}}


@cases(
    "live, stream, shut",
    (TCP, [], True),
    ({**TCP, "status": {"version": "0.151.3"}}, [], True),
    ({**TCP, "status": {"version": "0.159.0"}}, [], False),
    ({**TCP, "status": {"version": "no version"}}, [], False),
    ({**TCP, "status": {}}, [], False),
    ({**TCP, "spec": {}}, [], False),
    ({**TCP, "spec": {"networkPolicy": {"enabled": False}}}, [], False),
    ({**TCP, "spec": {"mode": "sidecar", **TCP["spec"]}}, [], False),
    (TCP, [CHILD], True),
    ({}, [NAMED], True),
    ({}, [NAMED, MADE], False),
    ({}, [NAMED, {**MADE, "metadata": {"name": "a-collector", "namespace": "other"}}], True),
    (TCP, [{**CHILD, "spec": {"podSelector": {}, "ingress": [{}]}}], False),
    ({}, [CHILD], True),
)
def test_the_policy_of_the_operator_is_its_child_or_what_its_version_makes(live: Any, stream: Any, shut: bool) -> None:
    item = {
        "kind": "OpenTelemetryCollector",
        "apiVersion": "opentelemetry.io/v1beta1",
        "metadata": {"name": "a", "namespace": "n"},
        **live,
        "spec": {"config": {"receivers": {}}, **live.get("spec", {})},
    }
    (found,) = find_configs([item], is_declared_config=True)
    deployment = find_context(found, [item, *stream]).deployment
    assert deployment
    assert (deployment.ingress is not None and not deployment.ingress.admits(8125, "UDP")) is shut


def resource(labels: dict[str, str] | None = None, **spec: Any) -> Deployment:
    item = {
        "kind": "OpenTelemetryCollector",
        "apiVersion": "opentelemetry.io/v1beta1",
        "metadata": {"labels": labels or {}},
        "spec": {"config": {"receivers": {}}, **spec},
    }
    (found,) = find_configs([item], is_declared_config=True)
    deployment = find_context(found, [item]).deployment
    assert deployment
    return deployment


def test_a_label_leads_to_a_target_allocator_of_its_own() -> None:
    assert resource({"opentelemetry.io/target-allocator": "shared"}, mode="statefulset").has_target_allocator


CPU = {"metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization"}}}]}
MEMORY = {"metrics": [{"type": "Resource", "resource": {"name": "memory", "target": {"type": "Utilization"}}}]}
VALUE = {"metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "AverageValue"}}}]}


@pytest.mark.parametrize(
    ("scaler", "sidecar", "missing"),
    [
        (CPU, None, ("cpu",)),
        ({}, None, ("cpu",)),
        ({"targetCPUUtilizationPercentage": 80}, None, ("cpu",)),
        (MEMORY, None, ()),
        (MEMORY, {"name": "s", "restartPolicy": "Always"}, ("memory",)),
        (MEMORY, {"name": "s"}, ()),
        (VALUE, None, ()),
    ],
)
def test_an_autoscaler_needs_requests(scaler: Any, sidecar: Any, missing: tuple[str, ...]) -> None:
    """The container of the pod has a limit of memory, which is its request too, and none of CPU."""
    pod = {**POD, "containers": [CONTAINER], "initContainers": [sidecar] if sidecar else []}
    made = workload("Deployment", pod)
    target = {"kind": "Deployment", "name": made["metadata"]["name"]}
    found = {"kind": "HorizontalPodAutoscaler", "spec": {"scaleTargetRef": target, **scaler}}
    deployment = around(found, made).deployment
    assert deployment and deployment.unrequested_resources == missing


@pytest.mark.parametrize(
    ("spec", "missing"),
    [
        ({"autoscaler": {"maxReplicas": 3}}, ("cpu",)),
        ({"autoscaler": {"maxReplicas": 3, "targetMemoryUtilization": 70}}, ("memory",)),
        ({"autoscaler": {"maxReplicas": 3}, "resources": {"requests": {"cpu": "100m"}}}, ()),
        ({"autoscaler": {"maxReplicas": 3, "metrics": [{"type": "Pods"}]}}, ()),
        ({"autoscaler": {"minReplicas": 2}}, ()),
        ({}, ()),
    ],
)
def test_an_autoscaler_of_the_operator_needs_requests(spec: Any, missing: tuple[str, ...]) -> None:
    assert resource(**spec).unrequested_resources == missing


def test_a_custom_resource_says_itself() -> None:
    assert resource() == Deployment("deployment", 1, mount_paths=(), by_operator=True, memory_limit_mib=0)
    assert resource(mode="daemonset", replicas=2).replicas is None
    assert resource(autoscaler={"minReplicas": 2}).replicas == 2
    assert resource(autoscaler={"minReplicas": 2}).is_autoscaled
    assert resource(mode="statefulset", targetAllocator={"enabled": True}).has_target_allocator
    assert resource(resources={"limits": {"memory": "512Mi"}}).memory_limit_mib == 512
    assert resource(resources={"limits": {"memory": "a lot"}}).memory_limit_mib is None
    assert resource(hostNetwork=True).uses_host_network
    assert resource(volumeMounts=[{"mountPath": "/x"}]).mount_paths == ("/x",)
    mounts = [{"name": "a", "mountPath": "/a"}, {"name": "b", "mountPath": "/b"}]
    found = resource(volumes=[{"name": "a", "emptyDir": {}}, {"name": "b", "hostPath": {}}], volumeMounts=mounts)
    assert (found.mount_paths, found.fleeting_paths) == (("/a", "/b"), ("/a",))


ROOT = Path(__file__).parents[6]
ROLE = ROOT / "roles" / "otel_collector"
PREFIX = "otel_collector_"


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text().replace("{{ inventory_dir }}", str(path.parent)))


def defaults(variables: dict[str, Any]) -> dict[str, Any]:
    """Return the inputs of the role that are its own collector's, without what Ansible would have to work out."""
    own = {key.removeprefix(PREFIX): value for key, value in variables.items() if key.startswith(PREFIX)}
    return {key: own[key] for key in list_option_names() if key in own and "{{" not in str(own[key])}


def inventories() -> Iterator[Any]:
    """Yield name, variables and collectors of every inventory; those of failures are wrong on purpose."""
    folder = ROOT / "inventories"
    for pattern in ("*/group_vars/all.yml", "*/group_vars/all/collectors.yml"):
        for path in sorted(folder.glob(pattern)):
            yield pytest.param(read(path), id=path.relative_to(folder).parts[0])
    for path in sorted((ROOT / "molecule").glob("*/inventory.yml")):
        variables = read(path)["all"].get("vars", {})
        if "otel_collectors" in variables:
            yield pytest.param(variables, id=path.parent.name)


def severe(variables: dict[str, Any]) -> list[str]:
    request = _render.RenderRequest(variables["otel_collectors"], defaults(variables), critical_components=["coredns"])
    findings = [finding for planned in _render.judge_request(request) for finding in planned.findings]
    return [str(finding) for finding in findings if finding.severity != "info"]


@pytest.mark.parametrize("variables", list(inventories()))
def test_an_inventory_of_ours_has_nothing_to_mend(variables: dict[str, Any]) -> None:
    assert severe(variables) == []


@pytest.mark.parametrize("platform", sorted(path.stem for path in (ROLE / "platforms").glob("*.yml")))
@pytest.mark.parametrize("mode", ["daemonset", "deployment", "statefulset"])
def test_all_recipes_together_have_nothing_to_mend(mode: str, platform: str) -> None:
    recipes = {path.parent.name: read(path) for path in sorted((ROLE / "recipes").glob("*/recipe.yml"))}
    del recipes["tail_sampling"]  # it is for a collector behind that of span_metrics
    if (mode, platform) in (("daemonset", "eks_fargate"), ("daemonset", "gke_autopilot")):
        del recipes["durable"]  # no folder of these nodes keeps a queue
    given = {**RECIPE_OPTIONS, "backpressure": {"wait": "room"}}  # for a queue that durable keeps
    used = [{name: given.get(name, {})} for name, recipe in recipes.items() if mode in recipe["modes"]]
    secrets = {variable: {"secret": "all"} for recipe in recipes.values() for variable in recipe.get("variables", {})}
    item = {
        "name": "all",
        "namespace": "telemetry",
        "mode": mode,
        "platform": platform,
        "recipes": used,
        "env": secrets,
        "selinux_type": "spc_t",  # who gets past SELinux is for the user to say, as are these two
        "allow": ["root"],
        "host_ports": mode == "daemonset",
    }
    assert severe({"otel_collectors": [item]}) == []


@cases(
    "options, build",
    ({}, ("contrib", "0.158.0")),
    ({"distribution": "adot"}, ("adot", "0.156.0")),
    ({"distribution": "adot", "version": "v0.48.0"}, ("adot", "0.151.0")),
    ({"distribution": "redhat", "version": "0.135.0-1"}, ("redhat", "0.135.0")),
    ({"image": "registry.example/somebody/collector:1"}, None),
    ({"image": "mirror.example/opentelemetry-collector-k8s:0.150.0"}, ("k8s", "0.150.0")),
)
def test_rules_know_the_build_that_will_run(
    options: dict[str, Any], build: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Subject] = []
    monkeypatch.setattr(_judged_collectors, "lint_config", lambda subject, _own: seen.append(subject) or [])
    item = {"name": "a", "namespace": "b", "recipes": ["otlp_ingest", "debug_output"]}
    _render.judge_request(_render.RenderRequest([item], options))
    target = seen[0].target
    assert (target and (target.distribution, target.version)) == build
    assert seen[0].deployment is not None
    assert seen[0].deployment.exposed_ports == {(4317, "TCP"), (4318, "TCP")}
