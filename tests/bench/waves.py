# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure a run of the site in four waves beside one without waves, over many clusters in which nothing changes.

The clusters are simulated as those of `clusters`. No data is watched, so what differs is the controller's work.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Sequence
from pathlib import Path

from . import cluster
from .clusters import Cost, cost, delete_namespaces, site_of_hosts
from .timing import EMPTY, play, playbook

HOSTS, FORKS, ROUNDS = 200, 10, 3
WAVES = {"growth": [1, "10%", "40%", "100%"]}


def main() -> None:
    """Bring a cluster up, measure, print the table, bring the cluster down."""
    cluster.on_cluster(_measure)


def _measure(scratch: Path) -> None:
    plain = site_of_hosts(scratch, HOSTS, FORKS)
    ways = {
        EMPTY: play(playbook(scratch / "empty.yml", [])),
        f"{HOSTS} clusters, without waves": plain,
        f"{HOSTS} clusters, in waves": site_of_hosts(scratch, HOSTS, FORKS, otel_waves=WAVES),
    }
    cost(plain)  # makes all objects
    taken: dict[str, list[Cost]] = {name: [] for name in ways}
    for _round in range(ROUNDS):
        for name, argv in ways.items():
            taken[name].append(cost(argv))
            print(f"{name}: {taken[name][-1]}", flush=True)
    delete_namespaces()
    _report({name: _middle(costs) for name, costs in taken.items()})


def _middle(costs: Sequence[Cost]) -> Cost:
    """Return the median of each figure."""
    return Cost(*(statistics.median(getattr(one, figure) for one in costs) for figure in ("wall", "cpu", "memory")))


def _report(taken: dict[str, Cost]) -> None:
    print(f"load average: {' '.join(f'{one:.1f}' for one in os.getloadavg())}")
    print(f"{'':34} {'wall s':>8} {'CPU s':>8} {'MiB':>8}")
    for name, one in taken.items():
        print(f"{name:34} {one.wall:8.1f} {one.cpu:8.1f} {one.memory:8.0f}")
    nothing, plain, waves = taken.values()
    print(f"in waves to without: {waves.wall / plain.wall:.2f} x, CPU {waves.cpu / plain.cpu:.2f} x")
    for name, one in (("without waves", plain), ("in waves", waves)):
        print(f"memory of a cluster {name}: {(one.memory - nothing.memory) / HOSTS * 1024:.0f} KiB")
