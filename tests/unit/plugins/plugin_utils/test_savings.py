# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The processors that are measured are those that the recipes of the collection render."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._savings.removal_options import (
    ProcessorOption,
    RecipeOption,
    RemovalOption,
    build_filter_option,
    build_noise_recipe,
)
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._savings_options import add_option

PIPELINES = {name: {"receivers": ["otlp"], "exporters": ["otlp_http"]} for name in ("traces", "logs/pods", "metrics")}
CONFIG: dict[str, Any] = {"service": {"pipelines": PIPELINES}}


def processors(option: RemovalOption, version: str = "") -> dict[str, list[str]]:
    config = add_option(CONFIG, option, version)
    named = config["service"]["pipelines"].items()
    return {name: pipeline["processors"] for name, pipeline in named if "processors" in pipeline}


def test_a_recipe_goes_where_the_recipe_says() -> None:
    option = build_noise_recipe(probe_paths=["/healthz"], attributes=["noise"])
    assert processors(option) == {name: ["filter/noise", "resource/noise", "attributes/noise"] for name in PIPELINES}
    config = add_option(CONFIG, option)
    assert "/healthz" in str(config["processors"]["filter/noise"]["traces"])
    assert "logs" not in config["processors"]["filter/noise"]
    sampling = RecipeOption(recipe="tail_sampling", options={"slow_ms": 2000, "rest_percent": 10})
    assert processors(sampling) == {"traces": ["tail_sampling"]}


def test_a_processor_goes_into_the_pipelines_of_its_signals() -> None:
    assert processors(build_filter_option("noise", "logs", "log_record", "true")) == {"logs/pods": ["filter/noise"]}


@pytest.mark.parametrize(("version", "name"), [("0.158.0", "log_dedup/x"), ("0.140.0", "logdedup/x")])
def test_a_processor_has_the_name_of_the_version(version: str, name: str) -> None:
    option = ProcessorOption(processor="log_dedup/x", settings={}, signals=("logs",))
    assert processors(option, version) == {"logs/pods": [name]}
