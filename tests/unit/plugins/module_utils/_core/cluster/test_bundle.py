# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bundle as data: order, comparison, redaction, leftovers, node ports."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.backends.table import BACKENDS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.cluster import bundle, replacement_order
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.cluster.bundle import Ref
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.cluster.replacement_order import goes_first
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.config.secrets import salted
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.config.yaml_documents import data_of
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem

from ..helpers import build, running


def obj(kind: Any, name: Any = "a", namespace: Any = "ns", **more: Any) -> Any:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {}), **more.pop("metadata", {})}
    return {"apiVersion": more.pop("api", "v1"), "kind": kind, "metadata": metadata, **more}


def difference(before: Any, after: Any, salt: str = "s") -> Any:
    return bundle.difference(before, after, salted(salt), lambda text: data_of(yaml, text))


def test_order_puts_first_what_others_need() -> None:
    kinds = ["OpenTelemetryCollector", "MutatingWebhookConfiguration", "DaemonSet", "Certificate", "Issuer", "Service"]
    kinds += ["Secret", "RoleBinding", "Role", "ServiceAccount", "Namespace", "CustomResourceDefinition"]
    groups = bundle.ordered([obj(kind) for kind in kinds])
    assert [group[0]["kind"] for group in groups] == list(reversed(kinds))


def test_a_version_of_olm_goes_after_its_subscription_and_before_what_it_made() -> None:
    kinds = ["Namespace", "OperatorGroup", "Deployment", "ClusterServiceVersion", "Subscription"]
    assert [group[0]["kind"] for group in bundle.ordered([obj(kind) for kind in reversed(kinds)])] == kinds


def test_order_groups_what_is_independent() -> None:
    groups = bundle.ordered([obj("Secret"), obj("HTTPRoute"), obj("ConfigMap"), obj("Deployment"), obj("DaemonSet")])
    assert [[m["kind"] for m in group] for group in groups] == [
        ["Secret", "ConfigMap"],
        ["Deployment", "DaemonSet"],
        ["HTTPRoute"],
    ]


@pytest.mark.parametrize(
    ("manifests", "words"),
    [
        ([{"kind": "ConfigMap", "metadata": {"name": "a"}}], "no apiVersion"),
        ([{"apiVersion": "v1", "metadata": {"name": "a"}}], "no kind"),
        ([{"apiVersion": "v1", "kind": "ConfigMap"}], "no metadata.name"),
        ([obj("ConfigMap"), obj("ConfigMap")], "twice"),
    ],
)
def test_what_no_server_could_accept_is_refused(manifests: Any, words: Any) -> None:
    with pytest.raises(Problem, match=words):
        bundle.check(manifests)


@pytest.mark.parametrize(
    "noise",
    [
        {"status": {"ready": True}},
        {"metadata": {"resourceVersion": "7", "generation": 3, "uid": "u", "managedFields": [{"manager": "x"}]}},
        {"metadata": {"annotations": {"deployment.kubernetes.io/revision": "3"}}},
    ],
)
def test_notes_of_the_server_are_no_change(noise: Any) -> None:
    plain = obj("ConfigMap", data={"a": "1"})
    noisy = {**plain, **noise, "metadata": {**plain["metadata"], **noise.get("metadata", {})}}
    assert difference(plain, noisy) is None


def test_a_difference_has_both_sides_and_a_name() -> None:
    change = difference(obj("ConfigMap", data={"a": "1"}), obj("ConfigMap", data={"a": "2"}))
    assert change["before"]["data"] == {"a": "1"}
    assert change["after"]["data"] == {"a": "2"}
    assert change["before_header"] == change["after_header"] == "ConfigMap ns/a"


@pytest.mark.parametrize(("before", "after"), [(None, obj("ConfigMap")), (obj("ConfigMap"), None)])
def test_creation_and_deletion_are_differences(before: Any, after: Any) -> None:
    change = difference(before, after)
    assert (change["before"], change["after"]) == (before, after)


def test_secrets_are_hidden_and_still_differ() -> None:
    change = difference(obj("Secret", data={"a": "one", "b": "x"}), obj("Secret", data={"a": "two", "b": "x"}))
    assert "one" not in str(change)
    assert "two" not in str(change)
    assert change["before"]["data"]["a"] != change["after"]["data"]["a"]
    assert change["before"]["data"]["b"] == change["after"]["data"]["b"]
    assert difference(None, obj("Secret", data={"a": "one"}), "1") != difference(
        None, obj("Secret", data={"a": "one"}), "2"
    )


