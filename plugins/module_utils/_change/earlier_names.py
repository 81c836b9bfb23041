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

from .._kube.ownership import collector_of, is_ours, label_of
from .._kube.removal_command import removal
from .._otelcol.config.paths import section
from .._otelcol.kube.names import COLLECTOR_LABEL, release
from .._otelcol.kube.objects import Manifest, ref
from .config_versions import mounted

Configs = Mapping[str, Manifest]
"""The ConfigMaps of a namespace by name."""


def config_text(workload: Manifest, configs: Configs) -> str:
    """Return the config of a workload or custom resource as text; empty if it cannot be seen."""
    inline = section(workload, "spec", "config")
    if inline:
        return json.dumps(inline, indent=1, sort_keys=True)
    found = [configs[name] for name in mounted(workload).values() if name in configs]
    return "\n".join(str(text) for item in found for text in section(item, "data").values())


def is_renamed(old: tuple[str, str], new: tuple[str, str]) -> bool:
    """Return whether two collectors, each a name and the text of its config, differ in the name alone."""
    (old_name, before), (new_name, after) = old, new
    whole_name = re.compile(rf"(?<![\w-]){re.escape(old_name)}(?![\w-])")
    lines_before, lines_after = before.splitlines(), after.splitlines()
    if not before or len(lines_before) != len(lines_after):
        return False
    return all(
        was == now or whole_name.sub(new_name, was) == now for was, now in zip(lines_before, lines_after, strict=True)
    )


def unlisted(live: Iterable[Manifest], manifests: Iterable[Manifest], manager: str) -> list[Manifest]:
    """Return the live workloads of this collection whose collector no manifest names."""
    listed = {collector_of(item) for item in manifests}
    return [item for item in live if collector_of(item) not in listed and is_ours(item, [_release(item)], manager)]


def warning(old: Manifest, new: Manifest, plurals: Iterable[str]) -> str:
    """Return what a run says of a collector that was renamed, with the command that removes the earlier one."""
    command = removal(old["metadata"]["namespace"], label_of(old, COLLECTOR_LABEL), plurals)
    return (
        f"{ref(old)} still runs, is not in the inventory, and has the config of {ref(new)}, which is new. If the "
        f"collector was renamed, remove the earlier one when its queue is empty: `{command}`"
    )


def _release(item: Manifest) -> str:
    return release(item["metadata"]["namespace"], label_of(item, COLLECTOR_LABEL))
