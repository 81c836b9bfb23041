# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.releases import manifest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.releases.wishes import Customization, written

from .samples import CERTIFIER, OPERATING, certifier_release, operator_release


def made(product: Any, objects: Any, **wishes: Any) -> dict[str, Any]:
    release = manifest.release(product, objects, "")
    return {f"{item['kind']} {item['metadata']['name']}": item for item in written(release, Customization(**wishes))}


def container(item: Any) -> Any:
    return item["spec"]["template"]["spec"]["containers"][0]


def test_every_object_says_which_release_it_is_of() -> None:
    result = made(OPERATING, operator_release())
    assert {item["metadata"]["labels"]["o11y.opentelemetry/release"] for item in result.values()} == {OPERATING.name}
    owned = {name for name, item in result.items() if "app.kubernetes.io/managed-by" in item["metadata"]["labels"]}
    assert owned == {
        "Namespace op",
        "CustomResourceDefinition collectors.example.com",
        "CustomResourceDefinition things.example.com",
    }


def test_what_was_read_stays_as_it_was() -> None:
    objects = operator_release()
    before = copy.deepcopy(objects)
    made(OPERATING, objects, namespace="other", image_registry="r", workloads={"manager": {"replicas": 3}})
    assert objects == before


def test_notes_of_a_generator_are_left_out() -> None:
    objects = operator_release()
    objects[1]["metadata"]["creationTimestamp"] = None
    objects[1]["status"] = {"acceptedNames": {}}
    result = made(OPERATING, objects)["CustomResourceDefinition collectors.example.com"]
    assert "status" not in result
    assert "creationTimestamp" not in result["metadata"]


def test_another_namespace_reaches_everything_that_names_it() -> None:
    result = made(OPERATING, operator_release(), namespace="mine")
    assert result["Namespace mine"]["kind"] == "Namespace"
    assert result["ServiceAccount operator"]["metadata"]["namespace"] == "mine"
    assert result["ClusterRoleBinding b"]["subjects"][0]["namespace"] == "mine"
    hooks = result["MutatingWebhookConfiguration hooks"]
    assert hooks["webhooks"][0]["clientConfig"]["service"]["namespace"] == "mine"
    assert hooks["metadata"]["annotations"] == {"cert-manager.io/inject-ca-from": "mine/serving"}
    conversion = result["CustomResourceDefinition collectors.example.com"]["spec"]["conversion"]
    assert conversion["webhook"]["clientConfig"]["service"]["namespace"] == "mine"
    assert result["Certificate serving"]["spec"]["dnsNames"] == ["hook.mine.svc", "hook.mine.svc.cluster.local"]


def test_leader_election_can_leave_the_namespace_of_the_system() -> None:
    result = made(CERTIFIER, certifier_release(), leader_election_namespace="cert-manager")
    assert result["Role election"]["metadata"]["namespace"] == "cert-manager"
    assert "--leader-election-namespace=cert-manager" in container(result["Deployment cm"])["args"]
    as_published = made(CERTIFIER, certifier_release())
    assert as_published["Role election"]["metadata"]["namespace"] == "kube-system"


def test_a_component_gets_what_was_asked_for_it() -> None:
    wish = {
        "replicas": 2,
        "resources": {"limits": {"memory": "1Gi"}},
        "flags": {"v": 4, "new": True, "leader-election-namespace": None},
        "env": {"A": "b"},
        "node_selector": {"a": "b"},
        "tolerations": [{"operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
    }
    result = made(CERTIFIER, certifier_release(), workloads={"controller": wish}, image_pull_secrets=["key"])
    changed, other = result["Deployment cm"], result["Deployment cm-webhook"]
    pod = changed["spec"]["template"]["spec"]
    assert changed["spec"]["replicas"] == 2
    assert (pod["nodeSelector"], pod["tolerations"]) == ({"a": "b"}, [{"operator": "Exists"}])
    assert pod["affinity"] == {"nodeAffinity": {}}
    assert container(changed)["resources"] == {"limits": {"memory": "1Gi"}}
    assert container(changed)["args"] == ["--acme-http01-solver-image=quay.io/j/solver:v1", "--v=4", "--new=true"]
    assert container(changed)["env"] == [{"name": "A", "value": "b"}]
    assert "replicas" not in other["spec"]
    assert {item["spec"]["template"]["spec"]["imagePullSecrets"][0]["name"] for item in (changed, other)} == {"key"}


def test_flags_and_variables_of_the_product_go_to_its_main_component() -> None:
    result = made(CERTIFIER, certifier_release(), flags={"x": "1"}, variables={"A": "b"})
    assert "--x=1" in container(result["Deployment cm"])["args"]
    assert "env" not in container(result["Deployment cm-webhook"])


def test_a_component_that_there_is_not_is_refused() -> None:
    with pytest.raises(Problem, match="no component 'webhok'; did you mean 'webhook'"):
        made(CERTIFIER, certifier_release(), workloads={"webhok": {}})
