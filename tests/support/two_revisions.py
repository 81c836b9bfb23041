# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real Collectors that stand for the pods of two revisions, on addresses of loopback, behind an API server in memory.

Every pod has an address 127.x.y.z of its own, so that all use the same ports. A few records a second are sent to each.
"""

from __future__ import annotations

import itertools
import os
import random
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.cluster import Cluster, RawAnswer

from tests.support.change_cases import change_config
from tests.support.otlp_backend import send_continuously, serve_backend
from tests.unit.plugins.module_utils.fake_api import FakeApi, status
from tests.unit.plugins.module_utils.live_helpers import obj

START_SECONDS = 60
# Its own metrics, or OTLP.
READY_PORTS = (8888, 8889, 4317)
_NUMBERS = itertools.count(1)
_HOST = f"127.{random.randrange(8, 250)}.{random.randrange(1, 250)}"  # runs side by side use other addresses


def _accepts_connection(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), 1).close()
    except OSError:
        return False
    return True


@dataclass
class Pod:
    """A Collector that stands for a pod."""

    name: str
    host: str
    config: str
    folder: Path
    memory_limit: str = "1Gi"
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    def start(self, program: Path) -> None:
        """Start it, and wait until it serves its metrics."""
        config_file = self.folder / f"{self.name}.yaml"
        config_file.write_text(self.config, encoding="utf-8")
        environment = {"MY_POD_IP": self.host, "MY_POD_NAME": self.name, "GOMAXPROCS": "1", "PATH": os.environ["PATH"]}
        with self.log.open("wb") as log_file:
            command = [str(program), "--config", str(config_file)]
            self.process = subprocess.Popen(command, env=environment, stderr=log_file, stdout=log_file)
        deadline = time.monotonic() + START_SECONDS
        while not any(_accepts_connection(self.host, port) for port in READY_PORTS):
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise RuntimeError(f"{self.name} did not start: {self.log.read_text(errors='replace')[-1500:]}")
            time.sleep(0.1)

    def stop(self) -> None:
        """Kill it: what it still holds is of no interest."""
        if self.process:
            self.process.kill()
            self.process.wait()

    def read_log_lines(self) -> str:
        """Return its log with the timestamps of a kubelet."""
        timestamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        return "".join(f"{timestamp} {line}\n" for line in self.log.read_text(errors="replace").splitlines()[-500:])

    def build_objects(self, revision: str) -> list[dict[str, Any]]:
        """Return the pod and its ConfigMap."""
        owner_references = {"ownerReferences": [{"uid": revision}]}
        container = {
            "name": "collector",
            "args": ["--config=/conf/config.yaml"],
            "env": [
                {"name": "MY_POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
                {"name": "MY_POD_NAME", "value": self.name},
            ],
            "volumeMounts": [{"name": "c", "mountPath": "/conf"}],
            "resources": {"limits": {"memory": self.memory_limit}},
        }
        pod_spec = {"containers": [container], "volumes": [{"name": "c", "configMap": {"name": self.name}}]}
        pod_status = {"phase": "Running", "podIP": "10.0.0.9", "containerStatuses": [{"name": "collector"}]}
        config_map = obj("ConfigMap", self.name, data={"config.yaml": self.config})
        return [
            obj("Pod", self.name, metadata={"uid": self.name, **owner_references}, spec=pod_spec, status=pod_status),
            config_map,
        ]


class PodsApi(FakeApi):
    """A Deployment with pods of two revisions, whose ports and logs are those of real Collectors."""

    def __init__(self, new: Pod, old: Pod) -> None:
        revision_annotation = "deployment.kubernetes.io/revision"
        owner_references = {"ownerReferences": [{"uid": "w"}]}
        replica_sets = [
            obj(
                "ReplicaSet",
                replica_set_name,
                metadata={
                    "uid": replica_set_name,
                    "annotations": {revision_annotation: replica_set_name[-1]},
                    **owner_references,
                },
            )
            for replica_set_name in ("r1", "r2")
        ]
        new_pod = new.build_objects("r2")[0]
        deployment_spec = {"selector": {"matchLabels": {"app": "a"}}, "template": {"spec": new_pod["spec"]}}
        workload = obj("Deployment", "w", metadata={"uid": "w"}, spec=deployment_spec)
        super().__init__(workload, *replica_sets, *new.build_objects("r2"), *old.build_objects("r1"))
        self.pods = {pod.name: pod for pod in (new, old)}
        self.workload = workload
        self.trouble = self._answer_for_pod

    def cluster(self) -> Cluster:
        """Return a cluster whose time is the real one."""
        return Cluster(self, clock=time.monotonic, sleep=time.sleep)

    def _answer_for_pod(self, _method: str, path: str) -> RawAnswer | None:
        path_parts = path.split("/")
        name, _colon, port = (path_parts[6] if len(path_parts) > 6 else "").partition(":")
        pod = self.pods.get(name)
        if pod and path.endswith("/log"):
            return RawAnswer(200, {}, pod.read_log_lines().encode())
        return _proxy_request(pod, port, "/".join(path_parts[8:])) if pod and port else None


def _proxy_request(pod: Pod, port: str, path: str) -> RawAnswer:
    """Return what a pod answers, as the API server does."""
    try:
        with urllib.request.urlopen(f"http://{pod.host}:{port}/{path}", timeout=4) as answer:
            return RawAnswer(200, {}, answer.read())
    except urllib.error.HTTPError as error:
        return status(error.code, "NotFound", str(error.reason))
    except (OSError, ValueError) as error:
        cause = getattr(error, "reason", error)
        is_refused = isinstance(cause, ConnectionRefusedError)
        message = f"dial tcp {pod.host}:{port}: connect: connection refused" if is_refused else str(cause)
        return status(503, "ServiceUnavailable", f"error trying to reach service: {message}")


class Bench:
    """A backend, load, and one pod of the old revision, beside which pods of new revisions are started."""

    def __init__(self, program: Path, folder: Path, base_config: dict[str, Any], stack: ExitStack) -> None:
        self.program, self.folder, self._base = program, folder, base_config
        authority = stack.enter_context(serve_backend())
        self._words = {"authority": authority, "backend": f"http://{authority}", "local": f"{_HOST}.0"}
        self._words["tls"] = stack.enter_context(serve_backend(folder))
        receiver_config = {
            "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": "${env:MY_POD_IP}:4317"}}}},
            "exporters": {"nop": {}},
            "service": {
                "telemetry": {"metrics": {"level": "none"}},
                "pipelines": {signal: {"receivers": ["otlp"], "exporters": ["nop"]} for signal in ("logs", "traces")},
            },
        }
        receiver = self._start_pod("grpc", receiver_config, stack)
        self._words["grpc"] = f"{receiver.host}:4317"
        self.old = self._start_pod("old", self.config({}), stack)
        stack.enter_context(send_continuously(self.old.host))

    def config(self, change: dict[str, Any], folder: Path | None = None) -> dict[str, Any]:
        """Return the base with a change; the words in braces are addresses."""
        return change_config(change, {**self._words, "folder": str(folder or self.folder)}, self._base)

    def _start_pod(self, name: str, config: dict[str, Any], stack: ExitStack, memory_limit: str = "1Gi") -> Pod:
        pod = Pod(name, f"{_HOST}.{next(_NUMBERS)}", yaml.safe_dump(config), self.folder, memory_limit)
        stack.callback(pod.stop)
        pod.start(self.program)
        return pod

    @contextmanager
    def run_canary(self, name: str, change: dict[str, Any], memory_limit: str = "1Gi") -> Iterator[PodsApi]:
        """Run a pod with a changed config under load, and yield the API server that shows both pods."""
        with ExitStack() as stack:
            folder = self.folder / name
            folder.mkdir()
            pod = self._start_pod(name, self.config(change, folder), stack, memory_limit)
            stack.enter_context(send_continuously(pod.host))
            yield PodsApi(pod, self.old)
