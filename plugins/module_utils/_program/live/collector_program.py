# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take the Collector's program out of images, by a pod of each. Private."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..._kube.live.api_errors import asking, explain
from ..._kube.live.cluster import ApiError, Cluster
from ..._kube.live.connect import connect, run
from ..._kube.live.urls import segment
from ..._otelcol.bounded.live.bounded_reads import BROKEN, unpacked_gzip
from ..._otelcol.bounded.read_limits import PROGRAM
from ..._otelcol.errors import Problem
from ..._rollout.failures import Symptom
from ..._rollout.live.job_pods import polled_pods
from ..program_job import FILE, FIXES, MARK, NO_COLLECTOR, PORT, file_name, job

# How long an answer with the whole program may take.
READ_SECONDS = 300.0
# How long the copy of a program that has ended may go on: its file stays open.
ENDED_SECONDS = 15.0
NOT_FOUND = 404
ARGUMENTS: dict[str, Any] = {
    "images": {"type": "list", "elements": "str", "required": True},
    "namespace": {"required": True},
    "dest": {"type": "path", "required": True},
    "reader_image": {"default": "docker.io/library/busybox:1.37"},
    "pull_secrets": {"type": "list", "elements": "str", "default": [], "no_log": False},
    "run_as_user": {"type": "int", "default": 10001},
    "timeout_seconds": {"type": "float", "default": 300},
}


class Programs:
    """Gets programs that are not in a folder yet."""

    def __init__(self, cluster: Cluster, options: dict[str, Any]) -> None:
        self.cluster, self.options = cluster, options
        self._ended = 0.0
        self.jobs = f"/apis/batch/v1/namespaces/{segment(options['namespace'])}/jobs"

    def get(self, image: str, file: Path) -> None:
        """Write the program of an image. Raises Problem if its pod does not hand it out in time."""
        with self._job(image) as live:
            pod = self._pod(live, image)
            path = f"/api/v1/namespaces/{self.options['namespace']}/pods/{pod}:{PORT}/proxy/{FILE}"
            asked = f"Read the program of {image} from pod {pod}"
            body = asking(asked, lambda: self.cluster.raw("GET", path, None, {"Accept": "*/*"})).body
            _write(body, file, asked)

    @contextmanager
    def _job(self, image: str) -> Iterator[dict[str, Any]]:
        """Yield the Job of this run, and remove it, and no other of that name."""
        name = f"collector-program-{secrets.token_hex(4)}"
        asked = f"Run {image} in namespace {self.options['namespace']}"
        live = self._posted(asked, job(name, image, self.options))
        try:
            yield live
        finally:
            own = {"propagationPolicy": "Background", "preconditions": {"uid": live["metadata"]["uid"]}}
            with suppress(ApiError):  # Kubernetes ends it and removes it in any case
                self.cluster.request("DELETE", f"{self.jobs}/{name}", None, own)

    def _posted(self, asked: str, wanted: dict[str, Any]) -> dict[str, Any]:
        try:
            return self.cluster.request("POST", self.jobs, None, wanted)
        except ApiError as error:
            problem = explain(error, asked)
            if error.status == NOT_FOUND and "namespaces " in error.message:
                problem.fix = "Create it, or correct `namespace`."
            raise Problem(problem.wrong, asked=asked, where=problem.where, fix=problem.fix) from error

    def _pod(self, live: dict[str, Any], image: str) -> str:
        """Return the name of a pod that serves the program. Raises Problem if it cannot, or not in time."""
        for pods in polled_pods(self.cluster, live, self.options["timeout_seconds"], _fitting):
            for pod in filter(_is_ready, pods):
                return str(pod["metadata"]["name"])
            self._check_running(pods, image)
        wrong = f"no pod of the Job served the program within {self.options['timeout_seconds']:g} s"
        fix = f"Look at the events of Job {live['metadata']['name']}, or raise `timeout_seconds`."
        raise Problem(wrong, asked=f"Take the program out of {image}", where=self.options["namespace"], fix=fix)

    def _check_running(self, pods: list[dict[str, Any]], image: str) -> None:
        """Raise Problem if what the image runs has ended some time ago, and cannot be copied any more."""
        codes = [code for pod in pods if (code := _ended(pod)) is not None]
        if not codes:
            return
        self._ended = self._ended or self.cluster.clock()
        if self.cluster.clock() - self._ended >= ENDED_SECONDS:
            wrong = f"it ended with code {codes[0]} before it was copied, and is no Collector of a known kind"
            raise Problem(wrong, asked=f"Take the program out of {image}", fix=NO_COLLECTOR)


