# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Capture what collectors of a cluster get, or what files have, into a folder for each. Private."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ansible.module_utils.basic import AnsibleModule

from ..._diagnose.live.find_collectors import DiagnosedTarget, find_targets
from ..._diagnose.live.reader import QUICK_SECONDS, ClusterReader
from ..._diagnose.live.running_config import read_running_config
from ..._diagnose.pod_config import list_unread_words
from ..._kube.conditions import is_ready
from ..._kube.live.connect import connect
from ..._kube.live.task_end import run
from ..._kube.ownership import read_label, read_release_label
from ..._otelcol.errors import Problem, prefix_problems
from ..._otelcol.forecast.capture_facts import COLLECTOR_RATE, HASH_MODE, POD_RATE, hash_config
from ..._otelcol.kube.names import COLLECTOR_LABEL, OWNER, OWNER_LABEL, collector_release
from .. import capture_manifest
from ..attribute_masks import names_secret
from ..capture_job import CAPTURE_FILE
from ..capture_sample import Bounds, Sample, SampleEnd
from ..capture_share import compute_share, list_node_ports
from ..capture_tap import STATE_CONSENT, Tap, build_tap
from ..collector_rates import ServedRecords
from ..record_masks import KEEP_MODE, RecordMasks
from .capture_files import read_files
from .capture_folder import open_capture_folder
from .capture_pod import CapturePod
from .serving_pods import ServingPods

VALUES_CONSENT = "values"
"""The consent to keep values."""
_ASKED = "Capture telemetry"
_CAPTURED_MODES = ("deployment", "statefulset", "daemonset")
_MOST_NAME_PARTS = 2
"""A namespace and a name."""
_COLLECTOR = {"kind": {}, "namespace": {"required": True}, "name": {"required": True}}
ARGUMENTS: dict[str, Any] = {
    "collectors": {"type": "list", "elements": "dict", "options": _COLLECTOR, "default": []},
    "only": {"type": "list", "elements": "str", "default": []},
    "files": {"type": "list", "elements": "path", "default": []},
    "files_of": {"default": ""},
    "path": {"type": "path", "required": True},
    "folder": {"default": ""},
    "seconds": {"type": "float", "default": 60},
    "records": {"type": "int", "default": 100_000},
    "bytes": {"type": "int", "default": 16 << 20},
    "values": {"choices": [HASH_MODE, KEEP_MODE], "default": HASH_MODE},
    "keep": {"type": "list", "elements": "str", "default": []},
    "allow": {"type": "list", "elements": "str", "choices": [STATE_CONSENT, VALUES_CONSENT], "default": []},
    "reader_image": {"default": "docker.io/library/busybox:1.37"},
    "run_as_user": {"type": "int", "default": 10001},
    "node": {"default": ""},
    "timeout_seconds": {"type": "float", "default": 120},
}
_OPTION_LIMITS = {
    "seconds": (1, 3600),
    "records": (1, 10**9),
    "bytes": (1 << 16, 1 << 30),
    "timeout_seconds": (1, 3600),
}


def run_capture(module: AnsibleModule) -> None:
    """Do what the task asks."""
    run(module, lambda: capture_all(module.params, lambda: _connect_reader(module), check=module.check_mode))


def _connect_reader(module: AnsibleModule) -> ClusterReader:
    return ClusterReader(connect(module), connect(module, QUICK_SECONDS))


def capture_all(options: Mapping[str, Any], reader: Callable[[], ClusterReader], *, check: bool) -> dict[str, Any]:
    """Return the captures of files, or of collectors. Raises Problem if one fails, when the others are there."""
    check_options(options)
    captures = _Captures(options, check=check)
    if options["files"]:
        captures.capture_files()
    else:
        cluster_reader = reader()
        for target in find_targets(cluster_reader, options["collectors"]) if options["collectors"] else []:
            captures.capture_collector(cluster_reader, target)
    return captures.build_result()


