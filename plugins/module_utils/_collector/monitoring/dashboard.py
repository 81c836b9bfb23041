# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The dashboards as Grafana reads them: of one collector, of all collectors, and of GPUs. Private.

A dashboard has rows of graphs. A graph about receivers, processors or exporters is there if the config of the collector
has such components.

Source of the fields: "Dashboard JSON model" of Grafana, schemaVersion 39. `$__rate_interval` needs Grafana 7.2.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from .series import COLLECTOR, CollectorSeries, Parts

_DATA_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_SCHEMA_VERSION, _WIDTH, _HEIGHT, _COLUMNS = 39, 12, 8, 24
_COLLECTOR_ROW, _ITEM_UNIT = "Collector", "cps"


class Panel(NamedTuple):
    """A graph.

    In its texts, `<what>` are the records of a signal, such as spans, and other `<name>` are as in its expression.
    """

    row_title: str
    title: str
    expr: str
    """The query in PromQL, in which `Series.fill_in` fills in each `<name>`. With `<…_of>`, each signal has a graph."""
    unit: str
    """The unit as Grafana names it, such as `cps` for counts per second."""
    legend: str
    needed_facts: tuple[str, ...] = ()
    """Facts of a collector without which it does not have the graph, as `list_monitoring_facts` returns them."""


class _Content(NamedTuple):
    """What decides which graphs a dashboard has, and which series they show."""

    series: CollectorSeries
    parts: Parts
    facts: frozenset[str]
    panels: Sequence[Panel]


def _rate_by(metric: str, label: str) -> str:
    """Return the growth of a counter in a second, by pod and a label such as `exporter`."""
    return f"sum by (namespace, pod, {label}) (rate(<{metric}>[$__rate_interval]))"


# The label is `otel.signal` where Prometheus asks for names in UTF-8, as version 3 does, else `otel_signal`.
_PROCESSOR_LEGEND = "{{processor}}, {{otel_signal}}{{otel.signal}} in {{pod}}"
# A counter of failures begins with the first of them; until then, the panel shows zero.
_FAILED_RATE = (
    "sum by (namespace, pod, exporter) (rate(<exporter_send_failed_of>[$__rate_interval])"
    " or 0 * rate(<exporter_sent_of>[$__rate_interval]))"
)

PANELS = (
    Panel(
        row_title=_COLLECTOR_ROW,
        title="Pods that Prometheus scrapes",
        expr="sum(up{<matchers>})",
        unit="short",
        legend="pods",
    ),
    Panel(
        row_title=_COLLECTOR_ROW, title="Seconds since the start", expr="<process_uptime>", unit="s", legend="{{pod}}"
    ),
    Panel(
        row_title=_COLLECTOR_ROW,
        title="Share of the memory limit",
        expr="<process_memory_rss> / <memory_limit>",
        unit="percentunit",
        legend="{{pod}}",
    ),
    Panel(
        row_title=_COLLECTOR_ROW,
        title="Processors in use",
        expr="rate(<process_cpu_seconds>[$__rate_interval])",
        unit="short",
        legend="{{pod}}",
    ),
    Panel(
        row_title="Receivers",
        title="Accepted <what>",
        expr=_rate_by("receiver_accepted_of", "receiver"),
        unit=_ITEM_UNIT,
        legend="{{receiver}} in {{pod}}",
    ),
    Panel(
        row_title="Receivers",
        title="Refused <what>",
        expr=_rate_by("receiver_refused_of", "receiver"),
        unit=_ITEM_UNIT,
        legend="{{receiver}} in {{pod}}",
    ),
    Panel(
        row_title="Processors",
        title="Records into processors",
        expr="rate(<processor_incoming_items>[$__rate_interval])",
        unit=_ITEM_UNIT,
        legend=_PROCESSOR_LEGEND,
        needed_facts=("items",),
    ),
    Panel(
        row_title="Processors",
        title="Records out of processors",
        expr="rate(<processor_outgoing_items>[$__rate_interval])",
        unit=_ITEM_UNIT,
        legend=_PROCESSOR_LEGEND,
        needed_facts=("items",),
    ),
    Panel(
        row_title="Exporters",
        title="Sent <what>",
        expr=_rate_by("exporter_sent_of", "exporter"),
        unit=_ITEM_UNIT,
        legend="{{exporter}} in {{pod}}",
    ),
    Panel(
        row_title="Exporters",
        title="Failed <what>",
        expr=_FAILED_RATE,
        unit=_ITEM_UNIT,
        legend="{{exporter}} in {{pod}}",
    ),
    Panel(
        row_title="Exporters",
        title="Share of the queue in use",
        expr="<exporter_queue_size> / <exporter_queue_capacity>",
        unit="percentunit",
        legend="{{exporter}} {{data_type}} in {{pod}}",
        needed_facts=("queue",),
    ),
)
ROWS = tuple(dict.fromkeys(panel.row_title for panel in PANELS))
# The kinds of components that have a row. Other rows need no component in a pipeline.
_COMPONENT_KINDS = frozenset(row.lower() for row in ROWS if row != _COLLECTOR_ROW)


