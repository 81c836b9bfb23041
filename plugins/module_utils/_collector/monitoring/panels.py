# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The panels of the dashboard of a collector, as a table. Private.

A panel is a graph of Grafana. `dashboard.py` renders those for which the collector has the features and the components.
Other panels are in `gpu_rules.py` and in `critical_table.py`.

Example: the panel "Sent <what>" becomes, for a collector with exporters of traces and logs, the graphs "Sent spans" and
"Sent log records". The query of the first one is

    sum by (namespace, pod, exporter) (rate(otelcol_exporter_sent_spans{…}[$__rate_interval]))

Grafana fills in `$__rate_interval`, and in legends labels such as `{{pod}}`.
"""

from __future__ import annotations

from typing import NamedTuple

COLLECTOR_ROW = "Collector"
# The label is `otel.signal` where Prometheus asks for names in UTF-8, as version 3 does, else `otel_signal`.
_PROCESSOR_LEGEND = "{{processor}}, {{otel_signal}}{{otel.signal}} in {{pod}}"


class Panel(NamedTuple):
    """A graph.

    In its texts, `<what>` are the records of a signal, such as spans, and other `<name>` are as in its expression.
    """

    row_title: str
    """The row of the dashboard in which it stands. `Receivers`, `Processors` and `Exporters` are for components."""
    title: str
    expr: str
    """The query in PromQL, in which `CollectorSeries.fill_in` fills in each `<name>`.

    With a `<name_of>`, such as `<exporter_sent_of>`, each signal has a graph of its own.
    """
    unit: str
    """The unit as Grafana names it, such as `cps` for counts per second."""
    legend: str
    needed_features: tuple[str, ...] = ()
    """A collector without one of these features does not have the graph: see `Alert` in alert_row.py."""

    @property
    def has_graph_for_each_signal(self) -> bool:
        """Whether its expression has a placeholder `<name_of>`, which stands for the series of one signal."""
        return "_of>" in self.expr


# Two panels of the dashboard of a collector and of that of all collectors, each in place of the other: each collector
# has a memory limit of its own, and no series has it.
MEMORY_SHARE_PANEL = Panel(
    row_title=COLLECTOR_ROW,
    title="Share of the memory limit",
    expr="<process_memory_rss> / <memory_limit>",
    unit="percentunit",
    legend="{{pod}}",
)
MEMORY_PANEL = Panel(
    row_title=COLLECTOR_ROW,
    title="Memory",
    expr="<process_memory_rss>",
    unit="bytes",
    legend="{{pod}}",
)
PANELS = (
    Panel(
        row_title=COLLECTOR_ROW,
        title="Pods that Prometheus scrapes",
        expr="sum(up{<matchers>})",
        unit="short",
        legend="pods",
    ),
    Panel(
        row_title=COLLECTOR_ROW,
        title="Seconds since the start",
        expr="<process_uptime>",
        unit="s",
        legend="{{pod}}",
    ),
    MEMORY_SHARE_PANEL,
    Panel(
        row_title=COLLECTOR_ROW,
        title="Processors in use",
        expr="rate(<process_cpu_seconds>[$__rate_interval])",
        unit="short",
        legend="{{pod}}",
    ),
    Panel(
        row_title="Receivers",
        title="Accepted <what>",
        expr="sum by (namespace, pod, receiver) (rate(<receiver_accepted_of>[$__rate_interval]))",
        unit="cps",
        legend="{{receiver}} in {{pod}}",
    ),
    Panel(
        row_title="Receivers",
        title="Refused <what>",
        expr="sum by (namespace, pod, receiver) (rate(<receiver_refused_of>[$__rate_interval]))",
        unit="cps",
        legend="{{receiver}} in {{pod}}",
    ),
    Panel(
        row_title="Processors",
        title="Records into processors",
        expr="rate(<processor_incoming_items>[$__rate_interval])",
        unit="cps",
        legend=_PROCESSOR_LEGEND,
        needed_features=("items",),
    ),
    Panel(
        row_title="Processors",
        title="Records out of processors",
        expr="rate(<processor_outgoing_items>[$__rate_interval])",
        unit="cps",
        legend=_PROCESSOR_LEGEND,
        needed_features=("items",),
    ),
    Panel(
        row_title="Exporters",
        title="Sent <what>",
        expr="sum by (namespace, pod, exporter) (rate(<exporter_sent_of>[$__rate_interval]))",
        unit="cps",
        legend="{{exporter}} in {{pod}}",
    ),
    Panel(
        row_title="Exporters",
        title="Failed <what>",
        # A counter of failures begins with the first of them; until then, the panel shows zero.
        expr=(
            "sum by (namespace, pod, exporter) (rate(<exporter_send_failed_of>[$__rate_interval])"
            " or 0 * rate(<exporter_sent_of>[$__rate_interval]))"
        ),
        unit="cps",
        legend="{{exporter}} in {{pod}}",
    ),
    Panel(
        row_title="Exporters",
        title="Share of the queue in use",
        expr="<exporter_queue_size> / <exporter_queue_capacity>",
        unit="percentunit",
        legend="{{exporter}} {{data_type}} in {{pod}}",
        needed_features=("queue",),
    ),
)
