# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of the environment that a config reads, and those that a pod has of Kubernetes. Private."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..config.paths import Path, iter_leaves
from ..config.variable_references import REFERENCE_PATTERN

# Environment that Kubernetes itself can give: name → field of the pod.
DOWNWARD_FIELDS = {
    "MY_POD_IP": "status.podIP",
    "MY_POD_NAME": "metadata.name",
    "MY_POD_NAMESPACE": "metadata.namespace",
    "K8S_POD_IP": "status.podIP",
    "K8S_POD_NAME": "metadata.name",
    "K8S_POD_UID": "metadata.uid",
    "K8S_NAMESPACE": "metadata.namespace",
    "K8S_NODE_IP": "status.hostIP",
    "K8S_NODE_NAME": "spec.nodeName",
}


@dataclass(frozen=True)
class NeededVariable:
    """An environment variable that the config reads, and where.

    `is_optional` says that a default stands beside it. The path is empty if a component reads it without a reference.
    """

    name: str
    path: Path
    is_optional: bool


def find_config_variables(config: Mapping[str, Any]) -> Iterator[NeededVariable]:
    """Yield every variable once; the place that cannot do without it first."""
    variables: dict[str, NeededVariable] = {}
    for path, value in iter_leaves(config):
        if not isinstance(value, str) or "$" not in value:
            continue
        for match in REFERENCE_PATTERN.finditer(value):
            name, default = match.groups()
            if name and (name not in variables or variables[name].is_optional):
                variables[name] = NeededVariable(name, path, is_optional=default is not None)
    yield from variables.values()
