"""Measure Linux hosts of the testbed: a run that changes nothing against `ping`, an install against a copied program.

The hosts are machines on the same computer: what they do counts in the wall time, and not in the controller's CPU. Ping
and the run without changes each log in to all hosts anew, as a run of the day does.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from .timing import EMPTY, PROJECT, Taken, Way, command, empty, measure, run, table

NAME = "o11y-bench"
HOSTS, NEW_HOSTS, FORKS = 20, 5, 20
ROUNDS = 3
PING = f"{HOSTS} hosts: one ping for each"
AS_ROOT = f"{HOSTS} hosts: one ping for each, as root"
NOOP = f"{HOSTS} hosts: this collection, no change"
COPY = f"{NEW_HOSTS} hosts: copy the program"
FIRST = f"{NEW_HOSTS} hosts: this collection, first install"
PROGRAM = "/opt/otelcol-contrib"
COLLECTOR = {"name": "agent", "recipes": ["otlp_ingest", {"host_metrics": {}}, "debug_output"]}


def main() -> None:
    """Bring the hosts up, measure all ways, print the table, remove the hosts."""
    _hosts("down")
    archive = Path(_hosts("archive"))
    try:
        inventory = Path(_hosts("up", "--count", str(HOSTS)))
        with tempfile.TemporaryDirectory() as scratch:
            print(f"load average: {' '.join(f'{load:.1f}' for load in os.getloadavg())}", flush=True)
            taken = measure(_ways(Path(scratch), inventory, archive), ROUNDS)
    finally:
        _hosts("down")
    _report(taken)


def _hosts(*words: str) -> str:
    """Run `tests.testbed hosts` for the hosts of this benchmark, and return its output."""
    argv = [sys.executable, "-m", "tests.testbed", "hosts", *words, "--name", NAME]
    result = subprocess.run(argv, cwd=PROJECT, stdout=subprocess.PIPE, text=True, check=True)
    return result.stdout.strip()


def _ways(scratch: Path, inventory: Path, archive: Path) -> list[Way]:
    listed = ["-i", str(inventory), "-i", str(_collectors(scratch, archive))]
    logins = scratch / "logins"
    play = partial(_play, [*listed, "-e", f"ansible_control_path_dir={logins}"])
    new = ["--limit", ",".join(f"host{number}" for number in range(1, NEW_HOSTS + 1))]
    site = play("o11y.opentelemetry.site")
    program = {"src": str(_unpacked(scratch, archive)), "dest": PROGRAM, "mode": "0755"}
    copy = play(_written(scratch, "copy", {"ansible.builtin.copy": program}), *new)
    uncopied = play(_written(scratch, "uncopied", {"ansible.builtin.file": {"path": PROGRAM, "state": "absent"}}), *new)
    removed = play("o11y.opentelemetry.remove", *new)
    return [
        empty(scratch),
        command(COPY, copy, partial(run, uncopied)),
        command(FIRST, [*site, *new], partial(run, removed)),
        command(PING, play(_written(scratch, "ping", {"ansible.builtin.ping": {}})), partial(_logged_out, logins)),
        command(AS_ROOT, play(_written(scratch, "root", {"ansible.builtin.ping": {}})), partial(_logged_out, logins)),
        command(NOOP, site, partial(_installed, site, logins)),
    ]


def _logged_out(logins: Path) -> None:
    """Let the next run log in to each host: without their sockets, nothing finds the connections that are open."""
    shutil.rmtree(logins, ignore_errors=True)


def _installed(site: list[str], logins: Path) -> None:
    """Run the site, so that the next run has nothing to change, and close the connections of that run."""
    run(site)
    _logged_out(logins)


def _collectors(scratch: Path, archive: Path) -> Path:
    """Write what the hosts of the testbed's inventory are for the collection."""
    total = (archive.parent / "opentelemetry-collector-releases_otelcol-contrib_checksums.txt").read_text().split()[0]
    variables: dict[str, Any] = {
        "ansible_python_interpreter": "/usr/bin/python3",
        "otel_host_collectors": [COLLECTOR],
        "otel_host_program": {"amd64": {"file": str(archive), "sha256": total}},
        "otel_host_watch_seconds": 0,
    }
    path = scratch / "collectors.json"
    path.write_text(json.dumps({"otel_linux": {"children": {"linux": None}, "vars": variables}}))
    return path


def _play(listed: list[str], playbook: str, *more: str) -> list[str]:
    return ["ansible-playbook", playbook, *listed, "--forks", str(FORKS), *more]


def _written(scratch: Path, name: str, task: dict[str, Any]) -> str:
    """Write a playbook of one task for the hosts, and return its path."""
    path = scratch / f"{name}.yml"
    become = name != "ping"
    path.write_text(yaml.safe_dump([{"hosts": "linux", "gather_facts": False, "become": become, "tasks": [task]}]))
    return str(path)


def _unpacked(scratch: Path, archive: Path) -> Path:
    """Unpack the collector's archive, and return the path of its program."""
    run(["tar", "-xf", str(archive), "-C", str(scratch)])
    return scratch / "otelcol-contrib"


def _report(taken: dict[str, list[Taken]]) -> None:
    """Print the table and the ratios. A run needs root, as ping does not."""
    ratios = {
        "a run without changes to ping": (NOOP, PING),
        "a run without changes to ping as root": (NOOP, AS_ROOT),
        "a first install to a copy": (FIRST, COPY),
    }
    table(taken, EMPTY, ratios)
