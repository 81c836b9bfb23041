# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sources of clusters that an inventory lists, and their options. Private.

The inventory plugin checks a row of its option `sources` with the OPTIONS_BY_SOURCE of its type, and makes a
`ClusterSource` of it. For example, `{type: eks, regions: [eu-west-1]}` in the second row becomes a source with the
title `sources[1] (eks: regions eu-west-1)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_HUB_OPTIONS: Mapping[str, Any] = {"kubeconfig": {"type": "path"}, "context": {"type": "str"}}
_COMMON_OPTIONS: Mapping[str, Any] = {
    "labels": {"type": "dict", "default": {}},
    "required": {"type": "bool", "default": False},
}
# The options of each type of source, as an argument spec of Ansible; the documentation of the plugin has them too.
OPTIONS_BY_SOURCE: Mapping[str, Mapping[str, Any]] = {
    "eks": {
        "regions": {"type": "list", "elements": "str", "required": True},
        "profile": {"type": "str"},
        "role_arn": {"type": "str"},
        **_COMMON_OPTIONS,
    },
    "kubeconfig": {
        "path": {"type": "path", "required": True},
        "contexts": {"type": "list", "elements": "str", "default": ["*"]},
        **_COMMON_OPTIONS,
    },
    "argo_cd": {"namespace": {"type": "str", "default": "argocd"}, **_HUB_OPTIONS, **_COMMON_OPTIONS},
    "cluster_api": {"namespace": {"type": "str", "default": ""}, **_HUB_OPTIONS, **_COMMON_OPTIONS},
    "open_cluster_management": {
        "managed_kubeconfig": {"type": "path", "default": ""},
        **_HUB_OPTIONS,
        **_COMMON_OPTIONS,
    },
}
# Options that say nothing about where the source is, so its title leaves them out.
_RUN_OPTIONS = ("labels", "required")


@dataclass(frozen=True)
class ClusterSource:
    """A source of clusters with its options. `where` is its place in the inventory."""

    kind: str
    options: Mapping[str, Any]
    where: str

    @property
    def title(self) -> str:
        """Return the name of the source for messages: its place, its type and its options."""
        shown_options = [
            key for key in OPTIONS_BY_SOURCE[self.kind] if key not in _RUN_OPTIONS and self.options.get(key)
        ]
        option_texts = ", ".join(f"{key} {_join_values(self.options[key])}" for key in shown_options)
        return f"{self.where} ({self.kind}: {option_texts})" if option_texts else f"{self.where} ({self.kind})"


def _join_values(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
