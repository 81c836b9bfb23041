# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the Job that hands out the Collector's program of an image, which has neither a shell nor an archiver. Private.

`live/collector_program.py` runs the Job. The Collector runs in one container of its pod. Another with a shell shares
its processes, copies the program from `/proc/PID/exe`, and serves the copy on a port of the pod, as /collector.gz.
Kubernetes ends the Job and removes it, also when nobody asks it to. The pod fulfils the Pod Security Standard
`restricted`.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any, NamedTuple

from .._collector.manifests.pod_security import CONTAINER_SECURITY
from .._kube.object_names import LINUX_NODES
from .._otelcol.kube.names import OWNER

# The port on which the pod serves the program, and the name of the file there.
SERVER_PORT = 8080
PROGRAM_FILE = "collector.gz"
# The containers of the pod: that of the image, and the one that serves its program.
COLLECTOR_CONTAINER = "collector"
SERVER_CONTAINER = "program"
# For how many seconds the Job may run.
LIFE_SECONDS = 600
# For how many seconds Kubernetes leaves the Job there after it has ended.
KEPT_SECONDS = 60
_CONFIG_VARIABLE = "O11Y_PROGRAM_CONFIG"
_WORK_FOLDER = "/work"
FIX_OF_WRONG_IMAGE = "Name an image whose entrypoint is the Collector's program."
_FIX_OF_USER = "Set `run_as_user` to a user above 0. Only clusters that choose one, such as OpenShift, take 0."


class ContainerFailure(NamedTuple):
    """A failure that a container of the pod may have."""

    failure_id: str
    """The id of a row of the table of failures (_rollout/failures.py)."""
    container: str
    """The container that has it; empty for each of both."""


# What to do about a failure, where this Job knows more than the table of failures.
FIXES_BY_FAILURE = {
    ContainerFailure("container_user", container=""): _FIX_OF_USER,
    ContainerFailure("container_start", container=COLLECTOR_CONTAINER): FIX_OF_WRONG_IMAGE,
}
# What is in the program of every Collector, stripped or not: the package that runs it.
COLLECTOR_MARK = b"go.opentelemetry.io/collector/otelcol"
# A config that every Collector runs: its components are in every distribution, and it listens on localhost alone.
_SMALLEST_CONFIG = (
    "{receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:4318'}}}}, exporters: {debug: {}},"
    " service: {telemetry: {metrics: {level: none}},"
    " pipelines: {traces: {receivers: [otlp], exporters: [debug]}}}}"
)
# Line by line:
# - The containers share their processes. Wait for one whose environment has the variable of the config: no other
#   process than the Collector's has it. `found` has the files /proc/PID/environ, one in a line.
# - `${found%%NEWLINE*}` is the first line, and `exe` beside that file is the program of the process.
# - The copy gets its name when it is whole, so that nobody downloads a part of it.
# - Serve it with busybox, or with Python if the image of the reader has that instead.
_SERVER_SCRIPT = f"""set -eu
until found=$(grep -ls {_CONFIG_VARIABLE} /proc/[0-9]*/environ) && [ -n "$found" ]; do sleep 0.2; done
gzip -1 -c "$(dirname "${{found%%
*}}")/exe" >{_WORK_FOLDER}/part
mv {_WORK_FOLDER}/part {_WORK_FOLDER}/{PROGRAM_FILE}
if command -v httpd >/dev/null; then exec httpd -f -p {SERVER_PORT} -h {_WORK_FOLDER}; fi
exec python3 -m http.server {SERVER_PORT} --directory {_WORK_FOLDER}
"""


def make_file_name(image: str) -> str:
    """Return a name for the program of an image that no other image has.

    For example, `collector-contrib-0.158.0-1a2b3c4d` for `otel/collector-contrib:0.158.0`.
    """
    readable_name = re.sub(r"[^A-Za-z0-9.]+", "-", image.rpartition("/")[2]).strip("-")
    return f"{readable_name}-{hashlib.sha256(image.encode()).hexdigest()[:8]}"


def build_job(name: str, image: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return the Job for an image. The options are those of module collector_program."""
    user_security = {"runAsUser": options["run_as_user"]} if options["run_as_user"] else {}
    pull_secrets = [{"name": secret} for secret in options["pull_secrets"]]
    pod_spec = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "shareProcessNamespace": True,
        "terminationGracePeriodSeconds": 1,
        "nodeSelector": dict(LINUX_NODES),
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}, **user_security},
        "containers": [_build_collector_container(image), _build_server_container(options["reader_image"])],
        "volumes": [{"name": "work", "emptyDir": {"sizeLimit": "1Gi"}}],
        **({"imagePullSecrets": pull_secrets} if pull_secrets else {}),
    }
    labels = {"app.kubernetes.io/name": "collector-program", "app.kubernetes.io/managed-by": OWNER}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": options["namespace"], "labels": labels},
        "spec": {
            "activeDeadlineSeconds": LIFE_SECONDS,  # of the Job, which may have no pod, or one that no node takes
            "backoffLimit": 0,
            "ttlSecondsAfterFinished": KEPT_SECONDS,
            "template": {"metadata": {"labels": labels}, "spec": pod_spec},
        },
    }


def _build_collector_container(image: str) -> dict[str, Any]:
    return {
        "name": COLLECTOR_CONTAINER,
        "image": image,
        "args": [f"--config=env:{_CONFIG_VARIABLE}"],
        "env": [{"name": _CONFIG_VARIABLE, "value": _SMALLEST_CONFIG}],
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"cpu": "1", "memory": "512Mi"}},
        "securityContext": dict(CONTAINER_SECURITY),
    }


def _build_server_container(image: str) -> dict[str, Any]:
    return {
        "name": SERVER_CONTAINER,
        "image": image,
        "command": ["sh", "-c", _SERVER_SCRIPT],
        "ports": [{"containerPort": SERVER_PORT}],
        "readinessProbe": {"tcpSocket": {"port": SERVER_PORT}, "periodSeconds": 1, "failureThreshold": LIFE_SECONDS},
        "resources": {"requests": {"cpu": "100m", "memory": "32Mi"}, "limits": {"cpu": "1", "memory": "512Mi"}},
        "securityContext": dict(CONTAINER_SECURITY),
        "volumeMounts": [{"name": "work", "mountPath": _WORK_FOLDER}],
    }
