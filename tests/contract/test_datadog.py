# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inventory eks_datadog, and what stands in place of its exporter where tests run it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.releases.version_numbers import (
    require_version,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.paths import value_at
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _render
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _documents
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._release import release_tables

from .role import ROOT, request

GROUP = ROOT / "inventories" / "eks_datadog" / "group_vars" / "all"
OVERLAY = ROOT / "tests" / "support" / "datadog_overlay" / "inventory.yml"
PIPELINE = ("service", "pipelines", "traces")


def variables(*overlays: Any) -> dict[str, Any]:
    """Return the variables of the inventory, and of those given after it."""
    files = ("collectors", "eks")
    merged: dict[str, Any] = {
        key: value for file in files for key, value in _documents.read_yaml(GROUP / f"{file}.yml").items()
    }
    for overlay in overlays:
        merged.update(overlay["all"]["vars"])
    return merged


def planned(*overlays: Any) -> _render.JudgedCollector:
    (found,) = _render.judge_request(request(variables(*overlays)))
    return found


def test_the_pipeline_is_the_one_that_is_described() -> None:
    config = planned().composed_config.config
    assert value_at(config, PIPELINE) == {
        "receivers": ["otlp"],
        "processors": ["memory_limiter", "batch"],
        "exporters": ["datadog"],
    }
    assert config["processors"]["batch"] == {"send_batch_size": 50, "timeout": "5s"}
    assert config["exporters"] == {"datadog": {"api": {"site": "datadoghq.com", "key": "${env:DD_API_KEY}"}}}


def test_the_key_is_in_no_object() -> None:
    manifests = _render.build_bundle([planned()])["manifests"]
    (resource,) = [item for item in manifests if item["kind"] == "OpenTelemetryCollector"]
    key = {"secretKeyRef": {"name": "datadog", "key": "api-key"}}
    assert {"name": "DD_API_KEY", "valueFrom": key} in resource["spec"]["env"]
    assert "Secret" not in {item["kind"] for item in manifests}


def test_operator_and_collector_are_of_one_minor_version() -> None:
    given = variables()
    build = release_tables.read_tables()["builds"]["aws-otel-collector"][given["otel_collector_version"]]
    assert (
        require_version(build, "the collector").minor_line
        == require_version(given["otel_operator_addon_version"], "the operator").minor_line
    )


def test_nothing_is_found_against_it() -> None:
    assert [str(finding) for finding in planned().findings if finding.severity != "info"] == []


@pytest.mark.parametrize("version", ["v0.48.0", "v0.49.0"])
def test_its_build_has_the_exporter_and_not_the_connector(version: str) -> None:
    wanted = variables({"all": {"vars": {"otel_collector_version": version}}})
    (collector,) = wanted["otel_collectors"]
    with_metrics = [*collector["recipes"][:-1], {"datadog_export": {"trace_metrics": True}}]
    changed = {**wanted, "otel_collectors": [{**collector, "recipes": with_metrics}]}
    rules = [{finding.rule for finding in _render.judge_request(request(one))[0].findings} for one in (wanted, changed)]
    assert ["unknown-component" in found for found in rules] == [False, True]


def test_the_stand_in_changes_the_exporter_alone() -> None:
    real, tested = planned().composed_config.config, planned(_documents.read_yaml(OVERLAY)).composed_config.config
    assert set(tested["exporters"]) == {"otlp_http/datadog_stand_in"}
    assert tested["exporters"]["otlp_http/datadog_stand_in"]["headers"] == {"dd-api-key": "${env:DD_API_KEY}"}
    for config in (real, tested):
        del config["exporters"]
        del config["service"]["pipelines"]["traces"]["exporters"]
    assert tested == real
