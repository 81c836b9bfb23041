# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images into the nodes of a cluster that runs, and what is written down about it."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

from tests.testbed import command, images, launch
from tests.testbed.cluster import Cluster, Node
from tests.testbed.errors import ClusterError
from tests.testbed.progress import say
from tests.testbed.tasks import Task, run_all


@dataclass
class Installed:
    """What `install` did for a cluster: names, and for every node the archive behind each image name."""

    names: list[str] = field(default_factory=list)
    images: dict[str, dict[str, str]] = field(default_factory=dict)

    @classmethod
    def read(cls, cluster: Cluster) -> Installed:
        """What an earlier run wrote down. It is in the cluster's folder, and goes with the cluster."""
        try:
            return cls(**json.loads(_file(cluster).read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return cls()

    def write(self, cluster: Cluster) -> None:
        """Write it down, the whole or nothing."""
        _file(cluster).parent.mkdir(parents=True, exist_ok=True)
        draft = _file(cluster).with_suffix(".tmp")
        draft.write_text(json.dumps(asdict(self), indent=1, sort_keys=True) + "\n")
        draft.rename(_file(cluster))


def _file(cluster: Cluster) -> Path:
    return cluster.dir / "installed.json"


def references(archive: Path) -> list[str]:
    """The names of the images in a docker-archive."""
    try:
        with tarfile.open(archive) as tar:
            manifest = tar.extractfile("manifest.json")
            assert manifest
            return [tag for image in json.load(manifest) for tag in image["RepoTags"] or []]
    except (OSError, KeyError, ValueError, tarfile.TarError) as error:
        do = "write it with `docker save`, or `skopeo copy` to docker-archive:FILE:NAME"
        raise ClusterError(f"{archive} cannot be read as a docker-archive", str(error), do) from error


def signature(archive: Path) -> str:
    """Tells an archive from another one with images of the same names."""
    status = archive.stat()
    return f"{archive.resolve().name} {status.st_size} {status.st_mtime_ns}"


def stale(archives: Iterable[Path], there: Iterable[str], loaded: Mapping[str, str]) -> list[Path]:
    """The archives that a node does not have as they are now."""
    present = set(there)

    def is_loaded(archive: Path) -> bool:
        return all(name in present and loaded.get(name) == signature(archive) for name in references(archive))

    return [archive for archive in archives if not is_loaded(archive)]


def into_embedded(cluster: Cluster, archives: Sequence[Path], installed: Installed) -> None:
    """Import what the nodes have not; all nodes at the same time."""
    tasks = [Task(node.name, partial(_into_node, cluster, node, archives, installed)) for node in cluster.nodes]
    run_all(tasks)


def _into_node(cluster: Cluster, node: Node, archives: Sequence[Path], installed: Installed) -> None:
    enter = launch.into_node(cluster, node)
    there = command.run([*enter, *images.CTR, "list", "--quiet"]).split()
    loaded = installed.images.setdefault(node.name, {})
    for archive in stale(archives, there, loaded):
        with archive.open("rb") as content:
            command.run([*enter, *images.CTR, "import", "-"], stdin=content)
        names = references(archive)
        loaded.update(dict.fromkeys(names, signature(archive)))
        say(f"{node.name} has {', '.join(names)}")
