# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The row of the tables of critical components: how one is found and scraped, its alerts and its panel. Private.

`network_components.py` and `platform_components.py` have the tables. In an expression, `<of>` stands for the label that
selects the series of the component: `up{<of>} == 0` becomes `up{critical_component="coredns"} == 0`.

The functions build expressions that several rows have in the same form.
"""

from __future__ import annotations

from typing import NamedTuple

# The label that the scrape job gives all series of a component. Alerts and panels select by it.
COMPONENT_LABEL = "critical_component"


class ComponentAlert(NamedTuple):
    """An alert of a component."""

    name: str
    expr: str
    """The expression in PromQL, in which `<of>` selects the series of the component."""
    wait_duration: str
    """For how long the expression must hold until the alert fires, as Prometheus writes it, such as `5m`."""
    severity: str
    summary: str
    description: str
    source: str = ""
    """The page that documents the metrics; empty if it is that of the component."""


class ComponentPanel(NamedTuple):
    """A graph of a component."""

    title: str
    expr: str
    """The query in PromQL, in which `<of>` selects the series of the component."""
    unit: str
    """The unit as Grafana names it, such as `cps` for counts per second."""
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
    """Its name in the file of a platform, which then says where the metrics are; else empty.

    Example: `kube-proxy` under `control_plane` of platforms/generic.yml.
    """


def counter_selector(name: str) -> str:
    """Return the selector of a counter whose name does not end in `_total`: over OTLP, Prometheus lets it end so.

    Example: `felix_int_dataplane_failures` is selected by

        {__name__=~"felix_int_dataplane_failures|felix_int_dataplane_failures_total",<of>}

    A `total` inside of the name moves to its end. Source: otlptranslator of Prometheus, as test_critical_pages.py sees.
    """
    otlp_name = f"{name.replace('total_', '')}_total"
    return f'{{__name__=~"{name}|{otlp_name}",<of>}}'


def share_query(metric: str, bad_labels: str) -> str:
    """Return which share of a counter's growth within five minutes has some labels.

    Example: `coredns_dns_responses_total{<of>}` and `rcode="SERVFAIL"` give

        sum(rate(coredns_dns_responses_total{<of>,rcode="SERVFAIL"}[5m]))
        / sum(rate(coredns_dns_responses_total{<of>}[5m]))
    """
    bad_metric = metric.replace("<of>", f"<of>,{bad_labels}")
    return f"sum(rate({bad_metric}[5m])) / sum(rate({metric}[5m]))"


def slowest_query(histogram: str, *group_labels: str) -> str:
    """Return the 99th percentile of a histogram within five minutes, for each value of some labels.

    Example: `etcd_disk_wal_fsync_duration_seconds` and label `pod` give

        histogram_quantile(0.99, sum by (le, pod) (rate(etcd_disk_wal_fsync_duration_seconds_bucket{<of>}[5m])))
    """
    kept_labels = ", ".join(("le", *group_labels))
    return f"histogram_quantile(0.99, sum by ({kept_labels}) (rate({histogram}_bucket{{<of>}}[5m])))"
