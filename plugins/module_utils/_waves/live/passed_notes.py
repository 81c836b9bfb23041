# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notes that collectors of a cluster have passed a wave, so that the same release is not watched again. Private.

The release of a collector is the hash of all that its pods are made of (`compute_pods_release`). When the gate of a
wave lets it pass, `collector_wave.py` writes a note: a ConfigMap beside the collector, with the record `{"wave":
"canary", "by": "alice", "verdict": "passed", "release": "3f2a…", "when": "2026-01-31T12:00:00Z"}`. The next run reads
the record, and watches only a collector whose release is another one.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..._diagnose.live.find_collectors import DiagnosedTarget
from ..._diagnose.live.reader import ClusterReader, Object, object_path
from ..._kube.live.api_errors import ask_server
from ..._kube.live.cluster import APPLY
from ..._kube.owner_words import describe_owner
from ..._kube.ownership import read_collector_name
from ..._otelcol.kube.names import OWNER
from ..._otelcol.kube.objects import ref
from ..._rollout.wave_note import build_empty_note, build_note, compute_pods_release, read_passed_wave, select_own_note


class _JudgedCollector(NamedTuple):
    """A collector that the gate of a wave let pass: its name as NAMESPACE/NAME, and the release that was judged."""

    name: str
    release: str


def name_target(target: DiagnosedTarget) -> str:
    """Return the name of a collector as the results of the module have it: NAMESPACE/NAME."""
    return f"{target.namespace}/{target.name}"


def read_passed_record(reader: ClusterReader, target: DiagnosedTarget, release: str) -> dict[str, str]:
    """Return the record of the wave that a release of a collector has passed; empty if it has passed none."""
    collector_object = _collector_object(target)
    note = None
    if read_collector_name(collector_object):
        note = select_own_note(_read_note_config_map(reader, collector_object), collector_object)
    return read_passed_wave(note, release)


def note_passed_collectors(
    reader: ClusterReader, targets: Iterable[DiagnosedTarget], passed_options: Mapping[str, Any], *, check: bool
) -> dict[str, Any]:
    """Write a note beside each collector that passed a wave, and return the result of the module.

    `passed_options` is option `passed` of the module, see PASSED_OPTIONS of _host_change/wave_watch.py. A collector
    that another run has changed since was not judged, so it gets a warning and no note. In check mode (`check`), no
    note is written.
    """
    targets_by_name = {name_target(target): target for target in targets if target.workload}
    warnings: list[str] = []
    is_changed = False
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
    # The key `collectors` has readings, and for a note nothing is read.
    return {"changed": is_changed, "collectors": [], "warnings": warnings}


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


def _format_current_time() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _write_note(reader: ClusterReader, note: Object) -> None:
    """Create the note, or replace an older one."""
    path = object_path("configmaps", note["metadata"]["namespace"], note["metadata"]["name"])
    query = {"fieldManager": OWNER, "force": "true"}
    ask_server(f"Write {ref(note)}", lambda: reader.cluster.request("PATCH", path, query, note, APPLY))


def _read_note_config_map(reader: ClusterReader, collector: Object) -> Object | None:
    """Return the ConfigMap with the name of a collector's note, whoever made it; None if there is none."""
    empty_note = build_empty_note(collector)
    path = object_path("configmaps", empty_note["metadata"]["namespace"], empty_note["metadata"]["name"])
    return ask_server(f"Read {ref(empty_note)}", lambda: reader.cluster.get(path))


def _collector_object(target: DiagnosedTarget) -> Object:
    """Return the object with the labels of the collector: its custom resource, or else its workload."""
    return target.custom_resource or target.workload or {"metadata": {}}
