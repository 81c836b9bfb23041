# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines of a unit, as systemd reads them."""

from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.unit_text import list_section_lines

UNIT = """[Unit]
After=network-online.target
[Service]
# the program
ExecStart=/opt/otelcol/otelcol \\
  --config=/etc/otelcol/agent/current/config.yaml
; Restart=no
[Install]
WantedBy=multi-user.target
[Service]
 Restart=always
"""


def test_a_line_continues_and_a_section_may_come_twice() -> None:
    command = "ExecStart=/opt/otelcol/otelcol  --config=/etc/otelcol/agent/current/config.yaml"
    assert list_section_lines(UNIT, "Service") == [command, "Restart=always"]
    assert list_section_lines(UNIT, "Socket") == []
