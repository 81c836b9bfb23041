# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The dashboard of a collector, as Grafana reads it: a row for each kind of components that the config has. Private.

Source of the fields: "Dashboard JSON model" of Grafana, schemaVersion 39. `$__rate_interval` needs Grafana 7.2.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from .series import COLLECTOR, Parts, Series

_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_SCHEMA, _WIDTH, _HEIGHT, _COLUMNS = 39, 12, 8, 24
_WHOLE, _ITEMS = "Collector", "cps"


class Panel(NamedTuple):
    """A graph: its row, title, query, unit and legend; what the collector must have. `<what>` are the records."""

    row: str
    title: str
    expr: str
    unit: str
    legend: str
    needs: tuple[str, ...] = ()


def _rate(metric: str, of: str) -> str:
    return f"sum by (namespace, pod, {of}) (rate(<{metric}>[$__rate_interval]))"


# The label is `otel.signal` where Prometheus asks for names in UTF-8, as version 3 does, else `otel_signal`.
_OF_PROCESSOR = "{{processor}}, {{otel_signal}}{{otel.signal}} in {{pod}}"
# A counter of failures begins with the first of them; until then, the panel shows zero.
_FAILED = (
    "sum by (namespace, pod, exporter) (rate(<exporter_send_failed_of>[$__rate_interval])"
    " or 0 * rate(<exporter_sent_of>[$__rate_interval]))"
)

PANELS = (
    Panel(_WHOLE, "Pods that Prometheus scrapes", "sum(up{<matchers>})", "short", "pods"),
    Panel(_WHOLE, "Seconds since the start", "<process_uptime>", "s", "{{pod}}"),
    Panel(_WHOLE, "Share of the memory limit", "<process_memory_rss> / <memory_limit>", "percentunit", "{{pod}}"),
    Panel(_WHOLE, "Processors in use", "rate(<process_cpu_seconds>[$__rate_interval])", "short", "{{pod}}"),
    Panel("Receivers", "Accepted <what>", _rate("receiver_accepted_of", "receiver"), _ITEMS, "{{receiver}} in {{pod}}"),
    Panel("Receivers", "Refused <what>", _rate("receiver_refused_of", "receiver"), _ITEMS, "{{receiver}} in {{pod}}"),
    Panel(
        "Processors",
        "Records into processors",
        "rate(<processor_incoming_items>[$__rate_interval])",
        _ITEMS,
        _OF_PROCESSOR,
        ("items",),
    ),
    Panel(
        "Processors",
        "Records out of processors",
        "rate(<processor_outgoing_items>[$__rate_interval])",
        _ITEMS,
        _OF_PROCESSOR,
        ("items",),
    ),
    Panel("Exporters", "Sent <what>", _rate("exporter_sent_of", "exporter"), _ITEMS, "{{exporter}} in {{pod}}"),
    Panel("Exporters", "Failed <what>", _FAILED, _ITEMS, "{{exporter}} in {{pod}}"),
    Panel(
        "Exporters",
        "Share of the queue in use",
        "<exporter_queue_size> / <exporter_queue_capacity>",
        "percentunit",
        "{{exporter}} {{data_type}} in {{pod}}",
        ("queue",),
    ),
)
ROWS = tuple(dict.fromkeys(panel.row for panel in PANELS))
# The kinds of components that have a row. Other rows need no component in a pipeline.
_KINDS = frozenset(row.lower() for row in ROWS if row != _WHOLE)


# The labels by which the dashboard of all collectors chooses, with the words beside the choice. Where Prometheus gives
# no label `cluster`, the choice is empty and selects all.
_CHOICES = {"cluster": "Cluster", "namespace": "Namespace", COLLECTOR: "Collector"}
# Each collector has a limit of its own, and no series tells it.
_LIMIT, _MEMORY = "<memory_limit>", Panel(_WHOLE, "Memory", "<process_memory_rss>", "bytes", "{{pod}}")
_SIGNALS = ("traces", "metrics", "logs")


