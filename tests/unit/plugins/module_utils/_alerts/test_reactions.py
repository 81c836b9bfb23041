# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each alert does: the table of the code, that of the page, and the two rules of the rulebook say the same."""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._alerts.reactions import REACTIONS, Reaction
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.critical.critical_table import (
    CRITICAL_ALERTS,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.monitoring import alerts
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.monitoring.gpu_rules import GPU_ALERTS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.monitoring.workload_alerts import (
    WORKLOAD_ALERTS,
)

ROOT = Path(__file__).parents[5]
RULEBOOK = ROOT / "extensions/eda/rulebooks/collector_alerts.yml"
YES, NO = "yes", "\N{EN DASH}"


def test_each_alert_of_a_collector_has_a_reaction() -> None:
    """Those of workloads, of components and of GPUs say nothing of a collector: no rollout stops for them."""
    of_others = {alert.name for alert in (*WORKLOAD_ALERTS, *CRITICAL_ALERTS, *GPU_ALERTS)}
    assert sorted(REACTIONS) == sorted(set(alerts.ALERT_NAMES) - of_others)


def test_what_goes_back_stops_waves_too() -> None:
    assert [name for name, reaction in REACTIONS.items() if reaction.undoes_change and not reaction.stops_waves] == []


def test_the_page_has_the_same_table() -> None:
    page = (ROOT / "docs/events.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[(\w+)\]\(monitoring\.md#\w+\) \| (\S+) \| (\S+) \|$", page, re.MULTILINE)
    shown = {name: Reaction(stops_waves=stops == YES, undoes_change=back == YES) for name, stops, back in rows}
    assert shown == REACTIONS
    assert {word for row in rows for word in row[1:]} == {YES, NO}


def test_the_rules_of_the_rulebook_part_the_alerts_by_the_way_back() -> None:
    (ruleset,) = yaml.safe_load(RULEBOOK.read_text(encoding="utf-8"))
    lost, look = (set(re.findall(r'"(\w+)"', rule["condition"])) for rule in ruleset["rules"])
    assert lost == {name for name, reaction in REACTIONS.items() if reaction.undoes_change}
    assert look == REACTIONS.keys() - lost
