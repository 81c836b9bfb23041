# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The volumes of Secrets, ConfigMaps and paths of the node that a config refers to, and where state is kept."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.needs.derive_needs import Needs
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.needs.needed_mounts import Mount

from ...helpers import cases, needs, rows, running


def receiving(name: str, settings: Any = None) -> Needs:
    return needs(running(receivers={name: settings}))


def secret(name: str, volume: str = "") -> Mount:
    return Mount(f"secret-{volume or name}", f"/etc/otelcol/secrets/{name}", {"secret": {"secretName": name}})


@cases(
    "path, mounts",
    ("/etc/otelcol/secrets/tls/tls.crt", (secret("tls"),)),
    ("/etc/otelcol/secrets/a.b/ca.crt", (secret("a.b", "a-b"),)),
    (
        "/etc/otelcol/configmaps/rules/a.yml",
        (Mount("configmap-rules", "/etc/otelcol/configmaps/rules", {"configMap": {"name": "rules"}}),),
    ),
    ("${file:/etc/otelcol/secrets/tls/tls.crt}", (secret("tls"),)),
    ("me:${file:/etc/otelcol/secrets/a/user}:${file:/etc/otelcol/secrets/b/password}", (secret("a"), secret("b"))),
    ("$${file:/etc/otelcol/secrets/tls/tls.crt}", ()),
    ("file:///etc/otelcol/secrets/tls/tls.crt", ()),
    ("/etc/otelcol/secrets/tls", ()),
    ("/etc/ssl/tls.crt", ()),
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


# Type and settings of a receiver, whether it runs as root, then the volume, the path of the node and the mount path.
HOST_PATHS = rows("""
- [host_metrics, {root_path: /hostfs}, false, host, /, /hostfs]
- [hostmetrics, {root_path: /hostfs}, false, host, /, /hostfs]
- [host_metrics, {}, false]
- [file_log, {include: [/var/log/pods/*/*/*.log]}, true, host-var-log-pods, /var/log/pods, /var/log/pods]
- [filelog, {include: [/var/log/pods/x]}, true, host-var-log-pods, /var/log/pods, /var/log/pods]
- [file_log, {include: [/data/*.log]}, false]
- [file_log, {include: /var/log/pods/*}, false]
- [journald, {}, true, host-var-log-journal, /var/log/journal, /var/log/journal]
- [journald, {directory: /run/Log}, true, host-run-log, /run/Log, /run/Log]
- [otlp, {}, false]
""")


@pytest.mark.parametrize("row", HOST_PATHS, ids=str)
def test_what_is_read_on_the_node_is_mounted_read_only(row: list[Any]) -> None:
    name, settings, root, *mounted = row
    found = receiving(name, settings)
    assert found.needs_root is root
    assert [mount.name for mount in found.mounts] == mounted[:1]
    for mount in found.mounts:
        volume, host, path = mounted
        source = {"hostPath": {"path": host}}
        assert mount == Mount(volume, path, source, is_read_only=True, propagation="HostToContainer")


@cases(
    "extensions, directories",
    ({"file_storage": {}}, ("/var/lib/otelcol/file_storage",)),
    ({"file_storage": {"directory": "/b"}, "file_storage/2": {"directory": "/a"}}, ("/a", "/b")),
    ({"file_storage": {"directory": "/a"}, "file_storage/2": {"directory": "/a"}}, ("/a",)),
    ({}, ()),
)
def test_state_is_kept_in_directories(extensions: Any, directories: tuple[str, ...]) -> None:
    assert needs(running(extensions=extensions)).state_directories == directories
