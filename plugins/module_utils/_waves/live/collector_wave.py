# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What collectors of a cluster count while their wave is watched, and the note that they passed. Private."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..._change.live.observe import pods_of, times
from ..._change.live.pod_samples import PodSampler
from ..._diagnose.live.find_collectors import PLURALS, DiagnosedTarget, find
from ..._diagnose.live.reader import QUICK_SECONDS, ClusterReader, Object, path_of
from ..._host_change.wave_watch import PASSED, pause_of
from ..._kube.live.api_errors import asking
from ..._kube.live.cluster import APPLY
from ..._kube.live.connect import connect, run
from ..._kube.ownership import collector_of, owner, reapplied
from ..._otelcol.config.config_secrets import secrets_in
from ..._otelcol.config.masking import masked_tree, masker
from ..._otelcol.kube.names import OWNER
from ..._otelcol.kube.objects import ref
from ..._rollout.wave_note import note_name, note_of, own_note, passed_wave, pods_release
from ..sample_rows import sample_row

COLLECTOR = {"kind": {}, "namespace": {"required": True}, "name": {"required": True}}
ARGUMENTS: dict[str, Any] = {
    "collectors": {"type": "list", "elements": "dict", "required": True, "options": COLLECTOR},
    "seconds": {"type": "float", "default": 0},
    "applied": {"type": "list", "elements": "dict", "default": []},
    "passed": {"type": "dict", "options": PASSED, "no_log": False},
}


def run_collector_wave(module: AnsibleModule) -> None:
    """Read the collectors, or note that they passed."""
    given = module.params

    def work() -> dict[str, Any]:
        reader = ClusterReader(connect(module), connect(module, QUICK_SECONDS))
        found = find(reader, given["collectors"]) if given["collectors"] else []
        targets = [target for target in found if target.mode != "sidecar"]
        if given["passed"]:
            return noted(reader, targets, given["passed"], check=module.check_mode)
        return watched(reader, targets, given["seconds"], given["applied"])

    run(module, work)


# ── Reading ──


def watched(
    reader: ClusterReader, targets: Iterable[DiagnosedTarget], seconds: float, applied: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return what the collectors count in so many seconds. One that another run has applied since is told, not read."""
    running = [target for target in targets if target.workload]
    taken = [_name(target) for target in running if _is_taken(target, applied)]
    collectors = [_Collector(reader, target) for target in running if _name(target) not in taken]
    begun = time.time()
    for elapsed in times(reader, seconds if collectors else 0.0, reader.cluster.clock(), pause_of(seconds)):
        _read_all(reader, collectors, begun + elapsed)
    taken += [collector.name for collector in collectors if collector.is_replaced()]
    rows = [collector.row() for collector in collectors if collector.name not in taken]
    return {"changed": False, "collectors": rows, "taken": taken}


def _read_all(reader: ClusterReader, collectors: Sequence[_Collector], at: float) -> None:
    """Add a reading of each collector, at seconds of Unix."""
    reader.cluster.parallel(lambda collector: collector.read(at), collectors)


def _name(target: DiagnosedTarget) -> str:
    return f"{target.namespace}/{target.name}"


def _is_taken(target: DiagnosedTarget, applied: Iterable[Mapping[str, Any]]) -> bool:
    """Return whether another run has applied a collector after this one, which left it in a generation."""
    live = target.custom or target.workload or {}
    for item in applied:
        same = (item["kind"], item["namespace"], item["name"]) == (target.kind, target.namespace, target.name)
        if same and item.get("generation") and reapplied(live, int(item["generation"]), OWNER):
            return True
    return False


class _Collector:
    """One collector of the cluster, its note, and what was read of its pods."""

    def __init__(self, reader: ClusterReader, target: DiagnosedTarget) -> None:
        self.name, self.target, self._reader = _name(target), target, reader
        self.workload: Object = target.workload or {}
        self.release = pods_release(self.workload)
        self._sampler: PodSampler | None = None
        self._polls: list[dict[str, Any]] = []

    def read(self, at: float) -> None:
        """Add a reading of the pods that run its newest revision, at seconds of Unix."""
        pods, _older = pods_of(self._reader, self.workload)
        if self._sampler is None or not self._sampler.config:
            self._sampler = PodSampler(self._reader, self.workload, pods, {})
        samples = self._sampler.samples(pods)
        self._polls.append({"at": at, "pods": [sample_row(sample) for sample in samples]})

    def is_replaced(self) -> bool:
        """Return whether the workload has other pods now than when the watch began, or is gone."""
        live = self._reader.cluster.get(_path(self.workload))
        return not live or pods_release(live) != self.release

    def row(self) -> dict[str, Any]:
        """Return what was read, with the config without its secrets."""
        config = self._sampler.config if self._sampler else {}
        collector = _object(self.target)
        note = own_note(_found(self._reader, collector), collector) if collector_of(collector) else None
        return {
            "name": self.name,
            "release": self.release,
            "sum": self.release,
            "passed": passed_wave(note, self.release),
            "config": masked_tree(config, masker(secrets_in(config))),
            "polls": self._polls,
        }


def _path(workload: Object) -> str:
    metadata = workload["metadata"]
    return path_of(PLURALS[workload["kind"]], metadata["namespace"], metadata["name"])


# ── The note ──


def _found(reader: ClusterReader, collector: Object) -> Object | None:
    """Return what has the name of a collector's note, whoever made it."""
    wanted = note_name(collector)["metadata"]
    found: Object | None = reader.cluster.get(path_of("configmaps", wanted["namespace"], wanted["name"]))
    return found


def _object(target: DiagnosedTarget) -> Object:
    """Return the object of a collector that has its labels: a custom resource or a workload."""
    return target.custom or target.workload or {"metadata": {}}


def noted(
    reader: ClusterReader, targets: Iterable[DiagnosedTarget], given: Mapping[str, Any], *, check: bool
) -> dict[str, Any]:
    """Note for each collector that its release has passed a wave. What another run has changed since was not judged."""
    by_name = {_name(target): target for target in targets if target.workload}
    warnings, is_changed = [], False
    for judged in given["collectors"]:
        target = by_name.get(str(judged["name"]))
        why = _unnoted(reader, target, str(judged["release"]))
        if target is None or why:
            warnings.append(f"{judged['name']}: nothing says that it passed, since {why}.")
            continue
        is_changed = True
        row = {"wave": given["wave"], "by": given["by"], "verdict": "passed", "release": judged["release"]}
        if not check:
            _write(reader, note_of(_object(target), {**row, "when": _now()}))
    return {"changed": is_changed, "collectors": [], "warnings": warnings}


def _unnoted(reader: ClusterReader, target: DiagnosedTarget | None, release: str) -> str:
    """Return why nothing may say that a release of a collector passed; empty if it may."""
    if target is None or pods_release(target.workload or {}) != release:
        return "another run has changed it"
    collector = _object(target)
    if not collector_of(collector):
        return "its object has lost the label of its collector"
    found = _found(reader, collector)
    if found and not own_note(found, collector):
        return f"{ref(note_name(collector))} belongs to {owner(found)}"
    return ""


def _write(reader: ClusterReader, note: Object) -> None:
    path = path_of("configmaps", note["metadata"]["namespace"], note["metadata"]["name"])
    query = {"fieldManager": OWNER, "force": "true"}
    asking(f"Write {ref(note)}", lambda: reader.cluster.request("PATCH", path, query, note, APPLY))


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
