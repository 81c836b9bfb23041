# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the pod of a capture beside a collector's own pods, until the sample is full. Private.

`capture_task.py` makes a `CapturePod` for each collector, and calls `capture`. That creates a Job (capture_job.py),
waits until its pod is ready, reads what the pod gets (captured_parts.py), and removes the Job. Meanwhile the
collector's own pods are read too (serving_pods.py), for the rates in the manifest. In check mode, `check_is_allowed`
only asks the server whether it would take the Job.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from ..._diagnose.live.find_collectors import DiagnosedTarget
from ..._kube.conditions import is_ready
from ..._kube.live.api_errors import ask_server, explain
from ..._kube.live.cluster import CONFLICT, NOT_FOUND, ApiError, Cluster
from ..._kube.live.urls import quote_segment
from ..._otelcol.config.paths import value_at
from ..._otelcol.errors import Problem
from ..._rollout.live.job_pods import poll_job_pods
from ..capture_job import KEPT_SECONDS, build_capture_job
from ..capture_options import CaptureOptions
from ..capture_reader import CaptureJob
from ..capture_sample import CaptureSample, SampleEnd
from ..capture_tap import Tap
from .captured_parts import CapturedParts, PlannedJob
from .serving_pods import ServingPods

# Seconds that the pod needs beside the capture: to get the image, to start, to hand out the last part.
_SPARE_SECONDS = 30
# How long the pod may take to end, beside the time that its spec gives it for that.
_END_SECONDS = 30.0
# That time if the spec has none. Source: the default of terminationGracePeriodSeconds in Kubernetes.
_GRACE_SECONDS = 30
# The longest name of a Job. That of its pod is the name of the Job, a dash and 5 letters or digits, and has at most 63
# characters. Source: SimpleNameGenerator of k8s.io/apiserver, which cuts a longer name.
_LONGEST_JOB_NAME = 57


class CapturePod:
    """The pod of one capture."""

    def __init__(self, cluster: Cluster, target: DiagnosedTarget, options: CaptureOptions) -> None:
        self.cluster, self.target, self.options = cluster, target, options
        self.warnings: list[str] = []
        self._task = f"Capture at {target.namespace}/{target.name}"
        self._jobs_path = f"/apis/batch/v1/namespaces/{quote_segment(target.namespace)}/jobs"

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
        # Before the pod of the capture starts, which takes a share of what the other pods count.
        first_reading = serving_pods.read_pods()
        with self._run_job(planned_job) as live_job:
            pod = self._wait_for_ready_pod(live_job)
            self.cluster.progress.tell_now(self.target.name, f"pod {pod} takes its share of the load")
            end = CapturedParts(self.cluster, self.target.namespace, pod, planned_job, self._task).read_into(sample)
            # Within the block: once the Job is removed, the other pods get the share of its pod too.
            return replace(end, served_records=serving_pods.read_served_since(first_reading))

    @contextmanager
    def _run_job(self, planned_job: PlannedJob) -> Iterator[dict[str, Any]]:
        """Yield the Job of this run. At the end, remove this very Job, and wait until its pod is gone."""
        live_job = self._create_job(planned_job)
        try:
            yield live_job
        finally:
            # By its uid, so that a Job of the same name that others have made since stays. In the foreground, so that
            # the Job is there until its pod has gone, and `_wait_until_gone` has to look for the Job alone.
            delete_options = {"propagationPolicy": "Foreground", "preconditions": {"uid": live_job["metadata"]["uid"]}}
            path = f"{self._jobs_path}/{live_job['metadata']['name']}"
            try:
                self.cluster.request("DELETE", path, None, delete_options)
                self._wait_until_gone(path, live_job)
            except ApiError as error:
                if error.status != NOT_FOUND:
                    self._warn_of_remaining_job(live_job, error.message)

    def _create_job(self, planned_job: PlannedJob) -> dict[str, Any]:
        """Create the Job, and return it.

        If an answer was lost, the request is sent again, and the Job is there already. It has the path of this run.
        """
        manifest = planned_job.manifest
        try:
            return self.cluster.request("POST", self._jobs_path, None, manifest)
        except ApiError as error:
            live_job = None
            if error.status == CONFLICT:
                path = f"{self._jobs_path}/{manifest['metadata']['name']}"
                live_job = ask_server(self._task, lambda: self.cluster.get(path))
            if live_job is None or planned_job.secret_path not in str(live_job["spec"]):
                raise explain(error, self._task) from error
            return live_job

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
