# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A collector that was renamed: the same config under a new name, beside one that no inventory of this run names.

Nothing on an object says which inventory applied it, and inventories may share a namespace. So the config alone tells a
renamed collector from one of a neighbour. For example, `agent` was renamed to `node-agent`, and its config names it:

    old: service: {telemetry: {resource: {service.name: agent}}}
    new: service: {telemetry: {resource: {service.name: node-agent}}}
    → renamed, because the configs differ in nothing else

Private.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from .._kube.ownership import is_own_object, read_collector_name, read_label
from .._kube.release_names import collector_release
from .._kube.removal_command import build_removal_command
from .._otelcol.config.paths import mapping_at
from .._otelcol.kube.names import COLLECTOR_LABEL
from .._otelcol.kube.objects import Manifest, ref
from .config_versions import map_mounted_configs

Configs = Mapping[str, Manifest]
"""The ConfigMaps of a namespace by name."""


class NamedConfig(NamedTuple):
    """The name of a collector, and its config as text; the text is empty if it cannot be seen."""

    name: str
    text: str


def read_named_config(workload: Manifest, configs: Configs) -> NamedConfig:
    """Return the name and the config of the collector of a workload or custom resource."""
    return NamedConfig(read_label(workload, COLLECTOR_LABEL), _read_config_text(workload, configs))


def _read_config_text(workload: Manifest, configs: Configs) -> str:
    """Return the config of a workload as text: from its custom resource, or from the ConfigMaps that it mounts."""
    inline_config = mapping_at(workload, "spec", "config")
    if inline_config:
        return json.dumps(inline_config, indent=1, sort_keys=True)
    texts: list[str] = []
    for name in map_mounted_configs(workload).values():
        if name in configs:
            texts += map(str, mapping_at(configs[name], "data").values())
    return "\n".join(texts)


def is_renamed(old: NamedConfig, new: NamedConfig) -> bool:
    """Return whether two collectors differ in the name alone, which their configs may contain."""
    old_lines, new_lines = old.text.splitlines(), new.text.splitlines()
    if not old.text or len(old_lines) != len(new_lines):
        return False
    # A name may be a part of another one, as `agent` is of `node-agent`, which is not to be replaced.
    whole_name = re.compile(rf"(?<![\w-]){re.escape(old.name)}(?![\w-])")
    for old_line, new_line in zip(old_lines, new_lines, strict=True):
        if old_line != new_line and whole_name.sub(new.name, old_line) != new_line:
            return False
    return True


def find_unlisted_workloads(live: Iterable[Manifest], manifests: Iterable[Manifest], manager: str) -> list[Manifest]:
    """Return the live workloads of this collection whose collector no manifest names."""
    listed_collectors = {read_collector_name(manifest) for manifest in manifests}
    other_workloads = [workload for workload in live if read_collector_name(workload) not in listed_collectors]
    return [workload for workload in other_workloads if is_own_object(workload, [_release_name(workload)], manager)]


def describe_renaming(old: Manifest, new: Manifest, plurals: Iterable[str]) -> str:
    """Return what a run says of a collector that was renamed, with the command that removes the earlier one."""
    command = build_removal_command(old["metadata"]["namespace"], read_label(old, COLLECTOR_LABEL), plurals)
    return (
        f"{ref(old)} still runs, is not in the inventory, and has the config of {ref(new)}, which is new. If the "
        f"collector was renamed, remove the earlier one when its queue is empty: `{command}`"
    )


def _release_name(workload: Manifest) -> str:
    return collector_release(workload["metadata"]["namespace"], read_label(workload, COLLECTOR_LABEL))
