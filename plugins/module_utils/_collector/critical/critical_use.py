# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The recipe `critical_components` of a collector: which components of its cluster it scrapes. Private.

A critical component is a part that a cluster depends on, such as CoreDNS; `critical_table.py` has all of them. The
render of a collector calls `replace_detect` before it renders the recipe, and `check_scraped_once` for all collectors
of a run.

Example: on a cluster with CoreDNS, `critical_components: {components: [detect, keda]}` becomes
`critical_components: {components: [keda, coredns]}`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..._otelcol.errors import Problem
from ..recipes import RecipeUse, read_recipe_uses
from .critical_row import CriticalComponent
from .critical_table import COMPONENTS

RECIPE = "critical_components"
# The item of option `components` that stands for all components that the cluster has.
DETECT = "detect"
# Another recipe that scrapes some of the same components.
_CONTROL_PLANE_RECIPE = "control_plane_metrics"
# The default of its option `components`.
_CONTROL_PLANE_DEFAULT = "apiserver"

PlatformFile = Mapping[str, Any]
"""The file of a platform, such as platforms/generic.yml. Here, its `name` and `control_plane` are read."""


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
    """Return the names of an option, which Ansible takes as a list or as a text such as `coredns, keda`."""
    names = names_option.split(",") if isinstance(names_option, str) else names_option or []
    return list(dict.fromkeys(str(name).strip() for name in names))


def detects_components(recipes: Iterable[Any]) -> bool:
    """Return whether a collector scrapes the components that its cluster has, so that a run must read these."""
    return DETECT in list_components(recipes)


def replace_detect(
    recipes: list[Any], detected: Sequence[str] | None, platform: PlatformFile, runs_one_pod: bool
) -> list[Any]:
    """Return the recipes of a collector with the components of its cluster in place of `detect`.

    `detected` are the components of the cluster; None if the run has read no cluster. Those that the platform keeps
    from pods are left out. So are those that only a collector with one pod may scrape, unless it has one
    (`runs_one_pod`). Raises Problem if no cluster was read, and if no component is left.
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


def _is_usable(component: CriticalComponent, platform: PlatformFile, runs_one_pod: bool) -> bool:
    """Return whether the platform lets pods scrape a component, and the collector may."""
    if not component.control_plane:
        return True
    target = platform["control_plane"].get(component.control_plane)
    if not target:
        return False
    # Of anything but pods, each copy of the collector would scrape the same target again.
    return runs_one_pod or target.get("role") == "pod"


def _set_components(recipe: Any, names: list[str]) -> Any:
    """Return a recipe as a collector lists it, with these components if it is the one of critical components."""
    if isinstance(recipe, Mapping) and RECIPE in recipe:
        return {RECIPE: {**recipe[RECIPE], "components": names}}
    return recipe


# ── Components that are scraped twice ──


@dataclass(frozen=True)
class ScrapingCollector:
    """A collector of a run: its name, the nodes that it is on, and its recipes."""

    name: str
    node_selection: str
    """Equal for collectors on the same nodes."""
    recipes: Sequence[Any]


class _ScrapedComponent(NamedTuple):
    """A critical component, and the recipe that scrapes it."""

    name: str
    recipe: str


class _ComponentOnNodes(NamedTuple):
    """A critical component, as the collectors with one selection of nodes may scrape it."""

    node_selection: str
    name: str


def check_scraped_once(collectors: Iterable[ScrapingCollector]) -> None:
    """Raise Problem if two collectors on the same nodes, or two recipes of one, scrape the same component.

    Collectors on different nodes may each scrape the pods of a component on their own nodes.
    """
    # The recipe and the collector that scrape a component, in words.
    scraper_by_component: dict[_ComponentOnNodes, str] = {}
    for collector in collectors:
        for component in _list_scraped(collector.recipes):
            component_on_nodes = _ComponentOnNodes(collector.node_selection, component.name)
            scraper = f"recipe '{component.recipe}' of '{collector.name}'"
            other_scraper = scraper_by_component.get(component_on_nodes)
            if other_scraper:
                wrong = f"{component.name} is scraped twice: by {other_scraper}, and by {scraper}"
                fix = f"Remove {component.name} from one of the two. For `detect`, use the recipe once."
                raise Problem(wrong, fix=fix)
            scraper_by_component[component_on_nodes] = scraper


def _list_scraped(recipes: Iterable[Any]) -> list[_ScrapedComponent]:
    """Return the critical components that a collector scrapes, by this recipe or by `control_plane_metrics`."""
    scraped_components = [_ScrapedComponent(name, RECIPE) for name in list_components(recipes)]
    name_by_control_plane = {row.control_plane: name for name, row in COMPONENTS.items() if row.control_plane}
    for use in read_recipe_uses(recipes):
        if use.name != _CONTROL_PLANE_RECIPE:
            continue
        for control_plane_name in _split_names(use.options.get("components") or _CONTROL_PLANE_DEFAULT):
            # The recipe also scrapes what the table does not have.
            if control_plane_name in name_by_control_plane:
                component_name = name_by_control_plane[control_plane_name]
                scraped_components.append(_ScrapedComponent(component_name, _CONTROL_PLANE_RECIPE))
    return scraped_components