CONFIG = "exporters:\n  x:\n    api:\n      key: {}\n    endpoint: https://me:{}@host\n"


@pytest.mark.parametrize(
    "held",
    [
        lambda secret: obj("ConfigMap", data={"config": CONFIG.format(secret, secret)}),
        lambda secret: obj("Deployment", spec={"env": [{"name": "DD_API_KEY", "value": secret}]}),
        lambda secret: obj("Deployment", spec={"env": [{"name": "OTLP_HEADERS", "value": f"api-key={secret}"}]}),
        lambda secret: obj("Deployment", spec={"args": [f"--token={secret}"]}),
        lambda secret: obj("Deployment", spec={"args": ["--api-key", secret, "--verbose"]}),
        lambda secret: obj("OpenTelemetryCollector", spec={"config": {"x": {"headers": {"x-sumo-key": secret}}}}),
        lambda secret: obj("ConfigMap", metadata={"annotations": {"vendor.example/api-key": secret}}),
    ],
)
def test_a_secret_in_clear_text_is_hidden_on_both_sides_and_still_differs(held: Any) -> None:
    change = difference(held("correct-horse"), held("battery-staple"))
    assert "correct-horse" not in str(change)
    assert "battery-staple" not in str(change)
    assert change["before"] != change["after"]
    again = difference(held("correct-horse"), {**held("correct-horse"), "more": 1})
    assert again["before"] == {key: value for key, value in again["after"].items() if key != "more"}


APIS = {"OpenTelemetryCollector": "opentelemetry.io/v1beta1", "Deployment": "apps/v1", "Thing": "example.com/v1"}


def owned(*names: str) -> Any:
    """Return the metadata of what goes with its owners, none of which controls it."""
    owners = [dict(zip(("kind", "name"), name.split("/"), strict=True)) for name in names]
    return {"ownerReferences": [{"apiVersion": APIS.get(owner["kind"], "v1"), **owner} for owner in owners]}


def controlled(kind: Any, name: Any = "a") -> Any:
    owner = {"apiVersion": APIS.get(kind, "v1"), "kind": kind, "name": name, "controller": True}
    return {"ownerReferences": [owner]}


@pytest.mark.parametrize(
    ("found", "is_stale"),
    [
        (obj("ConfigMap", "old"), True),
        (obj("ConfigMap", "kept"), False),
        (obj("ConfigMap", "old", metadata=controlled("OpenTelemetryCollector")), False),
        (obj("ConfigMap", "old", metadata={"deletionTimestamp": "now"}), False),
    ],
)
def test_pruned_is_what_the_bundle_lost(found: Any, is_stale: Any) -> None:
    assert bool(bundle.stale([found], {Ref("ConfigMap", "ns", "kept")})) is is_stale


@pytest.mark.parametrize(
    ("item", "left"),
    [
        (obj("ConfigMap", "theirs"), True),
        (obj("ConfigMap", "kube-root-ca.crt"), False),
        (obj("RoleBinding", "system:deployers"), False),
        (obj("RoleBinding", "deployers"), True),
        (obj("Lease", "election"), False),
        (obj("ClusterServiceVersion", "v1", metadata={"labels": {"olm.copiedFrom": "operators"}}), False),
        (obj("ServiceAccount", "default"), False),
        (obj("Secret", "t", type="kubernetes.io/service-account-token"), False),
        (obj("ConfigMap", "ours"), False),
        (obj("Pod", "p", metadata=controlled("ReplicaSet")), False),
        (obj("Pod", "p", metadata=controlled("Job")), True),
        (obj("Deployment", "d", metadata=controlled("OpenTelemetryCollector")), False),
        (obj("Deployment", "d", metadata=controlled("OpenTelemetryCollector", "theirs")), True),
        (obj("Secret", "s", metadata=owned("OpenTelemetryCollector/a", "ConfigMap/ours")), False),
        (obj("Secret", "s", metadata=owned("OpenTelemetryCollector/a", "ConfigMap/theirs")), True),
        (obj("Secret", "s", metadata=owned()), True),
    ],
)
def test_leftovers_are_what_somebody_else_keeps(item: Any, left: Any) -> None:
    going = {("", Ref("ConfigMap", "ns", "ours")), ("opentelemetry.io", Ref("OpenTelemetryCollector", "ns", "a"))}
    assert bool(bundle.leftovers([item], going)) is left


