# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.testing import (
    case,
    cluster_facts,
    object_selectors,
)

from tests.support.cases import cases

TEST: dict[str, Any] = {"name": "a", "given": {"spans": [{}]}, "expect": {"debug": "nothing"}}
FILE: dict[str, Any] = {"config": "a.yaml", "tests": [TEST]}


def test_a_file_has_tests_with_the_resource_of_the_file() -> None:
    given = [{"spans": [{"name": "x", "resource": {"b": 2}}]}, {"logs": [{}], "to": "otlp/b"}]
    data = {
        **FILE,
        "resource": {"a": 1, "b": 1},
        "environment": {"N": 1, "YES": True, "EMPTY": None},
        "tests": [{**TEST, "given": given, "settle": 1}],
    }
    found = case.read_suite(data, "f")
    [test] = found.cases
    assert (found.config, found.environment) == ("a.yaml", {"N": "1", "YES": "true", "EMPTY": ""})
    assert test.given == (
        {"spans": [{"name": "x", "resource": {"a": 1, "b": 2}}]},
        {"logs": [{"resource": {"a": 1, "b": 1}}], "to": "otlp/b"},
    )
    assert (test.settle_seconds, test.timeout, test.where) == (1.0, case.DEFAULT_TIMEOUT_SECONDS, "f: tests[0]")


def without(name: str, data: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key != name}


@cases(
    "data, said",
    ([], "this must be a mapping (at f)"),
    ({**FILE, "test": []}, "there is no key 'test'; did you mean 'tests'?"),
    ({**FILE, "collector": "x"}, "names one collector"),
    (without("config", FILE), "names one collector"),
    ({**FILE, "config_map": {"name": "a", "namespace": "b"}}, "names one collector"),
    ({**without("config", FILE), "config_map": {"name": "a"}}, "a ConfigMap has a name and a namespace"),
    ({**without("config", FILE), "config_map": {"nam": "a"}}, "there is no key 'nam'; did you mean 'name'?"),
    ({**without("config", FILE), "collector": None}, "names one collector"),
    ({**without("config", FILE), "config_map": None}, "names one collector"),
    ({**FILE, "config": ""}, "names one collector"),
    (without("tests", FILE), "there are no tests"),
    ({**FILE, "tests": {}}, "there are no tests"),
    ({**FILE, "environment": []}, None),
    ({**FILE, "environment": "x"}, "'environment' must be a mapping"),
    ({**FILE, "tests": ["x"]}, "this must be a mapping (at f: tests[0])"),
    ({**FILE, "tests": [TEST, TEST]}, "needs a name of its own (at f: tests[1])"),
    ({**FILE, "tests": [without("name", TEST)]}, "needs a name of its own"),
    ({**FILE, "tests": [without("given", TEST)]}, "this must be a mapping (at f: tests[0].given[0])"),
    ({**FILE, "tests": [{**TEST, "given": {"traces": []}}]}, "there is no key 'traces'"),
    (
        {**FILE, "tests": [{**TEST, "given": {}}]},
        "the test gives nothing, so nothing can arrive (at f: tests[0].given)",
    ),
    ({**FILE, "tests": [{**TEST, "given": []}]}, "the test gives nothing"),
    ({**FILE, "tests": [{**TEST, "given": {"to": "otlp", "spans": [], "files": {}}}]}, "the test gives nothing"),
    ({**FILE, "tests": [{**TEST, "given": {"files": {"/var/log/app.log": ""}}}]}, "the test gives nothing"),
    ({**FILE, "tests": [{**TEST, "given": [{}, {"logs": [{}]}]}]}, None),
    ({**FILE, "tests": [{**TEST, "given": {"pages": {"job": "up 1"}}}]}, None),
    ({**FILE, "tests": [{**TEST, "given": {"files": ["x"]}}]}, "'files' must be a mapping"),
    ({"policies": {}}, "names one collector"),
    ({"policies": "x"}, "'policies' must be a list"),
    ({"policies": [{"name": "p"}]}, "a policy has a name and says what may not leave (at f: policies[0])"),
    ({"policies": [{"name": "p", "without": []}]}, "a policy has a name and says what may not leave"),
    ({"policies": [{"name": "p", "every": {}}]}, "a policy has a name and says what may not leave"),
    ({"policies": [{"without": ["card"]}]}, "a policy has a name"),
    ({"policies": [{"name": "p", "without": "card"}]}, "'without' must be a list"),
    ({"policies": [{"name": "p", "without": ["cards"]}]}, "there is no key 'cards'; did you mean 'card'?"),
    ({"policies": [{"name": "p", "every": {"span": {}}}]}, "there is no key 'span'; did you mean 'spans'?"),
    ({"policies": [{"name": "p", "never": {"logs": {"bdy": 1}}}]}, "(at f: policies[0].never.logs)"),
    ({**FILE, "tests": [without("expect", TEST)]}, "a test expects something (at f: tests[0])"),
    ({**FILE, "tests": [{**TEST, "expect": {"e": "none"}}]}, "this must be a mapping (at f: tests[0].expect.e)"),
    ({**FILE, "tests": [{**TEST, "expect": {"e": {"spans": True}}}]}, "'spans' is neither a list nor a number"),
    ({**FILE, "tests": [{**TEST, "expect": {"e": {"exact": True}}}]}, "nothing is expected of this exporter"),
    ({**FILE, "tests": [{**TEST, "expect": {"e": {"jmespath": []}}}]}, "nothing is expected of this exporter"),
    (
        {**FILE, "tests": [{**TEST, "expect": {"e": {"spans": [], "others": True}}}]},
        "nothing is expected of this exporter",
    ),
    ({**FILE, "tests": [{**TEST, "expect": {"e": {"golden": "f", "spans": 1}}}]}, "a golden file has all records"),
    ({**FILE, "tests": [{**TEST, "timeout": "5s"}]}, "'timeout' is not a number of seconds"),
    ({**FILE, "tests": [{**TEST, "settle": -1}]}, "'settle' is not a number of seconds"),
)
def test_what_is_no_test_is_refused_with_its_place(data: Any, said: str | None) -> None:
    if said is None:
        case.read_suite(data, "f")
        return
    with pytest.raises(Problem) as problem:
        case.read_suite(data, "f")
    assert said in str(problem.value)


