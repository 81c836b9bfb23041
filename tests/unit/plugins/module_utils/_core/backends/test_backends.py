# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each backend makes of a collector: every input changes something or is refused, in every mode."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.backends.table import BACKENDS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._edge.api.kinds import PRUNED, ApiResources

from ..helpers import OPTIONS, PODS, SPEC, build, cases, running
from ..manifests.test_target_allocator import SETTINGS, SOURCES, order

manifests = BACKENDS["kubernetes"].manifests
EVERYTHING: dict[str, Any] = {
    "autoscaling": {"min_replicas": 1, "max_replicas": 2},
    "disruption_budget": {"min_available": 1},
    "network_policy": {"enabled": True},
    "ingress": {"host": "a.example.com"},
    "routes": {"gateway": "public", "http_hostnames": ["h.example.com"], "grpc_hostnames": ["g.example.com"]},
}
CONFIG = running(receivers={"otlp": {"protocols": {"grpc": None, "http": None}}}, processors={"k8s_attributes": {}})


def kinds(config: Any = None, **options: Any) -> list[str]:
    return [manifest["kind"] for manifest in manifests(build(config, **options))]


@cases(
    "mode, services, workload",
    ("deployment", 1, "Deployment"),
    ("statefulset", 2, "StatefulSet"),
    ("daemonset", 0, "DaemonSet"),
)
def test_what_others_need_comes_first(mode: str, services: int, workload: str) -> None:
    found = [*["Service"] * services, workload]
    assert kinds(mode=mode) == ["Namespace", "ServiceAccount", "ConfigMap", *found, "NetworkPolicy"]
    if services:
        assert kinds(CONFIG, mode=mode, **EVERYTHING) == [
            *("Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "ConfigMap", *found),
            *("HorizontalPodAutoscaler", "PodDisruptionBudget", "NetworkPolicy", "Ingress", "HTTPRoute", "GRPCRoute"),
        ]


@pytest.mark.parametrize("mode", ["daemonset", "deployment", "statefulset"])
def test_every_object_but_those_that_are_shared_says_whose_it_is(mode: str) -> None:
    for manifest in manifests(build(CONFIG, mode=mode)):
        owner = manifest["metadata"]["labels"].get("o11y.opentelemetry/collector")
        assert owner == (None if manifest["kind"] in ("Namespace", "ServiceAccount") else "gateway")


def test_no_two_objects_share_anything_that_could_change() -> None:
    one, *others = manifests(build(CONFIG, labels={"team": "a"}))
    one["metadata"]["labels"]["changed"] = "yes"
    assert all("changed" not in manifest["metadata"]["labels"] for manifest in others)


OURS = ("Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding")


def objects(config: Any = None, **options: Any) -> list[Any]:
    return BACKENDS["operator"].manifests(build(config, backend="operator", **options))


def operator_kinds(config: Any = None, **options: Any) -> list[str]:
    return [manifest["kind"] for manifest in objects(config, **options)]


@cases("mode, services", ("deployment", 1), ("statefulset", 2), ("daemonset", 0), ("sidecar", 0))
def test_workload_config_autoscaler_and_budget_are_the_operators(mode: str, services: int) -> None:
    found = ["Service"] * services
    least = [*found, *([] if mode == "sidecar" else ["NetworkPolicy"])]
    assert operator_kinds(mode=mode) == ["Namespace", "ServiceAccount", *least, "OpenTelemetryCollector"]
    if services:
        ways = ("NetworkPolicy", "Ingress", "HTTPRoute", "GRPCRoute")
        assert operator_kinds(CONFIG, mode=mode, **EVERYTHING) == [*OURS, *found, *ways, "OpenTelemetryCollector"]


def test_an_allocator_has_an_account_and_rights_of_its_own() -> None:
    found = BACKENDS["operator"].manifests(order(sources={**SOURCES, "secret_namespaces": ["telemetry"]}))
    own = ("Service", "NetworkPolicy", "Role", "RoleBinding", "OpenTelemetryCollector")
    assert [manifest["kind"] for manifest in found] == [*OURS, *OURS[1:], *own]
    assert objects(image_pull_secrets=["registry"])[1]["imagePullSecrets"] == [{"name": "registry"}]


@pytest.mark.parametrize("mode", BACKENDS["operator"].modes)
def test_every_object_but_those_that_are_shared_says_whose_it_is_under_the_operator(mode: str) -> None:
    settings = SETTINGS if mode in ("daemonset", "statefulset") else {}
    for manifest in objects(CONFIG, mode=mode, target_allocator=settings):
        name, kind = manifest["metadata"]["name"], manifest["kind"]
        shared = kind == "Namespace" or (kind == "ServiceAccount" and name == "gateway")
        assert ("o11y.opentelemetry/collector" in manifest["metadata"]["labels"]) is not shared


def test_a_service_selects_the_same_pods_under_both_backends() -> None:
    both = [
        *objects(CONFIG, network_policy={"enabled": True}),
        *manifests(build(CONFIG, network_policy={"enabled": True})),
    ]
    selectors = [item["spec"]["selector"] for item in both if item["kind"] == "Service"]
    assert selectors == [PODS, PODS]
    policies = [item["spec"]["podSelector"]["matchLabels"] for item in both if item["kind"] == "NetworkPolicy"]
    assert policies == [PODS, PODS]
    (template,) = [item["spec"]["template"] for item in both if item["kind"] == "Deployment"]
    assert PODS.items() <= template["metadata"]["labels"].items()


OTLP = {"protocols": {"http": {"endpoint": "0.0.0.0:4318"}}}
STORE = {"file_storage": {"directory": "/var/lib/otelcol/queue"}}
NOTHING_IS_LOST_CONFIG = running(receivers={"otlp": OTLP}, extensions=STORE)
CERTIFICATE: dict[str, Any] = {
    **{"name": "tls", "usages": "both", "dns_names": None, "issuer": None},
    **{"duration_seconds": 7776000, "renew_before_seconds": 2592000},
}
# Values of options that take more than any text, number or mapping.
SAMPLES: dict[str, Any] = {
    "autoscaling": {"min_replicas": 1, "max_replicas": 9},
    "disruption_budget": {"min_available": 1},
    "memory_limit": "1Gi",
    "cpu_request": "7m",
    "cpu_limit": "2",
    "env": {"A": "b"},
    "volumes": [{"name": "a", "mount_path": "/a", "source": {"emptyDir": {}}}],
    "tolerations": [{"operator": "Exists"}],
    "topology_spread": [{"maxSkew": 1}],
    "service": {"enabled": True, "type": "NodePort"},
    "ingress": {"host": "a.example.com"},
    "routes": {"gateway": "a", "http_hostnames": ["a.example.com"]},
    "openshift_route": {"host": "a.example.com"},
    "network_policy": {"enabled": True, "ingress_from": [{"podSelector": {}}]},
    "storage": {"size": "9Gi", "class": "fast"},
    "update_strategy": {"rollingUpdate": {"maxUnavailable": 1}},
    "target_allocator": SETTINGS,
    "certificates": [CERTIFICATE],
}
# What the config and the image are made of reaches backends as config and image, and `adopt` is for the apply.
# What `allow` allows reaches them as rules.
# tests/contract/test_options_are_used.py asks that each of them is read.
BEFORE = {
    *("backend", "mode", "recipes", "config", "config_files", "distribution", "distribution_manifest", "platform"),
    *("image", "image_registry", "adopt", "allow"),
}
# Said in docs/operator.md or in argument_specs.yml: option, backends and modes in which it means nothing.
IDLE = {
    ("replicas", "daemonset"): "there is one on every node",
    ("replicas", "sidecar"): "there is one in every pod that asks for it",
    ("storage", "daemonset"): "state is a folder of the node",
    ("storage", "deployment"): "state ends with the pod",
    ("host_ports", "daemonset"): "they are open anyway",
    ("upgrade_strategy", "kubernetes"): "there is no operator that could upgrade",
    ("target_allocator", "kubernetes"): "it runs without one",
    ("instance", "operator"): "the operator has an instance label of its own; objects keep ours",
}
WORDS = {"autoscaling": "autoscal", "target_allocator": "target allocator"}
MODES = [(backend, mode) for backend in BACKENDS for mode in BACKENDS[backend].modes]


def made(backend: str, mode: str, **options: Any) -> Any:
    order = build(NOTHING_IS_LOST_CONFIG, backend=backend, mode=mode, **options)
    BACKENDS[backend].check(order.collector)
    return BACKENDS[backend].manifests(order)


def sample(name: str) -> Any:
    """Return a value of an option that is not its default."""
    option, default = SPEC[name], OPTIONS[name]
    plain = {"bool": not default, "int": (default or 0) + 5 if isinstance(default, int) else 5, "list": ["a"]}
    other = next((choice for choice in option.get("choices", ()) if choice != default), "other")
    return SAMPLES.get(name) or {**plain, "dict": {"a": "b"}}.get(option.get("type", "str"), other)


@pytest.mark.parametrize(("backend", "mode"), MODES)
@pytest.mark.parametrize("option", sorted(set(OPTIONS) - BEFORE))
def test_an_input_changes_something_or_is_refused(option: str, backend: str, mode: str) -> None:
    try:
        same = made(backend, mode, **{option: sample(option)}) == made(backend, mode)
    except Problem as problem:
        same = WORDS.get(option, option) not in str(problem)
    assert not same or (option, mode) in IDLE or (option, backend) in IDLE


def test_samples_are_of_inputs() -> None:
    assert set(SAMPLES) | BEFORE <= set(OPTIONS)


def test_every_kind_that_an_input_brings_is_in_the_table_of_the_api() -> None:
    """What is not there is looked up at the server, and never pruned."""
    found: set[tuple[str, str]] = set()
    for option in set(OPTIONS) - BEFORE:
        for backend, mode in MODES:
            with suppress(Problem):
                objects = made(backend, mode, **{option: sample(option)})
                found |= {(item["apiVersion"], item["kind"]) for item in objects}
    assert [kind for kind in sorted(found) if not ApiResources.known(*kind)] == []
    assert {kind for _version, kind in found} - set(PRUNED) == {"Namespace"}
