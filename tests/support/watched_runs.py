# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A playbook run that is watched: its output, its results, the files that it leaves, and its processes."""

from __future__ import annotations

import contextlib
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

from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.cluster import Answered

from tests.support import plays
from tests.support.planted_secrets import PlantedSecrets
from tests.support.servers import answering
from tests.unit.plugins.module_utils.fake_api import FakeApi, reply, status

ROOT = Path(__file__).resolve().parents[2]
WORKLOADS = ("deployments", "daemonsets", "statefulsets")
READY = {"observedGeneration": 1, "updatedReplicas": 1, "replicas": 1, "availableReplicas": 1, "readyReplicas": 1}
READY |= dict.fromkeys(("desiredNumberScheduled", "updatedNumberScheduled", "numberReady", "numberAvailable"), 1)


@contextlib.contextmanager
def serving(api: FakeApi, refused: tuple[str, ...] = ()) -> Iterator[str]:
    """Serve an API in memory, and take OTLP. Refused methods quote what they got, as webhooks may do."""

    def answer(handler: BaseHTTPRequestHandler, body: bytes) -> Answered:
        url = urlsplit(handler.path)  # a proxy gets the whole URL
        if url.path == "/version":
            return reply({"major": "1", "minor": "34", "gitVersion": "v1.34.0"})
        if url.path.endswith("accessreviews"):
            return reply({"status": {"allowed": True}})
        if handler.command in refused and url.path.startswith(("/v1/", "/api/", "/apis")):
            return status(422, "Invalid", f"admission webhook denied {body.decode('latin-1')} of {handler.headers}")
        if url.path.startswith("/v1/"):
            return Answered(200, {}, b"")
        return api(handler.command, f"{url.path}?{url.query}", {}, body or None)

    def typed(handler: BaseHTTPRequestHandler, body: bytes) -> Answered:
        return answer(handler, body)._replace(headers={"Content-Type": "application/json"})

    with answering(typed) as url:
        yield url


class ReadyApi(FakeApi):
    """Its workloads are ready as soon as they are applied. It serves every kind that it has an object of."""

    def served(self, version: str) -> list[str]:
        """Return the plurals of an API version."""
        root = f"/apis/{version}/" if "/" in version else f"/api/{version}/"
        return [*super().served(version), *{path.split("/")[-2] for path in self.objects if path.startswith(root)}]

    def _stored(self, new: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
        stored = super()._stored(new, entry)
        if stored["kind"] in ("Deployment", "DaemonSet", "StatefulSet"):
            stored["metadata"]["generation"] = 1
            stored["status"] = {**READY, "replicas": stored["spec"].get("replicas", 1)}
        return stored


def called(api: ReadyApi, planted: PlantedSecrets) -> ReadyApi:
    """Let the sample application answer, and its sidecar and a backend show its trace, each with secrets beside it."""
    namespace, trace = "/api/v1/namespaces/sample-app", "ab" * 16
    following = {"trace_id": trace, "service": "datastore"}
    api.texts[f"{namespace}/services/http:sample-app-frontend:8080/proxy/"] = json.dumps(
        {**following, "next": following}
    )
    api.texts[f"/found/{trace}"] = f"sample-app-frontend sample-app-datastore password: {planted.one('backend')}"
    metadata = {"name": "p", "namespace": "sample-app", "labels": {"app.kubernetes.io/instance": "sample-app"}}
    pod = {"metadata": metadata, "spec": {"containers": [{"name": "a"}]}, "status": {"phase": "Running"}}
    api.add({"apiVersion": "v1", "kind": "Pod", **pod})
    return api


RESULTS = '''
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
_CALLBACKS = tempfile.TemporaryDirectory()


@dataclass(frozen=True)
class Watched:
    """What a run showed."""

    code: int
    shown: dict[str, str]
    """Texts by where they were: output, results, each file that others may read, command lines."""


def run(folder: Path, playbook: str, *more: str, **environment: str) -> Watched:
    """Run a playbook and watch it. All that it writes is below the folder, or in the home of Ansible."""
    results, temporary, junit = folder / "results.json", folder / "tmp", folder / "junit"
    temporary.mkdir()
    junit.mkdir()
    # Since 2.21, ansible-core makes a socket below TMPDIR, whose path Linux limits to 108 bytes.
    short = Path(tempfile.mkdtemp(), "t")
    short.symlink_to(temporary)
    settings = {
        "HOME": str(folder / "home"),
        "TMPDIR": str(short),
        "ANSIBLE_CALLBACK_PLUGINS": _CALLBACKS.name,
        "ANSIBLE_CALLBACKS_ENABLED": "results,ansible.builtin.junit",
        "JUNIT_OUTPUT_DIR": str(junit),
        "RESULTS": str(results),
    }
    Path(_CALLBACKS.name, "results.py").write_text(RESULTS, encoding="utf-8")
    before = set(_files(folder))
    lines: set[str] = set()
    done = threading.Event()
    watcher = threading.Thread(target=_watch, args=(set(_processes()), lines, done))
    watcher.start()
    try:
        ended = plays.playbook(f"playbooks/{playbook}.yml", *more, without=("AWS",), **settings, **environment)
    finally:
        done.set()
        watcher.join()
        short.unlink()
        short.parent.rmdir()
    output = ended.stdout + ended.stderr
    shown = {"output": output, "results": results.read_text(encoding="utf-8"), "processes": "\n".join(lines)}
    for path in sorted(set(_files(folder)) - before - {results}):
        if path.is_file() and path.stat().st_mode & 0o077:
            shown[str(path)] = path.read_text(encoding="utf-8", errors="replace")
    return Watched(ended.returncode, shown)


def _files(folder: Path) -> Iterator[Path]:
    for root in (folder, Path(plays.HOME.name)):
        yield from root.rglob("*")


def _watch(before: set[str], lines: set[str], done: threading.Event) -> None:
    """Note the command lines of all processes that were not there before, until the run is over."""
    while not done.wait(0.05):
        for pid in set(_processes()) - before:
            with contextlib.suppress(OSError):
                lines.add(Path("/proc", pid, "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))


def _processes() -> list[str]:
    return [name for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208 # this is quicker than paths


def written(path: Path, value: Any) -> Path:
    """Write JSON that nobody else may read, as a user keeps secrets."""
    path.write_text(json.dumps(value), encoding="utf-8")
    path.chmod(0o600)
    return path
