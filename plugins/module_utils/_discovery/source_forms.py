# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sources of clusters that an inventory lists, and their options. Private."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_HUB: Mapping[str, Any] = {"kubeconfig": {"type": "path"}, "context": {"type": "str"}}
_ANY: Mapping[str, Any] = {
    "labels": {"type": "dict", "default": {}},
    "required": {"type": "bool", "default": False},
}
# The options of each type of source, as an argument spec of Ansible; the documentation of the plugin has them too.
SOURCES: Mapping[str, Mapping[str, Any]] = {
    "eks": {
        "regions": {"type": "list", "elements": "str", "required": True},
        "profile": {"type": "str"},
        "role_arn": {"type": "str"},
        **_ANY,
    },
    "kubeconfig": {
        "path": {"type": "path", "required": True},
        "contexts": {"type": "list", "elements": "str", "default": ["*"]},
        **_ANY,
    },
    "argo_cd": {"namespace": {"type": "str", "default": "argocd"}, **_HUB, **_ANY},
    "cluster_api": {"namespace": {"type": "str", "default": ""}, **_HUB, **_ANY},
    "open_cluster_management": {"managed_kubeconfig": {"type": "path", "default": ""}, **_HUB, **_ANY},
}
# What does not say which source it is.
_OF_THE_RUN = ("labels", "required")


@dataclass(frozen=True)
class Source:
    """A source of clusters with its options. `where` is its place in the inventory."""

    kind: str
    options: Mapping[str, Any]
    where: str

    @property
    def title(self) -> str:
        """Return what messages call the source: its place, its type and what it asks."""
        asked = [key for key in SOURCES[self.kind] if key not in _OF_THE_RUN and self.options.get(key)]
        words = ", ".join(f"{key} {_flat(self.options[key])}" for key in asked)
        return f"{self.where} ({self.kind}: {words})" if words else f"{self.where} ({self.kind})"


def _flat(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
