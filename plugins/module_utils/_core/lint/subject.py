# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What rules look at: a config, what will run it, and where. Private."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..config.catalogue import Catalogue, Listeners
from ..config.paths import Path, Position


@dataclass(frozen=True)
class Target:
    """The build of the Collector that will run the config. `version` is the Collector's own, as `0.158.0`."""

    catalogue: Catalogue
    distribution: str
    version: str


@dataclass(frozen=True)
class Deployment:
    """Where the collector runs in Kubernetes. None stands for what is not known; rules then stay silent.

    `mounts` are the paths at which anything is mounted, `exposed` the ports that a Service or the node opens as
    (port, protocol), `granted` the RBAC rules that its ServiceAccount has as manifests spell them,
    `confined` says that SELinux keeps the files of the node from it.
    """

    mode: str
    replicas: int | None = None
    autoscaled: bool = False
    memory_limit_mib: int | None = None
    host_network: bool = False
    mounts: tuple[str, ...] | None = None
    exposed: frozenset[tuple[int, str]] | None = None
    granted: tuple[dict[str, Any], ...] | None = None
    probed: bool = False
    target_allocator: bool = False
    network_policy: bool = False
    operator_version: str = ""
    platform: str = ""
    confined: bool = False

    @property
    def is_understood(self) -> bool:
        """Whether something follows from the config; nothing does from a malformed one."""
        return self.granted is not None


@dataclass(frozen=True)
class Subject:
    """A config under test, with what surrounds it.

    `locate` leads from paths to the positions where a person wrote them; `duplicates` are keys that a source has twice;
    `environment` has the variables that the collector will be given, `resource` is the custom resource of the operator
    that the config is in; `listeners` has the ports that component types open. None stands for what is not known.
    """

    config: Any
    locate: Callable[[Path], Position] = field(default=lambda _path: Position())
    duplicates: tuple[tuple[Path, Position], ...] = ()
    environment: frozenset[str] | None = None
    target: Target | None = None
    deployment: Deployment | None = None
    resource: Mapping[str, Any] | None = None
    listeners: Listeners = field(default_factory=dict)
