# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each backend makes of a collector: every input changes something or is refused, in every mode."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.backends import BACKENDS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.operator_limits import (
    OPERATOR_LIMITS,
    OperatorLimit,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.kinds import PRUNED_KINDS, ApiResources
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from ..helpers import OPTIONS, PODS, SPEC, build, cases, collector, running, served
from .manifests.test_open_telemetry_collector import SETTINGS, SOURCES, order

EVERYTHING: dict[str, Any] = yaml.safe_load("""
autoscaling: {min_replicas: 1, max_replicas: 2, cpu_percent: 80}
disruption_budget: {min_available: 1}
network_policy: {enabled: true}
ingress: {host: a.example.com}
routes: {gateway: public, http_hostnames: [h.example.com], grpc_hostnames: [g.example.com]}
service_monitor: {enabled: true, port: otlp-http}
monitoring: {scrape: pod_monitor, alerts: prometheus_rule, dashboard: true}
""")
CONFIG = served(
    running(receivers={"otlp": {"protocols": {"grpc": None, "http": None}}}, processors={"k8s_attributes": {}})
)
MODES = [(backend, mode) for backend in BACKENDS for mode in BACKENDS[backend].modes]
FIRST, RBAC = ("Namespace", "ServiceAccount"), ("ClusterRole", "ClusterRoleBinding")
WATCHED = ("PodMonitor", "PrometheusRule", "ConfigMap")
WAYS = ("NetworkPolicy", "Ingress", "HTTPRoute", "GRPCRoute", "ServiceMonitor", *WATCHED)
REFUSED = [pytest.param(limit, mode, id=f"{limit.option}-{mode}") for limit in OPERATOR_LIMITS for mode in limit.modes]
CROSSED = {**SOURCES, "namespaces": ["a"], "denied_namespaces": ["b"]}
KUBERNETES, OPERATOR = BACKENDS["kubernetes"], BACKENDS["operator"]
# What argument_specs.yml makes of suboptions that nobody gave.
AT_REST: dict[str, Any] = {
    name: {key: inner.get("default") for key, inner in option["options"].items()}
    for name, option in SPEC.items()
    if name in OPTIONS and "default" in option and option.get("type") == "dict" and "options" in option
}


def objects(backend: str, config: Any = None, **options: Any) -> list[Any]:
    return BACKENDS[backend].build_manifests(build(config, backend=backend, **options))


def kinds(backend: str, config: Any = None, **options: Any) -> list[str]:
    return [item["kind"] for item in objects(backend, config, **options)]


@cases(
    "mode, services, workload",
    ("deployment", 1, "Deployment"),
    ("statefulset", 2, "StatefulSet"),
    ("daemonset", 0, "DaemonSet"),
    ("sidecar", 0, ""),
)
def test_what_others_need_comes_first(mode: str, services: int, workload: str) -> None:
    found = ["Service"] * services
    policy, budget = ["NetworkPolicy"] * bool(workload), ["PodDisruptionBudget"] * bool(services)
    assert kinds("operator", mode=mode) == [*FIRST, *found, *policy, "OpenTelemetryCollector"]
    if workload:
        assert kinds("kubernetes", mode=mode) == [*FIRST, "ConfigMap", *found, workload, *budget, *policy]
    if services:
        scaled = ("HorizontalPodAutoscaler", "PodDisruptionBudget")
        plain = [*FIRST, *RBAC, "ConfigMap", *found, workload, *scaled, *WAYS]
        assert kinds("kubernetes", CONFIG, mode=mode, **EVERYTHING) == plain
        operated = kinds("operator", CONFIG, mode=mode, **EVERYTHING)
        assert operated == [*FIRST, *RBAC, *found, *WAYS, "OpenTelemetryCollector"]


@pytest.mark.parametrize(("backend", "mode"), MODES)
def test_every_object_but_those_that_are_shared_says_whose_it_is(backend: str, mode: str) -> None:
    settings = SETTINGS if backend == "operator" and mode in ("daemonset", "statefulset") else {}
    for item in objects(backend, CONFIG, mode=mode, target_allocator=settings):
        shared = item["kind"] == "Namespace" or (item["kind"], item["metadata"]["name"]) == (
            "ServiceAccount",
            "gateway",
        )
        owner = item["metadata"]["labels"].get("o11y.opentelemetry/collector")
        assert owner == (None if shared else "gateway")


def test_no_two_objects_share_anything_that_could_change() -> None:
    one, *others = objects("kubernetes", CONFIG, labels={"team": "a"})
    one["metadata"]["labels"]["changed"] = "yes"
    assert all("changed" not in item["metadata"]["labels"] for item in others)


def test_an_allocator_has_an_account_and_rights_of_its_own() -> None:
    found = BACKENDS["operator"].build_manifests(order(sources={**SOURCES, "secret_namespaces": ["telemetry"]}))
    own = ("Service", "NetworkPolicy", "Role", "RoleBinding", "OpenTelemetryCollector")
    assert [item["kind"] for item in found] == [*FIRST, *RBAC, "ServiceAccount", *RBAC, *own]
    assert objects("operator", image_pull_secrets=["registry"])[1]["imagePullSecrets"] == [{"name": "registry"}]


