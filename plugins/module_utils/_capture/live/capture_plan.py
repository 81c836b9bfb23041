# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a collector is captured, or why it cannot be. Private.

`capture_task.py` asks this before it starts a pod. The pod of the capture is one more pod of the collector, so it gets
a share of the data (capture_share.py). The tap is the config that it merges over that of the collector: an exporter
that writes to a file (capture_tap.py). A collector that cannot be captured is a Problem, such as

    it is a sidecar, and no pod beside its pods would get a share of what they get
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from ..._diagnose.live.find_collectors import DiagnosedTarget
from ..._diagnose.live.reader import ClusterReader
from ..._diagnose.live.running_config import read_running_config
from ..._diagnose.pod_config import list_unread_words
from ..._kube.conditions import is_ready
from ..._kube.ownership import read_label, read_release_label
from ..._kube.release_names import collector_release
from ..._otelcol.errors import Problem
from ..._otelcol.forecast.capture_facts import hash_config
from ..._otelcol.kube.names import COLLECTOR_LABEL, OWNER, OWNER_LABEL
from ..capture_manifest import SourceFacts
from ..capture_reader import CAPTURE_FILE
from ..capture_share import compute_share
from ..capture_tap import Tap, build_tap
from .serving_pods import ServingPods

# The modes of collectors of which one more pod gets a share of the load.
_CAPTURED_MODES = ("deployment", "statefulset", "daemonset")


class PlannedCapture(NamedTuple):
    """What the capture of one collector needs."""

    tap: Tap
    """The config that the pod of the capture gets on top of the collector's."""
    serving_pods: ServingPods
    """The collector's own pods, which share the load with that pod."""
    facts: SourceFacts
    """What the manifest of the capture says of the collector."""


def plan_capture(reader: ClusterReader, target: DiagnosedTarget, consents: Collection[str]) -> PlannedCapture:
    """Return how a collector is captured. Raises Problem if one more pod of it would get nothing, or do harm."""
    if target.workload is None:
        raise Problem("it does not run", fix="Deploy it first.")
    if target.mode not in _CAPTURED_MODES:
        wrong = f"it is a {target.mode}, and no pod beside its pods would get a share of what they get"
        raise Problem(wrong, fix="Let it write files with exporter file, and capture these with `capture_files`.")
    _check_owner(target)
    config = _read_whole_config(reader, target)
    tap = build_tap(config, CAPTURE_FILE, consents)
    services = reader.list_objects("services", target.namespace, target.notes)
    ready_pods = sum(1 for pod in target.pods if is_ready(pod))
    share = compute_share(target.workload, ready_pods, services)
    facts: SourceFacts = {
        "source": "pod",
        "collector": {"namespace": target.namespace, "name": target.name, "kind": target.workload["kind"]},
        "image": str(target.collector_container.get("image") or ""),
        "config_sha256": hash_config(config),
        "other_pods": share.other_pod_count,
        "asked_signals": list(tap.signals),
        "receivers": list(tap.receivers),
        "left_out_receivers": list(tap.left_out_receivers),
    }
    if share.node_count > 1:
        facts["nodes"] = share.node_count
    return PlannedCapture(tap, ServingPods(reader, target, config, tap.receivers), facts)


def _check_owner(target: DiagnosedTarget) -> None:
    """Raise Problem for a workload that this collection did not deploy: nobody consented to one more pod of it."""
    owned_object = target.custom_resource or target.workload or {"metadata": {}}
    release = read_release_label(owned_object)
    is_of_older_version = (
        not release
        and read_label(owned_object, OWNER_LABEL) == OWNER
        and read_label(owned_object, COLLECTOR_LABEL) == target.name
    )
    if release != collector_release(target.namespace, target.name) and not is_of_older_version:
        wrong = f"{target.kind} {target.name} has no label of this collection, so others deployed it"
        raise Problem(wrong, fix="Capture at a collector of this inventory, or capture files with `capture_files`.")


def _read_whole_config(reader: ClusterReader, target: DiagnosedTarget) -> dict[str, Any]:
    """Return the config that a collector runs with. Raises Problem if a part of it cannot be read."""
    running_state = read_running_config(reader, target)
    unread_sources = list_unread_words(target.collector_container, running_state.sources, running_state.config_maps)
    if running_state.config and not unread_sources:
        return running_state.config
    reasons = [row["why"] for row in target.notes.build_rows()]
    reasons += [f"no ConfigMap has what `{word}` gives" for word in unread_sources]
    reason = "; ".join(reasons) or "no ConfigMap has it"
    raise Problem(f"its config cannot be read: {reason}", fix="Keep the whole config in ConfigMaps, without `--set`.")
