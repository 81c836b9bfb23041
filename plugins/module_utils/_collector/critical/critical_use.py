# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The recipe `critical_components` of a collector: which components it scrapes, and where. Private.

A component is a part that a cluster depends on, such as CoreDNS; `critical_table` has all of them. The render of a
collector replaces `detect` by the components of its cluster, finds the place of each, and checks that no component is
scraped twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..._otelcol.errors import Problem, suggest_word
from ..recipes import RecipeUse, read_recipe_uses
from .critical_row import CriticalComponent
from .critical_table import COMPONENTS

RECIPE, DETECT = "critical_components", "detect"
_CONTROL_PLANE_RECIPE = "control_plane_metrics"
# The keys that option `places` may have for a component.
PLACE_KEYS = ("label", "namespace", "path", "port", "scheme")
_TERM_PATTERN = re.compile(r"[A-Za-z0-9._/-]+==?[A-Za-z0-9._-]*\Z")
"""A term of a selector of labels that a job for annotations can leave out too: KEY=VALUE."""
_LAST_PORT = 65535
# A character that the label of a series cannot have.
_NOT_IN_LABELS_PATTERN = re.compile(r"[^a-zA-Z0-9_]")
_POD_LABEL = "__meta_kubernetes_pod_label_"

PlatformFacts = Mapping[str, Any]
"""The file of a platform, such as platforms/generic.yml. Here, its `name` and `control_plane` are read."""
Place = dict[str, Any]
"""Where a component has its metrics, as template scrape_job.j2 takes it.

- `name` is that of the component.
- `role` is `pod` for pods of the cluster, `endpointslice` for the endpoints of a Service, `static` for addresses.
- `labels` are selectors of pods, of which one must fit; `namespace` is theirs.
- `port`, `path` and `scheme` are those of the metrics.
- What the platform says beside: `addresses`, `server_name` and `ca`.
"""


# ── The components of a collector ──


def find_recipe_use(recipes: Iterable[Any]) -> RecipeUse | None:
    """Return how a collector uses the recipe; None if it does not."""
    for use in read_recipe_uses(recipes):
        if use.name == RECIPE:
            return use
    return None


def list_components(recipes: Iterable[Any]) -> list[str]:
    """Return the components that a collector lists, each once, and `detect` if it lists that."""
    use = find_recipe_use(recipes)
    return _split_names(use.options.get("components")) if use else []


def _split_names(names_option: Any) -> list[str]:
    """Return the names of an option, which Ansible takes as a list or as a text with commas."""
    names = names_option.split(",") if isinstance(names_option, str) else names_option or []
    return list(dict.fromkeys(str(name).strip() for name in names))


def detects_components(recipes: Iterable[Any]) -> bool:
    """Return whether a collector scrapes the components that its cluster has."""
    return DETECT in list_components(recipes)


def replace_detect(
    recipes: list[Any], detected: Sequence[str] | None, platform: PlatformFacts, runs_one_pod: bool
) -> list[Any]:
    """Return the recipes of a collector with the components of its cluster in place of `detect`.

    `detected` are the components of the cluster; None if nobody looked. Those that the platform keeps from pods are
    left out. So are those that only a collector with one pod may scrape, unless it has one (`runs_one_pod`).
    Raises Problem if nobody looked, and if no component is left.
    """
    if not detects_components(recipes):
        return recipes
    action_text = f"Detect the critical components for recipe '{RECIPE}'"
    if detected is None:
        fix = "List the components, such as `components: [coredns, cert_manager]`, or run role otel_collector."
        raise Problem("`components: detect` asks the cluster, and this run reads none", asked=action_text, fix=fix)
    usable_names = [name for name in detected if _is_usable(COMPONENTS[name], platform, runs_one_pod)]
    listed_names = [name for name in list_components(recipes) if name != DETECT]
    if not usable_names and not listed_names:
        fix = f"Remove the recipe for this cluster, or list components: {', '.join(sorted(COMPONENTS))}."
        raise Problem(
            "the cluster has none of the components that this collector can scrape", asked=action_text, fix=fix
        )
    all_names = list(dict.fromkeys([*listed_names, *usable_names]))
    return [_set_components(recipe, all_names) for recipe in recipes]


