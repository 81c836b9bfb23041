# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines of a unit, as systemd reads them."""

from __future__ import annotations

import pytest
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


@pytest.mark.parametrize("character", ["\u2028", "\x85", "\x0b", "\x0c", "\x1c"])
def test_a_line_ends_where_systemd_ends_it_and_nowhere_else(character: str) -> None:
    variable = f'Environment="A=x{character}User=root{character}y"'
    assert list_section_lines(f"[Service]\n{variable}\nRestart=no\r\nType=exec\rUMask=0077\n", "Service") == [
        variable,
        "Restart=no",
        "Type=exec",
        "UMask=0077",
    ]
