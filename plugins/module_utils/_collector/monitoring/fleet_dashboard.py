# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The dashboard of all collectors of all clusters, with variables by which a user chooses among them. Private.

`manifests/monitoring.py` writes it beside the dashboard of each collector. Its panels are those of a collector. They
select by the variables: `up{cluster=~"$cluster",namespace=~"$namespace",o11y_opentelemetry_collector=~"$collector"}`.
"""

from __future__ import annotations

from typing import Any

from ..._otelcol.otlp_requests import OTLP_SIGNALS
from .dashboard import COMPONENT_KINDS, DATA_SOURCE, render_dashboard
from .monitored_collector import MonitoredCollector
from .panels import MEMORY_PANEL, MEMORY_SHARE_PANEL, PANELS
from .series import COLLECTOR, CollectorSeries
from .used_components import UsedComponents

# The labels by which the dashboard chooses, with the words beside the choice. Where Prometheus gives no label
# `cluster`, the choice is empty and selects all.
_TITLE_BY_LABEL = {"cluster": "Cluster", "namespace": "Namespace", COLLECTOR: "Collector"}


def render_fleet_dashboard() -> dict[str, Any]:
    """Return one dashboard for all collectors of all clusters, with variables that choose among them."""
    panels = tuple(MEMORY_PANEL if panel == MEMORY_SHARE_PANEL else panel for panel in PANELS)
    matchers = ",".join(_chosen_matcher(label) for label in _TITLE_BY_LABEL)
    # Names of metrics differ between versions, so that each is a pattern.
    series = CollectorSeries(matchers, has_renamed_metrics=True, value_by_placeholder={"matchers": matchers})
    # Collectors of any config are among those that a user may choose, so no panel is left out.
    all_components = UsedComponents(
        kinds=COMPONENT_KINDS, types=frozenset(), signals_by_kind=dict.fromkeys(COMPONENT_KINDS, OTLP_SIGNALS)
    )
    all_features: set[str] = set()
    for panel in panels:
        all_features.update(panel.needed_features)
    any_collector = MonitoredCollector(series, all_components, frozenset(all_features))
    fleet_dashboard = render_dashboard(
        "OpenTelemetry Collectors", "o11y-opentelemetry-collectors", any_collector, panels
    )
    fleet_dashboard["templating"]["list"] += [
        _render_variable(label, title) for label, title in _TITLE_BY_LABEL.items()
    ]
    return fleet_dashboard


def _variable_name(label: str) -> str:
    return _TITLE_BY_LABEL[label].lower()


def _chosen_matcher(label: str) -> str:
    """Return the matcher that selects the chosen values of a label, such as `namespace=~"$namespace"`."""
    return f'{label}=~"${_variable_name(label)}"'


def _render_variable(label: str, title: str) -> dict[str, Any]:
    """Return the variable of a label. It offers the values that go with the choices of the variables before it.

    Example: variable `namespace` has the query
    `label_values(up{o11y_opentelemetry_collector!="",cluster=~"$cluster"}, namespace)`.
    """
    matchers = [f'{COLLECTOR}!=""']
    for earlier_label in _TITLE_BY_LABEL:
        if earlier_label == label:
            break
        matchers.append(_chosen_matcher(earlier_label))
    return {
        "name": _variable_name(label),
        "label": title,
        "type": "query",
        "datasource": DATA_SOURCE,
        "query": f"label_values(up{{{','.join(matchers)}}}, {label})",
        "refresh": 2,  # when the time range changes
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }
