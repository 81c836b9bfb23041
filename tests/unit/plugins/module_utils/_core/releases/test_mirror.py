# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which images are needed, and where each is in a mirror."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.releases import customization as given
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.releases import images as mirror
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.releases import manifest

from ..helpers import cases
from .samples import CERTIFIER, OPERATING, certifier_release, operator_release

STARTED = {"collector": "g/collector:1", "target_allocator": "g/ta:1", "java": "g/java:1", "python": "g/python:1"}
OPERATOR = mirror.MirroredRelease("opentelemetry-operator", "v1.0.0", ("g/operator:1",), STARTED)


def workload(*images: str, **container: Any) -> dict[str, Any]:
    containers = [{"image": image, **container} for image in images]
    template = {"spec": {"containers": containers}}
    return {"kind": "Deployment", "metadata": {"name": "a", "namespace": "n"}, "spec": {"template": template}}


def custom(kind: str = "OpenTelemetryCollector", **spec: Any) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": "c", "namespace": "n"}, "spec": spec}


def names(*args: Any, **more: Any) -> list[str]:
    return [need.image for need in mirror.needs(*args, **more)]


def test_every_image_is_there_once_with_all_who_need_it() -> None:
    twice = mirror.Need("x:1", ("Deployment n/a", "OpenTelemetryCollector n/c"))
    assert mirror.needs([workload("x:1"), custom(image="x:1")], []) == [twice]
    solver = workload("x:1", args=["--acme-http01-solver-image=s:1"], env=[{"name": "RELATED_IMAGE_A", "value": "r:1"}])
    assert names([solver], []) == ["r:1", "s:1", "x:1"]


