# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All critical components, and their alerts and panels in the form of those of collectors. Private.

A component is a part that a cluster depends on, such as CoreDNS, and that a collector scrapes by recipe
`critical_components`. `network_components.py` and `platform_components.py` have the rows. `monitoring/alerts.py` and
`manifests/monitoring.py` take CRITICAL_ALERTS and CRITICAL_PANELS beside the alerts and panels of collectors.

Each component has the alerts OtelComponentDown, OtelComponentUnreached and OtelComponentAbsent, and those of its row.
In their texts, `<title>` is the title of the component, and `<of>` in an expression selects its series. Example:
`up{<of>} == 0` of CoreDNS becomes `up{critical_component="coredns"} == 0`.

docs/critical_components.md has a row for each component, docs/monitoring.md a section for each alert.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..monitoring.alert_row import Alert
from ..monitoring.panels import Panel
from .critical_row import COMPONENT_LABEL, ComponentAlert, CriticalComponent
from .network_components import NETWORK
from .platform_components import PLATFORM_SERVICES

COMPONENTS = {component.name: component for component in (*NETWORK, *PLATFORM_SERVICES)}
PANEL_ROW = "Critical components"
# Without the collector, no component is scraped: its own alert says so.
_COLLECTOR_GONE = (
    'unless on () ALERTS{namespace="<namespace>",collector="<name>",'
    'alertname=~"OtelCollector(Down|Absent|ExportStalled)"}'
)
# Source of `up`: Prometheus documentation, "Automatically generated labels and time series".
_UP_SOURCE = "https://prometheus.io/docs/concepts/jobs_instances/"
_HAS_ANSWERED = "max_over_time(up{<of>}[7d]) == 1"
_DOWN = ComponentAlert(
    name="OtelComponentDown",
    expr=f"up{{<of>}} == 0 and {_HAS_ANSWERED}",
    wait_duration="5m",
    severity="critical",
    summary="<title> cannot be scraped at {{ $labels.instance }}.",
    description="The pod does not answer, or serves its metrics elsewhere. Look at the pod first, then at"
    " docs/critical_components.md.",
    source=_UP_SOURCE,
)
_UNREACHED = ComponentAlert(
    name="OtelComponentUnreached",
    expr=f"up{{<of>}} == 0 unless {_HAS_ANSWERED}",
    wait_duration="15m",
    severity="warning",
    summary="<title> has never answered at {{ $labels.instance }}.",
    description="It has not answered for seven days, or since the first scrape. It may serve no metrics, serve them"
    " elsewhere, or a NetworkPolicy may shut its port. docs/critical_components.md says what it needs.",
    source=_UP_SOURCE,
)
_ABSENT = ComponentAlert(
    name="OtelComponentAbsent",
    expr=f"absent(up{{<of>}}) {_COLLECTOR_GONE}",
    wait_duration="10m",
    severity="critical",
    summary="No pod of <title> is scraped.",
    description="No pod runs, or none has the labels by which the collector finds it.",
    source=_UP_SOURCE,
)


def component_feature(name: str) -> str:
    """Return the feature of a collector that scrapes a component, such as `component/coredns` (see alert_row.py)."""
    return f"component/{name}"


def component_matcher(name: str) -> str:
    """Return the matcher of PromQL for the series of a component, such as `critical_component="coredns"`."""
    return f'{COMPONENT_LABEL}="{name}"'


def _build_alert(component: CriticalComponent, alert_row: ComponentAlert) -> Alert:
    """Return an alert of a component in the form of the alerts of collectors."""
    return Alert(
        name=alert_row.name,
        needed_features=(component_feature(component.name),),
        expr=alert_row.expr.replace("<of>", component_matcher(component.name)),
        wait_duration=alert_row.wait_duration,
        severity=alert_row.severity,
        summary=alert_row.summary.replace("<title>", component.title),
        description=alert_row.description,
        source=alert_row.source or component.source,
    )


def _build_panel(component: CriticalComponent) -> Panel:
    return Panel(
        row_title=PANEL_ROW,
        title=component.panel.title,
        expr=component.panel.expr.replace("<of>", component_matcher(component.name)),
        unit=component.panel.unit,
        legend=component.panel.legend,
        needed_features=(component_feature(component.name),),
    )


def _build_alerts() -> Iterator[Alert]:
    """Yield the alerts of all components: each of those that every component has, then those of the rows."""
    for common_alert in (_DOWN, _UNREACHED, _ABSENT):
        for component in COMPONENTS.values():
            yield _build_alert(component, common_alert)
    for component in COMPONENTS.values():
        for alert_row in component.alerts:
            yield _build_alert(component, alert_row)


CRITICAL_ALERTS = tuple(_build_alerts())
CRITICAL_PANELS = tuple(_build_panel(component) for component in COMPONENTS.values())
