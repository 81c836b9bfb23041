# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of the alerts and the dashboard: the annotation `runbook_url` of each alert leads to a section of it."""

from __future__ import annotations

import re
import textwrap

import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.monitoring import alerts, panels
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.monitoring.series import COLLECTOR

from .source import text

PAGE = text("docs/monitoring.md")


def test_each_alert_has_a_section_and_a_row() -> None:
    assert tuple(re.findall(r"^### (\w+)$", PAGE, re.MULTILINE)) == alerts.ALERT_NAMES
    rows = re.findall(r"^\| \[(\w+)\]\(#(\w+)\) \| [^|]+ \| (\w+) \|", PAGE, re.MULTILINE)
    assert [name for name, _anchor, _severity in rows] == list(alerts.ALERT_NAMES)
    severities = {(alert.name, alert.severity) for alert in alerts.ALERTS}
    assert {(name, severity) for name, _anchor, severity in rows} == severities
    assert all(anchor == name.lower() for name, anchor, _severity in rows)


def test_the_job_to_copy_sets_each_label_that_queries_ask_for() -> None:
    block = re.search(r"```yaml\n(   rule_files:.*?)```", PAGE, re.DOTALL)
    assert block
    (job,) = yaml.safe_load(textwrap.dedent(block[1]))["scrape_configs"]
    set_labels = {rule["target_label"] for rule in job["relabel_configs"] if "target_label" in rule}
    assert {"namespace", COLLECTOR, "pod", "node"} <= set_labels
    (address,) = (rule for rule in job["relabel_configs"] if rule.get("target_label") == "__address__")
    for given, wanted in (("10.0.0.7:4317;8888", "10.0.0.7:8888"), ("[fd00::7]:4317;8888", "[fd00::7]:8888")):
        match = re.fullmatch(address["regex"], given)
        assert match and f"{match[1]}:{match[2]}" == wanted


def test_the_picture_has_each_panel() -> None:
    """Panels of records are drawn for each signal."""
    drawn = text("docs/images/dashboard.svg")
    titles = [panel.title.replace("<what>", noun) for panel in panels.PANELS for noun in ("spans", "log records")]
    assert [title for title in titles if f">{title}</text>" not in drawn] == []
