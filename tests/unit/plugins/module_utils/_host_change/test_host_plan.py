# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs, which steps follow, what a killed run left, and which ports are taken."""

from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change import host_plan
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.host_release import (
    OpenedPort,
    check_collector_name,
    check_credential_name,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.taken_ports import (
    Holder,
    ListeningSocket,
    find_closed_ports,
    find_taken_ports,
    parse_listeners,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem


@pytest.mark.parametrize(
    ("changed", "is_active", "way"),
    [
        ([], True, "nothing"),
        (["config.yaml"], True, "reload"),
        (["config.yaml", "tmpfiles"], True, "reload"),
        (["config.yaml", "otelcol-agent.service"], True, "restart"),
        (["credentials/token"], True, "restart"),
        (["tmpfiles"], True, "nothing"),
        (["config.yaml"], False, "start"),
        ([], False, "start"),
    ],
)
def test_only_a_config_is_reloaded(changed: list[str], is_active: bool, way: str) -> None:
    assert host_plan.choose_activation(changed, is_active) == way


@pytest.mark.parametrize(
    ("step", "is_wanted", "todo"),
    [
        ("prepare", True, "discard"),
        ("switch", True, "complete"),
        ("activate", True, "complete"),
        ("judge", True, "complete"),
        ("back", True, "undo"),
        ("switch", False, "undo"),
        ("judge", False, "undo"),
    ],
)
def test_a_killed_run_is_completed_or_undone(step: str, is_wanted: bool, todo: str) -> None:
    assert host_plan.choose_recovery(host_plan.OngoingChange("000001", "000002", step), is_wanted) == todo


def test_the_release_in_use_stays_though_it_is_old() -> None:
    assert host_plan.list_superfluous_releases(["000001", "000002", "000003", "000004"], "000001", 2) == ["000002"]
    assert host_plan.next_release_number(["000009"]) == "000010"
    assert host_plan.next_release_number([]) == "000001"


def test_programs_of_others_stay() -> None:
    there = {"/opt/otelcol/a": True, "/opt/otelcol/b": True, "/opt/otelcol/c": False}
    assert host_plan.list_unused_programs(there, ["/opt/otelcol/a"]) == ["/opt/otelcol/b"]


@pytest.mark.parametrize("name", ["", "Agent", "../x", "a" * 49, "a b", "-a"])
def test_a_bad_name_is_refused(name: str) -> None:
    with pytest.raises(Problem, match="no name of a collector"):
        check_collector_name(name)


@pytest.mark.parametrize("name", ["../token", "a/b", ".hidden", ""])
def test_a_bad_name_of_a_credential_is_refused(name: str) -> None:
    with pytest.raises(Problem, match="no name of a credential"):
        check_credential_name(name)


TCP = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:10DD 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0
   1: 0100007F:10DE 0100007F:0016 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 100 0 0 10 0
"""
TCP6 = """  sl  local_address                         remote_address
   0: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 4713 1 0
"""


def test_tables_of_the_kernel_are_read() -> None:
    assert parse_listeners(TCP, "tcp") == [ListeningSocket("tcp", "127.0.0.1", 4317, "4711")]
    assert parse_listeners(TCP6, "tcp") == [ListeningSocket("tcp", "::1", 8080, "4713")]


@pytest.mark.parametrize(
    ("port", "said"),
    [
        (OpenedPort(4317, "tcp", "127.0.0.1"), ["port 4317/tcp is in use by process 7 (nginx) of nginx.service"]),
        (OpenedPort(4317, "tcp", "0.0.0.0"), ["port 4317/tcp is in use by process 7 (nginx) of nginx.service"]),
        (OpenedPort(4317, "tcp", "localhost"), ["port 4317/tcp is in use by process 7 (nginx) of nginx.service"]),
        (OpenedPort(4317, "tcp", "10.0.0.1"), []),
        (OpenedPort(4317, "udp"), []),
        (OpenedPort(4318), []),
    ],
)
def test_a_port_is_taken_where_both_would_listen(port: OpenedPort, said: list[str]) -> None:
    found = parse_listeners(TCP, "tcp")
    assert [
        row.description
        for row in find_taken_ports(
            [port], found, {"4711": Holder(7, "nginx", "nginx.service")}, "otelcol-agent.service"
        )
    ] == said
    assert find_closed_ports([port], found) == ([] if said else [port])


@pytest.mark.parametrize(
    ("address", "listening", "closed"),
    [
        ("[::1]", "0.0.0.0", True),
        ("0.0.0.0", "::1", True),
        ("0.0.0.0", "127.0.0.1", False),
        ("127.0.0.1", "::", False),
        ("[::]", "127.0.0.1", False),
        ("", "0.0.0.0", False),
        ("[::1]", "::", False),
        ("[0:0:0:0:0:0:0:0]", "0.0.0.0", False),
        ("[::ffff:127.0.0.1]", "0.0.0.0", False),
    ],
)
def test_all_addresses_of_ipv4_are_none_of_ipv6(address: str, listening: str, closed: bool) -> None:
    """A socket on `::` takes both families."""
    port = OpenedPort(4317, "tcp", address)
    assert find_closed_ports([port], [ListeningSocket("tcp", listening, 4317, "1")]) == ([port] if closed else [])


def test_a_port_of_the_collector_itself_is_free() -> None:
    own = {"4711": Holder(7, "otelcol", "otelcol-agent.service")}
    assert find_taken_ports([OpenedPort(4317)], parse_listeners(TCP, "tcp"), own, "otelcol-agent.service") == []
    unknown = "port 4317/tcp is in use by a process that cannot be read"
    assert [row.description for row in find_taken_ports([OpenedPort(4317)], parse_listeners(TCP, "tcp"), {}, "")] == [
        unknown
    ]
