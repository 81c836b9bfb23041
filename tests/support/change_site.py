# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collectors in a cluster that `site` changes as tests/integration/change_cases.yml says, while clients send."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from testinfra.host import Host

from .background import repeat_in_background
from .change_cases import change_config, make_lossless, object_name
from .cluster import Cluster, node_ips, wait_until
from .load import Load, send_load
from .otlp_backend import SIGNALS, list_record_names, post_records
from .runs import start_playbook

NAMESPACE, SINK, PORT = "faults", "sink", 4318
# So many clients of each signal, with such a pause between requests, wait so long for an answer.
CLIENTS, PAUSE_SECONDS, PATIENCE_SECONDS = 6, 0.4, 10.0
SETTLED_SECONDS = 120
SINK_CONFIG = {
    "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": "${env:MY_POD_IP}:4317"}}}},
    "exporters": {"otlp_http": {"endpoint": "{backend}/free"}},
    "extensions": {"health_check": {"endpoint": "${env:MY_POD_IP}:13133"}},
    "service": {
        "extensions": ["health_check"],
        "pipelines": {one: {"receivers": ["otlp"], "exporters": ["otlp_http"]} for one in SIGNALS},
    },
}


class _Pods(NamedTuple):
    """The pods of one collector: those of new revisions, and those from before the change."""

    new_pods: list[Mapping[str, Any]]
    old_pods: list[Mapping[str, Any]]


@dataclass
class Case:
    """One collector under change: of its config, as facts say, with these options."""

    title: str
    change: Mapping[str, Any]
    options: Mapping[str, Any]
    facts: Mapping[str, Any] = field(default_factory=dict)
    loads: list[Load] = field(default_factory=list)
    pods_before: set[str] = field(default_factory=set)
    first_seen_time: float = 0.0
    ready_time: float = 0.0
    undone_time: float = 0.0

    @property
    def name(self) -> str:
        return object_name(self.title)

    @property
    def is_fault(self) -> bool:
        return "by" in self.facts

    @property
    def keeps_all_data(self) -> bool:
        """Return whether its collector keeps no data for later, and drops none."""
        return self.is_fault and not {"drops", "holds"} & set(self.facts)

    def build_collector(self, addresses: Mapping[str, str], *, after: bool) -> dict[str, Any]:
        """Return the collector before or after the change."""
        config = change_config(self.change if after else {}, addresses)
        config["extensions"]["health_check"] = {"endpoint": "${env:MY_POD_IP}:13133"}
        config["service"]["extensions"] = sorted({"health_check", *config["service"]["extensions"]})
        memory = self.facts.get("memory") if after else None
        return {
            "name": self.name,
            "config": config if self.facts.get("holds", not self.is_fault) else make_lossless(config),
            "memory_limit": memory or "512Mi",
            "change": self.options,
        }

    def note_pods(self, pods: list[dict[str, Any]]) -> None:
        """Note when the first pod of the new revision is seen, when one is ready, and since when there is none."""
        current_time = time.monotonic()
        new_pods, old_pods = self._split_by_revision(pods)
        if new_pods and not self.first_seen_time:
            self.first_seen_time = current_time
        if any(map(is_ready, new_pods)) and not self.ready_time:
            self.ready_time = current_time
        is_back = self.first_seen_time and not new_pods and len(old_pods) > 1 and all(map(is_ready, old_pods))
        if not is_back:
            self.undone_time = 0.0
        elif not self.undone_time:
            self.undone_time = current_time

    def _split_by_revision(self, pods: Iterable[Mapping[str, Any]]) -> _Pods:
        """Return the pods of the collector, those of new revisions and those of earlier ones."""
        pods_by_age = _Pods([], [])
        for pod in pods:
            revision = find_revision(pod, self.name)
            if revision in self.pods_before:
                pods_by_age.old_pods.append(pod)
            elif revision:
                pods_by_age.new_pods.append(pod)
        return pods_by_age

    def makes_difference(self, addresses: Mapping[str, str]) -> bool:
        """Return whether the change makes a difference on a cluster."""
        return self.build_collector(addresses, after=True) != self.build_collector(addresses, after=False)

    @property
    def undo_seconds(self) -> float:
        """Return the seconds until it is undone, from the first failed try of a client, or else the first new pod."""
        failures = [client_load.first_failure for client_load in self.loads if client_load.first_failure]
        return self.undone_time - min(failures, default=self.ready_time or self.first_seen_time)

    @property
    def new_pod_seconds(self) -> float:
        """Return for how many seconds there were new pods."""
        return self.undone_time - (self.ready_time or self.first_seen_time)

    def count_missing(self, backend: str) -> int:
        """Return how many records were taken, and are not in the backend; those that no try delivered too."""
        taken_records = {
            record
            for client_load in self.loads
            for text in [*client_load.taken, *client_load.lost]
            for record in list_record_names(text)
        }
        with urllib.request.urlopen(f"{backend}/{self.name}-", timeout=60) as answer:
            return len(taken_records - set(json.load(answer)))


