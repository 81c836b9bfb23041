# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compose one collector config out of layers: recipes that must agree, then the user's own, which wins. Private.

Recipes:

- A component that two of them have must be equal in both.
- Lists in pipelines, and in the telemetry of the service, are ordered unions.
- A pipeline key with a wildcard (`*`, `traces*`) stands for every pipeline of that name that a recipe or the user's
  config declares. A component's id with a wildcard adds settings to every such component.
- What a wildcard adds works on each record once: not again in a pipeline that gets its records from connectors alone
  which hand on those of other pipelines of that name.
- Processors are put in the order that the Collector's documentation recommends.

User layers: mappings merge deeply, `null` deletes what an earlier layer set, a list replaces, `key+` appends.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

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
# What to do if nothing matches a wildcard, by section.
_UNMATCHED = {
    "pipelines": "Add a recipe that receives that signal, declare the pipeline in `config`, or narrow the recipe's "
    "options.",
    "": "Add a recipe with such a component, declare it in `config`, or correct the recipe's options.",
}
# How many names lead to a component: its section and its id.
_COMPONENT = 2


def processor_rank(component_id: str) -> int:
    """Return where a processor belongs in a pipeline: low numbers first."""
    name = str(component_id)
    if name in PROCESSOR_RANK:
        return PROCESSOR_RANK[name]
    return PROCESSOR_RANK.get(name.partition("/")[0], _OTHER)


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
    ordered = _with_first(config, (*SECTIONS, "service"))
    service = ordered.get("service")
    if isinstance(service, dict) and isinstance(service.get("pipelines"), dict):
        pipelines = {}
        for name, pipeline in service["pipelines"].items():
            pipelines[name] = _with_first(pipeline, tuple(ROLES)) if isinstance(pipeline, dict) else pipeline
        ordered["service"] = _with_first({**service, "pipelines": pipelines}, ("extensions", "telemetry", "pipelines"))
    return ordered


