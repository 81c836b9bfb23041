# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compose one collector config out of layers: recipes that must agree, then the user's own, which wins. Private.

Recipes: the same component twice is fine when equal and an error when not; lists in pipelines are ordered unions;
a pipeline key with a wildcard (`*`, `traces*`) stands for every pipeline of that name that a recipe or the user's
config declares, and a component's id with a wildcard adds settings to every such component; lists in the telemetry
of the service are ordered unions;
what a wildcard adds works on each record once: not again in a pipeline that gets its records from connectors alone
which hand on those of other pipelines of that name;
processors are put in the order that the Collector's documentation recommends.
User layers: mappings merge deeply, `null` deletes what an earlier layer set, a list replaces, `key+` appends.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

from ..errors import Problem
from ..traits import belongs_everywhere
from .layers import APPEND, Composed, Layer, is_pattern
from .paths import ROLES, SECTIONS, Config, Path, at, dotted, items, section
from .pipelines import PipelineGraph

# Order of processors: the limiter before all work, enrichment before what reads it, batches last.
# Source: "Recommended Processors" in the Collector's processor/README.md.
PROCESSOR_RANK = {
    "memory_limiter": 0,
    # The recipe gpu_metrics makes resources of labels that name pods, which k8s_attributes reads.
    "filter/gpu": 5,
    "transform/gpu": 6,
    "groupbyattrs/gpu": 7,
    "transform/gpu_pod": 8,
    "k8s_attributes": 10,
    "k8sattributes": 10,
    "resource_detection": 11,
    "resourcedetection": 11,
    "resource": 20,
    "attributes": 21,
    "transform": 22,
    "redaction": 23,
    "filter": 30,
    # The recipe drop_noise removes attributes after its filter has read them.
    "resource/noise": 31,
    "attributes/noise": 31,
    "groupbytrace": 39,
    "probabilistic_sampler": 40,
    "tail_sampling": 41,
    "batch": 90,
}
_OTHER = 25
# How many names lead to a component: its section and its id.
_COMPONENT = 2


def processor_rank(component_id: str) -> int:
    """Return where a processor belongs in a pipeline: low numbers first."""
    name = str(component_id)
    return PROCESSOR_RANK.get(name, PROCESSOR_RANK.get(name.split("/", 1)[0], _OTHER))


def compose(layers: Sequence[Layer]) -> Composed:
    """Merge the layers into one config. No input is changed.

    Raises Problem when two recipes disagree, or one applies to a pipeline that nobody declares.
    """
    own = [layer for layer in layers if not layer.recipe]
    result = _merge_recipes([layer for layer in layers if layer.recipe], own)
    for layer in own:
        result = _overlay(result, layer.config, ())
    return Composed(config=_in_order(result), layers=tuple(layers))


def _in_order(config: dict[str, Any]) -> dict[str, Any]:
    """Return the config in its usual order; unknown keys stay at the end."""
    ordered = _first(config, (*SECTIONS, "service"))
    service = ordered.get("service")
    if isinstance(service, dict) and isinstance(service.get("pipelines"), dict):
        pipelines = {
            name: _first(value, tuple(ROLES)) if isinstance(value, dict) else value
            for name, value in service["pipelines"].items()
        }
        ordered["service"] = _first({**service, "pipelines": pipelines}, ("extensions", "telemetry", "pipelines"))
    return ordered


