# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the pod of a capture beside a collector's own pods, and reads what it gets until the sample is full. Private.

`capture_task` makes a CapturePod for each collector. The parts of the pod's file are read through the API server.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple

from ..._diagnose.live.find_collectors import DiagnosedTarget
from ..._diagnose.live.reader import object_path
from ..._kube.conditions import is_ready
from ..._kube.live.api_errors import ask_server, explain
from ..._kube.live.cluster import NOT_FOUND, ApiError, Cluster
from ..._kube.live.urls import quote_segment
from ..._otelcol.config.paths import list_at, mapping_at, value_at
from ..._otelcol.errors import Problem
from ..._rollout.live.job_pods import poll_job_pods
from ..capture_job import KEPT_SECONDS, build_capture_job
from ..capture_options import CaptureOptions
from ..capture_reader import CaptureJob
from ..capture_sample import SECONDS_BOUND, CaptureSample, LineSplitter, SampleEnd
from ..capture_tap import Tap
from .serving_pods import ServingPods

# Seconds that the pod needs beside the capture: to get the image, to start, to hand out the last part.
_SPARE_SECONDS = 30
# How long the pod may take to end, beside the time that its spec gives it for that.
_END_SECONDS = 30.0
# That time if the spec has none. Source: the default of terminationGracePeriodSeconds in Kubernetes.
_GRACE_SECONDS = 30
_PAUSE_SECONDS = 0.5
# After so many reads in a row without a part, the run looks whether the pod still runs.
_LOOK_AFTER_MISSES = 10
_ENDED_PHASES = ("Failed", "Succeeded")
# So many reads in a row may fail: the server of parts may not listen yet.
_MOST_FAILED_READS = 20
_LONGEST_JOB_NAME = 57
"""The name of a Job's pod is that of the Job, a dash and 5 letters or digits, and has at most 63 characters.

Source: SimpleNameGenerator of k8s.io/apiserver, which cuts a longer name.
"""


class PlannedJob(NamedTuple):
    """A Job of a capture, the port on which its pod serves parts, and the path there that only this run knows."""

    manifest: dict[str, Any]
    port: int
    secret_path: str


