# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.manifests.pod import pod_template

from ..helpers import build, running

STATE = running(extensions={"file_storage": {"directory": "/state"}})
ROOT = running(receivers={"host_metrics": {"root_path": "/hostfs"}})
TLS = running(receivers={"otlp": {"tls": {"cert_file": "/etc/otelcol/secrets/tls/tls.crt"}}})


def volumes(config: Any, **options: Any) -> tuple[list[Any], list[Any]]:
    """Return volumes and mounts beside the config's own."""
    spec = pod_template(build(config, **options))["spec"]
    mounts = spec["containers"][0]["volumeMounts"]
    assert spec["volumes"][0]["name"] == mounts[0]["name"] == "config"
    return spec["volumes"][1:], mounts[1:]


def test_a_secret_is_mounted_read_only() -> None:
    assert volumes(TLS) == (
        [{"name": "secret-tls", "secret": {"secretName": "tls"}}],
        [{"name": "secret-tls", "mountPath": "/etc/otelcol/secrets/tls", "readOnly": True}],
    )


def test_the_node_is_mounted_read_only_and_sees_later_mounts() -> None:
    assert volumes(ROOT, mode="daemonset") == (
        [{"name": "host", "hostPath": {"path": "/"}}],
        [{"name": "host", "mountPath": "/hostfs", "readOnly": True, "mountPropagation": "HostToContainer"}],
    )


@pytest.mark.parametrize(
    ("mode", "volume"),
    [
        ("deployment", [{"name": "state", "emptyDir": {}}]),
        ("statefulset", []),
        (
            "daemonset",
            [
                {
                    "name": "state",
                    "hostPath": {"path": "/var/lib/otelcol/telemetry-gateway", "type": "DirectoryOrCreate"},
                }
            ],
        ),
    ],
)
def test_state_lives_where_the_mode_keeps_it(mode: str, volume: list[Any]) -> None:
    assert volumes(STATE, mode=mode) == (volume, [{"name": "state", "mountPath": "/state"}])


def test_volumes_of_the_user_come_last() -> None:
    source = {"emptyDir": {"medium": "Memory"}}
    given = [
        {"name": "a", "mount_path": "/a", "source": source},
        {"name": "b", "mount_path": "/b", "source": source, "read_only": False},
    ]
    assert volumes(TLS, volumes=given)[0][1:] == [{"name": "a", **source}, {"name": "b", **source}]
    assert volumes(TLS, volumes=given)[1][1:] == [
        {"name": "a", "mountPath": "/a", "readOnly": True},
        {"name": "b", "mountPath": "/b", "readOnly": False},
    ]
