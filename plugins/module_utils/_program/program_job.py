# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Job that hands out the Collector's program of an image, which has neither a shell nor an archiver. Private.

The Collector runs in one container. Another with a shell shares its processes, copies the program from
`/proc/PID/exe`, and serves the copy on a port of the pod. Kubernetes ends the Job and removes it, also when nobody asks
it to. The pod fulfils the Pod Security Standard `restricted`.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from .._collector.manifests.pod import CONTAINER_SECURITY
from .._otelcol.kube.names import LINUX_NODES, OWNER

PORT = 8080
FILE = "collector.gz"
# For how long the Job may run, and how long Kubernetes keeps the Job that has ended.
LIFE_SECONDS, KEPT_SECONDS = 600, 60
_CONFIG = "O11Y_PROGRAM_CONFIG"
_FOLDER = "/work"
NO_COLLECTOR = "Name an image whose entrypoint is the Collector's program."
# What to do here about a failure of a container: by the row of the failure, and the container or none for both.
FIXES = {
    (
        "container_user",
        "",
    ): "Set `run_as_user` to a user above 0. Only clusters that choose one, such as OpenShift, take 0.",
    ("container_start", "collector"): NO_COLLECTOR,
}
# What is in the program of every Collector, stripped or not: the package that runs it.
MARK = b"go.opentelemetry.io/collector/otelcol"
# What every Collector of every distribution has.
_SMALLEST = (
    "{receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:4318'}}}}, exporters: {debug: {}},"
    " service: {telemetry: {metrics: {level: none}},"
    " pipelines: {traces: {receivers: [otlp], exporters: [debug]}}}}"
)
# The variable of the config tells the Collector's process from all others. The copy gets its name when it is whole.
_SCRIPT = f"""set -eu
until found=$(grep -ls {_CONFIG} /proc/[0-9]*/environ) && [ -n "$found" ]; do sleep 0.2; done
gzip -1 -c "$(dirname "${{found%%
*}}")/exe" >{_FOLDER}/part
mv {_FOLDER}/part {_FOLDER}/{FILE}
if command -v httpd >/dev/null; then exec httpd -f -p {PORT} -h {_FOLDER}; fi
exec python3 -m http.server {PORT} --directory {_FOLDER}
"""


def file_name(image: str) -> str:
    """Return a name for the program of an image that no other image has."""
    readable = re.sub(r"[^A-Za-z0-9.]+", "-", image.rpartition("/")[2]).strip("-")
    return f"{readable}-{hashlib.sha256(image.encode()).hexdigest()[:8]}"


def job(name: str, image: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return the Job for an image. The options are those of module collector_program."""
    user = {"runAsUser": options["run_as_user"]} if options["run_as_user"] else {}
    secrets = [{"name": secret} for secret in options["pull_secrets"]]
    pod = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "shareProcessNamespace": True,
        "terminationGracePeriodSeconds": 1,
        "nodeSelector": dict(LINUX_NODES),
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}, **user},
        "containers": [_collector(image), _server(options["reader_image"])],
        "volumes": [{"name": "work", "emptyDir": {"sizeLimit": "1Gi"}}],
        **({"imagePullSecrets": secrets} if secrets else {}),
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
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def _collector(image: str) -> dict[str, Any]:
    return {
        "name": "collector",
        "image": image,
        "args": [f"--config=env:{_CONFIG}"],
        "env": [{"name": _CONFIG, "value": _SMALLEST}],
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"cpu": "1", "memory": "512Mi"}},
        "securityContext": dict(CONTAINER_SECURITY),
    }


def _server(image: str) -> dict[str, Any]:
    return {
        "name": "program",
        "image": image,
        "command": ["sh", "-c", _SCRIPT],
        "ports": [{"containerPort": PORT}],
        "readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 1, "failureThreshold": LIFE_SECONDS},
        "resources": {"requests": {"cpu": "100m", "memory": "32Mi"}, "limits": {"cpu": "1", "memory": "512Mi"}},
        "securityContext": dict(CONTAINER_SECURITY),
        "volumeMounts": [{"name": "work", "mountPath": _FOLDER}],
    }
