# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Job of a capture: its pod is one of the workload that Services find, no controller adopts it, and it ends."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._capture.capture_job import (
    CONFIG_VARIABLE,
    build_capture_job,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._capture.capture_reader import (
    CAPTURE_FILE,
    READER_NAME,
    SLACK_BYTES,
    CaptureJob,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

LABELS = {"app": "gateway", "pod-template-hash": "abc", "o11y.opentelemetry/collector": "gateway"}
WANTED = CaptureJob("gateway-capture-x", {"exporters": {}}, "a-secret-path", "busybox", 10001, 1 << 20, 90)
ON_NODE = replace(WANTED, node_name="node-7")


def workload(kind: str = "Deployment", **pod: Any) -> dict[str, Any]:
    container = {
        "name": "otc-container",
        "image": "contrib:0.158.0",
        "args": ["--config=/conf/config.yaml"],
        "ports": [{"containerPort": 4317, "hostPort": 4317}, {"containerPort": 18090}],
        "resources": {"limits": {"memory": "512Mi", "cpu": "1"}, "requests": {"memory": "256Mi"}},
    }
    spec = {"containers": [container], "terminationGracePeriodSeconds": 40, "serviceAccountName": "gateway", **pod}
    template = {"metadata": {"labels": dict(LABELS), "annotations": {"a": "b"}}, "spec": spec}
    metadata = {"name": "gateway", "namespace": "ns", "uid": "u"}
    return {"kind": kind, "metadata": metadata, "spec": {"template": template}}


def pod_of(job: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = job["spec"]["template"]["spec"]
    return spec


def container(job: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in pod_of(job)["containers"] if one["name"] == name)


def test_kubernetes_ends_and_removes_the_job() -> None:
    spec = build_capture_job(workload(), WANTED)[0]["spec"]
    assert (spec["activeDeadlineSeconds"], spec["backoffLimit"], spec["ttlSecondsAfterFinished"]) == (90, 0, 60)
    assert pod_of({"spec": spec})["restartPolicy"] == "Never"
    assert pod_of({"spec": spec})["terminationGracePeriodSeconds"] == 40


def test_services_find_the_pod_and_no_controller_takes_it_for_its_own() -> None:
    template = build_capture_job(workload(), WANTED)[0]["spec"]["template"]
    assert template["metadata"]["labels"] == {"app": "gateway", "o11y.opentelemetry/collector": "gateway"}
    assert template["metadata"]["annotations"].items() >= {("a", "b")}
    assert template["spec"]["serviceAccountName"] == "gateway"


def test_the_webhooks_of_clouds_give_the_reader_no_token() -> None:
    names = ("eks.amazonaws.com/skip-containers", "azure.workload.identity/skip-containers")
    annotations = build_capture_job(workload(), WANTED)[0]["spec"]["template"]["metadata"]["annotations"]
    assert [annotations[name] for name in names] == [READER_NAME, READER_NAME]
    served = workload()
    served["spec"]["template"]["metadata"]["annotations"] = dict.fromkeys(names, "sidecar")
    annotations = build_capture_job(served, WANTED)[0]["spec"]["template"]["metadata"]["annotations"]
    assert [annotations[name] for name in names] == [f"sidecar,{READER_NAME}", f"sidecar;{READER_NAME}"]


def test_the_collector_keeps_its_config_and_gets_another_on_top() -> None:
    tapped = container(build_capture_job(workload(), WANTED)[0], "otc-container")
    assert tapped["args"] == ["--config=/conf/config.yaml", f"--config=env:{CONFIG_VARIABLE}"]
    assert {one["name"]: json.loads(one["value"]) for one in tapped["env"]} == {CONFIG_VARIABLE: {"exporters": {}}}
    added = 2 * (WANTED.most_bytes + SLACK_BYTES)
    limits = {kind: value["memory"] for kind, value in tapped["resources"].items()}
    assert limits == {"limits": str((512 << 20) + added), "requests": str((256 << 20) + added)}
    assert CAPTURE_FILE.startswith(tapped["volumeMounts"][-1]["mountPath"])


def test_nothing_on_the_node_is_opened_or_written() -> None:
    job, port = build_capture_job(workload(), WANTED)
    ports = [opened for one in pod_of(job)["containers"] for opened in one.get("ports", ())]
    assert not any("hostPort" in opened for opened in ports)
    assert port == 18091, "18090 is a port of the collector's own"
    assert [volume["emptyDir"].get("medium") for volume in pod_of(job)["volumes"]] == ["Memory", "Memory", None]


def test_the_pod_writes_to_no_folder_of_its_node() -> None:
    """An agent keeps its state there, such as how far it has read files: two pods would have it at once."""
    state = {"name": "state", "hostPath": {"path": "/var/lib/o11y/ns-agent", "type": "DirectoryOrCreate"}}
    logs = {"name": "logs", "hostPath": {"path": "/var/log", "type": "Directory"}}
    agent = workload("DaemonSet", volumes=[state, logs])
    mounts = [{"name": "state", "mountPath": "/state"}, {"name": "logs", "mountPath": "/var/log"}]
    given = agent["spec"]["template"]["spec"]
    given["containers"][0]["volumeMounts"] = mounts
    given["initContainers"] = [{"name": "first", "volumeMounts": [dict(mounts[1])]}]
    job, _port = build_capture_job(agent, WANTED)
    volumes = {volume["name"]: volume for volume in pod_of(job)["volumes"]}
    assert (volumes["state"], volumes["logs"]) == ({"name": "state", "emptyDir": {}}, logs)
    for one in (container(job, "otc-container"), pod_of(job)["initContainers"][0]):
        assert {mount["name"]: mount.get("readOnly") for mount in one["volumeMounts"] if mount["name"] == "logs"} == {
            "logs": True
        }


def test_no_pod_of_others_makes_room_for_the_pod() -> None:
    important = workload(priorityClassName="system-node-critical", priority=2000001000, preemptionPolicy="Never")
    pod = pod_of(build_capture_job(important, WANTED)[0])
    assert not {"priorityClassName", "priority", "preemptionPolicy"} & {*pod}


ZONE = {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}
NODE = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["node-7"]}]}
NAMED = {"matchFields": [{"key": "metadata.name", "operator": "NotIn", "values": ["node-8"]}]}


