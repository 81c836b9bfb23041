# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Thousands of broken configs, objects and inventories: findings or a Problem, never a traceback or a hang."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.documents import looks_like_config
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _action, _diagnose, _fleet_report, _render
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _validate, _yaml

from tests.unit.plugins.module_utils._diagnose.live import diagnose_api
from tests.unit.plugins.module_utils._report.helpers import Fleet, to
from tests.unit.plugins.module_utils.fake_api import SERVED, FakeApi
from tests.unit.plugins.plugin_utils.helpers import VALIDATE

from .fuzzing import ODD, cases, changed_text, changed_tree, failures
from .role import OPTIONS, PREFIX, RECIPES, SPEC, request
from .source import files, text

ARGUMENTS = ArgumentSpecValidator(_action.read_argument_spec("otel_render"))
CHUNK = 250
LONGEST = 8_000
TEXTS, OBJECTS, INVENTORIES, CLUSTERS = 5_000, 3_000, 1_000, 250
RENDERED = files("examples/*/rendered/*")
KINDS = ("ConfigMap", "OpenTelemetryCollector", "Deployment", "DaemonSet", "StatefulSet", "Service")
TYPES = {"str": str, "path": str, "int": int, "bool": bool}
BUILD = {"distribution": "contrib", "version": "0.158.0"}


def chunks(count: int) -> list[int]:
    return list(range(0, count, CHUNK))


@cache
def objects() -> tuple[list[dict[str, Any]], ...]:
    """The objects of each example."""
    streams = [[document.data for document in _yaml.load_all(text(path), path)] for path in RENDERED]
    return tuple(stream for stream in streams if any(item["kind"] in KINDS[:2] for item in stream))


@cache
def texts() -> tuple[str, ...]:
    """Configs alone, and the objects around them."""
    items = [item for stream in objects() for item in stream]
    configs = [config for item in items for config in configs_in_data(item)]
    resources = [_yaml.dump(item["spec"]["config"]) for item in items if item["kind"] == "OpenTelemetryCollector"]
    rendered = [text(path) for path in RENDERED]
    return (*configs, *resources, *(one for one in rendered if len(one) < LONGEST))


def configs_in_data(item: dict[str, Any]) -> Iterator[str]:
    """Yield the configs in a ConfigMap; nothing of any other object."""
    if item["kind"] == "ConfigMap":
        yield from filter(looks_like_config, (item.get("data") or {}).values())


@cache
def trees(original: str) -> list[Any]:
    """The data of a text of the corpus, of which each case changes a copy."""
    return [document.data for document in _yaml.load_all(original, "corpus")]


def yaml_text(chance: random.Random) -> str:
    """Return a text of the corpus with other characters, other values or both; most are YAML still."""
    original = chance.choice(texts())
    if chance.random() < 0.4:
        return changed_text(chance, original)
    changed = "\n---\n".join(json.dumps(changed_tree(chance, tree), indent=1) for tree in trees(original))
    return changed_text(chance, changed) if chance.random() < 0.2 else changed


def validated(config: Any, **more: Any) -> Iterator[str]:
    result = _validate.validate_configs(
        {**VALIDATE, **more, "config": config, "fail_on": "never"}, lambda _warning: None, check=True
    )
    return (item["message"] for item in result["findings"] if item["rule"] == "internal-error")


@pytest.mark.parametrize("first", chunks(TEXTS))
def test_any_yaml_can_be_validated(first: int) -> None:
    made = (yaml_text(chance) for chance in cases("text", first, CHUNK))
    assert failures(lambda one: validated(one, **(BUILD if len(one) % 2 else {})), made) == []


@pytest.mark.parametrize("first", chunks(OBJECTS))
def test_any_objects_can_be_validated(first: int) -> None:
    made = (changed_tree(chance, chance.choice(objects())) for chance in cases("objects", first, CHUNK))
    assert failures(validated, made) == []


@cache
def inventories() -> tuple[dict[str, Any], ...]:
    return tuple(_yaml.load(text(path), path).data for path in files("examples/*/vars.yml"))


