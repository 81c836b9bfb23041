# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of an alert in the tables of alerts, which `alerts.py` puts together. Private."""

from __future__ import annotations

from typing import NamedTuple


class Alert(NamedTuple):
    """An alert of Prometheus, and the collectors that have it.

    In its texts, `<what>` are the records of a signal, such as spans, and other `<name>` are as in its expression.
    """

    name: str
    needed_facts: tuple[str, ...]
    """Facts of a collector without which it does not have the alert, as `list_monitoring_facts` returns them."""
    expr: str
    """The expression in PromQL, in which `Series.fill_in` fills in each `<name>`."""
    wait_duration: str
    """For how long the expression must hold until the alert fires, as Prometheus writes it, such as `5m`."""
    severity: str
    summary: str
    description: str
    kind: str = ""
    """`receivers`, `processors` or `exporters` for an alert that is a rule for each signal of these components."""
    excluding_facts: tuple[str, ...] = ()
    """Facts with which a collector does not have the alert."""
    source: str = ""
    """The URL of the page that documents the metrics, if another project serves them."""
