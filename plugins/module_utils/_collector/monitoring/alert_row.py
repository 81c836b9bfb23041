# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The row of a table of alerts. Private."""

from __future__ import annotations

from typing import NamedTuple


class Alert(NamedTuple):
    """An alert: what the collector must have and not have, its expression, and what is said of it.

    `source` is the URL of the page that documents the metrics, if another project serves them.
    """

    name: str
    needed_facts: tuple[str, ...]
    expr: str
    wait_duration: str
    severity: str
    summary: str
    description: str
    kind: str = ""
    excluding_facts: tuple[str, ...] = ()
    source: str = ""
