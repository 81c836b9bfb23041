# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which critical components a collector scrapes, by its recipe `critical_components`, and where. Private."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._otelcol.errors import Problem, suggest_word
from ..recipes import RecipeUse, read_recipe_uses
from .critical_row import Component
from .critical_table import COMPONENTS

RECIPE, DETECT = "critical_components", "detect"
_CONTROL_PLANE_RECIPE = "control_plane_metrics"
# What `places` can say of a component.
PLACE_KEYS = ("label", "namespace", "path", "port", "scheme")
_TERM_PATTERN = re.compile(r"[A-Za-z0-9._/-]+==?[A-Za-z0-9._-]*\Z")
"""A term of a selector of labels that a job for annotations can leave out too: KEY=VALUE."""
_LAST_PORT = 65535
_NOT_IN_LABELS_PATTERN = re.compile(r"[^a-zA-Z0-9_]")
_POD_LABEL = "__meta_kubernetes_pod_label_"


def find_recipe_use(recipes: Iterable[Any]) -> RecipeUse | None:
    """Return the use of the recipe by a collector, if there is one."""
    return next((use for use in read_recipe_uses(recipes) if use.name == RECIPE), None)


def list_components(recipes: Iterable[Any]) -> list[str]:
    """Return the components that a collector lists, each once."""
    use = find_recipe_use(recipes)
    return _split_names(use.options.get("components")) if use else []


def _split_names(names_option: Any) -> list[str]:
    """Return a list of names as Ansible makes it of a text with commas."""
    names = names_option.split(",") if isinstance(names_option, str) else names_option or []
    return list(dict.fromkeys(str(name).strip() for name in names))


def detects_components(recipes: Iterable[Any]) -> bool:
    """Return whether a collector scrapes the components that its cluster has."""
    return DETECT in list_components(recipes)


def replace_detect(
    recipes: list[Any], detected: Sequence[str] | None, platform: Mapping[str, Any], alone: bool
) -> list[Any]:
    """Return the recipes of a collector with the components of its cluster in place of `detect`.

    `detected` are those of the cluster, or None if nobody looked. Those that the platform keeps from pods, and those
    that only a collector with one copy may scrape (`alone`), are left out.
    Raises Problem if nobody looked, and if nothing is left.
    """
    if not detects_components(recipes):
        return recipes
    action_text = f"Detect the critical components for recipe '{RECIPE}'"
    if detected is None:
        fix = "List the components, such as `components: [coredns, cert_manager]`, or run role otel_collector."
        raise Problem("`components: detect` asks the cluster, and this run reads none", asked=action_text, fix=fix)
    usable_names = [name for name in detected if _is_usable(COMPONENTS[name], platform, alone)]
    listed_names = [name for name in list_components(recipes) if name != DETECT]
    if not usable_names and not listed_names:
        fix = f"Remove the recipe for this cluster, or list components: {', '.join(sorted(COMPONENTS))}."
        raise Problem(
            "the cluster has none of the components that this collector can scrape", asked=action_text, fix=fix
        )
    return [_with_components(recipe, list(dict.fromkeys([*listed_names, *usable_names]))) for recipe in recipes]


def _is_usable(component: Component, platform: Mapping[str, Any], alone: bool) -> bool:
    """Whether the platform lets pods scrape a component, and the collector may."""
    if not component.control_plane:
        return True
    place = platform["control_plane"].get(component.control_plane)
    return bool(place) and (alone or place.get("role") == "pod")


def _with_components(recipe: Any, names: list[str]) -> Any:
    if isinstance(recipe, Mapping) and RECIPE in recipe:
        return {RECIPE: {**recipe[RECIPE], "components": names}}
    return recipe


def find_places(names: Iterable[str], changed: Any, platform: Mapping[str, Any], alone: bool) -> list[dict[str, Any]]:
    """Return where each component has its metrics: the platform, then the table, then what the user changed.

    Raises Problem for a component that the platform or the copies of the collector rule out, and for unfit changes.
    """
    names = list(names)
    unknown_name = next((name for name in names if name not in COMPONENTS), None)
    if unknown_name is not None:
        wrong = f"there is no critical component '{unknown_name}'{suggest_word(unknown_name, COMPONENTS)}"
        raise Problem(wrong, fix=f"Components: {', '.join(sorted(COMPONENTS))}.")
    if not isinstance(changed, Mapping):
        raise Problem("`places` is no mapping", fix="Write `places: {COMPONENT: {port: PORT}}`.")
    for name, change in changed.items():
        _check_change(name, change, names)
    return [_find_place(COMPONENTS[name], changed.get(name) or {}, platform, alone) for name in names]


def _check_change(name: str, change: Any, names: Sequence[str]) -> None:
    if name not in names:
        fix = "Add it to `components`, or remove it."
        raise Problem(f"`places` has {name}, which is not scraped{suggest_word(name, names)}", fix=fix)
    if not isinstance(change, Mapping) or not set(change) <= set(PLACE_KEYS):
        fix = f"Write a mapping with some of {', '.join(PLACE_KEYS)}, such as `{name}: {{port: 9100}}`."
        raise Problem(f"`places` of {name} is no place", fix=fix)
    _check_port(name, change.get("port", 1))
    _check_label(name, change.get("label") or "a=b")


