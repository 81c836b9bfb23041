# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a config needs of a host follows from its components in use, and is told with them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host.component_rows import (
    DOCKER,
    GUARDED,
    READ_ALL,
    TRACE_PROCESSES,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host.host_needs import (
    LOW_PORTS,
    HostNeeds,
    derive_host_needs,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.needs.listeners import Listener

ALL_ALLOWED = GUARDED


def needs(receiver: str, settings: dict[str, Any], allow: tuple[str, ...] = ()) -> HostNeeds:
    pipelines = {"logs": {"receivers": [receiver], "exporters": ["debug"]}}
    config = {"receivers": {"journald": {}, receiver: settings}, "exporters": {"debug": None}}
    return derive_host_needs({**config, "service": {"pipelines": pipelines}}, [], allow)


SETTINGS = [
    ("journald", {}, "SupplementaryGroups", ("systemd-journal",)),
    ("journald", {}, "ProcSubset", ("all",)),
    ("journald", {"merge": True}, "ProcSubset", ()),
    ("otlp", {}, "SupplementaryGroups", ()),
    ("file_log", {"include": ["/home/app/*.log"]}, "ProtectHome", ("read-only",)),
    ("filelog/old", {"include": ["/tmp/app.log"]}, "PrivateTmp", ("no",)),
    ("file_log", {"include": ["/var/log/*.log"]}, "ProtectHome", ()),
    ("host_metrics", {"scrapers": {"cpu": {}}}, "ProcSubset", ("all",)),
    ("hostmetrics", {"scrapers": {"cpu": {}}}, "ProtectProc", ()),
    ("host_metrics", {"scrapers": {"process": {}}}, "ProtectProc", ("default",)),
    ("host_metrics", {"scrapers": {"filesystem": {}}}, "ProtectProc", ("default",)),
    ("host_metrics", {"scrapers": {"filesystem": {}}}, "ProtectHome", ("read-only",)),
    ("mysql", {"endpoint": "/tmp/mysql.sock", "transport": "unix"}, "PrivateTmp", ("no",)),
    ("redis", {"endpoint": "/run/user/7/redis.sock"}, "ProtectHome", ("read-only",)),
    ("redis", {"endpoint": "localhost:6379"}, "ProtectHome", ()),
    ("haproxy", {"endpoint": "file:///home/a/haproxy.sock"}, "ProtectHome", ("read-only",)),
    ("host_metrics", {"scrapers": {"network": {}}}, "RestrictAddressFamilies", ("AF_NETLINK",)),
]


@pytest.mark.parametrize(("receiver", "settings", "setting", "values"), SETTINGS)
def test_a_component_loosens_what_it_needs_and_no_more(
    receiver: str, settings: dict[str, Any], setting: str, values: tuple[str, ...]
) -> None:
    assert needs(receiver, settings).list_setting_values(setting) == values


def test_each_relaxation_names_its_component() -> None:
    (line,) = map(str, needs("journald", {"merge": True}).relaxations)
    assert line == "SupplementaryGroups=systemd-journal: receivers.journald, it reads the journal of the host"


def test_a_right_of_root_needs_consent_and_the_lack_is_told() -> None:
    settings = {"scrapers": {"process": {}}}
    without, allowed = needs("host_metrics", settings), needs("host_metrics", settings, ALL_ALLOWED)
    assert without.list_setting_values("AmbientCapabilities") == ()
    assert [
        capability
        for capability in (TRACE_PROCESSES, READ_ALL)
        if any(capability in line for line in without.lacking_lines)
    ] == [
        TRACE_PROCESSES,
        READ_ALL,
    ]
    assert allowed.list_setting_values("AmbientCapabilities") == (READ_ALL, TRACE_PROCESSES)
    assert allowed.lacking_lines == ()


def test_consent_alone_gives_nothing() -> None:
    assert needs("otlp", {}, ALL_ALLOWED).relaxations == ()


@pytest.mark.parametrize(("port", "values"), [(514, (LOW_PORTS,)), (1023, (LOW_PORTS,)), (1024, ())])
def test_ports_below_1024_need_no_consent(port: int, values: tuple[str, ...]) -> None:
    listener = Listener(None, ("receivers", "syslog"), "127.0.0.1", port, "TCP", "syslog")
    assert derive_host_needs({}, [listener], ()).list_setting_values("AmbientCapabilities") == values


SOCKETS = [
    ("docker_stats", {}, True),
    ("docker_stats", {"endpoint": "unix:///run/docker.sock"}, True),
    ("docker_stats", {"endpoint": "tcp://127.0.0.1:2375"}, False),
    ("docker_stats/podman", {"endpoint": "unix:///run/podman/podman.sock"}, False),
]


@pytest.mark.parametrize(("receiver", "settings", "asks"), SOCKETS)
def test_the_socket_of_docker_is_refused_without_consent(receiver: str, settings: dict[str, Any], asks: bool) -> None:
    assert [one.right for one in needs(receiver, settings).refused_rights] == [DOCKER] * asks
    allowed = needs(receiver, settings, ALL_ALLOWED)
    assert (allowed.refused_rights, allowed.list_setting_values("SupplementaryGroups")) == ((), (DOCKER,) * asks)


@pytest.mark.parametrize(
    ("settings", "values"),
    [
        ({}, {"User": ("root",)}),
        ({"endpoint": "unix:///run/podman/podman.sock"}, {"User": ("root",)}),
        ({"endpoint": "unix:///run/user/1000/podman/podman.sock"}, {"ProtectHome": ("read-only",)}),
        ({"endpoint": "tcp://127.0.0.1:8080"}, {}),
    ],
)
def test_the_socket_of_podman_is_that_of_its_user(settings: dict[str, Any], values: dict[str, Any]) -> None:
    found = needs("podman_stats", settings)
    assert {one.setting: found.list_setting_values(one.setting) for one in found.relaxations} == values


def test_a_detector_does_without_the_socket_of_docker() -> None:
    config = {
        "receivers": {"otlp": {}},
        "processors": {"resource_detection": {"detectors": ["docker"]}},
        "exporters": {"debug": None},
        "service": {
            "pipelines": {"logs": {"receivers": ["otlp"], "processors": ["resource_detection"], "exporters": ["debug"]}}
        },
    }
    found = derive_host_needs(config, [], ())
    assert (found.refused_rights, [DOCKER in line for line in found.lacking_lines]) == ((), [True])
