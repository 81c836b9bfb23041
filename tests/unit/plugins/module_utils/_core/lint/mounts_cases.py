# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rules on what is not mounted."""

from __future__ import annotations

from typing import Any

from .cases import Table
from .shapes import Json, running, where

QUEUE = {"otlp": {"sending_queue": {"storage": "file_storage"}}}


def mounted(*paths: str) -> Json:
    return where("daemonset", mounts=paths)


def receiver(name: str, **settings: Any) -> Json:
    return running("logs", receivers={name: settings})


def certified(path: str) -> Json:
    return running(exporters={"otlp": {"tls": {"ca_file": path}}})


STORAGE = running(extensions={"file_storage": {"directory": "/var/lib/queue"}}, exporters=QUEUE)
CASES: Table = {
    "root-path-missing": {
        "no mount": (
            receiver("hostmetrics", root_path="/hostfs"),
            "receivers.hostmetrics.root_path: nothing is mounted at /hostfs Mount / of the node there",
            mounted("/conf"),
        ),
        "a mount": (receiver("host_metrics", root_path="/hostfs"), "", mounted("/hostfs")),
        "mounts that nobody knows": (receiver("host_metrics", root_path="/hostfs"), "", where()),
        "its own root": (receiver("host_metrics", root_path="/"), "", mounted()),
    },
    "logs-missing": {
        "no mount": (
            receiver("file_log", include=["/var/log/pods/*/*/*.log"]),
            "receivers.file_log.include[0]: nothing is mounted at /var/log/pods",
            mounted("/conf", "/var/log/podsandmore"),
        ),
        "links without what they lead to": (
            receiver("filelog", include=["/var/log/containers/*.log"]),
            "receivers.filelog.include[0]: nothing is mounted at /var/log/pods",
            mounted("/var/log/containers"),
        ),
        "the journal": (receiver("journald"), "receivers.journald: /var/log/journal", mounted("/conf")),
        "a mount above": (receiver("file_log", include=["/var/log/pods/*.log"]), "", mounted("/var/log/")),
        "mounts below": (receiver("file_log", include=["/var/log/**/*.log"]), "", mounted("/var/log/pods")),
        "links and what they lead to": (
            receiver("filelog", include=["/var/log/containers/*"]),
            "",
            mounted("/var/log"),
        ),
        "a directory that a variable says": (receiver("file_log", include=["${env:D}/*"]), "", mounted()),
    },
    "file-missing": {
        "a certificate": (
            certified("/certs/ca.crt"),
            "exporters.otlp.tls.ca_file: nothing is mounted at /certs Mount the Secret there with `volumes`",
            mounted("/conf"),
        ),
        "of what nothing starts": (
            {**running(), "extensions": {"oidc": {"tls": {"ca_file": "/certs/ca.crt"}}}},
            "",
            mounted("/conf"),
        ),
        "a mounted one": (certified("/certs/ca.crt"), "", mounted("/certs")),
        "one of the image": (certified("/etc/ssl/certs/ca-certificates.crt"), "", mounted()),
        "that of the ServiceAccount": (certified("/var/run/secrets/kubernetes.io/ca.crt"), "", mounted()),
        "mounts that nobody knows": (certified("/certs/ca.crt"), "", where()),
    },
    "storage-missing": {
        "a queue": (
            STORAGE,
            "extensions.file_storage: nothing is mounted at /var/lib/queue, so the queue of 'otlp' is lost "
            "with the container",
            mounted("/conf"),
        ),
        "the default directory": (
            running(extensions={"file_storage/2": None}),
            "extensions.file_storage/2: Mount a volume at /var/lib/otelcol/file_storage",
            mounted(),
        ),
        "a mount": (STORAGE, "", mounted("/var/lib/queue")),
    },
}