def test_a_pod_of_a_deployment_has_the_objects_that_lead_to_it() -> None:
    pod = {"name": "p", "namespace": "shop", "ip": "10.0.0.1", "deployment": "cart", "labels": {"app": 1}, "node": "n"}
    found = cluster_facts.build_cluster_objects(
        {"pods": [{**pod, "containers": [{"name": "c", "image": "i:1", "id": "f00"}]}]}, "f"
    )
    [one], [replicas], [deployment] = found["pods"], found["replicasets"], found["deployments"]
    assert one["metadata"]["ownerReferences"][0]["uid"] == replicas["metadata"]["uid"]
    assert replicas["metadata"]["ownerReferences"][0]["uid"] == deployment["metadata"]["uid"]
    template = one["metadata"]["labels"]["pod-template-hash"]
    assert replicas["metadata"]["name"] == f"{deployment['metadata']['name']}-{template}" == f"cart-{template}"
    assert one["metadata"]["labels"]["app"] == "1"
    assert (one["status"]["podIP"], one["spec"]["nodeName"]) == ("10.0.0.1", "n")
    assert one["status"]["containerStatuses"][0]["containerID"] == "containerd://f00"


def test_pods_of_one_workload_share_the_objects_that_lead_to_them() -> None:
    pods = [{"name": name, "namespace": "shop", "deployment": "cart"} for name in ("a", "b")]
    pods += [{"name": "c", "namespace": "other", "deployment": "cart"}]
    pods += [{"name": name, "namespace": "shop", "daemonset": "agent"} for name in ("d", "e")]
    found = cluster_facts.build_cluster_objects({"pods": pods}, "f")
    owners = {resource: [one["metadata"]["namespace"] for one in objects] for resource, objects in found.items()}
    assert owners["replicasets"] == owners["deployments"] == ["shop", "other"]
    assert owners["daemonsets"] == ["shop"]


@cases(
    "facts, said",
    ({"pod": []}, "there are no facts 'pod'; did you mean 'pods'?"),
    ({"pods": [{"deploymnt": "x"}]}, "pods have no field 'deploymnt'; did you mean 'deployment'?"),
    ({"nodes": [{"ip": "x"}]}, "nodes have no field 'ip'"),
    ({"pods": "web"}, "'pods' must be a list of mappings (at f: cluster). Write `pods: [{name: NAME}]`."),
    ({"pods": ["web"]}, "'pods' must be a list of mappings"),
    ({"pods": [{"labels": ["x"]}]}, "'labels' must be a mapping (at f: cluster.pods)"),
    ({"nodes": [{"annotations": "x"}]}, "'annotations' must be a mapping"),
    ({"pods": [{"containers": ["x"]}]}, "'containers' must be a list of mappings (at f: cluster.pods)"),
    ({"pods": [{"containers": [{"image": "i"}]}]}, "a container has no name (at f: cluster.pods)"),
)
def test_a_fact_that_nothing_asks_for_or_of_the_wrong_shape_is_refused(facts: Any, said: str) -> None:
    with pytest.raises(Problem) as problem:
        cluster_facts.build_cluster_objects(facts, "f: cluster")
    assert said in str(problem.value)


def test_a_resource_that_is_left_empty_has_no_objects() -> None:
    found = cluster_facts.build_cluster_objects({"pods": None, "nodes": [{"name": "n", "labels": None}]}, "f")
    assert (found["pods"], len(found["nodes"])) == ([], 1)


@cases(
    "fields, labels, names",
    ("", "", ["a", "b"]),
    ("spec.nodeName=n", "", ["a"]),
    ("spec.nodeName!=n", "", ["b"]),
    ("", "app==x", ["b"]),
    ("spec.nodeName=n,metadata.name=b", "", []),
    ("", "app=x,tier!=y", ["b"]),
    ("", "app in (x)", ["a", "b"]),
)
def test_a_request_gets_what_its_selectors_take(fields: str, labels: str, names: list[str]) -> None:
    pods = [{"name": "a", "node": "n"}, {"name": "b", "node": "m", "labels": {"app": "x"}}]
    found = object_selectors.select_objects(
        cluster_facts.build_cluster_objects({"pods": pods}, "f")["pods"], fields, labels
    )
    assert [item["metadata"]["name"] for item in found] == names


@cases("namespace, names", ("", ["a", "b"]), ("shop", ["b"]))
def test_a_request_of_a_namespace_gets_its_objects_alone(namespace: str, names: list[str]) -> None:
    pods = cluster_facts.build_cluster_objects({"pods": [{"name": "a"}, {"name": "b", "namespace": "shop"}]}, "f")[
        "pods"
    ]
    assert [item["metadata"]["name"] for item in object_selectors.select_objects(pods, "", "", namespace)] == names
