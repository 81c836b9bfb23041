# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an apply holds comes back from managedFields, as a server writes them."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.applied_state import is_applied
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.managed_fields import extract_applied
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.kube.names import OWNER
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _yaml

from tests.contract.test_examples import EXAMPLES
from tests.unit.plugins.module_utils.fake_api import FakeApi

MANAGER = "us"
# What this collection applied, and what kube-apiserver 1.34.4 answered to the next GET, without the status.
SERVED = json.loads((Path(__file__).parent / "served.json").read_text(encoding="utf-8"))
CONTAINER = 'k:{"name":"otel"}'
PORT = 'k:{"containerPort":4317,"protocol":"TCP"}'
# As kube-apiserver 1.34 answers for what `DEPLOYMENT` applies.
FIELDS = {
    "f:metadata": {"f:labels": {"f:app": {}}, "f:finalizers": {'v:"example.com/stay"': {}}},
    "f:spec": {
        "f:selector": {},
        "f:template": {
            "f:metadata": {"f:labels": {"f:app": {}}},
            "f:spec": {
                "f:containers": {
                    CONTAINER: {
                        ".": {},
                        "f:name": {},
                        "f:image": {},
                        "f:args": {},
                        "f:env": {'k:{"name":"POD_IP"}': {".": {}, "f:name": {}, "f:valueFrom": {"f:fieldRef": {}}}},
                        "f:ports": {PORT: {".": {}, "f:containerPort": {}, "f:name": {}}},
                        "f:resources": {"f:limits": {"f:memory": {}}},
                    }
                },
                "f:tolerations": {},
                "f:volumes": {'k:{"name":"tmp"}': {".": {}, "f:name": {}, "f:emptyDir": {}}},
            },
        },
    },
}