def test_who_holds_what_is_to_go() -> None:
    held = obj("X", metadata={"finalizers": ["opentelemetrycollector.opentelemetry.io/finalizer", "e.com/x"]})
    told = "opentelemetrycollector.opentelemetry.io/finalizer: the OpenTelemetry operator, which must run for that"
    assert bundle.holders(held) == f" (finalizers: {told}, e.com/x)"
    assert bundle.holders(obj("X")) == ""


def workload(*ports: Any, **spec: Any) -> Any:
    template = {"spec": {"containers": [{"ports": list(ports)}], **spec}}
    return obj("DaemonSet", spec={"selector": {"matchLabels": {"app": "a"}}, "template": template})


def pod(*ports: Any, labels: Any = None, namespace: Any = "ns", phase: Any = "Running", **spec: Any) -> Any:
    spec = {"nodeName": "n1", "containers": [{"ports": list(ports)}], **spec}
    return obj("Pod", "p", namespace, metadata={"labels": labels or {}}, spec=spec, status={"phase": phase})


OTLP = {"containerPort": 4317, "hostPort": 4317, "protocol": "TCP"}


@pytest.mark.parametrize(
    ("wanted", "other", "clash"),
    [
        (workload(OTLP), pod(OTLP), True),
        (workload(OTLP), pod({**OTLP, "hostPort": 4318}), False),
        (workload(OTLP), pod({**OTLP, "protocol": "UDP"}), False),
        (workload(OTLP), pod(OTLP, labels={"app": "a"}), False),
        (workload(OTLP), pod(OTLP, labels={"app": "a"}, namespace="other"), True),
        (workload(OTLP), pod(OTLP, phase="Succeeded"), False),
        (workload(OTLP), pod(OTLP, nodeName=""), False),
        (workload({**OTLP, "hostIP": "10.0.0.1"}), pod({**OTLP, "hostIP": "127.0.0.1"}), False),
        (workload({**OTLP, "hostIP": "10.0.0.1"}), pod(OTLP), True),
        (workload({"containerPort": 4317}, hostNetwork=True), pod(OTLP), True),
        (workload({"containerPort": 4317}), pod(OTLP), False),
    ],
)
def test_a_node_port_is_held_by_somebody_else(wanted: Any, other: Any, clash: Any) -> None:
    assert bool(list(replacement_order.clashes(wanted, replacement_order.template_ports(wanted), [other]))) is clash


STATE = running(
    receivers={"file_log": {"include": ["/var/log/pods/*/*/*.log"], "storage": "file_storage"}},
    extensions={"file_storage": {"directory": "/var/lib/otelcol/read"}},
)


def host_folders_workload(backend: str, config: Any = None, mode: str = "daemonset", **options: Any) -> Any:
    kinds = ("DaemonSet", "Deployment", "OpenTelemetryCollector")
    made = BACKENDS[backend].manifests(build(config, backend=backend, mode=mode, **options))
    return next(item for item in made if item["kind"] in kinds)


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_agent_writes_to_its_state_and_only_reads_logs(backend: str) -> None:
    assert replacement_order.written(host_folders_workload(backend, STATE)) == {
        "folder /var/lib/otelcol/telemetry-gateway"
    }
    assert replacement_order.written(host_folders_workload(backend)) == set()


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_claim_of_the_users_is_written_to_unless_it_is_read_only(backend: str) -> None:
    volume = {"name": "data", "mount_path": "/data", "source": {"persistentVolumeClaim": {"claimName": "data"}}}
    assert replacement_order.written(
        host_folders_workload(backend, mode="deployment", volumes=[{**volume, "read_only": False}])
    ) == {"claim data"}
    assert replacement_order.written(host_folders_workload(backend, mode="deployment", volumes=[volume])) == set()


def test_what_is_no_workload_writes_nothing() -> None:
    assert replacement_order.written({"kind": "ConfigMap", "data": {}}) == set()


@pytest.mark.parametrize(("old", "new"), [("kubernetes", "operator"), ("operator", "kubernetes")])
def test_an_agent_with_state_makes_way_and_one_without_waits(old: str, new: str) -> None:
    assert goes_first(host_folders_workload(old, STATE), [host_folders_workload(new, STATE)])
    assert not goes_first(host_folders_workload(old, host_ports=False), [host_folders_workload(new, host_ports=False)])


def test_a_secret_of_another_shape_is_hidden_too() -> None:
    assert list(bundle.secret_values([{"kind": "Secret", "data": "hush", "stringData": ["a"]}])) == ["hush", "['a']"]
