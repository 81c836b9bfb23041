# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task of module telemetry_capture: write a sample of what collectors of a cluster receive, or of what files have.
Private.

`run_capture` is the entry point. Each collector gets a folder with its sample and a manifest; the files of a task share
one folder. For example, for collector `gateway` in namespace `obs`, the folder is `PATH/obs.gateway`, and the result
has

    {"changed": True, "captures": [{"path": "/captures/obs.gateway", "records": 5120, "seconds": 60.0, …}],
     "not_captured": ["obs/agent: it is a sidecar, and no pod beside its pods would get a share of what they get"], …}
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from ansible.module_utils.basic import AnsibleModule

from ..._diagnose.live.find_collectors import DiagnosedTarget, find_targets
from ..._diagnose.live.reader import QUICK_SECONDS, ClusterReader
from ..._kube.live.connect import connect
from ..._kube.live.task_end import run
from ..._otelcol.errors import Problem, prefix_problems
from ..._otelcol.forecast.capture_facts import COLLECTOR_RATE, HASH_MODE, POD_RATE
from ..capture_manifest import CaptureRow, SourceFacts, SourceRow, build_manifest, build_signal_rows, describe_masking
from ..capture_options import CAPTURE_TASK, VALUES_CONSENT, CaptureOptions, read_options
from ..capture_sample import CaptureSample, SampleEnd
from ..capture_share import list_node_ports
from ..capture_tap import STATE_CONSENT
from ..collector_rates import ServedRecords
from ..record_masks import KEEP_MODE, RecordMasks
from .capture_files import read_files
from .capture_folder import open_capture_folder
from .capture_plan import PlannedCapture, plan_capture
from .capture_pod import CapturePod

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


def run_capture(module: AnsibleModule) -> None:
    """Capture what the options of a module name, and end its task."""
    run(module, lambda: capture_all(module.params, lambda: _connect_reader(module), check=module.check_mode))


def _connect_reader(module: AnsibleModule) -> ClusterReader:
    return ClusterReader(connect(module), connect(module, QUICK_SECONDS))


def capture_all(
    params: Mapping[str, Any], connect_reader: Callable[[], ClusterReader], *, check: bool
) -> dict[str, Any]:
    """Return the result of the task whose parameters these are; `check` is check mode, which writes nothing.

    Raises Problem if one capture fails. The others are there then.
    """
    options = read_options(params)
    captures = _Captures(options, check=check)
    if options.files:
        captures.capture_files()
        return captures.build_result()
    reader = connect_reader()
    targets = find_targets(reader, options.collectors) if options.collectors else []
    for target in targets:
        captures.capture_collector(reader, target)
    return captures.build_result()


@dataclass(frozen=True)
class _CaptureSource:
    """What one capture is of, and how its records are read."""

    folder_name: str
    """The name of the folder of the capture, below that of the host."""
    facts: SourceFacts
    read_into: Callable[[CaptureSample], SampleEnd]
    """Adds the records of the source to a sample, and returns what ended it."""
    no_records: Problem
    """Why there is nothing to capture if no record came in."""


class _EndedSample(NamedTuple):
    """A sample that gets no more records, and how it ended."""

    sample: CaptureSample
    end: SampleEnd


