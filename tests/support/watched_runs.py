# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A playbook run that is watched: its output, its results, the files that it leaves, and its processes."""

from __future__ import annotations

import contextlib
import copy
import json
import os
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.cluster import RawAnswer

from tests.support import plays
from tests.support.planted_secrets import PlantedSecrets
from tests.support.servers import serve_answers
from tests.unit.plugins.module_utils.fake_api import FakeApi, reply, status

ROOT = Path(__file__).resolve().parents[2]
WORKLOADS = ("deployments", "daemonsets", "statefulsets")
READY_STATUS = {
    "observedGeneration": 1,
    "updatedReplicas": 1,
    "replicas": 1,
    "availableReplicas": 1,
    "readyReplicas": 1,
}
READY_STATUS |= dict.fromkeys(("desiredNumberScheduled", "updatedNumberScheduled", "numberReady", "numberAvailable"), 1)


@contextlib.contextmanager
def serve_api(api: FakeApi, refused_methods: tuple[str, ...] = ()) -> Iterator[str]:
    """Serve an API in memory, and take OTLP. Refused methods quote what they got, as webhooks may do."""

    def answer_request(handler: BaseHTTPRequestHandler, body: bytes) -> RawAnswer:
        url = urlsplit(handler.path)  # a proxy gets the whole URL
        if url.path == "/version":
            return reply({"major": "1", "minor": "34", "gitVersion": "v1.34.0"})
        if url.path.endswith("accessreviews"):
            return reply({"status": {"allowed": True}})
        if handler.command in refused_methods and url.path.startswith(("/v1/", "/api/", "/apis")):
            return status(422, "Invalid", f"admission webhook denied {body.decode('latin-1')} of {handler.headers}")
        if url.path.startswith("/v1/"):
            return RawAnswer(200, {}, b"")
        return api(handler.command, f"{url.path}?{url.query}", {}, body or None)

    def answer_with_json_type(handler: BaseHTTPRequestHandler, body: bytes) -> RawAnswer:
        return answer_request(handler, body)._replace(headers={"Content-Type": "application/json"})

    with serve_answers(answer_with_json_type) as url:
        yield url


