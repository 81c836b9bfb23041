# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each value of an option with choices renders, and no two values render the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _render

from tests.support.recipe_options import PARTNERS, RECIPE_OPTIONS

from . import source
from .role import PREFIX, RECIPES, SPEC, request

INGEST = ["otlp_ingest", "debug_output"]
# What an option, or one value of it, needs beside it to mean anything.
BESIDE: dict[str, dict[str, Any]] = yaml.safe_load("""
mode: {backend: operator}
monitoring.gpus.vendor: {monitoring: {alerts: config_map}}
upgrade_strategy: {backend: operator}
ip_families: {mode: daemonset, recipes: [kubelet_metrics, debug_output]}
certificates.usages: {certificates: [{name: tls}]}
openshift_route: {platform: openshift}
openshift_route.termination=passthrough: &tls {recipes: [{otlp_ingest: {tls_secret: tls}}, debug_output]}
openshift_route.termination=reencrypt: *tls
target_allocator:
  backend: operator
  mode: statefulset
  target_allocator: {enabled: true}
  config:
    receivers: {prometheus: {config: {scrape_configs: [{job_name: a, static_configs: [{targets: ["a:80"]}]}]}}}
    service: {pipelines: {metrics: {receivers: [prometheus]}}}
target_allocator.allocation_strategy=per-node: {mode: daemonset}
""")
# Options that rendering does not read, and who reads them.
LATER = {
    "tests_isolation": "the run of the tests reads it: tests/integration/test_suites.py",
    "state": "the tasks of the role read it: tests/contract/test_choices.py",
    "references": "bundle_apply reads it: tests/unit/plugins/module_utils/_change/live/test_apply_references.py",
    "profile": "the rules read it: tests/unit/plugins/module_utils/_collector/test_deployed.py",
    "allow": "the rules read it: tests/unit/plugins/module_utils/_otelcol/rules/security_cases.py",
}


def choosing(options: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every option and suboption with choices, by its path."""
    for name, option in options.items():
        if "choices" in option:
            yield f"{path}{name.removeprefix(PREFIX)}", option
        yield from choosing(option.get("options") or {}, f"{path}{name.removeprefix(PREFIX)}.")


OF_COLLECTORS = dict(choosing(SPEC))
OF_RECIPES = {
    f"{name}.{path}": option
    for name, recipe in RECIPES.items()
    for path, option in choosing(recipe.get("options") or {})
}


def bundle(item: dict[str, Any]) -> str:
    """Return all that follows from a collector."""
    made = _render.build_bundle(
        _render.judge_request(request({"otel_collectors": [{"name": "one", "recipes": INGEST, **item}]}))
    )
    return yaml.safe_dump(made)


def of_collector(path: str, value: Any) -> str:
    """Return what follows from one value of an option of a collector."""
    option, _dot, inner = path.partition(".")
    item: dict[str, Any] = {}
    for key in (option, path, f"{path}={value}"):
        item |= BESIDE.get(key, {})
    if not inner:
        return bundle({**item, option: [value] if SPEC[PREFIX + option].get("type") == "list" else value})
    if SPEC[PREFIX + option]["type"] == "list":
        return bundle({**item, option: [{**one, inner: value} for one in item[option]]})
    for key in reversed(inner.split(".")):
        value = {key: value}
    return bundle({**item, option: {**item.get(option, {}), **value}})


# Options that only have a meaning with others.
TOGETHER = {
    "control_plane_metrics.skip_verify": {"components": ["apiserver", "kube-scheduler", "kube-controller-manager"]},
}
# Options whose value `auto` stands for another value, and options beside which it stands for different ones.
AUTO: dict[str, tuple[dict[str, Any], ...]] = {
    "elasticsearch_export.mapping": ({}, {"index": "app"}),
    "prometheus_scrape.targets": ({},),  # on agents; elsewhere, `node` is refused
}


def of_recipe(name: str, option: str, value: Any, **beside: Any) -> str:
    """Return what follows from one value of an option of a recipe, with what the recipe requires."""
    given = [value] if OF_RECIPES[f"{name}.{option}"].get("type") == "list" else value
    option, _dot, inner = option.partition(".")
    given = [{**RECIPE_OPTIONS[name][option][0], inner: given}] if inner else given
    added = [{PARTNERS[name]: RECIPE_OPTIONS[PARTNERS[name]]}] if name in PARTNERS else []
    others = [*(recipe for recipe in INGEST if recipe != name), *added]
    required = {**RECIPE_OPTIONS.get(name, {}), **TOGETHER.get(f"{name}.{option}", {}), **beside}
    recipe = {name: {**required, option: given}}
    modes = RECIPES[name]["modes"]
    on_every_node = "daemonset" in modes and name not in ALONE
    mode = "daemonset" if on_every_node else next(mode for mode in modes if mode != "daemonset")
    return bundle({"mode": mode, "recipes": [*others, recipe]})


# Recipes whose choices only a collector with one replica can have: each copy would scrape the API server.
ALONE = frozenset({"critical_components"})
# Options of recipes that only collectors of Linux hosts have, and the test of their values.
OF_HOSTS = {"otlp_forward.spread": "tests/unit/plugins/plugin_utils/test_host_groups.py"}


@pytest.mark.parametrize("path", sorted(set(OF_RECIPES) - set(OF_HOSTS)))
def test_each_choice_of_a_recipe_makes_a_config_of_its_own(path: str) -> None:
    name, _dot, option = path.partition(".")
    values = [value for value in OF_RECIPES[path]["choices"] if path not in AUTO or value != "auto"]
    assert len({of_recipe(name, option, value) for value in values}) == len(values)


@pytest.mark.parametrize("path", AUTO)
def test_auto_stands_for_another_choice_by_the_options_beside_it(path: str) -> None:
    name, _dot, option = path.partition(".")
    meanings = set()
    for beside in AUTO[path]:
        automatic = of_recipe(name, option, "auto", **beside)
        (meaning,) = [
            value
            for value in OF_RECIPES[path]["choices"]
            if value != "auto" and of_recipe(name, option, value, **beside) == automatic
        ]
        meanings.add(meaning)
    assert len(meanings) == len(AUTO[path])


@pytest.mark.parametrize("path", OF_COLLECTORS)
def test_each_choice_of_a_collector_makes_objects_of_its_own(path: str) -> None:
    if path in LATER:
        pytest.skip(LATER[path])
    values = OF_COLLECTORS[path]["choices"]
    assert len({of_collector(path, value) for value in values}) == len(values)


def test_a_small_cost_is_written_without_an_exponent() -> None:
    """OTTL reads no exponents."""
    made = bundle({"mode": "deployment", "recipes": [*INGEST, {"tail_sampling": {"expensive": 0.00005}}]})
    assert "0.00005" in made
    assert "5e-05" not in made


def test_options_that_are_read_later_exist() -> None:
    assert set(LATER) <= set(OF_COLLECTORS)


@pytest.mark.parametrize(("path", "test"), OF_HOSTS.items())
def test_each_choice_of_a_recipe_of_hosts_is_in_its_test(path: str, test: str) -> None:
    option = path.partition(".")[2]
    said = source.text(test)
    assert [value for value in OF_RECIPES[path]["choices"] if not re.search(rf"{option}\W{{1,4}}{value}", said)] == []