# The labels by which the dashboard of all collectors chooses, with the words beside the choice. Where Prometheus gives
# no label `cluster`, the choice is empty and selects all.
_VARIABLES = {"cluster": "Cluster", "namespace": "Namespace", COLLECTOR: "Collector"}
# In the dashboard of all collectors, this panel stands in place of the one with the share of the memory limit: each
# collector has a limit of its own, and no series tells it.
_MEMORY_LIMIT = "<memory_limit>"
_MEMORY_PANEL = Panel(
    row_title=_COLLECTOR_ROW, title="Memory", expr="<process_memory_rss>", unit="bytes", legend="{{pod}}"
)
_SIGNALS = ("traces", "metrics", "logs")


def render_fleet_dashboard() -> dict[str, Any]:
    """Return one dashboard for all collectors of all clusters, with variables that choose among them."""
    chosen_matchers = ",".join(f'{label}=~"${_variable_name(label)}"' for label in _VARIABLES)
    parts = Parts(_COMPONENT_KINDS, frozenset(), dict.fromkeys(_COMPONENT_KINDS, _SIGNALS))
    panels = tuple(_MEMORY_PANEL if _MEMORY_LIMIT in panel.expr else panel for panel in PANELS)
    facts = frozenset(fact for panel in panels for fact in panel.needed_facts)
    # Names of metrics differ between versions, so that each is a pattern.
    series = CollectorSeries(chosen_matchers, has_renamed_metrics=True, value_by_name={"matchers": chosen_matchers})
    fleet_dashboard = render_dashboard(
        "OpenTelemetry Collectors", "o11y-opentelemetry-collectors", series, parts, facts, panels=panels
    )
    fleet_dashboard["templating"]["list"] += [_render_variable(label, title) for label, title in _VARIABLES.items()]
    return fleet_dashboard


def render_gpu_dashboard(series: CollectorSeries, facts: frozenset[str], panels: Sequence[Panel]) -> dict[str, Any]:
    """Return the dashboard of all GPUs of a cluster. Its panels ask for series that rules record."""
    kinds = frozenset(panel.row_title.lower() for panel in panels)
    parts = Parts(kinds, frozenset(), dict.fromkeys(kinds, ()))
    return render_dashboard("GPUs", "o11y-opentelemetry-gpus", series, parts, facts, panels=panels)


def _variable_name(label: str) -> str:
    return _VARIABLES[label].lower()


def _render_variable(label: str, title: str) -> dict[str, Any]:
    """Return a variable with the values that a label has beside the chosen values of the variables before it."""
    earlier_matchers = ""
    for earlier_label in _VARIABLES:
        if earlier_label == label:
            break
        earlier_matchers += f',{earlier_label}=~"${_variable_name(earlier_label)}"'
    return {
        "name": _variable_name(label),
        "label": title,
        "type": "query",
        "datasource": _DATA_SOURCE,
        "query": f'label_values(up{{{COLLECTOR}!=""{earlier_matchers}}}, {label})',
        "refresh": 2,  # when the time range changes
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }


def render_dashboard(
    title: str,
    uid: str,
    series: CollectorSeries,
    parts: Parts,
    facts: frozenset[str],
    *,
    panels: Sequence[Panel] = PANELS,
) -> dict[str, Any]:
    """Return a dashboard: by default, that of a collector."""
    content = _Content(series, parts, facts, panels)
    return {
        "uid": uid,
        "title": title,
        "tags": ["opentelemetry"],
        "editable": False,
        "schemaVersion": _SCHEMA_VERSION,
        "refresh": "1m",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {
            "list": [{"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}]
        },
        "panels": list(_lay_out_rows(content)),
    }


def _lay_out_rows(content: _Content) -> Iterator[dict[str, Any]]:
    """Yield rows and their graphs, two beside each other."""
    number = height = 0
    for row in dict.fromkeys(panel.row_title for panel in content.panels):
        graphs = list(_render_graphs(row, content))
        if not graphs:
            continue
        number += 1
        grid_position = {"x": 0, "y": height, "w": _COLUMNS, "h": 1}
        yield {"id": number, "type": "row", "title": row, "collapsed": False, "panels": [], "gridPos": grid_position}
        height += 1
        for index, graph in enumerate(graphs):
            grid_position = {"x": index % 2 * _WIDTH, "y": height + index // 2 * _HEIGHT, "w": _WIDTH, "h": _HEIGHT}
            number += 1
            yield {"id": number, **graph, "gridPos": grid_position}
        height += (len(graphs) + 1) // 2 * _HEIGHT


def _render_graphs(row: str, content: _Content) -> Iterator[dict[str, Any]]:
    """Yield the graphs of a row; none for a row about a kind of component that the config does not have."""
    kind = row.lower()
    if kind in _COMPONENT_KINDS and kind not in content.parts.component_kinds:
        return
    for panel in content.panels:
        if panel.row_title != row or not content.facts.issuperset(panel.needed_facts):
            continue
        nouns = content.parts.list_nouns(kind) if "_of>" in panel.expr else ("",)
        for noun in nouns:
            yield _render_graph(panel, content.series, noun)


def _render_graph(panel: Panel, series: CollectorSeries, noun: str) -> dict[str, Any]:
    """Return a graph; `noun` are the records that it is about, empty for one about all signals."""
    target = {
        "refId": "A",
        "datasource": _DATA_SOURCE,
        "expr": series.fill_in(panel.expr, noun),
        "legendFormat": series.fill_in(panel.legend),
    }
    return {
        "type": "timeseries",
        "title": series.fill_in(panel.title.replace("<what>", noun.replace("_", " "))),
        "datasource": _DATA_SOURCE,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [target],
    }
