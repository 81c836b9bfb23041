# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program of an image: taken once, whole or not at all, and no Job is left."""

from __future__ import annotations

import errno
import gzip
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.cluster import Cluster, RawAnswer
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.outage import LostError
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._program.live import collector_program
from ansible_collections.o11y.opentelemetry.plugins.module_utils._program.live.collector_program import fetch_programs
from ansible_collections.o11y.opentelemetry.plugins.module_utils._program.program_job import (
    LIFE_SECONDS,
    make_file_name,
)

from tests.support.cases import cases

from ...fake_api import FakeApi, status
from ...live_helpers import obj

IMAGE = "registry.example/otel/contrib:0.158.0"
PROGRAM = b"#!/bin/sh\n" * 1000 + b"go.opentelemetry.io/collector/otelcol.(*Collector).Run"
WHOLE = gzip.compress(PROGRAM, mtime=0)
UNREADABLE = gzip.compress(b"", mtime=0)[:10] + b"\xff" * 20
READY = {"containerStatuses": [{"name": "collector"}, {"name": "program", "ready": True}]}
UNPULLED = {"reason": "ErrImagePull", "message": "no such image"}
FAILED = {"containerStatuses": [{"name": "collector", "state": {"waiting": UNPULLED}, "restartCount": 0}]}
ROOT = "container has runAsNonRoot and image will run as root"
AS_ROOT = {"reason": "CreateContainerConfigError", "message": ROOT}
UNSTARTED = {"reason": "StartError", "message": 'exec: "--config": executable file not found', "exitCode": 128}
ENDED = {"containerStatuses": [{"name": "collector", "state": {"terminated": {"exitCode": 2}}}, {"name": "program"}]}
JOBS = "/apis/batch/v1/namespaces/ci/jobs"


class Server(FakeApi):
    """Takes Jobs, gives each a pod with a status, beside a ready pod of somebody else, and answers for its port."""

    def __init__(self, pod: Mapping[str, Any] | None, body: bytes) -> None:
        super().__init__(obj("Namespace", "ci"))
        self.pod, self.body, self.jobs = pod, body, list[dict[str, Any]]()

    def __call__(self, method: str, target: str, headers: dict[str, str], body: bytes | None) -> RawAnswer:
        if method == "POST" and target == JOBS:
            return self._job(json.loads(body or b"{}"))
        if "/proxy/" in target:
            assert "/pods/own:" in target
            return RawAnswer(200, {}, self.body)
        return super().__call__(method, target, headers, body)

    def _job(self, job: dict[str, Any]) -> RawAnswer:
        self.jobs.append(job)
        self.add(job)
        live = self.objects[f"{JOBS}/{job['metadata']['name']}"]
        for name, uid, state in (("other", "elsewhere", READY), ("own", live["metadata"]["uid"], self.pod)):
            owner = {"kind": "Job", "name": job["metadata"]["name"], "uid": uid, "controller": True}
            if state is not None:
                self.add(obj("Pod", name, "ci", metadata={"ownerReferences": [owner]}, spec={}, status=state))
        return RawAnswer(201, {}, json.dumps(live).encode())

    def left(self) -> list[str]:
        return [path for path in self.objects if path.startswith(JOBS)]


def options(folder: Path, **more: Any) -> dict[str, Any]:
    fixed = {"reader_image": "busybox", "pull_secrets": [], "run_as_user": 10001, "timeout_seconds": 20.0}
    return {"images": [IMAGE], "namespace": "ci", "dest": str(folder / "programs"), **fixed, **more}


def test_a_program_is_taken_once(tmp_path: Path) -> None:
    server = Server(READY, WHOLE)
    first = fetch_programs(server.cluster(), options(tmp_path), check=False)
    file = Path(first["programs"][IMAGE])
    assert (first["changed"], file.read_bytes(), file.stat().st_mode & 0o777) == (True, PROGRAM, 0o700)
    assert list(file.parent.iterdir()) == [file]
    assert server.left() == []
    again = fetch_programs(server.cluster(), options(tmp_path), check=False)
    assert (again["changed"], again["programs"], len(server.jobs)) == (False, first["programs"], 1)


def test_what_cannot_run_is_replaced(tmp_path: Path) -> None:
    server = Server(READY, WHOLE)
    broken = tmp_path / "programs" / make_file_name(IMAGE)
    broken.parent.mkdir()
    broken.touch()
    found = fetch_programs(server.cluster(), options(tmp_path), check=False)
    assert (found["changed"], found["programs"], broken.read_bytes()) == (True, {IMAGE: str(broken)}, PROGRAM)


def test_a_folder_that_cannot_be_written_starts_no_job(tmp_path: Path) -> None:
    server = Server(READY, WHOLE)
    (tmp_path / "file").touch()
    with pytest.raises(Problem, match=r"no file can be written to .*/file/programs: Not a directory.*dest"):
        fetch_programs(server.cluster(), options(tmp_path / "file"), check=False)
    assert server.jobs == []


def test_kubernetes_ends_a_job_without_a_pod(tmp_path: Path) -> None:
    server = Server(READY, WHOLE)
    fetch_programs(server.cluster(), options(tmp_path), check=False)
    assert server.jobs[0]["spec"]["activeDeadlineSeconds"] == LIFE_SECONDS


def test_check_mode_starts_nothing(tmp_path: Path) -> None:
    server = Server(READY, WHOLE)
    found = fetch_programs(server.cluster(), options(tmp_path), check=True)
    assert (found["changed"], found["programs"], server.jobs, list(tmp_path.iterdir())) == (True, {}, [], [])


