# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.recipe_config_shape import (
    check_config_shape,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.catalogue.older_names import (
    rename_for_version,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._builds import load_catalogue
from hypothesis import given

from ...helpers import rows
from ...strategies import configs

CATALOGUE = load_catalogue()
NAMES = """
receivers: {otlp_grpc: {}}
processors: {k8s_attributes: null}
connectors: {span_metrics/x: {}}
exporters: {otlp_grpc/gateway: {endpoint: e}}
service:
  telemetry: {logs: {}}
  pipelines:
    traces: {receivers: [otlp_grpc], processors: [k8s_attributes], exporters: [otlp_grpc/gateway, span_metrics/x]}
    metrics: {receivers: [span_metrics/x], exporters: null}
"""
NEW = rows(NAMES)
OLD_NAMES = NAMES.replace("otlp_grpc/", "otlp/").replace("k8s_attributes", "k8sattributes")
OLD = rows(OLD_NAMES.replace("span_metrics", "spanmetrics"))


def test_an_old_version_gets_old_names_wherever_they_stand() -> None:
    before = copy.deepcopy(NEW)
    assert rename_for_version(NEW, "0.135.0", CATALOGUE) == OLD
    assert before == NEW


def test_extensions_get_old_names_wherever_they_stand() -> None:
    config = rows("""
extensions: {azure_auth/sales: {}, health_check: {}}
exporters: {otlp_http: {endpoint: e, auth: {authenticator: azure_auth/sales}, tls: {insecure: false}}}
receivers: {azure_event_hub: {storage: azure_auth}}
service: {extensions: [health_check, azure_auth/sales]}
""")
    before = copy.deepcopy(config)
    assert rename_for_version(config, "0.147.0", CATALOGUE) == rows("""
extensions: {azureauth/sales: {}, health_check: {}}
exporters: {otlp_http: {endpoint: e, auth: {authenticator: azureauth/sales}, tls: {insecure: false}}}
receivers: {azure_event_hub: {storage: azureauth}}
service: {extensions: [health_check, azureauth/sales]}
""")
    assert config == before


@pytest.mark.parametrize("version", ["0.158.0", "v0.151.0", "latest"])
def test_a_version_that_knows_the_new_names_keeps_them(version: str) -> None:
    assert rename_for_version(NEW, version, CATALOGUE) == NEW


def test_only_names_that_are_too_new_change() -> None:
    assert set(rename_for_version(NEW, "0.145.9", CATALOGUE)["exporters"]) == {"otlp_grpc/gateway"}
    assert set(rename_for_version(NEW, "0.145.9", CATALOGUE)["processors"]) == {"k8sattributes"}
    assert set(rename_for_version(NEW, "0.146.0", CATALOGUE)["processors"]) == {"k8s_attributes"}


@given(configs)
def test_every_config_of_the_right_shape_can_be_renamed(config: Any) -> None:
    try:
        check_config_shape("recipe", config)
    except Problem:
        return
    rename_for_version(config, "0.1.0", CATALOGUE)
