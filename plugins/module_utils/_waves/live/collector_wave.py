# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module collector_wave: read what collectors of a cluster count while their wave is watched, or note that they passed.

The gate of the wave compares the readings. A collector whose release has passed gets a note, a ConfigMap beside it, so
that the same release is not watched again. Private.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ansible.module_utils.basic import AnsibleModule

from ..._change.live.observe import iterate_poll_times
from ..._change.live.pod_samples import PodSampler
from ..._change.live.revision_pods import read_pods
from ..._diagnose.live.find_collectors import PLURALS, DiagnosedTarget, find_targets
from ..._diagnose.live.reader import QUICK_SECONDS, ClusterReader, Object, object_path
from ..._host_change.wave_watch import PASSED_OPTIONS, reading_pause
from ..._kube.live.api_errors import ask_server
from ..._kube.live.cluster import APPLY
from ..._kube.live.connect import connect
from ..._kube.live.task_end import run
from ..._kube.ownership import describe_owner, is_reapplied, read_collector_name
from ..._otelcol.config.config_secrets import find_secrets
from ..._otelcol.config.masking import make_masker, mask_tree
from ..._otelcol.kube.names import OWNER
from ..._otelcol.kube.objects import ref
from ..._rollout.wave_note import build_empty_note, build_note, compute_pods_release, read_passed_wave, select_own_note
from ..sample_rows import PollRow, TrackRow, build_sample_row

COLLECTOR_OPTIONS = {"kind": {}, "namespace": {"required": True}, "name": {"required": True}}
ARGUMENTS: dict[str, Any] = {
    "collectors": {"type": "list", "elements": "dict", "required": True, "options": COLLECTOR_OPTIONS},
    "seconds": {"type": "float", "default": 0},
    "applied": {"type": "list", "elements": "dict", "default": []},
    "passed": {"type": "dict", "options": PASSED_OPTIONS, "no_log": False},
}


def run_collector_wave(module: AnsibleModule) -> None:
    """Run the module. With option `passed`, it notes that collectors passed; without, it reads them."""
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

    `applied` has the objects that this run applied. A collector that another run has applied since is in `taken`, and
    has no readings.
    """
    running_targets = [target for target in targets if target.workload]
    taken_names = [_target_name(target) for target in running_targets if _is_applied_by_other_run(target, applied)]
    own_targets = [target for target in running_targets if _target_name(target) not in taken_names]
    watched_collectors = [_WatchedCollector(reader, target) for target in own_targets]
    _read_collectors_repeatedly(reader, watched_collectors, seconds)
    taken_names += [collector.name for collector in watched_collectors if collector.is_replaced()]
    rows = [collector.build_row() for collector in watched_collectors if collector.name not in taken_names]
    return {"changed": False, "collectors": rows, "taken": taken_names}


def _target_name(target: DiagnosedTarget) -> str:
    return f"{target.namespace}/{target.name}"


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
    start_time = time.time()
    watch_seconds = seconds if collectors else 0.0
    for elapsed in iterate_poll_times(reader, watch_seconds, reader.cluster.clock(), reading_pause(seconds)):
        _read_all_collectors(reader, collectors, start_time + elapsed)


def _read_all_collectors(reader: ClusterReader, collectors: Sequence[_WatchedCollector], poll_time: float) -> None:
    """Add a reading of each collector, many at a time. `poll_time` is in seconds of Unix."""
    reader.cluster.call_in_parallel(lambda collector: collector.read(poll_time), collectors)


class _WatchedCollector:
    """One collector of the cluster, and the readings of its pods."""

    def __init__(self, reader: ClusterReader, target: DiagnosedTarget) -> None:
        self.name, self.target, self._reader = _target_name(target), target, reader
        self.workload: Object = target.workload or {}
        self.release = compute_pods_release(self.workload)
        self._sampler: PodSampler | None = None
        self._polls: list[PollRow] = []

    def read(self, poll_time: float) -> None:
        """Add a reading of the pods of its newest revision. `poll_time` is in seconds of Unix."""
        pods, _older = read_pods(self._reader, self.workload)
        if self._sampler is None or not self._sampler.config:
            self._sampler = PodSampler(self._reader, self.workload, pods, {})
        samples = self._sampler.sample_pods(pods)
        self._polls.append({"at": poll_time, "pods": [build_sample_row(sample) for sample in samples]})

    def is_replaced(self) -> bool:
        """Return whether the workload has other pods now than when the watch began, or is gone."""
        live_workload = self._reader.cluster.get(_workload_path(self.workload))
        return not live_workload or compute_pods_release(live_workload) != self.release

    def build_row(self) -> TrackRow:
        """Return all readings, with the config without its secrets."""
        config = self._sampler.config if self._sampler else {}
        return {
            "name": self.name,
            "release": self.release,
            "sum": self.release,
            "passed": self._read_passed_wave(),
            "config": mask_tree(config, make_masker(find_secrets(config))),
            "polls": self._polls,
        }

    def _read_passed_wave(self) -> dict[str, str]:
        """Return the record of the wave that its release has passed; empty if it has passed none."""
        collector_object = _collector_object(self.target)
        note = None
        if read_collector_name(collector_object):
            note = select_own_note(_read_note_config_map(self._reader, collector_object), collector_object)
        return read_passed_wave(note, self.release)


def _workload_path(workload: Object) -> str:
    metadata = workload["metadata"]
    return object_path(PLURALS[workload["kind"]], metadata["namespace"], metadata["name"])


# ── The note ──


def _read_note_config_map(reader: ClusterReader, collector: Object) -> Object | None:
    """Return the ConfigMap with the name of a collector's note, whoever made it; None if there is none."""
    note_metadata = build_empty_note(collector)["metadata"]
    config_map: Object | None = reader.cluster.get(
        object_path("configmaps", note_metadata["namespace"], note_metadata["name"])
    )
    return config_map