def of_all() -> dict[str, Any]:
    """Return one dashboard for all collectors of all clusters, with variables that choose among them."""
    chosen = ",".join(f'{label}=~"${_variable(label)}"' for label in _CHOICES)
    parts = Parts(_KINDS, frozenset(), dict.fromkeys(_KINDS, _SIGNALS))
    panels = tuple(_MEMORY if _LIMIT in panel.expr else panel for panel in PANELS)
    facts = frozenset(need for panel in panels for need in panel.needs)
    # Names of metrics differ between versions, so that each is a pattern.
    series = Series(chosen, renamed=True, values={"matchers": chosen})
    made = dashboard("OpenTelemetry Collectors", "o11y-opentelemetry-collectors", series, parts, facts, panels=panels)
    made["templating"]["list"] += [_choice(label, word) for label, word in _CHOICES.items()]
    return made


def of_gpus(series: Series, facts: frozenset[str], panels: Sequence[Panel]) -> dict[str, Any]:
    """Return the dashboard of GPUs: of a whole cluster, as the rules that its panels ask for."""
    kinds = frozenset(panel.row.lower() for panel in panels)
    parts = Parts(kinds, frozenset(), dict.fromkeys(kinds, ()))
    return dashboard("GPUs", "o11y-opentelemetry-gpus", series, parts, facts, panels=panels)


def _variable(label: str) -> str:
    return _CHOICES[label].lower()


def _choice(label: str, word: str) -> dict[str, Any]:
    """Return a variable with the values of a label; those before it limit them."""
    before = list(_CHOICES)[: list(_CHOICES).index(label)]
    limits = "".join(f',{one}=~"${_variable(one)}"' for one in before)
    return {
        "name": _variable(label),
        "label": word,
        "type": "query",
        "datasource": _SOURCE,
        "query": f'label_values(up{{{COLLECTOR}!=""{limits}}}, {label})',
        "refresh": 2,  # when the time range changes
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }


def dashboard(
    title: str, uid: str, series: Series, parts: Parts, facts: frozenset[str], *, panels: Sequence[Panel] = PANELS
) -> dict[str, Any]:
    """Return the dashboard of a collector."""
    return {
        "uid": uid,
        "title": title,
        "tags": ["opentelemetry"],
        "editable": False,
        "schemaVersion": _SCHEMA,
        "refresh": "1m",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {
            "list": [{"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}]
        },
        "panels": list(_placed(series, parts, facts, panels)),
    }


def _placed(series: Series, parts: Parts, facts: frozenset[str], panels: Sequence[Panel]) -> Iterator[dict[str, Any]]:
    """Yield rows and their graphs, two beside each other."""
    number = height = 0
    for row in dict.fromkeys(panel.row for panel in panels):
        found = list(_graphs(row, series, parts, facts, panels))
        if not found:
            continue
        number += 1
        place = {"x": 0, "y": height, "w": _COLUMNS, "h": 1}
        yield {"id": number, "type": "row", "title": row, "collapsed": False, "panels": [], "gridPos": place}
        height += 1
        for index, graph in enumerate(found):
            place = {"x": index % 2 * _WIDTH, "y": height + index // 2 * _HEIGHT, "w": _WIDTH, "h": _HEIGHT}
            number += 1
            yield {"id": number, **graph, "gridPos": place}
        height += (len(found) + 1) // 2 * _HEIGHT


def _graphs(
    row: str, series: Series, parts: Parts, facts: frozenset[str], panels: Sequence[Panel]
) -> Iterator[dict[str, Any]]:
    """Yield the graphs of a row; none for a row about a kind of component that the config does not have."""
    kind = row.lower()
    if kind in _KINDS and kind not in parts.kinds:
        return
    for panel in panels:
        if panel.row != row or not facts.issuperset(panel.needs):
            continue
        nouns = parts.nouns(kind) if "_of>" in panel.expr else ("",)
        for noun in nouns:
            yield _graph(panel, series, noun)


def _graph(panel: Panel, series: Series, noun: str) -> dict[str, Any]:
    query = series.filled(panel.expr, noun)
    return {
        "type": "timeseries",
        "title": series.filled(panel.title.replace("<what>", noun.replace("_", " "))),
        "datasource": _SOURCE,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [{"refId": "A", "datasource": _SOURCE, "expr": query, "legendFormat": series.filled(panel.legend)}],
    }
