# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines of a unit of systemd, as systemd reads them. Private.

The check of a candidate, the facts of a host and the drop-ins of services read settings of units with this. For
example, `list_section_lines` returns for section `Service` of

    [Service]
    # the program
    ExecStart=/opt/otelcol/otelcol \\
      --config=/etc/otelcol/agent/current/config.yaml

the line `ExecStart=/opt/otelcol/otelcol  --config=/etc/otelcol/agent/current/config.yaml`.

Source: systemd.syntax(7). Runs on the host: Python 3.8, standard library.
"""

from __future__ import annotations

import re

# A backslash at the end of a line, with the blanks before the text of the next line.
_CONTINUATION = re.compile(r"\\\n[ \t]*")
# Where systemd ends a line. `str.splitlines` ends one at other characters too, which a value may have.
_LINE_END = re.compile(r"[\r\n]")


def list_section_lines(unit: str, name: str) -> list[str]:
    """Return the lines in all sections of a unit with this name, such as `Service`."""
    section_lines = []
    is_inside = False
    for line in join_logical_lines(unit):
        if line.startswith("["):
            is_inside = line == f"[{name}]"
        elif is_inside:
            section_lines.append(line)
    return section_lines


def join_logical_lines(unit: str) -> list[str]:
    """Return the lines of a unit without comments. A line that ends with a backslash continues in the next one."""
    joined_text = _CONTINUATION.sub(" ", unit)
    lines = (line.strip() for line in _LINE_END.split(joined_text))
    return [line for line in lines if line and not line.startswith(("#", ";"))]
