# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A collector that was renamed: the same config under a new name, beside one that no inventory of this run names.

Nothing on an object says which inventory applied it, and inventories may share a namespace. So the config alone tells a
renamed collector from one of a neighbour. Private.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from .._kube.ownership import collector_of, is_ours, label_of
from .._kube.removal_command import removal
from .._otelcol.config.paths import section
from .._otelcol.kube.names import COLLECTOR_LABEL, release
from .._otelcol.kube.objects import Manifest, ref
from .config_versions import mounted

Configs = Mapping[str, Manifest]
"""The ConfigMaps of a namespace by name."""


class NamedConfig(NamedTuple):
    """The name of a collector, and its config as text; the text is empty if it cannot be seen."""

    name: str
    text: str


def named_config(workload: Manifest, configs: Configs) -> NamedConfig:
    """Return the name and the config of the collector of a workload or custom resource."""
    return NamedConfig(label_of(workload, COLLECTOR_LABEL), _config_text(workload, configs))


def _config_text(workload: Manifest, configs: Configs) -> str:
    inline = section(workload, "spec", "config")
    if inline:
        return json.dumps(inline, indent=1, sort_keys=True)
    texts: list[str] = []
    for name in mounted(workload).values():
        if name in configs:
            texts += map(str, section(configs[name], "data").values())
    return "\n".join(texts)


def is_renamed(old: NamedConfig, new: NamedConfig) -> bool:
    """Return whether two collectors differ in the name alone, which their configs may contain."""
    lines_before, lines_after = old.text.splitlines(), new.text.splitlines()
    if not old.text or len(lines_before) != len(lines_after):
        return False
    whole_name = re.compile(rf"(?<![\w-]){re.escape(old.name)}(?![\w-])")
    for before, after in zip(lines_before, lines_after, strict=True):
        if before != after and whole_name.sub(new.name, before) != after:
            return False
    return True


def unlisted(live: Iterable[Manifest], manifests: Iterable[Manifest], manager: str) -> list[Manifest]:
    """Return the live workloads of this collection whose collector no manifest names."""
    listed = {collector_of(manifest) for manifest in manifests}
    others = [workload for workload in live if collector_of(workload) not in listed]
    return [workload for workload in others if is_ours(workload, [_release(workload)], manager)]


def warning(old: Manifest, new: Manifest, plurals: Iterable[str]) -> str:
    """Return what a run says of a collector that was renamed, with the command that removes the earlier one."""
    command = removal(old["metadata"]["namespace"], label_of(old, COLLECTOR_LABEL), plurals)
    return (
        f"{ref(old)} still runs, is not in the inventory, and has the config of {ref(new)}, which is new. If the "
        f"collector was renamed, remove the earlier one when its queue is empty: `{command}`"
    )


def _release(workload: Manifest) -> str:
    return release(workload["metadata"]["namespace"], label_of(workload, COLLECTOR_LABEL))
