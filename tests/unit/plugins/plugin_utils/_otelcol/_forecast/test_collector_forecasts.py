# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A collector of the operator changes if a run changes its custom resource, and in a repository if its file changes."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.kube.names import SPEC_HASH
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._forecast.collector_forecasts import (
    forecast_collectors,
)

TRACES = {"receivers": ["otlp"], "exporters": ["debug"]}
CONFIG = {"receivers": {"otlp": {}}, "exporters": {"debug": {}}, "service": {"pipelines": {"traces": TRACES}}}
WITH_LOGS = {**CONFIG, "service": {"pipelines": {"traces": TRACES, "logs": TRACES}}}


def resource(config: Any) -> dict[str, Any]:
    return {
        "apiVersion": "opentelemetry.io/v1beta1",
        "kind": "OpenTelemetryCollector",
        "metadata": {"namespace": "telemetry", "name": "gateway"},
        "spec": {"podAnnotations": {SPEC_HASH: "a1"}, "config": config},
    }


ROW = {"kind": "OpenTelemetryCollector", "namespace": "telemetry", "name": "gateway", "config": CONFIG}


def arguments_for(*rows: Any) -> dict[str, Any]:
    return {
        **{
            "collectors": rows,
            "manifests": [resource(CONFIG)],
            "resources": [resource(WITH_LOGS)],
            "kept_configs": None,
        },
        **{"captures": "no captures", "limits": {}, "prices": {}, "receivers": {}, "without_capture": "fail"},
        "gitops_path": None,
    }


@pytest.mark.parametrize(("gitops_path", "changing"), [(None, []), ("clusters", ["telemetry/gateway"])])
def test_what_a_person_added_stays_in_a_cluster_and_goes_from_a_file(
    gitops_path: str | None, changing: list[str]
) -> None:
    result = forecast_collectors({**arguments_for(ROW), "gitops_path": gitops_path}, str)
    assert [unknown["collector"] for unknown in result["unknown"]] == changing


@pytest.mark.parametrize(
    ("key", "value"), [("name", None), ("namespace", None), ("config", None), ("config", "---\n"), ("config", [])]
)
def test_a_row_that_is_no_collector_is_named(key: str, value: Any) -> None:
    row = {name: part for name, part in ROW.items() if name != key}
    for broken in (row, {**row, key: value}):
        with pytest.raises(
            Problem, match=r"no collector with a .*at collectors\[1\]\)\. Give `collectors` as otel_render"
        ):
            forecast_collectors(arguments_for(ROW, broken), str)