def test_a_service_selects_the_same_pods_under_both_backends() -> None:
    both = [item for backend in BACKENDS for item in objects(backend, CONFIG, network_policy={"enabled": True})]
    selectors = [item["spec"]["selector"] for item in both if item["kind"] == "Service"]
    selectors += [item["spec"]["podSelector"]["matchLabels"] for item in both if item["kind"] == "NetworkPolicy"]
    assert selectors == [PODS] * 4
    (template,) = [item["spec"]["template"] for item in both if item["kind"] == "Deployment"]
    assert PODS.items() <= template["metadata"]["labels"].items()


OTLP = {"protocols": {"http": {"endpoint": "0.0.0.0:4318"}}}
KEEPING = served(
    running(receivers={"otlp": OTLP}, extensions={"file_storage": {"directory": "/var/lib/otelcol/queue"}})
)
# Values of options for which `sample` finds none in argument_specs.yml.
SAMPLES: dict[str, Any] = EVERYTHING | yaml.safe_load("""
memory_limit: 1Gi
cpu_request: 7m
cpu_limit: "2"
env: {A: b}
volumes: [{name: a, mount_path: /a, source: {emptyDir: {}}}]
containers: [{name: beside, image: beside}]
init_containers: [{name: before, image: before}]
resize_policy: [{resourceName: memory, restartPolicy: RestartContainer}]
extra_manifests: [{apiVersion: v1, kind: ConfigMap, metadata: {name: own}}]
tolerations: [{operator: Exists}]
topology_spread: [{maxSkew: 1}]
ip_families: [IPv4, IPv6]
service: {enabled: true, type: NodePort}
network_policy: {enabled: true, ingress_from: [{podSelector: {}}]}
storage: {size: 9Gi, class: fast}
change: {strategy: canary}
update_strategy: {rollingUpdate: {maxUnavailable: 1}}
certificates:
  - {name: tls, usages: both, dns_names: null, issuer: null, duration_seconds: 7776000, renew_before_seconds: 2592000}
""")
SAMPLES["target_allocator"] = SETTINGS
# What the config and the image are made of reaches backends as these; `adopt` and `change` are for the apply.
# What `allow` allows reaches them as rules. tests/contract/test_options_are_used.py asks that each of them is read.
BEFORE = {
    *("backend", "mode", "recipes", "config", "config_files", "distribution", "distribution_manifest"),
    *("memory_percent", "memory_spike_percent"),
    *("distribution_schema", "platform", "image", "image_registry", "adopt", "change", "allow", "log_level"),
}
# Said in docs/operator.md or in argument_specs.yml: option, backends and modes in which it means nothing.
IDLE = {
    ("replicas", "daemonset"): "there is one on every node",
    ("replicas", "sidecar"): "there is one in every pod that asks for it",
    **dict.fromkeys([("storage", "daemonset"), ("storage", "deployment")], "only a StatefulSet claims it"),
    ("host_ports", "daemonset"): "they are open anyway",
    ("ip_families", "daemonset"): "it has no Service, and recipes read it",
    ("ip_families", "sidecar"): "recipes read it, and it says what the cluster is",
    ("pre_stop_seconds", "daemonset"): "it has no Service",
    ("upgrade_strategy", "kubernetes"): "there is no operator that could upgrade",
    ("target_allocator", "kubernetes"): "it runs without one",
    ("instance", "operator"): "the operator has an instance label of its own; objects keep ours",
}
WORDS = {"autoscaling": "autoscal", "target_allocator": "target allocator"}


def made(backend: str, mode: str, **options: Any) -> Any:
    order = build(KEEPING, backend=backend, mode=mode, **options)
    BACKENDS[backend].check_collector(order.collector)
    return BACKENDS[backend].build_manifests(order)


def sample(name: str) -> Any:
    """Return a value of an option that is not its default."""
    return SAMPLES.get(name) or other(SPEC[name], OPTIONS[name])


def other(option: dict[str, Any], default: Any) -> Any:
    """Return another value than the default: of a mapping its required suboptions, or the first one."""
    kind, inner = option.get("type", "str"), option.get("options") or {}
    if kind == "dict" and inner:
        return {key: other(inner[key], inner[key].get("default")) for key in required(inner)}
    if kind == "int":
        return default + 5 if isinstance(default, int) else 5
    plain: dict[str, Any] = {"bool": not default, "list": ["a"], "dict": {"a": "b"}}
    return plain.get(kind, other_word(option, default))


def required(options: dict[str, Any]) -> list[str]:
    """Return the suboptions that a mapping must have, or the first one."""
    return [key for key, one in options.items() if one.get("required")] or list(options)[:1]


