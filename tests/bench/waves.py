# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure a run of the site in four waves beside one without waves, over many clusters in which nothing changes.

The clusters are simulated as those of `clusters`. No data is watched, so what differs is the controller's work. Workers
of Ansible copy a part of its memory, which depends on their number alone. So the memory of one cluster follows from
fleets of two sizes.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Sequence
from pathlib import Path

from . import cluster
from .clusters import Cost, cost, delete_namespaces, site_of_hosts

HOSTS, FEW, FORKS, ROUNDS = 200, 20, 10, 3
WAVES = {"growth": [1, "10%", "40%", "100%"]}
PLAIN, WAVED = "without waves", "in waves"


def main() -> None:
    """Bring a cluster up, measure, print the table, bring the cluster down."""
    cluster.on_cluster(_measure)


def _measure(scratch: Path) -> None:
    sites: dict[tuple[int, str], list[str]] = {}
    for hosts in (FEW, HOSTS):
        sites[hosts, PLAIN] = site_of_hosts(scratch, hosts, FORKS)
        sites[hosts, WAVED] = site_of_hosts(scratch, hosts, FORKS, otel_waves=WAVES)
    cost(sites[HOSTS, PLAIN])  # makes all objects
    taken: dict[tuple[int, str], list[Cost]] = {key: [] for key in sites}
    for _round in range(ROUNDS):
        for (hosts, way), argv in sites.items():
            taken[hosts, way].append(cost(argv))
            print(f"{hosts} clusters, {way}: {taken[hosts, way][-1]}", flush=True)
    delete_namespaces()
    _report({key: _middle(costs) for key, costs in taken.items()})


def _middle(costs: Sequence[Cost]) -> Cost:
    """Return the median of each figure."""
    return Cost(
        wall=statistics.median(taken.wall for taken in costs),
        cpu=statistics.median(taken.cpu for taken in costs),
        memory=statistics.median(taken.memory for taken in costs),
    )


def _report(taken: dict[tuple[int, str], Cost]) -> None:
    print(f"load average: {' '.join(f'{load:.1f}' for load in os.getloadavg())}")
    print(f"{'':34} {'wall s':>8} {'CPU s':>8} {'MiB':>8}")
    for (hosts, way), middle in taken.items():
        print(f"{f'{hosts} clusters, {way}':34} {middle.wall:8.1f} {middle.cpu:8.1f} {middle.memory:8.0f}")
    for hosts in (FEW, HOSTS):
        plain, waved = taken[hosts, PLAIN], taken[hosts, WAVED]
        ratios = f"{waved.wall / plain.wall:.2f} x, CPU {waved.cpu / plain.cpu:.2f} x"
        print(f"{hosts} clusters, in waves to without: {ratios}")
    for way in (PLAIN, WAVED):
        mebibytes = (taken[HOSTS, way].memory - taken[FEW, way].memory) / (HOSTS - FEW)
        print(f"memory of one more cluster {way}: {mebibytes * 1024:.0f} KiB")