def _collector_object(target: DiagnosedTarget) -> Object:
    """Return the object with the labels of the collector: its custom resource, or else its workload."""
    return target.custom_resource or target.workload or {"metadata": {}}


class _JudgedCollector(NamedTuple):
    """A collector that the gate of a wave let pass: its name as NAMESPACE/NAME, and the release that was judged."""

    name: str
    release: str


def note_passed_collectors(
    reader: ClusterReader, targets: Iterable[DiagnosedTarget], passed_options: Mapping[str, Any], *, check: bool
) -> dict[str, Any]:
    """Write a note beside each collector that passed a wave, and return the result of the module.

    `passed_options` is option `passed` of the module, see PASSED_OPTIONS. A collector that another run has changed
    since was not judged, so it gets a warning and no note. In check mode (`check`), no note is written.
    """
    targets_by_name = {_target_name(target): target for target in targets if target.workload}
    warnings, is_changed = [], False
    for collector_options in passed_options["collectors"]:
        judged = _JudgedCollector(str(collector_options["name"]), str(collector_options["release"]))
        target = targets_by_name.get(judged.name)
        obstacle = _explain_missing_note(reader, target, judged.release)
        if target is None or obstacle:
            warnings.append(f"{judged.name}: nothing says that it passed, since {obstacle}.")
            continue
        is_changed = True
        if not check:
            _write_note(reader, _build_passed_note(target, judged, passed_options))
    return {"changed": is_changed, "collectors": [], "warnings": warnings}


def _build_passed_note(target: DiagnosedTarget, judged: _JudgedCollector, passed_options: Mapping[str, Any]) -> Object:
    """Return the ConfigMap that says which wave a release has passed, who let it pass, and when."""
    record = {
        "wave": passed_options["wave"],
        "by": passed_options["by"],
        "verdict": "passed",
        "release": judged.release,
        "when": _format_current_time(),
    }
    return build_note(_collector_object(target), record)


def _explain_missing_note(reader: ClusterReader, target: DiagnosedTarget | None, release: str) -> str:
    """Return why no note may say that a release of a collector passed, as the end of a sentence; empty if it may."""
    if target is None or compute_pods_release(target.workload or {}) != release:
        return "another run has changed it"
    collector_object = _collector_object(target)
    if not read_collector_name(collector_object):
        return "its object has lost the label of its collector"
    config_map = _read_note_config_map(reader, collector_object)
    if config_map and not select_own_note(config_map, collector_object):
        return f"{ref(build_empty_note(collector_object))} belongs to {describe_owner(config_map)}"
    return ""


def _write_note(reader: ClusterReader, note: Object) -> None:
    """Create the note, or replace an older one."""
    path = object_path("configmaps", note["metadata"]["namespace"], note["metadata"]["name"])
    query = {"fieldManager": OWNER, "force": "true"}
    ask_server(f"Write {ref(note)}", lambda: reader.cluster.request("PATCH", path, query, note, APPLY))


def _format_current_time() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
