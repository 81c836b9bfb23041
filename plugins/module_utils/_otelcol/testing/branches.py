# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The branches of a config: its parts that a record takes or not, such as a statement, a condition or a route. Private.

For example, the component

    processors: {log_dedup: {conditions: [log.body == "x"]}}

has the branch `processors.log_dedup.conditions[0]`. There are two kinds of branches:

- Of most, a probe can tell whether a record takes them. processor_steps.py, sampling_branches.py and
  connector_branches.py list these.
- Of the others, as the one above, nobody can tell: they look like conditions in a component that no probe knows. They
  are listed here, so that a report names them as unknown.

`list_branches` returns all of them, each as a `Branch` (branch_model.py). coverage.py in plugin_utils calls it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..config.paths import Path, iter_leaves, mapping_at
from ..config.pipelines import PipelineGraph
from ..languages.ottl_language import OttlLanguage
from ..traits import CONNECTORS, Trait, kind_of, types_with_traits
from .branch_model import NOT_PROBED, Branch, Settings
from .connector_branches import list_branches_of_counts, list_branches_of_routes
from .processor_steps import list_branches_of_steps
from .sampling_branches import list_branches_of_policies
from .step_lists import STEP_LISTS_BY_KIND

# What lists the branches of a component, by its section and type. Processors with steps have processor_steps.py.
_BRANCH_LISTERS_BY_KIND: dict[tuple[str, str], Callable[[Path, Settings], Iterator[Branch]]] = {
    ("processors", "tailsampling"): list_branches_of_policies,
    (CONNECTORS, "routing"): list_branches_of_routes,
}
for _kind in types_with_traits(CONNECTORS, Trait.COUNTS_BY_CONDITION):
    _BRANCH_LISTERS_BY_KIND[CONNECTORS, _kind] = list_branches_of_counts
# Keys below which a component has statements or conditions in OTTL or expr.
_CONDITION_KEYS = {"condition", "conditions", "statement", "statements", "if", "expr"}
# Keys of mappings that select records.
_SELECTOR_KEYS = ("include", "exclude")


def list_branches(config: Mapping[str, Any], language: OttlLanguage) -> list[Branch]:
    """Return the branches of the components in pipelines, in the order of the config.

    Settings below a key with white space in it have none: the Collector drops them.
    """
    graph = PipelineGraph.of(config)
    all_branches: list[Branch] = []
    for role in ("receivers", "processors", "connectors"):
        for component, settings in mapping_at(config, role).items():
            if graph.has_component(component):
                all_branches += _list_branches_of_component((role, component), settings, language)
    return all_branches


def _list_branches_of_component(path: Path, settings: Any, language: OttlLanguage) -> Iterator[Branch]:
    """Yield the branches of a component: first those that probes can tell of, then the others."""
    probed_paths = set()
    for branch in _list_probed_branches(path, settings, language):
        probed_paths.add(branch.path)
        yield branch
    for branch in _list_unprobed_branches(path, settings):
        if branch.path not in probed_paths:
            yield branch


def _list_probed_branches(path: Path, settings: Any, language: OttlLanguage) -> Iterator[Branch]:
    """Yield the branches of a component of which probes can tell whether a record takes them."""
    role, kind = str(path[0]), kind_of(str(path[1]))
    if not isinstance(settings, Mapping):
        return
    if role == "processors" and kind in STEP_LISTS_BY_KIND:
        yield from list_branches_of_steps(path, kind, settings, language)
    elif (role, kind) in _BRANCH_LISTERS_BY_KIND:
        yield from _BRANCH_LISTERS_BY_KIND[role, kind](path, settings)


def _list_unprobed_branches(path: Path, settings: Any) -> Iterator[Branch]:
    """Yield a branch of unknown state for each text that looks like a statement or condition, and each selector.

    A selector is a mapping `include` or `exclude`, which selects records.
    """
    selector_paths: dict[Path, None] = {}
    for setting_path, value in iter_leaves(settings, path):
        if isinstance(value, str) and _has_condition_key(setting_path):
            yield Branch(setting_path, value, unknown_reason=NOT_PROBED)
        selector_paths |= dict.fromkeys(_list_selectors_above(setting_path))
    for selector_path in selector_paths:
        yield Branch(selector_path, str(selector_path[-1]), unknown_reason=NOT_PROBED)


def _has_condition_key(setting_path: Path) -> bool:
    """Whether the last key of a path below a component, list indexes aside, is one of statements or conditions."""
    keys = [path_part for path_part in setting_path[2:] if isinstance(path_part, str)]
    return bool(keys) and keys[-1] in _CONDITION_KEYS


def _list_selectors_above(setting_path: Path) -> Iterator[Path]:
    """Yield the path of each `include` or `exclude` around a setting."""
    for length in range(1, len(setting_path)):
        path_above, part_below = setting_path[:length], setting_path[length]
        is_mapping = isinstance(part_below, str)
        if path_above[-1] in _SELECTOR_KEYS and is_mapping:
            yield path_above
