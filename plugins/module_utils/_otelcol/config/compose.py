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

A layer is one source of config, see layers.py; an overlay is a layer of the user. To compose is to merge all layers.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from ..errors import Problem
from ..traits import belongs_everywhere
from .layers import APPEND_SIGN, ComposedConfig, Layer, is_pattern
from .paths import ROLES, SECTIONS, Config, Path, format_path, list_at, mapping_at, value_at
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
_OTHER_RANK = 25
# What to do if nothing matches a wildcard, by section.
_FIX_BY_SECTION = {
    "pipelines": "Add a recipe that receives that signal, declare the pipeline in `config`, or narrow the recipe's "
    "options.",
    "": "Add a recipe with such a component, declare it in `config`, or correct the recipe's options.",
}
# How many names lead to a component: its section and its id.
_COMPONENT_PATH_LENGTH = 2


def processor_rank(component_id: str) -> int:
    """Return where a processor belongs in a pipeline: low numbers first."""
    processor_id = str(component_id)
    if processor_id in PROCESSOR_RANK:
        return PROCESSOR_RANK[processor_id]
    return PROCESSOR_RANK.get(processor_id.partition("/")[0], _OTHER_RANK)


def compose(layers: Sequence[Layer]) -> ComposedConfig:
    """Merge the layers into one config. No input is changed.

    Raises Problem when two recipes disagree, or one applies to a pipeline that nobody declares.
    """
    user_layers = [layer for layer in layers if not layer.recipe]
    merged_config = _merge_recipes([layer for layer in layers if layer.recipe], user_layers)
    for layer in user_layers:
        merged_config = _merge_overlay(merged_config, layer.config, ())
    return ComposedConfig(config=_sort_config(merged_config), layers=tuple(layers))


def _sort_config(config: dict[str, Any]) -> dict[str, Any]:
    """Return the config in its usual order; unknown keys stay at the end."""
    ordered = _move_keys_first(config, (*SECTIONS, "service"))
    service = ordered.get("service")
    if isinstance(service, dict) and isinstance(service.get("pipelines"), dict):
        pipelines = {}
        for name, pipeline in service["pipelines"].items():
            pipelines[name] = _move_keys_first(pipeline, tuple(ROLES)) if isinstance(pipeline, dict) else pipeline
        ordered["service"] = _move_keys_first(
            {**service, "pipelines": pipelines}, ("extensions", "telemetry", "pipelines")
        )
    return ordered


