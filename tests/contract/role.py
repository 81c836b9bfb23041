# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role otel_collector as data, and what it would ask otel_render for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.options import list_option_names
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _documents
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._render_request import RenderRequest

from tests.support.recipe_options import RECIPE_OPTIONS

ROOT = Path(__file__).resolve().parents[2]
ROLE = ROOT / "roles" / "otel_collector"
PREFIX = "otel_collector_"
OPTIONS = tuple(list_option_names())
# What `components: detect` stands for where a test has no cluster.
DETECTED = ("apiserver", "coredns", "cert_manager")

SPEC: dict[str, Any] = _documents.read_yaml(ROLE / "meta" / "argument_specs.yml")["argument_specs"]["main"]["options"]
# test_undefined.py proves that the role's own are the same, where nobody gives the variable that one of them looks up.
DEFAULTS: dict[str, Any] = {name: option["default"] for name, option in SPEC.items() if "default" in option}
PLAY_VARIABLES = ROOT / "playbooks" / "roles" / "otel" / "vars" / "main"
VARS: dict[str, Any] = _documents.read_yaml(ROLE / "vars" / "main.yml")
RECIPES = {path.parent.name: _documents.read_yaml(path) for path in sorted((ROLE / "recipes").glob("*/recipe.yml"))}
PLATFORMS = {path.stem: _documents.read_yaml(path) or {} for path in sorted((ROLE / "platforms").glob("*.yml"))}
# Inventories whose hosts are clusters.
OF_CLUSTERS = sorted(
    path.parent.name
    for path in (ROOT / "inventories").glob("*/hosts.yml")
    if "otel_linux" not in path.read_text(encoding="utf-8")
)


def request(variables: dict[str, Any]) -> RenderRequest:
    """Return what the role asks otel_render for with these inventory variables; test_role.py proves that it does."""
    values = {**DEFAULTS, **variables}
    return RenderRequest(
        collectors=variables.get("otel_collectors", []),
        defaults={name: values.get(PREFIX + name) for name in OPTIONS},
        recipe_paths=values[f"{PREFIX}recipe_paths"],
        platform_paths=values[f"{PREFIX}platform_paths"],
        critical_components=DETECTED,
    )


def sample(recipe: str) -> dict[str, Any]:
    """Return a value for every option of a recipe that has to be given, and fits the others."""
    options = RECIPES[recipe]["options"]
    # An empty list, and what has options of its own, is no value that the Collector takes.
    lists = any(option.get("required") and option.get("type") == "list" for option in options.values())
    return RECIPE_OPTIONS[recipe] if lists else required(options)


# What a text by the name of an option has to look like.
SHAPED = {"workspace": "ws-1"}


def required(options: dict[str, Any] | None) -> dict[str, Any]:
    """Return a value for every option of a recipe that has to be given."""
    samples: dict[str, Any] = {
        "str": "sample",
        "int": 1,
        "bool": True,
        "list": ["sample"],
        "dict": {"sample": "sample"},
    }
    return {
        name: ("http://sample:80" if option["description"].startswith("URL") else "sample:4317")
        if name == "endpoint"
        else (option.get("choices") or [SHAPED.get(name, samples[option.get("type", "str")])])[0]
        for name, option in (options or {}).items()
        if option.get("required")
    }
