# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pod of a collector beside the others, and what it gets, as long as a capture takes. Private."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from ..._diagnose.live.find_collectors import DiagnosedTarget
from ..._diagnose.live.reader import path_of
from ..._kube.conditions import is_ready
from ..._kube.live.api_errors import asking, explain
from ..._kube.live.cluster import NOT_FOUND, ApiError, Cluster
from ..._kube.live.urls import segment
from ..._otelcol.config.paths import at, items, section
from ..._otelcol.errors import Problem
from ..._rollout.live.job_pods import polled_pods
from ..capture_job import KEPT_SECONDS, CaptureJob, job_of
from ..capture_sample import SECONDS, Lines, Sample, SampleEnd
from ..capture_tap import Tap
from .serving_pods import ServingPods

# What the pod needs beside the capture: to get the image, to start, to hand out the last part.
_SPARE_SECONDS = 30
# How long the pod may take to end beside its own time for that.
_END_SECONDS = 30.0
_PAUSE = 0.5
# After so many questions in a row without a part, the run looks whether the pod still runs.
_LOOK_AFTER = 10
_ENDED = ("Failed", "Succeeded")
_GRACE_SECONDS = 30
# So many questions in a row may fail: the server of parts may not listen yet.
_MOST_FAILED = 20
_LONGEST_NAME = 57
"""The name of a Job's pod is that of the Job, a dash and 5 letters or digits, and has at most 63 characters.

Source: SimpleNameGenerator of k8s.io/apiserver, which cuts a longer name.
"""


class PlannedJob(NamedTuple):
    """A Job of a capture, the port on which its pod hands out parts, and the path there that only this run knows."""

    job: dict[str, Any]
    port: int
    secret_path: str