def one(container: str, **state: Any) -> dict[str, Any]:
    """Return the status of a pod with one container in a state."""
    return {"containerStatuses": [{"name": container, "state": state, "restartCount": 0}]}


def nowhere(cluster: Cluster) -> None:
    server: Any = cluster._transport
    answer = status(404, "NotFound", 'namespaces "ci" not found', details={"name": "ci", "kind": "namespaces"})
    server._job = lambda _job: answer


def forbidden(cluster: Cluster) -> None:
    server: Any = cluster._transport
    answer = status(403, "Forbidden", 'jobs.batch is forbidden: User "ci" cannot create resource "jobs"')
    server._job = lambda _job: answer


@cases(
    "pod, body, before, said",
    (FAILED, WHOLE, None, r"ErrImagePull: no such image \(at container collector, pod own"),
    (one("program", waiting=AS_ROOT), WHOLE, None, f"{ROOT} .*Set `run_as_user` to a user above 0"),
    (one("collector", terminated=UNSTARTED), WHOLE, None, "StartError: exec.* Name an image whose entrypoint is the"),
    (one("program", terminated=UNSTARTED), WHOLE, None, "StartError: exec.* Check the command"),
    (ENDED, WHOLE, None, f"Take the program out of {IMAGE}: it ended with code 2 .* Name an image whose entrypoint is"),
    (None, WHOLE, None, r"no pod of the Job served the program within 20 s.*raise `timeout_seconds`"),
    (READY, WHOLE[:-20], None, r"Read the program of registry.example/otel/contrib:0.158.0 from pod own: it did not"),
    (READY, b"<html>", None, "it did not arrive whole"),
    (
        READY,
        gzip.compress(PROGRAM[:-20], mtime=0),
        None,
        "another program than a Collector.*Name an image whose entrypoint is",
    ),
    (READY, UNREADABLE, None, "it did not arrive whole"),
    (READY, WHOLE, nowhere, r"the namespace does not exist \(.* Create it, or correct `namespace`"),
    (READY, WHOLE, forbidden, r"Run registry.example/otel/contrib:0.158.0 in namespace ci: .*cannot create"),
)
def test_what_goes_wrong_leaves_neither_job_nor_file(
    tmp_path: Path, pod: Any, body: bytes, before: Callable[[Cluster], None] | None, said: str
) -> None:
    server = Server(pod, body)
    cluster = server.cluster()
    if before:
        before(cluster)
    with pytest.raises(Problem, match=said):
        fetch_programs(cluster, options(tmp_path), check=False)
    assert server.left() == []
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []


def test_a_program_that_is_too_large_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collector_program, "PROGRAM_LIMIT", 1000)
    with pytest.raises(Problem, match="the program is larger than"):
        fetch_programs(Server(READY, WHOLE).cluster(), options(tmp_path), check=False)
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []


@cases(
    "number, said",
    (errno.ENOSPC, "no space is left in {folder} (at dest). Make room there"),
    (errno.EDQUOT, "no space is left in {folder} (at dest). Make room there"),
    (errno.EIO, "the program cannot be written to {folder}: Input/output error"),
)
def test_a_disk_that_does_not_take_the_program_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, said: str
) -> None:
    def fail(*_given: object) -> bool:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(collector_program, "_copy_program", fail)
    with pytest.raises(Problem) as caught:
        fetch_programs(Server(READY, WHOLE).cluster(), options(tmp_path), check=False)
    assert said.format(folder=tmp_path / "programs") in str(caught.value)
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []


@cases(
    "user, secrets, expected",
    (10001, [], ({"runAsNonRoot": True, "runAsUser": 10001}, None)),
    (0, ["login"], ({"runAsNonRoot": True}, [{"name": "login"}])),
)
def test_the_pod_is_restricted(tmp_path: Path, user: int, secrets: list[str], expected: Any) -> None:
    server = Server(READY, WHOLE)
    fetch_programs(server.cluster(), options(tmp_path, run_as_user=user, pull_secrets=secrets), check=False)
    pod = server.jobs[0]["spec"]["template"]["spec"]
    security = {key: value for key, value in pod["securityContext"].items() if key != "seccompProfile"}
    assert (security, pod.get("imagePullSecrets")) == expected
    assert pod["automountServiceAccountToken"] is False
    assert {container["image"] for container in pod["containers"]} == {IMAGE, "busybox"}


def test_a_job_whose_answer_is_lost_is_used(tmp_path: Path) -> None:
    server = Server(READY, WHOLE)
    usual_answer, posted_jobs = server._job, list[dict[str, Any]]()

    def lose_first_answer(job: dict[str, Any]) -> RawAnswer:
        posted_jobs.append(job)
        if len(posted_jobs) > 1:
            return status(409, "AlreadyExists", "it already exists", details={"name": job["metadata"]["name"]})
        usual_answer(job)
        raise LostError("reset", "Connection reset by peer", "https://a", again=True)

    server._job = lose_first_answer  # type: ignore[method-assign]
    assert fetch_programs(server.cluster(), options(tmp_path), check=False)["msg"] == "1 there, 1 new"
    assert server.left() == []


def test_two_images_have_two_files() -> None:
    names = {
        make_file_name(image) for image in ("a.example/x/contrib:1", "b.example/x/contrib:1", "a.example/x/contrib:2")
    }
    assert len(names) == 3
    assert all("/" not in name and ":" not in name for name in names)
