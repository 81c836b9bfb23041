# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster in memory whose controllers replace pods as Kubernetes does, and whose pods count what they export.

Pods with config `worse` export nothing, and those with `broken` crash, as all do on a node that `crashes`. Pods on a
node that is `down` neither get ready nor end.
"""

from __future__ import annotations

import copy
import hashlib
import json
from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.conditions import is_ready
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.cluster import RawAnswer

from ..._diagnose.live.diagnose_api import CONFIG, spec
from ...fake_api import FakeApi, reply
from ...live_helpers import obj
from .helpers import labels
from .test_observe import ROOT, counts

NUMBER, HASH = "deployment.kubernetes.io/revision", "controller-revision-hash"
PODS = {"app": "a"}
ALL_DAY = 86_400
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")


def collector(config: str, kind: str = "Deployment", **more: Any) -> list[Any]:
    """Return the objects of a collector whose config has this name."""
    pod = copy.deepcopy(spec())
    pod["volumes"][0]["configMap"]["name"] = config
    count = {} if kind == "DaemonSet" else {"replicas": 3}
    template = {"metadata": {"labels": PODS}, "spec": pod}
    body = {**count, "selector": {"matchLabels": PODS}, "template": template, **more}
    return [
        obj("ConfigMap", config, labels=labels(), immutable=True, data={"c": f"{CONFIG}# {config}\n"}),
        obj(kind, "a", api="apps/v1", labels=labels(), spec=body),
    ]


class Rollouts(FakeApi):
    """Controllers act when an object is written, and whenever time passes. There are three nodes."""

    nodes = 3
    down: frozenset[str] = frozenset()
    crashes: frozenset[str] = frozenset()
    # How many seconds a controller takes for each step.
    step_seconds = 0.0
    # What an eviction is answered with, unless it is done.
    evicts: RawAnswer | None = None

    def __init__(self, *manifests: Any) -> None:
        self.made, self.evicted, self.stepped = 0, 0, 0.0
        self.order: dict[str, list[str]] = {}
        super().__init__(*manifests)
        self.clock.on_sleep.append(lambda _now: self.act())

    def __call__(self, method: str, target: str, headers: dict[str, str], body: bytes | None) -> RawAnswer:
        if method == "POST" and target.endswith("/eviction"):
            return self._evicted(target.removesuffix("/eviction"), json.loads(body or b"{}"))
        answer = super().__call__(method, target, headers, body)
        if method in ("PATCH", "DELETE") and "dryRun" not in target:
            self.act()
        return answer

    def _evicted(self, path: str, body: Any) -> RawAnswer:
        self.requests.append(("POST", f"{path}/eviction", {}))
        if self.evicts:
            return self.evicts
        if body["deleteOptions"].get("dryRun"):
            return reply({})
        assert body["deleteOptions"]["preconditions"]["uid"] == self.objects[path]["metadata"]["uid"]
        del self.objects[path]
        self.evicted += 1
        self.act()
        return reply({})

    def _stored(self, new: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
        stored = super()._stored(new, entry)
        if stored["kind"] in WORKLOADS:
            stored["metadata"]["generation"] = stored["metadata"].get("generation", 0) + 1
        return stored

    def act(self) -> None:
        """Let all controllers act until they have nothing left to do, and the pods count."""
        for workload in [item for item in self.objects.values() if item["kind"] in WORKLOADS]:
            while self.clock.now >= self.stepped + self.step_seconds and _ACTS[workload["kind"]](self, workload):
                self.stepped = self.clock.now
            self.report(workload)
        for pod in self.pods():
            config = self.config(pod)
            now = int(20 * self.clock.now) + 100
            sent = (0, now) if "worse" in config else (now, 0)
            self.texts[f"{ROOT}/{pod['metadata']['name']}:8888/proxy/metrics"] = counts(now, *sent)
            self.texts[f"{ROOT}/{pod['metadata']['name']}/log"] = ""

    def pods(self) -> list[Any]:
        return [item for item in self.objects.values() if item["kind"] == "Pod"]

    def configs(self) -> list[str]:
        """Return the configs of the pods."""
        return sorted(map(self.config, self.pods()))

    @staticmethod
    def config(pod: Any) -> str:
        return str(pod["spec"]["volumes"][0]["configMap"]["name"])

    def revision(self, workload: Any) -> str:
        """Return the name of the revision of the current template."""
        text = json.dumps(workload["spec"]["template"], sort_keys=True)
        name = f"a-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
        known = self.order.setdefault(workload["metadata"]["uid"], [])
        if name not in known[-1:]:
            known[:] = [*(one for one in known if one != name), name]
            owner = {"ownerReferences": [{"uid": workload["metadata"]["uid"]}], "uid": name}
            kind = "ReplicaSet" if workload["kind"] == "Deployment" else "ControllerRevision"
            number = {"annotations": {NUMBER: str(len(self.requests) + 1)}}
            found = obj(kind, name, api="apps/v1", labels={**PODS, HASH: name}, metadata={**owner, **number})
            self.add({**found, "revision": len(self.requests) + 1})
        return name

    def split(self, workload: Any) -> tuple[list[Any], list[Any]]:
        """Return the pods of the current revision, and the others."""
        name = self.revision(workload)
        pods = [pod for pod in self.pods() if "deletionTimestamp" not in pod["metadata"]]
        return (
            [pod for pod in pods if pod["metadata"]["labels"][HASH] == name],
            [pod for pod in pods if pod["metadata"]["labels"][HASH] != name],
        )

    def make(self, workload: Any, node: str = "") -> bool:
        self.made += 1
        name = self.revision(workload)
        owner = name if workload["kind"] == "Deployment" else workload["metadata"]["uid"]
        metadata = {"uid": f"pod{self.made}", "ownerReferences": [{"uid": owner}]}
        pod = copy.deepcopy(workload["spec"]["template"]["spec"])
        ready = "broken" not in pod["volumes"][0]["configMap"]["name"] and node not in self.crashes
        waiting = {"waiting": {"reason": "CrashLoopBackOff"}}
        ended = {"terminated": {"reason": "Error", "exitCode": 1}}
        crashed = {"name": "collector", "restartCount": 2, "state": waiting, "lastState": ended}
        conditions = [{"type": "Ready", "status": str(ready and node not in self.down)}]
        state = {"phase": "Running", "conditions": conditions, "containerStatuses": [] if ready else [crashed]}
        pod["nodeName"] = node
        made = obj("Pod", f"p{self.made}", labels={**PODS, HASH: name}, metadata=metadata, spec=pod, status=state)
        self.add(made)
        return True

    def end(self, pod: Any) -> bool:
        if pod["spec"]["nodeName"] in self.down:
            pod["metadata"]["deletionTimestamp"] = "now"
        else:
            del self.objects[f"{ROOT}/{pod['metadata']['name']}"]
        return True

    def report(self, workload: Any) -> None:
        new, old = self.split(workload)
        total = len(new) + len(old)
        held = workload["spec"].get("minReadySeconds", 0) >= ALL_DAY
        available = sum(map(is_ready, old)) + (0 if held else sum(map(is_ready, new)))
        names = self.order[workload["metadata"]["uid"]]
        workload["status"] = {
            "observedGeneration": workload["metadata"]["generation"],
            **dict.fromkeys(("replicas", "currentNumberScheduled"), total),
            "desiredNumberScheduled": self.nodes,
            **dict.fromkeys(("updatedReplicas", "updatedNumberScheduled"), len(new)),
            **dict.fromkeys(("availableReplicas", "numberAvailable", "readyReplicas"), available),
            "updateRevision": names[-1],
            "currentRevision": names[-2] if old and len(names) > 1 else names[-1],
        }


def _deployment(api: Rollouts, workload: Any) -> bool:
    given = workload["spec"]
    new, old = api.split(workload)
    rolling = given.get("strategy", {}).get("rollingUpdate", {})
    surge, fewer = rolling.get("maxSurge", 1), rolling.get("maxUnavailable", 0)
    # Only pods of the newest revision wait for its `minReadySeconds`.
    held = given.get("minReadySeconds", 0) >= ALL_DAY
    available = [*filter(is_ready, old), *([] if held else filter(is_ready, new))]
    useless = [pod for pod in old if not is_ready(pod)]
    if useless or (old and len(available) > given["replicas"] - fewer):
        return api.end([*useless, *old][0])
    if len(new) < given["replicas"] and len(new) + len(old) < given["replicas"] + surge:
        return api.make(workload)
    return bool(len(new) > given["replicas"] and api.end(new[-1]))


def _stateful_set(api: Rollouts, workload: Any) -> bool:
    new, old = api.split(workload)
    partition = workload["spec"].get("updateStrategy", {}).get("rollingUpdate", {}).get("partition", 0)
    missing = len(new) + len(old) < workload["spec"]["replicas"]
    more = workload["spec"]["replicas"] - partition - len(new)
    if missing:
        return api.make(workload)
    return bool(old and more > 0 and api.end(old[-1]))


def _daemon_set(api: Rollouts, workload: Any) -> bool:
    """Act as `rollingUpdate` of k8s.io/kubernetes/pkg/controller/daemon/update.go does without a surge."""
    free = _list_free_nodes(api)
    if free:
        return api.make(workload, free[0])
    strategy = workload["spec"].get("updateStrategy", {})
    if strategy.get("type") == "OnDelete":
        return False
    new, old = api.split(workload)
    starting = [pod for pod in new if not is_ready(pod)]
    useless = [pod for pod in old if not is_ready(pod)]
    useful = [pod for pod in old if is_ready(pod)]
    ending = len(api.pods()) - len(new) - len(old)
    fewer = strategy.get("rollingUpdate", {}).get("maxUnavailable", 1) - ending - len(starting)
    going = [*useless, *useful[: max(fewer, 0)]]
    for pod in going:
        api.end(pod)
    return bool(going)


def _list_free_nodes(api: Rollouts) -> list[str]:
    """Return the nodes without a pod."""
    used = {pod["spec"]["nodeName"] for pod in api.pods()}
    nodes = [f"n{number}" for number in range(api.nodes)]
    return [node for node in nodes if node not in used]


_ACTS = {"Deployment": _deployment, "StatefulSet": _stateful_set, "DaemonSet": _daemon_set}


def watched(api: Rollouts) -> list[list[str]]:
    """Return a list that gets the configs of the pods whenever they differ from those before."""
    seen: list[list[str]] = []

    def look(_now: float) -> None:
        if api.configs() not in seen[-1:]:
            seen.append(api.configs())

    api.clock.on_sleep.append(look)
    return seen