def test_everything_in_a_custom_resource_counts_but_settings_of_the_collector() -> None:
    allocator = {"enabled": True, "image": "ta:2"}
    deep = {"initContainers": [{"image": "init:1"}], "targetAllocator": allocator, "image": "c:1"}
    written = {"receivers": {"docker": {"image": "no:1"}}}
    assert sorted(mirror.in_object(custom(**deep, config=written))) == ["c:1", "init:1", "ta:2"]
    assert list(mirror.in_object({"kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"image": "no:1"}})) == []


def test_of_the_operators_images_those_that_are_asked_for_without_an_image_are_needed() -> None:
    assert "g/ta:1" in names([custom(targetAllocator={"enabled": True})], [OPERATOR])
    for allocator in (None, {"enabled": False}, {"enabled": True, "image": "own:1"}):
        assert "g/ta:1" not in names([custom(targetAllocator=allocator)], [OPERATOR])
    found = names([custom("Instrumentation", python={"env": []}, java={"image": "own/java:1"})], [OPERATOR])
    assert found == ["g/operator:1", "g/python:1", "own/java:1"]


GIVEN = mirror.MirroredRelease(
    "opentelemetry-operator", "v1", (), {"collector": "own:1", "java": "g/java:1"}, frozenset({"collector"})
)


@cases(
    "wanted, found",
    (([], [OPERATOR], mirror.ALL), ["g/collector:1", "g/java:1", "g/operator:1", "g/python:1", "g/ta:1"]),
    (([], [OPERATOR], mirror.USED), ["g/operator:1"]),
    (([], [GIVEN]), ["own:1"]),
    (([workload("a/x:1", "b/y:1")], [OPERATOR], mirror.USED, ["*/x:*", "g/*"]), ["b/y:1"]),
)
def test_what_the_operator_starts_is_there_unless_nobody_wants_it(wanted: Any, found: list[str]) -> None:
    assert names(*wanted) == found


def test_more_can_be_asked_for_and_archives_of_a_release_are_in_its_folder() -> None:
    asked = [mirror.Need("app:1", ("asked for",)), mirror.Need("x:1", ("Deployment n/a", "asked for"))]
    assert mirror.needs([workload("x:1")], [], more=["app:1", "x:1"]) == asked
    both = mirror.needs([workload("g/operator:1", "other:1")], [OPERATOR])
    archives = ["opentelemetry-operator/v1.0.0/images/g_operator_1.tar", "images/other_1.tar"]
    assert [need.row("")["archive"] for need in both] == archives


@cases(
    "image, reference, label, target",
    ("host:5000/a/b:1", "host:5000/a/b:1", "host:5000/a/b:1", "r.example.com/m/a/b:1"),
    ("host:5000/a/b@sha256:ab", "host:5000/a/b@sha256:ab", "", "r.example.com/m/a/b@sha256:ab"),
    ("host:5000/a/b:1@sha256:ab", "host:5000/a/b@sha256:ab", "", "r.example.com/m/a/b@sha256:ab"),
)
def test_a_digest_counts_for_more_than_a_tag(image: str, reference: str, label: str, target: str) -> None:
    row = mirror.Need(image, ()).row("r.example.com/m/")
    assert (mirror.source(image), row["source"], row["label"], row["target"]) == (reference, reference, label, target)
    assert mirror.Need(image, ()).row("")["target"] == ""


def made(product: Any, objects: Any, **custom: Any) -> dict[str, Any]:
    release = manifest.release(product, objects, "")
    return {
        f"{item['kind']} {item['metadata']['name']}": item
        for item in given.written(release, given.Customization(**custom))
    }


def container(item: Any) -> Any:
    return item["spec"]["template"]["spec"]["containers"][0]


def test_every_object_says_which_release_it_is_of() -> None:
    result = made(OPERATING, operator_release())
    assert {item["metadata"]["labels"]["o11y.opentelemetry/release"] for item in result.values()} == {OPERATING.name}
    owned = {name for name, item in result.items() if "app.kubernetes.io/managed-by" in item["metadata"]["labels"]}
    definitions = {f"CustomResourceDefinition {name}.example.com" for name in ("collectors", "things")}
    assert owned == {"Namespace op", *definitions}


def test_what_was_read_stays_as_it_was_and_notes_of_a_generator_are_left_out() -> None:
    objects = operator_release()
    objects[1]["metadata"]["creationTimestamp"] = None
    objects[1]["status"] = {"acceptedNames": {}}
    before = copy.deepcopy(objects)
    found = made(OPERATING, objects, namespace="other", image_registry="r", workloads={"manager": {"replicas": 3}})
    assert objects == before
    result = found["CustomResourceDefinition collectors.example.com"]
    assert "status" not in result
    assert "creationTimestamp" not in result["metadata"]


def test_another_namespace_reaches_everything_that_names_it() -> None:
    result = made(OPERATING, operator_release(), namespace="mine")
    hooks = result["MutatingWebhookConfiguration hooks"]
    conversion = result["CustomResourceDefinition collectors.example.com"]["spec"]["conversion"]
    clients = [hooks["webhooks"][0]["clientConfig"], conversion["webhook"]["clientConfig"]]
    assert [client["service"]["namespace"] for client in clients] == ["mine", "mine"]
    assert hooks["metadata"]["annotations"] == {"cert-manager.io/inject-ca-from": "mine/serving"}
    assert result["Namespace mine"]["kind"] == "Namespace"
    assert result["ServiceAccount operator"]["metadata"]["namespace"] == "mine"
    assert result["ClusterRoleBinding b"]["subjects"][0]["namespace"] == "mine"
    assert result["Certificate serving"]["spec"]["dnsNames"] == ["hook.mine.svc", "hook.mine.svc.cluster.local"]


def test_leader_election_can_leave_the_namespace_of_the_system() -> None:
    result = made(CERTIFIER, certifier_release(), leader_election_namespace="cert-manager")
    assert result["Role election"]["metadata"]["namespace"] == "cert-manager"
    assert "--leader-election-namespace=cert-manager" in container(result["Deployment cm"])["args"]
    as_published = made(CERTIFIER, certifier_release())
    assert as_published["Role election"]["metadata"]["namespace"] == "kube-system"


def test_a_component_gets_what_was_asked_for_it() -> None:
    placing = {"tolerations": [{"operator": "Exists"}], "affinity": {"nodeAffinity": {}}}
    flags = {"v": 4, "new": True, "leader-election-namespace": None}
    wish = {"replicas": 2, "resources": {"limits": {}}, "flags": flags, "env": {"A": "b"}, "node_selector": {"a": "b"}}
    given = {"controller": {**wish, **placing}}
    result = made(CERTIFIER, certifier_release(), workloads=given, image_pull_secrets=["key"])
    changed, other = result["Deployment cm"]["spec"], result["Deployment cm-webhook"]["spec"]
    pod = {**changed["template"]["spec"]}
    (found,) = pod.pop("containers")
    secrets = {"imagePullSecrets": [{"name": "key"}]}
    assert (changed["replicas"], pod) == (2, {"nodeSelector": {"a": "b"}, **placing, **secrets})
    assert found["args"] == ["--acme-http01-solver-image=quay.io/j/solver:v1", "--v=4", "--new=true"]
    assert (found["resources"], found["env"]) == ({"limits": {}}, [{"name": "A", "value": "b"}])
    assert "replicas" not in other and secrets.items() <= other["template"]["spec"].items()


def test_flags_and_variables_of_the_product_go_to_its_main_component() -> None:
    result = made(CERTIFIER, certifier_release(), flags={"x": "1"}, variables={"A": "b"})
    assert "--x=1" in container(result["Deployment cm"])["args"]
    assert "env" not in container(result["Deployment cm-webhook"])
    with pytest.raises(Problem, match="no component 'webhok'; did you mean 'webhook'"):
        made(CERTIFIER, certifier_release(), workloads={"webhok": {}})
