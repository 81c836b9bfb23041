# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module collector_wave: read what collectors of a cluster count while their wave is watched. Private.

A wave is a group of hosts and clusters that a run changes together. Its gate watches the collectors, and compares the
readings that this module returns. For example, with `seconds: 60` the result has in `collectors`:

    {"name": "obs/gateway", "release": "3f2a…", "passed": {}, "config": {…}, "polls": [{"at": 1769860800.0, "pods":
    […]}]}

With option `passed`, the module notes instead that collectors passed the wave (passed_notes.py).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from ansible.module_utils.basic import AnsibleModule

from ..._change.live.observe import iterate_poll_times
from ..._change.live.pod_samples import PodSampler
from ..._change.live.revision_pods import read_pods
from ..._diagnose.live.find_collectors import PLURALS, DiagnosedTarget, find_targets
from ..._diagnose.live.reader import QUICK_SECONDS, ClusterReader, Object, object_path
from ..._host_change.wave_watch import PASSED_OPTIONS, reading_pause
from ..._kube.live.api_errors import ask_server
from ..._kube.live.connect import connect
from ..._kube.live.task_end import run
from ..._kube.ownership import is_reapplied
from ..._otelcol.config.config_secrets import find_secrets
from ..._otelcol.config.masking import make_masker, mask_tree
from ..._otelcol.kube.names import OWNER
from ..._otelcol.kube.objects import ref
from ..._rollout.wave_note import compute_pods_release
from ..sample_rows import PollRow, TrackRow, build_sample_row
from .passed_notes import name_target, note_passed_collectors, read_passed_record

COLLECTOR_OPTIONS = {"kind": {}, "namespace": {"required": True}, "name": {"required": True}}
ARGUMENTS: dict[str, Any] = {
    "collectors": {"type": "list", "elements": "dict", "required": True, "options": COLLECTOR_OPTIONS},
    "seconds": {"type": "float", "default": 0},
    "applied": {"type": "list", "elements": "dict", "default": []},
    "passed": {"type": "dict", "options": PASSED_OPTIONS, "no_log": False},
}


def run_collector_wave(module: AnsibleModule) -> None:
    """Run the module: with option `passed`, note that collectors passed a wave; without it, read their metrics."""
    params = module.params

    def read_or_note_collectors() -> dict[str, Any]:
        reader = ClusterReader(connect(module), connect(module, QUICK_SECONDS))
        found_targets = find_targets(reader, params["collectors"]) if params["collectors"] else []
        # The pods of a sidecar belong to applications.
        targets = [target for target in found_targets if target.mode != "sidecar"]
        if params["passed"]:
            return note_passed_collectors(reader, targets, params["passed"], check=module.check_mode)
        return watch_collectors(reader, targets, params["seconds"], params["applied"])

    run(module, read_or_note_collectors)


# ── Reading ──


