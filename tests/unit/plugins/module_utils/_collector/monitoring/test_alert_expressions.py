# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An alert hides only alerts that stand behind it in the table; of one pair, each hides the other."""

from __future__ import annotations

import re

from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.monitoring import alert_expressions, alerts

# The first of both that fires stays, which needs the state of the evaluation before.
LATER_CAUSE = ("OtelCollectorExportStalled", "OtelCollectorQueueOverflow")


def hiding(expression: str) -> list[str]:
    """Return the alerts that an expression asks for."""
    lists = re.findall(r'ALERTS\{[^}]*alertname=~?"([^"]+)"', expression)
    return [name for names in lists for name in names.split("|")]


def test_a_cause_stands_before_what_it_hides() -> None:
    order = alerts.ALERT_NAMES
    later_causes = set()
    for alert in alerts.ALERTS:
        for cause in hiding(alert.expr):
            if cause in order and order.index(cause) >= order.index(alert.name):
                later_causes.add((alert.name, cause))
    assert later_causes == {LATER_CAUSE}


def test_a_cause_that_is_evaluated_later_counts_only_if_it_has_fired_for_the_same_signal() -> None:
    assert hiding(alert_expressions.UNLESS_OVERFLOW_FIRES) == ["OtelCollectorQueueOverflow"]
    assert 'records="<noun>",alertstate="firing"' in alert_expressions.UNLESS_OVERFLOW_FIRES


def test_a_counter_that_began_above_zero_has_grown() -> None:
    grown = alert_expressions.counter_grows("exporter_send_failed_of", "exporter")
    assert grown.startswith("sum by (namespace, pod, exporter) ((<exporter_send_failed_of> unless ")
    assert grown.endswith("or rate(<exporter_send_failed_of>[5m])) > 0")
