# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The volumes that a config refers to by paths: Secrets, ConfigMaps, and paths of the node. Private.

A path below `/etc/otelcol/secrets/NAME/` mounts the Secret of that name, one below `/etc/otelcol/configmaps/NAME/` the
ConfigMap.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..config.paths import iter_leaves
from .components_with_needs import ComponentWithNeeds
from .needed_ports import make_unique_name

_ROOT = "/etc/otelcol"
SECRETS_ROOT = f"{_ROOT}/secrets"
CONFIG_MAPS_ROOT = f"{_ROOT}/configmaps"
# A path is a whole value, or the file that a part of a value is read from; `$${file:…}` is text.
_MOUNTED_PATH = re.compile(
    rf"(?:\A|(?<!\$)(?:\$\$)*\$\{{file:)({SECRETS_ROOT}|{CONFIG_MAPS_ROOT})/([a-z0-9][-a-z0-9.]*)/"
)
_NO_LETTERS = re.compile(r"[^a-z0-9]+")
_LONGEST_NAME = 63  # of a volume, as Kubernetes takes it


@dataclass(frozen=True)
class Mount:
    """A volume that the config refers to by a path.

    `path` is where it is mounted. `volume_source` is the Kubernetes volume source. `propagation` is the setting
    `mountPropagation` of the mount; None without one.
    """

    name: str
    path: str
    volume_source: dict[str, Any]
    is_read_only: bool = True
    propagation: str | None = None


def find_needed_mounts(config: Mapping[str, Any], components: Iterable[ComponentWithNeeds]) -> Iterator[Mount]:
    """Yield Secrets and ConfigMaps that paths in the config lie in, then host paths that components read."""
    mounts: dict[str, Mount] = {}
    for mount in (*_find_mounted_objects(config), *_find_mounted_host_paths(components)):
        mounts.setdefault(mount.path, mount)
    taken_names: set[str] = set()
    for mount in mounts.values():
        yield replace(mount, name=make_unique_name(mount.name, taken_names, _LONGEST_NAME))


def _find_mounted_objects(config: Mapping[str, Any]) -> Iterator[Mount]:
    """Yield the Secret or ConfigMap of each path in the config that lies in one."""
    for _path, value in iter_leaves(config):
        if isinstance(value, str) and _ROOT in value:
            for root, name in _MOUNTED_PATH.findall(value):
                yield _mount_object(root, name)


def _mount_object(root: str, name: str) -> Mount:
    """Return the mount of a Secret or ConfigMap below its root."""
    volume = name.replace(".", "-")
    if root == SECRETS_ROOT:
        return Mount(f"secret-{volume}", f"{root}/{name}", {"secret": {"secretName": name}})
    return Mount(f"configmap-{volume}", f"{root}/{name}", {"configMap": {"name": name}})


def _find_mounted_host_paths(components: Iterable[ComponentWithNeeds]) -> Iterator[Mount]:
    """Yield the paths of the host that components read."""
    for needs, component in components:
        for host_path, path in needs.list_host_paths(component.settings):
            volume = _NO_LETTERS.sub("-", host_path.lower()).rstrip("-")
            yield Mount(f"host{volume}", path, {"hostPath": {"path": host_path}}, propagation="HostToContainer")
