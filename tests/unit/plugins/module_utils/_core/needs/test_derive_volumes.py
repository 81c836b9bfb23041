# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.needs.derive import Mount, Needs

from ..helpers import needs, running


def receiving(name: str, settings: Any = None) -> Needs:
    return needs(running(receivers={name: settings}))


def secret(name: str, volume: str = "") -> Mount:
    return Mount(f"secret-{volume or name}", f"/etc/otelcol/secrets/{name}", {"secret": {"secretName": name}})


@pytest.mark.parametrize(
    ("path", "mounts"),
    [
        ("/etc/otelcol/secrets/tls/tls.crt", (secret("tls"),)),
        ("/etc/otelcol/secrets/a.b/ca.crt", (secret("a.b", "a-b"),)),
        (
            "/etc/otelcol/configmaps/rules/a.yml",
            (Mount("configmap-rules", "/etc/otelcol/configmaps/rules", {"configMap": {"name": "rules"}}),),
        ),
        ("/etc/otelcol/secrets/tls", ()),
        ("/etc/ssl/tls.crt", ()),
    ],
)
def test_a_path_by_convention_is_a_mount(path: str, mounts: tuple[Mount, ...]) -> None:
    assert receiving("nop", {"tls": {"cert_file": path}}).mounts == mounts


def test_a_secret_is_mounted_once() -> None:
    tls = {name: f"/etc/otelcol/secrets/tls/{name}" for name in ("tls.crt", "tls.key", "ca.crt")}
    assert receiving("nop", tls).mounts == (secret("tls"),)


def test_volumes_of_two_secrets_have_names_of_their_own() -> None:
    long = "x" * 70
    paths = [f"/etc/otelcol/secrets/{name}/a" for name in ("a.b", "a-b", f"{long}1", f"{long}2")]
    names = [mount.name for mount in receiving("nop", {"paths": paths}).mounts]
    assert len(set(names)) == 4
    assert max(map(len, names)) <= 63


HOST_PATHS: list[tuple[str, Any, list[tuple[str, str, str]]]] = [
    ("host_metrics", {"root_path": "/hostfs"}, [("host", "/", "/hostfs")]),
    ("hostmetrics", {"root_path": "/hostfs"}, [("host", "/", "/hostfs")]),
    ("host_metrics", {}, []),
    ("file_log", {"include": ["/var/log/pods/*/*/*.log"]}, [("host-var-log-pods", "/var/log/pods", "/var/log/pods")]),
    ("filelog", {"include": ["/var/log/pods/x"]}, [("host-var-log-pods", "/var/log/pods", "/var/log/pods")]),
    ("file_log", {"include": ["/data/*.log"]}, []),
    ("file_log", {"include": "/var/log/pods/*"}, []),
    ("journald", {}, [("host-var-log-journal", "/var/log/journal", "/var/log/journal")]),
    ("journald", {"directory": "/run/Log"}, [("host-run-log", "/run/Log", "/run/Log")]),
]


@pytest.mark.parametrize(("name", "settings", "paths"), HOST_PATHS)
def test_what_is_read_on_the_node_is_mounted_read_only(name: str, settings: Any, paths: list[Any]) -> None:
    assert list(receiving(name, settings).mounts) == [
        Mount(volume, path, {"hostPath": {"path": host}}, read_only=True, propagation="HostToContainer")
        for volume, host, path in paths
    ]


@pytest.mark.parametrize(
    ("name", "settings", "root"),
    [
        ("file_log", {"include": ["/var/log/pods/*/*/*.log"]}, True),
        ("file_log", {"include": ["/data/*.log"]}, False),
        ("journald", {}, True),
        ("host_metrics", {"root_path": "/hostfs"}, False),
        ("otlp", {}, False),
    ],
)
def test_only_what_reads_logs_of_the_node_runs_as_root(name: str, settings: Any, root: bool) -> None:
    assert receiving(name, settings).run_as_root is root


@pytest.mark.parametrize(
    ("extensions", "directories"),
    [
        ({"file_storage": {}}, ("/var/lib/otelcol/file_storage",)),
        ({"file_storage": {"directory": "/b"}, "file_storage/2": {"directory": "/a"}}, ("/a", "/b")),
        ({"file_storage": {"directory": "/a"}, "file_storage/2": {"directory": "/a"}}, ("/a",)),
        ({}, ()),
    ],
)
def test_state_is_kept_in_directories(extensions: Any, directories: tuple[str, ...]) -> None:
    assert needs(running(extensions=extensions)).state_directories == directories
