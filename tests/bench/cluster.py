"""Measure the collection against kubectl, kubernetes.core, Helm and an empty playbook, on one cluster in one run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from . import helm
from .timing import EMPTY, PROJECT, Taken, Way, command, empty, measure, play, playbook, run, table

CLUSTER = "o11y-bench"
ROUNDS = 3
"""Fewer than in other benchmarks: a first converge takes long."""
NOOP = "no-op: this collection"
EACH = "no-op: one kubernetes.core.k8s task per object"
HOST = "localhost"
NAMESPACE = "bench"
INVENTORY: dict[str, Any] = {
    "otel_collector_namespace": NAMESPACE,
    "otel_collector_adopt": True,  # kubectl and the collection apply the same objects in turn
    "otel_collector_host_ports": False,
    "otel_collector_termination_grace_seconds": 1,
    "otel_collectors": [
        {"name": "gateway", "recipes": ["otlp_ingest", "debug_output", "kubernetes_attributes"]},
        {
            "name": "agent",
            "mode": "daemonset",
            "recipes": [
                "otlp_ingest",
                "jaeger_ingest",
                "zipkin_ingest",
                {"otlp_forward": {"endpoint": f"gateway.{NAMESPACE}.svc:4317", "insecure": True}},
            ],
        },
    ],
}


def main() -> None:
    """Bring a cluster up, measure all ways, print the table, bring the cluster down."""
    testbed("up")
    try:
        testbed("install", "helm")
        os.environ |= environment()
        with tempfile.TemporaryDirectory() as scratch:
            taken = measure(_ways(Path(scratch)), ROUNDS)
    finally:
        testbed("down")
    _report(taken)


def on_cluster(measured: Callable[[Path], None]) -> None:
    """Bring a cluster up, measure with a folder for files, bring the cluster down."""
    testbed("up")
    try:
        os.environ |= environment()
        with tempfile.TemporaryDirectory() as scratch:
            measured(Path(scratch))
    finally:
        testbed("down")


def _ways(scratch: Path) -> list[Way]:
    site = site_of(scratch)
    manifests = rendered(site, scratch / "rendered", NAMESPACE)
    charts, tasks = helm.releases(scratch, rendered(site, scratch / "for-helm", helm.NAMESPACE))
    released = play(playbook(scratch / "helm.yml", tasks))
    run(released)
    apply = ["kubectl", "apply", "--server-side", "--force-conflicts", "-f", str(manifests)]
    each = play(_task_per_object(scratch, manifests))
    rollout = f"kubectl -n {NAMESPACE} rollout status --timeout=120s daemonset/agent deployment/gateway"
    verified = [*site, "-e", "otel_collector_verify_enabled=true"]
    applied = ["bash", "-c", f"{' '.join(apply)} && {rollout}"]
    # Each no-op follows a run after which it has nothing to change.
    return [
        empty(scratch),
        command("first converge: this collection, verified", verified, _delete_namespace),
        command("first converge: kubectl apply, then rollout status", applied, _delete_namespace),
        command(NOOP, site, partial(run, site)),
        command(EACH, each),
        command(f"no-op: kubernetes.core.helm, {charts}", released),
        command("no-op: kubectl apply", apply),
    ]


def site_of(scratch: Path) -> list[str]:
    """Return the command that deploys the collectors."""
    variables = scratch / "bench.json"
    variables.write_text(json.dumps(INVENTORY))
    return ["ansible-playbook", str(PROJECT / "playbooks/site.yml"), "-i", f"{HOST},", "-e", f"@{variables}"]


def rendered(site: list[str], folder: Path, namespace: str) -> Path:
    """Return the manifests of a namespace, in a file."""
    variables = {"state": "rendered", "output_path": str(folder), "namespace": namespace}
    extra: list[str] = []
    for name, value in variables.items():
        extra += ["-e", f"otel_collector_{name}={value}"]
    run([*site, *extra])
    return folder / HOST / "manifests.yml"


def _task_per_object(scratch: Path, manifests: Path) -> Path:
    """Write a playbook with a task for each object in the manifests."""
    objects = list(yaml.safe_load_all(manifests.read_text()))
    return playbook(scratch / "each.yml", [{"kubernetes.core.k8s": {"definition": item}} for item in objects])


def _delete_namespace() -> None:
    """Remove all that was deployed, for a first converge."""
    run(["kubectl", "delete", "namespace", NAMESPACE, "--ignore-not-found"])


def _report(taken: dict[str, list[Taken]]) -> None:
    charts = next(name for name in taken if "kubernetes.core.helm" in name)
    table(taken, EMPTY, {"no-op against one task per object": (NOOP, EACH), "no-op against Helm": (NOOP, charts)})


def environment() -> dict[str, str]:
    """Return the variables that make commands use the cluster."""
    shell = f'eval "$({sys.executable} -m tests.testbed env --name {CLUSTER})" && env -0'
    output = subprocess.run(["bash", "-c", shell], cwd=PROJECT, check=True, capture_output=True, text=True).stdout
    return dict(line.split("=", 1) for line in output.split("\0") if "=" in line)


def testbed(*command: str) -> None:
    """Do something to the cluster of the benchmarks: bring it up or down, or load more into it."""
    subprocess.run([sys.executable, "-m", "tests.testbed", *command, "--name", CLUSTER], cwd=PROJECT, check=True)
