# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster of kind's, where a Docker engine is at hand. Its images come from their registries."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from tests.testbed import command, config, external
from tests.testbed.cluster import Cluster, Record
from tests.testbed.loading import Installed, archive_signature, find_stale, list_references


def start_cluster(cluster: Cluster) -> None:
    """Create the cluster unless it is there."""
    record = cluster.read_record()
    if record and record.complete and find_fault(cluster) is None:
        return
    remove_cluster(cluster)
    cluster.write_record(Record("kind", nodes=cluster.node_count))
    roles = ["control-plane", *["worker"] * (cluster.node_count - 1)]
    node_lines = "\n".join(f"  - role: {role}" for role in roles)
    config.write_config(cluster.dir / "kind.yaml", "kind.yaml", {"nodes": node_lines})
    arguments = [f"--kubeconfig={cluster.kubeconfig}", f"--config={cluster.dir}/kind.yaml", "--wait=180s"]
    command.run(["kind", "create", "cluster", *_name_option(cluster), *arguments], log=cluster.home.logs / "kind.log")
    cluster.kubeconfig.chmod(0o600)
    cluster.write_record(Record("kind", nodes=cluster.node_count, complete=True))


def remove_cluster(cluster: Cluster) -> None:
    """Delete it; kind does not mind when there is none."""
    command.run(["kind", "delete", "cluster", *_name_option(cluster), f"--kubeconfig={cluster.kubeconfig}"])
    shutil.rmtree(cluster.dir, ignore_errors=True)


def find_fault(cluster: Cluster) -> str | None:
    """None while it answers."""
    return external.find_unreadiness(str(cluster.kubeconfig))


def load_archives(cluster: Cluster, archives: Sequence[Path], installed: Installed) -> None:
    """Load archives into all nodes. (Not all that `install` makes is what the registries have.)"""
    loaded_images = installed.images.setdefault("kind", {})
    for archive in find_stale(archives, loaded_images, loaded_images):
        command.run(["kind", "load", "image-archive", str(archive), *_name_option(cluster)])
        loaded_images.update(dict.fromkeys(list_references(archive), archive_signature(archive)))


def _name_option(cluster: Cluster) -> list[str]:
    return ["--name", f"o11y-testbed-{cluster.name}"]
