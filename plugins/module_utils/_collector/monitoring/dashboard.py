# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A dashboard as Grafana reads it, out of a table of panels: of one collector, or of the GPUs of a cluster. Private.

A dashboard has rows of graphs. A row about receivers, processors or exporters is there if the config of the collector
has such components. `panels.py` says what a panel is, with an example. `manifests/monitoring.py` puts the dashboards
into ConfigMaps; `fleet_dashboard.py` has that of all collectors.

Source of the fields: "Dashboard JSON model" of Grafana, schemaVersion 39. `$__rate_interval` needs Grafana 7.2.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from .monitored_collector import MonitoredCollector
from .panels import Panel
from .series import CollectorSeries
from .used_components import UsedComponents

DATA_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_SCHEMA_VERSION = 39
# The columns of the grid of Grafana, and the size of a graph in it: two graphs stand beside each other.
_GRID_COLUMNS = 24
_GRAPH_WIDTH = 12
_GRAPH_HEIGHT = 8
# The kinds of components that have a row. Other rows need no component in a pipeline.
COMPONENT_KINDS = frozenset({"receivers", "processors", "exporters"})


def render_dashboard(title: str, uid: str, collector: MonitoredCollector, panels: Sequence[Panel]) -> dict[str, Any]:
    """Return a dashboard with those of the panels for which the collector has what they need."""
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
        "panels": list(_lay_out_rows(collector, panels)),
    }


def render_gpu_dashboard(series: CollectorSeries, features: frozenset[str], panels: Sequence[Panel]) -> dict[str, Any]:
    """Return the dashboard of all GPUs of a cluster. Its panels ask for series that rules record."""
    no_components = UsedComponents(kinds=frozenset(), types=frozenset(), signals_by_kind={})
    collector = MonitoredCollector(series, no_components, features)
    return render_dashboard("GPUs", "o11y-opentelemetry-gpus", collector, panels)


def _lay_out_rows(collector: MonitoredCollector, panels: Sequence[Panel]) -> Iterator[dict[str, Any]]:
    """Yield rows and their graphs, two beside each other. Each has an id, from 1 on, and a position in the grid."""
    last_id = 0
    top = 0
    for row_title in dict.fromkeys(panel.row_title for panel in panels):
        graphs = list(_render_graphs(row_title, collector, panels))
        if not graphs:
            continue
        last_id += 1
        row_position = {"x": 0, "y": top, "w": _GRID_COLUMNS, "h": 1}
        yield {
            "id": last_id,
            "type": "row",
            "title": row_title,
            "collapsed": False,
            "panels": [],
            "gridPos": row_position,
        }
        top += 1
        for index, graph in enumerate(graphs):
            line, column = divmod(index, 2)
            graph_position = {
                "x": column * _GRAPH_WIDTH,
                "y": top + line * _GRAPH_HEIGHT,
                "w": _GRAPH_WIDTH,
                "h": _GRAPH_HEIGHT,
            }
            last_id += 1
            yield {"id": last_id, **graph, "gridPos": graph_position}
        lines_of_graphs = (len(graphs) + 1) // 2
        top += lines_of_graphs * _GRAPH_HEIGHT


def _render_graphs(row_title: str, collector: MonitoredCollector, panels: Sequence[Panel]) -> Iterator[dict[str, Any]]:
    """Yield the graphs of a row; none for a row about a kind of component that the config does not have."""
    kind = row_title.lower()
    if kind in COMPONENT_KINDS and kind not in collector.components.kinds:
        return
    for panel in panels:
        if panel.row_title != row_title or not collector.has_all(panel.needed_features):
            continue
        if not panel.has_graph_for_each_signal:
            yield _render_graph(panel, collector.series, noun="")
            continue
        for noun in collector.components.list_record_nouns(kind):
            yield _render_graph(panel, collector.series, noun)


def _render_graph(panel: Panel, series: CollectorSeries, noun: str) -> dict[str, Any]:
    """Return a graph; `noun` are the records that it is about, empty for one about all signals."""
    target = {
        "refId": "A",
        "datasource": DATA_SOURCE,
        "expr": series.fill_in(panel.expr, noun),
        "legendFormat": series.fill_in(panel.legend),
    }
    return {
        "type": "timeseries",
        "title": series.fill_in(panel.title.replace("<what>", noun.replace("_", " "))),
        "datasource": DATA_SOURCE,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [target],
    }
