"""Measure one run of the site over many clusters: wall time, CPU and memory of the controller, by hosts and forks.

The clusters are simulated: one real API server, with a namespace of its own for each host. The collectors have no
replicas, so no pod starts and no rollout is waited for; what is measured is the controller's work. The server runs on
the same machine: it counts in the wall time, and not in the controller's CPU.
"""

from __future__ import annotations

import contextlib
import json
import re
import resource
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.processes import list_process_tree

from . import cluster
from .timing import EMPTY, PROJECT, cpu_seconds, play, playbook, run

INVENTORY: dict[str, Any] = {
    "otel_collector_namespace": "bench-{{ inventory_hostname }}",
    "otel_collector_replicas": 0,
    "otel_collectors": [
        {"name": "gateway", "recipes": ["otlp_ingest", "debug_output", "kubernetes_attributes"]},
        {"name": "edge", "recipes": ["otlp_ingest", {"otlp_forward": {"endpoint": "gateway:4317", "insecure": True}}]},
    ],
}
FIRST, NOOP = True, False
ROWS = (
    (1, 5, FIRST),
    (10, 10, FIRST),
    (50, 10, FIRST),
    (1, 5, NOOP),
    (10, 5, NOOP),
    (10, 10, NOOP),
    (10, 25, NOOP),
    (50, 5, NOOP),
    (50, 10, NOOP),
    (50, 25, NOOP),
)
"""Hosts, forks, and whether the run is the first converge. The others change nothing."""
SAMPLE_SECONDS = 0.5
SHARE = re.compile(r"^Pss:\s+(\d+) kB", re.MULTILINE)


@dataclass(frozen=True)
class Cost:
    """What a run took."""

    wall: float
    """Seconds by the clock."""
    cpu: float
    """Seconds of CPU."""
    memory: float
    """The most memory at once, in MiB."""

    def row(self, name: str, hosts: int, nothing: Cost, one: Cost) -> str:
        """Return a line of the table; a host's share is what a run costs beyond an empty playbook."""
        each = (self.cpu - nothing.cpu) / hosts
        ratios = f"{self.wall / one.wall:8.1f} {self.cpu / one.cpu:8.1f}"
        return f"{name:34} {self.wall:8.1f} {self.cpu:8.1f} {self.memory:8.0f} {each:10.2f} {ratios}"


def main() -> None:
    """Bring a cluster up, measure, print the table, bring the cluster down."""
    cluster.on_cluster(_measure)


def _measure(scratch: Path) -> None:
    nothing = cost(play(playbook(scratch / "empty.yml", [])))
    print(f"{'':34} {'wall s':>8} {'CPU s':>8} {'MiB':>8} {'CPU s/host':>10} {'wall x1':>8} {'CPU x1':>8}")
    print(nothing.row(EMPTY, 1, nothing, nothing))
    ones: dict[bool, Cost] = {}
    for hosts, forks, first in ROWS:
        site = site_of_hosts(scratch, hosts, forks)
        if first:
            delete_namespaces()
        taken = cost(site)
        one = ones.setdefault(first, taken)
        name = f"{hosts} host{'s' if hosts > 1 else ''}, {forks} forks, {'first' if first else 'no-op'}"
        print(taken.row(name, hosts, nothing, one), flush=True)
    delete_namespaces()


def site_of_hosts(scratch: Path, hosts: int, forks: int, **more: Any) -> list[str]:
    """Write an inventory of so many clusters with more variables, and return the command that deploys them."""
    inventory = scratch / f"hosts-{hosts}{'-'.join(['', *more])}.json"
    named = {f"c{number}": {"ansible_connection": "local"} for number in range(hosts)}
    inventory.write_text(json.dumps({"all": {"hosts": named, "vars": {**INVENTORY, **more}}}))
    return ["ansible-playbook", str(PROJECT / "playbooks/site.yml"), "-i", str(inventory), "--forks", str(forks)]


def delete_namespaces() -> None:
    """Remove the namespaces of all clusters."""
    listed = subprocess.run(["kubectl", "get", "namespaces", "-o", "name"], check=True, capture_output=True, text=True)
    namespaces = [name for name in listed.stdout.split() if name.startswith("namespace/bench-")]
    if namespaces:
        run(["kubectl", "delete", *namespaces])


def cost(argv: list[str]) -> Cost:
    """Run a command and return what it and all its children took. Raises SystemExit with what it says when it fails."""
    before, start = cpu_seconds(resource.RUSAGE_CHILDREN), time.monotonic()
    with tempfile.TemporaryFile("w+") as said:
        program = subprocess.Popen(argv, cwd=PROJECT, stdout=said, stderr=subprocess.STDOUT, text=True)
        memory = 0.0
        while program.poll() is None:
            memory = max(memory, _memory(program.pid))
            with contextlib.suppress(subprocess.TimeoutExpired):
                program.wait(SAMPLE_SECONDS)
        if program.returncode:
            said.seek(0)
            raise SystemExit(f"{' '.join(argv)} failed:\n{said.read()[-4000:]}")
    return Cost(time.monotonic() - start, cpu_seconds(resource.RUSAGE_CHILDREN) - before, memory)


def _memory(root: int) -> float:
    """Return the memory of a process and all below it, in MiB; what they share is counted once."""
    total = 0
    for process in list_process_tree(root):
        with contextlib.suppress(OSError):
            rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
            total += sum(int(kibibytes) for kibibytes in SHARE.findall(rollup))
    return total / 1024
