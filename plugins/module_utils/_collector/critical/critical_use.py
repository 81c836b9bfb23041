# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which critical components a collector scrapes, by its recipe `critical_components`, and where. Private."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._otelcol.errors import Problem, near
from ..recipes import RecipeUse, uses
from .critical_row import Component
from .critical_table import COMPONENTS

RECIPE, DETECT = "critical_components", "detect"
_CONTROL_PLANE_RECIPE = "control_plane_metrics"
# What `places` can say of a component.
PLACE_KEYS = ("label", "namespace", "path", "port", "scheme")
_TERM = re.compile(r"[A-Za-z0-9._/-]+==?[A-Za-z0-9._-]*\Z")
"""A term of a selector of labels that a job for annotations can leave out too: KEY=VALUE."""
_LAST_PORT = 65535
_NOT_IN_LABELS = re.compile(r"[^a-zA-Z0-9_]")
_POD_LABEL = "__meta_kubernetes_pod_label_"


def used(recipes: Iterable[Any]) -> RecipeUse | None:
    """Return the use of the recipe by a collector, if there is one."""
    return next((use for use in uses(recipes) if use.name == RECIPE), None)


def components(recipes: Iterable[Any]) -> list[str]:
    """Return the components that a collector lists, each once."""
    use = used(recipes)
    return _listed(use.options.get("components")) if use else []


def _listed(given: Any) -> list[str]:
    """Return a list of names as Ansible makes it of a text with commas."""
    names = given.split(",") if isinstance(given, str) else given or []
    return list(dict.fromkeys(str(name).strip() for name in names))


def detects(recipes: Iterable[Any]) -> bool:
    """Return whether a collector scrapes the components that its cluster has."""
    return DETECT in components(recipes)


def settled(recipes: list[Any], detected: Sequence[str] | None, platform: Mapping[str, Any], alone: bool) -> list[Any]:
    """Return the recipes of a collector with the components of its cluster in place of `detect`.

    `detected` are those of the cluster, or None if nobody looked. Those that the platform keeps from pods, and those
    that only a collector with one copy may scrape (`alone`), are left out.
    Raises Problem if nobody looked, and if nothing is left.
    """
    if not detects(recipes):
        return recipes
    asked = f"Detect the critical components for recipe '{RECIPE}'"
    if detected is None:
        fix = "List the components, such as `components: [coredns, cert_manager]`, or run role otel_collector."
        raise Problem("`components: detect` asks the cluster, and this run reads none", asked=asked, fix=fix)
    usable = [name for name in detected if _is_usable(COMPONENTS[name], platform, alone)]
    names = [name for name in components(recipes) if name != DETECT]
    if not usable and not names:
        fix = f"Remove the recipe for this cluster, or list components: {', '.join(sorted(COMPONENTS))}."
        raise Problem("the cluster has none of the components that this collector can scrape", asked=asked, fix=fix)
    return [_with_components(recipe, list(dict.fromkeys([*names, *usable]))) for recipe in recipes]


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


def places(names: Iterable[str], changed: Any, platform: Mapping[str, Any], alone: bool) -> list[dict[str, Any]]:
    """Return where each component has its metrics: the platform, then the table, then what the user changed.

    Raises Problem for a component that the platform or the copies of the collector rule out, and for unfit changes.
    """
    names = list(names)
    unknown = next((name for name in names if name not in COMPONENTS), None)
    if unknown is not None:
        wrong = f"there is no critical component '{unknown}'{near(unknown, COMPONENTS)}"
        raise Problem(wrong, fix=f"Components: {', '.join(sorted(COMPONENTS))}.")
    if not isinstance(changed, Mapping):
        raise Problem("`places` is no mapping", fix="Write `places: {COMPONENT: {port: PORT}}`.")
    for name, change in changed.items():
        _check_change(name, change, names)
    return [_place(COMPONENTS[name], changed.get(name) or {}, platform, alone) for name in names]


def _check_change(name: str, change: Any, names: Sequence[str]) -> None:
    if name not in names:
        fix = "Add it to `components`, or remove it."
        raise Problem(f"`places` has {name}, which is not scraped{near(name, names)}", fix=fix)
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
    if not all(_TERM.match(term.strip()) for term in str(label).split(",")):
        fix = f"Write terms KEY=VALUE with commas between them, such as `{name}: {{label: app=web}}`."
        raise Problem(f"the selector '{label}' has another term than KEY=VALUE", where=f"places.{name}.label", fix=fix)


def _place(component: Component, change: Mapping[str, Any], platform: Mapping[str, Any], alone: bool) -> dict[str, Any]:
    place = _known_place(component, platform)
    if place["role"] != "pod" and not alone:
        wrong = f"{component.name} would be scraped by each copy of this collector"
        fix = f"Scrape {component.name} with a collector that has mode deployment and `replicas: 1`."
        raise Problem(wrong, fix=fix)
    labels = [change["label"]] if change.get("label") else place["labels"]
    return {**place, **change, "labels": labels}


def _known_place(component: Component, platform: Mapping[str, Any]) -> dict[str, Any]:
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
class Apart:
    """Pods with a port that other jobs leave out: labels of Prometheus' discovery, and what these match together."""

    source_labels: tuple[str, ...]
    regex: str


def apart(scraped: Iterable[Mapping[str, Any]]) -> list[Apart]:
    """Return the pods that jobs for annotations leave out, because the jobs of critical components have them.

    Prometheus joins the labels with semicolons, and anchors the expression.
    """
    return [_apart(place, label) for place in scraped if place["role"] == "pod" for label in place["labels"]]


def _apart(place: Mapping[str, Any], label: str) -> Apart:
    terms = [term.strip().partition("=")[::2] for term in label.split(",")]
    sources = [f"{_POD_LABEL}{_NOT_IN_LABELS.sub('_', key)}" for key, _value in terms]
    values = [re.escape(value.removeprefix("=")) for _key, value in terms]
    if place.get("namespace"):
        sources.append("__meta_kubernetes_namespace")
        values.append(re.escape(place["namespace"]))
    return Apart((*sources, "__address__"), ";".join([*values, f".*:{place['port']}"]))


@dataclass(frozen=True)
class Scraping:
    """What one collector of a run scrapes: its name, the nodes that it is on, and its recipes."""

    collector: str
    nodes: str
    recipes: Sequence[Any]


def check_once(run: Iterable[Scraping]) -> None:
    """Raise Problem if two collectors on the same nodes, or two recipes of one, scrape the same component."""
    earlier: dict[tuple[str, str], str] = {}
    for scraping in run:
        for name, recipe in _scraped(scraping.recipes):
            other = earlier.get((scraping.nodes, name))
            if other:
                wrong = f"{name} is scraped twice: by {other}, and by recipe '{recipe}' of '{scraping.collector}'"
                raise Problem(wrong, fix=f"Remove {name} from one of the two. For `detect`, use the recipe once.")
            earlier[scraping.nodes, name] = f"recipe '{recipe}' of '{scraping.collector}'"


def _scraped(recipes: Iterable[Any]) -> list[tuple[str, str]]:
    """Return the critical components that a collector scrapes, each with the recipe that does."""
    scraped = [(name, RECIPE) for name in components(recipes)]
    by_place = {row.control_plane: name for name, row in COMPONENTS.items() if row.control_plane}
    for use in uses(recipes):
        if use.name != _CONTROL_PLANE_RECIPE:
            continue
        for place in _listed(use.options.get("components") or "apiserver"):
            if place in by_place:
                scraped.append((by_place[place], _CONTROL_PLANE_RECIPE))
    return scraped
