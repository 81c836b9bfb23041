# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The unit that checks a candidate has its sandbox, and not the state of the running collector."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.check_unit import (
    CheckPaths,
    render_check_unit,
)

UNIT = """[Unit]
After=network-online.target
[Service]
Type=exec
ExecStart=/opt/otelcol/x/otelcol \\
  --config=/etc/otelcol/agent/current/config.yaml --feature-gates=a.b
ExecReload=/bin/kill -HUP $MAINPID
Restart=on-failure
RestartSec=5
DynamicUser=yes
StateDirectory=otelcol/agent
RuntimeDirectory=otelcol-agent
LoadCredential=token:/etc/otelcol/agent/current/credentials/token
Environment=GOMEMLIMIT=100MiB
# ProtectHome=no
ProtectSystem=strict
[Install]
WantedBy=multi-user.target
"""
PLACES = CheckPaths("/etc/otelcol/agent/current", "/etc/otelcol/agent/releases/000002", "/run/log")


def test_a_check_has_the_sandbox_and_credentials_of_the_candidate() -> None:
    lines = render_check_unit(UNIT, PLACES).splitlines()
    release = "/etc/otelcol/agent/releases/000002"
    assert f"ExecStart=/opt/otelcol/x/otelcol validate --config={release}/config.yaml --feature-gates=a.b" in lines
    assert f"LoadCredential=token:{release}/credentials/token" in lines
    assert {"DynamicUser=yes", "ProtectSystem=strict", "Environment=GOMEMLIMIT=100MiB", "Type=oneshot"} <= set(lines)
    starts = ("ExecReload", "Restart", "RuntimeDirectory", "WantedBy", "#", "After")
    assert [line for line in lines if line.startswith(starts)] == []


def test_a_check_never_owns_the_state_of_the_running_collector() -> None:
    first = render_check_unit(UNIT, PLACES)
    later = render_check_unit(UNIT, replace(PLACES, state="/var/lib/private/otelcol/agent"))
    assert "StateDirectory=otelcol/agent" in first
    assert "StateDirectory" not in later
    assert "BindReadOnlyPaths=/var/lib/private/otelcol/agent" in later


def test_a_check_reads_the_state_as_the_user_who_owns_it() -> None:
    def users(unit: str, state: str, user: str = "otelcol-agent") -> list[str]:
        places = replace(PLACES, state=state, user=user)
        return [line for line in render_check_unit(unit, places).splitlines() if line.startswith("User=")]

    assert users(UNIT, "/var/lib/private/otelcol/agent") == ["User=otelcol-agent"]
    assert users(UNIT, "", user="") == []
    assert users(UNIT.replace("DynamicUser=yes", "User=shop"), "") == ["User=shop"]
    named = UNIT.replace("DynamicUser=yes", "User=otelcol-agent")
    assert users(named, "/var/lib/private/otelcol/agent") == ["User=otelcol-agent"]


def test_a_check_of_another_user_is_the_user_of_the_running_collector_and_takes_no_state() -> None:
    named = UNIT.replace("DynamicUser=yes", "User=shop")
    private = replace(PLACES, state="/var/lib/private/otelcol/agent", user="otelcol-agent")
    assert {"User=otelcol-agent", "DynamicUser=yes"} <= set(render_check_unit(named, private).splitlines())
    for unit in (UNIT, UNIT.replace("DynamicUser=yes", "User=other")):
        of_shop = replace(PLACES, state="/var/lib/otelcol/agent", user="shop", is_dynamic=False)
        lines = render_check_unit(unit, of_shop).splitlines()
        assert [line for line in lines if "User=" in line or "StateDirectory" in line] == ["User=shop"]


def test_a_check_of_a_stopped_service_has_the_state_folder_so_that_systemd_takes_the_id_of_its_owner() -> None:
    lines = render_check_unit(UNIT, replace(PLACES, user="otelcol-agent")).splitlines()
    assert {"User=otelcol-agent", "DynamicUser=yes", "StateDirectory=otelcol/agent"} <= set(lines)