def _first(mapping: dict[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    return {
        key: mapping[key]
        for key in (*(key for key in keys if key in mapping), *(key for key in mapping if key not in keys))
    }


def _declared(layers: Sequence[Layer], *path: str) -> list[str]:
    """Return the pipelines or components of the user's layers; a later `null` takes one away."""
    found: dict[str, Any] = {}
    for layer in layers:
        found.update(section(layer.config, *path))
    return [str(key) for key, value in found.items() if value is not None]


def _merge_recipes(recipes: Sequence[Layer], own: Sequence[Layer]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    owner: dict[Path, str] = {}
    for recipe in recipes:
        for key, value in recipe.config.items():
            if key != "service" and value is not None:
                _agree(result, {key: _plain(value)}, (), recipe.name, owner)
    for recipe in recipes:
        _add_settings(result, recipe, own, owner)
    service = _merge_services(recipes, own, owner)
    if service:
        result["service"] = service
    return copy.deepcopy(result)


def _plain(value: Any) -> Any:
    """Return a section without ids with a wildcard."""
    return {name: one for name, one in value.items() if not is_pattern(name)} if isinstance(value, dict) else value


def _add_settings(result: dict[str, Any], recipe: Layer, own: Sequence[Layer], owner: dict[Path, str]) -> None:
    """Add what a recipe sets at ids with a wildcard to the components of all recipes and of the user's config."""
    for name in SECTIONS:
        given = section(recipe.config, name)
        for key in filter(is_pattern, given):
            known = [*section(result, name), *_declared(own, name)]
            for one in _matching(key, known, recipe.name, name):
                result[name] = {**section(result, name), one: section(result, name, one)}
                _agree(result[name][one], given[key], (name, one), recipe.name, owner)


def _merge_services(recipes: Sequence[Layer], own: Sequence[Layer], owner: dict[Path, str]) -> dict[str, Any]:
    service: dict[str, Any] = {}
    extensions = _union(at(recipe.config, ("service", "extensions"), []) for recipe in recipes)
    if extensions:
        service["extensions"] = extensions
    for recipe in recipes:
        telemetry = at(recipe.config, ("service", "telemetry"))
        if telemetry is not None:
            _agree(service, {"telemetry": telemetry}, ("service",), recipe.name, owner)
    pipelines = _merge_pipelines(recipes, own)
    if pipelines:
        service["pipelines"] = pipelines
    return service


def _agree(target: dict[str, Any], source: Config, path: Path, name: str, owner: dict[Path, str]) -> None:
    """Merge source into target; a value that another recipe set differently is a Problem that names both."""
    for key, value in source.items():
        here = (*path, key)
        if key not in target:
            target[key] = copy.deepcopy(value)
            owner[here] = name
        elif _is_shared(here) and isinstance(value, dict) and isinstance(target[key], dict):
            _agree(target[key], value, here, name, owner)
        elif here[0] == "service" and isinstance(value, list) and isinstance(target[key], list):
            target[key] = [*target[key], *(item for item in value if item not in target[key])]
        elif target[key] != value:
            fix = "Give one of them another component name through its options, or leave one recipe out."
            raise Problem(f"{_owner(owner, here)} and {name} configure {dotted(here)} differently", fix=fix)


def _is_shared(path: Path) -> bool:
    """Sections, the service's telemetry and what wildcards add belong to all recipes; a component belongs to one."""
    return len(path) != _COMPONENT or path[0] == "service"


def _owner(owner: dict[Path, str], path: Path) -> str:
    while path not in owner and path:
        path = path[:-1]
    return owner.get(path, "?")


def _merge_pipelines(recipes: Sequence[Layer], own: Sequence[Layer]) -> dict[str, dict[str, list[str]]]:
    """Return all pipelines, those of the user's config by name only, each with what all recipes add to it."""
    named = [key for _name, key, _pipeline in _pipelines(recipes) if not is_pattern(key)]
    declared: dict[str, dict[str, list[str]]] = {key: {} for key in [*named, *_declared(own, "service", "pipelines")]}
    flow = _flow(recipes, own)
    for name, key, pipeline in _pipelines(recipes):
        targets = _matching(key, declared, name, "pipelines")
        for target in targets:
            again = is_pattern(key) and flow.gets_only_from(target, targets)
            for role, ids in _without_repeats(pipeline).items() if again else pipeline.items():
                declared[target][role] = _union([declared[target].get(role, []), ids])
    for pipeline in declared.values():
        pipeline.get("processors", []).sort(key=processor_rank)
    return declared


def _without_repeats(pipeline: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return what a recipe adds to pipelines without what has worked on their records in another pipeline."""
    processors = list(filter(belongs_everywhere, pipeline.get("processors") or ()))
    return {"processors": processors} if processors else {}


def _flow(recipes: Sequence[Layer], own: Sequence[Layer]) -> PipelineGraph:
    """Return how records go from pipeline to pipeline, without what wildcards add."""
    pipelines: dict[str, dict[str, list[str]]] = {}
    for layer in (*recipes, *own):
        for key, roles in section(layer.config, "service", "pipelines").items():
            if not isinstance(key, str) or is_pattern(key):
                continue
            ends = pipelines.setdefault(key, {})
            for role in ("receivers", "exporters"):
                listed = [*items(roles, role), *items(roles, role + APPEND)]
                ends[role] = [*ends.get(role, []), *(one for one in listed if isinstance(one, str))]
    connectors = {name for layer in (*recipes, *own) for name in section(layer.config, "connectors")}
    return PipelineGraph(pipelines, connectors)


def _pipelines(recipes: Sequence[Layer]) -> Iterator[tuple[str, str, dict[str, list[str]]]]:
    for recipe in recipes:
        for key, pipeline in section(recipe.config, "service", "pipelines").items():
            yield recipe.name, key, pipeline or {}


def _matching(key: str, declared: Iterable[str], recipe: str, kind: str) -> list[str]:
    if not is_pattern(key):
        return [key]
    matches = [name for name in declared if fnmatchcase(name, key)]
    if not matches:
        wrong = f"{recipe} adds to {kind} '{key}', but nothing declares such {_article(kind)}"
        if kind == "pipelines" and key == "*":
            raise Problem("the collector receives nothing", fix="Add otlp_ingest or another recipe that receives.")
        raise Problem(wrong, fix=_UNMATCHED.get(kind, _UNMATCHED[""]))
    return list(dict.fromkeys(matches))


_UNMATCHED = {
    "pipelines": "Add a recipe that receives that signal, declare the pipeline in `config`, or narrow the recipe's "
    "options.",
    "": "Add a recipe with such a component, declare it in `config`, or correct the recipe's options.",
}


def _article(kind: str) -> str:
    return f"{'an' if kind[0] == 'e' else 'a'} {kind.removesuffix('s')}"


def _union(lists: Iterable[Iterable[str]]) -> list[str]:
    return list(dict.fromkeys(item for items in lists for item in items or ()))


def _overlay(base: Any, over: Any, path: Path) -> Any:
    """Return base with a user layer on top of it."""
    if not isinstance(over, dict):
        return copy.deepcopy(over)
    result = dict(base) if isinstance(base, dict) else {}
    for key, value in over.items():
        if isinstance(key, str) and key.endswith(APPEND):
            plain = key[: -len(APPEND)]
            result[plain] = _append(result.get(plain), value, (*path, plain))
        elif value is None and key in result and path:
            del result[key]
        else:
            result[key] = _overlay(result.get(key), value, (*path, key))
    return result


def _append(base: Any, more: Any, path: Path) -> list[Any]:
    base = [] if base is None else base
    if not isinstance(base, list) or not isinstance(more, list):
        wrong = f"'{dotted(path)}{APPEND}' appends to a list, but one side is not a list"
        raise Problem(wrong, fix="Give a list on both sides.")
    result = [*base, *(item for item in more if item not in base)]
    if path[:2] == ("service", "pipelines") and path[-1] == "processors":
        result.sort(key=processor_rank)
    return result
