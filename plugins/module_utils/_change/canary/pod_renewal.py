# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a change of a workload makes new pods. Private.

Only new pods can be judged as a canary. For example, of a Deployment:

| the change | new pods |
|---|---|
| another config, image or environment variable: `spec.template` differs | yes |
| `spec.replicas` or `spec.strategy` alone | no |
| an interrupted change to config B, and the inventory has the earlier config A again | no: pods with A ran before |
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._otelcol.config.paths import mapping_at
from ..._otelcol.kube.objects import Manifest
from ..tree_parts import is_within

# Fields of an OpenTelemetryCollector that say how many pods there are, and how they are replaced.
_SCALE_FIELDS = (
    *("replicas", "autoscaler", "podDisruptionBudget", "deploymentUpdateStrategy", "daemonSetUpdateStrategy"),
    *("configVersions", "upgradeStrategy"),
)


def renews_pods(workload: Manifest, live: Manifest, after: Manifest | None, before: Manifest | None = None) -> bool:
    """Return whether a change makes pods that the workload did not have.

    `after` is what the server would make of the change; None if it was not asked or did not answer: then there may be
    new pods. `before` is the workload before an interrupted change; None if no change was interrupted. If the inventory
    goes back to it, its pods are no canary.
    """
    if after is None:
        return True
    pods_after = _select_pod_source(after)
    if before is None:
        return pods_after != _select_pod_source(live)
    # The server adds defaults to what is applied, so each of the three has all of the one before it, and maybe more:
    # the manifest, the workload as it was applied before, and what the server would make of the manifest.
    pods_before = _select_pod_source(before)
    goes_back = is_within(pods_before, pods_after) and is_within(_select_pod_source(workload), pods_before)
    return not goes_back


def _select_pod_source(workload: Manifest) -> Mapping[str, Any]:
    """Return what pods are made from: a template, or what remains of a resource of an operator."""
    spec = mapping_at(workload, "spec")
    without_scale = {key: value for key, value in spec.items() if key not in _SCALE_FIELDS}
    return mapping_at(spec, "template") if "template" in spec else without_scale