@pytest.mark.parametrize(
    ("terms", "bound"),
    [
        ([], [NODE]),
        ([ZONE], [{**ZONE, **NODE}]),
        ([ZONE, NAMED], [{**ZONE, **NODE}, {"matchFields": [*NAMED["matchFields"], *NODE["matchFields"]]}]),
    ],
)
def test_a_pod_runs_on_the_node_that_is_asked_for(terms: list[Any], bound: list[Any]) -> None:
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}} if terms else {}
    given = workload("DaemonSet", affinity={"nodeAffinity": required, "podAffinity": {"a": "b"}})
    before = json.dumps(given)
    affinity = pod_of(build_capture_job(given, ON_NODE)[0])["affinity"]
    assert affinity["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"] == {"nodeSelectorTerms": bound}
    assert affinity["podAffinity"] == {"a": "b"}
    assert json.dumps(given) == before
    assert "affinity" not in pod_of(build_capture_job(workload(), WANTED)[0])


def test_the_reader_has_no_token_of_the_account() -> None:
    """Kubernetes mounts the token in each container that has nothing else there."""
    pod = pod_of(build_capture_job(workload(), WANTED)[0])
    (mount,) = [
        one
        for one in container({"spec": {"template": {"spec": pod}}}, READER_NAME)["volumeMounts"]
        if one["mountPath"] == "/var/run/secrets/kubernetes.io/serviceaccount"
    ]
    assert {"name": mount["name"], "emptyDir": {}} in pod["volumes"]
    assert mount["readOnly"]


def test_claims_are_empty_volumes() -> None:
    claimed = workload("StatefulSet", volumes=[{"name": "more", "persistentVolumeClaim": {"claimName": "more"}}])
    claimed["spec"]["volumeClaimTemplates"] = [{"metadata": {"name": "state"}}]
    volumes = {volume["name"]: volume for volume in pod_of(build_capture_job(claimed, WANTED)[0])["volumes"]}
    assert volumes["more"] == {"name": "more", "emptyDir": {}}
    assert volumes["state"] == {"name": "state", "emptyDir": {}}


def test_the_workload_stays_as_it_is() -> None:
    given = workload()
    before = json.dumps(given)
    build_capture_job(given, WANTED)
    assert json.dumps(given) == before


@pytest.mark.parametrize(
    ("pod", "user"),
    [({}, 10001), ({"securityContext": {"runAsUser": 5}}, None), ({"securityContext": {"runAsNonRoot": True}}, 10001)],
)
def test_the_reader_has_a_user_of_its_own_if_the_pod_has_none(pod: dict[str, Any], user: int | None) -> None:
    reader = container(build_capture_job(workload(**pod), WANTED)[0], READER_NAME)
    assert reader["securityContext"].get("runAsUser") == user
    assert reader["securityContext"]["readOnlyRootFilesystem"]


def test_a_pod_that_cannot_run_twice_is_refused() -> None:
    with pytest.raises(Problem, match="use the network of their node"):
        build_capture_job(workload(hostNetwork=True), WANTED)
    bare = workload()
    bare["spec"]["template"]["spec"]["containers"][0]["args"] = []
    with pytest.raises(Problem, match="names no `--config`"):
        build_capture_job(bare, WANTED)


def test_the_last_port_of_the_range_is_used_and_a_pod_without_a_free_port_is_refused() -> None:
    busy = workload()
    ports = busy["spec"]["template"]["spec"]["containers"][0]["ports"] = [
        {"containerPort": port} for port in range(18090, 18190)
    ]
    assert build_capture_job(busy, WANTED).port == 18190
    ports.append({"containerPort": 18190})
    with pytest.raises(Problem, match="name all ports from 18090 to 18190"):
        build_capture_job(busy, WANTED)