def _is_usable(component: CriticalComponent, platform: PlatformFacts, runs_one_pod: bool) -> bool:
    """Return whether the platform lets pods scrape a component, and the collector may."""
    if not component.control_plane:
        return True
    place = platform["control_plane"].get(component.control_plane)
    return bool(place) and (runs_one_pod or place.get("role") == "pod")


def _set_components(recipe: Any, names: list[str]) -> Any:
    """Return a recipe as a collector lists it, with these components if it is the one of critical components."""
    if isinstance(recipe, Mapping) and RECIPE in recipe:
        return {RECIPE: {**recipe[RECIPE], "components": names}}
    return recipe


# ── Their places ──


def find_places(names: Iterable[str], user_places: Any, platform: PlatformFacts, runs_one_pod: bool) -> list[Place]:
    """Return where each component has its metrics: as the platform or the table says, with the changes of the user.

    `user_places` is option `places` of the recipe. Raises Problem if it is not valid, and for a component that the
    platform hides or that this collector must not scrape.
    """
    names = list(names)
    for name in names:
        if name not in COMPONENTS:
            wrong = f"there is no critical component '{name}'{suggest_word(name, COMPONENTS)}"
            raise Problem(wrong, fix=f"Components: {', '.join(sorted(COMPONENTS))}.")
    if not isinstance(user_places, Mapping):
        raise Problem("`places` is no mapping", fix="Write `places: {COMPONENT: {port: PORT}}`.")
    changed_keys = {name: _read_user_place(name, user_place, names) for name, user_place in user_places.items()}
    places = []
    for name in names:
        places.append(_find_place(COMPONENTS[name], changed_keys.get(name, {}), platform, runs_one_pod))
    return places


def _read_user_place(name: str, user_place: Any, scraped_names: Sequence[str]) -> dict[str, Any]:
    """Return what the user changes of the place of a component: the keys with a value, such as `{port: 8082}`.

    Raises Problem for a value of option `places` that is not valid.
    """
    if name not in scraped_names:
        fix = "Add it to `components`, or remove it."
        raise Problem(f"`places` has {name}, which is not scraped{suggest_word(name, scraped_names)}", fix=fix)
    if user_place is None:
        return {}
    if not isinstance(user_place, Mapping) or not set(user_place) <= set(PLACE_KEYS):
        fix = f"Write a mapping with some of {', '.join(PLACE_KEYS)}, such as `{name}: {{port: 9100}}`."
        raise Problem(f"`places` of {name} is no place", fix=fix)
    changed_keys = {key: value for key, value in user_place.items() if value is not None}
    if "port" in changed_keys:
        _check_port(name, changed_keys["port"])
    if changed_keys.get("label"):
        _check_label(name, changed_keys["label"])
    return changed_keys


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
    component: CriticalComponent, user_place: Mapping[str, Any], platform: PlatformFacts, runs_one_pod: bool
) -> Place:
    """Return the place of a component with the changes of the user.

    Raises Problem if each pod of the collector would scrape the same place again.
    """
    place = _find_known_place(component, platform)
    if place["role"] != "pod" and not runs_one_pod:
        wrong = f"{component.name} would be scraped by each copy of this collector"
        fix = f"Scrape {component.name} with a collector that has mode deployment and `replicas: 1`."
        raise Problem(wrong, fix=fix)
    labels = [user_place["label"]] if user_place.get("label") else place["labels"]
    return {**place, **user_place, "labels": labels}