class CapturePod:
    """The pod of one capture. `options` are those of module telemetry_capture."""

    def __init__(self, cluster: Cluster, target: DiagnosedTarget, options: Mapping[str, Any]) -> None:
        self.cluster, self.target, self.options = cluster, target, options
        self._asked = f"Capture at {target.namespace}/{target.name}"
        self.warnings: list[str] = []
        self._failed = 0
        self._jobs = f"/apis/batch/v1/namespaces/{segment(target.namespace)}/jobs"

    def plan_job(self, found: Tap) -> PlannedJob:
        """Return a Job with a name and a path of its own. Raises Problem for a pod that cannot run twice."""
        ending = f"-capture-{secrets.token_hex(2)}x"
        life = self.options["timeout_seconds"] + self.options["seconds"] + _SPARE_SECONDS
        wanted = CaptureJob(
            name=f"{self.target.name[: _LONGEST_NAME - len(ending)]}{ending}",
            overlay=found.overlay,
            secret_path=secrets.token_hex(16),
            reader_image=self.options["reader_image"],
            run_as_user=self.options["run_as_user"],
            most_bytes=self.options["bytes"],
            life_seconds=int(life),
            node=self.options["node"],
        )
        job, port = job_of(self.target.workload or {}, wanted)
        return PlannedJob(job, port, wanted.secret_path)

    def check_is_allowed(self, found: Tap) -> None:
        """Ask the server whether it would take the Job. Raises Problem if not."""
        job = self.plan_job(found).job
        asking(self._asked, lambda: self.cluster.request("POST", self._jobs, {"dryRun": "All"}, job))

    def capture(self, found: Tap, serving: ServingPods, sample: Sample) -> SampleEnd:
        """Add what the pod gets to a sample, until it is full, and read what the others receive meanwhile.

        Raises Problem if the pod does not start, or if what it gets cannot be read.
        """
        planned = self.plan_job(found)
        before = serving.read()
        with self._running(planned.job) as live:
            pod = self._ready_pod(live)
            self.cluster.progress.now(self.target.name, f"pod {pod} takes its share of the load")
            seconds, ended_by = self._follow(pod, planned, sample)
            return SampleEnd(seconds, ended_by, serving.served_since(before))

    @contextmanager
    def _running(self, job: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield the Job of this run. At the end, remove this very Job, and wait until its pod is gone."""
        live = asking(self._asked, lambda: self.cluster.request("POST", self._jobs, None, job))
        try:
            yield live
        finally:
            own = {"propagationPolicy": "Foreground", "preconditions": {"uid": live["metadata"]["uid"]}}
            path = f"{self._jobs}/{live['metadata']['name']}"
            try:
                self.cluster.request("DELETE", path, None, own)
                self._wait_until_gone(path, live)
            except ApiError as error:
                if error.status != NOT_FOUND:
                    self._warn_of(live, error.message)

    def _warn_of(self, live: Mapping[str, Any], why: str) -> None:
        """Note that the Job may still run, and when Kubernetes ends it."""
        name, namespace = live["metadata"]["name"], self.target.namespace
        self.warnings.append(
            f"Job {namespace}/{name} could not be deleted: {why}. Its pod takes its share of the load until Kubernetes"
            f" ends the Job, {live['spec']['activeDeadlineSeconds']} s after its start, and removes it"
            f" {KEPT_SECONDS} s later. End it earlier with `kubectl delete job -n {namespace} {name}`"
        )

    def _wait_until_gone(self, path: str, live: Mapping[str, Any]) -> None:
        """Wait until the Job has gone, which goes after its pod: that sends on what it still has."""
        grace = at(live, ("spec", "template", "spec", "terminationGracePeriodSeconds"), _GRACE_SECONDS)
        for _poll in self.cluster.polls(float(grace) + _END_SECONDS):
            if self.cluster.get(path) is None:
                return
        self._warn_of(live, "it is still there")

    def _ready_pod(self, live: dict[str, Any]) -> str:
        """Return the name of the pod once it is ready. Raises Problem if it cannot be, or not in time."""
        for pods in polled_pods(self.cluster, live, self.options["timeout_seconds"]):
            for pod in filter(is_ready, pods):
                return str(pod["metadata"]["name"])
        name, seconds = live["metadata"]["name"], self.options["timeout_seconds"]
        fix = "Look at the events of the Job, or raise `capture_timeout_seconds`."
        raise Problem(f"no pod of Job {name} became ready within {seconds:g} s", asked=self._asked, fix=fix)

    def _follow(self, pod: str, planned: PlannedJob, sample: Sample) -> tuple[float, str]:
        """Read part after part until the sample is full, or its time is over. The last read counts to the seconds."""
        lines, number, missed, begun = Lines(), 0, 0, self.cluster.clock()
        ended = ""
        while not ended:
            part = self._part(pod, planned, number)
            _add(lines.of(part), number, sample)
            elapsed = self.cluster.clock() - begun
            ended = sample.full or (SECONDS if elapsed >= sample.bounds.seconds else "")
            if part:
                number, missed = number + 1, 0
                continue
            missed += 1
            if missed % _LOOK_AFTER == 0:
                self._check_runs(pod)
            self.cluster.sleep(_PAUSE)
        self._check_runs(pod)
        return elapsed, ended

    def _check_runs(self, pod: str) -> None:
        """Raise Problem if a container of the pod has ended: what came in since was not captured."""
        live = self.cluster.get(path_of("pods", self.target.namespace, pod))
        why = _end_of(live) if live else "the pod has gone"
        if why:
            fix = "Look at its log and its limit of memory, then run it again. Nothing was written."
            raise Problem(f"the pod of the capture ended before its end: {why}", asked=self._asked, fix=fix)

    def _part(self, pod: str, planned: PlannedJob, number: int) -> bytes:
        """Return a part; nothing if it is not there yet. Raises Problem if the pod has gone or cannot be asked."""
        parts = f"{path_of('pods', self.target.namespace, pod)}:{planned.port}/proxy/{planned.secret_path}"
        try:
            body = self.cluster.raw("GET", f"{parts}/{number}", None, {"Accept": "*/*"}, patient=False).body
        except ApiError as error:
            self._check_is_passing(error, planned.port)
            body = b""
        else:
            self._failed = 0
        return body

    def _check_is_passing(self, error: ApiError, port: int) -> None:
        """Raise Problem for an error after which no part can come. Count those that may pass."""
        if error.of_rights:
            raise explain(error, f"{self._asked}, which reads from its pod by `pods/proxy`") from error
        if error.status == NOT_FOUND and error.details.get("kind") == "pods":
            wrong = "the pod of the capture has gone before its end"
            raise Problem(wrong, asked=self._asked, fix="Run it again. Nothing was written.") from error
        if error.status == NOT_FOUND:  # the pod answers, and the part is not there yet
            self._failed = 0
            return
        self._failed += 1
        if self._failed > _MOST_FAILED:
            wrong = f"the API server does not reach the pod of the capture: {error.message}"
            fix = f"See whether a NetworkPolicy shuts its port {port}, as docs/capture.md says."
            raise Problem(wrong, asked=self._asked, fix=fix) from error


def _add(lines: Iterable[bytes], number: int, sample: Sample) -> None:
    """Add the lines of a part to a sample until it is full."""
    for line in lines:
        sample.add(line, f"what the pod got, part {number}")
        if sample.full:
            return


def _end_of(pod: Mapping[str, Any]) -> str:
    """Return which container of a pod has ended, and why; empty if all run. Containers here are not started again."""
    for status in items(pod, "status", "containerStatuses"):
        ended = section(status, "state", "terminated")
        if ended:
            return f"container {status.get('name')} ended with {ended.get('reason')}, exit code {ended.get('exitCode')}"
    status = section(pod, "status")
    return str(status.get("reason") or "all containers ended") if status.get("phase") in _ENDED else ""
