# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.platform import (
    Platform,
    check_abilities,
    decide_options,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from ..helpers import OPTIONS, cases, collector

INSTEAD = {"host_paths": "Use a claim."}
HOST = [{"name": "host", "hostPath": {"path": "/var/log/pods"}}, {"name": "config", "configMap": {"name": "a"}}]
WRITTEN = {"name": "host", "mount_path": "/a", "read_only": False, "source": {"hostPath": {"path": "/var/log/pods"}}}


def test_a_place_is_what_its_facts_say_and_the_rest_as_anywhere() -> None:
    facts = {"daemonsets": False, "host_paths": ["/var/log"], "kubelet_endpoint": "https://node:10250"}
    assert Platform.from_facts("here", facts) == Platform("here", daemonsets=False, host_paths=("/var/log",))
    assert Platform.from_facts("generic", {}) == Platform()


@cases(
    "folders, offered, others",
    (("/",), ["/", "/var/log/pods"], []),
    (("/var/log",), ["/var/log", "/var/log/pods"], ["/var/logs", "/"]),
    (("/var/log/",), ["/var/log/pods"], []),
    ((), [], ["/"]),
)
def test_a_folder_is_offered_with_all_below_it(folders: tuple[str, ...], offered: list[str], others: list[str]) -> None:
    platform = Platform(host_paths=folders)
    assert [path for path in [*offered, *others] if platform.allows_folder(path)] == offered


@cases(
    "platform, options, wrong",
    (Platform("there", daemonsets=False), {"mode": "daemonset"}, "runs no pod on every node"),
    (Platform("there", host_paths=()), {}, "does not let pods mount /var/log/pods of their node"),
    (
        Platform("there", host_paths_writable=False),
        {"volumes": [WRITTEN]},
        "does not let pods write to /var/log/pods",
    ),
    (Platform("there", host_network=False), {"host_network": True}, "keeps the node's network from pods"),
    (Platform("there", host_ports=False), {"host_ports": True}, "keeps the node's ports from pods"),
)
def test_what_a_platform_does_not_have_is_refused(platform: Platform, options: dict[str, Any], wrong: str) -> None:
    with pytest.raises(Problem, match=f"collector 'gateway' .*platform 'there' {wrong}"):
        check_abilities(platform, collector(**options), HOST, listens=True)


def test_a_refusal_says_what_the_place_has_instead() -> None:
    with pytest.raises(Problem, match=r"Use a claim\."):
        check_abilities(Platform("there", host_paths=(), instead=INSTEAD), collector(), HOST, listens=True)


def test_what_a_place_has_is_not_refused() -> None:
    check_abilities(Platform(), collector(mode="daemonset", host_ports=True, volumes=[WRITTEN]), HOST, listens=True)
    check_abilities(Platform(host_ports=False), collector(host_ports=True), HOST, listens=False)
    check_abilities(Platform(host_paths_writable=False, host_paths=("/var/log",)), collector(), HOST, listens=True)


@cases(
    "options, host_ports, enabled",
    ({"mode": "daemonset"}, False, True),
    ({"mode": "daemonset", "service": {"enabled": False}}, False, False),
    ({"mode": "daemonset", "host_ports": True}, True, None),
    ({"mode": "deployment"}, None, None),
)
def test_an_agent_without_ports_of_its_node_has_a_service(
    options: dict[str, Any], host_ports: bool | None, enabled: bool | None
) -> None:
    found = decide_options({**OPTIONS, **options}, Platform(host_ports=False))
    assert (found["host_ports"], (found["service"] or {}).get("enabled")) == (host_ports, enabled)


def test_where_there_are_ports_nothing_is_decided() -> None:
    assert decide_options({**OPTIONS, "mode": "daemonset"}, Platform()) == {**OPTIONS, "mode": "daemonset"}