def _find_known_place(component: CriticalComponent, platform: PlatformFacts) -> Place:
    """Return the place of a component by the table, or by the platform for one of the control plane.

    Raises Problem if the platform hides it.
    """
    if not component.control_plane:
        return {
            "name": component.name,
            "port": component.port,
            "path": component.path,
            "scheme": component.scheme,
            "labels": list(component.labels),
            "role": "pod",
        }
    place = platform["control_plane"].get(component.control_plane)
    if not place:
        wrong = f"platform '{platform['name']}' serves no metrics of {component.name}"
        raise Problem(wrong, fix=f"Remove {component.name} from `components`.")
    labels = [place["label"]] if "label" in place else []
    return {"role": "static", **place, "name": component.name, "labels": labels}


# ── Pods that other jobs leave out ──


@dataclass(frozen=True)
class LeftOutPods:
    """Pods with a port that other jobs leave out: labels of Prometheus' discovery, and what these match together.

    Prometheus joins the values of the labels with semicolons, and anchors the expression.
    """

    source_labels: tuple[str, ...]
    regex: str


def list_left_out_pods(places: Iterable[Mapping[str, Any]]) -> list[LeftOutPods]:
    """Return the pods that jobs for annotations leave out, because the jobs of critical components have them."""
    left_out_pods = []
    for place in places:
        if place["role"] == "pod":
            left_out_pods += [_build_left_out_pods(place, label) for label in place["labels"]]
    return left_out_pods


def _build_left_out_pods(place: Mapping[str, Any], selector: str) -> LeftOutPods:
    """Return the pods that a selector, such as `app=web,tier==front`, selects at a place."""
    source_labels = []
    patterns = []
    for term in selector.split(","):
        key, _equals_sign, value = term.strip().partition("=")
        source_labels.append(f"{_POD_LABEL}{_NOT_IN_LABELS_PATTERN.sub('_', key)}")
        patterns.append(re.escape(value.removeprefix("=")))
    if place.get("namespace"):
        source_labels.append("__meta_kubernetes_namespace")
        patterns.append(re.escape(place["namespace"]))
    source_labels.append("__address__")
    patterns.append(f".*:{place['port']}")
    return LeftOutPods(tuple(source_labels), ";".join(patterns))


# ── Components that are scraped twice ──


@dataclass(frozen=True)
class Scraping:
    """What one collector of a run scrapes: its name, the nodes that it is on, and its recipes."""

    collector: str
    node_selection: str
    recipes: Sequence[Any]


class _ScrapedComponent(NamedTuple):
    """A critical component, and the recipe that scrapes it."""

    name: str
    recipe: str


def check_scraped_once(scrapings: Iterable[Scraping]) -> None:
    """Raise Problem if two collectors on the same nodes, or two recipes of one, scrape the same component."""
    scraper_by_component: dict[tuple[str, str], str] = {}
    for scraping in scrapings:
        for component in _list_scraped(scraping.recipes):
            scraper = f"recipe '{component.recipe}' of '{scraping.collector}'"
            other_scraper = scraper_by_component.get((scraping.node_selection, component.name))
            if other_scraper:
                wrong = f"{component.name} is scraped twice: by {other_scraper}, and by {scraper}"
                fix = f"Remove {component.name} from one of the two. For `detect`, use the recipe once."
                raise Problem(wrong, fix=fix)
            scraper_by_component[scraping.node_selection, component.name] = scraper


def _list_scraped(recipes: Iterable[Any]) -> list[_ScrapedComponent]:
    """Return the critical components that a collector scrapes, by this recipe or by `control_plane_metrics`."""
    scraped_components = [_ScrapedComponent(name, RECIPE) for name in list_components(recipes)]
    name_by_control_plane = {row.control_plane: name for name, row in COMPONENTS.items() if row.control_plane}
    for use in read_recipe_uses(recipes):
        if use.name != _CONTROL_PLANE_RECIPE:
            continue
        for part in _split_names(use.options.get("components") or "apiserver"):
            if part in name_by_control_plane:
                scraped_components.append(_ScrapedComponent(name_by_control_plane[part], _CONTROL_PLANE_RECIPE))
    return scraped_components