def deployment() -> dict[str, Any]:
    """Return what is applied."""
    container = {
        "name": "otel",
        "image": "otel:1",
        "args": ["--config=/a"],
        "env": [{"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}],
        "ports": [{"name": "otlp", "containerPort": 4317}],
        "resources": {"limits": {"memory": "512Mi"}},
    }
    pod = {
        "containers": [container],
        "tolerations": [{"operator": "Exists"}],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    }
    template = {"metadata": {"labels": {"app": "a"}}, "spec": pod}
    metadata = {"name": "a", "namespace": "ns", "labels": {"app": "a"}, "finalizers": ["example.com/stay"]}
    spec = {"selector": {"matchLabels": {"app": "a"}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


def server(manifest: dict[str, Any], **entry: Any) -> dict[str, Any]:
    """Return the object with the server's defaults, and with what others have added."""
    live = copy.deepcopy(manifest)
    mine = {"manager": MANAGER, "operation": "Apply", "apiVersion": "apps/v1", "fieldsType": "FieldsV1"}
    status = {"manager": MANAGER, "operation": "Apply", "subresource": "status", "fieldsV1": {"f:status": {}}}
    live["metadata"] |= {"uid": "u1", "resourceVersion": "7", "annotations": {"deployment.kubernetes.io/revision": "1"}}
    live["metadata"]["managedFields"] = [status, {**mine, "fieldsV1": FIELDS, **entry}]
    live["metadata"]["finalizers"].insert(0, "example.com/theirs")
    live["spec"] |= {"replicas": 3, "progressDeadlineSeconds": 600}
    pod = live["spec"]["template"]["spec"]
    pod |= {"dnsPolicy": "ClusterFirst", "restartPolicy": "Always"}
    (container,) = pod["containers"]
    container["env"][0]["valueFrom"]["fieldRef"]["apiVersion"] = "v1"
    container["ports"][0]["protocol"] = "TCP"
    container["env"].insert(0, {"name": "INJECTED", "value": "by a webhook"})
    container["resources"]["limits"]["cpu"] = "1"
    pod["containers"].insert(0, {"name": "sidecar", "image": "mesh:1"})
    live["status"] = {"replicas": 3}
    return live


def test_it_is_what_was_applied_without_what_others_wrote() -> None:
    wanted = deployment()
    wanted["spec"]["template"]["spec"]["containers"][0]["env"][0]["valueFrom"]["fieldRef"]["apiVersion"] = "v1"
    assert extract_applied(server(deployment()), MANAGER) == wanted


def test_a_replica_count_of_an_autoscaler_is_not_in_it() -> None:
    assert "replicas" not in (extract_applied(server(deployment()), MANAGER) or {})["spec"]


@pytest.mark.parametrize(
    "entry", [{"manager": "kubectl"}, {"operation": "Update"}, {"apiVersion": "apps/v1beta1"}], ids=str
)
def test_there_is_none_where_nothing_was_applied_in_this_version(entry: Any) -> None:
    live = server(deployment(), **entry)
    assert extract_applied(live, MANAGER) is None
    assert not is_applied(deployment(), live, MANAGER)


def test_the_same_manifest_is_no_change() -> None:
    assert is_applied(deployment(), server(deployment()), MANAGER)


CHANGES: dict[str, Any] = {
    "value": lambda pod: pod["containers"][0].update(image="otel:2"),
    "removed field": lambda pod: pod["containers"][0].pop("resources"),
    "new field": lambda pod: pod.update(hostNetwork=True),
    "item of a list": lambda pod: pod["tolerations"].append({"key": "a"}),
    "item with a key": lambda pod: pod["containers"].append({"name": "second", "image": "b"}),
    "removed item with a key": lambda pod: pod["volumes"].clear(),
    "another key": lambda pod: pod["containers"][0]["ports"][0].update(protocol="UDP"),
    "inside a whole field": lambda pod: pod["containers"][0]["env"][0]["valueFrom"]["fieldRef"].update(fieldPath="x"),
    "another shape": lambda pod: pod.update(containers={}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_shows(change: str) -> None:
    manifest = deployment()
    CHANGES[change](manifest["spec"]["template"]["spec"])
    assert not is_applied(manifest, server(deployment()), MANAGER)


def test_a_null_that_the_server_drops_is_no_change_and_one_in_place_of_a_value_is() -> None:
    """A webhook that reads and writes a resource drops null from it; the field manager still owns the field."""
    fields = {"f:metadata": {"f:labels": {}}, "f:config": {"f:tls": {}, "f:port": {}}}
    entry = {"manager": MANAGER, "operation": "Apply", "apiVersion": "v1", "fieldsV1": fields}
    whole = {"apiVersion": "v1", "kind": "A", "metadata": {"labels": {}}}
    live = {**whole, "metadata": {"labels": {}, "managedFields": [entry]}, "config": {"port": 1}}
    applied = {**whole, "config": {"tls": None, "port": 1}}
    assert is_applied(applied, live, MANAGER)
    assert not is_applied({**applied, "config": {"tls": {}, "port": 1}}, live, MANAGER)
    assert not is_applied({**applied, "config": {"tls": None, "port": None}}, live, MANAGER)


def test_an_empty_parent_and_a_removed_label_show() -> None:
    live = server(deployment())
    live["metadata"]["managedFields"][1]["fieldsV1"] = {"f:metadata": {"f:labels": {".": {}}}}
    assert (extract_applied(live, MANAGER) or {})["metadata"]["labels"] == {}
    manifest = deployment()
    manifest["metadata"]["labels"] = {}
    assert not is_applied(manifest, server(deployment()), MANAGER)


def owned(fields: Any, spec: Any) -> dict[str, Any]:
    """Return a live object that an apply made, with these fields of its spec."""
    applied = {"f:metadata": {"f:labels": {}}, "f:spec": fields}
    entry = {"manager": MANAGER, "operation": "Apply", "apiVersion": "v1", "fieldsV1": applied}
    manifest = applying(spec)
    return {**manifest, "metadata": {**manifest["metadata"], "managedFields": [entry]}}


def applying(spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "A", "metadata": {"name": "a", "labels": {}}, "spec": spec}


# A field with one owner as a whole: the fields of the spec, what is live there, and a manifest that changes it.
WHOLE: dict[str, tuple[Any, Any, Any]] = {
    "a key less": (
        {"f:nodeSelector": {}},
        {"nodeSelector": {"kubernetes.io/os": "linux", "pool": "obs"}},
        {"nodeSelector": {"kubernetes.io/os": "linux"}},
    ),
    "a key less in an item": (
        {"f:tolerations": {}},
        {"tolerations": [{"operator": "Exists", "effect": "NoSchedule"}]},
        {"tolerations": [{"operator": "Exists"}]},
    ),
    "a default that was another value": (
        {"f:ports": {}},
        {"ports": [{"port": 53, "protocol": "UDP"}]},
        {"ports": [{"port": 53}]},
    ),
    "true for 1": ({"f:x": {}}, {"x": 1}, {"x": True}),
    "0 for false": ({"f:x": {}}, {"x": {"y": [False]}}, {"x": {"y": [0]}}),
}


@pytest.mark.parametrize("change", WHOLE)
def test_a_change_inside_a_field_with_one_owner_shows(change: str) -> None:
    fields, live, wanted = WHOLE[change]
    assert is_applied(applying(live), owned(fields, live), MANAGER)
    assert not is_applied(applying(wanted), owned(fields, live), MANAGER)


# What is applied as a whole, and what kube-apiserver makes of it.
DEFAULTED: dict[str, tuple[Any, Any]] = {
    "fieldRef": ({"fieldPath": "status.podIP"}, {"fieldPath": "status.podIP", "apiVersion": "v1"}),
    "resourceFieldRef": ({"resource": "limits.cpu"}, {"resource": "limits.cpu", "divisor": "0"}),
    "sources": (
        [{"serviceAccountToken": {"path": "token"}}],
        [{"serviceAccountToken": {"path": "token", "expirationSeconds": 3600}}],
    ),
    "ingress": ([{"ports": [{"port": 1}]}], [{"ports": [{"port": 1, "protocol": "TCP"}]}]),
    "roleRef": ({"name": "a"}, {"name": "a", "apiGroup": "rbac.authorization.k8s.io"}),
    "subjects": ([{"kind": "User"}], [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io"}]),
    "volumeClaimTemplates": (
        [{"metadata": {"name": "a"}, "spec": {"accessModes": ["ReadWriteOnce"]}}],
        [
            {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": {"name": "a", "creationTimestamp": None},
                "spec": {"accessModes": ["ReadWriteOnce"], "volumeMode": "Filesystem"},
                "status": {"phase": "Pending"},
            }
        ],
    ),
    "rules": ([{"operations": ["CREATE"]}], [{"operations": ["CREATE"], "scope": "*"}]),
    "null": ({"a": None}, {}),
}
# The same of what definitions of other projects say, and of the operator's webhook.
DEFAULTED_BY_OTHERS: dict[str, tuple[Any, Any]] = {
    "parentRefs": ([{"name": "a"}], [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "a"}]),
    "rules": (
        [{"backendRefs": [{"name": "a", "port": 4318}]}],
        [
            {
                "backendRefs": [{"group": "", "kind": "Service", "name": "a", "port": 4318, "weight": 1}],
                "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
            }
        ],
    ),
    "podMetricsEndpoints": (
        [{"relabelings": [{"targetLabel": "node"}]}],
        [{"relabelings": [{"action": "replace", "targetLabel": "node"}]}],
    ),
    "grpc": ({}, {"endpoint": "0.0.0.0:4317"}),
    "http": ({}, {"endpoint": "0.0.0.0:4318"}),
}


@pytest.mark.parametrize(
    ("field", "wanted", "live"),
    [(name, *pair) for table in (DEFAULTED, DEFAULTED_BY_OTHERS) for name, pair in table.items()],
)
def test_what_the_server_adds_to_a_field_with_one_owner_is_no_change(field: str, wanted: Any, live: Any) -> None:
    assert is_applied(applying({field: wanted}), owned({f"f:{field}": {}}, {field: live}), MANAGER)


@pytest.mark.parametrize("case", SERVED, ids=lambda case: str(case["live"]["kind"]))
def test_what_a_real_server_holds_comes_back(case: Any) -> None:
    assert extract_applied(case["live"], OWNER) == case["applied"]
    assert is_applied(case["applied"], case["live"], OWNER)


@pytest.mark.parametrize(
    "name", [name for name in EXAMPLES if (EXAMPLES[name] / "rendered" / "manifests.yml").exists()]
)
def test_every_object_of_an_example_comes_back(name: str) -> None:
    text = (EXAMPLES[name] / "rendered" / "manifests.yml").read_text(encoding="utf-8")
    api = FakeApi()
    for manifest in (_yaml.load(part, name).data for part in text.split("---\n")[1:]):
        api.apply(MANAGER, manifest)
        live = list(api.objects.values())[-1]
        assert extract_applied(live, MANAGER) == manifest
        assert is_applied(manifest, live, MANAGER)


def test_a_text_in_a_list_of_items_with_keys_is_a_change() -> None:
    """The server says what is wrong with it."""
    live = owned({"f:ports": {PORT: {".": {}}}}, {"ports": [{"containerPort": 4317, "protocol": "TCP"}]})
    assert not is_applied(applying({"ports": ["4317"]}), live, MANAGER)


def env(*names: str) -> list[dict[str, str]]:
    return [{"name": name, "value": "1"} for name in names]


ENV = {"f:env": {f'k:{{"name":"{name}"}}': {".": {}, "f:name": {}, "f:value": {}} for name in "AB"}}
VALUES = {"f:finalizers": {'v:"a"': {}, 'v:"b"': {}}}


@pytest.mark.parametrize("names", ["BA", "AA", "A", "ABA"])
def test_another_order_of_items_with_keys_shows_and_so_does_a_second_one(names: str) -> None:
    """Variables of `env` may name those before them, and an apply gives a list the order of its request."""
    live = owned(ENV, {"env": env("X", "A", "Y", "B")})
    assert is_applied(applying({"env": env("A", "B")}), live, MANAGER)
    assert not is_applied(applying({"env": env(*names)}), live, MANAGER)


@pytest.mark.parametrize("values", ["ba", "aa", "a", "aba"])
def test_another_order_of_values_shows_and_so_does_a_second_one(values: str) -> None:
    live = owned(VALUES, {"finalizers": ["a", "theirs", "b"]})
    assert is_applied(applying({"finalizers": ["a", "b"]}), live, MANAGER)
    assert not is_applied(applying({"finalizers": list(values)}), live, MANAGER)


def test_an_item_that_is_there_twice_is_not_as_it_was_applied() -> None:
    assert not is_applied(applying({"env": env("A", "B")}), owned(ENV, {"env": env("A", "B", "A")}), MANAGER)


def test_a_manifest_without_labels_is_applied_too() -> None:
    bare = {"apiVersion": "v1", "kind": "A", "metadata": {"name": "a"}, "data": {"x": "1"}}
    entry = {"manager": MANAGER, "operation": "Apply", "apiVersion": "v1", "fieldsV1": {"f:data": {"f:x": {}}}}
    live = {**bare, "metadata": {"name": "a", "managedFields": [entry]}}
    assert is_applied(bare, live, MANAGER)
    assert not is_applied({**bare, "metadata": {"name": "a", "labels": {"b": "c"}}}, live, MANAGER)
