# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The row of the tables of alerts, which `alerts.py` puts together and renders. Private.

Example: the row

    Alert(name="OtelCollectorDown", expr="up{<matchers>} == 0", wait_duration="5m", severity="critical", …)

is this rule of Prometheus for a collector `gateway`:

    {"alert": "OtelCollectorDown", "expr": 'up{namespace="otel",o11y_opentelemetry_collector="gateway"} == 0',
     "for": "5m", "labels": {"severity": "critical", …}, …}
"""

from __future__ import annotations

from typing import NamedTuple


class Alert(NamedTuple):
    """An alert of Prometheus, and the collectors that have it.

    A feature is a word for what a collector has: a kind of components (`exporters`), a type of component
    (`processors/memorylimiter`), or an ability (`gpus`). `monitoring_features.py` finds those of a collector.

    In the texts, `<what>` are the records of a signal, such as spans. Other `<name>` are as in the expression.
    """

    name: str
    needed_features: tuple[str, ...]
    """A collector without one of these features does not have the alert."""
    expr: str
    """The expression in PromQL, in which `CollectorSeries.fill_in` fills in each `<name>`."""
    wait_duration: str
    """For how long the expression must hold until the alert fires, as Prometheus writes it, such as `5m`."""
    severity: str
    summary: str
    description: str
    component_kind: str = ""
    """`receivers`, `processors` or `exporters` for an alert that is one rule for each signal of these components."""
    excluding_features: tuple[str, ...] = ()
    """A collector with one of these features does not have the alert."""
    source: str = ""
    """The URL of the page that documents the metrics, if another project serves them."""
