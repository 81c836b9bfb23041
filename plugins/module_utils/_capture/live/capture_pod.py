# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pod of a collector beside the others, and what it gets, as long as a capture takes. Private."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from ..._diagnose.live.find_collectors import DiagnosedTarget
from ..._diagnose.live.reader import path_of
from ..._kube.live.api_errors import asking, explain
from ..._kube.live.cluster import NOT_FOUND, ApiError, Cluster
from ..._kube.live.urls import segment
from ..._kube.nodes import is_ready
from ..._otelcol.config.paths import at
from ..._otelcol.errors import Problem
from ..._rollout.live.explain_failures import WorkloadStatus, checked_search
from ..capture_job import CaptureJob, job_of
from ..capture_sample import SECONDS, Lines, Sample
from ..capture_tap import Tap

UNSCHEDULABLE_SECONDS = 30.0
# What the pod needs beside the capture: to get the image, to start, to hand out the last part.
_SPARE_SECONDS = 30
# How long the pod may take to end beside its own time for that.
_END_SECONDS = 30.0
_PAUSE = 0.5
_GRACE_SECONDS = 30
# So many questions in a row may fail: the server of parts may not listen yet.
_MOST_FAILED = 20
_LONGEST_NAME = 52
"""A Job adds 11 characters to its name for its pods, whose names have at most 63."""


class CapturePod:
    """The pod of one capture. `options` are those of module telemetry_capture."""

    def __init__(self, cluster: Cluster, target: DiagnosedTarget, options: Mapping[str, Any]) -> None:
        self.cluster, self.target, self.options = cluster, target, options
        self._asked = f"Capture at {target.namespace}/{target.name}"
        self._failed = 0
        self._jobs = f"/apis/batch/v1/namespaces/{segment(target.namespace)}/jobs"

    def planned(self, found: Tap) -> tuple[dict[str, Any], int, str]:
        """Return the Job, the port of its pod, and the path that only this run knows."""
        name = f"{self.target.name[: _LONGEST_NAME - 12]}-capture-{secrets.token_hex(2)}x"
        life = self.options["timeout_seconds"] + self.options["seconds"] + _SPARE_SECONDS
        wanted = CaptureJob(
            name=name,
            overlay=found.overlay,
            secret_path=secrets.token_hex(16),
            reader_image=self.options["reader_image"],
            run_as_user=self.options["run_as_user"],
            most_bytes=self.options["bytes"],
            life_seconds=int(life),
        )
        job, port = job_of(self.target.workload or {}, wanted)
        return job, port, wanted.secret_path

    def tried(self, found: Tap) -> None:
        """Ask the server whether it would take the Job. Raises Problem if not."""
        job, _port, _path = self.planned(found)
        asking(self._asked, lambda: self.cluster.request("POST", self._jobs, {"dryRun": "All"}, job))

    def capture(self, found: Tap, sample: Sample) -> tuple[float, str]:
        """Add what the pod gets to a sample, until it is full. Return the seconds, and what ended it.

        Raises Problem if the pod does not start, or if what it gets cannot be read.
        """
        job, port, secret_path = self.planned(found)
        with self._running(job) as live:
            pod = self._ready_pod(live)
            parts = f"{path_of('pods', self.target.namespace, pod)}:{port}/proxy/{secret_path}"
            self.cluster.progress.now(self.target.name, f"pod {pod} takes its share of the load")
            return self._followed(parts, sample)

    @contextmanager
    def _running(self, job: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield the Job of this run. At the end, remove this very Job, and wait until its pod is gone."""
        live = asking(self._asked, lambda: self.cluster.request("POST", self._jobs, None, job))
        try:
            yield live
        finally:
            own = {"propagationPolicy": "Foreground", "preconditions": {"uid": live["metadata"]["uid"]}}
            path = f"{self._jobs}/{live['metadata']['name']}"
            with suppress(ApiError):  # Kubernetes ends it and removes it in any case
                self.cluster.request("DELETE", path, None, own)
                self._wait_until_gone(path, live)

    def _wait_until_gone(self, path: str, live: Mapping[str, Any]) -> None:
        """Wait until the Job has gone, which goes after its pod: that sends on what it still has."""
        grace = at(live, ("spec", "template", "spec", "terminationGracePeriodSeconds"), _GRACE_SECONDS)
        for _poll in self.cluster.polls(float(grace) + _END_SECONDS):
            if self.cluster.get(path) is None:
                return

    def _ready_pod(self, live: dict[str, Any]) -> str:
        """Return the name of the pod once it is ready. Raises Problem if it cannot be, or not in time."""
        look = WorkloadStatus(self.cluster, checked_search({}), unschedulable_seconds=UNSCHEDULABLE_SECONDS)
        for _poll in self.cluster.polls(self.options["timeout_seconds"]):
            fatal = look.lasting(look.at([live]))
            if fatal:
                raise look.failure(fatal)
            for pod in look.seen("Pod"):
                owners = [owner["uid"] for owner in pod["metadata"].get("ownerReferences") or ()]
                if live["metadata"]["uid"] in owners and is_ready(pod):
                    return str(pod["metadata"]["name"])
        name, seconds = live["metadata"]["name"], self.options["timeout_seconds"]
        fix = "Look at the events of the Job, or raise `capture_timeout_seconds`."
        raise Problem(f"no pod of Job {name} became ready within {seconds:g} s", asked=self._asked, fix=fix)

    def _followed(self, parts: str, sample: Sample) -> tuple[float, str]:
        """Read part after part until the sample is full, or its time is over."""
        lines, number, begun = Lines(), 0, self.cluster.clock()
        while True:
            elapsed = self.cluster.clock() - begun
            part = self._part(f"{parts}/{number}")
            for line in lines.of(part):
                sample.add(line, f"what the pod got, part {number}")
                if sample.full:
                    return elapsed, sample.full
            if elapsed >= sample.bounds.seconds:
                return elapsed, SECONDS
            number += 1 if part else 0
            if not part:
                self.cluster.sleep(_PAUSE)

    def _part(self, path: str) -> bytes:
        """Return a part; nothing if it is not there yet. Raises Problem if the pod has gone or cannot be asked."""
        try:
            body = self.cluster.raw("GET", path, None, {"Accept": "*/*"}, patient=False).body
        except ApiError as error:
            self._failed += 1
            if error.status == NOT_FOUND and error.details.get("kind") == "pods":
                wrong = "the pod of the capture has gone before its end"
                raise Problem(wrong, asked=self._asked, fix="Run it again. Nothing was written.") from error
            if error.of_rights:
                raise explain(error, f"{self._asked}, which reads from its pod by `pods/proxy`") from error
            if error.status != NOT_FOUND and self._failed > _MOST_FAILED:
                wrong = f"the API server does not reach the pod of the capture: {error.message}"
                fix = "See whether a NetworkPolicy shuts its port 18090, as docs/capture.md says."
                raise Problem(wrong, asked=self._asked, fix=fix) from error
            return b""
        self._failed = 0
        return body