class CapturePod:
    """The pod of one capture."""

    def __init__(self, cluster: Cluster, target: DiagnosedTarget, options: CaptureOptions) -> None:
        self.cluster, self.target, self.options = cluster, target, options
        self.warnings: list[str] = []
        self._task = f"Capture at {target.namespace}/{target.name}"
        self._jobs_path = f"/apis/batch/v1/namespaces/{quote_segment(target.namespace)}/jobs"
        # How many reads in a row have failed.
        self._failed_reads = 0

    def plan_job(self, tap: Tap) -> PlannedJob:
        """Return a Job with a name and a path of its own. Raises Problem for a pod that cannot run twice."""
        name_ending = f"-capture-{secrets.token_hex(2)}x"
        life_seconds = self.options.timeout_seconds + self.options.bounds.seconds + _SPARE_SECONDS
        capture_job = CaptureJob(
            name=f"{self.target.name[: _LONGEST_JOB_NAME - len(name_ending)]}{name_ending}",
            config_overlay=tap.config_overlay,
            secret_path=secrets.token_hex(16),
            reader_image=self.options.reader_image,
            run_as_user=self.options.run_as_user,
            most_bytes=self.options.bounds.octets,
            life_seconds=int(life_seconds),
            node_name=self.options.node_name,
        )
        built_job = build_capture_job(self.target.workload or {}, capture_job)
        return PlannedJob(built_job.manifest, built_job.port, capture_job.secret_path)

    def check_is_allowed(self, tap: Tap) -> None:
        """Ask the server whether it would take the Job. Raises Problem if not."""
        job = self.plan_job(tap).manifest
        ask_server(self._task, lambda: self.cluster.request("POST", self._jobs_path, {"dryRun": "All"}, job))

    def capture(self, tap: Tap, serving_pods: ServingPods, sample: CaptureSample) -> SampleEnd:
        """Add what the pod gets to a sample until it is full. Return its end, with what the other pods received.

        Raises Problem if the pod does not start, or if what it gets cannot be read.
        """
        planned_job = self.plan_job(tap)
        first_reading = serving_pods.read_pods()
        with self._run_job(planned_job.manifest) as live_job:
            pod = self._wait_for_ready_pod(live_job)
            self.cluster.progress.tell_now(self.target.name, f"pod {pod} takes its share of the load")
            end = self._read_parts(pod, planned_job, sample)
            return replace(end, served_records=serving_pods.read_served_since(first_reading))

    @contextmanager
    def _run_job(self, job: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield the Job of this run. At the end, remove this very Job, and wait until its pod is gone."""
        live_job = ask_server(self._task, lambda: self.cluster.request("POST", self._jobs_path, None, job))
        try:
            yield live_job
        finally:
            delete_options = {"propagationPolicy": "Foreground", "preconditions": {"uid": live_job["metadata"]["uid"]}}
            path = f"{self._jobs_path}/{live_job['metadata']['name']}"
            try:
                self.cluster.request("DELETE", path, None, delete_options)
                self._wait_until_gone(path, live_job)
            except ApiError as error:
                if error.status != NOT_FOUND:
                    self._warn_of_remaining_job(live_job, error.message)

    def _warn_of_remaining_job(self, live_job: Mapping[str, Any], reason: str) -> None:
        """Note that the Job may still run, and when Kubernetes ends it."""
        name, namespace = live_job["metadata"]["name"], self.target.namespace
        self.warnings.append(
            f"Job {namespace}/{name} could not be deleted: {reason}. Its pod takes its share of the load until"
            f" Kubernetes ends the Job, {live_job['spec']['activeDeadlineSeconds']} s after its start, and removes it"
            f" {KEPT_SECONDS} s later. End it earlier with `kubectl delete job -n {namespace} {name}`"
        )

    def _wait_until_gone(self, path: str, live_job: Mapping[str, Any]) -> None:
        """Wait until the Job has gone, which goes after its pod: that sends on what it still has."""
        grace_seconds = value_at(
            live_job, ("spec", "template", "spec", "terminationGracePeriodSeconds"), _GRACE_SECONDS
        )
        for _poll in self.cluster.iter_polls(float(grace_seconds) + _END_SECONDS):
            if self.cluster.get(path) is None:
                return
        self._warn_of_remaining_job(live_job, "it is still there")

    def _wait_for_ready_pod(self, live_job: dict[str, Any]) -> str:
        """Return the name of the pod once it is ready. Raises Problem if it cannot be, or not in time."""
        for pods in poll_job_pods(self.cluster, live_job, self.options.timeout_seconds):
            for pod in filter(is_ready, pods):
                return str(pod["metadata"]["name"])
        name, seconds = live_job["metadata"]["name"], self.options.timeout_seconds
        fix = "Look at the events of the Job, or raise `capture_timeout_seconds`."
        raise Problem(f"no pod of Job {name} became ready within {seconds:g} s", asked=self._task, fix=fix)

    def _read_parts(self, pod: str, planned_job: PlannedJob, sample: CaptureSample) -> SampleEnd:
        """Add part after part to a sample until it is full, or its time is over.

        The seconds of the sample end with the last read. Raises Problem if the pod ends before.
        """
        lines = LineSplitter()
        begun_at = self.cluster.clock()
        part_number = missed_reads = 0
        ended_by = ""
        while not ended_by:
            part = self._read_part(pod, planned_job, part_number)
            _add_lines(lines.split_off_lines(part), part_number, sample)
            elapsed_seconds = self.cluster.clock() - begun_at
            ended_by = sample.full
            if not ended_by and elapsed_seconds >= sample.bounds.seconds:
                ended_by = SECONDS_BOUND
            if part:
                part_number += 1
                missed_reads = 0
                continue
            missed_reads += 1
            if missed_reads % _LOOK_AFTER_MISSES == 0:
                self._check_still_runs(pod)
            self.cluster.sleep(_PAUSE_SECONDS)
        self._check_still_runs(pod)
        return SampleEnd(elapsed_seconds, ended_by)

    def _check_still_runs(self, pod: str) -> None:
        """Raise Problem if a container of the pod has ended: what came in since was not captured."""
        live_pod = self.cluster.get(object_path("pods", self.target.namespace, pod))
        end_reason = _explain_end(live_pod) if live_pod else "the pod has gone"
        if end_reason:
            fix = "Look at its log and its limit of memory, then run it again. Nothing was written."
            raise Problem(f"the pod of the capture ended before its end: {end_reason}", asked=self._task, fix=fix)

    def _read_part(self, pod: str, planned_job: PlannedJob, part_number: int) -> bytes:
        """Return a part; nothing if it is not there yet. Raises Problem if the pod has gone or cannot be asked."""
        pod_path = object_path("pods", self.target.namespace, pod)
        part_path = f"{pod_path}:{planned_job.port}/proxy/{planned_job.secret_path}/{part_number}"
        try:
            answer = self.cluster.request_raw("GET", part_path, None, {"Accept": "*/*"}, patient=False)
        except ApiError as error:
            self._check_error_may_pass(error, planned_job.port)
            return b""
        self._failed_reads = 0
        return answer.body

    def _check_error_may_pass(self, error: ApiError, port: int) -> None:
        """Raise Problem for an error after which no part can come, and for too many errors that may pass."""
        if error.is_rights_error:
            raise explain(error, f"{self._task}, which reads from its pod by `pods/proxy`") from error
        if error.status == NOT_FOUND and error.details.get("kind") == "pods":
            wrong = "the pod of the capture has gone before its end"
            raise Problem(wrong, asked=self._task, fix="Run it again. Nothing was written.") from error
        if error.status == NOT_FOUND:  # the pod answers, and the part is not there yet
            self._failed_reads = 0
            return
        self._failed_reads += 1
        if self._failed_reads > _MOST_FAILED_READS:
            wrong = f"the API server does not reach the pod of the capture: {error.message}"
            fix = f"See whether a NetworkPolicy shuts its port {port}, as docs/capture.md says."
            raise Problem(wrong, asked=self._task, fix=fix) from error


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