def inventory(chance: random.Random) -> dict[str, Any]:
    """Return an inventory of an example with odd options, for all collectors and for one."""
    variables: dict[str, Any] = deepcopy(chance.choice(inventories()))
    collectors = variables.get("otel_collectors") or [variables]
    for _change in range(chance.randint(1, 3)):
        name, one = chance.choice(OPTIONS), chance.choice(collectors)
        match chance.randrange(5):
            case 0:
                variables[PREFIX + name] = odd(chance, SPEC[PREFIX + name])
            case 1:
                named, described = chance.choice(list(RECIPES.items()))
                options = {key: odd(chance, option) for key, option in (described.get("options") or {}).items()}
                one["recipes"] = [*one.get("recipes", ()), {named: options}]
            case 2:
                variables = changed_tree(chance, variables, 1)
            case _:
                one[name] = odd(chance, SPEC[PREFIX + name])
    return variables


def odd(chance: random.Random, option: dict[str, Any]) -> Any:
    """Return a value for an option: of its type with something odd inside, or of any type."""
    kind = option.get("type", "str")
    if chance.random() < 0.2:
        return chance.choice(ODD)
    if kind == "list":
        elements = {**option, "type": option.get("elements", "raw"), "elements": "raw"}
        return [odd(chance, elements) for _item in range(chance.randint(1, 2))]
    if option.get("options"):
        return odd_options(chance, option["options"])
    if option.get("choices"):
        return chance.choice(option["choices"])
    if kind == "dict":
        return {chance.choice(("a", "A_B", "a/b", "otlp")): chance.choice(ODD)}
    return chance.choice([one for one in ODD if isinstance(one, TYPES.get(kind, object))])


def odd_options(chance: random.Random, options: dict[str, Any]) -> dict[str, Any]:
    """Return values for the options that are required, and for some of the others."""
    found = {}
    for key, option in options.items():
        if option.get("required") or chance.random() < 0.3:
            found[key] = odd(chance, option)
    return found


def built(variables: dict[str, Any]) -> Iterator[str]:
    asked = request(variables)
    checked = ARGUMENTS.validate(vars(asked))
    if checked.error_messages:
        return
    planned = _render.judge_request(_render.RenderRequest.from_arguments(checked.validated_parameters))
    yield from (one.message for item in planned for one in item.findings if one.rule == "internal-error")
    _yaml.dump(*_render.build_bundle(planned)["manifests"])


@pytest.mark.parametrize("first", chunks(INVENTORIES))
def test_any_inventory_is_built_or_refused(first: int) -> None:
    made = (inventory(chance) for chance in cases("inventory", first, CHUNK))
    assert failures(built, made) == []


LINES = (
    "2026-01-01T00:09:59Z 2026-01-01T00:09:59Z\terror\ta.go:1\tit failed\t{}",
    "2026-01-01T00:09:59Z {}",
    "2026-01-01T00:09:59Z E0101 00:09:59.1 1 a.go:1] {}",
    "2026-01-01T00:09:59Z Error: {}",
)


def cluster(chance: random.Random) -> FakeApi:
    """Return a cluster whose tenants wrote the config, the log, the metrics and the status of a collector."""
    made = diagnose_api.api()
    *_others, config_map = diagnose_api.objects()
    config = yaml_text(chance) if chance.random() < 0.5 else changed_text(chance, config_map["data"]["c"])
    made.add({**config_map, "data": {"c": config}})
    said = [
        chance.choice(LINES).format(changed_text(chance, '{"error": "a", "kind": "exporter"}')) for _line in range(9)
    ]
    metrics = changed_text(chance, made.texts[diagnose_api.METRICS])
    made.texts = {diagnose_api.METRICS: metrics, diagnose_api.LOG: "\n".join(said)}
    return made


def diagnosed(made: FakeApi) -> Iterator[str]:
    facts = diagnose_api.facts(made)
    result = _diagnose.diagnose_collectors(facts, _diagnose.list_checks({}), {})
    yield from (one["why"] for item in result["collectors"] for one in item["unseen"] if one["what"] == "collector")
    fleet = Fleet().add("w", to("backend:4317"), namespace="ns")
    collectors = [{**one, "config": "{}"} for one in fleet.collectors]
    given = {"name": "a", "asked": True, "diagnosis": result, "products": {}, "problem": ""}
    clusters = [{**given, "rendered": {"collectors": collectors, "manifests": fleet.manifests}}]
    _fleet_report.write_fleet_report(
        {"clusters": clusters, "path": "/nowhere/page.html", "title": "a", "time": "b"}, check=True
    )


@pytest.mark.parametrize("first", chunks(CLUSTERS))
def test_any_cluster_can_be_diagnosed(first: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SERVED, "opentelemetry.io/v1beta1", ("opentelemetrycollectors",))
    assert failures(diagnosed, (cluster(chance) for chance in cases("cluster", first, CHUNK))) == []