class _Captures:
    """The captures of one run. All have the same key for masks, so equal values stay equal across them."""

    def __init__(self, options: CaptureOptions, *, check: bool) -> None:
        self._options, self._check = options, check
        self._masks = RecordMasks(secrets.token_bytes(32), options.kept_names, options.value_mode)
        self._rows: list[CaptureRow | SourceRow] = []
        # Lines that say why a collector cannot be captured, and why a capture failed.
        self._impossible_lines: list[str] = []
        self._failed_lines: list[str] = []
        self._warnings: list[str] = []
        # Attributes that the user wants to keep and that no record has had so far.
        self._unseen_names: list[str] = []

    # ── Files ──

    def capture_files(self) -> None:
        """Capture the records of all files in one folder."""
        files = self._options.files
        namespace, _slash, name = self._options.files_of.rpartition("/")
        facts: SourceFacts = {"source": "files", "files": [Path(path).name for path in files]}
        folder_name = name or "files"
        if namespace:
            facts["collector"] = {"namespace": namespace, "name": name}
            folder_name = f"{namespace}.{name}"
        elif name:
            facts["collector"] = {"name": name}

        def read_into(sample: CaptureSample) -> SampleEnd:
            files_end = read_files(files, sample)
            self._warnings += files_end.notes
            return SampleEnd(0.0, files_end.ended_by)

        no_records = Problem("the files have no record", fix="Get them again when the collector has written more.")
        self._capture_source(_CaptureSource(folder_name, facts, read_into, no_records))

    # ── Collectors ──

    def capture_collector(self, reader: ClusterReader, target: DiagnosedTarget) -> None:
        """Capture what a collector receives, or note why it cannot be captured or why its capture failed."""
        collector_name = f"{target.namespace}/{target.name}"
        try:
            planned_capture = plan_capture(reader, target, self._options.consents)
        except Problem as problem:
            self._impossible_lines.append(f"{collector_name}: {problem}")
            return
        self._warn_of_node_ports(target, collector_name)
        pod = CapturePod(reader.cluster, target, self._options)
        try:
            with prefix_problems(collector_name):
                self._capture_with_pod(pod, planned_capture)
        except Problem as problem:
            self._failed_lines.append(str(problem))
        self._warnings += pod.warnings

    def _warn_of_node_ports(self, target: DiagnosedTarget, collector_name: str) -> None:
        """Warn of ports of a node: what clients send there never reaches the pod of the capture."""
        ports = list_node_ports(target.workload or {})
        if ports:
            port_word = "port" if len(ports) == 1 else "ports"
            port_list = ", ".join(map(str, ports))
            self._warnings.append(
                f"{collector_name}: the capture has nothing of clients that send to {port_word} {port_list} of their"
                " node"
            )

    def _capture_with_pod(self, pod: CapturePod, planned_capture: PlannedCapture) -> None:
        """Capture with one more pod of a collector. In check mode, only ask the server whether the pod may run."""
        tap = planned_capture.tap
        if self._check:
            pod.check_is_allowed(tap)
            self._rows.append({**planned_capture.facts, "path": ""})
            return
        wrong = (
            f"nothing came in within {self._options.bounds.seconds:g} s at {', '.join(tap.receivers)}. Clients that"
            " keep their connections do not find a new pod"
        )
        fix = "Send telemetry, let clients connect anew, or raise `capture_seconds`. No capture was written."
        source = _CaptureSource(
            folder_name=f"{pod.target.namespace}.{pod.target.name}",
            facts=planned_capture.facts,
            read_into=lambda sample: pod.capture(tap, planned_capture.serving_pods, sample),
            no_records=Problem(wrong, fix=fix),
        )
        sample, end = self._capture_source(source)
        if not end.served_records:
            return
        uncounted_signals = []
        for signal, row in build_signal_rows(sample, end).items():
            if POD_RATE in row and COLLECTOR_RATE not in row:
                uncounted_signals.append(signal)
        self._warn_of_rates(source.folder_name, end.served_records, uncounted_signals)

    def _warn_of_rates(self, collector_name: str, served: ServedRecords, uncounted_signals: Sequence[str]) -> None:
        """Warn of signals whose rate at the collector's own pods is not known, and of pods that could not be read."""
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

    # ── Samples and their folders ──

    def _capture_source(self, source: _CaptureSource) -> _EndedSample:
        """Read the records of a source, and write them into its folder unless in check mode.

        Raises Problem if there are none.
        """
        target_folder = Path(self._options.path).expanduser() / self._options.host_folder / source.folder_name
        if self._check:
            ended_sample = self._collect_sample(source, _write_nowhere)
            self._rows.append({**source.facts, "path": str(target_folder)})
            return ended_sample
        return self._write_capture(source, target_folder)

    def _write_capture(self, source: _CaptureSource, target_folder: Path) -> _EndedSample:
        """Write the records of a source and their manifest into a folder."""
        begun_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        with open_capture_folder(target_folder) as folder:
            sample, end = self._collect_sample(source, folder.write_line)
            manifest = build_manifest({"begun": begun_at, **source.facts}, sample, end)
            masking = describe_masking(self._options.value_mode, self._options.kept_names)
            folder.finish({**manifest, "masked": masking})
        self._rows.append({**manifest, "path": str(target_folder)})
        silent_signals = [signal for signal in source.facts.get("asked_signals", ()) if signal not in sample.sizes]
        if silent_signals:
            self._warnings.append(
                f"{source.folder_name}: nothing came in of {', '.join(silent_signals)}, so the capture has none of it"
            )
        return _EndedSample(sample, end)

    def _collect_sample(self, source: _CaptureSource, write_line: Callable[[str, bytes], None]) -> _EndedSample:
        """Return the sample of a source, whose masked lines `write_line` gets. Raises Problem if it has no record."""
        sample = CaptureSample(self._masks, self._options.bounds, write_line)
        end = source.read_into(sample)
        if not sample.records:
            raise source.no_records
        self._unseen_names = self._masks.unseen_names
        return _EndedSample(sample, end)

    # ── The result ──

    def build_result(self) -> dict[str, Any]:
        """Return the result of the task.

        Raises Problem if a capture failed, if a collector that the user has chosen cannot be captured, or if there is
        no capture.
        """
        facts = {"captures": self._rows, "changed": bool(self._rows)}
        faults = self._list_faults()
        if faults:
            failure_facts = {**facts, "warnings": self._warnings} if self._warnings else facts
            wrong = "; ".join(line.rstrip(".") for line in faults)
            raise Problem(wrong, asked=CAPTURE_TASK, facts=failure_facts)
        warnings = list(self._warnings)
        if self._unseen_names:
            warnings.append(f"capture_keep has {', '.join(self._unseen_names)}, which nothing in the captures has")
        warnings += [f"Not captured: {line}" for line in self._impossible_lines]
        return {**facts, "not_captured": list(self._impossible_lines), "warnings": warnings}

    def _list_faults(self) -> list[str]:
        """Return why the task fails, one line each; none if it does not."""
        faults = list(self._failed_lines)
        if self._options.only or not self._rows:
            faults += self._impossible_lines
        if not self._rows and not faults:
            return ["there is no collector and no file"]
        return faults


def _write_nowhere(_signal: str, _line: bytes) -> None:
    """Drop a line of a sample: in check mode, only its records are counted."""