def check_options(options: Mapping[str, Any]) -> None:
    """Raise Problem for bounds that are none, and for values that would be kept without consent."""
    for name, (lowest, highest) in _OPTION_LIMITS.items():
        if not lowest <= options[name] <= highest:
            raise Problem(
                f"{name} is {options[name]:g}", asked=_ASKED, fix=f"Give a number from {lowest} to {highest}."
            )
    if options["values"] == KEEP_MODE and VALUES_CONSENT not in options["allow"]:
        wrong = "the capture would have the values of all attributes, and the bodies of logs"
        fix = "Consent with `capture_allow: [values]`, or name single attributes with `capture_keep`."
        raise Problem(wrong, asked=f"{_ASKED} with `capture_values: keep`", fix=fix)
    if not _is_folder_name(options["folder"]):
        raise Problem(f"'{options['folder']}' is no name of a folder", asked=_ASKED, fix="Rename the host.")
    _check_collector_name(options["files_of"])
    if options["files"] and options["only"]:
        wrong = f"`capture_only` names {', '.join(options['only'])}, and files are captured, not collectors"
        raise Problem(wrong, asked=_ASKED, fix="Leave out `capture_only`, or name the collector by `capture_files_of`.")
    for name in options["keep"]:
        if names_secret(name):
            wrong = f"{name} is a header or the name of a secret, and no capture has these"
            raise Problem(wrong, asked=_ASKED, fix="Take it out of `capture_keep`.")


def _check_collector_name(files_of: str) -> None:
    """Raise Problem for a name of a collector that is neither NAME nor NAMESPACE/NAME."""
    parts = files_of.split("/") if files_of else []
    if len(parts) > _MOST_NAME_PARTS or not all(part and _is_folder_name(part) for part in parts):
        fix = "Give `capture_files_of` as NAME for a Linux host, or as NAMESPACE/NAME."
        raise Problem(f"'{files_of}' is no name of a collector", asked=_ASKED, fix=fix)


def _is_folder_name(name: str) -> bool:
    """Whether a name leads to no other folder."""
    return name not in (".", "..") and "/" not in name


class EndedSample(NamedTuple):
    """A sample, and how it ended."""

    sample: Sample
    end: SampleEnd


class PlannedCapture(NamedTuple):
    """What the pod of a capture gets on top, the pods beside it, and what the manifest says of the collector."""

    tap: Tap
    serving_pods: ServingPods
    manifest_row: dict[str, Any]


