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
            return cls(**json.loads(_record_file(cluster).read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return cls()

    def write(self, cluster: Cluster) -> None:
        """Write it down, the whole or nothing."""
        _record_file(cluster).parent.mkdir(parents=True, exist_ok=True)
        draft = _record_file(cluster).with_suffix(".tmp")
        draft.write_text(json.dumps(asdict(self), indent=1, sort_keys=True) + "\n")
        draft.rename(_record_file(cluster))


def _record_file(cluster: Cluster) -> Path:
    return cluster.dir / "installed.json"


def list_references(archive: Path) -> list[str]:
    """The names of the images in a docker-archive."""
    try:
        with tarfile.open(archive) as tar:
            manifest = tar.extractfile("manifest.json")
            assert manifest
            return [tag for image in json.load(manifest) for tag in image["RepoTags"] or []]
    except (OSError, KeyError, ValueError, tarfile.TarError) as error:
        advice = "write it with `docker save`, or `skopeo copy` to docker-archive:FILE:NAME"
        raise ClusterError(f"{archive} cannot be read as a docker-archive", str(error), advice) from error


def archive_signature(archive: Path) -> str:
    """Tells an archive from another one with images of the same names."""
    file_status = archive.stat()
    return f"{archive.resolve().name} {file_status.st_size} {file_status.st_mtime_ns}"


def find_stale(
    archives: Iterable[Path], node_images: Iterable[str], loaded_signatures: Mapping[str, str]
) -> list[Path]:
    """The archives that a node does not have as they are now."""
    present_images = set(node_images)

    def is_loaded(archive: Path) -> bool:
        return all(
            name in present_images and loaded_signatures.get(name) == archive_signature(archive)
            for name in list_references(archive)
        )

    return [archive for archive in archives if not is_loaded(archive)]


def load_into_embedded(cluster: Cluster, archives: Sequence[Path], installed: Installed) -> None:
    """Import what the nodes have not; all nodes at the same time."""
    tasks = [Task(node.name, partial(_load_into_node, cluster, node, archives, installed)) for node in cluster.nodes]
    run_all(tasks)


def _load_into_node(cluster: Cluster, node: Node, archives: Sequence[Path], installed: Installed) -> None:
    node_prefix = launch.node_prefix(cluster, node)
    node_images = command.run([*node_prefix, *images.CTR_IMAGES_COMMAND, "list", "--quiet"]).split()
    loaded_signatures = installed.images.setdefault(node.name, {})
    for archive in find_stale(archives, node_images, loaded_signatures):
        with archive.open("rb") as archive_file:
            command.run([*node_prefix, *images.CTR_IMAGES_COMMAND, "import", "-"], stdin=archive_file)
        names = list_references(archive)
        loaded_signatures.update(dict.fromkeys(names, archive_signature(archive)))
        say(f"{node.name} has {', '.join(names)}")