class ReadyApi(FakeApi):
    """Its workloads are ready as soon as they are applied. It serves every kind that it has an object of."""

    def served(self, version: str) -> list[str]:
        """Return the plurals of an API version."""
        root = f"/apis/{version}/" if "/" in version else f"/api/{version}/"
        return [*super().served(version), *{path.split("/")[-2] for path in self.objects if path.startswith(root)}]

    def copy(self) -> ReadyApi:
        """Return another API that has the same objects."""
        api = ReadyApi()
        api.objects, api.version = copy.deepcopy(self.objects), self.version
        return api

    def _stored(self, new_object: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
        stored_object = super()._stored(new_object, entry)
        if stored_object["kind"] in ("Deployment", "DaemonSet", "StatefulSet"):
            stored_object["metadata"]["generation"] = 1
            stored_object["status"] = {**READY_STATUS, "replicas": stored_object["spec"].get("replicas", 1)}
        return stored_object


def prepare_sample_app(api: ReadyApi, planted: PlantedSecrets) -> ReadyApi:
    """Let the sample application answer, and its sidecar and a backend show its trace, each with secrets beside it."""
    namespace, trace_id = "/api/v1/namespaces/sample-app", "ab" * 16
    next_service = {"trace_id": trace_id, "service": "datastore"}
    api.texts[f"{namespace}/services/http:sample-app-frontend:8080/proxy/"] = json.dumps(
        {**next_service, "next": next_service}
    )
    api.texts[f"/found/{trace_id}"] = (
        f"sample-app-frontend sample-app-datastore password: {planted.find_secret('backend')}"
    )
    metadata = {"name": "p", "namespace": "sample-app", "labels": {"app.kubernetes.io/instance": "sample-app"}}
    pod_fields = {"metadata": metadata, "spec": {"containers": [{"name": "a"}]}, "status": {"phase": "Running"}}
    api.add({"apiVersion": "v1", "kind": "Pod", **pod_fields})
    return api


RESULTS_CALLBACK = '''
"""Writes every result as the callback `json` shows it."""
import json
import os
from ansible.plugins.callback import CallbackBase

class CallbackModule(CallbackBase):
    CALLBACK_VERSION, CALLBACK_TYPE, CALLBACK_NAME = 2.0, "notification", "results"
    CALLBACK_NEEDS_ENABLED = True

    def _write(self, result, **_more):
        with open(os.environ["RESULTS"], "a") as file:
            file.write(json.dumps([result._task.get_name(), result._result], default=str) + "\\n")

    v2_runner_on_ok = v2_runner_on_failed = v2_runner_on_unreachable = v2_runner_on_skipped = _write
    v2_runner_item_on_ok = v2_runner_item_on_failed = v2_runner_item_on_skipped = v2_on_file_diff = _write
'''
_CALLBACK_FOLDER = tempfile.TemporaryDirectory()


@dataclass(frozen=True)
class WatchedRun:
    """What a run showed."""

    exit_code: int
    shown_texts: dict[str, str]
    """Texts by where they were: output, results, each file that others may read, command lines."""


def run(folder: Path, playbook: str, *more: str, **environment: str) -> WatchedRun:
    """Run a playbook and watch it. All that it writes is below the folder, or in the home of Ansible."""
    results_file, temporary_folder, junit_folder = folder / "results.json", folder / "tmp", folder / "junit"
    temporary_folder.mkdir()
    junit_folder.mkdir()
    # Since 2.21, ansible-core makes a socket below TMPDIR, whose path Linux limits to 108 bytes.
    short_path = Path(tempfile.mkdtemp(), "t")
    short_path.symlink_to(temporary_folder)
    settings = {
        "HOME": str(folder / "home"),
        "TMPDIR": str(short_path),
        "ANSIBLE_CALLBACK_PLUGINS": _CALLBACK_FOLDER.name,
        "ANSIBLE_CALLBACKS_ENABLED": "results,ansible.builtin.junit",
        "JUNIT_OUTPUT_DIR": str(junit_folder),
        "RESULTS": str(results_file),
    }
    Path(_CALLBACK_FOLDER.name, "results.py").write_text(RESULTS_CALLBACK, encoding="utf-8")
    files_before = set(_list_files(folder))
    command_lines: set[str] = set()
    is_over = threading.Event()
    watcher = threading.Thread(target=_record_command_lines, args=(set(_list_process_ids()), command_lines, is_over))
    watcher.start()
    try:
        completed = plays.run_playbook(f"playbooks/{playbook}.yml", *more, without=("AWS",), **settings, **environment)
    finally:
        is_over.set()
        watcher.join()
        short_path.unlink()
        short_path.parent.rmdir()
    output = completed.stdout + completed.stderr
    shown_texts = {
        "output": output,
        "results": results_file.read_text(encoding="utf-8"),
        "processes": "\n".join(command_lines),
    }
    for path in sorted(set(_list_files(folder)) - files_before - {results_file}):
        if path.is_file() and path.stat().st_mode & 0o077:
            shown_texts[str(path)] = path.read_text(encoding="utf-8", errors="replace")
    return WatchedRun(completed.returncode, shown_texts)


def _list_files(folder: Path) -> Iterator[Path]:
    for root in (folder, Path(plays.HOME.name)):
        yield from root.rglob("*")


def _record_command_lines(processes_before: set[str], command_lines: set[str], is_over: threading.Event) -> None:
    """Note the command lines of all processes that were not there before, until the run is over."""
    while not is_over.wait(0.05):
        for pid in set(_list_process_ids()) - processes_before:
            with contextlib.suppress(OSError):
                command_lines.add(
                    Path("/proc", pid, "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                )


def _list_process_ids() -> list[str]:
    return [name for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208 # this is quicker than paths


def write_private_json(path: Path, content: Any) -> Path:
    """Write JSON that nobody else may read, as a user keeps secrets."""
    path.write_text(json.dumps(content), encoding="utf-8")
    path.chmod(0o600)
    return path
