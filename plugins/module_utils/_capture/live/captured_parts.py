# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read what the pod of a capture receives, part after part, until the sample is full. Private.

The pod serves what its receivers get as parts of a file (capture_reader.py). `capture_pod.py` makes a `CapturedParts`
for a pod that is ready. The parts are read through the API server, the first one at

    /api/v1/namespaces/obs/pods/gateway-capture-1a2bx-x7k2p:18090/proxy/SECRET_PATH/0

A part that is not there yet is asked for again. A pod that ends before the sample is full is an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..._diagnose.live.reader import object_path
from ..._kube.live.api_errors import explain
from ..._kube.live.cluster import NOT_FOUND, ApiError, Cluster
from ..._otelcol.config.paths import list_at, mapping_at
from ..._otelcol.errors import Problem
from ..capture_sample import SECONDS_BOUND, CaptureSample, LineSplitter, SampleEnd

# The seconds between two reads of a part that is not there yet.
_PAUSE_SECONDS = 0.5
# After so many reads in a row without a part, the run looks whether the pod still runs.
_LOOK_AFTER_MISSES = 10
_ENDED_PHASES = ("Failed", "Succeeded")
# So many reads in a row may fail: the server of parts may not listen yet.
_MOST_FAILED_READS = 20


class PlannedJob(NamedTuple):
    """A Job of a capture, the port on which its pod serves parts, and the path there that only this run knows."""

    manifest: dict[str, Any]
    port: int
    secret_path: str


@dataclass
class CapturedParts:
    """The parts of one pod. They are read once, so each pod gets an object of its own."""

    cluster: Cluster
    namespace: str
    pod: str
    planned_job: PlannedJob
    task: str
    """What the run does, for messages."""
    _failed_reads: int = 0
    """How many reads in a row have failed."""

    def read_into(self, sample: CaptureSample) -> SampleEnd:
        """Add part after part to a sample until it is full, or its time is over.

        The seconds of the sample end with the last read. Raises Problem if the pod ends before.
        """
        lines = LineSplitter()
        begun_at = self.cluster.clock()
        part_number = missed_reads = 0
        ended_by = ""
        while not ended_by:
            part = self._read_part(part_number)
            # The records of a part count even if the time ends with it. So the bounds are compared afterwards.
            _add_lines(lines.split_off_lines(part), part_number, sample)
            elapsed_seconds = self.cluster.clock() - begun_at
            ended_by = sample.full
            if not ended_by and elapsed_seconds >= sample.bounds.seconds:
                ended_by = SECONDS_BOUND
            if part:
                # The next part may be there already, so it is asked for without a pause.
                part_number += 1
                missed_reads = 0
                continue
            missed_reads += 1
            # Not after each of them: a pod that gets nothing is asked for a part twice a second.
            if missed_reads % _LOOK_AFTER_MISSES == 0:
                self._check_still_runs()
            self.cluster.sleep(_PAUSE_SECONDS)
        # The pod may have ended since the last look. Then the sample has too few records for its seconds.
        self._check_still_runs()
        return SampleEnd(elapsed_seconds, ended_by)

    def _check_still_runs(self) -> None:
        """Raise Problem if a container of the pod has ended: what came in since was not captured."""
        live_pod = self.cluster.get(object_path("pods", self.namespace, self.pod))
        end_reason = _explain_end(live_pod) if live_pod else "the pod has gone"
        if end_reason:
            fix = "Look at its log and its limit of memory, then run it again. Nothing was written."
            raise Problem(f"the pod of the capture ended before its end: {end_reason}", asked=self.task, fix=fix)

    def _read_part(self, part_number: int) -> bytes:
        """Return a part; nothing if it is not there yet. Raises Problem if the pod has gone or cannot be asked."""
        pod_path = object_path("pods", self.namespace, self.pod)
        part_path = f"{pod_path}:{self.planned_job.port}/proxy/{self.planned_job.secret_path}/{part_number}"
        try:
            answer = self.cluster.request_raw("GET", part_path, None, {"Accept": "*/*"}, patient=False)
        except ApiError as error:
            self._check_error_may_pass(error)
            return b""
        self._failed_reads = 0
        return answer.body

    def _check_error_may_pass(self, error: ApiError) -> None:
        """Raise Problem for an error after which no part can come, and for too many errors that may pass."""
        if error.is_rights_error:
            raise explain(error, f"{self.task}, which reads from its pod by `pods/proxy`") from error
        if error.status == NOT_FOUND and error.details.get("kind") == "pods":
            wrong = "the pod of the capture has gone before its end"
            raise Problem(wrong, asked=self.task, fix="Run it again. Nothing was written.") from error
        if error.status == NOT_FOUND:  # the pod answers, and the part is not there yet
            self._failed_reads = 0
            return
        self._failed_reads += 1
        if self._failed_reads > _MOST_FAILED_READS:
            wrong = f"the API server does not reach the pod of the capture: {error.message}"
            fix = f"See whether a NetworkPolicy shuts its port {self.planned_job.port}, as docs/capture.md says."
            raise Problem(wrong, asked=self.task, fix=fix) from error


def _add_lines(lines: Iterable[bytes], part_number: int, sample: CaptureSample) -> None:
    """Add the lines of a part to a sample until it is full."""
    for line in lines:
        sample.add(line, f"what the pod got, part {part_number}")
        if sample.full:
            return


def _explain_end(pod: Mapping[str, Any]) -> str:
    """Return which container of a pod has ended, and why; empty if all run. Containers here are not started again."""
    for container_status in list_at(pod, "status", "containerStatuses"):
        termination = mapping_at(container_status, "state", "terminated")
        if termination:
            return (
                f"container {container_status.get('name')} ended with {termination.get('reason')}, exit code"
                f" {termination.get('exitCode')}"
            )
    pod_status = mapping_at(pod, "status")
    if pod_status.get("phase") in _ENDED_PHASES:
        return str(pod_status.get("reason") or "all containers ended")
    return ""