def _check_port(name: str, port: Any) -> None:
    """Raise Problem for a port that is no number from 1 to 65535."""
    if isinstance(port, bool) or not isinstance(port, int) or not 1 <= port <= _LAST_PORT:
        fix = f"Write a number from 1 to {_LAST_PORT}, such as `{name}: {{port: 9100}}`."
        raise Problem(f"the port {port!r} is no port", where=f"places.{name}.port", fix=fix)


def _check_label(name: str, label: Any) -> None:
    """Raise Problem for a selector with another term than KEY=VALUE, which no other job could leave out."""
    if not all(_TERM_PATTERN.match(term.strip()) for term in str(label).split(",")):
        fix = f"Write terms KEY=VALUE with commas between them, such as `{name}: {{label: app=web}}`."
        raise Problem(f"the selector '{label}' has another term than KEY=VALUE", where=f"places.{name}.label", fix=fix)


def _find_place(
    component: Component, change: Mapping[str, Any], platform: Mapping[str, Any], alone: bool
) -> dict[str, Any]:
    place = _find_known_place(component, platform)
    if place["role"] != "pod" and not alone:
        wrong = f"{component.name} would be scraped by each copy of this collector"
        fix = f"Scrape {component.name} with a collector that has mode deployment and `replicas: 1`."
        raise Problem(wrong, fix=fix)
    labels = [change["label"]] if change.get("label") else place["labels"]
    return {**place, **change, "labels": labels}


def _find_known_place(component: Component, platform: Mapping[str, Any]) -> dict[str, Any]:
    if not component.control_plane:
        row = component._asdict()
        place = {key: row[key] for key in ("name", "port", "path", "scheme")}
        return {**place, "labels": list(component.labels), "role": "pod"}
    place = platform["control_plane"].get(component.control_plane)
    if not place:
        wrong = f"platform '{platform['name']}' serves no metrics of {component.name}"
        raise Problem(wrong, fix=f"Remove {component.name} from `components`.")
    labels = [place["label"]] if "label" in place else []
    return {"role": "static", **place, "name": component.name, "labels": labels}


@dataclass(frozen=True)
class LeftOutPods:
    """Pods with a port that other jobs leave out: labels of Prometheus' discovery, and what these match together."""

    source_labels: tuple[str, ...]
    regex: str


def list_left_out_pods(scraped: Iterable[Mapping[str, Any]]) -> list[LeftOutPods]:
    """Return the pods that jobs for annotations leave out, because the jobs of critical components have them.

    Prometheus joins the labels with semicolons, and anchors the expression.
    """
    return [
        _build_left_out_pods(place, label) for place in scraped if place["role"] == "pod" for label in place["labels"]
    ]


def _build_left_out_pods(place: Mapping[str, Any], label: str) -> LeftOutPods:
    terms = [term.strip().partition("=")[::2] for term in label.split(",")]
    source_labels = [f"{_POD_LABEL}{_NOT_IN_LABELS_PATTERN.sub('_', key)}" for key, _value in terms]
    values = [re.escape(value.removeprefix("=")) for _key, value in terms]
    if place.get("namespace"):
        source_labels.append("__meta_kubernetes_namespace")
        values.append(re.escape(place["namespace"]))
    return LeftOutPods((*source_labels, "__address__"), ";".join([*values, f".*:{place['port']}"]))


@dataclass(frozen=True)
class Scraping:
    """What one collector of a run scrapes: its name, the nodes that it is on, and its recipes."""

    collector: str
    node_selection: str
    recipes: Sequence[Any]


def check_scraped_once(scrapings: Iterable[Scraping]) -> None:
    """Raise Problem if two collectors on the same nodes, or two recipes of one, scrape the same component."""
    scraper_by_component: dict[tuple[str, str], str] = {}
    for scraping in scrapings:
        for name, recipe in _list_scraped(scraping.recipes):
            other_scraper = scraper_by_component.get((scraping.node_selection, name))
            if other_scraper:
                wrong = (
                    f"{name} is scraped twice: by {other_scraper}, and by recipe '{recipe}' of '{scraping.collector}'"
                )
                raise Problem(wrong, fix=f"Remove {name} from one of the two. For `detect`, use the recipe once.")
            scraper_by_component[scraping.node_selection, name] = f"recipe '{recipe}' of '{scraping.collector}'"


def _list_scraped(recipes: Iterable[Any]) -> list[tuple[str, str]]:
    """Return the critical components that a collector scrapes, each with the recipe that does."""
    scraped = [(name, RECIPE) for name in list_components(recipes)]
    name_by_place = {row.control_plane: name for name, row in COMPONENTS.items() if row.control_plane}
    for use in read_recipe_uses(recipes):
        if use.name != _CONTROL_PLANE_RECIPE:
            continue
        for place in _split_names(use.options.get("components") or "apiserver"):
            if place in name_by_place:
                scraped.append((name_by_place[place], _CONTROL_PLANE_RECIPE))
    return scraped