def is_ready(pod: Mapping[str, Any]) -> bool:
    """Return whether a pod says that it is ready."""
    return any(
        condition["type"] == "Ready" and condition["status"] == "True"
        for condition in pod["status"].get("conditions", ())
    )


def find_revision(pod: Mapping[str, Any], name: str) -> str:
    """Return the revision of a pod, if the pod is of that collector."""
    labels = pod["metadata"]["labels"]
    return str(labels["pod-template-hash"]) if labels.get("o11y.opentelemetry/collector") == name else ""


class Site:
    """The collectors of some cases in a cluster, and the backend that they send to."""

    def __init__(self, host: Host, backend: str, addresses: Mapping[str, str], folder: Path) -> None:
        self.cluster, self.where, self.file = Cluster(host, NAMESPACE), addresses, folder / "inventory.yml"
        self.common: dict[str, Any] = {
            "otel_collector_namespace": NAMESPACE,
            "otel_collector_backend": backend,
            "otel_collector_replicas": 2,
            "otel_collector_cpu_request": "10m",
            "otel_collector_termination_grace_seconds": 10,
            "otel_collector_service": {"type": "NodePort"},
            # The token of the simulated backend is no secret.
            "otel_collector_severities": {"plaintext-secret": "off"},
        }

    def start(
        self, cases: Iterable[Case], changed_cases: Iterable[Case] = (), playbook: str = "site"
    ) -> subprocess.Popen[str]:
        """Start a playbook for the collectors of some cases, some of them after their change."""
        sink = {"name": SINK, "replicas": 1, "config": change_config({}, self.where, SINK_CONFIG)}
        collectors = [sink, *(case.build_collector(self.where, after=case in changed_cases) for case in cases)]
        local_variables = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        hosts = {"cluster": {**local_variables, **self.common, "otel_collectors": collectors}}
        self.file.write_text(yaml.safe_dump({"all": {"hosts": hosts}}), encoding="utf-8")
        return start_playbook(playbook, str(self.file))

    def run(self, cases: Iterable[Case], changed_cases: Iterable[Case] = ()) -> tuple[int, str]:
        return wait_for_end(self.start(cases, changed_cases))

    @contextmanager
    def watch_pods(self, cases: Iterable[Case]) -> Iterator[None]:
        """Watch the pods of all cases, while clients send to them."""
        for case in cases:
            case.pods_before, case.first_seen_time, case.ready_time, case.undone_time = (
                set(self.list_revisions(case)),
                0.0,
                0.0,
                0.0,
            )

        def note_all_pods() -> None:
            pods = self.pods()
            for case in cases:
                case.note_pods(pods)

        with self.run_clients(cases), repeat_in_background(note_all_pods, 1.0):
            yield

    def stop_pods(self, cases: Iterable[Case]) -> None:
        """Stop the pods of some cases. What else they have goes with the namespace."""
        kind = {"kubernetes": "deployments", "operator": "opentelemetrycollectors"}[
            self.common["otel_collector_backend"]
        ]
        names = " ".join(case.name for case in cases)
        self.cluster.host.check_output(f"kubectl -n {NAMESPACE} delete {kind} --wait=false {names}")

    def list_revisions(self, case: Case) -> list[str]:
        return [revision for pod in self.pods() if (revision := find_revision(pod, case.name))]

    def read_records(self) -> str:
        command = f"kubectl -n {NAMESPACE} get configmap -l o11y.opentelemetry/change=under-way -o name"
        return str(self.cluster.host.check_output(command))

    def pods(self) -> list[dict[str, Any]]:
        return self.cluster.pods("o11y.opentelemetry/collector")

    def receiver_address(self, name: str) -> str:
        ports = self.cluster.get("service", name)["spec"]["ports"]
        return f"http://{node_ips()[0]}:{next(port['nodePort'] for port in ports if port['port'] == PORT)}"

    @contextmanager
    def run_clients(self, cases: Iterable[Case]) -> Iterator[None]:
        """Let clients send to the collectors of all cases."""
        with ExitStack() as stack:
            for case in cases:
                url, case.loads = self.receiver_address(case.name), []
                for signal in SIGNALS:
                    load_options = {
                        "post": partial(post_records, signal, seconds=PATIENCE_SECONDS),
                        "pause": PAUSE_SECONDS,
                        "clients": CLIENTS,
                    }
                    case.loads.append(stack.enter_context(send_load(url, f"{case.name}-{signal}", **load_options)))
            wait_until_taken(cases)
            yield
            wait_until_taken(cases)


def wait_until_taken(cases: Iterable[Case]) -> None:
    """Wait until each collector has taken more."""
    counts = {id(client_load): len(client_load.taken) for case in cases for client_load in case.loads}

    def has_more() -> bool:
        loads = [client_load for case in cases for client_load in case.loads]
        return all(len(client_load.taken) > counts[id(client_load)] + 10 for client_load in loads)

    wait_until("records that are taken", has_more, SETTLED_SECONDS)


def wait_for_end(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Return how a run ends, and what it prints."""
    output = process.communicate()[0]
    return process.returncode, output
