# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The row of a table of critical components: how one is found and scraped, its alerts and its panel. Private."""

from __future__ import annotations

from typing import NamedTuple

# The label that the scrape job gives all series of a component. Alerts and panels select by it.
COMPONENT_LABEL = "critical_component"


class ComponentAlert(NamedTuple):
    """An alert of a component. In `expr`, `<of>` selects the series of the component.

    `wait_duration` is a duration of Prometheus. `source` is the page that documents the metrics, if not that of the
    component.
    """

    name: str
    expr: str
    wait_duration: str
    severity: str
    summary: str
    description: str
    source: str = ""


class ComponentPanel(NamedTuple):
    """A graph of a component: its title, query with `<of>`, unit of Grafana, and legend."""

    title: str
    expr: str
    unit: str
    legend: str


class CriticalComponent(NamedTuple):
    """A component that a cluster depends on."""

    name: str
    title: str
    source: str
    """The page that documents the metrics."""
    alerts: tuple[ComponentAlert, ...]
    panel: ComponentPanel
    labels: tuple[str, ...] = ()
    """Selectors of its pods, in Kubernetes syntax; several are alternatives. A cluster whose workloads make such pods
    has the component."""
    port: int = 0
    """The port with its metrics; 0 if the platform says where they are."""
    path: str = "/metrics"
    scheme: str = "http"
    control_plane: str = ""
    """Its name in the platform's file (platforms/generic.yml), which then says where the metrics are; else empty."""


def counter_selector(name: str) -> str:
    """Return the selector of a counter whose name does not end in `_total`: over OTLP, Prometheus lets it end so.

    A `total` inside of the name moves to its end. Source: otlptranslator of Prometheus, as test_critical_pages.py sees.
    """
    otlp_name = f"{name.replace('total_', '')}_total"
    return f'{{__name__=~"{name}|{otlp_name}",<of>}}'


def share_query(metric: str, bad_labels: str) -> str:
    """Return which share of a counter's growth within five minutes has labels such as `code=~"5.."`."""
    failed_metric, total_metric = metric.replace("<of>", f"<of>,{bad_labels}"), metric
    return f"sum(rate({failed_metric}[5m])) / sum(rate({total_metric}[5m]))"


def slowest_query(histogram: str, *group_labels: str) -> str:
    """Return the 99th percentile of a histogram within five minutes."""
    kept_labels = ", ".join(("le", *group_labels))
    return f"histogram_quantile(0.99, sum by ({kept_labels}) (rate({histogram}_bucket{{<of>}}[5m])))"