class _Captures:
    """The captures of one run, which share its key."""

    def __init__(self, options: Mapping[str, Any], *, check: bool) -> None:
        self._options, self._check = options, check
        self._bounds = Bounds(options["seconds"], options["records"], options["bytes"])
        self._masks = RecordMasks(secrets.token_bytes(32), options["keep"], options["values"])
        self._rows: list[dict[str, Any]] = []
        self._impossible: list[str] = []
        self._failed: list[str] = []
        self._warnings: list[str] = []
        self._unkept: list[str] = []

    def capture_files(self) -> None:
        """Capture what files have."""
        about_files: dict[str, Any] = {"files": [Path(path).name for path in self._options["files"]]}
        namespace, _slash, name = self._options["files_of"].rpartition("/")
        if name:
            namespace_field = {"namespace": namespace} if namespace else {}
            about_files["collector"] = {**namespace_field, "name": name}

        def read_into_sample(sample: Sample) -> SampleEnd:
            ended_by, notes = read_files(self._options["files"], sample)
            self._warnings += notes
            return SampleEnd(0.0, ended_by)

        no_records = Problem("the files have no record", fix="Get them again when the collector has written more.")
        folder_name = f"{namespace}.{name}" if namespace else name or "files"
        self._write_capture(folder_name, {"source": "files", **about_files}, read_into_sample, no_records)

    def capture_collector(self, reader: ClusterReader, target: DiagnosedTarget) -> None:
        """Capture what a collector gets. One that no pod can be put beside is noted, unless the user named it."""
        collector_name = f"{target.namespace}/{target.name}"
        try:
            planned_capture = self._plan_capture(reader, target)
        except Problem as problem:
            self._impossible.append(f"{collector_name}: {problem}")
            return
        self._warn_of_node_ports(target, collector_name)
        pod = CapturePod(reader.cluster, target, self._options)
        try:
            with prefix_problems(collector_name):
                self._capture_with_pod(pod, planned_capture)
        except Problem as problem:
            self._failed.append(str(problem))
        self._warnings += pod.warnings

    def _plan_capture(self, reader: ClusterReader, target: DiagnosedTarget) -> PlannedCapture:
        """Return how a collector is captured. Raises Problem for one that no pod can be put beside."""
        if target.workload is None:
            raise Problem("it does not run", fix="Deploy it first.")
        if target.mode not in _CAPTURED_MODES:
            wrong = f"it is a {target.mode}, and no pod beside its pods would get a share of what they get"
            raise Problem(wrong, fix="Let it write files with exporter file, and capture these with `capture_files`.")
        _check_owner(target)
        config = _read_whole_config(reader, target)
        planned_tap = build_tap(config, CAPTURE_FILE, self._options["allow"])
        services = reader.list_objects("services", target.namespace, target.notes)
        share = compute_share(target.workload, sum(map(is_ready, target.pods)), services)
        manifest_row: dict[str, Any] = {
            "source": "pod",
            "collector": {"namespace": target.namespace, "name": target.name, "kind": target.workload["kind"]},
            "image": str(target.collector_container.get("image") or ""),
            "config_sha256": hash_config(config),
            "other_pods": share.other_pod_count,
            "asked_signals": list(planned_tap.signals),
            "receivers": list(planned_tap.receivers),
            "left_out_receivers": list(planned_tap.left_out_receivers),
        }
        if share.node_count > 1:
            manifest_row["nodes"] = share.node_count
        return PlannedCapture(planned_tap, ServingPods(reader, target, config, planned_tap.receivers), manifest_row)

    def _warn_of_node_ports(self, target: DiagnosedTarget, collector_name: str) -> None:
        """Warn of what clients send to ports of their node, which lead to the pods that serve."""
        ports = list_node_ports(target.workload or {})
        if ports:
            port_word = "port" if len(ports) == 1 else "ports"
            port_list = ", ".join(map(str, ports))
            self._warnings.append(
                f"{collector_name}: the capture has nothing of clients that send to {port_word} {port_list} of their"
                " node"
            )

    def _capture_with_pod(self, pod: CapturePod, planned_capture: PlannedCapture) -> None:
        if self._check:
            pod.check_is_allowed(planned_capture.tap)
            self._rows.append({**planned_capture.manifest_row, "path": ""})
            return
        receivers = ", ".join(planned_capture.tap.receivers)
        wrong = (
            f"nothing came in within {self._options['seconds']:g} s at {receivers}. Clients that keep their connections"
            " do not find a new pod"
        )
        fix = "Send telemetry, let clients connect anew, or raise `capture_seconds`. No capture was written."
        no_records = Problem(wrong, fix=fix)
        folder_name = f"{pod.target.namespace}.{pod.target.name}"
        end = self._write_capture(
            folder_name,
            planned_capture.manifest_row,
            lambda sample: pod.capture(planned_capture.tap, planned_capture.serving_pods, sample),
            no_records,
        )
        if end.served_records:
            self._warn_of_rates(folder_name, end.served_records, self._rows[-1]["signals"])

    def _warn_of_rates(
        self, collector_name: str, served: ServedRecords, signals: Mapping[str, Mapping[str, Any]]
    ) -> None:
        """Warn of signals of which nobody has counted what the other pods receive, and of pods that were not read."""
        uncounted_signals = [signal for signal, row in signals.items() if POD_RATE in row and COLLECTOR_RATE not in row]
        if served.ready_pod_count and uncounted_signals:
            reason = served.unread_reason or "their own metrics do not count it"
            self._warnings.append(
                f"{collector_name}: what the other pods receive of {', '.join(uncounted_signals)} is not known, so a"
                " forecast takes each for as busy as the pod of the capture, unless you give `forecast_rates`:"
                f" {reason}"
            )
        elif served.unread_reason:
            self._warnings.append(
                f"{collector_name}: the own metrics of {served.known_pod_count} of {served.ready_pod_count} other pods"
                f" were read, and the rest is taken for as busy as these: {served.unread_reason}"
            )

    def _write_capture(
        self,
        name: str,
        manifest_row: Mapping[str, Any],
        read_into_sample: Callable[[Sample], SampleEnd],
        no_records: Problem,
    ) -> SampleEnd:
        """Write a capture whose records `read_into_sample` adds, unless the run only checks.

        Raises `no_records` if there are none.
        """
        target_folder = Path(self._options["path"]).expanduser() / self._options["folder"] / name
        if self._check:
            ended_sample = self._collect_sample(read_into_sample, lambda _signal, _line: None, no_records)
            self._rows.append({**manifest_row, "path": str(target_folder)})
            return ended_sample.end
        begun_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        with open_capture_folder(target_folder) as folder:
            sample, end = self._collect_sample(read_into_sample, folder.write_line, no_records)
            manifest = capture_manifest.build_manifest({"begun": begun_at, **manifest_row}, sample, end)
            masking = capture_manifest.describe_masking(self._options["values"], self._options["keep"])
            folder.finish({**manifest, "masked": masking})
        self._rows.append({**manifest, "path": str(target_folder)})
        silent_signals = [signal for signal in manifest_row.get("asked_signals", ()) if signal not in sample.sizes]
        if silent_signals:
            self._warnings.append(
                f"{name}: nothing came in of {', '.join(silent_signals)}, so the capture has none of it"
            )
        return end

    def _collect_sample(
        self, read_into_sample: Callable[[Sample], SampleEnd], write: Callable[[str, bytes], None], no_records: Problem
    ) -> EndedSample:
        """Return what `read_into_sample` adds to a sample, whose lines `write` gets.

        Raises `no_records` if there is no record.
        """
        sample = Sample(self._masks, self._bounds, write)
        end = read_into_sample(sample)
        if not sample.records:
            raise no_records
        self._unkept = self._masks.unseen_names
        return EndedSample(sample, end)

    def build_result(self) -> dict[str, Any]:
        """Return the captures. Raises Problem if one failed, if a named one is impossible, or if there is none."""
        wrong = [*self._failed, *(self._impossible if self._options["only"] or not self._rows else ())]
        if not self._rows and not wrong:
            wrong = ["there is no collector and no file"]
        facts = {"captures": self._rows, "changed": bool(self._rows)}
        if wrong:
            failure_facts = {**facts, "warnings": self._warnings} if self._warnings else facts
            raise Problem("; ".join(_strip_full_stops(wrong)), asked=_ASKED, facts=failure_facts)
        unkept_warnings = (
            [f"capture_keep has {', '.join(self._unkept)}, which nothing in the captures has"] if self._unkept else []
        )
        warnings = [*self._warnings, *unkept_warnings, *(f"Not captured: {line}" for line in self._impossible)]
        return {**facts, "not_captured": list(self._impossible), "warnings": warnings}


def _check_owner(target: DiagnosedTarget) -> None:
    """Raise Problem for a workload that this collection did not deploy: nobody consented to one more pod of it."""
    owned_object = target.custom_resource or target.workload or {"metadata": {}}
    known_release = read_release_label(owned_object)
    is_older = (
        not known_release
        and read_label(owned_object, OWNER_LABEL) == OWNER
        and read_label(owned_object, COLLECTOR_LABEL) == target.name
    )
    if known_release != collector_release(target.namespace, target.name) and not is_older:
        wrong = f"{target.kind} {target.name} has no label of this collection, so others deployed it"
        raise Problem(wrong, fix="Capture at a collector of this inventory, or capture files with `capture_files`.")


def _read_whole_config(reader: ClusterReader, target: DiagnosedTarget) -> dict[str, Any]:
    """Return the config of a collector. Raises Problem if a part of it cannot be read."""
    running_state = read_running_config(reader, target)
    unread_sources = list_unread_words(target.collector_container, running_state.sources, running_state.config_maps)
    if running_state.config and not unread_sources:
        return running_state.config
    reasons = [row["why"] for row in target.notes.build_rows()]
    reasons += [f"no ConfigMap has what `{word}` gives" for word in unread_sources]
    reason = "; ".join(reasons) or "no ConfigMap has it"
    raise Problem(f"its config cannot be read: {reason}", fix="Keep the whole config in ConfigMaps, without `--set`.")


def _strip_full_stops(lines: Iterable[str]) -> Iterable[str]:
    return (line.rstrip(".") for line in lines)
