# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What recipes add by wildcard works on each record once, beside each connector that hands records on."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.rules import RULES
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _recipe_metadata, _render, _role_files

from tests.support.recipe_options import PARTNERS, RECIPE_OPTIONS

Json = dict[str, Any]
SIGNALS = ("traces", "metrics", "logs")
TWICE = {"processor-twice", "exporter-twice"}


def described() -> dict[str, Json]:
    return {name: _recipe_metadata.read_recipe(folder) for name, folder in _role_files.find_recipes([]).items()}


RECIPES = sorted(described())
# Settings of connectors that hand on, each from the pipeline of a signal to one behind it.
HANDING_ON: dict[str, Json] = {
    "forward": {},
    "failover": {"priority_levels": [["{signal}/behind"]]},
    "round_robin": {},
    "routing": {"default_pipelines": ["{signal}/behind"], "table": []},
}


def with_connector(kind: str) -> Json:
    """Return a user's config that leads each signal through a connector to another pipeline."""
    connectors, pipelines = {}, {}
    for signal in SIGNALS:
        settings = {key: named(value, signal) for key, value in HANDING_ON[kind].items()}
        connectors[f"{kind}/{signal}"] = settings
        pipelines[signal] = {"exporters+": [f"{kind}/{signal}"]}
        pipelines[f"{signal}/behind"] = {"receivers": [f"{kind}/{signal}"], "exporters+": ["debug/end"]}
    return {"connectors": connectors, "exporters": {"debug/end": {}}, "service": {"pipelines": pipelines}}


def named(value: Any, signal: str) -> Any:
    if isinstance(value, list):
        return [named(one, signal) for one in value]
    return value.format(signal=signal) if isinstance(value, str) else value


def collector(name: str, connector: str) -> Json:
    """Return a collector that has a recipe beside a connector, and all that both need."""
    listed: list[Json] = [{"otlp_ingest": {}}, {name: RECIPE_OPTIONS.get(name, {})}]
    if name in PARTNERS:
        listed.append({PARTNERS[name]: RECIPE_OPTIONS[PARTNERS[name]]})
    if connector in RECIPE_OPTIONS or connector in RECIPES:
        listed.append({connector: RECIPE_OPTIONS.get(connector, {})})
    unique = {next(iter(one)): one for one in listed}
    given = {"recipes": [*unique.values(), {"debug_output": {}}], "name": "c", "namespace": "n", "platform": "eks"}
    mode = "deployment" if "deployment" in described()[name]["modes"] else described()[name]["modes"][0]
    own = {"config": with_connector(connector)} if connector in HANDING_ON else {}
    return {**given, **own, "mode": mode}


def render(given: Json) -> _render.JudgedCollector:
    (planned,) = _render.judge_request(_render.RenderRequest([given], {}))
    return planned


def by_signals(planned: _render.JudgedCollector) -> Json:
    found: Json = planned.composed_config.config["service"]["pipelines"]
    return found


@pytest.mark.parametrize(("name", "connector"), list(product(RECIPES, [*HANDING_ON, "tenant_routing"])))
def test_nothing_works_twice_on_a_record(name: str, connector: str) -> None:
    if connector == name:
        connector = "forward"
    planned = render(collector(name, connector))
    assert [str(one) for one in planned.findings if one.rule in TWICE] == []
    pipelines = by_signals(planned)
    behind = [key for key, roles in pipelines.items() if any("/" in one for one in roles.get("receivers") or ())]
    assert behind, "a connector leads to another pipeline"


def test_a_sampler_keeps_one_store_beside_tenant_routing() -> None:
    recipes = ["otlp_ingest", "tail_sampling", "redaction", "drop_noise", "span_metrics"]
    tenants = {"tenant_routing": {**RECIPE_OPTIONS["tenant_routing"]}}
    forward = {"otlp_forward": {**RECIPE_OPTIONS["otlp_forward"], "pipelines": "metrics*"}}
    pipelines = by_signals(render({"name": "c", "recipes": [*recipes, tenants, forward]}))
    assert {"tail_sampling", "redaction", "filter/noise"} <= set(pipelines["traces"]["processors"])
    assert "span_metrics" in pipelines["traces"]["exporters"]
    assert "span_metrics" not in pipelines["traces/shop"]["exporters"]
    assert set(pipelines["traces/shop"]["processors"]) == {"memory_limiter"}
    # Metrics of spans are new records.
    assert "redaction" in pipelines["metrics/span_metrics"]["processors"]


def test_a_wildcard_for_the_pipelines_behind_a_connector_still_adds_to_them() -> None:
    tail = {"tail_sampling": {"pipelines": "traces/*"}}
    recipes = ["otlp_ingest", {"tenant_routing": RECIPE_OPTIONS["tenant_routing"]}, tail]
    pipelines = by_signals(render({"name": "c", "recipes": recipes}))
    assert "tail_sampling" in pipelines["traces/shop"]["processors"]
    assert "tail_sampling" not in pipelines["traces"]["processors"]


def test_a_connector_for_two_signals_hands_each_on_by_itself() -> None:
    own = {
        "connectors": {"forward": None},
        "exporters": {"debug": None},
        "service": {
            "pipelines": {
                "traces": {"exporters+": ["forward"]},
                "logs": {"exporters+": ["forward"]},
                "traces/behind": {"receivers": ["forward"], "exporters": ["debug"]},
                "logs/behind": {"receivers": ["forward"], "exporters": ["debug"]},
            }
        },
    }
    tail = {"tail_sampling": {"pipelines": "traces*"}}
    pipelines = by_signals(render({"name": "c", "recipes": ["otlp_ingest", tail], "config": own}))
    assert "tail_sampling" in pipelines["traces"]["processors"]
    assert "tail_sampling" not in pipelines["traces/behind"].get("processors", [])


def test_a_pipeline_that_receives_by_itself_too_gets_what_wildcards_add() -> None:
    own = {
        "receivers": {"zipkin": {}},
        "service": {"pipelines": {"traces/shop": {"receivers": ["zipkin", "routing/traces"]}}},
    }
    recipes = ["otlp_ingest", {"tenant_routing": RECIPE_OPTIONS["tenant_routing"]}, "redaction"]
    planned = render({"name": "c", "recipes": recipes, "config": own})
    assert "redaction" in by_signals(planned)["traces/shop"]["processors"]
    assert any(one.rule == "processor-twice" for one in planned.findings)


def test_the_rules_exist() -> None:
    assert {rule.id for rule in RULES} >= TWICE
