# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All critical components, with their alerts and panels in the form of those of collectors. Private.

docs/critical_components.md has a row for each component, docs/monitoring.md a section for each alert.
"""

from __future__ import annotations

from ..monitoring.alert_row import Alert
from ..monitoring.dashboard import Panel
from .critical_row import COMPONENT_LABEL, Component, ComponentAlert
from .network_components import NETWORK
from .platform_components import PLATFORM_SERVICES

COMPONENTS = {component.name: component for component in (*NETWORK, *PLATFORM_SERVICES)}
PANEL_ROW = "Critical components"
_PREFIX = "component/"
# Without the collector, no component is scraped: its own alert says so.
_COLLECTOR_GONE = 'unless on () ALERTS{collector="<name>",alertname=~"OtelCollector(Down|Absent|ExportStalled)"}'
# Source of `up`: Prometheus documentation, "Automatically generated labels and time series".
_UP_SOURCE = "https://prometheus.io/docs/concepts/jobs_instances/"
_HAS_ANSWERED = "max_over_time(up{<of>}[7d]) == 1"
_DOWN = ComponentAlert(
    "OtelComponentDown",
    f"up{{<of>}} == 0 and {_HAS_ANSWERED}",
    "5m",
    "critical",
    "<title> cannot be scraped at {{ $labels.instance }}.",
    "The pod does not answer, or serves its metrics elsewhere. Look at the pod first, then at"
    " docs/critical_components.md.",
    _UP_SOURCE,
)
_UNREACHED = ComponentAlert(
    "OtelComponentUnreached",
    f"up{{<of>}} == 0 unless {_HAS_ANSWERED}",
    "15m",
    "warning",
    "<title> has never answered at {{ $labels.instance }}.",
    "It has not answered for seven days, or since the first scrape. It may serve no metrics, serve them elsewhere, or a"
    " NetworkPolicy may shut its port. docs/critical_components.md says what it needs.",
    _UP_SOURCE,
)
_ABSENT = ComponentAlert(
    "OtelComponentAbsent",
    f"absent(up{{<of>}}) {_COLLECTOR_GONE}",
    "10m",
    "critical",
    "No pod of <title> is scraped.",
    "No pod runs, or none has the labels by which the collector finds it.",
    _UP_SOURCE,
)


def component_fact(name: str) -> str:
    """Return what the alerts and panels of a component need of a collector."""
    return f"{_PREFIX}{name}"


def component_matcher(name: str) -> str:
    """Return what selects the series of a component in PromQL."""
    return f'{COMPONENT_LABEL}="{name}"'


def _build_alert(component: Component, alert_row: ComponentAlert) -> Alert:
    return Alert(
        alert_row.name,
        (component_fact(component.name),),
        alert_row.expr.replace("<of>", component_matcher(component.name)),
        alert_row.wait_duration,
        alert_row.severity,
        alert_row.summary.replace("<title>", component.title),
        alert_row.description,
        source=alert_row.source or component.source,
    )


def _build_panel(component: Component) -> Panel:
    title, expr, unit, legend = component.panel
    expr = expr.replace("<of>", component_matcher(component.name))
    return Panel(PANEL_ROW, title, expr, unit, legend, (component_fact(component.name),))


CRITICAL_ALERTS = (
    *(_build_alert(component, row) for row in (_DOWN, _UNREACHED, _ABSENT) for component in COMPONENTS.values()),
    *(_build_alert(component, row) for component in COMPONENTS.values() for row in component.alerts),
)
CRITICAL_PANELS = tuple(_build_panel(component) for component in COMPONENTS.values())
