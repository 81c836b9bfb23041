# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The dashboards ask for the metrics, dimensions and labels that the collectors of inventory eks_adot send."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.paths import iter_leaves
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _render
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _documents

from .role import ROOT, request

DASHBOARDS = ROOT / "examples" / "dashboards"
INVENTORY = ROOT / "inventories" / "eks_adot" / "group_vars" / "all" / "collectors.yml"
SEARCH = re.compile(r"SEARCH\('\{([^,}]+),([^}]+)\} MetricName=\"([^\"]+)\" EKS_Cluster=\"([^\"]+)\"', 'Sum', (\d+)\)")
# Of the sample applications; which metrics an application has is not for a collector to say.
METRIC = "http_requests_total"


@cache
def config() -> Any:
    (planned,) = _render.judge_request(request(_documents.read_yaml(INVENTORY)))
    return planned.composed_config.config


def widgets() -> list[dict[str, Any]]:
    found = json.loads((DASHBOARDS / "cloudwatch.json").read_text(encoding="utf-8"))["widgets"]
    return [widget["properties"] for widget in found]


@pytest.mark.parametrize("widget", widgets(), ids=lambda widget: widget["title"])
def test_a_widget_of_cloudwatch_asks_for_what_awsemf_sends(widget: dict[str, Any]) -> None:
    emf = config()["exporters"]["awsemf"]
    cluster = next(one["value"] for one in config()["processors"]["attributes/emf"]["actions"] if "value" in one)
    expressions = [metric[0]["expression"] for metric in widget["metrics"]]
    (search,) = filter(None, map(SEARCH.match, expressions))
    namespace, dimensions, metric, of_cluster, period = search.groups()
    assert (namespace, widget["region"], of_cluster) == (emf["namespace"], emf["region"], cluster)
    (declared,) = emf["metric_declarations"]
    assert dimensions.split(",") in declared["dimensions"]
    assert metric == METRIC and any(re.search(one, metric) for one in declared["metric_name_selectors"])
    # awsemf sends the increase of a counter, so that the sum of a period by its seconds is the rate.
    assert int(period) == widget["period"]
    assert expressions[-1].endswith(f"/{period}")


def test_the_panels_of_grafana_ask_for_labels_that_the_scrape_sets() -> None:
    dashboard = json.loads((DASHBOARDS / "grafana.json").read_text(encoding="utf-8"))
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    scraped = config()["receivers"]["prometheus"]["config"]
    labels = {value for path, value in iter_leaves(scraped) if path[-1] == "target_label"}
    asked = {
        name.strip() for one in expressions for group in re.findall(r"by \(([^)]+)\)", one) for name in group.split(",")
    }
    assert asked and asked <= labels
    assert all(f"rate({METRIC}[5m])" in one for one in expressions)
    assert expressions[0] in (ROOT / "docs" / "eks_adot.md").read_text(encoding="utf-8")