def _with_first(mapping: dict[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    """Return a mapping in which these keys, if it has them, stand before all others."""
    first = {key: mapping[key] for key in keys if key in mapping}
    return {**first, **mapping}


def _declared(layers: Sequence[Layer], *path: str) -> list[str]:
    """Return the pipelines or components of the user's layers; a later `null` takes one away."""
    found: dict[str, Any] = {}
    for layer in layers:
        found.update(section(layer.config, *path))
    return [str(key) for key, value in found.items() if value is not None]


def _merge_recipes(recipes: Sequence[Layer], own: Sequence[Layer]) -> dict[str, Any]:
    """Return what recipes set, with what they add to components and pipelines of the user. Raises Problem."""
    result: dict[str, Any] = {}
    owner: dict[Path, str] = {}
    for recipe in recipes:
        for key, value in recipe.config.items():
            if key != "service" and value is not None:
                _agree(result, {key: _without_patterns(value)}, (), recipe.name, owner)
    for recipe in recipes:
        _add_settings(result, recipe, own, owner)
    service = _merge_services(recipes, own, owner)
    if service:
        result["service"] = service
    return copy.deepcopy(result)


def _without_patterns(value: Any) -> Any:
    """Return a section without ids with a wildcard."""
    if not isinstance(value, dict):
        return value
    return {name: settings for name, settings in value.items() if not is_pattern(name)}


def _add_settings(result: dict[str, Any], recipe: Layer, own: Sequence[Layer], owner: dict[Path, str]) -> None:
    """Add what a recipe sets at ids with a wildcard to the components of all recipes and of the user's config."""
    for name in SECTIONS:
        given = section(recipe.config, name)
        for key in filter(is_pattern, given):
            known_ids = [*section(result, name), *_declared(own, name)]
            for component_id in _matching(key, known_ids, recipe.name, name):
                settings = section(result, name, component_id)
                result[name] = {**section(result, name), component_id: settings}
                _agree(settings, given[key], (name, component_id), recipe.name, owner)


def _merge_services(recipes: Sequence[Layer], own: Sequence[Layer], owner: dict[Path, str]) -> dict[str, Any]:
    """Return the service of all recipes: extensions, telemetry and pipelines. Raises Problem."""
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
            continue
        earlier = target[key]
        if _is_shared(here) and isinstance(value, dict) and isinstance(earlier, dict):
            _agree(earlier, value, here, name, owner)
        elif here[0] == "service" and isinstance(value, list) and isinstance(earlier, list):
            target[key] = _with_missing(earlier, value)
        elif earlier != value:
            fix = "Give one of them another component name through its options, or leave one recipe out."
            raise Problem(f"{_owner(owner, here)} and {name} configure {dotted(here)} differently", fix=fix)


def _with_missing(listed: list[Any], more: list[Any]) -> list[Any]:
    """Return a list with what it lacks of another one at its end."""
    return [*listed, *(value for value in more if value not in listed)]


def _is_shared(path: Path) -> bool:
    """Sections, the service's telemetry and what wildcards add belong to all recipes; a component belongs to one."""
    return len(path) != _COMPONENT or path[0] == "service"


def _owner(owner: dict[Path, str], path: Path) -> str:
    """Return the recipe that set what stands at a path, or the nearest thing around it."""
    while path not in owner and path:
        path = path[:-1]
    return owner.get(path, "?")


def _merge_pipelines(recipes: Sequence[Layer], own: Sequence[Layer]) -> dict[str, dict[str, list[str]]]:
    """Return all pipelines, those of the user's config by name only, each with what all recipes add to it."""
    declared: dict[str, dict[str, list[str]]] = {}
    for entry in _pipelines(recipes):
        if not is_pattern(entry.key):
            declared[entry.key] = {}
    for name in _declared(own, "service", "pipelines"):
        declared[name] = {}
    flow = _flow(recipes, own)
    for entry in _pipelines(recipes):
        targets = _matching(entry.key, declared, entry.recipe, "pipelines")
        for target in targets:
            works_again = is_pattern(entry.key) and flow.gets_only_from(target, targets)
            added = _without_repeats(entry.pipeline) if works_again else entry.pipeline
            for role, ids in added.items():
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
    connectors: set[str] = set()
    for layer in (*recipes, *own):
        connectors.update(section(layer.config, "connectors"))
        for key, roles in section(layer.config, "service", "pipelines").items():
            if not isinstance(key, str) or is_pattern(key):
                continue
            ends = pipelines.setdefault(key, {})
            for role in ("receivers", "exporters"):
                ends[role] = [*ends.get(role, []), *_listed_ids(roles, role)]
    return PipelineGraph(pipelines, connectors)


def _listed_ids(roles: Any, role: str) -> list[str]:
    """Return the ids that a layer lists or appends in a role of a pipeline."""
    listed = [*items(roles, role), *items(roles, role + APPEND)]
    return [component_id for component_id in listed if isinstance(component_id, str)]


class _RecipePipeline(NamedTuple):
    """What a recipe has below the name of a pipeline, or below a pattern of names."""

    recipe: str
    key: str
    pipeline: dict[str, list[str]]


def _pipelines(recipes: Sequence[Layer]) -> Iterator[_RecipePipeline]:
    """Yield the pipelines of all recipes, in their order."""
    for recipe in recipes:
        for key, pipeline in section(recipe.config, "service", "pipelines").items():
            yield _RecipePipeline(recipe.name, key, pipeline or {})


def _matching(key: str, declared: Iterable[str], recipe: str, kind: str) -> list[str]:
    """Return what a key stands for: itself, or each declared name that it matches. Raises Problem if none does."""
    if not is_pattern(key):
        return [key]
    matches = [name for name in declared if fnmatchcase(name, key)]
    if not matches:
        if kind == "pipelines" and key == "*":
            raise Problem("the collector receives nothing", fix="Add otlp_ingest or another recipe that receives.")
        wrong = f"{recipe} adds to {kind} '{key}', but nothing declares such {_with_article(kind)}"
        raise Problem(wrong, fix=_UNMATCHED.get(kind, _UNMATCHED[""]))
    return list(dict.fromkeys(matches))


def _with_article(kind: str) -> str:
    """Return one of a section in words: `an exporter` of `exporters`."""
    article = "an" if kind[0] == "e" else "a"
    return f"{article} {kind.removesuffix('s')}"


def _union(lists: Iterable[Iterable[str] | None]) -> list[str]:
    """Return the values of all lists, each once, in the order in which they come first."""
    union: dict[str, None] = {}
    for values in lists:
        union.update(dict.fromkeys(values or ()))
    return list(union)


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
    """Return a list with more at its end. Raises Problem if one of them is no list."""
    listed = [] if base is None else base
    if not isinstance(listed, list) or not isinstance(more, list):
        wrong = f"'{dotted(path)}{APPEND}' appends to a list, but one side is not a list"
        raise Problem(wrong, fix="Give a list on both sides.")
    result = _with_missing(listed, more)
    if path[:2] == ("service", "pipelines") and path[-1] == "processors":
        result.sort(key=processor_rank)
    return result