def _move_keys_first(mapping: dict[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    """Return a mapping in which these keys, if it has them, stand before all others."""
    leading_items = {key: mapping[key] for key in keys if key in mapping}
    return {**leading_items, **mapping}


def _list_declared_names(layers: Sequence[Layer], *path: str) -> list[str]:
    """Return the names of the pipelines or components at a path of the user's layers; a later `null` takes one away.

    Names that are no text are left out.
    """
    declared: dict[str, Any] = {}
    for layer in layers:
        declared.update(mapping_at(layer.config, *path))
    return [key for key, value in declared.items() if value is not None and isinstance(key, str)]


def _merge_recipes(recipes: Sequence[Layer], user_layers: Sequence[Layer]) -> dict[str, Any]:
    """Return what recipes set, with what they add to components and pipelines of the user. Raises Problem."""
    merged_config: dict[str, Any] = {}
    recipe_by_path: dict[Path, str] = {}
    for recipe in recipes:
        for key, value in recipe.config.items():
            if key != "service" and value is not None:
                _merge_without_conflict(merged_config, {key: _drop_patterns(value)}, (), recipe.name, recipe_by_path)
    for recipe in recipes:
        _add_wildcard_settings(merged_config, recipe, user_layers, recipe_by_path)
    service = _merge_services(recipes, user_layers, recipe_by_path)
    if service:
        merged_config["service"] = service
    return copy.deepcopy(merged_config)


def _drop_patterns(value: Any) -> Any:
    """Return a section without ids with a wildcard."""
    if not isinstance(value, dict):
        return value
    return {name: settings for name, settings in value.items() if not is_pattern(name)}


def _add_wildcard_settings(
    merged_config: dict[str, Any], recipe: Layer, user_layers: Sequence[Layer], recipe_by_path: dict[Path, str]
) -> None:
    """Add what a recipe sets at ids with a wildcard to the components of all recipes and of the user's config."""
    for section_name in SECTIONS:
        recipe_section = mapping_at(recipe.config, section_name)
        for key in filter(is_pattern, recipe_section):
            known_ids = [*mapping_at(merged_config, section_name), *_list_declared_names(user_layers, section_name)]
            for component_id in _expand_pattern(key, known_ids, recipe.name, section_name):
                settings = mapping_at(merged_config, section_name, component_id)
                merged_config[section_name] = {**mapping_at(merged_config, section_name), component_id: settings}
                _merge_without_conflict(
                    settings, recipe_section[key], (section_name, component_id), recipe.name, recipe_by_path
                )


def _merge_services(
    recipes: Sequence[Layer], user_layers: Sequence[Layer], recipe_by_path: dict[Path, str]
) -> dict[str, Any]:
    """Return the service of all recipes: extensions, telemetry and pipelines. Raises Problem."""
    service: dict[str, Any] = {}
    extensions = _unite_lists(value_at(recipe.config, ("service", "extensions"), []) for recipe in recipes)
    if extensions:
        service["extensions"] = extensions
    for recipe in recipes:
        telemetry = value_at(recipe.config, ("service", "telemetry"))
        if telemetry is not None:
            _merge_without_conflict(service, {"telemetry": telemetry}, ("service",), recipe.name, recipe_by_path)
    pipelines = _merge_pipelines(recipes, user_layers)
    if pipelines:
        service["pipelines"] = pipelines
    return service


def _merge_without_conflict(
    target: dict[str, Any], source: Config, path: Path, recipe_name: str, recipe_by_path: dict[Path, str]
) -> None:
    """Merge `source` into `target`, in place. Raises Problem for a value that another recipe set differently.

    `path` is that of both in the config. `recipe_by_path` says which recipe set what, and is filled here.
    """
    for key, value in source.items():
        key_path = (*path, key)
        if key not in target:
            target[key] = copy.deepcopy(value)
            recipe_by_path[key_path] = recipe_name
            continue
        earlier = target[key]
        if _is_shared_by_recipes(key_path) and isinstance(value, dict) and isinstance(earlier, dict):
            _merge_without_conflict(earlier, value, key_path, recipe_name, recipe_by_path)
        elif key_path[0] == "service" and isinstance(value, list) and isinstance(earlier, list):
            target[key] = _join_without_repeats(earlier, value)
        elif earlier != value:
            fix = "Give one of them another component name through its options, or leave one recipe out."
            raise Problem(
                f"{_find_recipe_at(recipe_by_path, key_path)} and {recipe_name} configure {format_path(key_path)}"
                " differently",
                fix=fix,
            )


def _join_without_repeats(values: list[Any], added_values: list[Any]) -> list[Any]:
    """Return a list with what it lacks of another one at its end."""
    return [*values, *(value for value in added_values if value not in values)]


def _is_shared_by_recipes(path: Path) -> bool:
    """Whether several recipes may add to a mapping: yes, unless it is a component.

    So sections and the telemetry of the service merge. A component must be equal in both recipes.
    """
    return len(path) != _COMPONENT_PATH_LENGTH or path[0] == "service"


def _find_recipe_at(recipe_by_path: dict[Path, str], path: Path) -> str:
    """Return the recipe that set what stands at a path, or the nearest thing around it."""
    while path not in recipe_by_path and path:
        path = path[:-1]
    return recipe_by_path.get(path, "?")


def _merge_pipelines(recipes: Sequence[Layer], user_layers: Sequence[Layer]) -> dict[str, dict[str, list[str]]]:
    """Return all pipelines, those of the user's config by name only, each with what all recipes add to it."""
    pipelines: dict[str, dict[str, list[str]]] = {}
    for recipe_pipeline in _iter_recipe_pipelines(recipes):
        if not is_pattern(recipe_pipeline.key):
            pipelines[recipe_pipeline.key] = {}
    for name in _list_declared_names(user_layers, "service", "pipelines"):
        pipelines[name] = {}
    pipeline_graph = _build_pipeline_graph(recipes, user_layers)
    for recipe_pipeline in _iter_recipe_pipelines(recipes):
        targets = _expand_pattern(recipe_pipeline.key, pipelines, recipe_pipeline.recipe, "pipelines")
        for target in targets:
            works_again = is_pattern(recipe_pipeline.key) and pipeline_graph.is_fed_only_by(target, targets)
            added_ids = (
                _keep_repeatable_processors(recipe_pipeline.pipeline) if works_again else recipe_pipeline.pipeline
            )
            for role, ids in added_ids.items():
                pipelines[target][role] = _unite_lists([pipelines[target].get(role, []), ids])
    for pipeline in pipelines.values():
        pipeline.get("processors", []).sort(key=processor_rank)
    return pipelines


def _keep_repeatable_processors(pipeline: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return the processors of a recipe that may work on a record again in the next pipeline, such as `batch`."""
    processors = list(filter(belongs_everywhere, pipeline.get("processors") or ()))
    return {"processors": processors} if processors else {}


def _build_pipeline_graph(recipes: Sequence[Layer], user_layers: Sequence[Layer]) -> PipelineGraph:
    """Return how records go from pipeline to pipeline, without what wildcards add."""
    pipelines: dict[str, dict[str, list[str]]] = {}
    connectors: set[str] = set()
    for layer in (*recipes, *user_layers):
        connectors.update(mapping_at(layer.config, "connectors"))
        for key, roles in mapping_at(layer.config, "service", "pipelines").items():
            if not isinstance(key, str) or is_pattern(key):
                continue
            ids_by_role = pipelines.setdefault(key, {})
            for role in ("receivers", "exporters"):
                ids_by_role[role] = [*ids_by_role.get(role, []), *_listed_ids(roles, role)]
    return PipelineGraph(pipelines, connectors)


def _listed_ids(roles: Any, role: str) -> list[str]:
    """Return the ids that a layer lists or appends in a role of a pipeline."""
    listed = [*list_at(roles, role), *list_at(roles, role + APPEND_SIGN)]
    return [component_id for component_id in listed if isinstance(component_id, str)]


class _RecipePipeline(NamedTuple):
    """What a recipe has below the name of a pipeline, or below a pattern of names."""

    recipe: str
    """The name of the recipe."""
    key: str
    pipeline: dict[str, list[str]]
    """The ids by role, such as `receivers`."""


def _iter_recipe_pipelines(recipes: Sequence[Layer]) -> Iterator[_RecipePipeline]:
    """Yield the pipelines of all recipes, in their order."""
    for recipe in recipes:
        for key, pipeline in mapping_at(recipe.config, "service", "pipelines").items():
            yield _RecipePipeline(recipe.name, key, pipeline or {})


def _expand_pattern(
    id_or_pattern: str, declared_names: Iterable[str], recipe_name: str, section_name: str
) -> list[str]:
    """Return what a key stands for: itself, or each declared name that it matches. Raises Problem if none does."""
    if not is_pattern(id_or_pattern):
        return [id_or_pattern]
    matches = [name for name in declared_names if fnmatchcase(name, id_or_pattern)]
    if not matches:
        if section_name == "pipelines" and id_or_pattern == "*":
            raise Problem("the collector receives nothing", fix="Add otlp_ingest or another recipe that receives.")
        wrong = (
            f"{recipe_name} adds to {section_name} '{id_or_pattern}', but nothing declares such"
            f" {_singular_with_article(section_name)}"
        )
        raise Problem(wrong, fix=_FIX_BY_SECTION.get(section_name, _FIX_BY_SECTION[""]))
    return list(dict.fromkeys(matches))


def _singular_with_article(section_name: str) -> str:
    """Return one of a section in words: `an exporter` of `exporters`."""
    article = "an" if section_name[0] == "e" else "a"
    return f"{article} {section_name.removesuffix('s')}"


def _unite_lists(lists: Iterable[Iterable[str] | None]) -> list[str]:
    """Return the values of all lists, each once, in the order in which they come first."""
    union: dict[str, None] = {}
    for values in lists:
        union.update(dict.fromkeys(values or ()))
    return list(union)


def _merge_overlay(base: Any, overlay: Any, path: Path) -> Any:
    """Return base with a user layer on top of it."""
    if not isinstance(overlay, dict):
        return copy.deepcopy(overlay)
    merged = dict(base) if isinstance(base, dict) else {}
    for key, value in overlay.items():
        if isinstance(key, str) and key.endswith(APPEND_SIGN):
            plain_key = key[: -len(APPEND_SIGN)]
            merged[plain_key] = _append_to_list(merged.get(plain_key), value, (*path, plain_key))
        elif value is None and key in merged and path:
            del merged[key]
        else:
            merged[key] = _merge_overlay(merged.get(key), value, (*path, key))
    return merged


def _append_to_list(base: Any, added_values: Any, path: Path) -> list[Any]:
    """Return a list with more at its end. Raises Problem if one of them is no list."""
    base_values = [] if base is None else base
    if not isinstance(base_values, list) or not isinstance(added_values, list):
        wrong = f"'{format_path(path)}{APPEND_SIGN}' appends to a list, but one side is not a list"
        raise Problem(wrong, fix="Give a list on both sides.")
    joined_values = _join_without_repeats(base_values, added_values)
    if path[:2] == ("service", "pipelines") and path[-1] == "processors":
        joined_values.sort(key=processor_rank)
    return joined_values
