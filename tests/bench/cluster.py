"""Measure the collection against kubectl, kubernetes.core and an empty playbook, on one cluster in one run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from .timing import EMPTY, PROJECT, Way, command, empty, measure, play, playbook, run, table

CLUSTER = "o11y-bench"
NAMESPACE = "bench"
INVENTORY: dict[str, Any] = {
    "otel_collector_namespace": NAMESPACE,
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
        os.environ |= environment()
        with tempfile.TemporaryDirectory() as scratch:
            seconds = measure(_ways(Path(scratch)))
    finally:
        testbed("down")
    _report(seconds)


def _ways(scratch: Path) -> list[Way]:
    variables = scratch / "bench.json"
    variables.write_text(json.dumps(INVENTORY))
    site = ["ansible-playbook", str(PROJECT / "playbooks/site.yml"), "-i", "localhost,", "-e", f"@{variables}"]
    run([*site, "-e", "otel_collector_state=rendered", "-e", f"otel_collector_output_path={scratch}"])
    manifests = scratch / "manifests.yml"
    apply = ["kubectl", "apply", "--server-side", "--force-conflicts", "-f", str(manifests)]
    each = play(_task_per_object(scratch, manifests))
    rollout = f"kubectl -n {NAMESPACE} rollout status --timeout=120s daemonset/agent deployment/gateway"
    converged = lambda: run(site)  # noqa: E731 - a name for what several rows need
    return [
        empty(scratch),
        command(
            "first converge: this collection, verified", [*site, "-e", "otel_collector_verify_enabled=true"], _nothing
        ),
        command(
            "first converge: kubectl apply, then rollout status",
            ["bash", "-c", f"{' '.join(apply)} && {rollout}"],
            _nothing,
        ),
        command("no-op: this collection", site, converged),
        command("no-op: kubectl apply", apply, converged),
        command("no-op: one kubernetes.core.k8s task per object", each, converged),
    ]


def _task_per_object(scratch: Path, manifests: Path) -> Path:
    objects = list(yaml.safe_load_all(manifests.read_text()))
    return playbook(scratch / "each.yml", [{"kubernetes.core.k8s": {"definition": item}} for item in objects])


def _nothing() -> None:
    run(["kubectl", "delete", "namespace", NAMESPACE, "--ignore-not-found"])


def _report(seconds: dict[str, list[float]]) -> None:
    noop, each = "no-op: this collection", "no-op: one kubernetes.core.k8s task per object"
    table(seconds, EMPTY, {"no-op against one task per object": (noop, each)})


def environment() -> dict[str, str]:
    """Return the variables that make commands use the cluster."""
    shell = f'eval "$({sys.executable} -m tests.testbed env --name {CLUSTER})" && env -0'
    output = subprocess.run(["bash", "-c", shell], cwd=PROJECT, check=True, capture_output=True, text=True).stdout
    return dict(line.split("=", 1) for line in output.split("\0") if "=" in line)


def testbed(command: str) -> None:
    """Bring the cluster of the benchmarks up or down."""
    subprocess.run([sys.executable, "-m", "tests.testbed", command, "--name", CLUSTER], cwd=PROJECT, check=True)