def _fitting(symptom: Symptom) -> Symptom:
    """Return a symptom with what to do about it here."""
    fix = FIXES.get((symptom.row.id, symptom.container)) or FIXES.get((symptom.row.id, ""))
    return symptom._replace(row=symptom.row._replace(fix=fix)) if fix else symptom


def _ended(pod: dict[str, Any]) -> int | None:
    """Return the exit code of the container of the image, if it has ended."""
    states = (pod.get("status") or {}).get("containerStatuses") or ()
    found = [(state.get("state") or {}).get("terminated") for state in states if state["name"] == "collector"]
    return int(found[0].get("exitCode", 0)) if found and found[0] else None


def _is_ready(pod: dict[str, Any]) -> bool:
    states = (pod.get("status") or {}).get("containerStatuses") or ()
    return any(state["name"] == "program" and state.get("ready") for state in states)


def _copied(whole: Iterable[bytes], part: Any) -> bool:
    """Copy a program, and return whether it is one of a Collector."""
    found, end = False, b""
    for chunk in whole:
        part.write(chunk)
        found = found or MARK in end + chunk
        end = chunk[-len(MARK) :]
    return found


def _write(body: bytes, file: Path, asked: str) -> None:
    """Unpack the program beside its place, so that it is there whole or not at all."""
    with tempfile.NamedTemporaryFile(dir=file.parent, delete=False) as part:
        path = Path(part.name)
        try:
            is_collector = _copied(unpacked_gzip(body, PROGRAM, "the program"), part)
        except BROKEN as error:
            path.unlink()
            raise Problem(f"it did not arrive whole: {error}", asked=asked, fix="Run again.") from error
    if not is_collector:
        path.unlink()
        raise Problem("the image runs another program than a Collector", asked=asked, fix=NO_COLLECTOR)
    path.chmod(0o700)
    path.replace(file)


def _check_folder(dest: str) -> None:
    """Make the folder for programs. Raises Problem if it cannot be written, before a Job runs for nothing."""
    folder = Path(dest)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        wrong = f"no file can be written to {dest}: {error.strerror}"
        raise Problem(wrong, where="dest", fix="Name a folder that you may write to.") from error


def _is_there(file: Path) -> bool:
    """Return whether a program is there. One that cannot run, such as what a full disk leaves, is replaced."""
    return file.is_file() and os.access(file, os.X_OK)


def programs(cluster: Cluster, options: dict[str, Any], check: bool) -> dict[str, Any]:
    """Return the program of each image, and whether one was missing. In check mode, no pod is started."""
    files = {image: Path(options["dest"]) / file_name(image) for image in dict.fromkeys(options["images"])}
    missing = {image: file for image, file in files.items() if not _is_there(file)}
    if missing and not check:
        _check_folder(options["dest"])
    for image, file in {} if check else missing.items():
        Programs(cluster, options).get(image, file)
    there = {image: str(file) for image, file in files.items() if _is_there(file)}
    msg = f"{len(there)} there, {len(missing)} {'missing' if check else 'new'}"
    return {"changed": bool(missing), "programs": there, "msg": msg}


def run_programs(module: AnsibleModule) -> None:
    """Do what the task asks."""
    run(module, lambda: programs(connect(module, READ_SECONDS), module.params, module.check_mode))
