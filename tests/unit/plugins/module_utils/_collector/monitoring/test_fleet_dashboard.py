# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The dashboard of all collectors."""

from __future__ import annotations

import re

from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.monitoring import fleet_dashboard, panels

MADE = fleet_dashboard.render_fleet_dashboard()
GRAPHS = [panel for panel in MADE["panels"] if panel["type"] == "timeseries"]


def test_each_query_selects_by_all_variables() -> None:
    chosen = ('cluster=~"$cluster"', 'namespace=~"$namespace"', 'o11y_opentelemetry_collector=~"$collector"')
    for panel in GRAPHS:
        expression = panel["targets"][0]["expr"]
        selectors = re.findall(r"\{[^{}]*\}", expression)
        assert selectors, expression
        assert all(label in selector for selector in selectors for label in chosen), expression
        assert "<" not in expression


def test_each_panel_of_a_collector_is_there_with_the_memory_in_bytes() -> None:
    titles = {panel["title"] for panel in GRAPHS}
    wanted = {panel.title.replace("<what>", "spans") for panel in panels.PANELS} - {"Share of the memory limit"}
    assert wanted | {"Memory"} <= titles
    assert len({panel["id"] for panel in MADE["panels"]}) == len(MADE["panels"])


def test_each_variable_is_limited_by_those_before_it() -> None:
    variables = {item["name"]: item["query"] for item in MADE["templating"]["list"]}
    assert list(variables) == ["datasource", "cluster", "namespace", "collector"]
    assert variables["cluster"] == 'label_values(up{o11y_opentelemetry_collector!=""}, cluster)'
    assert 'cluster=~"$cluster",namespace=~"$namespace"' in variables["collector"]
