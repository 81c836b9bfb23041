# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts of users keep every character on their way through a template."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _yaml
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._recipe_filters import FILTERS

from .helpers import rendered

SMILE = "\U0001f600"
TEXTS = (SMILE, f"a\\{SMILE}", "\\ud83d\\ude00", "é\u2028\x85\ufeff\x7f", '"quoted"\n')
PRICES = {SMILE: {"input": 1, "output": 1}}
TENANTS: dict[str, Any] = {
    "destinations": [{"name": "a", "endpoint": "a.example.com:4317", "tenants": [SMILE]}],
    "default": "drop",
}


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_the_same_after_a_template(text: str) -> None:
    assert _yaml.load(FILTERS["to_json"]({"a": [text]}), "config").data == {"a": [text]}


def config_of(*recipes: Any) -> str:
    """Return the config of these recipes as Python writes it."""
    item = {"name": "a", "recipes": ["otlp_ingest", *recipes]}
    return str(_yaml.load(rendered(item)["collectors"][0]["config"], "config").data)


def test_an_attribute_has_the_characters_of_its_option() -> None:
    assert f"'value': '{SMILE}'" in config_of({"resource_attributes": {"attributes": {"mood": SMILE}}}, "debug_output")


def test_a_condition_has_no_pairs_of_surrogates_which_the_collector_refuses() -> None:
    assert f'"{SMILE}"' in config_of({"tenant_routing": TENANTS})
    assert f'"{SMILE}"' in config_of({"gen_ai_metrics": {"prices": PRICES}}, "debug_output")


@pytest.mark.parametrize(
    "recipe",
    [
        {"span_metrics": {"buckets": ["1s", "5ms"]}},
        {"service_graph": {"buckets": ["5ms", "1s", "1000ms"]}},
        {"gen_ai_metrics": {"buckets": [5, 1]}},
    ],
)
def test_bounds_of_a_histogram_that_do_not_rise_are_refused(recipe: dict[str, Any]) -> None:
    with pytest.raises(Problem, match=r"bound '(?:5ms|1000ms|1.0)' of a histogram stands after .*, and is not larger"):
        config_of(recipe, "debug_output")


def test_bounds_of_a_histogram_may_have_any_units_and_variables() -> None:
    assert "'999ms', '1s', '1m30s'" in config_of(
        {"span_metrics": {"buckets": ["999ms", "1s", "1m30s"]}}, "debug_output"
    )
    assert "${env:BOUND:-5s}" in config_of({"span_metrics": {"buckets": ["1s", "${env:BOUND:-5s}"]}}, "debug_output")


OTHER_SIGNALS = {"debug_output": {"pipelines": "[lm]*"}}


@pytest.mark.parametrize("service", ["gateway", "gateway.obs", "${env:GATEWAY:-gateway}"])
def test_spans_are_balanced_among_the_replicas_of_a_service(service: str) -> None:
    assert f"'service': '{service}'" in config_of({"trace_balancing": {"service": service}}, OTHER_SIGNALS)


@pytest.mark.parametrize(
    "service", ["gateway.obs:4317", "gateway.obs.svc.cluster.local", "http://gateway.obs", "Gateway", "gateway."]
)
def test_what_is_no_name_of_a_service_has_no_replicas(service: str) -> None:
    with pytest.raises(Problem, match=f"`service: {service}` is no name of a Service. Write NAME or NAME.NAMESPACE"):
        config_of({"trace_balancing": {"service": service}}, OTHER_SIGNALS)


@pytest.mark.parametrize("recipe", ["datadog_export", "datadog_otlp_export"])
@pytest.mark.parametrize("site", ["datadoghq.con", "https://datadoghq.eu", "app.datadoghq.com", "datadoghq.eu/"])
def test_what_is_no_site_of_datadog_is_refused(recipe: str, site: str) -> None:
    with pytest.raises(Problem, match=f"`site: {re.escape(site)}` is no site of Datadog"):
        config_of({recipe: {"site": site}})


@pytest.mark.parametrize(
    "site", ["datadoghq.com", "us5.datadoghq.com", "datadoghq.eu", "us2.ddog-gov.com", "${env:SITE}"]
)
def test_a_site_of_datadog_is_taken_also_a_new_one(site: str) -> None:
    assert FILTERS["datadog_site"](site) == site
