# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The container that hands out what the pod of a capture receives, and the volumes that it shares. Private.

`capture_job.py` adds it to the pod. The Collector in the pod writes what it gets to a file on a volume in memory. This
container, the reader, cuts the file into parts and serves them over HTTP: the path of the first part is
`/SECRET_PATH/0`, of the second one `/SECRET_PATH/1`. Only the run knows SECRET_PATH.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._collector.manifests.pod_security import CONTAINER_SECURITY
from .._otelcol.config.paths import mapping_at
from .._otelcol.needs.quantities import MIB

# The name of the container.
READER_NAME = "o11y-capture"
# Where the containers see the volume of the capture, and the file on it that the Collector writes.
CAPTURE_MOUNT_PATH = "/o11y-capture"
CAPTURE_FILE = f"{CAPTURE_MOUNT_PATH}/received.jsonl"
# The most bytes of a part.
PART_BYTES = MIB
# By how many bytes a capture may exceed its bound until the run sees it.
SLACK_BYTES = 16 * MIB
# The volumes in memory: that of the file, and that of the parts.
CAPTURE_VOLUME = "o11y-capture"
SERVED_VOLUME = "o11y-served"
_SERVED_FOLDER = "/o11y-served"
PATH_BY_VOLUME = {CAPTURE_VOLUME: CAPTURE_MOUNT_PATH, SERVED_VOLUME: _SERVED_FOLDER}
# Kubernetes mounts the token of the account in each container that has nothing else there, so the reader has an empty
# volume there. Source: plugin/pkg/admission/serviceaccount of Kubernetes.
NO_TOKEN_VOLUME = "o11y-no-token"
_TOKEN_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount"
_READER_MEMORY = 32 * MIB

# The command of the reader, which has the variables SECRET_PATH and PORT. It serves the folder `www` over HTTP, and
# cuts the file of the Collector into the parts 0, 1, 2 and so on. One read of a file gets all that is asked, so dd goes
# on where it ended. Parts get their names when they are whole. An index hides the names of files from a server that
# lists them.
_SCRIPT = f"""set -eu
trap 'exit 0' TERM
mkdir -p "{_SERVED_FOLDER}/www/$SECRET_PATH"
: >{_SERVED_FOLDER}/www/index.html
: >"{_SERVED_FOLDER}/www/$SECRET_PATH/index.html"
if command -v httpd >/dev/null; then httpd -f -p "$PORT" -h {_SERVED_FOLDER}/www &
else python3 -m http.server "$PORT" --directory {_SERVED_FOLDER}/www & fi
until [ -f {CAPTURE_FILE} ]; do sleep 1; done
exec 3<{CAPTURE_FILE}
part=0
offset=0
while :; do
  size=$(wc -c <{CAPTURE_FILE})
  if [ "$size" -gt "$offset" ]; then
    taken=$((size - offset))
    if [ "$taken" -gt {PART_BYTES} ]; then taken={PART_BYTES}; fi
    dd bs="$taken" count=1 <&3 >{_SERVED_FOLDER}/part 2>/dev/null
    mv {_SERVED_FOLDER}/part "{_SERVED_FOLDER}/www/$SECRET_PATH/$part"
    part=$((part + 1))
    offset=$((offset + taken))
  else
    sleep 1
  fi
done
"""


@dataclass(frozen=True)
class CaptureJob:
    """What the Job of a capture is made of, beside the pod template of the workload."""

    name: str
    config_overlay: Mapping[str, Any]
    """The config that the Collector merges over its own."""
    secret_path: str
    """The path of the parts, which only the run knows."""
    reader_image: str
    run_as_user: int
    """The user of the reader if the pod names none; 0 for the user of the image."""
    most_bytes: int
    """How many bytes of telemetry the capture may have."""
    life_seconds: int
    """After how many seconds Kubernetes ends the Job."""
    node_name: str = ""
    """The node that the pod runs on; empty if any will do."""

    @property
    def volume_bytes(self) -> int:
        """The size of a volume in memory: it has room for all bytes of the capture."""
        return self.most_bytes + SLACK_BYTES


def build_reader(pod: Mapping[str, Any], capture_job: CaptureJob, port: int) -> dict[str, Any]:
    """Return the container that serves parts of the file on a port. `pod` is the spec of its pod."""
    security_context = dict(CONTAINER_SECURITY)
    has_user = "runAsUser" in mapping_at(pod, "securityContext")
    if capture_job.run_as_user and not has_user:
        security_context["runAsUser"] = capture_job.run_as_user
    mounts = []
    for name, path in PATH_BY_VOLUME.items():
        mounts.append({"name": name, "mountPath": path, "readOnly": path == CAPTURE_MOUNT_PATH})
    mounts.append({"name": NO_TOKEN_VOLUME, "mountPath": _TOKEN_FOLDER, "readOnly": True})
    memory_limit = str(capture_job.volume_bytes + _READER_MEMORY)
    return {
        "name": READER_NAME,
        "image": capture_job.reader_image,
        "command": ["sh", "-c", _SCRIPT],
        "env": [{"name": "SECRET_PATH", "value": capture_job.secret_path}, {"name": "PORT", "value": str(port)}],
        "ports": [{"containerPort": port}],
        "resources": {"requests": {"cpu": "20m", "memory": "32Mi"}, "limits": {"memory": memory_limit}},
        "securityContext": security_context,
        "volumeMounts": mounts,
    }