def watch_collectors(
    reader: ClusterReader, targets: Iterable[DiagnosedTarget], seconds: float, applied: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the result of the module: the readings of the running collectors, for so many seconds.

    `applied` has the objects that this run applied. If another run has applied a collector since, it is that run which
    judges the change: the name of the collector is in `taken`, and it has no readings. Collectors that this user may
    not see are in `unseen`.
    """
    all_targets = list(targets)
    # Another run may have applied the collector after this run did and before this task. Its generation shows that.
    running_targets = [target for target in all_targets if target.workload]
    taken_names = [name_target(target) for target in running_targets if _is_applied_by_other_run(target, applied)]
    own_targets = [target for target in running_targets if name_target(target) not in taken_names]
    watch = _watch_releases(reader, own_targets, seconds)
    return {
        "changed": False,
        "collectors": watch.rows,
        "taken": [*taken_names, *watch.replaced_names],
        "unseen": _list_unseen_collectors(all_targets),
    }


class _WatchedReleases(NamedTuple):
    """What a watch has read."""

    rows: list[TrackRow]
    """The readings of the collectors whose pods are still those of the start."""
    replaced_names: list[str]
    """The other collectors: another run has replaced their pods during the watch."""


def _watch_releases(reader: ClusterReader, targets: Iterable[DiagnosedTarget], seconds: float) -> _WatchedReleases:
    """Read running collectors for so many seconds, and return the readings of those that nobody has replaced.

    The readings of a replaced collector are of two releases, and say nothing about either.
    """
    collectors = [_WatchedCollector(reader, target) for target in targets]
    _read_collectors_repeatedly(reader, collectors, seconds)
    replaced_names = [collector.name for collector in collectors if collector.is_replaced()]
    rows = [collector.build_row() for collector in collectors if collector.name not in replaced_names]
    return _WatchedReleases(rows, replaced_names)


def _list_unseen_collectors(targets: Iterable[DiagnosedTarget]) -> list[dict[str, str]]:
    """Return the collectors of which nobody knows whether they run, each with the reason, such as a missing right."""
    unseen_collectors = []
    for target in targets:
        unseen_parts = [] if target.workload else target.list_hiding_parts()
        if unseen_parts:
            why = f"{unseen_parts[0]['what']}: {unseen_parts[0]['why']}"
            unseen_collectors.append({"name": name_target(target), "why": why})
    return unseen_collectors


def _is_applied_by_other_run(target: DiagnosedTarget, applied: Iterable[Mapping[str, Any]]) -> bool:
    """Return whether another run has applied a collector since this run did.

    `applied` has the generation in which this run left each object. A later generation is of somebody else.
    """
    live_object = target.custom_resource or target.workload or {}
    target_key = (target.kind, target.namespace, target.name)
    for applied_object in applied:
        applied_key = (applied_object["kind"], applied_object["namespace"], applied_object["name"])
        generation = applied_object.get("generation")
        if applied_key == target_key and generation and is_reapplied(live_object, int(generation), OWNER):
            return True
    return False


def _read_collectors_repeatedly(reader: ClusterReader, collectors: Sequence[_WatchedCollector], seconds: float) -> None:
    """Read all collectors at the same times, with pauses between, until the seconds are over."""
    # The clock of the cluster counts from any time on, and hosts and clusters are compared by the time of day.
    start_time = time.time()
    watch_seconds = seconds if collectors else 0.0  # without collectors, there is nothing to wait for
    for elapsed in iterate_poll_times(reader, watch_seconds, reader.cluster.clock(), reading_pause(seconds)):
        read_collector = partial(_WatchedCollector.read, poll_time=start_time + elapsed)
        reader.cluster.call_in_parallel(read_collector, collectors)


class _WatchedCollector:
    """One collector of the cluster, and the readings of its pods."""

    def __init__(self, reader: ClusterReader, target: DiagnosedTarget) -> None:
        self.name, self.target, self._reader = name_target(target), target, reader
        self.workload: Object = target.workload or {}
        self.release = compute_pods_release(self.workload)
        self._sampler: PodSampler | None = None
        self._polls: list[PollRow] = []

    def read(self, poll_time: float) -> None:
        """Add a reading of the pods of its newest revision. `poll_time` is in seconds of Unix."""
        pods, _older = read_pods(self._reader, self.workload)
        # The sampler reads the config of the pods once, and finds the port of their metrics in it. The config may not
        # be readable yet in the first readings, so the next reading tries again.
        if self._sampler is None or not self._sampler.config:
            self._sampler = PodSampler(self._reader, self.workload, pods, {})
        samples = self._sampler.sample_pods(pods)
        self._polls.append({"at": poll_time, "pods": [build_sample_row(sample) for sample in samples]})

    def is_replaced(self) -> bool:
        """Return whether the workload has other pods now than when the watch began, or is gone."""
        live_workload = ask_server(
            f"Read {ref(self.workload)}", lambda: self._reader.cluster.get(_workload_path(self.workload))
        )
        return not live_workload or compute_pods_release(live_workload) != self.release

    def build_row(self) -> TrackRow:
        """Return all readings, with the config without its secrets."""
        config = self._sampler.config if self._sampler else {}
        return {
            "name": self.name,
            "release": self.release,
            # A host numbers its releases, so that only a checksum tells what one has. Here the release is a checksum.
            "sum": self.release,
            "passed": read_passed_record(self._reader, self.target, self.release),
            "config": mask_tree(config, make_masker(find_secrets(config))),
            "polls": self._polls,
        }


def _workload_path(workload: Object) -> str:
    metadata = workload["metadata"]
    return object_path(PLURALS[workload["kind"]], metadata["namespace"], metadata["name"])
