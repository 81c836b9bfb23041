"""Measure the collection against kubectl, kubernetes.core and an empty playbook, on one cluster in one run.

Machines differ and drift, so what counts are the ratios: the ways take turns, and each figure is a median.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).parents[2]
CLUSTER = "o11y-bench"
ROUNDS = 5
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


@dataclass(frozen=True)
class Way:
    """One way to do the work: its name, the command, and what brings the cluster to where it starts."""

    name: str
    command: list[str]
    before: Callable[[], None] = lambda: None


def main() -> int:
    """Bring a cluster up, measure all ways, print the table, bring the cluster down."""
    _testbed("up")
    try:
        os.environ |= _environment()
        with tempfile.TemporaryDirectory() as scratch:
            ways = _ways(Path(scratch))
            seconds = {way.name: _measure(way) for way in ways}
    finally:
        _testbed("down")
    _report(seconds)
    return 0


def _ways(scratch: Path) -> list[Way]:
    variables = scratch / "bench.json"
    variables.write_text(json.dumps(INVENTORY))
    site = ["ansible-playbook", str(PROJECT / "playbooks/site.yml"), "-i", "localhost,", "-e", f"@{variables}"]
    _run([*site, "-e", "otel_collector_state=rendered", "-e", f"otel_collector_output_path={scratch}"])
    manifests = scratch / "manifests.yml"
    apply = ["kubectl", "apply", "--server-side", "--force-conflicts", "-f", str(manifests)]
    each = ["ansible-playbook", str(_task_per_object(scratch, manifests)), "-i", "localhost,"]
    rollout = f"kubectl -n {NAMESPACE} rollout status --timeout=120s daemonset/agent deployment/gateway"
    converged = lambda: _run(site)  # noqa: E731 - a name for what several rows need
    return [
        Way("empty playbook", ["ansible-playbook", str(_empty(scratch)), "-i", "localhost,"]),
        Way("first converge: this collection, verified", [*site, "-e", "otel_collector_verify_enabled=true"], _nothing),
        Way(
            "first converge: kubectl apply, then rollout status",
            ["bash", "-c", f"{' '.join(apply)} && {rollout}"],
            _nothing,
        ),
        Way("no-op: this collection", site, converged),
        Way("no-op: kubectl apply", apply, converged),
        Way("no-op: one kubernetes.core.k8s task per object", each, converged),
    ]


def _empty(scratch: Path) -> Path:
    return _playbook(scratch / "empty.yml", [])


def _task_per_object(scratch: Path, manifests: Path) -> Path:
    objects = list(yaml.safe_load_all(manifests.read_text()))
    return _playbook(scratch / "each.yml", [{"kubernetes.core.k8s": {"definition": item}} for item in objects])


def _playbook(path: Path, tasks: list[dict[str, Any]]) -> Path:
    settings = {"hosts": "all", "connection": "local", "gather_facts": False}
    variables = {"ansible_python_interpreter": sys.executable}
    path.write_text(yaml.safe_dump([{**settings, "vars": variables, "tasks": tasks}]))
    return path


def _nothing() -> None:
    _run(["kubectl", "delete", "namespace", NAMESPACE, "--ignore-not-found"])


def _measure(way: Way) -> list[float]:
    return [_timed(way) for _round in range(ROUNDS)]


def _timed(way: Way) -> float:
    way.before()
    start = time.monotonic()
    _run(way.command)
    return time.monotonic() - start


def _report(seconds: dict[str, list[float]]) -> None:
    base = statistics.median(seconds["empty playbook"])
    print(f"{'':52} {'seconds':>8} {'min-max':>13} {'x empty':>8}")
    for name, values in seconds.items():
        middle = statistics.median(values)
        print(f"{name:52} {middle:8.2f} {min(values):6.2f}-{max(values):5.2f} {middle / base:8.2f}")
    noop, each = (
        statistics.median(seconds[f"no-op: {name}"])
        for name in ("this collection", "one kubernetes.core.k8s task per object")
    )
    print(f"no-op against one task per object: {noop / each:.2f} x")


def _environment() -> dict[str, str]:
    shell = f'eval "$({sys.executable} -m tests.testbed env --name {CLUSTER})" && env -0'
    output = subprocess.run(["bash", "-c", shell], cwd=PROJECT, check=True, capture_output=True, text=True).stdout
    return dict(line.split("=", 1) for line in output.split("\0") if "=" in line)


def _testbed(command: str) -> None:
    subprocess.run([sys.executable, "-m", "tests.testbed", command, "--name", CLUSTER], cwd=PROJECT, check=True)


def _run(command: list[str]) -> None:
    result = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    if result.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{result.stdout}{result.stderr}")


if __name__ == "__main__":
    sys.exit(main())