def other_word(option: dict[str, Any], default: Any) -> str:
    """Return another choice than the default, or any word where there is no choice."""
    return next((choice for choice in option.get("choices", ()) if choice != default), "other")


@pytest.mark.parametrize(("backend", "mode"), MODES)
@pytest.mark.parametrize("option", sorted(set(OPTIONS) - BEFORE))
def test_an_input_changes_something_or_is_refused(option: str, backend: str, mode: str) -> None:
    try:
        same = made(backend, mode, **{option: sample(option)}) == made(backend, mode)
    except Problem as problem:
        same = WORDS.get(option, option) not in str(problem)
    idle = (option, mode) in IDLE or (option, backend) in IDLE
    assert not same or idle, (
        f"use '{option}', or reject it in LIMITS; where {sample(option)} says nothing, add a SAMPLE"
    )


def test_every_kind_that_an_input_brings_is_in_the_table_of_the_api() -> None:
    """What is not there is looked up at the server, and never pruned."""
    assert set(SAMPLES) | BEFORE <= set(OPTIONS)
    found: set[tuple[str, str]] = set()
    for option in set(OPTIONS) - BEFORE:
        for backend, mode in MODES:
            with suppress(Problem):
                objects = made(backend, mode, **{option: sample(option)})
                found |= {(item["apiVersion"], item["kind"]) for item in objects}
    unknown = [kind for kind in sorted(found) if not ApiResources.find_known(*kind)]
    assert unknown == [], "add them to PLURALS in plugins/module_utils/_kube/live/kinds.py"
    assert {kind for _version, kind in found} - set(PRUNED_KINDS) == {"Namespace"}, "kinds of a bundle are not KEPT"


def operated(**options: Any) -> Any:
    return collector(backend="operator", **options)


@cases("limit, mode", *REFUSED)
def test_what_a_mode_cannot_say_is_refused_with_what_to_do(limit: OperatorLimit, mode: str) -> None:
    with pytest.raises(Problem, match=f"collector 'gateway': the operator has no place for .* mode {mode}") as problem:
        OPERATOR.check_collector(operated(mode=mode, **{limit.option: sample(limit.option)}))
    assert f"  {limit.option}: {limit.fix}" in str(problem.value).splitlines()


@pytest.mark.parametrize("mode", OPERATOR.modes)
def test_defaults_are_at_home_in_every_mode(mode: str) -> None:
    OPERATOR.check_collector(operated(mode=mode, host_ports=False, **AT_REST))


def test_every_fault_is_told_at_once_and_a_name_leaves_room_for_what_the_operator_adds() -> None:
    with pytest.raises(Problem, match=r"(?s)these options in mode sidecar.*tolerations: .*affinity: "):
        OPERATOR.check_collector(
            operated(mode="sidecar", tolerations=sample("tolerations"), affinity=sample("affinity"))
        )
    OPERATOR.check_collector(operated(name="a" * 42))
    with pytest.raises(Problem, match=r"too long for a custom resource.*at most 42"):
        OPERATOR.check_collector(operated(name="a" * 43))


@cases(
    "mode, settings, says",
    ("deployment", {}, "mode deployment cannot have one"),
    ("sidecar", {}, "mode sidecar cannot have one"),
    ("daemonset", {"allocation_strategy": "consistent-hashing"}, "mode daemonset does not go with strategy"),
    ("statefulset", {"allocation_strategy": "per-node"}, "mode statefulset does not go with strategy per-node"),
    ("statefulset", {"allocation_strategy": "least-weighted", "replicas": 2}, "every replica would share out"),
    ("statefulset", {"prometheus_cr": CROSSED}, "both namespaces and denied_namespaces"),
)
def test_an_allocator_that_could_not_work_is_refused(mode: str, settings: Any, says: str) -> None:
    with pytest.raises(Problem, match=f"target allocator of collector 'gateway': .*{says}"):
        OPERATOR.check_collector(operated(mode=mode, target_allocator={**SETTINGS, **settings}))


@cases(
    "mode, settings",
    ("daemonset", {}),
    ("statefulset", {}),
    ("statefulset", {"replicas": 2}),
    ("statefulset", {"allocation_strategy": "least-weighted"}),
    ("deployment", {"enabled": False}),
)
def test_an_allocator_that_works_is_not(mode: str, settings: Any) -> None:
    OPERATOR.check_collector(operated(mode=mode, target_allocator={**SETTINGS, **settings}))


def test_the_plain_backend_runs_without_an_allocator_and_refuses_what_only_that_does() -> None:
    KUBERNETES.check_collector(collector(mode="statefulset", target_allocator=SETTINGS))
    with pytest.raises(Problem, match=r"reads ServiceMonitors.*Set `backend: operator`"):
        KUBERNETES.check_collector(
            collector(mode="statefulset", target_allocator={**SETTINGS, "prometheus_cr": SOURCES})
        )
    with pytest.raises(Problem, match=r"mode sidecar, and only the operator.*Set `backend: operator`"):
        KUBERNETES.check_collector(collector(mode="sidecar"))
