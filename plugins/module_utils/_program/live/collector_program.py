# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task of module collector_program: copy the Collector's program out of images, with a Job for each image. Private.

`program_job.py` builds the Job, whose pod serves the program. This file waits for the pod, and downloads the program
through the API server. For example, the result is

    {"changed": True, "programs": {"otel/collector-contrib:0.158.0": "/cache/collector-contrib-0.158.0-1a2b3c4d"},
     "msg": "1 there, 1 new"}
"""

from __future__ import annotations

import errno
import os
import secrets
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..._kube.live.api_errors import ask_server, explain
from ..._kube.live.cluster import CONFLICT, NOT_FOUND, ApiError, Cluster
from ..._kube.live.connect import connect
from ..._kube.live.task_end import run
from ..._kube.live.urls import quote_segment
from ..._otelcol.bounded.live.bounded_reads import BROKEN_ERRORS, iter_unpacked_gzip
from ..._otelcol.bounded.read_limits import PROGRAM_LIMIT
from ..._otelcol.config.paths import list_at, mapping_at
from ..._otelcol.errors import Problem
from ..._rollout.failures import Symptom
from ..._rollout.live.job_pods import poll_job_pods
from ..program_job import (
    COLLECTOR_CONTAINER,
    COLLECTOR_MARK,
    FIX_OF_WRONG_IMAGE,
    FIXES_BY_FAILURE,
    PROGRAM_FILE,
    SERVER_CONTAINER,
    SERVER_PORT,
    ContainerFailure,
    build_job,
    make_file_name,
)

# How many seconds an answer with the whole program may take.
READ_SECONDS = 300.0
# If the program of the image ends, its copy may still go on for so many seconds, because its file stays open.
SECONDS_AFTER_END = 15.0
# The numbers of the operating system for a disk, or a share of it, that is full.
_FULL_DISK_NUMBERS = (errno.ENOSPC, errno.EDQUOT)
MODULE_ARGUMENTS: dict[str, Any] = {
    "images": {"type": "list", "elements": "str", "required": True},
    "namespace": {"required": True},
    "dest": {"type": "path", "required": True},
    "reader_image": {"default": "docker.io/library/busybox:1.37"},
    "pull_secrets": {"type": "list", "elements": "str", "default": [], "no_log": False},
    "run_as_user": {"type": "int", "default": 10001},
    "timeout_seconds": {"type": "float", "default": 300},
}


def run_programs(module: AnsibleModule) -> None:
    """Copy the programs that the task asks for, and end the task."""
    run(module, lambda: fetch_programs(connect(module, READ_SECONDS), module.params, module.check_mode))


def fetch_programs(cluster: Cluster, options: dict[str, Any], check: bool) -> dict[str, Any]:
    """Return the program of each image, and whether one was missing. In check mode, no pod is started."""
    files = {image: Path(options["dest"]) / make_file_name(image) for image in dict.fromkeys(options["images"])}
    missing_files = {
        image: program_file for image, program_file in files.items() if not _is_program_present(program_file)
    }
    if missing_files and not check:
        _make_writable_folder(options["dest"])
        for image, program_file in missing_files.items():
            ProgramFetcher(cluster, options).fetch_program(image, program_file)
    present_files = {
        image: str(program_file) for image, program_file in files.items() if _is_program_present(program_file)
    }
    msg = f"{len(present_files)} there, {len(missing_files)} {'missing' if check else 'new'}"
    return {"changed": bool(missing_files), "programs": present_files, "msg": msg}


def _is_program_present(program_file: Path) -> bool:
    """Return whether a program is there. One that cannot run is replaced."""
    return program_file.is_file() and os.access(program_file, os.X_OK)


def _make_writable_folder(destination: str) -> None:
    """Make the folder for programs. Raises Problem if it cannot be written, before a Job runs for nothing."""
    folder = Path(destination)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        problem = f"no file can be written to {destination}: {error.strerror}"
        raise Problem(problem, where="dest", fix="Name a folder that you may write to.") from error


class ProgramFetcher:
    """Copies the program out of one image. `options` are the parameters of the module."""

    def __init__(self, cluster: Cluster, options: dict[str, Any]) -> None:
        self.cluster, self.options = cluster, options
        self._ended = 0.0
        """The time at which the program of an image was first seen to have ended; 0 before that."""
        self.jobs = f"/apis/batch/v1/namespaces/{quote_segment(options['namespace'])}/jobs"

    def fetch_program(self, image: str, program_file: Path) -> None:
        """Write the program of an image to a file. Raises Problem if its pod does not serve it in time."""
        with self._run_job(image) as live_job:
            pod = self._find_serving_pod(live_job, image)
            path = f"/api/v1/namespaces/{self.options['namespace']}/pods/{pod}:{SERVER_PORT}/proxy/{PROGRAM_FILE}"
            request_in_words = f"Read the program of {image} from pod {pod}"
            answer_body = ask_server(
                request_in_words, lambda: self.cluster.request_raw("GET", path, None, {"Accept": "*/*"})
            ).body
            _unpack_program(answer_body, program_file, request_in_words)

    @contextmanager
    def _run_job(self, image: str) -> Iterator[dict[str, Any]]:
        """Create the Job of an image and yield it. After that, remove this Job, and no other one of the same name."""
        job_name = f"collector-program-{secrets.token_hex(8)}"  # which no other run has
        request_in_words = f"Run {image} in namespace {self.options['namespace']}"
        live_job = self._post_job(request_in_words, build_job(job_name, image, self.options))
        try:
            yield live_job
        finally:
            delete_options = {"propagationPolicy": "Background", "preconditions": {"uid": live_job["metadata"]["uid"]}}
            with suppress(ApiError):  # Kubernetes ends it and removes it in any case
                self.cluster.request("DELETE", f"{self.jobs}/{job_name}", None, delete_options)

    def _post_job(self, request_in_words: str, job_manifest: dict[str, Any]) -> dict[str, Any]:
        """Create a Job, and return it.

        If an answer was lost, the request is sent again, and the Job is there already. Its name is of this run alone.
        """
        try:
            return self.cluster.request("POST", self.jobs, None, job_manifest)
        except ApiError as error:
            if error.status == CONFLICT:
                job_path = f"{self.jobs}/{job_manifest['metadata']['name']}"
                live_job = ask_server(request_in_words, lambda: self.cluster.get(job_path))
                if live_job is not None:
                    return live_job
            problem = explain(error, request_in_words)
            is_namespace_missing = error.status == NOT_FOUND and "namespaces " in error.message
            if is_namespace_missing:
                problem.fix = "Create it, or correct `namespace`."
            raise Problem(problem.wrong, asked=request_in_words, where=problem.where, fix=problem.fix) from error

    def _find_serving_pod(self, live_job: dict[str, Any], image: str) -> str:
        """Return the name of a pod that serves the program. Raises Problem if it cannot, or not in time."""
        for pods in poll_job_pods(self.cluster, live_job, self.options["timeout_seconds"], _add_local_fix):
            for pod in filter(_is_program_ready, pods):
                return str(pod["metadata"]["name"])
            self._check_running(pods, image)
        problem = f"no pod of the Job served the program within {self.options['timeout_seconds']:g} s"
        fix = f"Look at the events of Job {live_job['metadata']['name']}, or raise `timeout_seconds`."
        raise Problem(problem, asked=f"Take the program out of {image}", where=self.options["namespace"], fix=fix)

    def _check_running(self, pods: list[dict[str, Any]], image: str) -> None:
        """Raise Problem if the program of the image has ended some time ago, so that it cannot be copied any more."""
        exit_codes = [exit_code for pod in pods if (exit_code := _read_exit_code(pod)) is not None]
        if not exit_codes:
            return
        self._ended = self._ended or self.cluster.clock()
        # The script may have opened the file before the program ended, and then still copies it.
        if self.cluster.clock() - self._ended >= SECONDS_AFTER_END:
            problem = f"it ended with code {exit_codes[0]} before it was copied, and is no Collector of a known kind"
            raise Problem(problem, asked=f"Take the program out of {image}", fix=FIX_OF_WRONG_IMAGE)


def _add_local_fix(symptom: Symptom) -> Symptom:
    """Return a symptom of a pod. If the Job has a fix of its own for it, the symptom gets that."""
    failure_row = symptom.failure_row
    fix_of_container = FIXES_BY_FAILURE.get(ContainerFailure(failure_row.id, symptom.container))
    fix = fix_of_container or FIXES_BY_FAILURE.get(ContainerFailure(failure_row.id, container=""))
    if not fix:
        return symptom
    return symptom._replace(failure_row=failure_row._replace(fix=fix))


def _read_exit_code(pod: dict[str, Any]) -> int | None:
    """Return the exit code of the container of the image, if it has ended; None if it runs."""
    for container_status in list_at(pod, "status", "containerStatuses"):
        if container_status["name"] == COLLECTOR_CONTAINER:
            terminated_state = mapping_at(container_status, "state", "terminated")
            return int(terminated_state.get("exitCode", 0)) if terminated_state else None
    return None


def _is_program_ready(pod: dict[str, Any]) -> bool:
    """Whether the pod serves the program."""
    for container_status in list_at(pod, "status", "containerStatuses"):
        if container_status["name"] == SERVER_CONTAINER and container_status.get("ready"):
            return True
    return False


def _copy_program(program_chunks: Iterable[bytes], partial_file: Any) -> bool:
    """Copy a program, and return whether it is one of a Collector.

    The mark of a Collector may begin in one chunk and end in the next, so the end of each is searched with the next.
    """
    is_collector, last_bytes = False, b""
    for chunk in program_chunks:
        partial_file.write(chunk)
        is_collector = is_collector or COLLECTOR_MARK in last_bytes + chunk
        last_bytes = chunk[-len(COLLECTOR_MARK) :]
    return is_collector


def _unpack_program(body: bytes, program_file: Path, request_in_words: str) -> None:
    """Unpack the program under a temporary name, so that it is there whole or not at all.

    Raises Problem if it did not arrive whole, if it is too large or no Collector, or if the disk does not take it.
    """
    folder = program_file.parent
    try:
        with _make_partial_file(folder) as partial_file:
            partial_path = Path(partial_file.name)
            with partial_file:
                is_collector = _copy_program(iter_unpacked_gzip(body, PROGRAM_LIMIT, "the program"), partial_file)
            if not is_collector:
                wrong = "the image runs another program than a Collector"
                raise Problem(wrong, asked=request_in_words, fix=FIX_OF_WRONG_IMAGE)
            partial_path.chmod(0o700)
            partial_path.replace(program_file)
    except BROKEN_ERRORS as error:
        raise _explain_unpacking(error, folder, request_in_words) from error


@contextmanager
def _make_partial_file(folder: Path) -> Iterator[Any]:
    """Yield a new file in a folder, to write. After that, remove the file, unless it has another name by then."""
    partial_file = tempfile.NamedTemporaryFile(dir=folder, delete=False)  # noqa: SIM115 - the caller closes it
    try:
        yield partial_file
    finally:
        Path(partial_file.name).unlink(missing_ok=True)


def _explain_unpacking(error: Exception, folder: Path, request_in_words: str) -> Problem:
    """Return why a program was not unpacked: the disk did not take it, or it is not whole."""
    system_number = error.errno if isinstance(error, OSError) else None
    if system_number in _FULL_DISK_NUMBERS:
        fix = "Make room there, or name another folder, then run again."
        return Problem(f"no space is left in {folder}", asked=request_in_words, where="dest", fix=fix)
    if system_number:
        wrong = f"the program cannot be written to {folder}: {os.strerror(system_number)}"
        return Problem(wrong, asked=request_in_words, where="dest", fix="Name a folder that you may write to.")
    return Problem(f"it did not arrive whole: {error}", asked=request_in_words, fix="Run again.")
